"""Datasets of Hugging Face: objects and what its library writes, with audio that is never decoded."""

from __future__ import annotations

import json
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from asrlab.data.audio import probe
from asrlab.data.loading import load_dataset
from asrlab.data.manifests.huggingface import HuggingFace
from asrlab.errors import InvalidInput


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    """The library, without a network and with caches of its own."""
    patch = pytest.MonkeyPatch()
    patch.setenv("HF_HUB_OFFLINE", "1")
    patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hf")))
    patch.setenv("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    yield pytest.importorskip("datasets")
    patch.undo()


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """Keep what is copied out of datasets apart from the user's."""
    monkeypatch.setenv("ASRLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(sys.modules, "torchcodec", None)  # nothing may be decoded by it
    return tmp_path / "cache" / "huggingface"


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Three recordings of 0.1, 0.2 and 0.3 s."""
    folder = tmp_path_factory.mktemp("clips")
    for number in range(1, 4):
        samples = np.random.default_rng(number).uniform(-0.1, 0.1, 800 * number)
        soundfile.write(folder / f"clip{number}.wav", samples, 8000)
    return folder


def held(clips, *, paths=True):
    """Give the recordings as their bytes."""
    names = [f"clip{number}.wav" for number in range(1, 4)]
    return [{"bytes": (clips / name).read_bytes(), "path": name if paths else None} for name in names]


def rows(table, *columns):
    plain = table[list(columns)].astype(object)
    return plain.where(plain.notna(), None).to_numpy().tolist()


def lengths(ds):
    return [round(ds.facts(utt_id).duration_s, 3) for utt_id in ds.utterances["utt_id"]]


@pytest.fixture
def three(datasets, clips):
    """A dataset with the audio in it, which is to be decoded when it is looked at."""
    made = datasets.Dataset.from_dict(
        {
            "audio": held(clips),
            "sentence": ["one", "", None],
            "locale": [0, 1, 0],
            "client_id": ["a", "b", "c"],
            "up_votes": [3, 2, 1],
            "words": [["one"], [], []],
        }
    )
    return made.cast_column("audio", datasets.Audio()).cast_column("locale", datasets.ClassLabel(names=["en", "de"]))


def check_three(ds, order=(0, 1, 2)):
    assert ds.read_as == "huggingface"
    wanted = [
        ["clip1", "en", "a", 3],
        ["clip2", "de", "b", 2],
        ["clip3", "en", "c", 1],
    ]
    assert rows(ds.utterances, "utt_id", "language", "speaker", "up_votes") == [wanted[place] for place in order]
    said = dict(zip(ds.references["utt_id"], ds.references["text"], strict=True))
    assert said == {"clip1": "one", "clip2": ""}
    assert lengths(ds) == [0.1 * (place + 1) for place in order] or lengths(ds) == pytest.approx(
        [0.1 * (place + 1) for place in order]
    )
    assert "words" not in ds.utterances
    assert any("'words'" in remark or "words hold lists" in remark for remark in ds.remarks)


def test_an_object_with_audio_in_it_is_copied_once_and_not_decoded(three, clips, cache):
    assert "decode=True" in str(three.features["audio"])
    ds = load_dataset(three)
    check_three(ds)
    files = sorted(path for path in cache.rglob("*") if path.is_file())
    assert sorted(path.read_bytes() for path in files) == sorted(one["bytes"] for one in held(clips))
    assert {path.suffix for path in files} == {".wav"}
    before = [path.stat().st_mtime_ns for path in files]
    load_dataset(three)
    assert [path.stat().st_mtime_ns for path in files] == before
    files[0].write_bytes(b"half")  # somebody's disk was full
    check_three(load_dataset(three))


def test_an_object_is_taken_in_its_order(three):
    check_three(load_dataset(three.select([2, 0, 1])), (2, 0, 1))


def test_what_is_saved_is_the_same(three, tmp_path):
    three.save_to_disk(tmp_path / "saved", num_shards=2)
    check_three(load_dataset(tmp_path / "saved"))
    three.select([2, 1, 0]).save_to_disk(tmp_path / "turned")
    check_three(load_dataset(tmp_path / "turned"), (2, 1, 0))
    three.to_parquet(tmp_path / "three.parquet")
    check_three(load_dataset(tmp_path / "three.parquet"))
    assert HuggingFace().recognises(tmp_path / "three.parquet")
    for number in range(2):
        (tmp_path / "hub" / "data").mkdir(parents=True, exist_ok=True)
        three.shard(2, number).to_parquet(tmp_path / "hub" / "data" / f"train-{number:05d}-of-00002.parquet")
    check_three(load_dataset(tmp_path / "hub"))
    three.to_parquet(tmp_path / "hub" / "data" / "test-00000-of-00001.parquet")
    with pytest.raises(InvalidInput, match="holds several splits: test, train"):
        load_dataset(tmp_path / "hub")


def test_without_the_library_what_is_saved_is_read(three, tmp_path, monkeypatch):
    three.save_to_disk(tmp_path / "saved")
    monkeypatch.setitem(sys.modules, "datasets", None)
    check_three(load_dataset(tmp_path / "saved"))


def test_splits_are_listed(datasets, three, tmp_path):
    splits = datasets.DatasetDict(train=three, test=three)
    with pytest.raises(InvalidInput, match=r"several splits: train, test. Give one: .*dataset\['train'\]"):
        load_dataset(splits)
    splits.save_to_disk(tmp_path / "splits")
    with pytest.raises(InvalidInput, match=r"several splits: train, test\. Name the folder"):
        load_dataset(tmp_path / "splits")
    check_three(load_dataset(tmp_path / "splits" / "test"))


def test_streams_are_refused_and_what_the_message_says_works(datasets, three):
    stream = three.remove_columns("locale").to_iterable_dataset()
    with pytest.raises(InvalidInput, match=r"some = stream\.cast_column.*load_dataset"):
        load_dataset(stream)
    some = stream.cast_column("audio", datasets.Audio(decode=False)).take(100)
    assert len(load_dataset(datasets.Dataset.from_list(list(some)))) == 3


def test_arrays_of_samples_are_kept_as_flac(datasets, cache):
    ramp = np.linspace(-1, 1, 400)
    cells = [
        {"array": ramp.tolist(), "sampling_rate": 16_000, "path": "a/ramp.wav"},
        {"array": (ramp / 2).tolist(), "sampling_rate": 8_000, "path": None},
    ]
    ds = load_dataset(datasets.Dataset.from_list([{"audio": cell, "text": "x"} for cell in cells]))
    assert ds.utterances["utt_id"].tolist() == ["000001", "000002"]
    assert lengths(ds) == [0.025, 0.05]
    samples, rate = soundfile.read(ds.audio_path("000002"))
    assert rate == 8000
    assert np.abs(samples - ramp / 2).max() <= 1 / 65_536 + 1e-9
    assert probe(ds.audio_path("000001")).format == "flac"
    both = [[0.1] * 300, [0.2] * 300]
    stereo = datasets.Dataset.from_list([{"audio": {"array": both, "sampling_rate": 8000}}])
    assert load_dataset(stereo).facts("000001").channels == 2


def test_paths_lie_below_a_folder_that_is_trusted(datasets, clips, tmp_path, monkeypatch):
    paths = [str(clips / "clip1.wav"), str(clips / "clip2.wav")]
    made = datasets.Dataset.from_dict({"audio": paths, "text": ["a", "b"]}).cast_column("audio", datasets.Audio())
    with pytest.raises(InvalidInput, match="lies elsewhere than in this folder or Hugging Face's caches"):
        load_dataset(made)
    assert load_dataset(made, audio_root=clips).utterances["audio"].tolist() == ["clip1.wav", "clip2.wav"]
    monkeypatch.chdir(clips)
    assert lengths(load_dataset(made)) == [0.1, 0.2]
    by_name = datasets.Dataset.from_dict({"path": ["clip1.wav"], "text": ["a"]})
    assert lengths(load_dataset(by_name)) == [0.1]
    made.save_to_disk(tmp_path / "saved")  # which puts the audio into it
    assert lengths(load_dataset(tmp_path / "saved")) == [0.1, 0.2]


def test_ids_texts_and_columns(datasets, clips):
    cells = held(clips)
    table = {
        "id": [7, 7, 8],
        "noisy": cells,
        "clean": cells,
        "transcription": list("abc"),
        "raw_transcription": list("xyz"),
    }
    made = datasets.Dataset.from_dict(table)
    with pytest.raises(InvalidInput, match=r"several columns with audio: noisy, clean\. .*\{'noisy': 'audio'\}"):
        load_dataset(made)
    ds = load_dataset(made, columns={"clean": "audio"})
    assert ds.utterances["utt_id"].tolist() == ["clip1", "clip2", "clip3"]
    assert ds.utterances["id"].tolist() == [7, 7, 8]
    assert ds.references["text"].tolist() == list("abc")
    assert [remark.split(".")[0] for remark in ds.remarks] == [
        "The columns noisy hold lists or structures, and are left out",
        "The text is 'transcription'; columns= takes another (raw_transcription)",
        "The ids in 'id' are not of one row each, and so are no ids of recordings",
        "There are no ids",
    ]
    other = load_dataset(made, columns={"clean": "audio", "raw_transcription": "text"})
    assert other.references["text"].tolist() == list("xyz")
    with pytest.raises(InvalidInput, match="row 2: the utt_id '7' is that of row 1"):
        load_dataset(made, columns={"clean": "audio", "id": "utt_id"})
    with pytest.raises(InvalidInput, match="has no column 'wav'"):
        load_dataset(made, columns={"wav": "audio"})
    ids = load_dataset(made.remove_columns("noisy").add_column("segment_id", ["p", "q", "r"]).remove_columns("id"))
    assert ids.utterances["utt_id"].tolist() == ["p", "q", "r"]
    texts = load_dataset(datasets.Dataset.from_dict({"id": ["a"], "text": ["b"]}))
    assert texts.remarks[0].startswith("There is no column with audio among id, text")


def test_a_folder_of_audio_with_metadata(clips, tmp_path):
    for name in ("clip1.wav", "clip2.wav"):
        (tmp_path / "a").mkdir(exist_ok=True)
        (tmp_path / "a" / name).write_bytes((clips / name).read_bytes())
    lines = [{"file_name": "a/clip1.wav", "transcription": "one"}, {"file_name": "a/clip2.wav", "transcription": ""}]
    (tmp_path / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    ds = load_dataset(tmp_path)
    assert (ds.read_as, ds.name) == ("huggingface", tmp_path.name)
    assert rows(ds.utterances, "utt_id", "audio") == [["clip1", "a/clip1.wav"], ["clip2", "a/clip2.wav"]]
    assert ds.references["text"].tolist() == ["one", ""]
    assert lengths(ds) == [0.1, 0.2]
    (tmp_path / "metadata.jsonl").write_text('{"file_name": 5}\n')
    with pytest.raises(InvalidInput, match=r"metadata\.jsonl, line 1: "):
        load_dataset(tmp_path)
    (tmp_path / "metadata.jsonl").unlink()
    (tmp_path / "metadata.csv").write_text("file_name,transcription\na/clip1.wav,one\n")
    assert rows(load_dataset(tmp_path).references, "utt_id", "text") == [["clip1", "one"]]


def test_what_is_broken_is_named(three, clips, tmp_path):
    three.save_to_disk(tmp_path / "saved")
    data = next((tmp_path / "saved").glob("*.arrow"))
    whole = data.read_bytes()
    data.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InvalidInput, match=r"\.arrow cannot be read"):
        load_dataset(tmp_path / "saved")
    for name in ("../other.arrow", "..", "/etc/passwd", 5, None):
        (tmp_path / "saved" / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
        with pytest.raises(InvalidInput, match=r"state\.json names no files of this folder"):
            load_dataset(tmp_path / "saved")
    (tmp_path / "saved" / "state.json").write_text("[1")
    with pytest.raises(InvalidInput, match=r"state\.json is not JSON"):
        load_dataset(tmp_path / "saved")
    three.to_parquet(tmp_path / "x.parquet")
    (tmp_path / "x.parquet").write_bytes((tmp_path / "x.parquet").read_bytes()[:-10])
    with pytest.raises(InvalidInput, match=r"x\.parquet cannot be read"):
        load_dataset(tmp_path / "x.parquet", format="huggingface")
    with pytest.raises(InvalidInput, match="is no dataset of Hugging Face"):
        load_dataset(clips, format="huggingface")


def parquet(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ({"array": [0.1, float("nan")], "sampling_rate": 8000}, "is no array of samples"),
        ({"array": [0.1], "sampling_rate": None}, "is no array of samples"),
        ({"array": ["a"], "sampling_rate": 8000}, "is no array of samples"),
        ({"array": [[[0.1]]], "sampling_rate": 8000}, "is no array of samples"),
    ],
)
def test_audio_that_is_none_is_named(tmp_path, cell, said):
    good = {"array": type(cell["array"])(cell["array"]), "sampling_rate": cell["sampling_rate"]}
    file = parquet(tmp_path / "x.parquet", audio=[None, good], text=["a", "b"])
    with pytest.raises(InvalidInput, match=rf"row 2: its audio {said}"):
        load_dataset(file, format="huggingface")
    numbers = parquet(tmp_path / "y.parquet", audio=[5], text=["b"])
    with pytest.raises(InvalidInput, match="row 1: its audio is int, and neither a path nor"):
        load_dataset(numbers, format="huggingface")


def test_paths_of_a_stranger_lead_nowhere_else(tmp_path, clips):
    outside = parquet(tmp_path / "x.parquet", audio=[{"bytes": None, "path": str(clips / "clip1.wav")}], text=["b"])
    with pytest.raises(InvalidInput, match="audio outside"):
        load_dataset(outside, format="huggingface")
    mixed = [{"bytes": None, "path": "clip1.wav"}, held(clips)[0]]
    with pytest.raises(InvalidInput, match="holds some of its audio, and names files for the rest"):
        load_dataset(parquet(tmp_path / "y.parquet", audio=mixed), format="huggingface")
    with pytest.raises(InvalidInput, match="holds its audio itself"):
        load_dataset(parquet(tmp_path / "z.parquet", audio=mixed[1:]), format="huggingface", audio_root=clips)
    named = {**held(clips)[0], "path": "../../../evil.sh"}
    ds = load_dataset(parquet(tmp_path / "w.parquet", audio=[named]), format="huggingface")
    assert ds.audio_path("evil").suffix == ".wav"
    assert ds.audio_path("evil").is_relative_to(tmp_path / "cache")


def test_other_things_are_left_to_others(tmp_path, clips):
    parquet(tmp_path / "x.parquet", audio=["a.wav"], text=["b"])
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "y.parquet").write_bytes(b"PAR1")
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "metadata.csv").write_text("id,text\n1,a\n")
    for source in (tmp_path / "x.parquet", tmp_path, clips, tmp_path / "broken", tmp_path / "table", "x", 5, None, [1]):
        assert not HuggingFace().recognises(source)
