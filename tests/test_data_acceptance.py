"""Datasets at full size, run by `make acceptance`: real recordings in every language, and a million rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import asrlab as lab

pytestmark = pytest.mark.acceptance

SECONDS, BYTES = 15.0, 2e9  # for the metadata of a million utterances

LOAD = """
import json, resource, sys, time
import asrlab as lab
started = time.perf_counter()
ds = lab.load_dataset(sys.argv[1])
seconds = time.perf_counter() - started
peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"n": len(ds), "seconds": seconds, "peak": peak, "said": repr(ds)}))
"""


@pytest.fixture(scope="module")
def speech():
    folder = os.environ.get("ASRLAB_SPEECH")
    if not folder:
        pytest.skip("name a folder with a manifest.jsonl: make acceptance SPEECH=FOLDER")
    return lab.load_dataset(folder)


def test_real_recordings_check_clean(speech):
    found = speech.check(progress=False)
    print(f"\n{found}")
    assert found.errors.empty


def test_real_recordings_are_asked_about_in_every_language(speech, tmp_path):
    mixed = speech.utterances["tags"].map(lambda tags: "code-switch" in tags)
    several = set(speech.utterances["utt_id"][mixed])
    conditions = lab.grid(
        language={"right": lambda u: None if u["utt_id"] in several or u["channels"] == 2 else u["language"]},
        channel_id={"all": lambda u: list(range(u["channels"]))},
    )
    sweep = lab.Sweep(speech, lab.engine("local"), conditions, store=tmp_path / "run")
    sweep.run(progress=False)
    print(f"\n{sweep}")
    assert sweep.transcripts["state"].eq("answered").all()
    scores = lab.score(sweep.transcripts, speech)
    table = lab.rates(scores, by="spoken_language")
    print(
        (table.assign(rate=100 * table["rate"])[["spoken_language", "unit", "rate", "n_utts", "ref_len"]])
        .round(1)
        .to_string()
    )
    assert set(table["spoken_language"]) == set(speech.utterances["language"])
    assert (table["rate"] < 0.6).all() or table.loc[table["rate"] >= 0.6, "spoken_language"].isin(["hi", "sv"]).all()


def test_noise_and_the_telephone_make_real_speech_worse(speech, tmp_path):
    one = speech.select("language == 'en' and channels == 1 and sample_rate == 16000 and duration_s < 20")
    mixed = one.utterances["tags"].map(lambda tags: "code-switch" in tags)
    english = one.select(one.utterances["utt_id"][~mixed])
    for name, levels in (("snr", [None, 15, 0]), ("codec", [None, "mulaw", "opus-6k"])):
        conditions = lab.grid(**{name: levels}, language="en")
        sweep = lab.Sweep(english, lab.engine("local"), conditions, store=tmp_path / name)
        sweep.run(progress=False)
        rates = lab.rates(lab.score(sweep.transcripts, english), by=name).set_index(name)["clipped"]
        print(f"\n{len(english)} recordings, clipped WER in per cent: {(100 * rates).round(1).to_dict()}")
        assert rates.iloc[-1] > rates.iloc[0]


def test_a_million_rows_load_in_time_and_memory(tmp_path):
    n = 1_000_000
    ids = np.arange(n).astype(str)
    frame = pd.DataFrame(
        {
            "utt_id": np.char.add("utt-", ids),
            "audio": np.char.add(np.char.add("audio/", ids), ".flac"),
            "text": np.char.add("what was said in number ", ids),
            "language": np.resize(["en", "zh", "de"], n),
            "duration_s": np.resize([1.5, 2.25, 3.0], n),
            "speaker": np.char.add("s", (np.arange(n) % 5000).astype(str)),
            "split": np.resize(["dev", "test"], n),
            "licence": "CC0-1.0",
            "take": np.arange(n),
        }
    )
    frame.to_parquet(tmp_path / "million.parquet")
    told = subprocess.run(
        [sys.executable, "-c", LOAD, tmp_path / "million.parquet"], capture_output=True, text=True, check=True
    )
    facts = json.loads(told.stdout)
    print(f"\n{facts}")
    assert facts["n"] == n
    assert facts["seconds"] < SECONDS
    assert facts["peak"] < BYTES
    frame.loc[777_776, "duration_s"] = -1.0
    frame.to_parquet(tmp_path / "broken.parquet")
    with pytest.raises(lab.AsrlabError, match=r"777,?777"):
        lab.load_dataset(tmp_path / "broken.parquet")
