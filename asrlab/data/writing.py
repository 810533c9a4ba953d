"""Writing datasets: in any format that is written, with their audio or without."""

from __future__ import annotations

import filecmp
import os
import shutil
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pandas as pd

from asrlab.data.links import shown
from asrlab.data.manifests import format_named, formats
from asrlab.data.places import at_once, is_here, is_remote, local_copy, place, present, put, ways_to
from asrlab.data.rows import rows_of
from asrlab.data.spread import reporter
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from asrlab.data.dataset import Dataset
    from asrlab.data.manifests.base import Format
    from asrlab.data.spread import Progress
    from asrlab.executors import Where

_BY_SUFFIX: Final = {
    ".jsonl": "jsonl", ".csv": "csv", ".tsv": "tsv", ".parquet": "parquet", ".stm": "stm", ".ctm": "ctm", ".trn": "trn",
    ".srt": "srt", ".vtt": "vtt",
}  # fmt: skip
_CUT: Final = ("begin_s", "end_s", "channel", "sha256", "parts", "gap_s")


def write(
    dataset: Dataset,
    path: str | os.PathLike[str],
    format: str | None = None,  # noqa: A002 - as for load_dataset
    *,
    copy_audio: bool = False,
    executor: Where = None,
    progress: Progress = True,
) -> Path:
    """Write a dataset.

    Parameters
    ----------
    dataset : Dataset
        What is written.
    path : path or URL
        File or folder, as the format has it; made if it is not there. Or a URL that fsspec writes to, such as
        ``"s3://bucket/corpus"``: recordings are written first, then what names them. A bucket is not made.
    format : str, optional
        As for :func:`asrlab.load_dataset`; by the ending of the path if not given, else asrlab's own folder.
    copy_audio : bool
        Write the recordings too, below the same folder: files as they are, what is made (cuts, perturbed or joined
        recordings) as FLAC. Otherwise paths stay relative where the audio lies below the folder, and become absolute
        where it does not: name its folder then to read it again (``audio_root=``).
    executor : Executor or distributed.Client, optional
        With ``copy_audio``: where recordings are made that are made from others, as for :meth:`Dataset.make`. The
        caller writes them.
    progress : bool or callable
        With ``copy_audio``: show on the standard error output how many recordings were made and written; or a function
        that is called with their number and that of all.

    Returns
    -------
    Path
        What was written, to be given to :func:`asrlab.load_dataset`.

    Raises
    ------
    InvalidInput
        If the format is not written, or cannot hold what is in the dataset; the message says what. The manifest was not
        written then. If the place cannot be written to.
    """
    path = place(path)
    if format is None and path.suffix and path.suffix.lower() not in _BY_SUFFIX and not path.is_dir():
        raise InvalidInput(f"No format is written to files that end in {path.suffix}. Say which with format=...")
    chosen = format_named(_BY_SUFFIX.get(path.suffix.lower(), "tables") if format is None else format)
    if not chosen.written:
        written = ", ".join(name for name, one in formats().items() if one.written)
        raise InvalidInput(f"A {chosen.title} is read here and not written. These are: {written}.")
    folder = path.parent if chosen.is_file and path.suffix else path  # subtitles are a file, or a folder of them
    if copy_audio:
        named, sources = _named(dataset, folder, chosen)
        _try(named, path, chosen)
        dataset.make(executor, progress=progress)
        files = [
            (partial(dataset.audio_path, utt_id), utt_id, _below(folder, name)) for name, utt_id in sources.items()
        ]
        there = present(target for _, _, target in files)
        checked = at_once(partial(_is_new, there), files)
        new = [one for one, is_new in zip(files, checked, strict=True) if is_new]
        report = reporter(progress, "written")
        for done, _ in enumerate(at_once(_copy, new), 1):
            report(done, len(new))
    elif dataset.is_made:
        raise InvalidInput(
            f"The recordings of {dataset.name} are made from others, which a manifest cannot say. Write them too: "
            "write(..., copy_audio=True)."
        )
    else:
        named = replace(dataset, utterances=dataset.utterances.assign(audio=_seen_from(dataset, folder)))
        _try(named, path, chosen)
    if not is_here(path):
        _write_there(named, path, chosen)
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        chosen.write(named, path)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written ({error.strerror}). Name another place.") from error
    return path


def _write_there(dataset: Dataset, path: Path, chosen: Format) -> None:
    """Write the manifest to a URL: here first, so that each of its files is put there as a whole."""
    with tempfile.TemporaryDirectory(prefix="asrlab-") as scratch:
        written = Path(scratch) / path.name
        if not chosen.is_file:
            written.mkdir()
        chosen.write(dataset, written)
        for file in sorted(file for file in Path(scratch).rglob("*") if file.is_file()):
            put(file, _below(path.parent, file.relative_to(scratch).as_posix()))


