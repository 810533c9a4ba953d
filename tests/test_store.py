"""Stores: what was written is there, whatever happens to the process, the disk or the file."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from asrlab import tables
from asrlab.engines.base import Answer, Parameters, Sentence, Transcript, Word
from asrlab.errors import InvalidInput, MissingExtra, StoreError
from asrlab.sweep.export import export
from asrlab.sweep.identity import Identity, canonical_engine, canonical_parameters
from asrlab.sweep.store import Asking, Intent, Spent, Standing, Store, disks, is_run

STORES = Path(__file__).parent / "stores"
ENGINE = {"engine": "scripted", "model": "parrot", "version": "1", "region": "nowhere"}
LEDGER = "ledger.sqlite"


def questions(n, *, channels=(0,), engine=ENGINE, repeat=0):
    """``n`` askings of utterances of their own, and the identities of their trials."""
    parameters = canonical_parameters(Parameters(channel_id=channels))
    identities = [Identity(f"pcm-sha256:{i:064x}", canonical_engine(engine), parameters, repeat) for i in range(n)]
    askings = [Asking(f"u{i}", "language=none", repeat, of.trial, {"language": "none"})
               for i, of in enumerate(identities)]  # fmt: skip
    return askings, {of.trial: of for of in identities}


def answer(said="Ship it.", *, channels=(0,), **facts):
    heard = tuple(
        Transcript(c, said, "en", (Sentence(0, 900, said, "en", (Word(0, 90, "Ship", " "),)),)) for c in channels
    )
    return Answer(**{"transcripts": heard, "audio_s": 1.5, "model": "parrot 1", "raw": {"said": said}, **facts})


def intent(trial, **facts):
    return Intent(trial, **{"begun": 1_790_000_000.0, **facts})


async def ask(store, trial, said="Ship it.", **facts):
    """Take a trial through all steps."""
    attempt = await store.begin(intent(trial))
    await store.submitted(trial, attempt, f"task-{trial}")
    await store.answered(attempt, trial, answer(said, **facts))


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "run", create=True) as made:
        yield made


@pytest.fixture
def planned(store):
    """A store with 8 questions planned, and their trials in order."""
    askings, identities = questions(8)
    store.plan(askings, identities, {"axes": [["language", ["none"]]]})
    return store, [a.trial for a in askings]


def edit(folder, *statements):
    """Change a ledger behind the store's back."""
    db = sqlite3.connect(Path(folder) / LEDGER)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


# Steps


def test_each_step_is_on_the_disk_when_it_returns(planned, tmp_path):
    store, (trial, *_) = planned

    def there():
        db = sqlite3.connect(f"file:{tmp_path / 'run' / LEDGER}?mode=ro", uri=True)
        with contextlib.closing(db):
            return db.execute("select state, task_id, link, reserved_s from attempt").fetchall()

    async def steps():
        assert there() == []
        attempt = await store.begin(intent(trial, link="https://host/a.wav?Signature=s3cret#x", reserved_s=7))
        assert there() == [("begun", None, "https://host/a.wav", 7)]
        await store.submitted(trial, attempt, "task-1")
        assert there() == [("submitted", "task-1", "https://host/a.wav", 7)]
        await store.answered(attempt, trial, answer())
        assert there() == [("answered", "task-1", "https://host/a.wav", 7)]

    asyncio.run(steps())
    assert b"s3cret" not in (tmp_path / "run" / LEDGER).read_bytes()
    # SQLite names 2 what waits for the disk at each commit.
    with contextlib.closing(store._ledger.connect()) as db:
        assert db.execute("pragma synchronous").fetchone() == (2,)
        assert db.execute("pragma journal_mode").fetchone() == ("wal",)


def test_writes_that_come_together_are_committed_together_and_fail_alone(planned, monkeypatch):
    store, trials = planned
    sizes = []
    real = store._committer._commit
    monkeypatch.setattr(store._committer, "_commit", lambda writes: (sizes.append(len(writes)), real(writes)))

    async def steps():
        return await asyncio.gather(
            *(store.begin(intent(trial)) for trial in [*trials, "never planned", trials[0]]), return_exceptions=True
        )

    *attempts, refused, second = asyncio.run(steps())
    assert attempts == [1] * 8
    assert second == 2
    assert isinstance(refused, StoreError)
    assert "never planned" in str(refused)
    assert sum(sizes) == 10
    assert len(sizes) < 10
    assert set(store.standings()) == set(trials)


def test_who_is_cancelled_before_sending_leaves_no_intent(planned):
    store, trials = planned

    async def steps():
        waiting = [asyncio.create_task(store.begin(intent(trial))) for trial in trials]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert all(task.cancelled() for task in waiting)
        assert await store.begin(intent(trials[0])) == 1

    asyncio.run(steps())
    assert list(store.standings()) == trials[:1]


def test_an_answer_is_kept_though_who_waits_for_it_is_cancelled(planned):
    store, (trial, *_) = planned

    async def steps():
        attempt = await store.begin(intent(trial))
        task = asyncio.create_task(store.answered(attempt, trial, answer()))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(steps())
    store.close()
    with Store(store.folder) as again:
        assert again.standings()[trial].state == "answered"


def test_what_is_answered_is_never_asked_again(planned):
    store, (trial, *_) = planned
    asyncio.run(ask(store, trial))
    with pytest.raises(StoreError, match="has its answer already"):
        asyncio.run(store.begin(intent(trial)))
    for step in (
        store.submitted(trial, 1, "task-2"),
        store.submitted(trial, 2, "task-2"),
        store.answered(1, trial, answer()),
        store.ended(1, trial, "failed", code="X", message="x"),
    ):
        with pytest.raises(StoreError, match="never begun, or is answered already"):
            asyncio.run(step)
    with pytest.raises(InvalidInput, match="not 'done'"):
        asyncio.run(store.ended(1, trial, "done", code="X", message="x"))
    assert store.verify() == []


