"""Build the lecture dataset: speak ``turns.jsonl``, write the audio and the tables, check what was written.

The dataset is used without this script. What rebuilds it is in the docstring of ``speaking.py``, one folder up; then::

    python build.py --kokoro-voices package/voices

``--keep-audio`` leaves the recording and the times as they are and writes only the tables.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import talks
from folder import Folder, options

HERE: Final = Folder(Path(__file__).resolve().parent)
FACTS: Final = {"bookbinding": {"topic": "lecture", "tags": ["lecture", "long"]}}

TERMS: Final = (
    "Eleanor Whitcombe", "quarto", "octavo", "kettle stitch", "Ambrose Tilling", "Saltmarsh", "Wexcombe", "Ellersby",
    "Adeyemi",
)  # fmt: skip

#: Terms of the same kind as those present which are said nowhere.
DISTRACTORS: Final = {
    "en": (
        "Rosalind Penhaligon", "duodecimo", "headband", "coptic stitch", "Barnaby Thrale", "Marlingford", "Okonkwo",
        "gesso",
    ),
}  # fmt: skip


def main() -> None:
    """Build the dataset, or only its tables."""
    parser = options("Build the lecture dataset.")
    asked = parser.parse_args()
    turns = HERE.read_jsonl("turns.jsonl")
    if asked.keep_audio:
        times = talks.written_times(HERE)
    elif asked.kokoro_voices is None:
        parser.error("--kokoro-voices is needed unless --keep-audio is given")
    else:
        times = talks.speak(HERE, turns, asked.kokoro_voices)
    talks.write_tables(HERE, turns, times, FACTS)
    HERE.write_terms([{"utt_id": "bookbinding", "language": "en", "terms": TERMS}], DISTRACTORS)
    HERE.verify(shortest_s=288, longest_s=330, max_bytes=4_000_000)
    talks.verify(HERE)
    HERE.report("utt_id")


if __name__ == "__main__":
    main()
