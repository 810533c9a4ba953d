"""Audio files: what is in them, their samples, and what makes two files the same recording."""

from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, gcd
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import soundfile

from asrlab.data.containers import NoAudio, Sound, open_container
from asrlab.data.meter import Levels, Meter
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["AudioInfo", "Measured", "NoAudio", "decode", "digest", "measure", "probe"]

_BLOCK: Final = 1 << 20  # samples of all channels taken at a time: bounds the memory that reading takes
# A small file may hold years of silence.
_DECODED: Final = 12 * 3600 * 16_000  # samples of all channels at most: 2.8 GB, 12 h of one channel at 16 kHz
_COUNTED_S: Final = 24 * 3600
_RATES: Final = range(1_000, 768_001)  # of recordings; the filter that resamples, or what it makes, grows beyond
_EXACT: Final = ("PCM_", "ALAC")  # beginnings of libsndfile's names of lossless codings
_CUT: Final = re.compile(r"(?:data|SSND) : (\d+) \(should be (\d+)\)")
_STREAMED: Final = 0x7FFF_F000  # bytes from here on are what a program writes that cannot know how many there will be
_UNKNOWN: Final = 1 << 40  # frames; a FLAC that was written to a pipe does not know its own, and libsndfile says 2**63


@dataclass(frozen=True)
class AudioInfo:
    """Facts about an audio file: length in seconds, number of channels, rate in Hz, container format."""

    duration_s: float
    channels: int
    sample_rate: int
    format: str


def probe(path: str | Path) -> AudioInfo:
    """Find out how long an audio file is, and what is in it.

    Parameters
    ----------
    path : path
        A file that libsndfile reads (WAV, FLAC, OGG, MP3, AIFF ...) or, where PyAV is installed, FFmpeg (AAC, AMR, AVI,
        FLV, M4A, MKV, MP4, MPEG, WebM, WMA, WMV ...).

    Returns
    -------
    AudioInfo
        Of the first audio stream. Where a header is not to be relied on (MP3, and whatever FFmpeg reads) the length is
        that of what can be decoded, counted for a day of audio at most: what is longer is given as a little over 24 h.

    Raises
    ------
    InvalidInput
        If the file is missing, or is not audio that can be read; NoAudio if it can be and there is none in it.
    """
    with _by_libsndfile(path) as wave:
        if wave is not None and wave.format != "MP3":
            return AudioInfo(wave.frames / wave.samplerate, wave.channels, wave.samplerate, _format(wave))
    with _open(path) as sound:
        length = 0
        for block in sound.blocks:
            length += len(block)
            if length > _COUNTED_S * sound.sample_rate:
                break
        if length == 0:
            raise _without_samples(path)
        return AudioInfo(length / sound.sample_rate, sound.channels, sound.sample_rate, sound.format)


@dataclass(frozen=True)
class Measured:
    """What was found out about an audio file by reading all of it.

    Parameters
    ----------
    info : AudioInfo
        Facts, the length being that of the samples which are there.
    digest : str
        As :func:`digest` gives it.
    levels : Levels
        How loud it is.
    missing_s : float
        Seconds that the header promises beyond those that are there: the file was cut off.
    """

    info: AudioInfo
    digest: str
    levels: Levels
    missing_s: float = 0.0


def measure(path: str | Path) -> Measured:
    """Read an audio file once, in bounded memory: its facts, its fingerprint and its levels.

    Parameters
    ----------
    path : path
        A file that :func:`probe` can read.

    Returns
    -------
    Measured
        Of what lasts longer than 24 h, the first 24 h and a little.

    Raises
    ------
    InvalidInput
        If the file is missing, is not audio that can be read, or turns out broken; NoAudio if there is no audio in it.
    """
    with _by_libsndfile(path) as wave:
        if wave is not None and wave.subtype.startswith(_EXACT):
            content = _content(wave)
            sound = Sound(_format(wave), wave.samplerate, wave.channels, _hashed(wave, path, content))
            info, levels = _levels(path, sound)
            missing = _promised(wave) - round(info.duration_s * wave.samplerate)
            return Measured(info, f"pcm-sha256:{content.hexdigest()}", levels, max(0, missing) / wave.samplerate)
    with _open(path) as sound:
        info, levels = _levels(path, sound)
    return Measured(info, _file_digest(path), levels)


