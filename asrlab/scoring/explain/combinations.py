"""Combinations: what answers come to under a combination of choices, exactly.

Every combination is marked by :func:`asrlab.score` as it would be by itself, and its rate is the one that
:func:`asrlab.rates` gives, as a fraction of whole numbers: differences of such rates add up without rounding.
"""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from asrlab import groups, tables
from asrlab.errors import InvalidInput
from asrlab.scoring.explain.choices import BY, DEFAULTS, Known, facts_of, in_condition, in_split, with_script
from asrlab.scoring.given import answers, frames
from asrlab.scoring.marking import score

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    Settings = Mapping[str, Any]

#: Choices that :func:`asrlab.score` takes as they are.
_OF_SCORE: Final = ("form", "unit", "language", "channels", "ties", "variants")


class Result(NamedTuple):
    """What one combination of choices comes to."""

    rate: Fraction
    n_answers: int
    n_lost: int
    ref_len: int


class Marked(NamedTuple):
    """The answers of one marking: errors and reference units of each, and whose they are."""

    errors: NDArray[np.int64]
    ref_len: NDArray[np.int64]
    utt_id: pd.Series
    scores: pd.DataFrame
    facts: pd.DataFrame
    n_lost: int


class Marker:
    """Marks answers under combinations of choices, each of them once.

    Parameters
    ----------
    aggregates : iterable of str
        The ways to make one figure of the answers that will be asked for.
    """

    def __init__(self, aggregates: Iterable[str]) -> None:
        self._aggregates = tuple(dict.fromkeys(aggregates))
        # By identity, since tables have no hash; with the values, so that none is another's successor in memory.
        self._found: dict[tuple[int, ...], tuple[list[Any], dict[str, Result | InvalidInput]]] = {}

    def result(self, settings: Settings) -> Result:
        """Give what the answers come to.

        Parameters
        ----------
        settings : mapping
            From :func:`resolved`.

        Raises
        ------
        InvalidInput
            If they cannot be marked so, or there is no such figure of them.
        """
        values = [settings[key] for key in DEFAULTS if key != "aggregate"]
        key = tuple(map(id, values))
        if key not in self._found:
            self._found[key] = values, self._figures(settings)
        found = self._found[key][1][settings["aggregate"]]
        if isinstance(found, InvalidInput):
            raise found
        return found

    def _figures(self, settings: Settings) -> dict[str, Result | InvalidInput]:
        found: dict[str, Result | InvalidInput] = {}
        try:
            marked = _mark(settings)
        except InvalidInput as error:
            return dict.fromkeys(self._aggregates, error)
        for name in self._aggregates:
            try:
                rate = figure(marked, name)
            except InvalidInput as error:
                found[name] = error
            else:
                found[name] = Result(rate, len(marked.errors), marked.n_lost, int(marked.ref_len.sum()))
        return found


def _mark(settings: Settings) -> Marked:
    given, tables_known = frames(settings["transcripts"], settings["references"], None)
    known = Known(*tables_known)
    facts = facts_of(settings["references"], known, settings["language"])
    given = in_condition(given, settings["condition"])
    given, known = in_split(given, known, facts, settings["split"])
    chain = with_script(settings["normalizer"], settings["script"], facts["language"])
    options = {key: settings[key] for key in _OF_SCORE} | {"normalizer": chain, "missing": settings["missing"]}
    if settings["missing"] == "empty":
        given, n_lost = _with_empty_answers(given, known, settings)
        scores = score(given, known, **{**options, "missing": "raise"})
    else:
        scores = score(given, known, **options)
        n_lost = _trials(scores[scores["state"] != "answered"])
    alike = scores.duplicated(["utt_id", "channel", "repeat"])
    if alike.any():
        raise InvalidInput(
            f"{int(alike.sum())} answers are of an utterance that another setting has answered too, and one result is "
            f"of one setting: there are {', '.join(_names(scores)[:6])}. Choose one: condition=..., the name of a "
            "setting or {axis: level}."
        )
    marked = scores[scores[["subs", "dels", "ins", "ref_len"]].notna().all(axis=1)]
    errors = (marked["subs"] + marked["dels"] + marked["ins"]).to_numpy(np.int64)
    return Marked(errors, marked["ref_len"].to_numpy(np.int64), marked["utt_id"], scores, facts, n_lost)


