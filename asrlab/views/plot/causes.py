"""Figures of causes: what a gap between two results is made of, and whether a parameter did anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.text import plain
from asrlab.views.markup import is_missing, signed
from asrlab.views.plot.facts import numbers_of, refuse_results
from asrlab.views.plot.ink import (
    HIGHEST,
    axes_for,
    cells_at_left,
    ink,
    inner_width,
    legend_of,
    line_height,
    paper,
    text_size,
    text_style,
    text_width,
    tidy,
)
from asrlab.views.plot.labels import WIDE, label_of, most_lines, shown_texts, together, wrapped
from asrlab.views.plot.marks import at_end, mark

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Inches of a line with a label of two lines.
_A_LINE: Final = 0.55
#: Parts follow one another if one begins where the one before ends, to so much.
_CLOSE: Final = 1e-9
#: Name of the part that no choice explains, in the table.
_UNEXPLAINED: Final = "not explained"


def waterfall(explanation: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the parts of a gap between two results, from one rate to the other.

    Parameters
    ----------
    explanation : DataFrame
        From :func:`asrlab.explain`: a row a part, in the order of the rows. Shares; drawn in per cent.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    Axes
        A line a part, between our rate on top and theirs below: each begins where the one before ends, and says what
        was changed and what that comes to in points. What raises the rate is hatched and has a plus; what no choice
        explains is dotted.

    Raises
    ------
    InvalidInput
        If it is another table, or the parts are not of one gap in their order, or more than fit in a figure.
    """
    refuse_results(explanation, needed := ("part", "rate_before", "rate_after", "delta"))
    frame = tables.check(explanation, "explanation", required=needed)
    before, after, delta = (
        100 * frame[name].to_numpy("float64", na_value=np.nan) for name in ("rate_before", "rate_after", "delta")
    )
    if not len(frame) or np.isnan(before + after + delta).any():
        raise InvalidInput("An explanation needs at least one part, and the rates of each. Give all its rows.")
    if not (
        np.allclose(before[1:], after[:-1], rtol=0, atol=_CLOSE)
        and np.allclose(after - before, delta, rtol=0, atol=_CLOSE)
    ):
        raise InvalidInput(
            "These parts do not follow one another: each must begin at the rate where the one before ends. Draw one "
            "explanation, with all its rows in their order."
        )
    shown = shown_texts([part for name in ("part", "from", "to") for part in frame[name]], limit=WIDE)
    cells = cells_at_left(ax)
    labels = ["ours", *(wrapped("\n".join(said), cells) for said in _changes(frame, shown)), "theirs"]
    if ax is None and len(labels) > (most := int((HIGHEST - 2) / _A_LINE)):
        raise InvalidInput(f"{len(frame)} parts do not fit: {most - 2} do.")
    a_line = max(_A_LINE if ax is None else 0.3, 0.1 + line_height(ax) * most_lines(labels))
    ax = axes_for(ax, 4.5, a_line * len(labels))
    style = text_style()
    totals = {0: before[0], len(labels) - 1: after[-1]}
    for line, rate in totals.items():
        ax.barh(line, rate, 0.6, color="#999999", edgecolor="black", linewidth=0.7)
        at_end(ax, f"{rate:.2f}%", (max(rate, 0.0), line), style)
    for line, (start, end, change) in enumerate(zip(before, after, delta, strict=True), 1):
        unexplained = frame["part"].iloc[line - 1] == _UNEXPLAINED
        colour, hatch = ("white", "..") if unexplained else ("#E69F00", "//") if change > 0 else ("#56B4E9", "")
        ax.barh(line, change, 0.6, left=start, color=colour, hatch=hatch, edgecolor="black", linewidth=0.7)
        ax.plot([start, start], [line - 1, line], "-", color=ink(), linewidth=0.6)
        ax.plot([end, end], [line, line + 1], "-", color=ink(), linewidth=0.6)
        at_end(ax, _in_points(change), (max(start, end), line), style)
    ax.set_yticks(range(len(labels)), labels, **style)
    ax.set_ylim(len(labels) - 0.5, -0.6)
    ends = np.concatenate([before, after, [0.0]])
    ax.set_xlabel("Rate, %", **style)
    beyond = (text_width("00.00%", ax) + 0.1) / inner_width(ax)
    ax.set_xlim(1.05 * ends.min(), ends.max() / (1 - min(beyond, 0.5)) or 1.0)
    methods = [str(method) for method in frame["method"].dropna().unique()]
    facts = [f"ours {before[0]:.2f}%, theirs {after[-1]:.2f}%: gap {_in_points(after[-1] - before[0])} points"]
    facts += [f"method: {', '.join(methods)}"] if methods else []
    answers, lost, ref_len = (_both(frame, name) for name in ("n_answers", "n_lost", "ref_len"))
    facts += [*numbers_of(answers, "answer"), *(f"{text} in the references" for text in numbers_of(ref_len, "unit"))]
    facts += [f"{text} without an answer" for text in numbers_of(lost[lost > 0], "trial")]
    facts += ["hatched: raises the rate"] if (delta > 0).any() else []
    facts += ["dotted: not explained"] if (frame["part"] == _UNEXPLAINED).any() else []
    tidy(ax, facts, style)
    return ax


