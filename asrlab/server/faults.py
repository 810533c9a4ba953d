"""Faults on demand: what a client must survive, made to happen.

A fault is written ``ROUTE=KIND``, or ``ROUTE=KIND@RATE`` where it is to meet only some requests. Which ones depends on
the seed and on what a request says, never on the order in which requests come: a run with faults can be repeated.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import tempfile
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, JSONResponse, Response

from asrlab.errors import InvalidInput
from asrlab.server.connections import hang_up
from asrlab.server.documents import LOST, NO_SUCCESS, SCHEDULE_TIME, TOO_MANY, error_document, refusal
from asrlab.server.forms import MalformedForm, read_form
from asrlab.server.replies import EVENT_STREAM, error_frame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from asrlab.server.documents import Document
    from asrlab.server.service import Service

TASK: Final = "task"
"""The route of faults that act on a task and not on a request."""
ROUTES: Final = ("submit", "query", "list", "cancel", "policy", "upload", "result", "generate", "chat", TASK)

_FAILURE: Final = ("InternalError", "An internal error has occurred, please try again later.")
_ANSWERS: Final = {
    "429": (429, *TOO_MANY),
    "429-retry-after": (429, *TOO_MANY),
    "500": (500, *_FAILURE),
    "503": (503, "ModelUnavailable", "The model is unavailable, please try again later."),
    "code-only": (200, *_FAILURE),
}
_INSTEAD: Final = (*_ANSWERS, "502-html", "drop-before")
_AFTER: Final = ("drop-after", "slow", "truncated", "wrong-length")
_NEED_A_BODY: Final = ("slow", "truncated", "wrong-length")
_OF_STREAMS: Final = ("drop-mid", "error-frame")
_ASKED: Final = ("generate", "chat")  # routes that may answer with a stream
_LINK: Final = re.compile(r"(https?|oss)://", re.IGNORECASE)
_HEADER: Final = b"x-asrlab-fault"
_PIECES, _PIECE_S = 10, 0.1
_MISSING_BYTES: Final = 1000
_READ_AHEAD_BYTES: Final = (1 << 30) + (1 << 20)  # the largest upload and its form
_IN_MEMORY_BYTES: Final = 2 << 20


@dataclass(frozen=True)
class Fault:
    """A kind of fault on a route; with a rate, one that meets that share of the requests."""

    route: str
    kind: str
    rate: float | None = None

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read a fault as it is written.

        Raises
        ------
        InvalidInput
            If it is none; the message names the routes, or the kinds that the route has.
        """
        route, equals, rest = text.partition("=") if isinstance(text, str) else ("", "", "")
        kind, at, share = rest.partition("@")
        if not equals or route not in ROUTES:
            raise InvalidInput(
                f"A fault is written ROUTE=KIND or ROUTE=KIND@RATE, not {text!r}. Routes: {', '.join(ROUTES)}."
            )
        _check_kind(route, kind)
        if not at:
            return cls(route, kind)
        rate = -1.0
        with suppress(ValueError):
            rate = float(share)
        if not 0 <= rate <= 1:
            raise InvalidInput(
                f"The rate of a fault is a number from 0 to 1, as in {route}={kind}@0.05, not {share!r}."
            )
        return cls(route, kind, rate)


class Faults:
    """Decides which request meets which fault.

    Parameters
    ----------
    texts : iterable of str
        Faults that hold throughout; one without a rate meets every request of its route.
    seed : int
        Other requests are met under another seed.

    Raises
    ------
    InvalidInput
        If a text is no fault.
    """

    def __init__(self, texts: Iterable[str] = (), *, seed: int = 0) -> None:
        self._lasting = [Fault.parse(text) for text in texts]
        self._seed = seed
        self._next: dict[str, deque[str]] = {route: deque() for route in ROUTES}
        self._seen: Counter[str] = Counter()

    def demand(self, text: str, times: int) -> None:
        """Let the next requests of a route meet a fault; may be called on any thread.

        Raises
        ------
        InvalidInput
            If the text is no fault, or has a rate.
        """
        fault = Fault.parse(text)
        if fault.rate is not None or isinstance(times, bool) or not isinstance(times, int) or times < 1:
            raise InvalidInput(f"A fault on demand has no rate and is had once or more often, not {text!r}, {times!r}.")
        self._next[fault.route].extend([fault.kind] * times)

    def lasting(self, *routes: str) -> bool:
        """Tell whether faults were given at the start for any of these routes, so that :meth:`identify` matters."""
        return any(fault.route in routes for fault in self._lasting)

    def identify(self, route: str, said: str) -> str:
        """Name a request by what it says, and how often a request of the route has said so by now."""
        digest = hashlib.sha256(f"{route}\n{said}".encode()).hexdigest()
        self._seen[digest] += 1
        return f"{digest}/{self._seen[digest]}"

    def decide(self, route: str, header: str | None, identity: str) -> str | None:
        """Give the kind of fault that a request meets.

        Parameters
        ----------
        route : str
            One of ``ROUTES``.
        header : str, optional
            The request's own wish: a kind, or ``task:`` and a kind.
        identity : str
            As :meth:`identify` gave it; used where the route has lasting faults.

        Raises
        ------
        InvalidInput
            If the wish cannot be met.
        """
        wished = header is not None and _wish(route, header)
        if wished:
            return wished
        if self._next[route]:
            return self._next[route].popleft()
        for fault in self._lasting:
            if fault.route == route and self._drawn(fault, identity) < (1 if fault.rate is None else fault.rate):
                return fault.kind
        return None

    def _drawn(self, fault: Fault, identity: str) -> float:
        drawn = hashlib.sha256(f"{self._seed}\n{fault.route}={fault.kind}\n{identity}".encode()).digest()
        return int.from_bytes(drawn[:8]) / 2**64


