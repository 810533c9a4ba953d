"""Askings: the answers of a sweep, one row an asking, with what may be compared of each."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd

from asrlab import groups, tables
from asrlab.coded import check_scores
from asrlab.errors import InvalidInput, MissingExtra
from asrlab.normalize.wording import wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Codes = NDArray[np.int64]
    Floats = NDArray[np.float64]

_LATIN: Final = re.compile(r"[A-Za-z]")
_DIGIT: Final = re.compile(r"\d")
#: Between the channels of an asking; no text has it.
_CHANNELS: Final = "\x1e"


class Askings(NamedTuple):
    """Askings that were answered; an entry a row of ``frame``."""

    frame: pd.DataFrame  #: with utt_id, condition, repeat, trial, unsupported, and the axes as text
    axes: dict[str, list[str]]  #: with their levels, also those under which nothing was answered
    texts: list[str]  #: those of several channels in one
    wordings: list[str]
    values: dict[str, Floats]  #: what may have a direction: errors (NaN where not marked), length, digits ...
    note: str


def askings(transcripts: pd.DataFrame, scores: pd.DataFrame | None, *, made: str) -> Askings:
    """Bring transcripts, and scores of them, to askings.

    Parameters
    ----------
    transcripts : DataFrame
        A ``transcripts`` table with axes.
    scores : DataFrame or None
        Scores of them, each marked once.
    made : str
        The table that is made of them: its columns are no axes.

    Raises
    ------
    InvalidInput
        If there is no axis, an answer has no level of one, or scores are of other answers or mark them twice.
    """
    for table in (transcripts, *([] if scores is None else [scores])):
        tables.check_frame(table)
    given = tables.check(transcripts.reset_index(drop=True), "transcripts", required=("utt_id", "text"))
    axes = [name for name in given.columns if name not in tables.SCHEMAS["transcripts"]]
    if not axes:
        raise InvalidInput(
            "These transcripts have no axes: no column besides the declared ones says under which setting a text was "
            "heard. Give the transcripts of a sweep over several settings."
        )
    if taken := [name for name in axes if name in tables.SCHEMAS[made]]:
        raise InvalidInput(f"The {made} makes a column {taken[0]!r} itself, and the transcripts have one. Rename it.")
    for name in axes:
        given[name] = given[name].astype("string")
        if nameless := int(given[name].isna().sum()):
            raise InvalidInput(
                f"{nameless} answers have no level of {name}: it is <NA> there. Name it: "
                f'transcripts["{name}"] = transcripts["{name}"].astype("string").fillna("none"). Or leave them out.'
            )
    given = given.fillna({"condition": "unnamed", "repeat": 0, "channel": 0})
    levels = {axis: [str(label) for label in groups.levels(given[axis])] for axis in axes}
    unanswered = given["text"].isna() | (given["state"].notna() & (given["state"] != "answered"))
    heard = given[~unanswered.to_numpy(bool)].reset_index(drop=True)
    errors, spoken = (np.full(len(heard), np.nan), [None] * len(heard)) if scores is None else _beside(heard, scores)
    frame, texts, errors = _joined(heard, errors, axes)
    languages = _languages(heard, spoken)
    wordings, note = _wordings(texts, [languages[utt_id] for utt_id in frame["utt_id"]])
    values = {
        "errors": errors,
        "length": np.array([len(text) for text in texts], np.float64),
        "digits": np.array([len(_DIGIT.findall(text)) for text in texts], np.float64),
        "length of wording": np.array([len(text) for text in wordings], np.float64),
        "latin letters": np.array([len(_LATIN.findall(text)) for text in wordings], np.float64),
    }
    return Askings(frame, levels, texts, wordings, values, note)


def _joined(heard: pd.DataFrame, errors: Floats, axes: Sequence[str]) -> tuple[pd.DataFrame, list[str], Floats]:
    """Make one row of the channels of an asking: that there is one more is something that a parameter does."""
    key = ["utt_id", "condition", "repeat", *axes]
    if (twice := heard.duplicated([*key, "channel"])).any():
        raise InvalidInput(
            f"{int(twice.sum())} answers stand twice: they agree in utt_id, condition, repeat, channel and all axes "
            f"({', '.join(axes)}). Number the repeats, or drop the copies."
        )
    number = groups.numbered(heard, key)
    if len(heard) == int(number.max(initial=-1)) + 1:
        return heard, heard["text"].tolist(), errors
    order = np.lexsort((heard["channel"].to_numpy(np.int64), number))
    parts: dict[int, list[str]] = {}
    for place in order.tolist():
        parts.setdefault(int(number[place]), []).append(f"{heard['channel'].iloc[place]}: {heard['text'].iloc[place]}")
    first = groups.firsts(number)
    no_errors = np.full(len(first), np.nan)  # those of other channels are no direction
    return heard.iloc[first].reset_index(drop=True), [_CHANNELS.join(part) for part in parts.values()], no_errors


def _languages(heard: pd.DataFrame, spoken: Sequence[str | None]) -> dict[str, str | None]:
    """Give each utterance one language, so that equal texts have equal wordings: the one spoken, else most detected."""
    found: dict[str, Counter[str | None]] = {}
    known: dict[str, str | None] = {}
    for utt_id, own, detected in zip(heard["utt_id"], spoken, heard["detected_language"], strict=True):
        known[utt_id] = known.get(utt_id) or own
        counted = found.setdefault(utt_id, Counter())
        if not pd.isna(detected):
            counted[str(detected)] += 1
    return {
        utt_id: own or (found[utt_id].most_common(1)[0][0] if found[utt_id] else None) for utt_id, own in known.items()
    }


def _beside(frame: pd.DataFrame, scores: pd.DataFrame) -> tuple[Floats, list[str | None]]:
    """Find the errors of each answer, NaN where it was not marked, and the language spoken."""
    marked = check_scores(scores).fillna({"channel": 0})
    axes = [axis for axis in groups.axes(marked) if axis in frame.columns]
    for axis in axes:
        marked[axis] = marked[axis].astype("string")
    key = ["utt_id", "condition", "repeat", "channel", *axes]
    if marked.duplicated(key).any():
        raise InvalidInput(
            "The scores mark answers more than once (in several units, forms or normalizers). An audit takes one "
            "marking: filter the scores, such as scores[scores['unit'] == 'word'], or mark with one normalizer."
        )
    number = groups.numbered(pd.concat([marked[key], frame[key]], ignore_index=True), key)
    place_of = np.full(len(number) + 1, -1)
    place_of[number[: len(marked)]] = np.arange(len(marked))
    place = place_of[number[len(marked) :]]
    if len(frame) and (place < 0).all():
        raise InvalidInput("The scores are of none of these answers. Mark these transcripts, and give both.")
    errors = marked["errors"].to_numpy(np.float64, na_value=np.nan)
    languages = [None if pd.isna(code) else str(code) for code in marked["spoken_language"]]
    spoken = [languages[at] if at >= 0 else None for at in place.tolist()]
    return np.where(place >= 0, errors[place], np.nan), spoken


def _wordings(texts: Sequence[str], languages: Sequence[str | None]) -> tuple[list[str], str]:
    """Take away what is form, and say for which languages number forms could not be."""
    made: dict[tuple[str | None, str], str] = {}
    lacking = set[str]()
    for language, text in dict.fromkeys(zip(languages, texts, strict=True)):
        try:
            made[language, text] = wording(text, language)
        except MissingExtra:
            lacking.add(str(language))
            made[language, text] = wording(text, language, numbers=False)
    note = f"Number forms count as wording in {', '.join(sorted(lacking))}: pip install 'asrlab[numbers]'."
    return [made[key] for key in zip(languages, texts, strict=True)], note if lacking else ""
