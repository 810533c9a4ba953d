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


def test_what_names_the_askings_can_be_asked_for_too():
    rows = pd.DataFrame({"utt_id": ["b", "a"], "trial": ["q", "r"]})
    given = pd.DataFrame({"utt_id": ["a", "b"], "trial": ["r", "q"], "context": ["x", "y"]})
    assert sent(rows, given, "trial").tolist() == ["q", "r"]
    assert sent(rows, given, "utt_id").tolist() == ["b", "a"]
    assert sent(rows.drop(columns="trial"), given.drop(columns="trial"), "utt_id").tolist() == ["b", "a"]


@pytest.mark.parametrize("name", ["trial", "utt_id"])
@pytest.mark.parametrize("rows", [[2.0, 1.0], [2, 1], ["2", "1"]])
@pytest.mark.parametrize("given", [[1.0, 2.0], [1, 2], ["1", "2"]])
def test_numbers_are_the_same_names_however_they_were_read(name, rows, given):
    parameters = pd.DataFrame({name: given, "context": ["x", "y"]})
    assert sent(pd.DataFrame({name: rows}), parameters, "context").tolist() == ["y", "x"]


def test_floats_that_are_no_whole_numbers_are_names_too():
    rows, given = pd.DataFrame({"utt_id": [1.5, 2.0]}), pd.DataFrame({"utt_id": [2.0, 1.5], "context": ["x", "y"]})
    assert sent(rows, given, "context").tolist() == ["y", "x"]


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
        ("[not JSON, but a list]", ["not JSON", "but a list"]),
        ("[1, 2.50]", ["1", "2.50"]),
        ('["Kim", 7, null, ["Lee"]]', ["Kim", "7", "Lee"]),
        ('{"terms": ["Kim", "Lee"], "lang": "en"}', ["Kim", "Lee"]),
        ('{"hotwords": {"people": ["Kim"], "places": ["York"]}}', ["Kim", "York"]),
        ('[{"text": "Kim", "weight": 4, "lang": "en"}, {"text": "Lee"}]', ["Kim", "Lee"]),
        ('{"a": 1}', []),
        ("['Kim', 'Lee']", ["Kim", "Lee"]),
        ("\"Kim\", “Lee”, Rock 'n' Roll, O'Neil", ["Kim", "Lee", "Rock 'n' Roll", "O'Neil"]),
        ("1. Kim\n2. Lee", ["Kim", "Lee"]),
        ("Names:\n 1) Kim\n 2) Lee\n", ["Kim", "Lee"]),
        ("(1) Kim; (2) Lee", ["Kim", "Lee"]),
        ("术语：\n1、卡斯特里\n2、奥斯特拉瓦", ["卡斯特里", "奥斯特拉瓦"]),
        ("9. Kim\n10. Lee", ["Kim", "Lee"]),
        ("1. FC Köln\n1. FC Nürnberg", ["1. FC Köln", "1. FC Nürnberg"]),
        ("1. FC Köln", ["1. FC Köln"]),
        ("3 Doors Down, 4 Non Blondes", ["3 Doors Down", "4 Non Blondes"]),
        ("- Kim\n- Lee\n-5 degrees", ["Kim", "Lee", "-5 degrees"]),
        ("• Kim\n•Lee", ["Kim", "Lee"]),
        ("Terms: Kim, Lee", ["Kim", "Lee"]),
        ("Terms: [Kim, Lee]", ["Kim", "Lee"]),
        ("Names: Kim, Lee\nPlaces: York, Hull", ["Kim", "Lee", "York", "Hull"]),
        ("术语:卡斯特里、奥斯特拉瓦", ["卡斯特里", "奥斯特拉瓦"]),
        ("Terms: 1. Kim, 2. Lee", ["Kim", "Lee"]),
        ("Mission: Impossible, Star Trek: Discovery", ["Mission: Impossible", "Star Trek: Discovery"]),
        ("Kim, Mission: Impossible", ["Kim", "Mission: Impossible"]),
        ("Mission: Impossible\nKim", ["Mission: Impossible", "Kim"]),
        ("Kim،Lee؛Bob", ["Kim", "Lee", "Bob"]),
        ("田中・鈴木・佐藤", ["田中", "鈴木", "佐藤"]),
        ("ジョン・スミス", ["ジョン・スミス"]),
        ("ジョン・スミス、田中", ["ジョン・スミス", "田中"]),
        ("\ufeffKim\u2028Lee", ["Kim", "Lee"]),
        ("Kim Lee Bob", ["Kim Lee Bob"]),
        ("You hear a call, now, to Kim", ["You hear a call", "now", "to Kim"]),
        ("[" * 100_000, ["[" * 100_000]),
    ],
)
def test_lists_are_read_as_they_are_written(context, found):
    assert items(context) == found


@given(st.text())
def test_of_any_context_come_stripped_items_that_are_in_it(context):
    assert all(item and item == item.strip() for item in items(context))
