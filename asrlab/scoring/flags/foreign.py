"""Foreign: answers in another script than what was said, and answers that read as translations of it."""

from __future__ import annotations

import re
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from asrlab.scoring.flags.heard import Finding
from asrlab.scoring.flags.pieces import pieces
from asrlab.scoring.flags.writing import script_of_language, writing
from asrlab.scoring.identify import LANGUAGES, code_of, identify, known
from asrlab.scoring.tokens import together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from asrlab.scoring.flags.heard import Heard

#: Share of an answer, beyond the share in what was said, from which its letters are of another script: of Latin ones,
#: in which names and brands are written everywhere, and of others.
_MUCH_LATIN: Final = 0.35
_MUCH: Final = 0.2
#: Words below which nothing is said of Latin letters ("OK" for 好的); and of a language, or of Han without kana, which
#: may be Japanese as well as Chinese.
_FEW: Final = 2
_SHORT: Final = 4
_HAN: Final = frozenset({"Chinese", "Japanese"})
#: What a right unit takes from a stretch of wrong ones, which give 1: a stretch has more than a third of wrong ones.
_RIGHT: Final = 0.5
#: Share of its answer, or words, that a stretch must have to be looked at.
_PART: Final = 1 / 3
_LONG: Final = 8
#: Least probability of another language: of the one asked for or reported by the engine, and of any other.
_LIKELY: Final = 0.5
_SURE: Final = 0.8
#: Languages so near to one another in writing that, for a third, it matters little which of them a text is in.
_NEAR: Final = ({"id", "ms"}, {"da", "no", "sv"}, {"es", "pt", "it"}, {"ru", "uk"}, {"yue", "zh"})
#: Least share of different pairs among neighbouring units: below it a text goes in circles, and is no sentence.
_VARIED: Final = 0.5
#: Letters that tell of a language: numerals of Chinese do not, for engines write them in sentences of any.
_LETTER: Final = re.compile(r"[^\W\d_〇零一二三四五六七八九十百千万萬亿億點点幺]")


def mismatched(heard: Sequence[Heard]) -> list[Finding]:
    """Find answers in another script than what was said (flag ``"script"``).

    The scripts of a text are measured in words (:func:`asrlab.scoring.flags.writing.writing`), and those of an answer
    beyond those of its reference: where at least 35 % of it is Latin letters that the reference has not, or 20 % are
    letters of another script, it is flagged. So a brand in Latin letters in a Chinese sentence is no mismatch, and a
    speaker who says half of it in English is none. Where nobody knows what was said, the script of the spoken language
    is expected. Traditional and Simplified Chinese are one script here.

    Parameters
    ----------
    heard : sequence of Heard
        The answers.

    Returns
    -------
    list of Finding
        ``value`` is the share of the answer's words in scripts that were not expected.

    Notes
    -----
    Not caught: a single Latin word for a short reference; whatever is heard where nothing was said; a short English
    stretch in a long text of another script; Chinese for Japanese in texts of fewer than eight characters; Japanese
    in kana for kanji.

    False alarms: loanwords that an engine writes in Latin letters and the reference in the script of the language, as
    Hindi, Japanese, Korean and others have it (``मुझे meeting schedule करनी है`` for ``मुझे मीटिंग शेड्यूल करनी है``), where
    they are 35 % of the answer. Give the reference both wordings (``{मीटिंग|meeting}``) if both are right.
    """
    found = []
    for one in heard:
        if one.reference == "" or not one.text:
            continue
        share = foreign_share(one.text, one.reference, one.spoken)
        if share is None:
            continue
        value, scripts, expected = share
        found.append(
            Finding(
                row=one.row,
                flag="script",
                value=value,
                begin=None,
                end=None,
                evidence=one.text,
                what=f"{value:.0%} of the words are in {' and '.join(scripts)} letters where {expected} ones were "
                f"{'expected' if one.reference is None else 'said'}{_of_hint(one)}",
            )
        )
    return found


