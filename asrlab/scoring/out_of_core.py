"""Out of core: tables that need not fit into memory, marked some utterances at a time.

First what only all of a table can tell is found, from the columns that are no texts: its settings, which utterances are
known, what blocks are. Then rows go to files by their utterances, a file for each part. A part is marked as any table
is, by itself and wherever it may be, and written. So the same table comes out, however it was parted: utterances in
the order of the references (of a dataset, of its utterances), the answers to each in the order of the transcripts, and
after them what is missing.
"""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from asrlab import parquet, tables
from asrlab.errors import InvalidInput, StoreError
from asrlab.executors import mapped
from asrlab.scoring.given import KEPT, PLACE, Frames, answers, filled_in, frames, the_form
from asrlab.scoring.recipes import Blocks
from asrlab.scoring.settings import check_grid, settings_of, targets
from asrlab.scoring.sheet import Whole, channels_of, check_options, places, whole_facts, with_channels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from os import PathLike

    from numpy.typing import NDArray

    from asrlab.executors import Where
    from asrlab.scoring.given import References, Transcripts

#: Rows of a part, unless one utterance has more: some twenty megabytes, one or two seconds of work, and some hundred
#: megabytes while that is done.
ROWS: Final = 100_000
#: Most parts, each a file that is open while rows go to them.
_MOST: Final = 500
#: What marking reads of references and utterances.
_REFERENCES: Final = (*tables.SCHEMAS["references"], "language", "duration_s", "speaker", "recording")
_UTTERANCES: Final = ("utt_id", "language", "speaker", "recording")


class _Part(NamedTuple):
    """Some utterances, and what there is of them.

    Parameters
    ----------
    number : int
        Which part.
    rows : dict of str to bytes
        Of each table its rows, as a stream of Arrow.
    terms : DataFrame
        Terms of these utterances, and of all.
    asked : ndarray of bool
        Whether there are transcripts of each utterance, in order.
    """

    number: int
    rows: dict[str, bytes]
    terms: pd.DataFrame
    asked: NDArray[np.bool]


def score_in_parts(
    transcripts: Transcripts,
    references: References,
    to: str | PathLike[str],
    *,
    mark: Callable[..., pd.DataFrame],
    options: Mapping[str, Any],
    executor: Where,
) -> Path | str:
    """Mark transcripts against references part by part, and write scores as they come.

    Parameters
    ----------
    transcripts, references, to, executor
        As :func:`asrlab.score` has them.
    mark : callable
        Marks one part: from transcripts, references, options and ``whole`` to scores.
    options : mapping
        The options of :func:`asrlab.score`.

    Returns
    -------
    Path or str
        Of the folder, or its URL.
    """
    check_options(options["unit"], options["channels"], options["missing"])
    for source in (transcripts, references):
        if parquet.is_stored(source) and parquet.inside(to, source):
            raise InvalidInput(
                f"Scores cannot go to {parquet.shown(str(to))}, which is or lies in what is marked "
                f"({parquet.shown(str(source))}). Name another folder."
            )
    into = parquet.Folder(to, "scores")
    with tempfile.TemporaryDirectory(prefix="asrlab-") as temporary:
        given, terms = _stored(transcripts, references, options, Path(temporary))
        survey = _Survey(given, options)
        parts = _Parts(given, terms if options["unit"] == "term" else None, survey, Path(temporary))
        kana, blocks = _facts(parts, options, executor)
        kinds = {way: some.kind for way, some in blocks.items()}
        whole = Whole(survey.form, survey.channels, survey.settings, kana, kinds)
        work = partial(_marked, layouts=parts.layouts, mark=mark, options=options, whole=whole, of=parts.of(into))
        with into:
            for data in mapped(work, parts, executor):
                into.add(data)
    return into.name


