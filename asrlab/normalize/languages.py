"""Languages: what a normalizer does for each of those that the service has, step by step."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from asrlab.normalize.characters import compatibility_forms, single_spaces, straight_quotes
from asrlab.normalize.marks import (
    commas_out,
    numbers_keep_their_marks,
    punctuation_out,
    thousands_commas_out,
    words_keep_apostrophes,
)
from asrlab.normalize.scripts import han_together, traditional_to_simplified

if TYPE_CHECKING:
    from collections.abc import Callable

#: Languages written in Chinese characters alone.
CHINESE: Final = frozenset({"zh", "cmn", "yue", "wuu", "nan"})


class Steps(NamedTuple):
    """What a normalizer does, by the rung of the ladder that each step belongs to; applied in this order.

    Parameters
    ----------
    characters : tuple of callables
        One code for each character, whatever the keyboard or the encoding made of it.
    case : tuple of callables
        One case.
    punctuation : tuple of callables
        Marks that are not part of a word or number, to white space.
    script : tuple of callables
        One script where a language has several.
    spelling : tuple of callables
        One spelling of each word; an option.
    fillers : tuple of callables
        Hesitations left out; an option.
    """

    characters: tuple[Callable[[str], str], ...]
    case: tuple[Callable[[str], str], ...]
    punctuation: tuple[Callable[[str], str], ...]
    script: tuple[Callable[[str], str], ...] = ()
    spelling: tuple[Callable[[str], str], ...] = ()
    fillers: tuple[Callable[[str], str], ...] = ()


def base_language(language: str | None) -> str:
    """Give the plain code of a language tag: ``"zh-TW"`` is ``"zh"``.

    None is ``""``, and so is what is no code that the languages here are known by ("zho", "Chinese"): nothing then is
    concluded from it.
    """
    base = re.split("[-_]", language or "", maxsplit=1)[0].lower()
    return base if len(base) == 2 or base in CHINESE or base == "fil" else ""


def preset_of(language: str | None) -> str | None:
    """Name the preset for a language tag, None where there is none: ``"zh-TW"`` has ``"zh"``, ``"nb"`` has ``"no"``."""
    base = base_language(language)
    code = {"nb": "no", "nn": "no", "tl": "fil"}.get(base, "zh" if base in CHINESE - {"yue"} else base)
    return code if code in LANGUAGES else None


_CHARACTERS: Final = (straight_quotes, compatibility_forms)
_PUNCTUATION: Final = (
    *(thousands_commas_out, punctuation_out, numbers_keep_their_marks, words_keep_apostrophes),
    *(commas_out, compatibility_forms, single_spaces),
)
_COMMAS_STAY: Final = tuple(step for step in _PUNCTUATION if step not in {commas_out, thousands_commas_out})
_HAN: Final = (*(step for step in _PUNCTUATION if step is not commas_out), han_together)

BASIC: Final = Steps(_CHARACTERS, (str.lower,), _COMMAS_STAY)
#: The languages of the service (its documentation, list of languages), by its codes.
LANGUAGES: Final[dict[str, Steps]] = {
    "zh": Steps(_CHARACTERS, (str.lower,), _HAN, (traditional_to_simplified,)),
    "yue": Steps(_CHARACTERS, (str.lower,), _HAN, (traditional_to_simplified,)),
    "en": Steps(_CHARACTERS, (str.lower,), _PUNCTUATION),
    **dict.fromkeys(
        (
            *("ja", "de", "ko", "ru", "fr", "pt", "ar", "it", "es", "hi", "id", "th", "tr", "uk", "vi", "cs", "da"),
            *("fil", "fi", "is", "ms", "no", "pl", "sv"),
        ),
        BASIC,
    ),
}
