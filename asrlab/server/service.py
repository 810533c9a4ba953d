"""What the service does with a task: check it, get its audio, ask the recogniser, write the result."""

from __future__ import annotations

import contextlib
import json
import math
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from anyio.to_thread import run_sync

from asrlab.data.audio import NoAudio, probe
from asrlab.engines.base import Parameters, Question
from asrlab.errors import InvalidInput, TaskFailed
from asrlab.server.documents import ACCESS_KEY_ID, LANGUAGES, Document, refusal, result_document
from asrlab.server.faults import ROUTES, TASK, Faults, said_by_submit
from asrlab.server.limits import DOCUMENTED, UNLIMITED, Throttle
from asrlab.server.media import AUDIO_S, Media, named_origin
from asrlab.server.signing import Signer
from asrlab.server.tasks import KEPT_S, Tasks
from asrlab.server.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from asrlab.data.audio import AudioInfo
    from asrlab.engines.base import Engine
    from asrlab.server.limits import Limits
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
    limits : Limits, optional
        How often an account may ask; as often as it likes if None.
    page_rows : int
        Most rows on a page of the task list.
    queue_s, run_s : float
        Seconds that a task stays PENDING, and RUNNING, at the least.
    faults : iterable of str
        Faults that hold throughout; see :class:`asrlab.server.faults.Fault`.
    seed : int
        Of the faults.
    clock : callable
        Seconds since the epoch.

    Raises
    ------
    InvalidInput
        If a file server, a number or a fault is none.
    """

    def __init__(
        self,
        engine: Engine,
        url: str,
        *,
        media: Iterable[str] = (),
        key: str | None = None,
        workers: int = 1,
        limits: Limits | None = DOCUMENTED,
        page_rows: int = 100,
        queue_s: float = 0.0,
        run_s: float = 0.0,
        faults: Iterable[str] = (),
        seed: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        _check_whole(workers=workers, page_rows=page_rows)
        _check_seconds(queue_s=queue_s, run_s=run_s)
        self.engine = engine
        self.url = url
        self.key = key
        self.page_rows = page_rows
        self.throttle = Throttle(UNLIMITED if limits is None else limits)
        self.faults = Faults(faults, seed=seed)
        self.requests: Counter[str] = Counter()
        """Requests by route, whatever became of them."""
        self.signer = Signer()
        self._given_clock = clock
        self._ahead_s = 0.0
        self.tasks = Tasks(self._transcribe, workers=workers, queue_s=queue_s, run_s=run_s, clock=self._clock)
        self._last_active = time.monotonic()
        origins = frozenset(named_origin(origin) for origin in media)
        self._scratch = tempfile.TemporaryDirectory(prefix="asrlab-")
        folder = Path(self._scratch.name)
        self.uploads = Uploads(folder, self.signer, clock=self._clock)
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

    def advance(self, seconds: float) -> None:
        """Move the clock forward: what is kept for 24 hours, 48 hours or 300 seconds goes that much earlier."""
        _check_seconds(seconds=seconds)
        self._ahead_s += seconds

    def submit(self, model: str, request: Document, *, resolve_oss: bool, fault: str | None) -> Task:
        """Take a task.

        Parameters
        ----------
        model : str
            Model named in the request.
        request : dict
            The ``input`` and ``parameters`` of the request.
        resolve_oss : bool
            Whether ``oss://`` links are to be resolved.
        fault : str, optional
            The request's own wish for a fault.

        Raises
        ------
        ServiceError
            If the service is ending.
        """
        if not self.tasks.accepting:
            raise refusal(503, "ModelUnavailable", "The service is ending and takes no more tasks.")
        identity = ""
        if self.faults.lasting(*ROUTES):
            identity = self.faults.identify(TASK, said_by_submit({"model": model, **request}, self))
        kind = self.faults.decide(TASK, fault, identity)
        return self.tasks.submit(model, request, resolve_oss=resolve_oss, fault=kind, identity=identity)

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
                "itn_languages": None if capabilities.itn_languages is None else sorted(capabilities.itn_languages),
                "context_tokens": capabilities.context_tokens,
            },
            "submits": self.tasks.submits.total(),
            "submits_by_file": dict(self.tasks.submits),
            "tasks": self.tasks.states(),
            "limits": {
                name: number if math.isfinite(number) else None for name, number in asdict(self.throttle.limits).items()
            },
            "requests": {route: self.requests[route] for route in ROUTES if route != TASK},
            "throttled": {route: self.throttle.refused[route] for route in ROUTES if route != TASK},
        }

    def result_url(self, task: Task) -> str | None:
        """Sign a link to a task's result that holds for as long as the task is kept; None where it has none."""
        if task.ended is None or task.result is None:
            return None
        expires = math.ceil(task.ended + KEPT_S)
        return self._signed(f"/results/{task.task_id}.json", expires)

    def result(self, task_id: str, expires: str, signature: str) -> bytes | None:
        """Look up the result behind a signed link; None where the signature is wrong or the link has expired."""
        path = f"/results/{task_id}.json"
        if not self.signer.holds(f"{path}?{expires}", signature) or self._clock() > int(expires):
            return None
        task = self.tasks.find(task_id)
        return task.result if task is not None else None

    def _signed(self, path: str, expires: int) -> str:
        signature = self.signer.sign(f"{path}?{expires}")
        return f"{self.url}{path}?Expires={expires}&OSSAccessKeyId={ACCESS_KEY_ID}&Signature={signature}"

    def _clock(self) -> float:
        return self._given_clock() + self._ahead_s

    async def _transcribe(self, task: Task) -> tuple[bytes, int]:
        parameters, file_url = _parameters(task.request["parameters"]), str(task.file_url)
        async with self._media.local(task.file_url, task.model, resolve_oss=task.resolve_oss) as path:
            try:
                # On a thread of its own, as the length of much of what FFmpeg reads is known by decoding it.
                audio = await run_sync(probe, path, abandon_on_cancel=True)
                if audio.duration_s > AUDIO_S:
                    raise TaskFailed(
                        f"The audio is longer than {AUDIO_S // 3600} h. Split it.", code="AUDIO_DURATION_TOO_LONG"
                    )
                _check_channels(parameters, audio)
                answer = await self.engine.transcribe(Question(str(path), parameters))
            except NoAudio as error:
                raise TaskFailed("There is no audio in the file.", code="NO_VALID_AUDIO_ERROR") from error
            except InvalidInput as error:
                raise TaskFailed(
                    "The file holds no audio that can be read. Convert it to WAV or FLAC, 16 kHz.", code="DECODE_ERROR"
                ) from error
        if not any(transcript.text for transcript in answer.transcripts):
            raise TaskFailed(_SILENCE, code=_SILENCE)
        if file_url.startswith("oss://"):
            # The service gives a signed http link here (service documentation, transcription result), and what a
            # storage host signs is the object's name. Uploads cannot be downloaded, so nothing answers under this one.
            name = quote(file_url.removeprefix("oss://"))
            file_url = self._signed(f"/uploads/{name}", math.ceil(self._clock() + KEPT_S))
        self.touch()
        document = result_document(file_url, audio, answer, self.engine.identity)
        return json.dumps(document, ensure_ascii=False).encode(), math.ceil(audio.duration_s) * len(answer.transcripts)


def _check_whole(**numbers: object) -> None:
    for name, number in numbers.items():
        if type(number) is not int or number < 1:
            raise InvalidInput(f"{name} must be a whole number from 1, not {number!r}.")


def _check_seconds(**durations: object) -> None:
    for name, duration in durations.items():
        if isinstance(duration, bool) or not isinstance(duration, int | float) or not 0 <= duration < math.inf:
            raise InvalidInput(f"{name} must be a number of seconds from 0, not {duration!r}.")


def _check_channels(parameters: Parameters, audio: AudioInfo) -> None:
    beyond = [channel for channel in parameters.channel_id if channel >= audio.channels]
    if beyond:
        raise TaskFailed(
            f"channel_id {beyond[0]} is not in the audio, whose channels are 0 to {audio.channels - 1}.",
            code="InvalidParameter",
        )


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
