"""Checks of datasets: each finds what it is for and nothing else, reads each file once, and says it safely."""

from __future__ import annotations

import itertools
import json
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter, resample_poly

from asrlab import tables
from asrlab.data import spread
from asrlab.data.audio import digest, measure, probe
from asrlab.data.checks import CHECKS, check, sound
from asrlab.data.checks.findings import Finding, to_findings
from asrlab.data.checks.texts import count
from asrlab.data.dataset import Dataset
from asrlab.data.loading import load_dataset
from asrlab.data.meter import Meter
from asrlab.errors import InvalidInput

DICTATION = Path(__file__).parents[1] / "datasets" / "dictation"
RATE = 16_000
TEXT = "the quick brown fox jumps over it"


def voice(seconds=3.0, level_db=-20.0, rate=RATE, seed=1):
    """Noise that swells and fades as speech does."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    wave = rng.standard_normal(len(t)) * (0.05 + np.abs(np.sin(2 * np.pi * 1.5 * t)))
    return wave / np.sqrt(np.mean(wave**2)) * 10 ** (level_db / 20)


def dataset(folder, sounds, texts=None, **columns):
    """A set of recordings (samples, or samples and rate), each with one text unless others are given."""
    for name, given_sound in sounds.items():
        samples, rate = given_sound if isinstance(given_sound, tuple) else (given_sound, RATE)
        soundfile.write(folder / f"{name}.wav", samples, rate, subtype="PCM_16")
    return tabled(list(sounds), texts, folder, **columns)


def tabled(ids, texts=None, folder=None, **columns):
    said = {name: f"{TEXT} {chr(97 + place % 26)}" for place, name in enumerate(ids)} | (texts or {})
    rows = [
        {"utt_id": name, "channel": channel, "text": text}
        for name, given_text in said.items()
        for channel, text in enumerate(given_text if isinstance(given_text, list) else [given_text])
        if text is not None
    ]
    utterances = pd.DataFrame({
        "utt_id": ids, "audio": [f"{name}.wav" for name in ids], "language": "en",
        "speaker": [f"s{place % 6}" for place in range(len(ids))],
    } | columns)  # fmt: skip
    references = pd.DataFrame(rows, columns=["utt_id", "channel", "text"])
    return Dataset("calls", utterances, references, folder=folder)


def found(findings, utt_id=None):
    """The checks that found something, of one utterance or of all."""
    table = findings.table
    return set(table["check"] if utt_id is None else table.loc[table["utt_id"] == utt_id, "check"])


def look(ds, **options):
    return check(ds, progress=False, **options)


SIX = {f"other{n}": voice(seed=10 + n) for n in range(5)}  # with one more, six speakers


# -- what is in the samples -------------------------------------------------------------------------------------------


def naive(samples, step):
    """Levels as one would reckon them by hand, of shape (steps, channels)."""
    parts = [samples[begin : begin + step] for begin in range(0, len(samples), step)]
    clipped = np.zeros((len(parts), samples.shape[1]), int)
    for channel, values in enumerate(samples.T):
        extremes = [extreme for extreme, sign in ((values.max(), 1), (values.min(), -1)) if sign * extreme >= 0.1]
        for extreme in extremes:
            place = 0
            for value, run in itertools.groupby(values.tolist()):
                length = len(list(run))
                if value == extreme and length >= 3:
                    for sample in range(place, place + length):
                        clipped[sample // step, channel] += 1
                place += length
    return (
        np.array([np.abs(part).max(0) for part in parts]),
        np.array([part.mean(0) for part in parts]),
        np.array([(part**2).mean(0) for part in parts]),
        clipped,
    )


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_levels_do_not_depend_on_the_blocks_they_are_read_in(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    channels, rate = data.draw(st.integers(1, 3)), data.draw(st.sampled_from([1000, 1230]))
    values = data.draw(st.sampled_from([[-0.5, 0.5], [-0.7, 0.0, 0.7], [0.02, 0.05], np.linspace(-1, 1, 9)]))
    samples = rng.choice(values, (data.draw(st.integers(1, 900)), channels)).astype(np.float32)
    ends = sorted(data.draw(st.lists(st.integers(0, len(samples)), max_size=6)))
    blocks = np.split(samples, ends)
    levels = Meter(rate, channels).levels(iter(blocks))
    peak, mean, power, clipped = naive(samples.astype(float), round(rate / 10))
    np.testing.assert_allclose(levels.peak, peak, rtol=1e-6)
    np.testing.assert_allclose(levels.mean, mean, atol=1e-6)
    np.testing.assert_allclose(levels.power, power, rtol=1e-5)
    assert levels.clipped.tolist() == clipped.tolist()
    assert levels.samples.sum() == len(samples)
    assert levels.alike == (channels > 1 and bool((samples == samples[:, :1]).all()))


def test_long_recordings_are_the_same_in_pieces():
    """More than is looked at together: runs and crests go across the borders of what is."""
    samples = np.clip(voice(40.0, -12.0), -0.5, 0.5).astype(np.float32)[:, None]
    samples[:150_000] = np.clip(samples[:150_000], -0.3, 0.3)  # which turns out to be no crest
    samples[300_000:300_050] = 0.5
    levels = Meter(RATE, 1).levels(iter([samples]))
    *_, clipped = naive(samples.astype(float), 1600)
    # A run across a border of 131,200 samples may lose those on one side.
    assert abs(levels.clipped.sum() - clipped.sum()) <= 2 * (len(samples) // 131_200 + 1)
    assert levels.clipped.sum() > 300


@pytest.mark.parametrize("name", ["mono.wav", "stereo.flac", "phone.ogg", "music.mp3", "é.wav"])
def test_a_file_is_measured_as_it_is_probed_and_hashed(audio, name):
    measured = measure(audio / name)
    assert measured.info == probe(audio / name)
    assert measured.digest == digest(audio / name)
    assert measured.missing_s == 0
    samples, _ = soundfile.read(audio / name, dtype="float64", always_2d=True)
    assert measured.levels.peak.max(0) == pytest.approx(np.abs(samples).max(0), rel=1e-5)
    assert len(measured.levels.peak) == -(-len(samples) // round(measured.info.sample_rate / 10))


def test_containers_of_ffmpeg_are_measured_too(tmp_path):
    recordings = pytest.importorskip("recordings")
    pytest.importorskip("av")
    recordings.write(tmp_path / "a.m4a", recordings.tones((440, 1000), 44_100), 44_100, "aac")
    measured = measure(tmp_path / "a.m4a")
    assert measured.info.format == "m4a"
    assert measured.digest == digest(tmp_path / "a.m4a")
    # A tone of amplitude 0.3 has a power of 0.045.
    assert measured.levels.power[3:7] == pytest.approx(np.full((4, 2), 0.045), rel=0.02)


def test_numbers_that_are_none_are_refused(tmp_path):
    soundfile.write(tmp_path / "nan.wav", np.array([0.1, np.nan, 0.2]), RATE, subtype="FLOAT")
    with pytest.raises(InvalidInput, match="not numbers"):
        measure(tmp_path / "nan.wav")


def test_memory_is_bounded(tmp_path):
    with soundfile.SoundFile(tmp_path / "long.flac", "w", RATE, 2, "PCM_16") as file:
        minute = np.stack([voice(60, seed=1), voice(60, seed=2)], axis=1)
        for _ in range(8):
            file.write(minute)
    tracemalloc.start()
    measured = measure(tmp_path / "long.flac")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert measured.info.duration_s == 480
    assert peak < 30e6  # all of it has 61 MB as float32


# -- recordings -------------------------------------------------------------------------------------------------------


def test_a_set_without_faults_has_no_findings(tmp_path):
    findings = look(dataset(tmp_path, SIX | {"it": voice()}))
    assert repr(findings) == "calls: 6 recordings, 0.3 min read, nothing found"
    assert {name: str(dtype) for name, dtype in findings.table.dtypes.items()} == {
        name: dtype for name, (dtype, _) in tables.SCHEMAS["findings"].items()
    }
    assert not len(findings.errors)
    assert findings.counts == {}


def test_the_shipped_set_is_clean():
    assert repr(look(load_dataset(DICTATION))) == "dictation: 64 recordings, 6.2 min read, nothing found"


def stereo(left, right):
    return np.stack([left, right], axis=1)


SILENT = np.zeros(3 * RATE)
TELEPHONE = resample_poly(lfilter([0.2], [1, -0.95], voice(rate=8000)), 2, 1)

#: What is heard, what is said to be, and what is found, nothing else.
SOUNDS = {
    "silent, with text": (SILENT, TEXT, {"silence with text"}),
    "silent, said to be": (SILENT, "", {"empty reference"}),
    "silent, not known": (SILENT, None, {"silence", "no reference"}),
    "silent on both channels": (stereo(SILENT, SILENT), None, {"silence", "no reference"}),
    "nearly silent": (voice(level_db=-70), TEXT, {"silence with text"}),
    "silent beside zero": (SILENT + 0.005, TEXT, {"silence with text"}),
    "quiet": (voice(level_db=-55), TEXT, {"low level"}),
    "quiet but well": (voice(level_db=-45), TEXT, set()),
    "loud": (voice(level_db=-14), TEXT, set()),
    "cut off at the top": (np.clip(voice(level_db=-10), -0.4, 0.4), TEXT, {"clipping"}),
    "cut off above zero": (np.minimum(voice(level_db=-10), 0.4), TEXT, {"clipping", "DC offset"}),
    "cut off at full scale": (np.clip(voice(level_db=-3), -1, 1), TEXT, {"clipping"}),
    "a short run": (np.where(np.arange(48_000) // 4 == 5_000, 0.9, voice()), TEXT, set()),
    "beside zero": (voice() + 0.02, TEXT, {"DC offset"}),
    "telephone": (TELEPHONE, TEXT, {"telephone band"}),
    "at 8 kHz": ((voice(rate=8000), 8000), TEXT, set()),
    "at 6 kHz": ((voice(rate=6000), 6000), TEXT, {"low sample rate"}),
    "one sound on both": (stereo(voice(), voice()), TEXT, {"same channels"}),
    "two voices": (stereo(voice(), voice(seed=2)), [TEXT, "hello " + TEXT], set()),
    "two voices, one text": (stereo(voice(), voice(seed=2)), TEXT, {"channel without text"}),
    "one voice, one idle": (stereo(voice(), SILENT), TEXT, {"silent channel"}),
    "one voice, one said to be idle": (stereo(voice(), SILENT), [TEXT, ""], {"empty reference"}),
    "one voice, text on the idle": (stereo(voice(), SILENT), [TEXT, "hello " + TEXT], {"silence with text"}),
    "one channel, two texts": (voice(), [TEXT, "hello " + TEXT], {"no such channel"}),
    "a click": (voice(0.05), "hi", {"very short"}),
    "text of ten seconds": (voice(1.0), "word " * 70 + "word", {"too much text"}),
    "text that nearly fits": (voice(1.0), "one two three four five six seven eight", set()),
    "much text that fits": (voice(11.0), "word " * 70 + "word", set()),
    "chinese, too much": (voice(1.0), "今天天气很好我们去公园走走吧好不好呀朋友们", {"too much text", "other script"}),
    "a word in a minute": (voice(60.0), "hello", {"too little text"}),
}


@pytest.mark.parametrize("case", SOUNDS)
def test_each_fault_of_a_recording_is_found_and_no_other(tmp_path, case):
    samples, text, expected = SOUNDS[case]
    ds = dataset(tmp_path, SIX | {"it": samples}, {"it": text})
    findings = look(ds)
    assert found(findings, "it") == expected
    assert all(found(findings, other) == set() for other in SIX)


def test_what_is_measured_stands_beside_it(tmp_path):
    clipped = np.clip(voice(level_db=-10), -0.4, 0.4)
    ds = dataset(tmp_path, SIX | {"it": stereo(voice(), clipped)}, {"it": [TEXT, TEXT]})
    row = look(ds).table.iloc[0]
    pcm = np.round(clipped * 32768)
    runs = sum(
        n for v, n in ((v, len(list(r))) for v, r in itertools.groupby(pcm)) if abs(v) == abs(pcm).max() and n > 2
    )
    assert (row["check"], row["channel"]) == ("clipping", 1)
    assert row["value"] == pytest.approx(runs / len(pcm), rel=1e-6)
    assert f"{100 * runs / len(pcm):.2g} %" in row["what"]


def test_floats_beyond_full_scale_are_said_to_be(tmp_path):
    soundfile.write(tmp_path / "it.wav", voice(level_db=-6), RATE, subtype="FLOAT")
    findings = look(tabled(["it"], folder=tmp_path))
    assert "clipping" in found(findings, "it")
    assert "16 bits cannot hold" in findings.table["what"].iloc[0]


def test_files_that_cannot_be_used(tmp_path, audio):
    whole = (audio / "stereo.flac").read_bytes()
    (tmp_path / "broken.flac").write_bytes(whole[: len(whole) // 2])
    for name in ("nothing.wav", "text.wav", "empty.wav", "mono.wav"):
        (tmp_path / name).write_bytes((audio / name).read_bytes())
    (tmp_path.parent / "outside.wav").write_bytes((audio / "mono.wav").read_bytes())
    (tmp_path / "link.wav").symlink_to(tmp_path.parent / "outside.wav")
    names = ["mono.wav", "nothing.wav", "text.wav", "empty.wav", "broken.flac", "gone.wav", "link.wav", "x" * 300]
    ds = tabled(names, folder=tmp_path, audio=names)
    findings = look(ds)
    assert {name: found(findings, name) for name in names[1:]} == {
        "nothing.wav": {"no samples"},
        "text.wav": {"unreadable audio"},
        "empty.wav": {"unreadable audio"},
        "broken.flac": {"unreadable audio"},
        "gone.wav": {"missing audio"},
        "link.wav": {"missing audio"},
        "x" * 300: {"missing audio"},
    }
    assert set(findings.errors["utt_id"]) == set(names) - {"mono.wav"}


@pytest.mark.parametrize("ending", ["wav", "aiff"])
def test_files_that_were_cut_off(tmp_path, ending):
    soundfile.write(tmp_path / f"it.{ending}", voice(3.0), RATE)
    whole = (tmp_path / f"it.{ending}").read_bytes()
    (tmp_path / f"it.{ending}").write_bytes(whole[: len(whole) - 32_000])
    findings = look(tabled(["it"], folder=tmp_path, audio=[f"it.{ending}"]))
    row = findings.errors.iloc[0]
    assert row["check"] == "cut-off audio"
    assert row["value"] == pytest.approx(1.0, abs=0.01)


def test_what_a_pipe_wrote_is_not_cut_off(tmp_path):
    soundfile.write(tmp_path / "it.wav", voice(3.0), RATE)
    whole = bytearray((tmp_path / "it.wav").read_bytes())
    assert whole[36:40] == b"data"
    whole[40:44] = b"\xff\xff\xff\xff"
    (tmp_path / "it.wav").write_bytes(whole)
    assert "cut-off audio" not in found(look(tabled(["it"], folder=tmp_path)))


def test_each_file_is_read_once_whatever_is_cut_from_it(tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(sound, "measure", lambda path: read.append(path.name) or measure(path))
    monkeypatch.setattr(Dataset, "audio_path", None)  # no cut is made for this
    track = np.concatenate([voice(), SILENT, voice(seed=5)])
    soundfile.write(tmp_path / "whole.wav", stereo(track, track[::-1]), RATE)
    cuts = {
        "first": (0.0, 3.0, 0), "middle": (3.0, 6.0, 0), "last": (6.0, None, 1), "late": (8.5, 9.4, 0),
        "too late": (8.5, 9.9, 0), "beyond": (9.5, 10.0, 0), "no channel": (0.0, 3.0, 2), "both": (1.0, 2.5, None),
    }  # fmt: skip
    begin_s, end_s, channel = zip(*cuts.values(), strict=True)
    ds = tabled(
        list(cuts), dict.fromkeys(cuts, "hello there") | {"both": ["hello", "hello"]}, tmp_path,
        audio="whole.wav", begin_s=begin_s, end_s=end_s, channel=pd.array(channel, "Int64"),
    )  # fmt: skip
    findings = look(ds, engine=engine(audio_bytes=1000, audio_s=4.0))  # cuts are shorter and smaller than the file
    assert read == ["whole.wav"]
    assert {name: found(findings, name) for name in cuts} == {
        "first": set(), "middle": {"silence with text"}, "last": set(), "late": set(),
        "too late": {"stretch beyond the end"}, "beyond": {"stretch beyond the end"}, "no channel": {"no such channel"},
        "both": set(),
    }  # fmt: skip
    assert findings.minutes == pytest.approx(9 / 60)


def test_what_is_made_from_recordings_is_checked_as_it_is_made(tmp_path, monkeypatch):
    ds = dataset(tmp_path, SIX | {"it": voice()})
    made = ds.perturb(gain_db=-35)
    assert found(look(made)) == {"low level"}
    assert made.utterances["audio"].tolist() == ds.utterances["audio"].tolist()


def test_recordings_behind_links_are_not_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr("httpx.Client.send", None)
    ds = dataset(tmp_path, SIX | {"it": voice()})
    links = ds.utterances.assign(
        audio=["https://host/a.wav?sig=secret", "oss://bucket/b", *ds.utterances["audio"][2:]],
        duration_s=[13 * 3600.0, *[3.0] * 5],
    )
    findings = look(Dataset("calls", links, ds.references, folder=tmp_path))
    assert findings.counts == {"too long": 1, "too little text": 1, "not looked at": 1}
    assert findings.recordings == 6
    assert findings.minutes == pytest.approx(4 * 3 / 60)
    assert "2 of 6 recordings" in findings.table["what"].iloc[-1]
    assert "secret" not in repr(findings)


def test_without_audio_nothing_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(sound, "measure", None)
    ds = dataset(tmp_path, SIX | {"it": SILENT}, {"it": "a <br> b"})
    findings = look(ds, audio=False)
    assert found(findings) == {"HTML"}
    assert repr(findings).startswith("calls: 6 recordings, no audio read, 1 finding\n")


def test_texts_alone_are_a_set_and_a_hole_in_one_is_none(tmp_path):
    ds = dataset(tmp_path, SIX | {"it": voice()})
    alone = ds.utterances.assign(audio=pd.NA)
    assert found(look(Dataset("calls", alone, ds.references))) == set()
    some = ds.utterances.assign(audio=ds.utterances["audio"].where(ds.utterances["utt_id"] != "it"))
    findings = look(Dataset("calls", some, ds.references, folder=tmp_path))
    assert found(findings, "it") == {"no audio"}


# -- facts ------------------------------------------------------------------------------------------------------------


def test_what_the_manifest_says_is_held_against_the_recording(tmp_path):
    ds = dataset(
        tmp_path,
        SIX | {"it": voice()},
        duration_s=[3.05, 3.2, 2.0, None, 3.0, 3.0],
        channels=[1, 1, 1, 1, None, 2],
        sample_rate=[16000] * 4 + [8000, None],
    )
    findings = look(ds)
    assert {name: found(findings, name) for name in ds.utterances["utt_id"]} == {
        "other0": set(), "other1": {"facts differ"}, "other2": {"facts differ"}, "other3": set(),
        "other4": {"facts differ"}, "it": {"facts differ"},
    }  # fmt: skip
    assert findings.table["value"].tolist() == pytest.approx([0.2, -1.0, -8000, 1])


def engine(**can):
    return SimpleNamespace(
        name="mine", capabilities=SimpleNamespace(**{"languages": {"en"}, "audio_s": None, "audio_bytes": None} | can)
    )


def test_the_limits_are_those_of_the_engine(tmp_path):
    ds = dataset(tmp_path, SIX | {"it": voice(4.0)})
    assert found(look(ds, engine=engine(audio_s=3.5, audio_bytes=100_000)), "it") == {"too long", "too large"}
    assert found(look(ds, engine=engine(audio_s=4.0, audio_bytes=10**6))) == set()
    assert found(look(ds, engine=engine(languages={"zh"})), "it") == {"unknown language"}
    assert found(look(ds, engine=engine(languages=frozenset()))) == set()


def test_the_limits_are_those_of_the_service(tmp_path, monkeypatch):
    ds = dataset(tmp_path, SIX | {"it": voice(4.0)})
    soundfile.write(tmp_path / "it.wav", voice(4.0), RATE, format="AU", subtype="PCM_16")
    assert found(look(ds), "it") == {"unknown format"}
    monkeypatch.setattr("asrlab.dashscope.wire.UPLOAD_BYTES", 100_000)
    assert found(look(ds), "it") == {"unknown format", "too large"}
    monkeypatch.setattr("asrlab.dashscope.wire.AUDIO_S", 3.5)
    assert found(look(ds), "it") == {"unknown format", "too large", "too long"}
    assert found(look(ds), "other1") == set()


@pytest.mark.parametrize(
    ("language", "check_name", "meant"),
    [
        ("en", None, None), ("zh", None, None), ("fil", None, None), ("yue", None, None),
        ("en-US", "language code", "en"), ("en_us", "language code", "en"), ("EN", "language code", "en"),
        ("eng", "language code", "en"), ("English", "language code", "en"), ("zh-CN", "language code", "zh"),
        ("cmn", "language code", "zh"), ("cmn_hans_cn", "language code", "zh"), ("zh-HK", "language code", "yue"),
        ("tl", "language code", "fil"), ("nb", "language code", "no"), ("jpn", "language code", "ja"),
        ("sw", "unknown language", "'sw'"), ("", "unknown language", "''"),
    ],
)  # fmt: skip
def test_codes_of_languages(language, check_name, meant):
    findings = look(tabled(list("abcdef"), {"a": "12"}, language=[language, *["en"] * 5]), audio=False)
    assert found(findings, "a") - {"other script"} == ({check_name} - {None})
    if check_name:
        what = findings.table["what"].iloc[0]
        assert meant in (what.split("write ")[-1] if check_name == "language code" else what)


def test_what_is_not_stated_is_noted():
    ds = tabled(list("abcdef"), {"a": None, "b": None}, language=["en", *[pd.NA] * 5], speaker=["x", "y", *[pd.NA] * 4])
    findings = look(ds, audio=False)
    assert findings.counts == {"no reference": 2, "no language": 5, "no speaker": 1, "few speakers": 1}
    assert findings.table.set_index("check").loc["no speaker", "value"] == 4
    nothing = Dataset("texts", ds.utterances.assign(language=pd.NA, speaker=pd.NA))
    assert look(nothing, audio=False).counts == {"no reference": 1, "no language": 1, "no speaker": 1}


def test_ids_that_look_alike():
    ids = ["Call-1", "call-1", "call-1 ", "ｃall-1", "call-11", "other"]
    assert set(look(tabled(ids), audio=False).table["utt_id"].dropna()) == set(ids[1:4])


def test_recordings_that_come_twice(tmp_path):
    ids = {name: voice(seed=3) for name in ("it", "same", "differs")} | SIX
    ds = dataset(tmp_path, ids, {"it": "Hello there!", "same": "hello there", "differs": "good bye now"})
    soundfile.write(tmp_path / "same.flac", *soundfile.read(tmp_path / "same.wav", dtype="int16"))
    ds = Dataset("calls", ds.utterances.replace({"audio": {"same.wav": "same.flac"}}), ds.references, folder=tmp_path)
    findings = look(ds)
    pairs = findings.table[["check", "utt_id"]].to_numpy().tolist()
    assert sorted(pair for pair in pairs if pair[0] == "duplicate audio") == [
        ["duplicate audio", "differs"], ["duplicate audio", "same"],
    ]  # fmt: skip
    assert [pair[1] for pair in pairs if pair[0] == "same audio, other text"] == ["differs", "differs"]
    # Texts of another form or channel may well differ.
    other = ds.references.assign(
        form=["spoken" if utt_id == "differs" else "written" for utt_id in ds.references["utt_id"]]
    )
    assert "same audio, other text" not in found(look(Dataset("calls", ds.utterances, other, folder=tmp_path)))


def test_stretches_of_one_file_are_no_duplicates(tmp_path):
    soundfile.write(tmp_path / "whole.wav", voice(6.0), RATE)
    ds = tabled(["a", "b", "c"], folder=tmp_path, audio="whole.wav", begin_s=[0.0, 3.0, 3.0], end_s=[3.0, 6.0, 6.0])
    assert look(ds).table.query("check == 'duplicate audio'")["utt_id"].tolist() == ["c"]


def test_lengths_and_rates_that_are_unusual():
    rng = np.random.default_rng(4)
    ids = [f"u{n}" for n in range(60)]
    lengths = [*rng.lognormal(np.log(5), 0.2, 57), 11.0, 60.0, 0.4]  # 11 is four standard deviations off
    texts = {name: "word " * max(1, round(2.5 * length)) for name, length in zip(ids, lengths, strict=True)}
    texts["u7"] = "word word"
    speakers = [f"s{n % 9}" for n in range(60)]
    findings = look(
        tabled(ids, {k: v.strip() for k, v in texts.items()}, duration_s=lengths, speaker=speakers), audio=False
    )
    table = findings.table.query("check != 'same text'")
    assert table[["check", "utt_id"]].to_numpy().tolist() == [
        ["unusual length", "u58"], ["unusual length", "u59"], ["unusual rate", "u7"],
    ]  # fmt: skip
    few = look(tabled(ids[:19], duration_s=[*lengths[:18], 60.0], speaker=speakers[:19]), audio=False)
    assert "unusual length" not in found(few)
    alike = look(tabled(ids, duration_s=[*[5.0] * 59, 5.5], speaker=speakers), audio=False)
    assert "unusual length" not in found(alike)


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("The cat sat -- on 12 mats.", (0, 0, 6)),
        ("我想喝 latte。", (3, 0, 1)),
        ("きょうは", (4, 0, 0)),
        ("안녕 하세요", (5, 0, 0)),
        ("น้ำ", (0, 1, 0)),
        ("", (0, 0, 0)),
        ("naïve café, œuvre", (0, 0, 3)),
    ],
)
def test_what_a_text_says_is_counted(text, counts):
    assert count(text) == counts


def test_sampling_rates_of_several_kinds(tmp_path):
    ds = dataset(tmp_path, SIX | {"it": (voice(rate=8000), 8000)})
    findings = look(ds)
    assert findings.table["what"].tolist() == ["8,000 Hz (1), 16,000 Hz (5)"]
    assert findings.counts == {"mixed sample rates": 1}


def segmented(*rows, duration_s=10.0):
    ds = tabled(["a", *"bcdef"], {"a": None}, duration_s=[duration_s, *[3.0] * 5])
    names = ["segment", "channel", "begin_s", "end_s", "text"]
    segments = pd.DataFrame(rows, columns=names).assign(utt_id="a")
    return Dataset("calls", ds.utterances, ds.references, segments=segments)


def test_segments_are_held_against_their_recording():
    well = segmented(("x", 0, 0.0, 4.0, "one two"), ("y", 0, 4.0, 10.2, "three four"), ("z", 1, 3.0, 5.0, "five"))
    assert found(look(well, audio=False), "a") == set()
    late = look(segmented(("x", 0, 0.0, 4.0, "one two"), ("y", 0, 4.0, 11.0, "three four")), audio=False)
    assert late.table[["check", "value"]].to_numpy().tolist() == [["stretch beyond the end", 11.0]]
    dense = segmented(("x", 0, 0.0, 0.5, "one two three four five six"), ("y", 0, 4.0, 10.0, "seven eight nine"))
    assert look(dense, audio=False).table[["check", "value"]].to_numpy().tolist() == [["too much text", 6 / 7 / 0.5]]
    over = segmented(
        ("x", 0, 0.0, 9.0, "one two"),
        ("y", 0, 4.0, 5.0, "three"),
        ("z", 0, 6.0, 8.0, "four"),
        ("w", 0, 9.0, 9.5, "five"),
    )
    assert look(over, audio=False).table[["check", "value"]].to_numpy().tolist() == [["overlapping segments", 2.0]]


# -- texts ------------------------------------------------------------------------------------------------------------

#: Language, text, and what is found in it, nothing else.
TEXTS = [
    ("en", "Hello, world! It's 5 o'clock; 20% off - A&B, a < b > c.", set()),
    ("en", "", {"empty reference"}),
    ("en", "... !?", {"only punctuation"}),
    ("en", "  ", {"only punctuation"}),
    ("en", "5", set()),
    ("en", "hello<br>world", {"HTML"}),
    ("en", '<a href="x">hello</a>', {"HTML"}),
    ("en", "this &amp; that", {"HTML"}),
    ("en", "this &#39; that", {"HTML"}),
    ("en", "this &nothing; that", set()),
    ("en", "<unk> hello", {"markup"}),
    ("en", "hello [noise] there", {"markup"}),
    ("en", "hello {laugh} there", {"markup"}),
    ("en", "hello ((there))", {"markup"}),
    ("en", "hello (laughter) there", {"markup"}),
    ("en", "hello %hesitation there", {"markup"}),
    ("en", "hello (my friend) 50 % of", set()),
    ("en", "hello\tthere", {"control characters"}),
    ("en", "hello\x07there", {"control characters"}),
    ("en", "hello\nthere", {"control characters"}),
    ("en", "hello \u202ethere", {"invisible characters"}),
    ("en", "hello\u200bthere", {"invisible characters"}),
    ("en", "hello\ufeff there", {"invisible characters"}),
    ("en", "soft\u00adhyphen here", {"invisible characters"}),
    ("hi", "क\u094d\u200dष है", set()),
    ("en", "hello\u200dthere", {"invisible characters"}),
    ("en", "na\ufffdve idea", {"lost characters"}),
    ("fr", "un café à la crème", set()),
    ("fr", "un cafÃ© chaud", {"mojibake"}),
    ("en", "it isnâ€™t so", {"mojibake"}),
    ("pt", "A MAÇÃ “boa” é já “minha”", set()),
    ("pt", "MAÇÃ” disse", set()),
    ("ru", "Ð¿Ñ€Ð¸Ð²ÐµÑ‚ друг", {"mojibake"}),
    ("is", "það er gott", set()),
    ("ru", "привет, мой друг", set()),
    ("ru", "привет Apple", set()),
    ("ru", "hello there", {"other script"}),
    ("ru", "пpивет друг", {"other script"}),  # with a Latin p
    ("en", "hello сat there", {"other script"}),  # with a Cyrillic s
    ("en", "你好", {"other script"}),
    ("en", "the β-carotene at 5 µm, ½ of Ω", set()),
    ("zh", "今天用 Kubernetes 部署", set()),
    ("zh", "hello", {"other script"}),
    ("zh", "日本の歌", {"other script"}),
    ("ja", "日本の歌、カラオケー", set()),
    ("ja", "ﾆﾎﾝ", set()),
    ("ko", "안녕하세요 친구", set()),
    ("ko", "こんにちは", {"other script"}),
    ("th", "สวัสดีครับ", set()),
    ("ar", "مرحبا بك", set()),
    ("zh-en", "hello 你好", set()),
    ("zh-en", "hello there", set()),
    ("zh-en", "привет 你好", {"other script"}),
    ("sw", "你好", set()),
    ("pt", "1º e 2ª", set()),
    ("zh", "这个东西臺灣沒有", {"mixed Chinese"}),
    ("zh", "這個東西臺灣沒有", set()),
    ("zh", "这个东西台湾没有", set()),
    ("zh", "由尉迟珺负责，令狐璟，鲲图", set()),
    ("en", " hello there", {"spaces at the ends"}),
    ("en", "hello there\u00a0", {"spaces at the ends"}),
]


@pytest.mark.parametrize(("language", "text", "expected"), TEXTS)
def test_each_fault_of_a_text_is_found_and_no_other(language, text, expected):
    ds = tabled(list("abcdef"), {"a": text}, language=[language, *["en"] * 5])
    findings = look(ds, audio=False)
    codes = {"unknown language"} if language == "sw" else set()
    assert found(findings, "a") == expected | codes
    assert set(findings.table["utt_id"].dropna()) <= {"a"}


def test_languages_may_be_switched_where_it_is_said():
    ds = tabled(list("abcdef"), {"a": "你好"}, tags=[["read", "code-switch"], *[[]] * 5])
    assert found(look(ds, audio=False)) == set()
    assert found(look(tabled(list("abcdef"), {"a": "你好"}, tags=[["read"], *[[]] * 5]), audio=False)) == {
        "other script"
    }


def test_digits_are_a_fault_of_spoken_forms_alone():
    rows = [("a", "spoken", "it is 5 o'clock"), ("a", "written", "it is 5 o'clock"), ("b", "verbatim", "at 5")]
    references = pd.DataFrame(rows, columns=["utt_id", "form", "text"])
    ds = Dataset("calls", tabled(list("abcdef")).utterances, references)
    assert look(ds, audio=False).table.query("check == 'digits'")["utt_id"].tolist() == ["a"]


def test_a_fault_in_several_forms_is_one_finding():
    rows = [("a", form, n, "a <br> b") for form in ("spoken", "written") for n in range(2)]
    references = pd.DataFrame(rows, columns=["utt_id", "form", "alternative", "text"])
    ds = Dataset("calls", tabled(list("abcdef")).utterances, references)
    assert look(ds, audio=False).counts["HTML"] == 1


def test_capitals_and_texts_said_often_are_said_of_the_set():
    ids = [f"u{n}" for n in range(12)]
    texts = {name: "HELLO THERE" if n < 4 else f"text number {chr(97 + n)}" for n, name in enumerate(ids)}
    texts |= {"u9": "Yes, please.", "u10": "yes please", "u11": "USA"}
    findings = look(tabled(ids, texts), audio=False)
    assert findings.table[["check", "value"]].to_numpy().tolist() == [["capitals", 4.0]]
    assert "4 of 12 texts, such as HELLO THERE" in findings.table["what"].iloc[0]
    texts |= {"u7": "YES PLEASE", "u8": "Yes... please", "u6": "yes please"}
    findings = look(tabled(ids, texts), audio=False)
    assert findings.table.set_index("check").loc["same text", "what"] == (
        "1 texts are said 5 times or more; yes please 5 times"
    )


@settings(max_examples=30, deadline=None)
@given(
    texts=st.dictionaries(st.text(min_size=1), st.text(), min_size=1, max_size=12),
    language=st.sampled_from(["en", "zh", "ar", "hi", "zh-en", "\x1b", None]),
)
def test_any_text_is_looked_at_and_nothing_steers_a_terminal(texts, language):
    findings = look(tabled(list(texts), texts, language=[language] * len(texts)), audio=False)
    assert not any(control in said for said in findings.table["what"] for control in "\x00\x07\x1b\r\n\x9b\u202e\u2066")
    assert len(repr(findings).split("\n")) == 1 + len(findings.counts)


# -- the report -------------------------------------------------------------------------------------------------------


def test_the_report_names_kinds_counts_and_first_examples():
    found_here = [
        Finding("capitals", "3 of 9 texts", value=3),
        Finding("markup", "<unk> in hello <unk>", "b"),
        Finding("missing audio", "There is no audio file", "c"),
        *(Finding("markup", f"[noise] in {n}", f"u{n}", 0) for n in range(4)),
    ]
    findings = to_findings("calls", found_here, 9, 0.0)
    assert repr(findings) == (
        "calls: 9 recordings, no audio read, 7 findings\n"
        "  error    missing audio: the recording is not there, or cannot be made. c: There is no audio file\n"
        "  warning  markup (5): marks of a transcriber, which would count as words. b: <unk> in hello <unk>; "
        "u0: [noise] in 0; u1: [noise] in 1; and 2 more\n"
        "  note     capitals: texts in capitals alone. 3 of 9 texts"
    )
    assert findings.counts == {"missing audio": 1, "markup": 5, "capitals": 1}
    assert findings.errors["utt_id"].tolist() == ["c"]
    assert findings.table["severity"].tolist() == ["error", *["warning"] * 5, "note"]


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def test_nothing_in_a_set_can_run_as_html():
    evil = '<script>alert(1)</script><img src=x onerror="alert(1)">'
    ds = tabled([evil, *"bcdef"], {evil: evil}, language=[evil, *["en"] * 5], audio=[f"{evil}.wav"] * 6)
    ds = Dataset(evil, ds.utterances, ds.references, folder=Path("nowhere"))
    markup = look(ds)._repr_html_()
    parser = Tags()
    parser.feed(markup)
    assert {tag for tag, _ in parser.seen} == {"div", "p", "table", "tr", "td"}
    assert all(set(attributes) <= {"class", "dir", "style"} for _, attributes in parser.seen)
    assert "&lt;script&gt;" in markup


def test_every_check_has_a_severity_and_a_meaning():
    assert all(severity in {"error", "warning", "note"} and meaning for severity, meaning in CHECKS.values())
    severities = [severity for severity, _ in CHECKS.values()]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)


# -- progress ---------------------------------------------------------------------------------------------------------


def test_progress_is_told(tmp_path):
    told = []
    check(dataset(tmp_path, SIX | {"it": voice()}), progress=lambda *counts: told.append(counts))
    assert told[0] == (0, 6)
    assert told[-1] == (6, 6)
    assert told == sorted(told)


def test_progress_is_shown_when_it_takes_long(tmp_path, capsys, monkeypatch):
    ds = dataset(tmp_path, SIX | {"it": voice()})
    check(ds)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(spread, "_EVERY_S", (0.0, 0.0))
    check(ds)
    assert capsys.readouterr().err.splitlines()[-1] == "checked 6 of 6 files"
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    check(ds)
    lines = capsys.readouterr().err
    assert lines.count("\n") == 1
    assert lines.endswith("\rchecked 6 of 6 files\n")
    monkeypatch.setattr(spread, "_EVERY_S", (1e9, 1e9))
    check(ds)
    check(ds, progress=False)
    assert capsys.readouterr().err == ""


def test_it_can_be_stopped(tmp_path, monkeypatch):
    begun = []
    go_on = threading.Event()

    def slow(path):
        begun.append(path)
        if len(begun) > 1:
            go_on.wait(5)
        return measure(path)

    monkeypatch.setattr(sound, "measure", slow)
    ds = dataset(tmp_path, {f"u{n}": voice(0.5, seed=n) for n in range(12)})

    def stop(done, total):
        if done:
            raise KeyboardInterrupt

    with ThreadPoolExecutor(2) as pool:
        with pytest.raises(KeyboardInterrupt):
            check(ds, executor=pool, progress=stop)
        go_on.set()
    assert len(begun) <= 3


def test_many_names_of_one_recording_are_found(tmp_path):
    dataset(tmp_path, {"it": voice(0.3)})
    ids = [f"u{n}" for n in range(300)]
    for name in ids:
        (tmp_path / f"{name}.wav").hardlink_to(tmp_path / "it.wav")
    findings = check(tabled(ids, dict.fromkeys(ids, "hi"), tmp_path), progress=False)
    assert findings.counts["duplicate audio"] == 299


def test_each_channel_may_have_its_own_language():
    rows = pd.DataFrame({"utt_id": ["a"], "language": ["zh"]}).assign(channel_languages=[["zh", "en"]])
    said = pd.DataFrame({"utt_id": "a", "channel": [0, 1], "text": ["你好，再见", "hello and good bye"]})
    table = check(Dataset("two", rows, said), audio=False, progress=False).table
    assert "other script" not in set(table["check"])
    table = check(Dataset("two", rows.drop(columns="channel_languages"), said), audio=False, progress=False).table
    assert table.loc[table["check"] == "other script", "channel"].tolist() == [1]


def test_a_row_of_nemo_that_is_a_stretch_of_its_file_is_an_error(tmp_path):
    soundfile.write(tmp_path / "long.wav", 0.1 * np.random.default_rng(0).standard_normal(48_000), 16_000)
    row = {"audio_filepath": "long.wav", "offset": 0, "duration": 1.0, "text": "hello"}
    (tmp_path / "m.json").write_text(json.dumps(row) + "\n")
    found = load_dataset(tmp_path / "m.json", language="en").check(progress=False)
    assert found.errors["check"].tolist() == ["goes on beyond"]
    (tmp_path / "m.json").write_text(json.dumps({**row, "duration": 3.0}) + "\n")
    assert load_dataset(tmp_path / "m.json", language="en").check(progress=False).errors.empty


class Late:
    """As an engine behind a service, or with a model to load: what it takes is known once it is entered."""

    name = "late"

    def __init__(self):
        self.entered = 0

    @property
    def capabilities(self):
        if not self.entered:
            raise RuntimeError("enter it first")
        return SimpleNamespace(languages=frozenset({"zh"}), audio_s=None, audio_bytes=None)

    async def __aenter__(self):
        self.entered += 1

    async def __aexit__(self, *_):
        pass


def test_an_engine_that_knows_its_limits_late_is_entered_to_be_asked(tmp_path):
    ds = dataset(tmp_path, {"it": voice(4.0)}, language="en")
    late = Late()
    assert "unknown language" in found(ds.check(engine=late), "it")
    assert late.entered == 1
