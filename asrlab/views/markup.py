"""Escaping, and the one formatter of tables: HTML with a text twin that says the same.

Transcripts, file names and manifests are written by others: every text passes :func:`escape` before it stands in HTML.
The markup holds no style sheet, script, SVG or link, because a notebook that is not trusted loses those.
"""

from __future__ import annotations

import html
import unicodedata
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Final

import pandas as pd

from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

#: Columns that say how a row was made.
_HOW: Final = frozenset(
    {"axis", "baseline", "block_kind", "confidence", "form", "level", "method", "n_comparisons", "normalizer", "note"}
    | {"n_marked", "n_blocks", "n_failed", "n_missing", "n_not_run", "n_pairs", "n_unpaired", "n_utts"}
    | {"n_answers", "n_cells", "n_left_out", "n_questions", "n_repeats", "n_simulations", "design_effect"}
    | {"correction", "effect", "lost", "margin", "resamples", "seed", "smallest_p", "source", "target", "test"}
    | {"ties", "unit"}
)
#: Of an interaction, the effects on either side.
_SIDES: Final = frozenset({"there", "there_low", "there_high", "elsewhere", "elsewhere_low", "elsewhere_high"})
#: What only some differences have: where none in a table has it, it is no column.
_AT_TIMES: Final = _SIDES | {
    *("changed", "changed_floor", "detectable", "repeat_noise", "moderator", "moderator_level", "moderator_baseline")
}
#: What is not worth a word where it is so in all rows; ``<NA>`` is the same.
_USUAL: Final = {
    **dict.fromkeys(("lost", "margin", "note", "resamples", "seed", *_AT_TIMES)),
    "n_missing": 0,
    "ties": "jiwer",
}
_SIGNED: Final = _SIDES | {"delta", "low", "high"}
#: Rates that depend on which of equally short alignments is taken.
_BY_TIES: Final = frozenset({"mer", "wil", "wip"})
_P: Final = frozenset({"p", "p_adjusted", "smallest_p"})
_FORMS: Final = {"level": ".1%", "confidence": ".1%", "statistic": ".3f", **dict.fromkeys(_P, ".3f")}
MISSING: Final = "–"
EMPTY: Final = "(empty)"
# Controls, and marks that turn the direction of all that follows, are spelled out.
_VISIBLE: Final[dict[int, int | str]] = {
    **{code: f"\\x{code:02x}" for code in (*range(0x20), 0x7F) if code not in {0x09, 0x0A}},
    **{code: f"\\u{code:x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))},
}
_ONE_LINE: Final[dict[int, int | str]] = {**_VISIBLE, 0x09: " ", 0x0A: "⏎"}
_CELL: Final = (
    "padding:.2em .5em;vertical-align:top;max-width:40em;overflow-wrap:break-word;white-space:pre-wrap;text-align:"
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
        return self.markup

    def __repr__(self) -> str:
        return self.text


def escape(value: object) -> str:
    """Make any value safe to stand in HTML, as text or in a quoted attribute; controls become visible."""
    return html.escape(str(value).translate(_VISIBLE).encode("utf-8", "replace").decode("utf-8"))


def plain(value: object, limit: int | None = None) -> str:
    """Bring any value to one line of printable text, cut to ``limit`` characters."""
    text = str(value).translate(_ONE_LINE).encode("utf-8", "replace").decode("utf-8")
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"


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
        with a direction with their sign, p with its statistic with three decimals, other fractions with two; ids,
        labels and whole numbers as they are. A missing value is an en dash, an empty text is "(empty)". An index is
        shown where it has a name or holds something else than numbers.
    caption : str, optional
        Text above the table.
    shares : collection of str
        Further columns that hold shares, to be shown in per cent.
    fold : bool
        Say once, below the table, how all rows were made (unit, form, normalizer, test ...) where that is the same in
        all of them, instead of in a column each. Not said is that ties are jiwer's (where no rate shown depends on
        them), that no trial is missing or lost, and what is not known of any row.
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
    points, percent = _units(names)
    points, percent = points - set(shares), percent | set(shares)
    columns = [frame.iloc[:, place] for place in range(len(names))]
    same: list[str] = []
    if fold and len(frame):
        folded = [
            place
            for place, (name, column) in enumerate(zip(names, columns, strict=True))
            if (name in _HOW and not (name == "level" and "delta" in points) and column.nunique(dropna=False) == 1)
            or (name in _AT_TIMES and column.isna().all() and {"delta", "same"} & set(names))
        ]
        same = [
            f"{names[place]} {_cell(columns[place].iloc[0], names[place], percent, points)}"
            + " points" * (names[place] in points)
            for place in folded
            if not _goes_without_saying(names[place], columns[place].iloc[0], names)
        ]
        names = [name for place, name in enumerate(names) if place not in folded]
        columns = [column for place, column in enumerate(columns) if place not in folded]
    columns = columns if max_rows is None else [column.head(max_rows) for column in columns]
    right = [pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column) for column in columns]
    cells = [
        [_cell(value, name, percent, points) for value in column] for name, column in zip(names, columns, strict=True)
    ]
    heads = [f"{name}, points" if name in points else name for name in names]
    left_out = 0 if max_rows is None else max(len(frame) - max_rows, 0)
    feet = ["no rows"] if frame.empty else [f"… {left_out} more rows"] if left_out else []
    feet += ["In all rows: " + "; ".join(same)] if same else []
    return Html(_table_markup(heads, cells, right, caption, feet), _table_text(heads, cells, right, caption, feet))


def _units(names: list[str]) -> tuple[set[str], set[str]]:
    """Give the columns in points and those in per cent; some names may mean anything in a table that is no result."""
    points: set[str] = set()
    percent = {"rate", "baseline_rate", "clipped", "ser", *_BY_TIES}
    percent |= {"mean", "median", "rate_low", "rate_high"} if "rate" in names else set()
    if "delta" in names:
        points |= _SIGNED | {"detectable", "repeat_noise", "margin"}
        percent |= {"changed", "changed_floor"}
    if "same" in names:
        points |= {"repeat_noise"}
        percent |= {"same"}
    if "power" in names:
        points -= {"low", "high"}
        percent |= {"power", "target"}
    return points, percent | ({"low", "high"} - points)


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
        return f"{100 * number:+z.2f}" if name in _SIGNED else f"{100 * number:.2f}"
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
) -> str:
    # A column of long texts must not be squeezed to a word a line by many narrow ones.
    styles = [
        f"{_CELL}{'right' if numeric else 'left'}{';min-width:14em' * any(len(text) > 30 for text in column)}"
        for numeric, column in zip(right, cells, strict=True)
    ]
    head = "".join(
        f'<th scope="col" style="{style};border-bottom:1px solid #767676">{escape(name).replace("_", "_<wbr>")}</th>'
        for name, style in zip(heads, styles, strict=True)
    )
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
