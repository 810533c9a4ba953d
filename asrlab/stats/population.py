"""Populations that planned experiments are drawn from: from a pilot, or assumed.

What matters to a comparison is how much the difference between two settings varies: from utterance to utterance, and
from speaker to speaker in what is true of them. Both grow with the difference itself: errors that only one of the
settings makes bring their own luck, which a pilot without a difference does not show.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.special import gammaincinv

from asrlab import groups
from asrlab.errors import InvalidInput
from asrlab.stats.blocks import SPEAKERS_MAY_REPEAT
from asrlab.stats.pairing import pair_up

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]
    Floats = NDArray[np.float64]

#: Different utterances of an assumed population, and how many of each speaker where nobody says.
_ASSUMED: Final = 2**14
_USUAL_UTTERANCES: Final = 20
#: Standard deviation of the lengths of utterances over their mean: of LibriSpeech test-clean, 13.7 / 20.1 words.
_LENGTH_SPREAD: Final = 0.68
#: Relative numbers of utterances of assumed speakers.
_SPEAKERS: Final = 2**10
#: Standard deviation of speakers' error rates over their mean (LibriSpeech test-clean: 0.37 to 0.42).
_RATES_SPREAD: Final = 0.4
#: What is equal but for rounding.
_ROUNDING: Final = 1e-9
#: Fewer blocks than this tell little of how much they differ among themselves.
_FEW: Final = 10


class Population(NamedTuple):
    """Utterances that experiments are drawn from, and how much speakers differ."""

    lengths: Floats  #: reference units of each utterance
    residuals: Floats  #: its errors under the setting minus those under the baseline, less what all and its speaker do
    interaction: float  #: standard deviation over speakers of their true difference where there is none on average
    rate: float  #: of the baseline
    unshared: float  #: share of the errors of the better setting that the other does not make
    overdispersion: float  #: variance of an utterance's errors over their mean, at least 1
    sizes: Floats = np.ones(1)  #: relative numbers of utterances of speakers, with mean 1
    spread: float = 0.0  #: of speakers' error rates, over their mean
    difference: float = 0.0  #: of the rates where the residuals were seen, without its sign

    def shown(self) -> float:
        """Give the variance of an utterance's residual, for each unit of its length."""
        return float((self.residuals**2).sum() / self.lengths.sum())

    def within(self, delta: float) -> float:
        """Give that of the difference of an utterance's errors where the rates differ by ``delta``.

        Each setting makes errors alone: the better one a share of its own, the other as many and those that make it
        worse. They are independent, so that their variances add up. Where less is made worse than was seen, no more
        than the variance of independent errors is taken off, since the overdispersion is not seen.
        """
        better = max(min(self.rate, self.rate + delta), 0.0)
        within = self.overdispersion * (2 * self.unshared * better + abs(delta))
        return max(within, self.shown() - (self.difference - abs(delta))) if abs(delta) < self.difference else within

    def between(self, delta: float) -> float:
        """Give the variance over speakers of their true difference where the rates differ by ``delta``.

        What a setting makes worse or better is in proportion to a speaker's error rate; the interaction comes on top.
        """
        return self.interaction**2 + (self.spread * delta) ** 2

    def numbers(self, utterances: int) -> Floats:
        """Give what the speakers' numbers of utterances are drawn from: at least 1, on average ``utterances``."""
        least, most = 0.0, float(utterances)
        while most - least > _ROUNDING * utterances:
            middle = (least + most) / 2
            enough = np.maximum(middle * self.sizes, 1).mean() >= utterances
            least, most = (least, middle) if enough else (middle, most)
        return np.maximum(most * self.sizes, 1)


class Components(NamedTuple):
    """What differences vary by, for each unit of the reference."""

    within: float  #: the variance of an utterance's difference of errors is ``within`` times its length
    between: float  #: variance over speakers of their true difference of rates; an estimate may come out below 0


class Source(NamedTuple):
    """A population, and what a table says of it."""

    population: Population
    rate: float  #: pooled rate of the baseline
    unit: str
    kind: str  #: what its blocks are
    utterances: int  #: how many a block usually has
    name: str  #: pilot, or assumed
    note: str


