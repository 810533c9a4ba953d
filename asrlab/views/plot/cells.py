"""Figures of cells: a table of two columns as a heat map, and two settings class by class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.text import plain
from asrlab.views.markup import display_width, is_missing, signed
from asrlab.views.plot.facts import (
    blocks_of,
    capital,
    conditions_of_marking,
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
    inner_width,
    intervals,
    label_ticks,
    legend_of,
    line_height,
    mark,
    text_size,
    text_style,
    text_width,
    tidy,
)
from asrlab.views.plot.labels import CUT, by_columns, keys_of, label_of, most_lines, shown_texts, told_apart, wrapped
from asrlab.views.plot.marks import kept_inside

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: Inches of a cell.
_WIDE_CELL, _HIGH_CELL = 0.8, 0.42
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
        Column to draw. Fractions are shares, drawn in per cent (of a column with "delta" in its name: points, with
        their sign); whole numbers are drawn as they are.
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
        there are more cells than fit in a figure.
    """
    tables.check_frame(table)
    for name in (x, y, value):
        if name not in table.columns:
            raise InvalidInput(f"There is no column {name!r} to draw; there are {', '.join(map(str, table.columns))}.")
    if table[value].dtype.kind not in "iuf":
        raise InvalidInput(f"Column {value!r} holds no numbers that could be drawn. Name one that does as value=.")
    measure = _named_value(table, value)
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
    style, shares = text_style(), table[value].dtype.kind == "f"
    differs = "delta" in value
    drawn = [(n, m, cells[key]) for n, a in enumerate(columns) for m, b in enumerate(rows) if (key := (a, b)) in cells]
    numbers = np.array([np.nan if is_missing(one) else float(one) for *_, one in drawn], float)
    ax.set_yticks(range(len(rows)), row_labels, **style)
    ax.set_ylabel(wrapped(plain(y, CUT), CUT), **style)
    each = inner_width(ax) / max(len(columns), 1)
    for (n, m, _), number, (colour, ink) in zip(drawn, numbers, colours_of(numbers, around_zero=differs), strict=True):
        unknown = np.isnan(number)
        ax.bar(n, 1, 1, bottom=m - 0.5, color=colour, edgecolor="#666666", linewidth=0.6, hatch="///" * bool(unknown))
        percent = 100 * number
        said = "NA" if unknown else signed(percent) if differs else f"{percent:.1f}" if shares else f"{number:.0f}"
        box: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 1.0} if unknown else {"visible": False}
        looks: dict[str, Any] = {"color": ink, "ha": "center", "va": "center", "fontsize": text_size(ax), **style}
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
    facts = [measure + ("" if not shares else ", points" if differs else ", %")]
    facts += ["NA: not known"] * any(np.isnan(numbers)) + ["no rows"] * table.empty
    facts += ["dash: no row of it"] if len(cells) < len(columns) * len(rows) else []
    if value == "rate" and tables.kind(table) == "summary":
        frame = tables.check(table, "summary", required=())
        facts += [*conditions_of_marking(frame, "level")[: -1 or None], *numbers_of(frame["n_utts"], "utterance")]
        facts += lost_facts(frame)
    tidy(ax, facts, style)
    return ax


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
        a circle to a square, each with its interval. What is not known is said.

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
        entries += ax.plot(rate, lines, marker, color=colour, markeredgecolor="black", markersize=8, linestyle="none")
        at[number][np.round(lines).astype(int)] = rate
    ax.set_yticks(range(len(rows)), labels, **style)
    ax.set_ylabel(wrapped(label_of(tuple(classes)), CUT), **style)
    end = np.nanmax([*percent["rate"], *percent["high"], 0.0]) or 1.0
    ax.set_xlim(-0.04 * end, 1.12 * end)
    for line, (first, second) in enumerate(zip(at[0], at[1], strict=True)):
        lacking = [end for end, value in zip(ends, (first, second), strict=True) if np.isnan(value)]
        if not lacking:
            ax.plot([first, second], [line - 0.09, line + 0.09], "-", color="#666666", linewidth=2, zorder=1)
        text = f"no rate: {' and '.join(lacking)}" if lacking else signed(second - first)
        middle = np.nanmean([first, second]) if len(lacking) < _ENDS else 0.0
        aside = kept_inside(ax, text, float(middle))
        mark(ax, text, (float(middle), line - 0.12), 5, style=style, aside=aside)
    ax.set_ylim(max(len(rows), 1) - 0.4, -0.7)
    ax.set_xlabel(f"{measure}, %", **style)
    legend_of(ax, entries, ends, plain(x), style)
    facts = [*conditions_of_marking(frame, "level"), *numbers_of(frame["n_utts"], "utterance"), *blocks_of(frame)]
    unsure = ~np.isnan(percent["rate"]) & np.isnan(percent["low"] + percent["high"])
    facts += ["numbers: points from the first to the second", *lost_facts(frame)]
    tidy(ax, [*facts, *(["without a bar: no interval"] if unsure.any() else [])], style)
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


def _named_value(table: pd.DataFrame, value: str) -> str:
    units = sorted(map(str, table["unit"].dropna().unique())) if "unit" in table.columns else []
    if len(units) > 1:
        raise InvalidInput(
            f"This table counts in {' and '.join(units)}: such values side by side in one figure mislead. Draw one "
            f"figure a unit, such as table[table['unit'] == {units[0]!r}]."
        )
    return capital(in_full(units[0])) if value == "rate" and units else capital(plain(value.replace("_", " ")))
