"""Docstrings of public names: what is given, what comes back, what is raised, in which unit and shape."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from dataclasses import is_dataclass
from functools import cached_property
from typing import Final

import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate
from public_names import public

from asrlab import errors
from asrlab.errors import InvalidInput

#: Checks of numpydoc that are not ours. Examples (EX01), a longer summary (ES01) and See Also (SA01) are not for every
#: name; that parameters are those of the signature, in its order and with types (PR01, PR02, PR03, PR04), and that
#: something comes back (RT01) is asked below, where several may be told of together as those of another function.
LEFT: Final = {"EX01", "ES01", "SA01", "PR01", "PR02", "PR03", "PR04", "RT01"}
#: Told of elsewhere: where, in place of a type.
ELSEWHERE: Final = re.compile(r"\b(As|Those|The others) (in|for|of|at)\b[^.]*:(func|meth|class):`~?([\w.]+)`")
NUMBER: Final = re.compile(r"\b(int|float)\b")
ARRAY: Final = re.compile(r"\b(array|array_like|ndarray)\b")
#: What tells the unit of a number: what it is measured or counted in, or what it is.
UNIT: Final = re.compile(
    r"""\b(
        seconds?|s|ms|milliseconds|minutes?|hours?|Hz|kHz|dB|bytes?|MB|inch(es)?|dollars?|USD|points?|per\ cent
        |rates?|shares?|ratio|probability|level|differences?|price|from\ 0\ to\ 1|variance|deviation
        |how\ (many|often|much|sure)|numbers?|counts?|most|least|times|random|workers|port|rows|lines|characters
        |units|utterances|speakers|recordings|words|items|requests|submits|queries|tasks
    )\b|%""",
    re.VERBOSE | re.IGNORECASE,
)
#: A name that ends so has told its unit; and these are numbers of something wherever they stand.
SUFFIX: Final = re.compile(r"_(s|ms|usd|mb|db|hz|bytes|minutes|rows|per_\w+)$")
COUNTED: Final = {"n", "resamples", "simulations", "repeats", "seed", "channels"}
OURS: Final = {name for name, thing in vars(errors).items() if isinstance(thing, type)}
#: How a signature tells of any number of parameters.
STARS: Final = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}


class Documented:
    """A public name, what it stands for, and what is said of it."""

    def __init__(self, name, thing, within=None):
        self.name, self.thing, self.within = name, thing, within
        self.doc = get_doc_object(thing)

    @property
    def is_method(self):
        """Whether it is bound to what it is called on, however it names that."""
        unbound = (staticmethod, classmethod, property)
        member = self.name.rpartition(".")[2]
        return inspect.isclass(self.within) and not isinstance(inspect.getattr_static(self.within, member), unbound)

    @cached_property
    def given(self):
        """Parameters of the signature, without what is private; none of what is not made by whoever uses it."""
        thing = self.thing
        if isinstance(thing, property):
            return []
        if inspect.isclass(thing) and (issubclass(thing, Exception) or getattr(thing, "_is_protocol", False)):
            return []
        parameters = [STARS.get(p.kind, "") + p.name for p in inspect.signature(thing).parameters.values()]
        return [one for one in parameters[self.is_method :] if not one.startswith("_")]

    @cached_property
    def told(self):
        """What is said of each parameter, in the order of the docstring: its type, and what it is."""
        holds = inspect.isclass(self.thing) and (is_dataclass(self.thing) or issubclass(self.thing, tuple))
        sections = self.doc["Parameters"] or (self.doc["Attributes"] if holds else [])
        said = {one: (kind, " ".join(lines)) for names, kind, lines in sections for one in names.split(", ")}
        if self.is_method:
            said.pop("dataset", None)  # what it is called on, in functions that are methods too
        return said

    @property
    def gives(self):
        """Whether something comes back."""
        hints = inspect.unwrap(self.thing).__annotations__ if inspect.isroutine(self.thing) else {}
        return hints.get("return") not in {None, "None"}

    @property
    def raised(self):
        """Names of our errors that stand in its own ``raise`` statements."""
        body = self.thing
        if inspect.isclass(body):
            body = vars(body).get("__post_init__" if is_dataclass(body) else "__init__")
        if not inspect.isroutine(body):
            return set()
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(body))))
        made = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc]
        names = {ast.unparse(one.func if isinstance(one, ast.Call) else one) for one in made}
        return names & OURS


def faults(of, others):
    """Give what is wrong with a docstring, in words."""
    yield from (f"{code}: {message}" for code, message in validate(of.doc)["errors"] if code not in LEFT)
    if sorted(of.told) != sorted(of.given):
        yield f"parameters are {of.given}, and told of are {list(of.told)}"
    own = [one for one, (_, words) in of.told.items() if not ELSEWHERE.search(words)]
    if own != [one for one in of.given if one in own]:
        yield f"parameters are told of in the order {own}"
    for one, (kind, words) in of.told.items():
        place = ELSEWHERE.search(words)
        if place:
            home = place.group(4) if "." in place.group(4) else f"{of.name.rpartition('.')[0]}.{place.group(4)}"
            if one not in others[home].told:
                yield f"{home} does not tell of {one}"
            continue
        if not kind and not one.startswith("*"):
            yield f"{one} has neither a type nor a function that tells of it"
        if ARRAY.search(kind) and "shape" not in kind + words:
            yield f"the array {one} has no shape"
        if NUMBER.search(kind) and one not in COUNTED and not SUFFIX.search(one) and not UNIT.search(words):
            yield f"the number {one} has no unit: {words}"
    if of.gives and not of.doc["Returns"] and not of.doc["Yields"]:
        yield "what comes back is not told of"
    listed = " ".join(kind or names for names, kind, _ in of.doc["Raises"])
    if missing := {name for name in of.raised if not re.search(rf"\b{name}\b", listed)}:
        yield f"it raises {sorted(missing)}"


THINGS: Final = public()
PUBLIC: Final = {
    name: Documented(name, thing, THINGS.get(name.rpartition(".")[0]))
    for name, thing in THINGS.items()
    if callable(thing) or isinstance(thing, property)
}


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring_says_what_a_reader_needs(name):
    assert list(faults(PUBLIC[name], PUBLIC)) == []


def good(level: float, values: list, seed: int = 0) -> float:
    """Give one.

    Parameters
    ----------
    level : float
        A share.
    values : array_like, shape (n,)
        Some.
    seed : int
        Of nothing.

    Returns
    -------
    float
        One.

    Raises
    ------
    InvalidInput
        Always.
    """
    raise InvalidInput("no")


@pytest.mark.parametrize(
    ("there", "instead", "fault"),
    [
        ("A share.", "Of nothing.", "the number level has no unit: Of nothing."),
        ("array_like, shape (n,)", "array_like", "the array values has no shape"),
        ("seed : int\n", "seed\n", "seed has neither a type nor a function that tells of it"),
        ("    seed : int\n        Of nothing.\n", "", "and told of are ['level', 'values']"),
        ("    level : float\n        A share.\n", "", "and told of are ['values', 'seed']"),
        ("InvalidInput\n", "ValueError\n", "it raises ['InvalidInput']"),
        ("Returns\n    -------\n    float\n        One.\n", "", "what comes back is not told of"),
        ("Give one.", "Gives one", "SS05"),
        ("        Of nothing.\n", "        As in :func:`other`.\n", "x.other does not tell of seed"),
    ],
)
def test_a_fault_is_found(there, instead, fault, monkeypatch):
    assert list(faults(Documented("x.good", good), {})) == []
    assert there in good.__doc__
    monkeypatch.setattr(good, "__doc__", good.__doc__.replace(there, instead, 1))
    others = {"x.other": Documented("x.other", test_docstring_says_what_a_reader_needs)}
    assert any(fault in found for found in faults(Documented("x.good", good), others)), fault
