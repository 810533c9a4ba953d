"""The local service under load and under attack: small figures on each change, the full ones by `make acceptance`."""

from __future__ import annotations

import asyncio
import json
import random
import re
import signal
import statistics
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
from by_hand import KEY, MODEL, PATH, RESOLVE, SUBMIT, body_for, form, raw, recording, start, upload
from test_server_malformed import NATIVE, bytes_that_are_no_http, forms_of_any_kind, well_formed_requests_of_any_kind
from test_server_siblings import done, result
from test_server_sync import CHAT, SSE, chat, data_uri, native, text_of

from asrlab.server.run import serve

SPOKEN = Path(__file__).parents[1] / "datasets" / "dictation" / "audio" / "en"
ENDED = ("SUCCEEDED", "FAILED", "CANCELED")


class Account:
    """One client: submits, asks until the task has ended, and now and then uploads, lists and cancels."""

    def __init__(self, url, number):
        self.http = httpx.AsyncClient(base_url=url, trust_env=False, timeout=60)
        self.draw = random.Random(number)
        self.audio = recording(number)
        self.statuses = Counter()
        self.latencies = []
        self.accepted = {}  # task id -> the state it was seen to end in

    async def ask(self, method, path, **options):
        before = time.perf_counter()
        answer = await self.http.request(method, path, **options)
        self.latencies.append(time.perf_counter() - before)
        self.statuses[answer.status_code] += 1
        return answer

    async def upload(self):
        policy = await self.ask("GET", f"/api/v1/uploads?action=getPolicy&model={MODEL}", headers=KEY)
        data = policy.json()["data"]
        fields = form(data, f"{self.draw.getrandbits(32)}.wav")
        answer = await self.ask("POST", data["upload_host"], data=fields, files={"file": self.audio})
        assert answer.status_code == 200
        return f"oss://{fields['key']}"

    async def task(self, url):
        broken = self.draw.random() < 0.2
        headers, link = (SUBMIT, "nowhere") if broken else (RESOLVE, url)
        answer = await self.ask("POST", PATH, headers=headers, json=body_for(link))
        task_id = answer.json()["output"]["task_id"]
        self.accepted[task_id] = None
        if self.draw.random() < 0.1:
            answer = await self.ask("POST", f"/api/v1/tasks/{task_id}/cancel", headers=KEY)
            assert answer.status_code in (200, 400)
        while self.accepted[task_id] not in ENDED:
            output = (await self.ask("GET", f"/api/v1/tasks/{task_id}", headers=KEY)).json()["output"]
            self.accepted[task_id] = output["task_status"]
            await asyncio.sleep(0.05)
        if output["task_status"] == "SUCCEEDED":
            result = await self.ask("GET", output["result"]["transcription_url"])
            assert result.json()["transcripts"][0]["text"] == "Ship it."

    async def run(self, deadline):
        async with self.http:
            url = await self.upload()
            while time.monotonic() < deadline:
                await self.task(url)
                if self.draw.random() < 0.1:
                    url = await self.upload()
                if self.draw.random() < 0.2:
                    asked = {"page_size": 50, "status": self.draw.choice([*ENDED, "RUNNING", ""])}
                    assert (await self.ask("GET", "/api/v1/tasks", params=asked, headers=KEY)).status_code == 200


def memory_mb(process):
    status = Path(f"/proc/{process.pid}/status")
    return int(re.search(r"VmRSS:\s+(\d+)", status.read_text())[1]) / 1024 if status.exists() else 0.0


async def crowd(url, clients, seconds):
    accounts = [Account(url, number) for number in range(clients)]
    deadline = time.monotonic() + seconds
    await asyncio.gather(*(account.run(deadline) for account in accounts))
    return accounts


def load(tmp_path, clients, seconds):
    """Let so many clients at a service of its own; gives the figures."""
    process, url = start(tmp_path, limits=None, workers=8)
    try:
        before = memory_mb(process)
        accounts = asyncio.run(crowd(url, clients, seconds))
        after = memory_mb(process)
        status = httpx.get(f"{url}/asrlab/status", trust_env=False).json()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    statuses = sum((account.statuses for account in accounts), Counter())
    ends = Counter(state for account in accounts for state in account.accepted.values())
    assert not [code for code in statuses if code not in (200, 400)]  # 400: too late to cancel
    assert set(ends) <= set(ENDED)
    assert status["submits"] == ends.total()
    assert status["tasks"] == dict(ends)
    assert sum(status["requests"].values()) == statuses.total()
    assert (process.returncode, out, err) == (0, "", "")
    latencies = sorted(latency for account in accounts for latency in account.latencies)
    return {
        "requests": statuses.total(),
        "per_s": statuses.total() / seconds,
        "submits": ends.total(),
        "median_ms": 1e3 * statistics.median(latencies),
        "p99_ms": 1e3 * latencies[int(0.99 * len(latencies))],
        "before_mb": before,
        "after_mb": after,
    }


