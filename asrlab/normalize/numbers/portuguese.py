"""Numbers of Portuguese: vinte e um, três de maio, dez e meia."""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.grammar import Grammar
from asrlab.normalize.numbers.reading import read
from asrlab.normalize.numbers.rules import START, TAIL, century, clock

_SMALL: Final = (
    "uma?|dois|duas|tr[eê]s|quatro|cinco|seis|sete|oito|nove|dez|onze|doze|treze|catorze|quatorze|quinze"
    "|dez[ea]sseis|dez[ea]ssete|dezoito|dez[ea]nove"
)


def _read(words: str) -> str | None:
    # text2num takes "zero" or a scale at the front for part of a number.
    if words == "meia":
        return "6"
    if re.match(r"zero.|milh|bilh", words) or re.search(rf"\b(?:{_SMALL}|zero|meia)[ -]e[ -]", words):
        return None
    digits = read(words, "pt")
    return digits and digits.replace("º", "o").replace("ª", "a")


_MONTHS: Final = (
    *("janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro"),
    "dezembro",
)
PORTUGUESE: Final = Grammar(
    word=rf"zero|{_SMALL}|vinte|trinta|quarenta|cinquenta|sessenta|setenta|oitenta|noventa|cem|cento"
    r"|(?:duz|trez)ent[oa]s|(?:quatroc|quinh|seisc|setec|oitoc|novec)ent[oa]s|mil|milhão|milhões|bilhão|bilhões|meia"
    r"|primeir[oa]|terceir[oa]|sétim[oa]|oitav[oa]|non[oa]|décim[oa]|vigésim[oa]",
    read=_read,
    joint="e",
    articles="uma?",
    ambiguous="meia",
    nouns="(?!)",
    cue="número|capítulo|página",
    comma="vírgula",
    minus="(?<!pelo )(?<!ao )menos",
    idioms=r"um a um|uma a uma|um por um|um ao outro|cada um|cada uma|um dos|uma das|um de|uma de|mil maravilhas|a mil"
    r"|terceira idade|primeira dama|primeira-dama|primeiro-ministro|terceira-feira|mil e uma noites|sete mares"
    r"|mil desculpas|dois pontos|de uma vez|era uma vez|meia[- ]noite|meia hora|meia dúzia",
    scales={"bilh(?:ão|ões)|bi": 9, "mil": 3, "milh(?:ão|ões)|mi": 6},
    money={
        "euros?|EUR": "€",
        "dólar(?:es)?|USD": "$",
        "libras? esterlinas?|GBP": "£",
        "reais|real|BRL": "R$",
    },
    units={
        "quil[oôó]metros? por hora": "kmh",
        "quil[oôó]metros? quadrados?": "km2",
        "metros? quadrados?": "m2",
        "metros? cúbicos?": "m3",
        "quil[oôó]metros?": "km",
        "centímetros?": "cm",
        "milímetros?": "mm",
        "metros?": "m",
        "quilogramas?|quilos?": "kg",
        "miligramas?": "mg",
        "gramas?": "g",
        "mililitros?": "ml",
        "litros?": "l",
        "toneladas?": "t",
        "quilowatts?[- ]hora": "kwh",
        "°C|graus? (?:Celsius|centígrados?)": "graus celsius",
        "graus?|°(?! ?C)": "graus",
    },
    of="de ",
    cents="cêntimos?|centavos?",
    and_cents="e ",
    percent="por cento",
    degrees="graus?",
    months=_MONTHS,
    between="ou|a",
    hours="horas?|h",
    hour="h",
    date="{day} de {month} de {year}",
    phone=r"(?:\(\d\d\)|\d\d) ?9\d{4}[- ]\d{4}|9\d\d(?: \d{3}){2}",
    phone_cue="número de telefone|telefone|tel\\.?|celular|telemóvel|ligue para|código postal|código|senha|ramal|cep",
    other=r"século [XVI]+",
    rules=(
        (rf"{START}(\d+)\.?([oaºª])(?!\w)", r"\1\2"),
        (r"(?P<lead>(?<!\w)século )(?P<roman>[XVI]+)(?P<rest>)(?!\w)", century),
        (
            rf"{START}(?P<h>\d\d?)(?:h| h | horas? (?:e )?)(?P<m>\d\d?)(?: ?(?:m|min|minutos?)(?!\w))?{TAIL}",
            clock("h"),
        ),
        (rf"(?P<lead>(?<!\w)(?:às|as|das) )(?P<h>\d\d?) e (?P<m>\d\d){TAIL}", clock("h")),
        (rf"{START}(?P<h>\d\d?):(?P<m>00)(?![\d:])", clock("h")),
        (rf"{START}(?P<h>\d\d?):(?P<m>[0-5]\d) ?(?:h|horas)(?!\w)", clock("h")),
        (r"(?<!\w)((?:às|as|das) )(\d\d?)(?:h| horas)? e meia(?!\w)", r"\1\2:30"),
        (rf"{START}(\d+) terços(?!\w)", r"\1/3"),
    ),
)
