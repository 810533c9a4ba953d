"""FLEURS: tables of recordings of the sentences of FLoRes, in 102 languages.

Facts from the card and the loader of google/fleurs, and from what its tables hold.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pandas as pd

from asrlab.data.manifests.base import Format, Manifest, Options, Row, collect, is_file, is_folder
from asrlab.data.manifests.files import counted, first_lines, named_few, no_columns, text_lines
from asrlab.data.manifests.locales import language_of
from asrlab.data.manifests.writing import COPY, audio_of, named_after, only_columns, refuse, save_lines, texts_of
from asrlab.data.rows import rows_of
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from asrlab.data.dataset import Dataset

_SPLITS: Final = ("train", "dev", "test")
_RATE: Final = 16_000  # Hz; of all recordings, and so of num_samples
_LOCALE: Final = re.compile(r"[a-z]{2,3}(?:_[a-z]{4})?_(?:[a-z]{2}|\d{3})")
_GENDERS: Final = ("MALE", "FEMALE", "OTHER")
_FORMS: Final = ("written", "unstated")
_WHAT: Final = "A FLEURS table"


class Fleurs(Format):
    """Tables of FLEURS: a folder of a language with ``train.tsv``, ``dev.tsv``, ``test.tsv``, or one of these.

    They have no header; a row is sentence, file, text as written, text normalised, its letters, samples at 16 kHz, and
    gender. The number at the beginning is that of the sentence, which several people read: it is kept in the column
    ``sentence``, and the utt_id is the name of the file. There are two references: what is written is of the form
    ``written``; the other is in small letters without punctuation but keeps its digits, so it is not what was spoken,
    and its form is ``unstated``. Chinese and others have blanks between characters there, which are left.

    The audio lies in ``audio/test``, ``test`` or ``audio``; speakers are not told. The language is what the folder is
    named after (``cmn_hans_cn`` is ``zh``, ``nb_no`` is ``no``), which is kept in the column ``locale``; else the one
    given. ``split`` and ``gender`` are further columns. Nothing is quoted.

    Written is a table a split (``test`` where there are none) to a folder that is named after the language. Audio,
    texts of those forms that are not silence, lengths to a sample at 16 kHz, and the columns named here are kept;
    speakers and channels are not. Terms, segments, tags and other columns are refused.
    """

    name: ClassVar[str] = "fleurs"
    title: ClassVar[str] = "FLEURS table"
    is_file: ClassVar[bool] = False

    def recognises(self, source: Any) -> bool:  # noqa: ANN401 - as in Format
        """Look at the first row; see :meth:`Format.recognises`."""
        if is_file(source, ".tsv"):
            return _is_table(source)
        return is_folder(source) and any(_is_table(file) for file in _tables_in(source))

    def read(self, source: Path, options: Options) -> Manifest:
        """Read it; see :meth:`Format.read`."""
        no_columns(source, options)
        files = [source] if is_file(source) else _tables_in(source) if is_folder(source) else []
        if not files:
            raise InvalidInput(f"{source} has no train.tsv, dev.tsv or test.tsv of FLEURS. Name a table.")
        folder = files[0].parent
        root = options.audio_root or folder
        name = folder.resolve().name
        locale = name if _LOCALE.fullmatch(name) else None
        language = None if locale is None else language_of(locale)
        frames = []
        remarks = []
        for file in files:
            rows = list(_rows(file))
            home, known = _home_of(root, file.stem, rows[0][1]["audio"] if rows else "")
            if not known:
                remarks.append(f"The audio of {file.name} is in none of the folders it may be in below {root}.")
            facts = {"split": file.stem, "language": language} | ({"locale": locale} if locale else {})
            named = ((number, {**row, "audio": home + row["audio"], **facts}) for number, row in rows)
            frames.append(collect(named, file, options))
        utterances, references = (pd.concat(tables, ignore_index=True) for tables in zip(*frames, strict=True))
        twice = utterances["utt_id"][utterances["utt_id"].duplicated()]
        if len(twice):
            raise InvalidInput(f"{folder}: {len(twice)} files are in two tables ({named_few(twice)}). Name one table.")
        read = utterances["utt_id"].groupby(utterances["sentence"]).size()
        if several := int((read > 1).sum()):
            remarks.append(
                f"Read more than once: {counted(several, 'sentence')}, whose numbers are in the column sentence."
            )
        return Manifest(
            name if len(files) > 1 else f"{name}-{files[0].stem}",
            utterances,
            references,
            folder=folder,
            audio_root=folder,
            said=", ".join(f"{file.name} ({len(frame)} rows)" for file, (frame, _) in zip(files, frames, strict=True)),
            remarks=tuple(remarks),
        )

    def place_of(self, utterance: Mapping[str, Any], suffix: str) -> str:
        """Place it in the folder of its split; see :meth:`Format.place_of`."""
        return f"audio/{utterance.get('split') or 'test'}/{named_after(utterance, suffix)}"

    def write(self, dataset: Dataset, path: Path) -> None:
        """Write it; see :meth:`Format.write`."""
        texts = texts_of(dataset, _WHAT, _FORMS)
        silent = (utt_id for said in texts.values() for utt_id, text in said.items() if not text)
        refuse(silent, _WHAT, "silence, since an empty field is a text not known", "Leave them out.")
        audio = audio_of(dataset, _WHAT)
        only_columns(dataset, _WHAT, ("split", "sentence", "gender", "locale"))
        table = dataset.utterances
        locale = path.resolve().name
        language = language_of(locale) if _LOCALE.fullmatch(locale) else None
        other = table["language"].notna() & (table["language"] != (language or "")).fillna(value=True)
        remedy = "Name the folder as in en_us, or cmn_hans_cn."
        refuse(table["utt_id"][other], _WHAT, f"another language than the folder's name {locale!r} says", remedy)
        wanted = [name for name in ("split", "sentence", "gender", "duration_s") if name in table]
        files: dict[str, list[str]] = {}
        for place, (utt_id, *values) in enumerate(rows_of(table, "utt_id", *wanted)):
            row = dict(zip(wanted, values, strict=True))
            split = row.get("split") or "test"
            if split not in _SPLITS:
                refuse([utt_id], _WHAT, f"the split {split!r}", f"They are {', '.join(_SPLITS)}.")
            wav = PurePosixPath(audio[utt_id])
            if audio[utt_id] != self.place_of({"utt_id": utt_id, "split": split}, wav.suffix):
                refuse([utt_id], _WHAT, f"audio elsewhere than in audio/{split}, or of another name than the id", COPY)
            sentence, gender = str(row.get("sentence", place) or place), row.get("gender") or "OTHER"
            if not sentence.isdecimal() or gender not in _GENDERS:
                wrong = f"a sentence that is no number, or a gender that is none of {', '.join(_GENDERS)}"
                refuse([utt_id], _WHAT, wrong, "Mend these columns, or drop them.")
            said = [texts[form].get(utt_id, "") for form in _FORMS]
            samples = "" if row["duration_s"] is None else str(round(row["duration_s"] * _RATE))
            fields = [sentence, wav.name, *said, _letters(said[1]), samples, gender]
            files.setdefault(split, []).append("\t".join(fields))
        if stale := [f"{split}.tsv" for split in _SPLITS if split not in files and (path / f"{split}.tsv").exists()]:
            raise InvalidInput(f"{path} holds {named_few(stale)} of another set. Write to a folder of its own.")
        for split, lines in files.items():
            save_lines(path / f"{split}.tsv", lines)


FORMATS: Final = (Fleurs(),)


def _tables_in(folder: Path) -> list[Path]:
    return [file for split in _SPLITS if is_file(file := folder / f"{split}.tsv") and _is_table(file)]


def _is_table(file: Path) -> bool:
    lines = [line.split("\t") for line in first_lines(file)[:2]]
    return any(_fits(fields) for fields in lines)


def _fits(fields: list[str]) -> bool:
    """Whether these are the fields of a row; without its letters, as some exports have it, too."""
    return (
        len(fields) in (6, 7)
        and fields[0].isdecimal()
        and PurePosixPath(fields[1]).suffix != ""
        and re.fullmatch("[0-9]{0,12}", fields[-2]) is not None
        and fields[-1] in _GENDERS
    )


def _rows(file: Path) -> Iterator[tuple[int, Row]]:
    for number, line in text_lines(file):
        fields = line.split("\t")
        if not line or (number == 1 and fields[:2] == ["id", "file_name"]):
            continue
        if not _fits(fields):
            raise InvalidInput(
                f"{file}, line {number}: wanted are 7 fields with tabs between them (sentence, file, text, text "
                f"normalised, its letters, samples, {' or '.join(_GENDERS)}), not {len(fields)} that begin with "
                f"{line[:60]!r}. Mend the line, or leave it out."
            )
        samples = int(fields[-2] or 0)
        yield (
            number,
            {
                "utt_id": PurePosixPath(fields[1]).stem,
                "audio": fields[1],
                "duration_s": samples / _RATE if samples else None,
                "sentence": fields[0],
                "gender": fields[-1],
                "references": [
                    {"text": text, "form": form} for form, text in zip(_FORMS, fields[2:4], strict=True) if text
                ],
            },
        )


def _home_of(root: Path, split: str, first: str) -> tuple[str, bool]:
    """Give the folder that the audio of a split lies in, as seen from the root, and whether it was seen there."""
    for home in (f"audio/{split}/", f"{split}/", "audio/", ""):
        if is_file(root / f"{home}{first}"):
            return home, True
    return f"audio/{split}/", False


def _letters(text: str) -> str:
    """Spell a text as FLEURS does: letters with blanks between them, and a bar after each word."""
    return " ".join([*"|".join(text.split()), "|"]) if text else ""
