"""Units of measure and money in English: ``5 kg``, ``60 kmh``, ``20%``, ``$3.50`` for all the ways to write them."""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.english.words import END, Quantity, quantity, times_power

_METRE: Final = "met(?:re|er)s?"
_SQUARE: Final = r"(?:square|sq\.?)\s+"
_CUBIC: Final = r"(?:cubic|cu\.?)\s+"
_PER: Final = r"(?:\s+(?:per|an?)\s+|\s?/\s?)"
_HOUR: Final = "(?:hours?|hr?)"
_SECOND: Final = "(?:seconds?|secs?|s)"
_KM: Final = f"(?:kilo{_METRE}|kms?)"
#: A unit as it is written here, and a pattern for the ways to say and write it. What is read first stands first.
#: Words of time stay as they are said: "a five minute walk" is not "five minutes".
_UNITS: Final = {
    "kmh": f"{_KM}{_PER}{_HOUR}|kmph|kph|kmh|km\\.h",
    "mph": rf"miles?{_PER}{_HOUR}|mi{_PER}h|mph|m\.p\.h\.?",
    "mps2": rf"{_METRE}{_PER}{_SECOND}\s+(?:squared|{_PER.strip()}{_SECOND})|m/s(?:2|\^2)|mps2",
    "mps": f"{_METRE}{_PER}{_SECOND}|m/s(?:ec)?|mps",
    "kmps": f"{_KM}{_PER}{_SECOND}",
    "mpg": f"miles?{_PER}gallon|mpg",
    "mbps": rf"megabits?{_PER}{_SECOND}|mbps|mbit/s",
    "gbps": rf"gigabits?{_PER}{_SECOND}|gbps|gbit/s",
    "kbps": rf"kilobits?{_PER}{_SECOND}|kbps|kbit/s",
    "rpm": r"revolutions\s+per\s+minute|rpm",
    "bpm": r"beats\s+(?:per|a)\s+minute|bpm",
    "fps": r"frames\s+(?:per|a)\s+second|fps",
    "dpi": r"dots\s+per\s+inch|dpi",
    "psi": r"pounds\s+per\s+square\s+inch|psi",
    "km2": f"{_SQUARE}{_KM}|km(?:2|\\^2)|sq\\.?\\s?km",
    "m2": f"{_SQUARE}{_METRE}|m(?:2|\\^2)|sq\\.?\\s?m|sqm",
    "cm2": f"{_SQUARE}centi{_METRE}|cm(?:2|\\^2)|sq\\.?\\s?cm",
    "sq ft": rf"{_SQUARE}(?:foot|feet|ft)|sq\.?\s?ft\.?|ft(?:2|\^2)",
    "sq mi": rf"{_SQUARE}(?:miles?|mi)",
    "sq in": rf"{_SQUARE}(?:inch(?:es)?|in\b)",
    "m3": f"{_CUBIC}{_METRE}|m(?:3|\\^3)|cu\\.?\\s?m",
    "cm3": f"{_CUBIC}centi{_METRE}|cm(?:3|\\^3)",
    "cu ft": rf"{_CUBIC}(?:foot|feet|ft)|ft(?:3|\^3)",
    "degrees celsius": r"degrees?\s+(?:celsius|c)|°\s?(?:c(?:elsius)?)",
    "degrees fahrenheit": r"degrees?\s+(?:fahrenheit|f)|°\s?(?:f(?:ahrenheit)?)",
    "degrees centigrade": r"degrees?\s+centigrade",
    "degrees": r"degrees?|°|deg\b\.?",
    "km": _KM,
    "cm": f"centi{_METRE}|cms?",
    "mm": f"milli{_METRE}|mms?",
    "nm": f"nano{_METRE}|nm",
    "micrometers": f"micro{_METRE}|[μµ]m",
    "m": f"{_METRE}|m",
    "mi": "miles?|mi",
    "yd": "yards?|yds?",
    "ft": r"feet|ft\.?|foot|'(?=\s+(?:tall|long|wide|high|deep)\b)",
    "kg": "kilograms?|kilogrammes?|kgs?|kilos?",
    "mg": "milligrams?|milligrammes?|mgs?",
    "mg per dl": f"milligrams?{_PER}decilit(?:re|er)|mg{_PER}dl",
    "g per l": f"grams?{_PER}lit(?:re|er)|g{_PER}l",
    "mmhg": r"millimet(?:re|er)s\s+of\s+mercury|mm\s?hg",
    "mcg": "micrograms?|mcg|[μµ]g",
    "g": "grams?|grammes?|g(?:ms?|rs?)?",
    "lb": r"lbs?\.?",
    "fl oz": r"fluid\s+ounces?|fl\.?\s?oz\.?",
    "oz": r"ounces?|oz\.?",
    "ml": "millilit(?:re|er)s?|mls?",
    "cl": "centilit(?:re|er)s?|cl",
    "dl": "decilit(?:re|er)s?|dl",
    "l": "lit(?:re|er)s?|l",
    "cups": "cups?",
    "pt": "pints?|pt",
    "qt": "quarts?|qt",
    "gal": r"gallons?|gals?\.?",
    "ha": "hectares?|ha",
    "tsp": r"teaspoons?|tsps?\.?",
    "tbsp": r"tablespoons?|tbsps?\.?",
    "gb": "gigabytes?|gb",
    "mb": "megabytes?|mb",
    "kb": "kilobytes?|kb",
    "tb": "terabytes?|tb",
    "ghz": "gigahertz|ghz",
    "mhz": "megahertz|mhz",
    "khz": "kilohertz|khz",
    "hz": "hertz|hz",
    "kwh": r"kilowatt[\s-]hours?|kwh",
    "kw": "kilowatts?|kw",
    "gw": "gigawatts?|gw",
    "megawatts": "megawatts?",
    "milliwatts": "milliwatts?",
    "w": "watts?|w",
    "v": "volts?|v",
    "kv": "kilovolts?|kv",
    "mah": r"milliamp(?:ere)?[\s-]hours?|mah",
    "amps": "amps?|amperes?",
    "db": "decibels?|db",
    "kcal": "kilocalories?|kcal",
    "cal": "calories?|cals?",
    "hp": "horsepower|hp",
    "kj": "kilojoules?|kj",
    "kpa": "kilopascals?|kpa",
    "ms": "milliseconds?|ms|msecs?",
    "ns": "nanoseconds?|ns",
    "mp": "megapixels?|mp",
    "px": "pixels?|px",
    "ppm": r"parts\s+per\s+million|ppm",
    "iu": r"international\s+units|iu",
    "pb": "petabytes?|pb",
    "ma": "milliamps?|milliamperes?|ma",
    "ohms": "ohms?|Ω",
    "joules": "joules?|j",
    "yuan": "yuan|rmb|cny",
    "swiss francs": r"swiss\s+francs?|chf",
    "rubles": "rou?bles?",
    "seconds": r"seconds|secs?\.?",
    "second": "second",
    "minutes": r"minutes|mins?\.?",
    "minute": "minute",
    "hours": r"hours|hrs?\.?",
    "hour": "hour",
}
_CANONICAL: Final = tuple(_UNITS)
_SPAN: Final = frozenset({"seconds", "minutes", "hours"})
_UNIT: Final = re.compile(rf"(\s*|-)(?:{'|'.join(f'({pattern})' for pattern in _UNITS.values())})(?![\w/]|'\w|°)")
#: Units that only case tells apart.
_MEGA: Final = re.compile(r"\s?(?:(MW)|(mW)|(Mb))(?!\w)")
_PERCENT: Final = re.compile(rf"(?:\s*%|(?:\s+|-)(?:per\s?cent|pct){END}\.?(?!\w))(?!age)")
_INCHES: Final = re.compile(r"(?:(?:\s+|-)(inch(?:es)?)|in|(\")(?=\s|$)|\s+in\.(?=\s+[a-z]))(?!\w)")
_FEET_INCHES: Final = re.compile(
    r"(?:(?:\s*|-)(?:feet|foot|ft\.?)|')(?:\s+|-)?(?:and\s+)?(?P<inches>[0-9]{1,2}(?:\.[0-9]+)?|[a-z]+)"
    r"(?P<unit>(?:\s*|-)(?:inch(?:es)?|ins?\.?|\"|''))?(?!\w|\s+(?:of|people|times))"
)
_INCHES_SAID: Final = re.compile(r"(?:\s+|-)inch(?:es)?(?!\w)")
_WEIGHT: Final = re.compile(
    r"\b(?:weigh\w*|los[ei]\w*|lost|gain\w*|lift\w*|heav\w*|shed|carr[yi]\w*|load|luggage|baby|dog|fish|dumbbells?|"
    r"bench\w*|drop\w*)\b[^.;!?]*$"
)

