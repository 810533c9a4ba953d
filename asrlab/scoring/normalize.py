"""Normalizers: named, versioned chains of text to text that take away what must not count as an error.

What a normalizer does decides the error rate as much as the engine does, so its name and version stand in every table.
A change that can alter a count makes a new version.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

from asrlab.errors import InvalidInput
from asrlab.scoring.tokens import CHINESE, base_language, only_han

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CURRENCY = r"$¢-¥฿\u20a0-\u20cf"
_HAN = r"\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_SCRIPTS: Final = ("fold", "keep")


@dataclass(frozen=True, repr=False)
class Normalizer:
    """A named chain of steps from text to text.

    Parameters
    ----------
    name : str
        Name and version as it stands in tables, such as ``"en-1"``.
    steps : tuple of callables
        Functions of one text, applied in order. The chain should be idempotent.

    Examples
    --------
    >>> shout = Normalizer("shout-1", (str.upper,))
    >>> shout("hello")
    'HELLO'
    >>> shout
    <Normalizer shout-1: upper>
    """

    name: str
    steps: tuple[Callable[[str], str], ...]

    def __call__(self, text: str) -> str:
        """Apply all steps to one text."""
        for step in self.steps:
            text = step(text)
            if not isinstance(text, str):
                raise InvalidInput(f"Step {_name(step)!r} of {self!r} gave {text!r} for a text. It must return a text.")
        return text

    def __repr__(self) -> str:
        names = [_name(step).replace("_", " ") for step in self.steps]
        return f"<Normalizer {self.name}: {' > '.join(names) or 'text as it is'}>"


def _name(step: Callable[[str], str]) -> str:
    return str(getattr(step, "__name__", type(step).__name__))


#: What a caller may give: a name (or "auto"), a normalizer, or one of these for each language.
NormalizerChoice: TypeAlias = "str | Normalizer | Mapping[str, str | Normalizer]"


def normalizer(name: str, *, script: str = "fold") -> Normalizer:
    """Get a normalizer by its name.

    Parameters
    ----------
    name : str
        ``"none"`` leaves text as it is.
        ``"basic"``, for any language: compatibility forms (NFKC, with Thai and Lao AM kept whole), case fold, curly
        quotes to straight, punctuation and symbols to white space. All combining marks stay: in Thai and Hindi they are
        vowels.
        ``"en"``: as basic, but lower case, and the commas that group thousands go.
        ``"zh"``: as basic, but lower case, no white space between Han characters, and Traditional script folded to
        Simplified.
        In all but ``"none"``, marks that belong to a number stay (``3.5``, ``10:15``, ``3/4``, ``-5``, ``$150``,
        ``20%``), because "$150" is not "150"; and apostrophes inside words stay.
        A name with its version, as it stands in a table (``"zh-1+script=keep"``), gives the same normalizer again.
    script : {"fold", "keep"}
        For ``"zh"``: fold Traditional to Simplified (OpenCC, ``t2s``), or keep the script as it is. Folding is the
        default because Whisper and its kin write either script, and a context in one script switches it: unfolded, that
        would pass for recognition errors. Keep the script where the script itself is under test, or where the reader
        must get the one that was asked for.

    Returns
    -------
    Normalizer
        Callable on a text.

    Raises
    ------
    InvalidInput
        If there is no such normalizer or option.

    Examples
    --------
    >>> normalizer("en")("It’s $1,500.50 -- at 10:15, half-price!")
    "it's $1500.50 at 10:15 half price"
    >>> normalizer("zh")("臺灣的天氣，很 熱。")
    '台湾的天气很热'
    >>> normalizer("zh", script="keep").name
    'zh-1+script=keep'
    """
    bare, _, kept = name.partition("+script=")
    script = kept or script
    if script not in _SCRIPTS:
        raise InvalidInput(f"script must be one of {', '.join(_SCRIPTS)}, not {script!r}.")
    if script == "keep" and bare.removesuffix("-1") != "zh":
        raise InvalidInput(f'script= is an option of normalizer("zh") only, not of {bare!r}. Leave it out.')
    chains = {
        "none": Normalizer("none", ()),
        "basic": Normalizer("basic-1", (*_FIRST, str.casefold, *_MARKS, compatibility_forms, single_spaces)),
        "en": Normalizer(
            "en-1", (*_FIRST, str.lower, thousands_commas_out, *_MARKS, commas_out, compatibility_forms, single_spaces)
        ),
        "zh": Normalizer(
            "zh-1" if script == "fold" else "zh-1+script=keep",
            (
                *(*_FIRST, str.lower, thousands_commas_out, *_MARKS, compatibility_forms, single_spaces),
                han_together,
                *((traditional_to_simplified,) if script == "fold" else ()),
            ),
        ),
    }
    by_name = {**chains, **{chain.name.partition("+")[0]: chain for chain in chains.values()}}
    if bare not in by_name:
        raise InvalidInput(
            f"There is no normalizer {name!r}; there are {', '.join(chains)}. For your own chain of steps make "
            'asrlab.scoring.Normalizer("mine-1", (step, step, ...)) and pass that.'
        )
    return by_name[bare]


def normalizer_for(language: str | None, text: str = "") -> Normalizer:
    """Choose the normalizer for a language: en, zh (also for yue and the other Chinese ones), else basic.

    Where the language is not known, a text in Han characters without kana is taken for Chinese.
    """
    base = base_language(language) or ("zh" if only_han(text) else "")
    return normalizer("en" if base == "en" else "zh" if base in CHINESE else "basic")


def choose(wanted: NormalizerChoice, language: str | None, text: str = "") -> Normalizer:
    """Find the normalizer that is meant for a language.

    Parameters
    ----------
    wanted : str, Normalizer, or mapping of language to either
        ``"auto"`` goes by the language (:func:`normalizer_for`). A mapping is asked for the tag as it is, then for its
        plain code.
    language : str or None
        Language code of the recording.
    text : str
        Its reference, for where the language is not known.

    Returns
    -------
    Normalizer
        Callable on a text.

    Raises
    ------
    InvalidInput
        If a name is unknown, or a mapping lacks the language.
    """
    if isinstance(wanted, Normalizer):
        return wanted
    if isinstance(wanted, str):
        return normalizer_for(language, text) if wanted == "auto" else normalizer(wanted)
    for tag in (language or "", base_language(language)):
        if tag in wanted:
            return choose(wanted[tag], language, text)
    raise InvalidInput(
        f"normalizer= gives one for {', '.join(map(repr, wanted)) or 'no language'}, and there are recordings in "
        f'{language or ""!r}. Add that language to the mapping (as "auto" for the usual one).'
    )


class _Classes(dict[int, int | str]):
    """A translation table that looks a character's class up once: punctuation, symbols and controls to white space."""

    def __missing__(self, code: int) -> int | str:
        category = unicodedata.category(chr(code))
        self[code] = "" if category == "Cf" else " " if category[0] in "PSZ" or category in {"Cc", "Cs"} else code
        return self[code]


