"""Sound: recordings and stretches of them as players that hold the sound itself."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from asrlab.errors import AsrlabError, InvalidInput
from asrlab.text import escape, plain
from asrlab.views.html.lines import sentence
from asrlab.views.markup import Html

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from asrlab.views.answers import Recordings
    from asrlab.views.stack import Cell

Source = TypeVar("Source", bound="Recordings")

#: What is heard before and after what was asked for, in seconds: a word without its neighbours is hard to place.
LEAD_S: Final = 0.5
TAIL_S: Final = 0.5
MB: Final = 10**6
#: Errors that are nearer to each other than this are heard in one clip.
_APART_S: Final = 1.5
_SAYING_SO: Final = 1500  # bytes
#: So many times the size that is wanted is too much for FLAC to bring down.
_HOPELESS: Final = 8
_HEAD: Final = 4096  # bytes of a file in which what it holds is told
_FLAC: Final = "audio/flac"
_IN_WAV: Final = frozenset({1, 3, 0xFFFE})  # integers, floats, and either with more channels; not G.711, GSM, ADPCM
_BY_SUFFIX: Final = {".m4a": "audio/mp4", ".mp4": "audio/mp4", ".webm": "audio/webm"}


class Room:
    """Keeps a piece of HTML within its budget.

    Parameters
    ----------
    budget_mb : float
        Markup that the whole piece may take (10^6 bytes), a little of which is kept for what says so.
    """

    def __init__(self, budget_mb: float) -> None:
        self.budget_mb = budget_mb
        self._left = budget_mb * MB - _SAYING_SO

    def takes(self, *pieces: Html) -> bool:
        """Tell whether there is room for pieces that come together, and take it."""
        size = sum(len(piece.markup.encode()) + 1 for piece in pieces)  # with the end of its line
        if size > self._left:
            return False
        self._left -= size
        return True


class Sound(NamedTuple):
    """What a browser plays.

    Attributes
    ----------
    mime : str
        Type of the bytes, such as ``"audio/flac"``.
    data : bytes
        A whole file of it.
    begin_s, end_s : float or None
        Which stretch of the recording, in seconds; None at its ends.
    """

    mime: str
    data: bytes
    begin_s: float | None
    end_s: float | None

    def __repr__(self) -> str:
        return f"<Sound {self.mime}, {len(self.data):,} bytes>"


def asked_about(condition: str, dataset: Source | None, heard: Callable[[str], Source | None] | None) -> Source | None:
    """Give the recordings that were asked about under a condition, as a sweep knows them; else those of the dataset."""
    try:
        return dataset if heard is None else heard(condition)
    except InvalidInput:  # a condition of scores or transcripts from elsewhere
        return dataset


def player(
    dataset: Recordings | None,
    utt_id: str,
    *,
    max_mb: float = 10,
    start_s: float | None = None,
    end_s: float | None = None,
) -> Html:
    """Show a recording, or a stretch of it, as an audio player that holds the sound itself.

    Parameters
    ----------
    dataset : Dataset or None
        Knows where the recording lies.
    utt_id : str
        The utterance.
    max_mb : float
        A longer sound is named, and not put in (10^6 bytes; in a page they take a third more).
    start_s, end_s : float, optional
        What is to be heard, in seconds of the recording, such as the times of an error: the clip begins half a second
        before it and ends half a second after.

    Returns
    -------
    Html
        The player, or in words why there is none. What browsers do not play (SPHERE, AIFF, G.711 ...) is coded anew.
    """
    found = recording(dataset, utt_id, max_mb=max_mb, start_s=start_s, end_s=end_s)
    return sentence(found) if isinstance(found, str) else _player(found, utt_id)


def recording(
    dataset: Recordings | None,
    utt_id: str,
    *,
    max_mb: float = 10,
    start_s: float | None = None,
    end_s: float | None = None,
) -> Sound | str:
    """Find the sound that :func:`player` plays, or say why there is none.

    Parameters
    ----------
    dataset, utt_id, max_mb, start_s, end_s
        As for :func:`player`.

    Returns
    -------
    Sound or str
        A sentence where there is none.
    """
    path = file_of(dataset, utt_id)
    if dataset is None or isinstance(path, str):
        return str(path)
    begin = None if start_s is None else max(0.0, start_s - LEAD_S)
    end = None if end_s is None else end_s + TAIL_S
    size, name = path.stat().st_size, path.name
    if begin is None and end is None:
        with path.open("rb") as file:
            mime = _played(file.read(_HEAD), path.suffix.lower())
        if mime is not None and size <= max_mb * MB:
            return Sound(mime, path.read_bytes(), None, None)
        if mime is not None or size > _HOPELESS * max_mb * MB:
            return _too_much(name, size, max_mb)
    else:
        name = f"this stretch of {name}"
    try:
        data = dataset.clip(utt_id, begin, end)
    except AsrlabError:
        return f"No audio: {name} cannot be decoded."
    return Sound(_FLAC, data, begin, end) if len(data) <= max_mb * MB else _too_much(name, len(data), max_mb)


def file_of(dataset: Recordings | None, utt_id: str) -> Path | str:
    """Find the file of a recording, or say why there is none."""
    if dataset is None:
        return "No audio: this sweep was opened without its dataset."
    try:
        path = dataset.audio_path(utt_id)
        path.stat()
    except AsrlabError:  # not in its words: they may quote a URL with its signature
        return f"No audio: the dataset names no file for {utt_id}."
    except (OSError, ValueError):  # ValueError: a name with a NUL
        return f"No audio: the file of {utt_id} is not here."
    return path


def _too_much(name: str, size: int, max_mb: float) -> str:
    return f"No audio: {name} has {size / MB:.1f} MB, more than {max_mb:g} MB."


def _player(found: Sound, utt_id: str) -> Html:
    stretch = stretch_in_words(found.begin_s, found.end_s)
    name = f"{utt_id}, {stretch}" if stretch else utt_id
    data = base64.b64encode(found.data).decode("ascii")
    return Html(
        f'<audio controls preload="metadata" title="{escape(name)}" src="data:{found.mime};base64,{data}"></audio>',
        f"[audio: {plain(name)}]",
    )


def stretch_in_words(begin_s: float | None, end_s: float | None) -> str:
    """Write a stretch as ``1.2 to 3.4 s``; nothing for a whole recording."""
    if begin_s is None and end_s is None:
        return ""
    return f"from {begin_s or 0:.1f} s" if end_s is None else f"{begin_s or 0:.1f} to {end_s:.1f} s"


def _played(head: bytes, suffix: str) -> str | None:
    """Tell from its first bytes as what browsers play a file; None where they do not."""
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "audio/wav" if _wav_coding(head) in _IN_WAV else None
    if head.startswith(b"fLaC"):
        return _FLAC
    if head.startswith(b"OggS"):
        return "audio/ogg"
    if head.startswith(b"ID3") or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2):
        return "audio/mpeg"  # MPEG audio, layer III
    # What such files hold is told only deep inside: they are taken by their names.
    return _BY_SUFFIX.get(suffix) if head[4:8] == b"ftyp" or head.startswith(b"\x1a\x45\xdf\xa3") else None


def _wav_coding(head: bytes) -> int | None:
    """Read the number of the coding of a WAV, which is in its chunk ``fmt``."""
    place = 12
    while place + 10 <= len(head):
        if head[place : place + 4] == b"fmt ":
            return int.from_bytes(head[place + 8 : place + 10], "little")
        size = int.from_bytes(head[place + 4 : place + 8], "little")
        place += 8 + size + size % 2
    return None


def worst(cells: Iterable[Cell], n: int = 3) -> list[tuple[float, float, list[Cell]]]:
    """Gather errors that have times into stretches to be heard, and take those with most errors, in order of time.

    Returns
    -------
    list of (float, float, list of Cell)
        Begin and end in seconds, and the errors. Errors that are near each other are heard in one.
    """
    timed = [(cell.end_s if cell.start_s is None else cell.start_s, cell) for cell in cells if cell.kind != "hit"]
    found: list[tuple[float, float, list[Cell]]] = []
    for start, cell in sorted(((s, cell) for s, cell in timed if s is not None), key=lambda each: each[0]):
        end = start if cell.end_s is None else max(start, cell.end_s)
        if found and start - found[-1][1] < _APART_S:
            begin, before, own = found[-1]
            found[-1] = (begin, max(before, end), [*own, cell])
        else:
            found.append((start, end, [cell]))
    return sorted(sorted(found, key=lambda stretch: (-len(stretch[2]), stretch[0]))[:n], key=lambda stretch: stretch[0])
