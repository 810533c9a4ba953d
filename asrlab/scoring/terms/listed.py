"""Listed: which terms are looked for in which utterance.

Of an utterance these are its terms in a table, those of the whole set, and what stands in the contexts that it was
asked with under any setting: so that all settings are measured by one yardstick, the one without a context too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.lists import items
from asrlab.scoring.requests import sent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asrlab.scoring.sheet import Recipe
    from asrlab.scoring.variants import Variants

#: Terms of a whole set: a table of them, or the terms alone.
TermsChoice: TypeAlias = "pd.DataFrame | Sequence[str]"

_ROLES = ("present", "distractor")


class Lists(NamedTuple):
    """Lists of terms, each once, and whose they are."""

    lists: list[tuple[str, ...]]  #: terms as they were given, each spelling once
    of: dict[str, int]  #: utt_id -> place of its list; an utterance that has no terms is not in it
    present: dict[str, list[str]]  #: utt_id -> its own terms that are said to be in its reference
    named: dict[str, list[str]]  #: contexts that were read, with the terms that each names


def lists_of(
    utt_ids: Iterable[str],
    listed: pd.DataFrame,
    terms: TermsChoice | None,
    transcripts: object,
    parameters: pd.DataFrame | None,
) -> Lists:
    """Put the terms of each utterance together.

    Parameters
    ----------
    utt_ids : iterable of str
        The utterances that are marked.
    listed : DataFrame
        The terms of the dataset.
    terms : DataFrame or sequence of str, optional
        Terms to use instead.
    transcripts : object
        The answers as they were given.
    parameters : DataFrame, optional
        What was asked with.

    Raises
    ------
    InvalidInput
        If there are no terms at all, or the tables cannot be read.
    """
    table = _terms(listed if terms is None else terms)
    contexts = {} if parameters is None else _contexts(transcripts, parameters)
    if table.empty and not contexts:
        given = "The contexts that were sent have none" if parameters is not None else "The dataset lists none"
        raise InvalidInput(
            f"There are no terms to look for. {given}; give terms= (a list, or a table with utt_id, term and role), or "
            "parameters=, such as sweep.parameters, whose contexts name them."
        )
    everywhere = tuple(table.loc[table["utt_id"].isna(), "term"])
    own: dict[str, list[str]] = {}
    present: dict[str, list[str]] = {}
    for utt_id, term, role in table.dropna(subset="utt_id")[["utt_id", "term", "role"]].itertuples(index=False):
        own.setdefault(utt_id, []).append(term)
        if not pd.isna(role) and role == "present":
            present.setdefault(utt_id, []).append(term)
    number: dict[tuple[tuple[str, ...], ...], int] = {}
    lists: list[tuple[str, ...]] = []
    of: dict[str, int] = {}
    read: dict[str, list[str]] = {}
    for utt_id in utt_ids:
        key = (tuple(own.get(utt_id, ())), tuple(contexts.get(utt_id, ())))
        if key not in number:
            named = [term for context in key[1] for term in _read(context, read)]
            number[key] = len(lists)
            lists.append(tuple(dict.fromkeys([*key[0], *everywhere, *named])))
        if lists[number[key]]:
            of[utt_id] = number[key]
    return Lists(lists, of, present, read)


def spellings(term: str, recipe: Recipe, variants: Variants | None, *, possessives: bool) -> list[str]:
    """Give the ways to write a term, normalised: itself first, its variants, and the English possessives of all."""
    written = [term, *(variants.ways_of(term) if variants else [])]
    ways = list(dict.fromkeys(recipe.normalizer(way) for way in written))
    if possessives and recipe.unit in {"word", "mixed"}:
        ways += [f"{way}'s" for way in ways if way[-1:].isalpha()]
    return ways


def _read(context: str, read: dict[str, list[str]]) -> list[str]:
    if context not in read:
        read[context] = items(context)
    return read[context]


def _terms(given: TermsChoice) -> pd.DataFrame:
    if isinstance(given, str):
        raise InvalidInput(
            f"terms= takes a list of terms or a table, not the text {given[:40]!r}. Write [{given[:20]!r}]."
        )
    if not isinstance(given, pd.DataFrame):
        if odd := [term for term in given if not isinstance(term, str)]:
            raise InvalidInput(f"terms= takes texts, and one is {odd[0]!r}.")
        given = pd.DataFrame({"term": pd.Series(list(given), dtype="string")})
    elif given.empty:
        return tables.empty("terms")
    table = tables.check(given.reset_index(drop=True), "terms", required=("term",))
    table = table[table["term"].notna()].drop_duplicates(["utt_id", "term", "role"])
    unknown = table["role"].notna() & ~table["role"].isin(_ROLES)
    if unknown.any():
        raise InvalidInput(
            f"The role of a term is {' or '.join(_ROLES)}, or left out; {table.loc[unknown, 'term'].iloc[0]!r} has "
            f"{table.loc[unknown, 'role'].iloc[0]!r}."
        )
    return table


def _contexts(transcripts: object, parameters: pd.DataFrame) -> dict[str, list[str]]:
    """List the different contexts that each utterance was asked with."""
    if not isinstance(transcripts, pd.DataFrame):
        raise InvalidInput("parameters= says by utt_id what was asked; give the transcripts as a table with utt_id.")
    asked = sent(transcripts, parameters, "context")
    # All settings that the parameters know of, though some answers may have been left out.
    whole = "utt_id" in parameters.columns and bool(parameters["utt_id"].notna().all())
    rows = parameters[["utt_id", "context"]] if whole else transcripts[["utt_id"]].assign(context=asked)
    rows = rows.astype("string").dropna().drop_duplicates()
    found: dict[str, list[str]] = {}
    for utt_id, context in rows.sort_values(["utt_id", "context"]).itertuples(index=False):
        found.setdefault(utt_id, []).append(context)
    return found
