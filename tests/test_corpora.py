"""Corpora that people have: Kaldi folders, LibriSpeech, Common Voice, AISHELL, FLEURS, folders of audio with text."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asrlab.data.dataset import Dataset
from asrlab.data.loading import load_dataset
from asrlab.data.manifests import format_named, formats, recognise
from asrlab.data.manifests.commonvoice import _quoted, _without_doubled_quotes
from asrlab.data.manifests.locales import language_of
from asrlab.errors import InvalidInput

SPEECH = b"never opened"  # readers open no audio


def lay(folder, files):
    """Lay files out in a folder; of audio, the name will do."""
    for name, content in files.items() if isinstance(files, dict) else dict.fromkeys(files, SPEECH).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def texts(ds):
    return {(r.utt_id, r.form): r.text for r in ds.references.itertuples()}


def column(ds, name):
    values = ds.utterances[name].astype(object)
    return dict(zip(ds.utterances["utt_id"], values.where(values.notna(), None), strict=True))


def same(one, other, *, dropped=()):
    for table in ("utterances", "references", "terms", "segments"):
        left, right = getattr(one, table).drop(columns=list(dropped), errors="ignore"), getattr(other, table)
        right = right.drop(columns=list(dropped), errors="ignore")
        pd.testing.assert_frame_equal(left, right[left.columns], check_exact=True)
        assert set(left) == set(right)


def refused(match, call, *args, **options):
    with pytest.raises(InvalidInput, match=match) as caught:
        call(*args, **options)
    return str(caught.value)


# Kaldi

KALDI = {
    "wav.scp": "b-2 /data/b 2.wav\na-1\taudio/a1.wav\nz audio/z.wav\n",
    "text": "b-2 zwei  Wörter\na-1 \nc-3 nobody says this\n",
    "utt2spk": "a-1 a\nb-2 b\nz z\n",
    "utt2dur": "a-1 1.25\nb-2 2\n",
    "utt2lang": "a-1 de\n",
    "spk2gender": "a f\nb m\n",
    "spk2utt": "not read",
    "feats.scp": "not read either",
}


def test_a_kaldi_folder_of_whole_recordings(tmp_path):
    folder = lay(tmp_path / "test", KALDI)
    ds = load_dataset(folder, audio_root="/data", language="fr")
    assert ds.read_as == "kaldi"
    assert column(ds, "audio") == {"a-1": "audio/a1.wav", "b-2": "b 2.wav", "z": "audio/z.wav"}
    assert list(ds.utterances["utt_id"]) == ["a-1", "b-2", "z"]
    assert column(ds, "speaker") == {"a-1": "a", "b-2": "b", "z": None}
    assert column(ds, "gender") == {"a-1": "f", "b-2": "m", "z": None}
    assert column(ds, "duration_s") == {"a-1": 1.25, "b-2": 2.0, "z": None}
    assert column(ds, "language") == {"a-1": "de", "b-2": "fr", "z": "fr"}
    assert texts(ds) == {("a-1", "unstated"): "", ("b-2", "unstated"): "zwei  Wörter"}
    assert not {"begin_s", "end_s", "channel"} & set(ds.utterances)
    assert list(ds.remarks) == [
        "No reference, for want of a line in text: 1 (z).",
        "Lines of text of no utterance, left out: 1 (c-3).",
    ]


CALL = {
    "wav.scp": "call-A calls/1.wav\ncall-B calls/1.wav\nother calls/2.wav\nunused calls/3.wav\n",
    "reco2file_and_channel": "call-A call A\ncall-B call B\nother other A\nunused unused A\n",
    "segments": (
        "s5 other 0.5 2.125\ns1 call-A 0 1.5\ns2 call-B 1.25 -1\ns3 other 2 4 1\ns4 gone 0 1\n"  # s3 has a channel
    ),
    "text": "s1 one\ns2 two\ns3 three\ns4 four\n",
}


def test_segments_are_cut_from_recordings(tmp_path):
    ds = load_dataset(lay(tmp_path / "calls", CALL))
    table = ds.utterances.astype(object).where(ds.utterances.notna(), None)
    columns = ["utt_id", "audio", "recording", "begin_s", "end_s", "duration_s", "channel"]
    assert table[columns].to_numpy().tolist() == [
        ["s1", "calls/1.wav", "call", 0.0, 1.5, 1.5, 0],
        ["s2", "calls/1.wav", "call", 1.25, None, None, 1],
        ["s3", "calls/2.wav", "other", 2.0, 4.0, 2.0, 1],
        ["s5", "calls/2.wav", "other", 0.5, 2.125, 1.625, None],
    ]
    assert list(ds.remarks) == [
        "No reference, for want of a line in text: 1 (s5).",
        "Segments of recordings that wav.scp does not have, left out: 1 (s4).",
        "Recordings of wav.scp without segments, left out: 1 (unused).",
    ]


def test_channels_of_one_file_without_segments(tmp_path):
    files = {"wav.scp": "x-A x.wav\nx-B x.wav\ny y.wav\n", "text": "x-A a\nx-B b\ny c\n",
             "reco2file_and_channel": "x-A x A\nx-B x B\ny y A\n"}  # fmt: skip
    ds = load_dataset(lay(tmp_path / "k", files))
    assert column(ds, "channel") == {"x-A": 0, "x-B": 1, "y": None}
    assert column(ds, "recording") == {"x-A": "x", "x-B": "x", "y": None}
    own = load_dataset(lay(tmp_path / "own", files | {"wav.scp": "x-A a.wav\nx-B b.wav\ny y.wav\n"}))
    assert "channel" not in own.utterances
    assert own.remarks == ("reco2file_and_channel was not needed: each recording has a file of its own.",)


@pytest.mark.parametrize("files", [KALDI, CALL], ids=["whole", "segments"])
def test_kaldi_there_and_back(tmp_path, files):
    root = tmp_path / "root"
    for audio in ("audio/a1.wav", "audio/z.wav", "calls/1.wav", "calls/2.wav", "b 2.wav"):
        lay(root, [audio])
    files = {name: text.replace("/data/", "") for name, text in files.items()}
    ds = load_dataset(lay(tmp_path / "in", files), audio_root=root, language="en")
    written = ds.write(tmp_path / "out", format="kaldi")
    back = load_dataset(written, audio_root=root)
    same(ds, back)
    for file in written.iterdir():  # as `LC_ALL=C sort` has them, each with LF at its end
        lines = file.read_bytes().split(b"\n")
        assert lines[-1] == b""
        assert lines[:-1] == sorted(lines[:-1])
    assert (written / "spk2utt").read_text().split()[:2] == (["a", "a-1"] if files["text"][0] == "b" else ["s1", "s1"])
    lay(tmp_path / "new", {"vad.scp": ""})
    assert "vad.scp" in refused("of another set", ds.write, tmp_path / "new", format="kaldi")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"wav.scp": "a a.wav\nb sph2pipe -f wav b.sph |\n"}, r"wav\.scp, line 2: .*command.*Run it once"),
        ({"wav.scp": "a |cat\n"}, r"wav\.scp, line 1: .*command"),
        ({"wav.scp": "a -\n"}, r"wav\.scp, line 1: .*command"),
        ({"wav.scp": "\na raw.ark:1234\n"}, r"wav\.scp, line 2: .*archive.*WAV"),
        ({"wav.scp": "a ark:x\n"}, r"wav\.scp, line 1: .*archive"),
        ({"wav.scp": "a ~/a.wav\n"}, r"wav\.scp, line 1: .*~.*in full"),
        ({"wav.scp": "a\n"}, r"wav\.scp, line 1: there is no path"),
        ({"wav.scp": "a a.wav\na b.wav\n"}, r"wav\.scp, line 2: the id 'a' is that of line 1 too.*Keep one"),
        ({"text": "a x\nb y\na z\n"}, r"text, line 3: the id 'a' is that of line 1 too"),
        ({"text": b"a x\nb \xff\n"}, r"text, line 2: this is not UTF-8.*Save"),
        ({"segments": "a r 1 1\n"}, r"segments, line 1: .*'r 1 1'.*Mend"),
        ({"segments": "a r -1 1\n"}, r"segments, line 1"),
        ({"segments": "a r 0 -2\n"}, r"segments, line 1"),
        ({"segments": "a r 0 inf\n"}, r"segments, line 1"),
        ({"segments": "a r 0 1 2 3\n"}, r"segments, line 1"),
        ({"segments": "a r 0 1 B\n"}, r"segments, line 1"),
        ({"segments": "a r 0\n"}, r"segments, line 1"),
        ({"segments": "a r 0 1\n"}, r"names no recording of wav\.scp"),
        ({"utt2dur": "a 0\n"}, r"utt2dur, line 1: '0' is no length"),
        ({"utt2dur": "a x\n"}, r"utt2dur, line 1: 'x' is no length"),
        ({"reco2file_and_channel": "a a left\n"}, r"reco2file_and_channel, line 1: .*A or B"),
        ({"wav.scp": "a ../../etc/passwd\n"}, "outside"),
    ],
)
def test_broken_kaldi_folders_are_named(tmp_path, files, said):
    folder = lay(tmp_path / "k", {"wav.scp": "a a.wav\n", "text": "a x\n"} | files)
    refused(said, load_dataset, folder)


def test_kaldi_without_wav_or_without_text(tmp_path):
    only_text = load_dataset(lay(tmp_path / "t", {"text": "a x\n", "utt2spk": "a s\n"}))
    assert column(only_text, "audio") == {"a": None}
    assert only_text.remarks == ("There is no file wav.scp, and so no audio.",)
    only_wav = load_dataset(lay(tmp_path / "w", {"wav.scp": "a a.wav\n", "reco2dur": "a 3.5\n"}))
    assert column(only_wav, "duration_s") == {"a": 3.5}
    assert only_wav.remarks == ("There is no file text, and so no references.",)
    refused("neither wav.scp nor text", load_dataset, lay(tmp_path / "n", {"utt2spk": "a b"}), format="kaldi")
    refused("no named columns", load_dataset, tmp_path / "w", columns={"a": "text"})


def made(folder, **columns):
    """A dataset of one's own, of files that are there."""
    table = pd.DataFrame(columns)
    lay(folder, [name for name in table.get("audio", ()) if not name.startswith("http")])
    texts = table.pop("text") if "text" in table else None
    form = table.pop("form") if "form" in table else "unstated"
    said = None if texts is None else pd.DataFrame({"utt_id": table["utt_id"], "form": form, "text": texts})
    return Dataset("mine", table, *([] if said is None else [said]), folder=folder)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"utt_id": ["a b"]}, "blanks in utt_id .1 utterance: 'a b'.*Put"),
        ({"speaker": ["a\u00a0b"]}, "blanks in speaker"),
        ({"audio": ["a |"]}, r"/a \|', whose name Kaldi would take"),
        ({"audio": ["x.ark:3"]}, r"x\.ark:3', whose name Kaldi would take"),
        ({"audio": ["http://h/a.wav"]}, "links to audio"),
        ({"audio": [None]}, "utterances without audio"),
        ({"text": ["a\nb"]}, "ends of lines"),
        ({"text": [" a"]}, "begin or end with blanks"),
    ],
)
def test_kaldi_refuses_what_it_cannot_hold(tmp_path, columns, said):
    row = {"utt_id": ["a"], "audio": ["a.wav"], "text": ["x"]} | columns
    table = pd.DataFrame({name: value for name, value in row.items() if name != "text"})
    references = pd.DataFrame({"utt_id": row["utt_id"], "text": row["text"]})
    ds = Dataset("mine", table, references, folder=tmp_path)
    refused(said, ds.write, tmp_path / "out", format="kaldi")
    assert not (tmp_path / "out").exists()