def test_a_small_crowd_loses_nothing(tmp_path):
    figures = load(tmp_path, clients=20, seconds=2)
    assert figures["submits"] >= 20


@pytest.mark.acceptance
def test_two_hundred_clients_for_a_minute_lose_nothing(tmp_path):
    figures = load(tmp_path, clients=200, seconds=60)
    print("\n200 clients for 60 s: " + ", ".join(f"{name} {number:.1f}" for name, number in figures.items()))
    kilobytes = 1024 * (figures["after_mb"] - figures["before_mb"]) / figures["submits"]
    print(f"memory kept for a task, which is remembered for 24 h: {kilobytes:.1f} KB")
    assert kilobytes < 10
    assert figures["after_mb"] < 512


@pytest.mark.acceptance
@pytest.mark.parametrize("head", ["Content-Length: 1073741824", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("path", [PATH, NATIVE])
def test_a_body_of_a_gigabyte_is_refused_without_being_read_into_memory(tmp_path, path, head):
    process, url = start(tmp_path, limits=None)
    try:
        host = url.removeprefix("http://")
        chunk = b"100000\r\n" + b" " * (1 << 20) + b"\r\n" if "chunked" in head else b" " * (1 << 20)
        before = memory_mb(process)
        request = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer k\r\n{head}\r\n\r\n".encode()
        answer = raw(url, request, chunk, times=1024)
        grown = memory_mb(process) - before
    finally:
        process.kill()
        process.communicate()
    print(f"\n1 GB by {head}: {grown:.1f} MB more")
    assert b"BadRequest.TooLarge" in answer
    assert grown < 64


@pytest.mark.acceptance
@pytest.mark.parametrize("attack", [well_formed_requests_of_any_kind, bytes_that_are_no_http, forms_of_any_kind])
def test_nothing_that_is_sent_breaks_it_for_long(attack):
    attack(5000)
    print(f"\n5000 examples of {attack.__name__.replace('_', ' ')}: no 5xx, no traceback")


@pytest.mark.acceptance
def test_whisper_answers_on_every_path():
    pytest.importorskip("faster_whisper")
    numbers, names = (data_uri((SPOKEN / f"en-flite_slt-{n}.flac").read_bytes()) for n in (1, 2))
    vocabulary = {"names": ["Siobhan Kowalczyk", "Velorin", "Quasara"]}
    with (
        serve("whisper", limits=None, vocabularies=vocabulary) as service,
        httpx.Client(base_url=service.url, trust_env=False, timeout=120, headers=KEY) as client,
    ):

        def sync(path, body):
            return text_of(client.post(path, json=body).json())

        plain = sync(NATIVE, native(numbers))
        assert "twenty first" in plain
        assert sync(CHAT, chat(numbers)) == plain
        streamed = client.post(NATIVE, headers=SSE, json=native(numbers, incremental_output=True)).text
        frames = [json.loads(line[5:]) for line in streamed.splitlines() if line.startswith("data:")]
        assert "".join(part["text"] for frame in frames for part in parts_of(frame)) == plain
        assert "21" in sync(NATIVE, native(numbers, asr_options={"enable_itn": True}))
        assert sync(NATIVE, native(numbers, asr_options={"language": "zh"})) != plain
        helped = sync(NATIVE, native(names, ", ".join(vocabulary["names"])))
        assert helped != sync(NATIVE, native(names))
        assert "Kowalczyk" in helped

        def task(model, clip, **parameters):
            _, url = upload(client, (SPOKEN / clip).read_bytes(), model=model)
            document = done(client, model, [url], headers=RESOLVE, **parameters)
            assert document["output"]["task_status"] == "SUCCEEDED", document
            return result(client, document)

        for model in ("qwen-audio-3.0-asr-flash-filetrans", "fun-asr", "paraformer-v2"):
            document = task(model, "en-flite_slt-1.flac", language_hints=["en", "zh"])
            assert document["transcripts"][0]["text"] == plain
            assert document["transcripts"][0]["sentences"][0]["words"]
            assert (document["asrlab"]["languages"], document["asrlab"]["unsupported"]) == (["en"], [])
            document = task(model, "en-flite_slt-1.flac", language_hints=["zh", "ja"])
            assert document["asrlab"]["languages"][0] in ("zh", "ja")
            document = task(model, "en-flite_slt-2.flac", vocabulary_id="names")
            assert document["transcripts"][0]["text"] == helped
            assert document["asrlab"]["context_tokens"] > 5


def parts_of(frame):
    return frame["output"]["choices"][0]["message"]["content"]
