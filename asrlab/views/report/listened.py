"""Listened: the utterances that went worst, and those that the settings changed most, to be read and heard."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING, Final, NamedTuple

import pandas as pd

from asrlab.errors import AsrlabError
from asrlab.text import escape, plain
from asrlab.views.html.columns import under
from asrlab.views.html.sound import MB
from asrlab.views.report.asked import axes_of
from asrlab.views.stack import stacks

if TYPE_CHECKING:
    from asrlab.normalize import NormalizerChoice
    from asrlab.views.report.asked import Asked

#: Units that a text is cut into as a whole: what is shown is aligned in them.
_CUT: Final = ("word", "char", "mixed", "codepoint")
_NONE: Final = "There is none: no answer that was marked has an error, or errors under one setting and not another."
_SILENT: Final = "There is no sound: this sweep was opened without its dataset."
#: What a stack may take without its sound.
_STACK_MB: Final = 0.5


class Ranked(NamedTuple):
    """An utterance, and why it is shown."""

    utt_id: str
    why: str


def main_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """Choose of scores that mark answers several times the first marking in words or characters of each answer."""
    cut = scores[scores["unit"].isin(_CUT)]
    chosen = cut if len(cut) else scores
    return chosen.drop_duplicates(["trial", "utt_id", "condition", "repeat", "channel", *axes_of(scores)])


def worst(main: pd.DataFrame, n: int) -> list[Ranked]:
    """Rank utterances by their errors in an answer, on average of all settings and repeats."""
    by = _errors(main)
    if by.empty:
        return []
    mean = by.groupby("utt_id", sort=False)["errors"].mean()
    ranked = _first(mean[mean > 0], n)
    return [Ranked(utt_id, f"{value:.1f} errors in an answer on average") for utt_id, value in ranked]


def most_changed(main: pd.DataFrame, n: int) -> list[Ranked]:
    """Rank utterances by how far the errors under two settings are apart, on average of repeats."""
    by = _errors(main)
    if by.empty:
        return []
    mean = by.groupby(["utt_id", "condition"], sort=False)["errors"].mean()
    each = mean.groupby(level="utt_id", sort=False)
    apart = each.max() - each.min()
    ranked = []
    for utt_id, _ in _first(apart[apart > 0], n):
        own = mean.loc[utt_id]
        ends = (
            f"{value:.1f} errors under {plain(name, 80)}"
            for name, value in ((own.idxmin(), own.min()), (own.idxmax(), own.max()))
        )
        ranked.append(Ranked(utt_id, ", ".join(ends)))
    return ranked


def shown_utterances(
    ranked: list[Ranked],
    asked: Asked,
    main: pd.DataFrame,
    *,
    normalizer: NormalizerChoice | None,
    shown_above: set[str],
    sound_mb: float,
) -> tuple[str, float]:
    """Show utterances with all that was made of them, and their sound as far as there is room.

    Returns
    -------
    markup : str
    spent_mb : float
        What the sound takes, as it is held in the file, in 10^6 bytes.
    """
    if not ranked:
        return f"<p>{_NONE}</p>", 0.0
    parts, left = [f"<p>{_SILENT}</p>"] if asked.dataset is None else [], sound_mb
    for one in ranked:
        parts.append(f'<h3 dir="auto">{escape(plain(one.utt_id, 200))}</h3><p dir="auto">{escape(one.why)}.</p>')
        if one.utt_id in shown_above:
            parts.append("<p>It is shown above.</p>")
            continue
        shown_above.add(one.utt_id)
        piece, took = _stacked(one.utt_id, asked, main, normalizer, left)
        parts.append(piece)
        left -= took
    return "\n".join(parts), sound_mb - left


def _stacked(
    utt_id: str, asked: Asked, main: pd.DataFrame, normalizer: NormalizerChoice | None, left: float
) -> tuple[str, float]:
    """Stack what was made of an utterance, with its sound if that is no more than is left."""
    words = asked.more.get("words")
    given = words if isinstance(words, pd.DataFrame) else None
    try:
        found = stacks(main, asked.transcripts, asked.dataset, utt_id, words=given, normalizer=normalizer)
    except AsrlabError as error:
        return f"<p>Not aligned: {escape(error)}</p>", 0.0
    silent = under(found, fold=True, budget_mb=_STACK_MB).markup
    if asked.dataset is None or not left:
        return silent, 0.0
    size = len(silent.encode()) / MB
    # Down to 10 kB: so much is said where sound is left out.
    heard = under(found, asked.dataset, fold=True, listen=True, budget_mb=floor(100 * (size + left)) / 100).markup
    return heard, len(heard.encode()) / MB - size if "<audio" in heard else 0.0


def _errors(main: pd.DataFrame) -> pd.DataFrame:
    marked = main[main["ref_len"].notna()]
    return marked[["utt_id", "condition"]].assign(errors=marked[["subs", "dels", "ins"]].sum(axis=1).astype("float64"))


def _first(values: pd.Series, n: int) -> list[tuple[str, float]]:
    """Give the n greatest, of equals the first by name."""
    found = values.rename("value").rename_axis("utt_id").reset_index()
    found = found.sort_values(["value", "utt_id"], ascending=[False, True]).head(n)
    return [(str(utt_id), float(value)) for utt_id, value in zip(found["utt_id"], found["value"], strict=True)]
