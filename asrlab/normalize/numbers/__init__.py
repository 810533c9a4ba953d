"""Number forms: "one hundred and fifty dollars" and "$150" brought to one form, so that only what differs is an error.

One module a language, or a family that one library serves. No number is made where none is meant: "one of them", "wait
a second" and 一心一意 stay what they are.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

#: Preset -> module and function here; each is loaded when it is first used, with its tables.
_HOMES: Final = {
    "en": "english:numbers_in_one_form",
    "zh": "chinese:numbers_in_one_form",
    "yue": "chinese:numbers_in_one_form",
    "ja": "japanese:numbers_in_one_form",
    "de": "european:german_numbers_in_one_form",
    "fr": "european:french_numbers_in_one_form",
    "es": "european:spanish_numbers_in_one_form",
    "pt": "european:portuguese_numbers_in_one_form",
    "it": "european:italian_numbers_in_one_form",
    "ru": "russian:russian_numbers_in_one_form",
}


def has_number_forms(preset: str) -> bool:
    """Tell whether the numbers of a preset's language can be brought to one form."""
    return preset in _HOMES


def number_steps(preset: str) -> tuple[Callable[[str], str], ...]:
    """Give the steps that bring the numbers of a preset's language to one form; none where there are no such."""
    if preset not in _HOMES:
        return ()
    module, _, name = _HOMES[preset].partition(":")
    return (getattr(import_module(f"{__name__}.{module}"), name),)
