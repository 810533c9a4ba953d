"""Sentences: what a table of results shows, in words, and no more.

A difference is claimed only where the corrected p and the interval agree; what is not shown is not said to be absent,
but the data say what they could have seen.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, SupportsIndex, overload

import pandas as pd

from asrlab import groups, tables
from asrlab.errors import InvalidInput
from asrlab.text import CORRECTIONS, MEASURES, bullets, plain, untypeset, visible
from asrlab.wordings import reference_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Row = Mapping[str, Any]  # None is what is not known

_DIFFERENCE: Final = ("axis", "level", "baseline", "delta", "low", "high", "confidence", "test", "p_adjusted", "unit")
#: Of each kind of table, the columns without which nothing true can be said.
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "effects": ("effect", "moderator", "moderator_level", "moderator_baseline", *_DIFFERENCE),
    "comparison": _DIFFERENCE,
    "power": ("delta", "speakers", "utterances", "power", "target", "unit"),
    "agreement": ("same", "low", "high", "unit"),
}
#: Between the moderators of an interaction of more than two axes.
_TIMES: Final = " × "
#: What a sentence says of its row besides the by-columns, where the table has it.
_ROWS: Final = (
    *("axis", "level", "baseline", "moderator", "moderator_level", "moderator_baseline", "unit", "form", "ties"),
    *("test", "delta", "speakers", "utterances"),
)
#: 1 - 0.9 is a little less than 0.1.
_ROUNDING: Final = 1e-12
_MOST_DIGITS: Final = 4
#: Unit -> what an utterance has that has any error of it, where that is not an error of a word.
_WITH_AN_ERROR: Final = {
    "term": "utterances with a missed term",
    "leak": "answers with a leak",
    "script": "answers in another script",
    "translation": "answers that read as translated",
}
#: In the note on a design that can find nothing.
_HOPELESS: Final = "cannot give p below"
#: Begins a note that repeats what a test asks.
_ASKED: Final = "asks whether"


class Sentences(list[str]):
    """Sentences: a list of them, shown as one; printed, one a line. Part of them, and two together, are such too."""

    @overload
    def __getitem__(self, key: SupportsIndex, /) -> str: ...
    @overload
    def __getitem__(self, key: slice, /) -> Sentences: ...
    def __getitem__(self, key: SupportsIndex | slice, /) -> str | Sentences:
        return Sentences(super().__getitem__(key)) if isinstance(key, slice) else super().__getitem__(key)

    def __add__(self, others: list[str], /) -> Sentences:  # type: ignore[override]  # of texts only
        return Sentences([*self, *others])

    def __radd__(self, others: list[str], /) -> Sentences:
        return Sentences([*others, *self])

    def copy(self) -> Sentences:
        """Make another list of the same."""
        return Sentences(self)

    def __str__(self) -> str:
        return "\n".join(map(plain, self))

    def _repr_html_(self) -> str:
        return untypeset(bullets(self))


def sentences(table: pd.DataFrame) -> Sentences:
    """Say in words what a table of results shows, and no more.

    Parameters
    ----------
    table : DataFrame
        A comparison, from :func:`asrlab.compare`; effects, from :func:`asrlab.effects`; both put together; power, from
        :func:`asrlab.power`; or the agreement of repeats, from :func:`asrlab.agreement`. They are told apart by their
        columns.

    Returns
    -------
    Sentences
        A list with a string a row, which a notebook shows as such; of a sweep in which nothing was asked twice, one
        string for all. Each is of one to four short sentences, with the numbers, the test and the correction. A rate is
        called lower or higher only where the corrected p is at most 1 - confidence and the interval excludes 0.
        Otherwise no difference is *shown*, which is not to say that there is none: what such data would show is said
        beside it. Two settings are the same only within the margin of an equivalence test that says so. Labels are
        given as they are, but for what the names of all settings of a table have in common, and for controls, which are
        spelled out: escape them before they stand in HTML.

    Raises
    ------
    InvalidInput
        If the table is none of these, or lacks a column without which nothing true can be said.

    Examples
    --------
    >>> row = {"axis": "context", "level": "terms", "baseline": "none", "rate": 0.123, "baseline_rate": 0.15,
    ...        "delta": -0.027, "low": -0.04, "high": -0.014, "confidence": 0.95, "test": "sign-flip by speaker, exact",
    ...        "p_adjusted": 0.004, "unit": "word", "block_kind": "speaker", "n_blocks": 16, "n_pairs": 64}
    >>> sentences(pd.DataFrame([row]))[0]
    'context terms against none: lower WER, 12.3 % against 15.0 %, -2.7 points (95 % interval -4.0 to -1.4; sign-flip by speaker, p = 0.004; 16 speakers, 64 pairs).'
    """  # noqa: E501 - one string
    kind = tables.kind(table)
    if kind is None or kind == "summary":
        raise InvalidInput(
            "Sentences are made of what compare(), effects(), power() or agreement() give, one kind at a time; this "
            f"table has the columns {', '.join(map(str, table.columns)) or 'none'}. "
            + ("Rates alone are no finding: compare them first." if kind else "Give each kind of results by itself.")
        )
    if kind != "effects" or "effect" not in table.columns or table["effect"].notna().all():
        return Sentences(map(visible, _said(table, kind)))
    # A comparison and effects put together.
    own = table["effect"].notna()
    effects = iter(_said(_part(table[own], "effects"), "effects"))
    compared = iter(_said(_part(table[~own], "comparison"), "comparison"))
    return Sentences(visible(next(effects if is_effect else compared)) for is_effect in own)


def _part(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Leave out of the rows of one of several tables put together the columns that only the others have."""
    declared = tables.SCHEMAS[kind]
    return table.drop(columns=[name for name in table.columns if name not in declared and table[name].isna().all()])