def audit(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many transcripts each setting changed, beside what changes by itself.

    Parameters
    ----------
    table : DataFrame
        From :func:`asrlab.audit`: a row a line, the first one on top. Shares; drawn in per cent.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    Axes
        Of the pairs of answers, what changed in wording, what in form only, and what did not. The dashed mark is the
        share that differs between repeats of one setting, the dotted one the share that differs in wording. Each line
        says the verdict and the number of pairs; where nothing is known of a line, that is said.

    Raises
    ------
    InvalidInput
        If it is another table, a column is not there, or there are more rows than fit in a figure.
    """
    refuse_results(table, needed := ("axis", "level", "verdict", "in_wording", "in_form"))
    frame = tables.check(table, "audit", required=needed)
    frame = frame.reset_index(drop=True)
    if ax is None and len(frame) > (most := int((HIGHEST - 2) / _A_LINE)):
        raise InvalidInput(f"{len(frame)} lines do not fit: {most} do. Draw those of one axis.")
    shown = shown_texts([part for name in ("axis", "level", "baseline") for part in frame[name]])
    own = set(tables.SCHEMAS["audit"])
    by = [name for name in frame.columns if name not in own and frame[name].nunique(dropna=False) > 1]
    labels, cells = [], cells_at_left(ax)
    for row in frame.to_dict("records"):
        axis, level, baseline = (label_of((row[name],), shown) for name in ("axis", "level", "baseline"))
        named = " · ".join([*(f"{plain(name)} {label_of((row[name],))}" for name in by), f"{axis}:"])
        said = together([named, level, *([] if is_missing(row["baseline"]) else [f"against {baseline}"])], cells)
        pairs = "" if is_missing(row["n_pairs"]) else f", {row['n_pairs']} pair{'s' * (row['n_pairs'] != 1)}"
        labels.append(f"{said}\n{wrapped(label_of((row['verdict'],)) + pairs, cells)}")
    a_line = max(_A_LINE if ax is None else 0.3, 0.1 + line_height(ax) * most_lines(labels))
    names = ("in wording", "in form only", "not at all")
    ax = axes_for(ax, 4.5, a_line * max(len(frame), 1))
    style = text_style()
    ax.set_yticks(range(len(frame)), labels, **style)
    least = 100 * (text_width("00.0", ax) + 0.08) / inner_width(ax)
    wording, form = (100 * frame[name].to_numpy("float64", na_value=np.nan) for name in ("in_wording", "in_form"))
    lines, left = np.arange(len(frame)), np.zeros(len(frame))
    looks = (("#D55E00", "xx"), ("#E69F00", "//"), ("#EEEEEE", ""))
    entries = []
    for name, share, (colour, hatch) in zip(names, (wording, form, 100 - wording - form), looks, strict=True):
        entries.append(
            ax.barh(lines, share, 0.6, left=left, color=colour, hatch=hatch, edgecolor="black", linewidth=0.7)
        )
        for line, start, width in zip(lines.tolist(), left, share, strict=True):
            if width >= least and name != "not at all":
                box = {"facecolor": paper(), "edgecolor": "none", "pad": 1.0}
                ax.text(
                    start + width / 2,
                    line,
                    f"{width:.1f}",
                    ha="center",
                    va="center",
                    fontsize=text_size(ax),
                    bbox=box,
                    **style,
                )
        left = left + np.nan_to_num(share)
    dashes: tuple[tuple[str, Literal["dashed", "dotted"]], ...] = (("floor", "dashed"), ("floor_wording", "dotted"))
    for name, dash in dashes:
        floor = 100 * frame[name].to_numpy("float64", na_value=np.nan)
        known = ~np.isnan(floor)
        ax.vlines(floor[known], lines[known] - 0.42, lines[known] + 0.42, colors=ink(), linestyles=dash, linewidth=2)
    for line in lines[np.isnan(wording + form)].tolist():
        mark(ax, "not known", (50.0, line), 0, style=style)
    ax.set_ylim(max(len(frame), 1) - 0.4, -0.6)
    ax.set_xlim(0, 100)
    ax.set_xlabel("Pairs of answers that changed, %", **style)
    legend_of(ax, entries, names, "Changed", style)
    facts = numbers_of(frame["n_utts"], "utterance")
    if frame[["floor", "floor_wording"]].notna().any(axis=None):
        facts += ["dashed: share that differs between repeats", "dotted: in wording"]
    if frame["floor"].isna().any():
        facts += ["no mark: no repeats to tell that by"]
    tidy(ax, facts, style)
    return ax


def _changes(frame: pd.DataFrame, shown: dict[str, str]) -> list[list[str]]:
    """Say in a line or two what each part changes."""
    said = []
    for row in frame[["part", "from", "to"]].to_dict("records"):
        ends = [label_of((row[end],), shown) for end in ("from", "to") if not is_missing(row[end])]
        said.append([label_of((row["part"],), shown), *([" → ".join(ends)] if ends else [])])
    return said


def _both(frame: pd.DataFrame, name: str) -> pd.Series:
    """Give what is counted before and after each part."""
    return pd.Series([*frame[f"{name}_before"], *frame[f"{name}_after"]], dtype="Int64")


def _in_points(change: float) -> str:
    return signed(change) if abs(change) >= 0.05 or change == 0 else f"{change:+.2g}"