def variance_components(differences: Floats, lengths: Floats, block: Codes) -> Components:
    """Tell what speakers contribute to the spread of a difference from what utterances do.

    Analysis of variance for blocks of unequal size: the blocks' differences of rates, weighted by length, are held
    against what the spread of utterances within blocks makes by itself (Searle, Casella & McCulloch, Variance
    Components, 1992, section 3.6), so that the noise of a block's mean is not taken for a trait of its speaker. With
    R_g = D_g / N_g and R = D / N,

        within = Σ (d_u - n_u R_g)² / Σ_g (N_g - Σ n_u² / N_g)
        between = (Σ N_g (R_g - R)² - (G - 1) within) / (N - Σ N_g² / N).

    Parameters
    ----------
    differences : ndarray of float, shape (U,)
        Errors of each utterance under a setting minus those under the baseline.
    lengths : ndarray of float, shape (U,)
        Its reference units.
    block : ndarray of int, shape (U,)
        Its block, from 0.

    Returns
    -------
    Components
        Unbiased where the variance of a difference is proportional to its length. ``between`` is not cut off at 0. Both
        are NaN where no block has two utterances, ``between`` also where there is one block only.
    """
    size, squares = np.bincount(block, lengths), np.bincount(block, lengths**2)
    some = size > 0
    means = np.divide(np.bincount(block, differences), size, out=np.zeros(len(size)), where=some)
    free = float((size[some] - squares[some] / size[some]).sum())
    if free <= _ROUNDING * size.sum():
        return Components(math.nan, math.nan)
    kept = some[block]
    within = float(((differences - lengths * means[block])[kept] ** 2).sum()) / free
    size, means = size[some], means[some]
    if len(size) < 2:
        return Components(within, math.nan)
    whole = size.sum()
    among = float((size * (means - (size * means).sum() / whole) ** 2).sum())
    return Components(within, float((among - (len(size) - 1) * within) / (whole - (size**2).sum() / whole)))


def assumed(
    *,
    rate: float,
    length: float,
    shared: float,
    overdispersion: float,
    interaction: float,
    utterances_spread: float,
    unit: str,
    seed: int,
) -> Source:
    """Make a population of what is assumed; the parameters are those of :func:`asrlab.stats.power.power`.

    Lengths of utterances and their numbers are gamma distributed. The errors that are not shared are negative binomial
    under both settings.
    """
    rng = np.random.default_rng([seed, 3])
    lengths = length * _gamma(_LENGTH_SPREAD, _ASSUMED)
    own, excess = lengths * rate * (1 - shared), overdispersion - 1
    # Poisson with a gamma mean is negative binomial.
    one, other = (rng.poisson(rng.gamma(own / excess, excess) if excess else own) for _ in range(2))
    if not (one - other).any():
        raise InvalidInput(
            f"With rate={rate:g} and shared={shared:g} the two settings hardly ever differ: too few errors to plan by. "
            "Give a pilot, or look for more errors in longer recordings."
        )
    note = (
        f"assumed: {length:g} {unit}s an utterance, {shared:g} of errors shared, overdispersion {overdispersion:g}, "
        f"setting x speaker interaction {interaction:g} of the rate, numbers of utterances with a spread of "
        f"{utterances_spread:g} of their mean"
    )
    population = Population(
        lengths,
        _scaled((one - other).astype(np.float64), lengths, 2 * overdispersion * rate * (1 - shared)),
        interaction * rate,
        rate,
        1 - shared,
        overdispersion,
        _gamma(utterances_spread, _SPEAKERS) if utterances_spread else np.ones(1),
        _RATES_SPREAD,
    )
    return Source(population, rate, unit, "speaker", _USUAL_UTTERANCES, "assumed", note)


