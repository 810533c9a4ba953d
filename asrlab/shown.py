"""Shown: how an object says what it is, in a line of text and in HTML that any export keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from reprlib import Repr
from typing import TYPE_CHECKING, Final

from asrlab.text import escape, plain, untypeset

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Characters of a line of text, of a title, and of one value in HTML: what others wrote may have any length.
LINE: Final = 400
_TITLE: Final = 100
_VALUE: Final = 1000
_MEMBERS: Final = 12
_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+")  # of another object in every run
_HEAD: Final = "text-align:left;vertical-align:top;padding:.2em .6em .2em 0"
_CELL: Final = f"{_HEAD};max-width:60em;word-break:break-word"
_BRIEF: Final = Repr()
_BRIEF.maxstring = _BRIEF.maxother = 80
_BRIEF.maxtuple = _BRIEF.maxlist = _BRIEF.maxset = _BRIEF.maxfrozenset = _BRIEF.maxdict = 4
_BRIEF.maxlevel = 3


class Shown:
    """Gives an object a text of one line and a table of HTML, both of bounded length.

    A class whose line says something else has a ``__repr__`` of its own, and one whose table does has a ``_told``.
    """

    __slots__ = ()

    def _told(self) -> Iterable[tuple[str, object]]:
        """Give what is to be seen, by name; of a dataclass, those of its fields that are shown and hold something."""
        if is_dataclass(self):
            for field in fields(self):
                if field.repr and (value := getattr(self, field.name)) is not None:
                    yield field.name, value

    def _titled(self) -> str:
        """Say what kind of thing it is."""
        return type(self).__name__

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={_BRIEF.repr(value)}" for name, value in self._told())
        return plain(_ADDRESS.sub("", f"{type(self).__name__}({said})"), LINE)

    def _repr_html_(self) -> str:
        return untypeset(facts(self._titled(), self._told()))


def facts(title: str, told: Iterable[tuple[str, object]]) -> str:
    """Make an HTML table of facts, a row each, for the page of a notebook that is not trusted.

    Parameters
    ----------
    title : str
        What they are of.
    told : iterable of (str, object)
        Name and value of each. A text is cut to 1,000 characters, and of several values the first twelve are shown: it
        is said how much is left out.
    """
    rows = "".join(
        f'<tr><th scope="row" style="{_HEAD}">{escape(plain(name, 80))}</th>'
        f'<td dir="auto" style="{_CELL}">{escape(words(value))}</td></tr>'
        for name, value in told
    )
    caption = '<caption style="text-align:left;font-weight:bold;white-space:nowrap">'
    return f"<table>{caption}{escape(plain(title, _TITLE))}</caption><tbody>{rows}</tbody></table>"


def words(value: object, limit: int = _VALUE) -> str:
    """Say a value in one line of text: a text as it is, several values with commas, a function by its name."""
    if isinstance(value, str):
        text = plain(value) or "(empty)"
    elif isinstance(value, Mapping):
        text = _some([f"{plain(name, 80)}: {words(value[name], 200)}" for name in _first(value)], len(value))
    elif isinstance(value, frozenset | set):
        text = _some(sorted(words(member, 200) for member in value)[:_MEMBERS], len(value))
    elif isinstance(value, tuple | list):
        text = _some([words(member, 200) for member in _first(value)], len(value))
    elif callable(value) and not isinstance(value, Shown):
        text = plain(getattr(value, "__name__", type(value).__name__))
    else:
        text = _ADDRESS.sub("", plain(value))
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text):,} characters)"


def _first(members: Iterable[object]) -> list[object]:
    return [member for member, _ in zip(members, range(_MEMBERS), strict=False)]


def _some(said: list[str], n: int) -> str:
    return ", ".join(said) + (f" and {n - len(said):,} more" if n > len(said) else "") if n else "none"
