"""Figure of repeats: whether a service says the same again when it is asked the same again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.text import MEASURES, plain
from asrlab.views.markup import is_missing
from asrlab.views.plot.facts import blocks_of, conditions_of_marking, numbers_of, points, refuse_another
from asrlab.views.plot.ink import (
    HIGHEST,
    axes_for,
    cells_at_left,
    legend_of,
    line_height,
    paper,
    text_size,
    text_style,
    tidy,
)
from asrlab.views.plot.labels import (
    CUT,
    by_columns,
    keys_of,
    label_of,
    most_lines,
    shown_texts,
    tenths,
    together,
    told_apart,
    wrapped,
)
from asrlab.views.plot.marks import intervals

if TYPE_CHECKING:
    from collections.abc import Hashable

    import pandas as pd
    from matplotlib.axes import Axes

#: What the two parts of a strip are, with colour and hatch.
_PARTS: Final = {"the same": ("#56B4E9", ""), "another": ("#E69F00", "//")}


def agreement(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many pairs of repeats have the same transcript, and say how much of the rest reaches the error rate.

    Parameters
    ----------
    table : DataFrame
        From :func:`asrlab.agreement`: a row a strip, the first one on top. Shares; drawn in per cent.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    Axes
        A strip a setting, of the pairs that are the same to the letter and those that are not, with the interval of
        the share. Each says the error rate of all repeats with the least and greatest of any, and the standard
        deviation of the rate of one asking that the service has by itself. What is not known is said.

    Raises
    ------
    InvalidInput
        If it is another table, a column is not there, or there are more rows than fit in a figure.
    """
    refuse_another(table, "agreement", needed := ("same", "low", "high", "rate"))
    frame = tables.check(table, "agreement", required=needed).reset_index(drop=True)
    own = set(tables.SCHEMAS["agreement"])
    by = told_apart(frame, own, by_columns(table, own, "same"), ["unit"])
    by = [name for name in by if frame[name].nunique(dropna=False) > 1]
    keys = keys_of(frame, by)
    shown = shown_texts(part for key in keys for part in key)
    cells = cells_at_left(ax)
    labels = [
        "\n".join(
            [together([f"{plain(n, CUT)} {label_of((v,), shown)}" for n, v in zip(by, key, strict=True)], cells)]
            * bool(by)
            + [wrapped(_varies(row), cells)]
        )
        for key, row in zip(keys, frame.to_dict("records"), strict=True)
    ]
    a_line = 0.22 + line_height(ax) * most_lines(labels)
    if ax is None and len(frame) > (most := int((HIGHEST - 2) / a_line)):
        raise InvalidInput(f"{len(frame)} strips do not fit: {most} do. Draw those that matter.")
    ax = axes_for(ax, 4.0, a_line * max(len(frame), 1))
    style, entries = text_style(), []
    ax.set_yticks(range(len(frame)), labels, **style)
    ax.set_ylim(max(len(frame), 1) - 0.5, -0.5)
    ax.set_xlim(0, 100)
    ax.set_xlabel("Pairs of repeats, %", **style)
    same, low, high = (100 * frame[name].to_numpy("float64", na_value=np.nan) for name in ("same", "low", "high"))
    lines = np.arange(len(frame))
    for (colour, hatch), start, share in zip(
        _PARTS.values(), (np.zeros(len(frame)), same), (same, 100 - same), strict=True
    ):
        entries.append(
            ax.barh(lines, share, 0.5, left=start, color=colour, hatch=hatch, edgecolor="black", linewidth=0.7)
        )
    known = ~np.isnan(same + low + high)
    intervals(ax, lines[known], low[known], high[known], upright=False)
    for line, share, sure in zip(lines.tolist(), same, known, strict=True):
        text = "not known" if np.isnan(share) else tenths(share) + "*" * (not sure)
        box = {"facecolor": paper(), "edgecolor": "none", "pad": 1.0}
        ax.text(2, line, text, ha="left", va="center", fontsize=text_size(ax), bbox=box, **style)
    legend_of(ax, entries, list(_PARTS), "Transcript", style)
    starred = bool((~np.isnan(same) & ~known).any())
    tidy(ax, _facts(frame, starred=starred), style)
    return ax


def _varies(row: dict[Hashable, Any]) -> str:
    """Say the error rate, and how it varies from asking to asking."""
    unit = "error rate" if is_missing(row["unit"]) else str(row["unit"])
    measure = MEASURES.get(unit, (f"error rate by {unit}", ""))[0]
    if is_missing(row["rate"]):
        return f"{measure} not known"
    ends = [row["rate_low"], row["rate_high"]]
    between = "" if any(map(is_missing, ends)) else " ({} to {})".format(*(tenths(100 * end) for end in ends))
    noise = "" if is_missing(row["repeat_noise"]) else f", ±{points(row['repeat_noise'])}"
    return f"{measure} {tenths(100 * row['rate'])}%{between}{noise}"


def _facts(frame: pd.DataFrame, *, starred: bool) -> list[str]:
    marked = frame["rate"].notna().any()
    return [
        *numbers_of(frame["n_repeats"], "repeat"),
        *numbers_of(frame["n_questions"], "question"),
        *numbers_of(frame["n_pairs"], "pair"),
        *blocks_of(frame),
        *conditions_of_marking(frame, "level"),
        *dict.fromkeys(part for how in frame["method"].dropna().unique() for part in str(how).split("; ")),
        *(["error rate: of all repeats (of the best and worst)"] if marked and frame["rate_low"].notna().any() else []),
        *(["±: standard deviation of one asking by itself"] if frame["repeat_noise"].notna().any() else []),
        *(["* no interval"] if starred else []),
        *dict.fromkeys(map(str, frame["note"].dropna())),
    ]
