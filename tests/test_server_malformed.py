"""Malformed everything: whatever is sent, the service refuses it in JSON or fails its task, and never itself."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import re
import socket

import httpx
import pytest
from by_hand import KEY, MODEL, PATH, RESOLVE, form, raw, recording, submit, upload, wait
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stand_ins import Scripted

pytest.importorskip("starlette")

from asrlab.server.run import serve

SMALL = 150
SIBLINGS = ("qwen-audio-3.0-asr-flash-filetrans", "qwen-audio-3.1-asr-flash-filetrans", "fun-asr", "paraformer-v2")
NATIVE = "/api/v1/services/aigc/multimodal-generation/generation"
CHAT = "/compatible-mode/v1/chat/completions"


@contextlib.contextmanager
def unshaken():
    """A service that has, on leaving, logged no error, and answers still."""
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logging.getLogger().addHandler(handler)
    try:
        with serve(Scripted(), limits=None, workers=4) as service:
            yield service
            with httpx.Client(base_url=service.url, trust_env=False) as client:
                _, url = upload(client, recording())
                assert wait(client, submit(client, url, headers=RESOLVE))["output"]["task_status"] == "SUCCEEDED"
    finally:
        logging.getLogger().removeHandler(handler)
    assert not [record.getMessage() for record in records if record.levelno >= logging.ERROR or record.exc_info]


def run_with(strategy, examples, check):
    settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )(given(strategy)(check))()


# What is sent.

texts = st.text(max_size=20) | st.sampled_from(
    ["", "\x00", "\ud800", "é ü", "http://", "http://[", "http://127.0.0.1:1/a.wav", "oss://a/b", "file:///etc/hosts"]
)
numbers = st.integers() | st.floats() | st.sampled_from([10**400, -(10**30), 1e308, 2**63])
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
parameters = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        (
            *("language", "enable_itn", "enable_words", "channel_id", "corpus", "text", "context", "language_hints"),
            *("vocabulary_id", "asr_options", "incremental_output"),
        ),
        values,
    )
    | {"corpus": values | st.fixed_dictionaries({"text": values})},
)
links = st.fixed_dictionaries({"file_url": texts}, optional={"file_urls": values | st.lists(texts, max_size=3)})
accepted = st.fixed_dictionaries(
    {"model": st.sampled_from([MODEL, *SIBLINGS]), "input": links}, optional={"parameters": parameters}
)
audio = st.sampled_from([f"data:audio/wav;base64,{base64.b64encode(recording()).decode()}", "data:", "data:,"]) | texts
entries = st.one_of(
    audio.map(lambda given: {"audio": given}),
    audio.map(lambda given: {"type": "input_audio", "input_audio": {"data": given}}),
    values,
)
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "user", "system", ""]) | values},
        optional={"content": st.lists(entries, max_size=2) | values},
    )
    | values,
    max_size=3,
)
plain_asks = st.tuples(audio, st.booleans(), parameters).map(
    lambda drawn: {
        "model": "qwen3-asr-flash",
        "input": {"messages": [{"role": "user", "content": [{"audio": drawn[0]}]}]},
        "messages": [
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": drawn[0]}}]},
        ],
        "stream": drawn[1],
        "parameters": drawn[2],
    }
)
asks = st.fixed_dictionaries(
    {"model": st.sampled_from(["qwen3-asr-flash", MODEL]) | values},
    optional={
        "input": st.fixed_dictionaries({"messages": messages}) | values,
        "messages": messages,
        "parameters": parameters | values,
        "stream": st.booleans() | values,
        "stream_options": st.just({"include_usage": True}) | values,
        "asr_options": st.fixed_dictionaries({}, optional={"language": values, "enable_itn": values}) | values,
    },
)
near = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from([MODEL, "qwen3-asr-flash", *SIBLINGS]) | values,
        "input": st.fixed_dictionaries({}, optional={"file_url": values, "file_urls": values}) | values,
        "parameters": parameters | values,
        "resources": values,
    },
)


@st.composite
def bodies(draw, path=PATH):
    """JSON of any kind, most of it near to what its path takes, some of it damaged."""
    of_path = accepted if path == PATH else plain_asks
    document = draw(of_path if draw(st.booleans()) else near | asks | values)
    text = json.dumps(document, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    damage = draw(st.sampled_from(["none"] * 6 + ["cut", "flip", "nest", "binary"]))
    if damage == "cut":
        return text[: draw(st.integers(0, len(text)))]
    if damage == "flip":
        where = draw(st.integers(0, len(text) - 1))
        return text[:where] + draw(st.binary(min_size=1, max_size=3)) + text[where + 1 :]
    if damage == "nest":
        return b'{"model": ' + b"[" * draw(st.sampled_from([63, 64, 900, 1000, 100_000])) + text
    return draw(st.binary(max_size=200)) if damage == "binary" else text


visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=30)
segments = visible.map(lambda text: text.replace("?", "")) | st.sampled_from(
    ["..", "%00", "%ff%fe", "%ED%A0%80", "%2e%2e%2f", "a" * 3000, "nope", "x.json"]
)
paths = st.one_of(
    st.just("/api/v1/tasks"),
    st.just("/api/v1/tasks/"),
    st.just("/api/v1/uploads"),
    st.just("/upload"),
    st.just("/asrlab/status"),
    segments.map("/api/v1/tasks/{}".format),
    segments.map("/api/v1/tasks/{}/cancel".format),
    segments.map("/results/{}.json".format),
    segments.map("/{}".format),
)
names = st.sampled_from(
    [
        "start_time",
        "end_time",
        "model_name",
        "status",
        "page_no",
        "page_size",
        "action",
        "model",
        "Expires",
        "Signature",
        "region",
    ]
)
queries = st.lists(
    st.tuples(names | visible, visible | st.sampled_from(["1", "getPolicy", "20260101000000", "9" * 5000, "%ff", "²"])),
    max_size=4,
).map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs).encode("latin-1", "replace"))
header_values = st.binary(max_size=30).map(lambda value: bytes(b for b in value if b >= 0x20 and b != 0x7F))
headers = st.lists(
    st.tuples(
        st.sampled_from(
            [b"Content-Type", b"X-DashScope-OssResourceResolve", b"X-Asrlab-Fault", b"Accept", b"Origin", b"Cookie"]
        ),
        header_values,
    ),
    max_size=3,
)
methods = st.sampled_from([b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"TRACE", b"BREW"])


@st.composite
def requests(draw):
    """A request that is well formed as HTTP, whatever it says."""
    path = draw(st.sampled_from([PATH, NATIVE, CHAT]) if draw(st.booleans()) else paths)
    asking = path in (NATIVE, CHAT)
    method = b"POST" if (asking or path in (PATH, "/upload")) and draw(st.integers(0, 3)) else draw(methods)
    target = path.encode() + b"?" + draw(queries) if draw(st.booleans()) else path.encode()
    lines = draw(headers)
    if draw(st.integers(0, 4)):
        lines.append((b"Authorization", b"Bearer k"))
    if draw(st.integers(0, 4)) and not asking:
        lines.append((b"X-DashScope-Async", b"enable"))
    if draw(st.booleans()):
        lines.append((b"X-DashScope-SSE", b"enable"))
    return method, target, lines, draw(bodies(path))


def written(url, method, target, lines, body):
    host = url.removeprefix("http://").encode()
    lines = [(b"Host", host), *lines, (b"Content-Length", b"%d" % len(body)), (b"Connection", b"close")]
    return b"%s %s HTTP/1.1\r\n" % (method, target) + b"".join(b"%s: %s\r\n" % line for line in lines) + b"\r\n" + body


def check_answer(answer, head_only=False):
    """Hold an answer to the documented shape; gives its status and document."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    assert status < 500, answer
    if head_only or not body or b"text/plain" in head:
        assert status < 400 or head_only, answer
        return status, None
    if b"text/event-stream" in head:
        assert status == 200
        assert b'"stop"' in body
        return status, None
    document = json.loads(body)
    if status >= 400 and "error" in document:
        assert set(document) == {"request_id", "error"}
        assert document["error"]["code"]
    elif status >= 400:
        assert set(document) == {"request_id", "code", "message"}
        assert document["code"]
    return status, document


