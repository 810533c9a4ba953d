"""Foreign: scripts, the identifier, and the two flags of answers in another script or language."""

from __future__ import annotations

import unicodedata
from itertools import combinations

import foreign_corpora as corpora
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrlab.errors import InvalidInput
from asrlab.scoring import hints, identify
from asrlab.scoring.flags import foreign
from asrlab.scoring.flags.listening import listen
from asrlab.scoring.flags.writing import languages_in, script_of_language, writing


def listened(pairs, language, hint=None, detected=None, **columns):
    """Let answers be heard: (transcript, reference or None) each."""
    ids = [f"u{n}" for n in range(len(pairs))]
    heard = pd.DataFrame({"utt_id": ids, "text": [pair[0] for pair in pairs], "detected_language": detected, **columns})
    said = pd.DataFrame({"utt_id": ids, "text": [pair[1] for pair in pairs], "language": language})
    parameters = pd.DataFrame({"utt_id": ids, "language": pd.array([hint] * len(ids), dtype="string")})
    blind = said["text"].isna().all()
    return listen(
        heard,
        None if blind else said,
        parameters=parameters,
        form=None,
        unit="auto",
        normalizer="auto",
        language=language,
        variants=None,
    ).heard


def script(text, reference, language, **more):
    return foreign.mismatched(listened([(text, reference)], language, **more))


def translation(text, reference, language, **more):
    return foreign.translated(listened([(text, reference)], language, **more))


class TestWriting:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", {}),
            ("25 % – 1,250.50 €", {}),
            ("three short words 3", {"Latin": 3}),
            ("Größe café ﬁn", {"Latin": 3}),
            ("ＡＢＣ ｶﾅ", {"Latin": 1, "Japanese": 0.6}),
            ("Привіт, їжаче", {"Cyrillic": 2}),
            ("안녕 세상", {"Hangul": 2}),
            ("مرحبا بالعالم", {"Arabic": 2}),
            ("नमस्ते दुनिया", {"Devanagari": 2}),
            ("我用iPhone", {"Chinese": 1, "Latin": 1}),
            ("新鮮の果物在這裡賣很多很多", {"Chinese": 6, "Japanese": 0.3}),  # one kana does not make it Japanese
            ("enseñу", {"Latin": 5 / 6, "Cyrillic": 1 / 6}),  # the last letter is Cyrillic
            ("γειά שלום", {"Greek": 1, "Hebrew": 1}),
        ],
    )
    def test_by_hand(self, text, expected):
        assert writing(text) == pytest.approx(expected)

    @pytest.mark.parametrize("language", sorted(corpora.parallel()))
    def test_each_language_is_in_its_script(self, language):
        own = script_of_language(language)
        for text in corpora.parallel()[language]:
            found = writing(text)
            assert max(found, key=found.get) == own
        assert own == "Latin" or language in languages_in(own)

    def test_language_of_no_known_script(self):
        assert script_of_language(None) is script_of_language("tlh") is script_of_language("Chinese") is None

    @given(st.text())
    def test_any_text(self, text):
        found = writing(text)
        assert all(size > 0 for size in found.values())
        assert bool(found) <= any(c.isalpha() for c in unicodedata.normalize("NFKC", text))


