"""Spellings and fillers: what is one word in two spellings, what is left alone, and the tables that say so."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import asrlab.normalize
from asrlab.normalize import fillers, normalizer, spelling
from asrlab.normalize.english import british_to_american, contractions_open, words_together
from asrlab.normalize.languages import LANGUAGES

HOME = Path(asrlab.normalize.__file__).parent


def british():
    return dict(spelling.table("english_spelling.tsv"))


def test_the_table_of_english_spellings_is_what_its_script_writes():
    lines = (HOME / "english_spelling.tsv").read_text("utf-8").splitlines()
    about = " ".join(line for line in lines if line.startswith("#"))
    named = ("tests/tables/spellings.py", "whisper-normalizer", "SCOWL", "Kevin Atkinson")
    assert all(name in about for name in named)
    pairs = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z]+\t[a-z]+", line) for line in pairs)
    assert pairs == sorted(pairs, key=lambda line: line.split("\t")[0])
    assert len(british()) == len(pairs) > 3000
    assert not british().keys() & set(british().values())  # so that twice is once


def test_no_american_word_stands_for_two_british_ones_that_are_not_the_same_word():
    """Several British spellings of one American are variants of each other."""
    shared = {american for american, n in Counter(british().values()).items() if n > 1}
    variants = {american.removesuffix("s").removesuffix("r").removesuffix("d").removesuffix("e") for american in shared}
    assert {re.sub("ing$", "", word) for word in variants} == {"anesthetiz", "coloriz", "tranquiliz", "yogurt"}


@pytest.mark.parametrize(
    "word",
    """
    tyre tyres cheque cheques storey storeys kerb draught draughts metre metres programme programmes practise practises
    licence licences disc discs tonne tonnes gaol groyne philtre gage gauge fillet bevvy busses gasses dialogue prologue
    savoury arbour louvre analyses paralyses aeroplane aluminium flautist behove misspelt mum towards learnt mhm mmm
    whilst whisky tranquilly caesar paedology mantoes loesses
    """.split(),  # noqa: SIM905 - to be read
)
def test_what_is_another_word_or_sounds_otherwise_is_in_no_table(word):
    """Whisper's normalizer merges most of these."""
    assert word not in british()
    assert british_to_american(word) == word


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("don't can't won't shan't mustn't", "do not can not will not shall not must not"),
        ("i'm you're he'll they've let's", "i am you are he will they have let us"),
        ("i'd've shouldn't've", "i'd have should not have"),
        ("y'all're who're", "y'all are who are"),
        ("john's it's she's he'd ain't", "john's it's she's he'd ain't"),
        ("cant wont lets ill were its hell", "cant wont lets ill were its hell"),
        ("o'reilly o'clock ma'am d'you", "o'reilly o'clock ma'am d'you"),
        ("dont isnt hadnt", "do not is not had not"),
        ("outlets outlet's lets", "outlets outlet's lets"),
        ("cannot can not", "can not can not"),
    ],
)
def test_contractions_are_opened_up_where_that_is_possible_in_one_way_only(text, expected):
    assert contractions_open(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the e mail's text", "the email's text"),
        ("vitamin e mailed it", "vitamin emailed it"),
        ("from day to day", "from day to day"),
        ("the mail", "the mail"),
        ("per cents", "per cents"),
    ],
)
def test_words_are_put_together_where_they_are_whole(text, expected):
    assert words_together(text) == expected


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "de",
            "straße groß größe fuß füße spaß spaßt maß mäßig heißt weiß außen süß büßt grüßt gruß ruß floß schoß kloß "
            "stoß bloß fleiß preußen dreißig strauß draußen muße buße schließt ließ aß saß vergaß fraß gemäß andrea's "
            "wies wie's",
        ),
        ("ru", "всё небо нёбо осёл осел узнаём узнаем чём о чём всём"),
        ("vi", "quý qúy của hoàn tuần huỳnh khuya hóan"),
        ("pt", "têm tem vêm pára para avó avô sessão facto fato müller só céu herói heróis"),
        ("it", "é è caffè né ne sé se perché tè papà"),
        ("es", "sólo solo él el aún aun sí mí esté"),
        ("fr", "sur sûr du dû maître mûr événement clé"),
        ("hi", "जन्म अन्न उन्हें अन्य सुनता इन्कार हंस हँस"),
        ("en", "john's it's he'd tire check story meter dialogue colors"),
    ],
)
def test_spelling_leaves_alone_what_is_a_word_of_its_own(language, words):
    assert normalizer(language, spelling=True)(words) == normalizer(language)(words)


