"""What is handed out: wheel and source archive hold what they must, install without a developer's packages, and work.

The archives are built from a copy of the checkout, so that no other test sees what building leaves behind.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_string
from importlib.metadata import files
from pathlib import Path
from types import SimpleNamespace

import pytest
from test_package import PACKAGE, NotForTypes

ROOT = Path(__file__).parents[1]
UV = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PROGRAM = Path(__file__).with_name("packaged.py")
CLIP = ROOT / "datasets" / "dictation" / "audio" / "en" / "en-kokoro_heart-2.flac"
#: Modules of `asrlab.server` that `run` imports in functions, once it has seen that the extra is there.
OF_THE_SERVICE = {PACKAGE / "server" / f"{name}.py" for name in ("app", "connections", "faults", "forms")}
MADE = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*", "runs", "build", "dist", "results")

pytestmark = pytest.mark.skipif(not UV and not os.environ.get("ASRLAB_GATE"), reason="uv is not installed")


def uv(*arguments, cwd=None):
    subprocess.run([UV, *arguments, "--quiet"], cwd=cwd, check=True)


def environment(folder, python, *installed):
    """Make an environment with these and what they ask for; gives its folder of programs."""
    uv("venv", "--python", python, folder)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    uv("pip", "install", "--python", programs / "python", *installed)
    return programs


def run(programs, part, folder, *arguments, warnings="error"):
    """Run the program of packaged.py, away from the checkout."""
    folder.mkdir()
    command = [programs / "python", "-I", "-W", warnings, PROGRAM, part, folder, *arguments]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, env=own_settings(folder))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def own_settings(folder):
    """Leave the user's settings out, and caches with a local service that may run already."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ASRLAB", "DASHSCOPE", "PYTHON"))}
    return {**kept, "ASRLAB_CACHE": str(folder / "cache")}


def check_stages(found, programs):
    """See that every stage did its work, and that it was the install's."""
    assert Path(found["file"]).is_relative_to(programs.parent)
    assert found["planned"].startswith("<Plan: 48 askings")
    assert found["store"] == []
    assert len(set(found["digests"])) == 1
    assert found["rates"]["terms"] == 0
    assert 0.2 < found["rates"]["none"] < 0.46
    assert found["sentences"][0].startswith("context terms against none: lower WER, 0.0 %")
    assert found["figure"] > 10_000
    assert found["report"] > 100_000
    assert found["explorer"].startswith("<Explorer: 24 utterances, 2 conditions")
    assert found["errors"] == round(24 * 15 * found["rates"]["none"])
    assert found["chinese"] == "58岁"


