"""Replays: a run as one text file that says what the run says, and shows when it was changed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil

import pandas as pd
import pytest
from test_store import LEDGER, STORES, answer, ask, edit, intent, questions, table_of_format_1

from asrlab.data.manifests.jsonl import json_lines
from asrlab.errors import StoreError
from asrlab.sweep.replay import read_replay, write_replay
from asrlab.sweep.store import Asking, Store


@pytest.fixture
def run(tmp_path):
    """A run whose order is that of no alphabet, with every state in it, and two runs of it."""
    store = Store(tmp_path / "run", create=True)
    askings, identities = questions(6, channels=(1, 0))
    names = ["u9", "a", "Zoë", "u10", "\u2028", "b"]
    askings = [Asking(name, "c", a.repeat, a.trial, {"language": "no\x85ne"})
               for name, a in zip(names, askings, strict=True)]  # fmt: skip
    store.plan(askings, identities, {"axes": [["language", ["no\x85ne"]]], "dataset": "六"})
    number = store.begin_run({"python": "3.11"})
    trials = [a.trial for a in askings]

    async def steps():
        await ask(store, trials[0], channels=(1, 0))
        attempt = await store.begin(intent(trials[1], link="https://host/s3cret", reserved_s=4, usd_per_s=0.01))
        await store.submitted(trials[1], attempt, "task-s3cret")
        await store.ended(attempt, trials[1], "failed", code="FILE", message="no \u2029 file", request_id="r")
        await store.answered(await store.begin(intent(trials[1])), trials[1], answer("", channels=(1,)))
        await store.begin(intent(trials[2]))
        await store.ended(await store.begin(intent(trials[3])), trials[3], "unknown", code="X", message="x")
        await ask(store, trials[5], "\x00 \ud83d <b>", queued_s=float("inf"))

    asyncio.run(steps())
    store.end_run(number, "done")
    store.begin_run({})
    yield store
    store.close()


@pytest.fixture
def path(run, tmp_path):
    return write_replay(tmp_path / "replay.jsonl", run, run.askings(), run.meta())


def test_a_replay_says_what_the_run_says_in_the_order_of_the_run(run, path, tmp_path):
    with read_replay(path) as again:
        pd.testing.assert_frame_equal(again.transcripts(), run.transcripts())
        assert again.askings() == run.askings()
        assert again.identities() == run.identities()
        assert again.meta() == run.meta()
        assert again.runs() == run.runs()
        assert again.spent("scripted") == run.spent("scripted")
        assert again.verify() == []
        twice = write_replay(tmp_path / "again.jsonl", again, again.askings(), again.meta())
    assert twice.read_bytes() == path.read_bytes()
    lines = path.read_text("utf-8").split("\n")[1:-1]
    assert lines == sorted(lines, key=lambda line: json.loads(line)["utt_id"])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["again.jsonl", "replay.jsonl", "run"]


def test_a_replay_holds_no_task_id_no_link_and_no_line_end_within_a_line(path):
    text = path.read_text("utf-8")
    assert "s3cret" not in text
    assert len(text.splitlines()) == 7


def test_one_line_changes_with_one_transcript(run, path):
    before = path.read_text("utf-8").splitlines()
    edit(run.folder, "update heard set text = 'other' where trial = 1 and place = 0")
    after = write_replay(path, run, run.askings(), run.meta()).read_text("utf-8").splitlines()
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


def test_a_part_of_a_run_is_written_in_the_order_that_is_asked_for(run, tmp_path):
    chosen = [run.askings()[place] for place in (5, 0, 3)]
    with read_replay(write_replay(tmp_path / "part.jsonl", run, chosen, run.meta())) as part:
        assert part.askings() == chosen
        pd.testing.assert_frame_equal(part.transcripts(), run.transcripts(chosen))
    unknown = Asking("u9", "c", 0, "f" * 32, {})
    with pytest.raises(StoreError, match="u9 under c was not asked as it would be now"):
        write_replay(tmp_path / "none.jsonl", run, [unknown], {})
    assert not (tmp_path / "none.jsonl").exists()


def signed(line, **changes):
    """Change a line and put the digest right, as who forges would."""
    record = {**json.loads(line), **changes}
    del record["digest"]
    text = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    text = "".join(f"\\u{ord(c):04x}" if c in "\u2028\u2029\x85" else c for c in text) + "\n"
    record["digest"] = hashlib.sha256(text.encode()).hexdigest()[:32]
    return json.dumps(record) + "\n"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: [lines[0], lines[1].replace('"c"', '"d"'), *lines[2:]], "Line 2 of .* was changed"),
        (lambda lines: lines[:-1], "does not hold the 6 rows"),
        (lambda lines: [*lines, lines[-1]], "does not hold the 6 rows"),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "does not hold the 6 rows"),
        (lambda lines: lines[1:], "is no replay in format 2 or before"),
        (lambda lines: [], "is no replay in format 2 or before"),
        (lambda lines: [lines[0].replace('"asrlab_replay":2', '"asrlab_replay":3'), *lines[1:]], "is no replay in"),
        (lambda lines: [lines[0].replace("3.11", "3.12"), *lines[1:]], "Line 1 of .* was changed"),
        (lambda lines: [signed(lines[0], order=[0] * 6), *lines[1:]], "the order of its rows is none"),
        (lambda lines: [signed(lines[0], order=7), *lines[1:]], "is no replay.*: TypeError"),
        (lambda lines: [signed(lines[0], meta=7), *lines[1:]], "is no replay.*: (Type|Attribute)Error"),
        (lambda lines: [signed(lines[0], runs=[{}]), *lines[1:]], "is no replay.*: KeyError"),
        (lambda lines: [lines[0], signed(lines[1], identity={}), *lines[2:]], "is no replay.*: KeyError"),
        (lambda lines: [lines[0], signed(lines[1], attempts=[{}]), *lines[2:]], "is no replay.*: KeyError"),
        (lambda lines: [lines[0], signed(lines[1], answer=[]), *lines[2:]], "is no replay.*: TypeError"),
        (lambda lines: [lines[0], signed(lines[1], attempts="x"), *lines[2:]], "is no replay.*: TypeError"),
    ],
)
def test_a_replay_that_was_tampered_with_is_refused(path, change, said):
    lines = path.read_text("utf-8").split("\n")
    path.write_text("".join(change([line + "\n" for line in lines[:-1]])), "utf-8")
    with pytest.raises(StoreError, match=said):
        read_replay(path)


def aged(path, *, seconds):
    """Let a file have been written so long ago."""
    then = path.stat().st_mtime_ns - int(seconds * 10**9)
    os.utime(path, ns=(then, then))


def test_a_replay_is_read_once_until_it_changes(path, monkeypatch):
    reads = []
    monkeypatch.setattr("asrlab.sweep.replay.json_lines", lambda file: reads.append(file) or json_lines(file))
    aged(path, seconds=10)
    with read_replay(path) as one:
        one.restore([], {"name": "another"})
        assert one.meta()["name"] == "another"
    with read_replay(path) as one, read_replay(path) as other:
        assert one.meta() == other.meta() != {"name": "another"}
        assert one.askings() == other.askings() != []
    assert len(reads) == 1
    path.write_text(path.read_text("utf-8").replace('"c"', '"d"'), "utf-8")  # of the same size
    aged(path, seconds=5)
    with pytest.raises(StoreError, match="was changed"):
        read_replay(path)
    assert len(reads) == 2


def test_a_replay_that_has_just_been_written_is_not_kept(path, monkeypatch):
    reads = []
    monkeypatch.setattr("asrlab.sweep.replay.json_lines", lambda file: reads.append(file) or json_lines(file))
    aged(path, seconds=-60)  # however slow this machine is
    for _ in range(2):
        read_replay(path).close()
    assert len(reads) == 2


def test_a_replay_is_replaced_whole_or_not_at_all(run, path, tmp_path, monkeypatch):
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"is a \.jsonl file"):
        write_replay(tmp_path / "replay.json", run, run.askings(), {})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("asrlab.sweep.replay.os.fsync", full)
    with pytest.raises(StoreError, match=r"could not be written: .*No space left"):
        write_replay(path, run, run.askings(), {"other": 1})
    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["replay.jsonl", "run"]


def test_a_replay_of_format_1_is_read_as_it_was_then(tmp_path):
    grid = {"language": ["right", "none"], "channels": ["both", "left"]}
    with read_replay(STORES / "format-1.replay.jsonl") as store:
        frame = store.transcripts()
        assert store.verify() == []
        again = write_replay(tmp_path / "today.jsonl", store, store.askings(), store.meta())
    order = table_of_format_1()
    for axis, labels in grid.items():
        order[f"{axis} place"] = order[axis].map(labels.index)
    order = order.sort_values(["repeat", "utt_id", "language place", "channels place"], kind="stable")
    pd.testing.assert_frame_equal(frame, order[frame.columns].reset_index(drop=True))
    with read_replay(again) as store:
        pd.testing.assert_frame_equal(store.transcripts(), frame)


def test_a_run_of_format_1_and_its_replay_say_the_same(tmp_path):
    (tmp_path / "old").mkdir()
    shutil.copy(STORES / "format-1.sqlite", tmp_path / "old" / LEDGER)
    with Store(tmp_path / "old") as store, read_replay(STORES / "format-1.replay.jsonl") as replay:
        assert store.identities() == replay.identities()
        pd.testing.assert_frame_equal(store.transcripts(replay.askings()), replay.transcripts())


def test_two_answers_to_one_question_from_two_replays_are_refused(tmp_path):
    """As a merge may leave them: each line is as it was written, and the questions are the same."""
    lines = []
    for text in ("ours", "theirs"):
        with Store(tmp_path / text, create=True) as store:
            (asking, *_), identities = questions(1)
            both = [Asking("u", name, asking.repeat, asking.trial, {"axis": name}) for name in ("a", "b")]
            store.plan(both, identities, {"axes": [["axis", ["a", "b"]]]})
            asyncio.run(ask(store, asking.trial, text))
            lines.append(write_replay(tmp_path / f"{text}.jsonl", store, both, store.meta()).read_text().splitlines())
    (head, first, _), (_, _, second) = lines
    (tmp_path / "merged.jsonl").write_text("\n".join([head, first, second]) + "\n")
    with pytest.raises(StoreError, match="two answers to one question"):
        read_replay(tmp_path / "merged.jsonl")
