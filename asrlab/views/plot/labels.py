"""Labels: which columns of a table tell its rows apart, and how their values are written in a figure."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

import numpy as np

from asrlab import groups, tables
from asrlab.errors import InvalidInput
from asrlab.text import plain
from asrlab.views.markup import EMPTY, display_width, is_missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    Key = tuple[object, ...]
    Shown = Mapping[str, str]  # text -> what is shown of it

#: Characters of a label, and columns of a line of labels, unless they need more.
CUT: Final = 40
WIDE: Final = 60
#: A fact of so many terminal cells is not broken.
_WHOLE: Final = 24
#: What is less is no tenth, and what is not more than an error of rounding.
_TENTH: Final = 0.05
_ROUNDING: Final = 1e-10
#: After these a label may be broken.
_BREAKS: Final = frozenset(" ·/_,;:=-…")


def by_columns(frame: pd.DataFrame, own: set[str], first: str) -> list[str]:
    """Find the by-columns: those before the table's own; failing that, those the table does not declare."""
    names = list(frame.columns)
    leading = names[: names.index(first)] if first in names else []
    return leading or [name for name in names if name not in own]


def told_apart(frame: pd.DataFrame, own: set[str], by: list[str], more: list[str]) -> list[str]:
    """Add columns that others put there, and form, normalizer and ties, where nothing else tells the rows apart."""
    if len(set(keys_of(frame, [*by, *more]))) == len(frame):
        return by
    apart = [*(name for name in frame.columns if name not in own), "form", "normalizer", "ties"]
    return by + [name for name in apart if name not in {*by, *more} and frame[name].nunique(dropna=False) > 1]


def layout_of(frame: pd.DataFrame, by: list[str], x: str | None, hue: str | None) -> tuple[list[str], list[str]]:
    """Choose the columns that make groups, and the one (or none) that makes bars within a group."""
    for name in (x, hue):
        if name is not None and name not in frame.columns:
            raise InvalidInput(f"There is no column {name!r} to draw by; this summary is by {', '.join(by) or 'none'}.")
    varying = [name for name in by if frame[name].nunique(dropna=False) > 1 and name not in (x, hue)] or (
        by[:1] if x is None and hue is None else []
    )
    if x is not None:
        series = [hue] if hue is not None else varying[-1:]
        return [x], series
    if hue is not None:
        return varying, [hue]
    return (varying[:-1], varying[-1:]) if len(varying) > 1 else (varying, [])


def settings_named(table: pd.DataFrame, frame: pd.DataFrame, name: str) -> tuple[list[str], list[str]]:
    """Name the settings of a table, and say what all of them have in common, or what the parts of a name are.

    Parameters
    ----------
    table : DataFrame
        With the columns that make a setting before its own.
    frame : DataFrame
        The same, checked.
    name : str
        Which table it is.
    """
    by = by_columns(table, set(tables.SCHEMAS[name]), "rate")
    if by == ["condition"]:
        short, common = groups.shortened(str(label) for label in frame["condition"])
        shown = shown_texts(short.values())
        labels = [label_of((short[str(label)],), shown) for label in frame["condition"]]
        return labels, [f"all with {common}" if common else ""]
    varying = [column for column in by if frame[column].nunique(dropna=False) > 1] or by[:1]
    keys = keys_of(frame, varying)
    shown = shown_texts(part for key in keys for part in key)
    said = f"names: {' · '.join(plain(column, 30) for column in varying)}" if varying else ""
    return [label_of(key, shown) or "all" for key in keys], [said]


def keys_of(frame: pd.DataFrame, columns: list[str]) -> list[Key]:
    """Give the values of columns by row; what is missing is None."""
    cells = [[None if is_missing(value) else value for value in frame[name]] for name in columns]
    return list(zip(*cells, strict=True)) if cells else [()] * len(frame)


def label_of(key: Key, shown: Shown | None = None) -> str:
    """Write a key as a label."""
    return " · ".join("not known" if is_missing(part) else _text_of(part, shown or {}) or EMPTY for part in key)


