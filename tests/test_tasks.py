"""Listing and cancelling tasks, and looking for a submit whose outcome is unknown."""

from __future__ import annotations

import asyncio
import email.utils
import functools
import json
from datetime import UTC, datetime, timedelta, timezone
from math import ceil

import httpx
import pytest
import virtual_time

from asrlab.dashscope import AsyncClient, Client, Limits
from asrlab.engines.base import FindsLost, Question
from asrlab.engines.filetrans import FiletransEngine
from asrlab.errors import InvalidInput, OutcomeUnknown, ServiceError

MODEL = "qwen3-asr-flash-filetrans"
URL = "https://media.example.org/a.wav"
KEY = "sk-tasks"


class Service:
    """The service with its own clock, whose tasks are rows: id, file, created, status, ended."""

    def __init__(self, cap=100, ahead=timedelta(0)):
        self.cap = cap
        self.ahead = ahead
        self.rows = []
        self.requests = []
        self.submit = None  # what becomes of a submit: an exception type, or None for an answer
        self.loses = False
        self.faults = []

    def now(self):
        return datetime.now(UTC) + self.ahead

    def add(self, task_id, file_url=URL, *, created=None, status="SUCCEEDED", model=MODEL, names=None):
        row = {"id": task_id, "file": file_url, "created": created or self.now(), "status": status, "model": model}
        self.rows.append(row | {"names": file_url if names is None else names})

    async def __call__(self, request):  # noqa: PLR0911 - a route each
        await request.aread()
        self.requests.append(request)
        date = {"Date": email.utils.format_datetime(self.now(), usegmt=True)}
        path = request.url.path
        if request.url.host == "results.example":
            row = next(r for r in self.rows if r["id"] == path.strip("/"))
            transcripts = [{"channel_id": 0, "text": row["id"], "sentences": []}]
            return httpx.Response(200, json={"file_url": row["names"], "transcripts": transcripts})
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, type):
                raise fault("planted", request=request)
            return fault
        if path.endswith("/transcription"):
            body = json.loads(request.content)
            self.add(f"submitted-{len(self.rows)}", body["input"]["file_url"])
            if self.loses:
                raise httpx.ReadError("reset", request=request)
            output = {"task_id": self.rows[-1]["id"], "task_status": "PENDING"}
            return httpx.Response(200, headers=date, json={"request_id": "r", "output": output})
        if path.endswith("/cancel"):
            row = next((r for r in self.rows if r["id"] == path.split("/")[-2]), {"status": "UNKNOWN"})
            if row["status"] != "PENDING":
                refusal = {"request_id": "r", "code": "UnsupportedOperation", "message": "Failed to cancel the task"}
                return httpx.Response(400, json=refusal)
            row["status"] = "CANCELED"
            return httpx.Response(200, json={"request_id": "r"})
        if path.endswith("/tasks"):
            return httpx.Response(200, headers=date, json=self.page(request.url.params))
        row = next(r for r in self.rows if r["id"] == path.rpartition("/")[2])
        output = {"task_id": row["id"], "task_status": row["status"]}
        if row["status"] == "SUCCEEDED":
            output["result"] = {"transcription_url": f"https://results.example/{row['id']}?Signature=s"}
        return httpx.Response(200, json={"request_id": "r", "output": output})

    def page(self, asked):
        number, rows = int(asked["page_no"]), min(int(asked["page_size"]), self.cap)
        fitting = [
            r
            for r in reversed(self.rows)
            if asked.get("status", r["status"]) == r["status"] and asked.get("model_name", r["model"]) == r["model"]
        ]
        data = [
            {"task_id": r["id"], "status": r["status"], "model_name": r["model"], "region": "cn-beijing",
             "request_id": f"r-{r['id']}", "gmt_create": int(r["created"].timestamp() * 1000)}
            for r in fitting[(number - 1) * rows : number * rows]
        ]  # fmt: skip
        total_page = ceil(len(fitting) / rows)
        head = {"request_id": "r", "total": len(fitting), "total_page": total_page, "page_no": number}
        return head | {"page_size": rows, "data": data}

    def client(self):
        return AsyncClient(api_key=KEY, transport=httpx.MockTransport(self))


