"""Build the switching dataset: speak ``sentences.jsonl``, write the audio and the tables, check what was written.

The dataset is used without this script. What rebuilds it is in the docstring of ``speaking.py``, one folder up; then::

    python build.py --kokoro-voices package/voices

``--keep-audio`` leaves the recordings as they are and writes only the tables.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from folder import Folder, audio_path, options, write_audio
from speaking import KOKORO, Kokoro, at_peak, trimmed

HERE: Final = Folder(Path(__file__).resolve().parent)

#: Terms of the same kind as those present which are said nowhere.
DISTRACTORS: Final = {
    "zh-en": (
        "seminar", "deadline", "Harriet Lockwood", "cappuccino", "rollback", "schedule", "midterm", "Dominic Ashby",
        "almond milk", "dashboard",
    ),
}  # fmt: skip


def verify() -> None:
    """Read everything back and stop at the first fault.

    Raises
    ------
    SystemExit
        If the dataset is not what its card says.
    """
    HERE.verify(shortest_s=3, longest_s=10, max_bytes=2_000_000)
    for row in HERE.read_jsonl("references.jsonl"):
        both = re.search(r"[A-Za-z]{2}", row["text"]) and re.search(r"[\u4e00-\u9fff]{2}", row["text"])
        HERE.expect(both, f"{row['utt_id']} is not in both languages")
    utterances = HERE.read_jsonl("utterances.jsonl")
    HERE.expect({row["topic"] for row in utterances} == {"insertion", "alternation"}, "not these topics")
    each = Counter(row["speaker"] for row in utterances)
    HERE.expect(set(each.values()) == {2}, "not two utterances of each speaker")


def main() -> None:
    """Build the dataset, or only its tables."""
    parser = options("Build the switching dataset.")
    asked = parser.parse_args()
    sentences = HERE.read_jsonl("sentences.jsonl")
    if not asked.keep_audio:
        if asked.kokoro_voices is None:
            parser.error("--kokoro-voices is needed unless --keep-audio is given")
        kokoro = Kokoro(asked.kokoro_voices)
        for row in sentences:
            audio = kokoro.speak(KOKORO[row["speaker"]], row["say"])
            write_audio(HERE.path / audio_path(row), at_peak(trimmed(audio)), compact=True)
    HERE.write_sentences(sentences, DISTRACTORS)
    verify()
    HERE.report("speaker", "topic")


if __name__ == "__main__":
    main()
