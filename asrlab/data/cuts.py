"""Long recordings and the stretches of them: segments, cuts and concatenations, each made of the other."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.wordings import joined as joined_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asrlab.data.dataset import Dataset
    from asrlab.data.recipe import Recipe

    D = TypeVar("D", bound=Dataset)

_OPTIONAL = {"begin_s": "Float64", "end_s": "Float64", "channel": "Int64"}


def complain(wrong: pd.Series, frame: pd.DataFrame, what: str, named: str = "utt_id") -> None:
    """Refuse a table for what is wrong with some of its rows."""
    if wrong.any():
        rows = [f"row {index + 1} ({frame[named].iloc[index]})" for index in np.flatnonzero(wrong.to_numpy(bool))[:3]]
        raise InvalidInput(f"{int(wrong.sum())} rows {what}: {', '.join(rows)}. Mend the manifest.")


def unknown(ids: pd.Series, known: pd.Series) -> pd.Series:
    """Tell which ids are not among others that are unique; ``Series.isin`` makes Python objects of all of them."""
    return pd.Series(pd.Index(known).get_indexer(pd.Index(ids)) < 0, index=ids.index)


def check_cuts(utterances: pd.DataFrame) -> pd.DataFrame:
    """Give the columns that make an utterance part of its file their dtypes, and refuse stretches that are none."""
    there = {name: dtype for name, dtype in _OPTIONAL.items() if name in utterances}
    try:
        utterances = utterances.astype(there)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"The columns {', '.join(there)} must hold numbers: {error}.") from error
    _complain_of_times(utterances, "utt_id")
    if "channel" in there:
        complain((utterances["channel"] < 0).fillna(value=False), utterances, "have a channel below 0")
    return utterances


def check_segments(segments: pd.DataFrame, utterances: pd.DataFrame) -> pd.DataFrame:
    """Give segments the dtypes of their table, and refuse those that are no stretch of a recording."""
    segments = tables.check(segments, "segments", required=("segment", "utt_id", "begin_s", "end_s", "text"))
    if not len(segments):
        return segments
    segments = segments.reset_index(drop=True).fillna({"channel": 0})
    complain(segments["segment"].isna() | (segments["segment"] == ""), segments, "of segments have no name", "utt_id")
    complain(segments["segment"].duplicated(), segments, "have the name of another segment", "segment")
    complain(unknown(segments["utt_id"], utterances["utt_id"]), segments, "are segments of no utterance", "segment")
    complain(segments["begin_s"].isna() | segments["end_s"].isna(), segments, "are segments without times", "segment")
    _complain_of_times(segments, "segment")
    return segments


def _complain_of_times(frame: pd.DataFrame, named: str) -> None:
    times = [frame[name] for name in ("begin_s", "end_s") if name in frame]
    for column in times:
        wrong = column.isin([np.inf, -np.inf]) | (column < 0).fillna(value=False)
        complain(wrong, frame, f"have a {column.name} that is no time in seconds", named)
    if len(times) == 2:
        complain((times[1] <= times[0]).fillna(value=False), frame, "end before they begin", named)


def with_joined(
    references: pd.DataFrame, segments: pd.DataFrame, utterances: pd.DataFrame | None = None, form: str = "unstated"
) -> pd.DataFrame:
    """Add the joined texts of segments, for recordings and channels that nothing is said of.

    Where a segment is not to be marked, there is no text of the whole: what is heard in it would count as inserted.
    """
    if not len(segments):
        return references
    cells = ["utt_id", "channel"]
    said = pd.MultiIndex.from_frame(references[cells])
    partly = pd.MultiIndex.from_frame(segments[segments["text"].isna()][cells])
    of = pd.MultiIndex.from_frame(segments[cells])
    open_ = segments[~of.isin(said) & ~of.isin(partly)]
    if not len(open_):
        return references
    ids = (segments if utterances is None else utterances)["utt_id"].drop_duplicates()
    places = pd.Series(range(len(ids)), index=ids)
    ordered = open_.assign(place=open_["utt_id"].map(places)).sort_values(
        ["place", "channel", "begin_s"], kind="stable"
    )
    texts = ordered.groupby(cells, sort=False)["text"].agg(lambda said: joined_texts(list(filter(None, said))))
    joined = texts.reset_index().assign(form=form, alternative=0)
    return pd.concat([references, tables.check(joined, "references")], ignore_index=True)


def segmented(dataset: D) -> D:
    """Make a set whose utterances are the segments of this one's recordings.

    Returns
    -------
    Dataset
        An utterance for each segment that is marked (``text`` is not ``<NA>``), named as the segment, with
        ``begin_s``, ``end_s``, ``recording`` (the utt_id it is cut from), the segment's speaker, and one reference.
        A stretch of a recording of several channels has that one ``channel``. Ask it as it is, or mark transcripts
        of the whole recordings by it (:func:`by_segment`).

    Raises
    ------
    InvalidInput
        If there are no segments.
    """
    if not len(dataset.segments):
        raise InvalidInput(f"{dataset.name} has no segments. Give it some: Dataset(..., segments=...).")
    marked = dataset.segments[dataset.segments["text"].notna()]
    whole = dataset.utterances.set_index("utt_id").loc[marked["utt_id"]].reset_index()
    marked = marked.reset_index(drop=True)
    start = whole["begin_s"].fillna(0.0) if "begin_s" in whole and not dataset.is_made else 0.0
    several = (whole["channels"] != 1).fillna(value=True)  # where it is not known, the channel is picked too
    picked = pd.Series(pd.NA, index=whole.index, dtype="Int64")
    if "channel" in whole and not dataset.is_made:
        picked = whole["channel"]
    utterances = whole.assign(
        utt_id=marked["segment"],
        recording=whole["utt_id"],
        speaker=marked["speaker"].fillna(whole["speaker"]),
        duration_s=marked["end_s"] - marked["begin_s"],
        channels=whole["channels"].mask(several, 1),
        digest=pd.Series(pd.NA, index=whole.index, dtype="string"),
        begin_s=start + marked["begin_s"],
        end_s=_within(start + marked["end_s"], whole, made=dataset.is_made),
        channel=picked.fillna(marked["channel"].where(several)),
    )
    references = pd.DataFrame({"utt_id": marked["segment"], "text": marked["text"]})
    if not dataset.is_made:
        return _remade(dataset, utterances, references)
    parts = pd.Series([[name] for name in whole["utt_id"]], index=whole.index, dtype=object)
    of = utterances.assign(parts=parts).drop(columns="gap_s", errors="ignore")
    return _remade(dataset, of, references, whole=dataset)


def _within(ends: pd.Series, whole: pd.DataFrame, *, made: bool) -> pd.Series:
    """Let no segment go beyond the cut that it is of."""
    if made or "end_s" not in whole:
        return ends
    return ends.where(~(ends > whole["end_s"]).fillna(value=False), whole["end_s"])


def joined(dataset: D) -> D:
    """Make a set of whole recordings of one whose utterances are cuts: the other way from :meth:`segmented`.

    Returns
    -------
    Dataset
        An utterance for each file, with a segment for each cut.

    Raises
    ------
    InvalidInput
        If an utterance is no cut, or has several references.
    """
    cuts = dataset.utterances
    if "begin_s" not in cuts or cuts["begin_s"].isna().any() or cuts["end_s"].isna().any():
        raise InvalidInput(
            f"Not every utterance of {dataset.name} is a cut with begin_s and end_s. Select those that are."
        )
    if dataset.is_made:
        raise InvalidInput(f"{dataset.name} is perturbed, and so are no longer cuts of one recording. Join first.")
    if dataset.references.duplicated("utt_id").any():
        raise InvalidInput(
            f"Utterances of {dataset.name} have several references, and a segment has one text. Keep one form."
        )
    texts = dataset.references.set_index("utt_id")["text"]
    forms = dataset.references["form"].unique()
    names = _names_of_files(cuts)
    segments = pd.DataFrame(
        {
            "segment": cuts["utt_id"],
            "utt_id": names,
            "channel": cuts["channel"].fillna(0) if "channel" in cuts else 0,
            "begin_s": cuts["begin_s"],
            "end_s": cuts["end_s"],
            "speaker": cuts["speaker"],
            "text": texts.reindex(cuts["utt_id"]).to_numpy(),
        }
    )
    first = cuts.assign(utt_id=names).drop_duplicates("utt_id")
    one_speaker = cuts["speaker"].groupby(names.to_numpy()).nunique(dropna=False) == 1
    utterances = first.assign(
        speaker=first["speaker"].where(first["utt_id"].map(one_speaker)),
        duration_s=None,
        channels=None,
        recording=None,
    ).drop(columns=[name for name in _OPTIONAL if name in first])
    timed = tables.check(segments.astype({"segment": "string"}), "segments")
    return replace(
        dataset,
        utterances=utterances,
        references=with_joined(
            tables.empty("references"), timed, utterances, str(forms[0]) if len(forms) == 1 else "unstated"
        ),
        terms=dataset.terms[dataset.terms["utt_id"].isna()],
        segments=timed,
    )


def _names_of_files(cuts: pd.DataFrame) -> pd.Series:
    """Name whole recordings: as ``recording`` says where that is one name a file, else by the file."""
    pairs = cuts[["recording", "audio"]].drop_duplicates()
    one_each = not (pairs["recording"].isna().any() or pairs["recording"].duplicated().any())
    return cuts["recording" if one_each and not pairs["audio"].duplicated().any() else "audio"]


def concatenate(dataset: D, by: str | Sequence[str], *, gap_s: float = 0.5, form: str | None = None) -> D:
    """Join the recordings of each group to one long one.

    Parameters
    ----------
    by : str or list of str
        Columns of the utterance table, such as ``"speaker"``: a recording for each value, its utterances in order.
    gap_s : float
        Seconds of digital silence between two.
    form : str, optional
        Form of the references that the segments have, in their first wording; needed where there are several.

    Returns
    -------
    Dataset
        Recordings with ``parts`` (the utt_ids joined) and segments with exact times. Nothing is made until it is
        needed.

    Raises
    ------
    InvalidInput
        If a column is unknown, a recording cannot be read, or references are not of one form.
    """
    by = [by] if isinstance(by, str) else list(by)
    if not by:
        raise InvalidInput("Say by which columns recordings are joined, such as 'speaker'.")
    if absent := [name for name in by if name not in dataset.utterances]:
        raise InvalidInput(
            f"There is no column {absent[0]!r} to join by. There are {', '.join(dataset.utterances.columns)}."
        )
    if not 0 <= gap_s < np.inf:
        raise InvalidInput(f"gap_s must be a number of seconds from 0, not {gap_s!r}.")
    if len(dataset.segments):
        raise InvalidInput(f"{dataset.name} has segments already. Use segmented() first.")
    references = _one_form(dataset, form)
    there = [name for name in ("sha256", *_OPTIONAL) if name in dataset.utterances]
    rows: list[dict[str, Any]] = []
    segments: list[dict[str, Any]] = []
    for _, group in dataset.utterances.groupby(by, sort=False, dropna=False):
        parts = group["utt_id"].to_list()
        name = "-".join("none" if pd.isna(value) else str(value) for value in group[by].iloc[0].to_list())
        facts = [dataset.facts(part) for part in parts]
        times = spans([one.duration_s or 0.0 for one in facts], gap_s)
        rows.append({
            **{str(column): group[column].iloc[0] for column in group
               if group[column].dtype != object and group[column].nunique(dropna=False) == 1},
            "audio": None, "digest": None, **dict.fromkeys(there), "utt_id": name, "parts": parts, "gap_s": gap_s,
            "duration_s": times[-1][1], "channels": max(one.channels or 1 for one in facts),
        })  # fmt: skip
        for part, (begin_s, end_s), speaker in zip(parts, times, group["speaker"], strict=True):
            segments += [
                {"segment": part if one.channel == 0 else f"{part}-{one.channel}", "utt_id": name,
                 "channel": one.channel, "begin_s": begin_s, "end_s": end_s, "speaker": speaker, "text": one.text}
                for one in references.get(part, ())
            ]  # fmt: skip
    utterances = pd.DataFrame(rows)
    names = utterances["utt_id"]
    complain(names.duplicated(), utterances, "of groups have the same name")
    texts = tables.check(pd.DataFrame(segments), "segments") if segments else tables.empty("segments")
    forms = dataset.references["form"].unique()
    whole_form = form or (str(forms[0]) if len(forms) == 1 else "unstated")
    joined = with_joined(tables.empty("references"), texts, utterances, whole_form)
    return _remade(dataset, utterances, joined, segments=texts, whole=dataset)


def _one_form(dataset: Dataset, form: str | None) -> dict[str, list[Any]]:
    references = dataset.references
    forms = sorted(references["form"].unique())
    if form is not None and form not in forms:
        raise InvalidInput(f"{dataset.name} has no references of the form {form!r}, but {', '.join(forms) or 'none'}.")
    if form is None and len(forms) > 1:
        raise InvalidInput(f"{dataset.name} has references in several forms ({', '.join(forms)}). Give form=...")
    kept = references if form is None else references[references["form"] == form]
    kept = kept[kept["alternative"] == 0]
    return {str(utt_id): list(rows.itertuples()) for utt_id, rows in kept.groupby("utt_id", sort=False)}


def _remade(
    dataset: D,
    utterances: pd.DataFrame,
    references: pd.DataFrame,
    *,
    segments: pd.DataFrame | None = None,
    whole: Dataset | None = None,
) -> D:
    return replace(
        dataset,
        utterances=utterances,
        references=references,
        terms=dataset.terms[dataset.terms["utt_id"].isna()],
        segments=tables.empty("segments") if segments is None else segments,
        _recipes=() if whole is not None else dataset._recipes,
        _whole=whole,
    )


def spans(lengths: Sequence[float], gap_s: float) -> list[tuple[float, float]]:
    """When each of several recordings begins and ends that are joined with gaps; seconds."""
    begins = np.concatenate([[0.0], np.cumsum([length + gap_s for length in lengths])])
    return [(begin, end - gap_s) for begin, end in pairwise(begins.tolist())]


def moved(dataset: Dataset, recipe: Recipe) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give references and segments as they are of perturbed recordings: on other channels, at other times.

    Raises
    ------
    InvalidInput
        If texts of several channels would be of one.
    """
    frames = {"references": dataset.references, "segments": dataset.segments}
    effects = recipe.effects
    if (mix := effects.get("mix")) is not None:
        channels = {"left": {0: 0}, "right": {1: 0}, "swap": {0: 1, 1: 0}}.get(mix)
        for name, frame in frames.items():
            if channels is not None:
                kept = frame[frame["channel"].isin(list(channels))]
                frames[name] = kept.assign(channel=kept["channel"].map(channels).astype("Int64"))
            elif len(frame) and frame["channel"].max() > 0:
                raise InvalidInput(
                    f"mix={mix!r} puts the channels of {dataset.name} together, and their texts are apart. Keep those "
                    "of one channel first, or write what is said altogether as one reference."
                )
    speed, lead_s = effects.get("speed", 1.0), effects.get("lead_s", 0.0)
    timed = frames["segments"]
    frames["segments"] = timed.assign(begin_s=timed["begin_s"] / speed + lead_s, end_s=timed["end_s"] / speed + lead_s)
    return frames["references"], frames["segments"]


def check_axis(dataset: Dataset, recipe: Recipe) -> None:
    """Refuse a recipe under which what is said would be on other channels, or at other times, than the set says.

    A sweep's answers are marked by the set as it is, so that such recipes go with a set of their own.

    Raises
    ------
    InvalidInput
        If they would.
    """
    mix = recipe.mix
    if mix in ("swap", "right") or (mix is not None and (dataset.references["channel"] > 0).any()):
        raise InvalidInput(
            f"mix={mix!r} moves channels, and the references of {dataset.name} stay where they are. Sweep over "
            f"dataset.perturb(mix={mix!r}), whose references go with it."
        )
    if len(dataset.segments) and (moving := {"speed", "lead_s"} & set(recipe.effects)):
        name = min(moving)
        raise InvalidInput(
            f"{name} moves what is said to other times than those of the segments of {dataset.name}. Sweep over "
            f"dataset.perturb({name}=...), whose segments move with it."
        )
