"""Arguments: what a person typed, checked before anything is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Seeds that a table can hold.
MOST_SEED = 2**63 - 1


def whole(name: str, value: object, least: int, most: int = MOST_SEED) -> None:
    """Refuse what is no whole number from ``least`` to ``most``."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
        limits = f"from {least:,} to {most:,}" if most < MOST_SEED else f"from {least:,}"
        raise InvalidInput(f"{name} must be a whole number {limits}; this is {value!r}.")


def between(name: str, value: object, least: float, most: float, what: str) -> float:
    """Refuse what is no number from ``least`` to ``most``; ``what`` says what it means."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not least <= value <= most:
        raise InvalidInput(f"{name} must lie between {least:g} and {most:g} ({what}); this is {value!r}.")
    return float(value)


def one_of(name: str, value: object, known: Iterable[str]) -> None:
    """Refuse what is none of the known words."""
    known = list(known)
    if not isinstance(value, str) or value not in known:
        raise InvalidInput(f"{name} must be one of {', '.join(known)}, not {value!r}.")


def common(level: object, resamples: object, seed: object) -> None:
    """Check what most functions here take."""
    between("level", level, 1e-6, 1 - 1e-6, "a confidence level, such as 0.95")
    whole("resamples", resamples, 1)
    whole("seed", seed, 0)
