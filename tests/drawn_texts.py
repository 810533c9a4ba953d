"""Presets with all their options, and texts to draw for them: in their letters, with the words that steps look for."""

from __future__ import annotations

import itertools

from hypothesis import strategies as st

from asrlab.normalize import RUNGS, normalizer
from asrlab.normalize.languages import BASIC, LANGUAGES

#: What each language is written with, beside a to z.
LETTERS = {
    "basic": "aéßøıİαςΣбёابहिनกำ我가か",
    "zh": "我的是在有不这中国人一二三臺灣裏著乾呃，。「」《》〇々",
    "yue": "佢哋喺嘅冇唔係呃咗乜嘢邊度，。「」",
    "en": "abcdeimnorstuvwéñœæ’‘“”—",
    "ja": "あいうえおかがきっゃーンアカガパヴｱｶﾞﾊﾟｰ゛゜々人今日は、。「」・〜",
    "de": "äöüßÄÖÜẞ„“’",
    "ko": "가나다각힣ㄱㅏㅋㅠ각，。",
    "ru": "абвеёжзийклмнопрстущъыьэюяЁ«»—",
    "fr": "àâæçéèêëîïôœùûüÿÀÉŒ’«»",
    "pt": "ãõàáâéêíóôúçüÃÉ",
    "ar": "ابتثجحخدذرزسشصضطظعغفقكلمنهويءآأؤإئىةٱیکـًٌٍَُِّْٰٓٔ٠١٢٣٫٬٪؟،ﻛﻼﷺ",
    "it": "àèéìíîòóùúÀÈ’",
    "es": "áéíóúñüÑ¿¡ºª",
    "hi": "अआइईउऊएऐओऔकखगघङचछजञटठडढणतथदधनपफबभमयरलवशषसहािीुूेैोौंँः़्क़ड़०१२।॥",
    "id": "abcdeéngy-",
    "th": "กขคงจชดตถทนบปพฟมยรลวสหอฮะัาำิีึืุูเแโใไๆฯ็่้๊๋์ํ๐๑๒฿",
    "tr": "çğıiİIöşüâîûÇŞ’'",
    "uk": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюяҐЄІЇ’ʼ",
    "vi": "ăâđêôơưàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵĐÐ",
    "cs": "áčďéěíňóřšťúůýžČŘ„“",
    "da": "æøåÆØÅéǿ»«",
    "fil": "ñÑáâàngy’'-",
    "fi": "äöåÄÖšž:",
    "is": "áðéíóúýþæöÐÞ„“",
    "ms": "abcdeéngy-",
    "no": "æøåÆØÅéòô«»",
    "pl": "ąćęłńóśźżĄŁŚŻ„”",
    "sv": "åäöÅÄÖé:",
}
#: Words that steps look for, so that drawn text has them beside each other and beside marks.
WORDS = """
can't won't don't dont i'm you'll've let's colour e mail e-mail good-bye per cent mr ok
um uh huh mm hmm er öh ähm euh ehm э э-э хм emm ııı øhm उम्म えーと あのー 呃 打呃 呃逆
peut-être l' d' e' что-то по-моему всё-таки всё ещё хто-небудь Ankara'ya a'nin Kur'an EU:n EU:s a:s:ta
daß groß Straße geht's hòa qúy lingüiça idéia vôo perchè pò guión ó évènement हिन्दी सम्बन्ध
1,234,567 12,34,567 1~000 3½ 10² -5 –5 $3.50 150€ 20% 10:15 3/4 C++ A+ #1 ½5 ٣٫٥ %12,5'e %5% R$~50
""".replace("~", "\u202f").split()
#: Combining marks, digits, what has no width, symbols, signs.
OTHERS = "0123٣३๓５ .,:;'\"’!?-–−/%+#&$€°²½…_\u0301\u0307\u0308\u0323\u0327\u3099\u20e3\u00a0\u202f\u200b\u200d"
OTHERS += "\u200e\u2060\ufeff\u00ad\ufe0f\u034f😀👍🏽❤①ﬁ′″´`\n\t"


def text_of(language):
    pieces = st.sampled_from([*LETTERS[language], *LETTERS[language].upper(), *"abcinst", *OTHERS])
    return st.lists(st.one_of(pieces, st.sampled_from(WORDS), st.just(" "), st.characters()), max_size=14).map("".join)


def options_of(language):
    """All combinations of the options that a preset has, save numbers."""
    steps = BASIC if language == "basic" else LANGUAGES[language]
    switches = [name for name in ("spelling", "fillers") if getattr(steps, name)]
    for chosen in itertools.product([False, True], repeat=len(switches)):
        for script in (None, "keep") if steps.script else (None,):
            yield {"script": script, **dict(zip(switches, chosen, strict=True))}


def chains(language):
    """A preset with all its options and up to each rung before numbers."""
    yield from (normalizer(language, **options) for options in options_of(language))
    yield from (normalizer(language, upto=rung) for rung in RUNGS if rung != "numbers")
