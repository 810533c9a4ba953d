"""Data over workers: the same findings, digests and bytes wherever recordings are read and made."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pytest
import soundfile

import asrlab
from asrlab.data import audio_cache, making, places, recordings, spread
from asrlab.data.dataset import Dataset
from asrlab.data.places import OutOfReach
from asrlab.data.spread import seen
from asrlab.errors import InvalidInput

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def client():
    options = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as one:
        yield one


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(2) as pool:
        yield pool


@pytest.fixture(scope="module", params=["here", "threads", "processes", "dask"])
def anywhere(request):
    if request.param == "threads":
        with ThreadPoolExecutor(3) as pool:
            yield pool
    else:
        names = {"processes": "processes", "dask": "client"}
        yield request.getfixturevalue(names[request.param]) if request.param in names else None


@pytest.fixture
def nothing_known(monkeypatch, tmp_path):
    """Let nothing be known of recordings, and nothing be made of them, before."""

    def forget(name):
        monkeypatch.setattr(recordings, "cache_folder", lambda _: tmp_path / name / "recordings")
        monkeypatch.setattr(audio_cache, "cache_folder", lambda of: tmp_path / name / of)

    forget("first")
    return forget


def talk(n, seconds=0.8, rate=8_000):
    rng = np.random.default_rng(n)
    t = np.arange(round(seconds * rate)) / rate
    return 0.1 * rng.standard_normal(len(t)) * (0.05 + np.abs(np.sin(2 * np.pi * 3 * t)))


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """A set of 30 recordings by 6 speakers with many faults in it, none of them younger than a clock tells."""
    folder = tmp_path_factory.mktemp("faulty")
    for n in range(26):
        soundfile.write(folder / f"u{n}.wav", talk(n), 8_000)
    soundfile.write(folder / "u26.wav", np.stack([talk(26), 0 * talk(1)], 1), 16_000)
    soundfile.write(folder / "u27.wav", 200 * talk(27), 8_000)
    (folder / "u28.wav").write_bytes(b"this is no audio")
    rows = pd.DataFrame({
        "utt_id": [f"u{n}" for n in range(30)], "audio": [f"u{n}.wav" for n in range(30)], "language": "en",
        "speaker": [f"s{n % 6}" for n in range(30)],
    })  # fmt: skip
    cut = pd.DataFrame({
        "utt_id": ["a", "b", "c"], "audio": "u1.wav", "language": "en", "speaker": ["s1", "s2", "s7"],
        "begin_s": [0.0, 0.4, 5.0], "end_s": [0.4, 0.8, 6.0], "channel": [None, 0, None],
    })  # fmt: skip
    rows = pd.concat([rows, cut], ignore_index=True)
    said = pd.DataFrame({"utt_id": rows["utt_id"], "text": "it is so"})
    hour_ago = time.time() - 3600
    for file in folder.iterdir():
        os.utime(file, (hour_ago, hour_ago))
    time.sleep(0.15)
    return Dataset("faulty", rows, said, folder=folder)


@pytest.fixture(scope="module")
def sound(faulty):
    return faulty.select([f"u{n}" for n in range(26)] + ["a", "b"])


@pytest.fixture(scope="module")
def few(sound):
    return sound.select(["u0", "u1", "u2", "u3", "u4", "u5", "u6", "a"])


RECIPES = {
    "noise": {"snr": 5, "noise": "babble", "audio_seed": 3},
    "room": {"rt60": 0.3, "packet_loss": 0.1, "codec": "gsm", "speed": 1.1},
}


class TestTheSameAnywhere:
    """Whoever reads and makes, what comes of it is the same."""

    def test_findings(self, faulty, anywhere, nothing_known):
        told = []
        expected = faulty.check(progress=False)
        found = faulty.check(executor=anywhere, progress=lambda *counts: told.append(counts))
        pd.testing.assert_frame_equal(found.table, expected.table, check_exact=True)
        assert found.minutes == expected.minutes
        assert {"missing audio", "unreadable audio", "silent channel", "clipping", "stretch beyond the end"} <= set(
            found.counts
        )
        assert told[0] == (0, 30)
        assert told[-1] == (30, 30)
        assert told == sorted(told)

    def test_findings_of_what_is_made(self, faulty, anywhere, nothing_known):
        noisy = faulty.select(["u0", "u1", "u2", "u3", "u28", "u29", "a"]).perturb(snr=20, noise="pink")
        expected = noisy.check(progress=False).table
        nothing_known("second")
        pd.testing.assert_frame_equal(noisy.check(executor=anywhere, progress=False).table, expected, check_exact=True)
        assert set(expected.loc[expected["check"] == "missing audio", "utt_id"]) == {"u28", "u29"}

    def test_digests_and_lengths(self, sound, anywhere, nothing_known):
        # Each by itself, in this thread, as no executor does.
        expected = {
            utt_id: asrlab.data.recordings.measure(sound._file(utt_id)) for utt_id in sound.utterances["utt_id"]
        }
        measured = sound.measure(anywhere).utterances
        whole = [f"u{n}" for n in range(26)]
        assert {utt_id: sound.facts(utt_id) for utt_id in whole} == {utt_id: expected[utt_id] for utt_id in whole}
        assert measured["duration_s"].tolist() == [0.8] * 26 + [0.4, 0.4]
        pd.testing.assert_frame_equal(measured, sound.measure().utterances, check_exact=True)

    @pytest.mark.parametrize("recipe", RECIPES)
    def test_what_is_made(self, few, anywhere, nothing_known, recipe):
        noisy = few.perturb(**RECIPES[recipe])
        expected = {utt_id: noisy.audio_path(utt_id) for utt_id in noisy.utterances["utt_id"]}  # one by one, as before
        nothing_known("second")
        assert noisy.make(anywhere, progress=False) is noisy
        made = {path.name: path for path in audio_cache.cache_folder("derived").rglob("*.flac")}
        assert set(made) >= {path.name for path in expected.values()}  # what babbles in it may be made too
        for path in expected.values():
            assert made[path.name].read_bytes() == path.read_bytes()
            assert made[path.name] != path

    def test_what_is_made_of_what_is_made(self, few, anywhere, nothing_known):
        long = few.perturb(gain_db=-6).concatenate("speaker", gap_s=0.1).perturb(snr=10, noise="babble", talkers=2)
        expected = {utt_id: long.audio_path(utt_id) for utt_id in long.utterances["utt_id"]}
        nothing_known("second")
        long.make(anywhere, progress=False)
        for path in expected.values():
            assert (audio_cache.cache_folder("derived") / path.name[:2] / path.name).read_bytes() == path.read_bytes()

    def test_sets_that_are_written(self, few, anywhere, nothing_known, tmp_path):
        noisy = few.perturb(snr=0, noise="white")
        first = noisy.write(tmp_path / "one", copy_audio=True, progress=False)
        nothing_known("second")
        second = noisy.write(tmp_path / "two", copy_audio=True, executor=anywhere, progress=False)
        files = {path.relative_to(first): path.read_bytes() for path in first.rglob("*") if path.is_file()}
        assert files == {path.relative_to(second): path.read_bytes() for path in second.rglob("*") if path.is_file()}
        assert len(files) == 10


class TestWorkIsDoneOnce:
    """What one has found out, nobody reads again."""

    def test_after_workers_read_recordings_the_caller_does_not(self, sound, processes, nothing_known, monkeypatch):
        sound.learn_facts(processes)
        monkeypatch.setattr("asrlab.data.audio.digest", lambda path: pytest.fail("it is known"))
        for dataset in (sound, sound.perturb(snr=5, noise="babble")):
            assert len({dataset.digest(utt_id) for utt_id in dataset.utterances["utt_id"]}) == 28
        sound.learn_facts()

    def test_workers_do_not_read_what_is_known(self, sound, client, nothing_known, monkeypatch):
        sound.learn_facts()
        monkeypatch.setattr(spread, "_measured", lambda part: pytest.fail("it is known"))
        told = []
        sound.learn_facts(client, progress=lambda *counts: told.append(counts))
        assert told == []

    def test_what_was_found_out_is_kept_in_few_writes(self, sound, nothing_known, monkeypatch):
        writes, real = [], recordings.Recordings._on_disk
        monkeypatch.setattr(recordings.Recordings, "_on_disk", lambda *a: (writes.append(1), real(*a))[1])
        with ThreadPoolExecutor(1) as pool:
            sound.learn_facts(pool)
        assert len(writes) <= 12  # one that reads, and one for each part

    def test_what_is_made_already_is_not_made_again(self, sound, nothing_known, monkeypatch):
        noisy = sound.perturb(snr=5)
        noisy.audio_path("u3")
        made = []
        real = making._made
        monkeypatch.setattr(making, "_made", lambda derivation: (made.append(derivation), real(derivation))[1])
        noisy.make(progress=False)
        assert len(made) == 27
        noisy.make(progress=False)
        assert len(made) == 27

    def test_one_recording_under_two_ids_is_made_once(self, sound, nothing_known, monkeypatch):
        rows = sound.utterances[sound.utterances["utt_id"].isin(["u1", "u2"])].assign(audio="u1.wav")
        twice = Dataset("twice", rows, folder=sound.folder).perturb(snr=5)
        made, real = [], making._made
        monkeypatch.setattr(making, "_made", lambda derivation: (made.append(derivation), real(derivation))[1])
        twice.make(progress=False)
        assert len(made) == 1
        assert twice.audio_path("u1") == twice.audio_path("u2")


class TestWhatGoesWrong:
    """It is said as what it is, and what was done before stays done."""

    def test_a_file_that_a_worker_does_not_have_is_no_fault_of_the_recording(self, sound, client, monkeypatch):
        real = spread.seen
        monkeypatch.setattr(spread, "seen", lambda path: real(path)._replace(path=Path("/nowhere") / path.name))
        monkeypatch.setattr("asrlab.data.checks.sound.seen", spread.seen)
        with pytest.raises(
            InvalidInput, match=r"u0.wav is not there where it was to be read, on .*disk that all.*s3://"
        ):
            sound.check(executor=client, progress=False)

    @pytest.mark.parametrize("change", [{"size": 1}, {"changed_s": 1.0}])
    def test_another_file_of_the_name_is_none(self, sound, change):
        one = pickle.loads(pickle.dumps(seen(sound.folder / "u0.wav")))
        assert one.file() == sound.folder / "u0.wav"
        with pytest.raises(OutOfReach, match="is another file where it was to be read"):
            one._replace(**change).file()

    def test_learning_and_making_say_so_too(self, sound, client, nothing_known, monkeypatch):
        real = spread.seen
        monkeypatch.setattr(spread, "seen", lambda path: real(path)._replace(size=1))
        monkeypatch.setattr("asrlab.data.derived.seen", spread.seen)
        with pytest.raises(OutOfReach):
            sound.learn_facts(client)
        with pytest.raises(OutOfReach):
            sound.measure(client)
        for utt_id in sound.utterances["utt_id"]:
            sound.facts(utt_id)
        with pytest.raises(OutOfReach):
            sound.perturb(snr=5).make(client, progress=False)
        assert not list(audio_cache.cache_folder("derived").rglob("*.flac"))

    def test_what_cannot_be_made_is_named(self, faulty, anywhere, nothing_known):
        noisy = faulty.select(["u0", "u1", "u28"]).perturb(gain_db=-3)
        with pytest.raises(InvalidInput, match=r"Utterance u28: .*u28\.wav"):
            noisy.make(anywhere, progress=False)
        assert noisy._derivation("u0").is_kept
        swapped = faulty.select(["u26", "u0"]).perturb(mix="swap")
        with pytest.raises(InvalidInput, match=r"Utterance u0: mix='swap' needs two channels"):
            swapped.make(anywhere, progress=False)

    def test_what_changes_while_a_worker_makes_something_of_it_is_not_kept(self, tmp_path, client, nothing_known):
        soundfile.write(tmp_path / "a.wav", talk(1), 8_000)
        noisy = Dataset("one", pd.DataFrame({"utt_id": ["a"], "audio": ["a.wav"]}), folder=tmp_path).perturb(snr=5)
        made = noisy._derivation("a")
        content = made.settled().flac()
        soundfile.write(tmp_path / "a.wav", talk(2), 8_000)
        with pytest.raises(InvalidInput, match="changed while another was made"):
            made.keep(lambda: content)
        assert not list(audio_cache.cache_folder("derived").rglob("*.flac"))

    def test_what_changes_while_workers_read_it_is_read_again(self, tmp_path, nothing_known, monkeypatch):
        soundfile.write(tmp_path / "a.wav", talk(1), 8_000)
        dataset = Dataset("one", pd.DataFrame({"utt_id": ["a"], "audio": ["a.wav"]}), folder=tmp_path)
        time.sleep(0.15)
        real = spread._measured

        def change(part):
            found = real(part)
            soundfile.write(tmp_path / "a.wav", talk(2), 8_000)
            return found

        monkeypatch.setattr(spread, "_measured", change)
        dataset.learn_facts()
        soundfile.write(tmp_path / "b.wav", talk(2), 8_000)
        assert dataset.digest("a") == asrlab.data.recordings.measure(tmp_path / "b.wav").digest

    def test_an_executor_that_is_none_is_refused_first(self, faulty):
        for act in (faulty.check, faulty.measure, faulty.learn_facts, faulty.perturb(snr=5).make):
            with pytest.raises(InvalidInput, match="executor="):
                act(executor=4)


def test_what_travels_is_small_and_knows_all(sound, nothing_known):
    """A part holds no dataset, and nothing that is looked up again where it arrives."""
    noisy = sound.perturb(snr=5, noise="babble")
    sent = pickle.dumps(noisy._derivation("u0").settled())
    assert len(sent) < 6_000
    expected = noisy.audio_path("u0").read_bytes()
    nothing_known("elsewhere")
    assert pickle.loads(sent).flac() == expected
    assert not (recordings.cache_folder("recordings") / recordings._NAME).exists()


STOPPED = """
import signal, sys, time
from concurrent.futures import ProcessPoolExecutor
import asrlab
from asrlab.data import derived

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job inherits it ignored
real = derived.perturb
def slowly(*arguments):
    time.sleep(0.3)
    real(*arguments)
