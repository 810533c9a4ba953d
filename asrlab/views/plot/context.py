"""Figures of what a context gains and costs: the ladder of settings, and lists that grow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.text import plain
from asrlab.views.markup import is_missing, signed
from asrlab.views.plot.facts import conditions_of_marking, lost_facts, numbers_of, refuse_results
from asrlab.views.plot.ink import (
    axes_for,
    legend_of,
    text_style,
    tidy,
)
from asrlab.views.plot.labels import CUT, by_columns, keys_of, label_of, shown_texts, tenths
from asrlab.views.plot.marks import intervals, label_ticks, labels_in_corners, line, reach, values_beside

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from asrlab.views.plot.ink import Floats
    from asrlab.views.plot.labels import Shown

#: Columns of a ladder that are shares, and their names.
_SHARES: Final = {
    "recall": "term recall",
    "precision": "term precision",
    "f1": "F1 of terms",
    "error": "error rate of all words",
    "listed": "error rate of listed words",
    "unlisted": "error rate of other words",
    "leak": "leak rate",
}
#: Unit -> what several of it are called.
_UNITS: Final = {"word": "words", "char": "characters"}
#: Inches of a level.
_A_LEVEL: Final = 1.5
#: Columns that count in 1,000 units of the references.
_PER_THOUSAND: Final = {"false_terms": "false terms", "distractors": "distractors"}


def slope(
    table: pd.DataFrame, *, ax: Axes | None = None, measures: Sequence[str] = ("recall", "error", "leak")
) -> Axes:
    """Draw what came through of the listed terms, and at what price, from setting to setting.

    Parameters
    ----------
    table : DataFrame
        From :func:`asrlab.context_ladder`: a row a level, in the order of the rows.
    ax : Axes, optional
        Draw here instead of in a new figure.
    measures : sequence of str
        Columns to draw, shares: recall, precision, f1, error, listed, unlisted, leak. Those that the table does not
        know are left out.

    Returns
    -------
    Axes
        Per cent; a line for each measure, and for each ladder where there are several, told apart by colour, marker and
        dashes. Points without an interval are hollow; what is not known is a gap. Below each level stand false terms
        and distractors in 1,000 units of the references, where there is one ladder.

    Raises
    ------
    InvalidInput
        If it is another table, a measure is not one of those, or several rows would be one point.
    """
    refuse_results(table, needed := ("recall", "recall_low", "recall_high"))
    if unknown := [name for name in measures if name not in _SHARES]:
        raise InvalidInput(f"There is no measure {unknown[0]!r} to draw: there are {', '.join(_SHARES)}.")
    frame = tables.check(table, "context_ladder", required=needed)
    frame = frame.reset_index(drop=True)
    along, member_of, series = _ladders(table, frame, "context_ladder", "recall")
    level_of = keys_of(frame, [along])
    if len(set(zip(level_of, member_of, strict=True))) < len(frame):
        raise InvalidInput(f"Several rows would be one point by {', '.join([along, *series])}. Filter the table.")
    levels, members = list(dict.fromkeys(level_of)), list(dict.fromkeys(member_of))
    shown = shown_texts(part for key in (*levels, *members) for part in key)
    drawn = [name for name in dict.fromkeys(measures) if frame[name].notna().any()]
    lines = [(member, name) for member in members for name in drawn]
    counted = frame["unit"].dropna().unique()
    units = _UNITS.get(str(counted[0]), "units") if len(counted) == 1 else "words" if not len(counted) else "units"
    said = {name: text.replace("words", units) for name, text in _SHARES.items()}
    labels = [" · ".join(filter(None, [label_of(member, shown), said[name]])) for member, name in lines]
    alone = len(members) == 1
    below = [_level_label(key, frame, n, shown, counted=alone) for n, key in enumerate(levels)]
    ax = axes_for(ax, max(_A_LEVEL * len(levels), 3.5), max(3.2, 0.25 * len(labels) if ax is None else 0.0), least=1.5)
    style, entries = text_style(), []
    ends = (100 * _floats(frame, f"{name}{end}") for name in drawn for end in ("", "_low", "_high"))
    least, most = reach(*ends)
    ax.set_ylim(1.1 * least, max(112.0, 1.12 * most))
    values: list[tuple[float, float]] = []
    place_of = np.array([levels.index(key) for key in level_of], float)
    for number, (member, name) in enumerate(lines):
        mine = np.flatnonzero([key == member for key in member_of])
        mine = mine[np.argsort(place_of[mine], kind="stable")]
        aside = 0.05 * (number - (len(lines) - 1) / 2) if len(lines) < 9 else 0.0
        value, low, high = (100 * _floats(frame, f"{name}{end}")[mine] for end in ("", "_low", "_high"))
        entries += line(ax, place_of[mine] + aside, value, (low, high), number)
        values += zip(place_of[mine].tolist(), value.tolist(), strict=True)
    ax.set_ylabel("Per cent", **style)
    label_ticks(ax, below, style)
    ax.set_xlabel(plain(along, CUT), **style)
    if len(lines) * len(levels) <= 24:
        values_beside(ax, values, 0.05 * (len(lines) - 1) / 2, style)
    legend_of(ax, entries, labels, label_of(tuple(series)), style)
    tidy(ax, [*_facts(frame), *_thousand_facts(frame, alone=alone)], style)
    return ax


def bias_curve(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw term recall against distractors emitted, over the size of the list.

    Parameters
    ----------
    table : DataFrame
        From :func:`asrlab.bias_curve`: a row a size.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    Axes
        Recall in per cent over distractors in 1,000 units of the references: up is what a list gains, right what it
        costs. Points carry the size of the list, and are joined from the shortest to the longest; of several curves,
        told apart by colour, marker and dashes. Points without an interval are hollow. Rows without either of the two
        are left out and counted.

    Raises
    ------
    InvalidInput
        If it is another table, or sizes stand twice.
    """
    refuse_results(table, needed := ("size", "recall", "distractors"))
    frame = tables.check(table, "bias_curve", required=needed).reset_index(drop=True)
    _, member_of, series = _ladders(table, frame, "bias_curve", "size")
    sizes = frame["size"].tolist()
    if len(set(zip(sizes, member_of, strict=True))) < len(frame):
        raise InvalidInput(f"Several rows would be one point by {', '.join(['size', *series])}. Filter the table.")
    members = list(dict.fromkeys(member_of))
    shown = shown_texts(part for key in members for part in key)
    labels = [label_of(member, shown) for member in members] if series else []
    ax = axes_for(ax, 4.5, max(3.2, 0.25 * len(labels) if ax is None else 0.0), least=1.2)
    style, entries = text_style(), []
    values = {
        f"{name}{end}": scale * _floats(frame, f"{name}{end}")
        for name, scale in (("recall", 100), ("distractors", 1))
        for end in ("", "_low", "_high")
    }
    known = ~np.isnan(values["recall"] + values["distractors"]) & frame["size"].notna().to_numpy(bool)
    for number, member in enumerate(members):
        mine = np.flatnonzero(known & np.array([key == member for key in member_of]))
        mine = mine[np.argsort(frame["size"].to_numpy(float, na_value=np.nan)[mine], kind="stable")]
        of = {name: column[mine] for name, column in values.items()}
        entries += line(ax, of["distractors"], of["recall"], (of["recall_low"], of["recall_high"]), number)
        across = ~np.isnan(of["distractors_low"] + of["distractors_high"])
        low, high = (of[f"distractors{end}"][across] for end in ("_low", "_high"))
        intervals(ax, of["recall"][across], low, high, upright=False)
    least, most = reach(*(values[f"distractors{end}"][known] for end in ("", "_low", "_high")))
    ax.set_xlim(1.1 * least - 0.04 * (most or 1.0), 1.1 * most or 1.0)
    least, most = reach(*(values[f"recall{end}"][known] for end in ("", "_low", "_high")))
    ax.set_ylim(1.1 * least, max(108.0, 1.1 * most))
    ax.set_xlabel("Distractors emitted in 1,000 units of the references   (worse →)", **style)
    ax.set_ylabel("Term recall, %", **style)
    places = zip(values["distractors"][known].tolist(), values["recall"][known].tolist(), strict=True)
    labels_in_corners(ax, list(places), [f"{size}" for size in frame["size"][known]], style)
    if series:
        legend_of(ax, entries, labels, label_of(tuple(series)), style)
    left_out = int((~known).sum())
    facts = [
        *(["numbers: terms in the list"] if len(frame) else []),
        *_facts(frame),
        *(_trend_facts(frame) if not series else []),
    ]
    facts += [f"left out, not known: {', '.join(map(_size, frame['size'][~known]))}"] if left_out else []
    tidy(ax, facts, style)
    return ax