_CODES: Final = {
    "usd": "us$",
    "eur": "€",
    "gbp": "£",
    "jpy": "¥",
    "inr": "₹",
    "cad": "c$",
    "aud": "a$",
    "us$": "us$",
    "ca$": "c$",
    "c$": "c$",
    "au$": "a$",
    "a$": "a$",
    "nz$": "nz$",
    "hk$": "hk$",
    "s$": "s$",
    "rs": "₹",
    "rs.": "₹",
    "$": "$",
    "€": "€",
    "£": "£",
    "¥": "¥",
    "₹": "₹",
    "₩": "₩",
    "₽": "₽",
    "₿": "₿",
}
_SIGN: Final = re.compile(
    rf"(-?)({'|'.join(re.escape(code) for code in sorted(_CODES, key=len, reverse=True))})(-?)\s?(?=\.?[0-9])"
)
_SHORT_SCALE: Final = re.compile(r"\s?(k|mm?n?|bn?|tn?)(?!\w|'\w)")
_SHORT: Final = {"k": 3, "m": 6, "mn": 6, "mm": 6, "mmn": 6, "b": 9, "bn": 9, "t": 12, "tn": 12}
_CURRENCY: Final = re.compile(
    r"(?:\s+|-)?(?:"
    r"(?P<us>(?:u\.?\s?s\.?|american|united\s+states)\s+dollars?|usd|us\$)|(?P<ca>canadian\s+dollars?|cad)|"
    r"(?P<au>australian\s+dollars?|aud)|(?P<nz>new\s+zealand\s+dollars?|nzd)|(?P<hk>hong\s+kong\s+dollars?|hkd)|"
    r"(?P<sg>singapore\s+dollars?|sgd)|(?P<usd>dollars?|\$)|(?P<eur>euros?|eur|€)|"
    r"(?P<gbp>pounds?(?:\s+sterling)?|gbp|£|quid(?=\s+sterling))|(?P<jpy>(?:japanese\s+)?yen|jpy)|"
    r"(?P<inr>(?:indian\s+)?rupees?|inr))(?![\w]|'\w)"
)
_SIGNS: Final = {
    "us": "us$",
    "ca": "c$",
    "au": "a$",
    "nz": "nz$",
    "hk": "hk$",
    "sg": "s$",
    "usd": "$",
    "eur": "€",
    "gbp": "£",
    "jpy": "¥",
    "inr": "₹",
}
_TO_MINOR: Final = re.compile(r",?\s+(?:and\s+)?(?=[0-9a-z])")
_CENTS: Final = re.compile(r"(?:\s+|-)?(cents?|¢)(?!\w|'\w)")
_PENCE: Final = re.compile(r"(?:(?:\s+|-)(?:pence|p|penny)|(?:pence|p))(?!\w|'\w|\.?\s?m\b|[.]\s?[a-z])")
_MONEY_NOUN: Final = re.compile(
    r"(?:\s+|-)(?:notes?|coins?|fines?|fees?|tickets?|bets?|prizes?|vouchers?|bills?|grants?|loans?|gifts?|deals?|budgets?|"
    r"donations?|rewards?|increases?|cuts?|rises?|bonus|bonuses|discounts?|contracts?|investments?|funds?|debts?|homes?|"
    r"houses?|cars?|meals?|profits?|payments?|salary|salaries)\b"
)
_POUNDS_OF: Final = re.compile(
    r"\s+(?:of|per|overweight|heavier|lighter|in\s+weight)\b|(?:\s+|-)(?:[0-9]+|[a-z]+)\s+(?:ounces?|oz)\b"
)
_END_OF_AMOUNT: Final = re.compile(
    r"\s*(?:$|[.,;!?)]|(?:for|and|a|an|each|per|to|in|on|at|or|from|is|was|i|you|he|she|we|they|please)\b)"
)


