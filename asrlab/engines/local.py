"""The embedded default: the service's own protocol, answered on this machine by a real recogniser.

The local service runs as a process of its own. It outlives whoever started it, so that a notebook or script that is
run again finds the model loaded and its encodings at hand; left alone, it ends by itself.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self
from urllib.parse import urlsplit

import filelock

from asrlab.engines.base import UNWATCHED, Capabilities, Engine, Question
from asrlab.errors import InvalidInput, MissingExtra, OutcomeUnknown, ServiceError, TaskFailed
from asrlab.folders import cache_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from asrlab.dashscope import AsyncClient, Bucket
    from asrlab.dashscope.models import Model
    from asrlab.engines.base import Answer, Parameters, Steps

_MODEL: Final = "qwen3-asr-flash-filetrans"
_RECOGNISERS: Final = ("whisper", "sphinx", "scripted")
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_START_S: Final = 180.0  # the first start joins 145 MB of weights
_STATUS_BYTES: Final = 16 << 20
_TRIES: Final = 3
_ENDING: Final = 503  # the status of a service that takes no more tasks
_DIED_WITH_SERVICE: Final = ("UNKNOWN", "SERVER_ERROR")

#: Held because Python warns of a process that is forgotten while it runs, and these are meant to.
_STARTED: Final[list[subprocess.Popen[bytes]]] = []

Status = dict[str, Any]


class LocalEngine(Engine):
    """The service's protocol, spoken to a local service with a real recogniser behind it.

    Every request parameter acts on the decoding; what the recogniser cannot obey is reported as unsupported. Nothing
    leaves this machine, no key is needed, and asking again costs nothing: a question whose outcome is lost, because the
    service was ended, is asked again of a new one.

    Parameters
    ----------
    recogniser : {"whisper", "sphinx", "scripted"}
        What recognises, where a service is found or started; with ``url``, whatever is behind that does.
    url : str, optional
        A local service that is running, such as ``"http://127.0.0.1:8300"``. If not given, the one this user's cache
        folder knows of is used, and one is started where there is none.
    idle_exit_s : float
        Seconds without a request after which a service that was started here ends by itself.
    bucket : str or Bucket, optional
        As for the paid service: to try one's own before it costs anything. The local service must have been told of its
        host: ``asrlab serve --media``.
    model : str
        The model of the service that is asked for: its protocol is spoken, and its limits are kept. The recogniser is
        the same for all.
    mode : str, optional
        In which shape a model that answers at once is asked, as for :class:`asrlab.engines.flash.FlashEngine`.
    split : bool
        Whether such a model is asked about a recording that is too long in pieces, as there.

    Raises
    ------
    InvalidInput
        If there is no such recogniser, bucket or model, the model is not asked in such a mode, or the URL is not on
        this machine.
    ServiceError
        On entering, if no service can be reached or started (code ``LocalService``).
    MissingExtra
        On entering, if one would have to be started, and what it needs is not installed.
    """

    name = "local"
    options: ClassVar[Mapping[str, Literal["identity", "runtime"]]] = {
        "recogniser": "identity",
        "url": "runtime",
        "idle_exit_s": "runtime",
        "bucket": "runtime",
        "model": "identity",
        "mode": "identity",
        "split": "identity",
    }
    concurrency = 16
    free = True

    def __init__(
        self,
        recogniser: str = "whisper",
        *,
        url: str | None = None,
        idle_exit_s: float = 600.0,
        bucket: str | Bucket | None = None,
        model: str = _MODEL,
        mode: str | None = None,
        split: bool = False,
    ) -> None:
        if recogniser not in _RECOGNISERS:
            raise InvalidInput(f"The recogniser must be one of {', '.join(_RECOGNISERS)}, not {recogniser!r}.")
        if url is not None and (urlsplit(url).scheme != "http" or urlsplit(url).hostname not in _LOOPBACK):
            raise InvalidInput(f"A local service has a URL like http://127.0.0.1:8300, not {url!r}.")
        self._recogniser = recogniser
        self._url = None if url is None else url.rstrip("/")
        self._idle_exit_s = idle_exit_s
        self._bucket: Bucket | None = None
        if bucket is not None:
            from asrlab.dashscope import Bucket  # noqa: PLC0415 - brings httpx, which is slow to import

            self._bucket = Bucket.of(bucket)
        self._model, self._mode, self._split = model, mode, split
        self._at_once = False
        if model != _MODEL or mode is not None or split:
            from asrlab.engines.service import check_mode, checked_split  # noqa: PLC0415 - bring httpx, which is slow

            check_mode(model, mode)
            checked_split(split)
            self._at_once = self._row.path == "sync"
            self._mode = mode or self._row.modes[0]
        if split and not self._at_once:
            raise InvalidInput(f"split=True is of models that answer at once; {model} takes recordings of 12 h.")
        self._clients: list[AsyncClient] = []  # the last is in use; earlier ones may be, by questions that will fail
        self._status: Status = {}
        self._connecting = asyncio.Lock()

    @property
    def identity(self) -> Mapping[str, str]:
        """All that the service's recogniser says of itself, as of the engine ``local``; known once entered."""
        recogniser: dict[str, str] = self._known()["recogniser"]
        facts = {"engine": self.name, "recogniser": recogniser["engine"], "region": "local"}
        return recogniser | facts | self._asked

    @property
    def _asked(self) -> dict[str, str]:
        """What the identity says of the model that is asked for, where that is not the usual one."""
        asked = {} if self._model == _MODEL else {"asked_model": self._model}
        if self._at_once and self._mode is not None:
            asked["mode"] = self._mode
        if self._split:
            from asrlab.engines.pieces import RECIPE  # noqa: PLC0415 - brings httpx, which is slow to import

            asked["split"] = str(RECIPE)
        return asked

    @property
    def _row(self) -> Model:
        from asrlab.dashscope.models import model_of  # noqa: PLC0415 - brings httpx, which is slow to import

        return model_of(self._model)

    @property
    def capabilities(self) -> Capabilities:  # type: ignore[override]  # known once entered
        """What the service says its recogniser obeys, of what the model takes; known once entered."""
        from asrlab.engines.flash import split_capabilities  # noqa: PLC0415 - brings httpx, which is slow to import
        from asrlab.engines.service import capabilities_of  # noqa: PLC0415 - brings httpx, which is slow to import

        obeyed = self._known()["capabilities"]
        itn, heard = obeyed.get("itn_languages"), frozenset(obeyed["languages"])
        takes = capabilities_of(self._row)
        if self._split:
            takes = split_capabilities(takes)
        return Capabilities(
            takes.parameters.intersection(obeyed["parameters"]),
            heard if takes.languages is None or self._model == _MODEL else takes.languages & heard,
            itn_languages=None if itn is None else frozenset(itn),
            context_tokens=obeyed.get("context_tokens"),
            audio_s=takes.audio_s if self._at_once else None,
            audio_bytes=takes.audio_bytes if self._at_once else None,
            link_s=takes.link_s,
        )

    @property
    def submits_per_minute(self) -> float:  # type: ignore[override]  # known once entered
        """How many submits the service takes in a minute; known once entered."""
        return self._known().get("limits", {}).get("submits_per_minute") or inf

    @property
    def server(self) -> str | None:
        """The service and its version."""
        return f"asrlab {self._status['version']}" if self._status else None

    @property
    def throttled(self) -> int:
        """How many requests the service refused because there were too many."""
        return sum(client.throttled for client in self._clients)

    async def __aenter__(self) -> Self:
        """Reach a service, or start one."""
        self._connecting = asyncio.Lock()  # locks belong to one event loop
        self._status = {}
        await self._connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections; the service goes on."""
        clients, self._clients = self._clients, []
        for client in clients:
            await client.aclose()

    def may_be(self, identity: Mapping[str, str]) -> bool:
        """Whether an identity is of a local service with this recogniser, asked for this model."""
        asked = {name: identity[name] for name in ("asked_model", "mode", "split") if name in identity}
        return (identity.get("engine"), identity.get("recogniser"), asked) == (self.name, self._recogniser, self._asked)

    def variant(self, **options: str) -> Engine:
        """Give an engine that asks for another ``model``, or in another ``mode``.

        Raises
        ------
        InvalidInput
            If there is no such model, it is not asked in such a mode, or another region is wanted.
        """
        if options.get("region", "local") != "local":
            return super().variant(region=options["region"])
        from asrlab.engines.service import check_mode  # noqa: PLC0415 - brings httpx, which is slow to import

        model = options.get("model", self._model)
        keeps = model == self._model or options.get("mode") is not None
        mode = options.get("mode", self._mode) if keeps else None
        check_mode(model, mode, axes=options)
        made = LocalEngine(
            self._recogniser,
            url=self._url,
            idle_exit_s=self._idle_exit_s,
            bucket=self._bucket,
            model=model,
            mode=mode,
        )
        made._split = self._split and made._at_once
        return made

    def sent(self, parameters: Parameters) -> Parameters:
        """Give the parameters as they are sent, which differs by model."""
        from asrlab.engines.service import sent  # noqa: PLC0415 - brings httpx, which is slow to import

        return sent(parameters, self._row)

    def requests(self, duration_s: float) -> int:
        """Into how many requests a recording is split at most."""
        from asrlab.data.pauses import pieces_at_most  # noqa: PLC0415 - brings NumPy, which is slow to import
        from asrlab.engines.pieces import PIECE_S  # noqa: PLC0415 - brings httpx, which is slow to import

        return pieces_at_most(duration_s, most_s=PIECE_S) if self._split else 1

    def check(self, parameters: Parameters) -> None:
        """Refuse parameters that the service would refuse or misread."""
        from asrlab.engines.service import check  # noqa: PLC0415 - brings httpx, which is slow to import

        check(parameters, self._row)

    async def transcribe(self, question: Question, steps: Steps = UNWATCHED) -> Answer:
        """Ask the service; see :class:`asrlab.engines.base.Engine`."""
        for left in reversed(range(_TRIES)):
            if not self._clients:
                raise RuntimeError("LocalEngine must be entered first: async with LocalEngine() as engine: ...")
            client = self._clients[-1]
            try:
                answer = await self._ask(client, question, steps)
            except TaskFailed as error:
                if error.code not in _DIED_WITH_SERVICE or not left:
                    raise
            except (OutcomeUnknown, ServiceError) as error:
                late = error.code == "Timeout" and not isinstance(error, OutcomeUnknown)  # it goes on, but for too long
                not_its_own = error.code == "Bucket"
                if error.http_status not in (None, _ENDING) or late or not_its_own or not left:
                    raise
                await self._reconnect(client)
            else:
                identity = self.identity
                model = f"{identity['model']} {identity.get('version', '')}".rstrip()
                if answer.raw and answer.model != model:
                    raise _replaced(answer.model)
                return replace(answer, model=model)  # silence comes without a document to say what found it
            question = Question(question.audio, question.parameters)  # the task died with its service
        raise AssertionError("unreachable")

    async def _ask(self, client: AsyncClient, question: Question, steps: Steps) -> Answer:
        from asrlab.engines import filetrans, flash  # noqa: PLC0415 - bring httpx, which is slow to import

        if not self._at_once or self._mode is None:
            return await filetrans.ask(client, question, steps, model=self._model, bucket=self._bucket)
        return await flash.ask(
            client,
            question,
            steps,
            model=self._model,
            mode=self._mode,
            split=self._split,
            bucket=self._bucket,
            keep=False,  # asking again costs nothing
        )

    def __repr__(self) -> str:
        asked = f" as {' '.join([self._model, *([self._mode] if self._at_once and self._mode else [])])}"
        at = f" at {self._url}" if self._url else ""
        return f"<LocalEngine {self._recogniser}{asked if self._asked else ''}{at}>"

    def _known(self) -> Status:
        if not self._status:
            raise RuntimeError("What a local service is, is known once the engine has been entered.")
        return self._status

    async def _reconnect(self, failed: AsyncClient) -> None:
        """Reach the service anew, unless somebody has done so since ``failed`` was in use."""
        async with self._connecting:
            if self._clients[-1] is failed:
                await self._connect()

    async def _connect(self) -> None:
        from asrlab.dashscope import AsyncClient, Limits  # noqa: PLC0415 - brings httpx, which is slow to import

        url = self._url
        if url is None:
            url = await asyncio.to_thread(_find_or_start, self._recogniser, self._idle_exit_s)
        status = await asyncio.to_thread(_status, url)
        if status is None:
            raise _unreachable(f"No local service answers at {url}. Start one with: asrlab serve")
        if self._status and status["recogniser"] != self._status["recogniser"]:
            raise _replaced(status["recogniser"]["model"])
        # Any key is taken, so the user's own is never sent; a new one each time keeps uploads to a former service
        # apart.
        told = status.get("limits", {})
        limits = Limits(
            queries_per_s=told.get("queries_per_s") or inf,
            submits_per_minute=told.get("submits_per_minute") or inf,
            uploads_per_s=told.get("uploads_per_s") or inf,
        )
        self._clients.append(
            AsyncClient(api_key=f"local-{secrets.token_hex(8)}", base_url=f"{url}/api/v1", limits=limits)
        )
        self._status = status


def _find_or_start(recogniser: str, idle_exit_s: float) -> str:
    """Give the URL of this user's local service, which is started if there is none."""
    folder = cache_folder("service")
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / f"{recogniser}-{version('asrlab')}.json"
    try:
        with filelock.FileLock(folder / "starting.lock", timeout=_START_S):
            url = _noted(note)
            if url is not None:
                status = _status(url)
                if status is not None and status.get("recogniser", {}).get("engine") == recogniser:
                    return url
            url = _start(recogniser, idle_exit_s, folder / f"{recogniser}.log")
            note.write_text(json.dumps({"url": url}), encoding="utf-8")
            return url
    except filelock.Timeout:
        raise _unreachable(
            f"Another process has been starting the local service for over {_START_S:.0f} s. End it, and run again."
        ) from None


