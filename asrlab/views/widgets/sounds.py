"""Sounds: the recordings behind the page that is shown, found when somebody wants to hear them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from asrlab.errors import AsrlabError
from asrlab.views import html
from asrlab.views.answers import Recordings
from asrlab.views.browse import Told
from asrlab.views.html.sound import asked_about
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
        self._lengths: list[float | None] = []

    def turn_to(self, utt_id: str, conditions: Sequence[str]) -> dict[str, tuple[int, float | None]]:
        """Turn to an utterance.

        Returns
        -------
        dict of str to (int, float or None)
            For each condition the number of what was asked about, alike where it is the same, and how long it is in
            seconds, where that can be told.
        """
        heard = {name: self.heard(name) for name in conditions}
        self._utt_id, self._sources = utt_id, list({id(source): source for source in heard.values()}.values())
        self._lengths = [self._length_s(source) for source in self._sources]
        number = {id(source): n for n, source in enumerate(self._sources)}
        return {name: (n := number[id(source)], self._lengths[n]) for name, source in heard.items()}

    def heard(self, condition: str) -> Recordings | None:
        """Give the recordings that were asked about under a condition."""
        dataset: Recordings | None = self._sweep.dataset
        return asked_about(condition, dataset, self._sweep.heard)

    def _length_s(self, source: Recordings | None) -> float | None:
        """Give how long a recording is: what a condition does to it is not in the table of the dataset."""
        if source is None:
            return None
        dataset = self._sweep.dataset
        if dataset is not None and source is dataset and "duration_s" in dataset.utterances:
            rows = dataset.utterances
            told = rows["duration_s"][(rows["utt_id"] == self._utt_id).to_numpy(bool)]
            if len(told) and not is_missing(told.iloc[0]):
                return float(told.iloc[0])
        facts = getattr(source, "facts", None)  # not all that can be heard can be measured
        try:
            return None if facts is None else facts(self._utt_id).duration_s
        except (AsrlabError, OSError, ValueError):  # it is not here; ValueError: a name with a NUL
            return None

    def fetch(self, number: int, at_s: float) -> Sound | str:
        """Give a recording by its number; of a long one, the stretch around a time; or say why there is none."""
        if not 0 <= number < len(self._sources):
            return _GONE
        source = self._sources[number]
        why = ""
        if (self._lengths[number] or 0) <= _LONG_S:
            whole = html.recording(source, self._utt_id)
            if not isinstance(whole, str):
                return whole
            why = whole
        start = max(0.0, at_s - _BEFORE_S)
        part = html.recording(source, self._utt_id, start_s=start, end_s=start + _STRETCH_S)
        return why or part if isinstance(part, str) else part
