"""Checks of what the user gave, before anything is sent: the service ignores what it does not know.

(Service documentation, request parameters: a misspelt option costs accuracy, never an error.)
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import cache, wraps
from inspect import signature
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from asrlab.dashscope import wire
from asrlab.dashscope.models import NAMES
from asrlab.errors import InvalidInput
from asrlab.suggest import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from asrlab.dashscope.models import Model

# What people type for a language, beside its code, its English name, and either with a region after it.
_ALIASES: Final = {
    "mandarin": "zh", "putonghua": "zh", "cmn": "zh", "zho": "zh", "chi": "zh", "cn": "zh", "中文": "zh",
    "zh-hk": "yue", "zh-hant-hk": "yue", "zh-yue": "yue", "粤语": "yue", "eng": "en", "jpn": "ja", "jp": "ja",
    "deu": "de", "ger": "de", "deutsch": "de", "kor": "ko", "kr": "ko", "rus": "ru", "fra": "fr", "fre": "fr",
    "français": "fr", "por": "pt", "br": "pt", "ara": "ar", "ita": "it", "spa": "es", "español": "es", "hin": "hi",
    "ind": "id", "in": "id", "tha": "th", "tur": "tr", "ukr": "uk", "ua": "uk", "vie": "vi", "vn": "vi", "ces": "cs",
    "cze": "cs", "cz": "cs", "dan": "da", "dk": "da", "tl": "fil", "tgl": "fil", "tagalog": "fil", "ph": "fil",
    "fin": "fi", "isl": "is", "msa": "ms", "may": "ms", "nb": "no", "nn": "no", "nor": "no", "bokmål": "no",
    "pol": "pl", "swe": "sv", "se": "sv", "fil": "fil", "filipino": "fil",
}  # fmt: skip
_ALSO: Final = {"fil": "tl"}  # models know Filipino, which is a Tagalog, by one of these


P = ParamSpec("P")
R = TypeVar("R")


_CODE: Final = re.compile(r"[a-z]{2,3}")  # ISO 639
_REGION: Final = re.compile(r"([a-z]{4}(-|$))?([a-z]{2}|\d{3})?")  # a script, a region, or both


class NoEffect(UserWarning):
    """A parameter is sent that the service documents as having no effect."""


class NotForProduction(UserWarning):
    """Something is used that the service documents as not being for production."""


def check_given(model: Model, given: Mapping[str, Any]) -> None:
    """Check what is given of a request before it is sent to a model; None is what is not given.

    Raises
    ------
    InvalidInput
        If the service would refuse, ignore or misread something of it.
    """
    for name, value in given.items():
        if value is not None and name not in model.parameters:
            raise InvalidInput(
                f"{name!r} is not a parameter of {model.name}, which would ignore it. "
                f"{suggestion(name, model.parameters)}"
            )
    check_parameters(model, **given)


def check_parameters(
    model: Model,
    *,
    language: str | None = None,
    enable_itn: bool | None = None,
    context: str | None = None,
    channel_id: Sequence[int] | None = None,
    enable_words: bool | None = None,
    language_hints: Sequence[str] | None = None,
    vocabulary_id: str | None = None,
) -> None:
    """Check request parameters before they are sent to a model; None is what is not given.

    Raises
    ------
    InvalidInput
        If the service would refuse, ignore or misread one of them.
    """
    if language is not None:
        _check_language(language, model)
    for name, value in (("enable_itn", enable_itn), ("enable_words", enable_words)):
        if value is not None and not isinstance(value, bool):
            raise InvalidInput(f"{name} must be True, False, or None to leave it out, not {value!r}.")
    if context is not None:
        _check_context(context)
    if channel_id is not None:
        whole = isinstance(channel_id, list | tuple | range) and all(type(c) is int and c >= 0 for c in channel_id)
        if not whole or not channel_id or len(set(channel_id)) != len(channel_id):
            raise InvalidInput(f"channel_id must be a list of different channel numbers from 0, not {channel_id!r}.")
    if language_hints is not None:
        _check_hints(language_hints, model)
    if language is not None and language_hints:
        raise InvalidInput(f"language={language!r} is the one hint of {model.name}: leave language_hints out.")
    if vocabulary_id is not None and (not isinstance(vocabulary_id, str) or not vocabulary_id.strip()):
        raise InvalidInput(f"vocabulary_id must be the id of a list of words, not {vocabulary_id!r}.")


def refuse_unknown(verb: Callable[P, R]) -> Callable[P, R]:
    """Let a verb refuse, with InvalidInput, parameters that it does not have, and name the right ones.

    Python would refuse them too, but not know what is meant.
    """
    known = [name for name in signature(verb).parameters if name != "self"]

    @wraps(verb)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in known:
                raise InvalidInput(
                    f"{name!r} is not a parameter of the service, which would ignore it. {suggestion(name, known)}"
                )
        return verb(*args, **kwargs)

    return checked


def check_task_id(task_id: str) -> None:
    """Check that a task id can be one.

    Raises
    ------
    InvalidInput
        If it cannot.
    """
    if not isinstance(task_id, str) or not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.:-]*", task_id):
        raise InvalidInput(f"{task_id!r} is no task id.")


def check_window(start_time: datetime | None, end_time: datetime | None) -> None:
    """Check the window of a list of tasks: 24 h at most (service documentation, task management).

    Raises
    ------
    InvalidInput
        If it is longer, or ends before it starts.
    """
    if start_time is None or end_time is None:
        return
    try:
        length = end_time - start_time
    except TypeError:
        raise InvalidInput("start_time and end_time must both have a time zone, or neither.") from None
    if not timedelta(0) <= length <= timedelta(hours=wire.WINDOW_H):
        raise InvalidInput(f"end_time must follow start_time by {wire.WINDOW_H} h at most, not by {length}.")


def warn_of_no_effect(language: str | None, enable_itn: bool | None) -> None:
    """Warn if ITN is asked for in a language without it."""
    if enable_itn and language is not None and language not in wire.ITN_LANGUAGES:
        warnings.warn(
            f"enable_itn has no effect with language={language!r}: the service documents it for "
            f"{' and '.join(sorted(wire.ITN_LANGUAGES))} only. Leave it out.",
            NoEffect,
            stacklevel=3,
        )


def _check_language(language: str, model: Model) -> None:
    if not isinstance(language, str):
        raise InvalidInput(f"language must be a code such as 'en', or None to detect it, not {language!r}.")
    codes = list(NAMES) if model.languages is None else [code for code in NAMES if code in model.languages]
    if language in codes or (model.languages is None and _CODE.fullmatch(language) and language not in _ALIASES):
        return
    typed = language.strip().lower().replace("_", "-")
    if typed in ("", "auto", "detect", "none"):
        raise InvalidInput(f"language={language!r} is not a language code. Leave language out to have it detected.")
    known = {NAMES[code].lower(): code for code in codes}
    also = {alias: code if code in codes else _ALSO.get(code) for alias, code in _ALIASES.items()}
    known |= {alias: code for alias, code in also.items() if code in codes} | {code: code for code in codes}
    base, _, suffix = typed.partition("-")
    code = known.get(typed) or (known.get(base) if _REGION.fullmatch(suffix) else None)
    if code is None:  # a name among other words; the last says most, as in "Chinese (Cantonese)"
        code = next(
            (known[word] for word in reversed(re.findall(r"\w+", typed)) if len(word) > 3 and word in known), None
        )
    if code is None and len(typed) > 3:
        code = next((known[name] for name in get_close_matches(typed, known, n=1, cutoff=0.9)), None)
    hint = f"Did you mean {code!r} ({NAMES[code]})?" if code else f"It takes: {', '.join(codes)}."
    raise InvalidInput(f"language={language!r} is not a code of {model.name}. {hint}")


def _check_hints(hints: Sequence[str], model: Model) -> None:
    if not isinstance(hints, list | tuple) or len(set(map(repr, hints))) != len(hints):
        raise InvalidInput(f"language_hints must be a list of different language codes, not {hints!r}.")
    for hint in hints:
        _check_language(hint, model)
    if model.most_hints is not None and len(hints) > model.most_hints:
        raise InvalidInput(f"{model.name} takes {model.most_hints} language hints at most, not {len(hints)}.")


def _check_context(context: str) -> None:
    if not isinstance(context, str):
        raise InvalidInput(f"context must be text, not {context!r}.")
    try:
        n_bytes = len(unicodedata.normalize("NFC", context).encode())
    except UnicodeEncodeError:
        raise InvalidInput("context holds half a surrogate pair, which is not text. Decode its source anew.") from None
    if n_bytes <= wire.CONTEXT_TOKENS:  # a token is at least a byte
        return
    limit = f"The service takes {wire.CONTEXT_TOKENS:,} tokens of context"
    count = _token_counter()
    if count is None:
        raise InvalidInput(
            f"{limit}, and {n_bytes:,} bytes may be more. Shorten it, or install the package dashscope, whose "
            "tokenizer counts exactly."
        )
    if (n_tokens := count(context)) > wire.CONTEXT_TOKENS:
        raise InvalidInput(f"{limit}, and this one has {n_tokens:,}. Keep the terms that matter in these recordings.")


@cache
def _token_counter() -> Callable[[str], int] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package warns of itself
            from dashscope.tokenizers import get_tokenizer  # noqa: PLC0415 - not a dependency, and slow to import

            tokenizer = get_tokenizer("qwen-plus")
    except ImportError:
        return None
    # Text that looks like a control token is text.
    return lambda text: len(tokenizer.encode(text, allowed_special=set()))
