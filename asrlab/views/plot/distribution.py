"""Figures of what askings took: how times and prices are spread, setting by setting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.text import plain
from asrlab.views.plot.facts import numbers_of, refuse_results
from asrlab.views.plot.ink import (
    HIGHEST,
    LINES,
    axes_for,
    cells_at_left,
    ink,
    line_height,
    text_size,
    text_style,
    tidy,
)
from asrlab.views.plot.labels import keys_of, label_of, number, shown_texts, wrapped
from asrlab.views.plot.marks import reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from asrlab.views.plot.ink import Floats

#: Columns that can be drawn: what an axis is called, the column in a word, and how a value is written.
_DRAWN: Final = {
    "elapsed_s": ("Time from submit to answer, seconds", "time", "{} s"),
    "queued_s": ("Time in the engine's queue by its own clock, seconds", "time in the queue", "{} s"),
    "usd": ("Price of an asking, US dollars", "price", "${}"),
    "billed_s": ("Seconds billed for an asking, all channels and attempts", "billed length", "{} s"),
    "audio_s": ("Length of the audio heard, all channels, seconds", "length", "{} s"),
    "attempts": ("Submits of an asking", "number of submits", "{}"),
}
#: State -> what is said of such askings.
_STATES: Final = ("failed", "unknown", "submitted", "not run", "spared")
#: Inches of a line, points drawn in one at most, and from the least to the greatest when a scale is logarithmic.
_A_LINE: Final = 0.55
_POINTS: Final = 2000
_FAR: Final = 30.0
#: The golden ratio: its multiples, without their whole part, never lie close together.
_GOLDEN: Final = (5**0.5 - 1) / 2


def distribution(
    costs: pd.DataFrame, value: str = "elapsed_s", *, by: str | Sequence[str] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw how a time or price is spread over the askings of each setting.

    Parameters
    ----------
    costs : DataFrame
        ``sweep.costs``: a row an asking.
    value : {"elapsed_s", "queued_s", "usd", "billed_s", "audio_s", "attempts"}
        What is drawn.
    by : str or sequence of str, optional
        Columns that make a setting; by default the axes that vary (``condition`` where there are none).
    ax : Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    Axes
        A line a setting, the first one on top: a point an answer (of more than 2,000, as many that are spread evenly
        over them), a grey box over the middle half, a thick mark at the median and a thin one at the 90th percentile,
        which are written beside the name. Askings without an answer, and answers of which the value is not known, are
        counted there and never drawn. By powers of ten where values are far apart.

    Raises
    ------
    InvalidInput
        If it is another table, there is no such column, or more settings than fit in a figure.

    Examples
    --------
    >>> import pandas as pd
    >>> costs = pd.DataFrame({"utt_id": ["a", "b"], "condition": "none", "state": "answered", "elapsed_s": [1.5, 2.5]})
    >>> ax = distribution(costs)
    >>> print(ax.get_yticklabels()[0].get_text())
    none
    median 2 s, p90 2.4 s; 2 answered
    """
    refuse_results(costs, (value,) if isinstance(value, str) else ())
    if value not in _DRAWN:
        raise InvalidInput(f"There is no {value!r} to draw: there are {', '.join(_DRAWN)}.")
    frame = tables.check(costs, "costs", required=(value,)).reset_index(drop=True)
    groups_of = _groups(frame, by)
    keys = keys_of(frame, groups_of)
    settings = list(dict.fromkeys(keys))
    if ax is None and len(settings) > (most := int((HIGHEST - 2) / _A_LINE)):
        raise InvalidInput(f"{len(settings)} lines do not fit: {most} do. Draw those that matter, or name fewer by=.")
    axis, name, form = _DRAWN[value]
    shown = shown_texts(part for key in settings for part in key)
    answered = (frame["state"] == "answered").fillna(value=False)
    all_values = frame[value].to_numpy("float64", na_value=np.nan)
    values_of, labels = [], []
    place = {key: line for line, key in enumerate(settings)}
    row_of = np.array([place[key] for key in keys], dtype=np.int64)
    for line, key in enumerate(settings):
        mine = frame[row_of == line]
        here = all_values[(row_of == line) & answered.to_numpy(bool)]
        values_of.append(np.sort(here[np.isfinite(here)]))
        said = _said(values_of[-1], len(here), mine["state"], name, form)
        labels.append(wrapped(f"{label_of(key, shown) or 'all'}\n{said}", cells_at_left(ax)))
    deepest = max((label.count("\n") + 1 for label in labels), default=1)
    ax = axes_for(ax, 4.5, max(_A_LINE if ax is None else 0.3, 0.1 + line_height(ax) * deepest) * max(len(labels), 1))
    style = text_style()
    for line, values in enumerate(values_of):
        _draw(ax, line, values)
    ax.set_yticks(range(len(labels)), labels, **style)
    ax.set_ylim(max(len(labels), 1) - 0.4, -0.6)
    ax.set_xlabel(axis, **style)
    drawn = np.concatenate([*values_of, np.zeros(0)])
    _limits(ax, drawn)
    if not len(drawn):
        why = "no askings" if not len(frame) else "no answers" if not answered.any() else f"{name} not known"
        ax.text(0.5, 0.5, why, ha="center", va="center", transform=ax.transAxes, fontsize=text_size(ax), **style)
        ax.set_xticks([])
    facts = [
        f"by {' · '.join(plain(one, 30) for one in groups_of)}" if groups_of else "",
        *numbers_of(frame.groupby(row_of)["utt_id"].nunique() if len(frame) else frame["shared_by"], "utterance"),
        "box: middle half; thick: median; thin: 90th percentile" if len(drawn) else "",
        "these are of all known values, worked out for this figure" if len(drawn) else "",
        f"{name} 0 in all" if len(drawn) and not drawn.any() else "",
        f"evenly chosen {_POINTS:,} of each line" if max(map(len, values_of), default=0) > _POINTS else "",
        "by powers of ten" if ax.get_xscale() == "log" else "",
        "of a question that several share, each its share"
        if value in {"usd", "billed_s"} and (frame["shared_by"] > 1).any()
        else "",
    ]
    tidy(ax, facts, style)
    return ax


