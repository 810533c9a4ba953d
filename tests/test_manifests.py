"""Manifests that are tables: what each reader takes and refuses, and that what is written is read as it was."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import io
import json
import math
import string
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from asrlab.data.dataset import Dataset
from asrlab.data.loading import load_dataset
from asrlab.data.manifests import format_named, recognise
from asrlab.data.manifests.base import Options
from asrlab.data.manifests.columns import ALIASES, made_ids, numbered, renamed
from asrlab.data.manifests.frames import frame_of
from asrlab.errors import InvalidInput
from asrlab.tables import SCHEMAS

KEYS = {"utterances": "utt_id", "references": ["utt_id", "channel", "form", "alternative"], "segments": "segment"}
NO_TABLE = "no row of it can be read"


def lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path, **options):
    return load_dataset(path, **options)


def plain(frame):
    """The values of a table by column, None where there is none; columns in any order."""
    return {
        name: [
            None if value is pd.NA or (isinstance(value, float) and math.isnan(value)) else value
            for value in frame[name].tolist()
        ]
        for name in sorted(frame)
    }


def tables_of(dataset):
    references = dataset.references.sort_values(KEYS["references"], ignore_index=True)
    terms = sorted(map(repr, dataset.terms.astype(object).where(dataset.terms.notna(), None).to_numpy().tolist()))
    return plain(dataset.utterances), plain(references), plain(dataset.segments), terms


def write(dataset, path, name):
    format_named(name).write(dataset, path)
    return path


def back(dataset, path, name):
    """Write a dataset, and read what was written."""
    return load_dataset(write(dataset, path, name), format=name)


def dataset(utterances, said=None, **tables):
    """Make a dataset of rows, with a text each."""
    frame = pd.DataFrame(utterances)
    references = pd.DataFrame({"utt_id": frame["utt_id"], "text": said}) if said is not None else None
    if references is not None:
        tables["references"] = references[references["text"].notna()].convert_dtypes()
    return Dataset("d", frame, **tables)


# Which columns are meant.


def test_a_column_has_the_name_it_was_given_or_its_own_or_ours():
    assert renamed(["ID", "Audio Path", "sentence", "client_id", "x"], {}) == {
        "ID": "utt_id", "Audio Path": "audio", "sentence": "text", "client_id": "speaker", "x": "x",
    }  # fmt: skip
    assert renamed(["path", "wav", "text"], {"wav": "audio"}) == {"path": "path", "wav": "audio", "text": "text"}
    assert renamed(["id", "utt_id"], {}) == {"id": "id", "utt_id": "utt_id"}
    assert renamed(["lang"], {"lang": "dialect"}) == {"lang": "dialect"}


def test_a_column_that_could_be_two_is_asked_for():
    with pytest.raises(InvalidInput, match=r"'sentence', 'transcript' could be text.*columns=\{'sentence': 'text'\}"):
        renamed(["id", "sentence", "transcript"], {})
    with pytest.raises(InvalidInput, match="'audio', 'wav' would both be audio"):
        renamed(["audio", "wav"], {"wav": "audio"})


def test_no_name_is_taken_for_two_columns():
    every = [name for names in ALIASES.values() for name in names]
    assert len(set(every)) == len(every)
    assert not set(every) & set(ALIASES)


@pytest.mark.parametrize(
    ("audio", "ids"),
    [
        (["a/x.wav", "b/y.tar.gz"], ["x", "y.tar"]),
        (["a/x.wav", "b/x.wav"], ["a/x.wav", "b/x.wav"]),
        (["https://h/x.wav?Signature=s", "https://u:p@h/y%20z.wav#f"], ["x", "y z"]),
        (["https://h/a%0ab.wav", None], ["a%0ab", None]),
        ([".wav", "/root/of/b/", "/root/of/c/x.wav", "d/x.wav"], [".wav", "b/", "c/x.wav", "d/x.wav"]),
    ],
)  # fmt: skip
def test_ids_are_made_of_names(audio, ids):
    assert made_ids(audio, Path("/root/of"))[0] == ids


def test_ids_of_cuts_have_their_time():
    found, remark = made_ids(["a/x.wav", "a/x.wav", "a/y.wav"], None, [0.0, 2.5, None])
    assert found == ["x-0.000", "x-2.500", "y"]
    assert "second at which it begins" in remark


def test_numbers_are_added_to_what_was_there_before():
    assert numbered(["a", "a", "a#2", "a", None, None]) == ["a", "a#3", "a#2", "a#4", None, None]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["a", "a#2", "a#3", "b", "#2"]), max_size=12))
def test_numbered_ids_differ(ids):
    assert len(set(numbered(ids))) == len(ids)


# JSON lines.


@pytest.mark.parametrize(
    ("table", "rows", "said"),
    [
        ("references", [{"utt_id": "b", "text": "x"}], "line 1: there is no utterance 'b'"),
        ("references", [{"utt_id": "a"}], r'line 1: there is no text \(silence is ""\)'),
        ("references", [{"text": "x"}], "line 1: there is no utt_id"),
        ("references", [{"utt_id": "a", "text": "x"}] * 2, "line 2: line 1 has one of the same utt_id, channel"),
        ("references", [{"utt_id": "a", "text": "x", "channel": "0"}], "channel must be a whole number"),
        ("references", [{"utt_id": "a", "text": "x", "channel": -1}], "channel must be a whole number"),
        ("references", [{"utt_id": "a", "text": "x", "alternative": 1e300}], "alternative must be a whole number"),
        ("references", [{"utt_id": "a", "text": "x", "alternative": True}], "alternative must be a whole number"),
        ("references", [{"utt_id": "a", "text": 7}], "what was said must be text, not 7"),
        ("references", [{"utt_id": "a", "text": "x", "form": 7}], "form must be text"),
        ("references", [[1]], "must be a JSON object"),
        ("terms", [{"utt_id": "a"}], "there is no term"),
        ("terms", [{"utt_id": "b", "term": "x"}], "there is no utterance 'b'"),
        ("segments", [{"segment": "s", "utt_id": "a", "begin_s": 0}], "there is no end_s"),
        ("segments", [{"segment": "s", "utt_id": "a", "begin_s": 2, "end_s": 1}], "ends at 1 s, not after"),
        ("segments", [{"segment": "s", "utt_id": "a", "begin_s": 1, "end_s": 1}], "ends at 1 s, not after"),
        ("segments", [{"segment": "s", "utt_id": "a", "begin_s": -1, "end_s": 1}], "begin_s must be a number of sec"),
        ("segments", [{"segment": "s", "utt_id": "a", "begin_s": 0, "end_s": math.inf}], "end_s must be a number"),
        ("segments", [{"segment": "s", "utt_id": "a", "begin_s": 0, "end_s": math.nan}], "end_s must be a number"),
        ("segments", [{"segment": "", "utt_id": "a", "begin_s": 0, "end_s": 1}], "there is no segment"),
        ("segments", [{"segment": "s", "utt_id": "a", "begin_s": 0, "end_s": 1}] * 2, "line 2: line 1 has one of"),
    ],
)
def test_tables_beside_utterances_are_refused_by_their_line(tmp_path, table, rows, said):
    lines(tmp_path / "utterances.jsonl", [{"utt_id": "a"}])
    file = lines(tmp_path / f"{table}.jsonl", rows)
    with pytest.raises(InvalidInput, match=f"{file}, .*{said}"):
        read(tmp_path)


def test_a_row_of_utterances_may_say_its_text_and_not_twice(tmp_path):
    lines(tmp_path / "utterances.jsonl", [{"utt_id": "a", "text": "x"}])
    lines(tmp_path / "references.jsonl", [{"utt_id": "a", "text": "y", "form": "written"}])
    assert read(tmp_path).references["text"].tolist() == ["x", "y"]
    lines(tmp_path / "references.jsonl", [{"utt_id": "a", "text": "y"}])
    with pytest.raises(InvalidInput, match=r"references.jsonl, line 1: utterances.jsonl has one of the same"):
        read(tmp_path)


def test_the_columns_of_our_own_tables_are_what_they_are_called(tmp_path):
    lines(tmp_path / "utterances.jsonl", [{"utt_id": "a", "sentence": "x", "lang": "en"}])
    ds = read(tmp_path)
    assert ds.utterances[["sentence", "lang"]].to_numpy().tolist() == [["x", "en"]]
    assert ds.utterances["language"].isna().all()
    assert not len(ds.references)


def test_ids_of_all_tables_may_be_numbers(tmp_path):
    lines(tmp_path / "utterances.jsonl", [{"utt_id": 1}])
    lines(tmp_path / "references.jsonl", [{"utt_id": 1, "text": "x"}])
    lines(tmp_path / "segments.jsonl", [{"segment": 2, "utt_id": 1, "begin_s": 0, "end_s": 1, "text": "x"}])
    ds = read(tmp_path)
    assert (ds.references["utt_id"].tolist(), ds.segments["segment"].tolist()) == (["1"], ["2"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"references": "x"}, "references must be a list of objects"),
        ({"references": ["x"]}, "references must be a list of objects"),
        ({"references": [{"form": "spoken"}]}, "there is no text"),
        ({"references": [{"text": "x"}, {"text": "y"}]}, "two references have the same"),
        ({"references": [{"text": "x"}], "text": "y"}, "two references have the same"),
        ({"references": [{"text": "x", "channel": 0.5}]}, "channel must be a whole number"),
        ({"references": [{"text": "x", "utt_id": "b"}]}, "utt_id of another"),
        ({"channel_texts": "x"}, "channel_texts must be a list"),
        ({"channel_texts": [1]}, "what was said must be text, not 1"),
    ],
)
def test_references_in_a_row_are_refused_by_its_line(tmp_path, given, said):
    file = lines(tmp_path / "m.jsonl", [{"id": "z"}, {"id": "a", **given}])
    with pytest.raises(InvalidInput, match=f"{file}, line 2: .*{said}"):
        read(file)


def test_a_row_may_have_several_references(tmp_path):
    said = [{"text": "ten", "form": "spoken"}, {"text": "10", "form": "written", "channel": 1}]
    rows = [{"id": "a", "references": said}, {"id": "b", "channel_texts": ["l", None, ""], "text": "l"}]
    assert read(lines(tmp_path / "m.jsonl", rows)).references.to_numpy().tolist() == [
        ["a", 0, "spoken", 0, "ten"], ["a", 1, "written", 0, "10"],
        ["b", 0, "unstated", 0, "l"], ["b", 2, "unstated", 0, ""],
    ]  # fmt: skip


def test_half_a_surrogate_pair_is_found_wherever_it_stands(tmp_path):
    for row in ('{"id": "a", "tags": ["\\ud800"]}', '{"id": "a", "\\udfff": 1}', '{"id": "\\ud800"}'):
        (tmp_path / "m.jsonl").write_text('{"id": "z"}\n' + row)
        with pytest.raises(InvalidInput, match=r"m.jsonl, line 2: .* holds half a surrogate pair"):
            read(tmp_path / "m.jsonl")
    (tmp_path / "m.jsonl").write_text('{"id": "\\ud83d\\ude00"}')
    assert read(tmp_path / "m.jsonl").utterances["utt_id"].tolist() == ["😀"]


def test_a_line_that_is_not_utf8_is_named(tmp_path):
    (tmp_path / "m.jsonl").write_bytes(b'{"id": "a"}\n\n{"id": "\xff"}\n')
    with pytest.raises(InvalidInput, match="line 3: this is not UTF-8"):
        read(tmp_path / "m.jsonl")


def test_columns_of_rows_are_named_by_the_user(tmp_path):
    file = lines(tmp_path / "m.jsonl", [{"n": "a", "words": "x"}, {"n": "b", "words": "y", "more": 1}])
    ds = read(file, columns={"n": "utt_id", "words": "text"})
    assert ds.references["text"].tolist() == ["x", "y"]
    with pytest.raises(InvalidInput, match=r"no column 'sentence'.*'n', 'words', 'more'"):
        read(file, columns={"n": "utt_id", "sentence": "text"})


def test_a_packed_manifest_is_read(tmp_path):
    rows = b'\xef\xbb\xbf{"id": "a", "text": "x"}\r\n\n{"id": "b"}'
    (tmp_path / "m.jsonl.gz").write_bytes(gzip.compress(rows))
    ds = read(tmp_path / "m.jsonl.gz")
    assert (ds.name, ds.utterances["utt_id"].tolist()) == ("m", ["a", "b"])
    (tmp_path / "m.jsonl.gz").write_bytes(gzip.compress(rows)[:-9])
    with pytest.raises(InvalidInput, match=r"m.jsonl.gz, after line \d: it cannot be unpacked further"):
        read(tmp_path / "m.jsonl.gz")
    with pytest.raises(InvalidInput, match="compressed manifests are only read"):
        write(ds, tmp_path / "n.jsonl.gz", "jsonl")


def test_two_datasets_are_not_mixed_in_a_folder(tmp_path):
    ds = dataset([{"utt_id": "a"}], ["x"])
    write(ds, tmp_path / "d", "tables")
    for name in ("d", "d/utterances.jsonl"):
        with pytest.raises(InvalidInput, match="two datasets are not mixed"):
            write(ds, tmp_path / name, "tables")
    lines(tmp_path / "e" / "terms.jsonl", [])
    with pytest.raises(InvalidInput, match=r"has a terms.jsonl already"):
        write(ds, tmp_path / "e", "tables")


def test_a_file_is_replaced_as_a_whole(tmp_path):
    ds = dataset([{"utt_id": "a"}], ["x"])
    lines(tmp_path / "m.jsonl", [{"id": "old"}])
    bad = dataset([{"utt_id": "b"}, {"utt_id": "c", "when": pd.Timestamp(0)}])
    with pytest.raises(InvalidInput, match="cannot be written as JSON"):
        write(bad, tmp_path / "m.jsonl", "jsonl")
    assert json.loads((tmp_path / "m.jsonl").read_text()) == {"id": "old"}
    assert back(ds, tmp_path / "m.jsonl", "jsonl").utterances["utt_id"].tolist() == ["a"]
    assert [path.name for path in tmp_path.iterdir()] == ["m.jsonl"]


# Tables of text.


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("utt_id,text\na,x\nb\n", "m.csv, line 3: there are 1 fields, and the header has 2"),
        ('utt_id,text\na,"x\ny"\nb,x,y\n', "m.csv, line 4: there are 3 fields"),
        ('utt_id,text\na,"x\ny\nz\n', "m.csv, line 2: this row cannot be read .*unexpected end of data"),
        ('utt_id,text\na,x\nb,"x"y\n', "m.csv, line 3: this row cannot be read"),
        ("utt_id,text\na,x\na,y\n", "m.csv, line 3: the utt_id 'a' is that of line 2 too"),
        ("utt_id,text\na,x\n,y\n", "m.csv, line 3: there is no utt_id"),
        ("utt_id,duration\na,1\nb,\nc,-1\nd,0\n", r"m.csv, line 4: duration_s .* not '-1'.*\(1 more lines"),
        ("utt_id,duration\na,\"1,5\"\n", "line 2: duration_s must be a number of seconds, not '1,5'"),
        ("utt_id,channels\na,1.5\n", "line 2: channels must be a whole number from 1, not '1.5'"),
        ("utt_id,channel_texts\na,x\n", "line 2: channel_texts must be a list"),
        ("utt_id,references\na,x\n", "line 2: references must be a list"),
        ("utt_id,text,text\na,x,y\n", "two columns named 'text'"),
        ("wer,was\na,x\n", r"no column that can be utt_id or audio. Its columns are 'wer', 'was'.*columns=\{'wer':"),
        ("utt_id,text\n", "holds no utterances"),
        ("", "holds no utterances"),
        ("\n\n", "holds no utterances"),
        ("utt_id,te\udcffxt\na,x\n", "m.csv, line 1: this is not UTF-8"),
        ("utt_id,text\na,x\n\nb,\udcff\n", "m.csv, line 4: this is not UTF-8"),
        ("id,utterance_id,text\na,b,x\n", "'id', 'utterance_id' could be utt_id"),
    ],
)  # fmt: skip
def test_a_broken_table_of_text_is_refused_by_its_line(tmp_path, text, said):
    (tmp_path / "m.csv").write_text(text, encoding="utf-8", errors="surrogateescape", newline="")
    with pytest.raises(InvalidInput, match=said):
        read(tmp_path / "m.csv")


def test_common_names_of_columns_are_understood(tmp_path):
    (tmp_path / "m.csv").write_text("path,sentence,locale,client_id,duration,up_votes\nclips/1.mp3,Hi.,en,c1,1.5,02\n")
    ds = read(tmp_path / "m.csv")
    row = ds.utterances.iloc[0]
    assert [row[name] for name in ("utt_id", "audio", "language", "speaker", "duration_s", "up_votes")] == [
        "1", "clips/1.mp3", "en", "c1", 1.5, "02",
    ]  # fmt: skip
    assert ds.references["text"].tolist() == ["Hi."]
    assert ds.remarks == ("There are no ids. The utt_id of each is the name of its file.",)


def test_columns_are_named_by_the_user(tmp_path):
    (tmp_path / "m.tsv").write_text("n\twords\na\tx\n")
    ds = read(tmp_path / "m.tsv", columns={"n": "utt_id", "words": "text"}, language="cy")
    assert (ds.references["text"].tolist(), ds.utterances["language"].tolist()) == (["x"], ["cy"])
    with pytest.raises(InvalidInput, match=r"no column 'word', which columns= names. Its columns are 'n', 'words'"):
        read(tmp_path / "m.tsv", columns={"n": "utt_id", "word": "text"})


def test_another_separator_is_told_by_the_header(tmp_path):
    (tmp_path / "m.csv").write_text("utt_id;text\na;x, y\n")
    ds = read(tmp_path / "m.csv")
    assert ds.references["text"].tolist() == ["x, y"]
    assert ds.remarks == ("Fields are separated by semicolons.",)
    (tmp_path / "m.csv").write_text("utt_id,text\na,x;y\n")
    assert read(tmp_path / "m.csv").references["text"].tolist() == ["x;y"]


def test_a_column_without_a_name_is_left_out(tmp_path):
    pd.DataFrame({"utt_id": ["a"], "text": ["x"]}).to_csv(tmp_path / "m.csv")
    ds = read(tmp_path / "m.csv")
    assert "" not in ds.utterances
    assert ds.remarks == ("Left out: 1 column without a name.",)


def test_line_breaks_and_quotes_stay_in_their_field(tmp_path):
    (tmp_path / "m.csv").write_bytes(
        b'\xef\xbb\xbfutt_id,text,note\r\n a ,"one\r\ntwo\n""three""",""\r\n\r\nNA,null,001\r\n'
    )
    ds = read(tmp_path / "m.csv")
    assert ds.utterances["utt_id"].tolist() == [" a ", "NA"]
    assert ds.references["text"].tolist() == ['one\r\ntwo\n"three"', "null"]
    assert ds.utterances["note"].tolist() == [pd.NA, "001"]


