"""Tables as Parquet: what is written is read again, and what is no whole table is refused."""

from __future__ import annotations

import json
import threading
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from asrlab import parquet, tables
from asrlab.errors import InvalidInput, MissingExtra, StoreError
from asrlab.parquet import files


def frame():
    return pd.DataFrame(
        {
            "utt_id": pd.array(["b", "a", "b", None], dtype="string"),
            "text": pd.array(["x", None, "", "y"], dtype="string"),
            "repeat": pd.array([0, 1, None, 2], dtype="Int64"),
            "snr": pd.Categorical(["20", "10", None, "20"], ["20", "10", "0"], ordered=True),
            "gain": pd.Categorical([6, 3, 3, 6], [9, 6, 3]),
            "n": [1, 2, 3, 4],
            "flag": [True, False, True, True],
            "seconds": [1.5, np.nan, 2.0, 0.1],
        }
    )


def test_what_is_written_is_read(tmp_path):
    for url in (tmp_path / "one.parquet", str(tmp_path / "two.parquet"), "memory://asrlab/three.parquet"):
        parquet.write(frame(), "transcripts", url)
        wanted = frame().astype({"n": "Int64", "flag": "boolean"})
        pd.testing.assert_frame_equal(parquet.read(url, "transcripts"), wanted, check_exact=True)
        pd.testing.assert_frame_equal(parquet.read(url, None, columns=["n", "snr"]), wanted[["n", "snr"]])
        assert parquet.columns(url, "transcripts") == list(wanted)
        assert parquet.is_stored(url)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["one.parquet", "two.parquet"]


def test_chunks_have_the_dtypes_of_the_whole(tmp_path):
    parquet.write(frame(), "transcripts", tmp_path / "t.parquet")
    chunks = list(parquet.chunks(tmp_path / "t.parquet", "transcripts", rows=1))
    assert len(chunks) == 4
    whole = parquet.read(tmp_path / "t.parquet", "transcripts")
    for chunk in chunks:
        assert chunk.dtypes.to_dict() == whole.dtypes.to_dict()
    pd.testing.assert_frame_equal(pd.concat(chunks, ignore_index=True), whole, check_exact=True)


def test_codes_are_those_of_factorize_over_all_files(tmp_path):
    first, second = frame(), frame().iloc[::-1].assign(utt_id=["c", "b", None, "a"], text="z")
    for name, one in (("1", first), ("2", second)):
        parquet.write(one, "transcripts", tmp_path / f"{name}.parquet")
    coded = parquet.read(tmp_path, "transcripts", coded=True)
    plain = parquet.read(tmp_path, "transcripts")
    for name in ("utt_id", "text"):
        code, values = pd.factorize(plain[name])
        assert coded[name].cat.codes.tolist() == code.tolist()
        assert coded[name].cat.categories.tolist() == list(values)
        assert coded[name].cat.categories.dtype == "string"
    pd.testing.assert_series_equal(coded["snr"], plain["snr"])


def test_codes_are_in_order_of_appearance_where_a_dictionary_is_not(tmp_path):
    texts = pa.DictionaryArray.from_arrays(pa.array([2, 0, 2], pa.int32()), pa.array(["a", "b", "c"]))
    pq.write_table(pa.table({"text": texts}), tmp_path / "t.parquet", store_schema=False)
    found = parquet.read(tmp_path / "t.parquet", "transcripts", coded=True)["text"]
    assert found.cat.codes.tolist() == [0, 1, 0]
    assert found.cat.categories.tolist() == ["c", "a"]


def test_levels_keep_their_order_where_a_file_has_few_of_them(tmp_path):
    for n, label in enumerate(["10", "20"]):
        few = frame().iloc[:1].assign(snr=pd.Categorical([label], ["20", "10", "0"], ordered=True))
        parquet.write(few, "transcripts", tmp_path / f"{n}.parquet")
    assert parquet.read(tmp_path, "transcripts")["snr"].cat.categories.tolist() == ["20", "10", "0"]
    other = frame().assign(snr=pd.Categorical(["10"] * 4, ["10", "20"], ordered=True))
    parquet.write(other, "transcripts", tmp_path / "2.parquet")
    with pytest.raises(InvalidInput, match="order the levels of 'snr' differently"):
        parquet.read(tmp_path, "transcripts")


