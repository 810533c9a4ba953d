"""What was said when: sclite's files, subtitles, and transcripts cut by the times of their words."""

from __future__ import annotations

import dataclasses
import random
import re
import shutil
import subprocess
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import asrlab as lab
from asrlab.data.dataset import Dataset
from asrlab.data.loading import load_dataset
from asrlab.data.manifests import subtitles
from asrlab.errors import InvalidInput
from asrlab.scoring import Normalizer
from asrlab.scoring.segments import by_segment

PLAIN = Normalizer("plain-1", ())
TABLES = ("utterances", "references", "segments")


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rows(table, *columns):
    plain = table[list(columns)].astype(object)
    return plain.where(plain.notna(), None).to_numpy().tolist()


def again(dataset, path, **options):
    """Write a dataset, read it, and hold one against the other."""
    found = load_dataset(dataset.write(path, **options), format=options.get("format"), audio_root=dataset.audio_root)
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(found, name), getattr(dataset, name), check_column_type=False)
    return found


def sclite_says(folder, *command):
    """Let sclite mark: the counts of each segment by (speaker, number), and all it prints."""
    program = shutil.which("sclite") or shutil.which("sclite", path="/usr/lib/sctk/bin")
    if program is None:
        pytest.skip("NIST sclite is not installed (Debian: sctk)")
    done = subprocess.run(
        [program, *command, "-o", "pra", "stdout"], cwd=folder, check=True, capture_output=True, text=True
    )
    found = re.findall(r"^id: \((\S+)-(\w+)\)(?:\n\w+: .*)*\nScores: .*\) (\d+) (\d+) (\d+) (\d+)", done.stdout, re.M)
    assert found, done.stdout + done.stderr
    return {(speaker, number): tuple(map(int, counts)) for speaker, number, *counts in found}, done.stdout


# STM.

STM = """\
;; a comment
;; LABEL "O" "Overall" "Overall"

call A anna 0.5 2.25 <O> good  morning
call A bob 2.5 4 <O,M> Ignore_time_segment_in_scoring
call A unknown 4.125 5 i said { um / uh / @ } yes
call B carl 1 3.5 @
talk 1 dora 10 12.75
talk 1 dora 0 1e1 früher { Tag/{ Abend / Nacht } }
"""


def test_an_stm_file_is_recordings_with_segments(tmp_path):
    for name in ("call.wav", "talk.flac", "other.wav"):
        (tmp_path / name).touch()
    ds = load_dataset(put(tmp_path / "dev.stm", "\ufeff" + STM.replace("\n", "\r\n")), language="de")
    assert repr(ds).startswith("<Dataset dev: 2 utterances, de, length not known; 6 segments")
    assert rows(ds.utterances, "utt_id", "audio", "language", "speaker") == [
        ["call", "call.wav", "de", None],
        ["talk", "talk.flac", "de", "dora"],
    ]
    assert rows(ds.segments, "segment", "utt_id", "channel", "begin_s", "end_s", "speaker", "text", "label") == [
        ["call-A-00000500-00002250", "call", 0, 0.5, 2.25, "anna", "good morning", "O"],
        ["call-A-00002500-00004000", "call", 0, 2.5, 4.0, "bob", None, "O,M"],
        ["call-A-00004125-00005000", "call", 0, 4.125, 5.0, None, "i said {um|uh|} yes", None],
        ["call-B-00001000-00003500", "call", 1, 1.0, 3.5, "carl", "", None],
        ["talk-A-00000000-00010000", "talk", 0, 0.0, 10.0, "dora", "früher {Tag|Abend|Nacht}", None],
        ["talk-A-00010000-00012750", "talk", 0, 10.0, 12.75, "dora", "", None],
    ]
    assert sorted(rows(ds.references, "utt_id", "channel", "text")) == [
        ["call", 1, ""],  # of call 0, a segment is not to be marked
        ["talk", 0, "früher {Tag|Abend|Nacht}"],
    ]
    assert ds.remarks == ("Not to be marked: 1 segment without a text.",)


def test_what_is_written_as_stm_is_read_again_and_taken_by_sclite(tmp_path):
    ds = load_dataset(put(tmp_path / "dev.stm", STM.replace("früher", "frueher")))
    found = again(ds, tmp_path / "out.stm")
    assert "Name the folder" in found.remarks[-1]
    heard = "call A 0.6 0.2 good\ncall A 1.0 .2 morning\ncall A 4.3 .2 yes\ncall B 1 1 x\ntalk A 1 1 nacht\n"
    put(tmp_path / "heard.ctm", heard)
    marked, _ = sclite_says(tmp_path, "-r", "out.stm", "stm", "-h", "heard.ctm", "ctm")
    assert marked["anna", "000"] == (2, 0, 0, 0)
    assert marked["unknown", "000"] == (1, 0, 2, 0)
    assert marked["carl", "000"] == (0, 0, 0, 1)
    assert marked["dora", "000"] == (1, 0, 1, 0)
    assert marked["dora", "001"] == (0, 0, 0, 0)


