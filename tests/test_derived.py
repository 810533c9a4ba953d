"""Derived recordings: what they are known by, and the files that are made of them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from test_levels import talk

from asrlab.data import audio_cache, derived
from asrlab.data.audio import decode, digest, probe
from asrlab.data.derived import BoundRecipe, Clip, Derivation
from asrlab.data.recipe import Recipe
from asrlab.data.recordings import Recording, recordings
from asrlab.errors import InvalidInput, StoreError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(audio_cache, "cache_folder", lambda name: tmp_path / "cache" / name)
    return tmp_path / "cache" / "derived"


@pytest.fixture
def write(tmp_path):
    def written(name, samples, rate=16_000, **options):
        soundfile.write(tmp_path / name, np.asarray(samples).T, rate, **options)
        return tmp_path / name

    return written


@pytest.fixture
def said(write):
    """One utterance of 2 s."""
    return write("said.wav", talk(16_000, 2.0, seed=1))


@pytest.fixture
def others(write):
    """Clips of six other recordings, by three speakers."""
    return tuple(
        clip(write(f"other{n}.wav", talk(16_000, 1.5, seed=10 + n)), speaker=f"s{n % 3}") for n in range(6)
    )  # fmt: skip


def clip(path, **options):
    return Clip(path, partial(recordings().measured, path), **options)


MAKE = """
from functools import partial
from pathlib import Path
from asrlab.data.derived import BoundRecipe, Clip, Derivation
from asrlab.data.recipe import Recipe
from asrlab.data.recordings import recordings

def clip(path, **options):
    return Clip(path, partial(recordings().measured, path), **options)
