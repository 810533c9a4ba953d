"""What the service's documentation says of the wire: names, codes, limits and shapes, and nothing else.

This is the client's own reading. :mod:`asrlab.server` has another, and neither imports the other, so that each can be
tested against the other. Facts are cited as "(service documentation, topic)".
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from asrlab.dashscope.links import SignedUrl, scrub, scrub_document
from asrlab.dashscope.tasks import ListedTask, Sentence, Task, TaskPage, Transcript, Transcription, Word
from asrlab.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asrlab.dashscope.models import Model

Document = dict[str, Any]

# Where (service documentation, regions and base URLs).

HOSTS: Final = {
    "singapore": "https://dashscope-intl.aliyuncs.com",
    "beijing": "https://dashscope.aliyuncs.com",
}
"""The regions where the model runs, and their shared hosts. API keys are valid in one region only."""
WORKSPACE_HOST: Final = "https://{workspace}.{region}.maas.aliyuncs.com"
WORKSPACE_REGIONS: Final = {"singapore": "ap-southeast-1", "beijing": "cn-beijing"}
WORKSPACE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
PREFIX: Final = "/api/v1"
SUBMIT_PATH: Final = "/services/audio/asr/transcription"
TASKS_PATH: Final = "/tasks"
TASK_PATH: Final = "/tasks/{task_id}"
CANCEL_PATH: Final = "/tasks/{task_id}/cancel"
UPLOADS_PATH: Final = "/uploads"
GENERATE_PATH: Final = "/services/aigc/multimodal-generation/generation"
COMPATIBLE_PREFIX: Final = "/compatible-mode/v1"
CHAT_PATH: Final = "/chat/completions"
MODEL: Final = "qwen3-asr-flash-filetrans"
FLASH: Final = "qwen3-asr-flash"
MODES: Final = ("native", "native-stream", "compatible", "compatible-stream")
"""The ways in which a model that answers at once is asked: two shapes, and either as it comes."""

STAND_IN: Final = "asrlab"
"""How a service on this machine names itself, in the header ``Server`` and in a member of its results."""

# Headers (service documentation, request headers).

JSON_TYPE: Final = "application/json; charset=utf-8"
ASYNC_HEADER: Final = "X-DashScope-Async"
RESOLVE_HEADER: Final = "X-DashScope-OssResourceResolve"
WORKSPACE_HEADER: Final = "X-DashScope-WorkSpace"
SSE_HEADER: Final = "X-DashScope-SSE"
ENABLE: Final = "enable"

# Limits (service documentation, limits; rate limiting; temporary uploads; task management).

QUERIES_PER_S: Final = 20
UPLOADS_PER_S: Final = 100
UPLOAD_BYTES: Final = 1 << 30
UPLOAD_LIFE_S: Final = 48 * 3600
AUDIO_S: Final = 12 * 3600
FILE_BYTES: Final = 2 << 30
FLASH_AUDIO_S: Final = 300
FLASH_BYTES: Final = 10_485_760
"""Of a file, and of a data URI, which counts after it is encoded."""
CONTEXT_TOKENS: Final = 10_000
TASK_LIFE_H: Final = 24
WINDOW_H: Final = 24
PAGE_ROWS: Final = 100
"""Rows to ask for on a page of the task list; its largest page is not documented."""
# fmt: off
FORMATS: Final = frozenset({
    "aac", "amr", "avi", "aiff", "flac", "flv", "m4a", "mkv", "mp3", "mp4", "mpeg", "ogg", "opus", "wav", "webm", "wma",
    "wmv",
})
# fmt: on

# Languages (service documentation, request parameters).

LANGUAGES: Final = {
    "zh": "Chinese",
    "yue": "Cantonese",
    "en": "English",
    "ja": "Japanese",
    "de": "German",
    "ko": "Korean",
    "ru": "Russian",
    "fr": "French",
    "pt": "Portuguese",
    "ar": "Arabic",
    "it": "Italian",
    "es": "Spanish",
    "hi": "Hindi",
    "id": "Indonesian",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
    "cs": "Czech",
    "da": "Danish",
    "fil": "Filipino",
    "fi": "Finnish",
    "is": "Icelandic",
    "ms": "Malay",
    "no": "Norwegian",
    "pl": "Polish",
    "sv": "Swedish",
}
ITN_LANGUAGES: Final = frozenset({"zh", "en"})

# Tasks (service documentation, task management; error messages).

PENDING, RUNNING = "PENDING", "RUNNING"
SUCCEEDED, FAILED, CANCELED, UNKNOWN = "SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN"
ENDED: Final = frozenset({SUCCEEDED, FAILED, CANCELED, UNKNOWN})
STATES: Final = (PENDING, RUNNING, SUCCEEDED, FAILED, CANCELED, UNKNOWN)
SILENCE: Final = frozenset({"SUCCESS_WITH_NO_VALID_FRAGMENT", "ASR_RESPONSE_HAVE_NO_WORDS"})
"""Codes under which a task FAILED because nothing is said in the recording."""
NOT_PENDING: Final = "UnsupportedOperation"
"""Code with which a cancel is refused where the task is not pending."""
UNPAID: Final = frozenset({"CommodityNotPurchased", "PrepaidBillOverdue", "PostpaidBillOverdue"})
"""Codes that come with status 429 and are about billing, so waiting does not help."""
THROTTLED: Final = re.compile(r"Throttling(\..*)?|limit_requests|insufficient_quota")
FAULTS: Final = re.compile(
    r"InternalError(\..*)?|SystemError|ModelServiceFailed|RequestTimeOut|ModelServingError|ModelUnavailable"
)
"""Codes of faults on the service's side."""