def test_a_long_recording_fits_in_a_field(tmp_path):
    said = "word " * 200_000
    ds = dataset([{"utt_id": "a"}], [said])
    assert back(ds, tmp_path / "m.csv", "csv").references["text"].tolist() == [said]


# Frames and Parquet.


FRAMES = {
    "no id": ({"utt_id": ["a", None]}, "row 2: there is no utt_id"),
    "empty id": ({"utt_id": ["a", ""]}, "row 2: there is no utt_id"),
    "twice": ({"utt_id": ["a", "b", "a"]}, "row 3: the utt_id 'a' is that of row 1 too"),
    "negative": ({"utt_id": ["a", "b"], "duration_s": [1.0, -1.0]}, "row 2: duration_s must be a number of sec"),
    "infinite": ({"utt_id": ["a", "b"], "duration_s": [1.0, math.inf]}, "row 2: duration_s must be"),
    "a date": ({"utt_id": ["a"], "duration_s": [pd.Timedelta("1s")]}, "row 1: duration_s must be"),
    "no number": ({"utt_id": ["a", "b"], "duration_s": ["1.5", "long"]}, "row 2: duration_s must be .*not 'long'"),
    "channels": ({"utt_id": ["a", "b"], "channels": [1, 0]}, "row 2: channels must be a whole number from 1, not 0"),
    "half channels": ({"utt_id": ["a", "b"], "channels": [1, 1.5]}, "row 2: channels must be a whole number"),
    "many channels": ({"utt_id": ["a"], "channels": [1e300]}, "row 1: channels must be a whole number"),
    "a number": ({"utt_id": ["a", "b"], "audio": [None, 5]}, "row 2: audio must be text, not 5.0"),
    "numbers": ({"utt_id": ["a", "b"], "text": [None, 5.0]}, "row 2: text must be text, not 5.0"),
    "float ids": ({"utt_id": [1.0, 2.0]}, "row 1: utt_id must be text, not 1.0"),
    "no text": ({"utt_id": ["a", "b"], "language": ["en", b"en"]}, "language"),
    "no list": ({"utt_id": ["a", "b"], "channel_texts": [None, "x"]}, "row 2: channel_texts must be a list"),
    "references": ({"utt_id": ["a", "b"], "references": [None, [{"form": "x"}]]}, "row 2: there is no text"),
    "nothing": ({"utt_id": []}, "holds no utterances"),
    "no ids": ({"x": ["a"]}, "no column that can be utt_id or audio"),
}  # fmt: skip


