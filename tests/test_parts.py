"""Parts of a sweep, run apart and merged: no question twice, nothing lost, the budget kept, whatever is killed."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
import time
from bisect import bisect_right
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path

import pandas as pd
import pytest
import sweeping
from hypothesis import given
from hypothesis import strategies as st

from asrlab import dashscope
from asrlab.dashscope.pacing import Pace
from asrlab.dashscope.turns import TurnFile
from asrlab.data.loading import load_dataset
from asrlab.engines.filetrans import FiletransEngine
from asrlab.engines.scripted import ScriptedEngine
from asrlab.errors import BudgetSpent, InvalidInput, StoreError
from asrlab.server.limits import Limits as Granted
from asrlab.server.run import serve
from asrlab.sweep.budget import Budget
from asrlab.sweep.grid import grid
from asrlab.sweep.merge import drives, open_to_read
from asrlab.sweep.opened import open_sweep
from asrlab.sweep.parts import bounds_of, number_of
from asrlab.sweep.store import Intent, Store, lease, merging
from asrlab.sweep.sweep import Sweep
from asrlab.sweep.warn import SweepWarning

GRID = grid(language={"none": None, "en": "en"}, enable_itn=[False, True])
SAME = ["trial", "utt_id", "condition", "repeat", "channel", "state", "text", "attempts"]
USD_PER_S = 0.001
TABLES = ("trial", "attempt", "answer", "heard", "raw", "asking", "run")


@pytest.fixture
def dataset(tmp_path):
    sweeping.recordings(tmp_path / "set", 8)
    for again, first in ((5, 2), (7, 2)):  # the same audio under three names
        shutil.copy(tmp_path / f"set/u{first:03}.wav", tmp_path / f"set/u{again:03}.wav")
    return load_dataset(tmp_path / "set")


def engine(**options):
    return ScriptedEngine(**{"substitutions": 0.2, "insertions": 0.1, "free": False} | options)


@pytest.fixture
def sweep(dataset, tmp_path):
    def sweep(store="run", *, of=dataset, conditions=GRID, repeats=2, **options):
        return Sweep(of, engine(**options), conditions, store=tmp_path / store, repeats=repeats)

    return sweep


def run(sweep, **options):
    sweep.run(**{"progress": False, "price_usd_per_s": USD_PER_S} | options)
    return sweep


def rows(sweep, query):
    with closing(sqlite3.connect(sweep.source / "ledger.sqlite")) as db:
        return db.execute(query).fetchall()


def dump(sweep):
    return {table: rows(sweep, f"select * from {table} order by 1, 2") for table in TABLES}


def copy_of(part):
    """Copy a part's store, as one that was fetched from another machine."""
    return shutil.copytree(part.source, Path(f"{part.source}-copied"))


def assert_asked_no_more(part, why):
    before = asked(part)
    with pytest.raises(InvalidInput, match=why):
        run(part)
    assert asked(part) == before


def asked(part):
    return {trial for (trial,) in rows(part, "select trial from trial where id in (select trial from attempt)")}


def test_parts_come_to_what_the_whole_sweep_would_have(sweep):
    whole, divided = run(sweep("whole", failures={"DECODE_ERROR": 0.1})), sweep(failures={"DECODE_ERROR": 0.1})
    parts = [run(pickle.loads(pickle.dumps(part))) for part in divided.parts(3)]
    assert [part.verify() for part in parts] == [[], [], []]
    merged = divided.merge(parts)
    assert merged.attempts == len(asked(whole)) == sum(len(asked(part)) for part in parts)
    assert merged.twice == ()
    pd.testing.assert_frame_equal(whole.transcripts[SAME], divided.transcripts[SAME], check_exact=True)
    assert set(divided.transcripts["state"]) == {"answered", "failed"}
    assert divided.digest == whole.digest
    assert divided.verify() == []
    assert divided.costs["usd"].sum() == pytest.approx(sum(part.costs["usd"].sum() for part in parts))
    assert divided.costs["usd"].sum() == pytest.approx(whole.costs["usd"].sum())
    assert [run["facts"]["part"]["number"] for run in divided.provenance] == [1, 2, 3]
    assert divided.raw(divided.transcripts["trial"][0]) == whole.raw(whole.transcripts["trial"][0])
    assert not divided.plan().to_send


