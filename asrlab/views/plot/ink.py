"""Ink: colours, fonts, marks, room and titles that all figures share; the only module that imports matplotlib.

It sets no backend, changes no global setting and shows nothing. A new figure is as large as what is drawn needs; where
Axes are given, or a column of a paper, text and labels take the room there is.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from asrlab.errors import InvalidInput
from asrlab.text import plain
from asrlab.views.markup import display_width
from asrlab.views.plot.labels import packed, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    Floats = np.ndarray[tuple[int], np.dtype[np.float64]]

#: Of lines, which need more contrast than bars.
LINES: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
#: Okabe and Ito's colours, grey for black: hatches and intervals are black. 8 colours and 7 hatches: 56 different bars.
COLOURS: Final = ("#56B4E9", "#E69F00", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999")
#: As many as share no divisor with the colours: 42 lines differ in one or the other, and 30 in grey by their dashes.
MARKERS: Final = ("o", "s", "^", "D", "v", "P")
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
#: Inches of a column that labels, facts and legend take, about.
_AROUND: Final = 1.2
#: What is said of Axes that share a figure which is laid out.
_FACTS: WeakKeyDictionary[Axes, list[str]] = WeakKeyDictionary()
#: Characters of a fact.
_FACT: Final = 400
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


class _Fitted(Figure):
    """A figure that gets the size that its Axes, of so many inches, need with all that stands around them."""

    across: float | None = None
    down: float | None = None
    told: float = 0.0  # inches of the whole figure that it has at least


def column(height: float | None = None) -> Axes:
    """Make Axes as wide as a column of a paper, for ``ax=``.

    Parameters
    ----------
    height : float, optional
        The least of the whole figure, in inches; it is higher where what is drawn needs more.

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
    figure.down, figure.told = 2.0, height or 0.0  # type: ignore[attr-defined]
    return figure.subplots()


def axes_for(ax: Axes | None, across: float, down: float, *, least: float | None = None) -> Axes:
    """Give the Axes to draw in: those given, or new ones, of so many inches without what stands around them.

    ``least``: inches down that would do, where whoever asks for a column wants it lower.
    """
    if ax is None:
        size = (min(across, WIDEST) / _BEFORE, min(down, HIGHEST) / _BEFORE)
        figure = plt.figure(FigureClass=_Fitted, figsize=size, layout="constrained")
        figure.across, figure.down = across, down  # type: ignore[attr-defined]
        return figure.subplots()
    if isinstance(ax.figure, _Fitted) and ax.figure.down is not None:
        if ax.figure.told and least is not None:
            down = least
        if down > HIGHEST - _AROUND:
            raise InvalidInput(
                f"This needs {down:.0f} inches, and a figure has {HIGHEST:.0f} at most. Draw the rows that matter."
            )
        ax.figure.down = max(down, ax.figure.told - _AROUND)
        ax.figure.set_figheight(ax.figure.down / _BEFORE)
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


def label_size(ax: Axes | None) -> float:
    """Size of labels in points, whatever the settings say: room is kept for this."""
    return 7.0 if narrow(ax) else 10.0


def ink() -> str:
    """Give the colour of what is neither bar nor line, by the settings: black, unless the paper is dark."""
    return str(mpl.rcParams["text.color"])


def paper() -> str:
    """Give the colour of the ground, by the settings."""
    return str(mpl.rcParams["axes.facecolor"])


def cells_in(inches: float, size: float) -> int:
    """Give how many terminal cells of a text stand in so many inches."""
    return max(int(inches * 72 / (_CELL * size)), 1)


def line_height(ax: Axes | None) -> float:
    """Give the inches of a line of a label."""
    return LINE * label_size(ax) / 72


def cells_at_left(ax: Axes | None) -> int:
    """Give the terminal cells of a line of a label at the left."""
    return _WIDE if ax is None else min(cells_in(_AT_LEFT * room(ax), label_size(ax)), _WIDE)


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


def inner_height(ax: Axes) -> float:
    """Give the inches from below to above that the Axes have, or will have."""
    down = ax.figure.down if isinstance(ax.figure, _Fitted) else None
    return float(ax.get_window_extent().height) / ax.figure.dpi if down is None else min(down, HIGHEST)


def text_width(text: str, ax: Axes) -> float:
    """Give the inches of a value written beside its mark, about."""
    return display_width(text) * _CELL * text_size(ax) / 72


def tidy(ax: Axes, facts: list[str], style: dict[str, Any]) -> None:
    """Take away what is no ink, write the facts above, and give the figure its size: the last thing that is done."""
    ax.spines[["top", "right"]].set_visible(False)
    _resize_text(ax)
    size = text_size(ax)
    facts = [plain(fact, _FACT) for fact in facts if fact] or ["no rows"]
    if ax.figure.get_layout_engine() is not None and not isinstance(ax.figure, _Fitted):
        _FACTS[ax] = facts
        _settle(ax.figure, size, style)
        return
    left, right, _, _ = _around(ax)
    if ax.figure.get_layout_engine() is None:
        left = min(left, float(ax.get_window_extent().x0) / ax.figure.dpi)
        wide = width_of(ax) + left
    elif isinstance(ax.figure, _Fitted) and ax.figure.across is not None:
        wide = max(min(ax.figure.across + left + right + 2 * _PAD, WIDEST), _LEAST) - 2 * _PAD
    else:
        wide = room(ax) - 2 * _PAD
    _put_above(ax, facts, (wide, left), size, style)
    _fit(ax)


