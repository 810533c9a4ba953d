"""Whisper base on this machine: every request parameter really acts on the decoding.

Trials of one recording differ in their conditions, not in their sound. So the encoder's output for a window of audio
is kept and shared by all conditions, and a finished decode by all that come to the same one: by ITN on and off, which
only rewrite its text, and by the language detected and the same one named.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import os
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Literal, Self, TypeVar

from asrlab.data.audio import decode, digest
from asrlab.engines.base import (
    UNWATCHED,
    Answer,
    Capabilities,
    Engine,
    Parameters,
    Sentence,
    Transcript,
    Word,
    differences,
)
from asrlab.engines.itn import ITN_LANGUAGES, in_form, make_word, text_of
from asrlab.engines.weights import SHA256, find_weights
from asrlab.errors import MissingExtra, TaskFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from asrlab.engines.base import Question, Steps

_RATE: Final = 16_000  # Hz; what Whisper was trained on
_MODEL: Final = "whisper-base"
_PARAMETERS: Final = frozenset({"language", "enable_itn", "context", "channel_id", "enable_words", "language_hints"})
_COMPUTE: Final = "int8"
_RECIPE: Final = 1  # goes up with every change here that can alter a text
_THREADS: Final = 4  # base gains little from more
_MEMORY_MB: Final = 500  # of the process, encodings apart
_BEAM: Final = 5  # against 1, on 40 real clips: zh 11.9 % for 13.9, es 8.4 for 11.4, and 0.69 s a clip for 0.46
_PROMPT_TOKENS: Final = 223  # half of Whisper's 448 text positions, less the token that opens the prompt
_DECODES: Final = 1024
_OURS: Final = {"tl": "fil"}  # Whisper's code to the service's
_SHORTEST: Final = _RATE // 20  # samples; no word is spoken in less
_SPEECH: Final = 0.2  # of the voice activity detector: passes all 184 clips we have, and no tone, hum or noise
_PAUSE_MS: Final = 500  # that ends a sentence where words are not asked for
_NEARLY_MS: Final = 300  # by so much Whisper puts the ends of its segments beside where they are heard
_UNSPACED: Final = frozenset({"zh", "yue", "ja", "th", "lo", "my"})
_SENTENCE_ENDS: Final = (".", "!", "?", "。", "！", "？", "…")
_WHISPERS: Final = {ours: theirs for theirs, ours in _OURS.items()}

Key = TypeVar("Key")
Value = TypeVar("Value")


class _Recent(Generic[Key, Value]):
    """The most recently used values, as many as fit a budget."""

    def __init__(self, budget: int, cost: Callable[[Value], int] = lambda _: 1) -> None:
        self._kept: OrderedDict[Key, Value] = OrderedDict()
        self._budget = budget
        self._cost = cost

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        if key not in self._kept:
            value = make()
            self._kept[key] = value
            self._budget -= self._cost(value)
            while self._budget < 0:
                _, oldest = self._kept.popitem(last=False)
                self._budget += self._cost(oldest)
            return value
        self._kept.move_to_end(key)
        return self._kept[key]


class WhisperEngine(Engine):
    """Recogniser on this machine: Whisper base in int8, by faster-whisper and CTranslate2.

    Decoding is deterministic: beam search of width 5 at temperature 0 without fallback sampling, and no text carried
    from one window of 30 s to the next. Two runs on one machine give the same texts; int8 arithmetic may differ between
    processors.

    ``language`` sets the decoder's language token; a code the model has no token for (``yue``) is reported as
    unsupported, and the language is detected; among ``language_hints``, if there are any. ``context`` stands before
    each window as an earlier text would; of a long one the first 223 tokens act. ``enable_itn`` acts on Chinese and
    English (see :mod:`asrlab.engines.itn`). ``channel_id`` and ``enable_words`` act as documented for the service; word
    times come from the decoder's attention.

    Parameters
    ----------
    weights : path, optional
        Folder of the weights; where they are looked for else, see :func:`asrlab.engines.weights.find_weights`.
    threads : int, optional
        Threads of the model; the processors there are, at most 4, if not given.
    encodings_mb : int
        How many megabytes of encoder output are kept; one window of 30 s takes 3.

    Raises
    ------
    MissingExtra
        On entering, where faster-whisper or the weights are not installed.
    """

    name = "whisper"
    options: ClassVar[Mapping[str, Literal["identity", "runtime"]]] = {
        "weights": "runtime",  # another folder, and the same weights: they are checked
        "threads": "runtime",
        "encodings_mb": "runtime",
    }
    free = True
    computes = True

    def __init__(
        self, weights: str | Path | None = None, *, threads: int | None = None, encodings_mb: int = 256
    ) -> None:
        self._weights = weights
        self._threads = threads
        self._encodings_bytes = encodings_mb << 20
        self.memory_mb = _MEMORY_MB + encodings_mb
        self._recogniser: _Recogniser | None = None
        self._worker: ThreadPoolExecutor | None = None

    @property
    def identity(self) -> Mapping[str, str]:
        """Engine, model, version (weights, arithmetic, decoding recipe) and region."""
        version = f"{SHA256['model.bin'][:12]}-{_COMPUTE}-r{_RECIPE}"
        return {"engine": self.name, "model": _MODEL, "version": version, "region": "local"}

    @property
    def capabilities(self) -> Capabilities:  # type: ignore[override]  # known once entered
        """All parameters but a vocabulary; the languages the model has tokens for, known once entered."""
        languages = self._recogniser.languages if self._recogniser else frozenset[str]()
        return Capabilities(
            _PARAMETERS,
            frozenset(languages),
            itn_languages=ITN_LANGUAGES,
            context_tokens=_PROMPT_TOKENS,
        )

    def on_worker(self, threads: int) -> WhisperEngine:
        """Give one with the worker's threads, unless their number was given."""
        if self._threads is not None:
            return self
        return WhisperEngine(self._weights, threads=min(threads, _THREADS), encodings_mb=self._encodings_bytes >> 20)

    async def __aenter__(self) -> Self:
        """Load the model."""
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="whisper")
        load = asyncio.get_running_loop().run_in_executor(
            self._worker,
            _Recogniser,
            self._weights,
            self._threads or min(os.cpu_count() or 1, _THREADS),
            self._encodings_bytes,
        )
        try:
            self._recogniser = await load
        except BaseException:
            self._worker.shutdown(wait=False)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the model; a decode under way ends with its current window."""
        if self._recogniser is not None:
            self._recogniser.closing = True
        if self._worker is not None:
            self._worker.shutdown(wait=False, cancel_futures=True)
        self._recogniser = self._worker = None

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
        if self._recogniser is None or self._worker is None:
            raise RuntimeError("WhisperEngine must be entered first: async with WhisperEngine() as engine: ...")
        return await asyncio.get_running_loop().run_in_executor(
            self._worker, _answer, self._recogniser, question, self.identity
        )


def pick_channels(path: str | Path, channels: tuple[int, ...]) -> list[NDArray[np.float32]]:
    """Decode the channels asked for, in that order, at 16 kHz.

    Raises
    ------
    InvalidInput
        If the file is missing, empty or not audio.
    TaskFailed
        If the file does not have one of the channels.
    """
    samples = decode(path, _RATE)
    if beyond := [c for c in channels if c >= len(samples)]:
        there = "only channel 0" if len(samples) == 1 else f"channels 0 to {len(samples) - 1}"
        raise TaskFailed(
            f"channel_id {beyond[0]} is not in the audio, which has {there}. Ask for a channel it has.",
            code="InvalidParameter",
        )
    return [samples[c] for c in channels]


def _answer(recogniser: _Recogniser, question: Question, identity: Mapping[str, str]) -> Answer:
    asked = question.parameters
    unsupported = set(differences(asked, Parameters())) - _PARAMETERS
    language = asked.language
    if language is not None and language not in recogniser.languages:
        unsupported.add("language")
        language = None
    hints = tuple(hint for hint in asked.language_hints if hint in recogniser.languages)
    if asked.language_hints and not hints:
        unsupported.add("language_hints")
    channels = pick_channels(question.audio, asked.channel_id)
    fingerprint = digest(question.audio)
    transcripts = []
    for channel, samples in zip(asked.channel_id, channels, strict=True):
        heard = recogniser.hear(
            f"{fingerprint}/{channel}", samples, replace(asked, language=language, language_hints=hints)
        )
        if asked.enable_itn and heard.sentences and heard.language not in ITN_LANGUAGES:
            unsupported.add("enable_itn")
        sentences = tuple(in_form(sentence, written_form=asked.enable_itn) for sentence in heard.sentences)
        joint = _joint(heard.language)
        text = joint.join(sentence.text for sentence in sentences)
        if not asked.enable_words:
            sentences = tuple(_between_pauses(sentences, heard.pauses_ms, joint))
        transcripts.append(Transcript(channel, text, heard.language, sentences))
    return Answer(
        transcripts=tuple(transcripts),
        audio_s=sum(len(samples) for samples in channels) / _RATE,
        model=f"{identity['model']} {identity['version']}",
        context_tokens=None if asked.context is None else len(recogniser.prompt(asked.context)),
        unsupported=tuple(sorted(unsupported)),
    )


@dataclass(frozen=True)
class _Heard:
    """What the decoder wrote for one channel, before ITN."""

    language: str | None
    sentences: tuple[Sentence, ...]
    pauses_ms: tuple[tuple[int, int], ...] = ()


class _Recogniser:
    """The loaded model with its memory; used by one thread."""

    def __init__(self, weights: str | Path | None, threads: int, encodings_bytes: int) -> None:
        folder = find_weights(weights)
        try:
            from faster_whisper import WhisperModel  # noqa: PLC0415 - an extra, and slow to import
            from faster_whisper.vad import VadOptions, get_speech_timestamps  # noqa: PLC0415 - as above
        except ImportError as error:
            raise MissingExtra("Recognising speech with Whisper on this machine", "local") from error
        self._model = WhisperModel(str(folder), device="cpu", compute_type=_COMPUTE, cpu_threads=threads)
        # faster-whisper encodes each window through this one method, for the text as for the language; so every
        # condition of a recording finds the window encoded once it has been.
        encode = self._model.encode
        encodings = _Recent[bytes, Any](encodings_bytes, lambda encoding: 4 * math.prod(encoding.shape))
        self._model.encode = lambda features: encodings.get(
            hashlib.sha256(features.tobytes()).digest(), lambda: encode(features)
        )
        lenient = VadOptions(threshold=_SPEECH)
        self._has_speech: Callable[[NDArray[np.float32]], bool] = lambda samples: bool(
            get_speech_timestamps(samples, lenient)
        )
        paused = VadOptions(threshold=_SPEECH, min_silence_duration_ms=_PAUSE_MS, speech_pad_ms=0)
        self._speech: Callable[[NDArray[np.float32]], list[dict[str, int]]] = lambda samples: get_speech_timestamps(
            samples, paused
        )
        self._speaks = _Recent[str, bool](_DECODES)
        self._detected = _Recent[str, tuple[str, ...]](_DECODES)
        self._heard = _Recent[tuple[object, ...], _Heard](_DECODES)
        tokens = self._model.hf_tokenizer
        known = (code for code in self._model.supported_languages if tokens.token_to_id(f"<|{code}|>") is not None)
        self.languages = frozenset(_OURS.get(code, code) for code in known)
        self.closing = False

    def prompt(self, context: str) -> list[int]:
        """Tokens of a context that act on the decoder."""
        if not context.strip():
            return []
        ids: list[int] = self._model.hf_tokenizer.encode(" " + context.strip(), add_special_tokens=False).ids
        return ids[:_PROMPT_TOKENS]

    def hear(self, recording: str, samples: NDArray[np.float32], asked: Parameters) -> _Heard:
        # On silence and noise Whisper invents text, often so surely that its own rule for silence lets it pass.
        if len(samples) < _SHORTEST or not self._speaks.get(recording, lambda: self._has_speech(samples)):
            return _Heard(asked.language, ())
        language = asked.language
        if language is None:
            likely = self._detected.get(recording, lambda: self._detect(samples))
            language = next(code for code in likely if code in (asked.language_hints or likely))
        key = (recording, language, asked.context or None, asked.enable_words)
        return self._heard.get(key, lambda: self._decode(samples, asked, language))

    def _decode(self, samples: NDArray[np.float32], asked: Parameters, language: str) -> _Heard:
        # One text a call: CTranslate2 batches prompts of one length only, so grids of 8 gained 2 to 4 % of CPU time.
        segments, _ = self._model.transcribe(
            samples,
            language=_WHISPERS.get(language, language),
            beam_size=_BEAM,
            temperature=0.0,
            condition_on_previous_text=False,
            # faster-whisper's initial prompt stands before the first window only and loses the beginning of a long
            # context; its hot words stand, in the same place, before every window and lose the end. A list of terms is
            # wanted throughout, the most important first.
            hotwords=asked.context or None,
            word_timestamps=asked.enable_words,
        )
        sentences: list[Sentence] = []
        for segment in segments:
            if self.closing:
                raise TaskFailed("The recogniser was closed before it had finished.", code="InternalError")
            split = _sentences_of_words if asked.enable_words else _one_sentence
            heard = split(segment, language)
            sentences += _within(heard, round(1000 * len(samples) / _RATE))
        pauses_ms = () if asked.enable_words or len(sentences) < 2 else self._pauses_ms(samples)
        return _Heard(language, tuple(sentences), pauses_ms)

    def _pauses_ms(self, samples: NDArray[np.float32]) -> tuple[tuple[int, int], ...]:
        spoken = self._speech(samples)
        return tuple((_ms(a["end"] / _RATE), _ms(b["start"] / _RATE)) for a, b in pairwise(spoken))

    def _detect(self, samples: NDArray[np.float32]) -> tuple[str, ...]:
        """Languages, the likeliest first."""
        # Left to itself, transcribe() detects on one frame more than it decodes, and so encodes the audio twice.
        features = self._model.feature_extractor(samples)[..., :-1]
        _, _, likely = self._model.detect_language(features=features)
        return tuple(_OURS.get(code, code) for code, _ in sorted(likely, key=lambda one: one[1], reverse=True))


def _one_sentence(segment: Any, language: str) -> list[Sentence]:  # noqa: ANN401 - faster-whisper publishes no types
    return [Sentence(_ms(segment.start), _ms(segment.end), segment.text.strip(), language)]


def _sentences_of_words(segment: Any, language: str) -> list[Sentence]:  # noqa: ANN401 - as above
    """Sentences that end where the punctuation says so, as the service has them when words are asked for."""
    sentences: list[Sentence] = []
    words: list[Word] = []
    for word, after in pairwise([*segment.words, None]):
        spaced = after is not None and after.word.startswith(" ")
        words.append(make_word(_ms(word.start), _ms(word.end), word.word.strip(), spaced=spaced))
        if after is None or words[-1].punctuation.endswith(_SENTENCE_ENDS):
            sentences.append(Sentence(words[0].begin_ms, words[-1].end_ms, text_of(words), language, tuple(words)))
            words = []
    return sentences


def _between_pauses(
    sentences: Iterable[Sentence], pauses_ms: tuple[tuple[int, int], ...], joint: str
) -> list[Sentence]:
    """Sentences that end at pauses alone, as the service has them when words are not asked for."""
    joined: list[Sentence] = []
    for sentence in sentences:
        if joined and not any(
            begin <= sentence.begin_ms + _NEARLY_MS and end >= joined[-1].end_ms - _NEARLY_MS
            for begin, end in pauses_ms
        ):
            before = joined.pop()
            text = f"{before.text}{joint}{sentence.text}"
            joined.append(replace(before, end_ms=sentence.end_ms, text=text))
        else:
            joined.append(sentence)
    return joined


def _within(sentences: Iterable[Sentence], length_ms: int) -> list[Sentence]:
    """Cut times at the end of the audio; what is said to begin after it was not said in it."""
    return [replace(s, end_ms=min(s.end_ms, length_ms)) for s in sentences if s.begin_ms < length_ms]


def _ms(seconds: float) -> int:
    return round(1000 * seconds)


def _joint(language: str | None) -> str:
    return "" if language in _UNSPACED else " "