def _ladders(
    table: pd.DataFrame, frame: pd.DataFrame, name: str, first: str
) -> tuple[str, list[tuple[object, ...]], list[str]]:
    """Find the axis, and what tells several ladders of it apart: of each row, and the columns."""
    own = set(tables.SCHEMAS[name])
    by = by_columns(table, own, first)
    if not by:
        raise InvalidInput(f"This {name.replace('_', ' ')} has no column of its axis before {first!r}. Put it there.")
    *others, along = by
    series = [column for column in (*others, "unit", "form", "normalizer") if frame[column].nunique(dropna=False) > 1]
    return along, keys_of(frame, series), series


def _floats(frame: pd.DataFrame, name: str) -> Floats:
    return frame[name].to_numpy("float64", na_value=np.nan)


def _level_label(key: tuple[object, ...], frame: pd.DataFrame, row: int, shown: Shown, *, counted: bool) -> str:
    """Name a level; of the only ladder, with what it counts in 1,000 units."""
    counts = [
        f"{tenths(frame[name].iloc[row])} {what}"
        for name, what in _PER_THOUSAND.items()
        if counted and not is_missing(frame[name].iloc[row])
    ]
    return "\n".join([label_of(key, shown), *counts])


def _thousand_facts(frame: pd.DataFrame, *, alone: bool) -> list[str]:
    known = alone and any(frame[name].notna().any() for name in _PER_THOUSAND)
    return ["below: in 1,000 units of the references"] if known else []