derived.perturb = slowly

if __name__ == "__main__":
    noisy = asrlab.load_dataset(sys.argv[1]).perturb(gain_db=-3)
    with ProcessPoolExecutor(2) as pool:
        noisy.make(pool, progress=lambda done, total: print(done, flush=True))
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_what_was_made_before_an_interrupt_stays_and_no_half_file(sound, tmp_path, nothing_known, monkeypatch, how):
    folder = sound.select([f"u{n}" for n in range(12)]).write(tmp_path / "set", copy_audio=True, progress=False)
    script, cache = tmp_path / "stopped.py", tmp_path / "cache"
    script.write_text(STOPPED)
    process = subprocess.Popen(
        [sys.executable, script, folder], env={**os.environ, "ASRLAB_CACHE": str(cache)}, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, start_new_session=True,
    )  # fmt: skip
    assert [process.stdout.readline() for _ in range(3)][-1]
    os.killpg(process.pid, how)
    process.communicate()
    assert process.returncode != 0
    made = {path: path.read_bytes() for path in (cache / "derived").rglob("*.flac")}
    assert 3 <= len(made) < 12
    assert all(map(audio_cache._is_whole, made))
    monkeypatch.setattr(audio_cache, "cache_folder", lambda name: cache / name)
    asrlab.load_dataset(folder).perturb(gain_db=-3).make(progress=False)
    assert len(list((cache / "derived").rglob("*.flac"))) == 12
    assert all(path.read_bytes() == content for path, content in made.items())


