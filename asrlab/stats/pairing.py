"""Pairing: answers to the same question under two settings."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from asrlab import groups, tables
from asrlab.errors import InvalidInput
from asrlab.stats.blocks import checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from asrlab.coded import Scores
    from asrlab.stats.blocks import Codes

    Places = NDArray[np.intp]


class Pairs(NamedTuple):
    """Pairs of answers, sorted into the rows of a table: a row is a group of answers and two levels of an axis."""

    marked: pd.DataFrame  #: all answers with counts
    question: Codes  #: of each answer, what was asked: the same for repeats, and for all levels of the axis
    arm: Places  #: of each pair, the place of the answer under the level
    base: Places  #: and of that under the baseline
    row: Codes  #: of each pair, its row
    keys: list[str]  #: columns that tell groups apart, besides those that always do
    labels: pd.DataFrame  #: of each row, those columns, and ``block_kind``
    level: list[str]  #: of each row
    baseline: list[str]  #: of each row
    answers: Codes  #: of each row, the answers under either level, paired or not

    def sides(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """Give values of the answers under the level and of those under the baseline, an entry a pair."""
        return [values[self.arm], values[self.base]]


def pair_up(
    scores: Scores,
    along: str,
    baseline: object,
    *,
    by: str | Sequence[str] | None = None,
    dataset: groups.Facts | None = None,
    also: Sequence[str] = (),
) -> Pairs:
    """Pair answers on utterance, repeat, channel and all other axes; the parameters are those of compare().

    Of stored scores ``also`` is read too.
    """
    frame = checked(scores, also)
    axes = groups.axes(frame)
    if not isinstance(along, str) or along not in {*axes, "condition"}:
        raise InvalidInput(
            f"There is no axis {along!r} to compare along; there are {', '.join([*axes, 'condition'])}. Axes are the "
            "columns of the scores besides the declared ones."
        )
    groups.refuse_nameless(frame, along)
    levels = groups.levels(frame[along])
    compared = _compared([str(label) for label in levels], along, baseline)
    others = [axis for axis in axes if axis != along and not (along == "condition" and _decided(frame, axis))]
    frame, keys = groups.by_columns(frame, by, "comparison", default=others, dataset=dataset)
    if along in keys or ("condition" in keys and along != "condition"):
        raise InvalidInput(f"Cannot group by {along if along in keys else 'condition'}: it differs within each pair.")
    asked = list(dict.fromkeys(["utt_id", "channel", *groups.APART, *others, *(k for k in keys if k != "repeat")]))
    frame["pair"] = groups.numbered(frame, [*asked, "repeat"])
    labels = [*keys, *groups.APART, "block_kind"]
    group = groups.numbered(frame, labels)
    found = groups.heads(frame, group, labels)
    there = frame["errors"].notna().to_numpy(np.bool)
    place = groups.numbered(frame, [along])[there]
    marked, group = frame.drop(columns=["subs", "dels", "ins", "hits", "hyp_len"])[there], group[there]
    del frame  # that of ten million answers is large
    groups.refuse_twice(marked, [along], [*asked, "repeat"])
    # A row is a group and two levels of which either has answers there.
    answers = np.bincount(group * len(levels) + place, minlength=len(found) * len(levels)).reshape(len(found), -1)
    either = answers[:, compared[0]] + answers[:, compared[1]]
    row_of = np.cumsum(either.ravel() > 0).reshape(either.shape) - 1
    arm, base, which = _partners(marked["pair"].to_numpy(np.int64), group, place, compared, len(levels))
    if not len(arm):
        bases = [str(levels[k]) for k in np.unique(compared[1])]
        raise InvalidInput(_why_no_pairs(marked, along, bases, [*asked, "repeat"]))
    block = groups.in_order(marked["block"])
    if (block[arm] != block[base]).any():
        raise InvalidInput(
            "The two answers of a pair are in different blocks. Mark all transcripts in one call of score()."
        )
    of, at = np.nonzero(either)
    return Pairs(
        marked,
        groups.numbered(marked, asked),
        arm,
        base,
        row_of[group[arm], which],
        keys,
        found.iloc[of],
        [str(levels[k]) for k in compared[0][at]],
        [str(levels[k]) for k in compared[1][at]],
        either[of, at],
    )


def edits_of_pairs(pairs: Pairs, edits: pd.DataFrame) -> tuple[Codes, Codes, NDArray[np.bool], NDArray[np.bool], Codes]:
    """Find the edits of either side of each pair.

    Parameters
    ----------
    pairs : Pairs
        From :func:`pair_up`.
    edits : DataFrame
        From :func:`asrlab.edits`, of the same answers.

    Returns
    -------
    tuple
        Of each edit, the pair it is of, its place in the reference, whether it is an insertion, and whether it is the
        baseline's; and of each pair, the length of its reference: the parameters of
        :func:`asrlab.stats.mapsswe.segments`.

    Raises
    ------
    InvalidInput
        If the edits are not of these answers, or the two sides of a pair have different references.
    """
    marked = pairs.marked
    tables.check_frame(edits)
    answer = _answers_of(marked, edits)
    # Edits of answers that are not among these scores are of no concern, such as those of settings left out.
    wrong = (edits["kind"] != "hit").to_numpy(np.bool) & (answer >= 0)
    answer, edits = answer[wrong], edits[wrong]
    counted = np.bincount(answer, minlength=len(marked))
    if (differ := counted != marked["errors"].to_numpy(np.int64)).any():
        utt_id = marked["utt_id"].iloc[int(np.argmax(differ))]
        raise InvalidInput(f"The edits are not those of these scores: errors of {utt_id!r} differ. {_AGAIN}")
    lengths = [marked["ref_len"].to_numpy(np.int64)[side] for side in (pairs.arm, pairs.base)]
    alternative = pairs.sides(marked["alternative"].to_numpy(np.int64, na_value=0))
    form = pairs.sides(groups.numbered(marked, [name for name in ("marked_form", "wording") if name in marked]))
    if any((ours != theirs).any() for ours, theirs in (lengths, alternative, form)):
        raise InvalidInput(
            "The two answers of a pair were marked against different references, and have no segments in common. Mark "
            "them against one wording of the reference, instead of the best."
        )
    order = np.argsort(answer, kind="stable")
    first = np.cumsum(counted) - counted
    pair, at = [], []
    for side in (pairs.arm, pairs.base):
        many = counted[side]
        pair.append(np.repeat(np.arange(len(side)), many))
        at.append(order[np.repeat(first[side] - (np.cumsum(many) - many), many) + np.arange(int(many.sum()))])
    of = np.concatenate(at)
    return (
        np.concatenate(pair),
        edits["ref_pos"].to_numpy(np.int64)[of],
        (edits["kind"] == "ins").to_numpy(np.bool)[of],
        np.repeat([False, True], [len(some) for some in at]),
        lengths[0],
    )


_AGAIN = "Make both from the same transcripts, with the same form, unit, normalizer and ties."


def _compared(names: list[str], along: str, baseline: object) -> NDArray[np.int64]:
    """Give the places of the levels that are compared, and of their baselines; shape (2, comparisons)."""
    if baseline is not None and str(baseline) not in names:
        raise InvalidInput(f"{along} has no level {baseline!r}; it has {', '.join(names) or 'none'}.")
    if len(names) < 2:
        raise InvalidInput(f"{along} has one level, {', '.join(names) or 'or none'}: there is nothing to compare.")
    if baseline is None:
        pairs = [(k, base) for base, k in combinations(range(len(names)), 2)]
    else:
        place = names.index(str(baseline))
        pairs = [(k, place) for k in range(len(names)) if k != place]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2).T


def _decided(frame: pd.DataFrame, axis: str) -> bool:
    """Whether each condition has one label on an axis."""
    return bool((frame.groupby("condition")[axis].nunique(dropna=False) <= 1).all())


def _partners(
    pair: Codes, group: Codes, place: Codes, compared: NDArray[np.int64], n_levels: int
) -> tuple[Places, Places, Codes]:
    """Find the answers that have a partner in their group, those partners, and which two levels they are of."""
    number = np.full((n_levels, n_levels), -1)
    number[compared[0], compared[1]] = np.arange(compared.shape[1])
    arms, bases, which = [], [], []
    for base_place in np.unique(compared[1]):
        of_pair = np.full(pair.max(initial=-1) + 1, -1, dtype=np.intp)
        base = place == base_place
        of_pair[pair[base]] = np.flatnonzero(base)
        partner, levels = of_pair[pair], number[place, base_place]
        arm = np.flatnonzero((levels >= 0) & (partner >= 0) & (group == group[partner]))
        arms.append(arm)
        bases.append(partner[arm])
        which.append(levels[arm])
    return np.concatenate(arms), np.concatenate(bases), np.concatenate(which)


def _answers_of(marked: pd.DataFrame, edits: pd.DataFrame) -> Codes:
    """Find the answer that each edit is of; -1 for those of answers that are not here."""
    if lacking := [name for name in ("utt_id", "kind", "ref_pos") if name not in edits.columns]:
        raise InvalidInput(f"edits= has no column {lacking[0]!r}: it takes what lab.edits() gives.")
    edits = edits.assign(
        **{name: value for name, value in (("condition", "unnamed"), ("repeat", 0)) if name not in edits}
    )
    edits = edits.fillna({"condition": "unnamed", "repeat": 0})
    axes = groups.axes(marked)
    key = [name for name in ("utt_id", "condition", "repeat", "channel", *groups.APART, *axes) if name in edits.columns]
    both = pd.concat([marked[key].astype(object), edits[key].astype(object)], ignore_index=True)
    code = groups.numbered(both, key)
    of_scores, of_edits = code[: len(marked)], code[len(marked) :]
    place = np.full(code.max(initial=-1) + 1, -1, dtype=np.int64)
    place[of_scores] = np.arange(len(marked))
    if len(np.unique(of_scores)) < len(of_scores):
        raise InvalidInput(
            f"The edits may be of several answers, which agree in {', '.join(key)}. Keep the columns that tell answers "
            "apart; and an utterance with several tags is in several rows, so that edits cannot be grouped by tag."
        )
    return place[of_edits]


def _why_no_pairs(marked: pd.DataFrame, along: str, baselines: list[str], pairing: list[str]) -> str:
    base = marked[along].astype("string").isin(baselines).to_numpy(np.bool)
    have = f"{int(base.sum())} answers are {along} {' or '.join(baselines)} and {int((~base).sum())} are another level"
    if not base.any() or base.all():
        return f"Nothing can be paired: {have}. Ask for what is missing, or look at the failures."
    if len(marked.loc[base, pairing].merge(marked.loc[~base, pairing])):
        return (
            f"Nothing can be paired: {have}, of the same questions, but their blocks are of different kinds "
            f"({', '.join(marked['block_kind'].unique())}). Mark all transcripts in one call of score()."
        )
    for name in pairing:
        keys = [other for other in pairing if other != name]
        if len(marked.loc[base, keys].merge(marked.loc[~base, keys])):
            apart = f"Nothing can be paired: {have}, and the two sides never agree in column {name!r}. "
            if name in groups.APART:
                return f"{apart}That is how they were marked, and what is marked otherwise is no difference. {_AGAIN}"
            return (
                f"{apart}If it only describes the answers, drop it from the scores; if the settings differ in it too, "
                "compare along another axis."
            )
    return f"Nothing can be paired: {have}, but never of the same {', '.join(pairing)}."