class TestScript:
    @pytest.mark.parametrize(
        ("text", "reference", "language"),
        [
            ("привет всем вам", "hello to all of you", "en"),
            ("hello to all of you", "привет всем вам", "ru"),
            ("wo men ming tian jian", "我们明天见", "zh"),
            ("I use an iPhone", "我用iPhone给你打电话", "zh"),
            ("彼女は今日ここにいません", "她今天不在这里", "zh"),
            ("她今天不在这里，我们明天再来吧", "彼女は今日ここにいません、明日また来ましょう", "ja"),
            ("그녀는 오늘 여기에 없어요", "彼女は今日ここにいません", "ja"),
            ("Si no duerme mañana, Иремо запьи на плажа", "Si no llueve mañana iremos a pie a la playa", "es"),
            ("담았습니다", "Il gatto dorme sulla sedia vicino alla finestra", "it"),
        ],
    )
    def test_flagged(self, text, reference, language):
        (found,) = script(text, reference, language)
        assert found.flag == "script"
        assert 0 < found.value <= 1

    @pytest.mark.parametrize(
        ("text", "reference", "language"),
        [
            ("", "hello to all", "en"),
            ("1,250.50", "одна тысяча двести пятьдесят", "ru"),
            ("我用iPhone给你打电话", "我用苹果手机给你打电话", "zh"),  # a brand
            ("Call me on my Handy", "ruf mich auf dem Handy an", "de"),
            ("我覺得這個 budget 不夠", "我觉得这个 budget 不够", "zh"),  # Traditional is no other script here
            ("deadline is 明天", "deadline 是明天", "zh"),
            ("this is what they call a deadline", "this is what they call a deadline", "zh"),  # said in English
            ("好的", "OK", "zh"),
            ("はい、東京です", "東京大学法学部", "ja"),
            ("東京大学", "とうきょうだいがく", "ja"),
            ("ワタシハココニイマス", "私はここにいます", "ja"),
            ("hello", "", "zh"),  # nothing was said: words out of silence are another flag
            ("Иван", "", "en"),
            ("OK", "好的好的", "zh"),
        ],
    )
    def test_not_flagged(self, text, reference, language):
        assert script(text, reference, language) == []

    def test_loanwords_in_latin_letters_alarm_unless_the_reference_has_them_too(self):
        # The Notes say so: nothing but a list of words tells them from English.
        text, own = "मुझे meeting schedule करनी है", "मुझे मीटिंग शेड्यूल करनी है"
        assert len(script(text, own, "hi")) == 1
        both = "मुझे {मीटिंग|meeting} {शेड्यूल|schedule} करनी है"
        assert script(text, both, "hi") == script(own, both, "hi") == []

    def test_says_what_it_saw(self):
        (found,) = script("Что hace 1 año", "que hace un año", "es", hint="ru")
        assert found.value == pytest.approx(1 / 3)
        assert found.what == "33% of the words are in Cyrillic letters where Latin ones were said; ru was the hint"

    def test_without_a_reference_the_language_tells(self):
        (found,) = script("привет всем", None, "en")
        assert "expected" in found.what
        assert script("привет всем", None, "ru") == []
        assert script("привет всем", None, None) == []

    def test_unknown_language_goes_by_the_reference(self):
        assert len(script("привет всем", "hello all", None)) == 1
        assert script("hello everyone", "hello all", None) == []

    def test_a_language_in_another_script_than_usual_is_judged_by_its_reference(self):
        # Hindi referenced in Latin letters: Devanagari is another script than the reference's.
        assert len(script("मैं कल घर जाऊँगा और सोऊँगा", "main kal ghar jaunga aur sounga", "hi")) == 1
        assert script("main kal ghar jaunga", "main kal ghar jaunga aur sounga", "hi") == []


