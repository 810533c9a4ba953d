"""Writing manifests: what a format cannot hold is refused before a file is touched, and a file appears whole."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from asrlab import tables
from asrlab.data.cuts import with_joined
from asrlab.data.manifests.base import is_file_name
from asrlab.data.manifests.columns import ALIASES, renamed
from asrlab.data.manifests.files import counted, named_few
from asrlab.data.manifests.references import FORMS, SAID
from asrlab.data.places import is_here, is_remote
from asrlab.data.rows import rows_of
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import IO

    from asrlab.data.dataset import Dataset

#: What to do about what a format cannot hold.
TABLES: Final = 'Write it with format="tables", which holds everything.'
OUT: Final = f"{TABLES[:-1]}; or take it out: dataclasses.replace(dataset, terms=..., utterances=...)."
COPY: Final = "Write the audio too: write(..., copy_audio=True)."
_BREAKS: Final = r"[\n\r\t\0]"


@contextmanager
def new_file(path: Path, *, binary: bool = False) -> Iterator[IO[Any]]:
    """Open a file to write that takes its name, and the place of one that has it, when it is done.

    Parameters
    ----------
    path : Path
    binary : bool
        Whether it takes bytes; else text, written as UTF-8 as it is.

    Raises
    ------
    InvalidInput
        If it cannot be written, or a text holds half a surrogate pair.
    """
    half = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part") if is_here(path) else path
    try:
        if is_here(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        with half.open("wb") if binary else half.open("w", encoding="utf-8", newline="") as file:
            yield file
        if half is not path:
            half.replace(path)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written ({error.strerror or type(error).__name__}).") from error
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{path} is not written: a text holds half a surrogate pair, which is no text.") from error
    finally:
        if half is not path and os.path.lexists(half):
            half.unlink()


def save_lines(path: Path, lines: Iterable[str]) -> None:
    """Write lines to a text file, whole or not at all; see :func:`new_file`."""
    with new_file(path) as file:
        file.writelines(f"{line}\n" for line in lines)


def names_of(frame: pd.DataFrame) -> list[str]:
    """Give the names of a table's columns."""
    return [str(name) for name in frame.columns]


def refuse(wrong: Iterable[Any], what: str, has: str, remedy: str, *, of: str = "utterance") -> None:
    """Refuse to write what a format cannot hold, if there is any.

    Parameters
    ----------
    wrong : iterable
        Ids of those that have it.
    what : str
        The format, with its article: ``"A NeMo manifest"``.
    has : str
        What it cannot hold: ``"texts with ends of lines"``.
    remedy : str
        What to do, a sentence.
    of : str
        What the ids are of.

    Raises
    ------
    InvalidInput
        If there are; the message counts them and names a few.
    """
    ids = list(dict.fromkeys(map(str, wrong)))
    if ids:
        raise InvalidInput(f"{what} cannot hold {has} ({counted(len(ids), of)}: {named_few(map(repr, ids))}). {remedy}")


def bare(dataset: Dataset) -> str:
    """Tell how to leave out what few formats hold: a remedy for :func:`refuse`."""
    forms = sorted(dataset.references["form"].unique())
    chosen = f".select(form={forms[0]!r})" if len(forms) > 1 else ""
    return f"{TABLES[:-1]}; or leave it out: dataset{chosen}.bare()."


def check_said(
    dataset: Dataset, what: str, forms: Sequence[str] | None = None, *, alternatives: bool = False
) -> pd.DataFrame:
    """Refuse what is more than a text of each recording and form, and give what is said.

    Parameters
    ----------
    dataset : Dataset
        What is to be written.
    what : str
        As for :func:`refuse`.
    forms : sequence of str, optional
        Forms that have a place of their own there; if not given, one form of whatever name.
    alternatives : bool
        Whether it holds those.

    Raises
    ------
    InvalidInput
        If there are terms, segments, texts of several channels, other forms, alternatives, or further columns.
    """
    check_tables(dataset, what, None if forms is None or "unstated" in forms else OUT)
    said = dataset.references
    refuse(said["utt_id"][said["channel"] != 0], what, "texts of several channels", TABLES)
    if not alternatives:
        refuse(said["utt_id"][said["alternative"] != 0], what, "alternatives of a text", TABLES)
    more = [name for name in names_of(said) if name not in tables.SCHEMAS["references"]]
    for name in more:
        refuse(said["utt_id"][said[name].notna()], what, f"{name!r}, a further column of references", TABLES)
    there = sorted(said["form"].unique())
    held = there if forms is None else [form for form in there if form in forms]
    if len(there) > 1 and (forms is None or len(held) < len(there)):
        one = "one form" if forms is None else f"the form {' or '.join(forms)}"
        raise InvalidInput(
            f"{what} holds references of {one}, and {dataset.name} has {', '.join(there)}. Choose one: "
            f'dataset.select(form={(held or there)[0]!r}). Or write it with format="tables", which holds everything.'
        )
    if len(there) > len(held):
        remedy = bare(dataset)
        if forms != ("unstated",):
            named = f"dataset.references.assign(form={(forms or there)[0]!r})"
            remedy = f"{TABLES[:-1]}; or, if that is what they are: dataclasses.replace(dataset, references={named})."
        raise InvalidInput(
            f"{what} holds references of the form {' or '.join(forms or ())}, and those of {dataset.name} are "
            f"{there[0]}. {remedy}"
        )
    return said


