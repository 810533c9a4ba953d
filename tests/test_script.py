"""Script under test: folding Traditional to Simplified by default would hide it, and is refused."""

from __future__ import annotations

import pandas as pd
import pytest

import asrlab as lab
from asrlab.errors import InvalidInput

SAID = {"utt_id": ["a"], "text": ["台湾的天气很热"], "language": ["zh"]}
HEARD = pd.DataFrame({"utt_id": ["a"], "text": ["臺灣的天氣很熱"]})


def errors(said, heard=HEARD, **options):
    scores = lab.score(heard, pd.DataFrame(said), **options)
    return int(scores["subs"].sum())


def test_script_is_folded_where_nothing_shows_that_it_is_under_test():
    assert errors(SAID) == 0
    assert errors({**SAID, "language": ["zh-CN"]}) == 0
    assert errors({**SAID, "language": ["yue"]}) == 0


@pytest.mark.parametrize("tag", ["zh-TW", "zh_HK", "zh-Hant", "zh-hans-CN", "yue-Hant", "cmn_hans_cn", "zh_Hant_x"])
@pytest.mark.parametrize("normalizer", ["auto", "zh", "zh-2", "zh+numbers"])
def test_a_tag_that_names_a_script_refuses_folding_by_default(tag, normalizer):
    with pytest.raises(InvalidInput, match=rf"have the language '{tag}', so the script may be what is under test"):
        errors({**SAID, "language": [tag]}, normalizer=normalizer)


def test_who_says_what_is_meant_is_not_refused():
    said = {**SAID, "language": ["zh-TW"]}
    assert errors(said, normalizer="auto+script=fold") == 0
    assert errors(said, normalizer="auto+script=keep") == 4
    assert errors(said, normalizer={"zh": lab.normalizer("zh", script="keep")}) == 4
    assert errors({**said, "text": ["The tag is of no use here"]}, normalizer="en") > 0


def test_references_that_differ_in_script_only_refuse_it():
    said = {"utt_id": ["a", "a"], "text": ["台湾", "臺灣"], "form": ["s", "t"], "language": ["zh", "zh"]}
    with pytest.raises(InvalidInput, match="Two references of a differ in script only"):
        errors(said, form="s")
    other = {**said, "text": ["台湾三点", "台湾3点"]}  # that they differ in another way shows nothing
    assert errors(other, form="s") >= 0


def under(first, second, column="context"):
    return pd.DataFrame({"utt_id": ["a", "a"], "text": ["臺灣"] * 2, column: [first, second]})


@pytest.mark.parametrize("column", ["context", "condition"])
def test_levels_that_differ_in_script_only_refuse_it(column):
    with pytest.raises(InvalidInput, match=f"levels '地點' and '地点' of {column} differ in script only"):
        errors(SAID, under("地點", "地点", column))
    assert errors(SAID, under("地名", "人名", column)) == 0


@pytest.mark.parametrize(
    "labels", [("Traditional", "plain"), ("none", "請用繁體"), ("zh-TW", "zh-CN"), ("简体", "none")]
)
def test_levels_that_name_a_script_refuse_it(labels):
    with pytest.raises(InvalidInput, match="One context is called"):
        errors(SAID, under(*labels))


def test_what_names_no_setting_refuses_nothing():
    assert errors(SAID, HEARD.assign(path="/繁體/台灣.wav")) == 0
    told_apart = under("none", "terms").assign(note=["台灣", "台湾"])
    assert errors(SAID, told_apart.assign(condition=["none", "terms"])) == 0


def test_only_the_recordings_that_are_folded_count():
    said = pd.DataFrame({"utt_id": ["a", "b"], "text": ["台湾", "臺灣"], "language": ["zh", "zh-TW"]})
    heard = pd.DataFrame({"utt_id": ["a", "b"], "text": ["臺灣", "臺灣"]})
    scores = lab.score(heard, said, normalizer={"zh-TW": lab.normalizer("zh", script="keep"), "zh": "auto"})
    assert scores["subs"].tolist() == [0, 0]


def test_what_to_write_keeps_the_other_options():
    with pytest.raises(InvalidInput, match=r'normalizer="auto\+script=keep\+numbers" tells'):
        errors({**SAID, "language": ["zh-TW"]}, normalizer="auto+numbers")
    assert errors({**SAID, "language": ["zh-TW"]}, normalizer="auto+script=keep+numbers") == 4


def test_one_pair_is_refused_as_many_are():
    with pytest.raises(InvalidInput, match="language 'zh-TW'"):
        lab.align("臺灣", "台湾", language="zh-TW")
    assert lab.align("臺灣", "台湾", language="zh-TW", normalizer="zh+script=keep").subs == 2


def test_the_ladder_folds_on_its_own_rung_and_shows_what_that_does():
    table = lab.ladder(HEARD, pd.DataFrame({**SAID, "language": ["zh-TW"]}))
    assert table.set_index("rung")["subs"].to_dict() == {
        "surface": 4, "characters": 4, "case": 4, "punctuation": 4, "script": 0, "spelling": 0, "numbers": 0,
    }  # fmt: skip
