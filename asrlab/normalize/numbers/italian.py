"""Numbers of Italian: ventuno, il tre maggio, le dieci e mezza."""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.grammar import Grammar
from asrlab.normalize.numbers.reading import read
from asrlab.normalize.numbers.rules import ENDS, START, TAIL, alone, before_the_hour, century, clock, regnal


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
_KINGS: Final = (
    "Giovanni|Giovanni Paolo|Benedetto|Pio|Vittorio Emanuele|Umberto|Luigi|Enrico|Elisabetta|Napoleone|Carlo|Filippo"
    "|Giorgio|Leone|Paolo|Carlo Alberto|Federico|Gregorio|Innocenzo|Clemente"
)
_PARTS: Final = {"terz": 3, "quart": 4, "quint": 5, "sest": 6, "settim": 7, "ottav": 8, "non": 9, "decim": 10}
_OF: Final = r"(?= d(?:i|e[il]|ell[aeo]|egli)(?! finale)(?!\w)| d(?:ell)?')"
_DOUBTFUL: Final = "second[oa]|quart[oa]|prim[oa]|non[oa]"
_RANKED: Final = (
    "secolo|piano|posto|capitolo|posizione|edizione|anniversario|tentativo|volta|giorno|settimana|mese|anno|grado|corso"
    "|gruppo|fila|porta|tappa|turno|giro|stagione|episodio|parte|generazione|presidente|emendamento|sinfonia|congresso"
    "|trimestre|semestre|divisione|categoria|classe|livello|figli[oa]|comandamento|gol|set|round|atto|tomo|volume|articolo"
    "|punto|paragrafo|domanda|città|paese|passo|premio|finalista|giornata|classificat[oa]"
)
ITALIAN: Final = Grammar(
    word=rf"{_SMALL}+|zero|milion[ei]|miliard[oi]|{_DOUBTFUL}|terz[oa]|quint[oa]"
    r"|sest[oa]|settim[oa]|ottav[oa]|decim[oa]|undicesim[oa]|dodicesim[oa]"
    r"|(?!(?:cent|mill)esim[oa](?! (?:volta|anniversario|edizione)(?!\w)))\w+(?:un|nt|tr|tre|du|qu|ci|c|t|v|s)esim[oa]",
    read=_read,
    joint="e",
    articles="un|uno",
    ambiguous="sei",
    nouns="anni|mesi|giorni|settimane|ore|minuti|secondi|persone|volte|punti|pagine|bambini|mila|figli|amici|gol",
    ordinals=_DOUBTFUL,
    ranked=rf"{_RANKED}|(?:(?:al|e) {_SMALL}+ )?(?:{'|'.join(_MONTHS)})",
    ranking=_KINGS,
    cue="numero|pagina|capitolo|alle|dalle|ore|le|articolo",
    comma="virgola",
    minus="meno",
    idioms=r"mille grazie|grazie mille|quattro chiacchiere|quattro passi|due passi|a quattr'occhi"
    r"|in quattro e quattr'otto|uno a uno|uno per uno|uno dei|uno di|uno che|l'uno"
    r"|tu sei|non sei|ci sei|chi sei|dove sei|come sei"
    r"|mille e una notte|cento di questi giorni|per due|terza età|terzo mondo|terza persona|due parole|nessuno"
    r"|quattro salti|sesto senso|quinta colonna",
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
        "volt|(?-i:V)": "volt",
        "watt|(?-i:W)": "watt",
        "ettar[oi]": "ha",
        "hertz": "hz",
        "gigabyte|giga": "gb",
        "megabyte": "mb",
        "minut[oi]|min\\.?": "min",
        "°C|grad[oi] (?:Celsius|centigrad[oi])": "gradi celsius",
        rf"grad[oi]|°(?! ?C| ?(?:{'|'.join(_MONTHS)}|{_RANKED})(?!\w))": "gradi",
    },
    of="d'|di ",
    cents="centesim[oi]",
    and_cents="e ",
    percent="per ?cento",
    degrees="grad[oi]",
    months=_MONTHS,
    between="o|a|al",
    date="{day} {month} {year}",
    first="o",
    phone=r"3\d\d[ -]\d{6,7}|3\d\d \d{3} \d{4}|3\d\d \d\d \d\d \d{3}",
    phone_cue="numero di telefono|telefono|tel\\.?|cellulare|chiama(?:re|te)? il|cap|codice|pin|interno",
    other=rf"[XVI]+ secolo|(?:{_KINGS}) [XVI]+",
    spoken=(
        (r"(?<=\w )(milion[ei]|miliard[oi]) e mezzo(?!\w)", r"virgola cinque \1"),
        *((rf"(?<!\w)(?<! e )(?<!meno )un {part}o{_OF}", f"1/{n}") for part, n in _PARTS.items()),
        *((alone(f"un {part}o"), f"1/{n}") for part, n in _PARTS.items()),
    ),
    rules=(
        (regnal(_KINGS), century),
        (rf"(?<!\w)((?:{_KINGS}) \d+)[°oaºª](?!\w)", r"\1"),
        (rf"{START}(\d+)[°º](?= (?:{_RANKED})(?!\w))", r"\1o"),
        (rf"{START}(\d+)([°oaºª])(?= ?(?:secolo|piano|posto|capitolo|{'|'.join(_MONTHS)})(?!\w))", r"\1o"),
        (r"(?P<lead>(?<!\w))(?P<roman>[XVI]+)(?P<rest> secolo)(?!\w)", lambda m: century(m).replace(" ", "o ")),
        (r"(?P<lead>(?<!\w)(?:alle|dalle|ore) )(?P<h>\d\d?)[:.](?P<m>[0-5]\d)(?![\d:])", clock("")),
        (
            rf"(?P<lead>(?<!\w)le )(?P<h>\d\d?)[:.](?P<m>[0-5]\d)(?![\d:])(?:(?<!00)|{ENDS})",
            clock(""),
        ),
        (
            rf"(?P<lead>(?<!\w)(?:alle|dalle|le|ore) )(?P<h>\d\d?) (?:e (?P<m>\d\d{TAIL}|\d{ENDS})|(?P<n>\d\d){ENDS})",
            clock(""),
        ),
        *((rf"{START}(\d+) {part}i(?! di finale)(?!\w)", rf"\1/{n}") for part, n in _PARTS.items()),
        (
            rf"(?P<lead>(?<!\w)(?:alle|dalle|le|ore) )(?P<h>\d\d?) meno (?:un quarto|(?P<m>\d\d?)){TAIL}",
            before_the_hour,
        ),
        (rf"(?P<lead>(?<!\w)(?:alle|dalle|le|ore) )(?P<h>\d\d?) (?:e )?0 (?P<m>\d){ENDS}", clock("")),
        (rf"{START}([12]) m e (\d\d)(?= ?(?:$|[.,;:!?)](?!\d)| di ))", r"\1,\2 m"),
        (r"(?<!\w)((?:alle|dalle|le|ore) \d\d?) e (?:mezz[ao])(?!\w)", r"\1:30"),
        (r"(?<!\w)((?:alle|dalle|le|ore) \d\d?) e un quarto(?!\w)", r"\1:15"),
        (rf"{START}(\d+)((?: (?:ann[oi]|mes[ei]|km|m|kg|l|t))?) e mezzo(?!\w)", r"\1,5\2"),
    ),
)
