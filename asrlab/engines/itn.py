"""Numbers as written (``$150``) and as spoken (``one hundred and fifty dollars``), in English and Chinese.

Whisper writes digits by itself. So turning inverse text normalization (ITN) off has to bring digits back to words, and
turning it on has to catch what Whisper has spelled out. The numbers are converted by wetext. What a number is, is
decided here, and only that is given to it: in whole sentences wetext reorders dates, opens up abbreviations, escapes
quotation marks and fails with assertions. Text outside numbers is never touched.
"""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import SequenceMatcher
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from asrlab.engines.base import Sentence, Word
from asrlab.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Sequence

ITN_LANGUAGES: Final = frozenset({"en", "zh"})
"""Languages with ITN; as in the real service (service documentation, ITN)."""

_PUNCTUATION: Final = ".,!?:;。，！？：；、…\"'”’)]}）」』"


def written(text: str, language: str | None) -> str:
    """Write the numbers of a text in digits.

    Parameters
    ----------
    text : str
        A transcript.
    language : str or None
        Its language; texts in others than ``en`` and ``zh`` are returned as they are.

    Raises
    ------
    MissingExtra
        If wetext is not installed.

    Examples
    --------
    >>> written("Revenue rose by eleven percent, to three point two million dollars.", "en")
    'Revenue rose by 11%, to $3.2 million.'
    >>> written("作者今年五十八岁，十分高兴。", "zh")
    '作者今年58岁，十分高兴。'
    """
    if language == "en":
        return _EN_RUN.sub(_written_en, text)
    if language == "zh":
        for pattern, convert in _ZH_WRITTEN:
            text = pattern.sub(convert, text)
    return text


def spoken(text: str, language: str | None) -> str:
    """Write the numbers of a text in words.

    Parameters
    ----------
    text : str
        A transcript.
    language : str or None
        Its language; texts in others than ``en`` and ``zh`` are returned as they are.

    Raises
    ------
    MissingExtra
        If wetext is not installed.

    Examples
    --------
    >>> spoken("Revenue rose by 11%, to $3.2 million.", "en")
    'Revenue rose by eleven percent, to three point two million dollars.'
    >>> spoken("作者今年58岁。", "zh")
    '作者今年五十八岁。'
    """
    if language == "en":
        return _EN_CHUNK.sub(_spoken_en, text)
    if language == "zh":
        return "".join(_spoken_zh(piece) for piece in _ZH_PIECES.split(text))
    return text


def in_form(sentence: Sentence, *, written_form: bool) -> Sentence:
    """Bring a sentence and its words into the written or the spoken form.

    Words that a number is made of become one word with the time of all: there are no times within it to be had.
    """
    text = (written if written_form else spoken)(sentence.text, sentence.language)
    if text == sentence.text:
        return sentence
    return replace(sentence, text=text, words=_retimed(sentence.words, sentence.text, text))


def text_of(words: Sequence[Word]) -> str:
    """Join words to a text; a word that ends in a space is followed by one, after its punctuation."""
    return "".join(map(_with_space, words)).strip()


def make_word(begin_ms: int, end_ms: int, text: str, *, spaced: bool) -> Word:
    """Make a word of a text, its punctuation set apart and its space kept, as the service gives them."""
    bare = text.rstrip(_PUNCTUATION) or text
    return Word(begin_ms, end_ms, bare + " " * spaced, text[len(bare) :])


def _with_space(word: Word) -> str:
    bare = word.text.rstrip()
    return bare + word.punctuation + word.text[len(bare) :]


def _retimed(words: Sequence[Word], old: str, new: str) -> tuple[Word, ...]:
    same = [block for block in SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if block[0] == "equal"]
    retimed: list[Word] = []
    group: list[Word] = []
    end, begin_new = 0, 0
    for word in words:
        group.append(word)
        end += len(_with_space(word))
        at_end = word is words[-1]
        kept = next((j1 + end - i1 for _, i1, i2, j1, _ in same if i1 <= end <= i2), None)
        if kept is None and not at_end:
            continue
        end_new = len(new) if at_end else kept
        text = new[begin_new:end_new]
        retimed.append(make_word(group[0].begin_ms, word.end_ms, text.strip(), spaced=text.endswith(" ")))
        group, begin_new = [], end_new or 0
    return tuple(retimed)


