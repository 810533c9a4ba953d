"""Audio files: what is in them, their samples, and what makes two files the same recording."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_BLOCK = 1 << 20  # frames read at a time: bounds the memory a long recording takes


@dataclass(frozen=True)
class AudioInfo:
    """Facts about an audio file: length in seconds, number of channels, rate in Hz, container format."""

    duration_s: float
    channels: int
    sample_rate: int
    format: str


def probe(path: str | Path) -> AudioInfo:
    """Read the header of an audio file.

    Parameters
    ----------
    path : path
        A file that libsndfile reads: WAV, FLAC, OGG (Vorbis, Opus), MP3, AIFF ...

    Raises
    ------
    InvalidInput
        If the file is missing, empty or not audio that libsndfile can read.
    """
    with _open(path) as sound:
        return AudioInfo(sound.frames / sound.samplerate, sound.channels, sound.samplerate, sound.format.lower())


def decode(path: str | Path, rate: int = 16_000) -> NDArray[np.float32]:
    """Decode an audio file and resample it.

    Parameters
    ----------
    path : path
        A file that libsndfile reads.
    rate : int
        Wanted sampling rate in Hz.

    Returns
    -------
    ndarray of float32, shape (channels, samples)
        Samples between -1 and 1.

    Raises
    ------
    InvalidInput
        If the file is missing, empty or not audio that libsndfile can read.
    """
    with _open(path) as sound, _decoding(path):
        samples = sound.read(dtype="float32", always_2d=True).T
        source = sound.samplerate
    if source != rate:
        from scipy.signal import resample_poly  # noqa: PLC0415 - slow to import, and seldom needed

        common = gcd(rate, source)
        samples = resample_poly(samples, rate // common, source // common, axis=1).astype(np.float32)
    return np.ascontiguousarray(samples)


def digest(path: str | Path) -> str:
    """Fingerprint of a recording, the same for every lossless file that holds the same samples.

    Parameters
    ----------
    path : path
        An audio file.

    Returns
    -------
    str
        ``"pcm-sha256:..."`` over integer samples, rate and channels where the file is lossless PCM (a FLAC made of a
        WAV has the digest of the WAV); ``"file-sha256:..."`` over the file's bytes otherwise, because lossy decoders
        differ.

    Raises
    ------
    InvalidInput
        If the file is missing, empty or not audio that libsndfile can read.
    """
    with _open(path) as sound, _decoding(path):
        if sound.subtype.startswith("PCM_") or sound.subtype.startswith("ALAC"):
            pcm = hashlib.sha256(f"{sound.samplerate} Hz, {sound.channels} channels, int32\n".encode())
            while len(block := sound.read(_BLOCK, dtype="int32", always_2d=True)):
                pcm.update(block.astype("<i4", copy=False).tobytes())
            return f"pcm-sha256:{pcm.hexdigest()}"
    with Path(path).open("rb") as file:
        return f"file-sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


@contextmanager
def _decoding(path: str | Path) -> Iterator[None]:
    try:
        yield
    except soundfile.SoundFileError as error:  # the header was well, what follows is not
        raise InvalidInput(f"{path} cannot be decoded to its end. Convert it to WAV or FLAC.") from error


def _open(path: str | Path) -> soundfile.SoundFile:
    file = Path(path)
    if not file.is_file():
        raise InvalidInput(f"There is no audio file {file}. Check the path in the manifest.")
    try:
        sound = soundfile.SoundFile(file)
    except soundfile.LibsndfileError as error:
        raise InvalidInput(
            f"{file} is not audio that libsndfile can read ({error.error_string}). Convert it to WAV or FLAC."
        ) from error
    if sound.frames == 0:
        sound.close()
        raise InvalidInput(f"{file} holds no samples. Leave it out, or replace it.")
    return sound
