"""Codecs: samples coded and decoded again, as telephones, calls over the internet and small files do it."""

from __future__ import annotations

import io
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from asrlab.data.audio import resampled_blocks
from asrlab.data.levels import BLOCK
from asrlab.data.recipe import TELEPHONE, coding
from asrlab.errors import InvalidInput, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

TELEPHONE_HZ: Final = 8_000
PACKET_S: Final = Fraction(20, 1000)
_SUBTYPES: Final = {"mulaw": "ULAW", "alaw": "ALAW", "gsm": "GSM610"}  # libsndfile's names
_OPUS_HZ: Final = (8_000, 12_000, 16_000, 24_000, 48_000)
_OPUS_DECODED_HZ: Final = 48_000
_OPUS_LATE: Final = 312  # samples at 48 kHz by which the encoder looks ahead (RFC 7845 calls them pre-skip)
# Of each version of MPEG audio: rates in Hz, and the least and greatest kbit/s that layer III has for one channel.
_MP3_VERSIONS: Final = (
    ((32_000, 44_100, 48_000), 32, 320),
    ((16_000, 22_050, 24_000), 8, 160),
    ((8_000, 11_025, 12_000), 8, 64),
)
_MP3_LATE: Final = 1_105  # samples: 576 of the encoder, and 529 of any decoder
_FADE_S: Final = Fraction(60, 1000)


def coded_rate(rate: int, codec: str) -> int:
    """Rate in Hz at which a codec leaves what had another one."""
    return TELEPHONE_HZ if codec in TELEPHONE else rate


def coded(samples: Floats, rate: int, codec: str, lost: NDArray[np.bool_] | None = None) -> Floats:
    """Code samples and decode them again.

    Parameters
    ----------
    samples : ndarray of float32, shape (channels, samples)
        Full scale is 1; what lies beyond is flattened. Is changed.
    rate : int
        Sampling rate in Hz: for codecs of telephones 8,000.
    codec : str
        As :class:`asrlab.data.recipe.Recipe` names them. Each channel is coded apart. Opus and MP3 work at the next
        rate that they know, and are brought back to this one.
    lost : ndarray of bool, shape (packets,), optional
        Which packets of 20 ms, as many as :func:`packets` says, are lost: coded ones with Opus, where the decoder hears
        nothing of them; of decoded samples otherwise.

    Returns
    -------
    ndarray of float32, shape (channels, samples)
        In step with what came in, and as long.

    Raises
    ------
    MissingExtra
        If PyAV is not installed, for Opus and MP3.
    """
    name, kbps = coding(codec)
    np.clip(samples, -1, 1, out=samples)
    for channel in samples:
        if kbps is None:
            _by_libsndfile(channel, _SUBTYPES[name])
        elif name == "opus":
            _by_opus(channel, rate, kbps, lost)
        else:
            _by_mp3(channel, rate, kbps)
    if lost is not None and name != "opus":
        conceal(samples, rate, lost)
    return samples


def packets(samples: int, rate: int, codec: str | None) -> int:
    """Count the packets of 20 ms that so many samples are sent in."""
    late = Fraction(_OPUS_LATE, _OPUS_DECODED_HZ) if codec is not None and coding(codec)[0] == "opus" else 0
    return ceil((Fraction(samples, rate) + late) / PACKET_S)


