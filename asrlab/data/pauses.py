"""Pauses: where a recording is quiet, and where it is cut so that no word is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

HOP_S: Final = 0.005
"""Seconds between the places at which loudness is judged."""
WINDOW: Final = 4
"""Hops over which it is judged: 20 ms."""
_HOPS: Final = 10_000  # at a time
_PAUSES_S: Final = (0.8, 0.4, 0.2)  # a longer pause is rather one between sentences; within words they last less
_SPEECH, _FLOOR = 0.99, 0.1  # quantiles of loudness: a click is louder than the one, most pauses than the other
_BELOW_DB: Final = 20.0  # below speech is a pause, whatever lies under it;
_LEAST_DB: Final = 10.0  # or so far below it where there is noise,
_OVER_DB: Final = 4.0  # if it is hardly louder than that


class Cut(NamedTuple):
    """A place to cut at, in samples; and whether it is in a pause, or may be within a word for want of one."""

    place: int
    in_pause: bool


def loudness(samples: Floats, rate: int) -> tuple[int, NDArray[np.float32]]:
    """Tell how loud a recording is around each place.

    Parameters
    ----------
    samples : ndarray of float32, shape (channels, samples)
        The recording.
    rate : int
        Its sampling rate in Hz.

    Returns
    -------
    hop : int
        Samples between two places; the k-th is at ``k * hop``.
    loud : ndarray of float32, shape (places,)
        Sum of the squares of all samples from two hops before each place to two hops after it.
    """
    hop = max(1, round(HOP_S * rate))
    hops = []
    for begin in range(0, samples.shape[1], hop * _HOPS):  # some at a time: squares take as much room as samples
        squares = np.square(samples[:, begin : begin + hop * _HOPS], dtype=np.float32).sum(axis=0)
        hops.append(np.add.reduceat(squares, np.arange(0, len(squares), hop)))
    return hop, np.convolve(np.concatenate(hops), np.ones(WINDOW, np.float32), "same")


def cuts(samples: Floats, rate: int, *, most_s: float) -> list[Cut]:
    """Find out where to cut a recording into pieces that are short enough.

    A piece ends in the longest pause of its second half, the latest of several. A pause lasts 0.2 s at least, and is
    20 dB below the loudest hundredth of what is around it, or 10 dB where it is all but as quiet as the quietest tenth.
    Where there is none, the piece ends where it is most quiet.

    Parameters
    ----------
    samples : ndarray of float32, shape (channels, samples)
        The recording.
    rate : int
        Its sampling rate in Hz.
    most_s : float
        Longest piece in seconds; from a second up.

    Returns
    -------
    list of Cut
        In order; empty where the recording is short enough.

    Raises
    ------
    InvalidInput
        If pieces are to be shorter than a second.

    Examples
    --------
    >>> tone = np.sin(np.arange(16_000 * 3) / 5, dtype=np.float32)[None]
    >>> tone[:, 24_000:32_000] = 0  # from 1.5 s to 2 s
    >>> [(cut.place / 16_000, cut.in_pause) for cut in cuts(tone, 16_000, most_s=2.5)]
    [(1.755, True)]
    """
    if not most_s >= 1:
        raise InvalidInput(f"Pieces must last a second or more, not {most_s!r} s.")
    length, most = samples.shape[1], int(most_s * rate)
    found: list[Cut] = []
    if length <= most:
        return found
    hop, loud = loudness(samples, rate)
    start = 0
    while length - start > most:
        # The last piece is not to be a scrap.
        end = min(start + most, length - most // 8)
        found.append(_cut(loud, hop, rate, start, (start + most // 2, end)))
        start = found[-1].place
    return found


def pieces_at_most(duration_s: float, *, most_s: float) -> int:
    """Reckon into how many pieces a recording of so many seconds is cut at most."""
    if duration_s <= most_s:
        return 1
    return int(np.ceil(duration_s / (most_s / 2)))


def _cut(loud: NDArray[np.float32], hop: int, rate: int, start: int, within: tuple[int, int]) -> Cut:
    """Choose a place within a stretch, for a piece that begins at ``start``."""
    first, last = within[0] // hop + 1, within[1] // hop  # places, the last not counted
    floor, speech = np.quantile(loud[start // hop : last], (_FLOOR, _SPEECH))
    in_noise = min(floor * 10 ** (_OVER_DB / 10), speech * 10 ** (-_LEAST_DB / 10))
    quiet_enough = max(speech * 10 ** (-_BELOW_DB / 10), in_noise)
    for pause_s in _PAUSES_S:
        half = max(1, round(pause_s * rate / hop / 2))
        louder = np.cumsum(np.pad(loud[first - half : last + half] > quiet_enough, (1, 0)))
        quiet = np.flatnonzero(louder[2 * half :] == louder[: -2 * half])
        if len(quiet):
            return Cut(hop * (first + _middle_of_last(quiet)), True)
    return Cut(hop * (first + int(np.argmin(loud[first:last]))), False)


def _middle_of_last(places: NDArray[np.int64]) -> int:
    """Give the middle of the last run of places that follow one another."""
    run = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)[-1]
    return int(run[len(run) // 2])
