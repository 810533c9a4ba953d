"""Ink: colours, fonts, marks, room and titles that all figures share; the only module that imports matplotlib.

It sets no backend, changes no global setting and shows nothing. A new figure is as large as what is drawn needs; where
Axes are given, or a column of a paper, text and labels take the room there is.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from asrlab.text import plain
from asrlab.views.markup import display_width
from asrlab.views.plot.labels import CUT, longest_word, most_lines, packed, wrapped

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
#: Dots an inch of a figure that is kept as a picture.
DPI: Final = 150
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
    *("Noto Sans Thai", "Loma", "Leelawadee UI", "Thonburi"),
    *("Noto Sans Devanagari", "Lohit Devanagari", "Nirmala UI", "Kohinoor Devanagari"),
    *("Noto Sans Arabic", "Noto Sans Bengali", "Noto Sans Tamil", "Noto Sans Lao", "Noto Sans Khmer"),
)
#: Inches: of a column of a paper (85 mm), and under which a figure is set as one.
COLUMN: Final = 3.35
_NARROW: Final = 4.5
#: Inches: the least of a new figure, and what a layout leaves free around all.
_LEAST: Final = 5.0
_PAD: Final = 0.05
#: Share of a figure that Axes take before they are laid out.
_BEFORE: Final = 0.77
#: Of a line of text, and of a terminal cell of it, in the size of the text.
LINE: Final = 1.3
_CELL: Final = 0.57
#: Terminal cells of what a legend shows of an entry, with the gaps around it.
_KEY: Final = 6
#: Share of the room that labels at the left may take.
_AT_LEFT: Final = 0.45
#: Columns of a line of labels at the left, where there is room.
_WIDE: Final = 60
#: Lines of a label below, and the fewest cells of one, before it is turned.
_LINES_BELOW: Final = 3
_CELLS_BELOW: Final = 5


class _Fitted(Figure):
    """A figure that gets the size that its Axes, of so many inches, need with all that stands around them."""

    across: float | None = None
    down: float | None = None


def column(height: float | None = None) -> Axes:
    """Make Axes as wide as a column of a paper, for ``ax=``.

    Parameters
    ----------
    height : float, optional
        Of the whole figure, in inches. By default it is as high as what is drawn needs.

    Returns
    -------
    Axes
        Of a figure 3.35 inches (85 mm) wide. What a figure of this module draws there has text of 7 points, labels and
        facts in as many lines as they need, and its legend below.

    Examples
    --------
    >>> ax = column()
    >>> float(ax.figure.get_figwidth())
    3.35
    >>> plt.close(ax.figure)
    """
    figure = plt.figure(FigureClass=_Fitted, figsize=(COLUMN, height or 2.5), layout="constrained")
    figure.down = None if height else 2.0  # type: ignore[attr-defined]
    return figure.subplots()


def axes_for(ax: Axes | None, across: float, down: float) -> Axes:
    """Give the Axes to draw in: those given, or new ones, of so many inches without what stands around them."""
    if ax is None:
        size = (min(across, WIDEST) / _BEFORE, min(down, HIGHEST) / _BEFORE)
        figure = plt.figure(FigureClass=_Fitted, figsize=size, layout="constrained")
        figure.across, figure.down = across, down  # type: ignore[attr-defined]
        return figure.subplots()
    if isinstance(ax.figure, _Fitted) and ax.figure.down is not None:
        ax.figure.down = down
        ax.figure.set_figheight(min(down, HIGHEST) / _BEFORE)
    return ax


def room(ax: Axes) -> float:
    """Give the inches that Axes have with all that stands around them: of several in a figure, their share."""
    figure, spec = ax.figure, ax.get_subplotspec()
    if spec is None:
        return width_of(ax)
    before = figure.subplotpars
    share = spec.get_position(figure).width / (before.right - before.left)  # type: ignore[arg-type]
    return float(min(share, 1.0) * figure.bbox.width / ax.figure.dpi)


def narrow(ax: Axes | None) -> bool:
    """Tell whether Axes are set as a column of a paper."""
    if ax is None or (isinstance(ax.figure, _Fitted) and ax.figure.across is not None):
        return False
    return room(ax) < _NARROW


def text_size(ax: Axes | None) -> float:
    """Size of text in points."""
    return 7.0 if narrow(ax) else 9.0


def cells_in(inches: float, size: float) -> int:
    """Give how many terminal cells of a text stand in so many inches."""
    return max(int(inches * 72 / (_CELL * size)), 1)


def line_height(ax: Axes | None) -> float:
    """Give the inches of a line of a label."""
    return LINE * (7.0 if narrow(ax) else 10.0) / 72


def cells_at_left(ax: Axes | None) -> int:
    """Give the terminal cells of a line of a label at the left."""
    return _WIDE if ax is None else min(cells_in(_AT_LEFT * room(ax), 7.0 if narrow(ax) else 10.0), _WIDE)


def inner_width(ax: Axes) -> float:
    """Give the inches across that are left for the Axes, when what is drawn so far stands around them."""
    if isinstance(ax.figure, _Fitted) and ax.figure.across is not None:
        return min(ax.figure.across, WIDEST)
    if ax.figure.get_layout_engine() is None:
        return width_of(ax)
    _resize_text(ax)
    left, right, _, _ = _around(ax)
    return max(room(ax) - left - right - 2 * _PAD, 0.5)


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


def inner_height(ax: Axes) -> float:
    """Give the inches from below to above that the Axes have, or will have."""
    down = ax.figure.down if isinstance(ax.figure, _Fitted) else None
    return float(ax.get_window_extent().height) / ax.figure.dpi if down is None else min(down, HIGHEST)


def text_width(text: str, ax: Axes) -> float:
    """Give the inches of a value written beside its mark, about."""
    return display_width(text) * _CELL * text_size(ax) / 72


def label_ticks(ax: Axes, labels: Sequence[str], style: dict[str, Any]) -> None:
    """Put labels below, in lines or turned where they are crowded."""
    ax.set_xticks(range(len(labels)), [" "] * len(labels), **style)
    ax.set_xlim(-0.6, max(len(labels), 1) - 0.4)
    size = 7.0 if narrow(ax) else 10.0
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


def tidy(ax: Axes, facts: list[str], style: dict[str, Any]) -> None:
    """Take away what is no ink, write the facts above, and give the figure its size: the last thing that is done."""
    ax.spines[["top", "right"]].set_visible(False)
    _resize_text(ax)
    size = text_size(ax)
    left, right, _, _ = _around(ax)
    if ax.figure.get_layout_engine() is None:
        left = min(left, float(ax.get_window_extent().x0) / ax.figure.dpi)
        wide = width_of(ax) + left
    elif isinstance(ax.figure, _Fitted) and ax.figure.across is not None:
        wide = max(min(ax.figure.across + left + right + 2 * _PAD, WIDEST), _LEAST) - 2 * _PAD
    else:
        wide = room(ax) - 2 * _PAD
    lines = packed([plain(fact, 80) for fact in facts if fact] or ["no rows"], cells_in(wide, size))
    title = ax.set_title(lines, loc="left", fontsize=size, **style)
    # From where the labels begin, not the Axes: what is around them has no place of its own before the layout.
    title.set_transform(title.get_transform() + ScaledTranslation(-left, 0, ax.figure.dpi_scale_trans))
    _fit(ax)


def _fit(ax: Axes) -> None:
    """Give a figure that is to be fitted its size."""
    figure = ax.figure
    if not isinstance(figure, _Fitted):
        return
    left, right, below, above = _around(ax)
    if figure.across is not None:
        figure.set_figwidth(max(min(figure.across + left + right + 2 * _PAD, WIDEST), _LEAST))
    if figure.down is not None:
        figure.set_figheight(min(figure.down + below + above + 2 * _PAD, HIGHEST))


def _around(ax: Axes) -> tuple[float, float, float, float]:
    """Measure the inches of what stands left, right, below and above Axes; where they stand is of no matter."""
    inner, outer = ax.get_window_extent(), ax.get_tightbbox()
    if outer is None:
        return 0.0, 0.0, 0.0, 0.0
    sides = (inner.x0 - outer.x0, outer.x1 - inner.x1, inner.y0 - outer.y0, outer.y1 - inner.y1)
    left, right, below, above = (max(float(side) / ax.figure.dpi, 0.0) for side in sides)
    return left, right, below, above


def _resize_text(ax: Axes) -> None:
    """Set ticks and labels of Axes in a column as small as all other text there, and break their labels."""
    if not narrow(ax):
        return
    size = text_size(ax)
    ax.tick_params(labelsize=size, pad=2)
    left, right, _, _ = _around(ax)
    wide, high = room(ax) - left - right - 2 * _PAD, 0.9 * inner_height(ax)
    for label, inches in ((ax.xaxis.label, max(wide, 1.0)), (ax.yaxis.label, max(high, 1.0))):
        lines = [wrapped(line, cells_in(inches, size)) for line in label.get_text().split("\n")]
        label.set(text="\n".join(lines), fontsize=size)


def width_of(ax: Axes) -> float:
    """Width of the Axes in inches."""
    return float(ax.get_window_extent().width / ax.figure.dpi)


def whole_numbers(ax: Axes) -> None:
    """Put ticks below at whole numbers only."""
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def legend_of(ax: Axes, entries: Sequence[Any], labels: Sequence[str], title: str, style: dict[str, Any]) -> None:
    """Say beside the Axes what each entry is; below, in a column of a paper."""
    if not entries:
        return
    place: dict[str, Any] = {"bbox_to_anchor": (1.01, 1)}
    if narrow(ax):
        _resize_text(ax)
        left, _, below, _ = _around(ax)
        under = ax.transAxes + ScaledTranslation(-left, -below - _PAD, ax.figure.dpi_scale_trans)
        across = cells_in(room(ax), 7.0)
        title, *labels = (wrapped(text, across - _KEY) for text in (title, *labels))
        widest = max(display_width(part) for text in (title, *labels) for part in text.split("\n"))
        many = max(across // (widest + _KEY), 1)
        place = {"bbox_to_anchor": (0, 0), "bbox_transform": under, "ncols": many, "fontsize": 7.0}
        place |= {"borderaxespad": 0.0, "title_fontsize": 7.0, "alignment": "left", "frameon": False}
    # Given as "." first: matplotlib leaves out entries whose label begins with an underscore.
    legend = ax.legend(entries, ["."] * len(entries), title="." if title else None, loc="upper left", **place)
    for entry, label in zip([legend.get_title(), *legend.get_texts()], [title, *labels], strict=True):
        entry.set(text=label, **style)
    _fit(ax)


def line(ax: Axes, x: Floats, y: Floats, ends: tuple[Floats, Floats], number: int, *, band: bool = False) -> list[Any]:
    """Draw a line with its points, hollow where they have no interval; give what a legend shows of it.

    Intervals are bars, or a band edged as the line is.
    """
    colour, marker = LINES[number % len(LINES)], MARKERS[number % len(MARKERS)]
    dashes = DASHES[number % len(DASHES)]
    drawn = ax.plot(x, y, color=colour, marker=marker, linestyle=dashes, markeredgecolor="black")
    low, high = ends
    sure = ~np.isnan(y + low + high)
    if band:
        ax.fill_between(x, low, high, where=sure, facecolor=colour, alpha=0.15, linewidth=0)
        for end in ends:
            ax.plot(x, np.where(sure, end, np.nan), color=colour, linestyle=dashes, linewidth=0.6)
    else:
        intervals(ax, x[sure], low[sure], high[sure], upright=True)
    hollow = ~sure & ~np.isnan(y)
    ax.plot(x[hollow], y[hollow], marker, color="white", markeredgecolor="black", zorder=3)
    return drawn


def as_png(figure: Any, *, close: bool) -> bytes:  # noqa: ANN401 - a Figure, or Axes in one
    """Draw a figure as PNG, the same bytes for the same figure; ``close``: nobody is to see it any more."""
    whole, drawn = getattr(figure, "figure", figure), BytesIO()
    whole.savefig(drawn, format="png", dpi=DPI, bbox_inches="tight", metadata={"Software": None})
    if close:
        plt.close(whole)
    return drawn.getvalue()


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
