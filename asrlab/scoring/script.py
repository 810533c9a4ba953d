"""Script under test: where it is, Traditional Chinese is not folded to Simplified without a word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from asrlab.errors import InvalidInput
from asrlab.normalize import folds_by_default
from asrlab.normalize.languages import CHINESE, base_language
from asrlab.normalize.scripts import SCRIPTS, traditional_to_simplified
from asrlab.scoring.given import wordings

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from asrlab.normalize import Normalizer

#: Tags that name a script, or a place where Traditional is written.
_NAMES_SCRIPT: Final = re.compile(r"[-_](hant|hans|tw|hk|mo)\b", re.IGNORECASE)


def refuse_silent_folding(
    normalizers: Iterable[Normalizer],
    languages: Iterable[str],
    references: pd.DataFrame,
    axes: pd.DataFrame,
) -> None:
    """Raise if a preset would fold the script by default where something shows that script is under test.

    Parameters
    ----------
    normalizers : iterable of Normalizer
        Those that are about to be used.
    languages : iterable of str
        Language tags of the recordings that are marked.
    references : DataFrame
        Those of all forms, as they are given.
    axes : DataFrame
        Columns of answers that may name settings.

    Raises
    ------
    InvalidInput
        That says what shows it, and what to write.
    """
    folding = next((chain.name for chain in normalizers if folds_by_default(chain)), None)
    if folding is None:
        return
    why = _by_tag(languages) or _by_labels(axes) or _by_references(references)
    if why:
        raise InvalidInput(
            f"{why}, so the script may be what is under test, and the normalizer {folding!r} would fold Traditional to "
            "Simplified: answers in either would count alike. Say which is meant: "
            'normalizer="auto+script=keep" tells the scripts apart, normalizer="auto+script=fold" does not.'
        )


def _by_tag(languages: Iterable[str]) -> str | None:
    tags = [tag for tag in languages if base_language(tag) in CHINESE and _NAMES_SCRIPT.search(tag)]
    return f"Recordings have the language {tags[0]!r}" if tags else None


def _by_labels(axes: pd.DataFrame) -> str | None:
    for axis in axes.columns:
        if pair := _alike_when_folded(map(str, axes[axis].dropna().unique())):
            return f"The levels {pair[0]!r} and {pair[1]!r} of {axis} differ in script only"
    return None


def _by_references(references: pd.DataFrame) -> str | None:
    every = wordings(references)
    several = every[every.duplicated(["utt_id", "channel"], keep=False)]
    several = several[several["text"].str.contains(SCRIPTS[1].pattern)]
    for (utt_id, _), texts in several.groupby(["utt_id", "channel"], sort=False)["text"]:
        if _alike_when_folded(texts):
            return f"Two references of {utt_id} differ in script only"
    return None


def _alike_when_folded(texts: Iterable[str]) -> tuple[str, str] | None:
    """Find two different texts that fold to the same."""
    seen: dict[str, str] = {}
    for text in texts:
        if SCRIPTS[1].search(text):
            first = seen.setdefault(traditional_to_simplified(text), text)
            if first != text:
                return first, text
    return None
