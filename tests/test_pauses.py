"""Where recordings are cut: in the silence that was put between utterances, and said where there is none."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from asrlab.data.audio import decode
from asrlab.data.pauses import cuts, loudness, pieces_at_most
from asrlab.errors import InvalidInput

DICTATION = Path(__file__).parents[1] / "datasets" / "dictation" / "audio"
RATE = 16_000


@pytest.fixture(scope="module")
def spoken():
    """English and Chinese utterances one after the other, and where the silence of 0.3 s between them is."""
    parts, gaps, at = [], [], 0
    for file in sorted(DICTATION.rglob("*.flac"))[::3]:
        samples = decode(file, RATE)[0]
        gaps.append((at + len(samples), at + len(samples) + 4800))
        at = gaps[-1][1]
        parts += [samples, np.zeros(4800, np.float32)]
    return np.concatenate(parts)[None], gaps


@pytest.mark.parametrize("snr_db", [None, 20, 10])
def test_speech_is_cut_between_utterances_also_in_noise(spoken, snr_db):
    samples, gaps = spoken
    if snr_db is not None:
        power = np.mean(samples[samples != 0] ** 2) / 10 ** (snr_db / 10)
        samples = samples + np.random.default_rng(5).normal(0, np.sqrt(power), samples.shape).astype(np.float32)
    found = cuts(samples, RATE, most_s=30)
    assert len(found) >= samples.shape[1] / RATE / 30 - 1
    for cut in found:
        assert cut.in_pause
        # Utterances begin and end with silence of their own.
        assert any(begin - 0.3 * RATE <= cut.place <= end + 0.3 * RATE for begin, end in gaps), cut


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_the_longest_pause_is_taken_and_of_several_the_latest(rate):
    def at(second):
        return int(second * rate)

    sound = np.sin(np.arange(at(12)) * 0.3, dtype=np.float32)[None]
    for begin, end in ((5.5, 5.8), (6.5, 7.5), (8.0, 8.3), (9.5, 9.55)):
        sound[:, at(begin) : at(end)] = 0
    (cut,) = cuts(sound, rate, most_s=10)
    assert cut.in_pause
    assert abs(cut.place - at(7)) <= at(0.02)
    sound[:, at(6.5) : at(7.5)] = 1
    (cut,) = cuts(sound, rate, most_s=10)
    assert abs(cut.place - at(8.15)) <= at(0.02)


def test_where_there_is_no_pause_it_is_said_and_cut_where_it_is_most_quiet():
    tone = np.sin(np.arange(12 * RATE) * 0.3, dtype=np.float32)[None]
    tone[:, 8 * RATE : 8 * RATE + 800] *= 0.1  # 50 ms, as a closure within a word may last
    (cut,) = cuts(tone, RATE, most_s=10)
    assert not cut.in_pause
    assert 8 * RATE <= cut.place <= 8 * RATE + 800


def test_silence_may_be_cut_anywhere():
    silence = np.zeros((1, 25 * RATE), np.float32)
    found = cuts(silence, RATE, most_s=10)
    assert found
    assert all(cut.in_pause for cut in found)


def test_what_is_short_enough_is_not_cut_to_the_sample():
    assert cuts(np.ones((1, 10 * RATE), np.float32), RATE, most_s=10) == []
    assert len(cuts(np.ones((1, 10 * RATE + 1), np.float32), RATE, most_s=10)) == 1
    for wrong in (0, 0.5, -1, float("nan")):
        with pytest.raises(InvalidInput, match="a second or more"):
            cuts(np.ones((1, 10), np.float32), RATE, most_s=wrong)


@given(st.integers(0, 2**32), st.floats(1, 6), st.integers(1, 400_000))
@settings(max_examples=30, deadline=None)
def test_pieces_are_short_enough_and_not_many(seed, most_s, length):
    rng = np.random.default_rng(seed)
    samples = (
        rng.normal(0, 0.1, (1, length)).astype(np.float32)
        * (rng.random(length // 4000 + 1) > 0.4).repeat(4000)[:length]
    )
    places = [0, *(cut.place for cut in cuts(samples, RATE, most_s=most_s)), length]
    sizes = [later - earlier for earlier, later in pairwise(places)]
    assert all(0 < size <= most_s * RATE for size in sizes)
    assert len(sizes) <= pieces_at_most(length / RATE, most_s=most_s)


def test_loudness_is_that_of_20_ms_around_each_place():
    samples = np.zeros((2, RATE), np.float32)
    samples[:, 8000] = 0.5
    hop, loud = loudness(samples, RATE)
    assert hop == 80
    assert np.flatnonzero(loud).tolist() == [99, 100, 101, 102]  # those whose 20 ms hold 8000 = 100 hops
    assert loud.max() == pytest.approx(0.5)  # of both channels


def test_loudness_is_the_same_wherever_it_is_worked_out_in_parts(monkeypatch):
    samples = np.random.default_rng(5).normal(size=(2, 16_011)).astype(np.float32)
    hop, whole = loudness(samples, 1_000)
    monkeypatch.setattr("asrlab.data.pauses._HOPS", 7)
    assert loudness(samples, 1_000)[0] == hop
    np.testing.assert_array_equal(loudness(samples, 1_000)[1], whole)


def test_one_channel_is_decoded_as_if_it_were_alone(tmp_path):
    sound = np.random.default_rng(6).normal(size=(20_000, 2)) * 0.1
    soundfile.write(tmp_path / "two.wav", sound, 44_100)
    soundfile.write(tmp_path / "one.wav", sound[:, 1], 44_100)
    alone = decode(tmp_path / "two.wav", 16_000, channel=1)
    np.testing.assert_array_equal(alone, decode(tmp_path / "one.wav", 16_000))
    assert len(alone) == 1
    assert np.abs(alone - decode(tmp_path / "two.wav", 16_000)[:1]).max() > 0.01
