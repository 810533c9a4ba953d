"""Datasets of Hugging Face: an object of its library ``datasets``, or what that writes. Audio in them is never decoded.

What is on disk is read by pyarrow, so that the library is needed only by those who have an object of it.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from asrlab.data.manifests.base import Format, Manifest, Options, Row, collect, is_file, is_folder
from asrlab.data.manifests.columns import ALIASES, check_given, made_ids, renamed
from asrlab.data.manifests.files import first_lines
from asrlab.data.manifests.held import Held, held_audio, held_folder, holds_audio, is_audio
from asrlab.data.manifests.jsonl import json_rows, our_rows
from asrlab.data.manifests.parquet import Parquet
from asrlab.data.manifests.separated import Csv
from asrlab.data.places import is_place
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_OBJECTS: Final = ("Dataset", "DatasetDict", "IterableDataset", "IterableDatasetDict")
_METADATA: Final = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
#: Where the text may stand, what is to be preferred first.
_TEXTS: Final = (
    "text", "sentence", "transcription", "transcript", "normalized_text", "raw_text", "raw_transcription", "reference",
)  # fmt: skip
_IDS: Final = (*ALIASES["utt_id"], "segment_id", "audio_id")
_LISTS: Final = ("tags", "channel_texts", "references")
_BATCH: Final = 64  # rows read at a time: each may hold a recording
_LISTED: Final = 2000


class _Found(NamedTuple):
    """A dataset as columns of Arrow: where it is from, and its rows in parts."""

    name: str
    said: str
    folder: Path | None
    schema: Any
    parts: Iterable[Any]


class HuggingFace(Format):
    """A dataset of Hugging Face.

    It is a ``datasets.Dataset``; a folder made by ``save_to_disk``; Parquet with audio in it, a file or a folder of the
    files of one split; or a folder of audio with ``metadata.csv``, ``.jsonl`` or ``.parquet`` (``audiofolder``).

    The audio column is found by its type, or given: ``columns={"noisy": "audio"}``. Audio held in it is copied once
    into the cache (``huggingface``), as it is and named by its content; arrays of samples as FLAC of 16 bits. Paths are
    below the folder, or ``audio_root``; those of an object below the folder that Python was started in or Hugging
    Face's caches, or else that must be given too.

    The text is ``text``, ``sentence``, ``transcription``, ``transcript``, ``normalized_text``, ``raw_text`` or
    ``raw_transcription``, the first that there is, or given. Names of classes take the place of their numbers. Ids that
    several rows have are none (FLEURS numbers sentences): recordings are then known by the names of their files.
    """

    name: ClassVar[str] = "huggingface"
    title: ClassVar[str] = "dataset of Hugging Face: an object, save_to_disk, Parquet with audio, or audiofolder"
    is_file: ClassVar[bool] = False
    written: ClassVar[bool] = False

    def recognises(self, source: Any) -> bool:  # noqa: ANN401 - as in Format
        """Look at its class, or for the files it consists of; see :meth:`Format.recognises`."""
        if _is_object(source):
            return True
        if not is_place(source):
            return False
        try:
            return (
                is_folder(source, "state.json", "dataset_info.json")
                or is_folder(source, "dataset_dict.json")
                or _metadata(source) is not None
                or any(holds_audio(file) for file in _parquets(source)[:1])
            )
        except (OSError, ValueError):
            return False

    def read(self, source: Any, options: Options) -> Manifest:  # noqa: ANN401 - as in Format
        """Read it; see :meth:`Format.read`."""
        if not _is_object(source) and (file := _metadata(source)) is not None:
            return _audio_folder(source, file, options)
        found = _found(source)
        where = found.folder or found.name
        audio = _audio_column(found, options)
        texts = [name for name in _TEXTS if name in found.schema.names and name not in options.columns]
        aliases = {**ALIASES, "utt_id": _IDS, "text": tuple(texts[:1]), "audio": ()}
        columns = found.schema.names
        check_given(options, columns, where)
        names = renamed(columns, {**options.columns, **({audio: "audio"} if audio else {})}, aliases)
        rows, sounds, nested = _rows(found, audio, names)
        remarks = []
        if audio is None:
            remarks.append(f"There is no column with audio among {', '.join(columns)}.")
        if nested:
            remarks.append(f"The columns {', '.join(sorted(nested))} hold lists or structures, and are left out.")
        if len(texts) > 1 and names.get(texts[0]) == "text":
            remarks.append(f"The text is {texts[0]!r}; columns= takes another ({', '.join(texts[1:])}).")
        root = _root(found, sounds, options)
        remarks += _with_ids(rows, sounds, names, options)
        for row, sound in zip(rows, sounds, strict=True):
            row["audio"] = sound.path
        utterances, references = collect(enumerate(rows, 1), where, options, line="row")
        return Manifest(
            found.name, utterances, references, folder=found.folder, audio_root=root, said=found.said,
            remarks=tuple(remarks),
        )  # fmt: skip


FORMATS: Final = (HuggingFace(),)


# What it is.


def _is_object(source: object) -> bool:
    kind = type(source)
    return kind.__module__.partition(".")[0] == "datasets" and kind.__name__ in _OBJECTS


def _metadata(source: Any) -> Path | None:  # noqa: ANN401 - whatever is given
    """Find the file of metadata in a folder, if it is one that names files."""
    for name in _METADATA:
        if is_folder(source, name):
            file: Path = source / name
            if name.endswith(".parquet") or any("file_name" in line for line in first_lines(file)[:1]):
                return file
    return None


def _parquets(source: Path) -> list[Path]:
    """Give a Parquet file, or those of a folder or of the folder ``data`` in it."""
    if is_file(source, ".parquet"):
        return [source]
    for folder in (source, source / "data"):
        if is_folder(folder):
            listed = (path for path, _ in zip(folder.iterdir(), range(_LISTED), strict=False))
            if files := sorted((f for f in listed if f.name.endswith(".parquet")), key=lambda file: file.name):
                return files
    return []


def _found(source: Any) -> _Found:  # noqa: ANN401 - whatever is given
    if _is_object(source):
        return _object(source)
    folder: Path = source
    if is_folder(folder, "dataset_dict.json"):
        splits = _json(folder / "dataset_dict.json").get("splits")
        listed = ", ".join(map(str, splits)) if isinstance(splits, list) else "none"
        raise InvalidInput(f"{folder} holds several splits: {listed}. Name the folder of one of them.")
    if is_folder(folder, "state.json"):
        return _saved(folder)
    files = _parquets(folder)
    if not files:
        raise InvalidInput(f"{folder} is no dataset of Hugging Face: it has no dataset_info.json and no Parquet files.")
    if len(splits := list(dict.fromkeys(file.stem.partition("-")[0] for file in files))) > 1:
        raise InvalidInput(
            f"{folder} holds several splits: {', '.join(splits)}. Load one with the library datasets, and give that: "
            f'datasets.load_dataset("parquet", data_files="{splits[0]}-*.parquet", split="train"). Or name one file.'
        )
    import pyarrow.parquet as pq  # noqa: PLC0415 - slow to import

    with _readable(files[0]), files[0].open("rb") as opened:
        schema = pq.read_schema(opened)
    single = is_file(folder)
    return _Found(
        folder.stem if single else folder.name,
        f"{folder.name} ({len(files)} files of Parquet)",
        folder.parent if single else folder,
        schema,
        _of_parquet(files),
    )


def _object(dataset: Any) -> _Found:  # noqa: ANN401 - of datasets, which need not be installed
    kind = type(dataset).__name__
    if kind.endswith("Dict"):
        splits = list(dataset)
        raise InvalidInput(
            f"This {kind} holds several splits: {', '.join(map(str, splits))}. Give one: load_dataset(dataset["
            f"{(splits or ['test'])[0]!r}])."
        )
    if kind == "IterableDataset":
        raise InvalidInput(
            "This dataset is streamed, and has no end that is known. Take some of it: "
            'some = stream.cast_column("audio", datasets.Audio(decode=False)).take(100); '
            "load_dataset(datasets.Dataset.from_list(list(some)))."
        )
    name = "-".join(
        str(part) for part in (dataset.info.dataset_name or dataset.info.builder_name, dataset.split) if part
    )
    arrow = dataset.with_format("arrow")  # gives what is held as it is: nothing is decoded
    schema = dataset.data.schema
    return _Found(name or "huggingface", f"datasets.Dataset ({len(dataset)} rows)", None, schema, arrow.iter(_BATCH))


def _saved(folder: Path) -> _Found:
    import pyarrow as pa  # noqa: PLC0415 - slow to import

    state = _json(folder / "state.json")
    listed = state.get("_data_files")
    named = [one.get("filename") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    names = [name for name in named if isinstance(name, str) and PurePosixPath(name).name == name != ".."]
    if not names or len(names) < len(named):
        raise InvalidInput(f"{folder / 'state.json'} names no files of this folder. Save the dataset again.")
    if state.get("_indices_data_files"):
        raise InvalidInput(f"{folder} has its rows in another order than its files. Save dataset.flatten_indices().")
    files = [folder / name for name in names]
    with _readable(files[0]), files[0].open("rb") as opened, pa.ipc.open_stream(opened) as stream:
        schema = stream.schema
    return _Found(folder.name, f"{folder.name} (save_to_disk, {len(files)} files)", folder, schema, _of_arrow(files))


def _json(file: Path) -> Row:
    try:
        found: object = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{file} is not JSON that can be read ({error}). Save the dataset again.") from error
    if not isinstance(found, dict):
        raise InvalidInput(f"{file} must be a JSON object, not {type(found).__name__}. Save the dataset again.")
    return found


class _readable:  # noqa: N801 - it is used as a function
    """Turn errors of a library into ours, which name the file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import pyarrow as pa  # noqa: PLC0415 - slow to import

        if isinstance(error, pa.ArrowException | OSError | ValueError) and not isinstance(error, InvalidInput):
            said = str(error).partition("\n")[0]
            raise InvalidInput(f"{self.file} cannot be read ({said}). Write or download it again.") from error


