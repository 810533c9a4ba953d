"""The sheet: which answer is marked against which references, how both are cut, and what is not there to be marked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.normalize import Normalizer, choose, folds_by_default
from asrlab.normalize.languages import base_language
from asrlab.normalize.scripts import SCRIPTS
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
    numbers,
    numbers_of,
    references_in,
)
from asrlab.scoring.script import refuse_silent_folding, refuse_tagged
from asrlab.scoring.tokens import UNITS, unit_for, unknown_unit
from asrlab.scoring.variants import variants_in
from asrlab.wordings import widened

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas.api.extensions import ExtensionArray

    from asrlab.executors import Where
    from asrlab.normalize import NormalizerChoice
    from asrlab.scoring.given import HasReferences, Texts
    from asrlab.scoring.variants import Variants, VariantsChoice

#: How a trial without an answer may count.
MISSING: Final = ("raise", "drop", "all-deleted")
CHANNELS: Final = ("each", "joined")
#: Units that are judged as wholes, in texts cut as "auto" has it.
_WHOLE: Final = ("term", "sentence")
#: Columns that may make a setting together, and how many are tried.
_MOST_TOGETHER: Final = 3
_MOST_TRIED: Final = 10
#: Trials that a table may lack for each that it has, before something is wrong with what is taken for settings.
_EMPTIEST: Final = 20


class Recipe(NamedTuple):
    """How a text becomes units."""

    unit: str
    normalizer: Normalizer


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
    transcripts: pd.DataFrame | Texts,
    references: HasReferences | pd.DataFrame | Texts,
    *,
    form: str | None,
    unit: str,
    normalizer: NormalizerChoice,
    language: str | None,
    channels: str,
    missing: str,
    variants: VariantsChoice | None,
    executor: Where,
) -> tuple[Sheet, pd.DataFrame]:
    """Set answers beside references, or say why that cannot be done; give the table of terms too.

    The parameters are those of :func:`asrlab.score`.
    """
    _one_of("channels", channels, CHANNELS)
    _one_of("missing", missing, MISSING)
    if unit not in {"auto", *UNITS, *_WHOLE}:
        raise unknown_unit(unit, ("auto", *UNITS, *_WHOLE))
    given, known = frames(transcripts, references, language)
    rows, axes = answers(given)
    joined, all_marked = channels == "joined", missing == "all-deleted"
    said, form_name = references_in(known.references, form, joined=joined)
    utterances, rows, said = _utterances(known.utterances, rows, said)
    rows = _with_channels(rows, said, every=all_marked and not joined)
    setting = _setting(rows, axes)
    referenced = pd.Index(np.sort(said["channel"].astype("int64").unique()))
    if not joined:
        unreferenced = ~np.isin(_targets(rows, referenced), _targets(said, referenced))
        if unreferenced.any():
            _all_have_references(unreferenced & ((rows["state"] == "answered").to_numpy(bool) | all_marked), rows, form)
    lacking = _missing(rows, axes, setting, said, channels=referenced, asked_only=joined)
    if len(lacking):
        rows = pd.concat([_nullable(rows, axes), lacking], ignore_index=True)
    if joined:
        check_alternatives(said)
        rows, said = join_answers(rows, [PLACE, *setting]), join_references(said)
        referenced = pd.Index([0])
    recipes, recipe_of = _recipes(utterances, said, unit, normalizer)
    table = variants_in(variants)
    said, many = spread(said, table)
    target, wanted = _targets(said, referenced), _targets(rows, referenced)
    to_mark = (rows["state"] == "answered").to_numpy(bool)
    if missing == "raise" and not to_mark.all():
        raise unanswered(rows, setting)
    if joined:
        _all_have_references(~np.isin(wanted, target) & (to_mark | all_marked), rows, form)
    to_mark |= all_marked
    row, reference = _pairs(wanted, target, to_mark)
    _check_script(recipes, recipe_of, utterances, known.references, rows[[n for n in setting if n != "repeat"]])
    heard = rows["text"].fillna("")
    if many:
        of = recipe_of[said[PLACE].to_numpy(np.int64)]
        answer = [None if text is pd.NA else text for text in rows["text"].take(row).tolist()]
        said, reference = settle(said, many, answer, reference, lambda at: recipes[of[at]], executor=executor)
        target = _targets(said, referenced)
    place, texts = pd.factorize(pd.concat([heard, said["text"]]))
    utterance = rows[PLACE].to_numpy(np.int64)
    facts = _described(utterances, unit, recipes, recipe_of)
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
            every = filled_in(references)
            refuse_silent_folding(recipe.normalizer, every[every["utt_id"].isin(of["utt_id"])], levels)


def _one_of(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InvalidInput(f"{name} must be one of {', '.join(known)}, not {value!r}.")


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
        f"are of no utterance that has references ({', '.join(known['utt_id'].head(2))} ... have). Mark them against "
        "what they were asked about, or leave them out; see that both tables read their ids as text.",
    )
    complain(said_of < 0, said, "are references of no utterance of this dataset. Correct the references.")
    for name in ("language", "speaker", "recording"):  # as files without a value are often read
        known[name] = known[name].mask(known[name] == "")
    used, place = np.unique(np.concatenate([heard_of, said_of]), return_inverse=True)
    rows, said = rows.assign(**{PLACE: place[: len(rows)]}), said.assign(**{PLACE: place[len(rows) :]})
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
    channels = said[["utt_id", "channel"]]
    if not (channels["channel"] != channels["channel"].iloc[:1].max()).any():
        return rows.assign(channel=rows["channel"].fillna(channels["channel"].iloc[:1].max()))
    channels = channels.drop_duplicates()
    if every:
        whole = rows["channel"].isna() & (rows["state"] != "answered")
        ids = rows.loc[whole, ["utt_id"]].rename_axis("row").reset_index().merge(channels, on="utt_id")
        every_one = rows.loc[ids["row"]].assign(channel=ids["channel"].to_numpy())
        unknown = rows[whole & ~rows["utt_id"].isin(channels["utt_id"])]
        rows = pd.concat([rows[~whole], every_one, unknown]).sort_index(kind="stable").reset_index(drop=True)
    only = channels.drop_duplicates("utt_id", keep=False).set_index("utt_id")["channel"]
    return rows.assign(channel=rows["channel"].fillna(rows["utt_id"].map(only)))


def _targets(table: pd.DataFrame, channels: pd.Index) -> NDArray[np.int64]:
    """Give the number of each row's utterance and channel, -1 where the channel is not among those given."""
    channel = channels.get_indexer(pd.Index(table["channel"].fillna(-1).astype("int64")))
    return np.where(channel < 0, -1, table[PLACE].to_numpy(np.int64) * len(channels) + channel)


