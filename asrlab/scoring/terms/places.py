"""Places: where terms stand in a text, and which of them stand where they were said.

Texts are coded here, one character a unit (:mod:`asrlab.scoring.codes`), so that a term is a string in a string.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import numpy as np
from rapidfuzz.distance import Levenshtein

from asrlab.scoring.counts import nist_costs
from asrlab.scoring.paths import DEL, INS, SUB, Steps, with_hits
from asrlab.scoring.sclite import trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

#: First unit of a run, and the unit after its last.
Span: TypeAlias = tuple[int, int]
#: The same of a run in the reference, then of one in the transcript.
Pair: TypeAlias = tuple[int, int, int, int]

#: Pairs of runs that may answer each other, times units of reference and of transcript: as far as the alignments of
#: least cost are searched for the one with most terms at their places. Some tenths of a second of work.
_MOST: Final = 100_000_000


class TermList(NamedTuple):
    """Terms that are looked for together."""

    names: Mapping[str, str]  #: each way to write a term, coded, with its name
    lengths: Mapping[str, Sequence[int]]  #: first unit of a way, with the numbers of units that such ways have


class Runs(NamedTuple):
    """Where the terms of a list stand in a text."""

    counted: list[tuple[Span, str]]  #: longest first, none over another: each place once, in order
    of: dict[str, list[Span]]  #: all places of each term


class Bounds(NamedTuple):
    """The way of an alignment, by the borders between units of the reference: n + 1 of n units.

    It comes to each border with ``low`` units of the transcript behind it and leaves it with ``high``; what is between
    was inserted there.
    """

    low: list[int]
    high: list[int]

    def meets(self, pair: Pair) -> bool:
        """Whether it sets two runs against each other."""
        a, b, c, d = pair
        return self.low[a] <= c <= self.high[a] and self.low[b] <= d <= self.high[b]


class Judged(NamedTuple):
    """What became of the runs that count."""

    hits: list[Span | None]  #: of each run that was said, the run that counts where it was heard
    true: list[bool]  #: of each run that was heard, whether it was said there


def term_list(ways: Mapping[str, str]) -> TermList:
    """Make a list of ways to write terms, coded, with the names of the terms."""
    lengths: dict[str, set[int]] = {}
    for way in ways:
        lengths.setdefault(way[0], set()).add(len(way))
    return TermList(ways, {first: sorted(some) for first, some in lengths.items()})


def places(text: str, listed: TermList) -> Iterator[Span]:
    """Find all places of terms in a text, also those that overlap."""
    for at, first in enumerate(text):
        for length in listed.lengths.get(first, ()):
            end = at + length
            if end <= len(text) and text[at:end] in listed.names:
                yield at, end


def runs(text: str, listed: TermList) -> Runs:
    """Find where terms stand in a text, whole units each.

    Of places that overlap the longest counts (of equals the first): "York" is not counted in "New York" where that is
    listed too.

    Examples
    --------
    >>> found = runs("xab", term_list({"ab": "New York", "b": "York"}))
    >>> found.counted, found.of["York"]
    ([((1, 3), 'New York')], [(2, 3)])
    """
    of: dict[str, list[Span]] = {}
    every: list[tuple[Span, str]] = []
    for begin, end in places(text, listed):
        name = listed.names[text[begin:end]]
        of.setdefault(name, []).append((begin, end))
        every.append(((begin, end), name))
    if len(every) > 1:
        every.sort(key=lambda run: (run[0][0] - run[0][1], run[0][0]))
        taken = bytearray(len(text))
        free = []
        for run in every:
            (begin, end), _ = run
            if not any(taken[begin:end]):
                taken[begin:end] = b"\x01" * (end - begin)
                free.append(run)
        every = sorted(free)
    return Runs(every, of)


def bounds(path: Steps, said: Sequence[str], heard: Sequence[str]) -> list[Bounds]:
    """Give the ways of alignments.

    Parameters
    ----------
    path : Steps
        Errors of the alignments of as many pairs, :func:`asrlab.scoring.paths.errors`.
    said, heard : sequence of str
        References and transcripts, coded.
    """
    n, m = (np.fromiter(map(len, texts), np.int64, len(texts)) for texts in (said, heard))
    full = with_hits(path, n, m)
    begin = np.cumsum(n + 1) - (n + 1)
    low, high = np.zeros((2, int((n + 1).sum())), np.int64)
    high[begin + n] = m
    there = full.kind != INS
    at = (begin[full.pair] + full.ref_pos)[there]
    high[at] = full.hyp_pos[there]
    low[at + 1] = full.hyp_pos[there] + (full.kind[there] != DEL)
    flat = low.tolist(), high.tolist()
    return [Bounds(*(side[first : first + many] for side in flat)) for first, many in _spans(begin, n + 1)]


def _spans(begin: NDArray[np.int64], many: NDArray[np.int64]) -> Iterable[tuple[int, int]]:
    return zip(begin.tolist(), many.tolist(), strict=True)


def judge(said: Runs, heard: Runs, way: Bounds) -> Judged:
    """Tell which runs that were said an alignment sets against the same term, and which that were heard."""
    counted = _counted_by_name(heard)
    hits = [
        next(((c, d) for c, d in counted.get(name, ()) if way.meets((*span, c, d))), None)
        for span, name in said.counted
    ]
    true = [any(way.meets((a, b, *span)) for a, b in said.of.get(name, ())) for span, name in heard.counted]
    return Judged(hits, true)


def _counted_by_name(some: Runs) -> dict[str, list[Span]]:
    """Give the places of each term that count: what is heard in a longer term is not heard by itself."""
    found: dict[str, list[Span]] = {}
    for span, name in some.counted:
        found.setdefault(name, []).append(span)
    return found


def undecided(said: Runs, heard: Runs, judged: Judged) -> bool:
    """Whether another alignment of the same cost might set more runs against each other."""
    counted_said, counted_heard = (Counter(name for _, name in some.counted) for some in (said, heard))
    hits = Counter(name for (_, name), hit in zip(said.counted, judged.hits, strict=True) if hit)
    true = Counter(name for (_, name), right in zip(heard.counted, judged.true, strict=True) if right)
    # A run is set against one run at most: no more can be right than there are on either side.
    return any(
        hits[name] < min(counted_said[name], many) or true[name] < min(many, len(said.of.get(name, ())))
        for name, many in counted_heard.items()
    )


def most_terms(ref: str, hyp: str, said: Runs, heard: Runs, judged: Judged) -> list[Pair] | None:
    """Look among the alignments of least cost for one that sets more runs against each other.

    Parameters
    ----------
    ref, hyp : str
        Reference and transcript, coded.
    said, heard : Runs
        The terms in them.
    judged : Judged
        What one alignment of least cost makes of them.

    Returns
    -------
    list of Pair, or None
        Runs to be set against each other, in order. None where no alignment does better, or texts are too long to
        look.
    """
    worth: dict[Pair, int] = {}
    counted = _counted_by_name(heard)
    for span, name in said.counted:
        for other in counted.get(name, ()):
            worth[(*span, *other)] = worth.get((*span, *other), 0) + 1
    for span, name in heard.counted:
        for other in said.of.get(name, ()):
            worth[(*other, *span)] = worth.get((*other, *span), 0) + 1
    if len(worth) * (len(ref) + 1) * (len(hyp) + 1) > _MOST:
        return None
    _, sub, gap = nist_costs(len(ref) + len(hyp))

    def cost(said: str, heard: str) -> int:
        return 0 if said == heard else Levenshtein.distance(said, heard, weights=(gap, gap, sub))

    total = cost(ref, hyp)
    # Of each pair of runs that some alignment of least cost has: the cost up to it, and with it.
    open_: list[tuple[Pair, int, int]] = []
    for pair in sorted(worth):
        a, b, c, d = pair
        before = cost(ref[:a], hyp[:c])
        after = before + cost(ref[a:b], hyp[c:d])
        if after <= total and after + cost(ref[b:], hyp[d:]) == total:
            open_.append((pair, before, after))
    best = np.zeros(len(open_), np.int64)
    come_from = np.full(len(open_), -1)
    spans = np.array([pair for pair, _, _ in open_], np.int64).reshape(-1, 4)
    spent = np.array([after for _, _, after in open_], np.int64)
    for k, (pair, before, _) in enumerate(open_):
        a, _, c, _ = pair
        aside = np.abs((a - spans[:k, 1]) - (c - spans[:k, 3]))  # units that are inserted or deleted between, at least
        earlier = (spans[:k, 1] <= a) & (spans[:k, 3] <= c) & (spent[:k] + gap * aside <= before)
        of = np.flatnonzero(earlier)
        for j in of[np.argsort(-best[of], kind="stable")].tolist():
            if spent[j] + cost(ref[spans[j, 1] : a], hyp[spans[j, 3] : c]) == before:
                come_from[k] = j
                break
        best[k] = worth[pair] + (best[come_from[k]] if come_from[k] >= 0 else 0)
    have = sum(hit is not None for hit in judged.hits) + sum(judged.true)
    if best.max(initial=0) <= have:
        return None
    k = int(best.argmax())
    chain = []
    while k >= 0:
        chain.append(open_[k][0])
        k = int(come_from[k])
    return chain[::-1]


def through(texts: Sequence[tuple[str, str]], chains: Sequence[Sequence[Pair]]) -> Steps:
    """Align each reference and transcript by NIST's costs, with some runs set against each other."""
    refs, hyps, number, ref_at, hyp_at = [], [], [], [], []
    for n, ((ref, hyp), chain) in enumerate(zip(texts, chains, strict=True)):
        borders = [(0, 0), *(border for a, b, c, d in chain for border in ((a, c), (b, d))), (len(ref), len(hyp))]
        for (a, c), (b, d) in pairwise(borders):
            refs.append(ref[a:b])
            hyps.append(hyp[c:d])
            number.append(n)
            ref_at.append(a)
            hyp_at.append(c)
    wrong = trace(refs, hyps)
    kind = np.select([wrong.replaced, wrong.inserted], [SUB, INS], DEL).astype(np.int8)
    of, ref_begin, hyp_begin = (np.array(column, np.int64)[wrong.pair] for column in (number, ref_at, hyp_at))
    return Steps(of, kind, wrong.ref_pos + ref_begin, wrong.hyp_pos + hyp_begin)
