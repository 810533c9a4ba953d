"""Listened: the utterances that went worst, and those that the settings changed most, to be read and heard."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import numpy as np
import pandas as pd

from asrlab.errors import AsrlabError
from asrlab.text import escape, plain
from asrlab.views.html.sound import MB
from asrlab.views.html.stacked import under
from asrlab.views.report.asked import axes_of
from asrlab.views.stack import stacks

if TYPE_CHECKING:
    from asrlab.normalize import NormalizerChoice
    from asrlab.views.report.asked import Asked

#: Units that a text is cut into as a whole: what is shown is aligned in them.
_CUT: Final = ("word", "char", "mixed", "codepoint")
_NAMES: Final = {"char": "characters", "codepoint": "code points", "mixed": "units"}
_SILENT: Final = "There is no sound: this sweep was opened without its dataset."
#: What a stack may take without its sound.
_STACK_MB: Final = 0.5
#: Utterances passed over that are named.
_MOST_NAMED: Final = 20


class Ranked(NamedTuple):
    """An utterance, why it is shown, and by how much it goes before others."""

    utt_id: str
    why: str
    by: float


def main_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """Choose of scores that mark answers several times the first marking in words or characters of each answer."""
    cut = scores[scores["unit"].isin(_CUT)]
    chosen = cut if len(cut) else scores
    return chosen.drop_duplicates(["trial", "utt_id", "condition", "repeat", "channel", *axes_of(scores)])


def worst(main: pd.DataFrame) -> tuple[list[Ranked], str]:
    """Rank utterances by their error rate: errors in all answers over the units of their references.

    Returns
    -------
    list of Ranked
        The worst first, of equals the first by name; those without an error are left out.
    str
        Why there is none, if there is none.
    """
    by = _errors(main)
    if by.empty:
        return [], "There is none: no answer was marked."
    summed = by.groupby(["utt_id", "unit"], sort=False)[["errors", "ref_len"]].agg(["sum", "size"])
    errors, n = summed["errors", "sum"].to_numpy(), summed["errors", "size"].to_numpy()
    lengths = summed["ref_len", "sum"].to_numpy()
    found = [
        Ranked(utt_id, f"{_said(wrong / of, length / of, unit)} in an answer on average", wrong / max(length, 1))
        for (utt_id, unit), wrong, length, of in zip(summed.index, errors, lengths, n, strict=True)
        if wrong
    ]
    return _sorted(found), "There is none: no answer that was marked has an error."


def most_changed(main: pd.DataFrame) -> tuple[list[Ranked], str]:
    """Rank utterances by how far their error rates under two settings are apart.

    Two settings are held against each other on what both were asked and answered of an utterance: the same channels and
    repeats. Returns as :func:`worst` does.
    """
    by = _errors(main)
    if by.empty:
        return [], "There is none: no answer was marked."
    if by["condition"].nunique() < 2:
        return [], "There is none: answers were marked under one setting only."
    found, paired = [], False
    settings = pd.factorize(by["condition"])
    question = by.groupby(["channel", "repeat"], dropna=False, sort=False).ngroup().to_numpy()
    rows = by.groupby(["utt_id", "unit"], sort=False).indices
    errors, lengths = by["errors"].to_numpy(), by["ref_len"].to_numpy()
    for key, own in rows.items():
        utt_id, unit = cast("tuple[str, str]", key)
        conditions, setting = np.unique(settings[0][own], return_inverse=True)
        asked, column = np.unique(question[own], return_inverse=True)
        table = np.full((2, len(conditions), len(asked)), np.nan)
        table[:, setting, column] = errors[own], lengths[own]
        there = (~np.isnan(table[0])).astype(float)
        both = there @ there.T  # questions that two settings have in common
        wrong, length = (np.nan_to_num(part) @ there.T for part in table)  # of the first, in those
        paired |= bool((both - np.diag(np.diag(both)) > 0).any())
        apart = (wrong - wrong.T) / np.maximum(length, 1)
        worse, better = np.unravel_index(int(apart.argmax()), apart.shape)
        if apart[worse, better] > 0:
            of, in_all = both[worse, better], length[worse, better]
            ends = (
                f"{_said(count / of, in_all / of, unit)} under {plain(settings[1][conditions[name]], 80)}"
                for count, name in ((wrong[better, worse], better), (wrong[worse, better], worse))
            )
            found.append(Ranked(utt_id, ", ".join(ends), float(apart[worse, better])))
    if not paired:
        return [], "There is none: no question was answered under two settings."
    return _sorted(found), "There is none: no utterance has more errors under one setting than under another."


def shown_utterances(
    ranking: tuple[list[Ranked], str],
    asked: Asked,
    main: pd.DataFrame,
    *,
    n: int,
    normalizer: NormalizerChoice | None,
    shown_above: set[str],
    sound_mb: float,
) -> tuple[str, float]:
    """Show the first n utterances with all that was made of them, and their sound as far as there is room.

    Those that were shown above are passed over.

    Returns
    -------
    markup : str
    spent_mb : float
        What the sound takes, as it is held in the file, in 10^6 bytes.
    """
    ranked, none = ranking
    if not n:
        return "<p>None is shown: n is 0.</p>", 0.0
    if not ranked:
        return f"<p>{none}</p>", 0.0
    shown = [one for one in ranked if one.utt_id not in shown_above][:n]
    last = ranked.index(shown[-1]) if len(shown) == n else len(ranked)
    passed = [plain(one.utt_id, 80) for one in ranked[:last] if one.utt_id in shown_above]
    parts = [f"<p>{_SILENT}</p>"] if asked.dataset is None else []
    if passed:
        more = f" and {len(passed) - _MOST_NAMED:,} more" if len(passed) > _MOST_NAMED else ""
        parts.append(f"<p>Shown above: {escape(', '.join(passed[:_MOST_NAMED]))}{more}.</p>")
    left = sound_mb
    for one in shown:
        parts.append(f'<h3 dir="auto">{escape(plain(one.utt_id, 200))}</h3><p dir="auto">{escape(one.why)}.</p>')
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
    room = floor(100 * (size + left)) / 100
    try:
        heard = under(found, asked.dataset, fold=True, listen=True, heard=asked.heard, budget_mb=room).markup
    except AsrlabError as error:
        return f"{silent}<p>No sound: {escape(error)}</p>", 0.0
    return heard, len(heard.encode()) / MB - size if "<audio" in heard else 0.0


def _errors(main: pd.DataFrame) -> pd.DataFrame:
    marked = main[main["ref_len"].notna()].reset_index(drop=True)
    counts = marked[["subs", "dels", "ins"]].sum(axis=1).astype("float64")
    lengths = marked["ref_len"].astype("float64")
    return marked[["utt_id", "condition", "channel", "repeat", "unit"]].assign(errors=counts, ref_len=lengths)


def _said(errors: float, length: float, unit: str) -> str:
    return f"{errors:.1f} errors in {round(length, 1):g} {_NAMES.get(unit, f'{unit}s')}"


def _sorted(found: list[Ranked]) -> list[Ranked]:
    """Put the greatest first, of equals the first by name; each utterance once."""
    ranked = sorted(found, key=lambda one: (-one.by, one.utt_id))
    return list({one.utt_id: one for one in reversed(ranked)}.values())[::-1]