def _said(table: pd.DataFrame, kind: str) -> list[str]:
    frame = tables.check(table, kind, required=_NEEDED[kind])
    own = tables.SCHEMAS[kind]
    by = [column for column in table.columns if column not in own]
    told_apart = [*map(str, by), *(column for column in _ROWS if column in own)]
    if "normalizer" in own and frame.duplicated(told_apart).any():
        by.append("normalizer")
    rows: list[Row] = [
        {
            **{name: _known(row[name]) for name in own},
            "by": {str(name): _known(row[str(name)]) for name in by},  # which may have the name of any column
        }
        for row in frame.to_dict("records")
    ]
    if kind == "agreement" and rows and all(row["n_repeats"] == 1 for row in rows):
        return [
            "Every question was asked once: how much the service varies by itself is not known. Ask with repeats=3."
        ]
    if kind in {"comparison", "effects"}:
        short = _short_labels(rows)
        rows = [
            {**row, **{end: short.get((row["axis"], row[end]), row[end]) for end in ("level", "baseline")}}
            for row in rows
        ]
    say: Callable[[Row, str, Sequence[Row]], list[str]] = {
        "comparison": _of_comparison,
        "effects": _of_effects,
        "power": _of_power,
        "agreement": _of_agreement,
    }[kind]
    return [" ".join([*say(row, _where(row), rows), *_note(row)]) for row in rows]


# -- one table each ----------------------------------------------------------------------------------------------------


