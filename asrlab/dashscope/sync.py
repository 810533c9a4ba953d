"""The synchronous front of the client: each verb is one line."""

from __future__ import annotations

import weakref
from contextlib import ExitStack
from functools import partial, update_wrapper
from inspect import signature
from types import MethodType
from typing import TYPE_CHECKING, Concatenate, Generic, Literal, ParamSpec, Self, TypedDict, TypeVar, Unpack, overload

from anyio.from_thread import start_blocking_portal

from asrlab.dashscope.client import AsyncClient

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


class Client:
    """Client of the file transcription service, for scripts and notebook cells.

    The front of an :class:`AsyncClient` on a thread of its own, so that it works within a running event loop too. Takes
    the same options and has the same verbs.

    Examples
    --------
    >>> client = Client(region="beijing")  # doctest: +SKIP
    >>> task = client.submit(client.upload("call.wav"), language="en")  # doctest: +SKIP
    >>> client.result(client.wait(task.task_id)).transcripts[0].text  # doctest: +SKIP
    """

    submit = _Verb(AsyncClient.submit)
    query = _Verb(AsyncClient.query)
    wait = _Verb(AsyncClient.wait)
    result = _Verb(AsyncClient.result)
    upload = _Verb(AsyncClient.upload)
    forget_upload = _Verb(AsyncClient.forget_upload)
    list_tasks = _Verb(AsyncClient.list_tasks)
    cancel = _Verb(AsyncClient.cancel)
    find_submitted = _Verb(AsyncClient.find_submitted)

    __signature__ = signature(AsyncClient)

    def __init__(self, **options: Unpack[Options]) -> None:
        self._client = AsyncClient(**options)
        with ExitStack() as stack:
            self._portal = stack.enter_context(start_blocking_portal())
            stack.callback(self._portal.call, self._client.aclose)
            self.close = weakref.finalize(self, stack.pop_all().close)

    @property
    def base_url(self) -> str:
        """Where requests go, with ``/api/v1``."""
        return self._client.base_url

    @property
    def concurrency(self) -> list[Change]:
        """As :attr:`AsyncClient.concurrency`."""
        return self._client.concurrency

    def __repr__(self) -> str:
        return repr(self._client).replace("AsyncClient", "Client", 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, verb: Callable[[], Awaitable[R]]) -> R:
        future = self._portal.start_task_soon(verb)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # a notebook's interrupt ends the request too
            raise
