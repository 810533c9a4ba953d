"""What a request asks: read out of the input and parameters of a task, or the messages of a synchronous request."""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from asrlab.engines.base import Parameters
from asrlab.errors import InvalidInput, TaskFailed
from asrlab.server.bodies import member
from asrlab.server.documents import refusal
from asrlab.server.models import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from asrlab.errors import ServiceError
    from asrlab.server.documents import Document
    from asrlab.server.models import Family

DATA_BYTES: Final = 10_485_760
"""Most bytes of base64 in a data URI (service documentation, synchronous model)."""
_OURS: Final = {"tl": "fil"}  # the siblings' code of a language to that of qwen3 and of our recognisers
_NO_LINK: Final = "A valid file URL is required."


@dataclass(frozen=True)
class Ask:
    """What a synchronous request asks.

    Parameters
    ----------
    model : str
        The model named.
    audio : str
        A link; where the audio came with the request, ``data:sha256:`` and its hash.
    content : bytes, optional
        The audio that came with the request.
    parameters : Parameters
        How to transcribe it.
    stream : bool
        Whether the answer is to come in pieces.
    incremental : bool
        Whether each piece has only what is new, in the native form.
    include_usage : bool
        Whether a stream in the compatible form ends with its usage.
    """

    model: str
    audio: str
    content: bytes | None
    parameters: Parameters
    stream: bool = False
    incremental: bool = False
    include_usage: bool = False


def read_links(family: Family, given: Document) -> list[object]:
    """Read the links out of the input of a task; each may be anything.

    Raises
    ------
    TaskFailed
        If they are not where the family has them, or are too many.
    """
    if not family.is_sibling:
        return [given.get("file_url")]
    links = given.get("file_urls")
    if links is None and family.takes_file_url:
        links = [given.get("file_url")]
    if not isinstance(links, list) or not links:
        if family.takes_file_url:
            raise TaskFailed(_NO_LINK, code="InvalidParameter.MalformedURL")
        raise _wrong("input must contain file_urls")  # the code is not documented
    if len(links) > family.most_links:
        if family.most_links == 1:
            raise TaskFailed("Only one link is allowed in file_urls.", code="InvalidParameter.MalformedURL")
        raise _wrong(f"file_urls may have {family.most_links} links, not {len(links)}.")  # nor is this one
    return links


def read_parameters(family: Family, sent: Document | None, vocabularies: Mapping[str, str]) -> Parameters:
    """Read the parameters of a task: those the family does not have are ignored, as in the real service.

    Parameters
    ----------
    family : Family
        Of the model that was named.
    sent : dict, optional
        The ``parameters`` of the request; None where there were none.
    vocabularies : mapping of str to str
        The words of each vocabulary, by its id.

    Raises
    ------
    TaskFailed
        If a value is wrong.
    """
    if sent is None and family.needs_parameters:
        # That it is accepted and fails later is reported; the code is that of requests without parameters.
        raise TaskFailed("The request has no parameters.", code="BadRequest.EmptyParameters")
    sent = sent or {}
    given = {"channel_id": sent.get("channel_id")}
    if family.is_sibling:
        hints = _hints(family, sent.get("language_hints"))
        given |= {
            "language": hints[0] if len(hints) == 1 else None,
            "language_hints": hints if len(hints) > 1 else None,
            "context": _words(sent.get("vocabulary_id"), vocabularies),
            "enable_words": True,
        }
    else:
        corpus = sent.get("corpus")
        contexts = (corpus.get("text") if isinstance(corpus, dict) else None, sent.get("text"))
        given |= {
            "language": sent.get("language"),
            "enable_itn": sent.get("enable_itn"),
            "enable_words": sent.get("enable_words"),
            # Both names are documented; the samples use the first (service documentation, context).
            "context": next((text for text in contexts if text), None),
        }
    try:
        return _parameters(given, None if family.is_sibling else family.languages)
    except InvalidInput as error:
        raise _wrong(str(error)) from error


def read_generation(body: Document, *, stream: bool) -> Ask:
    """Read a synchronous request in the native form.

    Raises
    ------
    ServiceError
        If it is none.
    """
    parameters = member(body, "parameters")
    context, audio = _messages(member(body, "input").get("messages"), lambda entry: entry.get("audio"))
    return Ask(
        body["model"],
        *_link_and_content(audio),
        _asked(member(parameters, "asr_options"), context),
        stream=stream,
        incremental=_switch(parameters, "incremental_output"),
    )