_UNREADABLE: Final = "The media cannot be read: convert it to WAV or FLAC, 16 kHz, and ask again."
ADVICE: Final = {
    "FILE_DOWNLOAD_FAILED": "The service could not fetch the audio: the link must be public and quick; "
    "an uploaded file must be under 48 h old, and of the same account and model.",
    "FILE_403_FORBIDDEN": "The file's host refused the service: a signature may have expired in the queue. "
    "Sign the link for longer.",
    "FILE_404_NOT_FOUND": "The file's host has no such file. Check the link.",
    "FILE_TOO_LARGE": "The limit is 2 GB: split the recording.",
    "AUDIO_DURATION_TOO_LONG": "The limit is 12 h: split the recording.",
    "FILE_TRANS_TASK_EXPIRED": "Ask again.",
    "InvalidParameter.MalformedURL": "Check the link: public, https, percent-encoded.",
    "REQUEST_INVALID_FILE_URL_VALUE": "Check the link: public, https, percent-encoded.",
    "Arrearage": "The account is overdue: see its billing page.",
    "AllocationQuota.FreeTierOnly": 'The free quota is used up: switch "free tier only" off in the console.',
} | dict.fromkeys(
    (
        "FILE_CHECK_FAILED",
        "FILE_PARSE_FAILED",
        "FILE_NORMALIZE_FAILED",
        "MKV_PARSE_FAILED",
        "DECODE_ERROR",
        "NO_VALID_AUDIO_ERROR",
        "CONTENT_LENGTH_CHECK_FAILED",
        "UNSUPPORTED_FORMAT",
    ),
    _UNREADABLE,
)
"""What to do about a code."""


def submit_body(
    file_url: str, parameters: Mapping[str, Any], *, model: str, row: Model, also_send_text: bool = False
) -> Document:
    """Build the body of a submit; parameters that are None are left out, as is what is empty of others.

    The context has two documented names. All samples use ``corpus.text``; one edition's table says ``text``, and
    `also_send_text` sends that too (service documentation, context). Siblings take one language as the only hint.
    """
    given: Document = {}
    for name, value in parameters.items():
        if value is None or value == "" or (name == "language_hints" and not value):
            continue
        theirs = row.parameters[name]
        several = name in ("channel_id", "language_hints")
        given[theirs] = list(value) if several else [value] if theirs == "language_hints" else value
    if "corpus" in given:
        given["corpus"] = {"text": given["corpus"]}
        if also_send_text:
            given["text"] = given["corpus"]["text"]
    links = {"file_url": file_url} if row.link == "file_url" else {"file_urls": [file_url]}
    return {"model": model, "input": links, "parameters": given}


