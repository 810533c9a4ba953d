"""Variants: a table of what may be written in several ways, wherever a reference has one of them."""

from __future__ import annotations

import csv
import re
import sys
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from hashlib import blake2b
from itertools import product
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import pandas as pd

from asrlab.errors import InvalidInput
from asrlab.normalize.scripts import UNSEGMENTED
from asrlab.wordings import count, every, from_nist, may_have_alternatives, parts, wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from asrlab.wordings import Part

    Key = tuple[str, ...]

#: A table of variants, each row the ways to write one thing; or the path of one.
VariantsChoice: TypeAlias = "pd.DataFrame | Sequence[Sequence[str]] | str | PathLike[str]"

_ROWS: Final = "a list with a row for each thing, [['gonna', 'going to'], ['um', 'uh', '']], a DataFrame, or a path"
_TABLES: Final = frozenset({".csv", ".tsv"})
#: Ways that variants within an alternative of a reference, or variants that overlap, may make.
_MOST: Final = 1024
_ARROW: Final = "=>"
_CONTEXT: Final = re.compile(r"\s*/\s*(?P<before>[^/]*?)\s*_+\s*(?P<after>[^/]*)$")
_QUOTES: Final = str.maketrans(dict.fromkeys("‘’ʼ＇", "'"))
# What may be left of a text where a word is left out: white space, marks before and after, and what the marks are.
_SPACE: Final = re.compile(r"^\s*")
_SPACE_BEFORE: Final = re.compile(r"\s*$")
_MARKS_BEFORE: Final = re.compile(r"[^\w\s]*$")
_MARKS_AFTER: Final = re.compile(r"^[^\w\s]*")
_ENDS: Final = re.compile("[.?!…。？！]")
_CLOSES: Final = re.compile('[)\\]}"”’»』」）】]')


class Variants:
    """Ways to write the same, to be found in texts.

    Parameters
    ----------
    rows : iterable of sequence of str
        The ways of each row; ``""`` where it may be left out. Their order does not matter.
    any_case : bool
        Let ways in capitals be found in any case too; else "US" is not found in "tell us".
    """

    def __init__(self, rows: Iterable[Sequence[str]], *, any_case: bool = False) -> None:
        ordered = sorted({tuple(ways) for ways in rows})
        #: Tells tables apart that make different things alike.
        self.fingerprint = blake2b(
            repr((ordered, any_case)).encode("utf-8", "surrogatepass"), digest_size=4
        ).hexdigest()
        self._any_case = any_case or all(way.upper() == way for ways in ordered for way in ways)
        others: dict[Key, dict[tuple[str, Key], str]] = {}
        for ways in ordered:
            spelled: dict[Key, str] = {}
            for way in ways:
                spelled.setdefault(_key(way), way)
            for key, own in spelled.items():
                if key:
                    found = ((other, way) for other, way in spelled.items() if other != key)
                    others.setdefault(key, {}).update({(own, other): way for other, way in found})
        self._others = {key: [(own, way) for (own, _), way in ways.items()] for key, ways in others.items()}
        self._longest: dict[str, int] = {}
        for key in self._others:
            self._longest[key[0]] = max(self._longest.get(key[0], 0), len(key))

    def widen(self, stretches: Sequence[Part]) -> list[Part]:
        """Make alternatives of all that stretches of a text have variants of."""
        made: list[Part] = []
        for ways in stretches:
            if len(ways) == 1:
                made += self._found(ways[0])
                continue
            wider = [list(self._found(way)) for way in ways]
            if (many := sum(map(count, wider))) > _MOST:
                raise InvalidInput(
                    f"its alternatives and their variants make {many} ways, more than {_MOST}, to write what begins "
                    f"{ways[0][:40]!r}. Write alternatives for single words, not for all of a sentence."
                )
            made.append(tuple(dict.fromkeys("".join(row) for one in wider for row in product(*one))))
        return made

    def ways_of(self, text: str) -> list[str]:
        """Give all ways to write a text, that itself being first."""
        return list(filter(None, every(self.widen([(text,)]))))

    def _found(self, text: str) -> Iterator[Part]:
        """Cut a text where there are variants, of which some may overlap, or lie in others."""
        word = _ascii_word() if text.isascii() else _word()
        keys = [_folded(one) for one in word.findall(text)]
        begin = 0
        if not self._longest.keys().isdisjoint(keys):
            words = [one.span() for one in word.finditer(text)]
            runs = [*_runs(text, words, list(self._matches(text, words, keys)))]
            for n, found in enumerate(runs):
                until = runs[n + 1].start if n + 1 < len(runs) else len(text)
                run = _without_marks(text, begin, found, until) if "" in found.ways else found
                if begin < run.start:
                    yield (text[begin : run.start],)
                yield run.ways
                begin = run.end
        if begin < len(text):
            yield (text[begin:],)

    def _matches(self, text: str, words: Sequence[tuple[int, int]], keys: Sequence[str]) -> Iterator[_Match]:
        for at in [at for at, key in enumerate(keys) if key in self._longest]:
            for last in range(min(at + self._longest[keys[at]], len(keys)), at, -1):
                if others := self._others.get(tuple(keys[at:last])):
                    found = text[words[at][0] : words[last - 1][1]]
                    ways = [
                        _in_case(way, own, found)
                        for own, way in others
                        if self._any_case or not _in_capitals(own) or found.upper() == found
                    ]
                    if ways:
                        yield _Match(at, last, ways)


