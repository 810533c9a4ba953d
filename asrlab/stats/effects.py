"""Effects in a factorial grid: what each axis does on average, and how far that depends on the other axes.

Every effect is a contrast of the pooled rates of the cells, and all cells are marked on the same utterances. So it is
in points, needs no model of how errors arise, and is the marginal mean that a saturated linear model of rates would
give (with independence as working correlation: generalised estimating equations, Liang & Zeger 1986). Its standard
error comes from leaving out one block at a time, as that of a difference of two settings does.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, product
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from asrlab import groups
from asrlab.errors import InvalidInput
from asrlab.executors import check_executor
from asrlab.stats.arguments import common, whole
from asrlab.stats.blocks import FEWEST_BLOCKS, blocks, checked, sums
from asrlab.stats.contrasts import contrasts, signs_flipped, with_correction
from asrlab.stats.corrections import check_correction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from asrlab.coded import Scores
    from asrlab.executors import Where
    from asrlab.stats.blocks import Blocks, Codes, Floats
    from asrlab.stats.intervals import Intervals

_TIMES: Final = " × "


def effects(
    scores: Scores,
    axes: Sequence[str] | None = None,
    *,
    baselines: Mapping[str, str] | None = None,
    order: int = 2,
    by: str | Sequence[str] | None = None,
    correction: str = "holm",
    level: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
    dataset: groups.Facts | None = None,
    executor: Where = None,
) -> pd.DataFrame:
    """Estimate main effects and interactions of the axes of a full grid.

    The main effect of a level is its difference from the axis's baseline, averaged over the cells of the other axes,
    each cell counting alike. The interaction of two axes is how much the effect of the first differs between a level of
    the second and the second's baseline: "the context helps only with the right hint" is such a row.

    Parameters
    ----------
    scores : DataFrame, str or path
        A ``scores`` table, from :func:`asrlab.score`, or path or URL of one as Parquet, in which every combination of
        the levels was asked for.
    axes : sequence of str, optional
        The axes, in the order in which interactions are told: the effect of the earlier one, depending on the later.
        By default all axes with more than one level that are not in ``by``. Answers are paired within axes left out,
        which are pooled over.
    baselines : mapping of str to str, optional
        Label of the level of each axis that its others are compared with; by default the first.
    order : int
        Most axes that an interaction is of; 1 for main effects only.
    by : str or sequence of str, optional
        Columns that make tables of their own, besides unit, form, normalizer and ties, as in :func:`asrlab.compare`; by
        default none. With ``dataset`` also facts of its utterances: see :func:`asrlab.rates`.
    correction : {"holm", "max-t", "benjamini-hochberg", "none"}
        How ``p_adjusted`` allows for all the rows of the table, as in :func:`asrlab.compare`.
    level : float
        Confidence level of the intervals.
    resamples, seed : int
        Of the random swaps, where there are more than 14 blocks.
    dataset : Dataset or DataFrame, optional
        Knows the utterances: for ``by``.
    executor : Executor, distributed.Client or None
        Where random swaps are made, if they are much work: see :func:`asrlab.score`. The table is the same wherever.

    Returns
    -------
    DataFrame
        The by-columns, then the columns of an ``effects`` table. Of an utterance (and repeat and channel) those answers
        count that are there in every cell; ``n_left_out`` says how many others are left out. ``p`` is of the sign-flip
        test by block of the contrast. Of an interaction of two axes ``there`` and ``elsewhere`` are the effects of the
        first axis at the two levels of the second; ``delta`` is ``there - elsewhere``.

    Raises
    ------
    InvalidInput
        If there is no such axis or level, axes have one level, answers have no level or stand twice, or no utterance
        has an answer in every cell.

    Notes
    -----
    The sign-flip test of an interaction takes the block's contribution as equally likely to have either sign where
    there is no interaction, which holds for axes of two levels if settings are exchangeable, and else nearly
    (``benchmarks/simulations.py`` measures it).
    """
    check_correction(correction)
    common(level, resamples, seed)
    check_executor(executor)
    whole("order", order, 1)
    frame = checked(scores)
    chosen = _chosen(frame, axes, baselines, order, by)
    others = [axis for axis in groups.axes(frame) if axis not in chosen.levels]
    frame, keys = groups.by_columns(frame, by, "effects", default=[], dataset=dataset)
    if crossed := [name for name in keys if name in {*chosen.levels, "condition"}]:
        raise InvalidInput(f"Cannot group by {crossed[0]}: its levels are what is compared.")
    pairing = list(dict.fromkeys(["utt_id", "repeat", "channel", *groups.APART, *others, *keys]))
    frame["pair"] = groups.numbered(frame, pairing)
    labels = [*keys, *groups.APART, "block_kind"]
    group = groups.numbered(frame, labels)
    found = groups.heads(frame, group, labels)
    there = frame["errors"].notna().to_numpy(np.bool)
    marked, group = frame.drop(columns=["subs", "dels", "ins", "hits", "hyp_len"])[there], group[there]
    groups.refuse_twice(marked, list(chosen.levels), pairing)
    cell = _cells(marked, chosen.levels)
    pair = groups.combined([marked["pair"].to_numpy(np.int64), group])  # blocks of two kinds make no pair
    complete = np.bincount(pair, minlength=pair.max(initial=-1) + 1)[pair] == chosen.n_cells
    if not complete.any():
        raise InvalidInput(_why_none(cell, chosen.levels))
    left_out = np.bincount(group[~complete], minlength=len(found))
    marked, group, cell = marked[complete], group[complete], cell[complete]
    first = cell == 0
    pair, block = pair[complete], groups.in_order(marked["block"])
    if (groups.counted_once(pair, block, 0) > 1).any():
        raise InvalidInput(
            "Answers to one question are in different blocks. Mark all transcripts in one call of score()."
        )
    parts = blocks(marked, group, found["block_kind"])
    place = cell * len(parts.group) + parts.number
    n_sums = chosen.n_cells * len(parts.group)
    errors, lengths = (sums(place, marked[name], n_sums).reshape(chosen.n_cells, -1) for name in ("errors", "ref_len"))
    contrast = contrasts(np.stack([row.weights for row in chosen.rows]), errors, lengths, parts, level)
    at = {
        name: contrasts(np.stack([getattr(row, name) for row in chosen.rows]), errors, lengths, parts, level).interval
        for name in ("there", "elsewhere")
    }
    many = len(chosen.rows)
    tested = signs_flipped(contrast, np.repeat(parts.kind, many), resamples=resamples, seed=seed, executor=executor)
    n_utts = groups.counted_once(group[first], groups.in_appearance(marked["utt_id"])[first], len(found))
    n_answers = np.bincount(group[first], minlength=len(found))
    columns = {
        **{name: [getattr(row, name) for row in chosen.rows] * len(found) for name in _NAMES},
        "delta": contrast.interval.estimate,
        "low": contrast.interval.low,
        "high": contrast.interval.high,
        "confidence": level,
        **tested.columns(),
        "n_units": np.rint(contrast.units),
        **{
            f"{name}{end}": values
            for name, interval in at.items()
            for end, values in (("", interval.estimate), ("_low", interval.low), ("_high", interval.high))
        },
        "n_cells": chosen.n_cells,
        **{
            name: np.repeat(values, many)
            for name, values in (
                ("block_kind", parts.kind),
                ("n_blocks", parts.counted()),
                ("n_utts", n_utts),
                ("n_answers", n_answers),
                ("n_left_out", left_out),
            )
        },
        "note": _notes(parts, contrast.interval, n_answers, chosen, tested.tried),
    }
    table = groups.labelled(found.iloc[np.repeat(np.arange(len(found)), many)], keys, columns, "effects")
    return with_correction(table, correction, contrast, tested, resamples=resamples, seed=seed, executor=executor)


_NAMES: Final = ("effect", "axis", "level", "baseline", "moderator", "moderator_level", "moderator_baseline")


class _Row(NamedTuple):
    """An effect: its labels, and its weights of the cells."""

    effect: str
    axis: str
    level: str
    baseline: str
    moderator: str | None
    moderator_level: str | None
    moderator_baseline: str | None
    weights: Floats
    there: Floats  #: weights of the effect at the moderator's level; NaN where there is no such
    elsewhere: Floats


class _Chosen(NamedTuple):
    """The grid: its axes with their levels, and the effects to estimate. The last axis changes first."""

    levels: dict[str, list[Any]]
    rows: list[_Row]
    n_cells: int
    silent: list[str]  #: levels that have no answer at all, and so no cell


def _chosen(
    frame: pd.DataFrame,
    axes: Sequence[str] | None,
    baselines: Mapping[str, str] | None,
    order: int,
    by: str | Sequence[str] | None,
) -> _Chosen:
    there = groups.axes(frame)
    # What is no list in by= is refused with the columns.
    apart = [by] if isinstance(by, str) else list(by) if by is not None and pd.api.types.is_list_like(by) else []
    axes = [axes] if isinstance(axes, str) else axes
    if axes is not None:
        named = list(axes) if pd.api.types.is_list_like(axes) else axes
        if not isinstance(named, list) or not all(isinstance(axis, str) for axis in named):
            raise InvalidInput(f"axes must be a list of names of axes, not {named!r}.")
        axes = named
    if not isinstance(baselines, Mapping | None):
        raise InvalidInput(f'baselines must map axes to levels, such as {{"context": "none"}}, not {baselines!r}.')
    answered = frame["errors"].notna()
    if axes is None:
        # An axis with one name and answers without any is no single level, and is refused below.
        several = (len(groups.levels(frame[axis])) + (frame[axis].isna() & answered).any() > 1 for axis in there)
        axes = [axis for axis, many in zip(there, several, strict=True) if many and axis not in apart]
    if not axes or len(set(axes)) < len(axes):
        raise InvalidInput(f"axes must name one or more different axes; these are {', '.join(axes) or 'none'}.")
    for axis in axes:
        if axis not in there:
            raise InvalidInput(f"There is no axis {axis!r}; there are {', '.join(there) or 'none'}.")
        groups.refuse_nameless(frame, axis)
    # In their order among all rows, so that a failure does not make another level the first.
    known = {axis: set(frame.loc[answered, axis]) for axis in axes}
    levels = {axis: [label for label in groups.levels(frame[axis]) if label in known[axis]] for axis in axes}
    for axis, labels in levels.items():
        if len(labels) < 2:
            raise InvalidInput(
                f"{axis} has one level with answers, {', '.join(map(str, labels)) or 'or none'}: it has no effect to "
                "estimate. Leave it out of axes=."
            )
    if unknown := [axis for axis in baselines or {} if axis not in levels]:
        raise InvalidInput(f"baselines= names {unknown[0]!r}, which is none of the axes {', '.join(levels)}.")
    places = {axis: _baseline(axis, labels, (baselines or {}).get(axis)) for axis, labels in levels.items()}
    silent = [f"{axis} {label}" for axis in axes for label in groups.levels(frame[axis]) if label not in levels[axis]]
    rows = [
        row
        for several in range(1, order + 1)
        for some in combinations(levels, several)
        for row in _rows(some, levels, places)
    ]
    return _Chosen(levels, rows, int(np.prod([len(labels) for labels in levels.values()])), silent)


def _baseline(axis: str, labels: list[Any], wanted: object) -> int:
    names = [str(label) for label in labels]
    if wanted is None:
        return 0
    if str(wanted) not in names:
        raise InvalidInput(f"{axis} has no level {wanted!r} as baseline; it has {', '.join(names)}.")
    return names.index(str(wanted))


def _rows(some: tuple[str, ...], levels: dict[str, list[Any]], places: dict[str, int]) -> list[_Row]:
    """Write out the effects of some axes: one for each combination of their levels other than the baselines."""
    found = []
    for at in product(*([k for k in range(len(levels[axis])) if k != places[axis]] for axis in some)):
        own = dict(zip(some, at, strict=True))
        labels = [(str(levels[axis][k]), str(levels[axis][places[axis]])) for axis, k in own.items()]
        moderator, two = some[1:], len(some) == 2
        nowhere = np.full(int(np.prod([len(names) for names in levels.values()])), np.nan)
        found.append(
            _Row(
                "interaction" if moderator else "main",
                some[0],
                *labels[0],
                _TIMES.join(moderator) or None,
                _TIMES.join(label for label, _ in labels[1:]) or None,
                _TIMES.join(base for _, base in labels[1:]) or None,
                _weights(levels, places, own),
                _weights(levels, places, {some[0]: at[0]}, {some[1]: at[1]}) if two else nowhere,
                _weights(levels, places, {some[0]: at[0]}, {some[1]: places[some[1]]}) if two else nowhere,
            )
        )
    return found


def _weights(
    levels: dict[str, list[Any]], places: dict[str, int], own: dict[str, int], held: dict[str, int] | None = None
) -> Floats:
    """Give the weight of each cell: a difference along own axes, one level of axes held, the mean over all others."""
    weights = np.ones(1)
    for axis, labels in levels.items():
        along = np.full(len(labels), 1 / len(labels))
        if axis in own:
            along = np.zeros(len(labels))
            along[own[axis]], along[places[axis]] = 1.0, -1.0
        elif held and axis in held:
            along = np.zeros(len(labels))
            along[held[axis]] = 1.0
        weights = np.kron(weights, along)
    return weights


def _cells(marked: pd.DataFrame, levels: dict[str, list[Any]]) -> Codes:
    cell = np.zeros(len(marked), dtype=np.int64)
    for axis, labels in levels.items():
        cell = cell * len(labels) + pd.Index(labels).get_indexer(marked[axis])
    return cell


def _why_none(cell: Codes, levels: dict[str, list[Any]]) -> str:
    number = np.bincount(cell, minlength=int(np.prod([len(labels) for labels in levels.values()])))
    empty = [labels for labels, n in zip(product(*levels.values()), number, strict=True) if not n]
    if not empty:
        return (
            "No utterance has an answer in every cell of the grid that was marked in one way: each was asked in some "
            "only, some answer of each failed, or cells differ in unit, form or normalizer (as the rungs of a ladder "
            "do). Ask for what is missing, mark all alike, or give fewer axes."
        )
    named = "; ".join(
        ", ".join(f"{axis} {label}" for axis, label in zip(levels, labels, strict=True)) for labels in empty[:3]
    )
    return (
        f"The grid is not full: {len(empty)} of its {len(number)} cells have no answer ({named}). Effects need every "
        "combination: ask for those, keep only levels that are crossed in full, or use compare() along one axis."
    )


def _notes(
    parts: Blocks, interval: Intervals, n_answers: Codes, chosen: _Chosen, tried: NDArray[np.bool]
) -> list[object]:
    notes: list[object] = []
    many, silent = len(chosen.rows), ", ".join(chosen.silent)
    for k, n_blocks in enumerate(np.repeat(parts.counted(), many).tolist()):
        group = k // many
        said = [parts.caution[group]] if parts.caution[group] and n_answers[group] else []
        if not n_answers[group]:
            said.append("no utterance has an answer in every cell")
        elif np.isnan(interval.estimate[k]):
            said.append("no reference units: no rate")
        elif not tried[k] and n_blocks < FEWEST_BLOCKS:
            said.append(f"too few utterances ({n_blocks}) for a test")
        if not np.isnan(interval.estimate[k]) and np.isnan(interval.low[k]):
            alike = "no block differs" if interval.estimate[k] == 0 else "all blocks differ alike"
            said.append(f"{'one block' if n_blocks < 2 else alike}: no interval")
        if silent:
            said.append(f"left out, without any answer: {silent}")
        notes.append("; ".join(said) or pd.NA)
    return notes
