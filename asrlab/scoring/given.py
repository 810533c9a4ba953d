"""What is given: tables or texts from anywhere, brought to tables that can be marked, or an error that says why not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias, cast

import numpy as np
import pandas as pd

from asrlab import parquet, tables
from asrlab.errors import InvalidInput
from asrlab.wordings import joined as joined_texts

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import NDArray

_STATES: Final = ("answered", "failed", "unknown", "submitted", "not run", "spared")
#: What a frame of references may say of its utterances.
_FACTS: Final = ("language", "duration_s", "speaker", "recording")
#: Columns of transcripts that scores have too.
KEPT: Final = ("trial", "utt_id", "condition", "repeat", "channel", "state", "text")
#: Working column: which utterance a row is of.
PLACE: Final = "utterance place"
#: Texts that the wordings of the channels of one recording may make when they are joined.
_MOST_COMBINATIONS: Final = 1000
#: Numbers below which hashing is the quicker way.
_FEW: Final = 1 << 14
#: How many times as many numbers as rows are few enough for a table of them all.
_SPARSE: Final = 4
#: Columns that marking, pooling and pairing make for themselves.
_WORKING: Final = frozenset({"marked_form", "errors", "pair", PLACE})


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


#: Texts in order, or one text.
Texts: TypeAlias = "str | Sequence[str | None] | pd.Series[str] | NDArray[np.object_]"
#: What was heard, and what was said, in memory or stored.
Transcripts: TypeAlias = "pd.DataFrame | Texts | PathLike[str]"
References: TypeAlias = "HasReferences | pd.DataFrame | Texts | PathLike[str]"


class Frames(NamedTuple):
    """What is known of what was said."""

    utterances: pd.DataFrame
    references: pd.DataFrame
    terms: pd.DataFrame


def frames(transcripts: Transcripts, references: References, language: str | None) -> tuple[pd.DataFrame, Frames]:
    """Bring whatever is given to tables; what is stored is read."""
    if not isinstance(language, str | None):
        raise InvalidInput(f'language takes one language code, such as "en", or None, not {language!r}.')
    transcripts, references = parquet.loaded(transcripts, "transcripts"), parquet.loaded(references, "references")
    _refuse_names(transcripts, references)
    heard, said = _texts(transcripts), _texts(references)
    if (heard is None) != (said is None):
        raise InvalidInput(
            "Texts are marked against texts, and tables against a dataset or a table: these are "
            f"{type(transcripts).__name__} and {type(references).__name__}. A table says by utt_id which text answers "
            "which reference; a list says it by order, and cannot be mixed with one."
        )
    if isinstance(transcripts, pd.Series) and isinstance(references, pd.Series):
        _same_order(transcripts, references)
    if heard is not None and said is not None:
        if len(heard) != len(said):
            raise InvalidInput(f"There are {len(heard)} transcripts and {len(said)} references. Give as many of each.")
        if none := [n for n, text in enumerate(said) if text is None]:
            raise InvalidInput(
                f"{len(none)} references are missing (the first is number {none[0]}). Leave those out of both lists; "
                'write "" only where nothing was said.'
            )
        ids = pd.Series(range(len(said))).astype("string")
        try:
            transcripts = pd.DataFrame({"utt_id": ids, "text": pd.Series(heard, dtype="string")})
            references = pd.DataFrame({"utt_id": ids, "text": pd.Series(said, dtype="string")})
        except UnicodeEncodeError as error:
            raise InvalidInput(
                f"A text holds half of a character ({error.object[error.start : error.end]!r}), which is no text. Read "
                'it anew, or mend it: text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").'
            ) from error
    if not isinstance(transcripts, pd.DataFrame):
        raise InvalidInput(f"Transcripts must be a table, a text or a list of texts, not {transcripts!r}.")
    if isinstance(references, pd.DataFrame):
        known = Frames(_utterances_of(references), references, tables.empty("terms"))
    else:
        if not all(hasattr(references, name) for name in Frames._fields):
            raise InvalidInput(
                f"References must be a dataset, a table, a text or a list of texts, not {type(references).__name__}."
            )
        dataset = cast("HasReferences", references)
        known = Frames(dataset.utterances, dataset.references, dataset.terms)
    if language is not None:
        given = known.utterances
        own = given["language"] if "language" in given.columns else pd.Series(pd.NA, given.index)
        own = own.astype("string")
        known = known._replace(utterances=given.assign(language=own.mask(own == "").fillna(language)))
    return transcripts, known


def _refuse_names(*given: object) -> None:
    """Refuse two texts that are names of files or folders: such are hardly what was heard and said."""
    if all(isinstance(one, str) and os.path.exists(one) for one in given):  # noqa: PTH110 - a text need not be a path
        raise InvalidInput(
            f"{' and '.join(map(repr, given))} are there as files or folders, and would be marked as texts. Pass them "
            "as pathlib.Path, or ending in .parquet; in lists, if they are meant as texts."
        )


def _same_order(heard: pd.Series, said: pd.Series) -> None:
    if not heard.index.equals(said.index):
        raise InvalidInput(
            "The two Series have different indexes, so their order may not be the same. Give tables with an utt_id; or "
            "reset_index(drop=True) of both, if the order is the same."
        )


def _texts(given: object) -> list[str | None] | None:
    """Give a list of texts where texts are given, None where it is something else."""
    if isinstance(given, str):
        return [given]
    if isinstance(given, Frames) or not isinstance(given, Sequence | pd.Series | np.ndarray):
        return None
    if set(map(type, given)) == {str}:
        return list(given)
    texts: list[str | None] = []
    for text in given:
        if not isinstance(text, str) and not (pd.api.types.is_scalar(text) and pd.isna(text)):
            raise InvalidInput(f"A list of texts holds {text!r}, which is neither a text nor missing.")
        texts.append(text if isinstance(text, str) else None)
    return texts


def _utterances_of(references: pd.DataFrame) -> pd.DataFrame:
    """Read off a table of references what it says of each utterance."""
    if not references.columns.is_unique:
        raise InvalidInput(f"The references have columns of the same name: {', '.join(map(str, references))}.")
    table = tables.check(references, "references", required=("utt_id", "text"))
    table = table.fillna({"channel": 0, "form": "unstated"})
    complain(
        repeated(table, ["utt_id", "channel", "form", "alternative"]),
        table,
        "stand more than once in the references, in the same channel and form. Number wordings that are equally right "
        "in a column alternative. Are these the transcripts? They come first, the references second.",
    )
    facts = references[["utt_id", *(name for name in _FACTS if name in references.columns)]]
    facts = facts[table["utt_id"].notna()]
    if facts["utt_id"].is_unique:
        return facts
    groups = facts.groupby("utt_id", sort=False)
    made = groups.first().reset_index()  # of each column what is given first
    for name in facts.columns.drop("utt_id"):
        several = (groups[name].nunique() > 1).to_numpy(bool)
        if several.any() and name == "speaker":  # those of a conversation, as one: they do not come apart
            made[name] = [" + ".join(one.dropna().unique()) or None for _, one in groups[name]]
            continue
        complain(several, made, f"are given more than one {name} in the references. An utterance has one.")
    return made


def answers(transcripts: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Give transcripts from anywhere the columns that marking needs, and name their axes."""
    if not transcripts.columns.is_unique:
        raise InvalidInput(f"A transcripts table has columns of the same name: {', '.join(map(str, transcripts))}.")
    rows = tables.check(transcripts.reset_index(drop=True), "transcripts", required=("utt_id", "text"))
    axes = [name for name in rows.columns if name not in tables.SCHEMAS["transcripts"]]
    if taken := [name for name in axes if name in {*tables.SCHEMAS["scores"], *_WORKING}]:
        raise InvalidInput(
            f"Marking makes a column {taken[0]!r} itself, and the transcripts have one. Rename it there."
        )
    for name in (name for name in axes if rows[name].dtype == object):
        try:
            pd.factorize(rows[name])
        except TypeError as error:
            raise InvalidInput(
                f"Column {name!r} of the transcripts holds values that cannot be told apart ({error}). Drop it, or "
                "write its values as text."
            ) from error
    rows["condition"] = rows["condition"].fillna("unnamed")
    rows["repeat"] = rows["repeat"].fillna(0)
    if rows["state"].isna().any():
        by_text = pd.array(["answered", "failed"], dtype="string").take(rows["text"].isna().to_numpy(np.intp))
        rows["state"] = rows["state"].fillna(pd.Series(by_text))
    complain(rows["utt_id"].isna(), rows, "have no utt_id. Every transcript must say what it is of.")
    if not set(rows["state"].unique()) <= set(_STATES):
        complain(~rows["state"].isin(_STATES), rows, f"have another state than {', '.join(_STATES)}. Correct it.")
    answered = rows["state"] == "answered"
    complain(
        answered & rows["text"].isna(),
        rows,
        'are answered and have no text. Write "" where nothing was heard, the state "failed" where nothing came back.',
    )
    if not answered.all():
        rows["text"] = rows["text"].where(answered)
    return rows[[*KEPT, *axes]], axes


