"""Figures of what is worth its price: error against price, or against time."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.text import plain
from asrlab.views.markup import is_missing
from asrlab.views.plot.facts import (
    blocks_of,
    conditions_of_marking,
    lost_facts,
    measure_of,
    numbers_of,
    refuse_results,
)
from asrlab.views.plot.ink import (
    LINES,
    axes_for,
    cells_in,
    ink,
    inner_height,
    inner_width,
    legend_of,
    narrow,
    paper,
    room,
    text_size,
    text_style,
    text_width,
    tidy,
)
from asrlab.views.plot.labels import WIDE, settings_named, wrapped
from asrlab.views.plot.marks import intervals, reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from asrlab.views.plot.ink import Floats

#: Columns to draw over: what an axis is called, and the column in a word.
_ACROSS: Final = {
    "usd_per_hour": ("Price, US dollars for an hour of recordings", "price"),
    "seconds_median": ("Median time from submit to answer, seconds", "time"),
    "seconds_p90": ("90th percentile of the time from submit to answer, seconds", "time"),
    "real_time_factor": ("Time from submit to answer over length of the recording", "time"),
}
_CRITERIA: Final = {
    "rate": "error",
    "usd_per_hour": "price",
    "seconds_median": "median time",
    "seconds_p90": "90th percentile of time",
    "real_time_factor": "real-time factor",
}
#: Columns that rows must agree in to be held against one another.
_ALIKE: Final = ("form", "normalizer", "ties", "block_kind", "criteria")
#: More settings than this are numbered.
_NAMED: Final = 12
#: From the least to the greatest, when a scale is logarithmic.
_FAR: Final = 30.0
#: Share of the Axes that a name may take across.
_NAME: Final = 0.34
#: Inches: half of a mark and of a line, and between a mark and its name.
_MARK: Final = 0.06
_THIN: Final = 0.03
_GAP: Final = 0.04
#: Square inches: where a name would cover more, settings are numbered.
_CROWDED: Final = 0.02

Box = tuple[float, float, float, float]


def frontier(table: pd.DataFrame, *, x: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the error of each setting against its price, or its time, and which settings are worth it.

    Parameters
    ----------
    table : DataFrame
        From :func:`asrlab.frontier`: a row a setting.
    x : {"usd_per_hour", "seconds_median", "seconds_p90", "real_time_factor"}, optional
        What is drawn across. By default the price; where that is the same for all settings or not known, the median
        time.
    ax : Axes, optional
        Draw here instead of in a new figure; two figures side by side show price and time.

    Returns
    -------
    Axes
        Settings that are optimal in the table are filled, others hollow; where that is not known, a hollow square. The
        per cent after a name say in how many resamples a setting is optimal. The line joins what is optimal and not
        beaten in the two things drawn. Settings without a rate, or of which what is drawn across is not known, are
        named above. More than 12 settings, or those whose names would cover one another, are numbered.

    Raises
    ------
    InvalidInput
        If it is another table, ``x`` is no such column, or rows are of different units, forms or criteria.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"model": ["large", "small"], "rate": [0.05, 0.1], "unit": "word",
    ...                       "usd_per_hour": [0.2, 0.1], "optimal": True})
    >>> ax = frontier(table)
    >>> sorted(text.get_text() for text in ax.texts)
    ['large', 'small']
    """
    refuse_results(table, needed := ("rate", "optimal"))
    if x is not None and x not in _ACROSS:
        raise InvalidInput(f"There is no {x!r} to draw across: there are {', '.join(_ACROSS)}.")
    frame = tables.check(table, "frontier", required=needed).reset_index(drop=True)
    measure = measure_of(frame, "table")
    for name in _ALIKE:
        if len(several := frame[name].dropna().unique()) > 1:
            raise InvalidInput(
                f"The settings of this table were not held against one another: {name} is {' and '.join(several)}. "
                f"Draw one figure each, such as table[table['{name}'] == {several[0]!r}]."
            )
    labels, common = settings_named(table, frame, "frontier")
    x = x or _shown_best(frame)
    across, rate = _floats(frame, x), 100 * _floats(frame, "rate")
    drawn = ~np.isnan(across + rate)
    order = np.flatnonzero(drawn)[np.lexsort((rate[drawn], across[drawn]))].tolist()
    ax = axes_for(ax, 5.5, max(3.8, 0.25 * len(order) if len(order) > _NAMED else 0.0), least=1.5)
    style = text_style()
    low, high = (100 * _floats(frame, name) for name in ("low", "high"))
    optimal = [None if is_missing(value) else bool(value) for value in frame["optimal"]]
    what, name = _ACROSS[x]
    ax.set_xlabel(what, **style)
    ax.set_ylabel(f"{measure}, %", **style)
    _limits(ax, across[drawn], reach(rate[drawn], low[drawn], high[drawn]))
    steps = _line(ax, across, rate, drawn & np.array([one is True for one in optimal], dtype=bool))
    sure = drawn & ~np.isnan(low + high)
    intervals(ax, across[sure], low[sure], high[sure], upright=True)
    entries: list[Any] = []
    for k in order:
        colour, marker = LINES[0] if optimal[k] else paper(), "s" if optimal[k] is None else "o"
        entries += ax.plot(
            across[k], rate[k], marker, color=colour, markeredgecolor=ink(), markersize=8, zorder=3, linestyle="none"
        )
    shares = _floats(frame, "membership")
    said = [
        label if np.isnan(share) else f"{label} {100 * share:.0f}%" for label, share in zip(labels, shares, strict=True)
    ]
    named = {k: said[k] for k in order}
    if len(order) > _NAMED or not _written(ax, named, _marks(ax, across, rate, (low, high), steps), style, _CROWDED):
        cells = cells_in(room(ax), text_size(ax)) - 8 if narrow(ax) else WIDE
        entry = [wrapped(f"{number}  {name}", cells) for number, name in enumerate(named.values(), 1)]
        legend_of(ax, entries, entry, "", style)
        numbers = {k: str(number) for number, k in enumerate(order, 1)}
        _written(ax, numbers, _marks(ax, across, rate, (low, high), steps), style, np.inf)
    if not drawn.any():
        why = "no settings" if not len(frame) else f"{name} not known" if np.isnan(across).all() else "no rate known"
        ax.text(0.5, 0.5, why, ha="center", va="center", transform=ax.transAxes, fontsize=text_size(ax), **style)
        ax.set_xticks([])
        ax.set_yticks([])
    facts = _facts(frame, common, x, drawn, labels, joined=len(steps) > 1)
    tidy(ax, [*facts, "by powers of ten" if ax.get_xscale() == "log" else ""], style)
    return ax


