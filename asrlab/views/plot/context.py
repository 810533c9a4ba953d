"""Figures of what a context gains and costs: the ladder of settings, and lists that grow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.text import plain
from asrlab.views.markup import is_missing, signed
from asrlab.views.plot.facts import conditions_of_marking, lost_facts, numbers_of, refuse_results
from asrlab.views.plot.ink import (
    DASHES,
    LINES,
    MARKERS,
    beside,
    intervals,
    legend_of,
    mark,
    new_axes,
    text_style,
    tidy,
    width_of,
)
from asrlab.views.plot.labels import by_columns, keys_of, label_of, shown_texts, wrapped

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
#: Inches of a level, terminal cells of a label in an inch, and the fewest in a line.
_A_LEVEL: Final = 1.5
_CELLS: Final = 11
_FEWEST: Final = 6
#: Inches of a line of a label.
_A_TEXT_LINE: Final = 0.17
#: Points between a mark and its value, and from one value to another above it.
_LIFT: Final = 3
_A_VALUE: Final = 13
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
    labels = [" · ".join(filter(None, [label_of(member, shown), _SHARES[name]])) for member, name in lines]
    width = max(_A_LEVEL * len(levels), 3.5) if ax is None else width_of(ax)
    alone = len(members) == 1
    cells = int(_CELLS * width / max(len(levels), 1))
    below = [_level_label(key, frame, n, shown, cells if alone else -cells) for n, key in enumerate(levels)]
    deepest = max((label.count("\n") for label in below), default=0)
    ax = ax or new_axes(1.0 + width + beside(labels), max(4.6, 1 + 0.25 * len(labels)) + _A_TEXT_LINE * deepest)
    style, entries = text_style(), []
    ax.set_ylim(0, 112)
    values: list[tuple[float, float, float]] = []
    place_of = np.array([levels.index(key) for key in level_of], float)
    for number, (member, name) in enumerate(lines):
        mine = np.flatnonzero([key == member for key in member_of])
        mine = mine[np.argsort(place_of[mine], kind="stable")]
        aside = 0.05 * (number - (len(lines) - 1) / 2) if len(lines) < 9 else 0.0
        value, low, high = (100 * _floats(frame, f"{name}{end}")[mine] for end in ("", "_low", "_high"))
        entries += _line(ax, place_of[mine] + aside, value, (low, high), number)
        tops = np.fmax(value, high)
        values += zip((place_of[mine] + aside).tolist(), value.tolist(), tops.tolist(), strict=True)
    if len(lines) * len(levels) <= 24:
        _mark_apart(ax, values, style)
    ax.set_xticks(range(len(levels)), below, **style)
    ax.set_xlim(-0.6, max(len(levels), 1) - 0.4)
    ax.set_xlabel(plain(along), **style)
    ax.set_ylabel("Per cent", **style)
    legend_of(ax, entries, labels, label_of(tuple(series)), style)
    tidy(ax, [*_facts(frame), *_thousand_facts(frame, alone=alone)], width, style)
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
    width = 5.5 if ax is None else width_of(ax)
    ax = ax or new_axes(1.0 + width + beside(labels), max(4.4, 1 + 0.25 * len(labels)))
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
        entries += _line(ax, of["distractors"], of["recall"], (of["recall_low"], of["recall_high"]), number)
        across = ~np.isnan(of["distractors_low"] + of["distractors_high"])
        low, high = (of[f"distractors{end}"][across] for end in ("_low", "_high"))
        intervals(ax, of["recall"][across], low, high, upright=False)
        for n in mine.tolist():
            mark(ax, f"{sizes[n]}", (values["distractors"][n], values["recall"][n]), 5, style=style)
    ends = np.concatenate([values["distractors"][known], values["distractors_high"][known], [0.0]])
    ax.set_xlim(-0.04 * (np.nanmax(ends) or 1.0), 1.1 * np.nanmax(ends) or 1.0)
    ax.set_ylim(0, 108)
    ax.set_xlabel("Distractors emitted in 1,000 units of the references   (worse →)", **style)
    ax.set_ylabel("Term recall, %", **style)
    if series:
        legend_of(ax, entries, labels, label_of(tuple(series)), style)
    left_out = int((~known).sum())
    facts = ["numbers: terms in the list", *_facts(frame), *(_trend_facts(frame) if not series else [])]
    facts += [f"left out, not known: {', '.join(map(_size, frame['size'][~known]))}"] if left_out else []
    tidy(ax, facts, width, style)
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


def _line(ax: Axes, x: Floats, y: Floats, ends: tuple[Floats, Floats], number: int) -> list[Any]:
    """Draw a line with its points, hollow where they have no interval; give what a legend shows of it."""
    colour, marker = LINES[number % len(LINES)], MARKERS[number % len(MARKERS)]
    drawn = ax.plot(x, y, color=colour, marker=marker, linestyle=DASHES[number % len(DASHES)], markeredgecolor="black")
    low, high = ends
    sure = ~np.isnan(y + low + high)
    intervals(ax, x[sure], low[sure], high[sure], upright=True)
    hollow = ~sure & ~np.isnan(y)
    ax.plot(x[hollow], y[hollow], marker, color="white", markeredgecolor="black", zorder=3)
    return drawn


def _mark_apart(ax: Axes, values: Sequence[tuple[float, float, float]], style: dict[str, Any]) -> None:
    """Write values above their marks, of a level one above another: place, value, and the top of mark and interval."""
    low, high = ax.get_ylim()
    points = 72 * float(ax.get_window_extent().height) / ax.figure.dpi / (high - low)  # in one per cent
    under: dict[int, float] = {}
    for place, value, top in sorted((one for one in values if not np.isnan(one[1])), key=lambda one: (one[2], one[0])):
        level = round(place)
        at = max(points * top + _LIFT, under.get(level, -np.inf) + _A_VALUE)
        under[level] = at
        mark(ax, f"{value:.1f}", (place, top), round(at - points * top), style=style)


def _floats(frame: pd.DataFrame, name: str) -> Floats:
    return frame[name].to_numpy("float64", na_value=np.nan)


def _level_label(key: tuple[object, ...], frame: pd.DataFrame, row: int, shown: Shown, cells: int) -> str:
    """Name a level in lines of so many terminal cells; of the only ladder, with what it counts in 1,000 units."""
    counted = [
        f"{frame[name].iloc[row]:.1f} {what}"
        for name, what in _PER_THOUSAND.items()
        if cells > 0 and not is_missing(frame[name].iloc[row])
    ]
    return "\n".join([wrapped(label_of(key, shown), max(abs(cells), _FEWEST)), *counted])


def _thousand_facts(frame: pd.DataFrame, *, alone: bool) -> list[str]:
    known = alone and any(frame[name].notna().any() for name in _PER_THOUSAND)
    return ["below: in 1,000 units of the references"] if known else []


def _facts(frame: pd.DataFrame) -> list[str]:
    hollow = ["hollow: no interval"] if frame["recall"].notna().any() and frame["recall_low"].isna().any() else []
    return [
        *conditions_of_marking(frame, "level"),
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
            sure = f" (p = {p[0]:.3f})" if len(p) == 1 and p[0] >= 0.001 else " (p < 0.001)" if len(p) == 1 else ""
            said.append(f"{what} {signed(scale * slope_of[0])}{f' {noun}' if noun else ''}{sure}")
    return [f"a list ten times as long: {one}" for one in said]


def _size(value: object) -> str:
    return "a size" if is_missing(value) else str(value)
