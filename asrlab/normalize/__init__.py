"""Normalizing: what must not count as an error is taken away from both sides, by a chain that has a name."""

from asrlab.normalize.chain import Normalizer
from asrlab.normalize.presets import (
    RUNGS,
    NormalizerChoice,
    choose,
    folds_by_default,
    normalizer,
    normalizer_for,
)

__all__ = [
    "RUNGS",
    "Normalizer",
    "NormalizerChoice",
    "choose",
    "folds_by_default",
    "normalizer",
    "normalizer_for",
]
