"""Merging: the stores of parts, and of other machines, are taken into the store of the whole sweep."""

from __future__ import annotations

import json
import os
import warnings
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asrlab.data.places import is_here
from asrlab.errors import InvalidInput, StoreError
from asrlab.shown import Shown
from asrlab.sweep.parts import MERGED, Division, digests_of, now, numbers
from asrlab.sweep.store import Store, is_run
from asrlab.sweep.store.merging import Taken, asked, take_in
from asrlab.sweep.warn import SweepWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from asrlab.data.dataset import Dataset
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


def drives(store: Store) -> bool:
    """Become the driver of a store; False if another process is at work on it.

    One on object storage whose driver died on another machine is waited for until that is seen.
    """
    warned: list[float] = []

    def waiting(left_s: float) -> None:
        if not warned:
            warned.append(left_s)
            warnings.warn(
                f"waiting up to {left_s:.0f} seconds to see whether {store.driver()} still runs a store, or has died",
                SweepWarning,
                stacklevel=2,
            )

    return store.drive(waiting)


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
    if store.read_only is None and not drives(store):
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


def merge(
    store: Store,
    folder: Path,
    sources: Sequence[Path],
    without: Sequence[int],
    *,
    dataset: Dataset,
    plan: Callable[[], object],
) -> Merged:
    """Take stores into that of the whole sweep, one after the other.

    Parameters
    ----------
    store : Store
        Of the whole sweep; this process drives it.
    folder : path
        Where that lies.
    sources : sequence of path
        Those that are taken in.
    without : sequence of int
        Numbers of parts that are given up. Where the own store of one is there, it is taken in as well.
    dataset : Dataset
        What the whole sweep asks about.
    plan : callable
        Writes down what the whole sweep asks; called if the store does not know all that was asked.

    Raises
    ------
    InvalidInput
        If one holds questions of another sweep, or such as a part may still ask; nothing is taken in then.
    StoreError
        If one is not there, is being run, or cannot be read. To merge again goes on where it ended.
    """
    division = Division.read(store.meta())
    _check_given_up(division, without)
    places = {} if division is None else division.places(folder)
    own = {_real(place): number for number, place in places.items()}
    given_up = [places[number] for number in without if is_run(places[number])]
    named = {_real(source): source for source in [*sources, *given_up]}
    taken = Taken()
    with ExitStack() as stack:
        others = {where: open_to_read(source, stack) for where, source in named.items()}
        trials = {where: asked(other) for where, other in others.items()}
        if not set().union(*trials.values()) <= set(store.identities()):
            plan()
        known = store.identities()
        for where, other in others.items():
            check_same(named[where], other, known, trials[where])
        ended = {*without, *(number for where, number in own.items() if where in others)}
        if division is not None:
            claimed = _claimed(store, dataset, division, set(division.out) - ended)
            for where, other in others.items():
                _check_unclaimed(named[where], other, division, {claimed[t] for t in trials[where] & set(claimed)})
        for other in others.values():
            taken = taken.and_also(take_in(store, other))
        for where in own.keys() & others.keys():  # before they count as merged: who may ask is always clear
            others[where].plan([], {}, {MERGED: now()})
        if division is not None:
            store.plan([], {}, division.with_merged(ended).facts)
    return Merged(len(others), taken.attempts, taken.answers, tuple(dict.fromkeys(taken.twice)))


def _real(place: Path) -> str:
    """Name a place in one way only."""
    return os.path.realpath(place) if is_here(place) else str(place).rstrip("/")


def _claimed(store: Store, dataset: Dataset, division: Division, out: Collection[int]) -> dict[str, int]:
    """Trials that are for parts to ask which are out, and of which."""
    if not out:
        return {}
    at = numbers(digests_of(dataset), division.bounds)
    return {one.trial: at[one.utt_id] for one in store.askings() if at.get(one.utt_id) in out}


def _check_unclaimed(source: Path, other: Store, division: Division, parts: Collection[int]) -> None:
    """Refuse a store with questions that parts may ask which do not know of it: they would be asked twice."""
    if not parts:
        return
    listed = ", ".join(map(str, sorted(parts)))
    part = other.meta().get("part")
    if part is not None and part["token"] == division.token:
        raise InvalidInput(
            f"{source} is a copy of part {listed} of {division.of}. That its own store has asked as much, and will ask "
            f"no more, cannot be told. Merge the part itself; or if it is not run again anywhere, give "
            f"it up, and its copy is taken in: merge([...], without=[{listed}]). Nothing was taken in."
        )
    raise InvalidInput(
        f"{source} holds questions that are for part {listed} of {division.of} to ask, which does not know of it, and "
        "would ask them again. Merge the parts first, or in the same call; parts that are lost, or never run, are "
        f"given up by without=[{listed}]. Nothing was taken in."
    )


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
