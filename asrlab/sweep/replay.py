"""Replays: a run as one text file, to commit beside a notebook.

The first line says what the file is, every other line holds one asking with its answer, sorted. When one transcript
changes, one line changes. Each line carries a digest of itself, and the first line counts the lines and names the
questions and their order, so an edit by hand or a merge gone wrong is noticed.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from asrlab.data.manifests.jsonl import json_lines
from asrlab.data.places import is_here
from asrlab.errors import InvalidInput, StoreError
from asrlab.sweep.store import Store, located
from asrlab.sweep.store.objects import here, write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from asrlab.sweep.store import Asking

FORMAT: Final = 2
_HEADER: Final = "asrlab_replay"
#: A file that changed a moment ago may change again at what the clock of the disk takes for the same time.
_SETTLED_NS: Final = 10**9
_KEPT: Final = 10**7  # bytes of the largest replay that is kept in memory


def write_replay(path: str | Path, store: Store, askings: Iterable[Asking], meta: Mapping[str, Any]) -> Path:
    """Write a run as a replay; the file's name never holds half of one.

    Parameters
    ----------
    path : path
        A ``.jsonl`` file, or its URL; replaced if it is there.
    store : Store
        Where the answers are.
    askings : iterable of Asking
        What is written of it.
    meta : mapping
        Facts about the sweep, each a JSON value.

    Raises
    ------
    StoreError
        If the name does not end in ``.jsonl`` or the file cannot be written.
    """
    target = located(path)
    if target.suffix != ".jsonl":
        raise StoreError(f"A replay is a .jsonl file; {target} would not be found again as one. Change its name.")
    asked = list(store.records(askings))
    places = sorted(range(len(asked)), key=lambda place: _place(asked[place]))
    records = [asked[place] for place in places]
    line_of = {place: line for line, place in enumerate(places)}
    header = {
        _HEADER: FORMAT,
        "rows": len(records),
        "questions": _questions(records),
        "order": [line_of[place] for place in range(len(asked))],
        "meta": dict(meta),
        "runs": store.runs(),
    }
    lines = (_line({**value, "digest": _digest(value)}) for value in [header, *records])
    if not is_here(target):
        write_file(target, "".join(lines).encode())
        return target
    made = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    try:
        with made.open("x", encoding="utf-8", newline="\n") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        made.replace(target)
    except OSError as error:
        raise StoreError(f"The replay {target} could not be written: {error}.") from error
    finally:
        made.unlink(missing_ok=True)
    return target


def read_replay(path: str | Path) -> Store:
    """Read a replay into memory, from a path or URL.

    Raises
    ------
    StoreError
        If the file is no replay, is of another format, or is not what was written.
    """
    where = located(path)
    with here(where) as file:
        stamp = _stamp(file)
        return _read(where, file) if stamp is None else Store.of(_image(where, file, stamp))


def _stamp(file: Path) -> tuple[int, ...] | None:
    """Tell a file from what it was; None where it may change unseen, as it was just written, or is large to keep."""
    try:
        found = file.stat()
    except OSError:  # which reading will say
        return None
    settled = time.time_ns() - found.st_mtime_ns > _SETTLED_NS
    return (found.st_ino, found.st_mtime_ns, found.st_size) if settled and found.st_size < _KEPT else None


@lru_cache(maxsize=4)
def _image(where: Path, file: Path, stamp: tuple[int, ...]) -> bytes:
    """Read a replay and keep it, as each table of a sweep is read from it anew."""
    with _read(where, file) as store:
        return store.image()


def _read(where: Path, file: Path) -> Store:
    try:
        header, *records = json_lines(file) or [{}]
    except InvalidInput as error:
        said = str(error).replace(str(file), str(where))
        raise StoreError(
            f"{where} cannot be read as a replay ({said}). Take it from a copy, or write it anew."
        ) from error
    version = header.get(_HEADER)
    if version not in (1, FORMAT):
        raise StoreError(f"{where} is no replay in format {FORMAT} or before: its first line does not say so.")
    for number, record in enumerate([header, *records], 1):
        if record.pop("digest", None) != _digest(record):
            raise StoreError(f"Line {number} of {where} was changed after it was written. Write the replay anew.")
    try:
        _check_rows(records, header)
        ordered = _from_1(records, header["meta"]) if version == 1 else _ordered(records, header["order"])
        store = Store(None)
        try:
            store.restore(ordered, header["meta"], header.get("runs", ()))
        except BaseException:
            store.close()
            raise
    except (LookupError, TypeError, AttributeError, ValueError, StoreError) as error:
        said = f"{error}" if isinstance(error, ValueError | StoreError) else f"{type(error).__name__} {error}"
        raise StoreError(f"{where} is no replay, or a spoilt one: {said}. Write it anew.") from error
    return store


def _check_rows(records: Sequence[Mapping[str, Any]], header: Mapping[str, Any]) -> None:
    if len(records) != header["rows"] or _questions(records) != header["questions"]:
        raise ValueError(f"it does not hold the {header['rows']} rows it was written with")


def _ordered(records: Sequence[Mapping[str, Any]], order: Sequence[int]) -> list[Mapping[str, Any]]:
    if sorted(order) != list(range(len(records))):
        raise ValueError("the order of its rows is none")
    return [records[place] for place in order]


def _from_1(records: Iterable[Mapping[str, Any]], meta: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Make records of format 1, which did not keep the order in which they were asked, like those of today."""
    return [
        {
            **record,
            "attempts": [{**attempt, "reserved_s": 0, "usd_per_s": 0.0} for attempt in record["attempt"]],
            "answer": {**record["answer"][0], "heard": record["heard"], "raw_sha256": None}
            if record["answer"]
            else None,
        }
        for record in sorted(records, key=_in_grid(meta["axes"]))
    ]


def _in_grid(axes: list[tuple[str, list[str]]]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Give the place of a record in a sweep: the lines are sorted by name, and the levels of an axis have an order."""
    place = {axis: {label: number for number, label in enumerate(labels)} for axis, labels in axes}

    def key(record: Mapping[str, Any]) -> tuple[Any, ...]:
        labels = record["labels"]
        levels = [place[axis].get(labels[axis], len(place[axis])) for axis in place if axis in labels]
        return record["repeat"], record["utt_id"], levels, record["condition"]

    return key


def _place(record: Mapping[str, Any]) -> tuple[str, str, int]:
    return record["utt_id"], record["condition"], record["repeat"]


def _questions(records: Iterable[Mapping[str, Any]]) -> str:
    return _sha256(json.dumps([[*_place(record), record["trial"]] for record in records]))


def _digest(record: Mapping[str, Any]) -> str:
    return _sha256(_line(record))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _line(value: Mapping[str, Any]) -> str:
    # U+2028 and its kin are line ends to some readers, though not to ours; a diff should not be torn by them.
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    for end in "\u2028\u2029\x85":
        text = text.replace(end, f"\\u{ord(end):04x}")
    return text + "\n"
