"""Entities: how many named entities came through, and how well (NE-FNR, NE-WER), as ContextASR-Bench counts them.

The definitions are those of Wang et al., "ContextASR-Bench: A Massive Contextual Speech Recognition Benchmark"
(arXiv 2507.05727). What its text leaves open is as the counts are that its authors published of each row and system.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd
from rapidfuzz.distance import Levenshtein

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.scoring.codes import code_points, encode
from asrlab.scoring.marking import as_scores, best, pair_counts
from asrlab.scoring.sheet import constant, lay_out
from asrlab.scoring.terms.tracing import HIT, INS, SUB, steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from asrlab.normalize import NormalizerChoice
    from asrlab.scoring.given import References, Transcripts
    from asrlab.scoring.sheet import Sheet

#: Name of the rule of ties, in the column of that name.
_TIES: Final = "contextasr"


def entity_scores(
    transcripts: Transcripts,
    references: References,
    *,
    entities: pd.DataFrame | None = None,
    form: str | None = None,
    unit: str = "auto",
    normalizer: NormalizerChoice = "auto",
    language: str | None = None,
    channels: str = "each",
    missing: str = "raise",
) -> pd.DataFrame:
    """Count the entities that came through, and the errors in what was heard for them, as ContextASR-Bench does.

    Parameters
    ----------
    transcripts, references, form, unit, normalizer, language, channels, missing
        As in :func:`asrlab.score`. The published figures are of texts that are normalised already, cut at spaces
        (``unit="word", normalizer="none"``); ``unit="mixed"`` cuts plain Chinese texts so.
    entities : DataFrame, optional
        A ``terms`` table with ``utt_id`` and ``term``, instead of that of the dataset: in their order, the entities of
        each utterance, and those without an utterance, of all. Distractors are left out. One that the reference does
        not have is no error of the table: what is like it in a transcript counts as inserted.

    Returns
    -------
    DataFrame
        A ``scores`` table of three measures, told apart by ``unit``; utterances without entities have only the first:

        ================  =========================================================================================
        unit              counts
        word, char, ...   errors in all words: WER, CER. They are as many as :func:`asrlab.score` finds.
        ================  =========================================================================================
        entity            hits: occurrences of entities that the transcript has too, of each entity up to its number
                          in the reference; dels: the others. The rate is NE-FNR.
        entity word       errors between the words of the entities in the reference, one after another, and those of
                          the stretches of the transcript that are like entities. The rate is NE-WER. Named after
                          what texts are cut into, such as "entity char".
        ================  =========================================================================================

        ``ties`` is "contextasr", for where several alignments have equally few errors, the subs, dels and ins of each
        pair of texts are those of the one that, from the last unit back, prefers a pair to an insertion and that to a
        deletion: neither jiwer's nor sclite's.

    Raises
    ------
    InvalidInput
        As :func:`asrlab.score`, and if there are no entities.

    Notes
    -----
    Exact occurrences are runs of units. A stretch is like an entity of n units if no more than ceil(n / 2) - 1 units
    have to be edited. They are looked for from the first unit on: at the first place where any begins, the one with the
    fewest edits is taken, of equals the one whose length is nearest to n, then the shorter; the next may begin after
    it. A stretch that has the entity in its spelling is cut to it. Those of several entities may overlap; they stand in
    the order of where they begin, then end.

    That search is stricter on short entities than it looks, for those of one or two units must be exact; and on long
    ones it begins early, so that words before an entity are part of its stretch, and count as errors. Both measures can
    be gamed: a transcript that begins with the list of entities scores without an error. Read precision and leaks
    beside them.

    Examples
    --------
    >>> names = pd.DataFrame({"utt_id": "a", "term": ["port arden light", "tallis"]})
    >>> said = pd.DataFrame({"utt_id": ["a"], "text": ["we saw port arden light and tallis waved"]})
    >>> heard = pd.DataFrame({"utt_id": ["a"], "text": ["we saw port garden light and talus waved"]})
    >>> counts = entity_scores(heard, said, entities=names)
    >>> print(counts[["unit", "hits", "subs", "dels", "ins", "ref_len"]].to_string(index=False))
           unit  hits  subs  dels  ins  ref_len
           word     6     2     0    0        8
         entity     0     0     2    0        2
    entity word     2     1     1    0        4
    """
    if unit in tables.SHARES:
        raise InvalidInput(f'unit="{unit}" is no way to cut a text. Choose one, such as unit="word".')
    sheet, of_dataset = lay_out(
        transcripts,
        references,
        form=form,
        unit=unit,
        normalizer=normalizer,
        language=language,
        channels=channels,
        missing=missing,
        variants=None,
        executor=None,
    )
    own, everywhere = _entities(of_dataset if entities is None else entities)
    chosen = best(sheet, pair_counts(sheet, "jiwer", None))
    found = np.zeros((3, len(sheet.row), 4), np.int64)
    for number in range(len(sheet.recipes)):
        mine = chosen[sheet.recipe[sheet.row[chosen]] == number]
        found[:, mine] = _counts(sheet, number, mine, lambda utt_id: [*own.get(utt_id, []), *everywhere])
    words, whole, of_entities = (as_scores(sheet, one, chosen, _TIES, named=form == "best") for one in found)
    whole["unit"] = constant("entity", len(whole))
    of_entities["unit"] = "entity " + of_entities["unit"]
    wanted = words["utt_id"].isin(list(own)) | bool(everywhere)
    return pd.concat([words, whole[wanted], of_entities[wanted]], ignore_index=True)


def _entities(table: pd.DataFrame) -> tuple[dict[str, list[str]], list[str]]:
    tables.check_frame(table)
    given = tables.check(table.reset_index(drop=True), "terms", required=("utt_id", "term"))
    given = given[given["term"].notna() & (given["role"].fillna("present") == "present")]
    if given.empty:
        raise InvalidInput(
            "There are no entities to look for. Give entities=, a table with utt_id and term, or a dataset that has "
            "terms."
        )
    own: dict[str, list[str]] = {}
    for utt_id, term in given.dropna(subset="utt_id")[["utt_id", "term"]].itertuples(index=False):
        own.setdefault(utt_id, []).append(term)
    return own, given.loc[given["utt_id"].isna(), "term"].tolist()


def _counts(
    sheet: Sheet, number: int, pairs: NDArray[np.intp], entities_of: Callable[[str], Sequence[str]]
) -> NDArray[np.int64]:
    """Count all units, entities, and units of entities in pairs of one recipe; shape (3, pairs, 4)."""
    recipe = sheet.recipes[number]
    said, heard = sheet.said[sheet.reference[pairs]].tolist(), sheet.heard[sheet.row[pairs]].tolist()
    ids = sheet.references["utt_id"].take(sheet.reference[pairs]).tolist()
    listed = {utt_id: entities_of(utt_id) for utt_id in dict.fromkeys(ids)}
    spelled = list(dict.fromkeys(term for terms in listed.values() for term in terms))
    places = list(dict.fromkeys([*said, *heard]))
    raw = [*(sheet.texts[place] for place in places), *spelled]
    codes = encode([recipe.normalizer(text) for text in raw], recipe.unit)
    text = dict(zip(places, codes.texts, strict=False))
    code = dict(zip(spelled, codes.texts[len(places) :], strict=True))

    def written(coded: str) -> str:
        return " ".join(codes.units(code_points([coded])))

    found = np.zeros((3, len(pairs), 4), np.int64)
    for n, (utt_id, ref_place, hyp_place) in enumerate(zip(ids, said, heard, strict=True)):
        terms = list(dict.fromkeys(filter(None, (code[term] for term in listed[utt_id]))))
        ref, hyp = text[ref_place], text[hyp_place]
        there = _in_order(_Stretch(at, at + len(term), term) for term in terms for at in _places(term, ref))
        hits = sum(min(many, len(_places(term, hyp))) for term, many in Counter(there).items())
        like = _in_order(stretch for term in terms for stretch in _like(term, hyp, written))
        found[:, n] = _split(ref, hyp), (hits, 0, len(there) - hits, 0), _split("".join(there), "".join(like))
    return found


def _split(ref: str, hyp: str) -> NDArray[np.int64]:
    """Count hits, subs, dels and ins at the fewest errors; where there are several ways, that of steps()."""
    counted = np.bincount([kind for kind, _, _ in steps(ref, hyp, sub=1, gap=1)], minlength=4)
    counted[HIT] = len(hyp) - counted[SUB] - counted[INS]
    return counted


class _Stretch(NamedTuple):
    """A part of a text that is, or is like, an entity."""

    begin: int
    end: int
    text: str


def _in_order(stretches: Iterable[_Stretch]) -> list[str]:
    return [one.text for one in sorted(stretches, key=lambda one: (one.begin, one.end))]


def _places(term: str, text: str) -> list[int]:
    """Find where a term begins, in runs that do not overlap."""
    found, at = [], text.find(term)
    while at >= 0:
        found.append(at)
        at = text.find(term, at + len(term))
    return found


def _like(term: str, text: str, written: Callable[[str], str]) -> list[_Stretch]:
    """Find the stretches of a text that are like a term."""
    length = len(term)
    most = (length + 1) // 2 - 1
    if most == 0:
        return [_Stretch(at, at + length, term) for at in _places(term, text)]
    found: list[_Stretch] = []
    spelling = ""
    free = 0
    # The lengths a stretch may have, in the order in which equals are taken.
    lengths = sorted(range(length - most, length + most + 1), key=lambda size: (abs(size - length), size))
    for begin in _likely(term, text, length - most, length + most):
        if begin < free:
            continue
        there = [
            (edits, rank, begin + size)
            for rank, size in enumerate(lengths)
            if begin + size <= len(text)
            and (edits := Levenshtein.distance(term, text[begin : begin + size], score_cutoff=most)) <= most
        ]
        if there:
            end = free = min(there)[2]
            stretch = text[begin:end]
            if stretch != term:
                spelling = spelling or written(term)
                if spelling in written(stretch):
                    stretch = term
            found.append(_Stretch(begin, end, stretch))
    return found


def _likely(term: str, text: str, least: int, longest: int) -> list[int]:
    """Find where a stretch may begin: no more than ``longest`` units must have ``least`` of the term's."""
    shared = np.isin(code_points([text]), code_points([term]))
    sums = np.concatenate([[0], np.cumsum(shared)])
    ends = np.minimum(np.arange(len(text)) + longest, len(text))
    return np.flatnonzero(sums[ends] - sums[: len(text)] >= least).tolist()
