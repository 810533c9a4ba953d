"""Audit: did a parameter do anything at all? The first question of any sweep, since services accept and ignore them.

If a parameter does nothing, its labels might as well be swapped between the answers to one utterance in one pass of
repeats (Fisher's randomisation test). Two things would show that they may not: that answers under different levels
differ more often than repeats of one level do, and that they differ in a direction (shorter, more digits, fewer
errors). The first needs repeats, the second does not. Both are about these recordings, and say nothing of others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cpdist

from asrlab import groups, tables
from asrlab.errors import InvalidInput
from asrlab.executors import check_executor
from asrlab.stats.agreement import same_share
from asrlab.stats.arguments import between
from asrlab.stats.askings import askings
from asrlab.stats.corrections import holm
from asrlab.stats.label_swaps import RESAMPLES, repeat_contrast, swap_test, upper_end
from asrlab.stats.sign_flips import sign_flip

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from asrlab.executors import Where
    from asrlab.stats.askings import Askings

    Codes = NDArray[np.int64]
    Floats = NDArray[np.float64]

ACTS: Final = "acts"
IN_FORM: Final = "acts in form only"
NOTHING: Final = "no visible effect"
CANNOT_TELL: Final = "cannot tell"
#: Who is asked: whether a parameter acts is asked of each by itself.
_ASKED: Final = ("engine", "model", "region")
#: What a setting is called that leaves a parameter out: the baseline, where there is such a level.
_LEFT_OUT: Final = ("none", "None", "False", "off", "0")
#: Where nothing changed: a share of utterances that would hardly have been missed must be below this.
_MISSED: Final = 0.25
#: Where repeats differ too: what levels differ by beyond them must be below this for "no visible effect".
_BEYOND: Final = 0.10
#: Where repeats differ more often than this, hardly anything could differ more often than they do.
_MOSTLY: Final = 0.5
#: Utterances from which "no more than repeats" may be said.
_LEAST: Final = 11


class _Row(NamedTuple):
    """Answers to the same under two levels of an axis: an entry a pair."""

    labels: tuple[Any, ...]
    axis: str
    level: str
    baseline: str
    arm: NDArray[np.intp]
    base: NDArray[np.intp]
    question: Codes  #: of each asking, what was asked but for the axis and the repeat
    every: NDArray[np.intp]  #: all askings under either level
    same: int  #: pairs left out since they are one and the same request


class _Shares(NamedTuple):
    """What differs between the levels, and how sure that is."""

    differ: NDArray[np.bool]  #: of each pair
    floor: float  #: share of pairs of repeats that do
    p: float
    beyond: float  #: upper end of the interval of what levels differ by beyond repeats


def audit(
    transcripts: pd.DataFrame,
    scores: pd.DataFrame | None = None,
    *,
    along: str | Sequence[str] | None = None,
    baselines: Mapping[str, str] | None = None,
    by: str | Sequence[str] | None = None,
    level: float = 0.95,
    seed: int = 0,
    executor: Where = None,
) -> pd.DataFrame:
    """Tell for each axis whether its parameter did anything to the transcripts.

    Parameters
    ----------
    transcripts : DataFrame
        A ``transcripts`` table, such as ``sweep.transcripts``; further columns are axes. Answers without a text
        (failed, not run) are left out.
    scores : DataFrame, optional
        The same answers marked once, by :func:`asrlab.score`: for the direction of errors, and the languages spoken, by
        which texts are normalised; without them, it is by the languages detected.
    along : str or sequence of str, optional
        Axes to look at; all if not given.
    baselines : mapping of axis to label, optional
        What each axis is compared with; by default the level that leaves the parameter out ("none", "False", "off"),
        else the first.
    by : str or sequence of str, optional
        Axes to look at each level of by itself. By default those that say who is asked: engine, model, region.
    level : float
        Confidence level: a change is shown where the corrected p is at most 1 - level.
    seed : int
        Of the random swaps where they are too many to go through.
    executor : Executor, distributed.Client or None
        Where those are made, if they are much work: see :func:`asrlab.score`. The table is the same wherever.

    Returns
    -------
    DataFrame
        An ``audit`` table, a row for each level of each axis beside its baseline (and of each ``by``).

        ``changed`` is the share of pairs of answers (to the same utterance and repeat, all other axes equal, the
        channels of an asking together) whose texts differ in any character, ``in_wording`` of those that differ when
        case, punctuation, spelling and number forms are taken away (:func:`asrlab.normalize.wording.wording`),
        ``in_form`` the rest. ``floor`` and ``floor_wording`` are the same shares among repeats of one setting: what the
        service does by itself; ``<NA>`` where nothing was asked twice. Pairs that are one and the same request are left
        out.

        ``p`` and ``p_wording`` (corrected within the row, then over all rows, by Holm's method) are of swapping the two
        labels in each pass of an utterance. The statistics are: by how many characters (log(1 + edits)) answers of
        different passes differ more between levels than within; and sums of differences in length, digits, Latin
        letters and errors. Errors count for ``p_wording`` where the scores' normalizer has number forms, and else of
        pairs that differ in wording and have as many digits. If a service keeps its answers and gives them again for
        the same request, repeats are no new askings, and these p are too small; ``floor`` is 0 then.

        ``verdict`` is one of

        - ``"acts"``: wording changes beyond the service's own variation; or the text does, and whether that is form
          only is not known;
        - ``"acts in form only"``: the text does; wording does not, or to within 10 points no more than among repeats;
        - ``"no visible effect"``: nothing changed, in so many utterances with words that a change in a quarter of them
          would have been seen; or repeats differ, though not mostly, and levels differ no more than they do, to within
          10 points;
        - ``"cannot tell"``: too few utterances or repeats for any of these, or nothing different was asked; ``reason``
          says which.

        ``reason`` has the numbers, and what the engine itself says: that it does not obey a parameter.

    Raises
    ------
    InvalidInput
        If there is no axis, or no such one; if scores are of other answers, or mark them more than once.

    Examples
    --------
    >>> heard = {"off": "it cost five dollars", "on": "it cost $5"}
    >>> rows = [{"utt_id": f"u{n}", "itn": itn, "text": heard[itn], "detected_language": "en"}
    ...         for n in range(12) for itn in ("off", "on")]
    >>> audit(pd.DataFrame(rows))[["axis", "level", "changed", "in_wording", "verdict"]].to_dict("records")
    [{'axis': 'itn', 'level': 'on', 'changed': 1.0, 'in_wording': 0.0, 'verdict': 'acts in form only'}]
    """
    between("level", level, 1e-6, 1 - 1e-6, "a confidence level, such as 0.95")
    check_executor(executor)
    answers = askings(transcripts, scores, made="audit")
    keys = _by(answers.axes, by)
    rows = _rows(answers, _names(along), baselines or {}, keys)
    errors_are_wording = _has_numbers(scores)
    found = [
        _looked_at(answers, row, errors_are_wording=errors_are_wording, level=level, seed=seed, executor=executor)
        for row in rows
    ]
    for name in ("p", "p_wording"):
        for one, adjusted in zip(found, holm([one[name] for one in found]).tolist(), strict=True):
            one[name] = adjusted
    for one in found:
        one["verdict"], one["reason"] = _verdict(one, 1 - level)
        one["reason"] += "".join(f" {said}" for said in [*one.pop("said"), answers.note] if said)
    labels = pd.DataFrame([row.labels for row in rows], columns=keys, dtype=object).astype("string")
    made = tables.check(pd.DataFrame(found, columns=list(tables.SCHEMAS["audit"])), "audit")
    return pd.concat([labels, made], axis=1)


def _names(given: str | Sequence[str] | None) -> list[str] | None:
    return [given] if isinstance(given, str) else None if given is None else list(given)


def _by(axes: Collection[str], by: str | Sequence[str] | None) -> list[str]:
    wanted = _names(by)
    keys = [axis for axis in axes if axis in _ASKED] if wanted is None else wanted
    if unknown := [name for name in keys if name not in axes]:
        raise InvalidInput(f"There is no axis {unknown[0]!r}; there are {', '.join(axes)}.")
    return keys


def _has_numbers(scores: pd.DataFrame | None) -> bool:
    """Tell whether what counts as an error is a matter of wording: number forms are taken away from all scores."""
    if scores is None or "normalizer" not in scores.columns:
        return False
    return bool(scores["normalizer"].astype("string").str.contains("numbers").fillna(value=False).all())


def _rows(answers: Askings, along: list[str] | None, baselines: Mapping[str, str], by: list[str]) -> list[_Row]:
    """Pair the answers under each level of each axis with those under its baseline."""
    frame, axes = answers.frame, answers.axes
    if unknown := [name for name in [*(along or []), *baselines] if name not in axes]:
        raise InvalidInput(f"There is no axis {unknown[0]!r} to audit; there are {', '.join(axes)}.")
    trial = pd.factorize(frame["trial"])[0]
    trial = np.where(trial < 0, -1 - np.arange(len(trial)), trial)  # those without one are not the same
    trial = np.append(trial, 0)
    rows = []
    for axis in dict.fromkeys(along or axes):
        levels = axes[axis]
        baseline = baselines.get(
            axis, next((name for name in _LEFT_OUT if name in levels), levels[0] if levels else "")
        )
        if levels and baseline not in levels:
            raise InvalidInput(f"{axis} has no level {baseline!r}; it has {', '.join(levels)}.")
        keys = [key for key in by if key != axis]
        asked = ["utt_id", *(a for a in axes if a != axis)]
        pair, question = groups.numbered(frame, [*asked, "repeat"]), groups.numbered(frame, asked)
        group = groups.numbered(frame, keys)
        place_of: dict[str, NDArray[np.intp]] = {}
        for level in levels:
            place_of[level] = np.full(int(pair.max(initial=-1)) + 1, -1)
            mine = np.flatnonzero((frame[axis] == level).fillna(value=False).to_numpy(bool))
            place_of[level][pair[mine]] = mine
        group_of = np.zeros(int(pair.max(initial=-1)) + 1, np.int64)
        group_of[pair] = group
        first = groups.firsts(group) if len(group) or keys else np.zeros(1, np.intp)
        for level in (one for one in levels if one != baseline):
            arm, base = place_of[level], place_of[baseline]
            for number, at in enumerate(first.tolist()):
                either = (group_of == number) & ((arm >= 0) | (base >= 0))
                both = either & (arm >= 0) & (base >= 0)
                one = both & (trial[arm] == trial[base])  # both labels came to the same request
                both &= ~one
                if either.any() or not keys:
                    labels = tuple(frame[key].iloc[at] if key in keys else pd.NA for key in by)
                    every = np.concatenate([side[either & (side >= 0)] for side in (arm, base)])
                    found = arm[both], base[both], question, every, int(one.sum())
                    rows.append(_Row(labels, axis, level, baseline, *found))
    return rows


def _looked_at(
    answers: Askings, row: _Row, *, errors_are_wording: bool, level: float, seed: int, executor: Where
) -> dict[str, Any]:
    """Count what changed, and test it."""
    frame = answers.frame.take(row.base)
    utterance, passes = (pd.factorize(frame[name])[0].astype(np.int64) for name in ("utt_id", "repeat"))
    question = pd.factorize(row.question[row.base])[0].astype(np.int64)
    alone = groups.combined([row.question[row.every], groups.numbered(answers.frame.take(row.every), [row.axis])])

    def shares(texts: list[str]) -> _Shares:
        code = pd.factorize(np.array(texts, dtype=object))[0].astype(np.int64)
        same, pairs = same_share(np.zeros(len(alone), np.int64), alone, code[row.every], 1)
        differ = code[row.arm] != code[row.base]
        compared = row.arm, row.base, question, passes, utterance
        contrast, asked = repeat_contrast(*compared, apart=lambda one, other: code[one] != code[other])
        farther, _ = repeat_contrast(*compared, apart=lambda one, other: _apart(texts, one, other))
        return _Shares(
            differ,
            float(1 - same[0] / pairs[0]) if pairs[0] else np.nan,
            swap_test(farther, seed, executor),
            upper_end(contrast, asked, level),
        )

    def direction(name: str, of: NDArray[np.bool] | None = None) -> float:
        differ = answers.values[name][row.arm] - answers.values[name][row.base]
        known = ~np.isnan(differ) if of is None else ~np.isnan(differ) & of
        if not differ[known].any():
            return np.nan
        block = groups.combined([utterance[known], passes[known]])
        contributions = np.bincount(block, weights=differ[known]).astype(np.float64)
        return sign_flip(contributions, resamples=RESAMPLES, seed=seed, executor=executor).p

    text, words = shares(answers.texts), shares(answers.wordings)
    digits = answers.values["digits"]
    of = None if errors_are_wording else words.differ & (digits[row.arm] == digits[row.base])
    in_text = [text.p, direction("length"), direction("digits"), direction("errors")]
    in_words = [words.p, direction("length of wording"), direction("latin letters"), direction("errors", of)]
    differ = answers.values["errors"][row.arm] - answers.values["errors"][row.base]
    n_pairs = len(row.arm)
    heard = [[answers.texts[n] for n in side.tolist()] for side in (row.arm, row.base)]
    changed, in_wording = (float(side.differ.mean()) if n_pairs else np.nan for side in (text, words))
    return {
        "axis": row.axis,
        "level": row.level,
        "baseline": row.baseline,
        "changed": changed,
        "in_wording": in_wording,
        "in_form": changed - in_wording,
        "floor": text.floor,
        "floor_wording": words.floor,
        "p": _least([*in_text, *in_words]),
        "p_wording": _least(in_words),
        "beyond": text.beyond,
        "beyond_wording": words.beyond,
        "n_utts": int(utterance.max(initial=-1)) + 1,
        "n_said": len(np.unique(utterance[[any(pair) for pair in zip(*heard, strict=True)]])) if n_pairs else 0,
        "n_pairs": n_pairs,
        "n_repeats": int(passes.max(initial=-1)) + 1,
        "n_left_out": len(row.every) - 2 * n_pairs,
        "better": int((differ < 0).sum()),
        "worse": int((differ > 0).sum()),
        "seed": seed,
        "said": _said(answers.frame.take(row.arm), row, len(row.every) - 2 * n_pairs),
    }


def _least(p: list[float]) -> float:
    """Give the least of Holm's corrected p; NaN where nothing could be tested."""
    adjusted = holm(p)
    return float(np.nanmin(adjusted)) if not np.isnan(adjusted).all() else np.nan


def _apart(texts: list[str], one: Codes, other: Codes) -> Floats:
    """Give log(1 + edits) of each two texts: a loop is far from anything, but not a hundred times as far."""
    sides = [[texts[n] for n in places.tolist()] for places in (one, other)]
    return np.asarray(np.log1p(cpdist(*sides, scorer=Levenshtein.distance, dtype=np.float64)), np.float64)


def _said(answers: pd.DataFrame, row: _Row, left_out: int) -> list[str]:
    """Say what else there is to know: of the engine, and of what was left out."""
    deaf = answers["unsupported"].fillna("").str.split(",").map(lambda names: row.axis in {n.strip() for n in names})
    return [
        f"The engine says that it did not obey {row.axis} in {int(deaf.sum())} answers." if deaf.any() else "",
        f"In {row.same} pairs both levels came to the same request." if row.same else "",
        f"{left_out - 2 * row.same} answers have no partner." if left_out > 2 * row.same else "",
    ]


def _verdict(row: Mapping[str, Any], alpha: float) -> tuple[str, str]:
    if not row["n_pairs"]:
        return CANNOT_TELL, "No utterance has answers to different requests under both levels."
    repeated = not np.isnan(row["floor"])
    floor = (
        f"of repeats {_percent(row['floor'])}, {_percent(row['floor_wording'])} in wording"
        if repeated
        else "nothing was asked twice"
    )
    seen = (
        f"{_percent(row['changed'])} of {row['n_pairs']} pairs of answers differ, {_percent(row['in_wording'])} in "
        f"wording; {floor}"
    )
    if row["p_wording"] <= alpha:
        return ACTS, f"{seen} ({_p(row['p_wording'])})."
    if row["p"] <= alpha:
        if row["in_wording"] == 0 or _as_repeats(row, "_wording"):
            return IN_FORM, f"{seen} ({_p(row['p'])}; in wording {_p(row['p_wording'])})."
        return ACTS, f"{seen}, so whether wording changes by it is not known ({_p(row['p'])})."
    return _nothing_shown(row, seen, alpha, repeated=repeated)


def _as_repeats(row: Mapping[str, Any], what: str = "") -> bool:
    """Tell whether levels are shown to differ no more often than repeats do: NaN compares as no."""
    return bool(row[f"floor{what}"] <= _MOSTLY and row[f"beyond{what}"] <= _BEYOND and row["n_utts"] >= _LEAST)


def _nothing_changed(row: Mapping[str, Any], alpha: float) -> tuple[str, str]:
    if not (n := row["n_said"]):
        return CANNOT_TELL, f"None of {row['n_pairs']} pairs says anything."
    # If so large a share of utterances changed, none of n would be seen with a chance of alpha.
    most = _percent(1 - alpha ** (1 / n))
    if 1 - alpha ** (1 / n) > _MISSED:
        return CANNOT_TELL, f"Too few utterances: none of {n} changed, but {most} of such might, unseen."
    return NOTHING, f"No letter differs in {row['n_pairs']} pairs; a change in {most} of utterances would show."


def _nothing_shown(row: Mapping[str, Any], seen: str, alpha: float, *, repeated: bool) -> tuple[str, str]:
    if row["changed"] == 0:
        return _nothing_changed(row, alpha)
    if not repeated:
        return CANNOT_TELL, f"{seen}. Ask with repeats=2 to tell the setting from what the service does by itself."
    if row["floor"] > 0 and _as_repeats(row):
        return NOTHING, f"{seen}: to within {_percent(max(row['beyond'], 0.0))} what the service does by itself."
    if row["floor"] > _MOSTLY:
        return CANNOT_TELL, f"{seen}: repeats differ so often that little can be seen beyond them ({_p(row['p'])})."
    return CANNOT_TELL, f"Too few utterances or repeats: {seen} ({_p(row['p'])})."


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _p(p: float) -> str:
    return "no p" if np.isnan(p) else "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
