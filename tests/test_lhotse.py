"""Lhotse: what lhotse itself wrote (tests/formats/lhotse/make.py) is read, and what cannot be heard is refused."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asrlab.data.loading import load_dataset
from asrlab.data.manifests.lhotse import Lhotse
from asrlab.errors import InvalidInput

MADE = Path(__file__).parent / "formats" / "lhotse"


def rows(table, *columns):
    plain = table[list(columns)].astype(object)
    return plain.where(plain.notna(), None).to_numpy().tolist()


def changed(path, source, change):
    """Write the first cut of a file again after a change."""
    cut = json.loads((MADE / source).read_text("utf-8").splitlines()[0])
    change(cut)
    path.write_text(json.dumps(cut) + "\n", "utf-8")
    return path


def test_cuts_of_recordings_are_utterances():
    ds = load_dataset(MADE / "trimmed_cuts.jsonl")
    assert (ds.read_as, ds.name, len(ds.segments), ds.remarks) == ("lhotse", "trimmed_cuts", 0, ())
    columns = ("utt_id", "audio", "language", "duration_s", "speaker", "recording", "begin_s", "end_s", "channel")
    assert rows(ds.utterances, *columns) == [
        ["one-1", "audio/one.flac", "en", 2.0, "anna", "one", None, None, None],
        ["long-1", "audio/long.flac", "en", 2.0, "anna", "long", 1.0, 3.0, None],
        ["long-2", "audio/long.flac", "en", 2.5, "bob", "long", 3.5, 6.0, None],
        ["call-1", "audio/call.flac", "en", 1.5, "anna", "call", 0.5, 2.0, 0],
        ["call-2", "audio/call.flac", "en", 2.5, "bob", "call", 2.0, 4.5, 1],
    ]
    assert ds.utterances["channels"].tolist() == [1] * 5
    assert rows(ds.references, "channel", "text") == [
        [0, "good morning"], [0, "first words"], [0, "second words"], [0, "hello"], [0, "who is there"],
    ]  # fmt: skip
    assert rows(ds.utterances, "gender", "topic")[:2] == [["female", "greeting"], [None, None]]


SEGMENTS = [
    ["one-1", 0, 0.0, 2.0, "anna", "good morning"],
    ["long-1", 0, 1.0, 3.0, "anna", "first words"],
    ["long-2", 0, 3.5, 6.0, "bob", "second words"],
    ["long-3", 0, 7.0, 8.0, "bob", None],
    ["call-1", 0, 0.5, 2.0, "anna", "hello"],
    ["call-2", 1, 2.0, 4.5, "bob", "who is there"],
]


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("whole_cuts.jsonl.gz", ["one-0", "long-1", "call-2"]),
        ("set_supervisions.jsonl.gz", ["one", "long", "call"]),
        ("set_recordings.jsonl.gz", ["one", "long", "call"]),
    ],
)
def test_whole_recordings_have_segments(name, ids):
    ds = load_dataset(MADE / name)
    assert ds.read_as == "lhotse"
    assert rows(ds.utterances, "utt_id", "duration_s", "channels", "speaker") == [
        [ids[0], 2.0, 1, "anna"],
        [ids[1], 9.0, 1, None],
        [ids[2], 5.0, 2, None],
    ]
    assert rows(ds.segments, "segment", "channel", "begin_s", "end_s", "speaker", "text") == SEGMENTS
    assert ds.remarks == ("1 supervisions have no text: they are not to be marked.",)
    assert not {"begin_s", "channel"} & set(ds.utterances)
    assert ds.segmented().utterances["utt_id"].tolist() == ["one-1", "long-1", "long-2", "call-1", "call-2"]


def test_a_folder_is_read_if_it_has_one_set(tmp_path):
    for name in ("set_recordings.jsonl.gz", "set_supervisions.jsonl.gz"):
        shutil.copy(MADE / name, tmp_path)
    assert load_dataset(tmp_path).utterances["utt_id"].tolist() == ["one", "long", "call"]
    shutil.copy(MADE / "whole_cuts.jsonl.gz", tmp_path)
    with pytest.raises(
        InvalidInput, match=r"has not one set .*, but set_supervisions\.jsonl\.gz, whole_cuts\.jsonl\.gz"
    ):
        load_dataset(tmp_path)
    (tmp_path / "set_recordings.jsonl.gz").unlink()
    assert load_dataset(tmp_path).name == "whole_cuts"
    assert not Lhotse().recognises(tmp_path / "set_supervisions.jsonl.gz")


def test_other_json_lines_are_left_to_others(tmp_path):
    lines = {"a": '{"id": "x", "audio": "x.wav"}\n', "b": "[1]\n", "c": "", "d": "{", "e": '{"type": "other"}'}
    for name, line in lines.items():
        (tmp_path / f"{name}.jsonl").write_text(line)
        (tmp_path / f"{name}.jsonl.gz").write_bytes(gzip.compress(line.encode()))
        assert not Lhotse().recognises(tmp_path / f"{name}.jsonl")
        assert not Lhotse().recognises(tmp_path / f"{name}.jsonl.gz")
    (tmp_path / "f.jsonl.gz").write_bytes(b"no gzip")
    assert not Lhotse().recognises(tmp_path / "f.jsonl.gz")
    assert not Lhotse().recognises(tmp_path)
    assert not Lhotse().recognises([1])


def test_padding_is_left_out_and_a_url_is_kept():
    padded = load_dataset(MADE / "padding_cuts.jsonl")
    assert (padded.utterances["utt_id"].tolist(), padded.remarks) == (
        ["one-0"],
        ("1 cuts are padding, and left out (pad).",),
    )
    assert load_dataset(MADE / "url_cuts.jsonl").utterances["audio"].tolist() == ["https://example.org/web.flac"]


def test_a_channel_is_that_of_the_file_it_is_in(tmp_path):
    lines = (MADE / "apart_cuts.jsonl").read_text("utf-8").splitlines()
    (tmp_path / "cuts.jsonl").write_text("\n".join(lines[:2]))
    ds = load_dataset(tmp_path / "cuts.jsonl")
    assert rows(ds.utterances, "utt_id", "audio", "begin_s", "end_s") == [
        ["left", "audio/left.flac", None, None],
        ["right", "audio/right.flac", 0.5, 2.0],
    ]
    assert "channel" not in ds.utterances
    assert ds.references["channel"].tolist() == [0, 0]
    with pytest.raises(InvalidInput, match=r"line 3: no file of the recording 'apart' has just the channels \[0, 1\]"):
        load_dataset(MADE / "apart_cuts.jsonl")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("command_cuts.jsonl", "a command, which is never run"),
        ("mixed_cuts.jsonl", "mixed of several cuts.*save_audios"),
        ("speed_cuts.jsonl", "to be transformed when it is loaded.*save_audios"),
    ],
)
def test_what_only_lhotse_can_load_is_refused(tmp_path, monkeypatch, name, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput, match=rf"{re.escape(name)}, line 1: .*{said}"):
        load_dataset(MADE / name)
    assert list(tmp_path.iterdir()) == []


def put(**values):
    return lambda cut: cut.update(values)


def in_recording(**values):
    return lambda cut: cut["recording"].update(values)


def in_supervision(**values):
    return lambda cut: cut["supervisions"][0].update(values)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put(type="DataCut"), "its type is 'DataCut'"),
        (put(recording=None), "has no recording"),
        (put(id=["x"]), "utt_id must be text"),
        (put(id=None), "there is no utt_id"),
        (put(start=-1), "start of 'one-1' must be a number of seconds, not -1"),
        (put(duration="2"), "duration of 'one-1' must be a number"),
        (put(duration=float("nan")), "must be a number of seconds, not nan"),
        (put(duration=10**400), "must be a number of seconds, not 1000"),
        (put(channel="left"), "must be a number or a list of numbers"),
        (put(channel=[]), "must be a number or a list of numbers"),
        (put(channel=3), r"has just the channels \[3\]"),
        (put(supervisions={"a": 1}), "are no list of objects"),
        (in_recording(sources="x.wav"), "has no list of sources"),
        (in_recording(sources=[{"type": "memory", "channels": [0], "source": "AAAA"}]), "is within the manifest"),
        (in_recording(sources=[{"type": "shar", "channels": [0], "source": ""}]), "is 'shar', and not a file or a URL"),
        (in_supervision(text=5), "text of the supervision 'one-1' must be text"),
        (in_supervision(speaker=["a"]), "speaker of the supervision 'one-1' must be text"),
        (in_supervision(start=None), "start of 'one-1' must be a number"),
        (in_supervision(start=5), "does not lie within its cut"),
    ],
)
def test_a_broken_cut_is_named(tmp_path, change, said):
    path = changed(tmp_path / "cuts.jsonl", "trimmed_cuts.jsonl", change)
    with pytest.raises(InvalidInput, match=rf"cuts\.jsonl, line 1: .*{said}"):
        load_dataset(path, format="lhotse")


def test_broken_files_are_named(tmp_path):
    whole = (MADE / "whole_cuts.jsonl.gz").read_bytes()
    (tmp_path / "cuts.jsonl.gz").write_bytes(whole[:-20])
    with pytest.raises(InvalidInput, match=r"cuts\.jsonl\.gz"):
        load_dataset(tmp_path / "cuts.jsonl.gz")
    (tmp_path / "cuts.jsonl").write_text((MADE / "padding_cuts.jsonl").read_text("utf-8") + "{\n")
    with pytest.raises(InvalidInput, match=r"cuts\.jsonl, line 3: .*not JSON"):
        load_dataset(tmp_path / "cuts.jsonl")
    with pytest.raises(InvalidInput, match="columns= cannot change it"):
        load_dataset(MADE / "trimmed_cuts.jsonl", columns={"a": "b"})


def test_a_supervision_of_no_recording_is_named(tmp_path):
    shutil.copy(MADE / "set_supervisions.jsonl.gz", tmp_path / "set_supervisions.jsonl.gz")
    lines = gzip.decompress((MADE / "set_recordings.jsonl.gz").read_bytes()).splitlines()
    (tmp_path / "set_recordings.jsonl.gz").write_bytes(gzip.compress(lines[0] + b"\n" + lines[2]))
    with pytest.raises(InvalidInput, match=r"set_supervisions\.jsonl\.gz, line 2: the recording 'long' is not in"):
        load_dataset(tmp_path)


def test_supervisions_that_reach_beyond_their_cut_are_cut_and_told(tmp_path):
    path = changed(tmp_path / "cuts.jsonl", "trimmed_cuts.jsonl", in_supervision(start=-0.5, duration=9))
    ds = load_dataset(path)
    assert ds.references["text"].tolist() == ["good morning"]
    assert "1 supervisions reach beyond their cuts" in ds.remarks[0]


def test_what_is_cut_off_at_the_end_is_a_part(tmp_path):
    ds = load_dataset(changed(tmp_path / "cuts.jsonl", "trimmed_cuts.jsonl", put(duration=1.5)))
    assert rows(ds.utterances, "begin_s", "end_s", "duration_s") == [[0.0, 1.5, 1.5]]
    assert (
        "begin_s"
        not in load_dataset(changed(tmp_path / "cuts.jsonl", "trimmed_cuts.jsonl", put(duration=1.9999))).utterances
    )


def test_some_channels_of_a_file_are_refused(tmp_path):
    def two_of_three(cut):
        cut |= {"type": "MultiCut", "channel": [0, 1]}
        cut["recording"]["sources"][0]["channels"] = [0, 1, 2]

    with pytest.raises(InvalidInput, match=r"has just the channels \[0, 1\].*to_mono"):
        load_dataset(changed(tmp_path / "cuts.jsonl", "trimmed_cuts.jsonl", two_of_three))


def test_custom_fields_never_take_the_place_of_ours(tmp_path):
    custom = {"utt_id": "evil", "audio": "/etc/passwd", "sha256": "x", "text": "y", "score": 0.5, "alignment": [1]}
    ds = load_dataset(changed(tmp_path / "cuts.jsonl", "trimmed_cuts.jsonl", in_supervision(custom=custom)))
    assert rows(ds.utterances, "utt_id", "audio", "score") == [["one-1", "audio/one.flac", 0.5]]
    assert not {"sha256", "text", "alignment"} & set(ds.utterances)


def test_a_supervision_in_several_cuts_is_a_segment_in_each(tmp_path):
    cut = json.loads(gzip.decompress((MADE / "whole_cuts.jsonl.gz").read_bytes()).splitlines()[1])
    (tmp_path / "cuts.jsonl").write_text("".join(json.dumps({**cut, "id": name}) + "\n" for name in ("a", "b")))
    ds = load_dataset(tmp_path / "cuts.jsonl")
    assert ds.segments["segment"].tolist() == ["long-1", "long-2", "long-3", "long-1-2", "long-2-2", "long-3-2"]


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats() | st.sampled_from(["", "file", "MonoCut", "../x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "channels", "type"]), inner),
    max_leaves=5,
)
FIELDS = ["id", "type", "start", "duration", "channel", "supervisions", "recording"]
INNER = ["id", "start", "duration", "channel", "text", "custom", "speaker", "sources", "channel_ids", "recording_id"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(st.sampled_from([[], ["recording"], ["supervisions", 0]]), st.sampled_from(FIELDS + INNER), ANY)
def test_whatever_stands_in_a_field_it_is_read_or_refused(tmp_path, way, field, value):
    def change(cut):
        for step in way:
            cut = cut[step]
        cut[field] = value

    path = changed(tmp_path / "cuts.jsonl", "trimmed_cuts.jsonl", change)
    with suppress(InvalidInput):
        load_dataset(path, format="lhotse")
