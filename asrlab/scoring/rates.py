"""Scores: transcripts marked against references, as counts.

Counts are kept and rates derived later, because a rate is pooled by adding counts; a mean of rates is another number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.scoring import terms
from asrlab.scoring.align import count
from asrlab.scoring.normalize import Normalizer, choose
from asrlab.scoring.tokens import tokens, unit_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from asrlab.scoring.align import Units
    from asrlab.scoring.normalize import NormalizerChoice

    Counter = Callable[[int, Units, Units], tuple[int, int, int, int]]

_STATES: Final = ("answered", "failed", "unknown", "submitted", "not run")
_UNITS: Final = ("auto", "word", "char", "term")
_COUNTS: Final = ("hits", "subs", "dels", "ins", "ref_len", "hyp_len")
#: Columns that tell engines apart in transcripts from elsewhere, which have no ``condition`` to do it.
_ENGINE: Final = ("engine", "model", "region")


@dataclass(frozen=True)
class Recipe:
    """How a text becomes units."""

    unit: str
    normalizer: Normalizer

    def __call__(self, text: str) -> Units:
        """Normalise a text and cut it."""
        return tokens(self.normalizer(text), self.unit)


class HasReferences(Protocol):
    """What marking needs of a dataset: three of its tables (see :data:`asrlab.tables.SCHEMAS`)."""

    @property
    def utterances(self) -> pd.DataFrame:
        """One row a recording."""

    @property
    def references(self) -> pd.DataFrame:
        """One row for each way to write what was said."""

    @property
    def terms(self) -> pd.DataFrame:
        """One row a word or name that matters."""


def score(
    transcripts: pd.DataFrame,
    dataset: HasReferences,
    *,
    form: str | None = None,
    unit: str = "auto",
    normalizer: NormalizerChoice = "auto",
) -> pd.DataFrame:
    """Mark transcripts against the references of a dataset.

    Parameters
    ----------
    transcripts : DataFrame
        A ``transcripts`` table. Needed are ``utt_id`` and ``text``; without the others all rows are of one condition
        (``"unnamed"``), the first repeat, the only channel that has a reference, and answered where there is a text,
        else failed. Columns that the table does not declare are axes and are carried along. In a table without
        ``condition``, so are ``engine``, ``model`` and ``region`` where they differ.
    dataset : Dataset
        Anything with ``utterances``, ``references`` and ``terms``.
    form : str, optional
        Form of the reference to mark against. Needed where the references have more than one. ``"best"`` marks against
        every form and takes the one with the fewest errors (the first of equals); ``marked_form`` then names it.
    unit : {"auto", "word", "char", "term"}
        What is counted. ``"auto"``: words, or characters for languages written without spaces. ``"term"``: occurrences
        of the terms that are present (:mod:`asrlab.scoring.terms`), so that ``dels / ref_len`` is the term miss rate,
        1 - recall; subs and ins are 0, hyp_len is hits, and utterances without terms are left out.
    normalizer : str, Normalizer, or mapping of language to either
        ``"auto"``: by the language of the recording. See :func:`asrlab.normalizer`.

    Returns
    -------
    DataFrame
        A ``scores`` table in the order of the transcripts, axes after the declared columns. Counts are ``<NA>`` where a
        trial was not answered. An empty reference has ``ref_len`` 0, and what was heard counts as insertions. Of
        alternatives in a form the one with the fewest errors is taken.

        ``block`` says what is independent of what: the speaker, where most of the utterances with this unit and
        normalizer have one, else the recording, else the utterance. The utterances whose speaker (or recording) is not
        given form one block together: any of them may share a voice, and one block too few only widens an interval.

    Raises
    ------
    InvalidInput
        If references are missing or ambiguous, rows are double, utterances are unknown, terms are not in the reference,
        or an option is unknown.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> said = pd.DataFrame({"utt_id": ["a"], "text": ["The cat sat on the mat."]})
    >>> named = SimpleNamespace(utterances=said[["utt_id"]], references=said, terms=tables.empty("terms"))
    >>> heard = pd.DataFrame({"utt_id": ["a"], "text": ["the cat sit on mat"]})
    >>> score(heard, named)[["unit", "hits", "subs", "dels", "ins", "ref_len"]].to_dict("records")
    [{'unit': 'word', 'hits': 4, 'subs': 1, 'dels': 1, 'ins': 0, 'ref_len': 6}]
    """
    if unit not in _UNITS:
        raise InvalidInput(f"unit must be one of {', '.join(_UNITS)}, not {unit!r}.")
    rows, axes = _rows(transcripts)
    references, form_name = _references(dataset.references, form)
    utterances, recipes = _utterances(dataset.utterances, references, rows, unit, normalizer)
    rows = rows.join(utterances, on="utt_id").assign(form=form_name)
    rows["channel"] = rows["channel"].fillna(rows["utt_id"].map(_only_channels(references)))

    said = references[references["utt_id"].isin(rows["utt_id"])].join(utterances["recipe"], on="utt_id")
    said["target"] = said.groupby(["utt_id", "channel"]).ngroup()
    said["ref"], refs = _cut(said, recipes)
    _all_have_references(rows[rows["state"] == "answered"], said, form)
    counter: Counter = _plain
    if unit == "term":
        counter, with_terms = _term_counter(dataset.terms, said, refs, recipes)
        said = said[said["target"].isin(list(with_terms))]
        rows = rows[_referenced(rows, said)]
    heard = rows[rows["state"] == "answered"]
    hyp_ids, hyps = _cut(heard, recipes)
    pairs = _pairs(heard.assign(hyp=hyp_ids), said)
    marked = _best(pairs.join(_counts(pairs, refs, hyps, counter)))
    columns = [*tables.SCHEMAS["scores"], *axes, *(["marked_form"] if form == "best" else [])]
    return tables.check(rows.join(marked)[columns].reset_index(drop=True), "scores")


def _rows(transcripts: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Give transcripts from anywhere the columns that marking needs, and name their axes."""
    if not transcripts.columns.is_unique:
        raise InvalidInput(f"A transcripts table has columns of the same name: {', '.join(map(str, transcripts))}.")
    rows = tables.check(transcripts.reset_index(drop=True), "transcripts", required=("utt_id", "text"))
    axes = [name for name in rows.columns if name not in tables.SCHEMAS["transcripts"]]
    taken = [name for name in axes if name in {*tables.SCHEMAS["scores"], "marked_form"}]
    if taken:
        raise InvalidInput(
            f"Marking makes a column {taken[0]!r} itself, and the transcripts have one. Rename it there."
        )
    if "condition" not in transcripts.columns:
        axes += [name for name in _ENGINE if rows[name].nunique(dropna=False) > 1]
    rows["condition"] = rows["condition"].fillna("unnamed")
    rows["repeat"] = rows["repeat"].fillna(0)
    rows["state"] = rows["state"].fillna(rows["text"].notna().map({True: "answered", False: "failed"}).astype("string"))
    _complain(rows["utt_id"].isna(), rows, "have no utt_id. Every transcript must say what it is of.")
    _complain(~rows["state"].isin(_STATES), rows, f"have another state than {', '.join(_STATES)}. Correct it.")
    _complain(
        (rows["state"] == "answered") & rows["text"].isna(),
        rows,
        'are answered and have no text. Write "" where nothing was heard, the state "failed" where nothing came back.',
    )
    key = rows[["utt_id", "condition", "repeat", "channel"]].join(rows[axes].astype("string"))
    _complain(
        key.duplicated(),
        rows,
        f"stand twice: they agree in {', '.join(map(str, key))}. Number repeats, name conditions, or drop copies.",
    )
    return rows, axes