def _of_comparison(row: Row, where: str, _: Sequence[Row]) -> list[str]:
    measure = _measure(row)
    setting = f"{_setting(row)}{f' ({where})' if where else ''}"
    if row["delta"] is None:
        return [f"{setting}: {measure} cannot be compared."]
    digits = _digits(row, "delta", "low", "high", "detectable", "repeat_noise")
    test, finding = str(row["test"] or "").lower(), _finding(row)
    pooled = [] if row["rate"] is None or row["baseline_rate"] is None else [_rates(row, digits)]
    change = ", ".join([*pooled, f"{_signed(row['delta'], digits)} points"])
    counts = _counted(row, _many(row["n_pairs"], "pair"), row["n_unpaired"])
    interval, evidence = _interval(row, digits), [*_evidence(row), counts]
    if "mcnemar" in test and row["unit"] != "sentence":
        # It asks how many utterances have any error, and the rate may go the other way.
        share = f"share of {_WITH_AN_ERROR.get(row['unit'], 'sentences with any error')}"
        verdict = {
            "passed": f"the {share} differs",
            "corrected": f"no difference shown in the {share} after correction",
            "failed": f"no difference shown in the {share}",
            "untested": f"the {share} is not tested",
        }[_passes(row)]
        return [
            f"{setting}: {verdict}{_bracketed(evidence)}; {measure} {change}{_bracketed([interval])}.",
            *_beside(row, digits, finding),
        ]
    more: list[str] = []
    # Where no test was made, the margin tells what was asked.
    if (
        "inferior" in test
        or "equivalence" in test
        or (not test and row["margin"] is not None and finding == "untested")
    ):
        opening = _within_margin(row, measure)
    elif "wilcoxon" in test and _passes(row) == "passed":
        # It asks of the blocks' own rates, each as weighty as the other.
        pooled_too = f"is {_way(row)} when pooled" if finding == "shown" else "is not shown to differ when pooled"
        opening = f"{measure} of the {row['block_kind'] or 'block'}s differs, and {pooled_too}, "
    elif finding == "shown":
        opening = f"{_way(row)} {measure}{' if segments are independent' * ('mapsswe' in test)}, "
    else:
        opening = _not_shown(finding, f"difference in {measure}")
        more = _could_have_seen(row, finding, digits)
    return [f"{setting}: {opening}{change}{_bracketed([interval, *evidence])}.", *more, *_beside(row, digits, finding)]


def _of_effects(row: Row, where: str, rows: Sequence[Row]) -> list[str]:
    measure = _measure(row)
    setting = f"{_setting(row)}{f' ({where})' if where else ''}"
    interaction = row["moderator"] is not None
    if row["delta"] is None:
        return [f"{setting}: {measure} cannot be compared{' in ' + _label(row['moderator']) if interaction else ''}."]
    digits = _digits(row, "delta", "low", "high", "detectable", "there", "elsewhere")
    utterances = "" if row["block_kind"] == "utterance" else _many(row["n_utts"], "utterance")
    counts = _counted(row, utterances, row["n_left_out"])
    proof = f"{_bracketed([_interval(row, digits), *_evidence(row), counts])}."
    finding = _finding(row)
    more = [] if finding == "shown" else _could_have_seen(row, finding, digits)
    axes = dict.fromkeys(axis for other in rows for axis in _axes(other))
    others = [axis for axis in axes if axis not in _axes(row)]
    averaged = f", averaged over {_joined(others)}" if others else ""
    if not interaction:
        if finding == "shown":
            verdict = f"{_way(row)} {measure} by {_plain(row['delta'], digits)} points{averaged}"
        else:
            verdict = _not_shown(finding, f"difference in {measure}")
            verdict += f"{_signed(row['delta'], digits)} points{averaged}"
        depends = list(dict.fromkeys(name for other in rows for name in _moderated_by(other, row)))
        more += [f"This effect depends on {_joined(depends)}."] if depends else []
        return [f"{setting}: {verdict}{proof}", *more]
    moderator, there, elsewhere = _label(row["moderator"]), _held(row, "level"), _held(row, "baseline")
    if finding == "shown":
        opening = f"{setting} depends on {moderator}: "
    else:
        opening = f"{setting}: {_not_shown(finding, f'dependence on {moderator}')}"
    change = f"{_signed(row['delta'], digits)} points"
    if row["there"] is None or row["elsewhere"] is None:
        change += f" in {measure}, {there} against {elsewhere}"
        return [f"{opening}a difference of differences of {change}{averaged}{proof}", *more]
    sides = [
        f"{_signed(row[name], digits)} points with {label}{_ends(row, f'{name}_low', f'{name}_high', digits)}"
        for name, label in (("there", there), ("elsewhere", elsewhere))
    ]
    if finding == "shown":
        more += _only_there(row, there, elsewhere)
    sided = f"{measure} changes by {sides[0]} and {sides[1]}"
    return [f"{opening}{sided}, a difference of {change}{averaged}{proof}", *more]