def test_kaldi_refuses_more_than_one_text(tmp_path):
    ds = Dataset("mine", pd.DataFrame({"utt_id": ["a"], "audio": ["a.wav"]}), folder=tmp_path)

    def write(**tables):
        refused(write.said, Dataset("mine", ds.utterances, folder=tmp_path, **tables).write, tmp_path / "out", "kaldi")

    write.said = r"spoken, written. Choose one: dataset.select\(form='spoken'\)"
    write(references=pd.DataFrame({"utt_id": "a", "text": "x", "form": ["spoken", "written"]}))
    write.said = r"the form unstated, and those of mine are spoken. .*dataset.bare\(\)"
    write(references=pd.DataFrame({"utt_id": ["a"], "text": "x", "form": "spoken"}))
    write.said = "texts of several channels"
    write(references=pd.DataFrame({"utt_id": "a", "text": "x", "channel": [0, 1]}))
    write.said = "alternatives of a text"
    write(references=pd.DataFrame({"utt_id": "a", "text": "x", "alternative": [0, 1]}))
    write.said = r"cannot hold segments.*dataset.segmented\(\)"
    write(segments=pd.DataFrame({"segment": ["s"], "utt_id": ["a"], "begin_s": [0.0], "end_s": [1.0], "text": ["x"]}))


