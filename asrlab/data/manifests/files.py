"""Files of manifests: their lines as text, and the audio that they name without saying where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from asrlab import tables
from asrlab.data.cuts import with_joined
from asrlab.data.manifests.writing import new_file
from asrlab.data.places import is_here
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from asrlab.data.dataset import Dataset

#: How names of files end that may hold speech.
AUDIO_SUFFIXES: Final = frozenset({
    ".aac", ".aif", ".aiff", ".amr", ".au", ".avi", ".caf", ".flac", ".flv", ".gsm", ".m4a", ".m4b", ".mka", ".mkv",
    ".mov", ".mp3", ".mp4", ".mpeg", ".mpg", ".nist", ".oga", ".ogg", ".opus", ".sph", ".w64", ".wav", ".webm", ".wma",
    ".wmv",
})  # fmt: skip
_DEEPEST: Final = 16  # folders within folders
_SNIFFED: Final = 1 << 16  # bytes that telling a format from another may read


def text_lines(file: Path) -> Iterator[tuple[int, str]]:
    """Read a text file line by line, each with its number from 1 and without its end.

    Raises
    ------
    InvalidInput
        If the file is missing, or a line is not UTF-8; the message names it.
    """
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise InvalidInput(
                        f"{file}, line {number}: this is not UTF-8 ({error.reason} at byte {error.start} of the line). "
                        "Save the file as UTF-8."
                    ) from None
                yield number, text.rstrip("\r\n")
    except OSError as error:
        raise InvalidInput(
            f"{file} cannot be read ({error.strerror or type(error).__name__}). Check the path."
        ) from error


def first_lines(file: Path) -> list[str]:
    """Give the first whole lines of a file, of 64 KB at most; none where it cannot be read, or is no UTF-8 text."""
    try:
        with file.open("rb") as source:
            head = source.read(_SNIFFED)
        if len(head) == _SNIFFED:
            head = head[: head.rfind(b"\n") + 1]
        return head.decode("utf-8-sig").splitlines()
    except (OSError, ValueError):
        return []


def files_below(folder: Path, suffixes: frozenset[str], depth: int = _DEEPEST) -> Iterator[Path]:
    """Go through the files with some endings in a folder and the folders in it, but not behind links to folders.

    Raises
    ------
    InvalidInput
        If a folder cannot be looked into.
    """
    try:
        listed = sorted(folder.iterdir(), key=lambda path: path.name)
    except OSError as error:
        raise InvalidInput(f"{folder} is no folder that can be looked into ({error.strerror}). Check it.") from error
    for path in listed:
        if path.suffix.lower() in suffixes:
            if path.is_file():
                yield path
        elif depth and not path.name.startswith(".") and path.is_dir() and not (is_here(path) and path.is_symlink()):
            yield from files_below(path, suffixes, depth - 1)


def find_audio(names: Iterable[str], manifest: Path, root: Path | None) -> dict[str, str]:
    """Find the audio files that a manifest names without their folder and, mostly, without their ending.

    Parameters
    ----------
    names : iterable of str
        What it calls them: ``"sw02001"`` is ``sw02001.wav`` as well as ``sw02001.flac``.
    manifest : Path
        The manifest: its folder is looked into, and no folder in that.
    root : Path, optional
        Folder given by the user: it is looked into instead, with all folders in it.

    Returns
    -------
    dict of str to str
        Path of each that was found, relative to the folder.

    Raises
    ------
    InvalidInput
        If there are two files for one name.
    """
    wanted = set(names)
    found: dict[str, str] = {}
    folder = manifest.parent if root is None else root
    for path in files_below(folder, AUDIO_SUFFIXES, _DEEPEST if root is not None else 0):
        for name in {path.name, path.stem} & wanted:
            here = path.relative_to(folder).as_posix()
            if name in found:
                raise InvalidInput(
                    f"{manifest} names {name}, and {folder} has {found[name]} and {here}. Leave one of them, or name "
                    "the folder that is meant: load_dataset(..., audio_root=...)."
                )
            found[name] = here
    return found


def named_few(names: Iterable[str], most: int = 5) -> str:
    """Name the first few of many."""
    listed = list(names)
    return ", ".join(listed[:most]) + (" ..." if len(listed) > most else "")


def without_audio(names: Iterable[str], found: dict[str, str], where: Path) -> tuple[str, ...]:
    """Remark what has no audio."""
    gone = [name for name in names if name not in found]
    if not gone:
        return ()
    return (
        f"{len(gone)} recordings have no audio file of their name in {where} ({named_few(gone)}); name the folder "
        "where it is with audio_root=.",
    )


def named_after(utterance: Mapping[str, Any], suffix: str) -> str:
    """Name the audio of an utterance by its id, for a format that finds it by that.

    Raises
    ------
    InvalidInput
        If the id cannot be the name of a file.
    """
    utt_id = str(utterance["utt_id"])
    if not utt_id.strip(". ") or set(utt_id) & set('/\\\0:*?"<>|\n\r\t'):
        raise InvalidInput(f"The utt_id {utt_id!r} makes no name of a file. Rename it: letters, digits, - and _.")
    return f"{utt_id}{suffix}"


def refuse_other_references(dataset: Dataset, what: str) -> None:
    """Refuse references that are more than the texts of the segments, joined, for a format that holds only those.

    Raises
    ------
    InvalidInput
        If there are some.
    """
    joined = with_joined(tables.empty("references"), dataset.segments)
    known = set(joined[list(joined.columns)].itertuples(index=False, name=None))
    other = [
        row[0]
        for row in dataset.references[list(joined.columns)].itertuples(index=False, name=None)
        if row not in known
    ]
    if other:
        raise InvalidInput(
            f"{what} holds the texts of segments, and {len(other)} references of {dataset.name} are others "
            f"({named_few(dict.fromkeys(other))}). Write jsonl; or leave them out: dataclasses.replace(dataset, "
            'references=lab.tables.empty("references")).'
        )


def save_lines(path: Path, lines: Iterable[str]) -> None:
    """Write lines to a text file, whole or not at all; see :func:`asrlab.data.manifests.writing.new_file`."""
    with new_file(path) as file:
        file.writelines(f"{line}\n" for line in lines)
