"""Models that answer at once: what the client sends, and what it makes of answers, frames and faults."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import logging
import os
import pickle
import traceback
from itertools import pairwise

import anyio
import httpx
import pytest
import virtual_time

from asrlab.dashscope import UNLIMITED, AsyncClient, Client, Recognition, recognise, wire
from asrlab.dashscope.links import scrub
from asrlab.dashscope.models import model_of
from asrlab.dashscope.sse import Events
from asrlab.dashscope.wire_sync import Reading
from asrlab.errors import InvalidInput, OutcomeUnknown, ServiceError, TaskFailed

MODEL = "qwen3-asr-flash"
KEY = "sk-planted-key"
LINK = "https://media.example.org/a.wav"
GENERATE = "/api/v1/services/aigc/multimodal-generation/generation"
CHAT = "/compatible-mode/v1/chat/completions"
SSE = {"Content-Type": "text/event-stream;charset=UTF-8"}
TEXT = "Ship the Kestrel build on Friday. 收到。"
NOTES = [{"type": "audio_info", "language": "en", "emotion": "neutral"}]

# Answers as the service documentation has them (synchronous recognition, native and compatible).


def native(text=TEXT, finish="stop", seconds=3, content=None, **more):
    message = {"role": "assistant", "content": [{"text": text}] if content is None else content, "annotations": NOTES}
    usage = {"input_tokens_details": {"text_tokens": 6}, "output_tokens_details": {"text_tokens": 9}}
    usage |= {} if seconds is None else {"seconds": seconds}
    output = {"choices": [{"finish_reason": finish, "message": message}]}
    return {"request_id": "g7", "output": output, "usage": usage} | more


def chat(text=TEXT, finish="stop", **more):
    message = {"role": "assistant", "content": text, "annotations": NOTES}
    usage = {"prompt_tokens": 82, "completion_tokens": 9, "total_tokens": 91, "seconds": 3}
    return {
        "id": "chatcmpl-h8",
        "object": "chat.completion",
        "created": 1793783706,
        "model": MODEL,
        "choices": [{"index": 0, "finish_reason": finish, "message": message}],
        "usage": usage,
    } | more


def frame(document, number=1, event="result", status=200, end="\n"):
    data = json.dumps(document, ensure_ascii=False)
    return f"id:{number}{end}event:{event}{end}:HTTP_STATUS/{status}{end}data:{data}{end}{end}".encode()


def native_frames(end="\n"):
    texts = ["Ship the Kestrel ", "Ship the Kestrel build on Friday. ", TEXT]
    frames = [
        frame(native(text, "stop" if text == TEXT else "null"), number, end=end) for number, text in enumerate(texts, 1)
    ]
    return b"".join(frames)


def chunk(choices, usage=None):
    document = {"id": "chatcmpl-h8", "object": "chat.completion.chunk", "created": 1793783706, "model": MODEL}
    return b"data: " + json.dumps({**document, "choices": choices, "usage": usage}).encode() + b"\n\n"


def chat_frames(*, done=True):
    def delta(finish=None, **said):
        return chunk([{"index": 0, "delta": said, "finish_reason": finish}])

    chunks = [delta(role="assistant", content="")]
    chunks += [
        delta(content=piece, annotations=NOTES) for piece in ("Ship the Kestrel build ", "on Friday. ", "收到。")
    ]
    chunks += [delta("stop"), chunk([], {"prompt_tokens": 82, "completion_tokens": 9, "seconds": 3})]
    return b"".join(chunks) + (b"data: [DONE]\n\n" if done else b"")


class Pieces(httpx.AsyncByteStream):
    """A body in pieces, with an error in the end if one is given."""

    def __init__(self, content, size=1 << 16, error=None):
        self.content, self.size, self.error = content, size, error

    async def __aiter__(self):
        for at in range(0, len(self.content), self.size):
            yield self.content[at : at + self.size]
        if self.error is not None:
            raise self.error("planted-signature")


class Api:
    """The service as a function: each request is answered by the next of a list, the last one for ever."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []

    async def __call__(self, request):
        await request.aread()
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, type):
            raise answer("planted-signature", request=request)
        if isinstance(answer, Pieces):
            return httpx.Response(200, headers=SSE, stream=answer)
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = SSE if content.startswith((b"data:", b"id:", b":", b"event:")) else {}
        return httpx.Response(status, content=content, headers=headers)

    def client(self, **options):
        return AsyncClient(api_key=KEY, transport=httpx.MockTransport(self), **{"limits": UNLIMITED} | options)

    @property
    def bodies(self):
        return [json.loads(request.content) for request in self.requests]


