"""Numbers in digits, as languages with a decimal comma write them: one form for what is read alike."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from asrlab.normalize.numbers.grammar import Grammar

#: What stands for a match, or makes it.
Replacement: TypeAlias = "str | Callable[[re.Match[str]], str]"

_Form = TypeVar("_Form", int, str)

SIGNS: Final = "€$£¥₽"
_CODES: Final = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "CHF": "CHF"}
_BEFORE_SIGN: Final = {"k": 3, "m": 6, "md": 9, "mrd": 9}
_NUMBER: Final = r"(?<![\d.,:/])(?<!\d')(\d+(?:,\d+)?)(?!\d|[.,:/]\d)"
#: Units of measure that are the same in all languages; as they are written, and in the form that outlives punctuation.
UNITS: Final = {
    **{unit: unit for unit in ("km", "cm", "mm", "kg", "mg", "ml", "cl", "kwh", "kw", "mhz", "ghz", "khz", "gb", "mb")},
    "km/h": "kmh",
    "kmh": "kmh",
    "m/s": "ms",
    "km2": "km2",
    "m2": "m2",
    "m3": "m3",
    "cm2": "cm2",
    "cm3": "cm3",
}
_LETTER_UNITS: Final = ("m", "g", "l", "t")


def rules_of(grammar: Grammar) -> tuple[tuple[re.Pattern[str], Replacement], ...]:
    """Make the rules that bring the digits of a language to one form, in the order in which they are applied."""
    months = "|".join(grammar.months)
    sign = rf"[{SIGNS}]"
    of = rf"(?: (?:{grammar.of})| ?)"
    money = "|".join(grammar.money)
    counted = "|".join(
        (*grammar.units, *UNITS, *_LETTER_UNITS, grammar.percent, grammar.degrees, *grammar.months, *grammar.scales)
    )
    minor = (
        rf"(?P<and>{grammar.and_cents})?(?P<minor>\d\d?)(?P<cents> ?(?:{grammar.cents}))?"
        rf"(?!\w|[{SIGNS}%‰]|[.,:/]\d| (?:{counted})(?!\w))"
    )
    rules: list[tuple[str, Replacement]] = [
        *grammar.early,
        (
            rf"(?<![\d.,:/])(\d+) (?:{grammar.comma}) (\d(?: \d(?!\w))+|\d+)(?![\d,.:/])",
            _decimal,
        ),
        # 2½, taken apart.
        (r"(?<![\w.,:/-])(?<!\d )(\d+) 1/2(?![\w/])", r"\1,5"),
        (rf"{_NUMBER} ?(k|M|Md|Mrd)€(?!\w)", lambda m: f"{_times_ten_to(_BEFORE_SIGN[m[2].lower()], m[0], m[1])}€"),
        # Telephone numbers come before thousands, which look alike.
        (rf"(?<![\w.,])(?:{grammar.phone})(?![\w]|[.,]\d)", _joined),
        (r"(?<![\w.,])(?:\+|(?=\(?0))\(?\d+\)?(?:[ ./-]?[ (]?\d+\)?)*(?!\w|[.,:/]\d)", _joined_if_phone),
        (
            rf"(?<!\w)(?P<cue>(?:{grammar.phone_cue})(?: (?!\d)\w+){{0,2}}\W{{1,2}})"
            rf"(?P<number>\(?\d+\)?(?:[ /-]\d+)+)(?!\w|[.,]\d)",
            _joined_after_cue,
        ),
        (r"(?<![\w.,:/-])(\d\d?)([./-])(\d\d?)\2((?:19|20)\d\d)(?!\w|[.,/-]\d)", _dated(grammar, 1, 3, 4)),
        (r"(?<![\w.,:/-])((?:19|20)\d\d)(-)(\d\d)-(\d\d)(?![\w-])", _dated(grammar, 4, 3, 1)),
        (rf"(?<![\w.,:/-])0(?=[1-9](?:\.? |{re.escape(grammar.first) or '(?!)'} )(?:de )?(?:{months})(?!\w))", ""),
        (r"(?<![\w.,:/'-])[1-9]\d{0,2}(?:'\d{3})+(?![\w'])", lambda m: m[0].replace("'", "")),
    ]
    if grammar.dotted_thousands:
        rules.append((r"(?<![\w.,:/'-])[1-9]\d{0,2}(?:\.\d{3})+(?!\w|[.:/]\d)", _dots_out))
    spaced = r"(?: \d{3})+" if grammar.spaced_thousands else r"(?: \d{3})* 000"
    rules += [
        (rf"(?<![\w.,:/'-])(?<!\d )[1-9]\d{{0,2}}{spaced}(?! ?\d)(?![\w.:/]\d)", lambda m: m[0].replace(" ", "")),
        (rf"{_NUMBER}((?: ?(?:{'|'.join(grammar.scales)})(?!\w))+)", _multiplied(grammar.scales)),
        (rf"(?<![\w])(?<!\d )({sign}|r\$) ?{_NUMBER}(?![\w{SIGNS}])", lambda m: _paid(m[2], m[1])),
        (rf"(?<!\w)(EUR|USD|GBP|JPY|CHF) ?{_NUMBER}(?!\w)", lambda m: _paid(m[2], _CODES[m[1].upper()])),
        (rf"(?<![\d.,])(?P<whole>\d+) (?P<word>{money}) {minor}", _with_cents(grammar.money)),
        (
            rf"(?<![\d.,])(?P<whole>\d+)(?P<sign>{sign})(?P<and>)(?P<minor>\d\d)(?P<cents>)(?!\w|[.,:/]\d)",
            _with_cents({}),
        ),
        (rf"(?<![\d.,])(?P<whole>\d+) (?P<sign>{sign}) {minor}", _with_cents({})),
        (rf"(?<![\d.,])(?P<whole>\d+)(?P<sign>{sign}) (?=[^ ]* ?\d\d? ?(?:{grammar.cents})){minor}", _with_cents({})),
        (rf"(?<!\w)(?P<sign>r\$)(?P<whole>\d+) (?=[^ ]* ?\d\d? ?(?:{grammar.cents})){minor}", _with_cents({})),
        (rf"{_NUMBER}{of}({money})(?!\w)", _paid_in(grammar.money)),
        (rf"{_NUMBER}(?:,-)? ?({sign})(?![\d\w{SIGNS}])", lambda m: _paid(m[1], m[2])),
        (rf"(?<=\d),00(?={sign})", ""),
        (r"(?<!\w)(r\$\d+),00(?!\d)", r"\1"),
        (rf"{_NUMBER} ?(?:{grammar.percent}|%)(?![\w%])", r"\1%"),
        (
            rf"(?<!\w)(?<!\d )(?:{grammar.minus}) (?=\d+(?:,\d+)?(?:%|{of}(?:{grammar.degrees})(?!\w)| ?°))",
            "-",
        ),
        (rf"{_NUMBER}{of}({'|'.join(grammar.units)})(?![\w/])", _measured(grammar.units)),
        (rf"{_NUMBER} ?({'|'.join(UNITS)})(?![\w/])", _measured(UNITS)),
        (rf"{_NUMBER}m(?![\w/])", r"\1 m"),
        # Not 5G, which is no weight.
        (r"(?<![\w.,:/-])(\d{3,})g(?![\w/])", r"\1 g"),
        (r"(?<![\d:])0(?=\d:[0-5]\d(?![\d:]))", ""),
        *((pattern.replace("<counted>", counted), replace) for pattern, replace in grammar.rules),
        (rf"{_NUMBER} ?(?:{grammar.hours})(?!\w)", rf"\1{grammar.hour}"),
    ]
    return tuple((compiled(pattern), replace) for pattern, replace in rules)


def _decimal(match: re.Match[str]) -> str:
    return f"{match[1]},{match[2].replace(' ', '')}"


def _joined_if_phone(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    parts = re.findall(r"\d+", match[0])
    is_date = len(parts) == 3 and re.fullmatch(r"\d\d?[./-]\d\d?[./-]\d{2,4}", match[0])
    plausible = len(parts[0]) > 1 or max(map(len, parts)) < 5 or match[0].startswith("+")
    telephone = 7 <= len(digits) <= 15 and plausible and not digits.startswith("000")
    return digits if telephone and not is_date else match[0]


def _joined_after_cue(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match["number"])
    return match["cue"] + digits if 5 <= len(digits) <= 15 else match[0]


def _dated(grammar: Grammar, day: int, month: int, year: int) -> Callable[[re.Match[str]], str]:
    """Write a date of three numbers, which are these groups of the match, with the name of the month."""
    names = [month.partition("|")[0] for month in grammar.months]

    def date(match: re.Match[str]) -> str:
        d, m = int(match[day]), int(match[month])
        if not (1 <= d <= 31 and 1 <= m <= 12):
            return match[0]
        return grammar.date.format(day=f"{d}{grammar.first if d == 1 else ''}", month=names[m - 1], year=match[year])

    return date


def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of a language's table, which is matched whatever the case."""
    return re.compile(pattern, re.IGNORECASE)