def from_pilot(
    pilot: pd.DataFrame,
    *,
    along: str,
    baseline: object,
    setting: object,
    unit: str | None,
    overdispersion: float,
    interaction: float | None,
) -> Source:
    """Make a population of a pilot's utterances; the parameters are those of :func:`asrlab.stats.power.power`.

    Raises
    ------
    InvalidInput
        If nothing can be paired, what is not pooled is mixed, or there is no spread to be seen.
    """
    arm, base = _pairs(pilot, along, baseline, setting, unit)
    kind = str(base["block_kind"].iloc[0])
    # Answers to one utterance of one speaker, that is repeats and channels, are added up.
    # By name, so that the same seed draws the same ones in whatever order the rows are.
    blocks = groups.in_order(base["block"])
    utterance = groups.combined([blocks, groups.in_order(base["utt_id"])])
    (e, n), (e0, n0) = (
        tuple(np.bincount(utterance, side[name].to_numpy(np.float64)) for name in ("errors", "ref_len"))
        for side in (arm, base)
    )
    if not n.sum() or not n0.sum():
        raise InvalidInput("The pilot has no reference units, so that it has no rates. Mark it against references.")
    rate, lengths = e0.sum() / n0.sum(), (n + n0) / 2
    delta = e.sum() / n.sum() - rate
    # What each contributes to the difference of the rates: e - e0, where both have the same lengths.
    contributed = (e - (rate + delta) * n) / n.sum() - (e0 - rate * n0) / n0.sum()
    differences = contributed * lengths.sum() + delta * lengths
    block = blocks[groups.firsts(utterance)]
    count = int(block.max()) + 1
    if np.abs(differences - delta * lengths).max() <= _ROUNDING * max(1.0, e.sum()):
        alike = "differ alike" if delta else "do not differ"
        raise InvalidInput(
            f"No spread in the pilot: under the two settings its utterances ({len(lengths)}) {alike}. Ask more of it, "
            "or assume a rate=."
        )
    if count == 1 and interaction is None:
        raise InvalidInput(
            f"The pilot has one {kind}, which cannot show how much {kind}s differ. Give interaction=, such as 0.1, or "
            f"a pilot of more {kind}s."
        )
    within, between = variance_components(differences, lengths, block)
    if interaction is not None:
        between = (interaction * rate) ** 2
    seen_apart = not math.isnan(between)
    spread, between = (_RATES_SPREAD, max(between, 0.0)) if seen_apart else (0.0, 0.0)
    if not between or math.isnan(within):
        whole = lengths.sum()
        within = float(((differences - delta * lengths) ** 2).sum() / (whole - (lengths**2).sum() / whole))
    # A block's own difference, drawn towards that of all by as much as it may be luck.
    size = np.bincount(block, lengths)
    luck = within / (within + between * size)
    means = np.divide(np.bincount(block, differences), size, out=np.full(count, delta), where=size > 0)
    own = delta * luck + means * (1 - luck)
    residuals = _scaled(differences - own[block] * lengths, lengths, within)
    # How large the difference of the pilot is, less what its own luck makes of it on average.
    seen = math.sqrt(max(delta**2 - float((within * size + between * size**2).sum() / size.sum() ** 2), 0.0))
    if interaction is None:
        # Some of how much speakers differ is that of their error rates, to which the difference is in proportion.
        between = max(between - (spread * seen) ** 2, 0.0)
    notes = [SPEAKERS_MAY_REPEAT] if kind == "utterance" else []
    if seen_apart:
        share = f"setting x {kind} interaction {math.sqrt(between) / rate:.2g} of the rate" if rate else ""
        few = f"which {count} {kind}s tell little about" if interaction is None and count < _FEW else ""
        notes.append(", ".join(filter(None, [share, few])))
    elif kind != "utterance":
        notes.append(f"one utterance of each {kind}: an interaction cannot be seen, and none is assumed")
    # Errors that an utterance's answers share come as many times as there are answers.
    overdispersion *= len(base) / len(lengths)
    better = min(rate, rate + delta)
    if better > 0:
        unshared = max(within / overdispersion - seen, 0.0) / (2 * better)
    else:  # all is made by one of them
        unshared, overdispersion = 0.0, max(overdispersion, within / abs(delta))
    counts = np.bincount(block)
    population = Population(
        lengths,
        residuals,
        math.sqrt(between),
        float(rate),
        unshared,
        overdispersion,
        counts / counts.mean(),
        spread,
        seen,
    )
    return Source(
        population,
        float(rate),
        str(base["unit"].iloc[0]),
        kind,
        max(1, round(len(lengths) / count)),
        "pilot",
        "; ".join(filter(None, notes)),
    )


def _gamma(spread: float, n: int) -> Floats:
    """Give evenly spaced quantiles of a gamma distribution of mean 1."""
    values: Floats = np.asarray(gammaincinv(spread**-2, (np.arange(n) + 0.5) / n), dtype=np.float64)
    values /= values.mean()
    return values


def _scaled(residuals: Floats, lengths: Floats, within: float) -> Floats:
    """Centre residuals, and give them the variance ``within`` for each unit of the reference."""
    residuals = residuals - lengths * (residuals.sum() / lengths.sum())
    return residuals * math.sqrt(within * lengths.sum() / (residuals**2).sum())


def _pairs(
    pilot: pd.DataFrame, along: str, baseline: object, setting: object, unit: str | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the pilot's answers under a setting, and their partners under the baseline."""
    if unit is not None and "unit" in pilot.columns:
        there = pilot["unit"].unique()
        pilot = pilot[(pilot["unit"] == unit).to_numpy(np.bool, na_value=False)]
        if pilot.empty:
            raise InvalidInput(
                f"Nothing in the pilot is counted in unit={unit!r}; it has {', '.join(map(str, there))}."
            )
    pairs = pair_up(pilot, along, baseline)
    levels = list(dict.fromkeys(pairs.level))
    if setting is None and len(levels) > 1:
        raise InvalidInput(f"Say with setting= which level of {along} to hold against {baseline}: {', '.join(levels)}.")
    setting = levels[0] if setting is None else str(setting)
    rows = np.flatnonzero(np.array(pairs.level) == setting)
    if not len(rows):
        raise InvalidInput(f"{along} has no level {setting!r} besides the baseline; it has {', '.join(levels)}.")
    for name in [*pairs.keys, *groups.APART, "block_kind"]:
        if len(found := pairs.labels.iloc[rows][name].unique()) > 1:
            say = f"unit={str(found[0])!r}" if name == "unit" else f"scores[scores[{name!r}] == {str(found[0])!r}]"
            raise InvalidInput(
                f"The pilot has {len(found)} kinds of {name} ({', '.join(map(str, found))}), and a plan is for one. "
                f"Keep one: {say}."
            )
    chosen = pairs.row == rows[0]
    if not chosen.any():
        raise InvalidInput(f"No answer of {along} {setting} in the pilot has a partner of {baseline}.")
    arm, base = (pairs.marked.iloc[side[chosen]] for side in (pairs.arm, pairs.base))
    return arm, base
