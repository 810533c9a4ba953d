"""The HTTP side: routes, what is checked in which order, and how refusals look."""

from __future__ import annotations

import asyncio
import hmac
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from asrlab.errors import ServiceError
from asrlab.server.asked import DATA_BYTES, Ask, read_chat, read_generation
from asrlab.server.bodies import is_unread, json_object, member, read_body
from asrlab.server.documents import (
    COMPATIBLE,
    TOO_MANY,
    accepted_document,
    error_document,
    list_document,
    new_request_id,
    refusal,
    task_document,
    unknown_document,
)
from asrlab.server.faults import Faulty
from asrlab.server.models import ASYNC, ELSEWHERE, SYNC
from asrlab.server.replies import EVENT_STREAM, chat_document, chat_frames, generation_document, generation_frames
from asrlab.server.tasks import KEPT_S

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from asrlab.server.documents import Document
    from asrlab.server.recognition import Heard
    from asrlab.server.service import Service

    _Endpoint = Callable[[Request], Awaitable[Response]]

PREFIX: Final = "/api/v1"
UPLOAD_PATH: Final = "/upload"
BODY_BYTES: Final = 1 << 20
"""Longest body of a submit; a context of 10,000 tokens is far below."""
ASK_BYTES: Final = 2 * DATA_BYTES
"""Longest body of a synchronous request: one with somewhat too much audio is read, and told so."""


def make_app(service: Service) -> ASGIApp:
    """Make the ASGI application of a service."""
    routes = _Routes(service)

    def route(name: str, path: str, endpoint: _Endpoint, *methods: str) -> Route:
        around = [Middleware(_Counted, counts=service.requests, route=name), Middleware(Faulty, service, name)]
        return Route(path, endpoint, methods=methods, middleware=around)

    app = Starlette(
        routes=[
            Route("/", routes.greet),
            Route("/asrlab/status", routes.status),
            route("submit", f"{PREFIX}/services/audio/asr/transcription", routes.submit, "POST"),
            route("list", f"{PREFIX}/tasks", routes.list_tasks, "GET"),
            route("list", f"{PREFIX}/tasks/", routes.list_tasks, "GET"),
            route("query", f"{PREFIX}/tasks/{{task_id}}", routes.query, "GET", "POST"),
            route("cancel", f"{PREFIX}/tasks/{{task_id}}/cancel", routes.cancel, "POST"),
            route("policy", f"{PREFIX}/uploads", routes.grant_upload, "GET"),
            route("upload", UPLOAD_PATH, routes.upload, "POST"),
            route("result", "/results/{name}.json", routes.result, "GET"),
            route("generate", f"{PREFIX}/services/aigc/multimodal-generation/generation", routes.generate, "POST"),
            route("chat", f"{COMPATIBLE}/chat/completions", routes.chat, "POST"),
        ],
        exception_handlers={ServiceError: _refused, HTTPException: _no_such_route, ClientDisconnect: _nobody},
    )
    app.router.redirect_slashes = False
    return _FromThisMachine(app, service)


class _Counted:
    """A route whose requests are counted, whatever becomes of them."""

    def __init__(self, app: ASGIApp, counts: Counter[str], route: str) -> None:
        self._app = app
        self._counts = counts
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._counts[self._route] += 1
        await self._app(scope, receive, send)


