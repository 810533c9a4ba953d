"""Writing datasets: with their audio or without, and what cannot be written is said first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

import asrlab
from asrlab.data.dataset import Dataset
from asrlab.data.manifests import formats
from asrlab.errors import InvalidInput

WRITTEN = sorted(name for name, one in formats().items() if one.written)


@pytest.fixture
def words(tmp_path):
    """Three words by two speakers, whose ids are no file names."""
    folder = tmp_path / "words"
    (folder / "audio").mkdir(parents=True)
    rows = []
    for number, speaker in enumerate(["ann", "ben", "ann"]):
        noise = np.random.default_rng(number).integers(-5000, 5000, 800 * (number + 1)).astype("int16")
        soundfile.write(folder / "audio" / f"{number}.flac", noise, 8000)
        rows.append({"utt_id": f"{speaker}/{number}?", "audio": f"audio/{number}.flac", "speaker": speaker,
                     "language": "en"})  # fmt: skip
    said = pd.DataFrame({"utt_id": [row["utt_id"] for row in rows], "text": ["one", "two", "three"]})
    return Dataset("words", pd.DataFrame(rows), said, folder=folder)


def equal(one, other):
    for table in ("utterances", "references", "segments"):
        a, b = (getattr(ds, table).dropna(axis=1, how="all") for ds in (one, other))
        pd.testing.assert_frame_equal(a, b, check_like=True, check_dtype=False)


def test_a_set_is_written_with_its_audio_and_read_again(words, tmp_path):
    path = words.write(tmp_path / "copy", copy_audio=True)
    again = asrlab.load_dataset(path)
    assert again.name == "copy"
    assert again.utterances["utt_id"].tolist() == words.utterances["utt_id"].tolist()
    for utt_id in words.utterances["utt_id"]:
        assert again.digest(utt_id) == words.digest(utt_id)
        assert again.audio_path(utt_id).is_relative_to(tmp_path / "copy")
    assert len({again.audio_path(utt_id) for utt_id in words.utterances["utt_id"]}) == 3


def test_paths_stay_right_wherever_the_manifest_is_written(words, tmp_path):
    inside = words.write(words.folder / "m.jsonl", "jsonl")
    equal(asrlab.load_dataset(inside), words)
    above = asrlab.load_dataset(words.write(tmp_path / "m.jsonl", "jsonl"))
    assert above.utterances["audio"].tolist() == [f"words/audio/{n}.flac" for n in range(3)]
    assert above.digest("ben/1?") == words.digest("ben/1?")
    elsewhere = words.write(tmp_path / "lists" / "m.jsonl", "jsonl")
    with pytest.raises(InvalidInput, match="audio outside"):
        asrlab.load_dataset(elsewhere)
    equal(asrlab.load_dataset(elsewhere, audio_root=words.folder), words)


def test_what_is_made_is_written_with_its_audio_only(words, tmp_path):
    noisy = words.perturb(snr=5, noise="white")
    with pytest.raises(InvalidInput, match="copy_audio=True"):
        noisy.write(tmp_path / "noisy")
    again = asrlab.load_dataset(noisy.write(tmp_path / "noisy", copy_audio=True))
    for utt_id in words.utterances["utt_id"]:
        one, two = (soundfile.read(ds.audio_path(utt_id), dtype="int16")[0] for ds in (noisy, again))
        assert (one == two).all()
    assert again.utterances["recipe"].tolist() == ['{"noise":"white","snr":5.0}'] * 3
    assert again.digest("ann/0?").startswith("pcm-sha256:")


def test_what_was_joined_is_written_as_long_recordings(words, tmp_path):
    long = words.concatenate("speaker")
    again = asrlab.load_dataset(long.write(tmp_path / "long", copy_audio=True))
    assert again.facts("ann").duration_s == long.facts("ann").duration_s
    pd.testing.assert_frame_equal(again.segments, long.segments)
    assert again.references["text"].tolist() == ["one three", "two"]
    cut, _ = soundfile.read(again.segmented().audio_path("ann/2?"), dtype="int16")
    original, _ = soundfile.read(words.audio_path("ann/2?"), dtype="int16")
    assert (cut == original).all()


def test_what_a_format_cannot_hold_is_said_before_any_audio_is_written(words, tmp_path):
    said = pd.concat([words.references, words.references.assign(form="written")])
    ds = Dataset("two forms", words.utterances, said, folder=words.folder)
    with pytest.raises(InvalidInput):
        ds.write(tmp_path / "kaldi", "kaldi", copy_audio=True)
    assert not (tmp_path / "kaldi").exists()
    kept = ds.select(form="written")
    with pytest.raises(InvalidInput, match="and none 'verbatim'"):
        ds.select(form="verbatim")
    again = asrlab.load_dataset(kept.write(tmp_path / "copy" / "m.csv", copy_audio=True))
    assert again.digest("ben/1?") == words.digest("ben/1?")


def test_the_ending_says_the_format(words, tmp_path):
    for ending in ("csv", "tsv", "parquet"):
        ds = asrlab.load_dataset(words.write(words.folder / f"m.{ending}"))
        assert ds.read_as == ending
        equal(ds, words)


def test_what_is_not_written_is_said(words, tmp_path):
    with pytest.raises(InvalidInput, match=r"is read here and not written\. These are: "):
        words.write(tmp_path / "x", "lhotse")
    with pytest.raises(InvalidInput, match="There is no format 'word'"):
        words.write(tmp_path / "x", "word")
    assert not (tmp_path / "x").exists()


def test_a_link_stays_a_link(tmp_path):
    links = asrlab.load_dataset(["https://host/a.wav", "https://host/b.wav?sig=1"])
    again = asrlab.load_dataset(links.write(tmp_path / "set", copy_audio=True))
    assert again.utterances["audio"].tolist() == links.utterances["audio"].tolist()


def test_nothing_that_is_there_is_written_over(words, tmp_path):
    first = words.write(tmp_path / "copy", copy_audio=True)
    before = {path.relative_to(first): path.read_bytes() for path in first.rglob("*") if path.is_file()}
    with pytest.raises(InvalidInput, match="two datasets are not mixed"):
        words.write(tmp_path / "copy", copy_audio=True)
    (tmp_path / "copy" / "utterances.jsonl").unlink()
    (tmp_path / "copy" / "references.jsonl").unlink()
    del before[Path("utterances.jsonl")], before[Path("references.jsonl")]
    with pytest.raises(InvalidInput, match="is another recording"):
        words.perturb(gain_db=3).write(tmp_path / "copy", copy_audio=True)
    assert {path.relative_to(first): path.read_bytes() for path in first.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", WRITTEN)
def test_a_disk_that_is_full_leaves_no_half_manifest(words, tmp_path, name, monkeypatch):
    plain = words.utterances.assign(utt_id=["a-1", "b-2", "c-3"], speaker=["a", "b", "c"])
    said = pd.DataFrame({"utt_id": ["a-1", "b-2", "c-3"], "text": ["one", "two", "three"]})
    ds = Dataset("plain", plain, said, folder=words.folder)
    target = words.folder / f"m.{name}" if formats()[name].is_file else words.folder
    before = {path for path in words.folder.rglob("*") if path.is_file()}

    def full(self, *rest):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises((InvalidInput, OSError)):
        ds.write(target, name)
    assert {path for path in words.folder.rglob("*") if path.is_file()} == before
