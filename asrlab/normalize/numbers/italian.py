"""Numbers of Italian: ventuno, il tre maggio, le dieci e mezza."""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.grammar import Grammar
from asrlab.normalize.numbers.reading import read
from asrlab.normalize.numbers.rules import ENDS, START, TAIL, century, clock


def _read(words: str) -> str | None:
    # text2num knows "centoottantuno" but not "centottantuno", and takes "zero" at the front for part of a number.
    words = re.sub("centottant(?=uno|otto)", "centoottant", words)
    if re.match(r"zero.|milion|miliard|mila|e\b", words) or re.search(
        r"(?<!mille|cento)(?<!mila)(?<!milion[ei])(?<!miliard[oi]) e ", words
    ):
        return None
    digits = read(words, "it")
    return digits and digits.replace("º", "o").replace("ª", "a")


_SMALL: Final = (
    r"(?:uno|un|due|tre|tré|quattro|cinque|sei|sette|otto|nove|dieci|undici|dodici|tredici|quattordici|quindici|sedici"
    r"|diciassette|diciotto|diciannove|venti?|trenta?|quaranta?|cinquanta?|sessanta?|settanta?|ottanta?|novanta?|cento?"
    r"|mille|mila)"
)
_MONTHS: Final = (
    *("gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre"),
    *("novembre", "dicembre"),
)
ITALIAN: Final = Grammar(
    word=rf"{_SMALL}+|zero|milion[ei]|miliard[oi]|primo(?= (?:{'|'.join(_MONTHS)})(?!\w))|terz[oa]|quint[oa]"
    r"|sest[oa]|settim[oa]|ottav[oa]|decim[oa]|undicesim[oa]|dodicesim[oa]|(?!centesim|millesim)\w+(?:un|nt|tr|tre|du|qu|ci|c|t|v|s)esim[oa]"
    r"|second[oa](?= (?:secolo|piano|posto|capitolo)(?!\w))|primo(?= (?:secolo|piano|posto|capitolo)(?!\w))",
    read=_read,
    joint="e",
    articles="un|uno",
    ambiguous="sei",
    nouns="anni|mesi|giorni|settimane|ore|minuti|secondi|persone|volte|punti|pagine|bambini|mila|figli|amici|gol",
    cue="numero|pagina|capitolo|alle|dalle|ore|le|articolo",
    comma="virgola",
    minus="meno",
    idioms=r"mille grazie|grazie mille|quattro chiacchiere|quattro passi|due passi|a quattr'occhi"
    r"|in quattro e quattr'otto|uno a uno|uno per uno|uno dei|uno di|uno che|l'uno"
    r"|tu sei|non sei|ci sei|chi sei|dove sei|come sei"
    r"|mille e una notte|cento di questi giorni|per due|terza età|terzo mondo|terza persona|due parole|nessuno",
    scales={"mila": 3, "milion[ei]|mln": 6, "miliard[oi]|mld": 9},
    money={
        "euro|EUR": "€",
        "dollar[oi]|USD": "$",
        "sterlin[ae]|GBP": "£",
        "yen|JPY": "¥",
    },
    units={
        "chilometr[oi] (?:all'ora|orari[oi]?|l'ora)": "kmh",
        "chilometr[oi] quadrat[oi]": "km2",
        "metr[oi] quadr(?:at)?[oi]|mq": "m2",
        "metr[oi] cub[oi]|mc": "m3",
        "chilometr[oi]": "km",
        "centimetr[oi]": "cm",
        "millimetr[oi]": "mm",
        "metr[oi]": "m",
        "chilogramm[oi]|chil[oi]": "kg",
        "milligramm[oi]": "mg",
        "gramm[oi]": "g",
        "millilitr[oi]": "ml",
        "litr[oi]": "l",
        "tonnellat[ae]": "t",
        "chilowattora": "kwh",
        "°C|grad[oi] (?:Celsius|centigrad[oi])": "gradi celsius",
        rf"grad[oi]|°(?! ?C| ?(?:{'|'.join(_MONTHS)}|secolo|piano|posto)(?!\w))": "gradi",
    },
    of="d'|di ",
    cents="centesim[oi]",
    and_cents="e ",
    percent="per ?cento",
    degrees="grad[oi]",
    months=_MONTHS,
    between="o|a",
    date="{day} {month} {year}",
    first="o",
    phone=r"3\d\d[ -]\d{6,7}|3\d\d \d{3} \d{4}|3\d\d \d\d \d\d \d{3}",
    phone_cue="numero di telefono|telefono|tel\\.?|cellulare|chiama(?:re|te)? il|cap|codice|pin|interno",
    other=r"[XVI]+ secolo",
    rules=(
        (rf"{START}(\d+)([°oaºª])(?= ?(?:secolo|piano|posto|capitolo|{'|'.join(_MONTHS)})(?!\w))", r"\1o"),
        (r"(?P<lead>(?<!\w))(?P<roman>[XVI]+)(?P<rest> secolo)(?!\w)", lambda m: century(m).replace(" ", "o ")),
        (r"(?P<lead>(?<!\w)(?:alle|dalle|le|ore) )(?P<h>\d\d?)[:.](?P<m>[0-5]\d)(?![\d:])", clock("")),
        (
            rf"(?P<lead>(?<!\w)(?:alle|dalle|le|ore) )(?P<h>\d\d?) (?:e (?P<m>\d\d{TAIL}|\d{ENDS})|(?P<n>\d\d){ENDS})",
            clock(""),
        ),
        (rf"{START}(\d+) terzi(?!\w)", r"\1/3"),
        (rf"{START}(\d+) quarti(?!\w)", r"\1/4"),
        (r"(?<!\w)((?:alle|dalle|le|ore) \d\d?) e (?:mezz[ao])(?!\w)", r"\1:30"),
        (r"(?<!\w)((?:alle|dalle|le|ore) \d\d?) e un quarto(?!\w)", r"\1:15"),
    ),
)