def submit_headers(file_url: str) -> dict[str, str]:
    """Headers of a submit beyond those of every request; an uploaded file is found only with the second."""
    headers = {"Content-Type": JSON_TYPE, ASYNC_HEADER: ENABLE}
    return headers | {RESOLVE_HEADER: ENABLE} if file_url.startswith("oss://") else headers


def list_query(
    *,
    status: str | None,
    model: str | None,
    start_time: datetime | None,
    end_time: datetime | None,
    page_no: int,
    page_size: int,
) -> dict[str, str]:
    """Query of the task list; times as they are given, for no zone is documented."""
    asked = {"page_no": str(page_no), "page_size": str(page_size)}
    asked |= {name: text for name, text in (("model_name", model), ("status", status)) if text is not None}
    window = (("start_time", start_time), ("end_time", end_time))
    return asked | {name: moment.strftime("%Y%m%d%H%M%S") for name, moment in window if moment is not None}


def read_json(body: bytes) -> Document | None:
    """Read a JSON object; None for anything else."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def complaint(status: int, body: bytes) -> tuple[str, str, str | None] | None:
    """Find what a response complains about: code, message and request id; None if it does not.

    A 200 may carry a code and nothing else. Errors also come as HTML from a gateway, as XML from the storage host, and
    nested under ``error`` in the shape of other APIs. Only 200 is documented as success, but what another 2xx brings is
    taken too: a task in it may be billed.
    """
    document = read_json(body)
    if document is None:
        return None if 200 <= status < 300 else _foreign_complaint(status, body)
    nested = document.get("error")
    said = nested if isinstance(nested, dict) else document
    code, message = text_in(said, "code"), text_in(said, "message")
    if 200 <= status < 300 and (not code or "output" in document or "data" in document):
        return None
    return code or "Unknown", scrub(message or "The service gave no reason."), text_in(document, "request_id")


def _foreign_complaint(status: int, body: bytes) -> tuple[str, str, str | None]:
    text = body[:20_000].decode(errors="replace")
    xml = {tag: match[1] for tag in ("Code", "Message", "RequestId") if (match := re.search(f"<{tag}>([^<]*)<", text))}
    if "Code" in xml:
        return xml["Code"], scrub(xml.get("Message", "")), xml.get("RequestId")
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.I | re.S)
    plain = " ".join(re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", title[1] if title else text, flags=re.S).split())
    return "Unknown", scrub(plain)[:200] or f"The answer has status {status} and no text.", None


def parse_task(document: Document, *, submitted: bool = False) -> Task:
    """Read the answer to a submit or a task query.

    Raises
    ------
    ServiceError
        With code ``BadResponse`` if there is no task in it.
    """
    output = document.get("output")
    if not isinstance(output, dict):
        raise unreadable(document, "it has no output")
    task_id, status = text_in(output, "task_id"), text_in(output, "task_status")
    if submitted and not status:
        status = PENDING  # what was accepted may be billed: nothing but its id is needed to find it
    if not task_id or not status:
        raise unreadable(document, "its output has no task_id or no task_status")
    result = _result(document, output, status)
    if text_in(result, "subtask_status") == FAILED and status == SUCCEEDED:
        status = FAILED
    code, message = (text_in(output, name) or text_in(result, name) for name in ("code", "message"))
    link = text_in(result, "transcription_url") or text_in(output, "transcription_url")
    usage = document.get("usage")
    return Task(
        task_id=task_id,
        status=status,
        request_id=text_in(document, "request_id"),
        submit_time=_time(output, "submit_time"),
        # A field table says schedule_time, every sample scheduled_time (service documentation, task query).
        scheduled_time=_time(output, "scheduled_time") or _time(output, "schedule_time"),
        end_time=_time(output, "end_time"),
        audio_s=_billed_s(usage) if isinstance(usage, dict) else None,
        code=code,
        message=scrub(message) if message else None,
        link=SignedUrl(link) if link else None,
        ended=status in ENDED,
        silent=status == FAILED and code in SILENCE,
    )


def _result(document: Document, output: Document, status: str) -> Document:
    """Find the one result: under its name, as the only sub-task, or in the output itself.

    A task of siblings is SUCCEEDED if any of its files is, so its sub-task decides; one raw report has the link in the
    output (service documentation, siblings).
    """
    found = output.get("result")
    if isinstance(found, dict):
        return found
    several = output.get("results")
    parts = [part for part in several if isinstance(part, dict)] if isinstance(several, list) else []
    if len(parts) > 1 and status in (SUCCEEDED, FAILED):
        raise unreadable(document, f"its task has {len(parts)} sub-tasks, and one recording was asked about")
    return parts[0] if parts else output


def _billed_s(usage: Document) -> float | None:
    """Seconds that are billed: siblings call them duration; those that bill tokens tell none."""
    seconds = number_in(usage, "seconds")
    return number_in(usage, "duration") if seconds is None else seconds


def parse_task_page(document: Document) -> TaskPage:
    """Read a page of the task list: flat, and its times are milliseconds since the epoch.

    Raises
    ------
    ServiceError
        With code ``BadResponse`` if it is none.
    """
    rows = document.get("data")
    numbers = {name: number_in(document, name) for name in ("total", "total_page", "page_no", "page_size")}
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise unreadable(document, "it has no list of tasks in data")
    if missing := [name for name, number in numbers.items() if number is None]:
        raise unreadable(document, f"its list of tasks has no {', '.join(missing)}")
    counts = {name: int(number) for name, number in numbers.items() if number is not None}
    return TaskPage(
        tasks=tuple(_listed(document, row) for row in rows),
        total=counts["total"],
        total_pages=counts["total_page"],
        page_no=counts["page_no"],
        page_size=counts["page_size"],
    )


def _listed(document: Document, row: Document) -> ListedTask:
    task_id, status = text_in(row, "task_id"), text_in(row, "status")
    if not task_id or not status:
        raise unreadable(document, "a task in its list has no task_id or no status")
    return ListedTask(
        task_id=task_id,
        status=status,
        model=text_in(row, "model_name"),
        region=text_in(row, "region"),
        request_id=text_in(row, "request_id"),
        created=_moment(row, "gmt_create"),
        started=_moment(row, "start_time"),
        ended=_moment(row, "end_time"),
    )


def parse_transcription(document: Document) -> Transcription:
    """Read the result of a task.

    Raises
    ------
    ServiceError
        With code ``BadResponse`` if it has not the documented shape.
    """
    try:
        transcripts = tuple(_transcript(found) for found in document["transcripts"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise unreadable(document, f"its transcripts have not the documented shape ({type(error).__name__})") from error
    file_url = text_in(document, "file_url")
    return Transcription(transcripts, scrub_document(document), SignedUrl(file_url) if file_url else None)


def _transcript(found: Document) -> Transcript:
    sentences = tuple(_sentence(sentence) for sentence in found.get("sentences") or ())
    return Transcript(int(found["channel_id"]), _required(found, "text"), sentences)


def _sentence(found: Document) -> Sentence:
    return Sentence(
        begin_ms=int(found["begin_time"]),
        end_ms=int(found["end_time"]),
        text=_required(found, "text"),
        language=text_in(found, "language"),
        emotion=text_in(found, "emotion"),
        words=tuple(
            Word(int(word["begin_time"]), int(word["end_time"]), _required(word, "text"), word.get("punctuation") or "")
            for word in found.get("words") or ()
        ),
    )


def _required(found: Document, name: str) -> str:
    value = found[name]
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def unreadable(document: Document, what: str) -> ServiceError:
    """Make the error of an answer that cannot be read."""
    return ServiceError(
        f"The service's answer cannot be read: {what}.", code="BadResponse", request_id=text_in(document, "request_id")
    )


def text_in(found: Document, name: str) -> str | None:
    """Read a text, or what may stand for one; None where there is none."""
    value = found.get(name)
    if isinstance(value, bool | int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value if isinstance(value, str) and value else None


def number_in(found: Document, name: str) -> float | None:
    """Read a number, also one that is written as text; None where there is none."""
    value = found.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _moment(found: Document, name: str) -> datetime | None:
    milliseconds = number_in(found, name)
    try:
        return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _time(found: Document, name: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text_in(found, name) or "").replace(tzinfo=None)
    except ValueError:
        return None
