"""Running the service: within this process, or as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from concurrent.futures import Future
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

import click

from asrlab.errors import InvalidInput, MissingExtra
from asrlab.server.limits import DOCUMENTED
from asrlab.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from asrlab.engines.base import Engine
    from asrlab.server.connections import Server
    from asrlab.server.documents import Document
    from asrlab.server.limits import Limits
    from asrlab.server.service import Service

    _Announce = Callable[[Service, Server], None]

_LOOPBACK: Final = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "::1": "::1"}
_DRAIN_S: Final = 5.0  # the longest usual pause between two queries of a task (service documentation, samples)


class _Options(TypedDict, total=False):
    media: tuple[str, ...]
    key: str | None
    workers: int
    limits: Limits | None
    page_rows: int
    queue_s: float
    run_s: float
    faults: tuple[str, ...]
    seed: int
    vocabularies: Mapping[str, Iterable[str]]


class LocalService(Shown):
    """A service running within this process.

    Made by :func:`asrlab.serve`.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def url(self) -> str:
        """Where it is reached, without any path: ``"http://127.0.0.1:8300"``."""
        return self._service.url

    @property
    def base_url(self) -> str:
        """What clients of the real service call its base: the URL with ``/api/v1``."""
        return f"{self.url}/api/v1"

    def status(self) -> Document:
        """Describe the service: what recognises, what that obeys, and what has been asked so far."""
        return self._service.status()

    def advance(self, seconds: float) -> None:
        """Move the service's clock forward: tasks are kept 24 hours, uploads 48 hours, leave to upload 300 seconds."""
        self._service.advance(seconds)

    def fault(self, text: str, times: int = 1) -> None:
        """Let the next requests of a route meet a fault, which :func:`asrlab.serve` describes.

        Parameters
        ----------
        text : str
            Such as ``"submit=drop-after"`` or ``"task=DECODE_ERROR"``; without a rate.
        times : int
            How many requests.

        Raises
        ------
        InvalidInput
            If there is no such route or kind.
        """
        self._service.faults.demand(text, times)

    def __repr__(self) -> str:
        return f"<LocalService {self._service.engine.name} at {self.url}>"

    def _told(self) -> list[tuple[str, object]]:
        return [("answers", repr(self._service.engine)), ("address", self.url), ("base URL", self.base_url)]


@contextlib.contextmanager
def serve(
    engine: str | Engine = "whisper",
    *,
    port: int = 0,
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
) -> Iterator[LocalService]:
    """Run a transcription service within this process, on a thread of its own, while entered.

    It speaks the protocol of the real service, for ``qwen3-asr-flash-filetrans`` and its siblings (``qwen-audio-3.0-``
    and ``-3.1-asr-flash-filetrans``, ``fun-asr``, ``paraformer-v2``) as for the synchronous ``qwen3-asr-flash``, with
    one recogniser behind all of them. It differs from the real one in this: ``emotion`` is not modelled and always
    ``"neutral"``; times without a zone, which the documentation leaves open, are UTC; ``usage`` is the whole seconds of
    the file, rounded up, times the channels asked for; tokens are counted by words; a stream begins once all has been
    recognised; of the siblings' parameters only ``language_hints``, ``vocabulary_id`` and ``channel_id`` act, and words
    have no ``confidence``; a key is an account, and every account sees all tasks.

    Parameters
    ----------
    engine : {"whisper", "sphinx", "scripted"} or Engine
        The recogniser. Where Whisper is not installed, pocketsphinx serves in its stead, with a warning. ``"scripted"``
        recognises nothing, and says without error what :class:`~asrlab.engines.scripted.ScriptedEngine` makes of a
        recording's digest; give such an engine itself for texts and errors of your own.
    port : int
        Port on the loopback interface; a free one for 0.
    media : iterable of str
        File servers the service may fetch from, such as ``"http://127.0.0.1:8000"``. Uploads need none.
    key : str, optional
        The one API key it takes; any key if not given.
    workers : int
        How many tasks and synchronous requests are worked on at once.
    limits : Limits, optional
        How often an account may ask, as documented for the real service; as often as it likes if None.
    page_rows : int
        Most rows on a page of the task list.
    queue_s, run_s : float
        Seconds that a task stays PENDING, and RUNNING, at the least.
    faults : iterable of str
        What is to go wrong: ``ROUTE=KIND``, or ``ROUTE=KIND@RATE`` for a share of the requests, such as
        ``"submit=drop-after@0.05"``. Which ones depends on the seed and on what a request says, and not on the order of
        requests.

        The routes ``submit``, ``query``, ``list``, ``cancel``, ``policy``, ``upload``, ``result``, ``generate`` and
        ``chat`` (the synchronous ones, native and compatible) have answers instead of theirs: ``429``,
        ``429-retry-after``, ``500``, ``503``, ``502-html``, ``code-only`` (200 without an output); ``drop-before`` and
        ``drop-after``, where the connection is closed before or after the request has been acted on; and spoilt
        answers: ``slow`` (1 s), ``truncated`` (in its JSON) and ``wrong-length`` (broken off), the latter three not for
        ``upload``, which answers with no body. Streams of ``generate`` and ``chat`` have, after their first frame,
        ``drop-mid`` (broken off) and ``error-frame``.

        ``task`` has ``lost`` (accepted, and afterwards unknown), ``schedule-time`` (that spelling in its query),
        ``no-success`` (of siblings: SUCCEEDED, with no sub-task that has), or an error code with which the task fails,
        such as ``task=DECODE_ERROR@0.1``.

        A single request meets a fault if it has the header ``X-Asrlab-Fault: KIND``, or ``task:KIND`` for a submit.
    seed : int
        Of the faults with a rate.
    vocabularies : mapping of str to iterable of str, optional
        Words and phrases by the ``vocabulary_id`` under which siblings take them; they act as a context does.

    Yields
    ------
    LocalService
        With its ``url`` and ``status()``.

    Raises
    ------
    InvalidInput
        If the engine, a file server, a fault, a number or a vocabulary is none, or the port is taken.
    MissingExtra
        If the extra ``local`` is not installed.

    Examples
    --------
    >>> with serve(port=0) as service:  # doctest: +SKIP
    ...     service.status()["recogniser"]["model"]
    'whisper-base'
    """
    started: Future[tuple[Service, Server]] = Future()

    def announce(service: Service, server: Server) -> None:
        started.set_result((service, server))

    def main() -> None:
        try:
            asyncio.run(
                _serve(
                    engine,
                    announce,
                    port=port,
                    media=tuple(media),
                    key=key,
                    workers=workers,
                    limits=limits,
                    page_rows=page_rows,
                    queue_s=queue_s,
                    run_s=run_s,
                    faults=tuple(faults),
                    seed=seed,
                    vocabularies=vocabularies or {},
                )
            )
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = threading.Thread(target=main, name="asrlab service", daemon=True)
    thread.start()
    service, server = started.result()
    try:
        yield LocalService(service)
    finally:
        server.should_exit = True  # without draining: whoever could ask has left the block
        thread.join()


