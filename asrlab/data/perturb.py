"""Perturbation: a recipe carried out on samples."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import log10
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from asrlab.data.codecs import coded, coded_rate, conceal, packets
from asrlab.data.levels import amplitude, rms_level, speech_level
from asrlab.data.noise import convolved, looped, made_noise, room_response
from asrlab.data.recipe import BABBLE, GENERATED, Recipe
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

#: Of each step: goes up when what it makes of a recording changes.
VERSIONS: Final = {
    "mix": 1, "crosstalk_db": 1, "speed": 1, "rt60": 1, "lead_s": 1, "tail_s": 1, "snr": 1, "level_db": 1, "gain_db": 1,
    "clip_db": 1, "sample_rate": 1, "codec": 1, "packet_loss": 1,
}  # fmt: skip
_NOMINAL_DB: Final = -26.0  # dBov, at which speech goes through codecs that are compared (ITU-T P.830)
_FAINTEST_DB: Final = -75.0  # dBov; below lies no speech that 16 bits hold, whose rounding is at -101 dBov
_BELOW_DB: Final = 30.0  # so far below the loudest channel, what is heard is the other speaker, or hiss
_REACH: Final = 64  # of the filter that resamples, in samples of the lower rate to either side
_CUTOFF: Final = 0.96  # of half the lower rate
_KAISER: Final = 8.0  # beta of its window: 80 dB


@dataclass(frozen=True)
class Shape:
    """How many samples a recording has in each channel, how many channels, and its rate in Hz."""

    samples: int
    channels: int
    rate: int


@dataclass
class Sound:
    """A recording while a recipe is carried out on it.

    Parameters
    ----------
    samples : ndarray of float32, shape (channels, samples)
        Full scale is 1. They are changed in place where that can be done.
    rate : int
        In Hz.
    draw : callable
        Gives the random numbers of a step, by the name of its field and the number of the channel.
    materials : callable
        Gives the recordings that noise is made of, each as one channel at a rate in Hz.
    speech_db : float, optional
        Active level of the speech, in dBov, where noise has been added to it since.
    """

    samples: Floats
    rate: int
    draw: Callable[[str, int], np.random.Generator]
    materials: Callable[[int], Iterator[Floats]]
    speech_db: float | None = None


def shape_after(recipe: Recipe, shape: Shape) -> Shape:
    """Tell what a recipe makes of a recording's length, channels and rate, without carrying it out.

    Raises
    ------
    InvalidInput
        If the recording has not the channels that the recipe wants.
    """
    effects = recipe.effects
    samples, channels, rate = shape.samples, shape.channels, shape.rate
    if (mix := effects.get("mix")) is not None:
        if (mix == "swap" and channels != 2) or (mix == "right" and channels < 2):
            raise InvalidInput(f"mix={mix!r} needs two channels, and the recording has {channels}. Leave it out.")
        channels = {"swap": 2, "stereo": 2}.get(mix, 1)
    if "speed" in effects:
        samples = max(1, round(samples / effects["speed"]))
    samples += sum(round(effects.get(name, 0.0) * rate) for name in ("lead_s", "tail_s"))
    if (wanted := effects.get("sample_rate")) is not None:
        samples, rate = resampled_length(samples, rate, wanted), wanted
    if (codec := effects.get("codec")) is not None:
        wanted = coded_rate(rate, codec)
        samples, rate = resampled_length(samples, rate, wanted), wanted
    return Shape(samples, channels, rate)


def resampled_length(samples: int, rate: int, wanted: int) -> int:
    """How many samples there are of a recording at another rate: as many as fit best, and one at least."""
    return max(1, round(Fraction(samples * wanted, rate)))


def resampled(samples: Floats, rate: int, wanted: int, length: int | None = None) -> Floats:
    """Resample to another rate, by a linear-phase filter.

    Half the lower rate being f, it keeps what lies below 0.92 f within 0.01 dB, and nothing above f comes back by more
    than -80 dB.

    Parameters
    ----------
    samples : ndarray of float32, shape (channels, samples)
        At ``rate``.
    rate, wanted : int
        In Hz.
    length : int, optional
        How many samples to give; by :func:`resampled_length` if not given.
    """
    if rate == wanted:
        return samples
    from scipy.signal import firwin, resample_poly  # noqa: PLC0415 - slow to import, and seldom needed

    # Steeper than what resample_poly makes itself, which lets 4.3 kHz through to 3.7 kHz at -17 dB on the way to 8 kHz.
    ratio = Fraction(wanted, rate)
    most = max(ratio.numerator, ratio.denominator)
    taps: Any = firwin(2 * _REACH * most + 1, _CUTOFF / most, window=("kaiser", _KAISER)).astype(np.float32)
    made: Floats = resample_poly(samples, ratio.numerator, ratio.denominator, axis=1, window=taps)
    return made[:, : resampled_length(samples.shape[1], rate, wanted) if length is None else length]


def perturb(sound: Sound, recipe: Recipe) -> None:
    """Carry out a recipe.

    Raises
    ------
    InvalidInput
        If the recording has not the channels that the recipe wants, or noise is to be made of silence.
    MissingExtra
        If a codec needs PyAV, and it is not installed.
    """
    shape_after(recipe, Shape(sound.samples.shape[1], len(sound.samples), sound.rate))  # or it cannot be done
    effects = recipe.effects
    for name, value in effects.items():
        if name in _STEPS:
            _STEPS[name](sound, value, effects)


def _mix(sound: Sound, mix: str, _: dict[str, Any]) -> None:
    samples = sound.samples
    if mix in ("left", "right"):
        samples = samples[["left", "right"].index(mix)][np.newaxis]
    elif mix == "swap":
        samples = samples[::-1]
    else:
        samples = samples.mean(axis=0, keepdims=True)
        if mix == "stereo":
            samples = np.repeat(samples, 2, axis=0)
    sound.samples = np.ascontiguousarray(samples)


def _crosstalk(sound: Sound, down_db: float, _: dict[str, Any]) -> None:
    share = amplitude(-down_db)
    everything = sound.samples.sum(axis=0)
    sound.samples += share * (everything - sound.samples)
    _turn_down(sound.samples)


def _speed(sound: Sound, speed: float, _: dict[str, Any]) -> None:
    length = max(1, round(sound.samples.shape[1] / speed))
    sound.samples = resampled(sound.samples, round(speed * 1000), 1000, length)
    _turn_down(sound.samples)


def _reverberate(sound: Sound, rt60: float, _: dict[str, Any]) -> None:
    before = rms_level(sound.samples)
    for number, channel in enumerate(sound.samples):
        convolved(channel, room_response(rt60, sound.rate, sound.draw("rt60", number)))
    after = rms_level(sound.samples)
    if before is not None and after is not None:
        sound.samples *= amplitude(before - after)
    _turn_down(sound.samples)


def _lead(sound: Sound, seconds: float, _: dict[str, Any]) -> None:
    sound.samples = np.pad(sound.samples, ((0, 0), (round(seconds * sound.rate), 0)))


def _tail(sound: Sound, seconds: float, _: dict[str, Any]) -> None:
    sound.samples = np.pad(sound.samples, ((0, 0), (0, round(seconds * sound.rate))))


def _add_noise(sound: Sound, snr: float, effects: dict[str, Any]) -> None:
    levels = _speech_levels(sound)
    loudest = max((level for level in levels if level is not None), default=None)
    if loudest is not None and loudest < _FAINTEST_DB:
        loudest = None
    floor = _FAINTEST_DB if loudest is None else max(_FAINTEST_DB, loudest - _BELOW_DB)
    levels = [None if level is None or level < floor else level for level in levels]
    for number, (channel, level) in enumerate(zip(sound.samples, levels, strict=True)):
        noise = _noise(sound, effects["noise"], sound.draw("snr", number))
        now = rms_level(noise)
        if now is None:
            raise InvalidInput(
                "The stretch of the noise that was chosen is silent. Choose another audio_seed or noise."
            )
        beside = level if level is not None else loudest if loudest is not None else _NOMINAL_DB
        noise *= amplitude(beside - snr - now)
        np.add(channel, noise, out=channel)
    turned_db = _turn_down(sound.samples)
    sound.speech_db = None if loudest is None else loudest + turned_db


def _noise(sound: Sound, kind: str, rng: np.random.Generator) -> Floats:
    length = sound.samples.shape[1]
    if kind in GENERATED:
        return made_noise(kind, length, sound.rate, rng)
    noise = np.zeros(length, np.float32)
    for recording in sound.materials(sound.rate):
        if kind != BABBLE:
            return looped(recording, length, rng)
        speech = speech_level(recording, sound.rate)
        voice = looped(recording, length, rng)
        if speech is not None:  # nobody is heard otherwise
            voice *= amplitude(_NOMINAL_DB - speech.level_db)
            noise += voice
    return noise


def _set_level(sound: Sound, level_db: float, effects: dict[str, Any]) -> None:
    levels = [sound.speech_db] if "snr" in effects else _speech_levels(sound)
    known = [level for level in levels if level is not None]
    if known:
        _gain(sound, level_db - max(known), effects)


def _gain(sound: Sound, gain_db: float, _: dict[str, Any]) -> None:
    sound.samples *= amplitude(gain_db)
    np.clip(sound.samples, -1, 1, out=sound.samples)


def _clip(sound: Sound, below_db: float, _: dict[str, Any]) -> None:
    np.clip(sound.samples, -1, 1, out=sound.samples)
    most = np.float32(_peak(sound.samples)) * amplitude(-below_db)
    np.clip(sound.samples, -most, most, out=sound.samples)


def _resample(sound: Sound, rate: int, _: dict[str, Any]) -> None:
    sound.samples, sound.rate = resampled(sound.samples, sound.rate, rate), rate


def _code(sound: Sound, codec: str, effects: dict[str, Any]) -> None:
    _resample(sound, coded_rate(sound.rate, codec), effects)
    sound.samples = coded(np.ascontiguousarray(sound.samples), sound.rate, codec, _lost(sound, effects))


def _lose(sound: Sound, _: float, effects: dict[str, Any]) -> None:
    lost = _lost(sound, effects)
    if "codec" not in effects and lost is not None:  # else they were lost on the way between coding and decoding
        conceal(sound.samples, sound.rate, lost)


def _lost(sound: Sound, effects: dict[str, Any]) -> NDArray[np.bool_] | None:
    """Choose packets; those that are lost at a lower share are lost at a higher one too."""
    if "packet_loss" not in effects:
        return None
    count = packets(sound.samples.shape[1], sound.rate, effects.get("codec"))
    lost = np.zeros(count, np.bool_)
    # A draw for each packet, so that a packet more, as some codecs make, does not change which others are lost.
    order = np.argsort(sound.draw("packet_loss", 0).random(count), kind="stable")
    lost[order[: round(effects["packet_loss"] * count)]] = True
    return lost


_STEPS: Final[dict[str, Callable[[Sound, Any, dict[str, Any]], None]]] = {
    "mix": _mix, "crosstalk_db": _crosstalk, "speed": _speed, "rt60": _reverberate, "lead_s": _lead, "tail_s": _tail,
    "snr": _add_noise, "level_db": _set_level, "gain_db": _gain, "clip_db": _clip, "sample_rate": _resample,
    "codec": _code, "packet_loss": _lose,
}  # fmt: skip


def _speech_levels(sound: Sound) -> list[float | None]:
    found = [speech_level(channel, sound.rate) for channel in sound.samples]
    return [None if speech is None else speech.level_db for speech in found]


def _turn_down(samples: Floats) -> float:
    """Bring what goes beyond full scale back to it, as a whole, and say by how many dB."""
    peak = _peak(samples)
    if peak <= 1:
        return 0.0
    samples /= np.float32(peak)
    return -20 * log10(peak)


def _peak(samples: Floats) -> float:
    return max(float(samples.max()), -float(samples.min()))