def _noted(note: Path) -> str | None:
    try:
        url = json.loads(note.read_text(encoding="utf-8"))["url"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return url if isinstance(url, str) and urlsplit(url).hostname in _LOOPBACK else None


def _start(recogniser: str, idle_exit_s: float, log: Path) -> str:
    if find_spec("starlette") is None:
        raise MissingExtra("A transcription service on this machine", "local")
    command = [sys.executable, "-m", "asrlab", "serve", "--engine", recogniser, "--port", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [*command, "--no-limits", "--idle-exit", str(idle_exit_s)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # it is shared: what ends its first user does not end it
        )
    _STARTED.append(process)
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        said = log.read_text(encoding="utf-8", errors="replace")
        for line in said.splitlines():
            if line.startswith("asrlab serves ") and said.endswith("\n"):
                return line.rpartition(" at ")[2].strip()
        if process.poll() is not None:
            raise _unreachable(f"The local service ended while starting: {said.strip()[-500:]}")
        time.sleep(0.05)
    process.terminate()
    raise _unreachable(f"The local service did not start within {_START_S:.0f} s; it said: {said.strip()[-500:]}")


def _status(url: str) -> Status | None:
    """Ask a local service what it is; None where none answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback goes past proxies
    try:
        with opener.open(f"{url}/asrlab/status", timeout=10) as response:
            status = json.loads(response.read(_STATUS_BYTES))
    except (OSError, ValueError):
        return None
    return status if isinstance(status, dict) and status.get("service") == "asrlab" else None


def _replaced(model: str) -> ServiceError:
    return _unreachable(f"The local service was replaced by one with another recogniser ({model}). Run again.")


def _unreachable(message: str) -> ServiceError:
    return ServiceError(message, code="LocalService")