def _facts(frame: pd.DataFrame) -> list[str]:
    hollow = ["hollow: no interval"] if frame["recall"].notna().any() and frame["recall_low"].isna().any() else []
    return [
        *dict.fromkeys(f"unit: {plain(unit, CUT)}" for unit in frame["unit"].dropna()),
        *conditions_of_marking(frame, "level"),
        *dict.fromkeys(part for how in frame["method"].dropna().unique() for part in str(how).split("; ")),
        *numbers_of(frame["n_utts"], "utterance"),
        *numbers_of(frame["n_blocks"], "block"),
        *lost_facts(frame),
        *hollow,
    ]


def _trend_facts(frame: pd.DataFrame) -> list[str]:
    """Say what a list ten times as long does, where the table knows."""
    said = []
    for name, what, scale, noun in (("recall", "recall", 100, "points"), ("distractors", "distractors", 1, "")):
        slope_of, p = (frame[f"{name}_trend{end}"].dropna().unique() for end in ("", "_p"))
        if len(slope_of) == 1:
            tested = [] if len(p) != 1 else [f"p = {p[0]:.3f}" if p[0] >= 0.001 else "p < 0.001", "not corrected"]
            tested += numbers_of(frame[f"{name}_trend_n"], "utterance")
            sure = f" ({', '.join(tested)})" if tested else ""
            said.append(f"{what} {signed(scale * slope_of[0])}{f' {noun}' if noun else ''}{sure}")
    return [f"a list ten times as long: {one}" for one in said]


def _size(value: object) -> str:
    return "a size" if is_missing(value) else str(value)
