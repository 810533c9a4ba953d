"""Figures: from a table of results to Axes.

Nothing is computed here: rates and intervals are drawn as the table has them, and what it does not have is said in the
figure. The only module that imports matplotlib; it sets no backend, changes no global setting and shows nothing.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import font_manager

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.views.markup import EMPTY, display_width, is_missing, plain

if TYPE_CHECKING:
    from collections.abc import Hashable

    import pandas as pd
    from matplotlib.axes import Axes

    Key = tuple[object, ...]
    Floats = np.ndarray[tuple[int], np.dtype[np.float64]]

#: Okabe and Ito's colours, grey for black: hatches and intervals are black. 8 colours and 7 hatches: 56 different bars.
_COLOURS: Final = ("#56B4E9", "#E69F00", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999")
_HATCHES: Final = ("", "//", "..", "xx", "\\\\", "oo", "++")
_MEASURES: Final = {
    "word": "Word error rate (WER)",
    "char": "Character error rate (CER)",
    "codepoint": "Character error rate (CER, code points)",
    "mixed": "Mixed error rate",
    "term": "Term miss rate",
}
#: Families that may hold what the default one lacks; those that are not installed are left out.
_FALLBACKS: Final = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans CJK TC",
    "Noto Sans CJK KR",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "Noto Sans Thai",
    "Noto Sans Devanagari",
)


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
        If the rows count in different units, a column is not there, or several rows would be one bar.
    """
    frame = tables.check(summary, "summary", required=("rate", "low", "high", "unit")).reset_index(drop=True)
    measure = _measure(frame, "summary")
    groups, series = _layout(frame, _told_apart(frame, _by(summary, "summary", "rate"), []), x, hue)
    group_of, member_of = _keys(frame, groups), _keys(frame, series)
    if len(set(zip(group_of, member_of, strict=True))) < len(frame):
        raise InvalidInput(
            f"Several rows would be one bar by {', '.join([*groups, *series]) or 'no column at all'}. "
            "Filter the summary, or name the columns that tell its rows apart as x= and hue=."
        )
    ticks, members = list(dict.fromkeys(group_of)), list(dict.fromkeys(member_of))
    legend_labels = [_label((name,)) for name in series] + [_label(member) for member in members if series]
    beside = 0.6 + 0.09 * max(map(display_width, legend_labels)) if series else 0.0
    ax = ax or _axes(2.0 + max(0.45 * len(frame), 0.9 * len(ticks)) + beside, max(4.2, 1 + 0.25 * len(legend_labels)))
    style, width, bars = _style(), 0.8 / max(len(members), 1), []
    percent = {name: 100 * frame[name].to_numpy("float64", na_value=np.nan) for name in ("rate", "low", "high")}
    for number, member in enumerate(members):
        mine = np.array([key == member for key in member_of])
        places = np.array([ticks.index(key) for key in group_of])[mine] + (number - (len(members) - 1) / 2) * width
        rate, low, high = (percent[name][mine] for name in ("rate", "low", "high"))
        colour, hatch = _COLOURS[number % len(_COLOURS)], _HATCHES[number % len(_HATCHES)]
        bars.append(ax.bar(places, rate, 0.92 * width, color=colour, hatch=hatch, edgecolor="black", linewidth=0.7))
        known = ~np.isnan(rate + low + high)
        _intervals(ax, places[known], low[known], high[known], upright=True)
        for place, value, top, sure in zip(places, rate, np.fmax(rate, high), known, strict=True):
            text = "no rate" if np.isnan(value) else f"{value:.1f}" + "*" * (not sure)
            at = (place, 0.0 if np.isnan(value) else top)
            turned = 90 if len(frame) > 14 or np.isnan(value) else 0
            _mark(ax, text, at, 3, style=style, rotation=turned)
    _ticks(ax, [_label(key) for key in ticks], style)
    ends = np.concatenate([*percent.values(), [0.0]])
    ax.set_ylim(min(0.0, 1.1 * np.nanmin(ends)), 1.18 * np.nanmax(ends) or 1.0)
    ax.set_xlabel(_label(tuple(groups)), **style)
    ax.set_ylabel(f"{measure}, %", **style)
    starred = ~np.isnan(percent["rate"]) & np.isnan(percent["low"] + percent["high"])
    _tidy(ax, _rate_facts(frame, starred=bool(starred.any())), _width(ax), style)
    if series:
        # Given as "." first: matplotlib leaves out entries whose label begins with an underscore.
        legend = ax.legend(bars, ["."] * len(bars), title=".", loc="upper left", bbox_to_anchor=(1.01, 1))
        for entry, label in zip([legend.get_title(), *legend.get_texts()], legend_labels, strict=True):
            entry.set(text=label, **style)
    return ax