@pytest.mark.parametrize("case", FRAMES)
def test_a_bad_row_of_a_frame_is_named(case):
    rows, said = FRAMES[case]
    with pytest.raises(InvalidInput, match=f"The frame.*{said}"):
        read(pd.DataFrame(rows))


@pytest.mark.parametrize("case", FRAMES)
def test_a_bad_row_of_parquet_is_named(tmp_path, case):
    rows, said = FRAMES[case]
    try:
        table = pa.Table.from_pandas(pd.DataFrame(rows))
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        pytest.skip("Parquet cannot hold this")
    pq.write_table(table, tmp_path / "m.parquet")
    with pytest.raises(InvalidInput, match=f"m.parquet.*{said}"):
        read(tmp_path / "m.parquet")


@pytest.mark.parametrize("dtype", [object, "string[python]"])
@pytest.mark.parametrize("name", ["utt_id", "text", "note"])
def test_half_a_surrogate_pair_in_a_frame_is_named(name, dtype):
    frame = pd.DataFrame({"utt_id": ["a", "b"]}, dtype=object)
    frame[name] = pd.Series(["a", "\ud800"], dtype=dtype)
    with pytest.raises(InvalidInput, match=f"row 2: {name} holds half a surrogate pair"):
        read(frame)


def test_a_frame_is_taken_as_it_is(tmp_path):
    frame = pd.DataFrame(
        {
            "path": ["a/1.wav", "a/2.wav", "a/3.wav"],
            "text": ["x", "", None],
            "lang": pd.Categorical(["en", None, "en"]),
            "duration": [1, np.nan, 2.5],
            "take": np.array([1, 2, 3], "int32"),
            "good": [True, None, False],
            "level": np.array([1, 2, 3], "float32"),
            "when": pd.to_datetime(["2026-01-01"] * 3),
            "tags": [["x"], None, []],
        },
        index=pd.Index([7, 8, 9], name="speaker"),
    )
    before = frame.copy(deep=True)
    ds = read(frame, audio_root=tmp_path)
    pd.testing.assert_frame_equal(frame, before)
    assert ds.utterances["utt_id"].tolist() == ["1", "2", "3"]
    assert ds.utterances["speaker"].tolist() == ["7", "8", "9"]
    assert ds.utterances["language"].tolist() == ["en", pd.NA, "en"]
    assert ds.utterances["duration_s"].tolist() == [1.0, pd.NA, 2.5]
    assert ds.utterances["tags"].tolist() == [["x"], None, []]
    assert {name: str(ds.utterances[name].dtype) for name in ("take", "good", "level")} == {
        "take": "Int64", "good": "boolean", "level": "Float64",
    }  # fmt: skip
    assert ds.references[["utt_id", "text"]].to_numpy().tolist() == [["1", "x"], ["2", ""]]


