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


@pytest.mark.parametrize("tag", ["zh-TW", "zh_HK", "zh-Hant", "zh-hans-CN", "yue-Hant", "cmn-Hans"])
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


def test_levels_that_differ_in_script_only_refuse_it():
    heard = pd.DataFrame({"utt_id": ["a", "a"], "text": ["臺灣"] * 2, "context": ["繁體", "繁体"]})
    with pytest.raises(InvalidInput, match="levels '繁體' and '繁体' of context differ in script only"):
        errors(SAID, heard)
    assert errors(SAID, heard.assign(context=["地名", "人名"])) == 0


def test_the_ladder_folds_on_its_own_rung_and_shows_what_that_does():
    table = lab.ladder(HEARD, pd.DataFrame({**SAID, "language": ["zh-TW"]}))
    assert table.set_index("rung")["subs"].to_dict() == {
        "surface": 4, "characters": 4, "case": 4, "punctuation": 4, "script": 0, "spelling": 0, "numbers": 0,
    }  # fmt: skip
