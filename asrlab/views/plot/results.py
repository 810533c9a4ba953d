"""Figures of what was measured: rates and differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from asrlab import groups, tables
from asrlab.errors import InvalidInput
from asrlab.text import plain
from asrlab.views.markup import display_width, is_missing, signed
from asrlab.views.plot.facts import (
    blocks_of,
    conditions_of_marking,
    delta_facts,
    in_line,
    kind_of,
    lost_facts,
    measure_of,
    numbers_of,
    plural,
    refuse_another,
)
from asrlab.views.plot.ink import (
    COLOURS,
    HATCHES,
    HIGHEST,
    WIDEST,
    axes_for,
    cells_at_left,
    ink,
    inner_height,
    inner_width,
    legend_of,
    line_height,
    paper,
    text_style,
    text_width,
    tidy,
)
from asrlab.views.plot.labels import (
    CUT,
    WIDE,
    by_columns,
    keys_of,
    label_of,
    layout_of,
    most_lines,
    shown_texts,
    tenths,
    together,
    told_apart,
    wrapped,
)
from asrlab.views.plot.marks import intervals, kept_inside, label_ticks, mark

if TYPE_CHECKING:
    from collections.abc import Hashable

    from matplotlib.axes import Axes

    from asrlab.views.plot.ink import Floats
    from asrlab.views.plot.labels import Key, Shown

#: Tests that have a margin.
_WITHIN: Final = "equivalence|inferior"
_NARROWEST: Final = 0.2


def rates(summary: pd.DataFrame, *, ax: Axes | None = None, x: str | None = None, hue: str | None = None) -> Axes:
    """Draw error rates as bars with their intervals.

    Parameters
    ----------
    summary : DataFrame
        From :func:`asrlab.summarize`: a row a bar, in the order of the rows. Shares; drawn in per cent.
    ax : Axes, optional
        Draw here instead of in a new figure.
    x, hue : str, optional
        The column that makes groups of bars, and the one that makes bars within a group. If neither is given, the last
        of the columns that vary is ``hue`` and the others together make the groups.

    Returns
    -------
    Axes
        Above it stand reference form, normalizer, interval and numbers; a bar without an interval has a star.

    Raises
    ------
    InvalidInput
        If it is another table, the rows count in different units, a column is not there, several rows would be one bar,
        or there are more than fit in a figure.
    """
    needed = ("rate", "low", "high", "unit")
    refuse_another(summary, "rates", needed)
    frame = tables.check(summary, "summary", required=needed).reset_index(drop=True)
    measure, own = measure_of(frame, "summary"), set(tables.SCHEMAS["summary"])
    groups, series = layout_of(frame, told_apart(frame, own, by_columns(summary, own, "rate"), []), x, hue)
    group_of, member_of = keys_of(frame, groups), keys_of(frame, series)
    if len(set(zip(group_of, member_of, strict=True))) < len(frame):
        raise InvalidInput(
            f"Several rows would be one bar by {', '.join([*groups, *series]) or 'no column at all'}. "
            "Filter the summary, or name the columns that tell its rows apart as x= and hue=."
        )
    ticks, members = list(dict.fromkeys(group_of)), list(dict.fromkeys(member_of))
    shown = shown_texts(part for key in (*ticks, *members) for part in key)
    legend_labels = [label_of((name,)) for name in series] + [label_of(member, shown) for member in members if series]
    beside = 0.6 + 0.09 * max(map(display_width, legend_labels)) if series else 0.0
    most = min(int((WIDEST - 2 - beside) / _NARROWEST), int(4 * (HIGHEST - 1)))
    if ax is None and len(frame) > most:
        raise InvalidInput(
            f"{len(frame)} bars do not fit: {max(most, 1)} do. Draw those that matter, such as the rows of one label "
            "of an axis, or summarize by fewer columns."
        )
    across = min(max(0.45 * len(frame), 0.9 * len(ticks), 2.0), WIDEST - 2 - beside)
    ax = axes_for(ax, across, max(3.0, 0.25 * len(legend_labels)), least=1.2)
    style, width, bars = text_style(), 0.8 / max(len(members), 1), []
    values: list[tuple[float, str, float]] = []
    percent = {name: 100 * frame[name].to_numpy("float64", na_value=np.nan) for name in ("rate", "low", "high")}
    for number, member in enumerate(members):
        mine = np.array([key == member for key in member_of])
        places = np.array([ticks.index(key) for key in group_of])[mine] + (number - (len(members) - 1) / 2) * width
        rate, low, high = (percent[name][mine] for name in ("rate", "low", "high"))
        colour, hatch = COLOURS[number % len(COLOURS)], HATCHES[number % len(HATCHES)]
        bars.append(ax.bar(places, rate, 0.92 * width, color=colour, hatch=hatch, edgecolor="black", linewidth=0.7))
        known = ~np.isnan(rate + low + high)
        intervals(ax, places[known], low[known], high[known], upright=True)
        for place, value, top, sure in zip(places, rate, np.fmax(rate, high), known, strict=True):
            written = ("no rate", 0.0) if np.isnan(value) else (tenths(value) + "*" * (not sure), top)
            values.append((place, *written))
    ax.set_xlabel(label_of(tuple(groups)), **style)
    ax.set_ylabel(f"{measure}, %", **style)
    label_ticks(ax, [label_of(key, shown) for key in ticks], style)
    ends = np.concatenate([*percent.values(), [0.0]])
    low, high = min(0.0, 1.1 * np.nanmin(ends)), np.nanmax(ends)
    above, unsaid = _write_values(ax, values, width * inner_width(ax) / max(len(ticks), 1), style)
    ax.set_ylim(low, max(1.18, 1 / (1 - min(above / inner_height(ax), 0.7))) * high or 1.0)
    if series:
        legend_of(ax, bars, legend_labels[1:], legend_labels[0], style)
    starred = ~np.isnan(percent["rate"]) & np.isnan(percent["low"] + percent["high"])
    facts = _rate_facts(frame, starred=bool(starred.any()))
    tidy(ax, [*facts, *(["bars too narrow for their values"] if unsaid else [])], style)
    return ax


def deltas(comparison: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw differences from a baseline as points with their intervals, around zero.

    Parameters
    ----------
    comparison : DataFrame
        From :func:`asrlab.compare` or :func:`asrlab.effects`, or both put together: a row a line, the first one on top.
        Shares; drawn in percentage points.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    Axes
        Left of zero is better. Each line says what is compared, the adjusted p and the number of blocks; a difference
        without an interval is a hollow mark that says so, an interaction is a diamond. A grey band around zero is two
        standard errors of what the service varies by itself, dashed lines are the margin of an equivalence test, where
        the table has those.

    Raises
    ------
    InvalidInput
        If it is another table, the rows count in different units, a column is not there, or there are more rows than
        fit in a figure.
    """
    needed = ("level", "baseline", "delta", "low", "high", "unit")
    table = refuse_another(comparison, "deltas", needed) or "comparison"
    frame = tables.check(comparison, table, required=needed).reset_index(drop=True)
    measure = measure_of(frame, table)
    # Of a comparison and effects put together, rows of the comparison have no effect.
    together = table == "effects" and "effect" in comparison.columns and bool(frame["effect"].isna().any())
    compared = frame["effect"].isna() if together else pd.Series(table == "comparison", index=frame.index)
    own = {*tables.SCHEMAS[table], *(tables.SCHEMAS["comparison"] if together else ())}
    by = by_columns(comparison, own, "" if together else "effect" if table == "effects" else "axis")
    by = [name for name in by if frame[name].nunique(dropna=False) > 1]
    frame, common = without_common_parts(frame)
    moderators = ["moderator", "moderator_level", "moderator_baseline"] if table == "effects" else []
    by = told_apart(frame, own, by, ["axis", "level", "baseline", *moderators])
    by += ["axis"] if frame["axis"].notna().any() else []
    keys = keys_of(frame, by)
    settings = frame[["level", "baseline", *moderators]].to_numpy(object).ravel()
    shown = shown_texts([*(part for key in keys for part in key), *settings], limit=WIDE)
    mixed = frame["moderator"].notna().to_numpy("bool") if moderators else np.zeros(len(frame), dtype="bool")
    cells = cells_at_left(ax)
    labels = [
        f"{_compared(_named(by, key, row['axis'], shown, together), row, shown, interaction, cells)}"
        f"\n{wrapped(_evidence(row), cells)}"
        for key, row, interaction in zip(keys, frame.to_dict("records"), mixed, strict=True)
    ]
    a_line = 0.24 + line_height(ax) * most_lines(labels)
    if ax is None and len(frame) > (most := int((HIGHEST - 1.8) / a_line)):
        raise InvalidInput(
            f"{len(frame)} lines do not fit: {most} do. Draw those that matter, such as "
            "table[table['p_adjusted'] <= 0.05], or one figure a group."
        )
    ax = axes_for(ax, 4.2, a_line * max(len(frame), 1))
    style = text_style()
    delta, low, high = (100 * frame[name].to_numpy("float64", na_value=np.nan) for name in ("delta", "low", "high"))
    lines = np.arange(len(frame))
    known = ~np.isnan(delta + low + high)
    ax.axvline(0, color=ink(), linewidth=0.8)
    around, facts = _around_zero(ax, frame, compared)
    intervals(ax, lines[known], low[known], high[known], upright=False)
    for marker, mine in (("o", ~mixed), ("D", mixed)):
        for colour, drawn in (("#0072B2", known), (paper(), ~known)):
            ax.plot(delta[drawn & mine], lines[drawn & mine], marker, color=colour, markeredgecolor=ink())
    ax.set_yticks(lines, labels, **style)
    ax.set_ylim(max(len(frame), 1) - 0.4, -0.7)
    reach = 1.25 * float(np.nanmax(np.abs(np.concatenate([delta, low, high, around, [0.0]])))) or 1.0
    ax.set_xlim(-reach, reach)
    ax.set_xlabel(f"Difference in {in_line(measure)}, points\n← better   |   worse →", **style)
    for line, value, sure in zip(lines, delta, known, strict=True):
        text = "no difference known" if np.isnan(value) else signed(value) + ", no interval" * (not sure)
        at = 0.0 if np.isnan(value) else float(value)
        mark(ax, text, (at, float(line)), 6, style=style, aside=kept_inside(ax, text, at))
    facts += ["diamond: interaction, how much an effect differs"] if mixed.any() else []
    tidy(ax, [*delta_facts(frame, common, compared), *facts], style)
    return ax


