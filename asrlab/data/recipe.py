"""Recipes: what is done to the audio of a recording, as fields that a grid can vary."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, fields
from math import isfinite
from numbers import Real
from typing import TYPE_CHECKING, Any, Final, Self

from asrlab.errors import InvalidInput
from asrlab.shown import Shown
from asrlab.suggest import suggestion
from asrlab.text import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Noises that are made, and not taken from recordings.
GENERATED: Final = ("white", "pink", "brown", "speech")
BABBLE: Final = "babble"
MIXES: Final = ("mono", "left", "right", "swap", "stereo")
#: Codecs of telephones; what has gone through one is sampled at 8 kHz.
TELEPHONE: Final = ("mulaw", "alaw", "gsm")
_MP3_KBPS: Final = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_OPUS_KBPS: Final = range(6, 257)

#: Of each field that is a number: the least and the greatest it may be, and its unit.
_RANGES: Final[dict[str, tuple[float, float, str]]] = {
    "crosstalk_db": (0, 120, "dB"), "speed": (0.5, 2, "times"), "rt60": (0.05, 10, "s"), "lead_s": (0, 3600, "s"),
    "tail_s": (0, 3600, "s"), "snr": (-60, 100, "dB"), "talkers": (1, 32, "talkers"), "level_db": (-100, 0, "dBov"),
    "gain_db": (-120, 120, "dB"), "clip_db": (0, 120, "dB"), "sample_rate": (2_000, 192_000, "Hz"),
    "packet_loss": (0, 1, "as a share"), "audio_seed": (0, 2**63 - 1, "as a seed"),
}  # fmt: skip
_WHOLE: Final = frozenset({"talkers", "sample_rate", "audio_seed"})
#: Values that leave a recording as it is.
_NEUTRAL: Final = {"speed": 1.0, "lead_s": 0.0, "tail_s": 0.0, "gain_db": 0.0, "clip_db": 0.0, "packet_loss": 0.0}
_RANDOM: Final = ("rt60", "snr", "packet_loss")
_LENGTHENING: Final = ("speed", "lead_s", "tail_s", "sample_rate")


@dataclass(frozen=True, repr=False)
class Recipe(Shown):
    """What is done to the audio of a recording, in this order; None leaves it as it is.

    Levels are in dBov: 0 dBov is the power of a full-scale square wave, so a full-scale sine has -3 dBov. The level of
    speech is its active level by ITU-T P.56 (:func:`asrlab.data.levels.speech_level`). Steps up to the noise never
    clip: a recording that would go beyond full scale is turned down as a whole, so that ratios stay. From ``level_db``
    on it is flattened there, as a converter would. What comes out has 16 bits, whose rounding is noise of -101 dBov.

    Parameters
    ----------
    mix : str, optional
        ``"mono"``, the mean of all channels; ``"left"`` or ``"right"``, the first or second channel alone; ``"swap"``,
        two channels changed for each other; ``"stereo"``, the mean of all channels on each of two.
    crosstalk_db : float, optional
        Each channel also has the sum of the others, so many dB down.
    speed : float, optional
        Times as fast, and as much higher in pitch, by resampling; from 0.5 to 2 in steps of 0.001.
    rt60 : float, optional
        Reverberation: time in s in which sound in the room falls by 60 dB. The response is a direct path and a tail of
        noise that decays exponentially, of the energy that a diffuse field has 1 m from the talker in 100 m³. Each
        channel has a tail of its own. Nothing is delayed, and the level over the whole recording is kept.
    lead_s, tail_s : float, optional
        Seconds of digital silence before and after.
    snr : float, optional
        Noise is added: active level of the speech as it is by now, less the RMS level of the noise over the whole
        recording, in dB, over all frequencies; what a later step takes away of a band changes the ratio in what is
        left. Infinite is no noise. Each channel has noise of its own, at this ratio to its own speech; one that lies
        30 dB below the loudest has as much as that. In a recording below -75 dBov, which holds no speech, the noise is
        what it would be beside speech of -26 dBov. A sound that is no speech counts as if it were.
    noise : str, optional
        ``"white"``, ``"pink"`` (used if not given), ``"brown"``; ``"speech"``, with the long-term spectrum of speech;
        ``"babble"``, other recordings of the same set at once, one a speaker, of the same language where there are any;
        or the path of a file or folder of recordings (``"./noises"``), one of which is taken, from a random place on,
        over and over. Does nothing without ``snr``.
    talkers : int, optional
        Speakers that babble is made of; if not given 6, or as many as there are.
    level_db : float, optional
        Active level of the speech in dBov, in the channel where it is loudest. Where noise was added, that of the
        speech in it. A recording without speech stays as it is.
    gain_db : float, optional
        Amplification in dB.
    clip_db : float, optional
        Peaks are flattened at so many dB below the highest one.
    sample_rate : int, optional
        Rate in Hz that it is resampled to.
    codec : str, optional
        Coded and decoded again: ``"mulaw"``, ``"alaw"`` (G.711), ``"gsm"`` (GSM 06.10 full rate), which leave it
        sampled at 8 kHz, after a filter that keeps what lies below 3.7 kHz, the bass too; ``"opus-6k"`` to
        ``"opus-256k"`` or ``"mp3-8k"`` to ``"mp3-320k"`` (kbit/s), which leave its rate. Each channel is coded apart,
        at this bit rate; Opus keeps to it on average, and MP3 may come out half a dB lower.
    packet_loss : float, optional
        Share of the packets of 20 ms, from 0 to 1, that are lost: with Opus coded packets, else of samples. The same
        are lost in all channels. In place of a lost packet the one before is heard again, faded out in 60 ms.
    audio_seed : int
        Chooses among noises, rooms and losses.

    Raises
    ------
    InvalidInput
        If one of them is not of these.
    """

    mix: str | None = None
    crosstalk_db: float | None = None
    speed: float | None = None
    rt60: float | None = None
    lead_s: float | None = None
    tail_s: float | None = None
    snr: float | None = None
    noise: str | None = None
    talkers: int | None = None
    level_db: float | None = None
    gain_db: float | None = None
    clip_db: float | None = None
    sample_rate: int | None = None
    codec: str | None = None
    packet_loss: float | None = None
    audio_seed: int = 0

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Self:
        """Build a recipe from names and values.

        Parameters
        ----------
        given : mapping
            Names of fields to values; None as if it were not there.

        Raises
        ------
        InvalidInput
            For a name that is no field (the message suggests the right one) or a value that it cannot have.
        """
        known = [f.name for f in fields(cls)]
        for name in given:
            if name not in known:
                raise InvalidInput(f"{name!r} is nothing that is done to audio. {suggestion(name, known)}")
        return cls(**{name: value for name, value in given.items() if value is not None})

    def __post_init__(self) -> None:
        for name in _RANGES:
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _number(name, value))
        if self.mix is not None and self.mix not in MIXES:
            raise InvalidInput(f"mix must be one of {', '.join(MIXES)}, not {self.mix!r}.")
        if self.codec is not None:
            coding(self.codec)
        if self.noise is not None:
            object.__setattr__(self, "noise", _noise(self.noise))
        if self.talkers is not None and self.noise != BABBLE:
            raise InvalidInput(f"talkers={self.talkers} says how many babble: it needs noise={BABBLE!r}.")

    @property
    def effects(self) -> dict[str, Any]:
        """The fields that change a recording, in the order in which they do, with their values.

        ``noise`` is there whenever ``snr`` is, and ``audio_seed`` where something random is done and it is not 0.
        """
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        if self.snr is None:
            values |= {"noise": None, "talkers": None}
        else:
            values["noise"] = self.noise or "pink"
        changing = {name: v for name, v in values.items() if v is not None and v != _NEUTRAL.get(name)}
        if self.audio_seed == 0 or not any(name in changing for name in _RANDOM):
            del changing["audio_seed"]
        return changing

    @property
    def _shown(self) -> dict[str, Any]:
        """The effects without a path of this machine: of a noise of the user's, its last name."""
        effects = self.effects
        if "noise" in effects:
            effects["noise"] = re.split(r"[/\\]", effects["noise"].rstrip("/\\"))[-1]
        return effects

    @property
    def canonical(self) -> str:
        """JSON with sorted keys and no spaces, of the fields that change something."""
        return canonical_json(self._shown)

    @property
    def is_nothing(self) -> bool:
        """Whether it leaves every recording as it is."""
        return not self.effects

    @property
    def changes_length(self) -> bool:
        """Whether a recording may last longer or shorter than before, be it by a part of a sample."""
        return any(name in self.effects for name in _LENGTHENING) or self.codec in TELEPHONE

    def _told(self) -> list[tuple[str, object]]:
        return list(self._shown.items())

    def __str__(self) -> str:
        told = (
            f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in self._shown.items()
        )
        return ", ".join(told) or "nothing"


