"""Marking beside jiwer, in the same run: seconds, and jiwer's time divided by ours.

Both get texts that are normalised already. Ours makes a table of counts a row, with blocks and axes; jiwer's
process_words gives the counts of each pair too. Run: python benchmarks/scoring.py
"""

from __future__ import annotations

import time
from types import SimpleNamespace

import jiwer
import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.scoring import score

WORDS = [f"w{n}" for n in range(5000)]


def corpus(utterances: int, conditions: int, seed: int = 1) -> tuple[pd.DataFrame, SimpleNamespace]:
    """Make transcripts of 18 words an utterance with 12 % errors, 39 % of them right."""
    rng = np.random.default_rng(seed)
    said = [" ".join(rng.choice(WORDS, 18)) for _ in range(utterances)]
    ids = [f"u{n}" for n in range(utterances)]
    heard = []
    for condition in range(conditions):
        for utt_id, text in zip(ids, said, strict=True):
            words = text.split()
            if rng.random() > 0.39:
                for at in np.flatnonzero(rng.random(18) < 0.2):
                    words[at] = str(rng.choice(WORDS))
            heard.append((utt_id, f"c{condition}", " ".join(words)))
    references = pd.DataFrame({"utt_id": ids, "text": said})
    dataset = SimpleNamespace(utterances=references[["utt_id"]], references=references, terms=tables.empty("terms"))
    return pd.DataFrame(heard, columns=["utt_id", "condition", "text"]), dataset


def main() -> None:
    """Print a line a corpus."""
    print(f"{'corpus':34}{'ours s':>9}{'jiwer s':>9}{'jiwer / ours':>14}")
    for name, utterances, conditions in (("10,000 different", 10_000, 1), ("2,000 under 25 conditions", 2_000, 25)):
        transcripts, dataset = corpus(utterances, conditions)
        said = dict(zip(dataset.references["utt_id"], dataset.references["text"], strict=True))
        references = [said[utt_id] for utt_id in transcripts["utt_id"]]
        ours, theirs = [], []
        for _ in range(3):
            began = time.perf_counter()
            marked = score(transcripts, dataset, normalizer="none", unit="word")
            ours.append(time.perf_counter() - began)
            began = time.perf_counter()
            output = jiwer.process_words(references, transcripts["text"].tolist())
            theirs.append(time.perf_counter() - began)
        counts = marked[["subs", "dels", "ins"]].sum().tolist()
        assert counts == [output.substitutions, output.deletions, output.insertions]
        print(f"{name:34}{min(ours):9.2f}{min(theirs):9.2f}{min(theirs) / min(ours):14.2f}")


if __name__ == "__main__":
    main()