"""


def made(source, *recipes, pool=(), **recipe):
    sources = source if isinstance(source, tuple) else (source if isinstance(source, Clip) else clip(source),)
    applied = recipes or ((recipe,) if recipe else ())
    return Derivation(sources, recipes=tuple(BoundRecipe(Recipe(**one), pool) for one in applied))


def read(derivation):
    """The samples as 16-bit numbers, after looking whether the file is what was promised."""
    facts, path = derivation.facts(), derivation.path()
    with soundfile.SoundFile(path) as file:
        assert (file.format, file.subtype) == ("FLAC", "PCM_16")
        assert (file.samplerate, file.channels) == (facts.sample_rate, facts.channels)
        samples = file.read(dtype="int16", always_2d=True).T
    assert samples.shape[1] / facts.sample_rate == facts.duration_s
    assert facts.digest == derivation.digest
    return samples


# What is made.


def test_without_recipes_it_is_the_recording(said):
    assert np.array_equal(read(made(said)), soundfile.read(said, dtype="int16", always_2d=True)[0].T)
    assert digest(made(said).path()) == digest(said)


@pytest.mark.parametrize(
    ("begin", "end", "samples"),
    [(0.5, 1.25, (8_000, 20_000)), (None, 0.1, (0, 1_600)), (1.9, None, (30_400, 32_000)), (1.9, 7, (30_400, 32_000)),
     (0.50001, 0.50009, (8_000, 8_001)), (0.00004, 1.00004, (1, 16_001)), (0, 2, (0, 32_000))],
)  # fmt: skip
def test_a_stretch_is_exact(said, begin, end, samples):
    whole = soundfile.read(said, dtype="int16", always_2d=True)[0].T
    assert np.array_equal(read(made(clip(said, begin_s=begin, end_s=end))), whole[:, slice(*samples)])


@pytest.mark.parametrize(("begin", "end"), [(2, None), (5, 6), (1, 1), (1, 0.5), (0.50001, 0.50002)])
def test_a_stretch_of_nothing_is_refused(said, begin, end):
    for ask in (Derivation.facts, Derivation.path):
        with pytest.raises(InvalidInput, match=r"said.wav lasts 2.000 s, and nothing of it lies from"):
            ask(made(clip(said, begin_s=begin, end_s=end)))


def test_a_channel(write):
    two = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 500))
    path = write("two.wav", two)
    for channel in (0, np.int64(1)):
        samples = read(made(clip(path, channel=channel, begin_s=0.01)))
        assert np.array_equal(samples, soundfile.read(path, dtype="int16")[0].T[[channel], 160:])
    with pytest.raises(InvalidInput, match="has 2 channels and no channel 2"):
        made(clip(path, channel=2)).facts()


def test_joining_with_gaps(write, said):
    parts = [clip(write(f"{n}.wav", talk(16_000, 0.3 + n / 7, seed=n))) for n in range(3)]
    samples = read(Derivation(tuple(parts), gap_s=0.12345))
    gap = np.zeros(round(0.12345 * 16_000), np.int16)
    a, b, c = (soundfile.read(part.source, dtype="int16")[0] for part in parts)
    assert np.array_equal(samples[0], np.concatenate([a, gap, b, gap, c]))
    assert Derivation(tuple(parts), 0.12345).digest != Derivation(tuple(parts), 0.1).digest
    assert Derivation(tuple(parts)).digest != Derivation(tuple(parts[::-1])).digest
    assert Derivation((clip(said),), 0.5).digest == Derivation((clip(said),)).digest  # there is no gap
    with pytest.raises(InvalidInput, match="none were given"):
        Derivation(()).facts()


def test_joining_different_rates_and_channels(write):
    tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(8_001) / 8_000)
    narrow, wide = write("a.wav", tone, 8_000), write("b.wav", np.full((2, 480), 0.25), 48_000)
    joined = Derivation((clip(narrow), clip(wide), clip(narrow)))
    samples = read(joined)
    assert joined.facts().sample_rate == 48_000
    assert samples.shape == (2, 2 * 48_006 + 480)
    assert np.array_equal(samples[0, :48_006], samples[1, :48_006])
    assert (samples[:, 48_006:48_486] == 8_192).all()
    expected = 0.1 * np.sin(2 * np.pi * 440 * np.arange(48_006) / 48_000)
    assert np.abs(samples[0, :48_006] / 32_768 - expected)[500:-500].max() < 2e-3
    with pytest.raises(InvalidInput, match="of 2 and 3 channels cannot be joined"):
        Derivation((clip(wide), clip(write("c.wav", np.zeros((3, 100)))))).facts()


def test_recipes_are_done_one_after_the_other(said):
    both = made(said, {"speed": 1.25}, {"lead_s": 0.5, "codec": "mulaw"})
    assert both.facts().duration_s == (25_600 + 8_000) / 2 / 8_000
    first = made(said, speed=1.25)
    then = made(first.path(), lead_s=0.5, codec="mulaw")
    assert (
        np.abs(read(both).astype(int) - read(then)).max() <= 300
    )  # a step of the law; the first was rounded to 16 bits
    assert np.mean(read(both) != read(then)) < 0.05


def test_lossy_and_float_sources(write):
    samples = talk(16_000, 1.0) * 3
    for name, options in {
        "a.ogg": {},
        "a.mp3": {},
        "float.wav": {"subtype": "FLOAT"},
        "24.flac": {"subtype": "PCM_24"},
    }.items():
        path = write(name, samples, **options)
        expected = np.clip(np.rint(decode(path, 16_000) * 32_768), -32_768, 32_767)
        assert np.array_equal(read(made(path)), expected)
    loud = write("loud.wav", 3 * np.ones(100), subtype="FLOAT")
    assert (read(made(loud)) == 32_767).all()


def test_eight_channels_and_no_more(write):
    eight, nine = (write(f"{n}.wav", 0.1 * np.random.default_rng(0).standard_normal((n, 800)), 8_000) for n in (8, 9))
    assert read(made(eight, snr=10, codec="gsm", packet_loss=0.1, rt60=0.2, crosstalk_db=30)).shape == (8, 800)
    with pytest.raises(InvalidInput, match="FLAC, which holds 8 channels, not 9"):
        made(nine, snr=10).facts()
    assert read(made(nine, mix="mono")).shape == (1, 800)


def test_a_recording_of_one_sample(write):
    one = write("one.wav", [0.25])
    assert read(made(one)).tolist() == [[8_192]]
    for recipe in (
        {"snr": 10},
        {"codec": "gsm"},
        {"codec": "opus-16k"},
        {"rt60": 1},
        {"speed": 2},
        {"packet_loss": 0.5},
    ):
        assert read(made(one, **recipe)).shape == (1, 1)


def test_flac_has_no_rate_of_700_khz(write):
    with pytest.raises(InvalidInput, match="FLAC cannot hold 1 channels at 700,000 Hz"):
        made(write("a.wav", np.zeros(1000), 700_000), snr=3).path()


# What it is known by.


def test_the_digest_is_known_without_making_or_reading_anything(said, cache):
    def never():
        raise AssertionError

    facts = recordings().measured(said)
    far = Clip(never, facts)
    derivation = Derivation((far,), recipes=(BoundRecipe(Recipe(snr=10, speed=1.1), never),))
    assert derivation.digest == made(said, snr=10, speed=1.1).digest
    assert derivation.facts() == Recording(derivation.digest, 29_091 / 16_000, 1, 16_000)
    assert not cache.exists()
    assert made(Clip(said, Recording(facts.digest)), snr=10, speed=1.1).facts() == derivation.facts()


def test_it_is_what_it_was(write):
    """These must not change: answers are kept under them. If one does, a VERSION has to go up."""
    source = Clip(Path("nowhere"), Recording("pcm-sha256:" + "0" * 64, 2.0, 1, 16_000), "ann", 0.5, 1.5)
    noise = write("noise.wav", np.arange(100) / 1000, subtype="PCM_16")
    pool = tuple(Clip(Path("nowhere"), Recording(f"pcm-sha256:{n:064}", 2.0, 1, 16_000), f"s{n}") for n in range(20))
    found = [
        Derivation((source,)).digest,
        Derivation((source, source), 0.25, (BoundRecipe(Recipe(gain_db=3)),)).digest,
        *(
            Derivation((source,), recipes=(BoundRecipe(Recipe(**recipe), pool),)).digest
            for recipe in (
                {"snr": 10},
                {"snr": 10, "audio_seed": 1},
                {"snr": 10, "noise": "babble", "talkers": 3},
                {"snr": 10, "noise": str(noise)},
                {
                    "mix": "mono",
                    "speed": 1.1,
                    "rt60": 0.3,
                    "lead_s": 1,
                    "level_db": -26,
                    "codec": "opus-16k",
                    "packet_loss": 0.1,
                },
            )
        ),
    ]
    assert [one[15:27] for one in found] == FOUND


FOUND = ["e101d115245a", "d14979bdc81e", "210774335c86", "fef499fc96c4", "4fd2ae3be557", "b132416e1511", "6090cddd87f4"]


def test_the_digest_goes_by_what_is_done_and_to_what(said, write, others):
    digests = [
        made(said).digest,
        made(said, snr=10).digest,
        made(said, snr=11).digest,
        made(said, snr=10, audio_seed=1).digest,
        made(said, snr=10, noise="white").digest,
        made(said, snr=10, noise="babble", pool=others).digest,
        made(said, snr=10, noise="babble", pool=others[:4]).digest,
        made(said, snr=10, noise="babble", talkers=2, pool=others).digest,
        made(said, {"snr": 10}, {"snr": 10}).digest,
        made(clip(said, begin_s=0.1), snr=10).digest,
        made(clip(said, end_s=1), snr=10).digest,
        made(clip(said, channel=0), snr=10).digest,
        made(write("b.wav", talk(16_000, 2.0, seed=2)), snr=10).digest,
    ]
    assert len(set(digests)) == len(digests)
    assert all(one.startswith("derived-sha256:") and len(one) == 79 for one in digests)
    same = shutil.copy(said, said.with_name("copy.wav"))
    assert made(Path(same), snr=10).digest == digests[1]
    assert made(said, snr=10, noise="pink", gain_db=0).digest == digests[1]
    assert made(said, {"snr": 10}, {"speed": 1}).digest == digests[1]
    assert made(clip(said, begin_s=0.0), snr=10).digest == digests[1]
    assert made(said, snr=10, noise="babble", pool=others[::-1]).digest == digests[5]  # order does not count


def test_a_new_version_of_a_step_makes_another_recording_where_it_is_done(said, monkeypatch):
    before = made(said, gain_db=3).digest, made(said, snr=3).digest, made(said, snr=3, gain_db=3).digest
    monkeypatch.setitem(derived.VERSIONS, "snr", 2)
    after = made(said, gain_db=3).digest, made(said, snr=3).digest, made(said, snr=3, gain_db=3).digest
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, False]


def test_a_noise_is_known_by_its_content(said, write, tmp_path):
    folder = tmp_path / "noises"
    (folder / "deep").mkdir(parents=True)
    for n in range(4):
        shutil.copy(write(f"n{n}.wav", talk(8_000, 1.0, seed=n)), folder / ("deep" if n % 2 else ".") / f"{n}.wav")
    (folder / "README.txt").write_text("no noise")
    (folder / ".hidden").mkdir()
    renamed = shutil.copytree(folder, tmp_path / "renamed")
    (renamed / "0.wav").rename(renamed / "zero.wav")
    ask = partial(made, said, snr=10)
    assert ask(noise=str(folder)).digest == ask(noise=renamed).digest
    by_seed = {ask(noise=str(folder), audio_seed=seed).digest for seed in range(8)}
    assert len(by_seed) == 8
    alone = ask(noise=str(folder / "0.wav"))
    assert alone.digest != ask(noise=str(folder / "2.wav")).digest
    assert read(alone).shape == (1, 32_000)
    chosen = {
        made(clip(said, begin_s=n / 100), snr=1, noise=folder)._materials[0][0].recording.digest for n in range(40)
    }
    assert len(chosen) == 4  # each file is taken for some


def test_noises_that_are_not_there(said, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.wav").write_text("no audio")
    for noise, message in {
        "pinkish": "no noise 'pinkish': it is none of white, pink, brown, speech, babble, and no file or folder",
        tmp_path / "empty": "no recordings in",
        tmp_path / "text.wav": "not audio that",
    }.items():
        with pytest.raises(InvalidInput, match=message):
            _ = made(said, snr=10, noise=noise).digest


# Babble.


def chosen(derivation):
    return [one.recording.digest for one in derivation._materials[0]]


def test_babble_is_of_others(said, others, write):
    known = {one.recording.digest: one.speaker for one in others}
    mine = clip(said, speaker="s1")
    pool = (*others, mine, others[0])
    talkers = chosen(made(mine, snr=5, noise="babble", pool=pool))
    assert len(talkers) == 2  # one recording of each other speaker
    assert {known[one] for one in talkers} == {"s0", "s2"}
    nameless = chosen(made(said, snr=5, noise="babble", pool=(*others, clip(said))))
    assert sorted(known[one] for one in nameless) == ["s0", "s1", "s2"]
    fewer = chosen(made(said, snr=5, noise="babble", talkers=2, pool=(*others, clip(said))))
    assert fewer == nameless[:2]
    spoken = tuple(clip(one.source, speaker=f"x{n}", language=("en", "de")[n % 2]) for n, one in enumerate(others))
    count = {
        language: len(chosen(made(clip(said, language=language), snr=5, noise="babble", pool=spoken)))
        for language in ("en", "de", "fr", None)
    }
    assert count == {"en": 3, "de": 3, "fr": 6, None: 6}  # others only where there is nobody of one's own
    choices = {
        tuple(chosen(made(clip(said, end_s=1 + n / 99), snr=5, noise="babble", talkers=2, pool=others)))
        for n in range(9)
    }
    assert len(choices) > 4
    more = tuple(clip(write(f"x{n}.wav", talk(16_000, 0.5, seed=90 + n))) for n in range(9))
    assert len(chosen(made(said, snr=5, noise="babble", pool=more))) == 6


def test_a_stretch_and_what_was_made_do_not_babble_beside_themselves(said, others):
    stretch = clip(said, begin_s=0.5)
    itself = made(stretch)
    pool = (*others[:2], Clip(itself.path, itself.facts))
    assert len(chosen(made(stretch, snr=5, noise="babble", pool=pool))) == 2
    first = made(said, gain_db=-3)
    pool = (*others[:2], Clip(first.path, first.facts))
    both = Derivation(
        (clip(said),), 0, (BoundRecipe(Recipe(gain_db=-3)), BoundRecipe(Recipe(snr=5, noise="babble"), pool))
    )
    assert len(both._materials[1]) == 2
    assert read(both).shape == (1, 32_000)


def test_too_few_for_babble(said, others):
    for pool, talkers, message in (
        ((), None, "Babble of some talkers needs that many other recordings.*there are 0"),
        ((clip(said),), None, "there are 0"),
        (others, 7, "Babble of 7 talkers .* there are 3"),
        (tuple(clip(one.source, speaker="me") for one in others), 1, "there are 0"),
    ):
        with pytest.raises(InvalidInput, match=message):
            _ = made(clip(said, speaker="me"), snr=5, noise="babble", talkers=talkers, pool=pool).digest
    assert made(said, noise="babble", talkers=2).digest == made(said).digest  # no noise is added


def test_a_large_set_is_sorted_once(said, monkeypatch):
    asked = []

    def facts(n):
        asked.append(n)
        return Recording(f"pcm-sha256:{n:064}", 1.0, 1, 8_000)

    pool = tuple(Clip(Path("nowhere"), partial(facts, n)) for n in range(500))
    for n in range(50):
        bound = BoundRecipe(Recipe(snr=n, noise="babble"), lambda: pool)
        assert len(Derivation((clip(said),), recipes=(bound,))._materials[0]) == 6
    assert len(asked) <= 3 * 500


# Randomness.


@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_shuffling_gives_every_number_once_and_all_orders_alike(count):
    orders = [list(derived._shuffled(count, f"seed {n}")) for n in range(600)]
    assert all(sorted(order) == list(range(count)) for order in orders)
    for place in (0, count // 2, count - 1):
        counted = np.bincount([order[place] for order in orders], minlength=count)
        assert ((counted - 600 / count) ** 2).sum() / (600 / count) < count + 4 * np.sqrt(2 * count)  # chi-squared


def test_the_noise_is_the_same_at_every_ratio_and_whatever_follows(said, others):
    clean = read(made(said, gain_db=-12)).astype(int)
    for noise in ("pink", "babble"):
        at = {snr: made(said, {"gain_db": -12}, {"snr": snr, "noise": noise}, pool=others) for snr in (0, 20)}
        loud, faint = (read(at[snr]).astype(int) - clean for snr in (0, 20))
        assert np.abs(loud / 10 - faint).max() <= 1.5  # steps of 16 bits
        longer = made(said, {"gain_db": -12}, {"snr": 0, "noise": noise, "tail_s": 1}, pool=others)
        assert np.corrcoef((read(longer)[:, :32_000] - clean)[0], loud[0])[0, 1] > 0.9999  # a little louder or fainter
        first = made(said, {"snr": 0, "noise": noise}, {"gain_db": -12}, pool=others)
        assert np.abs(read(first) - clean - loud).max() <= 1.5
    twice = made(said, {"gain_db": -12}, {"snr": 0}, {"snr": 0})
    second = read(twice).astype(int) - read(made(said, {"gain_db": -12}, {"snr": 0}))
    assert abs(np.corrcoef(second, read(made(said, {"gain_db": -12}, {"snr": 0})) - clean)[0, 1]) < 0.9


def test_the_same_bits_in_other_processes(said, others, tmp_path):
    recipes = [
        {"snr": 5, "noise": noise, "rt60": 0.3, "packet_loss": 0.1, "codec": codec}
        for noise, codec in [("pink", None), ("babble", "gsm"), ("speech", "opus-16k"), ("white", "mp3-32k")]
    ]
    code = f"""
{MAKE}
others = tuple(clip(Path(p), speaker=s) for p, s in {[(str(o.source), o.speaker) for o in others[::-1]]!r})
for recipe in {recipes[::-1]!r}:
    d = Derivation((clip(Path({str(said)!r})),), recipes=(BoundRecipe(Recipe(**recipe), others),))
    print(d.digest, d.path())
