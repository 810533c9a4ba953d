"""Digest: one name for what was asked and answered, that changes with every word of it."""

from __future__ import annotations

import hashlib
import json
from typing import Final

import pandas as pd

_NAMED: Final = ("utt_id", "condition", "repeat", "channel", "state", "text")


def digest(transcripts: pd.DataFrame) -> str:
    """Hash what was asked and what was answered, wherever it is kept and in whatever order.

    Parameters
    ----------
    transcripts : DataFrame
        A ``transcripts`` table.

    Returns
    -------
    str
        SHA-256 in 64 hexadecimal digits, of one line a row: utt_id, condition, repeat, channel, state and text as a
        JSON list in ASCII, in which ``<NA>`` is null; the lines sorted, each ended by a line feed.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"utt_id": "a", "condition": "none", "repeat": 0, "channel": 0, "state": "answered", "text": "yes"}
    >>> digest(pd.DataFrame([row]))[:12]
    '895b469c5771'
    >>> digest(pd.DataFrame([{**row, "text": "yet"}]))[:12]
    '4525ba2e90fd'
    """
    columns = []
    for name in _NAMED:
        place, values = pd.factorize(transcripts[name], use_na_sentinel=False)  # each value is written once
        written = [json.dumps(value if isinstance(value, str | int) else None) for value in values.tolist()]
        columns.append([written[k] for k in place.tolist()])
    lines = sorted(f"[{', '.join(row)}]\n" for row in zip(*columns, strict=True))
    return hashlib.sha256("".join(lines).encode("ascii")).hexdigest()
