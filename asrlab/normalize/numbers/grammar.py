"""Numbers of languages written with spaces and a decimal comma: what is common to them, driven by a table a language.

Numbers in words are found and read here; then what is in digits is brought to one form, so that both meet there:

- ``12500``: no separators of thousands, scales multiplied out; ``3,5`` with its digits as they are;
- ``5,50€``: the sign behind, whether it was a word or a sign; ``5%``; ``5 km``, ``5 kmh``, ``-5 °C`` by its words;
- ``3 mai 2024`` for dates, ``10:30`` for times of day, one run of digits for telephone numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from asrlab.normalize.numbers.written import SIGNS, UNITS, compiled, rules_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from asrlab.normalize.numbers.written import Replacement

#: Words that one number has at most; text beyond would be read in vain.
_LONGEST: Final = 24
_ROUNDS: Final = 6


class _Token(NamedTuple):
    """A number in words: where it stands, and its digits."""

    begin: int
    end: int
    digits: str
    word: str


@dataclass(frozen=True)
class Grammar:
    """How a language writes its numbers. Patterns have no groups, and are matched whatever the case.

    Parameters
    ----------
    word : str
        Pattern of one word of a number.
    read : callable
        Digits of words: ``"vingt et un"`` is ``"21"``, ``"troisième"`` is ``"3e"``; None for what is no number. Gets
        them in lower case, with single spaces or hyphens.
    joint : str
        Pattern of the words that may stand within a number ("et").
    articles : str
        Pattern of words that are mostly not numbers ("un"). They are before what is counted (a unit, a month), after
        ``cue``, and among other digits.
    ambiguous : str
        Pattern of words that mean something else too ("neuf"). They are numbers in the same places, and before
        ``nouns``.
    nouns : str
        Pattern of nouns that come after numbers.
    ordinals, ranked, ranking : str
        Pattern of ordinals that mean something else too ("segundo", a second). They are numbers before what is
        ``ranked`` ("piso") and after ``ranking``.
    cue : str
        Pattern of words after which a number comes ("numéro", "page").
    comma, minus : str
        Patterns of those words.
    idioms : str
        Pattern of phrases whose numerals stay as they are.
    scales : mapping of str to int
        Pattern of a scale after digits ("Mio.") to its zeros.
    money, units : mapping of str to str
        Pattern of a currency or unit to the form that stands for it.
    hours, hour : str
        Pattern of the word after the hour of a time of day, and the ending that stands for it: joined to the digits, so
        that what follows a comma is never taken for the minutes once the comma is gone.
    between : str
        Pattern of words between two numbers ("to", "or").
    of : str
        Pattern of what may stand between a scale and what is counted ("de").
    cents, and_cents : str
        Patterns of the hundredths of a currency, and of what may stand before them.
    percent, degrees : str
        Patterns of the words.
    months : tuple of str
        Names of the months, from January.
    date : str
        How a date is written: with ``{day}``, ``{month}`` and ``{year}``.
    first : str
        Ending of the first day of a month, where it has one ("er").
    spaced_thousands, dotted_thousands : bool
        Whether ``12 500`` or ``12.500`` is one number.
    phone : str
        Pattern of telephone numbers that neither begin with 0 nor follow a cue.
    phone_cue : str
        Pattern of words after which digits are those of a telephone, a code, and the like.
    spoken, early, rules : tuple of (str, str or callable)
        What else there is, pattern and replacement: ``spoken`` on text whose numbers are as they were, ``early`` and
        ``rules`` once they are in digits, before all else and after it. ``<counted>`` in a pattern stands for that of
        all units.
    other : str
        Pattern of what the rules know though it has no digit.
    """

    word: str
    read: Callable[[str], str | None]
    joint: str
    articles: str
    ambiguous: str
    nouns: str
    cue: str
    comma: str
    minus: str
    idioms: str
    scales: Mapping[str, int]
    money: Mapping[str, str]
    units: Mapping[str, str]
    of: str
    cents: str
    and_cents: str
    percent: str
    degrees: str
    months: tuple[str, ...]
    between: str
    date: str
    phone: str
    phone_cue: str
    first: str = ""
    hours: str = "(?!)"
    hour: str = ""
    spaced_thousands: bool = False
    dotted_thousands: bool = True
    ordinals: str = "(?!)"
    ranked: str = "(?!)"
    ranking: str = "(?!)"
    spoken: tuple[tuple[str, Replacement], ...] = ()
    early: tuple[tuple[str, Replacement], ...] = ()
    rules: tuple[tuple[str, Replacement], ...] = ()
    other: str = "(?!)"

    def unify(self, text: str) -> str:
        """Bring the numbers of a text to one form."""
        if not self._anything.search(text):
            return text
        # What one rule has made may be what another looks for: until nothing changes.
        for _ in range(_ROUNDS):
            before = text
            for pattern, replace in self._spoken:
                text = pattern.sub(replace, text)
            text = self._words_read(text)
            for pattern, replace in self._rules:
                text = pattern.sub(replace, text)
            if text == before:
                break
        return text

    @cached_property
    def _rules(self) -> tuple[tuple[re.Pattern[str], Replacement], ...]:
        return rules_of(self)

    @cached_property
    def _spoken(self) -> tuple[tuple[re.Pattern[str], Replacement], ...]:
        return tuple((compiled(pattern), replace) for pattern, replace in self.spoken)

    @cached_property
    def _anything(self) -> re.Pattern[str]:
        return compiled(rf"\d|(?<!\w)(?:{self.word}|{self.other})(?!\w)")

    @cached_property
    def _words(self) -> re.Pattern[str]:
        """Find words of numbers; an idiom is found whole, and is none."""
        return compiled(rf"(?<!\w)(?:(?P<idiom>{self.idioms}|{self.percent})|{self.word})(?!\w)")

    @cached_property
    def _gap(self) -> re.Pattern[str]:
        return compiled(rf",? |-|[ -](?:{self.joint})[ -]")

    @cached_property
    def _counted(self) -> re.Pattern[str]:
        """Find what makes a number of a word such as "un" before it."""
        of = rf"(?:{self.of})?"
        after = "|".join((*self.scales, *self.months))
        counted = "|".join((*self.money, *self.units, *UNITS, self.percent, self.degrees, self.hours))
        return compiled(
            rf" (?:{self.comma}) ?[^\W_]|-? ?(?:{after}|{of}(?:{counted}))(?!\w)|[ ]?[{SIGNS}%‰°]"
            rf"| (?:{self.between}) (?:\d|(?:{self.word})(?!\w))"
        )

    @cached_property
    def _cued(self) -> re.Pattern[str]:
        return compiled(rf"(?:(?<!\w)(?:{self.cue}|{self.phone_cue})|\w (?:{self.comma})) $")

    @cached_property
    def _after_comma(self) -> re.Pattern[str]:
        return compiled(rf"\w (?:{self.comma}) $")

    @cached_property
    def _after_digits(self) -> re.Pattern[str]:
        return re.compile(r"\d ?$")

    @cached_property
    def _scale(self) -> re.Pattern[str]:
        return compiled("|".join(self.scales))

    @cached_property
    def _phone_cued(self) -> re.Pattern[str]:
        return compiled(rf"(?<!\w)(?:{self.phone_cue})(?:\W+(?!\d)\w+){{0,2}}\W*$")

    @cached_property
    def _mostly_no_number(self) -> re.Pattern[str]:
        return compiled(rf"(?P<article>{self.articles})|{self.ambiguous}")

    @cached_property
    def _doubtful_ordinal(self) -> re.Pattern[str]:
        return compiled(self.ordinals)

    @cached_property
    def _ranked(self) -> re.Pattern[str]:
        return compiled(rf"[ -](?:{self.ranked})(?!\w)")

    @cached_property
    def _ranking(self) -> re.Pattern[str]:
        return compiled(rf"(?<!\w)(?:{self.ranking}) $")

    @cached_property
    def _noun(self) -> re.Pattern[str]:
        return compiled(rf" (?:{self.nouns})(?!\w)")

    def _words_read(self, text: str) -> str:
        run: list[re.Match[str]] = []
        pieces: list[str] = []
        done = 0
        for found in (*self._words.finditer(text), None):
            if run and (
                found is None or found["idiom"] or not self._gap.fullmatch(text[run[-1].end() : found.start()])
            ):
                for token in self._shown(text, self._tokens(text, run)):
                    pieces += [text[done : token.begin], token.digits]
                    done = token.end
                run = []
            if found and not found["idiom"]:
                run.append(found)
        return "".join((*pieces, text[done:]))

    def _tokens(self, text: str, run: list[re.Match[str]]) -> list[_Token]:
        """Cut a run of words into numbers, the longest first."""
        tokens: list[_Token] = []
        at = 0
        # "3,5 million" and "3 million": what stands before a scale is in digits, or a decimal; it is multiplied later.
        before = text[max(0, run[0].start() - 20) : run[0].start()]
        decimal = bool(self._after_comma.search(before))
        scaled = decimal or bool(self._after_digits.search(before))
        while at < len(run):
            if scaled and self._scale.fullmatch(run[at][0]):
                scaled = decimal = False
                at += 1
                continue
            scaled = scaled and decimal
            stop = (
                next((i for i in range(at, len(run)) if self._scale.fullmatch(run[i][0])), len(run))
                if scaled
                else len(run)
            )
            for to in range(min(stop, at + _LONGEST), at, -1):
                words = text[run[at].start() : run[to - 1].end()].lower()
                digits = None if "," in words else self.read(words)
                if digits is not None:
                    tokens.append(_Token(run[at].start(), run[to - 1].end(), digits, words))
                    at = to
                    break
            else:
                at += 1
        return tokens

    def _shown(self, text: str, tokens: list[_Token]) -> list[_Token]:
        """Leave out the words that are no numbers here, and put digits that were said one by one together."""
        shown: list[_Token] = []
        for some in _one_by_one(text, tokens):
            digits = sum(map(len, some))
            cued = digits > 2 and self._phone_cued.search(text, max(0, some[0][0].begin - 60), some[0][0].begin)
            if digits > 4 or (digits > 2 and (some[0][0].digits == "0" or cued)) or _is_short_number(some):
                shown += [_Token(p[0].begin, p[-1].end, "".join(token.digits for token in p), "") for p in some]
            else:
                listed = digits > 2 or (digits == 2 and some[0][0].digits == "0")
                shown += [token for part in some for token in part if listed or self._is_number(text, token)]
        return shown

    def _is_number(self, text: str, token: _Token) -> bool:
        if self._doubtful_ordinal.fullmatch(token.word):
            before = text[max(0, token.begin - 30) : token.begin]
            return bool(self._ranked.match(text, token.end) or self._ranking.search(before))
        found = self._mostly_no_number.fullmatch(token.word)
        # A text of one word is a number, as in a list or a command.
        return not found or bool(
            not re.search(r"\w", text[: token.begin] + text[token.end :])
            or self._counted.match(text, token.end)
            or self._cued.search(text, max(0, token.begin - 20), token.begin)
            or (not found["article"] and self._noun.match(text, token.end))
        )


def _is_short_number(parts: list[list[_Token]]) -> bool:
    """Tell whether three digits are one number such as 112: without commas, no counting (1 2 3), no time (8 0 5)."""
    if len(parts) > 1 or len(parts[0]) != 3:
        return False
    first, second, third = (int(token.digits) for token in parts[0])
    return second != 0 and second - first != third - second


def _one_by_one(text: str, tokens: list[_Token]) -> list[list[list[_Token]]]:
    """Group digits that follow one another, in parts where there are commas; any other number is a group by itself."""
    groups: list[list[list[_Token]]] = []
    for at, token in enumerate(tokens):
        before = tokens[at - 1] if at else None
        gap = text[before.end : token.begin] if before else ""
        if before is None or gap not in {" ", ", "} or len(before.digits) > 1 or len(token.digits) > 1:
            groups.append([[token]])
        elif gap == " ":
            groups[-1][-1].append(token)
        else:
            groups[-1].append([token])
    return groups
