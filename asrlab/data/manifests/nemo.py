"""NeMo manifests: JSON lines as NVIDIA's toolkit reads them, and many others write them."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from asrlab import tables
from asrlab.data.manifests.base import Format, Manifest, Options, Row, collect, is_file
from asrlab.data.manifests.columns import ALIASES, made_ids, numbered, renamed
from asrlab.data.manifests.files import first_lines
from asrlab.data.manifests.jsonl import json_line, json_rows, manifest_name, our_rows
from asrlab.data.manifests.writing import COPY, TABLES, names_of, new_file, refuse, with_texts
from asrlab.data.rows import rows_of
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from asrlab.data.dataset import Dataset

_AUDIO: Final = ("audio_filepath", "audio_filename")
_ALIASES: Final = {
    "audio": _AUDIO, "duration_s": ("duration",), "language": ("lang",), "speaker": ("speaker_id",),
}  # fmt: skip
_WRITTEN: Final = {"audio": "audio_filepath", "duration_s": "duration", "language": "lang", "begin_s": "offset"}
#: Names that would change what is read of a row.
_RESERVED: Final = frozenset({*_AUDIO, *_WRITTEN.values(), "normalized_text"})
_LANGUAGES: Final = ("source_lang", "lang", "language")  # of what is spoken, where a text may be in another
_NOT_KNOWN: Final = "-"  # NeMo's own scripts write this where there is no transcript
_LONGEST_S: Final = 1e9  # a generation
_DIGITS: Final = 6  # of seconds: a microsecond is less than a sample


class Nemo(Format):
    """NeMo manifest: JSON lines with ``audio_filepath``, ``duration`` and ``text``.

    A path is absolute, or relative to the manifest's folder. ``offset`` and ``duration`` make a row a stretch of its
    file; where every offset is 0, rows are whole files. The language is ``lang`` or ``source_lang``; a text in another
    one, ``target_lang``, is a translation and no reference. A text that is ``"-"`` is not known. Rows have no ids: they
    are made of the names of the files, unless there is a column ``utt_id``, as :meth:`write` writes it. Other columns,
    such as ``pred_text``, are kept. ``form`` says what form the texts are of, where they were written here.

    ``write`` rounds times to a microsecond; the length of a stretch is what it is cut to. One text a recording is held,
    and one form of them all; terms, segments and single channels are refused.
    """

    name = "nemo"
    title = "NeMo manifest (JSON lines with audio_filepath)"

    def recognises(self, source: Any) -> bool:  # noqa: ANN401 - see Format
        """Whether the first row names its audio as NeMo does, and has no id as others have."""
        if not is_file(source, ".json", ".jsonl"):
            return False
        first = next((line for line in first_lines(source) if line.strip()), "")
        try:
            row = json.loads(first)
        except (ValueError, RecursionError):
            return False
        return isinstance(row, dict) and not {"id", "audio"} & set(row) and not set(_AUDIO).isdisjoint(row)

    def read(self, source: Any, options: Options) -> Manifest:  # noqa: ANN401 - see Format
        """Read the manifest."""
        file: Path = source
        remarks: Counter[str] = Counter()
        plain = ((number, _plain(row, remarks)) for number, row in json_rows(file))
        rows = list(our_rows(plain, file, options, _ALIASES))
        _make_stretches(rows, file)
        said = [f"{count} {what}" for what, count in remarks.items()]
        if not any("utt_id" in row for _, row in rows):
            audio = [row["audio"] if isinstance(row.get("audio"), str) else None for _, row in rows]
            ids, remark = made_ids(audio, options.audio_root or file.parent, [row.get("begin_s") for _, row in rows])
            for (_, row), utt_id in zip(rows, numbered(ids), strict=True):
                row["utt_id"] = utt_id
            said.append(remark)
        utterances, references = collect(_with_audio(rows, file), file, options, called=_WRITTEN)
        return Manifest(
            manifest_name(file), utterances, references, folder=file.parent, audio_root=file.parent, said=file.name,
            remarks=tuple(said),
        )  # fmt: skip

    def write(self, dataset: Dataset, path: Path) -> None:
        """Write the manifest."""
        what = "A NeMo manifest"
        frame = with_texts(dataset, what)
        ids, text = frame["utt_id"], frame["text"]
        refuse(ids[frame["audio"].isna()], what, "utterances without audio", "Leave them out.")
        refuse(ids[text == _NOT_KNOWN], what, f"the text {_NOT_KNOWN!r}", TABLES)
        if "target_lang" in frame:
            spoken = frame["source_lang" if "source_lang" in frame else "language"]
            other = (frame["target_lang"] != spoken) & text.notna() & spoken.notna()
            refuse(ids[other], what, "a text in another language, target_lang", TABLES)
        if "channel" in frame:
            refuse(ids[frame["channel"].notna()], what, "one channel of a file", COPY)
        if "begin_s" in frame:
            cut = frame["begin_s"].notna()
            if not (frame["begin_s"] > 0).any():
                refuse(ids[cut], what, "a cut, where all begin at 0 s", COPY)
            length = (frame["end_s"] - frame["begin_s"]).astype("Float64").round(_DIGITS)
            frame = frame.assign(duration_s=frame["duration_s"].mask(cut, length)).drop(columns="end_s")
        columns = names_of(frame)
        named = {_WRITTEN.get(column, column): column for column in columns}
        back = renamed(named, {}, _ALIASES)
        for name, column in named.items():
            if column in _RESERVED or back[name] not in (column, name):
                raise InvalidInput(f"{what} cannot hold a column {column!r}: the name means something else. Rename it.")
        always = {*ALIASES, *(set(columns) - tables.SCHEMAS["utterances"].keys())} - {"text", "form"}
        with new_file(path) as file:
            for utt_id, row in zip(ids, rows_of(frame, *columns), strict=True):
                values = {
                    name: value
                    for name, column, value in zip(named, columns, row, strict=True)
                    if value is not None or column in always
                }
                file.write(json_line(values, f"Utterance {utt_id!r} of {dataset.name}"))


FORMATS: Final = (Nemo(),)


def _plain(row: Row, remarks: Counter[str]) -> Row:
    """Take out of a row what is no reference."""
    if "text" not in row and isinstance(row.get("normalized_text"), str):
        row["text"] = row.pop("normalized_text")
    target, source = row.get("target_lang"), next((row[name] for name in _LANGUAGES if name in row), None)
    if not {"lang", "language"} & set(row) and "source_lang" in row:
        row["lang"] = row.pop("source_lang")
    if source is not None and target is not None and source != target and row.pop("text", None) is not None:
        remarks["texts are translations and were left out."] += 1
    if row.get("text") == _NOT_KNOWN:
        del row["text"]
        remarks[f'texts are "{_NOT_KNOWN}", which is none.'] += 1
    if "text" not in row and "text_filepath" in row:
        remarks["texts stand in files of their own, text_filepath, which are not read."] += 1
    return row


def _make_stretches(rows: list[tuple[int, Row]], file: Path) -> None:
    """Make rows with an offset stretches of their files, if any of the offsets is not 0."""
    offsets = [row.pop("offset", None) for _, row in rows]
    for (number, _), offset in zip(rows, offsets, strict=True):
        if offset is not None and not (type(offset) in (int, float) and 0 <= offset < _LONGEST_S):
            raise InvalidInput(
                f"{file}, line {number}: offset must be a number of seconds from 0, not {offset!r}. Mend it, or leave "
                "it out."
            )
    if any(offsets):
        for (_, row), offset in zip(rows, offsets, strict=True):
            row |= {"begin_s": offset, "end_s": None if offset is None else _end(offset, row.get("duration_s"))}


def _end(offset: float, length: Any) -> float | None:  # noqa: ANN401 - whatever stands there
    """Give the end of a stretch; None where there is no length, or what is refused later."""
    return round(offset + length, _DIGITS) if type(length) in (int, float) and 0 < length < _LONGEST_S else None


def _with_audio(rows: list[tuple[int, Row]], file: Path) -> Iterator[tuple[int, Row]]:
    for number, row in rows:
        if row.get("audio") is None:
            raise InvalidInput(
                f"{file}, line {number}: there is no audio_filepath, the path of the recording. Add it, or leave the "
                "line out."
            )
        yield number, row
