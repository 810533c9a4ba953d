"""Comparisons: differences between settings on the same utterances, and whether they are real."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from asrlab import groups
from asrlab.errors import InvalidInput
from asrlab.executors import check_executor
from asrlab.stats import agreement, classical, mapsswe
from asrlab.stats.arguments import between, common, one_of
from asrlab.stats.blocks import FEWEST_BLOCKS, SPEAKERS_MAY_REPEAT, blocks_of, sums
from asrlab.stats.contrasts import Contrasts, Tested, contrasts, signs_flipped, with_correction
from asrlab.stats.corrections import check_correction
from asrlab.stats.pairing import edits_of_pairs, pair_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from asrlab.coded import Scores
    from asrlab.executors import Where
    from asrlab.stats.blocks import Blocks, Floats
    from asrlab.stats.intervals import Intervals
    from asrlab.stats.pairing import Pairs

#: By name: what the table calls them, and whether they need a margin. "{}" is what is taken as independent.
TESTS: Final = {
    "sign-flip": "sign-flip by {}",
    "t": "t by {}",
    "wilcoxon": "Wilcoxon signed-rank by {}",
    "mapsswe": "MAPSSWE by segment",
    "mcnemar": "exact McNemar by utterance",
    "equivalence": "equivalence, two one-sided t by {}",
    "non-inferiority": "non-inferiority, one-sided t by {}",
}
#: Tests that would take repeats of an utterance for other utterances.
_ONCE_EACH: Final = ("mapsswe", "mcnemar")
#: From so many units and so large a share of all differences, one answer may decide the comparison.
_LOOP_UNITS: Final = 10
_LOOP_SHARE: Final = 0.25
#: A margin in points and not as a share would be no smaller.
_LARGE: Final = 0.1
_WITH_MARGIN: Final = ("equivalence", "non-inferiority")
#: Tests that ask something else than the interval does, and what they take for granted.
_ASSUMED: Final = {
    "wilcoxon": "each speaker counts alike, however much was said",
    "mapsswe": "segments taken as independent: too sure where speakers react differently",
    "mcnemar": "asks whether as many sentences have an error; utterances taken as independent",
}


def compare(
    scores: Scores,
    along: str,
    baseline: object = None,
    *,
    by: str | Sequence[str] | None = None,
    test: str = "sign-flip",
    margin: float | None = None,
    correction: str = "holm",
    level: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
    edits: pd.DataFrame | None = None,
    dataset: groups.Facts | None = None,
    executor: Where = None,
) -> pd.DataFrame:
    """Compare each level of an axis with a baseline, or each with each, on the same utterances.

    Answers are paired on utterance, repeat, channel and all other axes. Along ``"condition"``, axes that the condition
    decides do not count as other ones.

    Parameters
    ----------
    scores : DataFrame, str or path
        A ``scores`` table, from :func:`asrlab.score`, or path or URL of one as Parquet; further columns are axes.
    along : str
        The axis, or ``"condition"``.
    baseline : str, optional
        Label of the level that all others are compared with. By default all pairs are compared, the later level
        against the earlier one.
    by : str or sequence of str, optional
        Columns that make a row, besides unit, form, normalizer and ties. By default all other axes; ``[]`` pools over
        them, paired within them all the same. With ``dataset`` also facts of its utterances: see :func:`asrlab.rates`.
    test : str
        What ``p`` is of; the interval is the ratio t interval by block whatever it is.

        - ``"sign-flip"``: swaps of the two settings within blocks (:func:`asrlab.stats.sign_flips.sign_flip`).
        - ``"t"``: the ratio t by block, to which the interval belongs.
        - ``"wilcoxon"``: signed ranks of the blocks' differences (:func:`asrlab.stats.classical.wilcoxon`).
        - ``"mapsswe"``: NIST's matched pairs sentence-segment word error test (:mod:`asrlab.stats.mapsswe`), of the
          ``edits``. It takes segments as independent: where speakers react differently to a setting it finds
          differences that are not there.
        - ``"mcnemar"``: exact, on sentences with and without an error.
        - ``"equivalence"``: small p: the difference lies within ``margin``, either way (two one-sided t tests).
        - ``"non-inferiority"``: small p: the setting is not worse by ``margin`` or more.
    margin : float, optional
        Difference that would not matter, a share: 0.005 is half a point. For the last two tests.
    correction : {"holm", "max-t", "benjamini-hochberg", "none"}
        How ``p_adjusted`` allows for all the rows of the table. ``"max-t"`` (of sign-flips) finds more than Holm where
        rows are many and alike. ``"benjamini-hochberg"`` is for exploring: of what it finds, up to one in twenty is
        false on average.
        For a family of several tables: :func:`asrlab.adjust`.
    level : float
        Confidence level of the intervals.
    resamples, seed : int
        Of the random swaps, where there are more than 14 blocks.
    edits : DataFrame, optional
        The edits of the same answers, from :func:`asrlab.edits` with the same options: for MAPSSWE.
    dataset : Dataset or DataFrame, optional
        Knows the utterances: for ``by``.
    executor : Executor, distributed.Client or None
        Where random swaps are made, if they are much work: see :func:`asrlab.score`. The table is the same wherever.

    Returns
    -------
    DataFrame
        The by-columns, then the columns of a ``comparison`` table; one row a group and level other than the baseline.
        ``delta`` is the difference of the pooled rates. With fewer than six speakers or recordings the utterances are
        the blocks, no test by block is made of fewer than six of those either, and ``note`` says what that is worth. An
        answer whose partner failed is unpaired, unless it was marked as all-deleted: ``note`` says how many are.

        ``repeat_noise`` and ``changed_floor`` are known from repeats: what the service does when merely asked again
        (:func:`asrlab.agreement`). ``detectable`` is what could have been seen.

        What is tested is whether the settings could be swapped. A setting that now and then falls into a loop, with
        hundreds of words too many, is not like another one with the same rate on average, and few speakers may show
        either as the better; ``note`` says where one answer makes a quarter of all that differs.

    Raises
    ------
    InvalidInput
        If there is no such axis, level, column, test or correction, a margin or edits are missing, answers have no
        level (``<NA>``) or stand twice, or nothing can be paired.
    """
    _check_choice(test, margin, correction, edits)
    common(level, resamples, seed)
    check_executor(executor)
    also = ("heard", "alternative", "wording") if edits is not None else ("heard",)
    pairs = pair_up(scores, along, baseline, by=by, dataset=dataset, also=also)
    marked, kinds = pairs.marked, pairs.labels["block_kind"]
    block, utterance = groups.in_order(marked["block"]), groups.in_order(marked["utt_id"])
    parts = blocks_of(block[pairs.arm], utterance[pairs.arm], pairs.row, kinds)
    errors, lengths = (pairs.sides(marked[name].to_numpy(np.float64)) for name in ("errors", "ref_len"))
    sums_of = [np.stack([sums(parts.number, side) for side in sides]) for sides in (errors, lengths)]
    difference = contrasts(np.array([[1.0, -1.0]]), sums_of[0], sums_of[1], parts, level)
    if test in _ONCE_EACH:
        _refuse_repeats(pairs, test)
    facts = _counted(pairs, errors)
    if margin is not None and margin >= max(_LARGE, np.nanmax(difference.rates, initial=0.0)):
        raise InvalidInput(
            f"margin={margin:g} is {100 * margin:g} points, as much as the whole error rate. It is a share: half a "
            "point is 0.005."
        )
    if test == "sign-flip":
        tested = signs_flipped(difference, parts.kind, resamples=resamples, seed=seed, executor=executor)
    elif edits is not None:
        tested = _mapsswe(pairs, edits, difference)
    else:
        tested = _classical(test, difference, parts, sums_of, facts, margin=margin or 0.0)
    columns = {
        "axis": along,
        "level": pairs.level,
        "baseline": pairs.baseline,
        "rate": difference.rates[0],
        "baseline_rate": difference.rates[1],
        "delta": difference.interval.estimate,
        "low": difference.interval.low,
        "high": difference.interval.high,
        "confidence": level,
        **tested.columns(),
        "n_units": np.rint(difference.units),
        "margin": margin if test in _WITH_MARGIN else pd.NA,
        **_repeated(pairs, errors, lengths),
        "block_kind": parts.kind,
        "n_blocks": parts.counted(),
        "n_pairs": facts["pairs"],
        "n_unpaired": pairs.answers - 2 * facts["pairs"],
        **{name: facts[name] for name in ("better", "worse", "tied")},
        "note": _notes(parts, facts, difference.interval, test, tested.tried),
    }
    table = groups.labelled(pairs.labels, pairs.keys, columns, "comparison")
    return with_correction(table, correction, difference, tested, resamples=resamples, seed=seed, executor=executor)


def _check_choice(test: str, margin: float | None, correction: str, edits: pd.DataFrame | None) -> None:
    check_correction(correction)
    one_of("test", test, TESTS)
    if correction == "max-t" and test != "sign-flip":
        raise InvalidInput(f'correction="max-t" is made of sign-flips; with test="{test}" use correction="holm".')
    if test in _WITH_MARGIN and margin is None:
        raise InvalidInput(
            f'test="{test}" needs margin=, the difference that would not matter, as a share: margin=0.005 for half a '
            "point. Choose it before looking."
        )
    if margin is not None and test not in _WITH_MARGIN:
        raise InvalidInput(f'margin= is for test="equivalence" and test="non-inferiority"; this test is {test!r}.')
    if margin is not None:
        between("margin", margin, 1e-9, 1, "a share, such as 0.005 for half a point")
    if (test == "mapsswe") != (edits is not None):
        raise InvalidInput(
            'test="mapsswe" needs the places of the errors: edits=lab.edits(...), with the options of score().'
            if edits is None
            else f'edits= are for test="mapsswe"; this test is {test!r}.'
        )


def _refuse_repeats(pairs: Pairs, test: str) -> None:
    """Refuse pairs of one utterance that such a test would take for several utterances."""
    asked = pairs.marked.iloc[pairs.arm][["utt_id", "channel"]].assign(row=pairs.row)
    if (again := asked.duplicated()).any():
        raise InvalidInput(
            f'test="{test}" takes every pair as independent, and {int(again.sum())} are of an utterance that is there '
            f"already ({', '.join(asked.loc[again, 'utt_id'].unique()[:5])}), by repeats or by axes that are pooled: p "
            "would be too small. Keep one repeat, scores[scores['repeat'] == 0], and name the axes in by=, or use a "
            "test by block."
        )


def _counted(pairs: Pairs, errors: list[Floats]) -> dict[str, Any]:
    """Count the pairs of each row, and which of the two has fewer errors."""
    n, row = len(pairs.labels), pairs.row
    way = np.sign(errors[0] - errors[1])
    better, tied, worse = (np.bincount(row[way == sign], minlength=n) for sign in (-1, 0, 1))
    wrong = [some > 0 for some in errors]
    size = np.abs(errors[0] - errors[1])
    largest = np.zeros(n)
    np.maximum.at(largest, row, size)
    silent = sum(pairs.sides((pairs.marked["state"] != "answered").to_numpy(np.int64)))
    return {
        "pairs": np.bincount(row, minlength=n),
        "better": better,
        "worse": worse,
        "tied": tied,
        "largest": np.where(largest < _LOOP_UNITS, 0.0, largest / np.maximum(sums(row, size, n), 1)),
        "lost": np.bincount(row, weights=silent, minlength=n).astype(np.int64),
        "discordant": [np.bincount(row[wrong[k] & ~wrong[1 - k]], minlength=n) for k in (0, 1)],
    }


def _classical(
    test: str, difference: Contrasts, parts: Blocks, sums_of: list[Floats], facts: dict[str, Any], *, margin: float
) -> Tested:
    n_blocks, interval = parts.counted(), difference.interval
    enough = n_blocks >= FEWEST_BLOCKS
    smallest: Floats = np.full(len(parts.kind), np.nan)
    estimated = (interval.estimate, interval.standard_error, n_blocks)
    if test == "wilcoxon":
        rates = sums_of[0] / np.where(sums_of[1] == 0, np.nan, sums_of[1])
        differences = rates[0] - rates[1]
        found = classical.wilcoxon(differences, group=parts.group, n_groups=len(parts.kind))
        # Blocks that do not differ are dropped.
        counted = np.bincount(parts.group[np.abs(differences) > 0], minlength=len(parts.kind))
        smallest = np.minimum(np.exp2(1.0 - counted), 1.0)
    elif test == "mcnemar":
        found = classical.mcnemar(*facts["discordant"])
        smallest = np.minimum(np.exp2(1.0 - sum(facts["discordant"])), 1.0)
        enough = ~np.isnan(interval.estimate)
    elif test == "t":
        found = classical.t_test(*estimated)
    else:
        within = classical.equivalence if test == "equivalence" else classical.non_inferiority
        found = within(*estimated, margin)
    names = np.array([TESTS[test].format(kind) for kind in parts.kind], dtype=object)
    return Tested.where(enough, names, found.statistic, found.p, smallest)


def _mapsswe(pairs: Pairs, edits: pd.DataFrame, difference: Contrasts) -> Tested:
    n = len(pairs.labels)
    segments = mapsswe.segments(*edits_of_pairs(pairs, edits))
    found = mapsswe.z_test(segments.difference, group=pairs.row[segments.pair], n_groups=n)
    names = np.full(n, TESTS["mapsswe"], dtype=object)
    return Tested.where(~np.isnan(difference.interval.estimate), names, found.statistic, found.p, np.full(n, np.nan))


def _repeated(pairs: Pairs, errors: list[Floats], lengths: list[Floats]) -> dict[str, Any]:
    """Hold the differences against what the service does when it is merely asked again."""
    n, row, nothing = len(pairs.labels), pairs.row, np.full(len(pairs.labels), np.nan)
    heard = pairs.sides(groups.in_appearance(pairs.marked["heard"]))
    known = (heard[0] >= 0) | (heard[1] >= 0)  # an answer to one alone is another than none
    both_known = np.bincount(row[known], minlength=n)
    changed = np.bincount(row[known & (heard[0] != heard[1])], minlength=n)
    found = {"repeat_noise": nothing, "changed": changed / np.where(both_known == 0, np.nan, both_known)}
    if pairs.marked["repeat"].nunique() < 2:
        return {**found, "changed_floor": nothing}
    same, repeated, variance = np.zeros(n), np.zeros(n), np.zeros(n)
    for question, text, wrong, units in zip(pairs.sides(pairs.question), heard, errors, lengths, strict=True):
        alike, both = agreement.same_share(row, question, text, n)
        same, repeated = same + alike, repeated + both
        total = np.bincount(row, weights=units, minlength=n)
        variance = (
            variance + agreement.repeat_variance(row, question, wrong, n) / np.where(total == 0, np.nan, total) ** 2
        )
    floor = (repeated - same) / np.where(repeated == 0, np.nan, repeated)
    return {**found, "repeat_noise": np.sqrt(variance), "changed_floor": floor}


def _notes(
    parts: Blocks, facts: dict[str, Any], interval: Intervals, test: str, tried: NDArray[np.bool]
) -> list[object]:
    """Say of each row what to keep in mind."""
    notes: list[object] = []
    for k, n_blocks in enumerate(parts.counted().tolist()):
        said = [parts.caution[k]] if parts.caution[k] and facts["pairs"][k] else []
        if tried[k] and test in _ASSUMED:
            said = [*(words for words in said if words != SPEAKERS_MAY_REPEAT), _ASSUMED[test]]
        if facts["largest"][k] >= _LOOP_SHARE:
            share = f"{100 * facts['largest'][k]:.0f} %"
            said.append(f"one answer makes {share} of all that differs: look at it, it may be a loop")
        if facts["lost"][k]:
            said.append(f"{facts['lost'][k]} of the answers never came and count as all-deleted")
        if not facts["pairs"][k]:
            said.append("no answers to pair")
        elif np.isnan(interval.estimate[k]):
            said.append("no reference units: no rate")
        elif not tried[k] and n_blocks < FEWEST_BLOCKS:
            said.append(f"too few utterances ({n_blocks}) for a test")
        elif not tried[k] and not np.isnan(interval.low[k]):
            said.append("no spread to test by")
        if not np.isnan(interval.estimate[k]) and np.isnan(interval.low[k]):
            alike = "no pair differs in errors" if facts["tied"][k] == facts["pairs"][k] else "all blocks differ alike"
            said.append(f"{'one block' if n_blocks < 2 else alike}: no interval")
        notes.append("; ".join(said) or pd.NA)
    return notes
