"""One contract, three drivers: our client, the official SDK and HTTP by hand meet the local service alike."""

from __future__ import annotations

import contextlib
import importlib
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import httpx
import pytest
from by_hand import MODEL
from drivers import DRIVERS, FLASH, GENERATE, SUBMIT, Refused
from stand_ins import Scripted

from asrlab.errors import InvalidInput, OutcomeUnknown, ServiceError

pytest.importorskip("starlette")
pytest.importorskip("dashscope")

from asrlab.server.limits import Limits
from asrlab.server.run import serve

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dashscope")

HOUR = 3600


@pytest.fixture
def mono(files):
    """A link to 1.5 s on one channel."""
    return f"{files.url}/mono.wav"


@pytest.fixture(params=DRIVERS)
def who(request):
    """Who drives."""
    return request.param


@pytest.fixture
def drive(who, monkeypatch):
    """Makes a driver of a service."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for module in ("dashscope.client.base_api", "dashscope.audio.qwen_asr.qwen_transcription"):
        # The SDK's pauses are of 1 s and more, in its wait() and before it sends something again.
        hasty = SimpleNamespace(time=time.time, sleep=lambda _: time.sleep(0.01))
        monkeypatch.setattr(importlib.import_module(module), "time", hasty)
    with contextlib.ExitStack() as stack:

        def make(service, key="sk-contract"):
            driver = DRIVERS[who](service, key)
            stack.callback(driver.close)
            return driver

        yield make


@pytest.fixture
def driver(drive, shared, engine):
    """A driver of the shared service."""
    return drive(shared[0])


@pytest.fixture
def alone(drive, files):
    """Starts a service for one scenario; gives it and a driver."""
    with contextlib.ExitStack() as stack:

        def start(engine=None, **options):
            options = {"media": (files.url,), "limits": None} | options
            service = stack.enter_context(serve(engine or Scripted(), **options))
            return service, drive(service)

        yield start


def without(**reasons):
    """Play a scenario with the drivers that can play it; the reasons say why the others cannot."""
    assert reasons
    assert reasons.keys() < DRIVERS.keys()
    return pytest.mark.parametrize("who", [name for name in DRIVERS if name not in reasons])


only_by_hand = {"ours": "cannot be made to send this", "sdk": "cannot be made to send this"}


def refusal(ask, *args, **options):
    """The status and code with which a request is refused."""
    with pytest.raises(Refused) as caught:
        ask(*args, **options)
    return caught.value.status, caught.value.code


def outcome(ask, *args, **options):
    """The status and code with which a request is answered."""
    try:
        ask(*args, **options)
    except Refused as told:
        return told.status, told.code
    return 200, None


def until(driver, task_id, status):
    """Wait until a task has a status."""
    for _ in range(2000):
        if driver.query(task_id)["status"] == status:
            return
        time.sleep(0.01)
    raise AssertionError(f"{task_id} never was {status}")


# From a recording to its text.


def test_a_link_becomes_text(driver, files, mono):
    task_id = driver.submit(mono)
    task = driver.wait(task_id)
    assert (task["task_id"], task["status"], task["code"], task["message"]) == (task_id, "SUCCEEDED", None, None)
    assert task["seconds"] == 2  # 1.5 s, rounded up
    assert task["submitted"] <= task["scheduled"] <= task["ended"]
    assert driver.query(task_id) == task
    assert driver.result(task_id) == [(0, "Ship it.", [((0, 900, "en", "neutral", "Ship it."), [])])]
    assert "authorization" not in {name.lower() for name in files.seen[-1]}


def test_every_parameter_reaches_the_recogniser(driver, engine, files):
    asked = {
        "language": "zh",
        "enable_itn": True,
        "enable_words": True,
        "channel_id": [1, 0],
        "context": "红隼, Ostrava",
    }
    assert driver.wait(driver.submit(f"{files.url}/stereo.flac", **asked))["status"] == "SUCCEEDED"
    (question,) = engine.asked
    heard = question.parameters
    assert (heard.language, heard.enable_itn, heard.enable_words, heard.context) == ("zh", True, True, "红隼, Ostrava")
    assert list(heard.channel_id) == [1, 0]


def test_without_parameters_the_documented_defaults_hold(driver, engine, files):
    driver.wait(driver.submit(f"{files.url}/stereo.flac"))
    (question,) = engine.asked
    heard = question.parameters
    assert (heard.language, heard.enable_itn, heard.enable_words, heard.context) == (None, False, False, None)
    assert list(heard.channel_id) == [0]


def test_words_come_when_asked_for(driver, mono):
    link = mono
    ((_, _, [(sentence, words)]),) = driver.result(_done(driver, link, enable_words=True))
    assert sentence == (0, 900, "en", "neutral", "Ship it.")
    assert words == [(0, 400, "Ship ", ""), (400, 900, "it", ".")]
    ((_, _, [(_, words)]),) = driver.result(_done(driver, link, enable_words=False))
    assert words == []


def test_each_channel_has_its_transcript_and_is_billed(driver, files):
    task_id = _done(driver, f"{files.url}/stereo.flac", channel_id=[0, 1])
    assert driver.query(task_id)["seconds"] == 2  # 0.4 s, rounded up, twice
    assert [channel for channel, _, _ in driver.result(task_id)] == [0, 1]
    task_id = _done(driver, f"{files.url}/stereo.flac")
    assert driver.query(task_id)["seconds"] == 1
    assert [channel for channel, _, _ in driver.result(task_id)] == [0]


def _done(driver, link, **parameters):
    task_id = driver.submit(link, **parameters)
    assert driver.wait(task_id)["status"] == "SUCCEEDED"
    return task_id


def test_a_file_becomes_text(driver, engine, audio):
    task_id = driver.submit(driver.upload(audio / "mono.wav"), language="en")
    assert driver.wait(task_id)["status"] == "SUCCEEDED"
    assert driver.result(task_id)[0][1] == "Ship it."
    assert engine.asked[0].parameters.language == "en"


# What fails as a task, and not before.


def test_silence_is_a_failure_with_a_code_of_its_own(driver, engine, mono):
    engine.text = ""
    task_id = driver.submit(mono)
    task = driver.wait(task_id)
    assert (task["status"], task["code"]) == ("FAILED", "SUCCESS_WITH_NO_VALID_FRAGMENT")
    assert (task["seconds"], task["link"]) == (None, None)
    if driver.name == "ours":  # an answer all the same
        assert driver.result(task_id) == []


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("{files}/absent.wav", "FILE_404_NOT_FOUND"),
        ("{files}/status/403", "FILE_403_FORBIDDEN"),
        ("{files}/status/503", "FILE_SERVER_ERROR"),
        ("{files}/text.wav", "DECODE_ERROR"),
        ("http://127.0.0.1:9/mono.wav", "FILE_DOWNLOAD_FAILED"),  # no server that the service was told of
    ],
)
def test_what_is_wrong_with_the_file_fails_the_task(driver, files, link, code):
    task = driver.wait(driver.submit(link.format(files=files.url)))
    assert (task["status"], task["code"]) == ("FAILED", code)
    assert task["message"]
    assert task["submitted"] <= task["scheduled"] <= task["ended"]
    assert (task["seconds"], task["link"]) == (None, None)


@without(ours="always sends the header with an oss link")
def test_an_upload_without_the_resolve_header_fails_the_task(driver, audio):
    task = driver.wait(driver.submit(driver.upload(audio / "mono.wav"), headers={"X-Other": "x"}))
    assert (task["status"], task["code"]) == ("FAILED", "FILE_DOWNLOAD_FAILED")


def test_an_upload_is_bound_to_its_model(driver, audio):
    task = driver.wait(driver.submit(driver.upload(audio / "mono.wav", model="fun-asr")))
    assert (task["status"], task["code"]) == ("FAILED", "FILE_DOWNLOAD_FAILED")


@pytest.mark.parametrize("name", ["with space.wav", "é.wav"])
def test_a_link_must_be_percent_encoded_which_our_client_does(driver, files, name):
    task = driver.wait(driver.submit(f"{files.url}/{name}"))
    expected = ("SUCCEEDED", None) if driver.name == "ours" else ("FAILED", "FILE_DOWNLOAD_FAILED")
    assert (task["status"], task["code"]) == expected


@without(ours="sends a link always, and sends it under its right name", sdk="sends file_url always")
def test_the_plural_field_of_other_models_fails_the_task(driver, mono):
    links = [mono]
    task = driver.wait(driver.post({"model": MODEL, "input": {"file_urls": links}, "parameters": {}}))
    assert (task["status"], task["code"]) == ("FAILED", "InvalidParameter.MalformedURL")
    assert task["message"] == "A valid file URL is required."
    both = {"file_urls": links, "file_url": links[0]}
    assert driver.wait(driver.post({"model": MODEL, "input": both, "parameters": {}}))["status"] == "SUCCEEDED"


@without(ours="refuses it: see the test after this one")
def test_parameters_it_does_not_know_are_ignored(driver, engine, mono):
    foreign = {"language_hints": ["zh"], "diarization_enabled": True, "enable_lid": True, "itn": True}
    _done(driver, mono, **foreign)
    heard = engine.asked[0].parameters
    assert (heard.language, heard.enable_itn, heard.context) == (None, False, None)


@without(sdk="sends whatever it is given", httpx="sends whatever it is given")
@pytest.mark.parametrize("foreign", [{"language_hints": ["zh"]}, {"itn": True}, {"vocabulary_id": "v"}])
def test_our_client_refuses_such_parameters_before_anything_is_sent(alone, mono, foreign):
    service, driver = alone()
    with pytest.raises(InvalidInput, match=next(iter(foreign))):
        driver.submit(mono, **foreign)
    assert service.status()["submits"] == 0


# What is refused at once.


@pytest.mark.parametrize("verb", ["submit", "query", "list_tasks", "cancel", "upload"])
def test_a_wrong_key_is_refused(alone, drive, audio, verb):
    service, driver = alone(key="sk-right")
    given = {"submit": ["https://a.example/b.wav"], "list_tasks": [], "upload": [audio / "mono.wav"]}.get(verb, ["t-1"])
    status, code = refusal(getattr(driver, verb), *given)
    assert code == "InvalidApiKey"
    assert status in (401, None)  # the SDK does not tell when it uploads
    drive(service, "sk-right").list_tasks()


def test_a_model_there_is_not_is_refused(driver):
    assert refusal(driver.submit, "https://a.example/b.wav", model=f"{MODEL}-2099-01-01") == (404, "ModelNotFound")


@without(ours="refuses other models before anything is sent")
def test_a_model_of_another_path_is_refused(driver):
    with pytest.raises(Refused) as caught:
        driver.submit("https://a.example/b.wav", model="qwen3-asr-flash")
    told = caught.value
    assert (told.status, told.code) == (400, "InvalidParameter")
    assert told.message == "url error, please check url！"


@without(**only_by_hand)
def test_a_submit_must_be_asynchronous(driver):
    body = {"model": MODEL, "input": {"file_url": "https://a.example/b.wav"}, "parameters": {}}
    for headers in ({}, {"X-DashScope-Async": "disable"}):
        assert refusal(driver.ask, "POST", SUBMIT, json=body, headers=headers) == (403, "AccessDenied")


@without(**only_by_hand)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"model": MODEL}, "BadRequest.EmptyInput"),
        ({"model": MODEL, "input": {}}, "BadRequest.EmptyInput"),
        ({"input": {"file_url": "https://a.example/b.wav"}}, "BadRequest.EmptyModel"),
        ('{"model": "' + MODEL, "BadRequest.IllegalInput"),
        ("[]", "BadRequest.IllegalInput"),
        ("", "BadRequest.IllegalInput"),
    ],
)
def test_a_body_that_is_none_is_refused(driver, body, code):
    assert refusal(driver.post, body) == (400, code)


# What the service is lenient in.


@without(**only_by_hand)
@pytest.mark.parametrize(
    "headers", [{"Content-Type": "application/json; charset=utf-8"}, {"Content-Type": ""}, {"X-Anything": "x"}]
)
def test_headers_that_say_nothing_are_ignored(driver, mono, headers):
    body = {"model": MODEL, "input": {"file_url": mono}, "parameters": {}}
    assert driver.wait(driver.post(body, headers))["status"] == "SUCCEEDED"


@without(**only_by_hand)
@pytest.mark.parametrize(
    "parameters", [{}, {"parameters": None}, {"parameters": {"corpus": {"text": ""}, "text": "x"}}]
)
def test_parameters_may_be_missing_and_the_context_has_a_second_name(driver, engine, mono, parameters):
    body = {"model": MODEL, "input": {"file_url": mono}, **parameters}
    assert driver.wait(driver.post(body))["status"] == "SUCCEEDED"
    assert engine.asked[0].parameters.context == ("x" if parameters.get("parameters") else None)


@without(**only_by_hand)
def test_header_names_are_taken_in_any_case(driver, audio):
    body = {"model": MODEL, "input": {"file_url": driver.upload(audio / "mono.wav")}, "parameters": {}}
    headers = {"x-dashscope-async": "enable", "X-DASHSCOPE-OSSRESOURCERESOLVE": "enable"}
    task_id = driver.ask("POST", SUBMIT, json=body, headers=headers)["output"]["task_id"]
    assert driver.wait(task_id)["status"] == "SUCCEEDED"


@without(**only_by_hand)
def test_a_task_is_queried_in_either_way_and_the_list_with_either_path(driver, mono):
    task_id = _done(driver, mono)
    for method in ("GET", "POST"):
        document = driver.ask(method, f"/tasks/{task_id}", headers={"X-DashScope-Async": "enable"})
        assert document["output"]["task_status"] == "SUCCEEDED"
    assert driver.ask("GET", "/tasks/")["data"] == driver.ask("GET", "/tasks")["data"]


# Tasks.


def test_an_unknown_task_is_no_error(driver):
    for verb in (driver.query, driver.wait):
        task = verb("0000-there-is-none")
        assert (task["task_id"], task["status"], task["code"]) == ("0000-there-is-none", "UNKNOWN", None)


def test_a_task_waits_runs_and_ends(driver, engine, mono):
    engine.go.clear()
    running, waiting = (driver.submit(mono) for _ in range(2))
    until(driver, running, "RUNNING")
    task = driver.query(running)
    assert task["submitted"] <= task["scheduled"]
    assert (task["ended"], task["seconds"], task["link"]) == (None, None, None)
    task = driver.query(waiting)
    assert (task["status"], task["scheduled"], task["ended"]) == ("PENDING", None, None)
    engine.go.set()
    assert [driver.wait(task_id)["status"] for task_id in (running, waiting)] == ["SUCCEEDED"] * 2


def test_only_what_is_pending_is_cancelled(driver, engine, mono):
    engine.go.clear()
    running, waiting = (driver.submit(mono) for _ in range(2))
    until(driver, running, "RUNNING")
    driver.cancel(waiting)
    task = driver.wait(waiting)
    assert (task["status"], task["seconds"], task["link"]) == ("CANCELED", None, None)
    assert refusal(driver.cancel, running) == (400, "UnsupportedOperation")
    engine.go.set()
    assert driver.wait(running)["status"] == "SUCCEEDED"
    for task_id in (running, waiting, "0000-there-is-none"):
        assert refusal(driver.cancel, task_id) == (400, "UnsupportedOperation")
    assert len(engine.asked) == 1


def test_the_list_is_paged_and_filtered(alone, files, mono):
    _, driver = alone()
    done = [_done(driver, mono) for _ in range(2)]
    done.append(_done(driver, mono, model=f"{MODEL}-2025-11-17"))
    failed = driver.submit(f"{files.url}/absent.wav")
    driver.wait(failed)

    def listed(**asked):
        page = driver.list_tasks(**asked)
        return page["total"], [row["task_id"] for row in page["tasks"]]

    everything = [failed, *reversed(done)]
    page = driver.list_tasks()
    assert (page["total"], page["page_no"], page["page_size"]) == (4, 1, 10)
    assert listed() == (4, everything)
    assert [listed(page_no=number, page_size=3) for number in (1, 2, 3)] == [
        (4, everything[:3]),
        (4, everything[3:]),
        (4, []),
    ]
    assert listed(status="FAILED") == (1, [failed])
    assert listed(status="RUNNING") == (0, [])
    assert listed(model=f"{MODEL}-2025-11-17") == (1, done[2:])
    assert listed(model=MODEL, status="SUCCEEDED") == (2, done[1::-1])
    now, hour = datetime.now(UTC), timedelta(hours=1)  # no zone is documented; this service takes them for UTC
    assert listed(start_time=now - hour, end_time=now + hour) == (4, everything)
    assert listed(start_time=now - 3 * hour, end_time=now - 2 * hour) == (0, [])
    row = page["tasks"][-1]
    assert (row["task_id"], row["status"], row["model"]) == (done[0], "SUCCEEDED", MODEL)


def test_the_list_and_the_query_tell_the_same_times(alone, mono):
    _, driver = alone()
    task = driver.query(_done(driver, mono))
    (row,) = driver.list_tasks()["tasks"]
    created, started, ended = row["times"]
    assert created <= started <= ended
    # The query names no zone, so what compares is how long it took.
    assert abs((task["ended"] - task["submitted"]).total_seconds() * 1000 - (ended - created)) <= 1
    assert abs((task["scheduled"] - task["submitted"]).total_seconds() * 1000 - (started - created)) <= 1


def test_a_task_that_waits_is_listed_without_the_times_it_has_not(alone, mono):
    engine = Scripted()
    _, driver = alone(engine)
    engine.go.clear()
    running, waiting = (driver.submit(mono) for _ in range(2))
    until(driver, running, "RUNNING")
    (pending,) = driver.list_tasks(status="PENDING")["tasks"]
    assert pending["task_id"] == waiting
    assert [moment is None for moment in pending["times"]] == [False, True, True]
    engine.go.set()


# Time.


def test_a_task_and_its_result_are_kept_24_hours_after_its_end(alone, mono):
    service, driver = alone()
    task_id = _done(driver, mono)
    link = driver.query(task_id)["link"]
    service.advance(24 * HOUR - 60)
    assert driver.result(task_id)[0][1] == "Ship it."
    assert httpx.get(link, trust_env=False).status_code == 200
    service.advance(120)
    assert driver.query(task_id)["status"] == "UNKNOWN"
    assert driver.wait(task_id)["status"] == "UNKNOWN"
    assert driver.list_tasks()["total"] == 0
    assert httpx.get(link, trust_env=False).status_code == 403


def test_an_upload_is_kept_48_hours(alone, audio):
    service, driver = alone()
    url = driver.upload(audio / "mono.wav")
    service.advance(48 * HOUR - 60)
    _done(driver, url)
    service.advance(120)
    task = driver.wait(driver.submit(url))
    assert (task["status"], task["code"]) == ("FAILED", "FILE_DOWNLOAD_FAILED")


@without(ours="asks for leave anew before each upload")
def test_leave_to_upload_holds_300_seconds(alone, audio):
    service, driver = alone()
    in_time, late = driver.policy(), driver.policy()
    assert in_time["expire_in_seconds"] == 300
    service.advance(290)
    _done(driver, driver.upload(audio / "mono.wav", policy=in_time))
    service.advance(20)
    with pytest.raises(Refused, match=r"Invalid according to Policy: Policy expired\.") as caught:
        driver.upload(audio / "mono.wav", policy=late)
    assert caught.value.status in (403, None)  # the SDK does not tell


# Limits.


@pytest.mark.parametrize("verb", ["query", "list_tasks", "cancel"])
def test_queries_lists_and_cancels_over_the_limit_are_throttled(alone, verb):
    service, driver = alone(limits=Limits(queries_per_s=1))
    given = () if verb == "list_tasks" else ("0000-there-is-none",)
    told = [outcome(getattr(driver, verb), *given) for _ in range(3)]
    usual = (400, "UnsupportedOperation") if verb == "cancel" else (200, None)
    assert told[0] == usual
    # Our client asks again until it is let through.
    assert set(told) == ({usual} if driver.name == "ours" else {usual, (429, "Throttling.RateQuota")})
    assert service.status()["throttled"][verb.removesuffix("_tasks")] > 0


def test_leave_to_upload_over_the_limit_is_throttled(alone, audio):
    service, driver = alone(limits=Limits(uploads_per_s=1))
    told = [outcome(driver.upload, audio / name) for name in ("mono.wav", "stereo.flac")]
    assert told[0] == (200, None)
    assert {code for _, code in told} == ({None} if driver.name == "ours" else {None, "Throttling.RateQuota"})
    assert service.status()["throttled"]["policy"] > 0


def test_submits_over_the_limit_are_throttled_and_not_accepted(alone, mono):
    service, driver = alone(limits=Limits(submits_per_minute=60))  # which is 1 in a second
    told = [outcome(driver.submit, mono) for _ in range(3)]
    assert set(told) == ({(200, None)} if driver.name == "ours" else {(200, None), (429, "Throttling.RateQuota")})
    assert service.status()["throttled"]["submit"] > 0
    assert service.status()["submits"] == told.count((200, None))


def test_accounts_do_not_share_their_limits(alone, drive):
    service, one = alone(limits=Limits(queries_per_s=2))
    other = drive(service, "sk-other")
    for _ in range(2):
        assert (one.list_tasks()["total"], other.list_tasks()["total"]) == (0, 0)
    assert service.status()["throttled"]["list"] == 0


# Faults.


def test_a_submit_without_an_answer_is_a_job_all_the_same(alone, mono):
    service, driver = alone()
    service.fault("submit=drop-after", times=100)
    losses = {"ours": OutcomeUnknown, "sdk": OSError, "httpx": httpx.HTTPError}  # the SDK's are of requests
    with pytest.raises(losses[driver.name]):
        driver.submit(mono)
    # The SDK sends it 8 times, and each is a job of its own (service documentation, official SDK).
    jobs = {"ours": 1, "sdk": 8, "httpx": 1}[driver.name]
    assert service.status()["submits_by_file"] == {mono: jobs}
    assert driver.list_tasks()["total"] == jobs


@without(sdk="sends it again instead, see above", httpx="has no such verb")
def test_our_client_finds_a_submit_without_an_answer_again(alone, mono):
    service, driver = alone()
    service.fault("submit=drop-after")
    with pytest.raises(OutcomeUnknown) as caught:
        driver.submit(mono)
    lost = caught.value
    task = driver.client.find_submitted(mono, sent_at=lost.sent_at, lost_at=lost.lost_at)
    assert task.status == "SUCCEEDED"
    assert driver.result(task.task_id)[0][1] == "Ship it."
    assert service.status()["submits_by_file"] == {mono: 1}


def test_a_submit_answered_the_second_time_is_billed_twice_by_the_sdk_alone(alone, mono):
    service, driver = alone()
    service.fault("submit=drop-after")
    told = contextlib.nullcontext() if driver.name == "sdk" else pytest.raises((OutcomeUnknown, httpx.HTTPError))
    with told:
        driver.submit(mono)
    assert service.status()["submits_by_file"] == {mono: 2 if driver.name == "sdk" else 1}


def test_a_submit_that_never_arrived_is_no_job(alone, mono):
    service, driver = alone()
    service.fault("submit=drop-before", times=100)
    with pytest.raises((OutcomeUnknown, OSError, httpx.HTTPError)):
        driver.submit(mono)
    assert service.status()["submits"] == 0


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("429", 429, "Throttling.RateQuota"),
        ("429-retry-after", 429, "Throttling.RateQuota"),
        ("500", 500, "InternalError"),
        ("503", 503, "ModelUnavailable"),
        ("502-html", 502, "Unknown"),
    ],
)
def test_a_submit_that_met_a_fault_is_told(alone, mono, kind, status, code):
    service, driver = alone()
    service.fault(f"submit={kind}")
    if driver.name != "ours":
        assert refusal(driver.submit, mono) == (status, code)
    elif status == 429:  # it was surely not accepted, so it is sent again
        driver.submit(mono)
    else:
        with pytest.raises(OutcomeUnknown) as caught:
            driver.submit(mono)
        assert (caught.value.http_status, caught.value.code) == (status, code)
    sent = 2 if (driver.name, status) == ("ours", 429) else 1
    assert service.status()["requests"]["submit"] == sent


@pytest.mark.parametrize(("verb", "sent_by_the_sdk"), [("query", 4), ("cancel", 1)])
def test_how_often_a_request_without_an_answer_is_sent(alone, verb, sent_by_the_sdk):
    service, driver = alone()
    service.fault(f"{verb}=drop-after", times=100)
    with pytest.raises((Refused, OSError, httpx.HTTPError)):
        getattr(driver, verb)("0000-there-is-none")
    sent = service.status()["requests"][verb]
    if driver.name == "ours":  # for as long as its patience lasts: asking twice does no harm
        assert sent > 1
    else:
        assert sent == {"sdk": sent_by_the_sdk, "httpx": 1}[driver.name]


@pytest.mark.parametrize(
    "kind", ["503", "502-html", "429", "429-retry-after", "drop-after", "truncated", "wrong-length"]
)
def test_a_fault_in_passing_does_not_lose_our_task(alone, mono, kind):
    service, driver = alone()
    task_id = driver.submit(mono)
    service.fault(f"query={kind}")
    if driver.name == "sdk" and kind != "503":  # this alone it waits out (service documentation, official SDK)
        with pytest.raises((Refused, OSError, ValueError)):
            driver.wait(task_id)
    elif driver.name == "httpx":
        with pytest.raises((Refused, httpx.HTTPError, ValueError)):
            driver.query(task_id)
    assert driver.wait(task_id)["status"] == "SUCCEEDED"
    assert service.status()["requests"]["query"] > 1


def test_a_slow_answer_is_an_answer(alone, mono):
    service, driver = alone()
    task_id = driver.submit(mono)
    service.fault("query=slow")
    assert driver.query(task_id)["task_id"] == task_id


def test_an_answer_of_code_and_message_alone_is_a_refusal_and_breaks_the_sdk(alone):
    service, driver = alone()
    service.fault("query=code-only", times=100)
    if driver.name == "ours":
        with pytest.raises(Refused) as caught:
            driver.query("0000-there-is-none")
        assert (caught.value.status, caught.value.code != "BadResponse") == (200, True)
    elif driver.name == "sdk":  # as documented of it
        with pytest.raises(TypeError):
            driver.query("0000-there-is-none")
        with pytest.raises(KeyError):
            driver.wait("0000-there-is-none")
    else:
        assert set(driver.ask("GET", "/tasks/0000-there-is-none")) == {"request_id", "code", "message"}


@pytest.mark.parametrize("code", ["DECODE_ERROR", "FILE_TRANS_TASK_EXPIRED"])
def test_a_task_fails_with_the_code_it_was_told_to(alone, mono, code):
    service, driver = alone()
    service.fault(f"task={code}")
    task = driver.wait(driver.submit(mono))
    assert (task["status"], task["code"]) == ("FAILED", code)


def test_a_lost_task_is_unknown(alone, mono):
    service, driver = alone()
    service.fault("task=lost")
    assert driver.wait(driver.submit(mono))["status"] == "UNKNOWN"
    assert driver.list_tasks()["total"] == 0
    assert service.status()["submits"] == 1


def test_the_other_spelling_of_the_scheduled_time_is_read(alone, mono):
    service, driver = alone()
    service.fault("task=schedule-time")
    task_id = driver.submit(mono)
    task = driver.wait(task_id)
    assert task["submitted"] <= task["scheduled"] <= task["ended"]
    if driver.name == "httpx":
        output = driver.ask("GET", f"/tasks/{task_id}")["output"]
        assert "schedule_time" in output
        assert "scheduled_time" not in output


# Siblings on the same path.

SIBLINGS = ["fun-asr", "paraformer-v2", "qwen-audio-3.0-asr-flash-filetrans", "qwen-audio-3.1-asr-flash-filetrans"]


@pytest.mark.parametrize("model", SIBLINGS)
def test_a_link_becomes_text_by_siblings_too(driver, mono, model):
    task_id = driver.submit(mono, model=model)
    task = driver.wait(task_id)
    assert (task["status"], task["code"]) == ("SUCCEEDED", None)
    assert task["seconds"] == (1 if model == "paraformer-v2" else 2)  # which bills speech alone, and 0.9 s are spoken
    words = [(0, 400, "Ship ", ""), (400, 900, "it", ".")]
    assert driver.result(task_id) == [(0, "Ship it.", [((0, 900, None, None, "Ship it."), words)])]


class Hinted(Scripted):
    """A recogniser that takes several languages as hints."""

    capabilities = replace(Scripted.capabilities, parameters=Scripted.capabilities.parameters | {"language_hints"})


def test_what_a_sibling_takes_reaches_the_recogniser(alone, files):
    engine = Hinted()
    _, driver = alone(engine, vocabularies={"vocab-1": ["红隼", "Ostrava"]})
    asked = {"language_hints": ["zh", "en"], "vocabulary_id": "vocab-1", "channel_id": [1, 0]}
    task_id = driver.submit(f"{files.url}/stereo.flac", model="fun-asr", **asked)
    assert driver.wait(task_id)["status"] == "SUCCEEDED"
    assert [channel for channel, _, _ in driver.result(task_id)] == [1, 0]
    heard = engine.asked[-1].parameters
    assert (heard.language, heard.language_hints, list(heard.channel_id)) == (None, ("zh", "en"), [1, 0])
    assert "Ostrava" in heard.context
    driver.wait(driver.submit(f"{files.url}/stereo.flac", model="fun-asr", language="zh"))
    assert engine.asked[-1].parameters.language == "zh"


def test_a_vocabulary_there_is_not_fails_the_task(driver, mono):
    task = driver.wait(driver.submit(mono, model="fun-asr", vocabulary_id="vocab-9"))
    assert (task["status"], task["code"]) == ("FAILED", "InvalidParameter")


def test_what_is_wrong_with_a_siblings_file_fails_it(driver, files):
    task = driver.wait(driver.submit(f"{files.url}/absent.wav", model="fun-asr"))
    assert (task["status"], task["link"]) == ("FAILED", None)
    assert task["code"]
    assert task["message"]


def test_a_file_becomes_text_by_a_sibling(driver, audio):
    url = driver.upload(audio / "mono.wav", model="fun-asr")
    assert driver.wait(driver.submit(url, model="fun-asr"))["status"] == "SUCCEEDED"
    assert driver.wait(driver.submit(url, model="paraformer-v2"))["status"] == "FAILED"  # of another model


@without(sdk="sends whatever it is given", httpx="sends whatever it is given")
@pytest.mark.parametrize("foreign", [{"enable_itn": True}, {"context": "Kestrel"}, {"enable_words": False}])
def test_our_client_refuses_what_a_sibling_would_ignore(alone, mono, foreign):
    service, driver = alone()
    with pytest.raises(InvalidInput, match=f"{next(iter(foreign))}.*would ignore it"):
        driver.submit(mono, model="fun-asr", **foreign)
    assert service.status()["submits"] == 0


# At once.

NATIVE = ["native", "native-stream"]
COMPATIBLE = ["compatible", "compatible-stream"]
by_hand_too = pytest.mark.parametrize(
    ("who", "mode"),
    [(who, mode) for who in DRIVERS for mode in (NATIVE if who == "sdk" else NATIVE + COMPATIBLE)],  # it has no other
)


@by_hand_too
def test_a_recording_becomes_text_at_once(driver, engine, mono, audio, mode):
    engine.text = "Ship it. On Friday, please."
    said = {"text": engine.text, "language": "en", "seconds": 2}  # 1.5 s, rounded up
    assert driver.transcribe(mono, mode=mode) == said
    assert driver.transcribe(audio / "mono.wav", mode=mode) == said


@by_hand_too
def test_every_parameter_reaches_the_recogniser_at_once(driver, engine, mono, mode):
    driver.transcribe(mono, mode=mode, language="zh", enable_itn=True, context="红隼, Ostrava")
    heard = engine.asked[-1].parameters
    assert (heard.language, heard.enable_itn, heard.context) == ("zh", True, "红隼, Ostrava")
    driver.transcribe(mono, mode=mode)
    heard = engine.asked[-1].parameters
    assert (heard.language, heard.enable_itn, heard.context) == (None, False, None)


@by_hand_too
def test_silence_at_once_is_an_empty_text(driver, engine, mono, mode):
    engine.text = ""
    assert driver.transcribe(mono, mode=mode)["text"] == ""


@by_hand_too
def test_what_is_refused_at_once(driver, files, mode):
    for link in (f"{files.url}/absent.wav", f"{files.url}/text.wav"):
        status, code = refusal(driver.transcribe, link, mode=mode)
        assert status == 400
        assert code


@without(ours="refuses it before anything is sent", sdk="uploads every file")
def test_a_data_uri_has_a_limit(driver, tmp_path):
    (tmp_path / "large.wav").write_bytes(b"RIFF" * 2_000_000)
    with pytest.raises(Refused, match="10485760") as caught:
        driver.transcribe(tmp_path / "large.wav")
    assert caught.value.status == 400


@without(**only_by_hand)
def test_what_is_asked_at_once_is_not_asynchronous(driver, mono):
    messages = [{"role": "user", "content": [{"audio": mono}]}]
    body = {"model": FLASH, "input": {"messages": messages}}
    assert refusal(driver.ask, "POST", GENERATE, json=body, headers={"X-DashScope-Async": "enable"}) == (
        403,
        "AccessDenied",
    )


@by_hand_too
def test_a_wrong_key_is_refused_at_once(alone, mono, mode):
    _, driver = alone(key="sk-right")
    status, code = refusal(driver.transcribe, mono, mode=mode)
    assert (status, code) == (401, "InvalidApiKey" if mode in NATIVE else "invalid_api_key")


LOSSES = {"ours": OutcomeUnknown, "sdk": Exception, "httpx": httpx.HTTPError}


@by_hand_too
def test_a_question_without_an_answer_is_asked_once_by_our_client(alone, mono, mode):
    service, driver = alone()
    service.fault(f"{'generate' if mode in NATIVE else 'chat'}=drop-after", times=100)
    with pytest.raises(LOSSES[driver.name]):
        driver.transcribe(mono, mode=mode)
    asked = service.status()["submits_by_file"][mono]
    assert asked == 1 if driver.name != "sdk" else asked >= 1


@by_hand_too
def test_too_many_requests_at_once(alone, mono, mode):
    service, driver = alone()
    service.fault(f"{'generate' if mode in NATIVE else 'chat'}=429")
    if driver.name == "ours":
        assert driver.transcribe(mono, mode=mode)["text"] == "Ship it."
    else:
        assert refusal(driver.transcribe, mono, mode=mode)[0] == 429
    assert service.status()["submits_by_file"] == ({mono: 1} if driver.name == "ours" else {})


@without(sdk="takes what it has for an answer", httpx="takes what it has for an answer")
@pytest.mark.parametrize("mode", ["native-stream", "compatible-stream"])
@pytest.mark.parametrize("kind", ["drop-mid", "error-frame"])
def test_a_stream_that_breaks_off_is_no_answer(alone, mono, mode, kind):
    service, driver = alone(Scripted("Ship it. On Friday, please."))
    service.fault(f"{'generate' if mode in NATIVE else 'chat'}={kind}")
    with pytest.raises((OutcomeUnknown, ServiceError)):
        driver.transcribe(mono, mode=mode)
    assert service.status()["submits_by_file"] == {mono: 1}
