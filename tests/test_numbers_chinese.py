"""Number forms of Chinese: what must become one, what must not, and what holds for any text."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrlab.normalize.chain import Normalizer
from asrlab.normalize.languages import LANGUAGES
from asrlab.normalize.numbers.chinese import numbers_in_one_form
from asrlab.normalize.numbers.chinese.numerals import cardinal, one_by_one, scaled

HERE = Path(__file__).parent
ZH = LANGUAGES["zh"]
CHAIN = Normalizer("t", (*ZH.characters, numbers_in_one_form, *ZH.case, *ZH.punctuation, *ZH.script), settle=True)
KEEPS_SCRIPT = Normalizer("k", (*ZH.characters, numbers_in_one_form, *ZH.case, *ZH.punctuation), settle=True)


def rows(name):
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if line and not line.startswith("#")]


FORMS = [(spoken, other) for _, spoken, *others in rows("forms_dev_zh.tsv") for other in others]
TRAPS = rows("forms_traps_zh.tsv")
WORDS = [
    word
    for line in Path(numbers_in_one_form.__code__.co_filename)
    .with_name("words.txt")
    .read_text(encoding="utf-8")
    .splitlines()
    if not line.startswith("#")
    for word in line.split()
]


def test_one_number_has_one_form():
    assert len(FORMS) > 1000
    assert [(one, other) for one, other in FORMS if CHAIN(one) != CHAIN(other)] == []


def test_what_differs_stays_different():
    assert len(TRAPS) > 180
    assert [(one, other) for one, other in TRAPS if CHAIN(one) == CHAIN(other)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("三千五百万", "35000000"),
        ("一万二", "12000"),
        ("三点五万", "35000"),
        ("一点二三四五六万", "12345.6"),
        ("百分之三点五", "3.5%"),
        ("三分之二", "2/3"),
        ("三块五毛五", "3.55元"),
        ("$100", "100美元"),
        ("二零二四年三月五号", "2024年3月5日"),
        ("下午三点半", "下午3:30"),
        ("十五点整", "15点"),
        ("120km/h", "120公里每小时"),
        ("138-0013-8000", "13800138000"),
        ("三比一", "3比1"),
        ("5~10", "5到10"),
        ("周五十点", "周五10点"),
        ("两百，三百", "200, 300"),
        ("五万一平", "50000一平"),
        ("三百五，一心一意", "350,一心一意"),
        ("十三億零五萬", "1300050000"),
        ("二十五千克", "25公斤"),
        ("三点八点都行", "3点8点都行"),
        ("10-5", "10-5"),
        ("七八年前,九八年", "七八年前,98年"),
        ("iPhone 6s,跑了10.5s", "iPhone 6s,跑了10.5秒"),
        ("十一起事故,三万一千", "11起事故,31000"),
        ("一九二点一六八点零点一", "192.168.0.1"),
        ("三点四点五点都行", "3点4点5点都行"),
        ("跌了四十六点三点", "跌了46.3点"),
        ("+86 138-0013-8000", "加8613800138000"),
        ("十二点三十一分零九秒", "12:31:09"),
        ("12:31:09点火", "12:31:09点火"),
        ("九点零八,早上九点零八", "9.08,早上9:08"),
        ("二三四路,二三四个", "234路,二三四个"),
        ("60W", "60瓦"),
        ("60w", "60w"),
        ("利润+1234567890元", "利润+1234567890元"),
        ("一三九，幺零二四，七七八八", "139, 1024, 7788"),
        ("刚好三个,好三个", "刚好3个,好三个"),
        ("60W粉丝,功率60W", "60W粉丝,功率60瓦"),
        ("一万两", "10000两"),
        ("一、二、三,周一、二、三", "1、2、3,周一、二、三"),
        ("三年零六个月", "3年零6个月"),
        ("刚好二十九,人数三百,好几百,数百", "刚好29,人数300,好几百,数百"),
        ("三 百 五 十 元", "350元"),
        ("门牌号是三 百货店在对面", "门牌号是三 百货店在对面"),
        ("他说三 百货店在对面又说五 千层饼很好吃", "他说三 百货店在对面又说五 千层饼很好吃"),
    ],
)
def test_canonical_forms(text, expected):
    assert numbers_in_one_form(text.replace("，", ",")) == expected


@pytest.mark.parametrize("frame", ["{}", "他说{}吧", "{}的人", "在{}前", "我们{}了。", "有{}个", "{},{}"])
def test_words_with_numerals_are_left(frame):
    assert len(WORDS) > 3000
    changed = [word for word in WORDS if (text := frame.replace("{}", word)) != numbers_in_one_form(text)]
    assert changed == []


def test_a_word_is_no_part_of_a_decimal():
    for word in ("一起", "一定", "一直", "一样", "一般", "一边"):
        assert numbers_in_one_form(f"下午三点{word}去") == f"下午3点{word}去"


def test_estimates_are_left():
    for text in (
        "三四个",
        "二三十人",
        "十七八岁",
        "三五天",
        "一两个",
        "几十年",
        "好几百",
        "上千人",
        "数百万",
        "五六七个",
    ):
        assert numbers_in_one_form(text) == text


def test_numerals():
    assert [cardinal(run) for run in ("零", "十", "廿三", "两百五", "一千零一十", "九千九百九十九亿")] == [
        *(0, 10, 23, 250, 1010, 999900000000)
    ]
    assert [cardinal(run) for run in ("三四", "十十", "万一", "百", "千万", "一百千", "三七二十一", "一零")] == [
        None
    ] * 8
    assert one_by_one("二〇二四") == "2024"
    assert one_by_one("三十") is None
    assert scaled("0.5", "亿") == "50000000"


# An oracle of our own: how a number is read.
_DIGITS = "零一二三四五六七八九"


def section(number):
    read, gap = "", False
    for worth, scale in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // worth % 10
        if digit:
            read += "零" * (gap and bool(read)) + _DIGITS[digit] + scale
        gap = not digit
    return read


def read_out(number):
    if not number:
        return "零"
    read, gap = "", False
    for worth, scale in ((10**8, "亿"), (10**4, "万"), (1, "")):
        part = number // worth % 10**4
        if part:
            read += "零" * bool(read and (gap or part < 1000)) + section(part) + scale
        gap = not part
    return read.removeprefix("一") if read.startswith("一十") else read


def read_digits(digits):
    return "".join(_DIGITS[int(digit)] for digit in digits)


# Below 10, a sign that stands in a text without a unit may be no number.
@given(st.integers(0, 10**12 - 1))
def test_whole_numbers_come_back(number):
    assert numbers_in_one_form(read_out(number)) == str(number)
    assert numbers_in_one_form(f"共{read_out(number)}个") == f"共{number}个"
    assert numbers_in_one_form(f"{number:,}") == str(number)


@given(st.integers(0, 10**9), st.text("0123456789", min_size=1, max_size=5))
def test_decimals_come_back(whole, decimals):
    read = f"{read_out(whole)}点{read_digits(decimals)}"
    assert numbers_in_one_form(read) == f"{whole}.{decimals}"
    assert numbers_in_one_form(f"{read}%") == f"{whole}.{decimals}%"
    assert numbers_in_one_form(f"百分之{read}") == f"{whole}.{decimals}%"
    assert (
        numbers_in_one_form(f"{read}万")
        == numbers_in_one_form(f"{whole}.{decimals}万")
        == scaled(f"{whole}.{decimals}", "万")
    )


@pytest.mark.parametrize("n", [100, pytest.param(500, marks=pytest.mark.acceptance)])
def test_what_wetext_reads_out_comes_back(n):
    wetext = pytest.importorskip("wetext")
    to_words = wetext.Normalizer(lang="zh", operator="tn")
    draw = random.Random(8)
    for number in [draw.randrange(1, 10 ** draw.randint(1, 11)) for _ in range(n)]:
        for text in (f"共{number}件", f"{number}.{number % 900 + 100}", f"{number % 300}%", f"第{number % 1000 + 1}届"):
            assert numbers_in_one_form(to_words.normalize(text)) == numbers_in_one_form(text)
    for _ in range(n):
        date = f"{draw.randint(1900, 2099)}年{draw.randint(1, 12)}月{draw.randint(1, 28)}日"
        time = f"{draw.randint(1, 23)}:{draw.randint(10, 59)}"
        assert numbers_in_one_form(to_words.normalize(date)) == date
        assert numbers_in_one_form(to_words.normalize(time)) == time


def meanings(draw):
    """Draw something that a number may mean, and ways to write it."""
    number, small = draw.randrange(1, 10 ** draw.randint(1, 8)), draw.randint(2, 99)
    hour, minute, month, day = draw.randint(1, 23), draw.randint(10, 59), draw.randint(1, 12), draw.randint(1, 28)
    return [
        (number, f"{number}", f"{number:,}", read_out(number)),
        (f"{number} yuan", f"{number}元", f"¥{number:,}", f"{read_out(number)}块钱", f"{read_out(number)}元"),
        (f"{number} dollars", f"{number}美元", f"${number}", f"{read_out(number)}美元"),
        (f"{number}.{small}", f"{number}.{small}", f"{read_out(number)}点{read_digits(str(small))}"),
        (f"{small} per cent", f"{small}%", f"百分之{read_out(small)}"),
        (f"{small} per mille", f"{small}‰", f"千分之{read_out(small)}"),
        (f"minus {number}", f"-{number}", f"负{read_out(number)}"),
        (f"{hour}h{minute}", f"{hour}:{minute}", f"{read_out(hour)}点{read_out(minute)}分"),
        (f"{month}/{day}", f"{month}月{day}日", f"{read_out(month)}月{read_out(day)}号"),
        (f"{small} kg", f"{small}公斤", f"{small}kg", f"{read_out(small)}千克"),
        (f"{small} km", f"{small}公里", f"{small}km", f"{read_out(small)}公里"),
        (f"the {number}th", f"第{number}", f"第{read_out(number)}"),
        (f"{small} of {small + 3}", f"{small}/{small + 3}", f"{read_out(small + 3)}分之{read_out(small)}"),
        (f"{small} to {small + 7}", f"{small}到{small + 7}", f"{read_out(small)}到{read_out(small + 7)}"),
        (f"{small} against {small + 61}", f"{small}:{small + 61}", f"{read_out(small)}比{read_out(small + 61)}"),
    ]


@pytest.mark.parametrize("n", [80, pytest.param(400, marks=pytest.mark.acceptance)])
def test_different_meanings_stay_different_and_equal_ones_meet(n):
    draw, seen = random.Random(9), {}
    for _ in range(n):
        for meaning, *forms in meanings(draw):
            form, *others = map(CHAIN, forms)
            assert others == [form] * len(others), forms
            assert seen.setdefault(form, meaning) == meaning, form


SIGNS = [
    *"零〇一二三四五六七八九十百千万萬亿两幺廿点點负第年月日号號时分秒元块毛角个人度米公里斤到至比半整刻钟周大下午上壹佰",
    *"0123456789.,:/-%~¥$ ,。，、km ga",
    *("百分之", "分之", "公里", "km", "千米", "上午", "下午", "点钟", "每小时", "星期", "小时", "一起", "一定", "万一"),
    *(
        "2024",
        "05",
        "比分",
        "零下",
        "°C",
        "美元",
        "人民币",
        "块钱",
        "电话",
        "+86",
        "一 二 三",
        "下跌",
        "功率",
        "W",
        "成",
        "投中",
        "路",
    ),
]
NUMERIC = st.lists(st.sampled_from(SIGNS), max_size=14).map("".join)


@given(NUMERIC | st.text())
def test_once_is_enough(text):
    once = numbers_in_one_form(text)
    assert numbers_in_one_form(once) == once


@given(NUMERIC | st.text())
def test_once_is_enough_in_the_chain(text):
    for chain in (CHAIN, KEEPS_SCRIPT):
        once = chain(text)
        assert chain(once) == once


@given(
    st.text(
        st.characters(
            exclude_categories=["Nd", "Cs"], exclude_characters="".join(SIGNS) + "貳貮贰叁參肆伍陆陸柒捌玖拾仟億兩卅"
        )
    )
)
def test_text_without_numbers_is_left(text):
    assert numbers_in_one_form(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "9" * 5000,
        "九" * 5000,
        "1" * 5000 + "万",
        "5000:" + "1" * 5000,
        "零" * 5000 + "点五",
        "三百，" * 2000,
        "\U0010ff00三百",
    ],
)
def test_nothing_is_too_long_or_too_odd(text):
    once = numbers_in_one_form(text)
    assert numbers_in_one_form(once) == once
