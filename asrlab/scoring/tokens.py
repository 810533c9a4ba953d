"""Units: what is counted as right or wrong, and which unit suits which language."""

from __future__ import annotations

import re
from typing import Final

from asrlab.errors import InvalidInput

#: Languages written in Chinese characters alone.
CHINESE: Final = frozenset({"zh", "cmn", "yue", "wuu", "nan"})
#: Written without spaces between words: a word error rate would be 0 or 1.
CHARACTER_LANGUAGES: Final = CHINESE | {"ja", "th", "lo", "km", "my"}
# Letters of Thai, Lao, Burmese and Khmer, kana, Han.
_UNSEGMENTED: Final = re.compile(
    r"[\u0e01-\u0e2e\u0e81-\u0eae\u1000-\u1049\u1780-\u17b3\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]"
)


def base_language(language: str | None) -> str:
    """Give the plain code of a language tag: ``"zh-TW"`` is ``"zh"``, None is ``""``."""
    return re.split("[-_]", language or "", maxsplit=1)[0].lower()


def unit_for(language: str | None, text: str) -> str:
    """Choose between words and characters.

    Parameters
    ----------
    language : str or None
        Language code of the recording.
    text : str
        Its reference: decides where the language is not known (``"char"`` if it has letters of such a script).

    Returns
    -------
    str
        ``"char"`` or ``"word"``.
    """
    if language:
        return "char" if base_language(language) in CHARACTER_LANGUAGES else "word"
    return "char" if _UNSEGMENTED.search(text) else "word"


def tokens(text: str, unit: str) -> list[str] | str:
    """Cut normalised text into units.

    Parameters
    ----------
    text : str
        Normalised text.
    unit : {"word", "char"}
        ``"word"``: what white space separates. ``"char"``: code points, without white space.

    Returns
    -------
    list of str, or str
        The words, or one text whose characters are the units.

    Raises
    ------
    InvalidInput
        If there is no such unit.

    Examples
    --------
    >>> tokens("the cat", "word")
    ['the', 'cat']
    >>> tokens("我想 喝", "char")
    '我想喝'
    """
    if unit == "word":
        return text.split()
    if unit == "char":
        return "".join(text.split())
    raise InvalidInput(f'unit must be "word", "char" or "auto", not {unit!r}.')
