"""Characters: one code for each, whatever the keyboard or the encoding made of it. What is read stays the same."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Controls without width (joiners, direction, byte order mark, soft hyphen, tags), selectors of variants, boxes around a
# key, fillers of Hangul, and the Arabic tatweel, which only makes a word longer on paper. Those of the first plane are
# apart, since a search for them alone is several times as fast.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u0600-\u0605\u061c\u0640\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20e3\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]"
)
_OTHER_PLANE: Final = re.compile("[\U00010000-\U0010ffff]")
_INVISIBLE_THERE: Final = re.compile(
    "[\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001"
    "\U000e0020-\U000e007f\U000e0100-\U000e01ef]"
)
# What compatibility forms make digits of, and would join to others: 3½ is not 31/2, and 10² is not 102.
_RAISED: Final = "²³¹¼-¾⁰⁴-⁹₀-₉⅐-⅟↉①-⒛⓪㉑-㉟㊱-㊿㋀-㋋㍘-㍰㏠-㏾"
_RAISED_DIGIT: Final = re.compile(f"[{_RAISED}]")
_APART: Final = re.compile(rf"(?<=\d)(?=[{_RAISED}])|(?<=[{_RAISED}])(?=\d)")
# Before compatibility forms, which would take an accent that stands alone for a space with an accent on it, and would
# lose the narrow space that groups thousands.
_GROUPED: Final = re.compile("[\u2009\u202f](?<=\\d.)(?=\\d{3}(?!\\d))")
# Accents and voiced marks, and those of them that stand on nothing.
_ACCENT: Final = re.compile("[\u0300-\u036f\u3099\u309a]")
_LOOSE_ACCENT: Final = re.compile(r"(?<!\S)[\u0300-\u036f\u3099\u309a]+")
_OTHER_DIGIT: Final = re.compile(r"[^\D0-9]")
_ARABIC_SEPARATOR: Final = re.compile(r"(?<=\d)[٫٬](?=\d)")
# NFKC takes SARA AM apart, and keyboards put the tone before or after its circle; so in Lao. Two SARA E look like a
# SARA AE.
_NIKHAHIT: Final = re.compile("\u0e4d([\u0e48-\u0e4b]?)\u0e32")
_NIGGAHITA: Final = re.compile("\u0ecd([\u0ec8-\u0ecb]?)\u0eb2")
_STRAIGHT: Final = {"‘’‚‛ʼʻʹꞌꞋ′‵`՚": "'", "“”„‟«»": '"', "‐‑‒–−": "-"}
_QUOTE: Final = re.compile(f"[{''.join(_STRAIGHT)}]")
_QUOTES: Final = str.maketrans({mark: plain for marks, plain in _STRAIGHT.items() for mark in marks})


def compatibility_forms(text: str) -> str:
    """Bring text to NFKC without what has no width, and all decimal digits to 0-9.

    Thai and Lao SARA AM stay one character, and 3½ stays apart from 31/2.
    """
    if text.isascii():
        return text
    text = _visible(text)
    if not unicodedata.is_normalized("NFKC", text):
        if _RAISED_DIGIT.search(text):
            text = _APART.sub(" ", text)
        text = _GROUPED.sub("", text).replace("´", "'").replace("\u1ffd", "'")
        # Once more: Arabic presentation forms hold tatweels.
        text = _composed(_visible(unicodedata.normalize("NFKC", text)))
    if "\u0e4d" in text or "\u0ecd" in text:
        text = _NIGGAHITA.sub("\\1\u0eb3", _NIKHAHIT.sub("\\1\u0e33", text))
    text = text.replace("\u0e40\u0e40", "\u0e41")
    if _ACCENT.search(text):
        text = _LOOSE_ACCENT.sub("", text)
    return _OTHER_DIGIT.sub(_plain_digit, text)


def _visible(text: str) -> str:
    text = _INVISIBLE.sub("", text)
    return _INVISIBLE_THERE.sub("", text) if _OTHER_PLANE.search(text) else text


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _plain_digit(digit: re.Match[str]) -> str:
    return str(unicodedata.decimal(digit[0]))


def straight_quotes(text: str) -> str:
    """Write quotes, apostrophes and what looks like them straight, and the short dashes and the minus as hyphens."""
    return text.translate(_QUOTES) if _QUOTE.search(text) else text


def single_spaces(text: str) -> str:
    """Leave one space between words and none at the ends."""
    return " ".join(text.split())


_LIGATURES: Final = str.maketrans({"œ": "oe", "Œ": "Oe", "æ": "ae", "Æ": "Ae"})
_ETH: Final = str.maketrans("ÐðƉ", "ĐđĐ")
# The kaf of Persian keyboards, its yeh where a letter follows (a last one may stand for alef maksura, ى), and the
# separators of Arabic numbers.
_PERSIAN_YEH: Final = re.compile("ی(?=[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]*[\u0621-\u064a\u0671ی])")
_VOICED: Final = str.maketrans("゛゜", "\u3099\u309a")


def ligatures_open(text: str) -> str:
    """Write œ as oe and æ as ae (cœur, encyclopædia), in languages where they are no letters of their own."""
    return text if text.isascii() else _composed(text.translate(_LIGATURES))


def vietnamese_d(text: str) -> str:
    """Write the Icelandic and African look-alikes of Đ as that."""
    return text if text.isascii() else _composed(text.translate(_ETH))


def arabic_letters(text: str) -> str:
    """Write what Persian keyboards give for kaf and yeh as the Arabic letters, and ٣٫٥ and ١٬٠٠٠ as 3.5 and 1000."""
    if text.isascii():
        return text
    text = _PERSIAN_YEH.sub("ي", text.replace("ک", "ك").replace("٪", "%"))
    return _composed(_ARABIC_SEPARATOR.sub(lambda mark: "." if mark[0] == "٫" else "", text))


def voiced_kana(text: str) -> str:
    """Put the marks of voiced kana on the kana before them: か゛ is が."""
    return _composed(text.translate(_VOICED)) if "゛" in text or "゜" in text else text
