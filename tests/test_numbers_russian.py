"""Number forms of Russian."""

import pickle
import random
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words
from number_tables import alike, unlike

from asrlab.errors import MissingExtra
from asrlab.normalize import normalizer
from asrlab.normalize.numbers.russian import _numerals, russian_numbers_in_one_form

CHAIN = normalizer("ru", numbers=True)

PAIRS = """
    двадцать один = 21
    сто двадцать три = 123
    двести пять человек = 205 человек
    тысяча двести = 1200 = 1 200
    две тысячи = 2000 = 2 000 = 2 тысячи = 2 тыс.
    двенадцать тысяч пятьсот = 12 500 = 12500
    миллион рублей = 1 миллион рублей = 1 млн рублей = 1 000 000 рублей
    два миллиона человек = 2 миллиона человек = 2 млн человек = 2 000 000 человек
    полтора миллиарда = полтора миллиарда
    три миллиарда = 3 млрд = 3 миллиарда
    более пяти тысяч = более 5 тысяч = более 5000
    с двадцатью пятью участниками = с 25 участниками
    около трёхсот = около трехсот = около 300
    в двух домах = в 2 домах
    к девяноста годам = к 90 годам
    пять лет = 5 лет
    ноль = 0
    одиннадцать = 11
    страница сорок два = страница 42
    один два три = 1 2 3
    первый этаж = 1-й этаж = 1й этаж
    третьего раза = 3-го раза
    двадцать первый век = 21-й век = XXI век
    в двадцатом веке = в 20-м веке = в XX веке
    в третий раз = в 3-й раз
    пятая часть = 5-я часть
    на седьмом этаже = на 7-м этаже
    сорок второй размер = 42-й размер
    третье место = 3-е место
    девяностые годы = 90-е годы
    три целых пять десятых = 3,5 = три целых и пять десятых
    ноль целых пять десятых = 0,5
    две целых двадцать пять сотых = 2,25
    ноль целых пять сотых = 0,05
    пять рублей = 5 ₽ = 5 руб. = 5 рублей = 5₽ = 5 р.
    пять рублей пятьдесят копеек = 5,50 ₽ = 5 руб. 50 коп. = 5 рублей 50 копеек = 5,50 руб.
    тысяча рублей = 1000 рублей = 1 000 ₽ = 1000 руб.
    пять тысяч рублей = 5 тыс. рублей = 5 тыс. руб. = 5000 ₽ = 5 000 рублей
    десять долларов = 10 долларов = $10 = 10 $
    сто евро = 100 евро = 100 € = €100
    полтора миллиона рублей = полтора миллиона рублей
    один рубль = 1 рубль = 1 ₽
    три миллиона долларов = 3 млн долларов = $3 млн = 3 000 000 долларов
    двадцать пять процентов = 25 % = 25% = 25 процентов
    один процент = 1 % = 1%
    три целых пять десятых процента = 3,5 % = 3,5%
    пятого мая = 5 мая = 5-го мая
    девятое мая = 9 мая
    пятого мая две тысячи двадцать четвёртого года = 5 мая 2024 года = 05.05.2024 = 5 мая 2024 г. = 5 мая 2024-го года
    двенадцатого апреля тысяча девятьсот шестьдесят первого года = 12 апреля 1961 года = 12.04.1961
    в две тысячи двадцатом году = в 2020 году = в 2020-м году
    в тысяча девятьсот девяносто девятом году = в 1999 году
    двухтысячный год = 2000 год = 2000-й год
    первое января = 1 января
    десять часов тридцать минут = 10 часов 30 минут = 10:30
    в десять тридцать = в 10:30
    в восемь ноль пять = в 8:05 = в 08:05
    в двадцать часов = в 20 часов
    в пятнадцать сорок пять = в 15:45
    пять километров = 5 км = 5 километров
    сто километров в час = 100 км/ч = 100 километров в час
    два килограмма = 2 кг = 2 килограмма
    минус пять градусов = -5 градусов = -5 ° = минус 5 градусов
    двадцать градусов Цельсия = 20 °C = 20 градусов Цельсия
    сто квадратных метров = 100 м² = 100 кв. м = 100 квадратных метров
    пятьсот грамм = 500 граммов = 500 грамм
    два литра = 2 литра = 2 л
    десять метров = 10 м = 10 метров
    восемь девятьсот двенадцать триста сорок пять шестьдесят семь восемьдесят девять = 8 (912) 345-67-89
    плюс семь девятьсот двенадцать триста сорок пять шестьдесят семь восемьдесят девять = плюс 7 912 345-67-89
    восемь девять один два три четыре пять шесть семь восемь девять = 89123456789
    семьсот двадцать = 720
"""

