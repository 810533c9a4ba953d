"""Audio files of every container: read alike, their length counted, and whatever is wrong with them said."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import tones, write
from scipy.signal import resample_poly

from asrlab.data import audio
from asrlab.data.audio import AudioInfo, NoAudio, decode, digest, probe
from asrlab.errors import InvalidInput

av = pytest.importorskip("av")

STEREO = (440, 1000)

#: File -> codec, rate, tones (one a channel), the name its format is given, and what else to tell the encoder.
CONTAINERS = {
    "aac.aac": ("aac", 44_100, STEREO, "aac", {}),
    "aac.m4a": ("aac", 44_100, STEREO, "m4a", {}),
    "alac.m4a": ("alac", 44_100, STEREO, "m4a", {}),
    "aac.mp4": ("aac", 48_000, STEREO, "mp4", {"video": "mpeg4"}),
    "aac.mkv": ("aac", 44_100, STEREO, "mkv", {"video": "mpeg4"}),
    "aac.flv": ("aac", 44_100, STEREO, "flv", {}),
    "amr.amr": ("libopencore_amrnb", 8_000, (440,), "amr", {"bit_rate": 12_200}),
    "amr.3gp": ("libopencore_amrnb", 8_000, (440,), "3gp", {"bit_rate": 12_200}),
    "opus.webm": ("libopus", 48_000, STEREO, "webm", {}),
    "opus-video.webm": ("libopus", 48_000, STEREO, "webm", {"video": "libvpx"}),
    "flac.mkv": ("flac", 44_100, STEREO, "mkv", {}),
    "mp3.avi": ("libmp3lame", 44_100, STEREO, "avi", {"video": "mpeg4"}),
    "mp2.mpeg": ("mp2", 44_100, STEREO, "mpeg", {"video": "mpeg1video", "container": "mpeg"}),
    "mp2.ts": ("mp2", 44_100, STEREO, "mpegts", {"container": "mpegts"}),
    "wma.wma": ("wmav2", 44_100, STEREO, "wma", {"bit_rate": 128_000}),
    "wma.wmv": ("wmav2", 44_100, STEREO, "wmv", {"bit_rate": 128_000, "video": "wmv2", "container": "asf"}),
    "wavpack.wv": ("wavpack", 16_000, STEREO, "wv", {}),
    "u8.avi": ("pcm_u8", 16_000, STEREO, "avi", {}),
    "s16.mov": ("pcm_s16be", 16_000, STEREO, "mov", {}),
    "s32.mkv": ("pcm_s32le", 16_000, STEREO, "mkv", {}),
    "float.mov": ("pcm_f32le", 16_000, STEREO, "mov", {}),
    "double.mkv": ("pcm_f64le", 16_000, STEREO, "mkv", {}),
    "seven.mkv": ("aac", 48_000, (300, 600, 900, 40, 1500, 1800, 2100, 2400), "mkv", {}),
    "adpcm.wav": ("adpcm_g726", 8_000, (440,), "wav", {}),
    "mp3.mp3": ("libmp3lame", 44_100, STEREO, "mp3", {}),
    "opus.ogg": ("libopus", 48_000, STEREO, "ogg", {}),
    "flac.flac": ("flac", 44_100, STEREO, "flac", {}),
    "pcm.aiff": ("pcm_s16be", 16_000, STEREO, "aiff", {}),
}
EXACT = {"alac.m4a", "flac.mkv", "s16.mov", "s32.mkv", "float.mov", "double.mkv"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One recording of a second in each container."""
    folder = tmp_path_factory.mktemp("containers")
    for name, (codec, rate, frequencies, _, more) in CONTAINERS.items():
        write(folder / name, tones(frequencies, rate), rate, codec, **more)
    return folder


