"""Power: how many speakers and utterances a difference needs, and what chance so many had of finding one.

Experiments are simulated and tested as :func:`asrlab.compare` tests them, by speaker. Normal theory takes utterances
for independent, and is wrong by the design effect where settings do better with some speakers than with others.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from scipy.special import nctdtr, ndtr, stdtrit

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.stats.classical import wilson
from asrlab.stats.population import Population, Source, assumed, from_pilot
from asrlab.stats.tests import EXACT_BLOCKS, sign_flips

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Smallest: TypeAlias = Literal["smallest"]

#: With more blocks than this, the sum of their randomly signed contributions is as good as normal.
_NORMAL: Final = 500
#: Random sign changes of a test: at least so many, and so many that p can tell the level; compare() makes 9,999.
_FEWEST_RESAMPLES: Final = 1999
_USUAL_RESAMPLES: Final = 9999
_MOST_RESAMPLES: Final = 99_999
#: Plans end here.
_MOST_BLOCKS: Final = 100_000
_MOST_UTTERANCES: Final = 200_000
#: Numbers held at a time, and experiments simulated at a time.
_CELLS: Final = 2**20
_AT_ONCE: Final = 1024
#: Differences are searched for in steps of a hundredth of a hundredth of a point.
_STEP: Final = 1e-6
#: How far normal theory may be out before nothing is simulated for want of hope.
_ROUGHLY: Final = 0.1
#: So many random sign changes should be as large as what was seen where p is just at the level.
_TELLING: Final = 20
#: Standard errors that are 0 but for rounding.
_NO_SPREAD: Final = 1e-12
#: For what is equal but for rounding.
_ROUNDING: Final = 1 + 1e-9


def power(
    delta: float | Sequence[float] | Smallest,
    pilot: pd.DataFrame | None = None,
    *,
    along: str | None = None,
    baseline: object = None,
    setting: object = None,
    rate: float | None = None,
    length: float = 18.0,
    shared: float = 0.75,
    overdispersion: float = 1.9,
    interaction: float | None = None,
    utterances_spread: float = 0.3,
    speakers: int | Sequence[int] | Smallest = "smallest",
    utterances: int | Sequence[int] | Smallest | None = None,
    target: float = 0.8,
    comparisons: int = 1,
    confidence: float = 0.95,
    unit: str | None = None,
    simulations: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Say how likely an experiment is to find a difference, or how large it must be to find it.

    One of ``delta``, ``speakers`` and ``utterances`` may be ``"smallest"``: the smallest that reaches the target is
    looked for. What varies is taken from a pilot, or assumed around ``rate``. After an experiment, its own scores are
    the pilot: its numbers of speakers and utterances give the chance it had.

    Parameters
    ----------
    delta : float, sequence of float or "smallest"
        True difference of the rates, a share: 0.3 points are 0.003. Its sign says which setting is worse, and hardly
        matters.
    pilot : DataFrame, optional
        A ``scores`` table, from :func:`asrlab.score`, of two settings or more on the same utterances.
    along, baseline, setting : str, optional
        Of the pilot: the axis, and which two of its levels to look at. ``setting`` may be left out where there is only
        one besides the baseline.
    rate : float, optional
        Instead of a pilot: the error rate of the baseline, a share. ``length``, ``shared`` and ``overdispersion`` count
        only then.
    length : float
        Reference units of an utterance on average; they spread as in read books (standard deviation 0.68 of the mean).
    shared : float
        Share of their errors that both settings make alike: 0 where they have nothing to do with each other.
    overdispersion : float
        Variance of the errors of an utterance over their mean: above 1, since errors come in company.
    interaction : float, optional
        Standard deviation over speakers of their true difference, as a share of ``rate``: how much better a setting is
        with some than with others. By default from the pilot; 0.1 where assumed.
    speakers : int, sequence of int or "smallest"
        Number of speakers (recordings, or utterances, where those are the blocks of the pilot).
    utterances : int, sequence of int or "smallest", optional
        Utterances of each speaker. By default as many as in the pilot on average; 20 where assumed.
    target : float
        Power wanted: the chance of finding the difference where it is there.
    comparisons : int
        How many comparisons p will be corrected for. With Holm the difference must pass the first step: p is at most
        ``(1 - confidence) / comparisons``.
    confidence : float
        1 - the level of the test.
    unit : str, optional
        What is counted: says which of the pilot's to take. By default the only one there is; word where assumed.
    simulations : int
        Experiments to simulate for each power.
    seed : int
        Of the simulation. The same seed gives the same table, and compares designs on the same luck.

    Returns
    -------
    DataFrame
        A ``power`` table: a row for each combination. ``power`` counts experiments in which the sign-flip test by
        speaker (:func:`asrlab.stats.tests.sign_flip`) finds a difference of the right sign. What cannot be reached is
        ``<NA>``, and ``note`` says why: too few speakers can find nothing, and where the interaction is large no number
        of utterances makes up for speakers (``power`` is what it comes close to). A smallest number is found to 1 in
        200. ``low`` and ``high`` know of the simulation only: a pilot is itself a sample, and with 24 speakers of 15
        utterances the power it plans has a standard deviation of 5 to 9 points.

    Raises
    ------
    InvalidInput
        If there is neither a pilot nor a rate, or both; numbers are out of their range or look like per cent; more than
        one is to be the smallest; the pilot has no such axis or level, mixes what is not pooled, or shows no spread.

    Notes
    -----
    Speaker g has utterances u drawn with replacement from the population, of n_u units and residual r_u, and differs by
    D_g = Σ r_u + (b_g + delta) Σ n_u, with b_g normal.

    From a pilot, the variances of both come from :func:`asrlab.stats.population.variance_components`; the residuals are
    the pilot's own, scaled. Answers to one utterance (repeats, channels of one speaker) are added up, so that the plan
    has as many of them as the pilot. Assumed, the errors that are not shared are negative binomial under both settings:
    the variance of an utterance's difference is ``2 (1 - shared) overdispersion rate`` times its length.

    The defaults were measured on the published transcripts of Le et al. (2021), 22 systems on LibriSpeech test-clean:
    rates of 2.0 to 3.7 %, 20 words an utterance, overdispersion 1.8 to 2.0; of their 231 pairs, ``shared`` 0.71 to 0.99
    (median 0.81; above 0.9 for small changes of a setting) and ``interaction`` up to 0.19 (median 0.1).

    Utterances are drawn anew for each speaker: a plan knows nothing of a design in which all speakers say the same
    sentences, which may be steadier. And a pilot of few speakers tells little of how much they differ among themselves.

    Examples
    --------
    How many speakers does it take to see one point, at 10 or at 40 utterances of each?

    >>> plan = power(0.01, rate=0.08, utterances=[10, 40])
    >>> plan[["speakers", "utterances", "n_utts", "enough"]].to_dict("records")[1]
    {'speakers': 16, 'utterances': 40, 'n_utts': 640, 'enough': True}
    """
    level = _level(target, comparisons, confidence, simulations, seed)
    if (pilot is None) == (rate is None):
        raise InvalidInput(
            "Give a pilot (a scores table, with along= and baseline=), or the rate= of the baseline to assume, and not "
            "both."
        )
    if interaction is not None:
        _within("interaction", interaction, 0, 10, "a share of the rate, such as 0.1")
    _within("overdispersion", overdispersion, 1, 100, "1 where errors are independent")
    if pilot is not None:
        if along is None or baseline is None:
            raise InvalidInput("Say of the pilot along= which axis, and against which baseline=, the plan is for.")
        source = from_pilot(
            pilot,
            along=along,
            baseline=baseline,
            setting=setting,
            unit=unit,
            overdispersion=overdispersion,
            interaction=interaction,
        )
    else:
        source = assumed(
            rate=_within("rate", rate, 1e-6, 1, "a share: 5 % is 0.05"),
            length=_within("length", length, 0.01, 1e6, "reference units of an utterance, such as 18"),
            shared=_within("shared", shared, 0, 0.9999, "settings that share all errors never differ"),
            overdispersion=overdispersion,
            interaction=interaction,
            utterances_spread=_within("utterances_spread", utterances_spread, 0, 3, "0 where all have equally many"),
            unit=unit or "word",
            seed=seed,
        )
    designs = {
        "delta": _deltas(delta, source.rate),
        "speakers": _counts(speakers, "speakers"),
        "utterances": _counts(source.utterances if utterances is None else utterances, "utterances"),
    }
    wanted = [name for name, given in designs.items() if given == ["smallest"]]
    if len(wanted) > 1:
        raise InvalidInput(
            f"The smallest can be looked for of one, not of {' and '.join(wanted)}: it depends on the others. Give "
            f"numbers for {' and '.join(wanted[1:])}."
        )
    g, m = (max(n if isinstance(n, int) else 1 for n in designs[name]) for name in ("speakers", "utterances"))
    if max(g, _fewest(level)) * m > _MOST_UTTERANCES or g > _MOST_BLOCKS:
        raise InvalidInput(
            f"{g:,} {source.kind}s of {m:,} utterances are more than are simulated: up to {_MOST_BLOCKS:,} "
            f"{source.kind}s, and {_MOST_UTTERANCES:,} utterances in all."
        )
    plan = _Plan(source, level, confidence, target, simulations, seed)
    rows = [plan.row(dict(zip(designs, design, strict=True))) for design in product(*designs.values())]
    table = pd.DataFrame(rows).assign(
        target=target,
        test=f"sign-flip by {source.kind}",
        correction="holm",
        n_comparisons=comparisons,
        confidence=confidence,
        unit=source.unit,
        rate=source.rate,
        n_simulations=simulations,
        seed=seed,
        source=source.name,
    )
    table["enough"] = (table["power"] >= target).fillna(False)
    return tables.check(table, "power")


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

    Returns
    -------
    int
        0 where so few speakers cannot give such a p.
    """
    if speakers < _fewest(level):
        return 0
    seen = 0
    for batch, start in enumerate(range(0, simulations, _AT_ONCE)):
        n = min(_AT_ONCE, simulations - start)
        drawn = _speakers(population, delta, (speakers, utterances, n), [seed, batch])
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


class _Plan(NamedTuple):
    """What the designs of a table have in common."""

    source: Source
    level: float
    confidence: float
    target: float
    simulations: int
    seed: int

    def row(self, design: dict[str, Any]) -> dict[str, Any]:
        """Make the row of a design, one number of which may have to be looked for."""
        wanted = next((name for name, value in design.items() if value == "smallest"), None)
        why, times = "", None
        if wanted != "speakers" and design["speakers"] < (least := _fewest(self.level)):
            times = 0
            design = {name: pd.NA if value == "smallest" else value for name, value in design.items()}
            why = (
                f"{design['speakers']} {self.source.kind}s cannot give p below {2.0 ** (1 - design['speakers']):.2g}, "
                f"and {self.level:.2g} is needed: {least} are the fewest"
            )
        elif wanted:
            value, times, why = self._smallest(design, wanted)
            design = {**design, wanted: value}
        else:
            times = self._times(design)
        low, high = (float(end[0]) for end in wilson([times or 0], [self.simulations]))
        utterances, n_utts = design["utterances"], design["speakers"] * design["utterances"]
        shares = (pd.NA,) * 3 if times is None else (times / self.simulations, low, high)
        return {
            **design,
            "n_utts": n_utts,
            **dict(zip(("power", "low", "high"), shares, strict=True)),
            "design_effect": pd.NA
            if utterances is pd.NA
            else _design_effect(
                self.source.population, 0.0 if design["delta"] is pd.NA else design["delta"], utterances
            ),
            "note": "; ".join(filter(None, [why, self.source.note, self._compared()])) or pd.NA,
        }

    def _compared(self) -> str:
        few = self.level * (_USUAL_RESAMPLES + 1) * _ROUNDING < 1
        return f"compare() needs resamples={math.ceil(1 / self.level)} or more for so small a p" if few else ""

    def _times(self, design: dict[str, Any], population: Population | None = None) -> int:
        enough = math.ceil(_TELLING / self.level / 1000) * 1000 - 1
        return times_found(
            population or self.source.population,
            **design,
            level=self.level,
            confidence=self.confidence,
            simulations=self.simulations,
            resamples=min(max(_FEWEST_RESAMPLES, enough), _MOST_RESAMPLES),
            seed=self.seed,
        )

    def _smallest(self, design: dict[str, Any], wanted: str) -> tuple[Any, int | None, str]:
        """Look for the smallest number that reaches the target: give it, how often it finds, or why there is none."""
        population, level = self.source.population, self.level
        if wanted == "utterances":
            # So many that only their speakers matter.
            ideal = population._replace(lengths=np.ones(1), residuals=np.zeros(1), overdispersion=0.0)
            times = self._times({**design, "utterances": _MOST_UTTERANCES}, ideal)
            if times < self.target * self.simulations:
                kind = self.source.kind
                return pd.NA, times, f"no number of utterances is enough: {kind}s differ too much, take more {kind}s"
        if wanted == "delta":
            least, most, unit = 1, round(1 / _STEP), _STEP
        elif wanted == "speakers":
            least, most, unit = _fewest(level), min(_MOST_BLOCKS, _MOST_UTTERANCES // design["utterances"]), 1
        else:
            least, most, unit = 1, _MOST_UTTERANCES // design["speakers"], 1

        def at(k: int) -> dict[str, Any]:
            return {**design, wanted: k * unit}

        @cache
        def times_at(k: int) -> int:
            return self._times(at(k))

        def roughly(k: int) -> bool:
            return _normal_power(population, **at(k), level=level) >= self.target

        start = _bisected(roughly, least, most, least)
        found = None
        if start is not None or _normal_power(population, **at(most), level=level) > self.target - _ROUGHLY:
            found = _bisected(lambda k: times_at(k) >= self.target * self.simulations, least, most, start or most)
        if found is None:
            much = "the greatest difference is" if wanted == "delta" else f"{most:,} {wanted} are"
            return pd.NA, None, f"not even {much} enough"
        return round(found * unit, 6), times_at(found), ""


def _bisected(enough: Callable[[int], bool], least: int, most: int, start: int) -> int | None:
    """Find the smallest of the numbers that are enough, to 1 in 200; None where not even the most is."""
    low, high, step = least - 1, most, max(1, start // 64)
    if enough(start):
        high = start
        while high - step > low:
            if not enough(high - step):
                low = high - step
                break
            high, step = high - step, 2 * step
    else:
        low = start
        while True:
            if low >= most:
                return None
            if enough(min(low + step, most)):
                high = min(low + step, most)
                break
            low, step = min(low + step, most), 2 * step
    while high - low > max(1, high // 200):
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _fewest(level: float) -> int:
    """Give the smallest number of blocks whose smallest p, 2 / 2^G, is not above the level."""
    return math.ceil(1 - math.log2(level * _ROUNDING))


def _variances(population: Population, delta: float, utterances: int) -> tuple[float, float]:
    """Give the variance of an utterance's difference, and what that of the sum of a speaker's is more, for each."""
    n, between = population.lengths, population.between(delta)
    numbers = population.numbers(utterances)
    together = float((numbers**2).mean() / numbers.mean()) - 1
    return population.within(delta) * n.mean() + between * (n**2).mean(), together * between * n.mean() ** 2


def _design_effect(population: Population, delta: float, utterances: int) -> float:
    alone, together = _variances(population, delta, utterances)
    return 1 + together / alone


def _normal_power(population: Population, delta: float, speakers: int, utterances: int, level: float) -> float:
    """Give the power of a t test by speaker if their differences were normal: where to start looking."""
    if speakers < _fewest(level):
        return 0.0
    variance = sum(_variances(population, delta, utterances)) / (speakers * utterances)
    error = math.sqrt(variance) / population.lengths.mean()
    critical = stdtrit(speakers - 1, 1 - level / 2)
    if abs(delta) > (critical + 8) * error:
        return 1.0
    return float(1 - nctdtr(speakers - 1, abs(delta) / error, critical))


def _speakers(
    population: Population, delta: float, shape: tuple[int, int, int], seed: list[int]
) -> Iterator[tuple[Floats, Floats]]:
    """Draw (speakers, utterances, experiments): yield differences of errors and units, some speakers at a time."""
    # Each has its own luck, so that the speakers of a smaller experiment are the first ones of a larger one.
    picks, tastes, kinds, rounding, means, extra = (np.random.default_rng([*seed, k]) for k in range(6))
    speakers, utterances, n = shape
    numbers = population.numbers(utterances)
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
        errors *= scale
        if more:
            mean = abs(more) * units
            # Poisson with a gamma mean is negative binomial; sums of such numbers are of the same kind.
            drawn = extra.poisson(means.standard_gamma(mean / excess) * excess if excess else mean)
            errors += math.copysign(1, more) * (drawn - mean)
        own = delta + math.sqrt(population.between(delta)) * tastes.standard_normal((g, n))
        yield errors + own * units, units


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


def _level(target: float, comparisons: int, confidence: float, simulations: int, seed: int) -> float:
    """Check what does not depend on the source; give the level of a test after the correction."""
    for name, value, least, most in (
        ("comparisons", comparisons, 1, 1000),
        ("simulations", simulations, 100, 1_000_000),
        ("seed", seed, 0, 2**63),
    ):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
            raise InvalidInput(f"{name} must be a whole number from {least:,} to {most:,}; this is {value!r}.")
    _within("confidence", confidence, 0.5, 0.9999, "such as 0.95")
    level = (1 - confidence) / comparisons
    _within("target", target, level, 0.9999, "a chance above that of a false finding, such as 0.8")
    return level


def _within(name: str, value: object, least: float, most: float, what: str) -> float:
    if not isinstance(value, (int, float, np.number)) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidInput(f"{name} must lie between {least:g} and {most:g} ({what}); this is {value!r}.")
    return float(value)


def _deltas(given: float | Sequence[float] | str, rate: float) -> list[float] | list[str]:
    if isinstance(given, str) and given == "smallest":
        return ["smallest"]
    try:
        deltas = [float(value) for value in np.atleast_1d(np.asarray(given, dtype=np.float64))]
    except (TypeError, ValueError):
        deltas = []
    if not deltas:
        raise InvalidInput(f'delta must be a share such as 0.003, several of them, or "smallest"; this is {given!r}.')
    for delta in deltas:
        if not abs(delta) > 0:
            raise InvalidInput(f"delta must be a true difference, such as 0.003; this is {delta}.")
        # Such a difference is seen without counting; more likely it is given in points.
        if abs(delta) > max(rate, 0.05):
            raise InvalidInput(
                f"delta is a share: {abs(delta):g} is {100 * abs(delta):g} points, where the baseline's whole rate is "
                f"{100 * rate:.3g} %. If {abs(delta):g} points are meant, they are {abs(delta) / 100:g}."
            )
    return deltas


def _counts(given: int | Sequence[int] | str, name: str) -> list[int] | list[str]:
    if isinstance(given, str) and given == "smallest":
        return ["smallest"]
    numbers = np.atleast_1d(np.asarray(given))
    if numbers.dtype.kind not in "iu" or numbers.ndim > 1 or not numbers.size or numbers.min() < 1:
        raise InvalidInput(f'{name} must be a whole number from 1, several of them, or "smallest"; this is {given!r}.')
    return [int(number) for number in numbers]
