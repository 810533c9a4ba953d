"""Again: a sample of the answers is marked again, against the references as they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from asrlab.errors import AsrlabError, InvalidInput
from asrlab.text import plain
from asrlab.views.answers import rows_of, with_answers
from asrlab.views.stack import line_up

if TYPE_CHECKING:
    import pandas as pd

    from asrlab.normalize import NormalizerChoice
    from asrlab.views.report.asked import Asked

#: Answers that are marked again.
_SAMPLE: Final = 30
_OF: Final = ("utt_id", "condition", "repeat", "channel")


def marked_again(asked: Asked, main: pd.DataFrame, normalizer: NormalizerChoice | None) -> str:
    """Mark some answers again, and say how many.

    Raises
    ------
    InvalidInput
        If one has other errors than its score says.
    """
    if asked.dataset is None:
        return "That these are the marks against the references could not be checked: the dataset is not here."
    answered = main[main["ref_len"].notna() & (main["state"] == "answered").fillna(value=True)].reset_index(drop=True)
    places = np.unique(np.linspace(0, max(len(answered) - 1, 0), min(_SAMPLE, len(answered))).astype(int))
    sample = answered.iloc[places]
    heard = asked.transcripts[asked.transcripts["utt_id"].isin(sample["utt_id"].unique())]
    try:
        rows = list(rows_of(with_answers(sample, heard)))
        found = line_up(rows, asked.dataset, normalizer=normalizer)
    except AsrlabError as error:
        return f"That these are the marks against the references of the dataset could not be checked: {error}"
    lengths: dict[tuple[object, ...], set[object]] = {}  # several, where an answer is marked against several forms
    for row in rows:
        lengths.setdefault(tuple(row[name] for name in _OF), set()).add(row["ref_len"])
    checked = 0
    for stack in found:
        for line in stack.lines:
            if not line.aligned or line.errors is None or stack.counted != stack.unit:
                continue
            wrong = sum(cell.kind != "hit" for cell in line.cells)
            length = sum(cell.ref is not None for cell in line.cells)
            then = lengths[stack.utt_id, line.condition, line.repeat, line.channel]
            if wrong != line.errors or length not in then:
                raise InvalidInput(
                    f"The score of {plain(stack.utt_id, 60)!r} under {plain(line.condition, 60)!r} has {line.errors} "
                    f"errors in {' or '.join(map(str, then))} units; marked against the references of this dataset "
                    f"there are {wrong} in {length}. Open the sweep with the dataset that was marked against, or mark "
                    "again; give a normalizer of your own as normalizer=."
                )
            checked += 1
    if not checked:
        return "That these are the marks against the references of the dataset could not be checked."
    of = f"{checked} of {len(answered):,} marked answers were" if checked > 1 else "One marked answer was"
    return f"{of} marked again against the references of the dataset, with the same result."
