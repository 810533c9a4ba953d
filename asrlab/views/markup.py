"""The one formatter of tables: HTML with a text twin that says the same.

Transcripts, file names and manifests are written by others: every text passes :func:`asrlab.text.escape` before it
stands in HTML. The markup holds no style sheet, script, SVG or link: a notebook that is not trusted loses those.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Final

import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.text import escape, plain, untypeset

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

#: Columns that say how a row was made.
_HOW: Final = frozenset(
    {"axis", "baseline", "block_kind", "confidence", "form", "level", "method", "n_comparisons", "normalizer", "note"}
    | {"n_marked", "n_blocks", "n_failed", "n_missing", "n_not_run", "n_pairs", "n_unpaired", "n_utts"}
    | {"n_answers", "n_cells", "n_left_out", "n_questions", "n_repeats", "n_simulations", "design_effect"}
    | {"correction", "effect", "lost", "margin", "resamples", "seed", "smallest_p", "source", "statistic", "n_units"}
    | {"criteria", "n_timed", "target", "test", "ties", "unit"}
)
#: Of an interaction, the effects on either side.
_SIDES: Final = frozenset({"there", "there_low", "there_high", "elsewhere", "elsewhere_low", "elsewhere_high"})
#: What only some differences have: where none in a table has it, it is no column.
_AT_TIMES: Final = _SIDES | {
    *("changed", "changed_floor", "detectable", "repeat_noise", "moderator", "moderator_level", "moderator_baseline")
}
#: What is not worth a word where it is so in all rows; ``<NA>`` is the same.
_USUAL: Final = {
    **dict.fromkeys(("lost", "margin", "n_units", "note", "resamples", "seed", "smallest_p", "statistic", *_AT_TIMES)),
    "n_missing": 0,
    "ties": "jiwer",
}
_SIGNED: Final = _SIDES | {"delta", "low", "high"}
#: Rates that depend on which of equally short alignments is taken.
_BY_TIES: Final = frozenset({"mer", "wil", "wip"})
_P: Final = frozenset({"p", "p_adjusted", "p_wording", "smallest_p"})
_FORMS: Final = {
    "level": ".1%",
    "confidence": ".1%",
    "statistic": ".3f",
    "usd_per_hour": ".3f",
    "usd": ".6f",
    **dict.fromkeys(_P, ".3f"),
}
#: Estimates that stand in one column with the ends of their intervals.
_INTERVALS: Final = {
    "rate": ("low", "high"),
    "delta": ("low", "high"),
    "there": ("there_low", "there_high"),
    "elsewhere": ("elsewhere_low", "elsewhere_high"),
}
#: By a column that tells what table it is: further columns that hold shares, and those that hold differences.
_MORE_SHARES: Final = {
    "recall": ("recall", "precision", "f1", "error", "listed", "unlisted", "leak"),
    "in_wording": ("changed", "in_wording", "in_form", "floor", "floor_wording"),
    "rate_unhinted": ("rate_unhinted", "script", "script_unhinted", "translation", "translation_unhinted"),
    "n_spoken": ("share",),
    "n_flagged": ("rate_without",),
    "rate_before": ("rate_before", "rate_after"),
    "form lost": ("harm",),
    "optimal": ("membership",),
}
_MORE_POINTS: Final = {
    "recall": ("recall_delta", "error_delta", "recall_trend", "error_trend", "listed_trend", "unlisted_trend"),
    "rate_unhinted": ("delta",),
    "rate_before": ("delta", "first", "last"),
    "fits": ("off",),
}
#: Estimates of those tables that have the ends of their intervals beside them, ``_low`` and ``_high``.
_WITH_ENDS: Final = (
    *("recall", "precision", "f1", "error", "listed", "unlisted", "leak", "false_terms", "distractors"),
    *("recall_delta", "error_delta"),
    *("recall_trend", "error_trend", "listed_trend", "unlisted_trend", "distractors_trend"),
)
_OF_AGREEMENT: Final = {"same": ("low", "high"), "rate": ("rate_low", "rate_high")}
_ENDINGS: Final = tuple(f"_{what}{end}" for what in ("delta", "trend") for end in ("", "_low", "_high"))
_WAYS: Final = ("better", "worse", "tied")
_SETTINGS: Final = ("level", "baseline")
_MODERATOR: Final = ("moderator", "moderator_level", "moderator_baseline")
#: Columns of a difference that stand in one, with its head and its form.
_IN_ONE: Final = (
    (_WAYS, "/".join(_WAYS), "{}/{}/{}"),
    (_SETTINGS, "level against baseline", "{} against {}"),
    (_MODERATOR, "moderator", "{}: {} against {}"),
)
#: Of a whole table of differences, after the by-columns: what matters first.
_FIRST: Final = (
    *("unit", "form", "ties", "axis", "level", "baseline"),
    *("moderator", "moderator_level", "moderator_baseline", "rate", "baseline_rate", "delta", "low", "high"),
    *("p_adjusted", "margin", "detectable"),
    *("there", "there_low", "there_high", "elsewhere", "elsewhere_low", "elsewhere_high"),
    *("note", "p", "effect", "better", "worse", "tied", "changed", "changed_floor", "repeat_noise"),
)
MISSING: Final = "–"
EMPTY: Final = "(empty)"
_ROUNDING: Final = 1e-10
_NO_BREAK: Final = "\N{NO-BREAK SPACE}"
#: Where the name of a column may be broken, and the least width of columns with cells of so many characters.
_BREAKS: Final = re.compile("(?<=[_/])")
_WIDTHS: Final = {30: ";min-width:14em", 20: ";min-width:9em", 0: ""}
_CELL: Final = (
    "padding:.2em .4em;vertical-align:top;max-width:40em;overflow-wrap:break-word;white-space:pre-wrap;text-align:"
)


@dataclass(frozen=True, repr=False)
class Html:
    """A piece of HTML and the text that says the same.

    Parameters
    ----------
    markup : str
        HTML to stand inside a page, with everything foreign in it escaped.
    text : str
        Its twin for places without HTML.
    """

    markup: str
    text: str

    def _repr_html_(self) -> str:
        return untypeset(self.markup)

    def __repr__(self) -> str:
        return self.text


def signed(points: float) -> str:
    """Write a difference with its sign, kept where it is rounded to zero: "-0.00" is below zero, "0.00" is zero."""
    return f"{points:+.2f}" if abs(points) > _ROUNDING else "0.00"


def is_missing(value: object) -> bool:
    """Tell whether a cell holds None, NaN or ``<NA>``."""
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))  # type: ignore[call-overload]


def table(
    frame: pd.DataFrame,
    *,
    caption: str | None = None,
    shares: Collection[str] = (),
    fold: bool = True,
    max_rows: int | None = 100,
) -> Html:
    """Format a table: the one way in which all tables of asrlab are shown.

    Parameters
    ----------
    frame : DataFrame
        Any table. Rates and other shares are shown in per cent with two decimals, differences of rates in points, those
        with a direction with their sign ("-0.00" is below zero, "0.00" is zero), p with its statistic with three
        decimals, other fractions with two; ids, labels and whole numbers as they are. A missing value is an en dash, an
        empty text is "(empty)". An index is shown where it has a name or holds something else than numbers.

        An estimate stands in one column with its interval, "-2.00 (-3.00 to -1.00)"; so do the numbers of pairs that
        are better, worse and tied, what is compared ("terms against none"), and what an interaction depends on. A
        comparison or table of effects with more than half of its columns has what matters first; fewer, which somebody
        chose, are in the order chosen.
    caption : str, optional
        Text above the table.
    shares : collection of str
        Further columns that hold shares, to be shown in per cent.
    fold : bool
        Say once, below the table, how all rows were made (unit, form, normalizer, test ...) where that is the same in
        all of them, instead of in a column each. Not said is that ties are jiwer's (where no rate shown depends on
        them), that no trial is missing or lost, a statistic that is the difference itself, and what is not known of any
        row.
    max_rows : int, optional
        Show so many rows and say how many more there are; None shows all.

    Returns
    -------
    Html
        The table, and the same in columns of text (there cells are cut to 60 characters).

    Raises
    ------
    InvalidInput
        If ``shares`` names a column that is not there.
    """
    index = frame.index
    if index.nlevels > 1 or index.name is not None or not (len(index) == 0 or pd.api.types.is_integer_dtype(index)):
        frame = frame.reset_index(allow_duplicates=True)
    names = [" / ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in frame.columns]
    if unknown := sorted(set(shares) - set(names)):
        raise InvalidInput(
            f"shares= names {', '.join(unknown)}; the columns are {', '.join(names)}. Name one of those."
        )
    kind = tables.kind(frame)
    together = (
        kind == "effects" and names.count("effect") == 1 and bool(frame.iloc[:, names.index("effect")].isna().any())
    )
    points, percent = _units(names, kind)
    if kind:
        # A column of another table is an axis, but for effects and a comparison put together.
        own = {*tables.SCHEMAS[kind], *(tables.SCHEMAS["comparison"] if together else ())}
        points, percent = points & own, percent - ({"changed", "changed_floor"} - own)
    points, percent = points - set(shares), percent | set(shares)
    columns = [frame.iloc[:, place] for place in range(len(names))]
    first = _what_matters_first(names, kind, together)
    names, columns = [names[place] for place in first], [columns[place] for place in first]
    same: list[str] = []
    if fold and len(frame):
        folded = [
            place
            for place, (name, column) in enumerate(zip(names, columns, strict=True))
            if (name in _HOW and not (name == "level" and "delta" in points) and column.nunique(dropna=False) == 1)
            or (name in _AT_TIMES and column.isna().all() and kind not in {None, "summary"})
            or (name == "n_units" and kind in {"comparison", "effects"})
        ]
        folded.sort(key=lambda place: names[place] == "note")
        same = [
            f"{names[place]} {' to '.join(_cell(value, names[place], percent, points) for value in ends)}"
            + " points" * (names[place] in points)
            for place in folded
            for ends in (_ends(columns[place]),)
            if not _goes_without_saying(names[place], columns[place].iloc[0], names)
        ]
        folded += _said_twice(names, columns)
        names = [name for place, name in enumerate(names) if place not in folded]
        columns = [column for place, column in enumerate(columns) if place not in folded]
    columns = columns if max_rows is None else [column.head(max_rows) for column in columns]
    right = [pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column) for column in columns]
    cells = [
        [_cell(value, name, percent, points) for value in column] for name, column in zip(names, columns, strict=True)
    ]
    heads, cells, right, aligned = _joined(names, cells, right, (points, percent), kind)
    left_out = 0 if max_rows is None else max(len(frame) - max_rows, 0)
    feet = ["no rows"] if frame.empty else [f"… {left_out} more rows"] if left_out else []
    feet += ["In all rows: " + "; ".join(same)] if same else []
    return Html(
        _table_markup(heads, cells, right, caption, feet, aligned=aligned),
        _table_text(heads, cells, right, caption, feet),
    )


def _what_matters_first(names: list[str], kind: tables.Kind | None, together: bool) -> list[int]:
    """Put the columns of a table of differences in order; of other tables, and of a choice of columns, as they are."""
    own = {**tables.SCHEMAS[kind or "comparison"], **(tables.SCHEMAS["comparison"] if together else {})}
    if kind not in {"comparison", "effects"} or 2 * len(set(own) & set(names)) <= len(own):
        return list(range(len(names)))
    order = [*_FIRST, *(name for name in own if name not in _FIRST)]
    return sorted(range(len(names)), key=lambda k: order.index(names[k]) if names[k] in own else -1)


def _joined(
    names: list[str],
    cells: list[list[str]],
    right: list[bool],
    units: tuple[set[str], set[str]],
    kind: tables.Kind | None,
) -> tuple[list[str], list[list[str]], list[bool], list[bool]]:
    """Put each estimate and its interval into one column, and the counts of pairs.

    Gives heads, cells, whether a column is aligned to the right, and whether its estimates are aligned by spaces.
    """
    points, percent = units
    heads = [f"{name}, points" if name in points else name for name in names]
    cells, right, aligned, gone = list(cells), list(right), [False] * len(names), set()
    place = {name: names.index(name) for name in names if names.count(name) == 1}
    # The interval of power is that of its simulation, and says nothing of how far to trust it.
    known = _OF_AGREEMENT if kind == "agreement" else {} if kind == "power" else _INTERVALS
    if "recall" in names:
        known = known | {name: (f"{name}_low", f"{name}_high") for name in _WITH_ENDS}
    for name, ends in known.items():
        all_three = {name, *ends}
        of_one_kind = all_three <= points or all_three <= percent or not all_three & (points | percent)
        if all_three <= set(place) and of_one_kind:
            own, low, high = place[name], *(place[end] for end in ends)
            cells[own] = _with_intervals(cells[own], cells[low], cells[high])
            heads[own] = heads[own] if name in points or name in _WITH_ENDS else f"{name} ({ends[0]} to {ends[1]})"
            aligned[own] = True
            gone |= {low, high}
    for parts, head, form in _IN_ONE if kind in {"comparison", "effects"} else ():
        if set(parts) <= set(place):
            of = [place[part] for part in parts]
            rows = zip(*(cells[k] for k in of), strict=True)
            cells[of[0]] = [MISSING if set(row) == {MISSING} else form.format(*row) for row in rows]
            heads[of[0]], right[of[0]] = head, parts is _WAYS
            gone |= set(of[1:])
            if parts is _MODERATOR and "effect" in place:
                gone.add(place["effect"])  # an interaction has a moderator, a main effect has none
    kept = [k for k in range(len(names)) if k not in gone]
    return (
        [heads[k] for k in kept],
        [cells[k] for k in kept],
        [right[k] and not aligned[k] for k in kept],
        [aligned[k] for k in kept],
    )


def _with_intervals(estimates: list[str], lows: list[str], highs: list[str]) -> list[str]:
    wide = max(map(len, estimates), default=0)
    ends = [
        f" ({low.removesuffix('%')} to {high})" if MISSING not in (low, high) else " (no interval)"
        for low, high in zip(lows, highs, strict=True)
    ]
    return [f"{own:>{wide}}{end * (own != MISSING)}" for own, end in zip(estimates, ends, strict=True)]


def _units(names: list[str], kind: tables.Kind | None) -> tuple[set[str], set[str]]:
    """Give the columns in points and those in per cent; some names may mean anything in a table that is no result."""
    points: set[str] = set()
    percent = {"rate", "baseline_rate", "clipped", "ser", *_BY_TIES}
    percent |= {"mean", "median"} if "rate" in names else set()
    percent |= {"rate_low", "rate_high"} if "rate" in names and kind in {None, "agreement"} else set()
    if kind in {"comparison", "effects", "power"}:
        points |= {"delta"} if kind == "power" else _SIGNED | {"detectable", "repeat_noise", "margin"}
        percent |= {"power", "target"} if kind == "power" else {"changed", "changed_floor"}
    if kind == "agreement":
        points |= {"repeat_noise"}
        percent |= {"same"}
    for known, units in ((_MORE_SHARES, percent), (_MORE_POINTS, points)):
        more = {name for told_by, its in known.items() if told_by in names for name in its}
        units |= {f"{name}{end}" for name in more for end in ("", "_low", "_high")}
    percent -= points
    return points, percent | ({"low", "high"} - points)


def _said_twice(names: list[str], columns: list[pd.Series]) -> list[int]:
    """Find the statistic where it is the difference itself, as that of sign-flips is."""
    place = {name: names.index(name) for name in ("delta", "statistic") if names.count(name) == 1}
    if len(place) < 2:
        return []
    delta, statistic = (pd.to_numeric(columns[k], errors="coerce").astype("Float64") for k in place.values())
    same = ((delta - statistic).abs() < _ROUNDING).fillna(False) | statistic.isna()
    return [place["statistic"]] if bool(same.all()) and statistic.notna().any() else []


def _ends(column: pd.Series) -> list[object]:
    """Give the one value of a column, or the least and the greatest."""
    return [column.iloc[0]] if column.nunique(dropna=False) == 1 else [column.min(), column.max()]


def _goes_without_saying(name: str, value: object, names: list[str]) -> bool:
    if name not in _USUAL or (name == "ties" and not is_missing(value) and _BY_TIES & set(names)):
        return False
    return is_missing(value) or value == _USUAL[name]


def _cell(value: object, name: str, percent: set[str], points: set[str]) -> str:
    if is_missing(value):
        return MISSING
    if not isinstance(value, Real) or isinstance(value, bool):
        return str(value) or EMPTY
    number = float(value)
    if name in points:
        return (
            signed(100 * number)
            if name in _SIGNED or name == "off" or name.endswith(_ENDINGS)
            else f"{100 * number:.2f}"
        )
    if isinstance(value, Integral) and name not in percent:
        return str(int(value))
    if name in _P and number < 0.001:
        return "<0.001"
    return f"{number:{'.2%' if name in percent else _FORMS.get(name, '.2f')}}"


def _table_markup(
    heads: Sequence[str],
    cells: Sequence[Sequence[str]],
    right: Sequence[bool],
    caption: str | None,
    feet: Sequence[str],
    *,
    aligned: Sequence[bool],
) -> str:
    styles = [_style(*column) for column in zip(cells, right, aligned, strict=True)]
    head = "".join(
        f'<th scope="col" style="{style};border-bottom:1px solid #767676">{_BREAKS.sub("<wbr>", escape(name))}</th>'
        for name, style in zip(heads, styles, strict=True)
    )
    cells = [list(map(_padded, column)) if spaced else column for spaced, column in zip(aligned, cells, strict=True)]
    rows = [
        "".join(f'<td dir="auto" style="{style}">{escape(text)}</td>' for text, style in zip(row, styles, strict=True))
        for row in zip(*cells, strict=True)
    ]
    title = f'<caption style="text-align:left;font-weight:bold">{escape(caption)}</caption>' if caption else ""
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<table style="border-collapse:collapse;font-variant-numeric:tabular-nums">{title}\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
        + "".join(f"<p>{escape(foot)}</p>" for foot in feet)
    )


def _style(column: Sequence[str], numeric: bool, spaced: bool) -> str:
    style = f"{_CELL}{'right' if numeric else 'left'}"
    if spaced:
        return style
    # A column of long texts must not be squeezed to a word a line by many narrow ones.
    longest = max(map(len, column), default=0)
    return style + next((width for least, width in _WIDTHS.items() if longest > least), "")


def _padded(text: str) -> str:
    """Align an estimate by spaces as wide as a digit; where there is no room, its interval goes to the next line."""
    estimate, bracket, interval = text.lstrip(" ").partition(" (")
    pad = "\N{FIGURE SPACE}" * (len(text) - len(text.lstrip(" ")))
    return f"{pad}{estimate}{bracket}{interval.replace(' ', _NO_BREAK)}"


def _table_text(
    heads: Sequence[str],
    cells: Sequence[Sequence[str]],
    right: Sequence[bool],
    caption: str | None,
    feet: Sequence[str],
) -> str:
    columns = [[plain(text, 60) for text in (head, *column)] for head, column in zip(heads, cells, strict=True)]
    widths = [max(map(display_width, column)) for column in columns]
    lines = [
        "  ".join(
            " " * (wide - display_width(text)) + text if numeric else text + " " * (wide - display_width(text))
            for text, wide, numeric in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in zip(*columns, strict=True)
    ]
    return "\n".join([*([plain(caption)] if caption else []), *lines, *map(plain, feet)])


def display_width(text: str) -> int:
    """Count the columns of a terminal that a text takes: two for a Han character, none for a combining mark."""
    return sum(
        0 if unicodedata.category(sign) in {"Mn", "Me"} else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
    )
