"""Words with their times: those that the engine gave, beside the right transcript, from a run and from its replay."""

from __future__ import annotations

import asyncio
import json
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile
from test_replay import signed
from test_store import LEDGER, STORES, answer, intent, questions

from asrlab import tables
from asrlab.data.loading import load_dataset
from asrlab.engines.base import Answer, Sentence, Transcript, Word
from asrlab.engines.scripted import ScriptedEngine
from asrlab.errors import StoreError
from asrlab.sweep.grid import grid
from asrlab.sweep.opened import open_sweep
from asrlab.sweep.replay import read_replay, write_replay
from asrlab.sweep.store import Asking, Store, transcripts
from asrlab.sweep.sweep import Sweep

DTYPES = {name: dtype for name, (dtype, _) in tables.SCHEMAS["words"].items()}
TEXTS = {"b": "Ship it, Zoë: 3.5 tons (today).", "a": "我想喝 latte，谢谢。", "silent": ""}


def dtypes(frame):
    return frame.dtypes.astype(str).to_dict()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("words")
    for seed, name in enumerate(TEXTS):
        samples = 0.1 * np.random.default_rng(seed).standard_normal((1_600 * (seed + 1), 2))
        soundfile.write(folder / f"{name}.wav", samples, 16_000)
    rows = [{"id": name, "audio": f"{name}.wav", "text": text} for name, text in TEXTS.items()]
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return load_dataset(folder)


@pytest.fixture(scope="module")
def said(dataset):
    """True texts by the digest of the recording."""
    return {dataset.digest(name): text for name, text in TEXTS.items()}


TIMED = grid(enable_words={"timed": True, "plain": False}, channel_id={"both": [1, 0], "left": [0]})


@pytest.fixture(scope="module")
def sweep(dataset, said, tmp_path_factory):
    sweep = Sweep(dataset, ScriptedEngine(said), TIMED, store=tmp_path_factory.mktemp("run") / "run", repeats=2)
    sweep.run(progress=False)
    return sweep


def test_the_words_of_a_sweep_are_those_of_its_transcripts(sweep):
    words, heard = sweep.words, sweep.transcripts
    assert dtypes(words) == DTYPES
    key = ["trial", "utt_id", "condition", "repeat", "channel"]
    timed = heard[heard["condition"].str.contains("timed") & (heard["text"] != "")]
    assert len(timed) == 12
    pd.testing.assert_frame_equal(words[key].drop_duplicates(ignore_index=True), timed[key].reset_index(drop=True))
    of_each = words.groupby(key, sort=False)["text"].agg(list).tolist()
    english = ["Ship", "it,", "Zoë:", "3.5", "tons", "(today)."]
    chinese = ["我", "想", "喝", "latte，", "谢", "谢。"]
    assert of_each == [{"b": english, "a": chinese}[name] for name in timed["utt_id"]]


def test_times_are_in_seconds_of_the_recording(sweep):
    first = sweep.words.iloc[:6]
    assert first["start_s"].tolist() == [0.0, 0.016, 0.033, 0.05, 0.066, 0.083]
    assert first["end_s"].tolist() == [0.016, 0.033, 0.05, 0.066, 0.083, 0.1]


def test_a_run_its_replay_and_the_sweep_tell_the_same_words(sweep, tmp_path):
    words = sweep.words
    assert len(words) == 72
    pd.testing.assert_frame_equal(open_sweep(sweep.source).words, words)
    pd.testing.assert_frame_equal(open_sweep(sweep.save_replay(tmp_path / "replay.jsonl")).words, words)


