"""Manifests: one module a format, each with a reader and, where it makes sense, a writer."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from asrlab.data.manifests.base import is_folder
from asrlab.data.places import is_place, is_remote
from asrlab.data.remote import shown
from asrlab.errors import InvalidInput
from asrlab.suggest import suggestion

if TYPE_CHECKING:
    from asrlab.data.manifests.base import Format

_HOMES: Final = (
    "jsonl", "separated", "parquet", "frames", "nemo", "batch", "kaldi", "librispeech", "commonvoice", "aishell",
    "fleurs", "sidecars", "sclite", "subtitles", "lhotse", "huggingface",
)  # fmt: skip


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
        If nothing recognises it, or several formats do; the message lists them.
    """
    for general in (False, True):
        found = [one for one in formats().values() if one.general is general and one.recognises(source)]
        if len(found) > 1:
            choices = "\n".join(f'  format="{one.name}": {one.title}' for one in found)
            raise InvalidInput(f"{_shown(source)} can be read in {len(found)} ways. Say which is meant:\n{choices}")
        if found:
            return found[0]
    listed = _listed(formats())
    raise InvalidInput(f"{_shown(source)} is no dataset in a form that is known.{_held(source)} These are:\n{listed}")


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
    names = sorted(child.name for child in islice(source.iterdir(), 200))
    more = " ..." if len(names) > 8 else ""
    return f" The folder holds {', '.join(map(repr, names[:8]))}{more}." if names else " The folder is empty."
