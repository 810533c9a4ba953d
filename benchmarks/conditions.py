"""Sharing one encoding between conditions, beside faster-whisper called afresh for each, in the same run.

Four conditions of hint and context on four shipped recordings, each with ITN on and off: ours answers eight a
recording, of which four are decoded; the peer is called four times. The texts must be the same.
Run: python benchmarks/conditions.py
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from faster_whisper import WhisperModel

import asrlab as lab
from asrlab.data.audio import decode
from asrlab.engines.base import Parameters, Question
from asrlab.engines.itn import written
from asrlab.engines.weights import find_weights
from asrlab.engines.whisper import WhisperEngine

DICTATION = Path(__file__).parents[1] / "datasets" / "dictation"
THREADS = 2


async def ours(recordings: list[tuple[str, str]], contexts: dict[str, str]) -> tuple[float, list[str]]:
    """Ask our engine; returns seconds and the texts."""
    texts = []
    async with WhisperEngine(threads=THREADS) as engine:
        began = time.perf_counter()
        for path, language in recordings:
            for hint in (None, language):
                for context in (None, contexts[language]):
                    for itn in (False, True):
                        answer = await engine.transcribe(Question(path, Parameters(hint, itn, context)))
                    texts.append(answer.transcripts[0].text)
        return time.perf_counter() - began, texts


def afresh(recordings: list[tuple[str, str]], contexts: dict[str, str]) -> tuple[float, list[str]]:
    """Call faster-whisper for each condition that differs before ITN."""
    model = WhisperModel(str(find_weights()), device="cpu", compute_type="int8", cpu_threads=THREADS)
    texts = []
    began = time.perf_counter()
    for path, language in recordings:
        for hint in (None, language):
            for context in (None, contexts[language]):
                segments, _ = model.transcribe(
                    decode(path)[0],
                    language=hint,
                    beam_size=5,
                    temperature=0.0,
                    condition_on_previous_text=False,
                    hotwords=context,
                )
                heard = [segment.text.strip() for segment in segments]
                texts.append((" " if language == "en" else "").join(written(text, language) for text in heard))
    return time.perf_counter() - began, texts


def main() -> None:
    """Print seconds and the ratio."""
    dataset = lab.load_dataset(DICTATION).select(
        ["en-kokoro_heart-2", "en-flite_rms-1", "zh-kokoro_xiaoxiao-2", "zh-kokoro_yunxi-1"]
    )
    recordings = [(str(dataset.audio_path(row.utt_id)), row.language) for row in dataset.utterances.itertuples()]
    contexts = {language: dataset.note(f"terms.{language}.txt") for language in ("en", "zh")}
    our_s, texts = asyncio.run(ours(recordings, contexts))
    their_s, their_texts = afresh(recordings, contexts)
    assert texts == their_texts
    print(f"ours {our_s:.1f} s for {2 * len(texts)} answers")
    print(f"faster-whisper afresh {their_s:.1f} s for the {len(their_texts)} that differ before ITN")
    print(f"faster-whisper / ours: {their_s / our_s:.2f} ({2 * their_s / our_s:.2f} if it were called for ITN too)")


if __name__ == "__main__":
    main()
