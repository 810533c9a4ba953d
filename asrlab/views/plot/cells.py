"""Figures of cells: a table of two columns as a heat map, and two settings class by class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.text import plain
from asrlab.views.markup import display_width, is_missing, signed
from asrlab.views.plot.facts import (
    blocks_of,
    capital,
    conditions_of_marking,
    delta_facts,
    in_full,
    lost_facts,
    measure_of,
    numbers_of,
    refuse_another,
)
from asrlab.views.plot.ink import (
    HIGHEST,
    WIDEST,
    axes_for,
    cells_at_left,
    colours_of,
    ink,
    inner_height,
    inner_width,
    legend_of,
    line_height,
    text_size,
    text_style,
    text_width,
    tidy,
)
from asrlab.views.plot.labels import (
    CUT,
    by_columns,
    keys_of,
    label_of,
    most_lines,
    shown_texts,
    tenths,
    told_apart,
    wrapped,
)
from asrlab.views.plot.labels import number as plain_number
from asrlab.views.plot.marks import intervals, kept_inside, label_ticks, mark, reach

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Inches of a cell.
_WIDE_CELL, _HIGH_CELL = 0.8, 0.42
#: Columns that are rates or shares, and differences of such; of a table of differences, also the ends of an interval.
_SHARES: Final = frozenset(
    {"rate", "mer", "wil", "wip", "recall", "precision", "f1", "error", "listed", "unlisted", "leak"}
    | {"same", "rate_low", "rate_high", "in_wording", "in_form", "floor", "floor_wording", "changed", "harm"}
    | {"baseline_rate", "rate_unhinted", "rate_without", "rate_before", "rate_after", "membership"}
)
_POINTS: Final = frozenset({"delta", "recall_delta", "error_delta", "recall_trend", "error_trend"})
_ENDS_OF: Final = frozenset({"low", "high"})
#: Inches of a line with its class.
_A_LINE: Final = 0.5
#: Settings of a dumbbell.
_ENDS: Final = 2


def heat(table: pd.DataFrame, *, x: str, y: str, value: str = "rate", ax: Axes | None = None) -> Axes:
    """Draw one value for each pair of labels, such as the error rate by language spoken and hint.

    Parameters
    ----------
    table : DataFrame
        A row a cell: from :func:`asrlab.summarize`, or any table with these columns.
    x, y : str
        Columns whose labels stand below and at the left, in the order of the rows.
    value : str
        Column to draw. Rates and shares are drawn in per cent, and differences of them in points with their sign;
        all other numbers are drawn as they are.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    Axes
        The larger the darker; of differences, blue below zero and red above. Each cell says its value. A cell whose
        value is not known is hatched and says so, and one that no row is about is empty but for a dash.

    Raises
    ------
    InvalidInput
        If a column is not there or no number, the rows count in different units, several rows would be one cell, or
        there are more cells than fit.
    """
    tables.check_frame(table)
    for name in (x, y, value):
        if name not in table.columns:
            raise InvalidInput(f"There is no column {name!r} to draw; there are {', '.join(map(str, table.columns))}.")
    if table[value].dtype.kind not in "iuf":
        raise InvalidInput(f"Column {value!r} holds no numbers that could be drawn. Name one that does as value=.")
    kind = tables.kind(table)
    measure, scale, differs = _named_value(table, value, kind)
    across, down = keys_of(table, [x]), keys_of(table, [y])
    cells = dict(zip(zip(across, down, strict=True), table[value].tolist(), strict=True))
    if len(cells) < len(table):
        raise InvalidInput(
            f"Several rows would be one cell by {x} and {y}. Filter the table, or summarize by these two columns only."
        )
    columns, rows = list(dict.fromkeys(across)), list(dict.fromkeys(down))
    shown = shown_texts(part for key in (*columns, *rows) for part in key)
    row_labels = [label_of(key, shown) for key in rows]
    at_left = 0.9 + 0.085 * max(map(display_width, row_labels), default=0)
    most = int((WIDEST - at_left) / 0.45), int((HIGHEST - 2) / _HIGH_CELL)
    if ax is None and (len(columns) > most[0] or len(rows) > most[1]):
        raise InvalidInput(
            f"{len(columns)} by {len(rows)} cells do not fit: {most[0]} by {most[1]} do. Draw those that matter."
        )
    row_labels = [wrapped(label, cells_at_left(ax)) for label in row_labels]
    high_cell = max(_HIGH_CELL if ax is None else 0.25, 0.06 + line_height(ax) * most_lines(row_labels))
    ax = axes_for(ax, max(_WIDE_CELL * len(columns), 2.5), high_cell * max(len(rows), 1))
    style = text_style()
    drawn = [(n, m, cells[key]) for n, a in enumerate(columns) for m, b in enumerate(rows) if (key := (a, b)) in cells]
    numbers = np.array([np.nan if is_missing(one) else float(one) for *_, one in drawn], float)
    ax.set_yticks(range(len(rows)), row_labels, **style)
    ax.set_ylabel(wrapped(plain(y, CUT), CUT), **style)
    each = inner_width(ax) / max(len(columns), 1)
    if min(each, inner_height(ax) / max(len(rows), 1)) < line_height(ax):
        raise InvalidInput(
            f"{len(columns)} by {len(rows)} cells have no room for their values in these Axes. Draw those that matter, "
            "swap x and y, or draw in a new figure."
        )
    for (n, m, _), number, (colour, text) in zip(drawn, numbers, colours_of(numbers, around_zero=differs), strict=True):
        unknown = np.isnan(number)
        ax.bar(n, 1, 1, bottom=m - 0.5, color=colour, edgecolor="#666666", linewidth=0.6, hatch="///" * bool(unknown))
        said = "NA" if unknown else _written(number, scale, differs=differs)
        box: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 1.0} if unknown else {"visible": False}
        looks: dict[str, Any] = {"color": text, "ha": "center", "va": "center", "fontsize": text_size(ax), **style}
        looks |= {"rotation": 90 if text_width(said, ax) > each else 0}
        ax.text(n, m, said.replace("-", "\N{MINUS SIGN}"), bbox={"boxstyle": "square", **box}, **looks)
    for n, a in enumerate(columns):
        for m, b in enumerate(rows):
            if (a, b) not in cells:
                ax.text(n, m, "–", color="#666666", ha="center", va="center", **style)
    label_ticks(ax, [label_of(key, shown) for key in columns], style)
    ax.set_xlim(-0.5, max(len(columns), 1) - 0.5)
    ax.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    ax.set_xlabel(plain(x, CUT), **style)
    facts = [measure, *["NA: not known"] * any(np.isnan(numbers)), *["no rows"] * table.empty]
    facts += ["dash: no row of it"] if len(cells) < len(columns) * len(rows) else []
    tidy(ax, [*facts, *_facts(table, kind)], style)
    return ax


def _facts(table: pd.DataFrame, kind: str | None) -> list[str]:
    """Say what results are of; no interval is drawn, so that how sure one would be is not said."""
    if kind == "summary":
        frame = tables.check(table, "summary", required=()).drop(columns="level")
        return [
            *conditions_of_marking(frame, "level"),
            *numbers_of(frame["n_utts"], "utterance"),
            *lost_facts(frame),
        ]
    if kind not in {"comparison", "effects"}:
        return []
    frame = tables.check(table, kind, required=()).drop(columns="confidence")
    against = shown_texts(frame["baseline"].dropna())
    return [
        *([f"against {' or '.join(against.values())}"] if against else []),
        *delta_facts(frame, "", pd.Series(kind == "comparison", index=frame.index)),
    ]


def _written(number: float, scale: int | None, *, differs: bool) -> str:
    """Write the value of a cell: of a share in per cent or points, or as it is."""
    if scale:
        return signed(scale * number) if differs else tenths(scale * number)
    said = f"{number:.0f}" if number.is_integer() else plain_number(number)
    return f"+{said}" if differs and number > 0 else said


def dumbbell(summary: pd.DataFrame, *, x: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw two settings class by class, each pair joined by a line.

    Parameters
    ----------
    summary : DataFrame
        From :func:`asrlab.summarize`. Shares; drawn in per cent.
    x : str, optional
        The column that holds the two settings; by default the last of the by-columns that has two labels. What varies
        besides makes the classes.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    Axes
        A line a class, the first one on top, with the difference from the first setting to the second in points: from
        a circle to a square, each with its interval. What is not known is said; where the two are not of as many
        utterances, no difference is.

    Raises
    ------
    InvalidInput
        If it is another table, the rows count in different units, there are not two settings, several rows would be one
        mark, or there are more classes than fit in a figure.
    """
    needed = ("rate", "low", "high", "unit")
    refuse_another(summary, "rates", needed)
    frame = tables.check(summary, "summary", required=needed).reset_index(drop=True)
    measure, own = measure_of(frame, "summary"), set(tables.SCHEMAS["summary"])
    by = told_apart(frame, own, by_columns(summary, own, "rate"), [])
    x, setting_of = _two_settings(frame, by, x)
    settings = list(dict.fromkeys(setting_of))
    classes = [name for name in by if name != x and frame[name].nunique(dropna=False) > 1]
    class_of = keys_of(frame, classes)
    if len(set(zip(class_of, setting_of, strict=True))) < len(frame):
        raise InvalidInput(f"Several rows would be one mark by {', '.join([*classes, x])}. Filter the summary.")
    rows = list(dict.fromkeys(class_of))
    shown = shown_texts([*(part for key in rows for part in key), *settings])
    labels = [wrapped(label_of(key, shown) or "all", cells_at_left(ax)) for key in rows]
    ends = [label_of((setting,), shown) for setting in settings]
    if ax is None and len(rows) > (most := int((HIGHEST - 2) / _A_LINE)):
        raise InvalidInput(f"{len(rows)} classes do not fit: {most} do. Draw those that matter.")
    a_line = 0.3 + line_height(ax) * most_lines(labels)
    ax = axes_for(ax, 4.5, a_line * max(len(rows), 1))
    style, entries = text_style(), []
    percent = {name: 100 * frame[name].to_numpy("float64", na_value=np.nan) for name in ("rate", "low", "high")}
    at = {key: np.full(len(rows), np.nan) for key in range(2)}
    for number, (marker, colour) in enumerate((("o", "#56B4E9"), ("s", "#D55E00"))):
        mine = np.flatnonzero([setting == settings[number] for setting in setting_of])
        lines = np.array([rows.index(class_of[n]) for n in mine.tolist()], float) + (0.09 if number else -0.09)
        rate, low, high = (percent[name][mine] for name in ("rate", "low", "high"))
        known = ~np.isnan(rate + low + high)
        intervals(ax, lines[known], low[known], high[known], upright=False)
        entries += ax.plot(rate, lines, marker, color=colour, markeredgecolor=ink(), markersize=8, linestyle="none")
        at[number][np.round(lines).astype(int)] = rate
    sizes = frame["n_utts"].groupby([rows.index(key) for key in class_of]).nunique()
    unlike = set(sizes.index[sizes > 1])
    ax.set_yticks(range(len(rows)), labels, **style)
    ax.set_ylabel(wrapped(label_of(tuple(classes)), CUT), **style)
    least, end = reach(*percent.values())
    ax.set_xlim(1.12 * least - 0.04 * (end or 1.0), 1.12 * (end or 1.0))
    for line, (first, second) in enumerate(zip(at[0], at[1], strict=True)):
        lacking = [end for end, value in zip(ends, (first, second), strict=True) if np.isnan(value)]
        if not lacking:
            ax.plot([first, second], [line - 0.09, line + 0.09], "-", color="#666666", linewidth=2, zorder=1)
        text = "other utterances" if line in unlike else signed(second - first)
        text = f"no rate: {' and '.join(lacking)}" if lacking else text
        middle = np.nanmean([first, second]) if len(lacking) < _ENDS else 0.0
        aside = kept_inside(ax, text, float(middle))
        mark(ax, text, (float(middle), line - 0.12), 5, style=style, aside=aside)
    ax.set_ylim(max(len(rows), 1) - 0.4, -0.7)
    ax.set_xlabel(f"{measure}, %", **style)
    legend_of(ax, entries, ends, plain(x), style)
    unsure = ~np.isnan(percent["rate"]) & np.isnan(percent["low"] + percent["high"])
    facts = [
        *conditions_of_marking(frame, "level"),
        *numbers_of(frame["n_utts"], "utterance"),
        *blocks_of(frame),
        "numbers: points from the first to the second",
        "differences of two rates, not paired: plot.deltas tests them",
        *lost_facts(frame),
        *(["without a bar: no interval"] if unsure.any() else []),
    ]
    tidy(ax, facts, style)
    return ax


