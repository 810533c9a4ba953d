"""B-WER and U-WER of published transcripts, run by `make acceptance`: the digits that their authors printed."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pandas as pd
import pytest

from asrlab.scoring.terms.biasing import bias_scores

pytestmark = pytest.mark.acceptance
SPLITS = {"WER": ["listed word", "unlisted word"], "U-WER": ["unlisted word"], "B-WER": ["listed word"]}


@pytest.fixture(scope="module")
def root():
    if not (path := os.environ.get("ASRLAB_BIASING")):
        pytest.skip("name a folder with ref/, hyp/ and results/ of is21_deep_bias: make acceptance BIASING=FOLDER")
    return Path(path)


def lines(path):
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        return [[*line.rstrip("\n").split("\t"), "", ""][:4] for line in file]


def bare(path):
    return path.name.removesuffix(".gz").removesuffix(".tsv")


def published(root, split):
    """References, lists and transcripts of all systems; utterances that a system lacks fail the marking."""
    (ref,) = root.glob(f"ref/{split}.biasing_100.tsv*")
    rows = lines(ref)
    said = pd.DataFrame({"utt_id": [row[0] for row in rows], "text": [row[1] for row in rows]})
    listed = [
        (row[0], term, role)
        for row in rows
        for rare in [json.loads(row[2])]
        for role, terms in (("present", rare), ("distractor", sorted({*json.loads(row[3])} - {*rare})))
        for term in terms
    ]
    heard = pd.DataFrame(
        [(row[0], row[1], bare(path)) for path in sorted(root.glob(f"hyp/{split}.*")) for row in lines(path)],
        columns=["utt_id", "text", "system"],
    )
    return heard, said, pd.DataFrame(listed, columns=["utt_id", "term", "role"])


def printed(counts):
    """Write counts as the published files have them."""
    errors = counts["subs"] + counts["ins"] + counts["dels"]
    names = ("subs", "ins", "dels")
    return ", ".join(
        [
            f"error_rate={100.0 * errors / counts['ref_len']}",
            f"ref_words={counts['ref_len']}",
            *(f"{name}={counts[name]}" for name in names),
        ]
    )


@pytest.mark.parametrize("split", ["test-clean", "test-other"])
def test_published_results_come_out_to_the_last_digit(root, split):
    if not list(root.glob(f"ref/{split}.*")):
        pytest.skip(f"the folder has no references of {split}")
    heard, said, terms = published(root, split)
    found = bias_scores(heard, said, terms=terms, normalizer="none")
    sums = found.groupby(["system", "unit"])[["ref_len", "subs", "ins", "dels"]].sum().astype(int)
    systems = heard["system"].unique().tolist()
    assert systems
    for system in systems:
        text = (root / "results" / f"{system}.tsv.result").read_text("utf-8")
        wanted = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
        ours = {name: printed(sums.loc[system].loc[units].sum()) for name, units in SPLITS.items()}
        assert ours == wanted, system
    emitted = found[found["unit"] == "distractor"].groupby("system")["ins"].sum().astype(int)
    print(f"\n{split}: {len(systems)} systems to the last digit; distractors emitted of lists of 100: {dict(emitted)}")


def test_distractors_emitted_are_words_of_the_list_that_only_the_transcript_has(root):
    for ref in root.glob("ref/*.tsv*"):
        heard, said, terms = published(root, ref.name.split(".")[0])
        found = bias_scores(heard, said, terms=terms, normalizer="none").query("unit == 'distractor'")
        listed = terms.groupby("utt_id")["term"].agg(set)
        words = said.set_index("utt_id")["text"].str.split().map(set)
        wanted = [
            len((listed[utt_id] - words[utt_id]) & set(text.split()))
            for utt_id, text in heard[["utt_id", "text"]].itertuples(index=False)
        ]
        both = heard.assign(wanted=wanted).groupby("system")["wanted"].sum()
        assert found.groupby("system")["ins"].sum().astype(int).to_dict() == both.to_dict()
