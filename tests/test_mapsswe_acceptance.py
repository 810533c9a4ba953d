"""MAPSSWE of published transcripts, run by `make acceptance`: every figure that NIST's sc_stats prints of them."""

from __future__ import annotations

import gzip
import json

import pandas as pd
import pytest
from test_mapsswe import CHARACTERS, MOST_APART, compare_with_nist
from test_marking_acceptance import folder

pytestmark = pytest.mark.acceptance


def report(name, said, lines, apart):
    """Print what was compared, with some pairs, and some of those whose figures are not the same."""
    unlike = [pair for pair, (nist, ours) in lines.items() if nist != ours]
    print(f"\n{name}: {len(lines) - len(unlike)} of {len(lines)} pairs of systems have every figure of sc_stats.")
    print(
        f"Of {len(lines) * len(said)} pairs of answers {apart} are cut otherwise: sclite aligns them in another way of"
    )
    print("the same cost. Segments, mean, sd and z that sc_stats prints:")
    for pair in [*list(lines)[:: max(1, len(lines) // 15)], *unlike[:8]]:
        nist, ours = lines[pair]
        print(f"  {nist:28}{'' if nist == ours else ' (ours ' + ours + ')'} {' against '.join(pair)}")


def test_published_english_systems_have_the_figures_of_sc_stats(tmp_path):
    """LibriSpeech test-clean by 22 systems (Le et al. 2021): each against each."""
    root = folder("BIASING", "a folder with ref/ and hyp/ of is21_deep_bias")
    said, *heard = (
        pd.read_csv(path, sep="\t", header=None, keep_default_na=False, quoting=3).set_index(0)[1]
        for path in (root / "ref" / "test-clean.biasing_100.tsv.gz", *sorted(root.glob("hyp/*.gz")))
    )
    names = [path.name.split(".", 1)[1].removesuffix(".tsv.gz") for path in sorted(root.glob("hyp/*.gz"))]
    systems = {name: texts[said.index].tolist() for name, texts in zip(names, heard, strict=True)}
    assert len(systems) == 22
    lines, apart = compare_with_nist(tmp_path, said.tolist(), systems, unit="word")
    report("English", said, lines, apart)
    assert len(lines) == 231
    assert apart <= MOST_APART * len(lines) * len(said)


@pytest.mark.parametrize(("language", "options"), [("Chinese", CHARACTERS), ("English", ())])
def test_published_chinese_and_english_systems_have_the_figures_of_sc_stats(tmp_path, language, options):
    """ContextASR-Bench (arXiv 2507.05727): two systems under three contexts, characters and words in one text."""
    path = folder("CONTEXTASR", "a folder with example_rows.jsonl.gz of ContextASR-Bench") / "example_rows.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["language"] == language]
    said = [row["norm_text"] for row in rows]
    systems = {name: [row["asr_info"][name]["norm_asr_text"] for row in rows] for name in rows[0]["asr_info"]}
    lines, apart = compare_with_nist(tmp_path, said, systems, *options, unit="mixed" if options else "word")
    report(language, said, lines, apart)
    assert len(lines) == 15
    assert apart <= MOST_APART * len(lines) * len(said)
