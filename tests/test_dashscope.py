"""The client: against the local service, against the official SDK, and against faults."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import inspect
import json
import logging
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import threading
import traceback
import warnings
from pathlib import Path

import anyio
import httpx
import numpy as np
import pytest
import soundfile
import virtual_time
from hypothesis import given, settings
from hypothesis import strategies as st
from stand_ins import recording_server

from asrlab import dashscope
from asrlab.dashscope import (
    UNLIMITED,
    AsyncClient,
    Client,
    Limits,
    NoEffect,
    NotForProduction,
    SignedUrl,
    account,
    pacing,
    wire,
    wire_uploads,
)
from asrlab.dashscope.checks import check_parameters
from asrlab.dashscope.client import patience
from asrlab.dashscope.links import bare, is_loopback, percent_encoded, scrub
from asrlab.dashscope.models import model_of
from asrlab.dashscope.retries import jittered, seconds_in
from asrlab.errors import InvalidInput, OutcomeUnknown, ServiceError, TaskFailed

MODEL = "qwen3-asr-flash-filetrans"
URL = "https://media.example.org/a.wav"
KEY = "sk-planted-key"
ACCEPTED = {"request_id": "r1", "output": {"task_id": "t-1", "task_status": "PENDING"}}
LINK = "https://results.example/x.json?Expires=1&OSSAccessKeyId=LTAIplanted&Signature=planted-signature"
RESULT = {
    "file_url": "http://files.example/a.wav?Signature=planted-signature",
    "audio_info": {"format": "wav", "sample_rate": 16000},
    "transcripts": [{"channel_id": 0, "text": "See http://a.b/?q=1 now.", "sentences": []}],
}
POLICY = {
    "policy": "planted-policy",
    "signature": "planted-signature",
    "upload_dir": "dashscope-instant/a/2026-11-03/b",
    "upload_host": "https://storage.example",
    "expire_in_seconds": "300",
    "max_file_size_mb": "1",
    "oss_access_key_id": "LTAIplanted",
    "x_oss_object_acl": "private",
    "x_oss_forbid_overwrite": "true",
}


def done(link=LINK, **output):
    output = {"task_id": "t-1", "task_status": "SUCCEEDED", "result": {"transcription_url": link}} | output
    return {"request_id": "r2", "output": output, "usage": {"seconds": 48}}


class Api:
    """The service as a function: each request is answered by the next of a list, the last one for ever."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        self.times = []

    async def __call__(self, request):
        await request.aread()
        self.requests.append(request)
        self.times.append(virtual_time.now())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer) and not isinstance(answer, type):
            answer = answer(request)
        if isinstance(answer, type) and issubclass(answer, Exception):
            raise answer("planted-signature", request=request)
        if isinstance(answer, httpx.Response):
            return answer
        status, body, *headers = answer if isinstance(answer, tuple) else (200, answer)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.Response(status, content=content, headers=headers[0] if headers else {})

    def client(self, **options):
        return AsyncClient(api_key=KEY, transport=httpx.MockTransport(self), **options)


