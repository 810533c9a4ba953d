"""Stacked: many conditions under one reference, unit by unit, in tables that a screen reader can walk."""

from __future__ import annotations

from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from asrlab.scoring.tokens import together
from asrlab.text import escape, plain
from asrlab.views.html.lines import DEL, INS, MARK, RUNS, UNDERLINED, pile, sentence
from asrlab.views.html.sound import Room, asked_about, file_of, player, stretch_in_words, worst
from asrlab.views.markup import MISSING, Html, display_width
from asrlab.views.stack import Stack, stacks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pandas as pd

    from asrlab.normalize import NormalizerChoice
    from asrlab.views.answers import Recordings
    from asrlab.views.stack import Cell, Line

_LEGEND: Final = "→ heard instead of what is above, − not heard, + heard beyond what was said"
_NOUNS: Final = {"word": "words", "char": "characters", "codepoint": "code points", "mixed": "units"}
_SIGNS: Final = {"hit": "", "sub": "→", "del": "−", "ins": "+"}
_OPEN: Final = {
    "hit": "",
    "sub": f'<mark style="{MARK}">→<ins style="{UNDERLINED}">',
    "del": f'−<del style="{DEL}">',
    "ins": f'+<ins style="{INS}">',
}
_CLOSE: Final = {"hit": "", "sub": "</ins></mark>", "del": "</del>", "ins": "</ins>"}
#: Characters of units in a column, and of a name, that are shown; steps that stand in one column at most.
_UNITS: Final = 60
_NAME: Final = 200
_NAME_IN_TEXT: Final = 30
_TOGETHER: Final = 20
#: Fewer columns than this are not worth saying that they are left out.
_LEAST_OUT: Final = 5
#: Pieces that are named where several were left out.
_NAMED: Final = 5
_TABLE: Final = "border-collapse:collapse;margin:.6em 0"
_CAPTION: Final = "font-weight:bold"
_HEAD: Final = "vertical-align:bottom;white-space:nowrap;border-bottom:1px solid #767676;padding:.1em "
_ROW: Final = (
    "font-weight:normal;vertical-align:top;min-width:8em;max-width:18em;overflow-wrap:anywhere;padding:.1em .4em"
)
_NUMBER: Final = "vertical-align:top;padding:.1em .4em"
_CELL: Final = "vertical-align:top;white-space:nowrap;padding:.1em "
_FACT: Final = "vertical-align:top;padding:.1em .3em;overflow-wrap:anywhere"
#: Room beside units: the characters of a line stand next to each other.
_GAPS: Final = {"word": ".3em"}
_GAP: Final = ".1em"


class _Row(NamedTuple):
    """Lines that are shown as one: their places, their names, and what came of them."""

    places: tuple[int, ...]
    name: str
    line: Line

    @property
    def in_columns(self) -> bool:
        """Whether its steps are shown: where nothing was heard, a row of deletions would say less than words."""
        return self.line.aligned and self.line.outcome != "empty"