def _of_power(row: Row, where: str, _: Sequence[Row]) -> list[str]:
    kind = row["test"].rpartition(" by ")[2] if row["test"] and " by " in row["test"] else "speaker"
    design = [_many(row["speakers"], kind), "" if kind == "utterance" else _many(row["utterances"], "utterance")]
    design = list(filter(None, design))
    asked = " of ".join(design) + " each" * (len(design) > 1) or "this design"
    sought = f"a true difference in {_measure(row)}"
    if row["delta"] is not None:
        sought = f"a true difference of {_round_points(row['delta'])} in {_measure(row)}"
    if row["power"] is None:
        return [_opened(where, f"how often {asked} would find {sought} is not known.")]
    how_sure = ", ".join([*_name_of_test(row), *(words.removeprefix("after ") for words in _corrected(row))])
    if row["power"] == 0 and (why := [words for words in _notes(row) if _HOPELESS in words]):
        return [f"{_opened(where, why[0])}. So {asked} can never find {sought}{_bracketed([how_sure])}."]
    found = f"in {_percent(row['power'])} of experiments"
    if row["power"] == 0 and row["n_simulations"] is not None:
        found = f"in none of {row['n_simulations']} simulated experiments"
    error = None if row["low"] is None or row["high"] is None else (row["high"] - row["low"]) / 2
    sure = "" if error is None else f"give or take {max(100 * error, 0.1):.1f} by simulation"
    told, source = str(row["note"] or "").lower(), row["source"] or ""
    facts = [
        how_sure,
        f"rates and spreads {'from a pilot' if source == 'pilot' else source}" if source and source not in told else "",
        "" if row["rate"] is None else f"baseline {100 * row['rate']:.1f} %",
    ]
    would = f"{asked} would find {sought} {found}{_bracketed([sure, *facts])}"
    if row["target"] is None:
        return [_opened(where, f"{would}.")]
    target = f"{100 * row['target']:.3g} %"
    if row["power"] < row["target"]:
        return [_opened(where, f"{would}: not enough for {target}.")]
    certain = row["low"] is None or row["low"] >= row["target"]
    simulated = ", ".join(filter(None, [f"simulated power {_percent(row['power'])}", sure]))
    enough = f"{asked} are {'' if certain else 'about '}enough{_bracketed([simulated, *facts])}"
    return [_opened(where, f"to see {sought} with {target} power, {enough}.")]


def _of_agreement(row: Row, where: str, _: Sequence[Row]) -> list[str]:
    measure, low, high = _measure(row), row["rate_low"], row["rate_high"]
    if row["same"] is None:
        unknown = f"whether answers come back the same, and how much {measure} varies by itself, is not known."
        return [_opened(where, unknown)]
    ends = "no interval"
    if row["low"] is not None and row["high"] is not None:
        level = "interval" if row["level"] is None else f"{100 * row['level']:.6g} % interval"
        ends = f"{level} {_percent(row['low'])} to {_percent(row['high'])}"
    questions, askings = _many(row["n_questions"], "question"), _many(row["n_repeats"], "asking")
    pairs = " of ".join(filter(None, [_many(row["n_pairs"], "pair"), questions]))
    caution = str(row["method"] or "").partition("; ")[2]
    proof = _bracketed([ends, _counted(row, pairs, None), caution])
    came = f"asked again, {_percent(row['same'])} of answers came back the same{proof}"
    if row["same"] == 1:
        came = f"no answer changed in {askings or 'any asking'}{f' of {questions}' if questions else ''}{proof}"
    digits = _digits({"repeat_noise": row["repeat_noise"]}, "repeat_noise")
    if low is None or high is None:
        came += f"; how much {measure} varied is not known"
    else:
        digits = 2 if low != high and f"{100 * low:.1f}" == f"{100 * high:.1f}" else digits
        least, most = f"{100 * low:.{digits}f} %", f"{100 * high:.{digits}f} %"
        varied = f"varied from {least} to {most}{f' over {askings}' if askings else ''}"
        came += f"; {measure} {f'was {least} each time' if low == high else varied}"
    said = [_opened(where, f"{came}.")]
    if row["repeat_noise"]:
        spread = f"±{_plain(row['repeat_noise'], digits)} points (one standard deviation)"
        said.append(f"By the service alone, {measure} of one asking of all varies by {spread}.")
    return said


