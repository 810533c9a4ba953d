"""AISHELL-1, -2 and -3 (SLR33, aishelltech.com, SLR93): Mandarin, in trees that say it differently.

Facts from the README files of the corpora and from Kaldi's recipes for them.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar, Final

from asrlab.data.manifests.base import Format, Manifest, Options, Row, collect, is_file, is_folder
from asrlab.data.manifests.files import audio_below, folders_in, named_few, no_columns, text_lines, unmatched
from asrlab.data.manifests.kaldi import plain_path, read_table
from asrlab.data.manifests.writing import (
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
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from asrlab.data.dataset import Dataset

    #: utt_id -> path of its audio; utt_id -> columns of its line; remarks.
    Found = tuple[dict[str, str], dict[str, Row], list[str]]

_TRANSCRIPT: Final = "aishell_transcript_v0.8.txt"
_SPLITS: Final = ("train", "dev", "test")
_SPEAKER: Final = re.compile(r"(SSB\d{4})\d{4}|\w*?([A-Z]\d{4})W\d{4}")
_BETWEEN_WORDS: Final = re.compile(r"(?<![A-Za-z0-9']) +| +(?![A-Za-z0-9'])")
_ARCHIVES: Final = (".tar.gz", ".tgz", ".tar", ".zip")
_WHAT: Final = "An AISHELL tree"


class Aishell(Format):
    """A tree of AISHELL-1, AISHELL-2 or AISHELL-3.

    - AISHELL-1: ``transcript/aishell_transcript_v0.8.txt`` and ``wav/[split/]S0002/BAC009S0002W0122.wav``; also the
      folder that ``data_aishell`` lies in.
    - AISHELL-2: ``trans.txt`` and ``wav.scp``, paths being relative to the folder.
    - AISHELL-3: ``train/content.txt`` and ``train/wav/SSB0005/SSB00050001.wav``, the same for ``test``; also one of the
      two. What is read there of each character goes into the column ``pinyin``, and ``spk-info.txt`` into ``gender``.

    Transcripts are cut into words, or characters. That is no part of how Chinese is written, so blanks are taken out,
    but for those between words in Latin letters. Texts have no punctuation and numbers in words: they are of the form
    ``spoken``. The speaker is told from the id, else from the folder; a folder train, dev or test is the ``split``. The
    language is ``zh`` if none is given.

    Written is an AISHELL-1 transcript where the audio lies as there, else ``trans.txt`` and ``wav.scp``. Audio, texts
    of that form, and what ids and folders say are kept; lengths, channels, ``pinyin`` and ``gender`` are not. Terms,
    segments, tags and further columns are refused.
    """

    name: ClassVar[str] = "aishell"
    title: ClassVar[str] = "AISHELL tree"
    is_file: ClassVar[bool] = False

    def recognises(self, source: Any) -> bool:  # noqa: ANN401 - as in Format
        """Look for a transcript; see :meth:`Format.recognises`."""
        return is_folder(source) and _layout(source) is not None

    def read(self, source: Path, options: Options) -> Manifest:
        """Read it; see :meth:`Format.read`."""
        no_columns(source, options)
        layout = _layout(source) if is_folder(source) else None
        if layout is None:
            raise InvalidInput(
                f"{source} has none of AISHELL's transcripts: transcript/{_TRANSCRIPT}, trans.txt with wav.scp, or "
                "train/content.txt. Name the folder that one lies in."
            )
        file, reader = layout
        root = options.audio_root or source
        audio, said, remarks = reader(source, root)
        if not audio:
            raise InvalidInput(f"{root} has no audio for {file}. Unpack it; or name audio_root.")
        genders = _genders((source / "spk-info.txt", source.parent / "spk-info.txt"))
        splits = {utt_id: _split(path) for utt_id, path in audio.items()}
        rows = []
        for utt_id in sorted(audio):
            speaker = _speaker(utt_id, audio[utt_id])
            row: Row = {"utt_id": utt_id, "audio": audio[utt_id], "speaker": speaker, **said.get(utt_id, {})}
            if any(splits.values()):
                row["split"] = splits[utt_id]
            if genders:
                row["gender"] = genders.get(speaker or "")
            rows.append(row)
        language = Options(language=options.language or "zh")
        utterances, references = collect(enumerate(rows, 1), source, language, line="recording")
        return Manifest(
            source.resolve().name,
            utterances,
            references,
            folder=source,
            audio_root=source,
            said=f"{file} ({len(said)} lines)",
            remarks=(*unmatched(said, audio, file), *remarks),
        )

    def place_of(self, utterance: Mapping[str, Any], suffix: str) -> str:
        """Place it as AISHELL-1 does; see :meth:`Format.place_of`."""
        utt_id = utterance["utt_id"]
        if not re.fullmatch(r"[\w.-]+", utt_id):
            refuse([utt_id], _WHAT, "ids of other signs than letters, digits, - and _", "Rename it.")
        split = utterance.get("split")
        speaker = _speaker(utt_id, "") or utterance.get("speaker") or "S0000"
        return f"wav/{f'{split}/' if split in _SPLITS else ''}{speaker}/{utt_id}{suffix}"

    def write(self, dataset: Dataset, path: Path) -> None:
        """Write it; see :meth:`Format.write`."""
        texts = texts_of(dataset, _WHAT, ("spoken",))["spoken"]
        audio = audio_of(dataset, _WHAT)
        only_columns(dataset, _WHAT, ("split", "gender", "pinyin"), OUT)
        one_language(dataset, _WHAT, "zh", TABLES)
        refuse((i for i in audio if re.search(r"\s", i)), _WHAT, "ids with blanks", "Rename them.")
        spaced = (utt_id for utt_id, text in texts.items() if _joined(text) != text)
        refuse(spaced, _WHAT, "texts with blanks that would be taken for those between words", "Take them out.")
        told = rows_of(dataset.utterances, "utt_id", "speaker")
        stray = (utt_id for utt_id, who in told if who not in (None, _speaker(utt_id, audio[utt_id])))
        refuse(stray, _WHAT, "another speaker than id and folder say", TABLES)
        first = all(re.fullmatch(r"wav/((train|dev|test)/)?\w+/[^/]+", named) and PurePosixPath(named).stem == utt_id
                    for utt_id, named in audio.items())  # fmt: skip
        other = [path / "trans.txt", path / "wav.scp"] if first else [path / "transcript" / _TRANSCRIPT]
        if stale := [one.name for one in (*other, path / "train" / "content.txt") if one.exists()]:
            raise InvalidInput(f"{path} holds {named_few(stale)} of another set. Write to a folder of its own.")
        separator = " " if first else "\t"
        lines = [f"{utt_id}{separator}{texts[utt_id]}".rstrip(separator) for utt_id in sorted(texts)]
        if first:
            save_lines(path / "transcript" / _TRANSCRIPT, lines)
            return
        for utt_id, named in audio.items():
            try:
                plain_path(path / "wav.scp", 0, named)
            except InvalidInput:
                refuse(
                    [utt_id], _WHAT, f"the file {named!r}, whose name would be misread in wav.scp", "Rename the file."
                )
        save_lines(path / "trans.txt", lines)
        save_lines(path / "wav.scp", (f"{utt_id}\t{named}" for utt_id, named in sorted(audio.items())))


FORMATS: Final = (Aishell(),)


def _layout(source: Path) -> tuple[str, Callable[[Path, Path], Found]] | None:
    """Tell which of the corpora it is, by its transcript, and how that is read."""
    for home in ("", "data_aishell/"):
        if is_file(source / f"{home}transcript/{_TRANSCRIPT}"):
            return f"{home}transcript/{_TRANSCRIPT}", partial(_first, home)
    if is_folder(source, "trans.txt", "wav.scp"):
        return "trans.txt", _second
    for home in ("", "train/", "test/"):
        if is_file(source / f"{home}content.txt") and is_folder(source / f"{home}wav"):
            return "content.txt", _third
    return None


def _first(home: str, source: Path, root: Path) -> Found:
    file = source / f"{home}transcript/{_TRANSCRIPT}"
    texts = {utt_id: _spoken(_joined(text)) for utt_id, (_, text) in read_table(file).items()}
    wavs = root / f"{home}wav"
    audio = audio_below(wavs, root) if is_folder(wavs) else audio_below(root, root)
    return audio, texts, _packed(wavs if is_folder(wavs) else root)


def _second(source: Path, root: Path) -> Found:
    del root  # wav.scp says where the audio lies
    texts = {utt_id: _spoken(_joined(text)) for utt_id, (_, text) in read_table(source / "trans.txt").items()}
    paths = read_table(source / "wav.scp")
    return {utt_id: plain_path(source / "wav.scp", *said) for utt_id, said in paths.items()}, texts, []


def _third(source: Path, root: Path) -> Found:
    audio: dict[str, str] = {}
    said: dict[str, Row] = {}
    remarks: list[str] = []
    for home in ("", "train/", "test/"):
        if is_file(source / f"{home}content.txt"):
            said |= _characters(source / f"{home}content.txt")
            audio |= audio_below(root / f"{home}wav", root)
            remarks += _packed(root / f"{home}wav")
    return audio, said, remarks


def _characters(file: Path) -> dict[str, Row]:
    """Read lines of a file's name and its characters, each with its pinyin: ``SSB00050001.wav<TAB>广 guang3``."""
    said: dict[str, Row] = {}
    for number, line in text_lines(file):
        if not line.strip():
            continue
        name, *rest = line.split(maxsplit=1)
        signs = rest[0].split() if rest else []
        utt_id = name.removesuffix(".wav")
        if len(signs) % 2 or utt_id in said:
            what = f"the id {utt_id} was there before" if utt_id in said else "not every character has its pinyin"
            raise InvalidInput(f"{file}, line {number}: {what}. Mend the line, or leave it out.")
        said[utt_id] = {"pinyin": " ".join(signs[1::2]), **_spoken("".join(signs[::2]))}
    return said


