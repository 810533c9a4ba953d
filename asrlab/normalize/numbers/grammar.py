"""Numbers of languages written with spaces and a decimal comma: what is common to them, driven by a table a language.

Numbers in words are found and read first; then what is in digits is brought to one form, so that both meet there:

- ``12500``: no separators of thousands, scales multiplied out; ``3,5`` with its digits as they are;
- ``5,50€``: the sign behind, whether it was a word or a sign; ``5%``; ``5 km``, ``5 kmh``, ``-5 °C`` by its words;
- ``3 mai 2024`` for dates, ``10:30`` for times of day, one run of digits for telephone numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Words that one number has at most; text beyond would be read in vain.
_LONGEST: Final = 24
_ROUNDS: Final = 6
_SIGNS: Final = "€$£¥₽"
_CODES: Final = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
_BEFORE_SIGN: Final = {"k": 3, "m": 6, "md": 9, "mrd": 9}
_NUMBER: Final = r"(?<![\d.,:/])(?<!\d')(\d+(?:,\d+)?)(?!\d|[.,:/]\d)"
#: Units of measure that are the same in all languages; as they are written, and in the form that outlives punctuation.
_UNITS: Final = {
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


#: What stands for a match, or makes it.
Replacement: TypeAlias = "str | Callable[[re.Match[str]], str]"


_Form = TypeVar("_Form", int, str)


class _Token(NamedTuple):
    """A number in words: where it stands, and its digits."""

    begin: int
    end: int
    digits: str
    word: str


@dataclass(frozen=True)
class Grammar:
    """How a language writes its numbers. Patterns have no groups, and are matched whatever the case.

    Parameters
    ----------
    word : str
        Pattern of one word of a number.
    read : callable
        Digits of words: ``"vingt et un"`` is ``"21"``, ``"troisième"`` is ``"3e"``; None for what is no number. Gets
        them in lower case, with single spaces or hyphens.
    joint : str
        Pattern of the words that may stand within a number ("et").
    articles : str
        Pattern of words that are mostly not numbers ("un"). They are before what is counted (a unit, a month), after
        ``cue``, and among other digits.
    ambiguous : str
        Pattern of words that mean something else too ("neuf"). They are numbers in the same places, and before
        ``nouns``.
    nouns : str
        Pattern of nouns that come after numbers.
    cue : str
        Pattern of words after which a number comes ("numéro", "page").
    zero, comma, minus : str
        Patterns of those words.
    idioms : str
        Pattern of phrases whose numerals stay as they are.
    scales : mapping of str to int
        Pattern of a scale after digits ("Mio.") to its zeros.
    money, units : mapping of str to str
        Pattern of a currency or unit to the form that stands for it.
    hours, hour : str
        Pattern of the word after the hour of a time of day, and the ending that stands for it: joined to the digits, so
        that what follows a comma is never taken for the minutes once the comma is gone.
    between : str
        Pattern of words between two numbers ("to", "or").
    of : str
        Pattern of what may stand between a scale and what is counted ("de").
    cents, and_cents : str
        Patterns of the hundredths of a currency, and of what may stand before them.
    percent, degrees : str
        Patterns of the words.
    months : tuple of str
        Names of the months, from January.
    date : str
        How a date is written: with ``{day}``, ``{month}`` and ``{year}``.
    first : str
        Ending of the first day of a month, where it has one ("er").
    spaced_thousands, dotted_thousands : bool
        Whether ``12 500`` or ``12.500`` is one number.
    phone : str
        Pattern of telephone numbers that neither begin with 0 nor follow a cue.
    phone_cue : str
        Pattern of words after which digits are those of a telephone, a code, and the like.
    early, rules : tuple of (str, str or callable)
        What else there is, on text whose numbers are in digits: pattern and replacement; ``early`` comes before all
        else. ``<counted>`` in a pattern stands for that of all units.
    other : str
        Pattern of what the rules know though it has no digit.
    """

    word: str
    read: Callable[[str], str | None]
    joint: str
    articles: str
    ambiguous: str
    nouns: str
    cue: str
    zero: str
    comma: str
    minus: str
    idioms: str
    scales: Mapping[str, int]
    money: Mapping[str, str]
    units: Mapping[str, str]
    of: str
    cents: str
    and_cents: str
    percent: str
    degrees: str
    months: tuple[str, ...]
    between: str
    date: str
    phone: str
    phone_cue: str
    first: str = ""
    hours: str = "(?!)"
    hour: str = ""
    spaced_thousands: bool = False
    dotted_thousands: bool = True
    early: tuple[tuple[str, Replacement], ...] = ()
    rules: tuple[tuple[str, Replacement], ...] = ()
    other: str = "(?!)"

    def unify(self, text: str) -> str:
        """Bring the numbers of a text to one form."""
        if not self._anything.search(text):
            return text
        # What one rule has made may be what another looks for: until nothing changes.
        for _ in range(_ROUNDS):
            before = text
            text = self._words_read(text)
            for pattern, replace in self._rules:
                text = pattern.sub(replace, text)
            if text == before:
                break
        return text

    # Words

    @cached_property
    def _anything(self) -> re.Pattern[str]:
        return _compiled(rf"\d|(?<!\w)(?:{self.word}|{self.other})(?!\w)")

    @cached_property
    def _words(self) -> re.Pattern[str]:
        """Find words of numbers; an idiom is found whole, and is none."""
        return _compiled(rf"(?<!\w)(?:(?P<idiom>{self.idioms}|{self.percent})|{self.word})(?!\w)")

    @cached_property
    def _gap(self) -> re.Pattern[str]:
        return _compiled(rf",? |-|[ -](?:{self.joint})[ -]")

    @cached_property
    def _counted(self) -> re.Pattern[str]:
        """Find what makes a number of a word such as "un" before it."""
        of = rf"(?:{self.of})?"
        after = "|".join((*self.scales, *self.months))
        counted = "|".join((*self.money, *self.units, *_UNITS, self.percent, self.degrees, self.hours))
        return _compiled(
            rf" (?:{self.comma}) ?[^\W_]|-? ?(?:{after}|{of}(?:{counted}))(?!\w)|[ ]?[{_SIGNS}%‰°]"
            rf"| (?:{self.between}) (?:\d|(?:{self.word})(?!\w))"
        )

    @cached_property
    def _cued(self) -> re.Pattern[str]:
        return _compiled(rf"(?:(?<!\w)(?:{self.cue}|{self.phone_cue})|\w (?:{self.comma})) $")

    @cached_property
    def _after_comma(self) -> re.Pattern[str]:
        return _compiled(rf"\w (?:{self.comma}) $")

    @cached_property
    def _after_digits(self) -> re.Pattern[str]:
        return re.compile(r"\d ?$")

    @cached_property
    def _scale(self) -> re.Pattern[str]:
        return _compiled("|".join(self.scales))

    @cached_property
    def _phone_cued(self) -> re.Pattern[str]:
        return _compiled(rf"(?<!\w)(?:{self.phone_cue})(?:\W+(?!\d)\w+){{0,2}}\W*$")

    @cached_property
    def _mostly_no_number(self) -> re.Pattern[str]:
        return _compiled(rf"(?P<article>{self.articles})|{self.ambiguous}")

    @cached_property
    def _noun(self) -> re.Pattern[str]:
        return _compiled(rf" (?:{self.nouns})(?!\w)")

    def _words_read(self, text: str) -> str:
        run: list[re.Match[str]] = []
        pieces: list[str] = []
        done = 0
        for found in (*self._words.finditer(text), None):
            if run and (
                found is None or found["idiom"] or not self._gap.fullmatch(text[run[-1].end() : found.start()])
            ):
                for token in self._shown(text, self._tokens(text, run)):
                    pieces += [text[done : token.begin], token.digits]
                    done = token.end
                run = []
            if found and not found["idiom"]:
                run.append(found)
        return "".join((*pieces, text[done:]))

    def _tokens(self, text: str, run: list[re.Match[str]]) -> list[_Token]:
        """Cut a run of words into numbers, the longest first."""
        tokens: list[_Token] = []
        at = 0
        # "3,5 million" and "3 million": what stands before a scale is in digits, or a decimal; it is multiplied later.
        before = text[max(0, run[0].start() - 20) : run[0].start()]
        decimal = bool(self._after_comma.search(before))
        scaled = decimal or bool(self._after_digits.search(before))
        while at < len(run):
            if scaled and self._scale.fullmatch(run[at][0]):
                scaled = decimal = False
                at += 1
                continue
            scaled = scaled and decimal
            stop = (
                next((i for i in range(at, len(run)) if self._scale.fullmatch(run[i][0])), len(run))
                if scaled
                else len(run)
            )
            for to in range(min(stop, at + _LONGEST), at, -1):
                words = text[run[at].start() : run[to - 1].end()].lower()
                digits = None if "," in words else self.read(words)
                if digits is not None:
                    tokens.append(_Token(run[at].start(), run[to - 1].end(), digits, words))
                    at = to
                    break
            else:
                at += 1
        return tokens

    def _shown(self, text: str, tokens: list[_Token]) -> list[_Token]:
        """Leave out the words that are no numbers here, and put digits that were said one by one together."""
        shown: list[_Token] = []
        for some in _one_by_one(text, tokens):
            digits = sum(map(len, some))
            cued = digits > 2 and self._phone_cued.search(text, max(0, some[0][0].begin - 60), some[0][0].begin)
            if digits > 4 or (digits > 2 and (some[0][0].digits == "0" or cued)):
                shown += [_Token(p[0].begin, p[-1].end, "".join(token.digits for token in p), "") for p in some]
            else:
                listed = digits > 2 or (digits == 2 and some[0][0].digits == "0")
                shown += [token for part in some for token in part if listed or self._is_number(text, token)]
        return shown

    def _is_number(self, text: str, token: _Token) -> bool:
        found = self._mostly_no_number.fullmatch(token.word)
        return not found or bool(
            self._counted.match(text, token.end)
            or self._cued.search(text, max(0, token.begin - 20), token.begin)
            or (not found["article"] and self._noun.match(text, token.end))
        )

    # Digits

    @cached_property
    def _rules(self) -> tuple[tuple[re.Pattern[str], Replacement], ...]:
        months = "|".join(self.months)
        sign = rf"[{_SIGNS}]"
        of = rf"(?: (?:{self.of})| ?)"
        money = "|".join(self.money)
        minor = (
            rf"(?P<and>{self.and_cents})?(?P<minor>\d\d?)(?P<cents> ?(?:{self.cents}))?"
            rf"(?!\w|[{_SIGNS}%‰]|[.,:/]\d| (?:{self.units_named})(?!\w))"
        )
        rules: list[tuple[str, Replacement]] = [
            *self.early,
            (rf"(?<![\d.,:/])(\d+) (?:{self.comma}) (\d(?: \d(?!\w))+|\d+)(?![\d,.:/])", self._decimal),
            (rf"{_NUMBER} ?(k|M|Md|Mrd)€(?!\w)", lambda m: f"{_times_ten_to(_BEFORE_SIGN[m[2].lower()], m[0], m[1])}€"),
            # Telephone numbers come before thousands, which look alike.
            (rf"(?<![\w.,])(?:{self.phone})(?![\w]|[.,]\d)", _joined),
            (r"(?<![\w.,])(?:\+|(?=\(?0))\(?\d+\)?(?:[ ./-]?[ (]?\d+\)?)*(?!\w|[.,:/]\d)", self._joined_if_phone),
            (
                rf"(?<!\w)(?P<cue>(?:{self.phone_cue})(?: (?!\d)\w+){{0,2}}\W{{1,2}})"
                rf"(?P<number>\(?\d+\)?(?:[ /-]\d+)+)(?!\w|[.,]\d)",
                self._joined_after_cue,
            ),
            (r"(?<![\w.,:/-])(\d\d?)([./-])(\d\d?)\2((?:19|20)\d\d)(?!\w|[.,/-]\d)", self._date),
            (r"(?<![\w.,:/-])((?:19|20)\d\d)(-)(\d\d)-(\d\d)(?![\w-])", self._date_of_iso),
            (rf"(?<![\w.,:/-])0(?=[1-9](?:\.? |{re.escape(self.first) or '(?!)'} )(?:de )?(?:{months})(?!\w))", ""),
            (r"(?<![\w.,:/'-])[1-9]\d{0,2}(?:'\d{3})+(?![\w'])", lambda m: m[0].replace("'", "")),
        ]
        if self.dotted_thousands:
            rules.append((r"(?<![\w.,:/'-])[1-9]\d{0,2}(?:\.\d{3})+(?!\w|[.:/]\d)", _dots_out))
        spaced = r"(?: \d{3})+" if self.spaced_thousands else r"(?: \d{3})* 000"
        rules += [
            (rf"(?<![\w.,:/'-])(?<!\d )[1-9]\d{{0,2}}{spaced}(?! ?\d)(?![\w.:/]\d)", lambda m: m[0].replace(" ", "")),
            (rf"{_NUMBER}((?: ?(?:{'|'.join(self.scales)})(?!\w))+)", _multiplied(self.scales)),
            (rf"(?<![\w])(?<!\d )({sign}|r\$) ?{_NUMBER}(?![\w{_SIGNS}])", lambda m: _paid(m[2], m[1])),
            (rf"(?<!\w)(EUR|USD|GBP|JPY) ?{_NUMBER}(?!\w)", lambda m: _paid(m[2], _CODES[m[1].upper()])),
            (rf"(?<![\d.,])(?P<whole>\d+) (?P<word>{money}) {minor}", _with_cents(self.money)),
            (
                rf"(?<![\d.,])(?P<whole>\d+)(?P<sign>{sign})(?P<and>)(?P<minor>\d\d)(?P<cents>)(?!\w|[.,:/]\d)",
                _with_cents({}),
            ),
            (rf"(?<![\d.,])(?P<whole>\d+) (?P<sign>{sign}) {minor}", _with_cents({})),
            (rf"(?<![\d.,])(?P<whole>\d+)(?P<sign>{sign}) (?=[^ ]* ?\d\d? ?(?:{self.cents})){minor}", _with_cents({})),
            (rf"(?<!\w)(?P<sign>r\$)(?P<whole>\d+) (?=[^ ]* ?\d\d? ?(?:{self.cents})){minor}", _with_cents({})),
            (rf"{_NUMBER}{of}({money})(?!\w)", _paid_in(self.money)),
            (rf"{_NUMBER}(?:,-)? ?({sign})(?![\d\w{_SIGNS}])", lambda m: _paid(m[1], m[2])),
            (rf"(?<=\d),00(?={sign})", ""),
            (r"(?<!\w)(r\$\d+),00(?!\d)", r"\1"),
            (rf"{_NUMBER} ?(?:{self.percent}|%)(?![\w%])", r"\1%"),
            (
                rf"(?<!\w)(?<!\d )(?:{self.minus}) (?=\d+(?:,\d+)?(?:%|{of}(?:{self.degrees})(?!\w)| ?°))",
                "-",
            ),
            (rf"{_NUMBER}{of}({'|'.join(self.units)})(?![\w/])", _measured(self.units)),
            (rf"{_NUMBER} ?({'|'.join(_UNITS)})(?![\w/])", _measured(_UNITS)),
            (rf"{_NUMBER}m(?![\w/])", r"\1 m"),
            (r"(?<![\d:])0(?=\d:[0-5]\d(?![\d:]))", ""),
            *((pattern.replace("<counted>", self.units_named), replace) for pattern, replace in self.rules),
            (rf"{_NUMBER} ?(?:{self.hours})(?!\w)", rf"\1{self.hour}"),
        ]
        return tuple((_compiled(pattern), replace) for pattern, replace in rules)

    @cached_property
    def units_named(self) -> str:
        """Pattern of what is counted, other than money."""
        return "|".join((*self.units, *_UNITS, *_LETTER_UNITS, self.percent, self.degrees, *self.months, *self.scales))

    def _decimal(self, match: re.Match[str]) -> str:
        return f"{match[1]},{match[2].replace(' ', '')}"

    def _joined_if_phone(self, match: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", match[0])
        parts = re.findall(r"\d+", match[0])
        is_date = len(parts) == 3 and re.fullmatch(r"\d\d?[./-]\d\d?[./-]\d{2,4}", match[0])
        dashed = len(parts) > 1 or len(digits) > 6
        plausible = len(parts[0]) > 1 or max(map(len, parts)) < 5 or match[0].startswith("+")
        telephone = 7 <= len(digits) <= 15 and dashed and plausible and not digits.startswith("000")
        return digits if telephone and not is_date else match[0]

    def _joined_after_cue(self, match: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", match["number"])
        return match["cue"] + digits if 5 <= len(digits) <= 15 else match[0]

    def _date(self, match: re.Match[str]) -> str:
        return self._dated(match[0], match[1], match[3], match[4])

    def _date_of_iso(self, match: re.Match[str]) -> str:
        return self._dated(match[0], match[4], match[3], match[1])

    def _dated(self, text: str, day: str, month: str, year: str) -> str:
        if not (1 <= int(day) <= 31 and 1 <= int(month) <= 12):
            return text
        ending = self.first if int(day) == 1 else ""
        return self.date.format(day=f"{int(day)}{ending}", month=self.names_of_months[int(month) - 1], year=year)

    @cached_property
    def names_of_months(self) -> tuple[str, ...]:
        """The months as they are written; the first where there are several spellings."""
        return tuple(month.partition("|")[0] for month in self.months)


def _one_by_one(text: str, tokens: list[_Token]) -> list[list[list[_Token]]]:
    """Group digits that follow one another, in parts where there are commas; any other number is a group by itself."""
    groups: list[list[list[_Token]]] = []
    for at, token in enumerate(tokens):
        before = tokens[at - 1] if at else None
        gap = text[before.end : token.begin] if before else ""
        if before is None or gap not in {" ", ", "} or len(before.digits) > 1 or len(token.digits) > 1:
            groups.append([[token]])
        elif gap == " ":
            groups[-1][-1].append(token)
        else:
            groups[-1].append([token])
    return groups


def _compiled(pattern: str) -> re.Pattern[str]:
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
    patterns = [(_compiled(pattern), form) for pattern, form in table.items()]

    @cache
    def form_of(word: str) -> _Form:
        return next(form for pattern, form in patterns if pattern.fullmatch(word))

    return form_of
