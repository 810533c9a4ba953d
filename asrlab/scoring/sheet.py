"""The sheet: which answer is marked against which references, how both are cut, and what is not there.

Whatever a caller brings (our tables, frames from elsewhere, lists of texts) becomes one :class:`Sheet`, or an error
that says why it cannot be marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias, cast

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.scoring.normalize import Normalizer, choose
from asrlab.scoring.tokens import UNITS, only_han, unit_for, unknown_unit

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas.api.extensions import ExtensionArray

    from asrlab.scoring.normalize import NormalizerChoice

#: How a trial without an answer may count.
MISSING: Final = ("raise", "drop", "all-deleted")
CHANNELS: Final = ("each", "joined")
_STATES: Final = ("answered", "failed", "unknown", "submitted", "not run")
#: Columns that tell engines apart in transcripts from elsewhere, which have no ``condition`` to do it.
_ENGINE: Final = ("engine", "model", "region")
#: What a frame of references may say of its utterances.
_FACTS: Final = ("language", "duration_s", "speaker", "recording")
#: Trials that a table may lack for each that it has, before something is wrong with what is taken for settings.
_EMPTIEST: Final = 20
#: Working column: which utterance a row is of.
_PLACE: Final = "utterance place"
#: Columns of transcripts that scores have too.
_KEPT: Final = ("trial", "utt_id", "condition", "repeat", "channel", "state", "text")


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


class Recipe(NamedTuple):
    """How a text becomes units."""

    unit: str
    normalizer: Normalizer


class _Frames(NamedTuple):
    utterances: pd.DataFrame
    references: pd.DataFrame
    terms: pd.DataFrame


@dataclass(frozen=True)
class Sheet:
    """Answers beside the references that they may be marked against.

    Parameters
    ----------
    rows : DataFrame
        One row an answer, or a trial without one: the columns of scores that are known before marking, and the axes.
    axes : list of str
        Its columns that are axes.
    references : DataFrame
        One row a way to write what was said: utt_id, channel, form, alternative; in order of preference.
    recipes : list of Recipe
        How texts become units.
    texts : list of str
        All different texts.
    recipe : ndarray of int64, shape (rows,)
        Place of each row's recipe.
    heard : ndarray of int64, shape (rows,)
        Place of each row's text; -1 where it is not marked.
    said, said_recipe : ndarray of int64, shape (references,)
        Place of each reference's text, and of its recipe.
    row, reference : ndarray of int64, shape (pairs,)
        Rows to be marked and references, one pair for each reference that a row may be marked against, in order.
    target : ndarray of int64, shape (references,)
        Number of each reference's utterance and channel.
    """

    rows: pd.DataFrame
    axes: list[str]
    references: pd.DataFrame
    recipes: list[Recipe]
    texts: list[str]
    recipe: NDArray[np.int64]
    heard: NDArray[np.int64]
    said: NDArray[np.int64]
    said_recipe: NDArray[np.int64]
    row: NDArray[np.int64]
    reference: NDArray[np.int64]
    target: NDArray[np.int64]

    def only(self, wanted: NDArray[np.bool]) -> Sheet:
        """Leave out the rows that have none of the wanted references, and the pairs with others."""
        ids, channels = self.references["utt_id"], self.references["channel"]
        there = pd.MultiIndex.from_arrays([ids[wanted], channels[wanted]])
        kept = pd.MultiIndex.from_frame(self.rows[["utt_id", "channel"]]).isin(there)
        # A trial without an answer may name no channel: it stands for all of its utterance.
        kept |= (self.rows["channel"].isna() & self.rows["utt_id"].isin(ids[wanted])).to_numpy(bool)
        place = np.cumsum(kept) - 1
        pairs = kept[self.row] & wanted[self.reference]
        return replace(
            self,
            rows=self.rows[kept].reset_index(drop=True),
            recipe=self.recipe[kept],
            heard=self.heard[kept],
            row=place[self.row[pairs]],
            reference=self.reference[pairs],
        )


def lay_out(
    transcripts: pd.DataFrame | Texts,
    references: HasReferences | pd.DataFrame | Texts,
    *,
    form: str | None,
    unit: str,
    normalizer: NormalizerChoice,
    language: str | None,
    channels: str,
    missing: str,
) -> tuple[Sheet, pd.DataFrame]:
    """Set answers beside references, or say why that cannot be done; give the table of terms too.

    The parameters are those of :func:`asrlab.score`.
    """
    _one_of("channels", channels, CHANNELS)
    _one_of("missing", missing, MISSING)
    if unit not in {"auto", "term", *UNITS}:
        raise unknown_unit(unit, ("auto", *UNITS, "term"))
    answers, frames = _frames(transcripts, references, language)
    rows, axes, setting = _answers(answers)
    said, form_name = _references(frames.references, form)
    if channels == "joined":
        rows, said = join_answers(rows, axes), join_references(said)
    known, rows, said = _utterances(frames.utterances, rows, said)
    numbers = pd.Index(np.sort(said["channel"].astype("int64").unique()))
    target = _targets(said, numbers)
    rows = _with_channels(rows, said, every=missing == "all-deleted")
    to_mark = ((rows["state"] == "answered") | (missing == "all-deleted")).to_numpy(bool)
    _all_have_references(to_mark & ~np.isin(_targets(rows, numbers), target), rows, form)
    rows = _with_missing(rows, axes, setting, said, channels=numbers)
    if missing == "raise":
        _all_answered(rows, setting)
    to_mark = ((rows["state"] == "answered") | (missing == "all-deleted")).to_numpy(bool)
    row, reference = _pairs(_targets(rows, numbers), target, to_mark)
    recipes, recipe_of = _recipes(known, said, unit, normalizer)
    place, texts = pd.factorize(pd.concat([rows["text"].fillna(""), said["text"]]))
    utterance = rows[_PLACE].to_numpy(np.int64)
    rows = rows[[*_KEPT, *axes]].assign(
        **_described(known, utterance, unit, [recipes[n] for n in recipe_of.tolist()]),
        form=pd.array([form_name] * len(rows), dtype="string"),
    )
    if channels == "joined":
        rows["channel"] = pd.NA
    sheet = Sheet(
        rows=rows,
        axes=axes,
        references=said,
        recipes=recipes,
        texts=texts.tolist(),
        recipe=recipe_of[utterance],
        heard=np.where(to_mark, place[: len(rows)], -1),
        said=place[len(rows) :].astype(np.int64),
        said_recipe=recipe_of[said[_PLACE].to_numpy(np.int64)],
        row=row,
        reference=reference,
        target=target,
    )
    return sheet, frames.terms


def _one_of(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InvalidInput(f"{name} must be one of {', '.join(known)}, not {value!r}.")


def _frames(
    transcripts: pd.DataFrame | Texts, references: HasReferences | pd.DataFrame | Texts, language: str | None
) -> tuple[pd.DataFrame, _Frames]:
    """Bring whatever is given to tables."""
    heard, said = _texts(transcripts), _texts(references)
    if (heard is None) != (said is None):
        raise InvalidInput(
            "Texts are marked against texts, and tables against a dataset or a table: these are "
            f"{type(transcripts).__name__} and {type(references).__name__}. A table says by utt_id which text answers "
            "which reference; a list says it by order, and cannot be mixed with one."
        )
    if heard is not None and said is not None:
        if len(heard) != len(said):
            raise InvalidInput(f"There are {len(heard)} transcripts and {len(said)} references. Give as many of each.")
        if none := [n for n, text in enumerate(said) if text is None]:
            raise InvalidInput(
                f"{len(none)} references are missing (the first is number {none[0]}). Leave those out of both lists; "
                'write "" only where nothing was said.'
            )
        ids = pd.Series(map(str, range(len(said))), dtype="string")
        transcripts = pd.DataFrame({"utt_id": ids, "text": pd.Series(heard, dtype="string")})
        references = pd.DataFrame({"utt_id": ids, "text": pd.Series(said, dtype="string")})
    if not isinstance(transcripts, pd.DataFrame):
        raise InvalidInput(f"Transcripts must be a table, a text or a list of texts, not {transcripts!r}.")
    if isinstance(references, pd.DataFrame):
        frames = _Frames(_utterances_of(references), references, tables.empty("terms"))
    else:
        if not all(hasattr(references, name) for name in _Frames._fields):
            raise InvalidInput(
                f"References must be a dataset, a table, a text or a list of texts, not {type(references).__name__}."
            )
        dataset = cast("HasReferences", references)
        frames = _Frames(dataset.utterances, dataset.references, dataset.terms)
    if language is not None:
        given = frames.utterances
        own = given["language"] if "language" in given.columns else pd.Series(pd.NA, given.index, dtype="string")
        frames = frames._replace(utterances=given.assign(language=own.astype("string").fillna(language)))
    return transcripts, frames


def _texts(given: object) -> list[str | None] | None:
    """Give a list of texts where texts are given, None where it is something else."""
    if isinstance(given, str):
        return [given]
    if not isinstance(given, Sequence | pd.Series | np.ndarray):
        return None
    texts: list[str | None] = []
    for text in given:
        if not isinstance(text, str) and not (pd.api.types.is_scalar(text) and pd.isna(text)):
            raise InvalidInput(f"A list of texts holds {text!r}, which is neither a text nor missing.")
        texts.append(text if isinstance(text, str) else None)
    return texts


def _utterances_of(references: pd.DataFrame) -> pd.DataFrame:
    """Read off a table of references what it says of each utterance."""
    table = tables.check(references, "references", required=("utt_id", "text"))
    complain(
        table.duplicated(["utt_id", "channel", "form", "alternative"]),
        table,
        "stand more than once in the references, in the same channel and form. Number wordings that are equally right "
        "in a column alternative. Are these the transcripts? They come first, the references second.",
    )
    facts = references[["utt_id", *(name for name in _FACTS if name in references.columns)]].drop_duplicates()
    twice = facts["utt_id"].duplicated()
    complain(
        twice,
        facts,
        f"are given more than one {' or '.join(facts.columns[1:])} in the references. An utterance has one of each.",
    )
    return facts[facts["utt_id"].notna()]


def _answers(transcripts: pd.DataFrame) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Give transcripts from anywhere the columns that marking needs; name their axes, and what makes a setting."""
    if not transcripts.columns.is_unique:
        raise InvalidInput(f"A transcripts table has columns of the same name: {', '.join(map(str, transcripts))}.")
    rows = tables.check(transcripts.reset_index(drop=True), "transcripts", required=("utt_id", "text"))
    axes = [name for name in rows.columns if name not in tables.SCHEMAS["transcripts"]]
    taken = [name for name in axes if name in {*tables.SCHEMAS["scores"], "marked_form"}]
    if taken:
        raise InvalidInput(
            f"Marking makes a column {taken[0]!r} itself, and the transcripts have one. Rename it there."
        )
    setting = ["condition", "repeat"]
    if "condition" not in transcripts.columns:
        engines = [name for name in _ENGINE if rows[name].nunique(dropna=False) > 1]
        # A column that is the same in all rows of an utterance tells of the utterance, not of a setting.
        by_utterance = rows.groupby("utt_id", sort=False)
        setting += [name for name in axes if (by_utterance[name].nunique(dropna=False) > 1).any()] + engines
        axes += engines
    rows["condition"] = rows["condition"].fillna("unnamed")
    rows["repeat"] = rows["repeat"].fillna(0)
    rows["state"] = rows["state"].fillna(rows["text"].notna().map({True: "answered", False: "failed"}).astype("string"))
    complain(rows["utt_id"].isna(), rows, "have no utt_id. Every transcript must say what it is of.")
    states = rows["state"].unique().tolist()
    if not set(states) <= set(_STATES):
        complain(~rows["state"].isin(_STATES), rows, f"have another state than {', '.join(_STATES)}. Correct it.")
    answered = rows["state"] == "answered"
    complain(
        answered & rows["text"].isna(),
        rows,
        'are answered and have no text. Write "" where nothing was heard, the state "failed" where nothing came back.',
    )
    rows["text"] = rows["text"].where(answered)
    key = ["utt_id", "condition", "repeat", "channel", *axes]
    complain(
        rows.duplicated(key),
        rows,
        f"stand twice: they agree in {', '.join(key)}. Number repeats, name conditions, or drop copies.",
    )
    return rows[[*_KEPT, *axes]], axes, setting


