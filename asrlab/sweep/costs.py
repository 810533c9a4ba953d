"""Costs: what each asking of a sweep took, in seconds of audio, dollars and time."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.text import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from asrlab.sweep.store import Asking, Charge, Store

    Facts = Mapping[str, Any]

_ASKING = ["utt_id", "condition", "repeat"]


def costs(store: Store, askings: Sequence[Asking] | None = None) -> pd.DataFrame:
    """Tell what each asking took.

    Parameters
    ----------
    store : Store
        Where the answers are.
    askings : sequence of Asking, optional
        Those that are told of, in order; all, as they were planned, if not given.

    Returns
    -------
    DataFrame
        A ``costs`` table, axes as further columns. What an attempt may have been billed is what a budget counts: the
        larger of the seconds reserved and those that the engine says it heard, of all attempts but those that were
        refused before they were taken. Askings that one trial answers bear equal shares of it.
    """
    heard = store.transcripts(askings)
    first = np.flatnonzero(~heard.duplicated(_ASKING))
    frame = heard.iloc[first].drop(columns=["channel", "n_channels"], errors="ignore").reset_index(drop=True)
    seconds, usd = _by_trial(store.charges(), store.runs(), frame["trial"])
    shared_by = frame.groupby("trial")["trial"].transform("size").to_numpy(np.int64)
    frame["n_channels"] = np.diff([*first, len(heard)])
    frame["billed_s"] = pd.array(seconds / shared_by, dtype="Float64")
    frame["usd"] = pd.array(usd / shared_by, dtype="Float64")
    frame["shared_by"] = shared_by
    axes = [name for name in frame.columns if name not in {*tables.SCHEMAS["transcripts"], *tables.SCHEMAS["costs"]}]
    return tables.check(frame[[*tables.SCHEMAS["costs"], *axes]], "costs")


def _by_trial(
    charges: Sequence[Charge], runs: Sequence[Facts], trials: pd.Series
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Add up the seconds and dollars that may have been billed for each trial; NaN where they are not known."""
    place = {trial: number for number, trial in enumerate(trials.unique())}
    mine = [charge for charge in charges if charge.trial in place]
    of = np.array([place[charge.trial] for charge in mine], dtype=np.int64)
    seconds = np.array([np.nan if charge.seconds is None else charge.seconds for charge in mine], dtype=np.float64)
    price = np.array([charge.usd_per_s for charge in mine], dtype=np.float64)
    runs = sorted(runs, key=lambda run: float(run["started"]))  # those of parts were taken in later
    started = [run["started"] for run in runs]
    known: dict[tuple[str, int], bool] = {}
    for number in np.flatnonzero(price == 0).tolist():
        # Replays do not say of which run an attempt is. Runs overlap only where they are of parts, whose prices are the
        # same.
        asked = mine[number].engine, bisect_right(started, mine[number].begun) - 1
        if asked not in known:
            known[asked] = _costs_nothing(asked[0], runs[asked[1]]["facts"] if asked[1] >= 0 else {})
        if not known[asked]:
            price[number] = np.nan
    usd = np.where(price == 0, 0.0, price * seconds)
    n = len(place)
    at = trials.map(place).to_numpy(np.int64)
    return np.bincount(of, seconds, n)[at], np.bincount(of, usd, n)[at]


def _costs_nothing(engine: str, facts: Facts) -> bool:
    """Tell whether a price that was stored as 0 was one, or was not known."""
    asked = facts.get("engine")
    named: dict[Any, Any] = asked if isinstance(asked, dict) else {}
    several = bool(named) and all(isinstance(identity, dict) for identity in named.values())
    free: object = None
    for name, identity in named.items() if several else [(None, named)]:
        if canonical_json(identity) == engine:
            price, free = (_one(facts.get(fact), name) for fact in ("price", "free"))
            if isinstance(price, dict) and price.get("usd_per_s") == 0:
                return True
    # Runs of earlier versions do not say: what runs on this machine is paid to nobody.
    return free if isinstance(free, bool) else '"region":"local"' in engine


def _one(fact: object, name: str | None) -> object:
    """Give a fact of an engine by its name; of the only engine, the fact itself."""
    return fact if name is None else fact.get(name) if isinstance(fact, dict) else None