def test_ids_of_a_frame_may_be_whole_numbers():
    assert read(pd.DataFrame({"utt_id": [1, 20]})).utterances["utt_id"].tolist() == ["1", "20"]
    assert read(pd.DataFrame({"utt_id": ["01", 20]})).utterances["utt_id"].tolist() == ["01", "20"]


def test_the_index_of_a_frame_does_not_matter():
    ds = read(pd.DataFrame({"utt_id": ["a", "b"], "text": ["x", "y"], "n": [1, 2]}, index=[7, 7]))
    assert ds.references[["utt_id", "text"]].to_numpy().tolist() == [["a", "x"], ["b", "y"]]
    assert ds.utterances["n"].tolist() == [1, 2]
    assert read(pd.DataFrame({"audio": ["a.wav", "b.wav"]}, index=[7, 8])).utterances["utt_id"].tolist() == ["a", "b"]


def test_two_columns_of_one_name_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match="two columns named"):
        read(pd.DataFrame([["a", "b"]], columns=["utt_id", "utt_id"]))
    with pytest.raises(InvalidInput, match="two columns named"):
        read(pd.DataFrame([["a", "b", "c"]], columns=["utt_id", 1, "1"]))
    pq.write_table(pa.table([["a"], ["b"]], names=["utt_id", "utt_id"]), tmp_path / "m.parquet")
    with pytest.raises(InvalidInput, match="two columns of one name"):
        read(tmp_path / "m.parquet")


def test_lists_and_structs_of_parquet_are_read(tmp_path):
    said = [[{"text": "ten", "form": "spoken"}, {"text": "10", "form": "written"}], None, []]
    table = pa.table({
        "utt_id": ["a", "b", "c"], "references": said, "channel_texts": [None, ["l", None, "r"], None],
        "text": [None, "l r", ""], "meta": [{"x": 1}, None, {"x": 2}], "tags": [["p", "q"], None, []],
    })  # fmt: skip
    pq.write_table(table, tmp_path / "m.parquet")
    ds = read(tmp_path / "m.parquet")
    assert ds.references.to_numpy().tolist() == [
        ["a", 0, "spoken", 0, "ten"], ["a", 0, "written", 0, "10"],
        ["b", 0, "unstated", 0, "l"], ["b", 2, "unstated", 0, "r"], ["c", 0, "unstated", 0, ""],
    ]  # fmt: skip
    assert ds.utterances["tags"].tolist() == [["p", "q"], None, []]
    assert ds.utterances["meta"].tolist() == [{"x": 1}, None, {"x": 2}]
    again = read(pd.read_parquet(tmp_path / "m.parquet"))
    assert again.references.equals(ds.references)


def test_nan_is_no_length_and_null_is_none(tmp_path):
    lengths = pa.array([1.0, None, math.nan])
    pq.write_table(pa.table({"utt_id": ["a", "b", "c"], "duration": lengths}), tmp_path / "m.parquet")
    with pytest.raises(InvalidInput, match=r"m.parquet, row 3: duration_s is NaN"):
        read(tmp_path / "m.parquet")
    pq.write_table(pa.table({"utt_id": ["a", "b"], "duration": lengths[:2]}), tmp_path / "m.parquet")
    assert read(tmp_path / "m.parquet").utterances["duration_s"].tolist() == [1.0, pd.NA]


@pytest.mark.parametrize("broken", [b"\xff", "\ud800".encode("utf-8", "surrogatepass")])
def test_text_of_parquet_that_is_not_utf8_is_named(tmp_path, broken):
    ids = [b"%d" % n for n in range(999)] + [broken]
    text = pa.array(ids, pa.binary()).view(pa.string())
    pq.write_table(pa.table({"utt_id": pa.array(map(str, range(1000))), "note": text}), tmp_path / "m.parquet")
    with pytest.raises(InvalidInput, match=r"m.parquet, row 1000: note is not UTF-8"):
        read(tmp_path / "m.parquet")
    nested = pa.ListArray.from_arrays(list(range(1001)), text)
    pq.write_table(pa.table({"utt_id": pa.array(map(str, range(1000))), "tags": nested}), tmp_path / "m.parquet")
    with pytest.raises(InvalidInput, match=r"m.parquet, row 1000: tags is not UTF-8"):
        read(tmp_path / "m.parquet")


def test_parquet_that_is_none_is_said(tmp_path):
    (tmp_path / "m.parquet").write_bytes(b"PAR1 but no more")
    with pytest.raises(InvalidInput, match=r"m.parquet cannot be read as Parquet"):
        read(tmp_path / "m.parquet")


def test_parquet_with_the_audio_in_it_is_read_otherwise(tmp_path):
    audio = pa.array([{"bytes": b"RIFF", "path": "a.wav"}])
    pq.write_table(pa.table({"audio": audio, "text": ["x"]}), tmp_path / "m.parquet")
    with pytest.raises(InvalidInput, match=r'holds the audio itself.*format="huggingface"'):
        read(tmp_path / "m.parquet", format="parquet")


def test_what_comes_out_of_parquet_is_bounded(tmp_path, monkeypatch):
    same = pa.array(["x" * 1000]).take(pa.array([0] * 100_000))
    pq.write_table(pa.table({"utt_id": same, "text": same}), tmp_path / "m.parquet")
    assert (tmp_path / "m.parquet").stat().st_size < 100_000
    monkeypatch.setattr("asrlab.data.manifests.parquet._LARGEST", 10_000_000)
    with pytest.raises(InvalidInput, match="more than 10,000,000 bytes come out of it"):
        read(tmp_path / "m.parquet")


def test_what_parquet_cannot_hold_is_refused(tmp_path):
    ds = dataset([{"utt_id": "a", "meta": {"x": 1}}, {"utt_id": "b", "meta": {"y": 1}}])
    for bad, said in (
        (ds, "'meta', whose values are not all of one kind"),
        (dataset([{"utt_id": "a", "meta": [1]}, {"utt_id": "b", "meta": "x"}]), "cannot hold the column 'meta'"),
    ):
        with pytest.raises(InvalidInput, match=said):
            write(bad, tmp_path / "m.parquet", "parquet")
    assert list(tmp_path.iterdir()) == []


def test_many_rows_load_quickly():
    n = 200_000
    ids = pd.Series(np.arange(n)).astype(str)
    frame = pd.DataFrame({"utt_id": ids, "audio": "a/" + ids, "text": ids, "duration_s": 1.0, "speaker": "s" + ids})
    begun = time.process_time()
    utterances = format_named("frame").read(frame, Options()).utterances
    assert len(utterances) == n
    assert time.process_time() - begun < 3  # 0.4 s; a look at each row in Python takes 10


# NeMo.


def test_a_nemo_manifest_is_read(tmp_path):
    rows = [
        {"audio_filepath": str(tmp_path / "a/1.wav"), "duration": 3.5, "text": "hi", "lang": "en", "pred_text": "high"},
        {"audio_filepath": "a/2.wav", "duration": 2, "text": "-", "offset": 0, "label": "infer"},
        {"audio_filename": "a/3.wav", "duration": None, "normalized_text": "drei", "source_lang": "de"},
        {"audio_filepath": "a/4.wav", "duration": 1, "text": "four", "source_lang": "de", "target_lang": "en"},
        {"audio_filepath": "a/5.wav", "duration": 1, "text": "", "source_lang": "de", "target_lang": "de"},
    ]
    file = lines(tmp_path / "train_manifest.json", rows)
    ds = read(file)
    assert ds.read_as == "nemo"
    assert ds.utterances["utt_id"].tolist() == ["1", "2", "3", "4", "5"]
    assert ds.utterances["audio"].tolist() == [f"a/{n}.wav" for n in range(1, 6)]
    assert ds.utterances["language"].tolist() == ["en", pd.NA, "de", "de", "de"]
    assert ds.utterances["pred_text"].tolist() == ["high", *[pd.NA] * 4]
    assert "begin_s" not in ds.utterances
    assert ds.references[["utt_id", "text"]].to_numpy().tolist() == [["1", "hi"], ["3", "drei"], ["5", ""]]
    assert tables_of(back(ds, tmp_path / "again_manifest.json", "nemo")) == tables_of(ds)
    assert ds.remarks == (
        '1 texts are "-", which is none.',
        "1 texts are translations and were left out.",
        "There are no ids. The utt_id of each is the name of its file.",
    )