def test_a_speaker_of_what_is_not_marked_does_not_count(tmp_path):
    lines = "x A anna 0 1 a\nx A noise 1 2 IGNORE_TIME_SEGMENT_IN_SCORING\n"
    assert load_dataset(put(tmp_path / "x.stm", lines)).utterances["speaker"].tolist() == ["anna"]


@pytest.mark.parametrize(
    ("names", "channels"),
    [("A B", [0, 1]), ("1 2", [0, 1]), ("0 1", [0, 1]), ("a 2", [0, 1]), ("2 3", [1, 2])],
)
def test_channels_are_letters_or_numbers(tmp_path, names, channels):
    lines = [f"x {name} s 0 1 word\n" for name in names.split()]
    assert load_dataset(put(tmp_path / "x.stm", "".join(lines))).segments["channel"].tolist() == channels


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x A s 1", "must be waveform, channel, speaker, begin, end and text"),
        ("x A s one 2 word", "'one' is no number of seconds"),
        ("x A s nan 2 word", "'nan' is no number of seconds"),
        ("x A s 1_0 20 word", "'1_0' is no number of seconds"),
        ("x A s -1 2 word", "'-1' is no number of seconds"),
        ("x A s 2 2 word", "ends at 2 and begins at 2"),
        ("x left s 1 2 word", "'left' is no channel"),
        ("x A s 1 2 a { b / c", r"a '\{' is not closed"),
        ("x A s 1 2 a } b", r"a '\}' closes no '\{'"),
        ("x A s 1 2 { " + "{ a / b } " * 9 + "}", "make 512 ways, more than 256"),
        ("x A s 1 2 " + "{ a / " * 60, r"a '\{' is not closed"),
    ],
)
def test_a_broken_stm_line_is_named(tmp_path, line, said):
    with pytest.raises(InvalidInput, match=rf"x\.stm, line 3: .*{said}"):
        load_dataset(put(tmp_path / "x.stm", f";; first\nx A s 0 1 fine\n{line}\n"))


def test_a_line_that_is_not_utf8_and_an_empty_file_are_named(tmp_path):
    with pytest.raises(InvalidInput, match=r"x\.stm, line 2: this is not UTF-8"):
        load_dataset(put(tmp_path / "x.stm", b"x A s 0 1 fine\nx A s 1 2 f\xfcr\n"))
    with pytest.raises(InvalidInput, match=r"x\.stm holds no utterances"):
        load_dataset(put(tmp_path / "x.stm", ";; nothing\n"))
    with pytest.raises(InvalidInput, match="no named columns"):
        load_dataset(put(tmp_path / "x.stm", STM), columns={"a": "b"})


def test_audio_is_found_by_name_beside_the_file_or_below_the_root(tmp_path):
    file = put(tmp_path / "lists" / "x.stm", "one A s 0 1 a\ntwo.v1.wav A s 0 1 b\n../three A s 0 1 c\n")
    for name in ("lists/one.MP3", "lists/deep/one.wav", "audio/a/one.wav", "audio/b/two.v1.wav", "three.wav"):
        put(tmp_path / name, "")
    by_name = rows(load_dataset(file).utterances, "utt_id", "audio")
    assert sorted(by_name) == [["../three", None], ["one", "one.MP3"], ["two.v1.wav", None]]
    below = rows(load_dataset(file, audio_root=tmp_path / "audio").utterances, "utt_id", "audio")
    assert sorted(below) == [["../three", None], ["one", "a/one.wav"], ["two.v1.wav", "b/two.v1.wav"]]
    put(tmp_path / "audio" / "c" / "one.flac", "")
    with pytest.raises(InvalidInput, match=r"names one, and .* has a/one\.wav and c/one\.flac"):
        load_dataset(file, audio_root=tmp_path / "audio")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"utt_id": "a b"}, "spaces between its fields"),
        ({"speaker": "an na"}, "spaces between its fields"),
        ({"speaker": "unknown"}, "a speaker named 'unknown'"),
        ({"text": "a { b"}, "signs that mean something else"),
        ({"text": "a @ b"}, "signs that mean something else"),
        ({"text": "<unk> a"}, "begins with <...>"),
        ({"text": "ignore_time_segment_in_scoring"}, "its text holds IGNORE_TIME"),
    ],
)
def test_what_an_stm_file_cannot_hold_is_refused_before_it_is_written(tmp_path, change, said):
    row = {"segment": "s", "utt_id": "x", "begin_s": 0.0, "end_s": 1.0, "speaker": "a", "text": "word", **change}
    ds = Dataset("d", pd.DataFrame({"utt_id": [row["utt_id"]]}), segments=pd.DataFrame([row]))
    with pytest.raises(InvalidInput, match=rf"Segment 's'.*{said}"):
        ds.write(tmp_path / "x.stm")
    assert list(tmp_path.iterdir()) == []


