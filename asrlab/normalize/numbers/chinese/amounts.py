"""Money and measures in Chinese, their numbers in digits: 5块钱 and ¥5 to 5元, 5km and 5千米 to 5公里."""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.chinese.numerals import NUMERAL, decimal
from asrlab.normalize.numbers.chinese.rules import END, HAN, NUM, START, TO, rules
from asrlab.normalize.numbers.chinese.units import (
    COUNTER,
    CURRENCIES,
    ONE_COUNTER,
    PER,
    THOUSANDFOLD,
    UNITS,
    either,
    traditional,
)


def _coins(found: re.Match[str]) -> str:
    """Add up 三块五毛五."""
    return decimal(found["yuan"], f"{found['jiao'] or 0}{found['fen'] or 0}".rstrip("0")) + "元"


def _small_coins(found: re.Match[str]) -> str:
    return decimal("0", f"{found[1]}{found[2] or ''}".rstrip("0")) + "元"


def _tail(found: re.Match[str]) -> str:
    """Write 三块五, 一米八: what follows the unit are its decimals."""
    unit = found["unit"]
    decimals = found["tail"].rstrip("0") if unit in "块塊蚊" else found["tail"]
    return decimal(found["whole"], decimals) + ("元" if unit in "块塊蚊" else unit)


def _signed(found: re.Match[str]) -> str:
    end = f"到{found['to']}" if found["to"] else ""
    return f"{found['amount']}{end}{_SIGNS[found['sign'].lower()]}"


def _currency(found: re.Match[str]) -> str:
    return _AFTER[found[1].lower()]


def _longest_first(names: dict[str, str]) -> str:
    return "|".join(map(re.escape, sorted(names, key=lambda name: (-len(name), name))))


_SIGNS: Final = {sign: name for name, (signs, _) in CURRENCIES.items() for sign in signs}
_SIGN: Final = _longest_first(_SIGNS)
_AFTER: Final = {
    form: name
    for name, (_, others) in CURRENCIES.items()
    for other in (name, *others)
    for form in (other, traditional(other))
    if form != "元"
}
#: Names of currencies that also stand before the amount: 港币三百元.
_BEFORE: Final = {form: name for form, name in _AFTER.items() if form[-1] in "币幣金镑鎊" and name != "元"}
_ONE_YUAN: Final = "(?:块钱|塊錢|[块塊元圆圓蚊])"
#: 十块三个 is 10元, three for it; but 九块九包邮.
_NO_TAIL: Final = rf"(?![\d.]|[{NUMERAL}](?<!一(?={ONE_COUNTER}))|(?!包[邮郵])(?:{COUNTER}))"
#: Words after which 块 is money, not a piece of something.
_NO_PIECE: Final = (
    r"钱錢的了吗嗎呢吧啊呀左右多以上下一每就都不也还還是给給买買卖賣和跟到至那这這你我他她,.!?;:、。)\"\s"
)
_MONEY: Final = rules(
    (
        rf"(?<![\d.])(?P<yuan>\d+){_ONE_YUAN}[零又0]?(?P<jiao>\d)[毛角][钱錢]?(?:(?P<fen>\d)分?(?![\d之钟鐘]))?{END}",
        _coins,
    ),
    (rf"(?<![\d.])(?P<yuan>\d+){_ONE_YUAN}[零〇0]?(?P<jiao>)(?P<fen>\d)分(?![之钟鐘])", _coins),
    (rf"(?<![\d.])(?P<whole>\d+)(?P<unit>[块塊蚊])(?P<tail>\d{{1,2}}){_NO_TAIL}", _tail),
    (r"(?<![\d.])(\d+)[块塊蚊]半(?![个個])", r"\1.5元"),
    (
        rf"(?<![\d.块塊元])(\d)(?:毛(?:[钱錢]|(?=$|\d|[{_NO_PIECE}])(?!的))|角(?:[钱錢]|(?=$|[,.!?。])))(?:(\d)分?(?![\d之钟鐘]))?",
        _small_coins,
    ),
    (r"(?<![\d.])(\d)分[钱錢]", r"0.0\1元"),
    (rf"({NUM}[多几幾来來余餘]?)(?:[块塊元][钱錢]|蚊)", r"\1元"),
    (rf"({NUM}[多几幾来來余餘]?)[块塊](?=$|[{_NO_PIECE}])", r"\1元"),
    (rf"({NUM})[块塊](?=\d{{1,3}}(?:{COUNTER}))", r"\1元"),
    (r"(?<=\d)[圆圓](?![形周柱桌])|(?<=\d)元整", "元"),
    (rf"人民[币幣](?={NUM}元)", ""),
    (rf"({_longest_first(_BEFORE)})({NUM})(?:元|[块塊][钱錢]?)", lambda found: found[2] + _AFTER[found[1]]),
    (
        rf"(?<![A-Za-z])(?P<sign>{_SIGN}) ?(?P<amount>{NUM})(?:{TO}(?:(?P=sign))? ?(?P<to>{NUM}))?(?!\d|[.,]\d)"
        r"(?:元|美元|美金|欧元|歐元)?",
        _signed,
    ),
    (
        rf"(?<=\d) ?({_longest_first(_AFTER)})(?<![欧歐](?=[洲盟]))"
        r"(?![A-Za-z])",
        _currency,
    ),
    (r"(?<![\d.])(\d+)\.(\d*?)0+(?=元|[美欧港日韩澳加]元|英镑)", lambda found: decimal(found[1], found[2])),
)