# -- what may be said --------------------------------------------------------------------------------------------------


def _passes(row: Row) -> str:
    """Tell what the test alone says: passed, corrected (passed but for the correction), failed or untested."""
    p, corrected, alpha = row["p"], row["p_adjusted"], _alpha(row)
    if corrected is None or alpha is None:
        return "untested"
    if corrected <= alpha:
        return "passed"
    return "corrected" if p is not None and p <= alpha else "failed"


def _finding(row: Row) -> str:
    """Tell what test and interval say together: shown, corrected, untested, no, or which of the two contradicts."""
    outside = row["low"] is not None and row["high"] is not None and not row["low"] <= 0 <= row["high"]
    test = _passes(row)
    if test == "passed":
        return "shown" if outside else "no" if row["low"] is None else "interval"
    if test == "failed":
        return "test" if outside else "no"
    return test


def _alpha(row: Row) -> float | None:
    return None if row["confidence"] is None else 1 - float(row["confidence"]) + _ROUNDING


def _not_shown(finding: str, what: str) -> str:
    """Open a sentence of what is not shown, up to the numbers."""
    return {
        "no": f"no {what} shown, ",
        "corrected": f"no {what} shown after correction, ",
        "interval": f"no {what} shown: the test finds one, but the interval includes 0; ",
        "test": f"no {what} shown: the interval excludes 0, but the test finds none; ",
        "untested": f"{what} not tested, ",
    }[finding]


def _within_margin(row: Row, measure: str) -> str:
    within = "the margin" if row["margin"] is None else _round_points(row["margin"])
    test, passed = str(row["test"] or "").lower(), _passes(row)
    claim = f"no worse by more than {within}" if "inferior" in test else f"the same within {within}"
    if passed == "untested":
        return f"whether {measure} is {claim if test else f'within {within}'} is not tested, "
    inside = row["high"] is None or row["margin"] is None or row["high"] < row["margin"]
    inside &= row["low"] is None or row["margin"] is None or "inferior" in test or row["low"] > -row["margin"]
    if passed == "passed":
        beyond = ": the test says so, but the interval reaches beyond the margin; "
        return f"{measure} {claim}, " if inside else f"{measure} not shown to be {claim}{beyond}"
    opening = f"{measure} not shown to be {claim}{' after correction' * (passed == 'corrected')}"
    if row["margin"] is None or row["low"] is None or row["high"] is None:
        return f"{opening}, "
    if row["low"] > row["margin"]:
        return f"{opening}: worse by more than the margin at both ends of the interval, "
    if row["high"] < -row["margin"] and "inferior" not in test:
        return f"{opening}: better by more than the margin at both ends of the interval, "
    return f"{opening}, "


