"""A folder of audio files, with what is said in each beside it."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar, Final

from asrlab.data.manifests.base import (
    Format,
    Manifest,
    Options,
    Row,
    collect,
    is_file,
    is_file_name,
    is_folder,
    to_table,
)
from asrlab.data.manifests.files import AUDIO_SUFFIXES, counted, files_below, named_few, no_columns, text_lines
from asrlab.data.manifests.subtitles import read_segments
from asrlab.data.manifests.writing import audio_of, only_columns, refuse, save_lines, texts_of
from asrlab.data.places import is_here
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from asrlab.data.dataset import Dataset

#: Ending of a file of text -> form of the reference; of those of one form the first that is there counts.
_TEXTS: Final[Mapping[str, str]] = {
    ".txt": "unstated", ".lab": "unstated", ".normalized.txt": "spoken", ".original.txt": "written",
}  # fmt: skip
_WRITTEN: Final = {"unstated": ".txt", "spoken": ".normalized.txt", "written": ".original.txt"}
_CUES: Final = (".srt", ".vtt")
_LOOKED_AT: Final = 2_000  # files, to recognise a folder
_WHAT: Final = "A folder of audio with text beside it"


class Sidecars(Format):
    """A folder of audio files, and of those in it, each with its text beside it: ``talk.wav`` and ``talk.txt``.

    The utt_id is the path without its ending, ``monday/talk``; with it, where files differ by it alone. Text is taken
    from ``.txt`` or ``.lab`` (of the form ``unstated``), ``.normalized.txt`` (``spoken``) and ``.original.txt``
    (``written``), lines being joined by a blank; ``talk.wav.txt`` goes before ``talk.txt``. An empty file is silence.
    Of recordings without text, subtitles (``.srt``, ``.vtt``) become segments. Hidden files, and links that lead
    elsewhere, are left out; links to folders are not followed.

    Written are the texts beside the audio, so that no other audio may lie in the folder, and no other text. Audio and
    texts are kept, where ids and paths are alike. Languages, speakers, recordings and lengths are not; name the
    language again to read it. Terms, segments, tags and further columns are refused.
    """

    name: ClassVar[str] = "folder"
    title: ClassVar[str] = "folder of audio, with text beside it"
    general: ClassVar[bool] = True
    is_file: ClassVar[bool] = False

    def recognises(self, source: Any) -> bool:  # noqa: ANN401 - as in Format
        """Look for an audio file; see :meth:`Format.recognises`."""
        if not is_folder(source):
            return False
        try:
            return _holds_audio(source)
        except (OSError, ValueError):
            return False

    def read(self, source: Path, options: Options) -> Manifest:
        """Read it; see :meth:`Format.read`."""
        no_columns(source, options)
        if not is_folder(source):
            raise InvalidInput(f"{source} is no folder. Name the one that the audio lies in.")
        found = _Folder(source)
        if not found.audio:
            raise InvalidInput(f"There is no audio file in {source}. Check the path.")
        rows: list[Row] = []
        segments: list[Row] = []
        beside: Counter[str] = Counter()
        for utt_id, audio in found.ids().items():
            row: Row = {"utt_id": utt_id, "audio": audio}
            references = list(found.references(audio))
            cues = found.beside(audio, _CUES)
            if references:
                found.unread += [] if cues is None else [cues]
                row["references"] = references
                beside["with text beside it"] += 1
            elif cues is not None:
                segments += read_segments(source / cues, utt_id)
                beside["with subtitles beside it"] += 1
            rows.append(row)
        utterances, said = collect(enumerate(rows, 1), source, options, line="recording")
        return Manifest(
            source.resolve().name,
            utterances,
            said,
            segments=to_table(segments, "segments"),
            folder=source,
            audio_root=source,
            said=", ".join([counted(len(rows), "audio file"), *(f"{count} {what}" for what, count in beside.items())]),
            remarks=found.remarks(len(rows) - beside.total()),
        )

    def place_of(self, utterance: Mapping[str, Any], suffix: str) -> str:
        """Place it by its id; see :meth:`Format.place_of`."""
        utt_id = utterance["utt_id"]
        path = PurePosixPath(utt_id)
        plain = all(is_file_name(part) and not part.startswith(".") for part in path.parts)
        if str(path) != utt_id or not path.parts or not plain:
            refuse([utt_id], _WHAT, "an id that makes no path", "Rename it: letters, digits, -, _ and /.")
        return utt_id if path.suffix.lower() == suffix else f"{utt_id}{suffix}"

    def write(self, dataset: Dataset, path: Path) -> None:
        """Write it; see :meth:`Format.write`."""
        texts = texts_of(dataset, _WHAT, tuple(_WRITTEN))
        audio = audio_of(dataset, _WHAT)
        only_columns(dataset, _WHAT)
        ids = _ids(sorted(audio.values()))
        for utt_id, named in audio.items():
            if ids.get(utt_id) != named:
                remedy = "Write the audio too: write(..., copy_audio=True); or rename it."
                refuse([utt_id], _WHAT, f"audio ({named}) whose path without its ending is not the id", remedy)
        there = _Folder(path)
        if others := sorted(set(there.audio) - set(audio.values())):
            raise InvalidInput(f"{path} holds other audio ({named_few(others)}). Write to a folder of its own.")
        alone = Counter(str(PurePosixPath(named).with_suffix("")) for named in audio.values())
        files: dict[Path, str] = {}
        for utt_id, named in audio.items():
            stem = str(PurePosixPath(named).with_suffix(""))
            for form, said in texts.items():
                if utt_id in said:
                    files[path / f"{stem if alone[stem] == 1 else named}{_WRITTEN[form]}"] = said[utt_id]
        beside = (there.beside(named, (suffix,)) for named in audio.values() for suffix in (*_TEXTS, *_CUES))
        if stale := sorted({found for found in beside if found is not None and path / found not in files}):
            raise InvalidInput(f"{path} holds texts of another set ({named_few(stale)}). Write to a folder of its own.")
        for file, text in files.items():
            save_lines(file, [text] if text else [])


FORMATS: Final = (Sidecars(),)


class _Folder:
    """The audio files of a folder and what lies beside them, by their paths in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.audio: list[str] = []
        self.left_out: list[str] = []
        self._texts: dict[str, str] = {}  # as they would be in small letters -> as they are
        suffixes = AUDIO_SUFFIXES | {f".{suffix.rpartition('.')[2]}" for suffix in (*_TEXTS, *_CUES)}
        try:
            for file in files_below(folder, suffixes) if is_folder(folder) else ():
                path = file.relative_to(folder).as_posix()
                if file.suffix.lower() not in AUDIO_SUFFIXES:
                    self._texts[str(PurePosixPath(path).with_suffix(file.suffix.lower()))] = path
                elif file.name.startswith(".") or _leads_out(file, folder):
                    self.left_out.append(path)
                else:
                    self.audio.append(path)
        except OSError as error:
            raise InvalidInput(f"{folder} cannot be looked into ({error.strerror}). Check the path.") from error
        self.several: list[str] = []
        self.unread: list[str] = []  # subtitles beside a text

    def ids(self) -> dict[str, str]:
        """Give each audio file an id."""
        return dict(sorted(_ids(self.audio).items()))

    def beside(self, audio: str, suffixes: tuple[str, ...]) -> str | None:
        """Find the file beside an audio file that has one of some endings."""
        stem = str(PurePosixPath(audio).with_suffix(""))
        names = (f"{name}{suffix}" for suffix in suffixes for name in (audio, stem))
        return next((self._texts[name] for name in names if name in self._texts), None)

    def references(self, audio: str) -> Iterator[Row]:
        """Read the texts beside an audio file, one a form."""
        for form in dict.fromkeys(_TEXTS.values()):
            suffixes = tuple(suffix for suffix, other in _TEXTS.items() if other == form)
            found = [name for suffix in suffixes if (name := self.beside(audio, (suffix,))) is not None]
            if len(found) > 1:
                self.several.append(audio)
            if found:
                file = self.folder / found[0]
                if _leads_out(file, self.folder):
                    raise InvalidInput(f"{file} is a link that leads out of {self.folder}. Remove it.")
                lines = (line.strip() for _, line in text_lines(file))
                yield {"text": " ".join(line for line in lines if line), "form": form}

    def remarks(self, without: int) -> tuple[str, ...]:
        """Say what was left out."""
        remarks = []
        if without:
            remarks.append(f"No reference: {counted(without, 'audio file')} with neither text nor subtitles beside.")
        if self.left_out:
            hidden = counted(len(self.left_out), "file")
            remarks.append(f"Left out: {hidden}, hidden or links that lead elsewhere ({named_few(self.left_out)}).")
        if self.several:
            both = counted(len(self.several), "audio file")
            remarks.append(f".txt was read and .lab was not, beside {both} with both ({named_few(self.several)}).")
        if self.unread:
            subtitles = counted(len(self.unread), "file")
            remarks.append(f"Not read, for there is text too: {subtitles} of subtitles ({named_few(self.unread)}).")
        return tuple(remarks)


def _ids(audio: list[str]) -> dict[str, str]:
    """Name files by their paths without their endings, or with them where those alone tell them apart."""
    stems = [str(PurePosixPath(path).with_suffix("")) for path in audio]
    shared = Counter(stems)
    return {stem if shared[stem] == 1 else path: path for stem, path in zip(stems, audio, strict=True)}


def _leads_out(file: Path, folder: Path) -> bool:
    """Whether a file is a link to something outside the folder."""
    return is_here(file) and file.is_symlink() and not file.resolve().is_relative_to(folder.resolve())


def _holds_audio(folder: Path) -> bool:
    """Whether there is an audio file among the first files of a folder, or of those in it."""
    waiting, looked_at = [folder], 0
    while waiting and looked_at < _LOOKED_AT:
        for path in waiting.pop(0).iterdir():
            looked_at += 1
            if path.name.startswith("."):
                continue
            if path.suffix.lower() in AUDIO_SUFFIXES and is_file(path):
                return True
            if is_folder(path) and not (is_here(path) and path.is_symlink()):
                waiting.append(path)
    return False