class _Routes:
    """One method a route."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def greet(self, request: Request) -> Response:
        return PlainTextResponse("asrlab: a transcription service on this machine; its state is at /asrlab/status\n")

    async def status(self, request: Request) -> Response:
        # One that is ending is not to be taken for one to ask.
        return JSONResponse(self._service.status(), 200 if self._service.tasks.accepting else 503)

    async def submit(self, request: Request) -> Response:
        """Check in the documented order; what is wrong with the link or the audio shows later, in the task."""
        # The body is read before anything is refused, so that the connection can go on to serve its client.
        content = await read_body(request, BODY_BYTES)
        self._admit(request, "submit")
        body = json_object(content)
        model = _model(body)
        if model not in ASYNC and model not in (*SYNC, *ELSEWHERE):
            raise _no_model(model)
        if not _enabled(request, "X-DashScope-Async"):
            raise refusal(
                403,
                "AccessDenied",
                "This API does not support synchronous calls: send the header X-DashScope-Async: enable.",
            )
        if model not in ASYNC:
            raise _other_path()
        _check_input(body)
        parameters = None if body.get("parameters") is None else member(body, "parameters")
        task = self._service.submit(
            model,
            {"input": member(body, "input"), "parameters": parameters},
            resolve_oss=_enabled(request, "X-DashScope-OssResourceResolve"),
            fault=request.headers.get("X-Asrlab-Fault"),
        )
        return JSONResponse(accepted_document(task))

    async def query(self, request: Request) -> Response:
        self._admit(request, "query")
        task_id = request.path_params["task_id"]
        task = self._service.tasks.find(task_id)
        if task is None:
            return JSONResponse(unknown_document(task_id))
        self._service.tasks.told(task)
        return JSONResponse(task_document(task, self._service.result_urls(task)))

    async def cancel(self, request: Request) -> Response:
        self._admit(request, "cancel")
        if not self._service.tasks.cancel(request.path_params["task_id"]):
            raise refusal(
                400,
                "UnsupportedOperation",
                "Failed to cancel the task, please confirm if the task is in PENDING status.",
            )
        return JSONResponse({"request_id": new_request_id()})

    async def list_tasks(self, request: Request) -> Response:
        self._admit(request, "list")
        asked = request.query_params
        page_no = _whole(request, "page_no", 1)
        page_size = min(_whole(request, "page_size", 10), self._service.page_rows)
        start, end = _moment(request, "start_time"), _moment(request, "end_time")
        if start is not None and end is not None and not 0 <= end - start <= KEPT_S:
            raise refusal(400, "InvalidParameter", "end_time must follow start_time by at most 24 hours.")
        rows = self._service.tasks.listed(
            start, end, model=asked.get("model_name") or None, state=asked.get("status") or None
        )
        page = rows[(page_no - 1) * page_size : page_no * page_size]
        return JSONResponse(list_document(page, total=len(rows), page_no=page_no, page_size=page_size))

    async def grant_upload(self, request: Request) -> Response:
        model = request.query_params.get("model", "")
        self._admit(request, "policy", model)
        if request.query_params.get("action") != "getPolicy":
            raise refusal(400, "InvalidParameter", "action must be getPolicy.")
        if not model:
            raise refusal(400, "InvalidParameter", "model must name the model that the upload is for.")
        return JSONResponse(self._service.uploads.policy_document(model, self._service.url + UPLOAD_PATH))

    async def upload(self, request: Request) -> Response:
        status = await self._service.uploads.receive(request.headers.get("Content-Type", ""), request.stream())
        return Response(status_code=status)

    async def result(self, request: Request) -> Response:
        """Give a result to whoever has its link: no key is asked for, nor wanted."""
        document = self._service.result(
            request.path_params["name"],
            request.query_params.get("Expires", ""),
            request.query_params.get("Signature", ""),
        )
        if document is None:
            raise refusal(403, "AccessDenied", "Request has expired, or its signature is wrong.")
        return Response(document, media_type="application/json")

    async def generate(self, request: Request) -> Response:
        """Answer a synchronous request in the native form, checked in the order of submits."""
        ask = await self._asked(request, "generate")
        heard = await self._heard(request, ask)
        if ask.stream:
            return _stream(generation_frames(ask, heard, self._service.engine.identity))
        return JSONResponse(generation_document(heard, self._service.engine.identity))

    async def chat(self, request: Request) -> Response:
        """Answer a synchronous request in the compatible form; the order of its checks is not documented."""
        ask = await self._asked(request, "chat")
        heard = await self._heard(request, ask)
        if ask.stream:
            return _stream(chat_frames(ask, heard, self._service.engine.identity))
        return JSONResponse(chat_document(ask, heard, self._service.engine.identity))

    async def _asked(self, request: Request, route: str) -> Ask:
        """Read a synchronous request; its body, which may be large, is let go of with that."""
        content = await read_body(request, ASK_BYTES)
        self._admit(request, route)
        body = json_object(content)
        model = _model(body)
        if model not in ASYNC and model not in SYNC:
            raise _no_model(model)
        if _enabled(request, "X-DashScope-Async"):
            raise refusal(
                403,
                "AccessDenied",
                "This API does not support asynchronous calls: leave the header X-DashScope-Async out.",
            )
        if route == "chat":
            if model not in SYNC:
                raise refusal(404, "model_not_supported", f"The model {model} is not of this path.")
            return read_chat(body)
        if model not in SYNC:
            raise _other_path()
        _check_input(body)
        return read_generation(body, stream=_enabled(request, "X-DashScope-SSE"))

    async def _heard(self, request: Request, ask: Ask) -> Heard:
        resolve_oss = _enabled(request, "X-DashScope-OssResourceResolve")
        return await _unless_gone(request, self._service.answer(ask, resolve_oss=resolve_oss))

    def _admit(self, request: Request, route: str, *within: str) -> None:
        """Let in whoever has a key, as often as the key's account may ask."""
        if not self._service.throttle.admit(route, self._authorize(request), *within):
            raise refusal(429, *TOO_MANY)

    def _authorize(self, request: Request) -> str:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        key = key.strip()
        wanted = self._service.key
        right = bool(key) if wanted is None else hmac.compare_digest(key.encode(), wanted.encode())
        if scheme.lower() != "bearer" or not right:
            raise refusal(401, "InvalidApiKey", "Invalid API-key provided.")
        return key


