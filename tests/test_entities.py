"""NE-FNR and NE-WER: worked by hand."""

from __future__ import annotations

import pandas as pd
import pytest

import asrlab as lab
from asrlab.errors import InvalidInput
from asrlab.scoring.terms.entities import entity_scores

COUNTS = ["hits", "subs", "dels", "ins", "ref_len"]


def of(ref, hyp, *entities, **options):
    said, heard = (pd.DataFrame({"utt_id": ["a"], "text": [text]}) for text in (ref, hyp))
    named = pd.DataFrame({"utt_id": "a", "term": list(entities)}, dtype="string")
    scores = entity_scores(heard, said, entities=named, **options)
    assert (scores["hits"] + scores["subs"] + scores["dels"] == scores["ref_len"]).all()
    assert (scores["hits"] + scores["subs"] + scores["ins"] == scores["hyp_len"]).all()
    return {unit: tuple(map(int, row)) for unit, *row in scores[["unit", *COUNTS]].itertuples(index=False)}


def test_what_is_like_an_entity_is_marked_against_it():
    found = of("we saw port arden light and left", "we saw port garden light and left", "port arden light")
    assert found == {"word": (6, 1, 0, 0, 7), "entity": (0, 0, 1, 0, 1), "entity word": (2, 1, 0, 0, 3)}


@pytest.mark.parametrize(
    ("entity", "heard", "expected"),
    [
        ("tallis", "talis", (0, 0, 1, 0, 1)),  # one word: exact
        ("orrin tallis", "orrin talis", (0, 0, 2, 0, 2)),  # two: exact
        ("port arden light", "port of light", (2, 1, 0, 0, 3)),  # three: one edit
        ("port arden light", "fort of light", (0, 0, 3, 0, 3)),
        ("old port arden light", "old port of lights", (0, 0, 4, 0, 4)),  # four: one edit
        ("the old port arden light", "the old port of lights", (3, 2, 0, 0, 5)),  # five: two
    ],
)
def test_half_the_words_of_an_entity_may_be_wrong_but_less(entity, heard, expected):
    # At the beginning of a text, so that no words before it can be taken in.
    assert of(f"{entity} zog", f"{heard} zog", entity)["entity word"] == expected


def test_of_a_stretch_that_begins_early_the_words_before_are_errors():
    found = of("zog by the old port arden light", "zog by the old port garden light", "the old port arden light")
    # "by the old port garden light" is two edits away, and begins before "the old port garden light".
    assert found["entity word"] == (4, 1, 0, 1, 5)


def test_a_stretch_with_the_entity_in_it_is_cut_to_it():
    found = of("zog by port arden light", "zog by port arden light", "port arden light")
    assert found["entity word"] == (3, 0, 0, 0, 3)
    # In the spelling, too; but it is no exact occurrence.
    found = of("zog by port arden light", "zog by seaport arden light", "port arden light")
    assert (found["entity"], found["entity word"]) == ((0, 0, 1, 0, 1), (3, 0, 0, 0, 3))


def test_occurrences_are_capped_at_their_number_in_the_reference():
    found = of("tallis met orrin", "tallis tallis tallis met", "tallis", "orrin")
    assert found["entity"] == (1, 0, 1, 0, 2)
    # What is heard too often is inserted, or stands for what is missed.
    assert found["entity word"] == (1, 1, 0, 1, 2)


def test_an_entity_that_was_not_said_is_inserted():
    found = of("orrin slept", "orrin tallis slept", "tallis", "orrin")
    assert (found["entity"], found["entity word"]) == ((1, 0, 0, 0, 1), (1, 0, 0, 1, 1))


def test_entities_stand_in_the_order_of_the_text():
    found = of("tallis met orrin vane", "orrin vane met tallis", "orrin vane", "tallis")
    assert found["entity"] == (2, 0, 0, 0, 2)
    assert sum(found["entity word"][1:4]) > 0


def test_chinese_entities_are_runs_of_characters():
    found = of("请联系上官云溪经理", "请联系上官云西经理", "上官云溪", language="zh")
    # Four characters, one edit: 系 is before it, and one edit more than may be.
    assert (found["entity"], found["entity char"]) == ((0, 0, 1, 0, 1), (3, 1, 0, 0, 4))


def test_mixed_units_take_latin_words_whole():
    found = of("我们用XT九七型枪", "我们用XT九六型枪", "XT九七型枪", unit="mixed", language="zh")
    assert found["entity mixed"][4] == 5


def test_an_echo_of_the_list_scores_without_an_error():
    found = of("we left for port arden light with tallis", "port arden light tallis", "port arden light", "tallis")
    assert found["entity"][2] == 0
    assert sum(found["entity word"][1:4]) == 0


def test_answers_that_are_not_there_are_not_empty_ones():
    said = pd.DataFrame({"utt_id": ["a", "b"], "text": ["tallis waved", "so she left"]})
    heard = pd.DataFrame({"utt_id": ["a", "b"], "text": [pd.NA, "so she left"]}, dtype="string")
    names = pd.DataFrame({"utt_id": ["a"], "term": ["tallis"], "role": ["present"]})
    with pytest.raises(InvalidInput, match="not there to mark"):
        entity_scores(heard, said, entities=names)
    dropped = entity_scores(heard, said, entities=names, missing="drop")
    assert dropped.loc[dropped["utt_id"] == "a", "ref_len"].isna().all()
    assert dropped.loc[dropped["utt_id"] == "b", "unit"].tolist() == ["word"]
    deleted = entity_scores(heard, said, entities=names, missing="all-deleted").query("utt_id == 'a'")
    assert deleted["dels"].tolist() == [2, 1, 1]


def test_totals_are_those_of_score():
    said = pd.DataFrame({"utt_id": ["a", "b"], "text": ["orrin met tallis at the quay", ""]})
    heard = pd.DataFrame({"utt_id": ["a", "b"], "text": ["warren met alice at a key there", "hum"]})
    found = entity_scores(heard, said, entities=pd.DataFrame({"utt_id": [pd.NA], "term": ["tallis"]}))
    whole = lab.score(heard, said)
    mine = found[found["unit"] == "word"]
    assert mine[["subs", "dels", "ins"]].sum(axis=1).tolist() == whole[["subs", "dels", "ins"]].sum(axis=1).tolist()


@pytest.mark.parametrize(
    "entities",
    [pd.DataFrame({"utt_id": [], "term": []}), pd.DataFrame({"utt_id": ["a"], "term": ["x"], "role": ["distractor"]})],
)
def test_no_entities_are_refused(entities):
    with pytest.raises(InvalidInput, match="no entities"):
        entity_scores(["a"], ["a"], entities=entities)
