"""Times: when the steps of alignments were heard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd

from asrlab import tables
from asrlab.scoring.edits import edits
from asrlab.views.markup import is_missing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asrlab.views.answers import Row

#: Begin and end of a step, in seconds; None where not known.
Span: TypeAlias = tuple[float | None, float | None]


def words_of(words: pd.DataFrame | None, utt_id: str) -> pd.DataFrame | None:
    """Take the words of an utterance, and those that name none: they may be of any. None where there are none."""
    if words is not None and "utt_id" in words.columns:
        words = words[((words["utt_id"] == utt_id) | words["utt_id"].isna()).fillna(False).to_numpy(bool)]
    return None if words is None or words.empty else words


def spans(
    rows: Mapping[int, Row], reference: str, channel: int | None, recipe: Mapping[str, Any], words: pd.DataFrame
) -> dict[int, list[Span]]:
    """Find when each step of each row was heard.

    Parameters
    ----------
    rows : mapping of int to dict
        Rows of scores with their answers, of one utterance, by number.
    reference : str
        What they were marked against, as :func:`asrlab.align` reads it.
    channel : int or None
        Its channel; None where channels were joined.
    recipe : mapping
        Language, unit, normalizer and ties, as :func:`asrlab.align` takes them.
    words : DataFrame
        Words of the utterance, as in :func:`asrlab.edits`.

    Returns
    -------
    dict of int to list
        A span for each step of the alignment, by the number of the row.

    Raises
    ------
    InvalidInput
        If the words are of none of these answers, or may be of several.
    """
    axes = [name for name in words.columns if name not in tables.SCHEMAS["words"]]
    named = ["trial", "utt_id", "condition", "repeat", "text"]
    heard = [
        {name: row[name] for name in (*named, *axes) if name in row} | {"channel": row["channel"] or 0, "line": n}
        for n, row in rows.items()
    ]
    said = {"utt_id": [next(iter(rows.values()))["utt_id"]], "channel": [channel or 0], "text": [reference]}
    channels = "joined" if channel is None else "each"
    found = edits(
        pd.DataFrame(heard), pd.DataFrame(said), hits=True, words=words, channels=channels, missing="drop", **recipe
    )
    times: dict[int, list[Span]] = {n: [] for n in rows}
    for n, start, end in found[["line", "start_s", "end_s"]].itertuples(index=False):
        times[int(n)].append((None if is_missing(start) else float(start), None if is_missing(end) else float(end)))
    return times
