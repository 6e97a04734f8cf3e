"""Text and tables as Markdown in which nothing of the text is markup."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from benchmark.utils.format import printable


def escape(text: object) -> str:
    """Text from a record as one line of Markdown in which nothing is markup."""
    line = printable(" ".join(str(text).split()))
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]|#!~$])", r"\\\1", line)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool]) -> str:
    """A pipe table of text cells; columns that are ``numeric`` are set flush right."""
    frame = pd.DataFrame(list(rows), columns=list(header))
    alignment = ["right" if flush_right else "left" for flush_right in numeric]
    return str(frame.to_markdown(index=False, tablefmt="pipe", colalign=alignment, disable_numparse=True))