def check_commands(programs, folder):
    """See that the command line is there, and examines the install."""
    version = subprocess.run([programs / "asrlab", "--version"], check=True, capture_output=True, text=True).stdout
    assert version.split()[-1] == PROJECT["version"]
    doctor = [programs / "asrlab", "doctor"]
    done = subprocess.run(doctor, cwd=folder, capture_output=True, text=True, check=False, env=own_settings(folder))
    assert done.returncode in {0, 1}, done.stderr
    assert "asrlab" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Wheel and source archive; the wheel is built from the archive, as installers do."""
    folder = tmp_path_factory.mktemp("built")
    shutil.copytree(ROOT, folder / "checkout", ignore=MADE)
    uv("build", "--out-dir", folder / "dist", cwd=folder / "checkout")
    (wheel,), (archive,) = ((folder / "dist").glob(pattern) for pattern in ("*.whl", "*.tar.gz"))
    return SimpleNamespace(wheel=wheel, archive=archive)


@pytest.fixture(scope="module")
def core(built, tmp_path_factory):
    """An environment of the wheel with nothing that is optional."""
    return environment(tmp_path_factory.mktemp("core") / "env", sys.executable, built.wheel)


def of_the_package():
    """All files of the package."""
    files = (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in files}


def test_the_wheel_holds_the_package_and_no_more(built):
    names = set(zipfile.ZipFile(built.wheel).namelist())
    about = f"asrlab-{PROJECT['version']}.dist-info"
    assert {name for name in names if not name.startswith(f"{about}/")} == of_the_package()
    assert {f"{about}/licenses/LICENSE", f"{about}/entry_points.txt", f"{about}/METADATA"} <= names


def test_the_archive_holds_what_building_needs_and_no_more(built):
    with tarfile.open(built.archive) as archive:
        names = {name.partition("/")[2] for name in archive.getnames() if not archive.getmember(name).isdir()}
    ours = {"CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml", "MANIFEST.in"}
    assert {name for name in names if not name.startswith("asrlab.egg-info/")} == {
        *ours,
        *of_the_package(),
        *("PKG-INFO", "setup.cfg"),
    }


def test_what_the_wheel_says_of_itself(built):
    wheel = zipfile.ZipFile(built.wheel)
    (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
    said = message_from_string(wheel.read(name).decode())
    assert (said["Name"], said["Version"]) == ("asrlab", PROJECT["version"])
    assert said["License-Expression"] == "Apache-2.0"
    assert said["Requires-Python"] == ">=3.11"
    assert said["Description-Content-Type"] == "text/markdown"
    assert set(said.get_all("Provides-Extra")) == set(PROJECT["optional-dependencies"])
    needed = {distribution(row) for row in said.get_all("Requires-Dist") if "extra ==" not in row}
    assert needed == set(map(distribution, PROJECT["dependencies"]))


def test_the_changes_are_of_this_version():
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest[1] == PROJECT["version"]


def distribution(requirement):
    """Give the name of what is required, as it is compared."""
    return re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-")


def test_whatever_is_imported_is_asked_for():
    apart = {"bench", "dev", "docs"}  # of the checkout, not of the package
    extras = [row for extra, rows in PROJECT["optional-dependencies"].items() if extra not in apart for row in rows]
    core = modules_of(PROJECT["dependencies"])
    optional = modules_of(extras) | {"dashscope"}  # the official SDK, whose tokenizer counts where it is installed
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in PACKAGE.rglob("*.py")
        for name, sheltered in imported(path)
        if name not in sys.stdlib_module_names | core | (optional if sheltered else set())
    }
    assert not wrong


def modules_of(requirements):
    """Name the modules at the top of what is required, as it is installed here, and our own."""
    names = set(map(distribution, requirements)) - {"asrlab"}
    return {"asrlab"} | {file.parts[0].removesuffix(".py") for name in names for file in files(name)}


def imported(path):
    """Give the library of each import, and whether asrlab can be imported without it."""

    def walk(node, sheltered):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from ((alias.name.split(".")[0], sheltered) for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module and not child.level:
                yield child.module.split(".")[0], sheltered
            kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Try)
            yield from walk(child, sheltered or isinstance(child, kinds))

    return set(walk(NotForTypes().visit(ast.parse(path.read_text(encoding="utf-8"))), path in OF_THE_SERVICE))


def test_every_stage_works_without_extras(core, tmp_path):
    check_stages(run(core, "core", tmp_path / "made"), core)
    check_commands(core, tmp_path)


def test_what_needs_an_extra_names_it(core, tmp_path):
    outcomes = run(core, "extras", tmp_path / "made")
    wanted = {"numbers in": "numbers", "HTTP": "remote", "S3": "s3"}
    for asked, (kind, message) in outcomes.items():
        extra = next((extra for part, extra in wanted.items() if part in asked), "local")
        assert f"pip install 'asrlab[{extra}]'" in message, f"{asked}: {kind}: {message}"
        # What libsndfile does not know may be audio in another container, or no audio at all.
        assert kind == ("InvalidInput" if asked == "WebM" else "MissingExtra"), f"{asked}: {kind}: {message}"


@pytest.mark.acceptance
def test_the_oldest_versions_that_are_asked_for(built, tmp_path):
    needed = ("--resolution", "lowest-direct", "-r", ROOT / "pyproject.toml")
    programs = environment(tmp_path / "env", sys.executable, *needed)
    uv("pip", "install", "--python", programs / "python", "--no-deps", built.wheel)
    check_stages(run(programs, "core", tmp_path / "made", warnings="default"), programs)


@pytest.mark.acceptance
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("kind", ["wheel", "archive"])
def test_every_python(built, tmp_path, version, kind):
    python = interpreter(version)
    programs = environment(tmp_path / "env", python, getattr(built, kind))
    check_stages(run(programs, "core", tmp_path / "made"), programs)
    check_commands(programs, tmp_path)
    if kind == "archive":
        return
    uv("pip", "install", "--python", programs / "python", f"asrlab[local] @ {built.wheel.as_uri()}")
    heard = run(programs, "local", tmp_path / "heard", CLIP)
    assert heard["whisper"][0] == heard["local"][0]
    assert all(all(texts) for texts in heard.values())


def interpreter(version):
    """Find a Python of that version, on the path or among pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [*sorted(pyenv.glob(f"{version}.*/bin/python")), shutil.which(f"python{version}")]
    for python in filter(None, found):
        if subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode == 0:
            return python
    pytest.skip(f"there is no Python {version} here")