def percent(low: str, read: Quantity) -> tuple[str, int] | None:
    """Read what follows a number as percent."""
    found = _PERCENT.match(low, read.end)
    return (f"{read.digits}%", found.end()) if found and "/" not in read.digits else None


def measure(  # noqa: PLR0911  # one return a kind of unit
    text: str, low: str, at: int, read: Quantity
) -> tuple[str, int] | None:
    """Read what follows a number as a unit of measure."""
    if feet := _feet_and_inches(low, read):
        return feet
    if mega := _MEGA.match(text, read.end):
        unit = "megawatts" if mega[1] else "milliwatts" if mega[2] else "megabits"
        return f"{read.digits} {unit}", mega.end()
    inches = _INCHES.match(low, read.end)
    if inches and (inches[1] or not read.spoken) and not (inches[2] and low.count('"') != 1):
        return f"{read.digits} inches", inches.end()
    pounds = _CURRENCY.match(low, read.end)
    if pounds and pounds["gbp"] and _weighs(low, at, pounds):
        return f"{read.digits} lb", pounds.end()
    found = _UNIT.match(low, read.end)
    if found is None:
        return None
    unit = _CANONICAL[(found.lastindex or 2) - 2]
    glued, spelled = not found[1], low[found.end(1) : found.end()]
    if read.spoken and (len(spelled) == 1 and spelled != "°"):
        return None  # "ten m", "five g": letters are said as such
    if spelled == "g" and glued and read.digits in {"2", "3", "4", "5", "6"}:
        return f"{read.digits}g", found.end()  # 5G is a network
    if unit == "ft" and read.digits == "1" and spelled == "foot":
        return None
    if unit in _SPAN and not spelled.startswith(unit[:-1]) and (read.digits == "1" or found[1] == "-"):
        unit = unit[:-1]  # 1 min, a 5-min walk
    return f"{read.digits} {unit}", found.end()


