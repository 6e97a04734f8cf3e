"""What records of schema 1 say, in the words of schema 2.

Schema 2 names the unit of work a run and the families baseline and network, says of a network whether it is a CNN and
whether it is pre-trained, and has room for folds, groups, further metrics, latency, warnings and decision values.
"""

from __future__ import annotations

from typing import Any

FAMILIES = {"classical": "baseline", "deep": "network"}


def upgrade(content: dict[str, Any]) -> dict[str, Any]:
    """The content of a file of schema 1 as one of schema 2; that of any other version as it is.

    Raises
    ------
    KeyError, TypeError, AttributeError
        If it is not what schema 1 says.
    """
    if content.get("schema_version") != 1:
        return content
    content = {**content, "schema_version": 2}
    if "cell" not in content:  # A data set's summary, its audit or a search: only fields were added.
        return content
    content["run"] = content.pop("cell")
    model = content["model"]
    network = model["family"] == "deep"
    content["model"] = {
        **model,
        "family": FAMILIES[model["family"]],
        # Schema 1 did not say. Of this suite's networks one has no convolutions and one a pre-trained backbone.
        "convolutional": network and model["params"].get("network") != "mlp",
        "pretrained": "ImageNet" if network and "backbone" in model["params"] else None,
    }
    if content.get("predictions") is not None:
        predictions = dict(content["predictions"])
        predictions["scores"] = "probabilities" if predictions.pop("has_probabilities") else None
        content["predictions"] = predictions
    return content
