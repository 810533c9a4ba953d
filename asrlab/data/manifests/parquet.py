"""Parquet: a table with a row a recording."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from asrlab import tables
from asrlab.data.manifests.base import Format, Manifest, Options, is_file
from asrlab.data.manifests.columns import ALIASES, renamed
from asrlab.data.manifests.frames import Place, frame_of, tables_of
from asrlab.data.manifests.jsonl import manifest_name
from asrlab.data.manifests.writing import TABLES, new_file
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from asrlab.data.dataset import Dataset

_LARGEST: Final = 16 << 30  # bytes of a table when unpacked, as of JSON lines
_ROWS: Final = 1 << 10  # read at once: a page may say one long text thousands of times in a few bytes
_TIMES: Final = ("duration_s", "begin_s", "end_s")


class Parquet(Format):
    """A Parquet file with a row a recording.

    Columns are as in a DataFrame (:class:`asrlab.data.manifests.frames.Frame`): numbers and text keep their kinds,
    lists and structs become lists and dicts. A null is missing; a NaN is not, and no length. It holds all but terms and
    segments.
    """

    name = "parquet"
    title = "Parquet table (.parquet)"
    general = True  # one with the audio in it is Hugging Face's

    def recognises(self, source: Any) -> bool:  # noqa: ANN401 - see Format
        """Whether it is a file with the ending."""
        return is_file(source, ".parquet", ".pq")

    def read(self, source: Any, options: Options) -> Manifest:  # noqa: ANN401 - see Format
        """Read the table."""
        file: Path = source
        with _of_a_file(file):
            table = _table(file)
            names = renamed(table.column_names, options.columns)
            _refuse_nan(table, names, file)
            frame = _frame(table, file)
        del table
        root = options.audio_root or file.parent
        utterances, references, remarks = tables_of(frame, Place(file), replace(options, audio_root=root))
        return Manifest(
            manifest_name(file), utterances, references, folder=file.parent, audio_root=file.parent, said=file.name,
            remarks=remarks,
        )  # fmt: skip

    def write(self, dataset: Dataset, path: Path) -> None:
        """Write the table."""
        import pyarrow as pa  # noqa: PLC0415 - slow to import
        import pyarrow.parquet as pq  # noqa: PLC0415 - as above

        frame = frame_of(dataset, "A Parquet table")
        columns = {}
        for name in frame:
            if name not in ALIASES and name in tables.SCHEMAS["utterances"] and not frame[name].notna().any():
                continue
            try:
                columns[name] = pa.array(frame[name], from_pandas=True)
            except (pa.ArrowException, UnicodeEncodeError, TypeError, OverflowError) as error:
                raise InvalidInput(f"A Parquet table cannot hold the column {name!r} ({error}). {TABLES}") from error
            if frame[name].dtype == object and not _is_kept(columns[name], frame[name]):
                raise InvalidInput(
                    f"A Parquet table cannot hold the column {name!r}, whose values are not all of one kind. {TABLES}"
                )
        with new_file(path, binary=True) as target:
            pq.write_table(pa.table(columns), target, compression="zstd")


FORMATS: Final = (Parquet(),)


@contextmanager
def _of_a_file(file: Path) -> Iterator[None]:
    """Say of a file what goes wrong in reading it."""
    try:
        yield
    except InvalidInput:
        raise
    except Exception as error:  # pyarrow's own, and those of file systems
        said = str(error).partition("\n")[0] or type(error).__name__
        raise InvalidInput(f"{file} cannot be read as Parquet ({said}). Write or download it again.") from error


def _table(file: Path) -> Any:  # noqa: ANN401 - of pyarrow, which has no types
    """Read a file to a table of pyarrow, as far as it is not too large."""
    import pyarrow as pa  # noqa: PLC0415 - slow to import
    import pyarrow.parquet as pq  # noqa: PLC0415 - as above

    with file.open("rb") as opened, pq.ParquetFile(opened) as parquet:
        schema = parquet.schema_arrow
        _refuse_audio(schema, file)
        if len(set(schema.names)) < len(schema.names):
            raise InvalidInput(f"{file} has two columns of one name: {', '.join(schema.names)}. Rename one.")
        batches, size = [], 0
        for batch in parquet.iter_batches(_ROWS):
            batches.append(batch)
            size += batch.nbytes
            if size > _LARGEST:
                raise InvalidInput(f"{file}: more than {_LARGEST:,} bytes come out of it. Split it.")
        return pa.Table.from_batches(batches, schema).combine_chunks()


def _refuse_audio(schema: Any, file: Path) -> None:  # noqa: ANN401 - as above
    import pyarrow as pa  # noqa: PLC0415 - slow to import

    for column in schema:
        kind = column.type
        if pa.types.is_struct(kind) and {one.name for one in kind} == {"bytes", "path"}:
            raise InvalidInput(
                f"The column {column.name!r} of {file} holds the audio itself, as Hugging Face writes it. Read it with "
                'format="huggingface".'
            )


def _refuse_nan(table: Any, names: dict[str, str], file: Path) -> None:  # noqa: ANN401 - as above
    import pyarrow as pa  # noqa: PLC0415 - slow to import
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    for name, ours in names.items():
        if ours in _TIMES and pa.types.is_floating(table.schema.field(name).type):
            row = pc.index(pc.is_nan(table[name]), value=True).as_py()
            if row >= 0:
                raise InvalidInput(f"{file}, row {row + 1}: {ours} is NaN, not a number of seconds. Make it null.")


def _frame(table: Any, file: Path) -> pd.DataFrame:  # noqa: ANN401 - as above
    """Make a frame of a table; its columns share the memory of the table where they can."""
    import pyarrow as pa  # noqa: PLC0415 - slow to import

    columns = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        _check_text(column, name, file)
        if pa.types.is_nested(column.type):
            columns[name] = pd.Series(column.to_pylist(), dtype="object")
        else:
            columns[name] = column.to_pandas(types_mapper=_dtype)
    # An index that had no name when a frame was written says nothing.
    return pd.DataFrame({name: column for name, column in columns.items() if not name.startswith("__index_level_")})


def _dtype(kind: Any) -> Any:  # noqa: ANN401 - as above
    """Choose a dtype that knows missing values; None for pandas' own choice."""
    import pyarrow as pa  # noqa: PLC0415 - slow to import

    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pd.StringDtype()
    if pa.types.is_integer(kind):
        return pd.Int64Dtype() if pa.types.is_signed_integer(kind) else pd.UInt64Dtype()
    if pa.types.is_floating(kind):
        return pd.Float64Dtype()
    return pd.BooleanDtype() if pa.types.is_boolean(kind) else None


def _check_text(column: Any, name: str, file: Path) -> None:  # noqa: ANN401 - as above
    """Refuse text that is no UTF-8; pyarrow takes that for granted."""
    import pyarrow as pa  # noqa: PLC0415 - slow to import

    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        begin, end = 0, len(column)
        while end - begin > 1:
            middle = (begin + end) // 2
            try:
                column.slice(begin, middle - begin).to_pylist()
            except UnicodeDecodeError:
                end = middle
            else:
                begin = middle
        raise InvalidInput(f"{file}, row {begin + 1}: {name} is not UTF-8. Write it as UTF-8 text.") from None


def _is_kept(array: Any, column: pd.Series) -> bool:  # noqa: ANN401 - as above
    """Whether objects come back as they are: fields that only some have would come back in all."""
    return bool(array.to_pylist() == column.where(column.notna(), None).to_list())