def test_rows_of_nemo_with_offsets_are_cuts(tmp_path):
    rows = [{"audio_filepath": "a.wav", "offset": at, "duration": 0.1, "text": "x"} for at in (0, 0.2, 0.2)]
    ds = read(lines(tmp_path / "m.json", [*rows, {"audio_filepath": "b.wav", "duration": 7}]))
    assert ds.utterances["utt_id"].tolist() == ["a-0.000", "a-0.200", "a-0.200#2", "b"]
    assert ds.utterances["begin_s"].tolist() == [0, 0.2, 0.2, pd.NA]
    assert ds.utterances["end_s"].tolist() == [0.1, 0.3, 0.3, pd.NA]
    assert ds.utterances["duration_s"].tolist() == [0.1, 0.1, 0.1, 7]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "x"}, "there is no audio_filepath"),
        ({"audio_filepath": ["l.wav", "r.wav"]}, "audio_filepath must be text"),
        ({"audio_filepath": "a.wav", "offset": -1}, "offset must be a number of seconds from 0, not -1"),
        ({"audio_filepath": "a.wav", "offset": "1"}, "offset must be"),
        ({"audio_filepath": "a.wav", "duration": 0}, "duration must be a number of seconds, not 0"),
        ({"audio_filepath": "a.wav", "duration": "x"}, "duration must be a number of seconds, not 'x'"),
        ({"audio_filepath": "a.wav", "duration": "x", "offset": 1}, "duration must be a number of seconds, not 'x'"),
        ({"audio_filepath": "a.wav", "text": 5}, "text"),
    ],
)
def test_a_bad_row_of_nemo_is_named(tmp_path, row, said):
    file = lines(tmp_path / "m.json", [{"audio_filepath": "z.wav"}, row])
    with pytest.raises(InvalidInput, match=f"m.json, line 2: .*{said}"):
        read(file)


@pytest.mark.parametrize(
    ("name", "row", "known_as"),
    [
        ("m.json", {"audio_filepath": "a.wav"}, "nemo"),
        ("m.jsonl", {"audio_filepath": "a.wav", "text": "x"}, "nemo"),
        ("m.jsonl", {"audio_filepath": "a.wav", "utt_id": "a"}, "nemo"),
        ("m.jsonl", {"audio_filepath": "a.wav", "id": "a"}, "jsonl"),
        ("m.jsonl", {"audio": "a.wav", "id": "a"}, "jsonl"),
        ("m.jsonl", {"input": {"file_url": "https://h/a.wav"}}, "urls"),
        ("m.jsonl", {"model": "x", "input": {"file_urls": ["https://h/a.wav"]}}, "urls"),
    ],
)
def test_json_lines_are_told_apart(tmp_path, name, row, known_as):
    assert recognise(lines(tmp_path / name, [row])).name == known_as


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"utt_id": "a"}], "utterances without audio"),
        ([{"utt_id": "a", "audio": "a.wav", "channel": 1}], "one channel of a file"),
        ([{"utt_id": "a", "audio": "a.wav", "offset": 1}], "column 'offset'"),
        ([{"utt_id": "a", "audio": "a.wav", "audio_filepath": "b.wav"}], "column 'audio_filepath'"),
        ([{"utt_id": "a", "audio": "a.wav", "begin_s": 0.0, "end_s": 1.0}], "a cut, where all begin at 0 s"),
        ([{"utt_id": "a", "audio": "a.wav", "language": "de", "target_lang": "en"}], "a text in another language"),
    ],
)
def test_what_nemo_cannot_hold_is_refused(tmp_path, rows, said):
    with pytest.raises(InvalidInput, match=f"A NeMo manifest cannot hold {said if 'col' not in said else 'a ' + said}"):
        write(dataset(rows, ["x"]), tmp_path / "m.json", "nemo")
    with pytest.raises(InvalidInput, match="cannot hold the text '-'"):
        write(dataset([{"utt_id": "a", "audio": "a.wav"}], ["-"]), tmp_path / "m.json", "nemo")
    assert list(tmp_path.iterdir()) == []


def test_a_language_that_is_not_known_stays_so_in_nemo(tmp_path):
    ds = dataset(
        [
            {"utt_id": n, "audio": f"{n}.wav", "language": code, "source_lang": "de"}
            for n, code in (("a", None), ("b", "en"))
        ]
    )
    assert tables_of(back(ds, tmp_path / "m.json", "nemo")) == tables_of(ds)


# Links.

SIGNED = "https://user:pass@h.com/b/{}?x=1&Signature=SECRET&Expires=9"


def test_a_list_of_links_is_read(tmp_path):
    (tmp_path / "calls.txt").write_text(
        f"# calls\n\n  {SIGNED.format('one.wav')}\noss://bucket/b/one.mp3\nhttps://h/%E4%BA%8C.wav\nHTTP://h/get?id=1\n"
    )
    ds = read(tmp_path / "calls.txt")
    assert ds.name == "calls"
    assert ds.utterances["utt_id"].tolist() == [
        "https://h.com/b/one.wav", "oss://bucket/b/one.mp3", "https://h/二.wav", "http://h/get",
    ]  # fmt: skip
    assert ds.utterances["audio"].tolist()[0] == SIGNED.format("one.wav")
    assert not ds.references.size
    for shown in (repr(ds), *ds.remarks, *ds.utterances["utt_id"]):
        assert "SECRET" not in shown
        assert "pass" not in shown


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.json", ["https://h/a.wav", "https://h/b.wav"]),
        ("m.json", {"model": "m", "input": {"file_urls": ["https://h/a.wav", "https://h/b.wav"]}}),
        ("m.json", [{"input": {"file_url": "https://h/a.wav"}}, {"input": {"file_url": "https://h/b.wav"}}]),
    ],
)
def test_links_in_json_are_read(tmp_path, name, content):
    (tmp_path / name).write_text(json.dumps(content, indent=1))
    ds = read(tmp_path / name)
    assert ds.read_as == "urls"
    assert ds.utterances["utt_id"].tolist() == ["a", "b"]
    assert ds.utterances["audio"].tolist() == ["https://h/a.wav", "https://h/b.wav"]


def test_bodies_say_the_language(tmp_path):
    bodies = [
        {"model": "m", "input": {"file_url": "https://h/a.wav"}, "parameters": {"language": "de", "enable_itn": True}},
        {"model": "m", "input": {"file_url": "https://h/b.wav"}},
    ]
    ds = read(lines(tmp_path / "m.jsonl", bodies))
    assert ds.utterances["language"].tolist() == ["de", pd.NA]
    assert ds.remarks[1] == "2 bodies have a model or parameters: no part of a dataset, but of a grid."


def test_a_list_in_python_is_read():
    ds = read(["https://h/a.wav", "https://h/a.wav", "https://h/c/a.wav"], language="en")
    assert ds.utterances["utt_id"].tolist() == ["https://h/a.wav", "https://h/a.wav#2", "https://h/c/a.wav"]
    assert ds.utterances["language"].tolist() == ["en"] * 3


@pytest.mark.parametrize(
    "wrong",
    ["ftp://h/SECRET", "htps://h/a?Signature=SECRET", "SECRET", "https://", "https://h/SECRET a", "http://[SECRET"],
)
def test_what_is_no_link_is_refused_and_not_shown(tmp_path, wrong):
    for source, said in (
        (["https://h/a", wrong], "The list, item 2"),
        (lines(tmp_path / "m.jsonl", [{"input": {"file_url": link}} for link in ("https://h/a", wrong)]), "line 2"),
    ):
        with pytest.raises(InvalidInput, match=f"{said}: this is no http, https or oss link") as caught:
            read(source)
        assert "SECRET" not in str(caught.value)
    (tmp_path / "m.txt").write_text(f"https://h/a\n#\n{wrong}\n")
    with pytest.raises(InvalidInput, match=r"m.txt, line 3: this is no http") as caught:
        read(tmp_path / "m.txt")
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('["https://h/a?Signature=SECRET",\n "x"', "line 2: this is not JSON"),
        ('["https://h/a", 5]', "item 2: this is no http"),
        ('[{"input": {"file_url": "https://h/a"}}, {"input": {}}]', "item 2: this is no http"),
        ('[{"input": {"file_url": "https://h/a"}}, {"model": "m"}]', "item 2: there is no link"),
        ('{"input": {"file_urls": []}}', "item 1: there is no link"),
        ('[{"input": {"file_url": "https://h/a"}, "parameters": {"language": 5}}]', "item 1: language must be text"),
    ],
)
def test_broken_batches_are_refused(tmp_path, content, said):
    (tmp_path / "m.json").write_text(content)
    with pytest.raises(InvalidInput, match=f"m.json, {said}") as caught:
        read(tmp_path / "m.json", format="urls")
    assert "SECRET" not in str(caught.value)