def _text_of(part: object, shown: Shown) -> str:
    text = plain(part)
    return shown.get(text, plain(part, CUT))


def shown_texts(parts: Iterable[object], limit: int = CUT) -> dict[str, str]:
    """Cut long labels in their middle, but never two different ones to the same."""
    texts = {plain(part) for part in parts if not is_missing(part)}
    while len({_cut(text, limit) for text in texts}) < len(texts):
        limit *= 2
    return {text: _cut(text, limit) for text in texts}


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    start, end = limit - limit // 3 - 1, len(text) - limit // 3
    while start and _is_mark(text[start]):
        start -= 1
    while end < len(text) and _is_mark(text[end]):
        end += 1
    return f"{text[:start]}…{text[end:]}"


def _is_mark(letter: str) -> bool:
    """Tell whether this is written on the letter before."""
    return unicodedata.category(letter)[0] == "M"


def wrapped(text: str, cells: int) -> str:
    """Break a text into lines of so many terminal cells: after a space or a sign, or anywhere if there is none."""
    if "\n" in text:
        return "\n".join(wrapped(one, cells) for one in text.split("\n"))
    lines, rest = [], text
    while display_width(rest) > cells and (fits := _letters_in(rest, cells)) < len(rest):
        at = max((place for place in range(1, fits + 1) if _may_break(rest, place)), default=fits)
        lines.append(rest[:at].rstrip(" "))
        rest = rest[at:].lstrip(" ")
    return "\n".join([*lines, rest])


def most_lines(labels: Sequence[str]) -> int:
    """Give the lines of the label that has most."""
    return max((label.count("\n") + 1 for label in labels), default=1)


def longest_word(text: str) -> int:
    """Give the terminal cells of the longest part of a text that is not broken, if that can be helped."""
    parts, start = [], 0
    for place in range(1, len(text)):
        if _may_break(text, place):
            parts.append(text[start:place])
            start = place
    return max(display_width(part.strip()) for part in [*parts, text[start:]])


def _letters_in(text: str, cells: int) -> int:
    """Give how many characters stand in so many terminal cells: one at least, and no mark without its letter."""
    many, wide = 0, 0
    for letter in text:
        wide += display_width(letter)
        if many and wide > cells:
            break
        many += 1
    while 1 < many < len(text) and _is_mark(text[many]):
        many -= 1
    return many


def _may_break(text: str, place: int) -> bool:
    before, after = text[place - 1], text[place : place + 1]
    if (before in ",:" and after.isdigit()) or (after and _is_mark(after)):  # of a number, a time or a letter
        return False
    return before in _BREAKS or after == " " or (display_width(before) > 1 and bool(after))


def packed(facts: Sequence[str], cells: int) -> str:
    """Write facts one after another with semicolons, in lines of so many terminal cells; short facts are not broken."""
    lines = [""]
    for number, fact in enumerate(facts):
        said = fact + ";" * (number < len(facts) - 1)
        for part in [said] if display_width(said) <= _WHOLE else said.split(" "):
            if lines[-1] and display_width(f"{lines[-1]} {part}") > cells:
                lines.append("")
            lines[-1] = f"{lines[-1]} {part}".lstrip()
    return "\n".join(wrapped(one, cells) for one in lines)


def number(value: float) -> str:
    """Write a number rounded to three figures, never with an exponent."""
    return np.format_float_positional(value, precision=3, fractional=False, trim="-")


def tenths(value: float) -> str:
    """Write a number to its tenths, a smaller one to two figures: only zero is "0.0"."""
    if abs(value) >= _TENTH or abs(value) < _ROUNDING:
        return f"{value:.1f}"
    return np.format_float_positional(value, precision=2, fractional=False, trim="-")


def together(parts: list[str], cells: int = WIDE) -> str:
    """Write parts one after another, in as many lines as they need."""
    lines = parts[:1]
    for part in parts[1:]:
        longer = f"{lines[-1]} {part}"
        lines = [*lines[:-1], longer] if display_width(longer) <= cells else [*lines, part]
    return "\n".join(wrapped(one, cells) for one in lines)