def conceal(samples: Floats, rate: int, lost: NDArray[np.bool_], late: Fraction = Fraction(0)) -> None:
    """Put something in the places of lost packets, in all channels: the packet before, again and again, fading out.

    The amplitude falls to nothing in 60 ms, as in Appendix I of G.711; what is lost before anything came is silence.

    Parameters
    ----------
    samples : ndarray of float32, shape (channels, samples)
        Is changed.
    rate : int
        Sampling rate in Hz.
    lost : ndarray of bool, shape (packets,)
        Of 20 ms each.
    late : Fraction
        Seconds of the first packet that lie before the first sample.
    """
    packet = max(1, round(PACKET_S * rate))
    fade = np.linspace(1, 0, max(1, round(_FADE_S * rate)), endpoint=False, dtype=np.float32)
    for first, after in _runs(lost):
        begin, end = (max(0, round((number * PACKET_S - late) * rate)) for number in (first, after))
        gap = samples[:, begin:end]
        heard = samples[:, max(0, begin - packet) : begin]
        gap[:] = 0
        faded = fade[: gap.shape[1]]
        if heard.shape[1]:
            repeats = ceil(len(faded) / heard.shape[1])
            gap[:, : len(faded)] = np.tile(heard, repeats)[:, : len(faded)] * faded


def write_flac(file: Path | BinaryIO, samples: Floats, rate: int) -> None:
    """Write samples as FLAC of 16 bits, rounded to the nearest and without dither.

    Parameters
    ----------
    file : Path or file
        Where to.
    samples : ndarray of float32, shape (channels, samples)
        Full scale is 1; what lies beyond is flattened.
    rate : int
        Sampling rate in Hz.

    Raises
    ------
    InvalidInput
        If FLAC does not know the rate.
    """
    import soundfile  # noqa: PLC0415 - so that recipes can be read without it

    try:
        sink = soundfile.SoundFile(file, "w", rate, len(samples), "PCM_16", format="FLAC")
    except soundfile.LibsndfileError as error:
        raise InvalidInput(f"FLAC cannot hold {len(samples)} channels at {rate:,} Hz. Give a sample_rate.") from error
    with sink:
        for begin in range(0, samples.shape[1], BLOCK):
            sink.write(_as_int16(samples[:, begin : begin + BLOCK]).T)


def _as_int16(samples: Floats) -> NDArray[np.int16]:
    rounded: NDArray[np.int16] = np.clip(np.rint(samples * np.float32(32_768)), -32_768, 32_767).astype(np.int16)
    return rounded


def _runs(lost: NDArray[np.bool_]) -> Iterable[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(lost, prepend=False, append=False))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _by_libsndfile(channel: Floats, subtype: str) -> None:
    import soundfile  # noqa: PLC0415 - so that recipes can be read without it

    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", TELEPHONE_HZ, 1, subtype, format="WAV") as sink:
        for block in _blocks(channel):
            sink.write(_as_int16(block))
    file.seek(0)
    with soundfile.SoundFile(file) as source:
        for block in _blocks(channel):
            block[:] = source.read(len(block), dtype="int16") / np.float32(32_768)


def _by_opus(channel: Floats, rate: int, kbps: int, lost: NDArray[np.bool_] | None) -> None:
    coding_rate = next((hertz for hertz in _OPUS_HZ if hertz >= rate), _OPUS_HZ[-1])
    encoder = _encoder("libopus", coding_rate, kbps, "flt", {"application": "voip", "frame_duration": "20"})
    decoder = _decoder("libopus", _OPUS_DECODED_HZ)
    packet = round(PACKET_S * _OPUS_DECODED_HZ)

    def decoded() -> Iterator[Floats]:
        for number, sent in enumerate(_sent(encoder, _between(channel, rate, coding_rate), coding_rate)):
            if lost is not None and number < len(lost) and lost[number]:
                yield np.zeros(packet, np.float32)
            else:
                yield _decode(decoder, sent)

    _take(channel, decoded(), _OPUS_LATE, _OPUS_DECODED_HZ, rate)
    if lost is not None:
        conceal(channel[np.newaxis], rate, lost, Fraction(_OPUS_LATE, _OPUS_DECODED_HZ))


