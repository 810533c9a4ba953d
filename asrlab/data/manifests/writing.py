"""Writing manifests: what a format cannot hold is refused before a file is touched, and a file appears whole."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from asrlab import tables
from asrlab.data.manifests.columns import ALIASES, renamed
from asrlab.data.manifests.references import SAID
from asrlab.data.places import is_here
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import IO

    import pandas as pd

    from asrlab.data.dataset import Dataset


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


def plain_rows(frame: pd.DataFrame, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Give the rows of a table as plain values, None for what is missing."""
    listed = [frame[name].astype(object) for name in columns]
    return zip(*(column.where(column.notna(), None).to_list() for column in listed), strict=True)


def names_of(frame: pd.DataFrame) -> list[str]:
    """Give the names of a table's columns."""
    return [str(name) for name in frame.columns]


def texts_of(dataset: Dataset, what: str, remedy: str) -> list[str | None]:
    """Give what is said in each utterance, for a format that holds one text a recording and nothing else.

    Parameters
    ----------
    dataset : Dataset
    what : str
        The format, for messages: ``"A CSV table"``.
    remedy : str
        What to do about it, a sentence.

    Returns
    -------
    list of str or None
        In the order of the utterances; None where it is not known.

    Raises
    ------
    InvalidInput
        If there is more: several texts of a recording, a form, terms, segments.
    """
    check_single_table(dataset, what, remedy)
    said = dataset.references
    plain = (said["channel"].fillna(0) == 0) & (said["alternative"].fillna(0) == 0)
    plain &= said["form"].fillna("unstated") == "unstated"
    more = [name for name in names_of(said) if name not in tables.SCHEMAS["references"]]
    refuse(said["utt_id"], ~plain, what, "a channel, a form or an alternative of its reference", remedy)
    refuse(said["utt_id"], said[more].notna().any(axis=1), what, f"further columns of references {more}", remedy)
    return dataset.utterances["utt_id"].map(said.set_index("utt_id")["text"]).astype(object).pipe(_none_for_na)


def references_of(dataset: Dataset) -> list[Any]:
    """Give all references of each utterance, as a list of dicts; a text alone where that is all; None where none is."""
    more = [name for name in names_of(dataset.references) if name not in tables.SCHEMAS["references"]]
    found: dict[str, list[dict[str, Any]]] = {}
    usual = {"channel": 0, "form": "unstated", "alternative": 0}
    names = ["channel", "form", "alternative", "text", *more]
    for utt_id, *values in plain_rows(dataset.references, ["utt_id", *names]):
        one = {name: value for name, value in zip(names, values, strict=True) if value not in (None, usual.get(name))}
        found.setdefault(utt_id, []).append({"text": "", **one})
    given = (found.get(utt_id) for utt_id in dataset.utterances["utt_id"])
    return [one[0]["text"] if one is not None and len(one) == 1 and set(one[0]) == {"text"} else one for one in given]


def check_single_table(dataset: Dataset, what: str, remedy: str) -> None:
    """Refuse what does not fit in one table with a row an utterance, for a format that is one.

    Raises
    ------
    InvalidInput
        If there are terms or segments, or a column of utterances that would be taken for their texts.
    """
    for table in ("terms", "segments"):
        if len(getattr(dataset, table)):
            raise InvalidInput(f"{what} cannot hold the {table} of {dataset.name}. {remedy}")
    check_columns(dataset, ALIASES)


def check_columns(dataset: Dataset, aliases: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse further columns of utterances that would be read as something else."""
    others = [*names_of(dataset.utterances), *(["text"] if aliases else [])]
    taken = {name: f"read as {ours}" for name, ours in renamed(others, {}, aliases).items() if name != ours}
    taken |= {name: "taken for what was said" for name in names_of(dataset.utterances) if name in SAID}
    for name, how in taken.items():
        raise InvalidInput(f"The column {name!r} of the utterances of {dataset.name} would be {how}. Rename it.")


def refuse(ids: pd.Series, wrong: pd.Series, what: str, has: str, remedy: str) -> None:
    """Refuse utterances that a format cannot hold, naming the first."""
    wrong = wrong.fillna(value=False).astype(bool)
    if wrong.any():
        more = f" and {int(wrong.sum()) - 1} others" if wrong.sum() > 1 else ""
        raise InvalidInput(f"{what} cannot hold {has}, which {ids[wrong].iloc[0]!r}{more} has. {remedy}")


def _none_for_na(values: pd.Series) -> list[Any]:
    return values.where(values.notna(), None).to_list()
