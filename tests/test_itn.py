"""Numbers to digits and to words: what changes, and above all what does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrlab.engines.base import Sentence, Word
from asrlab.engines.itn import in_form, spoken, text_of, written

pytest.importorskip("wetext")

DICTATION = Path(__file__).parents[1] / "datasets" / "dictation"

EN_BOTH = [  # written, spoken
    ("I paid $150 for it.", "I paid one hundred and fifty dollars for it."),
    ("It costs $2.05.", "It costs two dollars and five cents."),
    ("It costs £26.40 today", "It costs twenty six pounds and forty pence today"),
    ("up to $3.2 million", "up to three point two million dollars"),
    ("a total of $4,218.75, with 8.5% tax", None),
    ("Revenue rose by 11% then", "Revenue rose by eleven percent then"),
    ("born on the 14th of July, 1962.", "born on the fourteenth of July, nineteen sixty two."),
    ("In 1987 and 2024,", "In nineteen eighty seven and twenty twenty four,"),
    ("about 12,600 books and 34 maps", "about twelve thousand six hundred books and thirty four maps"),
    ("at 9:45 in the morning", "at nine forty five in the morning"),
    ("by 10:15 tonight", "by ten fifteen tonight"),
    ("72.4 degrees", "seventy two point four degrees"),
    ("1,300,000 people", "one million three hundred thousand people"),
]
EN_TO_WORDS = [
    ("the 1990s, the '90s, 80s music", "the nineteen nineties, the nineties, eighties music"),
    ("the 1st, 2nd, 3rd and 21st", "the first, second, third and twenty first"),
    ("July 4, 1776", "July fourth, seventeen seventy six"),
    ("Call 555-0142 extension 308.", "Call five five five, zero one four two extension three zero eight."),
    ("350 ml, 10kg", "three hundred and fifty milliliters, ten kilograms"),
    ("at 9.45 in the morning, 9.45 metres", "at nine forty five in the morning, nine point four five metres"),
    ("1000 or 1001 or 2005", "one thousand or one thousand and one or two thousand and five"),
    ("1,000.50", "one thousand point five zero"),
    ("pages 10-20, 1990-1995", "pages ten to twenty, nineteen ninety to nineteen ninety five"),
    ("3/4 cup, 24/7", "three quarters cup, twenty four seven"),
    ("9:05 a.m.", "nine oh five a.m."),
    ('He said "5 of us" (or 6)', 'He said "five of us" (or six)'),
]
ZH_BOTH = [
    ("这篇文章发表于1987年，作者今年58岁。", "这篇文章发表于一九八七年，作者今年五十八岁。"),
    ("我花了150美元", "我花了一百五十美元"),
    ("增长12.7%，降到1.3%。", "增长百分之十二点七，降到百分之一点三。"),
    ("2024年3月21日", "二零二四年三月二十一日"),
    ("晚上8点05分", "晚上八点零五分"),
    ("其中2/3住在学校", "其中三分之二住在学校"),
    ("达到1.8亿元", "达到一点八亿元"),
    ("3020名學生", "三千零二十名學生"),
    ("溫度是38.6度", "溫度是三十八点六度"),
]
ZH_TO_WORDS = [
    ("电话是13800138000，转分机8026", "电话是幺三八零零幺三八零零零，转分机八零二六"),
    ("第2天来了2个人", "第二天来了两个人"),
    ("1月2日，2楼", "一月二日，二楼"),
    ("星期4，3月8号", "星期四，三月八号"),
    ("￥99.9，3.5万元", "九十九点九元，三点五万元"),
    ("1-2天，1990-1995年", "一到两天，一九九零到一九九五年"),
    ("2024-03-21", "二零二四年三月二十一日"),
    ("COVID-19和iPhone 15", "COVID-十九和iPhone 十五"),
    ("可达6英里,1767年,12,600本", "可达六英里,一七六七年,一万二千六百本"),
    ("他说“5个”", "他说“五个”"),
]
PLAIN = {
    "en": [
        "She opened the window, listened to the wind for a moment, and decided to stay inside after all.",
        "I'm one of the few who don't care -- it's fine, isn't it?",
        "The one thing I know: no one came first, and second chances are rare.",
        "Dr. Smith and Mrs. O'Neil met at St. John's Ave. on Monday, I think.",
        'He said "Hello, world!" and left; nobody (not even me) noticed...',
        "A quartet of U.S. officials visited the E.U. and NASA's HQ e.g. for R&D.",
        "Oh, the May issue of March madness was a may-be.",
        "Email me at bob@example.com or visit www.example.com/a-b today.",
        "One for all and all for one. One day at a time, two by two.",
        "café naïve résumé — “quoted” text’s fine…",
        "I have zero interest in that. Point taken. Seconds later, a third of it was gone.",
        "It's a one-two punch, half past four, a quarter to six.",
        "Siobhan Kowalczyk asked Velorin, Inc. & Co. about C++ and F# \\ and so on.",
        "",
    ],
    "zh": [
        "今天天气很好,我们一起去公园散步吧。",
        "他一直在等你，一边吃饭一边看书，一定要来。",
        "一些人万一不来，千万别着急。",
        "十分感谢您的帮助，万分感激。",
        "三三两两的人，四面八方，五颜六色，七上八下，乱七八糟，一心一意，九牛一毛",
        "李四和张三去了三亚，王五在九江。四川、六安、百度、万达、千岛湖",
        "實驗室裡的溫度很低，我們需要多穿一件。",
        "第一次见面，第二天就走了，第三名",
        "四氢呋喃和二氧化碳，三聚氰胺，一氧化碳",
        "一点也不好，有一点难，一会儿见，一下子，两个人，俩人，几个月",
        "十几个，三四百人，五六个",
        '他说"好" \\ and so on.',
        "",
    ],
}


@pytest.mark.parametrize(("digits", "words"), [pair for pair in EN_BOTH if pair[1]])
def test_english_goes_both_ways(digits, words):
    assert (spoken(digits, "en"), written(words, "en")) == (words, digits)


@pytest.mark.parametrize(("digits", "words"), EN_TO_WORDS)
def test_english_digits_become_words(digits, words):
    assert spoken(digits, "en") == words


@pytest.mark.parametrize(("digits", "words"), ZH_BOTH)
def test_chinese_goes_both_ways(digits, words):
    assert (spoken(digits, "zh"), written(words, "zh")) == (words, digits)


@pytest.mark.parametrize(("digits", "words"), ZH_TO_WORDS)
def test_chinese_digits_become_words(digits, words):
    assert spoken(digits, "zh") == words


@pytest.mark.parametrize(("language", "text"), [(language, text) for language in PLAIN for text in PLAIN[language]])
def test_ordinary_text_is_left_alone(language, text):
    assert (spoken(text, language), written(text, language)) == (text, text)


def test_other_languages_are_left_alone():
    for language in ("de", "yue", None):
        assert spoken("25 and 一百", language) == "25 and 一百"
        assert written("twenty five and 一百", language) == "twenty five and 一百"


def test_the_references_of_the_dictation_set_are_fixed_points():
    forms = [json.loads(line) for line in (DICTATION / "references.jsonl").read_text("utf-8").splitlines()]
    for row in forms:
        convert = spoken if row["form"] == "spoken" else written
        assert convert(row["text"], row["utt_id"][:2]) == row["text"]


def test_the_forms_of_the_dictation_set_turn_into_each_other():
    """All but a few, which write the same number in another way: a phone number's hyphen, say."""
    texts = {}
    for line in (DICTATION / "references.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        texts.setdefault(row["utt_id"], {})[row["form"]] = row["text"]
    different = {utt: forms for utt, forms in texts.items() if forms["spoken"] != forms["written"]}
    to_digits = [utt for utt, forms in different.items() if written(forms["spoken"], utt[:2]) == forms["written"]]
    to_words = [utt for utt, forms in different.items() if spoken(forms["written"], utt[:2]) == forms["spoken"]]
    assert len(different) - len(to_digits) <= 3
    assert len(different) - len(to_words) <= 3


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="0123456789.,:$%-/ abSth年月点第\"'\\一二十百万", max_size=30), st.sampled_from(["en", "zh"]))
def test_no_text_is_too_odd(text, language):
    """Never an error, never a backslash that was not there."""
    for convert in (spoken, written):
        assert convert(text, language).count("\\") == text.count("\\")


