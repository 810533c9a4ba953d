"""Running the service: within this process, or as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final, Required, TypedDict, Unpack

import click

from asrlab.errors import InvalidInput, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import uvicorn

    from asrlab.engines.base import Engine
    from asrlab.server.documents import Document
    from asrlab.server.service import Service

    _Announce = Callable[[Service, uvicorn.Server], None]

_LOOPBACK: Final = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "::1": "::1"}
_GRACE_S: Final = 3


class _Options(TypedDict, total=False):
    host: str
    port: Required[int]
    media: Required[tuple[str, ...]]
    key: Required[str | None]
    idle_exit: float | None


class LocalService:
    """A service running within this process.

    Made by :func:`serve`.
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

    def __repr__(self) -> str:
        return f"<LocalService {self._service.engine.name} at {self.url}>"


@contextlib.contextmanager
def serve(
    engine: str | Engine = "whisper", *, port: int = 0, media: Iterable[str] = (), key: str | None = None
) -> Iterator[LocalService]:
    """Run a transcription service within this process, on a thread of its own, while entered.

    Parameters
    ----------
    engine : {"whisper", "sphinx"} or Engine
        The recogniser. Where Whisper is not installed, pocketsphinx serves in its stead, with a warning.
    port : int
        Port on the loopback interface; a free one for 0.
    media : iterable of str
        File servers the service may fetch from, such as ``"http://127.0.0.1:8000"``. Uploads need none.
    key : str, optional
        The one API key it takes; any key if not given.

    Yields
    ------
    LocalService
        With its ``url`` and ``status()``.

    Raises
    ------
    InvalidInput
        If the engine or a file server is none, or the port is taken.
    MissingExtra
        If the extra ``local`` is not installed.

    Examples
    --------
    >>> with serve(port=0) as service:  # doctest: +SKIP
    ...     service.status()["recogniser"]["model"]
    'whisper-base'
    """
    started: Future[tuple[Service, uvicorn.Server]] = Future()

    def announce(service: Service, server: uvicorn.Server) -> None:
        started.set_result((service, server))

    def main() -> None:
        try:
            asyncio.run(_serve(engine, announce, port=port, media=tuple(media), key=key))
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
        server.should_exit = True
        thread.join()


def run(  # noqa: PLR0917 - called by the command line alone
    engine: str | Engine = "whisper",
    host: str = "127.0.0.1",
    port: int = 0,
    media: Iterable[str] = (),
    key: str | None = None,
    idle_exit: float | None = None,
) -> None:
    """Run a transcription service until the process is told to end; prints one line with its URL once it listens.

    Parameters
    ----------
    engine, port, media, key
        As for :func:`serve`.
    host : {"127.0.0.1", "localhost", "::1"}
        Loopback address to listen on; the service is for this machine only.
    idle_exit : float, optional
        Seconds without a request and without a task under way after which the service ends by itself.

    Raises
    ------
    InvalidInput, MissingExtra
        As for :func:`serve`; InvalidInput also for an address that other machines could reach.
    """

    def announce(service: Service, server: uvicorn.Server) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers on the loop
                loop.add_signal_handler(number, _stop, server)
        click.echo(f"asrlab serves {service.engine.identity['model']} at {service.url}")

    asyncio.run(_serve(engine, announce, host=host, port=port, media=tuple(media), key=key, idle_exit=idle_exit))


async def _serve(engine: str | Engine, announce: _Announce, **options: Unpack[_Options]) -> None:
    try:
        await _serve_engine(_engine(engine), announce, **options)
    except MissingExtra as error:
        if engine != "whisper":
            raise
        click.echo(f"{error} Until then pocketsphinx serves in its stead: English only, and far less exact.", err=True)
        await _serve_engine(_engine("sphinx"), announce, **options)


async def _serve_engine(
    engine: Engine,
    announce: _Announce,
    *,
    port: int,
    media: tuple[str, ...],
    key: str | None,
    host: str = "127.0.0.1",
    idle_exit: float | None = None,
) -> None:
    try:
        import uvicorn  # noqa: PLC0415 - an extra

        from asrlab.server.app import make_app  # noqa: PLC0415 - an extra
        from asrlab.server.service import Service  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtra("A transcription service on this machine", "local") from error

    class Server(uvicorn.Server):
        """Leaves signals to us: uvicorn would end the process before files are cleaned up."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    with _bound(host, port) as listener:
        address, bound_port = listener.getsockname()[:2]
        url = f"http://{f'[{address}]' if ':' in address else address}:{bound_port}"
        service = Service(engine, url, media=media, key=key)
        async with service.running():
            server = Server(
                uvicorn.Config(
                    make_app(service),
                    log_config=None,
                    log_level="warning",
                    access_log=False,  # a result link carries its signature in the query
                    lifespan="off",
                    ws="none",
                    server_header=False,
                    timeout_graceful_shutdown=_GRACE_S,
                )
            )
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
    raise InvalidInput(f"The recogniser must be 'whisper', 'sphinx' or an engine, not {named!r}.")


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


def _stop(server: uvicorn.Server) -> None:
    server.should_exit = True


async def _stop_when_idle(service: Service, server: uvicorn.Server, idle_exit: float | None) -> None:
    while idle_exit is None or service.idle_s < idle_exit:  # noqa: ASYNC110 - it is time that is waited for
        await asyncio.sleep(1.0 if idle_exit is None else min(1.0, idle_exit / 4))
    _stop(server)
