"""Marks inside words: apostrophes, hyphens and colons, where a language has rules of its own for them.

Elsewhere an apostrophe inside a word stays and one at its edge goes ('tis, the dogs' bowl), and hyphens become white
space, since most compounds are written in either way: half-price, anak-anak, grand-mère, онлайн-курс.
"""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.marks import LOOSE_MARK

# Hyphens that tell words apart. In French "maybe" from "can be", in Russian and Ukrainian "something" from "that what",
# "in my opinion" from "along my", "because of" from two words.
_FRENCH: Final = re.compile(rf"(\bpeut-être\b)|{LOOSE_MARK}")
_RUSSIAN: Final = re.compile(
    r"(\b(?:ко[ей]|по|во?)-\w+(?:-то\b)?|\b\w+-(?:то|либо|нибудь|таки|ка)\b|\bиз-(?:за|под)\b)" rf"|{LOOSE_MARK}"
)
_UKRAINIAN: Final = re.compile(
    r"(\b(?:будь|казна|хтозна|бозна|невідь|по)-\w+|\b\w+-(?:то|от|таки|но|бо|небудь)\b|\bі?з-(?:за|під|над|поміж)\b)"
    rf"|{LOOSE_MARK}"
)
# What elides its last vowel, with white space after the apostrophe; quotes around a letter are no such.
_FRENCH_ELISION: Final = re.compile(r"(?<![\w'])(l|d|j|m|t|s|n|c|ç|qu|(?:jus|lors|puis|quoi|pres|quel)qu)'\s+(?=\w)")
_ITALIAN_ELISION: Final = re.compile(
    r"(?<![\w'])(l|d|c|s|m|t|v|n|un|gl|(?:a|da|de|ne|su|co|que|be)ll|quest|com|dov|cos|anch|senz|sant|tutt|mezz|nient)"
    r"'\s+(?=\w)"
)
_ITALIAN_IS: Final = re.compile(r"(?<![\w'])e'(?!\w)")
_TURKISH_SUFFIX: Final = re.compile(
    r"(?<=\w)'(?=(?:[dt][ae](?:n|ki\w*|y\w*)?|n[dt][ae](?:n|ki\w*)?|[yn]?[ae]|[yns]?[ıiuü]|[yn]?[ıiuü]n(?:ki\w*|[ae]"
    r"|d[ae]n?)?|y?l[ae]|l[ıiuü]\w{0,8}|l[ae]r\w{0,8}|s[ıiuü]z\w{0,5}|[dt][ıiuü]r|c[ae])(?!\w))"
)
_TURKISH_PERCENT: Final = re.compile(r"(?<![\d%])%\s?(\d+(?:[.,]\d+)*)(?![\d%])")
_FINNISH_COLON: Final = re.compile(
    r"(?<=\w):(?=(?:n|t|a|ä|aa|ää|ta|tä|ssa|ssä|sta|stä|lla|llä|lta|ltä|lle|na|nä|ksi|ne|ja|jä|i?in|ien|iden|ilta|ille"
    r"|[aeiouyäö]n|h[aeiouyäö]n|s[aeiouyäö]{2}n|iss[aä]|ist[aä]|ill[aä])(?!\w))"
)
_SWEDISH_COLON: Final = re.compile(r"(?<=\w):(?=(?:s|n|t|en|et|er|ar|or|na|ns|ens|ets|ers|erna|arna|are|a|e)(?!\w))")


def french_hyphens(text: str) -> str:
    """Do as numbers_keep_their_marks, and leave peut-être, which is not peut être."""
    return _FRENCH.sub(_listed, text)


def russian_hyphens(text: str) -> str:
    """Do as numbers_keep_their_marks, and leave что-то, по-моему, из-за."""
    return _RUSSIAN.sub(_listed, text)


def ukrainian_hyphens(text: str) -> str:
    """Do as numbers_keep_their_marks, and leave будь-хто, по-моєму, з-за."""
    return _UKRAINIAN.sub(_listed, text)


def _listed(found: re.Match[str]) -> str:
    return found[1] or " "


def french_elisions(text: str) -> str:
    """Write ``l' homme`` as l'homme: one word, as corpora of French have it and white space counts it."""
    return _FRENCH_ELISION.sub(r"\1'", text) if "'" in text else text


def italian_apostrophes(text: str) -> str:
    """Write ``l' uomo`` as l'uomo, and ``e'`` (keyboards without È) as è: bare, it would be "and"."""
    return _ITALIAN_IS.sub("è", _ITALIAN_ELISION.sub(r"\1'", text)) if "'" in text else text


def turkish_suffixes(text: str) -> str:
    """Take out the apostrophe between a name and its suffix (Ankara'ya), which is not heard; that of Kur'an stays."""
    return _without(_TURKISH_SUFFIX, text) if "'" in text else text


def turkish_percent(text: str) -> str:
    """Put the sign of %20 behind its number, where the sign of other languages stands and stays."""
    return _TURKISH_PERCENT.sub(r"\1%", text) if "%" in text else text


def finnish_colons(text: str) -> str:
    """Take out the colon between an abbreviation and its suffix: EU:n."""
    return _without(_FINNISH_COLON, text) if ":" in text else text


def swedish_colons(text: str) -> str:
    """Take out the colon between an abbreviation and its ending: EU:s."""
    return _without(_SWEDISH_COLON, text) if ":" in text else text


def _without(mark: re.Pattern[str], text: str) -> str:
    while (rest := mark.sub("", text)) != text:  # what is left of a word may be a suffix in its turn
        text = rest
    return text