def test_files_of_others_are_read(tmp_path):
    """Written without us: dictionaries, whole numbers with gaps, an index, columns of nothing."""
    table = pa.table(
        {
            "utt_id": pa.array([7, 8, 9], pa.int32()),
            "text": pa.array(["x", "y", None], pa.large_string()),
            "level": pa.array(["q", "p", "q"]).dictionary_encode(),
            "n": pa.array([1, None, 3], pa.uint8()),
            "none": pa.nulls(3),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=1)
    found = parquet.read(tmp_path / "t.parquet", "transcripts")
    assert found["utt_id"].tolist() == ["7", "8", "9"]
    assert found.dtypes.astype(str).tolist() == ["string", "string", "category", "Int64", "string"]
    assert found["level"].cat.categories.tolist() == ["q", "p"]
    frame().set_index("n").reset_index(drop=True).set_axis([3, 1, 2, 0]).to_parquet(tmp_path / "i.parquet")
    assert "__index_level_0__" not in parquet.columns(tmp_path / "i.parquet", None)


def told(path, **says):
    """Change what a file says of itself."""
    table = pq.read_table(path)
    known = json.loads(table.schema.metadata[b"asrlab"]) | says
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, b"asrlab": json.dumps(known)}), path)


def test_another_table_and_a_newer_version_are_refused(tmp_path):
    path = tmp_path / "t.parquet"
    parquet.write(frame(), "transcripts", path)
    with pytest.raises(InvalidInput, match="is a table of transcripts, and one of scores is wanted"):
        parquet.read(path, "scores")
    told(path, version=2)
    with pytest.raises(InvalidInput, match=r"in version 2, and this asrlab knows version 1\. Read it with a newer"):
        parquet.read(path, "transcripts")


def test_an_older_version_is_migrated(tmp_path, monkeypatch):
    parquet.write(frame().rename(columns={"text": "heard"}), "transcripts", tmp_path / "old.parquet")
    migrations = {"transcripts": (lambda rows: rows.rename(columns={"heard": "text"}),)}
    monkeypatch.setattr(tables, "MIGRATIONS", migrations)
    assert tables.version("transcripts") == 2
    wanted = frame().astype({"n": "Int64", "flag": "boolean"})
    pd.testing.assert_frame_equal(parquet.read(tmp_path / "old.parquet", "transcripts"), wanted)
    parquet.write(frame(), "transcripts", tmp_path / "new.parquet")  # beside one of today
    both = parquet.read(tmp_path, "transcripts", columns=["text"], coded=True)
    assert both["text"].astype("string").tolist() == wanted["text"].tolist() * 2


