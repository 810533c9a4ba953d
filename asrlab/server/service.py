"""What the service does with a task: check it, get its audio, ask the recogniser, write the result."""

from __future__ import annotations

import contextlib
import math
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from asrlab.data.audio import probe
from asrlab.engines.base import Parameters, Question
from asrlab.errors import InvalidInput, TaskFailed
from asrlab.server.documents import LANGUAGES, Document, result_document
from asrlab.server.media import Media, named_origin
from asrlab.server.signing import Signer
from asrlab.server.tasks import KEPT_S, Tasks
from asrlab.server.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from asrlab.engines.base import Engine
    from asrlab.server.tasks import Task

_SILENCE: Final = "SUCCESS_WITH_NO_VALID_FRAGMENT"


class Service:
    """A transcription service, apart from its HTTP side.

    Parameters
    ----------
    engine : Engine
        Recognises local files.
    url : str
        Where the service is reached, such as ``"http://127.0.0.1:8300"``: the base of all links it gives.
    media : iterable of str
        File servers it may fetch from.
    key : str, optional
        The one API key it takes; any key if not given.
    workers : int
        How many tasks run at once.
    clock : callable
        Seconds since the epoch.
    """

    def __init__(
        self,
        engine: Engine,
        url: str,
        *,
        media: Iterable[str] = (),
        key: str | None = None,
        workers: int = 1,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.engine = engine
        self.url = url
        self.key = key
        self.signer = Signer()
        self.tasks = Tasks(self._transcribe, workers=workers, clock=clock)
        self._last_active = time.monotonic()
        self._clock = clock
        origins = frozenset(named_origin(origin) for origin in media)
        self._scratch = tempfile.TemporaryDirectory(prefix="asrlab-")
        folder = Path(self._scratch.name)
        self.uploads = Uploads(folder, self.signer, clock=clock)
        self._media = Media(self.uploads, folder, origins)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hold the recogniser and run tasks while entered; afterwards the service is over and its files are gone."""
        try:
            async with self.engine, self.tasks.running():
                yield
        finally:
            await self._media.aclose()
            self._scratch.cleanup()

    @property
    def idle_s(self) -> float:
        """Seconds since there was last a request or a task under way."""
        return 0.0 if self.tasks.busy else time.monotonic() - self._last_active

    def touch(self) -> None:
        """Note that the service is being used."""
        self._last_active = time.monotonic()

    def status(self) -> Document:
        """Describe the service: what recognises, what that obeys, and what has been asked so far."""
        capabilities = self.engine.capabilities
        return {
            "service": "asrlab",
            "version": version("asrlab"),
            "recogniser": dict(self.engine.identity),
            "capabilities": {
                "parameters": sorted(capabilities.parameters),
                "languages": sorted(capabilities.languages & LANGUAGES),
            },
            "submits": self.tasks.submits.total(),
            "submits_by_file": dict(self.tasks.submits),
            "tasks": dict(self.tasks.states()),
        }

    def result_url(self, task: Task) -> str:
        """Sign a link to a task's result that holds for as long as the task is kept."""
        expires = math.ceil((task.ended or 0) + KEPT_S)
        return self._signed(f"/results/{task.task_id}.json", expires)

    def result(self, task_id: str, expires: str, signature: str) -> Document | None:
        """Look up the result behind a signed link; None where the signature is wrong or the link has expired."""
        path = f"/results/{task_id}.json"
        if not self.signer.holds(f"{path}?{expires}", signature) or self._clock() > int(expires):
            return None
        task = self.tasks.find(task_id)
        return task.result if task is not None else None

    def _signed(self, path: str, expires: int) -> str:
        return f"{self.url}{path}?Expires={expires}&Signature={self.signer.sign(f'{path}?{expires}')}"

    async def _transcribe(self, task: Task) -> tuple[Document, int]:
        parameters = _parameters(task.request["parameters"])
        async with self._media.local(task.file_url, task.model, resolve_oss=task.resolve_oss) as path:
            try:
                audio = probe(path)
                answer = await self.engine.transcribe(Question(str(path), parameters))
            except InvalidInput as error:
                raise TaskFailed(
                    "The file holds no audio that can be read. Convert it to WAV or FLAC, 16 kHz.", code="DECODE_ERROR"
                ) from error
        if not any(transcript.text for transcript in answer.transcripts):
            raise TaskFailed(_SILENCE, code=_SILENCE)
        file_url = str(task.file_url)
        if file_url.startswith("oss://"):
            # The service gives a signed http link here (service documentation, transcription result). Uploads cannot be
            # downloaded, so nothing answers under this one.
            file_url = self._signed(f"/uploads/{path.name}", math.ceil(self._clock() + KEPT_S))
        self.touch()
        document = result_document(file_url, audio, answer, self.engine.identity)
        return document, math.ceil(audio.duration_s) * len(answer.transcripts)


def _parameters(sent: Document) -> Parameters:
    """Read the parameters of a request: unknown ones are ignored as in the real service, wrong values fail the task."""
    corpus = sent.get("corpus")
    contexts = (corpus.get("text") if isinstance(corpus, dict) else None, sent.get("text"))
    given: dict[str, Any] = {
        "language": sent.get("language"),
        "enable_itn": sent.get("enable_itn"),
        "enable_words": sent.get("enable_words"),
        "channel_id": sent.get("channel_id"),
        # Both names are documented; the samples use the first (service documentation, context).
        "context": next((text for text in contexts if text), None),
    }
    try:
        parameters = Parameters.from_mapping({name: value for name, value in given.items() if value is not None})
    except InvalidInput as error:
        raise TaskFailed(str(error), code="InvalidParameter") from error
    if parameters.language is not None and parameters.language not in LANGUAGES:
        raise TaskFailed(
            f"language must be one of {', '.join(sorted(LANGUAGES))}, or left out, not {parameters.language!r}.",
            code="InvalidParameter",
        )
    return parameters