def _of_parquet(files: Sequence[Path]) -> Iterator[Any]:
    import pyarrow.parquet as pq  # noqa: PLC0415 - slow to import

    for file in files:
        with _readable(file), file.open("rb") as opened, pq.ParquetFile(opened) as parquet:
            yield from parquet.iter_batches(_BATCH)


def _of_arrow(files: Sequence[Path]) -> Iterator[Any]:
    import pyarrow as pa  # noqa: PLC0415 - slow to import

    for file in files:
        with _readable(file), file.open("rb") as opened, pa.ipc.open_stream(opened) as stream:
            yield from stream


def _audio_folder(folder: Path, file: Path, options: Options) -> Manifest:
    """Read a folder of audio with a table of metadata."""
    if file.suffix == ".csv":
        manifest = Csv().read(file, options)
    elif file.suffix == ".parquet":
        manifest = Parquet().read(file, options)
    else:
        numbered = list(our_rows(json_rows(file), file, options))
        audio = [row.get("audio") if isinstance(row.get("audio"), str) else None for _, row in numbered]
        ids, _ = made_ids(audio, options.audio_root or folder)
        rows = ((number, {"utt_id": utt_id, **row}) for (number, row), utt_id in zip(numbered, ids, strict=True))
        utterances, references = collect(rows, file, options)
        manifest = Manifest("", utterances, references, folder=folder, audio_root=folder)
    return replace(manifest, name=folder.name, said=f"{folder.name} (audiofolder, {file.name})")


