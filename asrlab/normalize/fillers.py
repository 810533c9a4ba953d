"""Fillers: sounds of hesitation that are never a word and never an answer. An option of a normalizer.

What may be either stays: "mm-hmm" and "uh-huh" are yes, "uh-uh" is no, "uh-oh" trouble. So do English er (an ER), ah
and like; French hein and ben; German eh and hm; Spanish and Italian eh; Japanese えー (yes), うーん, and ええと, which
in Osaka is "good, that"; Chinese 嗯 (yes), 啊 and 那个; Cantonese 呃 (to cheat); Korean 음 and 어 (yes); Vietnamese ờ
(yes); Thai เอ่อ (to brim over); Filipino ano and Indonesian anu (what); Arabic آه (yes). A language that has nothing
else has no such option.
"""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.scripts import HAN, UNSEGMENTED, han_together

# What looks like one and says something: uh-huh, mm-hmm, um-hum (yes), uh-uh, huh-uh (no), uh-oh.
_EN_SAYS: Final = r"u+h+ (?:huh+|hum+|uh+|oh+)|u+m+ (?:hum+|h+m+)|(?:huh+|nuh|un) uh+|m+ h+u?m+"
_EN: Final = re.compile(rf"(?<!\S)(?:({_EN_SAYS})|u+h+m*|u+m+|erm+|h+m{{2,}}|hm)(?!\S)")


def _hesitation(sounds: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\S)(?:{sounds})(?!\S)")


_DE: Final = _hesitation("ä+h+m*|ö+h+m*|e+hm+")  # äh ähm öh öhm ehm
_FR: Final = _hesitation("e+u+h+|heu+")  # euh heu
_IT: Final = _hesitation("e+hm+|u+hm+")  # ehm uhm; eh is a word
_ES: Final = _hesitation("e+hm+")  # ehm; eh, este and em are words or letters
_RU: Final = _hesitation("э(?: ?э)+|эм{2,}|э{2,}м+|хм+")  # э-э, эмм, хм; э and эм are names of letters
_UK: Final = _hesitation("е(?: ?е)+|ем{2,}|хм+|гм+")
_PL: Final = _hesitation("y{2,}|e{3,}|e+hm+")  # yyy; y alone is a letter
_CS: Final = _hesitation("e+hm+|é{3,}")
_TR: Final = _hesitation("ı{2,}h*|ı+h+m+")  # ııı ıhm
_SCANDINAVIAN: Final = _hesitation("ø+h+m*|ö+h+m*|æ+hm+|e+hm+")  # øh øhm öh öhm ehm; eh, äh and hm may say something
_FI: Final = _hesitation("ö{2,}h*m*|ö+h+m*|e+hm+")  # öö öhm
_IS: Final = _hesitation("e+hm+|ö+h*m+|ö{2,}h*")
_MALAY: Final = _hesitation("e+hm+|em{2,}")  # ehm emm
_HI: Final = _hesitation("उम्म+|हम्म+")
# Where there are no spaces between words, only what a mark or space has set apart before it is taken for one. 呃逆
# is hiccups, and so is 打呃.
_JA: Final = re.compile(rf"(?<!\S)(?:えー+っ?とー*|えっとー*|あのー+|そのー+)(?![^\s{UNSEGMENTED}])")
_ZH: Final = re.compile(rf"(?<![^\s{HAN}])(?<![打饱飽])呃+(?!逆)(?![^\s{HAN}])")


def english_fillers_out(text: str) -> str:
    """Leave out um, uh, erm, hmm."""
    return _left_out(_EN, text)


def chinese_fillers_out(text: str) -> str:
    """Leave out 呃."""
    return han_together(_left_out(_ZH, text)) if "呃" in text else text


def japanese_fillers_out(text: str) -> str:
    """Leave out えーと, えっと, あのー."""
    return _left_out(_JA, text)


def german_fillers_out(text: str) -> str:
    """Leave out äh, ähm."""
    return _left_out(_DE, text)


def french_fillers_out(text: str) -> str:
    """Leave out euh."""
    return _left_out(_FR, text)


def italian_fillers_out(text: str) -> str:
    """Leave out ehm."""
    return _left_out(_IT, text)


def spanish_fillers_out(text: str) -> str:
    """Leave out ehm."""
    return _left_out(_ES, text)


def russian_fillers_out(text: str) -> str:
    """Leave out э-э, эмм, хм."""
    return _left_out(_RU, text)


def ukrainian_fillers_out(text: str) -> str:
    """Leave out еее, емм, хм, гм."""
    return _left_out(_UK, text)


def polish_fillers_out(text: str) -> str:
    """Leave out yyy, eee."""
    return _left_out(_PL, text)


def czech_fillers_out(text: str) -> str:
    """Leave out ehm, ééé."""
    return _left_out(_CS, text)


def turkish_fillers_out(text: str) -> str:
    """Leave out ııı."""
    return _left_out(_TR, text)


def scandinavian_fillers_out(text: str) -> str:
    """Leave out øh, øhm, öh, ehm."""
    return _left_out(_SCANDINAVIAN, text)


def finnish_fillers_out(text: str) -> str:
    """Leave out öö, öhm."""
    return _left_out(_FI, text)


def icelandic_fillers_out(text: str) -> str:
    """Leave out ehm, öm."""
    return _left_out(_IS, text)


def malay_fillers_out(text: str) -> str:
    """Leave out ehm, emm."""
    return _left_out(_MALAY, text)


def hindi_fillers_out(text: str) -> str:
    """Leave out उम्म, हम्म."""
    return _left_out(_HI, text)


def _left_out(fillers: re.Pattern[str], text: str) -> str:
    """Leave out what a pattern finds, save its first group, until there is no more: what is left may close ranks."""
    while (rest := fillers.sub(_group, text)) != text:
        text = " ".join(rest.split())
    return text


def _group(found: re.Match[str]) -> str:
    return (found.lastindex and found[1]) or " "