def _settle(figure: Any, size: float, style: dict[str, Any]) -> None:  # noqa: ANN401 - a Figure
    """Write the facts of all Axes of a figure anew: each that is drawn moves the others."""
    drawn = [ax for ax in figure.axes if ax in _FACTS]
    for ax in drawn:
        ax.set_title("", loc="left")
    figure.draw_without_rendering()
    for ax in drawn:
        # Only what the layout makes room for.
        left, right, _, _ = _around(ax, laid_out=True)
        ax.set_xlabel(wrapped(ax.get_xlabel(), cells_in(width_of(ax) + right, label_size(ax))))
        _put_above(ax, _FACTS[ax], (width_of(ax) + left + right, left), size, style)


def _put_above(ax: Axes, facts: list[str], across: tuple[float, float], size: float, style: dict[str, Any]) -> None:
    """Write facts above Axes, in so many inches, from so many left of them: from where the labels begin."""
    wide, left = across
    title = ax.set_title(packed(facts, cells_in(wide, size)), loc="left", fontsize=size, **style)
    # What is around the Axes has no place of its own before the layout.
    title.set_transform(title.get_transform() + ScaledTranslation(-left, 0, ax.figure.dpi_scale_trans))


def _fit(ax: Axes) -> None:
    """Give a figure that is to be fitted its size."""
    figure = ax.figure
    if not isinstance(figure, _Fitted):
        return
    left, right, below, above = _around(ax)
    if figure.across is not None:
        figure.set_figwidth(max(min(figure.across + left + right + 2 * _PAD, WIDEST), _LEAST))
    if figure.down is not None:
        figure.set_figheight(min(max(figure.down + below + above + 2 * _PAD, figure.told), HIGHEST))


def _around(ax: Axes, *, laid_out: bool = False) -> tuple[float, float, float, float]:
    """Measure the inches of what stands left, right, below and above Axes; where they stand is of no matter."""
    inner, outer = ax.get_window_extent(), ax.get_tightbbox(for_layout_only=laid_out)
    if outer is None:
        return 0.0, 0.0, 0.0, 0.0
    sides = (inner.x0 - outer.x0, outer.x1 - inner.x1, inner.y0 - outer.y0, outer.y1 - inner.y1)
    left, right, below, above = (max(float(side) / ax.figure.dpi, 0.0) for side in sides)
    return left, right, below, above


def _resize_text(ax: Axes) -> None:
    """Set ticks and labels as large as was counted on; in a column, break their labels."""
    size = label_size(ax)
    ax.tick_params(labelsize=size)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set_fontsize(size)
    if not narrow(ax):
        return
    ax.tick_params(pad=2)
    left, right, _, _ = _around(ax)
    wide, high = room(ax) - left - right - 2 * _PAD, 0.9 * inner_height(ax)
    for label, inches in ((ax.xaxis.label, max(wide, 1.0)), (ax.yaxis.label, max(high, 1.0))):
        lines = [wrapped(line, cells_in(inches, size)) for line in label.get_text().split("\n")]
        label.set_text("\n".join(lines))


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
    size, many = label_size(ax), 1
    place: dict[str, Any] = {"bbox_to_anchor": (1.01, 1)}
    if narrow(ax):
        _resize_text(ax)
        left, _, below, _ = _around(ax)
        under = ax.transAxes + ScaledTranslation(-left, -below - _PAD, ax.figure.dpi_scale_trans)
        across = cells_in(room(ax), size)
        title, *labels = (wrapped(text, across - _KEY) for text in (title, *labels))
        widest = max(display_width(part) for text in (title, *labels) for part in text.split("\n"))
        many = min(max(across // (widest + _KEY), 1), len(entries))
        place = {"bbox_to_anchor": (0, 0), "bbox_transform": under, "columnspacing": 1.0}
        place |= {"borderaxespad": 0.0, "alignment": "left", "frameon": False}
    for ncols in range(many, 0, -1):
        # Given as "." first: matplotlib leaves out entries whose label begins with an underscore.
        legend = ax.legend(
            entries,
            ["."] * len(entries),
            title="." if title else None,
            loc="upper left",
            ncols=ncols,
            fontsize=size,
            title_fontsize=size,
            **place,
        )
        for entry, label in zip([legend.get_title(), *legend.get_texts()], [title, *labels], strict=True):
            entry.set(text=label, **style)
        box = legend.get_window_extent()
        if box.width / ax.figure.dpi <= room(ax) - 2 * _PAD:
            break
    if isinstance(ax.figure, _Fitted) and ax.figure.across is not None and ax.figure.down is not None:
        ax.figure.down = min(max(ax.figure.down, float(box.height) / ax.figure.dpi), HIGHEST)
    _fit(ax)


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
