"""Numbers of Portuguese: vinte e um, três de maio, dez e meia."""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.grammar import Grammar
from asrlab.normalize.numbers.reading import read
from asrlab.normalize.numbers.rules import ENDS, START, TAIL, alone, before_the_hour, century, clock, regnal

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
_KINGS: Final = (
    "João|João Paulo|Pedro|Luís|Manuel|Filipe|Bento|Pio|Isabel|Carlos|Henrique|Napoleão|Elizabeth|Elisabete|Afonso"
    "|Jorge|Paulo|Leão|Gregório|Inocêncio|Clemente"
)
_PARTS: Final = {"terço": 3, "quinto": 5, "sexto": 6, "sétimo": 7, "oitavo": 8, "nono": 9, "décimo": 10}
#: What has quarters: "três quartos" are three rooms too.
_WHOLES: Final = r"(?= d(?:e horas?|e quilos?|e litros?|e século|e xícara|e hectare|os|as)(?!\w))"
_DOUBTFUL: Final = "segund[oa]|quart[oa]|quint[oa]|sext[oa]"
_DAY: Final = r"(?= da (?:manhã|tarde|noite|madrugada)(?!\w))"
PORTUGUESE: Final = Grammar(
    word=rf"zero|{_SMALL}|vinte|trinta|quarenta|cinquenta|sessenta|setenta|oitenta|noventa|cem|cento"
    r"|(?:duz|trez)ent[oa]s|(?:quatroc|quinh|seisc|setec|oitoc|novec)ent[oa]s|mil|milhão|milhões|bilhão|bilhões|meia"
    r"|primeir[oa]|terceir[oa]|sétim[oa]|oitav[oa]|non[oa]|décim[oa]"
    rf"|{_DOUBTFUL}|(?:vi|tri|quadra|quinqua|sexa|septua|octo|nona)gésim[oa]"
    r"|(?:cent|mil)ésim[oa](?= (?:vez|aniversário|edição)(?!\w))",
    read=_read,
    joint="e",
    articles="uma?",
    ambiguous="meia",
    nouns="(?!)",
    ordinals=_DOUBTFUL,
    ranked="andar(?:es)?|pisos?|lugar|posto|posição|capítulo|edição|aniversário|tentativa|vez|dia|semana|mês|ano|século|grau"
    "|curso|grupo|fila|porta|etapa|rodada|volta|temporada|episódio|parte|geração|presidente|emenda|sinfonia|congresso"
    "|trimestre|semestre|divisão|categoria|classe|série|nível|filh[oa]|mandamento|gol|golo|set|jogo|assalto|ato|acto|tomo"
    "|volume|artigo|ponto|parágrafo|pergunta|cidade|país|passo|turno|prémio|prêmio|colocad[oa]|finalista|jornada",
    ranking=_KINGS,
    cue="número|capítulo|página",
    comma="vírgula",
    minus="(?<!pelo )(?<!ao )menos",
    idioms=r"um a um|uma a uma|um por um|um ao outro|cada um|cada uma|um dos|uma das|um de|uma de|mil maravilhas|a mil"
    r"|terceira idade|primeira dama|primeira-dama|primeiro-ministro|terceira-feira|mil e uma noites|sete mares"
    r"|mil desculpas|dois pontos|de uma vez|era uma vez|sexto sentido|segunda mão|segundo plano"
    r"|\Ameia\W*\Z|meia[- ]noite|meia hora|meia dúzia",
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
        "volts?|(?-i:V)": "volts",
        "watts?|(?-i:W)": "watts",
        "hectares?": "ha",
        "hertz": "hz",
        "gigabytes?|gigas?": "gb",
        "megabytes?": "mb",
        "minutos?|min\\.?": "min",
        "°C|graus? (?:Celsius|centígrados?)": "graus celsius",
        "graus?|°(?! ?C)": "graus",
    },
    of="de ",
    cents="cêntimos?|centavos?",
    and_cents="e ",
    percent="por cento",
    degrees="graus?",
    months=_MONTHS,
    between="ou|a|ao",
    hours="horas?|h",
    hour="h",
    date="{day} de {month} de {year}",
    # A range of years looks like a number of eight digits.
    phone=r"(?:\(\d\d\)|\d\d) ?(?:9\d{4}|[2-5]\d{3})[- ]\d{4}|9\d{4}-\d{4}|(?!20\d\d)[2-5]\d{3}-\d{4}"
    r"|9\d\d(?: \d{3}){2}|2\d(?: \d{3} \d{4}|\d(?: \d{3}){2})",
    phone_cue="número de telefone|telefone|tel\\.?|celular|telemóvel|ligue para|código postal|código|senha|ramal|cep",
    other=rf"século [XVI]+|(?:{_KINGS}) [XVI]+",
    spoken=(
        (r"(?<=\w )(milhão|milhões|bilhão|bilhões) e meio(?!\w)", r"vírgula cinco \1"),
        (r"(?<!\w)um terço(?= d[aeo]s?(?!\w))", "1/3"),
        (rf"(?<!\w)um quarto{_WHOLES}", "1/4"),
        (alone("um terço"), "1/3"),
        (alone("um quarto"), "1/4"),
    ),
    early=((r"(?<!\w)US\$ ?(?=\d)", "$"),),
    rules=(
        (regnal(_KINGS), century),
        (rf"(?<!\w)((?:{_KINGS}) \d+)[oaºª](?!\w)", r"\1"),
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
        (rf"(?P<lead>(?<!\w)(?:às|as|das|são) )(?P<h>\d\d?) e (?P<m>\d){ENDS}", clock("h")),
        (rf"(?P<lead>{START})(?P<h>\d\d?) e (?P<m>\d\d){_DAY}", clock("h")),
        (rf"{START}(\d\d?)(?:h| horas)? e meia{_DAY}", r"\1:30"),
        (rf"(?P<lead>)(?<!\w)(?:(?P<m>\d\d?)|quinze) para as (?P<h>\d\d?){TAIL}", before_the_hour),
        *((rf"{START}(\d+) {part}s(?! de final)(?!\w)", rf"\1/{n}") for part, n in _PARTS.items()),
        (rf"{START}3 quartos{_WHOLES}", "3/4"),
        (alone("3 quartos"), "3/4"),
        (rf"{START}(\d+)((?: (?:anos?|mês|meses|km|m|kg|l|t))?) e meio(?!\w)", r"\1,5\2"),
    ),
)