def test_an_intent_that_was_not_begun_is_written_with_its_end(planned):
    store, (one, other, *_) = planned
    asyncio.run(store.answered(intent(one, reserved_s=3), one, answer()))
    asyncio.run(store.ended(intent(other), other, "failed", code="InvalidInput", message="no such channel"))
    assert store.standings() == {one: Standing("answered", 1), other: Standing("failed", 1)}
    assert store.verify() == []


def test_a_closed_store_is_not_written(planned):
    store, (trial, *_) = planned
    store.close()
    with pytest.raises(StoreError, match="was closed"):
        asyncio.run(store.begin(intent(trial)))
    with pytest.raises(StoreError, match="could not be read"):
        store.standings()


# What there is


def test_the_table_is_what_was_told_step_by_step(store):
    """Against a table made row by row of what this test remembers."""
    rng = random.Random(5)
    engines = [ENGINE, {"engine": "other", "model": "owl"}]
    askings, identities, remembered = [], {}, {}
    for number in range(300):
        channels = rng.choice([(0,), (1,), (1, 0)])
        of = Identity(f"pcm-sha256:{rng.randrange(80):064x}", canonical_engine(rng.choice(engines)),
                      canonical_parameters(Parameters(channel_id=channels)), rng.randrange(2))  # fmt: skip
        identities[of.trial] = of
        label = str(channels)
        labels = {"channels": label} | ({"extra": "x"} if channels == (1,) else {})
        askings.append(Asking(f"u{number}", f"channels={label}", of.repeat, of.trial, labels))
        remembered[of.trial] = {
            "state": "not run",
            "attempts": 0,
            "channels": channels,
            "engine": json.loads(of.engine),
        }
    store.plan(askings, identities, {"axes": [["extra", ["x"]], ["channels", ["(0,)"]]]})

    async def steps():
        for trial, known in remembered.items():
            for ending in rng.choice([[], ["begun"], ["failed"], ["unknown", "answered"], ["answered"], ["submitted"]]):
                begun = 1.79e9 + rng.random() * 1e6
                known["attempts"] = attempt = await store.begin(Intent(trial, begun))
                known.update(state="unknown" if ending == "begun" else ending, at=begun, code=None, request=None)
                if ending in ("submitted", "answered"):
                    before = time.time()
                    await store.submitted(trial, attempt, f"task-{trial}-{attempt}")
                    known["at"] = (before, time.time())
                if ending == "answered":
                    heard = tuple(
                        Transcript(c, rng.choice(["", "eins", "二\x00"]), rng.choice([None, "de"]))
                        for c in known["channels"]
                    )
                    known["answer"] = Answer(
                        heard, rng.choice([None, 2.5]), f"m{rng.randrange(3)}", rng.choice([None, 4]),
                        rng.choice([(), ("context", "language")]), rng.choice([None, 0.5]), 1.0, "r",
                    )  # fmt: skip
                    known["request"] = "r"
                    await store.answered(attempt, trial, known["answer"])
                elif ending != "begun":
                    known.update(code="C", request=rng.choice([None, "q"]))
                    await store.ended(attempt, trial, ending, code="C", message="m", request_id=known["request"])

    asyncio.run(steps())
    frame = store.transcripts()
    pd.testing.assert_frame_equal(store.transcripts(store.askings()), frame)
    assert list(frame.columns[-2:]) == ["extra", "channels"]
    schema_ = tables.SCHEMAS["transcripts"]
    assert {name: str(frame[name].dtype) for name in schema_} == {name: dtype for name, (dtype, _) in schema_.items()}
    rows = iter(frame.astype(object).where(frame.notna(), None).to_dict("records"))
    for asking in askings:
        known = remembered[asking.trial]
        told = known.get("answer")
        for place, channel in enumerate(known["channels"]):
            row = next(rows)
            at = row.pop("submitted_at")
            if known["attempts"] == 0:
                assert at is None
            else:
                moment = pd.Timestamp(at).timestamp()
                low, high = known["at"] if isinstance(known["at"], tuple) else (known["at"],) * 2
                assert low - 0.002 <= moment <= high + 0.001
                assert len(at) == len("2026-11-27T00:02:29.160+00:00")
            heard = told.transcripts[place] if told else None
            assert row == {
                "trial": asking.trial, "utt_id": asking.utt_id, "condition": asking.condition, "repeat": asking.repeat,
                "channel": channel, "state": known["state"], "text": heard and heard.text,
                "detected_language": heard and heard.language, "audio_s": told and told.audio_s,
                "queued_s": told and told.queued_s, "elapsed_s": told and told.elapsed_s,
                "attempts": known["attempts"], "error_code": known.get("code"),
                "error": "m" if known.get("code") else None, "context_tokens": told and told.context_tokens,
                "unsupported": (",".join(told.unsupported) or None) if told else None,
                "asked_engine": known["engine"]["engine"],
                "answered_by": told.model if told else known["engine"]["model"],
                "asked_region": known["engine"].get("region"), "request_id": known.get("request"),
                "extra": asking.labels.get("extra"), "channels": asking.labels["channels"],
            }  # fmt: skip
    assert next(rows, None) is None
    assert store.verify() == []


def test_askings_that_were_never_planned_are_not_run(planned):
    store, _ = planned
    frame = store.transcripts([Asking("u9", "c", 0, "f" * 32, {"language": "none"})])
    assert frame[["state", "channel", "attempts", "language"]].to_numpy().tolist() == [["not run", 0, 0, "none"]]
    assert frame["asked_engine"].isna().all()
    assert len(store.transcripts([])) == 0
    with Store(None) as empty:
        assert list(empty.transcripts().columns) == list(tables.SCHEMAS["transcripts"])


def test_the_last_plan_counts_and_the_first_order_stays(store):
    askings, identities = questions(3)
    store.plan(askings, identities, {"seed": 1})
    again, others = questions(3, engine={**ENGINE, "version": "2"})
    more, rest = questions(4, engine={**ENGINE, "version": "2"})
    renamed = [Asking(a.utt_id, a.condition, a.repeat, a.trial, {"language": "none", "itn": "on"}) for a in more]
    store.plan([renamed[3], renamed[2]], {**others, **rest}, {"seed": 2})
    assert [a.utt_id for a in store.askings()] == ["u0", "u1", "u2", "u3"]
    assert [a.trial for a in store.askings()] == [askings[0].trial, askings[1].trial, again[2].trial, more[3].trial]
    assert {tuple(a.labels) for a in store.askings()} == {("itn", "language")}
    assert store.meta() == {"seed": 2}
    assert store.identities() == {
        **identities,
        **{t: rest[t] for t in (more[2].trial, more[3].trial)},
        **others,
        **rest,
    }
    assert store.identity(askings[0].trial) == identities[askings[0].trial]
    assert store.identity("f" * 32) is None
    assert store.verify() == []


