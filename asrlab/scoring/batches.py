"""Batches: different pairs of texts, once each, in parts that can be worked on apart.

A batch holds all it needs, and what comes of it depends on nothing else: so the same table comes out in one process or
in many, however the pairs are parted. Pairs lie ordered by reference, so that a text is seldom in two batches.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeVar

import numpy as np

from asrlab.executors import mapped, pickled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from asrlab.executors import Where
    from asrlab.scoring.sheet import Recipe

    T = TypeVar("T")
    P = TypeVar("P", bound="HasRecipe")

#: Most pairs in a batch: some megabytes of work, and a tenth of a second.
_PAIRS: Final = 20_000
#: Most characters of the references and transcripts of a batch, unless one pair has more. This bounds its memory, and a
#: text of so many characters has fewer words than there are codes for them.
_CHARACTERS: Final = 2_000_000


class HasRecipe(Protocol):
    """What work is done on: texts that become units in one way."""

    @property
    def recipe(self) -> Recipe:
        """How they do."""


class Batch(NamedTuple):
    """Pairs of texts that become units in one way.

    Parameters
    ----------
    recipe : Recipe
        How they do.
    texts : list of str
        Different texts.
    refs, hyps : ndarray of int64, shape (n,)
        Places of reference and transcript of each pair among the texts.
    ties : str
        Whose rule splits equal totals.
    """

    recipe: Recipe
    texts: list[str]
    refs: NDArray[np.int64]
    hyps: NDArray[np.int64]
    ties: str

    def normalised(self) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
        """Normalise each text once; give what differs then, and the places of reference and transcript in it."""
        if not self.recipe.normalizer.steps:
            return self.texts, self.refs, self.hyps
        places: dict[str, int] = {}
        normalizer = self.recipe.normalizer
        place = np.array([places.setdefault(normalizer(text), len(places)) for text in self.texts], np.int64)
        return list(places), place[self.refs], place[self.hyps]


def batches(
    texts: Sequence[str],
    recipes: Sequence[Recipe],
    recipe: NDArray[np.int64],
    refs: NDArray[np.int64],
    hyps: NDArray[np.int64],
    *,
    ties: str,
) -> tuple[list[Batch], NDArray[np.intp]]:
    """Part pairs into batches.

    Parameters
    ----------
    texts : sequence of str
        All texts.
    recipes : sequence of Recipe
        All recipes.
    recipe, refs, hyps : ndarray of int64, shape (pairs,)
        Places of the recipe, the reference and the transcript of each pair.
    ties : {"jiwer", "sclite"}
        Whose rule splits equal totals.

    Returns
    -------
    batches : list of Batch
        Every different pair once.
    place : ndarray of int, shape (pairs,)
        Where each pair lies when what comes of the batches is laid end to end.
    """
    shape = (len(recipes), len(texts), len(texts))
    if not len(refs):
        return [], np.zeros(0, np.intp)
    distinct, place = np.unique(np.ravel_multi_index((recipe, refs, hyps), shape), return_inverse=True)
    recipe, refs, hyps = np.unravel_index(distinct, shape)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    bounds = _bounds(recipe, refs, lengths[refs] + lengths[hyps])
    made = []
    for first, last in pairwise(bounds):
        there, local = np.unique(np.concatenate([refs[first:last], hyps[first:last]]), return_inverse=True)
        of_refs, of_hyps = np.split(local.astype(np.int64), 2)
        made.append(Batch(recipes[recipe[first]], [texts[n] for n in there.tolist()], of_refs, of_hyps, ties))
    return made, place


def _bounds(recipe: NDArray[np.intp], refs: NDArray[np.intp], length: NDArray[np.int64]) -> list[int]:
    """Give the first pair of each batch, and the end: one recipe each, and where it can be, references whole."""
    new_recipe = [*(np.flatnonzero(np.diff(recipe)) + 1).tolist(), len(refs)]
    new_reference = np.concatenate(([0], np.flatnonzero(np.diff(refs)) + 1))
    until = np.concatenate(([0], np.cumsum(length)))
    bounds = [0]
    for end in new_recipe:
        while (first := bounds[-1]) < end:
            room = int(np.searchsorted(until, until[first] + _CHARACTERS, "right")) - 1
            last = max(min(room, first + _PAIRS, end), first + 1)
            if last < end:
                start = int(new_reference[np.searchsorted(new_reference, last, "right") - 1])
                last = start if start > first else last
            bounds.append(last)
    return bounds


def work_off(work: Callable[[P], T], parts: Sequence[P], executor: Where) -> list[T]:
    """Do the same work on every part, here or in an executor, and give what comes of it in order.

    Raises
    ------
    InvalidInput
        If a normalizer cannot be sent to another process.
    """
    if executor is not None and not isinstance(executor, ThreadPoolExecutor):
        for chain in {id(part.recipe.normalizer): part.recipe.normalizer for part in parts}.values():
            pickled(chain.steps, repr(chain))
    return list(mapped(work, parts, executor))
