"""Loading anything: it is recognised, it says how it was read, and what is ambiguous is asked."""

from __future__ import annotations

import gzip
import json
import tarfile
import zipfile

import numpy as np
import pandas as pd
import pytest
import soundfile

import asrlab
from asrlab.data.manifests import formats, recognise
from asrlab.errors import InvalidInput

NAMES = ["one", "two", "three"]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def lines(*rows):
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def waves(folder, *names, suffix=".wav"):
    for number, name in enumerate(names):
        path = folder / f"{name}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * np.random.default_rng(number).standard_normal(1600), 16_000)


def kaldi(folder):
    waves(folder / "wav", *NAMES)
    write(folder / "text", "".join(f"{name} said {name}\n" for name in NAMES))
    write(folder / "wav.scp", "".join(f"{name} wav/{name}.wav\n" for name in NAMES))
    return folder


def librispeech(folder):
    waves(folder / "84" / "121", "84-121-0", "84-121-1", suffix=".flac")
    write(folder / "84" / "121" / "84-121.trans.txt", "84-121-0 GO ON\n84-121-1 STOP\n")
    return folder


def commonvoice(folder):
    waves(folder / "clips", "common_voice_en_1")
    header = "client_id\tpath\tsentence\tup_votes\tdown_votes\tage\tgender\taccent"
    write(folder / "test.tsv", f'{header}\nab12\tcommon_voice_en_1.wav\t"Go on", he said.\t2\t0\t\t\t\n')
    return folder


def fleurs(folder):
    waves(folder / "audio" / "test", "100", "101")
    rows = [
        "1\t100.wav\tGo on.\tgo on\tg o | o n |\t1600\tMALE",
        "1\t101.wav\tGo on.\tgo on\tg o | o n |\t1600\tFEMALE",
    ]
    return write(folder / "test.tsv", "\n".join(rows) + "\n")


def aishell(folder):
    waves(folder / "wav" / "test" / "S0764", "BAC009S0764W0121")
    write(folder / "transcript" / "aishell_transcript_v0.8.txt", "BAC009S0764W0121 甚至 出现 交易\n")
    return folder


def sidecars(folder):
    waves(folder, *NAMES)
    for name in NAMES:
        write(folder / f"{name}.txt", f"said {name}\n")
    return folder


def subtitled(folder, suffix, text):
    waves(folder, "talk")
    return write(folder / f"talk.{suffix}", text)


SRT = "1\n00:00:00,000 --> 00:00:00,050\nhello\n\n2\n00:00:00,050 --> 00:00:00,100\nthere\n"
SOURCES = {
    "tables": lambda d: write(d / "utterances.jsonl", lines({"utt_id": "a", "audio": "a.wav"})).parent,
    "jsonl": lambda d: write(d / "m.jsonl", lines({"id": "a", "audio": "a.wav", "text": "x"})),
    "csv": lambda d: write(d / "m.csv", "id,audio,text\na,a.wav,x\n"),
    "tsv": lambda d: write(d / "m.tsv", "id\taudio\ttext\na\ta.wav\tx\n"),
    "nemo": lambda d: write(d / "m.json", lines({"audio_filepath": "a.wav", "duration": 1.0, "text": "x"})),
    "kaldi": kaldi,
    "librispeech": librispeech,
    "commonvoice": lambda d: commonvoice(d) / "test.tsv",
    "fleurs": fleurs,
    "aishell": aishell,
    "folder": sidecars,
    "stm": lambda d: write(d / "m.stm", "call 1 ann 0.00 0.50 hello there\n"),
    "ctm": lambda d: write(d / "m.ctm", "call 1 0.00 0.20 hello\ncall 1 0.20 0.20 there\n"),
    "trn": lambda d: write(d / "m.trn", "hello there (ann-1)\n"),
    "srt": lambda d: subtitled(d, "srt", SRT),
    "vtt": lambda d: subtitled(d, "vtt", "WEBVTT\n\n" + SRT.replace(",", ".")),
    "urls": lambda d: write(d / "m.txt", "https://host/a.wav\n# two\nhttps://host/b.wav\n"),
    "frame": lambda d: pd.DataFrame({"utt_id": ["a"], "audio": ["a.wav"], "text": ["x"]}),
}


@pytest.mark.parametrize("name", SOURCES)
def test_anything_is_recognised_and_says_how_it_was_read(tmp_path, name):
    source = SOURCES[name](tmp_path / "set")
    ds = asrlab.load_dataset(source)
    assert len(ds) >= 1
    if name == "tables":
        assert ds.read_as is None
    else:
        assert ds.read_as == name
        assert f"read as {name}" in repr(ds)
    by_name = asrlab.load_dataset(source, format=name)
    pd.testing.assert_frame_equal(by_name.utterances, ds.utterances)
    pd.testing.assert_frame_equal(by_name.references, ds.references)


def test_every_format_is_recognised_by_these_tests_or_its_own():
    elsewhere = {"parquet", "lhotse", "huggingface", "mls"}  # binary, or in files of their own tools
    assert set(formats()) == set(SOURCES) | elsewhere


def test_a_folder_that_can_be_read_in_several_ways_is_asked_about(tmp_path):
    kaldi(tmp_path)
    write(tmp_path / "manifest.jsonl", lines({"id": "a", "audio": "wav/one.wav"}))
    write(tmp_path / "utterances.jsonl", lines({"utt_id": "a", "audio": "wav/one.wav"}))
    with pytest.raises(InvalidInput, match="can be read in") as raised:
        asrlab.load_dataset(tmp_path)
    assert 'format="kaldi": ' in str(raised.value)
    assert 'format="tables": ' in str(raised.value)
    assert asrlab.load_dataset(tmp_path, format="kaldi").utterances["utt_id"].tolist() == sorted(NAMES)


