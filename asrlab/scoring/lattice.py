"""Lattices: of texts with too many wordings to try each, the one that is nearest to what was heard.

Stretches of a text are normalised and cut into units each by itself, and the way through them that has the fewest
errors is found row by row, as the edit distance is: exact where a normalizer does nothing across their borders. What
touches is one stretch, so that letters of a word, and marks of a letter, stay together. Where a normalizer is seen to
work across borders, as number forms do ("one hundred" and "fifty"), the way that was found is a start, from which one
goes on by what the whole text counts.
"""

from __future__ import annotations

from functools import cached_property
from itertools import groupby, islice, pairwise, product
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist
from wcwidth import iter_graphemes

from asrlab.errors import InvalidInput
from asrlab.normalize import normalizer
from asrlab.normalize.scripts import SCRIPTS
from asrlab.scoring.tokens import tokens
from asrlab.wordings import wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from asrlab.scoring.sheet import Recipe
    from asrlab.wordings import Part

    Row = NDArray[np.signedinteger[Any]]
    Units = NDArray[np.int32]
    Choice = tuple[int, ...]

#: Ways that alternatives which touch one another may make.
_MOST_TOUCHING: Final = 1024
#: Ways through up to which trying each is faster than going row by row.
_FEW: Final = 512
#: Ways of each stretch that are seen in whole texts, to tell whether a normalizer works across borders.
_MOST_SEEN: Final = 32
#: Stretches on either side of one that are seen with it.
_AROUND: Final = 4
#: Characters of whole texts that are looked at for one transcript.
_MOST_LOOKED_AT: Final = 1_000_000


class Lattice:
    """A text with alternatives, cut into units.

    Parameters
    ----------
    stretches : sequence of tuple of str
        The ways to write each stretch (:func:`asrlab.wordings.parts`).
    recipe : Recipe
        How a text becomes units.
    """

    def __init__(self, stretches: Sequence[Part], recipe: Recipe) -> None:
        self._recipe = recipe
        self._codes: dict[str, int] = {}
        self._stretches = recut(stretches, recipe.unit)
        self._units = [[self._cut(way) for way in ways] for ways in self._stretches]
        self._longest = sum(max(map(len, ways)) for ways in self._units)

    def nearest(self, heard: str) -> str:
        """Give the wording with the fewest errors, of equals the longest, then the first."""
        way = self._through(self._cut(heard))
        return self._wording(self._improved(heard, way, self._spelled(heard)) if self._crossed else way)

    def longest(self) -> str:
        """Give the longest wording, of equals the first."""
        way = tuple(max(range(len(ways)), key=lambda n: len(ways[n])) for ways in self._units)
        return self._wording(self._improved(None, way) if self._crossed else way)

    @cached_property
    def _crossed(self) -> list[int]:
        """Stretches with several ways around which whole texts are seen to become other units than stretches do."""
        if not self._recipe.normalizer.steps or not self._seen_to_cross(0, len(self._stretches)):
            return []
        several = [n for n, ways in enumerate(self._stretches) if len(ways) > 1]
        return [n for n in several if self._seen_to_cross(max(n - _AROUND, 0), n + _AROUND + 1)] or several

    def _seen_to_cross(self, begin: int, end: int) -> bool:
        """Tell whether some stretches, in texts that have all of their ways, are other units together than apart."""
        stretches, cut = self._stretches[begin:end], self._units[begin:end]
        for first in range(min(max(map(len, stretches), default=0), _MOST_SEEN)):
            way = [(first + n) % len(ways) for n, ways in enumerate(stretches)]
            apart = [unit for ways, n in zip(cut, way, strict=True) for unit in ways[n].tolist()]
            text = wording(ways[n] for ways, n in zip(stretches, way, strict=True))
            if self._cut(text).tolist() != apart:
                return True
        return False

    def _wording(self, way: Choice) -> str:
        return wording(ways[n] for ways, n in zip(self._stretches, way, strict=True))

    def _spelled(self, heard: str) -> Choice:
        """Choose ways as they are spelled in what was heard, before number forms and the like."""
        return self._basic._through(self._basic._cut(heard))

    @cached_property
    def _basic(self) -> Lattice:
        return Lattice(self._stretches, self._recipe._replace(normalizer=normalizer("basic")))

    def _improved(self, heard: str | None, *starts: Choice) -> Choice:
        """Change one stretch, or two that follow one another, as long as the whole text gets better by it."""
        goal = None if heard is None else self._cut(heard).tolist()
        costs: dict[Choice, tuple[int, int]] = {}

        def cost(way: Choice) -> tuple[int, int]:
            if way not in costs:
                units = self._cut(self._wording(way)).tolist()
                costs[way] = 0 if goal is None else Levenshtein.distance(units, goal), -len(units)
            return costs[way]

        steps = [(n,) for n in self._crossed] + list(pairwise(self._crossed))
        most = _MOST_LOOKED_AT // (1 + len(self._wording(starts[0])))
        best = min(dict.fromkeys(starts), key=cost)
        for start in dict.fromkeys(starts):
            here = start
            while True:
                before = here
                for places in steps:
                    if len(places) > 1 and here != before:  # first all that one change can do
                        break
                    for ways in product(*(range(len(self._stretches[n])) for n in places)):
                        changed = list(here)
                        for n, way in zip(places, ways, strict=True):
                            changed[n] = way
                        if len(costs) < most and cost(tuple(changed)) < cost(here):
                            here = tuple(changed)
                if here == before:
                    break
            best = min(best, here, key=cost)
        return best

    def _through(self, heard: Units) -> Choice:
        """Find the best way through, each stretch taken by itself."""
        if prod(map(len, self._stretches)) <= _FEW:
            return self._tried(heard)
        scale = self._longest + 1  # an error weighs more than all units of a reference
        dtype = np.int32 if scale * (self._longest + len(heard) + 2) < 2**31 else np.int64
        start: Row = (scale * np.arange(len(heard) + 1)).astype(dtype)
        # From the end: what all that follows a stretch costs, from each place of the transcript on.
        row, back = start, heard[::-1]
        after = []
        for cut in reversed(self._units):
            after.append(row[::-1])
            row = np.minimum.reduce([_onwards(row, way[::-1], back, start, scale) for way in cut])
        row = start
        chosen = []
        for cut, rest in zip(self._units, reversed(after), strict=True):
            rows = [_onwards(row, way, heard, start, scale) for way in cut]
            best = int(np.argmin([(one + rest).min() for one in rows])) if len(rows) > 1 else 0
            row = rows[best]
            chosen.append(best)
        return tuple(chosen)

    def _tried(self, heard: Units) -> Choice:
        coded = [["".join(map(chr, way.tolist())) for way in ways] for ways in self._units]
        texts = list(map("".join, product(*coded)))
        errors = cdist(texts, ["".join(map(chr, heard.tolist()))], scorer=Levenshtein.distance)[:, 0]
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        best = int(np.lexsort((-lengths, errors))[0])
        return tuple(map(int, np.unravel_index(best, [len(ways) for ways in coded])))

    def _cut(self, text: str) -> Units:
        units = tokens(self._recipe.normalizer(text), self._recipe.unit)
        return np.array([self._codes.setdefault(unit, len(self._codes)) for unit in units], np.int32)


