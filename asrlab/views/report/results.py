"""Results: a table, the figure that draws it, and the sentences that it bears, all made of the table at once."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, Final

from asrlab import tables
from asrlab.errors import AsrlabError
from asrlab.stats.sentences import sentences
from asrlab.text import bullets, escape, plain
from asrlab.views import plot
from asrlab.views.markup import table
from asrlab.views.plot.ink import DPI, as_png

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

#: Rows of a table that are shown.
MOST_ROWS: Final = 1000
#: Columns that tell a table -> what it is called, and the figure that draws it.
_KNOWN: Final[tuple[tuple[frozenset[str], str, str], ...]] = (
    (frozenset({"optimal", "membership"}), "Error against price and time", "frontier"),
    (frozenset({"part", "rate_before", "rate_after"}), "What a gap is made of", "waterfall"),
    (frozenset({"verdict", "in_wording", "in_form"}), "Did the parameters do anything?", "audit"),
    (frozenset({"size", "recall", "distractors"}), "Longer and longer lists", "bias_curve"),
    (frozenset({"recall", "error_delta", "listed"}), "Better and better contexts", "slope"),
    (frozenset({"recall", "precision", "f1", "said"}), "Precision and recall", ""),
    (frozenset({"rate_unhinted", "translation_unhinted"}), "Languages and hints", ""),
    (frozenset({"n_tried", "n_fit"}), "What would come to a published rate", ""),
    (frozenset({"kind", "ref", "hyp", "count"}), "Confusions", "confusion"),
    (frozenset({"word", "said", "heard_for"}), "Rates of words", ""),
    (frozenset({"flag", "evidence"}), "Flags", ""),
)
_HEADINGS: Final = {
    "summary": "Summary",
    "comparison": "Comparison",
    "effects": "Effects",
    "power": "Power",
    "agreement": "Agreement of repeats",
}
_FIGURES: Final = {"summary": "rates", "comparison": "deltas", "effects": "deltas", "power": "power"}
#: Rows of a figure whose numbers its description gives, and of the columns declared those that it draws.
_TOLD: Final = 24
_ESTIMATES: Final = (
    *("axis", "level", "baseline", "moderator", "moderator_level", "moderator_baseline", "unit"),
    *("rate", "same", "power", "delta", "low", "high", "p_adjusted", "speakers", "utterances"),
)
_GAPS: Final = re.compile(r"\s{2,}")


def heading_of(result: pd.DataFrame) -> str:
    """Name a table by what it holds."""
    kind, known = tables.kind(result), _known(result)
    if kind is None:
        return known[1] if known else "Rates" if {"rate", "delta"} & set(result.columns) == {"rate"} else "Table"
    if kind == "effects" and "effect" in result.columns and result["effect"].isna().any():
        return "Comparison and effects"
    axes = [plain(axis, 40) for axis in result["axis"].dropna().unique()] if "axis" in result.columns else []
    along = f" along {' and '.join(axes)}" if axes and kind == "comparison" and len(axes) < 3 else ""
    return f"{_HEADINGS.get(kind, 'Table')}{along}"


def shown_result(result: pd.DataFrame, note: str, heading: str) -> str:
    """Show a table of results, then its figure, then its sentences.

    Parameters
    ----------
    result : DataFrame
        Any table.
    note : str
        Of which scores it is.
    heading : str
        Names the figure to those who cannot see it.

    Returns
    -------
    str
        HTML. Where a table has no figure or cannot be drawn, or bears no sentence, that is said, if it is one of
        results.
    """
    shown = table(result, max_rows=MOST_ROWS).markup
    return "\n".join([f"<p>{escape(note)}</p>", shown, *_drawn(result, heading), *_said(result)])


def picture(figure: Any, alt: str, *, close: bool) -> str:  # noqa: ANN401 - only views.plot knows matplotlib
    """Draw a figure, or that of Axes, as an image that holds itself; ``close``: it is not needed any more."""
    drawn = as_png(figure, close=close)
    # As wide as it is on paper, at 96 pixels of a page to the inch.
    wide = int.from_bytes(drawn[16:20], "big") * 96 // DPI
    source = f"data:image/png;base64,{base64.b64encode(drawn).decode('ascii')}"
    return f'<p><img alt="{escape(plain(alt))}" width="{wide}" src="{source}"></p>'


def words_of(figure: Any) -> str:  # noqa: ANN401 - a Figure
    """Say what stands in a figure that was given."""
    said = [
        text
        for ax in figure.axes
        for text in (
            *(ax.get_ylabel(), ax.get_xlabel(), ax.get_title("left"), ax.get_title()),
            *(label.get_text() for label in (*ax.get_xticklabels(), *ax.get_yticklabels(), *ax.texts)),
        )
        if text
    ]
    return "; ".join(said)


def _known(result: pd.DataFrame) -> tuple[frozenset[str], str, str] | None:
    return next((entry for entry in _KNOWN if entry[0] <= set(result.columns)), None)


def _drawn(result: pd.DataFrame, heading: str) -> Iterator[str]:
    kind, known = tables.kind(result), _known(result)
    name = _FIGURES.get(kind, kind) if kind else known[2] if known else ""
    draw = getattr(plot, name, None) if name else None
    if draw is None or not len(result):
        return
    if kind == "agreement" and "n_repeats" in result.columns and (result["n_repeats"] == 1).all():
        yield "<p>No figure: nothing was asked twice.</p>"
        return
    for part, what in _parts(result):
        try:
            ax = draw(part)
        except AsrlabError as error:
            yield f"<p>No figure{escape(what)}: {escape(error)}</p>"
        else:
            yield picture(ax, f"Figure: {heading}{what}. {_numbers(part)}", close=True)


def _parts(result: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, str]]:
    """Give a table for each figure: rates in different units do not go on one axis."""
    units = list(result["unit"].dropna().unique()) if "unit" in result.columns else []
    if len(units) < 2:
        yield result, ""
        return
    for unit in units:
        mine = result[(result["unit"] == unit).fillna(value=False)]
        yield mine, f", unit {unit}"


def _numbers(result: pd.DataFrame) -> str:
    kind = tables.kind(result)
    own = set(tables.SCHEMAS[kind]) - set(_ESTIMATES) if kind else {"reason", "what"}
    drawn = result.head(_TOLD)[[name for name in result.columns if name not in own]]
    lines = [_GAPS.sub(", ", line.strip()) for line in table(drawn).text.split("\n")]
    return "; ".join([*lines, *([f"{len(result) - _TOLD} more rows in the table"] if len(result) > _TOLD else [])])


def _said(result: pd.DataFrame) -> Iterator[str]:
    kind = tables.kind(result)
    if kind == "summary":
        yield "<p>Rates alone are no finding: what differs, a comparison says.</p>"
    elif kind:
        try:
            yield bullets(sentences(result))
        except AsrlabError as error:
            yield f"<p>No sentences: {escape(error)}</p>"
