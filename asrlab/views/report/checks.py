"""Checks: that scores are of these answers, and results of these scores. What is stale is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.text import fingerprint, plain
from asrlab.views.answers import with_answers

if TYPE_CHECKING:
    from collections.abc import Sequence

#: How an answer was marked: what a result and its scores must have in common.
MARKING: Final = ("unit", "form", "normalizer", "ties")
_COUNTS: Final = ("subs", "dels", "ins", "ref_len")
#: Rates that come of the same counts are equal to so much.
_ROUNDING: Final = 1e-9
_NEW: Final = "Make it anew of the scores that are given, or give the scores it was made of."

RECOUNTED: Final = "Recounted: what its rows are made of is what the scores of this report come to."
IN_PART: Final = "Made of a part of the scores of this report: it has no more than they have, and was not recounted."
LIKE: Final = "Marked as the scores of this report are; not recounted."
PLANNED: Final = "About experiments that were not made: not of the scores of this report."
UNTOLD: Final = "Nothing in this table tells of which scores it is."


def check_scores(scores: pd.DataFrame, transcripts: pd.DataFrame) -> pd.DataFrame:
    """Give scores their dtypes; refuse those of other answers.

    Parameters
    ----------
    scores : DataFrame
        A ``scores`` table, or several put together.
    transcripts : DataFrame
        What was heard.

    Raises
    ------
    InvalidInput
        If columns are missing, an utterance is not in the transcripts, or a transcript is not the one that was marked.
    """
    marked = tables.check(scores, "scores", required=("utt_id", "condition")).reset_index(drop=True)
    there = marked["utt_id"].isin(transcripts["utt_id"].dropna().unique())
    strange = ~there & (marked["state"] != "missing").fillna(value=True).astype("bool")
    if strange.any():
        one = plain(marked.loc[strange, "utt_id"].iloc[0], 60)
        raise InvalidInput(
            f"{int(strange.sum())} rows of scores are of utterances that the transcripts lack, such as {one!r}. Give "
            "the sweep whose transcripts were marked, or these transcripts as transcripts=."
        )
    known = marked[marked["heard"].notna()]
    if "rung" in known.columns:  # of a ladder, each answer is marked once on each
        known = known[known["rung"] == known["rung"].iloc[0]] if len(known) else known
    if len(known):
        beside = with_answers(known, transcripts)
        there = beside["text"].notna() & beside["heard"].notna()
        texts, place = np.unique(beside.loc[there, "text"].to_numpy(object), return_inverse=True)
        now = np.array([fingerprint(text) for text in texts.tolist()], dtype=object)[place]
        other = now != beside.loc[there, "heard"].to_numpy(object)
        if other.any():
            row = beside[there][other].iloc[0]
            raise InvalidInput(
                f"{int(other.sum())} rows of scores are of another text than the transcripts have, such as that of "
                f"{plain(row['utt_id'], 60)!r} under {plain(row['condition'], 60)!r}. Mark these transcripts: "
                "lab.score(sweep.transcripts, ...)."
            )
    return marked


def origin(result: pd.DataFrame, scores: pd.DataFrame) -> str:
    """Tell how sure it is that a table of results was made of these scores.

    Parameters
    ----------
    result : DataFrame
        Any table.
    scores : DataFrame
        All columns of a ``scores`` table.

    Returns
    -------
    str
        A sentence.

    Raises
    ------
    InvalidInput
        If it cannot be: it was marked otherwise, names a label that they lack, or comes to something else.
    """
    kind = tables.kind(result)
    if kind == "power":
        return PLANNED
    marks = [name for name in MARKING if name in result.columns]
    if "unit" not in marks or not len(result):
        return UNTOLD
    _refuse_other_marking(result, scores, marks)
    _refuse_other_labels(result, scores, kind)
    if kind == "summary":
        return _recounted(result, scores, marks)
    if kind == "comparison":
        return _compared_again(result, scores, marks)
    return LIKE


def _refuse_other_marking(result: pd.DataFrame, scores: pd.DataFrame, marks: list[str]) -> None:
    # No row of scores has NA where it was marked; one that has is of a trial that was not.
    known = {tuple(map(_text, row)) for row in scores[marks].drop_duplicates().itertuples(index=False)}
    for row in result[marks].drop_duplicates().itertuples(index=False):
        wanted = tuple(map(_text, row))
        if not any(all(w in {"", k} for w, k in zip(wanted, one, strict=True)) for one in known):
            raise InvalidInput(
                f"A result is marked by {_named(marks, wanted)}; the scores of this report have "
                f"{'; '.join(_named(marks, one) for one in sorted(known)[:3])}. {_NEW} Several tables of scores may be "
                "put together: Report(sweep, pd.concat([scores, others]), ...)."
            )


def _refuse_other_labels(result: pd.DataFrame, scores: pd.DataFrame, kind: str | None) -> None:
    own = tables.SCHEMAS.get(kind or "", {})
    named = [(str(name), result[name]) for name in result.columns if name not in own and name in scores.columns]
    if kind in {"comparison", "effects"} and "axis" in result.columns:
        for axis in result["axis"].dropna().unique():
            if axis in scores.columns:
                mine = result[(result["axis"] == axis).fillna(value=False)]
                named += [(str(axis), mine[end]) for end in ("level", "baseline") if end in mine.columns]
    for name, column in named:
        if name in tables.SCHEMAS["scores"] and name not in {"spoken_language", "utt_id", "condition", "block"}:
            continue
        there = {_text(value) for value in scores[name].unique()}
        if strange := [value for value in map(_text, column.dropna().unique()) if value not in there]:
            raise InvalidInput(
                f"A result is about {name} {plain(strange[0], 60)!r}, which the scores of this report do not have. "
                f"{_NEW}"
            )


def _recounted(result: pd.DataFrame, scores: pd.DataFrame, marks: list[str]) -> str:
    by = [str(name) for name in result.columns if name not in tables.SCHEMAS["summary"]]
    counts = [name for name in _COUNTS if name in result.columns]
    if len(counts) < len(_COUNTS) or not set(by) <= set(scores.columns):
        return LIKE
    theirs = _sums(scores, [*by, *marks])
    whole = True
    for row in result.to_dict("records"):
        mine = [_number(row[name]) for name in counts]
        summed = theirs.get(tuple(_text(row[name]) for name in [*by, *marks]))
        own = [*summed[:3], summed[-1]] if summed else None
        if own is None or any(n > m for n, m in zip(mine, own, strict=True)) or (mine[-1] == own[-1] and mine != own):
            raise InvalidInput(
                f"A summary has {_counts(mine)}{_of(row, by)}; the scores of this report come to "
                f"{_counts(own) if own else 'none'}. {_NEW}"
            )
        whole &= mine == own
    return RECOUNTED if whole else IN_PART


def _compared_again(result: pd.DataFrame, scores: pd.DataFrame, marks: list[str]) -> str:
    by = [str(name) for name in result.columns if name not in tables.SCHEMAS["comparison"]]
    needed = {"axis", "level", "baseline", "rate", "baseline_rate", "n_pairs"}
    if not needed <= set(result.columns) or not {*by, *result["axis"].dropna()} <= set(scores.columns):
        return LIKE
    whole = True
    for axis, mine in result.groupby("axis", sort=False):
        keys = [name for name in by if name != axis]
        theirs = _sums(scores, [*keys, str(axis), *marks])
        for row in mine.to_dict("records"):
            held = tuple(_text(row[name]) for name in keys), tuple(_text(row[name]) for name in marks)
            sides = [theirs.get((*held[0], _text(row[end]), *held[1])) for end in ("level", "baseline")]
            pairs, rates = _number(row["n_pairs"]), (row["rate"], row["baseline_rate"])
            if any(side is None or pairs > side[-2] for side in sides):
                raise InvalidInput(
                    f"A comparison has {pairs} pairs{_of(row, [*keys, 'level'])}, more than the scores of this report "
                    f"have answers. {_NEW}"
                )
            if any(side[-2] != pairs for side in sides if side):
                whole = False
                continue
            for side, rate in zip(sides, rates, strict=True):
                if side and side[-1] and not pd.isna(rate) and abs(sum(side[:3]) / side[-1] - rate) > _ROUNDING:
                    raise InvalidInput(
                        f"A comparison has a rate of {rate:.4%}{_of(row, [*keys, 'level', 'baseline'])}; the scores of "
                        f"this report come to {sum(side[:3]) / side[-1]:.4%}. {_NEW}"
                    )
    return RECOUNTED if whole else IN_PART


def _sums(scores: pd.DataFrame, keys: Sequence[str]) -> dict[tuple[str, ...], list[int]]:
    """Sum the counts of scores by labels: substituted, deleted, inserted, answers, and units of the references."""
    marked = scores[scores["ref_len"].notna()]
    named = pd.DataFrame({name: marked[name].astype("string").fillna("") for name in dict.fromkeys(keys)})
    counts = marked[list(_COUNTS)].astype("Int64").fillna(0)
    summed = counts.assign(answers=1)[["subs", "dels", "ins", "answers", "ref_len"]]
    found = summed.groupby([named[name] for name in named.columns], sort=False, observed=True).sum()
    order = list(named.columns)
    labels = [key if isinstance(key, tuple) else (key,) for key in found.index]
    return {
        tuple(key[order.index(name)] for name in keys): [int(n) for n in row]
        for key, row in zip(labels, found.to_numpy(), strict=True)
    }


def _text(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value)  # type: ignore[call-overload]


def _number(value: object) -> int:
    return 0 if pd.isna(value) else int(value)  # type: ignore[call-overload]


def _named(names: Sequence[str], values: Sequence[str]) -> str:
    return ", ".join(f"{name} {plain(value, 60)}" for name, value in zip(names, values, strict=True) if value)


def _counts(counts: Sequence[int]) -> str:
    return f"{sum(counts[:3])} errors in {counts[-1]} units"


def _of(row: dict[Any, Any], names: Sequence[str]) -> str:
    said = _named(names, [_text(row[name]) for name in names])
    return f" of {said}" if said else ""
