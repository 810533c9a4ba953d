"""Variants: a table of what may be written in several ways, wherever a reference has one of them."""

from __future__ import annotations

import csv
import re
import sys
import unicodedata
from functools import cache
from itertools import product
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import pandas as pd

from asrlab.errors import InvalidInput
from asrlab.normalize.scripts import UNSEGMENTED
from asrlab.wordings import count, every, from_nist, parts, together

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from asrlab.wordings import Part

    Key = tuple[str, ...]

#: A table of variants, each row the ways to write one thing; or the path of one.
VariantsChoice: TypeAlias = "pd.DataFrame | Sequence[Sequence[str]] | str | PathLike[str]"

#: Ways that variants within an alternative of a reference may make.
_MOST: Final = 1024
_ARROW: Final = "=>"
_CONTEXT: Final = re.compile(r"\s*/\s*(?P<before>[^/]*?)\s*_+\s*(?P<after>[^/]*)$")
_QUOTES: Final = str.maketrans(dict.fromkeys("‘’ʼ＇", "'"))


class Variants:
    """Ways to write the same, to be found in texts.

    Parameters
    ----------
    rows : iterable of sequence of str
        The ways of each row; ``""`` where it may be left out.
    """

    def __init__(self, rows: Iterable[Sequence[str]]) -> None:
        others: dict[Key, dict[Key, str]] = {}
        for ways in rows:
            spelled: dict[Key, str] = {}
            for way in ways:
                spelled.setdefault(_key(way), way)
            for key in filter(None, spelled):
                others.setdefault(key, {}).update(spelled)
        self._others = {key: tuple(way for other, way in ways.items() if other != key) for key, ways in others.items()}
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

    def _found(self, text: str) -> Iterator[Part]:
        """Look for variants from the first word on, for the longest first."""
        words = list(_word().finditer(text))
        keys = [_folded(word[0]) for word in words]
        at = begin = 0
        while at < len(keys):
            for many in range(self._longest.get(keys[at], 0), 0, -1):
                if others := self._others.get(tuple(keys[at : at + many])):
                    start, end = words[at].start(), words[at : at + many][-1].end()
                    if begin < start:
                        yield (text[begin:start],)
                    yield (text[start:end], *others)
                    begin = end
                    at += many
                    break
            else:
                at += 1
        if begin < len(text):
            yield (text[begin:],)


def variants_in(given: VariantsChoice | None) -> Variants | None:
    """Bring whatever is given to variants, or say why not."""
    if given is None:
        return None
    if isinstance(given, pd.DataFrame):
        cells = given.astype(object).where(given.notna(), "").to_numpy().tolist()
        return _checked(((f"Row {n} of the variants", row) for n, row in enumerate(cells)), padded=True)
    if isinstance(given, str | PathLike):
        return _read(Path(given))
    return _checked(((f"Row {n} of the variants", row) for n, row in enumerate(given)), padded=False)


def _checked(rows: Iterable[tuple[str, Sequence[str]]], *, padded: bool) -> Variants:
    made = []
    for whose, row in rows:
        if isinstance(row, str) or not all(isinstance(way, str) for way in row):
            raise InvalidInput(
                f"{whose} must be a list of texts, the ways to write one thing, such as ['gonna', 'going to'], not "
                f"{row!r}."
            )
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
    except OSError as error:
        raise InvalidInput(f"The variants {path} cannot be read ({error.strerror or error}).") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"The variants {path} are not UTF-8. Save them so.") from error
    lines = text.splitlines()
    if _ARROW in text:
        return Variants(_of_nist(path, lines))
    rows = csv.reader(lines, delimiter="\t" if path.suffix == ".tsv" else ",")
    return _checked(((f"{path}, line {rows.line_num}:", row) for row in rows), padded=True)


def _of_nist(path: Path, lines: Iterable[str]) -> Iterator[list[str]]:
    """Give the rows of a NIST GLM file: for each text that rules make, all that is made that.

    There both sides are rewritten, and count alike if they are then the same. So do the ways of a row: of ``he's => {
    he is / he has }`` "he's" may be either of the others, and each of these "he's", but neither is the other.
    """
    made: dict[Key, dict[str, None]] = {}
    for number, line in enumerate(lines, 1):
        rule = line.split(";;")[0].strip()
        if not rule or rule.startswith("*"):
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
            of, *from_ = (together((before, one, after)) for one in (way, *ways[0]))
            made.setdefault(_key(of), {of: None}).update(dict.fromkeys(from_))
    return (list(row) for row in made.values() if len({_key(way) for way in row}) > 1)


def _bare(side: str) -> str:
    """Take off the marks of a side's ends, which are there because blanks matter."""
    side = side.strip()
    return side[1:-1] if len(side) > 1 and (side[0] + side[-1]) in {"[]", '""'} else side


def _key(text: str) -> Key:
    return tuple(map(_folded, _word().findall(text)))


def _folded(word: str) -> str:
    return unicodedata.normalize("NFC", word.translate(_QUOTES).casefold())


@cache
def _word() -> re.Pattern[str]:
    """Words with the apostrophes, hyphens and points in them, characters of scripts without spaces, and other signs."""
    marks = "".join(sign for sign in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(sign)[0] == "M")
    marks += "\u0e33\u0eb3"  # AM of Thai and Lao, which is part of the character before
    letter = rf"(?:(?![{UNSEGMENTED}])[\w{marks}])"
    return re.compile(rf"[{UNSEGMENTED}][{marks}]*|{letter}+(?:(?:['‘’ʼ＇.\-‐‑]|(?<=\d)[,:/](?=\d)){letter}+)*|\S")