def test_what_is_not_known_is_told_with_what_helps_to_find_it(planned):
    store, trials = planned

    async def steps():
        await store.begin(intent(trials[0], begun=20.0, link="oss://a/0.wav"))
        attempt = await store.begin(intent(trials[1], begun=10.0))
        await store.ended(attempt, trials[1], "unknown", code="ReadError", message="broke")
        attempt = await store.begin(intent(trials[2], begun=5.0))
        await store.ended(attempt, trials[2], "unknown", code="ReadError", message="broke")
        await ask(store, trials[2])  # asked again since: what became of the first is as unknown as before
        withdrawn = await store.begin(intent(trials[3], begun=1.0))
        await store.withdraw(trials[3], withdrawn)

    asyncio.run(steps())
    superseded, first, second = store.unknown()
    assert (superseded.trial, superseded.attempt) == (trials[2], 1)
    assert store.standings().get(trials[3]) is None
    assert (first.trial, first.attempt, first.begun, first.link) == (trials[1], 1, 10.0, None)
    assert first.ended > 1e9
    assert (second.trial, second.link, second.ended) == (trials[0], "oss://a/0.wav", None)
    assert second.audio == f"pcm-sha256:{0:064x}"
    assert store.task_ids() == {f"task-{trials[2]}"}
    standing = store.standings()[trials[2]]
    assert (standing.state, standing.attempts, standing.task_id) == ("answered", 2, None)
    assert standing.submitted == pytest.approx(time.time(), abs=60)


def test_spent_is_what_may_have_been_billed(planned):
    store, trials = planned
    paid = {"reserved_s": 10, "usd_per_s": 0.01}

    async def steps():
        await store.begin(intent(trials[0], **paid))  # killed: 10
        attempt = await store.begin(intent(trials[1], **paid))
        await store.ended(attempt, trials[1], "failed", code="InvalidApiKey", message="refused")  # 0
        attempt = await store.begin(intent(trials[2], **paid))
        await store.submitted(trials[2], attempt, "t2")
        await store.ended(attempt, trials[2], "failed", code="FILE_404", message="no file")  # 10
        attempt = await store.begin(intent(trials[2], **paid))
        await store.submitted(trials[2], attempt, "t2b")
        await store.answered(attempt, trials[2], answer(audio_s=3.2))  # 10: what was reserved is more
        await store.answered(intent(trials[3], **paid), trials[3], answer(audio_s=12.2))  # 13
        await store.answered(intent(trials[4], **paid), trials[4], answer(audio_s=float("inf")))  # 10
        await store.answered(intent(trials[5]), trials[5], answer(audio_s=None))  # 0
        attempt = await store.begin(intent(trials[6], **paid))
        await store.ended(attempt, trials[6], "unknown", code="X", message="x")  # 10

    asyncio.run(steps())
    assert store.spent("scripted") == Spent(63.0, pytest.approx(0.63))
    assert store.spent("filetrans") == Spent(0.0, 0.0)  # a rehearsal is not billed
    with Store(None) as empty:
        assert empty.spent("scripted") == Spent(0.0, 0.0)


def test_pace_leaves_pauses_out(planned, monkeypatch):
    store, _ = planned
    assert store.pace() is None
    more, identities = questions(30, repeat=1)
    store.plan(more, identities, {})
    moments = [*range(1000, 1015), *range(9000, 9015)]  # one a second, and a pause of over two hours
    for asking, moment in zip(more, moments, strict=True):
        monkeypatch.setattr("asrlab.sweep.store.store.time.time", lambda moment=moment: float(moment))
        asyncio.run(store.answered(Intent(asking.trial, moment - 0.5), asking.trial, answer()))
    assert store.pace() == pytest.approx(1.0)
    assert store.answered_span(canonical_engine(ENGINE)) == (999.5, 9013.5)
    assert store.answered_span("{}") is None


def test_runs_are_kept_with_their_facts_and_attempts_name_theirs(planned):
    store, trials = planned
    asyncio.run(ask(store, trials[0]))
    number = store.begin_run({"python": "3.11", "card": "text\ud83d", "nested": {"n": [1, None]}})
    asyncio.run(ask(store, trials[1]))
    store.end_run(number, "interrupted")
    store.begin_run({})
    first, second = store.runs()
    assert (first["run"], first["outcome"]) == (1, "interrupted")
    assert first["facts"] == {"python": "3.11", "card": "text\ufffd", "nested": {"n": [1, None]}}
    assert first["started"] <= first["ended"] <= time.time()
    assert (second["ended"], second["outcome"]) == (None, None)
    with sqlite3.connect(store.folder / LEDGER) as db:
        assert db.execute("select run from attempt order by trial").fetchall() == [(None,), (1,)]
    db.close()
    with pytest.raises(StoreError, match="no run number 9"):
        store.end_run(9, "x")


# Whatever stands in it


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("null", "null"),
        ("<script>alert(1)</script> 'x' \"y\" \\", None),
        ("e\u0301 👩‍👩‍👧 \u2028 \x00 \u202e \x00", None),
        ("half \ud83d pair", "half \ufffd pair"),
        ("word " * 2_000_000, None),
    ],
    ids=["empty", "null", "markup", "unicode", "surrogate", "10 MB"],
)
def test_text_of_every_kind_survives(planned, text, kept):
    store, (trial, *_) = planned
    asyncio.run(ask(store, trial, text))
    wanted = text if kept is None else kept
    assert store.transcripts()["text"][0] == wanted
    assert store.raw(trial) == {"said": wanted}
    assert store.verify() == []


