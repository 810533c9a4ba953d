"""Marks: where values and names stand beside what they are about, so that none hides another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from asrlab.views.plot.ink import LINE, inner_height, inner_width, text_size, text_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes


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
    _make_room(ax, max(place for place, _ in known) + aside, max(text_width(f"{value:.1f}", ax) for _, value in known))
    (low, high), size = ax.get_ylim(), text_size(ax)
    points = 72 * inner_height(ax) / (high - low)
    under: dict[int, float] = {}
    for place, value in known:
        # Above the line that goes on to the right.
        at = max(points * (value - low) + 0.7 * size, under.get(round(place), -np.inf) + LINE * size)
        under[round(place)] = at
        _beside(ax, f"{value:.1f}", (round(place) + aside, value), at - points * (value - low), style)


def _make_room(ax: Axes, place: float, inches: float) -> None:
    """Move the right end so that so many inches are free right of a place."""
    low, high = ax.get_xlim()
    share = min((inches + 0.1) / inner_width(ax), 0.5)
    ax.set_xlim(low, max(high, (place - share * low) / (1 - share)))


def label_ends(ax: Axes, ends: Sequence[tuple[float, str]], style: dict[str, Any]) -> None:
    """Write right of the Axes what each line is, at the height it ends at or as near as there is room."""
    (low, high), gap = ax.get_ylim(), LINE * text_size(ax)
    points = 72 * inner_height(ax) / (high - low)
    under = -np.inf
    for value, text in sorted(ends):
        under = at = max(points * (value - low), under + gap)
        _beside(ax, text, (1.0, value), at - points * (value - low), style, xycoords=ax.get_yaxis_transform())


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
