"""The sheet: which answer is marked against which references, how both are cut, and what is not there to be marked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.normalize import folds_by_default
from asrlab.scoring.alternatives import check_alternatives, settle, spread
from asrlab.scoring.given import (
    KEPT,
    PLACE,
    answers,
    complain,
    filled_in,
    frames,
    join_answers,
    join_references,
    references_in,
    the_form,
)
from asrlab.scoring.recipes import (
    AS_WHOLE,
    Blocks,
    count_blocks,
    has_kana,
    recipes_of,
    undecided,
    ways_of,
)
from asrlab.scoring.recipes import Recipe as Recipe  # noqa: PLC0414 - it is known from here
from asrlab.scoring.script import refuse_silent_folding, refuse_tagged
from asrlab.scoring.settings import (
    Settings,
    check_apart,
    check_grid,
    settings_of,
    targets,
    unanswered,
    with_missing,
)
from asrlab.scoring.tokens import UNITS, unknown_unit
from asrlab.scoring.variants import variants_in
from asrlab.wordings import widened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from pandas.api.extensions import ExtensionArray

    from asrlab.executors import Where
    from asrlab.normalize import NormalizerChoice
    from asrlab.scoring.given import HasReferences, References, Transcripts
    from asrlab.scoring.variants import Variants, VariantsChoice

#: How a trial without an answer may count.
MISSING: Final = ("raise", "drop", "all-deleted")
CHANNELS: Final = ("each", "joined")


@dataclass(frozen=True)
class Whole:
    """What all of a table decides, and what holds for each part of it that is laid out apart.

    Parameters
    ----------
    form : str or None
        Name of the form that is marked against.
    channels : Index of int64
        All channels that have a reference, in order.
    settings : Settings
        All settings.
    kana : bool
        Whether Han characters of utterances without a language may be Japanese.
    kinds : mapping of (unit, normalizer) to str
        What is independent of what, of the utterances that are marked so: speaker, recording or utterance.
    """

    form: str | None
    channels: pd.Index
    settings: Settings
    kana: bool
    kinds: Mapping[tuple[str, str], str]


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
        One row a way to write what was said: utt_id, channel, form, alternative, and wording, which is ``<NA>`` where
        the reference has no alternatives in it; in order of preference, but for wordings among many.
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
    variants : Variants or None
        What may be written in several ways.
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
    variants: Variants | None

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
    transcripts: Transcripts,
    references: References,
    *,
    form: str | None,
    unit: str,
    normalizer: NormalizerChoice,
    language: str | None,
    channels: str,
    missing: str,
    variants: VariantsChoice | None,
    executor: Where,
    whole: Whole | None = None,
) -> tuple[Sheet, pd.DataFrame]:
    """Set answers beside references, or say why that cannot be done; give the table of terms too.

    The parameters are those of :func:`asrlab.score`; and ``whole``, if these are a part of a table, what all of it
    decides.
    """
    check_options(unit, channels, missing)
    given, known = frames(transcripts, references, language)
    rows, axes = answers(given)
    joined, all_marked = channels == "joined", missing == "all-deleted"
    every = filled_in(known.references)
    form_name = the_form(every["form"].unique().tolist(), form) if whole is None else whole.form
    said = references_in(every, form, joined=joined)
    utterances, rows, said = utterances_of(known.utterances, rows, said)
    referenced = channels_of(said) if whole is None else whole.channels
    rows = with_channels(rows, said, referenced, every=all_marked and not joined)
    settings = settings_of(rows, axes, referenced) if whole is None else whole.settings
    setting = settings.columns
    check_apart(rows, setting)
    if not joined:
        unreferenced = ~np.isin(targets(rows, referenced), targets(said, referenced))
        if unreferenced.any():
            _all_have_references(unreferenced & ((rows["state"] == "answered").to_numpy(bool) | all_marked), rows, form)
    if whole is None and len(said):
        check_grid(rows, settings, len(np.unique(targets(said, referenced))))
    rows = with_missing(rows, axes, settings, said, channels=referenced, asked_only=joined)
    if joined:
        check_alternatives(said)
        rows, said = join_answers(rows, [PLACE, *setting]), join_references(said)
        referenced = pd.Index([0])
    kana = has_kana(utterances, said, unit, normalizer) if whole is None else whole.kana
    recipes, recipe_of = recipes_of(utterances, said, unit, normalizer, kana=kana)
    table = variants_in(variants)
    said, many = spread(said, table)
    target, wanted = targets(said, referenced), targets(rows, referenced)
    to_mark, spared = ((rows["state"] == state).to_numpy(bool) for state in ("answered", "spared"))
    if missing == "raise" and not (to_mark | spared).all():
        raise unanswered(rows[~spared], setting)
    if joined:
        _all_have_references(~np.isin(wanted, target) & (to_mark | all_marked), rows, form)
    to_mark |= all_marked & ~spared
    row, reference = _pairs(wanted, target, to_mark)
    _check_script(recipes, recipe_of, utterances, every, settings.table[[n for n in setting if n != "repeat"]])
    if many:
        of = recipe_of[said[PLACE].to_numpy(np.int64)]
        answer = [None if text is pd.NA else text for text in rows["text"].take(row).tolist()]
        said, reference = settle(said, many, answer, reference, lambda at: recipes[of[at]], executor=executor)
        target = targets(said, referenced)
    place, texts = pd.factorize(pd.concat([rows["text"].fillna(""), said["text"]]))
    utterance = rows[PLACE].to_numpy(np.int64)
    facts = _described(utterances, unit, recipes, recipe_of, None if whole is None else whole.kinds)
    rows = rows[[*KEPT, *axes]].assign(
        **{name: column.take(utterance) for name, column in facts.items()},
        form=constant(form_name if table is None else widened(form_name, table.fingerprint), len(rows)),
    )
    if joined:
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
        said_recipe=recipe_of[said[PLACE].to_numpy(np.int64)],
        row=row,
        reference=reference,
        target=target,
        variants=table,
    )
    return sheet, known.terms


def _check_script(
    recipes: list[Recipe],
    recipe_of: NDArray[np.int64],
    utterances: pd.DataFrame,
    references: pd.DataFrame,
    levels: pd.DataFrame,
) -> None:
    """Raise if script would be folded without a word where it may be what is under test."""
    for number, recipe in enumerate(recipes):
        if folds_by_default(recipe.normalizer):
            of = utterances[recipe_of == number]
            refuse_tagged(recipe.normalizer, of["language"].dropna().unique())
            refuse_silent_folding(recipe.normalizer, references[references["utt_id"].isin(of["utt_id"])], levels)


def check_options(unit: str, channels: str, missing: str) -> None:
    """Raise if an option has a value that it cannot have."""
    _one_of("channels", channels, CHANNELS)
    _one_of("missing", missing, MISSING)
    if unit not in ("auto", *UNITS, *AS_WHOLE):
        raise unknown_unit(unit, ("auto", *UNITS, *AS_WHOLE))


def _one_of(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InvalidInput(f"{name} must be one of {', '.join(known)}, not {value!r}.")


def utterances_of(
    utterances: pd.DataFrame, rows: pd.DataFrame, said: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Take the utterances that have a reference or a transcript, and note in both tables which is whose."""
    known = tables.check(utterances.reset_index(drop=True), "utterances", required=("utt_id",))
    heard_of, said_of = places(known["utt_id"], rows, said)
    for name in ("language", "speaker", "recording"):  # as files without a value are often read
        known[name] = known[name].mask(known[name] == "")
    used, place = np.unique(np.concatenate([heard_of, said_of]), return_inverse=True)
    rows, said = rows.assign(**{PLACE: place[: len(rows)]}), said.assign(**{PLACE: place[len(rows) :]})
    return known.take(used).reset_index(drop=True), rows, said


