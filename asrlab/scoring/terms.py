"""Terms: how many of the words and names that matter came through.

This is recall, as "NE-FNR" in ContextASR-Bench (arXiv 2507.05727) counts it: the matches of a term are capped at its
count in the reference. A transcript that names terms which were not said is not punished here, and one that echoes a
list of terms scores without a miss: read it beside the error rate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asrlab import tables
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from asrlab.scoring.align import Units

#: What a term is looked for in: an utterance, and a number for that one of its channels.
Target = tuple[str, int]


def count_terms(terms: Sequence[Units], ref: Units, hyp: Units) -> tuple[int, int, int, int]:
    """Count the occurrences of terms in a reference that the transcript has too.

    Parameters
    ----------
    terms : sequence of (list of str, or str)
        Units of each term; as words they must follow one another, as characters they are a part of the text.
    ref, hyp : list of str, or str
        Units of the reference and of the transcript.

    Returns
    -------
    tuple of int
        hits, subs, dels, ins: occurrences found, 0, occurrences missed, 0. The miss rate, 1 - recall, is
        dels / (hits + dels). Terms that were not said and were heard are another measure, and not counted.

    Examples
    --------
    >>> count_terms(["kim".split(), "new york".split()], "kim met kim in new york".split(), "kim in york new".split())
    (1, 0, 2, 0)
    """
    hits = said = 0
    for term in terms:
        wanted = _occurrences(term, ref)
        said += wanted
        hits += min(wanted, _occurrences(term, hyp)) if wanted else 0
    return hits, 0, said - hits, 0


def terms_by_target(
    terms: pd.DataFrame, references: Mapping[Target, Sequence[Units]], cut: Callable[[str, str], Units]
) -> dict[Target, list[Units]]:
    """Find the terms to look for in the transcripts of each utterance and channel.

    Parameters
    ----------
    terms : DataFrame
        A ``terms`` table. Those with role ``present`` count: with an ``utt_id`` for that utterance, without one for
        every utterance whose reference has them.
    references : mapping of (utt_id, number of the channel) to units
        The normalised references that are marked against.
    cut : callable
        From utt_id and text to normalised units.

    Returns
    -------
    dict
        Targets that have terms, with the units of each.

    Raises
    ------
    InvalidInput
        If a term of an utterance is not in its references.
    """
    present = tables.check(terms, "terms", required=("utt_id", "term", "role"))
    present = present[(present["role"] == "present") & present["term"].notna()].drop_duplicates()
    everywhere = present.loc[present["utt_id"].isna(), "term"].tolist()
    own: dict[str, list[str]] = {}
    for utt_id, term in present.dropna(subset="utt_id")[["utt_id", "term"]].itertuples(index=False):
        own.setdefault(utt_id, []).append(term)
    found: dict[Target, list[Units]] = {}
    lost: dict[tuple[str, str], str] = {}
    kept: set[tuple[str, str]] = set()
    for target, texts in references.items():
        utt_id = target[0]
        units: dict[str, Units] = {}  # by their text: two spellings that the normalizer makes one are one term
        for term in own.get(utt_id, []):
            cut_term = cut(utt_id, term)
            units[_text(cut_term)] = cut_term
            lost.setdefault((utt_id, _text(cut_term)), term)
        for term in everywhere:
            cut_term = cut(utt_id, term)
            units.setdefault(_text(cut_term), cut_term)
        there = {key: term for key, term in units.items() if all(_occurrences(term, text) for text in texts)}
        kept.update((utt_id, key) for key in there)
        if there:
            found[target] = list(there.values())
    if missing := [(utt_id, term) for (utt_id, key), term in lost.items() if (utt_id, key) not in kept]:
        named = "; ".join(f"{term!r} in {utt_id}" for utt_id, term in missing[:5])
        raise InvalidInput(
            f"{len(missing)} term{'s are' if len(missing) > 1 else ' is'} listed as present and not in the normalised "
            f"reference: {named}{' ...' if len(missing) > 5 else ''}. Spell a term as the reference does; where only "
            "one form of the reference has it, mark that form (form=)."
        )
    return found


def _text(units: Units) -> str:
    return units if isinstance(units, str) else " ".join(units)


def _occurrences(term: Units, text: Units) -> int:
    """Count the places of a term that do not overlap."""
    if not term:
        return 0
    if isinstance(text, str):
        return text.count(_text(term))
    place = count = 0
    while place + len(term) <= len(text):
        if text[place : place + len(term)] == term:
            count += 1
            place += len(term)
        else:
            place += 1
    return count