def test_links_are_written_one_a_line(tmp_path):
    links = [SIGNED.format("a.wav"), "oss://b/c.wav"]
    ds = read(links)
    assert write(ds, tmp_path / "m.txt", "urls").read_text() == "".join(f"{link}\n" for link in links)
    assert tables_of(read(tmp_path / "m.txt")) == tables_of(ds)
    for row, said in (
        ({"audio": "a.wav"}, "no http"),
        ({"audio": "s3://b/a.wav"}, "no http"),
        ({"audio": None}, "no http"),
        ({"audio": links[0], "begin_s": 1.0}, "parts of files"),
        ({"audio": links[0], "channel": 1}, "parts of files"),
    ):
        with pytest.raises(InvalidInput, match=said) as caught:
            write(dataset([{"utt_id": "u", **row}]), tmp_path / "n.txt", "urls")
        assert "SECRET" not in str(caught.value)
    assert not (tmp_path / "n.txt").exists()


# What is written is read as it was.

HOSTILE = [
    "null", "NA", "nan", "None", "True", "001", "1e5", "-0", "1_000", "inf", '"', '""', "'", ",", ";", "\t", "\n", "\r",
    "\r\n", " a ", "a,b", 'say "hi"', "\ufeff", "\ufeffa", "شكرا", "\u202eevil\u202c", "👩‍👩‍👧",
    "é", "e\u0301", "#x", "=1+1", "\\", "\\n",
    "{}", "[1]", "\0", "\x1f", "\u2028", "\x85", "utt_id", "a/../b", "𝒳",
]  # fmt: skip
TEXT = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    st.builds("".join, st.lists(st.sampled_from(HOSTILE), max_size=4)),
)
SOME = TEXT.filter(bool)
KNOWN = {"text", "references", "channel_texts", "form", "begin_s", "end_s", "channel", "parts", "gap_s", *ALIASES}
NAME = SOME.filter(lambda name: name not in KNOWN | SCHEMAS["utterances"].keys() and name.strip())
AUDIO = st.one_of(st.none(), st.text(string.ascii_letters + "äß漢 ,;'\"", min_size=1, max_size=8))
SECONDS = st.one_of(st.none(), st.floats(1e-3, 1e6), st.integers(1, 10**6).map(float))


@st.composite
def hostile_sets(draw, texts, values, further=NAME):
    """Datasets of one text each, or none, with further columns of text."""
    ids = draw(st.lists(SOME, min_size=1, max_size=5, unique=True))
    frame = pd.DataFrame({"utt_id": pd.array(ids, dtype="string")})
    each = st.lists  # a value a row

    def column(values):
        return draw(each(values, min_size=len(ids), max_size=len(ids)))

    frame["audio"] = pd.array(column(AUDIO), dtype="string")
    frame["duration_s"] = pd.array(column(SECONDS), dtype="Float64")
    frame["language"] = pd.array(column(st.one_of(st.none(), SOME)), dtype="string")
    frame["speaker"] = pd.array(column(st.one_of(st.none(), SOME)), dtype="string")
    for name in draw(st.lists(further, max_size=2, unique=True)):
        if name not in frame and renamed([*ALIASES, name], {})[name] == name:
            kept = column(values)
            frame[name] = pd.Series(kept if any(one is not None for one in kept) else ["x"] * len(ids), dtype="string")
    said = column(texts)
    references = pd.DataFrame({"utt_id": frame["utt_id"], "text": pd.array(said, dtype="string")}).dropna()
    return Dataset("hostile", frame, references)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch")


@pytest.mark.parametrize("name", ["csv", "tsv"])
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_tables_of_text_keep_hostile_text(scratch, name, data):
    ds = data.draw(hostile_sets(st.one_of(st.none(), SOME), st.one_of(st.none(), SOME)))
    assert tables_of(back(ds, scratch / f"m.{name}", name)) == tables_of(ds)


@pytest.mark.parametrize("name", ["jsonl", "parquet", "frame"])
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_typed_formats_keep_hostile_text(scratch, name, data):
    ds = data.draw(hostile_sets(st.one_of(st.none(), TEXT), st.one_of(st.none(), TEXT), SOME.filter(
        lambda one: one not in ("text", "references", "channel_texts", *ALIASES) and one[:7] != "__index"
    )))  # fmt: skip
    again = read(frame_of(ds, "A frame"), format="frame") if name == "frame" else back(ds, scratch / f"m.{name}", name)
    assert tables_of(again) == tables_of(ds)


NUMBERS = st.one_of(st.none(), st.integers(-(2**53), 2**53))


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_folder_keeps_all_there_is(tmp_path_factory, data):
    ds = data.draw(hostile_sets(st.none(), st.one_of(st.none(), TEXT)))
    ids = ds.utterances["utt_id"].tolist()
    said = data.draw(st.lists(st.tuples(st.sampled_from(ids), st.integers(0, 3), SOME, st.integers(0, 3), TEXT),
                              unique_by=lambda one: one[:4], max_size=6))  # fmt: skip
    references = pd.DataFrame(said, columns=["utt_id", "channel", "form", "alternative", "text"])
    terms = data.draw(st.lists(st.tuples(st.sampled_from([None, *ids]), SOME, st.none() | SOME), max_size=3))
    times = st.tuples(st.floats(0, 1e4), st.floats(1e-3, 1e3)).map(lambda pair: (pair[0], pair[0] + pair[1]))
    cuts = data.draw(st.lists(st.tuples(SOME, st.sampled_from(ids), times, st.none() | SOME, st.none() | TEXT),
                              unique_by=lambda one: one[0], max_size=4))  # fmt: skip
    segments = pd.DataFrame(
        [(name, utt_id, 0, *at, speaker, text) for name, utt_id, at, speaker, text in cuts],
        columns=["segment", "utt_id", "channel", "begin_s", "end_s", "speaker", "text"],
    )
    numbers = data.draw(st.lists(NUMBERS, min_size=len(ids), max_size=len(ids)).filter(any))
    utterances = ds.utterances.assign(
        number=pd.array(numbers, dtype="Int64"), meta=pd.Series([{"a": [1, None]}] * len(ids), dtype=object)
    )
    whole = Dataset("d", utterances, references, pd.DataFrame(terms, columns=["utt_id", "term", "role"]),
                    segments=segments)  # fmt: skip
    folder = tmp_path_factory.mktemp("folders") / "d"
    assert tables_of(back(whole, folder, "tables")) == tables_of(whole)


@pytest.mark.parametrize("name", ["tables", "jsonl", "csv", "tsv", "parquet", "nemo"])
def test_a_column_that_could_be_ours_stays_what_it_is(tmp_path, name):
    row = {"utt_id": "a", "audio": "a.wav", "path": "p", "locale": "l", "sentence": "s", "client_id": "c", "key": "k"}
    ds = dataset([row])
    again = back(
        ds, tmp_path / f"m{'' if name == 'tables' else '.x'}" if name != "jsonl" else tmp_path / "m.jsonl", name
    )
    assert tables_of(again) == tables_of(ds)


