"""Numbers of Spanish: veintiún, el tres de mayo, las diez y media."""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.grammar import Grammar
from asrlab.normalize.numbers.reading import read
from asrlab.normalize.numbers.rules import ENDS, START, TAIL, alone, before_the_hour, century, clock, regnal

_TENS: Final = "treinta|cuarenta|cincuenta|sesenta|setenta|ochenta|noventa"
_UNITS: Final = "uno|una|un|dos|tres|cuatro|cinco|seis|siete|ocho|nueve"
_ORDINALS: Final = {"tercer": "3er", "primer": "1er", "segundo": "2o", "segunda": "2a"}
_ACCENTS: Final = {
    "veintiún": "veintiuno",
    "veintiun": "veintiuno",
    "veintidos": "veintidós",
    "veintitres": "veintitrés",
    "veintiseis": "veintiséis",
    "millon": "millón",
    "billon": "billón",
}


def _read(words: str) -> str | None:
    # text2num does not know "veintiún", takes "sesenta dos" for 62, and "cero" and "y" anywhere for part of a number.
    words = re.sub(r"\w+", lambda m: _ACCENTS.get(m[0], m[0]), words)
    if re.match(r"cero.|mill[oó]n|y\b|(?:uno|una?) mil$", words) or re.search(
        rf"(?:{_TENS})[ -](?:{_UNITS})\b|(?<!ta)[ -]y[ -]|[ -]y[ -](?!{_UNITS})", words
    ):
        return None
    if not re.fullmatch(r"\w*(?:o|a|er|os|as)", words) and " " not in words and "-" not in words:
        digits = read(words, "es")
        return digits if digits and digits.isdecimal() else None
    if re.fullmatch(r".+(?:tercer|primer)", words):
        digits = read(f"{words}o", "es")
        return digits and digits.replace("º", "er")
    if words in _ORDINALS:
        return _ORDINALS[words]
    digits = read(words, "es")
    return digits and digits.replace("º", "o").replace("ª", "a").replace(".", "")


