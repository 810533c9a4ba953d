"""Plans: which trials a sweep comes to, what will be sent and why, and what that costs."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import product
from math import inf
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.engines.base import differences
from asrlab.errors import InvalidInput
from asrlab.shown import Shown, words
from asrlab.sweep.budget import billed_s
from asrlab.sweep.identity import Identity, canonical_engine, canonical_parameters
from asrlab.sweep.prices import Price, price_of
from asrlab.sweep.store import Asking, Standing
from asrlab.sweep.warn import warnings_of, warnings_of_kept_back

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from asrlab.data.dataset import Dataset
    from asrlab.data.recipe import Recipe
    from asrlab.data.recordings import Recording
    from asrlab.engines.base import Engine, Parameters
    from asrlab.sweep.grid import Condition, Conditions
    from asrlab.sweep.store import Store

Retry = Literal["failed", "unknown"] | None
_WARNINGS: Final = 5  # in a line of text

_GIVEN: Final = "given by the user"
_RESULTS_KEPT_H: Final = 24  # service documentation, task management


def check_retry(retry: object) -> None:
    """Refuse what is no way to retry, which would else be taken for none."""
    if retry not in (None, "failed", "unknown"):
        raise InvalidInput(f'retry must be None, "failed" or "unknown", not {retry!r}.')


@dataclass(frozen=True, repr=False)
class Job(Shown):
    """A trial that is to be asked or whose task is to be collected.

    Parameters
    ----------
    trial, utt_id : str
        Ids of the trial and of the utterance.
    engine : Engine
        What is asked.
    setting : Setting
        Request and recording, as resolved for the utterance.
    usd_per_s : float, optional
        Price of a second of audio; None if it is not known.
    repeat : int
        Number of this asking.
    attempts : int
        Submits so far.
    task_id : str, optional
        Task whose answer is to be collected.
    submitted : float, optional
        When it was submitted, in Unix time.
    audio_s, reserved_s : float, int
        Seconds of audio, and seconds that will be billed, all channels; 0 if the recording's length is not known.
    """

    trial: str
    utt_id: str
    engine: Engine
    setting: Setting = field(repr=False)  # a link may be signed
    usd_per_s: float | None = 0.0
    repeat: int = 0
    attempts: int = 0
    task_id: str | None = None
    submitted: float | None = None
    audio_s: float = 0.0
    reserved_s: int = 0

    @property
    def parameters(self) -> Parameters:
        """The request."""
        return self.setting.parameters

    @property
    def digest(self) -> str:
        """What the recording is known by."""
        return self.setting.recording.digest


@dataclass(repr=False)
class Plan(Shown):
    """What a sweep comes to before anything is sent.

    Attributes
    ----------
    table : DataFrame
        A ``trials`` table with the axes as further columns: one row an utterance, condition and repeat, why its trial
        will be sent or not, ``audio_s`` (seconds, each channel counted; ``<NA>`` where the length is not known), and
        whether it ``sends``.
    prices : mapping of Engine to Price or None
        Prices that the cost is reckoned by, of each engine that costs money; None where a price is not known.
    expected_s : float or None
        Seconds that the run will take: by how many submits a minute are taken, else by how fast this run was answered
        before; None where neither is known.
    warnings : list of str
        What to look at before it is sent.
    jobs, lost : sequence of Job
        What is worked on, in its order; and trials whose last submit has an unknown outcome.
    order : sequence of (int, str)
        Repeat and utterance of each block of that order, in which all conditions are asked before the next begins.
    """

    table: pd.DataFrame
    free: bool
    prices: Mapping[Engine, Price | None] = field(default_factory=dict)
    expected_s: float | None = None
    warnings: list[str] = field(default_factory=list)
    askings: Sequence[Asking] = ()
    lost: Sequence[Job] = ()
    identities: Mapping[str, Identity] = field(default_factory=dict)
    jobs: Sequence[Job] = ()
    order: Sequence[tuple[int, str]] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Why a trial is sent or not -> how many trials."""
        trials = self.table.drop_duplicates("trial")
        return {str(why): int(n) for why, n in trials["why"].value_counts(sort=False).items()}

    @property
    def to_send(self) -> list[Job]:
        """Jobs that will be submitted: those that cost money, where asking does."""
        return [job for job in self.jobs if job.task_id is None]

    @property
    def audio_min(self) -> float:
        """Minutes of audio that will be sent, each channel counted; recordings of unknown length count nothing."""
        sent = self.table[self.table["sends"]].drop_duplicates("trial")
        return float(sent["audio_s"].sum()) / 60

    @property
    def billed_min(self) -> float:
        """Minutes that will be billed: each begun second of each channel."""
        return sum(job.reserved_s for job in self.to_send) / 60

    @property
    def unknown_lengths(self) -> int:
        """How many of the trials to send are of recordings whose length is not known."""
        return sum(not job.reserved_s for job in self.to_send)

    @property
    def usd(self) -> float | None:
        """What will be billed in US dollars, recordings of unknown length apart; None if the price is not known."""
        costs = [None if job.usd_per_s is None else job.reserved_s * job.usd_per_s for job in self.to_send]
        known = [cost for cost in costs if cost is not None]
        return sum(known, 0.0) if len(known) == len(costs) else None

    def __repr__(self) -> str:
        counts = ", ".join(f"{n} {why}" for why, n in self.counts.items())
        trials = self.table["trial"].nunique()
        parts = [
            f"{len(self.table)} askings = {trials} trials ({counts})",
            f"to send {self.audio_min:.1f} audio minutes",
        ]
        if self.to_send and not self.free:
            parts.append(self._cost())
        if self.jobs and self.expected_s is not None:
            parts.append(f"about {_duration(self.expected_s)}")
        parts += [f"warning: {words(warning, 200)}" for warning in self.warnings[:_WARNINGS]]
        if (more := len(self.warnings) - _WARNINGS) > 0:
            parts.append(f"{more} more warnings")
        return f"<Plan: {'; '.join(parts)}>"

    def _told(self) -> list[tuple[str, str]]:
        rows = [("askings", f"{len(self.table)}"), *((why, f"{n} trials") for why, n in self.counts.items())]
        rows.append(("to send", f"{len(self.to_send)} trials, {self.audio_min:.1f} audio minutes"))
        if not self.free:
            rows.append(("price", self._cost()))
        if self.jobs:
            known = self.expected_s is not None
            rows.append(("expected time", _duration(self.expected_s or 0.0) if known else "not known yet"))
        return rows + [("warning", warning) for warning in self.warnings]

    def _cost(self) -> str:
        unknown = f", and {self.unknown_lengths} recordings of unknown length" if self.unknown_lengths else ""
        known = [price for price in self.prices.values() if price is not None]
        if self.usd is None or not known:
            return f"price not known for {self.billed_min:.1f} billed minutes{unknown}"
        at = dict.fromkeys(
            "the price given" if price.source == _GIVEN else f"${price.usd_per_s:.6f} a second as of {price.as_of}"
            for price in known
        )
        return f"${self.usd:.4f} for {self.billed_min:.1f} billed minutes{unknown} (at {' and '.join(at)})"