class _Column(NamedTuple):
    """What stands in a column: units of the reference, from which place to which, and the steps of each row.

    Of columns that are left out there are none: ``note`` says how many they are, and ``left`` what each row has there.
    """

    begin: int
    end: int
    units: tuple[str, ...]
    steps: tuple[tuple[Cell, ...], ...]
    note: str = ""
    left: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether all rows have these units right."""
        return bool(self.units) and all(cell.kind == "hit" for own in self.steps for cell in own)


def stacked(
    scores: pd.DataFrame,
    transcripts: pd.DataFrame,
    dataset: Recordings | None,
    utt_id: str,
    *,
    conditions: Sequence[str] | None = None,
    words: pd.DataFrame | None = None,
    normalizer: NormalizerChoice | None = None,
    fold: bool = False,
    context: int | None = 8,
    width: int = 80,
    listen: bool = False,
    heard: Callable[[str], Recordings | None] | None = None,
    budget_mb: float = 5,
) -> Html:
    """Stack what conditions made of an utterance under its reference, column by column.

    Parameters
    ----------
    scores, transcripts : DataFrame
        As in :data:`asrlab.tables.SCHEMAS`.
    dataset : Dataset or None
        Holds the references; without it nothing is aligned.
    utt_id : str
        The utterance.
    conditions : sequence of str, optional
        Those that are shown, in this order; all that ``scores`` has of the utterance, in its order, if not given.
    words : DataFrame, optional
        Times of words, as in :func:`asrlab.edits`.
    normalizer : str, Normalizer or mapping, optional
        The chain the scores were made with, if it is one of your own.
    fold : bool
        Put answers that came to the same, as they were marked, into one row.
    context : int, optional
        Columns kept at either end of a run in which no answer goes from right to wrong, or back, or errs in another
        way. Of a longer run the middle is left out, with the errors in it: of what kind they are, and how many, stands
        in the row of each answer ("… 24 substituted …"). None keeps all.
    width : int
        Characters that the columns of one table may take before the next goes below it.
    listen : bool
        Put sound before it: where ``words`` say when the errors were heard, a clip of them; else the whole recording.
    heard : callable, optional
        Gives the recordings that were asked about under a condition: ``sweep.heard``. It must be given where an axis of
        the sweep changes the audio (noise, codec, speed, lead_s ...): without it the recordings of ``dataset`` are
        played, which are not what was heard then, and times of words are not theirs.
    budget_mb : float
        What the markup may take (10^6 bytes). What does not fit is left out, and it is said how much.

    Returns
    -------
    Html
        For each reference that was marked against (forms, wordings and channels may differ) a table, or several one
        below the other. An arrow stands before what was heard instead of what is above it, a minus before what was not
        heard, a plus before what was heard beyond what was said. Trials without an answer say why there is none.

    Raises
    ------
    InvalidInput
        If a column is missing, or neither scores nor transcripts have the utterance.
    """
    found = stacks(scores, transcripts, dataset, utt_id, conditions=conditions, words=words, normalizer=normalizer)
    shape = partial(under, fold=fold, context=context, width=width, budget_mb=budget_mb)
    return shape(found, dataset, listen=listen, heard=heard)


def under(
    found: Sequence[Stack],
    dataset: Recordings | None = None,
    *,
    fold: bool = False,
    context: int | None = 8,
    width: int = 80,
    listen: bool = False,
    heard: Callable[[str], Recordings | None] | None = None,
    budget_mb: float = 5,
) -> Html:
    """Show stacks that are there already as :func:`stacked` does."""
    room = Room(budget_mb)
    pieces: list[Html] = []
    left: list[str] = []
    in_columns = False
    for stack in found:
        rows = list(_rows(stack, fold=fold))
        in_columns |= any(row.in_columns for row in rows)
        name = plain(stack.utt_id, 60)
        blocks = _blocks(stack, rows, context, width)
        for n, block in enumerate(blocks):
            table = _table(stack, rows, block, first=n == 0)
            if not room.takes(table):
                where = _where(stack, [column for late in blocks[n:] for column in late])
                left.append(": ".join(filter(None, [name, where])))
                break
            pieces.append(table)
        written = _written(stack, rows)
        if room.takes(written):
            pieces.append(written)
        else:
            left.append(f"{name}: texts as written")
    sounds = []
    for sound in _sounds(found, dataset, heard) if listen else []:
        if room.takes(sound):
            sounds.append(sound)
        else:
            left.append("sound")
    left = list(dict.fromkeys(left))
    more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
    said = [_LEGEND] if in_columns else []
    said += [f"Left out, to stay within {budget_mb:g} MB: {'; '.join(left[:_NAMED])}{more}."] if left else []
    return pile([*sounds, *pieces, *map(sentence, said)])


def _rows(stack: Stack, *, fold: bool) -> Iterator[_Row]:
    """Give the rows of a stack; with ``fold``, lines that came to the same stand in one."""
    groups: dict[object, list[int]] = {}
    for n, line in enumerate(stack.lines):
        steps = tuple((cell.kind, cell.ref, cell.hyp) for cell in line.cells)
        came_to = (line.outcome, line.errors, line.notes, line.aligned, steps if line.aligned else line.fact)
        groups.setdefault(came_to if fold else n, []).append(n)
    for places in groups.values():
        names = [stack.lines[n].name for n in places]
        name = f"{len(names)} the same: {'; '.join(names)}" if len(names) > 1 else names[0]
        yield _Row(tuple(places), name, stack.lines[places[0]])


def _blocks(stack: Stack, rows: Sequence[_Row], context: int | None, width: int) -> list[list[_Column]]:
    """Cut the columns of a stack into blocks of so many characters."""
    blocks: list[list[_Column]] = [[]]
    taken = 0
    for column in _columns(stack, rows, context):
        texts = [column.note or together(column.units, stack.unit)]
        texts += [_text(column, place, stack.unit) for place in range(len(rows))]
        wide = 2 + max(map(display_width, texts))
        if blocks[-1] and taken + wide > width:
            blocks.append([])
            taken = 0
        blocks[-1].append(column)
        taken += wide
    return blocks


def _columns(stack: Stack, rows: Sequence[_Row], context: int | None) -> Iterator[_Column]:
    """Give the columns that are shown; characters that are right, or wrong, one after another stand in one."""
    single: list[_Column] = []
    place = 0
    for head, cells in stack.columns() if any(row.in_columns for row in rows) else []:
        of_rows = (cells[row.places[0]] if row.in_columns else None for row in rows)
        units: tuple[str, ...] = () if head is None else (head,)
        single.append(_Column(place, place + len(units), units, tuple(() if c is None else (c,) for c in of_rows)))
        place += len(units)
    shown: list[_Column] = []
    for _, run in groupby(single, key=lambda column: tuple(own and own[0].kind for own in column.steps)):
        alike = list(run)
        out = 0 if context is None else len(alike) - 2 * context
        if context is None or out < _LEAST_OUT:
            shown += alike
            continue
        middle = alike[context : len(alike) - context]
        kinds = [RUNS[own[0].kind] if own else "" for own in middle[0].steps]
        right = middle[0].right
        left = tuple(f"… {out} {kind} …" if kind and not right else "" for kind in kinds)
        note = f"… {out} right …" if right else f"… {out} …"
        gap = _Column(middle[0].begin, middle[-1].end, (), tuple(() for _ in rows), note, left)
        shown += [*alike[:context], gap, *alike[len(alike) - context :]]
    if stack.unit == "word":
        yield from shown
        return
    for (_, note), run in groupby(shown, key=lambda column: (column.right, column.note)):
        if note:
            yield from run
            continue
        same = list(run)
        for begin in range(0, len(same), _TOGETHER):
            part = same[begin : begin + _TOGETHER]
            steps = (tuple(cell for own in row for cell in own) for row in zip(*(c.steps for c in part), strict=True))
            units = tuple(unit for column in part for unit in column.units)
            yield _Column(part[0].begin, part[-1].end, units, tuple(steps))


def _table(stack: Stack, rows: Sequence[_Row], block: Sequence[_Column], *, first: bool) -> Html:
    """Lay out a block; rows without steps stand in the first alone, and say why there are none."""
    title = _short(" — ".join(filter(None, [stack.utt_id, stack.how, _where(stack, block)])), _NAME)
    counted = stack.counted if stack.counted not in {None, stack.unit} else ""
    errors_head = [f"{counted} errors".strip()] * first
    heads = [_short(column.note or together(column.units, stack.unit) or "+", _UNITS) for column in block]
    gap = _GAPS.get(stack.unit, _GAP)
    direction, *sides = (' dir="rtl"', "right", "left") if stack.right_to_left else ("", "left", "right")
    # Not start and end: a cell in another direction than its table would leave its column.
    near, far = (f"text-align:{side};" for side in sides)
    named = max(display_width(row.name) for row in rows) <= _NAME_IN_TEXT
    lines, texts, names = [], [(["reference", *errors_head, *map(plain, heads)], "")], []
    for place, row in enumerate(rows):
        if not (first or row.in_columns):
            continue
        name, fact, said = _short(row.name, _NAME), "", []
        errors = [MISSING if row.line.errors is None else str(row.line.errors)] * first
        cells = [f'<td style="{far}{_NUMBER}">{number}</td>' for number in errors]
        if row.in_columns:
            marked = [_markup(column, place, stack.unit) for column in block]
            cells += [f'<td dir="auto" style="{near}{_CELL}{gap}">{own}</td>' for own in marked]
            said = [_text(column, place, stack.unit) for column in block]
        else:
            fact = "; ".join([row.line.fact, *row.line.notes])
            cells.append(f'<td dir="auto" colspan="{max(1, len(block))}" style="{near}{_FACT}">{escape(fact)}</td>')
        texts.append(([plain(name) if named else f"({place + 1})", *errors, *said], plain(fact)))
        names += [] if named or not first else [f"({place + 1}) {plain(name)}"]
        lines.append(f'<tr><th scope="row" dir="auto" style="{near}{_ROW}">{escape(name)}</th>{"".join(cells)}</tr>')
    top = f'<th scope="col" style="{near}{_HEAD}.4em">reference</th>'
    top += "".join(f'<th scope="col" style="{far}{_HEAD}.4em">{escape(head)}</th>' for head in errors_head)
    top += "".join(f'<th scope="col" dir="auto" style="{near}{_HEAD}{gap}">{escape(head)}</th>' for head in heads)
    return Html(
        f'<table{direction} style="{_TABLE}"><caption style="{near}{_CAPTION}">{escape(title)}</caption>\n'
        f"<thead><tr>{top}</tr></thead>\n<tbody>\n" + "\n".join(lines) + "\n</tbody></table>",
        "\n".join([plain(title), *names, *_in_columns(texts)]),
    )


def _in_columns(rows: list[tuple[list[str], str]]) -> Iterator[str]:
    """Lay texts out in columns; a fact goes after them, and takes no part."""
    most = max(len(cells) for cells, _ in rows)
    widths = [max(display_width(cells[n]) for cells, _ in rows if n < len(cells)) for n in range(most)]
    for cells, fact in rows:
        padded = [text + " " * (wide - display_width(text)) for text, wide in zip(cells, widths, strict=False)]
        yield "  ".join([*padded, fact]).rstrip()


def _where(stack: Stack, columns: Sequence[_Column]) -> str:
    """Say which units of the reference stand in columns."""
    if not columns or not stack.reference:
        return ""
    noun, many = _NOUNS.get(stack.unit, "units"), len(stack.reference)
    begin, end = columns[0].begin, columns[-1].end
    if (begin, end) == (0, many):
        return f"{many} {noun if many > 1 else noun[:-1]}"
    first = min(begin + 1, many)
    return f"{noun[:-1]} {first} of {many}" if end <= first else f"{noun} {first} to {end} of {many}"


def _markup(column: _Column, place: int, unit: str) -> str:
    if any(column.left):
        return f"<i>{column.left[place]}</i>" if column.left[place] else ""
    return "".join(f"{_OPEN[kind]}{escape(said)}{_CLOSE[kind]}" for kind, said in _said(column.steps[place], unit))


def _text(column: _Column, place: int, unit: str) -> str:
    if any(column.left):
        return column.left[place]
    return "".join(f"{_SIGNS[kind]}{plain(said)}" for kind, said in _said(column.steps[place], unit))


def _said(steps: tuple[Cell, ...], unit: str) -> Iterator[tuple[str, str]]:
    """Give what stands in a cell, by kind: what was heard, or what was not."""
    for kind, run in groupby(steps, key=lambda step: step.kind):
        yield kind, _short(together(((step.ref if kind == "del" else step.hyp) or "" for step in run), unit), _UNITS)


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text):,} characters)"


def _written(stack: Stack, rows: Sequence[_Row]) -> Html:
    """Give the texts as they were written, what came of each line, and what is to be minded."""
    minded = [sentence(note) for note in stack.notes]
    minded += [
        sentence(f"{_short(row.name, _NAME)}: {note}") for row in rows if row.in_columns for note in row.line.notes
    ]
    texts = [("reference", stack.written)]
    texts += [(f"{line.name} — {line.fact}", line.text) for line in stack.lines]
    said = "".join(
        f'<p dir="auto">{escape(name)}{f": <bdi>{escape(text)}</bdi>" if text else ""}</p>'
        for name, text in texts
        if text or name != "reference"
    )
    as_written = Html(f'<details style="overflow-wrap:anywhere"><summary>as written</summary>{said}</details>', "")
    return pile([*minded, as_written])


def _sounds(
    found: Sequence[Stack], dataset: Recordings | None, heard: Callable[[str], Recordings | None] | None
) -> Iterator[Html]:
    """Give what is to be heard: clips of the worst errors where their times are known, else the recording.

    Each recording has a clock of its own: what was asked about it stands together, under the conditions it is of.
    """
    for utt_id, same in groupby(found, key=lambda stack: stack.utt_id):
        of_file: dict[Path | str, list[Line]] = {}
        sources: dict[Path | str, Recordings | None] = {}
        for line in (line for stack in same for line in stack.lines):
            source = asked_about(line.condition, dataset, heard)
            file = file_of(source, utt_id)
            of_file.setdefault(file, []).append(line)
            sources[file] = source
        for file, lines in of_file.items():
            names = "; ".join(dict.fromkeys(line.condition for line in lines))
            under_these = f"heard under {_short(names, _NAME)}" if len(of_file) > 1 else ""
            stretches = worst(cell for line in lines for cell in line.cells)
            for start, end, _ in stretches:
                said = ", ".join(filter(None, [f"errors from {stretch_in_words(start, end)}", under_these]))
                yield pile([sentence(f"{said}:"), player(sources[file], utt_id, start_s=start, end_s=end)])
            if not stretches:
                whole = player(sources[file], utt_id)
                yield pile([sentence(f"{under_these}:"), whole]) if under_these else whole