@cache
def _wetext(language: str, operator: str) -> Any:  # noqa: ANN401 - wetext publishes no types
    try:
        from wetext import Normalizer  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise MissingExtra("Inverse text normalization", "local") from error
    return Normalizer(lang=language, operator=operator)


def _convert(text: str, language: str, operator: str) -> str | None:
    """Convert a number by wetext; None where it fails, which it does with assertions."""
    try:
        converted: str = _wetext(language, operator).normalize(text)
    except (AssertionError, RuntimeError, IndexError, KeyError):
        return None
    return converted


def _split(words: str) -> list[str]:
    return words.split()


# English, to words.

_EN_SCALES: Final = _split("hundred thousand million billion trillion")
_EN_UNITS_OF_MEASURE: Final = _split(
    "ml l cl dl km m cm mm kg g mg lb lbs oz ft mph km/h GB MB KB TB Hz kHz MHz GHz °C °F % W kW kWh V"
)
_EN_CHUNK: Final = re.compile(
    r"[^\s\d\"“”‘()\[\]]*\d[^\s\"“”()\[\]]*"
    r"(?: (?:hundred|thousand|million|billion|trillion)\b)?"
    rf"(?: (?:{'|'.join(map(re.escape, _EN_UNITS_OF_MEASURE))})(?![\w/]))?"
)
# A full stop within a time of day, as Whisper writes it for British voices.
_EN_TIME_OF_DAY: Final = re.compile(r"\d{1,2}\.[0-5]\d (?:in the|at night|tonight|[ap]\.?m\b)")
_EN_MINOR: Final = {"$": ("cent", "cents"), "£": ("penny", "pence"), "€": ("cent", "cents")}
_LONGEST: Final = 20  # characters of a number that is read as one
_EN_DIGITS: Final = _split("zero one two three four five six seven eight nine")
_EN_MONTHS: Final = _split("january february march april may june july august september october november december")


def _spoken_en(match: re.Match[str]) -> str:
    chunk = match.group()
    core = chunk.rstrip(".,!?;:'’…-–—")
    before = match.string[: match.start()].rstrip().rpartition(" ")[2].lower()
    if _EN_TIME_OF_DAY.match(match.string, match.start()):
        core = core.replace(".", ":")
    if before in _EN_MONTHS and re.fullmatch(r"[12]?\d|3[01]", core):
        words = _words_of(_ordinal(int(core)))
    elif before in ("flight", "extension") and re.fullmatch(r"\d{3,5}", core):
        words = _one_by_one(core)
    else:
        words = _words_of(core)
    if words is None or re.search(r"[\d\\]", words):
        return chunk
    return words + chunk[len(core) :]


def _words_of(core: str) -> str | None:  # noqa: PLR0911 - one return a kind of number
    if found := re.fullmatch(r"['’‘]?((?:\d\d)?\d0)s", core):
        return _plural(_cardinal(found[1]))
    if found := re.fullmatch(r"([$£€])([\d,]+)\.(\d\d)", core):
        return _money(*found.groups())
    if re.fullmatch(r"\d{3}-\d{4}|(?!\d{4}-\d\d?-\d\d?$)\d+(?:-\d+){2,}|0\d+|\d{7,}", core):
        return ", ".join(_one_by_one(group) for group in core.split("-"))
    if found := re.fullmatch(r"([#+])(\d.*)", core):
        return _joined({"#": "number ", "+": "plus "}[found[1]], _words_of(found[2]))
    if (found := re.fullmatch(r"(\d+)/(\d+)", core)) and not int(found[1]) < int(found[2]) <= 10:
        return _joined(_cardinal(found[1]), " ", _cardinal(found[2]))
    if found := re.fullmatch(r"(\d+)[-–](\d+)", core):
        return _joined(_cardinal(found[1]), " to ", _cardinal(found[2]))
    if found := re.fullmatch(r"(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?", core):
        whole = _cardinal(found[1])
        return whole if not found[2] else _joined(whole, " point ", _one_by_one(found[2]))
    words = _convert(core, "en", "tn")
    if words is None:
        return None
    return re.sub(rf"\b(?:{'|'.join(_EN_MONTHS)})\b", lambda month: month.group().title(), words.replace(" o ", " oh "))