@pytest.mark.parametrize("where", ["here", "there"])
def test_a_folder_is_read_only_if_it_is_whole(where, tmp_path):
    url = tmp_path / "scores" if where == "here" else f"memory://{tmp_path.name}/scores"
    with parquet.Folder(url, "scores") as folder:
        for n in range(3):
            part = parquet.Part(n, 3, folder.writing)
            folder.add(parquet.encoded(frame().assign(n=n), "scores", part))
    assert parquet.read(url, "scores")["n"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    base = str(url)
    assert parquet.read(f"{base}/part-00001.parquet", "scores")["n"].tolist() == [1] * 4  # one that is named
    other = parquet.encoded(frame(), "scores", parquet.Part(1, 3, "another"))
    for change in (None, other):
        if change:
            parquet.put(change, f"{base}/part-00001.parquet")
        elif where == "here":
            (url / "part-00001.parquet").unlink()
        else:
            pa.fs  # noqa: B018
            import fsspec

            fsspec.filesystem("memory").rm(f"/{tmp_path.name}/scores/part-00001.parquet")
        for asked in (url, f"{base}/*.parquet"):
            with pytest.raises(InvalidInput, match="not the 3 parts of one table"):
                parquet.read(asked, "scores")


def test_a_folder_that_holds_something_else_is_refused(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    with pytest.raises(InvalidInput, match=r"holds other things than parts of scores \(thesis\.txt\)"):
        parquet.Folder(tmp_path / "mine", "scores")
    (tmp_path / "heard").mkdir()
    parquet.write(frame(), "transcripts", tmp_path / "heard" / "part-00000.parquet")
    with pytest.raises(InvalidInput, match=r"holds other things than parts of scores \(part-00000"):
        parquet.Folder(tmp_path / "heard", "scores")
    with pytest.raises(InvalidInput, match="is a file, and a folder is wanted"):
        parquet.Folder(tmp_path / "mine" / "thesis.txt", "scores")


@pytest.mark.parametrize("stranger", ["none", "unsaid", "alone", "other"])
def test_a_folder_is_replaced_only_if_every_file_is_a_part_of_such_a_table(stranger, tmp_path):
    with parquet.Folder(tmp_path / "scores", "scores") as folder:
        folder.add(parquet.encoded(frame(), "scores", parquet.Part(0, 1, folder.writing)))
    parquet.Folder(tmp_path / "scores", "scores")
    strange = {
        "none": b"not Parquet, and precious",
        "unsaid": parquet.encoded(frame(), None),
        "alone": parquet.encoded(frame(), "scores"),
        "other": parquet.encoded(frame(), "transcripts", parquet.Part(1, 2, "x")),
    }
    (tmp_path / "scores" / "part-99999.parquet").write_bytes(strange[stranger])
    with pytest.raises(InvalidInput, match=r"other things than parts of scores \(part-99999"):
        parquet.Folder(tmp_path / "scores", "scores")


def test_what_was_there_comes_back_if_the_new_cannot_take_its_place(tmp_path, monkeypatch):
    name, rename = tmp_path / "scores", Path.rename

    def full(self, target):
        if self.suffix == ".half":
            raise OSError("no room")
        return rename(self, target)

    for n in range(2):
        with pytest.raises(StoreError) if n else nullcontext(), parquet.Folder(name, "scores") as folder:
            folder.add(parquet.encoded(frame().assign(n=n), "scores", parquet.Part(0, 1, folder.writing)))
        monkeypatch.setattr(Path, "rename", full)
    assert parquet.read(name, "scores")["n"].tolist() == [0] * 4
    assert [one.name for one in tmp_path.iterdir()] == ["scores"]


def test_changed_pages_are_refused(tmp_path):
    path, rows = tmp_path / "t.parquet", pd.DataFrame({"n": range(20_000), "x": np.sqrt(np.arange(20_000.0))})
    parquet.write(rows, None, path)
    data = path.read_bytes()
    for place in range(500, len(data) - 5000, len(data) // 40):
        path.write_bytes(data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :])
        with pytest.raises(InvalidInput, match="cannot be read as Parquet"):
            parquet.read(path, None)


@pytest.mark.parametrize(
    "says",
    [
        *("{", "[]", "3", '{"table": 3, "version": 1}', '{"table": "scores"}', '{"table": "scores", "version": "x"}'),
        *('{"table": "scores", "version": 0}', '{"table": "scores", "version": -3}', '{"part": [1]}'),
        *('{"part": ["a", 1, "x"]}', '{"levels": {"snr": 3}}', '{"levels": {"snr": {"values": [[1]], "ordered": 1}}}'),
    ],
)
def test_a_file_that_says_something_odd_is_refused(says, tmp_path):
    pq.write_table(pa.table({"n": [1]}).replace_schema_metadata({b"asrlab": says}), tmp_path / "t.parquet")
    with pytest.raises(InvalidInput, match="says of itself what no asrlab writes"):
        parquet.read(tmp_path / "t.parquet", "scores")


def of_kinds(folder, *kinds):
    """Write files whose column x is of those kinds, one a file."""
    for n, values in enumerate(kinds):
        pd.DataFrame({"x": values}).to_parquet(folder / f"{n}.parquet")
    return folder


@pytest.mark.parametrize(
    ("one", "other"),
    [([1], ["1"]), (["1"], [1]), ([True], [1]), ([1], [True]), ([True], ["no"]), (pd.to_datetime(["2020"]), ["2020"])],
)
def test_a_column_of_several_kinds_is_refused(one, other, tmp_path):
    with pytest.raises(InvalidInput, match=r"Column 'x' is \w+.* in .*0\.parquet, and \w+.* in .*1\.parquet"):
        parquet.read(of_kinds(tmp_path, one, other), None)


def test_whole_numbers_are_numbers(tmp_path):
    for n, kinds in enumerate(([[1, 2], [1.5, None]], [[1.5, None], [1, 2]])):
        folder = tmp_path / str(n)
        folder.mkdir()
        found = parquet.read(of_kinds(folder, *kinds, [None, None]), None)["x"]
        assert found.dtype == "float64"
        assert found.dropna().tolist() == [x for kind in kinds for x in kind if x]
    folder = tmp_path / "ids"  # as texts, 1 and 1.0 are two
    folder.mkdir()
    for n, ids in enumerate(([1], [1.0])):
        pd.DataFrame({"utt_id": ids}).to_parquet(folder / f"{n}.parquet")
    with pytest.raises(InvalidInput, match="'utt_id' is int64"):
        parquet.read(folder, "transcripts")
    with pytest.raises(InvalidInput, match=r"Column 'x' of .* cannot be read as double"):
        parquet.read(of_kinds(tmp_path, [0.5], [2**53 + 1]), None)
    pq.write_table(pa.table({"x": pa.array([2**63 + 1], pa.uint64())}), tmp_path / "1.parquet")
    with pytest.raises(InvalidInput, match="beyond 2"):
        parquet.read(tmp_path / "1.parquet", None)


def test_codes_of_declared_texts_and_of_nothing(tmp_path):
    """Levels of a declared text are none: what is used counts, in order of appearance."""
    ids = pd.Categorical(["b", "a"], ["a", "z", "b"])
    parquet.write(pd.DataFrame({"utt_id": ids}), "transcripts", tmp_path / "t.parquet")
    found = parquet.read(tmp_path / "t.parquet", "transcripts", coded=True)["utt_id"]
    assert found.cat.categories.tolist() == ["b", "a"]
    assert parquet.read(tmp_path / "t.parquet", "transcripts")["utt_id"].dtype == "string"
    parquet.write(frame().head(0), "transcripts", tmp_path / "e.parquet")
    assert parquet.read(tmp_path / "e.parquet", "transcripts", coded=True)["text"].cat.categories.empty


def test_what_cannot_be_read_or_written_is_said(tmp_path, monkeypatch):
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InvalidInput, match=r"torn\.parquet cannot be read as Parquet"):
        parquet.read(tmp_path / "torn.parquet", None)
    with pytest.raises(InvalidInput, match="is not there"):
        parquet.read(tmp_path / "gone.parquet", None)
    with pytest.raises(InvalidInput, match="holds no Parquet files"):
        parquet.read(tmp_path / "gone" / "*.parquet", None)
    parquet.write(frame(), None, tmp_path / "t.parquet")
    with pytest.raises(InvalidInput, match="has no column 'x'; it has utt_id"):
        parquet.read(tmp_path / "t.parquet", None, columns=["x"])
    with pytest.raises(InvalidInput, match="cannot be stored"):
        parquet.write(pd.DataFrame({"x": pd.Series([1, "one"], dtype=object)}), None, tmp_path / "mixed.parquet")
    with pytest.raises(StoreError, match=r"could not be written to .*FileNotFoundError"):
        parquet.write(frame(), None, tmp_path / "no" / "t.parquet")
    with pytest.raises((InvalidInput, StoreError)) as refused:
        parquet.read("nothing://user:s3cret@host/t.parquet?sig=s3cret", None)
    assert "s3cret" not in str(refused.value)
    monkeypatch.setattr("asrlab.parquet.files.importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"Reading s3:// links needs .*asrlab\[s3\]"):
        parquet.read("s3://bucket/t.parquet", None)


def test_columns_of_one_name_and_names_that_are_no_paths(tmp_path):
    pq.write_table(pa.table([["a"], ["x"], ["y"]], names=["utt_id", "text", "text"]), tmp_path / "t.parquet")
    with pytest.raises(InvalidInput, match=r"t\.parquet has several columns of one name"):
        parquet.read(tmp_path / "t.parquet", "transcripts")
    for name in ("x" * 300, "a\0b", "\ud800", "a\0*", "\ud800*", f"{'x' * 300}*"):
        with pytest.raises(InvalidInput):
            parquet.read(f"{name}.parquet", None)
        with pytest.raises(InvalidInput):
            parquet.read(f"{tmp_path}/{name}.parquet", None)


@pytest.mark.parametrize("name", ["", ".", "/", "./"])
def test_a_folder_has_a_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput, match="names no folder"):
        parquet.Folder(name, "scores")


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "circle"])
def test_a_name_that_cannot_be_a_path_is_said_to_be_none(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("circle").symlink_to("circle")
    with pytest.raises(InvalidInput, match="cannot be a path"):
        parquet.Folder(name, "scores")
    with pytest.raises(InvalidInput, match="cannot be a path"):
        parquet.inside(name, "scores")


def test_a_link_stays_a_link_and_what_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "scores")
    for n in range(2):  # where it leads to is not there yet, and is there
        in_parts(tmp_path / "link", n)
        assert (tmp_path / "link").is_symlink()
        assert parquet.read(tmp_path / "disk" / "scores", "scores")["n"].tolist() == [n] * 4
    assert sorted(one.name for one in tmp_path.iterdir()) == ["disk", "link"]
    assert [one.name for one in (tmp_path / "disk").iterdir()] == ["scores"]