# What is in it.


def _audio_column(found: _Found, options: Options) -> str | None:
    """Find the column of the audio."""
    given = [theirs for theirs, ours in options.columns.items() if ours == "audio"]
    if given:
        return given[0] if given[0] in found.schema.names else None
    held = [column.name for column in found.schema if is_audio(column.type)]
    if "audio" in held or not held:
        named = (name for name in ("audio", *ALIASES["audio"]) if name in found.schema.names)
        return next(named, None)
    if len(held) > 1:
        raise InvalidInput(
            f"{found.folder or found.name} has several columns with audio: {', '.join(held)}. Say which is meant: "
            f"columns={{{held[0]!r}: 'audio'}}."
        )
    return str(held[0])


def _rows(found: _Found, audio: str | None, names: Mapping[str, str]) -> tuple[list[Row], list[Held], set[str]]:
    """Take all rows, and keep the audio that is in them."""
    labels = _labels(found.schema)
    rows: list[Row] = []
    sounds: list[Held] = []
    nested: set[str] = set()
    for part in found.parts:
        others = [name for name in part.schema.names if name != audio]
        try:
            plain = part.select(others).to_pylist()
            held = part.column(audio) if audio is not None else [None] * part.num_rows
            for row, cell in zip(plain, held, strict=True):
                sounds.append(held_audio(None if cell is None else cell.as_py()))
                ours = {}
                for name, value in row.items():
                    if isinstance(value, list | dict | bytes) and names.get(name) not in _LISTS:
                        nested.add(name)
                        continue
                    ours[names.get(name, name)] = _label(labels[name], value) if name in labels else value
                rows.append(ours)
        except UnicodeDecodeError:
            raise InvalidInput(f"{found.folder or found.name}, row {len(rows) + 1}: a text is not UTF-8.") from None
        except InvalidInput as error:
            raise InvalidInput(f"{found.folder or found.name}, row {len(rows) + 1}: {error}") from None
    return rows, sounds, nested


