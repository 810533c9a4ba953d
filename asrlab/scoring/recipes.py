"""Recipes: how the texts of each utterance become units, by its language or the script of its references.

And what is counted of utterances that become units in one way: what is independent of what among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd

from asrlab.normalize import Normalizer, choose
from asrlab.normalize.languages import base_language
from asrlab.normalize.scripts import SCRIPTS
from asrlab.scoring.given import PLACE
from asrlab.scoring.tokens import UNITS, unit_for

if TYPE_CHECKING:
    import re

    from numpy.typing import NDArray

    from asrlab.normalize import NormalizerChoice

#: Units that are judged as wholes, in texts cut as "auto" has it.
AS_WHOLE: Final = ("term", "sentence")


class Recipe(NamedTuple):
    """How a text becomes units."""

    unit: str
    normalizer: Normalizer


class Blocks(NamedTuple):
    """How many utterances there are, and how many of them have a speaker, and a recording."""

    utterances: int
    speaker: int
    recording: int

    @property
    def kind(self) -> str:
        """What is taken as independent: what most of them have.

        Kinds are not mixed, for a table would then have two meanings of "independent". Falling back to the utterance
        because one speaker is not given would take the utterances of all other speakers as independent, and find
        differences that are not there; so those without a speaker are one block.
        """
        if self.speaker * 2 > self.utterances:
            return "speaker"
        return "recording" if self.recording * 2 > self.utterances else "utterance"


def undecided(utterances: pd.DataFrame, unit: str, normalizer: NormalizerChoice) -> NDArray[np.bool]:
    """Tell of which utterances the script decides how they are marked, because their language does not."""
    language, languages = pd.factorize(utterances["language"])
    if unit in UNITS and isinstance(normalizer, str | Normalizer) and normalizer != "auto":
        return np.zeros(len(utterances), bool)
    return ~np.array([bool(base_language(name)) for name in [*languages, None]])[language]


def _written_in(said: pd.DataFrame, script: re.Pattern[str], utterances: int) -> NDArray[np.bool]:
    """Tell which utterances have a reference with that script in it."""
    return np.bincount(said[PLACE], said["text"].str.contains(script.pattern), utterances) > 0


def has_kana(utterances: pd.DataFrame, said: pd.DataFrame, unit: str, normalizer: NormalizerChoice) -> bool:
    """Whether kana are in any reference of which the script decides: then Han characters alone may be Japanese too."""
    open_ = undecided(utterances, unit, normalizer)
    return bool(open_.any() and (_written_in(said, SCRIPTS[2], len(utterances)) & open_).any())


def recipes_of(
    utterances: pd.DataFrame, said: pd.DataFrame, unit: str, normalizer: NormalizerChoice, *, kana: bool
) -> tuple[list[Recipe], NDArray[np.int64]]:
    """Decide for each utterance how its texts become units; give the recipes and the place of each one's."""
    language, languages = pd.factorize(utterances["language"])
    kind = language * 3
    open_ = undecided(utterances, unit, normalizer)
    if open_.any():
        # By script: 0 has words, 1 characters, 2 Han characters where no kana are.
        unsegmented, han = (_written_in(said, script, len(kind)) for script in SCRIPTS[:2])
        kind[open_] += np.where(han & (not kana), 2, unsegmented)[open_]
    kinds, recipe_of = np.unique(kind, return_inverse=True)
    recipes = []
    for language_code, script in zip(*np.divmod(kinds, 3), strict=True):
        name, text = languages[language_code] if language_code >= 0 else None, ("", "ก", "漢")[script]
        cut = unit if unit in UNITS else unit_for(name, text)
        recipes.append(Recipe(cut, choose(normalizer, name, text)))
    return recipes, recipe_of.astype(np.int64)


def ways_of(
    unit: str, recipes: list[Recipe], recipe_of: NDArray[np.int64]
) -> tuple[list[tuple[str, str]], NDArray[np.int64]]:
    """Give the units and normalizers by which utterances are marked, which are pooled apart, and each one's number."""
    ways: dict[tuple[str, str], int] = {}
    of = [ways.setdefault((unit if unit in AS_WHOLE else one.unit, one.normalizer.name), len(ways)) for one in recipes]
    return list(ways), np.array(of, np.int64)[recipe_of]


def count_blocks(utterances: pd.DataFrame) -> Blocks:
    """Count what is known of utterances."""
    return Blocks(len(utterances), int(utterances["speaker"].notna().sum()), int(utterances["recording"].notna().sum()))
