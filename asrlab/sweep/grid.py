"""Grids: axes of parameters, crossed to conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.data.recipe import Recipe
from asrlab.engines.base import Parameters
from asrlab.errors import InvalidInput
from asrlab.shown import LINE, Shown, words
from asrlab.suggest import suggestion
from asrlab.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
Level = Any  # a value, a Column, or a function of the utterance's row

#: What a grid may vary: the request, the audio, and who is asked. Kind -> names.
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "request": tuple(f.name for f in fields(Parameters)),
    "audio": ("audio", *(f.name for f in fields(Recipe))),
    "engine": ("engine", "model", "region", "mode"),
}
_LABEL_LENGTH: Final = 40
_RESERVED: Final = frozenset(
    column for table in ("trials", "transcripts", "scores", "summary", "comparison") for column in tables.SCHEMAS[table]
)


@dataclass(frozen=True, repr=False)
class Column(Shown):
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

    Returns
    -------
    Column
        To be a level of :func:`asrlab.grid`.

    Examples
    --------
    >>> grid(language={"none": None, "right": column("language")})
    <Conditions: 2 = language (none, right)>
    """
    return Column(name)


@dataclass(frozen=True, repr=False)
class Condition(Shown):
    """One setting: its name, the label of its level on each axis, and the levels themselves."""

    name: str
    labels: Mapping[str, str]
    levels: Mapping[str, Level]

    def __repr__(self) -> str:
        return f"<Condition {plain(self.name, LINE)}>"

    def _told(self) -> list[tuple[str, object]]:
        return [(axis, "left out" if level is None else level) for axis, level in self.levels.items()]

    @property
    def constant(self) -> bool:
        """Whether it is the same for every utterance."""
        return not any(callable(level) for level in self.levels.values())

    @property
    def asks(self) -> dict[str, str]:
        """Who is asked, and how, as far as the grid says it: ``engine``, ``model``, ``region``, ``mode``."""
        return {name: self.levels[name] for name in KINDS["engine"] if self.levels.get(name) is not None}

    def parameters(self, utterance: pd.Series) -> Parameters:
        """Resolve the request for one utterance.

        Parameters
        ----------
        utterance : Series
            Row of the utterance table.

        Raises
        ------
        InvalidInput
            If a value is none that its parameter can take; the message names the utterance.
        """
        return self._resolved("request", utterance, Parameters.from_mapping)

    def recipe(self, utterance: pd.Series) -> Recipe:
        """Resolve what is done to the audio of one utterance; arguments and errors are those of :meth:`parameters`."""
        return self._resolved("audio", utterance, _recipe)

    def _resolved(self, kind: str, utterance: pd.Series, make: Callable[[Mapping[str, Any]], T]) -> T:
        values: dict[str, Any] = {}
        for name, level in self.levels.items():
            if name not in KINDS[kind]:
                continue
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
            return make(values)
        except InvalidInput as error:
            raise InvalidInput(f"Utterance {utterance['utt_id']}, condition {self.name}: {error}") from error


class Conditions(Shown, Sequence[Condition]):
    """The settings of a sweep, in order; made by :func:`asrlab.grid`.

    Parameters
    ----------
    conditions : sequence of Condition
        At least one; all with the same axes.
    """

    def __init__(self, conditions: Sequence[Condition]) -> None:
        if not conditions:
            raise InvalidInput("There are no conditions. A sweep needs at least one.")
        self._conditions = tuple(conditions)
        names = [condition.name for condition in conditions]
        if (
            twice := next((name for name in names if names.count(name) > 1), None)
            if len(set(names)) < len(names)
            else ""
        ):
            raise InvalidInput(
                f"Two conditions would be called {twice!r}. Choose labels without commas and equals signs."
            )

    @property
    def axes(self) -> dict[str, list[str]]:
        """Axis -> labels of its levels, in order."""
        first = self._conditions[0].labels
        return {axis: list(dict.fromkeys(c.labels[axis] for c in self._conditions)) for axis in first}

    @property
    def kinds(self) -> dict[str, str]:
        """Axis -> its kind: ``request``, ``audio`` or ``engine``."""
        return {axis: kind_of(axis) for axis in self.axes}

    def across(self, engines: Iterable[str]) -> Self:
        """Cross the conditions with engines, by their labels: the axis ``engine`` comes first."""
        return type(self)(
            [
                Condition(
                    ", ".join(filter(None, [f"engine={label}", c.name if c.labels else ""])),
                    {"engine": label, **c.labels},
                    {"engine": label, **c.levels},
                )
                for label in engines
                for c in self._conditions
            ]
        )

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
        axes = " x ".join(f"{axis} ({words(labels, 120)})" for axis, labels in self.axes.items())
        return f"<Conditions: {len(self)} = {plain(axes or 'defaults', LINE)}>"

    def _titled(self) -> str:
        return f"Conditions: {len(self)}"

    def _told(self) -> list[tuple[str, object]]:
        kinds = self.kinds
        return [(f"{axis} ({kinds[axis]})", labels) for axis, labels in self.axes.items()]


