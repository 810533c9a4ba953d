"""LibriSpeech (SLR12) and Multilingual LibriSpeech (SLR94): read books, in trees of speakers and chapters.

Facts from the README files that come with both.
"""

from __future__ import annotations

import re
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar, Final

from asrlab.data.manifests.base import Format, Manifest, Options, Row, collect, is_file, is_folder
from asrlab.data.manifests.files import (
    AUDIO_SUFFIXES,
    audio_below,
    by_stem,
    counted,
    first_lines,
    folders_in,
    no_columns,
    text_lines,
    unmatched,
)
from asrlab.data.manifests.writing import (
    COPY,
    OUT,
    TABLES,
    audio_of,
    one_language,
    only_columns,
    refuse,
    save_lines,
    texts_of,
)
from asrlab.data.rows import rows_of
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from asrlab.data.dataset import Dataset

_SPLIT: Final = re.compile(r"(?:train|dev|test)(?:-[a-z0-9-]+)?")
_MLS_SPLITS: Final = ("train", "dev", "test")
#: What the folders of Multilingual LibriSpeech are named after.
_MLS_LANGUAGES: Final = {
    "english": "en", "german": "de", "dutch": "nl", "french": "fr", "spanish": "es", "italian": "it",
    "portuguese": "pt", "polish": "pl",
}  # fmt: skip


class _Books(Format):
    """What the two have in common: ids that say speaker and chapter, and folders that say them again."""

    is_file: ClassVar[bool] = False
    _id: ClassVar[re.Pattern[str]]  # its groups: chapter, speaker, number of the chapter or book
    _example: ClassVar[str]
    _what: ClassVar[str]
    _home: ClassVar[str]  # folder of the speakers, in a split

    def place_of(self, utterance: Mapping[str, Any], suffix: str) -> str:
        """Place it by its id and split; see :meth:`Format.place_of`."""
        found = self._id.fullmatch(utterance["utt_id"])
        if found is None:
            raise InvalidInput(
                f"{utterance['utt_id']!r} is no id of a {self.title}: wanted is one such as {self._example}. Rename it."
            )
        split = utterance.get("split")
        return f"{f'{split}/' if split else ''}{self._home}{found[2]}/{found[3]}/{found[0]}{suffix}"

    def _rows(
        self, audio: Mapping[str, str], texts: Mapping[str, str], split: str | None, genders: Mapping[str, str]
    ) -> Iterator[Row]:
        for utt_id in sorted(audio):
            found = self._id.fullmatch(utt_id)
            if found is None:
                continue
            row: Row = {"utt_id": utt_id, "audio": audio[utt_id], "speaker": found[2], "recording": found[1]}
            if split is not None:
                row["split"] = split
            if genders:
                row["gender"] = genders.get(found[2])
            if utt_id in texts:
                row["references"] = [{"text": texts[utt_id], "form": "spoken"}]
            yield row

    def _texts(self, file: Path, separator: str, chapter: str | None = None) -> dict[str, str]:
        texts: dict[str, str] = {}
        for number, line in text_lines(file):
            if not line.strip():
                continue
            utt_id, _, text = line.partition(separator)
            found = self._id.fullmatch(utt_id)
            if found is None or chapter not in (None, found[1]):
                raise InvalidInput(
                    f"{file}, line {number}: the line begins with {utt_id[:60]!r}, and not with an id such as "
                    f"{self._example if chapter is None else f'{chapter}-0000'}. Mend it."
                )
            if utt_id in texts:
                raise InvalidInput(f"{file}, line {number}: the id {utt_id} was there before. Keep one of the lines.")
            texts[utt_id] = text.strip()
        return texts

    def _manifest(
        self, source: Path, rows: list[Row], texts: Mapping[str, str], root: Path, language: str | None
    ) -> Manifest:
        if not rows:
            raise InvalidInput(f"{root} has no audio where a {self.title} has it. If it is elsewhere, name audio_root.")
        utterances, references = collect(enumerate(rows, 1), source, Options(language=language), line="recording")
        return Manifest(
            source.resolve().name,
            utterances,
            references,
            folder=source,
            audio_root=source,
            said=f"{counted(len(texts), 'line')} of transcripts",
            remarks=tuple(unmatched(texts, [row["utt_id"] for row in rows], "the transcripts")),
        )

    def _placed(
        self, dataset: Dataset, path: Path, splits: re.Pattern[str]
    ) -> Iterator[tuple[re.Match[str], PurePosixPath]]:
        """Give the id of each utterance and the path of its audio, if it lies where it must."""
        audio = audio_of(dataset, self._what)
        only_columns(dataset, self._what, ("split", "gender"), OUT)
        table = dataset.utterances.sort_values("utt_id", kind="stable")
        for utt_id, split in rows_of(table, "utt_id", "split"):
            if split is not None and not splits.fullmatch(split):
                refuse([utt_id], self._what, f"the split {split!r}", "Name it train, dev or test.")
            named = PurePosixPath(audio[utt_id])
            place = self.place_of({"utt_id": utt_id, "split": split}, named.suffix)
            shorter = self.place_of({"utt_id": utt_id}, named.suffix) if split == path.resolve().name else place
            if str(named) not in (place, shorter):
                refuse([utt_id], self._what, f"audio elsewhere than in {place}", COPY)
            found = self._id.fullmatch(utt_id)
            if found is not None:  # which place_of has seen to
                yield found, named


