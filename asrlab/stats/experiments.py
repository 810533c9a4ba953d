"""Experiments of which the truth is known: drawn, tested as compare() tests them, and counted.

Normal theory takes utterances for independent; here speakers differ in how many errors they make, in how much they say,
and in which setting suits them.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import nctdtr, ndtr, stdtrit

from asrlab.stats.intervals import DEAR
from asrlab.stats.random_streams import stretched
from asrlab.stats.sign_flips import EXACT_BLOCKS, sign_flips

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from asrlab.executors import Where
    from asrlab.stats.population import Population

    Codes = NDArray[np.int64]
    Floats = NDArray[np.float64]

#: With more blocks than this, the sum of their randomly signed contributions is as good as normal.
_NORMAL: Final = 500
#: Numbers held at a time, and experiments simulated at a time.
_CELLS: Final = 2**20
_AT_ONCE: Final = 1024
#: Standard errors that are 0 but for rounding.
_NO_SPREAD: Final = 1e-12
#: For what is equal but for rounding.
_ROUNDING: Final = 1 + 1e-9


def times_found(
    population: Population,
    delta: float,
    speakers: int,
    utterances: int,
    *,
    level: float = 0.05,
    confidence: float = 0.95,
    simulations: int = 2000,
    resamples: int = 1999,
    seed: int = 0,
    executor: Where = None,
) -> int:
    """Count the simulated experiments that find the difference: by p, by the interval, and with the right sign.

    Parameters
    ----------
    population : Population
        What utterances and speakers are drawn from.
    delta : float
        The true difference.
    speakers, utterances : int
        Number of speakers, and of utterances of each on average. Where there are as many speakers as the population has
        ``sizes``, each has its own.
    level : float
        p that the sign-flip test by speaker must not exceed.
    confidence : float
        Of the ratio t interval by speaker that must not contain 0 (:func:`asrlab.stats.intervals.t_intervals`).
    simulations : int
        Number of experiments.
    resamples : int
        Random sign changes of a test with more than 14 speakers. With more than 500 the normal distribution that their
        sum comes close to takes their place: its error is of the order of 1 in 12 times the speakers. The interval is
        then made from the plain linearised variance, which is the same for so many.
    seed : int
        Of all that is random. The speakers of a smaller experiment are the first ones of a larger one.
    executor : Executor, distributed.Client or None
        Where experiments are simulated, if they are many.

    Returns
    -------
    int
        0 where so few speakers cannot give such a p.
    """
    if speakers < fewest_blocks(level):
        return 0
    work = partial(
        _times_found_in,
        population=population,
        delta=delta,
        speakers=speakers,
        utterances=utterances,
        level=level,
        confidence=confidence,
        resamples=resamples,
        seed=seed,
    )
    each = speakers * (utterances + (resamples if speakers <= _NORMAL else 0)) * DEAR
    return sum(stretched(work, simulations, batch=_AT_ONCE, each=each, executor=executor))


def _times_found_in(
    which: range,
    *,
    population: Population,
    delta: float,
    speakers: int,
    utterances: int,
    level: float,
    confidence: float,
    resamples: int,
    seed: int,
) -> int:
    """Count those of the experiments with these numbers that find the difference; the first begins a batch."""
    seen = 0
    for start in range(which.start, which.stop, _AT_ONCE):
        n = min(_AT_ONCE, which.stop - start)
        drawn = _speakers(population, delta, (speakers, utterances, n), [seed, start // _AT_ONCE])
        if speakers > _NORMAL:
            total, whole, squares, products, sizes = np.zeros((5, n))
            for differences, units in drawn:
                total += differences.sum(axis=0)
                whole += units.sum(axis=0)
                squares += (differences**2).sum(axis=0)
                products += (differences * units).sum(axis=0)
                sizes += (units**2).sum(axis=0)
            p = 2 * ndtr(-np.abs(total) / np.sqrt(squares, out=np.ones(n), where=squares > 0))
            ratio = total / whole
            left = np.maximum(squares - 2 * ratio * products + ratio**2 * sizes, 0)
            error = np.sqrt(speakers / (speakers - 1) * left) / whole
        else:
            differences, units = (np.concatenate(some) for some in zip(*drawn, strict=True))
            total = differences.sum(axis=0)
            p = _sign_flip_p(differences, resamples, seed)
            ratio, error = _jackknifed(differences, units)
        outside = np.abs(ratio) > stdtrit(speakers - 1, (1 + confidence) / 2) * error
        seen += int(((p <= level * _ROUNDING) & outside & (total * delta > 0)).sum())
    return seen


def _variances(population: Population, delta: float, utterances: int) -> tuple[float, float]:
    """Give the variance of an utterance's difference, and what that of the sum of a speaker's is more, for each."""
    n, between = population.lengths, population.between(delta)
    numbers = population.numbers(utterances)
    together = float((numbers**2).mean() / numbers.mean()) - 1
    return population.within(delta) * n.mean() + between * (n**2).mean(), together * between * n.mean() ** 2


def design_effect(population: Population, delta: float, utterances: int) -> float:
    """Give the variance of a difference by speaker over what it were if all utterances were independent."""
    alone, together = _variances(population, delta, utterances)
    return 1 + together / alone


def normal_power(population: Population, delta: float, speakers: int, utterances: int, level: float) -> float:
    """Give the power of a t test by speaker if their differences were normal: where to start looking."""
    if speakers < fewest_blocks(level):
        return 0.0
    variance = sum(_variances(population, delta, utterances)) / (speakers * utterances)
    error = math.sqrt(variance) / population.lengths.mean()
    critical = stdtrit(speakers - 1, 1 - level / 2)
    if abs(delta) > (critical + 8) * error:
        return 1.0
    return float(1 - nctdtr(speakers - 1, abs(delta) / error, critical))


def fewest_blocks(level: float) -> int:
    """Give the smallest number of blocks whose smallest p, 2 / 2^G, is not above the level."""
    return math.ceil(1 - math.log2(level * _ROUNDING))


def _speakers(
    population: Population, delta: float, shape: tuple[int, int, int], seed: list[int]
) -> Iterator[tuple[Floats, Floats]]:
    """Draw (speakers, utterances, experiments): yield differences of errors and units, some speakers at a time."""
    # Each has its own luck, so that the speakers of a smaller experiment are the first ones of a larger one.
    picks, tastes, kinds, rounding, hard, means, extra = (np.random.default_rng([*seed, k]) for k in range(7))
    speakers, utterances, n = shape
    numbers, spread = population.numbers(utterances), population.spread
    shown, within, excess = population.shown(), population.within(delta), population.overdispersion - 1
    scale = math.sqrt(within / shown) if within < shown else 1.0
    # Errors that have to come on top for so much variance: their luck, since their mean is part of delta.
    more = math.copysign((within - shown) / population.overdispersion, delta) if within > shown else 0.0
    at_once = max(1, _CELLS // (n * utterances))
    for done in range(0, speakers, at_once):
        g = min(at_once, speakers - done)
        one_each = speakers == len(numbers)
        wanted = numbers[done : done + g, None] if one_each else numbers[kinds.integers(0, len(numbers), (g, n))]
        number = np.floor(wanted + rounding.random((g, n))).astype(np.int64)
        units, errors = _sums(population, number, utterances, picks)
        # Speakers with more errors have larger differences, and larger luck.
        much = hard.standard_gamma(spread**-2, (g, n)) * spread**2 if spread else np.ones((g, n))
        errors *= scale * np.sqrt(much)
        if more and speakers > _NORMAL:
            variance = population.overdispersion * abs(more) * much * units
            errors += np.sqrt(variance) * extra.standard_normal((g, n))
        elif more:
            mean = abs(more) * much * units
            # Poisson with a gamma mean is negative binomial; sums of such numbers are of the same kind.
            drawn = extra.poisson(means.standard_gamma(mean / excess) * excess if excess else mean)
            errors += math.copysign(1, more) * (drawn - mean)
        own = delta + population.interaction / math.sqrt(1 + spread**2) * tastes.standard_normal((g, n))
        yield errors + own * much * units, units


def _sums(
    population: Population, number: NDArray[np.int64], usual: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw so many utterances, of each speaker and experiment: give their units, and the sums of their residuals."""
    lengths, residuals = population.lengths, population.residuals
    if len(lengths) == 1:
        return number * lengths, number * residuals
    units, errors = np.empty(number.size), np.empty(number.size)
    at_once = max(1, _CELLS // usual)
    for done in range(0, number.size, at_once):
        some = number.ravel()[done : done + at_once]
        drawn, first = rng.integers(0, len(lengths), some.sum()), np.cumsum(some) - some
        units[done : done + at_once] = np.add.reduceat(lengths[drawn], first)
        errors[done : done + at_once] = np.add.reduceat(residuals[drawn], first)
    return units.reshape(number.shape), errors.reshape(number.shape)


def _jackknifed(differences: Floats, units: Floats) -> tuple[Floats, Floats]:
    """Give differences of rates and their standard errors; (speakers, experiments). NaN where no spread is seen.

    As :func:`asrlab.stats.intervals.t_intervals`, for many experiments of the same number of speakers.
    """
    whole = units.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = differences.sum(axis=0) / whole
        without = (differences - ratio * units) / (whole - units)
        spread = without.var(axis=0) * (len(units) - 1)
    return ratio, np.where(spread > _NO_SPREAD**2, np.sqrt(spread), np.nan)


def _sign_flip_p(differences: Floats, resamples: int, seed: int) -> Floats:
    """Test many experiments with the same number of speakers; differences are (speakers, experiments)."""
    speakers, n = differences.shape
    if speakers <= EXACT_BLOCKS:
        group = np.repeat(np.arange(n), speakers)
        return sign_flips(differences.T.ravel(), group=group, block=np.tile(np.arange(speakers), n), n_groups=n).p
    rng = np.random.default_rng([seed, 2])
    # Rounding must not turn a swap that ties with what was seen into a smaller one.
    least = np.abs(differences.sum(axis=0)) - 1e-12 * np.abs(differences).sum(axis=0)
    as_large = np.zeros(n)
    batch = _CELLS // max(n, speakers)
    for done in range(0, resamples, batch):
        signs = 1.0 - 2.0 * rng.integers(0, 2, (min(batch, resamples - done), speakers), dtype=np.int8)
        as_large += (np.abs(signs @ differences) >= least).sum(axis=0)
    return (1 + as_large) / (resamples + 1)
