"""The models that are served, a row a family: how links come, which parameters act, how use is counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

# fmt: off
LANGUAGES: Final = frozenset({
    "zh", "yue", "en", "ja", "de", "ko", "ru", "fr", "pt", "ar", "it", "es", "hi", "id", "th", "tr", "uk", "vi", "cs",
    "da", "fil", "fi", "is", "ms", "no", "pl", "sv",
})
"""The codes ``language`` may take (service documentation, request parameters)."""
_AUDIO_LANGUAGES: Final = frozenset({
    "zh", "en", "ja", "ko", "vi", "th", "id", "ms", "tl", "hi", "ar", "fr", "de", "es", "pt", "ru", "it", "nl", "sv",
    "da", "fi", "no", "el", "pl", "cs", "hu", "ro", "bg", "hr", "sk",
})
_PARAFORMER_LANGUAGES: Final = frozenset({"zh", "en", "ja", "yue", "ko", "de", "fr", "ru"})
# fmt: on

Usage = Literal["seconds", "duration", "speech", "tokens"]


@dataclass(frozen=True)
class Family:
    """Models that are asked, and answer, alike (service documentation, sibling models).

    Parameters
    ----------
    models : tuple of str
        Their names.
    most_links : int
        How many entries ``input.file_urls`` may have; 0 where the one link comes as ``input.file_url``.
    takes_file_url : bool
        Whether ``input.file_url`` is taken where there is no ``file_urls``.
    needs_parameters : bool
        Whether a task fails that was submitted without ``parameters``.
    most_hints : int
        How many ``language_hints`` act; 0 where it is ``language`` that does.
    usual_hints : tuple of str
        What stands for ``language_hints`` that are not given.
    languages : frozenset of str, optional
        The codes that the language, or a hint, may be; any if None.
    usage : {"seconds", "duration", "speech", "tokens"}
        How use is told: seconds of audio as ``seconds`` or ``duration``, seconds of speech as ``duration``, or
        ``duration`` and tokens.
    unresolved : str
        With which code a link to an upload fails where the submit had no header to resolve it.
    """

    models: tuple[str, ...]
    most_links: int = 0
    takes_file_url: bool = False
    needs_parameters: bool = False
    most_hints: int = 0
    usual_hints: tuple[str, ...] = ()
    languages: frozenset[str] | None = None
    usage: Usage = "duration"
    unresolved: str = "InvalidFile.DownloadFailed"  # for fun-asr and paraformer not documented

    @property
    def is_sibling(self) -> bool:
        """Whether tasks have sub-tasks, and results the shape of the siblings."""
        return self.most_links > 0


QWEN3: Final = Family(
    ("qwen3-asr-flash-filetrans", "qwen3-asr-flash-filetrans-2025-11-17"),
    languages=LANGUAGES,
    usage="seconds",
    unresolved="FILE_DOWNLOAD_FAILED",
)
_FAMILIES: Final = (
    QWEN3,
    Family(
        ("qwen-audio-3.0-asr-flash-filetrans",),
        most_links=1,
        takes_file_url=True,
        most_hints=4,
        languages=_AUDIO_LANGUAGES,
        unresolved="SERVER_ERROR",
    ),
    Family(
        ("qwen-audio-3.1-asr-flash-filetrans",),
        most_links=1,
        takes_file_url=True,
        most_hints=4,
        languages=_AUDIO_LANGUAGES,
        usage="tokens",
        unresolved="SERVER_ERROR",
    ),
    Family(
        ("fun-asr", "fun-asr-2025-11-07", "fun-asr-2025-08-25", "fun-asr-mtl"),
        most_links=100,  # of older documentation; the newer says 1, and more were seen to work
        needs_parameters=True,
        most_hints=100,  # neither how many nor which is documented
    ),
    Family(
        ("paraformer-v2", "paraformer-8k-v2"),
        most_links=100,
        most_hints=8,  # as many as there are
        usual_hints=("zh", "en"),
        languages=_PARAFORMER_LANGUAGES,
        usage="speech",
    ),
)
ASYNC: Final = {model: family for family in _FAMILIES for model in family.models}
"""Models of the asynchronous path, and the family of each."""
SYNC: Final = ("qwen3-asr-flash", "qwen3-asr-flash-2025-09-08", "qwen3-asr-flash-2026-02-10")
"""Models of the synchronous paths."""
ELSEWHERE: Final = (
    "qwen3-asr-flash-us",
    "qwen3-asr-flash-2025-09-08-us",
    "qwen-audio-3.0-asr-flash",
    "qwen-audio-3.1-asr-flash",
    "fun-asr-flash-2026-06-15",
)
"""Synchronous models of the real service that are not served here: of another region, or of shapes of their own."""
