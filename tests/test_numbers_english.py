"""Number forms of English: what must become one, what must not, and what holds for any text."""

import pickle
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from asrlab.normalize import normalizer
from asrlab.normalize.numbers.english import numbers_in_one_form
from asrlab.normalize.numbers.english.words import NUMBER_WORD, times_power

HERE = Path(__file__).parent
CHAIN = normalizer("en", numbers=True)
FULL_CHAIN = normalizer("en", numbers=True, spelling=True, fillers=True)


def rows(name):
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if line and not line.startswith("#")]


FORMS = [(first, other) for _, first, *others in rows("forms_dev_en.tsv") for other in others]
TRAPS = rows("forms_traps_en.tsv")


def test_one_number_has_one_form():
    assert len(FORMS) > 1000
    assert [(one, other) for one, other in FORMS if CHAIN(one) != CHAIN(other)] == []


def test_a_transcript_without_case_and_marks_has_the_same_form_as_what_was_said():
    """Spoken forms only: marks that belong to a number tell what it is."""
    for said in dict.fromkeys(text for pair in FORMS for text in pair):
        if not any(character.isdigit() or character in "½⅓⅔¾⅛-" for character in said):
            bare = said.lower().replace("a.m.", "a m").replace("p.m.", "p m").replace(".", "").replace(",", "")
            assert CHAIN(bare.replace("o'clock", "o clock")) == CHAIN(said)


def test_what_differs_stays_different():
    assert len(TRAPS) > 180
    assert [(one, other) for one, other in TRAPS if CHAIN(one) == CHAIN(other)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two point five million people", "2500000 people"),
        ("two and a half percent", "2.5%"),
        ("three dollars and five cents", "$3.05"),
        ("the first of January, twenty twenty", "january 1 2020"),
        ("2020-01-31 or 12/25/2020 or 25/12/2020", "january 31 2020 or december 25 2020 or december 25 2020"),
        ("quarter to one p.m.", "12:45 pm"),
        ("sixty kilometres an hour", "60 kmh"),
        ("between one hundred and five hundred", "between 100 and 500"),
        ("one hundred and two hundred", "100 and 200"),
        ("between one hundred and five birds", "between 100 and 5 birds"),
        ("between one hundred and five and two hundred birds", "between 105 and 200 birds"),
        ("nineteen ninety nine dollars", "$1999"),
        ("six foot two", "6 ft 2 inches"),
        ("(555) 123-4567", "5551234567"),
        ("one two three four five six seven eight nine ten", "1 2 3 4 5 6 7 8 9 10"),
        ("the '80s and the nineteen eighties", "the 80s and the 1980s"),
        ("Is it 1 or two?", "Is it 1 or 2?"),
        ("I have 1 left", "I have one left"),
        ("I have twenty. One of them left.", "I have 20. One of them left."),
        ("five twenty-pound notes and two ten-dollar bills", "5 £20 notes and 2 $10 bills"),
        ("ten dot zero dot zero dot one", "10.0.0.1"),
        ("his blood pressure is one twenty over eighty", "his blood pressure is 120/80"),
        (
            "Henry VIII, King George V and Pope John Paul II",
            "Henry the 8th, King George the 5th and Pope John Paul the second",
        ),
        ("Chapter IV of World War II; act iii, Part I.", "Chapter 4 of World War 2; act 3, Part 1."),
        ("CHF 50,000, SEK 5 million, ₩300, R$10", "50000 swiss francs, 5000000 swedish kronor, 300 won, 10 reais"),
        ("a million and a half dollars", "$1500000"),
        ("the hundredth, the hundred and first, the ten millionth", "the 100th, the 101st, the 10000000th"),
        ("apartment four b, gate b seven", "apartment 4b, gate b7"),
        ("zero nine thirty", "9:30"),
        ("seventeen seventy six", "1776"),
        ("call 212 555 0123 or 07700 900162", "call 2125550123 or 07700900162"),
    ],
)
def test_the_form_itself(text, expected):
    assert numbers_in_one_form(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "One of them came first; no one was second to none.",
        "Wait a second! I was on cloud nine, in a catch-twenty-two.",
        "CO2, H2O, MP3, B12, IPv4, R2D2 and 3D",
        "HE MAY FIRST ASK: WAIT A SECOND",
        "You may first march on, and may second that in a second.",
        "A third of it, a fifth of that, half a million, hundreds of thousands, many a hundred",
        "It was half past; at this point nobody left by the quarter.",
        "1/2/2020 has several readings, 192.168.1.1 none, 10,5 neither",
        "This one, that one, the one and only, one another",
        "He said no. One more.",
        "It is nine to five, ten to one.",
        "At first I was back to square one; in the first place, one should never second that on second thoughts.",
        "one way or another, one day you will see that a stitch in time saves nine, Mr ten Hag",
        "1 way or another, at 1st sight, I 2nd that, give me a 2nd to think, 1 would think so",
        "for my part I think Malcolm X met Queen Elizabeth I think, with vitamin C, in a civil mix, iv",
        "345 929 6843, 555 1234",
        "a hundredth of a second, a few millionth of a second, hundred people",
    ],
)
def test_what_is_no_number_is_left_as_it_is(text):
    assert numbers_in_one_form(text) == text


def test_text_without_numbers_is_returned_itself():
    text = "She opened the window, listened to the wind for a moment, and stayed inside."
    assert numbers_in_one_form(text) is text


