"""Chinese numerals: what a run of them is worth. Whether a number is meant where it stands is not asked here."""

from __future__ import annotations

import re
from typing import Final

#: One of each group in Simplified and Traditional; the capitals of cheques only make a number together with a 拾 or 佰.
_CAPITALS: Final = dict(zip("壹贰貳叁參肆伍陆陸柒捌玖拾佰仟", "一二二三三四五六六七八九十百千", strict=True))
_SIMPLE: Final = str.maketrans({"〇": "零", "兩": "两", "萬": "万", "億": "亿", "點": "点"} | _CAPITALS)
_DIGITS: Final = "零一二三四五六七八九"

#: Signs that are read one by one, and signs that a numeral is made of.
DIGIT: Final = "零〇一二三四五六七八九幺"
NUMERAL: Final = f"{DIGIT}两兩十百千万萬亿億廿卅"
CAPITALS: Final = "".join(_CAPITALS)

_D: Final = "[一二三四五六七八九两]"
_TENS: Final = "(?:[一二三四五六七八九]?十[一二三四五六七八九]?)"
_HUNDREDS: Final = f"(?:{_D}百(?:零[一二三四五六七八九]|{_TENS})?)"
_THOUSANDS: Final = f"(?:{_D}千(?:零(?:{_TENS}|[一二三四五六七八九])|{_HUNDREDS})?)"
_SECTION: Final = f"(?:{_THOUSANDS}|{_HUNDREDS}|{_TENS}|{_D})"
#: After a greater scale: 零 stands for what is left out, and is often left out itself.
_NEXT: Final = f"(?:零?{_SECTION})"
_BELOW_YI: Final = f"(?:{_SECTION}万{_NEXT}?|{_SECTION})"
_CARDINAL: Final = re.compile(f"(?:{_BELOW_YI}亿(?:零?{_BELOW_YI})?|{_BELOW_YI})")
#: 一万二 is 12000: a last digit right after a scale counts tenths of it.
_SHORT: Final = re.compile("(?<=[百千万亿])[一二三四五六七八九]$")
_WORTH: Final = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8}
#: Scales as they stand after a number in digits or a decimal.
SCALE: Final = "(?:[万萬][亿億]|[十百千]?[万萬亿億])"


def simple(run: str) -> str:
    """Write a numeral in Simplified signs; 廿 and 卅 in full."""
    return run.translate(_SIMPLE).replace("廿", "二十").replace("卅", "三十")


def cardinal(run: str) -> int | None:
    """Give the value of a numeral that has a scale, or of one digit; None if it is not well formed.

    >>> cardinal("三千五百万"), cardinal("一万二"), cardinal("两千零五"), cardinal("三四"), cardinal("三七二十一")
    (35000000, 12000, 2005, None, None)
    """
    run = simple(run)
    if run == "零":
        return 0
    tenths = 0
    if _SHORT.search(run):
        run, last = run[:-1], run[-1]
        tenths = _DIGITS.index(last) * _WORTH[run[-1]] // 10
    if not _CARDINAL.fullmatch(run) or (run[-1] == "两" and len(run) > 1):  # 一万两 is money of silver
        return None
    high, _, low = run.rpartition("亿")
    return _below_yi(high) * 10**8 + _below_yi(low) + tenths


def _below_yi(run: str) -> int:
    high, _, low = run.rpartition("万")
    return _section(high) * 10**4 + _section(low)


def _section(run: str) -> int:
    total, digit = 0, 0
    for sign in run:
        if sign in "十百千":
            total += (digit or 1) * _WORTH[sign]
            digit = 0
        else:
            digit = 2 if sign == "两" else _DIGITS.index(sign)
    return total + digit


def one_by_one(run: str) -> str | None:
    """Give the digits of a run that is read sign by sign; None if there is another sign in it.

    >>> one_by_one("二〇二四"), one_by_one("幺三八"), one_by_one("三十")
    ('2024', '138', None)
    """
    digits = ["1" if sign == "幺" else str(_DIGITS.find(sign)) for sign in simple(run)]
    return None if "-1" in digits else "".join(digits)


def scaled(number: str, scales: str) -> str:
    """Multiply a decimal in digits, exactly.

    >>> scaled("3.5", "万"), scaled("1.2345", "千"), scaled("0.5", "亿"), scaled("1.23456", "万")
    ('35000', '1234.5', '50000000', '12345.6')
    """
    zeros = sum(len(str(_WORTH[scale])) - 1 for scale in simple(scales))
    whole, _, decimals = number.partition(".")
    digits = decimals.ljust(zeros, "0")
    return decimal(f"{whole}{digits[:zeros]}", digits[zeros:].rstrip("0"))


def decimal(whole: str, decimals: str) -> str:
    """Put a decimal together, without zeros in front."""
    return f"{whole.lstrip('0') or '0'}{'.' if decimals else ''}{decimals}"
