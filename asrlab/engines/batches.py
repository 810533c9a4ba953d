"""Decoding in batches: decodes that run side by side share the calls of one CTranslate2 model.

A step of the decoder reads all its weights, for one text as for many. faster-whisper decodes one text at a time, window
by window, and calls the model for each. Here each of several such decodes has a thread of its own, and exactly one
runs at a time: it has the turn until it needs the model. When all need it, those whose prompts are of one length, which
is what CTranslate2 takes in one call, are decoded in one; they may be of different recordings. Each text and each score
is the same, to the bit, as if it had been decoded alone.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from asrlab.errors import TaskFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TEXTS: Final = 8  # in a call; each takes 60 MB of keys and values while it is decoded

T = TypeVar("T")


class Batches:
    """A ``ctranslate2.models.Whisper`` whose ``generate`` waits for others to share the call with.

    Parameters
    ----------
    model : ctranslate2.models.Whisper
        On the CPU.
    """

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - CTranslate2 publishes no types
        self._model = model
        self._turn = threading.Condition()
        self._running = 0
        self._calls: list[_Call] = []
        self.closing = False
        """Whether to fail what still needs the model."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as above
        return getattr(self._model, name)

    def run(self, decodes: Sequence[Callable[[], T]]) -> list[Future[T]]:
        """Run decodes side by side until all have ended.

        Parameters
        ----------
        decodes : sequence of callable
            Each calls :meth:`generate`, any number of times. They need no locks among themselves.

        Returns
        -------
        list of Future
            Done, in the order of the decodes.
        """
        futures = []
        with ThreadPoolExecutor(max(1, len(decodes)), thread_name_prefix="decode") as pool, self._turn:
            for decode in decodes:
                futures.append(pool.submit(self._in_turns, decode))
                self._running += 1
        return futures

    def generate(self, encoding: Any, prompts: list[list[int]], **options: Any) -> list[Any]:  # noqa: ANN401 - as above
        """Decode one text, as the model's own method does; to be called in a decode that is run here.

        Raises
        ------
        TaskFailed
            If the recogniser is being closed.
        """
        call = _Call(encoding, prompts[0], options)
        self._calls.append(call)
        self._serve()
        self._turn.wait_for(call.result.done)
        return [call.result.result()]

    def _in_turns(self, decode: Callable[[], T]) -> T:
        with self._turn:
            try:
                return decode()
            finally:
                self._running -= 1
                self._serve()

    def _serve(self) -> None:
        """Make the calls that are wanted, if nothing else can go on before."""
        if len(self._calls) < self._running:
            return
        alike: dict[object, list[_Call]] = {}
        for call in self._calls:
            alike.setdefault((len(call.prompt), repr(call.options)), []).append(call)
        self._calls = []
        for calls in alike.values():
            for begin in range(0, len(calls), _TEXTS):
                self._make(calls[begin : begin + _TEXTS])
        self._turn.notify_all()

    def _make(self, calls: list[_Call]) -> None:
        if self.closing:
            closed = TaskFailed("The recogniser was closed before it had finished.", code="InternalError")
            for call in calls:
                call.result.set_exception(closed)
            return
        try:
            encodings = np.concatenate([np.asarray(call.encoding) for call in calls])
            together = type(calls[0].encoding).from_array(encodings)
            results = self._model.generate(together, [call.prompt for call in calls], **calls[0].options)
        except Exception as error:
            for call in calls:
                call.result.set_exception(error)
        else:
            for call, result in zip(calls, results, strict=True):
                call.result.set_result(result)


@dataclass(frozen=True)
class _Call:
    """One text that is wanted of the model."""

    encoding: Any
    prompt: list[int]
    options: dict[str, Any]
    result: Future[Any] = field(default_factory=Future)
