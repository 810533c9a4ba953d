"""Audio in the containers that libsndfile does not read: AAC, AMR, M4A, MP4, WebM, WMA ..., by PyAV (FFmpeg)."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.audio.frame import AudioFrame
    from av.container import InputContainer
    from numpy.typing import NDArray

# FFmpeg goes by a file's content, and also knows playlists, scripts and images, which make it open other files and
# links. Of what it knows, these are recordings and nothing else.
_FORMATS: Final = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dts,eac3,flac,flv,loas,matroska,mov,mp3,mpc,mpc8,mpeg,mpegts,mxf,ogg,rm,tta,"
    "voc,w64,wav,webm,wv"
)
_DTYPES: Final[dict[str, Any]] = {
    "u8": np.uint8, "s16": np.int16, "s32": np.int32, "s64": np.int64, "flt": np.float32, "dbl": np.float64
}  # fmt: skip
_BRANDS: Final = {"M4A": "m4a", "M4B": "m4a", "qt ": "mov", "3gp": "3gp", "3g2": "3gp"}


class NoAudio(InvalidInput):
    """A file that is well and has no audio in it: no audio stream, or a stream without samples."""


@dataclass(frozen=True)
class Sound:
    """An open audio file, to be read once from its beginning to its end.

    Parameters
    ----------
    format : str
        Name of the container.
    sample_rate : int
        In Hz.
    channels : int
        How many there are.
    blocks : iterator of ndarray of float32, shape (samples, channels)
        What is in it, full scale being 1; raises InvalidInput where the file breaks off or turns out broken.
    """

    format: str
    sample_rate: int
    channels: int
    blocks: Iterator[NDArray[np.float32]]


@contextmanager
def open_container(file: Path) -> Iterator[Sound]:
    """Open the first audio stream of a file.

    Raises
    ------
    InvalidInput
        If PyAV is not installed, or FFmpeg cannot read the file; NoAudio if there is no audio in it.
    """
    try:
        import av  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise InvalidInput(
            f"{file} is not audio that libsndfile can read. AAC, AMR, M4A, MP4, WebM, WMA and the like need PyAV: "
            "pip install 'asrlab[local]'. Or convert it to WAV or FLAC."
        ) from error
    options = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
    try:
        # The prefix keeps FFmpeg from reading a protocol out of the name. Tags may be in any encoding.
        container = av.open(f"file:{file}", options=options, metadata_errors="replace")
    except av.FFmpegError as error:
        raise InvalidInput(
            f"{file} is not audio that libsndfile or FFmpeg can read ({error.strerror}). Convert it to WAV or FLAC."
        ) from error
    with container:
        frames = _frames(container, file)
        first = next(frames, None)
        if first is None:
            raise NoAudio(f"{file} holds no samples. Leave it out, or replace it.")
        yield Sound(_format(container, file), first.sample_rate, first.layout.nb_channels, _blocks(first, frames, file))


def _frames(container: InputContainer, file: Path) -> Iterator[AudioFrame]:
    import av  # noqa: PLC0415 - as above

    if not container.streams.audio:
        raise NoAudio(f"{file} has no audio stream. Leave it out, or replace it.")
    stream = container.streams.audio[0]
    if stream.codec_context is None:
        raise InvalidInput(f"{file} has audio in a coding that FFmpeg cannot decode. Convert it to WAV or FLAC.")
    try:
        yield from (frame for frame in container.decode(stream) if frame.samples)
    except av.FFmpegError as error:
        raise InvalidInput(f"{file} cannot be decoded to its end. Convert it to WAV or FLAC.") from error
    except IndexError:  # all of ours has come by then: PyAV looks in vain for a stream that turned up midway, to end it
        return


def _blocks(first: AudioFrame, rest: Iterator[AudioFrame], file: Path) -> Iterator[NDArray[np.float32]]:
    facts = first.sample_rate, first.layout.nb_channels
    yield _floats(first)
    for frame in rest:
        if (frame.sample_rate, frame.layout.nb_channels) != facts:
            raise InvalidInput(f"{file} changes its sampling rate or channels midway. Convert it to WAV or FLAC.")
        yield _floats(frame)


def _floats(frame: AudioFrame) -> NDArray[np.float32]:
    from av.audio.plane import AudioPlane  # noqa: PLC0415 - as above

    # Not by frame.planes or to_ndarray(): where each of eight channels or more has a plane of its own, PyAV (18)
    # looks for the last plane beyond the end of their list, and the process dies of it.
    channels, planar = frame.layout.nb_channels, frame.format.is_planar
    dtype = _DTYPES[frame.format.packed.name]
    buffers: list[Any] = [AudioPlane(frame, i) for i in range(channels if planar else 1)]
    count = frame.samples if planar else frame.samples * channels
    planes = [np.frombuffer(buffer, dtype, count) for buffer in buffers]
    values: NDArray[Any] = np.stack(planes, axis=1) if planar else planes[0].reshape(-1, channels)
    if dtype == np.uint8:
        return values.astype(np.float32) / np.float32(128) - np.float32(1)
    if values.dtype.kind == "i":
        return values.astype(np.float32) / -np.float32(np.iinfo(dtype).min)
    with np.errstate(over="ignore"):  # infinite then, which is refused as NaN is
        return values.astype(np.float32)


def _format(container: InputContainer, file: Path) -> str:
    """Name the container, where FFmpeg has one name for a family of them."""
    name = container.format.name
    if name.startswith("mov,"):
        brand = container.metadata.get("major_brand", "qt ")  # QuickTime is older than brands
        return _BRANDS.get(brand[:3], "mp4")
    if name.startswith("matroska,"):
        with file.open("rb") as opened:
            return "webm" if b"webm" in opened.read(64) else "mkv"
    if name == "asf":
        return "wmv" if container.streams.video else "wma"
    return name
