"""The active speech level: against ITU-T P.56 written out sample by sample, and against signals of known level."""

from __future__ import annotations

from math import ceil, exp, log10

import numpy as np
import pytest

from asrlab.data import levels
from asrlab.data.levels import amplitude, rms_level, speech_level


def by_the_book(samples, rate):
    """P.56 method B as the Recommendation tells it: sample by sample, and by halving until the margin fits."""
    keep, hang = exp(-1 / (rate * 0.03)), ceil(0.2 * rate)
    thresholds = [2.0**k for k in range(-15, 0)]
    counts, since = [0] * 15, [hang] * 15
    p = q = power = 0.0
    for x in samples.astype(float):
        power += x * x
        p = keep * p + (1 - keep) * abs(x)
        q = keep * q + (1 - keep) * p
        for j, threshold in enumerate(thresholds):
            if q >= threshold:
                counts[j] += 1
                since[j] = 0
            elif since[j] < hang:
                counts[j] += 1
                since[j] += 1
            else:
                break
    dbs = [(10 * log10(power / a), 20 * log10(c)) for a, c in zip(counts, thresholds, strict=True) if a]
    j = next(j for j, (level, threshold) in enumerate(dbs) if level - threshold <= 15.9)
    (low_level, low), (high_level, high) = dbs[j - 1], dbs[j]
    for _ in range(60):
        level, threshold = (low_level + high_level) / 2, (low + high) / 2
        if level - threshold > 15.9:
            low_level, low = level, threshold
        else:
            high_level, high = level, threshold
    return low_level, power / len(samples) / 10 ** (low_level / 10)


def talk(rate, seconds, seed=0):
    """Noise in syllables, with pauses between phrases."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(rate * seconds)) / rate
    syllables = np.abs(np.sin(2 * np.pi * 2.1 * time)) ** 1.5
    phrases = (np.sin(2 * np.pi * 0.35 * time + seed) > -0.3).astype(float)
    noise = np.convolve(rng.standard_normal(len(time)), np.hanning(6), "same")
    return (0.05 * noise * syllables * phrases).astype(np.float32)


@pytest.mark.parametrize("rate", [8_000, 16_000])
@pytest.mark.parametrize("gain", [0.05, 1.0, 6.0])
def test_as_the_recommendation_has_it(rate, gain):
    samples = talk(rate, 3.0, seed=rate) * np.float32(gain)
    level, activity = by_the_book(samples, rate)
    found = speech_level(samples, rate)
    assert found.level_db == pytest.approx(level, abs=1e-6)
    assert found.activity == pytest.approx(activity, rel=1e-6)


@pytest.mark.parametrize("level_db", [-70.0, -40.0, -26.0, -3.1])
def test_of_a_steady_tone_it_is_its_power(level_db):
    time = np.arange(10 * 16_000) / 16_000
    tone = (np.sqrt(2) * 10 ** (level_db / 20) * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    found = speech_level(tone, 16_000)
    assert found.level_db == pytest.approx(level_db, abs=0.05)
    assert found.activity == pytest.approx(1, abs=0.01)
    assert rms_level(tone) == pytest.approx(level_db, abs=1e-3)


def test_full_scale_is_that_of_a_square_wave():
    assert rms_level(np.tile(np.float32([1, -1]), 1000)) == 0
    assert rms_level(np.sin(2 * np.pi * np.arange(48_000) / 48).astype(np.float32)) == pytest.approx(-3.0103, abs=1e-3)


@pytest.mark.parametrize(("on", "off"), [(1.0, 1.0), (2.0, 3.0), (0.5, 4.0)])
def test_pauses_do_not_count(on, off):
    rate, times = 8_000, 12
    rng = np.random.default_rng(1)
    burst = np.concatenate([0.1 * rng.standard_normal(int(on * rate)), np.zeros(int(off * rate))])
    samples = np.tile(burst, times).astype(np.float32)
    found = speech_level(samples, rate)
    # The envelope falls by the margin (and what a mean is below a root of squares) within about 0.09 s, and then 0.2 s
    # hang over.
    active = (on + 0.29) / (on + off)
    assert found.activity == pytest.approx(active, abs=0.03 / (on + off))
    assert found.level_db == pytest.approx(-20 + 10 * log10(on / (on + 0.29)), abs=0.3)


def test_silence_around_it_changes_nothing():
    samples = talk(16_000, 20.0, seed=2)
    padded = np.concatenate([np.zeros(90_000, np.float32), samples, np.zeros(200_000, np.float32)])
    alone, among = speech_level(samples, 16_000), speech_level(padded, 16_000)
    assert among.level_db == pytest.approx(alone.level_db, abs=0.12)  # at its end the 0.2 s that hang over count now
    assert among.activity * len(padded) == pytest.approx(alone.activity * len(samples), rel=0.03)


def test_it_goes_with_the_gain():
    samples = talk(16_000, 5.0, seed=3)
    base = speech_level(samples, 16_000).level_db
    for gain_db in (-60, -24.5, -3, 12):
        found = speech_level(samples * amplitude(gain_db), 16_000).level_db
        assert found - base == pytest.approx(gain_db, abs=0.1)  # thresholds lie 6 dB apart


@pytest.mark.parametrize("block", [7, 1000, 4096])
def test_blocks_are_not_heard(monkeypatch, block):
    samples = talk(8_000, 3.0, seed=4)
    whole = speech_level(samples, 8_000), rms_level(samples)
    monkeypatch.setattr(levels, "BLOCK", block)
    found = speech_level(samples, 8_000)
    assert found.level_db == pytest.approx(whole[0].level_db, abs=1e-9)
    assert found.activity == pytest.approx(whole[0].activity, abs=1e-9)
    assert rms_level(samples) == pytest.approx(whole[1], abs=1e-9)


@pytest.mark.parametrize("samples", [np.zeros(16_000), np.zeros(1), np.full(8_000, 1e-9)])
def test_silence_has_no_level(samples):
    assert speech_level(samples.astype(np.float32), 16_000) is None
    assert rms_level(np.zeros(5, np.float32)) is None


def test_a_click_has_some_level():
    click = np.zeros(16_000, np.float32)
    click[5_000] = 0.9
    assert -45 < speech_level(click, 16_000).level_db < -20
    assert speech_level(np.float32([0.5]), 16_000).level_db == pytest.approx(-6.02, abs=0.01)


def test_amplitudes():
    assert amplitude(20) == 10
    assert amplitude(-6.0206) == pytest.approx(0.5, rel=1e-5)