def deltas(comparison: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw differences from a baseline as points with their intervals, around zero.

    Parameters
    ----------
    comparison : DataFrame
        From :func:`asrlab.compare`: a row a line, the first one on top. Shares; drawn in percentage points.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    Axes
        Left of zero is better. Each line says what is compared, the adjusted p and the number of blocks; a difference
        without an interval is a hollow mark that says so.

    Raises
    ------
    InvalidInput
        If the rows count in different units, or a column is not there.
    """
    needed = ("level", "baseline", "delta", "low", "high", "unit")
    frame = tables.check(comparison, "comparison", required=needed).reset_index(drop=True)
    measure = _measure(frame, "comparison")
    by = [name for name in [*_by(comparison, "comparison", "axis"), "axis"] if frame[name].nunique(dropna=False) > 1]
    by = _told_apart(frame, by, ["level", "baseline"])
    labels = [
        f"{_label(key)}: {_label((row['level'],))} against {_label((row['baseline'],))}\n{_evidence(row)}".lstrip(": ")
        for key, row in zip(_keys(frame, by), frame.to_dict("records"), strict=True)
    ]
    margin = 0.5 + 0.075 * max((display_width(line) for label in labels for line in label.split("\n")), default=0)
    width = 5.5 if ax is None else _width(ax)
    ax = ax or _axes(width + margin, 1.8 + 0.6 * len(frame))
    style = _style()
    delta, low, high = (100 * frame[name].to_numpy("float64", na_value=np.nan) for name in ("delta", "low", "high"))
    lines = np.arange(len(frame))
    known = ~np.isnan(delta + low + high)
    ax.axvline(0, color="black", linewidth=0.8)
    _intervals(ax, lines[known], low[known], high[known], upright=False)
    ax.plot(delta[known], lines[known], "o", color="#0072B2", markeredgecolor="black")
    ax.plot(delta[~known], lines[~known], "o", color="white", markeredgecolor="black")
    for line, value, sure in zip(lines, delta, known, strict=True):
        text = "no difference known" if np.isnan(value) else f"{value:+z.2f}" + ", no interval" * (not sure)
        _mark(ax, text, (0.0 if np.isnan(value) else float(value), float(line)), 6, style=style)
    ax.set_yticks(lines, labels, **style)
    ax.set_ylim(max(len(frame), 1) - 0.4, -0.7)
    reach = 1.25 * float(np.nanmax(np.abs(np.concatenate([delta, low, high, [0.0]])))) or 1.0
    ax.set_xlim(-reach, reach)
    ax.set_xlabel(f"Difference in {measure[0].lower()}{measure[1:]}, points\n← better   |   worse →", **style)
    _tidy(ax, _delta_facts(frame), width, style)
    return ax


# -- what the table says of itself -------------------------------------------------------------------------------------


def _measure(frame: pd.DataFrame, table: str) -> str:
    units = sorted(frame["unit"].dropna().unique())
    if len(units) > 1:
        raise InvalidInput(
            f"This {table} counts in {' and '.join(units)}: such rates side by side in one figure mislead. "
            f"Draw one figure a unit, such as {table}[{table}['unit'] == {units[0]!r}]."
        )
    return _MEASURES.get(units[0], f"Error rate by {units[0]}") if units else "Error rate"


def _rate_facts(frame: pd.DataFrame, *, starred: bool) -> list[str]:
    counts = {name: int(frame[f"n_{name}"].fillna(0).sum()) for name in ("failed", "not_run", "missing")}
    lost = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counts.items() if n)
    dropped, all_deleted = (frame["lost"].str.contains(how).any() for how in ("dropped", "all-deleted"))
    fate = "partly counted as all deleted" if dropped else "counted as all deleted"
    return [
        *_conditions_of_marking(frame, "level"),
        *_numbers(frame["n_utts"], "utterance"),
        *_blocks(frame),
        *([f"{fate if all_deleted else 'not in the rates'}: {lost}"] if lost else []),
        *(["* no interval"] if starred else []),
    ]


def _delta_facts(frame: pd.DataFrame) -> list[str]:
    return [
        *_conditions_of_marking(frame, "confidence"),
        *_numbers(frame["n_pairs"], "pair"),
        *(f"p adjusted for {n} comparisons" for n in sorted(frame["n_comparisons"].dropna().unique())),
    ]


def _conditions_of_marking(frame: pd.DataFrame, level: str) -> list[str]:
    marking = ("form", "normalizer", "ties", level)
    forms, chains, ties, levels = (sorted(frame[name].dropna().unique()) for name in marking)
    return [
        *([f"{' and '.join(forms)} reference"] if forms else []),
        *([f"normalizer {' and '.join(chains)}"] if chains else []),
        *([f"ties of {' and '.join(ties)}"] if set(ties) - {"jiwer"} else []),
        *(f"{100 * share:.6g}% intervals" for share in levels),
    ]


def _evidence(row: dict[Hashable, Any]) -> str:
    """Say in a line's label how much speaks for it."""
    p = row["p_adjusted"]
    said = "no p" if is_missing(p) else "p adj. < 0.001" if p < 0.001 else f"p adj. = {p:.3f}"
    blocks = [] if is_missing(row["n_blocks"]) else [_plural(str(row["n_blocks"]), _kind(row["block_kind"]))]
    return ", ".join([said, *blocks])


def _blocks(frame: pd.DataFrame) -> list[str]:
    kinds = list(dict.fromkeys(map(_kind, frame["block_kind"])))
    if kinds == ["utterance"]:
        return []  # their number has been given
    return _numbers(frame["n_blocks"], kinds[0] if len(kinds) == 1 else "block")


def _kind(value: object) -> str:
    return "block" if is_missing(value) else str(value)


def _numbers(counts: pd.Series, noun: str) -> list[str]:
    known = counts.dropna()
    if known.empty:
        return []
    low, high = known.min(), known.max()
    return [_plural(str(low) if low == high else f"{low}-{high}", noun)]


def _plural(number: str, noun: str) -> str:
    return f"{number} {noun}" if number == "1" else f"{number} {noun}s"


# -- which column is what ----------------------------------------------------------------------------------------------


def _by(frame: pd.DataFrame, table: str, first: str) -> list[str]:
    """Find the by-columns: those before the table's own; failing that, those the table does not declare."""
    names = list(frame.columns)
    leading = names[: names.index(first)] if first in names else []
    return leading or [name for name in names if name not in tables.SCHEMAS[table]]


def _told_apart(frame: pd.DataFrame, by: list[str], more: list[str]) -> list[str]:
    """Add form, normalizer and ties, which always make rows of their own, where nothing else tells the rows apart."""
    if len(set(_keys(frame, [*by, *more]))) == len(frame):
        return by
    apart = ("form", "normalizer", "ties")
    return by + [name for name in apart if name not in by and frame[name].nunique(dropna=False) > 1]


def _layout(frame: pd.DataFrame, by: list[str], x: str | None, hue: str | None) -> tuple[list[str], list[str]]:
    """Choose the columns that make groups, and the one (or none) that makes bars within a group."""
    for name in (x, hue):
        if name is not None and name not in frame.columns:
            raise InvalidInput(f"There is no column {name!r} to draw by; this summary is by {', '.join(by) or 'none'}.")
    varying = [name for name in by if frame[name].nunique(dropna=False) > 1 and name not in (x, hue)] or (
        by[:1] if x is None and hue is None else []
    )
    if x is not None:
        series = [hue] if hue is not None else varying[-1:]
        return [x], series
    if hue is not None:
        return varying, [hue]
    return (varying[:-1], varying[-1:]) if len(varying) > 1 else (varying, [])


def _keys(frame: pd.DataFrame, columns: list[str]) -> list[Key]:
    cells = [[None if is_missing(value) else value for value in frame[name]] for name in columns]
    return list(zip(*cells, strict=True)) if cells else [()] * len(frame)


def _label(key: Key) -> str:
    return " · ".join("not known" if is_missing(part) else plain(part, 40) or EMPTY for part in key)


# -- ink ---------------------------------------------------------------------------------------------------------------


def _axes(width: float, height: float) -> Axes:
    _, ax = plt.subplots(figsize=(min(max(width, 5.0), 16.0), min(height, 40.0)), layout="constrained")
    return ax


def _style() -> dict[str, Any]:
    """Give what every text needs: no math in labels that others wrote, and fonts that have their characters."""
    installed = set(font_manager.get_font_names())
    families = [*mpl.rcParams["font.family"], *(name for name in _FALLBACKS if name in installed)]
    return {"fontfamily": families, "parse_math": False, "usetex": False}


def _intervals(ax: Axes, places: Floats, low: Floats, high: Floats, *, upright: bool) -> None:
    # Drawn from its own middle: an interval need not have the estimate inside.
    middle, half = (low + high) / 2, (high - low) / 2
    x, y, xerr, yerr = (places, middle, None, half) if upright else (middle, places, half, None)
    ax.errorbar(x, y, xerr=xerr, yerr=yerr, fmt="none", ecolor="black", elinewidth=1.2, capsize=3)


def _mark(ax: Axes, text: str, at: tuple[float, float], lift: int, *, style: dict[str, Any], rotation: int = 0) -> None:
    ax.annotate(
        text.replace("-", "\N{MINUS SIGN}"),
        at,
        xytext=(0, lift),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=9,
        rotation=rotation,
        bbox={"facecolor": ax.get_facecolor(), "edgecolor": "none", "pad": 0.5},
        **style,
    )


def _ticks(ax: Axes, labels: list[str], style: dict[str, Any]) -> None:
    crowded = sum(map(len, labels)) > 9 * _width(ax)
    turned = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    ax.set_xticks(range(len(labels)), labels, **{**turned, **style})
    ax.set_xlim(-0.6, max(len(labels), 1) - 0.4)


def _tidy(ax: Axes, facts: list[str], width: float, style: dict[str, Any]) -> None:
    ax.spines[["top", "right"]].set_visible(False)
    facts_in_lines = textwrap.fill("; ".join(plain(fact, 80) for fact in facts), max(int(14 * width), 20))
    ax.set_title(facts_in_lines, loc="left", fontsize=9, **style)


def _width(ax: Axes) -> float:
    """Width of the Axes in inches."""
    return float(ax.get_window_extent().width / ax.figure.dpi)
