"""Asked: what a sweep asked, of what, and what came of it, as it was when the report was begun."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import pandas as pd

from asrlab import tables
from asrlab.errors import AsrlabError
from asrlab.text import escape, plain
from asrlab.views.answers import STATES, completed, outcomes
from asrlab.views.markup import is_missing, table
from asrlab.views.provenance import provenance
from asrlab.views.report.pieces import listed, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from asrlab.views.answers import Recordings
    from asrlab.views.provenance import Recorded

#: What a sweep may have besides what it must, as it is called there.
_MORE: Final = ("parameters", "words", "costs", "digest", "provenance", "plan")
#: Rows of transcripts up to which what was sent, and times of words, are read: they are many texts.
_MOST_READ: Final = {"parameters": 100_000, "words": 20_000, "plan": 100_000}
#: What tells askings apart.
_ASKING: Final = ["utt_id", "condition", "repeat"]
#: Characters of a card, of a value that was sent, and of a message.
_CARD, _VALUE, _MESSAGE = 600, 60, 200
#: Values that a label came to, and kinds of failures, that are shown.
_MOST_VALUES, _MOST_FAILURES = 3, 20
#: Conditions that are named in a sentence, and characters of a name.
_MOST_NAMED, _NAME = 5, 80
_NO_PLAN: Final = "not known: what was opened has no plan"
_HEADING: Final = re.compile(r"#+\s.*")
_HOW: Final = ("unit", "form", "normalizer", "ties", "block_kind")


class Reported(Protocol):
    """What a report needs of a sweep."""

    @property
    def transcripts(self) -> pd.DataFrame:
        """The answers."""

    @property
    def conditions(self) -> pd.DataFrame:
        """The settings."""

    @property
    def about(self) -> Mapping[str, str]:
        """Facts: the dataset, its size, engine and model, axes ..."""


@dataclass(frozen=True)
class Asked:
    """A sweep at one moment.

    Parameters
    ----------
    about, transcripts, conditions
        As the sweep has them; transcripts with all columns.
    dataset : Dataset or None
        What was asked about.
    more : mapping
        Of ``parameters``, ``words``, ``costs``, ``digest``, ``provenance`` and ``plan`` those that the sweep has;
        parameters and costs of the askings of ``transcripts``.
    lacking : mapping
        Why it has not the others, each a sentence.
    part : bool
        Whether the transcripts were given, and may be others than those of the sweep.
    heard : callable, optional
        Gives the recordings that were asked about under a condition.
    """

    about: Mapping[str, str]
    transcripts: pd.DataFrame
    conditions: pd.DataFrame
    dataset: Recordings | None
    more: Mapping[str, Any] = field(default_factory=dict)
    lacking: Mapping[str, str] = field(default_factory=dict)
    part: bool = False
    heard: Callable[[str], Recordings | None] | None = None

    @property
    def runs(self) -> list[Mapping[str, Any]]:
        """Facts of each run, in order."""
        found = [run.get("facts") for run in self.more.get("provenance") or []]
        return [facts if isinstance(facts, dict) else {} for facts in found]

    @property
    def facts(self) -> Mapping[str, Any]:
        """Facts of the latest run."""
        return self.runs[-1] if self.runs else {}


def read(sweep: Reported, transcripts: pd.DataFrame | None = None) -> Asked:
    """Take from a sweep all that a report shows of it; what the sweep cannot give is noted, with the reason."""
    given = completed(sweep.transcripts if transcripts is None else transcripts).reset_index(drop=True)
    more: dict[str, Any] = {}
    lacking: dict[str, str] = {}
    for name in _MORE:
        if len(given) > (most := _MOST_READ.get(name, len(given))):
            lacking[name] = f"There are more than {most:,} answers: see sweep.{name}."
            continue
        try:
            found = getattr(sweep, name, None)
            found = found() if name == "plan" and callable(found) else found  # sends nothing
        except (AsrlabError, OSError) as error:
            lacking[name] = str(error)
            continue
        if found is None or (name not in {"digest", "plan"} and not len(found)):
            lacking[name] = _NO_PLAN if name == "plan" else f"This sweep keeps no {name}."
        elif isinstance(found, pd.DataFrame):
            more[name] = found.copy(deep=False) if transcripts is None or name == "words" else _of_these(found, given)
        else:
            more[name] = found
    return Asked(
        about=dict(sweep.about),
        transcripts=given,
        conditions=sweep.conditions.copy(deep=False),
        dataset=getattr(sweep, "dataset", None),
        more=more,
        lacking=lacking,
        part=transcripts is not None,
        heard=getattr(sweep, "heard", None),
    )


def _of_these(frame: pd.DataFrame, transcripts: pd.DataFrame) -> pd.DataFrame:
    """Keep of a table with a row an asking those of these transcripts."""
    found = frame[_ASKING].merge(transcripts[_ASKING].drop_duplicates(), on=_ASKING, how="left", indicator=True)
    return frame[(found["_merge"] == "both").to_numpy(bool)].reset_index(drop=True)


def data(asked: Asked, scores: pd.DataFrame) -> str:
    """Say what was asked about: the set, its languages and speakers, how long it is, and its fingerprints."""
    said = _of_data(asked, scores)
    facts = {
        "dataset": asked.about.get("dataset", "not named"),
        **dict(_fingerprints(asked)),
        "utterances asked about": f"{len(said):,}",
        "utterances marked": f"{scores.loc[scores['ref_len'].notna(), 'utt_id'].nunique():,}",
        "minutes of audio": _minutes(said["duration_s"]),
    }
    parts = [listed(facts)]
    if len(said):
        named = said.assign(language=said["language"].astype("string").fillna("not known"))
        groups = named.groupby("language", sort=False)
        languages = pd.DataFrame(
            {
                "language": list(groups.groups),
                "utterances": groups.size().array,
                "minutes": [_minutes(part["duration_s"]) for _, part in groups],
                "speakers": [part["speaker"].nunique() or pd.NA for _, part in groups],
            }
        )
        parts.append(table(languages, max_rows=100).markup)
    card = getattr(asked.dataset, "card", None) or asked.facts.get("dataset", {}).get("card")
    if isinstance(card, str) and (opening := _opening(card)):
        parts.append(f"<p>From the card of the dataset:</p>{quoted(opening)}")
    else:
        parts.append("<p>The dataset has no card here.</p>")
    return "\n".join(parts)


def grid(asked: Asked) -> str:
    """Show the settings, and what each label came to."""
    shown = table(asked.conditions, caption="Conditions", max_rows=200).markup
    axes = [str(name) for name in asked.conditions.columns if name != "condition"]
    if not axes:
        return f"{shown}<p>No parameter was varied.</p>"
    rows = [(axis, label, *_came_to(asked, axis, label)) for axis in axes for label in _labels(asked, axis)]
    columns = ["axis", "label", "came to", "questions"]
    labels = table(pd.DataFrame(rows, columns=columns, dtype="object"), caption="What each label came to", max_rows=200)
    why = asked.lacking.get("parameters")
    return shown + labels.markup + (f"<p>{escape(why)}</p>" if why else "")


def outcome(asked: Asked, scores: pd.DataFrame) -> str:
    """Count what came of the answers of each condition; states that never occur have no column, but for failed."""
    answers = asked.transcripts
    counts = pd.crosstab(answers["condition"], outcomes(answers)).reindex(answers["condition"].unique())
    key = ["utt_id", "condition", "repeat", "channel", *axes_of(scores)]
    missing = scores[scores["state"] == "missing"].drop_duplicates(key).groupby("condition").size()
    counts = counts.reindex(counts.index.union(missing.index, sort=False))
    counts["missing"] = counts.get("missing", pd.Series(0, counts.index)).fillna(0) + missing.reindex(
        counts.index, fill_value=0
    )
    shown = {"answered", "failed", "not run"} | {name for name in counts.columns if counts[name].sum()}
    wanted = [state for state in ("answered", *STATES) if state in shown]
    whole = counts.reindex(columns=wanted, fill_value=0).fillna(0).astype("int64").rename_axis(columns=None)
    rarer = [f"{STATES[name]}." for name in wanted if ":" in STATES.get(name, "")]
    asked_at = answers["submitted_at"].dropna()
    facts = {"first and last submit": f"{asked_at.min()}, {asked_at.max()}"} if len(asked_at) else {}
    if answers.duplicated([*_ASKING, *(name for name in axes_of(scores) if name in answers.columns)]).any():
        rarer.append("Each channel of an answer counts.")
    return table(whole, max_rows=200).markup + f"<p>{escape(' '.join(rarer))}</p>" + listed(facts)


def marking(scores: pd.DataFrame) -> str:
    """Say how answers were marked, and what was not."""
    marked = scores[scores["ref_len"].notna()]
    how = marked.groupby(list(_HOW), dropna=False, sort=False).size().rename("answers marked").reset_index()
    said = []
    if unmarked := [name for name in scores["condition"].unique() if name not in set(marked["condition"])]:
        shown = ", ".join(plain(name, _NAME) for name in unmarked[:_MOST_NAMED])
        more = f" and {len(unmarked) - _MOST_NAMED:,} more" if len(unmarked) > _MOST_NAMED else ""
        said.append(f"No answer was marked under {shown}{more}.")
    answered = marked[(marked["state"] == "answered").fillna(value=True)]
    if unsure := int(answered["heard"].isna().sum()):
        said.append(
            f"Not verified: {unsure:,} of these answers do not say of which text they are the marks (heard), so that "
            "they may be of others than the transcripts of this report."
        )
    return table(how, max_rows=100).markup + f"<p>{escape(' '.join(said))}</p>" * bool(said)


def failures(asked: Asked) -> str:
    """Count what failed, by what was said of it."""
    state = asked.transcripts["state"].fillna("answered")
    lost = asked.transcripts[state.isin(["failed", "unknown", "submitted"])]
    if lost.empty:
        n_not_run = int((state == "not run").sum())
        if n_not_run == len(state):
            return "<p>Nothing was asked yet.</p>"
        rest = f"; {n_not_run:,} were not asked yet" if n_not_run else ""
        if n_spared := int((state == "spared").sum()):
            rest += f"; {n_spared:,} were spared, since a race had dropped their settings"
        return f"<p>None: every question that was asked was answered{rest}.</p>"
    by = ["state", "error_code", "error"]
    found = lost.assign(error=[_cut(text, _MESSAGE) for text in lost["error"]])
    groups = found.groupby(by, dropna=False, sort=False)
    counted = groups["utt_id"].agg(questions="size", utterances="nunique").reset_index()
    shown = counted.sort_values("questions", ascending=False, kind="stable")
    return table(shown.reset_index(drop=True), max_rows=_MOST_FAILURES).markup


def origin(asked: Asked) -> str:
    """Say how the answers came about, and what tells them from others."""
    digest = str(asked.more.get("digest") or f"not known. {asked.lacking['digest']}")
    facts = {f"digest of what was asked and answered{' in the whole sweep' * asked.part}": digest}
    if "provenance" not in asked.more:
        return f"{listed({**facts, **asked.about})}<p>{escape(asked.lacking['provenance'])}</p>"
    return listed({**facts, **asked.about}) + provenance(cast("Recorded", _Runs(asked.more["provenance"]))).markup


def axes_of(scores: pd.DataFrame) -> list[str]:
    """Give the columns of scores that tell settings apart."""
    own = {*tables.SCHEMAS["scores"], "marked_form", "rung"}
    return [name for name in scores.columns if name not in own]


@dataclass(frozen=True)
class _Runs:
    provenance: Sequence[Mapping[str, Any]]


def _of_data(asked: Asked, scores: pd.DataFrame) -> pd.DataFrame:
    """Find of each utterance that was asked about its language, speaker and length."""
    ids = asked.transcripts["utt_id"].dropna().unique()
    names = ("language", "speaker", "duration_s")
    if asked.dataset is not None:
        known = tables.check(asked.dataset.utterances, "utterances", required=("utt_id",)).set_index("utt_id")
        said = known[~known.index.duplicated()][list(names)].reindex(ids)
    else:
        said = pd.DataFrame({name: pd.Series(pd.NA, ids, tables.SCHEMAS["utterances"][name][0]) for name in names})
    marked = scores.drop_duplicates("utt_id").set_index("utt_id").reindex(ids)
    spoken_by = marked["block"].where(marked["block_kind"] == "speaker")
    heard = asked.transcripts.groupby("utt_id")["audio_s"].max().reindex(ids)
    # What an engine heard of several channels is longer than the recording.
    mono = asked.transcripts.groupby("utt_id")["channel"].max().reindex(ids).fillna(0) == 0
    return said.assign(
        language=said["language"].astype("string").fillna(marked["spoken_language"]),
        speaker=said["speaker"].astype("string").fillna(spoken_by),
        duration_s=said["duration_s"].astype("Float64").fillna(heard.where(mono)),
    )


def _minutes(seconds: pd.Series) -> str:
    unknown = int(seconds.isna().sum())
    if unknown == len(seconds):
        return "not known"
    return f"{float(seconds.sum()) / 60:.2f}" + (f", and {unknown:,} of unknown length" if unknown else "")


def _fingerprints(asked: Asked) -> Iterator[tuple[str, str]]:
    sets = {}
    for run in asked.more.get("provenance") or []:
        facts = run.get("facts")
        of = facts.get("dataset") if isinstance(facts, dict) else None
        if isinstance(of, dict) and of.get("fingerprint"):
            sets[str(of["fingerprint"])] = of.get("utterances")
    if not sets:
        yield "fingerprint of the dataset", "not known"
    for number, (fingerprint, n) in enumerate(sets.items(), 1):
        which = f", {number} of {len(sets)} that were asked about" if len(sets) > 1 else ""
        yield f"fingerprint of the dataset{which}", fingerprint + ("" if n is None else f" ({n} utterances)")


def _opening(card: str) -> str:
    """Take the first paragraph of a card that is no heading."""
    paragraphs = (part.strip() for part in card.replace("\r\n", "\n").split("\n\n"))
    return next((_cut(part, _CARD) for part in paragraphs if part and not _HEADING.fullmatch(part)), "")


def _labels(asked: Asked, axis: str) -> list[Any]:
    return [None if is_missing(label) else label for label in asked.conditions[axis].unique()]


def _came_to(asked: Asked, axis: str, label: object) -> tuple[str, int]:
    """Say what a label was resolved to, and in how many questions."""
    column = asked.conditions[axis]
    mine = asked.conditions.loc[column.isna() if label is None else (column == label).fillna(value=False), "condition"]
    sent = asked.more.get("parameters")
    if not isinstance(sent, pd.DataFrame) or axis not in sent.columns:
        asked_under = asked.transcripts["condition"].isin(mine)
        n = len(asked.transcripts.loc[asked_under, ["utt_id", "condition", "repeat"]].drop_duplicates())
        return _given(asked.facts.get("given"), axis, label), n
    values = sent.loc[sent["condition"].isin(mine), axis]
    counts = values.astype("string").value_counts(dropna=False, sort=False).sort_values(ascending=False, kind="stable")
    shown = [
        f"{'nothing' if is_missing(value) else _cut(value, _VALUE)}" + (f" ({n:,})" if len(counts) > 1 else "")
        for value, n in list(counts.items())[:_MOST_VALUES]
    ]
    more = len(counts) - len(shown)
    return "; ".join([*shown, *([f"{more:,} other values"] if more else [])]) or "nothing was asked", len(values)


def _given(given: object, axis: str, label: object) -> str:
    """Say how a label was given that is no parameter of the request, or of which it is not known what it came to."""
    levels = given.get(axis) if isinstance(given, dict) else None
    how = levels.get(label) if isinstance(levels, dict) else None
    if not isinstance(how, dict) or not how:
        return "not known"
    (kind, value) = next(iter(how.items()))
    return "nothing" if value is None else _cut(value if kind == "value" else f"{kind} {value}", _VALUE)


def _cut(value: object, most: int) -> Any:  # noqa: ANN401 - a text, or NA
    if is_missing(value):
        return pd.NA
    text = str(value)
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"