def _joined(match: re.Match[str]) -> str:
    return re.sub(r"\D", "", match[0])


def _dots_out(match: re.Match[str]) -> str:
    """Take the dots out of 1.000.000; but 192.168.100.200 is an address."""
    return match[0] if match[0].count(".") == 3 and "000" not in match[0] else match[0].replace(".", "")


def _times_ten_to(zeros: int, text: str, number: str) -> str:
    whole, _, decimals = number.partition(",")
    return text if len(decimals) > zeros else (whole + decimals.ljust(zeros, "0")).lstrip("0") or "0"


def _paid(number: str, sign: str) -> str:
    return f"{sign}{number}" if len(sign) > 1 else f"{number}{sign}"


def _multiplied(scales: Mapping[str, int]) -> Callable[[re.Match[str]], str]:
    zeros = _lookup(scales)
    return lambda match: _times_ten_to(sum(map(zeros, match[2].split())), match[0], match[1])


def _measured(units: Mapping[str, str]) -> Callable[[re.Match[str]], str]:
    form = _lookup(units)
    return lambda match: f"{match[1]} {form(match[2])}"


def _paid_in(money: Mapping[str, str]) -> Callable[[re.Match[str]], str]:
    sign = _lookup(money)
    return lambda match: _paid(match[1], sign(match[2]))


def _with_cents(money: Mapping[str, str]) -> Callable[[re.Match[str]], str]:
    """Put "5 euros 50" together; the hundredths have to be told from the next number in the text."""
    sign = _lookup(money)

    def paid(match: re.Match[str]) -> str:
        joint, minor = (match["and"] or "").strip().lower(), match["minor"]
        if not match["cents"]:
            ends = re.match(r"\s*(?:$|[.,;:!?)])", match.string[match.end() :])
            if len(minor) < 2 or not (joint in {"", "con"} or (joint == "e" and ends)):
                return match[0]
        return _paid(f"{match['whole']},{int(minor):02d}", sign(match["word"]) if money else match["sign"])

    return paid


def _lookup(table: Mapping[str, _Form]) -> Callable[[str], _Form]:
    """Find what stands for a word, by the pattern that it matches."""
    patterns = [(compiled(pattern), form) for pattern, form in table.items()]

    @cache
    def form_of(word: str) -> _Form:
        return next(form for pattern, form in patterns if pattern.fullmatch(word))

    return form_of
