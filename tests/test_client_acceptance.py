"""The full figures of watching tasks, against a service process that keeps the documented limits."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import importlib
import json
import subprocess
import sys
import threading
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import numpy as np
import pytest
import soundfile

from asrlab.dashscope import AsyncClient, Limits

pytestmark = pytest.mark.acceptance

MODEL = "qwen3-asr-flash-filetrans"
FLOOR_PER_S = 20  # documented: task queries a second
SERVICE = """
import sys
sys.path.insert(0, {tests!r})
from stand_ins import Scripted
from asrlab.server.limits import Limits
from asrlab.server.run import run
run(Scripted(), limits=Limits(submits_per_minute=float("inf")), **{options!r})
"""


@contextlib.contextmanager
def service(**options):
    """Run a service with a recogniser that answers at once; gives its URL."""
    code = SERVICE.format(tests=str(Path(__file__).parent), options=options)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().rpartition(" at ")[2].strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def status(url):
    with urllib.request.urlopen(f"{url}/asrlab/status", timeout=30) as response:
        return json.load(response)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("audio") / "noise.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(1).standard_normal(8000), 16_000)
    return path


async def watch(url, recording, n, monkeypatch):
    """Submit n tasks, then wait for them all; gives delays from ended to noticed and to fetched, and the tally."""
    loop = asyncio.get_running_loop()
    limits = Limits(submits_per_minute=float("inf"))
    async with AsyncClient(api_key="sk-acceptance", base_url=f"{url}/api/v1", limits=limits) as client:
        noticed = {}

        class Noted(collections.deque):
            def append(self, watch):
                noticed.setdefault(watch.task_id, datetime.now(UTC).replace(tzinfo=None))
                super().append(watch)

        monkeypatch.setattr("asrlab.dashscope.monitor.deque", Noted)
        sent, api = [], client._http.api

        async def timed(*args, **options):
            sent.append(loop.time())
            return await api(*args, **options)

        file_url = await client.upload(recording)
        tasks = [await client.submit(file_url) for _ in range(n)]
        client._http.api = timed
        delays = []
        began = loop.time()

        async def one(task_id):
            task = await client.wait(task_id, timeout_s=3600)
            fetched = datetime.now(UTC).replace(tzinfo=None)
            assert (await client.result(task)).transcripts[0].text == "Ship it."
            seen = min(noticed.get(task_id, fetched), fetched)
            delays.append([(moment - task.end_time).total_seconds() for moment in (seen, fetched)])

        await asyncio.gather(*(one(task.task_id) for task in tasks))
        busiest = max(
            sum(moment < later + 1 for later in sent[max(i - 60, 0) : i + 1]) for i, moment in enumerate(sent)
        )
        return delays, client._monitor.tally, loop.time() - began, busiest


@pytest.mark.parametrize("cap", [100, 50, 10])
@pytest.mark.parametrize("per_s", [12])
def test_2000_tasks_in_flight(recording, cap, per_s, capsys, monkeypatch):
    n, run_s = 2000, 4.0
    with service(page_rows=cap, workers=int(per_s * run_s), run_s=run_s, queue_s=20.0) as url:
        delays, tally, took, busiest = asyncio.run(watch(url, recording, n, monkeypatch))
        seen = status(url)
    queries, lists = seen["requests"]["query"], seen["requests"]["list"]
    noticed, fetched = (median(column) for column in zip(*delays, strict=True))
    discovery = (lists + queries - n) / n
    with capsys.disabled():
        print(
            f"\n{n} in flight, page cap {cap}, {per_s}/s end: {queries} queries + {lists} lists, "
            f"{discovery:.3f} discovery requests a task; {busiest} in the busiest second, "
            f"{sum(seen['throttled'].values())} throttled; "
            f"median delay to noticed {noticed:.1f} s, to fetched {fetched:.1f} s "
            f"(floor for all: {n / FLOOR_PER_S:.0f} s); all in {took:.0f} s; {tally}"
        )
    assert seen["tasks"] == {"SUCCEEDED": n}
    assert busiest <= FLOOR_PER_S
    assert queries == n + tally.vain
    if cap == 100:
        assert discovery <= 0.25


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_200_tasks_beside_the_official_sdk(recording, capsys, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    n, threads, run_s = 200, 64, 10.0
    options = {"workers": 40, "run_s": run_s, "queue_s": 1.0}
    figures = {}
    with service(**options) as url:
        delays, _, took, busiest = asyncio.run(watch(url, recording, n, monkeypatch))
        assert busiest <= FLOOR_PER_S
        seen = status(url)
        figures["ours"] = (seen, took, n, median(d for _, d in delays))
    with service(**options) as url:
        asr = importlib.import_module("dashscope.audio.qwen_asr").QwenTranscription
        at = {"api_key": "sk-sdk", "base_address": f"{url}/api/v1"}

        async def submit():
            async with AsyncClient(
                api_key="sk-ours", base_url=at["base_address"], limits=Limits(20, 1e9, 100)
            ) as client:
                file_url = await client.upload(recording)
                return [(await client.submit(file_url)).task_id for _ in range(n)]

        waiting = iter(asyncio.run(submit()))
        lock = threading.Lock()
        waits = []

        def work():
            while True:
                with lock:
                    task_id = next(waiting, None)
                if task_id is None:
                    return
                waits.append(1)
                while asr.wait(task_id, **at).status_code == 429:  # it gives up then, and is called again
                    waits[-1] += 1
                    time.sleep(1)

        began = time.monotonic()
        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        figures["official SDK"] = (status(url), time.monotonic() - began, len(waits), None)
        again = sum(waits) - len(waits)
    with capsys.disabled():
        print()
        for name, (seen, took, done, delay) in figures.items():
            asked = seen["requests"]["query"] + seen["requests"]["list"]
            print(
                f"{name}: {done} of {n} tasks waited for to their end in {took:.0f} s, "
                f"{asked / n:.2f} requests a task, "
                f"{seen['throttled']['query'] + seen['throttled']['list']} answered 429"
                + ("" if delay is None else f", median delay to fetched {delay:.1f} s")
            )
        print(f"The official SDK's wait gave up {again} times because of a 429, and was called again a second later.")
    assert sum(figures["ours"][0]["throttled"].values()) == 0
    assert figures["official SDK"][0]["tasks"] == figures["ours"][0]["tasks"] == {"SUCCEEDED": n}