class _Match(NamedTuple):
    """Words of a text, from the first until before the last, that may be written in other ways."""

    first: int
    last: int
    ways: list[str]


class _Run(NamedTuple):
    """A stretch of a text, and all ways to write it."""

    start: int
    end: int
    ways: Part


def _runs(text: str, words: Sequence[tuple[int, int]], matches: Sequence[_Match]) -> Iterator[_Run]:
    """Give the stretches of words that matches share."""
    run: list[_Match] = []
    last = 0
    for match in [*matches, None]:
        if run and (match is None or match.first >= last):
            first = run[0].first
            if (ways := _ways(text, words, first, last, run)) is not None:
                yield _Run(words[first][0], words[last - 1][1], ways)
            else:  # too many: the longest from the left on
                for one in _longest_first(run):
                    start, end = words[one.first][0], words[one.last - 1][1]
                    yield _Run(start, end, (text[start:end], *one.ways))
            run, last = [], 0
        if match is not None:
            run.append(match)
            last = max(last, match.last)


def _ways(text: str, words: Sequence[tuple[int, int]], first: int, last: int, matches: Sequence[_Match]) -> Part | None:
    """Give all ways to write words, what stands there being first; None if they are too many."""
    if len(matches) == 1:
        return (text[words[first][0] : words[last - 1][1]], *matches[0].ways)
    here: dict[int, list[_Match]] = {}
    for match in matches:
        here.setdefault(match.first, []).append(match)
    # Before each word, what may stand in place of all words before it.
    until: list[dict[str, None]] = [{"": None}, *({} for _ in range(first, last))]
    for at in range(first, last):
        for to, ways in [*((one.last, one.ways) for one in here.get(at, ())), (at + 1, [text[slice(*words[at])]])]:
            space = text[words[to - 1][1] : words[to][0]] if to < last else ""
            until[to - first].update(
                dict.fromkeys(before + way + space for before in until[at - first] for way in ways)
            )
            if len(until[to - first]) > _MOST:
                return None
    return tuple(dict.fromkeys([text[words[first][0] : words[last - 1][1]], *until[-1]]))


def _longest_first(matches: Sequence[_Match]) -> Iterator[_Match]:
    at = 0
    for match in sorted(matches, key=lambda one: (one.first, -one.last)):
        if match.first >= at:
            yield match
            at = match.last


def _in_case(way: str, own: str, found: str) -> str:
    """Do to one way what was done to another of its row, from how that stands in the table to how it was found."""
    if found == own:
        return way
    if _in_capitals(found) and not own.isupper():
        return way.upper()
    if _in_capitals(own):
        way, own = way.lower(), own.lower()
    if found.islower():
        return way if own.islower() else way.lower()
    if found[0].isupper() and own[0].islower():
        return way[:1].upper() + way[1:]
    return way[:1].lower() + way[1:] if found[0].islower() and own[0].isupper() else way


def _in_capitals(text: str) -> bool:
    return text.isupper() and sum(map(str.isupper, text)) > 1


def _without_marks(text: str, begin: int, run: _Run, until: int) -> _Run:
    """Widen a stretch, from begin and until at most, by the marks that would stand alone where it is left out.

    A mark that ends a sentence goes to the word before; one that opens something, to the word after.
    """
    start, end, ways = run
    after = _first(_MARKS_AFTER, text[end:until])
    before = _first(_MARKS_BEFORE, text[begin:start])
    space = _first(_SPACE_BEFORE, text[begin : start - len(before)])
    last = start - len(before) - len(space)
    word_before = text[last - 1 : last].isalnum()
    if start and not space and not before:  # as in scripts without spaces
        return run
    head = tail = left = ""
    if not before:
        head, left = space, after if word_before and _ENDS.search(after) else ""
    elif _CLOSES.search(after):
        head = before
    elif space or not word_before:
        tail = _first(_SPACE, text[end + len(after) : until])
    made = dict.fromkeys(f"{head}{way}{after}{tail}" if way else left for way in ways)
    return _Run(start - len(head), end + len(after) + len(tail), tuple(made))


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[0] if found else ""


def variants_in(given: VariantsChoice | Variants | None) -> Variants | None:
    """Bring whatever is given to variants, or say why not."""
    if given is None or isinstance(given, Variants):
        return given
    if isinstance(given, pd.DataFrame):
        cells = given.astype(object).where(given.notna(), "").to_numpy().tolist()
        return _checked(((f"Row {n} of the variants", row) for n, row in enumerate(cells)), padded=True)
    if isinstance(given, str | PathLike):
        return _read(Path(given))
    if not pd.api.types.is_list_like(given) or isinstance(given, Mapping):
        more = ": list(map(list, it.items())) of a dict of words" if isinstance(given, Mapping) else ""
        raise InvalidInput(f"Variants must be {_ROWS}, not a {type(given).__name__}{more}.")
    return _checked(((f"Row {n} of the variants", row) for n, row in enumerate(given)), padded=False)


