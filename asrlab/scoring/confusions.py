"""Confusions: what was heard for what, what was lost and what was invented, and how each word fares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from asrlab import groups, tables
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Codes = NDArray[np.int64]

_KINDS: Final = ("sub", "del", "ins")
_ALL_KINDS: Final = (*_KINDS, "hit")


def confusions(
    edits: pd.DataFrame,
    by: str | Sequence[str] | None = None,
    *,
    kinds: str | Sequence[str] = _KINDS,
    n: int | None = 20,
    dataset: groups.Facts | None = None,
) -> pd.DataFrame:
    """List the most frequent substitutions, deletions and insertions.

    Parameters
    ----------
    edits : DataFrame
        An ``edits`` table, from :func:`asrlab.edits`; further columns are axes. Needed are utt_id, unit, kind, ref and
        hyp.
    by : str or sequence of str, optional
        Columns that make lists of their own, as in :func:`asrlab.rates`: by default all axes, ``[]`` pools over them,
        with ``dataset`` also speaker, duration, tag and the other facts of the utterances. Unit, form, normalizer and
        ties always make lists of their own.
    kinds : str or sequence of str
        Of sub, del and ins; they come in this order.
    n : int, optional
        So many of each kind in each list; None for all.
    dataset : Dataset or DataFrame, optional
        Knows the utterances: for ``by``.

    Returns
    -------
    DataFrame
        The by-columns, then the columns of a ``confusions`` table. Lists come in the order of the levels; in each, the
        most frequent first, of equals those in more utterances, and then by code point of what was said and heard.

    Raises
    ------
    InvalidInput
        If columns are missing, a kind is unknown, an edit lacks a unit, or there is no such column to group by.

    Examples
    --------
    >>> edits = pd.DataFrame({"utt_id": ["a", "b", "b"], "unit": "word", "kind": ["sub", "sub", "del"],
    ...                       "ref": ["two", "two", "a"], "hyp": ["to", "to", None]})
    >>> confusions(edits)[["kind", "ref", "hyp", "count", "n_utts"]].fillna("-").to_dict("split")["data"]
    [['sub', 'two', 'to', 2, 2], ['del', 'a', '-', 1, 1]]
    """
    chosen = list(dict.fromkeys([kinds] if isinstance(kinds, str) else kinds))
    if not chosen or not set(chosen) <= set(_KINDS):
        raise InvalidInput(f"kinds must be some of {', '.join(_KINDS)}, not {', '.join(map(repr, chosen)) or 'none'}.")
    _check_n(n)
    frame, keys, labels, group = _grouped(edits, by, "confusions", dataset)
    kind = pd.Index(chosen, dtype="string").get_indexer(pd.Index(frame["kind"])).astype(np.int64)
    wanted = kind >= 0
    frame, group, kind = frame[wanted], group[wanted], kind[wanted]
    ref, hyp = (groups.last_where_missing(_codes(frame[name])[0]) for name in ("ref", "hyp"))
    edit = groups.combined([group, kind, ref, hyp])
    first = groups.firsts(edit)
    count = np.bincount(edit).astype(np.int64)
    n_utts = groups.counted_once(edit, pd.factorize(frame["utt_id"])[0].astype(np.int64), len(first))
    order = np.lexsort((hyp[first], ref[first], -n_utts, -count, kind[first], group[first]))
    order = order[_among_first(groups.combined([group, kind])[first][order], n)]
    found = frame.iloc[first[order]]
    columns = {name: found[name].array for name in ("kind", "ref", "hyp")}
    return groups.labelled(
        labels.iloc[group[first[order]]],
        keys,
        {**columns, "count": count[order], "n_utts": n_utts[order]},
        "confusions",
    )


def word_rates(
    edits: pd.DataFrame,
    by: str | Sequence[str] | None = None,
    *,
    n: int | None = None,
    dataset: groups.Facts | None = None,
) -> pd.DataFrame:
    """Tell for each word how often it was said, and what became of it.

    Parameters
    ----------
    edits : DataFrame
        An ``edits`` table with the hits: from :func:`asrlab.edits` with ``hits=True``.
    by, dataset
        As in :func:`confusions`.
    n : int, optional
        So many words of each group; None for all.

    Returns
    -------
    DataFrame
        The by-columns, then the columns of a ``word_rates`` table: in each group the words with most errors (subs +
        dels) first, of equals the first by code point. Words that were only heard, never said, have no rate.

    Raises
    ------
    InvalidInput
        If the edits of any setting (condition, axes, unit, form, normalizer and ties) hold no hits, whatever ``by`` is;
        if columns are missing, or there is no such column to group by.

    Examples
    --------
    >>> edits = pd.DataFrame({"utt_id": "a", "unit": "word", "kind": ["hit", "sub", "hit"], "ref": ["a", "a", "b"],
    ...                       "hyp": ["a", "b", "b"]})
    >>> word_rates(edits)[["word", "said", "hits", "subs", "heard_for", "rate"]].to_dict("split")["data"]
    [['a', 2, 1, 1, 0, 0.5], ['b', 1, 1, 0, 1, 0.0]]
    """
    _check_n(n)
    frame, keys, labels, group = _grouped(edits, by, "word_rates", dataset)
    kind = frame["kind"].to_numpy()
    said, heard = kind != "ins", (kind == "sub") | (kind == "ins")
    units, words = _codes(pd.concat([frame.loc[said, "ref"], frame.loc[heard, "hyp"]]))
    entry = groups.combined([np.concatenate([group[said], group[heard]]), units])
    first = groups.firsts(entry)
    as_ref, as_hyp = np.split(entry, [int(said.sum())])
    counts = {
        "said": as_ref,
        **{f"{name}s": as_ref[kind[said] == name] for name in ("hit", "sub", "del")},
        "ins": as_hyp[kind[heard] == "ins"],
        "heard_for": as_hyp[kind[heard] == "sub"],
    }
    found = {name: np.bincount(entries, minlength=len(first)) for name, entries in counts.items()}
    utts = pd.factorize(frame["utt_id"])[0].astype(np.int64)
    found["n_utts"] = groups.counted_once(as_ref, utts[said], len(first))
    errors = found["subs"] + found["dels"]
    of, word = np.concatenate([group[said], group[heard]])[first], units[first]
    order = np.lexsort((word, -errors, of))
    order = order[_among_first(of[order], n)]
    rate = np.divide(errors, found["said"], out=np.full(len(first), np.nan), where=found["said"] > 0)
    columns = {"word": words.take(word[order]), "rate": rate[order]}
    columns |= {name: count[order] for name, count in found.items()}
    return groups.labelled(labels.iloc[of[order]], keys, columns, "word_rates")


def _grouped(
    edits: pd.DataFrame, by: str | Sequence[str] | None, made: str, dataset: groups.Facts | None
) -> tuple[pd.DataFrame, list[str], pd.DataFrame, Codes]:
    """Check edits; give what is needed of them, the columns to group by, the labels of groups, and each row's group."""
    frame = tables.check(edits.reset_index(drop=True), "edits", required=("utt_id", "unit", "kind", "ref", "hyp"))
    if not frame["kind"].isin(_ALL_KINDS).all():
        odd = frame.loc[~frame["kind"].isin(_ALL_KINDS), "kind"].iloc[0]
        raise InvalidInput(f"The kind of an edit is one of {', '.join(_ALL_KINDS)}, not {odd!r}.")
    for name, other in (("ref", "ins"), ("hyp", "del")):
        if (lacking := frame[name].isna() & (frame["kind"] != other)).any():
            row = frame[lacking].iloc[0]
            raise InvalidInput(
                f"{int(lacking.sum())} edits lack {name}, such as a {row['kind']} in {row['utt_id']}. Only of "
                f"{other} {name} is missing."
            )
    frame = frame.fillna({"condition": "unnamed", "repeat": 0})
    if made == "word_rates":
        _check_hits(frame)
    frame, keys = groups.by_columns(frame, by, made, dataset=dataset, table="edits")
    names = [*keys, *groups.APART]
    group = groups.numbered(frame, names)
    labels = frame.loc[groups.firsts(group), names]
    return frame[["utt_id", "kind", "ref", "hyp"]], keys, labels, group