def _references(references: pd.DataFrame, form: str | None) -> tuple[pd.DataFrame, str | None]:
    """Take the references to mark against, in order of preference, and the name of their form."""
    table = tables.check(references.reset_index(drop=True), "references", required=("utt_id", "text"))
    table = table[list(tables.SCHEMAS["references"])].dropna(subset=["utt_id", "text"])
    table = table.fillna({"channel": 0, "form": "unstated"})
    place = table.groupby(["utt_id", "channel", "form"]).cumcount().astype("Int64")
    table["alternative"] = table["alternative"].fillna(place)
    forms = table["form"].unique().tolist()
    if form is None and len(forms) > 1:
        raise InvalidInput(
            f"The references are written in {len(forms)} forms: {', '.join(forms)}. Say which to mark against, such as "
            f'form={forms[0]!r}, or form="best" for the nearest of them: "50" for "fifty" is an error in one form, '
            "none in another."
        )
    if form not in {None, "best"}:
        if form not in forms:
            raise InvalidInput(f"No reference has the form {form!r}; there are {', '.join(forms) or 'no references'}.")
        table = table[table["form"] == form]
    order = table.assign(preference=table["form"].map({name: place for place, name in enumerate(forms)}))
    return order.sort_values(["preference", "alternative"], kind="stable"), form or (forms[0] if forms else None)