def texts_of(
    dataset: Dataset, what: str, forms: Sequence[str] | None = None, *, lines: bool = True
) -> dict[str, dict[str, str]]:
    """Give what was said, for a format that holds a text of each recording.

    Parameters
    ----------
    dataset, what, forms
        As for :func:`check_said`.
    lines : bool
        Whether a text is a line, or a field of one.

    Returns
    -------
    dict of str to dict
        Form -> utt_id -> text; each of ``forms``, or the one that there is.

    Raises
    ------
    InvalidInput
        If there is more (see :func:`check_said`), or a text is not such a line.
    """
    said = check_said(dataset, what, forms)
    if lines:
        broken = said["utt_id"][said["text"].str.contains(_BREAKS)]
        refuse(broken, what, "texts with ends of lines or tabs", "Put blanks in their place.")
        edges = said["utt_id"][said["text"].str.strip() != said["text"]]
        refuse(edges, what, "texts that begin or end with blanks", "Strip them.")
    there = list(said["form"].unique()) or ["unstated"]
    found: dict[str, dict[str, str]] = {form: {} for form in forms or there}
    for utt_id, form, text in rows_of(said, "utt_id", "form", "text"):
        found[form][utt_id] = text
    return found


def with_texts(dataset: Dataset, what: str) -> pd.DataFrame:
    """Put a dataset in one table with a text an utterance, and one form of them all.

    Parameters
    ----------
    dataset, what
        As for :func:`check_said`.

    Returns
    -------
    DataFrame
        The utterances and a column ``text``, and ``form`` beside it unless that is ``unstated``.

    Raises
    ------
    InvalidInput
        If there is more, or a column that would be read as something else.
    """
    check_columns(dataset, ALIASES)
    ((form, said),) = texts_of(dataset, what, lines=False).items()
    table = dataset.utterances
    frame = table.assign(text=pd.array([said.get(utt_id) for utt_id in table["utt_id"]], dtype="string"))
    if form == "unstated":
        return frame
    if "form" in table:
        raise InvalidInput(
            f"The column 'form' of the utterances of {dataset.name} would be taken for {form}. Rename it."
        )
    return frame.assign(form=frame["text"].where(frame["text"].isna(), form))


def references_of(dataset: Dataset) -> list[Any]:
    """Give all references of each utterance, as a list of dicts; a text alone where that is all; None where none is."""
    more = [name for name in names_of(dataset.references) if name not in tables.SCHEMAS["references"]]
    found: dict[str, list[dict[str, Any]]] = {}
    usual = {"channel": 0, "form": "unstated", "alternative": 0}
    names = ["channel", "form", "alternative", "text", *more]
    for utt_id, *values in rows_of(dataset.references, "utt_id", *names):
        one = {name: value for name, value in zip(names, values, strict=True) if value not in (None, usual.get(name))}
        found.setdefault(utt_id, []).append({"text": "", **one})
    given = (found.get(utt_id) for utt_id in dataset.utterances["utt_id"])
    return [one[0]["text"] if one is not None and len(one) == 1 and set(one[0]) == {"text"} else one for one in given]


def only_segments(dataset: Dataset, what: str, kept: Collection[str] = ()) -> None:
    """Refuse all but segments, for a format that holds only those; lengths and the like are no loss.

    Parameters
    ----------
    dataset, what
        As for :func:`check_said`.
    kept : collection of str
        Further columns of segments that it holds.

    Raises
    ------
    InvalidInput
        If there are terms, further columns, or references that are not the joined texts of segments.
    """
    remedy = f"{TABLES[:-1]}; or leave them out: dataset.bare(segments=True)."
    if len(dataset.terms):
        raise InvalidInput(f"{what} cannot hold terms, which {dataset.name} has. {remedy}")
    only_columns(dataset, what, remedy=remedy)
    table = dataset.segments
    for name in names_of(table):
        if name not in tables.SCHEMAS["segments"] and name not in kept:
            refuse(table["segment"][table[name].notna()], what, f"the column {name!r}", TABLES, of="segment")
    forms = dataset.references["form"].unique()  # of the whole; segments are of no named form
    joined = with_joined(tables.empty("references"), table, form=str(forms[0]) if len(forms) == 1 else "unstated")
    names = names_of(joined)
    known = set(rows_of(joined, *names))
    other = (row[0] for row in rows_of(dataset.references, *names) if row not in known)
    refuse(
        other, what, "references that are more than the texts of its segments, joined",
        f"{TABLES[:-1]}; or leave them out: dataclasses.replace(dataset, references=lab.tables.empty(\"references\")).",
    )  # fmt: skip


