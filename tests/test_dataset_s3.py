"""Datasets on object storage, on real servers of the S3 protocol: all that goes with a folder goes with a bucket."""

from __future__ import annotations

import collections
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
import pytest
import soundfile
from object_storage import bucket, bucket_with_keys, reached, server_of_s3, server_with_keys, serving  # noqa: F401

import asrlab
from asrlab.data import audio_cache, places, recordings, writing
from asrlab.data.dataset import Dataset
from asrlab.data.places import OutOfReach
from asrlab.errors import InvalidInput

pytest.importorskip("s3fs")


@pytest.fixture(autouse=True)
def nothing_fetched(monkeypatch, tmp_path):
    """Let nothing be known of what lies in a bucket, whose name another server may have had."""
    monkeypatch.setattr(places, "_asked", {})
    monkeypatch.setattr(recordings, "cache_folder", lambda name: tmp_path / "cache" / name)
    for module in (audio_cache, places):
        monkeypatch.setattr(module, "cache_folder", lambda name: tmp_path / "cache" / name)


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """Eight words by four speakers."""
    folder = tmp_path_factory.mktemp("here") / "words"
    (folder / "audio").mkdir(parents=True)
    ids = [f"w{n}" for n in range(8)]
    for n, utt_id in enumerate(ids):
        noise = 0.1 * np.random.default_rng(n).standard_normal(2_000 + 100 * n)
        soundfile.write(folder / "audio" / f"{utt_id}.flac", noise, 8_000)
    rows = pd.DataFrame({
        "utt_id": ids, "audio": [f"audio/{utt_id}.flac" for utt_id in ids], "language": "en",
        "speaker": [f"s{n % 4}" for n in range(8)],
    })  # fmt: skip
    said = pd.DataFrame({"utt_id": ids, "text": [f"this is word {n}" for n in range(8)]})
    dataset = Dataset("words", rows, said, folder=folder)
    return asrlab.load_dataset(dataset.write(folder.parent / "set", copy_audio=True, progress=False))


@pytest.fixture
def requests(monkeypatch):
    """Count what a host is asked, by its verbs."""
    from s3fs.core import S3FileSystem

    counted, real = collections.Counter(), S3FileSystem._call_s3

    async def call(self, method, *arguments, **options):
        counted[method if isinstance(method, str) else method.__name__] += 1
        return await real(self, method, *arguments, **options)

    monkeypatch.setattr(S3FileSystem, "_call_s3", call)
    return counted


@pytest.fixture
def far(words, s3):
    return asrlab.load_dataset(words.write(f"{s3.url}/corpora/set", copy_audio=True, progress=False))


ENDINGS = {"nemo": ".json", "csv": ".csv", "parquet": ".parquet", "jsonl": ".jsonl"}


@pytest.mark.parametrize("form", ["tables", "kaldi", "nemo", "csv", "parquet", "jsonl", "folder"])
def test_formats_are_written_to_a_bucket_and_read_as_in_a_folder(words, s3, tmp_path, form):
    name = f"set{ENDINGS.get(form, '')}"
    there = words.bare().write(f"{s3.url}/{form}/{name}", form, copy_audio=True, progress=False)
    here = words.bare().write(tmp_path / form / name, form, copy_audio=True, progress=False)
    assert [one.removeprefix(f"{form}/") for one in s3.names(form)] == sorted(
        path.relative_to(tmp_path / form).as_posix() for path in (tmp_path / form).rglob("*") if path.is_file()
    )
    read = partial(asrlab.load_dataset, format=form, language="en")
    far, near = read(str(there)), read(here)
    assert far.name == near.name
    for table in ("utterances", "references", "terms", "segments"):
        pd.testing.assert_frame_equal(getattr(far, table), getattr(near, table))
    assert far.fingerprint() == near.fingerprint()


@pytest.mark.parametrize("ending", ["zip", "gztar"])
def test_archives_are_unpacked(words, s3, tmp_path, ending):
    packed = shutil.make_archive(tmp_path / "packed", ending, words.folder.parent, words.folder.name)
    name = packed.rpartition("/")[2]
    s3.files.put_file(packed, f"{s3.name}/{name}")
    assert asrlab.load_dataset(f"{s3.url}/{name}").fingerprint() == words.fingerprint()


