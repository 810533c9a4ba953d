"""Sweeps whose store, and replays that, lie on object storage."""

from __future__ import annotations

import pickle
import sqlite3
import threading
from contextlib import closing

import pandas as pd
import pytest
import sweeping
from object_storage import bucket, bucket_with_keys, server_of_s3, server_with_keys  # noqa: F401
from stand_ins import Scripted

import asrlab
from asrlab.errors import MissingTrials, StoreError
from asrlab.server.run import serve
from asrlab.sweep.opened import open_sweep
from asrlab.sweep.store import Store, lease, objects
from asrlab.sweep.sweep import Sweep

CONDITIONS = asrlab.grid(language={"none": None, "en": "en"})
OF_THE_MOMENT = ["submitted_at", "ended_at", "queued_s", "elapsed_s"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return sweeping.recordings(tmp_path_factory.mktemp("set") / "set", 4)


def settled(frame):
    return frame.drop(columns=[name for name in OF_THE_MOMENT if name in frame])


def test_a_sweep_on_object_storage_is_one_on_a_disk(dataset, s3, tmp_path, monkeypatch):
    engine = Scripted()
    there = Sweep(dataset, engine, CONDITIONS, store=f"{s3.url}/runs/first", repeats=2)
    here = Sweep(dataset, Scripted(), CONDITIONS, store=tmp_path / "run", repeats=2)
    assert "nothing asked" in repr(there)
    assert repr(there.plan()) == repr(here.plan())
    assert s3.names() == []
    for sweep in (there, here):
        sweep.run(progress=False)
    assert len(engine.asked) == 16
    there.run(progress=False)
    assert len(engine.asked) == 16
    assert there.digest == here.digest
    for table in ("transcripts", "words", "costs", "parameters", "conditions", "failures"):
        pd.testing.assert_frame_equal(settled(getattr(there, table)), settled(getattr(here, table)))
    assert [run["outcome"] for run in there.provenance] == ["finished", "finished"]
    assert there.verify() == []
    monkeypatch.setenv("ASRLAB_CACHE", str(tmp_path / "elsewhere"))
    again = open_sweep(f"{s3.url}/runs/first/")
    assert again.digest == here.digest
    assert "16 answered" in repr(again)
    assert "first" in repr(again)
    assert again.about["dataset"] == "set"
    assert again.raw(again.transcripts["trial"][0]) == here.raw(here.transcripts["trial"][0])
    assert "set" in repr(asrlab.provenance(again))
    assert pickle.loads(pickle.dumps(again.source)) == again.source


def test_replays_are_written_to_urls_and_read_from_them(dataset, s3, tmp_path, monkeypatch):
    sweep = Sweep(dataset, Scripted(), CONDITIONS, store=f"{s3.url}/run")
    sweep.run(progress=False)
    url = f"{s3.url}/replays/dictation.jsonl"
    with pytest.raises(StoreError, match="There is no run at"):
        open_sweep(url)
    assert str(sweep.save_replay(url)) == url
    local = sweep.save_replay(tmp_path / "replay.jsonl")
    assert s3.files.cat_file(f"{s3.name}/replays/dictation.jsonl") == local.read_bytes()
    replay = open_sweep(url)
    assert replay.digest == sweep.digest
    assert "dictation.jsonl" in repr(replay)
    with pytest.raises(StoreError, match="is a replay, which is only read"):
        Sweep(dataset, Scripted(), CONDITIONS, store=url).run(progress=False)
    Sweep(dataset, Scripted(), CONDITIONS, store=url).replay()
    with pytest.raises(MissingTrials, match="s3://"):
        Sweep(dataset, Scripted(), asrlab.grid(language={"nl": "nl"}), store=url).replay()
    # What is there now is read, also by who has read it before.
    Sweep(dataset, Scripted("No."), CONDITIONS, store=tmp_path / "other").run(progress=False)
    open_sweep(tmp_path / "other").save_replay(url)
    assert set(replay.transcripts["text"]) == {"No."}
    s3.files.pipe_file(f"{s3.name}/replays/dictation.jsonl", local.read_bytes()[:-5])
    with pytest.raises(StoreError, match=r"s3://bucket-\d+/replays/dictation.jsonl cannot be read as a replay") as said:
        open_sweep(url).transcripts  # noqa: B018
    assert "/tmp" not in str(said.value)
    with pytest.raises(StoreError, match=r"is a \.jsonl file"):
        sweep.save_replay(f"{s3.url}/replay.txt")
    with pytest.raises(StoreError, match="could not be written"):
        sweep.save_replay("s3://nobodys-bucket/replay.jsonl")


@pytest.mark.parametrize("there", ["s3://bucket", "http://127.0.0.1:9"])
def test_offline_no_replay_is_fetched_or_written_at_a_url(dataset, there, monkeypatch, tmp_path):
    sweep = Sweep(dataset, Scripted(), CONDITIONS, store=tmp_path / "run")
    sweep.run(progress=False)
    monkeypatch.setenv("ASRLAB_OFFLINE", "1")
    monkeypatch.setattr(objects, "files_of", lambda where: pytest.fail(f"{where} was asked for"))
    url = f"{there}/replay.jsonl"
    for read in (open_sweep, sweep.save_replay, Sweep(dataset, Scripted(), CONDITIONS, store=url).replay):
        with pytest.raises(StoreError, match=r"replay\.jsonl is not asked for, since ASRLAB_OFFLINE is set"):
            read() if read.__name__ == "replay" else read(url)


def test_a_repr_says_what_is_wrong_and_does_not_raise(dataset, s3_with_keys, monkeypatch):
    import s3fs

    sweep = Sweep(dataset, Scripted(), CONDITIONS, store=f"{s3_with_keys.url}/run")
    with pytest.raises(StoreError, match="conditional writes"):
        sweep.run(progress=False)
    assert sweep.engine.asked == []
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wr0ng")
    s3fs.S3FileSystem.clear_instance_cache()
    for one in (sweep, Sweep(dataset, Scripted(), CONDITIONS, store=f"{s3_with_keys.url}/x.jsonl")):
        assert "access is refused" in repr(one)
        assert "access is refused" in one._repr_html_()
        assert "wr0ng" not in one._repr_html_()


@pytest.mark.usefixtures("paces_of_its_own")
def test_a_storage_that_goes_away_in_the_middle_ends_the_run_and_nothing_is_sent_that_is_not_on_it(
    dataset, s3, monkeypatch
):
    monkeypatch.setattr(objects, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(objects, "_PAUSE_S", 0.02)
    gone = threading.Event()
    real = objects.Objects.__init__

    def through(self, where):
        real(self, where)
        pipe_file = self._files.pipe_file

        def refuse(path, content, **mode):
            if gone.is_set():
                raise ConnectionError
            return pipe_file(path, content, **mode)

        self._files = _With(self._files, pipe_file=refuse)

    monkeypatch.setattr(objects.Objects, "__init__", through)

    def seen(progress):
        if progress.done >= 4:
            gone.set()

    with serve("scripted", limits=None, run_s=0.02) as service:
        sweep = sweeping.sweep(dataset.folder, f"{s3.url}/run", service.url)
        with pytest.raises(StoreError, match="could not be written: its host cannot be reached"):
            sweep.run(progress=seen, concurrency=2)
        monkeypatch.setattr(lease, "LAPSE_S", 0.0)
        gone.clear()
        counted = service.status()["submits"]
        assert 4 <= counted < 32
        with Store(f"{s3.url}/run") as store, closing(sqlite3.connect(store.folder / "ledger.sqlite")) as db:
            assert db.execute("select count(*) from attempt").fetchone() >= (counted,)
        sweep.run(progress=False)
        sweep.run(progress=False, retry="unknown")
        assert sweep.transcripts["state"].eq("answered").all()
        # A submit whose task id could not be written is found again; nothing is sent twice but what was not sent once.
        assert service.status()["submits"] == 32
        assert sweep.verify() == []


class _With:
    """An object with other methods."""

    def __init__(self, real, **others):
        self.__dict__.update(others)
        self._real = real

    def __getattr__(self, name):
        return getattr(self._real, name)