class TestTranslation:
    @pytest.mark.parametrize(
        ("text", "reference", "language", "hint", "found"),
        [
            ("The dog sleeps next to the door", "El perro duerme al lado de la puerta", "es", "en", "en"),
            ("The dog sleeps next to the door", "El perro duerme al lado de la puerta", "es", None, "en"),
            ("The dog sleeps next to the door", "El perro duerme al lado de la puerta", "es", "ru", "en"),
            ("If it rains we stay at home today", "今天下雨的话我们就待在家里", "zh", "en", "en"),
            ("電車が遅れたので電話をかけました", "The train was late so I called", "en", "ja", "ja"),
            ("电车晚点了所以我打了电话", "電車が遅れたので電話をかけました", "ja", "zh", "zh"),
            ("Anak-anak bermain di kebun sementara nenek memasak", "Dzieci bawią się w ogrodzie", "pl", "ms", "ms"),
        ],
    )
    def test_flagged(self, text, reference, language, hint, found):
        (flag,) = translation(text, reference, language, hint=hint)
        assert flag.flag == "translation"
        assert flag.what.startswith(f"reads as {found} where {language} was spoken")
        assert flag.what.endswith(f"{hint} was the hint" if hint else "no hint was sent")
        assert flag.begin == 0

    @pytest.mark.parametrize(
        ("text", "reference", "language"),
        [
            ("", "El perro duerme al lado de la puerta", "es"),
            ("The dog", "El perro duerme al lado de la puerta", "es"),  # too short
            ("El gato come debajo de una mesa", "El perro duerme al lado de la puerta", "es"),  # wrong, in its language
            ("okay okay okay okay okay okay okay", "El perro duerme al lado de la puerta", "es"),  # a loop
            ("the story of the story of the story of the story of", "El perro duerme al lado de la puerta", "es"),
            (
                "a quick greeting around our budgets which council cancels today",
                "the quick meeting about the budget was cancelled yesterday",
                "es",  # the reference is English too
            ),
            ("Kjell Bjarne Tøllefsen", "Kjell Bjarne Tollefsen", "en"),
            ("this week we have a meeting 在北京", "this week we had a meeting 在背景", "zh"),
            ("born on the 十四th of July 一千九百六十二", "born on the fourteenth of July nineteen sixty two", "en"),
            ("a text for silence in any language", "", "es"),
        ],
    )
    def test_not_flagged(self, text, reference, language):
        hint = "zh" if language == "en" else "en"
        assert translation(text, reference, language, hint=hint) == []

    def test_near_relations_are_one_to_a_third(self):
        # Malay or Indonesian, about even: neither alone is sure enough.
        text = "Anak-anak bermain di kebun sementara nenek memasak"
        assert identify.identify([text.lower().replace("-", " ")], ["id", "ms", "pl"]).max() < foreign._SURE
        (flag,) = translation(text, "Dzieci bawią się w ogrodzie", "pl")
        assert flag.value > 0.95

    def test_a_stretch_has_its_place(self):
        said = "Mañana por la mañana vamos al mercado porque mi hermano quiere comprar pescado fresco"
        text = "Mañana por la mañana vamos al mercado because my brother wants to buy fresh fish"
        (flag,) = translation(text, said, "es", hint="en")
        assert (flag.begin, flag.end) == (7, 15)

    def test_without_a_reference(self):
        assert len(translation("The dog sleeps next to the door", None, "es")) == 1
        assert translation("The dog sleeps next to the door", None, "en") == []
        assert translation("The dog sleeps next to the door", None, None) == []

    def test_spoken_language_is_read_from_the_reference_where_it_is_not_given(self):
        said = "El perro del vecino duerme siempre al lado de la puerta"
        (flag,) = translation("The dog of the neighbour always sleeps next to the door", said, None)
        assert "where es was spoken" in flag.what

    def test_codes_of_other_lists(self):
        reference = "Barna leker i hagen mens bestemoren deres lager suppe til middag"
        assert translation("Barna leker hagen men bestemor deres lagde suppe", reference, "nb") == []
        assert identify.code_of("zh-yue") == identify.code_of("ZH_yue_Hant") == "yue"
        assert identify.code_of("zh-yueh") == identify.code_of("zh-HK") == "zh"
        assert translation("Naglalaro sa hardin ang mga batang ito", "Naglalaro ang mga bata sa hardin", "tl") == []

    def test_language_that_the_library_does_not_know(self):
        assert translation("The dog sleeps next to the door", "toH tlhIngan Hol vIjatlh 'ej", "tlh") == []


def all_stretches(gains):
    sums = [(sum(gains[a:b]), a, b) for a, b in combinations(range(len(gains) + 1), 2)]
    return max((total for total, _, _ in sums), default=0)