def the_form(forms: Sequence[str], form: str | None) -> str | None:
    """Name the form to mark against, of those that references have, or say why it is none."""
    if not isinstance(form, str | None):
        raise InvalidInput(f'form takes the name of a form, "best" or None, not {form!r}.')
    if form is None and len(forms) > 1:
        raise InvalidInput(
            f"The references are written in {len(forms)} forms: {', '.join(forms)}. Say which to mark against, such as "
            f'form={forms[0]!r}, or form="best" for the nearest of them: "50" for "fifty" is an error in one form, '
            "none in another."
        )
    if form not in {None, "best", *forms}:
        raise InvalidInput(f"No reference has the form {form!r}; there are {', '.join(forms) or 'no references'}.")
    return form or (forms[0] if forms else None)


def references_in(every: pd.DataFrame, form: str | None, *, joined: bool = False) -> pd.DataFrame:
    """Take the references to mark against, of those :func:`filled_in`, in the order of forms and wordings."""
    table = every if form in {None, "best"} else every[every["form"] == form]
    if table["form"].nunique() > 1 or not (table["alternative"] == 0).all():
        table = table.sort_values(["form", "alternative"], kind="stable")
    if joined:
        # A channel that lacks a form would be left out of that form's text.
        said_on = every.groupby("utt_id")["channel"].nunique()
        in_form = table.groupby(["utt_id", "form"])["channel"].nunique().reset_index()
        complain(
            (in_form["channel"] < said_on.reindex(in_form["utt_id"]).to_numpy()).to_numpy(bool),
            in_form,
            "have channels without a reference in each form that is marked against, so their text cannot be joined.",
        )
    return table.reset_index(drop=True)