def in_parts(url, *values):
    """Write a folder of scores, a part for each value of n."""
    with parquet.Folder(url, "scores") as folder:
        for number, n in enumerate(values):
            part = parquet.Part(number, len(values), folder.writing)
            folder.add(parquet.encoded(frame().assign(n=n), "scores", part))


@pytest.mark.parametrize("where", ["here", "there"])
@pytest.mark.parametrize("parts", [2, 4])
def test_a_folder_that_is_replaced_while_it_is_read_is_refused(parts, where, tmp_path):
    url = tmp_path / "scores" if where == "here" else f"memory://{tmp_path.name}/replaced"
    in_parts(url, 0, 0, 0, 0)
    reading = parquet.chunks(url, "scores")
    assert next(reading)["n"].tolist() == [0] * 4
    in_parts(url, *[1] * parts)
    with pytest.raises(InvalidInput, match=r"part-0000\d\.parquet was replaced or changed while its table was read"):
        list(reading)
    assert set(parquet.read(url, "scores")["n"]) == {1}


@pytest.mark.parametrize("change", ["rows", "texts", "same", "gone"])
def test_a_file_of_others_that_is_replaced_while_it_is_read_is_refused(change, tmp_path):
    frame().to_parquet(tmp_path / "t.parquet")
    stored = parquet.Stored(tmp_path / "t.parquet", "transcripts")
    other = {"rows": frame().head(2), "texts": frame().assign(text="zzz"), "same": frame()}
    (tmp_path / "t.parquet").unlink()
    if change in other:
        other[change].to_parquet(tmp_path / "t.parquet")
    with pytest.raises(InvalidInput, match=r"t\.parquet was replaced or changed while its table was read"):
        stored.read()


