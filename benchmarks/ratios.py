"""What the benchmarks found, for run.py to make one table of: each tells its ratios where it prints them."""

from __future__ import annotations

import json
import os
from pathlib import Path

#: Names the file that ratios are told to, a JSON object a line; without it nothing is kept.
VARIABLE = "ASRLAB_RATIOS"


def tell(
    case: str, peer: str, *, time: float | None = None, cpu: float | None = None, memory: float | None = None
) -> None:
    """Tell how many times what asrlab takes another takes for the same: wall time, processor time, memory."""
    found = {"time": time, "cpu": cpu, "memory": memory}
    if file := os.environ.get(VARIABLE):
        row = {"case": case, "peer": peer, **{what: float(f"{n:.4g}") for what, n in found.items() if n is not None}}
        with Path(file).open("a", encoding="utf-8") as rows:
            rows.write(f"{json.dumps(row, ensure_ascii=False)}\n")