def filled_in(references: pd.DataFrame) -> pd.DataFrame:
    """Fill in the channels, forms and numbers that a table of references leaves open."""
    if not references.columns.is_unique:
        raise InvalidInput(f"The references have columns of the same name: {', '.join(map(str, references))}.")
    table = tables.check(references.reset_index(drop=True), "references", required=("utt_id", "text"))
    table = table[list(tables.SCHEMAS["references"])]
    complain(table["utt_id"].isna(), table, "of the references have no utt_id. Every text must say what it is of.")
    complain(table["text"].isna(), table, 'have a reference without a text. Leave the row out; silence is "".')
    table = table.fillna({"channel": 0, "form": "unstated"})
    if table["alternative"].isna().any():
        place = table.groupby(["utt_id", "channel", "form"]).cumcount().astype("Int64")
        table["alternative"] = table["alternative"].fillna(place)
    complain(
        repeated(table, ["utt_id", "channel", "form", "alternative"]),
        table,
        "have two references of one channel, form and number (alternative). Number the wordings anew.",
    )
    return table


def join_answers(rows: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    """Make one row of the channels of an asking.

    It is answered if all of them are, else what the first of the others is. What differs between them is ``<NA>``.
    """
    rows = rows.assign(channel=rows["channel"].fillna(-1))
    number = pd.Series(numbers(rows, key), rows.index)
    order = rows["channel"].argsort(kind="stable").to_numpy()
    states = rows["state"].iloc[order]
    silent = states.where(states != "answered").groupby(number.iloc[order]).first()
    first = number.drop_duplicates().index
    joined = rows.loc[first].set_index(number[first])
    joined["state"] = silent.reindex(joined.index).fillna("answered")
    joined["text"] = _joined_texts(number.iloc[order], rows["text"].iloc[order]).reindex(joined.index)
    joined["text"] = joined["text"].where(joined["state"] == "answered")
    # The trial and the axes; what else there is belongs to the key, or has been joined above.
    for name in (name for name in rows.columns if name == "trial" or name not in {*key, *KEPT, PLACE}):
        one = (rows[name].groupby(number).nunique(dropna=False) == 1).reindex(joined.index)
        joined[name] = joined[name].where(one)
    return joined.assign(channel=pd.array([0] * len(joined), dtype="Int64")).reset_index(drop=True)[list(rows.columns)]


def join_references(said: pd.DataFrame) -> pd.DataFrame:
    """Make one reference of those of all channels: in each form, every combination of the wordings of its channels."""
    texts: dict[tuple[str, str], dict[int, list[str]]] = {}
    for utt_id, form in zip(said["utt_id"].tolist(), said["form"].tolist(), strict=True):
        texts.setdefault((utt_id, form), {})
    ordered = said.sort_values(["channel", "alternative"], kind="stable")
    for utt_id, form, channel, text in ordered[["utt_id", "form", "channel", "text"]].itertuples(index=False):
        texts[utt_id, form].setdefault(channel, []).append(text)
    rows = []
    for (utt_id, form), channels in texts.items():
        if (combinations := prod(map(len, channels.values()))) > _MOST_COMBINATIONS:
            raise InvalidInput(
                f"The wordings of the channels of {utt_id} make {combinations} texts when channels are joined, more "
                f"than {_MOST_COMBINATIONS}. Mark each channel, or give fewer wordings."
            )
        rows += [(utt_id, form, n, joined_texts(part)) for n, part in enumerate(product(*channels.values()))]
    joined = tables.check(
        pd.DataFrame(rows, columns=["utt_id", "form", "alternative", "text"]).assign(channel=0), "references"
    )
    if PLACE in said.columns:
        place = said.drop_duplicates("utt_id").set_index("utt_id")[PLACE]
        joined[PLACE] = place.reindex(joined["utt_id"]).to_numpy()
    return joined


def _joined_texts(number: pd.Series, texts: pd.Series) -> pd.Series:
    joined: dict[int, str] = {}
    for place, text in zip(number.tolist(), texts.fillna("").tolist(), strict=True):
        joined[place] = f"{joined[place]} {text}" if place in joined else text
    return pd.Series(joined, dtype="string")


def numbers(rows: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.int64]:
    """Give each different combination of the columns a number, from 0, in the order in which they come."""
    return numbers_of(
        np.zeros(len(rows), np.int64), *(pd.factorize(rows[name], use_na_sentinel=False)[0] for name in columns)
    )


def numbers_of(made: NDArray[np.int64], *codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give each different combination of codes a number, from 0, in the order in which they come."""
    for code in codes:
        if many := int(code.max(initial=0)) - int(code.min(initial=0)):  # -1 is what is missing
            made = _renumbered(made * (many + 1) + code)
    return made


def _renumbered(key: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give each different key a number, from 0, in the order in which they come."""
    if not _FEW <= int(key.max(initial=0)) <= _SPARSE * len(key) or int(key.min(initial=0)) < 0:
        return pd.factorize(key)[0].astype(np.int64)
    # Many that lie close together need no hashing, which takes two to five times as long; few are hashed at once.
    row = np.arange(len(key))
    first = np.empty(int(key.max(initial=-1)) + 1, np.int64)
    first[key[::-1]] = row[::-1]
    first = first[key]
    return (np.cumsum(first == row) - 1)[first]


def repeated(rows: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.bool]:
    """Tell which rows agree in all columns with one before."""
    if rows[columns[0]].is_unique:
        return np.zeros(len(rows), bool)
    return pd.Series(numbers(rows, columns)).duplicated().to_numpy(bool)


def complain(bad: pd.Series | NDArray[np.bool], rows: pd.DataFrame, what: str) -> None:
    """Raise with the number and the first few of the rows that are bad."""
    if bad.any():
        found = rows.loc[bad, "utt_id"]
        named = ", ".join("<NA>" if pd.isna(utt_id) else str(utt_id) for utt_id in found.unique()[:5])
        more = " ..." if found.nunique() > 5 else ""
        raise InvalidInput(f"{len(found)} row{'s' if len(found) > 1 else ''} ({named}{more}) {what}")
