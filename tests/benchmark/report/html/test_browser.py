"""The page in a real browser: what a reader does, with mouse and keyboard, wide, narrow and dark."""

from __future__ import annotations

import shutil
import time

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")

# Text whose contrast with what is behind it falls short of WCAG 2.2 AA; large text needs less.
LOW_CONTRAST = """() => {
  const channel = (v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] !== 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest("svg, script, option")) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(parse(style.color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) found.push(element.outerHTML.slice(0, 80));
  }
  return found;
}"""
UNLABELLED = """() => [...document.querySelectorAll("input, select, button, [role=img], section")].filter((element) => {
  const by = element.getAttribute("aria-labelledby");
  const named = by ? document.getElementById(by) : null;
  const words = [named, element.closest("label"), element.matches("button") ? element : null];
  const text = element.getAttribute("aria-label");
  return !text && !words.some((one) => one && one.textContent.trim());
}).map((element) => element.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def visit(browser):
    """Open a file; what the console says and what is asked of a network are in the page's ``troubles``."""

    def go(path, **context):
        page = browser.new_context(**context).new_page()
        page.set_default_timeout(10_000)
        page.troubles = []
        page.on("console", lambda message: page.troubles.append(message.text))
        page.on("pageerror", lambda error: page.troubles.append(str(error)))
        page.on("dialog", lambda dialog: page.troubles.append(dialog.message))
        own = path.as_uri()
        page.on("request", lambda r: r.url.startswith((own, "data:", "blob:")) or page.troubles.append(r.url))
        page.goto(own)
        page.wait_for_selector("html[data-drawn]", timeout=60_000)
        return page

    return go


@pytest.fixture(scope="module")
def page(visit, write_html, full):
    return visit(write_html(full), viewport={"width": 1280, "height": 900})


@pytest.fixture(autouse=True)
def quiet(page):
    """No test may leave an error in the console or a request to a network."""
    yield
    assert page.troubles == []


def choose(page, label, value):
    page.get_by_role("combobox", name=label, exact=True).select_option(value)


def until(page, expression):
    """Wait for an expression to hold; the page's policy forbids what playwright itself would do."""
    end = time.monotonic() + 10
    while not page.evaluate(expression):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(20)


def column(page, index):
    return page.locator(f"#leaderboard .sortable tbody tr:visible > :nth-child({index})").all_inner_texts()


def sorted_by(page):
    how = "all => all.map(e => [e.textContent.trim(), e.getAttribute('aria-sort')])"
    return page.eval_on_selector_all("[aria-sort]", how)


def test_every_chart_is_drawn(page):
    charts = page.locator(".chart").count()
    assert charts == 11
    drawn = "all => all.map(e => e._fullData.length > 0 && e.querySelectorAll('svg.main-svg').length > 0)"
    assert page.eval_on_selector_all(".chart", drawn) == [True] * charts


def test_a_heading_sorts_its_column_both_ways(page):
    fit = page.get_by_role("button", name="fit", exact=True)
    fit.click()
    assert sorted_by(page) == [["fit", "ascending"]]
    assert column(page, 1) == ["knn", "svm-rbf", "cnn-simple", "cnn-augmented"]
    fit.focus()
    page.keyboard.press("Enter")
    assert sorted_by(page) == [["fit", "descending"]]
    assert column(page, 1) == ["cnn-augmented", "cnn-simple", "svm-rbf", "knn"]
    page.get_by_role("button", name="test accuracy").click()
    assert sorted_by(page) == [["test accuracy", "descending"]]
    assert column(page, 3) == sorted(column(page, 3), reverse=True)


def test_numbers_sort_as_numbers_and_what_was_not_measured_stays_last(page):
    values = {"knn": "9", "svm-rbf": "100", "cnn-simple": "20", "cnn-augmented": ""}
    memory = page.get_by_role("button", name="peak memory")
    memory.evaluate(
        """(button, values) => document.querySelectorAll("#leaderboard .sortable tbody tr").forEach((row) => {
            row.cells[button.closest("th").cellIndex].dataset.sort = values[row.cells[0].textContent];
        })""",
        values,
    )
    memory.click()
    assert column(page, 1) == ["knn", "cnn-simple", "svm-rbf", "cnn-augmented"]
    memory.click()
    assert column(page, 1) == ["svm-rbf", "cnn-simple", "knn", "cnn-augmented"]


