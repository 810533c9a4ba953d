"""Filters: what a reader of many answers may ask for, in which order, and whether a text holds it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from asrlab.scoring.tokens import unit_for
from asrlab.text import plain

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

#: Orders of a list; "against" is the condition that the chosen one is compared with.
SORTS: Final = (
    *("most errors", "highest error rate", "more errors than against", "fewer errors than against", "most changed"),
    "utt_id",
)
OUTCOMES: Final = ("answered", "empty", "failed", "unknown", "submitted", "not run", "spared", "missing")
COUNTS: Final = {"substituted": "subs", "deleted": "dels", "inserted": "ins"}
#: What may have come of an utterance, in any of its repeats and channels.
ERRORS: Final = ("any error", "no error", *COUNTS, "not counted", *OUTCOMES[1:])
#: Characters of an utterance's id and of a word in a line of a list.
NAME, _WORD = 60, 40
#: What sets the units of a pair apart, and marks that do nearly the same where such signs are spelled out.
_FIRST, _LAST = "\u2068", "\u2069"
_MARKS: Final = {ord(_FIRST): "\u200e", ord(_LAST): "\u200e"}


@dataclass(frozen=True, slots=True)
class Pair:
    """A confusion: what was heard for what.

    Parameters
    ----------
    kind : {"sub", "del", "ins"}
        What happened.
    ref, hyp : str or None
        Unit of the reference, and unit heard.
    """

    kind: str
    ref: str | None
    hyp: str | None

    def __str__(self) -> str:
        # Each unit is set apart: in a line of two right-to-left words the arrow would else point from the second.
        said, heard = (
            None if unit is None else f"{_FIRST}{plain(unit, _WORD)}{_LAST}" for unit in (self.ref, self.hyp)
        )
        return f"−{said}" if heard is None else f"+{heard}" if said is None else f"{said} → {heard}"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a reader asks for; None asks for nothing.

    Parameters
    ----------
    condition : str
        The setting whose errors are meant.
    against : str, optional
        The setting it is compared with.
    also : tuple of str
        Further settings that are shown.
    language, tag : str, optional
        Of the utterance.
    error : str, optional
        One of :data:`ERRORS`: what came of the utterance under ``condition``.
    term : str, optional
        Stands in the reference as a whole word or words, or is listed among the terms of the utterance.
    search : str, optional
        Stands anywhere in the reference or in an answer of a setting that is shown; compared as :func:`folded`.
    confusion : Pair, optional
        Happened under ``condition``.
    sort : str
        One of :data:`SORTS`.
    """

    condition: str
    against: str | None = None
    also: tuple[str, ...] = ()
    language: str | None = None
    tag: str | None = None
    error: str | None = None
    term: str | None = None
    search: str | None = None
    confusion: Pair | None = None
    sort: str = SORTS[0]

    @property
    def shown(self) -> list[str]:
        """The settings that are shown, each once."""
        return list(dict.fromkeys([self.condition, *([self.against] if self.against else []), *self.also]))

    def words(self) -> str:
        """Say the choice in one line."""
        said = [f"condition {plain(self.condition)}"]
        for name in ("against", "also", "language", "tag", "error", "term", "search", "confusion"):
            if value := getattr(self, name):
                values = value if isinstance(value, tuple) else [value]
                said.append(f"{name} {', '.join(plain(str(one).translate(_MARKS), NAME) for one in values)}")
        return "; ".join([*said, f"sorted by {self.sort}"])


def folded(text: str) -> str:
    """Bring a text to the form in which two are compared: case, composition and the width of white space do not count.

    Examples
    --------
    >>> folded("ΟΔΟΣ  ΑΘΗΝΑΣ") == folded("οδος Αθηνας"), folded("e\u0301t\u00e9") == "\u00e9t\u00e9"
    (True, True)
    """
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def stands_in(term: str, text: str) -> bool:
    """Tell whether a term stands in a text as a whole: not as a part of a longer word.

    Both are compared as :func:`folded` makes them. Scripts without spaces between words have no edges to look for.

    Examples
    --------
    >>> stands_in("art", "Art is long"), stands_in("art", "a party"), stands_in("天气", "今天天气好")
    (True, False, True)
    """
    term, text = folded(term), folded(text)
    for match in re.finditer(re.escape(term), text):
        before, after = text[: match.start()][-1:], text[match.end() :][:1]
        if not (_joins(before) and _joins(term[:1])) and not (_joins(term[-1:]) and _joins(after)):
            return True
    return False


@cache
def _joins(sign: str) -> bool:
    """Tell whether a character belongs to a word of a script with spaces between words."""
    return bool(sign) and unicodedata.category(sign)[0] in "LMN" and unit_for(None, sign) == "word"


def contains(texts: pd.Series, text: str) -> NDArray[np.bool]:
    """Tell which texts, as :func:`folded` makes them, hold another."""
    return texts.str.contains(folded(text), regex=False).fillna(False).to_numpy(bool)
