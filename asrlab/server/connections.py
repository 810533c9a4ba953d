"""Connections: uvicorn's, with refusals in JSON, and a way to break one off without an answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from typing import TYPE_CHECKING, Final

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from asrlab.server.documents import error_document

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from starlette.types import ASGIApp, Receive, Scope

SERVER: Final = "asrlab"
"""How the service names itself, so that its answers cannot pass for those of the real one."""
_TRANSPORT: Final = "asrlab.transport"
_IDLE_S: Final = 75  # a client may well pause for longer than uvicorn's 5 s between two queries
_GRACE_S: Final = 3


class Connection(H11Protocol):
    """One connection, which its requests can find in their state."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let the requests find it."""
        # asyncio does so itself only for sockets that were made with the protocol's number, and ours was not. An answer
        # goes out in two writes, and without this the second waits some 40 ms for an acknowledgement of the first.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {**self.app_state, _TRANSPORT: transport}
        super().connection_made(transport)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or has too long a head; nothing is said where an answer has begun."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps(error_document("InvalidParameter", msg)).encode()
            headers = [
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
                ("Connection", "close"),
            ]
            response = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
            for event in (response, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def shutdown(self) -> None:
        """End when the answer under way is out; a request that is still arriving is not waited for."""
        if self.cycle is not None and not self.cycle.response_complete and self.cycle.more_body:
            self.transport.abort()
        else:
            super().shutdown()


class Server(uvicorn.Server):
    """Serves an application until told to end.

    Parameters
    ----------
    app : ASGI application
        What is served.
    drain : callable
        Awaited before the end, where that is asked for by :meth:`end`.
    stop : callable
        Called at the end, so that whoever waits for an answer is told and need not be waited for.
    """

    def __init__(self, app: ASGIApp, drain: Callable[[], Awaitable[None]], stop: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Connection,
                log_config=None,
                log_level="warning",
                access_log=False,  # a result link carries its signature in the query
                lifespan="off",
                ws="none",
                server_header=False,
                headers=[("Server", SERVER)],
                timeout_keep_alive=_IDLE_S,
                timeout_graceful_shutdown=_GRACE_S,
            )
        )
        self._drain = drain
        self._stop = stop
        self._ending: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to us: uvicorn would end the process before files are cleaned up."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop what is under way, and let the connections end."""
        self._stop()
        await super().shutdown(sockets)

    def end(self) -> None:
        """Drain, then end; asked for a second time, end at once."""
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._end())
        else:
            self.should_exit = True

    async def _end(self) -> None:
        await self._drain()
        self.should_exit = True


async def hang_up(scope: Scope, receive: Receive) -> None:
    """Close the connection of a request that has no complete answer yet.

    Raises
    ------
    RuntimeError
        If the request came over no connection, as in tests that call the application itself.
    """
    transport = scope.get("state", {}).get(_TRANSPORT)
    if transport is None:
        raise RuntimeError("A connection can be dropped only where there is one: ask over HTTP.")
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