class Setting(NamedTuple):
    """What an utterance is asked under a condition: the request, what the recording is, and where it is had."""

    parameters: Parameters
    recording: Recording
    audio: Callable[[], str]
    """Gives the path of the file, which is made if it has to be, or the link that the service fetches it by."""
    link: str | None = None
    made: bool = False
    """Whether the file may not be there yet: it is made from others, or lies elsewhere."""

    def __repr__(self) -> str:
        return f"<Setting {self.parameters!r} of {self.recording!r}>"  # without the link, which may be signed


class Utterance(NamedTuple):
    """An utterance as it is asked about under each condition."""

    utt_id: str
    settings: list[Setting]


def resolve(dataset: Dataset, conditions: Conditions, only: Collection[str] | None = None) -> list[Utterance]:
    """Find out what is known of each recording, and what every condition comes to for it.

    Parameters
    ----------
    dataset : Dataset
        What is asked about.
    conditions : Conditions
        Settings.
    only : collection of str, optional
        Ids of the utterances that are asked about; all if not given. The others may be mixed into their audio.

    Raises
    ------
    InvalidInput
        If a recording, a parameter or a recipe cannot be used.
    """
    under = Under(dataset)
    utterances = []
    for utt_id, asked in resolve_conditions(dataset, conditions, only):
        alike: dict[Recipe, tuple[Recording, Callable[[], str], str | None, bool]] = {}
        for _, recipe in asked:
            if recipe not in alike:
                perturbed = under[recipe]
                try:
                    facts = perturbed.facts(utt_id)
                except InvalidInput as error:
                    if recipe.is_nothing:
                        raise
                    raise InvalidInput(f"Utterance {utt_id}, with {recipe}: {error}") from error
                source = partial(_source, perturbed, utt_id, facts.digest)
                made = perturbed.makes(utt_id) or dataset.is_remote
                alike[recipe] = facts, source, perturbed.link(utt_id), made
        utterances.append(Utterance(utt_id, [Setting(parameters, *alike[recipe]) for parameters, recipe in asked]))
    return utterances


