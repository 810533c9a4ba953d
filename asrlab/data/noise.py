"""Noise: made by its spectrum, or taken from recordings; and rooms, which are noise that dies away."""

from __future__ import annotations

from math import ceil, log2, sqrt
from typing import TYPE_CHECKING, Final

import numpy as np

from asrlab.data.levels import BLOCK

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_LOWEST_HZ: Final = 20.0  # below nobody hears anything, and brown noise would have most of its power
# The long-term spectrum of speech of men and women in 12 languages, in dB in bands of a third of an octave at 70 dB
# overall: D. Byrne et al., An international comparison of long-term average speech spectra, J. Acoust. Soc. Am. 96
# (1994), 2108-2120, table II.
_SPEECH_DB: Final = {
    63: 38.6, 80: 43.5, 100: 54.4, 125: 57.7, 160: 56.8, 200: 60.2, 250: 60.3, 315: 59.0, 400: 62.1, 500: 62.1,
    630: 60.5, 800: 56.8, 1000: 53.7, 1250: 53.0, 1600: 52.0, 2000: 48.7, 2500: 48.1, 3150: 46.8, 4000: 45.6,
    5000: 44.5, 6300: 44.3, 8000: 43.7, 10000: 43.4, 12500: 41.3, 16000: 40.7,
}  # fmt: skip
# A talker at 1 m, in a room of 100 m³: the energy of the diffuse field over that of the direct sound is the square of
# the distance over the critical distance of 0.057 * sqrt(volume / rt60) (H. Kuttruff, Room Acoustics, section 5.1).
_REVERBERANT_A_SECOND: Final = 1 / (0.057**2 * 100)


def made_noise(kind: str, samples: int, rate: int, rng: np.random.Generator) -> Floats:
    """Make noise of a known spectrum, of no particular level.

    Parameters
    ----------
    kind : str
        ``"white"``, the same power at each frequency; ``"pink"``, falling by 3 dB an octave; ``"brown"``, by 6 dB;
        ``"speech"``, as the long-term average of speech (Byrne et al. 1994). All but white have nothing below 20 Hz,
        and speech nothing below 56 Hz or above 18 kHz.
    samples : int
        How many.
    rate : int
        Sampling rate in Hz.
    rng : Generator
        Where it comes from. What is longer begins like what is shorter.

    Returns
    -------
    ndarray of float32, shape (samples,)
    """
    if kind == "white":
        return rng.standard_normal(samples, dtype=np.float32)
    response = _response(kind, rate)
    noise = rng.standard_normal(samples + len(response) - 1, dtype=np.float32)
    return convolved(noise, response)[len(response) - 1 :]


def looped(recording: Floats, samples: int, rng: np.random.Generator) -> Floats:
    """Play a recording from a random place on, over and over.

    Parameters
    ----------
    recording : ndarray of float32, shape (n,)
        At least one sample.
    samples : int
        How many are wanted.
    rng : Generator
        Chooses the place.

    Returns
    -------
    ndarray of float32, shape (samples,)
    """
    begin = int(rng.integers(len(recording)))
    played = np.empty(samples, np.float32)
    done = 0
    while done < samples:
        part = recording[begin : begin + samples - done]
        played[done : done + len(part)] = part
        done += len(part)
        begin = 0
    return played


def room_response(rt60: float, rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Make the response of a room: the direct sound first, then noise that decays exponentially.

    Parameters
    ----------
    rt60 : float
        Seconds in which the sound falls by 60 dB.
    rate : int
        Sampling rate in Hz.
    rng : Generator
        Chooses the room.

    Returns
    -------
    ndarray of float64, shape (1 + samples of rt60,)
        The direct sound has energy 1, and what follows 3.08 for each second of ``rt60``: a diffuse field 1 m from the
        talker, in a room of 100 m³.
    """
    length = max(1, round(rt60 * rate))
    tail: NDArray[np.float64] = rng.standard_normal(length) * 10 ** (-3 * np.arange(1, length + 1) / (rt60 * rate))
    tail *= sqrt(_REVERBERANT_A_SECOND * rt60 / np.square(tail).sum())
    return np.concatenate([[1.0], tail])


def convolved(samples: Floats, response: NDArray[np.float64]) -> Floats:
    """Convolve in place, block by block, and give what is in the first ``len(samples)`` places.

    Parameters
    ----------
    samples : ndarray of float32, shape (samples,)
        Is changed.
    response : ndarray of float64
        What with.
    """
    from scipy.signal import fftconvolve  # noqa: PLC0415 - slow to import, and seldom needed

    hanging = np.zeros(len(response) - 1)
    for begin in range(0, len(samples), BLOCK):
        block = samples[begin : begin + BLOCK]
        made = fftconvolve(block.astype(np.float64), response)
        made[: len(hanging)] += hanging
        hanging = made[len(block) :]
        block[:] = made[: len(block)]
    return samples


def _response(kind: str, rate: int) -> NDArray[np.float64]:
    """Make a filter of linear phase that gives white noise a spectrum; it tells apart what is some 4 Hz apart."""
    taps = 1 << ceil(log2(rate / 4))
    hertz = np.linspace(0, rate / 2, taps // 2 + 1)
    gain = np.zeros(len(hertz))
    heard = hertz >= _LOWEST_HZ
    gain[heard] = _GAINS[kind](hertz[heard])
    response: NDArray[np.float64] = np.roll(np.fft.irfft(gain), taps // 2) * np.hanning(taps + 1)[:-1]
    return response


def _speech_gain(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate, over the logarithm of the frequency, the level of 1 Hz in each band."""
    centres = np.array(list(_SPEECH_DB), np.float64)
    levels = np.array(list(_SPEECH_DB.values())) - 10 * np.log10(centres)  # a band is as wide as it is high
    edge = 2 ** (1 / 6)
    within = (hertz >= centres[0] / edge) & (hertz <= centres[-1] * edge)
    gains: NDArray[np.float64] = 10 ** (np.interp(np.log(hertz), np.log(centres), levels) / 20) * within
    return gains


_GAINS: Final[dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]]] = {
    "pink": lambda hertz: hertz**-0.5, "brown": lambda hertz: 1 / hertz, "speech": _speech_gain
}  # fmt: skip