def _could_have_seen(row: Row, finding: str, digits: int) -> list[str]:
    if finding == "untested":
        return []
    if row["detectable"] is None:
        return _too_few(row)
    least, points = row["detectable"], f"{_plain(row['detectable'], digits)} points"
    # From a rate one can fall to 0; a share can rise to 1, other rates further.
    base, most = row.get("baseline_rate"), 1.0 if row["unit"] in tables.SHARES else math.inf
    largest_fall, largest_rise = (base, most - base) if base is not None else (most * _sides(row),) * 2
    shown = "would be shown with 80 % power"
    if least > max(largest_fall, largest_rise):
        return [f"No true difference, however large, {shown}."]
    if least > largest_fall:
        return [f"A true rise of {points} {shown}, and no fall, not even to 0."]
    if least > largest_rise:
        return [f"A true fall of {points} {shown}, and no rise, not even to 100 %."]
    return [f"A true difference of {points} {shown}."]


def _sides(row: Row) -> int:
    """Count the differences of rates whose difference an effect is: one of a main effect."""
    return 1 if row.get("moderator") is None else int(2 ** (len(_axes(row)) - 1))


def _too_few(row: Row) -> list[str]:
    """Say so where no data of so few blocks could have shown anything."""
    least, alpha, many = row["smallest_p"], _alpha(row), row["n_comparisons"] or 1
    if least is None or alpha is None or row["n_blocks"] is None or row["correction"] not in {"holm", "none"}:
        return []
    if row["test"] is None or "mcnemar" in row["test"].lower():  # its p depends on the pairs that differ
        return []
    if row["delta"] == 0 and row["low"] is None:  # nothing that any number of blocks could show
        return []
    many = many if row["correction"] == "holm" else 1
    if least <= alpha / many:
        return []
    needed = f"{alpha / many:.2g} is needed" + (f" among {many}" if many > 1 else "")
    if 2.0 ** (1 - row["n_blocks"]) <= alpha / many:
        swaps = round(1 / least) - 1
        drawn = f"{swaps:,} random swap{'s' * (swaps != 1)}"
        return [f"{drawn} cannot give p below {least:.2g}, and {needed}: ask for more."]
    return [f"{_many(row['n_blocks'], row['block_kind'] or 'block')} cannot give p below {least:.2g}, and {needed}."]


def _beside(row: Row, digits: int, finding: str) -> list[str]:
    """Set a difference against what the service does by itself, and say how many transcripts changed."""
    noise, changed, floor = row["repeat_noise"], row["changed"], row["changed_floor"]
    said = []
    if noise is not None:
        alone = f"asked again, the service itself varies by ±{_plain(noise, digits)} points (one standard error)"
        within = finding != "shown" and abs(row["delta"]) < 2 * noise
        alone += ": the difference is within what the service does by itself" if within else ""
        said.append(alone if noise else "asked again, the service made as many errors each time")
    if changed is not None:
        again = "" if floor is None else f" ({_whole_percent(floor)} when merely asked again)"
        said.append(
            f"the transcript changed in {_whole_percent(changed)} of pairs{again}"
            if changed
            else "no transcript changed at all: the parameter may not have acted"
        )
    return [f"{_capital('; '.join(said))}."] if said else []


def _axes(row: Row) -> list[str]:
    return [_label(row["axis"]), *([] if row["moderator"] is None else _label(row["moderator"]).split(_TIMES))]


def _moderated_by(other: Row, row: Row) -> list[str]:
    """Give the axis on which an effect depends, where another row is an interaction that shows it."""
    alike = all(other[name] == row[name] for name in ("unit", "form", "normalizer", "ties", "by"))
    if not alike or other["moderator"] is None or other["delta"] is None or _finding(other) != "shown":
        return []
    effect = (row["axis"], row["level"], row["baseline"])
    if effect == (other["axis"], other["level"], other["baseline"]):
        return [_label(other["moderator"])]
    if effect == (other["moderator"], other["moderator_level"], other["moderator_baseline"]):
        return [_label(other["axis"])]
    return []