def _write_values(
    ax: Axes, values: list[tuple[float, str, float]], wide: float, style: dict[str, Any]
) -> tuple[float, bool]:
    """Write values above bars of so many inches; give the inches that takes, and whether bars are too narrow."""
    if wide < line_height(ax) * 0.8:
        return 0.0, True
    turned = any(text_width(text, ax) > wide for _, text, _ in values)
    for place, text, top in values:
        mark(ax, text, (place, top), 3, style=style, rotation=90 if turned or text == "no rate" else 0)
    high = max((text_width(text, ax) for _, text, _ in values), default=0.0) if turned else line_height(ax)
    return high + 0.1, False


def _rate_facts(frame: pd.DataFrame, *, starred: bool) -> list[str]:
    return [
        *conditions_of_marking(frame, "level"),
        *dict.fromkeys(part for method in frame["method"].dropna().unique() for part in str(method).split("; ")),
        *numbers_of(frame["n_utts"], "utterance"),
        *blocks_of(frame),
        *lost_facts(frame),
        *(["* no interval"] if starred else []),
    ]


def _around_zero(ax: Axes, frame: pd.DataFrame, compared: pd.Series) -> tuple[Floats, list[str]]:
    """Draw on the lines of a comparison what the service varies by itself and margins; give their ends, and say so."""
    lines = np.arange(len(frame))
    tested = (frame["test"].str.contains(claim).fillna(value=False).to_numpy("bool") for claim in (_WITHIN, "inferior"))
    within, one_sided = tested
    noise, margin = (_points_of(frame, name, compared) for name in ("repeat_noise", "margin"))
    noisy, bounded = ~np.isnan(noise), ~np.isnan(margin) & within
    ax.barh(lines[noisy], 4 * noise[noisy], left=-2 * noise[noisy], height=0.7, color=("#999999", 0.35), zorder=0)
    # No worse by more than the margin: its other side is of no interest.
    for side, wanted in ((margin, bounded), (-margin, bounded & ~one_sided)):
        ax.vlines(side[wanted], lines[wanted] - 0.5, lines[wanted] + 0.5, colors=ink(), linestyles="dashed")
    facts = ["grey: ±2 standard errors of what the service varies by itself"] if noisy.any() else []
    margins = sorted({f"{points:.4g}" for points in margin[bounded]})
    facts += [f"dashed: margin of {' or '.join(margins)} point{'s' * (margins != ['1'])}"] if margins else []
    return np.concatenate([2 * noise, margin[bounded]]), facts