def figure(marked: Marked, name: str) -> Fraction:
    """Make one figure of the answers, as :func:`asrlab.rates` has it."""
    if name.startswith(BY):
        return _mean_by(marked, name.removeprefix(BY))
    _one_result(marked.scores)
    errors, ref_len = marked.errors, marked.ref_len
    spoken = ref_len > 0
    if not spoken.any():
        raise InvalidInput(_nothing_said(marked))
    if name == "pooled":
        return _ratio(errors.sum(), ref_len.sum())
    if name == "clipped":
        if (unit := marked.scores["unit"].iloc[0]) in tables.SHARES:
            raise InvalidInput(f"{unit}s are right or wrong as a whole: there is no clipped rate of them. Take pooled.")
        return _ratio(np.minimum(errors, ref_len).sum(), ref_len.sum())
    errors, ref_len = errors[spoken], ref_len[spoken]
    if name == "mean":
        return _mean(errors, ref_len)
    # Division is rounded the same way up or down for all, so the order of the quotients is that of the fractions.
    order = np.argsort(errors / ref_len, kind="stable")
    middle = order[[(len(order) - 1) // 2, len(order) // 2]]
    return sum((_ratio(errors[k], ref_len[k]) for k in middle), Fraction(0)) / 2


def _mean_by(marked: Marked, column: str) -> Fraction:
    """Give the mean of the pooled rates of groups of utterances, each counting once."""
    facts = marked.facts.set_index("utt_id")
    column = "language" if column == "spoken_language" else column
    if column not in facts.columns:
        raise InvalidInput(
            f"There is no column {column!r} of the utterances to take a mean by; there are "
            f"{', '.join(map(str, facts.columns))}."
        )
    group = marked.utt_id.map(facts[column].astype("string").mask(facts[column].astype("string") == ""))
    if group.isna().any():
        ids = ", ".join(marked.utt_id[group.isna()].unique()[:3])
        raise InvalidInput(f"Some utterances have no {column} to take a mean by ({ids} ...). Leave them out: split=...")
    _one_result(marked.scores, marked.scores["utt_id"].map(facts[column]))
    code, n = pd.factorize(group)[0], group.nunique()
    errors, ref_len = (np.bincount(code, count, n).astype(np.int64) for count in (marked.errors, marked.ref_len))
    spoken = ref_len > 0
    if not spoken.any():
        raise InvalidInput(_nothing_said(marked))
    return _mean(errors[spoken], ref_len[spoken])


def _one_result(scores: pd.DataFrame, group: pd.Series | None = None) -> None:
    """Refuse to put together what :func:`asrlab.rates` keeps apart."""
    kinds = scores[list(groups.APART)].drop_duplicates() if group is None else scores[list(groups.APART)]
    if group is not None:
        kinds = kinds.assign(group=group).drop_duplicates()
        kinds = kinds[kinds["group"].duplicated(keep=False)].drop_duplicates(list(groups.APART))
    if len(kinds) > 1:
        ways = zip(kinds["unit"], kinds["normalizer"], strict=True)
        raise InvalidInput(
            f"These answers are counted in several ways ({'; '.join(f'{unit} by {chain}' for unit, chain in ways)}), "
            'and one rate of them all would be of nothing. Take those of one language (split="language == ..."), one '
            'unit= and one normalizer=, or the mean of the languages (aggregate="mean by language").'
        )


def _nothing_said(marked: Marked) -> str:
    if not len(marked.errors):
        return "No answer is left to be marked, so there is no rate. Choose other utterances, or how failures count."
    return "Nothing is said in the references that are left, so there is no rate. Choose other utterances."


def _mean(errors: NDArray[np.int64], ref_len: NDArray[np.int64]) -> Fraction:
    """Give the mean of errors / ref_len over one common denominator: one division, however many answers."""
    lengths, place = np.unique(ref_len, return_inverse=True)
    sums = np.bincount(place, errors).astype(np.int64).tolist()
    common = lcm(*lengths.tolist())
    whole = sum(count * (common // length) for count, length in zip(sums, lengths.tolist(), strict=True))
    return Fraction(whole, common * len(errors))


def _ratio(part: np.int64, whole: np.int64) -> Fraction:
    return Fraction(int(part), int(whole))


def _names(scores: pd.DataFrame) -> list[str]:
    axes = groups.axes(scores)
    if scores["condition"].nunique() > 1 or not axes:
        return [repr(name) for name in scores["condition"].unique().tolist()]
    return [f"{name} {level!r}" for name in axes for level in scores[name].astype("string").dropna().unique().tolist()]


def _with_empty_answers(given: pd.DataFrame, known: Known, settings: Settings) -> tuple[pd.DataFrame, int]:
    """Answer each trial that was not answered with an empty text, as a tool does that stores failures as ``""``."""
    listed = score(
        given,
        known,
        form=settings["form"],
        language=settings["language"],
        missing="all-deleted",
        unit="codepoint",
        normalizer="none",
    )
    lost = listed[listed["state"] != "answered"]
    rows, axes = answers(given)
    rows = rows[rows["state"] == "answered"]
    if lost.empty:
        return rows, 0
    columns = ["trial", "utt_id", "condition", "repeat", "channel", *axes]
    filled = lost[columns].assign(state="answered", text="")
    return pd.concat([rows, filled[list(rows.columns)]], ignore_index=True), _trials(lost)


def _trials(lost: pd.DataFrame) -> int:
    """Count trials: two channels of one are one."""
    return len(lost[["utt_id", "condition", "repeat"]].drop_duplicates())
