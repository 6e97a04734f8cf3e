"""Which helpers of the operating system are used."""

from __future__ import annotations

import os
import sys

# With $BENCHMARK_PORTABLE set, Linux is treated like macOS and Windows: workers are spawned, not forked, and nothing is
# read from /proc. Tests run so what cannot be run on those systems here.
LINUX = sys.platform == "linux" and not os.environ.get("BENCHMARK_PORTABLE")