class _FromThisMachine:
    """Refuses what a web page from elsewhere could make a browser send here: a foreign Host or Origin."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service
        port = urlsplit(service.url).port
        self._hosts = frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self._service.touch()
        headers = {name: value.decode("latin-1").lower() for name, value in scope["headers"]}
        origin = headers.get(b"origin")
        if headers.get(b"host") not in self._hosts or (
            origin is not None and origin.removeprefix("http://") not in self._hosts
        ):
            document = error_document("AccessDenied", f"This service answers only to {self._service.url}.")
            await JSONResponse(document, 403, {"Connection": "close"})(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _enabled(request: Request, header: str) -> bool:
    return request.headers.get(header, "").lower() == "enable"


def _model(body: Document) -> str:
    model = body.get("model")
    if model is None or model == "":
        raise refusal(400, "BadRequest.EmptyModel", "The request names no model.")
    if not isinstance(model, str):
        raise refusal(400, "InvalidParameter", "model must be a string.")
    return model


def _check_input(body: Document) -> None:
    if not body.get("input"):
        raise refusal(400, "BadRequest.EmptyInput", "The request has no input.")


def _no_model(model: str) -> ServiceError:
    return refusal(
        404, "ModelNotFound", f"There is no model {model[:100]!r} here; there is {', '.join((*ASYNC, *SYNC))}."
    )


def _other_path() -> ServiceError:
    return refusal(400, "InvalidParameter", "url error, please check url！")


def _stream(frames: Iterator[bytes]) -> Response:
    async def one_by_one() -> AsyncIterator[bytes]:
        for frame in frames:
            yield frame

    return StreamingResponse(one_by_one(), media_type=EVENT_STREAM)


async def _unless_gone(request: Request, work: Coroutine[Any, Any, Heard]) -> Heard:
    """Do work for a client that waits; if it hangs up, the work is ended.

    Raises
    ------
    ClientDisconnect
        If it hung up.
    """
    job, gone = asyncio.create_task(work), asyncio.create_task(_hung_up(request))
    try:
        await asyncio.wait({job, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not job.done():
            raise ClientDisconnect
        return await job
    finally:
        for task in (job, gone):
            task.cancel()
        await asyncio.gather(job, gone, return_exceptions=True)


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _whole(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise refusal(400, "InvalidParameter", f"{name} must be a whole number from 1.")
    return int(text)


def _moment(request: Request, name: str) -> float | None:
    """Read a time like 20261103091502; as in the task query no zone is documented, and this is UTC."""
    text = request.query_params.get(name)
    if not text:
        return None
    with suppress(ValueError):
        if len(text) == 14:
            return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    raise refusal(400, "InvalidParameter", f"{name} must be a time written YYYYMMDDhhmmss.")


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)  # noqa: S101 - registered for nothing else
    headers = {"Connection": "close"} if is_unread(request) else None
    document = error_document(error.code, error.message, request.scope["path"])
    return JSONResponse(document, error.http_status or 500, headers)


def _no_such_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    message = f"There is no {request.method} {request.scope['path'][:200]} here."
    document = error_document("InvalidParameter", message, request.scope["path"])
    return JSONResponse(document, error.status_code)


def _nobody(request: Request, error: Exception) -> Response:
    """Answer a client that has gone: nobody will read it."""
    return Response(status_code=400)