def _setting(rows: pd.DataFrame, axes: list[str]) -> list[str]:
    """Name the columns that make a setting: those that tell askings of one utterance and channel apart.

    Condition and repeat do. Where they leave rows alike, so do the axes that tell them apart with the fewest settings.
    """
    base = ["condition", "repeat"]
    key = numbers(rows, [PLACE, *base, "channel"])
    extra: tuple[str, ...] = ()
    if _alike(key):
        codes = {name: numbers(rows, [name]) for name in axes}
        varied = [name for name in axes if numbers_of(key, codes[name]).max() > key.max()]
        # Of equals, a column that is always filled goes before one that is not, and text before flags and numbers.
        plain = sorted(varied, key=lambda name: (rows[name].isna().any(), rows[name].dtype.kind in "biuf"))
        settings = numbers(rows, base)
        extra = tuple(varied)
        fewest = len(rows) + 1
        for size in range(1, min(len(plain), _MOST_TOGETHER) + 1):
            for some in combinations(sorted(plain, key=lambda name: int(codes[name].max()))[:_MOST_TRIED], size):
                many = int(numbers_of(settings, *(codes[name] for name in some)).max()) + 1
                if many < fewest and not _alike(numbers_of(key, *(codes[name] for name in some))):
                    extra, fewest = some, many
        key = numbers_of(key, *(codes[name] for name in extra))
    setting = [*base, *extra]
    alike = pd.Series(key).duplicated().to_numpy(bool)
    # A trial that failed as a whole names no channel, and stands for all of them.
    whole = rows["channel"].isna().to_numpy(bool)
    if whole.any():
        asked = numbers(rows, [PLACE, *setting])
        alike = alike | (whole & (np.bincount(asked)[asked] > 1))
    complain(
        alike,
        rows,
        f"stand twice: they agree in {', '.join(['utt_id', *setting, 'channel'])}, or name no channel beside others. "
        "Number repeats, name conditions, or drop copies.",
    )
    return setting


