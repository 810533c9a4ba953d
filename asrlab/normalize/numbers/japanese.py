"""Numbers of Japanese: 百二十三 and 123, 三千五百万円 and ¥35,000,000, 午後三時半 and 午後3:30 in one form.

Kanji are numbers where something is counted or much is said: before a counter or a unit, after 第, or as a long run.
Elsewhere, as in 一緒, 四国, 五十嵐, they stay. Runs are converted by a few lines of our own: wetext 0.1.8, an oracle in
the tests, leaves scales in (3500万) and the counters of one to nine (二人), makes ℃ of every 度, and in a whole text
also converts 五十嵐, 千葉 and 十分.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

_DIGITS: Final = {numeral: str(value) for value, numeral in enumerate("〇一二三四五六七八九")} | {
    "零": "0",
    "ゼロ": "0",
}
_TENS: Final = {"十": 1, "百": 2, "千": 3}
_SCALES: Final = {"万": 4, "億": 8, "兆": 12}

_ROUNDS: Final = 6
_KANJI: Final = "\u3005\u4e00-\u9fff"
_KATAKANA: Final = "ァ-ヴー"
_NUMERAL: Final = "〇零一二三四五六七八九"

_COUNTERS: Final = (
    "人前|人称|人|名様?|個|回|周年|年間|年代|年度|年|ヶ月|か月|カ月|ヵ月|ケ月|箇月|月|日間|日|時間|時|分間|分|秒間?|円|銭"
    "|歳|才|階|枚|本|台|冊|匹|頭|羽|軒|杯|件|位|番目|番線|番地|番|号室|号車|号|週間|週|世紀|丁目|倍|割|点|度目|度"
    "|級|等|塁|次元|次|章|話|巻|ページ|頁|票|通|着|泊|畳|坪|文字|桁|勝|敗|連勝|連敗|種類|か所|カ所|ヶ所|箇所|か国|カ国|ヶ国"
    "|代|組|班|株|試合|打席|安打|得点|失点|周|期|車線|人組|社|校|段|球|軍|部屋|時限|限目|限|便|世帯|人目|日目|年目|回目|年生"
    "|学期|期生|世(?![界代紀間])|区|平方|立方|%|‰|°"
)
#: Not after a lone 一: "most", "temporary", "once", "full", and so on.
_NOT_AFTER_ONE: Final = re.compile(
    "番(?![目線地])|世|時(?!間|限|半|[0-9一二三四五六七八九十]+分)|度|杯|点|代|期|軍|段|球|部屋|倍|区"
)
_UNITS: Final = {
    "平方キロメートル|平方キロ|平方km": "km2",
    "平方メートル|平方m|平米": "m2",
    "立方メートル|立方m": "m3",
    "キロメートル": "km",
    "センチメートル|センチ": "cm",
    "ミリメートル": "mm",
    "メートル": "m",
    "キログラム": "kg",
    "ミリグラム": "mg",
    "グラム": "g",
    "ミリリットル": "ml",
    "リットル": "l",
    "トン": "t",
    "ヘクタール": "ha",
    "キロワット時|キロワットアワー": "kwh",
    "キロワット": "kw",
    "ワット": "w",
    "ボルト": "v",
    "アンペア": "a",
    "キロヘルツ": "khz",
    "メガヘルツ": "mhz",
    "ギガヘルツ": "ghz",
    "ヘルツ": "hz",
    "キロバイト": "kb",
    "メガバイト": "mb",
    "ギガバイト": "gb",
    "テラバイト": "tb",
    "キロカロリー": "kcal",
    "パーセント": "%",
    "パーミル": "‰",
    "°C?|度C": "度",
}
_LATIN_UNITS: Final = "|".join((*(unit for unit in _UNITS.values() if unit.isascii() and unit != "%"), "km/h"))
_MONEY: Final = {"¥": "円", "円": "円", "$": "ドル", "€": "ユーロ", "£": "ポンド"}

#: Words, names and idioms that a counter would make a number of.
_WORDS: Final = (
    "十人十色|三日坊主|三日月|三日天下|一日千秋|一日一善|二人三脚|三位一体|一期一会|二束三文|百人一首|千羽鶴|百発百中|一巻の終|二階堂"
    "|六本木|[一二三]本松|[一二三五六七八九]戸|百日紅|千日手|五月雨|五月蠅|五月晴|八百万(?=の神)|八百(?=[屋長])|千代|八千代|一両日|二日酔"
    "|四日市|五日市|八日市|六日町|十日町|十八番(?!目|線|地)|二番煎|五分五分|[七八]分(?=[袖丈目通咲])|腹八分|九分九厘|四分五裂"
    "|(?:同|統|単|均|唯|随|択|専|純|画|逐|万)一|一人間|三人寄れば|石の上にも三年|桃栗三年柿八年|人一倍|一本(?=[化気釣槍調筋道立締])"
    "|一匹狼|一枚(?=[岩上])|一軒家|一回り|一点張|第三者|第一(?=[^0-9{counters}])|二度と|三度の|三段論法|一次(?=第)|二枚目|三枚目|二枚舌"
    "|三つ(?=[巴編子])|二つ返事|七つ(?=[道の])|八つ(?=[当橋墓])|四つ(?=[角葉])|四六時中|四十九日|二十日(?=鼠|大根)|一日の長|一時期|七人の侍"
    "|三国|一年草|九十九里|五十三次|千里|百済|十五夜|一寸|三越|三井|三菱|七五三|五七五|三三七|五十音|四半期|三方|四方|八方"
)
_RUN: Final = re.compile(
    rf"(?P<word>{_WORDS.replace('{counters}', _KANJI)})"
    rf"|(?:(?<![0-9.])[0-9]+(?:\.[0-9]+)?(?=[十百千万億兆]))?[0-9{_NUMERAL}十百千万億兆]*[{_NUMERAL}十百千万億兆][0-9{_NUMERAL}十百千万億兆]*"
    rf"(?:点[{_NUMERAL}]+(?![十百千万億兆分]))?"
)
_AFTER: Final = re.compile(
    rf"(?:{_COUNTERS})|つ(?!き)|[{_KATAKANA}]{{2}}|(?:{_LATIN_UNITS})(?![a-z])|分の[0-9{_NUMERAL}十百]|対[{_NUMERAL}]",
    re.IGNORECASE,
)
_ALONE: Final = re.compile(rf"(?![{_KANJI}{_KATAKANA}0-9])")
_PREFIX: Final = re.compile(rf"(?:^|[^{_KANJI}0-9]|[約全計満各毎])$")
_FIGURES: Final = re.compile(rf"[{_NUMERAL}]{{3}}(?:番|号|便).?|[{_NUMERAL}]{{3}}号室")
_PART: Final = re.compile(rf"[0-9{_NUMERAL}十百](?:分の|対)$")
_TENS_OF_MINUTES: Final = re.compile("分(?:間|後|前|おき|ごと|以内|以上|ほど|くらい|ぐらい|程度|かか)")


def numbers_in_one_form(text: str) -> str:
    """Bring Japanese numbers to one form.

    Parameters
    ----------
    text : str
        NFKC'd text.

    Returns
    -------
    str
        The text with its numbers as ``35000000円``, ``3%``, ``500m``, ``2024年3月5日``, ``午後3時30分``, ``1/3``,
        ``09012345678``; everything else as it was.

    Examples
    --------
    >>> numbers_in_one_form("二〇二四年三月五日に三千五百万円を払った。")
    '2024年3月5日に35000000円を払った。'
    >>> numbers_in_one_form("五十嵐さんと四国へ一緒に行った。")
    '五十嵐さんと四国へ一緒に行った。'
    """
    if not _ANYTHING.search(text):
        return text
    # What one rule has made may be what another looks for: until nothing changes.
    for _ in range(_ROUNDS):
        before = text
        for pattern, replace in _BEFORE:
            text = pattern.sub(replace, text)
        text = _RUN.sub(_in_digits, text)
        for pattern, replace in _RULES:
            text = pattern.sub(replace, text)
        if text == before:
            break
    return text


def _in_digits(match: re.Match[str]) -> str:
    run = match[0]
    if match["word"] or not _is_meant(match):
        return run
    whole, point, decimals = run.partition("点")
    value = _value(whole)
    if value is None:
        # 一一〇番 and 一一九番 are read figure by figure; 二三人 are two or three.
        after = match.string[match.end() : match.end() + 2]
        return "".join(map(_DIGITS.__getitem__, run)) if _FIGURES.fullmatch(run + after) else run
    return f"{value}.{''.join(_DIGITS[digit] for digit in decimals)}" if point else value


def _is_meant(match: re.Match[str]) -> bool:
    """Tell whether a run of numerals is a number, by what stands beside it."""
    run, text, end = match[0], match.string, match.end()
    before = text[max(0, match.start() - 3) : match.start()]
    if re.search("[0-9点]", run):
        return True
    if before.endswith(("数", "幾", "何")):
        return False
    if run == "十" and text.startswith("分", end):
        # 十分, "enough"; ten minutes only where the words around it leave no doubt.
        return before.endswith("時") or bool(_TENS_OF_MINUTES.match(text, end))
    if run == "一" and _NOT_AFTER_ONE.match(text, end):
        return before.endswith("第") or (before.endswith(("午前", "午後")) and text.startswith("時", end))
    counted = _AFTER.match(text, end) or _PART.search(before) or (before.endswith("第") and run != "一")
    if counted or run == text.strip(" 。、.,!?"):
        return True
    return len(run) > 1 and bool(_ALONE.match(text, end) and _PREFIX.search(before))


def _value(run: str) -> str | None:
    """Read a run of numerals; None if it is no number: 二三 are two or three."""
    if not re.search("[十百千万億兆]", run):
        digits = "".join(_DIGITS.get(numeral, numeral) for numeral in run)
        return digits if len(run) == 1 or len(run) > 3 or (len(run) > 1 and re.search("[〇零]", run)) else None
    total = 0
    room = 16
    for group, scale in re.findall("([^万億兆]*)([万億兆]|$)", run):
        zeros = _SCALES.get(scale, 0)
        value = _below_ten_thousand(group, zeros)
        if not group and not scale:
            continue
        if value is None or zeros >= room:
            return None
        total, room = total + value, zeros
    return str(total)


def _below_ten_thousand(group: str, zeros: int) -> int | None:
    """Read what stands before a scale of so many zeros: 三千五百, 3500, 3.5, 3千5百."""
    if found := re.fullmatch(r"([0-9]+)(?:\.([0-9]+))?", group):
        decimals = found[2] or ""
        return int((found[1] + decimals).ljust(len(found[1]) + zeros, "0")) if len(decimals) <= zeros else None
    if found := re.fullmatch(r"([0-9]+)\.([0-9]+)([千百])", group):
        decimals = found[2].ljust(_TENS[found[3]], "0")
        return int(found[1] + decimals) * 10**zeros if len(decimals) == _TENS[found[3]] else None
    found = re.fullmatch(
        rf"(?:(?P<n3>[1-9{_NUMERAL}]?)千)?(?:(?P<n2>[1-9{_NUMERAL}]?)百)?(?:(?P<n1>[{_NUMERAL}]?)十)?(?P<n0>[1-9{_NUMERAL}]?)",
        group,
    ) or re.fullmatch(r"(?P<n3>[1-9])千(?P<rest>[0-9]{3})(?P<n2>)(?P<n1>)(?P<n0>)", group)
    if not found or not group:
        return None
    value = sum(
        int(_DIGITS.get(found[f"n{place}"], found[f"n{place}"]) or (place > 0)) * 10**place
        for place in range(4)
        if found[f"n{place}"] is not None
    )
    return int(value * 10**zeros)


def _telephone(match: re.Match[str]) -> str:
    digits = "".join(_DIGITS.get(part, part) for part in re.findall(rf"[0-9{_NUMERAL}]|ゼロ", match[0]))
    return digits if digits.startswith("0") and 10 <= len(digits) <= 11 else match[0]


def _date(match: re.Match[str]) -> str:
    month, day = int(match[3]), int(match[4])
    return f"{match[1]}年{month}月{day}日" if 1 <= month <= 12 and 1 <= day <= 31 else match[0]


def _clock(match: re.Match[str]) -> str:
    hours, minutes = int(match[1]), int(match[2])
    return match[0] if hours > 24 else f"{hours}時{minutes}分" if minutes else f"{hours}時"


@cache
def _unit(word: str) -> str:
    return next(unit for spoken, unit in _UNITS.items() if re.fullmatch(spoken, word, re.IGNORECASE))


_N: Final = r"(?<![0-9.])([0-9]+(?:\.[0-9]+)?)"
_DIGIT_OR_NUMERAL: Final = rf"(?:[0-9{_NUMERAL}]|ゼロ)"
_Replacement: TypeAlias = "str | Callable[[re.Match[str]], str]"


def _rules(*rules: tuple[str, _Replacement]) -> tuple[tuple[re.Pattern[str], _Replacement], ...]:
    return tuple((re.compile(pattern, re.IGNORECASE), replace) for pattern, replace in rules)


_ANYTHING: Final = re.compile(rf"[0-9{_NUMERAL}十百千]")
_BEFORE: Final = _rules(
    (r"(?<![0-9,.])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])", lambda m: m[0].replace(",", "")),
    (
        rf"(?<![0-9{_NUMERAL}十百千万a-z-])\(?(?:0|〇|零|ゼロ){_DIGIT_OR_NUMERAL}{{1,4}}\)?[- の]?"
        rf"{_DIGIT_OR_NUMERAL}{{1,4}}[- の]?{_DIGIT_OR_NUMERAL}{{3,4}}(?![0-9{_NUMERAL}十百千万年-])",
        _telephone,
    ),
    (
        rf"(?<![{_NUMERAL}十百千万0-9])([一二三四五六七八九])、(?=[一二三四五六七八九](?:{_COUNTERS}))",
        lambda m: f"{_DIGITS[m[1]]}、",
    ),
    # As newspapers write decimals from top to bottom.
    (
        rf"(?<![0-9{_NUMERAL}十百千万・])([{_NUMERAL}]+)・"
        rf"(?=[{_NUMERAL}]+(?:倍|割|%|ポイント|[万億兆]|{'|'.join((*_UNITS, *_MONEY.values()))}))",
        r"\1点",
    ),
    (r"(?<=[0-9]) (?=[万億兆](?![0-9]))", ""),
)
_RULES: Final = _rules(
    (r"(?<![0-9./-])((?:19|20)[0-9]{2})([/.-])([0-9]{1,2})\2([0-9]{1,2})(?![0-9./-])", _date),
    (r"(?<![0-9])0([1-9])(?=[月日時])", r"\1"),
    (r"(?<![0-9:])([0-9]{1,2}):([0-5][0-9])(?![0-9:])", _clock),
    (r"(?<![0-9])([0-9]{1,2})時半", r"\1時30分"),
    (rf"{_N}分の([0-9]+)(?![0-9.])", r"\2/\1"),
    (rf"{_N} ?({'|'.join(_UNITS)})", lambda m: m[1] + _unit(m[2])),
    (rf"{_N} (?=(?:{_LATIN_UNITS}|%|円|人|年|月|日|時|分)(?![a-z]))", r"\1"),
    (rf"{_N}(?:km/h|キロ毎時)", r"時速\1km"),
    (rf"(?<=時速){_N}キロ(?!メ)", r"\1km"),
    (rf"(?<![0-9{_NUMERAL}])([¥$€£]) ?{_N}(?![0-9])", lambda m: m[2] + _MONEY[m[1]]),
    (rf"{_N} ?([¥$€£])", lambda m: m[1] + _MONEY[m[2]]),
    (r"(?<![0-9.])([0-9]+)(ドル|ユーロ)([0-9]{1,2})セント", lambda m: f"{m[1]}.{int(m[3]):02d}{m[2]}"),
    (r"(?<=[0-9])(?:か|カ|ヵ|ケ|箇)(?=[月所国])", "ヶ"),
    (rf"(?:(?<=[ぁ-ん、。 ])|^)[-−](?={_N}(?:度|%|円|点|ポイント|m|km))", "マイナス"),
)
