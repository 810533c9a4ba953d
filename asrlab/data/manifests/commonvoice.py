"""Common Voice: tables of clips, whose header and manners changed over its versions.

Facts from the README of Mozilla's cv-dataset, from releases 1 to 23, and from CorporaCreator, which makes the tables.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar, Final

from asrlab import tables
from asrlab.data.manifests.base import Format, Manifest, Options, Row, collect, is_file, is_folder
from asrlab.data.manifests.columns import check_given
from asrlab.data.manifests.files import counted, first_lines, named_few, text_lines
from asrlab.data.manifests.locales import language_of
from asrlab.data.manifests.writing import COPY, OUT, audio_of, named_after, only_columns, refuse, save_lines, texts_of
from asrlab.data.rows import rows_of
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from asrlab.data.dataset import Dataset

_NEEDED: Final = ("client_id", "path", "sentence")
_OURS: Final[Mapping[str, str]] = {"client_id": "speaker", "path": "audio", "sentence": "text"}
_DURATIONS: Final = "clip_durations.tsv"
_HEADER_OF_DURATIONS: Final = "clip\tduration[ms]"
_CLIP: Final = re.compile(r"common_voice_([A-Za-z]{2,4}(?:-[A-Za-z0-9]+)*)_\d+(?:\.\w+)?")
_QUOTES: Final = re.compile('"+')
_WHAT: Final = "A Common Voice table"


class CommonVoice(Format):
    """A table of Common Voice (``test.tsv``, ``validated.tsv`` ...), with the clips in the folder ``clips`` beside it.

    A folder with one table is that; of a folder with several, the table is to be named, since they hold each other's
    clips. ``client_id`` is the speaker, ``sentence`` what was read, of the form ``written``, and the name of the clip
    the utt_id. All other columns of whatever version are kept as they are called there, votes as numbers.

    Versions differ. Where there is no column ``locale`` it is told from the names of the clips, or from a folder
    ``cv-corpus-.../xx``; the language is that of the locale (``zh-HK`` is ``yue``). Clips of version 1 have no ``.mp3``
    in ``path``. Nothing is quoted by rule, and a sentence may begin with a quotation mark; but where all of its marks
    are doubled, as some versions have them, they are made single. ``clip_durations.tsv``, where it is there, gives the
    lengths.

    Written are the table and ``clip_durations.tsv``. Audio in ``clips``, texts of the form ``written`` that are not
    silence, speakers, lengths to a microsecond, languages that their locale says, and further columns of plain values
    are kept; numbers other than votes become text. Recordings, channels and digests are not kept; terms, segments and
    tags are refused.
    """

    name: ClassVar[str] = "commonvoice"
    title: ClassVar[str] = "Common Voice table"

    def recognises(self, source: Any) -> bool:  # noqa: ANN401 - as in Format
        """Look at the header; see :meth:`Format.recognises`."""
        if is_file(source, ".tsv"):
            return _is_table(source)
        return is_folder(source) and bool(_tables_in(source))

    def read(self, source: Path, options: Options) -> Manifest:
        """Read it; see :meth:`Format.read`."""
        file = source if is_file(source) else _only_table(source)
        header, rows = _rows_of(file)
        check_given(options, header, file)
        folder = file.parent
        clips = _clips(options.audio_root or folder)
        lengths = _lengths(folder / _DURATIONS)
        locale = _locale_of_folder(folder)
        doubled: list[str] = []
        names = {**_OURS, **options.columns}

        def ours() -> Iterator[tuple[int, Row]]:
            for number, fields in rows:
                row: Row = {names.get(name, name): value or None for name, value in zip(header, fields, strict=True)}
                path = fields[header.index("path")]
                clip = path if PurePosixPath(path).suffix else f"{path}.mp3"
                if text := row.get("text"):
                    row["text"] = _without_doubled_quotes(text)
                    if row["text"] != text:
                        doubled.append(path)
                row["locale"] = row.get("locale") or _locale_of_clip(clip) or options.language or locale
                yield (
                    number,
                    {
                        "utt_id": PurePosixPath(clip).stem if path else None,
                        **row,
                        "audio": f"{clips}{clip}",
                        "duration_s": lengths.get(clip),
                        "language": row.get("language") or (language_of(row["locale"]) if row["locale"] else None),
                        "references": [{"text": row["text"], "form": "written"}] if row.get("text") else [],
                        "text": None,
                        **{name: _votes(row[name]) for name in ("up_votes", "down_votes") if name in row},
                    },
                )

        utterances, references = collect(ours(), file, options)
        remarks = []
        if doubled:
            remarks.append(
                f"Doubled quotation marks were made single in {counted(len(doubled), 'clip')} ({named_few(doubled)})."
            )
        if gone := len(utterances) - references["utt_id"].nunique():
            remarks.append(f"No reference: {counted(gone, 'clip')} with no sentence.")
        if utterances["locale"].isna().all():
            utterances = utterances.drop(columns="locale")
        return Manifest(
            f"{folder.resolve().name}-{file.stem}",
            utterances,
            references,
            folder=folder,
            audio_root=folder,
            said=f"{file.name} ({len(utterances)} clips)" + (f", {_DURATIONS}" if lengths else ""),
            remarks=tuple(remarks),
        )

    def place_of(self, utterance: Mapping[str, Any], suffix: str) -> str:
        """Place it among the clips; see :meth:`Format.place_of`."""
        return f"clips/{named_after(utterance, suffix)}"

    def write(self, dataset: Dataset, path: Path) -> None:
        """Write it; see :meth:`Format.write`."""
        if path.suffix != ".tsv":
            raise InvalidInput(f"A Common Voice table is a file whose name ends in .tsv, not {path.name!r}. Rename it.")
        texts = texts_of(dataset, _WHAT, ("written",))["written"]
        silent = (utt_id for utt_id, text in texts.items() if not text)
        refuse(silent, _WHAT, "clips without a word", "Leave them out.")
        audio = audio_of(dataset, _WHAT)
        for utt_id, named in audio.items():
            if named != f"clips/{named_after({'utt_id': utt_id}, PurePosixPath(named).suffix)}":
                refuse([utt_id], _WHAT, f"audio elsewhere than in clips/{utt_id} with its ending", COPY)
        table = dataset.utterances
        if "locale" not in table:
            table = table.assign(locale=table["language"])
        said = table["locale"].map(language_of, na_action="ignore")
        other = (said != table["language"]).fillna(value=False) | (said.isna() & table["language"].notna())
        remedy = "Mend the column locale, or drop it."
        refuse(table["utt_id"][other], _WHAT, "a locale that says another language", remedy)
        more = [str(name) for name in table if name not in tables.SCHEMAS["utterances"]]
        only_columns(dataset, _WHAT, more, OUT)
        lines = ["\t".join([*_NEEDED, *more])]
        for utt_id, speaker, *values in rows_of(table, "utt_id", "speaker", *more):
            sentence = _quoted(texts.get(utt_id, ""))
            fields = [speaker or "", audio[utt_id].removeprefix("clips/"), sentence, *map(_field, values)]
            if any(re.search(r"[\t\n\r]", field) for field in fields):
                refuse([utt_id], _WHAT, "columns with tabs or ends of lines", OUT)
            lines.append("\t".join(fields))
        if others := [one.name for one in _tables_in(path.parent) if one.name != path.name]:
            raise InvalidInput(f"{path.parent} holds {named_few(others)} too. Write to a folder of its own.")
        known = table[table["duration_s"].notna()]
        lengths = [f"{audio[i].removeprefix('clips/')}\t{round(1000 * s, 3):.15g}"
                   for i, s in zip(known["utt_id"], known["duration_s"], strict=True)]  # fmt: skip
        save_lines(path, lines)
        if lengths or (path.parent / _DURATIONS).exists():
            save_lines(path.parent / _DURATIONS, [_HEADER_OF_DURATIONS, *lengths])


FORMATS: Final = (CommonVoice(),)


def _is_table(file: Path) -> bool:
    header = next(iter(first_lines(file)), "").split("\t")
    return all(name in header for name in _NEEDED)


def _tables_in(folder: Path) -> list[Path]:
    try:
        files = sorted((file for file in folder.iterdir() if file.suffix == ".tsv"), key=lambda file: file.name)
    except OSError:
        return []
    return [file for file in files[:50] if _is_table(file)]


def _only_table(folder: Path) -> Path:
    found = _tables_in(folder) if is_folder(folder) else []
    if len(found) == 1:
        return found[0]
    if not found:
        raise InvalidInput(f"{folder} has no table with the columns {', '.join(_NEEDED)}. Name a .tsv of Common Voice.")
    listed = "\n".join(f"  {file}" for file in found)
    raise InvalidInput(f"{folder} has {len(found)} tables, which hold each other's clips. Name one of them:\n{listed}")


def _rows_of(file: Path) -> tuple[Sequence[str], Iterator[tuple[int, list[str]]]]:
    """Give the header and the rows that have as many fields."""
    lines = text_lines(file)
    header = next(lines, (1, ""))[1].split("\t")
    if missing := [name for name in _NEEDED if name not in header]:
        raise InvalidInput(
            f"{file}, line 1: a header of Common Voice has the columns {', '.join(_NEEDED)}, and this has no "
            f"{missing[0]}. Choose another format, or mend the header."
        )

    def rows() -> Iterator[tuple[int, list[str]]]:
        for number, line in lines:
            fields = line.split("\t")
            if not line:
                continue
            if len(fields) != len(header):
                raise InvalidInput(
                    f"{file}, line {number}: there are {len(fields)} fields, and {len(header)} in the header. A tab or "
                    "an end of a line in a sentence may have done it. Mend the line, or leave it out."
                )
            yield number, fields

    return header, rows()


def _clips(root: Path) -> str:
    """Give the folder of the clips, as seen from the audio's: a user may have named either."""
    return "" if root.name == "clips" else "clips/"


