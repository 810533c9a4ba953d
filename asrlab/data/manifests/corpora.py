"""What corpora have in common: a transcript of many recordings, a file for each, and much that they cannot say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from asrlab.data.manifests.files import AUDIO_SUFFIXES, files_below, named_few
from asrlab.data.places import is_remote
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from asrlab.data.dataset import Dataset
    from asrlab.data.manifests.base import Options


def no_columns(source: object, options: Options) -> None:
    """Refuse names of columns that the user gave for a corpus that has none.

    Raises
    ------
    InvalidInput
        If there are any.
    """
    if options.columns:
        raise InvalidInput(f"{source} has no named columns, so that columns= has nothing to name. Leave it out.")


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
        yield f"{len(lost)} lines of {transcript} have no audio file and were left out ({named_few(lost)})."
    if mute := sorted(heard - said):
        yield f"{len(mute)} audio files have no line in {transcript}, and so no reference ({named_few(mute)})."


def refuse(wrong: Iterable[Any], title: str, what: str, remedy: str) -> None:
    """Refuse to write utterances, if there are any to be refused.

    Raises
    ------
    InvalidInput
        If there are; the message counts them and names a few.
    """
    ids = list(dict.fromkeys(map(str, wrong)))
    if ids:
        raise InvalidInput(
            f"{len(ids)} utterances cannot be written as {title}, because {what}: {named_few(ids)}. {remedy}"
        )


def texts_of(dataset: Dataset, title: str, forms: Sequence[str] | None = None) -> dict[str, dict[str, str]]:
    """Give what was said, for a corpus with a line for each text.

    Parameters
    ----------
    dataset : Dataset
        What is to be written.
    title : str
        What as, for messages.
    forms : sequence of str, optional
        Forms that have a place of their own there; if not given, one form of whatever name.

    Returns
    -------
    dict of str to dict
        Form -> utt_id -> text; each of ``forms``, or the one that there is under the name ``""``.

    Raises
    ------
    InvalidInput
        If there are segments, texts of several channels, alternatives, other forms, or texts of several lines.
    """
    if len(dataset.segments):
        raise InvalidInput(
            f"{dataset.name} has segments, which {title} cannot hold. Write dataset.segmented(), or choose another "
            "format (jsonl, stm)."
        )
    said = dataset.references
    other = said["utt_id"][(said["channel"] != 0) | (said["alternative"] != 0)]
    refuse(other, title, "it has one text an utterance, and not one a channel or alternatives", "Write jsonl.")
    there = list(said["form"].unique())
    if forms is None and len(there) > 1:
        raise InvalidInput(
            f"{dataset.name} has references in several forms ({', '.join(sorted(there))}), and {title} holds one. Keep "
            "one of them, or write jsonl."
        )
    if unknown := [] if forms is None else sorted(set(there) - set(forms)):
        raise InvalidInput(
            f"{dataset.name} has references of the form {unknown[0]}, and {title} holds {' and '.join(forms or ())}. "
            "Give them one of these forms, leave them out, or write jsonl."
        )
    broken = said["utt_id"][said["text"].str.contains(r"[\n\r\t\0]")]
    refuse(broken, title, "their texts hold ends of lines or tabs", "Put blanks in their place.")
    edges = said["utt_id"][said["text"].str.strip() != said["text"]]
    refuse(edges, title, "their texts begin or end with blanks, which it does not keep", "Strip them.")
    found: dict[str, dict[str, str]] = {form: {} for form in forms or ("",)}
    for utt_id, form, text in zip(said["utt_id"], said["form"], said["text"], strict=True):
        found["" if forms is None else form][utt_id] = text
    return found


def audio_of(dataset: Dataset, title: str, *, cuts: bool = False) -> dict[str, str]:
    """Give the path of each utterance's audio, for a corpus that has a file for each.

    Parameters
    ----------
    dataset, title
        As for :func:`texts_of`.
    cuts : bool
        Whether the corpus can say that an utterance is a part of its file.

    Raises
    ------
    InvalidInput
        If an utterance has no audio, a link, or is a part of its file where that cannot be said.
    """
    table = dataset.utterances
    refuse(table["utt_id"][table["audio"].isna()], title, "they have no audio", "Leave them out.")
    remedy = "Write the audio too: write(..., copy_audio=True)."
    if not cuts:
        for name in ("begin_s", "end_s", "channel"):
            if name in table:
                refuse(table["utt_id"][table[name].notna()], title, "they are parts of files", remedy)
    paths = dict(zip(table["utt_id"], table["audio"], strict=True))
    links = (utt_id for utt_id, path in paths.items() if is_remote(path))
    refuse(links, title, "their audio is a link", "Write jsonl, which holds links.")
    broken = (utt_id for utt_id, path in paths.items() if re.search(r"[\n\r\t\0]", path))
    refuse(broken, title, "the names of their files hold tabs or ends of lines", remedy)
    return paths


def one_language(dataset: Dataset, title: str, language: str | None, remedy: str) -> None:
    """Refuse what would be read back as speech of another language.

    Raises
    ------
    InvalidInput
        If it would.
    """
    table = dataset.utterances
    if language is not None:
        other = table["utt_id"][(table["language"] != language).fillna(value=False)]
        refuse(other, title, f"it is for recordings in {language}", remedy)
