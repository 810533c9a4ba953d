"""Subtitles as references of a recording: SRT, and VTT by the W3C's WebVTT."""

from __future__ import annotations

import html
import itertools
import re
from collections import Counter
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

import pandas as pd

from asrlab.data.manifests.base import Format, Manifest, Options, collect, is_file, to_table
from asrlab.data.manifests.files import (
    AUDIO_SUFFIXES,
    counted,
    files_below,
    find_audio,
    named_few,
    no_columns,
    text_lines,
    without_audio,
)
from asrlab.data.manifests.writing import TABLES, named_after, only_segments, refuse, save_lines
from asrlab.data.places import is_place
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asrlab.data.dataset import Dataset
    from asrlab.data.manifests.base import Row

_TIME: Final = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?"
_TIMES: Final = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s+.*)?")
_TAG: Final = re.compile(
    r"</?(?:[biu]|c|v|lang|ruby|rt|font|s|strong|em)(?:[.\s][^<>]*)?/?>|<[\d:.]+>|\{\\[^{}]*\}", re.I
)
_VOICE: Final = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>]+)>", re.I)
_RUBY: Final = re.compile(r"<rt\b[^<>]*>.*?(?:</rt>|(?=</ruby>)|$)", re.I | re.S)  # how a word is read, not said twice
_NOTE: Final = re.compile(r"\[[^\[\]]*\]|\([^()]*\)|（[^（）]*）|【[^【】]*】")
_MUSIC: Final = re.compile("[♪♫♬].*")
_LABEL: Final = re.compile(r"(?:^|\n|- ?)[A-Z][A-Z .'0-9-]{0,30}:(?:\s|$)")
_NOT_MARKED: Final = "[not marked]"
_NUMBER: Final = re.compile(r"\s*\d+\s*")
_LANGUAGE: Final = re.compile(r"(.+)\.([a-z]{2,3}(?:-[A-Za-z]{2,4})?)")  # "talk.en.srt" is of talk.wav
_LISTED: Final = 2000  # files of a folder that are looked at to recognise it


class Cue(NamedTuple):
    """What a subtitle says, when, and who says it where a voice tag names them; lines are joined by a space."""

    begin_s: float
    end_s: float
    speaker: str | None
    text: str


def read_segments(path: Path, utt_id: str) -> list[Row]:
    """Read the cues of an SRT or VTT file as segments.

    Parameters
    ----------
    path : Path
        The file. Which of the two it is, its first line tells.
    utt_id : str
        Whose segments they are.

    Returns
    -------
    list of dict
        In order of time. Tags, settings and timestamps within a text are taken out, and entities are spelled out;
        notes (``[music]``), dashes and names before a colon are kept. Those without speech are not to be marked.

    Raises
    ------
    InvalidInput
        If it cannot be read; the message names the line.
    """
    return list(_File(path).segments(utt_id))


def is_note(text: str) -> bool:
    """Tell whether a cue holds no speech: nothing but notes such as ``[music]`` or ``(applause)``, or a song's ♪."""
    return bool(text.strip()) and not re.search(r"\w", _MUSIC.sub("", _NOTE.sub("", text)))


