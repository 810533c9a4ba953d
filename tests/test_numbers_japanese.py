"""Number forms of Japanese: what is written in two ways becomes one, and what is no number stays."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words
from number_tables import alike, unlike

from asrlab.normalize import normalizer
from asrlab.normalize.numbers.japanese import numbers_in_one_form

CHAIN = normalizer("ja", numbers=True)

#: Spoken and written forms of the same words, by class.
PAIRS = {
    "cardinal": """
        百二十三 = 123
        参加者は百二十三人でした。 = 参加者は123人でした。
        二千五百 = 2,500
        一万 = 10,000
        十万人 = 10万人 = 100,000人 = 100000人
        一億二千万人 = 1億2千万人 = 1億2000万人 = 120,000,000人
        三万五千個 = 3万5千個 = 35,000個
        千二百三十四 = 1234
        二〇二四 = 2024
        約二十のグループ = 約20のグループ
        一つ = 1つ
        りんごを三つください = りんごを3つください
        一人で来ました = 1人で来ました
        二人です = 2人です
        二十歳になった = 20歳になった
        十五歳 = 15歳
        五枚 = 5枚
        本を三冊買った = 本を3冊買った
        犬が二匹いる = 犬が2匹いる
        ビールを三本 = ビールを3本
        車が四台 = 車が4台
        五回 = 5回
        六か月 = 6ヶ月 = 6カ月 = 6か月
        十二か所 = 12ヶ所
        七階 = 7階
        二、三人 = 2、3人
        三千億 = 3000億 = 300,000,000,000
        一兆円 = 1兆円 = 1,000,000,000,000円
        百名様 = 100名様
        三チーム = 3チーム
        五十 = 50
        九十九 = 99
        全二百ページ = 全200ページ
    """,
    "ordinal": """
        第三回 = 第3回
        第一章 = 第1章
        二番目の問題 = 2番目の問題
        三回目 = 3回目
        第二十一回大会 = 第21回大会
        二十一世紀 = 21世紀
        三年生 = 3年生
        第五位 = 第5位
        一位になった = 1位になった
        一番目 = 1番目
        第二次世界大戦 = 第2次世界大戦
        ルイ十四世 = ルイ14世
    """,
    "decimal": """
        三点一四 = 3.14
        零点五 = 0.5
        二点五倍 = 2.5倍
        十二点三パーセント = 12.3% = 12.3パーセント
        1.5億円 = 150,000,000円 = 1億5千万円
        3.5万人 = 三万五千人
        六点〇 = 6.0
        三分の一 = 1/3 = 3分の1
        五分の二 = 2/5
        〇・八パーセント = 0.8%
        一・九九ユーロ = 1.99ユーロ
        二・五倍 = 2.5倍
    """,
    "money": """
        三千五百万円 = 3500万円 = 35,000,000円 = ¥35000000 = ¥35,000,000
        千円 = 1000円 = 1,000円 = ¥1,000
        百円玉 = 100円玉
        五百円です = 500円です
        二万円 = 2万円 = 20,000円
        五ドル = 5ドル = $5
        五ドル五十セント = 5ドル50セント = $5.50
        百ユーロ = 100ユーロ = €100
        三億円 = 3億円 = 300,000,000円
        税込みで千九百八十円になります = 税込みで1,980円になります
        九千八百円 = 9,800円 = 9800円
        十万ドル = 10万ドル = $100,000
    """,
    "date": """
        二〇二四年三月五日 = 2024年3月5日 = 2024/3/5 = 2024-03-05 = 2024/03/05
        二千二十四年三月五日 = 2024年3月5日
        三月五日 = 3月5日 = 03月05日
        一九九九年 = 1999年 = 千九百九十九年
        令和六年四月一日 = 令和6年4月1日
        昭和五十年 = 昭和50年
        十二月二十五日 = 12月25日
        八月十五日に = 8月15日に
        三日間 = 3日間
        二〇二〇年 = 2020年
        一九四五年八月十五日 = 1945年8月15日
        十一月三日 = 11月3日
    """,
    "time": """
        午後三時半 = 午後3時半 = 午後3時30分 = 午後3:30
        十時三十分 = 10時30分 = 10:30
        十五時 = 15時 = 15:00
        九時 = 9時
        三時十分 = 3時10分
        午前一時 = 午前1時
        十分後に = 10分後に
        十五分 = 15分
        二時間半 = 2時間半
        一時間 = 1時間
        八時四十五分 = 8時45分 = 8:45
        三十秒 = 30秒
        十分間 = 10分間
        午後七時五分 = 午後7時5分 = 午後7:05
    """,
    "measure": """
        三パーセント = 3% = 3パーセント
        五百メートル = 500m = 500メートル = 500 m
        五キロメートル = 5km = 5キロメートル
        百七十センチ = 170cm = 170センチ = 170センチメートル
        六十キログラム = 60kg = 60 kg
        時速六十キロ = 時速60キロ = 時速60km = 60km/h
        三十五度 = 35度 = 35℃ = 35°C
        マイナス五度 = -5度 = マイナス5度
        二リットル = 2リットル = 2L
        百平方メートル = 100平方メートル = 100m2 = 100㎡
        二百グラム = 200g = 200グラム
        二倍 = 2倍
        三割 = 3割
        一対一 = 1対1
        三対二で勝った = 3対2で勝った
        百キロカロリー = 100kcal
        二百二十ボルト = 220V
        八ギガバイト = 8GB = 8ギガバイト
        五トン = 5トン = 5t
    """,
    "phone": """
        〇九〇一二三四五六七八 = 09012345678 = 090-1234-5678
        〇九〇の一二三四の五六七八 = 090-1234-5678
        ゼロ九ゼロ一二三四五六七八 = 090-1234-5678
        ゼロ三一二三四五六七八 = 03-1234-5678 = (03)1234-5678
        〇一二〇四四四四四四 = 0120-444-444
        一一〇番 = 110番
        一一九番 = 119番
        一〇三号室 = 103号室
    """,
}

#: Texts that hold no number to be written in digits.
WORDS = """
    一番 一緒に 一般的 一応 一生懸命 三角 四国 九州 五十嵐さん 二宮さん 三日月 八百屋 一石二鳥 七転び八起き 十分です
    千葉県 百合 万一 一部の人 二重 一時停止 一度も 三日坊主 一期一会 十人十色 一心不乱 四苦八苦 十中八九 八方美人
    五里霧中 二人三脚 三位一体 六本木 一言 一方 一致 統一 同一人物 唯一 第三者 二酸化炭素 四季 七夕 八千代 三菱
    千代田区 五分五分 十和田湖 一目惚れ 千客万来 百貨店 三鷹 数百人 何千人 二三人 四捨五入 一杯飲む 日本一 一体
    一瞬 世界一 一昨日 八王子 一橋大学 四谷 三宮 三島由紀夫 山本五十六 九十九里浜
