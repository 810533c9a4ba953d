"""Build the quiet dataset: make every sound by calculation, write the audio and the tables, check what was written.

The dataset is used without this script. It needs numpy and soundfile only, and no voice::

    python build.py

``--keep-audio`` leaves the recordings as they are and writes only the tables.
"""

from __future__ import annotations

import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from folder import Folder, options, write_audio
from speaking import RATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    Sound = NDArray[np.float64]

HERE: Final = Folder(Path(__file__).resolve().parent)


def shaped(samples: int, rng: Generator, gain: Callable[[Sound], Sound]) -> Sound:
    """Make Gaussian noise with a given amplitude at each frequency, in Hz; none below 20 Hz."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    hertz = np.fft.rfftfreq(samples, 1 / RATE)
    return np.fft.irfft(spectrum * np.where(hertz < 20, 0, gain(np.maximum(hertz, 20))), samples)


def white(hertz: Sound) -> Sound:
    """Have the same power at each frequency."""
    return np.ones_like(hertz)


def pink(hertz: Sound) -> Sound:
    """Have the same power in each octave."""
    return hertz**-0.5


def brown(hertz: Sound) -> Sound:
    """Have 6 dB less in each octave."""
    return 1 / hertz


def low(hertz: Sound) -> Sound:
    """Have little above 200 Hz, as a quiet room."""
    return 1 / (1 + (hertz / 200) ** 2)


def like_speech(hertz: Sound) -> Sound:
    """Have roughly the long-term spectrum of speech: level to 500 Hz, 9 dB less in each octave above."""
    return np.minimum(1, (500 / hertz) ** 1.5)


def seconds(samples: int) -> Sound:
    """Time of each sample."""
    return np.arange(samples) / RATE


def tones(samples: int, *hertz: float) -> Sound:
    """Sines together, each of amplitude 1."""
    return np.sum([np.sin(2 * np.pi * f * seconds(samples)) for f in hertz], axis=0)


def hum(samples: int, mains: float) -> Sound:
    """Mains hum: the mains frequency and its harmonics, the odd ones stronger."""
    return np.sum([tones(samples, mains * k) / k * (1 if k % 2 else 0.4) for k in range(1, 16)], axis=0)


def events(samples: int, at_s: list[float], sound: Sound) -> Sound:
    """Repeat a sound at given times."""
    track = np.zeros(samples + len(sound))
    for begin in at_s:
        place = round(begin * RATE)
        track[place : place + len(sound)] += sound
    return track[:samples]


def ringing(length_s: float, hertz: float, decay_s: float) -> Sound:
    """Make a tone that dies away."""
    samples = round(length_s * RATE)
    return tones(samples, hertz) * np.exp(-seconds(samples) / decay_s)


def breath(samples: int, rng: Generator) -> Sound:
    """Noise that swells and falls, in and out, every four seconds; the way out is longer and lower."""
    phase = seconds(samples) % 4 / 4
    into = np.clip(np.sin(np.pi * phase / 0.35), 0, None) * (phase < 0.35)
    out = np.clip(np.sin(np.pi * (phase - 0.45) / 0.5), 0, None) * ((phase > 0.45) & (phase < 0.95))
    high = shaped(samples, rng, lambda f: np.exp(-((np.log2(f / 2500)) ** 2)))
    deep = shaped(samples, rng, lambda f: np.exp(-((np.log2(f / 900)) ** 2)))
    return into**2 * high / high.std() + 0.8 * out**2 * deep / deep.std()


def melody(samples: int) -> Sound:
    """Twelve plucked notes of a major scale, up and down, each with four harmonics."""
    steps = [0, 4, 7, 12, 7, 4, 0, 5, 9, 12, 9, 5]
    track = np.zeros(samples)
    for number, step in enumerate(steps):
        note = 261.63 * 2 ** (step / 12)
        pluck = np.sum([ringing(0.9, note * k, 0.35 / k) / k for k in range(1, 5)], axis=0)
        track += events(samples, [0.2 + 0.55 * number], pluck)
    return track


def rain(samples: int, rng: Generator) -> Sound:
    """Steady noise and some two hundred drops a second."""
    drops = np.where(rng.random(samples) < 200 / RATE, rng.exponential(1, samples), 0)
    body = shaped(samples, rng, lambda f: np.clip(f / 1000, 0, 1))
    return 0.5 * body / body.std() + np.convolve(drops, ringing(0.01, 3000, 0.001))[:samples] * 2


def syllables(samples: int, rng: Generator) -> Sound:
    """Noise with the spectrum of speech that swells and falls four times a second, as syllables do."""
    return shaped(samples, rng, like_speech) * (0.15 + np.sin(np.pi * 4 * seconds(samples)) ** 2)


def clicks(samples: int, rng: Generator) -> Sound:
    """Single samples of random height on a faint noise, four a second."""
    track = 0.001 * rng.standard_normal(samples)
    many = samples * 4 // RATE
    track[rng.integers(0, samples, many)] += rng.choice([-1, 1], many) * rng.uniform(0.1, 0.6, many)
    return track


def keypad(samples: int) -> Sound:
    """Telephone keys 5, 9, 0, 2 (ITU-T Q.23), 0.2 s each."""
    keys = [(770, 1336), (852, 1477), (941, 1336), (697, 1336)]
    pressed = [events(samples, [0.5 + 0.6 * k], tones(RATE // 5, *pair)) for k, pair in enumerate(keys)]
    return np.sum(pressed, axis=0)


def ring_back(samples: int) -> Sound:
    """Ringing tone: 425 Hz, one second on, four off (ITU-T E.180)."""
    return tones(samples, 425) * (seconds(samples) % 5 < 1)


def thuds(samples: int) -> Sound:
    """Walk on a wooden floor, a little unevenly."""
    step = ringing(0.3, 70, 0.05) + 0.3 * ringing(0.3, 180, 0.02)
    return events(samples, [0.3, 0.95, 1.58, 2.25, 2.87, 3.52, 4.2], step)


#: Name -> seconds, level (RMS in dB below a full-scale square wave, None: as it is), kind, tags, how it is made.
SOUNDS: Final[dict[str, tuple[float, float | None, str, tuple[str, ...], Callable[[int, Generator], Sound]]]] = {
    "breath": (8, -42, "event", ("people",), breath),
    "brown-noise": (6, -30, "noise", ("stationary",), lambda n, rng: shaped(n, rng, brown)),
    "clicks": (5, None, "event", ("line",), clicks),
    "digital-silence": (5, None, "silence", ("zero",), lambda n, _: np.zeros(n)),
    "hum-50hz": (6, -35, "hum", ("mains",), lambda n, _: hum(n, 50)),
    "hum-60hz": (6, -50, "hum", ("mains",), lambda n, _: hum(n, 60)),
    "keypad": (3, -25, "tones", ("telephone",), lambda n, _: keypad(n)),
    "last-bit": (4, None, "silence", ("dither",), lambda n, rng: rng.integers(-1, 2, n) / 2**15),
    "melody": (8, -25, "tones", ("music",), lambda n, _: melody(n)),
    "pink-noise": (5, -35, "noise", ("stationary",), lambda n, rng: shaped(n, rng, pink)),
    "rain": (5, -40, "noise", ("outdoors",), rain),
    "ringing": (6, -30, "tones", ("telephone",), lambda n, _: ring_back(n)),
    "room": (10, -65, "noise", ("room", "stationary"), lambda n, rng: shaped(n, rng, low)),
    "speech-noise": (6, -30, "noise", ("modulated",), syllables),
    "thuds": (5, -30, "event", ("steps",), lambda n, _: thuds(n)),
    "white-noise": (3, -40, "noise", ("stationary",), lambda n, rng: shaped(n, rng, white)),
}


def make(name: str) -> Sound:
    """Make a sound; it is the same each time."""
    length_s, level_db, _, _, sound = SOUNDS[name]
    samples = sound(round(length_s * RATE), np.random.default_rng(zlib.crc32(name.encode())))
    return samples if level_db is None else samples * 10 ** (level_db / 20) / np.sqrt((samples**2).mean())


def audio_path(name: str) -> str:
    """Name the recording of a sound, relative to the dataset."""
    return f"audio/{name}.flac"


def level_dbfs(name: str) -> float | None:
    """Measure a recording: RMS in dB below a full-scale square wave; None for digital silence."""
    samples, _ = soundfile.read(HERE.path / audio_path(name))
    return round(float(10 * np.log10((samples**2).mean())), 1) if samples.any() else None


def main() -> None:
    """Build the dataset, or only its tables."""
    asked = options("Build the quiet dataset.", voices=False).parse_args()
    if not asked.keep_audio:
        for name in SOUNDS:
            write_audio(HERE.path / audio_path(name), make(name))
    utterances: list[dict[str, Any]] = [
        {
            "utt_id": name,
            "audio": audio_path(name),
            "language": None,
            "duration_s": HERE.duration_s(audio_path(name)),
            "channels": 1,
            "speaker": None,
            "recording": name,
            "topic": kind,
            "level_dbfs": level_dbfs(name),
            "tags": ["no-speech", *tags],
        }
        for name, (_, _, kind, tags, _) in SOUNDS.items()
    ]
    HERE.write_jsonl("utterances.jsonl", utterances)
    HERE.write_references((name, 0, {"spoken": "", "written": ""}) for name in SOUNDS)
    HERE.verify(shortest_s=2, longest_s=10, max_bytes=1_500_000, speech=False)
    HERE.report("topic")


if __name__ == "__main__":
    main()
