"""Sweeps: what is asked, what is kept, what is asked again, and what a killed process leaves behind."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from asrlab.data.dataset import Dataset
from asrlab.engines.base import Answer, Capabilities, Parameters, Sentence, Transcript, Word
from asrlab.errors import InvalidInput, MissingTrials, OutcomeUnknown, ServiceError, StoreError, TaskFailed
from asrlab.sweep.grid import column, grid
from asrlab.sweep.plan import identity, trial_of
from asrlab.sweep.progress import Progress, reporter
from asrlab.sweep.store import Store
from asrlab.sweep.sweep import Sweep, open_sweep

GRID = grid(language={"none": None, "right": column("language")}, enable_itn=[False, True])


class Scripted:
    """Answers at once with what it was asked, unless it is told otherwise."""

    name = "scripted"
    capabilities = Capabilities(frozenset({"language", "enable_itn"}), frozenset({"en", "zh"}))

    def __init__(self, *, free=True, version="1"):
        self.free = free
        self.identity = {"engine": "scripted", "model": "parrot", "version": version, "region": "nowhere"}
        self.asked = []
        self.faults = {}
        self.under_way = Counter()
        self.most_at_once = 0

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, trace):
        pass

    async def transcribe(self, question, submitted=None):
        self.asked.append(question)
        self.under_way["all"] += 1
        self.most_at_once = max(self.most_at_once, self.under_way["all"])
        try:
            fault = self.faults.get(len(self.asked))
            if fault is not None and not getattr(fault, "after", False):
                raise fault
            if question.task_id is None:
                await submitted(f"task-{len(self.asked)}")
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
    assert (first["unsupported"], first["engine"], first["model"]) == ("context", "scripted", "parrot 1")
    assert (first["region"], first["request_id"], first["attempts"]) == ("nowhere", "request-1", 1)
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
    assert plan.send_s == pytest.approx(2.4)
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


def test_identity_has_every_parameter_and_no_two_are_alike():
    base = {"language": None, "enable_itn": False, "context": None, "channel_id": (0,), "enable_words": False}
    others = {"language": "en", "enable_itn": True, "context": "x", "channel_id": (1,), "enable_words": True}
    assert set(base) == set(Parameters.__dataclass_fields__)
    engine = {"engine": "e", "model": "m", "version": "1", "region": "r"}
    made = [identity("a", engine, Parameters(**base), 0), identity("b", engine, Parameters(**base), 0)]
    made += [identity("a", engine, Parameters(**{**base, name: value}), 0) for name, value in others.items()]
    made += [identity("a", {**engine, fact: "other"}, Parameters(**base), 0) for fact in engine]
    made.append(identity("a", engine, Parameters(**base), 1))
    assert len({trial_of(canonical) for canonical in made}) == len(made)
    # What is hashed is a contract: stores written today must be found tomorrow.
    assert made[0] == (
        '{"audio":"a","engine":{"engine":"e","model":"m","region":"r","version":"1"},"parameters":{"channel_id":[0],'
        '"context":null,"enable_itn":false,"enable_words":false,"language":null},"recipe":1,"repeat":0}'
    )
    assert trial_of(made[0]) == "95a87d286870efea989f455c06933643"


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
    # No other submit of the same audio while that one is unresolved: it could not be told from it.
    assert len(engine.asked) == 21
    assert sweep.transcripts["state"].value_counts().to_dict() == {"answered": 20, "not run": 3, "unknown": 1}
    engine = Scripted(free=False)
    sweep = run(engine)
    assert sweep.failures["state"].tolist() == ["unknown"]
    sweep = run(engine, retry="unknown")
    assert sweep.transcripts["state"].unique().tolist() == ["answered"]


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


def test_where_an_earlier_run_left_an_unknown_outcome_none_is_looked_for(run, dataset):
    run(Finding(None, free=False), concurrency=1)
    engine = Finding("task-0", free=False)
    sweep = run(engine, concurrency=1)  # three of that audio, the first of which is lost
    assert not engine.looked_for  # what would be found might be that of the earlier run
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


def test_one_lost_submit_holds_back_the_others_that_wait_for_that_audio(run, dataset):
    class Lost(Scripted):
        async def transcribe(self, question, submitted=None):
            self.asked.append(question)
            await asyncio.sleep(0.01)
            raise OutcomeUnknown("the connection broke", code="ReadError")

    engine = Lost(free=False)
    sweep = run(engine, of=dataset.select(["u1"]), concurrency=4)
    assert len(engine.asked) == 1
    assert sweep.transcripts["state"].value_counts().to_dict() == {"not run": 3, "unknown": 1}

    class Refused(Scripted):
        async def transcribe(self, question, submitted=None):
            self.asked.append(question)
            await asyncio.sleep(0.01)
            raise ServiceError("Invalid API-key provided.", code="InvalidApiKey", http_status=401)

    engine = Refused(free=False)
    with pytest.raises(ServiceError):
        run(engine, of=dataset.select(["u1"]), store="other", concurrency=4)
    assert len(engine.asked) == 1


def test_a_forgotten_task_was_perhaps_paid_for_and_is_not_sent_again_as_failed(run):
    engine = Scripted(free=False)
    engine.faults[1] = after(TaskFailed("no such task", code="UNKNOWN"))
    assert run(engine, concurrency=1).failures["state"].tolist() == ["unknown"]
    engine = Scripted(free=False)
    run(engine, retry="failed")
    assert len(engine.asked) == 3  # those of that audio that were held back
    assert run(engine).failures["state"].tolist() == ["unknown"]


def test_a_refused_link_does_not_stop_the_run(run):
    engine = Scripted()
    engine.faults[2] = after(ServiceError("the link was refused", code="AccessDenied", http_status=403))
    sweep = run(engine, concurrency=1)
    assert sweep.transcripts["state"].value_counts().to_dict() == {"answered": 23, "submitted": 1}


def test_an_answer_is_kept_whatever_stands_in_it(run):
    class Odd(Scripted):
        async def transcribe(self, question, submitted=None):
            answer = await super().transcribe(question, submitted)
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
    with pytest.raises(ZeroDivisionError):
        sweep.run(progress=fail)  # said at the end, when nothing can be lost by it
    assert sweep.transcripts["state"].eq("answered").all()


def test_the_answer_to_another_question_is_never_taken_for_ones_own(run, dataset, tmp_path, monkeypatch):
    run(Scripted(), grid(context={"terms": "OLD"}))
    other = Sweep(dataset, Scripted(), grid(context={"terms": "NEW"}), store=tmp_path / "run")
    assert other.transcripts["state"].eq("not run").all()
    monkeypatch.setenv("ASRLAB_OFFLINE", "1")
    with pytest.raises(MissingTrials, match="lacks 6 of 6"):
        other.run()
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
    sweep = run(engine, retry="failed")
    assert len(engine.asked) == 20
    assert sweep.failures.empty


def test_a_fault_of_the_engine_ends_one_trial(run, caplog):
    engine = Scripted()
    engine.faults[1] = ZeroDivisionError("a bug")
    engine.faults[2] = InvalidInput("channel 7 is not there")
    sweep = run(engine, concurrency=1)
    assert dict(zip(sweep.failures["error_code"], sweep.failures["state"], strict=True)) == {
        "ZeroDivisionError": "unknown",
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
    with pytest.raises(InvalidInput, match="Utterance u5: there is no audio file"):
        run(engine)
    assert not engine.asked


def test_only_one_process_asks_at_a_time_and_others_may_read(run, tmp_path):
    first = run(Scripted())
    with Store(tmp_path / "run") as store, store.driving():
        with pytest.raises(StoreError, match="Another process is running"):
            run(Scripted())
        assert len(first.transcripts) == 24
    run(Scripted())


def test_a_store_that_cannot_be_written_is_an_error_and_loses_nothing(run, tmp_path, monkeypatch):
    engine = Scripted()
    answered = Store.answered

    def full(self, trial, attempt, answer):
        if len(engine.asked) == 5:
            with self._told("written"):
                raise sqlite3.OperationalError("database or disk is full")
        answered(self, trial, attempt, answer)

    monkeypatch.setattr(Store, "answered", full)
    with pytest.raises(StoreError, match=r"disk is full.*What was stored before is safe"):
        run(engine, concurrency=1)
    monkeypatch.undo()
    frame = open_sweep(tmp_path / "run").transcripts
    assert frame["state"].value_counts().to_dict() == {"not run": 19, "answered": 4, "submitted": 1}
    engine = Scripted()
    run(engine)
    assert [q.task_id for q in engine.asked if q.task_id] == ["task-5"]
    assert len(engine.asked) == 20


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
        async def transcribe(self, question, submitted=None):
            await super().transcribe(question, submitted)
            said = texts[int(Path(question.audio).stem[1:])]
            return Answer((Transcript(0, said, None, (Sentence(0, 1, said),)),), 0.1, "m", raw={"said": said})

    sweep = run(Odd(), grid())
    assert sweep.transcripts["text"].tolist() == [*texts[:5], "half \ufffd pair"]
    replay = open_sweep(sweep.save_replay(sweep.source.with_suffix(".jsonl")))
    assert replay.transcripts["text"].tolist() == sweep.transcripts["text"].tolist()


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
        (lambda lines: lines[1:], "is no replay in format 1"),
        (lambda lines: [], "is no replay in format 1"),
        (lambda lines: [lines[0].replace('"asrlab_replay":1', '"asrlab_replay":2'), *lines[1:]], "is no replay"),
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
    for store in (sweep.source, path):
        with pytest.raises(MissingTrials, match="lacks 1 of 24 answers"):
            Sweep(dataset, engine, GRID, store=store).run()
    whole = grid(language={"none": None}, enable_itn=[False])
    if sweep.failures["condition"].iloc[0] != "language=none, enable_itn=False":
        Sweep(dataset, engine, whole, store=path).run()
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


# Killing


# A shell's background job, as a gate may be one, inherits interrupts ignored.
KILLED = """
import asyncio, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {tests!r})
from test_sweep import GRID, Scripted
from asrlab.data.dataset import load_dataset
from asrlab.sweep.sweep import Sweep