def _shown_best(frame: pd.DataFrame) -> str:
    """Choose what to draw across: the price, unless it is not known or the same for all and a time is known."""
    timed = frame["seconds_median"].notna().any()
    return "seconds_median" if timed and frame["usd_per_hour"].nunique() < min(len(frame), 2) else "usd_per_hour"


def _limits(ax: Axes, across: Floats, up: tuple[float, float]) -> None:
    """Show zero, or go by powers of ten where values are far apart; leave room for names."""
    ax.set_ylim(1.1 * up[0], 1.15 * up[1] or 1.0)
    least, most = (float(across.min()), float(across.max())) if len(across) else (0.0, 0.0)
    if least > 0 and most / least >= _FAR:
        ax.set_xscale("log")
        ax.set_xlim(least / 1.6, most * (most / least) ** 0.3)
    else:
        ax.set_xlim(-0.03 * (most or 1.0), 1.3 * most or 1.0)


def _line(ax: Axes, across: Floats, rate: Floats, kept: Any) -> list[int]:  # noqa: ANN401 - an array of booleans
    """Join those that nothing to their left is as good as, in steps: what is best there is so up to the next."""
    order = np.flatnonzero(kept)[np.lexsort((rate[kept], across[kept]))]
    best = np.minimum.accumulate(rate[order]) if len(order) else rate[order]
    steps = [k for place, k in enumerate(order.tolist()) if place == 0 or rate[k] < best[place - 1]]
    if len(steps) > 1:
        ax.plot(across[steps], rate[steps], "-", color="#666666", linewidth=1.2, drawstyle="steps-post", zorder=1)
    return steps


class _Marks(NamedTuple):
    """Where marks are, in inches of the Axes, what is drawn there, and how large the Axes are."""

    at: list[tuple[float, float]]  #: of each setting, drawn or not
    taken: list[Box]
    room: tuple[float, float]


def _marks(ax: Axes, across: Floats, rate: Floats, ends: tuple[Floats, Floats], steps: list[int]) -> _Marks:
    whole = inner_width(ax), inner_height(ax)
    to_axes = ax.transData + ax.transAxes.inverted()

    def inches(x: Floats, y: Floats) -> list[tuple[float, float]]:
        places = to_axes.transform(np.column_stack([x, y])) * whole if len(x) else np.zeros((0, 2))
        return [(float(right), float(up)) for right, up in places]

    at, lows, highs = inches(across, rate), inches(across, ends[0]), inches(across, ends[1])
    taken = [(x - _MARK, y - _MARK, x + _MARK, y + _MARK) for x, y in at if not np.isnan(x + y)]
    taken += [
        (x - _THIN, low, x + _THIN, high) for (x, low), (_, high) in zip(lows, highs, strict=True) if high - low >= 0
    ]
    for one, other in pairwise(steps):
        (left, high), (right, low) = at[one], at[other]
        taken += [(left, high - _THIN, right, high + _THIN), (right - _THIN, low, right + _THIN, high)]
    return _Marks(at, taken, whole)