@pytest.fixture(autouse=True)
def a_world_of_its_own(monkeypatch):
    """No key and no proxy of the developer's, and no account remembered from another test."""
    for name in list(os.environ):
        if name.startswith("DASHSCOPE_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(account, "_accounts", {})


@pytest.fixture
def sleeps(monkeypatch, in_virtual_time):
    """Time passes at once; gives the seconds slept so far."""
    slept = []
    really = anyio.sleep

    async def sleep(seconds):
        slept.append(seconds)
        await really(seconds)

    monkeypatch.setattr(asyncio, "run", virtual_time.run)
    monkeypatch.setattr(anyio, "sleep", sleep)
    monkeypatch.setattr("asrlab.dashscope.retries.random.uniform", lambda low, high: 1.0)
    return slept


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("audio") / "Grüße 你好.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(1).standard_normal(8000), 16_000)
    return path


# Against the local service: another reading of the same documentation.


@pytest.fixture(scope="module")
def service():
    pytest.importorskip("starlette")
    from stand_ins import Scripted

    from asrlab.server.run import serve

    engine = Scripted()
    with serve(engine, key=KEY) as service:
        yield service, engine


def test_a_recording_goes_from_upload_to_transcription(service, recording):
    local, engine = service
    with Client(api_key=KEY, base_url=local.base_url) as client:
        url = client.upload(recording)
        task = client.submit(
            url, language="en", enable_words=True, context="Kestrel, 红隼", channel_id=[0], enable_itn=True
        )
        assert (task.status, task.ended) == ("PENDING", False)
        finished = client.wait(task.task_id, audio_s=0.5)
        assert (finished.status, finished.audio_s, finished.silent) == ("SUCCEEDED", 1.0, False)
        assert finished.submit_time <= finished.scheduled_time <= finished.end_time
        result = client.result(finished)
    assert re.fullmatch(r"oss://[!-~]+/[0-9a-f]{12}-Grue_\.wav", url)
    asked = engine.asked[-1].parameters
    assert (asked.language, asked.context, asked.enable_words, asked.enable_itn) == ("en", "Kestrel, 红隼", True, True)
    (transcript,) = result.transcripts
    assert (transcript.channel, transcript.text) == (0, "Ship it.")
    (sentence,) = transcript.sentences
    assert (sentence.begin_ms, sentence.end_ms, sentence.language, sentence.emotion) == (0, 900, "en", "neutral")
    assert [(w.begin_ms, w.end_ms, w.text, w.punctuation) for w in sentence.words] == [
        (0, 400, "Ship ", ""),
        (400, 900, "it", "."),
    ]
    assert result.document["asrlab"]["model"] == "parrot 1"
    assert "Signature" not in json.dumps(result.document)


def test_the_synchronous_client_works_within_a_running_loop_and_ends_its_thread(service, recording):
    local, _ = service
    before = set(threading.enumerate())
    own = set()

    async def notebook():
        client = Client(api_key=KEY, base_url=local.base_url)
        task = client.submit(client.upload(recording))
        text = client.result(client.wait(task.task_id)).transcripts[0].text
        own.update(set(threading.enumerate()) - before)
        del client
        return text

    assert asyncio.run(notebook()) == "Ship it."
    assert own
    for thread in own:
        thread.join(5)
        assert not thread.is_alive()


def test_silence_is_an_answer_and_unknown_tasks_are_not(service, recording):
    local, engine = service
    engine.text = ""
    try:
        with Client(api_key=KEY, base_url=local.base_url) as client:
            task = client.wait(client.submit(client.upload(recording)).task_id)
            assert (task.status, task.silent) == ("FAILED", True)
            assert client.result(task).transcripts == ()
            assert client.query("nobody").status == "UNKNOWN"
            with pytest.raises(TaskFailed, match="24 h") as caught:
                client.wait("nobody")
            assert caught.value.code == "UNKNOWN"
            engine.error = TaskFailed("no", code="DECODE_ERROR")
            task = client.submit(client.upload(recording))
            with pytest.raises(TaskFailed, match="convert it to WAV") as caught:
                client.wait(task.task_id)
            assert caught.value.code == "DECODE_ERROR"
    finally:
        engine.__init__()


def test_one_content_is_uploaded_once_for_a_model(service, recording, tmp_path):
    local, _ = service
    copy = tmp_path / "copy.wav"
    copy.write_bytes(recording.read_bytes())

    async def scenario():
        async with AsyncClient(api_key=KEY, base_url=local.base_url) as client:
            urls = []

            async def upload(path, model=MODEL):
                urls.append(await client.upload(path, model=model))

            async with anyio.create_task_group() as group:
                for _ in range(5):
                    group.start_soon(upload, recording)
                    group.start_soon(upload, copy)
            assert len(set(urls)) == 1
            await upload(recording, MODEL + "-2025-11-17")
            assert len(set(urls)) == 2

    asyncio.run(scenario())


@pytest.fixture
def interruptible():
    """Interrupts as a terminal gives them; a shell's background job, as a gate may be one, inherits them ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_interrupting_the_synchronous_client_ends_the_request(interruptible):
    cancelled = threading.Event()

    async def handler(request):
        try:
            await anyio.sleep(60)
        finally:
            cancelled.set()

    with Client(api_key=KEY, transport=httpx.MockTransport(handler)) as client:
        timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            client.query("t-1")
        timer.join()
        assert cancelled.wait(5)


# Against the official SDK: what goes over the wire.


@pytest.fixture
def recorder():
    with recording_server() as server:
        server.answer = lambda path: (200, {}, json.dumps(ACCEPTED).encode())
        server.base = server.url + "/api/v1"
        yield server


# A submit is sent once.


def submit(api, **options):
    async def scenario():
        async with api.client() as client:
            return await client.submit(URL, **options)

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ReadTimeout,
        httpx.WriteTimeout,
        httpx.ReadError,
        httpx.WriteError,
        httpx.RemoteProtocolError,
        (200, b"<html>planted-signature</html>"),
        (200, b'{"request_id": "r", "outp'),
        (200, {"request_id": "r", "output": {}}),
        (200, {"request_id": "r"}),
        (200, {"request_id": "r", "code": "InternalError.Timeout", "message": "late"}),
        (204, b""),
        (408, b""),
        (500, {"request_id": "r", "code": "InternalError", "message": "oops"}),
        (502, b"<html><head><title>502 Bad Gateway</title></head></html>"),
        (503, {"code": "ModelUnavailable", "message": "busy"}),
        (504, b""),
    ],
)
def test_a_submit_that_may_have_arrived_is_not_sent_again(sleeps, answer):
    api = Api(answer, ACCEPTED)
    with pytest.raises(OutcomeUnknown, match="not known"):
        submit(api)
    assert len(api.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError,
        httpx.ConnectTimeout,
        (429, {"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded"}),
        (429, b"<html>slow down</html>"),
        (200, {"code": "Throttling", "message": "too many"}),
    ],
)
def test_a_submit_that_surely_did_not_arrive_is_sent_again(sleeps, answer):
    api = Api(answer, answer, ACCEPTED)
    assert submit(api).task_id == "t-1"
    assert sleeps == [1.0, 2.0]
    api = Api(answer)
    with pytest.raises(ServiceError) as caught:
        submit(api)
    assert not isinstance(caught.value, OutcomeUnknown)
    assert len(api.requests) == 7


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "InvalidParameter"),
        (400, "Arrearage"),
        (403, "AccessDenied"),
        (404, "ModelNotFound"),
        (429, "PostpaidBillOverdue"),
        (200, "InvalidParameter"),
    ],
)
def test_a_refusal_is_final_and_told_in_the_services_words(sleeps, status, code):
    api = Api((status, {"request_id": "r7", "code": code, "message": "the reason"}))
    with pytest.raises(ServiceError, match="the reason") as caught:
        submit(api)
    error = caught.value
    assert (type(error), error.code, error.request_id, error.http_status) == (ServiceError, code, "r7", status)
    assert len(api.requests) == 1


REFUSED = (429, {"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded"})


def test_a_submit_is_announced_with_its_link_when_its_turn_has_come_and_each_time_it_is_sent(sleeps):
    api = Api(ACCEPTED, REFUSED, ACCEPTED)
    told = []

    async def before_sending(link):
        told.append((link, virtual_time.now(), len(api.requests)))

    async def scenario():
        async with api.client(limits=Limits(submits_per_minute=6)) as client:
            for name in ("a b.wav", "c.wav"):
                await client.submit(f"https://media.example.org/{name}", before_sending=before_sending)

    asyncio.run(scenario())
    sent = [json.loads(request.content)["input"]["file_url"] for request in api.requests]
    assert [link for link, _, _ in told] == sent
    assert sent[0] == "https://media.example.org/a%20b.wav"
    assert sent[1] == sent[2]
    assert [at for _, at, _ in told] == api.times  # nothing is waited for in between
    assert api.times[1] - api.times[0] >= 10
    assert [before for _, _, before in told] == [0, 1, 2]


def test_nothing_is_sent_where_the_announcement_fails_and_the_next_submit_goes_on(sleeps, caplog):
    api = Api(ACCEPTED)

    async def full(link):
        raise OSError("No space left on device")

    async def scenario():
        async with api.client() as client:
            with pytest.raises(OSError, match="No space") as caught:
                await client.submit(URL, before_sending=full)
            assert not getattr(caught.value, "__notes__", [])  # no word of a task that may be billed
            assert api.requests == []
            await client.submit(URL)

    asyncio.run(scenario())
    assert len(api.requests) == 1
    assert "may have been accepted" not in caplog.text


def test_an_unknown_outcome_has_the_link_as_it_was_sent(sleeps):
    async def scenario():
        async with Api(httpx.ReadTimeout).client() as client:
            await client.submit("https://media.example.org/a b.wav")

    with pytest.raises(OutcomeUnknown) as caught:
        asyncio.run(scenario())
    assert caught.value.link == "https://media.example.org/a%20b.wav"


def test_a_client_counts_how_often_it_was_told_to_slow_down(sleeps):
    counts = []

    async def scenario():
        busy = (503, {"code": "ModelUnavailable", "message": "busy"})
        async with Api(REFUSED, REFUSED, ACCEPTED, REFUSED, busy, done()).client() as client:
            counts.append(client.throttled)
            await client.submit(URL)
            counts.append(client.throttled)
            await client.query("t-1")
            counts.append(client.throttled)

    asyncio.run(scenario())
    assert counts == [0, 2, 3]  # that a service is out of order is no word about pace


def test_a_connection_dropped_after_the_request_was_read_costs_one_request(recorder):
    recorder.answer = lambda path: None
    with Client(api_key=KEY, base_url=recorder.base) as client, pytest.raises(OutcomeUnknown):
        client.submit(URL)
    assert len(recorder.seen) == 1


def test_authenticated_requests_follow_no_redirect(sleeps):
    api = Api((307, b"", {"Location": "https://elsewhere.example/x?Signature=planted-signature"}))
    with pytest.raises(ServiceError, match=r"redirects to elsewhere\.example") as caught:
        submit(api)
    assert not isinstance(caught.value, OutcomeUnknown)
    assert "planted" not in str(caught.value)
    assert len(api.requests) == 1


def test_a_refused_key_is_explained_and_not_shown(monkeypatch):
    monkeypatch.setenv("DASHSCOPE_API_KEY", f"{KEY}\n")
    api = Api((401, {"code": "InvalidApiKey", "message": f"Incorrect API key provided: {KEY}."}))
    with Client(region="beijing", transport=httpx.MockTransport(api)) as client, pytest.raises(ServiceError) as caught:
        client.query("t-1")
    told = str(caught.value)
    assert "DASHSCOPE_API_KEY" in told
    assert "per region" in told
    assert "beijing at dashscope.aliyuncs.com" in told
    assert KEY not in told
    assert api.requests[0].headers["Authorization"] == f"Bearer {KEY}"


# Asking again, and waiting.

BUSY = (503, {"code": "ServiceUnavailable", "message": "busy"})


@pytest.mark.parametrize(
    "fault",
    [httpx.ReadTimeout, httpx.ReadError, httpx.ConnectError, BUSY, (429, b""), (502, b"<html>"), (200, b"<html>")],
)
def test_what_may_be_asked_twice_is_asked_again(sleeps, fault):
    async def scenario(api):
        async with api.client() as client:
            return await client.query("t-1")

    api = Api(fault, fault, done())
    assert asyncio.run(scenario(api)).audio_s == 48
    assert sleeps == [1.0, 2.0]
    with pytest.raises(ServiceError):
        asyncio.run(scenario(Api(fault)))


def test_retry_after_is_heeded_within_reason(sleeps):
    async def scenario(seconds):
        api = Api((429, b"", {"Retry-After": seconds}), done())
        async with api.client() as client:
            return await client.query("t-1")

    asyncio.run(scenario("17"))
    assert sleeps == [17.0]
    with pytest.raises(ServiceError):
        asyncio.run(scenario("86400"))
    assert max(sleeps) == 17.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("-1", None),
        ("nan", None),
        ("soon", None),
        ("²", None),
        ("Wed, 99 Foo", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, seconds):
    assert seconds_in(header) == seconds


def wait(api, **options):
    async def scenario():
        async with api.client() as client:
            return await client.wait("t-1", **options)

    return asyncio.run(scenario())


PENDING = {"output": {"task_id": "t-1", "task_status": "PENDING"}}


def test_a_task_is_looked_at_after_1_2_3_4_5_seconds_and_then_every_5(sleeps):
    api = Api(*[PENDING] * 7, done())
    assert wait(api).status == "SUCCEEDED"
    assert [round(t - 1000, 6) for t in api.times] == [1, 3, 6, 10, 15, 20, 25, 30]


def test_faults_while_waiting_do_not_lose_the_task(sleeps):
    faults = [BUSY, (429, b"", {"Retry-After": "40"}), httpx.ReadTimeout, httpx.ConnectError, (502, b"<html>")] * 4
    api = Api(PENDING, *faults, done())
    assert wait(api).status == "SUCCEEDED"
    pauses = [later - earlier for earlier, later in zip(api.times, api.times[1:], strict=False)]
    assert [round(pause, 6) for pause in pauses[:8]] == [2, 1, 40, 4, 8, 16, 30, 40]
    assert max(pauses) == 40


def test_waiting_ends_in_time_and_says_how_to_go_on(sleeps):
    for answer in (PENDING, BUSY):
        api = Api(answer)
        with pytest.raises(ServiceError, match=r"wait\('t-1'\) again") as caught:
            wait(api, audio_s=600)
        assert caught.value.code == "Timeout"
        assert 15 * 60 + 80 <= api.times[-1] - api.times[0] <= 15 * 60 + 120
    with pytest.raises(ServiceError, match="is PENDING"):
        wait(Api(PENDING), timeout_s=2)


@pytest.mark.parametrize("status", ["FAILED", "CANCELED"])
def test_a_task_that_failed_says_why(sleeps, status):
    answer = {"request_id": "r", "output": {"task_id": "t-1", "task_status": status}}
    if status == "FAILED":
        answer["output"] |= {"code": "FILE_403_FORBIDDEN", "message": "got 403 for https://h/x?Signature=planted"}
    with pytest.raises(TaskFailed) as caught:
        wait(Api(answer))
    assert caught.value.code == ("FILE_403_FORBIDDEN" if status == "FAILED" else "CANCELED")
    assert "planted" not in str(caught.value)


def test_a_refusal_while_waiting_is_told(sleeps):
    for answer in ((401, {"code": "InvalidApiKey", "message": "no"}), {"code": "Whatever", "message": "no"}):
        with pytest.raises(ServiceError) as caught:
            wait(Api(answer))
        assert not isinstance(caught.value, TaskFailed)


@pytest.mark.parametrize("task_id", ["", "..", "a/b", "a?b", "é", "x" * 10 + "\n"])
def test_what_cannot_be_a_task_id_is_not_asked_for(task_id):
    api = Api(done())
    with pytest.raises(InvalidInput, match="no task id"):
        asyncio.run(api.client().query(task_id))
    assert not api.requests


# Reading what the service answers.


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
odd = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("task_id", "task_status", "result", "submit_time", "transcripts", "policy", "upload_host", "code"), json_values
    ),
)


@settings(deadline=None)
@given(
    st.fixed_dictionaries({}, optional={"output": odd | json_values, "usage": odd | json_values, "data": odd}),
    st.lists(
        st.fixed_dictionaries(
            {"channel_id": json_values, "text": json_values | st.just("a")},
            optional={
                "sentences": json_values | st.lists(st.dictionaries(st.sampled_from(["begin_time"]), json_values))
            },
        )
        | json_values
    ),
)
def test_no_answer_whatsoever_breaks_the_reading(document, transcripts):
    for read in (wire.parse_task, wire_uploads.parse_policy, wire.parse_transcription):
        with contextlib.suppress(ServiceError):
            read(document | {"transcripts": transcripts})


# Results.


def fetch(api, link=LINK):
    async def scenario():
        async with api.client() as client:
            return await client.result(wire.parse_task(done(link)))

    return asyncio.run(scenario())


def test_a_result_is_kept_without_signatures_and_with_its_words(sleeps):
    result = fetch(Api(RESULT))
    assert result.document["file_url"] == "http://files.example/a.wav"
    assert result.document["transcripts"][0]["text"] == "See http://a.b/?q=1 now."
    assert RESULT["file_url"].endswith("planted-signature")


def test_a_result_is_fetched_by_https_first_and_without_the_key(sleeps):
    api = Api(lambda request: httpx.ConnectError if request.url.scheme == "https" else RESULT)
    fetch(api, LINK.replace("https", "http"))
    assert [str(request.url) for request in api.requests] == [LINK, LINK.replace("https", "http")]
    api = Api(RESULT)
    fetch(api, LINK.replace("https", "http"))
    assert [str(request.url) for request in api.requests] == [LINK]
    assert not {"authorization", "cookie", "x-dashscope-workspace"} & set(api.requests[0].headers)
    api = Api(RESULT)
    fetch(api, "http://127.0.0.1:9/x?Signature=s")
    assert [str(request.url) for request in api.requests] == ["http://127.0.0.1:9/x?Signature=s"]


def test_redirects_of_a_result_are_followed_within_bounds(sleeps):
    def to(url):
        return (302, b"", {"Location": url})

    api = Api(to("/y?Signature=planted-signature"), to("https://other.example/z"), RESULT)
    assert fetch(api).transcripts
    assert [request.url.host for request in api.requests] == ["results.example", "results.example", "other.example"]
    for onward in ("http://results.example/", "https://127.0.0.1/", "https://u:p@x.example/", "ftp://x/", "https://["):
        with pytest.raises(ServiceError):
            fetch(Api(to(onward), RESULT))
    api = Api(to("/again"))
    with pytest.raises(ServiceError, match="more than 3 times"):
        fetch(api)
    assert len(api.requests) == 4


def test_a_result_is_bounded_readable_and_in_time(sleeps, monkeypatch):
    monkeypatch.setattr("asrlab.dashscope.http._RESULT_BYTES", 1000)
    with pytest.raises(ServiceError, match="more than 1000 bytes"):
        fetch(Api((200, b"[" * 1001)))
    with pytest.raises(ServiceError, match="not a JSON object"):
        fetch(Api((200, b"<html>")))
    with pytest.raises(ServiceError, match="documented shape"):
        fetch(Api({"transcripts": [{"channel_id": 0}]}))
    with pytest.raises(ServiceError, match="Query the task for a new one"):
        fetch(Api((403, b"<Error><Code>AccessDenied</Code></Error>")))
    assert fetch(Api(BUSY, RESULT)).transcripts
    with pytest.raises(ServiceError, match="without a link"):
        fetch(Api(RESULT), None)
    with pytest.raises(InvalidInput, match="wait for it first"):
        asyncio.run(Api(RESULT).client().result(wire.parse_task(PENDING)))


# Uploads.


def upload(api, path, times=1):
    async def scenario():
        async with api.client() as client:
            return [await client.upload(path) for _ in range(times)]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotForProduction)
        return asyncio.run(scenario())


def granting(storage, **changes):
    """Give leave to upload, and let a storage host answer the form."""
    answers = list(storage)

    def answer(request):
        if request.url.host != "storage.example":
            return {"request_id": "r", "data": POLICY | changes}
        return answers.pop(0) if len(answers) > 1 else answers[0]

    return answer


def forms(api):
    """Fields of the forms that were sent, in order."""
    return [
        re.findall(rb'(?<!file)name="([^"]+)"', request.content) for request in api.requests if request.method == "POST"
    ]


def keys(api):
    return [
        re.search(rb'name="key"\r\n\r\n([^\r]+)', request.content)[1].decode()
        for request in api.requests
        if request.method == "POST"
    ]


def test_an_upload_is_retried_with_new_leave_and_under_a_new_name(sleeps, recording):
    api = Api(granting([httpx.ReadTimeout, (503, b""), (200, b"")]))
    (url,) = upload(api, recording)
    assert [request.method for request in api.requests] == ["GET", "POST"] * 3
    assert len(set(keys(api))) == 3
    assert url == f"oss://{keys(api)[-1]}"
    assert all(key.startswith(POLICY["upload_dir"] + "/") and key.isascii() for key in keys(api))
    assert all(form[-1] == b"file" for form in forms(api))
    posts = [request for request in api.requests if request.method == "POST"]
    assert all("authorization" not in request.headers for request in posts)
    assert all(recording.read_bytes() in request.content for request in posts)


def test_an_upload_is_said_not_to_be_for_production(sleeps, recording):
    client = Api(granting([(200, b"")])).client()
    with pytest.warns(NotForProduction, match="48 h"):
        asyncio.run(client.upload(recording))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(client.upload(recording))  # it is not uploaded again


def test_a_forgotten_upload_is_uploaded_anew(sleeps, recording):
    api = Api(granting([(200, b"")]))

    async def scenario():
        async with api.client() as client:
            urls = [await client.upload(recording), await client.upload(recording)]
            client.forget_upload(urls[0])
            client.forget_upload("oss://never/was")
            return [*urls, await client.upload(recording)]

    with pytest.warns(NotForProduction):
        first, again, anew = asyncio.run(scenario())
    assert first == again != anew


def test_an_upload_is_remembered_by_the_account_for_48_hours_less_a_margin(sleeps, recording, monkeypatch):
    now = [1e9]
    monkeypatch.setattr("asrlab.dashscope.uploads.time.time", lambda: now[0])
    api = Api(granting([(204, b"")]))
    first = upload(api, recording, times=2)
    assert len(set(first)) == 1
    now[0] += 44 * 3600
    assert upload(api, recording) == first[:1]
    now[0] += 2 * 3600
    assert upload(api, recording) != first[:1]
    assert len(keys(api)) == 2


def test_what_cannot_be_uploaded_is_said_before_it_is_sent(sleeps, recording, tmp_path):
    empty, huge = tmp_path / "empty.wav", tmp_path / "huge.wav"
    empty.touch()
    with huge.open("wb") as file:
        file.truncate((1 << 30) + 1)  # sparse
    api = Api(granting([(200, b"")]))
    for path in (empty, huge, tmp_path / "absent.wav", tmp_path):
        with pytest.raises(InvalidInput, match=re.escape(str(path))):
            upload(api, path)
    assert not api.requests
    api = Api(granting([(200, b"")], max_file_size_mb="0.001"))
    with pytest.raises(InvalidInput, match="takes 1,049"):
        upload(api, recording)
    assert [request.method for request in api.requests] == ["GET"]


def test_a_refused_upload_is_told_and_not_remembered(sleeps, recording):
    refusal = b"<Error><Code>AccessDenied</Code><Message>Invalid according to Policy: Policy expired.</Message></Error>"
    with pytest.raises(ServiceError, match="Policy expired") as caught:
        upload(Api(granting([(403, refusal)])), recording)
    assert "API key" not in str(caught.value)
    with pytest.raises(ServiceError, match="not followed"):
        upload(Api(granting([(307, b"")])), recording)
    with pytest.raises(ServiceError, match="https"):
        upload(Api(granting([(200, b"")], upload_host="http://storage.example")), recording)
    with pytest.raises(ServiceError, match="no policy"):
        upload(Api(granting([(200, b"")], policy=None)), recording)
    assert upload(Api(granting([(200, b"")])), recording)


def test_a_file_changed_under_way_is_not_remembered(sleeps, tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF")

    def change(request):
        if request.method == "POST":
            path.write_bytes(b"RIFF and more")
            return (200, b"")
        return {"data": POLICY}

    with pytest.raises(InvalidInput, match="was changed"):
        upload(Api(change), path)


# What is checked before it is sent.


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("zh-CN", "zh"), ("zh_TW", "zh"), ("zh-HK", "yue"), ("english", "en"), ("Mandarin", "zh"), ("EN", "en"),
        ("en-US", "en"), ("Portugese", "pt"), ("tl", "fil"), ("nb", "no"), ("jp", "ja"), ("Chinese (simplified)", "zh"),
        ("Chinese (Cantonese)", "yue"), ("zh-Hant-HK", "yue"), ("zh-Hans", "zh"), ("es-419", "es"),
        ("deu", "de"), ("Cantonese", "yue"), (" en ", "en"),
    ],
)  # fmt: skip
def test_the_language_meant_is_suggested(typed, code):
    with pytest.raises(InvalidInput, match=f"Did you mean '{code}'"):
        check_parameters(model_of(MODEL), language=typed)


@pytest.mark.parametrize("typed", ["dutch", "javanese", "nl", "no-suches", "klingon", "x"])
def test_a_language_that_is_not_there_is_not_taken_for_another(typed):
    with pytest.raises(InvalidInput, match="It takes: zh, yue, en"):
        check_parameters(model_of(MODEL), language=typed)


def test_the_27_codes_are_taken():
    assert len(wire.LANGUAGES) == 27
    for code in wire.LANGUAGES:
        check_parameters(model_of(MODEL), language=code)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"language": "xx"}, "It takes: zh, yue"),
        ({"language": "auto"}, "Leave language out"),
        ({"language": ""}, "Leave language out"),
        ({"language": ["en"]}, "must be a code"),
        ({"enable_itn": "yes"}, "enable_itn must be"),
        ({"enable_words": 1}, "enable_words must be"),
        ({"channel_id": []}, "channel numbers"),
        ({"channel_id": [0, 0]}, "channel numbers"),
        ({"channel_id": [-1]}, "channel numbers"),
        ({"channel_id": 0}, "channel numbers"),
        ({"channel_id": [True]}, "channel numbers"),
        ({"context": ["Kestrel"]}, "must be text"),
        ({"context": "\ud800"}, "surrogate"),
        ({"model": "fun-asr-flash-2026-06-15"}, "requests of another shape"),
    ],
)
def test_what_the_service_would_ignore_is_refused_here(options, match):
    api = Api(ACCEPTED)
    with pytest.raises(InvalidInput, match=match):
        submit(api, **options)
    assert not api.requests


def test_a_context_is_counted_in_tokens_where_bytes_do_not_settle_it(monkeypatch):
    from asrlab.dashscope import checks

    check_parameters(model_of(MODEL), context="x" * 10_000)
    pytest.importorskip("dashscope")
    check_parameters(model_of(MODEL), context="Kestrel " * 3_000)
    check_parameters(model_of(MODEL), context="<|endoftext|>" * 1_000)
    with pytest.raises(InvalidInput, match="this one has 27,999"):
        check_parameters(model_of(MODEL), context="红隼 Ostrava " * 4_000)
    checks._token_counter.cache_clear()
    monkeypatch.setitem(sys.modules, "dashscope.tokenizers", None)
    with pytest.raises(InvalidInput, match="install the package dashscope"):
        check_parameters(model_of(MODEL), context="Kestrel " * 3_000)
    checks._token_counter.cache_clear()


def test_itn_in_a_language_without_it_is_warned_of():
    with pytest.warns(NoEffect, match="en and zh only"):
        assert submit(Api(ACCEPTED), language="de", enable_itn=True).task_id == "t-1"
    with warnings.catch_warnings(action="error"):
        submit(Api(ACCEPTED), language="zh", enable_itn=True)
        submit(Api(ACCEPTED), enable_itn=True)
        submit(Api(ACCEPTED), language="de", enable_itn=False)


def test_unset_options_are_left_out_and_the_context_may_go_under_both_names():
    def sent(**options):
        api = Api(ACCEPTED)
        submit(api, **options)
        return json.loads(api.requests[0].content)

    assert sent() == {"model": MODEL, "input": {"file_url": URL}, "parameters": {}}
    assert sent(context="")["parameters"] == {}
    assert sent(context="a", also_send_text=True)["parameters"] == {"corpus": {"text": "a"}, "text": "a"}
    assert sent(enable_itn=False, channel_id=(1,))["parameters"] == {"enable_itn": False, "channel_id": [1]}


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://h/a b.wav", "https://h/a%20b.wav"),
        ("https://h/你.wav?x=é", "https://h/%E4%BD%A0.wav?x=%C3%A9"),
        ("https://h/a%20b.wav?Signature=a%2Fb%3D&c=d+e", "https://h/a%20b.wav?Signature=a%2Fb%3D&c=d+e"),
        ("https://h/100%.wav", "https://h/100%25.wav"),
        ("https://bücher.example:8443/a", "https://xn--bcher-kva.example:8443/a"),
        ("oss://dashscope-instant/a/b.wav", "oss://dashscope-instant/a/b.wav"),
        ("OSS://x/b.wav", "oss://x/b.wav"),
    ],
)
def test_links_are_percent_encoded_once(url, sent):
    assert percent_encoded(url) == sent
    assert percent_encoded(sent) == sent


@settings(deadline=None)
@given(st.text(), st.text())
def test_an_encoded_link_stays_as_it_is(path, query):
    try:
        encoded = percent_encoded(f"https://h.example/{path}?{query}")
    except InvalidInput:
        return
    assert re.fullmatch("[!-~]+", encoded)
    assert percent_encoded(encoded) == encoded


@pytest.mark.parametrize(
    "url",
    [
        "a.wav",
        "/tmp/a.wav",
        "file:///a.wav",
        "ftp://h/a",
        "https://",
        "https://h:x/a",
        "oss://h/é.wav",
        "http://h/\n",
        None,
    ],
)
def test_what_the_service_cannot_fetch_is_refused_here(url):
    api = Api(ACCEPTED)
    with pytest.raises(InvalidInput):
        asyncio.run(api.client().submit(url))
    assert not api.requests


# Where to ask, and with which key.


@pytest.mark.parametrize(
    ("options", "base_url"),
    [
        ({}, "https://dashscope-intl.aliyuncs.com/api/v1"),
        ({"region": "beijing"}, "https://dashscope.aliyuncs.com/api/v1"),
        ({"workspace": "ws-1"}, "https://ws-1.ap-southeast-1.maas.aliyuncs.com/api/v1"),
        ({"region": "beijing", "workspace": "w"}, "https://w.cn-beijing.maas.aliyuncs.com/api/v1"),
        ({"base_url": "http://127.0.0.1:8300/api/v1/"}, "http://127.0.0.1:8300/api/v1"),
    ],
)
def test_each_region_and_workspace_has_its_host(options, base_url):
    api = Api(done())
    client = api.client(**options)
    assert client.base_url == base_url
    asyncio.run(client.query("t-1"))
    assert str(api.requests[0].url) == f"{base_url}/tasks/t-1"
    assert api.requests[0].headers.get("X-DashScope-WorkSpace") == options.get("workspace")


@pytest.mark.parametrize(
    "options",
    [
        {"region": "us"},
        {"workspace": "a.evil.example/"},
        {"workspace": "-a"},
        {"workspace": "a" * 65},
        {"base_url": "dashscope.aliyuncs.com"},
        {"base_url": "https://user:pass@h/api/v1"},
        {"base_url": "https://h/api/v1?x"},
        {"base_url": "https://h:port/"},
        {"api_key": "sk-ü"},
        {"api_key": "sk-a b"},
        {"api_key": ""},
        {"limits": 3},
    ],
)
def test_options_that_are_none_are_refused(options):
    with pytest.raises(InvalidInput) as caught:
        AsyncClient(**{"api_key": KEY} | options)
    assert "sk-" not in str(caught.value)
    assert "pass" not in str(caught.value)


def test_the_key_of_the_region_comes_first(monkeypatch):
    def used(**options):
        api = Api(done())
        asyncio.run(AsyncClient(transport=httpx.MockTransport(api), **options).query("t"))
        return api.requests[0].headers["Authorization"].removeprefix("Bearer ")

    with pytest.raises(InvalidInput, match="Set DASHSCOPE_API_KEY_SINGAPORE or DASHSCOPE_API_KEY"):
        AsyncClient()
    monkeypatch.setenv("DASHSCOPE_API_KEY_SINGAPORE", " ")
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-any")
    monkeypatch.setenv("DASHSCOPE_API_KEY_BEIJING", "sk-bj")
    assert [used(), used(region="beijing"), used(api_key="sk-given")] == ["sk-any", "sk-bj", "sk-given"]


# Pace.


def test_turns_are_spaced_among_loops_and_threads():
    pace = pacing.Pace(200)
    begun = []

    def run():
        async def turns():
            for _ in range(5):
                await pace.turn()
                begun.append(pacing.monotonic())

        asyncio.run(turns())

    threads = [threading.Thread(target=run) for _ in range(3)]
    start = pacing.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(begun) == 15
    assert max(begun) - start >= 14 / (0.9 * 200) - 0.001


def test_clients_of_an_account_share_their_pace(sleeps):
    one, two, other = (
        AsyncClient(api_key=key, transport=httpx.MockTransport(Api(done()))) for key in (KEY, KEY, "sk-other")
    )
    assert one._account is two._account is not other._account

    async def scenario():
        for _ in range(5):
            for client in (one, two):
                await client.query("t")

    asyncio.run(scenario())
    assert sum(sleeps) == pytest.approx(9 / (0.9 * 20))
    AsyncClient(api_key=KEY, limits=Limits(submits_per_minute=60))
    assert one._account.submits.per_second == 1
    assert KEY not in repr(account._accounts)


def test_this_machine_is_asked_without_limits_and_often(sleeps):
    api = Api(*[PENDING] * 20, done())
    asyncio.run(api.client(base_url="http://localhost:1/api/v1", limits=UNLIMITED).wait("t-1"))
    assert [round(t - 1000, 6) for t in api.times[:6]] == [0.05, 0.1, 0.2, 0.4, 0.7, 1.2]


def test_patience_follows_from_the_audio():
    assert patience(0) == 900
    assert patience(3600) == 900 + 720
    assert patience(None) == patience(12 * 3600)
    assert patience(1e9) == 24 * 3600


def test_pauses_vary_by_a_fifth():
    firsts = [jittered(1.0) for _ in range(200)]
    assert 0.8 <= min(firsts) < 0.9
    assert 1.1 < max(firsts) <= 1.2


# Credentials.


def told_of(error):
    """Everything an exception says, with those it came from."""
    said = []
    while error is not None:
        assert not isinstance(error, httpx.HTTPError | httpx.InvalidURL)
        said += [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
        error = error.__cause__ or error.__context__
    return "".join(said)


def test_no_key_signature_or_policy_is_logged_shown_or_raised(recorder, recording, caplog, monkeypatch):
    monkeypatch.setattr("asrlab.dashscope.retries._BACKOFF_S", (0.01, 0.01))
    monkeypatch.setattr("asrlab.dashscope.retries._LOCAL_BACKOFF_S", (0.01, 0.01))
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "asrlab"):
        caplog.set_level(logging.DEBUG, name)
    link = f"{recorder.url}/moved.json?Expires=1&Signature=planted-signature"
    cookie = {"Set-Cookie": "session=planted-cookie; Path=/"}
    failing = []

    answers = {
        "/api/v1/tasks/": (200, cookie, done(link)),
        "/api/v1/uploads": (200, cookie, {"data": POLICY | {"upload_host": recorder.url + "/up"}}),
        "/api/v1/services/": (200, cookie, ACCEPTED),
        "/up": (200, cookie, {}),
        "/moved": (302, {**cookie, "Location": f"{recorder.url}/x.json?Signature=planted-signature"}, {}),
        "/gone": (403, {}, {"code": "X", "message": "Signature=planted-signature"}),
        "/x": (200, cookie, RESULT),
    }

    def answer(path):
        if path in failing:
            failing.remove(path)
            return None
        status, headers, document = next(answers[start] for start in answers if path.startswith(start))
        return status, headers, json.dumps(document).encode()

    recorder.answer = answer
    failing += ["/up", "/api/v1/tasks/t-1", "/moved.json?Expires=1&Signature=planted-signature"]
    shown = []
    with Client(api_key=KEY, base_url=recorder.base) as client:
        shown += [client, client._client, client.upload(recording), client.submit(URL)]
        task = client.wait("t-1")
        result = client.result(task)
        shown += [task, task.link, str(task.link), f"{task.link}", result, result.document]
        for path in ("/gone.json", "/slow.json"):
            recorder.answer = lambda path: None if path.startswith("/slow") else answer(path)
            bad = wire.parse_task(done(f"{recorder.url}{path}?Signature=planted-signature"))
            with pytest.raises(ServiceError) as caught:
                client.result(bad)
            shown.append(told_of(caught.value))
        recorder.answer = lambda path: None
        for ask, given in ((client.query, "t-1"), (client.submit, URL)):
            with pytest.raises(ServiceError) as caught:
                ask(given)
            shown.append(told_of(caught.value))
        shown += [pickle.dumps([task, result]), dataclasses.asdict(task), client._client._http, client._client._account]
    logged = [record.getMessage() for record in caplog.records]
    assert any("/api/v1/tasks/t-1" in line for line in logged)
    everything = "".join([*map(repr, shown), *map(str, shown), *logged])
    assert "planted-key" not in everything
    assert "planted-signature" not in everything
    assert "planted-policy" not in everything
    for _, path, headers, body in recorder.seen:
        assert headers["Cookie"] is None
        assert (headers["Authorization"] == f"Bearer {KEY}") == path.startswith("/api/v1/")
        assert KEY.encode() not in body


@pytest.mark.parametrize(
    "answer",
    [
        (400, f"bad header Authorization: Bearer {KEY} and a long text {'x' * 300}".encode()),
        (400, {"code": KEY, "message": f"no {KEY}", "request_id": KEY}),
        (401, {"code": "InvalidApiKey", "message": f"not {KEY}"}),
        {"output": {"task_id": "t-1", "task_status": "FAILED", "code": KEY, "message": f"for {KEY}"}},
    ],
)
@pytest.mark.parametrize("padding", range(0, 220, 20))
def test_a_key_that_is_echoed_is_not_shown_and_no_part_of_it(sleeps, answer, padding):
    if isinstance(answer, tuple) and isinstance(answer[1], bytes):
        answer = (answer[0], b"x" * padding + answer[1])
    with pytest.raises(ServiceError) as caught:
        wait(Api(answer))
    assert "planted" not in told_of(caught.value)
    assert KEY[:8] not in told_of(caught.value)


def test_an_answer_that_trickles_for_ever_is_given_up(sleeps):
    class Trickle(httpx.AsyncByteStream):
        async def __aiter__(self):
            while True:
                await asyncio.sleep(5)
                yield b" "

    api = Api(lambda request: httpx.Response(200, stream=Trickle()))
    with pytest.raises(OutcomeUnknown, match="did not answer in time"):
        asyncio.run(api.client().submit(URL))
    assert virtual_time.now() < 1000 + 200
    assert len(api.requests) == 1


def test_a_proxy_that_refuses_the_connection_had_nothing_sent_through_it(sleeps):
    api = Api(httpx.ProxyError, ACCEPTED)
    assert asyncio.run(api.client().submit(URL)).task_id == "t-1"


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_client_does_not_survive_a_fork_and_says_so():
    with Client(api_key=KEY, base_url="http://127.0.0.1:9/api/v1") as client:
        child = os.fork()
        if child == 0:
            try:
                client.query("t-1")
            except RuntimeError:
                client.close()
                os._exit(17)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 17


def test_closing_in_another_thread_ends_what_waits(recorder):
    recorder.answer = lambda path: (503, {}, b"")
    client = Client(api_key=KEY, base_url=recorder.base)
    told = []

    def ask():
        try:
            client.query("t-1")
        except ServiceError as error:
            told.append(error.code)

    thread = threading.Thread(target=ask)
    thread.start()
    while not recorder.seen:
        pass
    client.close()
    thread.join(10)
    assert told == ["Closed"]


def test_other_users_of_httpx_keep_their_log(recorder, caplog):
    caplog.set_level(logging.INFO, "httpx")
    httpx.get(recorder.url + "/mine?a=b", trust_env=False)
    assert "/mine?a=b" in caplog.text


def test_certificate_and_network_faults_hold_no_httpx_exception(sleeps):
    for fault in (httpx.ReadTimeout, httpx.ConnectError, httpx.RemoteProtocolError, httpx.DecodingError):
        with pytest.raises(ServiceError) as caught:
            fetch(Api(fault))
        assert "planted" not in told_of(caught.value)


def test_loopback_goes_past_proxy_variables(recorder, monkeypatch):
    monkeypatch.setattr("asrlab.dashscope.retries._LOCAL_BACKOFF_S", ())
    with socket.create_server(("127.0.0.1", 0)) as server:
        dead = f"http://127.0.0.1:{server.getsockname()[1]}"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, dead)
    with Client(api_key=KEY, base_url=recorder.base) as client:
        assert client.query("t-1").status == "PENDING"


@pytest.mark.parametrize(
    "text",
    [
        "Signature: planted-signature", '{"Signature":"planted-signature"}', "SecurityToken=planted-token",
        "security-token: planted-token", "Authorization: Bearer planted-key-1", "OSSAccessKeyId: LTAIplanted",
        "https://h/x?Signature=planted-signature", "policy=planted-policy", "AWSAccessKeyId=planted",
        "X-Amz-Credential=planted%2Fx", "X-Amz-Signature=planted", "X-Amz-Security-Token=planted",
    ],
)  # fmt: skip
def test_credentials_are_scrubbed_in_whatever_form(text):
    assert "planted" not in scrub(f"see {text} here")


def test_scrubbing_takes_no_longer_for_being_confused():
    for text in ("a." * 200_000, "signature" * 50_000, "Bearer " * 50_000, "http://" * 50_000, "signature : " * 30_000):
        scrub(text)  # quadratic, it would take hours


def test_a_signed_link_is_given_whole_on_request_only():
    link = SignedUrl("https://u:p@h/x.json?Signature=planted#y")
    assert str(link) == "https://h/x.json"
    assert repr(link) == "SignedUrl('https://h/x.json')"
    assert link.reveal().endswith("planted#y")
    with pytest.raises(TypeError):
        json.dumps(link)


@settings(deadline=None)
@given(st.text(st.characters(codec="ascii", exclude_characters="/@?#"), min_size=1), st.text())
def test_a_bare_link_has_no_query_and_no_password(password, query):
    assert bare(f"https://u:{password}@h/x?{query}") == "https://h/x"
    assert bare(f"https://u:p@{password}@h/x") == "https://h/x"


@pytest.mark.parametrize(
    "text",
    [
        "get https://h/x?Signature=planted failed",
        "see (http://h/x?a=b&planted), please",
        "Expires=1&Signature=planted&x",
        "x-oss-signature = planted",
        "https://u:planted@h/x",
        "OSSAccessKeyId=planted",
    ],
)
def test_credentials_are_scrubbed_from_texts(text):
    assert "planted" not in scrub(text)


def test_texts_without_credentials_stay_as_they_are():
    text = "url error, please check url！ Is it 12:30? See https://h/x, and a/b?c."
    assert scrub(text) == text


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:1/", True), ("http://127.9.9.9/", True), ("http://[::1]:8/", True),
        ("http://localhost.example/", False), ("https://10.0.0.1/", False), ("nonsense", False),
    ],
)  # fmt: skip
def test_this_machine_is_known_by_its_names(url, loopback):
    assert is_loopback(url) is loopback


# The package.


def test_the_public_names_are_these_and_documented():
    for name in dashscope.__all__:
        assert getattr(dashscope, name).__doc__
    verbs = ("submit", "query", "wait", "result", "upload")
    for verb in verbs:
        assert inspect.signature(getattr(Client, verb)) == inspect.signature(getattr(AsyncClient, verb))
        assert getattr(Client, verb).__doc__ == getattr(AsyncClient, verb).__doc__
    assert inspect.signature(Client) == inspect.signature(AsyncClient)


def test_httpx_is_used_in_one_place_and_imported_late():
    package = Path(dashscope.__file__).parent.parent
    users = [  # of the client's side: the server has its own
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if path.parent.name != "server"
        and re.search(r"^import httpx|^from httpx|^        import httpx", path.read_text(encoding="utf-8"), re.M)
    ]
    assert users == ["dashscope/http.py"]
    code = "import sys, asrlab, asrlab.engines; print('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.strip() == b"False"