def test_references_of_whole_recordings_are_not_lost_in_an_stm_file(tmp_path):
    segments = pd.DataFrame({"segment": ["s"], "utt_id": ["x"], "begin_s": [0.0], "end_s": [1.0], "text": ["word"]})
    said = pd.DataFrame({"utt_id": ["x"], "text": ["another word"]})
    with pytest.raises(InvalidInput, match=r"more than the texts of its segments, joined \(1 utterance: 'x'\)"):
        Dataset("d", pd.DataFrame({"utt_id": ["x"]}), said, segments=segments).write(tmp_path / "x.stm")
    with pytest.raises(InvalidInput, match="d has none"):
        Dataset("d", pd.DataFrame({"utt_id": ["x"]}), said).write(tmp_path / "x.stm")
    with pytest.raises(InvalidInput, match=r"recordings without segments \(1 utterance: 'y'\)"):
        Dataset("d", pd.DataFrame({"utt_id": ["x", "y"]}), segments=segments).write(tmp_path / "x.stm")


# CTM and TRN.


def test_a_ctm_file_is_cut_at_pauses(tmp_path):
    lines = """\
;; comment
x A 3.5 0.3 later 0.9
x A 0.1 0.4 good
x A 1.4 0.2 morning 0.99
x A 1.5 0.0 you
x B 0.2 0.3 hello
"""
    ds = load_dataset(put(tmp_path / "x.ctm", lines))
    assert rows(ds.segments, "channel", "begin_s", "end_s", "text") == [
        [0, 0.1, 1.5999999999999999, "good morning you"],
        [0, 3.5, 3.8, "later"],
        [1, 0.2, 0.5, "hello"],
    ]
    assert "less than 1 s apart" in ds.remarks[0]
    with pytest.raises(InvalidInput, match="read here and not written"):
        ds.write(tmp_path / "y.ctm")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x A 1 word", "must be waveform, channel, begin, duration, word"),
        ("x A 1 .2 word .9 lex anna", "must be waveform, channel, begin, duration, word"),
        ("x A 1 -2 word", "'-2' is no number of seconds"),
        ("x A * * <ALT_BEGIN>", "alternatives in a CTM .* are not read"),
    ],
)
def test_a_broken_ctm_line_is_named(tmp_path, line, said):
    with pytest.raises(InvalidInput, match=rf"x\.ctm, line 2: .*{said}"):
        load_dataset(put(tmp_path / "x.ctm", f"x A 0 .1 a\n{line}\n"))


TRN = """\
;; a comment
good { morning / evening / @ } sir (anna-001)
 (bob_002)
(uh) so a/b (x) (cmh_s-1)
"""


def test_a_trn_file_is_read_and_written(tmp_path):
    (tmp_path / "anna-001.wav").touch()
    file = put(tmp_path / "dev.trn", TRN)
    ds = load_dataset(file)
    assert rows(ds.utterances, "utt_id", "audio", "speaker") == [
        ["anna-001", "anna-001.wav", None],
        ["bob_002", None, None],
        ["cmh_s-1", None, None],
    ]
    assert rows(ds.references, "utt_id", "alternative", "text") == [
        ["anna-001", 0, "good {morning|evening|} sir"],
        ["bob_002", 0, ""],
        ["cmh_s-1", 0, "(uh) so a/b (x)"],
    ]
    assert "Words in parentheses" in ds.remarks[-1]
    again(ds, tmp_path / "out.trn")
    of_ids = load_dataset(file, columns={"spu_id": "speaker"})
    assert of_ids.utterances["speaker"].tolist() == ["anna", "bob", "cmh_s"]
    put(tmp_path / "heard.trn", "good evening sir (anna-001)\nx (bob_002)\nso a/b (x) (cmh_s-1)\n")
    marked, _ = sclite_says(tmp_path, "-r", "out.trn", "trn", "-h", "heard.trn", "trn", "-i", "spu_id")
    # Names of speakers are sclite's own, of the same ids.
    found = re.findall(r"\d+:  (\w+) ", sclite_says(
        tmp_path, "-r", "out.trn", "trn", "-h", "heard.trn", "trn", "-i", "spu_id")[1])  # fmt: skip
    assert found == ["anna", "bob", "cmh_s"]
    assert marked["anna", "001"] == (3, 0, 0, 0)
    ours = lab.score(
        pd.DataFrame({"utt_id": ds.utterances["utt_id"], "text": ["good evening sir", "x", "so a/b (x)"]}),
        ds,
        normalizer=PLAIN,
    )
    assert rows(ours, "hits", "subs", "dels", "ins") == [[3, 0, 0, 0], [0, 0, 0, 1], [3, 0, 1, 0]]
    assert marked["cmh_s", "1"] == (3, 0, 1, 0)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("no id", "must be a text and, in parentheses, an id"),
        ("words (two words)", "an id without spaces"),
        ("words ()", "an id without spaces"),
        ("words (anna-001)", "the utt_id 'anna-001' is that of line 1"),
        ("a { b (x-1)", "is not closed"),
    ],
)
def test_a_broken_trn_line_is_named(tmp_path, line, said):
    with pytest.raises(InvalidInput, match=rf"x\.trn, line 2: .*{said}"):
        load_dataset(put(tmp_path / "x.trn", f"a (anna-001)\n{line}\n"))
    with pytest.raises(InvalidInput, match=r"x\.trn, line 1: 'anna' names no speaker"):
        load_dataset(put(tmp_path / "x.trn", "a (anna)\n"), columns={"spu_id": "speaker"})
    with pytest.raises(InvalidInput, match="no named columns"):
        load_dataset(put(tmp_path / "x.trn", "a (anna)\n"), columns={"id": "speaker"})


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"utt_id": ["x", "x"], "text": ["a", "b"], "form": ["spoken", "written"]}, "has spoken, written. Choose one"),
        ({"utt_id": ["x", "x"], "text": ["a", "b"], "channel": [0, 1]}, "texts of several channels .1 utterance: 'x'"),
        ({"utt_id": [], "text": []}, r"texts that are not known \(1 utterance: 'x'\)"),
        ({"utt_id": ["x"], "text": ["a / { b"]}, "x: its text has signs"),
        ({"utt_id": ["x"], "text": [";; a"]}, "taken for a comment"),
    ],
)
def test_what_a_trn_file_cannot_hold_is_refused(tmp_path, said, message):
    ds = Dataset("d", pd.DataFrame({"utt_id": ["x"]}), pd.DataFrame(said).astype({"utt_id": "str", "text": "str"}))
    with pytest.raises(InvalidInput, match=message):
        ds.write(tmp_path / "x.trn")
    assert list(tmp_path.iterdir()) == []
    odd = Dataset("d", pd.DataFrame({"utt_id": ["x (1)"]}), pd.DataFrame({"utt_id": ["x (1)"], "text": ["a"]}))
    with pytest.raises(InvalidInput, match=r"cannot hold the utt_id 'x \(1\)'"):
        odd.write(tmp_path / "x.trn")