def test_an_answer_that_was_paid_for_is_kept_whatever_numbers_stand_in_it(planned):
    store, trials = planned
    odd = {"nan": float("nan"), "inf": float("inf"), "object": {1}, "big": 1 << 80}
    asyncio.run(ask(store, trials[0], audio_s=float("nan"), queued_s=float("inf"), elapsed_s=-0.0, raw=odd))
    row = store.transcripts().iloc[0]
    assert row["audio_s"] is pd.NA
    assert (row["queued_s"], row["elapsed_s"]) == (float("inf"), 0.0)
    raw = store.raw(trials[0])
    assert np.isnan(raw["nan"])
    assert (raw["inf"], raw["object"], raw["big"]) == (float("inf"), "{1}", 1 << 80)
    assert store.verify() == []
    for wrong in ({"context_tokens": 1 << 80}, {"context_tokens": 5.0}):
        with pytest.raises(InvalidInput, match="as context_tokens, which are a whole number"):
            asyncio.run(ask(store, trials[1], **wrong))
    with pytest.raises(StoreError, match=r"no answer as received"):
        store.raw(trials[1])
    with pytest.raises(InvalidInput, match="not a JSON value"):
        store.plan([], {}, {"seed": float("nan")})


def test_a_collected_answer_has_no_trace_of_what_went_wrong_before(planned):
    store, (trial, *_) = planned

    async def steps():
        attempt = await store.begin(intent(trial))
        await store.submitted(trial, attempt, "t-1")
        await store.ended(attempt, trial, "submitted", code="Throttling", message="poll refused")
        await store.answered(attempt, trial, answer())

    asyncio.run(steps())
    row = store.transcripts().iloc[0]
    assert (row["state"], row["error_code"], row["error"]) == ("answered", pd.NA, pd.NA)


def test_a_document_with_odd_keys_is_no_reason_to_lose_an_answer(planned):
    store, (trial, *_) = planned
    asyncio.run(ask(store, trial, raw={(1, 2): "x"}))
    assert store.raw(trial) == "{(1, 2): 'x'}"


# Verifying


def test_answers_that_have_changed_places_are_found(planned):
    store, trials = planned

    async def steps():
        await ask(store, trials[0], "hello")
        await ask(store, trials[1], "world")

    asyncio.run(steps())
    tables = ("sentences", "raw", "heard", "answer")
    swaps = ((1, 99), (2, 1), (99, 2))
    moves = [f"update {table} set trial = {to} where trial = {at}" for at, to in swaps for table in tables]
    edit(store.folder, *moves)
    assert store.transcripts()["text"].tolist()[:2] == ["world", "hello"]
    assert [said.partition(":")[0] for said in store.verify()] == [
        f"The answer to trial {trial} is not what was stored" for trial in trials[:2]
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("update heard set text = text || '!' where trial = 1", "answer to trial {0} is not what was stored"),
        ("update heard set channel = 5 where trial = 1", "answer to trial {0} is not what was stored"),
        ("update answer set audio_s = 9 where trial = 1", "answer to trial {0} is not what was stored"),
        ("update model set name = 'x'", "answer to trial {0} is not what was stored"),
        ("delete from sentences where trial = 1", "answer to trial {0} is not what was stored"),
        (f"update raw set json_zlib = x'{zlib.compress(b'{}').hex()}' where trial = 1",
         "{0} as received is not what was stored"),
        ("update raw set json_zlib = x'00ff' where trial = 1", "{0} as received cannot be unpacked"),
        ("delete from raw where trial = 1", "{0} as received is missing"),
        ("update recording set name = 'x' where id = 1", "Trial {0} is not the hash of its parts"),
        ("update parameters set name = replace(name, 'false', 'true')", "Trial {0} is not the hash of its parts"),
        ("update trial set repeat = 4 where id = 1", "Trial {0} is not the hash of its parts"),
        ("update trial set recording = 99 where id = 1", "points to a row of recording that is not there"),
        ("delete from attempt where trial = 1", "Trial {0} has an answer, and no attempt"),
        ("delete from heard; delete from sentences; delete from raw; delete from answer where trial = 1",
         "Trial {0} has an attempt that was answered, and no answer"),
        ("insert into attempt (trial, attempt, state, begun) values (1, 2, 'begun', 1)",
         "Trial {0} was asked again after it was answered"),
        ("update attempt set attempt = 3 where trial = 1", "{0} lacks attempts: it has 1 and the last is number 3"),
        ("update attempt set task_id = null where trial = 2", "Trial {1} was submitted and has no task id"),
        ("update attempt set submitted = null where trial = 2", "Trial {1} is submitted, at no time"),
        ("update attempt set task_id = 'same'", "shares the task same with another trial"),
        ("update attempt set ended = null where trial = 1", "ended as answered at no time"),
        ("drop table raw", "cannot be read through"),
    ],
)  # fmt: skip
def test_whatever_is_changed_afterwards_is_found(planned, change, said):
    store, trials = planned

    async def steps():
        await ask(store, trials[0])
        await store.submitted(trials[1], await store.begin(intent(trials[1])), "task")

    asyncio.run(steps())
    assert store.verify() == []
    store.close()
    edit(store.folder, *change.split(";"))
    with Store(store.folder) as again:
        assert any(said.format(*trials) in fault for fault in again.verify()), again.verify()


def test_faults_are_counted_where_they_are_many(store):
    askings, identities = questions(150)
    store.plan(askings, identities, {})
    store.close()
    edit(store.folder, "update trial set recipe = 7")
    with Store(store.folder) as again:
        found = again.verify()
    assert len(found) == 101
    assert found[-1] == "50 more like the last."


# Damage


@pytest.fixture
def whole(tmp_path):
    """The folder of a closed run of 200 answers."""
    with Store(tmp_path / "whole", create=True) as store:
        askings, identities = questions(200)
        store.plan(askings, identities, {})

        async def steps():
            await asyncio.gather(*(ask(store, a.trial, f"said {a.utt_id} {'x' * 300}") for a in askings))

        asyncio.run(steps())
    assert sorted(path.name for path in (tmp_path / "whole").iterdir()) == ["README.txt", LEDGER]
    return tmp_path / "whole"


