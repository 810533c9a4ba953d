"""Chinese numbers in digits to one form: scales, percentages, dates, times of day, telephones, scores, ranges."""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.chinese.amounts import AMOUNTS
from asrlab.normalize.numbers.chinese.numerals import NUMERAL, SCALE, scaled
from asrlab.normalize.numbers.chinese.rules import END, HAN, MINUS, NUM, START, TO, applied, rules
from asrlab.normalize.numbers.chinese.units import KILO, ONE_COUNTER


def numbers_written_alike(text: str) -> str:
    """Bring the numbers in digits to one form."""
    return applied(text, _RULES)


# Spaces and commas. A space after 15点 stays: 15点 30个人 is no time of day.
_LAYOUT: Final = rules(
    (rf"(?<=\d)[ \t]+(?=[%‰°]|(?![{NUMERAL}])[{HAN}]|[万萬亿億](?![{NUMERAL}])|千[{KILO}])", ""),
    (rf"(?<=\d[年月日号號分个個人名次岁歲])[ \t]+(?=\d)|(?<=(?<!\d)[{HAN}])(?<![{NUMERAL}点點])[ \t]+(?=\d)", ""),
    (r"(?<=\d)[⁄∕](?=\d)", "/"),
    (r"(?<=\d)[〜∼～–—](?=\d)", "~"),
    (r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])", lambda found: found[0].replace(",", "")),
)


def _sum(found: re.Match[str]) -> str:
    """Add up 3亿5000万."""
    terms = re.findall(rf"({NUM})({SCALE}|[百千])", found[0])
    rest = re.search(r"(?:[零〇]|(?<=[万萬])(?=\d{4}$))(\d{1,8})$", found[0])
    if len(terms) == 1 and not rest:
        return scaled(*terms[0])
    values = [scaled(number, scale) for number, scale in terms] + ([rest[1]] if rest else [])
    steps = [int(scaled("1", scale)) for _, scale in terms]
    if "." in "".join(values) or any(int(value) >= step for value, step in zip(values[1:], steps, strict=False)):
        return found[0]
    return str(sum(map(int, values)))


# 3.5万, 3亿5000万, 3千5百; but not 3千米, nor 5百万分之一.
_ANY_SCALE: Final = rf"(?:{SCALE}|[百千](?![{KILO}兆]))"
_SCALES: Final = rules(
    (
        rf"{START}(?<!\d[点點]){NUM}{_ANY_SCALE}(?:[零〇]?\d{{1,20}}{_ANY_SCALE})*(?:[零〇]\d{{1,8}}|(?<=[万萬])\d{{4}}(?!\d))?"
        rf"(?![\d{NUMERAL}](?<!一(?={ONE_COUNTER}))|分之)",
        _sum,
    ),
)
_PARTS: Final = rules(
    (r"(?<=[A-Za-z\d])[点點](?=(?:com|cn|net|org|gov|edu)(?![A-Za-z]))", "."),
    (rf"百分之([负負-]?)({NUM})({TO})(?:百分之)?({NUM}){END}", r"\1\2%\3\4%"),
    (rf"百分之([负負-]?{NUM}){END}", r"\1%"),
    ("百分之?百", "100%"),
    (rf"千分之([负負-]?{NUM}){END}", r"\1‰"),
    (rf"{START}({NUM})({TO})({NUM})%", r"\1%\2\3%"),
    (r"(?<![\d.])百万分之(\d+)", r"\1/1000000"),
    (r"(?<![\d.])[万萬]分之(\d+)", r"\1/10000"),
    (r"(?<![\d.])(\d+)分之(\d+)(?![\d.])", r"\2/\1"),
    (r"(?<![\d./])(\d+) (\d+)/(\d+)(?![\d./])", r"\1又\2/\3"),
)


def _date(found: re.Match[str]) -> str:
    year, month, day = found[1], int(found[3]), int(found[4])
    return f"{year}年{month}月{day}日" if 1 <= month <= 12 and 1 <= day <= 31 else found[0]


