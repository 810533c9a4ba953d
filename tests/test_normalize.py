"""Normalizers and units: what is taken away, what must stay, and that twice is once."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import opencc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrlab.errors import InvalidInput
from asrlab.normalize import Normalizer, choose, normalizer, normalizer_for
from asrlab.normalize.languages import base_language
from asrlab.scoring.tokens import together, tokens, unit_for

DICTATION = Path(__file__).parents[1] / "datasets" / "dictation"
NAMES = ["none", "basic", "en", "zh", "zh-2+script=keep", "en-2+spelling+fillers", "tr", "ar", "fr@case"]
# Where the steps meet: marks of numbers, quotes, Thai AM, compatibility forms, Han that folds twice, emoji.
TRICKY = st.text("ab1 2.,:/-'%‰$€½①ﬁ０，。İſßêً̈'´`ำํา่ʼn臺薴苧 ΣςﷺA\u00a0\u200b\u200d𝟙²ŉ\ufe0f3\u20e3😀我")


@pytest.mark.parametrize("name", NAMES)
@given(text=st.one_of(TRICKY, st.text()))
def test_twice_is_once(name, text):
    once = normalizer(name)(text)
    assert normalizer(name)(once) == once


def test_twice_is_once_for_every_character():
    chain = normalizer("zh")
    # All of them in lines of letters and digits: what one character may start shows beside any of its neighbours.
    assigned = [chr(code) for code in range(0x30000) if unicodedata.category(chr(code)) not in {"Cn", "Co", "Cs"}]
    lines = ["".join(f"1{c}1a{c} {c}" for c in assigned[start : start + 50]) for start in range(0, len(assigned), 50)]
    assert len(assigned) > 130_000
    assert [line for line in lines if chain(chain(line)) != chain(line)] == []


@pytest.mark.parametrize("line", (DICTATION / "references.jsonl").read_text("utf-8").splitlines()[::7])
def test_twice_is_once_for_the_references(line):
    row = json.loads(line)
    chain = normalizer_for(row["utt_id"][:2])
    assert chain(chain(row["text"])) == chain(row["text"]) != ""


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("en", "It’s “OK” -- half-price!", "it's ok half price"),
        ("en", "rock ’n’ roll", "rock n roll"),
        ("en", "$1,500.50 at 10:15, 3/4, -5, 20%", "$1500.50 at 10:15 3/4 -5 20%"),
        ("en", "20 % of 150 €", "20% of 150€"),
        ("en", "20 % 5", "20 5"),
        ("en", "US$ 5, $ 5 and 5 $ 3", "us$5 $5 and 5 3"),
        ("en", "3½ cups, ½ cup", "3 1/2 cups 1/2 cup"),
        ("en", "1, 2, and 3.", "1 2 and 3"),
        ("en", "one-\u00adtwo\u200b.", "one two"),
        ("en", "C++ or C#? An A+, 18+, #1, 5+3.", "c++ or c# an a+ 18+ 1 5 3"),
        ("en", "10², m², 5① and x⁵", "10 2 m2 5 1 and x5"),
        ("en", "1,00,000 and 1,000,000 but 1,0", "100000 and 1000000 but 1 0"),
        ("en", "in 2019–20, –5 or −5", "in 2019 20 -5 or -5"),
        ("en", "-$ and -€5", "and -€5"),
        ("basic", "Straße ẞ", "straße ß"),
        ("basic", "İSTANBUL i̇", "istanbul i"),
        ("basic", "´ ¨ ゛", ""),
        ("basic", "٢٠٢٤ २०२४ ๒๐๒๔", "2024 2024 2024"),
        ("basic", "3,5 Euro", "3,5 euro"),
        ("basic", "น้ำ", "น้ำ"),
        ("basic", "हिन्दी में।", "हिन्दी में"),
        ("basic", "１２３　ａｂｃ", "123 abc"),
        ("basic", "Cafe\u0301", "café"),
        ("basic", "I ❤️ it 👍🏽 1️⃣", "i it 1"),
        ("zh", "臺灣的天氣，很 熱。", "台湾的天气很热"),
        ("zh", "我想 喝 Latte 吗？", "我想喝 latte 吗"),
        ("zh", "薴", "苎"),
        ("zh-2+script=keep", "臺灣", "臺灣"),
        ("none", " As, it IS ", " As, it IS "),
    ],
)
def test_examples(name, text, expected):
    assert normalizer(name)(text) == expected


def test_folding_is_opencc_where_opencc_is_stable():
    t2s = opencc.OpenCC("t2s")
    lines = (DICTATION / "references.jsonl").read_text("utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines if '"zh-' in line]
    traditional = [opencc.OpenCC("s2t").convert(text) for text in texts]
    assert traditional != texts
    for text in traditional:
        assert normalizer("zh")(text) == normalizer("zh", script="keep")(t2s.convert(text))


def test_t2s_leaves_cantonese_words_and_script_errors_show_only_when_kept():
    assert normalizer("zh")("佢哋係邊度") == "佢哋系边度"
    assert normalizer("zh", script="keep")("佢哋係邊度") == "佢哋係邊度"


@pytest.mark.parametrize("chain", [normalizer(name) for name in NAMES], ids=str)
def test_a_name_in_a_table_gives_the_same_normalizer_again(chain):
    assert normalizer(chain.name) == chain


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: normalizer("nl"), "There are none, basic, zh, yue, en, ja"),
        (lambda: normalizer("none", spelling=True), "There is no normalizer"),
        (lambda: normalizer("ko", spelling=True), "no option of normalizer..ko..*but of en, de"),
        (lambda: normalizer("en+shouting"), "is no option"),
        (lambda: normalizer("en", spelling=True, upto="case"), "does not go with upto="),
        (lambda: normalizer("en", upto="recognition"), "upto must be one of surface"),
        (lambda: normalizer("zh", script="simplified"), "fold, keep"),
        (lambda: normalizer("en", script="keep"), "Leave it out"),
        (lambda: choose({"en": "en"}, "de-AT"), "recordings in 'de-AT'"),
        (lambda: choose({}, None), "no language"),
    ],
)
def test_errors_say_what_there_is(call, says):
    with pytest.raises(InvalidInput, match=says):
        call()


def test_choice_by_language():
    mine = Normalizer("mine-1", (str.upper,))
    assert [normalizer_for(tag).name for tag in ("en-GB", "zh_TW", "yue", "cmn_hans_cn", "de", None)] == [
        *("en-2", "zh-2", "yue-2", "zh-2", "de-2", "basic-2")
    ]
    assert choose(mine, "zh") is mine
    assert choose({"zh": mine, "zh-TW": "zh-2+script=keep"}, "zh-TW").name == "zh-2+script=keep"
    assert choose({"zh": mine, "": "auto"}, "zh-CN") is mine
    assert choose({"zh": mine, "": "auto"}, None).name == "basic-2"


def test_units():
    assert base_language("ZH-Hant") == "zh"
    assert [unit_for(tag, "x") for tag in ("zh", "yue", "ja", "th-TH", "km", "ko", "en", "vi")] == [
        *("char", "char", "char", "char", "char", "word", "word", "word")
    ]
    assert [unit_for(None, text) for text in ("abc", "ab 我", "สวัสดี", "ລາວ", "カナ", "한국어", "")] == [
        *("word", "char", "char", "char", "char", "word", "word")
    ]
    assert tokens(" the  cat ", "word") == ["the", "cat"]
    assert tokens("我 想 ab", "char") == list("我想ab")
    assert len(tokens(normalizer("basic")("น้ำ"), "codepoint")) == 3
    assert len(tokens(normalizer("basic")("น้ำ"), "char")) == 1
    with pytest.raises(InvalidInput, match="unit must be"):
        tokens("x", "phone")


def test_surrogates_and_markup_pass_through_as_text():
    assert normalizer("en")("<script>alert(1)</script> \ud800 x") == "script alert 1 script x"


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("word", "the cat sat"),
        ("char", "我想喝latte"),
        ("codepoint", "น้ำ"),
        ("mixed", "我想喝 iced latte 好吗"),
        ("mixed", "ก ab"),
    ],
)
def test_units_are_put_together_as_a_text_is_written(unit, text):
    assert together(tokens(text, unit), unit) == text
