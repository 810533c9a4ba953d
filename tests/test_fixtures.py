"""Every shape that the service is documented to answer with, and what our client reads in it.

The documents are composed from the service documentation; every value in them is invented.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from datetime import UTC, datetime

import httpx
import pytest

from asrlab.dashscope import AsyncClient, wire, wire_uploads
from asrlab.errors import ServiceError

LINK = (
    "http://dashscope-result-xx.oss-xx.example/prod/5b0f/x.json?Expires=1793783706&OSSAccessKeyId=LTAIx&Signature=s%3D"
)
TIMES = {"submit_time": "2026-11-03 09:15:02.114", "scheduled_time": "2026-11-03 09:15:02.140"}
ENDED = {**TIMES, "end_time": "2026-11-03 09:15:06.871"}
READ_TIMES = {
    "submit_time": datetime(2026, 11, 3, 9, 15, 2, 114000),
    "scheduled_time": datetime(2026, 11, 3, 9, 15, 2, 140000),
}
READ_ENDED = {**READ_TIMES, "end_time": datetime(2026, 11, 3, 9, 15, 6, 871000)}
METRICS = {"TOTAL": 1, "SUCCEEDED": 0, "FAILED": 0}


def received(document):
    """A document as it comes: through JSON, and no complaint."""
    body = json.dumps(document, ensure_ascii=False).encode()
    assert wire.complaint(200, body) is None
    return wire.read_json(body)


def said(record):
    """Those fields of a record that say something."""
    values = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    return {name: value for name, value in values.items() if value not in (None, False)}


# Submit and query.


def test_an_accepted_submit():
    task = wire.parse_task(received({"request_id": "7c1e", "output": {"task_id": "5b0f", "task_status": "PENDING"}}))
    assert said(task) == {"request_id": "7c1e", "task_id": "5b0f", "status": "PENDING"}


@pytest.mark.parametrize(
    ("output", "read"),
    [
        ({"task_status": "PENDING", "submit_time": TIMES["submit_time"], "task_metrics": METRICS}, ["submit_time"]),
        ({"task_status": "PENDING", **TIMES, "task_metrics": METRICS}, READ_TIMES),
        ({"task_status": "RUNNING", **TIMES, "task_metrics": METRICS}, READ_TIMES),
        ({"task_status": "RUNNING", **TIMES}, READ_TIMES),
        ({"task_status": "SUSPENDED", **TIMES}, READ_TIMES),
    ],
)
def test_a_task_under_way(output, read):
    task = wire.parse_task(received({"request_id": "a1", "output": {"task_id": "5b0f", **output}}))
    times = {name: READ_TIMES[name] for name in read}
    assert said(task) == {"request_id": "a1", "task_id": "5b0f", "status": output["task_status"], **times}


def test_the_other_spelling_of_the_scheduled_time():
    output = {"task_id": "5b0f", "task_status": "RUNNING", "submit_time": TIMES["submit_time"]}
    output["schedule_time"] = TIMES["scheduled_time"]
    assert wire.parse_task(received({"output": output})).scheduled_time == READ_TIMES["scheduled_time"]


@pytest.mark.parametrize("link", [LINK, f"{LINK}&response-content-disposition=attachment", f"https{LINK[4:]}"])
@pytest.mark.parametrize("seconds", [48, "48", 48.0])
@pytest.mark.parametrize("more", [{}, {"task_metrics": {"TOTAL": 1, "SUCCEEDED": 1, "FAILED": 0}, "new": [1]}])
def test_a_task_that_succeeded(link, seconds, more):
    output = {"task_id": "5b0f", "task_status": "SUCCEEDED", **ENDED, "result": {"transcription_url": link}, **more}
    task = wire.parse_task(received({"request_id": "b2", "output": output, "usage": {"seconds": seconds}}))
    read = said(task)
    assert read.pop("link").reveal() == link
    assert read == {
        "request_id": "b2",
        "task_id": "5b0f",
        "status": "SUCCEEDED",
        **READ_ENDED,
        "audio_s": 48.0,
        "ended": True,
    }


@pytest.mark.parametrize(
    ("code", "message"),
    [(code, code) for code in (
        "FILE_DOWNLOAD_FAILED", "FILE_403_FORBIDDEN", "FILE_404_NOT_FOUND", "FILE_TOO_LARGE", "AUDIO_DURATION_TOO_LONG",
        "FILE_CHECK_FAILED", "FILE_PARSE_FAILED", "FILE_NORMALIZE_FAILED", "MKV_PARSE_FAILED", "DECODE_ERROR",
        "NO_VALID_AUDIO_ERROR", "CONTENT_LENGTH_CHECK_FAILED", "UNSUPPORTED_FORMAT", "FILE_TRANS_TASK_EXPIRED",
        "FILE_SERVER_ERROR", "SERVER_ERROR", "InternalError.Timeout", "REQUEST_INVALID_FILE_URL_VALUE",
        "SUCCESS_WITH_NO_VALID_FRAGMENT", "ASR_RESPONSE_HAVE_NO_WORDS",
    )] + [("InvalidParameter.MalformedURL", "A valid file URL is required.")],
)  # fmt: skip
def test_a_task_that_failed(code, message):
    output = {"task_id": "5b0f", "task_status": "FAILED", **ENDED, "code": code, "message": message}
    silent = {"silent": True} if code in ("SUCCESS_WITH_NO_VALID_FRAGMENT", "ASR_RESPONSE_HAVE_NO_WORDS") else {}
    assert said(wire.parse_task(received({"request_id": "c3", "output": output}))) == {
        "request_id": "c3",
        "task_id": "5b0f",
        "status": "FAILED",
        **READ_ENDED,
        "code": code,
        "message": message,
        "ended": True,
        **silent,
    }


@pytest.mark.parametrize("times", [{}, TIMES, ENDED])
def test_a_task_that_was_cancelled(times):
    output = {"task_id": "5b0f", "task_status": "CANCELED", **times}
    task = wire.parse_task(received({"request_id": "d4", "output": output}))
    read = {name: READ_ENDED[name] for name in times}
    assert said(task) == {"request_id": "d4", "task_id": "5b0f", "status": "CANCELED", **read, "ended": True}


def test_a_task_there_is_not_or_no_longer():
    task = wire.parse_task(received({"request_id": "d4", "output": {"task_id": "5b0f", "task_status": "UNKNOWN"}}))
    assert said(task) == {"request_id": "d4", "task_id": "5b0f", "status": "UNKNOWN", "ended": True}


@pytest.mark.parametrize(
    "document", [{}, {"output": None}, {"output": {"task_id": "5b0f"}}, {"output": {"task_status": "RUNNING"}}]
)
def test_an_answer_without_a_task_is_none(document):
    with pytest.raises(ServiceError) as caught:
        wire.parse_task(received({"request_id": "r9", **document}))
    assert (caught.value.code, caught.value.request_id) == ("BadResponse", "r9")


# List and cancel.

ROW = {
    "api_key_id": "1234",
    "caller_parent_id": "17",
    "caller_uid": "17",
    "gmt_create": 1793783702114,
    "start_time": 1793783702140,
    "end_time": 1793783706871,
    "model_name": "qwen3-asr-flash-filetrans",
    "region": "cn-beijing",
    "request_id": "7c1e",
    "status": "SUCCEEDED",
    "task_id": "5b0f",
    "user_api_unique_key": "apikey:v1:audio:asr:transcription:qwen3-asr-flash-filetrans",
}
READ_ROW = {
    "task_id": "5b0f",
    "status": "SUCCEEDED",
    "model": "qwen3-asr-flash-filetrans",
    "region": "cn-beijing",
    "request_id": "7c1e",
    "created": datetime(2026, 11, 4, 9, 15, 2, 114000, tzinfo=UTC),
    "started": datetime(2026, 11, 4, 9, 15, 2, 140000, tzinfo=UTC),
    "ended": datetime(2026, 11, 4, 9, 15, 6, 871000, tzinfo=UTC),
}


@pytest.mark.parametrize("kind", [int, str])
def test_a_page_of_the_list(kind):
    waiting = {name: value for name, value in ROW.items() if name not in ("start_time", "end_time")}
    waiting |= {"status": "PENDING", "task_id": "77aa"}
    numbers = {"total": 12, "total_page": 2, "page_no": 2, "page_size": 10}
    times = {name: kind(ROW[name]) for name in ("gmt_create", "start_time", "end_time")}
    document = {
        "request_id": "e5",
        **{name: kind(number) for name, number in numbers.items()},
        "data": [ROW | times, waiting],
    }
    page = wire.parse_task_page(received(document))
    assert (page.total, page.total_pages, page.page_no, page.page_size) == (12, 2, 2, 10)
    done, pending = page.tasks
    assert said(done) == READ_ROW
    read = {name: value for name, value in READ_ROW.items() if name not in ("started", "ended")}
    assert said(pending) == read | {"status": "PENDING", "task_id": "77aa"}


def test_an_empty_page():
    document = {"request_id": "e5", "total": 0, "total_page": 0, "page_no": 1, "page_size": 10, "data": []}
    assert wire.parse_task_page(received(document)).tasks == ()


@pytest.mark.parametrize(
    "change",
    [
        {"tasks": [ROW], "data": None},  # where the preview SDK looks for them; documented is data
        {"data": {"0": ROW}},
        {"data": [None]},
        {"data": [{**ROW, "task_id": None}]},
        {"data": [{**ROW, "status": None}]},
        {"total": None},
    ],
)
def test_a_list_that_cannot_be_read_is_not_an_empty_one(change):
    document = {"request_id": "e5", "total": 1, "total_page": 1, "page_no": 1, "page_size": 10, "data": [ROW]} | change
    with pytest.raises(ServiceError) as caught:
        wire.parse_task_page(received({name: value for name, value in document.items() if value is not None}))
    assert (caught.value.code, caught.value.request_id) == ("BadResponse", "e5")


def test_a_cancelled_task_is_answered_with_an_id_alone():
    assert received({"request_id": "f1"}) == {"request_id": "f1"}


# Upload.

POLICY = {
    "policy": "eyJleHAiOjF9",
    "signature": "g5K/a+b=",
    "upload_dir": "dashscope-instant/3f/2026-11-03/9d",
    "upload_host": "https://dashscope-file-xx.oss-xx.example",
    "expire_in_seconds": 300,
    "max_file_size_mb": 1024,
    "capacity_limit_mb": 999999999,
    "oss_access_key_id": "LTAIx",
    "x_oss_object_acl": "private",
    "x_oss_forbid_overwrite": "true",
}


@pytest.mark.parametrize("kind", [int, str])
def test_leave_to_upload(kind):
    numbers = {name: kind(value) for name, value in POLICY.items() if isinstance(value, int)}
    policy = wire_uploads.parse_policy(received({"request_id": "f6", "data": POLICY | numbers}))
    assert (policy.host, policy.folder) == (POLICY["upload_host"], POLICY["upload_dir"])
    assert policy.max_bytes == 1024 << 20
    fields, url = wire_uploads.upload_form(policy, "a.wav")
    assert fields == {
        "OSSAccessKeyId": "LTAIx",
        "Signature": "g5K/a+b=",
        "policy": "eyJleHAiOjF9",
        "x-oss-object-acl": "private",
        "x-oss-forbid-overwrite": "true",
        "key": "dashscope-instant/3f/2026-11-03/9d/a.wav",
        "success_action_status": "200",
    }
    assert url == "oss://dashscope-instant/3f/2026-11-03/9d/a.wav"


@pytest.mark.parametrize("missing", ["policy", "signature", "upload_dir", "upload_host", "oss_access_key_id"])
def test_leave_that_lacks_something_is_none(missing):
    with pytest.raises(ServiceError, match=missing) as caught:
        wire_uploads.parse_policy({"request_id": "f6", "data": POLICY | {missing: None}})
    assert caught.value.code == "BadResponse"


@pytest.mark.parametrize("status", [200, 204])
def test_an_upload_is_answered_with_nothing(status):
    assert wire.complaint(status, b"") is None


# Result.

ENGLISH = {
    "sentence_id": 0,
    "begin_time": 320,
    "end_time": 2480,
    "language": "en",
    "emotion": "neutral",
    "text": "Ship the Kestrel build on Friday.",
}
CHINESE = {
    "sentence_id": 1,
    "begin_time": 2900,
    "end_time": 3380,
    "language": "zh",
    "emotion": "surprised",
    "text": "收到。",
}
ENGLISH_WORDS = [
    {"begin_time": 320, "end_time": 640, "text": "Ship ", "punctuation": ""},
    {"begin_time": 640, "end_time": 640, "text": "the ", "punctuation": ""},  # words of no length occur
    {"begin_time": 2000, "end_time": 2480, "text": "Friday", "punctuation": "."},
]
CHINESE_WORDS = [
    {"begin_time": 2900, "end_time": 3120, "text": "收", "punctuation": ""},
    {"begin_time": 3120, "end_time": 3380, "text": "到", "punctuation": "。"},
]


def result(*transcripts):
    document = {
        "file_url": "https://media.example.org/calls/4711.mp3",
        "audio_info": {"format": "mp3", "sample_rate": 16000},
        "transcripts": list(transcripts),
    }
    return wire.parse_transcription(received(document))


def test_a_result_with_words_in_two_languages():
    sentences = [{**ENGLISH, "words": ENGLISH_WORDS}, {**CHINESE, "words": CHINESE_WORDS}]
    read = result({"channel_id": 0, "text": "Ship the Kestrel build on Friday. 收到。", "sentences": sentences})
    (transcript,) = read.transcripts
    assert (transcript.channel, transcript.text) == (0, "Ship the Kestrel build on Friday. 收到。")
    english, chinese = transcript.sentences
    assert dataclasses.astuple(english)[:5] == (320, 2480, "Ship the Kestrel build on Friday.", "en", "neutral")
    assert [dataclasses.astuple(word) for word in english.words] == [
        (320, 640, "Ship ", ""),
        (640, 640, "the ", ""),
        (2000, 2480, "Friday", "."),
    ]
    assert dataclasses.astuple(chinese)[:5] == (2900, 3380, "收到。", "zh", "surprised")
    assert [dataclasses.astuple(word) for word in chinese.words] == [(2900, 3120, "收", ""), (3120, 3380, "到", "。")]
    assert read.document["audio_info"] == {"format": "mp3", "sample_rate": 16000}


@pytest.mark.parametrize("words", [{}, {"words": None}, {"words": []}])
def test_a_result_without_words(words):
    (transcript,) = result({"channel_id": 0, "text": ENGLISH["text"], "sentences": [ENGLISH | words]}).transcripts
    assert [sentence.words for sentence in transcript.sentences] == [()]


def test_a_result_of_several_channels_in_the_order_asked_for():
    sentences = {1: [ENGLISH], 0: []}
    read = result(*({"channel_id": c, "text": "x" if s else "", "sentences": s} for c, s in sentences.items()))
    assert [(t.channel, t.text, len(t.sentences)) for t in read.transcripts] == [(1, "x", 1), (0, "", 0)]


def test_a_result_in_which_nothing_is_said():
    assert result().transcripts == ()
    (transcript,) = result({"channel_id": 0, "text": "", "sentences": []}).transcripts
    assert (transcript.text, transcript.sentences) == ("", ())
    (transcript,) = result({"channel_id": 0, "text": ""}).transcripts
    assert transcript.sentences == ()


def test_a_result_with_members_of_siblings_and_of_the_future():
    sentence = {name: value for name, value in ENGLISH.items() if name not in ("emotion", "language")}
    sentence |= {"speaker_id": 0, "confidence": 0.9}
    word = {"begin_time": 0, "end_time": 1, "text": "Ship", "confidence": 0.9}
    transcript = {"channel_id": 0, "content_duration_in_milliseconds": 4120, "text": "Ship"}
    (read,) = result({**transcript, "sentences": [{**sentence, "words": [word]}]}).transcripts
    (heard,) = read.sentences
    assert (heard.language, heard.emotion) == (None, None)
    assert [dataclasses.astuple(word) for word in heard.words] == [(0, 1, "Ship", "")]


# Errors.


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, "InvalidParameter", "url error, please check url！"),
        (400, "UnsupportedOperation", "Failed to cancel the task, please confirm if the task is in PENDING status."),
        (401, "InvalidApiKey", "Invalid API-key provided."),
        (429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later."),
        (200, "InternalError", "A 200 may have nothing but these."),
    ],
)
def test_a_request_that_was_refused(status, code, message):
    body = json.dumps({"request_id": "r", "code": code, "message": message}, ensure_ascii=False).encode()
    assert wire.complaint(status, body) == (code, message, "r")


def test_an_error_in_the_shape_of_another_api():
    error = {"code": "invalid_api_key", "message": "Incorrect API key provided.", "type": "x", "param": None}
    body = json.dumps({"error": error, "request_id": "r"}).encode()
    assert wire.complaint(401, body) == ("invalid_api_key", "Incorrect API key provided.", "r")


def test_an_error_of_the_storage_host():
    body = (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n  <Code>AccessDenied</Code>\n'
        b"  <Message>Invalid according to Policy: Policy expired.</Message>\n  <RequestId>65F0</RequestId>\n"
        b"  <HostId>dashscope-file-xx.oss-xx.example</HostId>\n</Error>\n"
    )
    assert wire.complaint(403, body) == ("AccessDenied", "Invalid according to Policy: Policy expired.", "65F0")


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (502, b"<html><head><title>502 Bad\nGateway</title></head><body>x</body></html>", "502 Bad Gateway"),
        (502, b"<script>x</script><p>upstream https://u.example/x?Signature=s</p>", "upstream https://u.example/x"),
        (504, b"upstream timed out", "upstream timed out"),
        (500, b"", "The answer has status 500 and no text."),
        (400, b"[1]", "[1]"),
        (500, b"{}", "The service gave no reason."),
    ],
)
def test_an_error_that_is_none_of_the_services(status, body, message):
    assert wire.complaint(status, body) == ("Unknown", message, None)


def test_a_code_beside_an_answer_is_no_error():
    received({"code": "", "message": "", "output": {"task_id": "5b0f", "task_status": "PENDING"}})
    received({"code": "Success", "message": "ok", "data": []})


@pytest.mark.parametrize(
    ("status", "codes", "again"),
    [
        (400, "InvalidParameter InvalidParameter.DataInspection DataInspectionFailed Arrearage UnsupportedOperation "
              "BadRequest.EmptyInput BadRequest.EmptyParameters BadRequest.EmptyModel BadRequest.IllegalInput "
              "BadRequest.TooLarge BadRequest.UnsupportedFileFormat", False),
        (401, "InvalidApiKey", False),
        (403, "AccessDenied AccessDenied.Unpurchased Model.AccessDenied Workspace.AccessDenied "
              "AllocationQuota.FreeTierOnly", False),
        (404, "ModelNotFound model_not_found model_not_supported WorkSpaceNotFound", False),
        (429, "Throttling Throttling.RateQuota Throttling.BurstRate limit_requests", True),
        (429, "CommodityNotPurchased PrepaidBillOverdue PostpaidBillOverdue", False),
        (500, "InternalError InternalError.Algo SystemError ModelServiceFailed RequestTimeOut ModelServingError", True),
        (503, "ModelUnavailable InternalError", True),
    ],
)  # fmt: skip
def test_what_passes_is_asked_again_and_what_does_not_is_told(status, codes, again):
    done = {"output": {"task_id": "5b0f", "task_status": "RUNNING"}}

    async def outcome(status, code):
        answers = [httpx.Response(status, json={"request_id": "r", "code": code, "message": "why"})]
        answers += [httpx.Response(200, json=done)]
        transport = httpx.MockTransport(lambda request: answers.pop(0))
        async with AsyncClient(api_key="sk-x", base_url="http://127.0.0.1:1/api/v1", transport=transport) as client:
            try:
                return (await client.query("5b0f")).status
            except ServiceError as error:
                return error.http_status, error.code, error.request_id

    for code in codes.split():
        for answered in (status, 200):  # a 200 may have nothing but a code and a message
            told = asyncio.run(outcome(answered, code))
            assert told == ("RUNNING" if again else (answered, code, "r"))
