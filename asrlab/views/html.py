"""Alignments and errors as HTML, each with a text twin that says the same.

Errors are marked by sign and by ``<ins>`` and ``<del>``, so they can be told apart without colour and without styles.
"""

from __future__ import annotations

import base64
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, Protocol

import pandas as pd

from asrlab import tables
from asrlab.errors import AsrlabError, InvalidInput
from asrlab.scoring.align import align
from asrlab.scoring.given import filled_in, join_answers, join_references
from asrlab.scoring.tokens import together
from asrlab.text import escape, plain
from asrlab.views.markup import EMPTY, Html, is_missing, table
from asrlab.wordings import form_as_given, literal, reference_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from asrlab.normalize import NormalizerChoice
    from asrlab.scoring.align import Alignment, Edit

    Row = dict[str, Any]

__all__ = ["Html", "alignment", "completed", "counted", "errors", "outcomes", "player", "table", "trials"]

#: What a trial without words is.
STATES: Final = {
    "empty": "Answered, and nothing was heard: the transcript is empty",
    "failed": "Failed",
    "unknown": "Outcome unknown: it was sent, and nobody knows whether it was accepted",
    "submitted": "Submitted, and not answered yet",
    "not run": "Not run yet",
    "missing": "Missing: the transcripts do not hold this answer",
}
#: Units that are written without white space between them.
_CHARACTERS: Final = frozenset({"char", "codepoint"})
_MIME: Final = {
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".mp4": "audio/mp4",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
    ".webm": "audio/webm",
}
# Black on a pale ground passes 4.5:1, in a dark theme too.
_MARK: Final = "color:#000;background:#f2e6b8"
_DEL: Final = "color:#000;background:#fbdcc8;text-decoration:line-through"
_INS: Final = "color:#000;background:#cfe6f5;text-decoration:underline"
_ENTRY: Final = "border-left:3px solid #767676;padding-left:.8em;margin:1em 0;overflow-wrap:anywhere"


class Recordings(Protocol):
    """What a view needs of a dataset: its tables, and where the audio lies."""

    @property
    def utterances(self) -> pd.DataFrame:
        """As in :data:`asrlab.tables.SCHEMAS`."""

    @property
    def references(self) -> pd.DataFrame:
        """As in :data:`asrlab.tables.SCHEMAS`."""

    def audio_path(self, utt_id: str) -> Path:
        """Path of a recording."""


def alignment(aligned: Alignment, *, context: int | None = None) -> Html:
    """Show a reference and a transcript as one line, in text ``the [cat→hat] sat [−on] [+very]``.

    Parameters
    ----------
    aligned : Alignment
        From :func:`asrlab.align`.
    context : int, optional
        Keep so many right units on either side of an error, and leave out the middle of longer runs; None leaves out
        nothing.

    Returns
    -------
    Html
        What was deleted is struck and has a minus, what was inserted is underlined and has a plus; a substitution is
        both, with an arrow from what was said to what was heard.
    """
    runs = groupby(aligned.edits, key=lambda edit: edit.kind)
    parts = [part for kind, run in runs for part in _parts(kind, list(run), aligned.unit, context)]
    if not parts:
        return Html(f"<i>{EMPTY}</i>", EMPTY)
    glue = "" if aligned.unit in _CHARACTERS else " "
    return Html(glue.join(part.markup for part in parts), glue.join(part.text for part in parts))


def _parts(kind: str, edits: list[Edit], unit: str, context: int | None) -> Iterator[Html]:
    if kind == "hit":
        words = [edit.ref or "" for edit in edits]
        if context is None or len(words) <= 2 * context + 1:
            yield _words(together(words, unit))
        else:
            yield _words(together(words[:context], unit))
            note = f" … {len(words) - 2 * context} right … "
            yield Html(f"<i>{note}</i>", note)
            yield _words(together(words[len(words) - context :], unit))
        return
    # Characters read better in runs; words stay single, so that the errors can be counted by eye.
    for part in [edits] if unit in _CHARACTERS else [[edit] for edit in edits]:
        said = together((edit.ref or "" for edit in part), unit)
        heard = together((edit.hyp or "" for edit in part), unit)
        if kind == "sub":
            both = (
                f'<del style="text-decoration:line-through">{escape(said)}</del> → '
                f'<ins style="text-decoration:underline">{escape(heard)}</ins>'
            )
            yield Html(f'<mark style="{_MARK}">{both}</mark>', f"[{plain(said)}→{plain(heard)}]")
        elif kind == "del":
            yield Html(f'−<del style="{_DEL}">{escape(said)}</del>', f"[−{plain(said)}]")
        else:
            yield Html(f'+<ins style="{_INS}">{escape(heard)}</ins>', f"[+{plain(heard)}]")


def _words(text: str) -> Html:
    return Html(escape(text), plain(text))


