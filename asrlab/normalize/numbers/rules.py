"""Rules that several languages share: times of day, and centuries in Roman numerals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

#: Where a number begins, and where it ends with nothing after it that it could count.
START: Final = r"(?<![\w.,:/-])"
TAIL: Final = r"(?!\w|[.,:/]\d|[€$£¥%‰]| (?:<counted>)(?!\w))"
#: Two numbers side by side are a time of day only where nothing follows that the second could count.
ENDS: Final = r"(?= ?(?:$|[.,;:!?)](?!\d)|(?:de la|del|da|di|horas|h|in punto|en punto)(?!\w)))"


def alone(pattern: str) -> str:
    """Give a pattern of what is the whole text."""
    return rf"\A{pattern}(?=\W*\Z)"


def clock(full_hour: str) -> Callable[[re.Match[str]], str]:
    """Write a time of day as 10:30, the full hour as "10 Uhr"."""

    def write(match: re.Match[str]) -> str:
        given = match.groupdict()
        hours, minutes = int(given["h"]), int(given["m"] or given["n"])
        if hours > 24 or minutes > 59:
            return match[0]
        lead = given.get("lead", "")
        return f"{lead}{hours}:{minutes:02d}" if minutes else f"{lead}{hours}{full_hour}"

    return write


def before_the_hour(match: re.Match[str]) -> str:
    """Write "10 minus a quarter" as 9:45; the minutes are 15 where there are none."""
    hours = int(match["h"]) if match["h"].isdecimal() else 1
    minutes = int(match["m"] or 15)
    if not (1 <= hours <= 24 and 0 < minutes < 60):
        return match[0]
    return f"{match['lead']}{hours - 1 or 12}:{60 - minutes}"


def regnal(names: str) -> str:
    """Give a pattern of the Roman numeral of a king or pope, for :func:`century`; "vi" is a word elsewhere."""
    roman = r"(?=[XVI])X{0,3}(?:IX|IV|V?I{0,3})"
    return rf"(?P<lead>(?<!\w)(?:{names}) )(?P<roman>(?-i:{roman})|(?!vi(?!\w))(?=[xvi]{{2}}){roman})(?P<rest>)(?!\w)"


def century(match: re.Match[str]) -> str:
    """Write Roman numerals of a century in digits."""
    value = {"i": 1, "v": 5, "x": 10}
    letters = [value[letter] for letter in match["roman"].lower() if letter in value]
    total = sum(-a if b > a else a for a, b in zip(letters, [*letters[1:], 0], strict=True))
    return f"{match['lead']}{total}{match['rest']}"