class LibriSpeech(_Books):
    """A LibriSpeech tree: ``[split/]speaker/chapter/speaker-chapter.trans.txt`` with the FLAC files beside it.

    A folder of several splits gives the column ``split``, and so does one split that is named as theirs are. Speaker
    and chapter are those of the id: ``1272-128104-0000`` is of speaker 1272 and recording ``1272-128104``. Texts are in
    capitals, without punctuation, numbers in words: of the form ``spoken``. ``SPEAKERS.TXT``, in the folder or in one
    above, gives the column ``gender``. The language is English if none is given. Other audio than FLAC is taken too.

    Written are the transcripts and, where there are genders, ``SPEAKERS.TXT``. Audio, texts of that form, speakers,
    recordings, splits and genders are kept; lengths and channels are not. Terms, segments, tags and further columns are
    refused.
    """

    name: ClassVar[str] = "librispeech"
    title: ClassVar[str] = "LibriSpeech tree"
    _what = "A LibriSpeech tree"
    _id = re.compile(r"((\d+)-(\d+))-\d+")
    _example = "1272-128104-0000"
    _home = ""

    def recognises(self, source: Any) -> bool:  # noqa: ANN401 - as in Format
        """Look for a transcript where one must lie; see :meth:`Format.recognises`."""
        try:
            return is_folder(source) and any(_is_split(folder) for _, folder in _candidates(source))
        except (OSError, ValueError, InvalidInput):
            return False

    def read(self, source: Path, options: Options) -> Manifest:
        """Read it; see :meth:`Format.read`."""
        no_columns(source, options)
        splits = [pair for pair in _candidates(source) if _is_split(pair[1])] if is_folder(source) else []
        if not splits:
            raise InvalidInput(
                f"{source} has no transcripts where LibriSpeech has them: speaker/chapter/speaker-chapter.trans.txt. "
                "Name the folder LibriSpeech, or one of its splits."
            )
        root = options.audio_root or source
        above = (source, *(folder.parent for _, folder in splits))
        genders = next((found for folder in above if (found := _genders(folder / "SPEAKERS.TXT"))), {})
        rows: list[Row] = []
        texts: dict[str, str] = {}
        for split, folder in splits:
            for speaker in folders_in(folder, str.isdecimal):
                for chapter in folders_in(speaker, str.isdecimal):
                    name = f"{speaker.name}-{chapter.name}"
                    file = chapter / f"{name}.trans.txt"
                    said = self._texts(file, " ", name) if is_file(file) else {}
                    audio = _audio_in(root.joinpath(*chapter.relative_to(source).parts), root)
                    texts |= said
                    rows += self._rows(audio, said, split, genders)
        return self._manifest(source, rows, texts, root, options.language or "en")

    def write(self, dataset: Dataset, path: Path) -> None:
        """Write it; see :meth:`Format.write`."""
        said = texts_of(dataset, self._what, ("spoken",))["spoken"]
        one_language(dataset, self._what, "en", TABLES)
        files: dict[Path, list[str]] = {}
        for found, audio in self._placed(dataset, path, _SPLIT):
            if found[0] in said:
                file = path / audio.parent / f"{found[1]}.trans.txt"
                files.setdefault(file, []).append(f"{found[0]} {said[found[0]]}".rstrip(" "))
        _save(files)
        if "gender" in dataset.utterances:
            known = dataset.utterances[["speaker", "gender"]].dropna().drop_duplicates().sort_values("speaker")
            lines = [f"{speaker} | {gender} | | | " for speaker, gender in known.itertuples(index=False)]
            save_lines(path / "SPEAKERS.TXT", ["; ID | SEX | SUBSET | MINUTES | NAME", *lines])