def audio_of(dataset: Dataset, what: str, *, cuts: bool = False) -> dict[str, str]:
    """Give the path of each utterance's audio, for a format that has a file for each.

    Parameters
    ----------
    dataset, what
        As for :func:`check_said`.
    cuts : bool
        Whether it can say that an utterance is a part of its file.

    Raises
    ------
    InvalidInput
        If an utterance has no audio, a link, or is a part of its file where that cannot be said.
    """
    table = dataset.utterances
    refuse(table["utt_id"][table["audio"].isna()], what, "utterances without audio", "Leave them out.")
    if not cuts:
        whole_files(dataset, what, COPY)
    paths = dict(rows_of(table, "utt_id", "audio"))
    links = (utt_id for utt_id, path in paths.items() if is_remote(path))
    refuse(links, what, "links to audio", "Write jsonl, which holds links.")
    broken = (utt_id for utt_id, path in paths.items() if re.search(_BREAKS, path))
    refuse(broken, what, "names of files with tabs or ends of lines", COPY)
    return paths


def whole_files(dataset: Dataset, what: str, remedy: str) -> None:
    """Refuse utterances that are parts of their files."""
    for name in ("begin_s", "end_s", "channel"):
        if name in dataset.utterances:
            refuse(dataset.utterances["utt_id"][dataset.utterances[name].notna()], what, "parts of files", remedy)


def one_language(dataset: Dataset, what: str, language: str | None, remedy: str) -> None:
    """Refuse what would be read back as speech of another language.

    Raises
    ------
    InvalidInput
        If it would.
    """
    table = dataset.utterances
    if language is not None:
        other = table["utt_id"][(table["language"] != language).fillna(value=False)]
        refuse(other, what, f"recordings in another language than {language}", remedy)


def check_tables(dataset: Dataset, what: str, remedy: str | None = None) -> None:
    """Refuse terms and segments.

    Raises
    ------
    InvalidInput
        If there are some.
    """
    if len(dataset.terms):
        raise InvalidInput(f"{what} cannot hold terms, which {dataset.name} has. {remedy or bare(dataset)}")
    if len(dataset.segments):
        raise InvalidInput(
            f"{what} cannot hold segments, which {dataset.name} has. {TABLES} Or write dataset.segmented(), whose "
            "utterances they are."
        )


def check_single_table(dataset: Dataset, what: str) -> None:
    """Refuse what does not fit in one table with a row an utterance, for a format that is one.

    Raises
    ------
    InvalidInput
        If there are terms or segments, or a column of utterances that would be taken for their texts.
    """
    check_tables(dataset, what)
    check_columns(dataset, ALIASES)


def check_columns(dataset: Dataset, aliases: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse further columns of utterances that would be read as something else."""
    others = [*names_of(dataset.utterances), *(["text"] if aliases else [])]
    taken = {name: f"read as {ours}" for name, ours in renamed(others, {}, aliases).items() if name != ours}
    taken |= {name: "taken for what was said" for name in names_of(dataset.utterances) if name in SAID}
    if aliases and "form" in dataset.utterances and dataset.utterances["form"].isin(FORMS).any():
        taken["form"] = "taken for the form of what was said"
    for name, how in taken.items():
        raise InvalidInput(f"The column {name!r} of the utterances of {dataset.name} would be {how}. Rename it.")


def only_columns(dataset: Dataset, what: str, kept: Collection[str] = (), remedy: str | None = None) -> None:
    """Refuse tags and further columns of utterances that say something and are not kept.

    Raises
    ------
    InvalidInput
        If there are some.
    """
    table = dataset.utterances
    schema = {*tables.SCHEMAS["utterances"], "begin_s", "end_s", "channel", "sha256"} - {"tags"}
    for name in names_of(table):
        if name not in schema and name not in kept:
            refuse(table["utt_id"][table[name].notna()], what, f"the column {name!r}", remedy or bare(dataset))


def named_after(utterance: Mapping[str, Any], suffix: str) -> str:
    """Name the audio of an utterance by its id, for a format that finds it by that.

    Raises
    ------
    InvalidInput
        If the id cannot be the name of a file.
    """
    utt_id = str(utterance["utt_id"])
    if not is_file_name(utt_id):
        raise InvalidInput(f"The utt_id {utt_id!r} makes no name of a file. Rename it: letters, digits, - and _.")
    return f"{utt_id}{suffix}"
