"""Units of measure in English: ``5 kg``, ``60 kmh``, ``20%`` for all the ways to write them."""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.english.money import CURRENCY, NAMED, weighs
from asrlab.normalize.numbers.english.words import END, Quantity, quantity

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
    **{name: rf"{words}|{code}" for code, (name, words) in NAMED.items()},
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
_GAP: Final = re.compile(r"\s+|-")
_PERCENT: Final = re.compile(rf"(?:\s*%|(?:\s+|-)(?:per\s?cent|pct){END}\.?(?!\w))(?!age)")
_SHARES: Final = {"1/2": "0.5", "1/4": "0.25", "3/4": "0.75"}
_INCHES: Final = re.compile(r"(?:(?:\s+|-)(inch(?:es)?)|in|(\")(?=\s|$)|\s+in\.(?=\s+[a-z]))(?!\w)")
_FEET_INCHES: Final = re.compile(
    r"(?:(?:\s*|-)(?:feet|foot|ft\.?)|')(?:\s+|-)?(?:and\s+)?(?P<inches>[0-9]{1,2}(?:\.[0-9]+)?|[a-z]+)(?P<half>\s1[/⁄∕]2)?"
    r"(?P<unit>(?:\s*|-)(?:inch(?:es)?|ins?\.?|\"|''))?(?!\w|\s+(?:of|people|times))"
)
_INCHES_SAID: Final = re.compile(r"(?:\s+|-)inch(?:es)?(?!\w)")
#: A unit that belongs to a thing after it, of which there are several: "two ten-dollar bills".
_OF_THINGS: Final = re.compile(
    r"[\s-]+(?:dollar|pound|euro|cent|pence|minute|hour|second|day|week|month|year|inch|foot|yard|mile|"
    r"(?:kilo|centi|milli)?met(?:er|re)|gallon|(?:milli)?lit(?:er|re)|ounce|gram|kilo(?:gram)?|watt|volt|page|acre|percent|"
    r"degree)(?:-old)?(?:\s+|-)"
    r"[a-z]+s(?!\w|'\w)(?<!ss)"
)


def counted(low: str, at: int, end: int) -> bool:
    """Tell whether what is said from one place to another is a count and a measure: "five twenty-pound notes"."""
    first = _GAP.search(low, at, end)
    hyphens = low[end : end + 1] == "-" and first is not None and first[0] != "-"
    return bool(_OF_THINGS.match(low, end)) or (hyphens and measured(low, end))


def count_of_things(low: str, at: int, read: Quantity) -> tuple[str, int] | None:
    """Read "two hundred" of "two hundred ten-dollar bills", which a hyphen tells from 210."""
    gaps = list(_GAP.finditer(low, at, read.end))
    spaces = [gap.start() for gap in gaps if gap[0] != "-"]
    if not spaces or low[read.end : read.end + 1] != "-" or not _OF_THINGS.match(low, read.end):
        return None
    count = quantity(low[: spaces[-1]], at)
    return (count.digits, count.end) if count and count.end == spaces[-1] and not count.ordinal else None


def measured(low: str, end: int) -> bool:
    """Tell whether a unit or a currency, in more than one letter, comes next."""
    found = CURRENCY.match(low, end) or _PERCENT.match(low, end) or _UNIT.match(low, end)
    return found is not None and len(found[0].strip(" -")) > 1


def percent(low: str, read: Quantity) -> tuple[str, int] | None:
    """Read what follows a number as percent."""
    found = _PERCENT.match(low, read.end)
    if found is None or "/" not in read.digits:
        return (f"{read.digits}%", found.end()) if found else None
    return (f"{_SHARES[read.digits]}%", found.end()) if read.digits in _SHARES else None


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
    pounds = CURRENCY.match(low, read.end)
    if pounds and pounds["gbp"] and weighs(low, at, pounds):
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


def _feet_and_inches(low: str, read: Quantity) -> tuple[str, int] | None:
    found = _FEET_INCHES.match(low, read.end)
    if found is None or not read.plain:
        return None
    inches = found["inches"]
    if not inches[0].isdigit():
        spoken = quantity(low, found.start("inches"))
        if spoken is None or spoken.ordinal or "/" in spoken.digits:
            return None
        inches = spoken.digits
        unit = _INCHES_SAID.match(low, spoken.end)
        end, named = (unit.end(), True) if unit else (spoken.end, False)
    else:
        end, named = found.end(), bool(found["unit"])
        inches += ".5" if found["half"] and inches.isdigit() else ""
    if "." not in inches and int(inches[:4]) >= 12:
        return None
    short = "foot" in low[read.end : found.start("inches")] or "'" in low[read.end : found.start("inches")]
    if not named and not (short and "and" not in low[read.end : found.start("inches")]):
        return None
    return f"{read.digits} ft {inches} inches", end