def _only_there(row: Row, there: str, elsewhere: str) -> list[str]:
    sides = [(row[f"{name}_low"], row[f"{name}_high"]) for name in ("there", "elsewhere")]
    if any(end is None for side in sides for end in side):
        return []
    outside = [not low <= 0 <= high for low, high in sides]
    if outside[0] == outside[1]:
        return []
    one, other = (there, elsewhere) if outside[0] else (elsewhere, there)
    return [
        f"Of these two intervals, neither of which is corrected, that with {one} excludes 0, that with {other} not."
    ]


# -- numbers and words -------------------------------------------------------------------------------------------------


def _short_labels(rows: Sequence[Row]) -> dict[tuple[object, object], str]:
    """Leave out of the names of settings along an axis what all of them share."""
    found: dict[tuple[object, object], str] = {}
    for axis in dict.fromkeys(row["axis"] for row in rows):
        labels = [row[end] for row in rows if row["axis"] == axis for end in ("level", "baseline")]
        short, _ = groups.shortened(label for label in labels if label is not None)
        found |= {(axis, label): words for label, words in short.items()}
    return found


def _evidence(row: Row) -> list[str]:
    """Name the test with its p, and what was corrected for."""
    if row["p_adjusted"] is None:
        return []
    name, corrected = _name_of_test(row), _corrected(row)
    if corrected and _passes(row) == "corrected":
        _, _, adjusted = _p(row["p_adjusted"], _alpha(row)).partition(" = ")
        return [", ".join([*name, f"{_p(row['p'], _alpha(row))}, but {adjusted} {corrected[0]}"])]
    said = (", " if row["correction"] == "none" else " ").join([_p(row["p_adjusted"], _alpha(row)), *corrected])
    return [", ".join([*name, said])]


def _name_of_test(row: Row) -> list[str]:
    """Name the test; whether its p is exact or drawn stands in the table."""
    return [row["test"].removesuffix(", exact").removesuffix(", Monte Carlo")] if row["test"] else []


def _corrected(row: Row) -> list[str]:
    many, how = row["n_comparisons"] or 1, row["correction"]
    if many == 1:
        return []
    if how == "none":
        return [f"not corrected for {many} comparisons"]
    return [f"after {CORRECTIONS.get(how, how)} over {many}" if how else f"adjusted for {many} comparisons"]


def _counted(row: Row, more: str, left_out: int | None) -> str:
    out = f"{_many(left_out, 'answer')} without a partner left out" if left_out else ""
    return ", ".join(filter(None, [_many(row["n_blocks"], row["block_kind"] or "block"), more, out]))


def _interval(row: Row, digits: int) -> str:
    if row["low"] is None or row["high"] is None:
        return "" if "no interval" in str(row["note"]) else "no interval"
    level = "interval" if row["confidence"] is None else f"{100 * row['confidence']:.6g} % interval"
    return f"{level} {_signed(row['low'], digits)} to {_signed(row['high'], digits)}"


def _ends(row: Row, low: str, high: str, digits: int) -> str:
    if row[low] is None or row[high] is None:
        return ""
    return f" ({_signed(row[low], digits)} to {_signed(row[high], digits)})"


def _rates(row: Row, digits: int) -> str:
    return f"{100 * row['rate']:.{digits}f} % against {100 * row['baseline_rate']:.{digits}f} %"


def _digits(row: Row, *names: str) -> int:
    """Choose the decimals of all points in a sentence: two where one of them is not 0 and below 0.1 points.

    More, up to four, where the end of an interval would be rounded to 0, and seem to lie on it.
    """
    ends = [
        name for name in ("low", "high", "there_low", "there_high", "elsewhere_low", "elsewhere_high") if name in row
    ]
    small = [abs(row[name]) for name in names if row[name] is not None and abs(row[name]) > _ROUNDING]
    digits = 2 if min(small, default=1.0) < 0.001 - _ROUNDING else 1
    least = min((abs(row[name]) for name in ends if row[name] is not None and abs(row[name]) > _ROUNDING), default=1.0)
    while digits < _MOST_DIGITS and float(f"{100 * least:.{digits}f}") == 0:
        digits += 1
    return digits