def ask(api, audio=LINK, client=None, **options):
    async def scenario():
        async with api.client(**(client or {})) as asked:
            return await asked.transcribe(audio, **options)

    return asyncio.run(scenario())


@pytest.fixture(autouse=True)
def a_world_of_its_own(monkeypatch):
    for name in list(os.environ):
        if name.startswith("DASHSCOPE_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setattr("asrlab.dashscope.account._accounts", {})


@pytest.fixture
def hasty(monkeypatch, in_virtual_time):
    """Time passes at once."""
    monkeypatch.setattr(asyncio, "run", virtual_time.run)
    monkeypatch.setattr("asrlab.dashscope.retries.random.uniform", lambda low, high: 1.0)


WHOLE = {
    "native": native(),
    "native-stream": native_frames(),
    "compatible": chat(),
    "compatible-stream": chat_frames(),
}


@pytest.mark.parametrize("mode", wire.MODES)
def test_an_answer_is_read_in_each_mode(mode):
    told = []
    api = Api(WHOLE[mode])
    heard = ask(api, mode=mode, on_text=told.append)
    assert (heard.text, heard.language, heard.emotion, heard.audio_s) == (TEXT, "en", "neutral", 3.0)
    assert heard.request_id == ("g7" if mode.startswith("native") else "chatcmpl-h8")
    assert told[-1] == TEXT
    assert len(told) == (3 if mode.endswith("stream") else 1)
    assert all(later.startswith(earlier) for earlier, later in pairwise(told))
    (request,) = api.requests
    assert request.url.path == (GENERATE if mode.startswith("native") else CHAT)
    assert "X-DashScope-Async" not in request.headers
    assert "X-DashScope-OssResourceResolve" not in request.headers


def test_the_native_request_is_that_of_the_documentation():
    api = Api(native())
    ask(api, language="en", enable_itn=False, context="Kestrel, Ostrava plant")
    assert api.bodies == [
        {
            "model": MODEL,
            "input": {
                "messages": [
                    {"role": "system", "content": [{"text": "Kestrel, Ostrava plant"}]},
                    {"role": "user", "content": [{"audio": LINK}]},
                ]
            },
            "parameters": {"result_format": "message", "asr_options": {"language": "en", "enable_itn": False}},
        }
    ]
    api = Api(native_frames())
    ask(api, mode="native-stream")
    assert api.bodies[0]["parameters"] == {"result_format": "message"}
    assert api.requests[0].headers["X-DashScope-SSE"] == "enable"
    assert api.requests[0].headers["Accept"] == "text/event-stream"


def test_the_compatible_request_is_that_of_the_documentation():
    api = Api(chat())
    ask(api, mode="compatible", language="en", enable_itn=False)
    assert api.bodies == [
        {
            "model": MODEL,
            "stream": False,
            "messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": LINK}}]}],
            "asr_options": {"language": "en", "enable_itn": False},
        }
    ]
    api = Api(chat_frames())
    ask(api, mode="compatible-stream", context="Kestrel")
    (body,) = api.bodies
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert body["messages"][0]["content"][0]["text"] == "Kestrel"


def test_the_compatible_shape_has_its_own_prefix_on_the_same_host():
    for base, url in [
        ({"region": "beijing"}, "https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions"),
        ({"base_url": "https://p.example/x/api/v1/"}, "https://p.example/x/compatible-mode/v1/chat/completions"),
    ]:
        api = Api(chat())
        ask(api, mode="compatible", client=base)
        assert str(api.requests[0].url) == url
    with pytest.raises(InvalidInput, match="does not end in /api/v1"):
        ask(Api(chat()), mode="compatible", client={"base_url": "https://p.example/v1"})


