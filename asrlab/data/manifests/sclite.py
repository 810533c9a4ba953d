"""The files of NIST's sclite: STM, CTM and TRN.

What they mean is told in ``doc/infmts.htm`` of SCTK; where that leaves something open, what sclite does was looked at.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

import numpy as np

from asrlab.data.manifests.base import Format, Manifest, Options, collect, is_file, to_table
from asrlab.data.manifests.files import counted, find_audio, no_columns, text_lines, without_audio
from asrlab.data.manifests.writing import (
    check_said,
    named_after,
    only_columns,
    only_segments,
    refuse,
    save_lines,
)
from asrlab.data.rows import rows_of
from asrlab.errors import InvalidInput
from asrlab.wordings import first_wording, from_nist, to_nist

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from asrlab.data.dataset import Dataset
    from asrlab.data.manifests.base import Row

_NOT_MARKED: Final = "IGNORE_TIME_SEGMENT_IN_SCORING"
_STM: Final = "An STM file"
_UNKNOWN: Final = "unknown"  # stands where a speaker must and none is known
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#: Seconds without a word that part two segments of a CTM.
_PAUSE_S: Final = 1.0


class _Segment(NamedTuple):
    waveform: str
    channel: str
    begin_s: float
    end_s: float
    speaker: str | None
    text: str | None  # where it is to be marked
    label: str | None
    line: int


class _Sclite(Format):
    """What the three have in common."""

    def recognises(self, source: Any) -> bool:  # noqa: ANN401 - as in Format
        """See :meth:`Format.recognises`."""
        return is_file(source, f".{self.name}")

    def place_of(self, utterance: Mapping[str, Any], suffix: str) -> str:
        """See :meth:`Format.place_of`."""
        return named_after(utterance, suffix)


class Stm(_Sclite):
    """What was said in stretches of recordings, with who said it and when.

    A waveform becomes an utterance, a line a segment: ``rec A anna 1.2 3.4 <label> what she said``. Channels are
    letters, or numbers from 1 (from 0 if there is a 0). ``IGNORE_TIME_SEGMENT_IN_SCORING`` makes a segment without a
    text. Alternatives, ``{ um / uh / @ }``, are written ``{um|uh|}`` (:mod:`asrlab.wordings`); the label stands in
    ``label``. Case is kept, though sclite does not mind it. Utterances and segments come sorted, as sclite wants them.

    When written, segments lose their ids, and utterances language, lengths and channels: all but their ids. Audio is
    found again by the utt_id. Terms, tags, other columns, and references that are not texts of segments are refused.
    """

    name: ClassVar[str] = "stm"
    title: ClassVar[str] = "segment time marks of NIST's sclite (.stm)"

    def read(self, source: Path, options: Options) -> Manifest:
        """Read it; see :meth:`Format.read`."""
        return _recordings(source, options, list(_stm_lines(source)), ())

    def write(self, dataset: Dataset, path: Path) -> None:
        """Write it, in the order that sclite wants; see :meth:`Format.write`."""
        segments = dataset.segments
        if segments.empty:
            raise InvalidInput(
                f"An STM file holds segments of recordings, and {dataset.name} has none. Write trn; or, if its "
                "utterances are cuts of recordings, write dataset.joined()."
            )
        ids = dataset.utterances["utt_id"]
        refuse(ids[~ids.isin(segments["utt_id"])], _STM, "recordings without segments", "Leave them out.")
        only_segments(dataset, _STM, ("label",))
        further = segments if "label" in segments else segments.assign(label=None)
        rows = further.sort_values(["utt_id", "channel", "begin_s"], kind="stable")
        names = ["segment", "utt_id", "channel", "begin_s", "end_s", "speaker", "text", "label"]
        lines = []
        for name, utt_id, channel, begin_s, end_s, speaker, text, label in rows_of(rows, *names):
            one = _Segment(utt_id, _letter(channel), begin_s, end_s, speaker, text, label, 0)
            lines.append(_stm_line(f"Segment {name!r}", one))
        save_lines(path, lines)


class Ctm(_Sclite):
    """Words with their times: ``rec A 1.25 0.3 word 0.98``, the last being a confidence, which is left out.

    A waveform becomes an utterance, and a stretch of words with no pause of more than a second a segment. Alternatives
    (``<ALT_BEGIN>``) are refused. It is not written: a dataset does not say when each word was spoken.
    """

    name: ClassVar[str] = "ctm"
    title: ClassVar[str] = "time marks of words of NIST's sclite (.ctm)"
    written: ClassVar[bool] = False

    def read(self, source: Path, options: Options) -> Manifest:
        """Read it; see :meth:`Format.read`."""
        words = sorted(_ctm_lines(source), key=lambda word: (word.waveform, word.channel, word.begin_s))
        segments = list(_stretches(words))
        said = f"Words less than {_PAUSE_S:g} s apart were put together to {len(segments)} segments."
        return _recordings(source, options, segments, (said,))


class Trn(_Sclite):
    """What was said in utterances: ``what she said (anna-001)``.

    Alternatives, ``{ um / uh / @ }``, are written ``{um|uh|}`` (:mod:`asrlab.wordings`).
    An id says who speaks only where the user does: ``columns={"spu_id": "speaker"}`` takes what stands before its first
    ``-``, else before its first ``_``, as ``sclite -i spu_id`` does. Audio is the file of the id's name.

    When written, ids and texts are kept, of the form ``unstated``, and audio is found again by the utt_id. Numbered
    alternatives come back as one text, ``{yes|yes sir}``. Languages, speakers, lengths and channels are not kept;
    terms, segments, tags and further columns are refused.
    """

    name: ClassVar[str] = "trn"
    title: ClassVar[str] = "transcripts of NIST's sclite (.trn)"

    def read(self, source: Path, options: Options) -> Manifest:
        """Read it; see :meth:`Format.read`."""
        if set(options.columns.items()) - {("spu_id", "speaker")}:
            raise InvalidInput(
                f"{source} has no named columns. The one thing that can be asked for is the speaker, taken from the "
                'ids: columns={"spu_id": "speaker"}.'
            )
        lines = list(_trn_lines(source))
        found = find_audio((utt_id for _, utt_id, _ in lines), source, options.audio_root)
        of_ids = "spu_id" in options.columns
        rows = (
            (
                number,
                {
                    "utt_id": utt_id,
                    "audio": found.get(utt_id),
                    "speaker": _speaker(source, number, utt_id) if of_ids else None,
                    "references": [{"text": text}],
                },
            )
            for number, utt_id, text in lines
        )
        utterances, references = collect(rows, source, options)
        return Manifest(
            source.stem,
            utterances,
            references,
            folder=source.parent,
            audio_root=options.audio_root or source.parent,
            said=f"{source.name} ({counted(len(lines), 'utterance')})",
            remarks=(
                *without_audio(utterances["utt_id"], found, options.audio_root or source.parent),
                *_optional_words(text for _, _, text in lines),
            ),
        )

    def write(self, dataset: Dataset, path: Path) -> None:
        """Write it; see :meth:`Format.write`."""
        what = "A TRN file"
        said = check_said(dataset, what, ("unstated",), alternatives=True)
        only_columns(dataset, what)
        texts: dict[str, list[str]] = {}
        for utt_id, text in rows_of(said.sort_values("alternative", kind="stable"), "utt_id", "text"):
            texts.setdefault(utt_id, []).append(text)
        ids = dataset.utterances["utt_id"]
        unknown = (utt_id for utt_id in ids if utt_id not in texts)
        refuse(unknown, what, "texts that are not known", "Leave them out: dataset.select(...).")
        save_lines(path, [_trn_line(utt_id, texts[utt_id]) for utt_id in ids])


FORMATS: Final = (Stm(), Ctm(), Trn())


# Reading.


def _stm_lines(file: Path) -> Iterator[_Segment]:
    for number, line in _content(file):
        fields = line.split(maxsplit=5)
        if len(fields) < 5:
            raise _broken(file, number, "waveform, channel, speaker, begin, end and text, with spaces between", line)
        waveform, channel, speaker, begin, end = fields[:5]
        begin_s, end_s = (_seconds(file, number, time) for time in (begin, end))
        if end_s <= begin_s:
            raise InvalidInput(
                f"{file}, line {number}: this segment ends at {end} and begins at {begin}. Mend it, or leave it out."
            )
        text = fields[5] if len(fields) == 6 else ""
        label = re.match(r"<([^<>]*)>(?:\s+|$)", text)
        if label:
            text = text[label.end() :]
        ignored = _NOT_MARKED in text.upper()
        yield _Segment(
            waveform,
            channel,
            begin_s,
            end_s,
            None if speaker == _UNKNOWN else speaker,
            None if ignored else _at(file, number, text),
            label[1] if label else None,
            number,
        )


def _ctm_lines(file: Path) -> Iterator[_Segment]:
    for number, line in _content(file):
        fields = line.split()
        if len(fields) > 2 and fields[2] == "*":
            raise InvalidInput(
                f"{file}, line {number}: alternatives in a CTM ({fields[-1]}) are not read. Leave one of them and the "
                "marks out; or write an STM file, where they are { one / other }."
            )
        if len(fields) not in (5, 6):
            raise _broken(file, number, "waveform, channel, begin, duration, word and perhaps a confidence", line)
        waveform, channel, begin, duration, word = fields[:5]
        begin_s, duration_s = (_seconds(file, number, time) for time in (begin, duration))
        yield _Segment(waveform, channel, begin_s, begin_s + duration_s, None, word, None, number)


def _stretches(words: Iterable[_Segment]) -> Iterator[_Segment]:
    """Put words together that follow each other without a pause; they come sorted."""
    held: list[_Segment] = []
    end_s = 0.0
    for word in words:
        if held and ((held[0][:2]) != word[:2] or word.begin_s - end_s > _PAUSE_S):
            yield _together(held, end_s)
            held, end_s = [], 0.0
        held.append(word)
        end_s = max(end_s, word.end_s)
    if held:
        yield _together(held, end_s)


def _together(words: list[_Segment], end_s: float) -> _Segment:
    text = " ".join(word.text or "" for word in words)
    return words[0]._replace(text=text, end_s=max(end_s, math.nextafter(words[0].begin_s, math.inf)))


def _trn_lines(file: Path) -> Iterator[tuple[int, str, str]]:
    for number, line in _content(file):
        text, mark, utt_id = line.rstrip().removesuffix(")").rpartition("(")
        if not mark or not line.rstrip().endswith(")") or len(utt_id.split()) != 1:
            raise _broken(file, number, "a text and, in parentheses, an id without spaces", line)
        yield number, utt_id.strip(), _at(file, number, text)


def _content(file: Path) -> Iterator[tuple[int, str]]:
    """Leave out comments and empty lines."""
    for number, line in text_lines(file):
        if line.strip() and not line.lstrip().startswith(";;"):
            yield number, line


def _seconds(file: Path, number: int, time: str) -> float:
    try:
        seconds = float(time)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf or "_" in time:
        raise InvalidInput(f"{file}, line {number}: {time!r} is no number of seconds. Mend it, or leave the line out.")
    return seconds


def _broken(file: Path, number: int, wanted: str, line: str) -> InvalidInput:
    shown = line if len(line) <= 60 else f"{line[:60]}..."
    return InvalidInput(f"{file}, line {number}: this must be {wanted}, and is {shown!r}. Mend it, or leave it out.")


def _at(file: Path, number: int, text: str) -> str:
    try:
        return from_nist(text)
    except InvalidInput as error:
        raise InvalidInput(f"{file}, line {number}: {error}") from None


def _optional_words(texts: Iterable[str]) -> tuple[str, ...]:
    some = sum(re.search(r"(?:^|\s)\([^()\s]+\)(?:\s|$)", first_wording(text)) is not None for text in texts)
    if not some:
        return ()
    return (
        f"Words in parentheses are kept, and count as said, in {counted(some, 'text')}; for sclite -D they may be left "
        "out.",
    )


def _speaker(file: Path, number: int, utt_id: str) -> str:
    speaker, mark, _ = utt_id.partition("-" if "-" in utt_id else "_")
    if not mark or not speaker:
        raise InvalidInput(f"{file}, line {number}: {utt_id!r} names no speaker: it has neither - nor _.")
    return speaker


def _recordings(file: Path, options: Options, segments: list[_Segment], remarks: tuple[str, ...]) -> Manifest:
    """Make a manifest of segments: recordings, and what was said when."""
    no_columns(file, options)
    channel = _channels(file, segments)
    segments = sorted(segments, key=lambda one: (one.waveform, channel[one.channel], one.begin_s))
    firsts: dict[str, int] = {}
    speakers: dict[str, set[str | None]] = {}
    for one in segments:
        firsts.setdefault(one.waveform, one.line)
        if one.text is not None:
            speakers.setdefault(one.waveform, set()).add(one.speaker)
    found = find_audio(firsts, file, options.audio_root)
    rows = (
        (line, {"utt_id": waveform, "audio": found.get(waveform), "speaker": _only(speakers.get(waveform, set()))})
        for waveform, line in firsts.items()
    )
    utterances, _ = collect(rows, file, options)
    table = to_table(list(_segment_rows(segments, channel)), "segments")
    ignored = sum(one.text is None for one in segments)
    return Manifest(
        file.stem,
        utterances,
        segments=table,
        folder=file.parent,
        audio_root=options.audio_root or file.parent,
        said=f"{file.name} ({counted(len(segments), 'segment')} of {counted(len(utterances), 'recording')})",
        remarks=(
            *remarks,
            *([f"Not to be marked: {counted(ignored, 'segment')} without a text."] if ignored else []),
            *without_audio(utterances["utt_id"], found, options.audio_root or file.parent),
            *_optional_words(one.text for one in segments if one.text is not None),
        ),
    )


def _only(speakers: set[str | None]) -> str | None:
    return next(iter(speakers)) if len(speakers) == 1 else None


def _channels(file: Path, segments: list[_Segment]) -> dict[str, int]:
    """Give each name of a channel its number, from 0."""
    first = dict(reversed([(one.channel, one.line) for one in segments]))
    from_zero = "0" in first
    numbers = {}
    for name, line in first.items():
        if len(name) == 1 and name.upper() in _LETTERS:
            numbers[name] = _LETTERS.index(name.upper())
        elif name.isascii() and name.isdecimal() and len(name) < 4:
            numbers[name] = int(name) - (not from_zero)
        else:
            raise InvalidInput(f"{file}, line {line}: {name!r} is no channel. Channels are A, B ..., or 1, 2 ...")
    return numbers


def _segment_rows(segments: list[_Segment], channel: dict[str, int]) -> Iterator[Row]:
    times: dict[str, int] = {}
    labelled = any(one.label is not None for one in segments)
    for one in segments:
        number = channel[one.channel]
        name = f"{one.waveform}-{_letter(number)}-{one.begin_s * 1000:08.0f}-{one.end_s * 1000:08.0f}"
        times[name] = times.get(name, 0) + 1
        yield {
            "segment": name if times[name] == 1 else f"{name}-{times[name]}",
            "utt_id": one.waveform,
            "channel": number,
            "begin_s": one.begin_s,
            "end_s": one.end_s,
            "speaker": one.speaker,
            "text": one.text,
            **({"label": one.label} if labelled else {}),
        }


def _letter(channel: int) -> str:
    return _LETTERS[channel] if channel < len(_LETTERS) else str(channel + 1)


# Writing.


def _stm_line(whose: str, one: _Segment) -> str:
    speaker, label = _UNKNOWN if one.speaker is None else one.speaker, one.label or ""
    odd = one.waveform.startswith(";;") or any(len(name.split()) != 1 for name in (one.waveform, speaker))
    if odd or re.search(r"[\s<>]", label):
        raise InvalidInput(
            f"{whose}: an STM file has spaces between its fields, and so cannot hold one of the names "
            f"{one.waveform!r}, {speaker!r}, {label!r}. Rename it."
        )
    if one.speaker == _UNKNOWN:
        raise InvalidInput(f"{whose}: a speaker named {_UNKNOWN!r} is read as none. Rename it, or use <NA>.")
    said = _NOT_MARKED if one.text is None else _written(whose, [one.text])
    if one.label is None and re.match("<[^<>]*>", said):
        raise InvalidInput(
            f"{whose}: a text that begins with <...> is taken for one with a label in an STM file. Give the segments a "
            "column label, or write jsonl."
        )
    if one.text is not None and _NOT_MARKED in said.upper():
        raise InvalidInput(f"{whose}: its text holds {_NOT_MARKED}, which means to leave it out. Mend it.")
    times = (np.format_float_positional(time, trim="0") for time in (one.begin_s, one.end_s))
    shown = [] if one.label is None else [f"<{label}>"]
    return " ".join([one.waveform, one.channel, speaker, *times, *shown, said]).rstrip()


def _trn_line(utt_id: str, texts: list[str]) -> str:
    if re.search(r"[\s()]", utt_id) or not utt_id:
        raise InvalidInput(f"A TRN file cannot hold the utt_id {utt_id!r}, for its spaces or parentheses. Rename it.")
    line = f"{_written(utt_id, texts)} ({utt_id})"
    if line.startswith(";;"):
        raise InvalidInput(f"{utt_id}: a text that begins with ';;' is taken for a comment. Mend it.")
    return line


def _written(whose: str, texts: list[str]) -> str:
    try:
        return to_nist(texts)
    except InvalidInput as error:
        raise InvalidInput(f"{whose}: {error}") from None
