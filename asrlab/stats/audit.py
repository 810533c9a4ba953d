"""Audit: did a parameter do anything at all? The first question of any sweep, since services accept and ignore them.

If a parameter does nothing, its labels might as well be swapped between the answers to one utterance in one pass of
repeats (Fisher's randomisation test). Two things would show that they may not: that answers under different levels
differ more often than repeats of one level do, and that they differ in a direction (shorter, more digits, fewer
errors). The first needs repeats, the second does not. Both are about these recordings, and say nothing of others.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from asrlab import groups, tables
from asrlab.errors import InvalidInput, MissingExtra
from asrlab.normalize.wording import wording
from asrlab.stats.arguments import between
from asrlab.stats.corrections import holm
from asrlab.stats.swaps import RESAMPLES, repeat_contrast, swap_test, upper_end
from asrlab.stats.tests import sign_flip

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

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
_LATIN: Final = re.compile(r"[A-Za-z]")
_DIGIT: Final = re.compile(r"\d")


class _Answers(NamedTuple):
    """Answers that have a text, their axes, and what is compared of each."""

    frame: pd.DataFrame
    axes: dict[str, list[str]]  #: with their levels, also those under which nothing was answered
    text: Codes
    wording: Codes
    values: dict[str, Floats]
    note: str


class _Row(NamedTuple):
    """Answers to the same under two levels of an axis: an entry a pair."""

    labels: tuple[Any, ...]
    axis: str
    level: str
    baseline: str
    arm: NDArray[np.intp]
    base: NDArray[np.intp]
    question: Codes  #: of each pair, what was asked but for the axis and the repeat
    left_out: int


def audit(
    transcripts: pd.DataFrame,
    scores: pd.DataFrame | None = None,
    *,
    along: str | Sequence[str] | None = None,
    baselines: Mapping[str, str] | None = None,
    by: str | Sequence[str] | None = None,
    level: float = 0.95,
    seed: int = 0,
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

    Returns
    -------
    DataFrame
        An ``audit`` table, a row for each level of each axis beside its baseline (and of each ``by``).

        ``changed`` is the share of pairs of answers (to the same utterance, channel and repeat, all other axes equal)
        whose texts differ in any character, ``in_wording`` of those that differ when case, marks, spelling and number
        forms are taken away, ``in_form`` the rest. ``floor`` and ``floor_wording`` are the same shares among repeats of
        one setting: what the service does by itself; ``<NA>`` where nothing was asked twice.

        ``p`` and ``p_wording`` (corrected within the row, then over all rows, by Holm's method) are of swapping the two
        labels in each pass of an utterance. The statistics are: of r passes, how often answers of different passes
        differ more between levels than within; and sums of differences in length, digits, Latin letters and errors.
        Errors count for ``p_wording`` only where the scores' normalizer has number forms, else for ``p``.

        ``verdict`` is one of

        - ``"acts"``: wording changes beyond the service's own variation; or the text does, and nothing was asked twice
          to tell whether that is form only;
        - ``"acts in form only"``: the text does; wording does not, or no more than among repeats;
        - ``"no visible effect"``: nothing changed, in so many utterances that a change in a quarter of them would have
          been seen; or repeats differ, and levels differ no more than they do, to within 10 points;
        - ``"cannot tell"``: too few utterances or repeats for any of these; ``reason`` says which.

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
    answers = _answers(transcripts, scores)
    keys = _by(answers.axes, by)
    rows = _rows(answers, _names(along), baselines or {}, keys)
    errors_are_wording = _has_numbers(scores)
    found = [_looked_at(answers, row, errors_are_wording=errors_are_wording, level=level, seed=seed) for row in rows]
    for name in ("p", "p_wording"):
        for one, adjusted in zip(found, holm([one[name] for one in found]).tolist(), strict=True):
            one[name] = adjusted
    for one in found:
        one["verdict"], one["reason"] = _verdict(one, 1 - level)
        one["reason"] += "".join(f" {said}" for said in [*one.pop("said"), answers.note] if said)
    labels = pd.DataFrame([row.labels for row in rows], columns=keys, dtype=object).astype("string")
    made = tables.check(pd.DataFrame(found, columns=list(tables.SCHEMAS["audit"])), "audit")
    return pd.concat([labels, made], axis=1)


def _answers(transcripts: pd.DataFrame, scores: pd.DataFrame | None) -> _Answers:
    """Give each answer its text and wording as numbers, and what may have a direction."""
    given = tables.check(transcripts.reset_index(drop=True), "transcripts", required=("utt_id", "text"))
    axes = [name for name in given.columns if name not in tables.SCHEMAS["transcripts"]]
    if not axes:
        raise InvalidInput(
            "These transcripts have no axes: no column besides the declared ones says under which setting a text was "
            "heard. Give the transcripts of a sweep over several settings."
        )
    if taken := [name for name in axes if name in tables.SCHEMAS["audit"]]:
        raise InvalidInput(f"The audit makes a column {taken[0]!r} itself, and the transcripts have one. Rename it.")
    given = given.fillna({"condition": "unnamed", "repeat": 0, "channel": 0})
    for name in axes:
        given[name] = given[name].astype("string")
    levels = {axis: [str(label) for label in groups.levels(given[axis])] for axis in axes}
    unanswered = given["text"].isna() | (given["state"].notna() & (given["state"] != "answered"))
    frame = given[~unanswered.to_numpy(bool)].reset_index(drop=True)
    errors, spoken = (np.full(len(frame), np.nan), [None] * len(frame)) if scores is None else _beside(frame, scores)
    detected = [None if pd.isna(code) else str(code) for code in frame["detected_language"]]
    spoken = [known or heard for known, heard in zip(spoken, detected, strict=True)]
    texts = frame["text"].tolist()
    wordings, note = _wordings(texts, spoken)
    values = {
        "errors": errors,
        "length": np.array([len(text) for text in texts], np.float64),
        "digits": np.array([len(_DIGIT.findall(text)) for text in texts], np.float64),
        "length of wording": np.array([len(text) for text in wordings], np.float64),
        "latin letters": np.array([len(_LATIN.findall(text)) for text in wordings], np.float64),
    }
    codes = [pd.factorize(np.array(side, dtype=object))[0].astype(np.int64) for side in (texts, wordings)]
    return _Answers(frame, levels, codes[0], codes[1], values, note)


def _beside(frame: pd.DataFrame, scores: pd.DataFrame) -> tuple[Floats, list[str | None]]:
    """Find the errors of each answer, NaN where it was not marked, and the language spoken."""
    marked = groups.check_scores(scores).fillna({"channel": 0})
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


def _rows(answers: _Answers, along: list[str] | None, baselines: Mapping[str, str], by: list[str]) -> list[_Row]:
    """Pair the answers under each level of each axis with those under its baseline."""
    frame, axes = answers.frame, answers.axes
    if unknown := [name for name in [*(along or []), *baselines] if name not in axes]:
        raise InvalidInput(f"There is no axis {unknown[0]!r} to audit; there are {', '.join(axes)}.")
    rows = []
    for axis in along or axes:
        levels = axes[axis]
        baseline = baselines.get(
            axis, next((name for name in _LEFT_OUT if name in levels), levels[0] if levels else "")
        )
        if levels and baseline not in levels:
            raise InvalidInput(f"{axis} has no level {baseline!r}; it has {', '.join(levels)}.")
        keys = [key for key in by if key != axis]
        asked = ["utt_id", "channel", *(a for a in axes if a != axis)]
        pair, question = groups.numbered(frame, [*asked, "repeat"]), groups.numbered(frame, asked)
        if (twice := pd.DataFrame({"pair": pair, "level": frame[axis]}).duplicated()).any():
            raise InvalidInput(
                f"{int(twice.sum())} answers stand twice: they agree in utt_id, channel, repeat and all axes "
                f"({', '.join(axes)}). Number the repeats, or drop the copies."
            )
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
                if either.any() or not keys:
                    labels = tuple(frame[key].iloc[at] if key in keys else pd.NA for key in by)
                    left_out = int(either.sum() - both.sum())
                    of_pair = question[base[both]]
                    rows.append(_Row(labels, axis, level, baseline, arm[both], base[both], of_pair, left_out))
    return rows


def _looked_at(answers: _Answers, row: _Row, *, errors_are_wording: bool, level: float, seed: int) -> dict[str, Any]:
    """Count what changed, and test it."""
    frame = answers.frame.take(row.base)
    utterance, passes = (pd.factorize(frame[name])[0].astype(np.int64) for name in ("utt_id", "repeat"))
    question = pd.factorize(row.question)[0].astype(np.int64)

    def shares(codes: Codes) -> tuple[float, float, float, float]:
        arm, base = codes[row.arm], codes[row.base]
        contrast, within, pairs = repeat_contrast(arm, base, question, passes, utterance)
        floor = float(within.sum() / pairs.sum()) if pairs.sum() else np.nan
        changed = float((arm != base).mean()) if len(arm) else np.nan
        return changed, floor, swap_test(contrast, seed), upper_end(contrast, pairs, level)

    def direction(name: str) -> float:
        differ = answers.values[name][row.arm] - answers.values[name][row.base]
        known = ~np.isnan(differ)
        if not differ[known].any():
            return np.nan
        block = groups.combined([utterance[known], passes[known]])
        contributions = np.bincount(block, weights=differ[known]).astype(np.float64)
        return sign_flip(contributions, resamples=RESAMPLES, seed=seed).p

    changed, floor, p, beyond = shares(answers.text)
    wording, floor_wording, p_wording, _ = shares(answers.wording)
    in_text = [p, direction("length"), direction("digits")]
    in_words = [p_wording, direction("length of wording"), direction("latin letters")]
    (in_words if errors_are_wording else in_text).append(direction("errors"))
    differ = answers.values["errors"][row.arm] - answers.values["errors"][row.base]
    return {
        "axis": row.axis,
        "level": row.level,
        "baseline": row.baseline,
        "changed": changed,
        "in_wording": wording,
        "in_form": changed - wording,
        "floor": floor,
        "floor_wording": floor_wording,
        "p": _least([*in_text, *in_words]),
        "p_wording": _least(in_words),
        "beyond": beyond,
        "n_utts": int(utterance.max(initial=-1)) + 1,
        "n_pairs": len(row.arm),
        "n_repeats": int(passes.max(initial=-1)) + 1,
        "n_left_out": row.left_out,
        "better": int((differ < 0).sum()),
        "worse": int((differ > 0).sum()),
        "seed": seed,
        "said": _said(answers.frame.take(row.arm), row.axis),
    }


def _least(p: list[float]) -> float:
    """Give the least of Holm's corrected p; NaN where nothing could be tested."""
    adjusted = holm(p)
    return float(np.nanmin(adjusted)) if not np.isnan(adjusted).all() else np.nan