def test_names_of_recordings_in_kaldi(tmp_path):
    cuts = made(
        tmp_path / "root", utt_id=["a", "b", "c"], audio=["x.wav", "x.wav", "y.wav"], begin_s=[0.0, 1.0, None],
        end_s=[1.0, None, None], recording=[None, None, "r"],
    )  # fmt: skip
    cuts.write(tmp_path / "root" / "k", format="kaldi")
    scp = (tmp_path / "root" / "k" / "wav.scp").read_text().splitlines()
    root = (tmp_path / "root").resolve().as_posix()
    assert scp == [f"{root}/x.wav {root}/x.wav", f"c {root}/y.wav"]
    segments = (tmp_path / "root" / "k" / "segments").read_text().splitlines()
    assert segments[1:] == [f"b {root}/x.wav 1.0 -1", "c c 0.0 -1"]
    two = made(tmp_path / "two", utt_id=["a", "b"], audio=["x.wav", "y.wav"], begin_s=[0.0, 0.0], recording=["r", "r"])
    refused("the name 'r' for two files", two.write, tmp_path / "out", format="kaldi")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_kaldi_text_comes_back(tmp_path_factory, data):
    sign = st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"])
    ids = data.draw(st.lists(st.text(sign, min_size=1, max_size=8), min_size=1, max_size=6, unique=True))
    said = [" ".join(data.draw(st.lists(st.text(sign, min_size=1, max_size=8), max_size=5))) for _ in ids]
    folder = tmp_path_factory.mktemp("kaldi")
    table = pd.DataFrame({"utt_id": ids, "audio": [f"{n}.wav" for n in range(len(ids))]})
    ds = Dataset("any", table, pd.DataFrame({"utt_id": ids, "text": said}), folder=folder)
    ds.write(folder, format="kaldi")
    lines = (folder / "text").read_bytes().removesuffix(b"\n").split(b"\n")
    assert lines == sorted(f"{one} {text}".strip().encode() for one, text in zip(ids, said, strict=True))
    back = load_dataset(folder)
    assert texts(back) == texts(ds)
    assert column(back, "audio") == column(ds, "audio")
    assert list(back.utterances["utt_id"]) == sorted(ids, key=lambda one: one.encode())


# LibriSpeech

LIBRI = {
    "SPEAKERS.TXT": ";ID |SEX| SUBSET |MINUTES| NAME\n84 | F | dev-clean | 8.02 | C|N\n174 | M | dev-clean | 8 | x\n",
    "dev-clean/84/121/84-121-0000.flac": SPEECH,
    "dev-clean/84/121/84-121-0001.flac": SPEECH,
    "dev-clean/84/121/84-121-0002.flac": SPEECH,
    "dev-clean/84/121/84-121.trans.txt": "84-121-0000 GO DO YOU HEAR\n84-121-0001\n84-121-0009 NOBODY\n",
    "test-other/174/50561/174-50561-0000.wav": SPEECH,
    "test-other/174/50561/174-50561.trans.txt": "174-50561-0000 IT'S TWO O'CLOCK\r\n",
}


@pytest.mark.parametrize("inner", ["", "LibriSpeech/"])
def test_a_librispeech_tree(tmp_path, inner):
    folder = lay(tmp_path / "corpus", {inner + name: content for name, content in LIBRI.items()})
    ds = load_dataset(folder)
    assert ds.read_as == "librispeech"
    assert column(ds, "audio")["84-121-0001"] == f"{inner}dev-clean/84/121/84-121-0001.flac"
    assert column(ds, "split") == {
        **dict.fromkeys([f"84-121-000{n}" for n in range(3)], "dev-clean"),
        "174-50561-0000": "test-other",
    }
    assert column(ds, "gender")["84-121-0000"] == "F"
    assert column(ds, "speaker")["174-50561-0000"] == "174"
    assert column(ds, "recording")["174-50561-0000"] == "174-50561"
    assert set(column(ds, "language").values()) == {"en"}
    assert texts(ds) == {
        ("84-121-0000", "spoken"): "GO DO YOU HEAR",
        ("84-121-0001", "spoken"): "",
        ("174-50561-0000", "spoken"): "IT'S TWO O'CLOCK",
    }
    assert list(ds.remarks) == [
        "Left out: 1 line of the transcripts without an audio file (84-121-0009).",
        "No reference: 1 audio file with no line in the transcripts (84-121-0002).",
    ]
    again = ds.write(tmp_path / "out", format="librispeech", copy_audio=True)
    same(ds, load_dataset(again), dropped=["audio"])


def test_one_split_of_librispeech(tmp_path):
    lay(tmp_path, LIBRI)
    ds = load_dataset(tmp_path / "dev-clean", language="de")
    assert set(ds.utterances["split"]) == {"dev-clean"}
    assert set(ds.utterances["language"]) == {"de"}
    assert column(ds, "audio")["84-121-0000"] == "84/121/84-121-0000.flac"
    assert column(ds, "gender")["84-121-0000"] == "F"  # of the SPEAKERS.TXT above
    english = load_dataset(tmp_path / "dev-clean")
    format_named("librispeech").write(english, tmp_path / "dev-clean")
    same(english, load_dataset(tmp_path / "dev-clean"))
    english.write(tmp_path / "new", format="librispeech", copy_audio=True)
    same(english, load_dataset(tmp_path / "new"), dropped=["audio"])


def test_librispeech_with_audio_elsewhere(tmp_path):
    lay(tmp_path / "texts", {name: text for name, text in LIBRI.items() if name.lower().endswith(".txt")})
    lay(tmp_path / "audio", {name: text for name, text in LIBRI.items() if not name.lower().endswith(".txt")})
    refused("audio_root", load_dataset, tmp_path / "texts")
    ds = load_dataset(tmp_path / "texts", audio_root=tmp_path / "audio")
    assert ds.audio_path("84-121-0000").is_file()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("84-121-0000 A\n84-122-0000 B\n", r"84-121\.trans\.txt, line 2: .*'84-122-0000'.*84-121-0000.*Mend"),
        ("hello\n", r"84-121\.trans\.txt, line 1: .*'hello'"),
        ("84-121-0000 A\n\n84-121-0000 B\n", r"84-121\.trans\.txt, line 3: the id 84-121-0000 was there before.*Keep"),
        (b"84-121-0000 \xe9\n", r"84-121\.trans\.txt, line 1: this is not UTF-8"),
    ],
)
def test_broken_librispeech_is_named(tmp_path, line, said):
    refused(said, load_dataset, lay(tmp_path / "l", LIBRI | {"dev-clean/84/121/84-121.trans.txt": line}))


def test_two_files_of_one_utterance(tmp_path):
    lay(tmp_path, LIBRI | {"dev-clean/84/121/84-121-0000.wav": SPEECH})
    refused("84-121-0000.flac and .*84-121-0000.wav for one utterance", load_dataset, tmp_path)


