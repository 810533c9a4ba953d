"""Answers: each row of scores beside what was heard, what came of it, and the text that it was marked against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.scoring.given import filled_in, join_answers, join_references
from asrlab.views.markup import is_missing
from asrlab.wordings import form_as_given, reference_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

#: A row of a table by the names of its columns; what is missing is None.
Row: TypeAlias = dict[str, Any]

#: What a trial without words is.
STATES: Final = {
    "empty": "Answered, and nothing was heard: the transcript is empty",
    "failed": "Failed",
    "unknown": "Outcome unknown: it was sent, and nobody knows whether it was accepted",
    "submitted": "Submitted, and not answered yet",
    "not run": "Not run yet",
    "spared": "Spared: not asked, since a race had dropped the setting",
    "missing": "Missing: the transcripts do not hold this answer",
}
_COUNTS: Final = ("subs", "dels", "ins")


class Recordings(Protocol):
    """What a view needs of a dataset: its tables, and its audio."""

    @property
    def utterances(self) -> pd.DataFrame:
        """As in :data:`asrlab.tables.SCHEMAS`."""

    @property
    def references(self) -> pd.DataFrame:
        """As in :data:`asrlab.tables.SCHEMAS`."""

    def audio_path(self, utt_id: str) -> Path:
        """Find a recording on this machine: see :meth:`asrlab.Dataset.audio_path`.

        Parameters
        ----------
        utt_id : str
            Id of its utterance.

        Returns
        -------
        Path
            Of the file.
        """

    def clip(self, utt_id: str, begin_s: float | None = None, end_s: float | None = None) -> bytes:
        """Code a recording, or a stretch of it, as FLAC: see :meth:`asrlab.Dataset.clip`.

        Parameters
        ----------
        utt_id : str
            Id of its utterance.
        begin_s, end_s : float, optional
            Of the stretch, in seconds; the ends of the recording where not given.

        Returns
        -------
        bytes
            A FLAC file.
        """


def completed(transcripts: pd.DataFrame) -> pd.DataFrame:
    """Give transcripts from anywhere all columns of their table, and the names that :func:`asrlab.score` gives.

    Parameters
    ----------
    transcripts : DataFrame
        With ``utt_id`` and ``text``.

    Returns
    -------
    DataFrame
        A ``transcripts`` table.
    """
    answers = tables.check(transcripts, "transcripts", required=("utt_id", "text"))
    return answers.fillna({"condition": "unnamed", "repeat": 0})


def outcomes(transcripts: pd.DataFrame) -> pd.Series:
    """Tell for each row what came of it.

    Parameters
    ----------
    transcripts : DataFrame
        With the columns ``state`` and ``text``.

    Returns
    -------
    Series of str
        Answered, empty (answered with an empty text), missing (answered, but the text is not here), or the state.
    """
    state, text = transcripts["state"].fillna("answered"), transcripts["text"]
    answered = state == "answered"
    blank = answered & (text.fillna("-").str.strip() == "")
    return state.mask(answered & text.isna(), "missing").mask(blank, "empty")


def counted(outcome: pd.Series) -> str:
    """Write how many outcomes there are of each kind.

    Parameters
    ----------
    outcome : Series of str
        From :func:`asrlab.html.outcomes`.

    Returns
    -------
    str
        As in ``9 answered, 2 empty, 1 failed``; those that do not occur are left out.
    """
    found = outcome.value_counts()
    return ", ".join(f"{found[state]} {state}" for state in ("answered", *STATES) if state in found.index) or "none"


def with_answers(scores: pd.DataFrame, transcripts: pd.DataFrame) -> pd.DataFrame:
    """Put each score beside its answer (``text``, ``error_code``, ``error``), and say in ``outcome`` what came of it.

    Raises
    ------
    InvalidInput
        If a column is missing, or these are the scores of a ladder.
    """
    marked = tables.check(scores, "scores", required=("utt_id", "condition", *_COUNTS, "ref_len"))
    if "rung" in marked.columns and marked["rung"].nunique() > 1:
        raise InvalidInput(
            "These are the scores of a ladder, in which each answer is marked several times. Choose a rung: "
            "scores.query(\"rung == 'numbers'\")."
        )
    answers = completed(transcripts)
    # Transcripts from elsewhere may be told apart by their axes alone.
    axes = [name for name in marked.columns if name not in tables.SCHEMAS["scores"] and name in answers.columns]
    key = ["trial", "utt_id", "condition", "repeat", *axes]
    joined = bool((marked["channel"].isna() & (marked["state"] == "answered")).any())
    if joined:  # score() has joined the channels
        axes = [name for name in axes if marked[name].notna().all()]
        key = ["trial", "utt_id", "condition", "repeat", *axes]
        answers = join_answers(answers.assign(state=answers["state"].fillna("answered")), key)
        answers["channel"] = answers["channel"].mask(answers["channel"].notna())
    elif answers["channel"].isna().any():  # score() has filled these in
        filled = answers[key].merge(marked[[*key, "channel"]].drop_duplicates(key), on=key, how="left")["channel"]
        answers["channel"] = answers["channel"].fillna(filled.set_axis(answers.index))
    key.append("channel")
    answers = answers[[*key, *(name for name in ("state", "text", "error_code", "error") if name not in key)]]
    kept = [*tables.SCHEMAS["scores"], *axes, *({"marked_form"} & set(marked.columns))]
    marked = marked[kept].merge(answers.drop_duplicates(key, keep="last"), on=key, how="left", suffixes=("", "_answer"))
    if joined:  # of which one may be missing, which only score() knows
        marked["text"] = marked["text"].where(marked["state"] == "answered")
    else:
        marked["state"] = marked["state_answer"].fillna(marked["state"])
    return marked.assign(outcome=outcomes(marked))


def rows_of(frame: pd.DataFrame) -> Iterator[Row]:
    """Give rows as dicts in which all that is missing is None."""
    for row in frame.to_dict("records"):
        yield {str(name): None if is_missing(value) else value for name, value in row.items()}


def errors_in(row: Row) -> int | None:
    """Count the errors of a row; None where it was not counted."""
    counts = [row[name] for name in _COUNTS]
    return None if None in counts else int(sum(counts))


def fact(row: Row, how: str = "") -> str:
    """Say what came of a row, and its counts; ``how`` they were made goes beside them."""
    facts = [_counts(row, how)]
    if row["outcome"] != "answered":
        said = ": ".join(row[column] for column in ("error_code", "error") if row[column])
        facts.insert(0, ": ".join(filter(None, [STATES.get(row["outcome"], row["outcome"]), said])))
    return "; ".join(facts)


def how_marked(row: Row) -> str:
    """Say what a row was marked against, and by which normalizer."""
    form = row["form"] and reference_of(row["form"])
    if row.get("marked_form"):
        form = f"best reference: {row['marked_form']}"
    return ", ".join(said for said in (form, row["normalizer"]) if said) or "form not known"


def _counts(row: Row, how: str) -> str:
    wrong = errors_in(row)
    if wrong is None:
        return "not counted"
    unit = "unit" if row["unit"] in {None, "mixed"} else row["unit"]
    return (
        f"{wrong} error{'s' * (wrong != 1)} in {row['ref_len']} {unit}{'s' * (row['ref_len'] != 1)} "
        f"({row['subs']} substituted, {row['dels']} deleted, {row['ins']} inserted{how and f'; {how}'})"
    )


def reference_text(row: Row, references: pd.DataFrame) -> str | None:
    """Find the text that a row was marked against; of what the row leaves open, the first.

    Parameters
    ----------
    row : dict
        Of scores with their answers.
    references : DataFrame
        Of the utterance of this row alone, or of many.

    Returns
    -------
    str or None
        As it stands in the references; of one with alternatives in it, the wording that was marked against, where one
        was. None where there is none such.
    """
    if row["wording"] is not None:
        return str(row["wording"])
    found = filled_in(references[references["utt_id"] == row["utt_id"]])
    if row["channel"] is None and row["state"] == "answered":
        found = join_references(found)
    form = row.get("marked_form") or form_as_given(row["form"] or "")
    for column, wanted in (("channel", row["channel"]), ("form", form), ("alternative", row["alternative"])):
        if wanted not in {None, "", "best"}:
            found = found[found[column] == wanted]
    return None if found.empty else str(found["text"].iloc[0])
