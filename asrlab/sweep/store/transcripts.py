"""The ``transcripts`` and ``words`` tables of a ledger, built column by column: a run may have a million rows."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from asrlab import tables

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from asrlab.sweep.store.shapes import Asking

Column: TypeAlias = pa.Array
Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

_TEXT: Final = pa.large_string()  # no limit of 2 GB a column
_INT: Final = pa.int64()
_REAL: Final = pa.float64()
_DTYPES: Final = {_TEXT: pd.StringDtype(), _INT: pd.Int64Dtype(), _REAL: pd.Float64Dtype()}
_BATCH: Final = 2000  # more rows at once no longer fit into the processor's caches


def transcripts(db: sqlite3.Connection, askings: Iterable[Asking] | None, axes: Sequence[str]) -> pd.DataFrame:
    """Tell the answer to each asking, one row a channel; askings without an answer have rows without a text.

    Parameters
    ----------
    db : Connection
        In one transaction, so that all columns are of one moment.
    askings : iterable of Asking, optional
        Those that are told of, in order; all, if None.
    axes : sequence of str
        The axes' order.

    Returns
    -------
    DataFrame
        A ``transcripts`` table, axes as further columns.
    """
    trials = _Trials.read(db)
    cells = _cells(db, trials, askings)
    answers = _answers(db, trials.size)
    attempts = _attempts(db, trials.size)
    heard_row, heard_channel, text, language = _read(
        db, "select trial, channel, text, language from heard order by trial, place", (_INT, _INT, _TEXT, _TEXT)
    )
    heard = _Stretches.of(np.bincount(heard_row.to_numpy(), minlength=trials.size))

    # A row for each channel that was heard, or, without an answer, that was asked for.
    answered = answers.place[cells.row] >= 0
    lengths = np.where(answered, heard.length[cells.row], trials.channels.length[cells.row])
    cell, nth = _one_by_one(lengths)
    row, answered = cells.row[cell], answered[cell]
    heard_place = np.where(answered, heard.start[row] + nth, -1)
    asked_place = np.where(answered, -1, trials.channels.start[row] + nth)

    columns = {name: _take(column, cell) for name, column in cells.columns.items()}
    columns |= {name: _take(column, attempts.place[row]) for name, column in attempts.columns.items()}
    columns |= {name: _take(column, answers.place[row]) for name, column in answers.columns.items()}
    columns |= {
        "state": columns["state"].fill_null("not run"),
        "attempts": columns["attempts"].fill_null(0),
        "channel": pc.coalesce(_take(heard_channel, heard_place), _take(trials.channel, asked_place)),
        "text": _take(text, heard_place),
        "detected_language": _take(language, heard_place),
        "asked_engine": _take(trials.facts["engine"], row),
        "answered_by": pc.coalesce(columns["answered_by"], _take(trials.facts["model"], row)),
        "asked_region": _take(trials.facts["region"], row),
    }
    schema = tables.SCHEMAS["transcripts"]
    named = [axis for axis in dict.fromkeys([*axes, *cells.axes]) if axis in cells.axes and axis not in schema]
    columns |= {axis: _take(cells.axes[axis], cell) for axis in named}
    frame = pa.table({name: columns[name] for name in [*schema, *named]}).to_pandas(types_mapper=_DTYPES.get)
    return tables.check(frame, "transcripts")


def words(db: sqlite3.Connection, askings: Iterable[Asking] | None) -> pd.DataFrame:
    """Tell the words with times in the answer to each asking, channel after channel, by their start.

    Parameters
    ----------
    db : Connection
        In one transaction, so that all columns are of one moment.
    askings : iterable of Asking, optional
        Those that are told of, in order; all, if None.

    Returns
    -------
    DataFrame
        A ``words`` table.
    """
    trials = _Trials.read(db)
    cells = _cells(db, trials, askings)
    row, place, columns = _timed(db)
    # By trial and channel first, then each trial's stretch for each asking that it answers.
    start_s = columns["start_s"].to_numpy(zero_copy_only=False)
    order = np.lexsort((start_s, place, row))
    of_trial = _Stretches.of(np.bincount(row, minlength=trials.size))
    cell, nth = _one_by_one(of_trial.length[cells.row])
    word = order[of_trial.start[cells.row[cell]] + nth]
    columns = {name: _take(column, word) for name, column in columns.items()}
    columns |= {name: _take(column, cell) for name, column in cells.columns.items()}
    frame = pa.table({name: columns[name] for name in tables.SCHEMAS["words"]}).to_pandas(types_mapper=_DTYPES.get)
    return tables.check(frame, "words")


@dataclass(frozen=True)
class _Stretches:
    """Where the part of each trial in a column starts, and how long it is."""

    start: Numbers
    length: Numbers

    @classmethod
    def of(cls, length: Numbers) -> Self:
        return cls(np.cumsum(length) - length, length)


@dataclass(frozen=True)
class _Trials:
    """All trials by their numbers; 0 is one that is not there, of no engine, and asked for channel 0.

    ``channel`` holds the channels asked for, and ``channels`` where those of each trial are.
    """

    size: int
    ids: Column
    facts: dict[str, Column]
    channel: Column
    channels: _Stretches

    @classmethod
    def read(cls, db: sqlite3.Connection) -> Self:
        row, trial, engine, parameters = _read(
            db, "select id, trial, engine, parameters from trial", (_INT, _TEXT, _INT, _INT)
        )
        size = _size(row)
        engine_of, parameters_of = np.zeros((2, size), np.int64)
        engine_of[row], parameters_of[row] = engine, parameters
        engines = [json.loads(text or "{}") for text in _by_number(db, "select id, name from engine").to_pylist()]
        asked = [
            json.loads(text)["channel_id"] if text else [0]
            for text in _by_number(db, "select id, name from parameters").to_pylist()
        ]
        channels = _Stretches.of(np.array([len(of_one) for of_one in asked]))
        return cls(
            size,
            _take(trial, _places(row, size)),
            {
                name: _take(pa.array([facts.get(name) for facts in engines], _TEXT), engine_of)
                for name in ("engine", "model", "region")
            },
            pa.array([channel for of_one in asked for channel in of_one], _INT),
            _Stretches(channels.start[parameters_of], channels.length[parameters_of]),
        )


@dataclass(frozen=True)
class _Cells:
    """What was asked: one cell an utterance, condition and repeat, and the number of its trial."""

    columns: dict[str, Column]
    axes: dict[str, Column]
    row: Numbers


def _cells(db: sqlite3.Connection, trials: _Trials, askings: Iterable[Asking] | None) -> _Cells:
    return _planned(db, trials) if askings is None else _given(list(askings), trials)


def _planned(db: sqlite3.Connection, trials: _Trials) -> _Cells:
    utterance, condition, repeat, row = _read(
        db, "select utterance, condition, repeat, trial from asking order by position", (_INT,) * 4
    )
    labels = [json.loads(text or "{}") for text in _by_number(db, "select id, labels from condition").to_pylist()]
    axes = dict.fromkeys(axis for of_one in labels for axis in of_one)
    columns = {
        "trial": trials.ids.take(row),
        "utt_id": _by_number(db, "select id, name from utterance").take(utterance),
        "condition": _by_number(db, "select id, name from condition").take(condition),
        "repeat": repeat,
    }
    labelled = {axis: pa.array([of_one.get(axis) for of_one in labels], _TEXT).take(condition) for axis in axes}
    return _Cells(columns, labelled, row.to_numpy())


def _given(askings: Sequence[Asking], trials: _Trials) -> _Cells:
    row_of = {trial: row for row, trial in enumerate(trials.ids.to_pylist())}
    axes = dict.fromkeys(axis for labels in {id(a.labels): a.labels for a in askings}.values() for axis in labels)
    columns = {
        "trial": pa.array([a.trial for a in askings], _TEXT),
        "utt_id": pa.array([a.utt_id for a in askings], _TEXT),
        "condition": pa.array([a.condition for a in askings], _TEXT),
        "repeat": pa.array([a.repeat for a in askings], _INT),
    }
    labelled = {axis: pa.array([a.labels.get(axis) for a in askings], _TEXT) for axis in axes}
    return _Cells(columns, labelled, np.array([row_of.get(a.trial, 0) for a in askings], np.int64))


@dataclass(frozen=True)
class _OneEach:
    """Columns with at most one value a trial, and its place in them; -1 where there is none."""

    place: Numbers
    columns: dict[str, Column]


def _answers(db: sqlite3.Connection, size: int) -> _OneEach:
    row, model, *columns = _read(
        db,
        "select trial, model, audio_s, queued_s, elapsed_s, context_tokens, nullif(unsupported, '') from answer",
        (_INT, _INT, _REAL, _REAL, _REAL, _INT, _TEXT),
    )
    names = ("audio_s", "queued_s", "elapsed_s", "context_tokens", "unsupported")
    models = _by_number(db, "select id, name from model")
    return _OneEach(_places(row, size), {"answered_by": models.take(model), **dict(zip(names, columns, strict=True))})


def _attempts(db: sqlite3.Connection, size: int) -> _OneEach:
    row, attempt, *columns = _read(
        db,
        "select trial, attempt, iif(state = 'begun', 'unknown', state), coalesce(submitted, begun), code, message,"
        " request_id from attempt order by trial, attempt",
        (_INT, _INT, _TEXT, _REAL, _TEXT, _TEXT, _TEXT),
    )
    numbers = row.to_numpy()
    last = pa.array(np.append(numbers[1:] != numbers[:-1], np.ones(len(numbers[:1]), bool)))
    state, submitted, code, message, request_id = (column.filter(last) for column in columns)
    return _OneEach(
        _places(row.filter(last), size),
        {
            "attempts": attempt.filter(last),
            "state": state,
            "submitted_at": _iso(submitted),
            "error_code": code,
            "error": message,
            "request_id": request_id,
        },
    )


def _timed(db: sqlite3.Connection) -> tuple[Numbers, Numbers, dict[str, Column]]:
    """Read all words with times: the number of the trial, the place of the channel in its answer, other columns."""

    def batches() -> Iterator[list[tuple[Any, ...]]]:
        found = db.execute("select trial, place, channel, json_zlib from sentences join heard using (trial, place)")
        while answers := found.fetchmany(_BATCH):
            if timed := [(*where, *word) for *where, packed in answers for word in _unpacked(packed)]:
                yield timed

    try:
        row, place, channel, begin_ms, end_ms, bare, punctuation = _columns(
            batches(), (_INT, _INT, _INT, _REAL, _REAL, _TEXT, _TEXT)
        )
    except TypeError as error:  # of a replay that somebody else has made
        raise ValueError(f"its sentences are none ({error})") from error
    # The space that may follow a word stands in its text, before its punctuation (asrlab.engines.itn.text_of).
    text = pc.binary_join_element_wise(pc.utf8_rtrim_whitespace(bare), punctuation, pa.scalar("", _TEXT))
    columns = {
        "channel": channel,
        "start_s": pc.divide(begin_ms, 1000.0),
        "end_s": pc.divide(end_ms, 1000.0),
        "text": pc.utf8_trim_whitespace(text),
    }
    return row.to_numpy(), place.to_numpy(), columns


def _unpacked(packed: bytes) -> list[list[Any]]:
    """Unpack the words of a transcript's sentences: start, end, text, punctuation."""
    return [word for sentence in json.loads(zlib.decompress(packed)) for word in sentence["words"]]


