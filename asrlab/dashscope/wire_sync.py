"""Shapes of models that answer at once, on the wire: two of requests and answers, each whole or in frames.

(Service documentation, synchronous recognition: native, and compatible with OpenAI's.)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from asrlab.dashscope import wire
from asrlab.dashscope.links import scrub_document
from asrlab.dashscope.tasks import Recognition
from asrlab.dashscope.wire import Document, number_in, text_in, unreadable
from asrlab.errors import InvalidInput, TaskFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

_WHOLE: Final = "stop"
_UNFINISHED: Final = (None, "", "null")  # "null" is a text in native frames
_DATA_URI: Final = "data:audio/{};base64,"
_SUBTYPES: Final = {"mp3": "mpeg", "m4a": "mp4", "aif": "aiff"}  # where a suffix is no name of a type


def data_prefix(suffix: str) -> str:
    """Give what stands before the base64 of a file in a data URI, by the file's suffix."""
    suffix = suffix.lower().removeprefix(".")
    return _DATA_URI.format(_SUBTYPES.get(suffix, suffix if suffix in wire.FORMATS else "wav"))


def data_uri_bytes(prefix: str, n_bytes: int) -> int:
    """Reckon how long the data URI of so many bytes is."""
    return len(prefix) + 4 * math.ceil(n_bytes / 3)


def is_native(mode: str) -> bool:
    """Whether a mode is of the native shape."""
    return mode.startswith("native")


def is_streamed(mode: str) -> bool:
    """Whether the answer of a mode comes in frames."""
    return mode.endswith("-stream")


def base_of(mode: str, base_url: str) -> str:
    """Give the base URL of a mode: the compatible shape has a prefix of its own on the same host.

    Raises
    ------
    InvalidInput
        If it cannot be told from the base of the API.
    """
    if is_native(mode):
        return base_url
    if not base_url.endswith(wire.PREFIX):
        raise InvalidInput(
            f"Where mode={mode!r} is asked cannot be told from base_url, which does not end in {wire.PREFIX}. "
            "Give one that does, or a native mode."
        )
    return base_url.removesuffix(wire.PREFIX) + wire.COMPATIBLE_PREFIX


def path_of(mode: str) -> str:
    """Give the path of a mode."""
    return wire.GENERATE_PATH if is_native(mode) else wire.CHAT_PATH


def headers_of(mode: str, audio: str) -> dict[str, str]:
    """Headers of a request beyond those of every request; an uploaded file is found only with the last."""
    headers = {"Content-Type": wire.JSON_TYPE}
    if is_streamed(mode):
        headers["Accept"] = "text/event-stream"
        if is_native(mode):
            headers[wire.SSE_HEADER] = wire.ENABLE
    return headers | {wire.RESOLVE_HEADER: wire.ENABLE} if audio.startswith("oss://") else headers


