"""Answers in another script or language, run by `make acceptance`: planted by texts and seeds nothing was tuned on."""

from __future__ import annotations

import foreign_corpora as corpora
import pandas as pd
import pytest

from asrlab.scoring import hints

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def planted():
    parts = []
    for seed in (20260901, 20260902, 20260903):
        made = corpora.plant(corpora.parallel(), seed=seed, n=250)
        transcripts, references, parameters = corpora.as_tables(made)
        parts.append(corpora.told(made, hints.foreign(transcripts, references, parameters=parameters)))
    table = pd.concat(parts, ignore_index=True)
    by_kind = table.groupby("kind")[["script", "script flagged", "translation", "translation flagged"]].sum()
    print("", by_kind.assign(n=table.groupby("kind").size()), sep="\n")
    return table


@pytest.mark.parametrize("flag", ["script", "translation"])
def test_planted(planted, flag):
    easy = planted[~planted["kind"].str.contains("hard")]
    found, there = easy[f"{flag} flagged"], easy[flag]
    right, wrong = found[~there], found[there]
    print(f"{flag}: recall {wrong.mean():.4f} of {len(wrong)}, false alarms {right.mean():.4f} of {len(right)}")
    assert found[there].mean() >= 0.95
    assert found[~there].mean() <= 0.02


def test_each_kind_of_answer_by_itself(planted):
    """No kind of right answer hides among the others."""
    for flag in ("script", "translation"):
        wrong = planted[~planted[flag]].groupby("kind")[f"{flag} flagged"].mean()
        allowed = pd.Series(0.02, wrong.index)
        if flag == "translation":
            allowed["in Latin letters"] = 0.1  # romanised speech may read as a language
        assert (wrong <= allowed).all(), wrong


def test_between_near_languages():
    """Those that are named as hardly told apart are, and others are told apart."""
    near = [("es", "pt"), ("es", "it"), ("it", "pt"), ("ru", "uk"), ("cs", "pl"), ("da", "sv"), ("no", "sv")]
    made = corpora.plant_near(corpora.parallel(), [*near, ("id", "ms"), ("yue", "zh"), ("da", "no")])
    transcripts, references, parameters = corpora.as_tables(made)
    table = corpora.told(made, hints.foreign(transcripts, references, parameters=parameters, only="translation"))
    found = table.groupby("kind")["translation flagged"].mean()
    print(found)
    assert (found[["/".join(pair) for pair in near]] >= 0.8).all()
    assert found["id/ms"] < 0.2


def test_identifier_on_each_language(planted):
    from asrlab.scoring.identify import LANGUAGES, identify

    said = [(language, text) for language, texts in corpora.parallel().items() for text in texts]
    found = identify([text for _, text in said]).argmax(axis=1)
    confused = pd.Series([f"{language}>{LANGUAGES[n]}" for (language, _), n in zip(said, found, strict=True)])
    confused = confused[confused.str.split(">").map(lambda pair: pair[0] != pair[1])]
    print(confused.value_counts())
    assert len(confused) <= 0.03 * len(said)
