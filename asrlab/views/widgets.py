"""The explorer: choose settings and an utterance, listen, and read the aligned errors.

The only module that imports ipywidgets. Every change is drawn through ``HTML.value``, so a saved notebook can be run
again and compared. What carries a result should be a table or :func:`asrlab.views.html.errors`: widgets do not survive
in a saved notebook.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import ipywidgets as widgets

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.text import escape, plain
from asrlab.views import html
from asrlab.views.markup import MISSING, Html

if TYPE_CHECKING:
    import pandas as pd

    from asrlab.views.html import Recordings

_SORTS: Final = ("most errors", "most changed", "utt_id")
_NONE: Final = "(none)"
_ALL: Final = "(all)"


class Explorable(Protocol):
    """What the explorer needs of a sweep."""

    @property
    def transcripts(self) -> pd.DataFrame:
        """The answers."""

    @property
    def dataset(self) -> Recordings | None:
        """References and recordings; None where a sweep was opened without them."""

    def heard(self, condition: str) -> Recordings | None:
        """Give the recordings as they were asked about under a condition."""


def explore(sweep: Explorable, scores: pd.DataFrame, *, transcripts: pd.DataFrame | None = None) -> Explorer:
    """Listen to utterances and read what two settings made of them.

    Parameters
    ----------
    sweep : Sweep
        Holds the transcripts, and the dataset where it is there.
    scores : DataFrame
        From :func:`asrlab.score`; may be part of them. Conditions are compared in the order in which they stand there.
    transcripts : DataFrame, optional
        Use these instead of all of the sweep's.

    Returns
    -------
    VBox
        With the choices (``a``, ``b``, ``language``, ``sort``, ``utterance``) and the view as attributes. Its plain
        form in a saved notebook is the utterance shown first.

    Raises
    ------
    InvalidInput
        If there is nothing to show or a column is missing.
    """
    return Explorer(sweep, sweep.transcripts if transcripts is None else transcripts, scores)


class Explorer(widgets.VBox):  # type: ignore[misc] # ipywidgets publishes no types
    """What :func:`explore` returns."""

    def __init__(self, sweep: Explorable, transcripts: pd.DataFrame, scores: pd.DataFrame) -> None:
        self._sweep = sweep
        self._scores = tables.check(scores, "scores", required=("utt_id", "condition", "subs", "dels", "ins"))
        self._transcripts = html.completed(transcripts)
        self._dataset = sweep.dataset
        conditions = self._names("condition")
        if not conditions:
            raise InvalidInput("There is nothing to explore: neither scores nor transcripts have a row. Run the sweep.")
        languages = sorted(self._scores["spoken_language"].dropna().unique())
        self.a = widgets.Dropdown(options=_options(conditions), description="A")
        self.b = widgets.Dropdown(options=[(_NONE, None), *_options(conditions)], description="B")
        self.b.value = conditions[1] if len(conditions) > 1 else None
        self.language = widgets.Dropdown(options=[(_ALL, None), *_options(languages)], description="language")
        self.sort = widgets.Dropdown(options=_SORTS, description="sort")
        self.utterance = widgets.Select(rows=8, description="utterance")
        self.previous = widgets.Button(description="◀ previous")
        self.next = widgets.Button(description="next ▶")
        self.audio, self.view = widgets.HTML(), widgets.HTML()
        self.shown = Html("", "")
        for choice in (self.a, self.b, self.language, self.sort):
            choice.observe(self._list, "value")
        self.utterance.observe(self._draw, "value")
        self.previous.on_click(lambda _: self._step(-1))
        self.next.on_click(lambda _: self._step(1))
        super().__init__(
            [
                widgets.HBox([self.a, self.b]),
                widgets.HBox([self.language, self.sort]),
                self.utterance,
                widgets.HBox([self.previous, self.next]),
                self.audio,
                self.view,
            ]
        )
        self._list()

    def __repr__(self) -> str:
        n = len(self._names("utt_id"))
        return (
            f"<Explorer: {n} utterances, {len(self.a.options)} conditions; run the cell to use it>\n{self.shown.text}"
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401 - as in ipywidgets
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        return {**bundle, "text/plain": repr(self), "text/html": self.shown.markup}

    def _names(self, column: str) -> list[str]:
        """All values of a column of scores, then of transcripts, each once."""
        return list(dict.fromkeys([*self._scores[column].dropna(), *self._transcripts[column].dropna()]))

    def _errors(self, condition: str | None) -> pd.Series:
        """Errors of each utterance under a condition; utterances without counts are left out."""
        mine = self._scores[self._scores["condition"] == condition]
        wrong = mine[["subs", "dels", "ins"]].sum(axis=1, skipna=False)
        return wrong.groupby(mine["utt_id"]).sum(min_count=1).dropna()

    def _list(self, _: object = None) -> None:
        """Fill the list of utterances anew; keep the chosen one where it is still there."""
        a, b = self._errors(self.a.value), self._errors(self.b.value)
        ids = self._names("utt_id")
        if self.language.value is not None:
            spoken = self._scores["utt_id"][self._scores["spoken_language"] == self.language.value]
            ids = [utt_id for utt_id in ids if utt_id in set(spoken)]
        if self.sort.value == "utt_id":
            ids = sorted(ids)
        else:
            changed = self.sort.value == "most changed" and self.b.value is not None
            weight = (a - b).abs().dropna() if changed else a
            ids = sorted(ids, key=lambda utt_id: (-weight.get(utt_id, -1), utt_id))
        chosen = self.utterance.value
        self.utterance.unobserve(self._draw, "value")  # drawn once, when the choice is made
        self.utterance.options = [(self._line(utt_id, a, b), utt_id) for utt_id in ids]
        self.utterance.value = chosen if chosen in ids else ids[0] if ids else None
        self.utterance.observe(self._draw, "value")
        self._draw()

    def _line(self, utt_id: str, a: pd.Series, b: pd.Series) -> str:
        counts = [a] if self.b.value is None else [a, b]
        errors = " / ".join(str(count[utt_id]) if utt_id in count.index else MISSING for count in counts)
        return f"{plain(utt_id)}  ({errors} errors)"

    def _step(self, by: int) -> None:
        if self.utterance.options:
            place = (self.utterance.index or 0) + by
            self.utterance.index = min(max(place, 0), len(self.utterance.options) - 1)

    def _draw(self, _: object = None) -> None:
        utt_id = self.utterance.value
        if utt_id is None:
            self.shown = Html("<p>No utterance fits these choices.</p>", "No utterance fits these choices.")
            self.audio.value = ""
        else:
            sides = [("A", self.a.value), *([("B", self.b.value)] if self.b.value is not None else [])]
            parts = [self._side(name, condition, utt_id) for name, condition in sides]
            self.shown = Html("".join(part.markup for part in parts), "\n".join(part.text for part in parts))
            self.audio.value = self._players(utt_id, [condition for _, condition in sides])
        self.view.value = self.shown.markup

    def _players(self, utt_id: str, conditions: list[str]) -> str:
        """Show what was asked about: one player where all conditions heard the same, else one each."""
        players = [html.player(self._heard(condition), utt_id).markup for condition in conditions]
        if len(set(players)) == 1:
            return players[0]
        return "".join(f"<p>{name}: {player}</p>" for name, player in zip("AB", players, strict=False))

    def _heard(self, condition: str) -> Recordings | None:
        try:
            return self._sweep.heard(condition)
        except InvalidInput:  # a condition of scores or transcripts from elsewhere
            return self._dataset

    def _side(self, name: str, condition: str, utt_id: str) -> Html:
        """Show all that one condition made of an utterance; an answer that was not scored is shown as it came."""
        scores, answers = (
            frame[(frame["condition"] == condition) & (frame["utt_id"] == utt_id)]
            for frame in (self._scores, self._transcripts)
        )
        if scores.empty:
            scores = tables.check(answers, "scores", required=("utt_id", "condition"))
        body = html.trials(scores, answers, self._dataset)
        nothing = "" if len(scores) else "Missing: neither scores nor transcripts have this trial."
        return Html(
            f"<p><b>{name}: {escape(condition)}</b></p>{body.markup}{nothing and f'<p>{nothing}</p>'}",
            "\n".join(filter(None, [f"{name}: {plain(condition)}", body.text, nothing])),
        )


def _options(names: list[str]) -> list[tuple[str, str]]:
    return [(plain(name), name) for name in names]
