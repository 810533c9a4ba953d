"""Biasing: the error rate of listed words beside that of all others (B-WER, U-WER), as its authors count them.

The counts are those of the scorer that Le et al. published with "Contextualized Streaming End-to-End Speech Recognition
with Trie-Based Deep Biasing and Shallow Fusion" (Interspeech 2021; facebookresearch/fbai-speech, ``is21_deep_bias``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.scoring.codes import encode
from asrlab.scoring.marking import as_scores, best, pair_counts
from asrlab.scoring.sclite import trace
from asrlab.scoring.sheet import lay_out
from asrlab.scoring.terms.listed import spellings
from asrlab.scoring.terms.tracing import DEL, INS, SUB, steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from asrlab.normalize import NormalizerChoice
    from asrlab.scoring.given import References, Transcripts
    from asrlab.scoring.sheet import Sheet
    from asrlab.scoring.variants import VariantsChoice

#: Costs of a substitution, and of a deletion or insertion, in the published scorer.
_SUB: Final = 4
_GAP: Final = 3
#: A hit with two deletions and two insertions costs as much as this many substitutions.
_SUBS_FOR_A_HIT: Final = 3
_ROLES: Final = ("present", "distractor")
_COUNTS: Final = ("hits", "subs", "dels", "ins", "ref_len", "hyp_len")
#: What is counted, in order.
_LISTED, _UNLISTED, _DISTRACTOR = range(3)


def bias_scores(
    transcripts: Transcripts,
    references: References,
    *,
    terms: pd.DataFrame | None = None,
    form: str | None = None,
    unit: str = "auto",
    normalizer: NormalizerChoice = "auto",
    language: str | None = None,
    channels: str = "each",
    missing: str = "raise",
    variants: VariantsChoice | None = None,
) -> pd.DataFrame:
    """Count the errors in listed words and in all others, as the scorer of is21_deep_bias does.

    Parameters
    ----------
    transcripts, references, form, unit, normalizer, language, channels, missing, variants
        As in :func:`asrlab.score`; the published figures are by word, of texts that are normalised already
        (``unit="word", normalizer="none"``).
    terms : DataFrame, optional
        A ``terms`` table with ``utt_id`` and ``term``, instead of that of the dataset. With role ``present`` a term of
        an utterance is listed, and must be in its reference; with role ``distractor`` it is in the biasing list and not
        listed; without a role, it is listed where the reference has it, else a distractor. A term without an utterance
        is listed wherever a reference has it; where not, it is a distractor, unless its role is ``present``.

    Returns
    -------
    DataFrame
        A ``scores`` table, told apart by ``unit``, so that rates are pooled by :func:`asrlab.summarize`; named after
        what texts are cut into, here words:

        ================  =========================================================================================
        unit              counts
        ================  =========================================================================================
        listed word       units of the reference that are listed, and inserted units that are: B-WER. Utterances
                          without a listed term have no row.
        unlisted word     all others: U-WER
        distractor        ins: different distractors that are nowhere in the reference and anywhere in the
                          transcript, however often; hits: units of the reference. Utterances without distractors
                          have no row; it is ``<NA>`` where there is no answer.
        ================  =========================================================================================

        ``ties`` is "sclite", whose costs these are. WER is the sum of the first two.

    Raises
    ------
    InvalidInput
        As :func:`asrlab.score`; if there are no terms, or one with role ``present`` is in no reference of its
        utterance.

    Notes
    -----
    The alignment costs 4 for a substitution, 3 for a deletion or insertion. Of alignments that cost the same, the one
    is taken that, from the last unit back, prefers a pair to an insertion and that to a deletion. A unit of the
    reference is listed if it is in a listed term there; an inserted unit is if it is in one in the transcript. For
    terms of one word that is the published rule; for longer ones, and for characters, it is how it is extended here:
    any run of units that makes a term, of which all units are listed, also where two terms overlap.

    :func:`asrlab.edits` is not asked which unit answers which: it pairs those that look or sound alike, which moves
    insertions and deletions between listed words and others.

    An emitted distractor counts as an insertion or substitution of an unlisted word: B-WER does not see it, so read the
    third count beside it.

    Examples
    --------
    >>> lists = pd.DataFrame({"utt_id": "a", "term": ["tallis", "orrin"], "role": ["present", "distractor"]})
    >>> said = pd.DataFrame({"utt_id": ["a"], "text": ["ask tallis for the blue key"]})
    >>> heard = pd.DataFrame({"utt_id": ["a"], "text": ["ask orrin tallis for a blue key"]})
    >>> counts = bias_scores(heard, said, terms=lists)
    >>> print(counts[["unit", "hits", "subs", "dels", "ins", "ref_len"]].to_string(index=False))
             unit  hits  subs  dels  ins  ref_len
      listed word     1     0     0    0        1
    unlisted word     4     1     0    1        5
       distractor     6     0     0    1        6
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
        variants=variants,
        executor=None,
    )
    return bias_scores_of(sheet, of_dataset if terms is None else terms, named=form == "best")


