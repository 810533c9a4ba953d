"""What goes over the wire: the shapes of the service documentation, built here and nowhere else in the server."""

from __future__ import annotations

import math
import re
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from asrlab.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asrlab.engines.base import Sentence, Transcript
    from asrlab.server.models import Family
    from asrlab.server.recognition import Heard
    from asrlab.server.tasks import Part, Task

Document = dict[str, Any]

ACCESS_KEY_ID: Final = "asrlab-local"
"""Of the storage host: in upload policies and result links."""

TOO_MANY: Final = ("Throttling.RateQuota", "Requests rate limit exceeded, please try again later.")
"""Code and message of a request over a limit, with status 429 (service documentation, temporary upload)."""

COMPATIBLE: Final = "/compatible-mode/v1"
"""Where the paths begin whose shapes are those of OpenAI's."""
_COMPATIBLE_CODES: Final = {  # to code and type; what is not documented here are the types
    "InvalidApiKey": ("invalid_api_key", "invalid_request_error"),
    "ModelNotFound": ("model_not_found", "invalid_request_error"),
    "InvalidParameter": ("invalid_parameter_error", "invalid_request_error"),
    "InvalidParameter.DataInspection": ("invalid_parameter_error", "invalid_request_error"),
    "Throttling.RateQuota": ("limit_requests", "limit_requests"),
    "InternalError": ("internal_error", "internal_error"),
    "InternalError.Algo": ("internal_error", "internal_error"),
}

LOST: Final = "lost"
SCHEDULE_TIME: Final = "schedule-time"
NO_SUCCESS: Final = "no-success"
"""Faults of a task that are no failure: it is forgotten at once, its query spells ``schedule_time``, or it has
SUCCEEDED although none of its sub-tasks has."""

_TOKEN: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+|[^\w\s]")

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


def error_document(code: str, message: str, path: str = "") -> Document:
    """Body of a refused request; on the compatible paths it has a shape of its own."""
    if not path.startswith(COMPATIBLE):
        return {"request_id": new_request_id(), "code": code, "message": message}
    if code == "InvalidApiKey":
        message = "Incorrect API key provided."
    code, kind = _COMPATIBLE_CODES.get(code, (code, "invalid_request_error"))
    error = {"code": code, "message": message, "type": kind, "param": None}
    return {"error": error, "request_id": new_request_id()}


def refusal(status: int, code: str, message: str) -> ServiceError:
    """Make the error that is answered with this HTTP status and :func:`error_document`."""
    return ServiceError(message, code=code, http_status=status)


def accepted_document(task: Task) -> Document:
    """Body of the answer to a submit."""
    return {"request_id": task.request_id, "output": {"task_id": task.task_id, "task_status": PENDING}}


def unknown_document(task_id: str) -> Document:
    """Body for a task that does not exist, or no longer: status 200 all the same."""
    return {"request_id": new_request_id(), "output": {"task_id": task_id, "task_status": UNKNOWN}}


def task_document(task: Task, links: Sequence[str | None]) -> Document:
    """Body of the answer to a task query; ``links`` lead to the results of its parts, where they have one."""
    output: Document = {
        "task_id": task.task_id,
        "task_status": task.state,
        "submit_time": _timestamp(task.submitted),
        # One edition of the documentation has the other name in its table, and this one in its samples.
        "schedule_time" if task.fault == SCHEDULE_TIME else "scheduled_time": _timestamp(task.started),
        "end_time": _timestamp(task.ended),
    }
    document: Document = {"request_id": new_request_id(), "output": output}
    if task.family.is_sibling or task.state in (PENDING, RUNNING):
        output["task_metrics"] = _metrics(task)
    if task.family.is_sibling and task.ended and task.parts:
        output["results"] = [_subtask(part, link) for part, link in zip(task.parts, links, strict=True)]
    elif task.state == SUCCEEDED:
        output["result"] = {"transcription_url": links[0]}
    if task.state == FAILED:
        output |= {"code": task.code, "message": task.message}
    elif task.state == SUCCEEDED:
        used = [part.usage for part in task.parts]
        document["usage"] = {name: sum(one.get(name, 0) for one in used) for one in used for name in one}
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