def _stored(
    transcripts: Transcripts,
    references: References,
    options: Mapping[str, Any],
    folder: Path,
) -> tuple[dict[str, parquet.Stored], pd.DataFrame]:
    """Put what is in memory to files, and open what is stored; give the terms too."""
    nothing = pd.DataFrame({"utt_id": [], "text": []}, dtype="string")
    heard, said = parquet.is_stored(transcripts), parquet.is_stored(references)
    of_frames, known = frames(
        nothing if heard else transcripts,
        nothing if said else references,
        options["language"],
    )
    made: dict[str, Any] = {"transcripts": transcripts if heard else of_frames}
    if said or isinstance(references, pd.DataFrame):
        made["references"] = references
    else:
        made["references"] = known.references
        made["utterances"] = known.utterances[[name for name in _UTTERANCES if name in known.utterances]]
    for name, table in made.items():
        if isinstance(table, pd.DataFrame):
            made[name] = folder / f"{name}.parquet"
            parquet.write(table, name, made[name])
    return {name: parquet.Stored(url, name) for name, url in made.items()}, known.terms


class _Survey:
    """What all of a table decides, found without its texts.

    Parameters
    ----------
    given : dict of str to Stored
        Transcripts, references, and utterances if they are a table of their own.
    options : mapping
        Those of :func:`asrlab.score`.
    """

    def __init__(self, given: Mapping[str, parquet.Stored], options: Mapping[str, Any]) -> None:
        transcripts, references = given["transcripts"], given["references"]
        filled_in(references.empty())
        _, self._axes = answers(transcripts.empty())
        if nested := [name for name in self._axes if transcripts.layout.types[name].num_fields]:
            raise InvalidInput(
                f"Column {nested[0]!r} of the transcripts holds lists or the like, which cannot be told apart. "
                "Drop it, or write its values as text."
            )
        said = _keys(references, ["utt_id", "channel", "form"], {"channel": 0, "form": "unstated"})
        if (bad := said["utt_id"].isna()).any():
            filled_in(said[bad].astype("string").assign(text=""))
        base: dict[str, str | int] = {"condition": "unnamed", "repeat": 0}
        rows = _keys(transcripts, ["utt_id", "condition", "repeat", "channel", *self._axes], base)
        if (bad := rows["utt_id"].isna()).any():
            answers(rows.loc[bad, ["utt_id"]].astype("string").assign(text=""))
        self.form = the_form(list(map(str, said["form"].unique())), options["form"])
        #: The utterances in their order.
        self.ids = given["utterances"].read(["utt_id"])["utt_id"] if "utterances" in given else _names(said["utt_id"])
        heard_of, said_of = places(self.ids, rows, said)
        #: Of each row of each table, the place of its utterance.
        self.places = {"transcripts": heard_of.astype(np.int32), "references": said_of.astype(np.int32)}
        self.places["utterances"] = np.arange(len(self.ids), dtype=np.int32)
        rows = rows.drop(columns="utt_id").assign(**{PLACE: self.places["transcripts"]})
        said = said.drop(columns="utt_id").assign(**{PLACE: self.places["references"]})
        if options["form"] not in {None, "best"}:
            said = said[(said["form"] == options["form"]).to_numpy(bool)]
        self.channels = channels_of(said)
        whole = rows["channel"].isna()
        if whole.any() and len(self.channels) > 1:
            rows["state"] = pd.Series(_answered(transcripts)).map({True: "answered", False: "failed"})
            every = options["missing"] == "all-deleted" and options["channels"] == "each"
            rows = with_channels(rows, said, self.channels, every=every)
        elif whole.any():
            rows = with_channels(rows, said, self.channels, every=False)
        plain = {name for name in self._axes if transcripts.empty()[name].dtype.kind in "biuf"}
        found = settings_of(rows, self._axes, self.channels, plain)
        said_on = np.unique(targets(said, self.channels))
        if len(said):
            check_grid(rows, found, len(said_on))
        text = ["condition", *(name for name in self._axes if transcripts.is_text(name))]
        table = found.table.astype({name: "string" for name in text if name in found.table})
        self.settings = type(found)(found.columns, table, found.of_utterance, found.asked)
        self._targets = np.bincount(said_on // max(len(self.channels), 1), minlength=len(self.ids))

    def parts(self) -> tuple[NDArray[np.int32], NDArray[np.bool]]:
        """Give each utterance the number of its part, and whether there are transcripts of it."""
        here = np.bincount(self.places["transcripts"], minlength=len(self.ids))
        rows = np.maximum(here, self._targets * len(self.settings.table))
        rows += np.bincount(self.places["references"], minlength=len(self.ids))
        until = np.cumsum(rows)
        size = max(ROWS, -(-int(until[-1:].sum()) // _MOST))
        # An utterance with more rows than that is a part alone, and the next has the next number.
        _, part = np.unique(np.maximum(until - 1, 0) // size, return_inverse=True)
        return part.astype(np.int32), here > 0


def _keys(stored: parquet.Stored, wanted: list[str], fill: Mapping[str, str | int]) -> pd.DataFrame:
    """Read columns that are no texts, of which some may not be there; texts are codes, and gaps are filled."""
    keys = stored.read([name for name in wanted if name in stored.columns], coded=True)
    for name in wanted:
        if name not in keys:
            keys[name] = pd.Series(pd.NA, keys.index, dtype="Int64" if name in {"repeat", "channel"} else "category")
        if name in fill:
            column, value = keys[name], fill[name]
            if isinstance(column.dtype, pd.CategoricalDtype) and value not in column.cat.categories:
                column = column.cat.add_categories([value])
            keys[name] = column.fillna(value)
    return keys


def _names(ids: pd.Series) -> pd.Series:
    return ids.drop_duplicates().astype("string").reset_index(drop=True)


def _answered(transcripts: parquet.Stored) -> NDArray[np.bool]:
    """Tell which rows are answered, as :func:`asrlab.scoring.given.answers` does."""
    columns = [name for name in ("state", "text") if name in transcripts.columns]
    found = []
    for arrow in transcripts.arrow(columns):
        chunk = transcripts.layout.frame(arrow)
        state = chunk["state"] if "state" in chunk else pd.Series(pd.NA, chunk.index, dtype="string")
        found.append(np.where(state.isna(), chunk["text"].notna(), (state == "answered").fillna(False)).astype(bool))
    return np.concatenate(found)


class _Parts:
    """The parts of tables, each in files of its own; an iterable of them."""

    def __init__(
        self, given: Mapping[str, parquet.Stored], terms: pd.DataFrame | None, survey: _Survey, folder: Path
    ) -> None:
        self._part_of, self._asked = survey.parts()
        self.count = int(self._part_of[-1:].sum()) + 1
        self._folder = folder
        self._terms = tables.empty("terms") if terms is None else terms
        self._part_of_term = np.full(len(self._terms), -1)
        if terms is not None and len(terms):
            ids = tables.check(terms, "terms")["utt_id"]
            place = pd.Index(survey.ids).get_indexer(ids)
            self._part_of_term = np.where(ids.isna(), -1, np.where(place < 0, -2, self._part_of[place]))
        wanted = {
            "transcripts": lambda name: name in KEPT or name not in tables.SCHEMAS["transcripts"],
            "references": _REFERENCES.__contains__,
            "utterances": _UTTERANCES.__contains__,
        }
        self.layouts = {
            name: stored.layout.of([column for column in stored.columns if wanted[name](column)])
            for name, stored in given.items()
        }
        try:
            for name, stored in given.items():
                self._spill(name, stored, self._part_of[survey.places[name]])
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else type(error).__name__
            raise StoreError(
                f"The parts could not be put into temporary files in {folder.parent} ({why}). "
                "Scoring to a folder needs as much room there as the tables take without compression; the variable "
                "TMPDIR names another place."
            ) from error

    def of(self, into: parquet.Folder) -> Callable[[int], parquet.Part]:
        """Give what says which part of what a file is, for the number of a part."""
        return partial(parquet.Part, of=self.count, writing=into.writing)

    def _file(self, table: str, part: int) -> Path:
        return self._folder / f"{table}-{part}.arrow"

    def _spill(self, table: str, stored: parquet.Stored, part_of: NDArray[np.int32]) -> None:
        """Write each row to the file of its part, in order."""
        import pyarrow as pa  # noqa: PLC0415 - slow to import

        schema = self.layouts[table].plain()
        writers: dict[int, pa.RecordBatchStreamWriter] = {}
        done = 0
        try:
            for arrow in stored.arrow(schema.names):
                parts = part_of[done : done + arrow.num_rows]
                done += arrow.num_rows
                order = np.argsort(parts, kind="stable")
                rows = arrow.cast(schema).take(order).combine_chunks()
                here, first = np.unique(parts[order], return_index=True)
                for part, start, end in zip(here.tolist(), first, [*first, len(order)][1:], strict=True):
                    if part not in writers:
                        writers[part] = pa.ipc.new_stream(self._file(table, part), schema)
                    writers[part].write_table(rows.slice(start, end - start))
        finally:
            for writer in writers.values():
                writer.close()

    def __iter__(self) -> Iterator[_Part]:
        """Read one part after another."""
        return (self._read(number, [*self.layouts]) for number in range(self.count))

    def references(self, numbers: Iterable[int]) -> Iterator[_Part]:
        """Read of some parts what is no transcript."""
        return (self._read(number, [name for name in self.layouts if name != "transcripts"]) for number in numbers)

    def _read(self, number: int, names: list[str]) -> _Part:
        first, last = np.searchsorted(self._part_of, [number, number + 1])
        files = {name: self._file(name, number) for name in names}
        return _Part(
            number,
            {name: file.read_bytes() for name, file in files.items() if file.exists()},
            self._terms[(self._part_of_term == number) | (self._part_of_term == -1)],
            self._asked[first:last],
        )


def _references(part: _Part, layouts: Mapping[str, parquet.Layout]) -> tuple[Frames | pd.DataFrame, pd.Series]:
    """Give the references of a part, and its utterances in their order."""
    references = _frame(part, layouts, "references")
    if "utterances" not in layouts:
        return references, references["utt_id"].drop_duplicates()
    utterances = _frame(part, layouts, "utterances")
    return Frames(utterances, references, part.terms), utterances["utt_id"]


def _frame(part: _Part, layouts: Mapping[str, parquet.Layout], table: str) -> pd.DataFrame:
    import pyarrow as pa  # noqa: PLC0415 - slow to import

    stream, layout = part.rows.get(table), layouts[table]
    return layout.frame(pa.ipc.open_stream(stream).read_all() if stream else layout.plain().empty_table())


def _facts(parts: _Parts, options: Mapping[str, Any], executor: Where) -> tuple[bool, dict[tuple[str, str], Blocks]]:
    """Find what all references decide: whether kana are among them, and how many have a speaker or recording."""
    known = {name: options[name] for name in ("form", "unit", "normalizer", "language")}
    look = partial(_facts_of, layouts=parts.layouts, options=known)
    # Where the script of a reference decides how it is marked, that waits for what all others have of kana.
    first = list(mapped(partial(look, kana=None), parts.references(range(parts.count)), executor))
    kana = any(found for found, _ in first)
    open_still = [number for number, (_, blocks) in enumerate(first) if blocks is None]
    second = mapped(partial(look, kana=kana), parts.references(open_still), executor)
    counted: dict[tuple[str, str], Blocks] = {}
    for _, blocks in (*first, *second):
        for way, some in (blocks or {}).items():
            counted[way] = Blocks(*map(sum, zip(counted.get(way, (0, 0, 0)), some, strict=True)))
    return kana, counted


def _facts_of(
    part: _Part, *, layouts: Mapping[str, parquet.Layout], options: Mapping[str, Any], kana: bool | None
) -> tuple[bool, dict[tuple[str, str], Blocks] | None]:
    references, ids = _references(part, layouts)
    return whole_facts(references, ids[part.asked], **options, kana=kana)


def _marked(
    part: _Part,
    *,
    layouts: Mapping[str, parquet.Layout],
    mark: Callable[..., pd.DataFrame],
    options: Mapping[str, Any],
    whole: Whole,
    of: Callable[[int], parquet.Part],
) -> bytes:
    """Mark a part, and give the file of its scores."""
    transcripts = _frame(part, layouts, "transcripts")
    references, ids = _references(part, layouts)
    try:
        scores = mark(transcripts, references, **options, executor=None, whole=whole)
    except InvalidInput as error:
        if not len(ids):
            raise
        raise InvalidInput(f"Among the utterances from {ids.iloc[0]} to {ids.iloc[-1]}: {error}") from error
    place = pd.Index(ids).get_indexer(pd.Index(scores["utt_id"]))
    ordered = scores.iloc[np.argsort(place, kind="stable")].reset_index(drop=True)
    return parquet.encoded(ordered, "scores", of(part.number))
