"""Axes of the audio and of the engine: what is asked is what the grid says, and is known for what it is."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import soundfile

import asrlab
from asrlab.data import audio_cache
from asrlab.data.dataset import Dataset
from asrlab.engines.base import UNWATCHED, Answer, Capabilities, Engine, Transcript
from asrlab.engines.filetrans import FiletransEngine
from asrlab.errors import BudgetSpent, InvalidInput, StoreError
from asrlab.sweep.grid import column, grid
from asrlab.sweep.sweep import Sweep


class Ear(Engine):
    """Answers with the level of what it is given in dB, its length in samples, and its rate."""

    name = "ear"
    capabilities = Capabilities(frozenset({"language", "channel_id"}), frozenset({"en"}))

    def __init__(self, model="qwen3-asr-flash-filetrans", region="singapore", *, free=True, per_minute=np.inf):
        self.free = free
        self.facts = {"engine": "ear", "model": model, "region": region}
        self.submits_per_minute = per_minute
        self.asked = []

    @property
    def identity(self):
        return self.facts

    def variant(self, **options):
        return Ear(**{"model": self.facts["model"], "region": self.facts["region"], **options}, free=self.free)

    async def transcribe(self, question, steps=UNWATCHED):
        self.asked.append(question.audio)
        await steps.sending("oss://x")
        await steps.submitted(f"task-{self.facts['region']}-{len(self.asked)}")
        samples, rate = soundfile.read(question.audio, always_2d=True)
        level = 10 * np.log10(np.mean(samples**2) + 1e-12)
        said = f"{level:.1f} {len(samples)} {rate} {self.facts['region']}"
        return Answer(
            tuple(Transcript(c, said, "en") for c in question.parameters.channel_id), len(samples) / rate, "ear"
        )


@pytest.fixture
def dataset(tmp_path):
    """Four recordings of 1 s, each of bursts of noise, that differ."""
    folder = tmp_path / "set"
    folder.mkdir()
    rows = []
    for number in range(4):
        bursts = 0.1 * np.random.default_rng(number).standard_normal(16_000) * (np.arange(16_000) // 4000 % 2)
        soundfile.write(folder / f"{number}.wav", bursts, 16_000, subtype="PCM_16")
        rows.append({"utt_id": f"u{number}", "audio": f"{number}.wav", "language": "en", "speaker": f"s{number}",
                     "snr_wanted": 10.0 * number})  # fmt: skip
    references = pd.DataFrame({"utt_id": [row["utt_id"] for row in rows], "text": "x y z singapore"})
    return Dataset("four", pd.DataFrame(rows), references, folder=folder)


def swept(dataset, conditions, tmp_path, engine=None, **options):
    sweep = Sweep(dataset, engine or Ear(), conditions, store=tmp_path / "run")
    sweep.run(progress=False, **options)
    return sweep


def heard(sweep):
    """What was heard, by utterance and condition: level, samples, rate."""
    frame = sweep.transcripts
    parts = [text.split() for text in frame["text"]]
    return frame.assign(
        level=[float(level) for level, *_ in parts], n=[int(part[1]) for part in parts], rate=[int(p[2]) for p in parts]
    )


def test_an_ablation_of_the_audio_is_an_axis(dataset, tmp_path):
    engine = Ear()
    sweep = swept(dataset, grid(snr=[None, 20, 0]), tmp_path, engine)
    frame = heard(sweep)
    assert list(frame.columns[-4:-3]) == ["snr"]
    assert frame["snr"].tolist() == ["none", "20", "0"] * 4
    levels = frame.groupby("snr")["level"].mean()
    assert levels["0"] > levels["20"] + 2 > levels["none"]
    originals = {str(dataset.audio_path(u)) for u in dataset.utterances["utt_id"]}
    assert originals <= set(engine.asked)  # what is not disturbed is asked about as it is
    assert len(set(engine.asked)) == 12
    again = Ear()
    swept(dataset, grid(snr=[None, 20, 0]), tmp_path, again)
    assert again.asked == []


def test_planning_makes_no_audio(dataset, tmp_path):
    sweep = Sweep(dataset, Ear(free=False), grid(snr=[None, 7], speed=[None, 1.25]), store=tmp_path / "run")
    plan = sweep.plan()
    assert plan.table["audio_s"].tolist() == [1.0, 0.8, 1.0, 0.8] * 4
    assert plan.billed_min == 16 / 60
    paths = [job.setting.recording.digest.partition(":")[2] for job in plan.jobs if job.setting.made]
    assert len(paths) == 12
    made = {path.stem for path in audio_cache.cache_folder("derived").rglob("*.flac")}
    assert not made & set(paths)
    plan.jobs[-1].setting.audio()
    assert {path.stem for path in audio_cache.cache_folder("derived").rglob("*.flac")} & set(paths)


def test_a_level_of_the_audio_may_differ_by_utterance(dataset, tmp_path):
    conditions = grid(
        snr={"own": column("snr_wanted")}, gain_db={"loud": lambda u: 6.0 if u["utt_id"] == "u3" else None}
    )
    sweep = swept(dataset, conditions, tmp_path)
    frame = heard(sweep)
    for number, utt_id in enumerate(frame["utt_id"]):
        recipe = {"snr": 10.0 * number, **({"gain_db": 6.0} if number == 3 else {})}
        samples, _ = soundfile.read(dataset.perturb(**recipe).audio_path(utt_id))
        assert frame["level"].iloc[number] == pytest.approx(10 * np.log10(np.mean(samples**2)), abs=0.06)


def test_a_disturbed_set_and_an_axis_ask_the_same(dataset, tmp_path):
    by_axis = Sweep(dataset, Ear(), grid(snr=[10.0], noise="babble"), store=tmp_path / "a").plan()
    by_set = Sweep(dataset.perturb(snr=10, noise="babble"), Ear(), grid(), store=tmp_path / "b").plan()
    assert by_axis.table["trial"].tolist() == by_set.table["trial"].tolist()
    shuffled = Dataset("other", dataset.utterances.iloc[::-1], dataset.references, folder=dataset.folder)
    backward = Sweep(shuffled, Ear(), grid(snr=[10.0], noise="babble"), store=tmp_path / "c").plan()
    assert backward.table["trial"].tolist() == by_axis.table["trial"].tolist()[::-1]
    other = Sweep(dataset, Ear(), grid(snr=[10.0], noise="babble", audio_seed=1), store=tmp_path / "d").plan()
    assert not set(other.table["trial"]) & set(by_axis.table["trial"])


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ({"snr": ["loud"]}, "snr must be a number"),
        ({"codec": ["opus-1k"]}, "codec must be one of"),
        (
            {"speed": {"odd": lambda u: 9 if u["utt_id"] == "u2" else 1}},
            "Utterance u2, condition speed=odd: speed must be",
        ),
        ({"mix": ["swap"]}, "mix='swap' moves channels"),
    ],
)
def test_a_recipe_that_is_none_is_said_before_anything_is_sent(dataset, tmp_path, axes, said):
    engine = Ear(free=False)
    with pytest.raises(InvalidInput, match=said):
        swept(dataset, grid(**axes), tmp_path, engine)
    assert engine.asked == []


def test_a_noise_that_is_not_there_ends_no_other_trial(dataset, tmp_path):
    with pytest.raises(InvalidInput, match="There is no noise"):
        swept(dataset, grid(snr=[None, 5], noise=str(tmp_path / "gone")), tmp_path)


def test_a_recording_that_cannot_be_made_fails_alone_and_costs_nothing(dataset, tmp_path, monkeypatch):
    engine = Ear(free=False)
    sweep = Sweep(dataset, engine, grid(gain_db=[None, 3]), store=tmp_path / "run")

    def broken(file, *rest):
        raise InvalidInput("The cache is full. Make room.")

    monkeypatch.setattr("asrlab.data.audio_cache._keep", broken)
    sweep.run(progress=False, budget_usd=1.0)
    frame = sweep.transcripts
    assert frame["state"].tolist() == ["answered", "failed"] * 4
    assert frame["error"].dropna().unique().tolist() == ["The cache is full. Make room."]
    assert len(engine.asked) == 4
    monkeypatch.undo()
    sweep.run(progress=False, retry="failed")
    assert sweep.transcripts["state"].eq("answered").all()


def test_a_cache_that_cannot_be_written_to_ends_the_run_and_loses_nothing(dataset, tmp_path, monkeypatch):
    engine = Ear(free=False)
    sweep = Sweep(dataset, engine, grid(gain_db=[None, 3]), store=tmp_path / "run")
    (tmp_path / "file").touch()
    monkeypatch.setattr("asrlab.data.audio_cache.cache_folder", lambda name: tmp_path / "file" / name)
    with pytest.raises(StoreError, match="cannot be kept in"):
        sweep.run(progress=False, concurrency=1)
    assert "failed" not in set(sweep.transcripts["state"])
    monkeypatch.undo()
    sweep.run(progress=False)
    assert sweep.transcripts["state"].eq("answered").all()
    assert len(engine.asked) == 8  # each once


class Meddler(Ear):
    """Changes a file when it is first asked."""

    def __init__(self, change):
        super().__init__(free=False)
        self.change = change

    async def transcribe(self, question, steps=UNWATCHED):
        if not self.asked:
            self.change()
        return await super().transcribe(question, steps)


@pytest.mark.parametrize("conditions", [grid(), grid(snr=[0.0], noise="./noises"), grid(snr=[0.0], noise="babble")])
def test_no_answer_is_kept_under_what_was_not_asked(dataset, tmp_path, monkeypatch, conditions):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "noises").mkdir()

    def write(seed):
        noise = 0.1 * np.random.default_rng(seed).standard_normal(16_000)
        soundfile.write(tmp_path / "noises" / "n.wav", noise, 16_000)
        for number in range(4):
            other = 0.1 * np.random.default_rng(seed + number).standard_normal(16_000)
            soundfile.write(dataset.folder / f"{number}.wav", other, 16_000, subtype="PCM_16")

    write(10)
    monkeypatch.setattr("asrlab.data.derived._REMEMBERED_S", 0.0)
    engine = Meddler(lambda: write(90))
    sweep = Sweep(dataset, engine, conditions, store=tmp_path / "run")
    sweep.run(progress=False, concurrency=1)
    frame = sweep.transcripts
    assert len(engine.asked) == 1
    assert (
        frame["error"].dropna().str.contains("has changed since it was planned").sum()
        + (frame["state"] == "not run").sum()
        >= 3
    )
    write(10)
    kept_ = Sweep(dataset, Ear(), conditions, store=tmp_path / "other")
    kept_.run(progress=False)
    first = dict(zip(kept_.transcripts["trial"], kept_.transcripts["text"], strict=True))
    answered = frame[frame["state"] == "answered"]
    assert all(
        first[trial] == text for trial, text in zip(answered["trial"], answered["text"], strict=True) if trial in first
    )


def test_conditions_of_one_name_are_refused():
    with pytest.raises(InvalidInput, match="Two conditions would be called 'noise=a, codec=b, codec=c'"):
        grid(snr=5, noise={"a": "pink", "a, codec=b": "white"}, codec={"b, codec=c": "mulaw", "c": "alaw"})
    with pytest.raises(InvalidInput, match="given as a list"):
        grid(snr=(None, 20))
    with pytest.raises(InvalidInput, match="noise does nothing without a level"):
        grid(noise=["pink", "white"])


def test_whole_recipes_are_levels(dataset, tmp_path):
    lines = {"wire": None, "GSM": {"codec": "gsm"}, "bad GSM": {"codec": "gsm", "packet_loss": 0.2}}
    sweep = swept(dataset, grid(audio=lines, gain_db=-3), tmp_path)
    frame = heard(sweep)
    assert frame["audio"].tolist() == list(lines) * 4
    assert frame["rate"].tolist() == [16_000, 8000, 8000] * 4
    same = dataset.perturb(codec="gsm", packet_loss=0.2, gain_db=-3)
    assert sweep.heard("audio=bad GSM").audio_path("u1") == same.audio_path("u1")
    for wrong, said in (({"audio": ["gsm"]}, "A level of audio is a recipe"),
                        ({"audio": {"x": {"gain_db": 1}}, "gain_db": 2}, "given in audio and by itself"),
                        ({"audio": {"x": {"codec": "g711"}}}, "codec must be one of")):  # fmt: skip
        with pytest.raises(InvalidInput, match=said):
            Sweep(dataset, Ear(), grid(**wrong), store=tmp_path / "other").plan()


def test_no_path_of_a_noise_is_told(dataset, tmp_path):
    (tmp_path / "secret").mkdir()
    soundfile.write(tmp_path / "secret" / "n.wav", 0.1 * np.random.default_rng(0).standard_normal(16_000), 16_000)
    sweep = swept(dataset, grid(snr={"a": 5}, noise=str(tmp_path / "secret")), tmp_path)
    replay = sweep.save_replay(tmp_path / "replay.jsonl")
    assert str(tmp_path) not in replay.read_text()
    assert str(tmp_path) not in dataset.perturb(snr=5, noise=str(tmp_path / "secret")).utterances["recipe"].iloc[0]


def test_cuts_are_asked_as_recordings_of_their_own(dataset, tmp_path):
    cuts = dataset.utterances.assign(begin_s=[0.25, 0.5, 0.0, 0.25], end_s=[0.5, None, 0.1, 1.0])
    ds = Dataset("cuts", cuts, dataset.references, folder=dataset.folder)
    frame = heard(swept(ds, grid(), tmp_path))
    assert frame["n"].tolist() == [4000, 8000, 1600, 12_000]
    whole, _ = soundfile.read(dataset.audio_path("u0"), dtype="int16")
    cut, _ = soundfile.read(ds.audio_path("u0"), dtype="int16")
    assert (cut == whole[4000:8000]).all()


def test_a_channel_of_a_file_is_an_utterance(dataset, tmp_path):
    both = np.random.default_rng(0).integers(-3000, 3000, (1000, 2)).astype("int16")
    soundfile.write(dataset.folder / "two.wav", both, 8000)
    rows = pd.DataFrame({"utt_id": ["left", "right"], "audio": "two.wav", "channel": [0, 1]})
    ds = Dataset("two", rows, folder=dataset.folder)
    for number, utt_id in enumerate(["left", "right"]):
        samples, rate = soundfile.read(ds.audio_path(utt_id), dtype="int16")
        assert rate == 8000
        assert (samples == both[:, number]).all()
    assert ds.facts("left").digest != ds.facts("right").digest
    assert ds.facts("left").channels == 1


def test_several_engines_are_an_axis(dataset, tmp_path):
    engines = {"here": Ear(region="singapore"), "there": Ear(region="beijing")}
    sweep = swept(dataset, grid(snr=[None, 10]), tmp_path, engines)
    frame = sweep.transcripts
    assert frame["condition"].head(4).tolist() == [
        "engine=here, snr=none", "engine=here, snr=10", "engine=there, snr=none", "engine=there, snr=10"
    ]  # fmt: skip
    assert frame["text"].str.split().str[3].tolist() == ["singapore", "singapore", "beijing", "beijing"] * 4
    assert frame["asked_region"].tolist() == ["singapore", "singapore", "beijing", "beijing"] * 4
    assert [len(engine.asked) for engine in engines.values()] == [8, 8]
    scores = asrlab.score(frame, dataset)
    effect = asrlab.compare(scores, along="engine", baseline="here")
    assert effect["level"].tolist() == ["there", "there"]
    assert (effect["delta"] > 0).all()
    assert sweep.about["snr"] == "none, 10"


def test_a_replay_of_several_engines_is_read_with_them(dataset, tmp_path, monkeypatch):
    engines = {"here": Ear(region="singapore"), "there": Ear(region="beijing")}
    sweep = swept(dataset, grid(gain_db=[None, 3]), tmp_path, engines)
    replay = sweep.save_replay(tmp_path / "replay.jsonl")
    monkeypatch.setenv("ASRLAB_OFFLINE", "1")
    again = Sweep(dataset, engines, grid(gain_db=[None, 3]), store=replay)
    again.run()
    pd.testing.assert_frame_equal(again.transcripts, sweep.transcripts)
    other = Sweep(dataset, {**engines, "there": Ear(region="elsewhere")}, grid(gain_db=[None, 3]), store=replay)
    assert other.transcripts["state"].tolist() == ["answered", "answered", "not run", "not run"] * 4


def test_a_grid_may_ask_other_models_and_regions(dataset, tmp_path):
    sweep = swept(dataset, grid(region=["singapore", "beijing"], model=["m1", "m2"]), tmp_path)
    frame = sweep.transcripts
    assert frame[["region", "model"]].drop_duplicates().to_numpy().tolist() == [
        ["singapore", "m1"], ["singapore", "m2"], ["beijing", "m1"], ["beijing", "m2"]
    ]  # fmt: skip
    assert (frame["asked_region"] == frame["region"]).all()
    assert frame["trial"].nunique() == 16
    assert sweep.grid.kinds == {"region": "engine", "model": "engine"}


def test_each_region_has_its_own_price_and_key(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("DASHSCOPE_API_KEY_SINGAPORE", "sk-one")
    sweep = Sweep(dataset, FiletransEngine(), grid(region=["singapore", "beijing"]), store=tmp_path / "run")
    plan = sweep.plan()
    assert plan.usd == pytest.approx(4 * 0.000035 + 4 * 0.000032)
    assert "$0.000035 a second as of" in repr(plan)
    assert "$0.000032 a second as of" in repr(plan)
    with pytest.raises(InvalidInput, match="no API key for the region beijing"):
        sweep.run(progress=False)  # before anything is sent
    with pytest.raises(InvalidInput, match=r"api_key of .* hold for its region"):
        Sweep(dataset, FiletransEngine(api_key="sk-x"), grid(region=["beijing"]), store=tmp_path / "run")
    with pytest.raises(InvalidInput, match="region must be singapore or beijing"):
        Sweep(dataset, FiletransEngine(), grid(region=["virginia"]), store=tmp_path / "run")


def test_a_budget_is_kept_over_all_engines(dataset, tmp_path):
    engines = {"here": Ear(free=False), "there": Ear(region="beijing", free=False)}
    with pytest.raises(BudgetSpent):
        swept(dataset, grid(), tmp_path, engines, budget_usd=3 * 0.000035 + 0.000001)
    spent = [0.000035] * len(engines["here"].asked) + [0.000032] * len(engines["there"].asked)
    assert sum(spent) <= 3 * 0.000035 + 0.000001
    assert len(spent) == 3
    with pytest.raises(InvalidInput, match=r"price of .* is not known"):
        swept(dataset, grid(), tmp_path, {"a": Ear(free=False), "b": Ear("own", free=False)}, budget_usd=1.0)


@pytest.mark.parametrize(
    ("engine", "axes", "said"),
    [
        (Ear(), {"engine": ["a"]}, "Give it a mapping"),
        ({"a": Ear()}, {"engine": ["a", "b"]}, "asks the engine 'b', and Sweep was given 'a'"),
        ({}, {}, "There are no engines"),
        (asrlab.engine("local"), {"region": ["beijing"]}, "cannot be had with another region"),
    ],
)
def test_engines_that_are_not_there_are_said(dataset, tmp_path, engine, axes, said):
    with pytest.raises(InvalidInput, match=said):
        Sweep(dataset, engine, grid(**axes), store=tmp_path / "run")


def test_who_is_asked_does_not_differ_by_utterance():
    with pytest.raises(InvalidInput, match="A level of region is a text"):
        grid(region={"own": column("region")})
    with pytest.raises(InvalidInput, match="nothing that a grid can vary"):
        grid(loudness=[1, 2])


def test_free_and_paid_engines_are_asked_side_by_side(dataset, tmp_path):
    engines = {"free": Ear(), "paid": Ear(region="beijing", free=False)}
    sweep = Sweep(dataset, engines, grid(), store=tmp_path / "run")
    plan = sweep.plan()
    assert not plan.free
    assert plan.usd == pytest.approx(4 * 0.000032)
    sweep.run(progress=False, budget_usd=4 * 0.000032)
    assert sweep.transcripts["state"].eq("answered").all()


def test_provenance_tells_of_each_engine_and_of_what_was_done_to_the_audio(dataset, tmp_path):
    sweep = swept(dataset, grid(snr={"noisy": 10}), tmp_path, {"a": Ear(), "b": Ear(region="beijing")})
    facts = sweep.provenance[-1]["facts"]
    assert json.dumps(facts)
    assert [identity["region"] for identity in facts["engine"].values()] == ["singapore", "beijing"]
    assert facts["given"]["snr"] == {"noisy": {"value": 10}}
    sent = next(iter(facts["sent"].values()))
    assert sent["engine=a, snr=noisy"]["audio"] == "snr=10, noise=pink"
    assert "snr" in asrlab.provenance(sweep)._repr_html_()


def test_one_listens_to_what_was_asked_about(dataset, tmp_path):
    sweep = swept(dataset, grid(snr={"none": None, "own": column("snr_wanted")}), tmp_path)
    assert sweep.heard("snr=none").audio_path("u1") == dataset.audio_path("u1")
    assert sweep.heard("snr=own").audio_path("u1") == dataset.perturb(snr=10).audio_path("u1")
    with pytest.raises(InvalidInput, match="There is no condition 'snr=5'"):
        sweep.heard("snr=5")
    explorer = asrlab.explore(sweep, asrlab.score(sweep.transcripts, dataset))
    page = explorer.reading.page
    utt_id = page["stacks"][0]["title"].split(":")[0]
    assert page["sounds"] == {"0": "snr=none", "1": "snr=own"}
    for number, condition in enumerate(("snr=none", "snr=own")):
        (line,) = [line for line in page["stacks"][0]["lines"] if line["name"] == condition]
        assert line["sound"] == number
        fetched = explorer.reading._fetch(number, 0.0)
        assert fetched.data == sweep.heard(condition).audio_path(utt_id).read_bytes()
    explorer.against.value = "(none)"
    assert explorer.reading.page["sounds"] == {"0": "snr=none"}
