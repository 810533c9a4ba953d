"""Scripts: which one a text is in, Traditional Chinese folded to Simplified, and Arabic without its vowel marks."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final

# Letters and signs, without digits and punctuation, of Thai, Lao, Burmese, Khmer, kana (half-width ones too) and Han.
_KANA: Final = "\u3041-\u309f\u30a1-\u30fa\u31f0-\u31ff\uff66-\uff9f"
HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
#: All of these, as a class of characters.
UNSEGMENTED: Final = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0edc-\u0edf\u1000-\u103f\u1050-\u108f\u1780-\u17d3\u17d7\u17dc\u17dd"
    f"\u3005-\u3007\u30fc-\u30ff{_KANA}{HAN}"
)
#: Scripts that tell of a language where none is given, as patterns: those written without spaces, Han, kana.
SCRIPTS: Final = tuple(re.compile(f"[{letters}]") for letters in (UNSEGMENTED, HAN, _KANA))
# Short vowels, doubling and marks of recitation; not the madda and hamza that make another letter of alef.
_VOWEL_MARK: Final = re.compile(
    "[\u0610-\u061a\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed]"
)
# Not between two numerals: 是三。百货店 has no 300 in it, and 一，二 is no 12.
_NUMERAL: Final = "\u3007零一二三四五六七八九十百千万萬亿億两兩"
_SPACE_IN_HAN: Final = re.compile(
    rf"(?<=[\u3005\u3007{HAN}])(?<![{_NUMERAL}])\s+(?=[\u3005\u3007{HAN}])"
    rf"|(?<=[{_NUMERAL}])\s+(?=[\u3005\u3007{HAN}])(?![{_NUMERAL}])"
)


def only_han(text: str) -> bool:
    """Tell whether a text has Han characters, and no kana with them."""
    return bool(SCRIPTS[1].search(text)) and not SCRIPTS[2].search(text)


def han_together(text: str) -> str:
    """Take out the white space between Han characters, unless both are numerals."""
    return _SPACE_IN_HAN.sub("", text)


def traditional_to_simplified(text: str) -> str:
    """Fold Traditional Chinese to Simplified (OpenCC, t2s)."""
    # Until nothing changes: 薴 becomes 苧, which is itself the Traditional form of 苎.
    while (folded := _opencc().convert(text)) != text:
        text = folded
    return text


def vowel_marks_out(text: str) -> str:
    """Leave out the vowel marks of Arabic, and the wasla on alef."""
    if text.isascii():
        return text
    # Composed again, since a hamza may have stood behind a vowel mark.
    return unicodedata.normalize("NFC", _VOWEL_MARK.sub("", text).replace("ٱ", "ا"))


@cache
def _opencc():  # type: ignore[no-untyped-def]  # noqa: ANN202  # opencc publishes no types
    import opencc  # noqa: PLC0415  # loads dictionaries: only where Chinese is folded

    return opencc.OpenCC("t2s")