def _alike(key: NDArray[np.int64]) -> bool:
    return len(key) > 0 and int(key.max()) + 1 < len(key)


def _missing(
    rows: pd.DataFrame,
    axes: list[str],
    setting: list[str],
    said: pd.DataFrame,
    *,
    channels: pd.Index,
    asked_only: bool,
) -> pd.DataFrame:
    """Make a row, of state "missing", for each referenced channel of which a setting has none.

    With ``asked_only``, a channel is missed only in settings that have it of some utterance.
    """
    if said.empty:
        return rows.head(0)
    if rows.empty:  # nothing at all was answered, in the one setting there is
        settings, number = pd.DataFrame({"condition": ["unnamed"], "repeat": [0]}), np.zeros(0, np.int64)
    else:
        number = numbers(rows, setting)
        settings = rows.iloc[np.unique(number, return_index=True)[1]]
    targets, first = np.unique(_targets(said, channels), return_index=True)
    _is_grid(rows, setting, len(settings), len(targets))
    wanted, utterance = _targets(rows, channels), rows[PLACE].to_numpy(np.int64)
    utterances = 1 + max(utterance.max(initial=0), said[PLACE].max())
    there = np.zeros((len(settings), utterances, len(channels)), bool)
    there.reshape(len(there), -1)[number[wanted >= 0], wanted[wanted >= 0]] = True
    expected = np.ones_like(there)
    if asked_only:
        asked = np.any(there, axis=1)
        expected &= (asked | ~np.any(asked, axis=1)[:, None])[:, None, :]
    # A trial that failed as a whole names no channel: it stands for all of them.
    whole = rows["channel"].isna().to_numpy(bool)
    there[number[whole], utterance[whole]] = True
    of, target = np.nonzero((expected & ~there).reshape(len(there), -1)[:, targets])
    if not len(of):
        return rows.head(0)
    absent = settings[[name for name in setting if name in settings]].take(of).reset_index(drop=True)
    lacking = said[["utt_id", "channel", PLACE]].take(first[target]).reset_index(drop=True)
    absent = pd.concat([absent, lacking], axis=1).assign(state="missing")
    # What is the same in all rows of a setting, or of an utterance, is so in the missing row too.
    for name in (name for name in axes if name not in setting):
        for group, place in ((number, of), (utterance, lacking[PLACE].to_numpy(np.int64))):
            values = rows[name].groupby(group)
            if len(rows) and bool((values.nunique(dropna=False) <= 1).all()):
                known = rows[name].groupby(group).head(1)
                absent[name] = known.set_axis(group[known.index]).reindex(place).array
                break
    kinds = _nullable(rows, axes).dtypes.to_dict()
    return absent.reindex(columns=rows.columns).astype(kinds)


def _nullable(rows: pd.DataFrame, axes: list[str]) -> pd.DataFrame:
    """Give axes of whole numbers and flags a dtype that can be without a value."""
    plain = [name for name in axes if isinstance(rows[name].dtype, np.dtype) and rows[name].dtype.kind in "biu"]
    return rows.assign(**{name: rows[name].convert_dtypes() for name in plain}) if plain else rows


