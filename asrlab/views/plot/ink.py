"""Ink: colours, fonts, marks and titles that all figures share; the only module that imports matplotlib.

It sets no backend, changes no global setting and shows nothing.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import font_manager
from matplotlib.ticker import MaxNLocator

from asrlab.text import plain
from asrlab.views.markup import display_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    Floats = np.ndarray[tuple[int], np.dtype[np.float64]]

#: Of lines, which need more contrast than bars.
LINES: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
#: Okabe and Ito's colours, grey for black: hatches and intervals are black. 8 colours and 7 hatches: 56 different bars.
COLOURS: Final = ("#56B4E9", "#E69F00", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999")
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
DASHES: Final = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)), (0, (3, 1, 1, 1, 1, 1)))
HATCHES: Final = ("", "//", "..", "xx", "\\\\", "oo", "++")
#: Inches: of the largest figure, and the least of a bar.
WIDEST: Final = 16.0
HIGHEST: Final = 40.0
#: Luminance below which white has more contrast than black.
_DARK: Final = 0.179
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


def new_axes(width: float, height: float) -> Axes:
    """Make a figure, inches, of no more than fits."""
    _, ax = plt.subplots(figsize=(min(max(width, 5.0), WIDEST), min(height, HIGHEST)), layout="constrained")
    return ax


def text_style() -> dict[str, Any]:
    """Give what every text needs: no math in labels that others wrote, and fonts that have their characters."""
    installed = set(font_manager.get_font_names())
    families = [*mpl.rcParams["font.family"], *(name for name in _FALLBACKS if name in installed)]
    return {"fontfamily": families, "parse_math": False, "usetex": False}


def intervals(ax: Axes, places: Floats, low: Floats, high: Floats, *, upright: bool) -> None:
    """Draw intervals as bars with caps."""
    # Drawn from its own middle: an interval need not have the estimate inside.
    middle, half = (low + high) / 2, (high - low) / 2
    x, y, xerr, yerr = (places, middle, None, half) if upright else (middle, places, half, None)
    ax.errorbar(x, y, xerr=xerr, yerr=yerr, fmt="none", ecolor="black", elinewidth=1.2, capsize=3)


def mark(ax: Axes, text: str, at: tuple[float, float], lift: int, *, style: dict[str, Any], rotation: int = 0) -> None:
    """Write a value beside its mark."""
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


def label_ticks(ax: Axes, labels: list[str], style: dict[str, Any]) -> None:
    """Put labels below, turned where they are crowded."""
    crowded = sum(map(len, labels)) > 9 * width_of(ax)
    turned = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    ax.set_xticks(range(len(labels)), labels, **{**turned, **style})
    ax.set_xlim(-0.6, max(len(labels), 1) - 0.4)


def tidy(ax: Axes, facts: list[str], width: float, style: dict[str, Any]) -> None:
    """Take away what is no ink, and write the facts above."""
    ax.spines[["top", "right"]].set_visible(False)
    facts_in_lines = textwrap.fill("; ".join(plain(fact, 80) for fact in facts if fact), max(int(14 * width), 20))
    ax.set_title(facts_in_lines, loc="left", fontsize=9, **style)


def width_of(ax: Axes) -> float:
    """Width of the Axes in inches."""
    return float(ax.get_window_extent().width / ax.figure.dpi)


def whole_numbers(ax: Axes) -> None:
    """Put ticks below at whole numbers only."""
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def beside(labels: Sequence[str]) -> float:
    """Give the inches that a legend of these labels takes beside the Axes."""
    return 0.7 + 0.09 * max(map(display_width, labels)) if labels else 0.0


def legend_of(ax: Axes, entries: Sequence[Any], labels: Sequence[str], title: str, style: dict[str, Any]) -> None:
    """Say beside the Axes what each entry is."""
    # Given as "." first: matplotlib leaves out entries whose label begins with an underscore.
    legend = ax.legend(
        entries, ["."] * len(entries), title="." if title else None, loc="upper left", bbox_to_anchor=(1.01, 1)
    )
    for entry, label in zip([legend.get_title(), *legend.get_texts()], [title, *labels], strict=True):
        entry.set(text=label, **style)


def colours_of(values: Floats, *, around_zero: bool) -> list[tuple[tuple[float, ...], str]]:
    """Give each value a colour, the larger the darker (or blue below zero, red above), and what is legible on it."""
    reach = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 1.0
    low = -reach if around_zero else 0.0
    scale = mpl.colormaps["RdBu_r" if around_zero else "Blues"]
    # Not to the ends of the scale, which are too dark to tell apart.
    shares = 0.1 + 0.75 * (values - low) / ((reach - low) or 1.0)
    colours = [scale(float(share)) if np.isfinite(share) else (1.0, 1.0, 1.0, 1.0) for share in shares]
    return [(colour, "white" if _luminance(colour) < _DARK else "black") for colour in colours]


def _luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance, as the Web Content Accessibility Guidelines 2.2 define it."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))
