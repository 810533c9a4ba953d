"""Paths: which unit answers which, for many pairs at once, as columns.

Of the alignments that have the same subs, dels and ins there are often many. The one taken here is rapidfuzz's (so
jiwer's) in what is right, or sclite's; between two right units, the shorter side's are all substitutions, and which
units of the longer side are left over is chosen so that those which look or sound alike are paired.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import numpy as np
from rapidfuzz.distance import Levenshtein

from asrlab.errors import InvalidInput
from asrlab.scoring.codes import code_points
from asrlab.scoring.counts import counts, hints
from asrlab.scoring.likeness import likeness, pair_up
from asrlab.scoring.sclite import trace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from asrlab.scoring.codes import Codes

HIT: Final = 0
SUB: Final = 1
DEL: Final = 2
INS: Final = 3
#: Names of the kinds of step, by their number.
KINDS: Final = ("hit", "sub", "del", "ins")
_KIND_OF: Final = {"equal": HIT, "replace": SUB, "delete": DEL, "insert": INS}
#: Cells of a cost matrix that is kept whole, 8 bytes each: two texts of 5,000 units.
_MOST_CELLS: Final = 25_000_000
#: Units of the shorter side of a stretch without a hit, times those of the longer side that may answer each. Texts that
#: have to do with one another have stretches of some tens; in those of another speech or script there is nothing to
#: pair, and the time that likeness takes would grow with the square of their length.
_MOST_CANDIDATES: Final = 1_000
#: Candidates that are looked at together, about: some 100 MB of work, however many there are. More at a time is slower.
_SLICE: Final = 200_000


#: Tag of rapidfuzz, place in the reference, place in the transcript.
Step: TypeAlias = tuple[str, int, int]


class Steps(NamedTuple):
    """Steps of alignments, one after another, in the order of the pairs and from first unit to last.

    Parameters
    ----------
    pair : ndarray of int64
        Number of the pair.
    kind : ndarray of int8
        Place in :data:`KINDS`.
    ref_pos, hyp_pos : ndarray of int64
        Place of the unit in its text; of a unit that is not there, of the one that it stands or would stand before.
    """

    pair: NDArray[np.int64]
    kind: NDArray[np.int8]
    ref_pos: NDArray[np.int64]
    hyp_pos: NDArray[np.int64]


def errors(codes: Codes, refs: NDArray[np.int64], hyps: NDArray[np.int64], ties: str = "jiwer") -> Steps:
    """Align many pairs and give the steps that are errors.

    Parameters
    ----------
    codes : Codes
        The coded texts.
    refs, hyps : ndarray of int64, shape (n,)
        Places of reference and transcript of each pair among the coded texts.
    ties : {"jiwer", "sclite"}
        See :func:`asrlab.scoring.counts.counts`, whose counts these steps have.

    Returns
    -------
    Steps
        Without hits.

    Raises
    ------
    InvalidInput
        If two texts are too long to be aligned by NIST's costs.
    """
    differ = np.flatnonzero(refs != hyps)  # equal texts are encoded once
    said, heard = ([codes.texts[n] for n in side[differ].tolist()] for side in (refs, hyps))
    if ties == "sclite":
        return alike(_nist(said, heard, differ), codes, refs, hyps)
    return alike(_plain(said, heard, differ), codes, refs, hyps)


def _plain(said: list[str], heard: list[str], numbers: NDArray[np.int64]) -> Steps:
    """Align as rapidfuzz does."""
    many: list[int] = []
    # Three flat lists: lists of tuples that live on would be walked through by the garbage collector again and again.
    tags: list[str] = []
    ref_pos: list[int] = []
    hyp_pos: list[int] = []
    for ref, hyp, hint in zip(said, heard, hints(said, heard), strict=True):
        # rapidfuzz's Editop unpacks to these three; to type checkers it says that each may be any of them.
        steps: list[Step] = Levenshtein.editops(ref, hyp, score_hint=hint).as_list()  # type: ignore[assignment]
        many.append(len(steps))
        for tag, at, to in steps:
            tags.append(tag)
            ref_pos.append(at)
            hyp_pos.append(to)
    return Steps(
        np.repeat(numbers, many),
        np.array([_KIND_OF[tag] for tag in tags], np.int8),
        np.array(ref_pos, np.int64),
        np.array(hyp_pos, np.int64),
    )


def _nist(said: list[str], heard: list[str], numbers: NDArray[np.int64]) -> Steps:
    """Align as sclite does; what is too long for that, as rapidfuzz does where it has the same counts."""
    cells = np.fromiter(map(len, said), np.int64, len(said)) + 1
    cells *= np.fromiter(map(len, heard), np.int64, len(heard)) + 1
    long = np.flatnonzero(cells > _MOST_CELLS)
    short = np.flatnonzero(cells <= _MOST_CELLS)
    traced = trace([said[n] for n in short.tolist()], [heard[n] for n in short.tolist()])
    kind = np.select([traced.replaced, traced.inserted], [SUB, INS], DEL).astype(np.int8)
    path = Steps(numbers[short[traced.pair]], kind, traced.ref_pos, traced.hyp_pos)
    if not len(long):
        return path
    refs, hyps = [said[n] for n in long.tolist()], [heard[n] for n in long.tolist()]
    plain = _plain(refs, hyps, np.arange(len(long)))
    found = np.stack([np.bincount(plain.pair[plain.kind == one], minlength=len(long)) for one in (SUB, DEL, INS)], 1)
    if (unlike := (found != counts(refs, hyps, "sclite")[:, 1:]).any(axis=1)).any():
        n = int(unlike.argmax())
        raise InvalidInput(
            f'ties="sclite" aligns texts of up to {_MOST_CELLS:,} cells (lengths multiplied), and these have '
            f"{cells[long[n]]:,} ({len(refs[n]):,} and {len(hyps[n]):,} units). Cut them into segments, or align with "
            'ties="jiwer"; counts by score() have no such limit.'
        )
    plain = plain._replace(pair=numbers[long[plain.pair]])
    order = np.argsort(np.concatenate([path.pair, plain.pair]), kind="stable")
    return Steps(
        np.concatenate([path.pair, plain.pair])[order],
        np.concatenate([path.kind, plain.kind])[order],
        np.concatenate([path.ref_pos, plain.ref_pos])[order],
        np.concatenate([path.hyp_pos, plain.hyp_pos])[order],
    )


def alike(path: Steps, codes: Codes, refs: NDArray[np.int64], hyps: NDArray[np.int64]) -> Steps:
    """Pair the units that look or sound alike, between one right unit and the next.

    Parameters
    ----------
    path : Steps
        Errors of shortest paths. Between two hits such a path has deletions or insertions, never both.
    codes, refs, hyps
        As in :func:`errors`.

    Returns
    -------
    Steps
        As many of each kind, of the same units between the same hits. A stretch of more than 1,000 possible pairs is
        left as it was.
    """
    pair, kind, ref_pos, hyp_pos = path
    if not len(pair):
        return path
    goes_on = (
        (pair[1:] == pair[:-1])
        & (ref_pos[1:] == ref_pos[:-1] + (kind[:-1] != INS))
        & (hyp_pos[1:] == hyp_pos[:-1] + (kind[:-1] != DEL))
    )
    start = np.flatnonzero(np.concatenate(([True], ~goes_on)))
    subs, dels, ins = (np.add.reduceat(kind == one, start, dtype=np.int64) for one in (SUB, DEL, INS))
    left = dels + ins
    open_to_choice = (subs > 0) & (left > 0) & (subs * (left + 1) <= _MOST_CANDIDATES)
    if not open_to_choice.any():
        return path
    start, subs, left, long_is_ref = (column[open_to_choice] for column in (start, subs, left, dels > 0))
    involved = pair[start]
    used = np.unique(np.concatenate([refs[involved], hyps[involved]]))
    texts = [codes.texts[n] for n in used.tolist()]
    begin = np.zeros(len(codes.texts), np.int64)
    begin[used[1:]] = np.cumsum([len(text) for text in texts[:-1]])
    points = code_points(texts)
    said_at, heard_at = begin[refs[pair]] + ref_pos, begin[hyps[pair]] + hyp_pos
    kind, ref_pos, hyp_pos = kind.copy(), ref_pos.copy(), hyp_pos.copy()
    # Stretches of one shape are worked on together.
    shapes, shape = np.unique(np.stack([subs, left, long_is_ref], axis=1), axis=0, return_inverse=True)
    order = np.argsort(shape, kind="stable")
    place = np.cumsum((subs * (left + 1))[order]) // _SLICE
    for part in np.split(order, np.flatnonzero(np.diff(place)) + 1):
        groups = [(start[part[shape[part] == n]], *shapes[n].tolist()) for n in np.unique(shape[part])]
        candidates = []
        for first, n, more, ref_is_long in groups:
            unit = np.arange(n)[None, :, None]
            shift = np.arange(more + 1)[None, None, :]
            long, short = (said_at, heard_at) if ref_is_long else (heard_at, said_at)
            both = np.broadcast_arrays(long[first][:, None, None] + unit + shift, short[first][:, None, None] + unit)
            candidates.append([points[at].ravel() for at in (both if ref_is_long else both[::-1])])
        likenesses = _likenesses(codes, *(np.concatenate(side) for side in zip(*candidates, strict=True)))
        done = 0
        for first, n, more, ref_is_long in groups:
            size = len(first) * n * (more + 1)
            shift = pair_up(likenesses[done : done + size].reshape(len(first), n, more + 1))
            done += size
            paired = np.zeros((len(first), n + more), bool)
            np.put_along_axis(paired, shift + np.arange(n), values=True, axis=1)
            rows = first[:, None] + np.arange(n + more)
            long, short = (ref_pos, hyp_pos) if ref_is_long else (hyp_pos, ref_pos)
            long[rows] = long[first][:, None] + np.arange(n + more)
            short[rows] = short[first][:, None] + np.cumsum(paired, axis=1) - paired
            kind[rows] = np.where(paired, SUB, DEL if ref_is_long else INS)
    return Steps(pair, kind, ref_pos, hyp_pos)


def _likenesses(codes: Codes, said: NDArray[np.uint32], heard: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Work out each different pair of units once."""
    distinct, place = np.unique(said.astype(np.int64) << 32 | heard, return_inverse=True)
    return likeness(codes.units(distinct >> 32), codes.units(distinct & 0xFFFFFFFF))[place]


