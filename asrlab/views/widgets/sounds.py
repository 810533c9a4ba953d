"""Sounds: the recordings behind the page that is shown, found when somebody wants to hear them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from asrlab.errors import InvalidInput
from asrlab.views import html
from asrlab.views.answers import Recordings
from asrlab.views.browse import Told
from asrlab.views.markup import is_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from asrlab.views.html import Sound

#: A longer recording is heard in stretches of so many seconds, a little of which is before what is asked for.
_LONG_S, _STRETCH_S, _BEFORE_S = 600, 30, 5
_GONE: Final = "No audio: this page is no longer shown."


class Explored(Recordings, Told, Protocol):
    """What the explorer needs of a dataset."""


class Explorable(Protocol):
    """What the explorer needs of a sweep."""

    @property
    def transcripts(self) -> pd.DataFrame:
        """The answers."""

    @property
    def dataset(self) -> Explored | None:
        """References and recordings; None where a sweep was opened without them."""

    def heard(self, condition: str) -> Recordings | None:
        """Give the recordings as they were asked about under a condition."""


class Sounds:
    """The recordings of one utterance at a time.

    Parameters
    ----------
    sweep : Sweep
        Knows what was asked about under each condition.
    """

    def __init__(self, sweep: Explorable) -> None:
        self._sweep = sweep
        self._utt_id = ""
        self._sources: list[Recordings | None] = []

    def turn_to(self, utt_id: str, conditions: Sequence[str]) -> dict[str, int]:
        """Turn to an utterance, and number what was asked about under each condition: alike where it is the same."""
        heard = {name: self.heard(name) for name in conditions}
        self._utt_id, self._sources = utt_id, list({id(source): source for source in heard.values()}.values())
        number = {id(source): n for n, source in enumerate(self._sources)}
        return {name: number[id(source)] for name, source in heard.items()}

    def heard(self, condition: str) -> Recordings | None:
        """Give the recordings that were asked about under a condition."""
        try:
            return self._sweep.heard(condition)
        except InvalidInput:  # a condition of scores or transcripts from elsewhere
            return self._sweep.dataset

    def duration_s(self, utt_id: str) -> float | None:
        """Give the length of a recording in seconds, where the dataset tells it."""
        dataset = self._sweep.dataset
        if dataset is None or "duration_s" not in dataset.utterances:
            return None
        own = dataset.utterances.loc[dataset.utterances["utt_id"] == utt_id, "duration_s"]
        return None if own.empty or is_missing(own.iloc[0]) else float(own.iloc[0])

    def fetch(self, number: int, at_s: float) -> Sound | str:
        """Give a recording by its number; of a long one, the stretch around a time; or say why there is none."""
        if not 0 <= number < len(self._sources):
            return _GONE
        source = self._sources[number]
        why = ""
        if (self.duration_s(self._utt_id) or 0) <= _LONG_S:
            whole = html.recording(source, self._utt_id)
            if not isinstance(whole, str):
                return whole
            why = whole
        start = max(0.0, at_s - _BEFORE_S)
        part = html.recording(source, self._utt_id, start_s=start, end_s=start + _STRETCH_S)
        return why or part if isinstance(part, str) else part
