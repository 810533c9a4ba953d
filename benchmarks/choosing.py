"""Choosing among settings: do races keep the best one, how much do they save, and is it called among the best.

Races are drawn from the worlds of worlds.py, in which the truth is known, many at a time: the statistics are those of
:class:`asrlab.Race`, worked out for all pairs of settings at once (a test holds them against races on tables).

Run: python benchmarks/choosing.py [--small] [kept saved limits spending ranked]
All of it takes some minutes on one core, and writes choosing.md beside this file; --small and parts only print.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from scipy.special import stdtr
from scipy.stats import binomtest
from worlds import HARSH, LIBRISPEECH, Drawn, World, draw

from asrlab.stats.blocks import FEWEST_BLOCKS
from asrlab.stats.racing import FEWEST_ASKED, SPENDING, boundary_of, lost_to
from asrlab.stats.sign_flips import worst

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

Shares: TypeAlias = tuple[float, ...]

#: Of all random numbers; a small run takes another.
SEED, SMALL_SEED = 20261204, 1
RESULTS = Path(__file__).with_suffix(".md")
SETTINGS, LOOKS, LEVEL = 12, 20, 0.95
#: Shares of the utterances at looks at equal distances.
EVENLY: Shares = tuple((k + 1) / LOOKS for k in range(LOOKS))
#: Utterances drawn at a time.
_AT_ONCE = 60_000
_ROUNDING = 1e-9


# --- races


class Looks(NamedTuple):
    """What is seen at each look of each experiment, if all settings are asked all along."""

    at: Shares  #: shares of the utterances that were asked
    t: Floats  #: ratio t of each setting less each other one, shape (experiments, looks, settings, settings)
    blocks: Codes  #: speakers heard so far, shape (experiments, looks)
    asked: Codes  #: utterances asked so far, shape (experiments, looks)


@dataclass(frozen=True)
class Loops:
    """Settings that now and then repeat themselves: in a share of the answers, by so many words (geometric)."""

    share: float
    words: float
    which: Sequence[int]

    @property
    def rate(self) -> float:
        """What they add to the error rate, of utterances of twenty words."""
        return self.share * self.words / LIBRISPEECH.length

    def put_into(self, drawn: Drawn, rng: np.random.Generator) -> None:
        for k in self.which:
            drawn.own[k] += rng.poisson(self.share, drawn.own[k].shape) * rng.geometric(
                1 / self.words, drawn.own[k].shape
            )


def looked(drawn: Drawn, rng: np.random.Generator, at: Shares = EVENLY) -> Looks:
    """Ask about the utterances of each experiment in random order, and look when so many were asked."""
    many, speakers = drawn.experiments, drawn.speakers
    experiment = drawn.block // speakers
    size = np.bincount(experiment, minlength=many)
    place = np.empty(len(experiment), dtype=np.int64)
    place[np.lexsort((rng.random(len(experiment)), experiment))] = np.arange(len(experiment))
    place -= (np.cumsum(size) - size)[experiment]
    look = sum((place >= np.ceil(share * size - _ROUNDING)[experiment]).astype(np.int64) for share in at[:-1])
    cell = drawn.block * len(at) + look

    def so_far(values: Floats) -> Floats:
        by_look = np.bincount(cell, values, many * speakers * len(at)).reshape(many, speakers, len(at))
        return by_look.cumsum(axis=2).swapaxes(1, 2)

    errors = np.stack([so_far(some) for some in drawn.errors], axis=-1)
    asked = np.ceil(np.outer(size, at) - _ROUNDING).astype(np.int64)
    return Looks(at, *ratio_t(errors, so_far(drawn.lengths)), asked)


def ratio_t(errors: Floats, lengths: Floats) -> tuple[Floats, Codes]:
    """Give the ratio t of all pairs of settings, and the number of blocks.

    ``errors`` has the shape (..., blocks, settings), ``lengths`` (..., blocks); a block without length is none.
    """
    there = lengths > 0
    blocks = there.sum(axis=-1)
    g = blocks[..., None, None]
    total = lengths.sum(axis=-1)[..., None]
    rate = errors.sum(axis=-2) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = (errors - rate[..., None, :] * lengths[..., None]) / (total - lengths)[..., None]
        without = np.where(there[..., None], moved, 0.0)
        mean = without.sum(axis=-2)[..., None] / g
        covariance = (g - 1) / g * (without.swapaxes(-1, -2) @ without - g * mean * mean.swapaxes(-1, -2))
        own = np.diagonal(covariance, axis1=-2, axis2=-1)[..., None]
        square = own + own.swapaxes(-1, -2) - 2 * covariance
        error = np.sqrt(np.where(square > _ROUNDING**2, square, np.nan))
    return (rate[..., :, None] - rate[..., None, :]) / error, blocks


@cache
def boundaries(at: Shares, first: int, settings: int, level: float, power: float) -> Floats:
    """Give the boundaries of a race in which the looks before ``first`` could not be taken: 0 for those."""
    found: list[float] = []
    for k in range(first, len(at)):
        found.append(boundary_of(at[first : k + 1], found, planned=1.0, settings=settings, level=level, power=power))
    return np.array([0.0] * first + found)


def raced(seen: Looks, level: float = LEVEL, power: float = SPENDING) -> Codes:
    """Run the races: at which look each setting was dropped, from 0, and the number of looks for those that were not.

    Gives shape (experiments, settings).
    """
    many, looks, settings, _ = seen.t.shape
    enough = (seen.blocks >= FEWEST_BLOCKS) & (seen.asked >= FEWEST_ASKED)
    first = np.where(enough.any(axis=1), enough.argmax(axis=1), looks)
    levels = np.stack([boundaries(seen.at, int(of), settings, level, power) for of in first])
    kept, dropped = np.ones((many, settings), np.bool), np.full((many, settings), looks)
    for k in range(looks):
        p = stdtr(np.maximum(seen.blocks[:, k] - 1, 1)[:, None, None], -seen.t[:, k])
        p[~(kept[:, :, None] & kept[:, None, :] & enough[:, k, None, None])] = np.nan
        lost = lost_to(p, levels[:, k]) >= 0
        dropped[lost] = k
        kept &= ~lost
    return dropped


class Raced(NamedTuple):
    """What became of races, the settings of each in one order."""

    dropped: NDArray[np.bool]  #: shape (experiments, settings)
    saved: Floats  #: share of the trials that were not asked, shape (experiments,)


def races(
    world: World,
    rates: Sequence[float],
    speakers: int,
    experiments: int,
    rng: np.random.Generator,
    *,
    at: Shares | None = EVENLY,
    loops: Loops | None = None,
    tastes: Sequence[Sequence[int]] | None = None,
    powers: Sequence[float] = (SPENDING,),
) -> list[Raced]:
    """Draw races and run them by each way of spending; without ``at`` looks come at random times, twenty ways."""
    parts = max(1, round(experiments * speakers * world.utterances / _AT_ONCE), 1 if at else 20)
    found: list[list[Raced]] = [[] for _ in powers]
    for part in np.array_split(np.arange(experiments), parts):
        drawn = draw(world, rates, len(part), speakers, rng, by_utterance=True, tastes=tastes)
        if loops is not None:
            loops.put_into(drawn, rng)
        looks = at or (*sorted(rng.random(int(rng.integers(2, 2 * LOOKS))).tolist()), 1.0)
        seen = looked(drawn, rng, looks)
        for power, so_far in zip(powers, found, strict=True):
            left = raced(seen, power=power)
            so_far.append(Raced(left < len(looks), 1 - np.array([*looks, 1.0])[left].mean(axis=1)))
    return [Raced(*(np.concatenate(some) for some in zip(*of, strict=True))) for of in found]


# --- how often the best setting is dropped, which is the first


def half_worse(rate: float) -> list[float]:
    return [rate] * (SETTINGS // 2) + [rate + 0.02] * (SETTINGS // 2)


def equal(rate: float) -> list[float]:
    return [rate] * SETTINGS


USUAL = replace(LIBRISPEECH, rate=0.05, utterances=30)
LARGE = replace(USUAL, utterances=65)
ROUGH = replace(HARSH, rate=0.05, utterances=30)
#: Whose speakers are not known: an utterance each.
ALONE = replace(USUAL, utterances=1, utterances_spread=0.0, interaction=0.0)
#: In one of 300 answers.
ALL_LOOP = Loops(1 / 300, 40, range(SETTINGS))
_TASTES = replace(USUAL, interaction=USUAL.interaction * 2**0.5)
_LOPSIDED = "12 equal, the first suits all speakers alike, the others do not"
_ONLY_FIRST = {"tastes": [[-1, *range(SETTINGS - 1)]]}
#: Name -> world, rates, speakers, and further options of races().
KEPT = {
    "12 equal; 20 speakers of 30": (USUAL, equal(0.05), 20, {}),
    "12 equal; 40 speakers of 65": (LARGE, equal(0.05), 40, {}),
    "12 equal at 10 %; 40 speakers of 15": (replace(USUAL, rate=0.1, utterances=15), equal(0.1), 40, {}),
    "12 equal, looks at random times; 20 speakers of 30": (USUAL, equal(0.05), 20, {"at": None}),
    "12 equal; 300 utterances, speakers not known": (ALONE, equal(0.05), 300, {}),
    "6 of 12 worse by 2 points; 20 speakers of 30": (USUAL, half_worse(0.05), 20, {}),
    "6 of 12 worse by 2 points; 40 speakers of 15": (replace(USUAL, utterances=15), half_worse(0.05), 40, {}),
    "6 of 12 worse by 2 points at 10 %; 40 speakers of 25": (
        *(replace(USUAL, rate=0.1, utterances=25), half_worse(0.1), 40),
        {},
    ),
    "6 of 12 worse by 2 points; 40 speakers of 65": (LARGE, half_worse(0.05), 40, {}),
    "11 of 12 worse by 0.5 points; 20 speakers of 30": (USUAL, [0.05] + [0.055] * 11, 20, {}),
    "12 equal, all loop, harsher world; 8 speakers of 30": (ROUGH, equal(0.05), 8, {"loops": ALL_LOOP}),
    "12 equal, all loop; 300 utterances, speakers not known": (ALONE, equal(0.05), 300, {"loops": ALL_LOOP}),
}
#: All but the first loop, which has as many errors more all the time.
_RARE, _OFTEN = Loops(0.003, 40, range(1, SETTINGS)), Loops(0.05, 4, range(1, SETTINGS))
LIMITS = {
    "2 equal; 20 speakers of 30": (USUAL, [0.05] * 2, 20, {}),
    f"{_LOPSIDED}; 10 speakers of 30": (_TASTES, equal(0.05), 10, _ONLY_FIRST),
    f"{_LOPSIDED}; 20 speakers of 30": (_TASTES, equal(0.05), 20, _ONLY_FIRST),
    "12 equal, all but the first repeat 4 words in 5 of 100 answers; 20 speakers of 30": (
        *(USUAL, [0.05 + _OFTEN.rate] + [0.05] * 11, 20),
        {"loops": _OFTEN},
    ),
    "12 equal, all but the first repeat 40 words in 3 of 1,000 answers; 20 speakers of 30": (
        *(USUAL, [0.05 + _RARE.rate] + [0.05] * 11, 20),
        {"loops": _RARE},
    ),
}


def study_kept(n: int, seed: int, cases: Mapping[str, tuple] = KEPT) -> pd.DataFrame:
    """How often the first setting is dropped, of which none has a lower true rate."""
    rows = []
    for name, (world, rates, speakers, options) in cases.items():
        [found] = races(world, rates, speakers, n, np.random.default_rng([seed, 1, *name.encode()]), **options)
        lost = int(found.dropped[:, 0].sum())
        rows.append((name, n, lost / n, binomtest(lost, n).proportion_ci(0.95).high, found.saved.mean()))
    return pd.DataFrame(rows, columns=["case", "n", "dropped", "high", "saved"])


def study_limits(n: int, seed: int) -> pd.DataFrame:
    return study_kept(n, seed, LIMITS)


# --- how many trials are saved when half of twelve settings are two points worse

#: Speakers, and utterances of each.
SIZES = ((20, 15), (40, 10), (20, 30), (40, 15), (20, 50), (40, 25), (40, 40), (40, 65))


def study_saved(n: int, seed: int, sizes: Sequence[tuple[int, int]] = SIZES) -> pd.DataFrame:
    """By the size of the dataset; at most half of all could be."""
    rows = []
    for name, of in (("as LibriSpeech", LIBRISPEECH), ("harsher world", HARSH)):
        for rate in (0.05, 0.1):
            for speakers, utterances in sizes:
                world = replace(of, rate=rate, utterances=utterances)
                rng = np.random.default_rng([seed, 2, len(name), int(100 * rate), speakers, utterances])
                [found] = races(world, half_worse(rate), speakers, n, rng)
                worse, others = found.dropped[:, SETTINGS // 2 :], found.dropped[:, : SETTINGS // 2]
                saved = (found.saved.mean(), found.saved.std() / n**0.5)
                size = (speakers * utterances, speakers)
                rows.append((name, rate, *size, n, *saved, worse.mean(), others.mean()))
    names = ["world", "rate", "N", "speakers", "n", "saved", "se", "worse dropped", "others dropped"]
    return pd.DataFrame(rows, columns=names)


#: Name -> world and speakers.
_SPENT = {
    "5 %, 20 speakers of 30": (USUAL, 20),
    "10 %, 40 speakers of 15": (replace(USUAL, rate=0.1, utterances=15), 40),
    "5 %, 40 speakers of 65": (LARGE, 40),
}
POWERS = (0.15, SPENDING, 1 / 3, 0.5, 1.0, 2.0)


def study_spending(n: int, seed: int) -> pd.DataFrame:
    """Ways to spend the error: what they save, and how often the first is dropped, which suits all speakers alike."""
    columns = {}
    for number, (name, (world, speakers)) in enumerate(_SPENT.items()):
        rng = np.random.default_rng([seed, 3, number])
        found = races(world, half_worse(world.rate), speakers, max(n // 4, 1), rng, powers=POWERS)
        columns[f"saved, {name}"] = [one.saved.mean() for one in found]
    for speakers in (10, 20):
        rng = np.random.default_rng([seed, 4, speakers])
        found = races(_TASTES, equal(0.05), speakers, n, rng, powers=POWERS, **_ONLY_FIRST)
        columns[f"first dropped, {speakers} speakers"] = [one.dropped[:, 0].mean() for one in found]
    return pd.DataFrame({"power": POWERS, **columns})


# --- rankings: which settings are called among the best

_PAIRS = np.array(list(combinations(range(SETTINGS), 2)))
#: Name -> world, rates of which the first is the lowest, speakers, and which settings suit a speaker alike.
RANKED = {
    "12 equal; 8 speakers of 30": (USUAL, equal(0.05), 8, None),
    "12 equal; 20 speakers of 30": (USUAL, equal(0.05), 20, None),
    "12 equal; 40 speakers of 65": (LARGE, equal(0.05), 40, None),
    "6 of 12 worse by 2 points; 20 speakers of 30": (USUAL, half_worse(0.05), 20, None),
    "11 of 12 worse by 0.5 points; 20 speakers of 30": (USUAL, [0.05] + [0.055] * 11, 20, None),
    "12 equal, harsher world; 20 speakers of 30": (ROUGH, equal(0.05), 20, None),
    f"{_LOPSIDED}; 20 speakers of 30": (_TASTES, equal(0.05), 20, _ONLY_FIRST["tastes"]),
}


def rankings(
    world: World,
    rates: Sequence[float],
    speakers: int,
    experiments: int,
    rng: np.random.Generator,
    *,
    tastes: Sequence[Sequence[int]] | None = None,
) -> NDArray[np.bool]:
    """Draw experiments and say which settings are among the best in each, shape (experiments, settings)."""
    drawn = draw(world, rates, experiments, speakers, rng, tastes=tastes)
    found = drawn.contrasts(np.eye(SETTINGS)[_PAIRS[:, 0]] - np.eye(SETTINGS)[_PAIRS[:, 1]])
    contributions, shares = (
        part.reshape(experiments, len(_PAIRS), speakers) for part in (found.contributions, found.shares)
    )
    options = {"pairs": _PAIRS, "n_settings": SETTINGS, "resamples": 499}
    p = [worst(*one, **options).p for one in zip(contributions, shares, strict=True)]
    return np.array(p) > 1 - LEVEL


def study_ranked(n: int, seed: int) -> pd.DataFrame:
    """How often the first setting, of which none has a lower true rate, is not among the best, and how many are."""
    rows = []
    for name, (world, rates, speakers, tastes) in RANKED.items():
        among = rankings(world, rates, speakers, n, np.random.default_rng([seed, 5, *name.encode()]), tastes=tastes)
        lost = int((~among[:, 0]).sum())
        high = binomtest(lost, n).proportion_ci(0.95).high
        rows.append((name, n, lost / n, high, among.sum(axis=1).mean()))
    return pd.DataFrame(rows, columns=["case", "n", "left out", "high", "among the best"])


# --- what is asked of all that


class Claim(NamedTuple):
    """What a figure must be."""

    claim: str
    found: str
    n: int  #: experiments of each figure, at least
    met: bool


def claims(tables: Mapping[str, pd.DataFrame]) -> list[Claim]:
    """Hold the figures against what is promised of them."""
    found = []
    if "kept" in tables:
        table = tables["kept"]
        most = table["high"].max()
        said = "a best setting is dropped in at most 5 % of races: upper end of the 95 % binomial interval"
        found.append(Claim(said, f"at most {100 * most:.1f} %", int(table["n"].min()), bool(most <= 1 - LEVEL)))
        worse = table[table["case"].str.startswith("6 of 12 worse by 2 points")]
        least = worse["saved"].min()
        said = "of the trials of 12 settings, of which 6 are 2 points worse, 40 % are saved on average"
        found.append(Claim(said, f"{100 * least:.1f} % and more", int(worse["n"].min()), bool(least >= 0.4)))
    if "ranked" in tables:
        table = tables["ranked"]
        table = table[~table["case"].str.contains(_LOPSIDED)]
        most = table["left out"].max()
        said = "a best setting is not called among the best in 5 % of rankings, and at most 6 % in any world"
        found.append(Claim(said, f"at most {100 * most:.1f} %", int(table["n"].min()), bool(most <= 0.06)))
    return found


TITLES = {
    "kept": "Races: how often a best setting is dropped",
    "saved": "Races: how many trials are saved when 6 of 12 settings are 2 points worse",
    "limits": "Races: where the promise is near its limit, or not kept",
    "spending": "Races: ways to spend the error",
    "ranked": "Rankings: how often a best setting is not called among the best",
}
SAID = {
    "kept": "The first setting has the lowest true rate, in most cases with others. High: upper end of the 95 % "
    "binomial interval. Where all are equal, nothing should be saved. Where all loop, each says 40 words too many in "
    "one of 300 answers (geometric).",
    "saved": "At most 50 % could be. N is the number of utterances, asked once each; the rate is that of the six "
    "better settings. Others dropped: share of those six, of which five are as good as the one that must be kept.",
    "limits": "All settings have the same true rate. Where only the first suits all speakers alike, its rivals have "
    "little in common, and a speaker whom they do not suit is seen late. Where all but the first loop "
    "now and then, they look better than they are until they do: with a measure that has no upper end no test knows of "
    'what was not seen. A race by sentences (`unit="sentence"`) is not led astray by a few long answers.',
    "spending": "The error may be spent as the share of the data to a power. The world in which the first is dropped "
    "is that above, where it suits all speakers alike.",
    "ranked": "The first setting has the lowest true rate, in most cases with others. High: upper end of the 95 % "
    "binomial interval. Among the best: how many of twelve are.",
}
PARTS: Mapping[str, tuple[Callable[[int, int], pd.DataFrame], int]] = {
    "kept": (study_kept, 4000),
    "saved": (study_saved, 1000),
    "limits": (study_limits, 4000),
    "spending": (study_spending, 4000),
    "ranked": (study_ranked, 4000),
}


def study(parts: Sequence[str] = (), *, small: bool = False) -> dict[str, pd.DataFrame]:
    """Run the parts that are asked for, or all."""
    tables = {}
    for part in parts or PARTS:
        run, n = PARTS[part]
        began = time.process_time()
        tables[part] = run(n // 100 if small else n, SMALL_SEED if small else SEED)
        print(f"{part}: {time.process_time() - began:.0f} s of one core", file=sys.stderr, flush=True)
    return tables


def as_markdown(table: pd.DataFrame) -> str:
    """Write a table: shares in per cent, and texts and numbers of things as they are."""

    def cell(name: str, value: str | float) -> str:
        if isinstance(value, str):
            return value
        return (
            f"{value:,.3g}"
            if name in {"power", "among the best"}
            else f"{value:,.0f}"
            if name in _COUNTS
            else f"{100 * value:.1f}"
        )

    lines = [list(table.columns), ["---"] * table.shape[1]]
    lines += [[cell(name, row[name]) for name in table] for row in table.to_dict("records")]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_COUNTS = {"n", "N", "speakers"}


def report(tables: Mapping[str, pd.DataFrame], seconds: float, seed: int = SEED) -> str:
    """Write down all figures, and what is asked of them."""
    parts = [
        "# Choosing among settings",
        "Written by `python benchmarks/choosing.py`; the worlds are those of the [simulation study](simulations.md), "
        f"with other rates. Per cent of n experiments. {LOOKS} looks, level {100 * LEVEL:.0f} %. Seed {seed}. Took "
        f"{seconds / 60:.0f} minutes of one core.",
        "| asked | found | n, at least | |\n|---|---|---|---|\n"
        + "\n".join(
            f"| {one.claim} | {one.found} | {one.n:,} | {'met' if one.met else '**missed**'} |"
            for one in claims(tables)
        ),
    ]
    for name, table in tables.items():
        parts += [f"## {TITLES[name]}", SAID[name], as_markdown(table)]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Print the parts that are asked for, or write down all."""
    arguments = argparse.ArgumentParser(description="Do races keep the best setting, and what do they save?")
    names = ", ".join(PARTS)
    arguments.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART", help=f"{names} (all)")
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