def _names(units: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {form: unit for unit, others in units.items() for o in (unit, *others) for form in (o, traditional(o))}


#: What is written 5元/斤 and said 五元每斤.
_PRICED: Final = _names(dict.fromkeys(("元", *CURRENCIES, *UNITS, "人", "次", "台", "件", "吨", "字", "帧"), ()))


def _unit(found: re.Match[str]) -> str:
    return found[1] + _UNIT_NAMES[found[2].lower()]


def _speed(found: re.Match[str]) -> str:
    return _PER_NAMES[found[1].lower()]


def _per(found: re.Match[str]) -> str:
    """Write 每小时5公里 as 5公里每小时."""
    unit = "转" if found[3] in "转轉" else found[3]
    per = {"小": "小时", "分": "分钟", "秒": "秒"}.get(found[1][1], "小时")
    return f"{found[2]}{unit}每{per}"


_UNIT_NAMES: Final = _names(UNITS)
_PER_NAMES: Final = _names(PER)
_POWERED: Final = "(?:功率|[灯燈]|快充|[充供][电電]|[电電][机機器源]|音箱|音[响響]|[适適]配器|[瓦]数|[输輸]出)"
_MEASURES: Final = rules(
    (rf"(?<=\d)({_longest_first(_PRICED)})/(?=[{HAN}])", r"\1每"),
    (rf"(?<=\d) ?({_longest_first(_PER_NAMES)})(?![A-Za-z0-9])", _speed),
    (rf"{START}({NUM}) ?(?-i:M)(?![A-Za-z0-9/'])", r"\1兆"),  # in lower case it would be metres
    # 60W is 60瓦 on its own and with what has a power; elsewhere it may be 60万
    (rf"\A({NUM}) ?(?-i:W)(?=[ ,.!?。]*\Z)", r"\1瓦"),
    (rf"({_POWERED}[^\d,.。!?;]{{0,6}}{NUM}) ?W(?![A-Za-z0-9])", r"\1瓦"),
    (rf"{START}({NUM}) ?W(?=的?{_POWERED})", r"\1瓦"),
    # 5G, 4G and 128G are no weights, and 4S and 6s no times
    (
        rf"{START}(?!(?:[1-9]|16|32|64|128|256|512) ?g(?![A-Za-z])|\d ?s(?![A-Za-z]))"
        rf"({NUM}) ?({_longest_first(_UNIT_NAMES)})"
        r"(?![A-Za-z0-9/']|汞)",
        _unit,
    ),
    *(
        (rf"(?<![\d.])(\d+)(?:000|千){either(unit)}(?![每/汞])", rf"\1{thousand}")
        for unit, thousand in THOUSANDFOLD.items()
    ),
    (rf"(?<![\d.])(?P<whole>\d)(?P<unit>米)(?P<tail>\d{{1,2}})(?![\d.米:]|{COUNTER})", _tail),
    (
        rf"(?<![\d.])(?P<whole>\d+)(?P<unit>[度])(?P<tail>\d)(?![\d.度]|{COUNTER}|[{HAN}](?<![的了左以多和吗吧就还是比]))",
        _tail,
    ),
    (rf"(?<![\d.])(?P<whole>\d+)(?P<unit>秒)(?P<tail>\d{{1,2}})(?![\d.秒]|{COUNTER})", _tail),
    (rf"(每[小分秒][时時钟鐘]?|[时時]速)({NUM})(公里|米|[转轉]|次)(?!每)", _per),
    (rf"(?:[时時]速|每小[时時])[为為是]?({NUM}公里每小时)", r"\1"),
    (rf"([时時]速[^\d,.]{{1,6}}{NUM}公里)每小时", r"\1"),
    (rf"零下({NUM})(?=度|[摄攝]氏|[华華]氏)", r"负\1"),
    # 35℃ is read with 摄氏 or without; without it is only sure to be a temperature where one is spoken of
    (rf"(?<=[温溫烧燒热熱])([^\d,.。!?;]{{0,8}}[负負-]?{NUM}(?:{TO}[负負-]?{NUM})?)[摄攝]氏度", r"\1度"),
    (rf"([负負]{NUM})[摄攝]氏度", r"\1度"),
)
AMOUNTS: Final = (*_MONEY, *_MEASURES)
