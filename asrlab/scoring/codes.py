"""Codes: texts in which each character stands for one unit.

Counting and aligning compare units, whatever they are. When every unit is one character, C code that knows strings does
both at once for words, grapheme clusters and characters, and no Python object is made for each unit.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from wcwidth import iter_graphemes

from asrlab.errors import InvalidInput
from asrlab.scoring.tokens import UNITS, characters_apart, unknown_unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

#: Characters there are: so many different units can be told apart.
_CODES: Final = sys.maxunicode + 1


@dataclass(frozen=True)
class Codes:
    """Texts with one character a unit.

    Parameters
    ----------
    texts : list of str
        A text each, in the order given; its length is the number of units.
    names : dict of int to str
        What a code point stands for; those that are not in it stand for themselves.
    """

    texts: list[str]
    names: dict[int, str] = field(repr=False)

    def units(self, codes: NDArray[np.uint32]) -> list[str]:
        """Give the units that code points stand for."""
        return [self.names.get(code) or chr(code) for code in codes.tolist()]


def code_points(texts: Iterable[str]) -> NDArray[np.uint32]:
    """Give the code points of all texts, one after another."""
    return np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4")


def encode(texts: Sequence[str], unit: str) -> Codes:
    """Cut texts into units and write each unit as one character.

    Texts that are to be compared must be encoded together.

    Parameters
    ----------
    texts : sequence of str
        Normalised texts.
    unit : {"word", "char", "codepoint", "mixed"}
        As in :func:`asrlab.scoring.tokens.tokens`, which gives the same units.

    Returns
    -------
    Codes
        Equal units have equal characters.

    Raises
    ------
    InvalidInput
        If there is no such unit, or the texts have over a million different units.

    Examples
    --------
    >>> codes = encode(["the cat", "the hat"], "word")
    >>> [len(text) for text in codes.texts], codes.units(code_points(codes.texts))
    ([2, 2], ['the', 'cat', 'the', 'hat'])
    """
    if unit == "word":
        return _words(list(texts))
    if unit == "mixed":
        return _words([characters_apart(text) for text in texts])
    if unit in UNITS:
        return _characters(_without_space(texts), whole=unit == "char")
    raise unknown_unit(unit, UNITS)


def _words(texts: list[str]) -> Codes:
    codes = _single_spaced_words(texts)
    # Normalizers leave one plain space between words; where a text has other white space, some "word" shows it.
    if any(word.split() != [word] for word in codes.names.values()):
        codes = _single_spaced_words([" ".join(text.split()) for text in texts])
    return codes


def _single_spaced_words(texts: list[str]) -> Codes:
    cut = pc.split_pattern(pa.array([text or None for text in texts], pa.large_string()), " ")
    words = cut.values.dictionary_encode()
    if len(words.dictionary) > _CODES:
        raise _too_many("words")
    whole = words.indices.to_numpy().astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
    ends = cut.offsets.to_numpy().tolist()
    return Codes([whole[start:end] for start, end in pairwise(ends)], dict(enumerate(words.dictionary.to_pylist())))


def _without_space(texts: Sequence[str]) -> list[str]:
    # Most often there is none, which one look at all texts together tells.
    if len((whole := "".join(texts)).split()) <= 1 and whole.strip() == whole:
        return list(texts)
    return ["".join(text.split()) for text in texts]


def _characters(texts: list[str], *, whole: bool) -> Codes:
    """Take code points as they are, and give each cluster of several one of its own where ``whole`` clusters count."""
    there = np.zeros(_CODES, bool)
    there[code_points(texts)] = True
    joining = {sign for sign in map(chr, np.flatnonzero(there).tolist()) if _joins(sign)} if whole else set()
    if not joining:
        return Codes(texts, {})
    # From the last, which stand for nothing, to those that stand for signs which are not in these texts.
    free = (code for code in range(_CODES - 1, -1, -1) if not there[code])
    codes: dict[str, str] = {}
    coded = []
    for text in texts:
        if joining.isdisjoint(text):
            coded.append(text)
            continue
        for cluster in (clusters := list(iter_graphemes(text))):
            if cluster not in codes:
                code = ord(cluster) if len(cluster) == 1 else next(free, None)
                if code is None:
                    raise _too_many("characters")
                codes[cluster] = chr(code)
        coded.append("".join(map(codes.__getitem__, clusters)))
    return Codes(coded, {ord(code): cluster for cluster, code in codes.items() if len(cluster) > 1})


def _too_many(units: str) -> InvalidInput:
    return InvalidInput(
        f"These texts have more than {_CODES:,} different {units}, which is more than can be told apart at once. Cut "
        "them into segments; if they are hardly texts at all, correct the tables they come from."
    )


@cache
def _joins(sign: str) -> bool:
    """Whether a character may form one grapheme cluster with a letter before it, or one of its own kind.

    Those that join a letter after them (U+0600, ARABIC NUMBER SIGN, and others) join their own kind too.
    """
    return any(len(list(iter_graphemes(text))) == 1 for text in ("a" + sign, sign + sign))
