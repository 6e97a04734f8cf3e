"""The index over a collection's data sets."""

from __future__ import annotations

from benchmark.report import index

TWO = ("cat", "dog")


def test_it_lists_the_data_sets_that_have_a_report(tmp_path, make_collection):
    store = make_collection(
        tmp_path, [("knn", "baseline", 20), ("cnn-simple", "network", 4)], seeds=(0,), class_names=TWO
    )
    assert index.write(store, tmp_path / "reports") is None
    folder = tmp_path / "reports" / "made"
    (folder / "synthetic").mkdir(parents=True)
    (folder / "synthetic" / "README.md").write_text("a report")
    assert index.write(store, tmp_path / "reports") == folder / "index.html"
    page = (folder / "index.html").read_text()
    assert '<a href="synthetic/README.md">Markdown</a>' in page
    assert "report.html" not in page
    (folder / "synthetic" / "report.html").write_text("a page")
    index.write(store, tmp_path / "reports")
    assert '<a href="synthetic/report.html">interactive</a>' in (folder / "index.html").read_text()
    (row,) = [line for line in (folder / "README.md").read_text().splitlines() if "synthetic/" in line]
    assert [run.strip() for run in row.strip("|").split("|")] == [
        "Synthetic",
        "full",
        "2",
        "2",
        "cnn-simple, 96.00%",
        "knn, 80.00%",
        "+16.00 points",
        "2025-01-01",
        "[interactive](synthetic/report.html)",
        "[Markdown](synthetic/README.md)",
    ]
