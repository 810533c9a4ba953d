"""Meter: how loud a recording is from moment to moment, and what else its samples tell, in one pass over them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_STEPS_PER_S: Final = 10
_GATHERED: Final = 1 << 17  # samples looked at together: few enough for a processor's cache
_FAINT: Final = 0.1  # of full scale
_RUN: Final = 3  # samples: a wave passes its crest in one or two, what was cut off stays there
_SPEECH_HZ: Final = (200.0, 3_500.0)
_HIGH_HZ: Final = 4_500.0  # the slopes of the filters of telephones and of resampling lie below
_WIDE_HZ: Final = 16_000  # rates from here on can hold wide-band speech
_LEAST: Final = 1e-10  # of a share of energy: 0 has no dB


@dataclass(frozen=True)
class Levels:
    """How loud each channel is, a tenth of a second at a time; full scale is 1.

    Parameters
    ----------
    step_s : float
        Seconds that a step lasts.
    peak : ndarray of float32, shape (steps, channels)
        Greatest absolute value of each step.
    mean : ndarray of float32, shape (steps, channels)
        Mean value of each step.
    power : ndarray of float32, shape (steps, channels)
        Mean square of each step.
    clipped : ndarray of int64, shape (steps, channels)
        Samples in runs of three and more at the greatest or at the least value that their channel has anywhere, where
        that is a tenth of full scale at least: fainter waves have few values to stand at.
    samples : ndarray of int64, shape (steps,)
        Samples of a step: the last one may have fewer.
    alike : bool
        Whether there are several channels, and all hold the same.
    high_db : float or None
        Energy above 4.5 kHz over that between 200 and 3,500 Hz; None where the sampling rate is below 16 kHz, or where
        there is nothing in that band.
    """

    step_s: float
    peak: Floats
    mean: Floats
    power: Floats
    clipped: NDArray[np.int64]
    samples: NDArray[np.int64]
    alike: bool = False
    high_db: float | None = None

    def between(self, begin_s: float | None = None, end_s: float | None = None) -> Levels:
        """Take the steps of a stretch, those at its ends whole; ``alike`` and ``high_db`` stay those of all."""
        begin = 0 if begin_s is None else int(begin_s / self.step_s)
        end = None if end_s is None else max(int(np.ceil(end_s / self.step_s)), begin + 1)
        steps = slice(begin, end)
        return replace(
            self, peak=self.peak[steps], mean=self.mean[steps], power=self.power[steps], clipped=self.clipped[steps],
            samples=self.samples[steps],
        )  # fmt: skip


class Meter:
    """Takes a recording's samples block by block, and gives its levels.

    Parameters
    ----------
    sample_rate : int
        In Hz.
    channels : int
        How many there are.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._step = max(1, round(sample_rate / _STEPS_PER_S))
        self._rate = sample_rate
        self._channels = channels
        self._steps: list[tuple[Floats, Floats, Floats, NDArray[np.int64]]] = []
        self._crests = (_Crest(channels, self._step), _Crest(channels, self._step))
        self._alike = channels > 1
        self._window = np.hanning(1 << round(np.log2(max(sample_rate, _WIDE_HZ) / 32))).astype(np.float32)
        self._spectrum = np.zeros(len(self._window) // 2 + 1)

    def levels(self, blocks: Iterator[Floats]) -> Levels:
        """Go through all blocks, of shape (samples, channels)."""
        for block in self._gathered(blocks):
            self._look_at(block)
        none = np.zeros((0, self._channels), np.float32)
        peak, mean, power, samples = (
            np.concatenate(parts)
            for parts in (zip(*self._steps, strict=True) if self._steps else [[none]] * 3 + [[np.zeros(0, np.int64)]])
        )
        clipped = sum((crest.counted(len(samples)) for crest in self._crests), np.zeros(peak.shape, np.int64))
        return Levels(self._step / self._rate, peak, mean, power, clipped, samples, self._alike, self._high_db())

    def _gathered(self, blocks: Iterator[Floats]) -> Iterator[Floats]:
        """Bring blocks to a handy size, all but the last whole steps long."""
        size = max(1, _GATHERED // self._channels // self._step) * self._step
        parts: list[Floats] = []
        length = 0
        for block in blocks:
            parts.append(block)
            length += len(block)
            if length < size:
                continue
            held = np.concatenate(parts)
            whole = length - length % size
            yield from (held[begin : begin + size] for begin in range(0, whole, size))
            parts, length = [held[whole:]], length - whole
        if length:
            yield np.concatenate(parts)

    def _look_at(self, block: Floats) -> None:
        whole = len(block) - len(block) % self._step
        for part in (block[:whole], block[whole:]):
            if len(part):
                self._look_at_steps(part.reshape(-(-len(part) // self._step), -1, self._channels))
        for crest, samples in zip(self._crests, (block, -block), strict=True):
            crest.add(samples)
        if self._alike:
            self._alike = bool((block[:, 1:] == block[:, :1]).all())
        if self._rate >= _WIDE_HZ:
            self._add_spectrum(block)

    def _look_at_steps(self, stepped: Floats) -> None:
        steps, size, _ = stepped.shape
        peak = np.maximum(stepped.max(1), -stepped.min(1))
        power = np.einsum("ijk,ijk->ik", stepped, stepped) / np.float32(size)
        self._steps.append((peak, stepped.mean(1), power, np.full(steps, size)))

    def _add_spectrum(self, block: Floats) -> None:
        size = len(self._window)
        for channel in block.T:
            windows = channel[: len(channel) // size * size].reshape(-1, size) * self._window
            found = np.fft.rfft(windows, axis=1)
            self._spectrum += (found.real**2 + found.imag**2).sum(0)

    def _high_db(self) -> float | None:
        hertz = np.fft.rfftfreq(len(self._window), 1 / self._rate)
        low, high = _SPEECH_HZ
        speech = self._spectrum[(hertz >= low) & (hertz <= high)].sum()
        if self._rate < _WIDE_HZ or not speech > 0:
            return None
        return float(10 * np.log10(max(self._spectrum[hertz > _HIGH_HZ].sum() / speech, _LEAST)))


class _Crest:
    """Counts samples in runs at the greatest value of their channel, which is known only at the end.

    Of a run that goes on in the next block, one or two samples may be lost.
    """

    def __init__(self, channels: int, step: int) -> None:
        self._top = np.full(channels, _FAINT, np.float32)
        self._from = np.zeros(channels, np.int64)  # what was counted before this step was no crest
        self._counts: list[NDArray[np.int64]] = []
        self._steps = 0
        self._step = step

    def add(self, block: Floats) -> None:
        """Count in a block of whole steps, or the last of all, of shape (samples, channels)."""
        top = block.max(0)
        self._from[top > self._top] = self._steps
        self._top = np.maximum(top, self._top)
        begins = np.arange(0, len(block), self._step)
        counts = np.zeros((len(begins), block.shape[1]), np.int64)
        if (top == self._top).any():
            at = block == self._top
            runs = at[: 1 - _RUN] & at[1 : 2 - _RUN] & at[2:]
            if runs.any():
                marked = np.zeros(at.shape, np.int64)
                for shift in range(_RUN):
                    marked[shift : len(at) - _RUN + 1 + shift] |= runs
                counts = np.add.reduceat(marked, begins)
        self._counts.append(counts)
        self._steps += len(counts)

    def counted(self, steps: int) -> NDArray[np.int64]:
        """Give the counts of all steps, of shape (steps, channels)."""
        counts = np.concatenate([np.zeros((0, len(self._top)), np.int64), *self._counts])
        return np.where(np.arange(steps)[:, None] < self._from, 0, counts)
