"""Plans: which trials a sweep comes to, which of them are stored, and what will be sent and why."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.sweep.store import Asking, Standing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asrlab.data.dataset import Dataset
    from asrlab.engines.base import Parameters
    from asrlab.sweep.grid import Conditions
    from asrlab.sweep.store import Store

RECIPE: Final = 1
"""Version of :func:`identity`: goes up when what makes two questions the same changes."""

Retry = Literal["failed", "unknown"] | None

_TRIAL_DIGITS: Final = 32  # hexadecimal: 128 bits


def identity(audio: str, engine: Mapping[str, str], parameters: Parameters, repeat: int) -> str:
    """Write down everything that can change the answer to a question, in one canonical form.

    Parameters
    ----------
    audio : str
        Digest of the recording.
    engine : mapping
        Identity of the engine: engine, model, version, region.
    parameters : Parameters
        As resolved for this utterance.
    repeat : int
        Number of this asking, from 0.

    Returns
    -------
    str
        JSON with sorted keys and no spaces; a trial is the SHA-256 of its UTF-8 bytes, cut to 32 digits.
    """
    facts = {
        "recipe": RECIPE,
        "audio": audio,
        "engine": dict(engine),
        "parameters": asdict(parameters),
        "repeat": repeat,
    }
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def check_retry(retry: object) -> None:
    """Refuse what is no way to retry, which would else be taken for none."""
    if retry not in (None, "failed", "unknown"):
        raise InvalidInput(f'retry must be None, "failed" or "unknown", not {retry!r}.')


def trial_of(canonical: str) -> str:
    """Hash a canonical identity to the id of its trial."""
    return hashlib.sha256(canonical.encode()).hexdigest()[:_TRIAL_DIGITS]


@dataclass(frozen=True)
class Job:
    """A trial that is to be asked or whose task is to be collected."""

    trial: str
    audio: str
    digest: str
    parameters: Parameters
    attempts: int
    task_id: str | None


class Plan:
    """What a sweep comes to before anything is sent.

    Attributes
    ----------
    table : DataFrame
        A ``trials`` table with the axes as further columns: one row an utterance, condition and repeat, and why its
        trial will be sent or not.
    """

    def __init__(
        self, askings: Sequence[Asking], identities: Mapping[str, str], jobs: Sequence[Job], table: pd.DataFrame
    ) -> None:
        self.askings = askings
        self.identities = identities
        self.jobs = jobs
        self.table = table

    @property
    def send_s(self) -> float:
        """Seconds of audio that will be sent, each channel counted; recordings of unknown length count nothing."""
        sent = self.table[self.table["trial"].isin({job.trial for job in self.jobs if job.task_id is None})]
        return float(sent.drop_duplicates("trial")["audio_s"].sum())

    def __repr__(self) -> str:
        trials = self.table.drop_duplicates("trial")
        counts = ", ".join(f"{n} {why}" for why, n in trials["why"].value_counts(sort=False).items())
        return (
            f"<Plan: {len(self.table)} askings = {len(trials)} trials ({counts}); "
            f"to send {self.send_s / 60:.1f} audio minutes>"
        )


def make_plan(
    dataset: Dataset,
    conditions: Conditions,
    engine: Mapping[str, str],
    store: Store,
    *,
    free: bool,
    repeats: int = 1,
    retry: Retry = None,
    seed: int = 0,
) -> Plan:
    """Resolve every condition for every utterance and hold the trials against the store.

    The jobs are in an order that keeps drift of the service from posing as an effect: repeats are separate passes; in
    each the utterances come in random order, and all conditions of an utterance together, in random order too.

    Parameters
    ----------
    dataset : Dataset
        What is asked about.
    conditions : Conditions
        Settings.
    engine : mapping
        Identity of the engine.
    store : Store
        Where answers are kept.
    free : bool
        Whether asking again costs nothing: an unknown outcome is then simply asked again.
    repeats : int
        Passes.
    retry : {None, "failed", "unknown"}
        Which trials that ended without an answer are sent again.
    seed : int
        Of the random order.

    Raises
    ------
    InvalidInput
        If a recording or a parameter cannot be used; nothing was sent.
    """
    standings = store.standings()
    before = {(a.utt_id, a.condition, a.repeat): a.trial for a in store.askings()}
    known = store.identities()
    askings: list[Asking] = []
    identities: dict[str, str] = {}
    jobs: dict[str, Job] = {}
    rows = []
    order = np.random.default_rng(seed)
    for repeat in range(repeats):
        for place in order.permutation(len(dataset)):
            utterance = dataset.utterances.iloc[place]
            utt_id = str(utterance["utt_id"])
            digest, source = dataset.digest(utt_id), dataset.audio_source(utt_id)
            for chosen in order.permutation(len(conditions)):
                condition = conditions[int(chosen)]
                parameters = condition.parameters(utterance)
                _check_channels(utterance, parameters)
                canonical = identity(digest, engine, parameters, repeat)
                trial = trial_of(canonical)
                identities[trial] = canonical
                askings.append(Asking(utt_id, condition.name, repeat, trial, condition.labels))
                standing = standings.get(trial, Standing())
                send, why = _decide(standing, free=free, retry=retry)
                former = before.get((utt_id, condition.name, repeat), trial)
                if why == "new" and former != trial and standings.get(former, Standing()).state == "answered":
                    why = f"changed: {_difference(known[former], canonical)}"
                if send:
                    jobs.setdefault(trial, Job(trial, source, digest, parameters, standing.attempts, standing.task_id))
                rows.append({
                    "trial": trial, "utt_id": utt_id, "condition": condition.name, "repeat": repeat,
                    "state": standing.state, "why": why,
                    "audio_s": utterance["duration_s"] * len(parameters.channel_id), **condition.labels,
                })  # fmt: skip
    place_of = {name: place for place, name in enumerate(c.name for c in conditions)}
    utterance_of = {utt_id: place for place, utt_id in enumerate(dataset.utterances["utt_id"])}
    askings.sort(key=lambda a: (a.repeat, utterance_of[a.utt_id], place_of[a.condition]))
    rows.sort(key=lambda r: (r["repeat"], utterance_of[r["utt_id"]], place_of[r["condition"]]))
    table = tables.check(pd.DataFrame(rows), "trials")
    return Plan(askings, identities, list(jobs.values()), table)


def _decide(standing: Standing, *, free: bool, retry: Retry) -> tuple[bool, str]:
    """Whether a trial is worked on, and why or why not."""
    match standing.state:
        case "not run":
            return True, "new"
        case "answered":
            return False, "stored"
        case "submitted":
            return True, "collected: its task was submitted before"
        case "unknown" if free:
            return True, "asked again: its outcome was unknown, and asking costs nothing"
        case state if state == retry:
            return True, f"retried: {state}"
        case state:
            return False, f'{state} before: send it again with retry="{state}"'


def _check_channels(utterance: pd.Series, parameters: Parameters) -> None:
    channels = utterance["channels"]
    if channels is not pd.NA and max(parameters.channel_id) >= channels:
        raise InvalidInput(
            f"channel_id {list(parameters.channel_id)} asks for a channel that utterance {utterance['utt_id']} does "
            f"not have: it has {channels}, counted from 0. Use a function of the utterance as level."
        )


def _difference(before: str, now: str) -> str:
    old, new = json.loads(before), json.loads(now)
    parts = [f"{part} {name}" for part in ("engine", "parameters") for name in sorted({*old[part], *new[part]})
             if old[part].get(name) != new[part].get(name)]  # fmt: skip
    return ", ".join([*(["audio"] if old["audio"] != new["audio"] else []), *parts]) or "recipe"
