"""Languages: what a normalizer does for each of those that the service has, step by step."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from asrlab.normalize import fillers
from asrlab.normalize.case import lower_case, turkish_lower_case
from asrlab.normalize.characters import (
    arabic_letters,
    compatibility_forms,
    ligatures_open,
    single_spaces,
    straight_quotes,
    vietnamese_d,
    voiced_kana,
)
from asrlab.normalize.english import british_to_american, contractions_open, words_together
from asrlab.normalize.marks import (
    commas_out,
    numbers_keep_their_marks,
    punctuation_out,
    signs_stay,
    thousands_commas_out,
    words_keep_apostrophes,
)
from asrlab.normalize.scripts import han_together, traditional_to_simplified, vowel_marks_out
from asrlab.normalize.spelling import (
    french_spelling,
    german_spelling,
    hindi_spelling,
    italian_spelling,
    portuguese_spelling,
    russian_spelling,
    spanish_spelling,
    vietnamese_spelling,
)
from asrlab.normalize.word_marks import (
    finnish_colons,
    french_elisions,
    french_hyphens,
    italian_apostrophes,
    russian_hyphens,
    swedish_colons,
    turkish_percent,
    turkish_suffixes,
    ukrainian_hyphens,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Step = Callable[[str], str]

#: Languages written in Chinese characters alone.
CHINESE: Final = frozenset({"zh", "cmn", "yue", "wuu", "nan"})


class Steps(NamedTuple):
    """What a normalizer does, by the rung of the ladder that each step belongs to; applied in this order.

    Parameters
    ----------
    characters : tuple of callables
        One code for each character, whatever the keyboard or the encoding made of it.
    case : tuple of callables
        One case.
    punctuation : tuple of callables
        Marks that are not part of a word or number, to white space.
    script : tuple of callables
        One script where a language has several.
    spelling : tuple of callables
        One spelling of each word; an option.
    fillers : tuple of callables
        Hesitations left out; an option.
    special : str
        What is special to the language, in a line.
    """

    characters: tuple[Step, ...]
    case: tuple[Step, ...]
    punctuation: tuple[Step, ...]
    script: tuple[Step, ...] = ()
    spelling: tuple[Step, ...] = ()
    fillers: tuple[Step, ...] = ()
    special: str = ""


def base_language(language: str | None) -> str:
    """Give the plain code of a language tag: ``"zh-TW"`` is ``"zh"``.

    None is ``""``, and so is what is no code that the languages here are known by ("zho", "Chinese"): nothing then is
    concluded from it.
    """
    base = re.split("[-_]", language or "", maxsplit=1)[0].lower()
    return base if len(base) == 2 or base in CHINESE or base == "fil" else ""


def preset_of(language: str | None) -> str | None:
    """Name the preset for a language tag, None where there is none: ``"zh-TW"`` has ``"zh"``, ``"nb"`` has ``"no"``."""
    base = base_language(language)
    code = {"nb": "no", "nn": "no", "tl": "fil"}.get(base, "zh" if base in CHINESE - {"yue"} else base)
    return code if code in LANGUAGES else None


def _steps(
    special: str = "",
    *,
    first: tuple[Step, ...] = (),
    then: tuple[Step, ...] = (),
    case: Step = lower_case,
    words: tuple[Step, ...] = (),
    hyphens: Step = numbers_keep_their_marks,
    commas: bool = True,
    together: tuple[Step, ...] = (),
    **options: tuple[Step, ...],
) -> Steps:
    """Put the steps of a language together from what it has beside the ones that all have.

    Parameters
    ----------
    special : str
        What is special to it.
    first, then : tuple of callables
        For characters, before and after what all languages have.
    case : callable
        Lower case.
    words : tuple of callables
        For marks that belong to words.
    hyphens : callable
        Marks that belong to no number, to white space.
    commas : bool
        Whether the comma may stand before decimals; else it only groups thousands, and goes.
    together : tuple of callables
        For the white space, last.
    **options : tuple of callables
        Script, spelling and fillers.
    """
    grouping, left = ((), ()) if commas else ((thousands_commas_out,), () if together else (commas_out,))
    # What is left of a word may have an accent or white space too many.
    tidied = {
        option: made if option == "script" else (*made, compatibility_forms, single_spaces)
        for option, made in options.items()
    }
    return Steps(
        (*first, compatibility_forms, straight_quotes, *then),
        (case,),
        (
            *(*grouping, *words, punctuation_out, signs_stay, hyphens, words_keep_apostrophes, *left),
            *(compatibility_forms, single_spaces, *together),
        ),
        special=special,
        **tidied,
    )


BASIC: Final = _steps()
#: The languages of the service (its documentation, list of languages), by its codes.
LANGUAGES: Final[dict[str, Steps]] = {
    "zh": _steps(
        "Traditional is folded to Simplified (OpenCC t2s, which leaves 著 and 着, 乾 of 乾坤), white space between "
        "characters goes; 她, 他 and 它 stay, though they sound the same.",
        commas=False,
        together=(han_together,),
        script=(traditional_to_simplified,),
        fillers=(fillers.chinese_fillers_out,),
    ),
    "yue": _steps(
        "As Chinese; Cantonese words (喺, 嘅, 佢哋) have no other form and stay.",
        commas=False,
        together=(han_together,),
        script=(traditional_to_simplified,),
    ),
    "en": _steps(
        "Apostrophes inside words stay (it's, John's); contractions and British spellings only by spelling=True.",
        then=(ligatures_open,),
        commas=False,
        spelling=(contractions_open, british_to_american, words_together),
        fillers=(fillers.english_fillers_out,),
    ),
    "ja": _steps(
        "Half-width kana full, voiced marks on their kana; kana and kanji of one word (ことば, 言葉) stay two.",
        first=(voiced_kana,),
        commas=False,
        fillers=(fillers.japanese_fillers_out,),
    ),
    "de": _steps(
        "ß is no ss (Maße, Masse); spelling=True has daß as dass, and geht's as gehts.",
        spelling=(german_spelling,),
        fillers=(fillers.german_fillers_out,),
    ),
    "ko": _steps("Jamo are put together to syllables; the spaces between words count as written.", commas=False),
    "ru": _steps(
        "Hyphens of что-то and по-моему stay; ё stays (все, всё), save by spelling=True where no other word is meant.",
        hyphens=russian_hyphens,
        spelling=(russian_spelling,),
        fillers=(fillers.russian_fillers_out,),
    ),
    "fr": _steps(
        "l'homme is one word, as written; œ is oe; the hyphen of peut-être stays, since peut être is something else.",
        then=(ligatures_open,),
        words=(french_elisions,),
        hyphens=french_hyphens,
        spelling=(french_spelling,),
        fillers=(fillers.french_fillers_out,),
    ),
    "pt": _steps(
        "Hyphens of pronouns to white space (deu-lhe); spelling=True has linguiça, ideia and voo of 1990.",
        spelling=(portuguese_spelling,),
    ),
    "ar": _steps(
        "Tatweel goes, Persian kaf and yeh are the Arabic letters, vowel marks are left out by script, and kept by "
        'script="keep"; seats of hamza, ة and ى stay, since they tell words apart.',
        then=(arabic_letters,),
        script=(vowel_marks_out, compatibility_forms, single_spaces),
    ),
    "it": _steps(
        "dell'arte is one word, as written; e' is è; spelling=True has perchè as perché.",
        words=(italian_apostrophes,),
        spelling=(italian_spelling,),
        fillers=(fillers.italian_fillers_out,),
    ),
    "es": _steps(
        "¿ and ¡ go, accents and ñ stay (año, ano; sólo, solo); spelling=True takes off the accent of guión and fué.",
        spelling=(spanish_spelling,),
        fillers=(fillers.spanish_fillers_out,),
    ),
    "hi": _steps(
        "Vowel signs and nasal marks stay, the danda goes; spelling=True has हिन्दी as हिंदी.",
        commas=False,
        spelling=(hindi_spelling,),
        fillers=(fillers.hindi_fillers_out,),
    ),
    "id": _steps("Doubled words (anak-anak) are two.", fillers=(fillers.malay_fillers_out,)),
    "th": _steps(
        "Vowels and tones stay, SARA AM whole; ๆ and ฯ stay, since what they stand for depends on the word.",
        commas=False,
    ),
    "tr": _steps(
        "I is ı and İ is i; the apostrophe before the suffix of a name goes (Ankara'ya), that of Kur'an stays; %20 is "
        "20%.",
        case=turkish_lower_case,
        words=(turkish_suffixes, turkish_percent),
        fillers=(fillers.turkish_fillers_out,),
    ),
    "uk": _steps(
        "The apostrophe is a letter, whichever sign it is typed with; hyphens of будь-хто and по-моєму stay.",
        hyphens=ukrainian_hyphens,
        fillers=(fillers.ukrainian_fillers_out,),
    ),
    "vi": _steps(
        "Tones and vowels in one code point; spelling=True has the tone of hòa where hoà has it.",
        then=(vietnamese_d,),
        spelling=(vietnamese_spelling,),
    ),
    "cs": _steps("Length and hooks tell words apart and stay.", fillers=(fillers.czech_fillers_out,)),
    "da": _steps("æ, ø and å are letters; aa stays aa.", fillers=(fillers.scandinavian_fillers_out,)),
    "fil": _steps(
        "Apostrophes at the edge of a word go ('yung), inside they stay (ako'y); hyphens to white space.",
        commas=False,
    ),
    "fi": _steps(
        "Long and short vowels tell words apart; the colon before a suffix goes (EU:n).",
        words=(finnish_colons,),
        fillers=(fillers.finnish_fillers_out,),
    ),
    "is": _steps("þ, ð, æ and accents are letters.", fillers=(fillers.icelandic_fillers_out,)),
    "ms": _steps("Doubled words (kanak-kanak) are two.", commas=False, fillers=(fillers.malay_fillers_out,)),
    "no": _steps(
        "æ, ø and å are letters; forms of bokmål (boken, boka) are words of their own.",
        fillers=(fillers.scandinavian_fillers_out,),
    ),
    "pl": _steps("ą, ę, ł, ó and the rest are letters of their own.", fillers=(fillers.polish_fillers_out,)),
    "sv": _steps(
        "å, ä and ö are letters; the colon before an ending goes (EU:s).",
        words=(swedish_colons,),
        fillers=(fillers.scandinavian_fillers_out,),
    ),
}
