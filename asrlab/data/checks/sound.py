"""Checks of recordings: each file is read once, and what ears would notice is reported."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from asrlab.data.audio import NoAudio, measure
from asrlab.data.checks.findings import Finding
from asrlab.data.derived import Derivation
from asrlab.data.places import OutOfReach, ask_all, is_link, is_place
from asrlab.data.rows import rows_of
from asrlab.data.spread import ASKED, Seen, paired, part_size, parts_of, reporter, seen, workers
from asrlab.errors import AsrlabError
from asrlab.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from asrlab.data.audio import Measured
    from asrlab.data.checks.texts import Said
    from asrlab.data.dataset import Dataset
    from asrlab.data.spread import Progress
    from asrlab.executors import Where

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
_WRONG: Final = (AsrlabError, OSError, ValueError)  # what is raised where a recording cannot be read


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
    """A file to read, or why there is none, and the utterances that are made of it."""

    file: Seen | Derivation | Exception
    parts: list[Part]


def files_of(dataset: Dataset) -> dict[str, list[Part]]:
    """List the files to read, each with its utterances, by the first of them.

    What a service fetches by itself is not among them.
    """
    rows = dataset.utterances
    if dataset.is_made:
        return {utt_id: [Part(utt_id)] for utt_id in rows["utt_id"]}
    files: dict[str, list[Part]] = {}
    for utt_id, audio, *stretch in rows_of(rows, "utt_id", "audio", "begin_s", "end_s", "channel"):
        if audio is not None and not is_link(audio):
            files.setdefault(audio, []).append(Part(utt_id, *stretch))
    return {parts[0].utt_id: parts for parts in files.values()}


def listen(dataset: Dataset, executor: Where, progress: Progress) -> tuple[dict[str, Heard], list[Finding], float]:
    """Read all files, several at once.

    Returns
    -------
    dict of utt_id to Heard, list of Finding, float
        What was found out; what could not be read; minutes read.

    Raises
    ------
    OutOfReach
        If workers do not have the files.
    """
    files = files_of(dataset)
    if dataset.is_made:
        dataset.learn_facts(executor)
    report = reporter(progress, "checked")
    report(0, len(files))
    heard: dict[str, Heard] = {}
    failed: list[Finding] = []
    minutes = 0.0
    with workers(executor) as pool:
        parts = parts_of(_tasks(dataset, files), part_size(len(files), pool))
        done = 0
        for part, found in paired(_hear_all, ((part, part) for part in parts), pool):
            for utterances, wrong in found:
                heard.update((one.utt_id, one) for one in utterances)
                failed += wrong
                minutes += utterances[0].file_s / 60 if utterances else 0.0
            done += len(part)
            report(done, len(files))
    return heard, failed, minutes


def _tasks(dataset: Dataset, files: Mapping[str, list[Part]]) -> Iterator[Task]:
    """Look at each file as it is here. The file itself is read, not the cut that would be made of it."""
    read_from: Callable[[str], object] = dataset._derivation if dataset.is_made else dataset._file
    for some in parts_of(files.items(), ASKED):
        sources = [_tried(read_from, utt_id) for utt_id, _ in some]
        ask_all([one for one in sources if is_place(one)])
        yield from (Task(_tried(_settled, source), parts) for source, (_, parts) in zip(sources, some, strict=True))


def _tried(look: Callable[[Any], Any], of: object) -> Any:  # noqa: ANN401 - what it gives, or what it raised
    if isinstance(of, Exception):
        return of
    try:
        return look(of)
    except OutOfReach:
        raise
    except _WRONG as error:
        return error


def _settled(source: Path | Derivation) -> Seen | Derivation:
    return source.settled() if isinstance(source, Derivation) else seen(source)


def _hear_all(part: list[Task]) -> list[tuple[list[Heard], list[Finding]]]:
    return list(map(_hear, part))


def _hear(task: Task) -> tuple[list[Heard], list[Finding]]:
    check = "missing audio"
    try:
        path = _file(task.file)
        size = path.stat().st_size if path.is_file() else None
        if size is not None:
            check = "unreadable audio"
        measured = measure(path)
    except OutOfReach:
        raise
    except NoAudio as error:
        return [], [Finding("no samples", plain(error), part.utt_id) for part in task.parts]
    except _WRONG as error:
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


def _file(source: Seen | Derivation | Exception) -> Path:
    if isinstance(source, Exception):
        raise source
    return source.file() if isinstance(source, Seen) else source.path()


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
