"""Candidates: which choices bring our answers nearest to a rate that somebody published.

A search, and no proof: that a combination comes out at the published figure does not say that it was made so.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.scoring.explain.choices import DEFAULTS, resolved, words
from asrlab.scoring.explain.combinations import Marker
from asrlab.scoring.explain.published import Published, percent, points, published

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asrlab.scoring.explain.combinations import Result
    from asrlab.scoring.given import References, Transcripts

#: Combinations that are tried; each may be a marking.
_MOST_TRIED: Final = 1000


def candidates(
    transcripts: Transcripts,
    references: References,
    theirs: str | float,
    choices: Mapping[str, Sequence[Any] | Mapping[str, Any]],
    **both: Any,  # noqa: ANN401 - the choices that stay, each of its own kind
) -> pd.DataFrame:
    """Try every combination of choices, and list what each comes to, the nearest to a published rate first.

    Parameters
    ----------
    transcripts, references
        As in :func:`asrlab.score`.
    theirs : str or float
        The published rate: a text in per cent with its digits, ``"2.41 %"``, or a share, exact to 0.01 points.
    choices : mapping of str to sequence or mapping
        For each choice that may be another (those of :func:`asrlab.explain`) the values to try, ours
        first; as a mapping, each with a name: ``{"normalizer": ["auto", "none"], "split": {"all": None, "numbers":
        "topic == 'numbers'"}}``. Up to 1,000 combinations.
    **both
        Choices that stay, such as ``form="spoken"``.

    Returns
    -------
    DataFrame
        A column for each choice, in words, then those of a ``candidates`` table. Nearest first, of equals the one with
        fewer choices ``changed``: those with 0 are ours, those with 1 are single choices. Combinations that cannot be
        marked come last, and ``what`` says why. ``fits`` where the rate is the published one as far as its digits go.

    Raises
    ------
    InvalidInput
        If there is no such choice, too many combinations, or none that can be marked.

    Notes
    -----
    This is a search, and no proof. The more combinations are tried, and the fewer digits the published rate has, the
    more of them come near it by chance; ``n_tried`` and ``n_fit`` say how many there were. And answers that differ in
    earnest may be brought to the same figure by a choice that nobody made. Ask the authors which it was.

    Examples
    --------
    >>> said = ["a b c d e f g h i j", "k"]
    >>> heard = ["a b c d e f g h i x", "l m"]
    >>> ways = {"aggregate": ["pooled", "clipped", "mean", "median"]}
    >>> found = candidates(heard, said, "18.2 %", ways, normalizer="none")
    >>> found[["aggregate", "rate", "fits"]].round(3).to_dict("records")[:2]
    [{'aggregate': 'clipped', 'rate': 0.182, 'fits': True}, {'aggregate': 'pooled', 'rate': 0.273, 'fits': False}]
    """
    target = published(theirs)
    tried = _tried(choices, both)
    keys = list(tried)
    named = [[words(key, value, label) for label, value in tried[key]] for key in keys]
    values = [[value for _, value in tried[key]] for key in keys]
    ways = list(product(*(range(len(some)) for some in values)))
    settings = [
        resolved(
            {**both, **{key: some[at] for key, some, at in zip(keys, values, way, strict=True)}},
            transcripts,
            references,
            f"Combination {number}",
        )
        for number, way in enumerate(ways)
    ]
    marker = Marker(one["aggregate"] for one in settings)
    found = [_result(marker, one) for one in settings]
    if all(isinstance(one, InvalidInput) for one in found):
        raise InvalidInput(f"None of the {len(ways)} combinations can be marked. {found[0]}")
    fit = sum(isinstance(one, tuple) and _fits(one, target) for one in found)
    rows = []
    for way, result in zip(ways, found, strict=True):
        said = dict(zip(keys, (some[at] for some, at in zip(named, way, strict=True)), strict=True))
        changed = [key for key, at in zip(keys, way, strict=True) if at]
        rows.append((_distance(result, target), len(changed), {**said, **_row(result, target, said, changed)}))
    rows.sort(key=lambda row: row[:2])
    table = pd.DataFrame([row for *_, row in rows]).assign(n_tried=len(ways), n_fit=fit)
    shown = tables.check(table.drop(columns=keys), "candidates", required=())
    return pd.concat([table[keys].astype("string"), shown], axis=1)


def _tried(choices: object, both: Mapping[str, Any]) -> dict[str, list[tuple[str | None, Any]]]:
    """Give the values of each choice, with their names."""
    if not isinstance(choices, Mapping) or not choices:
        raise InvalidInput(f'choices must say what to try, as {{"normalizer": ["auto", "none"]}}, not {choices!r}.')
    tried: dict[str, list[tuple[str | None, Any]]] = {}
    for key, several in choices.items():
        if key not in DEFAULTS:
            raise InvalidInput(f"choices names {key!r}, which is nothing to choose; there are {', '.join(DEFAULTS)}.")
        if key in both:
            raise InvalidInput(f"{key} is both among the choices to try and given as one that stays. Say it once.")
        if isinstance(several, str) or not pd.api.types.is_list_like(several) or isinstance(several, pd.DataFrame):
            raise InvalidInput(f"choices[{key!r}] must be a list of values to try, ours first, not {several!r}.")
        named = isinstance(several, Mapping)
        tried[key] = (
            [(str(label), value) for label, value in several.items()] if named else [(None, v) for v in several]
        )
        labels = [words(key, value, label) for label, value in tried[key]]
        if not labels:
            raise InvalidInput(f"choices[{key!r}] has no value to try. Give two or more, ours first.")
        if len(set(labels)) < len(labels):
            raise InvalidInput(
                f"Two values of choices[{key!r}] would be shown alike ({', '.join(labels)}). Drop one, or name them: "
                f'{{"one": ..., "other": ...}}.'
            )
    if (many := prod(map(len, tried.values()))) > _MOST_TRIED:
        raise InvalidInput(f"These choices make {many:,} combinations; up to {_MOST_TRIED:,} are tried. Try fewer.")
    return tried


def _result(marker: Marker, settings: Mapping[str, Any]) -> Result | InvalidInput:
    try:
        return marker.result(settings)
    except InvalidInput as error:
        return error


def _fits(result: Result, target: Published) -> bool:
    return abs(result.rate - target.rate) <= target.half


def _distance(result: Result | InvalidInput, target: Published) -> tuple[bool, object]:
    return (True, 0) if isinstance(result, InvalidInput) else (False, abs(result.rate - target.rate))


def _row(
    result: Result | InvalidInput, target: Published, said: Mapping[str, str], changed: list[str]
) -> dict[str, object]:
    made = ", ".join(f"{key} {said[key]}" for key in changed) or "our own choices"
    numbers: dict[str, object] = {"changed": len(changed), "published": float(target.rate)}
    if isinstance(result, InvalidInput):
        return {**numbers, "what": f"{made}: cannot be marked. {result}"}
    off = result.rate - target.rate
    near = f"{target.said} as published" if _fits(result, target) else f"{points(off)} from the published {target.said}"
    return {
        **numbers,
        "rate": float(result.rate),
        "off": float(off),
        "fits": _fits(result, target),
        "n_answers": result.n_answers,
        "n_lost": result.n_lost,
        "ref_len": result.ref_len,
        "what": f"{made}: {percent(result.rate)}, {near}; found by search, no proof.",
    }
