"""Text and tables as Markdown in which nothing of the text is markup."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd


def escape(text: object) -> str:
    """Text from a record as one line of Markdown in which nothing is markup."""
    line = re.sub(r"[\x00-\x1f\x7f-\x9f]", "\ufffd", " ".join(str(text).split()))
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]|#!~$])", r"\\\1", line)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], n_left: int | None = None) -> str:
    """A pipe table of text cells; all but the first ``n_left`` columns are set flush right (None: none is)."""
    frame = pd.DataFrame(list(rows), columns=list(header))
    left = len(header) if n_left is None else n_left
    alignment = ["left" if place < left else "right" for place in range(len(header))]
    return str(frame.to_markdown(index=False, tablefmt="pipe", colalign=alignment, disable_numparse=True))
