"""Stacks: what many conditions made of one utterance, column by column under the reference they were marked against."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.scoring.align import align
from asrlab.scoring.tokens import UNITS, unit_for
from asrlab.views.answers import completed, errors_in, fact, how_marked, reference_text, rows_of, with_answers
from asrlab.views.times import spans, words_of
from asrlab.wordings import first_wording, literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from asrlab.normalize import NormalizerChoice
    from asrlab.views.answers import Recordings, Row
    from asrlab.views.times import Span

_ANSWERED: Final = ("answered", "empty")
#: What decides which text a row was marked against, and how.
_MADE: Final = (
    *("utt_id", "channel", "state", "wording", "alternative"),
    *("normalizer", "ties", "form", "marked_form", "spoken_language"),
)
_HOW: Final = slice(5, None)
_UNSCORED: Final = "Not marked: the scores do not hold this answer"
_NOWHERE: Final = "Missing: neither scores nor transcripts hold this answer"


@dataclass(frozen=True, slots=True)
class Cell:
    """One step of an alignment.

    Parameters
    ----------
    kind : {"hit", "sub", "del", "ins"}
        What became of the unit.
    ref, hyp : str or None
        Unit of the reference, None for an insertion; unit that was heard, None for a deletion.
    start_s, end_s : float or None
        When it was heard, in seconds of the recording; of a deletion, the gap that it is missing from. None where that
        is not known.
    """

    kind: str
    ref: str | None
    hyp: str | None
    start_s: float | None = None
    end_s: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """What one asking made of an utterance.

    Parameters
    ----------
    condition, repeat, channel
        Which asking; channel is None where channels were joined or none is named.
    outcome : str
        answered, empty, failed, unknown, submitted, not run, or missing.
    fact : str
        What came of it and its counts, in words.
    errors : int or None
        As the scores count them, in their unit; None where they do not.
    cells : tuple of Cell
        Its alignment; empty where there is nothing to align, or nothing to align it with.
    text : str or None
        What was heard, as it was written; None where nothing came back.
    aligned : bool
        Whether ``cells`` are its alignment: nothing against nothing has none.
    notes : tuple of str
        What is to be minded of its alignment, or why there is none.
    """

    condition: str
    repeat: int
    channel: int | None
    outcome: str
    fact: str
    errors: int | None
    cells: tuple[Cell, ...]
    text: str | None = None
    aligned: bool = False
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Condition, with repeat and channel where they are not the first."""
        more = [f"{what} {value}" for what, value in (("repeat", self.repeat), ("channel", self.channel)) if value]
        return " · ".join([self.condition, *more])


@dataclass(frozen=True, slots=True)
class Stack:
    """Lines that were marked against one reference.

    Parameters
    ----------
    utt_id : str
        The utterance.
    reference : tuple of str
        Its units, normalised.
    unit : {"word", "char", "codepoint", "mixed"}
        What it is cut into.
    form : str or None
        Form of the reference; None where that is not known.
    lines : tuple of Line
        In the order of the conditions.
    how : str
        What the lines were marked against and by which normalizer, in words.
    written : str or None
        The reference as it was written; None where it is not here.
    counted : str or None
        Unit of the scores, such as "term"; None where there are none.
    notes : tuple of str
        Why no times are known, where words were given.
    """

    utt_id: str
    reference: tuple[str, ...]
    unit: str
    form: str | None
    lines: tuple[Line, ...]
    how: str = ""
    written: str | None = None
    counted: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def right_to_left(self) -> bool:
        """Whether it is read so, by the first letter of the reference that has a direction."""
        kinds = (unicodedata.bidirectional(sign) for unit in self.reference for sign in unit)
        return next((kind for kind in kinds if kind in {"L", "R", "AL"}), "L") != "L"

    def columns(self) -> list[tuple[str | None, tuple[Cell | None, ...]]]:
        """Set the lines under the reference.

        Returns
        -------
        list of (str or None, tuple of (Cell or None))
            Columns: a unit of the reference, None where only insertions stand, and the step of each line, None where it
            has none there. Insertions stand before the unit that they were heard before, each in a column of its own,
            the last of them next to that unit.
        """
        placed = [_by_place(line.cells, len(self.reference)) for line in self.lines]
        columns: list[tuple[str | None, tuple[Cell | None, ...]]] = []
        for place in range(len(self.reference) + 1):
            wide = max((len(inserted[place]) for inserted, _ in placed), default=0)
            padded = [[None] * (wide - len(inserted[place])) + inserted[place] for inserted, _ in placed]
            columns += [(None, tuple(own[n] for own in padded)) for n in range(wide)]
            if place < len(self.reference):
                columns.append((self.reference[place], tuple(answering[place] for _, answering in placed)))
        return columns


