"""Figures: from a table of results to Axes.

Nothing is computed here: rates and intervals are drawn as the table has them, and what it does not have is said in the
figure. The only module that imports matplotlib; it sets no backend, changes no global setting and shows nothing.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final, cast

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib import font_manager
from matplotlib.ticker import MaxNLocator

from asrlab import groups, tables
from asrlab.errors import InvalidInput
from asrlab.text import CORRECTIONS, MEASURES, plain
from asrlab.views.markup import EMPTY, display_width, is_missing, signed
from asrlab.wordings import reference_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from matplotlib.axes import Axes

    Key = tuple[object, ...]
    Shown = Mapping[str, str]  # text -> what is shown of it
    Floats = np.ndarray[tuple[int], np.dtype[np.float64]]

#: Of lines, which need more contrast than bars.
_LINES: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
#: Okabe and Ito's colours, grey for black: hatches and intervals are black. 8 colours and 7 hatches: 56 different bars.
_COLOURS: Final = ("#56B4E9", "#E69F00", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999")
_MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
_DASHES: Final = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)), (0, (3, 1, 1, 1, 1, 1)))
_HATCHES: Final = ("", "//", "..", "xx", "\\\\", "oo", "++")
#: What an experiment is designed by, and how the axis of a figure names it.
_DESIGN: Final = {
    "speakers": "Speakers",
    "utterances": "Utterances of each speaker",
    "delta": "True difference, points",
}
#: Characters of a label, and columns of a line of labels, unless they need more.
_CUT: Final = 40
_WIDE: Final = 60
_COUNTS: Final = ("speakers", "utterances")
#: What a table is called, and the figure that draws it.
_DRAWN: Final = {
    "summary": ("a summary", "rates"),
    "comparison": ("a comparison", "deltas"),
    "effects": ("a table of effects", "deltas"),
    "power": ("a table of power", "power"),
    "agreement": ("the agreement of repeats", ""),
}
#: Tests that have a margin.
_WITHIN: Final = "equivalence|inferior"
#: Inches: of the largest figure, and the least of a bar.
_WIDEST: Final = 16.0
_HIGHEST: Final = 40.0
_NARROWEST: Final = 0.2
#: So many numbers are ticks of their own, where no two of them are closer than this share of their range.
_FEW: Final = 10
_CLOSE: Final = 0.05
_SERIES: Final = {"utterances": "utterances of each", "delta": "difference", "n_comparisons": "comparisons"}
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
        If it is another table, the rows count in different units, a column is not there, several rows would be one bar,
        or there are more than fit in a figure.
    """
    needed = ("rate", "low", "high", "unit")
    _refuse_another(summary, "rates", needed)
    frame = tables.check(summary, "summary", required=needed).reset_index(drop=True)
    measure, own = _measure(frame, "summary"), set(tables.SCHEMAS["summary"])
    groups, series = _layout(frame, _told_apart(frame, own, _by(summary, own, "rate"), []), x, hue)
    group_of, member_of = _keys(frame, groups), _keys(frame, series)
    if len(set(zip(group_of, member_of, strict=True))) < len(frame):
        raise InvalidInput(
            f"Several rows would be one bar by {', '.join([*groups, *series]) or 'no column at all'}. "
            "Filter the summary, or name the columns that tell its rows apart as x= and hue=."
        )
    ticks, members = list(dict.fromkeys(group_of)), list(dict.fromkeys(member_of))
    shown = _shown(part for key in (*ticks, *members) for part in key)
    legend_labels = [_label((name,)) for name in series] + [_label(member, shown) for member in members if series]
    beside = 0.6 + 0.09 * max(map(display_width, legend_labels)) if series else 0.0
    most = min(int((_WIDEST - 2 - beside) / _NARROWEST), int(4 * (_HIGHEST - 1)))
    if ax is None and len(frame) > most:
        raise InvalidInput(
            f"{len(frame)} bars do not fit: {max(most, 1)} do. Draw those that matter, such as the rows of one label "
            "of an axis, or summarize by fewer columns."
        )
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
    _ticks(ax, [_label(key, shown) for key in ticks], style)
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
    table = _refuse_another(comparison, "deltas", needed) or "comparison"
    frame = tables.check(comparison, table, required=needed).reset_index(drop=True)
    measure = _measure(frame, table)
    # Of a comparison and effects put together, rows of the comparison have no effect.
    together = table == "effects" and "effect" in comparison.columns and bool(frame["effect"].isna().any())
    compared = frame["effect"].isna() if together else pd.Series(table == "comparison", index=frame.index)
    own = {*tables.SCHEMAS[table], *(tables.SCHEMAS["comparison"] if together else ())}
    by = _by(comparison, own, "" if together else "effect" if table == "effects" else "axis")
    by = [name for name in by if frame[name].nunique(dropna=False) > 1]
    frame, common = _without_common_parts(frame)
    moderators = ["moderator", "moderator_level", "moderator_baseline"] if table == "effects" else []
    by = _told_apart(frame, own, by, ["axis", "level", "baseline", *moderators])
    by += ["axis"] if frame["axis"].notna().any() else []
    keys = _keys(frame, by)
    settings = frame[["level", "baseline", *moderators]].to_numpy(object).ravel()
    shown = _shown([*(part for key in keys for part in key), *settings], limit=_WIDE)
    mixed = frame["moderator"].notna().to_numpy("bool") if moderators else np.zeros(len(frame), dtype="bool")
    labels = [
        f"{_compared(_named(by, key, row['axis'], shown, together), row, shown, interaction)}\n{_evidence(row)}"
        for key, row, interaction in zip(keys, frame.to_dict("records"), mixed, strict=True)
    ]
    beside = 0.5 + 0.075 * max((display_width(line) for label in labels for line in label.split("\n")), default=0)
    width = 5.5 if ax is None else _width(ax)
    high_lines = max((label.count("\n") + 1 for label in labels), default=0)
    a_line = max(0.6, 0.19 * high_lines + 0.1)
    if ax is None and len(frame) > (most := int((_HIGHEST - 1.8) / a_line)):
        raise InvalidInput(
            f"{len(frame)} lines do not fit: {most} do. Draw those that matter, such as "
            "table[table['p_adjusted'] <= 0.05], or one figure a group."
        )
    ax = ax or _axes(width + beside, 1.8 + a_line * len(frame))
    style = _style()
    delta, low, high = (100 * frame[name].to_numpy("float64", na_value=np.nan) for name in ("delta", "low", "high"))
    lines = np.arange(len(frame))
    known = ~np.isnan(delta + low + high)
    ax.axvline(0, color="black", linewidth=0.8)
    around, facts = _around_zero(ax, frame, compared)
    _intervals(ax, lines[known], low[known], high[known], upright=False)
    for marker, mine in (("o", ~mixed), ("D", mixed)):
        for colour, drawn in (("#0072B2", known), ("white", ~known)):
            ax.plot(delta[drawn & mine], lines[drawn & mine], marker, color=colour, markeredgecolor="black")
    for line, value, sure in zip(lines, delta, known, strict=True):
        text = "no difference known" if np.isnan(value) else signed(value) + ", no interval" * (not sure)
        _mark(ax, text, (0.0 if np.isnan(value) else float(value), float(line)), 6, style=style)
    ax.set_yticks(lines, labels, **style)
    ax.set_ylim(max(len(frame), 1) - 0.4, -0.7)
    reach = 1.25 * float(np.nanmax(np.abs(np.concatenate([delta, low, high, around, [0.0]])))) or 1.0
    ax.set_xlim(-reach, reach)
    ax.set_xlabel(f"Difference in {_in_line(measure)}, points\n← better   |   worse →", **style)
    facts += ["diamond: interaction, how much an effect differs"] if mixed.any() else []
    _tidy(ax, [*_delta_facts(frame, common, compared), *facts], width, style)
    return ax


