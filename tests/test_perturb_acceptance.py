"""Real recordings disturbed and measured back, run by `make acceptance SPEECH=FOLDER`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from test_derived import MAKE, clip, made
from test_levels import by_the_book

from asrlab.data import audio_cache
from asrlab.data.levels import speech_level

pytestmark = pytest.mark.acceptance

WANTED = 12
NOISES = ("white", "pink", "brown", "speech", "babble")
RATIOS = (20, 5, -5)
OTHERS = (
    {"speed": 1.1}, {"speed": 0.9, "lead_s": 0.5, "tail_s": 0.25}, {"codec": "mulaw"}, {"codec": "gsm"},
    {"codec": "opus-16k"}, {"codec": "mp3-32k"}, {"rt60": 0.5}, {"packet_loss": 0.1},
    {"codec": "opus-24k", "packet_loss": 0.1},
)  # fmt: skip


@pytest.fixture(scope="module")
def rows():
    folder = os.environ.get("ASRLAB_SPEECH")
    if not folder:
        pytest.skip("name a folder with a manifest.jsonl: make acceptance SPEECH=FOLDER")
    lines = (Path(folder) / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    table = pd.DataFrame(map(json.loads, lines))
    table["audio"] = [Path(folder) / name for name in table["audio"]]
    kinds = ["language", "sample_rate", "channels"]
    # One of each kind, the rarest first: different languages, rates and numbers of channels.
    table["rare"] = table.groupby(kinds)["id"].transform("size")
    one_each = table.sort_values(["rare", "id"]).drop_duplicates(kinds)
    two = one_each[one_each["channels"] == 2].head(2)
    rest = one_each[one_each["channels"] == 1].drop_duplicates(["sample_rate", "language"])
    return pd.concat([two, rest.groupby("sample_rate").head(4)]).head(WANTED)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(audio_cache, "cache_folder", lambda name: tmp_path / "cache" / name)


def samples(derivation):
    found, rate = soundfile.read(derivation.path(), dtype="float64", always_2d=True)
    facts = derivation.facts()
    assert (len(found) / rate, found.shape[1], rate) == (facts.duration_s, facts.channels, facts.sample_rate)
    return found.T


def test_levels_lengths_and_digests_of_real_recordings(rows, tmp_path):
    assert len(rows) == WANTED
    assert rows["language"].nunique() >= 6
    assert rows["sample_rate"].nunique() >= 3
    pool = tuple(clip(path) for path in rows["audio"])
    table, wanted = [], []
    for row in rows.itertuples():
        # So faint that no mixture is turned down, and so loud that what 16 bits round away counts for nothing.
        quiet = {"level_db": -36.0}
        clean = samples(made(row.audio, quiet))
        rate = made(row.audio).facts().sample_rate
        said = [speech_level(np.float32(channel), rate) for channel in clean]
        stretch = samples(made(row.audio))[0, : 6 * rate]
        assert speech_level(np.float32(stretch), rate).level_db == pytest.approx(
            by_the_book(stretch, rate)[0], abs=0.01
        )
        as_recorded = speech_level(np.float32(samples(made(row.audio))[0]), rate)
        worst = {}
        for noise, snr in product(NOISES, RATIOS):
            recipe = {"snr": snr, "noise": noise}
            derivation = made(row.audio, quiet, recipe, pool=pool)
            added = samples(derivation) - clean
            for level, channel in zip(said, added, strict=True):
                found = level.level_db - 10 * np.log10(np.mean(channel**2))
                worst[noise] = max(worst.get(noise, 0.0), abs(found - snr))
            wanted.append((str(row.audio), [quiet, recipe]))
        lengths = []
        for recipe in OTHERS:
            derivation = made(row.audio, recipe)
            at = clean.shape[1]
            if "speed" in recipe:
                at = round(at / recipe["speed"])
                at += sum(round(recipe.get(name, 0) * rate) for name in ("lead_s", "tail_s"))
            if recipe.get("codec") in ("mulaw", "gsm"):
                at = round(at * 8_000 / rate)
            lengths.append(samples(derivation).shape[1] == at)
            wanted.append((str(row.audio), [recipe]))
        table.append({
            "id": row.id[:24], "language": row.language, "Hz": rate, "channels": len(clean),
            "s": round(clean.shape[1] / rate, 2), "level": round(as_recorded.level_db, 2),
            "activity": round(said[0].activity, 2), **{noise: round(off, 4) for noise, off in worst.items()},
            "lengths": all(lengths),
        })  # fmt: skip
    table = pd.DataFrame(table).set_index("id")
    print("\nGreatest difference between the ratio wanted and that measured back, in dB:\n", table.to_string())
    assert table[list(NOISES)].max().max() < 0.2
    assert table["lengths"].all()

    here = [made(Path(path), *recipes, pool=pool).digest for path, recipes in wanted]
    (tmp_path / "wanted.json").write_text(json.dumps([list(map(str, rows["audio"]))[::-1], wanted]))
    code = f"""
import json, sys
{MAKE}
others, wanted = json.load(open({str(tmp_path / "wanted.json")!r}))
pool = tuple(clip(Path(path)) for path in others)
for path, recipes in wanted:
    bound = tuple(BoundRecipe(Recipe(**recipe), pool) for recipe in recipes)
    print(Derivation((clip(Path(path)),), recipes=bound).digest)
"""
    environment = {**os.environ, "ASRLAB_CACHE": str(tmp_path / "another")}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == here
    assert len(set(here)) == len(here) == WANTED * (len(NOISES) * len(RATIOS) + len(OTHERS))
    print(f"{len(here)} digests are the same in a fresh process.")
