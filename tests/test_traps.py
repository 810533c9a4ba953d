"""Traps of marking into which known tools fall: a test each, by way of the public names alone.

A cache that is keyed on too little is a trap of asking, not of counting: see test_identity.py and test_sweep.py.
"""

from __future__ import annotations

import unicodedata

import jiwer
import pandas as pd
import pytest

import asrlab as lab

COUNTS = ["hits", "subs", "dels", "ins"]


def counts(scores):
    return scores[COUNTS].to_numpy(dtype=object).tolist()


def rate(heard, said, **options):
    """The pooled rate of texts."""
    (found,) = lab.rates(lab.score(heard, said, **options), by=[])["rate"]
    return found


def test_three_words_heard_where_nothing_was_said_are_three_insertions_without_a_rate_of_their_own():
    scores = lab.score(["three words heard", "", "a b"], ["", "", "a b c d"])
    assert counts(scores) == [[0, 0, 0, 3], [0, 0, 0, 0], [2, 0, 2, 0]]
    assert scores["ref_len"].tolist() == [0, 0, 4]
    each = lab.rates(scores, by="utt_id")
    assert each["rate"].tolist() == [pd.NA, pd.NA, 0.5]
    assert each["mean"].tolist() == each["median"].tolist() == [pd.NA, pd.NA, 0.5]
    assert each["ser"].tolist() == [1.0, 0.0, 1.0]
    assert lab.summarize(scores, by="utt_id")["rate"].tolist() == [pd.NA, pd.NA, 0.5]
    (pooled,) = lab.rates(scores, by=[]).to_dict("records")
    assert (pooled["rate"], pooled["mean"], pooled["ins"]) == (5 / 4, 0.5, 3)
    assert lab.summarize(scores, by=[])["rate"].tolist() == [5 / 4]


CAT = ("the cat sit on mat today", "the cat sat on the mat")


def test_tools_that_agree_on_the_total_split_it_otherwise_so_the_rule_of_ties_is_named():
    found = {ties: lab.score(*CAT, ties=ties) for ties in ("jiwer", "sclite")}
    assert counts(found["jiwer"]) == [[3, 3, 0, 0]]
    assert counts(found["sclite"]) == [[4, 1, 1, 1]]
    both = lab.rates(pd.concat(found.values(), ignore_index=True), by=[]).set_index("ties")
    assert both["rate"].to_dict() == {"jiwer": 0.5, "sclite": 0.5}
    assert both["mer"].to_dict() == {"jiwer": 0.5, "sclite": pytest.approx(3 / 7)}
    assert both["wil"].to_dict() == {"jiwer": 0.75, "sclite": pytest.approx(0.556, abs=5e-4)}
    heard, said = [CAT[0], "hello there again"], [CAT[1], "hello"]
    pooled = lab.rates(lab.score(heard, said), by=[])[["rate", "mer", "wil", "wip"]].to_numpy().tolist()
    theirs = jiwer.process_words(said, heard)
    assert pooled == [pytest.approx([theirs.wer, theirs.mer, theirs.wil, theirs.wip])]
    alignment = lab.align(*reversed(CAT))
    assert [getattr(alignment, name) for name in COUNTS] == [3, 3, 0, 0]


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("One dollar.", "one", 1),
        ("one", "$1", 1),
        ("150", "$150", 1),
        ("It's John's book.", "it's John is book", 2),
        ("the dogs’ bowl", "the dogs bowl", 0),
    ],
)
@pytest.mark.parametrize("chosen", ["en", "en-2+spelling+fillers"])
def test_a_dollar_and_a_possessive_are_not_normalized_away(said, heard, errors, chosen):
    scores = lab.score(heard, said, language="en", normalizer=chosen)
    assert scores[["subs", "dels", "ins"]].to_numpy().sum() == errors


@pytest.mark.parametrize(
    ("language", "day", "other", "unit"),
    [
        ("hi", "दिन", "दीन", "word"),
        ("th", "ดี", "ดู", "char"),
        ("hi", "हिन्दी", "हनद", "word"),
        ("th", "ที่นี่", "ทน", "char"),
    ],
)
def test_vowel_signs_of_hindi_and_thai_are_letters(language, day, other, unit):
    scores = lab.score([day, other], [day, day], language=language)
    assert scores["unit"].unique().tolist() == [unit]
    assert scores["hits"].tolist() == [scores["ref_len"][0], 0]
    assert scores["subs"].tolist() == [0, scores["ref_len"][0]]


def test_thirty_six_is_no_3006():
    scores = lab.score(["3006", "three thousand six", "thirty six"], ["thirty six"] * 3, language="en")
    assert (scores["hits"] == scores["ref_len"]).tolist() == [False, False, True]
    english, in_one_form = lab.normalizer("en"), lab.normalizer("en", numbers=True)
    assert english("thirty six") != english("3006")
    assert in_one_form("thirty six") == in_one_form("36") == in_one_form("thirty-six")
    assert len({in_one_form(other) for other in ("thirty six", "3006", "30 6", "306", "three thousand six")}) == 4


