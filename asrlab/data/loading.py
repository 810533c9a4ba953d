"""Loading: whatever a dataset is written in, recognised and read."""

from __future__ import annotations

import re
from dataclasses import replace
from os import PathLike
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from asrlab.data.archives import MAX_BYTES, is_archive, unpacked
from asrlab.data.dataset import Dataset
from asrlab.data.links import shown
from asrlab.data.manifests import format_named, recognise
from asrlab.data.manifests.base import Manifest, Options
from asrlab.data.places import (
    LEADS_OUT,
    LINK,
    exists,
    is_here,
    is_place,
    is_remote,
    local_copy,
    place,
    ways_to,
    without_secrets,
)
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_OWN: Final = "tables"
_HASH: Final = re.compile("[0-9a-f]{40,}")  # the folder that an archive was unpacked to


def load_dataset(
    source: Any,  # noqa: ANN401 - a path, or an object that holds a dataset
    *,
    format: str | None = None,  # noqa: A002 - what it is called everywhere
    columns: Mapping[str, str] | None = None,
    language: str | None = None,
    audio_root: str | PathLike[str] | None = None,
    name: str | None = None,
) -> Dataset:
    """Load a dataset, in whatever form it is.

    No audio is read: lengths that the manifest does not give are not known until :meth:`Dataset.measure` or a plan
    finds them out.

    Parameters
    ----------
    source : path, URL or object
        A file or folder, or an archive of one (``.zip``, ``.tar``, ``.tar.gz`` ...), on this machine or behind any URL
        that fsspec knows; or a DataFrame, a list of URLs, or a dataset of Hugging Face. What it is written in is
        recognised:

        =======================  ================================================================================
        ``tables``               asrlab's own folder (``utterances.jsonl``, ``references.jsonl`` ...), or its manifest
        ``jsonl``                one manifest of JSON lines
        ``csv`` ``tsv``          a table of text with a header
        ``parquet``              a table
        ``frame``                a DataFrame
        ``nemo``                 NeMo manifest
        ``kaldi``                Kaldi data folder
        ``librispeech``          LibriSpeech tree
        ``mls``                  Multilingual LibriSpeech tree
        ``commonvoice``          Common Voice TSV
        ``aishell``              AISHELL tree
        ``fleurs``               FLEURS TSV
        ``lhotse``               Lhotse CutSet
        ``huggingface``          dataset of Hugging Face
        ``folder``               a folder of audio, with text beside it
        ``stm`` ``ctm`` ``trn``  NIST's forms of references
        ``srt`` ``vtt``          subtitles
        ``urls``                 links, as the service is given them
        =======================  ================================================================================

        Nothing outside of its folder is read, whatever it says.
    format : str, optional
        One of these, where it is not to be recognised.
    columns : mapping, optional
        Name of a column there -> name of ours, such as ``{"wav": "audio", "said": "text"}``; see
        :data:`asrlab.tables.SCHEMAS`, and ``text`` for what was said. Others are kept.
    language : str, optional
        Language of the recordings that the manifest states none of.
    audio_root : path or URL, optional
        Folder that audio paths are relative to; the folder of the manifest if not given. No path may lead out of it.
    name : str, optional
        Name for the set, in place of the file's or folder's.

    Returns
    -------
    Dataset
        Its ``read_as`` says how it was read, its ``remarks`` what was left out or taken otherwise.

    Raises
    ------
    InvalidInput
        If there is nothing to load, it can be read in several ways (the message lists them), or a row cannot be used;
        the message names it.
    MissingExtra
        If a package is missing that reads it.

    Examples
    --------
    >>> load_dataset("datasets/dictation")  # doctest: +SKIP
    <Dataset dictation: 64 utterances, en zh, 6.2 min>
    """
    try:
        return _loaded(source, format, Options(None, language, dict(columns or {})), audio_root, name)
    except InvalidInput as error:
        named = [one for one in (source, audio_root) if isinstance(one, str | PathLike) or is_place(one)]
        urls = [str(one) for one in named if is_remote(str(one))]
        if not urls:
            raise
        raise type(error)(without_secrets(str(error), urls)) from None


def _loaded(
    source: Any,  # noqa: ANN401 - as above
    format: str | None,  # noqa: A002 - as above
    options: Options,
    audio_root: str | PathLike[str] | None,
    name: str | None,
) -> Dataset:
    root = None if audio_root is None else place(audio_root)
    found = place(source) if isinstance(source, str | PathLike) else source
    packed = is_place(found) and is_archive(found)
    if is_place(found):
        found = _there(found)
    chosen = recognise(found) if format is None else format_named(format)
    manifest = chosen.read(found, replace(options, audio_root=root))
    manifest = _below(manifest, root)
    return Dataset(
        name or (_stem(str(source)) if packed and _HASH.fullmatch(manifest.name) else manifest.name),
        manifest.utterances,
        manifest.references,
        manifest.terms,
        manifest.folder,
        manifest.audio_root if root is None else root,
        segments=manifest.segments,
        read_as=None if chosen.name == _OWN else chosen.name,
        remarks=manifest.remarks,
    )


def _there(path: Path) -> Path:
    """Give what is to be read: the path, or the folder of what is in an archive."""
    try:
        there = exists(path)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be looked at ({error.strerror}). Check the path.") from error
    if not there:
        raise InvalidInput(f"There is no {shown(str(path)) if not is_here(path) else path}. Check the path.")
    return unpacked(local_copy(path, MAX_BYTES)) if is_archive(path) else path


def _below(manifest: Manifest, root: Path | None) -> Manifest:
    """Make absolute paths relative to the audio's folder, and refuse those that lead out of it.

    Links that a service fetches by itself are let be. Other URLs are paths: a manifest from elsewhere must not make
    this machine read what its author cannot.
    """
    folder = root or manifest.audio_root
    named = manifest.utterances["audio"]
    paths = named[named.notna()]
    paths = paths[~paths.str.match(LINK)]
    if not len(paths):
        return manifest
    relative = paths
    for start in ways_to(folder):
        relative = relative.str.removeprefix(f"{start.rstrip('/')}/")
    wrong = relative.str.contains(LEADS_OUT).to_numpy(bool)
    if wrong.any():
        first = manifest.utterances.loc[relative.index[wrong][0]]
        if folder is None:
            raise InvalidInput(
                f"{first['utt_id']} has the absolute path {first['audio']!r}. Name a folder that all lie below: "
                "load_dataset(..., audio_root=...)."
            )
        raise InvalidInput(
            f"{int(wrong.sum())} utterances have audio outside {folder}: {first['utt_id']} has "
            f"{shown(first['audio']) if is_remote(first['audio']) else first['audio']!r}. Paths are relative to that "
            "folder, or absolute and below it, with forward slashes and without .. in them. If the audio lies "
            "elsewhere, name its folder: load_dataset(..., audio_root=...)."
        )
    audio = named.copy()
    audio[relative.index] = relative
    return replace(manifest, utterances=manifest.utterances.assign(audio=audio))


def _stem(source: str) -> str:
    name = PurePosixPath(urlsplit(source).path if is_remote(source) else source).name
    return re.sub(r"(?i)\.(?:zip|tar|tgz|tar\.[a-z0-9]+)$", "", name)
