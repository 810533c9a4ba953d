"""Choices: what two results may differ in besides the engine, by name, in words, and as what is then marked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from asrlab.errors import InvalidInput
from asrlab.normalize import Normalizer, normalizer
from asrlab.normalize.languages import LANGUAGES, preset_of
from asrlab.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from asrlab.normalize import NormalizerChoice

    Settings = Mapping[str, Any]

#: What may be chosen, in the order in which parts come unless another is asked for: from the data to the figure.
DEFAULTS: Final[Mapping[str, Any]] = {
    "transcripts": None,
    "condition": None,
    "references": None,
    "split": None,
    "missing": "raise",
    "channels": "each",
    "language": None,
    "form": None,
    "variants": None,
    "unit": "auto",
    "script": None,
    "normalizer": "auto",
    "ties": "jiwer",
    "aggregate": "pooled",
}
AGGREGATES: Final = ("pooled", "clipped", "mean", "median")
#: How a trial without an answer may count: as score() has it, or as an answer in which nothing was heard.
_MISSING: Final = ("raise", "drop", "all-deleted", "empty")
BY: Final = "mean by "
#: Where a normalizer's name says what is done about script.
_SCRIPT: Final = re.compile(r"\+script=(fold|keep)(?=[+@]|$)")
_MOST_SHOWN: Final = 60
#: Values that an error lists.
_MOST_LISTED: Final = 8
#: Lists of values, of whatever kind.
_SEVERAL: Final = (list, tuple, np.ndarray, pd.Series, pd.Index)


@dataclass(frozen=True)
class Known:
    """What is known of what was said: the tables of a dataset that marking needs."""

    utterances: pd.DataFrame
    references: pd.DataFrame
    terms: pd.DataFrame


def resolved(given: Settings, transcripts: object, references: object, whose: str) -> dict[str, Any]:
    """Fill in what is not chosen, and refuse what is no choice.

    Parameters
    ----------
    given : mapping
        Choice to value.
    transcripts, references : table or texts
        Where no others are chosen.
    whose : str
        For the error.

    Raises
    ------
    InvalidInput
        If there is no such choice, or a value is none of those that a choice may have.
    """
    if unknown := [key for key in given if key not in DEFAULTS]:
        raise InvalidInput(f"{whose}: {unknown[0]!r} is nothing to choose; there are {', '.join(DEFAULTS)}.")
    settings = {**DEFAULTS, "transcripts": transcripts, "references": references, **given}
    for key, known in (("missing", _MISSING), ("aggregate", AGGREGATES), ("script", (None, "fold", "keep"))):
        value = settings[key]
        if not (isinstance(value, str | None) and value in known) and not (
            key == "aggregate" and isinstance(value, str) and value.removeprefix(BY) not in {"", value}
        ):
            more = f', or "{BY}" and a column' * (key == "aggregate")
            raise InvalidInput(f"{whose}: {key} must be one of {', '.join(map(str, known))}{more}, not {value!r}.")
    chain = settings["normalizer"]
    if isinstance(chain, str) and (named := _SCRIPT.search(chain)):  # script is a choice of its own here
        if settings["script"] not in {None, named[1]}:
            raise InvalidInput(f"{whose}: script={settings['script']!r} contradicts normalizer={chain!r}. Say it once.")
        settings |= {"script": named[1], "normalizer": _SCRIPT.sub("", chain)}
    return settings


def with_named_script(settings: dict[str, Any], other: Settings) -> dict[str, Any]:
    """Name what a normalizer does about scripts that knows nothing of them, where the other side names it: it keeps."""
    chain = settings["normalizer"]
    silent = isinstance(chain, str) and chain.partition("@")[0] in {"none", "basic", "basic-2"}
    if settings["script"] is None and other["script"] is not None and silent:
        return {**settings, "script": "keep"}
    return settings


def same(one: object, other: object) -> bool:
    """Tell whether two values are the same choice."""
    if one is other:
        return True
    if isinstance(one, pd.DataFrame) or isinstance(other, pd.DataFrame):
        return isinstance(one, pd.DataFrame) and isinstance(other, pd.DataFrame) and bool(one.equals(other))
    if type(one) is type(other) and is_dataclass(one) and is_dataclass(other):  # of tables, which have no ==
        one, other = vars(one), vars(other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, _SEVERAL) and isinstance(other, _SEVERAL):  # a list and a tuple of the same are one choice
        ours, theirs = (several if isinstance(several, list | tuple) else several.tolist() for several in (one, other))
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return type(one) is type(other) and bool(one == other)


def words(key: str, value: object, label: str | None = None) -> str:
    """Say in words what is chosen."""
    if label is not None:
        return plain(label)
    if key in {"transcripts", "references"}:
        known = f"{len(value):,}" if hasattr(value, "__len__") else "some"
        return f"{known} {'answers' if key == 'transcripts' else 'references'}"
    if value is None:
        nothing = {"split": "all utterances", "form": "the only form", "script": "as the normalizer has it"}
        return nothing.get(key, "none")
    if isinstance(value, Normalizer):
        text = value.name
    elif isinstance(value, Mapping):
        text = ", ".join(f"{name} {words('', one)}" for name, one in value.items())
    elif isinstance(value, pd.DataFrame):
        text = f"a table of {len(value):,} rows"
    elif pd.api.types.is_list_like(value):
        several = list(value)  # type: ignore[call-overload]
        counted = {"split": "utterances: ", "variants": "rows"}.get(key)
        text = ", ".join(map(str, several)) if counted is None else f"{len(several):,} {counted}"
        text += ", ".join(map(str, several)) if key == "split" else ""
    else:
        text = str(value)
    text = plain(text)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 4]} ..."


def facts_of(references: object, known: Known, language: str | None) -> pd.DataFrame:
    """Give what is known of the utterances: of a table of references, every column that is one value for each.

    Columns of lists and the like are left out, whose values cannot be told apart.
    """
    facts = known.utterances
    if isinstance(references, pd.DataFrame):
        own = references.dropna(subset=["utt_id"]).astype({"utt_id": "string"})
        groups = own.groupby("utt_id", sort=False)
        single = [name for name in own.columns if name != "utt_id" and _is_single(groups[name])]
        facts = own.drop_duplicates("utt_id")[["utt_id", *single]]
    facts = facts.reset_index(drop=True)
    tags = (
        facts["language"].astype("string") if "language" in facts.columns else pd.Series(pd.NA, facts.index, "string")
    )
    return facts.assign(language=tags.mask(tags == "").fillna(language) if language is not None else tags)


def _is_single(groups: Any) -> bool:  # noqa: ANN401  # pandas has no public name for the type of a grouped column
    try:
        return bool((groups.nunique(dropna=False) == 1).all())
    except TypeError:
        return False


def in_condition(given: pd.DataFrame, wanted: object) -> pd.DataFrame:
    """Keep the answers of one setting: its name, or the levels of some axes."""
    if wanted is None:
        return given
    levels = wanted if isinstance(wanted, Mapping) else {"condition": wanted}
    for name, level in levels.items():
        if name not in given.columns:
            raise InvalidInput(
                f"condition names the column {name!r}, which the transcripts have not; "
                f"there are {', '.join(map(str, given.columns))}."
            )
        there = _listed(given[name])
        given = given[_among(given[name], [level])]
        if given.empty:
            raise InvalidInput(f"No transcript has the {name} {level!r}{_beside(levels, name)}; there are {there}.")
    return given


def _among(column: pd.Series, levels: Sequence[object]) -> NDArray[np.bool]:
    """Tell which values are among some: as they are written, and numbers as numbers, for 2021.0 is 2021."""
    found = column.astype("string").isin([str(level) for level in levels])
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        figures = [level for level in levels if isinstance(level, Real) and not isinstance(level, bool)]
        found |= column.isin(figures) & column.notna()
    return found.fillna(False).to_numpy(bool)


def _listed(column: pd.Series) -> str:
    """List the values there are, the first few of them."""
    values = column.dropna().astype("string").unique().tolist()
    more = f" and {len(values) - _MOST_LISTED} more" if len(values) > _MOST_LISTED else ""
    return (", ".join(map(repr, values[:_MOST_LISTED])) or "none") + more


def _beside(levels: Mapping[str, object], name: str) -> str:
    others = [f"{other} {level!r}" for other, level in levels.items() if other != name]
    return f" beside {', '.join(others)}" if others else ""


def in_split(given: pd.DataFrame, known: Known, facts: pd.DataFrame, wanted: object) -> tuple[pd.DataFrame, Known]:
    """Keep the answers, and what is known, of some of the utterances."""
    if wanted is None:
        return given, known
    ids = _ids(facts, wanted)
    if not ids:
        named = wanted if isinstance(wanted, Mapping) else {}
        there = "".join(f" Values of {name}: {_listed(facts.loc[:, name])}." for name in named)
        raise InvalidInput(f"No utterance fits split={words('split', wanted)!r}. Choose others.{there}")
    terms = known.terms
    if "utt_id" in terms.columns:
        terms = terms[terms["utt_id"].isna() | terms["utt_id"].astype("string").isin(ids)]
    kept = Known(
        utterances=known.utterances[known.utterances["utt_id"].astype("string").isin(ids)],
        references=known.references[known.references["utt_id"].astype("string").isin(ids)],
        terms=terms,
    )
    return given[given["utt_id"].astype("string").isin(ids)], kept


def _ids(facts: pd.DataFrame, wanted: object) -> set[str]:
    there = facts["utt_id"].astype("string")
    columns = ", ".join(map(str, facts.columns))
    if isinstance(wanted, str):
        try:
            return set(facts.query(wanted)["utt_id"].astype("string"))
        except Exception as error:  # pandas raises errors of many kinds for a query it cannot read
            raise InvalidInput(f"split={wanted!r} cannot be read ({error}). The columns are {columns}.") from error
    if isinstance(wanted, Mapping):
        kept = np.ones(len(facts), bool)
        for name, levels in wanted.items():
            if name not in facts.columns:
                raise InvalidInput(f"split names the column {name!r}; the utterances have {columns}.")
            several = list(levels) if pd.api.types.is_list_like(levels) else [levels]
            kept &= _among(facts.loc[:, name], several)
        return set(there[kept])
    if not pd.api.types.is_list_like(wanted):
        raise InvalidInput(f"split must be a query, {{column: value}} or a list of utt_ids, not {wanted!r}.")
    ids = {str(utt_id) for utt_id in wanted}  # type: ignore[attr-defined]
    if absent := sorted(ids - set(there)):
        raise InvalidInput(f"{len(absent)} utt_ids of split are of no utterance: {', '.join(absent[:5])}.")
    return ids


def with_script(chosen: NormalizerChoice, script: str | None, languages: pd.Series) -> NormalizerChoice:
    """Have a normalizer fold or keep the script; one that knows nothing of scripts folds as the language's own does."""
    if script is None:
        return chosen
    if isinstance(chosen, Mapping):
        return {tag: with_script(one, script, pd.Series([tag])) for tag, one in chosen.items()}  # type: ignore[misc]
    if isinstance(chosen, Normalizer):
        raise InvalidInput(
            f"script={script!r} is for normalizers that are named; {chosen!r} is a chain of its own. Put the step into "
            "the chain, and choose between two chains."
        )
    bare, at, rung = chosen.partition("@")
    if bare.partition("+")[0] == "auto" or _has_script(bare):
        return f"{bare}+script={script}{at}{rung}"
    if script == "keep":
        return chosen
    plainly = normalizer(chosen)
    chains = {}
    for tag in ["", *languages.dropna().unique().tolist()]:
        preset = preset_of(tag) if tag else "zh"
        steps = LANGUAGES[preset].script if preset in LANGUAGES else ()
        chains[tag] = plainly.then(f"script folded after {plainly.name}", *steps) if steps else plainly
    return chains


def _has_script(bare: str) -> bool:
    try:
        normalizer(f"{bare}+script=keep")
    except InvalidInput:
        return False
    return True
