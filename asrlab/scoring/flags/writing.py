"""Writing: how much of a text is in which script, without a library and without a guess at its language."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final

from asrlab.normalize.languages import base_language
from asrlab.scoring.flags.pieces import letters_of, weight

#: Share of kana among Han and kana from which a text is Japanese, not Chinese with a sign or two of Japanese in it.
#: Of 40 Japanese sentences of this package's sets the one with the least has 0.29.
_JAPANESE: Final = 0.2
#: First words of the Unicode names of letters that do not name a script by themselves.
_NAMED: Final = {
    "CJK": "Han",
    "IDEOGRAPHIC": "Han",
    "HIRAGANA": "kana",
    "KATAKANA": "kana",
    "KATAKANA-HIRAGANA": "kana",
    "MYANMAR": "Burmese",
}
_LETTER: Final = re.compile(r"[^\W\d_]")
#: Languages that are not written in Latin letters -> the script of their own.
_SCRIPT_OF: Final = {
    **dict.fromkeys(("zh", "cmn", "yue", "wuu", "nan"), "Chinese"),
    "ja": "Japanese",
    "ko": "Hangul",
    **dict.fromkeys(("ru", "uk", "be", "bg", "mk"), "Cyrillic"),
    **dict.fromkeys(("ar", "fa", "ur"), "Arabic"),
    **dict.fromkeys(("hi", "mr", "ne"), "Devanagari"),
    "th": "Thai",
    "el": "Greek",
    "he": "Hebrew",
}
_LATIN: Final = frozenset(
    {
        *("af", "ca", "cs", "cy", "da", "de", "en", "es", "et", "eu", "fi", "fil", "fr", "ga", "gl", "hr", "hu", "id"),
        *(
            "is",
            "it",
            "la",
            "lt",
            "lv",
            "ms",
            "mt",
            "nb",
            "nl",
            "nn",
            "no",
            "pl",
            "pt",
            "ro",
            "sk",
            "sl",
            "sq",
            "sv",
            "sw",
        ),
        *("tl", "tr", "vi"),
    }
)


def writing(text: str) -> dict[str, float]:
    """Measure how much of a text is in which script.

    Parameters
    ----------
    text : str
        Any text. Digits, marks and symbols are of no script.

    Returns
    -------
    dict of str to float
        Script -> words in it; a word of letters of several scripts counts for each by its share of them, and
        characters of scripts without spaces for a half (Han) or less (:mod:`asrlab.scoring.flags.pieces`). Han and kana
        together are ``"Japanese"`` where at least a fifth of them is kana, else the Han characters are ``"Chinese"``,
        and the few kana Japanese. Empty for a text without letters.

    Examples
    --------
    >>> writing("我想喝latte 25"), writing("東京へ行きます")
    ({'Chinese': 1.5, 'Latin': 1.0}, {'Japanese': 2.7})
    >>> writing("Привет, world!")
    {'Cyrillic': 1.0, 'Latin': 1.0}
    """
    found: dict[str, float] = {}
    for word in letters_of(unicodedata.normalize("NFKC", text)):
        letters = [script_of_letter(letter) for letter in _LETTER.findall(word)]
        for script in dict.fromkeys(letters):
            found[script] = found.get(script, 0.0) + weight(word) * letters.count(script) / len(letters)
    han, kana = found.pop("Han", 0.0), found.pop("kana", 0.0)
    if kana and kana >= _JAPANESE * (han + kana):
        han, kana = 0.0, han + kana
    return {**{name: size for name, size in (("Chinese", han), ("Japanese", kana)) if size}, **found}


@cache
def script_of_letter(letter: str) -> str:
    """Name the script of a letter, by its Unicode name; Han and kana apart.

    Examples
    --------
    >>> [script_of_letter(letter) for letter in "aжあ漢한ก"]
    ['Latin', 'Cyrillic', 'kana', 'Han', 'Hangul', 'Thai']
    """
    first = unicodedata.name(letter, "unnamed").split(" ")[0]
    return _NAMED.get(first, first.capitalize())


def script_of_language(language: str | None) -> str | None:
    """Name the script that a language is written in, as :func:`writing` does; None where that is not known here.

    Examples
    --------
    >>> script_of_language("zh-TW"), script_of_language("de"), script_of_language("sr"), script_of_language(None)
    ('Chinese', 'Latin', None, None)
    """
    base = base_language(language)
    return "Latin" if base in _LATIN else _SCRIPT_OF.get(base)


def languages_in(script: str) -> tuple[str, ...]:
    """Name the languages that a text in a script may be in; none where that is of no use, as of Latin.

    Examples
    --------
    >>> languages_in("Hangul"), languages_in("Cyrillic"), languages_in("Latin")
    (('ko',), ('ru', 'uk', 'be', 'bg', 'mk'), ())
    """
    return tuple(language for language, its in _SCRIPT_OF.items() if its == script)