class Mls(_Books):
    """A Multilingual LibriSpeech tree: ``split/transcripts.txt`` and ``split/audio/speaker/book/speaker_book_n.flac``.

    Also one split of it, and Opus in place of FLAC. The language is that of the folder's name (``mls_german_opus``) if
    none is given. The recording is speaker and book; ``metainfo.txt`` gives the column ``gender``. Texts are in small
    letters, without punctuation, numbers in words: of the form ``spoken``.

    Written are the transcripts, in folders whose name says the language. Audio, texts of that form, speakers,
    recordings and splits are kept; lengths, channels and genders are not. Terms, segments, tags and further columns are
    refused.
    """

    name: ClassVar[str] = "mls"
    title: ClassVar[str] = "Multilingual LibriSpeech tree"
    _what = "A Multilingual LibriSpeech tree"
    _id = re.compile(r"((\d+)_(\d+))_\d+")
    _example = "10214_10108_000000"
    _home = "audio/"

    def recognises(self, source: Any) -> bool:  # noqa: ANN401 - as in Format
        """Look for its transcripts; see :meth:`Format.recognises`."""
        return is_folder(source) and bool(self._splits(source))

    def read(self, source: Path, options: Options) -> Manifest:
        """Read it; see :meth:`Format.read`."""
        no_columns(source, options)
        splits = self._splits(source) if is_folder(source) else []
        if not splits:
            raise InvalidInput(
                f"{source} has no transcripts.txt with ids such as {self._example} beside a folder audio, nor have the "
                "folders train, dev and test in it. Name the folder of a language, or one of its splits."
            )
        root = options.audio_root or source
        home = source if splits[0][1] != source else source.resolve().parent
        genders = _genders(home / "metainfo.txt")
        rows: list[Row] = []
        texts: dict[str, str] = {}
        for split, folder in splits:
            said = self._texts(folder / "transcripts.txt", "\t")
            audio = audio_below(root.joinpath(*folder.relative_to(source).parts) / "audio", root)
            texts |= said
            rows += self._rows(audio, said, split, genders)
        return self._manifest(source, rows, texts, root, options.language or _mls_language(home))

    def write(self, dataset: Dataset, path: Path) -> None:
        """Write it; see :meth:`Format.write`."""
        said = texts_of(dataset, self._what, ("spoken",))["spoken"]
        language = _mls_language(path)
        if language is None:
            known = ", ".join(f"mls_{name}" for name in _MLS_LANGUAGES)
            raise InvalidInput(f"{path.name!r} says no language. Name the folder after it, as they do: {known}.")
        one_language(dataset, self._what, language, "Name the folder after their language.")
        if "split" not in dataset.utterances or dataset.utterances["split"].isna().any():
            raise InvalidInput(f"Each utterance of a {self.title} is in a split. Fill the column split.")
        files: dict[Path, list[str]] = {}
        for found, audio in self._placed(dataset, path, re.compile("|".join(_MLS_SPLITS))):
            lines = files.setdefault(path / audio.parents[3] / "transcripts.txt", [])
            if found[0] in said:
                lines.append(f"{found[0]}\t{said[found[0]]}")
        _save(files)

    def _splits(self, source: Path) -> list[tuple[str | None, Path]]:
        own = source.resolve().name
        places = [(own if own in _MLS_SPLITS else None, source), *((name, source / name) for name in _MLS_SPLITS)]
        found = [(name, folder) for name, folder in places if is_folder(folder, "transcripts.txt")]
        starts = {folder: next(iter(first_lines(folder / "transcripts.txt")), "") for _, folder in found}
        return [pair for pair in found if self._id.fullmatch(starts[pair[1]].partition("\t")[0])]


FORMATS: Final = (LibriSpeech(), Mls())


def _candidates(source: Path) -> list[tuple[str | None, Path]]:
    """Give what may be splits: the folder itself, those in it, and those in a folder LibriSpeech."""
    name = source.resolve().name
    inner = source / "LibriSpeech"
    home = inner if is_folder(inner) else source
    own = (name if _SPLIT.fullmatch(name) else None, source)
    return [own, *((folder.name, folder) for folder in folders_in(home, _SPLIT.fullmatch))]


def _is_split(folder: Path) -> bool:
    """Whether there is a transcript in the first chapters of the first speakers."""
    for speaker in islice(folders_in(folder, str.isdecimal), 3):
        for chapter in islice(folders_in(speaker, str.isdecimal), 3):
            if is_file(chapter / f"{speaker.name}-{chapter.name}.trans.txt"):
                return True
    return False


def _audio_in(chapter: Path, root: Path) -> dict[str, str]:
    if not is_folder(chapter):
        return {}
    return by_stem((file for file in chapter.iterdir() if file.suffix.lower() in AUDIO_SUFFIXES), root, chapter)


def _genders(file: Path) -> dict[str, str]:
    """Read lines of speaker, gender and more, parted by bars; of a file that is not there, none."""
    if not is_file(file):
        return {}
    pairs = (line.split("|")[:2] for _, line in text_lines(file) if "|" in line)
    listed = ((speaker.strip(), gender.strip()) for speaker, gender in pairs)
    return {speaker: gender for speaker, gender in listed if speaker.isdecimal() and gender}


def _mls_language(folder: Path) -> str | None:
    corpus, _, rest = folder.resolve().name.lower().partition("_")
    return _MLS_LANGUAGES.get(rest.partition("_")[0]) if corpus == "mls" else None


def _save(files: Mapping[Path, Iterable[str]]) -> None:
    for file, lines in files.items():
        save_lines(file, lines)