# Marks that may belong to a word or a number pass here; the steps after it look at what stands beside them.
_TO_SPACE: Final = _Classes(
    {ord(sign): sign for sign in "'.,:/-%‰"}
    # Marks that only choose how the character before looks: left alone, an emoji's would count as a word.
    | dict.fromkeys((0x20E3, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)), "")
    | {ord(sign): "/" for sign in "⁄∕"}
    | {0x2212: "-"}
    | {code: code for code in (0x24, *range(0xA2, 0xA6), 0x0E3F, *range(0x20A0, 0x20D0))}
)
_QUOTES: Final = str.maketrans(dict.fromkeys("‘’‚‛ʼ′´`＇", "'") | dict.fromkeys("“”„‟«»", '"') | {"ŉ": "'n"})
_FRACTION_OF_MIXED: Final = re.compile(r"(?<=\d)(?=[¼-¾⅐-⅟↉])")
_LOOSE_APOSTROPHE: Final = re.compile(r"(?<!\w)'|'(?!\w)")
# One class of marks comes first and what stands beside each kind is looked at after: a search can then skip to marks.
_LOOSE_MARK: Final = re.compile(
    rf"[-.,:/%‰{_CURRENCY}](?:(?<=[.,:/])(?:(?<!\d.)|(?!\d))|(?<=-)(?:(?<=\S-)|(?![{_CURRENCY}]?\d))"
    rf"|(?<=[%‰])(?<!\d.)|(?<=[{_CURRENCY}])(?<!\d.)(?!\d))"
)
_SIGN: Final = re.compile(rf"[%‰{_CURRENCY}]")
_SPACED_SIGN: Final = re.compile(rf"(?<=\d)\s+(?=[%‰{_CURRENCY}](?!\s*\d))")
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_SPACE_IN_HAN: Final = re.compile(rf"(?<=[{_HAN}])\s+(?=[{_HAN}])")


def straight_quotes(text: str) -> str:
    """Write curly, low and angled quotes straight."""
    return text.translate(_QUOTES)


def compatibility_forms(text: str) -> str:
    """Bring text to NFKC, but keep Thai and Lao SARA AM one character, and 3½ apart from 31/2."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", _FRACTION_OF_MIXED.sub(" ", text))
    return text.replace("\u0e4d\u0e32", "\u0e33").replace("\u0ecd\u0eb2", "\u0eb3")


def punctuation_out(text: str) -> str:
    """Turn punctuation, symbols and controls into white space; leave what may belong to a word or number."""
    return text.translate(_TO_SPACE)


def numbers_keep_their_marks(text: str) -> str:
    """Join ``150 €``, and turn the marks that are left into white space where they do not belong to a number."""
    if _SIGN.search(text):
        text = _SPACED_SIGN.sub("", text)
    return _LOOSE_MARK.sub(" ", text)


def words_keep_apostrophes(text: str) -> str:
    """Turn apostrophes into white space unless they stand inside a word."""
    return _LOOSE_APOSTROPHE.sub(" ", text) if "'" in text else text


def thousands_commas_out(text: str) -> str:
    """Take the commas out of 1,000,000."""
    return _THOUSANDS.sub("", text) if "," in text else text


def commas_out(text: str) -> str:
    """Turn the commas that are left into white space."""
    return text.replace(",", " ")


def single_spaces(text: str) -> str:
    """Leave one space between words and none at the ends."""
    return " ".join(text.split())


def han_together(text: str) -> str:
    """Take out the white space between Han characters."""
    return _SPACE_IN_HAN.sub("", text)


def traditional_to_simplified(text: str) -> str:
    """Fold Traditional Chinese to Simplified (OpenCC, t2s)."""
    # Until nothing changes: 薴 becomes 苧, which is itself the Traditional form of 苎.
    while (folded := _opencc().convert(text)) != text:
        text = folded
    return text


@cache
def _opencc():  # type: ignore[no-untyped-def]  # noqa: ANN202  # opencc publishes no types
    import opencc  # noqa: PLC0415  # loads dictionaries: only where Chinese is folded

    return opencc.OpenCC("t2s")


_FIRST: Final = (straight_quotes, compatibility_forms)
_MARKS: Final = (punctuation_out, numbers_keep_their_marks, words_keep_apostrophes)
