"""Number error rates by class, against worked examples and what must hold of any text."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import asrlab as lab
from asrlab.coded import check_scores
from asrlab.errors import InvalidInput
from asrlab.scoring.formatting.numbers import numbers


def counted(table, judged):
    rows = table[table["judged"] == judged]
    return {row.number_class: (row.hits, row.subs, row.dels) for row in rows.itertuples()}


def test_one_of_two_is_wrong():
    found = numbers(["pay 25.15 on may 3"], ["pay 25.50 on may 3"], language="en")
    assert counted(found, "value") == counted(found, "surface") == {"decimal": (0, 1, 0), "date": (1, 0, 0)}
    both = lab.summarize(found, by="judged")
    assert both["rate"].tolist() == [0.5, 0.5]
    assert both["ref_len"].tolist() == [2, 2]
    assert found["unit"].eq("number").all()


def test_form_alone():
    said = pd.DataFrame(
        {
            "utt_id": "a",
            "form": ["spoken", "written"],
            "text": ["it costs twenty six pounds and forty pence", "It costs £26.40."],
            "language": "en",
        }
    )
    heard = pd.DataFrame(
        {
            "utt_id": "a",
            "condition": ["words", "sign", "wrong"],
            "text": ["it costs twenty-six pounds and forty pence", "It costs £26.40", "it costs £26.14"],
        }
    )
    for form, surface in (("written", [1, 0, 1]), ("spoken", [0, 1, 1])):
        found = numbers(heard, said, form=form)
        assert found["form"].eq(form).all()
        assert found.loc[found["judged"] == "surface", "subs"].tolist() == surface
        assert found.loc[found["judged"] == "value", "subs"].tolist() == [0, 0, 1]
    with pytest.raises(InvalidInput, match="form="):
        numbers(heard, said)


# Reference, transcript, language, class, and counts as it is written and in value.
NUMBERS = [
    ("we have 5 million", "we have 5", "en", "cardinal", [(0, 1, 0), (0, 1, 0)]),
    ("we have 5", "we have 5 million", "en", "cardinal", [(0, 1, 0), (0, 1, 0)]),
    ("at 10:15 tonight", "at tonight", "en", "time", [(0, 0, 1), (0, 0, 1)]),
    ("call 555-0142 now", "call 5550142 now", "en", "phone", [(0, 1, 0), (1, 0, 0)]),
    ("call 555-0142", "call five five five zero one four two", "en", "phone", [(0, 1, 0), (1, 0, 0)]),
    ("on May 3rd we met", "on May 3 we met", "en", "date", [(0, 1, 0), (1, 0, 0)]),
    ("add 350 milliliters", "add 350 ml", "en", "measure", [(0, 1, 0), (1, 0, 0)]),
    ("the 21st century", "the twenty first century", "en", "ordinal", [(0, 1, 0), (1, 0, 0)]),
    ("涨了百分之十二点七", "涨了12.7%", "zh", "percent", [(0, 1, 0), (1, 0, 0)]),
    ("八点零五分到站", "8.05分到站", "zh", "time", [(0, 1, 0), (0, 1, 0)]),
    ("一共三千五百万元", "一共3500萬元", "zh", "money", [(0, 1, 0), (1, 0, 0)]),
    ("電話は十時三十分", "電話は10:30", "ja", "time", [(0, 1, 0), (1, 0, 0)]),
    ("das kostet fünf Euro fünfzig", "Das kostet 5,50 €.", "de", "money", [(0, 1, 0), (1, 0, 0)]),
    ("je to 20 %", "je to 25 %", "cs", "percent", [(0, 1, 0), (0, 1, 0)]),
    # The day of 24 hours and that of twice 12; but no half of the day is made up.
    ("at 10:15 pm", "at 22:15", "en", "time", [(0, 1, 0), (1, 0, 0)]),
    ("at 22:15", "at ten fifteen p.m.", "en", "time", [(0, 1, 0), (1, 0, 0)]),
    ("at 10:15 am", "at 22:15", "en", "time", [(0, 1, 0), (0, 1, 0)]),
    ("at 10:15", "at 22:15", "en", "time", [(0, 1, 0), (0, 1, 0)]),
    ("at 10:15 am", "at 10:15", "en", "time", [(0, 1, 0), (0, 1, 0)]),
    ("at 0:15", "at 12:15 a.m.", "en", "time", [(0, 1, 0), (1, 0, 0)]),
    ("at 12:15", "at 12:15 a.m.", "en", "time", [(0, 1, 0), (0, 1, 0)]),
    ("at 13:00", "at 1 pm", "en", "time", [(0, 1, 0), (1, 0, 0)]),
    # Codes: known where one side writes a code.
    ("take B12 daily", "take b twelve daily", "en", "code", [(0, 1, 0), (1, 0, 0)]),
    ("take b twelve daily", "take B12 daily", "en", "cardinal", [(0, 1, 0), (1, 0, 0)]),
    ("take B12 and B6", "take b twelve and b sixteen", "en", "code", [(0, 2, 0), (1, 1, 0)]),
    ("COVID-19 it is", "COVID nineteen it is", "en", "code", [(0, 1, 0), (1, 0, 0)]),
    ("COVID-19 it is", "COVID, nineteen it is", "en", "code", [(0, 1, 0), (0, 1, 0)]),
    ("B-12", "B12", "en", "code", [(0, 1, 0), (1, 0, 0)]),
    ("版本v二", "版本V2", "zh", "code", [(0, 1, 0), (1, 0, 0)]),
]


def test_surface_and_value():
    ids = [f"{n}" for n in range(len(NUMBERS))]
    said, heard, languages, classes, judged = zip(*NUMBERS, strict=True)
    table = numbers(
        pd.DataFrame({"utt_id": ids, "text": heard}), pd.DataFrame({"utt_id": ids, "text": said, "language": languages})
    )
    found = dict(iter(table.groupby("utt_id")))
    for utt_id, text, number_class, counts in zip(ids, said, classes, judged, strict=True):
        assert [counted(found[utt_id], by)[number_class] for by in ("surface", "value")] == counts, text


def test_words_misheard_beside_a_number_do_not_touch_it():
    found = numbers(["pay the 25.50 may 3"], ["we paid 25.50 on may 3"], language="en")
    assert counted(found, "value") == {"decimal": (1, 0, 0), "date": (1, 0, 0)}


def test_what_is_no_number_has_no_row():
    said = ["one of them waited a second", "五颜六色"]
    assert numbers(["1 of them waited a 2nd"], said[:1], language="en").empty
    assert numbers(["5颜6色"], said[1:], language="zh").empty
    table = numbers(["a 5", "b"], ["a 5", "b"], language="en")
    assert table["utt_id"].tolist() == ["0", "0"]


def test_failures_are_counted_by_class_and_are_no_empty_answers():
    heard = pd.DataFrame(
        {"utt_id": ["a", "b", "c"], "state": ["answered", "failed", "answered"], "text": ["$5", pd.NA, ""]}
    )
    said = pd.DataFrame({"utt_id": ["a", "b", "c"], "text": ["$5", "$6 at 10:15", "$7"], "language": "en"})
    with pytest.raises(InvalidInput, match="not there to mark"):
        numbers(heard, said)
    found = numbers(heard, said, missing="drop")
    summary = lab.summarize(found[found["judged"] == "value"], by="number_class").set_index("number_class")
    assert summary.loc["money", ["dels", "ref_len", "n_failed"]].tolist() == [1, 2, 1]
    assert summary.loc["time", ["ref_len", "n_failed"]].tolist() == [0, 1]
    deleted = numbers(heard, said, missing="all-deleted")
    summary = lab.summarize(deleted[deleted["judged"] == "value"], by="number_class").set_index("number_class")
    assert summary.loc["money", ["dels", "ref_len"]].tolist() == [2, 3]


def test_settings_can_be_compared_by_class():
    heard = pd.DataFrame(
        [
            {"utt_id": f"u{n}", "enable_itn": itn, "text": text}
            for n in range(8)
            for itn, text in (("off", "twenty dollars at ten fifteen"), ("on", "$20 at 10.15"))
        ]
    )
    said = pd.DataFrame({"utt_id": [f"u{n}" for n in range(8)], "text": "$20 at 10:15", "language": "en"})
    found = numbers(heard, said)
    effect = lab.compare(found, along="enable_itn", baseline="off")
    deltas = {(row.number_class, row.judged): row.delta for row in effect.itertuples()}
    assert deltas == {
        ("money", "surface"): -1.0,
        ("money", "value"): 0.0,
        ("time", "surface"): 0.0,
        ("time", "value"): 1.0,
    }


def test_refusals():
    with pytest.raises(InvalidInput, match="fold or keep"):
        numbers(["5"], ["5"], script="melt")
    with pytest.raises(InvalidInput, match="ties"):
        numbers(["5"], ["5"], ties="none")
    table = pd.DataFrame({"utt_id": ["a"], "text": ["5"], "judged": ["x"]})
    with pytest.raises(InvalidInput, match="column 'judged'"):
        numbers(table, pd.DataFrame({"utt_id": ["a"], "text": ["5"]}))


TEXT = st.lists(
    st.sampled_from(["five", "$5", "may 3", "the cat", "twenty", "10:15", "20%", "sat,", "2.5 kg"]), max_size=8
)


def test_what_was_heard_changes_no_class_of_what_was_said():
    for said in ("b twelve plan for three people", "B12 plan", "12 b 12 people", "x 3 20 people"):
        heard = [said, "B12 plan for 3 people", "b twelve plan for 3", "a plan", "B 12 B12 12", "X320", ""]
        found = numbers(heard, [said] * len(heard), language="en")
        classes = found.pivot(index=["number_class", "judged"], columns="utt_id", values="ref_len")
        assert classes.notna().all(axis=None)
        assert classes.eq(classes["0"], axis=0).all(axis=None)


# Tables cost more than texts: many texts in a table, and few tables.
@settings(deadline=None, max_examples=3)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=5, max_size=5))
def test_counts_add_up(pairs):
    texts = [(" and ".join(left), " and ".join(right)) for left, right in pairs]
    heard = [one for said, got in texts for one in (got, said, "")]
    found = numbers(heard, [said for said, _ in texts for _ in range(3)], language="en", ties="jiwer")
    assert len(check_scores(found)) == len(found)
    by = {
        key: rows[["hits", "subs", "dels", "ref_len"]].values.tolist()
        for key, rows in found.groupby(["utt_id", "judged"], observed=True)
    }
    for (utt_id, judged), rows in by.items():
        for hits, subs, dels, ref_len in rows:
            assert hits + subs + dels == ref_len
            assert int(utt_id) % 3 != 1 or hits == ref_len
            assert int(utt_id) % 3 != 2 or dels == ref_len
        if judged == "surface":  # a form may be wrong where the value is right, and never the other way round
            assert all(s[0] <= v[0] for s, v in zip(rows, by[utt_id, "value"], strict=True))