class _Subtitles(Format):
    """What the two have in common.

    A file becomes an utterance, which is named as the file, with the audio of its name; a folder is a set of those. A
    cue becomes a segment. A cue without speech, ``[music]``, becomes a segment that is not to be marked, and so do not
    count words heard there; an empty cue is left out.

    When written, segments are kept, in milliseconds and in order of time, but not their ids; audio is found again by
    the utt_id. Languages, lengths and channels are not kept; terms, tags, further columns, and references that are not
    the texts of segments are refused. One recording makes a file that has its name, several a folder.
    """

    _what: ClassVar[str]

    def recognises(self, source: Any) -> bool:  # noqa: ANN401 - as in Format
        """See :meth:`Format.recognises`."""
        if is_file(source, f".{self.name}"):
            return True
        try:
            return is_place(source) and source.is_dir() and self._among(source)
        except (OSError, ValueError):
            return False

    def _among(self, folder: Path) -> bool:
        """Whether subtitles of this kind lie there beside audio, and no texts of other kinds."""
        endings = {path.suffix.lower() for path, _ in zip(folder.iterdir(), range(_LISTED), strict=False)}
        return f".{self.name}" in endings and not endings & {".txt", ".lab", ".json", ".jsonl", ".csv", ".tsv"}

    def place_of(self, utterance: Mapping[str, Any], suffix: str) -> str:
        """See :meth:`Format.place_of`."""
        return named_after(utterance, suffix)

    def read(self, source: Path, options: Options) -> Manifest:
        """Read it; see :meth:`Format.read`."""
        no_columns(source, options)
        single = source.is_file() or source.suffix.lower() == f".{self.name}"
        folder = source.parent if single else source
        paths = [source] if single else list(files_below(source, frozenset({f".{self.name}"})))
        names = [source.stem] if single else [_without_suffix(path.relative_to(source).as_posix()) for path in paths]
        root = options.audio_root
        files = [_File(path) for path in paths]
        found = _audio(names, source, root, single=single)
        rows = (
            (number, {"utt_id": name, "audio": audio, "language": file.language or tag, "speaker": file.only_speaker})
            for number, (name, file, (audio, tag)) in enumerate(zip(names, files, found, strict=True), 1)
        )
        utterances, _ = collect(rows, source, options, line="file")
        segments = [row for name, file in zip(names, files, strict=True) for row in file.segments(name)]
        quirks = sum((file.quirks for file in files), Counter[str]())
        many = f"{counted(len(files), 'file')}, " if not single else ""
        return Manifest(
            source.stem if single else source.name,
            utterances,
            segments=to_table(segments, "segments"),
            folder=folder,
            audio_root=root or folder,
            said=f"{source.name} ({many}{counted(len(segments), 'cue')})",
            remarks=(
                *without_audio(
                    names, {n: audio for n, (audio, _) in zip(names, found, strict=True) if audio}, root or folder
                ),
                *(_QUIRKS[quirk].format(counted(many, "cue")) for quirk, many in quirks.items()),
            ),
        )

    def write(self, dataset: Dataset, path: Path) -> None:
        """Write it; see :meth:`Format.write`."""
        texts = {utt_id: self._spelled(rows) for utt_id, rows in self._cues(dataset).items()}
        ids = dataset.utterances["utt_id"].tolist()
        if path.suffix.lower() == f".{self.name}":
            if len(ids) != 1:
                raise InvalidInput(
                    f"{self._what} holds one recording, and {dataset.name} has {len(ids)}. Name a folder."
                )
            if (named := named_after({"utt_id": ids[0]}, path.suffix)) != path.name:
                raise InvalidInput(
                    f"{path.name} is not the name of {ids[0]!r}, whose audio is found by that name. Write to {named}."
                )
            save_lines(path, texts[ids[0]])
            return
        names = {utt_id: named_after({"utt_id": utt_id}, f".{self.name}") for utt_id in ids}
        try:
            path.mkdir(parents=True, exist_ok=True)
            others = [f.name for f in path.iterdir() if f.suffix == f".{self.name}" and f.name not in names.values()]
        except OSError as error:
            raise InvalidInput(f"{path} is no folder that can be written to ({error.strerror}).") from error
        if others:
            raise InvalidInput(f"{path} holds other subtitles ({named_few(others)}). Name a folder without any.")
        for utt_id in ids:
            save_lines(path / names[utt_id], texts[utt_id])

    def _cues(self, dataset: Dataset) -> dict[str, pd.DataFrame]:
        segments, what = dataset.segments, self._what
        if segments.empty:
            raise InvalidInput(
                f"{what} holds segments of recordings, and {dataset.name} has none. If its utterances are cuts "
                "of recordings, write dataset.joined()."
            )
        only_segments(dataset, what)
        bad = {
            "another channel than the first": segments["channel"] != 0,
            "empty texts": segments["text"] == "",
            "texts that are read otherwise than they stand there (notes, tags, ends of lines)": pd.Series(
                [
                    not pd.isna(text) and (is_note(text) or self._reads(text, pd.NA) != text)
                    for text in segments["text"]
                ],
                segments.index,
            ),
            "speakers": segments["speaker"].notna() & (self.name == "srt"),
            "speakers with signs that a tag cannot hold": pd.Series(
                [not pd.isna(who) and _read(self._line("x", who))[0] != who for who in segments["speaker"]],
                segments.index,
            ),
            "times between two milliseconds": _finer(segments["begin_s"]) | _finer(segments["end_s"]),
        }
        for has, rows in bad.items():
            remedy = (
                "Mend them, or write vtt." if has == "speakers" else f"Mend them. Or {TABLES[0].lower()}{TABLES[1:]}"
            )
            refuse(segments["segment"][rows.fillna(value=False).astype(bool)], what, has, remedy, of="segment")
        groups = dict(iter(segments.sort_values(["utt_id", "begin_s"], kind="stable").groupby("utt_id", sort=False)))
        return {utt_id: groups.get(utt_id, segments[:0]) for utt_id in dataset.utterances["utt_id"]}

    def _reads(self, text: Any, speaker: Any) -> str | None:  # noqa: ANN401 - they may be <NA>
        """Give what a text will be when it is read again; None where it breaks the file."""
        line = self._line(text, speaker)
        lines = _read(line)[1]
        return lines[0] if len(lines) == 1 and "-->" not in line and len(line.splitlines()) == 1 else None

    def _spelled(self, rows: pd.DataFrame) -> list[str]:
        raise NotImplementedError

    def _line(self, text: Any, speaker: Any) -> str:  # noqa: ANN401 - they may be <NA>
        raise NotImplementedError