# Subtitles.

SRT = """\
1
00:00:01,000 --> 00:00:02,500
<i>Good</i> morning,
{\\an8}everyone &amp; all.

2
00:00:05,000 --> 0:00:07,250  X1:100 X2:200
[music]

3
00:00:04.5 --> 00:00:05.250
- Hello.
- ANNA: (laughs) Hi!
4
00:01:00,000 --> 01:00:01,000
♪ la la ♪

5
00:01:02,000 --> 00:01:03,000


"""
VTT = """\
WEBVTT Kind: captions
Language: en-GB

STYLE
::cue { color: red }

NOTE 00:00 - not a cue
second line

intro
00:01.000 --> 00:02.500 align:start position:0%
<v.loud Anna Maria>Good <c.yellow>mor</c><00:01.500>ning</v>

00:00:02.500 --> 1:00:00.000
<v Bob>1 &lt; 2</v>
<v Anna>so <ruby>漢<rt>kan</rt></ruby></v>

00:00:01.000 --> 00:00:01.400
plain
"""


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_srt_is_segments_of_a_recording(tmp_path, ends):
    put(tmp_path / "talk.mp3", "")
    ds = load_dataset(put(tmp_path / "talk.srt", "\ufeff" + SRT.replace("\n", ends)), language="en")
    assert rows(ds.utterances, "utt_id", "audio", "language", "speaker") == [["talk", "talk.mp3", "en", None]]
    assert rows(ds.segments, "segment", "begin_s", "end_s", "speaker", "text") == [
        ["talk-0001", 1.0, 2.5, None, "Good morning, everyone & all."],
        ["talk-0002", 4.5, 5.25, None, "- Hello. - ANNA: (laughs) Hi!"],
        ["talk-0003", 5.0, 7.25, None, None],
        ["talk-0004", 60.0, 3601.0, None, None],
    ]
    assert ds.references.empty  # for what is not to be marked
    assert [re.search(r"(\d) cues?", remark)[1] for remark in ds.remarks] == ["1", "1", "2", "1", "1", "1"]
    for what in ("without speech", "note in brackets", "name in capitals", "without a text", "before the one above",
                 "before another ended"):  # fmt: skip
        assert sum(what in remark for remark in ds.remarks) == 1


def test_vtt_is_segments_with_speakers(tmp_path):
    ds = load_dataset(put(tmp_path / "talk.vtt", VTT))
    assert ds.utterances["language"].tolist() == ["en-GB"]
    assert rows(ds.segments, "begin_s", "end_s", "speaker", "text") == [
        [1.0, 1.4, None, "plain"],
        [1.0, 2.5, "Anna Maria", "Good morning"],
        [2.5, 3600.0, None, "1 < 2 so 漢"],
    ]


def test_captions_that_roll_are_told(tmp_path):
    lines = "WEBVTT\n\n00:01.000 --> 00:02.000\none\ntwo\n\n00:02.000 --> 00:03.000\ntwo\nthree\n\n"
    remarks = load_dataset(put(tmp_path / "x.vtt", lines)).remarks
    assert any("1 cue began with the last line of the one before" in remark for remark in remarks)
    single = lines.replace("\nthree", "")  # somebody says it twice
    assert not any("captions that roll" in remark for remark in load_dataset(put(tmp_path / "x.vtt", single)).remarks)


