"""Figure of planned experiments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.text import plain
from asrlab.views.markup import is_missing
from asrlab.views.plot.facts import corrected, in_full, plural, points, refuse_another
from asrlab.views.plot.ink import (
    axes_for,
    ink,
    legend_of,
    text_style,
    tidy,
    whole_numbers,
)
from asrlab.views.plot.labels import by_columns, keys_of, label_of, shown_texts, tenths
from asrlab.views.plot.marks import line

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.axes import Axes

    from asrlab.views.plot.labels import Key, Shown

#: What an experiment is designed by, and how the axis of a figure names it.
_DESIGN: Final = {
    "speakers": "Speakers",
    "utterances": "Utterances of each speaker",
    "delta": "True difference, points",
}
_COUNTS: Final = ("speakers", "utterances")
#: So many numbers are ticks of their own, where no two of them are closer than this share of their range.
_FEW: Final = 10
_CLOSE: Final = 0.05
_SERIES: Final = {"utterances": "utterances of each", "delta": "difference", "n_comparisons": "comparisons"}


def power(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the power of planned experiments, with the power that is wanted.

    Parameters
    ----------
    table : DataFrame
        From :func:`asrlab.power`: a row a point.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    Axes
        Power in per cent against the number of speakers, or of utterances of each where only those vary, or the
        difference where only that does. What varies besides makes lines, told apart by colour, marker and dashes. The
        band (of a single point, the bar) is the interval of the simulation, the dashed line the target. Designs whose
        power is not known are left out and counted.

    Raises
    ------
    InvalidInput
        If it is another table, a column is not there, or several rows would be one point.
    """
    needed = ("delta", "speakers", "utterances", "power", "target")
    refuse_another(table, "power", needed)
    frame = tables.check(table, "power", required=needed).reset_index(drop=True)
    shown = frame[frame[["power", "delta", "speakers", "utterances"]].notna().all(axis=1)].reset_index(drop=True)
    varying = [name for name in _DESIGN if shown[name].nunique() > 1]
    x = (varying or ["speakers"])[0]
    own = set(tables.SCHEMAS["power"])
    by = [
        *by_columns(table, own, "delta"),
        "unit",
        "test",
        "correction",
        "n_comparisons",
        "confidence",
        "rate",
        "source",
    ]
    apart = [name for name in by if shown[name].nunique(dropna=False) > 1]
    series = list(dict.fromkeys([name for name in varying if name != x] + apart))
    member_of = keys_of(shown, series)
    if len(set(zip(member_of, shown[x], strict=True))) < len(shown):
        raise InvalidInput(
            f"Several rows would be one point by {', '.join([x, *series])}. Filter the table, or give it a column that "
            "tells its rows apart."
        )
    members = list(dict.fromkeys(member_of))
    texts = shown_texts(part for member in members for part in member)
    legend_labels = [_design_label(series, member, texts) for member in members]
    ax = axes_for(ax, 5.0, 3.0, least=1.2)
    style, entries = text_style(), []
    names = (x, "power", "low", "high")
    values = {
        name: shown[name].to_numpy("float64", na_value=np.nan) * (1 if name in _COUNTS else 100) for name in names
    }
    for number, member in enumerate(members):
        mine = np.flatnonzero([key == member for key in member_of])
        mine = mine[np.argsort(values[x][mine], kind="stable")]
        place, share, low, high = (values[name][mine] for name in names)
        entries += line(ax, place, share, (low, high), number, band=len(mine) > 1)
    for target in sorted(frame["target"].dropna().unique()):
        ax.axhline(100 * target, color=ink(), linestyle="dashed", linewidth=1)
    ax.set_ylim(0, 105)
    if len(shown) and x in _COUNTS:
        ax.set_xlim(left=0)
        places = np.unique(values[x])
        if len(places) <= _FEW and np.all(np.diff(places) >= _CLOSE * places[-1]):
            ax.set_xticks(places, [f"{place:.0f}" for place in places])
        else:
            whole_numbers(ax)
    ax.set_xlabel(_DESIGN[x], **style)
    ax.set_ylabel("Power, % of such experiments", **style)
    if series:
        title = ", ".join(_SERIES.get(name, plain(name, 40)) for name in series)
        legend_of(ax, entries, legend_labels, title, style)
    tidy(ax, power_facts(frame, shown, [x, *series]), style)
    return ax


def power_facts(frame: pd.DataFrame, shown: pd.DataFrame, drawn: list[str]) -> list[str]:
    """Say what all designs of a figure share."""
    same = {name: shown[name].iloc[0] for name in shown if name not in drawn and shown[name].nunique(dropna=False) == 1}
    same = {str(name): value for name, value in same.items() if not is_missing(value)}
    left_out = len(frame) - len(shown)
    said: dict[str, Callable[[Any], str]] = {
        "delta": lambda delta: f"true difference {points(delta)}",
        "speakers": lambda many: plural(str(many), "speaker"),
        "utterances": lambda many: f"{plural(str(many), 'utterance')} each",
        "unit": in_full,
        "rate": lambda rate: f"{tenths(100 * rate)}% at the baseline",
        "test": str,
        "n_comparisons": lambda many: "" if many == 1 else corrected(same.get("correction"), many),
        "source": lambda source: f"rates and spreads {'from a pilot' if source == 'pilot' else source}",
        "n_simulations": lambda many: f"95% intervals of {many} simulations",
    }
    return [
        *(word(same[name]) for name, word in said.items() if name in same),
        *(f"dashed: {100 * target:.3g}% wanted" for target in sorted(frame["target"].dropna().unique())),
        *(["hollow: no interval"] if shown[["low", "high"]].isna().any(axis=None) else []),
        *([f"{plural(str(left_out), 'design')} of unknown power left out"] if left_out else []),
    ]


def _design_label(series: list[str], member: Key, shown: Shown) -> str:
    parts = zip(series, member, strict=True)
    return label_of(tuple(points(cast("float", v)) if name == "delta" else v for name, v in parts), shown)
