"""Lists: the terms that a context names."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Commas, semicolons and bars, also Chinese, Japanese and Arabic ones; bullets; tabs and ends of lines.
_SEPARATORS: Final = re.compile(r"[,;|、，；｜､،؛•‣▪●◦\t\n\v\f\r\x85\u2028\u2029]+")
_LINE_ENDS: Final = re.compile(r"[\n\v\f\r\x85\u2028\u2029]+")
#: The dot that is between items in Japanese, and between the parts of a foreign name, which is katakana.
_DOT: Final = "・"
_DOT_OF_A_NAME: Final = re.compile(r"(?<=[ァ-ヺー])・(?=[ァ-ヺー])")
#: At the start of a line.
_BULLET: Final = re.compile(r"\s*[-*+–—·∙]\s+")
#: Before an item: "1. ", "2) ", "(3) ", "4、".
_NUMBER: Final = re.compile(r"\s*(?:[(（](\d{1,3})[)）]|(\d{1,3})(?:[)）、．]|[.:](?!\d)))\s*(?=\S)")
#: Before the first item of a line.
_LABEL: Final = re.compile(r"[^:：]{1,60}(?:：|:(?=\s|$|[^\x00-\x7f]))")
_QUOTES: Final = ('""', "''", "“”", "‘’", "«»", "「」")
_BRACKETS: Final = ("[]", "()", "{}", "（）", "【】")
#: What holds the term in a JSON object of one.
_FIELDS: Final = ("text", "term", "word", "phrase", "name", "value")


def items(context: str) -> list[str]:
    """Read the terms of a context, in order.

    Parameters
    ----------
    context : str
        A JSON list, of texts or of objects with a ``text`` or ``term`` ..., or a JSON object of such lists; or terms
        with commas, semicolons, bars, bullets, tabs or ends of lines between them, ASCII, Chinese, Japanese or Arabic.
        The Japanese dot ("・") is between terms where nothing else is, and where it is not only within katakana, as in
        foreign names.

        What is not of the terms is taken off: brackets around the list, quotes around a term, bullets, numbers that
        count up ("1. Kim", "2. Lee"), and a label with a colon before the first of several terms of a line, or alone
        in its line ("Terms: Kim, Lee").

    Returns
    -------
    list of str
        Without white space around them, and without empty ones; one that stands twice is there twice.

    Notes
    -----
    A list with nothing but spaces between its terms ("Kim Lee Bob") is one term: it cannot be told from a name. Prose
    comes apart at its commas, and a part may well be words that are said: of "You hear a call, now, to Kim", "now" is
    a term. Where a context is prose, or a list of another kind, give the terms themselves (``terms=``).

    Examples
    --------
    >>> items("Kestrel, Ostrava;  Van Houten")
    ['Kestrel', 'Ostrava', 'Van Houten']
    >>> items('["Kestrel, Inc.", "Ostrava"]')
    ['Kestrel, Inc.', 'Ostrava']
    >>> items("卡斯特里、奥斯特拉瓦，洁净室")
    ['卡斯特里', '奥斯特拉瓦', '洁净室']
    >>> items("Names: 1. Kestrel, 2. Ostrava")
    ['Kestrel', 'Ostrava']
    """
    text = context.lstrip("\ufeff").strip()
    found = _json(text)
    parts = _written(_without(text, _BRACKETS)) if found is None else found
    return [part.strip() for part in parts if part.strip()]


def _json(text: str) -> list[str] | None:
    if not text.startswith(("[", "{")):
        return None
    try:
        return _texts(json.loads(text, parse_int=str, parse_float=str))
    except (ValueError, RecursionError):
        return None


def _texts(value: object) -> list[str]:
    """Give the texts of a JSON value, of which numbers were made texts."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    if not isinstance(value, dict):
        return []
    if nested := [part for part in value.values() if isinstance(part, list | dict)]:
        return _texts(nested)
    return [value[name] for name in _FIELDS if isinstance(value.get(name), str)][:1]


def _written(text: str) -> list[str]:
    lines = _without_numbers([line for line in _LINE_ENDS.split(text) if line.strip()])
    found: list[str] = []
    for line in lines:
        rest = _BULLET.sub("", line, count=1) if _BULLET.match(line) else line
        found += _split(_without(_without_label(rest, several=len(lines) > 1), _BRACKETS))
    if len(found) == 1 and _DOT in _DOT_OF_A_NAME.sub("", found[0]):
        found = found[0].split(_DOT)
    return [_without(part, _QUOTES) for part in _without_numbers(found)]


def _split(line: str) -> list[str]:
    return [part for part in _SEPARATORS.split(line) if part.strip()]


def _without_label(line: str, *, several: bool) -> str:
    label = _LABEL.match(line)
    if not label or _SEPARATORS.search(label[0]):
        return line
    rest = line[label.end() :]
    parts = _split(rest)
    # A title ("Mission: Impossible") may be one of the terms: of several that have colons none is a label.
    is_label = (several and not parts) or (len(parts) > 1 and not any(map(_LABEL.match, parts)))
    return rest if is_label else line


def _without_numbers(texts: list[str]) -> list[str]:
    """Take the numbers off that count up; what is before the first one may be a label."""
    numbers = [_NUMBER.match(text) for text in texts]
    if texts and not numbers[0]:
        return [texts[0], *_without_numbers(texts[1:])] if len(texts) > 2 and numbers[1] else texts
    found = [int(number[1] or number[2]) for number in numbers if number]
    if len(found) < max(len(texts), 2) or any(b != a + 1 for a, b in pairwise(found)):
        return texts
    return [text[number.end() :] for text, number in zip(texts, numbers, strict=True) if number]


def _without(text: str, pairs: Iterable[str]) -> str:
    """Take one pair of brackets or quotes off that is around all of a text."""
    bare = text.strip()
    for pair in pairs:
        if len(bare) > 1 and bare[0] == pair[0] and bare[-1] == pair[1] and not {*pair} & {*bare[1:-1]}:
            return bare[1:-1]
    return text