class Srt(_Subtitles):
    """Subtitles of SubRip (``.srt``); those tell no speakers."""

    name: ClassVar[str] = "srt"
    _what = "An SRT file"
    title: ClassVar[str] = "SubRip subtitles (.srt), a file or a folder of them beside audio"

    def _spelled(self, rows: pd.DataFrame) -> list[str]:
        lines = []
        for number, (begin, end, text, speaker) in enumerate(_columns(rows), 1):
            lines += [str(number), f"{_clock(begin, ',')} --> {_clock(end, ',')}", self._line(text, speaker), ""]
        return lines

    def _line(self, text: Any, speaker: Any) -> str:  # noqa: ANN401 - they may be <NA>
        return _NOT_MARKED if pd.isna(text) else str(text)


class Vtt(_Subtitles):
    """Subtitles of the web (``.vtt``), by the W3C's WebVTT; ``<v Anna>`` says who speaks."""

    name: ClassVar[str] = "vtt"
    _what = "A VTT file"
    title: ClassVar[str] = "WebVTT subtitles (.vtt), a file or a folder of them beside audio"

    def _spelled(self, rows: pd.DataFrame) -> list[str]:
        lines = ["WEBVTT", ""]
        for begin, end, text, speaker in _columns(rows):
            lines += [f"{_clock(begin, '.')} --> {_clock(end, '.')}", self._line(text, speaker), ""]
        return lines

    def _line(self, text: Any, speaker: Any) -> str:  # noqa: ANN401 - they may be <NA>
        said = html.escape(_NOT_MARKED if pd.isna(text) else text, quote=False)
        return said if pd.isna(speaker) else f"<v {html.escape(str(speaker), quote=False)}>{said}"


FORMATS: Final = (Srt(), Vtt())

