"""Numbers of German, French, Spanish, Portuguese and Italian, whose words are read by text2num.

The faults of text2num 3.1.0 are kept out where each language is defined: what it does not know ("centottantuno",
"veintiún", "eine Million"), and what it takes for part of a number ("zéro", a lone scale, "sesenta dos").
"""

from __future__ import annotations

from asrlab.normalize.numbers.french import FRENCH
from asrlab.normalize.numbers.german import GERMAN
from asrlab.normalize.numbers.italian import ITALIAN
from asrlab.normalize.numbers.portuguese import PORTUGUESE
from asrlab.normalize.numbers.spanish import SPANISH


def german_numbers_in_one_form(text: str) -> str:
    """Bring German numbers to one form: ``zwanzig Uhr dreißig`` and ``20.30 Uhr`` to ``20:30``."""
    return GERMAN.unify(text)


def french_numbers_in_one_form(text: str) -> str:
    """Bring French numbers to one form: ``quatre-vingt-dix-neuf euros`` and ``99 €`` to ``99€``."""
    return FRENCH.unify(text)


def spanish_numbers_in_one_form(text: str) -> str:
    """Bring Spanish numbers to one form: ``tres de mayo de dos mil`` and ``03/05/2000`` to ``3 de mayo de 2000``."""
    return SPANISH.unify(text)


def portuguese_numbers_in_one_form(text: str) -> str:
    """Bring Portuguese numbers to one form: ``vinte e um por cento`` and ``21 %`` to ``21%``."""
    return PORTUGUESE.unify(text)


def italian_numbers_in_one_form(text: str) -> str:
    """Bring Italian numbers to one form: ``duecento chilometri`` and ``200km`` to ``200 km``."""
    return ITALIAN.unify(text)
