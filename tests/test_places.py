"""Places: files of this machine and behind URLs are read alike, and none is read that is not below its folder."""

from __future__ import annotations

import json

import fsspec
import numpy as np
import pytest
import soundfile
from stand_ins import file_server

import asrlab
from asrlab.data import places
from asrlab.data.places import inside, local_copy, place
from asrlab.errors import InvalidInput, MissingExtra


def wave(seed, n=4000):
    return (3000 * np.random.default_rng(seed).standard_normal(n)).astype("int16")


@pytest.fixture
def bucket(tmp_path):
    """A corpus in memory, as it would lie in a bucket; gives its URL."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    places._asked.clear()
    for number in range(3):
        soundfile.write(tmp_path / "a.flac", wave(number), 8000)
        memory.pipe(f"/bucket/corpus/audio/{number}.flac", (tmp_path / "a.flac").read_bytes())
    rows = [{"id": f"u{n}", "audio": f"audio/{n}.flac", "text": "x", "language": "en"} for n in range(3)]
    memory.pipe("/bucket/corpus/manifest.jsonl", "\n".join(map(json.dumps, rows)).encode())
    yield "memory://bucket/corpus"
    memory.store.clear()


def test_a_corpus_behind_a_url_is_a_dataset_like_another(bucket, tmp_path):
    ds = asrlab.load_dataset(bucket)
    assert repr(ds) == "<Dataset corpus: 3 utterances, en, length not known>"
    assert not list(places.cache_folder("fetched").rglob("*.flac"))  # nothing is read before it is wanted
    assert ds.measure().utterances["duration_s"].tolist() == [0.5] * 3
    sweep = asrlab.Sweep(ds, asrlab.engine("scripted"), asrlab.grid(gain_db=[None, -6]), store=tmp_path / "run")
    sweep.run(progress=False)
    assert sweep.transcripts["state"].eq("answered").all()
    samples, _ = soundfile.read(ds.audio_path("u2"), dtype="int16")
    assert (samples == wave(2)).all()


def test_a_file_behind_a_url_may_be_named_itself(bucket):
    assert len(asrlab.load_dataset(f"{bucket}/manifest.jsonl")) == 3
    lists = fsspec.filesystem("memory")
    lists.pipe("/lists/m.csv", b"id,audio,text\na,0.flac,x\n")
    ds = asrlab.load_dataset("memory://lists/m.csv", audio_root=f"{bucket}/audio")
    assert ds.facts("a").duration_s == 0.5


def test_a_copy_is_fetched_once_until_what_it_is_of_changes(bucket, tmp_path, monkeypatch):
    monkeypatch.setattr(places, "_ASK_AGAIN_S", 0.0)
    ds = asrlab.load_dataset(bucket)
    first = ds.audio_path("u0")
    assert ds.audio_path("u0") == first
    before = ds.digest("u0")
    soundfile.write(tmp_path / "b.flac", wave(9, 5000), 8000)
    fsspec.filesystem("memory").pipe("/bucket/corpus/audio/0.flac", (tmp_path / "b.flac").read_bytes())
    assert ds.digest("u0") != before
    assert ds.facts("u0").duration_s == 0.625


def test_what_is_too_large_or_gone_is_said_and_leaves_nothing(bucket):
    file = place(f"{bucket}/audio/0.flac")
    before = set(places.cache_folder("fetched").rglob("*"))  # of other tests
    with pytest.raises(InvalidInput, match="larger than 10 bytes"):
        local_copy(file, max_bytes=10)
    with pytest.raises(InvalidInput, match=r"gone.flac is no file that can be read: it is not there"):
        local_copy(place(f"{bucket}/audio/gone.flac"))
    new = set(places.cache_folder("fetched").rglob("*")) - before
    assert not [path for path in new if path.is_file() and path.suffix != ".flac"]


def test_a_size_that_is_not_told_is_bounded_all_the_same(bucket, monkeypatch):
    file = place(f"{bucket}/audio/1.flac")
    monkeypatch.setattr(type(file.fs), "info", lambda self, path, **rest: {"size": None, "name": path, "type": "file"})
    with pytest.raises(InvalidInput, match="larger than 1,000 bytes"):
        local_copy(file, max_bytes=1000)
    assert local_copy(file).read_bytes() == file.read_bytes()


def test_a_fetch_that_breaks_off_leaves_no_half_file(bucket, monkeypatch):
    file = place(f"{bucket}/audio/2.flac")
    before = {path for path in places.cache_folder("fetched").rglob("*") if path.is_file()}

    class Torn:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def read(self, n):
            if n == 0 or hasattr(self, "done"):
                raise OSError("key=s3cret is wrong")
            self.done = True
            return b"fLaC"

    monkeypatch.setattr(type(file.fs), "open", lambda self, path, mode: Torn())
    monkeypatch.setattr(type(file.fs), "info", lambda self, path, **rest: {"size": 4, "ETag": "3rd", "type": "file"})
    with pytest.raises(InvalidInput, match="could not be read to its end") as raised:
        local_copy(file)
    assert "s3cret" not in str(raised.value)
    assert {path for path in places.cache_folder("fetched").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "audio",
    ["file:///etc/passwd", "local:///etc/passwd", "memory://other/x.wav", "../../other/x.flac", "/other/x.flac",
     "simplecache::file:///etc/passwd",
     "filecache::memory://bucket/x", "s3://someone/x.wav", "C:/x.wav", "a\\..\\b.wav"],
)  # fmt: skip
def test_a_manifest_reads_nothing_outside_its_folder(bucket, tmp_path, audio):
    manifest = json.dumps({"id": "a", "audio": audio})
    fsspec.filesystem("memory").pipe("/bucket/corpus/m.jsonl", manifest.encode())
    (tmp_path / "m.jsonl").write_text(manifest)
    for source in (f"{bucket}/m.jsonl", tmp_path / "m.jsonl"):
        with pytest.raises(InvalidInput, match="audio outside"):
            asrlab.load_dataset(source)
    for root in (place(bucket), tmp_path):
        with pytest.raises(InvalidInput, match="does not lie below"):
            inside(root, audio)


def test_absolute_names_below_the_folder_are_as_good_as_relative_ones(bucket, tmp_path):
    fsspec.filesystem("memory").pipe(
        "/bucket/corpus/m.jsonl", json.dumps({"id": "a", "audio": f"{bucket}/audio/0.flac"}).encode()
    )
    assert asrlab.load_dataset(f"{bucket}/m.jsonl").utterances["audio"].tolist() == ["audio/0.flac"]
    (tmp_path / "real").mkdir()
    (tmp_path / "seen").symlink_to("real")
    for stem in ("real", "seen"):
        (tmp_path / "real" / "m.jsonl").write_text(json.dumps({"id": "a", "audio": f"{tmp_path}/{stem}/x.wav"}))
        assert asrlab.load_dataset(tmp_path / "seen" / "m.jsonl").utterances["audio"].tolist() == ["x.wav"]


def test_a_link_of_a_kind_that_is_not_known_is_said():
    with pytest.raises(InvalidInput, match="teapot:// is no kind of link"):
        place("teapot://a/b")
    with pytest.raises(InvalidInput, match=r"There is no .*gone"):
        asrlab.load_dataset("memory://gone/m.jsonl")


def test_what_reads_links_is_an_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for link, extra in {"s3://bucket/m.jsonl": "s3", "zip://m.jsonl::https://host/c.zip": "remote"}.items():
        with pytest.raises(MissingExtra, match=rf"asrlab\[{extra}\]"):
            place(link)


def test_secrets_of_a_link_are_not_said():
    with pytest.raises(InvalidInput) as raised:
        asrlab.load_dataset("ftp://ann:s3cret@127.0.0.1:1/m.jsonl?sig=hidden")
    assert "s3cret" not in str(raised.value)
    assert "hidden" not in str(raised.value)


def test_a_manifest_behind_a_signed_link_is_recognised_and_its_signature_is_not_told(tmp_path):
    (tmp_path / "m.jsonl").write_text('{"id": "a", "audio": "a.wav"}\n')
    (tmp_path / "broken.jsonl").write_text('{"id": "a"}\n{"id"\n')
    with file_server(tmp_path) as host:
        signed = "?Signature=s3cret&Expires=9"
        assert len(asrlab.load_dataset(f"{host.url}/m.jsonl{signed}")) == 1
        with pytest.raises(InvalidInput, match="line 2") as raised:
            asrlab.load_dataset(f"{host.url}/broken.jsonl{signed}")
    assert "s3cret" not in str(raised.value)