def _one_by_one(lengths: Numbers) -> tuple[Numbers, Numbers]:
    """Give each member of stretches of some lengths the number of its stretch, and its own within that."""
    stretch = np.repeat(np.arange(len(lengths)), lengths)
    return stretch, np.arange(len(stretch)) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _read(db: sqlite3.Connection, query: str, types: Sequence[pa.DataType]) -> list[Column]:
    found = db.execute(query)
    return _columns(iter(lambda: found.fetchmany(_BATCH), []), types)


def _columns(batches: Iterable[list[tuple[Any, ...]]], types: Sequence[pa.DataType]) -> list[Column]:
    chunks: list[list[Column]] = [[] for _ in types]
    for rows in batches:
        for kind, values, chunk in zip(types, zip(*rows, strict=True), chunks, strict=True):
            chunk.append(pa.array(values, kind))
    return [pa.concat_arrays(chunk) if chunk else pa.array([], kind) for kind, chunk in zip(types, chunks, strict=True)]


def _by_number(db: sqlite3.Connection, query: str) -> Column:
    """Read a column so that each value stands at its number; those not there are null, as number 0 always is."""
    number, value = _read(db, query, (_INT, _TEXT))
    return _take(value, _places(number, _size(number)))


def _size(number: Column) -> int:
    """Say how many places numbers need, 0 among them; they are given one by one, and no row is ever deleted."""
    size = (pc.max(number).as_py() or 0) + 1
    if size > 2 * len(number) + 1000 or (pc.min(number).as_py() or 0) < 0:
        raise ValueError(f"a row has the number {size - 1}, among {len(number)}")
    return int(size)


def _places(number: Column, size: int) -> Numbers:
    """Turn "the number at each place" around: the place of each number, -1 where there is none."""
    places = np.full(size, -1, np.int64)
    places[number.to_numpy()] = np.arange(len(number))
    return places


def _take(column: Column, places: Numbers) -> Column:
    if len(places) == len(column) and np.array_equal(places, np.arange(len(places))):
        return column
    return column.take(pa.array(places, mask=places < 0))


def _iso(seconds: Column) -> Column:
    """Write Unix seconds as ISO 8601 in UTC, to the millisecond."""
    milliseconds = np.rint(seconds.to_numpy(zero_copy_only=False) * 1e6).astype(np.int64) // 1000
    days, of_day = (part.astype(np.int32) for part in np.divmod(milliseconds, 24 * 3600 * 1000))
    # Arrow writes dates and times much faster than it follows a format.
    date, time = pa.array(days).cast(pa.date32()).cast(_TEXT), pa.array(of_day).cast(pa.time32("ms")).cast(_TEXT)
    zoned = pc.binary_join_element_wise(time, pa.scalar("+00:00", _TEXT), pa.scalar("", _TEXT))
    return pc.binary_join_element_wise(date, zoned, pa.scalar("T", _TEXT))