def test_it_can_be_pickled_and_is_named():
    assert pickle.loads(pickle.dumps(numbers_in_one_form)) is numbers_in_one_form
    assert numbers_in_one_form.__name__ == "numbers_in_one_form"


DIGITS = st.integers(0, 10**12 - 1)


@given(DIGITS)
def test_whole_numbers_are_exact(n):
    assert numbers_in_one_form(num2words(n)) == numbers_in_one_form(str(n)) == numbers_in_one_form(f"{n:,}")
    assert n == 1 or numbers_in_one_form(num2words(n)) == str(n)
    assert n == 1 or numbers_in_one_form(num2words(n).replace(" and ", " ").replace(",", "")) == str(n)


def test_small_numbers_ordinals_and_years_are_exact():
    for n in range(1, 2100):
        written = num2words(n, to="ordinal_num")
        assert numbers_in_one_form(num2words(n)) == numbers_in_one_form(str(n))
        assert numbers_in_one_form(num2words(n, to="ordinal")) == numbers_in_one_form(written)
        if n >= 1000:  # said bare, "twelve fifteen" is a time
            assert CHAIN(f"in {num2words(n, to='year')}") == f"in {n}"


@given(st.integers(1, 10**12 - 1))
def test_ordinals_are_exact(n):
    written = num2words(n, to="ordinal_num")
    assert numbers_in_one_form(num2words(n, to="ordinal")) == numbers_in_one_form(written)


@given(DIGITS, DIGITS)
def test_two_numbers_never_become_one(one, other):
    said = [CHAIN(num2words(n)) for n in (one, other)]
    written = [CHAIN(f"{n:,}") for n in (one, other)]
    assert (said[0] == said[1]) == (written[0] == written[1]) == (said[0] == written[1]) == (one == other)


@given(st.lists(st.integers(0, 99_999), min_size=2, max_size=5), st.sampled_from([" ", ", ", " and ", " or "]))
def test_numbers_in_digits_stay_apart(numbers, gap):
    assert (
        CHAIN(f"of these: {gap.join(map(str, numbers))}").split()[2:]
        == f"{gap.replace(',', '')}".join(map(str, numbers)).split()
    )


@given(st.lists(st.integers(2, 99), min_size=2, max_size=5))
def test_numbers_said_with_commas_stay_apart(numbers):
    assert CHAIN(f"of these: {', '.join(map(num2words, numbers))}") == f"of these {' '.join(map(str, numbers))}"


@given(st.integers(0, 10**9), st.integers(1, 999))
def test_decimals_are_exact(whole, decimals):
    said = f"{num2words(whole)} point {' '.join(num2words(int(digit)) for digit in str(decimals))}"
    assert numbers_in_one_form(said) == f"{whole}.{decimals}"
    assert numbers_in_one_form(f"{said} million") == times_power(f"{whole}.{decimals}", 6)


@pytest.mark.parametrize(
    ("digits", "power", "expected"),
    [("2.5", 6, "2500000"), ("1.23456789", 6, "1234567.89"), ("0.5", 3, "500"), ("3", 9, "3000000000"), ("0", 6, "0")],
)
def test_powers_of_ten_are_exact(digits, power, expected):
    assert times_power(digits, power) == expected


MARKS_AND_WORDS = """
and point double a an minus plus half quarter past to o'clock am p.m. a m the of May march january jan dec
seconds thirds dollars cents pounds pence euro percent per cent kg km/h miles feet inches degrees celsius % $ £
€ ¢ ° no. No. # + - / : . , ' " ( ) x × – − by in at from between ext. call room flight 1 2 3 10 15 21st 2nd 1/2
½ 3.5 .5 1,000 555-1234 (555) 2020 10:30 '80s 1980's eighties hundreds BC k g M bn USD us$ c$ hours 007 km² page
who thing cent İ ſ K no any one 0 5 12 30 59 five's two's it
dot over blood pressure version social text king queen Henry VIII ii IV V X I i world war Chapter gate apartment b c
first 1st at come 1st second 2nd motion would CHF r$ ₩ won e s t est 10 millionth hundredth hag alarm set for street
notes bills pound-notes day you of way or another 07700 900123 212 555 0123 q mp vitamin between he is lbs
"""
WORDS = [*MARKS_AND_WORDS.split(), *NUMBER_WORD.split("|")]
TEXTS = st.lists(
    st.tuples(st.sampled_from(WORDS), st.sampled_from([" ", " ", " ", "-", ", ", ". ", "", "\n"])), max_size=12
).map(lambda parts: "".join(word + gap for word, gap in parts))


@given(TEXTS | st.text() | st.text("0123456789.,:/-+$£€%()'\"#x °½⁄\nabmpkMth"))
def test_applied_twice_it_changes_nothing(text):
    once = numbers_in_one_form(text)
    assert numbers_in_one_form(once) == once
    for chain in (CHAIN, FULL_CHAIN):
        settled = chain(text)
        assert chain(settled) == settled


def test_random_pairs_of_amounts_stay_apart():
    rng = random.Random(5)
    for _ in range(300):
        one, other = (f"${rng.randrange(2000)}.{rng.randrange(100):02d}" for _ in range(2))
        assert (CHAIN(one) == CHAIN(other)) == (one == other)
