"""Recipes, and what they make of samples: measured back with numpy and scipy alone."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields
from fractions import Fraction

import numpy as np
import pytest
from scipy.signal import correlate, firwin, welch
from test_levels import by_the_book, talk

from asrlab.data import codecs, levels
from asrlab.data.codecs import conceal, packets
from asrlab.data.noise import convolved, looped, made_noise, room_response
from asrlab.data.perturb import Shape, Sound, perturb, resampled, shape_after
from asrlab.data.recipe import Recipe
from asrlab.errors import InvalidInput, MissingExtra

RATES = (8_000, 16_000, 48_000)


def drawn(step, channel, seed=0):
    return np.random.default_rng([seed, channel, *step.encode()])


def done(samples, rate, materials=(), seed=0, **recipe):
    """Carry out a recipe on a copy; gives samples and rate."""
    sound = Sound(
        np.array(np.atleast_2d(samples), np.float32),
        rate,
        lambda step, channel: drawn(step, channel, seed),
        lambda _: iter(np.float32(one) for one in materials),
    )
    made, before = Recipe(**recipe), Shape(sound.samples.shape[1], len(sound.samples), rate)
    perturb(sound, made)
    promised = shape_after(made, before)
    assert (sound.samples.shape, sound.rate) == ((promised.channels, promised.samples), promised.rate)
    assert sound.samples.dtype == np.float32
    assert np.isfinite(sound.samples).all()
    return sound.samples, sound.rate


def voice(rate, seconds, top=3_000, level=0.1):
    """Harmonics of a gliding pitch, in syllables: what codecs are made for, and like itself only at one place."""
    time = np.arange(int(rate * seconds)) / rate
    phase = 2 * np.pi * np.cumsum(130 + 50 * np.sin(2 * np.pi * 0.7 * time) + 20 * time) / rate
    made = sum(np.sin(k * phase) / k**0.8 for k in range(2, 40) if k * 220 < min(top, 0.45 * rate))
    made = made * (0.3 + np.abs(np.sin(2 * np.pi * 2.3 * time)))
    return (level * made / made.std()).astype(np.float32)


def power_db(samples):
    return 10 * np.log10(np.mean(np.asarray(samples, float) ** 2))


def band(rate, seconds, low, high, *, seed=0, level=0.1):
    """Noise in a band, of 0.1 RMS."""
    noise = np.random.default_rng(seed).standard_normal(int(rate * seconds))
    made = np.convolve(noise, firwin(255, [low, high], fs=rate, pass_zero=False), "same")
    return (level * made / made.std()).astype(np.float32)


# Recipes.


def test_nothing_is_nothing():
    for recipe in (
        Recipe(),
        Recipe(audio_seed=7),
        Recipe(noise="babble", talkers=3),
        Recipe.from_mapping({"snr": None, "noise": "white", "audio_seed": None}),
        Recipe(speed=1, lead_s=0, tail_s=-0.0, gain_db=0, clip_db=0, packet_loss=0),
    ):
        assert recipe.is_nothing
        assert recipe.canonical == "{}"
        assert str(recipe) == "nothing"
        assert not recipe.changes_length
    assert not Recipe(level_db=0).is_nothing  # 0 dBov is a level
    assert not Recipe(crosstalk_db=0).is_nothing
    assert not Recipe(snr=0).is_nothing


def test_canonical_says_what_changes_something_and_nothing_else():
    recipe = Recipe(snr=np.int64(20), sample_rate=np.float64(8000), codec=None, audio_seed=np.int32(3), talkers=None)
    assert recipe.canonical == '{"audio_seed":3,"noise":"pink","sample_rate":8000,"snr":20.0}'
    assert json.loads(recipe.canonical) == recipe.effects
    assert Recipe(snr=20, noise="pink").canonical == Recipe(snr=20.0).canonical
    assert Recipe(gain_db=3, audio_seed=5).canonical == Recipe(gain_db=3).canonical  # nothing random is done
    assert Recipe(snr=3, audio_seed=5).canonical != Recipe(snr=3).canonical
    assert str(Recipe(snr=10, noise="babble")) == "snr=10, noise=babble"
    assert str(Recipe(speed=0.9, sample_rate=16_000)) == "speed=0.9, sample_rate=16000"
    assert Recipe(speed=np.float32(1.1)) == Recipe(speed=1.1)
    assert hash(Recipe(snr=1)) == hash(Recipe(snr=1.0))


def test_effects_come_in_the_order_in_which_they_are_done():
    order = [f.name for f in fields(Recipe)]
    assert order == [
        *("mix", "crosstalk_db", "speed", "rt60", "lead_s", "tail_s", "snr", "noise", "talkers", "level_db"),
        *("gain_db", "clip_db", "sample_rate", "codec", "packet_loss", "audio_seed"),
    ]
    names = list(Recipe(packet_loss=0.1, codec="gsm", gain_db=3, snr=3, lead_s=1, mix="mono", audio_seed=1).effects)
    assert names == ["mix", "lead_s", "snr", "noise", "gain_db", "codec", "packet_loss", "audio_seed"]


@pytest.mark.parametrize(
    ("recipe", "longer"),
    [({"speed": 1.1}, True), ({"lead_s": 1}, True), ({"tail_s": 1}, True), ({"codec": "gsm"}, True),
     ({"sample_rate": 8000}, True), ({"codec": "opus-16k"}, False), ({"snr": 3}, False), ({"mix": "mono"}, False)],
)  # fmt: skip
def test_changes_length(recipe, longer):
    assert Recipe(**recipe).changes_length is longer


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sn": 3}, "'sn' is nothing that is done to audio. Did you mean 'snr'"),
        ({"SNR": 3}, "Did you mean 'snr'"),
        ({"codecs": "gsm"}, "Did you mean 'codec'"),
        ({"snr": "20"}, r"snr must be a number from -60 to 100 \(dB\), or None, not '20'"),
        ({"snr": np.nan}, "snr must be a number"),
        ({"snr": np.inf}, "snr must be a number"),
        ({"snr": True}, "snr must be a number"),
        ({"snr": 101}, "snr must be a number"),
        ({"speed": 0}, "speed must be a number from 0.5 to 2"),
        ({"speed": 1.0005}, "steps of 0.001"),
        ({"sample_rate": 8000.5}, "sample_rate must be a whole number from 2,000 to 192,000"),
        ({"sample_rate": 8}, "sample_rate must be"),
        ({"packet_loss": 1.1}, "packet_loss must be"),
        ({"packet_loss": -0.1}, "packet_loss must be"),
        ({"lead_s": -1}, "lead_s must be"),
        ({"level_db": 1}, "level_db must be"),
        ({"audio_seed": -1}, "audio_seed must be a whole number"),
        ({"audio_seed": 1.5}, "audio_seed must be a whole number"),
        ({"mix": "both"}, "mix must be one of mono, left, right, swap, stereo, not 'both'"),
        ({"codec": "opus"}, r"codec must be one of mulaw, alaw, gsm, opus-6k to opus-256k, or mp3-Nk.*not 'opus'"),
        ({"codec": "mp3-33k"}, "codec must be one of"),
        ({"codec": "opus-5k"}, "codec must be one of"),
        ({"codec": 3}, "codec must be one of"),
        ({"noise": 3}, "noise must be one of white, pink, brown, speech, babble, or a file or folder"),
        ({"noise": ""}, "noise must be one of"),
        ({"talkers": 3}, "needs noise='babble'"),
        ({"talkers": 3, "noise": "pink", "snr": 3}, "needs noise='babble'"),
        ({"talkers": 0, "noise": "babble"}, "talkers must be"),
    ],
)
def test_what_is_no_recipe_is_refused(given, message):
    with pytest.raises(InvalidInput, match=message):
        Recipe.from_mapping(given)


def test_recipes_are_cheap_to_import():
    code = (
        "import sys; from asrlab.data.recipe import Recipe; Recipe(snr=3, codec='gsm').canonical; print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split()
    assert not {"numpy", "scipy", "soundfile", "av", "pandas"} & set(loaded)


# Noise.


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(("kind", "slope"), [("white", 0.0), ("pink", -3.0103), ("brown", -6.0206)])
def test_spectra_fall_as_they_are_said_to(kind, slope, rate):
    noise = made_noise(kind, 20 * rate, rate, drawn("snr", 0))
    hertz, density = welch(noise.astype(float), rate, nperseg=1 << 14)
    centres = 50 * 2.0 ** np.arange(np.log2(0.45 * rate / 2**0.5 / 50))
    octaves = [density[(hertz > c / 2**0.5) & (hertz < c * 2**0.5)].mean() for c in centres]
    found = np.polyfit(np.log2(centres), 10 * np.log10(octaves), 1)
    assert found[0] == pytest.approx(slope, abs=0.06)
    assert np.abs(np.polyval(found, np.log2(centres)) - 10 * np.log10(octaves)).max() < 0.5
    if kind != "white":
        assert density[hertz < 10].max() < density[(hertz > 30) & (hertz < 60)].mean() / 10
    assert abs(noise.mean()) < 0.01 * noise.std() or kind == "brown"


@pytest.mark.parametrize("rate", RATES)
def test_the_spectrum_of_speech_is_that_of_byrne(rate):
    noise = made_noise("speech", 30 * rate, rate, drawn("snr", 0))
    hertz, density = welch(noise.astype(float), rate, nperseg=1 << 15)
    published = {125: 57.7, 250: 60.3, 500: 62.1, 1000: 53.7, 2000: 48.7, 2500: 48.1, 5000: 44.5, 10_000: 43.4}
    bands = {c: db for c, db in published.items() if c * 2 ** (1 / 6) < rate / 2}
    found = [
        10 * np.log10(density[(hertz >= c / 2 ** (1 / 6)) & (hertz < c * 2 ** (1 / 6))].sum()) for c in bands
    ]  # fmt: skip
    difference = np.array(found) - np.array(list(bands.values()))
    assert np.abs(difference - difference.mean()).max() < 1.0  # between the middles of bands lines are drawn
    assert density[hertz < 50].max() < 1e-3 * density.max()
    assert not (hertz > 18_500).any() or density[hertz > 18_500].max() < 1e-4 * density.max()


@pytest.mark.parametrize("kind", ["white", "pink", "brown", "speech"])
def test_longer_noise_begins_like_shorter(kind, monkeypatch):
    short, long = (made_noise(kind, n, 8_000, drawn("snr", 0)) for n in (5_000, 30_000))
    assert np.abs(short - long[:5_000]).max() < 1e-5 * short.std() + 1e-6
    monkeypatch.setattr("asrlab.data.noise.BLOCK", 777)
    assert np.abs(made_noise(kind, 5_000, 8_000, drawn("snr", 0)) - short).max() < 1e-5 * short.std() + 1e-6
    assert np.corrcoef(short, made_noise(kind, 5_000, 8_000, drawn("snr", 1)))[0, 1] < 0.5
    assert made_noise(kind, 1, 48_000, drawn("snr", 0)).shape == (1,)


@pytest.mark.parametrize("block", [10, 64, 1000])
@pytest.mark.parametrize("taps", [1, 5, 300])
def test_convolving_block_by_block_is_convolving(monkeypatch, block, taps):
    monkeypatch.setattr("asrlab.data.noise.BLOCK", block)
    rng = np.random.default_rng(1)
    samples, response = rng.standard_normal(777).astype(np.float32), rng.standard_normal(taps)
    wanted = np.convolve(samples.astype(float), response)[:777]
    assert np.allclose(convolved(samples.copy(), response), wanted, atol=1e-4)


def test_looping_goes_on_where_it_was_and_begins_somewhere():
    recording = np.arange(10, dtype=np.float32)
    begins = set()
    for seed in range(40):
        played = looped(recording, 37, np.random.default_rng(seed))
        assert np.array_equal(played, (played[0] + np.arange(37)) % 10)
        begins.add(played[0])
    assert begins == set(range(10))
    assert np.array_equal(looped(np.float32([3]), 4, np.random.default_rng(0)), [3, 3, 3, 3])


# Signal-to-noise ratio.

STEREO = {1: lambda a, b: a[None], 2: lambda a, b: np.stack([a, b])}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("noise", ["white", "pink", "brown", "speech", "babble", "noises/street.wav"])
def test_the_ratio_measured_back(noise, channels, rate):
    clean = STEREO[channels](0.4 * talk(rate, 2.5, seed=1), 0.1 * talk(rate, 2.5, seed=2))
    materials = [talk(rate, 1.7, seed=3), np.zeros(100), 0.01 * talk(rate, 4.0, seed=4)]
    if noise != "babble":
        materials = materials[:1]
    said = [by_the_book(channel, rate)[0] for channel in clean] if rate == 8_000 else None
    said = said or [levels.speech_level(np.float32(channel), rate).level_db for channel in clean]
    waves = {}
    for snr in (30, 10, -5):
        noisy, _ = done(clean, rate, materials, snr=snr, noise=noise)
        added = noisy.astype(float) - clean
        for channel in range(channels):
            assert said[channel] - power_db(added[channel]) == pytest.approx(snr, abs=0.02)
        waves[snr] = added * 10 ** ((snr + 5) / 20)
    assert np.abs(waves[10] - waves[-5]).max() < 1e-3 * np.abs(waves[-5]).max()  # the same noise, louder
    if channels == 2:
        assert abs(np.corrcoef(waves[-5])[0, 1]) < 0.6  # and another in each channel


def test_noise_is_louder_than_the_speech_may_be_and_the_ratio_stays():
    clean = talk(16_000, 3.0, seed=1)
    clean *= 0.9 / np.abs(clean).max()
    noisy, _ = done(clean, 16_000, snr=-15)
    assert np.abs(noisy).max() == pytest.approx(1)
    turned = np.vdot(noisy[0], clean) / np.vdot(clean, clean)  # to the first order: they are hardly alike
    quiet, _ = done(0.01 * clean, 16_000, snr=-15)
    scale = np.abs(noisy).max() / np.abs(quiet).max()
    assert np.allclose(noisy, scale * quiet, atol=2e-3)
    assert scale / 100 == pytest.approx(turned, rel=0.3)
    assert scale / 100 < 0.5


def test_babble_has_all_talkers_equally_loud():
    clean = 0.01 * talk(16_000, 4.0, seed=1)
    tones = [np.sin(2 * np.pi * hertz * np.arange(32_000) / 16_000) for hertz in (500, 1500, 2500)]
    noisy, _ = done(clean, 16_000, [0.5 * tones[0], 0.01 * tones[1], 0.1 * tones[2]], snr=0, noise="babble")
    hertz, density = welch((noisy[0] - clean).astype(float), 16_000, nperseg=1600)
    peaks = [10 * np.log10(density[np.abs(hertz - wanted) < 40].sum()) for wanted in (500, 1500, 2500)]
    assert np.ptp(peaks) < 0.3


def test_a_channel_without_speech_has_noise_like_the_loudest():
    loud, faint = talk(16_000, 3.0, seed=1), 0.1 * talk(16_000, 3.0, seed=2)
    clean = np.stack([faint, np.zeros_like(loud), loud])
    noisy, _ = done(clean, 16_000, snr=10)
    added = power_db(noisy[1])
    assert added == pytest.approx(power_db(noisy[2].astype(float) - clean[2]), abs=0.01)
    assert power_db(noisy[0].astype(float) - clean[0]) < added - 10


@pytest.mark.parametrize("length", [1, 2, 100, 16_000])
@pytest.mark.parametrize("snr", [20, 0])
def test_silence_gets_noise_as_beside_nominal_speech(length, snr):
    noisy, _ = done(np.zeros(length), 16_000, snr=snr, noise="white")
    assert power_db(noisy) == pytest.approx(-26 - snr, abs=0.01)


def test_noise_that_is_silent_is_refused():
    for kind, materials in (("street.wav", [np.zeros(500)]), ("babble", [np.zeros(500), np.zeros(9)])):
        with pytest.raises(InvalidInput, match="that was chosen is silent"):
            done(talk(8_000, 1.0), 8_000, materials, snr=10, noise=kind)


# Rooms.


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("rt60", [0.2, 0.6, 1.5])
def test_sound_dies_away_in_the_time_wanted(rt60, rate):
    click = np.zeros(int((rt60 + 0.5) * rate))
    click[100] = 0.5
    wet = done(click, rate, rt60=rt60)[0][0].astype(float)
    assert wet[:100].max() < 1e-6
    assert np.abs(wet).argmax() == 100  # the direct sound is where it was
    left = 10 * np.log10(np.cumsum(wet[100:][::-1] ** 2)[::-1] + 1e-30)  # Schroeder's integral
    left -= left[1]
    fit = (left < -5) & (left > -35)
    slope = np.polyfit(np.flatnonzero(fit) / rate, left[fit], 1)[0]
    assert -60 / slope == pytest.approx(rt60, rel=0.1)
    tail = np.sum(wet[101:] ** 2) / wet[100] ** 2
    assert tail == pytest.approx(3.078 * rt60, rel=0.02)


def test_a_room_keeps_level_and_length_and_has_a_tail_for_each_channel():
    dry = np.stack([talk(16_000, 4.0, seed=1)] * 2)
    wet, _ = done(dry, 16_000, rt60=0.5)
    assert wet.shape == dry.shape
    assert power_db(wet) == pytest.approx(power_db(dry), abs=0.01)
    assert 0.1 < np.corrcoef(wet)[0, 1] < 0.99
    assert np.array_equal(room_response(0.3, 8000, drawn("a", 1)), room_response(0.3, 8000, drawn("a", 1)))
    silent, _ = done(np.zeros(100), 16_000, rt60=0.5)
    assert not silent.any()


# Time.


@pytest.mark.parametrize("speed", [0.5, 0.9, 1.1, 1.037, 2])
@pytest.mark.parametrize("samples", [1, 2, 16_000, 16_001, 48_017])
def test_speed(speed, samples):
    fast, rate = done(0.1 * np.sin(2 * np.pi * 440 * np.arange(samples) / 16_000), 16_000, speed=speed)
    assert fast.shape[1] == max(1, round(samples / speed))
    assert rate == 16_000
    if samples > 10_000:
        found = np.abs(np.fft.rfft(fast[0] * np.hanning(fast.shape[1]), 1 << 18)).argmax() * 16_000 / (1 << 18)
        assert found == pytest.approx(440 * speed, rel=2e-4)
        assert power_db(fast[0, 500:-500]) == pytest.approx(power_db([0.1 / 2**0.5]), abs=0.05)


@pytest.mark.parametrize(("lead", "tail"), [(0.5, None), (None, 0.25), (1.00003, 0.33335)])
def test_silence_before_and_after_is_exact_and_digital(lead, tail):
    clean = talk(16_000, 1.0)
    made, _ = done(clean, 16_000, lead_s=lead, tail_s=tail)
    before, after = (round((seconds or 0) * 16_000) for seconds in (lead, tail))
    assert np.array_equal(made[0], np.concatenate([np.zeros(before), clean, np.zeros(after)]).astype(np.float32))


@pytest.mark.parametrize(("rate", "wanted"), [(48_000, 8_000), (16_000, 44_100), (44_100, 16_000), (11_025, 8_000)])
@pytest.mark.parametrize("samples", [1, 7, 10_001])
def test_resampling_keeps_time_and_tone(rate, wanted, samples):
    tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(samples) / rate)
    made, now = done(tone, rate, sample_rate=wanted)
    assert now == wanted
    assert made.shape[1] == max(1, round(Fraction(samples * wanted, rate)))
    if samples > 1000:
        expected = 0.1 * np.sin(2 * np.pi * 440 * np.arange(made.shape[1]) / wanted)
        assert np.abs(made[0] - expected)[100:-100].max() < 2e-3


def test_what_lies_above_half_the_rate_is_gone():
    high, _ = done(band(48_000, 2, 5_500, 7_000), 48_000, sample_rate=8_000)
    assert power_db(high) < power_db([0.1]) - 40
    assert resampled(np.ones((1, 5), np.float32), 8_000, 8_000).sum() == 5


# Levels.


def test_the_level_is_that_of_the_speech():
    clean = talk(8_000, 3.0, seed=1)
    for recipe in ({}, {"lead_s": 2.0}):
        made, _ = done(clean, 8_000, level_db=-31.5, **recipe)
        assert by_the_book(made[0], 8_000)[0] == pytest.approx(-31.5, abs=0.1)
    both, _ = done(np.stack([0.1 * clean, clean]), 8_000, level_db=-31.5)
    assert by_the_book(both[1], 8_000)[0] == pytest.approx(-31.5, abs=0.1)
    assert power_db(both[1]) - power_db(both[0]) == pytest.approx(20, abs=0.01)
    silent, _ = done(np.zeros(100), 8_000, level_db=-20)
    assert not silent.any()


@pytest.mark.parametrize("snr", [20, 0, -10])
def test_among_noise_too(snr):
    clean = 0.5 * talk(8_000, 3.0, seed=1)
    said = by_the_book(clean, 8_000)[0]
    noise = done(clean, 8_000, snr=snr)[0] - clean
    made, _ = done(clean, 8_000, snr=snr, level_db=-40)
    speech = made.astype(float) - noise * 10 ** ((-40 - said) / 20)
    assert by_the_book(speech[0], 8_000)[0] == pytest.approx(-40, abs=0.1)
    turned, _ = done(15 * clean, 8_000, snr=snr, level_db=-40)  # it was turned down, for it would have clipped
    assert np.abs(turned - made).max() < 1e-3 * np.abs(made).max()
    assert np.abs(done(15 * clean, 8_000, snr=snr)[0]).max() <= 1
    filled, _ = done(np.zeros(8_000), 8_000, snr=snr, level_db=-40)  # no speech, nothing to go by
    assert power_db(filled) == pytest.approx(-26 - snr, abs=0.01)


def test_gain_and_clipping():
    clean = talk(16_000, 2.0)
    louder, _ = done(clean, 16_000, gain_db=-7.5)
    assert np.allclose(louder, clean * 10 ** (-7.5 / 20), atol=1e-7)
    over, _ = done(clean, 16_000, gain_db=30)
    assert np.array_equal(over[0], np.clip(clean * np.float32(10**1.5), -1, 1))
    flat, _ = done(clean, 16_000, clip_db=6)
    peak = np.abs(clean).max() * 10 ** (-6 / 20)
    assert np.abs(flat).max() == pytest.approx(peak, rel=1e-6)
    share = np.mean(np.abs(flat) >= peak * (1 - 1e-6))
    assert share == np.mean(np.abs(clean) >= peak * (1 - 1e-6)) > 0
    below = np.abs(clean) < peak * (1 - 1e-6)
    assert np.array_equal(flat[0][below], clean[below])
    both, _ = done(clean, 16_000, gain_db=30, clip_db=6)  # below the peak that is left
    assert np.abs(both).max() == pytest.approx(10 ** (-6 / 20), rel=1e-6)


# Channels.


def test_mixing():
    rng = np.random.default_rng(0)
    two = rng.uniform(-1, 1, (2, 50)).astype(np.float32)
    for mix, expected in {
        "mono": two.mean(0)[None], "left": two[:1], "right": two[1:], "swap": two[::-1], "stereo": [two.mean(0)] * 2
    }.items():  # fmt: skip
        assert np.allclose(done(two, 8_000, mix=mix)[0], expected, atol=1e-7)
    one = two[:1]
    for mix in ("mono", "left", "stereo"):
        assert np.array_equal(done(one, 8_000, mix=mix)[0], np.repeat(one, 1 + (mix == "stereo"), 0))
    for mix, samples in {"right": one, "swap": np.concatenate([two, one])}.items():
        with pytest.raises(InvalidInput, match=f"mix='{mix}' needs two channels"):
            done(samples, 8_000, mix=mix)


def test_crosstalk():
    three = np.stack([band(16_000, 2, 300 + 1000 * n, 900 + 1000 * n, seed=n) for n in range(3)])
    mixed, _ = done(three, 16_000, crosstalk_db=20)
    assert np.allclose(mixed[0], three[0] + 0.1 * (three[1] + three[2]), atol=1e-6)
    assert np.array_equal(done(three[:1], 16_000, crosstalk_db=20)[0], three[:1])
    loud, _ = done(9 * three, 16_000, crosstalk_db=0)
    assert np.abs(loud).max() == pytest.approx(1)
    assert np.corrcoef(loud[0], three.sum(0))[0, 1] > 0.9999


# Codecs.


def g711(samples, law):
    """Give values, by the segments of ITU-T G.711, and how far each sample lies from where another value begins."""
    if law == "mulaw":  # of 8,192: 8 segments of 16 steps, each twice as wide as those before
        steps = [(((2 * m + 33) << s) - 33, 1 << s) for s in range(8) for m in range(16)]
        scale = 8_192
    else:  # of 4,096: the first two segments are alike
        steps = [(2 * m + 1, 1) for m in range(16)]
        steps += [((2 * m + 33) << s, 1 << s) for s in range(7) for m in range(16)]
        scale = 4_096
    values, halves = np.array(steps).T / scale
    edges = (values - halves).clip(0)
    numbers = np.searchsorted(edges, np.abs(samples), side="right") - 1
    nearest = np.abs(np.abs(samples)[:, None] - edges[np.stack([numbers, (numbers + 1) % 128], 1)]).min(1)
    return np.copysign(values[numbers], samples).astype(np.float32), nearest


@pytest.mark.parametrize("law", ["mulaw", "alaw"])
def test_the_laws_of_telephones_are_those_of_g711(law):
    samples = (np.arange(-32_768, 32_768) / 32_768).astype(np.float32)
    made, rate = done(samples, 8_000, codec=law)
    expected, nearest = g711(samples.astype(float), law)
    assert rate == 8_000
    assert len(np.unique(made)) == (255 if law == "mulaw" else 256)  # mu law has two zeros
    within = nearest > 0  # on an edge either is right
    assert within.mean() > 0.99
    assert np.array_equal(made[0][within], expected[within])
    edges = np.abs(made[0] - expected)[~within] <= 2 * np.abs(expected[~within]) / 16 + 1e-3
    assert edges.all()


@pytest.mark.parametrize("codec", ["mulaw", "alaw", "gsm"])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_telephones_are_of_8_khz(codec, rate):
    speech = voice(rate, 2)
    made, now = done(speech, rate, codec=codec)
    assert now == 8_000
    expected, _ = done(speech, rate, sample_rate=8_000)
    assert made.shape == expected.shape
    assert np.corrcoef(made[0], expected[0])[0, 1] > (0.8 if codec == "gsm" else 0.999)
    assert lag(made[0], expected[0]) == 0


def lag(made, expected):
    found = correlate(made.astype(float), expected.astype(float), "full", method="fft")
    return int(found.argmax()) - (len(expected) - 1)


@pytest.mark.parametrize("codec", ["opus-12k", "opus-24k", "opus-64k", "mp3-16k", "mp3-64k", "mp3-128k"])
@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 32_000, 44_100, 48_000, 96_000])
def test_opus_and_mp3_stay_in_step(codec, rate):
    speech = voice(rate, 1.537)
    made, now = done(speech, rate, codec=codec)
    assert (now, made.shape) == (rate, (1, len(speech)))
    assert abs(lag(made[0], speech)) <= 1e-4 * rate
    assert np.corrcoef(made[0], speech)[0, 1] > 0.75
    assert power_db(made) == pytest.approx(power_db(speech), abs=2)
    third = len(speech) // 3  # also at the end, and at the beginning
    assert abs(lag(made[0, :third], speech[:third])) <= 1e-4 * rate
    assert abs(lag(made[0, -third:], speech[-third:])) <= 1e-4 * rate
    assert power_db(made[0, -third:]) == pytest.approx(power_db(speech), abs=2)


@pytest.mark.parametrize("codec", ["opus-6k", "opus-256k", "mp3-8k", "mp3-320k", "gsm", "mulaw"])
@pytest.mark.parametrize("samples", [1, 319, 320, 321, 2_000])
def test_codecs_keep_length(codec, samples):
    for channels in (1, 8):
        made, _ = done(np.tile(band(8_000, 1, 300, 3_000)[:samples], (channels, 1)), 8_000, codec=codec)
        assert made.shape == (channels, samples)
    assert np.abs(done(np.zeros((2, samples)), 8_000, codec=codec)[0]).max() < 2e-3


def test_more_bits_are_nearer():
    speech = talk(16_000, 3.0) * 4
    for name, rates in {"opus": (8, 16, 32, 96), "mp3": (16, 32, 64, 128)}.items():
        off = [power_db(done(speech, 16_000, codec=f"{name}-{kbps}k")[0][0] - speech) for kbps in rates]
        assert off == sorted(off, reverse=True)
        assert off[-1] < power_db(speech) - 10


def test_coding_in_blocks_is_coding(monkeypatch):
    speech = talk(8_000, 2.0) * 4
    for codec in ("mulaw", "gsm", "opus-24k", "mp3-32k"):
        whole, _ = done(speech, 8_000, codec=codec)
        with monkeypatch.context() as patch:
            patch.setattr(codecs, "BLOCK", 1_111)
            assert np.array_equal(done(speech, 8_000, codec=codec)[0], whole)


@pytest.mark.parametrize("codec", ["mulaw", "opus-24k", "mp3-64k"])
def test_too_loud_is_flattened_before_it_is_coded(codec):
    loud = 3 * band(16_000, 1, 300, 3_000, level=0.5)
    made, _ = done(loud, 16_000, codec=codec)
    assert np.array_equal(made, done(np.clip(loud, -1, 1), 16_000, codec=codec)[0]) or codec == "mulaw"
    assert np.abs(made).max() < 2


def test_without_pyav_it_is_said_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    for codec in ("opus-16k", "mp3-32k"):
        with pytest.raises(MissingExtra, match=r"pip install 'asrlab\[local\]'"):
            done(np.zeros(100), 8_000, codec=codec)
    done(np.zeros(100), 8_000, codec="gsm")


# Packets.


@pytest.mark.parametrize("codec", [None, "mulaw", "gsm", "opus-16k", "mp3-32k"])
@pytest.mark.parametrize("rate", [8_000, 11_025, 48_000])
def test_the_share_that_is_lost(codec, rate):
    late = 0.0065 if codec == "opus-16k" else 0
    for seconds, share in ((1.0, 0.1), (3.013, 0.25), (0.02, 0.5)):
        count = packets(round(seconds * rate), rate, codec)
        assert count == int(np.ceil(round((seconds + late) / 0.02, 6)))
        sent = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("asrlab.data.perturb.coded", lambda samples, *a, to=sent: (to.append(a[-1]), samples)[1])
            patch.setattr("asrlab.data.perturb.conceal", lambda *a, to=sent: to.append(a[-1]))
            at = 8_000 if codec in ("mulaw", "gsm") else rate
            done(np.zeros(round(seconds * at)), at, codec=codec, packet_loss=share)
        (lost,) = sent
        assert abs(lost.sum() - share * len(lost)) <= 0.5
        assert len(lost) == packets(round(seconds * at), at, codec)


def test_what_was_lost_is_repeated_and_fades():
    rate, samples = 8_000, np.arange(1, 8_001, dtype=np.float32)[None] / 8_000
    lost = np.zeros(50, bool)
    lost[[0, 10, 20, 21, 22, 23, 24, 49]] = True
    made = samples.copy()
    conceal(made, rate, lost)
    kept = np.repeat(~lost, 160)
    assert np.array_equal(made[0, kept], samples[0, kept])
    assert not made[0, :160].any()  # nothing came before
    fade = np.linspace(1, 0, 480, endpoint=False)
    assert np.allclose(made[0, 1600:1760], samples[0, 1440:1600] * fade[:160])
    assert np.allclose(made[0, 3200:3680], np.tile(samples[0, 3040:3200], 3) * fade)
    assert not made[0, 3680:4000].any()
    everything = samples.copy()
    conceal(everything, rate, np.ones(50, bool))
    assert not everything.any()


def test_losses_measured_back():
    speech = np.stack([band(16_000, 4, 200, 5_000, seed=n) for n in range(2)])
    changed = {}
    for share in (0.05, 0.2, 0.5):
        made, _ = done(speech, 16_000, packet_loss=share)
        packet = (made != speech).reshape(2, 200, 320).any(2)
        assert np.array_equal(packet[0], packet[1])  # what is sent together is lost together
        assert packet[0].sum() == round(share * 200)
        changed[share] = packet[0]
    assert not (changed[0.05] & ~changed[0.2]).any()  # what few losses hit, more hit too
    assert not (changed[0.2] & ~changed[0.5]).any()
    assert not done(speech, 16_000, packet_loss=1)[0].any()


@pytest.mark.parametrize("codec", ["gsm", "mulaw", "mp3-64k"])
def test_losses_of_coded_speech(codec):
    speech = band(8_000, 4, 300, 3_000)
    whole, _ = done(speech, 8_000, codec=codec)
    made, _ = done(speech, 8_000, codec=codec, packet_loss=0.2)
    differ = (made != whole).reshape(200, 160).any(1)
    assert differ.sum() == 40


def test_lost_packets_of_opus_are_not_heard_by_its_decoder():
    speech = voice(48_000, 4)
    whole, _ = done(speech, 48_000, codec="opus-24k")
    lost, _ = done(speech, 48_000, codec="opus-24k", packet_loss=0.2)
    count = packets(len(speech), 48_000, "opus-24k")
    assert count == 201
    pattern = np.zeros(count, bool)
    pattern[np.argsort(drawn("packet_loss", 0).random(count))[:40]] = True
    places = np.pad(np.repeat(pattern, 960), (0, 960))[312 : 312 + len(speech)]
    clean_before = np.repeat(np.cumsum(pattern) == 0, 960)[312 : 312 + len(speech)]
    assert np.array_equal(lost[0][: clean_before.sum()], whole[0][: clean_before.sum()])
    near = [np.corrcoef(lost[0][where], speech[where])[0, 1] for where in (places, ~places)]
    assert near[0] < 0.3
    assert near[1] > 0.5
    assert abs(lag(lost[0], speech)) <= 4
    alone = next(n for n in range(5, count) if pattern[n] and not pattern[n - 1 : n + 2].sum() > 1)
    begin = alone * 960 - 312
    repeated = lost[0][begin - 960 : begin] * np.linspace(1, 0, 2_880, endpoint=False, dtype=np.float32)[:960]
    assert np.array_equal(lost[0][begin : begin + 960], repeated)
    after = np.flatnonzero(pattern[:-1] & ~pattern[1:])[3] + 1  # the decoder goes on without what it should remember
    part = slice(after * 960 - 312, after * 960 + 200)
    assert not np.array_equal(lost[0][part], whole[0][part])
    assert not done(speech[:9_600], 48_000, codec="opus-24k", packet_loss=1)[0].any()


# Whatever comes.

ALL = {
    "crosstalk_db": 20, "speed": 1.1, "rt60": 0.3, "lead_s": 0.1, "tail_s": 0.1, "snr": 5, "level_db": -26,
    "gain_db": 3, "clip_db": 3, "sample_rate": 12_000, "packet_loss": 0.1,
}  # fmt: skip


@pytest.mark.parametrize("name", [*ALL, "all"])
@pytest.mark.parametrize("channels", [1, 2, 8])
@pytest.mark.parametrize("samples", [1, 2, 161, 4_000])
def test_whatever_comes_is_finite_and_as_long_as_promised(name, channels, samples):
    recipe = ALL if name == "all" else {name: ALL[name]}
    rng = np.random.default_rng(0)
    for signal in (
        np.zeros((channels, samples)),
        rng.uniform(-1.3, 1.3, (channels, samples)),
        np.ones((channels, samples)),
    ):
        one, _ = done(signal, 11_025, **recipe)
        again, _ = done(signal, 11_025, **recipe)
        assert np.array_equal(one, again)
        if any(f in recipe for f in ("snr", "rt60", "packet_loss")) and samples == 4_000 and signal.any():
            assert not np.array_equal(one, done(signal, 11_025, seed=1, **recipe)[0])


def test_steps_follow_one_another():
    clean = talk(48_000, 2.0)
    made, rate = done(clean, 48_000, lead_s=0.5, snr=15, noise="white", gain_db=-6, codec="mulaw")
    assert (rate, made.shape) == (8_000, (1, 20_000))
    lead = made[0, :4_000]
    assert lead.std() > 1e-4  # noise lies on the silence too
    later, _ = done(done(done(clean, 48_000, lead_s=0.5)[0], 48_000, snr=15, noise="white")[0], 48_000, gain_db=-6)
    coded, _ = done(later, 48_000, codec="mulaw")
    assert np.array_equal(coded, made)
