"""Checks: that scores are of these answers, and results of these scores. What is stale is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from asrlab import groups, tables
from asrlab.errors import InvalidInput
from asrlab.scoring.given import join_answers
from asrlab.text import fingerprint, plain
from asrlab.views.answers import completed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: How an answer was marked: what a result and its scores must have in common.
MARKING: Final = ("unit", "form", "normalizer", "ties")
_COUNTS: Final = ("subs", "dels", "ins", "ref_len")
#: Rates that come of the same counts are equal to so much.
_ROUNDING: Final = 1e-9
_ASKING: Final = ("utt_id", "condition", "repeat")
#: Counts of what the scores have no row of.
_NOTHING: Final = [0, 0, 0, 0, 0]
_MARK: Final = "Mark these transcripts: lab.score(sweep.transcripts, ...)."
_NEW: Final = "Make it anew of the scores that are given, or give the scores it was made of."

RECOUNTED: Final = (
    "Recounted: its counts and rates are those of the scores of this report; intervals and p are as given."
)
IN_PART: Final = "Could be of a part of the scores of this report: it has no more than they have. Not recounted."
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
        If columns are missing, a row stands twice, an utterance is not in the transcripts, an answer is not there under
        the same labels or has another state, or a transcript is not the one that was marked.
    """
    marked = (
        tables.check(scores, "scores", required=("utt_id", "condition")).reset_index(drop=True).fillna({"repeat": 0})
    )
    apart = [name for name in marked.columns if name not in tables.SCHEMAS["scores"] and name != "marked_form"]
    key = [*_ASKING, "channel", *groups.APART, *apart]
    if (twice := marked.duplicated(key)).any():
        raise InvalidInput(
            f"{int(twice.sum())} rows of scores stand twice, such as that of {_which(marked[twice])}: they agree in "
            f"{', '.join(key)}. Drop the copies."
        )
    there = marked["utt_id"].isin(transcripts["utt_id"].dropna().unique())
    strange = ~there & (marked["state"] != "missing").fillna(value=True).astype("bool")
    if strange.any():
        one = plain(marked.loc[strange, "utt_id"].iloc[0], 60)
        raise InvalidInput(
            f"{int(strange.sum())} rows of scores are of utterances that the transcripts lack, such as {one!r}. Give "
            "the sweep whose transcripts were marked, or these transcripts as transcripts=."
        )
    for joined in (False, True):
        part = marked[marked["channel"].isna() == joined]
        if len(part):
            _refuse_other_answers(part, transcripts, joined=joined)
    return marked


def _refuse_other_answers(marked: pd.DataFrame, transcripts: pd.DataFrame, *, joined: bool) -> None:
    """Refuse scores whose state, labels or text are not those of the transcripts; ``joined``: of all channels."""
    axes = [name for name in marked.columns if name not in tables.SCHEMAS["scores"] and name in transcripts.columns]
    key = [*_ASKING, *axes]
    answers = completed(transcripts)
    answers["state"] = answers["state"].fillna("answered")
    if joined:
        answers = join_answers(answers, key)
    state, text = (
        _beside(marked, answers, key, joined=joined, column=_objects(answers[name])) for name in ("state", "text")
    )
    now = np.where(pd.isna(state), "missing", state)
    then = _objects(marked["state"])
    other = ~pd.isna(then) & (then != now)
    if joined:  # of which one may be missing, which only score() knows
        other &= then != "missing"
    if other.any():
        at = int(np.flatnonzero(other)[0])
        raise InvalidInput(
            f"{int(other.sum())} rows of scores are of other answers than the transcripts have, such as that of "
            f"{_which(marked[other])}: it was {then[at]} when it was marked, and under its labels it is {now[at]} now. "
            f"{_MARK}"
        )
    known = ~pd.isna(text) & marked["heard"].notna().to_numpy(bool)
    texts, place = np.unique(text[known].astype(str), return_inverse=True)
    prints = np.array([fingerprint(one) for one in texts.tolist()], dtype=object)[place]
    stale = np.zeros(len(marked), bool)
    stale[known] = prints != marked["heard"].to_numpy(object)[known]
    if stale.any():
        raise InvalidInput(
            f"{int(stale.sum())} rows of scores are of another text than the transcripts have, such as that of "
            f"{_which(marked[stale])}. {_MARK}"
        )