def _lengths(file: Path) -> dict[str, float]:
    """Read the lengths of clips, in seconds."""
    found: dict[str, float] = {}
    if not is_file(file):
        return found
    for number, line in text_lines(file):
        clip, _, said = line.partition("\t")
        if number == 1 or not line:
            continue
        try:
            found[clip] = float(said) / 1000
        except ValueError:
            raise InvalidInput(
                f"{file}, line {number}: wanted are a clip and its length in milliseconds, not {line[:80]!r}. Mend it."
            ) from None
    return found


def _locale_of_clip(clip: str) -> str | None:
    found = _CLIP.fullmatch(clip)
    return None if found is None else found[1]


def _locale_of_folder(folder: Path) -> str | None:
    """Give the locale that a folder is named after, where the one above is a release."""
    here = folder.resolve()
    return here.name if here.parent.name.startswith("cv-corpus") else None


def _without_doubled_quotes(sentence: str) -> str:
    """Undo what some versions did to quotation marks: quote the field and double them, or only double them."""
    inner = sentence[1:-1]
    if len(sentence) > 2 and sentence[0] == sentence[-1] == '"' and '"' in inner and _all_doubled(inner):
        return inner.replace('""', '"')
    return sentence.replace('""', '"') if _all_doubled(sentence) else sentence


def _all_doubled(text: str) -> bool:
    return all(len(run) % 2 == 0 for run in _QUOTES.findall(text))


def _quoted(sentence: str) -> str:
    """Write a sentence so that it is read as it is."""
    if _without_doubled_quotes(sentence) == sentence:
        return sentence
    doubled = sentence.replace('"', '""')
    return f'"{doubled}"'


def _votes(said: str | None) -> int | str | None:
    return int(said) if said is not None and re.fullmatch("[0-9]{1,9}", said) else said


def _field(value: Any) -> str:  # noqa: ANN401 - whatever stands in a further column
    return "" if value is None else str(value)