_QUIRKS: Final = {
    "empty": "Left out: {} without a text.",
    "note": "Not to be marked: {} without speech ([music], ♪).",
    "noted": "A note in brackets beside what is said is kept in the text, and counts as said: in {}.",
    "named": "A name in capitals and a colon is kept in the text, and counts as said: in {}.",
    "back": "Sorted: {} that began before the one above.",
    "overlap": "Of words heard while two are shown it cannot be told whose they are: {} began before another ended.",
    "rolling": "As captions that roll do, {} began with the last line of the one before, which so stands twice in the "
    "text. Export them anew without rolling.",
}


class _File:
    """A file of subtitles: its cues with their lines, sorted by time, and what is odd about it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.language: str | None = None
        self.quirks: Counter[str] = Counter()
        raw = list(self._cues())
        self.quirks["back"] = sum(cue.begin_s < before.begin_s for (_, before), (_, cue) in itertools.pairwise(raw))
        self.cues = sorted(raw, key=lambda one: (one[1].begin_s, one[1].end_s))
        ended = 0.0
        for _, cue in self.cues:
            self.quirks["overlap"] += cue.begin_s < ended
            ended = max(ended, cue.end_s)
        self.quirks = +self.quirks  # without those that are 0

    @cached_property
    def only_speaker(self) -> str | None:
        speakers = {cue.speaker for _, cue in self.cues if not is_note(cue.text)}
        return next(iter(speakers)) if len(speakers) == 1 else None

    def segments(self, utt_id: str) -> Iterator[Row]:
        for number, (_, cue) in enumerate(self.cues, 1):
            yield {
                "segment": f"{utt_id}-{number:04d}",
                "utt_id": utt_id,
                "channel": 0,
                "begin_s": cue.begin_s,
                "end_s": cue.end_s,
                "speaker": cue.speaker,
                "text": None if is_note(cue.text) else cue.text,
            }

    def _cues(self) -> Iterator[tuple[int, Cue]]:
        last = ""
        for number, times, lines in itertools.chain.from_iterable(map(self._cues_of, self._blocks())):
            speaker, said = _read("\n".join(lines))
            if not said:
                self.quirks["empty"] += 1
                continue
            begin_s, end_s = self._span(number, times)
            self.quirks["rolling"] += len(said) > 1 and said[0] == last
            last = said[-1]
            text = " ".join(said)
            if is_note(text):
                self.quirks["note"] += 1
            else:
                self.quirks["noted"] += _NOTE.search(text) is not None
                self.quirks["named"] += _LABEL.search("\n".join(said)) is not None
            yield number, Cue(begin_s, end_s, speaker, text)

    def _blocks(self) -> Iterator[list[tuple[int, str]]]:
        """Give what stands between empty lines, without comments and the like."""
        web = False
        parts = itertools.groupby(text_lines(self.path), lambda line: bool(line[1].strip()))
        for block in (list(lines) for filled, lines in parts if filled):
            first = block[0][1]
            if block[0][0] == 1 and re.match(r"WEBVTT(\s|$)", first):
                web = True
                block = list(itertools.dropwhile(lambda line: "-->" not in line[1], self._head(block)))  # noqa: PLW2901
            elif web and re.match(r"(NOTE|STYLE|REGION)(\s|$)", first):
                continue
            yield block

    def _head(self, block: list[tuple[int, str]]) -> list[tuple[int, str]]:
        for _, line in block:
            if found := re.fullmatch(r"Language:\s*([A-Za-z-]+)\s*", line):
                self.language = found[1]
        return block

    def _cues_of(self, block: list[tuple[int, str]]) -> Iterator[tuple[int, str, list[str]]]:
        """Give each cue's line of times, with its number, and the lines of its text."""
        starts = [place for place, (_, line) in enumerate(block) if "-->" in line]
        before = block[: starts[0]] if starts else block
        # A cue may have an id above it. A number without a cue is what is left of one.
        if len(before) > bool(starts) or (starts and before and not self._is_id(before[0][1])):
            odd = next((line for line in before if not _NUMBER.fullmatch(line[1])), None)
            if odd is not None:
                raise InvalidInput(
                    f"{self.path}, line {odd[0]}: {odd[1][:60]!r} belongs to no cue. A cue is a line with 'begin --> "
                    "end', its text below that, and an empty line."
                )
        for start, end in itertools.pairwise([*starts, len(block)]):
            text = [line for _, line in block[start + 1 : end]]
            if end < len(block) and text and _NUMBER.fullmatch(text[-1]):
                text.pop()  # an empty line was forgotten: this is the number of the next cue
            yield *block[start], text

    def _is_id(self, line: str) -> bool:
        return self.path.suffix.lower() == ".vtt" or _NUMBER.fullmatch(line) is not None

    def _span(self, number: int, line: str) -> tuple[float, float]:
        found = _TIMES.fullmatch(line)
        if not found:
            raise InvalidInput(
                f"{self.path}, line {number}: {line[:60]!r} is not 'begin --> end', with times like 00:01:02.345. "
                "Mend it."
            )
        begin_ms, end_ms = (_milliseconds(*found.groups()[place : place + 4]) for place in (0, 4))
        if end_ms <= begin_ms:
            raise InvalidInput(
                f"{self.path}, line {number}: this cue ends before it begins, or at once. Mend it, or take it out."
            )
        return begin_ms / 1000, end_ms / 1000


