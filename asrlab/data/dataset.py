"""Datasets: recordings with what was said in them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import pandas as pd

from asrlab import tables
from asrlab.data import audio
from asrlab.data.manifests import inside, is_url, read_rows
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asrlab.data.manifests import Row

_IDS: Final = ("utt_id", "speaker", "recording")
#: What other manifests call our columns.
_ALIASES: Final = {"id": "utt_id", "audio_filepath": "audio", "duration": "duration_s", "lang": "language"}


@dataclass(frozen=True, repr=False)
class Dataset:
    """Recordings, what was said in them, and the terms that matter.

    Made by :func:`load_dataset`, or from tables of your own.

    Parameters
    ----------
    name : str
        Name of the set, for tables and reports.
    utterances, references, terms : DataFrame
        Tables as in :data:`asrlab.tables.SCHEMAS`; further columns of ``utterances`` are kept.
    folder : Path, optional
        Folder of the dataset, where its notes lie.
    audio_root : Path, optional
        Folder that ``audio`` is relative to; the dataset's folder if not given.
    """

    name: str
    utterances: pd.DataFrame
    references: pd.DataFrame = field(default_factory=lambda: tables.empty("references"))
    terms: pd.DataFrame = field(default_factory=lambda: tables.empty("terms"))
    folder: Path | None = None
    audio_root: Path | None = None
    _digests: dict[tuple[str, int, int], str] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        utterances = tables.check(self.utterances, "utterances", required=("utt_id",)).reset_index(drop=True)
        references = tables.check(self.references, "references", required=("utt_id", "text")).reset_index(drop=True)
        references = references.fillna({"channel": 0, "form": "unstated", "alternative": 0})
        _complain(utterances["utt_id"].isna() | (utterances["utt_id"] == ""), utterances, "have no utt_id")
        _complain(utterances["utt_id"].duplicated(), utterances, "have the utt_id of another row")
        _complain(~references["utt_id"].isin(utterances["utt_id"]), references, "are references of no utterance")
        _complain(references["text"].isna(), references, 'are references without a text (silence is "")')
        same = references.duplicated(["utt_id", "channel", "form", "alternative"])
        _complain(same, references, "are second references of one utterance, channel, form and alternative")
        object.__setattr__(self, "utterances", utterances)
        object.__setattr__(self, "references", references)
        object.__setattr__(self, "terms", tables.check(self.terms, "terms").reset_index(drop=True))

    def __len__(self) -> int:
        """Count the utterances."""
        return len(self.utterances)

    def __repr__(self) -> str:
        languages = " ".join(sorted(self.utterances["language"].dropna().unique())) or "language not stated"
        known = self.utterances["duration_s"].dropna()
        length = f"{known.sum() / 60:.1f} min" if len(known) == len(self) else "length not known"
        return f"<Dataset {self.name}: {len(self)} utterances, {languages}, {length}>"

    def select(self, wanted: str | Iterable[str]) -> Self:
        """Take part of the dataset.

        Parameters
        ----------
        wanted : str or iterable of str
            A query over the utterance table (``"language == 'en' and topic == 'terms'"``), or ids in any order.

        Returns
        -------
        Dataset
            With the utterances in the order of this one, their references, their terms, and the terms of the whole set.

        Raises
        ------
        InvalidInput
            If the query cannot be read, an id is unknown, or nothing is left.
        """
        if isinstance(wanted, str):
            try:
                ids = set(self.utterances.query(wanted)["utt_id"])
            except Exception as error:  # pandas raises errors of many kinds for a query it cannot read
                columns = ", ".join(self.utterances.columns)
                raise InvalidInput(f"{wanted!r} cannot be read ({error}). The columns are {columns}.") from error
        else:
            ids = set(wanted)
            if unknown := sorted(ids - set(self.utterances["utt_id"])):
                raise InvalidInput(f"{len(unknown)} of the utt_ids are not in {self.name}: {', '.join(unknown[:5])}.")
        if not ids:
            raise InvalidInput(f"No utterance of {self.name} fits {wanted!r}.")
        return replace(
            self,
            utterances=self.utterances[self.utterances["utt_id"].isin(ids)],
            references=self.references[self.references["utt_id"].isin(ids)],
            terms=self.terms[self.terms["utt_id"].isin(ids) | self.terms["utt_id"].isna()],
        )

    def note(self, name: str) -> str:
        """Read a text file of the dataset's folder, such as a list of terms to give as context.

        Parameters
        ----------
        name : str
            Path below the folder, with forward slashes.

        Raises
        ------
        InvalidInput
            If there is no such file, or it is not UTF-8.
        """
        if self.folder is None:
            raise InvalidInput(f"{self.name} was not loaded from a folder and so has no note {name!r}.")
        path = inside(self.folder, name)
        try:
            return path.read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"There is no note {name!r} in {self.folder} that can be read as UTF-8 text.") from error

    def audio_path(self, utt_id: str) -> Path:
        """Path of a recording.

        Raises
        ------
        InvalidInput
            If there is no such utterance, it has no audio, or its audio is a URL.
        """
        return self._path(self._audio(utt_id), utt_id)

    def audio_source(self, utt_id: str) -> str:
        """Name a recording for an engine: by its path, or by its URL."""
        named = self._audio(utt_id)
        return named if is_url(named) else str(self._path(named, utt_id))

    def digest(self, utt_id: str) -> str:
        """Fingerprint of a recording: see :func:`asrlab.data.audio.digest`; for a URL that of its text.

        Raises
        ------
        InvalidInput
            If the recording is missing or is not audio.
        """
        named = self._audio(utt_id)
        if is_url(named):
            return f"url-sha256:{hashlib.sha256(named.encode()).hexdigest()}"
        path = self._path(named, utt_id)
        if not path.is_file():
            raise InvalidInput(f"Utterance {utt_id}: there is no audio file {path}. Check the manifest.")
        facts = path.stat()
        key = (str(path), facts.st_size, facts.st_mtime_ns)
        if key not in self._digests:
            self._digests[key] = audio.digest(path)
        return self._digests[key]

    def _audio(self, utt_id: str) -> str:
        found = self.utterances.loc[self.utterances["utt_id"] == utt_id, "audio"]
        if found.empty:
            raise InvalidInput(f"There is no utterance {utt_id!r} in {self.name}.")
        named = found.iloc[0]
        if pd.isna(named):
            raise InvalidInput(f"Utterance {utt_id!r} of {self.name} names no audio. Fill the column audio.")
        return str(named)

    def _path(self, named: str, utt_id: str) -> Path:
        root = self.audio_root or self.folder
        if is_url(named) or root is None:
            raise InvalidInput(f"The audio of {utt_id!r} is not a file below a folder of {self.name}: {named!r}.")
        return inside(root, named)


def load_dataset(path: str | Path, *, audio_root: str | Path | None = None) -> Dataset:
    """Load a dataset.

    Parameters
    ----------
    path : path
        A folder with ``utterances.jsonl`` and, where there are any, ``references.jsonl`` and ``terms.jsonl``, one JSON
        object a row, columns as in :data:`asrlab.tables.SCHEMAS`; or one manifest (``.jsonl``, ``.csv`` or ``.tsv``, or
        a folder with a ``manifest.jsonl``) with a row a recording: ``utt_id`` (or ``id``), ``audio`` (or
        ``audio_filepath``), ``text``, and as known ``language`` (or ``lang``), ``duration_s`` (or ``duration``),
        ``channels``, ``speaker``, ``recording``, and for several channels ``channel_texts``. Its texts become
        references of the form ``unstated``. Whatever else a row has is kept as a column of ``utterances``.
    audio_root : path, optional
        Folder that audio paths are relative to; the folder of the manifest if not given.

    Returns
    -------
    Dataset
        Lengths and channels that the manifest does not give are read from the audio files that are there.

    Raises
    ------
    InvalidInput
        If there is nothing to load, or a row cannot be used; the message names it.

    Examples
    --------
    >>> load_dataset("datasets/dictation")  # doctest: +SKIP
    <Dataset dictation: 64 utterances, en zh, 6.2 min>
    """
    where = Path(path)
    if (where / "utterances.jsonl").is_file():
        utterances, references, terms = (
            read_rows(file) if (file := where / f"{table}.jsonl").is_file() else []
            for table in ("utterances", "references", "terms")
        )
        name, folder = where.resolve().name, where
    else:
        manifest = where / "manifest.jsonl" if where.is_dir() else where
        if where.is_dir() and not manifest.is_file():
            raise InvalidInput(f"{where} has neither utterances.jsonl nor manifest.jsonl. Name the manifest itself.")
        utterances, references, terms = [], [], []
        for row in read_rows(manifest):
            utterance = {_ALIASES.get(column, column): value for column, value in row.items()}
            references += _references(utterance)
            utterances.append(utterance)
        folder = manifest.parent
        name = folder.resolve().name if manifest.stem == "manifest" else manifest.stem
    if not utterances:
        raise InvalidInput(f"{where} holds no utterances. A dataset needs at least one row.")
    dataset = Dataset(
        name,
        _frame(utterances, "utterances"),
        _frame(references, "references"),
        _frame(terms, "terms"),
        folder,
        Path(audio_root) if audio_root is not None else folder,
    )
    return _with_lengths(dataset)


def _references(utterance: Row) -> list[Row]:
    """Take the texts out of a manifest's row."""
    utt_id, text, by_channel = (
        utterance.get("utt_id"),
        utterance.pop("text", None),
        utterance.pop("channel_texts", None),
    )
    if isinstance(by_channel, list):
        return [{"utt_id": utt_id, "channel": channel, "text": said} for channel, said in enumerate(by_channel)]
    if by_channel is not None:
        raise InvalidInput(
            f"channel_texts of {utt_id!r} must be a list of texts, one a channel, which only JSON lines can hold."
        )
    return [] if text is None else [{"utt_id": utt_id, "text": text}]