def money_by_sign(low: str, at: int) -> tuple[str, int] | None:
    """Read an amount whose currency comes first: ``$3 million``, ``EUR 50``."""
    sign = _SIGN.match(low, at)
    read = quantity(low, sign.end()) if sign else None
    if sign is None or read is None or "/" in read.digits:
        return None
    digits, end = read.digits, read.end
    if short := _SHORT_SCALE.match(low, end):
        digits, end = times_power(digits, _SHORT[short[1]]), short.end()
    minus = "-" if sign[1] or sign[3] else ""
    code = _CODES[sign[2]]
    if (again := _CURRENCY.match(low, end)) and code == "$" and "$" in _SIGNS[again.lastgroup or "usd"]:
        code, end = _SIGNS[again.lastgroup or "usd"], again.end()  # "$5 dollars", "$50 USD"
    if end < len(low) and (low[end].isalnum() or low[end] == "_"):
        return None
    if low[end : end + 1] == "/" and low[end + 1 : end + 2].isalpha():
        return f"{minus}{code}{_amount(digits)} per ", end + 1
    return f"{minus}{code}{_amount(digits)}", end


def money(low: str, at: int, read: Quantity) -> tuple[str, int] | None:
    """Read what follows a number as money: dollars and cents, pounds and pence."""
    if "/" in read.digits:
        return None
    digits, end = read.digits, read.end
    if not read.spoken and (short := _SHORT_SCALE.match(low, end)) and _CURRENCY.match(low, short.end()):
        digits, end = times_power(digits, _SHORT[short[1]]), short.end()
    found = _CURRENCY.match(low, end)
    if found is None:
        return _minor(low, read)
    if found["gbp"] and _weighs(low, at, found):
        return None
    sign, end = _SIGNS[found.lastgroup or "usd"], found.end()
    if read.plain and (minor := _and_minor(low, end, sign)):
        return f"{sign}{digits}.{minor[0]:02d}".removesuffix(".00"), minor[1]
    return f"{sign}{_amount(digits)}", end