# The checks; the acceptance tests have more examples of each.


def well_formed_requests_of_any_kind(examples):
    with unshaken() as service:
        task_ids = []

        def check(request):
            answer = raw(service.url, written(service.url, *request))
            if any(value in FAULTS for name, value in request[2] if name == b"X-Asrlab-Fault"):
                return
            status, document = check_answer(answer, head_only=request[0] == b"HEAD")
            if status == 200 and request[1].startswith(PATH.encode()):
                task_ids.append(document["output"]["task_id"])

        asked = {"model": MODEL, "input": {"file_url": "http://127.0.0.1:1/a.wav"}}
        lines = [(b"Authorization", b"Bearer k"), (b"X-DashScope-Async", b"enable")]
        check((b"POST", PATH.encode(), lines, json.dumps(asked).encode()))  # few of those that are drawn are accepted
        assert task_ids
        run_with(requests(), examples, check)
        with httpx.Client(base_url=service.url, trust_env=False) as client:
            ends = [wait(client, task_id)["output"] for task_id in task_ids]
        assert {output["task_status"] for output in ends} <= {"FAILED", "UNKNOWN"}
        assert not [output for output in ends if output.get("code") == "SERVER_ERROR"]


FAULTS = {b"429", b"500", b"503", b"slow"}


def bytes_that_are_no_http(examples):
    damaged = st.tuples(requests(), st.integers(0, 400), st.binary(max_size=8), st.integers(0, 8))

    with unshaken() as service:

        def check(drawn):
            request, where, junk, gone = drawn
            content = written(service.url, *request)
            content = content[:where] + junk + content[where + gone :]
            raw(service.url, content, listen=False)

        run_with(damaged, examples, check)


