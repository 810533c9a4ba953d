"""Marking of published transcripts, run by `make acceptance`: the counts that their authors and NIST's sclite give."""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path

import jiwer
import numpy as np
import pandas as pd
import pytest
from test_counts import sclite_counts

import asrlab as lab

pytestmark = pytest.mark.acceptance


def folder(name, what):
    if not (path := os.environ.get(f"ASRLAB_{name}")):
        pytest.skip(f"name {what}: make acceptance {name}=FOLDER")
    return Path(path)


@pytest.fixture(scope="module")
def biasing():
    """LibriSpeech test-clean by 22 systems, with their authors' counts (is21_deep_bias of Le et al. 2021)."""
    root = folder("BIASING", "a folder with ref/, hyp/ and results/ of is21_deep_bias")
    options = {"sep": "\t", "header": None, "keep_default_na": False, "quoting": 3}
    said = pd.read_csv(root / "ref" / "test-clean.biasing_100.tsv.gz", **options)[[0, 1]]
    heard = pd.concat(
        [
            pd.read_csv(path, **options).assign(system=path.name.removesuffix(".tsv.gz"))
            for path in root.glob("hyp/*.gz")
        ],
        ignore_index=True,
    )
    names = {0: "utt_id", 1: "text"}
    return heard.rename(columns=names), said.rename(columns=names), root / "results"


def test_published_counts_of_22_systems_come_out_to_the_last_word(biasing):
    heard, said, results = biasing
    sums = ["subs", "dels", "ins", "ref_len"]
    found = {}
    for ties in ("sclite", "jiwer"):  # their scorer minimises the costs of sclite
        scores = lab.score(heard, said, normalizer="none", ties=ties)
        found[ties] = lab.rates(scores).set_index("system")[["rate", *sums]]
    for system, row in found["sclite"].iterrows():
        line = (results / f"{system}.tsv.result").read_text("utf-8").splitlines()[0]
        published = {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", line)}
        assert [published[name] for name in ("subs", "dels", "ins", "ref_words")] == row[sums].tolist(), system
        assert 100 * row["rate"] == pytest.approx(published["error_rate"], abs=1e-12)
    apart = (found["sclite"][sums] != found["jiwer"][sums]).any(axis=1)
    print(f"\n22 systems, {len(heard)} transcripts: published S, D, I and N with ties of sclite; {apart.sum()} split")
    low, high = 100 * found["sclite"]["rate"].min(), 100 * found["sclite"]["rate"].max()
    print(f"otherwise with ties of jiwer. WER {low:.2f} to {high:.2f} %")


def test_real_transcripts_count_as_in_sclite_and_jiwer(biasing, tmp_path):
    heard, said, _ = biasing
    some = heard[heard["system"].isin(sorted(heard["system"].unique())[:4])].reset_index(drop=True)
    pairs = list(zip(some["utt_id"].map(said.set_index("utt_id")["text"]), some["text"], strict=True))
    spoken = [n for n, (ref, hyp) in enumerate(pairs) if ref and hyp]
    counts = ["hits", "subs", "dels", "ins"]
    nist = lab.score(some, said, normalizer="none", ties="sclite")[counts].to_numpy(np.int64)[spoken]
    theirs = np.array(sclite_counts(tmp_path, [pairs[n] for n in spoken]))
    share = (nist == theirs).all(axis=1).mean()
    totals = nist[:, 1:].sum(), theirs[:, 1:].sum()
    print(f"\n{len(spoken)} real pairs: {100 * share:.3f} % count as in sclite; totals {totals[0]} and {totals[1]}")
    assert share >= 0.999
    out = jiwer.process_words([ref for ref, _ in pairs], [hyp for _, hyp in pairs])
    plain = lab.score(some, said, normalizer="none")[counts].sum().tolist()
    assert plain == [out.hits, out.substitutions, out.deletions, out.insertions]


def test_published_counts_of_mixed_chinese_and_of_english_come_out():
    """ContextASR-Bench (arXiv 2507.05727): characters of Chinese and words of English in one text."""
    path = folder("CONTEXTASR", "a folder with example_rows.jsonl.gz of ContextASR-Bench") / "example_rows.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    said = pd.DataFrame(
        {"utt_id": row["uniq_id"], "text": row["norm_text"], "language": {"English": "en"}.get(row["language"], "zh")}
        for row in rows
    )
    heard = pd.DataFrame(
        {"utt_id": row["uniq_id"], "system": name, "text": answer["norm_asr_text"], **answer["wer_info"]}
        for row in rows
        for name, answer in row["asr_info"].items()
    )
    scores = lab.score(heard[["utt_id", "system", "text"]], said, normalizer="none", unit="mixed")
    errors = (scores["subs"] + scores["dels"] + scores["ins"]).to_numpy(np.int64)
    assert scores["ref_len"].tolist() == heard["T"].tolist()
    assert errors.tolist() == heard[["S", "D", "I"]].sum(axis=1).tolist()
    print(f"\n{len(heard)} published rows, {scores['ref_len'].sum()} units: the same lengths and totals")
    print((100 * lab.rates(scores, by=["spoken_language", "system"]).set_index("system")["rate"]).round(2).to_string())
