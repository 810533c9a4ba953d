"""Classes of numbers: where numbers stand in a text whose numbers are in one form, and what each of them is.

Classes are those of text normalisation (Sproat & Jaitly 2016, arXiv 1611.00068), with percentages and fractions apart
from decimals, and with lengths of time in hours, minutes and seconds among the measures; days and years are counted.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from asrlab.normalize.numbers.english.words import split
from asrlab.scoring.formatting.patterns import NOT_A_DAY, YEAR, pattern_of

#: What a number can be.
NUMBER_CLASSES: Final = (
    "cardinal",
    "ordinal",
    "decimal",
    "fraction",
    "percent",
    "date",
    "time",
    "money",
    "measure",
    "phone",
    "code",
)


#: Characters that are looked at on either side of a number.
_VIEW: Final = 24


class Found(NamedTuple):
    """A number in a text: where it begins and ends, and what it is."""

    begin: int
    end: int
    number_class: str


def numbers_in(text: str, preset: str) -> list[Found]:
    """Find the numbers of a text whose numbers are in one form.

    Parameters
    ----------
    text : str
        A text as :mod:`asrlab.normalize.numbers` leaves it; of a language that it does not know, any text.
    preset : str
        Name of the normalizer's preset: the language.

    Returns
    -------
    list of Found
        In order, without overlaps.

    Examples
    --------
    >>> [found.number_class for found in numbers_in("On may 3 2020 at 10:15 I paid $205 for 5 kg, 20% less.", "en")]
    ['date', 'time', 'money', 'measure', 'percent']
    """
    return [Found(found.start(), found.end(), _settled(found, preset)) for found in pattern_of(preset).finditer(text)]


def _settled(found: re.Match[str], preset: str) -> str:
    """Look at what stands around what may be several things."""
    name = (found.lastgroup or "cardinal").rstrip("_0123456789")
    text = found[0]
    before = found.string[max(0, found.start() - _VIEW) : found.start()].lower()
    if name == "date":
        return "code" if text[-1] in "号號" and text[:-1].isdecimal() and _PLACE.search(before) else name
    if name not in {"cardinal", "decimal"}:
        return name
    if text.isdecimal() and len(text) >= _SHORTEST and _DIALLED.search(before):
        return "phone"
    if name == "decimal":
        in_threes = preset not in _DECIMAL_COMMA and re.fullmatch(r"[-−]?\d{1,3}(?:,\d{3})+", text)
        return "cardinal" if in_threes else name
    return _cardinal(text, before, found.string[found.end() : found.end() + _VIEW], preset)


def _cardinal(text: str, before: str, after: str, preset: str) -> str:
    """Tell a number that counts from a name and a year."""
    if _LABEL.search(before) or (len(text) > 1 and text[0] == "0"):
        return "code"
    if preset in {"zh", "yue", "ja"}:
        return "code" if _NAMED.match(after) else "cardinal"
    return "date" if re.fullmatch(YEAR, text) and _BEFORE_YEAR.search(before) else "cardinal"


#: Languages that write 3,5 where English writes 3.5.
_DECIMAL_COMMA: Final = frozenset(split("de fr es pt it ru pl cs nl sv da no fi id tr uk el hu ro basic"))
#: Words after which a number is a name.
_LABEL: Final = re.compile(
    r"\b(?:room|flight|extension|ext|pin|passcode|password|code|route|highway|interstate|apartment|apt|suite|gate|"
    r"zip|postcode|serial|otp|locker|boeing|airbus|account|id|booking|order|reference|ticket|tracking|"
    r"zimmer|postleitzahl|postal|gate|vol|chambre|flug|code|pin|habitación|código|quarto|"
    r"camera|codice|voo|vuelo|volo|senha|cap|"
    r"комната|комнате|код|рейс|рейса)"
    r"(?: (?:is|number|no|ist|lautet|est|es|é|è|номер))*[ .:#]*$"
    r"|(?:房间号?|房間號?|航班号?|航班號?|密码|密碼|验证码|驗證碼|代码|代碼|分机号?|分機號?|尾号|尾號|编号|編號|车牌号?|"
    r"单号|單號|邮编|郵編|门牌号|暗証番号|番号|コード)(?:码|碼)?[是为為は:, ]*$",
    re.IGNORECASE,
)
_PLACE: Final = re.compile("(?:登[机機]口|站[台臺]|柜台|櫃台|窗口|座位|展位|床位|门牌|門牌)[在是为為]?$")
#: Words after which a number is called, however short it is, and the fewest digits of such.
_DIALLED: Final = re.compile(
    r"\b(?:dial|call|ring|phone)(?: me at| us at| us on)? $|(?:拨打?|撥打?|致电|致電|热线|熱線|打)$"
)
_SHORTEST: Final = 3
_BEFORE_YEAR: Final = re.compile(
    r"\b(?:in|since|until|till|by|from|to|during|before|after|year|of|early|late|spring|summer|autumn|fall|winter|"
    r"dates from|back to|class of|and|im jahr|seit|en|depuis|desde|em|del?|nel|dal|год[ау]?|в|с)[ ,]*$",
    re.IGNORECASE,
)
_NAMED: Final = re.compile(
    rf"[号號](?={NOT_A_DAY})|[号號]室|[号號]?[楼樓线線](?!上|下)|次(?:航班|列车|列車|高铁|高鐵|班机)|号线|路公交|路[车車]|番(?![目組])"
)
