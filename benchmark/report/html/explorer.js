// The confusion matrix with its images, and two models compared image by image.
"use strict";
(() => {
  const { data, bytes, byId, css, layout, config, drawn } = report;
  const SHOWN = 12; // Of each side of a comparison.
  const words = (text) => text && new Uint16Array(bytes(text).buffer);
  const k = data.classes.length;
  // The confusion matrix is kept as its cells that are not empty.
  function counted({ cells }) {
    const counts = new Map();
    const totals = new Array(k).fill(0);
    for (let at = 0; at < cells.length; at += 3) {
      counts.set(cells[at] * k + cells[at + 1], cells[at + 2]);
      totals[cells[at]] += cells[at + 2];
    }
    return { totals, counts, count: (i, j) => counts.get(i * k + j) || 0 };
  }
  const runs = new Map(Object.entries(data.runs).map(([name, run]) => [name, {
    ...run, ...counted(run), predicted: words(run.predicted), top: words(run.top), probabilities: words(run.probabilities),
  }]));
  const labels = words(data.labels);
  const images = data.images;
  const slots = new Map(images ? images.positions.map((place, slot) => [place, slot]) : []);
  const number = new Intl.NumberFormat("en").format;
  const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const perCent = (share) => (share > 0 && share < 0.005 ? "<1%" : share >= 0.995 && share < 1 ? ">99%" : `${Math.round(share * 100)}%`);

  if (images) {
    const url = URL.createObjectURL(new Blob([bytes(images.png)], { type: "image/png" }));
    const rule = document.createElement("style");
    rule.textContent = `.picture { background-image: url("${url}"); background-size: ${images.columns * 100}% ${images.rows * 100}%;
      aspect-ratio: ${images.width} / ${images.height}; }`;
    document.head.append(rule);
  }

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  // One image with what it is, what a model takes it for, and the three largest probabilities of `run`.
  function thumb(place, run, said) {
    const slot = slots.get(place);
    const actual = data.classes[labels[place]];
    const item = element("li", "thumb");
    const picture = element("div", "picture");
    const across = images.columns > 1 ? ((slot % images.columns) / (images.columns - 1)) * 100 : 0;
    const down = images.rows > 1 ? (Math.floor(slot / images.columns) / (images.rows - 1)) * 100 : 0;
    picture.style.backgroundPosition = `${across}% ${down}%`;
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", `Test image ${images.numbers[slot]}: ${actual}`);
    picture.title = `test image ${images.numbers[slot]}`;
    item.append(picture, element("p", "", `is ${actual}`));
    item.append(element("p", "quiet", said));
    if (run.top) {
      const bars = element("ul", "bars");
      const n = run.top.length / images.positions.length;
      for (let rank = 0; rank < n; rank++) {
        const index = run.top[slot * n + rank];
        const share = run.probabilities[slot * n + rank] / 65535;
        const bar = element("i", index === labels[place] ? "actual" : rank === 0 ? "wrong" : "");
        bar.style.width = `${share * 100}%`;
        const line = element("li");
        line.append(element("span", "", data.classes[index]), element("span", "", perCent(share)), bar);
        bars.append(line);
      }
      item.append(bars);
    }
    return item;
  }
  const sureness = (run, place) => (run.probabilities ? run.probabilities[(slots.get(place) * run.probabilities.length) / images.positions.length] : 0);
  const pictured = (wanted) => (images ? images.positions.filter(wanted) : []);
  const without = () => (images ? "" : " There are no images: they were not available when this page was written.");

  // ---- confusion ----
  const chosen = { model: byId("confusion-model"), actual: byId("confusion-actual"), predicted: byId("confusion-predicted") };
  const chart = byId("confusion-chart");
  const current = () => runs.get(chosen.model.value);
  function largestError({ counts }) {
    let [best, most] = [[0, Math.min(1, k - 1)], 0];
    for (const [cell, count] of [...counts].sort(([a], [b]) => a - b)) {
      const [i, j] = [Math.floor(cell / k), cell % k];
      if (i !== j && count > most) [best, most] = [[i, j], count];
    }
    return best;
  }
  function drawMatrix() {
    const run = current();
    const { totals } = run;
    const confusion = totals.map((_, i) => totals.map((_, j) => run.count(i, j)));
    const share = confusion.map((row, i) => row.map((count) => count / Math.max(totals[i], 1)));
    const small = chart.clientWidth < 560;
    const names = data.classes.map(escaped);
    const ticks = { tickvals: names.map((_, i) => i), ticktext: names, showgrid: false, ticks: "", fixedrange: true };
    const [i, j] = [Number(chosen.actual.value), Number(chosen.predicted.value)];
    chart.style.height = `${Math.min(chart.clientWidth, Math.max(small ? 400 : 520, k * 24))}px`;
    const trace = {
      // A square root spreads the few per cent in which models differ.
      type: "heatmap", z: share.map((row) => row.map(Math.sqrt)), zmin: 0, zmax: 1, showscale: false, xgap: 1, ygap: 1,
      colorscale: [[0, css("--surface")], [0.02, css("--soft")], [1, css("--heat")]],
      text: share.map((row) => row.map((v) => (v < 0.0005 || k > 20 ? "" : (v * 100).toFixed(small ? 0 : 1).replace(/^0$/, "")))),
      texttemplate: "%{text}", textfont: { size: small ? 9 : 12 },
      customdata: confusion.map((row, a) => row.map((count, b) => `${names[a]} classified as ${names[b]}<br>${number(count)} of ${number(totals[a])} (${(share[a][b] * 100).toFixed(1)}%)`)),
      hovertemplate: "%{customdata}<extra></extra>",
    };
    const box = { type: "rect", x0: j - 0.5, x1: j + 0.5, y0: i - 0.5, y1: i + 0.5, line: { color: css("--wrong"), width: 2.5 } };
    const own = {
      xaxis: { ...ticks, title: { text: "predicted" }, tickangle: small ? -90 : -35, side: "bottom" },
      yaxis: { ...ticks, title: { text: "actual" }, autorange: "reversed" },
    };
    const [a, b] = largestError(run);
    chart.setAttribute("aria-label", `Confusion matrix of ${chosen.model.value}, per cent of each actual class. The most frequent error: ` +
      `${confusion[a][b]} of ${totals[a]} images of ${data.classes[a]} are misclassified as ${data.classes[b]}.`);
    return Plotly.react(chart, [trace], layout(own, { shapes: [box], dragmode: false }), { ...config, displayModeBar: false }).then(() => {
      chart.removeAllListeners("plotly_click");
      chart.on("plotly_click", ({ points: [point] }) => {
        chosen.actual.value = point.y;
        chosen.predicted.value = point.x;
        chooseCell();
      });
    });
  }
  function showCell() {
    const run = current();
    const [i, j] = [Number(chosen.actual.value), Number(chosen.predicted.value)];
    const [count, total] = [run.count(i, j), run.totals[i]];
    const which = run.seeds > 1 ? `, first of ${run.seeds} seeds` : "";
    const found = run.predicted ? pictured((place) => labels[place] === i && run.predicted[place] === j) : [];
    found.sort((a, b) => (sureness(run, b) - sureness(run, a)) * (i === j ? -1 : 1));
    const shown = found.slice(0, data.perCell);
    const verb = i === j ? "are classified correctly" : `are misclassified as ${data.classes[j]}`;
    let said = `${chosen.model.value}${which}: ${number(count)} of ${number(total)} images of ${data.classes[i]} ${verb} (${((count / Math.max(total, 1)) * 100).toFixed(1)}%).`;
    if (!run.predicted) said += " The predictions of this run cannot be read, so there is nothing to show.";
    else if (shown.length < count) said += ` ${shown.length ? `${shown.length} are` : "None is"} shown.`;
    byId("confusion-said").textContent = said + without();
    byId("confusion-images").replaceChildren(...shown.map((place) => thumb(place, run, i === j ? "classified correctly" : `classified as ${data.classes[j]}`)));
  }
  function chooseCell() {
    showCell();
    if (window.Plotly && chart) drawMatrix();
  }
  if (chosen.model) {
    [chosen.actual.value, chosen.predicted.value] = largestError(current());
    for (const select of Object.values(chosen)) select.onchange = chooseCell;
    if (chart) drawn.set(chart, drawMatrix);
    showCell();
  }

  // ---- two models ----
  const pair = [byId("compare-first"), byId("compare-second")];
  function compare() {
    const both = pair.map((select) => [select.value, runs.get(select.value)]);
    const [[first, a], [second, b]] = both;
    for (const id of ["compare-images-first", "compare-images-second", "compare-counts"]) byId(id).replaceChildren();
    byId("compare-title-first").textContent = byId("compare-title-second").textContent = "";
    if (!a.predicted || !b.predicted) {
      const absent = both.filter(([, run]) => !run.predicted).map(([name]) => name);
      byId("compare-said").textContent = `The predictions of ${absent.join(" and ")} cannot be read or are of other images.`;
      return;
    }
    const right = (run, place) => run.predicted[place] === labels[place];
    const counts = [0, 0, 0, 0];
    labels.forEach((_, place) => { counts[(right(a, place) ? 0 : 2) + (right(b, place) ? 0 : 1)] += 1; });
    const titles = ["both right", `only ${first}`, `only ${second}`, "both wrong"];
    byId("compare-counts").replaceChildren(...titles.map((title, n) => {
      const group = element("div");
      group.append(element("dt", "", title), element("dd", "", number(counts[n])));
      return group;
    }));
    byId("compare-said").textContent = `Of ${number(labels.length)} test images, ${number(counts[1])} are right by ${first} alone and ${number(counts[2])} by ${second} alone.` + without();
    const sides = [["first", both, counts[1]], ["second", [both[1], both[0]], counts[2]]];
    for (const [side, [[name, run], [rivalName, rival]], count] of sides) {
      const found = pictured((place) => right(run, place) && !right(rival, place));
      found.sort((x, y) => sureness(run, y) - sureness(run, x));
      const shown = found.slice(0, SHOWN);
      if (images) byId(`compare-title-${side}`).textContent = `Right by ${name}, wrong by ${rivalName}` + (shown.length < count ? ` (${shown.length} of ${number(count)})` : "");
      byId(`compare-images-${side}`).replaceChildren(...shown.map((place) => thumb(place, run, `${rivalName}: ${data.classes[rival.predicted[place]]}`)));
    }
  }
  if (pair[0]) {
    // The first two that differ in family, in the order of the leaderboard; else the first two.
    const [best, ...others] = data.models;
    pair[0].value = best.name;
    pair[1].value = (others.find((model) => model.family !== best.family) || others[0]).name;
    for (const select of pair) select.onchange = compare;
    compare();
  }
})();
report.start();