def test_a_sweep_tells_the_words_of_what_it_asks_in_its_order(sweep, dataset, said):
    left = grid(channel_id={"left": [0]}, enable_words={"timed": True})
    part = Sweep(dataset, sweep.engine, left, store=sweep.source)
    assert part.words.empty  # its conditions have other names
    fewer = grid(enable_words={"timed": True}, channel_id={"left": [0], "both": [1, 0]})
    words = Sweep(dataset, sweep.engine, fewer, store=sweep.source).words
    shape = words[["utt_id", "condition", "channel"]].drop_duplicates()
    assert shape["utt_id"].tolist() == ["b"] * 3 + ["a"] * 3
    assert shape["channel"].tolist() == [0, 1, 0] * 2
    assert words["repeat"].eq(0).all()
    assert words["condition"].str.contains("left").tolist() == [*[True] * 6, *[False] * 12] * 2


def test_words_of_another_question_are_never_told(sweep, dataset, said):
    other = Sweep(dataset, ScriptedEngine(said, seed=1), TIMED, store=sweep.source)
    assert other.transcripts["state"].eq("not run").all()
    assert other.words.empty
    assert dtypes(other.words) == DTYPES


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "run", create=True) as store:
        yield store


def ask(store, answers, *, channels=(0,)):
    """Give a store a trial for each answer; None is one that failed."""
    askings, identities = questions(len(answers), channels=channels)
    store.plan(askings, identities, {})

    async def steps():
        for asking, given in zip(askings, answers, strict=True):
            if given is None:
                await store.ended(intent(asking.trial), asking.trial, "failed", code="X", message="x")
            else:
                await store.answered(intent(asking.trial), asking.trial, given)

    asyncio.run(steps())
    return askings


def answered(*sentences, channels=(0,)):
    """An answer that says the same on each channel: each sentence a list of words."""
    said = tuple(Sentence(0, 9, "x", "en", tuple(Word(*word) for word in words)) for words in sentences)
    return Answer(tuple(Transcript(channel, "x", "en", said) for channel in channels), 1.0, "parrot 1")


def replayed(store, path):
    with read_replay(write_replay(path, store, store.askings(), store.meta())) as again:
        return again.words()


def test_answers_without_words_have_no_rows(store, tmp_path):
    silent = Answer((Transcript(0, "", None),), 1.0, "parrot 1")
    unsplit = Answer((Transcript(0, "text without sentences", "en"),), 1.0, "parrot 1")
    given = [None, answered([]), silent, answered([], [(500, 900, "one")], []), unsplit, None]
    ask(store, given)
    words = store.words()
    assert words[["utt_id", "text"]].to_numpy().tolist() == [["u3", "one"]]
    pd.testing.assert_frame_equal(replayed(store, tmp_path / "replay.jsonl"), words)


@pytest.mark.parametrize("given", [[], [None], [answered([])], [Answer((), 1.0, "parrot 1")]])
def test_a_run_without_words_gives_an_empty_table(store, given):
    ask(store, given)
    assert store.words().empty
    assert dtypes(store.words()) == DTYPES


@pytest.mark.parametrize(
    ("text", "punctuation", "told"),
    [
        ("Ship ", "", "Ship"),
        ("Ship ", ",", "Ship,"),
        (" Ship", ". ", "Ship."),
        ("Ship", " ", "Ship"),
        ("New York ", "?!", "New York?!"),
        ("谢谢\u3000", "。", "谢谢。"),
        ("", "—", "—"),
        ("  ", "", ""),
        ("น้ำ", "", "น้ำ"),
        ("\ud83d\x00", "", "\ufffd\x00"),
    ],
)
def test_a_word_is_told_with_its_punctuation_and_without_white_space(store, text, punctuation, told):
    ask(store, [answered([(0, 90, text, punctuation)])])
    assert store.words()["text"].tolist() == [told]


def test_words_stand_in_the_order_of_the_channels_answered_then_of_time(store):
    late, early = [(700, 800, "c"), (900, 950, "d")], [(0, 300, "a"), (300, 300, "b1"), (300, 310, "b2")]
    ask(store, [answered(late, early, channels=(1, 0)), answered(early)], channels=(1, 0))
    words = store.words()
    assert words["text"].tolist() == ["a", "b1", "b2", "c", "d"] * 2 + ["a", "b1", "b2"]
    assert words["channel"].tolist() == [1] * 5 + [0] * 8
    assert words["start_s"].tolist()[:5] == [0.0, 0.3, 0.3, 0.7, 0.9]


