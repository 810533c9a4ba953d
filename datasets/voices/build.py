"""Build the voices dataset: speak ``sentences.jsonl``, write the audio and the tables, check what was written.

The dataset is used without this script. What rebuilds it is in the docstring of ``speaking.py``, one folder up; then::

    python build.py --kokoro-voices package/voices

``--keep-audio`` leaves the recordings as they are and writes only the tables.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from folder import Folder, audio_path, options, write_audio
from speaking import KOKORO, Kokoro, at_peak, by_pico, trimmed

if TYPE_CHECKING:
    from folder import Row
    from speaking import Audio

HERE: Final = Folder(Path(__file__).resolve().parent)
TOPICS: Final = ("numbers", "terms", "plain")
SPEAKERS: Final = {"de": 3, "es": 4, "fr": 3, "it": 3, "ja": 4, "pt": 3}

#: Language -> its first letter in the names of Kokoro's voices; German has no voice there, and is read by espeak-ng.
LETTERS: Final = {"de": "de", "es": "e", "fr": "f", "it": "i", "ja": "j", "pt": "p"}

#: Terms of the same kind as those present which are said nowhere.
DISTRACTORS: Final = {
    "de": (
        "Walpurga Nussdorfer", "Stralsund", "Ramipril", "Nebivolol", "Quedlinburg", "Westbronn", "Rosalinde Hagedorn",
        "Amlodipin",
    ),
    "es": (
        "Garbiñe Mendizábal", "Echenagusía", "ciclofosfamida", "digoxina", "Sepúlveda", "Tarvona Lentes",
        "Navalcarnero", "malaquita",
    ),
    "fr": (
        "Maëlle Kerdoncuff", "Plogonnec", "apixaban", "fluindione", "Saint-Claude", "Clairmontel", "Poligny",
        "Enora Le Floc'h",
    ),
    "it": (
        "Ginevra Malaspina", "virginale", "Tolmezzo", "teicoplanina", "linezolid", "Anghiari", "Torvelia",
        "Beatrice Gonfalonieri",
    ),
    "ja": (
        "勅使河原綾", "摩周湖", "碇ヶ関", "五百旗頭", "リツキシマブ", "シクロホスファミド", "カゲロウ精機", "あけぼし",
    ),
    "pt": (
        "Iracema Albuquerque", "Caparaó", "fondaparinux", "varfarina", "Itaquaquecetuba", "Morvelia", "Guaratinguetá",
        "Jussara Medeiros",
    ),
}  # fmt: skip


def speak(kokoro: Kokoro, row: Row) -> Audio:
    """Say a sentence with its voice."""
    language, speaker = row["language"], row["speaker"]
    if speaker.startswith("pico"):
        return by_pico(f"{language}-{language.upper()}", row["say"])
    return kokoro.speak(KOKORO[speaker], row["say"], LETTERS[language])


def verify() -> None:
    """Read everything back and stop at the first fault.

    Raises
    ------
    SystemExit
        If the dataset is not what its card says.
    """
    HERE.verify(shortest_s=2, longest_s=10, max_bytes=3_000_000)
    HERE.verify_topics(TOPICS)
    each = Counter((row["language"], row["speaker"]) for row in HERE.read_jsonl("utterances.jsonl"))
    HERE.expect(set(each.values()) == {3}, "not three utterances of each speaker")
    HERE.expect(Counter(language for language, _ in each) == SPEAKERS, "not the speakers of each language")


def main() -> None:
    """Build the dataset, or only its tables."""
    parser = options("Build the voices dataset.")
    asked = parser.parse_args()
    sentences = HERE.read_jsonl("sentences.jsonl")
    if not asked.keep_audio:
        if asked.kokoro_voices is None:
            parser.error("--kokoro-voices is needed unless --keep-audio is given")
        kokoro = Kokoro(asked.kokoro_voices)
        for row in sentences:
            write_audio(HERE.path / audio_path(row), at_peak(trimmed(speak(kokoro, row))), compact=True)
    HERE.write_sentences(sentences, DISTRACTORS)
    verify()
    HERE.report("language", "speaker", "topic")


if __name__ == "__main__":
    main()
