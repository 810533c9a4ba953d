"""Contexts: what is looked for in a transcript, and where its terms and stretches stand there."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from asrlab.scoring.flags.pieces import letters_of, spaced, weight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asrlab.scoring.flags.heard import Heard

#: Least likeness (1 - optimal string alignment distance / longer length) of a misspelled term or word, and how many
#: letters it must have: one in five may be another, of three characters one.
_ALIKE: Final = 0.7
_ALIKE_CHARACTERS: Final = 0.66
_LETTERS: Final = 5
_CHARACTERS: Final = 3
#: Most pieces of a term that is looked for as a whole; longer ones are found as stretches.
_LONGEST: Final = 12
#: Words in a row that are of the context and not merely of the language.
_ROW: Final = 2.0
#: Words of a name, at most; more is prose.
_NAME: Final = 3
#: Words of so many letters and fewer are terms of a list without separators only if that is sure otherwise.
_SHORT: Final = 3


class Term(NamedTuple):
    """A term of the context in a transcript: its places in the list, its letters, its pieces (end left out)."""

    numbers: list[int]
    name: str
    first: int
    last: int


class Context:
    """The terms of a context, and its words in their order.

    Parameters
    ----------
    terms : list of str
        As written.
    cut : list of list of str
        The same in pieces.
    """

    def __init__(self, terms: list[str], cut: list[list[str]]) -> None:
        self.size = len(cut)
        self.sequence = [letters for term in cut for letters in term]
        self.weight = sum(map(weight, self.sequence))
        self.names: dict[str, list[int]] = {}
        self.capital: set[str] = set()  # a name or an abbreviation is no common short word
        self.parts: set[str] = set()  # words of names of several
        self.longest = 0
        for number, (term, letters) in enumerate(zip(terms, cut, strict=True)):
            if 0 < len(letters) <= _LONGEST:
                name = "".join(letters)
                self.names.setdefault(name, []).append(number)
                self.longest = max(self.longest, len(letters))
                if term[:1].isupper():
                    self.capital.add(name)
                    if len(letters) <= _NAME:
                        self.parts.update(word for word in letters if len(word) > _LETTERS)

    @cached_property
    def rows(self) -> set[tuple[str, ...]]:
        """Shortest rows that are worth two words, from each piece on."""
        return {row for at in range(len(self.sequence)) if (row := _row(self.sequence, at))}

    @cached_property
    def vocabulary(self) -> list[str]:
        """Words long enough to be known when misspelled."""
        return [letters for letters in dict.fromkeys(self.sequence) if spaced(letters) and len(letters) >= _LETTERS]

    @cached_property
    def spelled(self) -> list[str]:
        """Terms long enough to be known when misspelled."""
        return [name for name in self.names if len(name) >= (_LETTERS if spaced(name) else _CHARACTERS)]

    def terms_in(self, letters: Sequence[str], odd: Sequence[bool]) -> list[Term]:
        """Find terms in a transcript, longer ones first; one place counts once.

        Parameters
        ----------
        letters : sequence of str
            Pieces of the transcript.
        odd : sequence of bool
            Where a term may be misspelled, split or joined.
        """
        free = [True] * len(letters)
        exact = [
            Term(self.names[name], name, first, last)
            for name, first, last in _windows(letters, free, self.longest + 1)
            if name in self.names
        ]
        exact.sort(key=lambda term: -len(term.name))
        found = _placed(exact, free)
        open_to_spelling = [one and other for one, other in zip(free, odd, strict=True)]
        found += _placed(self._misspelled(letters, open_to_spelling), free)
        return sorted(found, key=lambda term: term.first)

    def _misspelled(self, letters: Sequence[str], there: Sequence[bool]) -> list[Term]:
        """Find what is like a term, what is most like it first."""
        windows = [
            window
            for window in _windows(letters, there, self.longest + 1)
            if len(window[0]) >= (_LETTERS if spaced(window[0]) else _CHARACTERS - 1)
        ]
        found = []
        for (_, first, last), (name, likeness) in zip(
            windows, _most_like([window[0] for window in windows], self.spelled), strict=True
        ):
            if likeness >= (_ALIKE if spaced(name) else _ALIKE_CHARACTERS):
                found.append((-likeness, Term(self.names[name], name, first, last)))
        return [term for _, term in sorted(found, key=lambda pair: pair[0])]

    def rows_in(self, letters: Sequence[str], odd: Sequence[bool]) -> list[bool]:
        """Tell which pieces of a transcript are in rows of the context, odd ones read as what they are like."""
        read = list(letters)
        own = set(self.sequence)
        unknown = [
            n for n, word in enumerate(letters) if odd[n] and len(word) >= _LETTERS and word not in own and spaced(word)
        ]
        for n, (word, likeness) in zip(
            unknown, _most_like([letters[n] for n in unknown], self.vocabulary), strict=True
        ):
            if likeness >= _ALIKE:
                read[n] = word
        covered = [False] * len(read)
        for at in range(len(read)):
            row = _row(read, at)
            if row and row in self.rows:
                covered[at : at + len(row)] = [True] * len(row)
        return covered


def context_of(heard: Heard, cut: dict[tuple[str, int], list[str]]) -> Context:
    """Read the context that an answer was asked with, cut as the answer is.

    Parameters
    ----------
    heard : Heard
        The answer.
    cut : dict of (str, int) to list of str
        Terms that were cut before, by the recipe they were cut by; filled here.
    """
    terms = _terms(heard.items)
    keys = [(term, id(heard.recipe)) for term in terms]
    for key in keys:
        if key not in cut:
            cut[key] = letters_of(heard.recipe.normalizer(key[0]))
    return Context(terms, [cut[key] for key in keys])


def _terms(items: Sequence[str]) -> list[str]:
    """Take the terms of a context; of a list that words introduce, or that has spaces only, each by itself."""
    found = []
    for item in items:
        introduction, _, rest = item.replace("：", ": ").partition(": ")
        found += [introduction.strip(), rest.strip()] if rest.strip() else [item]
    words = found[0].split() if len(found) == 1 else []
    if all(not spaced(word) or (len(word) > _SHORT and word[:1].isupper()) for word in words):
        return words or found
    return found


def _row(sequence: Sequence[str], at: int) -> tuple[str, ...]:
    """Give the shortest row from a place on that is worth two words, empty where there is none."""
    worth = 0.0
    for end in range(at, len(sequence)):
        worth += weight(sequence[end])
        if worth >= _ROW - 1e-9:
            return tuple(sequence[at : end + 1])
    return ()


def _windows(letters: Sequence[str], there: Sequence[bool], longest: int) -> list[tuple[str, int, int]]:
    """Give all rows of so many pieces and fewer, written together."""
    found = []
    for first in range(len(letters)):
        name = ""
        for last in range(first + 1, min(first + longest, len(letters)) + 1):
            if not there[last - 1]:
                break
            name += letters[last - 1]
            found.append((name, first, last))
    return found


def _placed(candidates: list[Term], free: list[bool]) -> list[Term]:
    """Take those of the candidates whose place is free, the first ones first, and note that it is taken."""
    found = []
    for term in candidates:
        if all(free[term.first : term.last]):
            free[term.first : term.last] = [False] * (term.last - term.first)
            found.append(term)
    return found


def _most_like(words: list[str], known: list[str]) -> list[tuple[str, float]]:
    """Find for each word the known one that is most like it, and how much."""
    if not words or not known:
        return [("", 0.0)] * len(words)
    near = cdist(words, known, scorer=OSA.normalized_similarity, score_cutoff=_ALIKE_CHARACTERS, dtype=np.float32)
    return [
        (known[at], likeness)
        for at, likeness in zip(near.argmax(axis=1).tolist(), near.max(axis=1).tolist(), strict=True)
    ]
