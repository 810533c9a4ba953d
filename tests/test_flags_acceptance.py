"""Flags at full size, run by `make acceptance`: planted leaks and loops, real systems, and the time it takes.

The detectors were developed on seeds below 100 and the first half of the texts; these are other seeds, and the other
half.
"""

from __future__ import annotations

import json
import time

import numpy as np
import pandas as pd
import planted
import pytest
from test_marking_acceptance import folder

from asrlab.scoring.flags.flags import flags

pytestmark = pytest.mark.acceptance

OPTIONS = {"normalizer": "auto+script=fold"}
EACH = 3000


def flagged(drawn, flag, **options):
    heard, said, sent = planted.tables(drawn)
    found = flags(heard, said, parameters=sent if flag == "leak" else None, only=flag, **OPTIONS, **options)
    return heard.assign(language=said["language"], flagged=heard["utt_id"].isin(found["utt_id"]))


@pytest.mark.parametrize("seed", [301, 302])
@pytest.mark.parametrize("languages", [["en"], ["zh"], None], ids=["English", "Chinese", "27 languages"])
def test_leaks(seed, languages):
    planter = planted.Planter(seed, 1)
    draw = [planter.leak(languages and languages[0]) for _ in range(EACH)]
    table = flagged(draw, "leak")
    words = table["kind"].str.endswith("of words")
    print(table.groupby("kind")["flagged"].agg(["mean", "size"]).round(3).to_string())
    print("all", table["flagged"].mean(), "lists of names and prose", table.loc[~words, "flagged"].mean())
    assert table.loc[~words, "flagged"].mean() >= 0.99
    # Lists of the most common words, which the speech has too.
    assert table.loc[words, "flagged"].mean() >= 0.95
    clean = flagged([planter.no_leak(languages and languages[0]) for _ in range(EACH)], "leak")
    print(clean.groupby("kind")["flagged"].agg(["mean", "size"]).round(4).to_string())
    assert clean["flagged"].mean() <= 0.01


@pytest.mark.parametrize("seed", [303, 304])
@pytest.mark.parametrize("languages", [["en"], ["zh"], None], ids=["English", "Chinese", "27 languages"])
def test_loops(seed, languages):
    planter = planted.Planter(seed, 1)
    table = flagged([planter.loop(languages and languages[0]) for _ in range(EACH)], "loop")
    print(table.groupby("kind")["flagged"].agg(["mean", "size"]).round(3).to_string())
    assert table["flagged"].mean() >= 0.95
    clean = flagged([planter.no_loop(languages and languages[0]) for _ in range(EACH)], "loop")
    print(clean.groupby("kind")["flagged"].agg(["mean", "size"]).round(4).to_string())
    assert clean["flagged"].mean() <= 0.02


@pytest.fixture(scope="module")
def systems():
    """LibriSpeech test-clean by systems that are biased by a list of 100 words and more for each utterance."""
    root = folder("BIASING", "a folder with ref/ and hyp/ of is21_deep_bias")
    options = {"sep": "\t", "header": None, "keep_default_na": False, "quoting": 3}
    rows = pd.read_csv(root / "ref" / "test-clean.biasing_100.tsv.gz", **options)
    said = rows[[0, 1]].set_axis(["utt_id", "text"], axis=1).assign(language="en")
    sent = pd.DataFrame({"utt_id": rows[0], "context": [", ".join(json.loads(words)) for words in rows[3]]})
    heard = [
        pd.read_csv(path, **options)[[0, 1]].set_axis(["utt_id", "text"], axis=1).assign(condition=path.name)
        for path in sorted(root.glob("hyp/*.gz"))
    ]
    return pd.concat(heard, ignore_index=True), said, sent


def test_real_systems_that_echo_nothing(systems):
    heard, said, sent = systems
    assert flags(heard, said, parameters=sent, only="leak").empty
    loops = flags(heard, said, only="loop")
    # Read by ear: two utterances in which several systems say a word eight times and more.
    assert loops["utt_id"].nunique() == 2
    assert (loops["value"] >= 4).all()


def test_leaks_planted_in_the_answers_of_real_systems(systems):
    heard, said, sent = systems
    rng = np.random.default_rng(305)
    heard = heard.sample(3000, random_state=305).reset_index(drop=True)
    lists = sent.set_index("utt_id")["context"].str.split(", ")
    some = [rng.choice(lists[utt_id], size=int(rng.integers(2, 8)), replace=False) for utt_id in heard["utt_id"]]
    places = rng.random(len(heard))
    planted_in = [
        f"{', '.join(words)}. {text}" if place < 0.5 else f"{text} {' '.join(words)}"
        for words, text, place in zip(some, heard["text"], places, strict=True)
    ]
    found = flags(heard.assign(text=planted_in), said, parameters=sent, only="leak")
    recall = len(found.drop_duplicates(["utt_id", "condition"])) / len(heard)
    print("recall", recall)
    assert recall >= 0.99


def test_a_hundred_thousand_answers():
    planter = planted.Planter(306, 1)
    drawn = [planter.no_leak("en") for _ in range(2000)]
    heard, said, sent = planted.tables(drawn * 50)
    begin = time.process_time()
    for flag in ("leak", "loop", "compression", "insertions", "silence", "speech rate"):
        flags(heard, said, parameters=sent, only=flag)
        print(flag, round(time.process_time() - begin, 1), "s of processor time so far")
    assert time.process_time() - begin < 600