def _frame(rows: list[Row], table: str) -> pd.DataFrame:
    """Make a table of rows; a value of the wrong kind is named, not guessed at."""
    schema = tables.SCHEMAS[table]
    for number, row in enumerate(rows, 1):
        for column, value in row.items():
            if column in _IDS and type(value) is int:
                row[column] = str(value)
            elif schema.get(column, ("",))[0] == "string" and not (value is None or isinstance(value, str)):
                raise InvalidInput(
                    f"Row {number} of the {table}: {column} must be text, not {value!r}. Write it in quotation marks."
                )
    columns = [*schema, *dict.fromkeys(column for row in rows for column in row if column not in schema)]
    return pd.DataFrame({column: _values(rows, column, schema) for column in columns})


def _values(rows: list[Row], column: str, schema: Mapping[str, tuple[str, str]]) -> pd.Series:
    values = [row.get(column) for row in rows]
    dtype = schema[column][0] if column in schema else _plain_dtype(values)
    if dtype in {"Int64", "Float64"}:
        try:
            numbers = [None if value is None else float(value) for value in values]
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidInput(f"Column {column} must hold numbers: {error}.") from error
        return pd.Series(numbers, dtype="Float64").astype(pd.api.types.pandas_dtype(dtype))
    return pd.Series(values, dtype=dtype)


