"""Power: how many speakers and utterances a difference needs, and what chance so many had of finding one.

Experiments are simulated and tested as :func:`asrlab.compare` tests them, by speaker; a finding has the test and the
interval on its side. Normal theory takes utterances for independent, and is wrong by the design effect where settings
do better with some speakers than with others.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.executors import check_executor, mapped
from asrlab.stats.arguments import between, whole
from asrlab.stats.classical import wilson
from asrlab.stats.experiments import design_effect, fewest_blocks, normal_power, times_found
from asrlab.stats.population import Population, Source, assumed, from_pilot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from asrlab.executors import Where

    Floats = NDArray[np.float64]

Smallest: TypeAlias = Literal["smallest"]

#: Random sign changes of a test: at least so many, and so many that p can tell the level; compare() makes 9,999.
_FEWEST_RESAMPLES: Final = 1999
_USUAL_RESAMPLES: Final = 9999
_MOST_RESAMPLES: Final = 99_999
#: Plans end here.
_MOST_BLOCKS: Final = 100_000
_MOST_UTTERANCES: Final = 200_000
#: Standard deviation of speakers' differences over the rate where nobody says: see power().
_USUAL_INTERACTION: Final = 0.1
#: Differences are searched for in steps of a hundredth of a hundredth of a point.
_STEP: Final = 1e-6
#: How far normal theory may be out before nothing is simulated for want of hope.
_ROUGHLY: Final = 0.1
#: So many random sign changes should be as large as what was seen where p is just at the level.
_TELLING: Final = 20
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
    executor: Where = None,
) -> pd.DataFrame:
    """Say how likely an experiment is to find a difference, or how large it must be to find it.

    One of ``delta``, ``speakers`` and ``utterances`` may be ``"smallest"``: the smallest that reaches the target is
    looked for. What varies is taken from a pilot, or assumed around ``rate``. After an experiment, its own scores are
    the pilot: its numbers of speakers and utterances give the chance it had.

    Parameters
    ----------
    delta : float, sequence of float or "smallest"
        True difference of the rates, a share: 0.3 points are 0.003. Its sign says which setting is worse: above 0 the
        one held against the baseline.
    pilot : DataFrame, optional
        A ``scores`` table, from :func:`asrlab.score`, of two settings or more on the same utterances.
    along, baseline, setting : str, optional
        Of the pilot: the axis, and which two of its levels to look at. ``setting`` may be left out where there is only
        one besides the baseline.
    rate : float, optional
        Instead of a pilot: the error rate of the baseline, a share. ``length``, ``shared`` and ``utterances_spread``
        count only then.
    length : float
        Reference units of an utterance on average; they spread as in read books (standard deviation 0.68 of the mean).
    shared : float
        Share of the errors of the better of two settings that the other makes too: 0 where they have nothing to do with
        each other.
    overdispersion : float
        Variance of the errors of an utterance over their mean: above 1, since errors come in company. Of a pilot too:
        for the errors that ``delta`` adds to what the pilot shows. Only with few of them does it matter.
    interaction : float, optional
        Standard deviation over speakers of their true difference where there is none on average, as a share of
        ``rate``: how much better a setting is with some than with others. By default from the pilot; 0.1 where assumed.
        That a difference is larger for speakers with more errors comes on top.
    utterances_spread : float
        Standard deviation of the speakers' numbers of utterances over their mean; 0 where all have equally many.
    speakers : int, sequence of int or "smallest"
        Number of speakers (recordings, or utterances, where those are the blocks of the pilot).
    utterances : int, sequence of int or "smallest", optional
        Utterances of each speaker, on average. By default as many as in the pilot; 20 where assumed. How unequal
        speakers are is drawn from those of the pilot; with as many speakers as the pilot has, they are just its own.
    target : float
        Power wanted: the chance of finding the difference where it is there.
    comparisons : int
        How many comparisons p will be corrected for. With Holm the difference must pass the first step: p is at most
        ``(1 - confidence) / comparisons``.
    confidence : float
        1 - the level of the test; and of the interval, which is not corrected.
    unit : str, optional
        What is counted: says which of the pilot's to take. By default the only one there is; word where assumed.
    simulations : int
        Experiments to simulate for each power.
    seed : int
        Of the simulation. The same seed gives the same table, and compares designs on the same luck.
    executor : Executor, distributed.Client or None
        Where experiments are simulated: see :func:`asrlab.score`. The table is the same wherever.

    Returns
    -------
    DataFrame
        A ``power`` table: a row for each combination. ``power`` counts experiments in which the sign-flip test by
        speaker (:func:`asrlab.stats.sign_flips.sign_flip`) finds a difference, the interval by speaker (jackknife of a
        ratio, t with G - 1 degrees of freedom) does not contain 0 either, and the sign is right. ``n_utts`` is the
        expected total. What cannot be reached is ``<NA>``, and ``note`` says why: too few speakers can find nothing,
        and where the interaction is large no number of utterances makes up for speakers (``power`` is what it comes
        close to). A smallest number is found to 1 in 200. ``low`` and ``high`` know of the simulation only. A pilot is
        itself a sample: 80 % planned from one of 24 speakers turned out as 80 to 84 % on average, with a standard
        deviation of 9 to 12 points and 52 % at worst (40 simulated pilots each of 15 or 65 utterances a speaker, rates
        of 3 and 8 %).

    Raises
    ------
    InvalidInput
        If there is neither a pilot nor a rate, or both; numbers are out of their range or look like per cent; more than
        one is to be the smallest; the pilot has no such axis or level, mixes what is not pooled, or shows no spread.

    Notes
    -----
    Speaker g has utterances u drawn with replacement from the population, of n_u units and residual r_u, and s_g times
    as many errors as others (gamma, mean 1, standard deviation 0.4), so that the setting differs there by

        D_g = √s_g Σ r_u + x_g + s_g (delta + b_g) Σ n_u

    with b_g normal. Errors that only one setting makes have their own luck: of one unit of the reference, the
    difference has the variance

        within(delta) = overdispersion · (2 (1 - shared) · rate of the better setting + abs(delta)).

    Where that is more than the residuals have, x_g makes up for it: the errors of a negative binomial distribution less
    their mean; where it is less, the residuals are scaled. Without that, a pilot with few errors and no difference
    would promise much too much: 90 % where 42 % are found (7 extra words of 7,200, and 2 on either side; now 34 %,
    and 51 % with ``overdispersion=1``, which is the truth there).

    From a pilot, the variances come from :func:`asrlab.stats.population.variance_components`, and ``1 - shared`` is
    what they leave for it at the pilot's own difference (less its luck); the residuals are the pilot's own. Answers to
    one utterance (repeats, channels of one speaker) are added up, so that the plan has as many of them as the pilot.
    Assumed, residuals are the difference of two negative binomial numbers, and numbers of utterances are gamma
    distributed.

    The defaults were measured on the published transcripts of Le et al. (2021), 22 systems on LibriSpeech test-clean:
    rates of 2.0 to 3.7 %, with a standard deviation over speakers of 0.37 to 0.42 of them, 20 words an utterance, 65
    utterances a speaker (standard deviation 20), overdispersion 1.8 to 2.0; of their 231 pairs, ``shared`` 0.71 to 0.99
    (of the errors of both; median 0.81; above 0.9 for small changes of a setting) and ``interaction`` up to 0.19
    (median 0.1, with what is in proportion to speakers' rates). Plans from assumptions for 80 % found 78 to 84 % in
    worlds of that kind, rates of 3 to 10 % and differences of 0.3 to 2 points (4,000 simulated experiments each).

    Utterances are drawn anew for each speaker: a plan knows nothing of a design in which all speakers say the same
    sentences, which may be steadier. And a pilot of few speakers tells little of how much they differ among themselves.

    Examples
    --------
    How many speakers does it take to see one point, at 10 or at 40 utterances of each?

    >>> plan = power(0.01, rate=0.08, utterances=[10, 40])
    >>> plan[["speakers", "utterances", "n_utts", "enough"]].to_dict("records")[1]
    {'speakers': 19, 'utterances': 40, 'n_utts': 760, 'enough': True}
    """
    level = _level(target, comparisons, confidence, simulations, seed)
    check_executor(executor)
    if (pilot is None) == (rate is None):
        raise InvalidInput(
            "Give a pilot (a scores table, with along= and baseline=), or the rate= of the baseline to assume, and not "
            "both."
        )
    if interaction is not None:
        between("interaction", interaction, 0, 10, "a share of the rate, such as 0.1")
    between("overdispersion", overdispersion, 1, 100, "1 where errors are independent")
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
            rate=between("rate", rate, 1e-6, 1, "a share: 5 % is 0.05"),
            length=between("length", length, 0.01, 1e6, "reference units of an utterance, such as 18"),
            shared=between("shared", shared, 0, 0.9999, "settings that share all errors never differ"),
            overdispersion=overdispersion,
            interaction=_USUAL_INTERACTION if interaction is None else interaction,
            utterances_spread=between("utterances_spread", utterances_spread, 0, 3, "0 where all have equally many"),
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
    if max(g, fewest_blocks(level)) * m > _MOST_UTTERANCES or g > _MOST_BLOCKS:
        raise InvalidInput(
            f"{g:,} {source.kind}s of {m:,} utterances are more than are simulated: up to {_MOST_BLOCKS:,} "
            f"{source.kind}s, and {_MOST_UTTERANCES:,} utterances in all."
        )
    plan = _Plan(source, level, confidence, target, simulations, seed)
    each = [dict(zip(designs, design, strict=True)) for design in product(*designs.values())]
    rows = [plan.row(each[0], executor)] if len(each) == 1 else list(mapped(plan.row, each, executor))
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


class _Plan(NamedTuple):
    """What the designs of a table have in common."""

    source: Source
    level: float
    confidence: float
    target: float
    simulations: int
    seed: int

    def row(self, design: dict[str, Any], executor: Where = None) -> dict[str, Any]:
        """Make the row of a design, one number of which may have to be looked for."""
        wanted = next((name for name, value in design.items() if value == "smallest"), None)
        why, times = "", None
        if wanted != "speakers" and design["speakers"] < (least := fewest_blocks(self.level)):
            times = 0
            design = {name: pd.NA if value == "smallest" else value for name, value in design.items()}
            why = (
                f"{design['speakers']} {self.source.kind}{'s' * (design['speakers'] != 1)} cannot give p below "
                f"{2.0 ** (1 - design['speakers']):.2g}, and {self.level:.2g} is needed: {least} are the fewest"
            )
        elif wanted:
            value, times, why = self._smallest(design, wanted, executor)
            design = {**design, wanted: value}
        else:
            times = self._times(design, executor)
        low, high = (float(end[0]) for end in wilson([times or 0], [self.simulations]))
        utterances, n_utts = design["utterances"], design["speakers"] * design["utterances"]
        delta = 0.0 if design["delta"] is pd.NA else design["delta"]
        shares = (pd.NA,) * 3 if times is None else (times / self.simulations, low, high)
        return {
            **design,
            "n_utts": n_utts,
            **dict(zip(("power", "low", "high"), shares, strict=True)),
            "design_effect": pd.NA if utterances is pd.NA else design_effect(self.source.population, delta, utterances),
            "note": "; ".join(filter(None, [why, self.source.note, self._compared()])) or pd.NA,
        }

    def _compared(self) -> str:
        few = self.level * (_USUAL_RESAMPLES + 1) * _ROUNDING < 1
        return f"compare() needs resamples={math.ceil(1 / self.level)} or more for so small a p" if few else ""

    def _times(self, design: dict[str, Any], executor: Where, population: Population | None = None) -> int:
        enough = math.ceil(_TELLING / self.level / 1000) * 1000 - 1
        return times_found(
            population or self.source.population,
            **design,
            level=self.level,
            confidence=self.confidence,
            simulations=self.simulations,
            resamples=min(max(_FEWEST_RESAMPLES, enough), _MOST_RESAMPLES),
            seed=self.seed,
            executor=executor,
        )

    def _smallest(self, design: dict[str, Any], wanted: str, executor: Where) -> tuple[Any, int | None, str]:
        """Look for the smallest number that reaches the target: give it, how often it finds, or why there is none."""
        population, level = self.source.population, self.level
        if wanted == "utterances":
            # So many that only their speakers matter.
            ideal = population._replace(lengths=np.ones(1), residuals=np.zeros(1), overdispersion=0.0)
            times = self._times({**design, "utterances": _MOST_UTTERANCES}, executor, ideal)
            if times < self.target * self.simulations:
                kind = self.source.kind
                return pd.NA, times, f"no number of utterances is enough: {kind}s differ too much, take more {kind}s"
        if wanted == "delta":
            least, most, unit = 1, round(1 / _STEP), _STEP
        elif wanted == "speakers":
            least, most, unit = fewest_blocks(level), min(_MOST_BLOCKS, _MOST_UTTERANCES // design["utterances"]), 1
        else:
            least, most, unit = 1, _MOST_UTTERANCES // design["speakers"], 1

        def at(k: int) -> dict[str, Any]:
            return {**design, wanted: k * unit}

        @cache
        def times_at(k: int) -> int:
            return self._times(at(k), executor)

        def roughly(k: int) -> bool:
            return normal_power(population, **at(k), level=level) >= self.target

        start = _bisected(roughly, least, most, least)
        found = None
        if start is not None or normal_power(population, **at(most), level=level) > self.target - _ROUGHLY:
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


def _level(target: float, comparisons: int, confidence: float, simulations: int, seed: int) -> float:
    """Check what does not depend on the source; give the level of a test after the correction."""
    whole("comparisons", comparisons, 1, 1000)
    whole("simulations", simulations, 100, 1_000_000)
    whole("seed", seed, 0)
    between("confidence", confidence, 0.5, 0.9999, "such as 0.95")
    level = (1 - confidence) / comparisons
    between("target", target, level, 0.9999, "a chance above that of a false finding, such as 0.8")
    return level


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
