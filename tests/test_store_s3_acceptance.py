"""Runs on object storage, the full figures: killed drivers of the paid engine, 2,000 trials, servers that go away."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time

import pytest
import sweeping
import test_running
import test_store
import test_store_s3
from object_storage import bucket, bucket_with_keys, reached, server_of_s3, server_with_keys, serving  # noqa: F401
from test_store_s3 import *  # noqa: F403 - all of them, here on a server

from asrlab.engines.scripted import ScriptedEngine
from asrlab.errors import StoreError
from asrlab.server.run import serve
from asrlab.sweep.opened import open_sweep
from asrlab.sweep.store import Store, is_run, located

pytestmark = pytest.mark.acceptance
ON_S3 = set(dir(test_store_s3)) - {
    "test_what_is_no_run_is_told",  # which names the storage in memory
}


def bytes_of(s3):
    return sum(s3.files.info(f"{s3.name}/{name}")["size"] for name in s3.names())


@pytest.mark.parametrize("under_way", [1, 32])
def test_what_2000_trials_cost(s3, tmp_path, under_way):
    took, rows = {}, {}
    for name, where in {"disk": tmp_path / "run", "s3": f"{s3.url}/run"}.items():
        askings, identities = test_store.questions(2000)
        begun = time.monotonic()
        with Store(where, create=True) as store:
            store.plan(askings, identities, {})
            left = iter(askings)

            async def work(store=store, left=left):
                for asking in left:
                    await test_store.ask(store, asking.trial)

            async def all_of_them(work=work):
                await asyncio.gather(*(work() for _ in range(under_way)))

            asyncio.run(all_of_them())
            took[name] = time.monotonic() - begun
            rows[name] = store.transcripts().drop(columns="submitted_at")
        took[f"{name}, closed"] = time.monotonic() - begun
    assert rows["disk"].equals(rows["s3"])
    os.environ["ASRLAB_CACHE"] += "2"
    begun = time.monotonic()
    with Store(f"{s3.url}/run") as store:
        read_s = time.monotonic() - begun
        begun = time.monotonic()
        assert store.verify() == []
        verify_s = time.monotonic() - begun
    begun = time.monotonic()
    with Store(f"{s3.url}/run"):
        again_s = time.monotonic() - begun
    print(
        f"\n2,000 trials of 3 steps, {under_way} at once: disk {took['disk']:.1f} s, s3 {took['s3']:.1f} s "
        f"({1000 * took['s3'] / 2000:.1f} ms a trial); with its snapshot {took['s3, closed']:.1f} s; "
        f"{len(test_store_s3.logged(s3))} objects of the log, {bytes_of(s3) / 1e6:.2f} MB in all. Read on another "
        f"machine in {read_s:.2f} s, again in {again_s:.3f} s; verified in {verify_s:.1f} s."
    )


def test_killed_at_random_every_write_that_had_returned_is_on_the_storage(s3, tmp_path):
    answered = test_store.kill_at_random(f"{s3.url}/run", tmp_path / "log", times=12, seed=4)
    os.environ["ASRLAB_CACHE"] += "2"
    with Store(f"{s3.url}/run") as store:
        assert store.transcripts()["state"].eq("answered").sum() == answered
        assert store.verify() == []
    print(f"\n12 kills: {answered} answers, {len(test_store_s3.logged(s3))} objects")
    assert answered > 20


def test_a_paid_sweep_killed_at_random_ends_as_if_undisturbed(s3, tmp_path):
    dataset = sweeping.recordings(tmp_path / "set", 8)
    failing = test_running.FAILING
    faults = {"faults": test_running.FAULTS, "seed": 7, "limits": None, "workers": 16}
    with serve(ScriptedEngine(**failing), **faults) as calm:
        whole = sweeping.sweep(dataset.folder, tmp_path / "whole", calm.url)
        test_running.settle(whole)
        undisturbed = whole.transcripts
    with serve(ScriptedEngine(**failing), **faults, run_s=0.1) as service:
        store, lived, before = test_running.kill_at_random(
            service, dataset, located(s3.url), kills=16, repeats=1, seed=3, within_s=0.6
        )
        disturbed = sweeping.sweep(dataset.folder, store, service.url)
        settled = test_running.settle(disturbed)
        assert disturbed.verify() == []
        with Store(store) as opened:
            folder = opened.folder
        never_sent = test_running.check_killed(service, folder, undisturbed)
    print(
        f"\n16 kills of a paid sweep of 64 trials on s3: {lived} lives asked; when the last was killed {before}; after "
        f"one run {settled}; intents never sent {never_sent}; {len(s3.names())} objects"
    )
    assert lived >= 8


def test_drivers_of_two_machines_that_take_over_from_each_other_ask_nothing_twice(s3, tmp_path, monkeypatch):
    """Each in turn is stopped, as a machine that sleeps, taken for dead, and wakes while the other drives."""
    monkeypatch.setattr("asrlab.sweep.store.lease.LAPSE_S", 0.5)
    monkeypatch.setattr("asrlab.sweep.store.lease._LOOK_S", 0.1)
    dataset = sweeping.recordings(tmp_path / "set", 40)
    draw = random.Random(5)
    with serve("scripted", limits=None, workers=16, run_s=0.05) as service:
        store = f"{s3.url}/run"
        sleeping = []
        for number in range(5):
            monkeypatch.setenv("ASRLAB_CACHE", str(tmp_path / f"machine {number}"))
            process = sweeping.start(dataset.folder, store, service.url, concurrency=3)
            if number:
                time.sleep(1.0)
            else:
                assert process.stdout.readline() == "began\n"
            time.sleep(draw.uniform(0.1, 0.6))
            process.send_signal(signal.SIGSTOP)
            sleeping.append(process)
        monkeypatch.setenv("ASRLAB_CACHE", str(tmp_path / "mine"))
        sweep = sweeping.sweep(dataset.folder, store, service.url)
        with Store(store, create=True) as waiting:
            test_store_s3.soon_drives(waiting)
        for process in sleeping:
            process.send_signal(signal.SIGCONT)
        sweep.run(progress=False)
        said = [process.communicate(timeout=300)[1] for process in sleeping]
        sweep.run(progress=False)
        sweep.run(progress=False, retry="unknown")
        frame = sweep.transcripts
        assert frame["state"].eq("answered").all()
        assert service.status()["submits"] == len(frame) == 320
        assert sweep.verify() == []
    taken_over = sum("has taken over the run" in text for text in said)
    print(f"\nfive drivers of 320 paid trials that slept in turn: {taken_over} were told that another has taken over")


def test_a_server_that_is_stopped_and_one_that_is_killed(tmp_path, monkeypatch):
    monkeypatch.setenv("ASRLAB_CACHE", str(tmp_path / "cache"))
    with serving("moto") as server, reached(server, monkeypatch):
        name = server.bucket()
        askings, identities = test_store.questions(8)
        with Store(f"s3://{name}/run", create=True) as store:
            store.plan(askings, identities, {})
            server.process.send_signal(signal.SIGSTOP)

            async def goes_on():
                asking = asyncio.create_task(test_store.ask(store, askings[0].trial))
                await asyncio.sleep(3)
                assert not asking.done()
                server.process.send_signal(signal.SIGCONT)
                await asking

            asyncio.run(goes_on())
            server.process.kill()
            begun = time.monotonic()
            with pytest.raises(StoreError, match="its host cannot be reached"):
                asyncio.run(store.begin(test_store.intent(askings[1].trial)))
            took_s = time.monotonic() - begun
        begun = time.monotonic()
        with pytest.raises(StoreError, match="its host cannot be reached"):
            is_run(f"s3://{name}/run")
        print(f"\na server that is gone: a write is given up after {took_s:.0f} s, a read after "
              f"{time.monotonic() - begun:.0f} s")  # fmt: skip
        assert "cannot be reached" in repr(open_sweep_quietly(f"s3://{name}/run"))


def test_a_server_that_hangs_for_good_ends_the_run_and_the_next_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("ASRLAB_CACHE", str(tmp_path / "cache"))
    dataset = sweeping.recordings(tmp_path / "set", 8)
    stopped = []
    with (
        serving("moto") as server,
        reached(server, monkeypatch),
        serve("scripted", limits=None, run_s=0.2) as service,
    ):
        url = f"s3://{server.bucket()}/run"
        sweep = sweeping.sweep(dataset.folder, url, service.url)

        def stop(progress):
            if progress.done >= 4 and not stopped:
                stopped.append(time.monotonic())
                server.process.send_signal(signal.SIGSTOP)

        with pytest.raises(StoreError, match="its host cannot be reached"):
            sweep.run(progress=stop, concurrency=2)
        run_s = time.monotonic() - stopped[0]
        submits = service.status()["submits"]
        begun = time.monotonic()
        with pytest.raises(StoreError, match="its host cannot be reached"):
            is_run(url)
        read_s = time.monotonic() - begun
        print(f"\na server that hangs: the run has ended after {run_s:.0f} s, a read after {read_s:.0f} s")
        assert run_s < 120
        assert read_s < 60
        server.process.send_signal(signal.SIGCONT)
        sweep.run(progress=False)
        sweep.run(progress=False, retry="unknown")
        assert sweep.transcripts["state"].eq("answered").all()
        assert 4 <= submits < service.status()["submits"] == len(sweep.transcripts)
        assert sweep.verify() == []


def open_sweep_quietly(url):
    from asrlab.sweep.opened import Answers

    return Answers(url)


def test_a_plan_of_100000_questions_is_one_object(s3, tmp_path):
    askings, identities = test_store.questions(100_000)
    took = {}
    for name, where in {"disk": tmp_path / "run", "s3": f"{s3.url}/run"}.items():
        with Store(where, create=True) as store:
            store.drive()
            begun = time.monotonic()
            store.plan(askings, identities, {})
            took[name] = time.monotonic() - begun
    size = s3.files.info(f"{s3.name}/run/log/000000/000000002.json.gz")["size"]
    os.environ["ASRLAB_CACHE"] += "2"
    begun = time.monotonic()
    assert len(open_sweep(f"{s3.url}/run").transcripts) == 100_000
    print(f"\na plan of 100,000: disk {took['disk']:.1f} s, s3 {took['s3']:.1f} s, an object of {size / 1e6:.1f} MB, "
          f"read elsewhere in {time.monotonic() - begun:.1f} s")  # fmt: skip
