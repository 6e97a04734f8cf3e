// The table, the legend of models and the charts. explorer.js follows and uses `report`.
"use strict";
const report = (() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const looks = new Map(data.models.map((model) => [model.name, model]));
  const hidden = new Set();
  const drawn = new Map(); // Chart element -> the function that draws it.
  const byId = (id) => document.getElementById(id);
  function bytes(base64) {
    const text = atob(base64);
    const found = new Uint8Array(text.length);
    for (let place = 0; place < text.length; place++) found[place] = text.charCodeAt(place);
    return found;
  }
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const config = {
    displaylogo: false, responsive: true, displayModeBar: window.matchMedia("(hover: hover)").matches ? "hover" : false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
  };

  // ---- tables to sort and to search ----
  function sortBy(table, header) {
    const button = header.querySelector("button");
    const column = header.cellIndex;
    const numeric = button.dataset.kind === "number";
    const before = header.getAttribute("aria-sort");
    const down = before ? before === "ascending" : "high" in button.dataset;
    const value = (row) => row.cells[column].dataset.sort;
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (!x || !y) return (x ? 0 : 1) - (y ? 0 : 1); // What was not measured stays last.
      return (numeric ? x - y : x.localeCompare(y)) * (down ? -1 : 1);
    });
    table.tBodies[0].append(...rows);
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
  }
  for (const whole of document.querySelectorAll(".sorts")) {
    const [table, choose, find] = ["table", ".choose", ".find"].map((which) => whole.querySelector(which));
    const filter = () => {
      const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      const rows = [...table.tBodies[0].rows];
      for (const row of rows) {
        const texts = [...row.cells].filter((cell) => !cell.classList.contains("number")).map((cell) => cell.textContent);
        row.hidden = (choose && choose.value && texts[1] !== choose.value) || !words.every((word) => texts.join(" ").toLowerCase().includes(word));
      }
      const number = new Intl.NumberFormat("en").format;
      whole.querySelector(".count").textContent = `${number(rows.filter((row) => !row.hidden).length)} of ${number(rows.length)} rows`;
    };
    for (const header of table.tHead.rows[0].cells) header.querySelector("button").onclick = () => sortBy(table, header);
    if (choose) choose.onchange = filter;
    find.oninput = filter;
  }

  // ---- charts ----
  function axis(own, extra) {
    return {
      gridcolor: css("--line"), linecolor: css("--edge"), zeroline: false, automargin: true, ...own, ...extra,
      title: { standoff: 10, font: { size: 13, color: css("--quiet") }, ...(own || {}).title },
    };
  }
  function layout(own, extra) {
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: "closest",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: css("--ink") },
      margin: { l: 10, r: 16, t: 14, b: 10 },
      hoverlabel: { bgcolor: css("--surface"), bordercolor: css("--edge"), font: { color: css("--ink"), size: 13 }, align: "left" },
      dragmode: config.displayModeBar ? "zoom" : false,
      ...own, ...extra, xaxis: axis(own.xaxis), yaxis: axis(own.yaxis),
      shapes: (own.shapes || []).map((shape) => ({ ...shape, line: { color: css("--edge"), width: 1, dash: "dot" } })),
    };
  }
  // The models that no other beats in cost and accuracy, cheapest first.
  function frontier(traces) {
    const points = traces.filter((trace) => trace.meta.model && trace.visible !== false);
    points.sort((a, b) => a.x[0] - b.x[0] || b.y[0] - a.y[0]);
    let best = -Infinity;
    return points.filter((trace) => trace.y[0] > best && ((best = trace.y[0]), true));
  }
  function painted(figure) {
    const traces = figure.data.map((source) => {
      const trace = { ...source };
      const { model, role } = trace.meta;
      if (role === "heat") {
        return { ...trace, colorscale: [[0, css("--surface")], [0.02, css("--soft")], [1, css("--heat")]] };
      }
      if (role === "grey") return { ...trace, colorscale: [[0, css("--line")], [1, css("--line")]] };
      const look = looks.get(model);
      const colour = !look ? css("--quiet") : dark.matches ? look.dark : look.light;
      trace.visible = !hidden.has(model);
      trace.line = { ...trace.line, color: colour };
      trace.marker = { symbol: look ? look.symbol : "circle", ...trace.marker, color: colour };
      trace.textfont = { size: 12, color: css("--ink") };
      for (const error of ["error_x", "error_y"]) if (trace[error]) trace[error] = { ...trace[error], color: colour, thickness: 1.6 };
      return trace;
    });
    const line = traces.find((trace) => trace.meta.role === "frontier");
    if (line) {
      const best = frontier(traces);
      line.x = best.map((trace) => trace.x[0]);
      line.y = best.map((trace) => trace.y[0]);
      line.line = { ...line.line, color: css("--edge"), width: 1.2, dash: "dot" };
      const wide = Math.log(line.x.at(-1) / line.x[0]) * 0.15;
      const high = (line.y.at(-1) - line.y[0]) * 0.08;
      best.forEach((trace, n) => {
        const near = n && Math.log(line.x[n] / line.x[n - 1]) < wide && line.y[n] - line.y[n - 1] < high;
        trace.text = [trace.name];
        // Above the line, but not on top of the name before; the first has the axis on its left.
        trace.textposition = near && best[n - 1].textposition !== "bottom right" ? "bottom right" : n ? "top left" : "top right";
        trace.textfont = { size: 12, color: css("--ink") };
      });
    }
    return traces;
  }
  function draw(element) {
    const choices = data.charts[element.dataset.key];
    const select = document.querySelector(`select[data-chart="${CSS.escape(element.dataset.key)}"]`);
    const figure = choices[select ? select.value : Object.keys(choices)[0]];
    // Room for what is written to the right of the outermost points.
    const noted = figure.data.some((trace) => trace.textposition === "middle right");
    return Plotly.react(element, painted(figure), layout(figure.layout, noted && { margin: { l: 10, r: 56, t: 14, b: 10 } }), config);
  }
  const redraw = () => drawn.forEach((make) => make());

  // ---- the legend ----
  const boxes = [...document.querySelectorAll("#legend input")];
  function switched() {
    hidden.clear();
    for (const box of boxes) if (!box.checked) hidden.add(box.value);
    byId("legend-count").textContent = `${boxes.length - hidden.size} of ${boxes.length} shown`;
    redraw();
  }
  for (const box of boxes) box.onchange = switched;
  for (const button of document.querySelectorAll("[data-switch]")) {
    button.onclick = () => {
      for (const box of boxes) box.checked = button.dataset.switch === "all";
      switched();
    };
  }
  const narrow = window.matchMedia("(max-width: 900px)");
  const fold = () => byId("legend") && (byId("legend").open = !narrow.matches);
  narrow.addEventListener("change", fold);
  fold();
  if (boxes.length) switched();

  // ---- start ----
  async function inflate() {
    const stream = new Blob([bytes(byId("plotly-source").textContent)]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    script.remove();
    if (!window.Plotly) throw new Error("the chart library did not start");
  }
  const pause = () => new Promise((done) => setTimeout(done));
  async function start() {
    try {
      await inflate();
    } catch (error) {
      byId("trouble").textContent = `Charts cannot be drawn in this browser (${error.message}); the tables are complete.`;
      byId("trouble").hidden = false;
      return;
    }
    for (const element of document.querySelectorAll(".chart[data-key]")) drawn.set(element, () => draw(element));
    for (const select of document.querySelectorAll("select[data-chart]")) {
      select.onchange = () => drawn.get(byId(`chart-${select.dataset.chart}`))();
    }
    for (const make of drawn.values()) {
      await make();
      await pause();
    }
    dark.addEventListener("change", redraw);
    document.documentElement.dataset.drawn = Math.round(performance.now());
  }
  return { data, bytes, byId, css, layout, config, drawn, start };
})();
