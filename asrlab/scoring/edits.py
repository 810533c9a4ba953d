"""Edits: every error of many transcripts as a row, with its place and, where words have times, when it was heard."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd
from rapidfuzz.distance import Indel

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.executors import check_executor
from asrlab.scoring.batches import Batch, batches, work_off
from asrlab.scoring.codes import code_points, encode
from asrlab.scoring.counts import check_ties
from asrlab.scoring.given import complain, numbers
from asrlab.scoring.marking import best, pair_counts
from asrlab.scoring.paths import DEL, INS, KINDS, errors, with_hits
from asrlab.scoring.sheet import constant, lay_out
from asrlab.scoring.tokens import tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from asrlab.executors import Where
    from asrlab.normalize import NormalizerChoice
    from asrlab.scoring.given import References, Transcripts
    from asrlab.scoring.sheet import Sheet
    from asrlab.scoring.variants import VariantsChoice


class _Aligned(NamedTuple):
    """What comes of a batch: the number of steps of each pair, and the steps with their units."""

    steps: NDArray[np.int64]
    kind: NDArray[np.int8]
    ref_pos: NDArray[np.int64]
    hyp_pos: NDArray[np.int64]
    ref: NDArray[np.object_]
    hyp: NDArray[np.object_]


def edits(
    transcripts: Transcripts,
    references: References,
    *,
    form: str | None = None,
    unit: str = "auto",
    normalizer: NormalizerChoice = "auto",
    language: str | None = None,
    channels: str = "each",
    ties: str = "jiwer",
    missing: str = "raise",
    variants: VariantsChoice | None = None,
    hits: bool = False,
    words: pd.DataFrame | None = None,
    executor: Where = None,
) -> pd.DataFrame:
    """Align transcripts with references, and give every error as a row.

    Parameters
    ----------
    transcripts, references, form, unit, normalizer, language, channels, ties, missing, variants, executor
        As in :func:`asrlab.score`, whose subs, dels and ins these rows are. There are no units ``"term"`` and
        ``"sentence"`` here. Trials without an answer have no rows, or with ``missing="all-deleted"`` a deletion for
        each unit of their reference.
    hits : bool
        Give a row for each right unit too, which :func:`asrlab.word_rates` needs.
    words : DataFrame, optional
        A ``words`` table with the times of words, such as ``sweep.words``: gives errors their times. Words are of the
        answer with the same trial and channel, where all words and answers name their trial, else with the same
        utt_id, condition, repeat and channel; and with the same axes, as far as the words have those columns. Words
        that name no channel are of the only one.

    Returns
    -------
    DataFrame
        An ``edits`` table in the order of the transcripts, and in each from first unit to last; axes after the declared
        columns, and with ``form="best"`` the column ``marked_form``. What is right is as in the alignment that the
        counts are of; between one right unit and the next, those that look or sound alike are paired. ``start_s`` and
        ``end_s`` are those of the word that was heard; of a deletion, the gap that it is missing from. They are
        ``<NA>`` without ``words``, for a text that they do not spell, beyond either end, and for a deletion between a
        word of one channel and a word of another.

    Raises
    ------
    InvalidInput
        As :func:`asrlab.score`; if an axis has the name of a column of this table; if words are of no answer, or may be
        of several; and if two texts are too long to be aligned as sclite does.

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
    check_executor(executor)
    if unit in tables.SHARES:
        raise InvalidInput(f'unit="{unit}" has no alignment. Choose what the words are cut into, such as unit="word".')
    sheet, _ = lay_out(
        transcripts,
        references,
        form=form,
        unit=unit,
        normalizer=normalizer,
        language=language,
        channels=channels,
        missing=missing,
        variants=variants,
        executor=executor,
    )
    taken = [name for name in sheet.axes if name in tables.SCHEMAS["edits"]]
    if taken:
        raise InvalidInput(
            f"Aligning makes a column {taken[0]!r} itself, and the transcripts have one. Rename it there."
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
    of_row, of_reference = np.repeat(row, many), np.repeat(reference, many)
    facts = sheet.rows[[name for name in sheet.rows.columns if name in tables.SCHEMAS["edits"] or name in sheet.axes]]
    table = facts.take(of_row).reset_index(drop=True)
    table["ties"] = constant(ties, len(table))
    for name in ("alternative", "wording"):
        table[name] = sheet.references[name].array.take(of_reference)
    if form == "best":
        table["marked_form"] = sheet.references["form"].array.take(of_reference)
    table["kind"] = pd.array(KINDS, dtype="string").take(aligned.kind[at])
    table["ref"], table["hyp"] = (pd.array(side[at], dtype="string") for side in (aligned.ref, aligned.hyp))
    table["ref_pos"], table["hyp_pos"] = (
        pd.array(side[at], dtype="Int64") for side in (aligned.ref_pos, aligned.hyp_pos)
    )
    if words is not None:
        begin, start, end, apart = _times(sheet, np.unique(of_row), words, joined=channels == "joined")
        deleted, heard_at = aligned.kind[at] == DEL, begin[of_row] + aligned.hyp_pos[at]
        from_s, to_s = np.where(deleted, (end[heard_at - 1], start[heard_at]), (start[heard_at], end[heard_at]))
        nowhere = deleted & apart[heard_at]
        table["start_s"], table["end_s"] = (_floats(np.where(nowhere, np.nan, side)) for side in (from_s, to_s))
    return tables.check(table, "edits", required=("utt_id", "kind"))


def _errors(batch: Batch) -> _Aligned:
    return _steps(batch, hits=False)


def _all_steps(batch: Batch) -> _Aligned:
    return _steps(batch, hits=True)


def _steps(batch: Batch, *, hits: bool) -> _Aligned:
    """Align the pairs of a batch."""
    texts, refs, hyps = batch.normalised()
    if not hits:  # what is equal has no steps then, and need not be cut
        used, place = np.unique(np.concatenate([refs, hyps])[np.tile(refs != hyps, 2)], return_inverse=True)
        texts = [texts[n] for n in used.tolist()]
        differ = refs != hyps
        refs, hyps = np.full((2, len(refs)), -1)
        refs[differ], hyps[differ] = np.split(place, 2)
    codes = encode(texts, batch.recipe.unit)
    path = errors(codes, refs, hyps, batch.ties)
    lengths = np.fromiter(map(len, codes.texts), np.int64, len(codes.texts))
    if hits:
        path = with_hits(path, lengths[refs], lengths[hyps])
    points = code_points(codes.texts)
    begin = np.cumsum(lengths) - lengths
    units = []
    for side_of, positions, absent in ((refs, path.ref_pos, INS), (hyps, path.hyp_pos, DEL)):
        there = path.kind != absent
        different, place = np.unique(points[(begin[side_of[path.pair]] + positions)[there]], return_inverse=True)
        side = np.full(len(path.pair), None, dtype=object)
        side[there] = np.array(codes.units(different), dtype=object)[place]
        units.append(side)
    steps = np.bincount(path.pair, minlength=len(refs))
    return _Aligned(steps, path.kind, path.ref_pos, path.hyp_pos, *units)


def _times(
    sheet: Sheet, wanted: NDArray[np.int64], words: pd.DataFrame, *, joined: bool
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool]]:
    """Find when the units of the wanted rows were heard.

    Returns
    -------
    begin : ndarray of int64, shape (rows,)
        Place of the first unit of each row in the others; a row has one place more than units, before and after which
        nothing has a time.
    start, end : ndarray of float64
        Seconds; NaN where not known.
    apart : ndarray of bool
        Whether the words next to this place, before it and from it on, are of different channels.
    """
    given = tables.check(words.reset_index(drop=True), "words", required=("start_s", "end_s", "text"))
    by_channel = not joined and bool(given["channel"].notna().any())
    given = given[given["text"].notna()].fillna({"condition": "unnamed", "repeat": 0, "channel": 0})
    given = given.sort_values(["channel", "start_s"], kind="stable", ignore_index=True)
    places, first, last = _words_of_answers(sheet, given, by_channel=by_channel)
    texts, channel = given["text"].tolist(), given["channel"].to_numpy(np.int64)
    # The last is of what no word says.
    starts, ends = (
        np.append(given[name].to_numpy(np.float64, na_value=np.nan), np.nan) for name in ("start_s", "end_s")
    )
    cut = cache(lambda recipe, text: tokens(recipe.normalizer(text), recipe.unit))
    begin = np.zeros(len(sheet.rows), np.int64)
    start, end, apart = [np.array([np.nan])], [np.array([np.nan])], [np.array([False])]
    filled = 1
    for row in wanted.tolist():
        recipe = sheet.recipes[sheet.recipe[row]]
        heard = cut(recipe, sheet.texts[sheet.heard[row]])
        spoken: list[str] = []
        said_by: list[int] = []
        for word in places[first[row] : last[row]].tolist():
            units = cut(recipe, texts[word])
            spoken += units
            said_by += [word] * len(units)
        word_of = np.full(len(heard) + 1, -1)
        # Words may be written otherwise than the text (numbers, hyphens): only units that are in both have a time.
        for block in Indel.editops(spoken, heard).as_matching_blocks():
            word_of[block.b : block.b + block.size] = said_by[block.a : block.a + block.size]
        begin[row] = filled
        start.append(starts[word_of])
        end.append(ends[word_of])
        apart.append(_channels_change(word_of, channel))
        filled += len(word_of)
    return begin, np.concatenate(start), np.concatenate(end), np.concatenate(apart)


