"""Simulation study: do tests, intervals, corrections and plans keep what they promise where the truth is known.

Experiments are drawn from worlds made after published transcripts (worlds.py). The truth is the expected value of the
world itself, never an estimate from the same draws. Each figure is a share of simulated experiments, with its binomial
standard error.

Run: python benchmarks/simulations.py [--small] [tests intervals families power detectable margins]
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
from asrlab.stats.classical import equivalence, non_inferiority, t_test, wilcoxon
from asrlab.stats.corrections import holm
from asrlab.stats.intervals import bootstrap_intervals, influence, ratio_intervals
from asrlab.stats.mapsswe import segments, z_test
from asrlab.stats.sign_flips import max_t, sign_flips

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


def beyond(found: Contrasts) -> NDArray[np.bool]:
    """Say which intervals have 0 outside: what a finding needs besides a small p."""
    return (found.interval.low > 0) | (found.interval.high < 0)


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
        _DEFAULT: sign_flips(found.contributions, group=found.row, block=found.block, n_groups=n).p,
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


WORLDS = {"as LibriSpeech": LIBRISPEECH, "harsher world": HARSH}
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
    for speakers in (10, 24):
        drawn = with_loops(LIBRISPEECH, n, speakers, rng_of(seed, 14, speakers))
        name = f"{_LOOPS}; {speakers} speakers"
        rows += [figure(name, what, hit) for what, hit in by_speaker(drawn).items()]
        found = drawn.contrasts(DIFFERENCE)
        p = sign_flips(found.contributions, group=found.row, block=found.block, n_groups=n).p
        rows.append(figure(name, "sign-flip by speaker and interval: a finding", (p <= 0.05) & beyond(found)))
    return figures(rows)


_LOOPS = "only one setting loops, the same true rate"


def with_loops(
    world: World,
    experiments: int,
    speakers: int,
    rng: np.random.Generator,
    *,
    of_speaker: float = 0.05,
    long: int = 150,
) -> Drawn:
    """Draw two settings of the same true rate, one of which now and then repeats a phrase ``long`` words more.

    ``of_speaker`` loops are expected of a speaker, and of one who says more in proportion; the other setting is worse
    by as much all the time.
    """
    a_word = of_speaker / (world.utterances * world.length)
    drawn = draw(world, [world.rate, world.rate + a_word * long], experiments, speakers, rng)
    drawn.own[0] += long * rng.poisson(a_word * drawn.lengths)
    return drawn


# --- intervals: how often one of 95 % has the truth in it

#: Cells of grids, the last axis changing first; they differ by main effects and an interaction.
_TWO_BY_TWO = np.array([0.0300, 0.0285, 0.0270, 0.0240])
_TWO_BY_THREE = np.array([0.0300, 0.0285, 0.0315, 0.0270, 0.0240, 0.0300])


def weights(*along: Sequence[float]) -> Floats:
    """Give the weights of the cells of a grid in an effect, from those of the levels of each axis."""
    return reduce(np.kron, [np.array(some, dtype=np.float64) for some in along])


#: Of the rate; the larger, the more the speakers with many errors make it skewed.
_FIFTH = "difference of a fifth"
#: Name -> difference over the rate of the baseline.
_LARGE = {"large difference, +50 %": 0.5, "large difference, -40 %": -0.4}

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
    for number, (world_name, world) in enumerate(WORLDS.items()):
        for speakers in blocks:
            case, hits = f"{world_name}; {speakers} speakers", {}
            for grid, rates in (("2 x 2", _TWO_BY_TWO), ("2 x 3", _TWO_BY_THREE)):
                rng = rng_of(seed, 4, number, speakers, len(rates))
                for drawn in drawn_in_parts(world, rates.tolist(), n, speakers, rng):
                    for what, hit in covered(drawn, rates, grid).items():
                        hits.setdefault(what, []).append(hit)
            for k, (name, share) in enumerate(_LARGE.items()):
                rates = [world.rate * (1 + share), world.rate]
                for drawn in drawn_in_parts(world, rates, n, speakers, rng_of(seed, 15, number, speakers, k)):
                    interval = drawn.contrasts(DIFFERENCE).interval
                    hits.setdefault(f"{name}: ratio t", []).append(
                        within(interval.low, interval.high, share * world.rate)
                    )
            rng = rng_of(seed, 5, number, speakers)
            for drawn in drawn_in_parts(world, [world.rate], max(n // 5, 1), speakers, rng):
                errors, lengths = drawn.sums()
                options = {"group": drawn.parts().group, "n_groups": drawn.experiments, "resamples": 1999}
                low, high = bootstrap_intervals(errors[0], lengths, **options)[1:]
                hits.setdefault("rate: bootstrap by speaker", []).append(within(low, high, world.rate))
            rows += [figure(case, what, np.concatenate(hit)) for what, hit in hits.items()]
    return figures([*rows, *on_tables(max(n // 5, 1), seed), *of_shares(max(n // 2, 1), seed)])


def of_shares(n: int, seed: int) -> list[Row]:
    """Ask summarize() for intervals of shares in the middle and near 1: 20 units of each speaker, some right alike."""
    rows = []
    for number, unit in enumerate(("term", "sentence")):
        for k, share in enumerate((0.5, 0.9, 0.95)):
            for speakers in (10, 24):
                table = shares(share, n, speakers, rng_of(seed, 16, number, k, speakers), unit=unit)
                found = lab.summarize(table, by="simulation")
                hit = within(found["low"].to_numpy(float), found["high"].to_numpy(float), share)
                what = {"term": "terms missed", "sentence": "sentences with an error"}[unit]
                rows.append(figure(f"{_SHARES}; {speakers} speakers", f"{what}, {100 * share:.0f} %: summarize()", hit))
    return rows


_SHARES = "shares"


def shares(
    share: float,
    experiments: int,
    speakers: int,
    rng: np.random.Generator,
    *,
    unit: str,
    units: int = 20,
    rho: float = 0.05,
) -> pd.DataFrame:
    """Draw marked answers, one a speaker, of so many ``units`` of which a share is wrong (beta-binomial)."""
    likely = rng.beta(share * (1 / rho - 1), (1 - share) * (1 / rho - 1), experiments * speakers)
    block = np.arange(len(likely))
    lengths = np.full(len(likely), float(units))
    drawn = Drawn(rng.binomial(units, likely).astype(float), np.zeros((1, len(likely))), lengths, block, speakers)
    table = scores(drawn, setting=["a"])
    return table.assign(unit=unit, dels=table["ins"], ins=0)


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
    # Only rows that a correction could let through are worth the swaps; the others count as tests all the same.
    p = swapped(found, experiments, 0.3 if rows < 20 else 0.05)
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


def swapped(found: Contrasts, experiments: int, near: float) -> Floats:
    """Give the p of sign-flips, shape (experiments, rows); 1 where that of a t test is above ``near``."""
    rows = len(found.interval.estimate) // experiments
    t = t_test(found.interval.estimate, found.interval.standard_error, np.bincount(found.row)).p
    tried = t <= near
    kept = tried[found.row]
    number = (np.cumsum(tried) - 1)[found.row[kept]]
    p = np.where(tried, 0.0, 1.0)
    p[tried] = sign_flips(found.contributions[kept], group=number, block=found.block[kept], n_groups=int(tried.sum())).p
    return p.reshape(experiments, rows)


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
    return figures([*rows, *families_on_tables(max(n // 4, 1), seed)])


def families_on_tables(n: int, seed: int) -> list[Row]:
    """Ask compare() and effects() for the same, one table an experiment."""
    found: dict[tuple[str, str], list[bool]] = {}
    for k in range(n):
        drawn = draw(LIBRISPEECH, [LIBRISPEECH.rate] * 12, 1, 24, rng_of(seed, 9, k))
        twelve = scores(drawn, setting=[f"{c:02}" for c in range(12)]).drop(columns="simulation")
        labels = [np.repeat(["a0", "a1"], 6), np.tile(np.repeat(["b0", "b1"], 3), 2), np.tile(["c0", "c1", "c2"], 4)]
        grid = scores(drawn, **dict(zip("abc", labels, strict=True))).drop(columns="simulation")
        for correction in ("holm", "max-t"):
            options = {"correction": correction, "resamples": 999}
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
    "rate 3 %, 0.3 points": (replace(LIBRISPEECH, interaction=0.1), 0.003, 1),
    "rate 8 %, 1 point": (replace(LIBRISPEECH, rate=0.08, utterances=20, shared=0.6), 0.01, 1),
    "rate 5 %, -0.5 points, 11 comparisons": (
        replace(LIBRISPEECH, rate=0.05, utterances=40, shared=0.7, interaction=0.1),
        -0.005,
        11,
    ),
    "rate 10 %, 2 points, no tastes": (
        replace(LIBRISPEECH, rate=0.1, utterances=10, shared=0.5, interaction=0.0),
        0.02,
        1,
    ),
}


def times_found(
    world: World, delta: float, comparisons: int, *, speakers: int, n: int, rng: np.random.Generator
) -> NDArray[np.bool]:
    """Say in which of n new experiments the difference is found: by p and interval, with the right sign."""
    hits = []
    for drawn in drawn_in_parts(world, [world.rate + delta, world.rate], n, speakers, rng):
        found = drawn.contrasts(DIFFERENCE)
        p = swapped(found, drawn.experiments, 0.3)[:, 0]
        hits.append((p <= 0.05 / comparisons) & beyond(found) & (found.interval.estimate * delta > 0))
    return np.concatenate(hits)


def planned(
    world: World, delta: float, comparisons: int, pilot: pd.DataFrame | None = None, **design: int
) -> pd.DataFrame:
    """Plan for 80 %, or predict the power of so many speakers: by what the world is known to be, or by a pilot."""
    if pilot is not None:
        options = {"pilot": pilot, "along": "setting", "baseline": "a", "simulations": 500}
    else:
        known = ("rate", "length", "shared", "overdispersion", "interaction", "utterances_spread")
        options = {name: getattr(world, name) for name in known}
    return lab.power(delta, **options, utterances=round(world.utterances), comparisons=comparisons, **design)


def study_power(n: int, pilots: int, seed: int = SEED) -> pd.DataFrame:
    """Achieved power of plans for 80 %."""
    rows = []
    for number, (name, (world, delta, comparisons)) in enumerate(PLANS.items()):
        plan = planned(world, delta, comparisons)
        fixed, of_plan = int(plan["speakers"].iloc[0]), float(plan["power"].iloc[0])
        found = times_found(world, delta, comparisons, speakers=fixed, n=n, rng=rng_of(seed, 10, number))
        rows.append(figure(name, f"{fixed} speakers by assumptions: planned {of_plan:.3f}, found", found))
        rng = rng_of(seed, 11, number)
        hits, predicted, sizes = [], [], []
        for _ in range(pilots):
            drawn = draw(world, [world.rate, world.rate + delta], 1, 24, rng, by_utterance=True)
            pilot = scores(drawn, setting=["a", "b"]).drop(columns="simulation")
            speakers = int(planned(world, delta, comparisons, pilot)["speakers"].iloc[0])
            sizes.append(speakers)
            hits.append(times_found(world, delta, comparisons, speakers=speakers, n=max(n // 10, 1), rng=rng).mean())
            predicted.append(float(planned(world, delta, comparisons, pilot, speakers=fixed)["power"].iloc[0]))
        # Pilots differ by more than the luck of their experiments.
        for what, shares_of, many in (
            (f"{min(sizes)} to {max(sizes)} speakers by {pilots} pilots: planned 0.8, found", hits, max(n // 10, 1)),
            (f"{fixed} speakers: predicted by {pilots} pilots", predicted, 500),
        ):
            sd = float(np.std(shares_of, ddof=1))
            said = f"{what}, on average (sd {100 * sd:.0f} among pilots)"
            rows.append((name, said, pilots * many, float(np.mean(shares_of)), sd / np.sqrt(pilots)))
    return figures(rows)


# --- detectable: how often a difference of that size is found

#: Name -> world, speakers, and settings that are compared with a baseline.
SIZES = {
    "10 speakers, 1 comparison": (LIBRISPEECH, 10, 1),
    "24 speakers, 1 comparison": (LIBRISPEECH, 24, 1),
    "24 speakers, 11 comparisons": (LIBRISPEECH, 24, 11),
    "50 speakers, 11 comparisons": (LIBRISPEECH, 50, 11),
    "24 speakers of 15 utterances, 0.95 of errors shared, 1 comparison": (
        replace(LIBRISPEECH, utterances=15, shared=0.95, interaction=0.03),
        24,
        1,
    ),
    "harsher world, 24 speakers, 1 comparison": (HARSH, 24, 1),
}


def study_detectable(n: int, seed: int = SEED) -> pd.DataFrame:
    """Read ``detectable`` off sweeps without a difference, and put one of that size into new ones."""
    rows = []
    for number, (name, (world, speakers, arms)) in enumerate(SIZES.items()):
        sweeps = max(n // 20, 4)
        read = [
            detectable(draw(world, [world.rate] * (arms + 1), 1, speakers, rng_of(seed, 17, number, k)))
            for k in range(sweeps)
        ]
        delta, sd = float(np.mean(read)), float(np.std(read, ddof=1))
        hit = times_seen(world, delta, arms, speakers=speakers, n=n, rng=rng_of(seed, 18, number))
        said = f"{100 * delta:.2f} points (mean of {sweeps} sweeps, sd {100 * sd:.2f}), put into new sweeps: found"
        rows.append(figure(name, said, hit))
    return figures(rows)


def detectable(drawn: Drawn) -> float:
    """Ask compare() of one sweep which difference from the baseline it could have seen: the mean of its rows."""
    table = scores(drawn, setting=[f"{k:02}" for k in range(len(drawn.own))])
    return float(lab.compare(table, "setting", "00", by=[], resamples=999)["detectable"].astype(float).mean())


def times_seen(
    world: World, delta: float, arms: int, *, speakers: int, n: int, rng: np.random.Generator
) -> NDArray[np.bool]:
    """Say in which of n new sweeps the only arm that differs is found: by adjusted p and interval."""
    rates = [world.rate, world.rate + delta, *[world.rate] * (arms - 1)]
    against = np.hstack([-np.ones((arms, 1)), np.eye(arms)])
    hits = []
    for drawn in drawn_in_parts(world, rates, n, speakers, rng):
        found = drawn.contrasts(against)
        adjusted = np.array([holm(p)[0] for p in swapped(found, drawn.experiments, 0.3)])
        hits.append((adjusted <= 0.05) & (found.interval.low[::arms] > 0))
    return np.concatenate(hits)


# --- margins: how often a setting that is worse by the whole margin is called as good


def study_margins(n: int, seed: int = SEED) -> pd.DataFrame:
    """Size of the tests of equivalence and non-inferiority, alone and with the interval within the margin."""
    rows = []
    for number, (name, world) in enumerate(WORLDS.items()):
        for speakers in (10, 24):
            for k, share in enumerate((0.1, 0.2, 0.4)):
                margin = share * world.rate
                for sign, side in ((1, "worse"), (-1, "better")):
                    hits: dict[str, list[NDArray[np.bool]]] = {}
                    rates = [world.rate + sign * margin, world.rate]
                    rng = rng_of(seed, 19, number, speakers, k, sign + 1)
                    for drawn in drawn_in_parts(world, rates, n, speakers, rng):
                        for what, hit in within_margin(drawn, margin, worse=sign > 0).items():
                            hits.setdefault(f"{what}, {100 * share:.0f} % {side}", []).append(hit)
                    rows += [
                        figure(f"{name}; {speakers} speakers", what, np.concatenate(hit)) for what, hit in hits.items()
                    ]
    return figures(rows)


_P_ONLY, _BOTH = "p alone", "p and interval"


def within_margin(drawn: Drawn, margin: float, *, worse: bool) -> dict[str, NDArray[np.bool]]:
    """Say in which experiments the first cell is called equivalent to the second, and not inferior."""
    interval = drawn.contrasts(DIFFERENCE).interval
    estimated = (interval.estimate, interval.standard_error, np.full(drawn.experiments, drawn.speakers), margin)
    below, above = interval.high < margin, interval.low > -margin
    tests = {"equivalence": (equivalence(*estimated).p, below & above)}
    if worse:
        tests["non-inferiority"] = (non_inferiority(*estimated).p, below)
    return {
        f"{name}, {what}": hit
        for name, (p, inside) in tests.items()
        for what, hit in ((_P_ONLY, p <= 0.05), (_BOTH, (p <= 0.05) & inside))
    }


# --- what is asked of all that


class Claim(NamedTuple):
    """What a figure must be."""

    claim: str
    found: str
    n: int  #: experiments of each figure, at least
    met: bool


class Limit(NamedTuple):
    """What is not promised, and comes out as it does."""

    what: str
    found: str
    n: int  #: experiments of each figure, at least


def claims(tables: dict[str, pd.DataFrame]) -> list[Claim]:
    """Hold the figures against what is promised of them."""
    found = []
    if "tests" in tables:
        table = tables["tests"]
        kept = ~table["case"].str.contains("harsher|only one")
        default = table[kept & table["what"].isin([_DEFAULT, "compare() on a table"])]
        found.append(claim("type I error of the default test within 3.5 to 6.5 %", default, 0.035, 0.065))
    if "intervals" in tables:
        table = tables["intervals"]
        kept = table["case"].str.contains(f"LibriSpeech|{_SHARES}") & ~table["what"].str.contains("given up")
        table = table[kept]
        share = table["case"].str.startswith(_SHARES)
        boot = table["what"].str.contains("bootstrap")
        # Refused with fewer than 50 blocks.
        enough = table["case"].str.extract(r"; (\d+) ", expand=False).astype(int) >= 50
        large = table["what"].str.startswith("large")
        covers = "coverage of intervals by block within"
        usual = table[~boot & ~large & ~share]
        found += [
            claim(f"{covers} 93.5 to 96.5 %: rates, effects, differences up to a fifth", usual, 0.935, 0.965),
            claim(f"{covers} 93 to 97 %: differences of +50 % and -40 %", table[large], 0.93, 0.97),
            claim(f"{covers} 93 to 97 %: shares of 50 to 95 %", table[share], 0.93, 0.97),
            claim("the same of bootstrap intervals, 50 blocks and more", table[boot & enough], 0.935, 0.965),
        ]
    if "families" in tables:
        table = tables["families"]
        corrected = table[table["what"].str.contains("holm|max-t", case=False)]
        lower = [
            binomtest(round(p * n), n).proportion_ci(0.99).low
            for p, n in zip(corrected["share"], corrected["n"], strict=True)
        ]
        many = corrected[corrected["n"] >= _MANY]
        if len(many):
            found.append(
                claim(f"family-wise false findings at most 6 %, where n is {_MANY:,} or more", many, 0.0, 0.06)
            )
        said, worst = "all of them: lower end of the 99 % binomial interval at most 5 %", max(lower)
        found.append(Claim(said, f"at most {100 * worst:.1f} %", int(corrected["n"].min()), worst <= 0.05))
    if "power" in tables:
        table = tables["power"]
        for kind, pattern in (("assumptions", _BY_ASSUMPTIONS), ("pilots, on average over pilots", _BY_PILOTS)):
            said = f"plans by {kind}: found within 5 points of planned"
            found.append(claim(said, less_planned(table, pattern), -0.05, 0.05, each="{:+.1f}", unit=" points"))
    if "detectable" in tables:
        said = "what is called detectable where nothing differs is found in 75 % or more"
        table = tables["detectable"]
        found.append(claim(said, table[~table["case"].str.contains("harsher")], 0.75, 1.0))
    if "margins" in tables:
        table = tables["margins"]
        kept = table["case"].str.contains("LibriSpeech") & table["what"].str.contains(_BOTH)
        said = "called equivalent or not inferior at the margin, by p and interval, in at most 6 %"
        found.append(claim(said, table[kept], 0.0, 0.06))
    return found


_DEFAULT = "sign-flip by speaker (default)"
_BY_ASSUMPTIONS, _BY_PILOTS = (rf"{kind}: planned ([\d.]+)" for kind in ("assumptions", "pilots"))
#: With fewer experiments an estimate says too little of 6 %.
_MANY = 4000


def claim(
    what: str, table: pd.DataFrame, least: float, most: float, *, each: str = "{:.1f}", unit: str = " %"
) -> Claim:
    low, high = table["share"].min(), table["share"].max()
    return Claim(what, span(table, each, unit), int(table["n"].min()), bool(least <= low and high <= most))


def span(table: pd.DataFrame, each: str = "{:.1f}", unit: str = " %") -> str:
    ends = (each.format(100 * end) for end in (table["share"].min(), table["share"].max()))
    return " to ".join(ends) + unit


def less_planned(table: pd.DataFrame, pattern: str) -> pd.DataFrame:
    """Give how much more often than planned plans of a kind find something."""
    aim = table["what"].str.extract(pattern, expand=False).astype(float)
    return table[aim.notna()].assign(share=(table["share"] - aim)[aim.notna()])


def limits(tables: dict[str, pd.DataFrame]) -> list[Limit]:
    """Say what is not promised."""
    every = pd.concat([table.assign(part=name) for name, table in tables.items()])
    asked = {
        "equivalence and non-inferiority by p alone, at the margin": ("margins", "", _P_ONLY),
        "the same by p and interval, harsher world": ("margins", "harsher", _BOTH),
        "coverage of intervals by speaker, harsher world": ("intervals", "harsher", "ratio t"),
        "false findings where one setting loops, the same true rate": ("tests", _LOOPS, "a finding"),
        "false findings by utterance, where settings suit some speakers": (
            "tests",
            "as LibriSpeech, ",
            "utterance|segment",
        ),
        "lowest of twelve picked after looking, tested as if it had been the only one": ("families", "", "lowest"),
        "what is called detectable is found, harsher world": ("detectable", "harsher", "found"),
        "power predicted by pilots for the plans by assumptions, on average": ("power", "", "predicted"),
    }
    found = []
    for what, (part, case, row) in asked.items():
        table = every[(every["part"] == part) & every["case"].str.contains(case) & every["what"].str.contains(row)]
        if len(table):
            found.append(Limit(what, span(table), int(table["n"].min())))
    return found


def study(parts: Sequence[str], *, small: bool = False) -> dict[str, pd.DataFrame]:
    """Run the parts that are asked for, or all."""
    less, seed = (50, SMALL_SEED) if small else (1, SEED)
    run = {
        "tests": lambda: study_tests(4000 // less, seed),
        "intervals": lambda: study_intervals(20000 // less, seed),
        "families": lambda: study_families(4000 // less, seed),
        "power": lambda: study_power(4000 // less, 60 if less == 1 else 2, seed),
        "detectable": lambda: study_detectable(4000 // less, seed),
        "margins": lambda: study_margins(10000 // less, seed),
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
    "detectable": "Detectable: of 100 sweeps with a difference of that size, how many find it",
    "margins": "Margins: of 100 experiments with a difference of just the margin, how many are called as good",
}
SAID = {
    "tests": "Two settings are exchangeable in all worlds but those where only one of them has tastes, or loops. Errors"
    " by segment (MAPSSWE) are put in a row somewhere in their utterance. Differences of whole numbers tie with their "
    "own swaps, which makes sign-flips a little careful where speakers are few. Where one setting loops, 0.05 times a "
    "speaker on average, each time with 150 words too many, and the other is worse all the time by as much, the two "
    "have the same true rate and are not exchangeable: the test is of exchangeability. What it finds there is a "
    "difference of the settings, but not one of their true rates.",
    "intervals": "Plain, given up: the linearised variance of a ratio, on the linear scale. Below 50 blocks the "
    "bootstrap is refused unless forced; it is here to show why. The harsher world (lengths of blocks with sd 0.6 "
    "of the mean, error rates with sd 0.5) promises nothing and is reported as it comes out. Shares are of 20 terms or "
    "sentences of each speaker, beta-binomial with a correlation of 0.05 within speakers.",
    "families": "Twelve settings, or the 9 effects of a grid. Lines that name a function ask it for a table each "
    "time, and are held against 5 % by their binomial interval. The lowest of all is tested without a correction.",
    "power": "Found: p <= 0.05 after the correction, the 95 % interval beyond zero, and the right sign. Plans are made "
    "for 80 %, and tried on new experiments of that size. Assumptions are those that are true of the world. Pilots are "
    "of the same two settings with 24 speakers; their standard errors are over pilots, and n counts the experiments of "
    "all of them. A single plan by a pilot can be far off, as the standard deviation says.",
    "detectable": "`detectable` is read off `compare()` of sweeps in which nothing differs, the mean of their rows, and"
    " the mean of those is put into one setting of new sweeps. Found: Holm's p <= 0.05 and the 95 % interval above "
    "zero. It is meant for 80 %. What a single sweep calls detectable spreads about the mean, as its sd says.",
    "margins": "The true difference is just the margin, 10, 20 or 40 % of the rate, so that nothing should be found "
    "(equivalence also where the setting is better by as much). One-sided t tests at 5 %, alone, and with the "
    "95 % interval within the margin too, which is asked for before it is put in words. By p alone more is found than "
    "5 %, since a large difference is skewed as rates are.",
}
NOT_CLAIMED = (
    "Promised is what is met above, of worlds as LibriSpeech. Not promised, and shown as it comes out: anything about "
    "harsher worlds; that settings of the same true rate are found alike where they differ otherwise, in loops for one "
    "(the test is of exchangeability); that a corpus is like the world drawn here, which is also what plans by "
    "assumptions and detectable take for granted; tests by utterance or segment where speakers repeat; tests of what "
    "was picked after looking; equivalence and non-inferiority by p without the interval; a single plan by a pilot."
)


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
        f"experiments ± binomial standard error. Seed {seed}, fixed before the first look. What was added after a "
        "review (large differences, shares, loops, detectable, margins) has numbers of its own, fixed before they were "
        f"looked at; bounds were set by trying another seed. Took {seconds / 60:.0f} minutes of one core.",
        f"The world, shares of the mean where it says spread: `{LIBRISPEECH}`. The harsher one: `{HARSH}`.",
        "| asked | found | n, at least | |\n|---|---|---|---|\n"
        + "\n".join(
            f"| {one.claim} | {one.found} | {one.n:,} | {'met' if one.met else '**missed**'} |"
            for one in claims(tables)
        ),
        NOT_CLAIMED,
        "| not promised | found | n, at least |\n|---|---|---|\n"
        + "\n".join(f"| {one.what} | {one.found} | {one.n:,} |" for one in limits(tables)),
    ]
    for name, table in tables.items():
        parts += [f"## {TITLES[name]}", SAID[name]]
        if name in {"tests", "intervals", "margins"}:
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