def _references(references: pd.DataFrame, form: str | None) -> tuple[pd.DataFrame, str | None]:
    """Take the references to mark against, in order of preference, and the name of their form."""
    table = wordings(references)
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
    if len(forms) > 1 or not (table["alternative"] == 0).all():
        order = table.assign(preference=table["form"].map({name: place for place, name in enumerate(forms)}))
        table = order.sort_values(["preference", "alternative"], kind="stable").drop(columns="preference")
    return table.reset_index(drop=True), form or (forms[0] if forms else None)


def wordings(references: pd.DataFrame) -> pd.DataFrame:
    """Fill in the channels, forms and numbers of wordings that a table of references leaves open."""
    table = tables.check(references.reset_index(drop=True), "references", required=("utt_id", "text"))
    table = table[list(tables.SCHEMAS["references"])].dropna(subset=["utt_id", "text"])
    table = table.fillna({"channel": 0, "form": "unstated"})
    if table["alternative"].isna().any():
        place = table.groupby(["utt_id", "channel", "form"]).cumcount().astype("Int64")
        table["alternative"] = table["alternative"].fillna(place)
    return table


def join_answers(rows: pd.DataFrame, axes: list[str]) -> pd.DataFrame:
    """Make one row of the channels of an asking: answered if all of them are, else what the first of the others is."""
    key = ["utt_id", "condition", "repeat", *axes]
    number = rows.groupby(key, dropna=False, observed=True, sort=False).ngroup()
    ordered = rows.assign(number=number).sort_values(["number", "channel"], kind="stable")
    silent = ordered[ordered["state"] != "answered"].drop_duplicates("number").set_index("number")["state"]
    joined = ordered.drop_duplicates("number").set_index("number")
    joined["text"] = _joined_texts(ordered["number"], ordered["text"])
    joined["state"] = silent.reindex(joined.index).fillna("answered")
    joined["text"] = joined["text"].where(joined["state"] == "answered")
    return joined.assign(channel=pd.array([0] * len(joined), dtype="Int64")).reset_index(drop=True)[list(rows.columns)]