def test_a_torn_ledger_is_never_a_wrong_answer(whole):
    with Store(whole) as store:
        frame = store.transcripts()
    content = (whole / LEDGER).read_bytes()
    rng = random.Random(2)
    for length in [0, 1, 50, 99, 100, 4095, 4096, len(content) - 1, *(rng.randrange(len(content)) for _ in range(30))]:
        (whole / LEDGER).write_bytes(content[:length])
        with pytest.raises(StoreError, match=r"damaged|cut off"), Store(whole) as store:
            store.transcripts()
    for _ in range(40):  # a page that was lost: an error, the right table, or a fault that is found
        place = rng.randrange(1, len(content) // 4096) * 4096
        (whole / LEDGER).write_bytes(content[:place] + bytes(4096) + content[place + 4096 :])
        with contextlib.suppress(StoreError), Store(whole) as store:
            assert store.transcripts().equals(frame) or store.verify()


@pytest.mark.parametrize("garbage", [b"this is no database, but text of some length" * 200, os.urandom(9000)])
def test_what_is_no_ledger_is_refused(tmp_path, garbage):
    (tmp_path / LEDGER).write_bytes(garbage)
    for create in (False, True):
        with pytest.raises(StoreError, match=r"could not be opened.*damaged"):
            Store(tmp_path, create=create)
    assert (tmp_path / LEDGER).read_bytes() == garbage
    (tmp_path / LEDGER).unlink()
    edit(tmp_path, "create table other (x)")
    with pytest.raises(StoreError, match="is no ledger of asrlab"):
        Store(tmp_path)


def test_a_ledger_of_a_later_format_is_refused(whole):
    edit(whole, "pragma user_version = 99")
    for create in (False, True):
        with pytest.raises(StoreError, match="store format 99; this asrlab reads format 2"):
            Store(whole, create=create)


def test_where_there_is_no_run_is_said(tmp_path):
    with pytest.raises(StoreError, match=r"it has no ledger\.sqlite"):
        Store(tmp_path / "gone")
    assert not (tmp_path / "gone").exists()
    assert not is_run(tmp_path)


def test_a_readme_says_what_the_folder_is_and_ones_own_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.txt").write_text("mine")
    for name in ("mine", "run"):
        Store(tmp_path / name, create=True).close()
    assert (tmp_path / "mine" / "README.txt").read_text() == "mine"
    assert "run of asrlab" in (tmp_path / "run" / "README.txt").read_text()


# Formats


@pytest.fixture
def old(tmp_path):
    """A run of format 1, written by the code of that time."""
    (tmp_path / "old").mkdir()
    shutil.copy(STORES / "format-1.sqlite", tmp_path / "old" / LEDGER)
    return tmp_path / "old"


def table_of_format_1():
    """What the code of that time said it holds."""
    rows = [json.loads(line) for line in (STORES / "format-1.transcripts.jsonl").read_text("utf-8").split("\n") if line]
    renamed = {"engine": "asked_engine", "model": "answered_by", "region": "asked_region"}
    rows = [{renamed.get(name, name): value for name, value in row.items()} for row in rows]
    dtypes = {name: dtype for name, (dtype, _) in tables.SCHEMAS["transcripts"].items()}
    return pd.DataFrame({name: pd.array([row[name] for row in rows], dtypes.get(name, "string")) for name in rows[0]})


def version(folder):
    with contextlib.closing(sqlite3.connect(folder / LEDGER)) as db:
        return db.execute("pragma user_version").fetchone()[0]


def test_a_run_of_format_1_becomes_one_of_today_and_nothing_is_lost(old):
    with contextlib.closing(sqlite3.connect(old / LEDGER)) as db:
        attempts = db.execute("select trial, attempt, state, begun, submitted, ended, task_id, code, message,"
                              " request_id from attempt order by trial, attempt").fetchall()  # fmt: skip
        raws = dict(db.execute("select trial, raw from answer"))
        sentences = db.execute("select trial, place, sentences from heard where sentences <> '[]'").fetchall()
        identities = dict(db.execute("select trial, identity from trial"))
    with Store(old) as store:
        pd.testing.assert_frame_equal(store.transcripts(), table_of_format_1())
        assert store.verify() == []
        assert {trial: of.canonical for trial, of in store.identities().items()} == identities
        assert store.meta()["engine"] == ENGINE
        for trial, raw in raws.items():
            assert str(store.raw(trial)) == str(json.loads(zlib.decompress(raw)))  # as text, for it holds a NaN
        answered = [t for t, s in store.standings().items() if s.state == "answered"]
        assert len(answered) == len(raws) == 9
        trial = next(t for t, s in store.standings().items() if s.state == "failed")
        asyncio.run(ask(store, trial))
    assert version(old) == 2
    with contextlib.closing(sqlite3.connect(old / LEDGER)) as db:
        now = db.execute("select t.trial, attempt, state, begun, submitted, ended, task_id, code, message, request_id"
                         " from attempt a join trial t on t.id = a.trial where t.trial <> ?"
                         " order by t.trial, attempt", (trial,)).fetchall()  # fmt: skip
        assert now == [row for row in attempts if row[0] != trial]
        kept = db.execute("select t.trial, place, json_zlib from sentences s join trial t on t.id = s.trial"
                          " where t.trial <> ?", (trial,)).fetchall()  # fmt: skip
        assert sorted((t, p, zlib.decompress(z).decode()) for t, p, z in kept) == sorted(sentences)
        assert not db.execute("select 1 from sqlite_master where name like 'old%'").fetchall()


KILLED_MIGRATING = """
import os, signal, sys
from asrlab.sweep.store import schema
from asrlab.sweep.store import Store
count = 0
def insert_answer(*args, real=schema.insert_answer):
    global count
    count += 1
    if count == 6:
        os.kill(os.getpid(), signal.SIGKILL)
    real(*args)
schema.insert_answer = insert_answer
Store(sys.argv[1])
"""


def test_killed_in_the_middle_of_becoming_one_of_today_it_is_one_of_format_1(old):
    killed = subprocess.run([sys.executable, "-c", KILLED_MIGRATING, str(old)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert version(old) == 1
    with Store(old) as store:
        pd.testing.assert_frame_equal(store.transcripts(), table_of_format_1())
        assert store.verify() == []


def test_all_that_open_a_run_of_format_1_at_once_read_it(old):
    code = "import sys; from asrlab.sweep.store import Store; s = Store(sys.argv[1]); print(len(s.transcripts()))"
    all_ = [subprocess.Popen([sys.executable, "-c", code, str(old)], stdout=subprocess.PIPE) for _ in range(3)]
    assert [int(process.communicate()[0]) for process in all_] == [len(table_of_format_1())] * 3


def test_a_run_of_format_1_that_an_earlier_asrlab_drives_is_read_and_left_alone(old):
    import filelock

    with filelock.FileLock(old / "driver.lock"):
        with Store(old) as store:
            pd.testing.assert_frame_equal(store.transcripts(), table_of_format_1())
            with pytest.raises(StoreError, match="earlier version of asrlab is at work"):
                store.drive()
        assert version(old) == 1


# Who drives


DRIVER = """
import sys, time
from asrlab.sweep.store import Store
store = Store(sys.argv[1], create=True)
print(store.drive(), flush=True)
sys.stdin.readline()
"""


def test_one_process_drives_and_is_named_and_a_killed_one_is_no_driver(planned):
    store, _ = planned
    other = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(store.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "True\n"
    assert not store.drive()
    assert str(other.pid) in store.driver()
    assert len(store.transcripts()) == 8
    other.kill()
    other.communicate()
    assert store.drive()
    assert store.drive()
    assert str(os.getpid()) in store.driver()
    with Store(store.folder, create=True) as second:
        assert not second.drive()
        closing_it = threading.Thread(target=store.close)  # let go of by another thread than took it
        closing_it.start()
        for _ in range(100):
            if second.drive():
                break
            time.sleep(0.05)
        assert second.drive()
    closing_it.join()
    assert sorted(path.name for path in store.folder.iterdir()) == ["README.txt", "driver.lock", LEDGER]


def test_many_that_create_one_run_at_once_share_it(tmp_path):
    go = threading.Barrier(8)
    askings, identities = questions(8)
    failed = []

    def work(number):
        go.wait()
        try:
            with Store(tmp_path / "run", create=True) as store:
                store.plan([askings[number]], identities, {})
                asyncio.run(ask(store, askings[number].trial))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    with Store(tmp_path / "run") as store:
        assert store.transcripts()["state"].tolist() == ["answered"] * 8
        assert store.verify() == []


def test_it_is_read_while_another_thread_and_process_write(planned):
    store, _ = planned
    more, identities = questions(300, repeat=1)
    store.plan(more, identities, {})
    code = """
import sys
from asrlab.sweep.store import Store
seen = -1
while seen < 300:
    with Store(sys.argv[1]) as store:
        frame = store.transcripts()
    answered = frame["state"].eq("answered").astype(bool)
    assert frame["text"].notna().equals(answered) and answered.sum() >= seen
    seen = answered.sum()
print("done")
"""
    reader = subprocess.Popen([sys.executable, "-c", code, str(store.folder)], stdout=subprocess.PIPE, text=True)

    async def steps():
        for start in range(0, 300, 10):
            await asyncio.gather(*(ask(store, a.trial) for a in more[start : start + 10]))
            frame = await asyncio.to_thread(store.transcripts)
            assert frame["state"].eq("answered").sum() >= start
            await asyncio.sleep(0.05)

    asyncio.run(steps())
    assert reader.communicate(timeout=60)[0] == "done\n"


# Killed


# Forks a process for each number it reads, which writes as fast as it can, and says its id; then that it is gone.
WRITERS = """
import asyncio, os, sys
sys.path.insert(0, {tests!r})
from test_store import answer, intent, questions
from asrlab.sweep.store import Store

def write(number):
    log = open({log!r}, "a", buffering=1)
    askings, identities = questions(2000, repeat=number)
    store = Store({folder!r}, create=True)
    store.plan(askings, identities, {{}})
    log.write("planned\\n")
    left = iter(identities)

    async def work():
        for trial in left:
            attempt = await store.begin(intent(trial))
            log.write(f"begun {{trial}}\\n")
            await store.submitted(trial, attempt, "task-" + trial)
            log.write(f"submitted {{trial}}\\n")
            await store.answered(attempt, trial, answer("said " + trial))
            log.write(f"answered {{trial}}\\n")

    async def main():
        await asyncio.gather(*(work() for _ in range(32)))

    asyncio.run(main())

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        write(int(line))
        os._exit(0)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


def kill_at_random(folder, log, times, seed):
    """Start writers and kill each; what had returned is there every time. Returns how many answers there are."""
    rng = random.Random(seed)
    code = WRITERS.format(tests=str(Path(__file__).parent), log=str(log), folder=str(folder))
    rank = {"not run": -1, "unknown": 0, "begun": 0, "submitted": 1, "answered": 2}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        for number in range(times):
            log.write_text("")
            server.stdin.write(f"{number}\n")
            server.stdin.flush()
            writer = int(server.stdout.readline())
            if number % 4:  # each fourth is killed while it makes or plans the run, the others while they write
                while not log.stat().st_size:
                    time.sleep(0.001)
            time.sleep(rng.uniform(0, 0.2))
            os.kill(writer, signal.SIGKILL)
            assert server.stdout.readline() == "gone\n"
            told = [line.split() for line in log.read_text().splitlines()]
            if not told and not is_run(folder):
                continue
            with Store(folder) as store:
                assert store.verify() == []
                standings = store.standings()
            for state, trial in (words for words in told if len(words) == 2):
                assert rank[standings.get(trial, Standing()).state] >= rank[state]
        server.stdin.close()
    with Store(folder) as store:
        frame = store.transcripts()
    answered = frame[frame["state"] == "answered"]
    assert (answered["text"] == "said " + answered["trial"]).all()
    assert frame["attempts"].max() == 1
    return len(answered)


@pytest.mark.parametrize("times", [8, pytest.param(40, marks=pytest.mark.acceptance)])
def test_killed_at_random_every_write_that_had_returned_is_there(tmp_path, times):
    assert kill_at_random(tmp_path / "run", tmp_path / "log", times=times, seed=4) > 5 * times


# Disks


MOUNTS = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
40 27 0:50 / {0} rw,relatime shared:1 master:2 - {1} host:/export rw,vers=4
"""


@pytest.fixture
def mounted(tmp_path, monkeypatch):
    """Let a folder lie on a file system of a kind."""

    def mounted(folder, kind):
        mounts = tmp_path / "mountinfo"
        mounts.write_text(MOUNTS.format(str(Path(folder).resolve()).replace(" ", "\\040"), kind))
        monkeypatch.setattr(disks, "_MOUNTS", mounts)

    return mounted


@pytest.mark.parametrize("kind", ["nfs4", "nfs", "cifs", "smb3", "9p", "fuse.sshfs", "fuse.rclone", "davfs", "ceph"])
def test_a_run_is_not_made_on_a_network_disk(tmp_path, mounted, kind):
    mounted(tmp_path / "a share", kind)
    with pytest.raises(StoreError, match=rf"network disk \({kind}\).*Use a folder on a disk of this machine.*save_rep"):
        Store(tmp_path / "a share" / "deep" / "run", create=True)
    assert not (tmp_path / "a share").exists()
    Store(tmp_path / "beside", create=True).close()


@pytest.mark.parametrize("kind", ["ext4", "btrfs", "tmpfs", "overlay", "fuseblk", "apfs", "fuse.mergerfs"])
def test_a_run_is_made_on_a_disk_of_this_machine(tmp_path, mounted, kind):
    mounted(tmp_path, kind)
    Store(tmp_path / "run", create=True).close()


def test_of_nested_mounts_the_inner_and_of_stacked_the_last_counts():
    lines = [
        "1 0 0:1 / / rw - ext4 /dev/a rw",
        "2 1 0:2 / /data rw - nfs4 host:/a rw",
        "3 2 0:3 / /data/scratch\\040disk rw - xfs /dev/b rw",
        "4 3 0:4 / /over rw - ext4 /dev/c rw",
        "5 3 0:5 / /over rw - cifs //host/c rw",
    ]
    kinds = {"/home": "ext4", "/data/x": "nfs4", "/data/scratch disk/x": "xfs", "/database": "ext4", "/over/x": "cifs"}
    assert {path: disks.file_system(Path(path), lines) for path in kinds} == kinds
    assert disks.unfit(Path("/")) is None  # the real list of this machine is read


def test_windows_names_of_other_machines_are_told_from_those_of_this_one():
    remote = [r"\\host\share\run", "//host/share", r"\\wsl$\Debian\run", r"\\?\UNC\host\share"]
    local = [r"C:\runs", r"\\?\C:\runs", r"\\.\C:\runs", "C:/runs", r"D:\a\\b"]
    assert [disks.is_unc(path) for path in remote + local] == [True] * 4 + [False] * 5


@pytest.mark.parametrize(
    ("folder", "mark", "program"),
    [
        ("Dropbox/x", None, "Dropbox"),
        ("OneDrive - Some Company/x", None, "OneDrive"),
        ("Google Drive/x", None, "Google Drive"),
        ("Library/Mobile Documents/x", None, "iCloud"),
        ("Nextcloud/x", None, "Nextcloud"),
        ("plain/x", "plain/.stfolder", "Syncthing"),
        ("plain/x/y", "plain/.sync_0a1b2c.db", "Nextcloud"),
        ("dropboxes/onedriver/x", None, None),
    ],
)
def test_a_run_is_not_made_in_a_folder_that_is_synchronised(tmp_path, folder, mark, program):
    if mark is not None:
        (tmp_path / mark).mkdir(parents=True)
    if program is None:
        Store(tmp_path / folder / "run", create=True).close()
        return
    with pytest.raises(StoreError, match=f"a folder that {program} synchronises"):
        Store(tmp_path / folder / "run", create=True)


def test_a_finished_run_on_a_network_disk_is_read_and_one_at_work_is_not(whole, mounted, monkeypatch):
    with Store(whole) as store:
        frame = store.transcripts()
    mounted(whole, "nfs4")
    before = sorted(path.name for path in whole.iterdir())
    with Store(whole) as store:
        pd.testing.assert_frame_equal(store.transcripts(), frame)
        assert store.verify() == []
        with pytest.raises(StoreError, match="can be read and not written: it lies on a network disk"):
            asyncio.run(store.begin(intent(frame["trial"][0])))
        with pytest.raises(StoreError, match="can be read and not written"):
            store.drive()
    assert sorted(path.name for path in whole.iterdir()) == before
    with pytest.raises(StoreError, match="cannot be kept"):
        Store(whole, create=True)
    monkeypatch.undo()
    with Store(whole, create=True) as driver:
        assert driver.drive()
        mounted(whole, "nfs4")
        with pytest.raises(StoreError, match=r"a process is at work on it.*copy the folder"):
            Store(whole)


def test_a_run_may_be_moved_and_its_folder_named_as_one_likes(whole, tmp_path):
    with Store(whole) as store:
        frame = store.transcripts()
    for name in ("50% of #1?mode=memory&x", "ä ö 二", "a;b'c\"d"):
        whole = whole.rename(tmp_path / name)
        with Store(whole, create=True) as store:
            pd.testing.assert_frame_equal(store.transcripts(), frame)
            assert store.drive()


# What may not be written, and full disks


READER = """
import asyncio, os, sys
sys.path.insert(0, {tests!r})
from test_store import ask, intent, questions
from asrlab.errors import StoreError
from asrlab.sweep.store import Store

with Store({warm!r}, create=True) as store:  # import all that is needed while it may be read
    store.drive()
    len(store.transcripts())
if os.getuid() == 0:  # whom no permission binds
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
run = sys.argv[1]
try:
    with Store(run) as store:
        frame = store.transcripts()
        print(len(frame), frame["state"].eq("answered").sum(), len(store.verify()))
        asyncio.run(store.begin(intent(frame["trial"].iloc[-1])))
except StoreError as error:
    print(error)
try:
    Store(run, create=True).plan([], {{}}, {{}})
except StoreError as error:
    print(error)
"""


@pytest.fixture
def open_folder():
    """A folder that every user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="asrlab-test-"))
    folder.chmod(0o755)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)
    shutil.rmtree(folder)


def as_anyone(run, tmp_path):
    """Read a run, and try to write it, as a user who is bound by permissions; returns what was said."""
    code = READER.format(tests=str(Path(__file__).parent), warm=str(tmp_path / "warm"))
    done = subprocess.run([sys.executable, "-c", code, str(run)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("killed", [False, True], ids=["closed", "left by a killed process"])
@pytest.mark.parametrize("format_1", [False, True], ids=["today's", "of format 1"])
def test_a_run_that_may_not_be_written_is_read(open_folder, tmp_path, killed, format_1):
    run = open_folder / "run"
    if format_1:
        run.mkdir()
        shutil.copy(STORES / "format-1.sqlite", run / LEDGER)
    else:
        with Store(run, create=True) as store:
            askings, identities = questions(5)
            store.plan(askings, identities, {"dataset": "five"})
            asyncio.run(ask(store, askings[0].trial))
    if killed:  # what is only in the log must be read too; its index may be gone
        db = sqlite3.connect(run / LEDGER)
        db.execute("pragma wal_autocheckpoint = 0")
        db.execute("update meta set value = '\"other\"' where key = 'dataset'")
        db.commit()
        copy = open_folder / "copy"
        shutil.copytree(run, copy, ignore=shutil.ignore_patterns("*-shm"))
        db.close()
        shutil.rmtree(run)
        copy.rename(run)
        assert (run / f"{LEDGER}-wal").stat().st_size
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    for path in run.iterdir():
        path.chmod(0o444)
    run.chmod(0o555)
    counts, refused, created = as_anyone(run, tmp_path)
    assert counts == ("36 15 0" if format_1 else "5 1 0")
    assert "can be read and not written: the file or its folder may not be written" in refused
    assert "can be read and not written" in created
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_a_run_is_not_made_where_nothing_may_be_written(open_folder, tmp_path):
    open_folder.chmod(0o555)
    missing, refused = as_anyone(open_folder / "run", tmp_path)
    assert "There is no run" in missing
    assert "could not be opened: [Errno 13] Permission denied" in refused


def fill(store, trials):
    """Ask until the disk is full; returns the trials whose answers had been stored."""
    stored = []

    async def steps():
        for trial in trials:
            attempt = await store.begin(intent(trial))
            await store.submitted(trial, attempt, f"task-{trial}")
            await store.answered(attempt, trial, answer(random.Random(trial).randbytes(1000).hex()))
            stored.append(trial)

    with pytest.raises(StoreError, match=r"could not be written.*What was stored before is safe.*has room"):
        asyncio.run(steps())
    return stored


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 2 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "asrlab-test", place], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("a disk cannot be mounted here: that takes root")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_is_said_nothing_is_lost_and_it_goes_on_when_there_is_room(small_disk):
    askings, identities = questions(2000)
    trials = [a.trial for a in askings]
    with Store(small_disk / "run", create=True) as store:
        store.plan(askings[:200], {t: identities[t] for t in trials[:200]}, {})
        stored = fill(store, trials[:200])
        assert len(stored) > 20
        assert sum(s.state == "answered" for s in store.standings().values()) == len(stored)
        with Store(small_disk / "run") as other:
            assert other.transcripts()["state"].eq("answered").sum() == len(stored)
        subprocess.run(["mount", "-o", "remount,size=16m", small_disk], check=True)
        waiting = [t for t in trials[:200] if t not in stored]
        asyncio.run(ask(store, waiting[-1]))
        assert store.verify() == []
    subprocess.run(["mount", "-o", "remount,size=2m", small_disk], check=True)
    with contextlib.suppress(OSError):
        (small_disk / "filler").write_bytes(bytes(16 << 20))
    with Store(small_disk / "run") as store:  # no room for the index of a log
        assert store.transcripts()["state"].eq("answered").sum() == len(stored) + 1
    with pytest.raises(StoreError, match="could not be opened"):
        Store(small_disk / "other", create=True)


LIMITED = """
import resource, sys
sys.path.insert(0, {tests!r})
from test_store import ask, fill, questions
from asrlab.sweep.store import Store

askings, identities = questions(400)
trials = [a.trial for a in askings]
with Store(sys.argv[1], create=True) as store:
    store.plan(askings, identities, {{}})
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, resource.RLIM_INFINITY))
    stored = fill(store, trials)
    assert len(stored) > 20
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    import asyncio
    asyncio.run(ask(store, trials[-1]))
    assert store.verify() == []
print(len(stored) + 1)
"""


def test_where_a_file_may_not_grow_nothing_is_lost_and_it_goes_on_when_it_may(tmp_path):
    code = LIMITED.format(tests=str(Path(__file__).parent))
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with Store(tmp_path / "run") as store:
        assert store.transcripts()["state"].eq("answered").sum() == int(done.stdout)
        assert store.verify() == []


# Export


def test_a_table_is_exported_to_a_path_and_a_url(planned, tmp_path, monkeypatch):
    store, trials = planned
    asyncio.run(ask(store, trials[0]))
    frame = store.transcripts()
    for target in (str(tmp_path / "run.parquet"), "memory://asrlab/run.parquet"):
        export(frame, target)
        pd.testing.assert_frame_equal(pd.read_parquet(target, dtype_backend="numpy_nullable"), frame)
    with pytest.raises(StoreError, match=r"could not be written to .*gone"):
        export(frame, str(tmp_path / "gone" / "run.parquet"))
    with pytest.raises(StoreError, match=r"could not be written to nothing://host/run\.parquet: ValueError\.$"):
        export(frame, "nothing://user:s3cret@host/run.parquet?sig=s3cret")
    monkeypatch.setattr("asrlab.parquet.files.importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"Writing to s3:// links needs .*asrlab\[s3\]"):
        export(frame, "s3://bucket/run.parquet")
    export(frame, str(tmp_path / "again.parquet"))
