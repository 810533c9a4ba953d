"""Deltas: the search for the smallest part of something that still shows a failure.

Delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", IEEE Transactions on
Software Engineering 28(2), 2002), but for this: candidates of one granularity are asked about together, since a
service answers many questions in the time of one; and of those that show the failure the smallest is taken.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


def minimal(
    atoms: Sequence[T], find: Callable[[list[tuple[T, ...]]], tuple[T, ...] | None], *, coarse: bool = True
) -> tuple[T, ...]:
    """Find a part of a list that shows a failure, and does no longer without any one of its atoms.

    Parameters
    ----------
    atoms : sequence
        What shows it, in order.
    find : callable
        Is given parts of it, and gives the smallest of them that shows the failure; None if none does. A part has its
        atoms in the order of the list; it may be empty.
    coarse : bool
        Try halves, quarters and so on first. Otherwise only single atoms are left out, which is cheaper where it is
        likely that all of them matter.

    Returns
    -------
    tuple
        Of those atoms, in order; without any one of them ``find`` gave None.

    Examples
    --------
    >>> minimal("abcdefgh", lambda parts: min((p for p in parts if {"b", "g"} <= set(p)), key=len, default=None))
    ('b', 'g')
    """
    atoms = tuple(atoms)
    if not atoms:
        return atoms
    if find([()]) is not None:
        return ()
    n = 2 if coarse else len(atoms)
    while len(atoms) > 1:
        n = min(n, len(atoms))
        ends = [len(atoms) * k // n for k in range(n + 1)]
        chunks = list(pairwise(ends))
        if coarse and (found := find([atoms[a:b] for a, b in chunks])) is not None:
            atoms, n = found, 2
        # Of two halves, what is left without one is the other.
        elif (n > 2 or not coarse) and (found := find([atoms[:a] + atoms[b:] for a, b in chunks])) is not None:
            atoms, n = found, max(n - 1, 2)
        elif n == len(atoms):
            break
        else:
            n *= 2
    return atoms


def narrowed(
    begin: int,
    end: int,
    find: Callable[[list[tuple[int, int]]], tuple[int, int] | None],
    *,
    near: Callable[[int, int], int] = lambda place, slack: place,
    coarse: bool = True,
) -> tuple[int, int]:
    """Find a stretch that shows a failure, and does no longer if one place is cut off at either end.

    Parameters
    ----------
    begin, end : int
        The stretch that shows it, half-open.
    find : callable
        Is given stretches within it, and gives the shortest of them that shows the failure; None if none does.
    near : callable
        Is given a place and how far it may be moved; gives the best one there to cut at.
    coarse : bool
        Cut off halves, quarters and so on first; otherwise only single places.

    Returns
    -------
    tuple of int
        Begin and end.

    Examples
    --------
    >>> asked = []
    >>> def find(stretches):
    ...     asked.extend(stretches)
    ...     return min((s for s in stretches if s[0] <= 50 and s[1] > 52), key=lambda s: s[1] - s[0], default=None)
    >>> narrowed(0, 80, find), len(asked)
    ((50, 53), 14)
    """
    step = max(1, (end - begin) // 2) if coarse else 1
    while end - begin > 1:
        left, right = near(begin + step, step // 4), near(end - step, step // 4)
        cuts = dict.fromkeys([(left, right), (left, end), (begin, right)])
        found = find([(a, b) for a, b in cuts if begin <= a < b <= end and (a, b) != (begin, end)])
        if found is not None:
            begin, end = found
            step = max(1, min(step, (end - begin) // 2))
        elif step == 1:
            break
        else:
            step //= 2
    return begin, end
