"""A report of a large sweep: a million rows come down to summaries, and a file of a few megabytes."""

from __future__ import annotations

import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import reported

import asrlab as lab
from asrlab import tables
from asrlab.text import fingerprint
from asrlab.views.report import Report

pytestmark = pytest.mark.acceptance


def large(utterances, settings, seed=4):
    """Give transcripts and scores of a full grid, as they would be marked."""
    rng = np.random.default_rng(seed)
    n = utterances * settings
    utt, setting = np.repeat(np.arange(utterances), settings), np.tile(np.arange(settings), utterances)
    text = np.array([f"the words of answer number {k}" for k in range(1000)], dtype=object)
    heard = rng.integers(0, 1000, n)
    prints = np.array([fingerprint(one) for one in text], dtype=object)
    names = {
        "trial": pd.array([f"t{k}" for k in range(n)], dtype="string"),
        "utt_id": pd.array([f"u{k:06}" for k in range(utterances)], dtype="string").take(utt),
        "condition": pd.array([f"context={k}" for k in range(settings)], dtype="string").take(setting),
        "repeat": 0,
        "channel": 0,
        "state": "answered",
        "context": pd.array([str(k) for k in range(settings)], dtype="string").take(setting),
    }
    transcripts = pd.DataFrame({**names, "text": text[heard], "audio_s": 3.0, "attempts": 1})
    counts = {name: rng.integers(0, 3, n) for name in ("subs", "dels", "ins")}
    how = {"unit": "word", "form": "spoken", "normalizer": "en-2", "ties": "jiwer", "block_kind": "speaker"}
    block = pd.array([f"speaker:s{k}" for k in range(200)], dtype="string").take(utt % 200)
    scores = pd.DataFrame({**names, **how, **counts, "ref_len": 9, "block": block, "heard": prints[heard]})
    return tables.check(transcripts, "transcripts", required=()), tables.check(scores, "scores", required=())


@pytest.mark.parametrize("utterances", [10_000, 42_000])
def test_a_million_rows_make_a_small_file(utterances, tmp_path):
    plt.switch_backend("agg")
    transcripts, scores = large(utterances, 24)
    rates = lab.summarize(scores, by="context")
    settings = transcripts[["condition", "context"]].drop_duplicates()
    began = time.perf_counter()
    report = Report(reported.sweep(transcripts, conditions=settings), scores, rates)
    made = time.perf_counter()
    path = report.save(tmp_path / "r.html")
    saved = time.perf_counter()
    size = path.stat().st_size / 1e6
    print(f"\n{len(scores):,} rows: made in {made - began:.1f} s, saved in {saved - made:.1f} s, {size:.1f} MB")
    page = path.read_text(encoding="utf-8")
    assert "Recounted" in page
    assert size < 3
    assert "there are more than" in page
    plt.close("all")
