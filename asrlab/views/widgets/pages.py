"""Pages: an utterance as plain data that a front end can draw, bounded whatever the texts are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from asrlab.text import plain
from asrlab.views.markup import display_width

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from asrlab.views.stack import Cell, Stack

    Column = tuple[str | None, tuple[Cell | None, ...]]

#: Words shown at once, of all lines together; of more, a part.
_CELLS: Final = 3000
_FEWEST_COLUMNS: Final = 50
#: Characters of a word on its button, and in what is read of it; of a text as it was written.
_WORD, _READ, _TEXT = 60, 120, 20_000
#: Columns of text that a block is wide, that a word takes before it is broken, and that it takes besides.
_WIDE, _WIDEST, _MARGIN = 88, 24, 2
_KINDS: Final = {"hit": "right", "sub": "substituted", "del": "deleted", "ins": "inserted"}


def page(
    stacks: Sequence[Stack],
    sounds: Mapping[str, tuple[int, float | None]],
    *,
    part: int = 0,
    number: int = 0,
) -> dict[str, Any]:
    """Lay an utterance out for the front end.

    Parameters
    ----------
    stacks : sequence of Stack
        From :func:`asrlab.views.stack.stacks`.
    sounds : mapping of str to (int, float or None)
        Which recording was asked about under a condition, and its length in seconds, for words whose time is not known.
    part : int
        Of long utterances, the part that is shown, from 0; the last where there are fewer.
    number : int
        Tells this page from others.

    Returns
    -------
    dict
        Of text, numbers, lists and dicts alone. Words have ``from`` and ``to`` in seconds; where their time is
        estimated from their place among the others, ``share`` of the recording too, and their label says "about".
    """
    columns = [(stack, stack.columns()) for stack in stacks]
    at_once = max(_FEWEST_COLUMNS, _CELLS // max(1, sum(len(stack.lines) + 1 for stack in stacks)))
    longest = max((len(own) for _, own in columns), default=0)
    parts = max(1, -(-longest // at_once))
    part = min(max(part, 0), parts - 1)
    shown = slice(part * at_once, (part + 1) * at_once)
    wrong = [n for n in range(parts) if any(_is_wrong(own[n * at_once : (n + 1) * at_once]) for _, own in columns)]
    return {
        "number": number,
        "sounds": {str(n): plain(name, _READ) for name, (n, _) in reversed(list(sounds.items()))},
        "part": part,
        "parts": parts,
        "where": _where(part, parts, wrong),
        "note": "",
        "sound": next((sounds[line.condition][0] for stack in stacks for line in stack.lines), 0),
        "stacks": [_stack(stack, own, sounds, shown) for stack, own in columns],
    }


def _is_wrong(columns: Sequence[Column]) -> bool:
    return any(cell is not None and cell.kind != "hit" for _, cells in columns for cell in cells)


def _where(part: int, parts: int, wrong: Sequence[int]) -> str:
    errors = ", ".join(str(n + 1) for n in wrong[:20]) + " …" * (len(wrong) > 20)
    return f"part {part + 1} of {parts} (errors in {errors or 'none'})"


def _stack(
    stack: Stack, columns: Sequence[Column], sounds: Mapping[str, tuple[int, float | None]], part: slice
) -> dict[str, Any]:
    shown = columns[part]
    times = [[_known(cells[k]) for _, cells in columns] for k in range(len(stack.lines))]
    shares = _shares(columns)
    heard_in = [sounds.get(line.condition, (0, None)) for line in stack.lines]
    places = [_places(own, shares, lasts)[part] for own, (_, lasts) in zip(times, heard_in, strict=True)]
    named = [line.name for line in stack.lines]
    reference = [
        _cell("hit", said, f"reference: {_read(said)}", place, sound=heard_in[0][0]) if said is not None else None
        for (said, _), place in zip(shown, places[0] if places else [], strict=False)
    ]
    lines = [
        [
            None if cell is None else _cell(cell.kind, _text(cell), _label(cell, plain(named[k], _READ)), place)
            for (_, cells), place in zip(shown, places[k], strict=True)
            for cell in (cells[k],)
        ]
        for k in range(len(stack.lines))
    ]
    aligned = any(cell is not None for line in lines for cell in line)
    heard = [(line.name, line.text) for line in stack.lines if line.text]
    return {
        "title": f"{plain(stack.utt_id, _READ)}: {_long(stack)}{plain(stack.how, 500)}",
        "lines": [
            {
                "name": plain(line.name, _READ),
                "fact": plain("; ".join([line.fact, *line.notes]), 2000),
                "sound": sound,
            }
            for line, (sound, _) in zip(stack.lines, heard_in, strict=True)
        ],
        "notes": [plain(note, 2000) for note in stack.notes],
        "rtl": stack.right_to_left,
        "blocks": [
            {"first": begin, "reference": reference[begin:end], "lines": [line[begin:end] for line in lines]}
            for begin, end in _blocks(reference, lines)
        ]
        if aligned
        else [],
        "written": [
            [plain(name, _READ), _cut(text)]
            for name, text in [*([("reference", stack.written)] if stack.written else []), *heard]
        ],
    }


def _long(stack: Stack) -> str:
    n = len(stack.reference)
    return f"{n} {stack.unit}{'s' * (n != 1)} in the reference; " if n else ""


def _cell(kind: str, text: str, label: str, place: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"kind": kind, "text": plain(text, _WORD), "label": f"{label}, {place['said']}", **more} | {
        name: place[name] for name in ("from", "to", "share")
    }


def _text(cell: Cell) -> str:
    return (cell.ref if cell.kind == "del" else cell.hyp) or ""


def _label(cell: Cell, condition: str) -> str:
    said = _KINDS[cell.kind]
    heard = f", heard {_read(cell.hyp)}" if cell.kind == "sub" else ""
    return f"{said}: {_read(cell.hyp if cell.kind == 'ins' else cell.ref)}{heard}, condition {condition}"


def _read(unit: str | None) -> str:
    return plain(unit or "", _READ)


def _known(cell: Cell | None) -> tuple[float, float]:
    """Give when a word was heard; NaN where that is not known."""
    if cell is None or cell.start_s is None:
        return np.nan, np.nan
    return cell.start_s, cell.start_s if cell.end_s is None else cell.end_s


def _shares(columns: Sequence[Column]) -> NDArray[np.float64]:
    """Estimate how far into the recording each column begins, 0 to 1, as if all letters took equally long."""
    long = np.array([len(said) + 1 if said is not None else 0 for said, _ in columns], dtype=float)
    return np.asarray((np.cumsum(long) - long) / max(long.sum(), 1.0))


def _places(
    known: Sequence[tuple[float, float]], shares: NDArray[np.float64], duration_s: float | None
) -> list[dict[str, Any]]:
    """Say for each word of a line from when to when to play it, and how that is told."""
    start = np.array([begin for begin, _ in known])
    timed = ~np.isnan(start)
    last = max((end for _, end in known if not np.isnan(end)), default=np.nan)
    end_s = duration_s if duration_s is not None else last
    if timed.any() or not np.isnan(end_s):
        # Between words whose time is known, and the ends of the recording.
        at, when = [-1e-9, *shares[timed], 1.0], [0.0, *start[timed], max(end_s, last) if timed.any() else end_s]
        estimated = np.interp(shares, at, np.maximum.accumulate(when))
    else:
        estimated = np.full(len(shares), np.nan)
    places = []
    for (begin, end), about, share in zip(known, estimated, shares, strict=True):
        if not np.isnan(begin):
            place = {"from": round(begin, 3), "to": round(end, 3), "share": None, "said": f"at {begin:.1f} s"}
        elif not np.isnan(about):
            place = {
                "from": round(float(about), 3),
                "to": None,
                "share": round(float(share), 4),
                "said": f"at about {about:.1f} s",
            }
        else:
            place = {
                "from": None,
                "to": None,
                "share": round(float(share), 4),
                "said": f"at about {share:.0%} of the recording",
            }
        places.append(place)
    return places


def _blocks(reference: Sequence[Any], lines: Sequence[Sequence[Any]]) -> Iterator[tuple[int, int]]:
    """Break columns into blocks that a page is wide enough for."""
    wide = [
        _MARGIN + min(max((display_width(cell["text"]) for cell in column if cell), default=0), _WIDEST)
        for column in _turned(reference, lines)
    ]
    begin = 0
    taken = 0
    for n, width in enumerate(wide):
        if taken + width > _WIDE and n > begin:
            yield begin, n
            begin, taken = n, 0
        taken += width
    if begin < len(wide):
        yield begin, len(wide)


def _turned(reference: Sequence[Any], lines: Sequence[Sequence[Any]]) -> Iterable[tuple[Any, ...]]:
    return zip(reference, *lines, strict=True)


def _cut(text: str) -> str:
    more = len(text) - _TEXT
    return plain(text) if more <= 0 else f"{plain(text[:_TEXT])} … ({more} more characters)"