def test_the_german_spellings_of_before_1996():
    before = (
        "daß muß mußte wußte gewußt bewußtsein läßt verläßlich schluß fluß einfluß kuß nuß genuß schuß prozeß kongreß"
    )
    before += (
        " streß riß biß bißchen schloß haß häßlich paß kompaß faß gefaßt anlaß naß ißt vergißt mißt mißverständnis"
    )
    before += " rußland flußbett nußknacker paßwort beeinflußt müßte gewiß roß indeß expreßt preßt"
    expected = before.replace("ß", "ss")
    assert spelling.german_spelling(before) == expected


def test_most_russian_words_with_yo_are_spelt_either_way():
    words = "ещё её моё идёт ребёнок самолёт чёрный берёза пошёл счёт зелёный трёх"
    spelt = spelling.russian_spelling(words).split()
    assert [word for word in spelt if "ё" in word] == []
    apart = spelling._apart_by_yo()
    assert len(apart) > 2500
    assert {"всё", "нёбо", "осёл", "узнаём", "чём"} <= apart
    assert all(re.fullmatch("[а-яё-]*ё[а-яё-]*", word) for word in apart)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "Um, I... uh, think, hmm, so.", "i think so"),
        ("en", "Uh-huh. Mm-hmm. Uh-uh. Uh-oh. Um-hum. Mhm. Nuh-uh.", "uh huh mm hmm uh uh uh oh um hum mhm nuh uh"),
        ("en", "Um. Uh-huh.", "uh huh"),
        ("en", "umm uhm uhh ermm hmmm hm", ""),
        ("en", "The ER has an umbrella, her, hum, ah, oh, er.", "the er has an umbrella her hum ah oh er"),
        ("zh", "我，呃，呃，想去", "我想去"),
        ("zh", "他打呃了，呃逆。嗯，啊，那个", "他打呃了呃逆嗯啊那个"),
        ("zh", "呃 OK 呃 go", "ok go"),
        ("ja", "えーと、あのー、今日は", "今日は"),
        ("ja", "えっと今日は", "今日は"),
        ("ja", "ええと思う。あの人。えー。ねえっと", "ええと思う あの人 えー ねえっと"),
        ("de", "Äh, das ist, ähm, gut, eh.", "das ist gut eh"),
        ("ru", "Э-э, это буква э, хм.", "это буква э"),
        ("fr", "Euh, ben oui, hein.", "ben oui hein"),
        ("tr", "ııı evet", "evet"),
        ("pl", "yyy no tak, y", "no tak y"),
        ("sv", "öh ja, ö", "ja ö"),
        ("da", "øh ja, ø", "ja ø"),
        ("fi", "öö joo", "joo"),
    ],
)
def test_hesitations_are_left_out_and_what_may_be_a_word_or_an_answer_is_not(language, text, expected):
    assert normalizer(language, fillers=True)(text) == expected


def test_what_is_no_option_of_a_language_has_no_word_that_is_sure():
    with_fillers = {language for language, steps in LANGUAGES.items() if steps.fillers}
    assert set(LANGUAGES) - with_fillers == {"yue", "ko", "pt", "ar", "th", "vi", "fil"}
    with_spelling = {language for language, steps in LANGUAGES.items() if steps.spelling}
    assert with_spelling == {"en", "de", "ru", "fr", "pt", "it", "es", "hi", "vi"}


SOUNDS = "um uh huh mm hmm hm hum oh er erm nuh un yes i'm umhm uhm m h".split()  # noqa: SIM905 - to be read


@given(st.lists(st.sampled_from(SOUNDS), max_size=12).map(" ".join))
def test_fillers_once_are_fillers_twice_whatever_closes_ranks(text):
    once = fillers.english_fillers_out(text)
    assert fillers.english_fillers_out(once) == once
    assert [word for word in once.split() if word in {"yes", "i'm", "er", "oh"}] == [
        word for word in text.split() if word in {"yes", "i'm", "er", "oh"}
    ]