def test_librispeech_refuses_what_it_cannot_hold(tmp_path):
    good = {"utt_id": ["1-2-0000"], "audio": ["1/2/1-2-0000.flac"], "text": ["HI"], "form": "spoken"}
    made(tmp_path, **good).write(tmp_path, format="librispeech")
    assert (tmp_path / "1/2/1-2.trans.txt").read_text() == "1-2-0000 HI\n"
    for wrong, said in (
        ({"audio": ["1-2-0000.flac"]}, r"elsewhere than in 1/2/1-2-0000\.flac.*copy_audio=True"),
        ({"utt_id": ["hello"]}, "'hello' is no id.*1272-128104-0000"),
        ({"form": "written"}, "the form spoken, and those of mine are written"),
        ({"language": ["de"]}, "another language than en"),
        ({"split": ["dictation"]}, "the split 'dictation'"),
        ({"begin_s": [1.0]}, "parts of files.*copy_audio=True"),
    ):
        refused(said, made(tmp_path, **good | wrong).write, tmp_path, format="librispeech")


MLS = {
    "metainfo.txt": "SPEAKER | GENDER | PARTITION | MINUTES | BOOK ID | TITLE\n70 | M | dev | 1 | 71 | t | c\n",
    "dev/transcripts.txt": "70_71_000000\tguten tag\n70_71_000001\tfort\n",
    "dev/audio/70/71/70_71_000000.opus": SPEECH,
    "test/transcripts.txt": "80_81_000000\tja\n",
    "test/audio/80/81/80_81_000000.opus": SPEECH,
}


def test_a_tree_of_multilingual_librispeech(tmp_path):
    folder = lay(tmp_path / "mls_german_opus", MLS)
    ds = load_dataset(folder)
    assert ds.read_as == "mls"
    assert texts(ds) == {("70_71_000000", "spoken"): "guten tag", ("80_81_000000", "spoken"): "ja"}
    assert column(ds, "split") == {"70_71_000000": "dev", "80_81_000000": "test"}
    assert column(ds, "gender") == {"70_71_000000": "M", "80_81_000000": None}
    assert set(ds.utterances["language"]) == {"de"}
    assert ds.remarks == ("Left out: 1 line of the transcripts without an audio file (70_71_000001).",)
    one = load_dataset(folder / "dev")
    assert column(one, "audio") == {"70_71_000000": "audio/70/71/70_71_000000.opus"}
    assert (set(one.utterances["language"]), set(one.utterances["split"])) == ({"de"}, {"dev"})
    out = ds.write(tmp_path / "mls_german", format="mls", copy_audio=True)
    same(ds, load_dataset(out), dropped=["gender"])
    refused("says no language.*mls_english", ds.write, tmp_path / "out", format="mls", copy_audio=True)
    refused("another language than pl", ds.write, tmp_path / "mls_polish", format="mls", copy_audio=True)
    lay(folder, {"dev/transcripts.txt": "70_71_000000\ta\nnext\tb\n"})
    refused(r"transcripts\.txt, line 2: .*'next'", load_dataset, folder)


# Common Voice

V1 = "client_id\tpath\tsentence\tup_votes\tdown_votes\tage\tgender\taccent\n" + "".join(
    f"{'0' * 126}{n:02}\t{'f' * 60}{n}\t{said}\t2\t{votes}\t\tmale\t\n"
    for n, said, votes in ((1, '"Ie?" meddai.', "0"), (2, '"Dw i\'n fyfyriwr."', "thirties"), (3, "", "1"))
)
V17 = (
    "client_id\tpath\tsentence_id\tsentence\tsentence_domain\tup_votes\tdown_votes\tage\tgender\taccents\tvariant\tlocale\tsegment\n"
    'c1\tcommon_voice_zh-HK_1.mp3\ts1\t"""係呀,"" 佢話。"\t\t10\t0\ttwenties\tmale_masculine\t\t\tzh-HK\t\n'
    'c1\tcommon_voice_zh-HK_2.mp3\ts2\t""早晨"" 喂\tgeneral\t2\t1\t\t\t\t\tzh-HK\tBenchmark\n'
)
DURATIONS = "clip\tduration[ms]\ncommon_voice_zh-HK_1.mp3\t4104\ncommon_voice_zh-HK_2.mp3\t1100.125\nx.mp3\t5\n"


def test_the_first_common_voice(tmp_path):
    folder = lay(tmp_path / "cv-corpus-1" / "cy", {"test.tsv": V1})
    ds = load_dataset(folder)
    assert ds.read_as == "commonvoice"
    first = f"{'f' * 60}1"
    assert column(ds, "audio")[first] == f"clips/{first}.mp3"
    assert texts(ds)[first, "written"] == '"Ie?" meddai.'
    assert texts(ds)[f"{'f' * 60}2", "written"] == '"Dw i\'n fyfyriwr."'
    assert column(ds, "speaker")[first] == f"{'0' * 126}01"
    assert set(ds.utterances["language"]) == {"cy"}
    assert list(ds.utterances["down_votes"]) == [0, "thirties", 1]
    assert ds.utterances["up_votes"].dtype == "Int64"
    assert ds.remarks == ("No reference: 1 clip with no sentence.",)


def test_a_later_common_voice(tmp_path):
    files = {"validated.tsv": V17, "clip_durations.tsv": DURATIONS, "reported.tsv": "sentence\treason\n"}
    folder = lay(tmp_path / "yue", files)
    ds = load_dataset(folder)
    first, second = "common_voice_zh-HK_1", "common_voice_zh-HK_2"
    assert texts(ds) == {(first, "written"): '"係呀," 佢話。', (second, "written"): '"早晨" 喂'}
    assert set(ds.utterances["language"]) == {"yue"}
    assert column(ds, "locale") == {first: "zh-HK", second: "zh-HK"}
    assert column(ds, "duration_s") == {first: 4.104, second: 1.100125}
    assert column(ds, "segment") == {first: None, second: "Benchmark"}
    assert ds.remarks == (f"Doubled quotation marks were made single in 2 clips ({first}.mp3, {second}.mp3).",)
    renamed = load_dataset(folder / "validated.tsv", columns={"sentence_domain": "topic"})
    assert column(renamed, "topic")[second] == "general"
    refused("no column 'domain'.*sentence_domain", load_dataset, folder, columns={"domain": "topic"})


def test_common_voice_with_several_tables_is_ambiguous(tmp_path):
    folder = lay(tmp_path / "zh-HK", {"validated.tsv": V17, "test.tsv": V17})
    said = refused("2 tables.*Name one of them", load_dataset, folder)
    assert str(folder / "test.tsv") in said
    assert str(folder / "validated.tsv") in said
    ds = load_dataset(folder / "test.tsv", audio_root=lay(tmp_path / "a" / "clips", ["common_voice_zh-HK_1.mp3"]))
    assert ds.audio_path("common_voice_zh-HK_1").is_file()