def test_archives_may_be_larger_than_a_recording(words, s3, tmp_path, monkeypatch):
    packed = shutil.make_archive(tmp_path / "packed", "zip", words.folder.parent, words.folder.name)
    s3.files.put_file(packed, f"{s3.name}/packed.zip")
    monkeypatch.setattr(places.local_copy, "__defaults__", (1_000, None))
    assert len(asrlab.load_dataset(f"{s3.url}/packed.zip")) == 8


def test_all_that_goes_with_a_set_goes_with_one_in_a_bucket(far, words, tmp_path):
    assert repr(far) == repr(words)
    assert far.note("README.md") == words.note("README.md") if words.card else far.card is None
    assert far.fingerprint() == words.fingerprint()
    with ProcessPoolExecutor(2) as pool:
        for executor in (None, pool):
            found = far.check(executor=executor, progress=False).table
            pd.testing.assert_frame_equal(found, words.check(progress=False).table, check_exact=True)
        noisy = far.perturb(snr=5, noise="babble").make(pool, progress=False)
    made = {utt_id: noisy.audio_path(utt_id).read_bytes() for utt_id in words.utterances["utt_id"]}
    near = words.perturb(snr=5, noise="babble")
    assert made == {utt_id: near.audio_path(utt_id).read_bytes() for utt_id in made}
    pd.testing.assert_frame_equal(far.measure().utterances, words.measure().utterances)
    assert far.sample(3, seed=1).utterances["utt_id"].tolist() == words.sample(3, seed=1).utterances["utt_id"].tolist()
    parts, others = (one.split({"a": 0.5, "b": 0.5}) for one in (far, words))
    assert {name: part.fingerprint() for name, part in parts.items()} == {n: p.fingerprint() for n, p in others.items()}
    long, short = (one.concatenate("speaker", gap_s=0.1) for one in (far, words))
    assert long.fingerprint() == short.fingerprint()
    assert long.segmented().fingerprint() == short.segmented().fingerprint()
    assert far.audio_path("w3").read_bytes() == words.audio_path("w3").read_bytes()
    assert far.clip("w3", 0.05, 0.1) == words.clip("w3", 0.05, 0.1)


def test_a_sweep_over_a_bucket(far, words, tmp_path):
    found = []
    for dataset in (far, words):
        sweep = asrlab.Sweep(
            dataset, asrlab.engine("scripted"), asrlab.grid(gain_db=[None, -6]), store=tmp_path / str(len(found))
        )
        sweep.run(progress=False)
        found.append(sweep.transcripts[["trial", "utt_id", "condition", "state", "text", "audio_s"]])
    pd.testing.assert_frame_equal(*found)
    assert found[0]["state"].eq("answered").all()


class TestChanges:
    def test_a_new_recording_under_an_old_name_is_noticed(self, far, s3, monkeypatch):
        before = far.digest("w0"), far.audio_path("w0")
        s3.files.pipe(f"{s3.name}/corpora/set/audio/w0.flac", far.audio_path("w1").read_bytes())
        monkeypatch.setattr(places, "_asked", {})
        assert far.digest("w0") == far.digest("w1") != before[0]
        assert far.audio_path("w0") != before[1]
        assert before[1].is_file()

    def test_what_a_listing_said_is_not_taken_for_what_is(self, far, s3, monkeypatch):
        """File systems remember the folders that were listed, which reading a folder of audio does."""
        listed = asrlab.load_dataset(f"{s3.url}/corpora/set/audio", format="folder", language="en")
        assert listed.digest("w0") == far.digest("w0")
        s3.files.pipe(f"{s3.name}/corpora/set/audio/w0.flac", far.audio_path("w1").read_bytes())
        monkeypatch.setattr(places, "_asked", {})
        assert listed.digest("w0") == far.digest("w1")
        s3.files.rm_file(f"{s3.name}/corpora/set/audio/w0.flac")
        monkeypatch.setattr(places, "_asked", {})
        with pytest.raises(InvalidInput, match=r"w0\.flac is no file that can be read: it is not there"):
            listed.digest("w0")
        assert listed.check(progress=False).counts["missing audio"] == 1