def body_of(mode: str, audio: str, parameters: Mapping[str, Any], *, model: str) -> Document:
    """Build the body of a request; parameters that are None are left out, as is an empty context.

    Parameters
    ----------
    mode : str
        One of :data:`asrlab.dashscope.wire.MODES`.
    audio : str
        Link or data URI of the recording.
    parameters : mapping
        The context, which is a message of the system, and options.
    model : str
        The model.
    """
    context = parameters.get("context")
    options = {name: value for name, value in parameters.items() if value is not None and name != "context"}
    asked = {"asr_options": options} if options else {}
    if is_native(mode):
        system = [{"role": "system", "content": [{"text": context}]}] if context else []
        messages = [*system, {"role": "user", "content": [{"audio": audio}]}]
        parameters = {"result_format": "message", **asked}
        return {"model": model, "input": {"messages": messages}, "parameters": parameters}
    system = [{"role": "system", "content": [{"type": "text", "text": context}]}] if context else []
    user = {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": audio}}]}
    usage = {"stream_options": {"include_usage": True}} if is_streamed(mode) else {}
    return {"model": model, "messages": [*system, user], "stream": is_streamed(mode), **usage, **asked}


class Reading:
    """What an answer says so far: all at once, or frame by frame.

    Each native frame repeats the text so far, unless ``incremental_output`` is asked for, which it is not: a service
    that did not obey it would have its frames joined into a text that nobody said. A frame that does not go on from the
    one before is refused, for then it may be that its text is not the whole.

    Parameters
    ----------
    mode : str
        How it was asked.
    """

    def __init__(self, mode: str) -> None:
        self._mode = mode
        self._repeats = is_native(mode) and is_streamed(mode)
        self.text = ""
        """The text so far."""
        self._last: Document = {}
        self._finish: str | None = None
        self._language: str | None = None
        self._emotion: str | None = None
        self._audio_s: float | None = None
        self._request_id: str | None = None
        self._marked: Any = None

    @property
    def begun(self) -> bool:
        """Whether anything of an answer has come."""
        return bool(self._last)

    @property
    def finished(self) -> bool:
        """Whether the service said that the text is whole."""
        return self._finish == _WHOLE

    def take(self, document: Document) -> None:
        """Read an answer, or the next frame of one.

        Raises
        ------
        ServiceError
            With code ``BadResponse`` if it has not the documented shape.
        """
        output = document.get("output") if is_native(self._mode) else document
        choices = output.get("choices") if isinstance(output, dict) else None
        if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
            raise unreadable(document, "it has no choices")
        if not choices and not (is_streamed(self._mode) and not is_native(self._mode)):
            raise unreadable(document, "its choices are empty")  # those of a frame with the usage are
        for choice in choices[:1]:
            self._take_choice(document, choice)
        usage = document.get("usage")
        if isinstance(usage, dict) and (seconds := number_in(usage, "seconds")) is not None:
            self._audio_s = seconds
        self._request_id = text_in(document, "request_id") or text_in(document, "id") or self._request_id
        self._marked = document.get(wire.STAND_IN, self._marked)
        self._last = document

    def whole(self) -> Recognition:
        """Give the recognition, if the text is whole: never the text so far.

        Raises
        ------
        ServiceError
            With code ``BadResponse`` if it is not.
        TaskFailed
            If the service ended before the text did, and says so.
        """
        if self._finish in _UNFINISHED and (is_streamed(self._mode) or self._finish == "null" or not self.begun):
            raise unreadable(self._last, "it broke off before its end")
        if self._finish not in (*_UNFINISHED, _WHOLE):
            raise TaskFailed(
                f"The service ended before the text did (finish_reason {self._finish[:40]!r}). Split the recording.",
                code="Incomplete",
                request_id=self._request_id,
            )
        document = {**self._last, **({wire.STAND_IN: self._marked} if self._marked is not None else {})}
        return Recognition(
            self.text, self._language, self._emotion, self._audio_s, self._request_id, scrub_document(document)
        )

    def _take_choice(self, document: Document, choice: Document) -> None:
        message = choice.get("message", choice.get("delta"))
        if not isinstance(message, dict):
            raise unreadable(document, "its choice has no message")
        said = _said(document, message, must_be="message" in choice)
        if self._repeats and said and not said.startswith(self.text.rstrip()):
            raise unreadable(document, "a frame of it does not repeat the text so far, as is documented")
        self.text = (said or self.text) if self._repeats else self.text + said
        notes = message.get("annotations")
        for note in notes if isinstance(notes, list) else ():
            if isinstance(note, dict) and note.get("type") == "audio_info":
                self._language = text_in(note, "language") or self._language
                self._emotion = text_in(note, "emotion") or self._emotion
        self._finish = text_in(choice, "finish_reason") or self._finish


def _said(document: Document, message: Document, *, must_be: bool) -> str:
    """Read a content: a text, or a list with one, which is empty where nothing is said."""
    if must_be and "content" not in message:
        raise unreadable(document, "its message has no content")
    content = message.get("content")
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list) and all(isinstance(c, dict) and isinstance(c.get("text"), str) for c in content):
        return "".join(part["text"] for part in content)
    raise unreadable(document, "its content is neither a text nor a list of texts")
