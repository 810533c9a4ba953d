"""Leaks: the context of a request echoed in its transcript, where nobody said it.

An engine that is given a list of terms, or a sentence to go by, may write it into the transcript: before the speech,
within it, or in its place. Published measures of terms score that as perfect, for every term is there.

Where the reference is known, only what is not right is looked at: words inserted, or put where something quite unlike
them was said. One term in such a place is a false term, which may be misheard; a leak is two and more next to one
another, a stretch of the context of some four words, or a term that is all there is of a longer speech. Terms may be
misspelled, in any order, with anything between them. Where the reference is not known, a speaker who says three listed
terms in their order looks the same as a leak.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd
from rapidfuzz.distance import Indel

from asrlab.scoring.flags.contexts import context_of
from asrlab.scoring.flags.heard import Finding
from asrlab.scoring.flags.listening import listen
from asrlab.scoring.flags.pieces import pieces
from asrlab.scoring.marking import score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asrlab.normalize import NormalizerChoice
    from asrlab.scoring.flags.contexts import Context, Term
    from asrlab.scoring.flags.heard import Heard
    from asrlab.scoring.given import References, Transcripts
    from asrlab.scoring.variants import VariantsChoice

# The figures below were chosen on one half of the planted answers of tests/planted.py, and are reported on the other.

#: Evidence: a term inserted counts 1, one in the place of something else half, one that follows its neighbour of the
#: list or repeats it half more. So a leak is two terms that answer to nothing, or three in the place of others, or two
#: of those in the order of the list.
_ENOUGH: Final = 1.5
_REPLACING: Final = 0.5
_IN_ORDER: Final = 0.5
#: One that is like what was said there is most likely misheard, and may be so by chance.
_ALIKE: Final = 0.25
#: Lists of fewer terms are in their order by chance, and of fewer common words.
_ORDERLY: Final = 3
_LONG: Final = 5
#: The same for terms that right words part, which may be errors apart.
_APART: Final = 3.0
#: Words that may stand between two terms side by side: "and", a separator that is spelled out.
_BETWEEN: Final = 2.0
#: What short words in lower case count for: engines insert "the" and "and" without any list.
_WEAK: Final = 0.5
_SHORT: Final = 3
#: Words of the context in a row that make a leak, whatever they are: if they were said, that would be in the reference.
#: Of a shorter context nearly all of it. Within one term, which may be a long name, half a word more.
_STRETCH: Final = 3.5
_SHORT_STRETCH: Final = 2.0
_NAME: Final = 0.5
_NEARLY_ALL: Final = 0.8
#: The same without a reference, where terms are told by their number and order.
_BLIND_STRETCH: Final = 6.0
_BLIND_SHORT: Final = 4.0
_BLIND_IN_ORDER: Final = 3
_BLIND_TERMS: Final = 4
#: Share of units of a term that are right from which it was said; inserted, from which it answers to nothing.
_SAID: Final = 1 / 3
_INSERTED: Final = 0.5
#: Likeness (2 * common letters / all) from which a term is what the engine made of the words said there.
_MISHEARD: Final = 0.55
#: A single term in place of at least so many units, and so many times its own, is no mishearing.
_INSTEAD_UNITS: Final = 4
_INSTEAD_TIMES: Final = 3
#: What a word that is of no term takes away from a run of terms.
_GAP: Final = 0.5


class _Found(NamedTuple):
    """A term in a transcript, the shares of its units that are right and inserted, whether the like was said there."""

    term: Term
    right: float
    inserted: float
    alike: bool


def leaks(heard: Sequence[Heard]) -> list[Finding]:
    """Find the answers that echo their context (flag ``"leak"``).

    Parameters
    ----------
    heard : sequence of Heard
        Answers; those whose context is not known have no findings.

    Returns
    -------
    list of Finding
        ``value`` is the number of terms echoed, 0 where a stretch of prose is.

    Notes
    -----
    Not caught: one term inserted once, which is a false term; two terms in other order than listed that stand where
    other words were said; most echoes of two words of three letters and fewer in lower case; an echo that the reference
    has in the same place; one in another script, translated, or with more than three of ten letters changed; prose
    echoed in part, of fewer than four or five words, seven Chinese characters or twelve Japanese ones, or with three
    words in ten misheard (of these two in three are found); the words that introduce a list, echoed without it (half
    are); one answer in ten that is nothing but one term, for a long speech; two terms glued together; a list without
    separators, other than spaces between capitalised words, in another order. Flagged, and no echo: an engine that
    makes two neighbouring words of the list out of noise. Without a reference: not caught are fewer than three terms
    within speech, and any with other words between them; flagged are speakers who say three terms in the order of the
    list.
    """
    known: dict[tuple[str, int], Context] = {}
    cut: dict[tuple[str, int], list[str]] = {}
    found = []
    for one in heard:
        if not one.context or not one.units or not _suspicious(one):
            continue
        key = one.context, id(one.recipe)
        if key not in known:
            known[key] = context_of(one, cut)
        if known[key].sequence:
            found += _Search(one, known[key]).findings()
    return found


def leaked(
    transcripts: Transcripts,
    references: References,
    *,
    parameters: pd.DataFrame,
    form: str | None = None,
    normalizer: NormalizerChoice = "auto",
    language: str | None = None,
    missing: str = "raise",
    variants: VariantsChoice | None = None,
) -> pd.DataFrame:
    """Mark each answer by whether it echoes its context.

    Parameters
    ----------
    transcripts, references, form, normalizer, language, variants
        As in :func:`asrlab.score`.
    parameters : DataFrame
        What was sent: ``sweep.parameters``, or a table with utt_id (and condition) and context.
    missing : {"raise", "drop", "all-deleted"}
        As there; but a trial without an answer leaks nothing, so ``"all-deleted"`` drops it too.

    Returns
    -------
    DataFrame
        A ``scores`` table of unit ``"leak"``: an answer is one unit, substituted if it leaks, else a hit. So the rate
        is the share of answers that leak, those without a context among them.

    Raises
    ------
    InvalidInput
        As :func:`asrlab.score`; if the parameters do not tell what was sent with every answer.

    Examples
    --------
    >>> heard = pd.DataFrame({"utt_id": ["a", "b"], "text": ["Kestrel, Ostrava. We meet at nine", "we met at nine"]})
    >>> said = pd.DataFrame({"utt_id": ["a", "b"], "text": "We meet at nine."})
    >>> sent = pd.DataFrame({"utt_id": ["a", "b"], "context": "Kestrel, Ostrava, Van Houten, cleanroom"})
    >>> leaked(heard, said, parameters=sent)[["utt_id", "unit", "hits", "subs"]].to_dict("records")
    [{'utt_id': 'a', 'unit': 'leak', 'hits': 0, 'subs': 1}, {'utt_id': 'b', 'unit': 'leak', 'hits': 1, 'subs': 0}]
    """
    marked = score(
        transcripts,
        references,
        form=form,
        unit="sentence",
        normalizer=normalizer,
        language=language,
        missing="raise" if missing == "raise" else "drop",
        variants=variants,
    )
    listened = listen(
        transcripts,
        references,
        parameters=parameters,
        form=form,
        unit="auto",
        normalizer=normalizer,
        language=language,
        variants=variants,
    )
    leaking = np.zeros(len(marked), bool)
    leaking[[finding.row for finding in leaks(listened.heard)]] = True
    answered = (marked["state"] == "answered").to_numpy(bool)
    counts = {"hits": ~leaking, "subs": leaking, "dels": answered & False, "ins": answered & False}
    counts |= {"ref_len": answered, "hyp_len": answered}
    whole = {name: pd.arrays.IntegerArray(count.astype(np.int64), ~answered) for name, count in counts.items()}
    return marked.assign(unit=pd.array(["leak"] * len(marked), dtype="string"), **whole)


def _suspicious(one: Heard) -> bool:
    """Tell whether enough is wrong for a leak."""
    steps = one.steps
    return steps is None or "I" in steps or "S" in steps or 2 * steps.count("D") >= len(steps)


class _Search:
    """The search through one answer."""

    def __init__(self, one: Heard, context: Context) -> None:
        self.one = one
        self.context = context
        self.pieces = pieces(one)
        self.steps = [step for step in one.steps or "" if step != "D"]
        right = one.right
        #: Of each piece, whether it is not right by itself; whether it is surplus, as all its term is; whether it is of
        #: the context.
        self.wrong = [2 * sum(right[p.begin : p.end]) <= p.end - p.begin for p in self.pieces]
        self.surplus = list(self.wrong)
        letters = [piece.letters for piece in self.pieces]
        self.covered = context.rows_in(letters, self.wrong if one.steps is not None else [False] * len(letters))
        if one.steps is not None and not one.said:
            # Nobody said any of it: single words of the context count too, such as one of a name of two.
            known = set(context.vocabulary)
            self.covered = [of or word in known for of, word in zip(self.covered, letters, strict=True)]
        self.terms = [self._found(term) for term in context.terms_in(letters, self.wrong)]
        for found in self.terms:
            for n in range(found.term.first, found.term.last):
                self.covered[n] = not found.alike
                self.surplus[n] = found.right < _SAID

    def findings(self) -> list[Finding]:
        """Judge each run of terms and words of the context."""
        judge = self._looks_leaked if self.one.steps is None else self._leaked
        runs = [run for run in self._runs() if judge(*run)]
        if not runs and self._in_place_of_speech():
            runs = [(0, len(self.pieces))]
        return [self._finding(*run) for run in runs]

    def _found(self, term: Term) -> _Found:
        begin, end = self.pieces[term.first].begin, self.pieces[term.last - 1].end
        steps = self.steps[begin:end]
        if not steps:
            return _Found(term, 0.0, 1.0, alike=False)
        n = len(steps)
        return _Found(term, steps.count("H") / n, steps.count("I") / n, alike=self._alike(begin, end))

    def _alike(self, begin: int, end: int) -> bool:
        """Tell whether what was said there is like it, alone or with what was not heard on either side."""
        said = self.one.said or ()
        # Places in the reference of the first and the last of these units, and of those around them.
        narrow, wide = [], []
        at = done = 0
        for step in self.one.steps or "":
            if step != "I":
                if begin <= done < end and (step != "D" or done > begin):
                    narrow.append(said[at])
                if begin <= done < end or (done == end and step == "D"):
                    wide.append(said[at])
                at += 1
            done += step != "D"
        heard = "".join(self.one.units[begin:end])
        return any(side and Indel.normalized_similarity("".join(side), heard) >= _MISHEARD for side in (narrow, wide))

    def _runs(self) -> list[tuple[int, int]]:
        """Find the stretches in which what is of the context and not right outweighs all else."""
        found = []
        start, total, best, end = 0, 0.0, 0.0, 0
        for n, piece in enumerate(self.pieces):
            total += piece.weight * (-1.0 if not self.surplus[n] else 1.0 if self.covered[n] else -_GAP)
            if total > best:
                best, end = total, n + 1
            if total <= 0:
                if best > 0:
                    found.append((start, end))
                start, total, best = n + 1, 0.0, 0.0
        return [*found, (start, end)] if best > 0 else found

    def _leaked(self, first: int, last: int) -> bool:
        """Judge a run by what was said there."""
        unsaid = [found for found in self._terms_of(first, last) if found.right < _SAID]
        terms = [found for found in unsaid if not found.alike]
        together = [unsaid] if self._evidence(unsaid) >= _APART else self._side_by_side(unsaid)
        if any(len(group) > 1 and self._evidence(group) >= _ENOUGH for group in together):
            return True
        echoed, whole = self._echoed(first, last), self._whole(first, last)
        strong = any(self._worth(found.term) == 1.0 for found in terms)
        if not self.one.said:
            named = any(self.pieces[n].letters in self.context.parts for n in range(first, last))
            return whole and (strong or named or echoed >= _SHORT_STRETCH)
        if self._alike(self.pieces[first].begin, self.pieces[last - 1].end):
            return False
        all_of_it = echoed >= max(_SHORT_STRETCH, _NEARLY_ALL * self.context.weight)
        return all_of_it or self._row(first, last) >= _STRETCH or (whole and self._instead(len(terms), strong=strong))

    def _instead(self, n: int, *, strong: bool) -> bool:
        """Tell whether a transcript of nothing but n terms can be no mishearing."""
        one, right = self.one, self.one.right
        if n > (1 if strong else 2) and sum(right) < _SAID * len(right):
            return True
        least = max(_INSTEAD_UNITS, _INSTEAD_TIMES * len(one.units))
        return n > 0 and strong and not any(right) and len(one.said or ()) >= least

    def _looks_leaked(self, first: int, last: int) -> bool:
        """Judge a run by its shape alone."""
        terms = [found.term for found in self._terms_of(first, last)]
        echoed = self._echoed(first, last)
        if echoed >= _BLIND_STRETCH or echoed >= max(_BLIND_SHORT, _NEARLY_ALL * self.context.weight):
            return True
        if self._whole(first, last) and sum(self._worth(term) == 1.0 for term in terms) > 1:
            return True
        row, in_order = 0, 0
        for n, term in enumerate(terms):
            near = n > 0 and term.first - terms[n - 1].last <= 1
            row = (row if near else 0) + (self._worth(term) == 1.0)
            in_order = in_order + 1 if near and _follows(terms[n - 1], term) else 1
            if row >= _BLIND_TERMS or (in_order >= _BLIND_IN_ORDER and row > 1):
                return True
        return False

    def _in_place_of_speech(self) -> bool:
        """Tell whether the transcript is the list, in its order, and little of the speech was in it.

        Where the list is of what was said, its terms count as right, and all else is deleted.
        """
        one, terms = self.one, [found.term for found in self.terms]
        if not one.said or one.errors is None or len(terms) < _BLIND_IN_ORDER or 2 * one.errors < len(one.said):
            return False
        covered = sum(self.pieces[n].weight for term in terms for n in range(term.first, term.last))
        whole = sum(piece.weight for piece in self.pieces)
        return covered >= _NEARLY_ALL * whole and all(_follows(*pair) for pair in pairwise(terms))

    def _terms_of(self, first: int, last: int) -> list[_Found]:
        return [found for found in self.terms if first <= found.term.first and found.term.last <= last]

    def _side_by_side(self, terms: list[_Found]) -> list[list[_Found]]:
        """Part terms where something right stands between them, or more than a word or two."""
        groups: list[list[_Found]] = []
        for found in terms:
            between = range(groups[-1][-1].term.last, found.term.first) if groups else range(0)
            worth = sum(self.pieces[n].weight for n in between)
            if groups and worth <= _BETWEEN and all(self.wrong[n] or self.covered[n] for n in between):
                groups[-1].append(found)
            else:
                groups.append([found])
        return groups

    def _evidence(self, terms: list[_Found]) -> float:
        """Add up what terms side by side tell; most of them must be unlike what was said there."""
        if 2 * sum(found.alike for found in terms) > len(terms):
            return 0.0
        evidence = sum(
            self._worth(found.term) * (_ALIKE if found.alike else 1.0 if found.inserted >= _INSERTED else _REPLACING)
            for found in terms
        )
        for one, other in pairwise(terms):
            size = _ORDERLY if min(self._worth(one.term), self._worth(other.term)) == 1.0 else _LONG
            follows = _follows(one.term, other.term) and self.context.size >= size
            if (follows or one.term.name == other.term.name) and not (one.alike and other.alike):
                evidence += _IN_ORDER
        return evidence

    def _worth(self, term: Term) -> float:
        short = len(term.name) <= _SHORT and _alphabetic(term.name) and term.name not in self.context.capital
        return _WEAK if short or len(term.name) == 1 else 1.0

    def _row(self, first: int, last: int) -> float:
        """Weigh the longest row of pieces of the context that are not right."""
        term_of = {n: k for k, found in enumerate(self.terms) for n in range(found.term.first, found.term.last)}
        longest = row = 0.0
        within: set[int | None] = set()
        for n in range(first, last):
            # Single words of an echo are right by chance.
            row += self.pieces[n].weight * (1.0 if self.surplus[n] else -1.0)
            if not self.covered[n] or row <= 0:
                row, within = 0.0, set()
                continue
            within.add(term_of.get(n))
            longest = max(longest, row if None in within or len(within) > 1 else row - _NAME)
        return longest

    def _echoed(self, first: int, last: int) -> float:
        """Weigh the pieces of a run that are of the context and not right."""
        return sum(self.pieces[n].weight for n in range(first, last) if self.covered[n] and self.surplus[n])

    def _whole(self, first: int, last: int) -> bool:
        """Tell whether a run is nearly all of the transcript, and of the context."""
        covered = sum(self.pieces[n].weight for n in range(first, last) if self.covered[n])
        run, whole = (sum(piece.weight for piece in side) for side in (self.pieces[first:last], self.pieces))
        return run >= _NEARLY_ALL * whole and covered >= _NEARLY_ALL * run

    def _finding(self, first: int, last: int) -> Finding:
        begin, end = self.pieces[first].begin, self.pieces[last - 1].end
        n, units = len(self._terms_of(first, last)), len(self.one.units)
        ends = (begin == 0, end == units)
        where = {(True, True): "all there is of", (True, False): "the start of", (False, True): "the end of"}
        echoed = f"{n} term{'s' * (n > 1)} of the context" if n else f"{end - begin} units of the context"
        certain = (
            f"and {'was' if n == 1 else 'were'} not said there"
            if self.one.steps is not None
            else "in a row; what was said is not known"
        )
        what = f"{echoed} {'is' if n == 1 else 'are'} {where.get(ends, 'within')} the transcript {certain}"
        return Finding(self.one.row, "leak", float(n), begin, end, None, what)


def _follows(one: Term, other: Term) -> bool:
    """Tell whether two terms are neighbours in the list, in either order."""
    return any(abs(a - b) == 1 for a in one.numbers for b in other.numbers)


def _alphabetic(letters: str) -> bool:
    """Tell whether letters are Latin, Greek or Cyrillic, in which a word of three is seldom a name."""
    return letters.isalpha() and max(letters) < "\u0530"
