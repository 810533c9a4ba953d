"""The house as a whole: who imports whom, and what `import asrlab` costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import asrlab

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "asrlab"

#: Folder or module -> what of ours it may import, itself and what is allowed EVERYWHERE apart.
MAY_IMPORT = {
    "data": {"dashscope", "dashscope.wire"},  # the service's own limits, to check recordings by
    # a bucket is named and opened as datasets and runs on object storage are
    "dashscope": {"data.places", "data.storage"},
    "engines": {"dashscope", "data.audio", "data.codecs", "data.pauses"},
    "sweep": {"engines.base", "engines.spread", "data"},
    "normalize": set(),
    "scoring": {"normalize"},
    "stats": {"normalize"},  # whether a change is one of wording
    "views": {
        "scoring.align",
        "scoring.confusions",
        "scoring.edits",
        "scoring.given",
        "scoring.flags.flags",
        "scoring.tokens",
        "stats.audit",
        "stats.sentences",
    },
    "server": {
        *("engines.base", "engines.whisper", "engines.sphinx", "engines.scripted"),
        *("engines.itn", "engines.mishearing", "engines.weights", "data.audio"),
    },
}
EVERYWHERE = {
    "coded",
    "errors",
    "executors",
    "folders",
    "groups",
    "lists",
    "marks",
    "parquet",
    "quiet",
    "shown",
    "suggest",
    "tables",
    "text",
    "wordings",
}
HEAVY = {"matplotlib", "ipywidgets", "faster_whisper", "pandas", "numpy", "scipy", "httpx", "IPython", "starlette"}


class NotForTypes(ast.NodeTransformer):
    """Takes out what is imported for types alone."""

    def visit_If(self, node):
        return None if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)


@cache
def imports(path: Path) -> set[str]:
    """Whatever a module imports, in functions too, but not for types alone."""
    found = set()
    for node in ast.walk(NotForTypes().visit(ast.parse(path.read_text(encoding="utf-8")))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def dotted(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")


@cache
def modules() -> dict[str, set[str]]:
    """Every module of the package by its dotted name, with those of ours that it imports."""
    named = {dotted(path): path for path in PACKAGE.rglob("*.py")}
    return {
        name: {m.removeprefix("asrlab.") for m in imports(path) if m.removeprefix("asrlab.") in named} - {name}
        for name, path in named.items()
    }


@pytest.mark.parametrize("stage", MAY_IMPORT)
def test_imports_go_with_the_flow(stage):
    allowed = MAY_IMPORT[stage] | EVERYWHERE | {stage}
    for name, imported in modules().items():
        if name.split(".")[0] == stage:
            wrong = {m for m in imported if not any(m == a or m.startswith(f"{a}.") for a in allowed)}
            assert not wrong, f"{name} imports {wrong}"


@pytest.mark.parametrize(("one", "other"), [("server", "dashscope"), ("dashscope", "server"), ("sweep", "server")])
def test_independent_readings_never_meet(one, other):
    graph = modules()
    reached = {name for name in graph if name.split(".")[0] == one}
    while more := {m for name in reached for m in graph[name]} - reached:
        reached |= more
    assert not {m for m in reached if m.split(".")[0] == other}


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("matplotlib", {"views.plot.ink"}),
        ("ipywidgets", {"views.widgets.explorer"}),
        ("anywidget", {"views.widgets.reading"}),
        (
            "sqlite3",
            {f"sweep.store.{name}" for name in ("committer", "ledger", "log", "remote", "verify")}
            | {"data.recordings"},
        ),
        ("soundfile", {"data.audio", "data.codecs"}),
        ("av", {"data.codecs", "data.containers"}),
        ("faster_whisper", {"engines.whisper"}),
        ("py3langid", {"scoring.identify"}),
    ],
)
def test_libraries_have_one_home(library, homes):
    users = {
        dotted(path) for path in PACKAGE.rglob("*.py") if any(name.split(".")[0] == library for name in imports(path))
    }
    assert users == homes


def test_importing_asrlab_pulls_in_nothing_heavy():
    code = "import sys, asrlab; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not HEAVY & {name.split(".")[0] for name in loaded}


def test_every_public_name_is_there_and_documented():
    assert set(asrlab.__all__) <= set(dir(asrlab))
    for name in asrlab.__all__:
        assert getattr(asrlab, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'scroe'"):
        _ = asrlab.scroe