def test_a_question_is_in_one_part_only_and_one_that_was_asked_in_none(sweep):
    whole = sweep()
    with pytest.raises(BudgetSpent):
        run(whole, budget_usd=0.005)
    before = asked(whole)
    parts = [run(part) for part in whole.parts(4)]
    of_trial = Counter(trial for part in parts for trial in asked(part))
    assert len(before) == 5
    assert set(of_trial.values()) == {1}
    assert not before & set(of_trial)
    assert len(of_trial) == 6 * 4 * 2 - 5  # six recordings, under eight names
    alike = {"u002", "u005", "u007"}
    assert sorted(len(alike & part._part.utt_ids) for part in parts) == [0, 0, 0, 3]


@given(st.dictionaries(st.text("0123456789abcdef", min_size=4, max_size=4), st.integers(0, 50), min_size=1),
       st.integers(1, 9))  # fmt: skip
def test_parts_are_about_equal_and_every_digest_is_in_one(weights, n):
    bounds = bounds_of(weights, n)
    sums = Counter()
    for digest, weight in weights.items():
        sums[number_of(digest, bounds)] += weight
    assert len(bounds) == n - 1
    assert list(bounds) == sorted(bounds)
    assert set(sums) <= set(range(1, n + 1))
    assert max(sums.values()) <= sum(weights.values()) / n + max(weights.values())


def test_a_part_hears_the_babble_of_the_whole_set(sweep):
    noisy = grid(snr=[5], noise="babble")
    whole, divided = run(sweep("whole", conditions=noisy, repeats=1)), sweep(conditions=noisy, repeats=1)
    divided.merge([run(part) for part in divided.parts(2)])
    assert divided.digest == whole.digest


# Merging


def test_to_merge_again_changes_nothing_and_takes_in_what_has_come_since(sweep):
    whole = sweep(store="run")
    one, other = whole.parts(2)
    run(one)
    with pytest.raises(BudgetSpent):
        run(other, budget_usd=0.004)
    copied = copy_of(other)
    whole.merge([one, copied], without=[2])
    first = dump(whole)
    assert whole.merge([copied, one.source]).attempts == 0
    assert dump(whole) == first
    goes_on = sweep("elsewhere")
    run(goes_on)
    assert whole.merge([goes_on.source]).answers == len(asked(goes_on)) - len(asked(one)) - 4
    assert dump(whole) != first
    assert whole.verify() == []
    assert not whole.plan().to_send


def test_a_copy_does_not_stand_for_its_part(sweep):
    whole = sweep(repeats=1)
    one, other = whole.parts(2)
    run(one)
    with pytest.raises(BudgetSpent):
        run(other, budget_usd=0.004)
    copied = copy_of(other)
    with pytest.raises(InvalidInput, match=r"is a copy of part 2 of 2.*without=\[2\].*Nothing was taken in"):
        whole.merge([one, copied])
    assert asked(whole) == set()
    run(other)  # which goes on
    whole.merge([one])
    assert not whole.plan().to_send
    assert whole.merge([copied], without=[2]).answers == len(asked(other))  # its own, which is there, is taken in too
    assert_asked_no_more(other, "which was merged at")
    assert not whole.plan().to_send
    assert whole.verify() == []


def test_a_part_that_is_given_up_asks_no_more(sweep):
    whole = sweep(repeats=1)
    one, other = whole.parts(2)
    run(one)
    with Store(other.source) as store:
        assert store.drive()
        with pytest.raises(StoreError, match="is being run"):
            whole.merge([one], without=[2])
    assert len(whole.plan().to_send) == 0
    before = copy_of(other)
    whole.merge([one], without=[2])
    assert_asked_no_more(other, "which was merged at")
    shutil.rmtree(other.source)
    before.rename(other.source)  # which does not know of it
    assert_asked_no_more(other, "which was merged or given up")
    run(whole)
    assert whole.transcripts["attempts"].eq(1).all()


