"""Likeness: which unit of a transcript stands for which unit of the reference, by looks and by sound.

It never decides what is right or wrong, nor how many errors there are; only who is paired with whom among alignments
that have the same errors.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from anyascii import anyascii
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cpdist

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# How much the three views of a unit weigh. Sound counts most: recognisers mistake what sounds alike. The unit as it is
# written counts least: it tells tones and accents apart, which romanised letters do not show, and that 三 is 3.
_WEIGHTS: Final = (1, 4, 5)

# Sounds that are taken for one another have one letter: all vowels, voiced and unvoiced, the hisses, the nasals, the
# liquids. Much as in Soundex (Russell 1918), but vowels keep their place and the first letter is not special.
_SOUNDS: Final = {
    **{
        ord(letter): group[0] for group in ("aeiouyw", "bp", "fv", "kcqg", "szxj", "td", "lr", "mn") for letter in group
    },
    ord("h"): None,
}
_SPELLINGS: Final = (
    (re.compile("gh"), ""),
    (re.compile("c(?=[eiy])"), "s"),
    (re.compile("(?<=..)e$"), ""),
)
_DOUBLED: Final = re.compile(r"(.)\1+")

# Likeness is compared to one part in a million: below that are rounding errors of sums, which must not decide.
_STEPS: Final = 1_000_000


def likeness(said: Sequence[str], heard: Sequence[str]) -> NDArray[np.float64]:
    """Measure how much units look and sound alike, pair by pair.

    Three views of the two units are compared, each by Levenshtein distance over the length of the longer: as they are
    written (letters and their marks apart, case folded; signs for numbers in figures), as romanised (Han by Mandarin
    readings), and by classes of sound (all vowels one class, "p" and "b" another). The result is their mean, weighed
    1, 4 and 5.

    Parameters
    ----------
    said : sequence of str
        Units of references: words, or characters of any script.
    heard : sequence of str
        Units of transcripts, as many.

    Returns
    -------
    ndarray of float64, shape (n,)
        0 (nothing alike) to 1; equal units have 1, and so have units that differ by case only.

    Raises
    ------
    ValueError
        If there are not as many units heard as said.

    Examples
    --------
    >>> likeness(["night", "night", "night"], ["knight", "light", "cat"]).round(2)
    array([0.79, 0.73, 0.43])
    >>> likeness(["是", "是", "か"], ["事", "热", "カ"]).round(2)
    array([0.9 , 0.25, 0.9 ])
    """
    if len(said) != len(heard):
        raise ValueError(f"{len(said)} units were said and {len(heard)} heard; they must be as many.")
    units = list({*said, *heard})
    total = np.zeros(len(said))
    for weight, forms in zip(_WEIGHTS, zip(*map(_views, units), strict=True), strict=False):
        form = dict(zip(units, forms, strict=True))
        left, right = [form[unit] for unit in said], [form[unit] for unit in heard]
        total += weight * cpdist(left, right, scorer=Levenshtein.normalized_similarity, dtype=np.float64)
    return total / sum(_WEIGHTS)


def pair_up(likeness: NDArray[np.float64]) -> NDArray[np.intp]:
    """Pair the units of the shorter side, in order, with units of the longer side, for many places of one shape.

    Parameters
    ----------
    likeness : ndarray of float, shape (places, n, d + 1)
        ``likeness[b, i, k]`` is how alike unit i of the shorter side, which has n, is to unit i + k of the longer side,
        which has n + d.

    Returns
    -------
    ndarray of intp, shape (places, n)
        k of each unit, not falling along a row: unit i is paired with unit i + k, and all of the longer side that is
        paired with nothing is left over. The total likeness is the largest there is; among equals, k changes as rarely
        as can be (what is left over stays together), and then is as small as can be, from the first unit on.
        Likeness is compared to a millionth.

    Examples
    --------
    >>> pair_up(np.array([[[0.1, 0.9], [0.2, 0.8]]]))  # the first of three is left over
    array([[1, 1]])
    """
    places, n, shifts = likeness.shape
    # Whole numbers, so that sums are exact and equals are equal; a change of k costs less than any step of likeness.
    gain = np.rint(likeness * _STEPS).astype(np.int64) * (n + 1)
    ks = np.broadcast_to(np.arange(shifts), (places, shifts))
    after = np.empty((n, places, shifts), np.intp)  # k of unit i that is best if unit i - 1 has this k
    rest = np.zeros((places, shifts), np.int64)  # best total of the units from i on, if unit i has this k
    for i in range(n - 1, -1, -1):
        rest = rest + gain[:, i]
        # Best of this k and all larger ones, and where it is: the first k that nothing to its right exceeds.
        best = np.maximum.accumulate(rest[:, ::-1], axis=1)[:, ::-1]
        where = np.minimum.accumulate(np.where(rest == best, ks, shifts)[:, ::-1], axis=1)[:, ::-1]
        stay = rest >= best - 1
        after[i] = np.where(stay, ks, where)
        rest = np.where(stay, rest, best - 1)
    out = np.empty((places, n), np.intp)
    if n:
        out[:, 0] = where[:, 0]
    rows = np.arange(places)
    for i in range(1, n):
        out[:, i] = after[i, rows, out[:, i - 1]]
    return out


@lru_cache(maxsize=1 << 16)
def _views(unit: str) -> tuple[str, str, str]:
    """Give a unit as written, as romanised, and as classes of sound."""
    number = unicodedata.numeric(unit, None) if len(unit) == 1 else None
    written = unicodedata.normalize("NFD", unit.casefold()) if number is None else f"{number:g}"
    # What cannot be romanised or has no sound would be like everything else of the kind.
    romanised = anyascii(unicodedata.normalize("NFC", unit)).lower() or written
    sound = romanised
    for spelling, plain in _SPELLINGS:
        sound = spelling.sub(plain, sound)
    return written, romanised, _DOUBLED.sub(r"\1", sound.translate(_SOUNDS)) or romanised
