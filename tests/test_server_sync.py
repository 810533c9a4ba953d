"""The synchronous routes of the local service: whole answers and streams, by hand and by the official SDK."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import importlib
import json
import signal
import socket
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
from by_hand import KEY, RESOLVE, query, recording, start, submit, upload
from stand_ins import Scripted, file_server

from asrlab.engines.base import Answer, Parameters, Sentence, Transcript
from asrlab.errors import InvalidInput, ServiceError, TaskFailed

pytest.importorskip("starlette")

from asrlab.server.asked import Ask
from asrlab.server.limits import Limits
from asrlab.server.run import serve
from asrlab.server.service import Service

MODEL = "qwen3-asr-flash"
NATIVE = "/api/v1/services/aigc/multimodal-generation/generation"
CHAT = "/compatible-mode/v1/chat/completions"
SSE = {**KEY, "X-DashScope-SSE": "enable"}
ACTED = {"recogniser": Scripted.identity, "model": "parrot 1", "context_tokens": None, "unsupported": []}
NOTED = [{"type": "audio_info", "language": "en", "emotion": "neutral"}]


class Talker(Scripted):
    """Says two sentences, and one more of an unusual kind."""

    sentences = ("Ship it.", "收到。", "<b>Now</b>\u2028\n&.")

    async def transcribe(self, question, steps=None):
        self.asked.append(question)
        sentences = tuple(Sentence(900 * n, 900 * n + 900, text, "en") for n, text in enumerate(self.sentences))
        return Answer((Transcript(0, " ".join(self.sentences), "en", sentences),), 1.5, "parrot 1")


@pytest.fixture(scope="module")
def talking(files):
    with serve(Talker(), media=(files.url,), limits=None) as service:
        yield service


@pytest.fixture(scope="module")
def talker(talking):
    with httpx.Client(base_url=talking.url, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def client(shared):
    with httpx.Client(base_url=shared[0].url, trust_env=False) as client:
        yield client


@pytest.fixture
def alone():
    """Starts a service with one worker for one test; gives it and a client."""
    with contextlib.ExitStack() as stack:

        def begin(engine=None, **options):
            service = stack.enter_context(serve(engine or Scripted(), **{"limits": None} | options))
            return service, stack.enter_context(httpx.Client(base_url=service.url, trust_env=False, timeout=20))

        yield begin


def data_uri(content):
    return f"data:audio/wav;base64,{base64.b64encode(content).decode()}"


def native(audio, context=None, *, model=MODEL, **parameters):
    messages = [{"role": "user", "content": [{"audio": audio}]}]
    if context is not None:
        messages.insert(0, {"role": "system", "content": [{"text": context}]})
    return {"model": model, "input": {"messages": messages}, "parameters": parameters}


def chat(audio, context=None, *, model=MODEL, **options):
    messages = [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": audio}}]}]
    if context is not None:
        messages.insert(0, {"role": "system", "content": [{"type": "text", "text": context}]})
    return {"model": model, "messages": messages, **options}


BOTH = pytest.mark.parametrize(("path", "body_of"), [(NATIVE, native), (CHAT, chat)], ids=["native", "chat"])


def text_of(document):
    """The text of a whole answer of either form."""
    choice = document.get("output", document)["choices"][0]
    content = choice["message"]["content"]
    return content if isinstance(content, str) else "".join(entry["text"] for entry in content)


def refusal_of(response):
    """Status and code of a refusal, and its message; in the shape of its path."""
    document = response.json()
    if response.request.url.path == CHAT:
        assert set(document) == {"error", "request_id"}
        assert set(document["error"]) == {"code", "message", "type", "param"}
        document = document["error"]
    else:
        assert set(document) == {"request_id", "code", "message"}
    return response.status_code, document["code"], document["message"]


# Whole answers.


def test_a_native_answer_has_the_documented_shape(client, files):
    document = client.post(NATIVE, headers=KEY, json=native(f"{files.url}/mono.wav")).json()
    assert len(document.pop("request_id")) == 36
    message = {"role": "assistant", "content": [{"text": "Ship it."}], "annotations": NOTED}
    assert document == {
        "output": {"choices": [{"finish_reason": "stop", "message": message}]},
        "usage": {
            "input_tokens_details": {"text_tokens": 0},
            "output_tokens_details": {"text_tokens": 3},
            "seconds": 2,
        },
        "asrlab": ACTED,
    }


def test_a_compatible_answer_has_the_documented_shape(client, files):
    asked_at = int(time.time())
    document = client.post(CHAT, headers=KEY, json=chat(f"{files.url}/mono.wav", "Kestrel", stream=False)).json()
    assert document.pop("id").startswith("chatcmpl-")
    assert asked_at <= document.pop("created") <= time.time()
    message = {"role": "assistant", "content": "Ship it.", "annotations": NOTED}
    assert document == {
        "object": "chat.completion",
        "model": MODEL,
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {
            "prompt_tokens": 41,  # 1.5 s at 25 a second, and 3 of the context
            "completion_tokens": 3,
            "total_tokens": 44,
            "seconds": 2,
            "prompt_tokens_details": {"audio_tokens": 38, "text_tokens": 3},
            "completion_tokens_details": {"text_tokens": 3},
        },
        "asrlab": ACTED | {"context_tokens": 3, "unsupported": ["context"]},
    }


@BOTH
def test_audio_comes_as_a_link_an_upload_or_data(client, engine, files, audio, path, body_of):  # noqa: PLR0917
    content = (audio / "mono.wav").read_bytes()
    _, url = upload(client, content, model=MODEL)
    for given in (f"{files.url}/mono.wav", url, data_uri(content), data_uri(content).replace("data:audio", "DATA:x")):
        headers = {**KEY, "X-DashScope-OssResourceResolve": "enable"}
        response = client.post(path, headers=headers, json=body_of(given))
        assert (response.status_code, text_of(response.json())) == (200, "Ship it.")
    assert len(engine.asked) == 4


@BOTH
def test_what_is_asked_reaches_the_recogniser(client, engine, path, body_of):
    options = {"asr_options": {"language": "zh", "enable_itn": True, "enable_lid": True}, "temperature": 0.1}
    body = body_of(data_uri(recording()), "Kestrel, Ostrava", **options)
    assert client.post(path, headers=KEY, json=body).status_code == 200
    asked = engine.asked[-1].parameters
    assert (asked.language, asked.enable_itn, asked.context) == ("zh", True, "Kestrel, Ostrava")
    assert (asked.channel_id, asked.enable_words) == ((0,), False)
    for nothing in ({}, {"asr_options": None}, {"asr_options": {"language": None}}):
        client.post(path, headers=KEY, json=body_of(data_uri(recording()), "", **nothing))
        asked = engine.asked[-1].parameters
        assert (asked.language, asked.enable_itn, asked.context) == (None, False, None)


@BOTH
def test_a_second_channel_is_ignored_and_not_counted(client, files, path, body_of):
    document = client.post(path, headers=KEY, json=body_of(f"{files.url}/stereo.flac")).json()
    assert document["usage"]["seconds"] == 1
    if path == CHAT:
        assert document["usage"]["prompt_tokens_details"] == {"audio_tokens": 25, "text_tokens": 0}  # as of a second


@BOTH
@pytest.mark.parametrize("stream", [False, True])
def test_silence_is_no_error_and_has_no_text(client, engine, path, body_of, stream):
    engine.text = ""
    body = body_of(data_uri(recording()), **({"stream": stream} if path == CHAT else {}))
    response = client.post(path, headers=SSE if stream else KEY, json=body)
    assert response.status_code == 200
    if stream:
        frames = [line for line in response.text.splitlines() if line.startswith("data:") and "[DONE]" not in line]
        assert len(frames) == (2 if path == CHAT else 1)
        said = [json.loads(line[5:]) for line in frames]
        assert [one.get("output", one)["choices"][0]["finish_reason"] for one in said][-1] == "stop"
        assert "text" not in str(said[-1].get("output"))
    else:
        choice = response.json().get("output", response.json())["choices"][0]
        assert choice["message"]["content"] == ("" if path == CHAT else [])


# Streams.


@pytest.mark.parametrize("incremental", [None, False, True])
def test_a_native_stream_to_the_letter(talker, incremental):
    parameters = {} if incremental is None else {"incremental_output": incremental}
    response = talker.post(NATIVE, headers=SSE, json=native(data_uri(recording()), **parameters))
    assert response.headers["Content-Type"].partition(";")[0] == "text/event-stream"
    *frames, rest = response.content.split(b"\n\n")
    assert rest == b""
    pieces = ["Ship it.", " 收到。", " <b>Now</b>\u2028\n&.", ""]
    for number, (frame, piece) in enumerate(zip(frames, pieces, strict=True), start=1):
        *head, data = frame.decode().split("\n")
        assert head == [f"id:{number}", "event:result", ":HTTP_STATUS/200"]
        assert data.startswith("data:{")
        document = json.loads(data.removeprefix("data:"))
        last = number == len(pieces)
        assert set(document) == {"request_id", "output", "usage"} | ({"asrlab"} if last else set())
        (choice,) = document["output"]["choices"]
        assert choice["finish_reason"] == ("stop" if last else "null")
        assert choice["message"]["annotations"] == NOTED
        text = piece if incremental else "".join(pieces[:number])
        assert choice["message"]["content"] == ([{"text": text}] if text else [])
    assert len({json.loads(frame.partition(b"data:")[2])["request_id"] for frame in frames}) == 1


@pytest.mark.parametrize("include_usage", [False, True])
def test_a_compatible_stream_to_the_letter(talker, include_usage):
    body = chat(data_uri(recording()), stream=True, stream_options={"include_usage": include_usage})
    response = talker.post(CHAT, headers=KEY, json=body)
    assert response.headers["Content-Type"].partition(";")[0] == "text/event-stream"
    *frames, done, rest = response.content.split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    assert all(frame.startswith(b"data: {") and b"\n" not in frame for frame in frames)
    chunks = [json.loads(frame.removeprefix(b"data: ")) for frame in frames]
    assert len({(chunk["id"], chunk["created"]) for chunk in chunks}) == 1
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert [set(chunk) - {"id", "object", "created", "model"} for chunk in chunks[:-1]] == [{"choices"}] * (
        len(chunks) - 1
    )
    assert chunks[-1]["asrlab"] == ACTED
    if include_usage:
        usage = chunks.pop()
        assert usage["choices"] == []
        assert usage["usage"]["total_tokens"] == usage["usage"]["prompt_tokens"] + usage["usage"]["completion_tokens"]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    assert [choice["finish_reason"] for choice in choices] == [None, None, None, None, "stop"]
    assert [choice["delta"] for choice in choices] == [
        {"role": "assistant", "content": ""},
        {"content": "Ship it.", "annotations": NOTED},
        {"content": " 收到。", "annotations": NOTED},
        {"content": " <b>Now</b>\u2028\n&.", "annotations": NOTED},
        {},
    ]


# The official SDK.


@pytest.fixture
def sdk(talking, monkeypatch):
    pytest.importorskip("dashscope")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    package = importlib.import_module("dashscope")
    monkeypatch.setattr(package, "base_http_api_url", talking.base_url)
    monkeypatch.setattr(package, "api_key", "sk-anything")

    def call(audio, **options):
        messages = [
            {"role": "system", "content": [{"text": "Kestrel"}]},
            {"role": "user", "content": [{"audio": str(audio)}]},
        ]
        return package.MultiModalConversation.call(
            model=MODEL, messages=messages, result_format="message", asr_options={"language": "en"}, **options
        )

    yield call
    importlib.import_module("dashscope.api_entities.http_request").close_shared_sync_session()


WHOLE = " ".join(Talker.sentences)
sdk_warns = pytest.mark.filterwarnings("ignore::DeprecationWarning:dashscope")


@sdk_warns
def test_the_sdk_asks_with_a_local_file_and_a_link(sdk, audio, files):
    for given in (audio / "mono.wav", f"file://{audio / 'mono.wav'}", f"{files.url}/mono.wav"):
        answer = sdk(given)
        assert (answer.status_code, answer.code) == (200, "")
        assert answer.output.choices[0].message.content == [{"text": WHOLE}]
        assert answer.output.choices[0].message.annotations == NOTED
        assert answer.usage["seconds"] == 2


@sdk_warns
@pytest.mark.parametrize("incremental", [None, False, True])
def test_the_sdk_reads_streams(sdk, audio, incremental):
    frames = list(sdk(audio / "mono.wav", stream=True, incremental_output=incremental))
    assert {frame.status_code for frame in frames} == {200}
    assert [frame.output.choices[0].finish_reason for frame in frames] == ["null", "null", "null", "stop"]
    texts = ["".join(part["text"] for part in frame.output.choices[0].message.content) for frame in frames]
    assert ("".join(texts) if incremental else texts[-1]) == WHOLE


@sdk_warns
def test_the_sdk_reads_refusals_and_frames_of_errors(sdk, talking, files):
    refused = sdk(f"{files.url}/absent.wav")
    assert (refused.status_code, refused.code) == (400, "InvalidFile.DownloadFailed")
    talking.fault("generate=error-frame")
    first, failed = sdk(f"{files.url}/mono.wav", stream=True)
    assert (first.status_code, failed.status_code, failed.code) == (200, 500, "InternalError")


# What is refused.

GOOD = data_uri(recording(seconds=0.01))


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        ({}, "not json", 401, "InvalidApiKey"),
        (KEY, "not json", 400, "BadRequest.IllegalInput"),
        (KEY, '{"model": ' + "[" * 100 + "]" * 100 + "}", 400, "BadRequest.IllegalInput"),
        (KEY, {}, 400, "BadRequest.EmptyModel"),
        (KEY, {"model": ["a"]}, 400, "InvalidParameter"),
        (KEY, {"model": "whisper-1"}, 404, "ModelNotFound"),
        (KEY, {"model": "qwen-audio-3.0-asr-flash"}, 404, "ModelNotFound"),
        ({**KEY, "X-DashScope-Async": "enable"}, {"model": MODEL}, 403, "AccessDenied"),
        ({**KEY, "X-DashScope-Async": "enable"}, {"model": "fun-asr"}, 403, "AccessDenied"),
        (KEY, {"model": "fun-asr", "input": {"file_urls": ["x"]}}, 400, "InvalidParameter"),
        (KEY, {"model": "qwen3-asr-flash-filetrans", "input": 1}, 400, "InvalidParameter"),
    ],
)
@pytest.mark.parametrize("path", [NATIVE, CHAT], ids=["native", "chat"])
def test_requests_are_checked_in_the_order_of_submits(client, engine, path, headers, body, status, code):  # noqa: PLR0917
    content = json.dumps(body) if isinstance(body, dict) else body
    refused = refusal_of(client.post(path, headers=headers, content=content))
    if path == NATIVE:
        assert refused[:2] == (status, code)
        assert (refused[2] == "url error, please check url！") == (
            code == "InvalidParameter" and body["model"] != ["a"]
        )
    elif code == "InvalidParameter" and body["model"] != ["a"]:
        assert refused[:2] == (404, "model_not_supported")
    else:
        renamed = {
            "InvalidApiKey": "invalid_api_key",
            "ModelNotFound": "model_not_found",
            "InvalidParameter": "invalid_parameter_error",
        }
        assert refused[:2] == (status, renamed.get(code, code))
        assert code != "InvalidApiKey" or refused[2] == "Incorrect API key provided."
    assert engine.asked == []


USER = {"role": "user", "content": [{"audio": GOOD, "type": "input_audio", "input_audio": {"data": GOOD}}]}


@BOTH
@pytest.mark.parametrize(
    "messages",
    [
        None,
        [],
        "hello",
        [1],
        [[]],
        [{"role": "system", "content": [{"text": "a"}]}],
        [USER, USER],
        [USER, {"role": "system", "content": [{"text": "a"}]}],
        [{"role": "system", "content": "a"}, {"role": "system", "content": "b"}, USER],
        [{"role": "assistant", "content": [{"text": "a"}]}, USER],
        [{"role": "system", "content": [{"text": ["a"]}]}, USER],
        [{"role": "system", "content": ["a"]}, USER],
        [{"role": "system", "content": 5}, USER],
        [{"role": "user"}],
        [{"role": "user", "content": []}],
        [{"role": "user", "content": "transcribe"}],
        [{"role": "user", "content": GOOD}],
        [{"role": "user", "content": [{"text": "transcribe"}]}],
        [{"role": "user", "content": [{"type": "text", "text": GOOD}]}],
        [{"role": "user", "content": [*USER["content"], *USER["content"]]}],
        [{"role": "user", "content": [*USER["content"], {"text": "transcribe"}]}],
        [{"role": "user", "content": [{"audio": None, "type": "input_audio", "input_audio": None}]}],
        [{"role": "user", "content": [{"audio": "", "type": "input_audio", "input_audio": {"data": ""}}]}],
        [{"role": "user", "content": [{"audio": [GOOD], "type": "input_audio", "input_audio": {"data": [GOOD]}}]}],
        [{"role": "user", "content": [{"audio": {"data": GOOD}, "type": "input_audio", "input_audio": GOOD}]}],
    ],
)
def test_messages_are_one_user_message_with_one_audio(client, engine, path, body_of, messages):
    body = {"model": MODEL, "messages": messages}
    if path == NATIVE:
        body = {"model": MODEL, "input": {"messages": messages, "other": 1}}
    status, code, _ = refusal_of(client.post(path, headers=KEY, json=body))
    assert (status, code) == (400, "InvalidParameter" if path == NATIVE else "invalid_parameter_error")
    assert engine.asked == []


@BOTH
@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"asr_options": {"language": "nl"}}, "yue"),
        ({"asr_options": {"language": ""}}, "language"),
        ({"asr_options": {"language": ["en"]}}, "language"),
        ({"asr_options": {"enable_itn": "true"}}, "enable_itn"),
        ({"asr_options": ["language"]}, "asr_options"),
        ({"incremental_output": "yes", "stream": 1}, "true or false"),
        ({"stream_options": [], "incremental_output": 0}, "must be"),
        ({"stream_options": {"include_usage": "x"}, "incremental_output": []}, "true or false"),
    ],
)
def test_wrong_options_are_refused(client, path, body_of, options, named):
    status, _, message = refusal_of(client.post(path, headers=KEY, json=body_of(GOOD, **options)))
    assert status == 400
    assert named in message


def test_a_request_without_input_is_empty(client):
    for given in ({}, [], None, 0):
        body = {"model": MODEL, "input": given}
        assert refusal_of(client.post(NATIVE, headers=KEY, json=body))[1] == "BadRequest.EmptyInput"
    body = {"model": MODEL, "input": [1], "parameters": [1]}
    assert refusal_of(client.post(NATIVE, headers=KEY, json=body))[1] == "InvalidParameter"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/status/403", "InvalidFile.DownloadFailed"),
        ("/status/404", "InvalidFile.DownloadFailed"),
        ("/status/503", "InvalidFile.DownloadFailed"),
        ("/status/302", "InvalidFile.DownloadFailed"),
        ("/é.wav", "InvalidFile.DownloadFailed"),
        ("/text.wav", "InvalidFile.Format"),
        ("/empty.wav", "InvalidFile.Format"),
        ("/nothing.wav", "InvalidParameter"),
    ],
)
def test_faults_of_the_file_are_refusals(client, engine, files, path, code):
    assert refusal_of(client.post(NATIVE, headers=KEY, json=native(files.url + path)))[:2] == (400, code)
    assert engine.asked == []


@BOTH
@pytest.mark.parametrize("url", ["mono.wav", "file:///etc/passwd", "ftp://a/b.wav", "http://[::1/a.wav", " http://a"])
def test_links_that_are_none_are_refused(client, path, body_of, url):
    assert refusal_of(client.post(path, headers=KEY, json=body_of(url)))[:2] == (400, "InvalidURL")


@BOTH
def test_an_upload_needs_the_resolve_header_and_its_own_model(client, audio, path, body_of):
    _, url = upload(client, (audio / "mono.wav").read_bytes(), model=MODEL)
    refused = refusal_of(client.post(path, headers=KEY, json=body_of(url)))
    assert refused[:2] == (400, "InvalidParameter.DataInspection" if path == NATIVE else "invalid_parameter_error")
    _, other = upload(client, (audio / "mono.wav").read_bytes())
    refused = refusal_of(client.post(path, headers=RESOLVE | {"X-DashScope-Async": ""}, json=body_of(other)))
    assert refused[:2] == (400, "InvalidFile.DownloadFailed")


@BOTH
@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("data:audio/wav;base64,", "The audio is empty"),
        (data_uri(b""), "The audio is empty"),
        ("data:audio/wav;base64", "data:MIME"),
        ("data:audio/wav,UklGRg==", "data:MIME"),
        ("data:", "data:MIME"),
        ("data:audio/wav;base64,UklGRg", "data:MIME"),
        ("data:audio/wav;base64,UklG Rg==", "data:MIME"),
        ("data:audio/wav;base64,UklG-_==", "data:MIME"),
        ("data:audio/wav;base64,é", "data:MIME"),
        ("data:audio/wav;base64,UklGRg==", "no audio that can be read"),
        (data_uri(b"this is no audio"), "no audio that can be read"),
    ],
)
def test_data_that_is_no_audio_is_refused(client, engine, path, body_of, uri, said):  # noqa: PLR0917
    status, _, message = refusal_of(client.post(path, headers=KEY, json=body_of(uri)))
    assert status == 400
    assert said in message
    assert engine.asked == []


# Limits.


@BOTH
def test_data_may_have_so_many_bytes_of_base64(client, engine, path, body_of):
    most = recording(seconds=245.76)[:7_864_320]  # 10,485,760 in base64
    assert len(base64.b64encode(most)) == 10_485_760
    assert client.post(path, headers=KEY, json=body_of(data_uri(most))).status_code == 200
    status, _, message = refusal_of(client.post(path, headers=KEY, json=body_of(data_uri(most + b"x"))))
    assert (status, message) == (400, "Exceeded limit on max bytes per data-uri item : 10485760")
    assert len(engine.asked) == 1
    response = client.post(path, headers=KEY, content=b" " * (2 * 10_485_760 + 1))
    assert refusal_of(response)[:2] == (400, "BadRequest.TooLarge")


def test_a_file_has_at_most_ten_megabytes_and_five_minutes(alone, tmp_path):
    for seconds in (300, 301):
        soundfile.write(tmp_path / f"{seconds}.wav", np.zeros(8000 * seconds, np.int16), 8000, subtype="PCM_U8")
    bytes_of = (tmp_path / "300.wav").read_bytes()
    (tmp_path / "large.wav").write_bytes(bytes_of + bytes((10 << 20) - len(bytes_of)))
    (tmp_path / "larger.wav").write_bytes(bytes_of + bytes((10 << 20) - len(bytes_of) + 1))
    with file_server(tmp_path) as server:
        _, client = alone(media=(server.url,))
        answers = {
            name: client.post(NATIVE, headers=KEY, json=native(f"{server.url}/{name}.wav"))
            for name in ("300", "301", "large", "larger")
        }
        answers["long data"] = client.post(
            NATIVE, headers=KEY, json=native(data_uri(tmp_path.joinpath("301.wav").read_bytes()))
        )
        _, url = upload(client, (tmp_path / "larger.wav").read_bytes(), model=MODEL)
        answers["large upload"] = client.post(NATIVE, headers=RESOLVE | {"X-DashScope-Async": ""}, json=native(url))
    assert answers["300"].json()["usage"]["seconds"] == 300
    assert answers["large"].status_code == 200
    for name in ("301", "long data"):
        assert refusal_of(answers[name])[:2] == (400, "InvalidFile.AudioLengthError")
    for name in ("larger", "large upload"):
        assert refusal_of(answers[name])[:2] == (400, "InvalidFile.Size")


@BOTH
def test_an_account_may_ask_so_often(alone, path, body_of):
    service, client = alone(limits=Limits(submits_per_minute=2))
    statuses = [client.post(path, headers=KEY, json=body_of(GOOD)).status_code for _ in range(2)]
    assert statuses == [200, 429]
    assert client.post(path, headers={"Authorization": "Bearer other"}, json=body_of(GOOD)).status_code == 200
    refused = refusal_of(client.post(path, headers=KEY, json=body_of(GOOD)))
    assert refused[1] == ("Throttling.RateQuota" if path == NATIVE else "limit_requests")
    assert service.status()["throttled"]["generate" if path == NATIVE else "chat"] == 2


# Counting, and the recogniser's own failures.


def test_the_status_counts_what_was_asked(alone, files, audio):
    service, client = alone(media=(files.url,))
    content = (audio / "mono.wav").read_bytes()
    for link in (f"{files.url}/mono.wav?Signature=a", f"{files.url}/mono.wav?Signature=b", f"{files.url}/absent.wav"):
        client.post(NATIVE, headers=KEY, json=native(link))
    for path, body in ((NATIVE, native(data_uri(content))), (CHAT, chat(data_uri(content)))):
        client.post(path, headers=KEY, json=body)
    client.post(CHAT, headers=KEY, json=chat("data:,"))  # refused before it was taken
    status = service.status()
    assert status["submits"] == 5
    by_file = status["submits_by_file"]
    (data,) = [name for name in by_file if name.startswith("data:sha256:")]
    assert by_file == {f"{files.url}/mono.wav": 2, f"{files.url}/absent.wav": 1, data: 2}
    assert (status["requests"]["generate"], status["requests"]["chat"]) == (4, 2)


@BOTH
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (TaskFailed("no such channel", code="InvalidParameter"), 400),
        (TaskFailed("closed", code="InternalError"), 500),
        (ServiceError("refused", code="Throttling", http_status=429), 500),
        (InvalidInput("broken off"), 400),
        (RuntimeError("out of luck"), 500),
    ],
)
def test_whatever_the_recogniser_raises_fails_one_request(client, engine, path, body_of, error, status):  # noqa: PLR0917
    engine.error = error
    refused = refusal_of(client.post(path, headers=KEY, json=body_of(GOOD)))
    assert refused[0] == status
    if status == 500:
        assert refused[1] == ("InternalError.Algo" if path == NATIVE else "internal_error")
    engine.error = None
    assert client.post(path, headers=KEY, json=body_of(GOOD)).status_code == 200


# Workers, and clients that leave.


def until(true):
    for _ in range(2000):
        if true():
            return
        time.sleep(0.005)
    raise AssertionError


def hold(service, path, body, headers=KEY):
    """Send a request over a connection of its own, and give the connection, with the answer unread."""
    host, port = service.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=20)
    content = json.dumps(body).encode()
    lines = {"Host": f"{host}:{port}", **headers, "Content-Length": str(len(content))}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    connection.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + content)
    return connection


def test_requests_and_tasks_share_the_workers(alone, files):
    engine = Scripted()
    engine.go.clear()
    service, client = alone(engine, media=(files.url,))
    task_id = submit(client, f"{files.url}/mono.wav")
    until(lambda: engine.asked)
    with hold(service, NATIVE, native(GOOD)) as connection:
        until(lambda: service.status()["submits"] == 2)
        later = submit(client, f"{files.url}/mono.wav")
        time.sleep(0.05)
        assert len(engine.asked) == 1
        engine.go.set()
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
    for number in (task_id, later):
        until(lambda: query(client, number)["output"]["task_status"] == "SUCCEEDED")  # noqa: B023 - called at once
    assert len(engine.asked) == 3


@BOTH
@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_hangs_up_frees_the_worker(alone, path, body_of, stream):
    engine = Scripted()
    engine.go.clear()
    service, client = alone(engine)
    body = body_of(GOOD, **({"stream": stream} if path == CHAT else {}))
    working, waiting = (hold(service, path, body, SSE if stream else KEY) for _ in range(2))
    until(lambda: service.status()["submits"] == 2 and engine.asked)
    waiting.close()
    working.close()
    time.sleep(0.05)
    asked = len(engine.asked)
    engine.go.set()
    assert client.post(path, headers=KEY, json=body_of(GOOD)).status_code == 200
    assert len(engine.asked) == asked + 1 == 2  # whoever had left was not answered once a worker was free


def test_a_client_that_reads_nothing_of_a_stream_holds_no_worker(alone):
    service, client = alone(Talker())
    with hold(service, NATIVE, native(GOOD), SSE):
        until(lambda: service.status()["submits"] == 1)
        assert client.post(NATIVE, headers=KEY, json=native(GOOD)).status_code == 200


def test_whoever_waits_when_the_service_is_left_is_told(files):
    engine = Scripted()
    engine.go.clear()
    with serve(engine, limits=None) as service:
        connections = [hold(service, path, body(GOOD)) for path, body in ((NATIVE, native), (CHAT, chat))]
        until(lambda: service.status()["submits"] == 2)
        began = time.monotonic()
    assert time.monotonic() - began < 2
    for connection in connections:
        with connection:
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 503 ")


def test_told_to_end_the_process_refuses_and_tells_whoever_waits(tmp_path, files):
    process, url = start(tmp_path, "engine.go.clear()", media=[files.url], limits=None)
    with httpx.Client(base_url=url, trust_env=False, timeout=20) as client:
        task_id = submit(client, f"{files.url}/mono.wav")
        service = type("Service", (), {"url": url})
        with hold(service, NATIVE, native(GOOD)) as connection:
            until(lambda: client.get("/asrlab/status").json()["submits"] == 2)
            process.send_signal(signal.SIGTERM)
            answer = connection.recv(1 << 16)
            while not answer.endswith(b"}"):
                answer += connection.recv(1 << 16)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"ModelUnavailable" in answer
        assert refusal_of(client.post(NATIVE, headers=KEY, json=native(GOOD)))[:2] == (503, "ModelUnavailable")
        assert query(client, task_id)["output"]["task_status"] == "FAILED"
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


# Faults.


@BOTH
@pytest.mark.parametrize(
    ("kind", "status", "codes"),
    [
        ("429", 429, ("Throttling.RateQuota", "limit_requests")),
        ("429-retry-after", 429, ("Throttling.RateQuota", "limit_requests")),
        ("500", 500, ("InternalError", "internal_error")),
        ("503", 503, ("ModelUnavailable", "ModelUnavailable")),
        ("code-only", 200, ("InternalError", "internal_error")),
    ],
)
def test_answers_in_place_of_the_routes_own(client, shared, engine, path, body_of, kind, status, codes):  # noqa: PLR0917
    route = "generate" if path == NATIVE else "chat"
    shared[0].fault(f"{route}={kind}")
    refused = refusal_of(answer := client.post(path, headers=KEY, json=body_of(GOOD)))
    assert refused[:2] == (status, codes[path == CHAT])
    assert ("Retry-After" in answer.headers) == (kind == "429-retry-after")
    assert engine.asked == []
    assert client.post(path, headers=KEY, json=body_of(GOOD)).status_code == 200


@BOTH
@pytest.mark.parametrize("kind", ["drop-before", "drop-after", "truncated", "wrong-length"])
def test_answers_that_are_spoilt(client, shared, engine, path, body_of, kind):  # noqa: PLR0917
    shared[0].fault(f"{'generate' if path == NATIVE else 'chat'}={kind}")
    with pytest.raises((httpx.TransportError, ValueError)):
        client.post(path, headers=KEY, json=body_of(GOOD)).json()
    assert len(engine.asked) == (0 if kind == "drop-before" else 1)


@BOTH
@pytest.mark.parametrize("kind", ["drop-mid", "error-frame"])
def test_streams_that_break_off_after_their_first_frame(talker, talking, path, body_of, kind):
    route = "generate" if path == NATIVE else "chat"
    talking.fault(f"{route}={kind}")
    body = body_of(GOOD, **({"stream": True} if path == CHAT else {}))
    got = b""
    with contextlib.suppress(httpx.RemoteProtocolError), talker.stream("POST", path, headers=SSE, json=body) as stream:
        for block in stream.iter_raw():
            got += block
        assert kind == "error-frame"
    frames = got.split(b"\n\n")
    assert frames.pop() == b""
    assert len(frames) == (1 if kind == "drop-mid" else 2)
    if kind == "error-frame" and path == NATIVE:
        *head, data = frames[1].decode().split("\n")
        assert "event:error" in head
        assert "status:500" in head
        assert json.loads(data.removeprefix("data:"))["code"] == "InternalError"
    elif kind == "error-frame":
        assert json.loads(frames[1].removeprefix(b"data: "))["error"]["code"] == "internal_error"
    talking.fault(f"{route}={kind}")  # meets only streams
    assert text_of(talker.post(path, headers=KEY, json=body_of(GOOD)).json()) == WHOLE


def test_a_fault_of_streams_is_none_elsewhere():
    for text in ("submit=drop-mid", "query=error-frame", "task=drop-mid"):
        with pytest.raises(InvalidInput, match=text.partition("=")[0]), serve(Scripted(), faults=[text]):
            pass


def test_a_run_with_faults_can_be_repeated(alone):
    hits = []
    for order in (range(16), reversed(range(16))):
        _, client = alone(faults=["generate=503@0.4", "chat=503@0.4"], seed=5)
        recordings = [recording(seed, 0.02) for seed in range(16)]
        met = set()
        for number in order:
            _, url = upload(client, recordings[number], model=MODEL)
            for path, body in ((NATIVE, native(url)), (CHAT, chat(data_uri(recordings[number])))):
                response = client.post(path, headers={**KEY, "X-DashScope-OssResourceResolve": "enable"}, json=body)
                if response.status_code == 503:
                    met.add((path, number))
        hits.append(met)
    assert hits[0] == hits[1]
    assert {path for path, _ in hits[0]} == {NATIVE, CHAT}
    assert len(hits[0]) < 32


def test_work_that_nobody_waits_for_leaves_no_file():
    engine = Scripted()
    engine.go.clear()
    content = recording()

    async def scenario():
        service = Service(engine, "http://127.0.0.1:1")
        async with service.running():
            ask = Ask(MODEL, "data:sha256:x", content, Parameters())
            job = asyncio.create_task(service.answer(ask, resolve_oss=False))
            while not engine.asked:  # noqa: ASYNC110 - there is nothing to be told by
                await asyncio.sleep(0.005)
            assert service.idle_s == 0
            given = [file.read_bytes() for file in folder_of(engine.asked[-1]).iterdir()]
            job.cancel()
            with pytest.raises(asyncio.CancelledError):
                await job
            assert given == [content]
            assert list(folder_of(engine.asked[-1]).iterdir()) == []
            assert not service.tasks.busy

    def folder_of(question):
        return Path(question.audio).parent

    asyncio.run(scenario())