class TestBehindURLs:
    """Workers fetch for themselves; the caller fetches nothing that a worker has read."""

    @pytest.fixture
    def bucket(self, sound, nothing_known):
        memory = fsspec.filesystem("memory")
        memory.store.clear()
        places._asked.clear()
        for file in sound.folder.iterdir():
            memory.pipe(f"/bucket/{file.name}", file.read_bytes())
        yield Dataset("far", sound.utterances, sound.references, folder=places.place("memory://bucket"))
        memory.store.clear()

    def test_the_same_comes_of_them(self, bucket, sound, few, client):
        pd.testing.assert_frame_equal(
            bucket.check(executor=client, progress=False).table.drop(columns="what"),
            sound.check(progress=False).table.drop(columns="what"),
        )
        noisy, here = (one.perturb(**RECIPES["noise"]) for one in (bucket.select(few.utterances["utt_id"]), few))
        noisy.make(client, progress=False)
        for utt_id in few.utterances["utt_id"]:
            assert bucket.digest(utt_id) == sound.digest(utt_id)
            assert noisy.audio_path(utt_id).read_bytes() == here.audio_path(utt_id).read_bytes()

    def test_the_caller_fetches_nothing_to_know_what_workers_found(self, bucket, client, monkeypatch):
        bucket.learn_facts(client)
        monkeypatch.setattr(places, "_fetch", lambda *a: pytest.fail("it is known"))
        known = bucket.measure().utterances
        assert known["duration_s"].notna().all()
        assert len({bucket.digest(utt_id) for utt_id in known["utt_id"]}) == 28

    def test_a_change_is_noticed(self, bucket, client, monkeypatch):
        bucket.learn_facts(client)
        before = bucket.digest("u0")
        memory = fsspec.filesystem("memory")
        memory.pipe("/bucket/u0.wav", memory.cat("/bucket/u1.wav"))
        monkeypatch.setattr(places, "_asked", {})
        assert bucket.digest("u0") == bucket.digest("u1") != before

    def test_what_changes_while_it_is_fetched_is_not_kept(self, bucket, monkeypatch):
        memory = fsspec.filesystem("memory")
        real = type(memory).get_file

        def change(self, name, target, **options):
            real(self, name, target, **options)
            memory.pipe("/bucket/u0.wav", memory.cat("/bucket/u1.wav"))

        monkeypatch.setattr(type(memory), "get_file", change)
        with pytest.raises(InvalidInput, match="changed while it was read"):
            bucket.audio_path("u0")
        monkeypatch.undo()
        places._asked.clear()
        assert bucket.digest("u0") == bucket.digest("u1")

    def test_hosts_are_asked_about_many_at_once(self, bucket, monkeypatch):
        memory = fsspec.filesystem("memory")
        going = []
        met = threading.Event()
        real = type(memory).info

        def info(self, path, **options):
            going.append(path)
            if len(going) >= 8:
                met.set()
            assert met.wait(5)
            return real(self, path, **options)

        monkeypatch.setattr(type(memory), "info", info)
        places.ask_all([bucket._file(utt_id) for utt_id in bucket.utterances["utt_id"]])
        assert met.is_set()