def _amount(digits: str) -> str:
    return digits.removesuffix(".00")


def _weighs(low: str, at: int, pounds: re.Match[str]) -> bool:
    if "sterling" in pounds[0] or low[pounds.end() - 1] in "£p":
        return False
    if _WEIGHT.search(low[max(0, at - 40) : at]) or _POUNDS_OF.match(low, pounds.end()):
        return True
    # a ten pound baby, a ten pound note
    named = pounds[0].endswith("pound") and re.match(r"(?:\s+|-)[a-z]", low[pounds.end() :]) is not None
    plenty = low[at : pounds.start()] in {"one", "1"} or "illion" in low[at : pounds.start()]
    return named and not plenty and not _MONEY_NOUN.match(low, pounds.end())


def _and_minor(low: str, end: int, sign: str) -> tuple[int, int] | None:
    gap = _TO_MINOR.match(low, end)
    read = quantity(low, gap.end()) if gap else None
    if gap is None or read is None or not read.plain or read.ordinal or not 0 < int(read.digits[:9]) < 100:
        return None
    name = _PENCE.match(low, read.end) if sign == "£" else _CENTS.match(low, read.end)
    if name:
        return int(read.digits), name.end()
    sure = "and" not in gap[0] and len(read.digits) == 2 and _END_OF_AMOUNT.match(low, read.end)
    return (int(read.digits), read.end) if sure and "," not in gap[0] else None


def _minor(low: str, read: Quantity) -> tuple[str, int] | None:
    if not read.plain:
        return None
    if cents := _CENTS.match(low, read.end):
        if cents[1] == "cent" and read.digits != "1":
            return None  # Fifty Cent
        return f"${_hundredths(read.digits)}", cents.end()
    if pence := _PENCE.match(low, read.end):
        word, glued = pence[0].strip(" -"), low[read.end].isalpha()
        if (word == "penny" and read.digits != "1") or (word == "p" and not (glued or read.spoken)):
            return None
        return f"£{_hundredths(read.digits)}", pence.end()
    return None


def _hundredths(digits: str) -> str:
    digits = digits.zfill(3)
    return _amount(f"{digits[:-2].lstrip('0') or '0'}.{digits[-2:]}")


def _feet_and_inches(low: str, read: Quantity) -> tuple[str, int] | None:
    found = _FEET_INCHES.match(low, read.end)
    if found is None or not read.plain:
        return None
    inches = found["inches"]
    if not inches[0].isdigit():
        spoken = quantity(low, found.start("inches"))
        if spoken is None or spoken.ordinal or not spoken.plain:
            return None
        inches = spoken.digits
        unit = _INCHES_SAID.match(low, spoken.end)
        end, named = (unit.end(), True) if unit else (spoken.end, False)
    else:
        end, named = found.end(), bool(found["unit"])
    if "." not in inches and int(inches[:4]) >= 12:
        return None
    short = "foot" in low[read.end : found.start("inches")] or "'" in low[read.end : found.start("inches")]
    if not named and not (short and "and" not in low[read.end : found.start("inches")]):
        return None
    return f"{read.digits} ft {inches} inches", end
