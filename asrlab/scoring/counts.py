"""Counts: hits, substitutions, deletions and insertions of many pairs at once."""

from __future__ import annotations

from operator import ne
from typing import TYPE_CHECKING, Final

import numpy as np
from rapidfuzz.distance import Indel, Levenshtein
from rapidfuzz.process import cpdist

from asrlab.errors import InvalidInput
from asrlab.scoring.codes import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from rapidfuzz.distance import Editops

#: Whose rule decides where several alignments have equally many errors.
TIES: Final = ("jiwer", "sclite")
#: From here on a first guess of the distance spares most of the matrix; below, it costs more than it saves.
_LONG: Final = 1000


def count_pairs(
    texts: Sequence[str], refs: NDArray[np.int64], hyps: NDArray[np.int64], unit: str, ties: str = "jiwer"
) -> NDArray[np.int64]:
    """Count hits, subs, dels and ins of pairs among texts, each different pair once.

    Parameters
    ----------
    texts : sequence of str
        Normalised texts.
    refs, hyps : ndarray of int64, shape (n,)
        Places of reference and transcript of each pair among the texts.
    unit : {"word", "char", "codepoint", "mixed"}
        As in :func:`asrlab.scoring.tokens.tokens`.
    ties : {"jiwer", "sclite"}
        See :func:`counts`.

    Returns
    -------
    ndarray of int64, shape (n, 4)
        hits, subs, dels, ins.

    Examples
    --------
    >>> count_pairs(["the cat", "a cat"], np.array([0, 0]), np.array([0, 1]), "word").tolist()
    [[2, 0, 0, 0], [1, 1, 0, 0]]
    """
    distinct, place = np.unique(refs * max(len(texts), 1) + hyps, return_inverse=True)
    refs, hyps = np.divmod(distinct, max(len(texts), 1))
    if unit != "word":  # characters need hardly any cutting
        codes = encode(texts, unit).texts
        said, heard = ([codes[n] for n in side.tolist()] for side in (refs, hyps))
        return counts(said, heard, ties)[place]
    said, heard = ([texts[n] for n in side.tolist()] for side in (refs, hyps))
    differ = np.fromiter(map(ne, said, heard), bool, len(said))
    used, coded = np.unique(np.concatenate([refs[differ], hyps[differ]]), return_inverse=True)
    codes = encode([texts[n] for n in used.tolist()], unit).texts
    said, heard = ([codes[n] for n in side.tolist()] for side in np.split(coded, 2))
    found = np.zeros((len(distinct), 4), np.int64)
    found[differ] = counts(said, heard, ties)
    # What is equal is right, however it is cut: only its length has to be known.
    equal = [texts[n] for n in refs[~differ].tolist()]
    found[~differ, 0] = [len(text.split()) for text in equal]
    return found[place]


def counts(refs: Sequence[str], hyps: Sequence[str], ties: str = "jiwer") -> NDArray[np.int64]:
    """Count hits, subs, dels and ins of each pair.

    Parameters
    ----------
    refs, hyps : sequence of str
        Coded texts, one character a unit (:func:`asrlab.scoring.codes.encode`), encoded together.
    ties : {"jiwer", "sclite"}
        Who splits a total. ``"jiwer"``: the Levenshtein distance, split as rapidfuzz and so jiwer do. ``"sclite"``: the
        least of 4 subs + 3 dels + 3 ins, which NIST's sclite minimises, and of those the fewest errors. Totals differ
        in parts of ten thousand only; splits differ more, because NIST's costs prefer hits. Takes time and memory by
        the product of two lengths, where ``"jiwer"`` takes it by their errors.

    Returns
    -------
    ndarray of int64, shape (n, 4)
        hits, subs, dels, ins.

    Examples
    --------
    >>> counts(["abcdef", "same"], ["abcdfg", "same"]).tolist()
    [[4, 2, 0, 0], [4, 0, 0, 0]]
    """
    check_ties(ties)
    ref_len = np.fromiter(map(len, refs), np.int64, len(refs))
    hyp_len = np.fromiter(map(len, hyps), np.int64, len(hyps))
    if ties == "jiwer":
        errors, subs = _levenshtein(refs, hyps, ref_len, hyp_len)
    else:
        errors, subs = _nist(refs, hyps, ref_len, hyp_len)
    # An alignment is a path: dels - ins is the difference of the lengths.
    dels = (errors - subs + ref_len - hyp_len) // 2
    return np.stack([ref_len - subs - dels, subs, dels, errors - subs - dels], axis=1)


