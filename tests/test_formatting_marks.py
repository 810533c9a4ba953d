"""Punctuation and case, against worked examples and an alignment of marks that tries all."""

from __future__ import annotations

from functools import cache

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import asrlab as lab
from asrlab.coded import check_scores
from asrlab.errors import InvalidInput
from asrlab.scoring.formatting.alignment import aligned
from asrlab.scoring.formatting.marks import case, compared, marks, marks_in
from asrlab.scoring.formatting.spans import parsed
from asrlab.stats.precision_recall import precision_recall

COUNTS = ["hits", "subs", "dels", "ins"]


def counts(table, unit="punctuation", mark="any"):
    rows = table[(table["unit"] == unit) & (table["mark"] == mark)]
    return [] if rows.empty else rows[COUNTS].iloc[0].tolist()


def test_the_example_of_librispeech_pc():
    """Meister et al. 2023: one right, one other, one missing, one too many: 3/4."""
    found = marks(["Hi dear! Nice to see you! What's?"], ["Hi, dear! Nice to see you. What's"], language="en")
    assert counts(found) == [1, 1, 1, 1]
    rates = lab.rates(found[found["unit"] == "punctuation"])
    assert rates["mer"].tolist() == [0.75]
    assert rates["rate"].tolist() == [1.0]  # by the marks of the reference
    assert counts(found, "mark", "period") == [0, 1, 0, 0]
    assert counts(found, "mark", "comma") == [0, 0, 1, 0]
    assert counts(found, "mark", "exclamation mark") == [1, 0, 0, 0]
    assert counts(found, "heard mark", "exclamation mark") == [1, 1, 0, 0]
    assert counts(found, "heard mark", "question mark") == [0, 1, 0, 0]
    assert counts(found, "mark", "question mark") == [0, 0, 0, 0]
    assert counts(found, "mark", "colon") == []


def test_precision_recall_and_f1():
    found = marks(["Hi dear! Nice to see you! What's?"], ["Hi, dear! Nice to see you. What's"], language="en")
    table = precision_recall(found[found["unit"] != "punctuation"], by="mark").set_index("mark")
    assert table.loc["exclamation mark", ["recall", "precision"]].tolist() == [1.0, 0.5]
    assert table.loc["comma", "recall"] == 0.0


def test_words_misheard_do_not_touch_marks():
    found = marks(["a rat, slept. then it goes."], ["The cat, slept. Then it rose."], language="en")
    assert counts(found) == [3, 0, 0, 0]
    lost = marks(["the cat."], ["the cat, it slept."], language="en")
    assert counts(lost) == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("text", "preset", "kinds"),
    [
        ("，", "zh", []),  # full width, which the characters' one form makes a comma
        (",", "zh", ["comma"]),
        ("、", "zh", ["enumeration comma"]),
        ("、", "ja", ["comma"]),
        ("。」", "zh", ["period", "quote"]),
        ("...", "en", ["ellipsis"]),
        (" - ", "en", ["dash"]),
        (" -- ", "en", ["dash"]),
        ("?!", "en", ["question mark", "exclamation mark"]),
        (' ("', "en", ["bracket", "quote"]),
        ("؟ ،", "ar", ["question mark", "comma"]),
        (" & $ ", "en", []),
    ],
)
def test_kinds_of_marks(text, preset, kinds):
    assert marks_in(text, preset) == kinds


def test_marks_of_words_and_numbers_are_none():
    said = "It's a well-known 3.5, at 10:15 a.m., in St. John's"
    found = marks([said], [said], language="en")
    assert counts(found) == [3, 0, 0, 0]  # two commas, and the point of St.
    chinese = marks(["你好，世界。"], ["你好,世界。"], language="zh")
    assert counts(chinese) == [2, 0, 0, 0]


def brute(want, got):
    """Align words and marks by all ways: a word stands for a word, a mark for a mark; words first. Same words only."""

    @cache
    def best(i, j):
        if i == len(want) and j == len(got):
            return (0, 0)
        ways = []
        if i < len(want) and j < len(got):
            a, b = want[i], got[j]
            if a.isalpha() == b.isalpha():
                words, marks_wrong = best(i + 1, j + 1)
                ways.append((words + (a != b and a.isalpha()), marks_wrong + (a != b and not a.isalpha())))
        for one, side, place in ((1, want, i), (2, got, j)):
            if place < len(side):
                words, marks_wrong = best(i + (one == 1), j + (one == 2))
                word = side[place].isalpha()
                ways.append((words + word, marks_wrong + (not word)))
        return min(ways)

    return best(0, 0)[1]