def test_a_part_whose_store_is_gone_is_not_run(sweep):
    whole = sweep(repeats=1)
    one, other = whole.parts(2)
    run(one)
    one.source.rename(f"{one.source}-on-another-disk")
    for part in (one, whole.parts(2)[0]):
        with pytest.raises(StoreError, match=r"store of part 1 of 2 is not at.*without=\[1\]"):
            run(part)
    with pytest.raises(StoreError, match="There is no run"):
        whole.merge([one])
    assert whole.merge([other], without=[1]).attempts == 0
    run(whole)
    assert whole.transcripts["state"].eq("answered").all()


def test_a_store_with_questions_for_parts_to_ask_is_refused_until_they_are_merged(sweep):
    whole, other = sweep(repeats=1), run(sweep("other", repeats=1))
    parts = [pickle.loads(pickle.dumps(part)) for part in whole.parts(2)]
    with pytest.raises(InvalidInput, match=r"questions that are for part 1, 2 of 2 to ask"):
        whole.merge([other.source])
    assert asked(whole) == set()
    for part in parts:
        run(part)
    merged = whole.merge([*parts, other])
    assert len(merged.twice) == len(asked(other))
    assert whole.verify() == []


@pytest.mark.parametrize("state", ["failed", "unknown"])
def test_a_task_that_can_be_collected_is_whatever_became_of_later_attempts(sweep, state):
    one_question = {"conditions": grid(enable_itn=[False]), "repeats": 1, "delay_s": 0.01}
    left, whole = sweep("left", **one_question), sweep(**one_question)

    async def attempts(store, trials, ended):
        for trial in trials:
            number = await store.begin(Intent(trial, time.time(), 1, USD_PER_S, None))
            await (
                store.ended(number, trial, state, code="Throttled", message="later")
                if ended
                else store.submitted(trial, number, f"task-{trial}")
            )

    for one, ended in ((left, False), (whole, True)):
        with one._driven() as store:
            plan = asyncio.run(one._written(store))
            asyncio.run(attempts(store, [job.trial for job in plan.jobs], ended))
    assert whole.merge([left.source]).attempts == len(asked(left))
    assert whole.transcripts["state"].eq("submitted").all()
    assert not whole.plan(retry=state).to_send
    assert whole.verify() == []


def test_a_driver_that_died_on_another_machine_is_waited_for_and_one_at_work_is_not(tmp_path, monkeypatch):
    url = f"memory://{tmp_path.name}/run"
    monkeypatch.setattr(lease, "LAPSE_S", 0.3)
    monkeypatch.setattr(lease, "_LOOK_S", 0.0)
    monkeypatch.setenv("ASRLAB_CACHE", str(tmp_path / "there"))
    with Store(url, create=True) as there:
        assert there.drive()
        there._driver._stopping.set()  # it beats no more
        monkeypatch.setenv("ASRLAB_CACHE", str(tmp_path / "here"))
        with Store(url) as here:
            assert not here.drive()
        with ExitStack() as stack, pytest.warns(SweepWarning, match=r"waiting up to .* another machine.* still runs"):
            open_to_read(url, stack)
    with Store(tmp_path / "local", create=True) as there, Store(tmp_path / "local") as here:
        assert there.drive()
        assert not drives(here)  # at once, and without a word


def test_killed_while_it_merges_it_goes_on_where_it_ended(sweep, monkeypatch):
    divided, undisturbed = sweep(), sweep("other")
    monkeypatch.setattr(merging, "_AT_ONCE", 3)
    parts = [run(part) for part in divided.parts(2)]
    undisturbed.merge(parts)
    for life in range(1, 20):
        left = iter(range(life))

        def taking(*given, _left=left, _work=merging._taking):
            if next(_left, None) is None:
                raise KeyboardInterrupt
            return _work(*given)

        with monkeypatch.context() as patched:
            patched.setattr(merging, "_taking", taking)
            try:
                divided.merge(parts)
                break
            except KeyboardInterrupt:
                assert divided.verify() == []
                assert divided.plan().to_send == []  # none of it is asked twice meanwhile
    whole, one_by_one = dump(undisturbed), dump(divided)
    assert one_by_one["attempt"] == whole["attempt"]
    assert one_by_one["heard"] == whole["heard"]
    assert divided.digest == undisturbed.digest


