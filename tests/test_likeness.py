"""Likeness and pairing: confusions beat strangers, in any script, and no pairing beats the one that is chosen."""

from __future__ import annotations

import itertools
import random
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrlab.scoring.likeness import likeness, pair_up


@pytest.mark.parametrize(
    ("said", "alike", "unlike"),
    [
        ("night", "light", "day"),
        ("two", "to", "ten"),
        ("break", "brick", "bread"),  # sounds before letters
        ("through", "threw", "thought"),
        ("city", "sitty", "kitty"),  # the soft c
        ("hour", "our", "four"),  # h is hardly heard
        ("here", "hear", "hero"),  # the mute e
        ("de", "di", "del"),  # heard where the word is short
        ("low", "lo", "lob"),  # w and y after vowels
        ("bat", "pat", "rat"),  # voiced and unvoiced
        ("naïve", "naive", "native"),
        ("Straße", "Strasse", "Strafe"),
        ("ma", "mà", "mo"),  # tones: written Vietnamese, romanised alike
        ("má", "má", "mà"),
        ("москва", "маскву", "россия"),
        ("Москва", "moskva", "london"),
        ("是", "事", "热"),
        ("是", "四", "我"),
        ("林", "零", "国"),
        ("國", "国", "家"),
        ("三", "3", "8"),
        ("十", "1", "8"),
        ("か", "が", "め"),
        ("か", "カ", "ガ"),
        ("か", "カ", "が"),
        ("น้", "น", "ก"),
        ("น้", "น่", "ก่"),
        ("한", "안", "국"),
        ("हिन्दी", "हिंदी", "भारत"),
        ("😀", "😃", "🎉"),
    ],
)
def test_a_confusion_is_more_alike_than_a_stranger(said, alike, unlike):
    more, less = likeness([said, said], [alike, unlike])
    assert more > less


def test_homophones_of_a_dictionary_are_more_alike_than_strangers():
    """The oracle is CMUdict as PocketSphinx ships it: words that are spelled apart and pronounced the same."""
    import pocketsphinx

    lines = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")).read_text("utf-8").splitlines()
    by_sound = {}
    for word, sound in (line.split(" ", 1) for line in lines):
        if re.fullmatch("[a-z]{3,}", word):
            by_sound.setdefault(sound, []).append(word)
    pairs = [words[:2] for words in by_sound.values() if len(words) > 1]
    assert len(pairs) > 5000
    said, heard = map(list, zip(*pairs, strict=True))
    strangers = random.Random(1).sample(heard, len(heard))
    worse = likeness(said, heard) <= likeness(said, strangers)
    assert worse.mean() < 0.0015


def test_equal_is_one_nothing_in_common_is_zero():
    units = ["night", "是", "น้", "한", "É", "ー", "'", "$", "😀", "\u200b", "ee"]
    assert likeness(units, units).tolist() == [1.0] * len(units)
    assert likeness(["É", "ß"], ["e\u0301", "SS"]).tolist() == [1.0, 1.0]
    assert likeness(["ab", "是", "三", "ー", "-"], ["ml", "!", "8", "っ", "'"]).tolist() == [0.0] * 5
    assert likeness(["か"], ["が"])[0] == 0.75  # one of two signs, one of two letters, the same sound
    # What cannot be romanised, or has no sound of its own, is not like everything else of that kind.
    assert likeness(["ー", "h"], ["்", "gh"]).tolist() == [0.0, 0.5]
    # Differing by tone or accent only is nearly, not wholly, the same.
    assert 0.9 < likeness(["é"], ["è"])[0] < 1


@given(st.lists(st.tuples(st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=8)), max_size=20))
def test_any_text_is_measured_and_both_ways_alike(pairs):
    said, heard = [a for a, _ in pairs], [b for _, b in pairs]
    found = likeness(said, heard)
    assert found.shape == (len(pairs),)
    assert found.dtype == np.float64
    assert ((found >= 0) & (found <= 1)).all()
    assert found.tolist() == likeness(heard, said).tolist()
    assert found.tolist() == [likeness([a], [b])[0] for a, b in pairs]


def test_sides_must_be_as_long():
    with pytest.raises(ValueError, match="2 units were said and 1 heard"):
        likeness(["a", "b"], ["a"])


def by_brute_force(place):
    """Best pairing of one place, among all there are."""
    n, shifts = place.shape
    units = np.rint(place * 1_000_000).astype(int)

    def worth(ks):
        total = sum(units[i, k] for i, k in enumerate(ks))
        changes = sum(a != b for a, b in itertools.pairwise(ks))
        return total, -changes, [-k for k in ks]

    return list(max(itertools.combinations_with_replacement(range(shifts), n), key=worth))


@pytest.mark.parametrize("levels", [1, 2, 3, 7, 1000])
def test_no_pairing_beats_the_chosen_one(levels):
    rng = np.random.default_rng(levels)
    for n, spare in itertools.product(range(1, 6), range(5)):
        places = rng.integers(0, levels + 1, (20, n, spare + 1)) / levels
        assert pair_up(places).tolist() == [by_brute_force(place) for place in places]


def test_of_equals_the_fewest_gaps_then_the_first():
    assert pair_up(np.zeros((1, 4, 3))).tolist() == [[0, 0, 0, 0]]
    place = np.zeros((1, 3, 3))
    place[0, 2, 2] = 1.0  # one unit wants the last; the others stay with it
    assert pair_up(place).tolist() == [[2, 2, 2]]
    place[0, 0, 0] = 1.0
    assert pair_up(place).tolist() == [[0, 0, 2]]


def test_rounding_errors_do_not_decide():
    # 0.1 + 0.2 + 0.3 and 0.3 + 0.2 + 0.1 differ in the last bit.
    place = np.array([[[0.1, 0.3], [0.2, 0.2], [0.3, 0.1]]])
    assert 0.1 + 0.2 + 0.3 != 0.3 + 0.2 + 0.1
    place[0, :, 1] = [0.3, 0.2, 0.1]
    assert pair_up(place).tolist() == [[0, 0, 0]]


def test_without_places_or_units_there_is_nothing_to_pair():
    assert pair_up(np.zeros((0, 2, 3))).shape == (0, 2)
    assert pair_up(np.zeros((2, 0, 3))).shape == (2, 0)
    assert likeness([], []).shape == (0,)
