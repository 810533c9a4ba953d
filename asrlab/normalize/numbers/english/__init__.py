"""English numbers, as said or as written, in one form: digits, with signs and units that later steps leave alone.

Only what is a number is changed. The code is our own: wetext 0.1.8 (English, to written) unifies a third of the pairs
in ``tests/forms_dev_en.tsv``, since it knows one way to write; it writes "five hundred and six hundred" as
"506 hundred" and numbers into "wait a second" and "I may second that".
"""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.english.codes import (
    LETTER_AND_NUMBER,
    dotted,
    letter_and_number,
    one_by_one,
    pressure,
    special,
    telephone,
    with_letter,
)
from asrlab.normalize.numbers.english.context import BEFORE_NO, BEFORE_POINT, bare, word_before
from asrlab.normalize.numbers.english.idioms import idioms
from asrlab.normalize.numbers.english.money import CODES, money_by_sign
from asrlab.normalize.numbers.english.ordinals import decade, ordinal
from asrlab.normalize.numbers.english.plain import number, united
from asrlab.normalize.numbers.english.romans import romans_in_digits
from asrlab.normalize.numbers.english.times import date, time
from asrlab.normalize.numbers.english.words import DECADES, END, MONTHS, NUMBER_WORD, Quantity, quantity, readable, run

#: Rounds in which the last numbers are found that only others, once in digits, let be seen.
_ROUNDS: Final = 8
_ASCII_LOWER: Final = {code: code + 32 for code in range(65, 91)}

_NAMES: Final = "|".join(DECADES)
_MONTHS: Final = "|".join((*MONTHS, "jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"))
_MAYBE: Final = re.compile(rf"[0-9]|\b(?:{NUMBER_WORD}|{_NAMES}|half|quarter)\b")
#: Where a number may begin, by what it begins with.
_START: Final = re.compile(
    r"(?<!\w)(?<!\w')(?:"
    rf"(?P<lettered>(?:{LETTER_AND_NUMBER})(?!\w|'\w))|"
    r"(?P<digits>(?<![0-9][.,:/⁄∕])(?:(?<!\.)\.)?[0-9])|"
    r"(?P<sign>[-−]?(?:(?:us|ca?|au?|nz|hk|s|r)?\$|[£€¥₹₩₽₿฿])-?\s?(?=\.?[0-9])|"
    rf"(?:{CODES}|rs\.?)\s?(?=[0-9]))|"
    r"(?P<mark>(?<!\+)[−+#'(](?=\s?\(?[$£€¥₹]?\.?[0-9])|no\.(?=\s?[0-9]))|"
    rf"(?P<word>{NUMBER_WORD}|double|triple|{_MONTHS}|"
    r"half(?=\s+an?\s+[a-z])|(?:a\s+)?(?:half|quarter)(?=[\s-]+(?:past|after|to|till|til)\b)|"
    rf"an?(?=[\s-]+(?:hundred|thousand|million|billion|trillion|lakh|crore){END})|"
    rf"the(?=\s+(?:[0-9]|(?:{NUMBER_WORD}){END})))(?!\w|'\w)|"
    rf"(?P<decade>{_NAMES})(?!\w)|"
    r"(?P<prefix>point|minus|negative|plus|ext\.?)(?=[\s-]+[0-9a-z.$£€¥₹])(?!\w)"
    r")"
)
_TO_SECOND_AMOUNT: Final = re.compile(r"\s?[-–]\s?(?=[$£€¥₹][0-9])")
_PREFIX: Final = re.compile(r"([a-z]+)\.?([\s-]+)")
_NUMBER_WORD: Final = re.compile(NUMBER_WORD)


def numbers_in_one_form(text: str) -> str:
    """Bring the numbers of an English text to one form.

    Parameters
    ----------
    text : str
        With case and punctuation or without; characters in NFKC, quotes straight.

    Returns
    -------
    str
        The same text, with numbers as ``150``, ``2.5``, ``21st``, ``3/4``, ``$3.50``, ``20%``, ``may 3 2020``,
        ``10:15``, ``10:15 am``, ``5 kg``, ``5551234``. What is no number stays as it is: "one of them", "CO2".
        Applied to its own result it changes nothing.

    Examples
    --------
    >>> numbers_in_one_form("On the third of May, twenty twenty, I paid two hundred and five dollars.")
    'On may 3 2020, I paid $205.'
    >>> numbers_in_one_form("One of them is on cloud nine. Wait a second!")
    'One of them is on cloud nine. Wait a second!'
    """
    text = romans_in_digits(text)
    low = _lower(text)
    if not _MAYBE.search(low):
        return text
    for _ in range(_ROUNDS):
        changed = _once(text, low)
        if changed == text:
            break
        text, low = changed, _lower(changed)
    return text