@pytest.fixture
def service(in_virtual_time):
    return Service()


def do(service, verb, *args, **options):
    async def scenario():
        async with service.client() as client:
            return await getattr(client, verb)(*args, **options)

    return virtual_time.run(scenario())


# List.


def test_tasks_are_listed_by_page_and_filter(service):
    created = datetime(2026, 11, 3, 9, 15, 2, 114000, tzinfo=UTC)
    for number in range(25):
        service.add(f"t-{number}", created=created, status="RUNNING" if number % 2 else "SUCCEEDED")
    page = do(service, "list_tasks", page_no=2)
    assert [task.task_id for task in page.tasks] == [f"t-{number}" for number in range(14, 4, -1)]
    assert (page.total, page.total_pages, page.page_no, page.page_size) == (25, 3, 2, 10)
    task = page.tasks[0]
    assert (task.status, task.model, task.region, task.request_id) == ("SUCCEEDED", MODEL, "cn-beijing", "r-t-14")
    assert (task.created, task.started, task.ended) == (created, None, None)
    running = do(service, "list_tasks", status="RUNNING", model=MODEL, page_size=100)
    assert running.total == len(running.tasks) == 12
    assert dict(service.requests[-1].url.params) == {
        "page_no": "1", "page_size": "100", "model_name": MODEL, "status": "RUNNING",
    }  # fmt: skip
    window = {"start_time": datetime(2026, 11, 3, 9, 15, 2), "end_time": datetime(2026, 11, 4, 9, 15, 2)}
    do(service, "list_tasks", **window)
    asked = service.requests[-1].url.params
    assert (asked["start_time"], asked["end_time"]) == ("20261103091502", "20261104091502")


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({"status": "CANCELLED"}, "CANCELED"),
        ({"page_no": 0}, "page_no"),
        ({"page_size": 2.5}, "page_size"),
        ({"page_size": True}, "page_size"),
        ({"start_time": datetime(2026, 1, 1), "end_time": datetime(2026, 1, 2, 1)}, "24 h"),
        ({"start_time": datetime(2026, 1, 2), "end_time": datetime(2026, 1, 1)}, "24 h"),
        ({"start_time": datetime(2026, 1, 1), "end_time": datetime(2026, 1, 1, tzinfo=UTC)}, "time zone"),
    ],
)
def test_lists_that_make_no_sense_are_not_asked_for(service, asked, match):
    with pytest.raises(InvalidInput, match=match):
        do(service, "list_tasks", **asked)
    assert not service.requests


# Cancel.


def test_a_pending_task_is_cancelled_and_no_other(service):
    service.add("waits", status="PENDING")
    service.add("runs", status="RUNNING")
    assert do(service, "cancel", "waits") is None
    request = service.requests[-1]
    assert (request.method, request.url.path) == ("POST", "/api/v1/tasks/waits/cancel")
    assert (request.content, request.headers["Content-Length"]) == (b"", "0")
    assert "X-DashScope-Async" not in request.headers
    for task_id in ("waits", "runs", "never-was"):
        with pytest.raises(ServiceError) as caught:
            do(service, "cancel", task_id)
        assert caught.value.code == "UnsupportedOperation"
    with pytest.raises(InvalidInput):
        do(service, "cancel", "a/b")


def test_a_cancel_whose_answer_was_lost_has_been_done(service):
    service.add("waits", status="PENDING")
    whole = service.__class__.__call__

    class LosesOne(Service):
        async def __call__(self, request):
            answer = await whole(self, request)
            if request.url.path.endswith("/cancel") and len(self.requests) == 1:
                raise httpx.ReadError("reset", request=request)
            return answer

    service.__class__ = LosesOne
    assert do(service, "cancel", "waits") is None
    assert [request.method for request in service.requests] == ["POST", "POST", "GET"]