@pytest.mark.parametrize(
    ("said", "heard", "subs"),
    [("一心一意", "1心1意", 2), ("三三两两", "33两两", 2), ("一起", "1起", 1), ("万一", "万1", 1)],
)
@pytest.mark.parametrize("numbers", [False, True])
def test_numerals_in_a_word_that_is_no_number_are_not_merged_with_digits(said, heard, subs, numbers):
    chain = lab.normalizer("zh", numbers=numbers)
    assert counts(lab.score(heard, said, language="zh", normalizer=chain)) == [[len(said) - subs, subs, 0, 0]]


def test_numerals_that_are_a_number_are_merged_with_digits_where_that_is_asked_for():
    chain = lab.normalizer("zh", numbers=True)
    assert counts(lab.score("三十六個人", "36個人", language="zh", normalizer=chain)) == [[4, 0, 0, 0]]


@pytest.mark.parametrize(
    ("said", "heard", "language", "raw", "folded"),
    [
        ("臺灣的天氣很熱", "台湾的天气很热", "zh", 4 / 7, 0),
        ("佢哋係邊度", "佢地系边度", "yue", 3 / 5, 1 / 5),
        ("佢哋喺邊度", "佢哋喺边度", "yue", 1 / 5, 0),
        ("他看著我", "他看着我", "zh", 1 / 4, 1 / 4),
    ],
)
def test_script_is_folded_unless_it_is_under_test_and_what_is_a_word_of_its_own_is_not(
    said, heard, language, raw, folded
):
    assert rate(heard, said, language=language) == pytest.approx(folded)
    kept = lab.score(heard, said, language=language, normalizer=lab.normalizer("zh", script="keep"))
    assert kept["normalizer"].tolist() == ["zh-2+script=keep"]
    assert lab.rates(kept, by=[])["rate"].tolist() == [pytest.approx(raw)]
    assert lab.score(heard, said, language=language)["normalizer"].tolist() == [f"{language}-2"]


@pytest.mark.parametrize(
    ("language", "said", "heard", "length"),
    [
        ("zh", "今天天气很好。", "今天天汽很好", 6),
        ("yue", "今日天氣好好", "今日天汽好好", 6),
        ("ja", "今日はいい天気です。", "今日はいい電気です", 9),
        ("th", "วันนี้อากาศดี", "วันนี้อากาสดี", 9),
    ],
)
@pytest.mark.parametrize("told", [True, False])
def test_where_words_are_not_spaced_one_wrong_character_is_not_everything_wrong(language, said, heard, length, told):
    """Also where only the script tells that they are not."""
    scores = lab.score(heard, said, language=language if told else None)
    assert scores["unit"].tolist() == ["char"]
    assert counts(scores) == [[length - 1, 1, 0, 0]]
    assert rate(heard, said, language=language, unit="word") == 1


@pytest.mark.parametrize(
    ("language", "said", "heard"),
    [
        ("en", "It's “half” done.", "it’s 'half' done"),
        ("en", "rock 'n' roll", "rock ‘n’ roll"),
        ("fr", "l'été", "L’e\u0301te\u0301"),
        ("de", "3 Äpfel", "３ A\u0308pfel"),
        ("vi", "tiếng Việt", unicodedata.normalize("NFD", "tiếng Việt")),
        ("ko", "한국어", unicodedata.normalize("NFD", "한국어")),
        ("zh", "１２３ＡＢＣ，好", "123abc好"),
        ("ja", "ガギグ 123", "ｶﾞｷﾞｸﾞ　１２３"),
        ("ja", "ガ", unicodedata.normalize("NFD", "ガ")),
        ("en", "all together now", "\ufeffall to\u200bgether\u00a0now\u200e"),
        ("en", "coöperate", "co\u00adoperate".replace("o\u00ado", "o\u00ado\u0308")),
        ("zh", "你好", "你\u200b好\u2060"),
    ],
)
def test_quotes_width_composition_and_what_has_no_width_are_no_errors(language, said, heard):
    assert said != heard
    for one, other in ((said, heard), (heard, said)):
        scores = lab.score(one, other, language=language)
        assert scores["hits"][0] > 0
        assert counts(scores) == [[scores["ref_len"][0], 0, 0, 0]]


@pytest.mark.parametrize("text", ["e\u0301", "カ\u3099", "ｶﾞ", "\u1112\u1161\u11ab"])
def test_what_is_composed_of_several_code_points_counts_as_one(text):
    assert lab.score(text, text, unit="codepoint")["ref_len"].tolist() == [1]


