"""Lattices: of texts with too many wordings to try each, the one that is nearest to what was heard.

Stretches of a text are normalised and cut into units each by itself, and the way through them that has the fewest
errors is found row by row, as the edit distance is: exact where a normalizer does nothing across their borders. What
touches is one stretch, so that letters of a word, and marks of a letter, stay together.
"""

from __future__ import annotations

from itertools import groupby, islice, pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from wcwidth import iter_graphemes

from asrlab.errors import InvalidInput
from asrlab.normalize.scripts import SCRIPTS
from asrlab.scoring.tokens import tokens
from asrlab.wordings import together

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from asrlab.scoring.sheet import Recipe
    from asrlab.wordings import Part

    Row = NDArray[np.signedinteger[Any]]
    Units = NDArray[np.int32]

#: Ways that alternatives which touch one another may make.
_MOST_TOUCHING: Final = 1024


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
        self._stretches = apart(stretches, recipe.unit)
        self._units = [[self._cut(way) for way in ways] for ways in self._stretches]
        self._longest = sum(max(map(len, ways)) for ways in self._units)

    def nearest(self, heard: str) -> str:
        """Give the wording with the fewest errors, of equals the longest, then the first."""
        units = self._cut(heard)
        scale = self._longest + 1  # an error weighs more than all units of a reference
        dtype = np.int32 if scale * (self._longest + len(units) + 2) < 2**31 else np.int64
        start: Row = (scale * np.arange(len(units) + 1)).astype(dtype)
        # From the end: what all that follows a stretch costs, from each place of the transcript on.
        row, back = start, units[::-1]
        after = []
        for cut in reversed(self._units):
            after.append(row[::-1])
            row = np.minimum.reduce([_onwards(row, way[::-1], back, start, scale) for way in cut])
        row = start
        chosen = []
        for ways, cut, rest in zip(self._stretches, self._units, reversed(after), strict=True):
            rows = [_onwards(row, way, units, start, scale) for way in cut]
            best = int(np.argmin([(one + rest).min() for one in rows])) if len(rows) > 1 else 0
            row = rows[best]
            chosen.append(ways[best])
        return together(chosen)

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


def apart(stretches: Sequence[Part], unit: str) -> list[Part]:
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
    >>> apart([("the colo",), ("u", ""), ("r",)], "word")
    [('the ',), ('colour', 'color')]
    >>> apart([("我",), ("想", "要"), ("喝",)], "char")
    [('我',), ('想', '要'), ('喝',)]
    """
    made: list[Part] = []
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
