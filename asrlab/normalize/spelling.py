"""Spelling: one for each word that may be written in two ways and is heard as one. An option of a normalizer.

Only what merges no two words is here. So Russian ё stays where its dots tell words apart (всё, все), and nothing is
done about French accents (sur, sûr), Spanish sólo, Arabic seats of hamza (أن, إن) and final ة and ه (كتابة, كتابه),
Turkish circumflexes (kar, kâr), or Portuguese pára: those do tell words apart.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

# German. Orthography of 1996, paragraph 25: ss after a short vowel. None of the old forms is a word of the new
# orthography; stems that end in a long vowel's ß (Maß, Fuß, Spaß, groß) are not among them.
_OLD_ESZETT: Final = re.compile(
    r"\b(?:\w*(?:schluß|fluß|schuß|druß|kuß|nuß|guß|prozeß|kongreß|exzeß|streß|riß|biß|schloß|haß|(?<!s)paß|faß|laß|naß"
    r"|gewiß|kompromiß|wußt|wüßt|mußt|müßt|läßt|läßlich|häßlich|gräßlich|küßt|preßt|vergißt|rußland)\w*"
    r"|miß\w+|daß|indeß|unterdeß|roß|troß|muß|ißt|eßt|frißt|wißt)\b"
)
# An apostrophe before a shortened "es" or "das" may be left out (1996, paragraph 97); after a name it tells Andrea's
# from Andreas, so what may stand before it is listed.
_GERMAN_ES: Final = re.compile(
    r"\b(geht|gibt|hat|ist|sind|war|wär|wäre|wird|macht|mach|hab|kann|will|soll|muss|tut|sieht|läuft|heißt|ging|wenn|ob"
    r"|auf|für|in|an|um|durch|vor|über|unter|hinter)'s\b"
)
_FRENCH: Final = {"évènement": "événement", "évènements": "événements", "clef": "clé", "clefs": "clés"}
# Accents that the Academy has taken off (Ortografía of 1959 and 2010) and that tell nothing apart.
_SPANISH: Final = {"ó": "o", "guión": "guion", "fué": "fue", "fuí": "fui", "vió": "vio", "dió": "dio"}
# The agreement of 1990: no trema, idéia to ideia, vôo to voo. Silent letters (facto, fato) do tell words apart.
_TREMA: Final = re.compile(r"(?<=[gq])ü(?=[ei])")
_OLD_PORTUGUESE: Final = re.compile(r"(?<=\w)(?:[éó]ia(?=s?\b)|óic(?=[oa]s?\b))|ôo(?=s?\b)|êem\b")
_UNACCENTED: Final = str.maketrans("éóôê", "eooe")
# Grave for acute, which is a slip, and tells nothing apart: perchè, nè.
_ITALIAN_CHE: Final = re.compile(r"(?<=\wch)è\b")
_ITALIAN: Final = {"nè": "né", "sè": "sé", "pò": "po"}
# A nasal before a consonant of its own place may be written as an anusvara (Central Hindi Directorate, 2016).
_HINDI_NASAL: Final = re.compile("ङ्(?=[क-घ])|ञ्(?=[च-झ])|ण्(?=[ट-ढ])|न्(?=[त-ध])|म्(?=[प-भ])")
# The tone mark of an open oa, oe, uy: hòa and hoà. After q the u belongs to the consonant.
_TONE_ON: Final = {
    f"{first}{other}": f"{bare}{toned}"
    for bare, other, firsts, tones in (
        ("o", "a", "òóỏõọ", "àáảãạ"),
        ("o", "e", "òóỏõọ", "èéẻẽẹ"),
        ("u", "y", "ùúủũụ", "ỳýỷỹỵ"),
    )
    for first, toned in zip(firsts, tones, strict=True)
}
_VIETNAMESE: Final = re.compile(rf"(?<!q)(?:{'|'.join(_TONE_ON)})(?!\w)")
# Not with an accent on its end, which would go over to what comes in its place.
_YO: Final = re.compile("[а-яё]*ё[а-яё]*+(?![^\\x00-\\x7f])")
_WORD: Final = re.compile("[^\\W\\d_]++(?![^\\x00-\\x7f])")


def table(name: str) -> list[tuple[str, str]]:
    """Read the pairs of a table that lies beside this module; its first lines, which begin with #, say what it is."""
    lines = (Path(__file__).parent / name).read_text("utf-8").splitlines()
    return [(left, right) for left, _, right in (line.partition("\t") for line in lines if not line.startswith("#"))]


def respelled(text: str, words: dict[str, str]) -> str:
    """Put words in the place of others."""
    return _WORD.sub(lambda word: words.get(word[0], word[0]), text)


def german_spelling(text: str) -> str:
    """Write daß as dass (orthography of 1996), and geht's as gehts."""
    if "ß" in text:
        text = _OLD_ESZETT.sub(lambda word: word[0].replace("ß", "ss"), text)
    return _GERMAN_ES.sub(r"\1s", text) if "'" in text else text


def french_spelling(text: str) -> str:
    """Write évènement as événement, clef as clé."""
    return respelled(text, _FRENCH)


def spanish_spelling(text: str) -> str:
    """Write words whose accent was abolished without it: guión, fué, 5 ó 6."""
    return text if text.isascii() else respelled(text, _SPANISH)


def portuguese_spelling(text: str) -> str:
    """Write lingüiça, idéia and vôo as since 1990: linguiça, ideia, voo."""
    if text.isascii():
        return text
    text = _TREMA.sub("u", text)
    return _OLD_PORTUGUESE.sub(lambda part: part[0].translate(_UNACCENTED), text)


def italian_spelling(text: str) -> str:
    """Write perchè as perché, nè as né."""
    return text if text.isascii() else _ITALIAN_CHE.sub("é", respelled(text, _ITALIAN))


def hindi_spelling(text: str) -> str:
    """Write हिन्दी as हिंदी."""
    return text if text.isascii() else _HINDI_NASAL.sub("ं", text)


def vietnamese_spelling(text: str) -> str:
    """Write hòa as hoà."""
    return text if text.isascii() else _VIETNAMESE.sub(lambda vowels: _TONE_ON[vowels[0]], text)


def russian_spelling(text: str) -> str:
    """Write ё as е where that makes no other word of it: ещё as еще, but всё is not все."""
    if "ё" not in text:
        return text
    apart = _apart_by_yo()
    text = text.replace("всё-таки", "все-таки")  # the one word with it, whatever "всё" alone is
    return _YO.sub(lambda word: word[0] if word[0] in apart else word[0].replace("ё", "е"), text)


@cache
def _apart_by_yo() -> frozenset[str]:
    stems = table("russian_yo.tsv")
    return frozenset(stem + ending for stem, endings in stems for ending in endings.split("|"))