def _utterances(
    utterances: pd.DataFrame, references: pd.DataFrame, rows: pd.DataFrame, unit: str, normalizer: NormalizerChoice
) -> tuple[pd.DataFrame, list[Recipe]]:
    """Decide for each utterance that has a transcript how it is marked and which block it is in."""
    known = tables.check(utterances.reset_index(drop=True), "utterances", required=("utt_id",))
    _complain(known["utt_id"].duplicated(), known, "stand twice among the utterances. An utt_id is of one recording.")
    _complain(
        ~rows["utt_id"].isin(known["utt_id"]),
        rows,
        "are of no utterance of this dataset. Mark them with the dataset they were asked about, or leave them out.",
    )
    known = known[known["utt_id"].isin(rows["utt_id"])].set_index("utt_id", drop=False)
    languages = known["language"].astype(object).where(known["language"].notna(), None)
    undecided = set(known.index[known["language"].isna()])
    texts: dict[str, str] = {}
    for utt_id, text in references.loc[references["utt_id"].isin(undecided), ["utt_id", "text"]].itertuples(
        index=False
    ):
        texts[utt_id] = f"{texts.get(utt_id, '')} {text}"
    cache: dict[tuple[str | None, str], int] = {}
    recipes: list[Recipe] = []
    chosen = []
    for utt_id, language in zip(known["utt_id"].tolist(), languages.tolist(), strict=True):
        token_unit = unit if unit in {"word", "char"} else unit_for(language, texts.get(utt_id, ""))
        if (language, token_unit) not in cache:
            cache[language, token_unit] = len(recipes)
            recipes.append(Recipe(token_unit, choose(normalizer, language)))
        chosen.append(cache[language, token_unit])
    out = pd.DataFrame({"spoken_language": known["language"], "recipe": np.array(chosen, dtype=np.int64)}, known.index)
    out["unit"] = ["term" if unit == "term" else recipes[code].unit for code in chosen]
    out["normalizer"] = [recipes[code].normalizer.name for code in chosen]
    blocks = [_blocks(known.loc[group.index]) for _, group in out.groupby(["unit", "normalizer"])]
    return out.join(pd.concat(blocks) if blocks else _blocks(known)), recipes


def _blocks(utterances: pd.DataFrame) -> pd.DataFrame:
    """Give utterances that may be pooled their blocks, all of one kind.

    Kinds are not mixed, for a table would then have two meanings of "independent". Falling back to the utterance
    because one speaker is not given would take the utterances of all other speakers as independent, and find
    differences that are not there; so those without a speaker are one block.
    """
    for kind in ("speaker", "recording"):
        given = utterances[kind].notna()
        if given.sum() * 2 > len(utterances):
            block = (f"{kind}:" + utterances[kind]).fillna(f"no {kind} given")
            return pd.DataFrame({"block": block, "block_kind": kind})
    return pd.DataFrame({"block": "utterance:" + utterances["utt_id"], "block_kind": "utterance"}, utterances.index)


def _only_channels(references: pd.DataFrame) -> pd.Series:
    """Channel of each utterance that has references on one only."""
    channels = references.drop_duplicates(["utt_id", "channel"])
    return channels.drop_duplicates("utt_id", keep=False).set_index("utt_id")["channel"]