@pytest.mark.parametrize("content", [V1, V17])
def test_common_voice_there_and_back(tmp_path, content):
    folder = lay(tmp_path / "in" / "cv-corpus-x" / "cy", {"test.tsv": content, "clip_durations.tsv": DURATIONS})
    ds = load_dataset(folder)
    lay(folder, list(ds.utterances["audio"]))
    ds.write(tmp_path / "out" / "test.tsv", format="commonvoice", copy_audio=True)
    again = load_dataset(tmp_path / "out")
    same(ds, again)
    refused("holds test.tsv too", ds.write, tmp_path / "out" / "dev.tsv", format="commonvoice", copy_audio=True)
    ds.write(tmp_path / "out" / "test.tsv", format="commonvoice", copy_audio=True)  # a file may take its own place


@pytest.mark.parametrize(
    ("there", "meant"),
    [
        ('"Dw i."', '"Dw i."'),
        ('"""Ie,"" meddai."', '"Ie," meddai.'),
        ('""Ie,"" meddai.', '"Ie," meddai.'),
        ('"Ie," ""meddai.', '"Ie," ""meddai.'),
        ('"', '"'),
    ],
)
def test_quotation_marks_of_versions(there, meant):
    assert _without_doubled_quotes(there) == meant


@given(st.text(st.sampled_from('"a ,')))
def test_quotation_marks_come_back(sentence):
    assert _without_doubled_quotes(_quoted(sentence)) == sentence


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (V17 + "c\tx.mp3\tshort\n", r"test\.tsv, line 4: there are 3 fields, and 13.*Mend"),
        (V17 + V17.splitlines()[1] + "\n", r"test\.tsv, line 4: the utt_id 'common_voice_zh-HK_1' .* line 2 too"),
        (V17.replace("common_voice_zh-HK_1.mp3", ""), r"test\.tsv, line 2: there is no utt_id"),
        (V17.replace("common_voice_zh-HK_1", "../../x"), "outside"),
        (V17.splitlines()[0] + "\n", "holds no utterances"),
        (b"client_id\tpath\tsentence\nc\tx.mp3\t\xff\n", r"test\.tsv, line 2: this is not UTF-8"),
        ("client_id\tpath\ttext\n", r"test\.tsv, line 1: .*no sentence.*Choose another"),
    ],
)
def test_broken_tables_of_common_voice_are_named(tmp_path, table, said):
    lay(tmp_path, {"test.tsv": table})
    refused(said, load_dataset, tmp_path / "test.tsv", format="commonvoice")


def test_broken_durations_are_named(tmp_path):
    lay(tmp_path, {"test.tsv": V17, "clip_durations.tsv": "clip\tduration[ms]\na.mp3\tlong\n"})
    refused(r"clip_durations\.tsv, line 2: .*milliseconds.*Mend", load_dataset, tmp_path)


def test_common_voice_refuses_what_it_cannot_hold(tmp_path):
    good = {"utt_id": ["a"], "audio": ["clips/a.mp3"], "text": ["Hi."], "form": "written", "language": ["sv"]}
    made(tmp_path, **good).write(tmp_path / "test.tsv", format="commonvoice")
    assert column(load_dataset(tmp_path), "locale") == {"a": "sv"}
    for wrong, said in (
        ({"audio": ["a.mp3"]}, "elsewhere than in clips/a"),
        ({"utt_id": ["x/a"]}, "makes no name"),
        ({"text": [""]}, "clips without a word"),
        ({"form": "spoken"}, "are spoken"),
        ({"locale": ["nn-NO"]}, "locale that says another language"),
        ({"note": ["a\tb"]}, "tabs or ends of lines"),
        ({"language": ["sv-SE"]}, "locale that says another language"),
    ):
        refused(said, made(tmp_path, **good | wrong).write, tmp_path / "test.tsv", format="commonvoice")
    refused("ends in .tsv", made(tmp_path, **good).write, tmp_path / "x", format="commonvoice")


# AISHELL

AISHELL1 = {
    "transcript/aishell_transcript_v0.8.txt": (
        "BAC009S0002W0122 而 对 楼市 成交\nBAC009S0002W0123 打开 happy new year 专辑\nBAC009S0764W0999 没有 声音\n"
    ),
    "wav/train/S0002/BAC009S0002W0122.wav": SPEECH,
    "wav/train/S0002/BAC009S0002W0123.wav": SPEECH,
    "wav/test/S0764/BAC009S0764W0121.wav": SPEECH,
    "wav/S0764.tar.gz": b"of what is unpacked",
    "wav/S0765.tar.gz": b"x",
}


@pytest.mark.parametrize("inner", ["", "data_aishell/"])
def test_aishell_1(tmp_path, inner):
    ds = load_dataset(lay(tmp_path / "a", {inner + name: content for name, content in AISHELL1.items()}))
    assert ds.read_as == "aishell"
    assert texts(ds) == {
        ("BAC009S0002W0122", "spoken"): "而对楼市成交",
        ("BAC009S0002W0123", "spoken"): "打开happy new year专辑",
    }
    assert list(ds.utterances["utt_id"]) == ["BAC009S0002W0122", "BAC009S0002W0123", "BAC009S0764W0121"]
    assert list(ds.utterances["speaker"]) == ["S0002", "S0002", "S0764"]
    assert set(column(ds, "split").values()) == {"train", "test"}
    assert set(ds.utterances["language"]) == {"zh"}
    transcript = f"{inner}transcript/aishell_transcript_v0.8.txt"
    assert list(ds.remarks) == [
        f"Left out: 1 line of {transcript} without an audio file (BAC009S0764W0999).",
        f"No reference: 1 audio file with no line in {transcript} (BAC009S0764W0121).",
        "1 archives are not unpacked, and what is in them was left out (S0765.tar.gz).",
    ]
    out = ds.write(tmp_path / "out", format="aishell", copy_audio=True)
    assert (out / "transcript" / "aishell_transcript_v0.8.txt").is_file()
    same(ds, load_dataset(out), dropped=["audio"])