def _points_of(frame: pd.DataFrame, name: str, rows: pd.Series) -> Floats:
    """Give a column in points for the rows of a table that declares it: in others it may be an axis."""
    found = np.full(len(frame), np.nan)
    if rows.any() and name in frame.columns:
        found[rows] = 100 * frame.loc[rows, name].to_numpy("float64", na_value=np.nan)
    return found


def without_common_parts(frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Leave out of the names of settings along an axis what all of them share, and say what that is."""
    frame, common = frame.copy(), []
    for axis in frame["axis"].drop_duplicates():
        mine = frame["axis"].isna() if is_missing(axis) else (frame["axis"] == axis).fillna(value=False)
        labels = frame.loc[mine, ["level", "baseline"]].to_numpy(object).ravel()
        short, left_out = groups.shortened(str(label) for label in labels if not is_missing(label))
        for end in ("level", "baseline"):
            frame.loc[mine, end] = frame.loc[mine, end].replace(short)
        common += [left_out]
    return frame, "; ".join(filter(None, common))


def _named(columns: list[str], key: Key, axis: object, shown: Shown, together: bool) -> str:
    """Say a by-column's name with its value, which may be a bare True; an axis names itself."""
    # Of tables put together, one may lack a by-column of the other.
    named = {name: v for name, v in zip(columns, key, strict=True) if not (together and v is None)}
    if not is_missing(axis) and named.get(str(axis), axis) is None:
        del named[str(axis)]  # of tables put together, a row has no label of the axis that it is itself about
    parts = [
        label_of((v,), shown) if name == "axis" else f"{plain(name, CUT)} {label_of((v,), shown)}"
        for name, v in named.items()
    ]
    return " · ".join(parts)


def _compared(named: str, row: dict[Hashable, Any], shown: Shown, interaction: bool, cells: int) -> str:
    """Say what a row is about, in as many lines as it needs."""
    level, baseline = (label_of((row[end],), shown) for end in ("level", "baseline"))
    said = together([f"{named}:"] * bool(named) + [level, f"against {baseline}"], cells)
    if not interaction:
        return said
    moderator, level, baseline = (label_of((row[f"moderator{part}"],), shown) for part in ("", "_level", "_baseline"))
    return f"{said},\n{together([f'by {moderator}:', level, f'against {baseline}'], cells)}"


def _evidence(row: dict[Hashable, Any]) -> str:
    """Say in a line's label how much speaks for it."""
    p = row["p_adjusted"]
    name = "p adj." if is_missing(row["correction"]) or row["correction"] != "none" else "p"
    test = "" if is_missing(row["test"]) else str(row["test"])
    # Of these a small p says that there is no difference that matters.
    name = next((f"p of {claim}" for claim in ("equivalence", "non-inferiority") if test.startswith(claim)), name)
    said = "no p" if is_missing(p) else f"{name} < 0.001" if p < 0.001 else f"{name} = {p:.3f}"
    blocks = [] if is_missing(row["n_blocks"]) else [plural(str(row["n_blocks"]), kind_of(row["block_kind"]))]
    return ", ".join([said, *blocks])
