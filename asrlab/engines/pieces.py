"""Pieces of a recording that is too long for one request: cut at pauses, and what was heard in them kept until all are.

Each piece is paid for when it is answered, so its answer is on the disk before the next is asked about: whatever ends
the question before its end, and whoever asks it again within a day, pays for no piece twice. One asks at a time, and
what was heard stands when all of it was: only then does whoever asked begin to store the answer.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import tempfile
import threading
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import anyio
import filelock
from anyio.to_thread import run_sync

from asrlab.dashscope import Recognition, wire
from asrlab.data.audio import decode, digest, probe
from asrlab.data.codecs import write_flac
from asrlab.data.pauses import cuts
from asrlab.errors import InvalidInput
from asrlab.folders import cache_folder
from asrlab.text import canonical_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from asrlab.data.pauses import Cut

PIECE_S: Final = 240.0
"""Seconds of the longest piece: well under the limit of 300 of the models that answer at once."""
RECIPE: Final = 1
"""Goes up with every change, here or in :mod:`asrlab.data.pauses`, that makes other pieces: an identity has it."""
_RATE: Final = 16_000  # Hz; what is above is downsampled by the service too (service documentation, limits)
#: As long as the service keeps what a task came to. Under a name without a date, another model may answer later.
_KEPT_S: Final = wire.TASK_LIFE_H * 3600.0
_LOOK_S: Final = 0.1  # between two looks whether it is one's turn
_CUTTING: Final = threading.Lock()  # a recording takes 230 MB an hour while it is cut
#: First and last characters of scripts that have no spaces between words: Thai to Myanmar, Khmer, then Chinese and
#: Japanese with their punctuation.
_UNSPACED: Final = ((0x0E00, 0x109F), (0x1780, 0x17FF), (0x2E80, 0xA4CF), (0xF900, 0xFAFF), (0xFE30, 0xFE4F),
                    (0xFF00, 0xFFEF), (0x20000, 0x3FFFF))  # fmt: skip


class Pieces(NamedTuple):
    """A recording in pieces: their files, where it was cut, in seconds, and by what it is known."""

    files: list[Path]
    places_s: list[float]
    cuts: list[Cut]
    digest: str


@asynccontextmanager
async def pieces_of(audio: str) -> AsyncIterator[Pieces]:
    """Cut the first channel of a recording at pauses, one recording at a time; the files are there while entered.

    Raises
    ------
    InvalidInput
        If it cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="asrlab-pieces-") as folder:
        await _turn(partial(_CUTTING.acquire, blocking=False))
        try:
            made = await run_sync(_cut, audio, Path(folder))
        finally:
            _CUTTING.release()
        yield made


def _cut(audio: str, folder: Path) -> Pieces:
    rate = min(_RATE, probe(audio).sample_rate)
    samples = decode(audio, rate, channel=0)
    found = cuts(samples, rate, most_s=PIECE_S)
    places = [0, *(cut.place for cut in found), samples.shape[1]]
    files = []
    for number, begin in enumerate(places[:-1]):
        files.append(folder / f"{number:04d}.flac")
        write_flac(files[-1], samples[:, begin : places[number + 1]], rate)
    return Pieces(files, [place / rate for place in places[1:-1]], found, digest(audio))


@asynccontextmanager
async def keeping(question: Mapping[str, Any]) -> AsyncIterator[Kept]:
    """Keep what is heard in the pieces of a question; whoever else asks the same waits meanwhile.

    Parameters
    ----------
    question : mapping
        Everything that makes it the question it is; JSON values.

    Raises
    ------
    InvalidInput
        If nothing can be written there.
    """
    name = hashlib.sha256(canonical_json({"recipe": RECIPE, **question}).encode()).hexdigest()
    file = cache_folder("pieces") / f"{name}.json"
    lock = filelock.FileLock(file.with_suffix(".lock"), timeout=0, thread_local=False)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        await _turn(partial(_take, lock))
    except OSError as error:
        raise InvalidInput(
            f"What is heard in pieces cannot be kept in {file.parent} ({error.strerror}), and would be paid again. "
            "Make room there, or set ASRLAB_CACHE to another folder."
        ) from error
    try:
        _remove_old(file.parent)
        yield Kept(file)
    finally:
        lock.release()


async def _turn(take: Callable[[], bool]) -> None:
    """Wait for one's turn; others go on meanwhile, and whoever is interrupted waits no longer."""
    while True:
        if take():
            return
        await anyio.sleep(_LOOK_S)


def _take(lock: filelock.BaseFileLock) -> bool:
    try:
        lock.acquire()
    except filelock.Timeout:
        return False
    return True


def _remove_old(folder: Path) -> None:
    oldest = time.time() - _KEPT_S
    for file in folder.iterdir():
        with suppress(OSError):  # another process may be removing it too
            if file.suffix != ".lock" and file.stat().st_mtime < oldest:  # the locks are empty, and may be held
                file.unlink()


class Kept:
    """What was heard in the pieces of a question within a day, on the disk.

    Parameters
    ----------
    file : Path
        Where; nobody else writes it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._heard: dict[str, tuple[float, dict[str, Any]]] = {}  # when, and what
        oldest = time.time() - _KEPT_S
        with suppress(OSError, ValueError, TypeError, AttributeError):  # a torn file is as good as none
            for number, (at, facts) in json.loads(file.read_text(encoding="utf-8")).items():
                if at >= oldest:
                    self._heard[number] = (at, asdict(Recognition(**facts)))

    def get(self, number: int) -> Recognition | None:
        """Give what was heard in a piece; None if it is not known."""
        known = self._heard.get(str(number))
        return None if known is None else Recognition(**known[1])

    def put(self, number: int, heard: Recognition) -> None:
        """Write down what was heard in a piece.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        self._heard[str(number)] = (time.time(), asdict(heard))
        half = self._file.with_name(f"{self._file.stem}.{secrets.token_hex(4)}.half")
        half.write_text(json.dumps(self._heard), encoding="utf-8")
        half.replace(self._file)


def join(texts: Sequence[str]) -> str:
    """Join the texts of pieces: with a space, unless both sides of the seam are of a script that has none.

    Examples
    --------
    >>> join(["Ship it.", "", "收到。", "好。"])
    'Ship it. 收到。好。'
    """
    whole = ""
    for text in filter(None, map(str.strip, texts)):
        seamless = not whole or (_is_unspaced(whole[-1]) and _is_unspaced(text[0]))
        whole += text if seamless else f" {text}"
    return whole


def _is_unspaced(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _UNSPACED)