def _one_by_one(digits: str) -> str:
    return " ".join(_EN_DIGITS[int(digit)] for digit in digits)


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number not in (11, 12, 13) else "th"
    return f"{number}{ending}"


def _cardinal(digits: str) -> str | None:
    """Words of a whole number; four digits without a comma are read as a year, where years are read so."""
    if len(digits) > _LONGEST:
        return None
    number = int(digits.replace(",", ""))
    if "," not in digits and 1100 <= number < 2100 and not 2000 <= number <= 2009:
        words = _convert(str(number), "en", "tn")
        return words and words.replace(" zero ", " oh ")
    words = _convert(f"{number:,}", "en", "tn")
    return f"one {words}" if words and words.startswith("thousand") else words  # wetext says no "one" there


def _money(sign: str, whole: str, minor: str) -> str | None:
    one, many = _EN_MINOR[sign]
    if len(whole) > _LONGEST:
        return None
    major = int(whole.replace(",", ""))
    parts = [_convert(f"{sign}{major}", "en", "tn")] if major or not int(minor) else []
    if int(minor):
        parts.append(_joined(_cardinal(minor), " ", one if int(minor) == 1 else many))
    return None if None in parts else " and ".join(part for part in parts if part)


def _plural(words: str | None) -> str | None:
    return words and (f"{words[:-1]}ies" if words.endswith("y") else f"{words}s")


def _joined(*parts: str | None) -> str | None:
    return None if None in parts else "".join(part for part in parts if part)


# English, to digits.