def join_references(said: pd.DataFrame) -> pd.DataFrame:
    """Make one reference of those of all channels: of each form the first wordings, the second ones and so on."""
    place = said.groupby(["utt_id", "form", "channel"])["alternative"].rank("first") - 1
    said = said.assign(alternative=place.astype("Int64"))
    joined = said[["utt_id", "form", "alternative"]].drop_duplicates(ignore_index=True)
    every = (
        joined.reset_index(names="number").rename(columns={"alternative": "wanted"}).merge(said, on=["utt_id", "form"])
    )
    # A channel with fewer wordings than another goes on with its last.
    every = every[every["alternative"] <= every["wanted"]].sort_values(["number", "channel", "alternative"])
    every = every.drop_duplicates(["number", "channel"], keep="last")
    texts = _joined_texts(every["number"], every["text"]).reindex(joined.index)
    return joined.assign(text=texts, channel=pd.array([0] * len(joined), dtype="Int64"))[list(said.columns)]


def _joined_texts(number: pd.Series, texts: pd.Series) -> pd.Series:
    return texts.fillna("").groupby(number, sort=False).agg(" ".join).astype("string")


def _utterances(
    utterances: pd.DataFrame, rows: pd.DataFrame, said: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Take the utterances that have a reference or a transcript, and note in both tables which is whose."""
    known = tables.check(utterances.reset_index(drop=True), "utterances", required=("utt_id",))
    complain(known["utt_id"].duplicated(), known, "stand twice among the utterances. An utt_id is of one recording.")
    where = pd.Index(known["utt_id"])
    heard_of, said_of = _places(rows["utt_id"], where), _places(said["utt_id"], where)
    complain(
        heard_of < 0,
        rows,
        "are of no utterance of this dataset. Mark them with the dataset they were asked about, or leave them out.",
    )
    complain(said_of < 0, said, "are references of no utterance of this dataset. Correct the references.")
    used, place = np.unique(np.concatenate([heard_of, said_of]), return_inverse=True)
    rows, said = rows.assign(**{_PLACE: place[: len(rows)]}), said.assign(**{_PLACE: place[len(rows) :]})
    return known.take(used).reset_index(drop=True), rows, said


def _places(ids: pd.Series, where: pd.Index) -> NDArray[np.int64]:
    """Give the place of each id; -1 where it has none."""
    # Each different id is looked up once: that is much quicker than Series.isin or map with columns of text.
    codes, different = pd.factorize(ids)
    if not len(different):
        return np.full(len(ids), -1, np.int64)
    return np.where(codes < 0, -1, where.get_indexer(pd.Index(different))[codes]).astype(np.int64)


def _with_channels(rows: pd.DataFrame, said: pd.DataFrame, *, every: bool) -> pd.DataFrame:
    """Where rows name no channel, take the only one of their utterance that has a reference.

    A trial that failed as a whole names no channel either; with ``every``, it becomes a row for each that has one.
    """
    if not rows["channel"].isna().any():
        return rows
    channels = said[["utt_id", "channel"]].drop_duplicates()
    if every:
        whole = rows["channel"].isna() & (rows["state"] != "answered")
        each = rows[whole].drop(columns="channel").reset_index(names="place").merge(channels, on="utt_id", how="left")
        expanded = pd.concat([rows[~whole], each.set_index("place")[list(rows.columns)]])
        rows = expanded.sort_index(kind="stable").reset_index(drop=True)
    only = channels.drop_duplicates("utt_id", keep=False).set_index("utt_id")["channel"]
    return rows.assign(channel=rows["channel"].fillna(rows["utt_id"].map(only)))


def _targets(table: pd.DataFrame, channels: pd.Index) -> NDArray[np.int64]:
    """Give the number of each row's utterance and channel, -1 where the channel is not among those given."""
    channel = channels.get_indexer(pd.Index(table["channel"].fillna(-1).astype("int64")))
    return np.where(channel < 0, -1, table[_PLACE].to_numpy(np.int64) * len(channels) + channel)


def _with_missing(
    rows: pd.DataFrame, axes: list[str], setting: list[str], said: pd.DataFrame, *, channels: pd.Index
) -> pd.DataFrame:
    """Add a row, of state "missing", for each referenced channel of which a setting has none."""
    if rows.empty:
        return rows
    targets, first = np.unique(_targets(said, channels), return_index=True)
    group = rows.groupby(setting, dropna=False, observed=True, sort=False)
    number, at = group.ngroup().to_numpy(), _targets(rows, channels)
    utterances = 1 + max(rows[_PLACE].max(), said[_PLACE].max())
    _is_grid(rows, setting, int(number.max()) + 1, len(targets))
    there = np.zeros((int(number.max()) + 1, utterances, len(channels)), bool)
    there.reshape(len(there), -1)[number[at >= 0], at[at >= 0]] = True
    # A trial that failed as a whole names no channel: it stands for all of them.
    whole = rows["channel"].isna().to_numpy(bool)
    there[number[whole], rows[_PLACE].to_numpy(np.int64)[whole]] = True
    of, target = np.nonzero(~there.reshape(len(there), -1)[:, targets])
    if not len(of):
        return rows
    settings = rows.iloc[np.unique(number, return_index=True)[1]]
    fixed = [name for name in axes if name not in setting and bool((group[name].nunique(dropna=False) <= 1).all())]
    absent = settings[[*setting, *fixed]].take(of).reset_index(drop=True)
    lacking = said[["utt_id", "channel", _PLACE]].take(first[target]).reset_index(drop=True)
    absent = pd.concat([absent, lacking], axis=1).assign(state="missing")
    absent = absent.reindex(columns=rows.columns).astype(rows.dtypes.to_dict())
    return pd.concat([rows, absent], ignore_index=True)


def _is_grid(rows: pd.DataFrame, setting: list[str], settings: int, targets: int) -> None:
    """Raise if hardly any setting has hardly any utterance: something then is taken for a setting that is none."""
    if settings * targets > max(_EMPTIEST * len(rows), 1000):
        most = max(setting, key=lambda name: rows[name].nunique())
        raise InvalidInput(
            f"The transcripts have {settings} settings ({' and '.join(setting)}) of {targets} referenced channels, and "
            f"only {len(rows)} rows. Column {most!r} has {rows[most].nunique()} different values: if it tells of an "
            "answer and not of how it was asked for, drop it, or name the settings in a column 'condition'."
        )


def _all_answered(rows: pd.DataFrame, setting: list[str]) -> None:
    lost = rows[rows["state"] != "answered"]
    if lost.empty:
        return
    counts = ", ".join(f"{count} {state}" for state, count in lost["state"].value_counts(sort=False).items())
    telling = [name for name in (*setting, "channel") if rows[name].nunique(dropna=False) > 1]
    shown = lost.head(2).to_dict("records")
    named = "; ".join(", ".join([row["utt_id"], *(f"{name} {row[name]}" for name in telling)]) for row in shown)
    raise InvalidInput(
        f"{len(lost)} of {len(rows)} answers are not there to mark: {counts} ({named}{'; ...' * (len(lost) > 2)}). "
        "A rate without them would be of other recordings. Ask for them (failed ones again); where some were left out "
        "on purpose, mark against the references of the rest (dataset.select() for a dataset); or say how they count: "
        'missing="drop" leaves them out of the rates, and every summary says how many they are; missing="all-deleted" '
        "counts every unit of their references as deleted."
    )


def _pairs(
    wanted: NDArray[np.int64], target: NDArray[np.int64], marked: NDArray[np.bool]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the rows that are marked, and for each the references of its target in their order."""
    order = np.argsort(target, kind="stable")
    first, last = np.searchsorted(target[order], wanted, "left"), np.searchsorted(target[order], wanted, "right")
    many = np.where(marked, last - first, 0)
    row = np.repeat(np.arange(len(wanted)), many)
    within = np.arange(len(row)) - np.repeat(np.cumsum(many) - many, many)
    return row, order[np.repeat(first, many) + within]


def _all_have_references(lacking: NDArray[np.bool], rows: pd.DataFrame, form: str | None) -> None:
    channels = ", ".join("<NA>" if pd.isna(c) else str(c) for c in rows.loc[lacking, "channel"].unique())
    in_form = "" if form in {None, "best"} else f" in the form {form!r}"
    complain(
        lacking,
        rows,
        f"have no reference{in_form} for the channel of the transcript ({channels}). Add it, leave those rows out, or "
        'mark all channels as one text (channels="joined").',
    )


def _recipes(
    known: pd.DataFrame, said: pd.DataFrame, unit: str, normalizer: NormalizerChoice
) -> tuple[list[Recipe], NDArray[np.int64]]:
    """Decide for each utterance how its texts become units."""
    languages = known["language"].astype(object).where(known["language"].notna(), None).tolist()
    undecided = known["language"].isna().to_numpy(bool)
    texts: dict[Any, str] = {}
    if undecided.any():
        of_them = said[undecided[said[_PLACE]]]
        texts = of_them.groupby(_PLACE)["text"].agg(" ".join).to_dict()
    places: dict[tuple[str | None, str, bool], int] = {}
    recipes: list[Recipe] = []
    chosen = []
    for place, language in enumerate(languages):
        text = texts.get(place, "")
        kind = language, unit if unit in UNITS else unit_for(language, text), language is None and only_han(text)
        if kind not in places:
            places[kind] = len(recipes)
            recipes.append(Recipe(kind[1], choose(normalizer, language, text)))
        chosen.append(places[kind])
    return recipes, np.array(chosen, np.int64)


def _described(
    known: pd.DataFrame, utterance: NDArray[np.int64], unit: str, recipes: list[Recipe]
) -> dict[str, ExtensionArray]:
    """Say of each row how it is marked, and which block it is in."""
    facts = pd.DataFrame({"spoken_language": known["language"]})
    facts["unit"] = pd.array(["term" if unit == "term" else recipe.unit for recipe in recipes], dtype="string")
    facts["normalizer"] = pd.array([recipe.normalizer.name for recipe in recipes], dtype="string")
    blocks = [_blocks(known.loc[group.index]) for _, group in facts.groupby(["unit", "normalizer"])]
    facts = facts.join(pd.concat(blocks) if blocks else _blocks(known))
    return {str(name): facts[name].array.take(utterance) for name in facts.columns}


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
            return pd.DataFrame(
                {"block": block, "block_kind": pd.array([kind] * len(block), dtype="string")}, block.index
            )
    block = "utterance:" + utterances["utt_id"]
    return pd.DataFrame(
        {"block": block, "block_kind": pd.array(["utterance"] * len(block), dtype="string")}, block.index
    )


def complain(bad: pd.Series | NDArray[np.bool], rows: pd.DataFrame, what: str) -> None:
    """Raise with the number and the first few of the rows that are bad."""
    if bad.any():
        found = rows.loc[bad, "utt_id"]
        named = ", ".join("<NA>" if pd.isna(utt_id) else str(utt_id) for utt_id in found.unique()[:5])
        more = " ..." if found.nunique() > 5 else ""
        raise InvalidInput(f"{len(found)} row{'s' if len(found) > 1 else ''} ({named}{more}) {what}")
