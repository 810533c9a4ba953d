"""Answers beside the references that they are marked against, as texts; and scores of what was counted in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.scoring.counts import check_ties
from asrlab.scoring.marking import best, pair_counts
from asrlab.scoring.sheet import constant, lay_out

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from asrlab.normalize import NormalizerChoice
    from asrlab.scoring.given import References, Transcripts
    from asrlab.scoring.sheet import Sheet
    from asrlab.scoring.variants import VariantsChoice

#: hits, subs, dels, ins.
Counts = tuple[int, int, int, int]


class Marked(NamedTuple):
    """A sheet with the pairs that are marked, one an answer, and their texts."""

    sheet: Sheet
    row: NDArray[np.int64]
    reference: NDArray[np.int64]
    said: list[str]
    heard: list[str]
    preset: list[str]


def keys_of(marked: Marked) -> list[tuple[str, str, str]]:
    """Give reference, transcript and preset of each pair."""
    return list(zip(marked.said, marked.heard, marked.preset, strict=True))


def lay_out_marked(
    transcripts: Transcripts,
    references: References,
    *,
    form: str | None,
    normalizer: NormalizerChoice,
    script: str,
    language: str | None,
    channels: str,
    ties: str,
    missing: str,
    variants: VariantsChoice | None,
    taken: tuple[str, ...],
) -> Marked:
    """Set answers beside the references that they are marked against, as texts.

    Parameters are those of :func:`asrlab.score`, and ``taken``: the axes that will be made.
    """
    check_ties(ties)
    if script not in {"fold", "keep"}:
        raise InvalidInput(f"script must be fold or keep, not {script!r}.")
    sheet, _ = lay_out(
        transcripts,
        references,
        form=form,
        unit="auto",
        normalizer=normalizer,
        language=language,
        channels=channels,
        missing=missing,
        variants=variants,
        executor=None,
    )
    if there := [name for name in taken if name in sheet.axes]:
        raise InvalidInput(f"This makes a column {there[0]!r} itself, and the transcripts have one. Rename it there.")
    several = bool((np.diff(sheet.row) == 0).any())
    chosen = best(sheet, pair_counts(sheet, ties, None)) if several else np.arange(len(sheet.row))
    row, reference = sheet.row[chosen], sheet.reference[chosen]
    said = [sheet.texts[n] for n in sheet.said[reference].tolist()]
    heard = [sheet.texts[n] for n in sheet.heard[row].tolist()]
    of = presets_of(sheet)
    return Marked(sheet, row, reference, said, heard, [of[n] for n in sheet.recipe[row].tolist()])


def presets_of(sheet: Sheet) -> list[str]:
    """Name the preset of each recipe: its normalizer's, as its name begins."""
    return [recipe.normalizer.name.partition("-")[0].partition("@")[0] for recipe in sheet.recipes]


def unmarked(marked: Marked) -> list[tuple[int, str, str]]:
    """Give of each row that is not marked its place, the first of its references, and the preset."""
    sheet = marked.sheet
    without = np.ones(len(sheet.rows), bool)
    without[marked.row] = False
    if not without.any():
        return []
    references = sheet.references[["utt_id", "channel"]].reset_index(drop=True)
    first: dict[tuple[str, int], int] = {}
    for n, (utt_id, channel) in enumerate(references.itertuples(index=False)):
        first.setdefault((utt_id, channel), n)
        first.setdefault((utt_id, -1), n)
    presets = presets_of(sheet)
    rows = sheet.rows.loc[without, ["utt_id", "channel"]].fillna({"channel": -1})
    found = []
    for row, (utt_id, channel) in zip(np.flatnonzero(without).tolist(), rows.itertuples(index=False), strict=True):
        if (place := first.get((utt_id, channel))) is not None:
            found.append((row, sheet.texts[sheet.said[place]], presets[sheet.recipe[row]]))
    return found


def scores_of(
    marked: Marked,
    counted: list[tuple[int, dict[str, str], Counts | None]],
    unit: str,
    axes: Mapping[str, tuple[str, ...]],
    ties: str,
) -> pd.DataFrame:
    """Make a table of scores of counts.

    Parameters
    ----------
    marked : Marked
        The pairs that are marked.
    counted : list of (place of the row, value of each new axis, counts)
        Counts are None where there is no answer.
    unit : str
        What is counted, unless an axis "unit" says so.
    axes : mapping of str to tuple of str
        The new axes, with all the values that they may have, in order.
    ties : str
        Whose alignment it is.
    """
    sheet = marked.sheet
    rank = {name: {value: n for n, value in enumerate(values)} for name, values in axes.items()}
    counted = sorted(counted, key=lambda one: (one[0], *(rank[name][one[1][name]] for name in axes)))
    rows = sheet.rows.take([row for row, _, _ in counted]).reset_index(drop=True)
    reference = np.full(len(sheet.rows), -1)
    reference[marked.row] = marked.reference
    place = reference[[row for row, _, _ in counted]] if counted else np.zeros(0, np.int64)
    lost = np.array([counts is None for _, _, counts in counted], bool)
    four = np.array([counts or (0, 0, 0, 0) for _, _, counts in counted], np.int64).reshape(-1, 4)
    hits, subs, dels, ins = four.T
    whole = {"hits": hits, "subs": subs, "dels": dels, "ins": ins}
    whole |= {"ref_len": hits + subs + dels, "hyp_len": hits + subs + ins}
    rows = rows.assign(
        unit=constant(unit, len(rows)),
        ties=constant(ties, len(rows)),
        **{name: pd.arrays.IntegerArray(values.astype(np.int64), lost) for name, values in whole.items()},
        **{name: sheet.references[name].array.take(place, allow_fill=True) for name in ("alternative", "wording")},
    )
    for name, values in axes.items():
        made = pd.array([one[name] for _, one, _ in counted], dtype="string")
        there = [value for value in values if value in set(made)]
        if name == "unit":
            rows["unit"] = made
        else:
            rows[name] = pd.Categorical(made, there, ordered=True)
    new = [name for name in axes if name != "unit"]
    shown = [name for name in tables.SCHEMAS["scores"] if name in rows.columns]
    return tables.check(rows[[*shown, *sheet.axes, *new]], "scores", required=("utt_id", "unit"))
