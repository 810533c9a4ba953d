"""Checks of recordings: each file is read once, and what ears would notice is reported."""

from __future__ import annotations

import math
import os
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from asrlab.data.audio import NoAudio, measure
from asrlab.data.checks.findings import Finding
from asrlab.data.places import is_link
from asrlab.data.rows import rows_of
from asrlab.errors import AsrlabError
from asrlab.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from asrlab.data.audio import Measured
    from asrlab.data.checks.texts import Said
    from asrlab.data.dataset import Dataset

#: dBFS of the loudest tenth of a second below which nothing is to be heard: 34 dB under the level that telephone speech
#: is tested at (-26 dBov, ITU-T P.800).
SILENCE_DB: Final = -60.0
#: dBFS of the loudest tenth of a second below which speech is very quiet; in usual recordings it lies above -40.
LOW_DB: Final = -45.0
#: Share of the samples in runs of three or more at the extreme: whole waves, not one crest.
CLIPPED: Final = 1e-4
#: Peak above which lossy decoding cannot be the cause: +3 dB.
OVER: Final = math.sqrt(2)
#: Mean value, a share of full scale: -40 dBFS.
OFFSET: Final = 0.01
#: dB of what is above 4.5 kHz over what is in the band of speech. Telephone speech that was brought to 16 kHz has -58
#: and less, the most muffled wide-band recordings that were looked at -50.
TELEPHONE_DB: Final = -55.0
_AHEAD: Final = 4  # files under way for each worker: enough that none waits, few enough to be held


class Heard(NamedTuple):
    """What was found out about the recording of an utterance.

    Parameters
    ----------
    utt_id, digest, format : str
        Its id; of its file, the fingerprint and the container.
    duration_s, channels, sample_rate
        Of the utterance, which may be a stretch or a channel of the file.
    file_s, file_bytes, missing_s
        Length and size of the file, and seconds that its header promises beyond.
    stretch : tuple
        ``begin_s``, ``end_s`` and ``channel`` of the file; None where it is all of it.
    loudest_db, peak, offset, clipped : tuple of float
        Of each channel: level of the loudest tenth of a second, greatest absolute value, mean, share that is clipped.
    alike : bool
        Whether all channels of the file hold the same.
    high_db : float or None
        Energy above 4.5 kHz over that of speech.
    """

    utt_id: str
    digest: str
    format: str
    duration_s: float
    channels: int
    sample_rate: int
    file_s: float
    file_bytes: int
    missing_s: float
    stretch: tuple[float | None, float | None, int | None]
    loudest_db: tuple[float, ...]
    peak: tuple[float, ...]
    offset: tuple[float, ...]
    clipped: tuple[float, ...]
    alike: bool
    high_db: float | None

    @property
    def whole(self) -> bool:
        """Whether it is a file as it is."""
        return self.stretch == (None, None, None)

    def silent(self, channel: int) -> bool:
        """Whether nothing is to be heard on a channel."""
        return self.loudest_db[channel] < SILENCE_DB


class Part(NamedTuple):
    """An utterance, and which part of its file it is."""

    utt_id: str
    begin_s: float | None = None
    end_s: float | None = None
    channel: int | None = None


class Task(NamedTuple):
    """A file to read, and the utterances that are made of it."""

    path: Callable[[], Path]
    parts: list[Part]


def tasks_of(dataset: Dataset) -> list[Task]:
    """List the files to read, each once. What a service fetches by itself is not among them."""
    rows = dataset.utterances
    if dataset.is_made:
        return [Task(partial(dataset.audio_path, utt_id), [Part(utt_id)]) for utt_id in rows["utt_id"]]
    tasks: dict[str, Task] = {}
    for utt_id, audio, *stretch in rows_of(rows, "utt_id", "audio", "begin_s", "end_s", "channel"):
        if audio is not None and not is_link(audio):
            # The file itself, not the cut that audio_path() would make of it.
            task = tasks.setdefault(audio, Task(partial(dataset._file, utt_id), []))
            task.parts.append(Part(utt_id, *stretch))
    return list(tasks.values())


def listen(
    tasks: list[Task], workers: int | None, progress: Callable[[int, int], object]
) -> tuple[dict[str, Heard], list[Finding], float]:
    """Read all files, several at once.

    Threads do: reading, hashing and arithmetic let go of the interpreter.

    Returns
    -------
    dict of utt_id to Heard, list of Finding, float
        What was found out; what could not be read; minutes read.
    """
    workers = workers or os.cpu_count() or 1
    heard: dict[str, Heard] = {}
    failed: list[Finding] = []
    minutes = 0.0
    pool = ThreadPoolExecutor(workers, thread_name_prefix="asrlab-check")
    waiting: set[Future[tuple[list[Heard], list[Finding]]]] = set()
    coming = iter(tasks)
    done = 0
    progress(0, len(tasks))
    try:
        while True:
            for task in coming:
                waiting.add(pool.submit(_hear, task))
                if len(waiting) >= _AHEAD * workers:
                    break
            if not waiting:
                return heard, failed, minutes
            ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in ended:
                found, wrong = future.result()
                heard.update((one.utt_id, one) for one in found)
                failed += wrong
                minutes += found[0].file_s / 60 if found else 0.0
            done += len(ended)
            progress(done, len(tasks))
    finally:  # also at Ctrl-C: nothing more is begun then
        pool.shutdown(wait=False, cancel_futures=True)


