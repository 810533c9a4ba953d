"""The models that are spoken to: a row a family, with how it is asked and what it takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Literal

from asrlab.dashscope import wire
from asrlab.errors import InvalidInput
from asrlab.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping

_DATE: Final = r"(-\d{4}-\d{2}-\d{2})?"


@dataclass(frozen=True, repr=False)
class Model(Shown):
    """A family of models that are asked alike (service documentation, models; siblings).

    Parameters
    ----------
    name : str
        One of its names.
    others : str
        What else it may be called, as a regular expression: versions and dated snapshots.
    path : {"async", "sync"}
        Whether it takes a task, or answers at once.
    link : {"file_url", "file_urls", "audio"}
        How it is given the recording: a link, a list with one link, or a message with it.
    parameters : mapping of str to str
        The request parameters that act, ours to theirs.
    languages : frozenset of str or None
        Codes of the languages that may be hinted at; None where they are not documented, and any code is sent.
    most_hints : int or None
        How many languages it may be hinted at together; None where that is not documented.
    audio_s, audio_bytes : float or None, int or None
        Longest recording in seconds, and largest file in bytes; None where they are not documented.
    regions : tuple of str
        Where it runs.
    """

    name: str
    others: str
    path: Literal["async", "sync"]
    link: Literal["file_url", "file_urls", "audio"]
    parameters: Mapping[str, str]
    languages: frozenset[str] | None
    most_hints: int | None = None
    audio_s: float | None = None
    audio_bytes: int | None = None
    regions: tuple[str, ...] = tuple(wire.HOSTS)

    @property
    def modes(self) -> tuple[str, ...]:
        """The ways in which it is asked; the first is the usual one."""
        return ("async",) if self.path == "async" else wire.MODES


_QWEN3: Final = {name: name for name in ("language", "enable_itn", "enable_words", "channel_id")}
_SIBLING: Final = {
    "language": "language_hints",
    "language_hints": "language_hints",
    "vocabulary_id": "vocabulary_id",
    "channel_id": "channel_id",
}
_OF_QWEN3: Final = frozenset(wire.LANGUAGES)
_OF_QWEN_AUDIO: Final = frozenset({
    "zh", "en", "ja", "ko", "vi", "th", "id", "ms", "tl", "hi", "ar", "fr", "de", "es", "pt", "ru", "it", "nl", "sv",
    "da", "fi", "no", "el", "pl", "cs", "hu", "ro", "bg", "hr", "sk",
})  # fmt: skip
_OF_PARAFORMER: Final = frozenset({"zh", "en", "ja", "yue", "ko", "de", "fr", "ru"})

MODELS: Final = (
    Model(
        "qwen3-asr-flash-filetrans",
        _DATE,
        "async",
        "file_url",
        _QWEN3 | {"context": "corpus"},
        _OF_QWEN3,
        audio_s=wire.AUDIO_S,
        audio_bytes=wire.FILE_BYTES,
    ),
    Model(
        "qwen3-asr-flash",
        _DATE,
        "sync",
        "audio",
        {"language": "language", "enable_itn": "enable_itn", "context": "messages"},
        _OF_QWEN3,
        audio_s=wire.FLASH_AUDIO_S,
        audio_bytes=wire.FLASH_BYTES,
    ),
    # A context goes in messages here (service documentation, siblings), in a form that is not documented.
    Model("qwen-audio-3.1-asr-flash-filetrans", _DATE, "async", "file_urls", _SIBLING, _OF_QWEN_AUDIO, most_hints=4),
    Model("qwen-audio-3.0-asr-flash-filetrans", _DATE, "async", "file_urls", _SIBLING, _OF_QWEN_AUDIO, most_hints=4),
    Model("fun-asr", rf"(-mtl)?{_DATE}", "async", "file_urls", _SIBLING, None),
    Model("paraformer-v2", "", "async", "file_urls", _SIBLING, _OF_PARAFORMER, regions=("beijing",)),
    Model("paraformer-8k-v2", "", "async", "file_urls", _SIBLING, _OF_PARAFORMER, regions=("beijing",)),
)
"""In the order in which they are named."""

_OTHERS: Final = (
    (
        r"qwen-audio-3\.\d+-asr-filetrans.*",
        "There is no such model: it is called qwen-audio-3.1-asr-flash-filetrans, or 3.0.",
    ),
    (
        rf"qwen-audio-3\.\d+-asr-flash{_DATE}|fun-asr-flash.*",
        "It answers at once, as qwen3-asr-flash does, but to requests of another shape.",
    ),
    (r"qwen3-asr-flash-us.*|.*-us", "It runs in the United States alone, which is no region of this client."),
    (r"paraformer-(8k-|mtl-)?v1", "Version 1 takes hot words in another way. Version 2 is spoken to: paraformer-v2."),
    (r".*-realtime.*", "It is asked over a socket, not with files."),
)
"""Models that are known of, and why they are not asked: a regular expression, and a sentence."""

NAMES: Final = wire.LANGUAGES | {
    "tl": "Tagalog",
    "nl": "Dutch",
    "el": "Greek",
    "hu": "Hungarian",
    "ro": "Romanian",
    "bg": "Bulgarian",
    "hr": "Croatian",
    "sk": "Slovak",
}
"""What the languages are called, by their codes."""


def model_of(name: str) -> Model:
    """Find the row of a model.

    Parameters
    ----------
    name : str
        The model, or a dated snapshot of it.

    Raises
    ------
    InvalidInput
        If it is not one that is spoken to; the message says why, or which there are.
    """
    if isinstance(name, str):
        for model in MODELS:
            if re.fullmatch(re.escape(model.name) + model.others, name):
                return model
        for pattern, why in _OTHERS:
            if re.fullmatch(pattern, name):
                raise InvalidInput(f"{name!r} cannot be asked. {why} {_there_are()}")
    close = get_close_matches(str(name).lower(), [model.name for model in MODELS], n=1, cutoff=0.8)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    raise InvalidInput(f"{name!r} is no model that this client speaks to. {hint}{_there_are()}")


def is_known(name: str) -> bool:
    """Whether a name is that of a model of the service, be it one that is spoken to or not."""
    return any(re.fullmatch(re.escape(model.name) + model.others, name) for model in MODELS) or any(
        re.fullmatch(pattern, name) for pattern, _ in _OTHERS
    )


def check_region(model: Model, region: str) -> None:
    """Check that a model runs in a region.

    Raises
    ------
    InvalidInput
        If it does not.
    """
    if region not in model.regions:
        raise InvalidInput(f"{model.name} runs in {' and '.join(model.regions)} only, not in {region}.")


def _there_are() -> str:
    return f"There are {', '.join(model.name for model in MODELS)}, and their dated snapshots."