def _milliseconds(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> int:
    return ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int((fraction or "").ljust(3, "0"))


def _without_suffix(name: str) -> str:
    return PurePosixPath(name).with_suffix("").as_posix()


def _read(text: str) -> tuple[str | None, list[str]]:
    """Give who speaks, where one voice tag says so, and the lines of what is said, without tags."""
    whole = _RUBY.sub("", text)
    voices = list(dict.fromkeys(" ".join(html.unescape(name).split()) for name in _VOICE.findall(whole)))
    lines = [" ".join(html.unescape(_TAG.sub("", line)).split()) for line in whole.splitlines()]
    return voices[0] if len(voices) == 1 else None, [line for line in lines if line]


def _audio(names: list[str], source: Path, root: Path | None, *, single: bool) -> list[tuple[str | None, str | None]]:
    """Find the audio that is named as subtitles are, with or without the tag of a language, and give that."""
    tagged = {name: tag for name in names if (tag := _LANGUAGE.fullmatch(name))}
    wanted = [*names, *(tag[1] for tag in tagged.values())]
    found = find_audio(wanted, source, root) if single else _of_same_name(wanted, root or source)
    made: list[tuple[str | None, str | None]] = []
    for name in names:
        tag = tagged.get(name) if name not in found else None
        audio = found.get(name) if tag is None else found.get(tag[1])
        made.append((audio, tag[2] if tag and audio else None))
    return made


def _of_same_name(names: list[str], folder: Path) -> dict[str, str]:
    """Find the audio that lies in a folder as subtitles lie in theirs."""
    wanted = set(names)
    found: dict[str, str] = {}
    for path in files_below(folder, AUDIO_SUFFIXES):
        here = path.relative_to(folder).as_posix()
        name = _without_suffix(here)
        if name in found and name in wanted:
            raise InvalidInput(f"{folder} has {found[name]} and {here} for the subtitles of {name}. Leave one of them.")
        found[name] = here
    return {name: found[name] for name in wanted & found.keys()}


def _finer(seconds: pd.Series) -> pd.Series:
    return (seconds * 1000 - (seconds * 1000).round()).abs() > 1e-6


def _columns(rows: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    return zip(*(rows[name] for name in ("begin_s", "end_s", "text", "speaker")), strict=True)


def _clock(seconds: float, point: str) -> str:
    whole = round(seconds * 1000)
    hours, rest = divmod(whole, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"
