"""Manifests: one module a format, each with a reader and, where it makes sense, a writer."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from asrlab.data.links import shown
from asrlab.data.manifests.base import is_file, is_folder
from asrlab.data.manifests.files import AUDIO_SUFFIXES, named_few
from asrlab.data.places import is_place, is_remote
from asrlab.errors import InvalidInput
from asrlab.suggest import suggestion

if TYPE_CHECKING:
    from pathlib import Path

    from asrlab.data.manifests.base import Format

_HOMES: Final = (
    "jsonl", "separated", "parquet", "frames", "nemo", "batch", "kaldi", "librispeech", "commonvoice", "aishell",
    "fleurs", "sidecars", "sclite", "subtitles", "lhotse", "huggingface",
)  # fmt: skip

_MANIFESTS: Final = ("nemo", "lhotse", "jsonl", "csv", "tsv", "parquet", "stm", "ctm", "trn")  # what may be in a folder
_LISTED: Final = 200  # files of a folder that are looked at


@cache
def formats() -> dict[str, Format]:
    """Give every format by its name."""
    found: dict[str, Format] = {}
    for home in _HOMES:
        module = import_module(f"asrlab.data.manifests.{home}")
        found |= {one.name: one for one in module.FORMATS}
    return found


def format_named(name: str) -> Format:
    """Find a format.

    Raises
    ------
    InvalidInput
        If there is none of this name; the message lists those there are.
    """
    known = formats()
    if name not in known:
        listed = _listed(known)
        raise InvalidInput(f"There is no format {name!r}. {suggestion(name, list(known))} There are:\n{listed}")
    return known[name]


def recognise(source: Any) -> Format:  # noqa: ANN401 - a path, or an object that holds a dataset
    """Tell what a source is written in.

    Raises
    ------
    InvalidInput
        If nothing recognises it, several formats do, or a folder of audio holds a manifest too; the message lists what
        can be meant.
    """
    for general in (False, True):
        found = [one for one in formats().values() if one.general is general and one.recognises(source)]
        if len(found) > 1:
            choices = "\n".join(f'  format="{one.name}": {one.title}' for one in found)
            raise InvalidInput(f"{_shown(source)} can be read in {len(found)} ways. Say which is meant:\n{choices}")
        if found and found[0].name == "folder" and (files := _manifests_in(source)):
            choices = "\n".join(f"  load_dataset({str(file)!r}): {title}" for file, title in files.items())
            raise InvalidInput(
                f"{_shown(source)} is a folder of audio with a manifest in it. Say which is meant:\n"
                f'{choices}\n  format="folder": {found[0].title}'
            )
        if found:
            return found[0]
    if files := _manifests_in(source):
        one = "Name it" if len(files) == 1 else "Name one of them"
        raise InvalidInput(f"{_shown(source)} is a folder of manifests. {one}: {named_few(f.name for f in files)}.")
    if said := _what_it_is(source):
        raise InvalidInput(said)
    listed = _listed(formats())
    raise InvalidInput(f"{_shown(source)} is no dataset in a form that is known.{_held(source)} These are:\n{listed}")


def _manifests_in(source: Any) -> dict[Path, str]:  # noqa: ANN401 - as above
    """Give the manifests at the top of a folder, sorted, each with what it is."""
    if not is_folder(source):
        return {}
    known = [formats()[name] for name in _MANIFESTS]
    files = sorted((file for file in islice(source.iterdir(), _LISTED) if file.suffix), key=lambda file: str(file.name))
    there = {file: next((one.title for one in known if one.recognises(file)), None) for file in files}
    return {file: title for file, title in there.items() if title is not None and not file.name.startswith(".")}


def _what_it_is(source: Any) -> str | None:  # noqa: ANN401 - as above
    """Say of what is often given in place of a dataset how to make one of it."""
    if source is None:
        return "There is nothing to load: None was given. Name a file or folder, or give a DataFrame."
    if isinstance(source, list | tuple):
        kind = type(source[0]).__name__ if source else "nothing"
        return (
            f"A list of {kind} is no dataset; one of links (https://...) is. Make a table of it, a row a recording: "
            "load_dataset(pandas.DataFrame(...))."
        )
    if is_file(source, *AUDIO_SUFFIXES):
        return (
            f"{_shown(source)} is one recording. Name the folder that it lies in; or give a table: "
            f"load_dataset(pandas.DataFrame({{'audio': [{source.name!r}]}}), audio_root={str(source.parent)!r})."
        )
    return None


def _listed(known: dict[str, Format]) -> str:
    return "\n".join(f"  {one.name}: {one.title}" for one in known.values())


def _shown(source: Any) -> str:  # noqa: ANN401 - as above
    if is_place(source):
        return shown(str(source)) if is_remote(str(source)) else str(source)
    return f"An object of type {type(source).__name__}"


def _held(source: Any) -> str:  # noqa: ANN401 - as above
    """Say what a folder holds, so that one sees what is missing."""
    if not is_folder(source):
        return ""
    names = sorted(child.name for child in islice(source.iterdir(), _LISTED))
    more = " ..." if len(names) > 8 else ""
    return f" The folder holds {', '.join(map(repr, names[:8]))}{more}." if names else " The folder is empty."