def test_aishell_2(tmp_path):
    files = {
        "trans.txt": "IC0001W0001\t厨房用品\nD0012W0009\t播放 it's my life\n",
        "wav.scp": "IC0001W0001\twav/C0001/IC0001W0001.wav\nD0012W0009\twav/D0012/D0012W0009.wav\n",
    }
    ds = load_dataset(lay(tmp_path / "data", files))
    assert ds.read_as == "aishell"
    assert column(ds, "speaker") == {"D0012W0009": "D0012", "IC0001W0001": "C0001"}
    assert texts(ds)["D0012W0009", "spoken"] == "播放it's my life"
    assert "split" not in ds.utterances
    ds = load_dataset(lay(tmp_path / "data", {"wav.scp": files["wav.scp"].replace("wav/", "speech/")}))
    lay(tmp_path / "data", list(ds.utterances["audio"]))
    out = ds.write(tmp_path / "out", format="aishell")
    assert sorted(one.name for one in out.iterdir()) == ["trans.txt", "wav.scp"]
    same(ds, load_dataset(out, audio_root=tmp_path / "data"))
    lay(tmp_path / "data", {"wav.scp": "IC0001W0001\tsox x.sph -t wav - |\n"})
    refused(r"wav\.scp, line 1: .*command", load_dataset, tmp_path / "data")


def test_aishell_3(tmp_path):
    files = {
        "spk-info.txt": "# speaker\tage\tgender\taccent\n\nSSB0005\tB\tfemale\tnorth\n",
        "train/content.txt": "SSB00050001.wav\t广 guang3 州 zhou1\n",
        "train/wav/SSB0005/SSB00050001.wav": SPEECH,
        "test/content.txt": "SSB00070002.wav\t好 hao3\nSSB00070003.wav\t没 mei2\n",
        "test/wav/SSB0007/SSB00070002.wav": SPEECH,
    }
    ds = load_dataset(lay(tmp_path / "a3", files))
    assert texts(ds) == {("SSB00050001", "spoken"): "广州", ("SSB00070002", "spoken"): "好"}
    assert column(ds, "pinyin")["SSB00050001"] == "guang3 zhou1"
    assert column(ds, "gender") == {"SSB00050001": "female", "SSB00070002": None}
    assert column(ds, "split") == {"SSB00050001": "train", "SSB00070002": "test"}
    assert column(load_dataset(tmp_path / "a3" / "train"), "gender") == {"SSB00050001": "female"}
    out = ds.write(tmp_path / "out", format="aishell", copy_audio=True)
    same(ds, load_dataset(out), dropped=["audio", "pinyin", "gender"])
    lay(tmp_path / "a3", {"train/content.txt": "SSB00050001.wav\t广 guang3 州\n"})
    refused(r"content\.txt, line 1: not every character has its pinyin.*Mend", load_dataset, tmp_path / "a3")


def test_broken_aishell_is_named(tmp_path):
    name = "transcript/aishell_transcript_v0.8.txt"
    lay(tmp_path, AISHELL1 | {name: AISHELL1[name] * 2})
    refused(r"v0\.8\.txt, line 4: the id 'BAC009S0002W0122' is that of line 1 too", load_dataset, tmp_path)
    lay(tmp_path, {name: b"BAC009S0002W0122 \xb6\xd4\n"})  # GBK
    refused(r"v0\.8\.txt, line 1: this is not UTF-8", load_dataset, tmp_path)
    (tmp_path / "empty").mkdir()
    refused("none of AISHELL's transcripts", load_dataset, tmp_path / "empty", format="aishell")
    lay(tmp_path / "bare", {name: "x 好\n"})
    refused("has no audio for", load_dataset, tmp_path / "bare")


def test_aishell_refuses_what_it_cannot_hold(tmp_path):
    good = {"utt_id": ["BAC009S0002W0122"], "audio": ["x/a.wav"], "text": ["好"], "form": "spoken", "language": ["zh"]}
    for wrong, said in (
        ({"text": ["好 的"]}, "texts with blanks"),
        ({"language": ["yue"]}, "another language than zh"),
        ({"speaker": ["S0003"]}, "another speaker"),
        ({"utt_id": ["a b"]}, "ids with blanks"),
        ({"audio": ["x/a.ark"]}, "misread in wav.scp"),
    ):
        refused(said, made(tmp_path / "in", **good | wrong).write, tmp_path / "out", format="aishell")
    lay(tmp_path / "new", {"transcript/aishell_transcript_v0.8.txt": "x"})
    refused("of another set", made(tmp_path / "new", **good).write, tmp_path / "new", format="aishell")


# FLEURS


def fleurs(*rows):
    return "".join("\t".join(row) + "\n" for row in rows)


FLEURS = fleurs(
    ("1675", "17431.wav", '"Um 25 bis 30 Jahre, oder?', "um 25 bis 30 jahre oder", "u m | 2 5 |", "48001", "MALE"),
    ("1675", "99.wav", '"Um 25 bis 30 Jahre, oder?', "um 25 bis 30 jahre oder", "u m | 2 5 |", "32000", "FEMALE"),
    ("3", "7.wav", "", "ja", "j a |", "", "OTHER"),
)


@pytest.mark.parametrize("home", ["audio/test/", "test/", "audio/", ""])
def test_a_table_of_fleurs(tmp_path, home):
    folder = lay(tmp_path / "de_de", {"test.tsv": FLEURS})
    lay(folder, [f"{home}{name}.wav" for name in ("17431", "99", "7")])
    ds = load_dataset(folder)
    assert ds.read_as == "fleurs"
    assert column(ds, "audio") == {name: f"{home}{name}.wav" for name in ("17431", "99", "7")}
    assert column(ds, "duration_s") == {"17431": 48001 / 16000, "99": 2.0, "7": None}
    assert column(ds, "sentence") == {"17431": "1675", "99": "1675", "7": "3"}
    assert (set(ds.utterances["language"]), set(ds.utterances["locale"])) == ({"de"}, {"de_de"})
    assert ds.utterances["speaker"].isna().all()
    assert texts(ds)["99", "written"] == '"Um 25 bis 30 Jahre, oder?'
    assert texts(ds)["99", "unstated"] == "um 25 bis 30 jahre oder"
    assert ("7", "written") not in texts(ds)
    assert ds.remarks == ("Read more than once: 1 sentence, whose numbers are in the column sentence.",)
    same(ds, load_dataset(folder / "test.tsv"))
    if home == "audio/test/":
        ds.write(tmp_path / "new" / "de_de", format="fleurs", copy_audio=True)
        same(ds, load_dataset(tmp_path / "new" / "de_de"))
        row = (tmp_path / "new" / "de_de" / "test.tsv").read_text(encoding="utf-8").splitlines()[2]
        assert row == "3\t7.wav\t\tja\tj a |\t\tOTHER"
        (tmp_path / "two" / "de_de").mkdir(parents=True)
        ds = made(tmp_path / "two" / "de_de", utt_id=["1"], audio=["audio/test/1.wav"], text=["ja so"], language=["de"])
        ds.write(ds.folder, format="fleurs")
        assert "\tja so\tj a | s o |\t" in (ds.folder / "test.tsv").read_text(encoding="utf-8")
    said = "another language than the folder's name 'other' says"
    refused(said, ds.write, tmp_path / "other", format="fleurs", copy_audio=True)