def errors(
    scores: pd.DataFrame,
    transcripts: pd.DataFrame,
    dataset: Recordings,
    *,
    n: int = 10,
    utt_id: str | None = None,
    normalizer: NormalizerChoice | None = None,
    context: int | None = 40,
    listen: bool = False,
) -> Html:
    """Show what went wrong: reference and transcript of the trials with most errors, aligned.

    Parameters
    ----------
    scores, transcripts : DataFrame
        As in :data:`asrlab.tables.SCHEMAS`; filter ``scores`` to choose what is shown.
    dataset : Dataset
        Holds the references.
    n : int
        Show so many trials with errors, most errors first, and so many of those that have no counts.
    utt_id : str, optional
        Show all trials of this utterance instead.
    normalizer : str, Normalizer or mapping, optional
        The chain the scores were made with, if it is one of your own; those of asrlab are known by their name.
    context : int, optional
        Right units kept on either side of an error; None keeps all.
    listen : bool
        Put the recording beside each trial.

    Returns
    -------
    Html
        Begins with how many rows were answered with words, empty, failed, not run, or missing.

    Raises
    ------
    InvalidInput
        If a column is missing, or there is no such utterance in ``scores``.
    """
    marked = _with_answers(scores, transcripts)
    if utt_id is not None:
        marked = marked[marked["utt_id"] == utt_id]
        if marked.empty:
            raise InvalidInput(f"The scores have no utterance {utt_id!r}. Name one of their column utt_id.")
        shown, left_out = marked, 0
    else:
        total = marked[["subs", "dels", "ins"]].sum(axis=1, skipna=False)
        order = marked.assign(_errors=total).sort_values(
            ["_errors", "utt_id", "condition", "repeat", "channel"], ascending=[False, True, True, True, True]
        )
        wrong, silent = order[order["_errors"] > 0], order[order["_errors"].isna()]
        shown = pd.concat([wrong.head(n), silent.head(n)])
        left_out = len(wrong) + len(silent) - len(shown)
    head = f"{len(marked)} row{'s' * (len(marked) != 1)} of scores: {counted(marked['outcome'])}."
    if shown.empty:
        head += " No errors."
    if left_out:
        head += f" {left_out} more with errors or without counts are not shown."
    entries = [_entry(row, dataset, normalizer, context, listen=listen) for row in _rows(shown)]
    return _stacked([_sentence(head), *entries])


def trials(
    scores: pd.DataFrame,
    transcripts: pd.DataFrame,
    dataset: Recordings | None,
    *,
    normalizer: NormalizerChoice | None = None,
    context: int | None = None,
) -> Html:
    """Show every row of scores, in order: see :func:`errors`.

    Parameters
    ----------
    scores, transcripts : DataFrame
        As in :data:`asrlab.tables.SCHEMAS`.
    dataset : Dataset or None
        Holds the references; without it nothing is aligned.
    normalizer, context
        As in :func:`errors`.
    """
    return _stacked([_entry(row, dataset, normalizer, context) for row in _rows(_with_answers(scores, transcripts))])