def result_document(family: Family, file_url: str, heard: Heard, identity: Mapping[str, str]) -> Document:
    """Build the transcription result: the documented shape, and one member ``asrlab`` of our own."""
    audio, transcripts = heard.audio, heard.answer.transcripts
    acted = acted_document(heard, identity)
    if not family.is_sibling:
        return {
            "file_url": file_url,
            "audio_info": {"format": audio.format, "sample_rate": audio.sample_rate},
            "transcripts": [_transcript(transcript) for transcript in transcripts],
            "asrlab": acted,
        }
    # What could not be obeyed is named as it was sent; words are not asked for, and there all the same.
    names = {"language": "language_hints", "context": "vocabulary_id", "enable_words": None}
    unsupported = {names.get(name, name) for name in acted["unsupported"]} - {None}
    return {
        "file_url": file_url,
        "properties": {
            "audio_format": audio.format,  # the samples name a coding here, such as pcm_s16le
            "channels": list(range(audio.channels)),
            "original_sampling_rate": audio.sample_rate,
            "original_duration_in_milliseconds": round(1000 * audio.duration_s),
        },
        "transcripts": [_sibling_transcript(transcript) for transcript in transcripts],
        "asrlab": acted
        | {"unsupported": sorted(unsupported), "languages": [transcript.language for transcript in transcripts]},
    }


def acted_document(heard: Heard, identity: Mapping[str, str]) -> Document:
    """Say what recognised, and what of the request acted."""
    answer = heard.answer
    return {
        "recogniser": dict(identity),
        "model": answer.model,
        "context_tokens": answer.context_tokens,
        "unsupported": list(answer.unsupported),
    }


def usage_document(family: Family, heard: Heard) -> dict[str, int]:
    """Count what a file of a task has used, under the names of the family."""
    if family.usage == "seconds":
        return {"seconds": heard.audio_s}
    if family.usage == "speech":
        spoken_ms = sum(_speech_ms(transcript) for transcript in heard.answer.transcripts)
        return {"duration": math.ceil(spoken_ms / 1000)}
    used = {"duration": heard.audio_s}
    if family.usage == "tokens":  # documented is that there are tokens, and not what they are called
        said = sum(count_tokens(transcript.text) for transcript in heard.answer.transcripts)
        used |= {"input_tokens": heard.audio_tokens + (heard.answer.context_tokens or 0), "output_tokens": said}
    return used


def count_tokens(text: str) -> int:
    """Count the tokens of a text as nearly as can be without the service's tokenizer: words, marks and ideographs."""
    return len(_TOKEN.findall(text))


def _metrics(task: Task) -> Document:
    succeeded = sum(part.result is not None for part in task.parts)
    failed = (task.files if task.state == FAILED else len(task.parts)) - succeeded
    return {"TOTAL": task.files, "SUCCEEDED": succeeded, "FAILED": failed}


def _subtask(part: Part, link: str | None) -> Document:
    if link is None:
        told = {"code": part.code, "message": part.message, "subtask_status": FAILED}
    else:
        told = {"transcription_url": link, "subtask_status": SUCCEEDED}
    return {"file_url": part.file_url, **told}


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
        document["words"] = _words(sentence)
    return document


def _sibling_transcript(transcript: Transcript) -> Document:
    return {
        "channel_id": transcript.channel,
        "content_duration_in_milliseconds": _speech_ms(transcript),
        "text": transcript.text,
        "sentences": [
            {
                "begin_time": sentence.begin_ms,
                "end_time": sentence.end_ms,
                "sentence_id": number,
                "text": sentence.text,
                "words": _words(sentence),  # that qwen-audio has a confidence of each is left out: nothing here has one
            }
            for number, sentence in enumerate(transcript.sentences, start=1)
        ],
    }


def _words(sentence: Sentence) -> list[Document]:
    return [
        {"begin_time": word.begin_ms, "end_time": word.end_ms, "text": word.text, "punctuation": word.punctuation}
        for word in sentence.words
    ]


def _speech_ms(transcript: Transcript) -> int:
    return sum(sentence.end_ms - sentence.begin_ms for sentence in transcript.sentences)


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
