"""The digest of a sweep: the same wherever it is kept, another whenever anything of it is another."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sweeping import recordings

from asrlab import tables
from asrlab.engines.scripted import ScriptedEngine
from asrlab.sweep.digest import digest
from asrlab.sweep.grid import grid
from asrlab.sweep.opened import open_sweep
from asrlab.sweep.sweep import Sweep

REPLAYS = Path(__file__).parents[1] / "notebooks" / "replays"
COLUMNS = ("utt_id", "condition", "repeat", "channel", "state", "text")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
#: Of few values, so that rows are often alike but for one.
rows = st.tuples(
    st.sampled_from(["a", "b", "a,b", ""]),
    st.sampled_from(["none", 'x="1"', "b"]),
    st.integers(0, 2),
    st.none() | st.integers(0, 1),
    st.sampled_from(["answered", "failed", "not run"]),
    st.none() | st.sampled_from(["", "null", "two words", "two  words", "Two words", "é", "e\u0301"]) | texts,
)


def frame(of):
    columns = zip(*of, strict=True) if of else [()] * len(COLUMNS)
    dtypes = [tables.SCHEMAS["transcripts"][name][0] for name in COLUMNS]
    return pd.DataFrame(
        {name: pd.array(column, dtype) for name, column, dtype in zip(COLUMNS, columns, dtypes, strict=True)}
    )


@settings(max_examples=30, deadline=None)
@given(st.lists(rows, max_size=6), st.randoms(use_true_random=False))
def test_order_and_index_do_not_count(asked, random):
    one = digest(frame(asked))
    again = frame(random.sample(asked, len(asked)))
    again.index = again.index + 7
    assert digest(again.assign(elapsed_s=1.5, detected_language="en")) == one
    assert all(digest(frame([*asked, row])) != one for row in asked)  # a row twice is not that row once


@settings(max_examples=30, deadline=None)
@given(st.lists(rows, max_size=4), st.lists(rows, max_size=4))
def test_it_is_another_exactly_where_the_rows_are(some, others):
    alike = sorted(map(repr, some)) == sorted(map(repr, others))
    assert (digest(frame(some)) == digest(frame(others))) == alike


@settings(max_examples=30, deadline=None)
@given(st.lists(rows, min_size=1, max_size=4), st.data())
def test_every_cell_counts(asked, data):
    place = data.draw(st.integers(0, len(asked) - 1))
    column = data.draw(st.integers(0, len(COLUMNS) - 1))
    changed = list(asked[place])
    changed[column] = data.draw(rows)[column]
    assume(changed != list(asked[place]))
    assert digest(frame(asked)) != digest(frame([*asked[:place], tuple(changed), *asked[place + 1 :]]))


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed")
def test_it_is_what_sha256sum_says():
    lines = (
        b'["\\u6211", "none", 0, null, "failed", null]\n'
        b'["a", "x=\\"1\\"", 0, 0, "answered", ""]\n'
        b'["a", "x=\\"1\\"", 1, 0, "answered", "<b> \\ud83d\\ude00"]\n'
    )
    said = subprocess.run(["sha256sum"], input=lines, capture_output=True, check=True).stdout.decode().split()[0]
    asked = [
        ("a", 'x="1"', 1, 0, "answered", "<b> 😀"),
        ("我", "none", 0, None, "failed", None),
        ("a", 'x="1"', 0, 0, "answered", ""),
    ]
    assert digest(frame(asked)) == said


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Run a sweep with answers, failures, refusals and unknown outcomes, and a second one of two thirds of it."""
    folder = tmp_path_factory.mktemp("digest")
    dataset = recordings(folder / "data", 12)
    engine = ScriptedEngine(
        substitutions=0.2, failures={"DECODE_ERROR": 0.2}, refusals=0.1, unknown=0.2, free=False, seed=3
    )
    sweep = Sweep(dataset, engine, grid(enable_itn=[False, True]), store=folder / "run", repeats=2)
    sweep.run(progress=False, price_usd_per_s=0)
    return folder, sweep


def test_a_run_and_its_replay_have_the_same(runs):
    folder, sweep = runs
    states = set(sweep.transcripts["state"])
    assert {"answered", "failed", "unknown"} <= states
    replay = open_sweep(sweep.save_replay(folder / "run.jsonl"))
    assert sweep.digest == open_sweep(folder / "run").digest == replay.digest
    assert len(sweep.digest) == 64
    assert open_sweep(replay.save_replay(folder / "again.jsonl")).digest == sweep.digest


def test_a_sweep_tells_of_its_own_askings(runs):
    folder, sweep = runs
    fewer = Sweep(sweep.dataset, sweep.engine, sweep.grid, store=folder / "run", repeats=1)
    assert fewer.digest == digest(sweep.transcripts.query("repeat == 0")) != sweep.digest


@pytest.mark.parametrize("path", sorted(REPLAYS.glob("*.jsonl")), ids=lambda path: path.stem)
def test_one_word_of_any_transcript(path):
    answers = open_sweep(path).transcripts
    whole = digest(answers)
    for row in answers.index[answers["text"].fillna("") != ""][::37]:
        text = str(answers.loc[row, "text"])
        changed = answers.copy()
        changed.loc[row, "text"] = " ".join(["zugzwang", *text.split(" ")[1:]])
        assert digest(changed) != whole
