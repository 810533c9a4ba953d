"""Agreement: how much a service varies when it is asked the same question again.

A question is an utterance and channel under one setting; its repeats differ by the service's own variation and nothing
else. Texts tell whether there is any (the share of pairs of repeats that are the same), counts how much of it reaches
the error rate (the spread within questions, as in an analysis of variance by question).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from asrlab import groups
from asrlab.errors import InvalidInput
from asrlab.stats.arguments import between
from asrlab.stats.blocks import SPEAKERS_MAY_REPEAT, blocks, checked
from asrlab.stats.classical import exact
from asrlab.stats.intervals import ratio_intervals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from asrlab.coded import Scores
    from asrlab.stats.blocks import Blocks, Codes, Floats


def same_share(group: Codes, question: Codes, heard: Codes, n_groups: int) -> tuple[Codes, Codes]:
    """Count the pairs of answers to the same question, and those of them that have the same text.

    Parameters
    ----------
    group : ndarray of int64, shape (answers,)
        What each answer is counted in, from 0: a group, or a block.
    question : ndarray of int64, shape (answers,)
        What was asked; answers in different groups make no pair.
    heard : ndarray of int64, shape (answers,)
        Number of each answer's text; -1 where it is not known, and the answer left out.
    n_groups : int
        Number of groups; some may have no answer.

    Returns
    -------
    same, pairs : ndarray of int64, shape (n_groups,)
        Unordered pairs: r answers to a question make r (r - 1) / 2.

    Raises
    ------
    ValueError
        If the arrays are not of one length.

    Examples
    --------
    >>> question, heard = np.array([0, 0, 0, 1, 1]), np.array([7, 7, 8, 5, 5])
    >>> same, pairs = same_share(np.zeros(5, np.int64), question, heard, 1)
    >>> same.item(), pairs.item()
    (2, 4)
    """
    _one_length(group, question, heard)
    known = heard >= 0
    group, question, heard = group[known], question[known], heard[known]
    return _pairs(group, question, heard, n=n_groups), _pairs(group, question, n=n_groups)


def repeat_variance(group: Codes, question: Codes, errors: Floats, n_groups: int) -> Floats:
    """Estimate the variance that the sum of all errors of a group has from the service's own variation.

    With r_q answers to question q and their sample variance s_q² (of r_q - 1 degrees of freedom), the sum over the
    questions with two answers and more varies by Σ r_q s_q². The others are taken to vary as much an answer.

    Parameters
    ----------
    group, question
        As in :func:`same_share`.
    errors : ndarray of float, shape (answers,)
        Errors of each answer.
    n_groups : int
        Number of groups; some may have no answer.

    Returns
    -------
    ndarray of float, shape (n_groups,)
        Squared errors; NaN where no question has two answers. Of the rate, divide by the square of the reference units.
        Different answers are taken to vary independently of one another.

    Raises
    ------
    ValueError
        If the arrays are not of one length.

    Examples
    --------
    >>> repeat_variance(np.zeros(5, np.int64), np.array([0, 0, 1, 1, 2]), np.array([1.0, 3.0, 2.0, 2.0, 9.0]), 1).item()
    5.0
    """
    _one_length(group, question, errors)
    asked = _questions(group, question, errors)
    again = asked.answers >= 2
    of, answers = asked.group[again], asked.answers[again]
    spread = np.bincount(of, weights=answers * asked.variance[again], minlength=n_groups)
    seen = np.bincount(of, weights=answers, minlength=n_groups)
    return spread * _ratio(np.bincount(group, minlength=n_groups), seen)


def agreement(
    scores: Scores,
    by: str | Sequence[str] | None = None,
    *,
    level: float = 0.95,
    dataset: groups.Facts | None = None,
) -> pd.DataFrame:
    """Tell how much a service varies when it is asked the same question again.

    Answers are compared within a question: the same utterance, channel, condition and axes; only the repeat differs.

    Parameters
    ----------
    scores : DataFrame, str or path
        A ``scores`` table, from :func:`asrlab.score`, or path or URL of one as Parquet, of a sweep with repeats;
        further columns are axes.
    by : str or sequence of str, optional
        Columns that make a row, besides unit, form, normalizer and ties, as in :func:`asrlab.summarize`, but for
        ``"repeat"``. By default all axes; ``[]`` pools over them, compared within them all the same.
    level : float
        Confidence level of the intervals.
    dataset : Dataset or DataFrame, optional
        Knows the utterances: for ``by``.

    Returns
    -------
    DataFrame
        The by-columns, then the columns of an ``agreement`` table. Trials without counts (failed, not run) are left
        out; those that count as all-deleted are in the rates and the noise, and have no text.

        ``same`` is the share of all pairs of repeats whose transcripts, as they were given, are the same to the letter;
        1 says that no variation was seen. Its interval is a ratio t interval of the share that differs, by block
        (:func:`asrlab.stats.intervals.ratio_interval`). Where no pair differs, or all do, blocks show no spread. The
        interval then is the exact one (Clopper & Pearson) of the share of utterances of which any pair differs (or
        agrees), which the share of pairs does not exceed if each has equally many; it takes utterances as independent,
        and ``method`` says so.

        ``rate`` is the pooled rate of all answers, as in ``summarize``; ``rate_low`` and ``rate_high`` are the least
        and the greatest of the pooled rates of the single repeats, on the questions that have all repeats of the group,
        so that these rates are of the same questions. Where some lack one, ``note`` says how many are left out there.

        ``repeat_noise`` is the standard deviation that the pooled rate has from one asking of all questions to the
        next: sqrt(Σ s_q²) / Σ n_q, with the sample variance s_q² of the errors of a question's answers and its
        reference units n_q. Questions with one answer are taken to vary as the others do on average; where repeats were
        marked against references of different lengths, s_q² is that of errors - rate · units. A difference between two
        settings with one asking each that is not well above sqrt(2) times this may be the service's own variation.

    Raises
    ------
    InvalidInput
        If columns are missing, there is no such column to group by, it is the repeat, answers stand twice, or the
        answers to a question are in different blocks.

    Examples
    --------
    >>> scores = pd.DataFrame({"utt_id": ["a", "a", "b", "b"], "repeat": [0, 1, 0, 1], "block": ["a", "a", "b", "b"],
    ...                        "block_kind": "utterance", "unit": "word", "subs": [1, 2, 0, 0], "dels": 0, "ins": 0,
    ...                        "ref_len": [10, 10, 5, 5], "heard": ["1", "2", "3", "3"]})
    >>> agreement(scores)[["same", "rate_low", "rate_high", "repeat_noise", "n_pairs"]].round(3).to_dict("records")
    [{'same': 0.5, 'rate_low': 0.067, 'rate_high': 0.133, 'repeat_noise': 0.047, 'n_pairs': 2}]
    """
    between("level", level, 1e-6, 1 - 1e-6, "a confidence level, such as 0.95")
    frame, keys = groups.by_columns(checked(scores, also=("heard",)), by, "agreement", dataset=dataset)
    if "repeat" in keys:
        raise InvalidInput("Cannot group by repeat: repeats are what is compared here. Leave it out of by=.")
    labels = [*keys, *groups.APART, "block_kind"]
    group = groups.numbered(frame, labels)
    found = groups.heads(frame, group, labels)
    n = len(found)
    there = frame["errors"].notna().to_numpy(np.bool)
    marked, group = frame[there], group[there]
    question = groups.combined([group, _asked(marked)])
    answers = np.bincount(question)[question]
    texts = _texts(marked, group, question, found["block_kind"], level=level)
    rates = _rates(marked, group, question, n)
    n_repeats = np.zeros(n, np.int64)
    np.maximum.at(n_repeats, group, answers)
    n_questions = groups.counted_once(group[answers > 1], question[answers > 1], n)
    columns = {
        "same": texts.same,
        "low": texts.low,
        "high": texts.high,
        "level": level,
        "method": texts.method,
        "rate": rates.rate,
        "rate_low": rates.low,
        "rate_high": rates.high,
        "repeat_noise": rates.noise,
        "block_kind": texts.blocks.kind,
        "n_blocks": texts.blocks.counted(),
        "n_repeats": n_repeats,
        "n_questions": n_questions,
        "n_pairs": texts.pairs,
        "note": _notes(texts, rates, n_questions, np.bincount(group, minlength=n)),
    }
    return groups.labelled(found, keys, columns, "agreement")


class _Texts(NamedTuple):
    """What the texts of repeats come to: one entry a group."""

    same: Floats
    low: Floats
    high: Floats
    method: list[object]
    pairs: Codes
    mute: Codes  #: answers to questions with several, of which no text is known
    blocks: Blocks


class _Rates(NamedTuple):
    """What the counts of repeats come to: one entry a group."""

    rate: Floats
    low: Floats
    high: Floats
    noise: Floats
    repeats: Codes  #: different repeats
    lacking: Codes  #: questions that lack one of them


def _asked(marked: pd.DataFrame) -> Codes:
    """Give each answer the number of its question, and make sure that it has one answer a repeat, in one block."""
    # By tag a row stands once for each, and the tag is an axis here.
    asked = ["utt_id", "channel", "condition", *groups.APART, *groups.axes(marked)]
    question = groups.numbered(marked, asked)
    twice = pd.Series(groups.combined([question, groups.numbered(marked, ["repeat"])])).duplicated().to_numpy(np.bool)
    groups.complain(
        twice,
        marked,
        f"stand twice: they agree in {', '.join([*asked, 'repeat'])}. Number the repeats, or drop copies.",
    )
    block = groups.combined([groups.in_order(marked["block_kind"]), groups.in_order(marked["block"])])
    several = groups.counted_once(question, block, int(question.max(initial=-1)) + 1) > 1
    groups.complain(
        several[question],
        marked,
        "are answers to one question in different blocks. Mark all transcripts in one call of score().",
    )
    return question


def _texts(marked: pd.DataFrame, group: Codes, question: Codes, kinds: pd.Series, *, level: float) -> _Texts:
    """Compare the texts of repeats, in each group; kinds has one entry a group."""
    n = len(kinds)
    heard = groups.in_appearance(marked["heard"])
    several = np.bincount(question)[question] > 1
    mute = np.bincount(group[several & (heard < 0)], minlength=n)
    known = np.bincount(question, weights=heard >= 0)[question] > 1
    compared = known & (heard >= 0)
    marked, group, question, heard = marked[compared], group[compared], question[compared], heard[compared]
    parts = blocks(marked, group, kinds)
    same, pairs = same_share(parts.number, question, heard, len(parts.group))
    differ = ratio_intervals(
        (pairs - same).astype(np.float64),
        pairs.astype(np.float64),
        group=parts.group,
        n_groups=n,
        level=level,
        shares=np.ones(n, dtype=np.bool),
    )
    share = 1 - differ.estimate
    low, high = 1 - differ.high, 1 - differ.low
    all_same, none_same = share == 1, share == 0
    # No utterance has a pair of the other kind: the most of them that may have one is the most of pairs that may be.
    utterances = groups.counted_once(group, groups.in_appearance(marked["utt_id"]), n)
    most = exact(np.zeros(n, np.int64), utterances, level).high
    low, high = np.where(all_same, 1 - most, low), np.where(all_same, 1.0, high)
    low, high = np.where(none_same, 0.0, low), np.where(none_same, most, high)
    number = parts.counted()
    method: list[object] = []
    for k, (kind, caution) in enumerate(zip(parts.kind, parts.caution, strict=True)):
        if not number[k]:
            method.append(pd.NA)
        elif all_same[k] or none_same[k]:
            method.append(f"exact by utterance; {caution or SPEAKERS_MAY_REPEAT}")
        else:
            method.append(f"ratio t by {kind}" + (f"; {caution}" if caution else ""))
    # Too few of none: a group without pairs keeps the kind that it was marked with.
    kind = np.where(number > 0, parts.kind, kinds.to_numpy(object))
    return _Texts(share, low, high, method, _pairs(group, question, n=n), mute, parts._replace(kind=kind))


def _rates(marked: pd.DataFrame, group: Codes, question: Codes, n: int) -> _Rates:
    """Pool the counts of all repeats and of each, and find how far one asking strays, in each of n groups."""
    errors, lengths = (marked[name].to_numpy(np.float64) for name in ("errors", "ref_len"))
    units = np.bincount(group, weights=lengths, minlength=n)
    rate = _ratio(np.bincount(group, weights=errors, minlength=n), units)

    repeat = groups.numbered(marked, ["repeat"])
    repeats = groups.counted_once(group, repeat, n)
    whole = np.bincount(question)[question] == repeats[group]
    cell = groups.combined([group[whole], repeat[whole]])
    of = group[whole][groups.firsts(cell)]
    each = _ratio(*(np.bincount(cell, weights=counts[whole]) for counts in (errors, lengths)))
    several = repeats[of] > 1
    low, high = np.full((2, n), np.nan)
    np.fmin.at(low, of[several], each[several])
    np.fmax.at(high, of[several], each[several])
    lacking = groups.counted_once(group[~whole], question[~whole], n)

    # Of references of different lengths, the longer have more errors: what the rate makes of that is no noise.
    mean = np.bincount(question, weights=lengths) / np.bincount(question)
    asked = _questions(group, question, errors - np.nan_to_num(rate)[group] * (lengths - mean[question]))
    again = asked.answers > 1
    variance = np.bincount(asked.group[again], weights=asked.variance[again], minlength=n)
    seen, all_asked = (np.bincount(some, minlength=n) for some in (asked.group[again], asked.group))
    of_one = np.bincount(group, weights=lengths / np.bincount(question)[question], minlength=n)
    noise = _ratio(np.sqrt(variance * _ratio(all_asked, seen)), of_one)
    return _Rates(rate, low, high, noise, repeats, lacking)


def _notes(texts: _Texts, rates: _Rates, n_questions: Codes, answers: Codes) -> list[object]:
    notes: list[object] = []
    number = texts.blocks.counted()
    for k in range(len(answers)):
        said = []
        if answers[k] == 0:
            said.append("no answers")
        elif rates.repeats[k] == 1:
            said.append("one asking only: the service's own variation is not known; ask again with repeats=3")
        elif n_questions[k] == 0:
            said.append("no question has two answers, of the same utterance, channel, condition and axes")
        elif texts.pairs[k] == 0:
            said.append("no text to compare")
        else:
            if np.isnan(texts.low[k]):
                kind, several = texts.blocks.kind[k], number[k] > 1
                said.append(f"no interval: {f'{kind}s too few or too much alike' if several else f'one {kind}'}")
            if texts.mute[k]:
                said.append(f"{_number(texts.mute[k], 'answer')} without a text to compare")
        if n_questions[k] and rates.lacking[k]:
            said.append(
                f"{_number(rates.lacking[k], 'question')} without all repeats left out of rate_low and rate_high"
            )
        notes.append("; ".join(said) or pd.NA)
    return notes


def _number(many: int, noun: str) -> str:
    return f"{many} {noun}" if many == 1 else f"{many} {noun}s"


class _Questions(NamedTuple):
    """Questions with what was answered: one entry a question, by group."""

    group: Codes
    answers: Codes
    variance: Floats  #: sample variance of the answers, 0 of one answer


def _questions(group: Codes, question: Codes, values: Floats) -> _Questions:
    order, first = _runs(group, question)
    answers = np.diff(first, append=len(order))
    of = np.repeat(np.arange(len(first)), answers)
    values = values[order]
    mean = np.bincount(of, weights=values, minlength=len(first)) / answers
    squares = np.bincount(of, weights=(values - mean[of]) ** 2, minlength=len(first))
    return _Questions(group[order[first]], answers, squares / np.maximum(answers - 1, 1))


def _pairs(*codes: Codes, n: int) -> Codes:
    """Count the unordered pairs that agree in all codes, for each of n values of the first."""
    order, first = _runs(*codes)
    many = np.diff(first, append=len(order))
    # Exact: whole numbers below 2^53 are added without rounding.
    return np.bincount(codes[0][order[first]], weights=many * (many - 1) // 2, minlength=n).astype(np.int64)


def _runs(*codes: Codes) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give an order in which equal codes lie together, and the places in it where others begin."""
    order = np.lexsort(codes[::-1])
    new = np.ones(len(order), dtype=np.bool)
    if len(order):
        new[1:] = np.any([np.diff(code[order]) != 0 for code in codes], axis=0)
    return order, np.flatnonzero(new)


def _ratio(part: Codes | Floats, whole: Codes | Floats) -> Floats:
    return np.asarray(part, dtype=np.float64) / np.where(whole == 0, np.nan, whole)


def _one_length(*arrays: Codes | Floats) -> None:
    shapes = [array.shape for array in arrays]
    if len(set(shapes)) > 1 or len(shapes[0]) != 1:
        raise ValueError(f"Needed are flat arrays of one length, an entry an answer; these have shapes {shapes}.")