def forms_of_any_kind(examples):
    parts = st.lists(
        st.tuples(
            st.sampled_from(["key", "policy", "Signature", "OSSAccessKeyId", "x-oss-object-acl", "file", ""]) | texts,
            st.binary(max_size=50),
        ),
        max_size=40,
    )
    boundaries = st.sampled_from([b"b", b"", b"\xff", b'"', b"b" * 300, b"a b", b"--"]) | header_values
    types = st.sampled_from(
        [b"multipart/form-data; boundary=", b"multipart/form-data; x=", b"text/plain; boundary=", b""]
    )

    with unshaken() as service, httpx.Client(base_url=service.url, trust_env=False) as client:
        policy = client.get("/api/v1/uploads", params={"action": "getPolicy", "model": "m"}, headers=KEY).json()["data"]
        fields = list(form(policy, "a.wav").items())

        def check(drawn):
            parts, boundary, kind, right, cut = drawn
            # A form that starts out right, and whatever comes after it.
            parts = [(name, value.encode()) for name, value in fields[: right % 8]] + parts
            body = b"".join(
                b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
                % (boundary, name.encode("utf-8", "replace"), value)
                for name, value in parts
            )
            body = (body + b"--%s--\r\n" % boundary)[: cut or None]
            lines = [(b"Content-Type", kind + boundary)]
            check_answer(raw(service.url, written(service.url, b"POST", b"/upload", lines, body)))

        run_with(st.tuples(parts, boundaries, types, st.integers(0, 15), st.integers(0, 600)), examples, check)


@pytest.mark.parametrize("attack", [well_formed_requests_of_any_kind, bytes_that_are_no_http, forms_of_any_kind])
def test_nothing_that_is_sent_breaks_it(attack):
    attack(SMALL)


@pytest.mark.parametrize(
    "content",
    [
        b"\r\n\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100,
        b"GET /\xff HTTP/1.1\r\nHost: {host}\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: {host}\r\nX: " + b"y" * (1 << 20) + b"\r\n\r\n",
        b"GET /?" + b"y" * (1 << 20) + b" HTTP/1.1\r\nHost: {host}\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: {host}\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n",
        b"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: -1\r\n\r\n",
        b"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST {path} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /api/v1/tasks/x/cancel HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_is_refused_in_json(content):
    with unshaken() as service:
        host = service.url.removeprefix("http://").encode()
        answer = raw(service.url, content.replace(b"{host}", host).replace(b"{path}", PATH.encode()))
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert check_answer(answer)[1]["code"] == "InvalidParameter"


@pytest.mark.parametrize("path", [PATH, "/upload", "/api/v1/tasks/x", "/api/v1/tasks/x/cancel"])
@pytest.mark.parametrize("sent", [b"", b"{", b"a" * 200_000])
def test_a_client_that_leaves_in_mid_request_is_no_error(path, sent):
    with unshaken() as service:
        host = service.url.removeprefix("http://")
        head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        raw(service.url, f"{head}Content-Length: 900000\r\n\r\n".encode() + sent, listen=False)


def connected(service):
    host, port = service.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def test_leaving_does_not_wait_for_a_request_that_is_still_arriving():
    with contextlib.ExitStack() as later:  # noqa: SIM117 - what it holds outlives the service
        with unshaken() as service:
            connection = later.enter_context(connected(service))  # outlives it
            host = service.url.removeprefix("http://")
            head = f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
            connection.sendall(head.encode())
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 100 ")


def test_no_http_after_an_answer_ends_the_connection():
    with unshaken() as service, connected(service) as connection:
        host = service.url.removeprefix("http://")
        head = f"POST /api/v1/tasks/x/cancel HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        answer = b""
        while not answer.endswith(b"}"):
            answer += connection.recv(1 << 16)
        connection.sendall(b"zz\r\n")
        assert connection.recv(1 << 16) == b""


def test_what_follows_a_body_of_the_wrong_length_is_no_request():
    with unshaken() as service:
        host = service.url.removeprefix("http://")
        head = f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n\r\n"
        answer = raw(service.url, f"{head}{{}} and more\r\n\r\n".encode())
        assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"401", b"400"]
