"""What is public: names of asrlab, of its modules that are handed out whole, and of their classes."""

from __future__ import annotations

import inspect
import types

import asrlab


def names_in(module):
    """Give what a module has to offer: what it lists, else what it defines or has from the modules below it."""
    own = {name for name, thing in vars(module).items() if getattr(thing, "__module__", "").startswith(module.__name__)}
    return getattr(module, "__all__", None) or sorted(name for name in own if not name.startswith("_"))


def things():
    """Give each public name with what it stands for; in place of a module, the names in it."""
    for name in asrlab.__all__:
        thing = getattr(asrlab, name)
        if isinstance(thing, types.ModuleType):
            yield from ((f"asrlab.{name}.{inner}", getattr(thing, inner)) for inner in names_in(thing))
        else:
            yield f"asrlab.{name}", thing


def members(thing):
    """Give what asrlab defines of a class, by name, without what is private."""
    ours = [base for base in thing.__mro__ if base.__module__.startswith("asrlab.")]
    for name in sorted({name for base in ours for name in vars(base) if not name.startswith("_")}):
        member = inspect.getattr_static(thing, name)
        if isinstance(member, property) or inspect.isroutine(getattr(thing, name)):
            yield name, member if isinstance(member, property) else getattr(thing, name)


def public():
    """Map every public name to what it stands for: functions, classes and values, with members of the classes."""
    found = {}
    for name, thing in things():
        found[name] = thing
        if inspect.isclass(thing):
            found |= {f"{name}.{member}": what for member, what in members(thing)}
    return found