"""
    environment = {
        **os.environ,
        "ASRLAB_CACHE": str(tmp_path / "another"),
        "PYTHONHASHSEED": "5",
        "OMP_NUM_THREADS": "1",
    }
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    there = dict(line.split(" ", 1) for line in ran.stdout.splitlines())
    for recipe in recipes:
        one = made(said, pool=others, **recipe)
        assert one.path().read_bytes() == Path(there[one.digest]).read_bytes()
        assert Path(there[one.digest]) != one.path()


# Files.


def test_a_file_is_made_once(said, cache, monkeypatch):
    one = made(said, snr=10)
    path = one.path()
    assert path.is_relative_to(cache)
    assert sorted(p.name for p in path.parent.iterdir()) == [path.name, path.with_suffix(".sha256").name]
    before = path.stat()
    monkeypatch.setattr(audio_cache, "_checked", {})
    assert made(said, snr=10).path() == path
    assert path.stat() == before
    assert probe(path).duration_s == 2.0


@pytest.mark.parametrize("harm", ["cut", "changed", "empty", "gone", "no guard", "wrong guard", "guard of bytes"])
@pytest.mark.parametrize("known", [True, False])
def test_what_was_harmed_is_made_again(said, monkeypatch, harm, known):
    path = made(said, snr=10).path()
    whole, guard = path.read_bytes(), path.with_suffix(".sha256")
    if known:  # it was looked at, and found whole
        assert made(said, snr=10).path() == path
    assert (path in audio_cache._checked) is known
    if harm == "gone":
        path.unlink()
    elif "guard" not in harm:
        path.write_bytes({"cut": whole[:-10], "changed": whole[:-1] + b"!", "empty": b""}[harm])
    elif harm == "no guard":
        guard.unlink()
    else:
        guard.write_bytes(b"0" * 64 if harm == "wrong guard" else b"\xff")
    assert made(said, snr=10).path() == path
    assert path.read_bytes() == whole
    if not known:
        assert guard.read_text() == hashlib.sha256(whole).hexdigest()


def test_a_changed_source_is_another_recording(said, write):
    before = made(said, snr=10)
    before.path()
    write("said.wav", talk(16_000, 2.0, seed=5))
    after = made(said, snr=10)
    assert after.digest != before.digest
    assert not np.array_equal(read(after), soundfile.read(before.path(), dtype="int16", always_2d=True)[0].T)


@pytest.mark.parametrize("when", ["before", "while"])
def test_a_source_that_changes_meanwhile_is_noticed(said, write, cache, monkeypatch, when):
    one = made(said, snr=10)
    _ = one.digest
    real = derived.perturb

    def change(*arguments):
        write("said.wav", talk(16_000, 2.0, seed=6))
        if arguments:
            real(*arguments)

    if when == "before":
        change()
    else:
        monkeypatch.setattr(derived, "perturb", change)
    with pytest.raises(InvalidInput, match="changed while another was made of it"):
        one.path()
    assert not list(cache.rglob("*.flac"))


def test_missing_sources(tmp_path):
    gone = made(tmp_path / "gone.wav", snr=3)
    for ask in (lambda: gone.digest, gone.facts, gone.path):
        with pytest.raises(InvalidInput, match="no audio file"):
            ask()


def test_threads_make_it_once(said, monkeypatch):
    counted, real = [], derived.perturb
    monkeypatch.setattr(derived, "perturb", lambda *a: (counted.append(1), real(*a)))
    start = threading.Barrier(8)

    def ask(n):
        start.wait()
        return made(said, rt60=0.5, snr=5 + n % 2).path()

    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(ask, range(8)))
    assert len(set(paths)) == len(counted) == 2
    assert not audio_cache._locks


def test_processes_may_make_the_same_at_once(said, tmp_path):
    code = f"""