@pytest.mark.parametrize("name", ["jsonl", "parquet"])
def test_a_manifest_holds_all_references_and_further_values(tmp_path, name):
    utterances = pd.DataFrame({
        "utt_id": ["a", "b", "c"], "audio": ["a.wav", None, "c.wav"], "channels": [2, None, 1], "take": [1, 2, None],
        "level": [0.1, 1e-300, None], "good": [True, None, False], "tags": [["x", "y"], None, []],
        "begin_s": [0.1, None, 2], "end_s": [0.3, None, 3.3], "channel": [1, None, 0],
        "meta": [{"x": 1}, None, {"x": None}],
    }).astype({"take": "Int64", "level": "Float64", "good": "boolean", "channel": "Int64"})  # fmt: skip
    references = pd.DataFrame({
        "utt_id": ["a", "a", "a", "b"], "channel": [0, 1, 1, 0], "form": ["spoken", "spoken", "written", "unstated"],
        "alternative": [0, 0, 2, 0], "text": ["ten", "", "10", "x"], "by": ["me", None, None, None],
    })  # fmt: skip
    ds = Dataset("d", utterances, references)
    again = back(ds, tmp_path / f"m.{name}", name)
    assert tables_of(again) == tables_of(ds)
    same = [column for column in ds.utterances if ds.utterances[column].notna().any()]
    assert again.utterances[same].dtypes.to_dict() == ds.utterances[same].dtypes.to_dict()


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_nemo_keeps_hostile_text(scratch, data):
    ds = data.draw(
        hostile_sets(st.one_of(st.none(), TEXT.filter(lambda text: text != "-")), st.one_of(st.none(), TEXT))
    )
    utterances = ds.utterances.assign(audio=[f"{n}.wav" for n in range(len(ds))])
    begin = data.draw(st.lists(st.none() | st.integers(0, 10**9), min_size=len(ds), max_size=len(ds)))
    if any(begin):
        length = data.draw(st.lists(st.integers(1, 10**9), min_size=len(ds), max_size=len(ds)))
        cuts = [(None, None, None) if at is None else (at / 1e6, (at + for_s) / 1e6, for_s / 1e6)
                for at, for_s in zip(begin, length, strict=True)]  # fmt: skip
        for place, name in enumerate(("begin_s", "end_s", "duration_s")):
            utterances[name] = pd.array([cut[place] for cut in cuts], dtype="Float64")
    ds = Dataset(
        "d", utterances.drop(columns={"offset", "normalized_text", "target_lang"} & set(utterances)), ds.references
    )
    assert tables_of(back(ds, scratch / "m.json", "nemo")) == tables_of(ds)


@pytest.mark.parametrize("name", ["csv", "tsv", "nemo"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"references": {"utt_id": ["a", "b"], "text": ["x", "y"], "form": ["spoken", "written"]}},
         r"one form, and d has spoken, written. Choose one: dataset.select\(form='spoken'\)"),
        ({"references": {"utt_id": ["a"], "text": ["x"], "form": ["spoken"]}, "form": ["x", "y"]}, "taken for spoken"),
        ({"form": ["spoken", "y"]}, "taken for the form of what was said"),
        ({"references": {"utt_id": ["b"], "text": ["x"], "channel": [1]}}, "several channels .1 utterance: 'b'"),
        ({"references": {"utt_id": ["a", "a"], "text": ["x", "y"], "alternative": [0, 1]}},
         "alternatives of a text .1 utterance: 'a'"),
        ({"references": {"utt_id": ["a"], "text": ["x"], "by": ["me"]}}, "'by', a further column of references"),
        ({"terms": {"utt_id": ["a"], "term": ["x"], "role": ["present"]}}, "cannot hold terms, .*tables.*dataset.bare"),
        ({"segments": {"segment": ["s"], "utt_id": ["a"], "begin_s": [0.0], "end_s": [1.0], "text": [None]}}, "segm"),
        ({"text": ["x", "y"]}, "column 'text' .*taken for what was said"),
        ({"license": ["x", "y"]}, "column 'license' .*read as licence"),
    ],
)  # fmt: skip
def test_what_one_text_a_recording_cannot_say_is_refused(tmp_path, name, change, said):
    utterances = {"utt_id": ["a", "b"], "audio": ["a.wav", "b.wav"]}
    tables = {table: pd.DataFrame(rows) for table, rows in change.items() if isinstance(rows, dict)}
    further = {column: rows for column, rows in change.items() if isinstance(rows, list)}
    ds = Dataset("d", pd.DataFrame({**utterances, **further}), **tables)
    with pytest.raises(InvalidInput, match=said):
        write(ds, tmp_path / "m.x", name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["csv", "tsv"])
def test_what_text_cannot_say_is_refused(tmp_path, name):
    for bad, said in (
        (
            dataset([{"utt_id": "a"}, {"utt_id": "b"}], ["x", ""]),
            r"an empty text \(1 utterance: 'b'\). Write it with format=.tables.",
        ),
        (dataset([{"utt_id": "a", "note": ""}]), "an empty note"),
        (dataset([{"utt_id": "a", "tags": ["x"]}]), "values of the column 'tags' that are no text or number .*bare"),
        (dataset([{"utt_id": "a", "when": pd.Timestamp(0)}]), "values of the column 'when' that are no text or number"),
        (dataset([{"utt_id": "a", " ": "x"}]), "a column without a name"),
    ):
        with pytest.raises(InvalidInput, match=said):
            write(bad, tmp_path / f"m.{name}", name)
    assert list(tmp_path.iterdir()) == []


def test_csv_is_what_the_library_of_python_and_pandas_read(tmp_path):
    ds = dataset([{"utt_id": "a,1", "note": 'say "hi"\nthere', "old": "a\rb"}], ["x\ty"])
    text = write(ds, tmp_path / "m.csv", "csv").read_bytes().decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [rows[0][name] for name in ("utt_id", "note", "old", "text")] == ["a,1", 'say "hi"\nthere', "a\rb", "x\ty"]
    assert pd.read_csv(tmp_path / "m.csv")["note"].tolist() == ['say "hi"\nthere']


# Whatever is read, it is a dataset or it is refused.

READERS = {
    "jsonl": ".jsonl", "csv": ".csv", "tsv": ".tsv", "nemo": ".json", "urls": ".json", "parquet": ".parquet",
}  # fmt: skip
ODD = st.sampled_from(["https://h/a", 10**400, -(2**63), 2**63, -1, 0.5, [], {}, [None], "0", True, math.nan, math.inf])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
SAID = st.fixed_dictionaries({}, optional={
    "text": TEXT | JSON, "channel": ODD | st.integers(0, 2), "form": TEXT | ODD, "alternative": ODD | st.integers(0, 2),
    "utt_id": TEXT, "by": JSON,
})  # fmt: skip
LINK = st.sampled_from(["https://h/a", "oss://b/c", "x"])
ROW = st.fixed_dictionaries({}, optional={
    "utt_id": TEXT | ODD, "id": TEXT, "audio": AUDIO | ODD, "audio_filepath": AUDIO | ODD, "text": TEXT | ODD,
    "references": st.lists(SAID, max_size=3) | JSON, "channel_texts": st.lists(TEXT | ODD, max_size=3) | JSON,
    "duration": st.floats(0.1, 9) | ODD, "offset": st.floats(0, 9) | ODD, "channels": st.integers(1, 2) | ODD,
    "tags": JSON, "digest": TEXT | ODD, "sha256": TEXT | ODD, "begin_s": ODD, "end_s": ODD, "channel": ODD,
    "language": TEXT | ODD, "speaker": TEXT | ODD, "parameters": JSON, "x": JSON,
    "input": st.fixed_dictionaries({}, optional={"file_url": LINK | ODD, "file_urls": st.lists(LINK | JSON) | JSON}),
})  # fmt: skip
ROWS = st.lists(ROW, min_size=1, max_size=3) | st.lists(JSON, min_size=1, max_size=3)


def taken_or_refused(path, name):
    """Read something that may be anything: what comes is a dataset, or it is said what is wrong."""
    assert isinstance(format_named(name).recognises(path), bool)
    try:
        found = load_dataset(path, format=name)
    except InvalidInput as error:
        return str(error)
    assert len(found) > 0
    assert found.utterances["utt_id"].is_unique
    return None


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=40, deadline=None)
@given(content=st.binary(max_size=200) | TEXT.map(str.encode))
@example(b"\xef\xbb\xbf")
@example(b'"')
@example(b"utt_id\n\0")
def test_bytes_are_taken_or_refused(scratch, name, content):
    path = scratch / f"r{READERS[name]}"
    path.write_bytes(content)
    taken_or_refused(path, name)


