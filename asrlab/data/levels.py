"""Levels of speech and noise, in dBov: 0 dBov is the power of a full-scale square wave."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp, log10
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

BLOCK: Final = 1 << 20
"""Samples that are worked on at a time: bounds the memory that a long recording takes beside its own."""

_TIME_CONSTANT_S: Final = 0.03
_HANGOVER_S: Final = 0.2
_MARGIN_DB: Final = 15.9
# The Recommendation has those from 2**-15 on, for 16 bits. Further down they make no difference but to fainter speech.
_THRESHOLDS: Final = tuple(2.0**power for power in range(-24, 0))


@dataclass(frozen=True)
class SpeechLevel:
    """How loud the speech in a channel is.

    Parameters
    ----------
    level_db : float
        Active speech level in dBov: the mean power over the time in which somebody speaks.
    activity : float
        Share of the time in which somebody does.
    """

    level_db: float
    activity: float


def speech_level(samples: Floats, rate: int) -> SpeechLevel | None:
    """Measure the active speech level by ITU-T P.56, method B.

    Parameters
    ----------
    samples : ndarray of float32, shape (samples,)
        One channel; full scale is 1.
    rate : int
        Sampling rate in Hz.

    Returns
    -------
    SpeechLevel or None
        None where there is nothing louder than -128 dBov. Without the filters that the Recommendation leaves open, and
        interpolated to the exact margin (its programme stops within 0.1 dB). Where the envelope never stays within the
        margin of the power, as in a recording of clicks, the time is that above the highest threshold reached.

    Notes
    -----
    The envelope is the rectified signal, smoothed twice by exponential averages of 0.03 s. At each of a row of
    thresholds a factor of 2 apart, speech is active while the envelope has reached the threshold, and for 0.2 s
    after. Wanted is the threshold that lies 15.9 dB below the power averaged over the time active at it. ITU-T
    Recommendation P.56 (12/2011), Objective measurement of active speech level.
    """
    power, counts = _counted(samples, rate)
    reached = [
        (10 * log10(power / count), 20 * log10(c)) for c, count in zip(_THRESHOLDS, counts, strict=True) if count
    ]
    above = [level - threshold - _MARGIN_DB for level, threshold in reached]
    if not above or above[0] <= 0:
        return None
    crossed = next((place for place, margin in enumerate(above) if margin <= 0), None)
    if crossed is None:
        level = reached[-1][0]
    else:
        share = above[crossed - 1] / (above[crossed - 1] - above[crossed])
        level = reached[crossed - 1][0] + share * (reached[crossed][0] - reached[crossed - 1][0])
    return SpeechLevel(level, power / len(samples) / 10 ** (level / 10))


def rms_level(samples: Floats) -> float | None:
    """Measure the mean power, over all channels and the whole time.

    Parameters
    ----------
    samples : ndarray of float32
        Full scale is 1.

    Returns
    -------
    float or None
        In dBov; None where there is nothing but zeros.
    """
    power = sum(float(np.square(block, dtype=np.float64).sum()) for block in _blocks(samples.reshape(-1)))
    return 10 * log10(power / samples.size) if power > 0 else None


def amplitude(level_db: float) -> np.float32:
    """Factor of amplitude that a number of dB is."""
    return np.float32(10 ** (level_db / 20))


def _counted(samples: Floats, rate: int) -> tuple[float, list[int]]:
    """Sum up the squares, and count the samples at which speech is active for each threshold."""
    from scipy.signal import lfilter  # noqa: PLC0415 - slow to import, and seldom needed

    keep = exp(-1 / (rate * _TIME_CONSTANT_S))
    smooth: tuple[Any, Any] = [(1 - keep) ** 2], [1.0, -2 * keep, keep**2]
    state = np.zeros(2)
    activities = [_Activity(ceil(rate * _HANGOVER_S)) for _ in _THRESHOLDS]
    power = 0.0
    for block in _blocks(samples):
        power += float(np.square(block, dtype=np.float64).sum())
        envelope, state = lfilter(*smooth, np.abs(block, dtype=np.float64), zi=state)
        greatest = float(envelope.max())
        for threshold, activity in zip(_THRESHOLDS, activities, strict=True):
            activity.add(envelope >= threshold if threshold <= greatest else None, len(block))
    return power, [activity.count for activity in activities]


class _Activity:
    """Counts the samples at which a threshold is reached, or was a moment ago."""

    def __init__(self, hangover: int) -> None:
        self._hangover = self._since = hangover  # nothing hangs over at the beginning
        self.count = 0

    def add(self, reached: NDArray[np.bool_] | None, length: int) -> None:
        """Count in a block of some length; None where the threshold is reached nowhere."""
        if reached is None:
            self._quiet(length)
            return
        changes = np.flatnonzero(reached[1:] != reached[:-1]) + 1
        runs = np.diff(changes, prepend=0, append=length)
        if not reached[0]:
            self._quiet(int(runs[0]))
            runs = runs[1:]
        self.count += int(runs[::2].sum() + np.minimum(runs[1::2], self._hangover).sum())
        if len(runs):
            self._since = 0 if len(runs) % 2 else int(runs[-1])

    def _quiet(self, length: int) -> None:
        self.count += min(length, max(0, self._hangover - self._since))
        self._since += length


def _blocks(samples: Floats) -> Iterator[Floats]:
    return (samples[begin : begin + BLOCK] for begin in range(0, len(samples), BLOCK))