import sys
{MAKE}
said = clip(Path({str(said)!r}))
sys.stdin.readline()
for snr in range(4):
    print(Derivation((said,), recipes=(BoundRecipe(Recipe(snr=snr)),)).path())
"""
    pipe = subprocess.PIPE
    environment = {**os.environ, "ASRLAB_CACHE": str(tmp_path / "another")}
    racers = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdin=pipe, stdout=pipe, text=True)
        for _ in range(2)
    ]
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    printed = [racer.communicate(timeout=60)[0].split() for racer in racers]
    assert all(racer.returncode == 0 for racer in racers)
    assert printed[0] == printed[1]
    files = [path for path in (tmp_path / "another" / "derived").rglob("*") if path.is_file()]
    assert sorted(map(str, files)) == sorted([*printed[0], *(name[:-4] + "sha256" for name in printed[0])])
    for name in printed[0]:
        assert audio_cache._is_whole(Path(name))
        assert Path(name).read_bytes() == made(said, snr=printed[0].index(name)).path().read_bytes()


def test_a_cache_that_cannot_be_written_to(said, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(audio_cache, "cache_folder", lambda name: tmp_path / "file" / name)
    with pytest.raises(StoreError, match=r"cannot be kept in .* ASRLAB_CACHE"):
        made(said, snr=10).path()


def test_a_long_recording_takes_a_few_times_its_size(write, monkeypatch):
    for block in ("audio._BLOCK", "levels.BLOCK", "noise.BLOCK", "codecs.BLOCK"):
        monkeypatch.setattr(f"asrlab.data.{block}", 1 << 15)
    path = write("long.wav", np.tile(talk(8_000, 10.0), 24), 8_000)
    small = write("small.wav", talk(8_000, 1.0), 8_000)
    recipe = {"snr": 10, "noise": "pink", "rt60": 0.3, "level_db": -26, "codec": "mulaw", "packet_loss": 0.1}
    made(small, **recipe).path()  # what is imported for it is not counted
    tracemalloc.start()
    try:
        made(path, **recipe).path()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * 4 * 8_000 * 240