def _groups(frame: pd.DataFrame, by: str | Sequence[str] | None) -> list[str]:
    """Find the columns that make a setting."""
    if by is not None:
        wanted = [by] if isinstance(by, str) else list(by)
        if unknown := [name for name in wanted if name not in frame.columns]:
            raise InvalidInput(f"There is no column {unknown[0]!r} to draw by; there are {', '.join(frame.columns)}.")
        return wanted
    axes = [name for name in frame.columns if name not in tables.SCHEMAS["costs"]]
    varying = [name for name in axes if frame[name].nunique(dropna=False) > 1]
    return varying or axes[:1] or (["condition"] if frame["condition"].notna().any() else [])


def _said(values: Floats, answered: int, states: pd.Series, name: str, form: str) -> str:
    """Say of a setting what its middle is, and what is not drawn."""
    ends = np.quantile(values, [0.5, 0.9]).tolist() if len(values) else []
    known = ", ".join(f"{end} {form.format(number(at))}" for end, at in zip(("median", "p90"), ends, strict=False))
    lacking = answered - len(values)
    others = [plain(state, 30) for state in states.fillna("state not known") if state != "answered"]
    known_first = [*_STATES, *sorted(set(others) - set(_STATES))]
    counts = [f"{answered} answered", *(f"{n} {state}" for state in known_first if (n := others.count(state)))]
    if lacking:
        counts.append(f"{name} not known of {'all' if lacking == answered else lacking}")
    return "; ".join(filter(None, [known, ", ".join(counts)]))


def _draw(ax: Axes, line: int, values: Floats) -> None:
    """Draw the values of a line, in order."""
    if not len(values):
        return
    few = values[np.unique(np.linspace(0, len(values) - 1, min(len(values), _POINTS)).round().astype(int))]
    low, middle, high, far = np.quantile(values, [0.25, 0.5, 0.75, 0.9])
    ax.barh(line, high - low, 0.56, left=low, color=("#999999", 0.35), edgecolor=ink(), linewidth=0.7, zorder=1)
    aside = 0.4 * ((np.arange(1, len(few) + 1) * _GOLDEN) % 1 - 0.5)
    ax.plot(few, line + aside, ".", color=LINES[0], markersize=4 if len(few) > 100 else 6, alpha=0.6, zorder=2)
    ax.plot([middle, middle], [line - 0.34, line + 0.34], "-", color=ink(), linewidth=2.5, zorder=3)
    ax.plot([far, far], [line - 0.34, line + 0.34], "-", color=ink(), linewidth=1.0, zorder=3)


def _limits(ax: Axes, values: Floats) -> None:
    """Show zero, or go by powers of ten where values are far apart."""
    least, most = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    if least > 0 and most / least >= _FAR:
        ax.set_xscale("log")
        ax.set_xlim(least / 1.3, most * 1.3)
    else:
        least, most = reach(values)
        ax.set_xlim(1.05 * least - 0.02 * (most or 1.0), 1.05 * most or 1.0)