def _labels(schema: Any) -> dict[str, list[str]]:  # noqa: ANN401 - of pyarrow, which has no types
    """Give the names of the classes that columns hold the numbers of."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        return {name: list(map(str, one["names"])) for name, one in features.items() if one["_type"] == "ClassLabel"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):  # what a stranger wrote there
        return {}


def _label(names: list[str], value: object) -> str | None:
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else None


def _root(found: _Found, sounds: Sequence[Held], options: Options) -> Path | None:
    """Give the folder that the audio lies below."""
    kept = {sound.kept for sound in sounds if sound.path is not None}
    where = found.folder or found.name
    if len(kept) > 1:
        raise InvalidInput(f"{where} holds some of its audio, and names files for the rest. Load them apart.")
    if True in kept:
        if options.audio_root is not None:
            raise InvalidInput(f"{where} holds its audio itself, so that audio_root= names nothing. Leave it out.")
        return held_folder()
    if options.audio_root is not None or found.folder is not None:
        return options.audio_root or found.folder
    paths = [Path(sound.path) for sound in sounds if sound.path is not None and "://" not in sound.path]
    config = sys.modules["datasets"].config
    caches = (config.HF_CACHE_HOME, config.HF_DATASETS_CACHE, config.DOWNLOADED_DATASETS_PATH)
    for folder in (Path.cwd(), *map(Path, caches)):
        if all((Path.cwd() / path).is_relative_to(folder) for path in paths):
            return folder
    raise InvalidInput(
        f"The audio of {where} lies elsewhere than in this folder or Hugging Face's caches (the first is {paths[0]}). "
        "Say below which folder it may: load_dataset(..., audio_root=...)."
    )


def _with_ids(rows: list[Row], sounds: Sequence[Held], names: Mapping[str, str], options: Options) -> list[str]:
    """Give rows ids, where they have none of their own."""
    theirs = next((name for name, ours in names.items() if ours == "utt_id"), None)
    remarks = []
    if theirs is not None:
        seen = Counter(str(row.get("utt_id")) for row in rows)
        if len(seen) == len(rows) or theirs == "utt_id" or theirs in options.columns:
            return []
        remarks.append(f"The ids in {theirs!r} are not of one row each, and so are no ids of recordings.")
        for row in rows:
            row[theirs] = row.pop("utt_id", None)
    ids, remark = made_ids([sound.called for sound in sounds], None)
    if len({one for one in ids if one is not None}) < len(rows):
        ids, remark = [f"{number:06d}" for number in range(1, len(rows) + 1)], "The utt_id of each is its number."
    for row, utt_id in zip(rows, ids, strict=True):
        row["utt_id"] = utt_id
    return [*remarks, remark]