def _is_grid(rows: pd.DataFrame, setting: list[str], settings: int, targets: int) -> None:
    """Raise if hardly any setting has hardly any utterance: something then is taken for a setting that is none."""
    axes = [name for name in setting if name not in {"condition", "repeat"}]
    if axes and 4 * settings > len(rows) and settings * targets > max(_EMPTIEST * len(rows), 1000):
        most = max(axes, key=lambda name: rows[name].nunique())
        raise InvalidInput(
            f"The transcripts have {settings} settings ({' and '.join(setting)}) of {targets} referenced channels, and "
            f"only {len(rows)} rows. Column {most!r} has {rows[most].nunique()} different values: if it tells of an "
            "answer and not of how it was asked for, drop it, or name the settings in a column 'condition'."
        )


def unanswered(rows: pd.DataFrame, setting: list[str]) -> InvalidInput:
    """Make the error of answers that are not there."""
    lost = rows[rows["state"] != "answered"]
    counts = ", ".join(f"{count} {state}" for state, count in lost["state"].value_counts(sort=False).items())
    telling = [name for name in (*setting, "channel") if rows[name].nunique(dropna=False) > 1]
    shown = lost.head(2).to_dict("records")
    named = "; ".join(", ".join([row["utt_id"], *(f"{name} {row[name]}" for name in telling)]) for row in shown)
    return InvalidInput(
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
        f"have no reference{in_form} for the channel of the transcript ({channels}). Add it, or leave those rows out.",
    )


def _recipes(
    utterances: pd.DataFrame, said: pd.DataFrame, unit: str, normalizer: NormalizerChoice
) -> tuple[list[Recipe], NDArray[np.int64]]:
    """Decide for each utterance how its texts become units; give the recipes and the place of each one's."""
    language, languages = pd.factorize(utterances["language"])
    kind = language * 3
    undecided = ~np.array([bool(base_language(name)) for name in [*languages, None]])[language]
    if undecided.any() and (unit not in UNITS or not isinstance(normalizer, str | Normalizer) or normalizer == "auto"):
        # By script: 0 has words, 1 characters, 2 Han characters where no kana are.
        unsegmented, han, kana = (
            np.bincount(said[PLACE], said["text"].str.contains(script.pattern), len(kind)) > 0 for script in SCRIPTS
        )
        # Kana anywhere tells that Han characters alone may be Japanese too.
        chinese = han & (not bool((kana & undecided).any()))
        kind[undecided] += np.where(chinese, 2, unsegmented)[undecided]
    kinds, recipe_of = np.unique(kind, return_inverse=True)
    recipes = []
    for language_code, script in zip(*np.divmod(kinds, 3), strict=True):
        name, text = languages[language_code] if language_code >= 0 else None, ("", "ก", "漢")[script]
        cut = unit if unit in UNITS else unit_for(name, text)
        recipes.append(Recipe(cut, choose(normalizer, name, text)))
    return recipes, recipe_of.astype(np.int64)


def _described(
    utterances: pd.DataFrame, unit: str, recipes: list[Recipe], recipe_of: NDArray[np.int64]
) -> dict[str, ExtensionArray]:
    """Say of each utterance how it is marked, and which block it is in."""
    units = pd.array([unit if unit in _WHOLE else recipe.unit for recipe in recipes], dtype="string")
    chains = pd.array([recipe.normalizer.name for recipe in recipes], dtype="string")
    facts = {
        "spoken_language": utterances["language"].array,
        "unit": units.take(recipe_of),
        "normalizer": chains.take(recipe_of),
    }
    alike = numbers(pd.DataFrame({"unit": units, "chain": chains}), ["unit", "chain"])[recipe_of]
    blocks = [_blocks(utterances[alike == one]) for one in range(int(alike.max(initial=0)) + 1)]
    block = blocks[0] if len(blocks) == 1 else pd.concat(blocks).sort_index()
    return {**facts, "block": block["block"].array, "block_kind": block["block_kind"].array}


def constant(value: str | None, n: int) -> ExtensionArray:
    """Make a column that says the same n times."""
    return pd.array([value], dtype="string").take(np.zeros(n, np.intp))


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
            return pd.DataFrame({"block": block, "block_kind": constant(kind, len(block))}, block.index)
    block = "utterance:" + utterances["utt_id"]
    return pd.DataFrame({"block": block, "block_kind": constant("utterance", len(block))}, block.index)
