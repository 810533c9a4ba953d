"""Figures of rates along a scale: error against a number such as the signal-to-noise ratio, and the ladder of forms."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.text import plain
from asrlab.views.markup import display_width, is_missing
from asrlab.views.plot.facts import (
    blocks_of,
    conditions_of_marking,
    lost_facts,
    measure_of,
    numbers_of,
    plural,
    refuse_another,
)
from asrlab.views.plot.ink import (
    axes_for,
    inner_width,
    legend_of,
    text_style,
    text_width,
    tidy,
)
from asrlab.views.plot.labels import CUT, by_columns, keys_of, label_of, layout_of, shown_texts, told_apart, wrapped
from asrlab.views.plot.marks import label_ends, label_ticks, line, reach, values_beside

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from asrlab.views.plot.ink import Floats
    from asrlab.views.plot.labels import Key, Shown

    Rows = np.ndarray[tuple[int], np.dtype[np.int64]]

#: A number with its unit, if any: "10", "-5 dB", "1e-3". Of "1,500", "1:30" or "10-20" nobody can tell what is meant.
_NUMBER: Final = re.compile(
    r"\s*([-+\u2212]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*((?:[^\W\d_]|[%\u00b0\u00b5])[^\s\d,;:]*)?\s*"
)
_DIGITS_FIRST: Final = re.compile(r"\s*[-+\u2212.,]*\d")
#: Names of lines stand at their ends where they are so few and, in terminal cells, so short.
_FEW: Final = 6
_SHORT: Final = 16
#: Values are written where there are no more than so many.
_VALUES: Final = 24
#: Of the range of the numbers: from what is set apart to them, and of what is set apart from line to line and in all.
_APART: Final = 0.16
_ASIDE: Final = 0.025
_SPREAD: Final = 0.1
#: From the least to the greatest number, when a scale is logarithmic; decibels are by themselves.
_FAR: Final = 100.0
_LOGARITHMS: Final = frozenset({"dB", "dBFS", "dBA"})
#: Column -> what stands below it, and the unit of labels that name none.
_NAMES: Final = {"snr": ("SNR", "dB")}


class _Rates(NamedTuple):
    """Rates of a summary in per cent, with the label along the axis and the line that each belongs to."""

    frame: pd.DataFrame
    measure: str
    along: list[Key]
    member_of: list[Key]
    series: list[str]
    rate: Floats
    low: Floats
    high: Floats

    @property
    def members(self) -> list[Key]:
        """The lines, in the order of the rows."""
        return list(dict.fromkeys(self.member_of))

    @property
    def shown(self) -> Shown:
        """What is shown of each label."""
        return shown_texts(part for key in (*self.along, *self.member_of) for part in key)

    def rows_of(self, member: Key, place_of: Floats) -> Rows:
        """Give the rows of a line from left to right."""
        mine = np.flatnonzero([key == member for key in self.member_of])
        return mine[np.argsort(place_of[mine], kind="stable")]


class _Scale(NamedTuple):
    """Where labels stand along an axis of numbers, or of their powers of ten, and what is set apart of them."""

    places: dict[Key, float]
    apart: set[Key]
    texts: dict[Key, str]
    unit: str
    span: float
    falls: bool
    powers: bool

    def at(self, places: Floats) -> Floats:
        """Give what stands at places, which are powers of ten where the scale is."""
        return np.power(10.0, places) if self.powers else places


def curve(summary: pd.DataFrame, *, x: str, hue: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw error rates against a number, such as the signal-to-noise ratio.

    Parameters
    ----------
    summary : DataFrame
        From :func:`asrlab.summarize`: a row a point. Shares; drawn in per cent.
    x : str
        The column of numbers, which may have a unit ("10 dB"). Labels that are no numbers, such as "clean" or "inf",
        are set apart by a break, at the end where they stand among the rows. Numbers that fall from row to row fall
        from left to right. By powers of ten where they are far apart and no decibels.
    hue : str, optional
        The column that makes lines; by default all that vary besides.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    Axes
        Lines are told apart by colour, marker and dashes, and named at their ends where there is room. The band, and
        of what is set apart the bar, is the interval; points without one are hollow. A rate that is not known is a gap.

    Raises
    ------
    InvalidInput
        If it is another table, the rows count in different units, a column is not there, its labels are no numbers,
        have several units or begin as numbers and are none ("1,500", "10-20"), or several rows would be one point.
    """
    drawn = _rates_of(summary, x, hue)
    scale = _scale_of(list(dict.fromkeys(drawn.along)), x, drawn.shown)
    place_of = np.array([scale.places[key] for key in drawn.along], float)
    apart = np.array([key in scale.apart for key in drawn.along], bool)
    many = len(drawn.members)
    ax = axes_for(ax, 4.8, max(3.2, 0.25 * many if ax is None else 0.0), least=1.2)
    style = text_style()
    entries: list[Any] = []
    step = scale.span * min(_ASIDE, _SPREAD / max(many - 1, 1))
    for number, member in enumerate(drawn.members):
        aside = step * (number - (many - 1) / 2)
        rows = drawn.rows_of(member, place_of)
        parts = [rows[~apart[rows]], *rows[apart[rows]].reshape(-1, 1)]
        for mine in filter(len, parts):
            places = scale.at(place_of[mine] + aside * apart[mine])
            ends = (drawn.low[mine], drawn.high[mine])
            entries[number:] = [
                *entries[number:],
                *line(ax, places, drawn.rate[mine], ends, number, band=len(mine) > 1),
            ][:1]
    facts = _numeric_axis(ax, scale, style)
    name, unit = _NAMES.get(x.lower(), (plain(x, CUT), ""))
    ax.set_xlabel(", ".join(filter(None, [name, scale.unit or unit])), **style)
    _set_rates(ax, drawn, style)
    _name_lines(ax, drawn, entries, -place_of if scale.falls else place_of, style, facts=facts)
    return ax


