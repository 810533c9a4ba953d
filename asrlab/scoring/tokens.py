"""Units: what is counted as right or wrong, and which unit suits which language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from wcwidth import iter_graphemes

from asrlab.errors import InvalidInput
from asrlab.normalize.languages import CHINESE, base_language
from asrlab.normalize.scripts import SCRIPTS, UNSEGMENTED

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What a text can be cut into.
UNITS: Final = ("word", "char", "codepoint", "mixed")
#: Written without spaces between words: a word error rate would be 0 or 1.
CHARACTER_LANGUAGES: Final = CHINESE | {"ja", "th", "lo", "km", "my"}
# A stretch may hold the selectors of variants and joiners that belong to its letters.
_UNSEGMENTED_RUN: Final = re.compile(rf"[{UNSEGMENTED}][{UNSEGMENTED}\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]*")

_SPACE_BETWEEN_CHARACTERS: Final = re.compile(rf"(?<=[{UNSEGMENTED}]) (?=[{UNSEGMENTED}])")


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
    if base := base_language(language):
        return "char" if base in CHARACTER_LANGUAGES else "word"
    return "char" if SCRIPTS[0].search(text) else "word"


def tokens(text: str, unit: str) -> list[str]:
    """Cut normalised text into units.

    Parameters
    ----------
    text : str
        Normalised text.
    unit : {"word", "char", "codepoint", "mixed"}
        ``"word"``: what white space separates. ``"char"``: what a reader takes for one character, without white space:
        extended grapheme clusters (Unicode Standard Annex 29), so that a vowel sign, a tone mark or a joined emoji is
        not counted apart. ``"codepoint"``: code points without white space, which other tools count as characters; the
        same as ``"char"`` for Chinese, more than those for Thai. ``"mixed"``, for speech that switches
        between languages: characters of Han, kana, Thai, Lao, Khmer and Burmese, words of all other scripts.

    Returns
    -------
    list of str
        The units in order.

    Raises
    ------
    InvalidInput
        If there is no such unit.

    Examples
    --------
    >>> tokens("the cat", "word")
    ['the', 'cat']
    >>> tokens("我想 喝latte", "char")
    ['我', '想', '喝', 'l', 'a', 't', 't', 'e']
    >>> tokens("我想 喝latte", "mixed")
    ['我', '想', '喝', 'latte']
    >>> len(tokens("น้ำ", "char")), len(tokens("น้ำ", "codepoint"))
    (1, 3)
    """
    if unit == "word":
        return text.split()
    if unit == "mixed":
        return characters_apart(text).split()
    if unit == "codepoint":
        return list("".join(text.split()))
    if unit == "char":
        return list(iter_graphemes("".join(text.split())))
    raise unknown_unit(unit, UNITS)


def together(units: Iterable[str], unit: str) -> str:
    """Write units as a text, with the white space that a reader expects between them."""
    if unit in {"char", "codepoint"}:
        return "".join(units)
    text = " ".join(units)
    return _SPACE_BETWEEN_CHARACTERS.sub("", text) if unit == "mixed" else text


def characters_apart(text: str) -> str:
    """Put white space around each character of a script that is written without it."""
    return _UNSEGMENTED_RUN.sub(lambda run: f" {' '.join(iter_graphemes(run[0]))} ", text)


def unknown_unit(unit: object, known: tuple[str, ...]) -> InvalidInput:
    """Make the error of a unit that there is not."""
    return InvalidInput(f"unit must be one of {', '.join(known)}, not {unit!r}.")
