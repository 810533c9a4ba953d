"""Alternatives: of a reference that may be written in several ways, the wordings to mark against.

A few are all tried, and the best is taken as among numbered references; of many, the nearest to what was heard is found
first (:mod:`asrlab.scoring.lattice`). Either way, what is counted is a real text.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd

from asrlab.errors import InvalidInput
from asrlab.scoring.batches import work_off
from asrlab.scoring.counts import count_pairs
from asrlab.scoring.lattice import Lattice, recut
from asrlab.wordings import count, every, parts, wording

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from asrlab.executors import Where
    from asrlab.scoring.sheet import Recipe
    from asrlab.scoring.variants import Variants
    from asrlab.wordings import Part

    Open = dict[int, list[Part]]

#: Wordings of a text up to which all are tried.
MOST_TRIED: Final = 32
#: References with many wordings that are worked on at once.
_TOGETHER: Final = 100


def order(found: NDArray[np.int64], *before: NDArray[np.int64]) -> NDArray[np.intp]:
    """Order counts from the best on: by fewest errors, of equals by longest reference; ``before`` all, by groups."""
    return np.lexsort((-found[:, :3].sum(axis=1), found[:, 1:].sum(axis=1), *before))


def check_alternatives(said: pd.DataFrame) -> None:
    """Raise if a reference has alternatives that are broken, before references are joined to others."""
    for n in np.flatnonzero(_marked(said["text"])).tolist():
        _stretches(str(said["utt_id"].iloc[n]), str(said["text"].iloc[n]), None)


def _marked(texts: pd.Series) -> NDArray[np.bool]:
    """Tell which texts may have alternatives, or signs with a backslash."""
    bars, backslashes = (texts.str.contains(sign, regex=False).to_numpy(bool) for sign in "|\\")
    found: NDArray[np.bool] = bars | backslashes
    return found


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
        Places of those with many wordings, whose texts stay as they were, and their stretches. In all others, signs
        with a backslash are plain.
    """
    if variants is None and not _marked(said["text"]).any():
        return said.assign(wording=pd.array([pd.NA], dtype="string").take(np.zeros(len(said), np.intp))), {}
    stretches = cache(lambda utt_id, text: _stretches(utt_id, text, variants))
    at: list[int] = []
    texts: list[str] = []
    wordings: list[str | None] = []
    many: Open = {}
    for n, (utt_id, text) in enumerate(zip(said["utt_id"].tolist(), said["text"].tolist(), strict=True)):
        found = stretches(utt_id, text)
        ways = count(found)
        if ways == 1:
            made: list[str] = []
            texts.append("".join(way for (way,) in found))
        else:
            made = every(found) if ways <= MOST_TRIED else [text]
            texts += made
        if ways > MOST_TRIED:
            many[len(at)] = found
        at += [n] * max(len(made), 1)
        wordings += made or [None]
    wide = said.take(at).reset_index(drop=True)
    return wide.assign(text=pd.array(texts, dtype="string"), wording=pd.array(wordings, dtype="string")), many


class _Part(NamedTuple):
    """References with many wordings that become units in one way, and what is marked against each."""

    recipe: Recipe
    said: list[tuple[str, list[Part], list[str | None]]]


def settle(
    said: pd.DataFrame,
    many: Mapping[int, list[Part]],
    heard: Sequence[str | None],
    reference: NDArray[np.int64],
    recipe_of: Callable[[int], Recipe],
    *,
    executor: Where,
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Put in place of each reference with many wordings those that are nearest to what is marked against it.

    Parameters
    ----------
    said, many
        As :func:`spread` gives them.
    heard : sequence of str or None
        What was heard in each pair; None where there is no answer, so that the longest wording counts.
    reference : ndarray of int64, shape (pairs,)
        Place of the reference of each pair.
    recipe_of : callable
        From the place of a reference to its recipe.
    executor : Executor or None
        Where to work.

    Returns
    -------
    said, reference
        The same for plain texts. One that nothing is marked against has its first wording.
    """
    pairs = np.flatnonzero(np.isin(reference, list(many))).tolist()
    asked: dict[int, dict[str | None, str]] = {at: {} for at in many}
    for pair in pairs:
        asked[int(reference[pair])][heard[pair]] = ""
    by_recipe: dict[int, tuple[Recipe, list[int]]] = {}
    for at in (at for at, texts in asked.items() if texts):
        recipe = recipe_of(at)
        by_recipe.setdefault(id(recipe), (recipe, []))[1].append(at)
    work, places = [], []
    for recipe, all_at in by_recipe.values():
        for n in range(0, len(all_at), _TOGETHER):
            some = all_at[n : n + _TOGETHER]
            places += some
            work.append(_Part(recipe, [(str(said["utt_id"].iloc[at]), many[at], list(asked[at])) for at in some]))
    found = [answers for part in work_off(_nearest, work, executor) for answers in part]
    for at, answers in zip(places, found, strict=True):
        asked[at] = dict(zip(asked[at], answers, strict=True))
    texts = {at: list(dict.fromkeys(answers.values())) for at, answers in asked.items()}
    added = [(at, text) for at, some in texts.items() for text in some[1:]]
    place = {(at, some[0]): at for at, some in texts.items() if some}
    place |= {key: len(said) + n for n, key in enumerate(added)}
    of = reference.copy()
    for pair in pairs:
        at = int(reference[pair])
        of[pair] = place[at, asked[at][heard[pair]]]
    firsts = {at: some[0] if some else wording(ways[0] for ways in many[at]) for at, some in texts.items()}
    wide = said.take([*range(len(said)), *(at for at, _ in added)]).reset_index(drop=True)
    changed = [*firsts, *range(len(said), len(wide))]
    for column in ("text", "wording"):
        values = wide[column].to_numpy(object, copy=True)
        values[changed] = [*firsts.values(), *(text for _, text in added)]
        wide[column] = pd.array(values, dtype="string")
    return wide, of


def _nearest(part: _Part) -> list[list[str]]:
    answers = []
    for utt_id, stretches, heard in part.said:
        lattice = _lattice(utt_id, stretches, part.recipe)
        answers.append([lattice.longest() if text is None else lattice.nearest(text) for text in heard])
    return answers


def nearest_wording(reference: str, heard: str, recipe: Recipe, ties: str, variants: Variants | None) -> str:
    """Give the wording of one reference that is marked against; the plain text where it has no alternatives."""
    stretches = _stretches(None, reference, variants)
    if count(stretches) == 1:
        return "".join(way for (way,) in stretches)
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
        return found if variants is None else variants.widen(recut(found, "mixed") if len(found) > 1 else found)
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
