"""What goes over the wire: the shapes of the service documentation, built here and nowhere else in the server."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from asrlab.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asrlab.data.audio import AudioInfo
    from asrlab.engines.base import Answer, Sentence, Transcript
    from asrlab.server.tasks import Task

Document = dict[str, Any]

SERVED_MODELS: Final = ("qwen3-asr-flash-filetrans", "qwen3-asr-flash-filetrans-2025-11-17")
OTHER_PATH_MODELS: Final = (
    "qwen3-asr-flash",
    "qwen3-asr-flash-2025-09-08",
    "qwen3-asr-flash-2026-02-10",
    "qwen3-asr-flash-us",
    "qwen3-asr-flash-2025-09-08-us",
    "qwen-audio-3.0-asr-flash",
    "qwen-audio-3.1-asr-flash",
    "fun-asr-flash-2026-06-15",
)
"""Models of the synchronous paths (service documentation, models)."""

# fmt: off
LANGUAGES: Final = frozenset({
    "zh", "yue", "en", "ja", "de", "ko", "ru", "fr", "pt", "ar", "it", "es", "hi", "id", "th", "tr", "uk", "vi", "cs",
    "da", "fil", "fi", "is", "ms", "no", "pl", "sv",
})
# fmt: on
"""The codes ``language`` may take (service documentation, request parameters)."""

ACCESS_KEY_ID: Final = "asrlab-local"
"""Of the storage host: in upload policies and result links."""

TOO_MANY: Final = ("Throttling.RateQuota", "Requests rate limit exceeded, please try again later.")
"""Code and message of a request over a limit, with status 429 (service documentation, temporary upload)."""

LOST: Final = "lost"
SCHEDULE_TIME: Final = "schedule-time"
"""Faults of a task that are no failure: it is forgotten at once, or its query spells ``schedule_time``."""

PENDING, RUNNING, SUCCEEDED, FAILED, CANCELED, UNKNOWN = (
    "PENDING",
    "RUNNING",
    "SUCCEEDED",
    "FAILED",
    "CANCELED",
    "UNKNOWN",
)


def new_request_id() -> str:
    """Make an id for a request or a task."""
    return str(uuid.uuid4())


def error_document(code: str, message: str) -> Document:
    """Body of a refused request."""
    return {"request_id": new_request_id(), "code": code, "message": message}


def refusal(status: int, code: str, message: str) -> ServiceError:
    """Make the error that is answered with this HTTP status and :func:`error_document`."""
    return ServiceError(message, code=code, http_status=status)


def accepted_document(task: Task) -> Document:
    """Body of the answer to a submit."""
    return {"request_id": task.request_id, "output": {"task_id": task.task_id, "task_status": PENDING}}


def unknown_document(task_id: str) -> Document:
    """Body for a task that does not exist, or no longer: status 200 all the same."""
    return {"request_id": new_request_id(), "output": {"task_id": task_id, "task_status": UNKNOWN}}


def task_document(task: Task, result_url: str | None) -> Document:
    """Body of the answer to a task query; ``result_url`` is where its result is, once the task has succeeded."""
    output: Document = {
        "task_id": task.task_id,
        "task_status": task.state,
        "submit_time": _timestamp(task.submitted),
        # One edition of the documentation has the other name in its table, and this one in its samples.
        "schedule_time" if task.fault == SCHEDULE_TIME else "scheduled_time": _timestamp(task.started),
        "end_time": _timestamp(task.ended),
    }
    document: Document = {"request_id": new_request_id(), "output": output}
    if task.state in (PENDING, RUNNING):
        output["task_metrics"] = {"TOTAL": 1, "SUCCEEDED": 0, "FAILED": 0}
    elif task.state == SUCCEEDED:
        output["result"] = {"transcription_url": result_url}
        document["usage"] = {"seconds": task.usage_s}
    elif task.state == FAILED:
        output |= {"code": task.code, "message": task.message}
    document["output"] = {name: value for name, value in output.items() if value is not None}
    return document


def list_document(page: Sequence[Task], *, total: int, page_no: int, page_size: int) -> Document:
    """Body of the answer to a list query."""
    return {
        "request_id": new_request_id(),
        "total": total,
        "total_page": -(-total // page_size),
        "page_no": page_no,
        "page_size": page_size,
        "data": [_row(task) for task in page],
    }


def result_document(file_url: str, audio: AudioInfo, answer: Answer, identity: Mapping[str, str]) -> Document:
    """Build the transcription result: the documented shape, and one member ``asrlab`` of our own."""
    return {
        "file_url": file_url,
        "audio_info": {"format": audio.format, "sample_rate": audio.sample_rate},
        "transcripts": [_transcript(transcript) for transcript in answer.transcripts],
        "asrlab": {
            "recogniser": dict(identity),
            "model": answer.model,
            "context_tokens": answer.context_tokens,
            "unsupported": list(answer.unsupported),
        },
    }


def _transcript(transcript: Transcript) -> Document:
    sentences = [_sentence(number, sentence, transcript) for number, sentence in enumerate(transcript.sentences)]
    return {"channel_id": transcript.channel, "text": transcript.text, "sentences": sentences}


def _sentence(number: int, sentence: Sentence, transcript: Transcript) -> Document:
    document: Document = {
        "sentence_id": number,
        "begin_time": sentence.begin_ms,
        "end_time": sentence.end_ms,
        "language": sentence.language or transcript.language,
        "emotion": "neutral",  # not modelled, but always present in the documented shape
        "text": sentence.text,
    }
    if sentence.words:
        document["words"] = [
            {"begin_time": word.begin_ms, "end_time": word.end_ms, "text": word.text, "punctuation": word.punctuation}
            for word in sentence.words
        ]
    return document


def _row(task: Task) -> Document:
    row = {
        "api_key_id": "1",
        "caller_parent_id": "1",
        "caller_uid": "1",
        "gmt_create": _epoch_ms(task.submitted),
        "start_time": _epoch_ms(task.started),
        "end_time": _epoch_ms(task.ended),
        "model_name": task.model,
        "region": "local",
        "request_id": task.request_id,
        "status": task.state,
        "task_id": task.task_id,
        "user_api_unique_key": f"apikey:v1:audio:asr:transcription:{task.model}",
    }
    return {name: value for name, value in row.items() if value is not None}


def _timestamp(epoch_s: float | None) -> str | None:
    """Time as the task query writes it; the documentation names no zone, and this is UTC."""
    if epoch_s is None:
        return None
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _epoch_ms(epoch_s: float | None) -> int | None:
    return None if epoch_s is None else int(1000 * epoch_s)
