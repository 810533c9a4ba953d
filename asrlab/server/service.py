"""What the service does with a request: get its audio, ask the recogniser, write the result."""

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
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from asrlab.errors import InvalidInput, TaskFailed
from asrlab.server.asked import read_links, read_parameters
from asrlab.server.documents import ACCESS_KEY_ID, NO_SUCCESS, Document, refusal, result_document, usage_document
from asrlab.server.faults import ROUTES, TASK, Faults, said_by_body
from asrlab.server.limits import DOCUMENTED, UNLIMITED, Throttle
from asrlab.server.media import AUDIO_S, Media, named_origin
from asrlab.server.models import ASYNC, LANGUAGES
from asrlab.server.recognition import file_code, recognise, refused
from asrlab.server.signing import Signer
from asrlab.server.tasks import KEPT_S, Part, Tasks, ending
from asrlab.server.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from asrlab.engines.base import Engine, Parameters
    from asrlab.server.asked import Ask
    from asrlab.server.limits import Limits
    from asrlab.server.recognition import Heard
    from asrlab.server.tasks import Task

_ASKED_BYTES: Final = 10 << 20  # 10 MB, of a file behind a link (service documentation, synchronous model)
_ASKED_S: Final = 300  # 5 min (as above); that there is a least length is documented, and not which
_SILENCE: Final = "SUCCESS_WITH_NO_VALID_FRAGMENT"
_ACTS_AS: Final = {"language_hints": "language", "vocabulary_id": "context"}  # where the recogniser has no such thing


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
        How many tasks and synchronous requests are worked on at once.
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
    vocabularies : mapping of str to iterable of str
        Words and phrases by the ``vocabulary_id`` under which sibling models take them.
    clock : callable
        Seconds since the epoch.

    Raises
    ------
    InvalidInput
        If a file server, a number, a fault or a vocabulary is none.
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
        vocabularies: Mapping[str, Iterable[str]] | None = None,
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
        self.submits = 0
        """Tasks and synchronous requests that were taken."""
        self.submits_by_file: Counter[str] = Counter()
        """How many of them were about each file."""
        self.signer = Signer()
        self._vocabularies = _vocabularies(vocabularies or {})
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
            The ``input`` and ``parameters`` of the request, the latter None where there were none.
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
            raise ending()
        identity = ""
        if self.faults.lasting(*ROUTES):
            identity = self.faults.identify(TASK, said_by_body({"model": model, **request}, self))
        kind = self.faults.decide(TASK, fault, identity)
        links: list[object] = [None]
        with contextlib.suppress(TaskFailed):  # as it will when it runs
            links = read_links(ASYNC[model], request["input"])
        self._count(_name(link) for link in links)
        return self.tasks.submit(
            model, request, resolve_oss=resolve_oss, fault=kind, identity=identity, files=len(links)
        )

    async def answer(self, ask: Ask, *, resolve_oss: bool) -> Heard:
        """Answer a synchronous request, in its turn among the tasks.

        Raises
        ------
        ServiceError
            If it cannot be answered; ``http_status`` and ``code`` say how it is refused.
        """
        if not self.tasks.accepting:
            raise ending()
        if _is_upload(ask.audio) and not resolve_oss:
            raise refusal(
                400,
                "InvalidParameter.DataInspection",
                "The URL does not appear to be valid: an oss:// link needs the header "
                "X-DashScope-OssResourceResolve: enable.",
            )
        self._count([_name(ask.audio)])
        try:
            return await self.tasks.in_turn(self._answer(ask))
        except TaskFailed as error:
            raise refused(error) from error
        finally:
            self.touch()

    def status(self) -> Document:
        """Describe the service: what recognises, which parameters act on it, and what has been asked so far.

        Which of the parameters a model has, its documentation says; the languages are those of qwen3's.
        """
        capabilities = self.engine.capabilities
        acting = capabilities.parameters | {
            name for name, other in _ACTS_AS.items() if other in capabilities.parameters
        }
        return {
            "service": "asrlab",
            "version": version("asrlab"),
            "recogniser": dict(self.engine.identity),
            "capabilities": {
                "parameters": sorted(acting),
                "languages": sorted(LANGUAGES if (takes := capabilities.languages) is None else takes & LANGUAGES),
                "itn_languages": None if capabilities.itn_languages is None else sorted(capabilities.itn_languages),
                "context_tokens": capabilities.context_tokens,
            },
            "submits": self.submits,
            "submits_by_file": dict(self.submits_by_file),
            "tasks": self.tasks.states(),
            "limits": {
                name: number if math.isfinite(number) else None for name, number in asdict(self.throttle.limits).items()
            },
            "requests": {route: self.requests[route] for route in ROUTES if route != TASK},
            "throttled": {route: self.throttle.refused[route] for route in ROUTES if route != TASK},
        }

    def result_urls(self, task: Task) -> list[str | None]:
        """Sign a link to each result of a task, that holds for as long as it is kept; None where there is none."""
        if task.ended is None:
            return []
        expires = math.ceil(task.ended + KEPT_S)
        return [
            None if part.result is None else self._signed(f"/results/{task.task_id}.{number}.json", expires)
            for number, part in enumerate(task.parts)
        ]

    def result(self, name: str, expires: str, signature: str) -> bytes | None:
        """Look up the result behind a signed link; None where the signature is wrong or the link has expired."""
        path = f"/results/{name}.json"
        if not self.signer.holds(f"{path}?{expires}", signature) or self._clock() > int(expires):
            return None
        task_id, _, number = name.rpartition(".")
        task = self.tasks.find(task_id)
        return task.parts[int(number)].result if task is not None else None

    def _signed(self, path: str, expires: int) -> str:
        signature = self.signer.sign(f"{path}?{expires}")
        return f"{self.url}{path}?Expires={expires}&OSSAccessKeyId={ACCESS_KEY_ID}&Signature={signature}"

    def _clock(self) -> float:
        return self._given_clock() + self._ahead_s

    def _count(self, files: Iterable[str]) -> None:
        self.submits += 1
        self.submits_by_file.update(files)

    async def _answer(self, ask: Ask) -> Heard:
        async with contextlib.AsyncExitStack() as stack:
            if ask.content is not None:
                path = stack.enter_context(self._media.inline(ask.content))
            else:
                local = self._media.local(ask.audio, ask.model, bound=_ASKED_BYTES)
                path = await stack.enter_async_context(local)
            return await recognise(self.engine, path, ask.parameters, longest_s=_ASKED_S)

    async def _transcribe(self, task: Task) -> tuple[Part, ...]:
        family = task.family
        links = read_links(family, task.request["input"])
        parameters = read_parameters(family, task.request["parameters"], self._vocabularies)
        if not family.is_sibling:
            return (await self._part(task, links[0], parameters),)
        if task.fault == NO_SUCCESS:
            message = "The audio file cannot be downloaded."
            return tuple(Part.failed(self._shown(link), "InvalidFile.DownloadFailed", message) for link in links)
        for link in links:
            task.parts += (await self._subtask(task, link, parameters),)
        return task.parts

    async def _subtask(self, task: Task, link: object, parameters: Parameters) -> Part:
        try:
            return await self._part(task, link, parameters)
        except TaskFailed as error:
            return Part.failed(self._shown(link), file_code(error.code), error.message)

    async def _part(self, task: Task, link: object, parameters: Parameters) -> Part:
        if _is_upload(link) and not task.resolve_oss:
            raise TaskFailed(
                "An oss:// link needs the header X-DashScope-OssResourceResolve: enable on the submit.",
                code=task.family.unresolved,
            )
        async with self._media.local(link, task.model) as path:
            usual = task.family.usual_hints
            heard = await recognise(self.engine, path, parameters, longest_s=AUDIO_S, usual_hints=usual)
        if heard.is_silent:  # of siblings it is not documented which of the two codes of silence they have
            raise TaskFailed(_SILENCE, code=_SILENCE)
        self.touch()
        file_url = self._shown(link)
        document = result_document(task.family, file_url, heard, self.engine.identity)
        result = json.dumps(document, ensure_ascii=False).encode()
        return Part(file_url, result, usage_document(task.family, heard))

    def _shown(self, link: object) -> str:
        """Give a link as results have it.

        For an upload the service gives a signed http link (service documentation, transcription result), and what a
        storage host signs is the object's name. Uploads cannot be downloaded, so nothing answers under this one.
        """
        shown = link if isinstance(link, str) else ""
        if _is_upload(shown):
            return self._signed(f"/uploads/{quote(shown[len('oss://') :])}", math.ceil(self._clock() + KEPT_S))
        return shown


def _is_upload(link: object) -> bool:
    return isinstance(link, str) and link.lower().startswith("oss://")


def _name(link: object) -> str:
    """Make the name under which a file is counted: a signed link is the same file whatever its signature."""
    return link.partition("?")[0].partition("#")[0] if isinstance(link, str) else ""


def _vocabularies(given: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Make the text of each vocabulary that helps the recogniser."""
    texts = {}
    for name, words in given.items():
        listed = [words] if isinstance(words, str) else list(words)
        if not name or not listed or not all(isinstance(word, str) and word.strip() for word in listed):
            raise InvalidInput(f"A vocabulary has a name and words, not {name!r} with {listed!r}.")
        texts[name] = ", ".join(word.strip() for word in listed)
    return texts


def _check_whole(**numbers: object) -> None:
    for name, number in numbers.items():
        if type(number) is not int or number < 1:
            raise InvalidInput(f"{name} must be a whole number from 1, not {number!r}.")


def _check_seconds(**durations: object) -> None:
    for name, duration in durations.items():
        if isinstance(duration, bool) or not isinstance(duration, int | float) or not 0 <= duration < math.inf:
            raise InvalidInput(f"{name} must be a number of seconds from 0, not {duration!r}.")
