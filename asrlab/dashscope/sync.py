"""The synchronous front of the client: each verb is one line."""

from __future__ import annotations

import os
import threading
import weakref
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import partial, update_wrapper
from inspect import signature
from types import MethodType
from typing import TYPE_CHECKING, Concatenate, Generic, Literal, ParamSpec, Self, TypedDict, TypeVar, Unpack, overload

import anyio
from anyio.from_thread import BlockingPortal

from asrlab.dashscope.client import AsyncClient
from asrlab.errors import ServiceError
from asrlab.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    import httpx

    from asrlab.dashscope.pacing import Change, Limits

P = ParamSpec("P")
R = TypeVar("R")


class Options(TypedDict, total=False):
    """Options of a client; see :class:`AsyncClient`."""

    api_key: str | None
    region: Literal["singapore", "beijing"]
    workspace: str | None
    base_url: str | None
    limits: Limits | None
    transport: httpx.AsyncBaseTransport | None


class _Verb(Generic[P, R]):
    """A verb of the asynchronous client, for the synchronous one."""

    def __init__(self, verb: Callable[Concatenate[AsyncClient, P], Awaitable[R]]) -> None:
        self._verb = verb
        update_wrapper(self, verb)  # for help() and signature()

    def __call__(self, client: Client, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return client._run(partial(self._verb, client._client, *args, **kwargs))

    @overload
    def __get__(self, client: None, owner: type[Client]) -> Self: ...
    @overload
    def __get__(self, client: Client, owner: type[Client]) -> Callable[P, R]: ...
    def __get__(self, client: Client | None, owner: type[Client]) -> Self | Callable[P, R]:
        return self if client is None else MethodType(self, client)


class Client(Shown):
    """Client of the file transcription service, for scripts and notebook cells.

    The front of an :class:`AsyncClient` on a thread of its own, so that it works within a running event loop too, with
    the same verbs.

    Parameters
    ----------
    api_key, region, workspace, base_url, limits, transport
        As for :class:`AsyncClient`.

    Examples
    --------
    >>> client = Client(region="beijing")  # doctest: +SKIP
    >>> task = client.submit(client.upload("call.wav"), language="en")  # doctest: +SKIP
    >>> client.result(client.wait(task.task_id)).transcripts[0].text  # doctest: +SKIP
    """

    submit = _Verb(AsyncClient.submit)
    transcribe = _Verb(AsyncClient.transcribe)
    query = _Verb(AsyncClient.query)
    wait = _Verb(AsyncClient.wait)
    result = _Verb(AsyncClient.result)
    upload = _Verb(AsyncClient.upload)
    list_tasks = _Verb(AsyncClient.list_tasks)
    cancel = _Verb(AsyncClient.cancel)
    find_submitted = _Verb(AsyncClient.find_submitted)

    __signature__ = signature(AsyncClient)

    def __init__(self, **options: Unpack[Options]) -> None:
        self._client = AsyncClient(**options)
        self._process = os.getpid()
        self._portal, thread = _start()
        self._closing = weakref.finalize(self, _close, self._process, self._portal, thread, self._client)

    def close(self) -> None:
        """Close the connections; whoever waits in another thread is told so."""
        self._closing()

    @property
    def base_url(self) -> str:
        """Where requests go, with ``/api/v1``."""
        return self._client.base_url

    @property
    def concurrency_history(self) -> list[Change]:
        """As :attr:`AsyncClient.concurrency_history`."""
        return self._client.concurrency_history

    @property
    def throttled(self) -> int:
        """As :attr:`AsyncClient.throttled`."""
        return self._client.throttled

    def __repr__(self) -> str:
        return repr(self._client).replace("AsyncClient", "Client", 1)

    def _told(self) -> list[tuple[str, object]]:
        return self._client._told()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, verb: Callable[[], Awaitable[R]]) -> R:
        if os.getpid() != self._process:
            raise RuntimeError("A client does not survive a fork: make one in each process.")
        future = self._portal.start_task_soon(verb)
        try:
            return future.result()
        except CancelledError:
            raise ServiceError("The client was closed while it was asked.", code="Closed") from None
        except BaseException as error:
            if not future.cancel() and not future.exception():  # a notebook's interrupt ends the request too
                error.add_note(f"The request had been answered already: {future.result()!r}")
            raise


def _start() -> tuple[BlockingPortal, threading.Thread]:
    """Start an event loop on a thread of its own; gives the way into it."""
    started: Future[BlockingPortal] = Future()

    async def main() -> None:
        async with BlockingPortal() as portal:
            started.set_result(portal)
            await portal.sleep_until_stopped()

    thread = threading.Thread(target=anyio.run, args=(main,), name="asrlab client", daemon=True)
    thread.start()
    return started.result(), thread


def _close(process: int, portal: BlockingPortal, thread: threading.Thread, client: AsyncClient) -> None:
    """Close a client; a forked process has not the thread that it runs on."""
    if os.getpid() != process:
        return
    with suppress(RuntimeError):  # it has ended already
        portal.call(client.aclose)
        portal.call(portal.stop, True)  # what is under way is not waited for
    thread.join()