def grid(**axes: Level | Sequence[Level] | Mapping[str, Level]) -> Conditions:
    """Cross the levels of some parameters.

    Parameters
    ----------
    **axes
        For each parameter its levels: a mapping of label to level, or a list of levels that name themselves. A single
        value is given in all conditions and is no axis. There are three kinds:

        - of the request: ``language``, ``enable_itn``, ``context``, ``channel_id``, ``enable_words``,
          ``language_hints``, ``vocabulary_id``. What a model does not take is not sent to it, and the plan says so;
        - of the audio, which is disturbed before it is asked about: ``snr``, ``noise``, ``codec``, ``speed`` and
          whatever else :class:`asrlab.data.recipe.Recipe` has; or ``audio``, whose levels are whole recipes:
          ``audio={"GSM": {"codec": "gsm", "packet_loss": 0.05}, "wire": None}``. The same noise is laid under an
          utterance at every SNR. Babble is made of the other recordings of the set that is swept: of another selection
          it is another babble, which is asked about anew;
        - of the engine: ``model``, ``region`` and ``mode``, as far as the engine can be had of another (only plain
          values), and ``engine``, the labels of those given to :class:`Sweep`.

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
    >>> grid(snr=[None, 20, 10], noise="babble")
    <Conditions: 3 = snr (none, 20, 10)>
    """
    varied: dict[str, dict[str, Level]] = {}
    fixed: dict[str, Level] = {}
    for name, given in axes.items():
        kind = kind_of(name)
        if isinstance(given, Mapping):
            varied[name] = _labelled(name, [(str(label), level) for label, level in given.items()])
        elif isinstance(given, tuple) and name not in ("channel_id", "language_hints"):
            raise InvalidInput(f"The levels of {name} are given as a list, [...], not as a tuple.")
        elif isinstance(given, list):
            varied[name] = _labelled(name, [(_label(name, level), level) for level in given])
        else:
            fixed[name] = given
        if kind == "engine":
            _check_asked(name, varied.get(name, {name: fixed.get(name)}))
    if "noise" in axes and "snr" not in axes and "audio" not in axes:
        raise InvalidInput("noise does nothing without a level. Give snr=... beside it.")
    conditions = []
    for combination in product(*(levels.items() for levels in varied.values())):
        labels = {axis: label for axis, (label, _) in zip(varied, combination, strict=True)}
        levels = {axis: level for axis, (_, level) in zip(varied, combination, strict=True)}
        name = ", ".join(f"{axis}={label}" for axis, label in labels.items()) or "defaults"
        conditions.append(Condition(name, labels, {**fixed, **levels}))
    return Conditions(conditions)


def kind_of(name: str) -> str:
    """Tell what kind of parameter a name is.

    Raises
    ------
    InvalidInput
        If it is none; the message says what may have been meant.
    """
    for kind, names in KINDS.items():
        if name in names:
            return kind
    raise InvalidInput(
        f"{name!r} is nothing that a grid can vary. {suggestion(name, [n for names in KINDS.values() for n in names])}"
    )


def _recipe(values: Mapping[str, Any]) -> Recipe:
    whole = values.get("audio", {})
    if not isinstance(whole, Mapping):
        raise InvalidInput(f"A level of audio is a recipe such as {{'codec': 'gsm'}}, or None, not {whole!r}.")
    single = {name: value for name, value in values.items() if name != "audio"}
    if twice := sorted(set(whole) & set(single)):
        raise InvalidInput(f"{twice[0]} is given in audio and by itself. Give it once.")
    return Recipe.from_mapping({**whole, **single})


def _check_asked(name: str, levels: Mapping[str, Level]) -> None:
    """Refuse who-is-asked that differs by utterance, or is no text: it is settled before anything is sent."""
    for label, level in levels.items():
        if not (level is None or isinstance(level, str)):
            raise InvalidInput(f"A level of {name} is a text such as a name, not {level!r} ({label}).")


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