TOKENS = st.lists(st.sampled_from(["a", "b", "c", ",", ".", "!", "?"]), max_size=9)


@settings(deadline=None, max_examples=60)
@given(TOKENS, st.lists(st.sampled_from([",", ".", "!", "?", ""]), min_size=10, max_size=10))
def test_errors_are_the_fewest_where_the_words_are_right(want, other):
    words = [token for token in want if token.isalpha()]
    got = [token for word, mark in zip(words, other, strict=False) for token in (word, mark) if token]
    said, heard = parsed(" ".join(want), "basic"), parsed(" ".join(got), "basic")
    pairs = compared(said, heard, aligned([(said, heard)])[0], "basic")
    assert sum(one != two for one, two in pairs) == brute(tuple(want), tuple(got))
    assert [one for one, _ in pairs if one] == marks_in(
        " ".join(token for token in want if not token.isalpha()), "basic"
    )


# Tables cost more than texts: many texts in a table, and few tables.
@settings(deadline=None, max_examples=3)
@given(st.lists(st.tuples(TOKENS, TOKENS), min_size=6, max_size=6))
def test_counts_add_up(pairs):
    table = marks([" ".join(got) for _, got in pairs], [" ".join(want) for want, _ in pairs], language="en")
    assert len(check_scores(table)) == len(table)
    for _, found in table.groupby("utt_id"):
        hits = {unit: found.loc[found["unit"] == unit, "hits"].sum() for unit in ("mark", "heard mark", "punctuation")}
        assert len(set(hits.values())) == 1
        whole = counts(found) or [0, 0, 0, 0]
        heard = found[found["unit"] == "heard mark"]
        assert heard["subs"].sum() == whole[1] + whole[3]
        assert found.loc[found["unit"] == "mark", "ref_len"].sum() == sum(whole[:3])


def test_case():
    assert case(["paris is Big"], ["Paris is big"], language="en")[[*COUNTS, "ref_len"]].iloc[0].tolist() == [
        1,
        2,
        0,
        0,
        3,
    ]
    found = case(["i saw bob in rome at 3 PM"], ["I saw Bob in Paris at 3 pm"], language="en")
    assert found[["hits", "subs"]].iloc[0].tolist() == [
        3,
        2,
    ]  # saw, in, at; I, Bob. Rome was misheard, 3 PM is a number
    chinese = case(["我用iphone"], ["我用iPhone"], language="zh")
    assert chinese[["hits", "subs", "ref_len"]].iloc[0].tolist() == [0, 1, 1]


def test_failures_are_counted_and_are_no_empty_answers():
    heard = pd.DataFrame({"utt_id": ["a", "b"], "state": ["answered", "failed"], "text": ["Yes.", pd.NA]})
    said = pd.DataFrame({"utt_id": ["a", "b"], "text": ["Yes.", "No, never."], "language": "en"})
    with pytest.raises(InvalidInput, match="not there to mark"):
        marks(heard, said)
    found = marks(heard, said, missing="drop")
    summary = lab.summarize(found[found["unit"] == "punctuation"])
    assert summary[["rate", "ref_len", "n_failed"]].values.tolist() == [[0.0, 1, 1]]
    deleted = marks(heard, said, missing="all-deleted")
    summary = lab.summarize(deleted[deleted["unit"] == "punctuation"])
    assert summary[["dels", "ref_len"]].values.tolist() == [[2, 3]]
    assert lab.summarize(case(heard, said, missing="drop"))["n_failed"].tolist() == [1]
    assert lab.summarize(case(heard, said, missing="all-deleted"))["ref_len"].tolist() == [1]


def test_nothing_to_count():
    found = marks(["yes"], ["yes"], language="en")
    assert found.empty
    assert {"mark", "unit", "hits"} <= set(found)
    assert marks([""], [""], language="en").empty
    with pytest.raises(InvalidInput, match="column 'mark'"):
        marks(
            pd.DataFrame({"utt_id": ["a"], "text": ["x"], "mark": [1]}), pd.DataFrame({"utt_id": ["a"], "text": ["x"]})
        )
