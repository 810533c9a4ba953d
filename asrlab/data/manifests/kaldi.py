"""Kaldi data folders: ``wav.scp``, ``text``, ``segments``, ``utt2spk`` and what else may lie beside them.

Facts from "Data preparation" in Kaldi's documentation, and from what its ``validate_data_dir.sh`` and
``extract-segments`` take.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pandas as pd

from asrlab.data.manifests.base import Format, Manifest, Options, Row, collect, is_folder
from asrlab.data.manifests.files import counted, named_few, no_columns, text_lines
from asrlab.data.manifests.writing import audio_of, only_columns, refuse, save_lines, texts_of
from asrlab.data.rows import rows_of
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from asrlab.data.dataset import Dataset

#: A file of Kaldi's as a dictionary: the id a line begins with -> its number, and the rest of it.
Table = dict[str, tuple[int, str]]

_LINE: Final = re.compile(r"[ \t]*([^ \t]+)[ \t]*(.*)")  # Kaldi takes blanks and tabs apart, and nothing else
_IN_ARCHIVE: Final = re.compile(r"(?:ark|scp)\b[^/]*:.*|.*\.ark|.*:\d+")
_OURS: Final = ("wav.scp", "text", "segments", "utt2spk", "spk2utt", "utt2dur", "utt2lang", "spk2gender")
_READ: Final = (*(name for name in _OURS if name != "spk2utt"), "reco2file_and_channel", "reco2dur")
_OTHERS: Final = ("reco2file_and_channel", "reco2dur", "feats.scp", "cmvn.scp", "vad.scp")
_WHAT: Final = "A Kaldi data folder"


class Kaldi(Format):
    """A Kaldi data folder.

    Without ``segments``, each line of ``wav.scp`` is an utterance; with it, each of its lines is one, cut from the
    recording it names (``begin_s``, ``end_s``, ``recording``); an end of -1 is that of the recording. A fifth field is
    a channel from 0, as ``extract-segments`` has it. ``utt2spk``, ``utt2dur`` (else ``reco2dur``), ``utt2lang`` and
    ``spk2gender`` are read where they are there, and utterances come in Kaldi's order, which is that of the ids' bytes.
    A speaker with the id of the utterance is none that is known. An id in ``text`` with nothing after it is silence.

    ``reco2file_and_channel`` matters where recordings share one file: A is its channel 0, B its channel 1. Where each
    has its own, it says what was extracted before. Commands in ``wav.scp`` are refused, never run. Kaldi takes relative
    paths from the folder its scripts run in: name that with ``audio_root``.

    Written are the files above and ``spk2utt``; those of features are not. Kept are audio, cuts, one text an utterance
    (of the form ``unstated``), speakers, lengths, languages, and the column ``gender`` of speakers. Channels and the
    order of utterances are not; terms, tags and further columns are refused.
    ``validate_data_dir.sh`` asks for more than a dataset may have: a text of every utterance, speakers that are
    prefixes of its id, no fifth field.
    """

    name: ClassVar[str] = "kaldi"
    title: ClassVar[str] = "Kaldi data folder"
    is_file: ClassVar[bool] = False

    def recognises(self, source: Any) -> bool:  # noqa: ANN401 - as in Format
        """Look for its files; see :meth:`Format.recognises`. AISHELL-2 has a ``wav.scp`` too, but no ``text``."""
        there = is_folder(source, "wav.scp") or is_folder(source, "text", "utt2spk")
        return there and not (is_folder(source, "trans.txt") and not is_folder(source, "text"))

    def read(self, source: Path, options: Options) -> Manifest:
        """Read it; see :meth:`Format.read`."""
        no_columns(source, options)
        if not is_folder(source):
            raise InvalidInput(f"{source} is no folder. A Kaldi data folder holds wav.scp, text and others: name that.")
        files = {name: read_table(source / name) for name in _READ if (source / name).is_file()}
        main = next((name for name in ("segments", "wav.scp", "text") if name in files), None)
        if main is None:
            raise InvalidInput(f"{source} holds neither wav.scp nor text. A Kaldi data folder needs one of them.")
        for name in ("utt2dur", "reco2dur"):
            _check_lengths(source / name, files.get(name, {}))
        scp = source / "wav.scp"
        audio = {reco: plain_path(scp, *said) for reco, said in files.get("wav.scp", {}).items()}
        sides = _sides(source / "reco2file_and_channel", files.get("reco2file_and_channel", {}), audio)
        rows = _cuts(source, files, audio, sides) if main == "segments" else _wholes(files[main], files, audio, sides)
        if not rows:
            raise InvalidInput(
                f"{source / main} names no recording of wav.scp. Check that they are of one data folder."
            )
        utterances, references = collect(_with_facts(rows, files), source / main, options)
        said = ", ".join(f"{name} ({counted(len(table), 'line')})" for name, table in files.items())
        remarks = _remarks(files, {row["utt_id"] for _, row in rows}, audio, sides)
        return Manifest(
            source.resolve().name, utterances, references, folder=source, audio_root=source, said=said, remarks=remarks
        )

    def write(self, dataset: Dataset, path: Path) -> None:
        """Write it; see :meth:`Format.write`."""
        (texts,) = texts_of(dataset, _WHAT, ("unstated",)).values()
        audio = audio_of(dataset, _WHAT, cuts=True)
        only_columns(dataset, _WHAT, ("gender",))
        table = dataset.utterances
        for column in ("utt_id", "speaker", "language", "recording", "gender"):
            if column in table:
                spaced = table["utt_id"][table[column].str.contains(r"\s").fillna(value=False)]
                refuse(spaced, _WHAT, f"blanks in {column}", "Put - or _ in their place.")
        for utt_id, named in audio.items():
            if "|" in named or named != named.strip() or named == "-" or _IN_ARCHIVE.fullmatch(named):
                refuse(
                    [utt_id],
                    _WHAT,
                    f"the file {named!r}, whose name Kaldi would take for something else",
                    "Rename the file.",
                )
        files: dict[str, dict[str, str]] = {"text": texts, **_of_speakers(table)}
        files |= {
            "utt2dur": {i: repr(float(v)) for i, v in _known(table, "duration_s").items()},
            "utt2lang": _known(table, "language"),
        }
        files |= _recordings(dataset, audio)
        wanted = {name: lines for name, lines in files.items() if lines}
        if stale := [name for name in (*_OURS, *_OTHERS) if name not in wanted and (path / name).exists()]:
            raise InvalidInput(f"{path} holds {named_few(stale)} of another set. Write to a folder of its own.")
        for name, lines in wanted.items():
            save_lines(path / name, (f"{key} {rest}".rstrip(" ") for key, rest in sorted(lines.items())))


FORMATS: Final = (Kaldi(),)


def read_table(file: Path) -> Table:
    """Read a file of lines that begin with an id.

    Parameters
    ----------
    file : Path
        Such as ``text`` or ``wav.scp``.

    Returns
    -------
    dict of str to (int, str)
        Id -> number of the line, and what follows the id, without blanks around it. Empty lines are passed over.

    Raises
    ------
    InvalidInput
        If it cannot be read as UTF-8, or an id is there twice.
    """
    table: Table = {}
    for number, line in text_lines(file):
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        key, rest = found.groups()
        if key in table:
            raise InvalidInput(
                f"{file}, line {number}: the id {key!r} is that of line {table[key][0]} too. Keep one of them."
            )
        table[key] = number, rest.rstrip(" \t")
    return table


def plain_path(file: Path, number: int, said: str) -> str:
    """Take a path of ``wav.scp``, and refuse what is none: a command is never run.

    Raises
    ------
    InvalidInput
        If it is a command, standard input, a place in an archive, or nothing.
    """
    what = remedy = None
    if not said:
        what, remedy = "there is no path after the id", "Name the audio file"
    elif "|" in said or said == "-":
        what = f"{said[:80]!r} is a command, and commands are not run here"
        remedy = "Run it once, keep what it writes in a WAV file, and name that"
    elif _IN_ARCHIVE.fullmatch(said):
        what = f"{said[:80]!r} is a place in an archive of Kaldi's"
        remedy = "Copy the recordings to WAV files, and name those"
    elif said.startswith("~"):
        what, remedy = f"{said[:80]!r} begins with ~, which Kaldi does not resolve", "Write the path in full"
    if what is not None:
        raise InvalidInput(f"{file}, line {number}: {what}. {remedy}.")
    return said


def _check_lengths(file: Path, table: Table) -> None:
    for number, said in table.values():
        if not 0 < _number(said) < math.inf:
            raise InvalidInput(f"{file}, line {number}: {said!r} is no length in seconds. Mend it, or leave it out.")


def _number(said: str) -> float:
    try:
        return float(said)
    except ValueError:
        return math.nan


def _sides(file: Path, table: Table, audio: Mapping[str, str]) -> dict[str, tuple[str, int]]:
    """Give the call and the channel of recordings that are channels of one file."""
    uses = Counter(audio.values())
    found = {}
    for reco, (number, said) in table.items():
        fields = said.split()
        if len(fields) != 2 or not re.fullmatch(r"[A-Z]|[1-9]\d?", fields[1]):
            raise InvalidInput(f"{file}, line {number}: wanted are recording, file and channel (A or B), not {said!r}.")
        if uses[audio.get(reco, "")] > 1:
            letter = fields[1]
            found[reco] = fields[0], int(letter) - 1 if letter.isdigit() else ord(letter) - ord("A")
    return found


def _wholes(
    table: Table, files: Mapping[str, Table], audio: Mapping[str, str], sides: Mapping[str, tuple[str, int]]
) -> list[tuple[int, Row]]:
    lengths = files.get("reco2dur", {})
    rows = []
    for utt_id in sorted(table):
        row: Row = {"utt_id": utt_id, "audio": audio.get(utt_id), "duration_s": lengths.get(utt_id, (0, None))[1]}
        if sides:
            call, channel = sides.get(utt_id, (None, None))
            row |= {"recording": call, "begin_s": None if call is None else 0.0, "end_s": None, "channel": channel}
        rows.append((table[utt_id][0], row))
    return rows


def _cuts(
    folder: Path, files: Mapping[str, Table], audio: Mapping[str, str], sides: Mapping[str, tuple[str, int]]
) -> list[tuple[int, Row]]:
    rows = []
    for utt_id, (number, said) in sorted(files["segments"].items()):
        fields = said.split()
        begin, end = map(_number, fields[1:3]) if len(fields) in (3, 4) else (math.nan, math.nan)
        channel = fields[3] if len(fields) == 4 else ""
        fits = 0 <= begin < math.inf and (begin < end < math.inf or end == -1)
        if not fits or not re.fullmatch(r"\d{0,2}", channel):
            raise InvalidInput(
                f"{folder / 'segments'}, line {number}: wanted are utterance, recording, begin and end in seconds (-1: "
                f"the end of the recording), and perhaps a channel from 0, not {said!r}. Mend the line."
            )
        reco = fields[0]
        if "wav.scp" in files and reco not in audio:
            continue
        call, side = sides.get(reco, (reco, None))
        row: Row = {
            "utt_id": utt_id, "audio": audio.get(reco), "recording": call, "begin_s": begin,
            "end_s": None if end == -1 else end, "duration_s": None if end == -1 else round(end - begin, 6),
        }  # fmt: skip
        if channel or side is not None:
            row["channel"] = int(channel) if channel else side
        rows.append((number, row))
    return rows


def _with_facts(rows: Iterable[tuple[int, Row]], files: Mapping[str, Table]) -> Iterable[tuple[int, Row]]:
    def said(name: str, key: str | None) -> str | None:
        return files[name][key][1] or None if name in files and key in files[name] else None

    for number, row in rows:
        utt_id = row["utt_id"]
        speaker = said("utt2spk", utt_id)
        row |= {
            "duration_s": said("utt2dur", utt_id) or row.get("duration_s"),
            "language": said("utt2lang", utt_id),
            "speaker": None if speaker == utt_id else speaker,
            "text": files["text"][utt_id][1] if utt_id in files.get("text", {}) else None,
        }
        if "spk2gender" in files:
            row["gender"] = said("spk2gender", speaker)
        yield number, row


def _remarks(
    files: Mapping[str, Table], read: set[str], audio: Mapping[str, str], sides: Mapping[str, tuple[str, int]]
) -> tuple[str, ...]:
    remarks = []

    def remark(ids: list[str], what: str) -> None:
        if ids:
            remarks.append(f"{what}: {len(ids)} ({named_few(ids)}).")

    texts = files.get("text", {})
    segments = files.get("segments", {})
    if "text" not in files:
        remarks.append("There is no file text, and so no references.")
    else:
        remark(sorted(read - texts.keys()), "No reference, for want of a line in text")
        remark(sorted(texts.keys() - read - segments.keys()), "Lines of text of no utterance, left out")
    if "wav.scp" not in files:
        remarks.append("There is no file wav.scp, and so no audio.")
    elif segments:
        gone = sorted(segments.keys() - read)
        remark(gone, "Segments of recordings that wav.scp does not have, left out")
        used = {said.split()[0] for _, said in segments.values()}
        remark(sorted(audio.keys() - used), "Recordings of wav.scp without segments, left out")
    if "reco2file_and_channel" in files and not sides:
        remarks.append("reco2file_and_channel was not needed: each recording has a file of its own.")
    return tuple(remarks)


def _known(table: pd.DataFrame, column: str) -> dict[str, Any]:
    there = table[table[column].notna()]
    return dict(rows_of(there, "utt_id", column))


def _of_speakers(table: pd.DataFrame) -> dict[str, dict[str, str]]:
    speakers = dict(zip(table["utt_id"], table["speaker"].fillna(table["utt_id"]), strict=True))
    spoken: dict[str, list[str]] = {}
    for utt_id in sorted(speakers):
        spoken.setdefault(speakers[utt_id], []).append(utt_id)
    files = {"utt2spk": speakers, "spk2utt": {speaker: " ".join(ids) for speaker, ids in spoken.items()}}
    if "gender" in table:
        known = table[table["gender"].notna() & table["speaker"].notna()]
        pairs = known[["speaker", "gender"]].drop_duplicates()
        twice = pairs["speaker"][pairs["speaker"].duplicated()]
        refuse(twice, _WHAT, "several genders", "Give each speaker one gender.", of="speaker")
        files["spk2gender"] = dict(zip(pairs["speaker"], pairs["gender"], strict=True))
    return files


def _recordings(dataset: Dataset, audio: dict[str, str]) -> dict[str, dict[str, str]]:
    """Make ``wav.scp``, and ``segments`` where there are parts of files."""
    table = dataset.utterances
    parts = [name for name in ("begin_s", "end_s", "channel") if name in table and table[name].notna().any()]
    if not parts:
        return {"wav.scp": audio}
    files: dict[str, str] = {}
    segments = {}
    empty = pd.Series(pd.NA, table.index)
    columns = (table.get(name, empty) for name in ("begin_s", "end_s", "channel"))
    for utt_id, reco, *cut in zip(table["utt_id"], table["recording"], *columns, strict=True):
        begin, end, channel = (None if pd.isna(value) else value for value in cut)
        is_part = any(value is not None for value in (begin, end, channel))
        name = (audio[utt_id] if pd.isna(reco) else reco) if is_part else utt_id
        if re.search(r"\s", name):
            refuse([utt_id], _WHAT, f"blanks in {name!r}, a recording's name", "Fill the column recording.")
        if files.setdefault(name, audio[utt_id]) != audio[utt_id]:
            both = f"{files[name]} and {audio[utt_id]}"
            refuse([utt_id], _WHAT, f"the name {name!r} for two files, {both}", "Rename a recording.")
        times = f"{float(begin or 0.0)!r} {-1 if end is None else repr(float(end))}"
        segments[utt_id] = f"{name} {times}" + ("" if channel is None else f" {channel}")
    return {"wav.scp": files, "segments": segments}