@pytest.mark.parametrize(
    ("name", "text", "line", "said"),
    [
        ("x.srt", "1\n00:00:01,000 -> 00:00:02,000\nhi\n", 2, "belongs to no cue"),
        ("x.srt", "1\n00:00:01,000 --> later\nhi\n", 2, "is not 'begin --> end'"),
        ("x.srt", "1\n00:00:01,000 --> 99999:00:02,000\nhi\n", 2, "is not 'begin --> end'"),
        ("x.srt", "1\n00:00:02,000 --> 00:00:02,000\nhi\n", 2, "ends before it begins"),
        ("x.srt", "1\n00:00:01,000 --> 00:00:02,000\nhi\n\nand more\n", 5, "belongs to no cue"),
        ("x.srt", "1\n00:00:01,000 --> 00:00:02,000\nhi\n\nand more\n00:00:03,000 --> 00:00:04,000\na\n", 5, "no cue"),
        ("x.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nhi\n\nand more\n", 6, "belongs to no cue"),
        ("x.vtt", "WEBVTT\n\none\ntwo\n00:01.000 --> 00:02.000\nhi\n", 3, "belongs to no cue"),
        ("x.srt", b"1\n00:00:01,000 --> 00:00:02,000\nf\xfcr\n", 3, "this is not UTF-8"),
    ],
)
def test_a_broken_cue_is_named(tmp_path, name, text, line, said):
    with pytest.raises(InvalidInput, match=rf"{re.escape(name)}, line {line}: .*{said}"):
        load_dataset(put(tmp_path / name, text))


def test_subtitles_without_cues_are_a_recording_without_text(tmp_path):
    ds = load_dataset(put(tmp_path / "x.vtt", "WEBVTT\n"))
    assert (len(ds), len(ds.segments), len(ds.references)) == (1, 0, 0)


def test_a_folder_of_subtitles_is_a_set(tmp_path):
    for name in ("a.srt", "b/c.srt"):
        put(tmp_path / name, SRT)
    for name in ("a.wav", "b/c.flac", "c.wav"):
        put(tmp_path / name, "")
    ds = load_dataset(tmp_path)
    assert (ds.read_as, ds.name) == ("srt", tmp_path.name)
    assert rows(ds.utterances, "utt_id", "audio") == [["a", "a.wav"], ["b/c", "b/c.flac"]]
    assert ds.segments["segment"].tolist()[3:5] == ["a-0004", "b/c-0001"]
    put(tmp_path / "a.vtt", VTT)
    with pytest.raises(InvalidInput, match=r'(?s)in 2 ways.*format="srt".*format="vtt"'):
        load_dataset(tmp_path)
    assert load_dataset(tmp_path, format="vtt").utterances["utt_id"].tolist() == ["a"]


def test_a_name_may_have_the_tag_of_a_language(tmp_path):
    put(tmp_path / "talk.wav", "")
    put(tmp_path / "x.de.wav", "")
    for name, found in (("talk.en", ("talk.wav", "en")), ("talk.zh-Hans", ("talk.wav", "zh-Hans")),
                        ("x.de", ("x.de.wav", None)), ("other.en", (None, None))):  # fmt: skip
        ds = load_dataset(put(tmp_path / f"{name}.srt", SRT))
        assert rows(ds.utterances, "utt_id", "audio", "language") == [[name, *found]]


