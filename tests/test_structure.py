"""The house, so that a stranger finds things: sizes of modules, one home for each piece of logic and each name."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import asrlab

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "asrlab"
#: Most lines of code of a module, without docstrings, comments and blank lines. Those that are lists of columns, of
#: times of day and of sentences may have more.
MOST_LINES = 400
LISTS = {"asrlab/tables.py", "asrlab/normalize/numbers/english/times.py", "asrlab/stats/sentences.py"}
#: A piece of code that stands twice has whole statements of so many lines.
LINES = 7


@cache
def trees():
    """Every module without docstrings."""
    return {
        path.relative_to(ROOT).as_posix(): without_docstrings(ast.parse(path.read_text(encoding="utf-8")))
        for path in modules()
    }


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def without_docstrings(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:]
    return tree


def lines_of_code(tree):
    taken = set()
    for node in ast.walk(tree):
        if hasattr(node, "lineno") and not isinstance(node, ast.Module):
            taken |= {node.lineno, node.end_lineno}
    return len(taken)


def bodies(tree):
    """Every run of statements outside the tops of modules and classes."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef):
            for name in ("body", "orelse", "finalbody"):
                body = getattr(node, name, None)
                if isinstance(body, list) and body and not isinstance(body[0], ast.Import | ast.ImportFrom):
                    yield body


def repeated(found):
    """Pieces that stand in two places, by what they say: a list of places each."""
    places = defaultdict(set)
    for path, tree in found.items():
        for body in bodies(tree):
            said = [ast.dump(statement) for statement in body]
            for first, begin in enumerate(body):
                ends = (n for n in range(first, len(body)) if body[n].end_lineno - begin.lineno + 1 >= LINES)
                last = next(ends, None)
                if last is not None and not (first == last and passes_on(begin)):
                    places["\n".join(said[first : last + 1])].add((path, begin.lineno))
    return sorted(sorted(where) for where in places.values() if len(where) > 1)


def passes_on(statement):
    """Whether a statement is one call that hands on what it was given: its length is that of a list of names."""
    call = getattr(statement, "value", None)
    return isinstance(call, ast.Call) and all(isinstance(k.value, ast.Name | ast.Constant) for k in call.keywords)


def test_modules_are_short_enough_to_be_read():
    sizes = {path: lines_of_code(tree) for path, tree in trees().items() if path not in LISTS}
    assert not {path: size for path, size in sizes.items() if size > MOST_LINES}


def test_no_piece_of_logic_stands_twice():
    assert repeated(trees()) == []


def test_a_piece_that_stands_twice_is_found():
    piece = "\n".join(
        f"    {name} = sorted(found[{name!r}], key=lambda one: one.{name})[0].value" for name in "abcdefghi"
    )
    one, other = (
        ast.parse(f"def {name}(found):\n{before}{piece}\n") for name, before in (("one", ""), ("other", "    x = 1\n"))
    )
    assert repeated({"one.py": one, "other.py": other})[0] == [("one.py", 2), ("other.py", 3)]


def test_every_module_says_what_it_is():
    for path in modules():
        first = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
        assert first.endswith((".", ":", "?")), path


def test_a_public_name_is_defined_once_under_that_name():
    """Whoever looks for `def score` finds one; what is shown, and verbs, are called as what they show or do."""
    defined = defaultdict(set)
    for path, tree in trees().items():
        if path.startswith(("asrlab/views/", "asrlab/cli/")):
            continue
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                defined[node.name].add(path)
    functions = [name for name in asrlab.__all__ if defined.get(name)]
    assert len(functions) > 30
    several = {name: defined[name] for name in functions if len(defined[name]) > 1}
    assert not several
