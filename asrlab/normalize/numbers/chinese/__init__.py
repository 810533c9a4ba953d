"""Number forms of Chinese: 三千五百万, 3500万 and 35,000,000 are one number, and 一心一意 is none.

First the numerals of words that are no numbers are hidden, then numerals are written in digits where what stands beside
them says that a number is meant, then numbers in digits are brought to one form.

What a number is worth is computed here, and not by wetext, whose inverse text normalization (0.1.8) does more and less
than that. Of the pairs in ``tests/forms_dev_zh.tsv`` it brings together two in five, since it only goes from words to
digits; and it writes 三到五天 as "35天", 三四个人 as "34个人", 周五十点 as "周50点", 三点一起去 as "3.1起去".
"""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.chinese.numerals import CAPITALS, NUMERAL
from asrlab.normalize.numbers.chinese.rules import HAN
from asrlab.normalize.numbers.chinese.spoken import digits_for_numerals
from asrlab.normalize.numbers.chinese.words import has_hidden, words_hidden, words_shown
from asrlab.normalize.numbers.chinese.written import numbers_written_alike

_ANY: Final = re.compile(rf"[\d{NUMERAL}{CAPITALS}]")
_APART: Final = re.compile(rf"[{NUMERAL}][ \t]+[{NUMERAL}]")
_GAP: Final = re.compile(rf"(?<=[{HAN}])[ \t]+(?=[{HAN}])")
_JOIN: Final = re.compile(rf"(?<=[{HAN}])(?=[{HAN}])")
#: Gaps from which a text counts as spaced out, sign by sign or word by word: as many as in 五 十 元.
_FEWEST: Final = 2
#: Rounds after which nothing changes any more; it takes two or three.
_ROUNDS: Final = 8


def numbers_in_one_form(text: str) -> str:
    """Bring the numbers of a Chinese text to one form, in digits.

    Parameters
    ----------
    text : str
        Mandarin or Cantonese, Traditional or Simplified, in NFKC; with its punctuation or without.

    Returns
    -------
    str
        The text with its numbers in one form, everything else as it was. Money is in 元, 美元 ...; dates are
        2024年3月5日 and 3月5日; times of day 10:15 and, at the full hour, 10点. 下午3:30 stays apart from 15:30: other
        words were said. Left as they are: words and names with numerals, estimates (三四个), 周三, 初一, 半.

    Examples
    --------
    >>> numbers_in_one_form("三千五百万"), numbers_in_one_form("3,500万")
    ('35000000', '35000000')
    >>> numbers_in_one_form("他一心一意,下午三点半花了两百块钱买了三本书")
    '他一心一意,下午3:30花了200元买了3本书'
    >>> numbers_in_one_form("二零二四年三月五号涨了百分之三点五")
    '2024年3月5日涨了3.5%'
    """
    if not _ANY.search(text) or has_hidden(text):
        return text
    for _ in range(_ROUNDS):
        before = text
        text = words_shown(numbers_written_alike(digits_for_numerals(words_hidden(_spaces_out(text)))))
        if text == before:
            break
    return text


def _spaces_out(text: str) -> str:
    """Write 三 百 五 十 元 without its spaces, where a text is spaced out; elsewhere a space parts two numbers."""
    if not _APART.search(text):
        return text
    gaps, joins = len(_GAP.findall(text)), len(_JOIN.findall(text))
    return _GAP.sub("", text) if gaps >= _FEWEST and gaps * 2 >= joins else text
