"""The HTTP side: routes, what is checked in which order, and how refusals look."""

from __future__ import annotations

import hmac
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from asrlab.errors import ServiceError
from asrlab.server.documents import (
    OTHER_PATH_MODELS,
    SERVED_MODELS,
    Document,
    accepted_document,
    error_document,
    list_document,
    new_request_id,
    task_document,
    unknown_document,
)
from asrlab.server.tasks import KEPT_S

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from asrlab.server.service import Service

PREFIX: Final = "/api/v1"
UPLOAD_PATH: Final = "/upload"
BODY_BYTES: Final = 1 << 20
"""Longest body of a submit; a context of 10,000 tokens is far below."""
PAGE_ROWS: Final = 100


def make_app(service: Service) -> ASGIApp:
    """Make the ASGI application of a service."""
    routes = _Routes(service)
    app = Starlette(
        routes=[
            Route("/", routes.greet),
            Route("/asrlab/status", routes.status),
            Route(f"{PREFIX}/services/audio/asr/transcription", routes.submit, methods=["POST"]),
            Route(f"{PREFIX}/tasks", routes.list_tasks),
            Route(f"{PREFIX}/tasks/", routes.list_tasks),
            Route(f"{PREFIX}/tasks/{{task_id}}", routes.query, methods=["GET", "POST"]),
            Route(f"{PREFIX}/tasks/{{task_id}}/cancel", routes.cancel, methods=["POST"]),
            Route(f"{PREFIX}/uploads", routes.grant_upload),
            Route(UPLOAD_PATH, routes.upload, methods=["POST"]),
            Route("/results/{task_id}.json", routes.result),
        ],
        exception_handlers={ServiceError: _refused, HTTPException: _no_such_route},
    )
    app.router.redirect_slashes = False
    return _FromThisMachine(app, service)


