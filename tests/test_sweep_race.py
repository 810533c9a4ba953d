"""Races in a sweep: asked in stretches, what has lost is asked no more, and what was decided stays decided."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import soundfile
from click.testing import CliRunner

import asrlab as lab
from asrlab.cli import main
from asrlab.data.audio import digest
from asrlab.data.dataset import Dataset
from asrlab.engines.base import UNWATCHED
from asrlab.engines.scripted import ScriptedEngine
from asrlab.errors import BudgetSpent, InvalidInput, MissingTrials, TaskFailed
from asrlab.sweep.grid import grid
from asrlab.sweep.sweep import Sweep

RATES = {"none": 0.05, "same": 0.05, "bad": 0.35, "worse": 0.5}
WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "one", "lazy", "dog", "seven", "large", "boxes", "outside"]
N = 48


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Recordings, of which the engine of :func:`engine` knows the texts."""
    folder = tmp_path_factory.mktemp("set")
    rng = np.random.default_rng(3)
    rows = []
    for number in range(N):
        soundfile.write(folder / f"{number}.wav", 0.1 * rng.standard_normal(800), 16_000)
        text = " ".join(rng.choice(WORDS, 14))
        rows.append({"utt_id": f"u{number}", "audio": f"{number}.wav", "language": "en", "text": text})
    references = pd.DataFrame(rows)[["utt_id", "text"]]
    return Dataset("raced", pd.DataFrame(rows).drop(columns="text"), references=references, folder=folder)


def engine(dataset, **options):
    texts = dict(zip(dataset.references["utt_id"], dataset.references["text"], strict=True))
    by_digest = {digest(dataset.audio_path(utt_id)): text for utt_id, text in texts.items()}
    return ScriptedEngine(
        by_digest,
        substitutions=lambda asked: RATES.get(asked.context or "none", 0.0),
        label="by the context",
        **options,
    )


def race_of(dataset, **options):
    options = {"looks": 12} | options
    return lab.Race(lambda heard: lab.score(heard, dataset, form="unstated", missing="all-deleted"), **options)


@pytest.fixture
def raced(dataset, tmp_path):
    """Makes the sweep of these tests."""

    def make(store="run", contexts=("none", "same", "bad", "worse"), **options):
        levels = {name: None if name == "none" else name for name in contexts}
        scripted = options.pop("engine", None) or engine(dataset)
        return Sweep(dataset, scripted, grid(context=levels), store=tmp_path / store, **options)

    return make


def asked(sweep):
    """Blocks that each setting was asked, by their places in the order of trials."""
    order = sweep.plan().order
    place = {block: number for number, block in enumerate(order)}
    heard = sweep.transcripts.query("state not in ('not run', 'spared')")
    return {
        name: sorted(place[repeat, utt_id] for repeat, utt_id in zip(rows["repeat"], rows["utt_id"], strict=True))
        for name, rows in heard.groupby("context")
    }


