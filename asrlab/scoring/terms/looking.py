"""Looking: the terms of each utterance in its reference and in its answers."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.scoring.codes import code_points, encode
from asrlab.scoring.counts import check_ties
from asrlab.scoring.likeness import likeness
from asrlab.scoring.marking import best, pair_counts
from asrlab.scoring.paths import errors
from asrlab.scoring.sheet import lay_out
from asrlab.scoring.terms.listed import lists_of, spellings
from asrlab.scoring.terms.places import bounds, judge, most_terms, places, runs, term_list, through, undecided
from asrlab.scoring.tokens import together

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from asrlab.normalize import NormalizerChoice
    from asrlab.scoring.given import References, Transcripts
    from asrlab.scoring.sheet import Recipe, Sheet
    from asrlab.scoring.terms.listed import Lists, TermsChoice
    from asrlab.scoring.terms.places import Bounds, Judged, Runs, TermList
    from asrlab.scoring.variants import VariantsChoice

HIT: Final = 0
NEAR: Final = 1
MISSED: Final = 2
FALSE: Final = 3
DISTRACTOR: Final = 4
#: Likeness from which on what was heard instead is near (:func:`asrlab.scoring.likeness.likeness`, of the letters
#: without white space): "newyork" for "new york" has 1, "castrel" for "kestrel" 0.86, "voice" for "invoice" 0.66,
#: "castle" for "kestrel" 0.57. Of two words of a language drawn at random, 0.5 % are as alike (measured on sentences of
#: 27 languages; Vietnamese syllables 4 %).
NEAR_ENOUGH: Final = 0.65
#: Units beyond those set against a term, either way, among which it is looked for too; and units that such a run may
#: have more than the term.
_ASIDE: Final = 2
#: Jobs that are worked on together.
_TOGETHER: Final = 20_000


class Occurrence(NamedTuple):
    """A term that was said or heard."""

    kind: int
    term: str
    ref: str | None  #: what the reference has there
    hyp: str | None  #: what the transcript has there
    place: tuple[int, int, int, int]  #: units of the reference, of the transcript
    alike: float


class Looked(NamedTuple):
    """What comes of looking for terms."""

    sheet: Sheet
    counted: NDArray[np.int64]  #: of each pair, hits, subs, dels and ins of its units
    chosen: NDArray[np.intp]  #: the pairs that are marked, one of each row
    listed: frozenset[str]  #: utterances that have terms to look for
    said: pd.DataFrame  #: terms that are in a reference of an utterance: utt_id, term and an empty role
    found: list[list[Occurrence]]  #: of each of those


def look(
    transcripts: Transcripts,
    references: References,
    *,
    terms: TermsChoice | None,
    parameters: pd.DataFrame | None,
    form: str | None,
    unit: str,
    normalizer: NormalizerChoice,
    language: str | None,
    ties: str,
    missing: str,
    variants: VariantsChoice | None,
) -> Looked:
    """Look for the terms of each utterance in its answers; the parameters are those of :func:`found`."""
    check_ties(ties)
    if unit in tables.SHARES:
        raise InvalidInput(f'unit="{unit}" is no way to cut a text. Choose one, such as unit="word".')
    sheet, of_dataset = lay_out(
        transcripts,
        references,
        form=form,
        unit=unit,
        normalizer=normalizer,
        language=language,
        channels="each",
        missing=missing,
        variants=variants,
        executor=None,
    )
    ids = sheet.references["utt_id"].tolist()
    lists = lists_of(dict.fromkeys(ids), of_dataset, terms, transcripts, parameters)
    counted = pair_counts(sheet, ties, None)
    chosen = best(sheet, counted)
    list_of = np.array([lists.of.get(utt_id, -1) for utt_id in ids], np.int64)
    row, reference = sheet.row[chosen], sheet.reference[chosen]
    # What is said, heard and looked for decides all; the same answer is most often given more than once.
    key = np.stack([sheet.recipe[row], list_of[reference], sheet.said[reference], sheet.heard[row]], axis=1)
    different, place = np.unique(key, axis=0, return_inverse=True)
    found: list[list[Occurrence]] = [[] for _ in different]
    absent: list[str] = []
    said: dict[tuple[str, str], None] = {}
    for number, recipe in enumerate(sheet.recipes):
        work = np.flatnonzero((different[:, 0] == number) & (different[:, 1] >= 0))
        of_recipe = np.flatnonzero((sheet.said_recipe == number) & (list_of >= 0))
        if not len(of_recipe):
            continue
        texts = np.unique(np.concatenate([different[work, 2:].ravel(), sheet.said[of_recipe]]))
        searcher = _Searcher(recipe, sheet, lists, texts, np.unique(list_of[of_recipe]))
        absent += searcher.absent(of_recipe, ids)
        for n in of_recipe[np.argsort(list_of[of_recipe], kind="stable")].tolist():
            said |= dict.fromkeys((ids[n], term) for term in searcher.said(int(sheet.said[n]), int(list_of[n])))
        for job, occurrences in zip(work.tolist(), searcher.occurrences(different[work, 1:]), strict=True):
            found[job] = occurrences
    _complain_of_absent(absent)
    if any(sheet.texts[n].strip() for n in np.unique(sheet.said).tolist()):
        _warn_of_unsaid(lists.named, {term for _, term in said})
    listed = pd.DataFrame(list(said), columns=["utt_id", "term"], dtype="string").assign(role=None)
    return Looked(sheet, counted, chosen, frozenset(lists.of), listed, [found[n] for n in place.ravel().tolist()])


def _complain_of_absent(absent: list[str]) -> None:
    if absent:
        more = " ..." if len(absent) > 5 else ""
        raise InvalidInput(
            f"{len(absent)} term{'s are' if len(absent) > 1 else ' is'} listed as present and in no normalised "
            f"reference of the utterance: {'; '.join(absent[:5])}{more}. Spell a term as the reference does; where "
            "only one form of the reference has it, mark that form (form=). Leave the role out where it is not known."
        )


def _warn_of_unsaid(named: Mapping[str, Sequence[str]], said: Iterable[str]) -> None:
    """Warn if nothing that the contexts name is said anywhere: most often they are no lists."""
    # A term that is listed elsewhere too has the name that it has there.
    there = {term.casefold() for term in said}
    if named and there.isdisjoint(term.casefold() for terms in named.values() for term in terms):
        context, terms = next(iter(named.items()))
        warnings.warn(
            f"No reference has any of the terms that the contexts name; {context[:60]!r} was read as "
            f"{', '.join(map(repr, terms[:3])) or 'no terms'}{' ...' if len(terms) > 3 else ''}. If that is no list "
            "of terms (see asrlab.lists.items), give the terms themselves: terms=.",
            UserWarning,
            stacklevel=4,
        )


class _Job(NamedTuple):
    """A reference and a transcript, by their places among the codes, and the terms in them."""

    number: int
    ref: int
    hyp: int
    said: Runs
    heard: Runs


class _Candidate(NamedTuple):
    """A run that may be what was heard instead of a term."""

    number: int  #: of the job
    row: int  #: of the occurrence
    text: int
    begin: int
    end: int


class _Searcher:
    """Looks for terms in texts that become units in one way."""

    def __init__(
        self, recipe: Recipe, sheet: Sheet, lists: Lists, texts: NDArray[np.int64], wanted: NDArray[np.int64]
    ) -> None:
        self.sheet, self.lists, self.unit = sheet, lists, recipe.unit
        self.at = dict(zip(texts.tolist(), range(len(texts)), strict=True))
        terms = list(dict.fromkeys(term for n in wanted.tolist() for term in lists.lists[n]))
        written = [spellings(term, recipe, sheet.variants, possessives=True) for term in terms]
        # A way to write one term that is another term by itself is that term.
        spelled = dict.fromkeys([*(ways[0] for ways in written), *(way for ways in written for way in ways[1:])])
        self.codes = encode([*(recipe.normalizer(sheet.texts[n]) for n in texts.tolist()), *spelled], recipe.unit)
        code = dict(zip(spelled, self.codes.texts[len(texts) :], strict=True))
        coded = [[code[way] for way in ways] for ways in written]
        # Of long lists most is in no text at all, and is not looked for again in each.
        every = term_list({way: "" for some in coded for way in some if way})
        there = {text[at:end] for text in self.codes.texts[: len(texts)] for at, end in places(text, every)}
        self.ways = {term: some for term, some in zip(terms, coded, strict=True) if not there.isdisjoint(some)}
        self._list_number, self._listed = -1, term_list({})
        self._runs: dict[int, Runs] = {}

    def absent(self, references: NDArray[np.intp], ids: Sequence[str]) -> list[str]:
        """Name the terms that are listed as present in an utterance, and are in none of its references."""
        texts: dict[str, list[str]] = {}
        for n in references.tolist():
            if ids[n] in self.lists.present:
                texts.setdefault(ids[n], []).append(self.codes.texts[self.at[int(self.sheet.said[n])]])
        return [
            f"{term!r} in {utt_id}"
            for utt_id, said in texts.items()
            for term in self.lists.present[utt_id]
            if not any(way in text for way in self.ways.get(term, ()) if way for text in said)
        ]

    def said(self, text: int, number: int) -> Iterable[str]:
        """Name the terms of a list that are in a text, also those in longer ones."""
        return self._in(self.at[text], number).of

    def occurrences(self, jobs: NDArray[np.int64]) -> list[list[Occurrence]]:
        """Give what is found in each job: a list, a reference and a transcript, by their places; in order of lists."""
        found: list[list[Occurrence]] = [[] for _ in jobs]
        for part in np.split(np.arange(len(jobs)), range(_TOGETHER, len(jobs), _TOGETHER)):
            self._work(part.tolist(), jobs, found)
        return found

    def _work(self, part: list[int], jobs: NDArray[np.int64], found: list[list[Occurrence]]) -> None:
        texts = self.codes.texts
        looked: list[_Job] = []
        for n, (number, *both) in zip(part, jobs[part].tolist(), strict=True):
            ref, hyp = (self.at[place] for place in both)
            said, heard = self._in(ref, number), self._in(hyp, number)
            if said.counted or heard.counted:
                looked.append(_Job(n, ref, hyp, said, heard))
        if not looked:
            return
        refs, hyps = (np.array([getattr(job, side) for job in looked], np.int64) for side in ("ref", "hyp"))
        pairs, of = np.unique(np.stack([refs, hyps], axis=1), axis=0, return_inverse=True)
        try:
            path = errors(self.codes, pairs[:, 0], pairs[:, 1], "sclite")
        except InvalidInput as exc:
            longest = max(pairs.tolist(), key=lambda pair: len(texts[pair[0]]) * len(texts[pair[1]]))
            m, n = (len(texts[place]) for place in longest)
            raise InvalidInput(
                "Terms are placed by NIST's costs, whatever ties= is, and two texts are too long to be aligned by "
                f"those: {m:,} units of the reference and {n:,} of the transcript. Cut them into segments, or leave "
                "that utterance out."
            ) from exc
        ways = bounds(path, *([texts[n] for n in side.tolist()] for side in pairs.T))
        judged = [
            (way := ways[k], judge(job.said, job.heard, way))
            for job, k in zip(looked, of.ravel().tolist(), strict=True)
        ]
        self._settle(looked, judged)
        near: list[_Candidate] = []
        for job, (way, verdict) in zip(looked, judged, strict=True):
            found[job.number] = self._rows(job, way, verdict, near)
        self._find_near(found, near)

    def _settle(self, looked: list[_Job], judged: list[tuple[Bounds, Judged]]) -> None:
        """Where another alignment of the same cost sets more terms against each other, take that."""
        texts = self.codes.texts
        again, chains = [], []
        for n, (job, (_, verdict)) in enumerate(zip(looked, judged, strict=True)):
            if undecided(job.said, job.heard, verdict) and (
                chain := most_terms(texts[job.ref], texts[job.hyp], job.said, job.heard, verdict)
            ):
                again.append(n)
                chains.append(chain)
        if not again:
            return
        both = [(texts[looked[n].ref], texts[looked[n].hyp]) for n in again]
        for n, way in zip(again, bounds(through(both, chains), *zip(*both, strict=True)), strict=True):
            judged[n] = way, judge(looked[n].said, looked[n].heard, way)

    def _list(self, number: int) -> TermList:
        """Make a list of terms that can be looked for; the name of a term is its first spelling."""
        names: dict[str, str] = {}
        terms = [term for term in self.lists.lists[number] if term in self.ways]
        for term in terms:
            names.setdefault(self.ways[term][0], term)
        for term in terms:  # a way to write one term may be another term by itself
            for way in self.ways[term]:
                names.setdefault(way, names[self.ways[term][0]])
        names.pop("", None)
        return term_list(names)

    def _in(self, text: int, number: int) -> Runs:
        # Jobs of one list follow one another, so that only one has to be held.
        if number != self._list_number:
            self._list_number, self._listed = number, self._list(number)
            self._runs.clear()
        if text not in self._runs:
            self._runs[text] = runs(self.codes.texts[text], self._listed)
        return self._runs[text]

    def _written(self, text: int, begin: int, end: int) -> str | None:
        if end <= begin:
            return None
        return together(self.codes.units(code_points([self.codes.texts[text][begin:end]])), self.unit)

    def _rows(self, job: _Job, way: Bounds, verdict: Judged, near: list[_Candidate]) -> list[Occurrence]:
        rows = []
        for ((a, b), term), hit in zip(job.said.counted, verdict.hits, strict=True):
            ref = self._written(job.ref, a, b)
            if hit:
                rows.append(Occurrence(HIT, term, ref, self._written(job.hyp, *hit), (a, b, *hit), np.nan))
                continue
            c, d = way.high[a], max(way.low[b], way.high[a])
            rows.append(Occurrence(MISSED, term, ref, self._written(job.hyp, c, d), (a, b, c, d), np.nan))
            aside = b - a + _ASIDE
            first, last = max(way.low[a], c - aside), min(way.high[b], d + aside)
            near += [
                _Candidate(job.number, len(rows) - 1, job.hyp, begin, end)
                for begin in range(first, last)
                for end in range(begin + 1, min(begin + aside, last) + 1)
            ]
        low, high = np.array(way.low), np.array(way.high)
        for ((c, d), term), right in zip(job.heard.counted, verdict.true, strict=True):
            if not right:
                a = int(np.searchsorted(low, c, "right")) - 1
                b = max(int(np.searchsorted(high, d, "left")), a)
                kind = FALSE if term in job.said.of else DISTRACTOR
                ref, hyp = self._written(job.ref, a, b), self._written(job.hyp, c, d)
                rows.append(Occurrence(kind, term, ref, hyp, (a, b, c, d), np.nan))
        return rows

    def _find_near(self, found: list[list[Occurrence]], candidates: Sequence[_Candidate]) -> None:
        """Make near misses of the terms that something much like them was heard for."""
        if not candidates:
            return
        units: dict[int, list[str]] = {}
        for text in {one.text for one in candidates}:
            units[text] = self.codes.units(code_points([self.codes.texts[text]]))
        said = ["".join((found[one.number][one.row].ref or "").split()) for one in candidates]
        heard = ["".join(units[one.text][one.begin : one.end]) for one in candidates]
        pairs = list(dict.fromkeys(zip(said, heard, strict=True)))
        known = dict(zip(pairs, likeness(*zip(*pairs, strict=True)).tolist(), strict=True))
        nearest: dict[tuple[int, int], tuple[float, _Candidate]] = {}
        for one, pair in zip(candidates, zip(said, heard, strict=True), strict=True):
            key = (one.number, one.row)
            # Of equals the first, which begins first and is the shortest of those.
            if key not in nearest or known[pair] > nearest[key][0]:
                nearest[key] = known[pair], one
        for (number, row), (alike, one) in nearest.items():
            missed = found[number][row]
            if alike < NEAR_ENOUGH:
                found[number][row] = missed._replace(alike=alike)
                continue
            found[number][row] = missed._replace(
                kind=NEAR,
                hyp=self._written(one.text, one.begin, one.end),
                place=(*missed.place[:2], one.begin, one.end),
                alike=alike,
            )