class Slow(Scripted):
    async def transcribe(self, question, submitted=None):
        with open({log!r}, "a") as log:
            log.write(f"{{question.audio}} {{question.parameters}} {{question.task_id}}\\n")
        await asyncio.sleep(0.01)
        answer = await super().transcribe(question, submitted)
        await asyncio.sleep(0.01)
        return answer

Sweep(load_dataset({folder!r}), Slow(free=False), GRID, store={store!r}, repeats=3).run(progress=False, retry={retry!r})
"""


def test_killed_at_random_it_goes_on_and_asks_nothing_twice(dataset, tmp_path):
    rows = json.loads(dataset.utterances.drop(columns="tags").to_json(orient="records"))
    (dataset.folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    names = {"tests": str(Path(__file__).parent), "folder": str(dataset.folder), "store": str(tmp_path / "run"),
             "log": str(tmp_path / "log")}  # fmt: skip
    rng = np.random.default_rng(11)
    for _ in range(6):
        process = subprocess.Popen([sys.executable, "-c", KILLED.format(**names, retry=None)])
        began = time.monotonic()
        while not (tmp_path / "log").exists() and time.monotonic() - began < 30:
            time.sleep(0.01)
        time.sleep(rng.uniform(0.6, 1.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if (tmp_path / "run" / "ledger.sqlite").exists():
            frame = open_sweep(tmp_path / "run").transcripts
            assert frame[frame["state"] == "answered"]["text"].notna().all()
    for retry in (None, "unknown"):
        subprocess.run([sys.executable, "-c", KILLED.format(**names, retry=retry)], check=True)
    frame = open_sweep(tmp_path / "run").transcripts
    assert frame["state"].value_counts().to_dict() == {"answered": 72}
    asked = [line for line in (tmp_path / "log").read_text().splitlines() if line.endswith(" None")]
    # A submit is repeated only where its outcome was unknown and retry="unknown" said to.
    assert len(asked) == frame["attempts"].sum()
    db = sqlite3.connect(tmp_path / "run" / "ledger.sqlite")
    former = """select distinct state from attempt a
        where exists (select 1 from attempt b where b.trial = a.trial and b.attempt > a.attempt)"""
    assert {state for (state,) in db.execute(former)} <= {"begun"}
    db.close()


def test_interrupted_it_ends_at_once_and_goes_on_where_it_was(dataset, tmp_path):
    rows = json.loads(dataset.utterances.drop(columns="tags").to_json(orient="records"))
    (dataset.folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    names = {"tests": str(Path(__file__).parent), "folder": str(dataset.folder), "store": str(tmp_path / "run"),
             "log": str(tmp_path / "log")}  # fmt: skip
    code = KILLED.format(**names, retry=None).replace("asyncio.sleep(0.01)", "asyncio.sleep(0.2)")
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    began = time.monotonic()
    while (not (tmp_path / "log").exists() or len((tmp_path / "log").read_text().splitlines()) < 20) and (
        time.monotonic() - began < 30
    ):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert process.returncode != 0
    assert said.rstrip().endswith("KeyboardInterrupt")
    before = open_sweep(tmp_path / "run").transcripts
    assert 0 < (before["state"] == "answered").sum() < 72
    subprocess.run([sys.executable, "-c", KILLED.format(**names, retry="unknown")], check=True)
    after_ = open_sweep(tmp_path / "run").transcripts
    assert after_["state"].eq("answered").all()
    kept = before["state"].eq("answered").to_numpy()
    assert after_[kept]["attempts"].eq(1).all()
    assert after_[before["state"].eq("submitted").to_numpy()]["attempts"].eq(1).all()  # collected, not asked again


# Progress


def test_progress_is_said_in_one_line():
    progress = Progress(200, stored=3)
    progress.ended.update(answered=50, failed=2)
    progress.codes["Throttling"] = 2
    progress.started -= 65
    assert (
        progress.text() == "52/200 trials · 3 stored before · 2 failed · Throttling x2 · 1:05 min · about 3:05 min left"
    )
    assert progress.markup().startswith('<progress value="0.260" max="1"></progress> 52/200 trials')
    progress.finished = True
    assert progress.text().endswith("· stopped")
    progress.ended.update(answered=148)
    assert progress.text().endswith("1:05 min in all")


def test_a_log_gets_few_lines_and_a_terminal_one(capsys):
    for kind in ("log", "terminal"):
        report = reporter(kind)
        progress = Progress(1000)
        for _ in range(1000):
            progress.ended["answered"] += 1
            report(progress)
        progress.finished = True
        report(progress)
    said = capsys.readouterr().err
    lines = [line for line in said.splitlines() if "\r" not in line and line.strip()]
    assert 2 <= len(lines) <= 4
    assert said.count("\x1b[K1000/1000") == 1


def test_codes_are_escaped_in_markup():
    progress = Progress(2)
    progress.codes["<b>"] = 1
    assert "<b>" not in progress.markup()
