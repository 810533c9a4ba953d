"""Answers as they are stored: the rows they become, and the hash by which a change of any of them is noticed."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self, overload

from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asrlab.engines.base import Answer, Transcript

Heard = tuple[int, str, str | None, str]
"""Channel, text, language, and sentences with their times as JSON."""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer in the values that a ledger holds.

    Parameters
    ----------
    model, unsupported : str
        As in :class:`asrlab.engines.base.Answer`; names of parameters are joined by commas.
    audio_s, queued_s, elapsed_s : float, optional
        Seconds.
    context_tokens : int, optional
        Tokens.
    request_id : str, optional
        The service's.
    raw_sha256 : str, optional
        Of the UTF-8 bytes of the answer as received; None where that was never kept.
    heard : tuple
        In the order in which the channels were answered.
    """

    model: str
    audio_s: float | None
    queued_s: float | None
    elapsed_s: float | None
    context_tokens: int | None
    unsupported: str
    request_id: str | None
    raw_sha256: str | None
    heard: tuple[Heard, ...]

    @classmethod
    def of(cls, answer: Answer, raw: bytes) -> Self:
        """Take an answer, and what :func:`raw_document` made of its document.

        Raises
        ------
        InvalidInput
            If it is none: an engine is to blame, and not the disk.
        """
        for t in answer.transcripts:
            if type(t.channel) is not int or not isinstance(t.text, str) or not isinstance(t.language, str | None):
                raise InvalidInput(f"An engine gave {t!r}: a channel is a number, a text is text, a language or None.")
        tokens = answer.context_tokens
        if tokens is not None and (type(tokens) is not int or not 0 <= tokens < 1 << 63):
            raise InvalidInput(f"An engine gave {tokens!r} as context_tokens, which are a whole number.")
        return cls(
            storable(answer.model),
            _real(answer.audio_s),
            _real(answer.queued_s),
            _real(answer.elapsed_s),
            answer.context_tokens,
            storable(",".join(answer.unsupported)),
            storable(answer.request_id),
            sha256_of(raw),
            tuple((t.channel, storable(t.text), storable(t.language), _sentences(t)) for t in answer.transcripts),
        )

    def record(self) -> dict[str, Any]:
        """Give it as JSON values, for a replay."""
        names = ("channel", "text", "language", "sentences")
        heard = [dict(zip(names, (*h[:3], json.loads(h[3])), strict=True)) for h in self.heard]
        return {**{f.name: getattr(self, f.name) for f in fields(self)}, "heard": heard}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Take back what :meth:`record` gave; it may come from anyone."""
        heard = tuple((h["channel"], h["text"], h["language"], json_text(h["sentences"])) for h in record["heard"])
        return cls(**{**{f.name: record[f.name] for f in fields(cls)}, "heard": heard})

    @property
    def summary(self) -> tuple[Any, ...]:
        """What is stored once an answer."""
        return (
            self.model, self.audio_s, self.queued_s, self.elapsed_s, self.context_tokens, self.unsupported,
            self.request_id, self.raw_sha256,
        )  # fmt: skip

    def sha256(self, trial: str) -> str:
        """SHA-256 of all of it as one JSON list: the trial it answers, the summary, then each channel's row."""
        return sha256_of(json_text([trial, self.summary, self.heard]).encode())


def raw_document(answer: Answer) -> bytes:
    """Write down an answer as it was received.

    A number that JSON does not have, or a value, is no reason to lose an answer that was paid for.
    """
    try:
        document = json.dumps(answer.raw, ensure_ascii=False, default=repr)
    except (TypeError, ValueError):  # keys that are no text, or a document that holds itself
        document = json.dumps(repr(answer.raw), ensure_ascii=False)
    return storable(document).encode()


def sha256_of(document: bytes) -> str:
    """Hash what is stored: SHA-256 in hexadecimal digits."""
    return hashlib.sha256(document).hexdigest()


def _sentences(transcript: Transcript) -> str:
    if not transcript.sentences:
        return "[]"
    return json_text([
        {
            "begin_ms": s.begin_ms,
            "end_ms": s.end_ms,
            "text": s.text,
            "language": s.language,
            "words": [[w.begin_ms, w.end_ms, w.text, w.punctuation] for w in s.words],
        }
        for s in transcript.sentences
    ])  # fmt: skip


def _real(value: float | None) -> float | None:
    # SQLite keeps neither NaN nor the sign of zero, and a hash must be of what it gives back.
    return None if value is None or math.isnan(value) else float(value) + 0.0


@overload
def storable(text: str) -> str: ...
@overload
def storable(text: None) -> None: ...
@overload
def storable(text: str | None) -> str | None: ...
def storable(text: str | None) -> str | None:
    """Replace halves of surrogate pairs, which JSON can hold and UTF-8 cannot."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def json_text(value: Any, *, finite: bool = False) -> str:  # noqa: ANN401 - any JSON value
    """Write a JSON value with sorted keys and no spaces, as it can be stored.

    Raises
    ------
    InvalidInput
        If it is no JSON value; with ``finite``, also for a number that JSON does not have.
    """
    try:
        return storable(
            json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=not finite)
        )
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"What is to be stored is not a JSON value: {error}.") from error
