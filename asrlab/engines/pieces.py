"""Pieces of a recording that is too long for one request: cut at pauses, and what was heard in them kept until all are.

Each piece is paid for when it is answered, so its answer is on the disk before the next is asked about: whatever ends
the question before its end, and whoever asks it again, pays for no piece twice.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from asrlab.dashscope import Recognition
from asrlab.data.audio import decode, digest, probe
from asrlab.data.codecs import write_flac
from asrlab.data.pauses import cuts
from asrlab.folders import cache_folder
from asrlab.text import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from asrlab.data.pauses import Cut

PIECE_S: Final = 240.0
"""Seconds of the longest piece: well under the limit of 300 of the models that answer at once."""
_RATE: Final = 16_000  # Hz; what is above is downsampled by the service too (service documentation, limits)
_RECIPE: Final = 1  # goes up with every change here that makes other pieces
_KEPT_S: Final = 30 * 24 * 3600.0
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


@contextmanager
def pieces_of(audio: str) -> Iterator[Pieces]:
    """Cut the first channel of a recording at pauses; the files are there while entered.

    Raises
    ------
    InvalidInput
        If it cannot be read.
    """
    rate = min(_RATE, probe(audio).sample_rate)
    samples = decode(audio, rate)[:1]
    found = cuts(samples, rate, most_s=PIECE_S)
    places = [0, *(cut.place for cut in found), samples.shape[1]]
    with tempfile.TemporaryDirectory(prefix="asrlab-pieces-") as folder:
        files = []
        for number, begin in enumerate(places[:-1]):
            files.append(Path(folder) / f"{number:04d}.flac")
            write_flac(files[-1], samples[:, begin : places[number + 1]], rate)
        del samples
        yield Pieces(files, [place / rate for place in places[1:-1]], found, digest(audio))


class Kept:
    """What was heard in the pieces of a question, on the disk until all of it is.

    Parameters
    ----------
    question : mapping
        Everything that makes it the question it is; JSON values.
    """

    def __init__(self, question: Mapping[str, Any]) -> None:
        name = hashlib.sha256(canonical_json({"recipe": _RECIPE, **question}).encode()).hexdigest()
        self._file = cache_folder("pieces") / f"{name}.json"
        self._heard: dict[str, dict[str, Any]] = {}
        with suppress(OSError, ValueError, TypeError, AttributeError):  # a torn file is as good as none
            found = json.loads(self._file.read_text(encoding="utf-8"))
            self._heard = {number: asdict(Recognition(**facts)) for number, facts in found.items()}

    def get(self, number: int) -> Recognition | None:
        """Give what was heard in a piece; None if it is not known."""
        facts = self._heard.get(str(number))
        return None if facts is None else Recognition(**facts)

    def put(self, number: int, heard: Recognition) -> None:
        """Write down what was heard in a piece.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        self._heard[str(number)] = asdict(heard)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        half = self._file.with_suffix(".half")
        half.write_text(json.dumps(self._heard), encoding="utf-8")
        half.replace(self._file)

    def forget(self) -> None:
        """Remove it, as all of it was heard, and what nobody has asked for again in a month."""
        oldest = time.time() - _KEPT_S
        with suppress(OSError):  # another process may be removing them too
            self._file.unlink(missing_ok=True)
            for file in self._file.parent.glob("*.json"):
                if file.stat().st_mtime < oldest:
                    file.unlink()


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
