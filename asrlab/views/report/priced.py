"""Priced: what was sent and what that took, and what is still to be sent, as the sweep says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from asrlab import tables
from asrlab.text import escape
from asrlab.views.markup import is_missing, table
from asrlab.views.report.pieces import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asrlab.views.report.asked import Asked

_SUMS: Final = (("minutes billed", "billed_s", "{:.2f}"), ("US dollars", "usd", "{:.4f}"))


def price(asked: Asked) -> str:
    """Say what was sent, and what it took; and what is still to be sent."""
    facts = {**_prices(asked.runs), **_planned(asked)}
    costs = asked.more.get("costs")
    if not isinstance(costs, pd.DataFrame):
        submits = _submits(asked.transcripts)
        why = escape(asked.lacking.get("costs", ""))
        return f"<p>Seconds billed and dollars are not known. {why}</p>{listed({'submits': submits, **facts})}"
    checked = tables.check(costs, "costs", required=("condition", "billed_s", "usd", "attempts"))
    by = checked.groupby("condition", sort=False, dropna=False)
    parts = [*(part for _, part in by), checked]
    summed = {"condition": [*by.groups, "all"], "questions": [len(part) for part in parts]}
    summed |= {"submits": [_submits(part) for part in parts]}
    summed |= {head: [_sum(part[name], form) for part in parts] for head, name, form in _SUMS}
    notes = ["Seconds count that were or may have been billed, in all attempts."]
    if (checked["shared_by"] > 1).any():
        notes.append(
            "Seconds and dollars of a question that several settings share are shared out among them; its submits "
            "stand with each, and once in all."
        )
    if not len(checked):
        notes.append("Nothing was asked.")
    elif (checked["usd"] == 0).all():
        notes.append(_nothing_paid(asked, checked))
    return table(pd.DataFrame(summed), max_rows=200).markup + f"<p>{' '.join(notes)}</p>" + listed(facts)


def _nothing_paid(asked: Asked, costs: pd.DataFrame) -> str:
    free = [one for facts in asked.runs for one in _by_engine(facts.get("free")).values()]
    if free and all(one is True for one in free):
        return "The engine costs nothing."
    return "What was sent cost nothing." if (costs["billed_s"] > 0).any() else "Nothing has been billed."


def _submits(askings: pd.DataFrame) -> str:
    """Count submits, those of a trial once, whatever settings and channels share it."""
    once = askings[~askings["trial"].duplicated() | askings["trial"].isna()]
    return _sum(once["attempts"], "{:.0f}")


def _sum(values: pd.Series, form: str) -> str:
    unknown = int(values.isna().sum())
    if unknown == len(values) and unknown:
        return "not known"
    said = form.format(float(values.sum()) / (60 if values.name == "billed_s" else 1))
    return f"at least {said}; {unknown:,} unknown" if unknown else said


def _prices(runs: list[Mapping[str, Any]]) -> dict[str, str]:
    """List each price that held, with the runs and the engine that it held for."""
    held: dict[tuple[str, str], list[int]] = {}
    for number, facts in enumerate(runs, 1):
        for engine, said in _said(facts):
            held.setdefault((engine, said), []).append(number)
    if len(held) < 2:
        return dict.fromkeys(["price"][: len(held)], next((said for _, said in held), ""))
    return {
        f"price{f' of {engine}' if engine else ''}, run{'s' * (len(of) > 1)} {', '.join(map(str, of))}": said
        for (engine, said), of in held.items()
    }


def _said(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    free = _by_engine(facts.get("free"))
    for engine, paid in _by_engine(facts.get("price")).items():
        if isinstance(paid, dict) and not is_missing(paid.get("usd_per_s")):
            source = f"as of {paid.get('as_of')}, {paid.get('source')}"
            yield engine, f"${paid['usd_per_s']:.6f} a second of audio, {source}"
        elif free.get(engine) is True:
            yield engine, "costs nothing"
        elif free.get(engine) is False:
            yield engine, "not known"


def _by_engine(fact: object) -> dict[str, Any]:
    """Give a fact of each engine by its name; that of the only one has none."""
    several = isinstance(fact, dict) and "usd_per_s" not in fact
    return dict(fact) if several and isinstance(fact, dict) else {"": fact}


def _planned(asked: Asked) -> dict[str, str]:
    """Say what a run would send now, of the whole sweep."""
    if "plan" not in asked.more:
        return {"still to be sent": asked.lacking["plan"]} if "plan" in asked.lacking else {}
    plan = asked.more["plan"]
    found = {"still to be sent": f"{len(plan.to_send):,} trials, {plan.audio_min:.2f} minutes of audio"}
    if plan.free or not plan.to_send:
        return found
    unknown = f"; {plan.unknown_lengths:,} of unknown length besides" if plan.unknown_lengths else ""
    cost = "price not known" if plan.usd is None else f"${plan.usd:.4f}"
    return {**found, "what that will cost": f"{cost}, for {plan.billed_min:.2f} minutes billed{unknown}"}