def test_what_goes_wrong_while_reading_ahead_keeps_its_place_and_leaves_no_thread(tmp_path, monkeypatch):
    def torn(self, *_, **__):
        yield batch
        raise MemoryError

    parquet.write(frame(), "transcripts", tmp_path / "t.parquet")
    batch = pq.read_table(tmp_path / "t.parquet").to_batches()[0]
    monkeypatch.setattr(files.File, "batches", torn)
    with pytest.raises(MemoryError) as raised:
        parquet.read(tmp_path / "t.parquet", "transcripts")
    assert "torn" in [entry.name for entry in raised.traceback]
    monkeypatch.undo()
    for wanted in ("close", "interrupt"):  # by who reads
        reading = parquet.chunks(tmp_path / "t.parquet", "transcripts", rows=1)
        next(reading)
        if wanted == "close":
            reading.close()
        else:
            with pytest.raises(KeyboardInterrupt):
                _interrupted(reading, monkeypatch)
        assert not [thread for thread in threading.enumerate() if "asrlab-reading" in thread.name]


def _interrupted(reading, monkeypatch):
    """Go on reading, and be interrupted in waiting for what comes."""

    def interrupt(self, timeout=None):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("concurrent.futures.Future.result", interrupt)
        next(reading)


def test_a_name_with_blanks_in_it_is_one_if_the_file_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert not parquet.is_stored("my heard.parquet")
    parquet.write(frame(), None, "my heard.parquet")
    assert parquet.is_stored("my heard.parquet")
    assert not parquet.is_stored("my heard\0.parquet")


def test_a_text_is_no_path():
    assert not any(map(parquet.is_stored, ["the cat", "http is a protocol", "", "3:2", frame(), ["a"], None]))
    assert all(map(parquet.is_stored, ["runs/t.parquet", "s3://bucket/scores", "runs/*.parquet"]))
