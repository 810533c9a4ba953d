"""Engines over workers: the same answers wherever they are worked out, one model a worker, and workers that die."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import sweeping

from asrlab import executors
from asrlab.engines import spread
from asrlab.engines.base import UNWATCHED, Question
from asrlab.engines.scripted import ScriptedEngine
from asrlab.engines.whisper import WhisperEngine
from asrlab.errors import InvalidInput, ServiceError
from asrlab.sweep.grid import grid
from asrlab.sweep.sweep import Sweep

distributed = pytest.importorskip("distributed")

GRID = grid(language={"none": None, "en": "en"}, enable_itn=[False, True], context={"none": None, "terms": "Kestrel"})
SAME = ["trial", "utt_id", "condition", "repeat", "channel", "state", "text", "error_code", "audio_s", "attempts"]
OPTIONS = {"substitutions": 0.2, "insertions": 0.1, "failures": {"DECODE_ERROR": 0.2}}


class Told(ScriptedEngine):
    """Says where it was asked, and what became of it there."""

    def __init__(self, log="", **options):
        super().__init__(**options)
        self.log = log

    def note(self, what):
        with open(self.log, "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(f"{what} {os.getpid()}\n")

    def on_worker(self, threads):
        self.note(f"threads={threads}")
        return self

    async def __aenter__(self):
        self.note("entered")
        return self

    async def __aexit__(self, *_):
        self.note("left")

    async def transcribe(self, question, steps=UNWATCHED):
        return replace(await super().transcribe(question, steps), raw={"pid": os.getpid()})


class Faulty(ScriptedEngine):
    """Fails as it is told to."""

    def __init__(self, error=None, **options):
        super().__init__(**options)
        self.error = error

    async def transcribe(self, question, steps=UNWATCHED):
        if question.parameters.context:
            raise self.error(f"{question.audio} cannot be heard.")
        return await super().transcribe(question, steps)


class Deadly(ScriptedEngine):
    """Ends the worker that it is asked at, unless somebody has been before."""

    def __init__(self, mark="", **options):
        super().__init__(**options)
        self.mark = mark

    def die_once(self):
        if not Path(self.mark).exists():
            Path(self.mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)

    async def transcribe(self, question, steps=UNWATCHED):
        if question.parameters.context and multiprocessing.parent_process() is not None:
            await asyncio.to_thread(self.die_once)
        return await super().transcribe(question, steps)


class OfAnotherMachine(ScriptedEngine):
    """Is another in each process."""

    @property
    def identity(self):
        return {**super().identity, "built": str(os.getpid())}


@pytest.fixture(scope="module")
def client():
    options = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as one:
        yield one


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("forkserver")) as pool:
        yield pool


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return sweeping.recordings(tmp_path_factory.mktemp("spread") / "set", 8)


@pytest.fixture
def run(dataset, tmp_path):
    def run(executor=None, engine=None, *, store="run", conditions=GRID, **options):
        asked = engine or ScriptedEngine(**OPTIONS)
        sweep = Sweep(dataset, asked, conditions, store=tmp_path / store)
        sweep.run(executor=executor, progress=False, **options)
        return sweep

    return run


@pytest.fixture(autouse=True)
def let_go():
    yield
    spread._models.close()


@pytest.mark.parametrize("where", ["threads", "processes", "dask", "dask executor"])
def test_answers_are_the_same_wherever_they_are_worked_out(where, run, client, processes):
    here = run(store="here")
    with ThreadPoolExecutor(2) as threads, client.get_executor() as pool:
        there = run({"threads": threads, "processes": processes, "dask": client, "dask executor": pool}[where])
    pd.testing.assert_frame_equal(here.transcripts[SAME], there.transcripts[SAME], check_exact=True)
    assert here.digest == there.digest
    assert there.verify() == []
    assert set(there.transcripts["state"]) == {"answered", "failed"}
    assert there.about == here.about


def test_a_model_is_loaded_once_by_each_worker_and_a_recording_is_heard_by_few(run, processes, tmp_path):
    engine = Told(str(tmp_path / "log"))
    one, two = run(processes, engine), run(processes, engine, store="again")
    lines = (tmp_path / "log").read_text().split("\n")[:-1]
    pids = {line.split()[1] for line in lines}
    assert str(os.getpid()) not in pids
    assert len(pids) <= 2
    assert sorted(line for line in lines if line.startswith("entered")) == sorted(f"entered {pid}" for pid in pids)
    cores = len(os.sched_getaffinity(0))
    assert {line.split()[0] for line in lines} == {"entered", f"threads={max(1, cores // 2)}"}
    at = {
        (sweep.source, utt_id, sweep.raw(trial)["pid"])
        for sweep in (one, two)
        for trial, utt_id in zip(sweep.transcripts["trial"], sweep.transcripts["utt_id"], strict=True)
    }
    assert len(at) <= 24  # 16 if no recording were shared out towards the end, 32 if each question went anywhere


def test_a_worker_of_a_cluster_uses_its_own_threads(run, client, tmp_path):
    run(client, Told(str(tmp_path / "log")))
    assert "threads=2" in (tmp_path / "log").read_text()
    assert WhisperEngine().on_worker(3)._threads == 3
    assert WhisperEngine(threads=2).on_worker(3)._threads == 2
    assert WhisperEngine("weights", encodings_mb=64).on_worker(8).memory_mb == 564
    assert WhisperEngine().on_worker(1).identity == WhisperEngine().identity


def test_a_recording_travels_where_the_file_is_not_seen(run, monkeypatch):
    seen = []
    real = spread._at_hand

    def noted(file):
        found = real(file)
        seen.append(file is not None and file.content is not None)
        return found

    here = run(store="here")
    monkeypatch.setattr(spread, "_is_here", lambda file: False)
    monkeypatch.setattr(spread, "_at_hand", noted)
    with ThreadPoolExecutor(2) as pool:
        there = run(pool)
    assert sum(seen) >= 8
    assert there.digest == here.digest


def test_another_file_of_the_same_name_and_size_is_not_taken_for_the_recording(dataset, tmp_path):
    path = Path(dataset.audio_path("u001"))
    ours = spread.Workers(ThreadPoolExecutor(1))._file(str(path))
    assert spread._is_here(ours)
    other = tmp_path / "u001.wav"
    other.write_bytes(path.read_bytes())
    assert spread._is_here(replace(ours, path=str(other)))
    other.write_bytes(path.read_bytes()[:-1] + b"x")
    assert not spread._is_here(replace(ours, path=str(other)))
    assert not spread._is_here(replace(ours, path=str(tmp_path / "gone.wav")))
    with spread._at_hand(replace(ours, path=str(other), content=path.read_bytes())) as found:
        assert Path(found).read_bytes() == path.read_bytes()
    assert not Path(found).exists()


def test_a_recording_that_is_too_large_to_travel_is_said(run, monkeypatch):
    monkeypatch.setattr(spread, "_is_here", lambda file: False)
    monkeypatch.setattr(spread, "_MOST_BYTES", 1000)
    with ThreadPoolExecutor(1) as pool:
        sweep = run(pool)
    assert sweep.transcripts["state"].eq("failed").all()
    message = sweep.failures["message" if "message" in sweep.failures else "error_code"]
    assert message.notna().all()


@pytest.mark.parametrize("error", [InvalidInput, KeyError])
def test_what_an_engine_raises_ends_as_it_does_here(run, processes, error, monkeypatch):
    here, there = run(None, Faulty(error), store="here"), run(processes, Faulty(error))
    pd.testing.assert_frame_equal(here.transcripts[SAME], there.transcripts[SAME])
    assert there.transcripts["state"].eq("failed").sum() == 32
    monkeypatch.setattr(spread, "_is_here", lambda file: False)
    with ThreadPoolExecutor(1) as pool:
        blind = run(pool, Faulty(error), store="blind")
    assert blind.digest == here.digest
    assert "asrlab-" not in str(blind.transcripts.to_dict())


def test_a_pool_whose_process_dies_ends_the_run_and_the_next_goes_on(run, tmp_path):
    mark = str(tmp_path / "mark")
    here = run(None, Deadly(mark), store="here")
    with (
        ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("forkserver")) as pool,
        pytest.raises(ServiceError, match=r"processes ended before their work was done.*make another.*Workers"),
    ):
        run(pool, Deadly(mark))
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("forkserver")) as pool:
        there = run(pool, Deadly(mark))
    assert there.digest == here.digest
    assert there.transcripts["attempts"].eq(1).all()
    assert not there.transcripts["state"].eq("failed").any()


KILLED = """
    import sys
    sys.path[:0] = {paths!r}
    import distributed
    from test_spread_engines import GRID, Deadly, sweeping
    from asrlab.sweep.sweep import Sweep

    if __name__ == "__main__":
        options = {{"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}}
        with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
            client.run(lambda: sys.path.insert(0, {paths!r}[0]))
            dataset = sweeping.recordings(__import__("pathlib").Path({folder!r}), 8)
            sweep = Sweep(dataset, Deadly({mark!r}, **{options!r}), GRID, store={store!r})
            sweep.run(executor=client, progress=False)
            print(sweep.digest, sweep.verify(), sweep.transcripts["attempts"].max())
"""


@pytest.mark.acceptance
def test_a_worker_of_a_cluster_that_is_killed_is_no_matter(run, tmp_path):
    mark = tmp_path / "mark"
    script = tmp_path / "killed.py"
    filled = textwrap.dedent(KILLED).format(
        paths=[str(Path(__file__).parent)], folder=str(tmp_path / "set"), mark=str(mark), options=OPTIONS,
        store=str(tmp_path / "killed"),
    )  # fmt: skip
    script.write_text(filled, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False,
                          timeout=120, env=environment)  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert mark.exists()
    assert done.stdout.split() == [run(None, Deadly(str(mark), **OPTIONS)).digest, "[]", "1"]


def test_an_engine_that_is_another_at_the_worker_is_refused(run, processes):
    with pytest.raises(ServiceError, match=r"is another at a worker.*same versions everywhere"):
        run(processes, OfAnotherMachine())


def test_an_engine_that_cannot_be_sent_is_said(run, processes):
    engine = ScriptedEngine(substitutions=lambda asked: 0.1, label="a function")
    with pytest.raises(InvalidInput, match=r"cannot be sent to another process.*or leave executor= out"):
        run(processes, engine)
    assert run(None, engine).transcripts["state"].eq("answered").all()


def test_an_engine_that_cannot_be_loaded_ends_the_run_with_its_reason(run, processes, tmp_path):
    with pytest.raises(ServiceError, match=r"cannot be loaded by a worker.*weights.*Workers"):
        run(processes, WhisperEngine(tmp_path / "no weights"))


def test_what_costs_money_is_asked_from_here(run, processes, tmp_path):
    engine = Told(str(tmp_path / "log"), free=False)
    sweep = run(processes, engine, price_usd_per_s=0.0)
    assert {sweep.raw(trial)["pid"] for trial in sweep.transcripts["trial"]} == {os.getpid()}


def test_a_worker_holds_no_more_models_than_it_has_room_for(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(spread, "_share", lambda workers: (1, 100))
    engines = {name: Told(str(tmp_path / "log"), seed=seed) for seed, name in enumerate("abc")}
    for engine in engines.values():
        engine.memory_mb = 40
    sweep = Sweep(dataset, engines, GRID, store=tmp_path / "run")
    with ThreadPoolExecutor(4) as pool:
        sweep.run(executor=pool, progress=False)
    assert sweep.transcripts["state"].eq("answered").all()
    held = 0
    for line in (tmp_path / "log").read_text().split("\n"):
        held += line.startswith("entered") - line.startswith("left")
        assert held <= 2
    engines["a"].memory_mb = 101
    again = Sweep(dataset, engines, GRID, store=tmp_path / "again")
    with ThreadPoolExecutor(1) as pool, pytest.raises(ServiceError, match="takes 101 MB, and a worker has 100"):
        again.run(executor=pool, progress=False)


def test_an_interrupt_stops_the_run_and_the_next_goes_on(run):
    here = run(store="here")
    with ThreadPoolExecutor(2) as pool:
        timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            run(pool, ScriptedEngine(**OPTIONS, delay_s=0.5))
        there = run(pool)
    assert there.digest == here.digest


def test_a_cluster_without_workers_is_waited_for(run):
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        cluster.scale(0)
        while executors.places(client):
            time.sleep(0.02)
        timer = threading.Timer(0.5, cluster.scale, (1,))
        timer.start()
        assert run(client).transcripts["state"].eq("answered").any()
        timer.join()


def test_one_question_is_done_where_it_is_asked_to_be(client, processes):
    async def scenario():
        (place,) = executors.places(client)
        assert await executors.asked(Question, "one.wav", client, place) == Question("one.wav")
        assert len(executors.places(processes)) == 2
        with pytest.raises(KeyError, match="of the work"):
            await executors.asked(fails, 1, processes)
        waiting = asyncio.create_task(executors.asked(time.sleep, 0.2, processes))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(scenario())


def fails(_):
    raise KeyError("of the work")