def stacks(
    scores: pd.DataFrame,
    transcripts: pd.DataFrame,
    dataset: Recordings | None,
    utt_id: str,
    *,
    conditions: Sequence[str] | None = None,
    words: pd.DataFrame | None = None,
    normalizer: NormalizerChoice | None = None,
) -> list[Stack]:
    """Set what was made of an utterance under the references that it was marked against.

    Parameters
    ----------
    scores, transcripts : DataFrame
        As in :data:`asrlab.tables.SCHEMAS`. Only the rows of this utterance are looked at.
    dataset : Dataset or None
        Holds the references; without it nothing is aligned.
    utt_id : str
        The utterance.
    conditions : sequence of str, optional
        Those that are shown, in this order; all that ``scores`` has of the utterance, in its order, if not given. One
        that has no row there has a line that says so, with its answer where ``transcripts`` has one.
    words : DataFrame, optional
        Times of words, as in :func:`asrlab.edits`.
    normalizer : str, Normalizer or mapping, optional
        The chain the scores were made with, if it is one of your own; those of asrlab are known by their name.

    Returns
    -------
    list of Stack
        One for each reference that was marked against: forms, wordings, channels and units may differ. Answers that
        could not be marked stand with the first of their channel and unit.

    Raises
    ------
    InvalidInput
        If a column is missing, no condition is named, or neither ``scores`` nor ``transcripts`` have the utterance.
    """
    if conditions is not None and not len(conditions):
        raise InvalidInput("conditions names none. Name those that are to be shown, or leave it out to show all.")
    scored, answers = (_of_utterance(frame, utt_id) for frame in (scores, transcripts))
    if scored.empty and answers.empty:
        raise InvalidInput(
            f"Neither scores nor transcripts have an utterance {utt_id!r}. Name one of their column utt_id."
        )
    if conditions is not None:
        scored = scored[scored["condition"].isin(list(conditions))]
    rows = list(rows_of(with_answers(scored, answers)))
    if conditions is not None or not rows:
        rows += _not_scored(rows, answers, utt_id, conditions)
    if conditions is not None:
        order = {name: place for place, name in reversed(list(enumerate(conditions)))}
        rows.sort(key=lambda row: order[row["condition"]])
    return line_up(rows, dataset, words=words, normalizer=normalizer)


def _of_utterance(frame: pd.DataFrame, utt_id: str) -> pd.DataFrame:
    tables.check_frame(frame)
    if "utt_id" not in frame.columns:
        raise InvalidInput(
            f"These rows need the column utt_id; they have {', '.join(map(str, frame.columns)) or 'none'}. Add it."
        )
    return frame[(frame["utt_id"] == utt_id).fillna(False).to_numpy(bool)].reset_index(drop=True)


def _not_scored(rows: list[Row], answers: pd.DataFrame, utt_id: str, conditions: Sequence[str] | None) -> Iterable[Row]:
    """Give a row for each answer of the conditions that have no scores, and for each condition that has neither."""
    answers = completed(answers)
    there = {row["condition"] for row in rows}
    every = answers["condition"].unique() if conditions is None else conditions
    wanted = [name for name in dict.fromkeys(every) if name not in there]
    if not wanted:  # putting answers beside no scores takes half of the time of a page
        return []
    answers = answers[answers["condition"].isin(wanted)]
    found = [*rows_of(with_answers(tables.check(answers, "scores", required=("utt_id",)), answers))]
    nowhere = [name for name in wanted if name not in set(answers["condition"])]
    blank = dict.fromkeys((*tables.SCHEMAS["scores"], "text", "error_code", "error"))
    return [
        *found,
        *({**blank, "utt_id": utt_id, "condition": name, "outcome": "missing", "nowhere": True} for name in nowhere),
    ]


class _Place(NamedTuple):
    """What two rows must have in common to stand under one reference."""

    utt_id: str
    channel: int | None
    unit: str | None
    how: tuple[Any, ...]
    text: str | None

    def takes(self, other: _Place) -> bool:
        """Tell whether a row that was not marked may stand here: what it leaves open may be anything."""
        return self.utt_id == other.utt_id and all(
            mine == its or its is None for mine, its in ((self.channel, other.channel), (self.unit, other.unit))
        )