def _below(folder: Path, name: str) -> Path:
    return folder.joinpath(*PurePosixPath(name).parts)


def _try(dataset: Dataset, path: Path, chosen: Format) -> None:
    """Write only the manifest, elsewhere, so that what it cannot hold is said before audio is written."""
    with tempfile.TemporaryDirectory(prefix="asrlab-") as scratch:
        trial = Path(scratch) / path.name
        if not chosen.is_file:
            trial.mkdir()
        chosen.write(dataset, trial)
        names = [] if trial.is_file() else [file.relative_to(trial) for file in trial.rglob("*") if file.is_file()]
    if there := present(_below(path, name.as_posix()) for name in names):
        first = min(one.name for one in there)
        raise InvalidInput(f"{_shown(path)} has a {first} already, and two datasets are not mixed. Name a new folder.")


def _seen_from(dataset: Dataset, folder: Path) -> pd.Series:
    """Name the audio as seen from another folder."""
    named = dataset.utterances["audio"]
    root = dataset.audio_root or dataset.folder
    if root is None:
        return named
    files = named[named.notna()]
    files = files[~files.map(is_remote).astype(bool)]
    if not is_here(root):
        return named.where(~named.index.isin(files.index), shown(str(root)).rstrip("/") + "/" + named)
    for way in ways_to(root):  # a set made by hand may have absolute paths
        files = files.str.removeprefix(f"{way.rstrip('/')}/")
    named = named.copy()
    named[files.index] = files
    start = os.path.relpath(root.resolve(), folder.resolve()) if is_here(folder) else ".."
    if start == ".":
        return named
    absolute = start.startswith("..")
    prefix = root.resolve().as_posix() if absolute else Path(start).as_posix()
    return named.where(~named.index.isin(files.index), prefix + "/" + named)


def _named(dataset: Dataset, folder: Path, chosen: Format) -> tuple[Dataset, dict[str, str]]:
    """Give the dataset as it will be with its recordings below a folder, and whose recording each file is."""
    names: list[Any] = []
    sources: dict[str, str] = {}
    taken: dict[str, str] = {}
    columns = [str(name) for name in dataset.utterances]
    for row in rows_of(dataset.utterances, *columns):
        utterance = dict(zip(columns, row, strict=True))
        utt_id = str(utterance["utt_id"])
        if utterance["audio"] is None and not dataset.is_made:
            names.append(None)
            continue
        if (link := dataset.link(utt_id)) is not None:
            names.append(link)
            continue
        suffix = ".flac" if dataset.makes(utt_id) else PurePosixPath(utterance["audio"]).suffix.lower()
        name = chosen.place_of(utterance, suffix)
        if name.lower() in taken:
            raise InvalidInput(f"{utt_id!r} and {taken[name.lower()]!r} would both be {name}. Rename one.")
        taken[name.lower()] = utt_id
        sources[name] = utt_id
        names.append(name)
    utterances = dataset.utterances.assign(audio=pd.array(names, dtype="string"))
    utterances = utterances.drop(columns=[name for name in _CUT if name in utterances])
    named = replace(dataset, utterances=utterances, audio_root=folder, folder=folder, _recipes=(), _whole=None)
    return named, sources


_Copied: TypeAlias = "tuple[Callable[[], Path], str, Path]"
"""Gives a recording; whose it is; where it is copied to."""


def _is_new(there: set[Path], one: _Copied) -> bool:
    """Whether a recording is not there yet; what cannot be copied is refused, before anything is."""
    give, utt_id, target = one
    source = give()
    if not source.is_file():
        raise InvalidInput(f"The recording of {utt_id} is not there: {source}. Mend the manifest, or leave it out.")
    try:
        if target not in there:
            return True
        if not filecmp.cmp(source, local_copy(target), shallow=False):
            raise InvalidInput(f"{_shown(target)} is there already and is another recording. Write to a new folder.")
    except OSError as error:
        raise InvalidInput(f"{utt_id!r} makes no name of a file here ({error.strerror}). Rename it.") from error
    return False


def _copy(one: _Copied) -> None:
    give, _, target = one
    source = give()
    if not is_here(target):
        put(source, target)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, half = tempfile.mkstemp(dir=target.parent)
    os.close(handle)
    try:
        shutil.copyfile(source, half)
        Path(half).replace(target)
    except BaseException:
        Path(half).unlink(missing_ok=True)
        raise


def _shown(path: Path) -> str:
    return str(path) if is_here(path) else shown(str(path))