# A submit whose outcome is unknown.


def lose(service, file_url=URL, claimed=(), before=None, **options):
    """Lose a submit, and look for it; gives the task that was found."""

    async def scenario():
        async with service.client() as client:
            service.loses = True
            with pytest.raises(OutcomeUnknown) as caught:
                await client.submit(file_url, **options)
            service.loses = False
            if before is not None:
                before()
            lost = caught.value
            assert lost.sent_at <= lost.lost_at
            return await client.find_submitted(file_url, sent_at=lost.sent_at, lost_at=lost.lost_at, claimed=claimed)

    return virtual_time.run(scenario())


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(hours=8), timedelta(hours=-3, seconds=7)])
@pytest.mark.parametrize("cap", [1, 3, 100])
def test_a_lost_submit_is_found_by_the_services_clock(service, ahead, cap):
    service.ahead, service.cap = ahead, cap
    service.add("long ago", created=service.now() - timedelta(minutes=10))
    service.add("other-file", "https://media.example.org/b.wav")
    service.add("other-model", model="paraformer-v2")
    service.add("other-claimed")
    task = lose(service, claimed={"other-claimed"}, before=lambda: service.add("later", "https://x.example/c.wav"))
    assert task.task_id == "submitted-4"
    assert task.status == "SUCCEEDED"
    assert sum(request.method == "POST" for request in service.requests) == 1
    listed = [request for request in service.requests if request.url.path.endswith("/tasks")]
    assert not any("start_time" in request.url.params for request in listed)


def test_two_that_fit_are_not_told_apart(service):
    service.add("of-another-process")
    assert lose(service) is None


@pytest.mark.parametrize("status", ["FAILED", "CANCELED", "UNKNOWN", "RUNNING"])
def test_beside_one_that_cannot_be_told_none_is_taken(service, status):
    service.add("perhaps-it", status=status)
    assert lose(service) is None


def test_what_was_refused_is_not_found(service):
    service.add("another", "https://media.example.org/b.wav")

    async def scenario():
        async with service.client() as client:
            return await client.find_submitted(URL, sent_at=datetime.now(UTC))

    assert virtual_time.run(scenario()) is None


def test_an_upload_is_told_by_its_random_name(service):
    oss = "oss://dashscope-instant/a/2026-11-03/b/1f2e3d4c5b6a-call.wav"
    signed = "http://storage.example/dashscope-instant/a/2026-11-03/b/1f2e3d4c5b6a-call.wav?Signature=s"
    longer = "http://storage.example/dashscope-instant/a/2026-11-03/b/01f2e3d4c5b6a-call.wav?Signature=s"
    service.add("other-upload", "oss://d/9f8e-call.wav", names="http://storage.example/x/9f8e-call.wav")
    service.add("longer-name", "oss://d/01f2e-call.wav", names=longer)

    def it_names_the_storage_host():
        service.rows[-1]["names"] = signed

    task = lose(service, oss, before=it_names_the_storage_host)
    assert task.task_id == "submitted-2"

    def it_names_nothing_known():
        service.rows[-1]["names"] = "http://storage.example/opaque"

    assert lose(service, oss, claimed={"submitted-2"}, before=it_names_nothing_known) is None
    service.rows.pop()
    service.add("failed", "oss://d/7f7f-call.wav", status="FAILED")  # it may be ours
    assert lose(service, oss, claimed={"submitted-2"}, before=it_names_the_storage_host) is None


def test_a_task_that_is_claimed_meanwhile_is_not_taken(service):
    claimed = set()
    service.add("of-another-trial")
    assert lose(service, claimed=claimed, before=lambda: claimed.add("of-another-trial")).task_id == "submitted-1"
    assert lose(service, claimed=claimed, before=lambda: claimed.update({"submitted-1", "submitted-2"})) is None