class Faulty:
    """A route of the application with faults around it.

    Parameters
    ----------
    app : ASGI application
        The route.
    service : Service
        Decides, by its ``faults``.
    route : str
        What the route is called.
    """

    def __init__(self, app: ASGIApp, service: Service, route: str) -> None:
        self._app = app
        self._service = service
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or fail to."""
        faults = self._service.faults
        if not faults.lasting(self._route):
            await self._meet("", scope, receive, send)
            return
        with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as read:
            ahead = _ReadAhead(receive, read)
            identity = faults.identify(self._route, await self._said(scope, ahead))
            await self._meet(identity, scope, ahead.receive, send)

    async def _meet(self, identity: str, scope: Scope, receive: Receive, send: Send) -> None:
        header = next((value.decode("latin-1") for name, value in scope["headers"] if name == _HEADER), None)
        try:
            kind = self._service.faults.decide(self._route, header, identity)
        except InvalidInput as error:
            raise refusal(400, "InvalidParameter", str(error)) from error
        if kind is None:
            await self._app(scope, receive, send)
        elif kind in _AFTER:
            await _spoil(kind, await _answer(self._app, scope, receive), scope, receive, send)
        elif kind in _OF_STREAMS:
            await _break_off(kind, await _messages(self._app, scope, receive), scope, receive, send)
        elif kind == "drop-before":
            await hang_up(scope, receive)
        else:
            await _instead(kind, scope["path"])(scope, receive, send)

    async def _said(self, scope: Scope, ahead: _ReadAhead) -> str:
        """Put in words what a request says, without names that are drawn anew in each run."""
        if self._route in ("submit", *_ASKED):
            return said_by_body(b"".join([block async for block in ahead.blocks()]), self._service)
        if self._route == "upload":
            return await _said_by_upload(scope, ahead)
        task_id = scope["path_params"].get("task_id")
        if task_id is None:
            return json.dumps(sorted(parse_qsl(scope["query_string"].decode("latin-1"))))
        task = self._service.tasks.find(task_id)
        return task.identity if task is not None else task_id


def said_by_body(body: bytes | Document, service: Service) -> str:
    """Put in words what a submit or a synchronous request says: an upload counts by its content, a link by its path.

    Names of uploads are drawn anew each time, and hosts, ports and signatures change from run to run.
    """

    def known(said: object) -> object:
        if isinstance(said, dict):
            return {name: known(value) for name, value in said.items()}
        if isinstance(said, list):
            return [known(value) for value in said]
        if isinstance(said, str) and _LINK.match(said):
            return service.uploads.digest(said) or urlsplit(said).path
        return said

    try:
        return json.dumps(known(json.loads(body) if isinstance(body, bytes) else body), sort_keys=True)
    except (ValueError, TypeError, RecursionError):
        return hashlib.sha256(body if isinstance(body, bytes) else repr(body).encode()).hexdigest()


async def _said_by_upload(scope: Scope, ahead: _ReadAhead) -> str:
    content_type = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"content-type"), "")
    content = hashlib.sha256()
    with suppress(MalformedForm):
        await read_form(content_type, ahead.blocks(), lambda fields: content.update)
    async for _ in ahead.blocks():  # what is left where the form could not be read
        pass
    return content.hexdigest()


class _ReadAhead:
    """A request's body that can be read before it is acted on, and then once more."""

    def __init__(self, receive: Receive, read: IO[bytes]) -> None:
        self._receive = receive
        self._read = read
        self._size = 0
        self._more = True
        self._again: Iterator[Message] | None = None

    async def blocks(self) -> AsyncIterator[bytes]:
        """Read the body, or as much of it as any route would take."""
        while self._more and self._size < _READ_AHEAD_BYTES:
            message = await self._receive()
            if message["type"] != "http.request":
                raise ClientDisconnect
            self._more = message.get("more_body", False)
            block = message.get("body", b"")
            self._size += self._read.write(block)
            yield block

    async def receive(self) -> Message:
        """Give what was read once more, and then what follows."""
        if self._again is None:
            self._again = self._messages()
        return next(self._again, None) or await self._receive()

    def _messages(self) -> Iterator[Message]:
        self._read.seek(0)
        left = self._size
        while left or not self._more:
            block = self._read.read(1 << 16)
            left -= len(block)
            yield {"type": "http.request", "body": block, "more_body": self._more or left > 0}
            if not left:
                return


