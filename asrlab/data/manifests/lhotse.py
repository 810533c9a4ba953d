"""Lhotse: CutSets, and RecordingSets with their SupervisionSets, in JSON lines.

Fields as lhotse's documentation has them ("Cuts", "Recordings", "Supervisions"), and as version 1.33 writes them.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from asrlab import tables
from asrlab.data.manifests.base import Format, Manifest, Options, Row, collect, is_file, to_table
from asrlab.data.manifests.files import first_lines, named_few
from asrlab.data.manifests.jsonl import json_rows
from asrlab.data.places import is_place
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_SUFFIXES: Final = (".jsonl", ".jsonl.gz")
_CUTS: Final = ("MonoCut", "MultiCut", "MixedCut", "PaddingCut")
_PARTS: Final = ("recordings", "supervisions")
_SNIFFED: Final = 1 << 16
_LISTED: Final = 2000
_DIGITS: Final = 8  # to which lhotse rounds times
_SAME_S: Final = 0.001
_LONGEST_S: Final = 1e9
#: Names that a field of a supervision cannot have as a column, for they mean something here.
_TAKEN: Final = frozenset({
    *tables.SCHEMAS["utterances"], "begin_s", "end_s", "channel", "sha256", "parts", "gap_s", "text", "channel_texts",
    "references",
})  # fmt: skip


class _Cut(NamedTuple):
    line: int
    utterance: Row
    segments: list[Row]


class Lhotse(Format):
    """A CutSet, or a RecordingSet with its SupervisionSet: ``.jsonl`` or ``.jsonl.gz``, a file or a folder with one.

    A cut becomes an utterance, with ``begin_s`` and ``end_s`` if it is a part of its recording, and ``channel`` if it
    is one of several. Where no cut has more than one supervision, its text is the reference; else the supervisions of
    all cuts become segments, which are not marked where they have no text. Without cuts, each recording is taken whole.
    Of a supervision alone in its cut, ``gender`` and simple custom fields are kept as columns.

    Audio is a file or a URL; relative paths are taken from the folder of the manifest, where lhotse takes them from
    that it is started in: name that with ``audio_root``. Commands, audio within the manifest, recordings that are to be
    transformed, and cuts mixed of others are refused; padding is left out.
    """

    name: ClassVar[str] = "lhotse"
    title: ClassVar[str] = "Lhotse CutSet, or RecordingSet and SupervisionSet"
    written: ClassVar[bool] = False

    def recognises(self, source: Any) -> bool:  # noqa: ANN401 - as in Format
        """Look for cuts in the first line of a file, or for one of a pair; see :meth:`Format.recognises`."""
        try:
            if is_file(source, *_SUFFIXES):
                return _pair(source) is not None or _first(source).get("type") in _CUTS
            return is_place(source) and source.is_dir() and bool(_choices(source))
        except (OSError, ValueError, RecursionError):  # RecursionError: JSON that is nested too deep
            return False

    def read(self, source: Path, options: Options) -> Manifest:
        """Read it; see :meth:`Format.read`."""
        if options.columns:
            raise InvalidInput(f"The fields of {source} have one meaning, and columns= cannot change it. Leave it out.")
        if source.is_dir():
            choices = _choices(source)
            if len(choices) != 1:
                listed = ", ".join(sorted(path.name for path in choices)) or "none"
                raise InvalidInput(f"{source} has not one set of cuts or supervisions, but {listed}. Name the file.")
            file = choices[0]
        else:
            file = source
        pair = _pair(file)
        left_out: dict[str, list[str]] = {}
        if pair is None:
            cuts = list(_cuts(file, json_rows(file), left_out))
        else:
            file = pair[1]
            cuts = list(_cuts(pair[0], _whole(*pair), left_out))
        several = any(len(cut.segments) > 1 for cut in cuts)
        rows = ((cut.line, cut.utterance if several else cut.utterance | _said(cut)) for cut in cuts)
        utterances, references = collect(rows, file, options)
        segments = [row for cut in cuts for row in cut.segments] if several else []
        found = f"{len(cuts)} cuts" if pair is None else f"{len(cuts)} recordings"
        silent = sum(row["text"] is None for row in segments)
        return Manifest(
            file.name.split(".")[0],
            utterances,
            references,
            segments=_with_names(segments),
            folder=file.parent,
            audio_root=options.audio_root or file.parent,
            said=f"{file.name} ({found}{f', {len(segments)} supervisions' if several else ''})",
            remarks=(
                *(f"{len(names)} {what} ({named_few(names)})." for what, names in left_out.items()),
                *([f"{silent} supervisions have no text: they are not to be marked."] if silent else []),
            ),
        )


FORMATS: Final = (Lhotse(),)


# Which files.


def _first(file: Path) -> Row:
    """Give the first line of a file, an empty dict if it is no JSON object."""
    if file.name.lower().endswith(".gz"):
        try:
            with file.open("rb") as packed:
                head = zlib.decompressobj(wbits=31).decompress(packed.read(_SNIFFED), _SNIFFED)
            lines = head.decode("utf-8-sig", "ignore").splitlines()
        except (OSError, zlib.error):
            return {}
    else:
        lines = first_lines(file)
    first: object = json.loads(lines[0]) if lines else {}
    return first if isinstance(first, dict) else {}


def _choices(folder: Path) -> list[Path]:
    """Give the files of cuts in a folder, and of supervisions that have their recordings there."""
    listed = [path for path, _ in zip(folder.iterdir(), range(_LISTED), strict=False)]
    ours = [path for path in listed if path.name.lower().endswith(_SUFFIXES)]
    return [
        path
        for path in ours
        if ("cuts" in path.name and _first(path).get("type") in _CUTS)
        or ("supervisions" in path.name and _pair(path) is not None)
    ]


def _pair(file: Path) -> tuple[Path, Path] | None:
    """Give recordings and supervisions, if a file is named as one of them and the other is beside it."""
    for one, other in (_PARTS, _PARTS[::-1]):
        if one in file.name and is_file(partner := file.with_name(file.name.replace(one, other))):
            return (file, partner) if one == _PARTS[0] else (partner, file)
    return None


def _whole(recordings: Path, supervisions: Path) -> Iterator[tuple[int, Row]]:
    """Make a cut of each recording that has supervisions, as lhotse would; of those without, too."""
    said: dict[str, list[Row]] = {}
    lines: dict[str, int] = {}
    for number, row in json_rows(supervisions):
        of = str(row.get("recording_id"))
        said.setdefault(of, []).append(row)
        lines.setdefault(of, number)
    for number, recording in json_rows(recordings):
        name, channels = recording.get("id"), recording.get("channel_ids")
        if not isinstance(channels, list):
            sources = recording.get("sources")
            listed = (
                [one.get("channels") for one in sources if isinstance(one, dict)] if isinstance(sources, list) else []
            )
            channels = [channel for one in listed if isinstance(one, list) for channel in one] or [0]
        yield (
            number,
            {
                "type": "MonoCut" if len(channels) == 1 else "MultiCut",
                "id": name,
                "start": 0,
                "duration": recording.get("duration"),
                "channel": channels[0] if len(channels) == 1 else channels,
                "supervisions": said.pop(str(name), []),
                "recording": recording,
            },
        )
    if said:
        of = next(iter(said))
        raise InvalidInput(
            f"{supervisions}, line {lines[of]}: the recording {of!r} is not in {recordings.name}. Are these of one set?"
        )


# What a cut says.


def _cuts(file: Path, rows: Iterable[tuple[int, Row]], left_out: dict[str, list[str]]) -> Iterator[_Cut]:
    for number, row in rows:
        try:
            kind = row.get("type")
            if kind == "PaddingCut":
                left_out.setdefault("cuts are padding, and left out", []).append(str(row.get("id")))
                continue
            yield _cut(number, row, left_out)
        except InvalidInput as error:
            raise InvalidInput(f"{file}, line {number}: {error}") from None


def _cut(number: int, row: Row, left_out: dict[str, list[str]]) -> _Cut:
    name, recording = row.get("id"), row.get("recording")
    if row.get("type") == "MixedCut":
        raise InvalidInput(
            f"{name!r} is mixed of several cuts, which lhotse does when it loads them. Let it do so, and write the "
            "result: cuts.save_audios(folder)."
        )
    if row.get("type") not in _CUTS:
        raise InvalidInput(f"its type is {row.get('type')!r}, and should be one of {', '.join(_CUTS)}.")
    if not isinstance(recording, dict):
        raise InvalidInput(
            f"{name!r} has no recording. Cuts of features alone cannot be heard; make them with their recordings."
        )
    if recording.get("transforms"):
        raise InvalidInput(
            f"the recording of {name!r} is to be transformed when it is loaded. Let lhotse do so, and write the "
            "result: cuts.save_audios(folder)."
        )
    channels = row.get("channel", 0)
    channels = channels if isinstance(channels, list) else [channels]
    if not channels or any(type(channel) is not int for channel in channels):
        raise InvalidInput(f"the channel of {name!r} must be a number or a list of numbers, not {row['channel']!r}.")
    source, places, all_channels = _source(recording, channels)
    start, duration, whole = _time(row, "start"), _time(row, "duration"), _time(recording, "duration")
    utterance: Row = {
        "utt_id": name,
        "audio": source,
        "duration_s": duration,
        "channels": len(channels),
        "recording": recording.get("id"),
    }
    if start > 0 or duration < whole - _SAME_S:
        utterance |= {"begin_s": start, "end_s": round(start + duration, _DIGITS)}
    if len(channels) == 1 and all_channels > 1:
        utterance["channel"] = places[0]
    given = row.get("supervisions") or []
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise InvalidInput(f"the supervisions of {name!r} are no list of objects.")
    on = dict(zip(channels, places if len(channels) > 1 else [0], strict=True))
    segments = [_segment(one, utterance, on, left_out) for one in given]
    for column in ("speaker", "language"):
        values = {one.get(column) for one in given}
        utterance[column] = next(iter(values)) if len(values) == 1 else None
    if len(given) == 1:
        utterance |= _further(given[0])
    return _Cut(number, utterance, segments)


def _source(recording: Row, channels: list[Any]) -> tuple[str, list[int], int]:
    """Give the file that has some channels of a recording, where they are in it, and how many it has."""
    name, sources = recording.get("id"), recording.get("sources")
    if not isinstance(sources, list) or not all(isinstance(one, dict) for one in sources):
        raise InvalidInput(f"the recording {name!r} has no list of sources.")
    for one in sources:
        there = one.get("channels")
        if not isinstance(there, list) or any(channel not in there for channel in channels):
            continue
        kind, named = one.get("type"), one.get("source")
        if kind not in ("file", "url") or not isinstance(named, str):
            why = {"command": "a command, which is never run", "memory": "within the manifest"}.get(
                str(kind), repr(kind)
            )
            raise InvalidInput(
                f"the audio of {name!r} is {why}, and not a file or a URL. Write it to files: cuts.save_audios(folder)."
            )
        if len(channels) not in (1, len(there)):
            break
        return named, [there.index(channel) for channel in channels], len(there)
    raise InvalidInput(
        f"no file of the recording {name!r} has just the channels {channels}. Make a cut for each: cut.to_mono()."
    )


def _time(row: Row, name: str) -> float:
    seconds = _number(row, name)
    if seconds < 0:
        raise InvalidInput(f"{name} of {row.get('id')!r} must be a number of seconds, not {row[name]!r}.")
    return seconds


def _number(row: Row, name: str) -> float:
    value = row.get(name)
    if type(value) not in (int, float) or not abs(value) < _LONGEST_S:  # type: ignore[arg-type]
        raise InvalidInput(f"{name} of {row.get('id')!r} must be a number of seconds, not {value!r}.")
    return float(value)  # type: ignore[arg-type]


def _segment(one: Row, utterance: Row, on: dict[Any, int], left_out: dict[str, list[str]]) -> Row:
    name, text, channel = one.get("id"), one.get("text"), one.get("channel", 0)
    for column in ("text", "speaker", "language"):
        if not isinstance(one.get(column), str | None):
            raise InvalidInput(f"{column} of the supervision {name!r} must be text, not {one[column]!r}.")
    if isinstance(channel, list):
        if len(channel) > 1:
            left_out.setdefault("supervisions are of several channels, and taken for the first of them", []).append(
                str(name)
            )
        channel = channel[0] if channel else None
    if type(channel) is not int:
        raise InvalidInput(f"the channel of the supervision {name!r} must be a number, not {channel!r}.")
    if len(on) > 1 and channel not in on:
        raise InvalidInput(f"the supervision {name!r} is of channel {channel!r}, which its cut has not.")
    start = _number(one, "start")  # before 0 where a cut begins within what is said
    end = start + _time(one, "duration")
    begin_s, end_s = max(0.0, round(start, _DIGITS)), round(min(end, utterance["duration_s"]), _DIGITS)
    if start < -_SAME_S or end > utterance["duration_s"] + _SAME_S:
        left_out.setdefault("supervisions reach beyond their cuts, which may have less than their texts", []).append(
            str(name)
        )
    if end_s <= begin_s:
        raise InvalidInput(f"the supervision {name!r} does not lie within its cut, or lasts no time.")
    return {
        "segment": None if name is None else str(name),
        "utt_id": utterance["utt_id"],
        "channel": on.get(channel, 0),
        "begin_s": begin_s,
        "end_s": end_s,
        "speaker": one.get("speaker"),
        "text": text,
    }


def _said(cut: _Cut) -> Row:
    """Give what is said in a cut with a supervision."""
    said = [{"text": one["text"], "channel": one["channel"]} for one in cut.segments if one["text"] is not None]
    return {"references": said} if said else {}


def _further(supervision: Row) -> Row:
    custom = supervision.get("custom")
    fields = {"gender": supervision.get("gender"), **(custom if isinstance(custom, dict) else {})}
    return {
        name: value
        for name, value in fields.items()
        if name not in _TAKEN and isinstance(value, str | int | float) and not isinstance(value, bool)
    }


def _with_names(segments: list[Row]) -> Any:  # noqa: ANN401 - a DataFrame
    """Make the table; a supervision of several cuts, as overlapping windows have, is one in each."""
    seen: dict[str, int] = {}
    for row in segments:
        name = row["segment"] or f"{row['utt_id']}-{len(seen)}"
        seen[name] = seen.get(name, 0) + 1
        row["segment"] = name if seen[name] == 1 else f"{name}-{seen[name]}"
    return to_table(segments, "segments")