def _beside(
    marked: pd.DataFrame, answers: pd.DataFrame, key: list[str], *, joined: bool, column: NDArray[Any]
) -> NDArray[Any]:
    """Give of each row of scores what its answer has in a column; None where there is no such answer."""
    # Labels come with other dtypes where rows are missing.
    both = pd.concat([answers[key].astype("string"), marked[key].astype("string")], ignore_index=True)
    asking = groups.numbered(both, key)
    channel = pd.concat([answers["channel"], marked["channel"]]).fillna(-1).to_numpy(np.int64) + 1
    if joined:
        channel[:] = 0
    code, whole = (asking * (channel.max(initial=0) + 1) + of for of in (channel, 0))
    n = len(answers)
    last = np.flatnonzero(~pd.Index(code[:n]).duplicated(keep="last"))
    where = pd.Index(code[last])
    # What failed as a whole names no channel, and neither need what has only one.
    found = where.get_indexer(pd.Index(code[n:]))
    found = np.where(found < 0, where.get_indexer(pd.Index(whole[n:])), found)
    there: NDArray[Any] = np.array([*column[last].tolist(), None], dtype=object)
    return np.asarray(there[found])


def _objects(column: pd.Series) -> NDArray[Any]:
    """Give texts, None where there is none."""
    return np.array(column.astype("object").where(column.notna(), None), dtype=object)


def _which(rows: pd.DataFrame) -> str:
    row = rows.iloc[0]
    return f"{plain(row['utt_id'], 60)!r} under {plain(row['condition'], 60)!r}"


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
        summed = theirs.get(tuple(_text(row[name]) for name in [*by, *marks]), _NOTHING)
        own = [*summed[:3], summed[-1]]
        if any(n > m for n, m in zip(mine, own, strict=True)) or (mine[-1] == own[-1] and mine != own):
            raise InvalidInput(
                f"A summary has {_counts(mine)}{_of(row, by)}; the scores of this report come to {_counts(own)}. {_NEW}"
            )
        if mine[-1] and "rate" in row:
            _refuse_other_rate("A summary has a rate", row["rate"], sum(mine[:3]) / mine[-1], _of(row, by))
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
            sides = [theirs.get((*held[0], _text(row[end]), *held[1]), _NOTHING) for end in ("level", "baseline")]
            pairs, rates = _number(row["n_pairs"]), (row["rate"], row["baseline_rate"])
            if any(pairs > side[-2] for side in sides):
                raise InvalidInput(
                    f"A comparison has {pairs} pairs{_of(row, [*keys, 'level'])}, more than the scores of this report "
                    f"have answers. {_NEW}"
                )
            of = _of(row, [*keys, "level", "baseline"])
            if pairs and "delta" in row and not any(map(pd.isna, rates)):
                _refuse_other_rate("A comparison has a difference", row["delta"], rates[0] - rates[1], of)
            if any(side[-2] != pairs for side in sides):
                whole = False
                continue
            for side, rate in zip(sides, rates, strict=True):
                if side[-1]:
                    _refuse_other_rate("A comparison has a rate", rate, sum(side[:3]) / side[-1], of)
    return RECOUNTED if whole else IN_PART


def _refuse_other_rate(what: str, told: object, counted: float, of: str) -> None:
    if told is None or pd.isna(told) or abs(float(told) - counted) > _ROUNDING:  # type: ignore[call-overload,arg-type]
        said = "none" if told is None or pd.isna(told) else f"{told:.4%}"  # type: ignore[call-overload]
        raise InvalidInput(
            f"{what} of {said}{of}; its counts, and the scores of this report, come to {counted:.4%}. {_NEW}"
        )


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