def foreign_share(text: str, reference: str | None, spoken: str | None) -> tuple[float, list[str], str] | None:
    """Measure how much of a text is in scripts that its reference has not.

    Returns
    -------
    tuple of float, list of str and str, or None
        The share, the scripts, and the script that was expected; None where that is too little to speak of.

    Examples
    --------
    >>> foreign_share("I use an iPhone", "我用iPhone给你打电话", "zh")
    (0.777..., ['Latin'], 'Chinese')
    >>> foreign_share("我用 iPhone 打", "我用苹果手机打", "zh") is None
    True
    """
    own = script_of_language(spoken)
    there, said = writing(text), writing(reference or "")
    if reference is None and own:
        said = {own: 1.0}
    if not there or not said:
        return None
    size, expected = sum(there.values()), sum(said.values())
    main, mostly = (max(found, key=lambda script: found[script]) for found in (said, there))
    if main != mostly and {main, mostly} == _HAN and own in {"Japanese", None} and min(size, expected) < _SHORT:
        return None
    beyond = {script: there[script] / size - said.get(script, 0) / expected for script in there if script != main}
    # One Latin word is a name, unless it is all there is.
    few = 1 if main not in there and expected >= _SHORT else _FEW
    scripts = [
        script
        for script, more in sorted(beyond.items(), key=lambda item: -item[1])
        if more >= (_MUCH_LATIN if script == "Latin" else _MUCH) and there[script] >= (few if script == "Latin" else 1)
    ]
    # A language's own script is no mismatch because one English word was said, or a name without kana.
    if not scripts or (scripts[0] == own and (expected < _SHORT or own == "Japanese")):
        return None
    return sum(beyond[script] for script in scripts), scripts, main


class _Stretch(NamedTuple):
    """A part of an answer that has little to do with what was said there."""

    one: Heard
    begin: int
    end: int
    text: str
    said: str


def translated(heard: Sequence[Heard]) -> list[Finding]:
    """Find answers that read as a translation of what was said (flag ``"translation"``).

    Looked at is the stretch of an answer in which the most is wrong, if it has four words (eight Han characters) and is
    a third of the answer or eight words long. It is flagged if it reads as another language than the spoken one, with a
    probability of at least 0.5 for the language that was asked for or that the engine reports, else of 0.8, those of
    its near relations with it (Danish, Norwegian and Swedish are one to a German); if what was said there reads half as
    much so at most; and if it does not go in circles. Where nobody knows what was said, the whole answer is looked at.

    Parameters
    ----------
    heard : sequence of Heard
        The answers. The spoken language must be known, or be read from the reference.

    Returns
    -------
    list of Finding
        ``value`` is that probability. ``begin`` and ``end`` are those of the stretch.

    Notes
    -----
    A suspicion, no proof: speech spelled as if it were the other language is flagged too, and whether the sense was
    kept cannot be seen. Not caught: answers of fewer words; translations between languages that are hardly told apart
    in writing (of 24 planted each, flagged were 2 of Malay and Indonesian, 9 of Cantonese and written Chinese, 16 of
    Danish and Norwegian, 22 of Swedish and either, all of Spanish, Portuguese and Italian), and to or from languages
    that the library does not know; words of both languages in turns, as some models write with the hint of a related
    one (``Se não llueve mañana``); names; loops, which are flagged as such.

    Thresholds were chosen on planted answers to the sentences of ``notebooks/texts``, and measured on others
    (``tests/test_foreign_acceptance.py``).
    """
    stretches = [stretch for one in heard if (stretch := _stretch(one))]
    if not stretches:
        return []
    named = {code for at in stretches for code in (code_of(at.one.spoken), *_expected(at.one)) if code}
    languages = [*LANGUAGES, *known(sorted(named - {*LANGUAGES}))]
    number = {language: place for place, language in enumerate(languages)}
    here = identify([at.text for at in stretches], languages)
    # Most stretches read as the spoken language; only of the others is it asked how the reference reads.
    kept = [n for n, at in enumerate(stretches) if not _reads_as(code_of(at.one.spoken), here[n], number)]
    there = identify([stretches[n].said for n in kept], languages)
    found = []
    for n, before in zip(kept, there, strict=True):
        at, likely = stretches[n], here[n]
        spoken = code_of(at.one.spoken) or (languages[int(before.argmax())] if before.max() >= _SURE else None)
        if spoken not in number:
            continue
        # Which of the others, not whether: what the spoken language gets is left to it.
        others = [place for language, place in number.items() if language != spoken]
        best = max(others, key=lambda place: (likely[place], languages[place] in _expected(at.one)))
        among = _near(languages[best], spoken)
        language = next((name for name in sorted(_expected(at.one)) if name in among), languages[best])
        near = [number[name] for name in among]
        value = float(likely[near].sum())
        if value < (_LIKELY if language in _expected(at.one) else _SURE) or before[near].sum() > value / 2:
            continue
        found.append(
            Finding(
                row=at.one.row,
                flag="translation",
                value=value,
                begin=at.begin,
                end=at.end,
                evidence=None,
                what=f"reads as {language} where {spoken} was spoken (probability {value:.2f}){_of_hint(at.one)}",
            )
        )
    return found


