"""Tables that do not fit into memory, in full: 10^5 to 10^7 answers, and memory that is bounded."""

from __future__ import annotations

import pytest
from benchmarked import benchmark
from rapidfuzz.distance import Levenshtein

import asrlab as lab
from asrlab import parquet

pytestmark = pytest.mark.acceptance
growing = benchmark("growing")


@pytest.mark.parametrize("trials", [100_000, 1_000_000, 10_000_000])
def test_memory_is_bounded_and_counts_are_right(trials, tmp_path_factory, capsys):
    folder = tmp_path_factory.mktemp("growing")
    seconds = {}
    with capsys.disabled():
        print(f"\n{growing.HEAD}")
        for work, workers, took in growing.grown(trials, 24, [1, 2], folder):
            assert took.most < growing.MOST_GB, (work, workers)
            seconds[work, workers] = took.seconds
        print(f"two workers {seconds['score', 1] / seconds['score', 2]:.2f} x one")  # a figure, and no bound on time
    there = folder / f"{trials}-24"
    found = lab.rates(there / "scores", by=[])
    utterances = -(-trials // 24)
    assert found["ref_len"].tolist() == [growing.LENGTH * utterances * 24]
    # Every error of some settings, counted by another's program.
    said = parquet.read(there / "references", "references").set_index("utt_id")["text"]
    marked = parquet.read(there / "scores", "scores", columns=["utt_id", "snr", "itn", "subs", "dels", "ins"])
    marked["errors"] = marked[["subs", "dels", "ins"]].sum(axis=1)
    assert not marked.duplicated(["utt_id", "snr", "itn"]).any()
    assert len(marked) == 24 * utterances
    for n in (0, 13):
        heard = parquet.read(there / "transcripts" / f"{n:02d}-00000000.parquet", "transcripts").head(20_000)
        counted = [
            Levenshtein.distance(one.split(), other.split())
            for one, other in zip(said[heard["utt_id"]], heard["text"], strict=True)
        ]
        own = marked[(marked["snr"] == f"{n // 2} dB") & (marked["itn"] == bool(n % 2))]
        assert own.set_index("utt_id")["errors"][heard["utt_id"]].tolist() == counted
