"""Code that the documents show: Python is run, as a reader would, and commands are held to what there is."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import tomllib
from pathlib import Path
from typing import Final

import click
import nbformat
import pytest
from markdown_it import MarkdownIt

import asrlab
from asrlab import dashscope
from asrlab.cli import main
from asrlab.engines.scripted import ScriptedEngine

ROOT: Final = Path(__file__).parents[1]
DOCUMENTS: Final = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("datasets/*/README.md")]
#: CONTRIBUTING.md shows an engine and the class that tests it: both are run by tests/test_engines.py.
RUN_ELSEWHERE: Final = {ROOT / "CONTRIBUTING.md"}
#: Of blocks of code; directives of the documentation apart.
KINDS: Final = {"python", "json", "sh", "bibtex"}

with_documents = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def blocks(path, *kinds):
    """Give the blocks of code of some kinds; one that is indented has no kind."""
    found = MarkdownIt().parse(path.read_text(encoding="utf-8"))
    return [one.content for one in found if one.type in {"fence", "code_block"} and one.info in kinds]


def commands(path):
    """Give what is shown to be typed, as words, a command each."""
    typed = "\n".join(blocks(path, "sh", "")).replace("\\\n", " ")
    return [words for line in re.split(r"\n|&&", typed) if (words := shlex.split(line, comments=True))]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder with what is in a checkout, where what is written stays out of ours."""
    for name in ("datasets", "notebooks"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copy(next(ROOT.glob("datasets/dictation/audio/**/*.*")), tmp_path / "call.wav")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def without_waiting(monkeypatch, checkout):
    """Let the local engine answer by a script, and the client of the service ask one on this machine."""
    make, texts = asrlab.engine, {}
    ds = asrlab.load_dataset("datasets/dictation")
    for utt_id, text in ds.references.query("form == 'spoken'")[["utt_id", "text"]].itertuples(index=False):
        texts[ds.digest(utt_id)] = text
    scripted = ScriptedEngine(texts=texts, substitutions=0.2, deletions=0.1, seed=1)
    monkeypatch.setattr(
        asrlab, "engine", lambda name, **options: scripted if name == "local" else make(name, **options)
    )
    with asrlab.serve(scripted, key="sk-of-a-test") as service:
        client = dashscope.Client
        monkeypatch.setattr(
            dashscope, "Client", lambda region: client(region=region, api_key="sk-of-a-test", base_url=service.base_url)
        )
        yield


@with_documents
def test_blocks_are_of_a_kind_that_is_tested(path):
    found = {one.info for one in MarkdownIt().parse(path.read_text(encoding="utf-8")) if one.type == "fence"}
    assert {kind for kind in found if not kind.startswith("{")} <= KINDS


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if blocks(path, "python")], ids=lambda path: path.name)
def test_python_runs_from_above_to_below(path, without_waiting):
    if path in RUN_ELSEWHERE:
        return
    names = {}
    for code in blocks(path, "python"):
        exec(compile(code, f"{path.name}: {code.splitlines()[0]}", "exec"), names)


@with_documents
def test_json_is_json(path):
    for text in blocks(path, "json"):
        assert [json.loads(line) for line in text.splitlines()]


@with_documents
def test_commands_are_there_and_take_such_options(path):
    for words in commands(path):
        check_command(words)


def check_command(words):
    name, *arguments = words
    match Path(name).name:
        case "make":
            targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
            assert {one for one in arguments if "=" not in one} <= set(targets), words
        case "asrlab":
            command = main.commands[arguments[0]]
            command.make_parser(click.Context(command)).parse_args(arguments[1:])
        case "pip":
            extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
                "optional-dependencies"
            ]
            asked = [extra for one in arguments for found in re.findall(r"\[(.*)\]", one) for extra in found.split(",")]
            assert set(asked) <= set(extras), words
        case "papermill":
            notebook = nbformat.read(ROOT / arguments[0], as_version=4)
            [parameters] = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
            given = [arguments[number + 1] for number, one in enumerate(arguments) if one == "-p"]
            assert set(given) <= set(re.findall(r"^(\w+) = ", parameters.source, re.MULTILINE)), words
        case "python" | "python3":
            assert arguments[:2] == ["-m", "venv"] or (ROOT / arguments[0]).is_file(), words
        case _:
            assert name in {"git", "cd", "apt", "voila", "export", "source"}, f"no test knows {words}"
