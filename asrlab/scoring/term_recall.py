"""Term recall: how many of the words and names that matter came through.

This is recall, as "NE-FNR" in ContextASR-Bench (arXiv 2507.05727) counts it: the matches of a term are capped at its
count in the reference. A transcript that names terms which were not said is not punished here, and one that echoes a
list of terms scores without a miss: read it beside the error rate.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asrlab import tables
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

#: The ways to write a term, coded: one character a unit (:func:`asrlab.scoring.codes.encode`).
Term = tuple[str, ...]
#: What a term is looked for in: an utterance, and a number for that one of its channels.
Target = tuple[str, int]


def count_terms(terms: Sequence[Term], ref: str, hyp: str) -> tuple[int, int, int, int]:
    """Count the occurrences of terms in a reference that the transcript has too.

    Parameters
    ----------
    terms : sequence of tuple of str
        Of each term the ways to write it, coded. Their units must follow one another.
    ref, hyp : str
        Reference and transcript, coded together with the terms.

    Returns
    -------
    tuple of int
        hits, subs, dels, ins: occurrences found, 0, occurrences missed, 0. The miss rate, 1 - recall, is
        dels / (hits + dels). Terms that were not said and were heard are another measure, and not counted.

    Examples
    --------
    >>> from asrlab.scoring.codes import encode
    >>> kim, york, ref, hyp = encode(["kim", "new york", "kim met kim in new york", "kim in york new"], "word").texts
    >>> count_terms([(kim,), (york,)], ref, hyp)
    (1, 0, 2, 0)
    """
    hits = said = 0
    for term in terms:
        wanted = _occurrences(term, ref)
        said += wanted
        hits += min(wanted, _occurrences(term, hyp))
    return hits, 0, said - hits, 0


def terms_by_target(
    terms: pd.DataFrame, references: Mapping[Target, Sequence[str]], cut: Callable[[str, str], Term]
) -> dict[Target, list[Term]]:
    """Find the terms to look for in the transcripts of each utterance and channel.

    Parameters
    ----------
    terms : DataFrame
        A ``terms`` table. Those with role ``present`` count: with an ``utt_id`` for that utterance, without one for
        every utterance whose reference has them.
    references : mapping of (utt_id, number of the channel) to list of str
        The references that are marked against, coded.
    cut : callable
        From utt_id and text to the ways to write the term, coded.

    Returns
    -------
    dict
        Targets that have terms, with the terms of each, coded.

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
    found: dict[Target, list[Term]] = {}
    lost: dict[tuple[str, Term], str] = {}
    kept: set[tuple[str, Term]] = set()
    for target, texts in references.items():
        utt_id = target[0]
        # Two spellings that the normalizer makes one are one term.
        listed = {cut(utt_id, term): term for term in own.get(utt_id, [])}
        for coded, term in listed.items():
            lost.setdefault((utt_id, coded), term)
        coded_terms = dict.fromkeys([*listed, *(cut(utt_id, term) for term in everywhere)])
        there = [term for term in coded_terms if all(_occurrences(term, text) for text in texts)]
        kept.update((utt_id, term) for term in there)
        if there:
            found[target] = there
    if missing := [(utt_id, term) for (utt_id, coded), term in lost.items() if (utt_id, coded) not in kept]:
        named = "; ".join(f"{term!r} in {utt_id}" for utt_id, term in missing[:5])
        raise InvalidInput(
            f"{len(missing)} term{'s are' if len(missing) > 1 else ' is'} listed as present and not in the normalised "
            f"reference: {named}{' ...' if len(missing) > 5 else ''}. Spell a term as the reference does; where only "
            "one form of the reference has it, mark that form (form=). Where it has alternatives, the term must be in "
            "all; variants= may make some, in which a part of the term, or more than it, is written otherwise."
        )
    return found


def _occurrences(term: Term, text: str) -> int:
    """Count the places of a term, in any of its ways, that do not overlap."""
    if len(term) == 1:
        return text.count(term[0]) if term[0] else 0
    return len(re.findall("|".join(map(re.escape, sorted(filter(None, term), key=len, reverse=True))) or "(?!)", text))