@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_subtitles_are_written_and_read_again(tmp_path, kind):
    cues = pd.DataFrame(
        {
            "segment": ["x-0001", "x-0002", "x-0003"],
            "utt_id": "x",
            "channel": 0,
            "begin_s": [0.001, 59.999, 3600.5],
            "end_s": [1.25, 61.0, 36000.0],
            "speaker": pd.array(["Anna > <3", None, None] if kind == "vtt" else [None] * 3, dtype="string"),
            "text": ["Tom & Jerry's" if kind == "srt" else "a &amp; <b>b</b>", None, "three"],
        }
    )
    ds = Dataset("x", pd.DataFrame({"utt_id": ["x"]}), segments=cues)
    if kind == "vtt":
        with pytest.raises(InvalidInput, match=r"speakers with signs that a tag cannot hold \(1 segment: 'x-0001'\)"):
            dataclasses.replace(ds, segments=cues.assign(speaker=["An\nna", None, None])).write(tmp_path / "n.vtt")
    for path in (tmp_path / f"x.{kind}", tmp_path / "folder"):
        made = ds.write(path, kind)
        found = load_dataset(made, format=kind)
        for name in ("references", "segments"):
            pd.testing.assert_frame_equal(getattr(found, name), getattr(ds, name), check_column_type=False)
    put(tmp_path / "other" / f"other.{kind}", "")
    with pytest.raises(InvalidInput, match="holds other subtitles"):
        ds.write(tmp_path / "other", kind)
    with pytest.raises(InvalidInput, match=rf"is not the name of 'x'.* Write to x\.{kind}\."):
        ds.write(tmp_path / f"y.{kind}")


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("srt", {"channel": 1}, "another channel"),
        ("srt", {"speaker": "anna"}, "speakers .*write vtt"),
        ("srt", {"begin_s": 0.00012}, "between two milliseconds"),
        ("srt", {"text": ""}, "empty texts"),
        ("srt", {"text": "<i>a</i>"}, "read otherwise"),
        ("srt", {"text": "AT&amp;T"}, "read otherwise"),
        ("srt", {"text": "[music]"}, "read otherwise"),
        ("vtt", {"text": "a\n\nb"}, "read otherwise"),
        ("srt", {"text": "a --> b"}, "read otherwise"),
    ],
)
def test_what_subtitles_cannot_hold_is_refused(tmp_path, kind, change, said):
    row = {"segment": "s", "utt_id": "x", "begin_s": 0.0, "end_s": 1.0, "text": "word", **change}
    ds = Dataset("d", pd.DataFrame({"utt_id": ["x"]}), segments=pd.DataFrame([row]))
    with pytest.raises(InvalidInput, match=rf"cannot hold .*{said}.*\(1 segment: 's'\)" if "vtt" not in said else said):
        ds.write(tmp_path / f"x.{kind}")
    assert list(tmp_path.iterdir()) == []


def test_ids_that_make_no_file_names_are_refused(tmp_path):
    for utt_id in ("../x", "a/b", "..", "a\0", "a:b"):
        segments = pd.DataFrame({"segment": ["s"], "utt_id": [utt_id], "begin_s": [0.0], "end_s": [1.0], "text": ["a"]})
        ds = Dataset("d", pd.DataFrame({"utt_id": [utt_id]}), segments=segments)
        with pytest.raises(InvalidInput, match="makes no name of a file"):
            ds.write(tmp_path / "folder", "srt")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@given(st.text(st.sampled_from("1a\n <>-:{}\\[]♪&;W"), max_size=30))
@example("[♪]a")
def test_no_text_breaks_the_reader_of_subtitles(tmp_path_factory, text):
    file = put(tmp_path_factory.mktemp("cue") / "x.srt", f"00:01.000 --> 00:02.000\n{text}\n")
    try:
        cues = [cue for _, cue in subtitles._File(file).cues]
    except InvalidInput as error:
        assert "x.srt, line" in str(error)  # noqa: PT017 - most texts are fine
        return
    assert all(cue.text and "\n" not in cue.text for cue in cues)
    spoken = [cue.text for cue in cues if "♪" not in cue.text]  # what of a line with notes is sung is a matter of taste
    assert not any(subtitles.is_note(said) and "a" in re.sub(r"\[.*\]", "", said) for said in spoken)
    assert not subtitles.is_note("[♪]a")


# Transcripts of whole recordings, cut.


def conversation(seed, recordings=6, overlap=0.15):
    """Make segments with gaps, overlaps and stretches that are not marked, and words heard in and between them."""
    rng = random.Random(seed)
    names = [f"w{n}" for n in range(40)]
    segments, words = [], []
    for recording in range(recordings):
        for channel in range(1 + recording % 2):
            at = rng.uniform(0, 2)
            for number in range(rng.randint(2, 12)):
                length = rng.uniform(0.5, 4)
                said = rng.choices(names, k=max(1, int(2 * length)))
                where = {"utt_id": f"rec{recording}", "channel": channel}
                segments.append(
                    {
                        **where,
                        "segment": f"{recording}-{channel}-{number}",
                        "begin_s": round(at, 2),
                        "end_s": round(at + length, 2),
                        "speaker": f"s{rng.randrange(4)}",
                        "text": None if rng.random() < 0.15 else " ".join(said),
                    }
                )
                for place, word in enumerate(said):
                    for heard in rng.choice([[], [word], [word], [word], [rng.choice(names)], [word, "more"]]):
                        begin = at + length * place / len(said) + rng.uniform(-0.4, 0.4)
                        begin, lasts = round(max(0, begin), 2) + 0.003, round(rng.uniform(0.05, 0.9), 2)
                        words.append({**where, "start_s": begin, "end_s": begin + lasts, "text": heard})
                at += length + (-rng.uniform(0.1, 1) if rng.random() < overlap else rng.uniform(0, 2))
                if rng.random() < 0.3:
                    words.append({**where, "start_s": at + 0.007, "end_s": at + 0.107, "text": "between"})
    order = ["utt_id", "channel", "start_s"]
    return pd.DataFrame(segments), pd.DataFrame(words).sort_values(order, kind="stable", ignore_index=True)


def whole(words):
    return words.groupby(["utt_id", "channel"], sort=False)["text"].agg(" ".join).reset_index()


def long_set(segments):
    ids = segments["utt_id"].unique()
    return Dataset("long", pd.DataFrame({"utt_id": ids, "channels": 2}), segments=segments)


