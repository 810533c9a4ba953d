"""Spans and classes of numbers, against texts labelled by hand and pairs of spoken and written forms."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrlab.scoring.formatting import spans
from asrlab.scoring.formatting.alignment import aligned, folded
from asrlab.scoring.formatting.classes import NUMBER_CLASSES, Found, numbers_in
from asrlab.scoring.formatting.spans import parsed

FORMS = Path(__file__).parent / "forms"
#: Classes of the pairs -> those of numbers that they may be. Their "telephone" has codes and names too.
MAY_BE = {
    "telephone": {"phone", "code", "cardinal", "fraction"},
    "decimal": {"decimal", "percent", "fraction", "cardinal"},
    "measure": {"measure", "percent", "fraction", "cardinal"},
    "date": {"date", "cardinal"},
    "time": {"time", "cardinal", "measure"},
    "ordinal": {"ordinal", "cardinal", "code"},
}


def lines(name):
    return [line for line in (FORMS / name).read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


def labelled(line):
    """Take the brackets out of a line, and give its numbers with their classes."""
    numbers = [(text, kind) for kind, text in re.findall(r"\[([a-z]+)\|([^\]]*)\]", line)]
    return re.sub(r"\[[a-z]+\|([^\]]*)\]", r"\1", line), numbers


def found(text, language):
    whole = parsed(text, language)
    numbers = [(whole.text[n.begin : n.end], n.number_class) for n in whole.items if n.number_class]
    return [(plain(number), kind) for number, kind in numbers]


def plain(number):
    return folded(number.replace("，", ",").replace("²", "2"))


def agreement(name, language):
    """Count the numbers of a file, those found with their class, and those found where there is none."""
    wanted = right = extra = 0
    for line in lines(name):
        text, numbers = labelled(line)
        numbers = [(plain(number), kind) for number, kind in numbers]
        got = found(text, language)
        wanted += len(numbers)
        right += sum(number in got for number in numbers)
        extra += sum(number not in {text for text, _ in numbers} for number, _ in got)
    return wanted, right, extra


@pytest.mark.parametrize(("language", "least"), [("en", 120), ("zh", 80)])
def test_labelled_numbers_are_found_with_their_class(language, least):
    wanted, right, extra = agreement(f"spans_{language}.tsv", language)
    assert wanted >= least
    assert (right, extra) == (wanted, 0)


@pytest.mark.parametrize(("language", "right_at_least", "extra_at_most"), [("en", 0.96, 0), ("zh", 0.96, 2)])
def test_numbers_in_texts_written_blind(language, right_at_least, extra_at_most):
    wanted, right, extra = agreement(f"spans_unseen_{language}.tsv", language)
    assert right / wanted >= right_at_least
    assert extra <= extra_at_most


# How many of every third pair do not become the same items: what a reader of numbers does not read.
@pytest.mark.parametrize(
    ("name", "at_most"),
    [
        *(("en", 4), ("zh", 1), ("en_unseen", 1), ("zh_unseen", 1)),
        *(("ja", 0), ("fr", 0), ("es", 0), ("pt", 0), ("de", 1), ("it", 1), ("ru", 1)),
    ],
)
def test_spoken_and_written_forms_are_the_same_items(name, at_most):
    with (FORMS / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        pairs = [row for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if len(row) == 3][1::3]
    language = name.partition("_")[0]
    unlike, unclassed = [], 0
    for kind, *texts in pairs:
        both = [parsed(text, language) for text in texts]
        keys = [[item.key for item in text.items] for text in both]
        if keys[0] != keys[1]:
            unlike.append(texts)
        for text in both:
            unclassed += not {item.number_class for item in text.items} & MAY_BE.get(kind, {kind})
    assert len(unlike) <= at_most, unlike
    assert unclassed <= 0.05 * 2 * len(pairs)


@pytest.mark.parametrize("name", ["en_traps", "zh_traps", "en_unseen_traps", "zh_unseen_traps"])
def test_traps_stay_two_things(name):
    with (FORMS / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        pairs = [row[-2:] for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if len(row) >= 2][1:]
    language = name.partition("_")[0]
    alike = [texts for texts in pairs if keys_of(texts[0], language) == keys_of(texts[1], language)]
    assert len(alike) <= 0.06 * len(pairs), alike


def keys_of(text, language):
    return [item.key for item in parsed(text, language).items]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("One of them is on cloud nine, wait a second, first of all.", "en"),
        ("You may go in May.", "en"),
        ("他一心一意，三心二意，十分高兴。", "zh"),
        ("周三和星期五", "zh"),
        ("", "en"),
        ("...", "zh"),
    ],
)
def test_what_is_no_number(text, language):
    assert found(text, language) == []


def test_a_language_without_a_reader_has_its_digits():
    assert found("Mám 15 psů a 3,5 kg masa.", "cs") == [("15", "cardinal"), ("3,5 kg", "measure")]
    assert found("สวัสดี 25 คน", "th") == [("25", "cardinal")]


def test_a_number_that_begins_within_a_word_of_what_was_made(monkeypatch):
    monkeypatch.setattr(spans, "numbers_in", lambda text, preset: [Found(1, 3, "cardinal")])
    assert [item.key for item in parsed.__wrapped__("a12 twenty", "en").items if item.number_class] == ["12"]


def test_of_two_months_beside_each_other_the_first_has_no_day():
    whole = parsed("2019年12月 2019年12月", "zh")
    assert [item.key for item in whole.items] == ["2019年12月"] * 2
    # Whatever the patterns find.
    for text in ("二零一九年六月 二零一九年六月", "12月2019年", "a5b6c 7月8月 9号10号", "5kg6 7x8y9"):
        for language in ("zh", "en", "ja"):
            assert parsed(text, language).items


def test_groups_of_a_telephone_number_are_one():
    assert found("call five five five, zero one four two now", "en") == [("five five five, zero one four two", "phone")]
    assert found("200, 300, 400", "en") == [("200", "cardinal"), ("300", "cardinal"), ("400", "cardinal")]


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=40), st.sampled_from(["en", "zh", "ja", "fr", "ru", "th", "basic"]))
def test_any_text_is_taken_apart(text, language):
    whole = parsed(text, language)
    ends = 0
    for item in whole.items:
        assert ends <= item.begin < item.end <= len(whole.text)
        assert item.key
        assert item.number_class in {None, *NUMBER_CLASSES}
        ends = item.end
    # No letter or digit is between items: nothing is lost.
    gaps = zip([0, *(i.end for i in whole.items)], [*(i.begin for i in whole.items), len(whole.text)], strict=True)
    assert not any(char.isalnum() and char.isascii() for begin, end in gaps for char in whole.text[begin:end])


WORDS = st.lists(st.sampled_from(["five", "$5", "may", "3", "the", "twenty", "and", "10:15", "%", ",", "cents"]))


@settings(deadline=None, max_examples=60)
@given(WORDS, WORDS)
def test_an_alignment_goes_through_both_texts(left, right):
    said, heard = parsed(" ".join(left), "en"), parsed(" ".join(right), "en")
    steps = aligned([(said, heard)])[0]
    assert [step.ref for step in steps if step.kind != "ins"] == list(range(len(said.items)))
    assert [step.hyp for step in steps if step.kind != "del"] == list(range(len(heard.items)))
    for step in steps:
        if step.kind in {"hit", "sub"}:
            assert (step.kind == "hit") == (said.items[step.ref].key == heard.items[step.hyp].key)


def test_classes_of_one_form():
    kinds = [one.number_class for one in numbers_in("第3名花了50元买了2.5公斤,8:05到, 3/4, 20%, 13800138000", "zh")]
    assert kinds == ["ordinal", "money", "measure", "time", "fraction", "percent", "phone"]