def test_filters_by_family_and_by_text(page):
    choose(page, "Family", "baseline")
    assert sorted(column(page, 1)) == ["knn", "svm-rbf"]
    assert page.locator("#leaderboard .count").inner_text() == "2 of 4 rows"
    page.get_by_label("Find").fill("SVM")
    assert column(page, 1) == ["svm-rbf"]
    page.get_by_label("Find").fill("nothing like it")
    assert column(page, 1) == []
    page.get_by_label("Find").fill("")
    choose(page, "Family", "")
    assert len(column(page, 1)) == 4


def shown(page, model):
    """Whether the model's traces are visible, chart by chart."""
    return page.eval_on_selector_all(
        ".chart[data-key]",
        "(all, model) => all.map(e => e.data.filter(t => t.meta.model === model).map(t => t.visible)).flat()",
        model,
    )


def test_the_legend_switches_a_model_in_every_chart(page):
    box = page.get_by_role("checkbox", name="cnn-augmented")
    assert set(shown(page, "cnn-augmented")) == {True}
    frontier = "document.getElementById('chart-cost').data[0].x.length"
    points = page.evaluate(frontier)
    box.focus()
    page.keyboard.press("Space")
    assert set(shown(page, "cnn-augmented")) == {False}
    assert set(shown(page, "cnn-simple")) == {True}
    assert page.evaluate(frontier) == points - 1
    assert page.locator("#legend-count").inner_text() == "3 of 4 shown"
    page.get_by_role("button", name="None").click()
    assert set(shown(page, "knn")) == {False}
    page.get_by_role("button", name="All", exact=True).click()
    assert set(shown(page, "cnn-augmented")) == {True}


def test_another_cost_and_another_score_can_be_chosen(page):
    title = "document.querySelector('{}').layout.xaxis.title.text"
    choose(page, "Cost", "Peak memory")
    assert page.evaluate(title.format("#chart-cost")) == "Peak memory"
    choose(page, "Score", "Recall by class, hardest on top")
    assert page.evaluate(title.format("#chart-per-class")) == "Recall, mean over seeds"
    choose(page, "Corruption", "noise")
    first = page.evaluate("document.getElementById('chart-robustness').data[0].y.at(-1)")
    assert first == pytest.approx(0.4)


def test_a_cell_of_the_confusion_matrix_shows_its_images(page, full):
    choose(page, "Model", "knn")
    (knn,) = (s for s in full.evidence.summaries if s.name == "knn")
    confusion = knn.records[0].test.confusion
    for keyboard, (actual, predicted) in ((False, (1, 2)), (True, (3, 4)), (True, (5, 5)), (True, (6, 9))):
        if keyboard:
            choose(page, "Actual", str(actual))
            choose(page, "Predicted", str(predicted))
        else:
            spot = page.evaluate(
                """([i, j]) => {
                    const chart = document.getElementById("confusion-chart");
                    chart.scrollIntoView({ block: "center", behavior: "instant" });
                    const { xaxis, yaxis } = chart._fullLayout, box = chart.getBoundingClientRect();
                    return [box.left + xaxis._offset + xaxis.d2p(j), box.top + yaxis._offset + yaxis.d2p(i)];
                }""",
                [actual, predicted],
            )
            page.mouse.move(*spot)
            page.mouse.click(*spot)
            until(page, "document.getElementById('confusion-actual').value === '1'")
        count, total = confusion[actual][predicted], sum(confusion[actual])
        said = page.locator("#confusion-said").inner_text()
        assert f"{count} of {total} images of {full.evidence.class_names[actual]}" in said
        thumbs = page.locator("#confusion-images .thumb")
        assert thumbs.count() == min(count, 12)
        for thumb in thumbs.all_inner_texts():
            assert thumb.startswith(f"is {full.evidence.class_names[actual]}")
            assert len([line for line in thumb.splitlines() if line.endswith("%")]) == 3