@pytest.mark.parametrize("name", ["jsonl", "nemo", "urls"])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, whole=st.booleans())
@example(rows=[{"id": "a", "n": 2**63}], whole=False)
@example(rows=[{"id": "a", "n": 10**400}], whole=False)
@example(rows=[{"id": "a", "references": [{"text": "x", "channel": 2**63}]}], whole=False)
def test_json_is_taken_or_refused(scratch, name, rows, whole):
    path = scratch / ("j.jsonl" if name != "urls" or not whole else "j.json")
    path.write_text(json.dumps(rows) if whole else "".join(json.dumps(row) + "\n" for row in rows))
    taken_or_refused(path, name)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(table=st.sampled_from(["references", "terms", "segments", "utterances"]), rows=ROWS | st.lists(SAID))
def test_json_beside_utterances_is_taken_or_refused(tmp_path_factory, table, rows):
    folder = tmp_path_factory.mktemp("beside")
    lines(folder / "utterances.jsonl", [{"utt_id": "a"}])
    lines(folder / f"{table}.jsonl", [row | {"utt_id": "a"} if isinstance(row, dict) else row for row in rows])
    taken_or_refused(folder, "tables")


WHOLE = dataset(
    [{"utt_id": f"u{n}", "audio": f"a/{n}.wav", "duration_s": 1.5, "note": 'a "b",\nc'} for n in range(30)],
    ["what was said"] * 30,
)


@pytest.mark.parametrize("name", ["jsonl", "csv", "tsv", "nemo", "parquet", "tables"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_torn_and_spoilt_files_are_taken_or_refused(tmp_path_factory, name, data):
    path = tmp_path_factory.mktemp("torn") / f"m{READERS.get(name, '')}"
    write(WHOLE, path, name)
    file = path / data.draw(st.sampled_from(["utterances.jsonl", "references.jsonl"])) if name == "tables" else path
    content = bytearray(file.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    for _ in range(data.draw(st.integers(0, 3)) if content else 0):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file.write_bytes(content)
    taken_or_refused(path, name)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(ROW, min_size=1, max_size=3))
def test_frames_are_taken_or_refused(rows):
    try:
        assert len(load_dataset(pd.DataFrame(rows, dtype=object))) == len(rows)
    except InvalidInput as error:
        assert str(error)  # noqa: PT017 - or it is taken


# What all of them do alike


@pytest.mark.parametrize(
    "values", [[2**53 + 1, None], [-(2**63), 2**63 - 1], [2**63, 1], [2**53 + 1, 0.5, None], [1, 0.5, None], [10**400]]
)
def test_numbers_are_kept_to_the_last_digit(tmp_path, values):
    rows = [{"id": f"{n}", "n": value} for n, value in enumerate(values)]
    column = read(lines(tmp_path / "m.jsonl", rows)).utterances["n"]
    found = [
        None if value is None or pd.isna(value) else getattr(value, "item", lambda v=value: v)() for value in column
    ]
    assert found == values  # as Python compares them, which is exact
    assert column.dtype == ("Int64" if values[0] == -(2**63) or values == [2**53 + 1, None] else column.dtype)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"channels": 3e300}, r"channels must be a whole number from 1, not 3e\+300"),
        ({"channels": 2**31}, "channels must be a whole number from 1"),
        ({"channels": 0}, "channels must be a whole number from 1, not 0"),
        ({"channel": 1.5}, "channel must be a whole number from 0, not 1.5"),
        ({"channel": -1}, "channel must be a whole number from 0, not -1"),
        ({"begin_s": 2, "end_s": 2}, r"end_s must be after begin_s, 2.0, and is 2.0"),
        ({"begin_s": 2, "end_s": 1}, "end_s must be after begin_s"),
        ({"text": "x", "references": [{"text": "x", "channel": 0.5}]}, "channel must be a whole number"),
        ({"text": "\ud800"}, "text holds half a surrogate pair"),
    ],
)
def test_bad_values_are_named_by_their_line(tmp_path, row, said):
    file = lines(tmp_path / "m.jsonl", [{"id": "a", "channel": 0, "channels": 2}, {"id": "b", **row}])
    with pytest.raises(InvalidInput, match=rf"m\.jsonl, line 2: {said}"):
        read(file)


@pytest.mark.parametrize("name", ["csv", "tsv", "nemo"])
def test_one_form_is_held_by_tables_with_one_text(tmp_path, name):
    said = {"utt_id": ["a", "a", "b"], "text": ["5", "five", "six"], "form": ["written", "spoken", "spoken"]}
    rows = {"utt_id": ["a", "b", "c"], "audio": ["a.wav", "b.wav", "c.wav"]}
    both = Dataset("d", pd.DataFrame(rows), pd.DataFrame(said))
    with pytest.raises(InvalidInput, match=r"dataset\.select\(form='spoken'\)"):
        write(both, tmp_path / "m.x", name)
    ds = dataclasses.replace(both, references=both.references[both.references["form"] == "spoken"])
    again = back(ds, tmp_path / f"m.{'json' if name == 'nemo' else name}", name)
    assert tables_of(again) == tables_of(ds)
    assert "form" not in again.utterances
    assert set(back(both.select(form="written"), tmp_path / "w.x", name).references["form"]) == {"written"}


def test_a_column_form_is_that_of_the_text_only_where_it_can_be(tmp_path):
    rows = [{"id": "a", "text": "x", "form": "spoken"}, {"id": "b", "text": "y", "form": "poem"},
            {"id": "c", "form": "written"}]  # fmt: skip
    for found in (read(lines(tmp_path / "m.jsonl", rows)), read(pd.DataFrame(rows))):
        assert found.references["form"].tolist() == ["spoken", "unstated"]
        assert plain(found.utterances)["form"] == [None, "poem", "written"]
    table = tmp_path / "m.csv"
    table.write_text("id,text,form\na,x,poem\nb,y,song\n")
    assert read(table).utterances["form"].tolist() == ["poem", "song"]


@pytest.mark.parametrize("name", ["csv", "tsv", "nemo", "jsonl", "parquet", "kaldi", "folder", "trn"])
def test_what_is_refused_is_written_when_bare(tmp_path, name):
    audio = {"utt_id": ["a", "b"], "audio": ["a.wav", "b.wav"], "speaker": ["s", "s"]}
    said = pd.DataFrame({"utt_id": ["a", "b"], "text": ["x", "y"], "form": "spoken"})
    terms = pd.DataFrame({"utt_id": ["a"], "term": ["x"], "role": ["present"]})
    full = Dataset("d", pd.DataFrame({**audio, "tags": [["q"], None], "note": ["n", None]}), said, terms)
    out = tmp_path / ("out.jsonl" if name == "jsonl" else "out")
    with pytest.raises(InvalidInput, match=r"cannot hold terms, which d has\. .*tables.*dataset\.bare\(\)"):
        write(full, out, name)
    if name in ("kaldi", "folder", "trn"):
        without = dataclasses.replace(full, terms=full.terms[:0], references=full.references.assign(form="unstated"))
        with pytest.raises(InvalidInput, match=r"the column 'tags' \(1 utterance: 'a'\)\. .*dataset\.bare\(\)"):
            write(without, out, name)
        plain_ones = dataclasses.replace(without, utterances=without.utterances.drop(columns="tags"))
        with pytest.raises(InvalidInput, match=r"the column 'note' \(1 utterance: 'a'\)"):
            write(plain_ones, out, name)
    assert not list(tmp_path.iterdir())
    write(full.bare(), out, name)
    assert list(tmp_path.iterdir())
    both = dataclasses.replace(full, references=pd.concat([full.references, full.references.assign(form="written")]))
    with pytest.raises(InvalidInput, match=r"dataset\.select\(form='spoken'\)\.bare\(\)"):
        write(both, tmp_path / f"both{out.suffix}", name)


def test_a_line_that_says_something_twice_is_named(tmp_path):
    (tmp_path / "m.jsonl").write_text('{"id": "a", "text": "x"}\n{"id": "b", "text": "y", "text": "z"}\n')
    with pytest.raises(InvalidInput, match=r"m\.jsonl, line 2: .*'text' stands there twice"):
        read(tmp_path / "m.jsonl")