"""

#: What is not the same and must not become so.
TRAPS = """
    一番 ≠ 1番
    十分 ≠ 10分
    一時 ≠ 1時
    二三人 ≠ 23人
    二三人 ≠ 二十三人
    数百人 ≠ 100人
    百円 ≠ 百ドル
    $150 ≠ ¥150
    $150 ≠ 150
    マイナス五度 ≠ 五度
    -5度 ≠ 5度
    十五 ≠ 五十
    三十六 ≠ 3006
    三十六 ≠ 30 6
    3万5000 ≠ 3万50000
    午前三時 ≠ 午後三時
    午後三時 ≠ 十五時
    3% ≠ 3
    1/3 ≠ 3/1
    三点五 ≠ 三十五
    五十嵐 ≠ 50嵐
    千葉 ≠ 1000葉
    一心一意 ≠ 1心1意
    三位一体 ≠ 3位1体
    十人十色 ≠ 10人10色
    四国 ≠ 4国
    八百屋 ≠ 800屋
    第三者 ≠ 第3者
    三日月 ≠ 3日月
    2024年3月5日 ≠ 2024年5月3日
    CO2 ≠ CO 2
    1 2 ≠ 12
    二・二六事件 ≠ 2.26事件
    一・二年生 ≠ 1.2年生
    一世を風靡 ≠ 1世を風靡
