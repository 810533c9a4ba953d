"""The explorer: find utterances, read what settings made of them, and hear the words.

Choices are plain ipywidgets, which a keyboard works as they are; only the reading view has a front end of its own. A
page of the list is all that a browser holds. Widgets do not survive in a saved notebook: beside them the page as it was
is shown as HTML.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import ipywidgets as widgets
import numpy as np

from asrlab import tables
from asrlab.text import escape, plain
from asrlab.views.browse import Index
from asrlab.views.confused import Found, marked_again, most_frequent, with_pair
from asrlab.views.filters import ERRORS, SORTS, Choice
from asrlab.views.stack import stacks
from asrlab.views.widgets.kept import NOTHING_FITS, kept
from asrlab.views.widgets.pages import page
from asrlab.views.widgets.reading import Reading
from asrlab.views.widgets.sounds import Sounds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pandas as pd

    from asrlab.normalize import NormalizerChoice
    from asrlab.views.browse import Mask, Places
    from asrlab.views.markup import Html
    from asrlab.views.stack import Stack
    from asrlab.views.widgets.sounds import Explorable

#: Of a choice that asks for nothing: ipywidgets show None as an empty box.
_NONE: Final = "(none)"
_ALL: Final = "(all)"
#: Utterances on a page of the list, confusions that are listed, terms that are offered.
_PAGE, _CONFUSIONS, _TERMS = 50, 50, 300


def explore(
    sweep: Explorable,
    scores: pd.DataFrame,
    *,
    transcripts: pd.DataFrame | None = None,
    edits: pd.DataFrame | None = None,
    words: pd.DataFrame | None = None,
    normalizer: NormalizerChoice | None = None,
) -> Explorer:
    """Find utterances, read what settings made of them, and hear the words.

    Parameters
    ----------
    sweep : Sweep
        Holds the transcripts, and the dataset where it is there.
    scores : DataFrame
        From :func:`asrlab.score`, one marking of each answer; may be part of them.
    transcripts : DataFrame, optional
        Use these instead of all of the sweep's.
    edits : DataFrame, optional
        From :func:`asrlab.edits`, for the list of confusions. Without them they are found for the condition that is
        shown, as its scores were made; what cannot be found again is said.
    words : DataFrame, optional
        Times of words, such as ``sweep.words``, so that a word that is clicked is heard where it was said. Without them
        its place is estimated, and the label says "about".
    normalizer : str, Normalizer or mapping, optional
        The chain the scores were made with, if it is one of your own; those of asrlab are known by their name.

    Returns
    -------
    Explorer
        A VBox. Its choices are attributes, named as they are labelled: ``condition``, ``against`` and ``also`` (shown
        beside), ``language``, ``tag``, ``error`` (what came of it under the condition), ``term`` (in the reference),
        ``search`` (in any text that is shown), ``sort``, ``utterance`` and ``confusion``.

    Raises
    ------
    InvalidInput
        If there is nothing to show, a column is missing, or an answer is marked more than once.

    Examples
    --------
    >>> explore(sweep, scores, words=sweep.words)  # doctest: +SKIP
    """
    answers = sweep.transcripts if transcripts is None else transcripts
    return Explorer(sweep, answers, scores, edits=edits, words=words, normalizer=normalizer)


class Explorer(widgets.VBox):  # type: ignore[misc] # ipywidgets publishes no types
    """What :func:`explore` returns."""

    def __init__(
        self,
        sweep: Explorable,
        transcripts: pd.DataFrame,
        scores: pd.DataFrame,
        *,
        edits: pd.DataFrame | None = None,
        words: pd.DataFrame | None = None,
        normalizer: NormalizerChoice | None = None,
    ) -> None:
        self._dataset, self._sounds = sweep.dataset, Sounds(sweep)
        self._words, self._normalizer = words, normalizer
        self._index = index = Index(scores, transcripts, self._dataset)
        self._edits = (
            edits
            if edits is None
            else tables.check(edits, "edits", required=("utt_id", "condition", "kind", "ref", "hyp"))
        )
        self._confused: dict[str, Found] = {}
        self._offered: tuple[Found, Mask] | None = None
        self._finding: asyncio.Task[None] | None = None
        self._listed: Places = index.find(Choice(index.conditions[0]))
        self._drawn = -1
        self._on_page: object = None
        self._aligned: tuple[object, list[Stack]] = (None, [])
        self._make_choices()
        self.reading = Reading(self._sounds.fetch)
        self.reading.observe(self._draw, "part")
        also = widgets.VBox([self.also, widgets.HTML(_SEVERAL)], layout=_WIDE)
        super().__init__(
            [
                widgets.HBox([self.condition, self.against], layout=_WRAPPED),
                widgets.HBox([also, widgets.VBox([self.sort, self.error], layout=_WIDE)], layout=_WRAPPED),
                widgets.HBox([self.language, self.tag, self.term, self.search], layout=_WRAPPED),
                widgets.HBox([self.utterance, self.confusion], layout=_WRAPPED),
                widgets.HBox(
                    [self.previous, self.next, self.previous_page, self.next_page, self.status], layout=_WRAPPED
                ),
                self.reading,
            ]
        )
        self.add_class("asrlab-explorer")
        self._list()

    def _make_choices(self) -> None:
        index = self._index
        conditions = _options(index.conditions)
        self.condition = widgets.Dropdown(options=conditions, description="condition", layout=_WIDE)
        self.against = widgets.Dropdown(options=[(_NONE, _NONE), *conditions], description="against", layout=_WIDE)
        self.against.value = index.conditions[1] if len(index.conditions) > 1 else _NONE
        self.also = widgets.SelectMultiple(options=conditions, rows=3, description="also", layout=_FULL)
        self.language = widgets.Dropdown(options=[(_ALL, _ALL), *_options(index.languages)], description="language")
        self.tag = widgets.Dropdown(options=[(_ALL, _ALL), *_options(index.tags)], description="tag")
        self.error = widgets.Dropdown(options=[(_ALL, _ALL), *_options(ERRORS)], description="error")
        self.term = widgets.Combobox(
            options=[plain(term) for term in index.terms[:_TERMS]],
            description="term",
            placeholder="in the reference",
            continuous_update=False,
        )
        self.search = widgets.Text(description="search", placeholder="in any text shown", continuous_update=False)
        self.sort = widgets.Dropdown(options=SORTS, description="sort")
        self.utterance = widgets.Select(rows=10, description="utterance", layout=_WIDE)
        self.confusion = widgets.Select(rows=10, description="confusion", layout=_WIDE)
        self.confusion.options, self.confusion.value = [(_ALL, _ALL)], _ALL
        self.previous, self.next, self.previous_page, self.next_page = (
            widgets.Button(description=name) for name in ("◀ previous", "next ▶", "◀◀ previous page", "next page ▶▶")
        )
        self.status = widgets.HTML()
        for choice in (self.language, self.tag, self.error, self.term, self.search, self.sort):
            choice.observe(self._list, "value")
        for choice in (self.condition, self.against, self.also):
            choice.observe(self._other_conditions, "value")
        self.confusion.observe(self._list_of_confusion, "value")
        self.utterance.observe(self._chosen, "value")
        for button, by in ((self.previous, -1), (self.next, 1)):
            button.on_click(lambda _, by=by: self._step(by))
        for button, by in ((self.previous_page, -1), (self.next_page, 1)):
            button.on_click(lambda _, by=by: self._turn(by))

    @property
    def choice(self) -> Choice:
        """What is asked for."""
        said = {name: getattr(self, name).value for name in ("against", "language", "tag", "error", "confusion")}
        return Choice(
            condition=self.condition.value,
            also=tuple(self.also.value),
            term=self.term.value.strip() or None,
            search=self.search.value.strip() or None,
            sort=self.sort.value,
            **{name: None if value in {_NONE, _ALL} else value for name, value in said.items()},
        )

    def __repr__(self) -> str:
        n, settings = len(self._index), len(self._index.conditions)
        said = f"{n} utterance{'s' * (n != 1)}, {settings} condition{'s' * (settings != 1)}"
        return f"<Explorer: {said}; run the cell to use it>"

    # The list

    def _other_conditions(self, change: dict[str, Any]) -> None:
        """List anew under other conditions; the utterance that is shown is still shown where it fits."""
        if change["owner"] is self.condition:  # its confusions are others
            with _unheard(self.confusion, self._list_of_confusion):
                self.confusion.value = _ALL
        self._list(keep=self._shown)

    def _list(self, _: object = None, *, keep: int | None = None) -> None:
        """Find what fits anew, and show the first."""
        choice = self.choice
        fitting = self._index.find(choice)
        self._list_confusions(choice.condition, fitting)
        self._narrow(fitting, keep)

    def _list_of_confusion(self, _: object) -> None:
        self._narrow(self._index.find(self.choice))

    def _narrow(self, fitting: Places, keep: int | None = None) -> None:
        """Leave those in which the chosen confusion happened, and draw."""
        choice = self.choice
        if choice.confusion is not None and choice.condition in self._confused:
            happened = self._index.mask(with_pair(self._confused[choice.condition].edits, choice.confusion))
            fitting = fitting[happened[fitting]]
        self._listed = fitting
        self._go(0 if keep is None else int((fitting == keep).argmax()) if len(fitting) else 0, anew=True)

    @property
    def _shown(self) -> int | None:
        """Place of the utterance that is shown."""
        return None if self.utterance.value is None else int(self.utterance.value)

    def _at(self) -> int:
        """Where the utterance that is shown stands in the list."""
        shown = self._shown
        return 0 if shown is None else int((self._listed == shown).argmax())

    def _step(self, by: int) -> None:
        if len(self._listed):
            self._go(min(max(self._at() + by, 0), len(self._listed) - 1))

    def _turn(self, by: int) -> None:
        """Show the first utterance of another page, where there is one."""
        first = (self._at() // _PAGE + by) * _PAGE
        if 0 <= first < len(self._listed):
            self._go(first)

    def _go(self, at: int, *, anew: bool = False) -> None:
        """Show the utterance at a place of the list, and the page of the list that it is on."""
        first = at // _PAGE * _PAGE
        of_page = self._listed[first : first + _PAGE]
        choice = self.choice
        options = [(self._index.line(place, choice), int(place)) for place in of_page.tolist()]
        with _unheard(self.utterance, self._chosen):  # drawn once, when the choice is made
            if anew or options != list(self.utterance.options):
                self.utterance.options = options
            self.utterance.value = int(self._listed[at]) if len(self._listed) else None
        self._chosen()

    def _chosen(self, _: object = None) -> None:
        with _unheard(self.reading, self._draw, "part"):
            self.reading.part = 0
        self._draw()

    # Confusions

    def _list_confusions(self, condition: str, fitting: Places) -> None:
        """List the confusions of what fits; where they are not known yet, find them without making anyone wait."""
        if condition in self._confused:
            self._offer_found(self._confused[condition], fitting)
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # in a script: nobody waits
            self._confused[condition] = self._find(condition)
            self._offer_found(self._confused[condition], fitting)
            return
        self._offer([], "finding them …")
        if self._finding is None:  # else that of now comes when the other is done
            self._finding = loop.create_task(self._find_later(condition))

    def _find(self, condition: str) -> Found:
        if self._edits is not None:
            return Found(self._edits[(self._edits["condition"].fillna("unnamed") == condition).to_numpy(bool)], 0)
        both = (self._index.scores, self._index.transcripts)
        scores, answers = (frame[(frame["condition"] == condition).to_numpy(bool)] for frame in both)
        try:
            return marked_again(scores, answers, self._dataset, self._normalizer)
        except Exception as error:  # whatever it is, all else can still be explored
            return Found(tables.empty("edits"), 0, f"could not be found: {type(error).__name__}: {error}")

    async def _find_later(self, condition: str) -> None:
        try:
            self._confused[condition] = await asyncio.to_thread(self._find, condition)
        finally:
            self._finding = None
        self._list_confusions(self.condition.value, self._index.find(self.choice))

    def _offer_found(self, found: Found, fitting: Places) -> None:
        fits = np.zeros(len(self._index) + 1, bool)
        fits[fitting] = True  # the last is of edits of no utterance here
        if self._offered is not None and self._offered[0] is found and np.array_equal(self._offered[1], fits):
            return  # only their order is another
        here = found.edits.iloc[np.flatnonzero(fits[self._index.places(found.edits["utt_id"])])]
        offered = [(f"{pair}  {count} in {n_utts}", pair) for pair, count, n_utts in most_frequent(here, _CONFUSIONS)]
        left_out = f"{found.left_out} answers left out" if found.left_out else ""
        self._offer(offered, ", ".join(filter(None, [plain(found.note, 200), left_out])))
        self._offered = (found, fits)

    def _offer(self, pairs: list[tuple[str, Any]], note: str = "") -> None:
        """Offer confusions; one that is chosen stays, though there may be none of it now."""
        self._offered = None
        chosen, there = self.confusion.value, {pair for _, pair in pairs}
        if chosen not in {_ALL, *there}:
            pairs = [*pairs, (f"{chosen}  0", chosen)]
        with _unheard(self.confusion, self._list_of_confusion):
            self.confusion.options = [(f"{_ALL}  {note}".strip(), _ALL), *pairs]
            self.confusion.value = chosen

    # The reading view

    def _draw(self, _: object = None) -> None:
        place = self._shown
        self.status.value = f'<p class="mathjax_ignore">{escape(self._position())}</p>'
        drawn = None if place is None else (place, self.choice.shown, self.reading.part)
        if place is not None and drawn == self._on_page:
            return  # drawn anew, it would fall silent while somebody listens
        self._on_page = drawn
        if place is None:
            self.reading.clear(NOTHING_FITS)
            return
        sounds = self._sounds.turn_to(self._index.utt_ids[place], self.choice.shown)
        self._drawn += 1
        self.reading.page = page(self._stacks(place), sounds, part=self.reading.part, number=self._drawn)

    def _stacks(self, place: int) -> list[Stack]:
        """Align an utterance; those of the page that is shown are kept, for its other parts."""
        shown = self.choice.shown
        if self._aligned[0] != (place, shown):
            rows, utt_id = self._index.rows(place), self._index.utt_ids[place]
            found = stacks(
                *rows, self._dataset, utt_id, conditions=shown, words=self._words, normalizer=self._normalizer
            )
            self._aligned = ((place, shown), found)
        return self._aligned[1]

    def _position(self) -> str:
        n = len(self._listed)
        if not n:
            return f"0 of {len(self._index)} utterances"
        at = self._at()
        first = at // _PAGE * _PAGE
        listed = f"{first + 1} to {min(first + _PAGE, n)} listed"
        units = " and ".join(f"{unit}s" for unit in self._index.units)
        in_units = f"; errors in {units}" if units else ""
        return f"{at + 1} of {n} that fit, {listed}; {len(self._index)} utterances in all{in_units}"

    # What a saved notebook keeps

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401 - as in ipywidgets
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        return {**bundle, "text/plain": repr(self), "text/html": f"<p>{escape(repr(self))}</p>"}

    def _ipython_display_(self) -> None:
        """Show the widget, and below it the page as HTML: of one output, there is always a place that shows nothing."""
        from IPython.display import display  # noqa: PLC0415 - only where there is a notebook

        kept = self.as_html()
        for bundle in (self._repr_mimebundle_(), {"text/plain": kept.text, "text/html": kept.markup}):
            display(bundle, raw=True)  # type: ignore[no-untyped-call]

    def as_html(self) -> Html:
        """Give the page as it is now, without widgets: choices, list, and the utterance with its sound.

        Returns
        -------
        Html
            Two megabytes at most, of which what does not fit is named.
        """
        at, place, choice = self._at(), self._shown, self.choice
        first = at // _PAGE * _PAGE
        return kept(
            self._index,
            choice,
            self._position(),
            listed=self._listed[first : first + _PAGE],
            place=place,
            stacks=[] if place is None else self._stacks(place),
            source=self._sounds.heard(choice.condition),
        )


_WRAPPED: Final = widgets.Layout(flex_flow="row wrap")
_WIDE: Final = widgets.Layout(flex="1 1 26em", width="auto", max_width="calc(100% - 4px)")
_FULL: Final = widgets.Layout(width="auto")
_SEVERAL: Final = "<small>also: several can be chosen, with Ctrl (⌘ on a Mac) or Shift</small>"


@contextmanager
def _unheard(widget: widgets.Widget, handler: Callable[..., None], name: str = "value") -> Iterator[None]:
    """Change a widget without its handler being called."""
    widget.unobserve(handler, name)
    try:
        yield
    finally:
        widget.observe(handler, name)


def _options(names: Iterable[str]) -> list[tuple[str, str]]:
    return [(plain(name), name) for name in names]