def test_a_time_that_is_no_number_is_missing(store, tmp_path):
    ask(store, [answered([(float("nan"), 200, "a"), (100, float("nan"), "b"), (0, 90, "c")])])
    words = store.words()
    assert words["text"].tolist() == ["c", "b", "a"]
    assert words["start_s"].isna().tolist() == [False, False, True]
    assert words["end_s"].isna().tolist() == [False, True, False]
    pd.testing.assert_frame_equal(replayed(store, tmp_path / "replay.jsonl"), words)


def test_conditions_that_share_an_answer_each_have_its_words(store):
    (first, second), identities = questions(2)
    named = [(first, "x"), (second, "x"), (first, "y"), (second, "y")]
    askings = [Asking(a.utt_id, condition, 0, a.trial, {"axis": condition}) for a, condition in named]
    store.plan(askings, identities, {})
    for asking, text in ((first, "one"), (second, "two")):
        asyncio.run(store.answered(intent(asking.trial), asking.trial, answered([(0, 90, text), (90, 99, "more")])))
    shape = ["utt_id", "condition", "text"]
    expected = [["u0", "x", "one"], ["u0", "x", "more"], ["u1", "x", "two"], ["u1", "x", "more"]]
    expected += [[utt_id, "y", text] for utt_id, _, text in expected]
    assert store.words()[shape].to_numpy().tolist() == expected
    backwards = store.words(askings[::-1])
    assert backwards[shape].to_numpy().tolist() == [expected[place] for place in (6, 7, 4, 5, 2, 3, 0, 1)]


def test_words_are_read_in_batches(store, monkeypatch):
    """Among them a batch without any."""
    given = [answered([]), answered([]), None, answered([(0, 90, "a"), (90, 99, "b")]), answered([(0, 9, "c")])]
    ask(store, given)
    whole = store.words()
    monkeypatch.setattr(transcripts, "_BATCH", 2)
    pd.testing.assert_frame_equal(store.words(), whole)
    assert whole["text"].tolist() == ["a", "b", "c"]


def test_words_of_format_1_are_told(tmp_path):
    (tmp_path / "old").mkdir()
    shutil.copy(STORES / "format-1.sqlite", tmp_path / "old" / LEDGER)
    with Store(tmp_path / "old") as store, read_replay(STORES / "format-1.replay.jsonl") as replay:
        words = replay.words()
        pd.testing.assert_frame_equal(store.words(replay.askings()), words)
    assert set(words["text"]) == {"gesagt."}
    assert set(zip(words["start_s"], words["end_s"], strict=True)) == {(0.0, 0.09)}


@pytest.mark.parametrize(
    "sentences",
    [
        None,
        [7],
        [{}],
        [{"words": 7}],
        [{"words": [7]}],
        [{"words": [[0, 9, "a"]]}],
        [{"words": [[0, 9, "a", "", ""]]}],
        [{"words": [["0", 9, "a", ""]]}],
        [{"words": [[0, 9, 7, ""]]}],
    ],
)
def test_words_that_are_none_in_a_replay_of_somebody_elses_are_said_to_be_so(tmp_path, sentences):
    with Store(tmp_path / "run", create=True) as store:
        (asking,) = ask(store, [answer()])
        path = write_replay(tmp_path / "replay.jsonl", store, [asking], {})
    first, line = path.read_text("utf-8").split("\n")[:-1]
    given = json.loads(line)["answer"]
    given["heard"][0]["sentences"] = sentences
    path.write_text(first + "\n" + signed(line, answer=given), "utf-8")
    opened = open_sweep(path)
    assert opened.transcripts["text"].tolist() == ["Ship it."]
    with pytest.raises(StoreError, match="could not be read"):
        _ = opened.words
