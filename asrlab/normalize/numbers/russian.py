"""Numbers of Russian. The forms of all numerals come from num2words; to read them is to add them up.

A group set off by a space is joined (12 500). In a list of two numbers (5, 100) that cannot be told apart once a chain
has taken the comma out, so there it is joined too.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from typing import Final, NamedTuple

from asrlab.errors import MissingExtra
from asrlab.normalize.numbers.grammar import Grammar
from asrlab.normalize.numbers.rules import START, century, clock, regnal

_SMALL: Final = (*range(21), *range(30, 100, 10), *range(100, 1000, 100))
_SCALES: Final = (1_000, 1_000_000, 1_000_000_000)
#: Endings of ordinals. Of each, all but the first vowel is written after digits ("5-го").
_ENDINGS: Final = (
    *("ого", "его", "ому", "ему", "ыми", "ими", "ый", "ий", "ой", "ым", "им", "ом", "ем", "ая", "ья", "ую", "ью"),
    *("ое", "ье", "ые", "ьи", "ых", "их", "ей"),
)


#: But "м" would be metres.
_SHORT: Final = {ending: ending[1:].replace("м", "ом") if ending[1:] == "м" else ending[1:] for ending in _ENDINGS} | {
    "м": "ом"
}


class _Numeral(NamedTuple):
    """What a word is worth, and its ending in digits if it is an ordinal."""

    value: int
    ending: str


def russian_numbers_in_one_form(text: str) -> str:
    """Bring Russian numbers to one form: ``пять рублей пятьдесят копеек`` and ``5,50 руб.`` to ``5,50₽``.

    Raises
    ------
    MissingExtra
        If num2words is not installed.
    """
    return _russian().unify(text)


@cache
def _numerals() -> dict[str, _Numeral]:
    """Make the forms of all numerals, in all cases and genders, by num2words (0.5.14, LGPL-2.1)."""
    try:
        from num2words import num2words  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtra("Bringing Russian numbers to one form", "numbers") from error
    forms: dict[str, _Numeral] = {}
    for case, gender, plural, animate in product("ngdaip", "mfn", (False, True), (False, True)):
        form = {"lang": "ru", "case": case, "gender": gender, "plural": plural, "animate": animate}
        for value in (*_SMALL, *_SCALES):
            *_, word = num2words(value, **form).split()
            forms.setdefault(word, _Numeral(value, ""))
            for count in (2, 5):
                *_, word = num2words(count * value if value in _SCALES else value, **form).split()
                forms.setdefault(word, _Numeral(value, ""))
        for value in (*_SMALL, 1_000, 2_000):
            ordinal = num2words(value, to="ordinal", **form)
            forms.setdefault(ordinal, _Numeral(value, _short(ordinal)))
    forms["нуль"] = _Numeral(0, "")
    return forms | {word.replace("ё", "е"): numeral for word, numeral in forms.items()}


def _short(ordinal: str) -> str:
    """Give the ending that an ordinal has in digits: "го" for "пятого"."""
    return _SHORT[next(ending for ending in _ENDINGS if ordinal.endswith(ending))]


@cache
def _read(words: str) -> str | None:
    """Read a number: words add up, each less than the one before; a scale multiplies what stands before it."""
    total = group = 0
    room, room_of_scale = 1000, 10**12
    found = [_numerals().get(word, _Numeral(-1, "")) for word in words.split(" ")]
    if (len(found) > 1 and any(numeral.value == 0 for numeral in found)) or any(n.ending for n in found[:-1]):
        return None
    for value, ending in found:
        if value >= 1000 and not ending:
            if value >= room_of_scale or (not group and (total or len(found) == 1) and words not in _ONE_OF_A_SCALE):
                return None
            total, group, room, room_of_scale = total + (group or 1) * value, 0, 1000, value
        elif value >= 1000:
            if len(found) > 1:
                return None
            total = value
        elif 0 <= value < room:
            group += value
            room = 100 if value >= 100 else 10 if value >= 20 else 1
        else:
            return None
    return f"{total + group}{found[-1].ending}"


#: "Тысячи людей" are no 1000.
_ONE_OF_A_SCALE: Final = frozenset({"тысяча", "тысячу", "миллион", "миллиард"})
_NOUN: Final = "(?:а|у|ом|е|ы|ов|ам|ами|ах)?"
_MONTHS: Final = (
    *("января|январь|январе", "февраля|февраль|феврале", "марта|март|марте", "апреля|апрель|апреле", "мая|май|мае"),
    *("июня|июнь|июне", "июля|июль|июле", "августа|август|августе", "сентября|сентябрь|сентябре"),
    *("октября|октябрь|октябре", "ноября|ноябрь|ноябре", "декабря|декабрь|декабре"),
)
_DAYS: Final = "|".join(month.partition("|")[0] for month in _MONTHS)


_RANKED: Final = "мест(?:а|ах)|класс(?:а|ов|ах)|этаж(?:а|ей|ах)|курс(?:а|ов|ах)|ряд(?:а|ов|ах)|дня|дней|групп|глав|раза"


def _fraction(match: re.Match[str]) -> str:
    """Write "3 целых 5 10х" as 3,5."""
    places = len(match["of"]) - 1
    return match[0] if len(match["part"]) > places else f"{match['whole'] or 1},{match['part'].zfill(places)}"


def _ordinal(match: re.Match[str]) -> str:
    ending = (match[2] or match[3]).lower()
    return match[1] + _SHORT.get(ending, ending)


#: Kings and popes, without the ending of their case.
_KINGS: Final = (
    "Людовик|Петр|П[её]тр|Пав(?:ел|л)|Никола|Александр|Карл|Генрих|Филипп|Фридрих|Наполеон|Вильгельм|Екатерин"
    "|Елизавет|Иван|Георг|Иоанн|Бенедикт|Пи|Рамзес|Леопольд"
)


def _regnal_in_case(match: re.Match[str]) -> str:
    name = match["lead"].strip().lower()
    woman = re.match("екатерин|елизавет", name)
    endings = (
        {"а": "я", "ы": "й", "у": "ю", "е": "й", "ой": "й"}
        if woman
        else {"а": "го", "я": "го", "у": "му", "ю": "му", "е": "ом"}
    )
    ending = next((form for end, form in endings.items() if name.endswith(end)), "ом" if name.endswith("м") else "й")
    return century(match) + ending


def _time_alone(match: re.Match[str]) -> str:
    """Write a text that is two numbers in words, of an hour and minutes, as a time of day."""
    words = match[0].lower().split(" ")
    if _read(" ".join(words)):
        return match[0]
    for at in range(1, len(words)):
        zero = words[at] == "ноль"
        hours, minutes = _read(" ".join(words[:at])), _read(" ".join(words[at + zero :]))
        if hours and minutes and int(hours) <= 24 and (1 if zero else 10) <= int(minutes) < (10 if zero else 60):
            return f"{hours}:{minutes.zfill(2)}"
    return match[0]


def _century_in_case(match: re.Match[str]) -> str:
    ending = {"": "й", "а": "го", "у": "му"}.get(match["case"].lower(), "ом")
    return century(match).replace(match["rest"], ending + match["rest"])


@cache
def _russian() -> Grammar:
    ones = "|".join(word for word, numeral in _numerals().items() if numeral == (1, ""))
    numeral = "|".join(word for word, (value, ending) in _numerals().items() if value < 60 and not ending)
    endings = "|".join((*_ENDINGS, "го", "му", "ми", "й", "я", "ю", "е", "х"))
    return Grammar(
        word="|".join(sorted(_numerals(), key=len, reverse=True)),
        read=_read,
        joint="(?!)",
        articles=ones,
        ambiguous="семью|сорока",
        spoken=(
            (rf"\A(?:{numeral})(?: (?:{numeral})){{1,3}}(?=\W*\Z)", _time_alone),
            (r"(?<!\w)(?<!ни )пол(?:тора|торы|утора)(?!\w)", "1,5"),
        ),
        nouns=r"\w+(?:ами|ями|ьми)|лет|дней|минут|часов|человек|тысяч|раз",
        cue="номер|№|страница|глава",
        comma="запятая",
        minus="минус",
        idioms=r"семь раз отмерь|сем[ьи] пятниц|ни два ни полтора|в два сч[её]та|как две капли|во[- ]первых"
        r"|в[- ]третьих|в[- ]четв[её]ртых|в[- ]пятых|за семью печатями|за тридевять|один за другим|одна за другой"
        r"|одно и то же|один и тот же|одна и та же|один на один|раз,? два,? три"
        r"|сорок сороков|тысяча и одна ночь|тысячу раз"
        r"|сто лет в обед|\A(?:семью|сорока)\W*\Z"
        r"|за троих|в первую очередь|на седьмом небе|пятое колесо|два сапога пара",
        scales={
            "тысяч(?:а|и|у|е|ам|ами|ах)?|тыс\\.?": 3,
            f"миллион{_NOUN}|млн\\.?": 6,
            f"миллиард{_NOUN}|млрд\\.?": 9,
        },
        money={
            "рубл(?:ь|я|ю|[её]м|е|и|ей|ям|ями|ях)|руб\\.?|р\\.|RUB": "₽",
            "евро|EUR": "€",
            f"доллар{_NOUN}(?: США)?|долл\\.?|USD": "$",
            f"фунт{_NOUN} стерлингов|GBP": "£",
        },
        units={
            f"километр{_NOUN} в час|км/ч|км в час": "кмч",
            f"квадратн(?:ый|ых|ого|ые) километр{_NOUN}|км2|кв\\. ?км": "км2",
            f"квадратн(?:ый|ых|ого|ые) метр{_NOUN}|м2|кв\\. ?м": "м2",
            f"кубическ(?:ий|их|ого|ие) метр{_NOUN}|м3": "м3",
            f"километр{_NOUN}|км": "км",
            f"сантиметр{_NOUN}|см": "см",
            f"миллиметр{_NOUN}|мм": "мм",
            f"метр{_NOUN}|м": "м",
            f"килограмм{_NOUN}|кило|кг": "кг",
            f"миллиграмм{_NOUN}|мг": "мг",
            f"грамм{_NOUN}": "г",
            f"миллилитр{_NOUN}|мл": "мл",
            f"литр{_NOUN}": "л",
            "тонн(?:а|ы|у|е|ой|ам|ами|ах)?": "т",
            f"вольт{_NOUN}|(?-i:В)": "вольт",
            f"ватт{_NOUN}|(?-i:Вт)": "ватт",
            f"гектар{_NOUN}": "га",
            f"герц{_NOUN}": "гц",
            f"гигабайт{_NOUN}|(?-i:Гб|ГБ)": "гб",
            f"мегабайт{_NOUN}|(?-i:Мб|МБ)": "мб",
            "минут(?:а|у|ы|е|ам|ами|ах)?|мин\\.?": "мин",
            f"градус{_NOUN} Цельсия|°C|°С": "градусов цельсия",
            f"градус{_NOUN}|°(?! ?[CС])": "градусов",
        },
        of="(?!)",
        cents="копе(?:йка|йки|йку|йке|ек|йкам|йками)|коп\\.?|цент(?:а|ов)?",
        and_cents="и ",
        percent=f"процент{_NOUN}",
        degrees=f"градус{_NOUN}",
        months=_MONTHS,
        between="или|до",
        date="{day} {month} {year} года",
        phone=r"(?:\+ ?7|8|7)[ -]?\(?\d{3}\)?[ -]?\d{3}[ -]?\d\d[ -]?\d\d|\(?[3489]\d\d\)? ?\d{3}-\d\d-\d\d"
        r"|[1-9]\d\d-\d\d-\d\d",
        phone_cue="номер телефона|телефон|тел\\.?|номер|код|пин-код|звоните|наберите",
        spaced_thousands=True,
        dotted_thousands=False,
        other=rf"[XVI]+ век(?:а|у|ом|е)?|(?:{_KINGS})\w{{0,2}} [XVI]+|пол(?:тора|торы|утора)",
        early=(
            (r"(?P<lead>(?<!\w))(?P<roman>[XVI]+)(?P<rest> век(?P<case>а|у|ом|е|)(?!\w))", _century_in_case),
            (
                rf"(?:{START}(?P<whole>\d+)|(?<!\w)одн(?:а|у|ой)) цел(?:ых|ая|ые) (?:и )?"
                r"(?P<part>\d+) (?P<of>10|100|1000)(?:х|я)(?!\w)",
                _fraction,
            ),
            (rf"{START}(\d+)(?:-?({endings})|-(м))(?!\w)", _ordinal),
            (rf"{START}(\d+)(?:{endings})(?= (?:(?:по|и|до) \d\d?(?:{endings})? )?(?:{_DAYS})(?!\w))", r"\1"),
            (rf"{START}(\d+)(?:{endings})(?= год(?:а|у|ом|е)?(?!\w))", r"\1"),
            (regnal(rf"(?:{_KINGS})\w{{0,2}}"), _regnal_in_case),
            (rf"{START}(\d+) с половиной(?!\w)", r"\1,5"),
            (rf"{START}(\d+) трети(?!\w)", r"\1/3"),
            (rf"{START}(\d+) четверти(?!\w)", r"\1/4"),
            (r"(?<!\w)одна треть(?!\w)", "1/3"),
            # Not the three fifth places, and the like.
            (rf"{START}([2-9]) ([4-9]|10|100)х(?! (?:{_RANKED})(?!\w))(?!\w)", r"\1/\2"),
        ),
        rules=(
            (rf"{START}(\d\d? (?:{_DAYS}) \d{{4}}) г(?:\.|ода года|ода г\.|(?!\w))", r"\1 года"),
            (
                rf"(?P<lead>{START})(?P<h>\d\d?) (?:час(?:а|ов)?|ч\.?) (?P<m>\d\d?) (?:минут[аыу]?|мин\.?)(?!\w)",
                clock(""),
            ),
            (r"(?<!\w)плюс (?=7\d{10}(?!\d))", ""),
            (rf"{START}(?<!\d )([01]?\d|2[0-4]) 0 0(?! ?\d)(?!\w|[.,:/]\d)", r"\1:00"),
            (
                r"(?P<lead>(?<!\w)(?:в|к|с|до|около|после) )(?P<h>\d\d?) (?P<m>[0-5]\d)(?= ?(?:$|[.,;:!?)](?!\d)))",
                clock(""),
            ),
            (r"(?P<lead>(?<!\w)(?:в|к|с|до|около|после) )(?P<h>\d\d?) 0 (?P<m>[1-9])(?!\w|[.,:/]\d)", clock("")),
        ),
    )