def bias_scores_of(sheet: Sheet, terms: pd.DataFrame, *, named: bool, possessives: bool = False) -> pd.DataFrame:
    """Do that with texts that are laid out; with ``possessives`` an English one is a listed word too."""
    lists = _lists(terms)
    chosen = best(sheet, pair_counts(sheet, "sclite", None))
    tally = _Tally(np.zeros((3, len(sheet.row), 4), np.int64), (set(), set(), set()), {})
    for number in range(len(sheet.recipes)):
        _count(sheet, number, chosen, lists, tally, possessives=possessives)
    _complain_of_lost(list(tally.lost))
    unknown = (sheet.rows["state"] != "answered").to_numpy(bool)
    made = []
    for kind, counts in enumerate(tally.found):
        table = as_scores(sheet, counts, chosen, "sclite", named=named)
        if kind == _DISTRACTOR:
            columns = {name: table[name].mask(unknown) for name in _COUNTS}
            table = table.assign(unit=pd.Series("distractor", table.index, dtype="string"), **columns)
        else:
            table["unit"] = ("unlisted " if kind == _UNLISTED else "listed ") + table["unit"]
        made.append(table if kind == _UNLISTED else table[table["utt_id"].isin(tally.has[kind])])
    return pd.concat(made, ignore_index=True)


class _Lists(NamedTuple):
    """Spellings by role; those whose role the reference decides have the role None."""

    own: dict[str, dict[str | None, list[str]]]
    everywhere: dict[str | None, list[str]]


def _lists(table: pd.DataFrame) -> _Lists:
    tables.check_frame(table)
    given = tables.check(table.reset_index(drop=True), "terms", required=("utt_id", "term"))
    given = given[given["term"].notna()].drop_duplicates(["utt_id", "term", "role"])
    if given.empty:
        raise InvalidInput(
            "There are no terms to tell listed words by. Give terms=, a table with utt_id, term and role, or a dataset "
            "that has terms."
        )
    roles = given["role"].dropna().unique().tolist()
    if unknown := [role for role in roles if role not in _ROLES]:
        raise InvalidInput(f"A term's role is {' or '.join(_ROLES)}, or <NA>, not {unknown[0]!r}. Correct it.")
    lists = _Lists({}, {})
    for utt_id, term, role in given[["utt_id", "term", "role"]].itertuples(index=False):
        by_role = lists.everywhere if pd.isna(utt_id) else lists.own.setdefault(utt_id, {})
        by_role.setdefault(None if pd.isna(role) else role, []).append(term)
    return lists


class _Coded(NamedTuple):
    """Terms as they are looked for: each way to write one, coded, with the term that it writes."""

    single: dict[str, str]  #: of one unit
    longer: dict[str, str]

    def within(self, text: str) -> set[str]:
        """Give the terms that a text has."""
        found = {self.single[unit] for unit in set(text) & self.single.keys()}
        return found | {term for way, term in self.longer.items() if way in text}


class _Tally(NamedTuple):
    """What is found in all texts, by what is counted."""

    found: NDArray[np.int64]  #: shape (3, pairs, 4): hits, subs, dels, ins
    has: tuple[set[str], ...]  #: the utterances that have such terms
    lost: dict[tuple[str, str], None]  #: terms and utterances that should have them


