"""Edits: every error of many transcripts as a row, with its place and, where words have times, when it was heard."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd
from rapidfuzz.distance import Indel

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.scoring.batches import Batch, batches, work_off
from asrlab.scoring.codes import code_points
from asrlab.scoring.counts import check_ties
from asrlab.scoring.given import complain
from asrlab.scoring.marking import best, pair_counts
from asrlab.scoring.paths import DEL, INS, KINDS, errors, with_hits
from asrlab.scoring.sheet import constant, lay_out
from asrlab.scoring.tokens import tokens

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from asrlab.scoring.given import HasReferences, Texts
    from asrlab.scoring.normalize import NormalizerChoice
    from asrlab.scoring.sheet import Sheet

#: Columns that name an answer.
_ANSWER: Final = ("utt_id", "condition", "repeat", "channel")


class _Aligned(NamedTuple):
    """What comes of a batch: the number of steps of each pair, and the steps with their units."""

    steps: NDArray[np.int64]
    kind: NDArray[np.int8]
    ref_pos: NDArray[np.int64]
    hyp_pos: NDArray[np.int64]
    ref: NDArray[np.object_]
    hyp: NDArray[np.object_]


def edits(
    transcripts: pd.DataFrame | Texts,
    references: HasReferences | pd.DataFrame | Texts,
    *,
    form: str | None = None,
    unit: str = "auto",
    normalizer: NormalizerChoice = "auto",
    language: str | None = None,
    channels: str = "each",
    ties: str = "jiwer",
    missing: str = "raise",
    hits: bool = False,
    words: pd.DataFrame | None = None,
    executor: Executor | None = None,
) -> pd.DataFrame:
    """Align transcripts with references, and give every error as a row.

    Parameters
    ----------
    transcripts, references, form, unit, normalizer, language, channels, ties, missing, executor
        As in :func:`asrlab.score`, whose subs, dels and ins these rows are. There is no unit ``"term"`` here. Trials
        without an answer have no rows, or with ``missing="all-deleted"`` a deletion for each unit of their reference.
    hits : bool
        Give a row for each right unit too, which :func:`asrlab.word_rates` needs.
    words : DataFrame, optional
        A ``words`` table with the times of words, such as ``sweep.words``: gives errors their times.

    Returns
    -------
    DataFrame
        An ``edits`` table in the order of the transcripts, and in each from first unit to last; axes after the declared
        columns. What is right is as in the alignment that the counts are of; between one right unit and the next, those
        that look or sound alike are paired. ``start_s`` and ``end_s`` are those of the word that was heard; of a
        deletion, the gap that it is missing from. They are ``<NA>`` without ``words``, for a text that they do not
        spell, and for a deletion at either end.

    Raises
    ------
    InvalidInput
        As :func:`asrlab.score`; and if two texts are too long to be aligned as sclite does.

    Examples
    --------
    >>> found = edits(["we meet at the mall at nine"], ["we met at a small hall at nine"], language="en")
    >>> print(found[["kind", "ref", "hyp", "ref_pos", "hyp_pos"]].to_string(index=False))
    kind   ref  hyp  ref_pos  hyp_pos
     sub   met meet        1        1
     sub     a  the        3        3
     sub small mall        4        4
     del  hall <NA>        5        5
    """
    check_ties(ties)
    if unit == "term":
        raise InvalidInput('unit="term" has no alignment. Choose what the words are cut into, such as unit="word".')
    sheet, _ = lay_out(
        transcripts,
        references,
        form=form,
        unit=unit,
        normalizer=normalizer,
        language=language,
        channels=channels,
        missing=missing,
    )
    several = bool((np.diff(sheet.row) == 0).any())
    chosen = best(sheet, pair_counts(sheet, ties, executor)) if several else np.arange(len(sheet.row))
    row, reference = sheet.row[chosen], sheet.reference[chosen]
    parts, place = batches(
        sheet.texts, sheet.recipes, sheet.recipe[row], sheet.said[reference], sheet.heard[row], ties=ties
    )
    found = work_off(_all_steps if hits else _errors, parts, executor)
    aligned = _Aligned(*(np.concatenate(column) for column in zip(*found, strict=True))) if found else _NOTHING
    many = aligned.steps[place]
    first = (np.cumsum(aligned.steps) - aligned.steps)[place]
    at = np.repeat(first - (np.cumsum(many) - many), many) + np.arange(int(many.sum()))
    of_row = np.repeat(row, many)
    facts = sheet.rows[[name for name in sheet.rows.columns if name in tables.SCHEMAS["edits"] or name in sheet.axes]]
    table = facts.take(of_row).reset_index(drop=True)
    table["ties"] = constant(ties, len(table))
    table["kind"] = pd.array(KINDS, dtype="string").take(aligned.kind[at])
    table["ref"], table["hyp"] = (pd.array(side[at], dtype="string") for side in (aligned.ref, aligned.hyp))
    table["ref_pos"], table["hyp_pos"] = (
        pd.array(side[at], dtype="Int64") for side in (aligned.ref_pos, aligned.hyp_pos)
    )
    if words is not None:
        begin, start, end = _times(sheet, np.unique(of_row), words, joined=channels == "joined")
        deleted, heard_at = aligned.kind[at] == DEL, begin[of_row] + aligned.hyp_pos[at]
        table["start_s"] = _floats(np.where(deleted, end[heard_at - 1], start[heard_at]))
        table["end_s"] = _floats(np.where(deleted, start[heard_at], end[heard_at]))
    return tables.check(table, "edits", required=("utt_id", "kind"))


def _errors(batch: Batch) -> _Aligned:
    return _steps(batch, hits=False)


def _all_steps(batch: Batch) -> _Aligned:
    return _steps(batch, hits=True)


def _steps(batch: Batch, *, hits: bool) -> _Aligned:
    """Align the pairs of a batch."""
    codes, refs, hyps = batch.coded()
    path = errors(codes, refs, hyps, batch.ties)
    lengths = np.fromiter(map(len, codes.texts), np.int64, len(codes.texts))
    if hits:
        path = with_hits(path, lengths[refs], lengths[hyps])
    points = code_points(codes.texts)
    begin = np.cumsum(lengths) - lengths
    units = []
    for texts, positions, absent in ((refs, path.ref_pos, INS), (hyps, path.hyp_pos, DEL)):
        there = path.kind != absent
        different, place = np.unique(points[(begin[texts][path.pair] + positions)[there]], return_inverse=True)
        side = np.full(len(path.pair), None, dtype=object)
        side[there] = np.array(codes.units(different), dtype=object)[place]
        units.append(side)
    steps = np.bincount(path.pair, minlength=len(refs))
    return _Aligned(steps, path.kind, path.ref_pos, path.hyp_pos, *units)


def _times(
    sheet: Sheet, wanted: NDArray[np.int64], words: pd.DataFrame, *, joined: bool
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Find when the units of the wanted rows were heard.

    Returns
    -------
    begin : ndarray of int64, shape (rows,)
        Place of the first unit of each row in the others; a row has one place more than units, before and after which
        nothing has a time.
    start, end : ndarray of float64
        Seconds; NaN where not known.
    """
    given = tables.check(words.reset_index(drop=True), "words", required=("start_s", "end_s", "text"))
    rows = sheet.rows.iloc[wanted]
    by_trial = bool(given["trial"].notna().all() and rows["trial"].notna().all())
    answer = ["trial", "channel"] if by_trial else list(_ANSWER)
    key = [name for name in answer if not (joined and name == "channel")]
    given = given.fillna({"condition": "unnamed", "repeat": 0, "channel": 0})
    if not by_trial:
        complain(given["utt_id"].isna(), given, "name neither utterance nor trial. Every word must say what it is of.")
    given = given[given["text"].notna()].sort_values(["channel", "start_s"], kind="stable")
    of_answer = given.groupby(key, sort=False, dropna=False).indices
    answers = list(rows[key].itertuples(index=False, name=None) if len(key) > 1 else rows[key[0]])
    if len(given) and answers and not any(name in of_answer for name in answers):
        raise InvalidInput(
            f"None of the {len(given)} words is of an answer that has errors: they are told apart by {', '.join(key)}. "
            "Give the words of the same sweep."
        )
    starts, ends = (
        given["start_s"].to_numpy(np.float64, na_value=np.nan),
        given["end_s"].to_numpy(np.float64, na_value=np.nan),
    )
    texts = given["text"].tolist()
    cut = cache(lambda recipe, text: tokens(recipe.normalizer(text), recipe.unit))
    begin = np.zeros(len(sheet.rows), np.int64)
    start, end = [np.array([np.nan])], [np.array([np.nan])]
    filled = 1
    for row, name in zip(wanted.tolist(), answers, strict=True):
        recipe = sheet.recipes[sheet.recipe[row]]
        heard = cut(recipe, sheet.texts[sheet.heard[row]])
        spoken: list[str] = []
        said_by: list[int] = []
        for word in of_answer.get(name, ()):
            units = cut(recipe, texts[word])
            spoken += units
            said_by += [word] * len(units)
        word_of = np.full(len(heard) + 1, -1)
        # Words may be written otherwise than the text (numbers, hyphens): only units that are in both have a time.
        for block in Indel.editops(spoken, heard).as_matching_blocks():
            word_of[block.b : block.b + block.size] = said_by[block.a : block.a + block.size]
        begin[row] = filled
        start.append(np.where(word_of < 0, np.nan, starts[word_of]))
        end.append(np.where(word_of < 0, np.nan, ends[word_of]))
        filled += len(word_of)
    return begin, np.concatenate(start), np.concatenate(end)


def _floats(values: NDArray[np.float64]) -> pd.arrays.FloatingArray:
    return pd.arrays.FloatingArray(values, np.isnan(values))


_NOTHING: Final = _Aligned(*(np.zeros(0, dtype) for dtype in (np.int64, np.int8, np.int64, np.int64, object, object)))