class TestRequests:
    """Each takes tens of milliseconds on a network, and some cost money."""

    def test_each_recording_is_fetched_once(self, far, requests):
        requests.clear()
        far.check(progress=False)
        assert requests == {"head_object": 16, "get_object": 8}  # each before and after it is fetched
        requests.clear()
        for utt_id in far.utterances["utt_id"]:
            far.digest(utt_id)
            far.audio_path(utt_id)
        far.check(progress=False)
        far.perturb(snr=5).make(progress=False)
        assert requests["get_object"] == 0
        assert requests["head_object"] <= 24  # at most once each time that all are gone through

    def test_what_is_known_is_asked_for_and_not_fetched(self, far, requests, monkeypatch, tmp_path):
        expected = far.fingerprint()
        shutil.rmtree(tmp_path / "cache" / "fetched")
        monkeypatch.setattr(places, "_asked", {})
        recordings._recordings_in.cache_clear()
        requests.clear()
        far.learn_facts()
        assert far.fingerprint() == expected
        assert requests == {"head_object": 8}

    def test_recordings_are_written_with_a_request_each(self, words, s3, requests):
        requests.clear()
        words.write(f"{s3.url}/set", copy_audio=True, progress=False)
        assert requests["put_object"] == len(s3.names()) == 8 + 2
        assert sum(requests.values()) - requests["put_object"] <= 8


class TestWriting:
    def test_a_manifest_names_nothing_that_is_not_there_yet(self, words, s3, monkeypatch):
        order, real = [], writing.put
        monkeypatch.setattr(writing, "put", lambda file, target: (order.append(target.name), real(file, target)))
        words.write(f"{s3.url}/set", copy_audio=True, progress=False)
        assert order[8:] == ["references.jsonl", "utterances.jsonl"]
        assert all(name.endswith(".flac") for name in order[:8])

    def test_what_broke_off_goes_on_where_it_was(self, words, s3, monkeypatch, requests):
        real = writing.put

        def broken(file, target):
            if target.name == "w5.flac":
                raise InvalidInput("the disk is full")
            real(file, target)

        monkeypatch.setattr(writing, "put", broken)
        monkeypatch.setattr(places, "_AT_ONCE", 1)
        with pytest.raises(InvalidInput, match="the disk is full"):
            words.write(f"{s3.url}/set", copy_audio=True, progress=False)
        there = s3.names()
        assert "set/audio/w4.flac" in there
        assert not [name for name in there if name.endswith(".jsonl")]
        monkeypatch.undo()
        before = {name: s3.files.info(f"{s3.name}/{name}")["LastModified"] for name in there}
        time.sleep(1.1)  # so that another writing would show
        assert asrlab.load_dataset(words.write(f"{s3.url}/set", copy_audio=True)).fingerprint() == words.fingerprint()
        assert {name: s3.files.info(f"{s3.name}/{name}")["LastModified"] for name in there} == before

    def test_nothing_is_written_over(self, words, far, s3):
        with pytest.raises(InvalidInput, match="two datasets are not mixed"):
            words.write(f"{s3.url}/corpora/set", copy_audio=True)
        s3.files.pipe(f"{s3.name}/other/audio/w0.flac", b"another")
        with pytest.raises(InvalidInput, match=r"w0\.flac is there already and is another recording"):
            words.write(f"{s3.url}/other", copy_audio=True)
        assert s3.names("other") == ["other/audio/w0.flac"]

    def test_a_bucket_is_not_made(self, words, s3):
        with pytest.raises(InvalidInput, match=r"nobodys-bucket/.* cannot be written: it is not there"):
            words.write("s3://nobodys-bucket/set", copy_audio=True)
        assert not s3.files.exists("nobodys-bucket")

    def test_a_manifest_elsewhere_names_the_audio_where_it_is(self, words, far, s3, tmp_path):
        beside = far.write(f"{s3.url}/corpora/list.jsonl")
        assert asrlab.load_dataset(str(beside)).fingerprint() == words.fingerprint()
        here = far.write(tmp_path / "list.jsonl")
        assert asrlab.load_dataset(here, audio_root=f"{s3.url}/corpora").fingerprint() == words.fingerprint()
        there = words.write(f"{s3.url}/list.jsonl")
        assert asrlab.load_dataset(str(there), audio_root=words.folder).fingerprint() == words.fingerprint()


