"""The folder of a dataset, as its build script writes and checks it."""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import soundfile
from speaking import PEAK, RATE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Row = dict[str, Any]

#: What a compact recording is rounded to: 12 of its 16 bits are used. FLAC does not store bits that are all zero.
COMPACT_STEP: Final = 16


def audio_path(row: Row) -> str:
    """Name the recording of a sentence, relative to the dataset."""
    return f"audio/{row['language']}/{row['utt_id']}.flac"


def write_audio(path: Path, samples: NDArray[np.floating[Any]], *, compact: bool = False) -> None:
    """Write 16-bit FLAC at 16 kHz.

    Parameters
    ----------
    path : Path
        The file.
    samples : ndarray
        Of shape (samples,) or (samples, channels), full scale at 1.
    compact : bool
        Round to 12 bits, which FLAC stores in little more than half the space; the noise of that is at -77 dBFS.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if compact:
        samples = (np.round(samples * 2**15 / COMPACT_STEP) * COMPACT_STEP).astype(np.int16)
    soundfile.write(path, samples, RATE, subtype="PCM_16", compression_level=1.0)


@dataclass(frozen=True)
class Folder:
    """A dataset's folder, as its build script reads and writes it."""

    path: Path

    def read_jsonl(self, name: str) -> list[Row]:
        """Read one JSON object a line."""
        return [json.loads(line) for line in (self.path / name).read_text(encoding="utf-8").splitlines()]

    def write_jsonl(self, name: str, rows: Iterable[Row]) -> None:
        """Write one JSON object a line."""
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        self.write_text(name, "".join(lines))

    def write_text(self, name: str, text: str) -> None:
        """Write UTF-8 with LF."""
        (self.path / name).write_text(text, encoding="utf-8", newline="\n")

    def duration_s(self, audio: str) -> float:
        """Measure a recording, in seconds."""
        return float(soundfile.info(self.path / audio).frames / RATE)

    def write_sentences(self, sentences: list[Row], distractors: dict[str, tuple[str, ...]]) -> None:
        """Write every table of a set of read sentences; the recordings must be there.

        Parameters
        ----------
        sentences : list of dict
            Rows of ``sentences.jsonl``.
        distractors : dict
            As for :meth:`write_terms`.
        """
        utterances = [
            {
                "utt_id": row["utt_id"],
                "audio": audio_path(row),
                "language": row["language"],
                "duration_s": self.duration_s(audio_path(row)),
                "channels": 1,
                "speaker": row["speaker"],
                "recording": row["utt_id"],
                "topic": row["topic"],
                "tags": row["tags"],
            }
            for row in sentences
        ]
        self.write_jsonl("utterances.jsonl", utterances)
        self.write_references((row["utt_id"], 0, row) for row in sentences)
        self.write_terms(sentences, distractors)

    def write_references(self, said: Iterable[tuple[str, int, Row]]) -> None:
        """Write what was said in both forms.

        Parameters
        ----------
        said : iterable of (str, int, dict)
            ``utt_id``, channel, and the texts by form: ``spoken`` and ``written``.
        """
        self.write_jsonl(
            "references.jsonl",
            [
                {"utt_id": utt_id, "channel": channel, "form": form, "alternative": 0, "text": texts[form]}
                for utt_id, channel, texts in said
                for form in ("spoken", "written")
            ],
        )

    def write_terms(self, sentences: Iterable[Row], distractors: dict[str, tuple[str, ...]]) -> None:
        """Write the terms, and those present of each language on one line of a file of their own.

        Parameters
        ----------
        sentences : iterable of dict
            With ``utt_id``, ``language`` and ``terms``.
        distractors : dict
            Language -> terms that are said nowhere.
        """
        said = [(row["language"], row["utt_id"], term) for row in sentences for term in row["terms"]]
        rows: list[Row] = [{"utt_id": utt_id, "term": term, "role": "present"} for _, utt_id, term in said]
        for terms in distractors.values():
            rows += [{"utt_id": None, "term": term, "role": "distractor"} for term in terms]
        self.write_jsonl("terms.jsonl", rows)
        for wanted in distractors:
            present = dict.fromkeys(term for language, _, term in said if language == wanted)
            self.write_text(f"terms.{wanted}.txt", ", ".join(present) + "\n")

    def expect(self, condition: object, complaint: str) -> None:
        """Stop the build with a complaint unless the condition holds."""
        if not condition:
            raise SystemExit(f"{self.path.name}: {complaint}")

    def verify(
        self, *, shortest_s: float, longest_s: float, max_bytes: int, channels: int = 1, speech: bool = True
    ) -> None:
        """Read everything back and stop at the first fault that no dataset may have.

        Parameters
        ----------
        shortest_s, longest_s : float
            Bounds of a recording's length.
        max_bytes : int
            Bound of the size of all recordings together.
        channels : int
            Of each recording.
        speech : bool
            Whether something is said in each channel; else nothing is said in any.

        Raises
        ------
        SystemExit
            If the dataset is not what it should be.
        """
        expect, utterances = self.expect, self.read_jsonl("utterances.jsonl")
        ids = [row["utt_id"] for row in utterances]
        expect(ids == sorted(set(ids)), "utt_ids are not unique and sorted")
        for row in utterances:
            expect(shortest_s <= row["duration_s"] <= longest_s, f"{row['audio']} lasts {row['duration_s']} s")
            self._verify_audio(row, channels, speech)
        files = {p.relative_to(self.path).as_posix() for p in (self.path / "audio").rglob("*") if p.is_file()}
        expect(files == {row["audio"] for row in utterances}, "files below audio/ and utterances.jsonl differ")
        expect(sum((self.path / name).stat().st_size for name in files) < max_bytes, "the audio is too large")
        references = self.read_jsonl("references.jsonl")
        wanted = {(i, c, form) for i in ids for c in range(channels) for form in ("spoken", "written")}
        there = Counter((row["utt_id"], row["channel"], row["form"]) for row in references)
        expect(there == Counter(wanted), "not both forms of each utterance and channel, once")
        for row in references:
            utt_id, form, text = row["utt_id"], row["form"], row["text"]
            expect(text == text.strip() and bool(text) == speech, f"{utt_id} has a bad {form} text")
            expect(form == "written" or not re.search(r"\d", text), f"{utt_id} has a digit in its spoken form")
        self._verify_terms(references)

    def _verify_audio(self, row: Row, channels: int, speech: bool) -> None:
        path, expect = self.path / row["audio"], self.expect
        info = soundfile.info(path)
        kind = (info.format, info.subtype, info.samplerate, info.channels)
        expect(kind == ("FLAC", "PCM_16", RATE, channels), f"{row['audio']} is {kind}")
        expect(row["channels"] == channels, f"{row['audio']} has not {row['channels']} channels")
        expect(info.frames / RATE == row["duration_s"], f"{row['audio']} is not {row['duration_s']} s long")
        peak = np.abs(soundfile.read(path)[0]).max()
        expect(abs(peak - PEAK) < 0.001 if speech else peak < PEAK, f"{row['audio']} does not peak at -3 dBFS")

    def _verify_terms(self, references: list[Row]) -> None:
        if not (self.path / "terms.jsonl").is_file():
            return
        everything = "\n".join(row["text"] for row in references).casefold()
        for row in self.read_jsonl("terms.jsonl"):
            if row["role"] == "distractor":
                self.expect(row["term"].casefold() not in everything, f"distractor {row['term']} is said")
            else:
                texts = [reference["text"] for reference in references if reference["utt_id"] == row["utt_id"]]
                named = f"{row['term']} is not in both forms of {row['utt_id']}"
                self.expect(texts and all(row["term"] in text for text in texts), named)

    def verify_topics(self, topics: Iterable[str]) -> None:
        """Check that numbers stand in the sentences about numbers and nowhere else, and terms likewise.

        Raises
        ------
        SystemExit
            If a sentence has another topic, or not what belongs to its topic.
        """
        texts = {(row["utt_id"], row["form"]): row["text"] for row in self.read_jsonl("references.jsonl")}
        with_terms = Counter(row["utt_id"] for row in self.read_jsonl("terms.jsonl") if row["utt_id"])
        for row in self.read_jsonl("utterances.jsonl"):
            utt_id, topic = row["utt_id"], row["topic"]
            self.expect(topic in topics, f"{utt_id} has no such topic")
            differ = texts[utt_id, "spoken"] != texts[utt_id, "written"]
            self.expect(
                (topic == "numbers") == differ,
                f"{utt_id}: the forms must differ where, and only where, there are numbers",
            )
            wanted = (2, 3) if topic == "terms" else (0,)
            self.expect(with_terms[utt_id] in wanted, f"{utt_id} has {with_terms[utt_id]} terms")

    def report(self, *keys: str) -> None:
        """Print counts and minutes by columns of the utterances, and the size of the audio."""
        utterances = self.read_jsonl("utterances.jsonl")
        for key in keys:
            for value in dict.fromkeys(row[key] for row in utterances):
                seconds = [row["duration_s"] for row in utterances if row[key] == value]
                print(f"{key:9} {value!s:16} {len(seconds):3} utterances {sum(seconds) / 60:6.2f} min")
        size = sum((self.path / row["audio"]).stat().st_size for row in utterances)
        print(f"{sum(row['duration_s'] for row in utterances):.1f} s in all, {size} bytes of audio")


def options(description: str, *, voices: bool = True) -> argparse.ArgumentParser:
    """Make the command line that the build scripts have in common."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--keep-audio", action="store_true", help="write only the tables")
    if voices:
        parser.add_argument("--kokoro-voices", type=Path, help="folder of the style tables of kokoro-js")
    return parser