def _plain_dtype(values: list[Any]) -> Any:  # noqa: ANN401 - pandas dtypes have no common type
    """Choose a dtype that keeps an unknown column's values: text is never read as numbers."""
    kinds = {type(value) for value in values if value is not None}
    return {frozenset({str}): "string", frozenset({bool}): "boolean", frozenset({int}): "Int64"}.get(
        frozenset(kinds), "Float64" if kinds and kinds <= {int, float} else "object"
    )


def _with_lengths(dataset: Dataset) -> Dataset:
    """Fill in lengths and channels that the manifest does not give, where the files are there."""
    utterances = dataset.utterances
    missing = utterances[utterances["duration_s"].isna() | utterances["channels"].isna()]
    for index, named in missing["audio"].items():
        if pd.isna(named) or is_url(named):
            continue
        path = inside(dataset.audio_root or Path(), named)
        if path.is_file():
            facts = audio.probe(path)
            utterances.loc[index, ["duration_s", "channels"]] = [facts.duration_s, facts.channels]
    return dataset


def _complain(wrong: pd.Series, frame: pd.DataFrame, what: str) -> None:
    if wrong.any():
        named = [f"row {index + 1} ({frame['utt_id'].iloc[index]})" for index in wrong.index[wrong][:3]]
        raise InvalidInput(f"{int(wrong.sum())} rows {what}: {', '.join(named)}. Mend the manifest.")