def _signed(share: float, digits: int) -> str:
    # The sign of what is rounded to 0 is kept: it says on which side of 0 an interval ends.
    return f"{100 * share:+.{digits}f}" if abs(share) > _ROUNDING else f"{0:.{digits}f}"


def _plain(share: float, digits: int) -> str:
    return f"{100 * abs(share):.{digits}f}"


def _round_points(share: float) -> str:
    """Give points that somebody chose, or that were searched for: as they are, to two decimals or two digits."""
    points = 100 * abs(share)
    said = f"{points:.2f}".rstrip("0").rstrip(".") if points >= 0.1 else f"{points:.2g}"
    return f"{said} point{'s' * (said != '1')}"


def _percent(share: float | None, digits: int = 1) -> str:
    """Give a share in per cent; none and all are said only of 0 and 1."""
    if share is None:
        return "not known"
    least = 10**-digits
    if share > 0 and 100 * share < least / 2:
        return f"under {least:g} %"
    if share < 1 and 100 * (1 - share) < least / 2:
        return f"over {100 - least:g} %"
    return f"{100 * share:.{digits}f} %"


def _whole_percent(share: float) -> str:
    return _percent(share, 0 if share in {0, 1} or 0.01 <= share <= 0.99 else 1)


def _p(value: float, alpha: float | None) -> str:
    # What is above the level must not look as if it were not.
    digits = 3 if alpha is None or value <= alpha or float(f"{value:.3f}") > alpha else 5
    return "p < 0.001" if value < 0.001 else f"p = {value:.{digits}f}"


def _bracketed(facts: Sequence[str | None]) -> str:
    said = "; ".join(fact for fact in facts if fact)
    return f" ({said})" if said else ""


def _many(number: int | None, noun: str) -> str:
    return "" if number is None else f"{number} {noun}{'s' * (number != 1)}"


def _measure(row: Row) -> str:
    return MEASURES.get(row["unit"], ("error rate",))[0]


def _way(row: Row) -> str:
    return "lower" if row["delta"] < 0 else "higher"


def _setting(row: Row) -> str:
    return f"{_label(row['axis'])} {_label(row['level'])} against {_label(row['baseline'])}"


def _where(row: Row) -> str:
    # Of tables put together, a row has no label of the axis that it is itself about.
    where = [
        f"{name} {_label(value)}" for name, value in row["by"].items() if value is not None or name != row.get("axis")
    ]
    where += [reference_of(row["form"])] if row.get("form") not in {None, "unstated"} else []
    where += [f"counted as by {row['ties']}"] if row.get("ties") not in {None, "jiwer"} else []
    return ", ".join(where)


def _label(value: object) -> str:
    return "not known" if value is None else str(value)


def _joined(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _opened(where: str, text: str) -> str:
    return f"{where}: {text}" if where else _capital(text)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _held(row: Row, end: str) -> str:
    """Name the axes on which an effect depends with their levels: "language wrong"."""
    moderator, held = _label(row["moderator"]), _label(row[f"moderator_{end}"])
    names, levels = moderator.split(_TIMES), held.split(_TIMES)
    if len(names) != len(levels):
        return f"{moderator} {held}"
    return ", ".join(f"{name} {level}" for name, level in zip(names, levels, strict=True))


def _notes(row: Row) -> list[str]:
    return str(row["note"]).rstrip(".").split("; ") if row["note"] else []


def _note(row: Row) -> list[str]:
    """Give the note, but for what the sentence says itself."""
    said = [words for words in _notes(row) if not words.startswith(_ASKED)]
    if row.get("power") == 0:
        said = [words for words in said if _HOPELESS not in words]
    return [f"{_capital('; '.join(said))}."] if said else []


def _known(value: object) -> object:
    missing = value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))  # type: ignore[call-overload]
    return None if missing else value
