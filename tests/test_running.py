"""Running a sweep that costs money, on the local service: kills, interrupts, two processes, lost submits, budgets."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import sweeping
from nbclient import NotebookClient
from stand_ins import file_server

from asrlab import dashscope
from asrlab.data.dataset import Dataset
from asrlab.engines.scripted import ScriptedEngine
from asrlab.errors import BudgetSpent, InvalidInput, ServiceError
from asrlab.server.run import serve
from asrlab.sweep.opened import open_sweep
from asrlab.sweep.store import is_run
from asrlab.sweep.warn import SweepWarning

SAME = ["trial", "condition", "channel", "text", "detected_language", "audio_s"]
#: What befalls requests changes no answer; which tasks fail follows from the question, and not from order or attempt.
FAULTS = ("submit=drop-after@0.05", "submit=429@0.05", "query=503@0.05", "result=truncated@0.05")
FAILING = {"failures": {"DECODE_ERROR": 0.05}, "seed": 7}


def rows(store, query):
    with closing(sqlite3.connect(store / "ledger.sqlite")) as db:
        return db.execute(query).fetchall()


def settle(sweep):
    """Finish a sweep whatever became of its submits; gives the states after the first run."""
    sweep.run(progress=False)
    states = sweep.transcripts["state"].value_counts().to_dict()
    for _ in range(10):  # a submit may be lost again
        sweep.run(progress=False, retry="unknown")
    return states


def submits_and_intents(service, *stores):
    """Submits that the service has counted, and those that were written down, each by link."""
    written = Counter(link for store in stores for (link,) in rows(store, "select link from attempt where link <> ''"))
    return Counter(service.status()["submits_by_file"]), written


def check_killed(service, store, undisturbed):
    """What must hold after any number of kills, once everything has been settled."""
    frame = open_sweep(store).transcripts
    key = ["utt_id", "condition", "repeat", "channel"]
    frame, undisturbed = (f.sort_values(key).reset_index(drop=True) for f in (frame, undisturbed))
    pd.testing.assert_frame_equal(frame[[*SAME, "state", "error_code"]], undisturbed[[*SAME, "state", "error_code"]])
    counted, written = submits_and_intents(service, store)
    assert not counted - written, "the service has counted a submit that is not on the disk"
    # No trial was sent again once it was answered, or while its task was known.
    again = rows(
        store,
        "select t.trial from attempt a join attempt b on a.trial = b.trial and a.attempt < b.attempt"
        " join trial t on t.id = a.trial where a.state <> 'unknown' and not (a.state = 'begun' and a.ended is null)",
    )
    assert again == []
    assert open_sweep(store).verify() == []
    return sum((written - counted).values())


def kill_at_random(service, dataset, tmp_path, *, kills, repeats, seed, within_s):
    """Run a sweep that is killed so often; gives how many of the lives had asked something."""
    draw = random.Random(seed)
    store = tmp_path / "killed"
    lived = 0
    for _ in range(kills):
        process = sweeping.start(dataset.folder, store, service.url, repeats=repeats, concurrency=3)
        line = process.stdout.readline()  # "began", or nothing if there is nothing left to do
        if line:
            lived += 1
            time.sleep(draw.uniform(0, within_s))
        process.kill()
        process.communicate()
    states = open_sweep(store).transcripts["state"].value_counts().to_dict()
    return store, lived, states


def killed_and_undisturbed(tmp_path, *, n, kills, repeats, seed, within_s, run_s):
    dataset = sweeping.recordings(tmp_path / "set", n)
    with serve(ScriptedEngine(**FAILING), limits=None, workers=16, faults=FAULTS, seed=7) as calm:
        whole = sweeping.sweep(dataset.folder, tmp_path / "whole", calm.url, repeats=repeats)
        settle(whole)
        undisturbed = whole.transcripts
    with serve(ScriptedEngine(**FAILING), limits=None, workers=16, faults=FAULTS, seed=7, run_s=run_s) as service:
        store, lived, before = kill_at_random(
            service, dataset, tmp_path, kills=kills, repeats=repeats, seed=seed, within_s=within_s
        )
        disturbed = sweeping.sweep(dataset.folder, store, service.url, repeats=repeats)
        settled = settle(disturbed)
        assert set(settled) <= {"answered", "failed", "unknown", "not run"}
        never_sent = check_killed(service, store, undisturbed)
    return {"lives that asked": lived, "when the last was killed": before, "after one run": settled,
            "intents never sent": never_sent, "undisturbed": undisturbed["state"].value_counts().to_dict()}  # fmt: skip


def test_killed_at_random_it_ends_as_if_undisturbed(tmp_path):
    seen = killed_and_undisturbed(tmp_path, n=6, kills=3, repeats=1, seed=3, within_s=0.3, run_s=0.1)
    assert seen["lives that asked"] >= 2
    assert set(seen["undisturbed"]) == {"answered", "failed"}


@pytest.mark.acceptance
def test_killed_200_times_it_ends_as_if_undisturbed(tmp_path):
    seen = killed_and_undisturbed(tmp_path, n=20, kills=200, repeats=3, seed=1, within_s=0.25, run_s=0.1)
    print("\n200 kills in 480 trials:", json.dumps(seen))
    assert seen["lives that asked"] >= 100


def test_two_processes_on_one_store_ask_nothing_twice(tmp_path):
    dataset = sweeping.recordings(tmp_path / "set", 6)
    with serve("scripted", limits=None, run_s=0.05, workers=4) as service:
        both = [sweeping.start(dataset.folder, tmp_path / "run", service.url) for _ in range(2)]
        said = [process.communicate(timeout=60) for process in both]
        assert [process.returncode for process in both] == [0, 0], said
        assert service.status()["submits"] == 48
        counted, written = submits_and_intents(service, tmp_path / "run")
    assert counted == written
    waited = [out for out, _ in said if "waiting another process" in out]
    assert len(waited) == 1
    assert open_sweep(tmp_path / "run").transcripts["state"].eq("answered").all()


@pytest.mark.parametrize(
    ("number", "signals", "on_interrupt", "left"),
    [
        (signal.SIGINT, 1, "wait", False),
        (signal.SIGINT, 2, "wait", True),
        (signal.SIGINT, 1, "leave", True),
        (signal.SIGTERM, 1, "wait", True),
    ],
)
def test_an_interrupt_stops_submitting_and_waits_for_or_leaves_what_is_in_flight(
    tmp_path, number, signals, on_interrupt, left
):
    dataset = sweeping.recordings(tmp_path / "set", 6)
    with serve("scripted", limits=None, run_s=1.0, workers=8) as service:
        process = sweeping.start(
            dataset.folder, tmp_path / "run", service.url, concurrency=24, on_interrupt=on_interrupt
        )
        assert process.stdout.readline() == "began\n"
        for _ in range(signals):
            process.send_signal(number)
            time.sleep(0.3)
        out, err = process.communicate(timeout=30)
        states = open_sweep(tmp_path / "run").transcripts["state"].value_counts().to_dict()
        assert "stopping interrupted" in out
        assert process.returncode == (143 if number == signal.SIGTERM else -signal.SIGINT), err
        assert "unknown" not in states
        assert states["not run"] > 0
        assert ("submitted" in states) == left
        assert service.status()["submits"] == 48 - states["not run"]
        sweep = sweeping.sweep(dataset.folder, tmp_path / "run", service.url)
        assert [run["outcome"] for run in sweep.provenance] == ["interrupted"]
        service.advance(0)
        sweep.run(progress=False)
        assert sweep.transcripts["state"].eq("answered").all()
        assert service.status()["submits"] == 48


@pytest.mark.parametrize("on_interrupt", ["wait", "leave"])
def test_a_submit_that_is_throttled_is_not_sent_after_an_interrupt_and_is_no_unknown(tmp_path, on_interrupt):
    dataset = sweeping.recordings(tmp_path / "set", 4)
    with serve("scripted", limits=None, faults=["submit=429-retry-after"]) as service:
        process = sweeping.start(dataset.folder, tmp_path / "run", service.url, on_interrupt=on_interrupt)
        while not service.status()["requests"]["submit"]:
            time.sleep(0.01)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
        assert process.returncode == -signal.SIGINT, err
        assert service.status()["submits"] == 0
        sweep = sweeping.sweep(dataset.folder, tmp_path / "run", service.url)
        assert sweep.transcripts["state"].eq("not run").all()
        assert rows(tmp_path / "run", "select * from attempt") == []


@pytest.mark.parametrize("way", ["plan", "run"])
def test_an_interrupt_is_heard_while_recordings_are_read(tmp_path, monkeypatch, way):
    dataset = sweeping.recordings(tmp_path / "set", 2)
    sweep = sweeping.sweep(dataset.folder, tmp_path / "run", "http://127.0.0.1:9")
    reading, enough = threading.Event(), threading.Event()

    def facts(self, utt_id):
        reading.set()
        enough.wait(20)
        raise InvalidInput("not read to its end")

    def interrupt():
        reading.wait(20)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Dataset, "facts", facts)
    before = signal.signal(signal.SIGINT, lambda *_: pytest.fail("the run handles it"))  # as asyncio.run and kernels do
    try:
        threading.Thread(target=interrupt).start()
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            getattr(sweep, way)()
        assert time.monotonic() - start < 10
        assert signal.getsignal(signal.SIGINT) != before
    finally:
        enough.set()
        signal.signal(signal.SIGINT, before)


def test_tasks_that_are_paid_for_are_collected_also_when_the_budget_is_spent(tmp_path):
    dataset = sweeping.recordings(tmp_path / "set", 2)
    with serve("scripted", limits=None, run_s=1.0, workers=16) as service:
        process = sweeping.start(dataset.folder, tmp_path / "run", service.url, budget_minutes=6 / 60)
        while service.status()["submits"] < 6:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        sweep = sweeping.sweep(dataset.folder, tmp_path / "run", service.url)
        assert sweep.transcripts["state"].value_counts()["submitted"] == 6
        with pytest.raises(BudgetSpent, match="left 10 of 10 trials unsent"):
            sweep.run(progress=False, budget_minutes=6 / 60)
        assert sweep.transcripts["state"].value_counts().to_dict() == {"answered": 6, "not run": 10}


def test_a_submit_that_a_kill_left_unknown_is_found_by_the_next_run(tmp_path):
    dataset = sweeping.recordings(tmp_path / "set", 2)
    with serve("scripted", limits=None) as service:
        sweep = sweeping.sweep(dataset.folder, tmp_path / "run", service.url)
        sweep.run(progress=False)
        # As if it had been killed after the service took the submit, and before the task id was on the disk.
        with closing(sqlite3.connect(tmp_path / "run" / "ledger.sqlite")) as db:
            ((trial,),) = db.execute("select min(trial) from attempt").fetchall()
            for table in ("sentences", "heard", "raw", "answer"):
                db.execute(f"delete from {table} where trial = ?", (trial,))
            db.execute(
                "update attempt set state = 'begun', submitted = null, ended = null, task_id = null where trial = ?",
                (trial,),
            )
            db.commit()
        assert sweep.transcripts["state"].value_counts().to_dict() == {"answered": 15, "unknown": 1}
        sweep.run(progress=False)
        assert sweep.transcripts["state"].eq("answered").all()
        assert service.status()["submits"] == 16
        assert sweep.transcripts["attempts"].eq(1).all()


def test_results_that_were_not_collected_in_a_day_are_unknown_and_asked_again_only_when_told_to(tmp_path):
    dataset = sweeping.recordings(tmp_path / "set", 2)
    with serve("scripted", limits=None, run_s=0.5, workers=16) as service:
        process = sweeping.start(dataset.folder, tmp_path / "run", service.url, on_interrupt="leave")
        time.sleep(1.0)
        while service.status()["submits"] < 16:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        sweep = sweeping.sweep(dataset.folder, tmp_path / "run", service.url)
        left = sweep.transcripts["state"].value_counts().to_dict().get("submitted", 0)
        assert left > 0
        time.sleep(0.6)
        service.advance(25 * 3600)
        with closing(sqlite3.connect(tmp_path / "run" / "ledger.sqlite")) as db:  # our clock has gone on too
            db.execute("update attempt set begun = begun - 90000, submitted = submitted - 90000, ended = ended - 90000")
            db.commit()
        plan = sweep.plan()
        assert plan.counts["collected: submitted over 24 h ago, so its answer may be gone"] == left
        sweep.run(progress=False)
        assert sweep.failures["state"].tolist() == ["unknown"] * left
        assert sweep.failures["error"].str.contains("ended more than 24 h ago and is forgotten").all()
        assert service.status()["submits"] == 16
        sweep.run(progress=False, retry="unknown")
        assert sweep.transcripts["state"].eq("answered").all()
        assert service.status()["submits"] == 16 + left


# In a notebook


CELL = """
import sys
sys.path.insert(0, {tests!r})
import sweeping, asyncio
from asrlab.engines.scripted import ScriptedEngine
from asrlab.sweep.sweep import Sweep
sweep = Sweep(sweeping.load_dataset({folder!r}), ScriptedEngine(delay_s=0.5), sweeping.GRID, store={store!r})
sweep.run(concurrency=4)
"""


@pytest.mark.parametrize("awaiting", [False, True])
def test_the_stop_button_of_a_notebook_stops_the_run(tmp_path, awaiting):
    dataset = sweeping.recordings(tmp_path / "set", 30)
    code = CELL.format(tests=str(Path(__file__).parent), folder=str(dataset.folder), store=str(tmp_path / "run"))
    if awaiting:  # then the cell runs within the kernel's own event loop
        code = code.replace("sweep.run(", "await asyncio.sleep(0)\nsweep.run(")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    client = NotebookClient(notebook, timeout=60, kernel_name="python3", allow_errors=True)

    async def interrupted():
        async with client.async_setup_kernel():
            running = asyncio.create_task(client.async_execute_cell(notebook.cells[0], 0))
            while not running.done() and not (is_run(tmp_path / "run") and answered(tmp_path / "run")):  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.1)
            await client.km.interrupt_kernel()
            start = time.monotonic()
            await running
            return time.monotonic() - start

    def answered(store):
        return rows(store, "select count(*) from attempt where state = 'answered'") > [(0,)]

    assert asyncio.run(interrupted()) < 10
    shown, error = notebook.cells[0].outputs
    assert error["ename"] == "KeyboardInterrupt"
    assert "stopped after" in shown["data"]["text/plain"]
    assert "interrupted" in shown["data"]["text/html"]
    states = open_sweep(tmp_path / "run").transcripts["state"].value_counts().to_dict()
    assert set(states) == {"answered", "not run"}


# Budgets


@pytest.mark.parametrize("concurrency", [1, 16])
def test_nothing_is_sent_that_could_pass_the_budget(tmp_path, concurrency):
    dataset = sweeping.recordings(tmp_path / "set", 4, seconds=1.2)  # two seconds are billed for each
    price = 0.000035
    with serve("scripted", limits=None, workers=8) as service:
        sweep = sweeping.sweep(dataset.folder, tmp_path / "run", service.url)
        assert sweep.plan().usd == pytest.approx(32 * 2 * price)
        with pytest.raises(BudgetSpent, match=r"left 23 of 32 trials unsent: \$0\.0006 of \$0\.0007 are spent"):
            sweep.run(progress=False, budget_usd=9.9 * 2 * price, concurrency=concurrency)
        assert service.status()["submits"] == 9
        with pytest.raises(BudgetSpent):  # what was spent before counts
            sweep.run(progress=False, budget_usd=9.9 * 2 * price, concurrency=concurrency)
        assert service.status()["submits"] == 9
        with pytest.raises(BudgetSpent):
            sweep.run(progress=False, budget_minutes=20 / 60, concurrency=concurrency)
        assert service.status()["submits"] == 10
        sweep.run(progress=False, budget_usd=32 * 2 * price)  # exactly
        assert service.status()["submits"] == 32
        assert sweep.transcripts["state"].eq("answered").all()
        assert [run["outcome"].split(" (")[0] for run in sweep.provenance] == [
            *["the budget is spent"] * 3, "finished"
        ]  # fmt: skip


def test_plan_progress_and_provenance_tell_of_the_same_minutes_and_dollars(tmp_path):
    dataset = sweeping.recordings(tmp_path / "set", 3, seconds=1.2)  # 24 trials: 28.8 s of audio, 48 s billed
    with serve("scripted", limits=None) as service:
        sweep = sweeping.sweep(dataset.folder, tmp_path / "run", service.url)
        plan, seen = sweep.plan(price_usd_per_s=0.01), []
        sweep.run(progress=lambda progress: seen.append(progress.snapshot()), price_usd_per_s=0.01)
        assert (plan.audio_min, plan.billed_min) == (pytest.approx(28.8 / 60), 48 / 60)
        assert plan.usd == pytest.approx(0.48)
        assert (seen[-1]["audio_s"], seen[-1]["usd"]) == (pytest.approx(28.8), pytest.approx(0.48))
        assert sweep.provenance[0]["facts"]["price"]["usd_per_s"] == 0.01
        assert sweep.provenance[0]["facts"]["server"] == "asrlab"
        sweep.run(progress=lambda progress: seen.append(progress.snapshot()))
        assert (seen[-1]["audio_s"], seen[-1]["usd"]) == (0, 0)  # nothing is asked twice


def test_what_was_refused_or_failed_to_be_sent_is_not_counted_and_what_failed_afterwards_is(tmp_path):
    dataset = sweeping.recordings(tmp_path / "set", 2)
    with serve("scripted", limits=None, faults=["task=DECODE_ERROR@0.3"], seed=1) as service:
        sweep = sweeping.sweep(dataset.folder, tmp_path / "run", service.url)
        sweep.run(progress=False, budget_minutes=16 / 60)
        failed = len(sweep.failures)
        assert 0 < failed < 16
        with pytest.raises(BudgetSpent, match=rf"left {failed} of {failed} trials unsent"):
            sweep.run(progress=False, budget_minutes=16 / 60, retry="failed")
    dataset = sweeping.recordings(tmp_path / "other", 2)
    with serve("scripted", limits=None, faults=["submit=code-only"], key="sk-of-others") as service:
        sweep = sweeping.sweep(dataset.folder, tmp_path / "refused", service.url)
        with pytest.raises(ServiceError):
            sweep.run(progress=False, budget_minutes=1 / 60, concurrency=1)
        with pytest.raises(ServiceError):  # the budget is as it was
            sweep.run(progress=False, budget_minutes=1 / 60, concurrency=1, retry="failed")


def test_a_budget_that_cannot_be_kept_is_refused_before_anything_is_sent(tmp_path, monkeypatch):
    dataset = sweeping.recordings(tmp_path / "set", 1)
    with serve("scripted", limits=None) as service:
        monkeypatch.setattr("asrlab.sweep.plan.price_of", lambda identity: None)
        sweep = sweeping.sweep(dataset.folder, tmp_path / "run", service.url)
        assert sweep.plan().usd is None
        assert "price not known for 0.1 billed minutes" in repr(sweep.plan())
        with pytest.raises(InvalidInput, match="budget_usd cannot be kept: the price of"):
            sweep.run(progress=False, budget_usd=1.0)
        for wrong in ({"budget_usd": -1.0}, {"budget_minutes": float("nan")}, {"budget_usd": True}):
            with pytest.raises(InvalidInput, match="must be a number from 0"):
                sweep.run(progress=False, **wrong)
        assert service.status()["submits"] == 0
        sweep.run(progress=False, budget_usd=1.0, price_usd_per_s=0.1)
        assert service.status()["submits"] == 8


def test_recordings_of_unknown_length_are_sent_in_spite_of_a_budget_only_if_allowed(tmp_path):
    dataset = sweeping.recordings(tmp_path / "set", 3, seconds=1.2)
    with file_server(dataset.folder) as host, serve("scripted", limits=None, media=[host.url]) as service:
        links = [f"{host.url}/{name}" for name in dataset.utterances["audio"]]
        linked = Dataset("linked", dataset.utterances.assign(audio=links, duration_s=None))
        engine = sweeping.Paid(api_key="sk-x", base_url=f"{service.url}/api/v1")
        sweep = sweeping.Sweep(linked, engine, sweeping.grid(), store=tmp_path / "run")
        assert sweep.plan().unknown_lengths == 3
        with pytest.raises(InvalidInput, match="3 trials of recordings whose length is not known"):
            sweep.run(progress=False, budget_minutes=1)
        with pytest.warns(SweepWarning, match="are known by their links only"), pytest.raises(BudgetSpent):
            # What it costs, two seconds, is known afterwards; then nothing is left.
            sweep.run(progress=False, budget_minutes=1 / 60, allow_unknown_length=True, concurrency=1)
        assert service.status()["submits"] == 1


# Speed


def pace(tmp_path, *, trials, run_s, limits):
    """Ask so many trials of a service that keeps limits, with tasks that take so long; gives the seconds it took."""
    dataset = sweeping.recordings(tmp_path / "set", trials // 8)
    per_minute, per_s = limits["submits_per_minute"], limits["queries_per_s"]
    command = [sys.executable, "-m", "asrlab", "serve", "--engine", "scripted", "--port", "0", "--workers", "2000"]
    command += ["--run-delay", str(run_s), "--submits-per-minute", str(per_minute), "--queries-per-second", str(per_s)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    url = re.search(r"http://\S+", process.stdout.readline())[0]
    try:
        sweep = sweeping.sweep(dataset.folder, tmp_path / "run", url, limits=dashscope.Limits(**limits))
        start = time.monotonic()
        sweep.run(progress=False)
        took_s = time.monotonic() - start
        assert sweep.transcripts["state"].eq("answered").all()
        return took_s
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.acceptance
@pytest.mark.usefixtures("paces_of_its_own")
def test_5000_trials_take_little_longer_than_the_limit_of_submits_makes_them(tmp_path):
    took_s = pace(tmp_path, trials=5000, run_s=30.0, limits={"submits_per_minute": 600, "queries_per_s": 20})
    least_s = 60 * 5000 / 600 + 30
    print(
        f"\n5,000 trials of 30 s at 600 submits/min, 20 queries/s: {took_s:.0f} s, {took_s / least_s:.3f} x the least"
    )
    assert took_s < 1.15 * least_s


@pytest.mark.acceptance
@pytest.mark.usefixtures("paces_of_its_own")
def test_trials_take_little_longer_than_the_limit_of_submits_makes_them(tmp_path):
    took_s = pace(tmp_path, trials=160, run_s=1.0, limits={"submits_per_minute": 2400, "queries_per_s": 80})
    assert took_s < 3 * (60 * 160 / 2400 + 1)  # nothing waits for the task before it: that would take 160 s