def test_two_models_are_compared_image_by_image(page, full):
    choose(page, "First", "knn")
    choose(page, "Second", "cnn-augmented")
    right = []
    for name in ("knn", "cnn-augmented"):
        (summary,) = (s for s in full.evidence.summaries if s.name == name)
        arrays = full.evidence.predictions(summary.stored[0])
        right.append(arrays["test_predicted"] == arrays["test_labels"])
    a, b = right
    wanted = [(a & b).sum(), (a & ~b).sum(), (~a & b).sum(), (~a & ~b).sum()]
    assert page.locator("#compare-counts dd").all_inner_texts() == [str(count) for count in wanted]
    assert page.locator("#compare-images-first .thumb").count() == min(wanted[1], 12)
    assert page.locator("#compare-images-second .thumb").count() == min(wanted[2], 12)
    assert page.locator("#compare-title-second").inner_text().startswith("Right by cnn-augmented, wrong by knn")


def test_the_keyboard_comes_to_the_report_at_once(page):
    assert page.evaluate("document.querySelector('a, button, input, select, [tabindex]').className") == "skip"
    page.keyboard.press("Shift")
    page.locator(".skip").focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_dark_mode_recolours_page_and_charts_and_both_can_be_read(page):
    colour = (
        "[getComputedStyle(document.body).backgroundColor, document.getElementById('chart-cost').layout.font.color]"
    )
    light = page.evaluate(colour)
    assert page.evaluate(LOW_CONTRAST) == []
    page.emulate_media(color_scheme="dark")
    until(page, "document.getElementById('chart-cost').layout.font.color === '#e6e8ec'")
    dark = page.evaluate(colour)
    assert page.evaluate(LOW_CONTRAST) == []
    assert dark[0] != light[0]
    paint = page.evaluate("document.getElementById('chart-cost').data.find(t => t.meta.model === 'knn').marker.color")
    assert paint == page.evaluate("report.data.models.find(m => m.name === 'knn').dark")
    page.emulate_media(color_scheme="light")


def test_every_control_picture_and_section_has_a_name(page):
    assert page.evaluate(UNLABELLED) == []
    assert page.locator("main").count() == page.locator("h1").count() == 1


def test_a_phone_scrolls_in_one_direction_only(page):
    before = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 844})
    until(page, "!document.getElementById('legend').open")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    box = page.evaluate("(e => [e.scrollWidth, e.clientWidth])(document.querySelector('#leaderboard .scroll'))")
    assert box[0] > box[1]
    page.set_viewport_size(before)


def test_hostile_records_do_nothing(visit, write_html, hostile):
    attacked = visit(write_html(hostile), viewport={"width": 390, "height": 844})
    choose(attacked, "Actual", "1")
    assert "</script><img" in attacked.locator("#confusion-said").inner_text()
    assert attacked.evaluate("window.hacked") is None
    assert attacked.locator("img:not(.photo)").count() == 0
    assert attacked.evaluate("document.documentElement.scrollWidth") == 390
    assert attacked.troubles == []


def test_without_images_and_predictions_the_page_says_so(visit, write_html, tmp_path, make_collection, make_contents):
    store = make_collection(tmp_path, (("knn", "baseline", 20), ("svm-rbf", "baseline", 14)), seeds=(0,))
    (npz,) = (store.folder / "synthetic" / "svm-rbf").glob("*.npz")
    npz.unlink()
    poor = visit(write_html(make_contents(store)))
    choose(poor, "Model", "svm-rbf")
    assert "cannot be read" in poor.locator("#confusion-said").inner_text()
    assert "no images" in poor.locator("#confusion-said").inner_text()
    assert "svm-rbf cannot be read" in poor.locator("#compare-said").inner_text()
    assert poor.troubles == []