# 三月五号 is written 3月5日. 08/16 is a date, since no fraction begins with 0.
_DATES: Final = rules(
    (r"(?<![\d./-])([12]\d{3})([-/.])(\d{1,2})\2(\d{1,2})(?![\d/-]|\.\d)[日号號]?", _date),
    (r"(?<![\d./-])([12]\d{3})(?:-0|/0?)([1-9]|(?<=/)1[0-2])(?![\d./-])", r"\1年\2月"),
    (r"(?<![\d./-])0([1-9])/0?([1-9]|(?<!0)[12]\d|(?<!0)3[01])(?![\d./-])", r"\1月\2日"),
    (r"(?<=年)0(?=\d月)|(?<=月)0(?=\d[日号號])|(?<![\d.])0(?=\d月\d{1,2}[日号號])", ""),
    (r"(?<=\d月)(\d{1,2})[号號](?![楼樓线線院])", r"\1日"),
)
#: After these, digits in groups are one number.
_CALLED: Final = (
    "(?:[电電][话話]|[热熱][线線]|手[机機]|座[机機]|[传傳]真|[号號][码碼]|致[电電]|[拨撥]打|[联聯][系繫]方式)"
    "(?:[号號][码碼])?[是为為:, ]*"
)
_TELEPHONES: Final = rules(
    (
        r"(?<![\dA-Za-z])(?<![\dA-Za-z] )\+ ?((?:86|85[23]|886|[1-9]\d?)[ -]?\(?\d[\d() -]{7,15}\d)"
        r"(?![\d元万萬亿億%.-])",
        lambda found: "加" + re.sub("[() -]", "", found[1]),
    ),
    ("(?<=加86)[, ]+(?=1[3-9][0-9])", ""),
    (r"(?<=加86)\d[\d -]{8,14}\d(?![\d-])", lambda found: re.sub("[ -]", "", found[0])),
    (
        rf"({_CALLED})"
        r"(\d{2,4}(?:[ -]\d{3,4}){1,3})(?![\d-]|[.,:]\d)",
        lambda found: found[1] + re.sub("[ -]", "", found[2]),
    ),
    (r"(?<![\d.,/-])(1[3-9]\d)([ -])(\d{4})\2(\d{4})(?![\d-]|[.,]\d)", r"\1\3\4"),
    (r"(?<![\d.,/-])\(?(0\d{2,3})(?:\) ?|[ -])(\d{3,4})[ -]?(\d{4})(?![\d-]|[.,]\d)", r"\1\2\3"),
    (r"(?<![\d.,/-])(09\d\d)([ -])(\d{3})\2(\d{3})(?![\d-]|[.,]\d)", r"\1\3\4"),
    (r"(?<![\d.,/-])\(?(0\d)(?:\) ?|[ -])(\d{4})[ -]?(\d{4})(?![\d-]|[.,]\d)", r"\1\2\3"),
    (r"(?<![\d.,/-])([48]00)-(\d{3,4})-?(\d{3,4})(?![\d-]|[.,]\d)", r"\1\2\3"),
    (r"(?<![\d.,/-])([48]00)( )(\d{3}) (\d{4})(?![\d-]|[.,]\d)", r"\1\3\4"),
)

_SCORED: Final = re.compile("比[分例率][为為是]?$")


def _clock(found: re.Match[str]) -> str:
    """Write a time of day; a full hour as 15点, since it is also written so in digits."""
    hour, minute, second = int(found["h"]), int(found["m"]), found["s"]
    if hour > 24 or minute > 59 or _SCORED.search(found.string[max(0, found.start() - 3) : found.start()]):
        return found[0]
    if minute == 0 and second is None:
        return f"{hour}点"
    return f"{hour}:{minute:02d}" + (f":{int(second):02d}" if second else "")


def _parted(found: re.Match[str]) -> str:
    """Write 三点半 and 三点一刻."""
    minute = {"半": "30", "一": "15", "1": "15", "三": "45", "3": "45"}[found["half"] or found["quarter"]]
    return f"{int(found['h'])}:{minute}" if int(found["h"]) <= 24 else found[0]


def _half_of_day(found: re.Match[str]) -> str:
    """Write 3:30 p.m. as 下午3:30."""
    if not 1 <= int(found["h"]) <= 12:
        return found[0]
    half = "上午" if found["half"] in "aA" else "下午"
    return f"{half}{int(found['h'])}:{found['m'] or '00'}" + (f":{found['s']}" if found["s"] else "")


def _score(found: re.Match[str]) -> str:
    """Write 3:1 and, where it is said to be a score, 2:15 with 比."""
    time_of_day = len(found[2]) == 2 and int(found[2]) < 60 and int(found[1]) <= 24
    if time_of_day and not _SCORED.search(found.string[max(0, found.start() - 3) : found.start()]):
        return found[0]
    return f"{found[1]}比{found[2]}"


