"""Costs: what each asking took adds up to what the budget counted, and what is not known stays so."""

from __future__ import annotations

import asyncio

import pandas as pd
import pytest
import sweeping
from test_store import answer, intent, questions

from asrlab import tables
from asrlab.engines.scripted import ScriptedEngine
from asrlab.errors import BudgetSpent
from asrlab.sweep.costs import costs
from asrlab.sweep.grid import column, grid
from asrlab.sweep.opened import open_sweep
from asrlab.sweep.store import Store
from asrlab.sweep.sweep import Sweep

PAID = {"reserved_s": 10, "usd_per_s": 0.01}
NO_PRICE = {"reserved_s": 10, "usd_per_s": 0.0}


def planned(n=8, **more):
    store = Store(None)
    askings, identities = questions(n, **more)
    store.plan(askings, identities, {"axes": []})
    return store, [asking.trial for asking in askings]


def abroad(engine="paid", region="elsewhere"):
    return {"engine": engine, "model": "m", "region": region}


def facts(engine, **more):
    return {"engine": engine, "price": None, **more}


def ask_all(store, trials, **terms):
    async def steps():
        for trial in trials:
            await store.answered(intent(trial, **terms), trial, answer(audio_s=9.5))

    asyncio.run(steps())


def dollars(frame):
    return [None if pd.isna(usd) else float(usd) for usd in frame["usd"]]


def test_every_attempt_counts_as_the_budget_counts_it():
    store, trials = planned()

    async def steps():
        await store.begin(intent(trials[0], **PAID))  # killed, and asked again: 10 + 10
        await store.answered(intent(trials[0], **PAID), trials[0], answer(audio_s=4.0, elapsed_s=2.5, queued_s=1.0))
        attempt = await store.begin(intent(trials[1], **PAID))
        await store.ended(attempt, trials[1], "failed", code="InvalidApiKey", message="refused")  # 0
        attempt = await store.begin(intent(trials[2], **PAID))
        await store.submitted(trials[2], attempt, "t2")
        await store.ended(attempt, trials[2], "failed", code="FILE_404", message="no file")  # 10
        attempt = await store.begin(intent(trials[3], **PAID))
        await store.ended(attempt, trials[3], "unknown", code="X", message="x")  # 10
        await store.answered(intent(trials[4], **PAID), trials[4], answer(audio_s=12.2))  # 13: more than was reserved
        attempt = await store.begin(intent(trials[5], reserved_s=0, usd_per_s=0.01))
        await store.ended(attempt, trials[5], "unknown", code="X", message="x")  # of no known length
        await store.answered(intent(trials[6], reserved_s=0, usd_per_s=0.01), trials[6], answer(audio_s=3.1))  # 4

    asyncio.run(steps())
    found = costs(store)
    assert list(found) == [*tables.SCHEMAS["costs"], "language"]
    assert found["state"].tolist() == [
        *("answered", "failed", "failed", "unknown", "answered", "unknown", "answered", "not run")
    ]
    expected = [20, 0, 10, 10, 13, None, 4, 0]
    assert [None if pd.isna(s) else int(s) for s in found["billed_s"]] == expected
    assert dollars(found) == pytest.approx([None if s is None else 0.01 * s for s in expected])
    assert found["attempts"].tolist() == [2, 1, 1, 1, 1, 1, 1, 0]
    assert found["audio_s"].isna().tolist() == [False, True, True, True, False, True, False, True]
    assert (found.loc[0, "elapsed_s"], found.loc[0, "queued_s"]) == (2.5, 1.0)
    spent = store.spent("scripted")
    assert (found["billed_s"].sum(), found["usd"].sum()) == (spent.seconds, pytest.approx(spent.usd))


def test_a_price_that_was_not_known_is_no_price_of_zero():
    for engine, said, usd in (
        (abroad(), {}, None),  # a run of an earlier version, which does not say
        (abroad(), {"free": False}, None),
        (abroad(), {"free": True}, 0.0),
        (abroad(), {"free": False, "price": {"usd_per_s": 0.0}}, 0.0),  # given, such as within a quota
        (abroad(), {"free": False, "price": {"usd_per_s": 0.5}}, None),
        (abroad(region="local"), {}, 0.0),  # what runs on this machine is paid to nobody
        (abroad(region="local"), {"free": False}, None),  # it says that it costs something
        (abroad(), {"free": "yes", "price": [0]}, None),  # a replay may come from anyone
    ):
        store, trials = planned(2, engine=engine)
        store.begin_run(facts(engine, **said))
        ask_all(store, trials, begun=2e12, **NO_PRICE)
        assert dollars(costs(store)) == [usd] * 2, (engine, said)


