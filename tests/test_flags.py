"""The table of flags, and flagged answers shown apart in summaries and rates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.scoring.flags.flags import DETECTORS, _evidence, flags
from asrlab.scoring.flags.heard import Finding
from asrlab.scoring.flags.listening import listen
from asrlab.scoring.marking import score
from asrlab.scoring.rates import rates
from asrlab.stats.summary import summarize, with_and_without
from asrlab.wordings import literal

#: All but what needs a library of its own.
ALL = [name for name in DETECTORS if name != "translation"]
LOOP = "we met " * 10
SAID = pd.DataFrame({"utt_id": ["a", "b", "c"], "text": ["we met", "at nine", ""], "speaker": ["x", "y", "y"]})


def answers():
    return pd.DataFrame(
        {
            "utt_id": ["a", "b", "c", "a", "b", "c"],
            "condition": ["one"] * 3 + ["two"] * 3,
            "context": ["none"] * 3 + ["terms"] * 3,
            "text": [LOOP, "at nine", "", "we met", pd.NA, "Oh."],
        }
    )


def test_a_row_a_finding_and_axes_after_the_declared_columns():
    found = flags(answers(), SAID, only=ALL)
    assert list(found.columns) == [*tables.SCHEMAS["flags"], "context"]
    assert found[["utt_id", "context", "flag"]].to_numpy().tolist() == [
        ["a", "none", "loop"],
        ["a", "none", "compression"],
        ["a", "none", "insertions"],
        ["c", "terms", "silence"],
    ]
    assert all(str(found[name].dtype) == dtype for name, (dtype, _) in tables.SCHEMAS["flags"].items())
    assert found["what"].notna().all()


def test_failed_and_missing_answers_have_no_flags():
    heard = answers().iloc[:5]
    assert flags(heard, SAID, only=ALL)["utt_id"].unique().tolist() == ["a"]
    none = heard.assign(text=pd.array([pd.NA] * 5, dtype="string"))
    assert flags(none, SAID, only=ALL).empty
    empty = flags(heard.iloc[:0], SAID, only=ALL)
    assert list(empty.columns) == [*tables.SCHEMAS["flags"], "context"]


def test_texts_and_tables_give_the_same():
    by_text = flags([LOOP, "at nine"], ["we met", "at nine"], only="loop")
    assert by_text[["utt_id", "flag"]].to_numpy().tolist() == [["0", "loop"]]
    assert flags(LOOP, only="loop")["evidence"].tolist() == [LOOP.strip()]


@pytest.mark.parametrize(
    ("heard", "begin", "end", "evidence"),
    [
        ("“Oh, no,” he said; then: twenty-five — men!", 0, 2, "“Oh, no,"),
        ("well, it cost twenty five euros, they say", 2, 6, "cost twenty five euros,"),
        ("今天，天气（很好）。", 2, 4, "天气（"),
        ("今天，天气（很好）。", 2, 6, "天气（很好）。"),
    ],
)
def test_evidence_is_what_was_written(heard, begin, end, evidence):
    (one,) = listen(
        heard, None, parameters=None, form=None, unit="auto", normalizer="auto", language=None, variants=None
    ).heard
    assert _evidence(one, Finding(0, "x", None, begin, min(end, len(one.units)), None, "")).rstrip("”") == evidence


TEXTS = st.text(max_size=40) | st.text("ab 哈。", max_size=40)


@settings(deadline=None, max_examples=4)
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=10, max_size=40))
def test_any_texts_can_be_looked_through(rows):
    heard, said, context = (list(column) for column in zip(*rows, strict=True))
    ids = [str(n) for n in range(len(rows))]
    transcripts = pd.DataFrame({"utt_id": ids, "text": heard, "audio_s": 1.0})
    references = pd.DataFrame({"utt_id": ids, "text": list(map(literal, said))})
    sent = pd.DataFrame({"utt_id": ids, "context": context, "language": "en"})
    options = {"parameters": sent, "normalizer": "none", "form": None, "unit": "auto", "language": None}
    for told in (references, None):
        listened = listen(transcripts, told, variants=None, **options).heard
        assert [one.row for one in listened] == list(range(len(rows)))
        for one in listened:
            if one.steps is not None:
                assert sum(one.steps.count(step) for step in "HSI") == len(one.units)
                assert sum(one.steps.count(step) for step in "HSD") == len(one.said)
        for name in ALL:
            for finding in DETECTORS[name](listened):
                if finding.begin is not None:
                    assert 0 <= finding.begin < finding.end <= len(listened[finding.row].units)
                    assert _evidence(listened[finding.row], finding)


def test_steps_are_those_that_score_counts():
    heard, said = answers()[lambda t: t["text"].notna()], SAID
    counts = score(heard, said, missing="drop").dropna(subset=["hits"])
    listened = listen(
        heard, said, parameters=None, form=None, unit="auto", normalizer="auto", language=None, variants=None
    )
    for one, row in zip(listened.heard, counts.to_dict("records"), strict=True):
        assert [one.steps.count(step) for step in "HSDI"] == [row[n] for n in ("hits", "subs", "dels", "ins")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"only": "loops"}, "no flag 'loops'"),
        ({"unit": "term"}, "unit must be one of"),
        ({"parameters": pd.DataFrame({"utt_id": ["a"], "prompt": ["x"]})}, "no column context or language"),
        ({"parameters": pd.DataFrame({"utt_id": ["a"], "context": ["x"]})}, "have no row in the parameters"),
    ],
)
def test_errors_say_what_to_do(options, message):
    with pytest.raises(InvalidInput, match=message):
        flags(answers(), SAID, **options)


def test_summaries_show_flagged_answers_apart():
    scores = score(answers(), SAID, missing="drop")
    found = flags(answers(), SAID, only="loop")
    table = summarize(scores, flags=found)
    assert table["n_flagged"].tolist() == [1, 0]
    assert table["rate"].tolist() == [18 / 4, 1 / 2]  # nothing is dropped
    assert table["rate_without"].tolist() == [0.0, 1 / 2]
    assert not {"n_flagged", "rate_without"} & set(summarize(scores))
    same = rates(scores, flags=found)
    assert (
        same[["n_flagged", "rate_without"]].to_numpy().tolist()
        == table[["n_flagged", "rate_without"]].to_numpy().tolist()
    )
    assert not {"n_flagged", "rate_without"} & set(rates(scores))
    assert with_and_without(table, found) == [
        "context none: WER pooled 450.0 %, without 1 loop 0.0 %",
        "context terms: WER pooled 50.0 %, 0 loops",
    ]
    every = summarize(scores, flags=flags(answers(), SAID, only=ALL))
    assert every["n_flagged"].tolist() == [1, 1]
    assert every["rate_without"].tolist() == [0.0, 0.0]


def test_rate_without_is_the_rate_of_the_others():
    rng = np.random.default_rng(3)
    n = 60
    scores = pd.DataFrame(
        {
            "utt_id": [f"u{k % 20}" for k in range(n)],
            "condition": [f"c{k // 20}" for k in range(n)],
            "block": "s",
            "block_kind": "utterance",
            "unit": "word",
            "subs": rng.integers(0, 5, n),
            "dels": 0,
            "ins": rng.integers(0, 9, n),
            "ref_len": 10,
        }
    ).assign(block=lambda t: t["utt_id"])
    marked = scores.sample(15, random_state=1)
    found = marked[["utt_id", "condition"]].assign(flag="loop")
    expected = summarize(scores.drop(marked.index))
    table = summarize(scores, flags=pd.concat([found, found]))  # two flags of one answer are one flagged answer
    assert table["n_flagged"].sum() == 15
    assert table["rate_without"].to_numpy() == pytest.approx(expected["rate"].to_numpy())
    pooled = summarize(scores, by=[], flags=found)
    assert pooled["rate_without"][0] == pytest.approx(summarize(scores.drop(marked.index), by=[])["rate"][0])


def test_all_answers_may_be_flagged():
    scores = score(answers().iloc[:1], SAID.iloc[:1])
    table = summarize(scores, flags=pd.DataFrame({"utt_id": ["a"], "flag": ["loop"]}))
    assert table["rate_without"].isna().all()
    assert with_and_without(table, pd.DataFrame({"flag": ["loop", "leak"]})) == [
        "context none: WER pooled 900.0 %, without 1 flagged answer none"
    ]


def test_flags_of_a_channel_are_of_the_joined_answer():
    heard = pd.DataFrame({"utt_id": "a", "channel": [0, 1], "text": [LOOP, "at nine"]})
    said = pd.DataFrame({"utt_id": "a", "channel": [0, 1], "text": ["we met", "at nine"]})
    found = flags(heard, said, only="loop")
    assert found["channel"].tolist() == [0]
    assert rates(score(heard, said), by="channel", flags=found)["n_flagged"].tolist() == [1, 0]
    assert rates(score(heard, said, channels="joined"), flags=found)["n_flagged"].tolist() == [1]


def test_flags_of_other_answers_are_refused():
    scores = score(answers(), SAID, missing="drop")
    with pytest.raises(InvalidInput, match="None of the 1 flags is of an answer that was scored"):
        summarize(scores, flags=pd.DataFrame({"utt_id": ["z"], "flag": ["loop"]}))
    assert summarize(scores, flags=tables.empty("flags"))["n_flagged"].tolist() == [0, 0]
    with pytest.raises(InvalidInput, match="without flags"):
        with_and_without(summarize(scores), tables.empty("flags"))


def test_evidence_is_what_is_written_also_after_a_sharp_s():
    heard = pd.DataFrame({"utt_id": ["a"], "text": ["Die Straße ist groß. Kestrel, Ostrava. OK."]})
    said = pd.DataFrame({"utt_id": ["a"], "text": ["Die Straße ist groß. OK."], "language": "de"})
    given = pd.DataFrame({"utt_id": ["a"], "context": ["Kestrel, Ostrava, Van Houten"]})
    table = flags(heard, said, parameters=given, only="leak")
    assert table["evidence"].tolist() == ["Kestrel, Ostrava."]
