"""What our client sends is what the official SDK sends, but for the differences in one table, each with its reason.

Nothing is evened out before it is compared, except what HTTP gives no meaning: case and order of the names of headers.
"""

from __future__ import annotations

import email.parser
import importlib
import json
import re
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest
from stand_ins import recording_server

from asrlab.dashscope import Client, wire

pytest.importorskip("dashscope")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dashscope")

MODEL = "qwen3-asr-flash-filetrans"
FLASH = "qwen3-asr-flash"
KEY = "sk-parity"
LINK = "https://media.example.org/a%20b.wav"
POLICY = {
    "policy": "e30=",
    "signature": "g5K=",
    "upload_dir": "dashscope-instant/3f/2026-11-03/9d",
    "expire_in_seconds": 300,
    "max_file_size_mb": 1024,
    "capacity_limit_mb": 999999999,
    "oss_access_key_id": "LTAI-parity",
    "x_oss_object_acl": "private",
    "x_oss_forbid_overwrite": "true",
}


HEARD = {
    "output": {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": [{"text": "x"}]}}]},
    "usage": {"seconds": 1},
}


class Call(NamedTuple):
    """A verb with its arguments, and those that only one of the two takes; the ``nth`` request of it is compared, of
    theirs that of another number if one is given.

    Files are not ``inline`` where they are held to be too large to be put into a request.
    """

    verb: str
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = {}  # noqa: RUF012 - a tuple's default, never changed
    ours: dict[str, Any] = {}  # noqa: RUF012
    theirs: dict[str, Any] = {}  # noqa: RUF012
    workspace: str | None = None
    nth: int = 0
    their_nth: int | None = None
    inline: bool = True


CALLS = {
    "submit": Call("submit", (LINK,)),
    "submit with everything": Call(
        "submit",
        (LINK,),
        {"language": "zh", "enable_itn": False, "enable_words": True, "channel_id": [1, 0]},
        ours={"context": "红隼, Kestrel"},
        theirs={"corpus": {"text": "红隼, Kestrel"}},
    ),
    "submit of an upload": Call(
        "submit",
        ("oss://dashscope-instant/a/b.wav",),
        theirs={"headers": {"X-DashScope-OssResourceResolve": "enable"}},  # never added by the SDK itself
    ),
    "submit in a workspace": Call("submit", (LINK,), workspace="ws-1"),
    "submit to a sibling": Call("submit", (LINK,), {"model": "fun-asr"}),
    "submit to a sibling with everything": Call(
        "submit",
        (LINK,),
        {"model": "paraformer-v2", "language_hints": ["zh", "en"], "vocabulary_id": "vocab-1", "channel_id": [0, 1]},
    ),
    "submit to a sibling with one language": Call(
        "submit",
        (LINK,),
        {"model": "qwen-audio-3.1-asr-flash-filetrans"},
        ours={"language": "en"},
        theirs={"language_hints": ["en"]},
    ),
    "transcribe a link": Call("transcribe", (LINK,)),
    "transcribe with everything": Call(
        "transcribe",
        (LINK,),
        ours={"language": "zh", "enable_itn": True, "context": "红隼, Kestrel"},
        theirs={"asr_options": {"language": "zh", "enable_itn": True}, "context": "红隼, Kestrel"},
    ),
    "transcribe in a workspace": Call("transcribe", (LINK,), workspace="ws-1"),
    "transcribe a stream": Call(
        "transcribe", (LINK,), ours={"mode": "native-stream"}, theirs={"stream": True, "incremental_output": True}
    ),
    "transcribe, policy": Call("transcribe", ("recording.wav",), inline=False),
    "transcribe, form": Call("transcribe", ("recording.wav",), nth=1, inline=False),
    "transcribe a file": Call("transcribe", ("recording.wav",), their_nth=2),
    "transcribe a large file": Call("transcribe", ("recording.wav",), nth=2, inline=False),
    "query": Call("query", ("t-1",)),
    "query in a workspace": Call("query", ("t-1",), workspace="ws-1"),
    "cancel": Call("cancel", ("t-1",)),
    "list": Call("list_tasks"),
    "list of some": Call(
        "list_tasks",
        options={"status": "FAILED", "page_no": 2, "page_size": 50},
        ours={"model": MODEL},
        theirs={"model_name": MODEL},
    ),
    "policy": Call("upload", ("recording.wav",)),
    "form": Call("upload", ("recording.wav",), nth=1),
}


class Sdk:
    """The official SDK, with its verbs named as ours."""

    def __init__(self, base, workspace):
        self._asr = importlib.import_module("dashscope.audio.qwen_asr").QwenTranscription
        self._oss = importlib.import_module("dashscope.utils.oss_utils").OssUtils
        self._siblings = importlib.import_module("dashscope.audio.asr").Transcription
        self._conversation = importlib.import_module("dashscope").MultiModalConversation
        self._at = {"api_key": KEY, "base_address": base, "workspace": workspace}

    def submit(self, file_url, model=MODEL, **options):
        if model == MODEL:
            self._asr.async_call(model=MODEL, file_url=file_url, **options, **self._at)
        else:
            self._siblings.async_call(model=model, file_urls=[file_url], **options, **self._at)

    def transcribe(self, audio, context=None, **options):
        system = [{"role": "system", "content": [{"text": context}]}] if context else []
        messages = [*system, {"role": "user", "content": [{"audio": audio}]}]
        answer = self._conversation.call(model=FLASH, messages=messages, result_format="message", **options, **self._at)
        if options.get("stream"):
            list(answer)

    def query(self, task_id):
        self._asr.fetch(task_id, **self._at)

    def cancel(self, task_id):
        self._asr.cancel(task_id, **self._at)

    def list_tasks(self, **options):
        self._asr.list(**options, **self._at)

    def upload(self, path):
        self._oss.upload(model=MODEL, file_path=path, **self._at)


class Difference(NamedTuple):
    """What our requests of some calls have otherwise than the SDK's: two patterns, None where it is absent."""

    calls: set[str]
    where: str
    ours: str | None
    theirs: str | None
    why: str


FORMS = {"form", "transcribe, form"}
API = CALLS.keys() - FORMS
SUBMITS = {name for name in CALLS if name.startswith("submit")}
GENERATIONS = {name for name in CALLS if name.startswith("transcribe")} - {"transcribe, policy", "transcribe, form"}
OSS_LINK = r"oss://dashscope-instant/3f/2026-11-03/9d"

DIFFERENCES = (
    Difference(set(CALLS), "header user-agent", r"asrlab/[\w.+]+", r"dashscope/2\.0\.2; .+", "each names itself"),
    Difference(
        API - {"transcribe a stream"},
        "header accept",
        "application/json",
        "application/json; charset=utf-8",
        "JSON has no charset: it is UTF-8 (RFC 8259, 8.1 and 11)",
    ),
    Difference(
        API,
        "header x-dashscope-sdk-client",
        None,
        r"python-sdk/2\.0\.2/(audio|aigc|tasks|utils)",
        "counts users of the SDK; not documented for requests",
    ),
    Difference(
        API,
        "header x-dashscope-sdk-session-id",
        None,
        r"[0-9a-f]{32}",
        "tells apart processes that use the SDK; not documented for requests",
    ),
    Difference(
        {"transcribe a stream"},
        "header x-accel-buffering",
        None,
        "no",
        "is for answers that pass a proxy (nginx), and says nothing in a request",
    ),
    Difference(
        {"transcribe a stream"},
        "body parameters",
        r'{"result_format": "message"}',
        r'{"incremental_output": true, "result_format": "message"}',
        "asked for here by hand; unasked, frames repeat the text, so that none is joined to what it repeats",
    ),
    Difference(
        {"transcribe a file"},
        "body input",
        r'.*"audio": "data:audio/wav;base64,UklGRiBhbmQgc28gb24=".*',
        f'.*"audio": "{OSS_LINK}/recording.wav".*',
        "what fits goes into the request: nothing is left behind for 48 hours, and it is one request in place of three",
    ),
    Difference(
        {"transcribe a file"},
        "header x-dashscope-ossresourceresolve",
        None,
        "enable",
        "is for uploads, and there is none",
    ),
    Difference(
        {"transcribe a large file"},
        "body input",
        rf'.*"audio": "{OSS_LINK}/[0-9a-f]{{12}}-recording.wav".*',
        f'.*"audio": "{OSS_LINK}/recording.wav".*',
        "nothing may be overwritten, so each upload has a name of its own",
    ),
    Difference(
        {"transcribe a file", "transcribe a large file", "transcribe a stream"},
        "header content-length",
        r"\d+",
        r"\d+",
        "follows from the differences in the body",
    ),
    Difference(
        SUBMITS | GENERATIONS,
        "body names",
        "model input parameters",
        "model parameters input",
        "the members of an object have no order; ours is that of the documentation's samples",
    ),
    Difference(
        FORMS, "header accept", r"\*/\*", "application/json", "the storage host answers with nothing, or with XML"
    ),
    Difference(FORMS, "header date", None, r"\w{3}, .+ GMT", "OSS wants it where a header signs; here a field does"),
    Difference(FORMS, "header content-length", r"\d+", r"\d+", "follows from the differences in the form"),
    Difference(
        FORMS,
        "form names",
        "OSSAccessKeyId Signature policy x-oss-object-acl x-oss-forbid-overwrite key success_action_status file",
        "OSSAccessKeyId Signature policy key x-oss-object-acl x-oss-forbid-overwrite success_action_status "
        "x-oss-content-type file",
        "file is last, as documented, and the others are in any order",
    ),
    Difference(FORMS, "form x-oss-content-type", None, "audio/x-wav", "not documented; the part named file has it"),
    Difference(FORMS, "form file, type", "audio/x-wav", None, "what httpx guesses; the SDK has a field for it"),
    Difference(
        FORMS,
        "form key",
        r"dashscope-instant/3f/2026-11-03/9d/[0-9a-f]{12}-recording\.wav",
        r"dashscope-instant/3f/2026-11-03/9d/recording\.wav",
        "nothing may be overwritten, so each upload has a name of its own",
    ),
    Difference(FORMS, "form file, name", r"[0-9a-f]{12}-recording\.wav", r"recording\.wav", "as the key"),
)


@pytest.fixture
def recorder():
    """An API and a storage host that accept everything."""
    with recording_server() as server:
        answers = {
            "/api/v1/services/audio/asr/transcription": {"output": {"task_id": "t-1", "task_status": "PENDING"}},
            "/api/v1/tasks/t-1": {"output": {"task_id": "t-1", "task_status": "RUNNING"}},
            "/api/v1/tasks/t-1/cancel": {},
            "/api/v1/tasks": {"total": 0, "total_page": 0, "page_no": 1, "page_size": 10, "data": []},
            "/api/v1/services/aigc/multimodal-generation/generation": HEARD,
            "/api/v1/uploads": {"data": {**POLICY, "upload_host": f"{server.url}/storage"}},
        }

        def answer(path):
            document = answers.get(urlsplit(path).path)
            return 200, {}, b"" if document is None else json.dumps({"request_id": "r", **document}).encode()

        server.answer = answer
        yield server


def parts(method, path, headers, body):
    """Take a request to pieces: what stands where."""
    split = urlsplit(path)
    query = parse_qsl(split.query, keep_blank_values=True)
    found = {"method": method, "path": split.path, "query names": " ".join(name for name, _ in query)}
    found |= {f"query {name}": value for name, value in query}
    found |= {f"header {name.lower()}": ", ".join(headers.get_all(name)) for name in headers}
    if headers.get_content_type() == "multipart/form-data":
        found["header content-type"] = headers.get_content_type()  # without the boundary, which is made up
        form = email.parser.BytesParser().parsebytes(f"Content-Type: {headers['Content-Type']}\n\n".encode() + body)
        fields = {part.get_param("name", header="content-disposition"): part for part in form.get_payload()}
        found["form names"] = " ".join(fields)
        for name, part in fields.items():
            found[f"form {name}"] = part.get_payload(decode=True).decode()
            found[f"form {name}, type"] = part["Content-Type"]
            found[f"form {name}, name"] = part.get_filename()
    elif body:
        document = json.loads(body)
        found["body names"] = " ".join(document)
        found |= {f"body {name}": json.dumps(value, sort_keys=True) for name, value in document.items()}
    return found


def differences(recorder, call):
    """What differs between our request and the SDK's: (ours, theirs) by where it stands."""
    with Client(api_key=KEY, base_url=f"{recorder.url}/api/v1", workspace=call.workspace) as client:
        getattr(client, call.verb)(*call.args, **call.options, **call.ours)
    ours = parts(*recorder.seen[call.nth])
    recorder.seen.clear()
    getattr(Sdk(f"{recorder.url}/api/v1", call.workspace), call.verb)(*call.args, **call.options, **call.theirs)
    theirs = parts(*recorder.seen[call.nth if call.their_nth is None else call.their_nth])
    return {
        where: (ours.get(where), theirs.get(where))
        for where in sorted(ours.keys() | theirs.keys())
        if ours.get(where) != theirs.get(where)
    }


@pytest.mark.parametrize("name", CALLS)
def test_we_send_what_the_official_sdk_sends_but_for_the_differences_listed(recorder, monkeypatch, tmp_path, name):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recording.wav").write_bytes(b"RIFF and so on")
    monkeypatch.setattr(
        "dashscope.base_http_api_url", f"{recorder.url}/api/v1"
    )  # where the SDK asks for leave to upload
    if not CALLS[name].inline:
        monkeypatch.setattr(wire, "FLASH_BYTES", 1)
    found = differences(recorder, CALLS[name])
    listed = {row.where: row for row in DIFFERENCES if name in row.calls}
    assert found.keys() == listed.keys()
    for where, values in found.items():
        for value, pattern in zip(values, listed[where][2:4], strict=True):
            assert (value is None) == (pattern is None), where
            assert value is None or re.fullmatch(pattern, value), where


def test_every_difference_is_of_a_call_and_has_its_reason():
    for row in DIFFERENCES:
        assert row.calls
        assert row.calls <= CALLS.keys()
        assert row.why