def places(known: pd.Series, rows: pd.DataFrame, said: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the place of each row's utterance among those that are known, and of each reference's."""
    complain(known.duplicated(), known.to_frame(), "stand twice among the utterances. An utt_id is of one recording.")
    heard_of, said_of = _places(rows["utt_id"], known), _places(said["utt_id"], known)
    complain(
        heard_of < 0,
        rows,
        f"are of no utterance that has references ({', '.join(known.head(2))} ... have). Mark them against "
        "what they were asked about, or leave them out; see that both tables read their ids as text.",
    )
    complain(said_of < 0, said, "are references of no utterance of this dataset. Correct the references.")
    return heard_of, said_of


def _places(ids: pd.Series, known: pd.Series) -> NDArray[np.int64]:
    """Give the place of each id; -1 where it has none."""
    import pyarrow as pa  # noqa: PLC0415 - slow to import
    import pyarrow.compute as pc  # noqa: PLC0415

    # Each different id is looked up once, and no Python object is made of it.
    codes, different = pd.factorize(ids)
    if not len(different):
        return np.full(len(ids), -1, np.int64)
    wanted, there = (pa.array(pd.Series(one, dtype="string"), pa.large_string()) for one in (different, known))
    found = pc.index_in(wanted, value_set=there).fill_null(-1).to_numpy(zero_copy_only=False)
    return np.where(codes < 0, -1, found[codes]).astype(np.int64)


def channels_of(said: pd.DataFrame) -> pd.Index:
    """Give the channels that have a reference, in order."""
    channels: pd.Index = pd.Index(np.sort(said["channel"].astype("int64").unique()))
    return channels


def with_channels(rows: pd.DataFrame, said: pd.DataFrame, referenced: pd.Index, *, every: bool) -> pd.DataFrame:
    """Where rows name no channel, take the only one of their utterance that has a reference.

    A trial that failed as a whole names no channel either; with ``every``, it becomes a row for each that has one.
    ``referenced`` are all channels that any utterance has.
    """
    if not len(referenced) or not rows["channel"].isna().any():
        return rows
    if len(referenced) == 1:
        return rows.assign(channel=rows["channel"].fillna(int(referenced[0])))
    channels = said[[PLACE, "channel"]].drop_duplicates()
    if every:
        whole = rows["channel"].isna() & (rows["state"] != "answered")
        of = rows.loc[whole, [PLACE]].rename_axis("row").reset_index().merge(channels, on=PLACE)
        every_one = rows.loc[of["row"]].assign(channel=of["channel"].to_numpy())
        unknown = rows[whole & ~rows[PLACE].isin(channels[PLACE])]
        rows = pd.concat([rows[~whole], every_one, unknown]).sort_index(kind="stable").reset_index(drop=True)
    only = channels.drop_duplicates(PLACE, keep=False).set_index(PLACE)["channel"]
    return rows.assign(channel=rows["channel"].fillna(rows[PLACE].map(only).astype("Int64")))


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
        f"have no reference{in_form} for the channel of the transcript ({channels}). Add it, or leave those rows out.",
    )


def whole_facts(
    references: HasReferences | pd.DataFrame,
    asked: pd.Series,
    *,
    form: str | None,
    unit: str,
    normalizer: NormalizerChoice,
    language: str | None,
    kana: bool | None,
) -> tuple[bool, dict[tuple[str, str], Blocks] | None]:
    """Find what part of the references adds to what is decided by all of them.

    Parameters
    ----------
    references, form, unit, normalizer, language
        As :func:`asrlab.score` has them.
    asked : Series
        The ids of those that there are transcripts of.
    kana : bool or None
        Whether kana are anywhere; None if that is not known yet.

    Returns
    -------
    kana : bool
        Whether they are here, where that matters.
    blocks : dict or None
        How many utterances are marked by each unit and normalizer, and what is known of them; None if that depends on
        kana elsewhere.
    """
    _, known = frames(pd.DataFrame({"utt_id": [], "text": []}, dtype="string"), references, language)
    said = references_in(filled_in(known.references), form)
    utterances, _, said = utterances_of(known.utterances, asked.to_frame(), said)
    if kana is None:
        if undecided(utterances, unit, normalizer).any():
            return has_kana(utterances, said, unit, normalizer), None
        kana = False
    recipes, recipe_of = recipes_of(utterances, said, unit, normalizer, kana=kana)
    ways, way_of = ways_of(unit, recipes, recipe_of)
    return kana, {way: count_blocks(utterances[way_of == n]) for n, way in enumerate(ways)}


def _described(
    utterances: pd.DataFrame,
    unit: str,
    recipes: list[Recipe],
    recipe_of: NDArray[np.int64],
    kinds: Mapping[tuple[str, str], str] | None,
) -> dict[str, ExtensionArray]:
    """Say of each utterance how it is marked, and which block it is in."""
    ways, way_of = ways_of(unit, recipes, recipe_of)
    block = pd.Series(pd.NA, utterances.index, dtype="string")
    kind_of = []
    for number, way in enumerate(ways):
        these = way_of == number
        kind = kinds[way] if kinds else count_blocks(utterances[these]).kind
        kind_of.append(kind)
        named = f"{kind}:" + utterances.loc[these, "utt_id" if kind == "utterance" else kind]
        named = named.fillna(f"no {kind} given")
        block = named if len(ways) == 1 else block.where(~these, named)
    units, chains = ([way[n] for way in ways] for n in range(2))
    return {
        "spoken_language": utterances["language"].array,
        "block": block.array,
        **{
            name: pd.array(values, dtype="string").take(way_of)
            for name, values in (("unit", units), ("normalizer", chains), ("block_kind", kind_of))
        },
    }


def constant(value: str | None, n: int) -> ExtensionArray:
    """Make a column that says the same n times."""
    return pd.array([value], dtype="string").take(np.zeros(n, np.intp))
