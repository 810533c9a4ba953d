"""Faults on demand, over real connections."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from types import SimpleNamespace

import httpx
import pytest
from by_hand import KEY, MODEL, PATH, RESOLVE, SUBMIT, body_for, form, query, raw, recording, submit, upload, wait
from stand_ins import Scripted

from asrlab.errors import InvalidInput

pytest.importorskip("starlette")

from asrlab.server.app import make_app
from asrlab.server.faults import Faults
from asrlab.server.run import serve
from asrlab.server.service import Service

INSTEAD = ("429", "429-retry-after", "500", "503", "502-html", "code-only", "drop-before")
AFTER = ("drop-after", "slow", "truncated", "wrong-length")
DROPS = ("drop-before", "drop-after")
LINK = "http://127.0.0.1:9/a.wav"  # nobody is there: its tasks fail, and that is enough here


@pytest.fixture(scope="module")
def service():
    with serve(Scripted(), limits=None) as service:
        yield service


@pytest.fixture
def client(service):
    with httpx.Client(base_url=service.url, trust_env=False, timeout=20) as client:
        yield client


def one_of(client, route, headers=()):
    """Send a request of a route; the task or the result that it asks for, if any, is made before."""
    asked = {**KEY, **dict(headers)}
    if route == "upload":
        return upload(client, recording())[0]
    if route == "submit":
        return client.post(PATH, headers={**SUBMIT, **asked}, json=body_for(LINK))
    if route == "result":
        _, url = upload(client, recording())
        link = wait(client, submit(client, url, headers=RESOLVE))["output"]["result"]["transcription_url"]
    else:
        link = {
            "policy": f"/api/v1/uploads?action=getPolicy&model={MODEL}",
            "list": "/api/v1/tasks",
            "query": "/api/v1/tasks/{}",
            "cancel": "/api/v1/tasks/{}/cancel",
        }[route]
        link = link.format(submit(client, LINK)) if "{}" in link else link
    return client.request("POST" if route == "cancel" else "GET", link, headers=asked)


ROUTES = ("submit", "query", "list", "cancel", "policy", "upload", "result")


# Answers in place of the route's own.


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("429", 429, "Throttling.RateQuota"),
        ("429-retry-after", 429, "Throttling.RateQuota"),
        ("500", 500, "InternalError"),
        ("503", 503, "ModelUnavailable"),
        ("code-only", 200, "InternalError"),
    ],
)
def test_an_answer_in_place_of_the_routes_own(service, client, route, kind, status, code):  # noqa: PLR0917
    service.fault(f"{route}={kind}")
    answer = one_of(client, route)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert set(answer.json()) == {"request_id", "code", "message"}
    assert answer.headers.get("Retry-After") == ("1" if kind == "429-retry-after" else None)
    assert one_of(client, route).status_code != status or kind == "code-only"


def test_a_gateways_page(service, client):
    service.fault("query=502-html")
    answer = one_of(client, "query")
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    assert answer.text.startswith("<html>")


@pytest.mark.parametrize("kind", [*INSTEAD, *AFTER])
def test_what_is_answered_instead_is_not_acted_on_and_what_is_spoilt_is(service, client, kind):
    before = service.status()
    service.fault(f"submit={kind}")
    try:
        one_of(client, "submit")
    except httpx.TransportError:
        assert kind in (*DROPS, "wrong-length")
    after = service.status()
    assert after["submits"] - before["submits"] == (1 if kind in AFTER else 0)
    assert after["requests"]["submit"] - before["requests"]["submit"] == 1


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("kind", DROPS)
def test_a_connection_is_closed_without_an_answer(service, client, route, kind):
    service.fault(f"{route}={kind}")
    with pytest.raises(httpx.TransportError):
        one_of(client, route)
    assert one_of(client, route).status_code in (200, 400)  # 400 for a task that is no longer PENDING


def test_a_dropped_upload_is_stored_if_it_was_dropped_after(service, client):
    data = client.get("/api/v1/uploads", params={"action": "getPolicy", "model": MODEL}, headers=KEY).json()["data"]

    def send():
        return client.post(data["upload_host"], data=form(data, "a.wav"), files={"file": recording()}).status_code

    for kind in DROPS:
        service.fault(f"upload={kind}")
        with pytest.raises(httpx.TransportError):
            send()
        assert send() == (200 if kind == "drop-before" else 409)
        data = client.get("/api/v1/uploads", params={"action": "getPolicy", "model": MODEL}, headers=KEY).json()["data"]


# Spoilt answers.


def head_and_body(service, path):
    host = service.url.removeprefix("http://")
    answer = raw(service.url, f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer k\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(re.search(rb"content-length: (\d+)", head)[1]), body


def test_more_bytes_are_announced_than_sent(service, client):
    service.fault("list=wrong-length")
    announced, body = head_and_body(service, "/api/v1/tasks")
    assert announced == len(body) + 1000
    assert "data" in json.loads(body)
    service.fault("list=wrong-length")
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/api/v1/tasks", headers=KEY)


@pytest.mark.parametrize("route", ["submit", "query", "list", "cancel", "policy", "result"])
def test_json_is_cut_off_with_its_length_as_announced(service, client, route):
    service.fault(f"{route}=truncated")
    answer = one_of(client, route)
    assert int(answer.headers["Content-Length"]) == len(answer.content) > 0
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(answer.content)


def test_a_slow_body_is_whole_in_the_end(service, client):
    service.fault("list=slow")
    assert "data" in client.get("/api/v1/tasks", headers=KEY).json()


def asked_in_process(service, path, method="GET"):
    """Call the application without a connection; the messages it sends."""

    async def ask():
        sent = []

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1:1"), (b"authorization", b"Bearer k")],
        }
        async with service.running():
            await make_app(service)(scope, receive, send)
        return sent

    return asyncio.run(ask())


def test_a_slow_body_comes_in_pieces(monkeypatch):
    pauses = []

    async def sleep(seconds):
        pauses.append(seconds)

    # The module's own name, not `asyncio` itself: loops in other threads must go on sleeping.
    monkeypatch.setattr("asrlab.server.faults.asyncio", SimpleNamespace(sleep=sleep))
    sent = asked_in_process(Service(Scripted(), "http://127.0.0.1:1", faults=["list=slow"]), "/api/v1/tasks")
    pieces = [message["body"] for message in sent[1:]]
    assert len(pieces) == 11
    assert "data" in json.loads(b"".join(pieces))
    assert sum(pause for pause in pauses if pause > 0) == pytest.approx(1.0)


def test_without_a_connection_nothing_can_be_dropped():
    service = Service(Scripted(), "http://127.0.0.1:1", faults=["list=drop-after"])
    with pytest.raises(RuntimeError, match="over HTTP"):
        asked_in_process(service, "/api/v1/tasks")


# Tasks.


def listed(client):
    return {row["task_id"] for row in client.get("/api/v1/tasks", headers=KEY).json()["data"]}


@pytest.mark.parametrize("code", ["DECODE_ERROR", "SUCCESS_WITH_NO_VALID_FRAGMENT", "InternalError.Algo"])
def test_a_task_fails_with_the_code_it_was_told(service, client, code):
    _, url = upload(client, recording())
    service.fault(f"task={code}")
    output = wait(client, submit(client, url, headers=RESOLVE))["output"]
    assert (output["task_status"], output["code"], output["message"]) == ("FAILED", code, code)
    assert set(output) >= {"submit_time", "scheduled_time", "end_time"}
    assert wait(client, submit(client, url, headers=RESOLVE))["output"]["task_status"] == "SUCCEEDED"


def test_a_lost_task_was_accepted_and_is_unknown(service, client):
    before = service.status()["submits"]
    service.fault("task=lost")
    task_id = submit(client, LINK)
    assert query(client, task_id)["output"] == {"task_id": task_id, "task_status": "UNKNOWN"}
    assert task_id not in listed(client)
    assert service.status()["submits"] == before + 1
    assert submit(client, LINK) in listed(client)


def test_schedule_time_has_another_spelling(service, client):
    _, url = upload(client, recording())
    service.fault("task=schedule-time")
    output = wait(client, submit(client, url, headers=RESOLVE))["output"]
    assert output["task_status"] == "SUCCEEDED"
    assert "schedule_time" in output
    assert "scheduled_time" not in output


# Who meets a fault.


def test_a_fault_on_demand_meets_so_many_requests(service, client):
    service.fault("list=503", times=2)
    service.fault("query=500")
    statuses = [client.get("/api/v1/tasks", headers=KEY).status_code for _ in range(4)]
    assert statuses == [503, 503, 200, 200]
    assert client.get("/api/v1/tasks/nope", headers=KEY).status_code == 500


def test_a_request_may_wish_for_its_fault(client):
    wish = {"X-Asrlab-Fault": "503"}
    assert client.get("/api/v1/tasks", headers={**KEY, **wish}).status_code == 503
    assert client.get("/api/v1/tasks", headers=KEY).status_code == 200
    wish = {"X-Asrlab-Fault": "task:DECODE_ERROR"}
    assert wait(client, submit(client, LINK, headers={**SUBMIT, **wish}))["output"]["code"] == "DECODE_ERROR"
    with pytest.raises(httpx.TransportError):
        submit(client, LINK, headers={**SUBMIT, "X-Asrlab-Fault": "drop-after"})


@pytest.mark.parametrize(
    ("route", "wish", "named"),
    [
        ("list", "fire", "truncated"),
        ("list", "", "truncated"),
        ("list", "task:lost", "submit"),
        ("submit", "task:fire", "DECODE_ERROR"),
        ("submit", "lost", "drop-after"),
        ("submit", "é", "drop-after"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused(service, client, route, wish, named):
    before = service.status()["submits"]
    answer = one_of(client, route, {"X-Asrlab-Fault": wish.encode("latin-1")}.items())
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert named in answer.json()["message"]
    assert service.status()["submits"] == before


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "ROUTE=KIND"),
        ("submit", "ROUTE=KIND"),
        ("submits=500", "submit, query, list, cancel, policy, upload, result, generate, chat, task"),
        ("=500", "Routes"),
        ("submit=", "429-retry-after"),
        ("submit=teapot", "drop-before"),
        ("submit=lost", "drop-before"),
        ("upload=truncated", "drop-after"),
        ("task=500", "DECODE_ERROR"),
        ("task=slow", "schedule-time"),
        ("task=", "lost"),
        ("submit=500@", "0.05"),
        ("submit=500@often", "from 0 to 1"),
        ("submit=500@nan", "from 0 to 1"),
        ("submit=500@1.5", "from 0 to 1"),
        ("submit=500@-0.1", "from 0 to 1"),
        (5, "ROUTE=KIND"),
    ],
)
def test_a_text_that_is_no_fault_is_told_what_is(service, text, named):
    with pytest.raises(InvalidInput, match=re.escape(named)), serve(Scripted(), faults=[text]):
        pass
    with pytest.raises(InvalidInput, match=re.escape(named)):
        service.fault(text)


def test_a_fault_on_demand_has_no_rate(service):
    with pytest.raises(InvalidInput, match="no rate"):
        service.fault("submit=500@0.5")
    for times in (0, -1, 1.5, True, "2"):
        with pytest.raises(InvalidInput, match="once or more"):
            service.fault("submit=500", times=times)


# Rates.


def drawn(seed, order, rate=0.2, text="query=500"):
    faults = Faults([f"{text}@{rate}"], seed=seed)
    route = text.partition("=")[0]
    return {said for said in order if faults.decide(route, None, faults.identify(route, said))}


def test_a_rate_is_kept_and_depends_on_the_seed_and_not_on_the_order():
    saids = [str(number) for number in range(4000)]
    hit = drawn(1, saids)
    assert 0.17 < len(hit) / len(saids) < 0.23
    assert hit == drawn(1, random.Random(5).sample(saids, len(saids)))
    other = drawn(2, saids)
    assert 0.02 < len(hit & other) / len(saids) < 0.06  # as of independent draws
    assert 0.02 < len(hit & drawn(1, saids, text="query=503")) / len(saids) < 0.06
    assert drawn(1, saids, rate=0) == set()
    assert drawn(1, saids, rate=1) == set(saids)
    assert hit < drawn(1, saids, rate=0.5)


def test_a_request_that_is_sent_again_is_drawn_again():
    faults = Faults(["query=500@0.5"], seed=3)
    times = [faults.decide("query", None, faults.identify("query", "the same")) for _ in range(200)]
    assert 70 < times.count("500") < 130


def many(client, route, numbers, audio):
    """Send numbered requests of a route; the numbers of those that met a fault the first time."""
    hit = set()
    for number in numbers:
        if route == "upload":
            answer = upload(client, audio[number])[0]
        elif route == "submit":
            answer = client.post(
                PATH, headers=SUBMIT, json=body_for(f"{LINK}?Signature={time.time_ns()}", {"n": number})
            )
        elif route == "list":
            answer = client.get("/api/v1/tasks", params={"page_no": number + 1, "page_size": 7}, headers=KEY)
        else:
            _, url = upload(client, audio[number])
            task_id = submit(client, url, headers=RESOLVE)
            if route == "task":
                if wait(client, task_id)["output"]["task_status"] == "FAILED":
                    hit.add(number)
                continue
            answer = client.get(f"/api/v1/tasks/{task_id}", headers=KEY)
        if answer.status_code == 503:
            hit.add(number)
    return hit


@pytest.mark.parametrize("route", ["submit", "query", "list", "upload", "task"])
def test_a_run_with_faults_can_be_repeated(route):
    audio = [recording(seed, 0.02) for seed in range(24)]
    kind = "DECODE_ERROR" if route == "task" else "503"
    hits = []
    for order in (range(24), random.Random(1).sample(range(24), 24)):
        with (
            serve(Scripted(), limits=None, faults=[f"{route}={kind}@0.4"], seed=11) as service,
            httpx.Client(base_url=service.url, trust_env=False) as client,
        ):
            hits.append(many(client, route, order, audio))
    assert hits[0] == hits[1]
    assert 0 < len(hits[0]) < 24


def test_with_rates_requests_come_through_as_they_were_sent(tmp_path, caplog):
    large = recording(1, seconds=200)  # 6 MB, more than is kept in memory
    engine = Scripted()
    faults = ["upload=503@0", "submit=503@0", "query=503@0", "result=503@0"]
    with (
        serve(engine, limits=None, faults=faults) as service,
        httpx.Client(base_url=service.url, trust_env=False) as client,
    ):
        answer, url = upload(client, large)
        assert answer.status_code == 200
        assert wait(client, submit(client, url, headers=RESOLVE))["usage"] == {"seconds": 200}
        assert client.post(PATH, headers=SUBMIT, content=b"").json()["code"] == "BadRequest.IllegalInput"
        assert client.post(PATH, headers=SUBMIT, content=b"[" * 100_000).json()["code"] == "BadRequest.IllegalInput"
        assert client.post("/upload", content=b"no form").json()["code"] == "MalformedPOSTRequest"
        too_long = client.post(PATH, headers=SUBMIT, content=b" " * (3 << 20))
        assert too_long.json()["code"] == "BadRequest.TooLarge"
        lines = {"Host": service.url.removeprefix("http://"), **RESOLVE, "Content-Length": "999"}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        body = json.dumps(
            body_for(url)
        )  # whole as JSON, but its sender leaves before it has sent all that it announced
        raw(service.url, f"POST {PATH} HTTP/1.1\r\n{head}\r\n{body}".encode(), listen=False)
    assert service.status()["submits"] == 1
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_every_submit_meets_a_fault_without_a_rate():
    with (
        serve(Scripted(), limits=None, faults=["submit=drop-after", "submit=503"]) as service,
        httpx.Client(base_url=service.url, trust_env=False) as client,
    ):
        for _ in range(3):
            with pytest.raises(httpx.TransportError):
                submit(client, LINK)
        assert service.status()["submits"] == 3
        assert service.status()["submits_by_file"] == {LINK: 3}