def test_one_question_answered_in_two_stores_is_kept_once_and_billed_twice(sweep):
    mine, other = run(sweep(noise=True, seed=1, repeats=1)), run(sweep("other", noise=True, seed=1, repeats=1))
    before = mine.transcripts[SAME[:-1]]
    merged = mine.merge([other.source])
    assert set(merged.twice) == asked(mine)
    assert "answered in two stores" in repr(merged)
    pd.testing.assert_frame_equal(mine.transcripts[SAME[:-1]], before)
    assert mine.transcripts["attempts"].eq(2).all()
    assert mine.costs["usd"].sum() == pytest.approx(2 * other.costs["usd"].sum())
    assert mine.verify() == []
    again = dump(mine)
    mine.merge([other.source])
    assert dump(mine) == again


LEFT = """
import os, pickle, signal, sys
part = pickle.loads(sys.stdin.buffer.read())
said = []
def leave(progress):
    if progress.in_flight and not said:
        said.append(os.kill(os.getpid(), signal.SIGTERM))
part.run(progress=leave, price_usd_per_s=0.001, concurrency=3)
"""


def test_tasks_that_a_part_has_left_are_collected_by_the_whole_sweep(sweep):
    divided = sweep(delay_s=0.5, repeats=1)
    one, other = divided.parts(2)
    run(one)
    subprocess.run([sys.executable, "-c", LEFT], input=pickle.dumps(other), check=False, timeout=60)
    in_flight = other.transcripts["state"].eq("submitted").sum()
    assert in_flight
    divided.merge([one, other])
    assert divided.transcripts["state"].eq("submitted").sum() == in_flight
    run(divided)
    assert divided.transcripts["state"].eq("answered").all()
    assert not rows(divided, "select 1 from attempt where attempt > 1")  # collected, and not sent again
    assert divided.merge([other]).answers == 0  # what it says of them is out of date
    assert divided.transcripts["state"].eq("answered").all()
    assert divided.verify() == []


def test_unknown_outcomes_stay_unknown_and_are_not_sent_unasked(sweep):
    divided = sweep(unknown=0.3, seed=3, repeats=1)
    divided.merge([run(part) for part in divided.parts(2)])
    unknown = divided.transcripts["state"].eq("unknown").sum()
    assert unknown
    run(divided)
    assert divided.transcripts["state"].eq("unknown").sum() >= unknown
    assert not rows(divided, "select 1 from attempt where attempt > 1")
    again = divided.parts(2)
    for part in again:
        run(part, retry="unknown")  # what the whole has asked is not the part's to ask again
    assert [asked(part) for part in again if (part.source / "ledger.sqlite").exists()] == [set(), set()]


def test_what_a_part_is_to_ask_is_asked_by_nobody_else_until_it_is_merged(sweep):
    divided = sweep(repeats=1)
    one, _ = divided.parts(2)
    run(one)
    plan = divided.plan()
    assert not plan.to_send
    assert any("left to part 2 of 2" in why for why in plan.counts)
    with pytest.warns(SweepWarning, match=r"2 parts, and 1, 2 have not been merged.*without=\[\.\.\.\]"):
        run(divided)
    with pytest.raises(InvalidInput, match="from 1 to 2"):
        divided.merge([one], without=[3])
    assert len(divided.parts(2)) == 2
    with pytest.raises(InvalidInput, match="1, 2 have not been merged"):
        divided.parts(3)
    divided.merge([one], without=[2])
    run(divided)
    assert divided.transcripts["state"].eq("answered").all()
    with pytest.raises(InvalidInput, match=r"part 1 of 2, which was merged at"):
        run(one)
    assert [part._part.token for part in divided.parts(3)] != [one._part.token] * 3


def test_parts_are_the_same_until_they_are_merged(sweep):
    first = sweep().parts(3, budget_usd=1.0)
    run(first[0])
    again = sweep().parts(3, budget_usd=1.0)
    assert [part.source for part in again] == [part.source for part in first]
    assert [part._part.usd for part in again] == [part._part.usd for part in first]
    assert again[0].transcripts["state"].eq("answered").all()