@pytest.mark.filterwarnings("ignore:.*begin before another")
@pytest.mark.parametrize("seed", range(4))
def test_segments_of_long_recordings_count_as_in_sclite(tmp_path, seed):
    segments, words = conversation(seed)
    ds = long_set(segments)
    ds.write(tmp_path / "said.stm")
    lines = [
        f"{w.utt_id} {'AB'[w.channel]} {w.start_s:.3f} {w.end_s - w.start_s:.3f} {w.text}\n" for w in words.itertuples()
    ]
    put(tmp_path / "heard.ctm", "".join(lines))
    theirs, _ = sclite_says(tmp_path, "-r", "said.stm", "stm", "-h", "heard.ctm", "ctm")
    scores = lab.score(
        by_segment(whole(words), words, ds.segments), ds.segmented(), unit="word", normalizer=PLAIN, ties="sclite"
    )
    marked = segments[segments["text"].notna()].sort_values(["utt_id", "channel", "begin_s"], kind="stable")
    number = marked.groupby("speaker").cumcount()
    keys = [(speaker, f"{n:03d}") for speaker, n in zip(marked["speaker"], number, strict=True)]
    found = scores.set_index("utt_id").loc[marked["segment"]]
    ours = dict(zip(keys, map(tuple, found[["hits", "subs", "dels", "ins"]].to_numpy(int).tolist()), strict=True))
    assert len(ours) > 25
    assert ours == theirs
    assert found["block"].str.removeprefix("speaker:").tolist() == marked["speaker"].tolist()
    assert set(found["block_kind"]) == {"speaker"}


def test_the_whole_text_can_be_marked_as_well():
    segments, words = conversation(1, overlap=0)
    ds = long_set(segments[segments["text"].notna()])
    heard = whole(words)
    joined = lab.score(heard, ds, unit="word", normalizer=PLAIN)
    cut = lab.score(by_segment(heard, words, ds.segments), ds.segmented(), unit="word", normalizer=PLAIN)
    assert joined["ref_len"].sum() == cut["ref_len"].sum()
    assert joined["hyp_len"].sum() == cut["hyp_len"].sum() == len(words)
    errors = [table[["subs", "dels", "ins"]].to_numpy(int).sum() for table in (joined, cut)]
    assert errors[0] <= errors[1]  # an alignment within segments is one of the whole text
    assert set(joined["block_kind"]) != {"speaker"}


SEGMENTS = pd.DataFrame(
    {
        "segment": ["a1", "a2", "a3", "b1"],
        "utt_id": ["a", "a", "a", "b"],
        "channel": [0, 0, 0, 1],
        "begin_s": [1.0, 5.0, 8.0, 0.0],
        "end_s": [4.0, 7.0, 9.0, 2.0],
        "text": ["one", pd.NA, "three", "b"],
    }
)


def heard_words(*words, **columns):
    table = pd.DataFrame(words, columns=["start_s", "end_s", "text"])
    return table.assign(**{"utt_id": "a", "channel": 0, **columns})


@pytest.mark.parametrize(
    ("middle", "segment"),
    [
        (0.0, "a1"), (2.0, "a1"), (3.999, "a1"), (4.0, None), (4.5, None), (6.0, None), (6.999, None),
        (7.0, "a3"), (7.5, "a3"), (8.5, "a3"), (9.0, "a3"), (99.0, "a3"),
    ],
)  # fmt: skip
def test_a_word_belongs_where_its_middle_lies_or_to_what_comes_next(middle, segment):
    words = heard_words((middle, middle, "w"))
    cut = by_segment(pd.DataFrame({"utt_id": ["a"], "channel": 0, "text": ["w"]}), words, SEGMENTS[::-1])
    assert rows(cut, "utt_id", "text") == [["a1", "w" * (segment == "a1")], ["a3", "w" * (segment == "a3")]]
    wide = heard_words((middle - 3, middle + 3, "w"))
    assert rows(by_segment(pd.DataFrame({"utt_id": ["a"], "text": ["w"]}), wide, SEGMENTS), "text") == rows(cut, "text")