def test_where_tasks_cannot_be_listed_that_is_said(service):
    service.faults = [httpx.Response(403, json={"code": "AccessDenied", "message": "no"})]
    with pytest.raises(ServiceError, match="no"):
        do(service, "find_submitted", URL, sent_at=datetime.now(UTC))
    with pytest.raises(InvalidInput, match="time zone"):
        do(service, "find_submitted", URL, sent_at=datetime.now())
    assert do(service, "find_submitted", URL, sent_at=datetime.now(timezone(timedelta(hours=8)))) is None


@pytest.mark.parametrize("answer", ["lost", "refused"])
def test_an_engine_finds_what_it_lost(service, answer, monkeypatch):
    transport = httpx.MockTransport(service)
    monkeypatch.setattr("asrlab.engines.service.AsyncClient", functools.partial(AsyncClient, transport=transport))

    async def scenario():
        async with FiletransEngine(api_key=KEY) as engine:
            assert isinstance(engine, FindsLost)
            if answer == "lost":
                service.loses = True
            else:
                service.faults = [httpx.Response(502, text="<html>")]
            with pytest.raises(OutcomeUnknown) as caught:
                await engine.transcribe(Question(URL))
            service.loses = False
            task_id = await engine.find_lost(Question(URL), caught.value, claimed=())
            return task_id and await engine.transcribe(Question(URL, task_id=task_id))

    found = virtual_time.run(scenario())
    if answer == "lost":
        assert found.transcripts[0].text == "submitted-0"
    else:
        assert found is None
    assert sum(request.method == "POST" for request in service.requests) == 1


@pytest.mark.parametrize(
    ("named", "asked", "found"),
    [
        ("https://m.example/get?id=A", "https://m.example/get?id=A", True),
        ("https://m.example/get?id=B", "https://m.example/get?id=A", False),
        ("https://m.example/get", "https://m.example/get?id=A", False),
        ("https://M.example/%7Ea.wav", "https://m.example/~a.wav", True),
        ("https://m.example/%E9.wav", "https://m.example/%E8.wav", False),
        ("http://m.example/a.wav", "https://m.example/a.wav", False),
        ("https://[oops/a.wav", "https://m.example/a.wav", False),
    ],
)
def test_a_result_that_names_another_link_is_not_taken(service, named, asked, found):
    def it_names():
        service.rows[-1]["names"] = named

    task = lose(service, asked, before=it_names)
    assert (task is not None) == found


def test_what_this_process_had_accepted_is_not_taken_for_what_it_lost(service):
    async def scenario():
        async with service.client() as client:
            await client.submit(URL, language="en")
            service.faults = [httpx.ReadError]
            with pytest.raises(OutcomeUnknown) as caught:
                await client.submit(URL, language="zh")
            return await client.find_submitted(URL, sent_at=caught.value.sent_at, lost_at=caught.value.lost_at)

    assert virtual_time.run(scenario()) is None


def test_a_listed_task_without_a_time_blocks_and_is_not_taken(service):
    service.add("timeless")
    page = service.page

    def without_time(asked):
        document = page(asked)
        for row in document["data"]:
            if row["task_id"] == "timeless":
                del row["gmt_create"]
        return document

    service.page = without_time
    assert lose(service) is None
    assert lose(service, claimed={"timeless", "submitted-1"}).task_id == "submitted-2"


def test_the_search_has_one_deadline_and_survives_an_odd_result(service):
    for number in range(4):
        service.add(f"runs-{number}", status="RUNNING")

    async def scenario():
        async with service.client() as client:
            begin = virtual_time.now()
            assert await client.find_submitted(URL, sent_at=datetime.now(UTC), timeout_s=30) is None
            return virtual_time.now() - begin

    assert virtual_time.run(scenario()) < 40

    class Odd(Service):
        async def __call__(self, request):
            if request.url.host == "results.example" and request.url.path == "/odd":
                return httpx.Response(200, json={"file_url": URL})
            return await super().__call__(request)

    service.__class__ = Odd
    service.rows.clear()
    service.add("odd")
    assert lose(service) is None
    assert lose(service, claimed={"odd", "submitted-1"}) is not None


