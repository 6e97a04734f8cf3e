"""A collection rewritten in the present schema."""

from __future__ import annotations

import json
from collections.abc import Callable

from benchmark.records import npz
from benchmark.records.schema import Predictions
from benchmark.records.store import Store
from benchmark.records.upgrade import upgrade
from benchmark.utils.files import read_text, write_atomically


def migrate(store: Store, dataset: str, on_skipped: Callable[[str], None]) -> int:
    """Rewrite what a collection has of a data set in the present schema, predictions included.

    Returns
    -------
    int
        How many records were rewritten. What cannot be read is left as it is and passed to ``on_skipped``.
    """
    stored, problems = store.read_all(dataset)
    for problem in problems:
        on_skipped(str(problem))
    with store.locked():
        for found in stored:
            record, run, name = found.record, found.record.run.to_run(), found.path.stem
            if record.predictions is not None:
                content, scores = npz.pack_predictions(found.predictions(), run)
                file, sha256 = store.write_predictions(run, name, content)
                predictions = Predictions(file=file, sha256=sha256, scores=scores)
                record = record.model_copy(update={"predictions": predictions})
            store.write(record, name)
        for path in (store.folder / dataset).glob("*.json"):
            upgraded = upgrade(json.loads(read_text(path)))
            write_atomically(path, (json.dumps(upgraded, indent=1, ensure_ascii=False) + "\n").encode())
    return len(stored)