def _lower(text: str) -> str:
    """Give lower case in which each character stays in its place."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


def _once(text: str, low: str) -> str:
    pieces: list[str] = []
    done = at = 0
    kept = [*idioms(low), (len(low), len(low))][::-1]  # the next one is the last of the list
    while found := _START.search(low, at):
        begin = found.start()
        while kept[-1][1] <= begin:
            kept.pop()
        if kept[-1][0] <= begin:
            at = kept[-1][1]
            continue
        converted = _converted(text, low, begin, found.lastgroup or "")
        if converted is None:
            at = _after(low, found)
            continue
        pieces += (text[done:begin], converted[0])
        done = at = max(converted[1], begin + 1)
    return "".join((*pieces, text[done:])) if pieces else text


def _after(low: str, found: re.Match[str]) -> int:
    """Go past what was no number: past the whole of it where it is written in digits."""
    end = found.end()
    if found.lastgroup == "digits":
        while end < len(low) and (low[end].isalnum() or (low[end] in ".,:/⁄∕" and low[end + 1 : end + 2].isdigit())):
            end += 1
    return end


def _converted(text: str, low: str, at: int, kind: str) -> tuple[str, int] | None:
    if kind == "sign":
        return _signed_money(low, at)
    if kind == "mark":
        return _marked(text, low, at)
    if kind == "prefix":
        return _prefixed(text, low, at)
    if kind == "decade":
        return decade(low, at)
    if kind == "lettered":
        return letter_and_number(text, low, at)
    found = (
        date(text, low, at)
        or telephone(low, at)
        or dotted(low, at)
        or special(low, at)
        or pressure(low, at)
        or time(low, at)
        or decade(low, at)
        or one_by_one(low, at)
        or ordinal(low, at)
        or number(text, low, at)
    )
    return with_letter(low, at, found) if found else None


def _signed_money(low: str, at: int) -> tuple[str, int] | None:
    found = money_by_sign(low.replace("−", "-"), at)
    dash = _TO_SECOND_AMOUNT.match(low, found[1]) if found else None
    return (f"{found[0]} to ", dash.end()) if found and dash else found


def _marked(text: str, low: str, at: int) -> tuple[str, int] | None:
    """Read what begins with a mark: "+1 555 ...", "(555) ...", "'80s", "#5", "No. 5"."""
    mark = low[at]
    before = word_before(low, at)
    end = at + (3 if mark == "n" else 1)
    end += low[end : end + 1].isspace()
    if mark in "+(" and (phone := telephone(low, at)):
        return phone
    if mark == "'":
        return decade(low, at)
    if mark == "−":
        return "-", at + 1
    if mark == "+" and low[end].isdigit() and before != "plus":
        return "plus ", end
    if mark == "#" or (mark == "n" and (text[at].isupper() or before in BEFORE_NO)):
        return ("" if before == "number" else "number "), end
    return None


def _prefixed(text: str, low: str, at: int) -> tuple[str, int] | None:
    """Read "minus five", "point five", "plus one five five five ...", "ext. 5"."""
    prefix = _PREFIX.match(low, at)
    if prefix is None or prefix.end() == len(low):
        return None
    start = prefix.end()
    if prefix[1] == "ext":
        return (f"extension{prefix[2]}", start) if readable(low, start) else None
    if prefix[1] == "point":
        return _leading_point(text, low, at)
    if prefix[1] == "plus":
        digits = one_by_one(low, start)
        return digits if digits and len(digits[0]) >= 10 else None
    read = quantity(low, start)
    if low[start] not in "$£€¥₹" and (read is None or read.ordinal):
        return None
    before = word_before(low, at)
    subtracted = before[-1:].isdigit() or _NUMBER_WORD.fullmatch(before) or len(before) == 1
    return None if subtracted else ("-", start)


def _leading_point(text: str, low: str, at: int) -> tuple[str, int] | None:
    """Read "point five" as 0.5: "at this point five people" has none."""
    words = run(low, at)
    whole = quantity(f"zero {low[at : words[-1].end]}", 0) if len(words) > 1 else None
    if whole is None or not whole.digits.startswith("0."):
        return None
    read = Quantity(whole.digits, at + whole.end - len("zero "), spoken=True)
    sure = word_before(low, at) in BEFORE_POINT or words[1].word in {"oh", "o", "zero"} or bare(low, at, read.end)
    return united(text, low, at, read) or ((read.digits, read.end) if sure else None)