def _checked(rows: Iterable[tuple[str, Sequence[str]]], *, padded: bool) -> Variants:
    made = []
    for whose, row in rows:
        if not pd.api.types.is_list_like(row) or not all(isinstance(way, str) for way in row):
            raise InvalidInput(
                f"{whose} must be a list of texts, the ways to write one thing, such as ['gonna', 'going to'], not "
                f"{row!r}. All variants are {_ROWS}."
            )
        if braced := next((way for way in row if may_have_alternatives(way)), None):
            raise InvalidInput(f"{whose} has alternatives in braces, {braced!r}. Give each way in a cell of its own.")
        ways = [" ".join(way.split()) for way in row if way.strip() or not padded]
        if len({_key(way) for way in ways}) < 2:
            if padded and not ways:
                continue
            raise InvalidInput(f"{whose} has one way to write it: {', '.join(map(repr, row))}. Give the others too.")
        made.append(ways)
    return Variants(made)


def _read(path: Path) -> Variants:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"The variants {path} are not UTF-8. Save them so.") from error
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL
        why = getattr(error, "strerror", None) or error
        raise InvalidInput(
            f"The variants {str(path)[:60]} cannot be read ({why}). A text is the path of a table. Without one, give "
            f"{_ROWS}."
        ) from error
    lines = text.splitlines()
    kind = path.suffix.lower()
    if kind == ".glm" or (kind not in _TABLES and _ARROW in next(filter(None, map(_rule, lines)), "")):
        return Variants(_of_nist(path, lines), any_case=True)
    rows = csv.reader(lines, delimiter="\t" if kind == ".tsv" else ",")
    return _checked(((f"{path}, line {rows.line_num}:", row) for row in rows), padded=True)


def _rule(line: str) -> str:
    """Give the rule of a line of a GLM file; nothing of a line that has none."""
    rule = line.split(";;", maxsplit=1)[0].strip()
    return "" if rule.startswith("*") else rule


def _of_nist(path: Path, lines: Iterable[str]) -> Iterator[list[str]]:
    """Give the rows of a NIST GLM file: for each text that rules make, all that is made that.

    There both sides are rewritten, and count alike if they are then the same. So do the ways of a row: of ``he's => {
    he is / he has }`` "he's" may be either of the others, and each of these "he's", but neither is the other.
    """
    made: dict[Key, dict[str, None]] = {}
    for number, line in enumerate(lines, 1):
        if not (rule := _rule(line)):
            continue
        source, arrow, target = rule.partition(_ARROW)
        if not arrow:
            raise InvalidInput(f"{path}, line {number}: this must be a rule, A => B, and is {rule[:60]!r}. Mend it.")
        context = _CONTEXT.search(target)
        if context:
            target = target[: context.start()]
        before, after = (_bare(context[name]) for name in ("before", "after")) if context else ("", "")
        try:
            ways = [every(parts(from_nist(_bare(side)))) for side in (source, target)]
        except InvalidInput as error:
            raise InvalidInput(f"{path}, line {number}: {error}") from None
        if ways[0] == [""]:
            raise InvalidInput(f"{path}, line {number}: nothing stands before {_ARROW}. Mend it, or leave it out.")
        for way in ways[1]:
            of, *from_ = (wording((before, one, after)) for one in (way, *ways[0]))
            made.setdefault(_key(of), {of: None}).update(dict.fromkeys(from_))
    return (list(row) for row in made.values() if len({_key(way) for way in row}) > 1)


def _bare(side: str) -> str:
    """Take off the marks of a side's ends, which are there because blanks matter."""
    side = side.strip()
    return side[1:-1] if len(side) > 1 and (side[0] + side[-1]) in {"[]", '""'} else side


def _key(text: str) -> Key:
    return tuple(map(_folded, (_ascii_word() if text.isascii() else _word()).findall(text)))


@lru_cache(100_000)
def _folded(word: str) -> str:
    return unicodedata.normalize("NFC", word.translate(_QUOTES).casefold())


@cache
def _ascii_word() -> re.Pattern[str]:
    """Make what :func:`_word` is, for a text in ASCII, where it takes half the time."""
    return re.compile(r"\w+(?:(?:['.\-]|(?<=\d)[,:/](?=\d))\w+)*|\S", re.ASCII)


@cache
def _word() -> re.Pattern[str]:
    """Words with the apostrophes, hyphens and points in them, characters of scripts without spaces, and other signs."""
    marks = "".join(sign for sign in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(sign)[0] == "M")
    marks += "\u0e33\u0eb3"  # AM of Thai and Lao, which is part of the character before
    letter = rf"(?:(?![{UNSEGMENTED}])[\w{marks}])"
    return re.compile(rf"[{UNSEGMENTED}][{marks}]*|{letter}+(?:(?:['‘’ʼ＇.\-‐‑]|(?<=\d)[,:/](?=\d)){letter}+)*|\S")
