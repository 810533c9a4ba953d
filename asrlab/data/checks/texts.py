"""Checks of references: what in a text would be counted as an error of whoever did not hear it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache
from html.entities import html5
from typing import TYPE_CHECKING, Final, NamedTuple

from asrlab.data.checks.findings import Finding
from asrlab.data.rows import rows_of
from asrlab.errors import InvalidInput
from asrlab.text import plain
from asrlab.wordings import first_wording, may_have_alternatives, parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pandas as pd

    from asrlab.data.dataset import Dataset

_EXAMPLES: Final = 2  # texts shown of those that have something in common
_SHOWN: Final = 40  # characters of a text in a finding
_CASED: Final = 8  # letters of a text in capitals: fewer may be an abbreviation
_MANY: Final = 5  # times that a text is said, before that is worth a note

_TAG: Final = re.compile(
    r"</?(?:a|b|big|blockquote|body|br|center|code|div|em|font|h[1-6]|head|hr|html|i|iframe|img|input|li|link|meta|ol|p"
    r"|pre|ruby|rt|rp|script|small|span|strong|style|su[bp]|svg|t[dhrt]|table|u|ul)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_MARKUP: Final = re.compile(
    r"<[/\w][^<>\n]{0,40}>|\[[^\[\]\n]{1,60}\]|\{[^{}|\n]{1,60}\}|\(\([^()\n]{0,60}\)\)|(?<!\S)%[a-z]{2,}"
    r"|\((?:noise|laugh\w*|inaudible|unintelligible|music|applause|cough\w*|silence|crosstalk)\)",
    re.IGNORECASE,
)
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Without a shape: soft hyphen, marks and turns of direction, zero width, byte order mark, tags. Joiners stand apart.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_JOINER: Final = re.compile("[\u200c\u200d]")
# Scripts that joiners belong to, and signs that they make one of several.
_JOINED: Final = re.compile(
    "[\u0600-\u06ff\u0750-\u077f\u0900-\u0dff\u1000-\u109f\u1780-\u17ff\ufe0f\U0001f000-\U0001faff]"
)
_LOST: Final = re.compile("[\ufffd\ue000-\uf8ff]")
# What bytes from 0x80 on look like where they are read as Windows-1252, and as Latin-1 where that has none.
_AS_CP1252: Final = {
    ord(bytes([byte]).decode("cp1252", "replace")): byte
    for byte in range(0x80, 0xA0)
    if bytes([byte]).decode("cp1252", "replace") != "\ufffd"
}
# Quotation marks, dashes and dots may well follow a capital Ã or Â of their own.
_MOJIBAKE: Final = re.compile(
    "[\xc2\xc3][\x80-\x84\x86-\x90\x98-\xaa\xac-\xba\xbc-\xbf]|(?:[\xd0\xd1][\x80-\xbf]){2}"
    "|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_DIGIT: Final = re.compile(r"\d")
_NO_LETTER: Final = re.compile(r"[\W_]+")
_WORD: Final = re.compile(r"\w+")
_SPELLED: Final = re.compile(r"\S*[^\W_]\S*")

_CHINESE: Final = frozenset({"CJK"})
_SCRIPTS: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("zh", "cmn", "yue", "wuu", "nan"), _CHINESE),
    "ja": frozenset({"CJK", "HIRAGANA", "KATAKANA"}),
    "ko": frozenset({"HANGUL", "CJK"}),
    **dict.fromkeys(("ru", "uk"), frozenset({"CYRILLIC"})),
    "ar": frozenset({"ARABIC"}),
    "hi": frozenset({"DEVANAGARI"}),
    "th": frozenset({"THAI"}),
    **dict.fromkeys(
        ("en", "de", "fr", "pt", "it", "es", "id", "tr", "vi", "cs", "da", "fil", "fi", "is", "ms", "no", "pl", "sv"),
        frozenset({"LATIN"}),
    ),
}
# Greek letters stand for quantities in all languages.
_KNOWN_SCRIPTS: Final = frozenset({
    *frozenset().union(*_SCRIPTS.values()),
    *("HEBREW", "BENGALI", "TAMIL", "TELUGU", "GUJARATI", "GURMUKHI", "KANNADA", "MALAYALAM", "GEORGIAN", "ARMENIAN"),
    *("KHMER", "LAO", "MYANMAR", "ETHIOPIC", "TIBETAN", "SINHALA", "BOPOMOFO", "MONGOLIAN"),
})  # fmt: skip
_SWITCHES: Final = re.compile(r"code.?switch|code.?mix|mixed.?language|multilingual", re.IGNORECASE)

#: Units said in a second by the fastest of speakers: characters of Chinese, Japanese and Korean, letters of scripts
#: written without spaces, words of all others. The readers of 17 languages measured by Coupé, Oh, Dediu and Pellegrino
#: (Science Advances 5(9), 2019, eaaw2594) said 4 to 9 syllables a second; these are 1.4 times as many, at 1.8 syllables
#: a word and a syllable a character.
CHARACTERS_PER_S: Final = 13.0
LETTERS_PER_S: Final = 30.0
WORDS_PER_S: Final = 7.0
_CHARACTER: Final = re.compile(
    "[\u3041-\u309f\u30a1-\u30fa\u31f0-\u31ff\uff66-\uff9f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7a3"
    "\U00020000-\U0003ffff]"
)
_LETTER: Final = re.compile("[\u0e01-\u0e2e\u0e81-\u0eae\u1000-\u102a\u1780-\u17b3]")
_APART: Final = re.compile(f"{_CHARACTER.pattern}|[\u0e01-\u0e5b\u0e81-\u0edf\u1000-\u109f\u1780-\u17f9]")


class Said:
    """What was said in each utterance, on each channel."""

    def __init__(self, dataset: Dataset) -> None:
        self.rows = dataset.references
        self._texts: dict[str, dict[int, list[str]]] = {}
        for utt_id, channel, text in rows_of(self.rows, "utt_id", "channel", "text"):
            self._texts.setdefault(utt_id, {}).setdefault(channel, []).append(first_wording(text))

    def channels(self, utt_id: str) -> set[int]:
        """Channels of an utterance that have a reference."""
        return set(self._texts.get(utt_id, ()))

    def texts(self, utt_id: str, channel: int) -> list[str]:
        """All references of a channel, of alternatives in them the first; none where nothing is known."""
        return self._texts.get(utt_id, {}).get(channel, [])


class Reference(NamedTuple):
    """A text, and what its letters must suit."""

    text: str
    form: str
    languages: frozenset[str]


def text_findings(dataset: Dataset) -> Iterator[Finding]:
    """Report what in each text would be counted as an error, and what texts have in common."""
    languages = _languages(dataset.utterances)
    apart = _languages_apart(dataset.utterances)
    rows = dataset.references
    reported: set[tuple[str, str, int]] = set()
    for utt_id, channel, form, text in rows_of(rows, "utt_id", "channel", "form", "text"):
        spoken = apart.get((utt_id, channel), languages.get(utt_id, frozenset()))
        reference = Reference(text, form, spoken)
        for check, look in _LOOKS:
            what = look(reference)
            if what is not None and (check, utt_id, channel) not in reported:
                reported.add((check, utt_id, channel))
                yield Finding(check, what, utt_id, channel)
    yield from _several_wordings(rows["text"].to_list())
    yield from _capitals(rows["text"].to_list())
    yield from _said_often(rows)


def _look_for(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return None if found is None else f"{_shown(found[0])} in {_around(text, found)}"


def _html(reference: Reference) -> str | None:
    tag = _TAG.search(reference.text)
    entity = next((m for m in _ENTITY.finditer(reference.text) if m[0][1] == "#" or m[0][1:] in html5), None)
    found = tag or entity
    return None if found is None else f"{_shown(found[0])} in {_around(reference.text, found)}"


def _markup(reference: Reference) -> str | None:
    found = next((m for m in _MARKUP.finditer(reference.text) if not _TAG.fullmatch(m[0])), None)
    return None if found is None else f"{_shown(found[0])} in {_around(reference.text, found)}"


def _alternatives(reference: Reference) -> str | None:
    try:
        parts(reference.text)
    except InvalidInput as error:
        return f"{error} It is {_shown(reference.text)}"
    return None


def _invisible(reference: Reference) -> str | None:
    text = reference.text
    found = _INVISIBLE.search(text) or next(
        (m for m in _JOINER.finditer(text) if not _JOINED.match(text[m.start() - 1 : m.start()])), None
    )
    return None if found is None else f"U+{ord(found[0]):04X} in {_around(text, found)}"


def _lost(reference: Reference) -> str | None:
    found = _LOST.search(reference.text)
    return None if found is None else f"U+{ord(found[0]):04X} in {_around(reference.text, found)}"


def _controls(reference: Reference) -> str | None:
    found = _CONTROLS.search(reference.text)
    return None if found is None else f"U+{ord(found[0]):04X} in {_around(reference.text, found)}"


def _mojibake(reference: Reference) -> str | None:
    if reference.text.isascii():
        return None
    found = _MOJIBAKE.search(reference.text.translate(_AS_CP1252))
    if found is None:
        return None
    try:
        meant = found[0].encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return None
    return (
        f"{_shown(reference.text[found.start() : found.end()])} for {_shown(meant)} in {_around(reference.text, found)}"
    )


def _punctuation(reference: Reference) -> str | None:
    text = reference.text
    return _shown(text) if text and not any(map(str.isalnum, text)) else None


def _empty(reference: Reference) -> str | None:
    return 'the text is ""' if reference.text == "" else None


def _digits(reference: Reference) -> str | None:
    return _look_for(_DIGIT, reference.text) if reference.form == "spoken" else None


def _ends(reference: Reference) -> str | None:
    text = reference.text
    return _shown(f'"{text}"') if text != text.strip() and text.strip() else None


def _other_script(reference: Reference) -> str | None:
    text, languages = reference.text, reference.languages
    if not languages or not languages <= _SCRIPTS.keys():
        return None
    expected = frozenset().union(*(_SCRIPTS[one] for one in languages))
    if text.isascii() and "LATIN" in expected:
        return None
    scripts = {script: letter for letter in set(text) if (script := _script(letter)) is not None}
    foreign = scripts.keys() - expected
    if "LATIN" in foreign and foreign != scripts.keys():
        foreign -= {"LATIN"}  # names and abbreviations come in Latin letters everywhere
    if foreign:
        letters = "".join(letter for letter in dict.fromkeys(text) if _script(letter) in foreign)
        return f"{', '.join(sorted(foreign)).title()} letters ({plain(letters, 12)}) in {'-'.join(sorted(languages))}"
    if {"LATIN", "CYRILLIC"} <= scripts.keys():
        for word in _WORD.findall(text):
            if {"LATIN", "CYRILLIC"} <= {_script(letter) for letter in word}:
                return f"Latin and Cyrillic letters in one word, {_shown(word)}"
    return None


def _mixed_chinese(reference: Reference) -> str | None:
    text = reference.text
    if not reference.languages <= {"zh", "cmn", "yue"} or not reference.languages or text.isascii():
        return None
    kinds = {_chinese(letter): letter for letter in set(text)}
    if not {"simplified", "traditional"} <= kinds.keys():
        return None
    return f"{kinds['simplified']} is Simplified and {kinds['traditional']} Traditional in {_shown(text)}"


@cache
def _chinese(letter: str) -> str | None:
    """Tell a character that only one of the two scripts has.

    It is in the national code of that script alone (GB 2312, Big5), and OpenCC writes another for it: the codes leave
    out rare characters that both have, and OpenCC changes some that both have.
    """
    if _script(letter) != "CJK":
        return None
    simplified, traditional = (_can(letter, code) for code in ("gb2312", "big5"))
    if simplified == traditional or _converter("s2t" if simplified else "t2s")(letter) == letter:
        return None
    return "simplified" if simplified else "traditional"


@cache
def _converter(name: str) -> Callable[[str], str]:
    import opencc  # noqa: PLC0415 - for Chinese only

    convert: Callable[[str], str] = opencc.OpenCC(name).convert
    return convert


def _can(letter: str, code: str) -> bool:
    try:
        letter.encode(code)
    except UnicodeEncodeError:
        return False
    return True


@cache
def _script(letter: str) -> str | None:
    """Script of a letter, by its name in Unicode; None of what is no letter, or belongs to no one script."""
    if unicodedata.category(letter)[0] != "L":
        return None
    words = unicodedata.name(letter, "").split("-")[0].split()
    return next((word for word in words[:2] if word in _KNOWN_SCRIPTS), None)


#: Check -> what it looks for: it says what it found, or None.
_LOOKS: Final[tuple[tuple[str, Callable[[Reference], str | None]], ...]] = (
    ("empty reference", _empty),
    ("only punctuation", _punctuation),
    ("broken alternatives", _alternatives),
    ("HTML", _html),
    ("markup", _markup),
    ("control characters", _controls),
    ("invisible characters", _invisible),
    ("lost characters", _lost),
    ("mojibake", _mojibake),
    ("other script", _other_script),
    ("mixed Chinese", _mixed_chinese),
    ("digits", _digits),
    ("spaces at the ends", _ends),
)


class Counts(NamedTuple):
    """How much a text says: characters of Chinese, Japanese and Korean, letters of Thai and the like, other words."""

    characters: int
    letters: int
    words: int

    @property
    def shortest_s(self) -> float:
        """Seconds that it takes to say it as fast as can be."""
        return self.characters / CHARACTERS_PER_S + self.letters / LETTERS_PER_S + self.words / WORDS_PER_S


def count(text: str) -> Counts:
    """Count what a text says; numbers in digits count as one word each."""
    if text.isascii():
        return Counts(0, 0, len(_SPELLED.findall(text)))
    words = len(_SPELLED.findall(_APART.sub(" ", text)))
    return Counts(len(_CHARACTER.findall(text)), len(_LETTER.findall(text)), words)


def letters(text: str) -> str:
    """Reduce a text to its letters and digits, in small ones: what is the same then was said the same."""
    if text.isascii():
        return _NO_LETTER.sub("", text.lower())
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def _languages(utterances: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Languages that each utterance may be written in; none where that is not known, or several come together."""
    found: dict[str, frozenset[str]] = {}
    for utt_id, language, tags in rows_of(utterances, "utt_id", "language", "tags"):
        switches = isinstance(tags, list) and any(_SWITCHES.search(str(tag)) for tag in tags)
        if language is not None and not switches:
            found[utt_id] = languages_in(language)
    return found


