"""Invention: words that nobody said, out of silence, in long runs, or faster than anyone speaks."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from asrlab.normalize.scripts import HAN
from asrlab.scoring.flags.heard import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asrlab.scoring.flags.heard import Heard

#: Units inserted between one right unit and the next that make a run: five words, or as many words in characters.
_RUN: Final = {"word": 5, "mixed": 5}
_RUN_CHARACTERS: Final = 8
#: The answer as a whole: so many times as many units as were said, and five more.
_TIMES: Final = 2
#: Syllables a second that nobody speaks. The fastest of 170 speakers of 17 languages read 9.1 a second, the mean is 6.6
#: (Coupé, Oh, Dediu & Pellegrino 2019, Science Advances 5: eaaw2594).
_FASTEST: Final = 10.0
#: Letters of a syllable, in scripts that have letters for sounds; no language of the set has more on average. English
#: has 3.3 (4.7 letters and 1.4 syllables a word), Spanish and Italian 2.3.
_LETTERS: Final = 3.3
#: A recording this short is not measured well enough, and has few words in any case.
_FEWEST_SYLLABLES: Final = 10
#: One character, one syllable or more: Han, kana, Hangul.
_SYLLABLE: Final = re.compile(f"[{HAN}\u3041-\u3096\u30a1-\u30fa\uac00-\ud7a3]")


def insertions(heard: Sequence[Heard]) -> list[Finding]:
    """Find runs of inserted units: five words, or eight characters, between one right unit and the next.

    Returns
    -------
    list of Finding
        Of flag "insertions", with the number of inserted units as value: each run; else the answer as a whole, where it
        has twice as many units as were said, and five (eight) more. Of answers with a reference that is not empty.
    """
    found = []
    for one in heard:
        if not one.said or one.steps is None or "I" not in one.steps:
            continue
        least = _RUN.get(one.recipe.unit, _RUN_CHARACTERS)
        if one.steps.count("I") < least:
            continue
        runs = [(begin, end, n) for begin, end, n in _between_hits(one.steps) if n >= least]
        for begin, end, n in runs:
            what = f"{n} units stand between right ones where nothing was said"
            found.append(Finding(one.row, "insertions", float(n), begin, end, None, what))
        units, said = len(one.units), len(one.said)
        if not runs and units >= _TIMES * said and units - said >= least:
            what = f"{units} units were heard where {said} were said"
            found.append(Finding(one.row, "insertions", float(units - said), None, None, None, what))
    return found


def _between_hits(steps: str) -> list[tuple[int, int, int]]:
    """Give the stretches between right units: first unit, the one after the last, how many are inserted."""
    found = []
    at = 0
    for stretch in steps.split("H"):
        units = len(stretch) - stretch.count("D")
        found.append((at, at + units, stretch.count("I")))
        at += units + 1
    return found


def silence(heard: Sequence[Heard]) -> list[Finding]:
    """Find words out of silence: a transcript where the reference is empty.

    Returns
    -------
    list of Finding
        Of flag "silence", with the number of units as value.
    """
    return [
        Finding(
            one.row,
            "silence",
            float(len(one.units)),
            0,
            len(one.units),
            None,
            f"{len(one.units)} unit{'s' * (len(one.units) > 1)} out of silence",
        )
        for one in heard
        if one.said is not None and not one.said and one.units
    ]


def rate(heard: Sequence[Heard]) -> list[Finding]:
    """Find transcripts that nobody could have spoken in the time.

    Returns
    -------
    list of Finding
        Of flag "speech rate", with syllables a second as value, estimated from below: a Han character, kana, Hangul or
        digit is one, and so are 3.3 other letters. More than 10 a second are flagged. Recordings of unknown length have
        no flag.
    """
    found = []
    for one in heard:
        if one.audio_s is None or one.audio_s <= 0:
            continue
        n = syllables(one.text)
        if n >= _FEWEST_SYLLABLES and n > _FASTEST * one.audio_s:
            what = (
                f"{len(one.units)} units, at least {n:.0f} syllables, in {one.audio_s:.1f} s: {n / one.audio_s:.1f} "
                "syllables a second; the fastest speakers reach 9.1"
            )
            found.append(Finding(one.row, "speech rate", n / one.audio_s, None, None, None, what))
    return found


def syllables(text: str) -> float:
    """Estimate from below how many syllables a text has.

    Examples
    --------
    >>> syllables("你好 25"), round(syllables("hello there"), 1)
    (4.0, 3.0)
    """
    whole = len(_SYLLABLE.findall(text))
    digits = sum(sign.isdecimal() for sign in text)
    letters = sum(unicodedata.category(sign)[0] == "L" for sign in text) - whole
    return whole + digits + letters / _LETTERS
