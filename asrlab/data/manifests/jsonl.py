"""JSON lines: asrlab's own folder of tables, and one manifest with a row a recording."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from asrlab import tables
from asrlab.data.archives import bounded_gzip
from asrlab.data.manifests.base import Format, Manifest, Options, Row, collect, is_file, is_folder, to_table
from asrlab.data.manifests.columns import ALIASES, check_given, renamed
from asrlab.data.manifests.files import text_lines
from asrlab.data.manifests.references import check_row, check_text
from asrlab.data.manifests.writing import (
    check_columns,
    check_single_table,
    names_of,
    new_file,
    references_of,
)
from asrlab.data.rows import rows_of
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from asrlab.data.dataset import Dataset

_SUFFIXES: Final = (".jsonl", ".jsonl.gz")
_OWN: Final = "utterances.jsonl"
_MANIFEST: Final = "manifest.jsonl"
_BESIDE: Final = ("references", "terms", "segments")
_LARGEST: Final = 16 << 30  # bytes of a manifest when unpacked: some hundred for each of 10 million rows, and room


class Tables(Format):
    """asrlab's own form: a folder of JSON lines, a file a table.

    ``utterances.jsonl`` and, where there are any, ``references.jsonl``, ``terms.jsonl`` and ``segments.jsonl``: a row
    an object, columns as in :data:`asrlab.tables.SCHEMAS`, and further ones as they are. It holds all that a dataset
    does. A folder with one ``manifest.jsonl`` is read too, see :class:`Jsonl`.

    A column that says nothing in any row comes back without a dtype.
    """

    name = "tables"
    title = f"asrlab's own folder ({_OWN} ..., or {_MANIFEST})"
    is_file = False

    def recognises(self, source: Any) -> bool:  # noqa: ANN401 - see Format
        """Whether it is a folder with one of the two files."""
        return is_folder(source, _OWN) or is_folder(source, _MANIFEST)

    def read(self, source: Any, options: Options) -> Manifest:  # noqa: ANN401 - see Format
        """Read the folder."""
        if is_folder(source, _OWN):
            return _read_folder(source, options)
        if is_folder(source, _MANIFEST):
            return _read_manifest(source / _MANIFEST, options)
        raise InvalidInput(f"{source} has neither {_OWN} nor {_MANIFEST}. Name the manifest itself.")

    def write(self, dataset: Dataset, path: Path) -> None:
        """Write to a folder that has no dataset yet."""
        names = (_OWN, _MANIFEST, *(f"{table}.jsonl" for table in _BESIDE))
        there = [name for name in names if (path / name).exists()]
        if there or is_file(path):
            what = f"has a {there[0]} already" if there else "is a file"
            raise InvalidInput(f"{path} {what}, and two datasets are not mixed. Name a new folder, or remove it first.")
        check_columns(dataset, {})
        for table in (*_BESIDE, "utterances"):  # the file that makes the folder a dataset comes last
            if len(getattr(dataset, table)):
                _write_rows(getattr(dataset, table), table, (), path / f"{table}.jsonl", dataset.name)


class Jsonl(Format):
    """One manifest of JSON lines, ``.jsonl`` or ``.jsonl.gz``, a row a recording.

    A row has ``utt_id`` (or ``id``), ``audio``, ``text``, and as known ``language``, ``duration_s``, ``channels``,
    ``speaker``, ``recording``; other common names of these are understood
    (:data:`asrlab.data.manifests.columns.ALIASES`). What is said on several channels stands in ``channel_texts``, a
    list; several references in ``references``, a list of objects with ``text`` and ``channel``, ``form`` or
    ``alternative``; a ``form`` beside ``text`` is that of the text. What else a row has is kept as a column of
    ``utterances``.

    It holds all but terms and segments. A column that says nothing in any row comes back without a dtype.
    """

    name = "jsonl"
    title = "manifest of JSON lines (.jsonl)"
    general = True

    def recognises(self, source: Any) -> bool:  # noqa: ANN401 - see Format
        """Whether it is a file with the ending."""
        return is_file(source, *_SUFFIXES)

    def read(self, source: Any, options: Options) -> Manifest:  # noqa: ANN401 - see Format
        """Read the manifest, or the folder that it is in."""
        return TABLES.read(source, options) if is_folder(source) else _read_manifest(source, options)

    def write(self, dataset: Dataset, path: Path) -> None:
        """Write a manifest, which replaces one of its name."""
        name = path.name.lower()
        if not name.endswith(".jsonl"):
            what = "compressed manifests are only read" if name.endswith(_SUFFIXES) else "its name must end in .jsonl"
            raise InvalidInput(f"{path} is not written: {what}. Name another file.")
        check_single_table(dataset, "One manifest of JSON lines")
        said = references_of(dataset)
        several = [one if isinstance(one, list) else None for one in said]
        alone = [None if isinstance(one, list) else one for one in said]
        frame = dataset.utterances.assign(text=pd.Series(alone, dtype="object"))
        if any(one is not None for one in several):
            frame = frame.assign(references=pd.Series(several, dtype="object"))
        # A name that others might be taken for stands there even where it says nothing.
        _write_rows(frame, "utterances", tuple(ALIASES), path, dataset.name)


TABLES: Final = Tables()
FORMATS: Final = (TABLES, Jsonl())


def manifest_name(file: Path) -> str:
    """Name a dataset by its manifest: by its folder, where the manifest has no name of its own."""
    stem = file.name
    for suffix in (".gz", file.with_name(stem.removesuffix(".gz")).suffix):
        stem = stem.removesuffix(suffix)
    return file.parent.resolve().name or stem if stem == "manifest" else stem


def json_rows(file: Path) -> Iterator[tuple[int, Row]]:
    """Read a file of JSON objects, one a line; empty lines are passed over.

    Parameters
    ----------
    file : Path
        UTF-8, with or without a byte order mark; unpacked if its name ends in ``.gz``.

    Yields
    ------
    int, dict
        The number of the line, and the object.

    Raises
    ------
    InvalidInput
        If a line is something else, says something twice, or has half a surrogate pair; the message names it.
    """
    lines = enumerate(bounded_gzip(file, _LARGEST), 1) if file.name.lower().endswith(".gz") else text_lines(file)
    for number, line in lines:
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=said_once)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"{file}, line {number}: this is not JSON ({error}). Mend or remove it.") from None
        if not isinstance(row, dict):
            raise InvalidInput(
                f"{file}, line {number}: this must be a JSON object, {{...}}, not {type(row).__name__}. Mend it."
            )
        if "\\u" in line:
            _check_surrogates(row, f"{file}, line {number}")
        yield number, row


def said_once(pairs: list[tuple[str, Any]]) -> Row:
    """Make an object of JSON; a ValueError if it says something twice, as nobody knows which of the two is meant."""
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!a} stands there twice")
    return made


def json_lines(path: str | Path) -> list[Row]:
    """Read a file of JSON objects, one a line; see :func:`json_rows`."""
    return [row for _, row in json_rows(Path(path))]


def _check_surrogates(row: Row, where: str) -> None:
    for name, value in row.items():
        try:
            check_text(name.encode(errors="replace").decode(), json.dumps([name, value], ensure_ascii=False))
        except InvalidInput as error:
            raise InvalidInput(f"{where}: {error}") from None


def json_line(values: Row, what: str) -> str:
    """Write an object as a line.

    Raises
    ------
    InvalidInput
        If it holds what JSON has not, such as a time.
    """
    try:
        return json.dumps(values, ensure_ascii=False) + "\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(
            f"{what} cannot be written as JSON: {error}. Make it text or numbers, or drop the column."
        ) from error


def our_rows(
    rows: Iterable[tuple[int, Row]],
    file: object,
    options: Options,
    aliases: Mapping[str, tuple[str, ...]] = ALIASES,
) -> Iterator[tuple[int, Row]]:
    """Give rows our names of columns (see :func:`asrlab.data.manifests.columns.renamed`).

    Raises
    ------
    InvalidInput
        If a row has two columns that would be one of ours; or, at the end, if no row has a column that the user named.
    """
    known: dict[tuple[str, ...], dict[str, str]] = {}
    for number, row in rows:
        columns = tuple(row)
        try:
            if columns not in known:
                known[columns] = renamed(columns, options.columns, aliases)
            ours = {known[columns][name]: value for name, value in row.items()}
        except InvalidInput as error:
            raise InvalidInput(f"{file}, line {number}: {error}") from None
        yield number, ours
    check_given(options, list(dict.fromkeys(name for columns in known for name in columns)), file)


def _read_manifest(file: Path, options: Options) -> Manifest:
    utterances, references = collect(our_rows(json_rows(file), file, options), file, options)
    return Manifest(
        manifest_name(file), utterances, references, folder=file.parent, audio_root=file.parent, said=file.name
    )


def _read_folder(folder: Path, options: Options) -> Manifest:
    file = folder / _OWN
    utterances, said = collect(our_rows(json_rows(file), file, options, {}), file, options)
    ids = set(utterances["utt_id"])
    columns = names_of(said)
    # What the rows of utterances say themselves comes first, as if it stood on a line 0.
    found = {"references": [(0, dict(zip(columns, row, strict=True))) for row in rows_of(said, *columns)]}
    names = [_OWN]
    for table in _BESIDE:
        file = folder / f"{table}.jsonl"
        if file.is_file():
            names.append(file.name)
            found[table] = [*found.get(table, []), *_beside(file, table, ids, found.get(table, []))]
    references, terms, segments = (to_table([row for _, row in found.get(table, [])], table) for table in _BESIDE)
    return Manifest(
        folder.resolve().name or "dataset", utterances, references, terms, segments, folder, folder, ", ".join(names)
    )


def _beside(file: Path, table: str, ids: set[str], before: Sequence[tuple[int, Row]]) -> list[tuple[int, Row]]:
    """Read one of the tables beside ``utterances.jsonl``."""
    seen: dict[Any, int] = {check_row(row, table): number for number, row in before}
    rows = []
    for number, row in json_rows(file):
        try:
            key = check_row(row, table)
            _check_place(row, key, table, ids, seen)
        except InvalidInput as error:
            raise InvalidInput(f"{file}, line {number}: {error}") from None
        seen[key] = number
        rows.append((number, row))
    return rows


def _check_place(row: Row, key: Any, table: str, ids: set[str], seen: Mapping[Any, int]) -> None:  # noqa: ANN401 - hashable
    if row.get("utt_id") is not None and row["utt_id"] not in ids:
        raise InvalidInput(f"there is no utterance {row['utt_id']!r} in {_OWN}. Mend the id, or leave it out.")
    if key is not None and key in seen:
        first = f"line {seen[key]}" if seen[key] else _OWN
        raise InvalidInput(f"{first} has one of the same {_KEYS[table]}. Leave one of them.")


_KEYS: Final = {"references": "utt_id, channel, form and alternative", "segments": "segment"}


def _write_rows(frame: pd.DataFrame, table: str, needed: Sequence[str], path: Path, name: str) -> None:
    """Write a table; of the declared columns, those that say something or are needed."""
    columns = [
        column
        for column in names_of(frame)
        if column in needed or column not in tables.SCHEMAS[table] or bool(frame[column].notna().any())
    ]
    with new_file(path) as file:
        for number, row in enumerate(rows_of(frame, *columns), 1):
            values = dict(zip(columns, row, strict=True))
            file.write(json_line(values, f"Row {number} of the {table} of {name}"))
