"""Sweeps: what is asked, what is kept, what is asked again, and what a killed process leaves behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from asrlab.data.dataset import Dataset
from asrlab.engines.base import UNWATCHED, Answer, Capabilities, Engine, Sentence, Transcript, Word
from asrlab.engines.filetrans import FiletransEngine
from asrlab.engines.local import LocalEngine
from asrlab.engines.scripted import ScriptedEngine
from asrlab.errors import InvalidInput, MissingTrials, OutcomeUnknown, ServiceError, StoreError, TaskFailed
from asrlab.sweep.grid import column, grid
from asrlab.sweep.opened import open_sweep
from asrlab.sweep.store import Store
from asrlab.sweep.sweep import Sweep

GRID = grid(language={"none": None, "right": column("language")}, enable_itn=[False, True])


class Scripted(Engine):
    """Answers at once with what it was asked, unless it is told otherwise."""

    name = "scripted"
    capabilities = Capabilities(
        frozenset({"language", "enable_itn", "context", "channel_id"}), frozenset({"en", "zh"}), frozenset({"en", "zh"})
    )

    def __init__(self, *, free=True, version="1"):
        self.free = free
        self.facts = {"engine": "scripted", "model": "parrot", "version": version, "region": "nowhere"}
        self.asked = []
        self.faults = {}
        self.under_way = Counter()
        self.most_at_once = 0

    @property
    def identity(self):
        return self.facts

    async def transcribe(self, question, steps=UNWATCHED):
        self.asked.append(question)
        number = len(self.asked)
        self.under_way["all"] += 1
        self.most_at_once = max(self.most_at_once, self.under_way["all"])
        fault = self.faults.get(number)
        try:
            if fault is not None and not isinstance(fault, ServiceError):
                raise fault  # nothing was sent
            if question.task_id is None:
                await steps.sending(f"oss://uploads/{Path(question.audio).name}")
                if fault is not None and not getattr(fault, "after", False):
                    raise fault
                await steps.submitted(f"task-{number}")
            await asyncio.sleep(0)
            if fault is not None:
                raise fault
        finally:
            self.under_way["all"] -= 1
        said = f"{Path(question.audio).stem} {question.parameters.language} {question.parameters.enable_itn}"
        word = Word(0, 90, "heard", ".")
        heard = tuple(
            Transcript(channel, said, "en", (Sentence(0, 90, said, "en", (word,)),))
            for channel in question.parameters.channel_id
        )
        return Answer(heard, 0.1, "parrot 1", 3, ("context",), 0.5, 1.5, "request-1", "task-1", {"raw": [1, "二"]})


def after(error):
    """Make an error one that comes after the task was taken."""
    error.after = True
    return error


@pytest.fixture
def dataset(tmp_path):
    """Six recordings of two channels, that differ."""
    folder = tmp_path / "set"
    folder.mkdir()
    rng = np.random.default_rng(3)
    rows = []
    for number in range(6):
        soundfile.write(folder / f"u{number}.wav", 0.1 * rng.standard_normal((1600, 2)), 16_000)
        language = "en" if number % 2 else "zh"
        rows.append({"utt_id": f"u{number}", "audio": f"u{number}.wav", "language": language, "duration_s": 0.1,
                     "channels": 2})  # fmt: skip
    return Dataset("six", pd.DataFrame(rows), folder=folder)


@pytest.fixture
def run(dataset, tmp_path):
    """Make a sweep of that dataset and run it, quietly."""

    def run(engine, conditions=GRID, *, store="run", repeats=1, retry=None, concurrency=4, of=dataset, **options):
        sweep = Sweep(of, engine, conditions, store=tmp_path / store, repeats=repeats, **options)
        sweep.run(retry=retry, concurrency=concurrency, progress=False)
        return sweep

    return run


def test_every_cell_is_asked_once_and_kept(run):
    engine = Scripted()
    sweep = run(engine)
    frame = sweep.transcripts
    assert len(engine.asked) == len(frame) == 24
    assert frame["state"].unique().tolist() == ["answered"]
    assert list(frame.columns[-2:]) == ["language", "enable_itn"]
    assert frame["utt_id"].tolist() == [f"u{n}" for n in range(6) for _ in range(4)]
    assert frame[["language", "enable_itn"]].head(4).to_numpy().tolist() == [
        ["none", "False"], ["none", "True"], ["right", "False"], ["right", "True"]
    ]  # fmt: skip
    first = frame.iloc[2]
    assert (first["text"], first["detected_language"], first["audio_s"]) == ("u0 zh False", "en", 0.1)
    assert (first["queued_s"], first["elapsed_s"], first["context_tokens"]) == (0.5, 1.5, 3)
    assert (first["unsupported"], first["asked_engine"], first["answered_by"]) == ("context", "scripted", "parrot 1")
    assert (first["asked_region"], first["request_id"], first["attempts"]) == ("nowhere", "request-1", 1)
    assert sweep.failures.empty
    assert repr(sweep) == "<Sweep run: 24 answered>"


def test_what_is_stored_is_not_asked_again(run):
    first = run(Scripted()).transcripts
    engine = Scripted()
    again = run(engine)
    assert engine.asked == []
    pd.testing.assert_frame_equal(again.transcripts, first)
    assert "24 askings = 24 trials (24 stored); to send 0.0 audio minutes" in repr(again.plan())


def test_more_conditions_and_repeats_ask_only_for_what_is_new(run):
    run(Scripted(), grid(language={"none": None}, enable_itn=[False, True]))
    engine = Scripted()
    sweep = run(engine, repeats=2)
    assert len(engine.asked) == 48 - 12
    assert sweep.transcripts["repeat"].tolist() == [0] * 24 + [1] * 24


def test_conditions_that_come_to_one_question_share_its_answer(run):
    engine = Scripted()
    frame = run(engine, grid(language={"right": column("language"), "english": "en"})).transcripts
    assert len(engine.asked) == 9  # the three English recordings are asked once
    assert len(frame) == 12
    assert frame.drop_duplicates("trial").shape[0] == 9
    seen = []
    sweep = run(Scripted(), grid(language={"right": column("language"), "english": "en"}))
    sweep.run(progress=seen.append)
    assert (seen[-1].total, seen[-1].stored) == (0, 9)  # trials, as the total is


def test_each_channel_has_its_row(run):
    frame = run(Scripted(), grid(channel_id={"both": [1, 0]})).transcripts
    assert frame["channel"].tolist() == [1, 0] * 6


def test_the_plan_sends_nothing_and_says_why(run, dataset, tmp_path):
    engine = Scripted()
    sweep = Sweep(dataset, engine, GRID, store=tmp_path / "run")
    plan = sweep.plan()
    assert repr(plan) == "<Plan: 24 askings = 24 trials (24 new); to send 0.0 audio minutes>"
    assert plan.audio_min == pytest.approx(2.4 / 60)
    assert plan.billed_min == 24 / 60  # each begun second counts
    assert plan.usd == 0
    assert not engine.asked
    assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    assert repr(sweep.plan()) == repr(plan)  # an empty folder is no run yet
    with pytest.raises(StoreError, match="no run"):
        _ = sweep.transcripts


def test_changed_audio_and_engine_are_asked_anew_and_named(run, dataset, tmp_path):
    sweep = run(Scripted())
    samples, rate = soundfile.read(dataset.audio_path("u2"), dtype="int16")
    samples[7] += 1
    soundfile.write(dataset.audio_path("u2"), samples, rate, subtype="PCM_16")
    assert sweep.plan().table["why"].value_counts().to_dict() == {"stored": 20, "changed: audio": 4}
    renewed = Sweep(dataset, Scripted(version="2"), GRID, store=tmp_path / "run")
    assert set(renewed.plan().table["why"]) == {"changed: engine version", "changed: audio, engine version"}


def test_a_copy_of_the_same_samples_is_the_same_question(run, dataset):
    run(Scripted())
    path = dataset.audio_path("u2")
    samples, rate = soundfile.read(path, dtype="int16")
    path.unlink()
    soundfile.write(path.with_suffix(".flac"), samples, rate)
    path.with_suffix(".flac").rename(path)
    engine = Scripted()
    run(engine)
    assert not engine.asked


def test_questions_come_in_random_order_with_an_utterance_together(run):
    engine = Scripted()
    run(engine, concurrency=1, seed=5)
    utterances = [Path(q.audio).stem for q in engine.asked]
    groups = [utterances[place] for place in range(0, 24, 4)]
    assert utterances == [utt_id for utt_id in groups for _ in range(4)]
    assert sorted(groups) == [f"u{n}" for n in range(6)] != groups
    orders = {tuple((q.parameters.language is None, q.parameters.enable_itn) for q in engine.asked[p : p + 4])
              for p in range(0, 24, 4)}  # fmt: skip
    assert len(orders) > 1
    other = Scripted()
    run(other, concurrency=1, seed=6, store="other")
    assert [Path(q.audio).stem for q in other.asked] != utterances


def test_concurrency_is_bounded(run):
    engine = Scripted()
    run(engine, concurrency=3)
    assert engine.most_at_once == 3


def test_failures_are_rows_and_are_retried_only_when_told_to(run):
    engine = Scripted()
    engine.faults[3] = after(TaskFailed("no such file", code="FILE_404_NOT_FOUND", request_id="r-9"))
    sweep = run(engine, concurrency=1)
    assert len(engine.asked) == 24
    (failure,) = sweep.failures.itertuples()
    assert (failure.state, failure.error_code, failure.request_id) == ("failed", "FILE_404_NOT_FOUND", "r-9")
    assert failure.text is pd.NA
    engine = Scripted()
    sweep = run(engine)
    assert not engine.asked
    assert 'failed before: send it again with retry="failed"' in set(sweep.plan().table["why"])
    sweep = run(engine, retry="failed")
    assert len(engine.asked) == 1
    assert sweep.failures.empty
    assert sweep.transcripts["attempts"].max() == 2


def test_an_unknown_outcome_is_never_paid_for_twice_unasked(run, dataset):
    engine = Scripted(free=False)
    engine.faults[1] = OutcomeUnknown("the connection broke", code="ReadError")
    sweep = run(engine, concurrency=1)
    # It cannot be looked for, so nothing has to be told from it.
    assert sweep.transcripts["state"].value_counts().to_dict() == {"answered": 23, "unknown": 1}
    engine = Scripted(free=False)
    sweep = run(engine)
    assert sweep.failures["state"].tolist() == ["unknown"]
    sweep = run(engine, retry="unknown")
    assert sweep.transcripts["state"].unique().tolist() == ["answered"]


class Looking(Scripted):
    """Could look for what is lost, and finds nothing."""

    async def find_lost(self, question, lost, claimed):
        return None


class Finding(Scripted):
    """Loses the first submit, and looks for it."""

    def __init__(self, found, **options):
        super().__init__(**options)
        self.faults[1] = OutcomeUnknown("the connection broke", code="ReadError")
        self.found = found
        self.looked_for = []

    async def find_lost(self, question, lost, claimed):
        self.looked_for.append((question, lost, claimed))
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


def test_a_lost_submit_that_is_found_is_collected_and_not_sent_again(run):
    engine = Finding("task-0", free=False)
    sweep = run(engine, concurrency=1)
    assert sweep.transcripts["state"].unique().tolist() == ["answered"]
    assert sweep.transcripts["attempts"].max() == 1
    assert [q.task_id for q in engine.asked[:2]] == [None, "task-0"]
    assert len(engine.asked) == 25
    ((question, lost, claimed),) = engine.looked_for
    assert (question.audio, question.parameters) == (engine.asked[0].audio, engine.asked[0].parameters)
    assert lost.code == "ReadError"
    assert claimed == {f"task-{number}" for number in range(26)} - {"task-1", "task-2"}  # all that were ever submitted
    engine = Finding(None, free=False)
    run(engine)
    assert not engine.looked_for


@pytest.mark.parametrize("found", [None, ServiceError("cannot be listed", code="AccessDenied")])
def test_a_lost_submit_that_is_not_found_stays_unknown(run, found):
    sweep = run(Finding(found, free=False), concurrency=1)
    assert sweep.transcripts["state"].value_counts().to_dict() == {"answered": 20, "not run": 3, "unknown": 1}


def test_what_an_earlier_run_lost_is_looked_for_first(run):
    run(Finding(None, free=False), concurrency=1)
    engine = Finding("task-0", free=False)
    engine.faults.clear()
    sweep = run(engine, concurrency=1)
    ((question, lost, claimed),) = engine.looked_for
    assert lost.link == f"oss://uploads/{Path(question.audio).name}"
    assert lost.sent_at < lost.lost_at < lost.sent_at + timedelta(seconds=10)
    assert claimed >= {f"task-{number}" for number in range(2, 22)}
    assert sweep.failures.empty
    assert [q.task_id for q in engine.asked if q.task_id] == ["task-0"]
    assert len(engine.asked) == 4  # and three of that audio that had been held back


def test_shortly_after_an_earlier_run_lost_a_submit_none_of_that_audio_is_looked_for(run):
    run(Finding(None, free=False), concurrency=1)
    engine = Finding(None, free=False)
    sweep = run(engine, concurrency=1)  # three of that audio, the first of which is lost
    assert len(engine.looked_for) == 1  # that of the earlier run; what else were found might be that too
    assert sweep.failures["state"].value_counts().to_dict() == {"unknown": 2}


def test_a_warning_that_is_made_an_error_is_no_unknown_outcome(run):
    engine = Scripted(free=False)
    engine.faults[1] = UserWarning("enable_itn has no effect")
    sweep = run(engine, concurrency=1)
    assert sweep.transcripts["state"].value_counts().to_dict() == {"answered": 23, "failed": 1}


def test_what_costs_nothing_is_not_looked_for(run):
    engine = Finding("task-0", free=True)
    assert run(engine).failures["state"].tolist() == ["unknown"]
    assert not engine.looked_for


def test_an_unknown_outcome_that_costs_nothing_is_asked_again(run):
    engine = Scripted(free=True)
    engine.faults[1] = OutcomeUnknown("the connection broke", code="ReadError")
    assert run(engine).failures["state"].tolist() == ["unknown"]
    assert run(engine).failures.empty
    assert len(engine.asked) == 25


def test_a_task_that_was_submitted_is_collected(run):
    engine = Scripted(free=False)
    engine.faults[2] = after(ServiceError("gateway", code="Timeout", http_status=504))
    sweep = run(engine, concurrency=1)
    assert sweep.failures[["state", "error_code"]].to_numpy().tolist() == [["submitted", "Timeout"]]
    engine = Scripted(free=False)
    sweep = run(engine)
    assert [q.task_id for q in engine.asked] == ["task-2"]
    assert sweep.failures.empty
    assert sweep.transcripts["attempts"].max() == 1


@pytest.mark.parametrize("audio", [{}, {"snr": 10.0}])
def test_a_task_is_collected_by_an_engine_that_computes_from_the_recording(run, dataset, monkeypatch, audio):
    def stop_at_the_third(*_):
        raise StoreError("The run could not be written: database or disk is full.")

    conditions = grid(enable_itn=[False, True], **audio)
    monkeypatch.setattr(Store, "answered", stop_at_the_third)
    with pytest.raises(StoreError):
        run(ScriptedEngine(free=False), conditions)
    monkeypatch.undo()
    assert "submitted" in set(open_sweep(dataset.folder.parent / "run").transcripts["state"])
    sweep = run(ScriptedEngine(free=False), conditions)
    assert sweep.failures.empty
    assert sweep.transcripts["attempts"].eq(1).all()


def test_a_task_is_collected_though_its_recording_goes_after_the_plan(run, monkeypatch):
    engine = Scripted(free=False)
    engine.faults[2] = after(ServiceError("gateway", code="Timeout", http_status=504))
    run(engine, concurrency=1)

    def gone(*_):
        raise InvalidInput("The audio of u1 has changed since it was planned. Run again: it is planned anew.")

    monkeypatch.setattr("asrlab.sweep.plan._source", gone)
    engine = Scripted(free=False)
    assert run(engine).failures.empty
    assert [q.task_id for q in engine.asked] == ["task-2"]


def test_one_lost_submit_holds_back_the_others_that_wait_for_that_audio(run, dataset):
    class Lost(Looking):
        async def transcribe(self, question, steps=UNWATCHED):
            self.asked.append(question)
            await steps.sending("oss://uploads/u1.wav")
            await asyncio.sleep(0.01)
            raise OutcomeUnknown("the connection broke", code="ReadError")

    engine = Lost(free=False)
    sweep = run(engine, of=dataset.select(["u1"]), concurrency=4)
    assert len(engine.asked) == 1
    assert sweep.transcripts["state"].value_counts().to_dict() == {"not run": 3, "unknown": 1}

    class Refused(Looking):
        async def transcribe(self, question, steps=UNWATCHED):
            self.asked.append(question)
            await asyncio.sleep(0.01)
            raise ServiceError("Invalid API-key provided.", code="InvalidApiKey", http_status=401)

    engine = Refused(free=False)
    with pytest.raises(ServiceError):
        run(engine, of=dataset.select(["u1"]), store="other", concurrency=4)
    assert len(engine.asked) == 1


def test_a_task_that_is_not_known_so_soon_is_kept_and_one_that_is_forgotten_was_perhaps_paid_for(run, monkeypatch):
    engine = Scripted(free=False)
    engine.faults[1] = after(TaskFailed("no such task", code="UNKNOWN"))
    sweep = run(engine, concurrency=1)
    # Perhaps another workspace or host was asked: it is looked at again, and not paid for again.
    assert sweep.failures[["state", "error_code"]].to_numpy().tolist() == [["submitted", "UNKNOWN"]]
    assert len(engine.asked) == 24
    now = time.time()
    monkeypatch.setattr("asrlab.sweep.runner.time.time", lambda: now + 25 * 3600)
    engine = Scripted(free=False)
    engine.faults[1] = TaskFailed("no such task", code="UNKNOWN")
    assert run(engine, retry="failed").failures["state"].tolist() == ["unknown"]
    assert [q.task_id for q in engine.asked] == ["task-1"]
    engine = Scripted(free=False)
    assert run(engine, retry="unknown").failures.empty


def test_tasks_that_another_workspace_does_not_know_stop_the_run_and_are_collected_by_the_right_one(run):
    engine = Scripted(free=False)
    engine.faults = {number: after(ServiceError("gateway", code="Timeout")) for number in range(1, 25)}
    assert run(engine).failures["state"].tolist() == ["submitted"] * 24
    strange = Scripted(free=False)
    strange.faults = {number: TaskFailed("no such task", code="UNKNOWN") for number in range(1, 99)}
    with pytest.raises(TaskFailed, match="no such task"):
        run(strange, concurrency=1)
    assert len(strange.asked) == 10
    engine = Scripted(free=False)
    assert run(engine).failures.empty
    assert all(q.task_id for q in engine.asked)


def test_a_refused_link_does_not_stop_the_run(run):
    engine = Scripted()
    engine.faults[2] = after(ServiceError("the link was refused", code="AccessDenied", http_status=403))
    sweep = run(engine, concurrency=1)
    assert sweep.transcripts["state"].value_counts().to_dict() == {"answered": 23, "submitted": 1}


def test_an_answer_is_kept_whatever_stands_in_it(run):
    class Odd(Scripted):
        async def transcribe(self, question, steps=UNWATCHED):
            answer = await super().transcribe(question, steps)
            heard = (Transcript(0, "x", "e\ud83dn"),)
            return replace(answer, raw={"v": float("nan"), "s": "\ud83d"}, transcripts=heard, model="m\udc00")

    assert run(Odd()).transcripts["detected_language"].unique().tolist() == ["e\ufffdn"]
    engine = Scripted()
    engine.faults[1] = TaskFailed("half \ud83d", code="X\ud83d")
    assert run(engine, store="other", concurrency=1).failures["error_code"].tolist() == ["X\ufffd"]


def test_who_watches_cannot_end_the_run(dataset, tmp_path, caplog):
    sweep = Sweep(dataset, Scripted(), GRID, store=tmp_path / "run")
    assert repr(sweep) == "<Sweep run: nothing asked>"

    def fail(progress):
        raise ZeroDivisionError

    with pytest.raises(InvalidInput, match="retry must be"):
        sweep.run(retry="unknwon")
    sweep.run(progress=fail)
    assert caplog.text.count("Progress could not be reported") == 1
    assert sweep.transcripts["state"].eq("answered").all()


def test_the_answer_to_another_question_is_never_taken_for_ones_own(run, dataset, tmp_path, monkeypatch):
    run(Scripted(), grid(context={"terms": "OLD"}))
    other = Sweep(dataset, Scripted(), grid(context={"terms": "NEW"}), store=tmp_path / "run")
    assert other.transcripts["state"].eq("not run").all()
    monkeypatch.setenv("ASRLAB_OFFLINE", "1")
    with pytest.raises(MissingTrials, match="lacks 6 of 6"):
        other.run()
    with pytest.raises(MissingTrials, match="lacks 6 of 6"):
        other.replay()
    with pytest.raises(StoreError, match="not asked as it would be now"):
        other.save_replay(tmp_path / "r.jsonl")


def test_a_readme_of_ones_own_is_left_alone(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("memory", "run"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "README.txt").write_text("mine")
    sweep = run(Scripted())
    open_sweep(sweep.save_replay(tmp_path / "r.jsonl")).about  # noqa: B018 - reading it makes a store in memory
    assert {(tmp_path / folder / "README.txt").read_text() for folder in ("memory", "run")} == {"mine"}


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_the_run_and_loses_nothing(run, status):
    engine = Scripted()
    engine.faults[5] = ServiceError("Invalid API-key provided.", code="InvalidApiKey", http_status=status)
    with pytest.raises(ServiceError, match="Invalid API-key"):
        run(engine, concurrency=1)
    assert len(engine.asked) == 5
    engine = Scripted()
    sweep = run(engine)  # the key says nothing of the question
    assert len(engine.asked) == 20
    assert sweep.failures.empty


def test_ten_refusals_alike_one_after_the_other_stop_the_run(run):
    engine = Scripted(free=False)
    engine.faults = {number: ServiceError("no route", code="ConnectionFailed") for number in range(3, 99)}
    with pytest.raises(ServiceError, match="no route"):
        run(engine, concurrency=1)
    assert len(engine.asked) == 12
    engine = Scripted(free=False)
    engine.faults = {number: ServiceError("odd", code="Odd") for number in range(1, 99) if number % 3}
    sweep = run(engine, store="other", concurrency=1, retry=None)  # there are answers in between
    assert len(engine.asked) == 24
    assert sweep.failures["error_code"].tolist() == ["Odd"] * 16
    engine = Scripted(free=False)
    engine.faults = {number: after(TaskFailed("spoilt", code="DECODE_ERROR")) for number in range(1, 99)}
    assert len(run(engine, store="third").failures) == 24  # a task that fails says nothing of the next


def test_a_fault_of_the_engine_ends_one_trial(run, caplog):
    engine = Scripted()
    engine.faults[1] = ZeroDivisionError("a bug")
    engine.faults[2] = InvalidInput("channel 7 is not there")
    sweep = run(engine, concurrency=1)
    assert dict(zip(sweep.failures["error_code"], sweep.failures["state"], strict=True)) == {
        "ZeroDivisionError": "failed",
        "InvalidInput": "failed",
    }
    assert "ZeroDivisionError" in caplog.text


def test_bad_parameters_and_audio_are_refused_before_anything_is_sent(run, dataset):
    engine = Scripted()
    with pytest.raises(InvalidInput, match=r"channel_id \[2\] asks for a channel that utterance u\d does not have"):
        run(engine, grid(channel_id={"third": [2]}))
    dataset.audio_path("u5").write_text("no audio")
    with pytest.raises(InvalidInput, match="not audio"):
        run(engine)
    dataset.audio_path("u5").unlink()
    with pytest.raises(InvalidInput, match=r"no audio file .*u5\.wav"):
        run(engine)
    assert not engine.asked


def test_while_another_process_asks_one_waits_and_may_read(run, tmp_path):
    first = run(Scripted())
    engine, seen = Scripted(), []
    more = Sweep(first.dataset, engine, GRID, store=tmp_path / "run", repeats=2)
    with Store(tmp_path / "run") as store:
        assert store.drive()
        waiting = threading.Thread(target=more.run, kwargs={"progress": lambda p: seen.append((p.phase, p.because))})
        waiting.start()
        while not seen:
            time.sleep(0.01)
        assert seen[-1][0] == "waiting"
        assert f"process {os.getpid()}" in seen[-1][1]
        assert len(first.transcripts) == 24
        assert not engine.asked
    waiting.join()
    assert len(engine.asked) == 24


def test_a_store_that_cannot_be_written_is_an_error_and_loses_nothing(run, tmp_path, monkeypatch):
    engine = Scripted()
    answered = Store.answered

    async def full(self, attempt, trial, answer):
        if len(engine.asked) == 5:
            raise StoreError("The run could not be written: database or disk is full.")
        await answered(self, attempt, trial, answer)

    monkeypatch.setattr(Store, "answered", full)
    with pytest.raises(StoreError, match="disk is full"):
        run(engine, concurrency=1)
    monkeypatch.undo()
    sweep = open_sweep(tmp_path / "run")
    assert sweep.transcripts["state"].value_counts().to_dict() == {"not run": 19, "answered": 4, "submitted": 1}
    assert [r["outcome"] for r in sweep.provenance] == ["failed: StoreError"]
    engine = Scripted()
    run(engine)
    assert [q.task_id for q in engine.asked if q.task_id] == ["task-5"]
    assert len(engine.asked) == 20


def test_where_one_answer_cannot_be_stored_the_submits_under_way_are_not_torn(run, tmp_path, monkeypatch):
    class Slow(Scripted):
        async def transcribe(self, question, steps=UNWATCHED):
            if question.task_id is None:
                await steps.sending("oss://x")
                await asyncio.sleep(0.05 * (len(self.asked) % 3))
            return await super().transcribe(question, steps)

    answered = Store.answered

    async def full(self, attempt, trial, answer):
        if trial in refused or not refused:
            refused.add(trial)
            raise StoreError("The run could not be written: database or disk is full.")
        await answered(self, attempt, trial, answer)

    refused = set()
    monkeypatch.setattr(Store, "answered", full)
    with pytest.raises(StoreError, match="disk is full"):
        run(Slow(free=False), concurrency=8)
    monkeypatch.undo()
    states = open_sweep(tmp_path / "run").transcripts["state"].value_counts()
    assert states["submitted"] >= 1
    assert "unknown" not in states


def test_a_run_of_another_format_is_refused(run, tmp_path):
    run(Scripted())
    db = sqlite3.connect(tmp_path / "run" / "ledger.sqlite")
    db.execute("pragma user_version = 99")
    db.close()
    with pytest.raises(StoreError, match="store format 99"):
        run(Scripted())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "ledger.sqlite").write_text("this is no database, but text of some length" * 40)
    with pytest.raises(StoreError, match="could not be opened"):
        run(Scripted(), store="other")


def test_text_of_every_kind_survives(run, dataset):
    texts = [
        "",
        "null",
        "<script>alert(1)</script>",
        "e\u0301 👩‍👩‍👧 \u2028 \x00 \u202e",
        'quote " and \\',
        "half \ud83d pair",
    ]

    class Odd(Scripted):
        async def transcribe(self, question, steps=UNWATCHED):
            await super().transcribe(question, steps)
            said = texts[int(Path(question.audio).stem[1:])]
            return Answer((Transcript(0, said, None, (Sentence(0, 1, said),)),), 0.1, "m", raw={"said": said})

    sweep = run(Odd(), grid())
    assert sweep.transcripts["text"].tolist() == [*texts[:5], "half \ufffd pair"]
    replay = open_sweep(sweep.save_replay(sweep.source.with_suffix(".jsonl")))
    assert replay.transcripts["text"].tolist() == sweep.transcripts["text"].tolist()


def test_another_engine_has_not_the_answers_of_this_one(run, dataset, tmp_path, monkeypatch):
    first = run(Scripted(version="1"))
    other = Sweep(dataset, Scripted(version="2"), GRID, store=tmp_path / "run")
    assert other.transcripts["state"].eq("not run").all()
    assert other.transcripts["text"].isna().all()
    with pytest.raises(MissingTrials, match="lacks 24 of 24"):
        other.replay()
    with pytest.raises(MissingTrials, match="lacks 24 of 24"):
        Sweep(dataset, FiletransEngine(), GRID, store=tmp_path / "run").replay()
    other.run(progress=False)
    assert first.transcripts["asked_engine"].eq("scripted").all()
    stored = {"engine": "local", "recogniser": "sphinx", "model": "m", "version": "1", "region": "local"}
    assert LocalEngine("sphinx").may_be(stored)  # it is not reached yet
    assert not LocalEngine("whisper").may_be(stored)
    assert set(first.transcripts["trial"]).isdisjoint(other.transcripts["trial"])


def test_an_engine_is_used_by_one_at_a_time(run, dataset, tmp_path):
    inside, go_on = threading.Event(), threading.Event()

    class Slow(Scripted):
        async def transcribe(self, question, steps=UNWATCHED):
            inside.set()
            await asyncio.to_thread(go_on.wait)
            return await super().transcribe(question, steps)

    engine = Slow()
    thread = threading.Thread(target=run, args=(engine,))
    thread.start()
    inside.wait()
    with pytest.raises(InvalidInput, match="is in use by another run"):
        Sweep(dataset, engine, GRID, store=tmp_path / "other").run(progress=False)
    go_on.set()
    thread.join()
    Sweep(dataset, engine, GRID, store=tmp_path / "other").run(progress=False)


def test_recordings_need_not_be_at_hand_to_read_what_was_said_of_them(replay, dataset, monkeypatch):
    sweep, path = replay
    before = sweep.transcripts
    for name in dataset.utterances["audio"]:
        (dataset.folder / name).unlink()
    for store in (sweep.source, path):
        again = Sweep(dataset, Scripted(), GRID, store=store)
        pd.testing.assert_frame_equal(again.transcripts, before)
        again.replay()
        assert "23 answered" in repr(again)


def test_paid_answers_that_cannot_be_read_stop_the_run(run):
    engine = Scripted(free=False)
    engine.faults = {n: after(ServiceError("no transcripts in it", code="BadResponse")) for n in range(1, 99)}
    with pytest.raises(ServiceError, match="no transcripts in it"):
        run(engine, concurrency=1)
    assert len(engine.asked) == 10


def test_a_warning_made_an_error_after_the_request_leaves_its_outcome_unknown(run):
    class Warns(Scripted):
        async def transcribe(self, question, steps=UNWATCHED):
            await steps.sending("oss://x")
            raise UserWarning("deprecated")

    assert set(run(Warns(free=False)).failures["state"]) == {"unknown"}


@pytest.mark.parametrize("heard_s", [float("nan"), float("inf"), None, -1.0])
def test_an_odd_length_is_no_reason_to_lose_an_answer(run, heard_s):
    class Odd(Scripted):
        async def transcribe(self, question, steps=UNWATCHED):
            return replace(await super().transcribe(question, steps), audio_s=heard_s)

    assert run(Odd(free=False)).transcripts["state"].eq("answered").all()


def test_no_answer_at_all_ends_one_trial(run):
    class Mute(Scripted):
        async def transcribe(self, question, steps=UNWATCHED):
            answer = await super().transcribe(question, steps)
            return answer if len(self.asked) > 1 else None

    sweep = run(Mute(), concurrency=1)
    assert sweep.transcripts["state"].value_counts().to_dict() == {"answered": 23, "submitted": 1}


@pytest.mark.parametrize("channels", [(), (1,), (0, 1), (0, 0)])
def test_an_answer_for_other_channels_is_no_answer(run, channels):
    class Deaf(Scripted):
        async def transcribe(self, question, steps=UNWATCHED):
            answer = await super().transcribe(question, steps)
            if len(self.asked) > 1:
                return answer
            return replace(answer, transcripts=tuple(Transcript(channel, "x", "en") for channel in channels))

    sweep = run(Deaf(), concurrency=1)
    (failure,) = sweep.failures.itertuples()
    assert (failure.state, failure.error_code) == ("failed", "BadResponse")
    assert len(sweep.transcripts) == 24


def test_where_nothing_can_be_stored_what_is_throttled_tears_no_submit_either(run, tmp_path, monkeypatch):
    sent = []

    class Busy(Looking):
        async def transcribe(self, question, steps=UNWATCHED):
            self.asked.append(question)
            number = len(self.asked)
            await steps.sending("oss://x")
            if number == 1:
                await steps.refused()
                await asyncio.sleep(60)
            try:
                await asyncio.sleep(0.05 * number)
                sent.append(number)
            except asyncio.CancelledError:
                sent.append("torn")
                raise
            await steps.submitted(f"t-{number}")
            raise AssertionError("not reached")

    async def full(self, *_, **__):
        raise StoreError("The run could not be written: database or disk is full.")

    monkeypatch.setattr(Store, "submitted", full)
    monkeypatch.setattr(Store, "withdraw", full)
    with pytest.raises(StoreError, match="disk is full"):
        run(Busy(free=False), concurrency=16)  # the first of four recordings
    assert sent == [2, 3, 4]


def test_messages_name_the_utterance_and_not_a_path_of_this_machine(run, tmp_path):
    class Long(Scripted):
        async def transcribe(self, question, steps=UNWATCHED):
            raise InvalidInput(f"{question.audio} lasts 99,999 s; the service takes 43,200. Split it.")

    sweep = run(Long())
    assert sweep.failures["error"][0] == "u0 lasts 99,999 s; the service takes 43,200. Split it."
    assert str(tmp_path) not in sweep.save_replay(tmp_path / "r.jsonl").read_text()


def test_a_bug_in_the_look_for_lost_submits_ends_no_run(run):
    engine = Finding(KeyError("a bug"), free=False)
    assert run(engine, concurrency=1).failures["state"].tolist() == ["unknown"]
    assert run(Finding(KeyError("a bug"), free=False), concurrency=1).failures["state"].value_counts().max() >= 1


def test_an_orphan_of_an_earlier_attempt_is_not_taken_for_another_condition(run, dataset):
    one = dataset.select(["u1"])
    run(Finding(None, free=False), of=one, concurrency=1)  # the first is lost, three are held back
    lost = Finding("task-of-the-first", free=False)
    lost.faults = {1: OutcomeUnknown("broke", code="ReadError")}
    lost.found = None
    run(lost, of=one, retry="unknown", concurrency=1)
    engine = Finding("task-of-the-first", free=False)
    engine.faults.clear()
    sweep = run(engine, of=one, concurrency=1)
    assert not engine.looked_for  # there are two that it might be
    assert "task-of-the-first" not in {q.task_id for q in engine.asked}
    assert sweep.failures["state"].eq("unknown").all()


def test_numbers_that_are_none_are_refused(run, dataset, tmp_path):
    for wrong in (2.5, True, "3", 0):
        with pytest.raises(InvalidInput, match="concurrency must be a whole number from 1"):
            Sweep(dataset, Scripted(), GRID, store=tmp_path / "run").run(concurrency=wrong)
        with pytest.raises(InvalidInput, match="repeats must be a whole number from 1"):
            Sweep(dataset, Scripted(), GRID, store=tmp_path / "run", repeats=wrong)
    with pytest.raises(InvalidInput, match="seed must be a whole number from 0"):
        Sweep(dataset, Scripted(), GRID, store=tmp_path / "run", seed=-1)


def test_a_level_that_raises_names_the_utterance(run):
    with pytest.raises(
        InvalidInput, match=r"Utterance u0, condition .*: the level of context raised KeyError: 'nowhere'"
    ):
        run(Scripted(), grid(context={"note": lambda utterance: {}["nowhere"]}))


# Replays


@pytest.fixture
def replay(run, tmp_path):
    """A replay of a run in which one trial failed, and the sweep."""
    engine = Scripted()
    engine.faults[3] = TaskFailed("no such file", code="FILE_404_NOT_FOUND")
    sweep = run(engine)
    return sweep, sweep.save_replay(tmp_path / "replay.jsonl")


def test_a_replay_says_what_the_run_says(replay, tmp_path):
    sweep, path = replay
    again = open_sweep(path)
    pd.testing.assert_frame_equal(again.transcripts, sweep.transcripts)  # in the order of the grid, too
    assert again.about == sweep.about
    assert again.about["engine"] == "engine scripted, model parrot, region nowhere, version 1"
    pd.testing.assert_frame_equal(again.conditions, sweep.conditions)
    twice = again.save_replay(tmp_path / "again.jsonl")
    assert twice.read_bytes() == path.read_bytes()


def test_one_line_of_a_replay_changes_with_one_transcript(replay, tmp_path):
    sweep, path = replay
    db = sqlite3.connect(sweep.source / "ledger.sqlite")
    db.execute("update heard set text = 'other' where trial = (select min(trial) from heard)")
    db.commit()
    db.close()
    before, after_ = path.read_text().splitlines(), sweep.save_replay(path).read_text().splitlines()
    assert len(before) == len(after_) == 25
    assert sum(a != b for a, b in zip(before, after_, strict=True)) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: [lines[0], lines[1].replace("u0 ", "u9 "), *lines[2:]], "Line 2 of .* was changed"),
        (lambda lines: lines[:-1], "does not hold the 24 rows"),
        (lambda lines: [*lines, lines[-1]], "does not hold the 24 rows"),
        (lambda lines: lines[1:], "is no replay in format 2"),
        (lambda lines: [], "is no replay in format 2"),
        (lambda lines: [lines[0].replace('"asrlab_replay":2', '"asrlab_replay":3'), *lines[1:]], "is no replay"),
        (lambda lines: [lines[0].replace("parrot", "oracle"), *lines[1:]], "Line 1 of .* was changed"),
    ],
)
def test_a_replay_that_was_tampered_with_is_refused(replay, change, said):
    _, path = replay
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(change(lines)), encoding="utf-8")
    with pytest.raises(StoreError, match=said):
        _ = open_sweep(path).transcripts


def test_a_replay_is_never_run(replay, dataset):
    _, path = replay
    with pytest.raises(StoreError, match="is a replay"):
        Sweep(dataset, Scripted(), GRID, store=path).run(progress=False)


def test_offline_nothing_is_sent_and_what_is_missing_is_counted(replay, run, dataset, monkeypatch):
    sweep, path = replay
    monkeypatch.setenv("ASRLAB_OFFLINE", "1")
    engine = Scripted()
    more = grid(language={"none": None, "right": column("language"), "zh": "zh"}, enable_itn=[False, True])
    for store in (sweep.source, path):
        Sweep(dataset, engine, GRID, store=store).run()  # one of them failed: it was asked, and its row says so
        with pytest.raises(MissingTrials, match="lacks 12 of 36 answers"):
            Sweep(dataset, engine, more, store=store).run()
        monkeypatch.delenv("ASRLAB_OFFLINE")
        with pytest.raises(MissingTrials, match="lacks 24 of 48 answers"):
            Sweep(dataset, engine, GRID, store=store, repeats=2).replay()
        monkeypatch.setenv("ASRLAB_OFFLINE", "1")
    assert not engine.asked


def test_what_is_not_there_is_said(tmp_path, dataset):
    with pytest.raises(StoreError, match="no run at"):
        open_sweep(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match=r"no ledger\.sqlite"):
        _ = open_sweep(tmp_path / "empty").transcripts
    with pytest.raises(InvalidInput, match="repeats"):
        Sweep(dataset, Scripted(), GRID, store=tmp_path / "x", repeats=0)
    with pytest.raises(InvalidInput, match="concurrency"):
        Sweep(dataset, Scripted(), GRID, store=tmp_path / "x").run(concurrency=0)


def test_of_pieces_no_more_are_sent_once_a_run_is_to_stop_and_the_next_run_goes_on(run, dataset):
    class Pieces(Scripted):
        n_sent = 0

        async def transcribe(self, question, steps=UNWATCHED):
            for _ in range(3):
                await steps.sending("data:")
                Pieces.n_sent += 1
                if Pieces.n_sent == 1:
                    os.kill(os.getpid(), signal.SIGINT)
                await asyncio.sleep(0.2)
            return await super().transcribe(question)

    one = dataset.select(["u1"])
    with pytest.raises(KeyboardInterrupt):
        run(Pieces(free=False), of=one, concurrency=1)
    assert Pieces.n_sent == 1
    sweep = run(Pieces(free=False), of=one, concurrency=1)
    assert set(sweep.transcripts["state"]) == {"answered"}