@given(st.lists(st.sampled_from([-0.5, -0.25, 0.0, 0.3, 0.5, 1.0]), max_size=12))
def test_the_stretch_is_the_best_there_is(gains):
    first, last = foreign._best_stretch(gains)
    assert sum(gains[first:last]) == pytest.approx(max(0, all_stretches(gains)))


class TestIdentify:
    def test_probabilities_add_up(self):
        found = identify.identify(["guten Tag, meine Damen", "", "123", "我们明天见"], ["de", "zh", "no", "fil"])
        assert found.shape == (4, 4)
        np.testing.assert_allclose(found.sum(axis=1), 1)
        np.testing.assert_allclose(found[1], [0.2, 0.2, 0.4, 0.2])  # nothing is known: two labels are Norwegian
        assert found.argmax(axis=1).tolist()[::3] == [0, 1]

    def test_same_as_the_library_limited_to_these_languages(self):
        from py3langid import langid

        own = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
        own.set_languages(["de", "es", "en", "zh"])
        texts = [text for language in ("de", "es", "en", "zh", "da") for text in corpora.sentences()[language]]
        found = identify.identify(texts, ["de", "es", "en", "zh"])
        for text, row in zip(texts, found, strict=True):
            theirs = dict(own.rank(text))
            np.testing.assert_allclose(row, [theirs[code] for code in ("de", "es", "en", "zh")], atol=1e-4)

    def test_nothing_to_tell(self):
        assert identify.identify([]).shape == (0, 27)

    def test_unknown_language(self):
        with pytest.raises(InvalidInput, match=r"'tlh'.* does not know that language"):
            identify.identify(["x"], ["en", "tlh"])
        assert identify.known(["tlh", "nl", "fil", "no"]) == ["nl", "fil", "no"]

    def test_accuracy_on_texts_it_was_not_chosen_by(self):
        said = [(language, text) for language, texts in corpora.parallel().items() for text in texts]
        found = identify.identify([text for _, text in said]).argmax(axis=1)
        right = [identify.LANGUAGES[place] == language for (language, _), place in zip(said, found, strict=True)]
        assert np.mean(right) > 0.97


@pytest.fixture(scope="module")
def planted():
    made = corpora.plant(corpora.parallel(), seed=7, n=40)
    transcripts, references, parameters = corpora.as_tables(made)
    return corpora.told(made, hints.foreign(transcripts, references, parameters=parameters))


@pytest.mark.parametrize("flag", ["script", "translation"])
def test_planted_answers(planted, flag):
    easy = planted[~planted["kind"].str.contains("hard")]
    found, there = easy[f"{flag} flagged"], easy[flag]
    assert there.sum() > 40
    assert found[there].mean() >= 0.95
    assert found[~there].mean() <= 0.02


def test_order_does_not_matter():
    made = corpora.plant(corpora.parallel(), seed=8, n=4)
    heard = listened([(one.text, one.reference) for one in made], None)
    for find in (foreign.mismatched, foreign.translated):
        forth, back = find(heard), find(heard[::-1])
        assert {found.row: found for found in forth} == {found.row: found for found in back}


WORDS = st.sampled_from(
    [
        *("the", "dog", "我", "们", "です", "привет", "ok", "25", "{", "}", "été", "\ufb01", "\u200d", "\u0301"),
        *("🙂", "a\u0328b", "มา"),
    ]
)
TEXTS = st.one_of(st.text(max_size=20), st.lists(WORDS, max_size=12).map(" ".join))


@settings(deadline=None, max_examples=4)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=6, max_size=12), st.sampled_from([None, "en", "zh", "ja", "hi"]))
def test_any_texts(pairs, language):
    plain = str.maketrans("", "", "{}|\\")
    heard = listened([(text, said.translate(plain)) for text, said in pairs], language)
    for one in (*foreign.mismatched(heard), *foreign.translated(heard)):
        assert 0 < one.value <= 1 + 1e-9
        if one.begin is not None:
            assert 0 <= one.begin < one.end <= len(heard[one.row].units)