def coding(codec: str) -> tuple[str, int | None]:
    """Take the name of a codec apart: what it is, and its bit rate in kbit/s where it has a choice of them.

    Raises
    ------
    InvalidInput
        If there is no such codec.
    """
    if codec in TELEPHONE:
        return codec, None
    named = re.fullmatch(r"(opus|mp3)-(\d{1,3})k", codec) if isinstance(codec, str) else None
    rates = {"opus": _OPUS_KBPS, "mp3": _MP3_KBPS}
    if named is None or int(named[2]) not in rates[named[1]]:
        raise InvalidInput(
            f"codec must be one of {', '.join(TELEPHONE)}, opus-{_OPUS_KBPS[0]}k to opus-{_OPUS_KBPS[-1]}k, or mp3-Nk, "
            f"N being one of {', '.join(map(str, _MP3_KBPS))}, not {codec!r}. G.711 is mulaw or alaw."
        )
    return named[1], int(named[2])


def _number(name: str, value: Any) -> float:  # noqa: ANN401 - whatever was given
    least, greatest, unit = _RANGES[name]
    whole = name in _WHOLE
    is_number = isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)
    if not is_number or not least <= value <= greatest or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        raise InvalidInput(f"{name} must be {kind} from {least:,} to {greatest:,} ({unit}), or None, not {value!r}.")
    if whole:
        return int(value)
    if name == "speed":  # resampled by a ratio of whole numbers, which must not be large
        if abs(value * 1000 - round(value * 1000)) > 1e-3:
            raise InvalidInput(f"speed goes in steps of 0.001, and {value!r} lies between two. Round it.")
        return round(float(value), 3)
    return float(value) + 0.0  # no -0.0


def _noise(value: object) -> str:
    if not isinstance(value, (str, os.PathLike)) or not (named := os.fspath(value)) or not isinstance(named, str):
        raise InvalidInput(
            f"noise must be one of {', '.join((*GENERATED, BABBLE))}, or a file or folder of recordings, not {value!r}."
        )
    return named
