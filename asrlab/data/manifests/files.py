"""Trees of files as they are read: lines of text, folders, the audio that lies there, and what to say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from asrlab.data.places import is_here
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

    from asrlab.data.manifests.base import Options

#: How names of files end that may hold speech.
AUDIO_SUFFIXES: Final = frozenset({
    ".aac", ".aif", ".aiff", ".amr", ".au", ".avi", ".caf", ".flac", ".flv", ".gsm", ".m4a", ".m4b", ".mka", ".mkv",
    ".mov", ".mp3", ".mp4", ".mpeg", ".mpg", ".nist", ".oga", ".ogg", ".opus", ".sph", ".w64", ".wav", ".webm", ".wma",
    ".wmv",
})  # fmt: skip
_DEEPEST: Final = 16  # folders within folders
_SNIFFED: Final = 1 << 16  # bytes that telling a format from another may read


def no_columns(source: object, options: Options) -> None:
    """Refuse names of columns that the user gave for a corpus that has none.

    Raises
    ------
    InvalidInput
        If there are any.
    """
    if options.columns:
        raise InvalidInput(f"{source} has no named columns, so that columns= has nothing to name. Leave it out.")


def text_lines(file: Path, *, ends: bool = False) -> Iterator[tuple[int, str]]:
    """Read a text file line by line, each with its number from 1.

    Parameters
    ----------
    file : Path
        UTF-8, with or without a byte order mark.
    ends : bool
        Whether lines keep their ends.

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
                yield number, text if ends else text.rstrip("\r\n")
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


def folders_in(folder: Path, named: Callable[[str], object] = bool) -> Iterator[Path]:
    """Go through the folders in a folder, sorted; hidden ones are passed over.

    Parameters
    ----------
    folder : Path
    named : callable
        Whether a name is wanted. What is not is not looked at: there may be a million.

    Raises
    ------
    InvalidInput
        If it cannot be looked into.
    """
    try:
        wanted = [path for path in folder.iterdir() if not path.name.startswith(".") and named(path.name)]
    except OSError as error:
        raise InvalidInput(f"{folder} cannot be looked into ({error.strerror}). Check the path.") from error
    yield from (path for path in sorted(wanted, key=lambda path: path.name) if path.is_dir())


def audio_below(folder: Path, root: Path) -> dict[str, str]:
    """Find the audio files of a folder and those in it.

    Returns
    -------
    dict of str to str
        Name without its ending -> path relative to ``root``.

    Raises
    ------
    InvalidInput
        If two have one name, or the folder cannot be looked into.
    """
    return by_stem(files_below(folder, AUDIO_SUFFIXES), root, folder)


def by_stem(files: Iterable[Path], root: Path, folder: Path) -> dict[str, str]:
    """Arrange files by their names without endings; see :func:`audio_below`."""
    found: dict[str, str] = {}
    try:
        for file in files:
            here = file.relative_to(root).as_posix()
            if file.stem in found:
                raise InvalidInput(f"{root} has {found[file.stem]} and {here} for one utterance. Leave one of them.")
            found[file.stem] = here
    except OSError as error:
        raise InvalidInput(f"{folder} cannot be looked into ({error.strerror}). Check the path.") from error
    return found


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


def counted(number: int, noun: str) -> str:
    """Count something, in words: ``"1 file"``, ``"2,000 files"``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def unmatched(texts: Collection[str], audio: Collection[str], transcript: str) -> Iterator[str]:
    """Remark what has only one of audio and text.

    Parameters
    ----------
    texts, audio : collection of str
        Ids that have one.
    transcript : str
        What the texts stand in, for the remark.
    """
    said, heard = set(texts), set(audio)
    if lost := sorted(said - heard):
        yield f"Left out: {counted(len(lost), 'line')} of {transcript} without an audio file ({named_few(lost)})."
    if mute := sorted(heard - said):
        yield f"No reference: {counted(len(mute), 'audio file')} with no line in {transcript} ({named_few(mute)})."


def without_audio(names: Iterable[str], found: dict[str, str], where: Path) -> tuple[str, ...]:
    """Remark what has no audio."""
    gone = [name for name in names if name not in found]
    if not gone:
        return ()
    return (
        f"Without audio: {counted(len(gone), 'recording')} with no file of the name in {where} ({named_few(gone)}). "
        "Name the folder where it is with audio_root=.",
    )