def test_answers_keep_their_trial_state_and_axes():
    answers = pd.DataFrame(
        {
            "trial": ["t1", "t2", "t3", "t4"],
            "utt_id": ["a", "a", "a", "b"],
            "condition": ["x", "y", "y", "x"],
            "repeat": [0, 0, 1, 0],
            "channel": [0, 0, 0, 1],
            "state": ["answered", "failed", "answered", "answered"],
            "text": ["one", pd.NA, "", "b b"],
            "model": ["big", "small", "small", "big"],
            "audio_s": 9.0,
        }
    )
    words = pd.concat(
        [
            heard_words((2.0, 2.2, "late"), (1.0, 1.2, "early"), condition="x"),
            heard_words((2.0, 2.2, "lost"), condition="y"),
            heard_words((2.0, 2.2, "other channel"), condition="x", channel=1),
            heard_words((1.0, 1.2, "b"), condition="x", channel=1, utt_id="b"),
        ]
    )
    cut = by_segment(answers, words, SEGMENTS)
    columns = ["trial", "utt_id", "condition", "repeat", "channel", "state", "text", "model"]
    assert rows(cut, *columns) == [
        ["t1", "a1", "x", 0, 0, "answered", "early late", "big"],
        ["t1", "a3", "x", 0, 0, "answered", "", "big"],
        ["t2", "a1", "y", 0, 0, "failed", None, "small"],
        ["t2", "a3", "y", 0, 0, "failed", None, "small"],
        ["t3", "a1", "y", 1, 0, "answered", "", "small"],
        ["t3", "a3", "y", 1, 0, "answered", "", "small"],
        ["t4", "b1", "x", 0, 0, "answered", "b", "big"],
    ]
    assert cut["audio_s"].isna().all()
    assert answers["utt_id"].tolist() == ["a", "a", "a", "b"]  # what is given is not changed


def test_words_of_scripts_without_spaces_are_joined_without():
    words = heard_words((1, 1.1, "我想"), (1.2, 1.3, "喝"), (1.4, 1.5, "latte"), (1.6, 1.7, "good"), (1.8, 1.9, "ครับ"))
    cut = by_segment(pd.DataFrame({"utt_id": ["a"], "text": ["x"]}), words, SEGMENTS)
    assert cut["text"].tolist() == ["我想喝 latte good ครับ", ""]


def test_what_cannot_be_cut_is_said():
    heard = pd.DataFrame({"utt_id": ["a"], "text": ["one"]})
    words = heard_words((1, 2, "one"))
    with pytest.raises(InvalidInput, match=r"\(a\) have a text and no words with times.*enable_words=True"):
        by_segment(heard, words[:0], SEGMENTS)
    with pytest.raises(InvalidInput, match="are heard where there are no segments"):
        by_segment(heard, words, SEGMENTS[3:])
    with pytest.raises(InvalidInput, match="are heard where there are no segments"):
        by_segment(heard, words, SEGMENTS[:0])
    with pytest.raises(InvalidInput, match="are transcripts of one recording, channel, condition and repeat"):
        by_segment(pd.concat([heard, heard]), words, SEGMENTS)
    with pytest.raises(InvalidInput, match="segments of the same id"):
        by_segment(heard, words, pd.concat([SEGMENTS, SEGMENTS]))
    with pytest.raises(InvalidInput, match="have no end_s"):
        by_segment(heard, words, SEGMENTS.assign(end_s=pd.NA))
    with pytest.raises(InvalidInput, match="words without a start_s"):
        by_segment(heard, words.assign(start_s=pd.NA), SEGMENTS)
    with pytest.raises(InvalidInput, match="The words table needs the column"):
        by_segment(heard, words.drop(columns="start_s"), SEGMENTS)


def test_segments_that_overlap_are_warned_of_and_the_first_takes_what_both_hear():
    both = SEGMENTS[:1].assign(text="one", end_s=9.0)
    inner = both.assign(segment="in", begin_s=2.0, end_s=3.0)
    words = heard_words((2.4, 2.6, "in"), (8.0, 8.5, "out"))
    with pytest.warns(UserWarning, match=r"1 segments begin before another on their channel has ended \(a\)") as caught:
        cut = by_segment(pd.DataFrame({"utt_id": ["a"], "text": ["x"]}), words, pd.concat([inner, both]))
    assert caught[0].filename == __file__
    assert rows(cut, "utt_id", "text") == [["a1", "in out"], ["in", ""]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        by_segment(pd.DataFrame({"utt_id": ["a"], "text": ["x"]}), words, pd.concat([both, inner.assign(channel=1)]))


def test_a_million_words_are_cut_in_seconds():
    recordings, settings, each = 250, 4, 1000
    rng = np.random.default_rng(0)
    ids = pd.Series([f"rec{n}" for n in range(recordings)])
    start = np.sort(rng.uniform(0, 400, (recordings * settings, each)), axis=1).ravel()
    words = pd.DataFrame(
        {
            "utt_id": ids.repeat(settings * each).to_numpy(),
            "condition": np.tile(np.repeat([f"c{n}" for n in range(settings)], each), recordings),
            "start_s": start,
            "end_s": start + 0.3,
            "text": rng.choice([f"w{n}" for n in range(5000)], len(start)),
        }
    )
    heard = words[["utt_id", "condition"]].drop_duplicates().assign(text="x")
    segments = pd.DataFrame(
        {
            "utt_id": ids.repeat(100).to_numpy(),
            "begin_s": np.tile(np.arange(100) * 4.0, recordings),
            "text": "x",
        }
    )
    segments = segments.assign(segment=segments.index.astype(str) + segments["utt_id"], end_s=segments["begin_s"] + 3.5)
    began = time.process_time()
    cut = by_segment(heard, words, segments)
    assert time.process_time() - began < 10
    assert len(cut) == recordings * settings * 100
    assert cut["text"].str.split().str.len().sum() == len(words)