def line_up(
    rows: Iterable[Row],
    dataset: Recordings | None,
    *,
    words: pd.DataFrame | None = None,
    normalizer: NormalizerChoice | None = None,
    how: bool = False,
) -> list[Stack]:
    """Set rows of scores with their answers under their references; see :func:`stacks`.

    ``how`` puts into the fact of each line what it was marked against.
    """
    # Which reference a row has costs more to find out than all else, and many rows have the same.
    known: dict[tuple[Any, ...], str | None] = {}

    def place(row: Row) -> _Place:
        made = tuple(row.get(name) for name in _MADE)
        if dataset is not None and made not in known:
            said = reference_text(row, dataset.references)
            known[made] = said if said is None or row["wording"] is not None else first_wording(said)
        return _Place(row["utt_id"], row["channel"], row["unit"], made[_HOW], known.get(made))

    numbered = list(enumerate(rows))
    places: dict[_Place, list[tuple[int, Row]]] = {}
    for n, row in numbered:
        if _is_marked(row):
            places.setdefault(place(row), []).append((n, row))
    for n, row in numbered:
        if not _is_marked(row):
            own = place(row)
            places.setdefault(next((one for one in places if one.takes(own)), own), []).append((n, row))
    return [
        _stack(one, [row for _, row in sorted(own, key=lambda each: each[0])], words, normalizer, how=how)
        for one, own in places.items()
    ]


def _is_marked(row: Row) -> bool:
    return row["outcome"] in _ANSWERED and row["unit"] is not None


def _stack(
    place: _Place, rows: list[Row], words: pd.DataFrame | None, normalizer: NormalizerChoice | None, *, how: bool
) -> Stack:
    """Align the rows of one reference with it."""
    marked = next(filter(_is_marked, rows), rows[0])
    unit = place.unit if place.unit in UNITS else unit_for(marked["spoken_language"], place.text or "")
    chain = normalizer or marked["normalizer"] or "auto"
    language, ties = marked["spoken_language"], marked["ties"] or "jiwer"
    recipe = {"language": language, "unit": unit, "normalizer": chain, "ties": ties}
    known: dict[str, tuple[Cell, ...] | InvalidInput] = {}

    def cells(heard: str) -> tuple[Cell, ...] | InvalidInput:
        if place.text is None:
            return ()
        if heard not in known:
            try:
                steps = align(literal(place.text), heard, **recipe).edits
            except InvalidInput as error:
                known[heard] = error
            else:
                known[heard] = tuple(Cell(step.kind, step.ref, step.hyp) for step in steps)
        return known[heard]

    lines, aligned = [], {}
    for n, row in enumerate(rows):
        said, notes = fact(row, how_marked(row) if how else ""), []
        steps: tuple[Cell, ...] = ()
        if row["outcome"] not in _ANSWERED:
            said = _NOWHERE if row.get("nowhere") else said
        elif row["unit"] is None:
            said = _UNSCORED
        elif place.text is None:
            notes.append("its reference is not here")
        elif isinstance(made := cells(row["text"]), InvalidInput):
            notes.append(f"not aligned: {made}")
        else:
            steps = aligned[n] = made
            wrong = sum(step.kind != "hit" for step in steps)
            if unit == row["unit"] and errors_in(row) not in {None, wrong}:
                notes.append(f"this alignment has {wrong}: the scores were made otherwise")
        lines.append(
            Line(
                condition=row["condition"] or "unnamed",
                repeat=row["repeat"] or 0,
                channel=row["channel"],
                outcome=row["outcome"],
                fact=said,
                errors=errors_in(row),
                cells=steps,
                text=row["text"],
                aligned=n in aligned,
                notes=tuple(notes),
            )
        )
    untimed = []
    if aligned and (own := words_of(words, place.utt_id)) is not None:
        try:
            times = spans({n: rows[n] for n in aligned}, literal(place.text or ""), place.channel, recipe, own)
        except InvalidInput as error:
            untimed = [f"no times: {error}"]
        else:
            lines = [replace(line, cells=_timed(line.cells, times.get(n, []))) for n, line in enumerate(lines)]
    whole = next((steps for steps in aligned.values()), None) or cells("")
    return Stack(
        utt_id=place.utt_id,
        reference=() if isinstance(whole, InvalidInput) else tuple(step.ref for step in whole if step.ref is not None),
        unit=unit,
        form=marked.get("marked_form") or marked["form"],
        lines=tuple(lines),
        how=how_marked(marked) if marked["unit"] is not None else "not marked",
        written=place.text,
        counted=place.unit,
        notes=tuple(untimed),
    )


def _timed(cells: tuple[Cell, ...], times: list[Span]) -> tuple[Cell, ...]:
    return tuple(replace(cell, start_s=start, end_s=end) for cell, (start, end) in zip(cells, times, strict=True))


def _by_place(cells: tuple[Cell, ...], length: int) -> tuple[list[list[Cell]], list[Cell | None]]:
    """Sort the steps of a line: insertions by the unit that they stand before, others by the unit that they answer."""
    inserted: list[list[Cell]] = [[] for _ in range(length + 1)]
    answering: list[Cell | None] = [None] * length
    place = 0
    for cell in cells:
        if cell.kind == "ins":
            inserted[place].append(cell)
        else:
            answering[place] = cell
            place += 1
    return inserted, answering