def read_chat(body: Document) -> Ask:
    """Read a synchronous request in the OpenAI-compatible form.

    Raises
    ------
    ServiceError
        If it is none.
    """

    def audio_of(entry: Document) -> object:
        inner = entry.get("input_audio") if entry.get("type") == "input_audio" else None
        return inner.get("data") if isinstance(inner, dict) else None

    context, audio = _messages(body.get("messages"), audio_of)
    return Ask(
        body["model"],
        *_link_and_content(audio),
        _asked(member(body, "asr_options"), context),
        stream=_switch(body, "stream"),
        include_usage=_switch(member(body, "stream_options"), "include_usage"),
    )


def _messages(messages: object, audio_of: Callable[[Document], object]) -> tuple[str | None, str]:
    """Take the context out of the system message, if there is one, and the audio out of the one user message."""
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise _refused("messages must be a list of objects with a role and a content.")
    context = None
    if messages and messages[0].get("role") == "system":
        context = _text(messages[0].get("content"))
        messages = messages[1:]
    if [message.get("role") for message in messages] != ["user"]:
        raise _refused("There must be one user message, and before it at most one system message.")
    content = messages[0].get("content")
    entries = content if isinstance(content, list) else [content]
    audio = audio_of(entries[0]) if len(entries) == 1 and isinstance(entries[0], dict) else None
    if not isinstance(audio, str) or not audio:
        raise _refused("The user message must have one entry, and that must be audio.")
    return context, audio


def _text(content: object) -> str | None:
    entries = [{"text": content}] if isinstance(content, str) else content
    if not isinstance(entries, list):
        raise _refused("The content of the system message must be text.")
    texts = [entry["text"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("text"), str)]
    if len(texts) < len(entries):
        raise _refused("The content of the system message must be text.")
    return "".join(texts) or None


def _link_and_content(audio: str) -> tuple[str, bytes | None]:
    """Take the content out of a data URI, and name it by its hash; a link is left as it is.

    The messages of too much and of nothing are documented, the code is not.
    """
    if audio[:5].lower() != "data:":
        return audio, None
    head, comma, encoded = audio.partition(",")
    if len(encoded) > DATA_BYTES:  # whether the head counts is not documented
        raise _refused(f"Exceeded limit on max bytes per data-uri item : {DATA_BYTES}")
    content = None
    if comma and head.lower().endswith(";base64"):
        with suppress(ValueError):
            content = base64.b64decode(encoded, validate=True)
    if content is None:
        raise _refused("The audio must be a link, or data:MIME;base64,CONTENT.")
    if not content:
        raise _refused("The audio is empty")
    return f"data:sha256:{hashlib.sha256(content).hexdigest()}", content


def _asked(options: Document, context: str | None) -> Parameters:
    given = {"language": options.get("language"), "enable_itn": options.get("enable_itn"), "context": context}
    try:
        return _parameters(given, LANGUAGES)
    except InvalidInput as error:
        raise _refused(str(error)) from error


def _parameters(given: dict[str, Any], languages: Collection[str] | None) -> Parameters:
    parameters = Parameters.from_mapping({name: value for name, value in given.items() if value is not None})
    if languages is not None and parameters.language is not None and parameters.language not in languages:
        raise InvalidInput(
            f"language must be one of {', '.join(sorted(languages))}, or left out, not {parameters.language!r}."
        )
    return parameters


def _hints(family: Family, sent: object) -> tuple[str, ...]:
    if sent is None or sent == []:
        return ()
    hints = [hint for hint in sent if isinstance(hint, str) and hint] if isinstance(sent, list) else []
    if not isinstance(sent, list) or len(hints) < len(sent):
        raise _wrong(f"language_hints must be a list of language codes, not {sent!r}.")
    if len(hints) > family.most_hints:
        raise _wrong(f"language_hints may have {family.most_hints} codes, not {len(hints)}.")
    if family.languages is not None and not family.languages.issuperset(hints):
        raise _wrong(f"language_hints may be of {', '.join(sorted(family.languages))}, not {hints!r}.")
    return tuple(dict.fromkeys(_OURS.get(hint, hint) for hint in hints))


def _words(vocabulary_id: object, vocabularies: Mapping[str, str]) -> str | None:
    if vocabulary_id is None or vocabulary_id == "":
        return None
    words = vocabularies.get(vocabulary_id) if isinstance(vocabulary_id, str) else None
    if words is None:
        raise _wrong(
            f"There is no vocabulary {vocabulary_id!r} here. Start the service with: asrlab serve --vocabulary "
            "NAME=FILE"
        )
    return words


def _switch(given: Document, name: str) -> bool:
    value = given.get(name)
    if value is not None and not isinstance(value, bool):
        raise _refused(f"{name} must be true or false, not {value!r}.")
    return bool(value)


def _wrong(message: str) -> TaskFailed:
    return TaskFailed(message, code="InvalidParameter")


def _refused(message: str) -> ServiceError:
    return refusal(400, "InvalidParameter", message[:1000])  # it may quote what was sent, and that may be long