_HOUR: Final = r"(?<![\d.:])(?P<h>\d{1,2})[点點时時]"
_TIMES: Final = rules(
    (
        rf"{START}(?P<h>\d{{1,2}})(?::(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?)? ?(?P<half>[ap])\.? ?m(?![a-z])\.?",
        _half_of_day,
    ),
    (rf"{_HOUR}(?P<m>[0-5]?\d)分(?:(?P<s>[0-5]?\d)秒)?(?![之钟鐘])", _clock),
    (rf"{_HOUR}(?P<m>[0-5]\d)(?P<s>)?(?![\d.:%‰年月日号號个個块塊元人分名位天次米])", _clock),
    (rf"{_HOUR}(?:(?P<half>半)(?![个個])|(?P<quarter>[一三13])刻[钟鐘]?)", _parted),
    (rf"({_HOUR})(?:[钟鐘整]|正(?=$|[,.!?。]))", r"\1"),
    (
        r"(?<![\d.:/-])(?P<h>\d{1,2}) ?: ?(?P<m>[0-5]\d)(?: ?: ?(?P<s>[0-5]\d))?(?![\d:]|\.\d)"
        r"(?:[点點](?![火名评評球燃赞讚击擊头頭亮开開菜餐单單])|分(?!之))?",
        _clock,
    ),
)
_LENGTHS: Final = rules((r"(?<=\d[时時分])[零〇0](?=\d[分秒])|(?<=\d小[时時])[零〇0](?=\d分)", ""))  # 1小时05分
#: After these, 98-101 is a score.
_BEATS: Final = (
    "(?:的比分|[险險大完小][胜勝]|惜[败敗]|[战戰][胜勝平]|[击擊][败敗]|不[敌敵]|力克|[轻輕]取"
    "|逆[转轉]|落[败敗]|[获獲取][胜勝])"
)
_SCORES: Final = rules(
    (r"(?<![\d.:/])(\d{1,3}):(\d{1,3})(?![\d:./])", _score),
    (
        r"(比分[是为為]?|以(?=.{0,9}[胜勝赢贏负負输輸击擊战戰领領]))(\d{1,3})-(\d{1,3})(?![\d.:/-])",
        r"\1\2比\3",
    ),
    (rf"(?<![\d.:/-])(\d{{1,3}})-(\d{{1,3}})(?={_BEATS})", r"\1比\2"),
)


def _range(found: re.Match[str]) -> str:
    """Write 5-10 as 5到10, unless it is a code or a score."""
    left, right = found[1], found[2]
    rising = float(left) < float(right) and not re.match(r"0\d", right) and len(right) < 10
    return f"{left}到{right}" if rising else found[0]


_DEGREES: Final = "度|[摄攝]氏|[华華]氏|%"
_LINKS: Final = rules(
    (rf"(?<![\dA-Za-z.,/:~+-])({NUM})(?:[至~-]|--)({NUM})(?![\dA-Za-z,/:~-]|\.\d)", _range),
    (r"(?<=\d[点點日号號年月元%时時岁歲度米克里])[至~-](?=\d)", "到"),
    (r"(?<=\d:\d\d)[至~-](?=[\d早晚上下中今明次])|(?<=\d[点點日年])[至~-](?=[早晚上下中今明次])", "到"),
    (rf"(?<![\dA-Za-z_{HAN}.)\]]){MINUS}(?={NUM}(?![\d-]))", "负"),
    (rf"(?<=[{HAN}])(?<![年月日号號点點到至第]){MINUS}(?={NUM}(?:{_DEGREES}))", "负"),
    (rf"(?<=[到至~]) ?{MINUS}(?={NUM}(?:{_DEGREES}))", "负"),
    (rf"(?<=[是为為等于於约約达達到至算得跌降低加减減乘除以升]){MINUS}(?={NUM}(?![\d-]))", "负"),
    (r"±(?=\d)", "正负"),
    (r"(?<=\d) ?\+ ?(?=\d)", "加"),
    (r"(?<=\d)(?: ?× ?|乘以)(?=\d)", "乘"),
    (r"(?<=\d) ?÷ ?(?=\d)", "除以"),
    (r"(?<=\d) ?= ?(?=[\d-])", "等于"),
)
_RULES: Final = (*_LAYOUT, *_SCALES, *_PARTS, *_DATES, *_TELEPHONES, *_TIMES, *_LENGTHS, *_SCORES, *AMOUNTS, *_LINKS)
