"""Simulation study: do tests, intervals, corrections and plans keep what they promise where the truth is known.

Experiments are drawn from worlds made after published transcripts (worlds.py). The truth is the expected value of the
world itself, never an estimate from the same draws. Each figure is a share of simulated experiments, with its binomial
standard error.

Run: python benchmarks/simulations.py [--small] [tests intervals families power]
All of it takes some minutes on one core, and writes simulations.md beside this file; --small and parts only print.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from scipy.special import stdtrit
from scipy.stats import binomtest
from worlds import HARSH, LIBRISPEECH, Drawn, World, draw, drawn_in_parts, scores

import asrlab as lab
from asrlab.stats.classical import t_test, wilcoxon
from asrlab.stats.corrections import holm
from asrlab.stats.intervals import bootstrap_intervals, influence, ratio_intervals
from asrlab.stats.mapsswe import segments, z_test
from asrlab.stats.tests import max_t, sign_flips

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from asrlab.stats.contrasts import Contrasts

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

#: Of all random numbers, written down before the first look at any figure, and never changed since. A small run takes
#: another, so that trying out the program is no look.
SEED = 20261127
SMALL_SEED = 1
RESULTS = Path(__file__).with_suffix(".md")
DIFFERENCE = np.array([[1.0, -1.0]])


# --- figures


Row: TypeAlias = tuple[str, str, int, float, float]


def figures(rows: list[Row]) -> pd.DataFrame:
    """Make a table of shares: of which case, of what, of how many experiments, and with what standard error."""
    return pd.DataFrame(rows, columns=["case", "what", "n", "share", "se"])


def figure(case: str, what: str, hit: NDArray[np.bool]) -> Row:
    share = float(hit.mean())
    return case, what, hit.size, share, float(np.sqrt(share * (1 - share) / hit.size))


def rng_of(seed: int, *of: int) -> np.random.Generator:
    return np.random.default_rng([seed, *of])


# --- tests: how often one that should not find anything does


def by_speaker(drawn: Drawn) -> dict[str, NDArray[np.bool]]:
    """Test the difference of the first two cells by speaker, in each experiment: whether p <= 0.05."""
    errors, lengths = drawn.sums()
    parts, n = drawn.parts(), drawn.experiments
    found = drawn.contrasts(DIFFERENCE)
    interval = found.interval
    p = {
        "sign-flip by speaker (default)": sign_flips(
            found.contributions, group=found.row, block=found.block, n_groups=n
        ).p,
        "ratio t by speaker": t_test(interval.estimate, interval.standard_error, np.full(n, drawn.speakers)).p,
        "Wilcoxon signed-rank by speaker": wilcoxon((errors[0] - errors[1]) / lengths, group=parts.group, n_groups=n).p,
    }
    # Both settings are marked against the same words, so that the difference is a ratio of sums too.
    low, high = bootstrap_intervals(errors[0] - errors[1], lengths, group=parts.group, n_groups=n, resamples=1999)[1:]
    rejected = {name: values <= 0.05 for name, values in p.items()}
    return {**rejected, "percentile bootstrap by speaker": (low > 0) | (high < 0)}


def by_utterance(drawn: Drawn, rng: np.random.Generator) -> dict[str, NDArray[np.bool]]:
    """Test it as if utterances were independent."""
    experiment, n = drawn.block // drawn.speakers, drawn.experiments
    d = drawn.own[0] - drawn.own[1]
    found = z_test(d, group=experiment, n_groups=n)
    return {
        "matched pairs z by utterance": found.p <= 0.05,
        "MAPSSWE by segment": mapsswe_p(drawn, rng) <= 0.05,
    }


def mapsswe_p(drawn: Drawn, rng: np.random.Generator) -> Floats:
    """Put the errors of an utterance in a row somewhere in it, shared ones at the same place, and test by segment."""
    unit = np.arange(len(drawn.lengths))
    common, first, second = (
        np.repeat(unit, some.astype(np.int64)) for some in (drawn.shared, drawn.own[0], drawn.own[1])
    )
    words = drawn.lengths.astype(np.int64)
    places = []
    for of in (common, first, second):
        start = np.floor(rng.random(len(unit)) * words).astype(np.int64)
        in_row = np.arange(len(of)) - np.searchsorted(of, of)
        places.append((start[of] + in_row) % words[of])
    pair = np.concatenate([common, first, common, second])
    place = np.concatenate([places[0], places[1], places[0], places[2]])
    of_baseline = np.arange(len(pair)) >= len(common) + len(first)
    cut = segments(pair, place, np.zeros(len(pair), np.bool), of_baseline, words)
    experiment = (drawn.block // drawn.speakers)[cut.pair]
    return z_test(cut.difference, group=experiment, n_groups=drawn.experiments).p


def flipped_by_utterance(drawn: Drawn) -> NDArray[np.bool]:
    experiment, n = drawn.block // drawn.speakers, drawn.experiments
    first = np.flatnonzero(np.diff(experiment, prepend=-1))
    d, number = drawn.own[0] - drawn.own[1], np.arange(len(experiment)) - first[experiment]
    return sign_flips(d, group=experiment, block=number, n_groups=n, resamples=999).p <= 0.05


#: Name -> world, and utterances of all speakers; else each has those of the world.
_NULLS = {
    "as LibriSpeech, 2,600 utterances": (LIBRISPEECH, 2600),
    "the same, no interaction": (replace(LIBRISPEECH, interaction=0.0), 2600),
    "as LibriSpeech, 65 utterances each": (LIBRISPEECH, None),
}


def study_tests(n: int, seed: int = SEED) -> pd.DataFrame:
    """Type I error at 5 %: two settings of the same true rate."""
    rows = []
    for number, (name, (world, total)) in enumerate(_NULLS.items()):
        for speakers in (10, 24):
            rng = rng_of(seed, 1, number, speakers)
            here = world if total is None else replace(world, utterances=total / speakers)
            hits: dict[str, list[NDArray[np.bool]]] = {}
            for drawn in drawn_in_parts(here, [here.rate] * 2, n, speakers, rng, by_utterance=True):
                for what, hit in (by_speaker(drawn) | by_utterance(drawn, rng)).items():
                    hits.setdefault(what, []).append(hit)
            few = draw(here, [here.rate] * 2, max(n // 8, 1), speakers, rng, by_utterance=True)
            hits["sign-flip by utterance"] = [flipped_by_utterance(few)]
            rows += [figure(f"{name}; {speakers} speakers", what, np.concatenate(hit)) for what, hit in hits.items()]
    # The settings are not exchangeable: only one of them suits some speakers better than others.
    lopsided = replace(LIBRISPEECH, interaction=LIBRISPEECH.interaction * np.sqrt(2))
    for name, world, tastes in (
        ("only one setting has tastes", lopsided, [[0, -1]]),
        ("harsher world", HARSH, None),
    ):
        for speakers in (10, 24):
            drawn = draw(world, [world.rate] * 2, n, speakers, rng_of(seed, 2, len(name), speakers), tastes=tastes)
            rows += [figure(f"{name}; {speakers} speakers", what, hit) for what, hit in by_speaker(drawn).items()]
    table = scores(draw(LIBRISPEECH, [0.03] * 2, n, 24, rng_of(seed, 3)), setting=["a", "b"])
    found = lab.compare(table, "setting", "a", by="simulation", correction="none")
    rows.append(
        figure(
            "as LibriSpeech, 65 utterances each; 24 speakers",
            "compare() on a table",
            (found["p"] <= 0.05).to_numpy(bool),
        )
    )
    return figures(rows)


# --- intervals: how often one of 95 % has the truth in it

#: Cells of grids, the last axis changing first; they differ by main effects and an interaction.
_TWO_BY_TWO = np.array([0.0300, 0.0285, 0.0270, 0.0240])
_TWO_BY_THREE = np.array([0.0300, 0.0285, 0.0315, 0.0270, 0.0240, 0.0300])


def weights(*along: Sequence[float]) -> Floats:
    """Give the weights of the cells of a grid in an effect, from those of the levels of each axis."""
    return reduce(np.kron, [np.array(some, dtype=np.float64) for some in along])


#: A fifth of the rate, so that speakers with many errors make it skewed.
_FIFTH = "difference of a fifth"

#: Name -> weights, of effects against the first level.
EFFECTS = {
    "2 x 2": {"main effect": weights([-1, 1], [0.5, 0.5]), "interaction": weights([-1, 1], [-1, 1])},
    "2 x 3": {
        "main effect": weights([0.5, 0.5], [-1, 0, 1]),
        "interaction": weights([-1, 1], [-1, 0, 1]),
    },
}


def plain(drawn: Drawn, coefficients: Floats) -> tuple[Floats, Floats]:
    """Give linearised intervals of contrasts of rates, the usual textbook way: what was given up."""
    errors, lengths = drawn.sums()
    parts, n, g = drawn.parts(), drawn.experiments, drawn.speakers
    cells = [influence(some, lengths, group=parts.group, n_groups=n) for some in errors]
    estimate = coefficients @ np.stack([cell.rate for cell in cells])
    residual = coefficients @ np.stack([cell.residual for cell in cells])
    half = stdtrit(g - 1, 0.975) * np.sqrt(g / (g - 1) * np.bincount(parts.group, residual**2, n))
    return estimate - half, estimate + half


def within(low: Floats, high: Floats, truth: float) -> NDArray[np.bool]:
    """Say where the truth is in the interval; an interval that is not known has it not."""
    return (low <= truth) & (truth <= high)


def covered(drawn: Drawn, rates: Floats, grid: str) -> dict[str, NDArray[np.bool]]:
    """Say for each interval of each experiment whether the truth is in it."""
    found = {}
    asked = EFFECTS[grid]
    if grid == "2 x 2":
        errors, lengths = drawn.sums()
        interval = ratio_intervals(errors[0], lengths, group=drawn.parts().group, n_groups=drawn.experiments)
        found["rate: ratio t"] = within(interval.low, interval.high, rates[0])
        found["rate: plain, given up"] = within(*plain(drawn, np.eye(len(rates))[0]), rates[0])
        asked = {"difference of a tenth": np.array([-1.0, 0, 1, 0]), _FIFTH: np.array([-1.0, 0, 0, 1])} | asked
    else:
        asked = {"no difference": np.array([-1.0, 0, 0, 0, 0, 1])} | asked
    interval = drawn.contrasts(np.stack(list(asked.values()))).interval
    low, high = (end.reshape(-1, len(asked)) for end in (interval.low, interval.high))
    for k, (name, row) in enumerate(asked.items()):
        what = name if "difference" in name else f"{name} of {grid}"
        found[f"{what}: ratio t"] = within(low[:, k], high[:, k], row @ rates)
        found[f"{what}: plain, given up"] = within(*plain(drawn, row), row @ rates)
    return found


def study_intervals(n: int, seed: int = SEED, blocks: Sequence[int] = (10, 20, 50, 200)) -> pd.DataFrame:
    """Coverage of 95 % intervals of rates, differences and effects."""
    rows = []
    for number, (name, world) in enumerate({"as LibriSpeech": LIBRISPEECH, "harsher world": HARSH}.items()):
        for speakers in blocks:
            case, hits = f"{name}; {speakers} speakers", {}
            for grid, rates in (("2 x 2", _TWO_BY_TWO), ("2 x 3", _TWO_BY_THREE)):
                rng = rng_of(seed, 4, number, speakers, len(rates))
                for drawn in drawn_in_parts(world, rates.tolist(), n, speakers, rng):
                    for what, hit in covered(drawn, rates, grid).items():
                        hits.setdefault(what, []).append(hit)
            rng = rng_of(seed, 5, number, speakers)
            for drawn in drawn_in_parts(world, [world.rate], max(n // 5, 1), speakers, rng):
                errors, lengths = drawn.sums()
                options = {"group": drawn.parts().group, "n_groups": drawn.experiments, "resamples": 1999}
                low, high = bootstrap_intervals(errors[0], lengths, **options)[1:]
                hits.setdefault("rate: bootstrap by speaker", []).append(within(low, high, world.rate))
            rows += [figure(case, what, np.concatenate(hit)) for what, hit in hits.items()]
    return figures([*rows, *on_tables(max(n // 5, 1), seed)])


def on_tables(n: int, seed: int) -> list[Row]:
    """Ask the public functions for the same, of tables with a row an answer."""
    case = "as LibriSpeech; 20 speakers"
    drawn = draw(LIBRISPEECH, _TWO_BY_TWO.tolist(), n, 20, rng_of(seed, 6))
    table = scores(drawn, context=["no", "no", "yes", "yes"], itn=["off", "on", "off", "on"])
    summary = lab.summarize(table, by=["simulation", "context", "itn"])
    first = summary[(summary["context"] == "no") & (summary["itn"] == "off")]
    difference = lab.compare(table[table["itn"] == "on"], "context", "no", by="simulation", resamples=99)
    effects = lab.effects(table, ["context", "itn"], by="simulation", resamples=99)
    main, both = (
        effects[(effects["effect"] == kind) & (effects["axis"] == "context")] for kind in ("main", "interaction")
    )
    truth = EFFECTS["2 x 2"]
    return [
        figure(case, f"{what} on a table", within(found["low"].to_numpy(float), found["high"].to_numpy(float), true))
        for what, found, true in (
            ("rate: summarize()", first, _TWO_BY_TWO[0]),
            ("difference: compare()", difference, _TWO_BY_TWO[3] - _TWO_BY_TWO[1]),
            ("main effect: effects()", main, truth["main effect"] @ _TWO_BY_TWO),
            ("interaction: effects()", both, truth["interaction"] @ _TWO_BY_TWO),
        )
    ]


# --- families: how often any of many settings that do not differ is a "winner"

BASELINE = np.array([[-1.0 if k == 0 else float(k == row) for k in range(12)] for row in range(1, 12)])
PAIRS = np.array(
    [[float(k == late) - float(k == early) for k in range(12)] for early in range(12) for late in range(early + 1, 12)]
)


def grid_effects() -> tuple[Floats, NDArray[np.bool]]:
    """Give the weights of all main effects and interactions of a 2 x 2 x 3 grid, and which are interactions."""
    mean, against = ([0.5, 0.5], [0.5, 0.5], [1 / 3] * 3), ([[-1, 1]], [[-1, 1]], [[-1, 1, 0], [-1, 0, 1]])
    axes = [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]
    rows = [
        (len(own) > 1, weights(*(level if axis in own else mean[axis] for axis, level in enumerate(levels))))
        for own in axes
        for levels in np.array(
            np.meshgrid(*(range(len(against[axis])) if axis in own else [0] for axis in range(3)), indexing="ij")
        )
        .reshape(3, -1)
        .T.tolist()
        for levels in [[against[axis][k] for axis, k in enumerate(levels)]]
    ]
    return np.stack([row for _, row in rows]), np.array([several for several, _ in rows])


def family(found: Contrasts, experiments: int) -> dict[str, Floats]:
    """Correct the p of each experiment for all its rows: adjusted p, shape (experiments, rows)."""
    rows = len(found.interval.estimate) // experiments
    blocks = np.bincount(found.row)
    t = t_test(found.interval.estimate, found.interval.standard_error, blocks).p
    # Only rows that a correction could let through are worth the swaps; the others count as tests all the same.
    near = t <= 0.3 if rows < 20 else t <= 0.05
    kept = near[found.row]
    number = (np.cumsum(near) - 1)[found.row[kept]]
    p = np.where(near, 0.0, 1.0)
    p[near] = sign_flips(found.contributions[kept], group=number, block=found.block[kept], n_groups=int(near.sum())).p
    p = p.reshape(experiments, rows)
    size = len(found.row) // experiments
    together = [
        max_t(
            found.contributions[at : at + size],
            found.shares[at : at + size],
            group=found.row[at : at + size] - found.row[at],
            block=found.block[at : at + size],
            n_groups=rows,
            resamples=999,
        )
        for at in range(0, len(found.row), size)
    ]
    return {"uncorrected": p, "Holm": np.stack([holm(some) for some in p]), "max-T": np.stack(together)}


def study_families(n: int, seed: int = SEED) -> pd.DataFrame:
    """False winners among 12 settings that do not differ, and false effects in a grid."""
    hits: dict[tuple[str, str], list[NDArray[np.bool]]] = {}

    def note(case: str, what: str, hit: NDArray[np.bool]) -> None:
        hits.setdefault((case, what), []).append(hit)

    world = LIBRISPEECH
    for drawn in drawn_in_parts(world, [world.rate] * 12, n, 24, rng_of(seed, 7)):
        many = drawn.experiments
        for case, coefficients in (("11 against a baseline", BASELINE), ("all 66 pairs", PAIRS)):
            found = drawn.contrasts(coefficients)
            for name, p in family(found, many).items():
                note(case, f"any found, {name}", (p <= 0.05).any(axis=1))
        rates = found.rates
        one = drawn.contrasts(BASELINE)
        p = t_test(one.interval.estimate, one.interval.standard_error, np.full(many * 11, 24)).p.reshape(many, 11)
        each = np.arange(many)
        lowest = rates.argmin(axis=0)
        rest = drawn.contrasts(np.eye(12) * 12 / 11 - 1 / 11).interval
        of_rest = t_test(rest.estimate, rest.standard_error, np.full(many * 12, 24)).p.reshape(many, 12)
        note(
            "11 against a baseline",
            "lowest of all tested against the mean of the others",
            of_rest[each, lowest] <= 0.05,
        )
        chosen = np.where(lowest > 0, p[each, lowest - 1], 1.0)
        note("11 against a baseline", "lowest of all tested against the baseline", chosen <= 0.05)
        pair = {pair: k for k, pair in enumerate((a, b) for a in range(12) for b in range(a + 1, 12))}
        ends = zip(lowest.tolist(), rates.argmax(axis=0).tolist(), strict=True)
        of_ends = np.array([pair[min(two), max(two)] for two in ends])
        t = t_test(found.interval.estimate, found.interval.standard_error, np.full(many * 66, 24)).p.reshape(many, 66)
        note("all 66 pairs", "lowest of all tested against the highest", t[each, of_ends] <= 0.05)
    coefficients, several = grid_effects()
    cells = len(coefficients[0])
    for case, rates, tastes in (
        ("2 x 2 x 3 grid, no effect", [world.rate] * cells, None),
        (
            "2 x 2 x 3 grid, main effects only",
            (0.03 - 0.003 * np.repeat([0, 1], 6) + 0.002 * np.tile([0, 1, 2], 4)).tolist(),
            [np.repeat([0, 1], 6).tolist(), np.tile([0, 1, 2], 4).tolist(), list(range(cells))],
        ),
    ):
        null = several if "only" in case else np.ones_like(several)
        for drawn in drawn_in_parts(world, rates, n, 24, rng_of(seed, 8, len(case)), tastes=tastes):
            for name, p in family(drawn.contrasts(coefficients), drawn.experiments).items():
                what = f"any {'interaction ' if 'only' in case else ''}found, {name}"
                note(case, what, (p[:, null] <= 0.05).any(axis=1))
    rows = [figure(*of, np.concatenate(hit)) for of, hit in hits.items()]
    return figures([*rows, *families_on_tables(max(n // 16, 1), seed)])


def families_on_tables(n: int, seed: int) -> list[Row]:
    """Ask compare() and effects() for the same, one table an experiment."""
    found: dict[tuple[str, str], list[bool]] = {}
    for k in range(n):
        drawn = draw(LIBRISPEECH, [LIBRISPEECH.rate] * 12, 1, 24, rng_of(seed, 9, k))
        twelve = scores(drawn, setting=[f"{c:02}" for c in range(12)]).drop(columns="simulation")
        labels = [np.repeat(["a0", "a1"], 6), np.tile(np.repeat(["b0", "b1"], 3), 2), np.tile(["c0", "c1", "c2"], 4)]
        grid = scores(drawn, **dict(zip("abc", labels, strict=True))).drop(columns="simulation")
        for correction in ("holm", "max-t"):
            options = {"correction": correction, "resamples": 1999}
            for case, table in (
                ("11 against a baseline", lab.compare(twelve, "setting", "00", **options)),
                ("2 x 2 x 3 grid, no effect", lab.effects(grid, **options)),
            ):
                name = "compare()" if "baseline" in case else "effects()"
                hit = bool((table["p_adjusted"] <= 0.05).any())
                found.setdefault((case, f"any found, {name} with {correction}"), []).append(hit)
    return [figure(*of, np.array(hit)) for of, hit in found.items()]


# --- power: how often a difference that is there is found

#: Name -> world, true difference, and comparisons that are corrected for.
PLANS = {
    "rate 3 %, 0.3 points": (replace(LIBRISPEECH, interaction=0.1, utterances_spread=0.0), 0.003, 1),
    "rate 8 %, 1 point": (
        replace(LIBRISPEECH, rate=0.08, utterances=20, shared=0.6, utterances_spread=0.0),
        0.01,
        1,
    ),
    "rate 5 %, -0.5 points, 11 comparisons": (
        replace(LIBRISPEECH, rate=0.05, utterances=40, shared=0.7, interaction=0.1, utterances_spread=0.0),
        -0.005,
        11,
    ),
    "rate 10 %, 2 points, the same share of each speaker's errors": (
        replace(LIBRISPEECH, rate=0.1, utterances=10, shared=0.5, interaction=0.08, utterances_spread=0.0),
        0.02,
        1,
    ),
}


def times_found(
    world: World, delta: float, comparisons: int, *, speakers: int, n: int, rng: np.random.Generator
) -> NDArray[np.bool]:
    """Say in which of n new experiments the test finds the difference, with the right sign."""
    hits = []
    for drawn in drawn_in_parts(world, [world.rate + delta, world.rate], n, speakers, rng):
        found = drawn.contrasts(DIFFERENCE)
        tested = sign_flips(found.contributions, group=found.row, block=found.block, n_groups=drawn.experiments)
        hits.append((tested.p <= 0.05 / comparisons) & (tested.statistic * delta > 0))
    return np.concatenate(hits)


def planned(world: World, delta: float, comparisons: int, pilot: pd.DataFrame | None = None) -> pd.DataFrame:
    """Plan for 80 %: by what the world is known to be, or by a pilot."""
    if pilot is not None:
        options = {"pilot": pilot, "along": "setting", "baseline": "a", "simulations": 500}
    else:
        known = ("rate", "length", "shared", "overdispersion", "interaction")
        options = {name: getattr(world, name) for name in known}
    return lab.power(delta, **options, utterances=round(world.utterances), comparisons=comparisons)


def study_power(n: int, pilots: int, seed: int = SEED) -> pd.DataFrame:
    """Achieved power of plans for 80 %, and of differences that compare() calls detectable."""
    rows = []
    for number, (name, (world, delta, comparisons)) in enumerate(PLANS.items()):
        plan = planned(world, delta, comparisons)
        speakers = int(plan["speakers"].iloc[0])
        found = times_found(world, delta, comparisons, speakers=speakers, n=n, rng=rng_of(seed, 10, number))
        rows.append(figure(name, f"from assumptions: planned {float(plan['power'].iloc[0]):.3f}", found))
    for number, (name, (world, delta, comparisons)) in enumerate(list(PLANS.items())[:3]):
        rng = rng_of(seed, 11, number)
        hits, predicted = [], []
        fixed = int(planned(world, delta, comparisons)["speakers"].iloc[0])
        for _ in range(pilots):
            arm = world.rate + delta
            drawn = draw(world, [world.rate, arm], 1, 24, rng, by_utterance=True)
            pilot = scores(drawn, setting=["a", "b"]).drop(columns="simulation")
            plan = planned(world, delta, comparisons, pilot)
            speakers = plan["speakers"].iloc[0]
            hits.append(times_found(world, delta, comparisons, speakers=int(speakers), n=max(n // 10, 1), rng=rng))
            of_fixed = lab.power(
                delta, pilot, along="setting", baseline="a", speakers=fixed, comparisons=comparisons,
                utterances=round(world.utterances), simulations=500,
            )  # fmt: skip
            predicted.append(float(of_fixed["power"].iloc[0]))
        # Pilots differ by more than the luck of their experiments.
        sd = f"sd {100 * float(np.std(predicted, ddof=1)):.0f} among pilots"
        shares = {
            f"from {pilots} pilots of 24 speakers, each planned for 0.8": np.array([hit.mean() for hit in hits]),
            f"at {fixed} speakers, predicted by {pilots} pilots ({sd})": np.array(predicted),
        }
        counted = (sum(map(len, hits)), pilots * 500)
        for (what, share), many in zip(shares.items(), counted, strict=True):
            rows.append((name, what, many, float(share.mean()), float(share.std(ddof=1) / np.sqrt(pilots))))
        rows.append(
            figure(
                name,
                f"at {fixed} speakers, found",
                times_found(world, delta, comparisons, speakers=fixed, n=n, rng=rng),
            )
        )
    return figures([*rows, *detected(n, seed)])


def detected(n: int, seed: int) -> list[Row]:
    """See how often a difference is found that is as large as compare() says it must be."""
    rows, world = [], LIBRISPEECH
    for number, (speakers, arms) in enumerate(((10, 1), (24, 1), (24, 11), (50, 11))):
        delta = 0.0
        for attempt in range(4):  # until experiments with that very difference call it detectable
            rates = [world.rate, world.rate + delta, *[world.rate] * (arms - 1)]
            rng = rng_of(seed, 12, number, attempt)
            delta = float(np.mean([detectable(draw(world, rates, 1, speakers, rng)) for _ in range(max(n // 20, 4))]))
        rates = [world.rate, world.rate + delta, *[world.rate] * (arms - 1)]
        against = np.hstack([-np.ones((arms, 1)), np.eye(arms)])
        hits = []
        for drawn in drawn_in_parts(world, rates, n, speakers, rng_of(seed, 13, number)):
            found = drawn.contrasts(against)
            adjusted = family(found, drawn.experiments)["Holm"][:, 0]
            hits.append((adjusted <= 0.05) & (found.interval.estimate[::arms] * delta > 0))
        case = f"{speakers} speakers, {arms} comparison{'s' * (arms > 1)} with Holm"
        rows.append(figure(case, f"called detectable: {100 * delta:.2f} points", np.concatenate(hits)))
    return rows


def detectable(drawn: Drawn) -> float:
    """Ask compare() which difference of the second setting from the first such an experiment would find."""
    table = scores(drawn, setting=[f"{k:02}" for k in range(len(drawn.own))])
    return float(lab.compare(table, "setting", "00", resamples=999)["detectable"].iloc[0])


# --- what is asked of all that


class Claim(NamedTuple):
    """What a figure must be."""

    claim: str
    found: str
    n: int  #: experiments of each figure, at least
    met: bool


def claims(tables: dict[str, pd.DataFrame]) -> list[Claim]:
    """Hold the figures against what is promised of them."""
    found = []
    if "tests" in tables:
        table = tables["tests"]
        kept = ~table["case"].str.contains("harsher|only one")
        default = table[kept & table["what"].isin(["sign-flip by speaker (default)", "compare() on a table"])]
        found.append(claim("type I error of the default test within 3.5 to 6.5 %", default, 0.035, 0.065))
    if "intervals" in tables:
        table = tables["intervals"]
        table = table[table["case"].str.contains("LibriSpeech") & ~table["what"].str.contains("given up")]
        boot = table["what"].str.contains("bootstrap")
        # Refused with fewer than 50 blocks.
        enough = table["case"].str.extract(r"; (\d+) ", expand=False).astype(int) >= 50
        fifth = table["what"].str.startswith(_FIFTH)
        covers = "coverage of ratio t intervals within 93.5 to 96.5 %"
        found.append(
            claim(f"{covers}: rates, effects, no difference and one of a tenth", table[~boot & ~fifth], 0.935, 0.965)
        )
        found.append(claim(f"{covers}: a difference of a fifth", table[fifth], 0.935, 0.965))
        found.append(claim("of bootstrap intervals of 50 blocks and more too", table[boot & enough], 0.935, 0.965))
    if "families" in tables:
        table = tables["families"]
        corrected = table[table["what"].str.contains("holm|max-t", case=False)]
        full = corrected[~corrected["what"].str.contains("()", regex=False)]
        lower = [
            binomtest(round(p * n), n).proportion_ci(0.99).low
            for p, n in zip(corrected["share"], corrected["n"], strict=True)
        ]
        found.append(claim("family-wise false findings at most 6 %", full, 0.0, 0.06))
        said, worst = "lower end of their 99 % binomial intervals at most 5 %", max(lower)
        found.append(Claim(said, f"at most {100 * worst:.1f} %", int(corrected["n"].min()), worst <= 0.05))
    if "power" in tables:
        table = tables["power"]
        plans = table[table["what"].str.contains("planned|detectable")]
        found.append(
            claim(
                "achieved power of plans for 80 %, and of what is called detectable, within 75 to 85 %",
                plans,
                0.75,
                0.85,
            )
        )
    return found


def claim(what: str, table: pd.DataFrame, least: float, most: float) -> Claim:
    low, high = table["share"].min(), table["share"].max()
    found = f"{100 * low:.1f} to {100 * high:.1f} %"
    return Claim(what, found, int(table["n"].min()), bool(least <= low and high <= most))


def study(parts: Sequence[str], *, small: bool = False) -> dict[str, pd.DataFrame]:
    """Run the parts that are asked for, or all."""
    less, seed = (50, SMALL_SEED) if small else (1, SEED)
    run = {
        "tests": lambda: study_tests(4000 // less, seed),
        "intervals": lambda: study_intervals(20000 // less, seed),
        "families": lambda: study_families(4000 // less, seed),
        "power": lambda: study_power(4000 // less, 30 if less == 1 else 2, seed),
    }
    tables = {}
    for part in parts or run:
        began = time.process_time()
        tables[part] = run[part]()
        print(f"{part}: {time.process_time() - began:.0f} s of one core", file=sys.stderr, flush=True)
    return tables


TITLES = {
    "tests": "Type I error: of 100 experiments with two settings of the same true rate, how many have p <= 0.05",
    "intervals": "Coverage: of 100 intervals at 95 %, how many have the truth in them",
    "families": "Families: of 100 sweeps, how many find something that is not there (24 speakers)",
    "power": "Power: of 100 experiments, how many find the difference, with the right sign",
}
SAID = {
    "tests": "Two settings are exchangeable in all worlds but the one where only one of them has tastes. Errors "
    "by segment (MAPSSWE) are put in a row somewhere in their utterance. Differences of whole numbers tie with their "
    "own swaps, which makes sign-flips a little careful where speakers are few.",
    "intervals": "Plain, given up: the linearised variance of a ratio, on the linear scale. Below 50 blocks the "
    "bootstrap is refused unless forced; it is here to show why. The harsher world (lengths of blocks with sd 0.6 "
    "of the mean, error rates with sd 0.5) promises nothing and is reported as it comes out.",
    "families": "Twelve settings, or the 9 effects of a grid. Lines that name a function ask it for a table each "
    "time. The lowest of all is tested without a correction.",
    "power": "Plans are made for 80 %, and tried on new experiments of that size. Pilots are of the same "
    "world; their standard errors are over pilots. What they predict for a given size is lower than what is found, on "
    "average, since a chance has a ceiling where spreads have none; that is shown and not promised. What "
    "`compare()` calls detectable is tried on experiments with just that difference.",
}


def as_markdown(table: pd.DataFrame, index: str, columns: str) -> str:
    """Write shares in per cent with their standard errors, a line each of ``index``."""
    cell = [f"{100 * share:.1f} ± {100 * se:.1f}" for share, se in zip(table["share"], table["se"], strict=True)]
    wide = table.assign(cell=cell).pivot_table(
        index=[index, "n"], columns=columns, values="cell", aggfunc="first", sort=False
    )
    lines = [["", "n", *wide.columns], ["---"] * (len(wide.columns) + 2)]
    lines += [
        [of, f"{n:,}", *row] for (of, n), row in zip(wide.index, wide.fillna("").to_numpy().tolist(), strict=True)
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def report(tables: dict[str, pd.DataFrame], seconds: float, seed: int = SEED) -> str:
    """Write down all figures, and what is asked of them."""
    parts = [
        "# Simulation study",
        "Written by `python benchmarks/simulations.py`; where the worlds come from stands there. Per cent of n "
        f"experiments ± binomial standard error. Seed {seed}, fixed before the first look. Took {seconds / 60:.0f} "
        "minutes of one core.",
        f"The world, shares of the mean where it says spread: `{LIBRISPEECH}`. The harsher one: `{HARSH}`.",
        "| asked | found | n, at least | |\n|---|---|---|---|\n"
        + "\n".join(
            f"| {one.claim} | {one.found} | {one.n:,} | {'met' if one.met else '**missed**'} |"
            for one in claims(tables)
        ),
    ]
    for name, table in tables.items():
        parts += [f"## {TITLES[name]}", SAID[name]]
        if name in {"tests", "intervals"}:
            for world, of_world in table.assign(world=table["case"].str.rsplit("; ").str[0]).groupby(
                "world", sort=False
            ):
                by_size = of_world.assign(case=of_world["case"].str.rsplit("; ").str[1])
                parts += [f"### {world[0].upper()}{world[1:]}", as_markdown(by_size, "what", "case")]
        else:
            parts += [
                as_markdown(table.assign(share_of="%")[table["case"] == case], "what", "share_of").replace(
                    "|  |", f"| {case} |", 1
                )
                for case in table["case"].unique()
            ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Print the parts that are asked for, or write down all."""
    arguments = argparse.ArgumentParser(description="Do tests, intervals, corrections and plans keep their promises?")
    names = list(TITLES)
    arguments.add_argument("parts", nargs="*", choices=[[], *names], metavar="PART", help=f"{', '.join(names)} (all)")
    arguments.add_argument("--small", action="store_true", help="few experiments and another seed, to see that it runs")
    asked = arguments.parse_args()
    began = time.process_time()
    tables = study(asked.parts, small=asked.small)
    text = report(tables, time.process_time() - began, SMALL_SEED if asked.small else SEED)
    print(text)
    if not asked.parts and not asked.small:
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