def with_hits(path: Steps, ref_len: NDArray[np.int64], hyp_len: NDArray[np.int64]) -> Steps:
    """Put the units that are right between the errors.

    Parameters
    ----------
    path : Steps
        Errors only.
    ref_len, hyp_len : ndarray of int64, shape (n,)
        Units of reference and transcript of each pair.

    Returns
    -------
    Steps
        Every step of every pair.
    """
    said, heard = (_untouched(path, lengths, at) for lengths, at in ((ref_len, INS), (hyp_len, DEL)))
    pair = np.concatenate([path.pair, said[0]])
    kind = np.concatenate([path.kind, np.full(len(said[0]), HIT, np.int8)])
    ref_pos, hyp_pos = np.concatenate([path.ref_pos, said[1]]), np.concatenate([path.hyp_pos, heard[1]])
    order = np.lexsort((hyp_pos, ref_pos, pair))
    return Steps(pair[order], kind[order], ref_pos[order], hyp_pos[order])


def _untouched(path: Steps, lengths: NDArray[np.int64], absent: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pair and place of the units of one side that no error is about."""
    positions = path.ref_pos if absent == INS else path.hyp_pos
    begin = np.cumsum(lengths) - lengths
    right = np.ones(int(lengths.sum()), bool)
    there = path.kind != absent
    right[begin[path.pair[there]] + positions[there]] = False
    at = np.flatnonzero(right)
    pair = np.repeat(np.arange(len(lengths)), lengths)[at]
    return pair, at - begin[pair]