def _written(ax: Axes, names: dict[int, str], marks: _Marks, style: dict[str, Any], limit: float) -> bool:
    """Write each name beside its mark, where it costs least; nothing at all, and False, if one costs more."""
    size, taken = text_size(ax), list(marks.taken)
    cells = max(cells_in(_NAME * marks.room[0], size), 12)
    placed: dict[int, tuple[str, Box]] = {}
    for k in sorted(names, key=lambda k: marks.at[k]):
        text = wrapped(names[k], cells)
        lines = text.split("\n")
        (x, y), size_of = (
            marks.at[k],
            (max(text_width(part, ax) for part in lines) + _GAP, 1.25 * size / 72 * len(lines)),
        )
        costs = {box: _cost(box, taken, marks.room, (x, y)) for box in _candidates(x, y, size_of)}
        best = min(costs, key=costs.__getitem__)
        if costs[best] > limit:
            return False
        taken.append(best)
        placed[k] = text, best
    for k, (text, best) in placed.items():
        x, y = marks.at[k]
        ax.annotate(
            text,
            (x / marks.room[0], y / marks.room[1]),
            xycoords="axes fraction",
            xytext=(72 * ((best[0] + best[2]) / 2 - x), 72 * (best[1] - y)),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=size,
            zorder=4,
            **style,
        )
    return True


def _candidates(across: float, up: float, room: tuple[float, float]) -> list[Box]:
    """Give the boxes that a name may stand in: around its mark, the nearest and usual ones first."""
    wide, high = room
    boxes = []
    for far in (1.0, 3.0, 6.0):
        gap = _MARK + _GAP * far
        for left, bottom in (
            (across + gap, up - high / 2),
            (across - gap - wide, up - high / 2),
            (across + gap, up + gap),
            (across + gap, up - gap - high),
            (across - gap - wide, up + gap),
            (across - gap - wide, up - gap - high),
            (across - wide / 2, up + gap),
            (across - wide / 2, up - gap - high),
        ):
            boxes.append((left, bottom, left + wide, bottom + high))
    return boxes


def _cost(box: Box, taken: Sequence[Box], room: tuple[float, float], at: tuple[float, float]) -> float:
    """Give how much of a box is covered, or beyond the Axes, in square inches; how far it is counts a little."""
    left, bottom, right, top = box
    beyond = max(-left, 0.0) + max(right - room[0], 0.0) + max(-bottom, 0.0) + max(top - room[1], 0.0)
    covered = sum(
        max(min(right, other[2]) - max(left, other[0]), 0.0) * max(min(top, other[3]) - max(bottom, other[1]), 0.0)
        for other in taken
    )
    far = abs((left + right) / 2 - at[0]) + abs((bottom + top) / 2 - at[1])
    return 10 * beyond + covered + 0.002 * far


def _facts(frame: pd.DataFrame, common: list[str], x: str, drawn: Any, labels: list[str], *, joined: bool) -> list[str]:  # noqa: ANN401
    known = frame["optimal"].notna()
    criteria = [_CRITERIA.get(name, name) for text in frame["criteria"].dropna().unique() for name in text.split(",")]
    against = " and ".join([", ".join(criteria[:-1]), criteria[-1]] if len(criteria) > 1 else criteria)
    without = [name for name, shown in zip(labels, drawn, strict=True) if not shown]
    prices, left_out = frame["usd_per_hour"], frame["n_left_out"].fillna(0)
    some = bool(np.any(drawn))
    return [
        *conditions_of_marking(frame, "level"),
        *common,
        *numbers_of(frame.loc[frame["n_utts"] > 0, "n_utts"], "utterance"),
        *blocks_of(frame),
        f"filled: no other is as good in {against}, and better in one" if some and against and known.any() else "",
        "square: what is not known could decide it" if (~known[np.asarray(drawn, dtype=bool)]).any() else "",
        "%: resamples in which it is filled" if some and frame["membership"].notna().any() else "",
        f"line: best error {'at that price' if x == 'usd_per_hour' else 'in that time'} or less" if joined else "",
        "price 0 in all settings" if len(frame) and prices.notna().all() and (prices == 0).all() else "",
        "price not known" if len(frame) and prices.isna().all() else "",
        *(f"left out for want of a partner: {text}" for text in numbers_of(left_out[left_out > 0], "answer")),
        f"not drawn, {_ACROSS[x][1]} or rate not known: {plain(', '.join(without), 60)}" if some and without else "",
        *lost_facts(frame),
        *dict.fromkeys(
            part
            for note in frame["note"].dropna().unique()
            for part in str(note).split("; ")
            if not part.endswith("not known")
        ),
    ]


def _floats(frame: pd.DataFrame, name: str) -> Floats:
    return frame[name].to_numpy("float64", na_value=np.nan)
