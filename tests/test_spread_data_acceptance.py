"""Data over workers, in full: a thousand recordings are checked, hashed and disturbed, and what two workers gain."""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd
import pytest
import soundfile

from asrlab.data import audio_cache, recordings
from asrlab.data.dataset import Dataset

pytestmark = pytest.mark.acceptance
distributed = pytest.importorskip("distributed")
N = 1_000


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A thousand recordings of 6 s at 16 kHz by 50 speakers: noise that swells and fades as speech does."""
    folder = tmp_path_factory.mktemp("corpus")
    t = np.arange(6 * 16_000) / 16_000
    swell = 0.05 + np.abs(np.sin(2 * np.pi * 1.5 * t))
    for n in range(N):
        soundfile.write(
            folder / f"{n:05}.flac", 0.05 * swell * np.random.default_rng(n).standard_normal(len(t)), 16_000
        )
    rows = pd.DataFrame({
        "utt_id": [f"u{n}" for n in range(N)], "audio": [f"{n:05}.flac" for n in range(N)], "language": "en",
        "speaker": [f"s{n % 50}" for n in range(N)],
    })  # fmt: skip
    said = pd.DataFrame({"utt_id": rows["utt_id"], "text": "this is what somebody said in six seconds"})
    return Dataset("corpus", rows, said, folder=folder)


def test_the_same_and_how_fast(corpus, tmp_path, monkeypatch, capsys):
    found, made, table = {}, {}, []

    def timed(work, where, executor):
        start = time.perf_counter()
        result = work(executor)
        table.append({"work": work.__name__, "where": where, "seconds": time.perf_counter() - start})
        return result

    def check(executor):
        return corpus.check(executor=executor, progress=False).table

    def hash_all(executor):
        return corpus.measure(executor).fingerprint()

    def disturb(executor):
        corpus.perturb(snr=10, noise="babble", rt60=0.4).make(executor, progress=False)

    def all_of(where, executor):
        monkeypatch.setattr(recordings, "cache_folder", lambda name: tmp_path / where / name)
        monkeypatch.setattr(audio_cache, "cache_folder", lambda name: tmp_path / where / name)
        if executor is not None:
            list(executor.map(abs, range(8)))  # they are started
        found[where] = timed(check, where, executor), timed(hash_all, where, executor)
        timed(disturb, where, executor)
        folder = tmp_path / where / "derived"
        made[where] = {path.name: path.read_bytes() for path in folder.rglob("*.flac")}

    for workers in (1, 2):
        with ProcessPoolExecutor(workers) as pool:
            all_of(f"{workers} processes", pool)
    all_of("threads", None)
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        all_of("dask", client)
    first = found["1 processes"]
    for where, (findings, fingerprint) in found.items():
        pd.testing.assert_frame_equal(findings, first[0], check_exact=True)
        assert fingerprint == first[1]
        assert made[where] == made["1 processes"]
    assert len(made["threads"]) == N
    seconds = pd.DataFrame(table).pivot(index="work", columns="where", values="seconds")
    with capsys.disabled():
        print(f"\n{N:,} recordings of 6 s; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
        print(seconds.assign(gain=seconds["1 processes"] / seconds["2 processes"]).round(2).to_string())