def test_compatibility_forms_leave_thai_am_whole():
    water = "น้ำ"
    assert len(unicodedata.normalize("NFKC", water)) == 4
    assert lab.normalizer("basic")(water) == water
    spelt = unicodedata.normalize("NFKC", water)
    for unit, length in (("char", 1), ("codepoint", 3)):
        scores = lab.score([water, spelt], [water, water], language="th", unit=unit)
        assert scores["ref_len"].tolist() == scores["hits"].tolist() == [length, length]
        assert scores["ins"].tolist() == [0, 0]


SAID = pd.DataFrame({"utt_id": ["a", "b", "c", "d"], "text": ["one two", "three four five", "six", "seven eight"]})
HEARD = pd.DataFrame({
    "utt_id": ["a", "b", "c", "d"],
    "state": ["answered", "failed", "answered", "not run"],
    "text": ["one two", None, "", None],
})  # fmt: skip


def test_a_request_that_failed_is_no_deletion_unless_that_is_asked_for():
    with pytest.raises(lab.AsrlabError, match=r"2 of 4 .*1 failed, 1 not run.*missing="):
        lab.score(HEARD, SAID)
    dropped = lab.score(HEARD, SAID, missing="drop")
    assert counts(dropped) == [[2, 0, 0, 0], [pd.NA] * 4, [0, 0, 1, 0], [pd.NA] * 4]  # "" is an answer
    deleted = lab.score(HEARD, SAID, missing="all-deleted")
    assert counts(deleted) == [[2, 0, 0, 0], [0, 0, 3, 0], [0, 0, 1, 0], [0, 0, 2, 0]]
    for scores, pooled, lost in ((dropped, 1 / 3, "dropped"), (deleted, 6 / 8, "all-deleted")):
        assert scores["state"].tolist() == HEARD["state"].tolist()
        for table in (lab.rates(scores, by=[]), lab.summarize(scores, by=[])):
            (row,) = table[["rate", "n_failed", "n_not_run", "n_missing", "lost"]].to_numpy().tolist()
            assert row == [pytest.approx(pooled), 1, 1, 0, lost]
    whole = lab.rates(lab.score(HEARD[HEARD["state"] == "answered"], SAID.iloc[[0, 2]]), by=[])
    assert whole["lost"].isna().all()


def test_a_row_that_is_not_there_is_no_answer_either():
    there = HEARD.iloc[[0, 2]]
    with pytest.raises(lab.AsrlabError, match=r"2 of 4 .*2 missing.*missing="):
        lab.score(there, SAID)
    dropped = lab.score(there, SAID, missing="drop")
    assert sorted(dropped["state"]) == ["answered", "answered", "missing", "missing"]
    for scores, pooled in ((dropped, 1 / 3), (lab.score(there, SAID, missing="all-deleted"), 6 / 8)):
        (row,) = lab.rates(scores, by=[])[["rate", "n_failed", "n_not_run", "n_missing"]].to_numpy().tolist()
        assert row == [pytest.approx(pooled), 0, 0, 2]


def test_one_loop_moves_the_pooled_rate_and_shows_in_median_and_clipped():
    said = ["hello", *["a b c d e f g h i j"] * 9]
    heard = [" ".join(["hello"] * 40), *["a b c d e f g h i x"] * 9]
    scores = lab.score(heard, said)
    assert lab.rates(scores, by="utt_id")["rate"][0] == 39  # 3900 %
    (found,) = lab.rates(scores, by=[]).to_dict("records")
    assert found["rate"] == pytest.approx((39 + 9) / 91)
    assert found["clipped"] == pytest.approx((1 + 9) / 91)
    assert found["median"] == pytest.approx(0.1)
    assert found["mean"] == pytest.approx((39 + 9 * 0.1) / 10)


def test_the_rate_of_a_corpus_is_no_mean_of_rates():
    scores = lab.score(["a b c d e f g h i x", "z y"], ["a b c d e f g h i j", "b"])
    (found,) = lab.rates(scores, by=[]).to_dict("records")
    assert found["rate"] == pytest.approx(3 / 11)
    assert found["mean"] == pytest.approx(1.05)
    assert lab.summarize(scores, by=[])["rate"].tolist() == [pytest.approx(3 / 11)]


def test_speech_that_switches_languages_is_counted_by_character_and_word():
    scores = lab.score("我想喝辣椒", "我想喝latte", unit="mixed")
    assert counts(scores) == [[3, 1, 0, 1]]
    assert rate("我想喝辣椒", "我想喝latte", unit="mixed") == 2 / 4
    assert rate("我想喝辣椒", "我想喝latte", unit="char", language="zh") == 5 / 8  # a Latin word outweighs all Chinese
    assert counts(lab.score("我想喝 latte", "我想喝latte", unit="mixed")) == [[4, 0, 0, 0]]
    assert rate("我想喝辣椒", "我想喝latte", unit="word") == 1