def decode(path: str | Path, rate: int = 16_000, *, channel: int | None = None) -> NDArray[np.float32]:
    """Decode an audio file and resample it.

    Parameters
    ----------
    path : path
        A file that :func:`probe` can read. Of several audio streams the first is taken.
    rate : int
        Wanted sampling rate in Hz.
    channel : int, optional
        The one to decode, counted from 0; all if not given.

    Returns
    -------
    ndarray of float32, shape (channels, samples)
        Full scale is 1. Lossy decoders, and files of floating-point numbers, may go a little beyond it.

    Raises
    ------
    InvalidInput
        If the file is missing, is not audio that can be read, or breaks off where it says it goes on; if it has samples
        that are no numbers; if it is longer than 12 h over its number of channels. NoAudio if there is no audio in it.
    """
    pcm = bytearray()
    with _open(path) as sound:
        _check_rate(sound, path)
        channels = sound.channels if channel is None else 1
        blocks = sound.blocks if channel is None else (block[:, channel : channel + 1] for block in sound.blocks)
        for block in resampled_blocks(blocks, sound.sample_rate, rate):
            _check_finite(block, path)
            pcm += block.tobytes()
            if len(pcm) > 4 * _DECODED:
                hours = _DECODED / channels / rate / 3600
                raise InvalidInput(f"{path} lasts more than {hours:.1f} h, too much to be decoded at once. Split it.")
        samples = np.frombuffer(pcm, np.float32).reshape(-1, channels)
    if len(samples) == 0:
        raise _without_samples(path)
    return np.ascontiguousarray(samples.T)


def decode_part(path: str | Path, begin: int, end: int) -> NDArray[np.float32]:
    """Decode a stretch of an audio file, at its own rate.

    Where libsndfile reads lossless PCM in it, what lies before is skipped: the stretches of an hour take no longer than
    those of a minute. In other files it is decoded, since a decoder that starts midway gives other samples.

    Parameters
    ----------
    path : path
        A file that :func:`probe` can read.
    begin, end : int
        Where it begins and ends, in samples.

    Returns
    -------
    ndarray of float32, shape (channels, samples)
        What :func:`decode` gives at the file's rate, from begin to end.

    Raises
    ------
    InvalidInput
        As :func:`decode` does, where it can see it.
    """
    with _by_libsndfile(path) as wave:
        if wave is not None and wave.subtype.startswith(_EXACT) and (end - begin) * wave.channels <= _DECODED:
            try:
                wave.seek(begin)
                samples = wave.read(end - begin, dtype="float32", always_2d=True)
            except soundfile.SoundFileError as error:
                raise InvalidInput(f"{path} cannot be decoded to its end. Convert it to WAV or FLAC.") from error
            return np.ascontiguousarray(samples.T)
    return decode(path, probe(path).sample_rate)[:, begin:end].copy()  # so that the rest is let go


def digest(path: str | Path) -> str:
    """Fingerprint of a recording, the same for every lossless file that holds the same samples.

    Parameters
    ----------
    path : path
        An audio file.

    Returns
    -------
    str
        ``"pcm-sha256:..."`` over integer samples, rate and channels where libsndfile reads lossless PCM in it (a FLAC
        made of a WAV has the digest of the WAV); ``"file-sha256:..."`` over the file's bytes otherwise: lossy decoders
        differ, and lossless audio in a container that only FFmpeg reads (ALAC in M4A, FLAC in MKV) is not worth a
        second way of counting.

    Raises
    ------
    InvalidInput
        If the file is missing, empty or not audio that can be read.
    """
    with _by_libsndfile(path) as wave:
        if wave is not None and wave.subtype.startswith(_EXACT):
            content = _content(wave)
            for block in _blocks(wave, path, "int32"):
                content.update(block.astype("<i4", copy=False).tobytes())
            return f"pcm-sha256:{content.hexdigest()}"
    with _open(path):  # it is audio, or this raises
        pass
    return _file_digest(path)


def _content(wave: soundfile.SoundFile) -> hashlib._Hash:
    """Begin the hash of a lossless recording, which its samples are to follow in."""
    return hashlib.sha256(f"{wave.samplerate} Hz, {wave.channels} channels, int32\n".encode())


def _file_digest(path: str | Path) -> str:
    with Path(path).open("rb") as file:
        return f"file-sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _hashed(wave: soundfile.SoundFile, path: str | Path, content: hashlib._Hash) -> Iterator[NDArray[np.float32]]:
    """Read a lossless recording, and hash its samples on the way."""
    for block in _blocks(wave, path, "int32"):
        content.update(block.astype("<i4", copy=False).tobytes())
        yield block.astype(np.float32) * np.float32(2**-31)