def ladder(summary: pd.DataFrame, *, x: str = "rung", hue: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw error rates from rung to rung of ever more forgiving forms of text.

    Parameters
    ----------
    summary : DataFrame
        From :func:`asrlab.summarize` of :func:`asrlab.ladder`, by rung: a row a point, rungs in the order of the rows.
        Shares; drawn in per cent.
    x : str
        The column of rungs.
    hue : str, optional
        The column that makes lines; by default all that vary besides.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    Axes
        Lines are told apart by colour, marker and dashes, and named at their ends where there is room. Bars are
        intervals; points without one are hollow. A rate that is not known is a gap.

    Raises
    ------
    InvalidInput
        If it is another table, the rows count in different units, a column is not there, or several rows would be one
        point.
    """
    drawn = _rates_of(summary, x, hue)
    # The name of a normalizer says which rung it is; that stands below.
    chains = drawn.frame["normalizer"].tolist()
    drawn.frame["normalizer"] = [
        chain if is_missing(chain) else chain.removesuffix(f"@{rung}")
        for chain, (rung,) in zip(chains, drawn.along, strict=True)
    ]
    rungs = list(dict.fromkeys(drawn.along))
    place_of = np.array([rungs.index(key) for key in drawn.along], float)
    ax = axes_for(
        ax, max(0.95 * len(rungs), 3.5), max(3.2, 0.25 * len(drawn.members) if ax is None else 0.0), least=1.5
    )
    style, entries = text_style(), []
    outermost = 0.04 * (len(drawn.members) - 1)
    for number, member in enumerate(drawn.members):
        rows = drawn.rows_of(member, place_of)
        places = place_of[rows] + 0.08 * number - outermost
        entries += line(ax, places, drawn.rate[rows], (drawn.low[rows], drawn.high[rows]), number)
    ax.set_xlabel(plain(x, CUT), **style)
    label_ticks(ax, [label_of(key, drawn.shown) for key in rungs], style)
    _set_rates(ax, drawn, style)
    if len(drawn.frame) <= _VALUES:
        values_beside(ax, list(zip(place_of.tolist(), drawn.rate.tolist(), strict=True)), outermost, style)
    _name_lines(ax, drawn, entries, place_of, style)
    return ax


def _rates_of(summary: pd.DataFrame, x: str, hue: str | None) -> _Rates:
    needed = ("rate", "low", "high", "unit")
    refuse_another(summary, "rates", needed)
    frame = tables.check(summary, "summary", required=needed).reset_index(drop=True)
    measure, own = measure_of(frame, "summary"), set(tables.SCHEMAS["summary"])
    by = by_columns(summary, own, "rate")
    layout_of(frame, by, x, hue)  # refuses columns that are not there
    by = [name for name in told_apart(frame, own, by, [x]) if name != x]
    series = [hue] if hue is not None else [name for name in by if frame[name].nunique(dropna=False) > 1]
    along, member_of = keys_of(frame, [x]), keys_of(frame, series)
    if len(set(zip(along, member_of, strict=True))) < len(frame):
        raise InvalidInput(
            f"Several rows would be one point by {', '.join([x, *series])}. Filter the summary, or name the column "
            "that tells its rows apart as hue=."
        )
    rate, low, high = (100 * frame[name].to_numpy("float64", na_value=np.nan) for name in needed[:3])
    return _Rates(frame, measure, along, member_of, series, rate, low, high)


def _scale_of(keys: list[Key], x: str, shown: Shown) -> _Scale:
    """Read labels as numbers; what is none is set apart, at the end where it stands."""
    read = {key: _number(key[0]) for key in keys}
    numbers = {key: number for key, (number, _) in read.items() if math.isfinite(number)}
    if keys and not numbers:
        raise InvalidInput(f"No label of column {x!r} can be read as a number. plot.rates draws labels of any kind.")
    units = sorted({unit for key, (_, unit) in read.items() if key in numbers})
    if len(units) > 1:
        raise InvalidInput(
            f"Column {x!r} has numbers of several units ({', '.join(unit or 'none' for unit in units)}). "
            "Draw those of one."
        )
    if len(set(numbers.values())) < len(numbers):
        raise InvalidInput(f"Several labels of column {x!r} are the same number. Filter the summary.")
    values, powers = list(numbers.values()), _by_powers(list(numbers.values()), units)
    texts = {key: _as_written(key[0], number).replace("-", "\N{MINUS SIGN}") for key, number in numbers.items()}
    texts |= {key: wrapped(label_of(key, shown), _SHORT) for key in keys if key not in numbers}
    numbers = {key: math.log10(number) if powers else number for key, number in numbers.items()}
    values = list(numbers.values())
    falls = len(values) > 1 and values == sorted(values, reverse=True)
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    span = (high - low) or 1.0
    first = next((n for n, key in enumerate(keys) if key in numbers), 0)
    apart = [key for key in keys if key not in numbers]
    before = [key for key in keys[:first] if key not in numbers]
    after = [key for key in apart if key not in before]
    step = -span * _APART if falls else span * _APART
    start, end = (high, low) if falls else (low, high)
    places = {
        **numbers,
        **{key: start - step * n for n, key in enumerate(reversed(before), 1)},
        **{key: end + step * n for n, key in enumerate(after, 1)},
    }
    return _Scale(places, set(apart), texts, units[0] if units else "", span, falls, powers)


def _by_powers(values: list[float], units: list[str]) -> bool:
    """Tell whether numbers are so far apart that a scale is by powers of ten."""
    return bool(values) and min(values) > 0 and max(values) >= _FAR * min(values) and not _LOGARITHMS & {*units}


def _as_written(label: object, number: float) -> str:
    """Give a number as its label has it: rounded, two could be one."""
    found = _NUMBER.fullmatch(label) if isinstance(label, str) else None
    return plain(found[1], CUT) if found else f"{number:.15g}"


def _number(label: object) -> tuple[float, str]:
    """Read a label as a number and its unit."""
    found = None if label is None or isinstance(label, bool) else _NUMBER.fullmatch(str(label))
    if found is None:
        if _DIGITS_FIRST.match(str(label)):
            raise InvalidInput(
                f"Label {plain(label, CUT)!r} begins as a number, and cannot be read as one with a unit. Write such as "
                "'1500', '0.5' or '10 dB', or draw labels of any kind with plot.rates."
            )
        return math.nan, ""
    return float(found[1].replace("\N{MINUS SIGN}", "-")), plain(found[2] or "", CUT)


def _numeric_axis(ax: Axes, scale: _Scale, style: dict[str, Any]) -> list[str]:
    """Put ticks where there is room, and a break before what is set apart; say what cannot be seen of it."""
    if scale.powers:
        ax.set_xscale("log")
        ax.minorticks_off()
    low, high = (pick(scale.places.values(), default=0.0) for pick in (min, max))
    margin = 0.06 * ((high - low) or 1.0)
    limits = (high + margin, low - margin) if scale.falls else (low - margin, high + margin)
    ax.set_xlim(*scale.at(np.array(limits)).tolist())
    inch = inner_width(ax) / (high - low + 2 * margin)
    kept: list[Key] = []
    for key in sorted(scale.places, key=lambda key: (key not in scale.apart, scale.places[key])):
        wide = max(text_width(part, ax) for part in scale.texts[key].split("\n"))
        needed = (wide + text_width("  ", ax)) / inch
        if key in scale.apart or all(abs(scale.places[key] - scale.places[other]) >= needed for other in kept):
            kept.append(key)
    kept.sort(key=lambda key: scale.places[key])
    ticks = scale.at(np.array([scale.places[key] for key in kept], float))
    ax.set_xticks(ticks, [scale.texts[key] for key in kept], **style)
    numbers = [place for key, place in scale.places.items() if key not in scale.apart]
    for side, end in ((-1, min(numbers, default=0.0)), (1, max(numbers, default=0.0))):
        if any(side * (scale.places[key] - end) > 0 for key in scale.apart):
            at = end + side * scale.span * _APART / 2
            box = {"facecolor": ax.get_facecolor(), "edgecolor": "none", "pad": 0.5}
            looks: dict[str, Any] = {"ha": "center", "va": "center", "bbox": box, "fontsize": 10.0, **style}
            ax.text(float(scale.at(np.array(at))), 0, "//", transform=ax.get_xaxis_transform(), **looks)
    hidden = len(scale.places) - len(kept)
    return [
        *(["by powers of ten"] if scale.powers else []),
        *([f"{len(kept)} of {len(scale.places)} places have their label below"] if hidden else []),
    ]


def _set_rates(ax: Axes, drawn: _Rates, style: dict[str, Any]) -> None:
    """Set the scale of rates."""
    least, most = reach(drawn.rate, drawn.low, drawn.high)
    ax.set_ylim(1.1 * least, 1.1 * most or 1.0)
    ax.set_ylabel(f"{drawn.measure}, %", **style)


def _name_lines(
    ax: Axes, drawn: _Rates, entries: list[Any], order: Floats, style: dict[str, Any], *, facts: Sequence[str] = ()
) -> None:
    """Say at the ends of lines, or beside the Axes where one ends early, what each is, and write the facts."""
    labels = [label_of(member, drawn.shown) for member in drawn.members] if drawn.series else []
    title = label_of(tuple(drawn.series))
    direct = len(labels) <= _FEW and all(display_width(label) <= _SHORT for label in labels)
    last = [drawn.rows_of(member, order)[-1] for member in drawn.members]
    outermost = order.max() if len(order) else 0.0
    if direct and not any(order[row] < outermost or np.isnan(drawn.rate[row]) for row in last):
        label_ends(ax, [(float(drawn.rate[row]), label) for row, label in zip(last, labels, strict=False)], style)
    elif not labels:
        pass
    else:
        legend_of(ax, entries, labels, title, style)
    known = ~np.isnan(drawn.rate)
    facts = [
        *([f"lines: {title}"] if labels and ax.get_legend() is None else []),
        *conditions_of_marking(drawn.frame, "level"),
        *dict.fromkeys(part for how in drawn.frame["method"].dropna().unique() for part in str(how).split("; ")),
        *numbers_of(drawn.frame["n_utts"], "utterance"),
        *blocks_of(drawn.frame),
        *lost_facts(drawn.frame),
        *facts,
        *(["hollow: no interval"] if np.isnan(drawn.low + drawn.high)[known].any() else []),
        *([f"no rate: {plural(str(int((~known).sum())), 'point')}"] if not known.all() else []),
    ]
    tidy(ax, facts, style)