def _channels_change(word_of: NDArray[np.int64], channel: NDArray[np.int64]) -> NDArray[np.bool]:
    """Tell for each place whether the last word before it and the first from it on are of different channels."""
    changes = np.zeros(len(word_of), bool)
    known = np.flatnonzero(word_of >= 0)
    channels = channel[word_of[known]]
    for n in np.flatnonzero(np.diff(channels)).tolist():
        changes[known[n] + 1 : known[n + 1] + 1] = True
    return changes


def _words_of_answers(
    sheet: Sheet, words: pd.DataFrame, *, by_channel: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Find the words of each answer, or say why that cannot be done.

    Returns
    -------
    places : ndarray of intp
        Places of words, those of an answer next to one another and in their order.
    first, last : ndarray of intp, shape (rows,)
        Where those of each row begin and end in it.
    """
    answered = np.flatnonzero((sheet.rows["state"] == "answered").to_numpy(bool))
    rows = sheet.rows.iloc[answered]
    by_trial = bool(words["trial"].notna().all() and rows["trial"].notna().all())
    key = ["trial"] if by_trial else ["utt_id", "condition", "repeat"]
    key += [name for name in sheet.axes if name in words.columns]
    key += ["channel"] * by_channel
    if not by_trial:
        nameless = (
            "name neither utterance nor trial" if words["trial"].isna().any() else "name a trial, as not all answers do"
        )
        complain(words["utt_id"].isna(), words, f"{nameless}. Every word must say what it is of: give them an utt_id.")
    # As text, so that a number read as one matches it read as the other.
    number = numbers(pd.concat([rows[key].astype("string"), words[key].astype("string")], ignore_index=True), key)
    of_row, of_word = number[: len(rows)], number[len(rows) :]
    if len(words) and len(rows) and not np.isin(of_word, of_row).any():
        word, answer = (", ".join(map(str, table[key].iloc[0])) for table in (words, rows))
        raise InvalidInput(
            f"None of the {len(words)} words is of an answer: they are matched by {', '.join(key)}, and the first word "
            f"has {word}, the first answer {answer}. Give the words of the same sweep; leave words= out where these "
            "answers have no times."
        )
    shared = np.isin(of_row, of_word) & pd.Series(of_row).duplicated(keep=False).to_numpy(bool)
    if by_trial:
        # Settings may ask the same question, and share its answer.
        shared &= (pd.Series(sheet.heard[answered]).groupby(of_row).transform("nunique") > 1).to_numpy(bool)
    if shared.any():
        groups = rows[shared].groupby(of_row[shared])
        telling = [name for name in ("utt_id", "condition", "repeat", "channel", *sheet.axes) if name not in key]
        telling = [name for name in telling if (groups[name].nunique(dropna=False) > 1).any()]
        complain(
            shared,
            rows,
            f"are answers that the words do not tell apart, for those are matched by {', '.join(key)}. Give the words "
            f"the column{'s' * (len(telling) > 1)} {', '.join(telling)} too{' and no trial' * by_trial}.",
        )
    order = np.argsort(of_word, kind="stable")
    if by_trial and len(words):
        # A table of words tells those of a question once for each setting that asks it.
        copy = numbers(words, ["utt_id", "condition", "repeat"])
        order = order[(copy == pd.Series(copy).groupby(of_word).transform("first"))[order]]
    first, last = np.zeros((2, len(sheet.rows)), np.intp)
    first[answered], last[answered] = (np.searchsorted(of_word[order], of_row, side) for side in ("left", "right"))
    return order, first, last


def _floats(values: NDArray[np.float64]) -> pd.arrays.FloatingArray:
    return pd.arrays.FloatingArray(values, np.isnan(values))


_NOTHING: Final = _Aligned(*(np.zeros(0, dtype) for dtype in (np.int64, np.int8, np.int64, np.int64, object, object)))
