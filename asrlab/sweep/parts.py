"""Parts: a sweep divided among processes or machines, so that no question is in two of them.

A recording is in the part that its digest falls into, whatever its utterances are called: what is one question is asked
in one part only, also where a set holds the same audio twice. What the whole sweep has asked before stays with it, and
until a part is merged its questions are the part's: at any time each question has one who may send it.
"""

from __future__ import annotations

import secrets
from bisect import bisect_right
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from asrlab.errors import InvalidInput, StoreError
from asrlab.shown import Shown
from asrlab.sweep.store import Store, is_run

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from asrlab.data.dataset import Dataset
    from asrlab.engines.base import Engine
    from asrlab.sweep.plan import Plan

DIVIDED: Final = "divided"
"""Fact of a store: into how many parts the sweep was divided, and which have been merged."""
MERGED: Final = "merged"
"""Fact of a part's store: when it was merged."""
_BEYOND: Final = "~"  # comes after all digests


@dataclass(frozen=True, repr=False)
class Part(Shown):
    """Which part of a sweep one is.

    Parameters
    ----------
    number, of : int
        Its number, from 1, and how many there are.
    token : str
        Tells one division from the next.
    bounds : tuple of str
        Least digest of each part but the first.
    utt_ids : frozenset of str
        Its utterances.
    left : frozenset of str
        Trials among theirs that the whole sweep has asked, or holds back.
    claimed : frozenset of str
        Tasks that are questions of the whole sweep.
    usd, minutes : float, optional
        Its share of the budget: US dollars, and minutes of audio as they are billed.
    """

    number: int
    of: int
    token: str
    bounds: tuple[str, ...] = field(default=(), repr=False)
    utt_ids: frozenset[str] = field(default=frozenset(), repr=False)
    left: frozenset[str] = field(default=frozenset(), repr=False)
    claimed: frozenset[str] = field(default=frozenset(), repr=False)
    usd: float | None = None
    minutes: float | None = None

    def __str__(self) -> str:
        return f"part {self.number} of {self.of}"

    @property
    def facts(self) -> dict[str, Any]:
        """What its store says of it."""
        return {"number": self.number, "of": self.of, "token": self.token}

    def check(self, dataset: Dataset) -> None:
        """Refuse recordings that are no longer those by which the sweep was divided.

        Raises
        ------
        InvalidInput
            If the audio of an utterance would be another part's now.
        """
        for utt_id in self.utt_ids:
            if number_of(dataset.digest(utt_id), self.bounds) != self.number:
                raise InvalidInput(
                    f"The audio of {utt_id} has changed since the sweep was divided: it may be in another part now. "
                    "Merge the parts, and divide again."
                )

    def why_left(self, _: str, trial: str) -> str | None:
        """Say why a trial is not this part's to send; None if it is."""
        return "left to the whole sweep, which has asked it" if trial in self.left else None