def completed(transcripts: pd.DataFrame) -> pd.DataFrame:
    """Give transcripts from anywhere all columns of their table, and the names that :func:`asrlab.score` gives."""
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
        answered, empty (answered with an empty text), missing (answered, but the text is not here), or the state.
    """
    state, text = transcripts["state"].fillna("answered"), transcripts["text"]
    answered = state == "answered"
    blank = answered & (text.fillna("-").str.strip() == "")
    return state.mask(answered & text.isna(), "missing").mask(blank, "empty")


def counted(outcome: pd.Series) -> str:
    """Write outcomes as ``9 answered, 2 empty, 1 failed``; those that do not occur are left out."""
    found = outcome.value_counts()
    return ", ".join(f"{found[state]} {state}" for state in ("answered", *STATES) if state in found.index) or "none"


def player(dataset: Recordings | None, utt_id: str, *, max_mb: float = 10) -> Html:
    """Show a recording as an audio player that holds the sound itself.

    Parameters
    ----------
    dataset : Dataset or None
        Knows where the recording lies.
    utt_id : str
        The utterance.
    max_mb : float
        Longer files are named, and not put in (10^6 bytes).

    Returns
    -------
    Html
        The player, or in words why there is none.
    """
    if dataset is None:
        return _sentence("No audio: this sweep was opened without its dataset.")
    try:
        path = dataset.audio_path(utt_id)
        size = path.stat().st_size
    except AsrlabError:  # not in its words: they may quote a URL with its signature
        return _sentence(f"No audio: the dataset names no file for {utt_id}.")
    except (OSError, ValueError):  # ValueError: a name with a NUL
        return _sentence(f"No audio: the file of {utt_id} is not here.")
    mime = _MIME.get(path.suffix.lower())
    if mime is None:
        return _sentence(f"No audio: browsers do not play {path.suffix or path.name}.")
    if size > max_mb * 1e6:
        return _sentence(f"No audio: {path.name} has {size / 1e6:.1f} MB, more than {max_mb:g} MB.")
    sound = base64.b64encode(path.read_bytes()).decode("ascii")
    return Html(
        f'<audio controls preload="metadata" title="{escape(utt_id)}" src="data:{mime};base64,{sound}"></audio>',
        f"[audio: {plain(utt_id)}]",
    )


def _stacked(parts: list[Html]) -> Html:
    return Html("\n".join(part.markup for part in parts), "\n".join(part.text for part in parts))


def _sentence(text: str) -> Html:
    return Html(f"<p>{escape(text)}</p>", plain(text))


def _with_answers(scores: pd.DataFrame, transcripts: pd.DataFrame) -> pd.DataFrame:
    """Put each score beside its answer, and say what came of the trial."""
    marked = tables.check(scores, "scores", required=("utt_id", "condition", "subs", "dels", "ins", "ref_len"))
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


def _rows(frame: pd.DataFrame) -> Iterable[Row]:
    """Give rows as dicts in which all that is missing is None."""
    for row in frame.to_dict("records"):
        yield {str(name): None if is_missing(value) else value for name, value in row.items()}


def _entry(
    row: Row,
    dataset: Recordings | None,
    normalizer: NormalizerChoice | None,
    context: int | None,
    *,
    listen: bool = False,
) -> Html:
    """Show one trial: what it is, its counts, its errors in line, and both texts as they were written."""
    name = " · ".join(
        [
            *(str(row[column]) for column in ("utt_id", "condition") if row[column] is not None),
            *(f"{column} {row[column]}" for column in ("repeat", "channel") if row[column]),
        ]
    )
    facts = [_counts(row)]
    if row["outcome"] != "answered":
        said = ": ".join(row[column] for column in ("error_code", "error") if row[column])
        facts.insert(0, ": ".join(filter(None, [STATES.get(row["outcome"], row["outcome"]), said])))
    reference = None if dataset is None else _reference(row, dataset.references)
    line = None
    to_align = row["outcome"] in {"answered", "empty"} and row["unit"] is not None  # no unit: it was never scored
    if reference is None:
        facts += ["its reference is not here"] if to_align else []
    elif to_align:
        unit = "auto" if row["unit"] in tables.SHARES else row["unit"]
        chain = normalizer or row["normalizer"] or "auto"
        try:
            aligned = align(
                reference if row["wording"] is None else literal(reference),
                row["text"],
                language=row["spoken_language"],
                unit=unit,
                normalizer=chain,
                ties=row["ties"] or "jiwer",
            )
        except InvalidInput as error:
            facts.append(f"not aligned: {error}")
        else:
            line = alignment(aligned, context=context)
            found = aligned.subs + aligned.dels + aligned.ins
            if unit == row["unit"] and _errors(row) not in {None, found}:
                facts.append(f"this alignment has {found}: the scores were made otherwise")
    fact = "; ".join(facts)
    sound = [player(dataset, row["utt_id"])] if listen else []
    texts = "".join(
        f"<p>{label}: <bdi>{escape(text)}</bdi></p>"
        for label, text in (("reference", reference), ("heard", row["text"]))
        if text
    )
    return Html(
        f'<div style="{_ENTRY}"><p><b>{escape(name)}</b> — {escape(fact)}</p>'
        + "".join(part.markup for part in sound)
        + (f'<p dir="auto">{line.markup}</p>' if line else "")
        + (f"<details><summary>as written</summary>{texts}</details>" if texts else "")
        + "</div>",
        "\n  ".join([f"{plain(name)} — {plain(fact)}", *(part.text for part in sound), *([line.text] if line else [])]),
    )


def _errors(row: Row) -> int | None:
    counts = [row["subs"], row["dels"], row["ins"]]
    return None if None in counts else int(sum(counts))


def _counts(row: Row) -> str:
    wrong = _errors(row)
    if wrong is None:
        return "not counted"
    unit, form = row["unit"] or "unit", row["form"] and reference_of(row["form"])
    if row.get("marked_form"):
        form = f"best reference: {row['marked_form']}"
    how = ", ".join(fact for fact in (form, row["normalizer"]) if fact) or "form not known"
    return (
        f"{wrong} error{'s' * (wrong != 1)} in {row['ref_len']} {unit}{'s' * (row['ref_len'] != 1)} "
        f"({row['subs']} substituted, {row['dels']} deleted, {row['ins']} inserted; {how})"
    )


def _reference(row: Row, references: pd.DataFrame) -> str | None:
    """Find the text that a row was marked against; of what the row leaves open, the first."""
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
