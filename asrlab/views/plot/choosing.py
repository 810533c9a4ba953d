"""Figures of choices: which settings may be the best, and how far each went in a race."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from asrlab import groups, tables
from asrlab.errors import InvalidInput
from asrlab.views.markup import is_missing
from asrlab.views.plot.facts import (
    blocks_of,
    conditions_of_marking,
    in_line,
    lost_facts,
    measure_of,
    numbers_of,
    plural,
    refuse_results,
)
from asrlab.views.plot.ink import (
    HIGHEST,
    LINES,
    axes_for,
    cells_at_left,
    ink,
    legend_of,
    line_height,
    paper,
    text_style,
    tidy,
)
from asrlab.views.plot.labels import by_columns, label_of, most_lines, settings_named, shown_texts, tenths, wrapped
from asrlab.views.plot.marks import intervals, mark, reach

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from asrlab.views.plot.ink import Floats


def ranking(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the error rate of each setting, the lowest on top, and which settings are not told from the best.

    Parameters
    ----------
    table : DataFrame
        From :func:`asrlab.rank`: a row a setting. Shares; drawn in per cent.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    Axes
        Settings that are among the best are filled, others hollow; where that is not known, a hollow square. Each says
        in how many resamples it has the lowest rate, and which setting it lost to.

    Raises
    ------
    InvalidInput
        If it is another table, rows are of different units, or there are more than fit in a figure.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"model": ["small", "large"], "rate": [0.1, 0.05], "low": [0.08, 0.04], "unit": "word",
    ...                       "high": [0.12, 0.06], "among_best": [False, True], "p_best": [0.0, 1.0],
    ...                       "p": [0.001, 1.0], "rival": ["large", None]})
    >>> [label.get_text().splitlines() for label in ranking(table).get_yticklabels()]
    [['large', 'lowest in 100.0% of resamples'], ['small', 'lowest in 0.0% of resamples', 'lost to large, p = 0.001']]
    """
    refuse_results(table, needed := ("rate", "low", "high", "among_best"))
    frame = tables.check(table, "ranking", required=needed).reset_index(drop=True)
    measure = measure_of(frame, "table")
    names, common = settings_named(table, frame, "ranking")
    by = by_columns(table, set(tables.SCHEMAS["ranking"]), "rate")
    rivals = {str(label): name for label, name in zip(frame[by[0]], names, strict=True)} if len(by) == 1 else {}
    rate, low, high = (100 * _floats(frame, name) for name in ("rate", "low", "high"))
    order = np.argsort(rate, kind="stable")
    rows = frame.to_dict("records")
    ax = _lines(ax, [[names[k], *_standing(rows[k], rivals)] for k in order.tolist()])
    style, line = text_style(), np.empty(len(frame))
    line[order] = np.arange(len(frame))
    known, sure = ~np.isnan(rate), ~np.isnan(rate + low + high)
    intervals(ax, line[sure], low[sure], high[sure], upright=False)
    among = [None if is_missing(value) else bool(value) for value in frame["among_best"]]
    for k in np.flatnonzero(known).tolist():
        colour, marker = LINES[0] if among[k] else paper(), "s" if among[k] is None else "o"
        ax.plot(rate[k], line[k], marker, color=colour, markeredgecolor=ink(), markersize=8, zorder=3)
        mark(ax, tenths(float(rate[k])) + "*" * (not sure[k]), (float(rate[k]), float(line[k])), 6, style=style)
    ax.set_xlim(0, 1.1 * reach(rate, low, high)[1] or 1.0)
    ax.set_xlabel(f"{measure}, %", **style)
    left_out = frame["n_left_out"].fillna(0)
    facts = [
        *conditions_of_marking(frame, "level"),
        *common,
        *numbers_of(frame.loc[frame["n_utts"] > 0, "n_utts"], "utterance"),
        *blocks_of(frame),
        *dict.fromkeys(map(str, frame["test"].dropna())),
        *(f"filled: not told from the best, at {100 * one:.6g}%" for one in _first(frame["level"]) if True in among),
        "square: not known" if None in among and known.any() else "",
        "* no interval" if (known & ~sure).any() else "",
        *(f"left out for want of a partner: {text}" for text in numbers_of(left_out[left_out > 0], "answer")),
        *lost_facts(frame),
        *_notes(frame),
    ]
    tidy(ax, facts if len(frame) else [], style)
    return ax