# Recordings.


def test_a_file_goes_into_the_request_without_an_upload(tmp_path):
    for name, subtype in [("a.wav", "wav"), ("a.MP3", "mpeg"), ("a.m4a", "mp4"), ("a.opus", "opus"), ("a", "wav")]:
        (tmp_path / name).write_bytes(b"RIFF\0\xff")
        api = Api(native())
        told = []

        async def sending(link, told=told):
            told.append(link)

        ask(api, tmp_path / name, before_sending=sending)
        (body,) = api.bodies
        prefix, _, content = body["input"]["messages"][0]["content"][0]["audio"].partition(",")
        assert prefix == f"data:audio/{subtype};base64"
        assert base64.b64decode(content) == b"RIFF\0\xff"
        assert told == ["data:"]


POLICY = {
    "policy": "e30=", "signature": "s=", "upload_dir": "dashscope-instant/a", "upload_host": "https://storage.example",
    "oss_access_key_id": "LTAI", "x_oss_object_acl": "private", "x_oss_forbid_overwrite": "true",
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Temporary uploads")
def test_what_fits_is_decided_after_it_is_encoded_to_the_byte(tmp_path, monkeypatch):
    limit = 1000 + len("data:audio/wav;base64,")  # 750 bytes become 1000
    monkeypatch.setattr(wire, "FLASH_BYTES", limit)
    file = tmp_path / "a.wav"
    for n_bytes, inline in [(750, True), (749, True), (751, False)]:
        file.write_bytes(b"\1" * n_bytes)
        api = Api(native()) if inline else Api({"data": POLICY}, (200, b""), native())
        ask(api, file)
        audio = api.bodies[-1]["input"]["messages"][0]["content"][0]["audio"] if inline else None
        if inline:
            assert len(audio) <= limit
            continue
        policy, form, asked = api.requests
        assert policy.url.params["model"] == MODEL
        assert form.url.host == "storage.example"
        assert "Authorization" not in form.headers
        assert json.loads(asked.content)["input"]["messages"][0]["content"][0]["audio"].startswith("oss://")
        assert asked.headers["X-DashScope-OssResourceResolve"] == "enable"


def test_the_documented_limits():
    row = model_of(MODEL)
    assert (row.audio_bytes, row.audio_s, wire.FLASH_BYTES) == (10_485_760, 300, 10_485_760)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda path: path.write_bytes(b""), "0 bytes"),
        (lambda path: path.write_bytes(b"1" * 2001), "2,001 bytes"),
        (lambda path: path.mkdir(), "cannot be read"),
        (lambda path: None, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_asked_about_is_refused_before_anything_is_sent(tmp_path, monkeypatch, make, match):
    row = dataclasses.replace(model_of(MODEL), audio_bytes=2000)
    monkeypatch.setattr("asrlab.dashscope.client.model_of", lambda _: row)
    make(tmp_path / "a.wav")
    api = Api(native())
    with pytest.raises(InvalidInput, match=match):
        ask(api, tmp_path / "a.wav")
    assert api.requests == []


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "a.wav"
    file.write_bytes(b"RIFF")
    really, states = os.fstat, []

    def fstat(fd):
        states.append(really(fd))
        if len(states) == 1:
            with file.open("ab") as more:
                more.write(b"more")
        return states[-1]

    monkeypatch.setattr(recognise.os, "fstat", fstat)
    api = Api(native())
    with pytest.raises(InvalidInput, match="changed while it was read"):
        ask(api, file)
    assert api.requests == []


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"model": "qwen3-asr-flash-filetrans"}, "is asked by submit"),
        ({"model": "qwen-audio-3.0-asr-flash"}, "another shape"),
        ({"model": "qwen3-asr-flash-us"}, "United States"),
        ({"mode": "stream"}, "native-stream"),
        ({"mode": "async"}, "mode must be one of"),
        ({"language": "tlh"}, "It takes"),
        ({"enable_itn": "yes"}, "enable_itn must be"),
        ({"context": 3}, "must be text"),
        ({"language_hints": ["en"]}, "language_hints"),
        ({"audio": "data:audio/wav;base64,UklGRg=="}, "not a data URI"),
        ({"audio": "http://"}, "must be a http"),
        ({"audio": None}, "path of a file, or a link, not None"),
        ({"audio": ""}, "path of a file, or a link, not ''"),
        ({"audio": " "}, "path of a file, or a link, not ' '"),
        ({"audio": b"RIFF"}, "path of a file, or a link, not a bytes"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(options, match):
    api = Api(native())
    with pytest.raises(InvalidInput, match=match) as caught:
        ask(api, **options)
    assert api.requests == []
    assert "UklG" not in str(caught.value)


def test_a_model_that_takes_tasks_is_not_submitted_here():
    async def scenario(api):
        async with api.client() as client:
            await client.submit(LINK, model=MODEL)

    api = Api(native())
    with pytest.raises(InvalidInput, match=r"asked by transcribe\(\)"):
        asyncio.run(scenario(api))
    assert api.requests == []


# Answers that say nothing, or not what they should.


@pytest.mark.parametrize("content", [[], "", [{"text": ""}], None])
def test_silence_is_an_empty_text(content):
    document = native()
    document["output"]["choices"][0]["message"]["content"] = content
    assert ask(Api(document)).text == ""
    assert ask(Api(chat("" if content != [] else content)), mode="compatible").text == ""


@pytest.mark.parametrize("code", ["ASR_RESPONSE_HAVE_NO_WORDS", "SUCCESS_WITH_NO_VALID_FRAGMENT"])
@pytest.mark.parametrize("mode", wire.MODES)
def test_silence_may_come_as_an_error(code, mode):
    plain = (400, {"request_id": "r", "code": code, "message": "no words"})
    nested = (400, {"error": {"code": code, "message": "no words"}, "request_id": "r"})
    framed = (200, frame({"code": code, "message": "no words", "request_id": "r"}, event="error", status=400))
    for answer in (plain, nested, framed) if mode.endswith("stream") else (plain, nested):
        assert ask(Api(answer), mode=mode) == Recognition("", request_id="r")


@pytest.mark.parametrize("usage", [None, {}, [], {"seconds": "x"}, {"seconds": None}])
def test_what_was_billed_may_be_missing(usage):
    assert ask(Api(native() | {"usage": usage})).audio_s is None


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"output": {}},
        {"output": None},
        {"output": {"choices": None}},
        {"output": {"choices": []}},
        {"output": {"choices": [None]}},
        {"output": {"choices": [{"finish_reason": "stop"}]}},
        {"output": {"choices": [{"finish_reason": "stop", "message": {"role": "assistant"}}]}},
        native(content=[{"audio": "x"}]),
        native(content={"text": "x"}),
        native(content=[None]),
        native(finish="null"),
        b"<html>",
        b"\xd6\xd0" + json.dumps(native()).encode(),
        json.dumps(native(), ensure_ascii=False).encode("gbk"),
        b"",
    ],
)
def test_an_answer_that_cannot_be_read_may_have_been_billed_and_is_not_asked_again(hasty, document):
    api = Api(document, native())
    with pytest.raises(OutcomeUnknown) as caught:
        ask(api)
    assert caught.value.code == "BadResponse"
    assert len(api.requests) == 1