class _Routes:
    """One method a route."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def greet(self, request: Request) -> Response:
        return PlainTextResponse("asrlab: a transcription service on this machine; its state is at /asrlab/status\n")

    async def status(self, request: Request) -> Response:
        return JSONResponse(self._service.status())

    async def submit(self, request: Request) -> Response:
        """Check in the documented order; what is wrong with the link or the audio shows later, in the task."""
        self._authorize(request)
        body = await _json_object(request)
        model = body.get("model")
        if model is None or model == "":
            raise _refusal(400, "BadRequest.EmptyModel", "The request names no model.")
        if not isinstance(model, str):
            raise _refusal(400, "InvalidParameter", "model must be a string.")
        if model not in (*SERVED_MODELS, *OTHER_PATH_MODELS):
            raise _refusal(404, "ModelNotFound", f"There is no model {model!r} here; there is {SERVED_MODELS[0]}.")
        if request.headers.get("X-DashScope-Async", "").lower() != "enable":
            raise _refusal(
                403,
                "AccessDenied",
                "This API does not support synchronous calls: send the header X-DashScope-Async: enable.",
            )
        if model in OTHER_PATH_MODELS:
            raise _refusal(400, "InvalidParameter", "url error, please check url！")
        if not body.get("input"):
            raise _refusal(400, "BadRequest.EmptyInput", "The request has no input.")
        task_request = {"input": _member(body, "input"), "parameters": _member(body, "parameters")}
        resolve = request.headers.get("X-DashScope-OssResourceResolve", "").lower() == "enable"
        return JSONResponse(accepted_document(self._service.tasks.submit(model, task_request, resolve_oss=resolve)))

    async def query(self, request: Request) -> Response:
        self._authorize(request)
        task_id = request.path_params["task_id"]
        task = self._service.tasks.find(task_id)
        if task is None:
            return JSONResponse(unknown_document(task_id))
        return JSONResponse(task_document(task, self._service.result_url(task)))

    async def cancel(self, request: Request) -> Response:
        self._authorize(request)
        if not self._service.tasks.cancel(request.path_params["task_id"]):
            raise _refusal(
                400,
                "UnsupportedOperation",
                "Failed to cancel the task, please confirm if the task is in PENDING status.",
            )
        return JSONResponse({"request_id": new_request_id()})

    async def list_tasks(self, request: Request) -> Response:
        self._authorize(request)
        asked = request.query_params
        page_no, page_size = _whole(request, "page_no", 1), min(_whole(request, "page_size", 10), PAGE_ROWS)
        start, end = _moment(request, "start_time"), _moment(request, "end_time")
        if start is not None and end is not None and not 0 <= end - start <= KEPT_S:
            raise _refusal(400, "InvalidParameter", "end_time must follow start_time by at most 24 hours.")
        rows = [
            task
            for task in self._service.tasks.submitted_between(start, end)
            if asked.get("model_name") in (None, "", task.model) and asked.get("status") in (None, "", task.state)
        ]
        page = rows[(page_no - 1) * page_size : page_no * page_size]
        return JSONResponse(list_document(page, total=len(rows), page_no=page_no, page_size=page_size))

    async def grant_upload(self, request: Request) -> Response:
        self._authorize(request)
        if request.query_params.get("action") != "getPolicy":
            raise _refusal(400, "InvalidParameter", "action must be getPolicy.")
        model = request.query_params.get("model")
        if not model:
            raise _refusal(400, "InvalidParameter", "model must name the model that the upload is for.")
        return JSONResponse(self._service.uploads.policy_document(model, self._service.url + UPLOAD_PATH))

    async def upload(self, request: Request) -> Response:
        status = await self._service.uploads.receive(request.headers.get("Content-Type", ""), request.stream())
        return Response(status_code=status)

    async def result(self, request: Request) -> Response:
        """Give a result to whoever has its link: no key is asked for, nor wanted."""
        document = self._service.result(
            request.path_params["task_id"],
            request.query_params.get("Expires", ""),
            request.query_params.get("Signature", ""),
        )
        if document is None:
            raise _refusal(403, "AccessDenied", "Request has expired, or its signature is wrong.")
        return JSONResponse(document)

    def _authorize(self, request: Request) -> None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        key = key.strip()
        wanted = self._service.key
        right = bool(key) if wanted is None else hmac.compare_digest(key.encode(), wanted.encode())
        if scheme.lower() != "bearer" or not right:
            raise _refusal(401, "InvalidApiKey", "Invalid API-key provided.")


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


async def _json_object(request: Request) -> Document:
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > BODY_BYTES:
            raise _refusal(400, "BadRequest.TooLarge", f"The body is longer than {BODY_BYTES} bytes.")
    try:
        document = json.loads(body)
        json.dumps(document, ensure_ascii=False).encode()  # half a surrogate pair is not text
    except (ValueError, RecursionError) as error:
        raise _refusal(400, "BadRequest.IllegalInput", "The body is not JSON in UTF-8.") from error
    if not isinstance(document, dict):
        raise _refusal(400, "BadRequest.IllegalInput", "The body must be a JSON object.")
    return document


def _member(body: Document, name: str) -> Document:
    """Take an object out of the body; one that is missing or null counts as empty."""
    member = body.get(name)
    if member is None:
        return {}
    if not isinstance(member, dict):
        raise _refusal(400, "InvalidParameter", f"{name} must be an object.")
    return member


def _whole(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise _refusal(400, "InvalidParameter", f"{name} must be a whole number from 1.")
    return int(text)


def _moment(request: Request, name: str) -> float | None:
    """Read a time like 20261103091502; as in the task query no zone is documented, and this is UTC."""
    text = request.query_params.get(name)
    if not text:
        return None
    with suppress(ValueError):
        if len(text) == 14:
            return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    raise _refusal(400, "InvalidParameter", f"{name} must be a time written YYYYMMDDhhmmss.")


def _refusal(status: int, code: str, message: str) -> ServiceError:
    return ServiceError(message, code=code, http_status=status)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)  # noqa: S101 - registered for nothing else
    return _refusal_response(request, error.http_status or 500, error_document(error.code, error.message))


def _no_such_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    message = f"There is no {request.method} {request.url.path} here."
    return _refusal_response(request, error.status_code, error_document("InvalidParameter", message))


def _refusal_response(request: Request, status: int, document: Document) -> Response:
    # The rest of a body that was refused half-way is not waited for. A refused upload is let run out, because a client
    # that is still sending would see a broken connection in place of the reason.
    hang_up = request.method == "POST" and request.url.path != UPLOAD_PATH
    return JSONResponse(document, status, {"Connection": "close"} if hang_up else None)