def _levels(path: str | Path, sound: Sound) -> tuple[AudioInfo, Levels]:
    _check_rate(sound, path)
    longest = _COUNTED_S * sound.sample_rate

    def sane() -> Iterator[NDArray[np.float32]]:
        length = 0
        for block in sound.blocks:
            _check_finite(block, path)
            yield block
            length += len(block)
            if length > longest:
                break

    levels = Meter(sound.sample_rate, sound.channels).levels(sane())
    if len(levels.samples) == 0:
        raise _without_samples(path)
    length = int(levels.samples.sum()) / sound.sample_rate
    return AudioInfo(length, sound.channels, sound.sample_rate, sound.format), levels


def _promised(wave: soundfile.SoundFile) -> int:
    """Frames that a header says there are, be they there or not."""
    cut = _CUT.search(wave.extra_info)  # libsndfile makes less of it, and says so only here
    if cut is None or (said := int(cut[1])) >= _STREAMED:
        return int(wave.frames)
    return round(int(wave.frames) * said / max(1, int(cut[2])))


def _check_rate(sound: Sound, path: str | Path) -> None:
    if sound.sample_rate not in _RATES:
        raise InvalidInput(f"{path} is sampled at {sound.sample_rate:,} Hz, as no recording is. Resample it.")


def _check_finite(block: NDArray[np.float32], path: str | Path) -> None:
    if not np.isfinite(block).all():
        raise InvalidInput(
            f"{path} has samples that are not numbers (NaN or infinite). Export it again as 16-bit WAV or FLAC."
        )


@contextmanager
def _open(path: str | Path) -> Iterator[Sound]:
    with _by_libsndfile(path) as wave:
        if wave is not None:
            yield Sound(_format(wave), wave.samplerate, wave.channels, _blocks(wave, path, "float32"))
            return
    with open_container(Path(path)) as sound:
        yield sound


@contextmanager
def _by_libsndfile(path: str | Path) -> Iterator[soundfile.SoundFile | None]:
    """Open a file with libsndfile, or give None where that cannot read it."""
    file = Path(path)
    if not file.is_file():
        raise InvalidInput(f"There is no audio file {file}. Check the path in the manifest.")
    try:
        wave = soundfile.SoundFile(file)
    except (soundfile.LibsndfileError, TypeError):  # TypeError: by its name it has no header
        yield None
        return
    with wave:
        if wave.frames == 0:
            raise _without_samples(file)
        yield wave if wave.frames < _UNKNOWN else None


def _blocks(wave: soundfile.SoundFile, path: str | Path, dtype: Literal["float32", "int32"]) -> Iterator[NDArray[Any]]:
    size = max(1, _BLOCK // wave.channels)
    try:
        while len(block := wave.read(size, dtype=dtype, always_2d=True)):
            yield block
    except soundfile.SoundFileError as error:  # the header was well, what follows is not
        raise InvalidInput(f"{path} cannot be decoded to its end. Convert it to WAV or FLAC.") from error


def _format(wave: soundfile.SoundFile) -> str:
    return "wav" if wave.format == "WAVEX" else wave.format.lower()


def _without_samples(path: str | Path) -> NoAudio:
    return NoAudio(f"{path} holds no samples. Leave it out, or replace it.")


def resampled_blocks(blocks: Iterator[NDArray[np.float32]], source: int, rate: int) -> Iterator[NDArray[np.float32]]:
    """Resample block by block; what comes is the same to the last bit as if all had been resampled at once.

    Parameters
    ----------
    blocks : iterator of ndarray of float32, shape (samples, channels)
        What is resampled.
    source, rate : int
        Its rate, and the one that is wanted, in Hz.
    """
    if source == rate:
        yield from blocks
        return
    from scipy.signal import resample_poly  # noqa: PLC0415 - slow to import, and seldom needed

    up, down = rate // gcd(rate, source), source // gcd(rate, source)
    # The filter that resample_poly makes has 10 * max(up, down) taps to either side, at up times the source's rate.
    # A block is given the samples before and after it that its own are made of, in multiples of down, which come out
    # whole.
    reach = ceil((10 * max(up, down) / up + 1) / down) * down
    parts: list[NDArray[np.float32]] = []
    length = before = 0
    for block in blocks:
        parts.append(block)
        length += len(block)
        if length * block.shape[1] < _BLOCK or length < 3 * reach:
            continue
        held = np.concatenate(parts)
        settled = (length - reach) // down * down
        yield resample_poly(held, up, down)[before * up // down : settled * up // down]
        parts, before = [held[settled - reach :]], reach
        length = len(parts[0])
    if parts:
        yield resample_poly(np.concatenate(parts), up, down)[before * up // down :]
