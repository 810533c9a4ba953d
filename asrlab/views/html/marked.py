"""Marked: trials one under another, each with its counts, its errors in line, its sound, and both texts as written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from asrlab.errors import InvalidInput
from asrlab.text import escape, plain
from asrlab.views.answers import counted, rows_of, with_answers
from asrlab.views.html.lines import in_line, pile, sentence
from asrlab.views.html.sound import Room, asked_about, player, worst
from asrlab.views.markup import Html
from asrlab.views.stack import line_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from asrlab.normalize import NormalizerChoice
    from asrlab.views.answers import Recordings, Row
    from asrlab.views.stack import Line, Stack

_ENTRY: Final = "border-left:3px solid #767676;padding-left:.8em;margin:1em 0;overflow-wrap:anywhere"


def errors(
    scores: pd.DataFrame,
    transcripts: pd.DataFrame,
    dataset: Recordings | None,
    *,
    n: int = 10,
    utt_id: str | None = None,
    normalizer: NormalizerChoice | None = None,
    context: int | None = 40,
    listen: bool = False,
    words: pd.DataFrame | None = None,
    heard: Callable[[str], Recordings | None] | None = None,
    budget_mb: float = 10,
) -> Html:
    """Show what went wrong: reference and transcript of the trials with most errors, aligned.

    Parameters
    ----------
    scores, transcripts : DataFrame
        As in :data:`asrlab.tables.SCHEMAS`; filter ``scores`` to choose what is shown.
    dataset : Dataset or None
        Holds the references; without it nothing is aligned, and nothing can be heard.
    n : int
        Show so many trials with errors, most errors first, and so many of those that have no counts.
    utt_id : str, optional
        Show all trials of this utterance instead.
    normalizer : str, Normalizer or mapping, optional
        The chain the scores were made with, if it is one of your own; those of asrlab are known by their name.
    context : int, optional
        Units kept at either end of a long run that is all right, or wrong in one way; None keeps all.
    listen : bool
        Put sound beside each trial: of its worst errors, each in a clip that begins half a second before it, where
        ``words`` say when they were heard; else the whole recording.
    words : DataFrame, optional
        Times of words, as in :func:`asrlab.edits`, such as ``sweep.words``.
    heard : callable, optional
        Gives the recordings that were asked about under a condition: ``sweep.heard``. It must be given where an axis of
        the sweep changes the audio (noise, codec, speed, lead_s ...): without it the recordings of ``dataset`` are
        played, which are not what was heard then, and times of words are not theirs.
    budget_mb : float
        What the markup may take (10^6 bytes). Trials and sounds that do not fit are left out, and it is said how many.

    Returns
    -------
    Html
        Begins with how many rows were answered with words, empty, failed, not run, or missing.

    Raises
    ------
    InvalidInput
        If a column is missing, or there is no such utterance in ``scores``.
    """
    if utt_id is not None:
        scores, transcripts = (
            frame[frame["utt_id"] == utt_id] if "utt_id" in frame.columns else frame for frame in (scores, transcripts)
        )
        if scores.empty:
            raise InvalidInput(f"The scores have no utterance {utt_id!r}. Name one of their column utt_id.")
    marked = with_answers(scores, transcripts)
    if utt_id is not None:
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
    room = Room(budget_mb)
    room.takes(sentence(head))
    entries, silenced = [], 0
    played: dict[Html, str] = {}
    for row in rows_of(shown):
        stack, line = _lined_up(row, dataset, words if listen else None, normalizer)
        entry = _entry(stack, line, context)
        if not room.takes(entry):
            break
        if listen:
            sounds = []
            source = asked_about(line.condition, dataset, heard)
            for label, sound in _sounds(stack, line, source, context):
                # The settings of a sweep ask about the same recordings.
                again = played.get(sound)
                own = [*label, sound if again is None else sentence(f"sound: as at {again}")]
                if room.takes(*own):
                    sounds += own
                    played.setdefault(sound, f"{stack.utt_id} · {line.name}")
                else:
                    silenced += 1
            entry = _entry(stack, line, context, pile(sounds))
        entries.append(entry)
    left = [
        *([f"{len(shown) - len(entries)} more are not shown"] if len(entries) < len(shown) else []),
        *([f"{silenced} sound{'s' * (silenced > 1)} left out"] if silenced else []),
    ]
    foot = [sentence(f"{'; '.join(left)}: this is to stay within {budget_mb:g} MB.")] if left else []
    return pile([sentence(head), *entries, *foot])


def trials(
    scores: pd.DataFrame,
    transcripts: pd.DataFrame,
    dataset: Recordings | None,
    *,
    normalizer: NormalizerChoice | None = None,
    context: int | None = None,
) -> Html:
    """Show every row of scores, in order: see :func:`asrlab.html.errors`.

    Parameters
    ----------
    scores, transcripts : DataFrame
        As in :data:`asrlab.tables.SCHEMAS`.
    dataset : Dataset or None
        Holds the references; without it nothing is aligned.
    normalizer, context
        As in :func:`errors`.

    Returns
    -------
    Html
        An entry a row.
    """
    rows = rows_of(with_answers(scores, transcripts))
    return pile(_entry(*_lined_up(row, dataset, None, normalizer), context) for row in rows)


def _lined_up(
    row: Row, dataset: Recordings | None, words: pd.DataFrame | None, normalizer: NormalizerChoice | None
) -> tuple[Stack, Line]:
    (stack,) = line_up([row], dataset, words=words, normalizer=normalizer, how=True)
    return stack, stack.lines[0]


def _entry(stack: Stack, line: Line, context: int | None, sound: Html | None = None) -> Html:
    """Show one trial: what it is, its counts, its errors in line, and both texts as they were written."""
    name, fact = f"{stack.utt_id} · {line.name}", "; ".join([line.fact, *line.notes, *stack.notes])
    aligned = in_line(line.cells, stack.unit, context) if line.aligned else None
    texts = "".join(
        f"<p>{label}: <bdi>{escape(text)}</bdi></p>"
        for label, text in (("reference", stack.written), ("heard", line.text))
        if text
    )
    return Html(
        f'<div style="{_ENTRY}"><p><b>{escape(name)}</b> — {escape(fact)}</p>'
        + (sound.markup if sound else "")
        + (f'<p dir="auto">{aligned.markup}</p>' if aligned else "")
        + (f"<details><summary>as written</summary>{texts}</details>" if texts else "")
        + "</div>",
        "\n  ".join(
            [
                f"{plain(name)} — {plain(fact)}",
                *([sound.text.replace("\n", "\n  ")] if sound and sound.text else []),
                *([aligned.text] if aligned else []),
            ]
        ),
    )


def _sounds(stack: Stack, line: Line, dataset: Recordings | None, context: int | None) -> list[tuple[list[Html], Html]]:
    """Give what is to be heard of a trial: clips of its worst errors, each with what it is of; else the recording."""
    sounds: list[tuple[list[Html], Html]] = []
    for start, end, cells in worst(line.cells):
        said = in_line(cells, stack.unit, context)
        label = Html(f'<p dir="auto">at {start:.1f} s: {said.markup}</p>', f"at {start:.1f} s: {said.text}")
        sounds.append(([label], player(dataset, stack.utt_id, start_s=start, end_s=end)))
    return sounds or [([], player(dataset, stack.utt_id))]