def _two_settings(frame: pd.DataFrame, by: list[str], x: str | None) -> tuple[str, list[object]]:
    """Find the column that has the two settings, and the setting of each row."""
    two = [name for name in by if frame[name].nunique(dropna=False) == _ENDS]
    if x is None and not two:
        raise InvalidInput(
            f"No column has two settings to draw: this summary is by {', '.join(by) or 'none'}. Filter it."
        )
    x = two[-1] if x is None else x
    if x not in frame.columns:
        raise InvalidInput(f"There is no column {x!r} to draw by; this summary is by {', '.join(by) or 'none'}.")
    setting_of = [key[0] for key in keys_of(frame, [x])]
    if (many := len(set(setting_of))) != _ENDS:
        raise InvalidInput(
            f"A dumbbell has two ends, and column {x!r} has {many} different labels. Draw two of them, such as "
            f"summary[summary[{x!r}].isin([...])], or plot.rates for all."
        )
    return x, setting_of


def _named_value(table: pd.DataFrame, value: str, kind: str | None) -> tuple[str, int | None, bool]:
    """Name what is drawn, and tell whether it is a share, to be drawn as 100 times as much, and a difference."""
    units = sorted(map(str, table["unit"].dropna().unique())) if "unit" in table.columns else []
    if len(units) > 1:
        raise InvalidInput(
            f"This table counts in {' and '.join(units)}: such values side by side in one figure mislead. Draw one "
            f"figure a unit, such as table[table['unit'] == {units[0]!r}]."
        )
    compared = kind in {"comparison", "effects"}
    points = value in _POINTS or (compared and value in _ENDS_OF)
    shares = table[value].dtype.kind == "f" and (value in _SHARES or (kind == "summary" and value in _ENDS_OF))
    name = capital(plain(value.replace("_", " ")))
    if units and value in {"rate", "delta"}:
        name = capital(in_full(units[0])) if value == "rate" else f"Difference in {in_full(units[0])}"
    if points:
        return f"{name}, points", 100, True
    return (f"{name}, %", 100, False) if shares else (name, None, "delta" in value or "trend" in value)
