"""Grids: axes of parameters, crossed to conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.engines.base import Parameters
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

Level = Any  # a value, a Column, or a function of the utterance's row

_PARAMETERS: Final = tuple(f.name for f in fields(Parameters))
_LABEL_LENGTH: Final = 40
_RESERVED: Final = frozenset(
    column for table in ("trials", "transcripts", "scores", "summary", "comparison") for column in tables.SCHEMAS[table]
)


@dataclass(frozen=True)
class Column:
    """A level whose value is read from a column of the utterance table; made by :func:`column`."""

    name: str

    def __call__(self, utterance: pd.Series) -> Any:  # noqa: ANN401 - whatever the column holds
        """Read the value of one utterance."""
        if self.name not in utterance.index:
            raise InvalidInput(
                f"The utterances have no column {self.name!r}; they have {', '.join(map(str, utterance.index))}."
            )
        return utterance[self.name]


def column(name: str) -> Column:
    """Make a level that differs by utterance: the value in a column of the utterance table.

    Parameters
    ----------
    name : str
        Name of the column; where it is ``<NA>``, the parameter is left out.

    Examples
    --------
    >>> grid(language={"none": None, "right": column("language")})
    <Conditions: 2 = language (none, right)>
    """
    return Column(name)


@dataclass(frozen=True)
class Condition:
    """One setting: its name, the label of its level on each axis, and the levels themselves."""

    name: str
    labels: Mapping[str, str]
    levels: Mapping[str, Level]

    @property
    def constant(self) -> bool:
        """Whether it is the same for every utterance."""
        return not any(callable(level) for level in self.levels.values())

    def parameters(self, utterance: pd.Series) -> Parameters:
        """Resolve the setting for one utterance.

        Parameters
        ----------
        utterance : Series
            Row of the utterance table.

        Raises
        ------
        InvalidInput
            If a value is none that its parameter can take; the message names the utterance.
        """
        values: dict[str, Any] = {}
        for name, level in self.levels.items():
            try:
                value = level(utterance) if callable(level) else level
            except InvalidInput:
                raise
            except Exception as error:  # a function of the user's may raise anything
                raise InvalidInput(
                    f"Utterance {utterance['utt_id']}, condition {self.name}: the level of {name} raised "
                    f"{type(error).__name__}: {error}. Mend the function, or the row."
                ) from error
            if not (pd.api.types.is_scalar(value) and pd.isna(value)):
                values[name] = _plain(value)
        try:
            return Parameters.from_mapping(values)
        except InvalidInput as error:
            raise InvalidInput(f"Utterance {utterance['utt_id']}, condition {self.name}: {error}") from error


class Conditions(Sequence[Condition]):
    """The settings of a sweep, in order; made by :func:`grid`.

    Parameters
    ----------
    conditions : sequence of Condition
        At least one; all with the same axes.
    """

    def __init__(self, conditions: Sequence[Condition]) -> None:
        if not conditions:
            raise InvalidInput("There are no conditions. A sweep needs at least one.")
        self._conditions = tuple(conditions)

    @property
    def axes(self) -> dict[str, list[str]]:
        """Axis -> labels of its levels, in order."""
        first = self._conditions[0].labels
        return {axis: list(dict.fromkeys(c.labels[axis] for c in self._conditions)) for axis in first}

    @property
    def table(self) -> pd.DataFrame:
        """The ``conditions`` table: name, and the label on each axis."""
        rows = [{"condition": c.name, **c.labels} for c in self._conditions]
        return pd.DataFrame(rows, dtype="string")

    def where(self, query: str) -> Self:
        """Take part of the conditions.

        Parameters
        ----------
        query : str
            A query over :attr:`table`, such as ``"language == 'right' or context == 'none'"``.

        Raises
        ------
        InvalidInput
            If the query cannot be read or leaves nothing.
        """
        try:
            kept = set(self.table.query(query)["condition"])
        except Exception as error:  # pandas raises errors of many kinds for a query it cannot read
            raise InvalidInput(f"{query!r} cannot be read ({error}). The axes are {', '.join(self.axes)}.") from error
        return type(self)([c for c in self._conditions if c.name in kept])

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - as Sequence has it
        """Give a condition by its place, or several by a slice."""
        return self._conditions[index]

    def __len__(self) -> int:
        """Count the conditions."""
        return len(self._conditions)

    def __iter__(self) -> Iterator[Condition]:
        """Go through the conditions in order."""
        return iter(self._conditions)

    def __repr__(self) -> str:
        axes = " x ".join(f"{axis} ({', '.join(labels)})" for axis, labels in self.axes.items())
        return f"<Conditions: {len(self)} = {axes or 'defaults'}>"


def grid(**axes: Level | Sequence[Level] | Mapping[str, Level]) -> Conditions:
    """Cross the levels of some parameters.

    Parameters
    ----------
    **axes
        For each parameter (``language``, ``enable_itn``, ``context``, ``channel_id``, ``enable_words``) its levels: a
        mapping of label to level, or a list of levels that name themselves. A single value is given in all conditions
        and is no axis.
        A level is a value, a :func:`column`, or a function of the utterance's row (a Series with the columns of the
        utterance table). ``None`` leaves the parameter out.

    Returns
    -------
    Conditions
        Every combination, the last axis varying fastest.

    Raises
    ------
    InvalidInput
        If a name is no parameter, an axis has no levels, a label is missing or stands twice.

    Examples
    --------
    >>> grid(enable_itn=[False, True], context={"none": None, "names": "Kestrel, Ostrava"})
    <Conditions: 4 = enable_itn (False, True) x context (none, names)>
    """
    varied: dict[str, dict[str, Level]] = {}
    fixed: dict[str, Level] = {}
    for name, given in axes.items():
        if name not in _PARAMETERS:
            Parameters.from_mapping({name: None})  # says what was meant
        if isinstance(given, Mapping):
            varied[name] = _labelled(name, [(str(label), level) for label, level in given.items()])
        elif isinstance(given, list):
            varied[name] = _labelled(name, [(_label(name, level), level) for level in given])
        else:
            fixed[name] = given
    conditions = []
    for combination in product(*(levels.items() for levels in varied.values())):
        labels = {axis: label for axis, (label, _) in zip(varied, combination, strict=True)}
        levels = {axis: level for axis, (_, level) in zip(varied, combination, strict=True)}
        name = ", ".join(f"{axis}={label}" for axis, label in labels.items()) or "defaults"
        conditions.append(Condition(name, labels, {**fixed, **levels}))
    return Conditions(conditions)


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value a table can hold
    """Give the Python value of what came out of a table as a numpy one."""
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value.item() if isinstance(value, np.generic) else value


def _labelled(axis: str, levels: list[tuple[str, Level]]) -> dict[str, Level]:
    if axis in _RESERVED:
        raise InvalidInput(f"An axis cannot be called {axis!r}: tables have a column of that name.")
    by_label = dict(levels)
    if not by_label:
        raise InvalidInput(f"The axis {axis} has no levels. Give at least one, or leave the axis out.")
    if len(by_label) < len(levels):
        labels = [label for label, _ in levels]
        twice = next(label for label in labels if labels.count(label) > 1)
        raise InvalidInput(f"Two levels of the axis {axis} are labelled {twice!r}. Name them: {axis}={{label: level}}.")
    return by_label


def _label(axis: str, level: Level) -> str:
    if level is None:
        return "none"
    if isinstance(level, Column):
        return level.name
    name = getattr(level, "__name__", "") if callable(level) else str(level)
    if not name or name == "<lambda>" or len(name) > _LABEL_LENGTH or not name.isprintable():
        raise InvalidInput(
            f"A level of the axis {axis} needs a label, since it has no short name of its own: "
            f"{axis}={{'label': level, ...}}."
        )
    return name