def race(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how far each setting went in a race, and what it lost to.

    Parameters
    ----------
    table : DataFrame
        A ``race`` table: the looks of a sweep that ran with a :class:`asrlab.Race`.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    Axes
        A bar a setting: those that are left on top, and then those that went furthest. It is the share of the blocks of
        the order of trials that were asked when the setting was last looked at; of one that was dropped the rest is not
        asked. Each says its error rate there, and that of the rival it lost to.

    Raises
    ------
    InvalidInput
        If it is another table, rows are of different units, or there are more settings than fit in a figure.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"look": 1, "fraction": 0.25, "condition": ["a", "b"], "rival": ["b", "a"], "unit": "word",
    ...                       "rate": [0.05, 0.1], "rival_rate": [0.1, 0.05], "dropped": [False, True]})
    >>> [label.get_text().splitlines() for label in race(table).get_yticklabels()]
    [['a', '5.0%'], ['b', '10.0%, lost to a with 5.0%']]
    """
    refuse_results(table, needed := ("look", "fraction", "condition", "dropped"))
    frame = tables.check(table, "race", required=needed).reset_index(drop=True)
    measure = measure_of(frame, "table")
    last = frame.drop_duplicates("condition", keep="last")
    last = last.assign(gone=last["dropped"].fillna(value=False).astype(bool))
    last = last.sort_values(["gone", "look", "rate"], ascending=[True, False, True], ignore_index=True)
    short, common = groups.shortened(map(str, last["condition"]))
    shown = shown_texts(short.values())
    names = {name: label_of((part,), shown) for name, part in short.items()}
    ax = _lines(ax, [[names[row["condition"]], _end(row, names)] for row in last.to_dict("records")])
    style, bars, line = text_style(), [], np.arange(len(last))
    far, gone = 100 * _floats(last, "fraction"), last["gone"].to_numpy("bool")
    for mine, colour, hatch in ((~gone, "#56B4E9", ""), (gone, "#E69F00", "//")):
        bars.append(ax.barh(line[mine], far[mine], 0.5, color=colour, hatch=hatch, edgecolor="black", linewidth=0.7))
    ax.set_xlim(0, 100)
    ax.set_xlabel("Asked, % of what was planned", **style)
    legend_of(ax, bars, ["kept", "dropped"], "Setting", style)
    facts = [
        *conditions_of_marking(frame.assign(low=np.nan), "level"),  # intervals are not drawn
        f"all with {common}" if common else "",
        plural(str(last["look"].max()), "look"),
        *numbers_of(last["n_planned"], "block"),
        f"{in_line(measure)} when last looked at",
        f"{tenths(float((100 - far[gone]).sum()) / max(len(last), 1))}% of all trials are not asked",
        *(f"a best setting is dropped in at most {100 * (1 - one):.3g}% of races" for one in _first(last["level"])),
        *_notes(last),
    ]
    tidy(ax, facts if len(last) else [], style)
    return ax


def _lines(ax: Axes | None, said: Sequence[Sequence[str]]) -> Axes:
    """Give Axes with a line for each setting, the first on top, and what is said of it at the left."""
    cells = cells_at_left(ax)
    labels = ["\n".join(wrapped(part, cells) for part in parts if part) for parts in said]
    a_line = 0.24 + line_height(ax) * most_lines(labels)
    if ax is None and len(said) > (most := int((HIGHEST - 2) / a_line)):
        raise InvalidInput(f"{len(said)} settings do not fit: {most} do. Draw those that matter.")
    ax = axes_for(ax, 4.2, a_line * max(len(said), 1))
    ax.set_yticks(range(len(said)), labels, **text_style())
    ax.set_ylim(max(len(said), 1) - 0.4, -0.7)
    return ax


def _standing(row: Mapping[Hashable, Any], names: Mapping[str, str]) -> list[str]:
    """Say how often a setting has the lowest rate, and what it lost to."""
    best = "" if is_missing(row["p_best"]) else f"lowest in {100 * row['p_best']:.1f}% of resamples"
    if is_missing(row["rival"]):
        return [best]
    p = "" if is_missing(row["p"]) else ", p < 0.001" if row["p"] < 0.001 else f", p = {row['p']:.3f}"
    return [best, f"lost to {names.get(row['rival'], label_of((row['rival'],)))}{p}"]


def _end(row: Mapping[Hashable, Any], names: Mapping[str, str]) -> str:
    """Say what the rate of a setting was when it was last looked at, and to what it lost there."""
    rate, other = (_percent(row[name]) for name in ("rate", "rival_rate"))
    return f"{rate}, lost to {names.get(row['rival'], label_of((row['rival'],)))} with {other}" if row["gone"] else rate


def _percent(share: object) -> str:
    return "not known" if is_missing(share) else f"{tenths(100 * float(share))}%"  # type: ignore[arg-type]  # a number


def _first(column: pd.Series) -> list[float]:
    """Give the first value that is known, if any."""
    return [float(value) for value in column.dropna().iloc[:1]]


def _notes(frame: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(part for note in frame["note"].dropna() for part in str(note).split("; ")))


def _floats(frame: pd.DataFrame, name: str) -> Floats:
    return frame[name].to_numpy("float64", na_value=np.nan)
