"""What answers were asked with: the table of parameters, and the lists in contexts."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import asrlab as lab
from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.lists import items
from asrlab.scoring.requests import sent

DEMO = Path(__file__).parents[1] / "notebooks" / "replays" / "demo.jsonl"


def test_parameters_say_what_labels_came_to():
    sweep = lab.open_sweep(DEMO)
    table = sweep.parameters
    assert list(table) == list(tables.SCHEMAS["parameters"])
    assert len(table) == len(sweep.transcripts.drop_duplicates("trial"))
    right = table["condition"].str.startswith("language=right")
    english = table["utt_id"].str.startswith("en")
    assert set(table.loc[right & english, "language"]) == {"en"}
    assert table.loc[table["condition"].str.startswith("language=none"), "language"].isna().all()
    assert (table["enable_itn"] == table["condition"].str.contains("enable_itn=True")).all()
    assert table.loc[table["condition"].str.endswith("context=none"), "context"].isna().all()
    assert set(table["channel_id"]) == {"0"}


def test_each_answer_finds_its_own_by_trial_else_by_names():
    sweep = lab.open_sweep(DEMO)
    heard, asked = sweep.transcripts, sweep.parameters
    shuffled = asked.sample(frac=1, random_state=1)
    by_trial = sent(heard, shuffled, "context")
    by_name = sent(heard.drop(columns="trial"), shuffled.drop(columns="trial"), "context")
    assert by_trial.equals(by_name)
    assert by_trial.index.equals(heard.index)
    assert (by_trial.isna() == (heard["context"] == "none")).all()


def test_what_cannot_be_put_beside_one_another_is_said():
    rows = pd.DataFrame({"utt_id": ["a", "b"], "condition": ["x", "y"], "text": "t"}, index=[7, 9])
    given = pd.DataFrame({"utt_id": ["a", "b"], "context": ["one", pd.NA]})
    assert sent(rows, given, "context").index.tolist() == [7, 9]
    assert sent(rows.iloc[:0], given, "context").empty
    with pytest.raises(InvalidInput, match="no column 'language'"):
        sent(rows, given, "language")
    with pytest.raises(InvalidInput, match="more than once"):
        sent(rows, pd.concat([given, given.assign(context="two")]), "context")
    assert sent(rows, pd.concat([given, given]), "context").tolist()[0] == "one"
    with pytest.raises(InvalidInput, match="1 answers have no row"):
        sent(rows, given.iloc[:1], "context")
    with pytest.raises(InvalidInput, match="utt_id, in every row"):
        sent(rows, given.drop(columns="utt_id"), "context")
    with pytest.raises(InvalidInput, match="must be a pandas DataFrame"):
        sent(rows, "Kestrel", "context")


@pytest.mark.parametrize(
    ("context", "found"),
    [
        ("", []),
        (" , ;\n", []),
        ("Kestrel", ["Kestrel"]),
        ("New York, Van Houten,Kestrel ", ["New York", "Van Houten", "Kestrel"]),
        ("盱眙、涪陵，澜岫；闫筱檬", ["盱眙", "涪陵", "澜岫", "闫筱檬"]),
        ("one\ntwo\r\nthree\tfour|five", ["one", "two", "three", "four", "five"]),
        ('["a, b", " c "]', ["a, b", "c"]),
        ("[not JSON, but a list]", ["[not JSON", "but a list]"]),
        ("[1, 2]", ["[1", "2]"]),
        ("[" * 100_000, ["[" * 100_000]),
    ],
)
def test_lists_are_read_as_they_are_written(context, found):
    assert items(context) == found


@given(st.text())
def test_of_any_context_come_stripped_items_that_are_in_it(context):
    assert all(item and item == item.strip() for item in items(context))
