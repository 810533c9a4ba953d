"""Script under test: where it is, Traditional Chinese is not folded to Simplified without a word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from asrlab.errors import InvalidInput
from asrlab.normalize import folds_by_default
from asrlab.normalize.scripts import SCRIPTS, traditional_to_simplified

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from asrlab.normalize import Normalizer

#: Parts of a language tag that name a script, or a place where Traditional is written.
_SCRIPT_PARTS: Final = frozenset({"hant", "hans", "cht", "chs", "tw", "hk", "mo"})
#: What names a script in the label of a setting.
_SAYS_SCRIPT: Final = re.compile(
    r"traditional|simplified|繁[體体]|[简簡][体體]|正[體体]|zh[-_](?:tw|hk|mo|cn|hant|hans)", re.IGNORECASE
)


def refuse_tagged(normalizer: Normalizer, languages: Iterable[str]) -> None:
    """Raise if a preset would fold the script by default in recordings whose language tag names one.

    Raises
    ------
    InvalidInput
        That says what to write.
    """
    if folds_by_default(normalizer):
        for tag in languages:
            if _SCRIPT_PARTS & set(re.split("[-_]", tag.lower())):
                raise _refused(normalizer, f"Recordings have the language {tag!r}")


def refuse_silent_folding(normalizer: Normalizer, references: pd.DataFrame, levels: pd.DataFrame) -> None:
    """Raise if a preset would fold the script by default where something shows that script is under test.

    Parameters
    ----------
    normalizer : Normalizer
        One that folds by default (:func:`asrlab.normalize.folds_by_default`).
    references : DataFrame
        All references, of all forms, of the recordings that it is for: utt_id, channel and text.
    levels : DataFrame
        The columns that name settings.

    Raises
    ------
    InvalidInput
        That says what shows it, and what to write.
    """
    if why := _by_levels(levels) or _by_references(references):
        raise _refused(normalizer, why)


def _refused(normalizer: Normalizer, why: str) -> InvalidInput:
    options = normalizer.name.partition("+")[2]
    keep, fold = (f'"auto+script={script}{"+" * bool(options)}{options}"' for script in ("keep", "fold"))
    return InvalidInput(
        f"{why}, so the script may be what is under test, and the normalizer {normalizer.name!r} would fold "
        f"Traditional to Simplified: answers in either would count alike. Say which is meant: normalizer={keep} tells "
        f"the scripts apart, normalizer={fold} does not."
    )


def _by_levels(levels: pd.DataFrame) -> str | None:
    for column in levels.columns:
        labels = list(map(str, levels[column].dropna().unique()))
        if len(labels) > 1 and (named := next(filter(_SAYS_SCRIPT.search, labels), None)):
            return f"One {column} is called {named!r}"
        if pair := _alike_when_folded(labels):
            return f"The levels {pair[0]!r} and {pair[1]!r} of {column} differ in script only"
    return None


def _by_references(references: pd.DataFrame) -> str | None:
    several = references[references.duplicated(["utt_id", "channel"], keep=False)]
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
