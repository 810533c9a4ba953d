"""Marks: intervals and lines, and where values and names stand beside them, so that none hides another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from asrlab.views.markup import display_width
from asrlab.views.plot.ink import (
    DASHES,
    LINE,
    LINES,
    MARKERS,
    cells_in,
    ink,
    inner_height,
    inner_width,
    label_size,
    paper,
    text_size,
    text_width,
)
from asrlab.views.plot.labels import CUT, longest_word, most_lines, tenths, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from asrlab.views.plot.ink import Floats

#: Lines of a label below, and the fewest cells of one, before it is turned.
_LINES_BELOW: Final = 3
_CELLS_BELOW: Final = 5


def reach(*values: Floats) -> tuple[float, float]:
    """Give the least and the greatest of all that is known, and of zero."""
    known = np.concatenate([*values, [0.0]])
    known = known[np.isfinite(known)]
    return float(known.min()), float(known.max())


def label_ticks(ax: Axes, labels: Sequence[str], style: dict[str, Any]) -> None:
    """Put labels below, in lines or turned where they are crowded."""
    ax.set_xticks(range(len(labels)), [" "] * len(labels), **style)
    ax.set_xlim(-0.6, max(len(labels), 1) - 0.4)
    size = label_size(ax)
    each = inner_width(ax) / max(len(labels), 1)
    cells = cells_in(each, size) - 1
    in_lines = [wrapped(label, max(cells, 1)) for label in labels]
    turned: dict[str, Any] = {}
    broken = any(longest_word(label) > cells for label in labels)
    if cells < _CELLS_BELOW or broken or any(label.count("\n") >= _LINES_BELOW for label in in_lines):
        in_lines = [wrapped(label, CUT) for label in labels]
        high = most_lines(in_lines) * LINE * size / 72
        # Turned by 30 degrees, labels stand half as far from one another as their ticks, and reach left beyond them.
        slanted = each > 2 * high and max(map(display_width, in_lines)) <= 2.5 * cells + _CELLS_BELOW
        turned = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if slanted else {"rotation": 90}
        in_lines = in_lines if each > high else [", ".join(label.split("\n")) for label in labels]
    ax.set_xticks(range(len(labels)), in_lines, **{**turned, **style})


def intervals(ax: Axes, places: Floats, low: Floats, high: Floats, *, upright: bool) -> None:
    """Draw intervals as bars with caps."""
    # Drawn from its own middle: an interval need not have the estimate inside.
    middle, half = (low + high) / 2, (high - low) / 2
    x, y, xerr, yerr = (places, middle, None, half) if upright else (middle, places, half, None)
    ax.errorbar(x, y, xerr=xerr, yerr=yerr, fmt="none", ecolor=ink(), elinewidth=1.2, capsize=3)


def mark(
    ax: Axes,
    text: str,
    at: tuple[float, float],
    lift: float,
    *,
    style: dict[str, Any],
    rotation: int = 0,
    aside: float = 0.0,
) -> None:
    """Write a value above its mark, so many points up and to the right."""
    ax.annotate(
        text.replace("-", "\N{MINUS SIGN}"),
        at,
        xytext=(aside, lift),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=text_size(ax),
        rotation=rotation,
        bbox={"facecolor": ax.get_facecolor(), "edgecolor": "none", "pad": 0.5},
        **style,
    )


def line(ax: Axes, x: Floats, y: Floats, ends: tuple[Floats, Floats], number: int, *, band: bool = False) -> list[Any]:
    """Draw a line with its points, hollow where they have no interval; give what a legend shows of it.

    Intervals are bars, or a band edged as the line is.
    """
    colour, marker = LINES[number % len(LINES)], MARKERS[number % len(MARKERS)]
    colour, dashes = ink() if colour == LINES[-1] else colour, DASHES[number % len(DASHES)]
    drawn = ax.plot(x, y, color=colour, marker=marker, linestyle=dashes, markeredgecolor=ink())
    low, high = ends
    sure = ~np.isnan(y + low + high)
    if band:
        ax.fill_between(x, low, high, where=sure, facecolor=colour, alpha=0.15, linewidth=0)
        for end in ends:
            ax.plot(x, np.where(sure, end, np.nan), color=colour, linestyle=dashes, linewidth=0.6)
    # A band needs two points side by side.
    beside = np.concatenate([[False], sure, [False]])
    barred = sure & ~(beside[:-2] | beside[2:]) if band else sure
    if barred.any() or not band:
        intervals(ax, x[barred], low[barred], high[barred], upright=True)
    hollow = ~sure & ~np.isnan(y)
    if hollow.any():
        ax.plot(x[hollow], y[hollow], marker, color=paper(), markeredgecolor=ink(), zorder=3)
    return drawn


def kept_inside(ax: Axes, text: str, x: float) -> float:
    """Give the points by which a text in the middle above a place is to be moved, not to stand beyond the Axes."""
    (low, high), wide = ax.get_xlim(), inner_width(ax)
    at, half = wide * (x - low) / (high - low), text_width(text, ax) / 2
    return 72 * (min(max(at, half), max(wide - half, wide / 2)) - at)


def at_end(ax: Axes, text: str, at: tuple[float, float], style: dict[str, Any]) -> None:
    """Write a value right of where a bar ends."""
    looks: dict[str, Any] = {"ha": "left", "va": "center", "fontsize": text_size(ax), **style}
    ax.annotate(text.replace("-", "\N{MINUS SIGN}"), at, xytext=(4, 0), textcoords="offset points", **looks)


def values_beside(ax: Axes, values: Sequence[tuple[float, float]], aside: float, style: dict[str, Any]) -> None:
    """Write values up to the right of their marks, of one place below one another in their order: place and value."""
    known = sorted((one for one in values if not np.isnan(one[1])), key=lambda one: (one[1], one[0]))
    if not known:
        return
    _make_room(ax, max(place for place, _ in known) + aside, max(text_width(tenths(value), ax) for _, value in known))
    for place in dict.fromkeys(round(place) for place, _ in known):
        mine = [value for at, value in known if round(at) == place]
        # Above the line that goes on to the right.
        for value, lift in zip(mine, _lifts(ax, mine, 0.7 * text_size(ax)), strict=True):
            _beside(ax, tenths(value), (place + aside, value), lift, style)


def _lifts(ax: Axes, values: Sequence[float], above: float = 0.0) -> list[float]:
    """Give the points to move texts at values, in their order, up or down: as little as they can, within the Axes."""
    (low, high), gap = ax.get_ylim(), LINE * text_size(ax)
    points = 72 * inner_height(ax) / (high - low)
    wanted = points * (np.array(values) - low) + above
    # With the gaps taken out, places only need to keep their order: those that do not are put at their mean.
    pools: list[tuple[float, int]] = []
    for at in wanted - gap * np.arange(len(wanted)):
        pools.append((float(at), 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (one, many), (other, more) = pools[-2:]
            pools[-2:] = [((one * many + other * more) / (many + more), many + more)]
    placed = np.repeat([at for at, _ in pools], [many for _, many in pools])
    room = points * (high - low) - gap * (len(wanted) - 1)
    placed = np.clip(placed, min(gap / 2, room / 2), max(room - gap / 2, room / 2)) + gap * np.arange(len(wanted))
    return [float(lift) for lift in placed - wanted + above]


def _make_room(ax: Axes, place: float, inches: float) -> None:
    """Move the right end so that so many inches are free right of a place."""
    low, high = ax.get_xlim()
    share = min((inches + 0.1) / inner_width(ax), 0.5)
    ax.set_xlim(low, max(high, (place - share * low) / (1 - share)))


def label_ends(ax: Axes, ends: Sequence[tuple[float, str]], style: dict[str, Any]) -> None:
    """Write right of the Axes what each line is, at the height it ends at or as near as there is room."""
    ordered = sorted(ends)
    for (value, text), lift in zip(ordered, _lifts(ax, [value for value, _ in ordered]), strict=True):
        _beside(ax, text, (1.0, value), lift, style, xycoords=ax.get_yaxis_transform())


def _beside(ax: Axes, text: str, at: tuple[float, float], lift: float, style: dict[str, Any], **where: Any) -> None:  # noqa: ANN401
    looks: dict[str, Any] = {"ha": "left", "va": "center", "fontsize": text_size(ax), **style, **where}
    box = {"facecolor": ax.get_facecolor(), "edgecolor": "none", "pad": 0.3, "alpha": 0.7}
    ax.annotate(text, at, xytext=(3, lift), textcoords="offset points", bbox=box, annotation_clip=False, **looks)


def labels_in_corners(
    ax: Axes, places: Sequence[tuple[float, float]], labels: Sequence[str], style: dict[str, Any]
) -> None:
    """Write labels beside marks: in the corner between their intervals where no other mark or label stands, if any."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    scale = np.array([72 * inner_width(ax) / (right - left), 72 * inner_height(ax) / (high - low)])
    marks = [tuple((np.array(place) - (left, low)) * scale) for place in places]
    size = text_size(ax)
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in marks]
    for (x, y), place, label in zip(marks, places, labels, strict=True):
        wide = 72 * text_width(label, ax)
        corners = [(x + sign * (5 + wide / 2), y + up * (4 + size / 2)) for up in (1, -1) for sign in (1, -1)]
        boxes = [(a - wide / 2, b - size / 2, a + wide / 2, b + size / 2) for a, b in corners]
        met = [sum(_overlap(box, other) for other in taken) for box in boxes]
        best = int(np.argmin(met))
        taken.append(boxes[best])
        aside, lift = corners[best][0] - x, corners[best][1] - y
        looks: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": size, **style}
        ax.annotate(label, place, xytext=(aside, lift), textcoords="offset points", **looks)


def _overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Give the area that two boxes share: left, low, right, high."""
    wide, high = (min(one[n + 2], other[n + 2]) - max(one[n], other[n]) for n in range(2))
    return max(wide, 0.0) * max(high, 0.0)
