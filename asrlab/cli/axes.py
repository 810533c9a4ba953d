"""Axes: the grid of a sweep as it is written on a command line.

::

    --axis language=none,right:@language        levels; a label before a colon; @ reads a column of the utterances
    --axis enable_itn=false,true
    --axis 'context=none,terms:note:terms.{language}.txt'
    --axis 'context=none,names:"Kestrel, Ostrava"'
    --axis 'audio={"wire": null, "GSM": {"codec": "gsm", "packet_loss": 0.05}}'
    --set language=@language                    given in all conditions, and no axis
"""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

import asrlab as lab
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd

    from asrlab.data.dataset import Dataset
    from asrlab.sweep.grid import Conditions

_WORDS: Final = {"none": None, "null": None, "true": True, "false": False}
_NUMBER: Final = re.compile(r"[+-]?(?:\d+|\d*\.\d+|\d+\.)(?:e[+-]?\d+)?|[+-]?inf", re.I)
#: A level: a label and a colon, if there are any, and a value, in quotes if it is a text with commas or colons in it.
_LEVEL: Final = re.compile(r'(?:(?!(?:file|note):)([^",:]+):)?("(?:[^"\\]|\\.)*"|[^",]*)(?:,|$)')
_PLACE: Final = re.compile(r"\{(\w+)\}")


def grid(dataset: Dataset, axes: Iterable[str], settings: Iterable[str], where: str | None = None) -> Conditions:
    """Make the conditions that a command line names; see :func:`asrlab.grid`.

    Parameters
    ----------
    dataset : Dataset
        Where notes are read.
    axes : iterable of str
        ``name=levels``: values with commas between them, each with a label if it has one, or a JSON list of levels or
        object of labels and levels.
    settings : iterable of str
        ``name=value``, which all conditions have.
    where : str, optional
        Which of the conditions are kept, as for :meth:`asrlab.sweep.grid.Conditions.where`.

    Raises
    ------
    UsageError
        If one of them cannot be read, or a name stands twice.
    InvalidInput
        As for :func:`asrlab.grid`.
    """
    given: dict[str, Any] = {}
    for option, texts, read in (("--axis", axes, _levels), ("--set", settings, _value)):
        for text in texts:
            name, equals, said = text.partition("=")
            name = name.strip()
            if not equals or not name:
                lacks = "name" if equals else "value"
                raise click.UsageError(f"{option} {text!r} has no {lacks}. Write {option} NAME=..., as in snr=20,10,0.")
            if name in given:
                raise click.UsageError(f"{name} is given twice. Put all its levels into one --axis.")
            given[name] = read(dataset, said.strip(), name)
    conditions = lab.grid(**given)
    return conditions if where is None else conditions.where(where)


def plain_value(text: str) -> Any:  # noqa: ANN401 - as it is written
    """Read a value: JSON where it begins as such, ``none``, ``true``, ``false``, a number; else it is a text.

    Raises
    ------
    UsageError
        If it begins as JSON and is none.
    """
    if text[:1] in {"{", "[", '"'}:
        try:
            return json.loads(text)
        except ValueError as error:
            raise click.UsageError(f"{text!r} begins as JSON, and is none: {error}.") from error
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _NUMBER.fullmatch(text):
        return float(text) if re.search("[.eEf]", text) else int(text)
    return text


def _value(dataset: Dataset, text: str, name: str) -> Any:  # noqa: ANN401 - any value of a parameter
    value = _level(dataset, text)
    if isinstance(value, dict):
        raise click.UsageError(f"--set {name} takes one value. Labels and levels are an axis: --axis {name}={text}")
    return tuple(value) if isinstance(value, list) else value  # a list would be an axis


def _levels(dataset: Dataset, text: str, name: str) -> list[Any] | dict[str, Any]:
    if text[:1] in {"{", "["}:
        read = plain_value(text)
        if isinstance(read, dict):
            return {label: _made(dataset, level) for label, level in read.items()}
        return [_made(dataset, level) for level in read]
    found: list[tuple[str | None, Any]] = []
    place = 0
    while place < len(text) or not found:
        match = _LEVEL.match(text, place)
        if match is None:
            raise click.UsageError(
                f"The levels {text!r} cannot be read from {text[place : place + 20]!r} on. Levels have commas between "
                'them, and one with commas or colons in it has quotes around it: "Kestrel, Ostrava".'
            )
        found.append((match[1], _level(dataset, match[2].strip())))
        place = match.end()
    if all(label is None for label, _ in found):
        return [level for _, level in found]
    # A level without a label beside others that have one is called as the grid would call it.
    labels = [label.strip() if label else next(iter(lab.grid(**{name: [level]}).axes[name])) for label, level in found]
    if twice := next((label for label in labels if labels.count(label) > 1), None):
        raise click.UsageError(f"Two levels are labelled {twice!r} in {text!r}. Give them different labels.")
    return dict(zip(labels, (level for _, level in found), strict=True))


def _level(dataset: Dataset, text: str) -> Any:  # noqa: ANN401 - as above
    value = plain_value(text)
    return value if text[:1] == '"' else _made(dataset, value)  # in quotes it is a text, whatever it says


def _made(dataset: Dataset, value: Any) -> Any:  # noqa: ANN401 - as above
    """Give a level that differs by utterance, or is the text of a file, where a text says so."""
    if not isinstance(value, str):
        return value
    if value.startswith("@"):
        return lab.column(value[1:])
    kind, _, name = value.partition(":")
    if kind not in {"file", "note"}:
        return value
    read = dataset.note if kind == "note" else _text_of
    return partial(_by_utterance, read, name) if _PLACE.search(name) else read(name)


def _by_utterance(read: Callable[[str], str], name: str, utterance: pd.Series) -> str | None:
    """Read the file that is an utterance's own; none where a column that names it is empty."""
    values = {column: lab.column(column)(utterance) for column in _PLACE.findall(name)}
    if utterance[list(values)].isna().any():
        return None
    for column, value in values.items():
        if re.search(r"[/\\]|^\.*$", str(value)):
            raise InvalidInput(f"The {column} {value!r} is to be part of the name of a file, and cannot be one.")
    return read(_PLACE.sub(lambda place: str(values[place[1]]), name))


def _text_of(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"There is no file {name!r} here that can be read as UTF-8 text.") from error