def test_a_text_that_was_cut_short_is_a_failure():
    for mode, answer in (("native", native(finish="length")), ("compatible", chat(finish="length"))):
        with pytest.raises(TaskFailed, match="'length'") as caught:
            ask(Api(answer), mode=mode)
        assert caught.value.code == "Incomplete"


# Streams.


def native_stream(*texts):
    return Api(Pieces(b"".join(frame(native(text, "stop" if text is texts[-1] else "null")) for text in texts)))


@pytest.mark.parametrize(
    ("texts", "whole"),
    [
        (["Ship", "Ship it", "Ship it."], "Ship it."),
        (["ha ", "ha ha ", "ha ha"], "ha ha"),
        (["", "Ship", "Ship it.", "Ship it."], "Ship it."),
        (["Ship it.", ""], "Ship it."),  # whichever way it is meant
        ([""], ""),
    ],
)
def test_native_frames_repeat_the_text_so_far(texts, whole):
    told = []
    assert ask(native_stream(*texts), mode="native-stream", on_text=told.append).text == whole
    assert told == [text for before, text in pairwise(["", *texts]) if text.strip() and text != before]


@pytest.mark.parametrize("texts", [["Ship ", "it."], ["Ship it ", "on ", "Friday."], ["收到", "好的"]])
def test_native_frames_that_do_not_are_no_text(hasty, texts):
    """They may be increments, or a text that was changed: either way nobody knows what the whole is."""
    api = native_stream(*texts)
    with pytest.raises(OutcomeUnknown, match="repeat the text so far") as caught:
        ask(api, mode="native-stream")
    assert caught.value.code == "BadResponse"
    assert len(api.requests) == 1