def test_fleurs_in_splits_and_variants(tmp_path):
    six = fleurs(("5", "5.wav", "Hei.", "hei", "16000", "FEMALE"))
    header = "id\tfile_name\traw_transcription\ttranscription\tchars\tnum_samples\tgender\n"
    ds = load_dataset(lay(tmp_path / "nb_no", {"dev.tsv": six, "test.tsv": header + FLEURS}))
    assert column(ds, "split") == {"5": "dev", "17431": "test", "99": "test", "7": "test"}
    assert set(ds.utterances["language"]) == {"no"}
    assert column(ds, "audio")["5"] == "audio/dev/5.wav"
    assert f"The audio of dev.tsv is in none of the folders it may be in below {tmp_path / 'nb_no'}." in ds.remarks
    named = load_dataset(lay(tmp_path / "mine", {"dev.tsv": six}), language="nn")
    assert set(named.utterances["language"]) == {"nn"}
    lay(tmp_path / "nb_no", {"dev.tsv": FLEURS})
    refused("3 files are in two tables", load_dataset, tmp_path / "nb_no")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("4", "4.wav", "a", "a"), r"test\.tsv, line 4: wanted are 7 fields.*not 4.*Mend"),
        (("x", "4.wav", "a", "a", "a |", "1", "MALE"), r"test\.tsv, line 4"),
        (("4", "4.wav", "a", "a", "a |", "1.5", "MALE"), r"test\.tsv, line 4"),
        (("4", "4.wav", "a", "a", "a |", "1", "male"), r"test\.tsv, line 4"),
        (("4", "99.wav", "a", "a", "a |", "1", "MALE"), r"test\.tsv, line 4: the utt_id '99' is that of line 2 too"),
        (("4", "../../99.wav", "a", "a", "a |", "1", "MALE"), "the utt_id '99'"),
        (("4", "../../4.wav", "a", "a", "a |", "1", "MALE"), "outside"),
    ],
)
def test_broken_tables_of_fleurs_are_named(tmp_path, row, said):
    refused(said, load_dataset, lay(tmp_path / "de_de", {"test.tsv": FLEURS + fleurs(row)}))


def test_fleurs_refuses_what_it_cannot_hold(tmp_path):
    good = {"utt_id": ["1"], "audio": ["audio/test/1.wav"], "text": ["Hi."], "form": "written", "language": ["en"]}
    folder = tmp_path / "en_us"
    made(folder, **good).write(folder, format="fleurs")
    assert texts(load_dataset(folder)) == {("1", "written"): "Hi."}
    for wrong, said in (
        ({"audio": ["1.wav"]}, "elsewhere than in audio/test"),
        ({"text": [""]}, "cannot hold silence"),
        ({"text": ["a\tb"]}, "tabs"),
        ({"split": ["eval"]}, "the split 'eval'"),
        ({"sentence": ["five"]}, "a sentence that is no number"),
        ({"gender": ["f"]}, "a gender that is none of MALE"),
        ({"split": ["dev"], "audio": ["audio/dev/1.wav"]}, "holds test.tsv of another set"),
        ({"language": ["de"]}, "another language than the folder's name"),
    ):
        refused(said, made(folder, **good | wrong).write, folder, format="fleurs")


@pytest.mark.parametrize(
    ("locale", "language"),
    [("cmn_hans_cn", "zh"), ("yue_hant_hk", "yue"), ("zh-HK", "yue"), ("zh-TW", "zh"), ("nb_no", "no"), ("nn-NO", "no"),
     ("fil_ph", "fil"), ("es_419", "es"), ("sv-SE", "sv"), ("rm-sursilv", "rm"), ("en", "en"), ("ckb_iq", "ckb")],
)  # fmt: skip
def test_languages_of_locales(locale, language):
    assert language_of(locale) == language


# Folders

FOLDER = {
    "b.wav": SPEECH,
    "b.txt": "the  second\n\n one \n",
    "a/x.mp3": SPEECH,
    "a/x.normalized.txt": "twenty",
    "a/x.original.txt": "20",
    "a/y.flac": SPEECH,
    "a/y.wav": SPEECH,
    "a/y.txt": "both\n",
    "a/y.wav.txt": "the wav",
    "a/z.ogg": SPEECH,
    "a/z.LAB": "",
    "c.opus": SPEECH,
    "d.m4a": SPEECH,
    "d.srt": "1\n00:00:01,000 --> 00:00:02,500\nHello.\n\n2\n00:00:03,000 --> 00:00:04,000\n[music]\n",
    ".hidden.wav": SPEECH,
    ".git/x.wav": SPEECH,
    "notes.pdf": b"",
}


def test_a_folder_with_texts_beside_the_audio(tmp_path):
    folder = lay(tmp_path / "talks", FOLDER)
    lay(tmp_path, ["secret.wav"])
    (folder / "out.wav").symlink_to(tmp_path / "secret.wav")
    (folder / "in.wav").symlink_to(folder / "b.wav")
    (folder / "loop").symlink_to(folder)
    ds = load_dataset(folder)
    assert ds.read_as == "folder"
    assert list(ds.utterances["utt_id"]) == ["a/x", "a/y.flac", "a/y.wav", "a/z", "b", "c", "d", "in"]
    assert column(ds, "audio")["a/y.wav"] == "a/y.wav"
    assert texts(ds.select([i for i in ds.utterances["utt_id"] if i != "d"])) == {
        ("a/x", "spoken"): "twenty",
        ("a/x", "written"): "20",
        ("a/y.flac", "unstated"): "both",
        ("a/y.wav", "unstated"): "the wav",
        ("a/z", "unstated"): "",
        ("b", "unstated"): "the  second one",
    }
    assert ds.segments[["segment", "utt_id", "begin_s", "end_s"]].to_numpy().tolist() == [
        ["d-0001", "d", 1.0, 2.5],
        ["d-0002", "d", 3.0, 4.0],
    ]
    assert ds.segments["text"].tolist() == ["Hello.", pd.NA]
    assert list(ds.remarks) == [
        "No reference: 2 audio files with neither text nor subtitles beside.",
        "Left out: 2 files, hidden or links that lead elsewhere (.hidden.wav, out.wav).",
    ]
    refused("no named columns", load_dataset, folder, columns={"a": "b"})