def words_of(*parts):
    return tuple(Word(100 * n, 100 * n + 90, text, marks) for n, (text, marks) in enumerate(parts))


def test_words_keep_their_times_and_those_of_a_number_become_one():
    words = words_of(("Pay ", ""), ("$150 ", ","), ("at ", ""), ("9", ""), (":45 ", ""), ("on ", ""), ("Monday", "."))
    sentence = Sentence(0, 690, text_of(words), "en", words)
    assert sentence.text == "Pay $150, at 9:45 on Monday."
    changed = in_form(sentence, written_form=False)
    assert changed.text == "Pay one hundred and fifty dollars, at nine forty five on Monday."
    assert text_of(changed.words) == changed.text
    assert changed.words == (
        Word(0, 90, "Pay "),
        Word(100, 190, "one hundred and fifty dollars ", ","),
        Word(200, 290, "at "),
        Word(300, 490, "nine forty five "),
        Word(500, 590, "on "),
        Word(600, 690, "Monday", "."),
    )
    words = words_of(*((character, "") for character in "我花了一百五十元"))
    changed = in_form(Sentence(0, 790, text_of(words), "zh", words), written_form=True)
    assert changed.words == (
        *words[:3],
        Word(300, 690, "150"),
        Word(700, 790, "元"),
    )