def _count(
    sheet: Sheet, number: int, chosen: NDArray[np.intp], lists: _Lists, tally: _Tally, *, possessives: bool
) -> None:
    """Count in the texts of one recipe."""
    recipe, references = sheet.recipes[number], np.flatnonzero(sheet.said_recipe == number)
    pairs = chosen[sheet.recipe[sheet.row[chosen]] == number]
    heard = sheet.heard[sheet.row[pairs]]
    places = np.unique(np.concatenate([sheet.said[references], heard])).tolist()
    ids = sheet.references["utt_id"].tolist()
    listings = [lists.everywhere, *(lists.own.get(utt_id, {}) for utt_id in {ids[n] for n in references.tolist()})]
    spelled = list(dict.fromkeys(term for by_role in listings for terms in by_role.values() for term in terms))
    written = {term: spellings(term, recipe, sheet.variants, possessives=possessives) for term in spelled}
    normal = [recipe.normalizer(sheet.texts[place]) for place in places]
    codes = iter(encode([*normal, *(way for ways in written.values() for way in ways)], recipe.unit).texts)
    text = {place: next(codes) for place in places}
    # Two spellings that the normalizer makes one are one term.
    ways_of = {term: [code for code in (next(codes) for _ in ways) if code] for term, ways in written.items()}

    def coded(by_role: dict[str | None, list[str]], *roles: str | None) -> _Coded:
        made = _Coded({}, {})
        for term in (term for role in roles for term in by_role.get(role, [])):
            for code in ways_of[term]:
                (made.single if len(code) == 1 else made.longer).setdefault(code, term)
        return made

    of_all = coded(lists.everywhere, "present", None), coded(lists.everywhere, "distractor", None)
    own: dict[str, tuple[_Coded, ...]] = {}
    said_of: dict[str, list[str]] = {}
    for n in references.tolist():
        said_of.setdefault(ids[n], []).append(text[int(sheet.said[n])])
    for utt_id, texts in said_of.items():
        by_role = lists.own.get(utt_id, {})
        own[utt_id] = coded(by_role, "present"), coded(by_role, None), coded(by_role, "distractor", None)
        for term in by_role.get("present", []):
            if not any(code in said for code in ways_of[term] for said in texts):
                tally.lost[term, utt_id] = None
        if by_role.get("present") or any(group.within(said) for group in (own[utt_id][1], of_all[0]) for said in texts):
            tally.has[_LISTED].add(utt_id)
        if any(group.single or group.longer for group in (own[utt_id][2], of_all[1])):
            tally.has[_DISTRACTOR].add(utt_id)
    found = tally.found
    refs = [text[place] for place in sheet.said[sheet.reference[pairs]].tolist()]
    hyps = [text[place] for place in heard.tolist()]
    different = list(dict.fromkeys(zip(refs, hyps, strict=True)))
    errors = dict(zip(different, _errors(different), strict=True))
    for pair, reference, ref, hyp in zip(pairs.tolist(), sheet.reference[pairs].tolist(), refs, hyps, strict=True):
        present, open_role, others = own[ids[reference]]
        listed = {*present.single, *present.longer}
        for group in (open_role, of_all[0]):
            listed.update(code for term in group.within(ref) for code in ways_of[term])
        sides = _covered(ref, listed), _covered(hyp, listed)
        many = sum(sides[0])
        found[_LISTED, pair, 0], found[_UNLISTED, pair, 0] = many, len(ref) - many
        for kind, i, j in errors[ref, hyp]:
            where = _LISTED if (sides[1][j] if kind == INS else sides[0][i]) else _UNLISTED
            found[where, pair, kind] += 1
            found[where, pair, 0] -= kind != INS
        emitted: set[str] = set()
        for group in (others, of_all[1]):
            emitted |= {min(ways_of[term]) for term in group.within(hyp) - group.within(ref)}
        found[_DISTRACTOR, pair] = len(ref), 0, 0, len(emitted - listed)


def _covered(text: str, terms: Iterable[str]) -> list[bool]:
    """Tell of each unit whether it is in a term."""
    single = {term for term in terms if len(term) == 1}
    covered = [unit in single for unit in text]
    for term in terms:
        at = text.find(term) if len(term) > 1 else -1
        while at >= 0:
            covered[at : at + len(term)] = [True] * len(term)
            at = text.find(term, at + 1)
    return covered


def _errors(pairs: Sequence[tuple[str, str]]) -> list[list[tuple[int, int, int]]]:
    """Align coded texts as the published scorer does: of each pair the column of each error, and its two places."""
    if not pairs:
        return []
    found: list[list[tuple[int, int, int]]] = [[] for _ in pairs]
    traced = trace(*zip(*pairs, strict=True))
    kind = np.where(traced.replaced, SUB, np.where(traced.inserted, INS, DEL))
    columns = [column.tolist() for column in (traced.pair, kind, traced.ref_pos, traced.hyp_pos)]
    for n, error, i, j in zip(*columns, strict=True):
        found[n].append((error, i, j))
    # Of paths that cost the same, that one has the fewest errors; the scorer does not look at errors.
    for n, errors in enumerate(found):
        if sum(step[0] == SUB for step in errors) >= _SUBS_FOR_A_HIT:
            found[n] = steps(*pairs[n], sub=_SUB, gap=_GAP)
    return found


def _complain_of_lost(lost: Sequence[tuple[str, str]]) -> None:
    if lost:
        named = "; ".join(f"{term!r} in {utt_id}" for term, utt_id in lost[:5])
        raise InvalidInput(
            f"{len(lost)} term{'s are' if len(lost) > 1 else ' is'} listed as present and in no normalised reference "
            f"of the utterance: {named}{' ...' if len(lost) > 5 else ''}. Spell a term as the reference does; where "
            "only one form of the reference has it, mark that form (form=). Leave the role out where it is not known."
        )