def _reads_as(spoken: str | None, likely: NDArray[np.float64], number: Mapping[str, int]) -> bool:
    return spoken is not None and spoken in number and bool(likely[number[spoken]] > 1 - _LIKELY)


def _near(language: str, spoken: str) -> list[str]:
    """Name a language, and those near to it unless the spoken one is among them."""
    return next((sorted(near) for near in _NEAR if language in near and spoken not in near), [language])


def _expected(one: Heard) -> set[str]:
    """Name the languages that an answer would be in that is not in the spoken one."""
    return {code for code in (code_of(one.hint), code_of(one.detected)) if code}


def _stretch(one: Heard) -> _Stretch | None:
    """Find the stretch of an answer that has the most wrong in it, where it is long enough to be looked at."""
    if one.reference == "" or not one.units or one.errors == 0:
        return None
    right = one.right
    cut = pieces(one)
    size = [piece.weight if _LETTER.search(piece.letters) else 0.0 for piece in cut]
    wrong = [not all(right[piece.begin : piece.end]) for piece in cut]
    first, last = _best_stretch([w if bad else -_RIGHT * w for w, bad in zip(size, wrong, strict=True)])
    words = sum(size[first:last])
    if words < _SHORT or (words < _LONG and words < _PART * sum(size)):
        return None
    letters = [piece.letters for piece in cut[first:last]]
    pairs = list(pairwise(letters))
    if len(set(pairs)) < _VARIED * len(pairs):
        return None
    begin, end = cut[first].begin, cut[last - 1].end
    return _Stretch(one, begin, end, together(letters, "mixed"), _said(one, begin, end))


def _best_stretch(gains: list[float]) -> tuple[int, int]:
    """Find the stretch with the greatest sum, the end left out (Kadane's algorithm)."""
    best, found, total, start = 0.0, (0, 0), 0.0, 0
    for place, gain in enumerate(gains):
        if total <= 0:
            total, start = 0.0, place
        total += gain
        if total > best:
            best, found = total, (start, place + 1)
    return found


def _said(one: Heard, begin: int, end: int) -> str:
    """Give the part of the reference that is aligned with units of the answer."""
    if one.reference is None or one.said is None or one.steps is None:
        return ""
    heard_at = list(accumulate((step != "D" for step in one.steps), initial=0))
    said_at = list(accumulate((step != "I" for step in one.steps), initial=0))
    first, last = heard_at.index(begin), len(heard_at) - 1 - heard_at[::-1].index(end)
    of = pieces(one._replace(text=one.reference, units=one.said))
    here = [p.letters for p in of if p.begin < said_at[last] and p.end > said_at[first]]
    return together(here, "mixed")


def _of_hint(one: Heard) -> str:
    return f"; {one.hint} was the hint" if one.hint else "; no hint was sent"