@pytest.mark.parametrize("mode", wire.MODES)
@pytest.mark.parametrize("error", [TimeoutError("mine"), ValueError("mine"), httpx.ReadError("mine")])
def test_what_listens_cannot_lose_an_answer(mode, error, caplog):
    told = []

    def listen(text):
        told.append(text)
        raise error

    assert ask(Api(WHOLE[mode]), mode=mode, on_text=listen).text == TEXT
    assert len(told) == 1
    (record,) = [record for record in caplog.records if record.name == "asrlab.dashscope"]
    assert "on_text" in record.getMessage()
    assert record.exc_info[1] is error


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 7, 1 << 16])
def test_frames_may_be_cut_anywhere_and_lines_end_in_any_way(end, size):
    assert ask(Api(Pieces(native_frames(end), size)), mode="native-stream").text == TEXT
    chunks = chat_frames().replace(b"\n", end.encode())
    assert ask(Api(Pieces(chunks, size)), mode="compatible-stream").text == TEXT


def test_events_are_read_as_the_standard_has_them():
    def events(content, size=1 << 16):
        reader = Events()
        return [event for at in range(0, len(content), size) for event in reader.feed(content[at : at + size])]

    # Comments, fields without a value, unknown ones, several lines of data, a mark of byte order, an event of no data.
    content = (
        b"\xef\xbb\xbfdata: one\r\n: a comment\r\n:\ndata:two\r\n\r\nevent: error\nstatus:429\nretry:3\nid\ndata\n\n"
        b"event:lost\n\ndata:{}\n\nevent:half\ndata:never ended\n"
    )
    for size in (1, 3, 1 << 16):
        assert events(content, size) == [("", None, b"one\ntwo"), ("error", 429, b""), ("", None, b"{}")]
    assert events(b"data:a\r", 1) + events(b"") == []
    assert events(b"status:abc\ndata:x\n\n") == [("", None, b"x")]


@pytest.mark.parametrize(("mode", "whole_from"), [("native-stream", -1), ("compatible-stream", -3)])
def test_a_stream_that_breaks_off_anywhere_is_never_taken_for_the_whole(mode, whole_from):
    content = WHOLE[mode]
    frames = content.split(b"\n\n")[:-1]
    # The text is whole once the frame has ended that says so; what follows it in chunks is usage and an end.
    last = len(b"\n\n".join(frames[: len(frames) + whole_from + 1])) + 2

    def read(cut):
        reading = Reading(mode)
        for event in Events().feed(content[:cut]):
            if event.data != b"[DONE]":
                reading.take(json.loads(event.data))
        return reading

    for cut in range(len(content)):
        assert read(cut).finished == (cut >= last), cut
        if cut >= last:
            assert read(cut).whole().text == TEXT
        else:
            with pytest.raises(ServiceError, match="broke off"):
                read(cut).whole()

    async def scenario():
        api = Api(native())
        async with api.client() as client:
            for cut in (*range(0, len(content), 29), last - 1, last):
                for error in (None, httpx.ReadError):
                    api.answers = [Pieces(content[:cut], error=error)]
                    try:
                        outcome = (await client.transcribe(LINK, mode=mode)).text
                    except OutcomeUnknown as unknown:
                        outcome = type(unknown)
                    assert outcome == (TEXT if cut >= last else OutcomeUnknown), cut

    asyncio.run(scenario())


