"""Which parameter somebody means who names one that is not there.

Services ignore parameters they do not know, so a foreign or misspelt one must be caught here.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

# What sibling models and other services call what we have; and what the model has not, though its siblings do.
_MEANT: Final = {
    "language_hints": "language", "language_hint": "language", "languages": "language", "lang": "language",
    "language_code": "language", "source_language": "language", "hint": "language", "hints": "language",
    "itn": "enable_itn", "inverse_text_normalization": "enable_itn", "enable_inverse_text_normalization": "enable_itn",
    "corpus": "context", "text": "context", "prompt": "context", "initial_prompt": "context", "hotwords": "context",
    "vocabulary": "context", "vocabulary_id": "context", "phrase_id": "context", "resources": "context",
    "terms": "context", "keywords": "context",
    "channel": "channel_id", "channels": "channel_id", "channel_ids": "channel_id",
    "words": "enable_words", "timestamps": "enable_words", "word_timestamps": "enable_words",
    "enable_timestamps": "enable_words", "timestamp_alignment_enabled": "enable_words",
    "file": "file_url", "file_urls": "file_url", "url": "file_url", "audio": "file_url",
}  # fmt: skip
_ABSENT: Final = frozenset({
    "diarization_enabled", "diarization", "speaker_count", "disfluency_removal_enabled", "special_word_filter",
    "enable_lid", "temperature", "emotion",
})  # fmt: skip


def suggestion(name: str, known: Iterable[str]) -> str:
    """Say what to do about a parameter that is not known, in a sentence."""
    names = list(known)
    meant = _MEANT.get(name.lower())
    if meant in names:
        return f"What comes nearest to it here is {meant!r}."
    if name.lower() in _ABSENT:
        return f"The model has nothing of the kind; leave it out. It takes: {', '.join(names)}."
    close = get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}?" if close else f"Known parameters: {', '.join(names)}."