def test_what_is_clearly_worse_is_dropped_between_blocks_and_the_rest_is_asked_to_the_end(raced, dataset):
    sweep = raced()
    sweep.run(race=race_of(dataset), progress=False)
    table = sweep.race
    lost = table[table["dropped"]].set_index("condition")
    assert set(lost.index) == {"context=bad", "context=worse"}
    assert set(lost["rival"]) <= {"context=none", "context=same"}
    blocks = asked(sweep)
    assert blocks["none"] == blocks["same"] == list(range(N))
    for name in ("bad", "worse"):
        n_asked = int(lost.loc[f"context={name}", "n_asked"])
        assert n_asked < N
        assert n_asked % (N // 12) == 0, "only where a look is due"
        assert blocks[name] == list(range(n_asked)), "whole blocks, and nothing after it was dropped"
    sent = sum(len(of_one) for of_one in blocks.values())
    assert sent == 2 * N + lost["n_asked"].sum() < 4 * N
    assert sweep.transcripts["state"].value_counts().to_dict() == {"answered": sent, "spared": 4 * N - sent}
    assert sweep.costs["state"].value_counts().to_dict() == {"answered": sent, "spared": 4 * N - sent}
    # What was spared counts in no rate, however trials without an answer count.
    first_ones = {name: len(of_one) for name, of_one in blocks.items()}
    for missing in ("raise", "drop", "all-deleted"):
        scores = lab.score(sweep.transcripts, dataset, form="unstated", missing=missing)
        assert scores.groupby("context")["ref_len"].count().to_dict() == first_ones
        assert scores["dels"].sum() == 0
    # Each look is at what had come in by then, as it is marked afterwards.
    first = table[table["look"] == 1].set_index("condition")
    assert list(first.index) == [f"context={name}" for name in RATES]
    marked = lab.score(sweep.transcripts, dataset, form="unstated", missing="all-deleted")
    early = {utt_id for _, utt_id in sweep.plan().order[: first["n_asked"].iloc[0]]}
    pooled = marked[marked["utt_id"].isin(early)].groupby("condition")[["subs", "dels", "ins", "ref_len"]].sum()
    rates = pooled[["subs", "dels", "ins"]].sum(axis=1) / pooled["ref_len"]
    assert first["rate"].astype(float).to_dict() == pytest.approx(rates.to_dict())


def test_a_race_that_is_broken_off_ends_as_one_that_is_not(raced, dataset):
    whole = raced("whole")
    whole.run(race=race_of(dataset), progress=False)
    broken = raced("broken", engine=engine(dataset, free=False))
    minutes = 0.25
    for _ in range(40):
        try:
            broken.run(race=race_of(dataset), progress=False, price_usd_per_s=0.0, budget_minutes=minutes)
            break
        except BudgetSpent:
            minutes += 0.61
    else:
        pytest.fail("it never ended")
    assert minutes > 1, "it was broken off several times"
    pd.testing.assert_frame_equal(broken.race, whole.race)
    assert asked(broken) == asked(whole)
    assert broken.transcripts["attempts"].max() == 1, "nothing is asked twice"
    again = len(broken.transcripts)
    broken.run(race=race_of(dataset), progress=False, price_usd_per_s=0.0)
    assert len(broken.transcripts) == again
    assert asked(broken) == asked(whole)


def test_a_race_goes_on_as_it_began_or_not_at_all(raced, dataset):
    raced().run(race=race_of(dataset), progress=False)
    with pytest.raises(InvalidInput, match="by other rules"):
        raced().run(race=race_of(dataset, level=0.9), progress=False)
    others = [raced(contexts=("none", "bad", "extra")), raced(repeats=2), raced(seed=1)]
    others.append(raced(engine=engine(dataset, seed=1)))
    before = len(lab.open_sweep(raced().source).transcripts)
    for other in others:
        with pytest.raises(InvalidInput, match="of other recordings, settings, repeats or engines"):
            other.run(race=race_of(dataset), progress=False)
    assert len(lab.open_sweep(raced().source).transcripts) == before, "what is refused leaves no trace"
    raced().run(progress=False)  # without it, what was dropped is asked
    assert {name: len(of_one) for name, of_one in asked(raced()).items()} == dict.fromkeys(RATES, N)


def test_what_cannot_be_marked_is_said_before_anything_is_sent(raced, dataset):
    sweep = raced()
    bad = lab.Race(lambda heard: lab.score(heard, dataset, form="spoken"))
    with pytest.raises(InvalidInput, match="form"):
        sweep.run(race=bad, progress=False)
    assert set(sweep.transcripts["state"]) == {"not run"}
    race = race_of(dataset)
    for no_race in (0.95, lab.Race):
        with pytest.raises(InvalidInput, match=r"race must be a lab\.Race"):
            sweep.run(race=no_race, progress=False)
    with pytest.raises(InvalidInput, match="divided into parts"):
        sweep.parts(2)[0].run(race=race, progress=False)
    with pytest.raises(InvalidInput, match="divided into parts"):
        sweep.run(race=race, progress=False)
    assert set(sweep.transcripts["state"]) == {"not run"}


def test_a_raced_sweep_is_replayed_as_one(raced, dataset, tmp_path, monkeypatch):
    sweep = raced()
    sweep.run(race=race_of(dataset), progress=False)
    replay = sweep.save_replay(tmp_path / "race.jsonl")
    pd.testing.assert_frame_equal(lab.open_sweep(replay).race, sweep.race)
    assert "race" not in lab.open_sweep(replay).about
    monkeypatch.setenv("ASRLAB_OFFLINE", "1")
    raced(replay.name).run(race=race_of(dataset), progress=False)
    with pytest.raises(MissingTrials, match="lacks"):
        raced(replay.name).run(progress=False)
    with pytest.raises(InvalidInput, match="by other rules"):
        raced(replay.name).run(race=race_of(dataset, level=0.9), progress=False)
    with pytest.raises(InvalidInput, match="of other recordings, settings"):
        raced(replay.name, seed=5).run(race=race_of(dataset), progress=False)
    # Where answers of settings that were kept are missing, it is not a matter of the race.
    store = raced("partly")
    monkeypatch.delenv("ASRLAB_OFFLINE")
    with pytest.raises(BudgetSpent):
        raced("partly", engine=engine(dataset, free=False)).run(
            race=race_of(dataset), progress=False, price_usd_per_s=0.0, budget_minutes=1.0
        )
    monkeypatch.setenv("ASRLAB_OFFLINE", "1")
    with pytest.raises(MissingTrials):
        store.run(race=race_of(dataset), progress=False)


def test_a_sweep_without_a_race_has_an_empty_table(raced):
    sweep = raced()
    sweep.run(progress=False)
    assert len(sweep.race) == 0
    assert list(sweep.race.columns)[:3] == ["look", "fraction", "condition"]


def test_a_race_from_the_command_line(dataset, tmp_path, monkeypatch):
    manifest = dataset.write(tmp_path / "set", copy_audio=True)
    monkeypatch.setattr(lab, "engine", lambda name: engine(dataset))
    levels = ",".join(name for name in RATES if name != "none")
    line = ["run", str(manifest), "--axis", f"context=none,{levels}", "--store", str(tmp_path / "run"), "--json"]
    told = CliRunner().invoke(main, [*line, "--race", "0.95", "--looks", "12", "--unit", "word"])
    assert told.exit_code == 0, told.output
    document = json.loads(told.stdout)
    assert {row["condition"] for row in document["dropped"]} == {"context=bad", "context=worse"}
    assert document["states"]["spared"] > 0
    assert document["unanswered"] == []
    wrong = CliRunner().invoke(main, [*line, "--looks", "6"])
    assert wrong.exit_code == 2
    assert "--looks is of a race" in wrong.stderr


def test_progress_and_the_budget_count_what_is_left_to_ask(raced, dataset):
    seen = []
    sweep = raced(engine=engine(dataset, free=False))
    race = race_of(dataset)
    with pytest.raises(BudgetSpent, match=r"The budget left (\d+) of (\d+) trials unsent") as stopped:
        sweep.run(race=race, progress=False, price_usd_per_s=0.0, budget_minutes=1.0)
    left, wanted = map(int, stopped.value.args[0].split("The budget left ")[1].split(" trials")[0].split(" of "))
    assert wanted - left == (sweep.transcripts["state"] == "answered").sum()
    sweep.run(race=race, progress=lambda now: seen.append((now.done, now.total)), price_usd_per_s=0.0)
    assert seen[-1] == (left, left) or seen[-1][0] == seen[-1][1], "it ends when all is done that was to be"
    assert all(done <= total for done, total in seen)


def test_a_setting_that_fails_is_not_kept_for_that(raced, dataset):
    failing = engine(dataset)
    answer = failing.transcribe

    async def transcribe(question, steps=UNWATCHED):
        if question.parameters.context == "same":
            raise TaskFailed("It cannot.", code="DECODE_ERROR")
        return await answer(question, steps)

    failing.transcribe = transcribe
    sweep = raced(contexts=("none", "same"), engine=failing)
    race = lab.Race(lambda heard: lab.score(heard, dataset, form="unstated", missing="all-deleted"), looks=12)
    sweep.run(race=race, progress=False)
    assert sweep.race.query("dropped")["condition"].tolist() == ["context=same"]