def _by_mp3(channel: Floats, rate: int, kbps: int) -> None:
    able = [hertz for rates, least, greatest in _MP3_VERSIONS if least <= kbps <= greatest for hertz in rates]
    coding_rate = min(able, key=lambda hertz: (abs(hertz - rate), -hertz))
    encoder = _encoder("libmp3lame", coding_rate, kbps, "fltp", {})
    decoder = _decoder("mp3float", coding_rate)
    sent = _sent(encoder, _between(channel, rate, coding_rate), coding_rate)
    _take(channel, (_decode(decoder, packet) for packet in sent), _MP3_LATE, coding_rate, rate)


def _encoder(name: str, rate: int, kbps: int, sample_format: str, options: dict[str, str]) -> Any:  # noqa: ANN401 - PyAV's
    av = _av()
    encoder = av.CodecContext.create(name, "w")
    encoder.sample_rate, encoder.layout, encoder.format = rate, "mono", sample_format
    encoder.bit_rate, encoder.options, encoder.time_base = kbps * 1000, options, Fraction(1, rate)
    encoder.open()
    return encoder


def _decoder(name: str, rate: int) -> Any:  # noqa: ANN401 - PyAV's
    decoder = _av().CodecContext.create(name, "r")
    decoder.sample_rate, decoder.layout = rate, "mono"
    decoder.open()
    return decoder


def _sent(encoder: Any, blocks: Iterator[Floats], rate: int) -> Iterator[bytes]:  # noqa: ANN401 - PyAV's
    """Code blocks of samples, and silence after them that pushes the last of them out."""
    av = _av()
    size = encoder.frame_size
    held = np.zeros(0, np.float32)
    time = 0

    def frames(whole: Floats) -> Iterator[bytes]:
        nonlocal time
        for begin in range(0, len(whole), size):
            frame = av.AudioFrame.from_ndarray(whole[np.newaxis, begin : begin + size], encoder.format.name, "mono")
            frame.sample_rate, frame.pts, time = rate, time, time + size
            yield from (bytes(packet) for packet in encoder.encode(frame))

    for block in blocks:
        held = np.concatenate([held, block])
        whole = len(held) - len(held) % size
        yield from frames(held[:whole])
        held = held[whole:]
    last = np.zeros(ceil((len(held) + 3 * max(size, _MP3_LATE)) / size) * size, np.float32)
    last[: len(held)] = held
    yield from frames(last)
    yield from (bytes(packet) for packet in encoder.encode(None))


def _decode(decoder: Any, sent: bytes) -> Floats:  # noqa: ANN401 - PyAV's
    """Decode a packet. Without what FFmpeg notes beside it, nothing is cut off at the beginning."""
    (frame,) = decoder.decode(_av().Packet(sent))
    samples: NDArray[Any] = frame.to_ndarray().reshape(-1)
    return samples.astype(np.float32) / np.float32(32_768) if samples.dtype == np.int16 else samples


def _take(channel: Floats, decoded: Iterator[Floats], late: int, decoded_rate: int, rate: int) -> None:
    """Fill a channel with what was decoded, but for what comes before its first sample."""

    def in_step() -> Iterator[Floats]:
        skipped = 0
        for block in decoded:
            cut = min(late - skipped, len(block))
            skipped += cut
            if cut < len(block):
                yield block[cut:, np.newaxis]

    begin = 0
    for block in resampled_blocks(in_step(), decoded_rate, rate):
        part = block[: len(channel) - begin, 0]
        channel[begin : begin + len(part)] = part
        begin += len(part)


def _between(channel: Floats, rate: int, other: int) -> Iterator[Floats]:
    blocks = (block[:, np.newaxis].copy() for block in _blocks(channel))  # it is filled again while it is still read
    return (block[:, 0] for block in resampled_blocks(blocks, rate, other))


def _blocks(channel: Floats) -> Iterator[Floats]:
    return (channel[begin : begin + BLOCK] for begin in range(0, len(channel), BLOCK))


def _av() -> Any:  # noqa: ANN401 - PyAV
    try:
        import av  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise MissingExtra("Coding as Opus or MP3", "local") from error
    return av
