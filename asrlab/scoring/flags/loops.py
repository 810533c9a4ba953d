"""Loops: the same words again and again in a transcript, more often than they were said.

Decoders that predict the next word from the last ones fall into them, mostly on silence, noise and music. A speaker
repeats words too ("no no no", a roll call): what is right by the alignment is no loop, however often it stands there,
nor is one time more or less of what the reference itself repeats.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from asrlab.errors import MissingExtra
from asrlab.normalize.wording import wording
from asrlab.scoring.flags.heard import Finding
from asrlab.scoring.flags.pieces import letters_of, pieces, spaced
from asrlab.scoring.tokens import together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from asrlab.scoring.flags.heard import Heard


class _Least(NamedTuple):
    """What makes a loop: the period from which it holds, least copies, and least copies that nobody said."""

    period: int
    copies: float
    surplus: float


#: By words in a period, longest first. One word four times, three of them too many; two words three times, two of them
#: too many; six words and more twice, one of them too many. Speakers stutter ("I I I think"), and references leave that
#: out. A little less than whole copies: single words of a loop may be right by chance.
_WORDS: Final[tuple[_Least, ...]] = (_Least(6, 1.9, 0.8), _Least(2, 2.7, 1.6), _Least(1, 4, 3))
#: By characters of a script without spaces: two or so are a word.
_CHARACTERS: Final[tuple[_Least, ...]] = (_Least(10, 1.9, 0.8), _Least(3, 2.7, 1.6), _Least(2, 3, 2.5), _Least(1, 5, 4))
#: By digits: numbers have long runs of 0, and are written in more ways than one.
_DIGITS: Final[tuple[_Least, ...]] = (_Least(3, 4, 3), _Least(2, 5, 4), _Least(1, 10, 8))
#: The same where nobody knows what was said.
_BLIND_WORDS: Final[tuple[_Least, ...]] = (_Least(6, 2.8, 0), _Least(3, 4, 0), _Least(2, 5, 0), _Least(1, 6, 0))
_BLIND_CHARACTERS: Final[tuple[_Least, ...]] = (_Least(10, 2.8, 0), _Least(3, 4, 0), _Least(2, 5, 0), _Least(1, 8, 0))
_BLIND_DIGITS: Final[tuple[_Least, ...]] = (_Least(3, 6, 0), _Least(1, 15, 0))
#: Longest period that is looked for, in pieces: some minutes of speech.
_LONGEST: Final = 400
#: What a piece that breaks the period takes away; four of five must be repeated.
_BREAK: Final = -4.0
#: A loop must have so many times as many copies as the reference has of its own, and two more.
_BEYOND: Final = 2
#: A word that is a loop in itself, "hahahahaha": letters, and copies of its period.
_WORD_LETTERS: Final = 10
_WORD_COPIES: Final = 5
#: Digits from which on a number is looked at digit by digit.
_NUMBER: Final = 3
#: Ratio of compression by zlib beyond which Whisper decodes anew (openai/whisper, compression_ratio_threshold).
_COMPRESSION: Final = 2.4
#: Characters that are compressed at a time, about the text of Whisper's 30 s: longer texts compress better anyway.
_WINDOW: Final = 400
_ONE_BYTE: Final = 256


class _Run(NamedTuple):
    """A stretch that repeats: its pieces (end left out), the period, and how many of its pieces are not right."""

    first: int
    last: int
    period: int
    surplus: float

    @property
    def copies(self) -> float:
        """How many times the period stands there."""
        return (self.last - self.first) / self.period


def loops(heard: Sequence[Heard]) -> list[Finding]:
    """Find the answers that repeat words, or single characters, more often than they were said.

    Parameters
    ----------
    heard : sequence of Heard
        Answers.

    Returns
    -------
    list of Finding
        Of flag "loop", the worst of each answer, with the number of copies as value.

    Notes
    -----
    Not found: a word or two said once too often or twice, or four times a single character; mostly a loop in which more
    than one word in ten was changed at random (each change parts two copies); the same words again with others between
    them; a loop of words that the reference has as often in that place, or in figures. Of loops planted by somebody who
    had not seen this, 0.961 were found: in Japanese 0.94, in Thai 0.90.
    Without a reference: fewer than 6 copies of a word, 5 of two words, 4 of three to five, 3 of more; and speakers who
    repeat themselves more often are flagged.
    """
    found = []
    for one in heard:
        if len(one.units) == 0 or (one.steps is not None and "I" not in one.steps and "S" not in one.steps):
            continue
        letters, spans = _pieces(one)
        if (finding := _loop(one, letters, spans) or _word(one, letters, spans)) is not None:
            found.append(finding)
    return found


def _pieces(one: Heard) -> tuple[list[str], list[tuple[int, int]]]:
    """Cut an answer into pieces, and long numbers into digits."""
    letters, spans = [], []
    for piece in pieces(one):
        cut = list(piece.letters) if piece.letters.isdecimal() and len(piece.letters) >= _NUMBER else [piece.letters]
        letters += cut
        spans += [(piece.begin, piece.end)] * len(cut)
    return letters, spans


def _loop(one: Heard, letters: list[str], spans: list[tuple[int, int]]) -> Finding | None:
    if len(set(letters)) == len(letters):
        return None
    right = one.right
    wrong = np.array([2 * sum(right[begin:end]) <= end - begin for begin, end in spans], bool)
    codes = {letters: n for n, letters in enumerate(dict.fromkeys(letters))}
    coded = np.array([codes[one] for one in letters])
    worst: _Run | None = None
    for period in range(1, min(len(letters) // 2, _LONGEST) + 1):
        run = _run(coded, wrong, period)
        if run and (worst is None or run.surplus > worst.surplus) and _is_loop(one, letters, spans, run):
            worst = run
    if worst is None:
        return None
    begin, end = spans[worst.first][0], spans[worst.last - 1][1]
    copy = _written(letters[worst.first : worst.first + worst.period])
    own = f", {worst.surplus / worst.period:.3g} of them beyond what was said" if one.steps is not None else ""
    return Finding(
        one.row, "loop", worst.copies, begin, end, None, f"“{copy}” stands {worst.copies:.3g} times in a row{own}"
    )


def _run(coded: NDArray[np.int64], wrong: NDArray[np.bool], period: int) -> _Run | None:
    """Find the stretch that repeats with a period and has the most pieces that are not right."""
    same = coded[period:] == coded[:-period]
    if np.count_nonzero(same) < period * 0.8:
        return None
    until = np.concatenate(([0.0], np.cumsum(np.where(same, wrong[period:] * 1.0, _BREAK))))
    least = np.minimum.accumulate(until)
    end = int(np.argmax(until - least))
    if until[end] - least[end] <= 0:
        return None
    start = int(np.flatnonzero(until[: end + 1] == least[end])[-1])
    # What is right and goes on with the period belongs to it.
    while start > 0 and same[start - 1]:
        start -= 1
    while end < len(same) and same[end]:
        end += 1
    return _Run(start, end + period, period, float(np.count_nonzero(wrong[start : end + period])))


def _is_loop(one: Heard, letters: list[str], spans: list[tuple[int, int]], run: _Run) -> bool:
    copy = letters[run.first : run.first + run.period]
    known = one.steps is not None
    if all(len(piece) == 1 and piece.isdecimal() for piece in copy):
        kinds = _DIGITS if known else _BLIND_DIGITS
    elif 2 * sum(map(spaced, copy)) >= len(copy):
        kinds = _WORDS if known else _BLIND_WORDS
    else:
        kinds = _CHARACTERS if known else _BLIND_CHARACTERS
    words = run.period
    if kinds in {_WORDS, _BLIND_WORDS} and one.recipe.unit == "word":  # "king's" is two pieces and one word
        words = max(len(set(spans[run.first : run.first + run.period])), 1)
    least = next(kind for kind in kinds if words >= kind.period)
    if run.copies < least.copies or run.surplus < least.surplus * run.period:
        return False
    own = _own_copies(one, copy, (spans[run.first][0], spans[run.last - 1][1]), run.period) if known else 0.0
    return (own < 2 or run.copies >= _BEYOND * own + 2) and not (known and _in_figures(one, letters, run))


def _in_figures(one: Heard, letters: list[str], run: _Run) -> bool:
    """Tell whether what repeats are number words that the reference has in figures: "five five five" for 555."""
    repeated = together(letters[run.first : run.last], "mixed")
    heard, said = (_figures(text, one.spoken) for text in (repeated, one.reference or ""))
    return heard.isdecimal() and heard in said


def _figures(text: str, language: str | None) -> str:
    try:
        return wording(text, language)
    except MissingExtra:
        return wording(text, language, numbers=False)


def _own_copies(one: Heard, copy: list[str], place: tuple[int, int], period: int) -> float:
    """Count how often the reference repeats the same, or anything of that period where the loop stands."""
    said = letters_of(together(one.said or (), one.recipe.unit))
    most = max((_goes_on(said, copy, at, turn) for at in range(len(said)) for turn in range(period)), default=0)
    first = last = at = done = 0
    for step in one.steps or "":
        if step != "D":
            if done == place[0]:
                first = at
            done += 1
        at += step != "I"
        if step != "D" and done == place[1]:
            last = at
    there = letters_of(together((one.said or ())[first:last], one.recipe.unit))
    longest = 0
    for start in range(len(there) - period):
        n = start
        while n + period < len(there) and there[n] == there[n + period]:
            n += 1
        longest = max(longest, n - start + period if n > start else 0)
    return max(most, longest) / period


def _goes_on(said: list[str], copy: list[str], at: int, turn: int) -> int:
    n = 0
    while at + n < len(said) and said[at + n] == copy[(turn + n) % len(copy)]:
        n += 1
    return n


def _word(one: Heard, letters: list[str], spans: list[tuple[int, int]]) -> Finding | None:
    """Find a word that is a loop in itself, as a text without spaces is."""
    right = one.right
    said = "".join(one.said or ()).casefold()
    for word, (begin, end) in zip(letters, spans, strict=True):
        if len(word) < _WORD_LETTERS or 2 * sum(right[begin:end]) > end - begin:
            continue
        for period in range(1, len(word) // _WORD_COPIES + 1):
            if word[period:] == word[:-period]:
                if word[: 2 * period] in said:
                    break
                copies = len(word) / period
                what = f"“{word[:period]}” stands {copies:.3g} times in a row in one word"
                return Finding(one.row, "loop", copies, begin, end, None, what)
    return None


def compression(heard: Sequence[Heard]) -> list[Finding]:
    """Find the answers whose text compresses as no speech does: loops, and near loops that change from copy to copy.

    Returns
    -------
    list of Finding
        Of flag "compression", with the ratio of compression as value: characters before over bytes after, of the
        stretch of 400 characters that has the highest. (Each different character counts as one byte, so that a script
        of three bytes a character does not compress by being written so; with more than 256 different ones, as two.)
        Short loops are not found: "thank you" four times has a ratio of 1.5.
    """
    found = []
    for one in heard:
        if len(one.text) <= _COMPRESSION * 8:  # zlib writes eight bytes around the least of texts
            continue
        ratio = _ratio(one.text)
        if ratio > _COMPRESSION and (not one.reference or ratio > 1.25 * _ratio(one.reference)):
            what = f"the text compresses {ratio:.1f} times, more than {_COMPRESSION} as speech does not"
            found.append(Finding(one.row, "compression", ratio, None, None, None, what))
    return found


def _ratio(text: str) -> float:
    windows = range(0, max(len(text) - _WINDOW // 2, 1), _WINDOW // 2)
    return max(_compressed(text[at : at + _WINDOW]) for at in windows)


def _compressed(text: str) -> float:
    different = {sign: n for n, sign in enumerate(dict.fromkeys(text))}
    coded = (
        bytes(map(different.__getitem__, text))
        if len(different) <= _ONE_BYTE
        else text.encode("utf-16-le", "surrogatepass")
    )
    return len(coded) / len(zlib.compress(coded)) if coded else 0.0


def _written(letters: list[str]) -> str:
    text = together(letters, "mixed")
    return text if len(text) <= 60 else f"{text[:59]}…"