def test_a_folder_there_and_back(tmp_path):
    files = {name: content for name, content in FOLDER.items() if not name.startswith(("d.", "."))}
    ds = load_dataset(lay(tmp_path / "in", files), language="en")
    out = ds.write(tmp_path / "out", format="folder", copy_audio=True)
    same(ds, load_dataset(out, language="en"))
    assert (out / "a" / "y.wav.txt").read_text() == "the wav\n"
    assert (out / "a" / "z.txt").read_text() == ""
    other = lay(tmp_path / "other", ["new.wav"])
    refused(r"holds other audio \(new\.wav\)", ds.write, other, format="folder", copy_audio=True)
    other = lay(tmp_path / "stale", {"c.lab": "stale"})
    refused(r"holds texts of another set \(c\.lab\)", ds.write, other, format="folder", copy_audio=True)


def test_two_texts_of_one_kind_are_remarked(tmp_path):
    ds = load_dataset(lay(tmp_path / "f", {"a.wav": SPEECH, "a.txt": "one", "a.lab": "two"}))
    assert texts(ds) == {("a", "unstated"): "one"}
    assert ds.remarks == (".txt was read and .lab was not, beside 1 audio file with both (a.wav).",)


def test_broken_folders_are_named(tmp_path):
    folder = lay(tmp_path / "f", {"a.wav": SPEECH, "a.txt": b"a\n\xff"})
    refused(r"a\.txt, line 2: this is not UTF-8", load_dataset, folder)
    (tmp_path / "empty").mkdir()
    refused("no audio file", load_dataset, tmp_path / "empty", format="folder")
    folder = lay(tmp_path / "g", ["a.wav"])
    lay(tmp_path, {"secret.txt": "secret"})
    (folder / "a.txt").symlink_to(tmp_path / "secret.txt")
    said = refused("a.txt is a link that leads out", load_dataset, folder)
    assert "secret" not in said


def test_folders_refuse_what_they_cannot_hold(tmp_path):
    good = {"utt_id": ["a"], "audio": ["a.wav"], "text": ["Hi."]}
    for wrong, said in (
        ({"audio": ["x/a.wav"]}, "whose path without its ending is not the id.*copy_audio=True"),
        ({"form": "verbatim"}, "those of mine are verbatim"),
        ({"text": ["a\nb"]}, "ends of lines"),
    ):
        refused(said, made(tmp_path / "in", **good | wrong).write, tmp_path / "in", format="folder")
    for utt_id in ("../a", "/a", "a/../b", ".a", "a\\b", "a:b"):
        ds = made(tmp_path / "more", **good | {"utt_id": [utt_id]})
        refused("an id that makes no path", ds.write, tmp_path / "out", format="folder", copy_audio=True)


@pytest.mark.parametrize("name", ["librispeech", "aishell", "commonvoice"])
def test_corpora_of_one_form_say_how_to_give_it(tmp_path, name):
    ds = made(tmp_path, utt_id=["1-2-0000"], audio=["a.wav"], text=["x"])
    with_terms = dataclasses.replace(ds, terms=pd.DataFrame({"utt_id": ["1-2-0000"], "term": ["x"], "role": [None]}))
    out = tmp_path / "o.tsv"
    refused(r"terms, which mine has\. .* dataclasses\.replace\(dataset, terms=", with_terms.write, out, format=name)
    form = "written" if name == "commonvoice" else "spoken"
    refused(rf"of mine are unstated\. .*references\.assign\(form='{form}'\)", ds.write, out, format=name)


# Which it is, and all together


SETS = [("kaldi", KALDI), ("kaldi", CALL), ("librispeech", LIBRI), ("mls", MLS), ("commonvoice", {"test.tsv": V1}),
        ("commonvoice", {"test.tsv": V17, "clip_durations.tsv": DURATIONS}), ("aishell", AISHELL1),
        ("fleurs", {"dev.tsv": FLEURS}), ("folder", FOLDER)]  # fmt: skip
NAMES = sorted({name for name, _ in SETS})


@pytest.mark.parametrize(
    ("name", "files"),
    [*SETS, ("aishell", {"trans.txt": "a b", "wav.scp": "a b.wav"})],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_is_recognised_alone(tmp_path, name, files):
    assert recognise(lay(tmp_path / "set", files)).name == name


def test_nothing_is_recognised_in_what_cannot_be_read(tmp_path):
    lay(tmp_path, {"x.tsv": os.urandom(2000), "y/z": b""})
    (tmp_path / "y" / "l").symlink_to(tmp_path / "y" / "l")
    for path in (tmp_path / "x.tsv", tmp_path / "y", tmp_path / "y" / "l", tmp_path / "gone", Path("a\0b"), None, 5):
        assert not any(formats()[name].recognises(path) for name in NAMES)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_said_and_never_a_traceback(tmp_path_factory, data):
    name, files = data.draw(st.sampled_from(SETS))
    file = data.draw(st.sampled_from(sorted(one for one, content in files.items() if content is not SPEECH)))
    content = files[file] if isinstance(files[file], bytes) else files[file].encode()
    place = data.draw(st.integers(0, len(content)))
    signs = [bytes([sign]) for sign in b'\0\xff\t\n\r |-"']
    put = data.draw(st.sampled_from([*signs, b"../", b"9" * 5000, b"\xe3\x80\x80"]))
    gone = data.draw(st.integers(0, 40))
    folder = lay(tmp_path_factory.mktemp(name), files | {file: content[:place] + put + content[place + gone :]})
    said = None
    try:
        ds = load_dataset(folder, format=name, audio_root="/data" if files is KALDI else None)
        assert not ds.utterances["audio"].dropna().str.contains(r"(?:^|/)\.\.(?:/|$)|^/").any()
    except InvalidInput as error:
        said = str(error)
    assert said is None or str(folder) in said or "/data" in said


@pytest.mark.parametrize("name", ["kaldi", "librispeech", "aishell", "commonvoice", "fleurs", "folder"])
def test_real_audio_is_copied_and_cut_into_place(tmp_path, name):
    ids = {"librispeech": "1-2-0001", "aishell": "BAC009S0002W0122", "fleurs": "17"}
    form = {"kaldi": "unstated", "folder": "unstated", "commonvoice": "written", "fleurs": "written"}
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 16_000)
    soundfile.write(tmp_path / "long.wav", noise, 16_000)
    utt_id = ids.get(name, "one")
    table = pd.DataFrame({"utt_id": [utt_id], "audio": ["long.wav"], "begin_s": [0.25], "end_s": [0.75]})
    said = pd.DataFrame({"utt_id": [utt_id], "text": ["HI"], "form": form.get(name, "spoken")})
    ds = Dataset("long", table, said, folder=tmp_path)
    folder = tmp_path / "out" / "en_us"
    written = ds.write(folder / "test.tsv" if name == "commonvoice" else folder, format=name, copy_audio=True)
    back = load_dataset(written)
    assert back.read_as == name
    assert back.facts(utt_id).duration_s == 0.5
    assert list(back.references["text"]) == ["HI"]