def _languages_apart(utterances: pd.DataFrame) -> dict[tuple[str, int], frozenset[str]]:
    """Languages of each channel, where a column ``channel_languages`` lists them."""
    rows = rows_of(utterances, "utt_id", "channel_languages")
    return {
        (utt_id, channel): languages_in(language)
        for utt_id, listed in rows
        if isinstance(listed, list)
        for channel, language in enumerate(listed)
        if isinstance(language, str)
    }


@cache
def languages_in(tag: str) -> frozenset[str]:
    """Languages that a tag names: ``"zh-en"`` two, ``"en-US"`` one."""
    parts = re.split(r"[-_+/, ]+", tag)
    return frozenset({parts[0].lower(), *(part for part in parts[1:] if part in _SCRIPTS)})


def _several_wordings(texts: list[str]) -> Iterator[Finding]:
    found = [text for text in texts if may_have_alternatives(text) and _has_alternatives(text)]
    if found:
        examples = ", ".join(_shown(text[max(text.index("{") - _SHOWN // 4, 0) :]) for text in found[:_EXAMPLES])
        said = f"{len(found):,} of {len(texts):,} texts, such as {examples}"
        yield Finding("alternatives", said, value=len(found))


def _has_alternatives(text: str) -> bool:
    try:
        return any(len(ways) > 1 for ways in parts(text))
    except InvalidInput:
        return False


def _capitals(texts: list[str]) -> Iterator[Finding]:
    found = [text for text in texts if text.isupper() and sum(map(str.isupper, text)) >= _CASED]
    if found:
        said = f"{len(found):,} of {len(texts):,} texts, such as {_shown(found[0])}"
        yield Finding("capitals", said, value=len(found))


def _said_often(rows: pd.DataFrame) -> Iterator[Finding]:
    first = rows.drop_duplicates(["utt_id", "channel", "text"])
    times = Counter(key for text in first["text"] if (key := letters(text)))
    often = [(key, n) for key, n in times.most_common() if n >= _MANY]
    if often:
        text = next(text for text in first["text"] if letters(text) == often[0][0])
        said = f"{len(often):,} texts are said {_MANY} times or more; {_shown(text)} {often[0][1]:,} times"
        yield Finding("same text", said, value=len(often))


def _shown(text: str) -> str:
    return plain(text, _SHOWN)


def _around(text: str, found: re.Match[str]) -> str:
    begin = max(0, found.start() - _SHOWN // 2)
    return f"{'…' * (begin > 0)}{_shown(text[begin:])}"
