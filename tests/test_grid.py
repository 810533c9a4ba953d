"""Grids: levels, labels, and what a condition comes to for an utterance."""

from __future__ import annotations

import pandas as pd
import pytest

from asrlab.engines.base import Parameters
from asrlab.errors import InvalidInput
from asrlab.sweep.grid import Conditions, column, grid

ENGLISH = pd.Series({"utt_id": "a", "language": "en", "terms": pd.NA})


def oracle(utterance):
    return f"terms of {utterance.utt_id}"


def test_axes_are_crossed_in_order_and_the_last_varies_fastest():
    conditions = grid(language={"none": None, "right": column("language")}, enable_itn=[False, True], enable_words=True)
    assert conditions.axes == {"language": ["none", "right"], "enable_itn": ["False", "True"]}
    assert conditions.table.to_numpy().tolist() == [
        ["language=none, enable_itn=False", "none", "False"],
        ["language=none, enable_itn=True", "none", "True"],
        ["language=right, enable_itn=False", "right", "False"],
        ["language=right, enable_itn=True", "right", "True"],
    ]
    assert [c.parameters(ENGLISH) for c in conditions] == [
        Parameters(language=language, enable_itn=itn, enable_words=True)
        for language in (None, "en")
        for itn in (False, True)
    ]


def test_levels_are_values_columns_or_functions():
    conditions = grid(context={"none": None, "oracle": oracle, "column": column("terms")}, channel_id=[[0], [0, 1]])
    by_name = {c.name: c.parameters(ENGLISH) for c in conditions}
    assert by_name["context=oracle, channel_id=[0, 1]"] == Parameters(context="terms of a", channel_id=(0, 1))
    assert by_name["context=column, channel_id=[0]"] == Parameters()
    assert grid(context=[None, oracle]).axes == {"context": ["none", "oracle"]}


def test_values_out_of_a_table_are_plain_ones():
    row = pd.DataFrame({"utt_id": ["a"], "itn": [True], "ch": [1]}).iloc[0]
    (condition,) = grid(enable_itn=column("itn"), channel_id=lambda u: [u.ch])
    assert condition.parameters(row) == Parameters(enable_itn=True, channel_id=(1,))


def test_no_axes_is_one_condition():
    (only,) = grid()
    assert (only.name, only.parameters(ENGLISH)) == ("defaults", Parameters())


def test_where_takes_part():
    conditions = grid(language={"none": None, "en": "en"}, enable_itn=[False, True])
    kept = conditions.where("language == 'en' or enable_itn == 'False'")
    assert [c.name for c in kept] == [
        "language=none, enable_itn=False",
        "language=en, enable_itn=False",
        "language=en, enable_itn=True",
    ]
    for query in ("langage == 'en'", "language == 'fr'"):
        with pytest.raises(InvalidInput):
            conditions.where(query)


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ({"itn": [True]}, "'itn' is nothing that a grid can vary. What comes nearest to it here is 'enable_itn'"),
        ({"language_hint": ["en"]}, "What comes nearest to it here is 'language'"),
        ({"language": []}, "no levels"),
        ({"language": {}}, "no levels"),
        ({"language": ["en", "en"]}, "labelled 'en'"),
        ({"language": {1: "en", "1": "de"}}, "labelled '1'"),
        ({"context": ["a" * 50]}, "needs a label"),
        ({"context": [lambda u: u.utt_id]}, "needs a label"),
        ({"context": ["two\nlines"]}, "needs a label"),
        ({"context": [""]}, "needs a label"),
    ],
)
def test_grids_that_make_no_sense_are_refused(axes, said):
    with pytest.raises(InvalidInput, match=said):
        grid(**axes)


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ({"enable_itn": "yes"}, "enable_itn must be True or False"),
        ({"channel_id": 0}, "channel_id must be a list"),
        ({"language": column("langauge")}, "no column 'langauge'"),
        ({"context": column("utterance")}, "no column"),
    ],
)
def test_values_that_make_no_sense_name_their_utterance_or_column(axes, said):
    (condition,) = grid(**axes)
    with pytest.raises(InvalidInput, match=said):
        condition.parameters(ENGLISH)


def test_there_is_always_a_condition():
    with pytest.raises(InvalidInput, match="no conditions"):
        Conditions([])


def test_hints_and_a_vocabulary_are_parameters_and_mode_is_of_the_engine():
    conditions = grid(language_hints={"none": None, "two": ["zh", "en"]}, vocabulary_id=[None, "v-1"], mode=["a", "b"])
    assert conditions.kinds == {"language_hints": "request", "vocabulary_id": "request", "mode": "engine"}
    rows = [(c.parameters(pd.Series({"utt_id": "u"})), c.asks) for c in conditions]
    assert {row.language_hints for row, _ in rows} == {(), ("zh", "en")}
    assert [asks["mode"] for _, asks in rows] == ["a", "b"] * 4
    with pytest.raises(InvalidInput, match="both given"):
        grid(language="zh", language_hints=("zh", "en"))[0].parameters(pd.Series({"utt_id": "u"}))
    with pytest.raises(InvalidInput, match="different language codes"):
        grid(language_hints=("zh", "zh"))[0].parameters(pd.Series({"utt_id": "u"}))
