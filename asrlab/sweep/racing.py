"""Racing: asking in stretches, and no more of settings that have lost.

Between two blocks of the order of trials a race looks at the answers so far, and says which settings are clearly worse
than another. What it says is written into the store before anything more is sent, and holds from then on: a run that
was interrupted goes on where it was.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, Protocol

from asrlab.errors import InvalidInput
from asrlab.text import canonical_json

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    import pandas as pd

    from asrlab.sweep.plan import Job, Plan
    from asrlab.sweep.store import Asking, Store

    Row = Mapping[str, Any]
    Block = tuple[int, str]

RACE: Final = "race"
"""Name of the fact of a store in which its race is written down."""


class RaceRule(Protocol):
    """What decides; see :class:`asrlab.Race`."""

    @property
    def mark(self) -> Callable[[pd.DataFrame], pd.DataFrame]:
        """Marks transcripts."""

    @property
    def rules(self) -> Mapping[str, Any]:
        """What it decides by, in values of JSON."""

    def due(self, *, asked: int, since: int, planned: int) -> bool:
        """Tell whether it is time for a look."""

    def look(
        self, transcripts: pd.DataFrame, *, settings: Sequence[str], asked: int, planned: int, earlier: Sequence[Row]
    ) -> Sequence[Row]:
        """Take a look, and give a row of each setting that was left."""


class Racing:
    """One run of a race: which jobs come next, and what is written down of its looks.

    Parameters
    ----------
    race : RaceRule
        What decides.
    plan : Plan
        What is asked, and in which order; written into the store.
    store : Store
        Where the race is written down, and may have begun.
    conditions : sequence of str
        Names of the settings.

    Raises
    ------
    InvalidInput
        If a race in this store began otherwise, or the race cannot mark these transcripts.
    """

    def __init__(self, race: RaceRule, plan: Plan, store: Store, conditions: Sequence[str]) -> None:
        self._race, self._plan, self._store, self._conditions = race, plan, store, list(conditions)
        self._trials: dict[Block, dict[str, str]] = {}
        for asking in plan.askings:
            self._trials.setdefault((asking.repeat, asking.utt_id), {})[asking.condition] = asking.trial
        self._began = beginning(race, plan.order, plan.askings)
        written = goes_on(store.meta(), self._began)
        self._rows: list[Row] = [] if written is None else list(written["looks"])
        self._given = {job.trial for job in self.submitted()}
        # What cannot be marked is to be known before anything is paid for.
        race.mark(store.transcripts(plan.askings))
        if written is None:
            self._write()

    @property
    def kept(self) -> list[str]:
        """Settings that have not been dropped."""
        lost = dropped(self._rows)
        return [name for name in self._conditions if name not in lost]

    def spared(self) -> list[Job]:
        """Jobs that nobody asks for, since the settings that they are of were dropped."""
        needed = self._needed(len(self._plan.order)) | self._given
        return [job for job in self._plan.jobs if job.trial not in needed]

    def submitted(self) -> list[Job]:
        """Jobs that were submitted before, which come first of all: their answers are paid for."""
        return [job for job in self._plan.jobs if job.task_id is not None]

    def stretches(self) -> Iterator[tuple[int, list[Job]]]:
        """Go through the other jobs by looks: how many blocks are asked then, and what is left of them."""
        planned = len(self._plan.order)
        since = max((int(row["n_asked"]) for row in self._rows), default=0)
        for asked in range(since, planned + 1):
            due = asked > since and self._race.due(asked=asked, since=since, planned=planned)
            if not due and asked < planned:
                continue
            needed = self._needed(asked)
            jobs = [job for job in self._plan.jobs if job.trial in needed and job.trial not in self._given]
            self._given.update(job.trial for job in jobs)
            yield asked, jobs
            since = asked

    def look(self, asked: int) -> list[str]:
        """Look at the answers to so many blocks, and write down what is seen; gives the settings that are dropped."""
        before = self.kept
        blocks, kept = set(self._plan.order[:asked]), set(before)
        askings = [a for a in self._plan.askings if a.condition in kept and (a.repeat, a.utt_id) in blocks]
        rows = self._race.look(
            self._store.transcripts(askings),
            settings=self._conditions,
            asked=asked,
            planned=len(self._plan.order),
            earlier=self._rows,
        )
        if rows:
            self._rows += rows
            self._write()
        left = set(self.kept)
        return [name for name in before if name not in left]

    def _needed(self, asked: int) -> set[str]:
        """Trials of the settings that are left, in so many blocks."""
        kept = self.kept
        return {self._trials[block][name] for block in self._plan.order[:asked] for name in kept}

    def _write(self) -> None:
        self._store.plan([], {}, {RACE: {**self._began, "looks": self._rows}})


def dropped(rows: Collection[Row]) -> dict[str, int]:
    """Give the settings that were dropped, and how many blocks they were asked."""
    return {row["condition"]: int(row["n_asked"]) for row in rows if row["dropped"]}


def beginning(race: RaceRule, order: Sequence[Block], askings: Sequence[Asking]) -> dict[str, Any]:
    """Give the facts that a race begins with, and goes on with or not at all: its rules, and what is asked in order."""
    place = {block: number for number, block in enumerate(order)}
    asked = sorted([place[a.repeat, a.utt_id], a.condition, a.trial] for a in askings)
    return {"rules": dict(race.rules), "asked": hashlib.sha256(canonical_json(asked).encode()).hexdigest()[:32]}


def goes_on(meta: Mapping[str, Any], began: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Give what a store says of its race; None if there was none.

    Raises
    ------
    InvalidInput
        If that race began otherwise.
    """
    written: Mapping[str, Any] | None = meta.get(RACE)
    if written is not None and (other := [name for name, fact in began.items() if written.get(name) != fact]):
        what = "by other rules" if other[0] == "rules" else "of other recordings, settings, repeats or engines"
        raise InvalidInput(
            f"The race in this store began {what}: a race goes on as it began. Name another store, or ask without "
            "race= for what it dropped."
        )
    return written
