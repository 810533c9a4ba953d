"""Chinese numerals to digits, where what stands beside them says that a number is meant."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from asrlab.normalize.numbers.chinese.numerals import (
    CAPITALS,
    DIGIT,
    NUMERAL,
    SCALE,
    cardinal,
    decimal,
    one_by_one,
    scaled,
    simple,
)
from asrlab.normalize.numbers.chinese.rules import HAN
from asrlab.normalize.numbers.chinese.units import COUNTER, KILO, ONE_COUNTER, ZERO_COUNTER

#: Words after which 三点零五 is a time of day.
TIME_OF_DAY: Final = (
    "上午|下午|中午|正午|早上|早晨|晚上|凌晨|傍晚|清晨|清早|夜里|夜裡|夜间|夜間|午夜|半夜|深夜|午后|午後|晨早|朝早|夜晚|晏昼|晏晝|"
    "今晚|明晚|昨晚|当晚|當晚|今早|明早|昨早|今晨|明晨|昨夜|今夜|下晝|上晝|下昼|上昼|北京时间|北京時間|时间是|時間是|现在是|現在是"
)
#: A number on a cheque: it has a scale and stands for money. Alone its signs are others: 大陆, 队伍, 伍佰 who sings.
_CAPITAL: Final = f"[{CAPITALS}万萬亿億零]"
_CHEQUE: Final = f"{_CAPITAL}*[拾佰仟]{_CAPITAL}*(?=[元圆圓块塊])|(?<=[元圆圓角块塊零])[{CAPITALS}](?=[角分])"
_RUN: Final = re.compile(
    rf"(?P<cheque>{_CHEQUE})|(?P<run>[{NUMERAL}]+)"
    # not 三点|一刻; 三点五分 is looked at below
    rf"(?:[点點](?P<decimals>[{DIGIT}]+)(?P<scale>{SCALE})?"
    rf"(?![{NUMERAL}刻](?<!一(?={ONE_COUNTER}))(?<!千(?=[{KILO}]))))?"
)
_AT_TIME: Final = re.compile(rf"(?:{TIME_OF_DAY})[的约約大概]{{0,2}}\s*$")
_WEEKDAY: Final = re.compile(r"(?<!\d)(?:周|週|星期|礼拜|禮拜)$")
_EVERY_WEEK: Final = re.compile("(?:[每一]|每个|每個)(?:周|週|星期|礼拜|禮拜)$")
_COUNTER: Final = re.compile(COUNTER)
_ONE_COUNTER: Final = re.compile(ONE_COUNTER)
_ZERO_COUNTER: Final = re.compile(ZERO_COUNTER)
_MINUS: Final = re.compile("(?<![胜勝抱自欺肩辜担擔背身])[负負]$")
_LINK: Final = "(?:[-到至~又比加减減乘除]|等于|等於|乘以|除以)"
_LINKED_AFTER: Final = re.compile(rf"{_LINK}(?:[{NUMERAL}]|-?\d)")
_LINKED_BEFORE: Final = re.compile(rf"\d{_LINK}$")
_EQUALS: Final = re.compile("(?:[是为為]|等[于於])$")
_ENDS: Final = re.compile("$|[,.!?。;]")
_NO_NUMBER_BEFORE: Final = re.compile("初$|(?<![刚剛正恰最只])好$")
#: 几十, 数百; but 人数十五, 总数三百.
_SEVERAL: Final = re.compile("(?:[几幾]|(?<![人总總次件分指点點岁歲天度系户戶字票倍])[数數])[十百千万萬亿億]")
_CLOCK_AFTER: Final = re.compile(rf"[点點](?:[钟鐘半整前后後左]|[一三][刻]|[{NUMERAL}0-9]+分|[零〇二三四五]?十)")
#: After 八点零五, what happens then.
_HAPPENS: Final = re.compile(
    "出[发發门門]|到[达達家站]|开[始会车门]|開[始會車門]|见|見|起[床飞飛]|[上下][班课課车車]|[结結]束|左右|[之以]前|[准準][时時]|降落|[发發][车車]|集合"
)
_SCORED: Final = re.compile("[得打评評扣均满滿总總考差加减減][^,.!?]{0,4}$")
#: What is looked at on either side of a run, and what may stand around a text that is a number and nothing else.
_VIEW: Final = 16
#: An address has four numbers of one byte each.
_BYTES: Final = 4
_BYTE: Final = 255
_POINTED: Final = re.compile(rf"(?<![\d{NUMERAL}.])[{NUMERAL}]++(?:[点點][{NUMERAL}]++){{2,}}+(?![点點分半刻钟鐘整\d])")
_VERSION: Final = re.compile("(?:版本?[号號]?[是为為]?|[A-Za-z]|[升更]级?[级新]?[到至为為]|系[统統])[ ,:]*$")
_VERSION_AFTER: Final = re.compile("[这個个那]?版|[系体]统|固件")
#: 三十四点五点 are points of an index where it rose or fell.
_MOVED: Final = re.compile("(?:[涨漲跌升降挫扬揚]|收[报報于於在]|[报報]收?)[了约約近至到]?$")
#: Before these, digits in a row are a name and no estimate: 二三四路.
_NAMED_BY_DIGITS: Final = re.compile("年|路|[国國省县縣]道|房|室|[号號][线線]")
_LONGER_BEFORE: Final = re.compile(r"\d(?:[点點时時分]|小[时時]|分[钟鐘])$")
#: Three make a row.
_ROW: Final = 3
_ITEM: Final = re.compile("[一二三四五六七八九十]")
_LISTED_AFTER: Final = re.compile(rf"(?:(?:[、,] ?| )[一二三四五六七八九十](?![{NUMERAL}点點])){{1,2}}")
_LISTED_BEFORE: Final = re.compile(r"(?:(?<![\d.])\d\d?(?:[、,] ?| )){1,2}$")
_EDGES: Final = " ,.!?。、;:\"'"
_ONLY: Final = re.compile(f"[{NUMERAL}]+角?")
_LATIN: Final = re.compile("[A-Za-z]")
#: Two digits read one by one before these are a year, a class or a line, not an estimate (三四年 is one).
_TWO_BY_TWO: Final = re.compile("年(?!级|級)|[后後](?![来來面])|届|屆|[级級]|式|[号號](?!楼|樓)|路|班|室|房|折")
_NOT_ONE: Final = re.compile("[统統唯专專单單同合划劃周週初不逐万萬之]$")
_TAIL_BEFORE: Final = re.compile(r"\d[块塊元蚊米毛角度秒成]$")
_HOUR_BEFORE: Final = re.compile(r"(?<![\d.])(?:[01]?\d|2[0-4])[点點]$")


def digits_for_numerals(text: str) -> str:
    """Write the numbers that stand in Chinese numerals in digits."""
    text = _POINTED.sub(_pointed, text)
    done, at = "", 0
    only = _ONLY.fullmatch(text.strip(_EDGES)) is not None
    while found := _RUN.search(text, at):
        done += text[at : found.start()]
        before = done[-_VIEW:]
        run = found["run"] or found["cheque"]
        if len(run) > 1 and _WEEKDAY.search(before) and run[0] in "一二三四五六日":
            done, at = done + run[0], found.start() + 1  # 周五十点 is 周五, 10点
            continue
        at = found.end()
        number = _decimal(found, run, before, text[at : at + _VIEW]) if found["decimals"] else None
        if number is None:
            at = found.start() + len(run)
            number = _number(run, before, text[at : at + _VIEW], alone=only)
        if number is None:
            done += run
            continue
        # 三百，五百 must not become 300,500
        done += f" {number}" if re.search(r"\d,$", before) else number
        if re.match(r",\d", text[at : at + 2]):
            done, at = f"{done}, ", at + 1
    return done + text[at:]


def _pointed(found: re.Match[str]) -> str:
    """Read an address, 一九二点一六八点一点一, and a version, 三点一点二; not hours in a row, 三点四点五点."""
    parts = [one_by_one(part) or str(cardinal(part)) for part in re.split("[点點]", found[0])]
    before, after = found.string[max(0, found.start() - _VIEW) : found.start()], found.string[found.end() :][:_VIEW]
    address = len(parts) == _BYTES and all(part.isdecimal() and int(part) <= _BYTE for part in parts)
    version = all(part.isdecimal() for part in parts) and (_VERSION.search(before) or _VERSION_AFTER.match(after))
    return ".".join(parts) if address or version else found[0]


def _decimal(found: re.Match[str], run: str, before: str, after: str) -> str | None:
    """Read 三点一四 and 三点五万; None where it is a time of day or no number.

    九点零八 alone is 9.08, as 十二点零三 is 12.03: it is a time only where a word says so (早上九点零八, 九点零八分).
    """
    decimals = one_by_one(found["decimals"])
    worth = cardinal(run)
    whole = one_by_one(run) if worth is None else str(worth)
    if whole is None or decimals is None or _touches(before, after) or before.endswith("第"):
        return None
    if after[:1] in {"点", "點"} and len(decimals) == 1 and int(whole) <= 24 and not _MOVED.search(before):
        return None  # 三点八点都行
    minutes = after[:1] == "分" and after[1:2] not in {"之", "钟", "鐘"}
    clock = len(decimals) == 1 + (decimals[0] == "0") and not found["scale"] and len(whole) < 3 and int(whole) <= 24
    happens = decimals[0] == "0" and _HAPPENS.match(after)
    if clock and (_AT_TIME.search(before) or happens or (minutes and not _SCORED.search(before))):
        return None
    number = decimal(whole, decimals)
    return scaled(number, found["scale"]) if found["scale"] else number


def _touches(before: str, after: str) -> bool:
    return bool(re.search(r"\d[.:]?$", before) or re.match(r"[.:]?\d", after))


def _number(run: str, before: str, after: str, *, alone: bool) -> str | None:
    """Write a run of numerals in digits; None where it is none, or not surely a number."""
    if _touches(before, after):
        return None
    plain = simple(run)
    if len(plain) == 1:
        return _lone(plain, before, after, alone=alone)
    worth, digits = cardinal(plain), one_by_one(plain)
    if worth is not None:
        return _whole(plain, worth, before, after)
    if digits is None:
        return _with_unit(plain, run, after)
    if len(digits) == 2:
        return _two(plain, digits, before, after)
    rising = all(int(second) - int(first) == 1 for first, second in pairwise(digits))
    return None if rising and _COUNTER.match(after) and not _NAMED_BY_DIGITS.match(after) else digits  # 五六七个


def _whole(run: str, worth: int, before: str, after: str) -> str | None:
    """Write a cardinal of two signs or more."""
    if _SEVERAL.search(before[-2:] + run[0]) or re.match("[几幾数數][十百千万萬亿億]", after):
        return None
    if run[-1] == "一" and run[-2] in "百千万亿" and _ONE_COUNTER.match(after):
        return f"{cardinal(run[:-1])}一"  # 五万一平 is 50000 for one
    return str(worth)


def _with_unit(plain: str, run: str, after: str) -> str | None:
    """Write a number whose last sign belongs to what follows: 二十五千克, 五十两银子, 一百二一张."""
    worth = cardinal(plain[:-1])
    if worth is None or not (
        (plain[-1] in "百千" and re.match(f"[{KILO}]", after))
        or (plain[-1] == "一" and len(plain) > 3 and _ONE_COUNTER.match(after))
        or (plain[-1] == "两" and (len(plain) > 2 or re.match(r"[酒银銀金面麵茶米肉油]|$|[,.!?。]", after)))
    ):
        return None
    return f"{worth}{run[-1]}"


def _two(run: str, digits: str, before: str, after: str) -> str | None:
    """Write two digits read one by one where they are no estimate."""
    if _TAIL_BEFORE.search(before):
        return f"{digits[0]}一" if run[1] == "一" and _ONE_COUNTER.match(after) else digits  # 三块五|一斤
    if run[0] == "零" and re.search(r"\d(?:年|[个個]月|[天日岁歲周小]|[时時])$", before) and _COUNTER.match(after):
        return f"零{digits[1]}"  # 三年零六个月
    # 七八年 is an estimate, 九八年 is not
    estimate = int(digits[1]) - int(digits[0]) == 1 or digits == "35"
    meant = (
        (run[0] == "零" and _HOUR_BEFORE.search(before))
        or (run[0] == "零" and after[:1] in {"分", "秒"} and _LONGER_BEFORE.search(before))
        or before.endswith("第")
        or (digits == "86" and before.endswith("加") and re.match(f"[, ]+[{NUMERAL}1]", after))
        or "幺" in run
        or _LATIN.search(before[-1:])
        or (run[0] == "零" and _LATIN.match(after))
        or (_TWO_BY_TWO.match(after) and (not estimate or run[0] == "零" or after[0] in "后後"))
    )
    return digits if meant else None


def _lone(sign: str, before: str, after: str, *, alone: bool) -> str | None:
    """Write one sign where it counts, orders or measures something."""
    if sign in "百千万亿":
        return "100" if sign == "百" and re.search("百分之?$", before) else None
    worth = "1" if sign == "幺" else str(cardinal(sign))
    if alone:
        return None if sign == "两" else worth
    if (
        sign == "幺"
        or _NO_NUMBER_BEFORE.search(before)
        or _SEVERAL.search(before[-2:] + sign)
        or (before.endswith("大") and after.startswith("大"))
    ):
        return None
    if _WEEKDAY.search(before):
        return worth if _EVERY_WEEK.search(before) and re.match("[次节節天]|小[时時]|[个個]", after) else None
    return worth if _is_part(sign, before, after) or _counts(sign, before, after) else None


def _is_part(sign: str, before: str, after: str) -> bool:
    """Tell whether a sign is part of a greater expression: 第三, 三分之二, 负五, 三比一, 三块五, A四."""
    return bool(
        re.search(r"(?:第|分之|\d[号號楼樓弄]之)$", before)
        or after.startswith("分之")
        or _MINUS.search(before)
        or _LINKED_AFTER.match(after)
        or _LINKED_BEFORE.search(before)
        or (_EQUALS.search(before) and _ENDS.match(after) and (sign != "一" or before[-1] not in "是为為"))
        or (_TAIL_BEFORE.search(before) and (sign != "一" or re.match("[毛角]", after) or _ENDS.match(after)))
        or (_HOUR_BEFORE.search(before) and (after[:1] in {"分", "刻"} or sign == "十"))
        or (re.search(rf"(?:{TIME_OF_DAY})\d\d?[点點]$", before) and _ENDS.match(after))  # 朝早九點三
        or (re.search(r"\d投$", before) and after.startswith("中"))
        or (sign not in "两零" and _listed(before, after))
        or (sign not in "一两" and re.search("[A-Za-z]-?$", before))
        or (sign not in "一两十" and re.match("[A-Za-z]{1,3}(?![A-Za-z])", after))
    )


def _listed(before: str, after: str) -> bool:
    """Tell whether a sign is one of three in a row, 一、二、三; not the weekdays 周一、二、三."""
    behind, ahead = _LISTED_BEFORE.search(before), _LISTED_AFTER.match(after)
    if not behind and re.search(f"[{HAN}]$", before) and re.search("[初高大老周週期]$", before):
        return False
    many = (len(re.findall(r"\d+", behind[0])) if behind else 0) + (len(_ITEM.findall(ahead[0])) if ahead else 0)
    return many >= _ROW - 1 and (ahead is not None or not re.match(f"[{HAN}]", after))


def _counts(sign: str, before: str, after: str) -> bool:
    """Tell whether a classifier or unit follows that makes the sign before it a number."""
    found: object
    if sign == "零":
        found = _ZERO_COUNTER.match(after) and not re.search(r"[\d归歸清从從]$", before)
    elif sign == "一" and after[:1] in {"点", "點"}:
        found = _CLOCK_AFTER.match(after) or _AT_TIME.search(before)
    elif sign == "一":
        found = _ONE_COUNTER.match(after) and not _NOT_ONE.search(before)
    elif sign == "十" and after[:1] == "分":  # mostly "very"
        found = re.match("分[钟鐘]", after)
    else:
        found = (
            _COUNTER.match(after)
            or (sign == "十" and re.match("[多几幾来來余餘]", after))
            or (after[:1] in {"夜", "晚"} and re.search(r"\d天$", before))
        )
    return bool(found)
