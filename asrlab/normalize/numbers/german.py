"""Numbers of German: fünfhundertsechs, am dritten Mai, zehn Uhr dreißig."""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.grammar import Grammar
from asrlab.normalize.numbers.reading import read
from asrlab.normalize.numbers.rules import ENDS, START, TAIL, alone, before_the_hour, clock


def _read(words: str) -> str | None:
    # text2num reads "ein Million" only, and takes a lone scale, "null", and "und" before a scale for part of a number.
    words = re.sub(r"\beine[rn]?\b", "ein", words).replace("-", " ")
    words = re.sub("fuenf|zwoelf", lambda m: m[0].replace("ue", "ü").replace("oe", "ö"), words)
    if re.match(r"null .|milli|und\b", words) or re.search(r" und (?:milli|hundert|tausend)|und$", words):
        return None
    digits = read(words, "de")
    return digits and digits.replace(".", "te")


def _half_hour(match: re.Match[str]) -> str:
    return f"{int(match[1]) - 1 or 12}:30"


def _quarter_hour(match: re.Match[str]) -> str:
    hours = int(match[2])
    if hours > 24:
        return match[0]
    return f"{hours}:15" if match[1].lower() == "nach" else f"{hours - 1 or 12}:45"


_SMALL: Final = (
    r"(?:eins?|zwei|zwo|drei|vier|f(?:ü|ue)nf|sech?s|sech|sieben|sieb|acht|neun|zehn|elf|zw(?:ö|oe)lf|zwanzig|drei(?:ß|ss)ig"
    r"|zig|hundert|tausend|und)"
)
_TENS: Final = {
    "zwanzig": "20",
    "drei(?:ß|ss)ig": "30",
    "vierzig": "40",
    "f(?:ü|ue)nfzig": "50",
    "sechzig": "60",
    "siebzig": "70",
    "achtzig": "80",
    "neunzig": "90",
}
_PARTS: Final = {
    "Drittel": 3,
    "Viertel": 4,
    "Fünftel": 5,
    "Sechstel": 6,
    "Siebtel": 7,
    "Achtel": 8,
    "Neuntel": 9,
    "Zehntel": 10,
    "Hundertstel": 100,
}
#: Quarters are parts of a town, too, and of an hour.
_OF: Final = "(?= (?:der|des|aller|von|Liter|Pfund|Meter|Kilo|Million|Milliarde)(?!\\w))"
#: Small ordinals, which may be something else: "achte", and what is idiomatic.
_SMALL_ORDINAL: Final = "(?:erst|zweit|dritt|viert|f(?:ü|ue)nft|sechst|siebt|acht|neunt|zehnt)e[nrms]?"
_DETERMINER: Final = (
    "de[rsmn]|die|das|dies(?:e[nrms]?)|a[mn]s?|im|ins|zu[mr]|vom|beim|als|jede[rnms]?|(?:m|d|s|k)?eine?[nrms]?"
    "|ihre?[nrms]?|unsere?[nrms]?"
)
_ORDINAL: Final = (
    rf"(?:{_SMALL}*(?:erst|dritt|siebt|(?:zwei|vier|f(?:ü|ue)nf|sechs|acht|neun|zehn|elf|zw(?:ö|oe)lf)t"
    r"|(?:zwanzig|zig|drei(?:ß|ss)ig|hundert|tausend)st|acht)e[nrms]?)"
)
_MONTHS: Final = (
    *("Januar|Jänner", "Februar|Feber", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober"),
    *("November", "Dezember"),
)
_RANKED: Final = (
    "Jahrhunderts?|Platz|Klasse|Stock|Etage|Mal|Geburtstag|Runde|Kapitel|Auflage|Weltkriegs?|Liga|Spieltag|Sitzung|Rang"
)
_SCALES: Final = {"Tausend|Tsd\\.?": 3, "Million(?:en)?|Mio\\.?": 6, "Milliarden?|Mrd\\.?": 9}
_MONEY: Final = {
    "Euros?|EUR": "€",
    "(?:US-)?Dollars?|USD": "$",
    "Pfund Sterling|GBP": "£",
    "Yen|JPY": "¥",
    "(?:Schweizer )?Franken|CHF": "CHF",
}
_UNITS: Final = {
    "Stundenkilometern?|Kilometern? pro Stunde|Kilometern? in der Stunde": "kmh",
    "Quadratkilometern?": "km2",
    "Quadratmetern?|qm": "m2",
    "Kubikmetern?": "m3",
    "Kilometern?": "km",
    "Zentimetern?": "cm",
    "Millimetern?": "mm",
    "Metern?": "m",
    "Kilogramm|Kilos?": "kg",
    "Milligramm": "mg",
    "Gramm": "g",
    "Millilitern?": "ml",
    "Litern?": "l",
    "Tonnen?": "t",
    "Kilowattstunden?": "kwh",
    "Kilowatt": "kw",
    "Promille": "‰",
    "Volt|(?-i:V)": "Volt",
    "Watt|(?-i:W)": "Watt",
    "Hektar": "ha",
    "Hertz": "hz",
    "Gigabytes?": "gb",
    "Megabytes?": "mb",
    "Minuten?|Min\\.?": "min",
    "Stunden?|Std\\.?": "Stunden",
    "°C|Grad Celsius": "Grad Celsius",
    "°(?! ?C)": "Grad",
}
#: "Ein" is a number only before these.
_COUNTED: Final = "|".join(
    (*_SCALES, *_MONEY, *_UNITS, "Prozent|Grad|Uhr|Komma|bis|oder|hundert|tausend|und \\w+[zß]ig")
)
GERMAN: Final = Grammar(
    word=rf"(?!(?:und|ein)(?!\w))(?:{_SMALL}+|null)|ein(?=-? ?(?:{_COUNTED})(?!\w))|eine[rn]?(?= (?:Milliarde|Million))"
    rf"|Million(?:en)?|Milliarden?|{_ORDINAL}",
    read=_read,
    joint="und",
    articles="eins?|eine[rn]?",
    ambiguous="(?!)",
    nouns="(?!)",
    ordinals=_SMALL_ORDINAL,
    ranked=rf"(?:(?:bis|bis zum|und|oder) {_ORDINAL} )?(?:{'|'.join((*_MONTHS, _RANKED))})",
    ranking=_DETERMINER,
    cue="Nummer|Nr\\.|halb|um|gegen|Punkt|nach|vor|plus|mal|Seite|Kapitel|Teil|Band|Formel|Klasse|Zimmer|Raum"
    "|Gleis|Linie|Platz|Stufe|Bahnsteig|Tor|Version|Artikel|Paragraf|Absatz|Übung|Aufgabe|Frage|Kanal|zu",
    comma="Komma",
    minus="minus",
    idioms=r"gibt? acht|acht auf (?:mich|dich|sich|sie|ihn|uns|euch)|acht (?:geben|zu geben|gegeben)"
    r"|(?:außer|in|habt) acht|acht und bann|sieben sachen"
    r"|null und nichtig|null acht fünfzehn|in null komma nichts|unter vier augen|auf allen vieren"
    r"|fünf vor zwölf|sieben meilen"
    r"|erste[rn]? hilfe|(?:erste|zweite)n? geige|fünfte[sn]? rad|siebte[nr] himmel|dritte[nr]? (?:welt|zähne)"
    r"|dritte[ns]? reich(?:s|es)?|zum ersten,? zum zweiten|erste[nr]? wahl|zweite[rns]? wahl|fürs erste"
    r"|auf wolke sieben|tausend dank|hundert und tausend|ein für alle ?mal|siebenschläfer|drei käse hoch",
    scales=_SCALES,
    money=_MONEY,
    units=_UNITS,
    of="(?!)",
    cents="Cents?|Rappen",
    and_cents="und ",
    percent="Prozent|v\\.H\\.",
    degrees="Grad",
    months=_MONTHS,
    between="bis|oder|plus|minus|mal|zu",
    hours="Uhr",
    hour="uhr",
    date="{day}. {month} {year}",
    phone="(?!)",
    phone_cue="Telefonnummer|Telefon|Tel\\.?|Handynummer|Handy|Rufnummer|Notruf|PIN|Code|Durchwahl|Postleitzahl|PLZ"
    "|wählen Sie",
    other=rf"\w+(?:ein|t)halbe?[nrms]?|(?:{'|'.join(_TENS)})er\w*|ein \w+el|halb|Viertel",
    spoken=(
        (r"(?<!\w)(?:ander|einein)t?halbe?[nrms]?(?!\w)", "eins Komma fünf"),
        (rf"(?<!\w)({_SMALL}+|\d+)einhalbe?[nrms]?(?!\w)", r"\1 Komma fünf"),
        *((rf"(?<!\w){tens}er[- ]?(?=Jahren?(?!\w))", f"{digits}er ") for tens, digits in _TENS.items()),
        *((rf"(?<!\w)ein {part}{_OF}", f"1/{n}") for part, n in _PARTS.items()),
        *((alone(f"ein {part}"), f"1/{n}") for part, n in _PARTS.items()),
    ),
    rules=(
        *((rf"{START}(\d+) {part}(?!\w)", rf"\1/{n}") for part, n in _PARTS.items() if n != 4),
        (rf"{START}3 Viertel{_OF}", "3/4"),
        (alone("3 Viertel"), "3/4"),
        (rf"{START}(\d\der)-(?=Jahren?(?!\w))", r"\1 "),
        (rf"(?<!\w)halb (1[0-2]|[1-9]){TAIL}(?! ?%)", _half_hour),
        (rf"(?<!\w)(?:ein )?Viertel (nach|vor) (\d\d?){TAIL}", _quarter_hour),
        (rf"(?<!\w)(?P<lead>)(?P<m>5|10|20|25) vor (?P<h>1[0-2]|[1-9]){ENDS}", before_the_hour),
        (rf"(?<!\w)(?P<m>5|10|20|25) nach (?P<h>1[0-2]|[1-9]){ENDS}", clock("")),
        (rf"{START}(\d+)(?:\.|s?te[nrms]?) (?=(?:{_RANKED})(?!\w))", r"\1te "),
        (rf"(?<!\w)((?:{_DETERMINER}) \d+)\. (?=\w)(?!(?:{'|'.join(_MONTHS)})(?!\w))", r"\1te "),
        (r"((?:(?<!\w)ist der|\Ader|(?-i:[A-ZÄÖÜ])\w+ der|am|zum|vom|, de[mn]) \d+)\.(?=\W*\Z)", r"\1te"),
        (
            rf"{START}(\d\d?)te[nrms]? (?=(?:(?:bis|bis zum|und|oder) \d\d?(?:te|\.)? )?(?:{'|'.join(_MONTHS)})(?!\w))",
            r"\1. ",
        ),
        (rf"{START}(?P<h>\d\d?)[:.](?P<m>[0-5]\d) ?Uhr(?!\w)", clock("uhr")),
        (rf"{START}(?P<h>\d\d?) Uhr (?P<m>\d\d?){TAIL}", clock("uhr")),
        (rf"{START}(?P<h>\d\d?):(?P<m>00)(?![\d:])", clock("uhr")),
        (rf"{START}(\d+)(?:-|\s)?(?:Euro|€)-(?=Schein|Stück|Münze)", r"\1€ "),
    ),
)