def test_what_is_none_is_said_with_what_the_folder_holds(tmp_path):
    write(tmp_path / "notes.docx", "x")
    with pytest.raises(InvalidInput, match=r"no dataset in a form that is known\. The folder holds 'notes.docx'"):
        asrlab.load_dataset(tmp_path)
    with pytest.raises(InvalidInput, match="An object of type int is no dataset"):
        asrlab.load_dataset(5)


def test_names_of_columns_language_and_name_may_be_given(tmp_path):
    table = write(tmp_path / "m.csv", "wav,said,who\na.wav,x,ann\n")
    ds = asrlab.load_dataset(
        table, columns={"wav": "audio", "said": "text", "who": "speaker"}, language="de", name="calls"
    )
    assert ds.utterances[["utt_id", "audio", "speaker", "language"]].to_numpy().tolist() == [
        ["a", "a.wav", "ann", "de"]
    ]
    assert ds.references["text"].tolist() == ["x"]
    assert ds.name == "calls"
    with pytest.raises(InvalidInput, match="'wave'"):
        asrlab.load_dataset(table, columns={"wave": "audio"})


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tgz"])
def test_an_archive_is_unpacked_and_read(tmp_path, kind):
    folder = kaldi(tmp_path / "corpus")
    packed = tmp_path / f"corpus.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(packed, "w") as file:
            for path in sorted(folder.rglob("*")):
                file.write(path, path.relative_to(tmp_path))
    else:
        with tarfile.open(packed, "w" if kind == "tar" else "w:gz") as file:
            file.add(folder, "corpus")
    ds = asrlab.load_dataset(packed)
    assert (ds.read_as, len(ds)) == ("kaldi", 3)
    assert ds.facts("two").duration_s == 0.1


def test_a_relative_path_may_be_given(tmp_path, monkeypatch):
    sidecars(tmp_path / "set")
    monkeypatch.chdir(tmp_path)
    ds = asrlab.load_dataset("set")
    assert ds.facts("two").duration_s == 0.1
    monkeypatch.chdir(tmp_path / "set")
    assert len(asrlab.load_dataset(".")) == 3


TABLES = {
    "calls.csv": "id,audio\na,a.wav\n",
    "m.jsonl": lines({"id": "a", "audio": "a.wav"}),
    "test.json": lines({"audio_filepath": "a.wav"}),
    "cuts.jsonl": lines({"type": "MonoCut", "id": "a"}),
    "x.stm": "call 1 ann 0.00 0.50 hello there\n",
}


@pytest.mark.parametrize("name", TABLES)
def test_a_folder_of_audio_with_a_manifest_in_it_is_ambiguous(tmp_path, name):
    waves(tmp_path, "a")
    write(tmp_path / "README.md", "# what it is\n")
    assert recognise(tmp_path).name == "folder"
    file = write(tmp_path / name, TABLES[name])
    if name == "cuts.jsonl":  # in a folder, lhotse knows them
        assert recognise(tmp_path).name == "lhotse"
        return
    with pytest.raises(InvalidInput, match=r"with a manifest in it(.|\n)*format=\"folder\"") as refused:
        asrlab.load_dataset(tmp_path)
    assert f"load_dataset({str(file)!r})" in str(refused.value)
    assert len(asrlab.load_dataset(tmp_path, format="folder")) == 1


def test_a_folder_of_manifests_names_them(tmp_path):
    write(tmp_path / "test.json", TABLES["test.json"])
    with pytest.raises(InvalidInput, match=r"is a folder of manifests\. Name it: test\.json\.$"):
        asrlab.load_dataset(tmp_path)
    write(tmp_path / "train.json", TABLES["test.json"])
    write(tmp_path / "notes.json", "{}")
    with pytest.raises(InvalidInput, match=r"Name one of them: test\.json, train\.json\.$"):
        asrlab.load_dataset(tmp_path)


def test_what_is_given_in_place_of_a_dataset_is_told_what_to_be(tmp_path):
    waves(tmp_path, "a")
    for given, said in (
        (None, "There is nothing to load: None"),
        ([{"audio": "a.wav"}], r"A list of dict is no dataset; .*pandas\.DataFrame"),
        ([], "A list of nothing"),
        (["a.wav"], "A list of str is no dataset; one of links"),
        (tmp_path / "a.wav", r"a\.wav is one recording\. Name the folder .*audio_root="),
    ):
        with pytest.raises(InvalidInput, match=said) as refused:
            asrlab.load_dataset(given)
        assert len(str(refused.value)) < 400


def test_subtitles_beside_a_text_are_told_of(tmp_path):
    waves(tmp_path, "01", "02")
    write(tmp_path / "01.txt", "hello there\n")
    write(tmp_path / "01.srt", SRT)
    write(tmp_path / "02.srt", SRT)
    found = asrlab.load_dataset(tmp_path, format="folder")
    assert found.remarks[-1] == "Not read, for there is text too: 1 file of subtitles (01.srt)."
    assert set(found.segments["utt_id"]) == {"02"}


@pytest.mark.parametrize("format", [None, *sorted(formats())])
@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "json", "txt", "csv", "stm", "parquet"])
def test_what_is_nested_too_deep_is_refused_like_other_nonsense(tmp_path, format, ending):  # noqa: A002
    content = b"[" * 100_000
    file = tmp_path / f"m.{ending}"
    file.write_bytes(gzip.compress(content) if ending.endswith("gz") else content)
    with pytest.raises(InvalidInput):
        asrlab.load_dataset(file, format=format)
