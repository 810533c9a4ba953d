"""Listening: a recording, or a stretch of it, as every browser plays it."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Final

import numpy as np

from asrlab.data.audio import decode, decode_part, probe, resampled_blocks
from asrlab.data.codecs import write_flac
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

#: Rates in Hz from which and up to which browsers play what they are given.
_LEAST_HZ: Final = 8_000
_MOST_HZ: Final = 48_000


def clip(path: Path, begin_s: float | None = None, end_s: float | None = None) -> bytes:
    """Cut a stretch out of a recording and code it as FLAC of 16 bits.

    Parameters
    ----------
    path : Path
        A file that :func:`asrlab.data.audio.probe` can read.
    begin_s, end_s : float, optional
        Where the stretch begins and ends, in seconds; the recording's own ends if not given. What lies beyond those is
        left out.

    Returns
    -------
    bytes
        With all channels, at the rate of the file; at 8 or 48 kHz where that lies beyond.

    Raises
    ------
    InvalidInput
        If the file cannot be read, the stretch holds no samples, or there are more channels than FLAC has (8).
    """
    begin, end = (default if s is None else s for s, default in ((begin_s, 0.0), (end_s, math.inf)))
    if math.isnan(begin) or math.isnan(end) or max(begin, 0.0) >= end:
        raise InvalidInput(f"A clip must end after it begins, not run from {begin_s} to {end_s} s.")
    info = probe(path)
    rate = info.sample_rate
    ended = f"{path} ends before {begin_s} s, where the clip is to begin."
    if begin >= info.duration_s > 0:
        raise InvalidInput(ended)
    if begin <= 0 and math.isinf(end):
        samples = decode(path, rate)
    elif math.isinf(end):
        samples = decode(path, rate)[:, math.floor(begin * rate) :]
    else:
        samples = decode_part(path, math.floor(max(begin, 0.0) * rate), math.ceil(end * rate))
    if samples.shape[1] == 0:
        raise InvalidInput(ended)
    wanted = min(max(rate, _LEAST_HZ), _MOST_HZ)
    samples = np.concatenate(list(resampled_blocks(iter([samples.T]), rate, wanted))).T
    file = io.BytesIO()
    write_flac(file, samples, wanted)
    return file.getvalue()
