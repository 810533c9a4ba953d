"""Sentences that show what a normalizer does in each language: all there, in its letters, with its features."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pandas as pd
import pytest

from asrlab.normalize.languages import LANGUAGES

PATH = Path(__file__).parents[1] / "notebooks" / "texts" / "sentences.tsv"
ROWS = pd.read_csv(PATH, sep="\t", dtype=str, keep_default_na=False)

#: Letters of each language in NFKC (Latin words are borrowed by all), and letters and marks that its ten must show.
LETTERS_AND_FEATURES = {
    "zh": ("一-鿿", "，。？！、“”「」《》：·—…２Ｐ%￥臺儿"),
    "yue": ("一-鿿㗎𨋢", "，。？！「」：２％$佢哋係冇嘅喺唔咗㗎𨋢话"),
    "en": ("a-zé", "’'“”$£%½—-é"),
    "ja": ("ぁ-ゖァ-ヺー々一-鿿", "、。？！「」『』（）～・々ーﾞﾊ２Ａ，％㈱"),
    "de": ("a-zäöüßé", "äöüß„“»«’-%€\u00a0"),
    "ko": ("가-힣一-鿿", "“”‘’·℃%￦美"),
    "ru": ("а-яё", "ёЁ«»„“—-%₽№\u00a0"),
    "fr": ("a-zàâçéèêëîïôœùûü", "àâçéèêëîïôœû«»’'-%€\u00a0\u202f"),
    "pt": ("a-zãõàáâéêíóôúç", "ãõàáâéêíóôúç“”«»’$-%\u00a0"),
    "ar": ("ء-ْ", "،؛؟«»أإآؤئىةـًَُِّْ٢٫٪,"),
    "it": ("a-zàèéìòù", "àèéìòù«»“”’€-%\u00a0"),
    "es": ("a-záéíóúñü", "áéíóúñü¿¡«»“”€$-%…\u00a0"),
    "hi": ("ऀ-ॿ", "।“”₹-२%\u0901\u093c\u095b"),
    "id": ("a-z", "“”’–-%"),
    "th": ("ก-๎", "\u0e33ๆฯ๑“”฿%\u0e4d"),
    "tr": ("a-zçğıİöşüâ", "çğıİöşüâ'’“”₺-%"),
    "uk": ("а-щьюяґєіїʼ", "ґєії'’ʼ«»—-%₴\u00a0"),
    "vi": (
        "a-zăâđêôơưàằầèềìòồờùừỳảẳẩẻểỉỏổởủửỷãẵẫẽễĩõỗỡũữỹáắấéếíóốớúứýạặậẹệịọộợụựỵ",
        "ăâđêôơưàảãáạ“”/-%\u0300\u0323",
    ),
    "cs": ("a-záčďéěíňóřšťúůýž", "áčďéěíňóřšťúůýž„“»«-%\u00a0"),
    "da": ("a-zæøå", "æøå»«”’-%½\u00a0"),
    "fil": ("a-zñ", "ñ“”’₱-%"),
    "fi": ("a-zåäöšž", "åäöšž”»’:-%€\u00a0"),
    "is": ("a-záðéíóúýþæö", "áðéíóúýþæö„“–-%"),
    "ms": ("a-z", "“”’-%"),
    "no": ("a-zæøåé", "æøåé«»-%\u00a0"),
    "pl": ("a-ząćęłńóśźż", "ąćęłńóśźż„”»«’–-%\u00a0"),
    "sv": ("a-zåäöéè", "åäöéè”»:-%\u00a0"),
}


def sentences(language):
    return ROWS.loc[ROWS["language"] == language, "sentence"].tolist()


def test_ten_rows_for_each_language_and_none_twice():
    assert ROWS.columns.tolist() == ["language", "sentence", "look_at"]
    assert len(LANGUAGES) == 27
    assert ROWS["language"].value_counts().to_dict() == dict.fromkeys(LANGUAGES, 10)
    assert ROWS["sentence"].is_unique
    # No quotation mark of a sentence is taken for one of the table.
    assert ["\t".join(row) for row in ROWS.itertuples(index=False)] == PATH.read_text("utf-8").split("\n")[1:-1]


def test_no_blanks_at_the_ends_and_no_long_remarks():
    for column in ROWS:
        assert ROWS.loc[ROWS[column] != ROWS[column].str.strip(), column].tolist() == []
    assert ROWS.loc[~ROWS["look_at"].str.split().str.len().between(2, 6), "look_at"].tolist() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_sentence_is_in_the_letters_of_its_language(language):
    letters, _ = LETTERS_AND_FEATURES[language]
    own = re.compile(f"[{letters}{letters.upper()}]")
    for sentence in sentences(language):
        found = [c for c in unicodedata.normalize("NFKC", sentence) if unicodedata.category(c)[0] in "LM"]
        mine = [c for c in found if own.match(c)]
        assert [c for c in found if c not in mine and not (c.isascii() and c.isalpha())] == [], sentence
        assert len(mine) > len(found) / 2, sentence


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_ten_together_show_the_features_of_their_language(language):
    text = "\n".join(sentences(language))
    _, features = LETTERS_AND_FEATURES[language]
    assert [c for c in features if c not in text and c not in text.lower()] == []
    assert re.search(r"\d[\d ()-]{5,}\d", text), "a telephone number"