class TestWhatIsRefused:
    """Clearly, and without a word of what is secret."""

    HIDDEN = "s3cret-of-nobody"

    def test_what_is_not_there(self, s3):
        for url in ("s3://nobodys-bucket/set", f"{s3.url}/set"):
            with pytest.raises(InvalidInput, match=rf"There is no {url}"):
                asrlab.load_dataset(url)

    def test_a_wrong_key(self, words, s3_with_keys, monkeypatch):
        from upath import UPath

        url = f"{s3_with_keys.url}/set"
        words.write(url, copy_audio=True, progress=False)
        assert asrlab.load_dataset(url).fingerprint() == words.fingerprint()
        options = {**s3_with_keys.server.options, "key": "AKIA-nobody", "secret": self.HIDDEN}
        said = []
        for act in (asrlab.load_dataset, lambda at: words.write(at, copy_audio=True, progress=False)):
            with pytest.raises(InvalidInput, match=r"access is refused; check the key") as raised:
                act(UPath(url, **options))
            said.append(f"{raised.value} {raised.value.__cause__!r}")
        with pytest.raises(InvalidInput, match=r"access is refused; check the key"):
            asrlab.load_dataset(UPath(url, endpoint_url=s3_with_keys.server.url, key="", secret=""))
        assert "nobody" not in "".join(said)

    def test_a_key_that_was_given_is_kept_nowhere(self, words, s3, tmp_path, monkeypatch):
        from upath import UPath

        words.write(f"{s3.url}/set", copy_audio=True, progress=False)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
            monkeypatch.delenv(name)
        options = {**s3.server.options, "secret": self.HIDDEN}
        dataset = asrlab.load_dataset(UPath(f"{s3.url}/set", **options))
        with ProcessPoolExecutor(1) as pool:  # to which the key goes
            assert dataset.measure(pool).fingerprint() == words.fingerprint()
            dataset.perturb(snr=5).make(pool, progress=False)
        dataset.write(tmp_path / "list.jsonl")
        dataset.write(UPath(f"{s3.url}/two", **options), copy_audio=True, progress=False)
        shown = [repr(dataset), repr(dataset.folder), str(dataset.folder), dataset._repr_html_()]
        files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
        objects = [s3.files.cat_file(f"{s3.name}/{name}") for name in s3.names("two")]
        assert len(files) > 10
        assert not [
            one for one in [*files, *objects, *(text.encode() for text in shown)] if self.HIDDEN.encode() in one
        ]

    def test_a_host_that_is_gone_is_no_fault_of_the_recordings(self, words, tmp_path, monkeypatch):
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        with serving("moto") as server, reached(server, monkeypatch):
            server.files.mkdir("bucket")
            far = asrlab.load_dataset(words.write("s3://bucket/set", copy_audio=True, progress=False))
            monkeypatch.setattr(type(far.folder.fs), "retries", 1)
            known = far.audio_path("w0")
            server.process.kill()
            server.process.wait()
            monkeypatch.setattr(places, "_asked", {})
            for act in (
                lambda: far.check(progress=False),
                far.learn_facts,
                lambda: far.audio_path("w1"),
                lambda: asrlab.load_dataset("s3://bucket/set"),
                lambda: words.write("s3://bucket/other", copy_audio=True, progress=False),
            ):
                with pytest.raises(OutOfReach, match="its host cannot be reached; check the network"):
                    act()
            assert known.is_file()

    def test_nothing_is_asked_for_offline(self, far, monkeypatch):
        monkeypatch.setenv("ASRLAB_OFFLINE", "1")
        with pytest.raises(OutOfReach, match="since ASRLAB_OFFLINE is set"):
            far.check(progress=False)
        with pytest.raises(OutOfReach, match="since ASRLAB_OFFLINE is set"):
            far.audio_path("w0")