def _spoken(text: str) -> Row:
    return {"references": [{"text": text, "form": "spoken"}]}


def _joined(text: str) -> str:
    """Take out the blanks between words, but for those between words in Latin letters."""
    return _BETWEEN_WORDS.sub("", text.replace("\t", " "))


def _speaker(utt_id: str, audio: str) -> str | None:
    found = _SPEAKER.fullmatch(utt_id)
    return (found[1] or found[2]) if found else PurePosixPath(audio).parent.name or None


def _split(audio: str) -> str | None:
    return next((part for part in reversed(PurePosixPath(audio).parts[:-1]) if part in _SPLITS), None)


def _packed(folder: Path) -> list[str]:
    """Remark speakers whose archives have not been unpacked."""
    if not is_folder(folder):
        return []
    names = {one.name for one in folder.iterdir() if one.name.lower().endswith(_ARCHIVES)}
    unpacked = {one.name for home in (folder, *folders_in(folder)) for one in folders_in(home)}
    packed = sorted(name for name in names if name.partition(".")[0] not in unpacked)
    if not packed:
        return []
    return [f"{len(packed)} archives are not unpacked, and what is in them was left out ({named_few(packed)})."]


def _genders(files: tuple[Path, ...]) -> dict[str, str]:
    """Read ``spk-info.txt``: speaker, age group, gender and accent, with comments."""
    file = next((file for file in files if is_file(file)), None)
    if file is None:
        return {}
    listed = (line.split("\t") for _, line in text_lines(file) if line.strip() and not line.startswith("#"))
    return {fields[0].strip(): fields[2].strip() for fields in listed if len(fields) > 2}