@dataclass(frozen=True)
class Division:
    """How a sweep was divided, as its store has it.

    Parameters
    ----------
    token : str
        Tells one division from the next.
    of : int
        How many parts there are.
    bounds : tuple of str
        Least digest of each part but the first.
    merged : tuple of int
        Numbers of those that have been merged, or given up.
    shares : tuple of (float, float)
        Of each part, what it was to spend when the sweep was divided: seconds of audio as they are billed, and US
        dollars.
    spent : (float, float)
        What had been spent by then.
    """

    token: str
    of: int
    bounds: tuple[str, ...]
    merged: tuple[int, ...]
    shares: tuple[tuple[float, float], ...]
    spent: tuple[float, float]

    @classmethod
    def read(cls, meta: Mapping[str, Any]) -> Division | None:
        """Read it from the facts of a store; None if that was never divided."""
        facts = meta.get(DIVIDED)
        if facts is None:
            return None
        shares = tuple((seconds, usd) for seconds, usd in facts["shares"])
        bounds, merged = tuple(facts["bounds"]), tuple(facts["merged"])
        return cls(facts["token"], facts["of"], bounds, merged, shares, tuple(facts["spent"]))

    @property
    def facts(self) -> dict[str, Any]:
        """Itself, as a fact of a store."""
        return {DIVIDED: asdict(self)}

    @property
    def out(self) -> tuple[int, ...]:
        """Numbers of the parts that have not been merged."""
        return tuple(number for number in range(1, self.of + 1) if number not in self.merged)

    def places(self, folder: Path) -> dict[int, Path]:
        """Where the parts' own stores are, by number; below that of the whole sweep."""
        return {number: place_of(folder, self.token, number, self.of) for number in range(1, self.of + 1)}

    def with_merged(self, numbers: Iterable[int]) -> Division:
        """Itself, with more parts merged."""
        return replace(self, merged=tuple(sorted({*self.merged, *numbers})))

    def budget(self, number: int, usd: float | None, minutes: float | None) -> tuple[float | None, float | None]:
        """Share of a part in a budget for all that this sweep spends, in US dollars and minutes."""

        def share(limit: float | None, place: int) -> float | None:
            if limit is None:
                return None
            total = sum(one[place] for one in self.shares)
            weight = self.shares[number - 1][place] / total if total > 0 else 1 / self.of
            return max(0.0, limit - self.spent[place]) * weight

        in_s = share(None if minutes is None else 60 * minutes, 0)
        return share(usd, 1), None if in_s is None else in_s / 60


def number_of(digest: str, bounds: Sequence[str]) -> int:
    """Give the number, from 1, of the part that a recording is in, by its digest."""
    return bisect_right(bounds, digest) + 1


def bounds_of(weights: Mapping[str, float], n: int) -> tuple[str, ...]:
    """Divide digests, in their order, into so many parts of about equal weight; gives the least of each but the first.

    Examples
    --------
    >>> bounds_of({"a": 1, "b": 1, "c": 1, "d": 3}, 2)
    ('d',)
    >>> bounds_of({"a": 1}, 3)
    ('a', '~')
    """
    total = sum(weights.values())
    before, bounds = 0.0, list[str]()
    for digest, weight in sorted(weights.items()):
        part = min(n - 1, int(n * (before + weight / 2) / total)) if total > 0 else 0
        bounds += [digest] * (part - len(bounds))
        before += weight
    return tuple(bounds + [_BEYOND] * (n - 1 - len(bounds)))


def numbers(digests: Mapping[str, str], bounds: Sequence[str]) -> dict[str, int]:
    """Give the number of the part that each utterance is in."""
    return {utt_id: number_of(digest, bounds) for utt_id, digest in digests.items()}


def digests_of(dataset: Dataset) -> dict[str, str]:
    """Give the digest of each utterance's recording."""
    return {str(utt_id): dataset.digest(str(utt_id)) for utt_id in dataset.utterances["utt_id"]}