async def _messages(app: ASGIApp, scope: Scope, receive: Receive) -> list[Message]:
    """Let a route act, and keep what it sends."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    return messages


async def _answer(app: ASGIApp, scope: Scope, receive: Receive) -> Response:
    """Let a route act, and keep its answer."""
    head, *pieces = await _messages(app, scope, receive)
    response = Response(b"".join(piece.get("body", b"") for piece in pieces), head["status"])
    response.raw_headers = head["headers"]
    return response


async def _break_off(kind: str, messages: list[Message], scope: Scope, receive: Receive, send: Send) -> None:
    """Send the first frame of a stream and then a failure or nothing; what is no stream is sent as it is."""
    head, first, *_ = messages
    if not dict(head["headers"]).get(b"content-type", b"").startswith(EVENT_STREAM.encode()):
        for message in messages:
            await send(message)
        return
    await send(head)
    await send(first)
    if kind == "drop-mid":
        await hang_up(scope, receive)
    else:
        frame = error_frame(scope["path"], 500, *_FAILURE)
        await send({"type": "http.response.body", "body": frame})


async def _spoil(kind: str, response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer as a fault has it."""
    body = bytes(response.body)
    if kind == "drop-after":
        await hang_up(scope, receive)
        return
    if kind == "truncated":
        body = body[: len(body) // 2]
    length = len(body) + (_MISSING_BYTES if kind == "wrong-length" else 0)
    headers = [(name, value) for name, value in response.raw_headers if name != b"content-length"]
    headers.append((b"content-length", b"%d" % length))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    if kind == "slow":
        size = -(-len(body) // _PIECES)
        for start in range(0, len(body), size):
            await send({"type": "http.response.body", "body": body[start : start + size], "more_body": True})
            await asyncio.sleep(_PIECE_S)
        body = b""
    if kind == "wrong-length":
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await hang_up(scope, receive)
    else:
        await send({"type": "http.response.body", "body": body})


def _instead(kind: str, path: str) -> Response:
    """Make the answer of a fault that keeps a request from being acted on."""
    if kind == "502-html":
        return HTMLResponse("<html><body><h1>502 Bad Gateway</h1></body></html>\n", 502)
    status, code, message = _ANSWERS[kind]
    headers = {"Retry-After": "1"} if kind == "429-retry-after" else None
    return JSONResponse(error_document(code, message, path), status, headers)


def _wish(route: str, header: str) -> str | None:
    """Read the header by which a request wishes for a fault; None where the wish is for another route."""
    kind = header.strip()
    if kind.startswith(f"{TASK}:"):
        if route not in ("submit", TASK):
            raise InvalidInput(f"Only a submit makes a task that could meet {kind!r}.")
        kind = kind.removeprefix(f"{TASK}:").strip()
        _check_kind(TASK, kind)
        return kind if route == TASK else None
    if route == TASK:
        return None
    _check_kind(route, kind)
    return kind


def _check_kind(route: str, kind: str) -> None:
    if route == TASK:
        if kind not in (LOST, SCHEDULE_TIME, NO_SUCCESS) and not re.fullmatch(r"[A-Z][A-Za-z0-9_.]*", kind):
            raise InvalidInput(
                f"On {TASK} a fault is {LOST}, {SCHEDULE_TIME}, {NO_SUCCESS}, or an error code to fail with such as "
                f"DECODE_ERROR, not {kind!r}."
            )
        return
    kinds = [known for known in (*_INSTEAD, *_AFTER) if route != "upload" or known not in _NEED_A_BODY]
    kinds += _OF_STREAMS if route in _ASKED else ()
    if kind not in kinds:
        raise InvalidInput(f"On {route} a fault is one of {', '.join(kinds)}, not {kind!r}.")
