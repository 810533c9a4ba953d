"""The presets of the 27 languages: what must become equal, what must not, and that twice is once, however encoded."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
from drawn_texts import LETTERS, chains, options_of, text_of
from hypothesis import given, settings

from asrlab.dashscope import wire
from asrlab.normalize import normalizer, normalizer_for
from asrlab.normalize.languages import LANGUAGES, preset_of
from asrlab.normalize.numbers import has_number_forms

FORMS = Path(__file__).parent / "forms"


def rows(name):
    table = pd.read_csv(FORMS / f"{name}.tsv", sep="\t", dtype=str, keep_default_na=False, quoting=3)
    plain = table.map(lambda cell: re.sub(r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})", _character, cell))
    return [tuple(row) for row in plain.itertuples(index=False)]


def _character(escape):
    return chr(int(escape[1] or escape[2], 16))


def test_there_is_a_preset_for_each_language_of_the_service_which_says_what_is_special():
    assert set(LANGUAGES) == set(wire.LANGUAGES) == set(LETTERS) - {"basic"}
    assert all(steps.special.endswith(".") for steps in LANGUAGES.values())
    assert {normalizer_for(code).name for code in LANGUAGES} == {f"{code}-2" for code in LANGUAGES}
    for code in LANGUAGES:
        assert normalizer_for(f"{code.upper()}-XX").name == f"{code}-2"
    assert [preset_of(tag) for tag in ("nb", "nn-NO", "tl", "cmn_hans", "yue-HK", "xx", None)] == [
        *("no", "no", "fil", "zh", "yue", None, None)
    ]


@pytest.mark.parametrize(("language", "left", "right", "options", "why"), rows("must_merge"))
def test_two_ways_to_write_the_same_words_become_equal(language, left, right, options, why):
    chain = normalizer(language, **({options: True} if options else {}))
    assert chain(left) == chain(right), why
    assert chain(right)
    if options:
        assert normalizer(language)(left) != normalizer(language)(right)


@pytest.mark.parametrize(("language", "left", "right", "options", "why"), rows("must_not_merge"))
def test_what_means_or_sounds_different_stays_different(language, left, right, options, why):
    """Under the preset and all its options but numbers; a row may name the one option that it is about."""
    kept = [{"script": "keep"}] if options == "script=keep" else options_of(language)
    for chosen in kept:
        chain = normalizer(language, **chosen)
        assert chain(left) != chain(right), f"{chain.name}: {why}"


def test_the_table_of_what_must_not_merge_has_all_languages():
    table = pd.DataFrame(rows("must_not_merge"), columns=["language", "left", "right", "options", "why"])
    assert len(table) >= 120
    assert set(table["language"]) == set(LANGUAGES)
    assert not table.duplicated(["language", "left", "right"]).any()
    assert table["why"].ne("").all()


@pytest.mark.parametrize("language", LETTERS)
def test_twice_is_once(language):
    @settings(max_examples=60, deadline=None)
    @given(text_of(language))
    def holds(text):
        for chain in chains(language):
            once = chain(text)
            assert chain(once) == once, chain.name

    holds()


@pytest.mark.parametrize(
    ("chain", "text", "expected"),
    [
        ("basic@case", "H\u0331", "\u1e96"),  # there is a small letter of one code point, and no such capital
        ("basic@case", "i\u0307\u0307\u0301", "í"),
        ("basic@characters", "ا\ufe71ا\ufe7b", "ا\u064bا\u0650"),  # Arabic forms that hold a tatweel
        ("basic@characters", "″ ´ ｀ \u1fef", "'' ' ' '"),  # what becomes a quote on the way
        ("basic", "1\ufe0f\u20e3 a\u00ad\u0301", "1 á"),
        ("tr", "a'n'in", "anin"),  # what is left is a suffix in its turn
        ("fi", "a:s:ta", "asta"),
        ("ru+fillers", "э хм э", ""),  # what is left closes ranks
        ("en+fillers", "um uh um huh", "huh"),
        ("ru+spelling", "ё\u0651\u0308 ещё", "ё\u0651\u0308 еще"),
        ("es+spelling", "ó\u0301 fué", "ó\u0301 fue"),  # an accent on the accent
        ("de+spelling", "daß\u0307", "dasṡ"),
        ("ar", "a +\u0651b", "a b"),  # a vowel mark between a sign and a letter
        ("zh", "薴 1,234.5", "苎 1234.5"),
    ],
)
def test_twice_is_once_where_steps_meet(chain, text, expected):
    once = normalizer(chain)(text)
    assert once == expected
    assert normalizer(chain)(once) == once


@pytest.mark.parametrize("language", LETTERS)
def test_composed_and_decomposed_text_give_the_same(language):
    @settings(max_examples=60, deadline=None)
    @given(text_of(language))
    def holds(text):
        composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
        for chain in chains(language):
            if not chain.name.endswith("@surface"):
                assert chain(composed) == chain(decomposed) == chain(text), chain.name

    holds()


@pytest.mark.parametrize("language", [code for code in LANGUAGES if has_number_forms(code)])
def test_twice_is_once_with_numbers(language):
    @settings(max_examples=60, deadline=None)
    @given(text_of(language))
    def holds(text):
        for options in options_of(language):
            chain = normalizer(language, numbers=True, **options)
            once = chain(text)
            assert chain(once) == once, chain.name

    holds()


@pytest.mark.parametrize("language", LETTERS)
def test_no_character_is_changed_twice(language):
    """Each by itself and beside letters and digits; what becomes of one shows beside any of its neighbours."""
    chain = normalizer(language)
    assigned = [chr(code) for code in range(0x3400) if unicodedata.category(chr(code)) not in {"Cn", "Co", "Cs"}]
    lines = ["".join(f"1{c}1a{c} {c}" for c in assigned[start : start + 50]) for start in range(0, len(assigned), 50)]
    assert [line for line in lines if chain(chain(line)) != chain(line)] == []