_EN_SMALL: Final = _split("one two three four five six seven eight nine")
_EN_TEENS: Final = _split("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
_EN_TENS: Final = _split("twenty thirty forty fifty sixty seventy eighty ninety")
_EN_LOW_ORDINALS: Final = _split("first second third fourth fifth sixth seventh eighth ninth")
_EN_ORDINALS: Final = _split(
    "tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth "
    "twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth hundredth thousandth"
)
_EN_VALUES: Final = (
    {word: n for n, word in enumerate(_EN_SMALL, 1)}
    | {word: n for n, word in enumerate(_EN_TEENS, 10)}
    | {word: 10 * n for n, word in enumerate(_EN_TENS, 2)}
)
_NUMBER: Final = "|".join(
    ["zero", "oh", *_EN_SMALL, *_EN_TEENS, *_EN_TENS, *_EN_SCALES, *_EN_LOW_ORDINALS, *_EN_ORDINALS]
)
_NUMBERS: Final = (
    rf"(?:{_NUMBER})\b(?:(?:[ -]| point )(?:{_NUMBER})\b|(?<=hundred|housand|million|billion) and (?:{_NUMBER})\b)*"
)
_EN_RUN: Final = re.compile(
    rf"(?P<before>\b(?:at|by|before|after|until|till|from|around) )?"
    rf"\b(?P<run>{_NUMBERS}"
    rf"(?: dollars?(?: and {_NUMBERS} cents?)?| pounds and {_NUMBERS} pence| cents?| euros?| percent| per cent)?)"
    rf"(?![\w-])",
    re.IGNORECASE,
)


def _written_en(match: re.Match[str]) -> str:
    before, given = match["before"] or "", match["run"]
    run = given.lower().replace("-", " ").replace("per cent", "percent")
    words = run.split()
    if before and (clock := _clock(words)):
        return before + clock
    if len(words) == 1:
        if words[0] in _EN_TEENS:  # wetext leaves ten to twelve
            return before + str(_EN_VALUES[words[0]])
        if words[0] in _EN_LOW_ORDINALS:
            return match.group()
    digits = _convert(run, "en", "itn")
    if digits and run.endswith(" pence"):
        digits = re.sub(r"(\d+) pounds and (\d+) pence", lambda m: f"£{m[1]}.{int(m[2]):02d}", digits)
    if digits is None or not re.search(r"\d", digits) or re.search(r"[a-z]{4}", digits.replace("illion", "")):
        return match.group()
    digits = re.sub(r"^0(?=\d:)", "", digits.replace(" %", "%"))
    if any(scale in words for scale in _EN_SCALES):
        least = 4 if re.search("[$£]", digits) else 5
        digits = re.sub(rf"\d{{{least},}}", lambda found: f"{int(found.group()):,}", digits)
    return before + digits


def _clock(words: list[str]) -> str | None:
    """Time of day out of an hour and minutes, such as ``nine forty five`` or ``ten oh five``."""
    values = [0 if word == "oh" else _EN_VALUES.get(word) for word in words]
    if not 2 <= len(values) <= 3 or None in values or not 1 <= (values[0] or 0) <= 12:
        return None
    minutes = [value or 0 for value in values[1:]]
    apart = len(minutes) == 1 and minutes[0] >= 10
    together = len(minutes) == 2 and (minutes[0] == 0 or 20 <= minutes[0] <= 50) and 1 <= minutes[1] <= 9
    if not (apart or together) or sum(minutes) > 59:
        return None
    return f"{values[0]}:{sum(minutes):02d}"


# Chinese, to words.

_ZH_PIECES: Final = re.compile(r"([，。！？、；“”‘’\"'（）()《》\s\\]+|,(?!\d{3}(?!\d)))")
_ZH_PHONE: Final = str.maketrans("0123456789", "零幺二三四五六七八九")
_ZH_DIGIT_BY_DIGIT: Final = re.compile(
    r"(?<![\d.-])(?:\d{3,4}-\d{3,4}(?:-\d{4})?|0\d{2,3}-\d{7,8}|0\d{2,}|\d{7,}|(?<=[机機])\d{3,5})(?![\d.,:%万萬亿億年-])"
)
_ZH_ALONE: Final = re.compile(r"(?<=第)\d+|(?<=[A-Za-z]-)\d+|(?<![\d.:])\d{1,2}(?=[月日号號楼樓路班])")
_ZH_RANGE: Final = re.compile(r"(?<![\d-])(\d+)[-–~～](?=\d+(?![\d-]))")


def _spoken_zh(piece: str) -> str:
    if not re.search(r"\d", piece):
        return piece
    prepared = re.sub(r"(?<=\d)：(?=\d)", ":", piece)
    prepared = _ZH_DIGIT_BY_DIGIT.sub(lambda found: found.group().replace("-", "").translate(_ZH_PHONE), prepared)
    prepared = _ZH_RANGE.sub(r"\1到", prepared)
    prepared = _ZH_ALONE.sub(lambda found: _convert(found.group(), "zh", "tn") or found.group(), prepared)
    words = _convert(prepared, "zh", "tn")
    if words is None or re.search(r"[\d\\]", words) or not _holds(words, re.sub(r"[^\u3400-\u9fff]", "", piece)):
        return piece
    return words


def _holds(text: str, characters: str) -> bool:
    rest = iter(text)
    return all(character in rest for character in characters)


# Chinese, to digits.

_D: Final = "[一二三四五六七八九两兩]"
_TENS: Final = f"{_D}?十{_D}?"
_HUNDREDS: Final = f"{_D}百(?:[零〇]{_D}|{_TENS})?"
_THOUSANDS: Final = f"{_D}千(?:[零〇](?:{_TENS}|{_D})|{_HUNDREDS})?"
_BELOW_10000: Final = f"(?:{_THOUSANDS}|{_HUNDREDS}|{_TENS}|{_D})"
_WHOLE: Final = (
    f"(?:{_BELOW_10000}[亿億](?:[零〇]?{_BELOW_10000}[万萬])?|"
    f"{_BELOW_10000}[万萬](?:[零〇](?:{_HUNDREDS}|{_TENS}|{_D})|{_THOUSANDS})?|{_BELOW_10000})"
)
_DECIMAL: Final = f"(?P<whole>{_WHOLE}|[零〇])[点點](?P<decimals>[零〇一二三四五六七八九]+)"
_NO_DIGIT_BEFORE: Final = "(?<![零〇一二三四五六七八九十百千万亿萬億两兩幺几幾数數点點第])"
_NO_DIGIT_AFTER: Final = "(?![零〇一二三四五六七八九十百千万亿萬億两兩幺几幾])"
_AM_PM: Final = "上午|下午|早上|晚上|凌晨|中午|傍晚"
_SIMPLIFIED: Final = str.maketrans("兩點萬億〇", "两点万亿零")
_ZH_DIGITS: Final = "零一二三四五六七八九"


def _digits_zh(found: re.Match[str]) -> str:
    text = found.group()
    plain = text.translate(_SIMPLIFIED)
    digits = str(_ZH_DIGITS.find(plain.replace("两", "二"))) if len(plain) == 1 and plain != "十" else None
    digits = digits or _convert(plain, "zh", "itn")
    if digits is None or not re.fullmatch(r"[\d.%/]+[万亿]?(?:\d+万?)?", digits):
        return text
    return digits.replace("万", "萬").replace("亿", "億") if re.search("[萬億]", text) else digits


def _decimal_zh(found: re.Match[str]) -> str:
    """Write ``两点四六`` as ``2.46``; of a decimal before 万 wetext makes two numbers."""
    return f"{_WHOLE_OR_ZERO.sub(_digits_zh, found['whole'])}.{_one_by_one_zh(found['decimals'])}"


def _minutes_zh(found: re.Match[str]) -> str:
    return _one_by_one_zh(found.group()) if found.group()[0] in "零〇" else _digits_zh(found)


def _one_by_one_zh(text: str) -> str:
    return "".join(str(_ZH_DIGITS.find(digit)) for digit in text.translate(_SIMPLIFIED))


_WHOLE_OR_ZERO: Final = re.compile(f"{_WHOLE}|[零〇]")
_HOUR: Final = f"(?:{_TENS}|{_D})"
_ZH_WRITTEN: Final = [
    (re.compile(pattern), convert)
    for pattern, convert in (
        (f"百分之(?:{_DECIMAL}|{_WHOLE}|百){_NO_DIGIT_AFTER}", _digits_zh),
        (f"{_NO_DIGIT_BEFORE}{_WHOLE}分之{_WHOLE}{_NO_DIGIT_AFTER}", _digits_zh),
        # dates
        (f"{_NO_DIGIT_BEFORE}(?:十[一二]?|{_D})(?=月{_BELOW_10000}[日号號])", _digits_zh),
        (rf"(?<=\d月){_BELOW_10000}(?=[日号號])", _digits_zh),
        (f"(?<=年)(?:十[一二]?|{_D})(?=月)", _digits_zh),
        # times of day
        (f"(?:{'|'.join(f'(?<={part})' for part in _AM_PM.split('|'))}){_HOUR}(?=[点點])", _digits_zh),
        (f"{_NO_DIGIT_BEFORE}{_HOUR}(?=[点點](?:半|整|[钟鐘]|[一三]刻|(?:[零〇]{_D}|{_TENS})分))", _digits_zh),
        (rf"(?<=\d[点點])(?:[零〇]{_D}|{_TENS}){_NO_DIGIT_AFTER}", _minutes_zh),
        # numbers
        (f"{_NO_DIGIT_BEFORE}{_DECIMAL}(?![零〇一二三四五六七八九十百千几幾刻])", _decimal_zh),
        (f"{_NO_DIGIT_BEFORE}[零〇一二三四五六七八九幺]{{3,}}{_NO_DIGIT_AFTER}", _digits_zh),
        # A single digit is left, since 一 is in too many words; and 十分, which is mostly "very".
        (
            f"(?:(?<=第)|{_NO_DIGIT_BEFORE})(?!{_D}(?![十百千万萬亿億]))(?!十分(?![钟鐘之])){_WHOLE}{_NO_DIGIT_AFTER}",
            _digits_zh,
        ),
    )
]
