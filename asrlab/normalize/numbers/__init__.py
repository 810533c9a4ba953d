"""Number forms: "one hundred and fifty dollars" and "$150" brought to one form, so that only what differs is an error.

One module a language (or a family that one library serves). Each has ``unified(text)``: numbers in one form, everything
else as it was. No number is made where none is meant: "one of them", "wait a second" and 一心一意 stay what they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def number_steps(preset: str) -> tuple[Callable[[str], str], ...]:
    """Give the steps that bring the numbers of a preset's language to one form; none where there are no such."""
    return ()