def _hear(task: Task) -> tuple[list[Heard], list[Finding]]:
    check = "missing audio"
    try:
        path = task.path()
        size = path.stat().st_size if path.is_file() else None
        if size is not None:
            check = "unreadable audio"
        measured = measure(path)
    except NoAudio as error:
        return [], [Finding("no samples", plain(error), part.utt_id) for part in task.parts]
    except (AsrlabError, OSError, ValueError) as error:
        return [], [Finding(check, plain(error), part.utt_id) for part in task.parts]
    found: list[Heard] = []
    wrong: list[Finding] = []
    for part in task.parts:
        if part.channel is not None and part.channel >= measured.info.channels:
            said = f"is channel {part.channel} of a file with {measured.info.channels}, counted from 0"
            wrong.append(Finding("no such channel", said, part.utt_id, part.channel))
        elif part.begin_s is not None and part.begin_s >= measured.info.duration_s:
            said = f"begins at {part.begin_s:g} s of a file of {measured.info.duration_s:.2f} s"
            wrong.append(Finding("stretch beyond the end", said, part.utt_id, value=part.begin_s))
        else:
            found.append(_part_of(measured, part, size or 0))
    return found, wrong


def _part_of(measured: Measured, part: Part, size: int) -> Heard:
    utt_id, begin_s, end_s, channel = part
    info, levels = measured.info, measured.levels.between(begin_s, end_s)
    of = slice(None) if channel is None else slice(channel, channel + 1)
    samples = levels.samples[:, None]
    power, mean = levels.power[:, of].astype(np.float64), levels.mean[:, of].astype(np.float64)
    # What does not swing is not heard.
    loudest = 10 * np.log10(np.maximum((power - mean**2).max(0), 1e-20))
    return Heard(
        utt_id, measured.digest, info.format,
        duration_s=min(info.duration_s, end_s or math.inf) - (begin_s or 0.0),
        channels=info.channels if channel is None else 1,
        sample_rate=info.sample_rate,
        file_s=info.duration_s,
        file_bytes=size,
        missing_s=measured.missing_s,
        stretch=(begin_s, end_s, channel),
        loudest_db=tuple(loudest.tolist()),
        peak=tuple(levels.peak[:, of].max(0).tolist()),
        offset=tuple(((mean * samples).sum(0) / samples.sum()).tolist()),
        clipped=tuple((levels.clipped[:, of].sum(0) / samples.sum()).tolist()),
        alike=levels.alike,
        high_db=levels.high_db,
    )  # fmt: skip


def sound_findings(heard: Mapping[str, Heard], said: Said) -> Iterator[Finding]:
    """Report what ears would notice of each recording."""
    for one in heard.values():
        yield from _silences(one, said)
        for channel in range(one.channels):
            yield from _of_channel(one, channel)
        if one.whole and one.missing_s > 0:
            ends = f"ends {one.missing_s:.2f} s before the end that its header promises"
            yield Finding("cut-off audio", ends, one.utt_id, value=one.missing_s)
        if one.channels > 1 and one.alike and not one.silent(0):
            yield Finding("same channels", f"{one.channels} channels of one sound", one.utt_id, value=one.channels)
        if one.high_db is not None and one.high_db < TELEPHONE_DB and not _all_silent(one):
            below = f"{one.high_db:.0f} dB above 4.5 kHz at {one.sample_rate:,} Hz"
            yield Finding("telephone band", below, one.utt_id, value=one.high_db)


def _silences(one: Heard, said: Said) -> Iterator[Finding]:
    for channel in filter(one.silent, range(one.channels)):
        texts = said.texts(one.utt_id, channel)
        level = f"the loudest tenth of a second has {_dbfs(one.loudest_db[channel])}"
        if any(any(map(str.isalnum, text)) for text in texts):
            yield Finding("silence with text", level, one.utt_id, channel, one.loudest_db[channel])
        elif texts:  # which say that nothing is said
            continue
        elif not _all_silent(one):
            yield Finding("silent channel", level, one.utt_id, channel, one.loudest_db[channel])
        elif channel == 0:
            yield Finding("silence", level, one.utt_id, None, one.loudest_db[channel])


def _of_channel(one: Heard, channel: int) -> Iterator[Finding]:
    loudest, peak = one.loudest_db[channel], one.peak[channel]
    if SILENCE_DB <= loudest < LOW_DB:
        level = f"the loudest tenth of a second has {_dbfs(loudest)}"
        yield Finding("low level", level, one.utt_id, channel, loudest)
    if one.clipped[channel] >= CLIPPED:
        share = f"{100 * one.clipped[channel]:.2g} % of the samples lie in runs at the greatest value"
        yield Finding("clipping", share, one.utt_id, channel, one.clipped[channel])
    elif peak > OVER:
        over = f"reaches {_dbfs(20 * math.log10(peak))}, which 16 bits cannot hold"
        yield Finding("clipping", over, one.utt_id, channel, peak)
    if abs(one.offset[channel]) > OFFSET:
        mean = f"the mean is {100 * one.offset[channel]:+.1f} % of full scale"
        yield Finding("DC offset", mean, one.utt_id, channel, one.offset[channel])


def _all_silent(one: Heard) -> bool:
    return all(map(one.silent, range(one.channels)))


def _dbfs(level: float) -> str:
    return f"{level:+.1f} dBFS" if level > -190 else "digital silence"