@pytest.mark.parametrize("spent", [False, True])
def test_parts_keep_the_budget_together(sweep, spent):
    divided = sweep()
    if spent:
        with pytest.raises(BudgetSpent):
            run(divided, budget_usd=0.006)
    parts = divided.parts(3, budget_usd=0.02)
    for part in parts * 2:  # a second run of a part has no more than the first left
        with pytest.raises(BudgetSpent):
            run(part)
    with pytest.raises(BudgetSpent):
        run(parts[0], budget_usd=100.0)
    divided.merge(parts)
    usd = divided.costs["usd"].sum()
    assert 0.02 - 3 * USD_PER_S < usd <= 0.02
    with pytest.raises(BudgetSpent):
        run(divided, budget_usd=0.02)
    usd = divided.costs["usd"].sum()
    assert usd <= 0.02
    more = divided.parts(2, budget_usd=0.03, budget_minutes=1)
    assert sum(part._part.usd for part in more) == pytest.approx(0.03 - usd)
    for part in more:
        with pytest.raises(BudgetSpent):
            run(part)
    divided.merge(more)
    assert divided.costs["usd"].sum() <= 0.03 + 1e-9  # thirty thousandths add up to a little more


def test_what_parts_that_are_out_may_spend_is_left_to_them(sweep):
    divided = sweep()
    one, other = divided.parts(2, budget_usd=0.04, budget_minutes=1)
    with pytest.raises(BudgetSpent):
        run(one)
    divided.merge([one])
    with (
        pytest.warns(SweepWarning, match="2 have not been merged"),
        pytest.raises(BudgetSpent, match=r"\$0.0200 of \$0.0400 \(less \$0.0200 for parts that are out\)"),
    ):
        run(divided, budget_usd=0.04)
    with pytest.raises(BudgetSpent):
        run(other)
    divided.merge([other])
    assert divided.costs["usd"].sum() == pytest.approx(0.04)


def test_what_a_budget_leaves_to_others_is_not_reserved():
    budget = Budget(usd=1.0, minutes=1.0)
    budget.leave(0.5, 0.5)
    assert not budget.reserve(31, 0.01)  # of 30 seconds
    assert not budget.reserve(20, 0.03)
    assert budget.reserve(30, 0.01)
    assert not budget.reserve(0, 0.01)  # of unknown length: nothing is left


# What is refused


def test_a_store_in_memory_is_not_divided(dataset):
    with pytest.raises(InvalidInput, match="in the memory of this process"):
        Sweep(dataset, engine(), GRID, store="memory://parts/run").parts(2)


def test_stores_of_another_sweep_are_refused_and_nothing_is_taken_in(sweep, tmp_path):
    sweeping.recordings(tmp_path / "foreign", 3, seconds=0.2)
    mine = run(sweep())
    before = dump(mine)
    for other, said in (
        (run(sweep("engine", seed=9)), "of the engine scripted"),
        (run(sweep("audio", of=load_dataset(tmp_path / "foreign"))), "audio that is not in the dataset"),
        (run(sweep("repeats", repeats=3)), "parameters, or repeats"),
    ):
        with pytest.raises(InvalidInput, match=rf"questions that this sweep does not ask.*{said}.*Nothing of it"):
            mine.merge([other.source])
    assert dump(mine)["attempt"] == before["attempt"]


def test_what_cannot_be_merged_or_divided_is_said(sweep, tmp_path):
    whole = sweep(repeats=1)
    part, _ = whole.parts(2)
    run(part)
    part.save_replay(tmp_path / "part.jsonl")
    with pytest.raises(StoreError, match="Merge its store"):
        whole.merge([tmp_path / "part.jsonl"])
    with Store(part.source) as store:
        assert store.drive()
        with pytest.raises(StoreError, match=rf"is being run, by process {os.getpid()}"):
            whole.merge([part])
    with Store(whole.source) as store:
        assert store.drive()
        for divided in (lambda: whole.parts(2), lambda: whole.merge([part])):
            with pytest.raises(StoreError, match="Another process is running this sweep"):
                divided()
    with pytest.raises(InvalidInput, match="This is part 1 of 2"):
        part.parts(2)
    for wrong in ([whole], [whole.source]):
        with pytest.raises(InvalidInput, match="not into their own"):
            whole.merge(wrong)
    with pytest.raises(InvalidInput, match="takes a list"):
        whole.merge(part)
    with pytest.raises(InvalidInput, match="whole number from 1"):
        whole.parts(0)
    with pytest.raises(InvalidInput, match="budget_usd must be"):
        whole.parts(2, budget_usd=-1)


