"""Numbers of German: fünfhundertsechs, am dritten Mai, zehn Uhr dreißig."""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.grammar import Grammar
from asrlab.normalize.numbers.reading import read
from asrlab.normalize.numbers.rules import START, TAIL, clock


def _read(words: str) -> str | None:
    # text2num reads "ein Million" only, and takes a lone scale, "null", and "und" before a scale for part of a number.
    words = re.sub(r"\beine[rn]?\b", "ein", words).replace("-", " ")
    words = re.sub("fuenf|zwoelf", lambda m: m[0].replace("ue", "ü").replace("oe", "ö"), words)
    if re.match(r"null .|milli|und\b", words) or re.search(r" und (?:milli|hundert|tausend)|und$", words):
        return None
    return read(words, "de")


_SMALL: Final = (
    r"(?:eins?|zwei|zwo|drei|vier|f(?:ü|ue)nf|sech?s|sech|sieben|sieb|acht|neun|zehn|elf|zw(?:ö|oe)lf|zwanzig|drei(?:ß|ss)ig"
    r"|zig|hundert|tausend|und)"
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
GERMAN: Final = Grammar(
    word=rf"(?!und(?!\w))(?:{_SMALL}+|null)|eine[rn]?(?= (?:Milliarde|Million))|Million(?:en)?|Milliarden?"
    rf"|{_ORDINAL}(?= (?:(?:bis|bis zum|und|oder) {_ORDINAL} )?(?:{'|'.join((*_MONTHS, _RANKED))})(?!\w))",
    read=_read,
    joint="und",
    articles="ein|eine[rn]?",
    ambiguous="(?!)",
    nouns="(?!)",
    cue="Nummer|Nr\\.",
    comma="Komma",
    minus="minus",
    idioms=r"gibt? acht|acht (?:geben|zu geben|gegeben)|(?:außer|in|habt) acht|acht und bann|sieben sachen"
    r"|null und nichtig|null acht fünfzehn|in null komma nichts|unter vier augen|auf allen vieren"
    r"|fünf vor zwölf|sieben meilen"
    r"|auf wolke sieben|tausend dank|hundert und tausend|ein für alle ?mal|siebenschläfer|drei käse hoch",
    scales={"Tausend|Tsd\\.?": 3, "Million(?:en)?|Mio\\.?": 6, "Milliarden?|Mrd\\.?": 9},
    money={
        "Euros?|EUR": "€",
        "(?:US-)?Dollars?|USD": "$",
        "Pfund Sterling|GBP": "£",
        "Yen|JPY": "¥",
        "(?:Schweizer )?Franken|CHF": "CHF",
    },
    units={
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
        "°C|Grad Celsius": "Grad Celsius",
        "°(?! ?C)": "Grad",
    },
    of="(?!)",
    cents="Cents?|Rappen",
    and_cents="und ",
    percent="Prozent|v\\.H\\.",
    degrees="Grad",
    months=_MONTHS,
    between="bis|oder",
    hours="Uhr",
    hour="uhr",
    date="{day}. {month} {year}",
    phone="(?!)",
    phone_cue="Telefonnummer|Telefon|Tel\\.?|Handynummer|Handy|Rufnummer|Notruf|PIN|Code|Durchwahl|Postleitzahl|PLZ"
    "|wählen Sie",
    rules=(
        (rf"{START}(\d+) Drittel(?!\w)", r"\1/3"),
        (rf"{START}(\d+)(?:\.|s?te[nrms]?) (?=(?:{_RANKED})(?!\w))", r"\1te "),
        (rf"{START}(\d\d?)(?:te[nrms]?) (?=(?:{'|'.join(_MONTHS)})(?!\w))", r"\1. "),
        (rf"{START}(?P<h>\d\d?)[:.](?P<m>[0-5]\d) ?Uhr(?!\w)", clock("uhr")),
        (rf"{START}(?P<h>\d\d?) Uhr (?P<m>\d\d?){TAIL}", clock("uhr")),
        (rf"{START}(?P<h>\d\d?):(?P<m>00)(?![\d:])", clock("uhr")),
        (rf"{START}(\d+)(?:-|\s)?(?:Euro|€)-(?=Schein|Stück|Münze)", r"\1€ "),
    ),
)