def test_an_accepted_submit_needs_nothing_but_its_id(service):
    date = "Mon, 01 Jan 2024 00:00:99999999999999999999 GMT"
    for document, headers in (
        ({"output": {"task_id": "known"}}, {}),
        ({"output": {"task_id": "known", "task_status": "PENDING"}}, {"Date": date}),
    ):
        service.faults = [httpx.Response(200, json=document, headers=headers)]
        task = do(service, "submit", URL)
        assert (task.task_id, task.status) == ("known", "PENDING")


def test_an_interrupted_submit_says_that_it_may_have_been_accepted(service, caplog):
    class Slow(Service):
        async def __call__(self, request):
            answer = await super().__call__(request)
            await asyncio.sleep(60)
            return answer

    service.__class__ = Slow

    async def scenario():
        async with service.client() as client:
            submit = asyncio.create_task(client.submit(URL + "?Signature=planted"))
            await asyncio.sleep(5)
            submit.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await submit
            return caught.value.__notes__

    (note,) = virtual_time.run(scenario())
    assert "find_submitted" in note
    assert "find_submitted" in caplog.text
    assert "planted" not in note + caplog.text
    assert [record.levelname for record in caplog.records if record.name == "asrlab.dashscope"] == ["WARNING"]


def test_a_submit_interrupted_after_it_was_refused_says_nothing(service, caplog):
    service.faults = [httpx.Response(429, json={"code": "Throttling", "message": "too many"})]

    async def scenario():
        async with service.client() as client:
            submit = asyncio.create_task(client.submit(URL))
            await asyncio.sleep(0.1)
            submit.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await submit
            return getattr(caught.value, "__notes__", [])

    assert virtual_time.run(scenario()) == []
    assert len(service.requests) == 1


# Parameters of others.


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"language_hints": ["en"]}, "'language'"),
        ({"itn": True}, "'enable_itn'"),
        ({"vocabulary_id": "v"}, "'context'"),
        ({"text": "Kestrel"}, "'context'"),
        ({"corpus": {"text": "Kestrel"}}, "'context'"),
        ({"channels": [0]}, "'channel_id'"),
        ({"word_timestamps": True}, "'enable_words'"),
        ({"enable_itm": True}, "'enable_itn'"),
        ({"langage": "en"}, "'language'"),
        ({"diarization_enabled": True}, "leave it out"),
        ({"zzz": 1}, "language, enable_itn"),
    ],
)
def test_a_foreign_or_misspelt_parameter_is_an_error_that_names_the_right_one(service, options, match):
    with pytest.raises(InvalidInput, match=match):
        do(service, "submit", URL, **options)
    assert not service.requests


@pytest.mark.parametrize("model", [MODEL + "-2025-11-17", MODEL + "-2027-01-01"])
def test_dated_snapshots_are_taken(service, model):
    do(service, "submit", URL, model=model)
    assert json.loads(service.requests[-1].content)["model"] == model


@pytest.mark.parametrize("model", [MODEL + "x", MODEL + "-2025", "fun", "", None])
def test_other_models_are_not(service, model):
    with pytest.raises(InvalidInput, match="is no model that this client speaks to"):
        do(service, "submit", URL, model=model)
    assert not service.requests


def test_the_synchronous_client_has_the_same_verbs():
    with Client(api_key=KEY, transport=httpx.MockTransport(Service()), limits=Limits(queries_per_s=1000)) as client:
        task = client.submit(URL)
        assert [listed.task_id for listed in client.list_tasks().tasks] == [task.task_id]
        assert client.find_submitted(URL, sent_at=datetime.now(UTC)) is None  # that one is known to be another's
        with pytest.raises(ServiceError):
            client.cancel(task.task_id)
        assert client.concurrency_history == []
        assert client.base_url == "https://dashscope-intl.aliyuncs.com/api/v1"
    asyncio.run(asyncio.sleep(0))