def test_audio_that_has_changed_since_is_not_asked_by_the_wrong_part(sweep, dataset):
    parts = sweep(repeats=1).parts(4)
    first, last = (sorted(part._part.utt_ids)[0] for part in (parts[0], parts[-1]))
    time.sleep(0.15)  # so that its time is another
    shutil.copy(dataset.audio_path(last), dataset.audio_path(first))
    with pytest.raises(InvalidInput, match=f"audio of {first} has changed since the sweep was divided"):
        run(parts[0])


# The account


def test_a_password_in_a_url_is_refused_before_it_can_be_pickled():
    with pytest.raises(InvalidInput, match="without user name") as refused:
        FiletransEngine(base_url="https://someone:very-secret@127.0.0.1:1/api/v1")
    assert "very-secret" not in str(refused.value)


def test_a_key_is_never_pickled(dataset, tmp_path):
    asked_of = FiletransEngine(api_key="sk-very-secret", limits=dashscope.Limits(submits_per_minute=60))
    part = Sweep(dataset, {"paid": asked_of}, GRID, store=tmp_path / "run").parts(3)[1]
    sent = pickle.dumps(part)
    assert b"very-secret" not in sent
    assert part.engine["paid"]._api_key == "sk-very-secret"
    there = pickle.loads(sent)
    assert there.engine["paid"] is there._asked[0]
    assert there.engine["paid"].submits_per_minute == pytest.approx(0.9 * 60 / 3)
    with pytest.raises(InvalidInput, match="There is no API key"):
        there.run(progress=False)


PROCESS = """
import asyncio, json, sys, time
from pathlib import Path
from asrlab.dashscope.pacing import Pace
from asrlab.dashscope.turns import TurnFile

async def main():
    pace = Pace(100, "queries", TurnFile(Path(sys.argv[1])), tuple(json.loads(sys.argv[2])))
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(30):
        await pace.turn()
        print(time.monotonic(), flush=True)

asyncio.run(main())
"""


def turns(*of):
    processes = [
        subprocess.Popen([sys.executable, "-c", PROCESS, str(file), json.dumps(part)],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for file, part in of
    ]  # fmt: skip
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    return [[float(line) for line in process.communicate(timeout=60)[0].split()] for process in processes]


def test_parts_on_one_machine_share_its_turns_and_are_not_divided_twice(tmp_path):
    file = tmp_path / "account.json"
    times = sorted(moment for part in turns(*((file, (number, 3)) for number in (1, 2, 3))) for moment in part)
    assert times[-1] - times[0] >= 89 / (0.9 * 100) - 0.02  # as one process would
    assert times[-1] - times[0] < 2 * 90 / (0.9 * 100)  # and not as a third of one
    assert max(bisect_right(times, start + 0.5) - place for place, start in enumerate(times)) <= 50 + 1


def test_parts_on_several_machines_each_keep_to_their_part(tmp_path):
    for part in turns((tmp_path / "one" / "account.json", (1, 2)), (tmp_path / "two" / "account.json", (2, 2))):
        assert part[-1] - part[0] >= 29 / (0.9 * 50) - 0.02


def test_a_part_keeps_to_its_limits_also_where_no_file_can_be_had(in_virtual_time):
    import virtual_time

    async def scenario():
        pace = Pace(10, part=(2, 5))
        for _ in range(11):
            await pace.turn()
        return virtual_time.now()

    assert virtual_time.run(scenario()) == pytest.approx(1000 + 10 * 5 / 9)


def test_turns_are_taken_in_all_lanes_or_in_none(tmp_path):
    turns_of = TurnFile(tmp_path / "account.json")
    assert turns_of.take("submits", 5.0, (1, 2)) == 0.0
    assert 4.0 < turns_of.take("submits", 5.0, (2, 2)) <= 5.0  # the machine's turn is taken
    assert 9.0 < turns_of.take("submits", 5.0, (1, 2)) <= 10.0  # its own, too
    assert sorted(json.loads((tmp_path / "account.json").read_text())) == ["submits", "submits 1/2"]


@pytest.mark.parametrize("part", [(0, 2), (3, 2)])
def test_parts_that_are_none_are_refused(part):
    with pytest.raises(InvalidInput, match="part must be"):
        dashscope.Limits(part=part)


# Killed, against the service


RUN = """
import pickle, sys
sys.path.insert(0, sys.argv[1])
part = pickle.loads(sys.stdin.buffer.read())
def say(progress):
    if progress.done and not say.said:
        say.said = True
        print("began", flush=True)
say.said = False
part.run(progress=say, concurrency=3, price_usd_per_s=0.001)
"""


def started(part):
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(Path(__file__).parent)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"DASHSCOPE_API_KEY": "sk-of-the-tests"},
    )  # fmt: skip
    process.stdin.write(pickle.dumps(part))
    process.stdin.close()
    process.stdin = None
    return process


