"""Who is asked: the engine of each condition, entered by one at a time."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from asrlab.errors import InvalidInput
from asrlab.sweep.identity import canonical_engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asrlab.engines.base import Engine
    from asrlab.engines.spread import Workers
    from asrlab.sweep.grid import Conditions

T = TypeVar("T")

_USING: Final = threading.Lock()
_USED: Final = set[int]()  # ids of engines


def engines_of(given: Engine | Mapping[str, Engine], conditions: Conditions) -> tuple[Conditions, list[Engine]]:
    """Find the engine that each condition asks.

    Parameters
    ----------
    given : Engine or mapping of str to Engine
        The one there is, or several by labels.
    conditions : Conditions
        Settings. Several engines become their axis ``engine``, unless they have it already.

    Returns
    -------
    conditions : Conditions
        The settings, with that axis.
    engines : list of Engine
        Of each setting; the same object where the same is asked.

    Raises
    ------
    InvalidInput
        If a setting asks an engine that is not there, or that cannot be had of its model or region.
    """
    if not isinstance(given, Mapping):
        named: Mapping[str, Engine] = {"": given}
        if any("engine" in condition.asks for condition in conditions):
            raise InvalidInput(
                "The grid names engines by labels, and Sweep was given one without. Give it a mapping: "
                "Sweep(dataset, {'label': engine, ...}, conditions, ...)."
            )
    elif not given:
        raise InvalidInput("There are no engines. Give Sweep one, or a mapping of label to engine.")
    else:
        named = {str(label): engine for label, engine in given.items()}
        if len(named) < len(given):
            raise InvalidInput(f"Two engines have the same label among {', '.join(map(repr, given))}. Rename one.")
        if not any("engine" in condition.asks for condition in conditions):
            conditions = conditions.across(named)
    known: dict[tuple[tuple[str, str], ...], Engine] = {}
    engines = []
    for condition in conditions:
        asks = condition.asks
        key = tuple(asks.items())
        if key not in known:
            known[key] = _engine_of(named, asks)
        engines.append(known[key])
    return conditions, engines


def _engine_of(named: Mapping[str, Engine], asks: dict[str, str]) -> Engine:
    label = asks.get("engine", "")
    if label not in named:
        raise InvalidInput(f"The grid asks the engine {label!r}, and Sweep was given {', '.join(map(repr, named))}.")
    other = {name: value for name, value in asks.items() if name != "engine"}
    facts = _facts(named[label])
    if not other or all(facts.get(name) == value for name, value in other.items()):
        return named[label]
    return named[label].variant(**other)


def _facts(engine: Engine) -> Mapping[str, str]:
    try:
        return engine.identity
    except RuntimeError:  # it is not known before the engine is entered
        return {}


def by_engine(facts: Mapping[Engine, T]) -> T | dict[str, T]:
    """Give the fact of the one engine, or those of several by their names; of equal names, the later have a number."""
    if len(facts) == 1:
        return next(iter(facts.values()))
    named: dict[str, T] = {}
    seen = Counter[str]()
    for engine, value in facts.items():
        name = repr(engine)
        seen[name] += 1
        named[name if seen[name] == 1 else f"{name} ({seen[name]})"] = value
    return named


def asked_of(engine: Engine, stored: str) -> str:
    """Identity of an engine; that of the stored answers where it may be, and the engine was not reached yet."""
    try:
        return canonical_engine(engine.identity)
    except RuntimeError:
        return stored if engine.may_be(json.loads(stored)) else canonical_engine({"engine": engine.name})


def is_known(engine: Engine) -> bool:
    """Whether an engine says all that a plan needs without being entered, which may want a key or start a service."""
    try:
        return bool(engine.identity) and engine.capabilities.languages != frozenset()
    except RuntimeError:
        return False


@asynccontextmanager
async def in_use(engine: Engine, workers: Workers | None = None) -> AsyncIterator[Engine]:
    """Enter an engine that nobody else is using, as workers have it if there are any.

    It holds connections of one event loop.

    Raises
    ------
    InvalidInput
        If another run or plan of this process is using it.
    """
    with _USING:
        if id(engine) in _USED:
            raise InvalidInput(
                f"{engine!r} is in use by another run or plan. Wait for it, or make an engine of its own for each."
            )
        _USED.add(id(engine))
    try:
        used = engine if workers is None else workers.spread(engine)
        async with used:
            yield used
    finally:
        with _USING:
            _USED.discard(id(engine))
