"""Frontier: which settings are worth their price and their time.

A setting is on the frontier (Pareto optimal) if no other is at least as good in every criterion and better in one.
What an error less is worth in dollars or seconds is for a person to say. All settings are held against one another on
the same utterances, and the same blocks are drawn for all of them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from asrlab import groups, tables
from asrlab.errors import InvalidInput
from asrlab.executors import check_executor
from asrlab.stats.arguments import common, one_of
from asrlab.stats.blocks import blocks, sums
from asrlab.stats.intervals import DEAR, batch_of, draws, ratio_intervals
from asrlab.stats.panels import panels
from asrlab.stats.random_streams import stretched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from asrlab.executors import Where
    from asrlab.stats.blocks import Blocks, Codes, Floats
    from asrlab.stats.panels import Panels

    Bools = NDArray[np.bool]

#: Less is better in all of them.
CRITERIA: Final = ("rate", "usd_per_hour", "seconds_median", "seconds_p90", "real_time_factor")
_USUAL: Final = CRITERIA[:3]
#: Of a criterion, what is not known where it is not.
_WHAT: Final = {"rate": "rate", "usd_per_hour": "price"}
_QUANTILES: Final = {"seconds_median": 0.5, "seconds_p90": 0.9}
#: States of trials that nothing can have been paid for.
_NOT_ASKED: Final = ("not run", "spared", "missing")
#: Numbers held at a time.
_CELLS: Final = 2**21
#: Prices that differ by less, relatively, are equal.
_ROUNDING: Final = 1e-9


def frontier(
    scores: pd.DataFrame,
    costs: pd.DataFrame,
    by: str | Sequence[str] | None = None,
    *,
    criteria: Sequence[str] = _USUAL,
    level: float = 0.95,
    resamples: int = 1999,
    seed: int = 0,
    executor: Where = None,
) -> pd.DataFrame:
    """Say what each setting gets wrong, costs and takes in time, and whether another is better in all of that.

    Parameters
    ----------
    scores : DataFrame
        A ``scores`` table, from :func:`asrlab.score`; further columns are axes.
    costs : DataFrame
        A ``costs`` table, of the same askings: ``sweep.costs``. Of several sweeps, theirs put together.
    by : str or sequence of str, optional
        Columns that make a setting, besides unit, form, normalizer and ties, which are never held against one another.
        By default all axes (``condition`` where there are none). Within each ``spoken_language``, if that is one.
    criteria : sequence of str
        What settings are held against one another by: some of ``"rate"``, ``"usd_per_hour"``, ``"seconds_median"``,
        ``"seconds_p90"`` and ``"real_time_factor"``. One that is known of no setting is left out.
    level : float
        Confidence level of the intervals of ``rate``.
    resamples, seed : int
        Of the bootstrap of ``membership``.
    executor : Executor, distributed.Client or None
        Where it is worked on, if it is much work: see :func:`asrlab.score`. The table is the same wherever.

    Returns
    -------
    DataFrame
        The by-columns, then the columns of a ``frontier`` table: a row a setting. ``rate`` and its interval are as
        :func:`asrlab.summarize` gives them, of the questions (utterance, channel, repeat, other axes) that every
        setting has a marked answer to; what was left out is in ``n_left_out``. A setting without any answer is in the
        table and holds nothing against the others. ``usd_per_hour`` is of the questions that every setting was asked:
        all that was or may have been billed for them, retries and failures included, over the hours of the recordings
        that were answered, two channels of one counted once; a question that two settings share costs each of them all
        of it. Failures are known by their rows in ``scores``, which ``score(missing="drop")`` keeps without counts:
        where these were taken out, their money is not in the price. Times are of answers alone. ``optimal`` is
        ``<NA>`` where something that is not known could change it. ``membership`` says how sure that is: blocks
        (speakers, else recordings, else utterances) are drawn with replacement, the same for all settings, and the
        frontier is found anew.

    Raises
    ------
    InvalidInput
        If columns are missing, answers stand twice or have no costs, or the settings have no question in common.

    Notes
    -----
    With few blocks membership is as rough as any bootstrap; and of settings that are equally good in truth, none need
    come near to 100 %. Time is that of the day on which it was measured, waiting in the service's queue included.

    Examples
    --------
    >>> scores = pd.DataFrame({"utt_id": list("abab"), "block": list("abab"), "block_kind": "utterance", "unit": "word",
    ...                        "model": ["large"] * 2 + ["small"] * 2, "subs": [1, 0, 1, 1], "dels": 0, "ins": 0,
    ...                        "ref_len": 10})
    >>> costs = scores[["utt_id", "model"]].assign(state="answered", audio_s=3600.0, usd=[2.0, 2.0, 1.0, 1.0],
    ...                                            elapsed_s=[9.0, 9.0, 9.0, 30.0])
    >>> frontier(scores, costs)[["model", "rate", "usd_per_hour", "seconds_median", "optimal"]].values.tolist()
    [['large', 0.05, 2.0, 9.0, True], ['small', 0.1, 1.0, 19.5, True]]
    """
    common(level, resamples, seed)
    check_executor(executor)
    chosen = list(dict.fromkeys([criteria] if isinstance(criteria, str) else criteria))
    for name in chosen:
        one_of("criteria", name, CRITERIA)
    if not chosen:
        raise InvalidInput(f"criteria must name one or more of {', '.join(CRITERIA)}.")
    of_panels = panels(scores, by, "frontier")
    frame, keys, found, n, there = of_panels.frame, of_panels.keys, of_panels.labels, of_panels.n, of_panels.there
    fates = groups.fates(frame, of_panels.group)
    # Money is lost on what fails too: it is counted in all that every setting was asked.
    asked, all_groups = _all_asked(of_panels), of_panels.group
    marked, group = frame[there], all_groups[there]
    complete = of_panels.complete()
    left_out = np.bincount(group[~complete], minlength=n)
    compared = np.isin(np.flatnonzero(asked), np.flatnonzero(there)[complete])
    marked, group = marked[complete], group[complete]
    parts = blocks(marked, group, found["block_kind"])
    errors, lengths = (sums(parts.number, marked[name], len(parts.group)) for name in ("errors", "ref_len"))
    shares = found["unit"].isin(tables.SHARES).to_numpy(np.bool)
    interval = ratio_intervals(errors, lengths, group=parts.group, n_groups=n, level=level, shares=shares)
    drawn = blocks(frame[asked], all_groups[asked], found["block_kind"])
    spent = _spent(frame[asked], all_groups[asked], drawn, costs, _matched(scores, costs, frame), compared=compared)
    settings = _settings(frame[asked], drawn, spent, compared)
    seen = {
        name: np.array([float(one.measured(name, np.ones((len(one.errors), 1)))[0]) for one in settings])
        for name in CRITERIA
    }
    optimal, membership, used = np.full(n, np.nan), np.full(n, np.nan), np.full(n, "", dtype=object)
    answered = np.bincount(group, minlength=n) > 0
    for mine in of_panels.members(group):
        of = [name for name in chosen if not np.isnan(seen[name][mine]).all()]
        used[mine] = ",".join(of)
        if of:
            optimal[mine] = _optimal(np.stack([seen[name][mine] for name in of]))
            membership[mine] = _membership([settings[k] for k in mine], of, resamples, seed, executor)
    columns: dict[str, Any] = {
        "rate": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "level": level,
        **{name: seen[name] for name in CRITERIA if name != "rate"},
        "optimal": pd.array(optimal, dtype="Float64").astype("boolean"),
        "membership": membership,
        "criteria": pd.array([name or pd.NA for name in used], dtype="string"),
        "method": [f"ratio t by {kind}" for kind in parts.kind],
        "resamples": resamples,
        "seed": seed,
        "block_kind": parts.kind,
        "n_utts": groups.counted_once(group, groups.in_appearance(marked["utt_id"]), n),
        "n_blocks": parts.counted(),
        "n_answers": np.bincount(group, minlength=n),
        "n_timed": [len(one.elapsed_s) for one in settings],
        "n_left_out": left_out,
        **{str(name): fates[name] for name in fates},
        "ref_len": sums(group, marked["ref_len"], n),
        "note": _notes(parts, answered, {name: seen[name] for name in chosen}),
    }
    return groups.labelled(found, keys, columns, "frontier")


class _Spent(NamedTuple):
    """Askings, and what each took."""

    group: Codes  #: its setting
    block: Codes  #: its block, numbered as in Blocks
    usd: Floats  #: all that its question cost, shared or not
    audio_s: Floats  #: seconds of the recording; 0 where it was not answered
    elapsed_s: Floats  #: NaN where it is not known, or some setting did not answer


class _Setting(NamedTuple):
    """What a setting made of each block, the blocks in one order for all settings; and its times."""

    errors: Floats
    lengths: Floats
    usd: Floats
    hours: Floats
    elapsed: Floats  #: sums of the times below
    timed: Floats  #: seconds of the recordings that they are of
    elapsed_s: Floats  #: of each asking whose time is known, in order
    block: Codes  #: of each of those

    def measured(self, name: str, times: Floats) -> Floats:
        """Give a criterion where each block comes so many times; ``times`` has the shape (blocks, resamples)."""
        if name in _QUANTILES:
            return _quantiles(self.elapsed_s, self.block, times, _QUANTILES[name])
        parts = {"rate": self[:2], "usd_per_hour": self[2:4], "real_time_factor": self[4:6]}[name]
        over, under = (part @ times for part in parts)
        return np.asarray(over / np.where(under == 0, np.nan, under))


def _all_asked(of_panels: Panels) -> Bools:
    """Tell which rows are of questions that every setting which answered anything was asked, whatever came of it."""
    frame, group, there = of_panels.frame, of_panels.group, of_panels.there
    sent = there | ~frame["state"].isin(_NOT_ASKED).to_numpy(np.bool)
    sent &= np.isin(group, group[there])
    asked = frame[sent]
    # One that failed as a whole may name no channel.
    told_apart = [*of_panels.apart, *(name for name in of_panels.asked(frame[there]) if name != "channel")]
    pair = groups.numbered(asked, list(dict.fromkeys(told_apart)))
    if (asked["block"].groupby(pair).nunique(dropna=False) > 1).any():
        raise InvalidInput("Answers to one question are in different blocks. Mark all in one call of score().")
    sent[sent] = of_panels.of_all(pair, group[sent])
    return sent


def _matched(scores: pd.DataFrame, costs: pd.DataFrame, frame: pd.DataFrame) -> list[str]:
    """Name the columns by which costs are of answers: those that both tables have."""
    tables.check_frame(costs)
    told = ("utt_id", "condition", "repeat", *groups.axes(frame))
    return [name for name in told if name in scores.columns and name in costs.columns]


def _spent(
    marked: pd.DataFrame, group: Codes, parts: Blocks, costs: pd.DataFrame, key: list[str], *, compared: Bools
) -> _Spent:
    """Find what these askings took, time of those that are compared; of several channels there is one asking."""
    took = tables.check(costs.reset_index(drop=True), "costs", required=("utt_id",))
    took = took.fillna({"condition": "unnamed", "repeat": 0, "shared_by": 1, "n_channels": 1})
    both = pd.concat([marked[key].astype("string"), took[key].astype("string")], ignore_index=True)
    code = groups.numbered(both, key)
    of_costs = code[len(marked) :]
    if len(np.unique(of_costs)) < len(of_costs):
        raise InvalidInput(
            f"Rows of these costs agree in {', '.join(key)}: whose they are cannot be told. Keep the columns that tell "
            "askings apart in both tables; of sweeps put together, give each its own label."
        )
    place = np.full(len(code) + 1, -1)
    place[of_costs] = np.arange(len(took))
    row = place[code[: len(marked)]]
    groups.complain(
        row < 0,
        marked.reset_index(drop=True),
        f"were scored and have no costs: the two are matched by {', '.join(key)}. Give costs= of the same sweep; of "
        "several, pd.concat([one.costs, other.costs]).",
    )
    asking = groups.combined([group, row])
    first = groups.firsts(asking)
    timed = np.bincount(asking[compared], minlength=len(first)) > 0
    usd, audio_s, elapsed_s, shared_by, channels = (
        took[name].to_numpy(np.float64, na_value=np.nan)[row[first]]
        for name in ("usd", "audio_s", "elapsed_s", "shared_by", "n_channels")
    )
    audio_s, elapsed_s = (np.where(np.isfinite(values), values, np.nan) for values in (audio_s, elapsed_s))
    answered = (took["state"].fillna("answered") == "answered").to_numpy(np.bool)[row[first]]
    return _Spent(
        group[first],
        parts.number[first],
        usd * shared_by,
        np.where(answered, audio_s / channels, 0.0),
        np.where(answered & timed, elapsed_s, np.nan),
    )


def _settings(asked: pd.DataFrame, parts: Blocks, spent: _Spent, compared: Bools) -> list[_Setting]:
    n_blocks = len(parts.group)
    of = parts.number[compared]
    errors, lengths = (sums(of, asked.loc[compared, name], n_blocks) for name in ("errors", "ref_len"))
    timed = ~np.isnan(spent.elapsed_s)
    usd, hours = (sums(spent.block, values, n_blocks) for values in (spent.usd, spent.audio_s / 3600))
    elapsed, of_timed = (sums(spent.block[timed], v[timed], n_blocks) for v in (spent.elapsed_s, spent.audio_s))
    made = []
    for k in range(len(parts.kind)):
        mine = np.flatnonzero(parts.group == k)  # in the order of the names of the blocks
        place = np.zeros(n_blocks, dtype=np.int64)
        place[mine] = np.arange(len(mine))
        askings = np.flatnonzero(timed & (spent.group == k))
        askings = askings[np.argsort(spent.elapsed_s[askings], kind="stable")]
        # Nothing was paid: so nothing an hour, also where nobody says how long the recordings are.
        free = len(mine) > 0 and not usd[mine].any()
        made.append(
            _Setting(
                errors[mine],
                lengths[mine],
                usd[mine],
                np.ones(len(mine)) if free else hours[mine],
                elapsed[mine],
                of_timed[mine],
                spent.elapsed_s[askings],
                place[spent.block[askings]],
            )
        )
    return made


def _quantiles(values: Floats, block: Codes, times: Floats, q: float) -> Floats:
    """Give a quantile of sorted values, each as many times as its block: as of numpy, between its neighbours."""
    found = np.full(times.shape[1], np.nan)
    for part in np.array_split(np.arange(len(found)), -(-len(values) * len(found) // _CELLS) or 1):
        up_to = np.cumsum(np.ascontiguousarray(times[:, part].T)[:, block], axis=1)
        for k, counted in zip(part.tolist(), up_to, strict=True):
            if len(counted) and counted[-1]:
                at = q * (counted[-1] - 1)
                low, high = values[np.searchsorted(counted, [np.floor(at), np.ceil(at)], side="right")]
                found[k] = low + (at - np.floor(at)) * (high - low)
    return found


def _optimal(values: Floats) -> Floats:
    """Tell which settings are on the frontier: 1, 0, or NaN where what is not known could change it.

    Parameters
    ----------
    values : ndarray of float, shape (criteria, settings, ...)
        Less is better; NaN is not known.

    Returns
    -------
    ndarray of float, shape (settings, ...)
    """
    n = values.shape[1]
    found = np.ones(values.shape[1:])
    for one in range(n):
        own, others = values[:, one : one + 1], np.delete(values, one, axis=1)
        known = ~np.isnan(own) & ~np.isnan(others)
        slack = _ROUNDING * np.abs(own)
        as_good, better = others <= own + slack, others < own - slack
        surely = (as_good.all(axis=0) & better.any(axis=0)).any(axis=0)
        perhaps = ((as_good | ~known).all(axis=0) & (better | ~known).any(axis=0)).any(axis=0)
        found[one] = np.where(surely, 0.0, np.where(perhaps, np.nan, 1.0))
    return found


def _membership(settings: Sequence[_Setting], of: Sequence[str], resamples: int, seed: int, executor: Where) -> Floats:
    """Give the share of resamples of the blocks in which each setting is on the frontier."""
    n_blocks = len(settings[0].errors)
    if n_blocks < 2:
        return np.full(len(settings), np.nan)
    timed = sum(len(one.elapsed_s) for one in settings)
    each = n_blocks * DEAR + len(of) * (n_blocks * len(settings) + timed)
    work = partial(_times_on, settings=settings, of=of, seed=seed)
    found: Floats = sum(
        stretched(work, resamples, batch=batch_of(n_blocks), each=each, executor=executor), np.zeros(len(settings))
    )
    return found / resamples


def _times_on(which: range, *, settings: Sequence[_Setting], of: Sequence[str], seed: int) -> Floats:
    """Count in how many of the resamples with these numbers each setting is on the frontier."""
    times_on = np.zeros(len(settings))
    for times in draws(len(settings[0].errors), which, seed):
        for part in np.array_split(times, -(-times.shape[1] * len(settings) * len(of) // _CELLS), axis=1):
            values = np.array([[one.measured(name, part) for one in settings] for name in of])
            times_on += _optimal(values).sum(axis=1)
    return times_on


def _notes(parts: Blocks, answered: Bools, seen: dict[str, Floats]) -> list[object]:
    """Say of each setting what to keep in mind."""
    notes: list[object] = []
    for k, caution in enumerate(parts.caution):
        lacking = dict.fromkeys(_WHAT.get(name, "time") for name, values in seen.items() if np.isnan(values[k]))
        said = [f"{what} not known" for what in lacking] if answered[k] else ["no answers"]
        notes.append("; ".join(filter(None, [*said, caution])) or None)
    return notes
