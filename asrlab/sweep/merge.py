"""Merging: the stores of parts, and of other machines, are taken into the store of the whole sweep."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from asrlab.errors import InvalidInput, StoreError
from asrlab.shown import Shown
from asrlab.sweep.parts import MERGED, Division
from asrlab.sweep.store import Store
from asrlab.sweep.store.merging import Taken, asked, take_in

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from asrlab.sweep.identity import Identity

_NAMED = 3  # in a message


@dataclass(frozen=True, repr=False)
class Merged(Shown):
    """What was taken into a store; made by :meth:`asrlab.Sweep.merge`.

    Attributes
    ----------
    stores : int
        Stores that were read.
    attempts, answers : int
        Attempts and answers that are new.
    twice : tuple of str
        Trials that were answered in two of the stores. One answer is kept, the one that was stored first; both are
        counted as billed.
    """

    stores: int
    attempts: int
    answers: int
    twice: tuple[str, ...] = ()

    def __repr__(self) -> str:
        said = [f"{self.stores} stores", f"{self.answers} answers and {self.attempts} attempts taken in"]
        if self.twice:
            said.append(f"{len(self.twice)} trials were answered in two stores: one answer is kept, both are billed")
        return f"<Merged: {'; '.join(said)}>"


def open_to_read(source: str | Path, stack: ExitStack) -> Store:
    """Open a store that is to be merged, and keep others from asking for it meanwhile.

    Raises
    ------
    StoreError
        If there is none, or a process is asking for it.
    """
    if str(source).endswith(".jsonl"):
        raise StoreError(f"{source} is a replay, which has neither task ids nor answers as received. Merge its store.")
    store = stack.enter_context(Store(source))
    if store.read_only is None and not store.drive():
        raise StoreError(f"{source} cannot be merged: it is being run, by {store.driver()}. Wait until that has ended.")
    return store


def check_same(source: str | Path, other: Store, known: Mapping[str, Identity], trials: Collection[str]) -> None:
    """Refuse a store with questions that the sweep does not ask.

    Parameters
    ----------
    source : path
        Its name, for the message.
    other : Store
        Itself.
    known : mapping
        Trials of the sweep, and what each is the hash of.
    trials : collection of str
        Those of the store that were asked.

    Raises
    ------
    InvalidInput
        If there are any; the message says what is another.
    """
    foreign = {trial: one for trial, one in other.identities().items() if trial in trials and trial not in known}
    if not foreign:
        return
    engines = {one.engine for one in known.values()}
    audios = {one.audio for one in known.values()}
    of_engines = sorted({one.engine for one in foreign.values()} - engines)
    of_audio = sum(one.audio not in audios for one in foreign.values())
    if of_engines:
        why = f"they are of the engine {' and '.join(_told(engine) for engine in of_engines[:_NAMED])}"
    elif of_audio:
        why = f"{of_audio} are about audio that is not in the dataset"
    else:
        why = "they were asked with parameters, or repeats, that this sweep does not have"
    raise InvalidInput(
        f"{source} holds {len(foreign)} of {len(trials)} questions that this sweep does not ask: {why}. Nothing of it "
        "was taken in. Merge it into the sweep that it is of."
    )


def merge(store: Store, sources: Sequence[str | Path], without: Sequence[int], plan: Callable[[], object]) -> Merged:
    """Take stores into that of the whole sweep, one after the other.

    Parameters
    ----------
    store : Store
        Of the whole sweep; this process drives it.
    sources : sequence of path
        Those that are taken in.
    without : sequence of int
        Numbers of parts that are given up.
    plan : callable
        Writes down what the whole sweep asks; called if the store does not know all that was asked.

    Raises
    ------
    InvalidInput
        If one holds questions of another sweep; nothing is taken in then.
    StoreError
        If one is not there, is being run, or cannot be read. To merge again goes on where it ended.
    """
    division = Division.read(store.meta())
    taken = Taken()
    with ExitStack() as stack:
        others = {str(source): open_to_read(source, stack) for source in sources}
        trials = {source: asked(other) for source, other in others.items()}
        if not set().union(*trials.values()) <= set(store.identities()):
            plan()
        known = store.identities()
        for source, other in others.items():
            check_same(source, other, known, trials[source])
        _check_given_up(division, without)
        merged = set(without)
        for other in others.values():
            taken = taken.and_also(take_in(store, other))
            part = other.meta().get("part")
            if division is not None and part is not None and part["token"] == division.token:
                if other.read_only is None:  # before it counts as merged: who may ask a question is always clear
                    other.plan([], {}, {MERGED: datetime.now(UTC).isoformat(timespec="seconds")})
                merged.add(part["number"])
        if division is not None:
            store.plan([], {}, division.with_merged(merged).facts)
    return Merged(len(others), taken.attempts, taken.answers, tuple(dict.fromkeys(taken.twice)))


def _check_given_up(division: Division | None, without: Sequence[int]) -> None:
    there = () if division is None else range(1, division.of + 1)
    if wrong := [number for number in without if number not in there]:
        raise InvalidInput(
            f"without= takes numbers of parts, {f'from 1 to {len(there)}' if there else 'and there are none'}; not "
            f"{', '.join(map(repr, wrong))}."
        )


def _told(engine: str) -> str:
    facts = json.loads(engine)
    return " ".join(str(facts[name]) for name in ("engine", "model", "version", "region") if facts.get(name))
