"""Answers of the synchronous paths: whole, or in pieces as server-sent events."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from asrlab.server.documents import COMPATIBLE, acted_document, count_tokens, error_document, new_request_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asrlab.server.asked import Ask
    from asrlab.server.documents import Document
    from asrlab.server.recognition import Heard

EVENT_STREAM: Final = "text/event-stream"
_DONE: Final = "[DONE]"


def generation_document(heard: Heard, identity: Mapping[str, str]) -> Document:
    """Body of a whole answer in the native form."""
    document = _generation(heard, new_request_id(), heard.text, heard.text, ended=True)
    return document | {"asrlab": acted_document(heard, identity)}


def generation_frames(ask: Ask, heard: Heard, identity: Mapping[str, str]) -> Iterator[bytes]:
    """Give the frames of an answer in the native form, a sentence at a time.

    The last has nothing new: that there is such a one, and that it has no content where only what is new is wanted, is
    not documented.
    """
    request_id = new_request_id()
    number, said = 0, ""
    for number, piece in enumerate(_pieces(heard), start=1):
        said += piece
        document = _generation(heard, request_id, piece if ask.incremental else said, said, ended=False)
        yield _frame(number, document)
    document = _generation(heard, request_id, "" if ask.incremental else said, said, ended=True)
    yield _frame(number + 1, document | {"asrlab": acted_document(heard, identity)})


def chat_document(ask: Ask, heard: Heard, identity: Mapping[str, str]) -> Document:
    """Body of a whole answer in the compatible form."""
    message = {"role": "assistant", "content": heard.text, "annotations": _annotations(heard)}
    return {
        **_chat(ask, "chat.completion"),
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": _chat_usage(heard),
        "asrlab": acted_document(heard, identity),
    }


def chat_frames(ask: Ask, heard: Heard, identity: Mapping[str, str]) -> Iterator[bytes]:
    """Give the frames of an answer in the compatible form, a sentence at a time."""
    head = _chat(ask, "chat.completion.chunk")

    def chunk(delta: Document, finish_reason: str | None = None) -> Document:
        return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}

    yield _data(chunk({"role": "assistant", "content": ""}))
    for piece in _pieces(heard):
        yield _data(chunk({"content": piece, "annotations": _annotations(heard)}))
    last = chunk({}, "stop")
    if ask.include_usage:
        yield _data(last)
        last = {**head, "choices": [], "usage": _chat_usage(heard)}
    yield _data(last | {"asrlab": acted_document(heard, identity)})
    yield f"data: {_DONE}\n\n".encode()


def error_frame(path: str, status: int, code: str, message: str) -> bytes:
    """Make the frame with which a stream fails after its first."""
    document = error_document(code, message, path)
    if path.startswith(COMPATIBLE):
        return _data(document)
    head = f"id:2\nevent:error\n:HTTP_STATUS/{status}\nstatus:{status}\n"
    return f"{head}data:{_json(document)}\n\n".encode()


def _pieces(heard: Heard) -> Iterator[str]:
    """Cut the text after its sentences; joined, the pieces are the text."""
    transcript = heard.answer.transcripts[0]
    text, begin = transcript.text, 0
    for sentence in transcript.sentences[:-1]:
        place = text.find(sentence.text, begin)
        if place >= 0 and sentence.text:
            end = place + len(sentence.text)
            yield text[begin:end]
            begin = end
    if text[begin:]:
        yield text[begin:]


def _generation(heard: Heard, request_id: str, text: str, said: str, *, ended: bool) -> Document:
    message = {
        "role": "assistant",
        "content": [{"text": text}] if text else [],
        "annotations": _annotations(heard),
    }
    return {
        "request_id": request_id,
        "output": {"choices": [{"finish_reason": "stop" if ended else "null", "message": message}]},
        "usage": {
            "input_tokens_details": {"text_tokens": _context_tokens(heard)},
            "output_tokens_details": {"text_tokens": count_tokens(said)},
            "seconds": heard.audio_s,
        },
    }


def _chat(ask: Ask, kind: str) -> Document:
    return {
        "id": f"chatcmpl-{new_request_id()}",
        "object": kind,
        "created": int(time.time()),
        "model": ask.model,
    }


def _chat_usage(heard: Heard) -> Document:
    asked, said = _context_tokens(heard), count_tokens(heard.text)
    heard_tokens = heard.audio_tokens
    return {
        "prompt_tokens": heard_tokens + asked,
        "completion_tokens": said,
        "total_tokens": heard_tokens + asked + said,
        "seconds": heard.audio_s,
        "prompt_tokens_details": {"audio_tokens": heard_tokens, "text_tokens": asked},
        "completion_tokens_details": {"text_tokens": said},
    }


def _context_tokens(heard: Heard) -> int:
    return heard.answer.context_tokens or 0


def _annotations(heard: Heard) -> list[Document]:
    """Say what language it is; emotion is not modelled, but always present in the documented shape."""
    annotation: dict[str, Any] = {"type": "audio_info", "language": heard.answer.transcripts[0].language}
    if annotation["language"] is None:  # of silence: how that is told is not documented
        del annotation["language"]
    return [{**annotation, "emotion": "neutral"}]


def _frame(number: int, document: Document) -> bytes:
    head = f"id:{number}\nevent:result\n:HTTP_STATUS/200\n"
    return f"{head}data:{_json(document)}\n\n".encode()


def _data(document: Document) -> bytes:
    return f"data: {_json(document)}\n\n".encode()


def _json(document: Document) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
