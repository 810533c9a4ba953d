"""Audio that a table holds itself, or says the path of: it is kept in the cache as it is, and never decoded here."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple

import numpy as np

from asrlab.data.codecs import write_flac
from asrlab.data.manifests.files import AUDIO_SUFFIXES
from asrlab.errors import InvalidInput
from asrlab.folders import cache_folder

_HEADS: Final = {b"RIFF": ".wav", b"fLaC": ".flac", b"OggS": ".ogg", b"ID3": ".mp3", b"\xff\xfb": ".mp3"}
_LARGEST: Final = 2 << 30  # bytes of a recording, the service's own limit


class Held(NamedTuple):
    """What a row says of its audio: a path, below the cache if it was kept there; and what it is called."""

    path: str | None
    called: str | None
    kept: bool


def holds_audio(file: Path) -> bool:
    """Whether a Parquet file has a column of audio; one that cannot be read has none."""
    import pyarrow as pa  # noqa: PLC0415 - slow to import
    import pyarrow.parquet as pq  # noqa: PLC0415 - as above

    try:
        with file.open("rb") as opened:
            schema = pq.read_schema(opened)
    except (pa.ArrowException, OSError):
        return False
    return any(is_audio(column.type) for column in schema)


def is_audio(kind: Any) -> bool:  # noqa: ANN401 - of pyarrow, which has no types
    """Whether a type of Arrow is one in which audio is held."""
    import pyarrow as pa  # noqa: PLC0415 - slow to import

    fields = {field.name for field in kind} if pa.types.is_struct(kind) else set()
    return {"bytes", "path"} <= fields or {"array", "sampling_rate"} <= fields


def held_audio(cell: Any) -> Held:  # noqa: ANN401 - whatever stands there
    """Give the path of a recording, after keeping what is not in a file.

    Parameters
    ----------
    cell : str, dict or None
        A path; or ``bytes`` of a file, or ``array`` and ``sampling_rate``, each with a ``path``.

    Returns
    -------
    Held
        What is kept lies below :func:`held_folder`, named by its content: bytes as they are, samples as FLAC of 16
        bits.

    Raises
    ------
    InvalidInput
        If it is something else.
    """
    if cell is None or isinstance(cell, str):
        return Held(cell, cell, kept=False)
    if not isinstance(cell, dict):
        raise InvalidInput(f"its audio is {type(cell).__name__}, and neither a path nor samples nor a file's bytes.")
    path, held = cell.get("path"), cell.get("bytes")
    if held is not None:
        return Held(_keep_bytes(held, path), path, kept=True)
    if cell.get("array") is not None:
        return Held(_keep_samples(cell["array"], cell.get("sampling_rate")), path, kept=True)
    return Held(path, path, kept=False)


def _keep_bytes(held: bytes, path: str | None) -> str:
    if len(held) > _LARGEST:
        raise InvalidInput(f"its audio has {len(held):,} bytes, more than {_LARGEST:,}. Split it.")
    suffix = PurePosixPath(path or "").suffix.lower()
    if suffix not in AUDIO_SUFFIXES:
        suffix = next((ending for head, ending in _HEADS.items() if held.startswith(head)), "")
    name = _cached_name(hashlib.sha256(held).hexdigest(), suffix)
    file = held_folder() / name
    if not file.is_file() or file.stat().st_size != len(held):
        with tempfile.TemporaryDirectory(dir=_made(file.parent)) as half:
            (Path(half) / "half").write_bytes(held)
            (Path(half) / "half").replace(file)
    return name


def _keep_samples(array: Any, rate: Any) -> str:  # noqa: ANN401 - whatever stands there
    try:
        samples = np.atleast_2d(np.asarray(array, dtype=np.float32))
    except (TypeError, ValueError):
        samples = np.zeros((0, 0, 0), np.float32)
    if samples.ndim != 2 or type(rate) is not int or not 0 < rate < 1_000_000 or not np.isfinite(samples).all():
        raise InvalidInput(f"its audio is no array of samples, of one or two dimensions, at {rate!r} Hz.")
    if samples.shape[0] > samples.shape[1]:
        samples = samples.T  # some libraries have a row a moment
    facts = f"{rate} Hz, {samples.shape[0]} channels, float32\n".encode()
    name = _cached_name(hashlib.sha256(facts + samples.astype("<f4").tobytes()).hexdigest(), ".flac")
    file = held_folder() / name
    if not file.is_file():
        with tempfile.TemporaryDirectory(dir=_made(file.parent)) as half:
            write_flac(Path(half) / "half.flac", samples, rate)
            (Path(half) / "half.flac").replace(file)
    return name


def held_folder() -> Path:
    """Name the folder of what is kept."""
    return cache_folder("huggingface")


def _cached_name(digest: str, suffix: str) -> str:
    return f"{digest[:2]}/{digest}{suffix}"


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