def _said(answers: pd.DataFrame, axis: str) -> list[str]:
    """Say what the engine says of the parameter."""
    deaf = answers["unsupported"].fillna("").str.split(",").map(lambda names: axis in {name.strip() for name in names})
    return [f"The engine says that it did not obey {axis} in {int(deaf.sum())} answers."] if deaf.any() else []


def _verdict(row: Mapping[str, Any], alpha: float) -> tuple[str, str]:
    if not row["n_pairs"]:
        return CANNOT_TELL, "No utterance was answered under both levels."
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
        if row["in_wording"] == 0 or repeated:
            return IN_FORM, f"{seen} ({_p(row['p'])}; in wording {_p(row['p_wording'])})."
        return ACTS, f"{seen}, so whether wording changes by it is not known ({_p(row['p'])})."
    return _nothing_shown(row, seen, alpha, repeated=repeated)


def _nothing_shown(row: Mapping[str, Any], seen: str, alpha: float, *, repeated: bool) -> tuple[str, str]:
    if row["changed"] == 0:
        # If so large a share of utterances changed, none of n would be seen with a chance of alpha.
        n, most = row["n_utts"], 1 - alpha ** (1 / row["n_utts"])
        if most > _MISSED:
            return (
                CANNOT_TELL,
                f"Too few utterances: none of {n} changed, but {_percent(most)} of such might all the same.",
            )
        return (
            NOTHING,
            f"No letter differs in {row['n_pairs']} pairs. A change in {_percent(most)} of utterances would show.",
        )
    if not repeated:
        return CANNOT_TELL, f"{seen}. Ask with repeats=2 to tell the setting from what the service does by itself."
    if row["floor"] > 0 and row["beyond"] <= _BEYOND:
        return NOTHING, f"{seen}: to within {_percent(max(row['beyond'], 0.0))} what the service does by itself."
    return CANNOT_TELL, f"Too few utterances or repeats: {seen} ({_p(row['p'])})."


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _p(p: float) -> str:
    return "no p" if np.isnan(p) else "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
