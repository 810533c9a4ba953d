"""Figure of confusions: what was heard for what, lost and invented, the most frequent first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.text import plain
from asrlab.views.markup import is_missing
from asrlab.views.plot.facts import conditions_of_marking, refuse_results
from asrlab.views.plot.ink import (
    COLOURS,
    HATCHES,
    HIGHEST,
    axes_for,
    cells_at_left,
    inner_width,
    legend_of,
    line_height,
    text_style,
    text_width,
    tidy,
    whole_numbers,
)
from asrlab.views.plot.labels import CUT, keys_of, label_of, most_lines, shown_texts, wrapped
from asrlab.views.plot.marks import at_end

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from asrlab.views.plot.labels import Key, Shown

#: Kind of an edit -> how one is written, what it is called, and its colour and hatch.
_KINDS: Final = {
    "sub": ("{ref} → {hyp}", "said → heard", "#56B4E9", ""),
    "del": ("\N{MINUS SIGN} {ref}", "\N{MINUS SIGN} not heard", "#E69F00", "//"),
    "ins": ("+ {hyp}", "+ heard, not said", "#009E73", ".."),
}


def confusion(confusions: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how often each word was heard as another, lost, or heard where it was not said.

    Parameters
    ----------
    confusions : DataFrame
        From :func:`asrlab.confusions`: a row a bar, in the order of the rows.
    ax : Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    Axes
        Bars as long as the count, the first row on top, with the number of utterances where that is another one.
        Substitutions are written "said → heard", deletions with a minus and insertions with a plus, and hatched. Of
        several lists, such as one a condition, each edit has a bar for each, told apart by colour and hatch; no bar
        says that the list does not have it, which need not mean that it never happened.

    Raises
    ------
    InvalidInput
        If it is another table, a column is not there, a kind is unknown, several rows would be one bar, or there are
        more than fit in a figure.
    """
    refuse_results(confusions, needed := ("kind", "ref", "hyp", "count"))
    frame = tables.check(confusions, "confusions", required=needed).reset_index(drop=True)
    if unknown := sorted(set(frame["kind"].fillna("missing")) - set(_KINDS)):
        raise InvalidInput(f"The kind of a confusion is one of {', '.join(_KINDS)}, not {unknown[0]!r}.")
    own = set(tables.SCHEMAS["confusions"])
    apart = [*(name for name in frame.columns if name not in own), "unit", "form", "normalizer", "ties"]
    lists = [name for name in apart if frame[name].nunique(dropna=False) > 1]
    edit_of, list_of = keys_of(frame, ["kind", "ref", "hyp"]), keys_of(frame, lists)
    if len(set(zip(edit_of, list_of, strict=True))) < len(frame):
        raise InvalidInput(
            f"Several rows would be one bar by {', '.join(['kind, ref, hyp', *lists])}. Filter the table."
        )
    edits, members = list(dict.fromkeys(edit_of)), list(dict.fromkeys(list_of))
    shown = shown_texts(part for key in (*(edit[1:] for edit in edits), *members) for part in key)
    labels = [wrapped(_said(edit, shown), cells_at_left(ax)) for edit in edits]
    a_bar, lines = (0.24 if ax is None else 0.16), most_lines(labels)
    a_line = 0.08 + max(a_bar * max(len(members), 1), line_height(ax) * lines)
    if ax is None and len(edits) > (most := int((HIGHEST - 2) / a_line)):
        raise InvalidInput(
            f"{len(edits)} edits do not fit: {most} do. Draw the most frequent: lab.confusions(..., n=10)."
        )
    ax = axes_for(ax, 4.0, a_line * max(len(edits), 1))
    style, high = text_style(), 0.84 / max(len(members), 1)
    ax.set_yticks(range(len(edits)), labels, **style)
    ax.set_ylim(max(len(edits), 1) - 0.4, -0.6)
    ax.set_xlabel("Times", **style)
    count = frame["count"].to_numpy("float64", na_value=np.nan)
    values = [_counted(times, utts) for times, utts in zip(frame["count"], frame["n_utts"], strict=True)]
    beyond = (max((text_width(value, ax) for value in values), default=0.0) + 0.15) / inner_width(ax)
    ax.set_xlim(0, (np.nanmax([*count, 0.0]) or 1.0) / (1 - min(beyond, 0.6)))
    whole_numbers(ax)
    places = [
        edits.index(edit) + (members.index(member) - (len(members) - 1) / 2) * high
        for edit, member in zip(edit_of, list_of, strict=True)
    ]
    looks = _looks(edits, members, shown)
    entries = []
    for key, (_, colour, hatch) in looks.items():
        mine = [n for n, both in enumerate(zip(edit_of, list_of, strict=True)) if key in (both[1], both[0][:1])]
        entries.append(
            ax.barh(
                np.array(places)[mine],
                count[mine],
                0.92 * high,
                color=colour,
                hatch=hatch,
                edgecolor="black",
                linewidth=0.7,
            )
        )
    for value, times, at in zip(values, count, places, strict=True):
        at_end(ax, value, (0.0 if np.isnan(times) else times, at), style)
    if len(looks) > 1:
        legend_of(ax, entries, [name for name, *_ in looks.values()], label_of(tuple(lists)), style)
    facts = [*dict.fromkeys(f"unit: {plain(unit, CUT)}" for unit in frame["unit"].dropna())]
    facts += [*conditions_of_marking(frame, "level"), *(["only the edits of this table"] if len(frame) else [])]
    facts += [_KINDS[kind][1] for kind in _KINDS if (frame["kind"] == kind).any() and len(members) > 1]
    facts += ["n in m: times, in different utterances"] if any(" in " in value for value in values) else []
    facts += ["no bar: not in that list"] if len(frame) < len(edits) * len(members) else []
    tidy(ax, facts, style)
    return ax


def _looks(edits: list[Key], members: list[Key], shown: Shown) -> dict[Key, tuple[str, str, str]]:
    """Give what tells bars apart, lists where there are several, else kinds, with name, colour and hatch of each."""
    if len(members) > 1:
        return {
            member: (label_of(member, shown), COLOURS[number % len(COLOURS)], HATCHES[number % len(HATCHES)])
            for number, member in enumerate(members)
        }
    present = {edit[0] for edit in edits}
    return {(kind,): (name, colour, hatch) for kind, (_, name, colour, hatch) in _KINDS.items() if kind in present}


def _said(edit: Key, shown: Shown) -> str:
    kind, ref, hyp = edit
    return _KINDS[str(kind)][0].format(ref=label_of((ref,), shown), hyp=label_of((hyp,), shown))


def _counted(times: object, utts: object) -> str:
    if is_missing(times):
        return "not known"
    return f"{times}" if is_missing(utts) or utts == times else f"{times} in {utts}"