def run(
    engine: str | Engine = "whisper",
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    idle_exit: float | None = None,
    **options: Unpack[_Options],
) -> None:
    """Run a transcription service until the process is told to end; prints one line with its URL once it listens.

    Told to end by SIGTERM or SIGINT, it takes no more tasks; those that have not ended become FAILED with
    ``SERVER_ERROR``, and can be asked for until each has been, for at most 5 s. Told again, it ends at once.

    Parameters
    ----------
    engine, port
        As for :func:`asrlab.serve`.
    host : {"127.0.0.1", "localhost", "::1"}
        Loopback address to listen on; the service is for this machine only.
    idle_exit : float, optional
        Seconds without a request and without a task under way after which the service ends by itself.
    **options
        The others of :func:`asrlab.serve`.

    Raises
    ------
    InvalidInput, MissingExtra
        As for :func:`asrlab.serve`; InvalidInput also for an address that other machines could reach.
    """

    def announce(service: Service, server: Server) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers on the loop
                loop.add_signal_handler(number, server.end)
        click.echo(f"asrlab serves {service.engine.identity['model']} at {service.url}")

    asyncio.run(_serve(engine, announce, host=host, port=port, idle_exit=idle_exit, **options))


async def _serve(
    engine: str | Engine,
    announce: _Announce,
    *,
    host: str = "127.0.0.1",
    port: int,
    idle_exit: float | None = None,
    **options: Unpack[_Options],
) -> None:
    _check_installed()
    try:
        await _serve_engine(_engine(engine), announce, (host, port), idle_exit, options)
    except MissingExtra as error:
        if engine != "whisper":
            raise
        click.echo(f"{error} Until then pocketsphinx serves in its stead: English only, and far less exact.", err=True)
        await _serve_engine(_engine("sphinx"), announce, (host, port), idle_exit, options)


def _check_installed() -> None:
    if any(find_spec(name) is None for name in ("h11", "python_multipart", "starlette", "uvicorn")):
        raise MissingExtra("A transcription service on this machine", "local")


async def _serve_engine(
    engine: Engine, announce: _Announce, at: tuple[str, int], idle_exit: float | None, options: _Options
) -> None:
    from asrlab.server.app import make_app  # noqa: PLC0415 - an extra
    from asrlab.server.connections import Server  # noqa: PLC0415 - an extra
    from asrlab.server.service import Service  # noqa: PLC0415 - an extra

    with _bound(*at) as listener:
        address, bound_port = listener.getsockname()[:2]
        url = f"http://{f'[{address}]' if ':' in address else address}:{bound_port}"
        service = Service(engine, url, **options)
        async with service.running():
            server = Server(make_app(service), lambda: service.tasks.drain(_DRAIN_S), service.tasks.stop)
            announce(service, server)
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(_stop_when_idle(service, server, idle_exit))
                await server.serve(sockets=[listener])
                watch.cancel()


def _engine(named: str | Engine) -> Engine:
    if not isinstance(named, str):
        return named
    if named == "whisper":
        from asrlab.engines.whisper import WhisperEngine  # noqa: PLC0415 - only the engine that is used

        return WhisperEngine()
    if named == "sphinx":
        from asrlab.engines.sphinx import SphinxEngine  # noqa: PLC0415 - only the engine that is used

        return SphinxEngine()
    if named == "scripted":
        from asrlab.engines.scripted import ScriptedEngine  # noqa: PLC0415 - only the engine that is used

        return ScriptedEngine()
    raise InvalidInput(f"The recogniser must be 'whisper', 'sphinx', 'scripted' or an engine, not {named!r}.")


def _bound(host: str, port: int) -> socket.socket:
    if host not in _LOOPBACK:
        raise InvalidInput(
            f"The service is for this machine only, so its host must be one of {', '.join(_LOOPBACK)}, not {host!r}. "
            "To reach it from elsewhere use a tunnel, such as ssh -L."
        )
    address = _LOOPBACK[host]
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        raise InvalidInput(
            f"Port {port} of {host} cannot be had ({error}). Name another, or 0 for a free one."
        ) from error


async def _stop_when_idle(service: Service, server: Server, idle_exit: float | None) -> None:
    while idle_exit is None or service.idle_s < idle_exit:  # noqa: ASYNC110 - it is time that is waited for
        await asyncio.sleep(1.0 if idle_exit is None else min(1.0, idle_exit / 4))
    server.should_exit = True
