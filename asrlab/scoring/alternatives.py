"""Alternatives: of a reference that may be written in several ways, the wordings to mark against.

A few are all tried, and the best is taken as among numbered references; of many, the nearest to what was heard is found
first (:mod:`asrlab.scoring.lattice`). Either way, what is counted is a real text.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from asrlab.errors import InvalidInput
from asrlab.scoring.counts import count_pairs
from asrlab.scoring.lattice import Lattice, apart
from asrlab.wordings import count, every, may_have_alternatives, parts, together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from asrlab.scoring.sheet import Recipe
    from asrlab.scoring.variants import Variants
    from asrlab.wordings import Part

    Open = dict[int, list[Part]]

#: Wordings of a text up to which all are tried.
MOST_TRIED: Final = 32


def order(found: NDArray[np.int64], *before: NDArray[np.int64]) -> NDArray[np.intp]:
    """Order counts from the best on: by fewest errors, of equals by longest reference; ``before`` all, by groups."""
    return np.lexsort((-found[:, :3].sum(axis=1), found[:, 1:].sum(axis=1), *before))


def check_alternatives(said: pd.DataFrame) -> None:
    """Raise if a reference has alternatives that are broken, before references are joined to others."""
    for n in np.flatnonzero(said["text"].str.contains("|", regex=False).to_numpy(bool)).tolist():
        _stretches(str(said["utt_id"].iloc[n]), str(said["text"].iloc[n]), None)


def spread(said: pd.DataFrame, variants: Variants | None) -> tuple[pd.DataFrame, Open]:
    """Give references with a few wordings a row for each, and tell which have many.

    Parameters
    ----------
    said : DataFrame
        References with utt_id and text.
    variants : Variants or None
        What else may be written in several ways.

    Returns
    -------
    said : DataFrame
        With a column ``wording``: the text once more, where the reference has alternatives.
    many : dict of int to list of tuple of str
        Places of those with many wordings, whose texts stay as they were, and their stretches.
    """
    if variants is None and not bool(said["text"].str.contains("|", regex=False).any()):
        return said.assign(wording=pd.array([pd.NA], dtype="string").take(np.zeros(len(said), np.intp))), {}
    stretches = cache(lambda utt_id, text: _stretches(utt_id, text, variants))
    at: list[int] = []
    texts: list[str] = []
    wordings: list[str | None] = []
    many: Open = {}
    for n, (utt_id, text) in enumerate(zip(said["utt_id"].tolist(), said["text"].tolist(), strict=True)):
        found = stretches(utt_id, text)
        made = [] if count(found) == 1 else every(found) if count(found) <= MOST_TRIED else [text]
        if count(found) > MOST_TRIED:
            many[len(at)] = found
        at += [n] * max(len(made), 1)
        texts += made or [text]
        wordings += made or [None]
    wide = said.take(at).reset_index(drop=True)
    return wide.assign(text=pd.array(texts, dtype="string"), wording=pd.array(wordings, dtype="string")), many


def settle(
    said: pd.DataFrame,
    many: Mapping[int, list[Part]],
    heard: Sequence[str],
    reference: NDArray[np.int64],
    recipe_of: Callable[[int], Recipe],
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Put in place of each reference with many wordings those that are nearest to what is marked against it.

    Parameters
    ----------
    said, many
        As :func:`spread` gives them.
    heard : sequence of str
        What was heard in each pair.
    reference : ndarray of int64, shape (pairs,)
        Place of the reference of each pair.
    recipe_of : callable
        From the place of a reference to its recipe.

    Returns
    -------
    said, reference
        The same for plain texts. One that nothing is marked against has its first wording.
    """
    of = reference.copy()
    place: dict[tuple[int, str], int] = {}
    texts: dict[int, list[str]] = {at: [] for at in many}
    answer: dict[tuple[int, str], str] = {}
    lattices: dict[int, Lattice] = {}
    added: list[tuple[int, str]] = []
    for pair in np.flatnonzero(np.isin(reference, list(many))).tolist():
        at = int(reference[pair])
        if (at, heard[pair]) not in answer:
            if at not in lattices:
                lattices[at] = _lattice(str(said["utt_id"].iloc[at]), many[at], recipe_of(at))
            answer[at, heard[pair]] = lattices[at].nearest(heard[pair])
        text = answer[at, heard[pair]]
        if (at, text) not in place:
            place[at, text] = len(said) + len(added) if texts[at] else at
            if texts[at]:
                added.append((at, text))
            texts[at].append(text)
        of[pair] = place[at, text]
    firsts = {at: found[0] if found else together(ways[0] for ways in many[at]) for at, found in texts.items()}
    wide = said.take([*range(len(said)), *(at for at, _ in added)]).reset_index(drop=True)
    places = [*firsts, *range(len(said), len(wide))]
    for column in ("text", "wording"):
        values = wide[column].to_numpy(object, copy=True)
        values[places] = [*firsts.values(), *(text for _, text in added)]
        wide[column] = pd.array(values, dtype="string")
    return wide, of


def nearest(reference: str, heard: str, recipe: Recipe, ties: str, variants: Variants | None) -> str:
    """Give the wording of one reference that is marked against; the text as it is where it has no alternatives."""
    if variants is None and not may_have_alternatives(reference):
        return reference
    stretches = _stretches(None, reference, variants)
    if count(stretches) == 1:
        return reference
    if count(stretches) > MOST_TRIED:
        return _lattice(None, stretches, recipe).nearest(heard)
    texts = every(stretches)
    refs = np.arange(len(texts))
    normal = [recipe.normalizer(text) for text in (*texts, heard)]
    found = count_pairs(normal, refs, np.full_like(refs, len(texts)), recipe.unit, ties)
    return texts[int(order(found)[0])]


def _stretches(utt_id: str | None, text: str, variants: Variants | None) -> list[Part]:
    try:
        found = parts(text)
        # Variants are whole words: alternatives that touch letters come to lie with them first.
        return found if variants is None else variants.widen(apart(found, "mixed") if len(found) > 1 else found)
    except InvalidInput as error:
        raise _of(utt_id, error, text) from None


def _lattice(utt_id: str | None, stretches: list[Part], recipe: Recipe) -> Lattice:
    try:
        return Lattice(stretches, recipe)
    except InvalidInput as error:
        raise _of(utt_id, error) from None


def _of(utt_id: str | None, error: InvalidInput, text: str = "") -> InvalidInput:
    whose = "The reference" if utt_id is None else f"The reference of {utt_id}"
    return InvalidInput(f"{whose} is not to be read{f' ({text[:60]!r})' if text else ''}: {error}")
