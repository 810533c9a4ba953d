"""Facts: what a table of results says of itself, for the title of its figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.text import CORRECTIONS, MEASURES
from asrlab.views.markup import is_missing
from asrlab.wordings import reference_of

if TYPE_CHECKING:
    import pandas as pd

#: What a table is called, and the figure that draws it.
_DRAWN: Final = {
    "summary": ("a summary", "rates"),
    "comparison": ("a comparison", "deltas"),
    "effects": ("a table of effects", "deltas"),
    "power": ("a table of power", "power"),
    "agreement": ("the agreement of repeats", "agreement"),
}


def refuse_another(frame: pd.DataFrame, figure: str, needed: tuple[str, ...]) -> tables.Kind | None:
    """Tell which table it is; refuse one of results that another figure draws, and several put together."""
    kind = tables.kind(frame)
    if kind is None:
        if set(needed) <= set(frame.columns):
            raise InvalidInput("These are results of several kinds put together. Draw each kind by itself.")
        return None
    what, draws = _DRAWN[kind]
    if draws != figure:
        instead = f"plot.{draws} draws it" if draws else "no figure draws it; lab.sentences says what is in it"
        raise InvalidInput(f"This is {what}: {instead}.")
    return kind


def refuse_results(frame: pd.DataFrame, needed: tuple[str, ...]) -> None:
    """Refuse a table of results where another one is to be drawn."""
    tables.check_frame(frame)
    if not set(needed) <= set(frame.columns) and (kind := tables.kind(frame)):
        what, draws = _DRAWN[kind]
        raise InvalidInput(f"This is {what}: {f'plot.{draws}' if draws else 'no figure'} draws it.")


def measure_of(frame: pd.DataFrame, table: str) -> str:
    """Name the measure of a table, which counts in one unit."""
    units = sorted(frame["unit"].dropna().unique())
    if len(units) > 1:
        raise InvalidInput(
            f"This {table} counts in {' and '.join(units)}: such rates side by side in one figure mislead. "
            f"Draw one figure a unit, such as {table}[{table}['unit'] == {units[0]!r}]."
        )
    return capital(in_full(units[0])) if units else "Error rate"


def in_full(unit: object) -> str:
    """Give the name of what is counted in a unit."""
    return MEASURES.get(str(unit), ("", f"error rate by {unit}"))[1]


def capital(text: str) -> str:
    """Write with a capital."""
    return f"{text[0].upper()}{text[1:]}"


def in_line(measure: str) -> str:
    """Write as within a sentence."""
    return f"{measure[0].lower()}{measure[1:]}"


def conditions_of_marking(frame: pd.DataFrame, level: str) -> list[str]:
    """Say what the marks depend on, and how sure the intervals are."""
    marking = ("form", "normalizer", "ties", level)
    forms, chains, ties, levels = (sorted(frame[name].dropna().unique()) if name in frame else [] for name in marking)
    named = [reference_of(form) for form in forms]
    return [
        *([" and ".join([*(name.removesuffix(" reference") for name in named[:-1]), named[-1]])] if named else []),
        *([f"normalizer {' and '.join(chains)}"] if chains else []),
        *([f"ties of {' and '.join(ties)}"] if set(ties) - {"jiwer"} else []),
        *(f"{100 * share:.6g}% intervals" for share in levels if _with_intervals(frame)),
    ]


def _with_intervals(frame: pd.DataFrame) -> bool:
    """Tell whether any row has an interval."""
    return "low" not in frame or bool(frame["low"].notna().any())


def points(share: float) -> str:
    """Write a share in points."""
    return plural(f"{100 * abs(share):.3g}", "point")


def blocks_of(frame: pd.DataFrame) -> list[str]:
    """Say how many blocks there are, where that is not the number of utterances."""
    kinds = list(dict.fromkeys(map(kind_of, frame["block_kind"])))
    if kinds == ["utterance"]:
        return []  # their number has been given
    return numbers_of(frame["n_blocks"], kinds[0] if len(kinds) == 1 else "block")


def kind_of(value: object) -> str:
    """Name a kind of block."""
    return "block" if is_missing(value) else str(value)


def numbers_of(counts: pd.Series, noun: str) -> list[str]:
    """Say how many there are, of the least and the most where that differs."""
    known = counts.dropna()
    if known.empty:
        return []
    low, high = known.min(), known.max()
    return [plural(str(low) if low == high else f"{low}-{high}", noun)]


def plural(number: str, noun: str) -> str:
    """Write a number with its noun."""
    return f"{number} {noun}" if number == "1" else f"{number} {noun}s"


def corrected(how: object, many: object) -> str:
    """Say how p is corrected."""
    name = "" if is_missing(how) else str(how)
    if name == "none":
        return "p not corrected"
    if is_missing(many) or many in {0, 1}:
        return ""
    return f"p adjusted {f'by {CORRECTIONS.get(name, name)} over' if name else 'for'} {plural(str(many), 'comparison')}"


def delta_facts(frame: pd.DataFrame, common: str, compared: pd.Series) -> list[str]:
    """Say of differences what they are of and how they were tested; ``compared``: rows of a comparison."""
    return [
        *conditions_of_marking(frame, "confidence"),
        *([f"all with {common}"] if common else []),
        *(numbers_of(frame.loc[compared, "n_pairs"], "pair") if compared.any() and "n_pairs" in frame else []),
        *(numbers_of(frame.loc[~compared, "n_utts"], "utterance") if not compared.all() else []),
        *dict.fromkeys(str(test) for test in frame["test"].dropna()),
        *dict.fromkeys(map(corrected, frame["correction"], frame["n_comparisons"])),
    ]


def lost_facts(frame: pd.DataFrame) -> list[str]:
    """Say how many trials have no answer, and how they count."""
    counts = {name: int(frame[f"n_{name}"].fillna(0).sum()) for name in ("failed", "not_run", "missing")}
    lost = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counts.items() if n)
    dropped, all_deleted = (frame["lost"].str.contains(how).any() for how in ("dropped", "all-deleted"))
    fate = "partly counted as all deleted" if dropped else "counted as all deleted"
    return [f"{fate if all_deleted else 'not in the rates'}: {lost}"] if lost else []