_MONTHS: Final = (
    *("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre|setiembre", "octubre"),
    *("noviembre", "diciembre"),
)
_KINGS: Final = (
    "Alfonso|Felipe|Carlos|Fernando|Juan|Juan Carlos|Juan Pablo|Benedicto|Pío|Isabel|Enrique|Luis|Jorge|Napoleón"
    "|Guillermo|Pablo|León|Jaime|Pedro|Sancho|Gregorio|Inocencio|Clemente"
)
_PARTS: Final = {"tercio": 3, "quinto": 5, "sexto": 6, "séptimo": 7, "octavo": 8, "noveno": 9, "décimo": 10}
#: What has quarters: "tres cuartos" are three rooms too.
_WHOLES: Final = r"(?= de (?:horas?|kilos?|litros?|siglo|pulgada|milla|hectárea|taza|los|las)(?!\w))"
_DOUBTFUL: Final = "segund[oa]|cuart[oa]|quint[oa]|sext[oa]|octav[oa]"
SPANISH: Final = Grammar(
    word=rf"cero|{_UNITS}|diez|once|doce|trece|catorce|quince|dieci(?:s[eé]is|siete|ocho|nueve)|veinte"
    r"|veinti(?:uno|una|[uú]n|d[oó]s|tr[eé]s|cuatro|cinco|s[eé]is|siete|ocho|nueve)"
    rf"|{_TENS}|cien|ciento|(?:dosc|tresc|cuatroc|seisc|setec|ochoc|novec)ient[oa]s|quinient[oa]s|mil"
    r"|mill[oó]n|millones|primer[oa]?|tercer[oa]?|s[eé]ptim[oa]|noven[oa]|décim[oa]|undécim[oa]|duodécim[oa]"
    rf"|decimo(?:primer[oa]?|tercer[oa]?|(?:segund|cuart|quint|sext|séptim|octav|noven)[oa])|{_DOUBTFUL}"
    r"|(?:vi|tri|cuadra|quincua|sexa|septua|octo|nona)gésim[oa]"
    r"|(?:cent|mil)ésim[oa](?= (?:vez|aniversario|edición)(?!\w))",
    read=_read,
    joint="y",
    articles="un|una|uno",
    ambiguous="(?!)",
    nouns="(?!)",
    ordinals=_DOUBTFUL,
    ranked="pisos?|plantas?|lugar|puesto|posición|capítulo|edición|aniversario|intento|vez|día|semana|mes|año|siglo|grado"
    "|curso|grupo|fila|puerta|etapa|ronda|vuelta|temporada|episodio|parte|generación|presidente|presidenta|enmienda|sinfonía"
    "|congreso|trimestre|semestre|división|categoría|clase|nivel|hij[oa]|mandamiento|avenida|calle|gol|set|partido|asalto"
    "|acto|tomo|volumen|artículo|punto|párrafo|pregunta|ciudad|país|paso|turno|premio|clasificad[oa]|finalista|jornada",
    ranking=_KINGS,
    cue="número|capítulo|página",
    comma="coma",
    minus="(?<!al )(?<!lo )menos",
    idioms=r"cada dos por tres|a las mil maravillas|mil maravillas|mil gracias|cuatro gatos|mil y una noches"
    r"|uno a uno|una a una|uno por uno|uno de|una de|uno que|cada uno|cada una|uno mismo|ni uno|siete vidas"
    r"|sexto sentido|quinta columna|quinta avenida|segunda mano|segundo plano|octava maravilla"
    r"|primera dama|primera vista|tercera edad|en primer lugar|tercer mundo",
    scales={"mil": 3, "mill[oó]n|millones": 6},
    money={
        "euros?|EUR": "€",
        "dólar(?:es)?|dolar(?:es)?|USD": "$",
        "libras? esterlinas?|GBP": "£",
        "yen(?:es)?": "¥",
    },
    units={
        "kil[oó]metros? por hora": "kmh",
        "kil[oó]metros? cuadrados?": "km2",
        "metros? cuadrados?": "m2",
        "metros? cúbicos?": "m3",
        "kil[oó]metros?": "km",
        "cent[ií]metros?": "cm",
        "mil[ií]metros?": "mm",
        "metros?": "m",
        "kilogramos?|kilos?": "kg",
        "miligramos?": "mg",
        "gramos?": "g",
        "mililitros?": "ml",
        "litros?": "l",
        "toneladas?": "t",
        "kilovatios?[- ]hora": "kwh",
        "voltios?|(?-i:V)": "voltios",
        "vatios?|(?-i:W)": "vatios",
        "hectáreas?": "ha",
        "hercios?": "hz",
        "gigabytes?|gigas?": "gb",
        "megabytes?": "mb",
        "minutos?|min\\.?": "min",
        "°C|grados? (?:Celsius|centígrados?)": "grados celsius",
        "grados?|°(?! ?C)": "grados",
    },
    of="de ",
    cents="céntimos?|centavos?",
    and_cents="con |y ",
    percent="por ciento|por cien",
    degrees="grados?",
    months=_MONTHS,
    between="o|a|al",
    hours="horas?|h",
    hour="h",
    date="{day} de {month} de {year}",
    phone=r"[6789]\d\d(?: \d{3}){2}|[6789]\d\d(?: \d\d){3}|9\d \d{3}(?: \d{4}|(?: \d\d){2})",
    phone_cue="número de teléfono|teléfono|tel\\.?|móvil|llam[ae] al|código postal|código|pin|extensión",
    other=rf"siglo [XVI]+|(?:{_KINGS}) [XVI]+",
    spoken=(
        (r"(?<=\w )(mill[oó]n|millones) y medio(?!\w)", r"coma cinco \1"),
        (r"(?<!\w)un tercio(?= de[l ])", "1/3"),
        (rf"(?<!\w)un cuarto{_WHOLES}", "1/4"),
        (alone("un tercio"), "1/3"),
        (alone("un cuarto"), "1/4"),
    ),
    rules=(
        (regnal(_KINGS), century),
        (rf"(?<!\w)((?:{_KINGS}) \d+)[oaºª](?!\w)", r"\1"),
        (rf"{START}(\d+)\.?([oaºª]|er)(?!\w)", r"\1\2"),
        (rf"{START}1o (?=de (?:{'|'.join(_MONTHS)})(?!\w))", "1o "),
        (r"(?P<lead>(?<!\w)siglo )(?P<roman>[XVI]+)(?P<rest>)(?!\w)", century),
        (r"(?<!\w)(\d\d?) (?=de (?:" + "|".join(_MONTHS) + r") del \d{4})(de \w+) del ", r"\1 \2 de "),
        (rf"(?P<lead>(?<!\w)las? )(?P<h>\d\d?)(?: y (?P<m>\d\d{TAIL}|\d{ENDS})| (?P<n>\d\d){ENDS})", clock("")),
        (rf"(?P<lead>(?<!\w)(?:a las? |las? (?=\d\d?:00{ENDS})))(?P<h>\d\d?):(?P<m>00)(?![\d:])", clock("")),
        (r"(?<!\w)(a la|es la|las) (una|\d\d?) y media(?!\w)", lambda m: f"{m[1]} {_hour(m[2])}:30"),
        (r"(?<!\w)(a la|es la|las) (una|\d\d?) y cuarto(?!\w)", lambda m: f"{m[1]} {_hour(m[2])}:15"),
        (rf"{START}(?P<h>\d\d?)(?:h| h )(?P<m>[0-5]\d)(?!\w)", clock("h")),
        (rf"{START}(?P<h>\d\d?):(?P<m>[0-5]\d) ?(?:h|horas)(?!\w)", clock("h")),
        *((rf"{START}(\d+) {part}s(?! de final)(?!\w)", rf"\1/{n}") for part, n in _PARTS.items()),
        (rf"{START}(\d) cuartas partes(?!\w)", r"\1/4"),
        (rf"{START}3 cuartos{_WHOLES}", "3/4"),
        (alone("3 cuartos"), "3/4"),
        (rf"(?P<lead>(?<!\w)(?:las|a la|es la) )(?P<h>\d\d?|una) menos (?:cuarto|(?P<m>\d\d?)){TAIL}", before_the_hour),
        (rf"(?P<lead>(?<!\w)las? )(?P<h>\d\d?) 0 (?P<m>\d){ENDS}", clock("")),
        (rf"{START}(\d+)((?: (?:años?|mes(?:es)?|km|m|kg|l|t))?) y medio(?!\w)", r"\1,5\2"),
    ),
)


def _hour(word: str) -> str:
    return word if word.isdecimal() else "1"