def _check_hits(edits: pd.DataFrame) -> None:
    """Make sure that hits are there in each setting: tables with and without them may have been put together."""
    names = ["condition", *groups.axes(edits, "edits"), *groups.APART]
    setting = groups.numbered(edits, names)
    settings = edits.iloc[groups.firsts(setting)][names]
    hits = np.bincount(setting[(edits["kind"] == "hit").to_numpy(np.bool)], minlength=len(settings))
    if hits.all():
        return
    telling = [name for name in names if settings[name].nunique(dropna=False) > 1]
    first = settings[hits == 0].iloc[0]
    where = ", ".join(f"{name} {first[name]}" for name in telling)
    others = int((hits == 0).sum()) - 1
    raise InvalidInput(
        f"There is no hit among {'the edits of ' + where if where else 'these edits'}"
        f"{f' and of {others} more' if others else ''}, so nobody knows how often a word was said there. Make all with "
        "edits(..., hits=True). If nothing at all was right there, the rate of each of its words is 1: leave these "
        "edits out, and list them with confusions()."
    )


def _codes(texts: pd.Series) -> tuple[Codes, pd.Index]:
    """Give each different text its number in the order of their code points; -1 is missing."""
    code, different = pd.factorize(texts, sort=True)
    return code.astype(np.int64), pd.Index(different)


def _check_n(n: int | None) -> None:
    if n is not None and n < 1:
        raise InvalidInput(f"n must be 1 or more, or None for all; this is {n}.")


def _among_first(group: Codes, n: int | None) -> NDArray[np.bool]:
    """Mark the first n rows of each group; rows of a group follow one another."""
    if n is None:
        return np.ones(len(group), dtype=np.bool)
    start = np.flatnonzero(np.diff(group, prepend=-1))
    return np.arange(len(group)) - np.repeat(start, np.diff(start, append=len(group))) < n
