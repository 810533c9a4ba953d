"""Parts: stretches of a recording, cut where it is quiet, and the parameters they are asked with."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass, fields
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from asrlab.data import audio
from asrlab.data.codecs import write_flac
from asrlab.data.pauses import HOP_S, WINDOW, loudness
from asrlab.engines.base import Parameters, differences
from asrlab.errors import InvalidInput
from asrlab.shown import Shown
from asrlab.text import canonical_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Spans = tuple[tuple[int, int], ...]

NAMES: Final = tuple(f.name for f in fields(Parameters))
_MOVED: Final = 0.4  # of a slice: how far its end is moved to where it is quiet
_FADE_S: Final = 0.01  # at a cut, so that it does not click


@dataclass(frozen=True, repr=False)
class Request(Shown):
    """A part of the recording, and the parameters it is asked with.

    Parameters
    ----------
    spans : tuple of (int, int)
        Stretches in samples, half-open, that follow one another; all of the recording is one.
    channel : int or None
        The one channel that is sent; None for all there are.
    parameters : Parameters
        How it is to be transcribed.
    """

    spans: Spans
    channel: int | None
    parameters: Parameters

    @property
    def samples(self) -> int:
        """How many there are."""
        return sum(end - begin for begin, end in self.spans)

    @property
    def size(self) -> tuple[int, int, int, int]:
        """What makes one request smaller than another: length, channels, context, other parameters."""
        asked = self.parameters
        given = differences(asked, Parameters())
        return self.samples, self.channel is None, len(asked.context or ""), len(given)


class Recording:
    """One recording and the parts that are made of it.

    Parameters
    ----------
    file : Path
        What was asked about.
    folder : Path
        Where its parts are written.
    slice_s : float
        Length in seconds of the slices that it is cut into.
    """

    def __init__(self, file: Path, folder: Path, slice_s: float) -> None:
        self.file = file
        self._folder = folder
        self.slice_s = slice_s
        self.digest = audio.digest(file)
        info = audio.probe(file)
        self.rate, self.channels = info.sample_rate, info.channels
        self.length = round(info.duration_s * info.sample_rate)

    @property
    def whole(self) -> Spans:
        """All of it."""
        return ((0, self.length),)

    @cached_property
    def bounds(self) -> list[int]:
        """Where slices begin and end, in samples: near every ``slice_s``, where it is most quiet."""
        hop, loud = loudness(self._samples, self.rate)
        per_slice = self.slice_s * self.rate / hop
        slack = int(_MOVED * per_slice)
        places = [0]
        for number in range(1, ceil(len(loud) / per_slice)):
            nominal = round(number * per_slice)
            begin, end = max(nominal - slack, 1), min(nominal + slack + 1, len(loud))
            if begin < end:
                places.append(hop * (begin + int(np.argmin(loud[begin:end]))))
        return sorted({*places, self.length})

    @cached_property
    def loudness(self) -> list[float]:
        """How loud it is at each bound, as power; nothing at the ends."""
        half = max(1, round(HOP_S * WINDOW / 2 * self.rate))
        around = [(max(0, b - half), b + half) for b in self.bounds]
        return [float(np.square(self._samples[:, a:b], dtype=np.float64).mean()) for a, b in around]

    def near(self, place: int, slack: int) -> int:
        """Give the most quiet of the bounds near one, by their numbers."""
        places = range(max(1, place - slack), min(len(self.bounds) - 1, place + slack + 1))
        return min(places, key=lambda k: (self.loudness[k], abs(k - place)), default=place)

    def within(self, begin_s: float, end_s: float) -> tuple[int, int]:
        """Give the slices that hold a stretch, by the numbers of their bounds."""
        places = np.asarray(self.bounds) / self.rate
        begin = int(np.searchsorted(places, begin_s, "right")) - 1
        end = int(np.searchsorted(places, end_s, "left"))
        return min(max(begin, 0), len(places) - 2), min(max(end, begin + 1, 1), len(places) - 1)

    def part(self, request: Request) -> Path:
        """Give the file of a part, which is made if it is not there; all of it is the file as it was."""
        if request.spans == self.whole and request.channel is None:
            suffix = self.file.suffix.lower()
            suffix = suffix if suffix[1:].isascii() and suffix[1:].isalnum() and len(suffix) < 7 else ".audio"
            path = self._folder / f"whole-{self._name(request)}{suffix}"
            return path if path.is_file() else self._kept(path, None)
        path = self._folder / f"{self._name(request)}.flac"
        return path if path.is_file() else self._kept(path, self._cut(request))

    def _name(self, request: Request) -> str:
        made_of = canonical_json([self.digest, request.spans, request.channel, round(1000 * _FADE_S)])
        return hashlib.sha256(made_of.encode()).hexdigest()[:24]

    def _kept(self, path: Path, samples: Floats | None) -> Path:
        """Write a file under another name, then move it, so that a name never holds half of one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:  # another process may be at the same
            half = Path(folder) / path.name
            if samples is None:
                shutil.copyfile(self.file, half)
            else:
                write_flac(half, samples, self.rate)
            return half.replace(path)

    def _cut(self, request: Request) -> Floats:
        chosen = slice(None) if request.channel is None else slice(request.channel, request.channel + 1)
        parts = []
        for begin, end in request.spans:
            part = self._samples[chosen, begin:end].copy()
            fade = min(round(_FADE_S * self.rate), part.shape[1] // 2)
            ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / max(fade, 1))).astype(np.float32)
            if begin > 0:
                part[:, :fade] *= ramp
            if end < self.length:
                part[:, part.shape[1] - fade :] *= ramp[::-1]
            parts.append(part)
        return np.concatenate(parts, axis=1)

    @cached_property
    def _samples(self) -> Floats:
        samples = audio.decode(self.file, self.rate)
        if samples.shape[1] != self.length:
            raise InvalidInput(
                f"{self.file.name} has {samples.shape[1]:,} samples where its header says {self.length:,}. Convert it "
                "to WAV or FLAC."
            )
        return samples