def power(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the power of planned experiments, with the power that is wanted.

    Parameters
    ----------
    table : DataFrame
        From :func:`asrlab.power`: a row a point.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    Axes
        Power in per cent against the number of speakers, or of utterances of each where only those vary, or the
        difference where only that does. What varies besides makes lines, told apart by colour, marker and dashes. The
        band (of a single point, the bar) is the interval of the simulation, the dashed line the target. Designs whose
        power is not known are left out and counted.

    Raises
    ------
    InvalidInput
        If it is another table, a column is not there, or several rows would be one point.
    """
    needed = ("delta", "speakers", "utterances", "power", "target")
    _refuse_another(table, "power", needed)
    frame = tables.check(table, "power", required=needed).reset_index(drop=True)
    shown = frame[frame[["power", "delta", "speakers", "utterances"]].notna().all(axis=1)].reset_index(drop=True)
    varying = [name for name in _DESIGN if shown[name].nunique() > 1]
    x = (varying or ["speakers"])[0]
    own = set(tables.SCHEMAS["power"])
    by = [*_by(table, own, "delta"), "unit", "test", "correction", "n_comparisons", "confidence", "rate", "source"]
    apart = [name for name in by if shown[name].nunique(dropna=False) > 1]
    series = list(dict.fromkeys([name for name in varying if name != x] + apart))
    member_of = _keys(shown, series)
    if len(set(zip(member_of, shown[x], strict=True))) < len(shown):
        raise InvalidInput(
            f"Several rows would be one point by {', '.join([x, *series])}. Filter the table, or give it a column that "
            "tells its rows apart."
        )
    members = list(dict.fromkeys(member_of))
    texts = _shown(part for member in members for part in member)
    legend_labels = [_design_label(series, member, texts) for member in members]
    width = 6.0 if ax is None else _width(ax)
    ax = ax or _axes(width + (0.6 + 0.09 * max(map(display_width, legend_labels)) if series else 0), 4.2)
    style, entries = _style(), []
    names = (x, "power", "low", "high")
    values = {
        name: shown[name].to_numpy("float64", na_value=np.nan) * (1 if name in _COUNTS else 100) for name in names
    }
    for number, member in enumerate(members):
        mine = np.flatnonzero([key == member for key in member_of])
        mine = mine[np.argsort(values[x][mine], kind="stable")]
        place, share, low, high = (values[name][mine] for name in names)
        colour, marker = _LINES[number % len(_LINES)], _MARKERS[number % len(_MARKERS)]
        dashes = _DASHES[number % len(_DASHES)]
        entries += ax.plot(place, share, color=colour, marker=marker, linestyle=dashes, markeredgecolor="black")
        if len(mine) > 1:
            ax.fill_between(place, low, high, color=colour, alpha=0.2, linewidth=0)
        else:
            known = ~np.isnan(low + high)
            _intervals(ax, place[known], low[known], high[known], upright=True)
    for target in sorted(frame["target"].dropna().unique()):
        ax.axhline(100 * target, color="black", linestyle="dashed", linewidth=1)
    ax.set_ylim(0, 105)
    if len(shown) and x in _COUNTS:
        ax.set_xlim(left=0)
        places = np.unique(values[x])
        if len(places) <= _FEW and np.all(np.diff(places) >= _CLOSE * places[-1]):
            ax.set_xticks(places, [f"{place:.0f}" for place in places])
        else:
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel(_DESIGN[x], **style)
    ax.set_ylabel("Power, % of such experiments", **style)
    _tidy(ax, _power_facts(frame, shown, [x, *series]), width, style)
    if series:
        legend = ax.legend(entries, ["."] * len(entries), title=".", loc="upper left", bbox_to_anchor=(1.01, 1))
        titles = [", ".join(_SERIES.get(name, plain(name, 40)) for name in series), *legend_labels]
        for entry, label in zip([legend.get_title(), *legend.get_texts()], titles, strict=True):
            entry.set(text=label, **style)
    return ax


# -- what the table says of itself -------------------------------------------------------------------------------------


def _refuse_another(frame: pd.DataFrame, figure: str, needed: tuple[str, ...]) -> tables.Kind | None:
    """Tell which table it is; refuse one of results that another figure draws, and several put together."""
    kind = tables.kind(frame)
    if kind is None:
        if set(needed) <= set(frame.columns):
            raise InvalidInput("These are results of several kinds put together. Draw each kind by itself.")
        return None
    what, draws = _DRAWN[kind]
    if draws != figure:
        instead = f"plot.{draws} draws it" if draws else "no figure draws it; lab.sentences says what is in it"
        raise InvalidInput(f"This is {what}: {instead}.")
    return kind


def _measure(frame: pd.DataFrame, table: str) -> str:
    units = sorted(frame["unit"].dropna().unique())
    if len(units) > 1:
        raise InvalidInput(
            f"This {table} counts in {' and '.join(units)}: such rates side by side in one figure mislead. "
            f"Draw one figure a unit, such as {table}[{table}['unit'] == {units[0]!r}]."
        )
    return _capital(_in_full(units[0])) if units else "Error rate"


def _in_full(unit: object) -> str:
    return MEASURES.get(str(unit), ("", f"error rate by {unit}"))[1]


def _capital(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def _in_line(measure: str) -> str:
    return f"{measure[0].lower()}{measure[1:]}"


def _rate_facts(frame: pd.DataFrame, *, starred: bool) -> list[str]:
    counts = {name: int(frame[f"n_{name}"].fillna(0).sum()) for name in ("failed", "not_run", "missing")}
    lost = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counts.items() if n)
    dropped, all_deleted = (frame["lost"].str.contains(how).any() for how in ("dropped", "all-deleted"))
    fate = "partly counted as all deleted" if dropped else "counted as all deleted"
    return [
        *_conditions_of_marking(frame, "level"),
        *dict.fromkeys(part for method in frame["method"].dropna().unique() for part in str(method).split("; ")),
        *_numbers(frame["n_utts"], "utterance"),
        *_blocks(frame),
        *([f"{fate if all_deleted else 'not in the rates'}: {lost}"] if lost else []),
        *(["* no interval"] if starred else []),
    ]


def _delta_facts(frame: pd.DataFrame, common: str, compared: pd.Series) -> list[str]:
    return [
        *_conditions_of_marking(frame, "confidence"),
        *([f"all with {common}"] if common else []),
        *(_numbers(frame.loc[compared, "n_pairs"], "pair") if compared.any() and "n_pairs" in frame else []),
        *(_numbers(frame.loc[~compared, "n_utts"], "utterance") if not compared.all() else []),
        *dict.fromkeys(map(_corrected, frame["correction"], frame["n_comparisons"])),
    ]


def _around_zero(ax: Axes, frame: pd.DataFrame, compared: pd.Series) -> tuple[Floats, list[str]]:
    """Draw on the lines of a comparison what the service varies by itself and margins; give their ends, and say so."""
    lines = np.arange(len(frame))
    tested = (frame["test"].str.contains(claim).fillna(value=False).to_numpy("bool") for claim in (_WITHIN, "inferior"))
    within, one_sided = tested
    noise, margin = (_points_of(frame, name, compared) for name in ("repeat_noise", "margin"))
    noisy, bounded = ~np.isnan(noise), ~np.isnan(margin) & within
    ax.barh(lines[noisy], 4 * noise[noisy], left=-2 * noise[noisy], height=0.7, color="#DDDDDD", zorder=0)
    # No worse by more than the margin: its other side is of no interest.
    for side, wanted in ((margin, bounded), (-margin, bounded & ~one_sided)):
        ax.vlines(side[wanted], lines[wanted] - 0.5, lines[wanted] + 0.5, colors="black", linestyles="dashed")
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


def _corrected(how: object, many: object) -> str:
    name = "" if is_missing(how) else str(how)
    if name == "none":
        return "p not corrected"
    if is_missing(many) or many == 1:
        return ""
    return (
        f"p adjusted {f'by {CORRECTIONS.get(name, name)} over' if name else 'for'} {_plural(str(many), 'comparison')}"
    )


def _power_facts(frame: pd.DataFrame, shown: pd.DataFrame, drawn: list[str]) -> list[str]:
    """Say what all designs of a figure share."""
    same = {name: shown[name].iloc[0] for name in shown if name not in drawn and shown[name].nunique(dropna=False) == 1}
    same = {str(name): value for name, value in same.items() if not is_missing(value)}
    left_out = len(frame) - len(shown)
    said: dict[str, Callable[[Any], str]] = {
        "delta": lambda delta: f"true difference {_points(delta)}",
        "speakers": lambda many: _plural(str(many), "speaker"),
        "utterances": lambda many: f"{_plural(str(many), 'utterance')} each",
        "unit": _in_full,
        "rate": lambda rate: f"{100 * rate:.1f}% at the baseline",
        "test": str,
        "n_comparisons": lambda many: "" if many == 1 else _corrected(same.get("correction"), many),
        "source": lambda source: f"rates and spreads {'from a pilot' if source == 'pilot' else source}",
        "n_simulations": lambda many: f"95% intervals of {many} simulations",
    }
    return [
        *(word(same[name]) for name, word in said.items() if name in same),
        *(f"dashed: {100 * target:.3g}% wanted" for target in sorted(frame["target"].dropna().unique())),
        *([f"{_plural(str(left_out), 'design')} of unknown power left out"] if left_out else []),
    ]


def _points(share: float) -> str:
    return _plural(f"{100 * abs(share):.3g}", "point")


def _design_label(series: list[str], member: Key, shown: Shown) -> str:
    parts = zip(series, member, strict=True)
    return _label(tuple(_points(cast("float", v)) if name == "delta" else v for name, v in parts), shown)


def _conditions_of_marking(frame: pd.DataFrame, level: str) -> list[str]:
    marking = ("form", "normalizer", "ties", level)
    forms, chains, ties, levels = (sorted(frame[name].dropna().unique()) for name in marking)
    named = [reference_of(form) for form in forms]
    return [
        *([" and ".join([*(name.removesuffix(" reference") for name in named[:-1]), named[-1]])] if named else []),
        *([f"normalizer {' and '.join(chains)}"] if chains else []),
        *([f"ties of {' and '.join(ties)}"] if set(ties) - {"jiwer"} else []),
        *(f"{100 * share:.6g}% intervals" for share in levels),
    ]


def _without_common_parts(frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
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
        _label((v,), shown) if name == "axis" else f"{plain(name, _CUT)} {_label((v,), shown)}"
        for name, v in named.items()
    ]
    return " · ".join(parts)


def _compared(named: str, row: dict[Hashable, Any], shown: Shown, interaction: bool) -> str:
    """Say what a row is about, in as many lines as it needs."""
    level, baseline = (_label((row[end],), shown) for end in ("level", "baseline"))
    said = _in_lines([f"{named}:"] * bool(named) + [level, f"against {baseline}"])
    if not interaction:
        return said
    moderator, level, baseline = (_label((row[f"moderator{part}"],), shown) for part in ("", "_level", "_baseline"))
    return f"{said},\n{_in_lines([f'by {moderator}:', level, f'against {baseline}'])}"


def _in_lines(parts: list[str]) -> str:
    lines = parts[:1]
    for part in parts[1:]:
        longer = f"{lines[-1]} {part}"
        lines = [*lines[:-1], longer] if display_width(longer) <= _WIDE else [*lines, part]
    return "\n".join(lines)


def _evidence(row: dict[Hashable, Any]) -> str:
    """Say in a line's label how much speaks for it."""
    p = row["p_adjusted"]
    name = "p adj." if is_missing(row["correction"]) or row["correction"] != "none" else "p"
    test = "" if is_missing(row["test"]) else str(row["test"])
    # Of these a small p says that there is no difference that matters.
    name = next((f"p of {claim}" for claim in ("equivalence", "non-inferiority") if test.startswith(claim)), name)
    said = "no p" if is_missing(p) else f"{name} < 0.001" if p < 0.001 else f"{name} = {p:.3f}"
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


def _by(frame: pd.DataFrame, own: set[str], first: str) -> list[str]:
    """Find the by-columns: those before the table's own; failing that, those the table does not declare."""
    names = list(frame.columns)
    leading = names[: names.index(first)] if first in names else []
    return leading or [name for name in names if name not in own]


def _told_apart(frame: pd.DataFrame, own: set[str], by: list[str], more: list[str]) -> list[str]:
    """Add columns that others put there, and form, normalizer and ties, where nothing else tells the rows apart."""
    if len(set(_keys(frame, [*by, *more]))) == len(frame):
        return by
    apart = [*(name for name in frame.columns if name not in own), "form", "normalizer", "ties"]
    return by + [name for name in apart if name not in {*by, *more} and frame[name].nunique(dropna=False) > 1]


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


def _label(key: Key, shown: Shown | None = None) -> str:
    return " · ".join("not known" if is_missing(part) else _text_of(part, shown or {}) or EMPTY for part in key)


def _text_of(part: object, shown: Shown) -> str:
    text = plain(part)
    return shown.get(text, plain(part, _CUT))


def _shown(parts: Iterable[object], limit: int = _CUT) -> dict[str, str]:
    """Cut long labels in their middle, but never two different ones to the same."""
    texts = {plain(part) for part in parts if not is_missing(part)}
    while len({_cut(text, limit) for text in texts}) < len(texts):
        limit *= 2
    return {text: _cut(text, limit) for text in texts}


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - limit // 3 - 1]}…{text[-(limit // 3) :]}"


# -- ink ---------------------------------------------------------------------------------------------------------------


def _axes(width: float, height: float) -> Axes:
    _, ax = plt.subplots(figsize=(min(max(width, 5.0), _WIDEST), min(height, _HIGHEST)), layout="constrained")
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
    facts_in_lines = textwrap.fill("; ".join(plain(fact, 80) for fact in facts if fact), max(int(14 * width), 20))
    ax.set_title(facts_in_lines, loc="left", fontsize=9, **style)


def _width(ax: Axes) -> float:
    """Width of the Axes in inches."""
    return float(ax.get_window_extent().width / ax.figure.dpi)