def _source(dataset: Dataset, utt_id: str, digest: str) -> str:
    """Give a recording to be asked about, if it still is the one that was planned: its answer is kept under that."""
    source = dataset.audio_source(utt_id)
    if dataset.digest(utt_id) != digest:
        raise InvalidInput(f"The audio of {utt_id} has changed since it was planned. Run again: it is planned anew.")
    return source


class Under(dict["Recipe", "Dataset"]):
    """A dataset under each recipe that is asked for."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def __missing__(self, recipe: Recipe) -> Dataset:
        """Perturb it."""
        self[recipe] = self._dataset.under(recipe)
        return self[recipe]


def resolve_conditions(
    dataset: Dataset, conditions: Conditions, only: Collection[str] | None = None
) -> Iterator[tuple[str, list[tuple[Parameters, Recipe]]]]:
    """Give each utterance's id, and the request and recipe that every condition comes to for it.

    Raises
    ------
    InvalidInput
        If a parameter or a recipe cannot be used.
    """
    rows = dataset.utterances
    first = rows.iloc[0] if len(rows) else None
    settled = {c.name: (c.parameters(first), c.recipe(first)) for c in conditions if c.constant and first is not None}
    for utt_id, (_, row) in zip(map(str, rows["utt_id"]), rows.iterrows(), strict=True):
        if only is None or utt_id in only:
            yield utt_id, [settled.get(c.name) or (c.parameters(row), c.recipe(row)) for c in conditions]


def make_plan(
    dataset: Dataset,
    utterances: Sequence[Utterance],
    conditions: Conditions,
    engines: Sequence[Engine],
    store: Store,
    *,
    repeats: int = 1,
    retry: Retry = None,
    seed: int = 0,
    price_usd_per_s: float | None = None,
    why_left: Callable[[str, str], str | None] = lambda _utt_id, _trial: None,
) -> Plan:
    """Resolve every condition for every utterance and hold the trials against the store.

    Tasks that were submitted before are collected first: their answers are paid for and do not keep. The other jobs are
    in an order that keeps drift of the service from posing as an effect (a randomised block design):
    repeats are separate passes; in each the utterances come in random order, and all conditions of an utterance
    together, in random order too.

    Parameters
    ----------
    dataset : Dataset
        What is asked about.
    utterances : sequence of Utterance
        The same, by :func:`resolve`.
    conditions : Conditions
        Settings.
    engines : sequence of Engine
        What is asked under each condition; entered.
    store : Store
        Where answers are kept.
    repeats : int
        Passes.
    retry : {None, "failed", "unknown"}
        Which trials that ended without an answer are sent again.
    seed : int
        Of the random order.
    price_usd_per_s : float, optional
        Price of a second of audio in US dollars, in place of the table's.
    why_left : callable
        Of an utterance and a trial that was never asked here, says why another is to ask it; None if none is.

    Raises
    ------
    InvalidInput
        If a recording or a parameter cannot be used; nothing was sent.
    """
    _check(engines, utterances)
    _check_price(price_usd_per_s)  # of a free engine, too, where it is not used
    standings = store.standings()
    before = {(a.utt_id, a.condition, a.repeat): a.trial for a in store.askings()}
    asked_of = {engine: canonical_engine(engine.identity) for engine in engines}
    prices = {engine: _price(engine, price_usd_per_s) for engine in dict.fromkeys(engines) if not engine.free}
    cells: list[_Cell] = []  # in the order of the table
    kept_back = Counter[tuple["Engine", str]]()
    for repeat, utterance, (condition, place) in product(
        range(repeats), utterances, zip(conditions, range(len(conditions)), strict=True)
    ):
        setting, engine = utterance.settings[place], engines[place]
        given = setting.parameters
        setting = setting._replace(parameters=engine.sent(given))
        digest, request = setting.recording.digest, canonical_parameters(setting.parameters)
        identity = Identity(digest, asked_of[engine], request, repeat)
        trial = identity.trial
        standing = standings.get(trial, _NOT_RUN)
        left = why_left(utterance.utt_id, trial) if standing.state == "not run" else None
        works, why = (False, left) if left else _decide(standing, free=engine.free, retry=retry)
        former = before.get((utterance.utt_id, condition.name, repeat), trial)
        if why == "new" and former != trial and standings.get(former, _NOT_RUN).state == "answered":
            was = store.identity(former)
            why = f"changed: {', '.join(was.differences(identity))}" if was is not None else why
        cells.append(_Cell(repeat, utterance.utt_id, condition, engine, setting, identity, trial, standing, works, why))
        if works:
            ignored = engine.capabilities.ignored  # the others are sent, if under another name
            kept_back.update((engine, n) for n in differences(given, setting.parameters) if n in ignored)

    jobs: dict[str, Job] = {}
    order = in_random_order(len(utterances), len(conditions), repeats=repeats, seed=seed)
    for repeat, u, of_block in order:
        for c in of_block:
            cell = cells[(repeat * len(utterances) + u) * len(conditions) + c]
            if cell.works and cell.trial not in jobs:
                jobs[cell.trial] = cell.job(prices)
    plan = Plan(
        _table(cells, conditions),
        all(engine.free for engine in engines),
        prices,
        askings=[Asking(c.utt_id, c.condition.name, c.repeat, c.trial, c.condition.labels) for c in cells],
        identities={cell.trial: cell.identity for cell in cells},
        jobs=sorted(jobs.values(), key=lambda job: job.task_id is None),
        order=[(repeat, utterances[u].utt_id) for repeat, u, _ in order],
        lost=list({cell.trial: cell.job(prices) for cell in cells if cell.standing.state == "unknown"}.values()),
    )
    plan.expected_s = _expected_s(plan.to_send, store)
    plan.warnings = [*warnings_of_kept_back(kept_back), *warnings_of(plan.jobs, dataset, store)]
    return plan


def in_random_order(
    n_utterances: int, n_conditions: int, *, repeats: int, seed: int
) -> list[tuple[int, int, list[int]]]:
    """Give the blocks in which questions are asked: repeat, place of the utterance, and the conditions in order."""
    random = np.random.default_rng(seed)
    return [
        (repeat, u, random.permutation(n_conditions).tolist())
        for repeat in range(repeats)
        for u in random.permutation(n_utterances).tolist()
    ]


class _Cell(NamedTuple):
    """A cell of the table: an utterance under a condition, once, and what is to be done about it."""

    repeat: int
    utt_id: str
    condition: Condition
    engine: Engine
    setting: Setting
    identity: Identity
    trial: str
    standing: Standing
    works: bool
    why: str

    def job(self, prices: Mapping[Engine, Price | None]) -> Job:
        length, channels = self.setting.recording.duration_s, len(self.setting.parameters.channel_id)
        price = prices.get(self.engine)
        requests = 1 if self.setting.link or length is None else self.engine.requests(length)  # links are not divided
        return Job(
            self.trial,
            self.utt_id,
            self.engine,
            self.setting,
            0.0 if self.engine.free else None if price is None else price.usd_per_s,
            self.repeat,
            self.standing.attempts,
            self.standing.task_id,
            self.standing.submitted,
            0.0 if length is None else length * channels,
            0 if length is None else billed_s(length, channels, requests),
        )


def _table(cells: Sequence[_Cell], conditions: Conditions) -> pd.DataFrame:
    lengths = pd.Series([cell.setting.recording.duration_s for cell in cells], dtype="Float64")
    columns = {
        "trial": [cell.trial for cell in cells],
        "utt_id": [cell.utt_id for cell in cells],
        "condition": [cell.condition.name for cell in cells],
        "repeat": [cell.repeat for cell in cells],
        "state": [cell.standing.state for cell in cells],
        "why": [cell.why for cell in cells],
        "audio_s": lengths * [len(cell.setting.parameters.channel_id) for cell in cells],
        "sends": pd.array([cell.works and cell.standing.task_id is None for cell in cells], dtype="boolean"),
    }
    axes = {axis: pd.array([c.condition.labels[axis] for c in cells], dtype="string") for axis in conditions.axes}
    return tables.check(pd.DataFrame({**columns, **axes}), "trials")


_NOT_RUN: Final = Standing()


def _decide(standing: Standing, *, free: bool, retry: Retry) -> tuple[bool, str]:  # noqa: PLR0911 - one case, one line
    """Whether a trial is worked on, and why or why not."""
    match standing.state:
        case "not run":
            return True, "new"
        case "answered":
            return False, "stored"
        case "submitted" if not free and time.time() - (standing.submitted or 0) > 3600 * _RESULTS_KEPT_H:
            return True, f"collected: submitted over {_RESULTS_KEPT_H} h ago, so its answer may be gone"
        case "submitted":
            return True, "collected: its task was submitted before"
        case "unknown" if free:
            return True, "asked again: its outcome was unknown, and asking costs nothing"
        case state if state == retry:
            return True, f"retried: {state}"
        case state:
            return False, f'{state} before: send it again with retry="{state}"'


def _check(engines: Sequence[Engine], utterances: Sequence[Utterance]) -> None:
    """Refuse what cannot be asked, before anything is."""
    for engine in dict.fromkeys(engines):
        if unsaid := [fact for fact in ("engine", "model", "region") if not engine.identity.get(fact)]:
            raise InvalidInput(
                f"The identity of {engine!r} does not say {' and '.join(unsaid)}: its answers could pass for "
                "another's. Add it."
            )
    asked = {
        (engine, setting.parameters)
        for utterance in utterances
        for engine, setting in zip(engines, utterance.settings, strict=True)
    }
    for engine, parameters in asked:
        try:
            canonical_parameters(parameters).encode()
        except UnicodeEncodeError:
            raise InvalidInput(
                "A parameter holds half a surrogate pair, which is not text. Decode its source anew."
            ) from None
        engine.check(parameters)
    for utterance in utterances:
        for setting in utterance.settings:
            channels, asked_for = setting.recording.channels, setting.parameters.channel_id
            if channels is not None and max(asked_for) >= channels:
                raise InvalidInput(
                    f"channel_id {list(asked_for)} asks for a channel that utterance {utterance.utt_id} does not have: "
                    f"it has {channels}, counted from 0. Use a function of the utterance as level."
                )


def _check_price(usd_per_s: object) -> None:
    if usd_per_s is None:
        return
    if isinstance(usd_per_s, bool) or not isinstance(usd_per_s, int | float) or not 0 <= usd_per_s < inf:
        raise InvalidInput(f"price_usd_per_s must be a number from 0, not {usd_per_s!r}.")


def _price(engine: Engine, usd_per_s: float | None) -> Price | None:
    if usd_per_s is None:
        return price_of(engine.identity)
    return Price(usd_per_s, datetime.now(UTC).date(), _GIVEN)


def _expected_s(jobs: Sequence[Job], store: Store) -> float | None:
    """How long it takes: as the slowest of the engines takes submits, else by the pace of this run before."""
    requests = Counter["Engine"]()
    for job in jobs:
        requests[job.engine] += job.engine.requests(job.setting.recording.duration_s or 0.0)
    paces = [60 * n / engine.submits_per_minute for engine, n in requests.items()]
    if any(paces):
        return max(paces)
    pace = store.pace()
    return len(jobs) / pace if pace else None


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{max(seconds, 1):.0f} s"
