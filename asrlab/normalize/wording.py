"""Wording: what is left of a text when all that is a matter of form is taken away.

To tell whether two transcripts of one recording differ in their words. It is no normalizer to mark by: it makes "one"
and "1" the same, and does not look at what they mean.
"""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.languages import base_language
from asrlab.normalize.presets import choose

_LATIN: Final = re.compile(r"[A-Za-z]")
_HAN: Final = re.compile(r"[\u4e00-\u9fff]")
_HAN_LANGUAGES: Final = frozenset({"zh", "yue", "ja"})
_HAN_DIGITS: Final = str.maketrans("零〇一二两三四五六七八九", "001223456789")
_NUMERALS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SMALL: Final = {word: str(number) for number, word in enumerate(_NUMERALS)}


def wording(text: str, language: str | None, *, numbers: bool = True) -> str:
    """Take away case, punctuation, spaces, spelling and number forms.

    Parameters
    ----------
    text : str
        A transcript.
    language : str or None
        Code of the language spoken. Numbers are read in the other languages too that the text is partly written in,
        English or Chinese: under a wrong hint, a service writes them so.
    numbers : bool
        Whether to read numbers longer than a word.

    Returns
    -------
    str
        Without white space. Marks stay that are part of a letter (as vowels are in Hindi and Thai) or of a number.

    Raises
    ------
    MissingExtra
        If a library is not installed that the number forms of the language need.

    Examples
    --------
    >>> wording("It cost $150, on May 3rd.", "en")
    'itcost$150onmay3'
    >>> wording("it cost one hundred and fifty dollars on may third", "en")
    'itcost$150onmay3'
    >>> wording("一共三百五十毫升", "zh") == wording("一共350ml。", "zh")
    True
    """
    wanted = "auto+numbers+spelling" if numbers else "auto+spelling"
    for one in _written_in(language, text):
        text = choose(wanted, one, text)(text)
    words = (_SMALL.get(word, word) for word in text.split())
    return "".join(words).translate(_HAN_DIGITS)


def _written_in(language: str | None, text: str) -> list[str | None]:
    spoken = base_language(language)
    also = ["zh"] if _HAN.search(text) and spoken not in _HAN_LANGUAGES else []
    also += ["en"] if _LATIN.search(text) and (spoken in _HAN_LANGUAGES or also) and spoken != "en" else []
    return [language, *also]
