"""NE-WER and NE-FNR of published transcripts, run by `make acceptance`: the counts that ContextASR-Bench gives."""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path

import pandas as pd
import pytest

import asrlab as lab
from asrlab.scoring.terms.entities import entity_scores

pytestmark = pytest.mark.acceptance
LANGUAGES = {"Chinese": "zh", "English": "en"}


@pytest.fixture(scope="module")
def root():
    if not (path := os.environ.get("ASRLAB_CONTEXTASR")):
        pytest.skip("name a folder with example_rows.jsonl.gz: make acceptance CONTEXTASR=FOLDER")
    return Path(path)


@pytest.fixture(scope="module")
def rows(root):
    with gzip.open(root / "example_rows.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def normalised(rows):
    """Transcripts, references and entities, in the published normalised forms."""
    ids = [row["uniq_id"] for row in rows]
    said = pd.DataFrame({"utt_id": ids, "text": [row["norm_text"] for row in rows]})
    named = [(row["uniq_id"], term) for row in rows for term in row["norm_entity_list"]]
    heard = [
        (row["uniq_id"], answer["norm_asr_text"], system) for row in rows for system, answer in row["asr_info"].items()
    ]
    heard = pd.DataFrame(heard, columns=["utt_id", "text", "system"])
    return heard, said, pd.DataFrame(named, columns=["utt_id", "term"])


@pytest.fixture(scope="module")
def found(normalised):
    heard, said, entities = normalised
    return entity_scores(heard, said, entities=entities, unit="word", normalizer="none")


def test_counts_of_every_row_and_system_come_out(rows, found):
    counts = found.set_index(["unit", "utt_id", "system"])[["subs", "dels", "ins", "ref_len", "hits"]].astype(int)
    off = []
    for row in rows:
        for system, answer in row["asr_info"].items():
            for unit, name in (("word", "wer_info"), ("entity word", "ne_wer_info")):
                if unit == "entity word" and not row["norm_entity_list"]:
                    continue
                ours = counts.loc[unit, row["uniq_id"], system]
                if [answer[name][key] for key in "SDIT"] != ours[["subs", "dels", "ins", "ref_len"]].tolist():
                    off.append((row["uniq_id"], system, unit, answer[name], ours.to_dict()))
            ours, published = counts.loc["entity", row["uniq_id"], system], answer["ne_fnr_info"]
            if [published["H"], published["T"]] != ours[["hits", "ref_len"]].tolist():
                off.append((row["uniq_id"], system, "entity", published, ours.to_dict()))
    assert off == []
    print(f"\n{len(rows)} rows, {len(counts)} counts as published")


def test_corpus_figures_come_out(root, rows, found):
    lines = [line for line in (root / "README.md").read_text("utf-8").splitlines() if line.startswith("| model")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    published = {re.sub(r" (\w+)$", r"_\1-grained", name): list(map(float, values)) for name, *values in cells}
    language = {row["uniq_id"]: LANGUAGES[row["language"]] for row in rows}
    sums = found.assign(language=found["utt_id"].map(language)).groupby(["system", "language", "unit"])
    sums = sums[["subs", "dels", "ins", "ref_len"]].sum()
    rates = (100 * sums[["subs", "dels", "ins"]].sum(axis=1) / sums["ref_len"]).astype(float).round(2)
    order = [(code, unit) for code in ("zh", "en") for unit in ("word", "entity word", "entity")]
    ours = {system: [rates[system, code, unit] for code, unit in order] for system in sums.index.levels[0]}
    assert ours == published
    print(f"\n{len(ours)} systems: WER, NE-WER and NE-FNR as in the published table")


def test_what_echoes_the_list_scores_without_an_error(rows):
    """It is why these two are not to be read alone."""
    said = pd.DataFrame({"utt_id": ["a"], "text": [rows[0]["norm_text"]]})
    entities = pd.DataFrame({"utt_id": "a", "term": rows[0]["norm_entity_list"]})
    echo = pd.DataFrame({"utt_id": ["a"], "text": [" ".join(rows[0]["match_entities"])]})
    scores = entity_scores(echo, said, entities=entities, unit="word", normalizer="none")
    rates = lab.rates(scores).set_index("unit")["rate"]
    assert rates[["entity", "entity word"]].tolist() == [0, 0]
    assert rates["word"] > 0.8