def _cut(rows: pd.DataFrame, recipes: Sequence[Recipe]) -> tuple[NDArray[np.int64], list[Units]]:
    """Normalise and cut each different text once; give the place of each row's units in the list of them."""
    codes, texts = pd.factorize(rows["text"])
    key = codes.astype(np.int64) * len(recipes) + rows["recipe"].to_numpy(np.int64)
    distinct, ids = np.unique(key, return_inverse=True)
    words = texts.tolist()
    return ids, [recipes[code % len(recipes)](words[code // len(recipes)]) for code in distinct.tolist()]


def _referenced(rows: pd.DataFrame, said: pd.DataFrame) -> NDArray[np.bool]:
    """Whether rows have a reference: on their channel, or on any where a trial without an answer names none."""
    there = pd.MultiIndex.from_frame(said[["utt_id", "channel"]])
    on_channel = pd.MultiIndex.from_frame(rows[["utt_id", "channel"]]).isin(there)
    on_any = (rows["state"] != "answered") & rows["channel"].isna() & rows["utt_id"].isin(said["utt_id"])
    return on_channel | on_any.to_numpy(np.bool)


def _all_have_references(heard: pd.DataFrame, said: pd.DataFrame, form: str | None) -> None:
    lacking = ~_referenced(heard, said)
    channels = ", ".join("<NA>" if pd.isna(c) else str(c) for c in heard.loc[lacking, "channel"].unique())
    in_form = "" if form in {None, "best"} else f" in the form {form!r}"
    _complain(
        lacking,
        heard,
        f"have no reference{in_form} for the channel of the transcript ({channels}). Add it, or leave those rows out.",
    )


def _pairs(heard: pd.DataFrame, said: pd.DataFrame) -> pd.DataFrame:
    """Set each answer beside each reference it may be marked against, by their places in the lists of units."""
    left = heard[["utt_id", "channel", "hyp"]].rename_axis("row").reset_index()
    right = said[["utt_id", "channel", "target", "form", "alternative", "ref"]].rename(columns={"form": "marked_form"})
    return left.merge(right, on=["utt_id", "channel"])


def _counts(pairs: pd.DataFrame, refs: Sequence[Units], hyps: Sequence[Units], counter: Counter) -> pd.DataFrame:
    """Count each different pair once, and give every row its counts."""
    shape = (int(pairs["target"].max()) + 1 if len(pairs) else 1, len(refs) or 1, len(hyps) or 1)
    target = pairs["target"] if counter is not _plain else pd.Series(0, pairs.index)
    key = np.ravel_multi_index((target.to_numpy(), pairs["ref"].to_numpy(), pairs["hyp"].to_numpy()), shape)
    distinct, place = np.unique(key, return_inverse=True)
    places = np.column_stack(np.unravel_index(distinct, shape)).tolist()
    found = np.array([counter(t, refs[r], hyps[h]) for t, r, h in places], dtype=np.int64).reshape(-1, 4)[place]
    counts = pd.DataFrame(found, columns=["hits", "subs", "dels", "ins"], index=pairs.index)
    counts["ref_len"] = counts["hits"] + counts["subs"] + counts["dels"]
    counts["hyp_len"] = counts["hits"] + counts["subs"] + counts["ins"]
    return counts


def _plain(_target: int, ref: Units, hyp: Units) -> tuple[int, int, int, int]:
    return count(ref, hyp)


def _term_counter(
    table: pd.DataFrame, said: pd.DataFrame, refs: Sequence[Units], recipes: Sequence[Recipe]
) -> tuple[Counter, set[int]]:
    """Make the counter of terms, and name the targets that have any."""
    texts: dict[terms.Target, list[Units]] = {}
    for utt_id, target, ref in said[["utt_id", "target", "ref"]].itertuples(index=False):
        texts.setdefault((utt_id, target), []).append(refs[ref])
    recipe = dict(zip(said["utt_id"], said["recipe"], strict=True))
    wanted = terms.terms_by_target(table, texts, lambda utt_id, term: recipes[recipe[utt_id]](term))
    by_target = {target: units for (_, target), units in wanted.items()}
    return lambda target, ref, hyp: terms.count_terms(by_target[target], ref, hyp), set(by_target)


def _best(pairs: pd.DataFrame) -> pd.DataFrame:
    """Of the references of a row keep the one with the fewest errors, the first of equals."""
    errors = pairs["subs"] + pairs["dels"] + pairs["ins"]
    ordered = pairs.assign(errors=errors).sort_values(["row", "errors"], kind="stable")
    return ordered.drop_duplicates("row").set_index("row")[["marked_form", "alternative", *_COUNTS]]


def _complain(bad: pd.Series | NDArray[np.bool], rows: pd.DataFrame, what: str) -> None:
    """Raise with the number and the first few of the rows that are bad."""
    if bad.any():
        found = rows.loc[bad, "utt_id"]
        named = ", ".join("<NA>" if pd.isna(utt_id) else str(utt_id) for utt_id in found.unique()[:5])
        more = " ..." if found.nunique() > 5 else ""
        raise InvalidInput(f"{len(found)} row{'s' if len(found) > 1 else ''} ({named}{more}) {what}")
