"""Differences: the spans in which two transcripts of one recording differ, each with all of the numbers it touches."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple

from rapidfuzz.distance import Levenshtein

from asrlab.scoring.formatting.spans import UNIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asrlab.scoring.formatting.spans import Item, Parsed

#: What was changed.
KINDS: Final = ("number", "words", "case", "punctuation", "spacing")
#: A unit of a text: where it begins and ends, and what it is.
_Unit = tuple[int, int, str]


class Block(NamedTuple):
    """Items of a transcript, from ``first`` to before ``last``, and the text that they and their marks are."""

    first: int
    last: int
    begin: int
    end: int


class Change(NamedTuple):
    """What was changed: one of :data:`KINDS`, and where it stands before and after."""

    kind: str
    before: Block
    after: Block


def changed(before: Parsed, after: Parsed) -> list[Change]:
    """Find the spans in which two texts differ.

    Parameters
    ----------
    before, after : Parsed
        Two transcripts of one recording.

    Returns
    -------
    list of Change
        In order. A span is as long as the words and marks that differ, and the whole of every number that they touch;
        spans with nothing between them are one. Texts that differ in white space alone have one, of everything.

    Examples
    --------
    >>> from asrlab.scoring.formatting.spans import parsed
    >>> was, now = parsed("I paid five million dollars", "en"), parsed("I paid 5 million dollars", "en")
    >>> [(change.kind, was.text[change.before.begin : change.before.end]) for change in changed(was, now)]
    [('number', 'five million dollars')]
    """
    units = [[(unit.start(), unit.end(), unit[0]) for unit in UNIT.finditer(side.text)] for side in (before, after)]
    opcodes = Levenshtein.opcodes([unit[2] for unit in units[0]], [unit[2] for unit in units[1]])
    spans = [[op.src_start, op.src_end, op.dest_start, op.dest_end] for op in opcodes if op.tag != "equal"]
    numbers = [_number_of_units(side, places) for side, places in zip((before, after), units, strict=True)]
    found = []
    for begin, end, at, to in _widened(spans, numbers, [len(side) for side in units]):
        blocks = _block(before, units[0], begin, end), _block(after, units[1], at, to)
        found.append(Change(_kind(before, after, *blocks), *blocks))
    if not found and before.text != after.text:
        found.append(Change("spacing", *(Block(0, len(side.items), 0, len(side.text)) for side in (before, after))))
    return found


def _number_of_units(side: Parsed, units: Sequence[_Unit]) -> list[int]:
    """Give the number of the item that each unit is part of where that is a number, -1 elsewhere."""
    place, item = [], 0
    for begin, _, _ in units:
        while item < len(side.items) and side.items[item].end <= begin:
            item += 1
        there = item < len(side.items) and side.items[item].begin <= begin and side.items[item].number_class
        place.append(item if there else -1)
    return place


def _widened(spans: list[list[int]], number: list[list[int]], lengths: list[int]) -> list[list[int]]:
    """Widen spans to whole numbers, on both sides alike, and put together those that meet."""
    done: list[list[int]] = []
    for n, (begin, end, at, to) in enumerate(spans):
        span = [begin, end, at, to]
        limit = spans[n + 1] if n + 1 < len(spans) else [lengths[0], 0, lengths[1], 0]
        while True:
            if done and done[-1][1] == span[0] and done[-1][3] == span[2]:
                last = done.pop()
                span = [last[0], span[1], last[2], span[3]]
            elif _cut(number, span, 0, lengths):
                span[0], span[2] = span[0] - 1, span[2] - 1
            elif (span[1], span[3]) != (limit[0], limit[2]) and _cut(number, span, 1, lengths):
                span[1], span[3] = span[1] + 1, span[3] + 1
            else:
                break
        done.append(span)
    return done


def _cut(number: list[list[int]], span: list[int], edge: int, lengths: list[int]) -> bool:
    """Tell whether a span ends in a number on either side: on the left (0) or right (1)."""
    return any(
        0 < at < length and places[at - 1] == places[at] >= 0
        for places, at, length in ((number[0], span[edge], lengths[0]), (number[1], span[edge + 2], lengths[1]))
    )


def _block(side: Parsed, units: Sequence[_Unit], first: int, last: int) -> Block:
    if first == last:
        begin = end = units[first][0] if first < len(units) else len(side.text)
    else:
        begin, end = units[first][0], units[last - 1][1]
    # Items do not overlap: their ends are in order as their beginnings are.
    from_item = bisect_right(side.items, begin, key=_end)
    to_item = max(from_item, bisect_left(side.items, end, key=_begin))
    if to_item > from_item:
        begin, end = min(begin, side.items[from_item].begin), max(end, side.items[to_item - 1].end)
    return Block(from_item, to_item, begin, end)


def _begin(item: Item) -> int:
    return item.begin


def _end(item: Item) -> int:
    return item.end


def _kind(before: Parsed, after: Parsed, was: Block, now: Block) -> str:
    items = [*before.items[was.first : was.last], *after.items[now.first : now.last]]
    texts = before.text[was.begin : was.end], after.text[now.begin : now.end]
    if _letters(texts[0]) == _letters(texts[1]) and keys_of(before, was) == keys_of(after, now):
        if "".join(texts[0].split()) == "".join(texts[1].split()):
            return "spacing"
        return "case" if texts[0].casefold() == texts[1].casefold() else "punctuation"
    return "number" if any(item.number_class for item in items) else "words"


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def keys_of(side: Parsed, block: Block) -> list[str]:
    """Give what the items of a block say."""
    return [item.key for item in side.items[block.first : block.last]]