TRAPS = """
    один человек ≠ 1 человек
    одна из них ≠ 1 из них
    семь раз отмерь, один раз отрежь ≠ 7 раз отмерь, один раз отрежь
    люблю свою семью ≠ люблю свою 7
    сорока летит ≠ 40 летит
    тысячи людей ≠ 1000 людей
    миллионы людей ≠ 1000000 людей
    во-первых ≠ во 1
    двенадцать ≠ двадцать
    пятнадцать ≠ пятьдесят
    тринадцать ≠ тридцать
    двадцать три ≠ 20 3
    двадцать, три ≠ двадцать три
    20 30 ≠ 2030
    1 2 3 ≠ 123
    3,5 ≠ 35
    3,5 ≠ 3 5
    5 ₽ ≠ 5
    5 ₽ ≠ 5 $
    5 % ≠ 5
    -5 градусов ≠ 5 градусов
    5 мая ≠ 5 марта
    третий ≠ три
    3-й ≠ 3
    3-й ≠ 3-я
    два миллиона ≠ два миллиарда
    5 км ≠ 5 км/ч
    10:30 ≠ 10,30
    шестьсот ≠ шесть сто
    три целых двадцать пять десятых ≠ 3,25
    восемь ноль ≠ 8
    второго ≠ второму
    50 копеек ≠ 0,50 ₽
    за семью печатями ≠ за 7 печатями
    ни два ни полтора ≠ ни 2 ни полтора
"""

LEFT_ALONE = [
    "Один из них ушёл.",
    "Моя семья, моей семье, с семьёй.",
    "Тысячи людей вышли на улицы.",
    "Во-первых, это не так.",
    "Одно и то же.",
    "Стоит столик, стопа, стол.",
    "Второпях, пятница, шестерня, сотник, миллионер.",
    "За семью печатями.",
]


@pytest.mark.parametrize(("spoken", "written"), alike(PAIRS))
def test_two_ways_to_write_the_same_become_one(spoken, written):
    assert CHAIN(spoken) == CHAIN(written)


@pytest.mark.parametrize(("one", "other"), unlike(TRAPS))
def test_what_differs_stays_different(one, other):
    assert CHAIN(one) != CHAIN(other)


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_is_no_number_stays(text):
    assert russian_numbers_in_one_form(text) == text


def test_canonical_forms():
    forms = {
        "пятого мая две тысячи двадцать четвёртого года": "5 мая 2024 года",
        "пять рублей пятьдесят копеек": "5,50₽",
        "сто километров в час": "100 кмч",
        "двадцать первый": "21й",
    }
    assert {text: russian_numbers_in_one_form(text) for text in forms} == forms


@given(number=st.integers(2, 10**12 - 1), case=st.sampled_from("ngdip"), gender=st.sampled_from("mfn"))
def test_cardinals_come_back_in_all_cases(number, case, gender):
    words = num2words(number, lang="ru", case=case, gender=gender)
    assert russian_numbers_in_one_form(f"номер {words}") == f"номер {number}"


@given(number=st.integers(1, 2999), case=st.sampled_from("ngdip"))
def test_ordinals_come_back_in_all_cases(number, case):
    words = num2words(number, lang="ru", to="ordinal", case=case)
    ending = {"n": "й", "g": "го", "d": "му", "i": "ом", "p": "ом"}[case]
    assert russian_numbers_in_one_form(f"номер {words}") == f"номер {number}{ending}"


def test_no_two_numbers_become_one():
    drawn = random.Random(1)
    numbers = {*range(5_000), *(drawn.randrange(10**9) for _ in range(5_000))}
    assert len({CHAIN(num2words(number, lang="ru")) for number in numbers}) == len(numbers)


#: How all numerals begin.
NUMERALS = "нол|нул|один|одн|дв[аеуо]|тр[еи]|чет|пят|шес|сем|сед|вос|дев|дес|сор|ст|сот|тыс|мил|перв|втор"
PIECES = """
    один два пять семью двадцать сорока сто двести тысяча тысячи тысяч миллион миллионов ноль целых десятых и пятого мая
    год года г. рублей руб. копеек процентов минус градусов часов минут в км/ч метров плюс телефон третий млн 0 1 5 30
    912 345 000 2024 3,5 10:30 3-го 05.05.2024 % ₽ ° . , - ( +
"""
WORDS = st.sampled_from(PIECES.split())
TEXTS = st.lists(st.tuples(WORDS, st.sampled_from([" ", " ", "", ", ", "-", ". "])), max_size=10).map(
    lambda parts: "".join(piece + gap for piece, gap in parts)
)


@given(st.one_of(st.text(), st.text(st.characters(min_codepoint=0x400, max_codepoint=0x45F)), TEXTS))
def test_applying_twice_changes_nothing(text):
    once = russian_numbers_in_one_form(text)
    assert russian_numbers_in_one_form(once) == once
    once = CHAIN(text)
    assert CHAIN(once) == once


@given(st.text(st.characters(exclude_categories=["N"])).filter(lambda text: not re.search(NUMERALS, text.lower())))
def test_text_without_numbers_is_left_alone(text):
    assert russian_numbers_in_one_form(text) == text


def test_a_missing_library_is_named_by_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "num2words", None)
    with pytest.raises(MissingExtra, match=r"asrlab\[numbers\]"):
        _numerals.__wrapped__()


def test_the_step_can_be_pickled():
    assert pickle.loads(pickle.dumps(russian_numbers_in_one_form)) is russian_numbers_in_one_form
