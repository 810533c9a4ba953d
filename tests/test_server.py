"""The local service: its protocol with a scripted recogniser behind it, and the official SDK as a third party."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from by_hand import (
    KEY,
    MODEL,
    PATH,
    RESOLVE,
    SUBMIT,
    ask,
    body_for,
    form,
    query,
    raw,
    result_of,
    start,
    submit,
    upload,
    wait,
)
from stand_ins import Scripted

from asrlab.errors import InvalidInput, MissingExtra, TaskFailed

pytest.importorskip("starlette")

from asrlab.server.app import BODY_BYTES, make_app
from asrlab.server.run import run, serve
from asrlab.server.service import Service
from asrlab.server.uploads import Uploads


@pytest.fixture
def service(shared):
    return shared[0]


@pytest.fixture
def client(service):
    with httpx.Client(base_url=service.url, trust_env=False) as client:
        yield client


@pytest.fixture
def own(files):
    """A client of a service for one test alone."""
    with (
        serve(Scripted(), media=(files.url,), limits=None) as service,
        httpx.Client(base_url=service.url, trust_env=False) as client,
    ):
        yield client


# A task from submit to result.


def test_a_task_goes_from_submit_to_result(client, engine, files):
    engine.go.clear()
    response = client.post(PATH, headers=SUBMIT, json=body_for(f"{files.url}/mono.wav"))
    accepted = response.json()
    assert set(accepted) == {"request_id", "output"}
    task_id = accepted["output"]["task_id"]
    assert accepted["output"] == {"task_id": task_id, "task_status": "PENDING"}

    while query(client, task_id)["output"]["task_status"] == "PENDING":
        time.sleep(0.01)
    running = query(client, task_id)
    assert set(running) == {"request_id", "output"}
    assert running["output"]["task_status"] == "RUNNING"
    assert running["output"]["task_metrics"] == {"TOTAL": 1, "SUCCEEDED": 0, "FAILED": 0}
    assert set(running["output"]) == {"task_id", "task_status", "submit_time", "scheduled_time", "task_metrics"}

    engine.go.set()
    done = wait(client, task_id)
    assert set(done) == {"request_id", "output", "usage"}
    assert done["usage"] == {"seconds": 2}  # 1.5 s, rounded up
    output = done["output"]
    assert set(output) == {"task_id", "task_status", "submit_time", "scheduled_time", "end_time", "result"}
    times = [output[name] for name in ("submit_time", "scheduled_time", "end_time")]
    assert times == sorted(times)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", moment) for moment in times)

    link = urlsplit(output["result"]["transcription_url"])
    assert (link.scheme, set(parse_qs(link.query))) == ("http", {"Expires", "OSSAccessKeyId", "Signature"})
    assert result_of(output) == {
        "file_url": f"{files.url}/mono.wav",
        "audio_info": {"format": "wav", "sample_rate": 16000},
        "transcripts": [
            {
                "channel_id": 0,
                "text": "Ship it.",
                "sentences": [
                    {
                        "sentence_id": 0,
                        "begin_time": 0,
                        "end_time": 900,
                        "language": "en",
                        "emotion": "neutral",
                        "text": "Ship it.",
                    }
                ],
            }
        ],
        "asrlab": {
            "recogniser": Scripted.identity,
            "model": "parrot 1",
            "context_tokens": None,
            "unsupported": [],
        },
    }
    assert "authorization" not in {name.lower() for name in files.seen[-1]}


def test_words_channels_and_what_could_not_be_obeyed(client, files):
    parameters = {"channel_id": [1, 0], "enable_words": True, "enable_itn": True, "corpus": {"text": "Kestrel"}}
    done = wait(client, submit(client, f"{files.url}/stereo.flac", parameters))
    assert done["usage"] == {"seconds": 2}  # 0.4 s, rounded up, twice
    result = result_of(done["output"])
    assert result["audio_info"] == {"format": "flac", "sample_rate": 44100}
    assert [transcript["channel_id"] for transcript in result["transcripts"]] == [1, 0]
    assert result["transcripts"][0]["sentences"][0]["words"] == [
        {"begin_time": 0, "end_time": 400, "text": "Ship ", "punctuation": ""},
        {"begin_time": 400, "end_time": 900, "text": "it", "punctuation": "."},
    ]
    assert result["asrlab"]["context_tokens"] == 3
    assert result["asrlab"]["unsupported"] == ["context", "enable_itn"]


@pytest.mark.parametrize(
    ("sent", "context"),
    [
        ({}, None),
        ({"corpus": {"text": "a"}}, "a"),
        ({"text": "b"}, "b"),
        ({"corpus": {"text": "a"}, "text": "b"}, "a"),
        ({"corpus": {"text": ""}, "text": "b"}, "b"),
        ({"corpus": {"text": ""}, "text": ""}, None),
        ({"corpus": {}, "text": None}, None),
        ({"context": "c", "language_hints": ["en"], "diarization_enabled": True}, None),
    ],
)
def test_context_has_two_names_and_unknown_parameters_are_ignored(client, engine, files, sent, context):
    assert ask(client, f"{files.url}/mono.wav", sent)["task_status"] == "SUCCEEDED"
    assert engine.asked[-1].parameters.context == context


def test_the_audio_given_to_the_recogniser_is_gone_afterwards(client, engine, files):
    ask(client, f"{files.url}/mono.wav")
    assert not Path(engine.asked[-1].audio).exists()


def test_the_documented_curl_command_works_unchanged(service, files):
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    body = (
        '{"model":"qwen3-asr-flash-filetrans","input":{"file_url":"%s/mono.wav"},'
        '"parameters":{"channel_id":[0],"enable_itn":false}}'
    )
    command = [curl, "-sS", "--noproxy", "*", "-X", "POST", service.base_url + "/services/audio/asr/transcription"]
    headers = ("Authorization: Bearer $KEY", "Content-Type: application/json", "X-DashScope-Async: enable")
    command += [part for header in headers for part in ("-H", header)]
    answer = subprocess.run([*command, "-d", body % files.url], capture_output=True, check=True, text=True).stdout
    with httpx.Client(base_url=service.url, trust_env=False) as client:
        done = wait(client, json.loads(answer)["output"]["task_id"])
    assert done["output"]["task_status"] == "SUCCEEDED"
    assert result_of(done["output"])["transcripts"][0]["text"] == "Ship it."


# What is refused at once.


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        ({}, "not json", 401, "InvalidApiKey"),
        ({"Authorization": "Bearer"}, "{}", 401, "InvalidApiKey"),
        ({"Authorization": "Basic abc"}, "{}", 401, "InvalidApiKey"),
        (KEY, "not json", 400, "BadRequest.IllegalInput"),
        (KEY, "", 400, "BadRequest.IllegalInput"),
        (KEY, b"\xff\xfe", 400, "BadRequest.IllegalInput"),
        (KEY, "[" * 100_000, 400, "BadRequest.IllegalInput"),
        (KEY, '{"model": ' + "9" * 5000 + "}", 400, "BadRequest.IllegalInput"),
        (SUBMIT, json.dumps(body_for("http://\ud800")), 400, "BadRequest.IllegalInput"),
        (KEY, '{"model": NaN}', 400, "BadRequest.IllegalInput"),
        (KEY, '{"model": -Infinity}', 400, "BadRequest.IllegalInput"),
        (KEY, json.dumps({"model": MODEL}).encode("utf-16"), 400, "BadRequest.IllegalInput"),
        (KEY, '{"model": ' + "[" * 100 + "]" * 100 + "}", 400, "BadRequest.IllegalInput"),
        (KEY, "[1]", 400, "BadRequest.IllegalInput"),
        (KEY, "null", 400, "BadRequest.IllegalInput"),
        (KEY, "{}", 400, "BadRequest.EmptyModel"),
        (KEY, {"model": ""}, 400, "BadRequest.EmptyModel"),
        (KEY, {"model": None}, 400, "BadRequest.EmptyModel"),
        (KEY, {"model": ["a"]}, 400, "InvalidParameter"),
        (KEY, {"model": "whisper-1"}, 404, "ModelNotFound"),
        (KEY, {"model": MODEL}, 403, "AccessDenied"),
        ({**KEY, "X-DashScope-Async": "disable"}, {"model": MODEL}, 403, "AccessDenied"),
        (SUBMIT, {"model": "qwen3-asr-flash"}, 400, "InvalidParameter"),
        (SUBMIT, {"model": MODEL}, 400, "BadRequest.EmptyInput"),
        (SUBMIT, {"model": MODEL, "input": {}}, 400, "BadRequest.EmptyInput"),
        (SUBMIT, {"model": MODEL, "input": []}, 400, "BadRequest.EmptyInput"),
        (SUBMIT, {"model": MODEL, "input": None}, 400, "BadRequest.EmptyInput"),
        (SUBMIT, {"model": MODEL, "input": 0}, 400, "BadRequest.EmptyInput"),
        (SUBMIT, {"model": MODEL, "input": [{"file_url": "x"}]}, 400, "InvalidParameter"),
        (SUBMIT, {"model": MODEL, "input": "http://a/b.wav"}, 400, "InvalidParameter"),
        (SUBMIT, {"model": MODEL, "input": {"file_url": "x"}, "parameters": [1]}, 400, "InvalidParameter"),
    ],
)
def test_submits_are_checked_in_the_documented_order(client, headers, body, status, code):
    content = json.dumps(body) if isinstance(body, dict) else body
    response = client.post(PATH, headers=headers, content=content)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert set(response.json()) == {"request_id", "code", "message"}


def test_the_url_error_has_its_full_width_mark(client):
    response = client.post(PATH, headers=SUBMIT, json={"model": "qwen3-asr-flash", "input": {"file_url": "x"}})
    assert response.json()["message"] == "url error, please check url！"


def test_a_body_too_long_is_refused_without_reading_it_all(client):
    sent = []

    def endless():
        for _ in range(100_000):
            sent.append(1)
            yield b" " * 65536

    with contextlib.suppress(httpx.WriteError, httpx.ReadError):  # the service may hang up on the rest
        response = client.post(PATH, headers=SUBMIT, content=endless())
        assert (response.status_code, response.json()["code"]) == (400, "BadRequest.TooLarge")
    assert BODY_BYTES / 65536 <= len(sent) < 10_000


@pytest.mark.parametrize("size", [b"Content-Length: %d" % (1 << 30), b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("key", [b"", b"Authorization: Bearer k\r\n"])
def test_the_rest_of_a_body_too_long_is_not_waited_for(service, size, key):
    host = service.url.removeprefix("http://").encode()
    head = b"POST %s HTTP/1.1\r\nHost: %s\r\n%s%s\r\n\r\n" % (PATH.encode(), host, key, size)
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    answer = raw(service.url, head + (chunk * 17 if b"chunked" in size else b" " * (17 << 16)))
    assert answer.startswith(b"HTTP/1.1 400 " if key else b"HTTP/1.1 401 ")
    assert (b"BadRequest.TooLarge" if key else b"InvalidApiKey") in answer


def test_refusals_keep_the_connection(service):
    with httpx.Client(base_url=service.url, trust_env=False, limits=httpx.Limits(max_connections=1)) as client:
        ports = set()
        for headers in ({}, KEY, SUBMIT):
            with client.stream("POST", PATH, headers=headers, content=b"{") as response:
                assert response.status_code in (400, 401)
                ports.add(response.extensions["network_stream"].get_extra_info("client_addr"))
                response.read()
        assert len(ports) == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", PATH, 405),
        ("PUT", "/api/v1/tasks/x", 405),
        ("GET", "/api/v1/tasks/a/b", 404),
        ("POST", "/upload", 400),
        ("GET", "/results/x.json", 403),
        ("GET", "/results/x.json?Expires=abc&Signature=é", 403),
        ("GET", "/uploads/0123?Expires=1&Signature=x", 404),
    ],
)
def test_refusals_are_json(client, method, path, status):
    response = client.request(method, path, headers=KEY)
    assert response.status_code == status
    assert set(response.json()) == {"request_id", "code", "message"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1:1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1"},
    ],
)
def test_a_foreign_host_or_origin_is_refused(client, headers):
    assert client.get("/asrlab/status", headers=headers).status_code == 403


def test_its_own_names_are_not_foreign(client, service):
    port = service.url.rpartition(":")[2]
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}"):
        assert client.get("/asrlab/status", headers={"Host": host, "Origin": f"http://{host}"}).status_code == 200


def test_links_are_built_from_the_configured_base(client, service, files):
    port = service.url.rpartition(":")[2]
    task_id = submit(client, f"{files.url}/mono.wav")
    wait(client, task_id)
    document = client.get(f"/api/v1/tasks/{task_id}", headers={**KEY, "Host": f"localhost:{port}"}).json()
    assert document["output"]["result"]["transcription_url"].startswith(service.url + "/results/")


# What fails as a task.


def failure(client, file_url, parameters=None, headers=SUBMIT):
    output = ask(client, file_url, parameters, headers)
    assert output["task_status"] == "FAILED"
    assert set(output) >= {"submit_time", "scheduled_time", "end_time", "code", "message"}
    return output["code"], output["message"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/status/403", "FILE_403_FORBIDDEN"),
        ("/status/404", "FILE_404_NOT_FOUND"),
        ("/absent.wav", "FILE_404_NOT_FOUND"),
        ("/status/410", "FILE_DOWNLOAD_FAILED"),
        ("/status/503", "FILE_SERVER_ERROR"),
        ("/status/302", "FILE_DOWNLOAD_FAILED"),
        ("/with space.wav", "FILE_DOWNLOAD_FAILED"),
        ("/é.wav", "FILE_DOWNLOAD_FAILED"),
        ("/text.wav", "DECODE_ERROR"),
        ("/empty.wav", "DECODE_ERROR"),
        ("/nothing.wav", "NO_VALID_AUDIO_ERROR"),
    ],
)
def test_faults_of_the_file_fail_the_task(client, engine, files, path, code):
    assert failure(client, files.url + path)[0] == code
    assert engine.asked == []


@pytest.mark.parametrize("path", ["/mono.wav", "/phone.ogg", "/music.mp3", "/stereo.flac", "/with%20space.wav"])
def test_usual_formats_are_taken(client, files, path):
    assert ask(client, files.url + path)["task_status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/a.wav",
        "http://169.254.169.254/latest",
        "{files}@evil.example/a.wav",
        "{files}\\@evil.example/a.wav",
        "{user}/mono.wav",
    ],
)
def test_only_servers_it_was_told_of_are_asked(client, files, url):
    seen = len(files.seen)
    given = url.format(files=files.url, user=files.url.replace("//", "//user:secret@"))
    code, message = failure(client, given)
    assert code == "FILE_DOWNLOAD_FAILED"
    assert "--media http" in message
    assert "secret" not in message
    assert len(files.seen) == seen


@pytest.mark.parametrize("url", [None, 5, "", "mono.wav", "file:///etc/passwd", "ftp://a/b.wav", "http://[::1/a.wav"])
def test_links_that_are_none_fail_the_task(client, url):
    response = client.post(PATH, headers=SUBMIT, json={"model": MODEL, "input": {"file_url": url, "other": 1}})
    output = wait(client, response.json()["output"]["task_id"])["output"]
    assert (output["code"], output["task_status"]) == ("InvalidParameter.MalformedURL", "FAILED")


def test_the_plural_field_of_sibling_models_fails_the_task(client, files):
    url = f"{files.url}/mono.wav"
    for given in ({"file_urls": [url]}, {"messages": []}):
        response = client.post(PATH, headers=SUBMIT, json={"model": MODEL, "input": given})
        output = wait(client, response.json()["output"]["task_id"])["output"]
        assert (output["code"], output["message"]) == (
            "InvalidParameter.MalformedURL",
            "A valid file URL is required.",
        )
    both = {"model": MODEL, "input": {"file_urls": [url], "file_url": url}}
    task_id = client.post(PATH, headers=SUBMIT, json=both).json()["output"]["task_id"]
    assert wait(client, task_id)["output"]["task_status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"language": "nl"}, "yue"),  # the recogniser has it, the service does not
        ({"language": ""}, "language"),
        ({"language": ["en"]}, "language"),
        ({"enable_itn": "true"}, "enable_itn"),
        ({"enable_words": 1}, "enable_words"),
        ({"channel_id": []}, "channel_id"),
        ({"channel_id": 0}, "channel_id"),
        ({"channel_id": [0, 0]}, "channel_id"),
        ({"channel_id": [-1]}, "channel_id"),
        ({"channel_id": [True]}, "channel_id"),
        ({"channel_id": [[0]]}, "channel_id"),
        ({"channel_id": [1]}, "channel_id 1 is not in the audio"),
        ({"channel_id": [0, 10**400]}, "channel_id"),
        ({"corpus": {"text": 5}}, "context"),
        ({"text": ["a"]}, "context"),
    ],
)
def test_wrong_parameters_fail_the_task(client, files, parameters, named):
    code, message = failure(client, f"{files.url}/mono.wav", parameters)
    assert code == "InvalidParameter"
    assert named in message


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TaskFailed("channel_id 3 is not in the audio", code="InvalidParameter"), "InvalidParameter"),
        (InvalidInput("broken off"), "DECODE_ERROR"),
        (RuntimeError("out of luck"), "SERVER_ERROR"),
        (ZeroDivisionError(), "SERVER_ERROR"),
    ],
)
def test_whatever_the_recogniser_raises_ends_only_its_task(client, engine, files, error, code):
    engine.error = error
    assert failure(client, f"{files.url}/mono.wav")[0] == code
    engine.error = None
    assert ask(client, f"{files.url}/mono.wav")["task_status"] == "SUCCEEDED"


def test_silence_is_the_documented_failure(client, engine, files):
    engine.text = ""
    assert failure(client, f"{files.url}/mono.wav")[0] == "SUCCESS_WITH_NO_VALID_FRAGMENT"


# Tasks.


def test_an_unknown_task_is_no_http_error(client):
    for method, headers in (("GET", KEY), ("POST", KEY), ("GET", SUBMIT)):
        response = client.request(method, "/api/v1/tasks/nope", headers=headers)
        assert response.status_code == 200
        assert response.json()["output"] == {"task_id": "nope", "task_status": "UNKNOWN"}
    assert client.get("/api/v1/tasks/nope").status_code == 401


def test_cancel_only_while_pending(client, engine, files):
    engine.go.clear()
    first, second = (submit(client, f"{files.url}/mono.wav") for _ in range(2))
    while query(client, first)["output"]["task_status"] == "PENDING":
        time.sleep(0.01)
    assert query(client, second)["output"]["task_status"] == "PENDING"
    assert "scheduled_time" not in query(client, second)["output"]
    cancelled = client.post(f"/api/v1/tasks/{second}/cancel", headers=KEY)
    assert (cancelled.status_code, set(cancelled.json())) == (200, {"request_id"})
    for task_id in (first, second, "nope"):
        refused = client.post(f"/api/v1/tasks/{task_id}/cancel", headers=KEY)
        assert (refused.status_code, refused.json()["code"]) == (400, "UnsupportedOperation")
    engine.go.set()
    assert wait(client, first)["output"]["task_status"] == "SUCCEEDED"
    assert set(query(client, second)["output"]) == {"task_id", "task_status", "submit_time", "end_time"}
    assert len(engine.asked) == 1


def test_the_list_is_paged_and_filtered(own, files):
    client = own
    done = [submit(client, f"{files.url}/mono.wav") for _ in range(3)]
    for task_id in done:
        wait(client, task_id)
    failed = submit(client, f"{files.url}/absent.wav")
    wait(client, failed)

    def listed(path="/api/v1/tasks", **asked):
        response = client.get(path, params=asked, headers=KEY)
        assert response.status_code == 200
        return response.json()

    everything = listed()
    assert {name: everything[name] for name in ("total", "total_page", "page_no", "page_size")} == {
        "total": 4,
        "total_page": 1,
        "page_no": 1,
        "page_size": 10,
    }
    assert [row["task_id"] for row in everything["data"]] == [failed, *reversed(done)]
    assert listed("/api/v1/tasks/")["data"] == everything["data"]
    row = everything["data"][0]
    assert set(row) == {
        *("api_key_id", "caller_parent_id", "caller_uid", "gmt_create", "start_time", "end_time", "model_name"),
        *("region", "request_id", "status", "task_id", "user_api_unique_key"),
    }
    assert row["gmt_create"] <= row["start_time"] <= row["end_time"]
    assert [row["task_id"] for row in listed(page_no=2, page_size=3)["data"]] == [done[0]]
    assert listed(page_size=3)["total_page"] == 2
    assert listed(page_no=9)["data"] == []
    assert [row["task_id"] for row in listed(status="FAILED")["data"]] == [failed]
    assert listed(model_name="other")["total"] == 0
    assert listed(start_time="20200101000000", end_time="20200101120000")["total"] == 0
    assert listed(page_size=500)["page_size"] == 100
    assert listed(start_time=f"{datetime.now(UTC) - timedelta(hours=30):%Y%m%d%H%M%S}")["total"] == 0
    assert listed(start_time=f"{datetime.now(UTC) - timedelta(hours=1):%Y%m%d%H%M%S}")["total"] == 4
    assert listed(end_time=f"{datetime.now(UTC) + timedelta(hours=1):%Y%m%d%H%M%S}")["total"] == 4


@pytest.mark.parametrize(
    "asked",
    [
        {"page_no": "0"},
        {"page_no": "x"},
        {"page_size": "-1"},
        {"page_size": "9" * 50},
        {"page_no": "²"},
        {"start_time": "yesterday"},
        {"start_time": "20261301000000"},
        {"start_time": "00010101000000"},
        {"end_time": "99991231235959"},
        {"start_time": "20260101000000", "end_time": "20260103000000"},
        {"start_time": "20260103000000", "end_time": "20260101000000"},
    ],
)
def test_list_queries_that_make_no_sense_are_refused(client, asked):
    response = client.get("/api/v1/tasks", params=asked, headers=KEY)
    assert response.status_code in (200, 400)
    assert "request_id" in response.json()


def test_the_status_counts_submits(own, files):
    client = own
    for query_part in ("", "?Signature=secret"):
        ask(client, f"{files.url}/mono.wav{query_part}")
    ask(client, f"{files.url}/absent.wav")
    status = client.get("/asrlab/status").json()
    assert status["service"] == "asrlab"
    assert status["recogniser"] == Scripted.identity
    assert status["capabilities"] == {
        "parameters": ["channel_id", "enable_words", "language", "language_hints"],
        "languages": ["en", "zh"],
        "itn_languages": None,
        "context_tokens": None,
    }
    assert status["submits"] == 3
    assert status["submits_by_file"] == {f"{files.url}/mono.wav": 2, f"{files.url}/absent.wav": 1}
    assert status["tasks"] == {"SUCCEEDED": 2, "FAILED": 1}


# Uploads.


def test_an_upload_is_transcribed(client, engine, audio, service):
    response, url = upload(client, (audio / "mono.wav").read_bytes())
    assert (response.status_code, response.content) == (200, b"")
    output = ask(client, url, headers=RESOLVE)
    assert output["task_status"] == "SUCCEEDED"
    assert result_of(output)["file_url"].startswith(service.url)
    assert Path(engine.asked[-1].audio).read_bytes() == (audio / "mono.wav").read_bytes()


def test_the_policy_has_the_documented_members(client):
    response = client.get("/api/v1/uploads", params={"action": "getPolicy", "model": "any"}, headers=KEY)
    assert set(response.json()) == {"request_id", "data"}
    data = response.json()["data"]
    assert set(data) == {
        *("policy", "signature", "upload_dir", "upload_host", "expire_in_seconds", "max_file_size_mb"),
        *("capacity_limit_mb", "oss_access_key_id", "x_oss_object_acl", "x_oss_forbid_overwrite"),
    }
    assert (data["expire_in_seconds"], data["max_file_size_mb"]) == (300, 1024)
    for wrong in ({}, {"action": "getPolicy"}, {"action": "other", "model": "m"}):
        assert client.get("/api/v1/uploads", params=wrong, headers=KEY).status_code == 400
    assert client.get("/api/v1/uploads", params={"action": "getPolicy", "model": "m"}).status_code == 401


def test_an_upload_needs_the_resolve_header_and_its_own_model(client, audio):
    _, url = upload(client, (audio / "mono.wav").read_bytes())
    code, message = failure(client, url)
    assert code == "FILE_DOWNLOAD_FAILED"
    assert "X-DashScope-OssResourceResolve" in message
    _, other = upload(client, (audio / "mono.wav").read_bytes(), model="fun-asr")
    assert failure(client, other, headers=RESOLVE)[0] == "FILE_DOWNLOAD_FAILED"
    assert failure(client, "oss://nowhere/x.wav", headers=RESOLVE)[0] == "FILE_DOWNLOAD_FAILED"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"success_action_status": None}, 204),
        ({"success_action_status": "teapot"}, 204),
        ({"x-oss-content-type": "audio/x-wav"}, 200),
        ({"OSSAccessKeyId": "other"}, 403),
        ({"Signature": "AAAA"}, 403),
        ({"Signature": None}, 403),
        ({"policy": "e30="}, 403),
        ({"policy": None}, 403),
        ({"key": None}, 403),
        ({"key": "elsewhere/x.wav"}, 403),
        ({"key": lambda policy: policy["upload_dir"] + "/"}, 403),
        ({"key": lambda policy: policy["upload_dir"] + "-2/x.wav"}, 403),
        ({"x-oss-object-acl": "public-read"}, 403),
        ({"x-oss-forbid-overwrite": "false"}, 403),
        ({"x-oss-forbid-overwrite": None}, 403),
        ({"comment": "x" * 100_000}, 400),
    ],
)
def test_the_form_is_held_to_its_policy(client, audio, change, status):
    response, _ = upload(client, (audio / "mono.wav").read_bytes(), **change)
    assert response.status_code == status


@pytest.mark.parametrize(
    "name", ["../../../../tmp/asrlab-escape.wav", "..", "a/b/../../c.wav", "/etc/x", "\x00", "é ü", "n" * 5000]
)
def test_keys_are_names_and_never_paths(client, audio, engine, name):
    response, url = upload(
        client, (audio / "mono.wav").read_bytes(), key=lambda policy: f"{policy['upload_dir']}/{name}"
    )
    assert response.status_code == 200
    output = ask(client, url, headers=RESOLVE)
    assert output["task_status"] == "SUCCEEDED"
    stored = Path(engine.asked[-1].audio)
    assert all(re.fullmatch("[0-9a-f]{64}", file.name) for file in stored.parent.iterdir())


def test_an_object_is_not_overwritten(client, audio):
    policy = client.get("/api/v1/uploads", params={"action": "getPolicy", "model": MODEL}, headers=KEY).json()["data"]
    fields = form(policy, "x.wav")
    statuses = [client.post(policy["upload_host"], data=fields, files={"file": b"RIFF"}).status_code for _ in range(2)]
    assert statuses == [200, 409]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"not a form"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\n\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nx\r\n--b--\r\n'),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nx'),
        ("multipart/form-data; boundary=" + "b" * 5000, b"x"),
        ("multipart/form-data; boundary=b", b"--b\r\n" + b"X: y\r\n" * 10_000),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 100),
    ],
)
def test_forms_that_are_none_are_refused(client, content_type, body):
    response = client.post("/upload", content=body, headers={"Content-Type": content_type})
    assert response.status_code in (400, 403)
    assert "code" in response.json()


def test_thousands_of_fields_are_refused_whatever_their_names(client, audio):
    part = b'--b\r\nContent-Disposition: form-data; name="same"\r\n\r\n\r\n'
    response = client.post(
        "/upload", content=part * 5000 + b"--b--\r\n", headers={"Content-Type": "multipart/form-data; boundary=b"}
    )
    assert (response.status_code, response.json()["message"]) == (400, "The form has more than 32 fields.")


# Clocks, bounds and files, without a network.


class Clock:
    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


@contextlib.asynccontextmanager
async def in_process(engine, files, **options):
    clock = Clock()
    service = Service(engine, "http://127.0.0.1:1", media=(files.url,), clock=clock, **options)
    transport = httpx.ASGITransport(make_app(service))
    async with service.running(), httpx.AsyncClient(transport=transport, base_url=service.url) as client:
        yield service, client, clock


def test_results_and_tasks_are_kept_24_hours(files):
    engine = Scripted()

    async def scenario():
        async with in_process(engine, files) as (_, client, clock):
            response = await client.post(PATH, headers=SUBMIT, json=body_for(f"{files.url}/mono.wav"))
            task_url = "/api/v1/tasks/" + response.json()["output"]["task_id"]
            output = {"task_status": "PENDING"}
            while output["task_status"] in ("PENDING", "RUNNING"):
                output = (await client.get(task_url, headers=KEY)).json()["output"]
                await asyncio.sleep(0.005)
            link = output["result"]["transcription_url"]
            assert output["submit_time"] == "2027-01-15 08:00:00.000"
            clock.now += 24 * 3600 - 1
            assert (await client.get(link)).status_code == 200
            assert (await client.get(link.replace("Signature=", "Signature=x"))).status_code == 403
            clock.now += 2
            assert (await client.get(link)).status_code == 403
            later = re.sub(r"Expires=\d+", f"Expires={int(clock.now) + 999}", link)
            assert (await client.get(later)).status_code == 403
            document = (await client.get(task_url, headers=KEY)).json()
            assert document["output"]["task_status"] == "UNKNOWN"

    asyncio.run(scenario())


def test_a_query_while_draining_is_what_is_waited_for(files):
    engine = Scripted()
    engine.go.clear()

    async def scenario():
        async with in_process(engine, files) as (service, client, _):
            response = await client.post(PATH, headers=SUBMIT, json=body_for(f"{files.url}/mono.wav"))
            drained = asyncio.create_task(service.tasks.drain(3600))
            while service.tasks.accepting:  # noqa: ASYNC110 - there is nothing to be told by
                await asyncio.sleep(0)
            task_url = "/api/v1/tasks/" + response.json()["output"]["task_id"]
            assert (await client.get(task_url, headers=KEY)).json()["output"]["task_status"] == "FAILED"
            async with asyncio.timeout(60):
                await drained

    asyncio.run(scenario())


def test_a_policy_lasts_300_seconds_and_an_upload_48_hours(files):
    engine = Scripted()

    async def send(client, policy):
        return await client.post(policy["upload_host"], data=form(policy, "a.wav"), files={"file": b"RIFF"})

    async def scenario():
        async with in_process(engine, files) as (service, client, clock):
            asked = {"action": "getPolicy", "model": MODEL}
            policy = (await client.get("/api/v1/uploads", params=asked, headers=KEY)).json()["data"]
            clock.now += 301
            late = await send(client, policy)
            assert (late.status_code, late.json()["message"]) == (
                403,
                "Invalid according to Policy: Policy expired.",
            )
            policy = (await client.get("/api/v1/uploads", params=asked, headers=KEY)).json()["data"]
            clock.now += 299
            assert (await send(client, policy)).status_code == 200
            url = f"oss://{policy['upload_dir']}/a.wav"
            path = service.uploads.find(url, MODEL)
            assert path.exists()
            clock.now += 48 * 3600 + 1
            assert service.uploads.find(url, MODEL) is None
            assert not path.exists()

    asyncio.run(scenario())


def test_uploads_are_bounded_and_leave_nothing_behind(tmp_path):
    from asrlab.errors import ServiceError
    from asrlab.server.signing import Signer

    uploads = Uploads(tmp_path, Signer(), file_bytes=1000, total_bytes=1500)

    async def send(size, name="a.wav"):
        policy = uploads.policy_document(MODEL, "http://here")["data"]
        request = httpx.Request("POST", "http://here", data=form(policy, name), files={"file": b"x" * size})

        async def body():
            content = request.read()
            for begin in range(0, len(content), 100):
                yield content[begin : begin + 100]

        return await uploads.receive(request.headers["Content-Type"], body())

    with pytest.raises(ServiceError, match="exceeds"):
        asyncio.run(send(1001))
    assert list(tmp_path.iterdir()) == []
    assert asyncio.run(send(1000)) == 200
    with pytest.raises(ServiceError, match="full"):
        asyncio.run(send(501))
    assert asyncio.run(send(500)) == 200
    assert sorted(file.stat().st_size for file in tmp_path.iterdir()) == [500, 1000]


# Running it.


def test_a_key_given_at_start_is_the_only_one_and_is_logged_nowhere(files, caplog):
    engine = Scripted()
    caplog.set_level(logging.DEBUG)
    engine.error = RuntimeError("boom")
    with serve(engine, media=(files.url,), key="sk-planted", limits=None) as service:
        with httpx.Client(base_url=service.url, trust_env=False) as client:
            assert client.get("/api/v1/tasks", headers=KEY).status_code == 401
            assert client.get("/api/v1/tasks", headers={"Authorization": "Bearer é".encode()}).status_code == 401
            right = {"Authorization": "Bearer sk-planted"}
            assert client.get("/api/v1/tasks", headers=right).status_code == 200
            client.post(PATH, headers={**SUBMIT, **right}, json=body_for(f"{files.url}/mono.wav?Signature=planted"))
            while service.status()["tasks"] != {"FAILED": 1}:
                time.sleep(0.01)
        told = repr(service) + json.dumps(service.status())
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("http")]
    assert any("RuntimeError" in message for message in ours)
    assert "planted" not in told + "".join(ours)


def test_several_run_at_once_and_within_a_running_event_loop(files):
    async def notebook():
        free = {"media": (files.url,), "limits": None}
        with serve(Scripted("One."), **free) as one, serve(Scripted("Two."), **free) as two:
            assert one.url != two.url
            texts = []
            for service in (one, two):
                with httpx.Client(base_url=service.url, trust_env=False) as client:
                    texts.append(result_of(ask(client, f"{files.url}/mono.wav"))["transcripts"][0]["text"])
            return texts

    assert asyncio.run(notebook()) == ["One.", "Two."]


def test_what_cannot_be_served_is_said():
    engine = Scripted()
    with pytest.raises(InvalidInput, match="this machine only"):
        run(engine, host="0.0.0.0")
    for media in ("127.0.0.1:8000", "http://127.0.0.1:8000/files", "ftp://127.0.0.1", "http://"):
        with pytest.raises(InvalidInput, match="scheme, host and port"), serve(engine, media=(media,)):
            pass
    with pytest.raises(InvalidInput, match="recogniser"), serve("siri"):
        pass
    with serve(engine) as service:
        port = int(service.url.rpartition(":")[2])
        with pytest.raises(InvalidInput, match="cannot be had"), serve(engine, port=port):
            pass


def test_sphinx_serves_where_whisper_is_absent(monkeypatch, capfd):
    pytest.importorskip("pocketsphinx")

    def absent(path=None):
        raise MissingExtra("Recognising speech with Whisper", "local")

    monkeypatch.setattr("asrlab.engines.whisper.find_weights", absent)
    with serve("whisper") as service:
        assert service.status()["recogniser"]["engine"] == "sphinx"
    assert "pip install 'asrlab[local]'" in capfd.readouterr().err


def test_leaving_while_a_task_runs_does_not_hang(files):
    engine = Scripted()
    engine.go.clear()
    with serve(engine, media=(files.url,)) as service, httpx.Client(base_url=service.url, trust_env=False) as client:
        submit(client, f"{files.url}/mono.wav")
        while not engine.asked:
            time.sleep(0.01)
    assert service.status()["tasks"] == {"FAILED": 1}


def test_told_to_end_the_process_fails_its_tasks_and_says_so_to_who_asks(tmp_path, files):
    process, url = start(tmp_path, "engine.go.clear()", media=[files.url], limits=None)
    with httpx.Client(base_url=url, trust_env=False) as client:
        running, pending = (submit(client, f"{files.url}/mono.wav") for _ in range(2))
        while query(client, running)["output"]["task_status"] == "PENDING":
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        accepted = [running, pending]
        while (answer := client.post(PATH, headers=SUBMIT, json=body_for("x"))).status_code == 200:
            accepted.append(answer.json()["output"]["task_id"])
        assert (answer.status_code, answer.json()["code"]) == (503, "ModelUnavailable")
        assert client.get("/api/v1/tasks", headers=KEY, params={"status": "FAILED"}).json()["total"] == len(accepted)
        told = [query(client, task_id)["output"] for task_id in accepted]
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")
    assert {(output["task_status"], output["code"]) for output in told} == {("FAILED", "SERVER_ERROR")}


def test_the_process_ends_by_itself_when_idle(tmp_path):
    process, _ = start(tmp_path, idle_exit=0.2)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


def test_the_command_line_has_every_option(tmp_path):
    options = [
        *("--port", "0", "--workers", "3", "--submits-per-minute", "120", "--queries-per-second", "inf"),
        *("--page-rows", "7", "--queue-delay", "30", "--run-delay", "0.5", "--fault", "list=503@0.5"),
        *("--fault", "query=500", "--seed", "4", "--key", "sk-mine", "--engine", "sphinx"),
    ]
    pytest.importorskip("pocketsphinx")
    process = subprocess.Popen(
        [sys.executable, "-m", "asrlab", "serve", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    url = re.search(r"http://\S+", process.stdout.readline())[0]
    with httpx.Client(base_url=url, trust_env=False) as client:
        limits = client.get("/asrlab/status").json()["limits"]
        assert limits == {"queries_per_s": None, "uploads_per_s": 100, "submits_per_minute": 120}
        headers = {"Authorization": "Bearer sk-mine"}
        statuses = {client.get(f"/api/v1/tasks?page_no={n}", headers=headers).status_code for n in range(1, 40)}
        assert statuses == {200, 503}
        assert client.get("/api/v1/tasks/nope", headers=headers).status_code == 500
        task_id = submit(client, "x", headers={**SUBMIT, **headers})
        for page in range(100, 200):
            listed = client.get("/api/v1/tasks", params={"page_size": 50, "page_no": page}, headers=headers)
            if listed.status_code == 200:
                assert listed.json()["page_size"] == 7
                break
        rows = client.get("/api/v1/tasks", params={"status": "PENDING", "page_size": 3}, headers=headers)
        assert rows.status_code == 503 or [row["task_id"] for row in rows.json()["data"]] == [task_id]
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fault", "submit=teapot"], "drop-before"),
        (["--no-limits", "--submits-per-minute", "5"], "Give one or the other"),
        (["--queries-per-second", "0"], "queries_per_s must be a number from 1"),
        (["--workers", "0"], "workers must be a whole number from 1"),
        (["--run-delay", "-1"], "run_s must be a number of seconds"),
    ],
)
def test_the_command_line_says_what_is_wrong(options, said):
    from click.testing import CliRunner

    from asrlab.cli import main

    outcome = CliRunner().invoke(main, ["serve", "--port", "0", *options])
    assert outcome.exit_code != 0
    assert said in outcome.output


def test_an_answer_is_not_held_back_for_the_acknowledgement_of_its_head(monkeypatch):
    from asrlab.server.connections import Connection

    made = Connection.connection_made
    seen = []

    def connection_made(self, transport):
        made(self, transport)
        seen.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(Connection, "connection_made", connection_made)
    with serve(Scripted()) as service, httpx.Client(base_url=service.url, trust_env=False) as client:
        client.get("/")
    assert [bool(option) for option in seen] == [True]


def test_told_twice_it_ends_without_draining():
    from asrlab.server.connections import Server

    async def scenario():
        started = asyncio.Event()

        async def drain():
            started.set()
            await asyncio.Event().wait()

        server = Server(None, drain, lambda: None)
        server.end()
        await started.wait()
        assert not server.should_exit
        server.end()
        assert server.should_exit

    asyncio.run(scenario())


def test_the_server_never_imports_the_client():
    modules = "asrlab.server.app asrlab.server.run asrlab.server.service asrlab.engines.whisper asrlab.engines.sphinx"
    code = f"import sys, {', '.join(modules.split())}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split()
    assert not [name for name in loaded if name.startswith("asrlab.dashscope")]
    assert not {"faster_whisper", "ctranslate2", "pocketsphinx", "wetext"} & set(loaded)