def divide(
    dataset: Dataset, engines: Collection[Engine], plan: Plan, store: Store, n: int, *, folder: Path
) -> tuple[Division, list[Part]]:
    """Divide what a plan sends, or find how that was done before, and write it down.

    Parameters
    ----------
    dataset : Dataset
        What is asked about.
    engines : collection of Engine
        What is asked.
    plan : Plan
        Of the whole sweep; its askings are in the store.
    store : Store
        Of the whole sweep; driven.
    n : int
        Number of parts.
    folder : path
        Where the store lies. The stores of new parts are made below it, once: a part whose store is gone is not run,
        since what it has asked is not known then.

    Raises
    ------
    InvalidInput
        If it is divided into another number of parts, and they have not been merged.
    """
    digests = digests_of(dataset)
    division = Division.read(store.meta())
    if division is not None and division.out and division.of != n:
        raise InvalidInput(
            f"This sweep is divided into {division.of} parts, of which {_listed(division.out)} have not been merged. "
            f"Merge them first, merge(stores); of parts that are lost, or never ran: merge([], without=[...])."
        )
    if division is None or not division.out:
        seconds = dict.fromkeys(digests.values(), 0.0)
        for job in plan.to_send:
            seconds[digests[job.utt_id]] += job.reserved_s or 1  # of unknown length
        bounds = bounds_of(seconds, n)
        at = numbers(digests, bounds)
        shares = [[0.0, 0.0] for _ in range(n)]
        for job in plan.to_send:
            shares[at[job.utt_id] - 1][0] += job.reserved_s
            shares[at[job.utt_id] - 1][1] += job.reserved_s * (job.usd_per_s or 0.0)
        spent = [store.spent(name) for name in {engine.name for engine in engines}]
        division = Division(
            secrets.token_hex(4),
            n,
            bounds,
            (),
            tuple((seconds, usd) for seconds, usd in shares),
            (sum(one.seconds for one in spent), sum(one.usd for one in spent)),
        )
        for number, place in division.places(folder).items():  # before it counts as divided
            with Store(place, create=True) as made:
                made.plan([], {}, {"part": Part(number, n, division.token).facts})
        store.plan([], {}, division.facts | {"divided at": now()})
    at = numbers(digests, division.bounds)
    standings = store.standings()
    lost = {plan.identities[job.trial].audio for job in plan.lost}
    asked = {trial for trial, one in plan.identities.items() if trial in standings or one.audio in lost}
    claimed = frozenset(store.task_ids())
    trials: dict[int, set[str]] = {number: set() for number in range(1, n + 1)}
    for utt_id, trial in zip(plan.table["utt_id"], plan.table["trial"], strict=True):
        if trial in asked:
            trials[at[utt_id]].add(trial)
    ids: dict[int, set[str]] = {number: set() for number in range(1, n + 1)}
    for utt_id, number in at.items():
        ids[number].add(utt_id)
    return division, [
        Part(number, n, division.token, division.bounds, frozenset(ids[number]), frozenset(trials[number]), claimed)
        for number in range(1, n + 1)
    ]


def place_of(folder: Path, token: str, number: int, of: int) -> Path:
    """Name the place of a part's own store, below that of the whole sweep."""
    return folder / "parts" / token / f"{number}-of-{of}"


def check_there(part: Part, source: Path) -> None:
    """Refuse a part whose store is not there: what it was answered would be asked again.

    Raises
    ------
    StoreError
        If it is not. It is made when the sweep is divided, and only then.
    """
    if not is_run(source):
        raise StoreError(
            f"The store of {part} is not at {source}, where it was made when that was divided, so nobody knows here "
            "what it has asked. Run it where its store is, or bring that here; or keep the sweep behind a URL that all "
            f"machines see, store='s3://...'. If it is lost, give it up: merge([], without=[{part.number}])."
        )


def check_still_out(part: Part, source: Path) -> None:
    """Refuse a part that its whole sweep has merged or given up, where the store of that can be seen.

    Raises
    ------
    InvalidInput
        If it has.
    StoreError
        If that is there and cannot be read.
    """
    whole = source.parent.parent.parent
    if not is_run(whole):  # on another machine
        return
    with Store(whole) as store:
        division = Division.read(store.meta())
    if division is None or division.token != part.token or part.number not in division.out:
        raise InvalidInput(
            f"This is {part}, which was merged or given up: what it had left is not its own to ask. Run the whole "
            "sweep, or divide that again."
        )


def whys_left(dataset: Dataset, division: Division) -> dict[str, str]:
    """Say of which utterances the questions are those of parts that have not been merged, and of which."""
    out = set(division.out)
    return {
        utt_id: f"left to part {number} of {division.of}, which has not been merged"
        for utt_id, number in numbers(digests_of(dataset), division.bounds).items()
        if number in out
    }


def warning_of(division: Division) -> str:
    """Say that a whole sweep is run while parts of it are out."""
    return (
        f"this sweep is divided into {division.of} parts, and {_listed(division.out)} have not been merged: what they "
        "were to ask is not asked here. Merge them, merge(stores); parts that are lost, or never ran, are given up by "
        "merge([], without=[...])"
    )


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def now() -> str:
    """Give the time, for a fact of a store."""
    return datetime.now(UTC).isoformat(timespec="seconds")
