"""Numbers of French: quatre-vingt-dix-neuf, le premier mai, dix heures trente.

A group set off by a space is joined (12 500). In a list of two numbers (5, 100) that cannot be told apart once a chain
has taken the comma out, so there it is joined too.
"""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.grammar import Grammar
from asrlab.normalize.numbers.reading import read
from asrlab.normalize.numbers.rules import START, TAIL, alone, before_the_hour, century, clock, regnal


def _read(words: str) -> str | None:
    # text2num takes "zéro" or a scale at the front, and "et" anywhere, for part of a number.
    words = words.replace("zero", "zéro")
    if re.match(r"zéro.|cents|milli(?:on|ard)|et\b", words) or re.search(
        r"[ -]et[ -](?!une?\b|onz|unième)|(?:sept|huit|non)ante[ -](?:dix|onze|douze|treize|quatorze|quinze|seize)",
        words,
    ):
        return None
    digits = read(words, "fr")
    if digits and not digits.isdecimal():
        return re.sub(r"ière|ère", "re", re.sub(r"i?ème", "e", digits))
    return digits


_SCALES: Final = "millions?|milliards?"
_KINGS: Final = (
    "Louis|Charles|Henri|François|Napoléon|Jean-Paul|Jean|Benoît|Pie|Philippe|Guillaume|Élisabeth|Elisabeth|Édouard"
    "|George|Léopold|Albert|Frédéric|Grégoire|Innocent|Clément"
)
#: A fraction of something is no third party, and no quarterfinal.
_OF: Final = r"(?= d(?:e|es|u)(?! (?:finale|confiance))(?!\w)| d')"
FRENCH: Final = Grammar(
    word=r"z[ée]ro|une?|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|vingts?"
    r"|trente|quarante|cinquante|soixante|septante|huitante|nonante|cents?|mille|millions?|milliards?"
    r"|premi(?:er|ère)s?|(?:un|deux|trois|quatr|cinqu|six|sept|huit|neuv|dix|onz|douz|treiz|quatorz|quinz|seiz|vingt"
    r"|trent|quarant|cinquant|soixant|septant|huitant|nonant|cent|mill)ièmes?",
    read=_read,
    joint="et",
    articles="une?",
    ambiguous="neuf",
    nouns="ans|mois|jours|semaines|minutes|secondes|fois|personnes|enfants|points|pages|hommes|femmes|élèves|pays|morts"
    "|candidats|joueurs|places|voix|heures|autres|cents|mille|dixièmes|centièmes",
    cue="numéros?|n°|page|chapitre|article|ligne|chambre|sur",
    comma="virgule",
    minus="(?<!au )(?<!du )moins",
    idioms=r"quatre[- ]quarts?|mille[- ]feuilles?|mille[- ]pattes|se mettre en quatre|tiré à quatre épingles"
    r"|sur (?:son|leur|mon|ton|notre|votre) trente(?: et |-et-)un|faire les cent pas|les cent pas|mille mercis"
    r"|quoi de neuf|flambant neuf|tout neuf|remettre à neuf|remis à neuf|mille et une nuits|un par un|une par une"
    r"|l'une? (?:et|ou|ni|des?|à) l'autre|sens dessus dessous|en mille morceaux|mille fois merci",
    scales={"mille": 3, "millions?|Mio": 6, "milliards?|Mds?": 9},
    money={
        "euros?|EUR": "€",
        "dollars?|USD": "$",
        "livres? sterling|GBP": "£",
        "yens?|JPY": "¥",
        "francs? suisses?|CHF": "CHF",
    },
    units={
        "kilomètres?[- ]heures?|kilomètres? (?:par|à l')[- ]?heure|km par heure|km à l'heure": "kmh",
        "kilomètres? carrés?": "km2",
        "mètres? carrés?": "m2",
        "mètres? cubes?": "m3",
        "kilomètres?": "km",
        "centimètres?": "cm",
        "millimètres?": "mm",
        "mètres?": "m",
        "kilogrammes?|kilos?": "kg",
        "milligrammes?": "mg",
        "grammes?": "g",
        "millilitres?": "ml",
        "centilitres?": "cl",
        "litres?": "l",
        "tonnes?": "t",
        "kilowatt(?:s|-)?[- ]?heures?": "kwh",
        "kilowatts?": "kw",
        "volts?|(?-i:V)": "volts",
        "watts?|(?-i:W)": "watts",
        "hectares?": "ha",
        "hertz": "hz",
        "giga-?octets?|(?-i:Go)": "gb",
        "méga-?octets?|(?-i:Mo)": "mb",
        "minutes?|min": "min",
        "°C|degrés? Celsius": "degrés celsius",
        "degrés?|°(?! ?C)": "degrés",
    },
    of="d'|de ",
    cents="centimes?|cents?",
    and_cents="et ",
    percent="pour[- ]cent|p\\. ?100",
    degrees="degrés?",
    months=(
        *("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août|aout", "septembre", "octobre"),
        *("novembre", "décembre"),
    ),
    between="à|ou",
    hours="heures?|h",
    hour="h",
    date="{day} {month} {year}",
    first="er",
    phone=r"(?!)",
    phone_cue="numéro de téléphone|téléphone|tél\\.?|numéro|portable|code postal|code|composez le|appelez le|faites le",
    spaced_thousands=True,
    dotted_thousands=False,
    other=rf"[XVI]+(?:e|i?[èe]me) siècle|(?:{_KINGS}) [XVI]+",
    spoken=(
        (rf"(?<=\w )({_SCALES}) et demie?(?!\w)", r"virgule cinq \1"),
        (rf"(?<!\w)un tiers{_OF}", "1/3"),
        (rf"(?<!\w)un quart{_OF}", "1/4"),
        (alone("un tiers"), "1/3"),
        (alone("un quart"), "1/4"),
    ),
    rules=(
        (regnal(_KINGS), century),
        (r"(?<!\w)24 ?h(?:eures)?(?:/| sur )24(?!\w)", "24h sur 24"),
        (rf"{START}(\d+)(?:i?[èe]me|e)(s?)(?!\w)", r"\1e\2"),
        (rf"{START}1(?:i?[èe]re|re)(s?)(?!\w)", r"1re\1"),
        (r"(?P<lead>(?<!\w))(?P<roman>[XVI]+)(?:e|i?[èe]me)(?P<rest>(?= siècle))", lambda m: f"{century(m)}e"),
        (
            rf"{START}(?P<h>\d\d?)(?: heures? | ?h(?! )| h )(?P<m>\d\d?)(?! ?(?:min|minutes?)(?!\w)){TAIL}",
            clock("h"),
        ),
        (rf"{START}(?P<h>\d\d?):(?P<m>00)(?![\d:])", clock("h")),
        (rf"{START}(?P<h>\d\d?):(?P<m>[0-5]\d) ?(?:h|heures)(?!\w)", clock("h")),
        (rf"{START}(\d\d?) heures? et demie(?!\w)", r"\1:30"),
        (rf"{START}(\d\d?) heures? et quart(?!\w)", r"\1:15"),
        (rf"{START}(\d+) tiers(?!\w)", r"\1/3"),
        (rf"{START}(\d+) quarts(?! de finale)(?!\w)", r"\1/4"),
        (rf"{START}([2-9]) ([5-9]|10)es(?:{_OF}|(?=\W*\Z))", r"\1/\2"),
        (
            rf"(?P<lead>{START})(?P<h>\d\d?) ?h(?:eures?)? moins"
            r" (?:le quart|(?P<m>\d\d?)(?! ?(?:h|min)))(?!\w|[.,:/]\d)",
            before_the_hour,
        ),
        (rf"{START}([12]) ?m ?(\d\d)(?= ?(?:$|[.,;:!?)](?!\d)| (?:de|pour) ))", r"\1,\2 m"),
        (rf"{START}(\d+)((?: (?:ans?|mois|km|m|kg|l|t))?) et demie?(?!\w)", r"\1,5\2"),
    ),
)
