"""Confused: the errors behind scores, found again by the way they were marked, and which of them are most frequent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd

from asrlab import groups, tables
from asrlab.errors import InvalidInput
from asrlab.scoring.confusions import confusions
from asrlab.scoring.edits import edits
from asrlab.views.answers import rows_of
from asrlab.views.filters import Pair
from asrlab.views.markup import is_missing
from asrlab.wordings import form_as_given

if TYPE_CHECKING:
    from asrlab.normalize import NormalizerChoice
    from asrlab.views.browse import Told

_HOW: Final = ["unit", "normalizer", "ties", "form"]
_ANSWER: Final = ["utt_id", "repeat", "channel"]


class Found(NamedTuple):
    """Errors of one condition.

    Parameters
    ----------
    edits : DataFrame
        An ``edits`` table.
    left_out : int
        Marked answers whose errors are not in it: they could not be marked again as they were.
    note : str
        What else is to be minded of them.
    """

    edits: pd.DataFrame
    left_out: int
    note: str = ""


def marked_again(
    scores: pd.DataFrame, transcripts: pd.DataFrame, dataset: Told | None, normalizer: NormalizerChoice | None = None
) -> Found:
    """Align the answers of one condition as their scores were made.

    Parameters
    ----------
    scores, transcripts : DataFrame
        Those of one condition, as in :data:`asrlab.tables.SCHEMAS`.
    dataset : Dataset or None
        Holds the references; without it nothing is found.
    normalizer : str, Normalizer or mapping, optional
        The chain the scores were made with, if it is one of your own; those of asrlab are known by their name.

    Returns
    -------
    Found
        Only errors of answers of which the alignment has as many as the scores; the others are counted. Units that are
        right or wrong as wholes, such as terms, have no alignment: theirs is that of the words or characters.
    """
    wrong = scores[["subs", "dels", "ins"]].sum(axis=1, skipna=False)
    marked = scores.assign(errors=wrong)[wrong.notna() & (scores["state"].fillna("answered") == "answered")]
    parts, known, wholes = [tables.empty("edits")], 0, False
    if dataset is not None:
        answers = transcripts[list(tables.SCHEMAS["transcripts"])]
        for how, rows in marked.groupby(_HOW, dropna=False, sort=False):
            unit, chain, ties, form = (None if is_missing(one) else str(one) for one in how)
            whole = unit is None or unit in tables.SHARES
            try:
                found = edits(
                    answers[answers["utt_id"].isin(rows["utt_id"])],
                    dataset,
                    form=form and form_as_given(form),
                    unit="auto" if unit is None or whole else unit,
                    normalizer=normalizer or chain or "auto",
                    ties=ties or "jiwer",
                    channels="joined" if rows["channel"].isna().any() else "each",
                    missing="drop",
                )
            except InvalidInput:
                continue  # a chain or a form that is not known here: these are left out, and counted
            wholes |= whole
            own, n_same = _as_counted(found, rows, counts=not whole)
            parts.append(own)
            known += n_same
    return Found(pd.concat(parts, ignore_index=True), len(marked) - known, "of words and characters" if wholes else "")


def _as_counted(found: pd.DataFrame, rows: pd.DataFrame, *, counts: bool) -> tuple[pd.DataFrame, int]:
    """Keep the errors of answers that have as many as the scores say; of other units, those of all answers."""
    answer = groups.numbered(pd.concat([rows[_ANSWER], found[_ANSWER]], ignore_index=True), _ANSWER)
    of_row, of_edit = answer[: len(rows)], answer[len(rows) :]
    many = np.bincount(of_edit, minlength=int(answer.max(initial=-1)) + 1)
    same = many[of_row] == rows["errors"].to_numpy(np.int64) if counts else np.ones(len(rows), bool)
    return found[np.isin(of_edit, of_row[same])], int(same.sum())


def most_frequent(found: pd.DataFrame, n: int) -> list[tuple[Pair, int, int]]:
    """List the most frequent confusions.

    Parameters
    ----------
    found : DataFrame
        An ``edits`` table.
    n : int
        So many at most.

    Returns
    -------
    list of (Pair, int, int)
        Each with how often it happened, and in how many utterances; the most frequent first.
    """
    # Languages are marked by chains of their own: what is the same in several is one confusion to a reader.
    together = found.assign(**dict.fromkeys(groups.APART, "any"))
    listed = confusions(together, by=[], n=n).sort_values(["count", "n_utts"], ascending=False, kind="stable").head(n)
    return [(Pair(row["kind"], row["ref"], row["hyp"]), row["count"], row["n_utts"]) for row in rows_of(listed)]


def with_pair(found: pd.DataFrame, pair: Pair) -> pd.Series:
    """Give the ids of the utterances in which a confusion happened, once for each time."""
    fits = (found["kind"] == pair.kind).fillna(False).to_numpy(bool)
    for name, unit in (("ref", pair.ref), ("hyp", pair.hyp)):
        same = found[name].isna() if unit is None else (found[name] == unit).fillna(False)
        fits &= same.to_numpy(bool)
    return found["utt_id"].iloc[np.flatnonzero(fits)]