def middle_of(samples):
    return samples[..., samples.shape[-1] // 5 : -samples.shape[-1] // 5]


def loudest(samples, rate=16_000):
    """The frequency with most power, in the middle of some samples."""
    middle = middle_of(samples)
    return np.argmax(np.abs(np.fft.rfft(middle * np.hanning(len(middle))))) * rate / len(middle)


# What can be read.


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_is_read(folder, name):
    _, rate, frequencies, container, _ = CONTAINERS[name]
    facts = probe(folder / name)
    assert (facts.channels, facts.sample_rate, facts.format) == (len(frequencies), rate, container)
    # A lossy encoder fills up its last frame, and may not say so. FFmpeg's own for WMA drops the first.
    assert facts.duration_s == pytest.approx(1.0, abs=0.055)
    samples = decode(folder / name)
    assert samples.dtype == np.float32
    assert samples.flags.c_contiguous
    assert samples.shape == (len(frequencies), -(-round(facts.duration_s * rate) * 16_000 // rate))
    assert np.std(middle_of(samples), axis=1) == pytest.approx(0.3 / 2**0.5, abs=0.06)  # AMR is for speech
    assert [loudest(channel) for channel in samples] == pytest.approx(frequencies, abs=5)


@pytest.mark.parametrize("name", sorted(EXACT))
def test_lossless_is_the_same_in_every_container(folder, name, tmp_path):
    rate, samples = CONTAINERS[name][1], tones(*CONTAINERS[name][2:0:-1])
    soundfile.write(tmp_path / "float.wav", samples.T, rate, subtype="FLOAT")
    assert probe(folder / name).duration_s == 1.0
    assert decode(folder / name, rate) == pytest.approx(samples, abs=2**-15)
    assert decode(folder / name) == pytest.approx(decode(tmp_path / "float.wav"), abs=2**-14)


def test_of_several_streams_the_first_with_audio_is_taken(folder, tmp_path):
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as file:
        streams = [file.add_stream("pcm_s16le", rate=8_000, layout="mono") for _ in range(2)]
        for stream, frequency in zip(streams, (300, 900), strict=True):
            pcm = (tones([frequency], 8_000) * 2**15).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(pcm, "s16", "mono")
            frame.rate, frame.pts, frame.time_base = 8_000, 0, Fraction(1, 8_000)
            file.mux(stream.encode(frame))
    assert probe(path) == AudioInfo(1.0, 1, 8_000, "mkv")
    assert loudest(decode(path)[0]) == pytest.approx(300, abs=5)


@pytest.mark.parametrize("name", ["concat:a|b.m4a", "http:", "%03d.m4a", "a#b?c.m4a", "é 音.m4a", "a.raw", "a.media"])
def test_a_name_is_only_a_name(folder, tmp_path, monkeypatch, name):
    (tmp_path / name).write_bytes((folder / "aac.m4a").read_bytes())
    monkeypatch.chdir(tmp_path)
    assert probe(name) == probe(folder / "aac.m4a")
    assert np.array_equal(decode(name), decode(folder / "aac.m4a"))


def test_tags_may_be_in_any_encoding(folder, tmp_path):
    for name in ("aac.m4a", "opus.webm", "aac.flv"):
        whole = (folder / name).read_bytes()
        assert b"Lavf" in whole
        (tmp_path / name).write_bytes(whole.replace(b"Lavf", b"\xe9\xff\xfe\x80"))
        assert probe(tmp_path / name) == probe(folder / name)


def test_the_digest_of_what_libsndfile_does_not_read_is_that_of_the_file(folder):
    for name in CONTAINERS:
        lossless = name in {"flac.flac", "pcm.aiff"}
        assert digest(folder / name).startswith("pcm-sha256:" if lossless else "file-sha256:")


def test_without_pyav_it_is_said_what_would_read_it(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    for read in (probe, decode, digest):
        with pytest.raises(InvalidInput, match=r"pip install 'asrlab\[local\]'"):
            read(folder / "aac.m4a")
        read(folder / "flac.flac")
        read(folder / "mp3.mp3")


def test_pyav_is_imported_only_when_it_is_needed(folder):
    code = (
        f"import sys; from asrlab.data.audio import decode; decode({str(folder / 'pcm.aiff')!r}); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split()
    assert "soundfile" in loaded
    assert "av" not in loaded


# Lengths, where the header does not give the true one.


def test_a_header_without_a_length_or_with_a_wrong_one_is_not_believed(folder, tmp_path):
    # A stream knows no length; FFmpeg guesses that of ADTS from the bit rate at its beginning.
    write(tmp_path / "live.webm", tones(STEREO, 48_000, 3.0), 48_000, "libopus", options={"live": "1"})
    loud_later = np.concatenate(
        [np.zeros((1, 132_300), np.float32), np.random.default_rng(5).normal(0, 0.2, (1, 44_100))], 1
    )
    write(tmp_path / "later.aac", loud_later.astype(np.float32), 44_100, "aac")
    with av.open(str(tmp_path / "live.webm")) as live, av.open(str(tmp_path / "later.aac")) as later:
        assert live.duration is None or live.duration > 3.5e6 or live.duration < 2.5e6
        assert abs(later.duration / 1e6 - 4.0) > 0.5
    assert probe(tmp_path / "live.webm").duration_s == pytest.approx(3.0, abs=0.02)
    assert probe(tmp_path / "later.aac").duration_s == pytest.approx(4.0, abs=0.06)


@pytest.mark.parametrize("name", ["opus.webm", "aac.aac", "amr.amr", "aac.flv", "mp2.mpeg", "wma.wma", "mp3.mp3"])
def test_a_file_cut_short_has_the_length_of_what_is_left_of_it_or_is_refused(folder, tmp_path, name):
    whole = (folder / name).read_bytes()
    cut = tmp_path / name
    cut.write_bytes(whole[: len(whole) // 2])
    try:
        facts = probe(cut)
    except InvalidInput:
        with pytest.raises(InvalidInput):
            decode(cut)
    else:
        assert 0.2 < facts.duration_s < 0.8
        assert decode(cut, facts.sample_rate).shape[1] == round(facts.duration_s * facts.sample_rate)


def streamed(path, total):
    """Make a FLAC of a second whose header gives another number of samples; 0 is for an unknown one."""
    soundfile.write(path, tones([440], 16_000)[0], 16_000)
    flac = bytearray(path.read_bytes())
    flac[21] = flac[21] & 0xF0 | total >> 32
    flac[22:26] = (total & 0xFFFFFFFF).to_bytes(4, "big")
    path.write_bytes(flac)
    return path


def test_a_flac_from_a_pipe_is_read_to_its_end(tmp_path):
    path = streamed(tmp_path / "a.flac", 0)
    assert probe(path) == AudioInfo(1.0, 1, 16_000, "flac")
    assert decode(path).shape == (1, 16_000)
    assert digest(path).startswith("file-sha256:")


def test_a_flac_that_promises_more_than_it_has_is_refused_without_room_being_made(tmp_path):
    path = streamed(tmp_path / "a.flac", 2**36 - 1)
    for read in (decode, digest):
        with pytest.raises(InvalidInput, match="cannot be decoded to its end"):
            read(path)


# Bounds.


def test_length_is_counted_up_to_a_bound(folder, monkeypatch):
    monkeypatch.setattr(audio, "_COUNTED_S", 0.5)
    assert 0.5 < probe(folder / "opus.webm").duration_s < 0.6
    assert 0.5 < probe(folder / "mp3.mp3").duration_s <= 1.0


@pytest.mark.parametrize("name", ["opus.webm", "flac.flac"])
def test_no_more_than_a_bound_is_decoded(folder, monkeypatch, name):
    monkeypatch.setattr(audio, "_DECODED", 32_000)
    assert decode(folder / name).size == 32_000
    monkeypatch.setattr(audio, "_DECODED", 31_999)
    with pytest.raises(InvalidInput, match="Split it"):
        decode(folder / name)


def test_memory_goes_by_what_is_made_of_a_file_and_not_by_what_it_unpacks_to(tmp_path):
    path = tmp_path / "silence.flac"
    soundfile.write(path, np.zeros((192_000 * 10, 8), np.int16), 192_000)
    assert path.stat().st_size < 200_000
    decode(path)  # what is imported for it is not counted
    tracemalloc.start()
    try:
        made = decode(path).nbytes
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert made == 8 * 160_000 * 4
    assert peak < 6 * made
    assert peak < 192_000 * 10 * 8 * 4 / 2


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 44_101])
@pytest.mark.parametrize("frames", [1, 999, 70_001])
def test_resampling_block_by_block_is_resampling(monkeypatch, tmp_path, rate, frames):
    samples = np.random.default_rng(frames).normal(0, 0.1, (frames, 2)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, rate, subtype="FLOAT")
    monkeypatch.setattr(audio, "_BLOCK", 4096)
    common = np.gcd(rate, 16_000)
    assert np.array_equal(decode(tmp_path / "a.wav").T, resample_poly(samples, 16_000 // common, rate // common))


@pytest.mark.parametrize("rate", [1, 900, 800_003, 2**31 - 1])
def test_rates_that_no_recording_has_are_refused(tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), rate)
    with pytest.raises(InvalidInput, match="is sampled at"):
        decode(tmp_path / "a.wav")


# What is no audio, or broken.


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("name", ["a.wav", "a.mov"])
def test_samples_that_are_no_numbers_are_refused(tmp_path, value, rate, name):
    samples = tones([440], rate)
    samples[0, 1234] = value
    if name == "a.wav":
        soundfile.write(tmp_path / name, samples.T, rate, subtype="FLOAT")
    else:
        write(tmp_path / name, samples, rate, "pcm_f32le")
    with pytest.raises(InvalidInput, match="not numbers"):
        decode(tmp_path / name)


def test_a_double_beyond_single_precision_is_refused(tmp_path):
    path = write(tmp_path / "a.mkv", tones([440], 16_000), 16_000, "pcm_f64le")
    whole = path.read_bytes()
    (last,) = {whole.rindex(np.float64(x).tobytes()) for x in tones([440], 16_000)[0, -1:]}
    path.write_bytes(whole[:last] + np.float64(1e300).tobytes() + whole[last + 8 :])
    with pytest.raises(InvalidInput, match="not numbers"):
        decode(path)


@pytest.mark.parametrize(("rate", "frequencies"), [(44_100, (440,)), (22_050, (440, 1000))])
def test_a_recording_that_changes_midway_is_refused(folder, tmp_path, rate, frequencies):
    other = write(tmp_path / "other.aac", tones(frequencies, rate), rate, "aac")
    both = tmp_path / "both.aac"
    both.write_bytes((folder / "aac.aac").read_bytes() + other.read_bytes())
    for read in (probe, decode):
        with pytest.raises(InvalidInput, match="midway"):
            read(both)
    both.write_bytes((folder / "aac.aac").read_bytes() * 2)
    assert probe(both).duration_s == pytest.approx(2 * probe(folder / "aac.aac").duration_s)


def test_files_without_audio_are_told_from_broken_ones(tmp_path):
    write(tmp_path / "picture.mp4", None, 0, None, video="mpeg4")
    write(tmp_path / "nothing.mov", np.zeros((1, 0), np.float32), 16_000, "pcm_s16le")
    soundfile.write(tmp_path / "nothing.wav", np.zeros(0), 16_000)
    for name in ("picture.mp4", "nothing.mov", "nothing.wav"):
        for read in (probe, decode, digest):
            with pytest.raises(NoAudio, match=f"{name} (has no audio stream|holds no samples)"):
                read(tmp_path / name)


def test_what_leads_elsewhere_is_no_audio(folder, tmp_path):
    recording = folder / "aac.aac"
    texts = {
        "a.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{recording}\n#EXT-X-ENDLIST\n",
        "a.ffconcat": f"ffconcat version 1.0\nfile '{recording}'\n",
        "a.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
        "a.wav": "this is no audio",
        "empty.m4a": "",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        for read in (probe, decode, digest):
            with pytest.raises(InvalidInput, match="not audio that"):
                read(tmp_path / name)
    for absent in (tmp_path / "absent.m4a", tmp_path):
        with pytest.raises(InvalidInput, match="no audio file"):
            probe(absent)


BROKEN = [name for name in CONTAINERS if "mp3" not in name]  # libsndfile's decoder for it writes to stderr


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_read_or_refused_and_nothing_else(folder, name, tmp_path, capfd):
    whole = (folder / name).read_bytes()
    path = tmp_path / name
    place = st.floats(0, 1).map(lambda x: int(x**4 * (len(whole) - 1)))  # mostly in the header

    @settings(max_examples=25, deadline=None, derandomize=True, database=None)
    @given(st.lists(st.tuples(place, st.binary(min_size=1, max_size=6)), max_size=4), st.none() | place)
    def broken(changes, end):
        changed = bytearray(whole)
        for at, content in changes:
            changed[at : at + len(content)] = content
        path.write_bytes(changed[:end])
        for read in (probe, decode, digest):
            try:
                given = read(path)
            except InvalidInput:
                continue
            if read is probe:
                assert given.duration_s > 0
                assert given.channels > 0
            if read is decode:
                assert np.isfinite(given).all()
                assert given.size > 0

    broken()
    assert capfd.readouterr().err == ""