@pytest.mark.acceptance
def test_parts_run_by_processes_of_which_one_is_killed_ask_nothing_twice(dataset, tmp_path):
    with serve("scripted", limits=None, run_s=0.1, workers=16) as service:
        asked_of = sweeping.Paid(
            api_key="sk-of-the-tests", base_url=f"{service.url}/api/v1", limits=dashscope.UNLIMITED
        )
        divided = Sweep(dataset, asked_of, GRID, store=tmp_path / "run", repeats=1)
        parts = divided.parts(3)
        processes = [started(part) for part in parts]
        assert processes[0].stdout.readline() == b"began\n"
        processes[0].kill()
        said = [process.communicate(timeout=60) for process in processes]
        assert [process.returncode for process in processes] == [-9, 0, 0], said
        divided.merge(parts)
        left = divided.transcripts["state"].value_counts()
        assert left["answered"] >= 1
        assert left.drop("answered").sum() >= 1
        run(divided)  # collects what the killed one had submitted, and asks what it had not
        run(divided, retry="unknown")
        counted = Counter(service.status()["submits_by_file"])
    assert divided.transcripts["state"].eq("answered").all()
    assert divided.verify() == []
    written = Counter(link for (link,) in rows(divided, "select link from attempt where link <> ''"))
    assert not counted - written
    again = rows(
        divided,
        "select 1 from attempt a join attempt b on a.trial = b.trial and a.attempt < b.attempt"
        " where a.state <> 'unknown' and not (a.state = 'begun' and a.ended is null)",
    )
    assert again == []
    assert open_sweep(divided.source).digest == divided.digest


@pytest.mark.acceptance
def test_three_processes_with_real_limits_are_hardly_throttled_and_ask_nothing_twice(dataset, tmp_path):
    limits = dashscope.Limits(submits_per_minute=1200, queries_per_s=40)
    granted = Granted(queries_per_s=40, submits_per_minute=1200)
    with serve("scripted", limits=granted, run_s=0.05, workers=16) as service:
        asked_of = sweeping.Paid(api_key="sk-of-the-tests", base_url=f"{service.url}/api/v1", limits=limits)
        divided = Sweep(dataset, asked_of, GRID, store=tmp_path / "run", repeats=1)
        parts = divided.parts(3)
        processes = [started(part) for part in parts]
        said = [process.communicate(timeout=60) for process in processes]
        assert [process.returncode for process in processes] == [0, 0, 0], said
        divided.merge(parts)
        status = service.status()
    assert divided.failures.empty, rows(divided, "select code, message, submitted from attempt where code is not null")
    assert status["submits"] == 6 * 4
    assert sum(status["throttled"].values()) <= 2  # of 24 submits, and more queries
