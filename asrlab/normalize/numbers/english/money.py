"""Money in English: ``$3.50`` and ``50000 swiss francs`` for all the ways to write it; pounds that are a weight."""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.english.words import Quantity, quantity, times_power

#: Currencies without a sign of their own: by their code, the name written here, and a pattern for what is said.
NAMED: Final = {
    "chf": ("swiss francs", r"swiss\s+francs?"),
    "sek": ("swedish kronor", r"swedish\s+(?:kron[aoe]r?|crowns?)"),
    "nok": ("norwegian kroner", r"norwegian\s+(?:kron[aoe]r?|crowns?)"),
    "dkk": ("danish kroner", r"danish\s+(?:kron[aoe]r?|crowns?)"),
    "cny": ("yuan", r"(?:chinese\s+)?yuan|rmb|renminbi"),
    "krw": ("won", r"(?:south\s+)?korean\s+won"),
    "mxn": ("mexican pesos", r"mexican\s+pesos?"),
    "brl": ("reais", r"(?:brazilian\s+)?reais"),
    "zar": ("rand", r"(?:south\s+african\s+)?rands?"),
    "thb": ("baht", r"(?:thai\s+)?baht"),
    "pln": ("zlotys", r"(?:polish\s+)?zlotys?"),
    "czk": ("czech crowns", r"czech\s+(?:crowns?|koruna)"),
    "huf": ("forints", r"(?:hungarian\s+)?forints?"),
    "aed": ("dirhams", r"(?:emirati\s+|uae\s+)?dirhams?"),
    "idr": ("rupiah", r"(?:indonesian\s+)?rupiahs?"),
    "vnd": ("dong", r"vietnamese\s+dong"),
}
_WEIGHT: Final = re.compile(
    r"\b(?:weigh\w*|los[ei]\w*|lost|gain\w*|lift\w*|heav\w*|shed|carr[yi]\w*|load|luggage|baby|dog|fish|dumbbells?|"
    r"bench\w*|drop\w*|deadlift\w*|squat\w*|muscle|kettlebells?|barbells?)\b[^.;!?]*$"
)
#: Of a person: "he is one hundred and eighty pounds", not "he is fifty pounds richer".
_PERSON: Final = re.compile(
    r"\b(?:he|she|i|who)(?:'s|'m| is| was| am)(?: (?:now|about|around|almost|nearly|only|just|over|under))*\s+$"
)
_NO_PERSON: Final = re.compile(r"\s+(?:richer|poorer|better|worse|short|in|out|up|down|behind|ahead|a|an|each)\b")

_CODES: Final = {
    "usd": "us$",
    "eur": "€",
    "gbp": "£",
    "jpy": "¥",
    "inr": "₹",
    "cad": "c$",
    "aud": "a$",
    "nzd": "nz$",
    "hkd": "hk$",
    "sgd": "s$",
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
    "₿": "₿",
}
#: Signs and codes before an amount whose name comes after it here.
_NAME_OF: Final = {code: name for code, (name, _) in NAMED.items()} | {
    "rmb": "yuan",
    "r$": "reais",
    "₩": "won",
    "₽": "rubles",
    "฿": "baht",
}
_BEFORE: Final = "|".join(re.escape(code) for code in sorted({*_CODES, *_NAME_OF}, key=len, reverse=True))
_SIGN: Final = re.compile(rf"(-?)({_BEFORE})(-?)\s?(?=\.?[0-9])")
#: Codes before an amount, as a pattern.
CODES: Final = "|".join(("usd|eur|gbp|jpy|inr|cad|aud|nzd|hkd|sgd|rmb", *NAMED))
_SHORT_SCALE: Final = re.compile(r"\s?(k|mm?n?|bn?|tn?)(?!\w|'\w)")
_SHORT: Final = {"k": 3, "m": 6, "mn": 6, "mm": 6, "mmn": 6, "b": 9, "bn": 9, "t": 12, "tn": 12}
#: A currency after an amount.
CURRENCY: Final = re.compile(
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
    if name := _NAME_OF.get(sign[2]):
        return None if low[end : end + 1].isalnum() else (f"{minus}{_amount(digits)} {name}", end)
    code = _CODES[sign[2]]
    if (again := CURRENCY.match(low, end)) and code == "$" and "$" in _SIGNS[again.lastgroup or "usd"]:
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
    if not read.spoken and (short := _SHORT_SCALE.match(low, end)) and CURRENCY.match(low, short.end()):
        digits, end = times_power(digits, _SHORT[short[1]]), short.end()
    found = CURRENCY.match(low, end)
    if found is None:
        return _minor(low, read)
    if found["gbp"] and weighs(low, at, found):
        return None
    sign, end = _SIGNS[found.lastgroup or "usd"], found.end()
    if read.plain and (minor := _and_minor(low, end, sign)):
        return f"{sign}{digits}.{minor[0]:02d}".removesuffix(".00"), minor[1]
    return f"{sign}{_amount(digits)}", end


def _amount(digits: str) -> str:
    return digits.removesuffix(".00")


def weighs(low: str, at: int, pounds: re.Match[str]) -> bool:
    """Tell whether pounds are a weight, not money."""
    if "sterling" in pounds[0] or low[pounds.end() - 1] in "£p":
        return False
    if _WEIGHT.search(low[max(0, at - 40) : at]) or _POUNDS_OF.match(low, pounds.end()):
        return True
    if _PERSON.search(low[max(0, at - 40) : at]) and not _NO_PERSON.match(low, pounds.end()):
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