def test_a_stream_that_ends_without_done_after_its_text_is_whole():
    assert ask(Api(Pieces(chat_frames(done=False))), mode="compatible-stream").text == TEXT


def test_an_error_before_any_text_is_as_one_without_frames(hasty):
    refused = frame({"code": "InvalidParameter", "message": "why", "request_id": "r"}, event="error")
    api = Api((200, refused))
    with pytest.raises(ServiceError, match="why") as caught:
        ask(api, mode="native-stream")
    assert (type(caught.value), caught.value.http_status, caught.value.code) == (ServiceError, 400, "InvalidParameter")
    throttled = frame({"code": "Throttling.RateQuota", "message": "slow down"}, event="error")
    status = throttled.replace(b"event:error\n", b"event:error\nstatus:429\n")
    api = Api((200, status), (200, throttled), native_frames())
    assert ask(api, mode="native-stream").text == TEXT
    assert len(api.requests) == 3
    fault = frame({"code": "InternalError", "message": "oops"}, event="error").replace(
        b"error\n", b"error\nstatus:500\n"
    )
    with pytest.raises(OutcomeUnknown):
        ask(Api((200, fault)), mode="native-stream")
    chunked = b'data: {"error": {"code": "invalid_value", "message": "why", "type": "x"}}\n\n'
    with pytest.raises(ServiceError, match="why") as caught:
        ask(Api((200, chunked)), mode="compatible-stream")
    assert type(caught.value) is ServiceError


@pytest.mark.parametrize("code", ["InvalidParameter", "DataInspectionFailed", "Throttling.RateQuota", "InternalError"])
def test_an_error_after_text_leaves_the_outcome_unknown(hasty, code):
    begun = frame(native("Ship ", "null"))
    error = frame({"code": code, "message": "stopped", "request_id": "r"}, 2, event="error")
    api = Api((200, begun + error), native_frames())
    with pytest.raises(OutcomeUnknown, match="stopped") as caught:
        ask(api, mode="native-stream")
    assert (caught.value.code, caught.value.request_id) == (code, "r")
    assert len(api.requests) == 1
    silent = frame({"code": "ASR_RESPONSE_HAVE_NO_WORDS", "message": "none"}, 2, event="error")
    with pytest.raises(OutcomeUnknown):
        ask(Api((200, begun + silent)), mode="native-stream")


def test_a_service_that_does_not_stream_is_understood():
    assert ask(Api(native()), mode="native-stream").text == TEXT
    assert ask(Api(chat()), mode="compatible-stream").text == TEXT


def test_a_stream_without_end_is_not_read_without_end(monkeypatch, hasty):
    monkeypatch.setattr("asrlab.dashscope.http._STREAM_BYTES", 10_000)
    for content in (b"data:" + b"x" * 20_000, frame(native("Ship ", "null")) * 100):
        with pytest.raises(OutcomeUnknown, match="more than 10000 bytes"):
            ask(Api(Pieces(content, 512)), mode="native-stream")


def test_frames_that_are_no_json_are_no_answer(hasty):
    for content in (b"data: Ship it.\n\n", b"data: [1]\n\n", b"data: \xff\xfe\n\n", frame({"output": []})):
        with pytest.raises(OutcomeUnknown):
            ask(Api((200, content)), mode="native-stream")


# Money.


@pytest.mark.parametrize("mode", wire.MODES)
def test_it_is_sent_again_only_where_it_was_surely_not_accepted(hasty, mode):
    busy = (429, {"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded"})
    told = []

    async def before(link):
        told.append(link)

    async def refused():
        told.append("refused")

    api = Api(busy, httpx.ConnectError, WHOLE[mode])
    assert ask(api, mode=mode, before_sending=before, when_refused=refused).text == TEXT
    assert told == [LINK, "refused", LINK, "refused", LINK]
    for fault in (httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError, (500, {"code": "InternalError"}),
                  (503, {"code": "ModelUnavailable"}), (502, b"<html>"), (504, b"")):  # fmt: skip
        api = Api(fault, WHOLE[mode])
        with pytest.raises(OutcomeUnknown):
            ask(api, mode=mode)
        assert len(api.requests) == 1