def _onwards(row: Row, units: Units, heard: Units, ramp: Row, scale: int) -> Row:
    """Go on by some units of a reference: from the least cost up to each place of what was heard, to the next.

    An error costs ``scale``, and each unit of the reference takes off 1.
    """
    for unit in units:
        here = row + row.dtype.type(scale - 1)  # deleted
        paired = row[:-1] + np.where(heard == unit, -1, scale - 1).astype(row.dtype)
        np.minimum(here[1:], paired, out=here[1:])
        # What is inserted is a running minimum, once each place's own insertions are taken out.
        here -= ramp
        np.minimum.accumulate(here, out=here)
        here += ramp
        row = here
    return row


def recut(stretches: Sequence[Part], unit: str) -> list[Part]:
    """Cut stretches anew, so that no word, and no character with its marks, lies in two of them.

    Parameters
    ----------
    stretches : sequence of tuple of str
        The ways to write each.
    unit : str
        Scripts without spaces come apart between any two characters, but not where ``unit`` is ``"word"``.

    Raises
    ------
    InvalidInput
        If alternatives that touch make too many ways.

    Examples
    --------
    >>> recut([("the colo",), ("u", ""), ("r",)], "word")
    [('the ',), ('colour', 'color')]
    >>> recut([("我",), ("想", "要"), ("喝",)], "char")
    [('我',), ('想', '要'), ('喝',)]
    """
    made: list[Part] = []
    for ways in stretches:
        made.append(ways)
        if len(made) > 1 and _touch(made, unit):
            break
    else:
        return made
    made = []
    for ways in stretches:
        for piece in [(one,) for one in _pieces(ways[0], unit)] if len(ways) == 1 else [ways]:
            made.append(piece)
            while len(made) > 1 and _touch(made, unit):
                made[-2:] = [_joined(*made[-2:])]
    whole: list[Part] = []
    for plain, run in groupby(made, key=lambda ways: len(ways) == 1):
        found = list(run)
        whole += [("".join(way for (way,) in found),)] if plain else found
    return whole


def _pieces(text: str, unit: str) -> Iterator[str]:
    """Cut a plain text where nothing holds it together."""
    signs = list(iter_graphemes(text))
    begin = 0
    at = 0
    for before, sign in pairwise(signs):
        at += len(before)
        if not _hold(before[-1], sign[0], unit):
            yield text[begin:at]
            begin = at
    if text:
        yield text[begin:]


def _touch(made: list[Part], unit: str) -> bool:
    """Tell whether the last stretch holds together with what may stand before it."""
    firsts = {way[0] for way in made[-1] if way}
    for ways in islice(reversed(made), 1, None):
        if any(_hold(way[-1], sign, unit) for way in ways if way for sign in firsts):
            return True
        if all(ways):  # else it may be left out, and what is before it stands there
            return False
    return False


def _hold(before: str, sign: str, unit: str) -> bool:
    """Tell whether two characters hold together: those of a word, or of a character with its marks."""
    if before.isspace() or sign.isspace():
        return False
    if unit == "word" or not (SCRIPTS[0].match(before) or SCRIPTS[0].match(sign)):
        return True
    return len(list(iter_graphemes(before + sign))) == 1


def _joined(one: Part, other: Part) -> Part:
    ways = tuple(dict.fromkeys(before + after for before in one for after in other))
    if len(ways) > _MOST_TOUCHING:
        raise InvalidInput(
            f"alternatives that touch make more than {_MOST_TOUCHING} ways of one word, such as {ways[0][:40]!r}. "
            'Put spaces between words, or choose unit="char" or "mixed" for a script without them.'
        )
    return ways
