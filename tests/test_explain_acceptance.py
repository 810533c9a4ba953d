"""Known reasons why results differ, on real answers, run by `make acceptance`: each is found, and the sum exact."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import jiwer
import numpy as np
import pandas as pd
import pytest

import asrlab as lab
from asrlab.scoring.explain.candidates import candidates
from asrlab.scoring.explain.explain import explain

pytestmark = pytest.mark.acceptance
ROOT = Path(__file__).parents[1]
SETTING = {"language": "right", "context": "none", "enable_itn": "False"}


@pytest.fixture(scope="module")
def dictation():
    """The 64 dictations, written and spoken, and what Whisper base heard of them in each of 12 settings."""
    dataset = lab.load_dataset(ROOT / "datasets" / "dictation")
    return lab.open_sweep(ROOT / "notebooks" / "replays" / "comparison.jsonl").transcripts, dataset


@pytest.fixture(scope="module")
def english(tmp_path_factory):
    """English read speech: references in capitals without marks, in lower case, and as written."""
    if not (folder := os.environ.get("ASRLAB_SPEECH")):
        pytest.skip("name a folder with a manifest.jsonl: make acceptance SPEECH=FOLDER")
    speech = lab.load_dataset(folder)
    corpora = ["LibriSpeech", "FLEURS", "LJ Speech"]
    read = speech.select(f"language == 'en' and channels == 1 and duration_s < 20 and corpus in {corpora}")
    sweep = lab.Sweep(
        read, lab.engine("local"), lab.grid(language={"en": "en"}), store=tmp_path_factory.mktemp("run") / "run"
    )
    sweep.run(progress=False)
    return sweep.transcripts, read


def shown(name, table):
    print(f"\n{name}\n  " + "\n  ".join(table["what"]))


def adds_up(table):
    """The parts are the gap: as fractions to the last digit, as numbers as far as they go."""
    parts = [Fraction(text) for text in table["exact"]]
    gap = table["rate_after"].iloc[-1] - table["rate_before"].iloc[0]
    assert float(sum(parts)) == pytest.approx(gap, abs=1e-15)
    assert [float(part) for part in parts] == table["delta"].to_list()
    return dict(zip(table["part"], table["delta"], strict=True))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_form_normalizer_and_aggregation_of_real_answers(dictation, language):
    heard, said = dictation
    same = {"condition": SETTING, "split": {"language": language}}
    ours = {"form": "spoken", "script": "fold"}
    theirs = {"form": "written", "normalizer": "none", "aggregate": "mean"}
    for order in (None, "shapley"):
        table = explain(heard, said, ours, theirs, order=order, **same)
        shown(f"{language}, {order or 'in order'}", table)
        parts = adds_up(table)
        assert parts["form"] > 0
    # Both ends by other means: jiwer, on the texts as they are, and its mean of utterances.
    answers = heard[(heard[list(SETTING)].astype(str) == pd.Series(SETTING)).all(axis=1)]
    ids = said.utterances.loc[said.utterances["language"] == language, "utt_id"]
    texts = answers.set_index("utt_id").loc[ids, "text"].tolist()
    written = said.references[said.references["form"] == "written"].set_index("utt_id").loc[ids, "text"].tolist()
    rate = jiwer.wer if language == "en" else jiwer.cer
    squeezed = [[text if language == "en" else "".join(text.split()) for text in some] for some in (written, texts)]
    each = [rate(*pair) for pair in zip(*squeezed, strict=True)]
    assert table["rate_after"].iloc[-1] == pytest.approx(np.mean(each), abs=1e-12)


def test_chinese_cut_into_words_is_all_or_nothing(dictation):
    heard, said = dictation
    table = explain(
        heard, said, {}, {"unit": "word"}, condition=SETTING, split="language == 'zh'", form="spoken", script="fold"
    )
    shown("zh by character and by word", table)
    assert adds_up(table)["unit"] > 0.3


def test_failures_stored_as_empty_and_one_loop_are_told_apart(dictation):
    heard, said = dictation
    answers = heard[(heard[list(SETTING)].astype(str) == pd.Series(SETTING)).all(axis=1)].copy()
    english = said.select("language == 'en'")
    answers = answers[answers["utt_id"].isin(english.utterances["utt_id"])]
    lost = answers["utt_id"].sample(4, random_state=11)
    answers.loc[answers["utt_id"].isin(lost), ["state", "text"]] = ["failed", pd.NA]
    looped = answers[answers["state"] == "answered"].index[3]
    answers.loc[looped, "text"] += " and so on" * 130
    table = explain(
        answers,
        english,
        {"missing": "drop", "aggregate": "clipped"},
        {"missing": "empty", "aggregate": "pooled"},
        form="spoken",
        order="shapley",
    )
    shown("4 failures stored as empty, and one loop", table)
    parts = adds_up(table)
    assert parts["missing"] != 0
    assert parts["aggregate"] > 0.5
    assert table["n_lost_before"].iloc[0] == 4


def test_a_published_rate_is_found_again_among_the_choices(dictation):
    heard, said = dictation
    ways = {
        "normalizer": ["auto", "none", "auto@case", "auto+spelling+numbers"],
        "form": ["spoken", "written", "best"],
        "aggregate": ["pooled", "mean", "median", "clipped", "mean by speaker"],
        "split": {"all of it": "language == 'en'", "numbers": "language == 'en' and topic == 'numbers'"},
    }
    every = candidates(heard, said, "0 %", ways, condition=SETTING)
    distinct = every["rate"].round(4).nunique()
    print(f"\n{len(every)} combinations give {distinct} different rates, {every['rate'].min():.4f} to")
    print(f"{every['rate'].max():.4f}; what a search must tell apart")
    rng = np.random.default_rng(3)
    for _, row in every.iloc[rng.choice(len(every), 3, replace=False)].iterrows():
        stated = f"{100 * row['rate']:.2f} %"
        found = candidates(heard, said, stated, ways, condition=SETTING)
        fits = found[found["fits"]]
        print(f"{stated}: {len(fits)} of {len(found)} fit; the first: {found['what'][0]}")
        assert (fits[list(ways)] == row[list(ways)]).all(axis=1).any()


def test_capitals_and_lower_case_references_of_real_speech(english):
    heard, said = english
    for corpus in ("LibriSpeech", "FLEURS"):
        table = explain(
            heard, said, {}, {"normalizer": "none", "aggregate": "mean"}, split={"corpus": corpus}, order="shapley"
        )
        shown(f"{corpus}, {table['n_answers_before'].iloc[0]} clips", table)
        assert adds_up(table)["normalizer"] > 0.1
    table = explain(heard, said, {"split": {"corpus": "LibriSpeech"}}, {"normalizer": "none", "rate": "2.11 %"})
    shown("against a published rate, split and normalizer", table)
    adds_up(table)
    assert table["part"].iloc[-1] == "not explained"
    macro = explain(heard, said, {}, {"aggregate": "mean by corpus"})
    shown("pooled, and the mean of corpora", macro)
    adds_up(macro)
