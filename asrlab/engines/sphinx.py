"""pocketsphinx on this machine: a small English recogniser whose model comes in its wheel."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from asrlab.engines.base import UNWATCHED, Answer, Capabilities, Engine, Sentence, Transcript
from asrlab.engines.itn import in_form
from asrlab.engines.whisper import pick_channels
from asrlab.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from numpy.typing import NDArray

    from asrlab.engines.base import Question, Steps

_RATE: Final = 16_000  # Hz; of the English model in the wheel
_LANGUAGE: Final = "en"
_VOICED_FRAMES: Final = 5  # of 30 ms


class SphinxEngine(Engine):
    """Recogniser on this machine for English: pocketsphinx with the model of its wheel. Far less exact than Whisper.

    It obeys ``channel_id`` and ``enable_itn`` (its words are spelled out, and ITN writes them as digits), and takes
    ``language="en"``; any other language, ``context`` and ``enable_words`` are reported as unsupported.

    Raises
    ------
    MissingExtra
        On entering, where pocketsphinx is not installed.
    """

    name = "sphinx"
    free = True
    computes = True
    memory_mb = 200
    capabilities = Capabilities(
        frozenset({"language", "channel_id", "enable_itn"}),
        frozenset({_LANGUAGE}),
        itn_languages=frozenset({_LANGUAGE}),
    )

    def __init__(self) -> None:
        self._decoder: Any = None
        self._worker: ThreadPoolExecutor | None = None

    @property
    def identity(self) -> Mapping[str, str]:
        """Engine, model, version (of pocketsphinx, whose wheel holds the model) and region."""
        return {"engine": self.name, "model": "pocketsphinx-en-us", "version": _version(), "region": "local"}

    async def __aenter__(self) -> Self:
        """Load the model."""
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="sphinx")
        self._decoder = await asyncio.get_running_loop().run_in_executor(self._worker, _load)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the model."""
        if self._worker is not None:
            self._worker.shutdown(wait=False, cancel_futures=True)
        self._worker = self._decoder = None

    async def transcribe(self, question: Question, steps: Steps = UNWATCHED) -> Answer:
        """Transcribe a local audio file.

        Parameters
        ----------
        question : Question
            ``audio`` is the path of a file that :func:`asrlab.data.audio.decode` reads.
        steps : Steps
            Is told nothing: there are no tasks here.

        Raises
        ------
        InvalidInput
            If the file is missing, empty or not audio.
        TaskFailed
            If a channel is asked for that the file does not have (code ``InvalidParameter``).
        """
        if self._worker is None:
            raise RuntimeError("SphinxEngine must be entered first: async with SphinxEngine() as engine: ...")
        return await asyncio.get_running_loop().run_in_executor(self._worker, self._answer, question)

    def _answer(self, question: Question) -> Answer:
        asked = question.parameters
        channels = pick_channels(question.audio, asked.channel_id)
        transcripts = []
        for channel, samples in zip(asked.channel_id, channels, strict=True):
            sentences = tuple(in_form(s, written_form=asked.enable_itn) for s in self._hear(samples))
            transcripts.append(Transcript(channel, " ".join(s.text for s in sentences), _LANGUAGE, sentences))
        identity = self.identity
        return Answer(
            transcripts=tuple(transcripts),
            audio_s=sum(len(samples) for samples in channels) / _RATE,
            model=f"{identity['model']} {identity['version']}",
            context_tokens=None if asked.context is None else 0,
            unsupported=self.capabilities.unsupported(asked),
        )

    def _hear(self, samples: NDArray[np.float32]) -> list[Sentence]:
        pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
        if not _has_voice(pcm):
            return []
        # The decoder goes on from what it heard last unless its running estimate of the channel is put back: the same
        # audio must give the same text whatever was heard before.
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()
        best = self._decoder.hyp()
        if best is None or not best.hypstr.strip():
            return []
        return [Sentence(0, round(1000 * len(samples) / _RATE), best.hypstr.strip(), _LANGUAGE)]


def _load() -> Any:  # noqa: ANN401 - pocketsphinx publishes no types
    try:
        from pocketsphinx import Decoder  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtra("Recognising speech with pocketsphinx", "local") from error
    return Decoder(samprate=_RATE, loglevel="FATAL")


def _has_voice(pcm: bytes) -> bool:
    """Whether there is voice in the audio; in digital silence the decoder would find words."""
    from pocketsphinx import Vad  # noqa: PLC0415 - an extra

    detector = Vad(sample_rate=_RATE)
    frame = detector.frame_bytes
    voiced = sum(detector.is_speech(pcm[at : at + frame]) for at in range(0, len(pcm) - frame + 1, frame))
    return bool(voiced >= _VOICED_FRAMES)


def _version() -> str:
    try:
        return version("pocketsphinx")
    except ImportError:  # PackageNotFoundError is one
        return "absent"