def check_ties(ties: object) -> None:
    """Raise if there is no such rule."""
    if ties not in TIES:
        raise InvalidInput(f"ties must be one of {', '.join(TIES)}, not {ties!r}.")


def _levenshtein(
    refs: Sequence[str], hyps: Sequence[str], ref_len: NDArray[np.int64], hyp_len: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the errors and substitutions of each pair under unit costs."""
    long = np.maximum(ref_len, hyp_len) > _LONG
    if long.any():  # each with a hint of its own, which many at once cannot have
        errors, subs = np.zeros((2, len(refs)), np.int64)
        errors[~long], subs[~long] = _levenshtein(
            *_chosen(np.flatnonzero(~long), refs, hyps), ref_len[~long], hyp_len[~long]
        )
        said, heard = _chosen(np.flatnonzero(long), refs, hyps)
        for n, ref, hyp, hint in zip(np.flatnonzero(long), said, heard, hints(said, heard), strict=True):
            steps = Levenshtein.editops(ref, hyp, score_hint=hint)
            errors[n], subs[n] = len(steps), _substitutions(steps)
        return errors, subs
    errors = cpdist(refs, hyps, scorer=Levenshtein.distance, dtype=np.int64)
    # A path's subs are at most its errors less the difference of the lengths, and at least what it costs to do without
    # them (as a del and an ins each) less its errors. Only where that leaves a choice does an alignment have to tell.
    subs = errors - np.abs(ref_len - hyp_len)
    unclear = np.flatnonzero(subs > 1)
    said, heard = _chosen(unclear, refs, hyps)
    least = cpdist(said, heard, scorer=Indel.distance, dtype=np.int64) - errors[unclear]
    unclear = unclear[least < subs[unclear]]
    subs[unclear] = [
        _substitutions(Levenshtein.editops(ref, hyp)) for ref, hyp in zip(*_chosen(unclear, refs, hyps), strict=True)
    ]
    return errors, subs


def _substitutions(steps: Editops) -> int:
    return [tag for tag, _, _ in steps.as_list()].count("replace")


def _chosen(at: NDArray[np.intp], refs: Sequence[str], hyps: Sequence[str]) -> tuple[list[str], list[str]]:
    places = at.tolist()
    return [refs[n] for n in places], [hyps[n] for n in places]


def _nist(
    refs: Sequence[str], hyps: Sequence[str], ref_len: NDArray[np.int64], hyp_len: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the errors and substitutions of each pair under NIST's costs, of equals with the fewest errors."""
    scale, sub, gap = nist_costs(int((ref_len + hyp_len).max(initial=0)))
    cost = cpdist(refs, hyps, scorer=Levenshtein.distance, scorer_kwargs={"weights": (gap, gap, sub)}, dtype=np.int64)
    weight, errors = np.divmod(cost, scale)
    return errors, weight - 3 * errors


def nist_costs(longest: int) -> tuple[int, int, int]:
    """Give costs that order paths by 4 subs + 3 dels + 3 ins, then by errors: scale, of a sub, of a del or an ins."""
    scale = longest + 1
    return scale, 4 * scale + 1, 3 * scale + 1


def hints(refs: Sequence[str], hyps: Sequence[str]) -> list[int | None]:
    """Guess the distance of long texts for rapidfuzz's ``score_hint``; None for the others."""
    longest = (max(len(ref), len(hyp)) for ref, hyp in zip(refs, hyps, strict=True))
    return [units // 8 + 8 if units > _LONG else None for units in longest]
