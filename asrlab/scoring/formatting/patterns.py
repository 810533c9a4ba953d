"""Patterns of numbers: how each class is written in a text whose numbers are in one form, language by language.

Patterns are tried in order, and the first that matches at a place is taken; so a language's own come first, then what
all languages have, then what is left.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from asrlab.normalize.numbers.chinese.units import CURRENCIES, PER, UNITS, either
from asrlab.normalize.numbers.english.words import split

if TYPE_CHECKING:
    from collections.abc import Iterable

_LATIN: Final = r"A-Za-z\u00c0-\u024f\u0370-\u052f"
#: No number goes on before this place, nor a word in letters.
_START: Final = rf"(?<![\d{_LATIN}])(?<!\d[.,:/])"
_END: Final = rf"(?![\d{_LATIN}])"
_MINUS: Final = r"(?:(?<![\w)])[-−])?"
_N: Final = rf"{_START}{_MINUS}\d+(?:[.,]\d+)*(?![.,:/]\d)"
_SIGNS: Final = "$£€¥₹₩₽₿฿¢"
_SCALE: Final = r"(?:\s?(?:thousand|million|billion|trillion|bn|mn|k|Mio\.?|Mrd\.?)(?!\w))?"
YEAR: Final = r"(?:1[0-9]|20)\d\d"
_CODES: Final = "usd|eur|gbp|chf|jpy|cny|rmb|inr|aud|cad"
_EN_MONTHS: Final = (
    "january|february|march|april|may|june|july|august|september|october|november|december|"
    "jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
)
_EN_MONEY: Final = (
    "dollars?|cents?|pence|p(?:ounds? sterling)|pounds?|quid|bucks|euros?|yen|yuan|renminbi|rupees?|rou?bles?|francs?|"
    "pesos?|won|shekels?|reais|kronor|kroner?"
)
_EN_UNITS: Final = (
    "kmh|km/h|kph|mph|m/s|mps2?|mpg|rpm|bpm|[kmg]bps|fps|dpi|psi|ppm|km2|km²|m2|m²|cm2|cm²|m3|m³|cm3|cm³|sq\\.? ?ft|"
    "sq\\.? ?mi|sq\\.? ?in|cu\\.? ?ft|fl oz|mm ?hg|mg per dl|g per l|mmol/l|mg/dl|"
    "(?:square |cubic )?(?:kilo|centi|milli|nano|micro)?met(?:re|er)s?(?: per (?:second|hour))?|"
    "(?:square )?miles?(?: (?:per|an) (?:hour|gallon))?|(?:square |cubic )?(?:feet|foot|inch(?:es)?|yards?)|"
    "(?:kilo|milli|micro)?gram(?:me)?s?|kilos?|(?:milli|centi|deci)?lit(?:re|er)s?|tonnes?|tons?|"
    "(?:fluid )?ounces?|stones?|pints?|quarts?|gallons?|cups?|tea ?spoons?|table ?spoons?|hectares?|acres?|"
    "degrees?(?: (?:celsius|fahrenheit|centigrade|[cf]))?|°(?: ?[cf])?|"
    "(?:kilo|mega|giga|milli)?watts?(?:[ -]hours?)?|(?:kilo)?volts?|(?:milli)?amps?|(?:milli)?amperes?|decibels?|"
    "(?:kilo|mega|giga)?hertz|(?:kilo|mega|giga|tera|peta)?bytes?|(?:mega|giga)?bits?|(?:mega)?pixels?|"
    "(?:kilo)?calories|kilocalories|horsepower|(?:kilo)?joules?|(?:kilo)?pascals?|ohms?|"
    "(?:milli|nano)?seconds?|minutes?|hours?|msecs?|secs?|mins?|hrs?|"
    "km|cm|mm|nm|mi|yd|ft|kg|mg|mcg|lbs?|oz|ml|cl|dl|pt|qt|gal|ha|tsp|tbsp|gb|mb|kb|tb|pb|ghz|mhz|khz|hz|kwh|kw|gw|mw|"
    "kv|mah|ma|db|kcal|cal|hp|kj|kpa|ms|ns|mp|px|iu|m|g|l|v|w"
)
_DAY_PARTS: Final = r"in the (?:morning|evening|afternoon)|at night|o'?clock"

_OTHER_UNITS: Final = (
    r"km/h|kmh|км/ч|min|std|sek|мин|сек|mph|ms|km|cm|mm|kg|mg|ml|cl|kwh|kw|mhz|ghz|khz|gb|mb|m2|m3|m²|°c?|m|g|l|t|"
    r"кг|км|см|мм|мл|м|г|л|"
    r"kilom\w+|centim\w+|zentim\w+|millim\w+|quil[oô]m\w+|chilom\w+|(?:kilo|quilo|chilo|milli|mili)?gram\w*|"
    r"met(?:er|ros?|ri|re)|mètres?|metros?|metri|lit(?:er|res?|ros?|ri)|grad[iosu]*|degr[eé]s|graus|"
    r"tonnen?|tonel\w+|tonn\w+|stunden?|minuten?|sekunden?|minut[eiosa]+|"
    r"second\w+|segund\w+|secondes?|ore|horas|heures|"
    r"градус\w*|километр\w*|метр\w*|килограмм\w*|грамм\w*|литр\w*|тонн\w*|минут\w*|секунд\w*|часа?|часов"
)
_OTHER_MONEY: Final = (
    r"euros?|dollar[os]?|dollars?|dólares|dollari|pfund|livres|libras|sterline|reais|real|yen|franken|francs?|рубл\w*|"
    r"доллар\w*|евро|копе\w*|cent(?:imes|esimi|avos|s)?|céntimos|долл\."
)
#: Ordinals as they are written in digits; in German a bare point, as 21., is written by the number forms as 21te.
_OTHER_ORDINALS: Final = (
    r"te[rnsm]?|(?:er|re|ère|nde?|e|ème|eme)|\.?[ºª°]|\.?(?:er|o|a)[ºª]?|[oa]s?|-?(?:й|я|е|го|му|м|х|ой|ый|ая|ое|ом|ым)"
)
_JA_UNITS: Final = (
    "キロメートル|センチメートル|ミリメートル|平方メートル|メートル|キログラム|ミリグラム|グラム|キロ|センチ|ミリ|"
    "リットル|ミリリットル|トン|時間半?|分間?|秒間?|度|℃|km/h|km|cm|mm|kg|mg|ml|g|m|l"
)
NOT_A_DAY: Final = (
    "[楼樓线線站院机機柜台店路仓倉桌床馆館球种種窗出登车車厅井坑场場门門房室选選公队隊员員病宿教文机令地電电电码碼码]"
)

_CLOCK: Final = r"\d{1,2}:[0-5]\d(?::[0-5]\d)?(?![\d:])"
#: In all languages, after what is a language's own and before what is left.
_ANYWHERE: Final = (
    ("code", rf"{_START}\d+(?:\.\d+){{2,}}(?!\.?\d)"),
    (
        "date",
        rf"{_START}(?:\d{{4}}-\d{{1,2}}-\d{{1,2}}|\d{{1,2}}/\d{{1,2}}/\d{{2,4}}|\d{{1,2}}\.\d{{1,2}}\.\d{{4}}){_END}",
    ),
    ("time", rf"{_START}{_CLOCK}"),
    ("money", rf"(?:US|CA|AU|NZ|HK|NT|[CASR])?(?<!\d)-?[{_SIGNS}]-?\s?\.?\d+(?:[.,]\d+)*{_SCALE}"),
    ("money", rf"{_N}\s?[{_SIGNS}](?!\d)"),
    ("money", rf"(?<!\w)(?:{_CODES})\s?\d+(?:[.,]\d+)*{_SCALE}|{_N}{_SCALE}\s?(?:{_CODES})(?!\w)"),
    ("percent", rf"{_N}\s?[%‰]"),
    # +49 30 1234567, (212) 555-0123, 555-0142, 020 7946 0958; a space alone parts two numbers unless a zero leads.
    (
        "phone",
        rf"{_START}(?:\+\d[\d ().-]{{6,18}}\d|\(\d{{2,5}}\)[ -]?\d{{2,4}}(?:[ -]?\d{{2,4}}){{1,3}}|"
        rf"\d{{2,4}}(?:[-.]\d{{3,4}}){{1,3}}(?![\d.-])(?<=\d{{4}})|1-\d{{3}}-\d{{3}}-\d{{4}}|"
        rf"0\d{{1,4}}(?:[ -]\d{{2,4}}){{2,4}}){_END}",
    ),
    ("phone", rf"{_START}0\d{{8,12}}{_END}|{_START}1[3-9]\d{{9}}{_END}"),
)
_REST: Final = (
    ("fraction", rf"{_START}(?:\d+[ 又])?\d+[/⁄]\d+(?![/\d])"),
    (
        "code",
        r"(?<![A-Za-z\d])(?=[A-Za-z\d-]*\d)(?!(?:mid|pre|post|non|sub|over|under)-)"
        r"(?:[A-Za-z]+-?\d+(?:-?[A-Za-z\d]+)*|\d+(?:[A-Za-z]+\d[A-Za-z\d]*|[A-Za-z]{1,2}))(?![A-Za-z\d])",
    ),
    ("decimal", rf"{_START}{_MINUS}(?:\d+[.,]|(?<!\w)\.)\d+(?![.,:/]?\d)"),
    ("cardinal", rf"{_START}{_MINUS}\d+(?:[,.']\d{{3}})*(?!\d)|\d+"),
)
_ENGLISH: Final = (
    (
        "date",
        rf"(?<!\w)(?:{_EN_MONTHS})\.?\s+(?:the\s+)?\d{{1,2}}(?:st|nd|rd|th)?(?![\d%]|[.:,/]\d|\s?[ap]\.?m)"
        rf"(?:,?\s+{YEAR}(?!\d))?(?!\s(?:percent|people|times))",
    ),
    ("date", rf"{_START}\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?(?:{_EN_MONTHS})\.?(?!\w)(?:,?\s+{YEAR}(?!\d))?"),
    ("date", rf"(?<!\w)(?:{_EN_MONTHS})\.?,?\s+(?:of\s+)?{YEAR}(?!\d)"),
    ("date", r"(?<![\d\w])(?:'?\d0|(?:1[0-9]|20)\d0)'?s(?!\w)"),
    ("time", rf"{_START}\d{{1,2}}(?:[:.]\d\d){{0,2}}\s?[ap]\.?\s?m(?!\w)\.?"),
    (
        "time",
        rf"{_START}\d{{1,2}}(?:[:.][0-5]\d)?(?=\s(?:{_DAY_PARTS})(?!\w))(?:\so'?clock)?"
        rf"|{_START}\d{{3,4}}(?=\sin the (?:morning|evening|afternoon))",
    ),
    ("time", rf"{_START}[0-2]\d[0-5]\d hours(?!\w)"),
    (
        "money",
        rf"{_N}{_SCALE}\s(?:(?:us|u\.s\.|canadian|australian|hong kong)\s)?(?:{_EN_MONEY})(?!\w)"
        rf"(?:\s(?:and\s)?\d+\s(?:cents?|pence)(?!\w))?",
    ),
    ("percent", rf"{_N}\s?(?:percent|per cent)(?:age points?)?(?!\w)"),
    ("ordinal", rf"{_START}\d+(?:,\d{{3}})*(?:st|nd|rd|th)(?!\w)"),
    ("measure", rf"{_N}{_SCALE}[ -]?(?:{_EN_UNITS})(?![\w/])(?:\s(?:and\s)?\d+\s?(?:{_EN_UNITS})(?![\w/]))*"),
)
_ENGLISH_REST: Final = (
    ("decimal", rf"{_START}{_MINUS}\d+\.\d+\s(?:thousand|million|billion|trillion)(?!\w)"),
    ("cardinal", rf"{_START}{_MINUS}\d+(?:,\d{{3}})*\s?(?:thousand|million|billion|trillion|k|bn)(?!\w)"),
)


def _either(words: Iterable[str]) -> str:
    return "|".join(either(re.escape(word)) for word in sorted(set(words), key=lambda word: (-len(word), word)))


_ZH_UNITS: Final = _either(
    [form for table in (UNITS, PER) for word, forms in table.items() for form in (word, *forms)]
    + split("斤 吨 里 丈 尺 寸 平方 立方 千米 千克 兆 海里 加仑 光年 卡路里")
)
_ZH_MONEY: Final = _either(
    [
        form
        for word, (_, forms) in CURRENCIES.items()
        for form in (word, *forms)
        if form not in {"$", "€", "£", "₽", "₹", "฿"}
    ]
    + split("块钱 块 毛钱 毛 角钱 角 分钱 圆 蚊 美分 法郎 比索")
)
_ZH_N: Final = rf"{_N}(?:[多余餘几幾])?(?:[十百千]?[万萬亿億]|[百千](?![克米瓦卡帕赫伏]))*(?:[多余餘])?"
_CHINESE: Final = (
    ("date", rf"(?:公元前?|西元前?)?{_START}\d{{2,4}}年\d{{1,2}}月(?:份|底|初|中旬|\d{{1,2}}(?!\d)[日号號]?)?"),
    (
        "date",
        rf"(?:公元前?|西元前?){_START}\d{{1,4}}年|{_START}(?:1[0-9]|20|21)\d\d年(?!级|級|代)"
        rf"|{_START}[5-9]\d年(?=生|级|級|出生|毕业|畢業)",
    ),
    ("date", rf"{_START}\d{{1,2}}月(?:份|\d{{1,2}}(?!\d)[日号號]?)?"),
    ("date", rf"{_START}(?:\d{{1,2}}世[纪紀])?\d{{2,4}}年代|{_START}\d{{1,2}}世[纪紀]"),
    ("date", rf"{_START}(?:[1-9]|[12]\d|3[01])(?:日(?![元圆圓]|均)|[号號](?!{NOT_A_DAY}))"),
    ("time", rf"{_START}{_CLOCK}(?:分|[点點])?"),
    (
        "time",
        rf"{_START}\d{{1,2}}[点點时時](?!间|間|候|[代期常尚])(?:\d{{1,2}}分(?:\d{{1,2}}秒)?(?!之|钟|鐘)"
        rf"|[0-5]\d(?![\d.%年月日个個块塊元人])|半(?![个個])|[一三13]刻[钟鐘]?|[钟鐘整])?",
    ),
    ("money", rf"{_ZH_N}[ ]?(?:{_ZH_MONEY})(?![月桥年件]|的?地|(?<=块)(?:石|地|砖|布))"),
    ("percent", rf"百分之{_MINUS}\d+(?:\.\d+)?|千分之\d+(?:\.\d+)?|{_N}[个個]?百分[点點]|[负負]{_N}\s?[%‰]"),
    ("fraction", rf"{_START}\d+分之\d+"),
    ("ordinal", rf"第\s?{_MINUS}\d+"),
    (
        "measure",
        rf"(?:[负負]|零下)?{_ZH_N}[个個]?半?[ ]?(?:{_ZH_UNITS})半?(?![A-Za-z])(?:\d+[ ]?(?:{_ZH_UNITS})(?![A-Za-z]))*",
    ),
    ("phone", rf"加\d{{8,15}}(?!\d)|{_START}[48]00\d{{7}}(?!\d)|{_START}0\d{{2,3}}[- ]\d{{4}}[- ]?\d{{3,4}}(?!\d)"),
)
_CHINESE_REST: Final = (
    ("cardinal", rf"{_START}\d+比\d+(?!\d)"),
    ("decimal", rf"[负負]?{_START}{_MINUS}\d+\.\d+(?:[十百千]?[万萬亿億])*(?![.\d])"),
    ("cardinal", rf"[负負]?{_START}{_MINUS}\d+(?:,\d{{3}})*(?:[十百千]?[万萬亿億]|[百千](?![克米瓦卡帕赫伏]))+(?!\d)"),
    ("cardinal", rf"[负負]{_START}\d+(?![\d.])"),
)
_JAPANESE: Final = (
    (
        "date",
        rf"(?:令和|平成|昭和|大正|明治)(?:\d{{1,2}}|元)年(?:\d{{1,2}}月(?:\d{{1,2}}日)?)?"
        rf"|{_START}\d{{2,4}}年\d{{1,2}}月(?:\d{{1,2}}日)?",
    ),
    (
        "date",
        rf"{_START}(?:1[0-9]|20)\d\d年(?!間)|{_START}\d{{1,2}}月(?:\d{{1,2}}日)?|{_START}\d{{1,2}}日(?!間|目)"
        rf"|{_START}\d{{2,4}}年代|{_START}\d{{1,2}}世紀",
    ),
    ("time", rf"{_START}\d{{1,2}}時(?!間)(?:\d{{1,2}}分(?!間)|半)?"),
    ("money", rf"{_N}(?:[万億兆]\d*)*(?:円|ドル|ユーロ|ポンド|元|ウォン)"),
    ("percent", rf"{_N}(?:パーセント|%)"),
    ("fraction", rf"{_START}\d+分の\d+"),
    ("ordinal", rf"第\d+|{_START}\d+(?:番目|回目|人目|日目|年目|つ目|位)"),
    ("measure", rf"(?:氷点下|マイナス)?{_N}(?:{_JA_UNITS})(?![A-Za-z])(?:\d+(?:{_JA_UNITS}))*"),
)


def _european(preset: str) -> tuple[tuple[str, str], ...]:
    months = _MONTHS.get(preset, "(?!)")
    ordinals = rf"{_START}\d+(?:{_OTHER_ORDINALS})(?!\w)"
    return (
        (
            "date",
            rf"{_START}\d{{1,2}}(?:\.|er|º|°|o|-?(?:го|е))?\s+(?:de\s+)?(?:{months})(?!\w)"
            rf"(?:\s+(?:del?\s+)?{YEAR}(?!\d)(?:\s+год[ауе]?)?)?",
        ),
        (
            "date",
            rf"(?<!\w)(?:{months})\s+(?:del?\s+)?{YEAR}(?!\d)|{_START}{YEAR}(?=\s+год)|{_START}\d0(?:er|s|-[хе])(?!\w)",
        ),
        (
            "time",
            rf"{_START}\d{{1,2}}(?:[:.][0-5]\d)?\s?uhr(?:\s?\d\d)?(?!\w)|{_START}\d{{1,2}}\s?h(?:\s?[0-5]\d)?(?!\w)",
        ),
        ("time", rf"{_START}\d{{1,2}}\s(?:часов|часа?)(?:\s\d{{1,2}}\sминут\w?)|(?<=ore ){_START}\d{{1,2}}(?!\d)"),
        (
            "money",
            rf"{_N}{_SCALE}\s(?:(?:millionen|milliarden|millions?|milliards?|millones|milhões|bilhões|"
            rf"milioni|miliardi|de|d'|di)\s?)*(?:{_OTHER_MONEY})(?!\w)",
        ),
        ("percent", rf"{_N}\s(?:prozent|pour cent|por ciento|por cento|per cento|процент\w*)(?!\w)"),
        ("ordinal", ordinals),
        ("measure", rf"{_N}\s?(?:{_OTHER_UNITS})(?![\w/])"),
    )


#: Names of months, as they stand after a day.
_MONTHS: Final = {
    "de": "januar|jänner|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember",
    "fr": "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre",
    "es": "enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|setiembre|octubre|noviembre|diciembre",
    "pt": "janeiro|fevereiro|março|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro",
    "it": "gennaio|febbraio|marzo|aprile|maggio|giugno|luglio|agosto|settembre|ottobre|novembre|dicembre",
    "ru": "января|февраля|марта|апреля|мая|июня|июля|августа|сентября|октября|ноября|декабря",
}


def _union(parts: Iterable[tuple[str, str]]) -> re.Pattern[str]:
    """Put patterns together, each with the class it finds; of those that begin at one place the first is taken."""
    return re.compile("|".join(f"(?P<{name}_{n}>{pattern})" for n, (name, pattern) in enumerate(parts)), re.IGNORECASE)


@cache
def pattern_of(preset: str) -> re.Pattern[str]:
    """Give the pattern of all numbers of a language: its groups are named by class, with a number after."""
    if preset in {"zh", "yue"}:
        return _union((*_CHINESE, *_ANYWHERE, *_CHINESE_REST, *_REST))
    if preset == "ja":
        return _union((*_JAPANESE, *_ANYWHERE, *_REST))
    if preset == "en":
        return _union((*_ENGLISH, *_ANYWHERE, *_ENGLISH_REST, *_REST))
    return _union((*_european(preset), *_ANYWHERE, *_REST))