def test_what_was_known_in_another_run_is_not_known_in_this_one(monkeypatch):
    engine = abroad()
    store, trials = planned(3, engine=engine)
    for started, said, trial in ((100.0, {"price": {"usd_per_s": 0.0}}, 0), (200.0, {"price": None}, 1)):
        monkeypatch.setattr("asrlab.sweep.store.store.time.time", lambda started=started: started)
        store.end_run(store.begin_run({**facts(engine), "free": False, **said}), "finished")
        ask_all(store, [trials[trial]], begun=started, **NO_PRICE)
    ask_all(store, [trials[2]], begun=50.0, **NO_PRICE)  # before any run that is known of
    assert dollars(costs(store)) == [0.0, None, None]


def test_of_several_engines_each_has_its_own_price():
    one, other = abroad("one"), abroad("other")
    store, trials = planned(2, engine=one)
    more, identities = questions(2, engine=other)
    more = [
        asking.__class__(f"o{k}", asking.condition, 0, asking.trial, asking.labels) for k, asking in enumerate(more)
    ]
    store.plan(more, identities, {"axes": []})
    store.begin_run({
        "engine": {"<one>": one, "<other>": other},
        "price": {"<one>": None, "<other>": {"usd_per_s": 0.0}},
        "free": {"<one>": False, "<other>": False},
    })  # fmt: skip
    ask_all(store, [*trials, *(asking.trial for asking in more)], begun=2e12, **NO_PRICE)
    assert dollars(costs(store)) == [None, None, 0.0, 0.0]


def test_channels_of_an_asking_are_one_row():
    store, trials = planned(3, channels=(0, 1))

    async def steps():
        both = answer(channels=(0, 1), audio_s=9.0)
        await store.answered(intent(trials[0], reserved_s=10, usd_per_s=0.01), trials[0], both)

    asyncio.run(steps())
    found = costs(store)
    assert len(found) == 3
    assert found["n_channels"].tolist() == [2, 2, 2]
    assert (found.loc[0, "audio_s"], found.loc[0, "billed_s"]) == (9.0, 10.0)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A paid sweep, two of whose three conditions come to the same question; stopped by its budget once."""
    folder = tmp_path_factory.mktemp("costs")
    data = sweeping.recordings(folder / "set", 5, seconds=1.2)  # two seconds are billed for each
    conditions = grid(language={"named": "en", "of the row": column("language"), "none": None})
    engine = ScriptedEngine(free=False, failures={"DECODE_ERROR": 0.4}, seed=3)
    sweep = Sweep(data, engine, conditions, store=folder / "run", repeats=2)
    with pytest.raises(BudgetSpent):
        sweep.run(progress=False, price_usd_per_s=0.01, budget_usd=0.05)
    sweep.run(progress=False, price_usd_per_s=0.02)
    sweep.run(progress=False, price_usd_per_s=0.04, retry="failed")
    return sweep


def test_conditions_that_share_a_question_share_its_price(shared):
    found = shared.costs
    assert len(found) == 30
    assert found["language"].tolist() == ["named", "of the row", "none"] * 10
    by_level = found.set_index("language")["shared_by"]
    assert set(by_level["named"]) == set(by_level["of the row"]) == {2}
    assert set(by_level["none"]) == {1}
    with Store(shared.source) as store:
        spent = store.spent("scripted")
    assert found["usd"].sum() == pytest.approx(spent.usd)
    assert found["billed_s"].sum() == spent.seconds
    assert spent.seconds > 2 * 20, "nothing was asked again"
    pair = found[found["shared_by"] == 2].groupby("trial")["usd"]
    assert (pair.nunique() == 1).all()
    assert set(found["state"]) == {"answered", "failed"}


def test_replays_and_opened_runs_say_the_same(shared, tmp_path):
    replay = shared.save_replay(tmp_path / "costs.jsonl")
    for again in (open_sweep(replay), open_sweep(shared.source)):
        pd.testing.assert_frame_equal(again.costs, shared.costs)


def test_a_part_of_a_sweep_bears_all_of_its_own(shared):
    part = Sweep(
        shared.dataset, ScriptedEngine(free=False, seed=3), grid(language={"named": "en"}), store=shared.source
    )
    found, whole = part.costs, shared.costs
    assert set(found["shared_by"]) == {1}
    mine = whole[(whole["language"] == "named") & (whole["repeat"] == 0)]
    assert found["usd"].tolist() == pytest.approx((mine["usd"] * mine["shared_by"]).tolist())


def test_a_free_engine_and_a_paid_one_without_a_price(tmp_path):
    data = sweeping.recordings(tmp_path / "set", 2, seconds=1.2)
    for free, usd in ((True, 0.0), (False, None)):
        sweep = Sweep(data, ScriptedEngine(free=free), grid(), store=tmp_path / str(free))
        sweep.run(progress=False)
        assert dollars(sweep.costs) == [usd] * 2
        assert sweep.costs["billed_s"].tolist() == [2, 2]


def test_nothing_planned_is_an_empty_table():
    found = costs(Store(None))
    assert found.empty
    assert {name: str(dtype) for name, dtype in found.dtypes.items()} == {
        name: dtype for name, (dtype, _) in tables.SCHEMAS["costs"].items()
    }
