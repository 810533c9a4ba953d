"""Dates and times of day in English: ``may 3 2020`` and ``10:15`` for all the ways to say and write them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from asrlab.normalize.numbers.english.context import bare, before_street, follows_number, word_before
from asrlab.normalize.numbers.english.units import measured
from asrlab.normalize.numbers.english.words import DIGITS, END, MONTHS, SMALL, TENS, cardinal, run, split

if TYPE_CHECKING:
    from asrlab.normalize.numbers.english.words import Word

_ABBREVIATED: Final = {month[:3]: month for month in MONTHS} | {"sept": "september"}
_MONTH: Final = "|".join((*MONTHS, "sept", *(month for month in _ABBREVIATED if month not in {"may", "sept"})))
_MONTH_AT: Final = re.compile(rf"({_MONTH}){END}\.?")
_THE: Final = re.compile(r"the\s+")
_OF_MONTH: Final = re.compile(rf"(?P<of>\s+of)?(?:\s+|-)({_MONTH}){END}\.?")
_DAY: Final = re.compile(
    r"(0?[1-9]|[12][0-9]|3[01])(?:\s?(st|nd|rd|th))?(?![\w/]|[.,:][0-9]|-[0-9](?![0-9]?(?![0-9-])))"
)
_TO_LAST_DAY: Final = re.compile(r"\s?[-–]\s?(?=[0-9])|\s+to\s+(?:the\s+)?(?=[0-9a-z])")
_YEAR: Final = re.compile(r"([12][0-9]{3})(?![\w/%]|[.,:-][0-9])")
_TO_DAY: Final = re.compile(r"(?:\s+|-)(?:the\s+)?")
_TO_YEAR: Final = re.compile(r"\s*,?\s+(?:of\s+)?|-")
#: Also a verb each: a date only where something else says so.
_VERBS: Final = frozenset({"may", "march"})
_BEFORE_DATE: Final = frozenset(
    {"born", "due", "on", "by", "since", "until", "till", "before", "after", "from", "of", "dated", "to"}
)
_ISO: Final = re.compile(r"([12][0-9]{3})([-/.])(0?[1-9]|1[0-2])\2(0?[1-9]|[12][0-9]|3[01])(?![\w/]|[-.,:][0-9])")
_SLASHED: Final = re.compile(r"([0-3]?[0-9])([-/.])([0-3]?[0-9])\2((?:1[5-9]|20)[0-9]{2})(?![\w/]|[-.,:][0-9])")

_AM_PM: Final = r"(?:\s*|-)([ap])(?:\.\s?m\.|\s?m\.?(?<!\.)|\.\s?m)(?![\w]|'\w|\.\w)"
_ZONE: Final = re.compile(r"\s+(?:[ecmp]\.?\s(?:[sd]\.?\s)?t|g\.?\s?m\.?\s?t|u\.?\s?t\.?\s?c)(?!\w|'\w)")
_AM_PM_AT: Final = re.compile(_AM_PM)
_CLOCK: Final = re.compile(
    rf"(2[0-4]|[01]?[0-9]):([0-5][0-9])((?::[0-5][0-9])?)(?:\s?hrs?{END})?(?![0-9_:/]|[.,][0-9])"
)
_CLOCK_AM_PM: Final = re.compile(rf"(1[0-2]|0?[0-9])(?:\.?([0-5][0-9]))?{_AM_PM}")
_O_CLOCK: Final = re.compile(rf"(?::00)?\s+o(?:'\s?|\s+|f\s+the\s+)clock{END}")
_HOURS: Final = re.compile(rf"\s+hours{END}(?!\s+of)")
_MILITARY: Final = re.compile(rf"([01][0-9]|2[0-4])([0-5][0-9])(?:\s+hours|\s?hrs|h){END}")
_DASH: Final = re.compile(r"\s?[-–]\s?(?=[0-9])")
_PART_OF_DAY: Final = re.compile(
    r"[\s-]+ish\b|\s+(?:in\s+the\s+(?:morning|afternoon|evening)|at\s+night|tonight|sharp|this\s+(?:morning|afternoon|evening)|"
    r"tomorrow|yesterday|today|on\s+(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:eastern|pacific|central)\s+time|"
    r"gmt|utc|est|pst|train|flight|bus|ferry|appointment|meeting|slot|showing|o'?\s?clock)\b"
)
_BEFORE_TIME: Final = frozenset(
    split("at by before after until till til from around about past between approximately nearly almost is was it's")
)
#: Before a time that is meant for something: "an alarm for six forty five", "moved the meeting to three fifteen".
_PLANNED: Final = re.compile(
    r"\b(?:(?:alarms?|timers?|reminders?|set|schedul\w+|booked|reserv\w+|appointments?|meetings?|table|dinner|lunch|due|"
    r"planned|arranged|slated|wake|pick-?\s?up|kick-?\s?off|slot)\b[^.;!?]{0,25}\sfor|"
    r"(?:mov\w+|push\w+|postpon\w+|delay\w+|bring|brought|reschedul\w+)\b"
    r"(?:(?!price|rate|rent|bid|offer|cost|limit|score|fee)[^.;!?]){0,25}\sto)\s+$"
)
_COUNTED: Final = re.compile(r"\s+(?:people|persons|guests|men|women|kids|children|students|players|employees)\b")
_BETWEEN_TIMES: Final = re.compile(
    r"(?:\b(?:from|between)\s+[a-z0-9:' -]{3,25}\s+(?:to|and|until|till)|"
    r"(?::[0-5][0-9]|\s(?:fifteen|thirty|forty(?:[ -]five)?))\s+to)\s+$"
)
_HOUR_WORD: Final = "|".join(word for word, n in SMALL.items() if 0 < n < 13)
_MINUTE_WORD: Final = "|".join(("oh", *(word for word, n in SMALL.items() if n > 9), *TENS))
_TO_TIME: Final = re.compile(
    rf"\s+(?:to|until|till)\s+(?:[0-9]{{1,2}}:[0-5][0-9]|(?:{_HOUR_WORD})[\s-]+(?:{_MINUTE_WORD}){END})"
)
#: Words before which "twelve fifteen" is a year.
BEFORE_YEAR: Final = frozenset({"in", "since", "year", "of", "during", "circa", "ad"})
_HALF: Final = re.compile(r"(?:a\s+)?(half|quarter)(?:\s+|-)(past|after|to|till|til)(?:\s+|-)")
#: After these a quarter is three months: "in the second quarter to three million".
_BEFORE_QUARTER: Final = frozenset(
    {"first", "second", "third", "fourth", "last", "next", "this", "that", "each", "every", "per", "fiscal", "previous"}
)
_MORE_OF_NUMBER: Final = re.compile(
    rf"\s+(?:point|per\s?cent|hundred|thousand|million|billion|trillion){END}|\s?%|[.,:][0-9]"
)
_PAST: Final = re.compile(r"(?:\s+minutes?)?(?:\s+|-)(past|after|to|till|til)(?:\s+|-)")


def date(text: str, low: str, at: int) -> tuple[str, int] | None:  # noqa: PLR0911  # one return a kind of date
    """Read a date: with a month and a day, or a month and a year."""
    if month := _MONTH_AT.match(low, at):
        return _month_first(text, low, month)
    if low[at].isdigit() and (written := _all_digits(low, at)):
        return written
    the = _THE.match(low, at)
    day = _day(low, the.end() if the else at)
    month = _OF_MONTH.match(low, day[1]) if day else None
    if day is None or month is None:
        return None
    name, year = _month(month[2]), _year_after(low, month.end())
    if month["of"] and not day[2] and not low[at].isdigit():
        return None  # one of May's
    if not month["of"] and name in _VERBS and not year:
        named = _titled(text, month.start(2)) or word_before(low, at) in _BEFORE_DATE
        if not named and not bare(low, at, month.end()):
            return None
    if month[2] in {"mar", "dec", "jan", "jun"} and not (_titled(text, month.start(2)) or low[at].isdigit()):
        return None
    end = year[1] if year else _without_dot(low, month.end())
    return f"{name} {day[0]}{f' {year[0]}' if year else ''}", end


def time(low: str, at: int) -> tuple[str, int] | None:
    """Read a time of day."""
    if low[at].isdigit():
        if found := _written_time(low, at):
            dash = _DASH.match(low, found[1])
            return (f"{found[0]} to ", dash.end()) if dash and _written_time(low, dash.end()) else found
        return _o_clock(low, at) or _past(low, at)
    if half := _HALF.match(low, at):
        hour = _hour(low, half.end())
        if hour is None or _MORE_OF_NUMBER.match(low, hour[1]) or word_before(low, at) in _BEFORE_QUARTER:
            return None
        minutes, past = (30 if half[1] == "half" else 15), half[2] in {"past", "after"}
        return None if minutes == 30 and not past else _relative(low, hour, minutes if past else -minutes)
    return _past(low, at) or _spoken_time(low, at)


def year(words: tuple[Word, ...], at: int) -> tuple[str, int] | None:
    """Read a year said in two halves: "nineteen ninety nine", "twenty oh five"."""
    word = words[at].word if at < len(words) else ""
    century = SMALL.get(word, 20 if word == "twenty" else 0)
    if not 10 <= century <= 20:
        return None
    second = words[at + 1].word if at + 1 < len(words) else ""
    if second in {"oh", "o"} and at + 2 < len(words) and DIGITS.get(words[at + 2].word, 0) >= 1:
        return f"{century}0{DIGITS[words[at + 2].word]}", at + 3
    rest = SMALL.get(second, TENS.get(second, 0))
    if rest < 10:
        return None
    after = at + 2
    if second in TENS and after < len(words) and DIGITS.get(words[after].word, 0) >= 1:
        rest, after = rest + DIGITS[words[after].word], after + 1
    if after < len(words) and words[after].word in {"hundred", "thousand", "million", "billion", "point"}:
        return None
    return f"{century}{rest}", after


def _titled(text: str, at: int) -> bool:
    """Tell whether a word is written as a name, which in a text all in capitals says nothing."""
    return text[at].isupper() and not text[at + 1].isupper()


def _month(name: str) -> str:
    return _ABBREVIATED[name[:3]]


def _month_first(text: str, low: str, month: re.Match[str]) -> tuple[str, int] | None:
    name, begin, end = _month(month[1]), month.start(), month.end()
    gap = _TO_DAY.match(low, end)
    if gap is None or gap.end() == len(low):
        return None
    year_next = _year_after(low, end)
    day = None if year_next and low[year_next[1] - 1].isdigit() else _day(low, gap.end())
    if day and year_next and year_next[1] > day[1] and not day[2]:
        day = None  # "May twenty twenty": the year, of which the first half passes for a day
    year_then = _year_after(low, day[1]) if day else year_next
    last = year_then[1] if year_then else day[1] if day else end
    written, before = low[gap.end()].isdigit(), word_before(low, begin)
    # A verb or a name, where nothing says that it is a month: "may first", "march 5 miles", "jan second".
    if name in _VERBS:
        # No verb is followed so: "may third"; but "may first ask", "may second that".
        ordinal = name == "may" and day and day[2] and day[0] > 2
        sure = (year_then and (day or written or before == "in")) or (written and day and day[2]) or ordinal
    else:
        sure = name == month[1] or written or not day
    known = sure or _titled(text, begin) or before in _BEFORE_DATE or bare(low, begin, last)
    if last == end or not known:
        return None
    to = _TO_LAST_DAY.match(low, day[1]) if day and not year_then else None
    if day and to and (last_day := _day(low, to.end())) and (last_day[2] or "o" not in to[0]) and day[0] < last_day[0]:
        year_then = _year_after(low, last_day[1])
        days, last = f"{day[0]} to {last_day[0]}", year_then[1] if year_then else last_day[1]
    else:
        days = str(day[0]) if day else ""
    return " ".join(part for part in (name, days, year_then[0] if year_then else "") if part), last


def year_at(low: str, at: int) -> tuple[str, int] | None:
    """Read a year between 1000 and 2999 in words or digits."""
    if written := _YEAR.match(low, at):
        return written[1], written.end()
    words = run(low, at)
    if words and (halves := year(words, 0)):
        return halves[0], words[halves[1] - 1].end
    read = cardinal(words, 0)
    if read is None or read[2] or not 1000 <= read[0] <= 2999:
        return None
    return str(read[0]), words[read[1] - 1].end


def _year_after(low: str, at: int) -> tuple[str, int] | None:
    gap = _TO_YEAR.match(low, at)
    return year_at(low, gap.end()) if gap and gap.end() < len(low) else None


def _day(low: str, at: int) -> tuple[int, int, bool] | None:
    """Read a day of a month: the day, its end, whether it is an ordinal."""
    if at >= len(low):
        return None
    if found := _DAY.match(low, at):
        return int(found[1]), found.end(), bool(found[2])
    read = cardinal(run(low, at), 0)
    if read is None or not 1 <= read[0] <= 31:
        return None
    return read[0], run(low, at)[read[1] - 1].end, read[2]


def _all_digits(low: str, at: int) -> tuple[str, int] | None:
    if iso := _ISO.match(low, at):
        return f"{MONTHS[int(iso[3]) - 1]} {int(iso[4])} {iso[1]}", iso.end()
    if found := _SLASHED.match(low, at):
        first, second = int(found[1]), int(found[3])
        if first > 12 or first == second:
            first, second = second, first
        elif second <= 12:
            return None  # 1/2/2020 has two readings
        if 1 <= first <= 12 and 1 <= second <= 31:
            return f"{MONTHS[first - 1]} {second} {found[4]}", found.end()
    return None


def _without_dot(low: str, end: int) -> int:
    return end - 1 if low[end - 1] == "." else end


def _clock(hour: int, minutes: int) -> str:
    return f"{hour}:{minutes:02d}"


def _with_am_pm(low: str, clock: str, end: int) -> tuple[str, int]:
    found = _AM_PM_AT.match(low, end)
    return _with_zone(low, f"{clock} {found[1]}m", found.end()) if found else (clock, end)


def _with_zone(low: str, clock: str, end: int) -> tuple[str, int]:
    """Put together the letters of a time zone: "nine p m e s t"."""
    zone = _ZONE.match(low, end)
    return (f"{clock} {re.sub('[^a-z]', '', zone[0])}", zone.end()) if zone else (clock, end)


def _written_time(low: str, at: int) -> tuple[str, int] | None:
    if found := _CLOCK.match(low, at):
        end = found.end()
        hours = _HOURS.match(low, end) if found[1] > "12" or found[1][0] == "0" else None
        if o_clock := _O_CLOCK.match(low, end) or hours:
            end = o_clock.end()
        read = _with_am_pm(low, f"{int(found[1])}:{found[2]}{found[3]}", end)
        return None if low[read[1] : read[1] + 1].isalnum() else read
    if found := _CLOCK_AM_PM.match(low, at):
        return _with_zone(low, f"{_clock(int(found[1]), int(found[2] or 0))} {found[3]}m", found.end())
    if (found := _MILITARY.match(low, at)) and (found[1][0] == "0" or _of_day(low, at, found.end())):
        return _clock(int(found[1]), int(found[2])), found.end()
    return None


def _of_day(low: str, at: int, end: int) -> bool:
    return word_before(low, at) in _BEFORE_TIME or bare(low, at, end) or bool(_PART_OF_DAY.match(low, end))


def _hour(low: str, at: int) -> tuple[int, int] | None:
    read = _day(low, at)
    return (read[0], read[1]) if read and read[0] <= 12 and not read[2] else None


def _o_clock(low: str, at: int) -> tuple[str, int] | None:
    if (hour := _hour(low, at)) and (found := _O_CLOCK.match(low, hour[1])):
        return _with_am_pm(low, _clock(hour[0], 0), found.end())
    return None


def _relative(low: str, hour: tuple[int, int], minutes: int) -> tuple[str, int]:
    value, end = hour
    if o_clock := _O_CLOCK.match(low, end):
        end = o_clock.end()
    if minutes < 0:
        value, minutes = (value - 2) % 12 + 1, 60 + minutes
    return _with_am_pm(low, _clock(value, minutes), end)


def _past(low: str, at: int) -> tuple[str, int] | None:
    """Read "ten past five", and "ten to five" where it can be no range."""
    minutes = _minutes(low, at)
    word = _PAST.match(low, minutes[1]) if minutes else None
    hour = _hour(low, word.end()) if word else None
    if minutes is None or word is None or hour is None or not 1 <= minutes[0] <= 29:
        return None
    said = " minute" in word[0]
    if word[1] == "past":
        return _relative(low, hour, minutes[0]) if said or minutes[0] % 5 == 0 else None
    found = _relative(low, hour, minutes[0] if word[1] == "after" else -minutes[0])
    before = word_before(low, at)
    # "five to ten" may be a range, "ten to five" hardly
    timed = before in {"at", "it's"} or (
        minutes[0] > hour[0] and (before in _BEFORE_TIME or bare(low, at, found[1]) or minutes[0] in {20, 25})
    )
    return found if (said or (timed and minutes[0] in {5, 10, 20, 25})) and before != "from" else None


def _minutes(low: str, at: int) -> tuple[int, int] | None:
    read = _day(low, at)
    return (read[0], read[1]) if read and not read[2] else None


def _spoken_time(low: str, at: int) -> tuple[str, int] | None:  # noqa: PLR0911  # one return a kind of time
    words = run(low, at)
    read = cardinal(words, 0)
    if read is None or read[2]:
        return None
    value, after, _ = read
    end = words[after - 1].end
    if words[0].word in {"oh", "o", "zero"} and len(words) > 1:
        return _military(low, at, words)
    if value % 100 == 0 and 1000 <= value <= 2400 and (hours := _HOURS.match(low, end)):
        return (_clock(value // 100, 0), hours.end()) if "thousand" not in low[at:end] else None
    if 1 <= value <= 12 and (found := _O_CLOCK.match(low, end)):
        return _with_am_pm(low, _clock(value, 0), found.end())
    if 1 <= value <= 12 and (found := _AM_PM_AT.match(low, end)):
        return _with_zone(low, f"{_clock(value, 0)} {found[1]}m", found.end())
    minutes = _minutes_after(words, after)
    if minutes is None or not 1 <= value <= 23:
        return None
    end = words[minutes[1] - 1].end
    if (found := _AM_PM_AT.match(low, end)) and value <= 12:
        return _with_zone(low, f"{_clock(value, minutes[0])} {found[1]}m", found.end())
    if (hours := _HOURS.match(low, end)) and value > 9:
        return _clock(value, minutes[0]), hours.end()
    return (_clock(value, minutes[0]), end) if _is_time(low, (at, end), value, minutes[0], words) else None


def _is_time(  # noqa: PLR0911  # one return a context
    low: str, place: tuple[int, int], hour: int, minutes: int, words: tuple[Word, ...]
) -> bool:
    """Decide on an hour and minutes without "am": "nine thirty" may be a price or a room as well."""
    at, end = place
    if (
        follows_number(low, end)
        or before_street(low, end)
        or measured(low, end)
        or _COUNTED.match(low, end)
        or (minutes == hour + 1 and hour >= 9)
    ):
        return False  # ten eleven twelve: a list
    before = word_before(low, at)
    if (before in _BEFORE_TIME and before not in {"is", "was"}) or _BETWEEN_TIMES.search(low[max(0, at - 45) : at]):
        return hour not in {19, 20}
    if _PART_OF_DAY.match(low, end) or (hour < 13 and _TO_TIME.match(low, end)):
        return True
    if _PLANNED.search(low[max(0, at - 50) : at]) and hour not in {19, 20}:
        return True
    if hour > 12:  # said alone, "eighteen thirty" is a time and "eighteen twelve" a year
        return bare(low, at, end) and (hour > 20 or (hour < 19 and minutes % 5 == 0))
    if before in BEFORE_YEAR and hour >= 10:
        return False
    if words[1].word in {"oh", "o"} and hour < 10:
        return bare(low, at, end) and words[0].word != words[2].word
    if hour >= 10 or bare(low, at, end) or before in {"is", "was"}:
        return True
    return before in {"the", "a"} and minutes % 5 == 0


def _minutes_after(words: tuple[Word, ...], at: int) -> tuple[int, int] | None:
    if at >= len(words):
        return None
    if words[at].word in {"oh", "o", "zero"}:
        digit = DIGITS.get(words[at + 1].word, 0) if at + 1 < len(words) else 0
        return (digit, at + 2) if digit else None
    read = cardinal(words, at)
    if read is None or read[2] or not 10 <= read[0] <= 59 or (read[0] > 20 and read[1] - at > 2):
        return None
    return read[0], read[1]


def _military(low: str, at: int, words: tuple[Word, ...]) -> tuple[str, int] | None:
    """Read "oh six hundred hours", "oh six thirty hours"."""
    if words[1].word == "hundred" and (hours := _HOURS.match(low, words[1].end)):
        return _clock(0, 0), hours.end()
    rest = cardinal(words, 1)
    if rest is None or rest[2]:
        return None
    value, after, _ = rest
    if value % 100 == 0 and 100 <= value <= 900 and (hours := _HOURS.match(low, words[after - 1].end)):
        return _clock(value // 100, 0), hours.end()
    minutes = _minutes_after(words, after)
    if value > 9 or minutes is None:
        return None
    end = words[minutes[1] - 1].end
    if hours := _HOURS.match(low, end):
        end = hours.end()
    elif follows_number(low, end) or not (minutes[0] % 5 == 0 and value and _of_day(low, at, end)):
        return None
    return _clock(value, minutes[0]), end
