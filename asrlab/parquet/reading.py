"""Reading: a table that is stored, whole or some rows at a time, with dtypes that do not depend on which rows."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.parquet.files import ROWS, files, is_stored, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa

    from asrlab.parquet.files import File, Head, Said

T = TypeVar("T")

#: Columns that pandas makes of an index without a name.
_INDEX: Final = re.compile(r"__index_level_\d+__")


def read(
    url: str | os.PathLike[str], table: str | None, *, columns: Sequence[str] | None = None, coded: bool = False
) -> pd.DataFrame:
    """Read a table.

    Parameters
    ----------
    url : str or path
        A path or URL of a file, of a folder of ``*.parquet``, or with ``*`` and ``?`` in the names of files. Rows come
        in the order of the files' names.
    table : str or None
        Name of the table that it must be, if it says which it is.
    columns : sequence of str, optional
        Only these, in this order; all if None.
    coded : bool
        Give columns of text as categoricals whose categories are in the order in which they first appear (codes are
        those of :func:`pandas.factorize`): a few bytes a row, whatever the texts.

    Returns
    -------
    DataFrame
        Declared columns have their dtypes; of others whole numbers are Int64, flags boolean and texts string, and
        categoricals have all levels of the table in their order.

    Raises
    ------
    InvalidInput
        If it is not there or no Parquet, is another table or of a newer version of asrlab, lacks a column or a part, or
        has columns of other kinds than the table.
    MissingExtra
        If a URL needs a package that is not installed.
    """
    return Stored(url, table).read(columns, coded=coded)


def loaded(given: T, table: str) -> T | pd.DataFrame:
    """Read a table if it is one that is stored, and give back what is none; errors are those of :func:`read`."""
    return read(given, table) if is_stored(given) else given


def chunks(
    url: str | os.PathLike[str], table: str | None, *, columns: Sequence[str] | None = None, rows: int = ROWS
) -> Iterator[pd.DataFrame]:
    """Read a table some rows at a time; parameters and errors are those of :func:`read`.

    Parameters
    ----------
    rows : int
        Most rows of a chunk.

    Yields
    ------
    DataFrame
        Of the same columns and dtypes each, numbered from 0 each. One without rows, if there are none at all.
    """
    stored = Stored(url, table)
    for arrow in stored.arrow(stored.chosen(columns), rows=rows):
        yield stored.layout.frame(arrow)


def check_texts(given: object, table: str) -> None:
    """Raise if a stored table holds texts that are not UTF-8: to look at each before it is needed would take time.

    Raises
    ------
    InvalidInput
        If it does, or cannot be read.
    """
    if not is_stored(given):
        return
    stored = Stored(given, table)
    for arrow in stored.arrow(stored.columns):
        try:
            arrow.validate(full=True)
        except ValueError as error:
            raise InvalidInput(
                f"{shown(str(given))} holds what is no text in UTF-8 ({error}). Write it anew."
            ) from error


def columns(url: str | os.PathLike[str], table: str | None) -> list[str]:
    """Name the columns of a stored table; errors are those of :func:`read`."""
    return Stored(url, table).columns


@dataclass
class Layout:
    """How the columns of a stored table are to be read, whatever is in the rows that are read.

    Parameters
    ----------
    name : str
        Of what is read, for messages.
    table : str or None
        The table that it is.
    types : dict of str to DataType
        The columns, as Arrow has them.
    levels : dict of str to CategoricalDtype
        Those that are categorical, with all their levels.
    """

    name: str
    table: str | None
    types: dict[str, Any] = field(default_factory=dict)
    levels: dict[str, pd.CategoricalDtype] = field(default_factory=dict)

    def of(self, columns: Sequence[str]) -> Layout:
        """Leave out all columns but these."""
        types = {name: self.types[name] for name in columns}
        return Layout(
            self.name, self.table, types, {name: self.levels[name] for name in columns if name in self.levels}
        )

    def plain(self) -> pa.Schema:
        """Give the columns as Arrow has them, without dictionaries: the same for all rows."""
        import pyarrow as pa  # noqa: PLC0415 - slow to import

        return pa.schema([(name, _plain(kind)) for name, kind in self.types.items()])

    def is_text(self, name: str) -> bool:
        """Whether a column is one of text, whose values have no order of their own."""
        declared = tables.SCHEMAS[self.table].get(name) if self.table else None
        text = _is_string(_plain(self.types[name])) and (declared is None or declared[0] == "string")
        return text and name not in self.levels

    def frame(self, arrow: pa.Table) -> pd.DataFrame:
        """Make a frame of rows as they are stored."""
        made = _as_frame(arrow)
        for name in made.columns:
            if name in self.levels:
                made[name] = self._with_levels(made[name])
            elif self.table and name in tables.SCHEMAS[self.table]:
                made[name] = tables.cast(made[name], self.table)
            elif str(self.types[name]) == "null":
                made[name] = made[name].astype("string")  # nothing in it says what it is
        return made

    def _with_levels(self, column: pd.Series) -> pd.Series:
        levels = self.levels[str(column.name)]
        if isinstance(column.dtype, pd.CategoricalDtype):
            column = column.cat.remove_unused_categories()  # of all files the levels are those that are used
        made = pd.Series(pd.Categorical(column, dtype=levels), index=column.index, name=column.name)
        if (odd := made.isna() & column.notna()).any():
            raise InvalidInput(
                f"{shown(self.name)} has {column[odd].iloc[0]!r} in {column.name!r}, which is none of its levels."
            )
        return made


class Stored:
    """A table that is stored: what its files say of it, and its rows.

    Parameters
    ----------
    url, table
        As :func:`read` has them.
    """

    def __init__(self, url: str | os.PathLike[str], table: str | None) -> None:
        self._name = os.fspath(url) if isinstance(url, os.PathLike) else str(url)
        self._table = table
        self._files = files(self._name)
        self._heads: list[Head] = []
        self._migrations: list[Sequence[tables.Migration]] = []
        self.layout = Layout(self._name, table)
        self.rows = 0
        told = [self._told(file) for file in self._files]
        self._check_whole([said for said, _ in told])
        declared = tables.SCHEMAS[table] if table else {}
        names = dict.fromkeys(name for _, dictionaries in told for name in dictionaries if name not in declared)
        self._learn_levels(names, [said for said, _ in told])

    @property
    def columns(self) -> list[str]:
        """The names of its columns, in the order of the first file."""
        return list(self.layout.types)

    def is_text(self, name: str) -> bool:
        """Whether a column is one of text, whose values have no order of their own."""
        return self.layout.is_text(name)

    def chosen(self, columns: Sequence[str] | None) -> list[str]:
        """Take all columns or those that are wanted, or say which are not there."""
        wanted = self.columns if columns is None else list(dict.fromkeys(columns))
        if lacking := [name for name in wanted if name not in self.columns]:
            raise InvalidInput(
                f"{shown(self._name)} has no column {lacking[0]!r}; it has {', '.join(self.columns) or 'none'}."
            )
        return wanted

    def empty(self) -> pd.DataFrame:
        """Give all columns, without rows."""
        return self.layout.frame(self.layout.plain().empty_table())

    def read(self, columns: Sequence[str] | None = None, *, coded: bool = False) -> pd.DataFrame:
        """Read all rows, as :func:`read` does."""
        names = self.chosen(columns)
        text = [name for name in names if coded and self.is_text(name)]
        whole: dict[str, list[Any]] = {name: [] for name in names}
        for arrow in self.arrow(names, coded=text):
            for name in text:
                whole[name] += arrow.column(name).chunks
            frame = self.layout.frame(arrow.drop_columns(text))
            for name in frame.columns:
                whole[name].append(frame[name])
        made = {name: _unified(whole[name]) if name in text else _concatenated(whole[name]) for name in names}
        return pd.DataFrame(made) if names else pd.DataFrame(index=pd.RangeIndex(self.rows))

    def arrow(self, columns: Sequence[str], *, coded: Sequence[str] = (), rows: int = ROWS) -> Iterator[pa.Table]:
        """Read some columns some rows at a time, as they are stored; ``coded`` ones are dictionaries."""
        import pyarrow as pa  # noqa: PLC0415 - slow to import

        came = False
        for file, migrations, batch in _ahead(self._batches(columns, coded, rows)):
            arrow = pa.Table.from_batches([batch])
            if migrations:
                frame = _as_frame(arrow)
                for migrate in migrations:
                    frame = migrate(frame)
                arrow = pa.Table.from_pandas(frame, preserve_index=False)
            if arrow.num_rows:
                came = True
                yield _coded(self._widened(arrow.select(list(columns)), file), coded)
        if not came:
            none = pa.RecordBatch.from_pylist([], self.layout.of(columns).plain())
            yield _coded(pa.Table.from_batches([none]), coded)

    def _batches(
        self, columns: Sequence[str], coded: Sequence[str], rows: int
    ) -> Iterator[tuple[File, Sequence[tables.Migration], pa.RecordBatch]]:
        for file, head, migrations in zip(self._files, self._heads, self._migrations, strict=True):
            there = None if migrations else list(columns)
            for batch in file.batches(head, there, coded=() if migrations else coded, rows=rows):
                yield file, migrations, batch

    def _widened(self, arrow: pa.Table, file: File) -> pa.Table:
        """Give columns the kinds that those of all files have in common."""
        import pyarrow as pa  # noqa: PLC0415 - slow to import

        for place, name in enumerate(arrow.column_names):
            kind, wanted = arrow.column(name).type, _plain(self.layout.types[name])
            if not _is_dictionary(kind) and kind != wanted:
                try:
                    arrow = arrow.set_column(place, name, arrow.column(name).cast(wanted))
                except pa.ArrowException as error:
                    raise InvalidInput(
                        f"Column {name!r} of {file.shown} cannot be read as {wanted}, as other files have it: {error}. "
                        "Write it alike in all files."
                    ) from error
        return arrow

    def _kind(self, name: str, kind: Any, file: File) -> Any:  # noqa: ANN401 - DataTypes
        """Give the kind of a column that has those of the files before, and of this one."""
        import pyarrow as pa  # noqa: PLC0415 - slow to import

        known = self.layout.types.get(name, kind)
        one, other = _plain(known), _plain(kind)
        if one == other or str(other) == "null" or (_is_string(one) and _is_string(other)):
            return known
        if str(one) == "null":
            return kind
        schema = tables.SCHEMAS[self._table] if self._table else {}
        try:
            # Of texts, 1 is not "1.0".
            if _is_string(one) or _is_string(other) or schema.get(name, ("",))[0] == "string":
                raise pa.ArrowTypeError
            both = [pa.schema([(name, some)]) for some in (one, other)]
            widest = pa.unify_schemas(both, promote_options="permissive").field(name).type
        except pa.ArrowException:
            before = next(there for there in self._files if name in there.head().schema.names)
            raise InvalidInput(
                f"Column {name!r} is {one} in {before.shown}, and {other} in {file.shown}. Write it alike in all files."
            ) from None
        return known if _is_dictionary(known) else widest

    def _told(self, file: File) -> tuple[Said, list[str]]:
        """Note what a file says of itself and its categoricals; refuse what is another table, or of another time."""
        head = file.head()
        schema, said = head.schema, head.said
        table, version = said.table, said.version
        if table and self._table and table != self._table:
            raise InvalidInput(f"{file.shown} is a table of {table}, and one of {self._table} is wanted.")
        migrations: Sequence[tables.Migration] = ()
        if table is not None and table in tables.SCHEMAS:
            if version > tables.version(table):
                raise InvalidInput(
                    f"{file.shown} is a table of {table} in version {version}, and this asrlab knows version "
                    f"{tables.version(table)}. Read it with a newer asrlab."
                )
            migrations = tables.MIGRATIONS.get(table, ())[version - 1 :]
        own = [name for name in schema.names if not _INDEX.fullmatch(name)]
        if len(set(own)) < len(own):
            raise InvalidInput(f"{file.shown} has several columns of one name. Rename them.")
        named = {name: schema.field(name).type for name in own}
        if migrations:
            import pyarrow as pa  # noqa: PLC0415 - slow to import

            frame = _as_frame(schema.empty_table().select(list(named)))
            for migrate in migrations:
                frame = migrate(frame)
            migrated = pa.Schema.from_pandas(frame, preserve_index=False)
            named = {name: migrated.field(name).type for name in migrated.names}
        if self._migrations and sorted(named) != sorted(self.columns):
            odd = sorted({*named} ^ {*self.columns})
            raise InvalidInput(
                f"{file.shown} has other columns than the files before it ({', '.join(odd)}). Read them one by one."
            )
        self._heads.append(head)
        self._migrations.append(migrations)
        for name, kind in named.items():
            self.layout.types[name] = self._kind(name, kind, file)
        self.rows += head.footer.num_rows
        # Parquet knows dictionaries of texts only: that others are levels stands in what we say of the file.
        dictionaries = [name for name, kind in named.items() if _is_dictionary(kind) or name in said.levels]
        return said, dictionaries

    def _check_whole(self, told: Sequence[Said]) -> None:
        """Refuse a folder in which a part of the table is not there, or one of another writing."""
        parts = [one.part for one in told if one.part]
        if not parts or (len(told) == 1 and self._files[0].alone):
            return
        here = sorted(part.number for part in parts)
        if len({part[1:] for part in parts}) > 1 or len(parts) < len(told) or here != list(range(parts[0].of)):
            raise InvalidInput(
                f"{shown(self._name)} holds {len(told)} files, and they are not the {parts[0].of} parts of one table: "
                "either it was being written when that was cut short, or files were added or taken away. Write it anew."
            )

    def _learn_levels(self, names: Iterable[str], told: Sequence[Said]) -> None:
        """Find the levels of categoricals, the same for all rows."""
        for name in names:
            known = [one.levels[name] for one in told if name in one.levels]
            if len(known) == len(told):
                ordered = any(one for _, one in known)
                values = list(dict.fromkeys(value for some, _ in known for value in some))
                if ordered and any(some != values for some, _ in known):
                    raise InvalidInput(f"The files of {shown(self._name)} order the levels of {name!r} differently.")
            else:  # of another's making
                ordered = False
                found: dict[Any, None] = {}
                for arrow in self.arrow([name]):
                    for chunk in arrow.column(name).chunks:
                        found.update(dict.fromkeys(_values(chunk)))
                values = list(found)
            self.layout.levels[name] = pd.CategoricalDtype(pd.Index(values, dtype=None if values else "str"), ordered)


def _ahead(items: Iterable[T]) -> Iterator[T]:
    """Give the same, and take each from its iterable while what is done with the one before goes on."""
    going = iter(items)
    with ThreadPoolExecutor(1, "asrlab-reading") as thread:
        coming = thread.submit(list, islice(going, 1))
        while some := coming.result():
            coming = thread.submit(list, islice(going, 1))
            yield from some


def _as_frame(arrow: pa.Table) -> pd.DataFrame:
    """Make a frame whose dtypes follow from what is stored, and not from which values are among these rows."""
    import pyarrow as pa  # noqa: PLC0415 - slow to import

    def dtype(kind: Any) -> Any:  # noqa: ANN401 - a DataType to a dtype
        if pa.types.is_integer(kind):
            return pd.Int64Dtype()
        if pa.types.is_boolean(kind):
            return pd.BooleanDtype()
        return pd.StringDtype("pyarrow") if _is_string(kind) else None

    wide = [pa.field(one.name, pa.int64()) if pa.types.is_integer(one.type) else one for one in arrow.schema]
    try:
        arrow = arrow.cast(pa.schema(wide))
    except pa.ArrowInvalid as error:
        raise InvalidInput(f"A stored table has a whole number beyond 2^63: {error}. Write it as text.") from error
    made: pd.DataFrame = arrow.to_pandas(types_mapper=dtype, ignore_metadata=True)
    return made


def _coded(arrow: pa.Table, names: Sequence[str]) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415 - slow to import

    for name in names:
        column = arrow.column(name)
        if not _is_dictionary(column.type):
            column = column.dictionary_encode()
        if column.type.value_type != pa.string() or column.type.index_type != pa.int32():
            column = column.cast(pa.dictionary(pa.int32(), pa.string()))
        if not column.num_chunks:  # of no rows
            column = pa.chunked_array([pa.array([], column.type)])
        arrow = arrow.set_column(arrow.schema.get_field_index(name), name, column)
    return arrow


def _unified(arrays: Sequence[Any]) -> pd.Categorical:
    """Make one categorical of dictionaries, its categories in the order in which they appear."""
    import pyarrow as pa  # noqa: PLC0415 - slow to import

    whole = pa.chunked_array(arrays, pa.dictionary(pa.int32(), pa.string())).unify_dictionaries()
    codes = np.concatenate([np.asarray(one.indices.fill_null(-1), np.int32) for one in whole.chunks])
    values = pd.Index(whole.chunk(0).dictionary.to_pandas(types_mapper=lambda _: pd.StringDtype("pyarrow")))
    order = pd.unique(codes)
    order = order[order >= 0]
    if not np.array_equal(order, np.arange(len(values))):
        place = np.full(len(values) + 1, -1, np.int32)  # the last is that of -1
        place[order] = np.arange(len(order))
        codes, values = place[codes], values.take(order)
    return pd.Categorical.from_codes(codes, values)


def _concatenated(columns: Sequence[pd.Series]) -> pd.Series:
    return columns[0] if len(columns) == 1 else pd.concat(columns, ignore_index=True)


def _values(array: Any) -> list[Any]:  # noqa: ANN401 - a DictionaryArray
    array = array if _is_dictionary(array.type) else array.dictionary_encode()
    values: list[Any] = array.dictionary.take(array.indices.unique().drop_null()).to_pylist()
    return values


def _is_string(kind: Any) -> bool:  # noqa: ANN401 - a DataType
    return str(kind) in {"string", "large_string", "string_view"}


def _plain(kind: Any) -> Any:  # noqa: ANN401 - of a DataType
    return kind.value_type if _is_dictionary(kind) else kind


def _is_dictionary(kind: Any) -> bool:  # noqa: ANN401 - a DataType
    return str(kind).startswith("dictionary")