"""


@pytest.mark.parametrize(
    ("kind", "spoken", "written"), [(kind, *pair) for kind, table in PAIRS.items() for pair in alike(table)]
)
def test_two_ways_to_write_the_same_become_one(kind, spoken, written):
    assert CHAIN(spoken) == CHAIN(written)


@pytest.mark.parametrize("word", WORDS.split())
def test_what_is_no_number_stays(word):
    assert numbers_in_one_form(word) == word
    assert numbers_in_one_form(f"これは{word}。") == f"これは{word}。"


@pytest.mark.parametrize(("one", "other"), unlike(TRAPS))
def test_what_differs_stays_different(one, other):
    assert CHAIN(one) != CHAIN(other)


@pytest.mark.parametrize(
    "text", ["012-345-678", "2024/13/05", "一万二億", "1.23456万", "25:30", "192.168.1.1", "第3四半期"]
)
def test_what_is_no_such_number_stays(text):
    assert numbers_in_one_form(text) == text


def test_canonical_forms():
    forms = {
        "二〇二四年三月五日": "2024年3月5日",
        "三千五百万円": "35000000円",
        "午後三時半": "午後3時30分",
        "〇九〇の一二三四の五六七八": "09012345678",
        "三分の一": "1/3",
    }
    assert {text: numbers_in_one_form(text) for text in forms} == forms


@given(st.integers(0, 10**12 - 1))
def test_numbers_come_back_as_num2words_has_them(number):
    words = num2words(number, lang="ja")
    assert numbers_in_one_form(f"{words}円") == f"{number}円"
    assert numbers_in_one_form(f"{number:,}円") == f"{number}円"


@pytest.mark.parametrize("n", [2_000, pytest.param(10_000, marks=pytest.mark.acceptance)])
def test_no_two_numbers_become_one(n):
    drawn = random.Random(1)
    numbers = {*range(n), *(drawn.randrange(10**12) for _ in range(n // 2))}
    assert len({CHAIN(num2words(number, lang="ja") + "個") for number in numbers}) == len(numbers)


def test_wetext_agrees_where_it_is_right():
    """Its grammar leaves scales from 万 on as they are, so numbers below are asked."""
    wetext = pytest.importorskip("wetext").Normalizer(lang="ja", operator="itn")
    drawn = random.Random(2)
    for number in [drawn.randrange(10, 10_000) for _ in range(300)]:
        text = num2words(number, lang="ja") + "円"
        assert wetext.normalize(text) == numbers_in_one_form(text)


NUMERALS = "〇零一二三四五六七八九十百千万億兆点年月日時分半円人個回第約数、。・,. -/:¥$%°のはを"
PHRASES = (
    "・",
    "世",
    "ボルト",
    "ゼロ",
    "メートル",
    "km",
    "パーセント",
    "12",
    "3",
    "2024",
    "0",
    "午後",
    "マイナス",
    "十分",
    "一番",
    "四国",
)
PIECES = st.sampled_from([*NUMERALS, *PHRASES])
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=12).map("".join))


@given(TEXTS)
def test_applying_twice_changes_nothing(text):
    once = numbers_in_one_form(text)
    assert numbers_in_one_form(once) == once
    once = CHAIN(text)
    assert CHAIN(once) == once


@given(st.text().filter(lambda text: not re.search(r"[0-9〇零一二三四五六七八九十百千万億兆ゼ−-]", text)))
def test_text_without_numbers_is_left_alone(text):
    assert numbers_in_one_form(text) == text