def test_refusals_are_told_in_both_shapes():
    plain = (400, {"request_id": "r", "code": "InvalidFile.AudioLengthError", "message": "1-300 s"})
    nested = (401, {"error": {"code": "invalid_api_key", "message": "Incorrect API key provided.", "type": "x"},
                    "request_id": "r"})  # fmt: skip
    for mode, answer, code in (
        ("native", plain, "InvalidFile.AudioLengthError"),
        ("compatible", nested, "invalid_api_key"),
    ):
        with pytest.raises(ServiceError) as caught:
            ask(Api(answer), mode=mode)
        assert (type(caught.value), caught.value.code, caught.value.request_id) == (ServiceError, code, "r")


def test_nothing_is_sent_where_it_cannot_be_noted():
    async def full(link):
        raise OSError("No space left on device")

    api = Api(native())
    with pytest.raises(OSError, match="No space"):
        ask(api, before_sending=full)
    assert api.requests == []


# What must not be seen.


def test_neither_key_nor_recording_are_in_exceptions_logs_and_documents(tmp_path, caplog, hasty):
    caplog.set_level(logging.DEBUG)
    (tmp_path / "a.wav").write_bytes(b"planted recording" * 50)
    inside = base64.b64encode(b"planted recording" * 50).decode()
    echo = f"cannot read data:audio/wav;base64,{inside} of {KEY}"
    shown = []
    for answer in (
        (400, {"code": "InvalidParameter", "message": echo}),
        (500, {"code": "InternalError", "message": echo}),
        (200, frame({"code": "InternalError", "message": echo}, event="error")),
        httpx.ReadError,
        native(echoed=echo),
        native_frames() + frame(native("", "stop", echoed=echo), 9),
    ):
        for mode in ("native", "native-stream"):
            try:
                heard = ask(Api(answer), tmp_path / "a.wav", mode=mode)
            except ServiceError as error:
                shown += traceback.format_exception(error)
                shown.append(repr(vars(error)))
                shown.append(repr(vars(pickle.loads(pickle.dumps(error)))))
            else:
                shown.append(repr(heard) + json.dumps(heard.document))
    text = "".join(shown) + caplog.text
    assert text.count("cannot read data:audio/wav;base64,...") >= 4
    assert inside[:24] not in text
    assert KEY not in text
    assert scrub("see data:;base64,QUJD and DATA:audio/x-wav;base64,QUJD==.") == (
        "see data:;base64,... and DATA:audio/x-wav;base64,...."
    )


def test_the_synchronous_client_has_the_verb():
    with Client(api_key=KEY, transport=httpx.MockTransport(Api(native()))) as client:
        assert client.transcribe(LINK, language="en").text == TEXT
        with pytest.raises(InvalidInput, match="Did you mean"):
            client.transcribe(LINK, contxt="Kestrel")


def test_many_at_once_keep_to_the_limits_and_leave_room_for_queries():
    at_once, most = 0, 0

    async def handler(request):
        nonlocal at_once, most
        await request.aread()
        at_once += 1
        most = max(most, at_once)
        await anyio.sleep(0.01)
        at_once -= 1
        return httpx.Response(200, json=native())

    async def scenario():
        client = AsyncClient(api_key=KEY, transport=httpx.MockTransport(handler), limits=UNLIMITED)
        async with client, anyio.create_task_group() as group:
            for _ in range(60):
                group.start_soon(client.transcribe, LINK)

    asyncio.run(scenario())
    assert 4 <= most <= 10


def test_paths_are_paths_and_links_are_links(tmp_path):
    (tmp_path / "a b.wav").write_bytes(b"RIFF")
    for audio in (tmp_path / "a b.wav", str(tmp_path / "a b.wav")):
        api = Api(native())
        ask(api, audio)
        assert "data:" in api.bodies[0]["input"]["messages"][0]["content"][0]["audio"]
    api = Api(native())
    ask(api, "HTTPS://media.example.org/a b.wav")
    assert api.bodies[0]["input"]["messages"][0]["content"][0]["audio"].endswith("/a%20b.wav")
