"""Bodies of requests: read within bounds, and JSON in them within sense."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

from asrlab.server.documents import Document, refusal

if TYPE_CHECKING:
    from starlette.requests import Request

DEPTH: Final = 64
"""How deeply a body may be nested."""

_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_UNREAD: Final = "asrlab_unread"


async def read_body(request: Request, bound: int) -> bytes | None:
    """Read the body; None where it has more bytes than the bound, and then its rest is not waited for."""
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > bound:
            setattr(request.state, _UNREAD, True)
            return None
    return bytes(body)


def is_unread(request: Request) -> bool:
    """Tell whether the request's body was left where it is, so that its connection is of no more use."""
    return getattr(request.state, _UNREAD, False)


def json_object(body: bytes | None) -> Document:
    """Read a JSON object out of a body.

    Raises
    ------
    ServiceError
        If there is none, or it is nested too deeply; also for None: the body was too long.
    """
    if body is None:
        raise refusal(400, "BadRequest.TooLarge", "The body is longer than any request of this kind.")
    try:
        document = json.loads(body.decode("utf-8-sig"), parse_constant=_no_number)
        if _SURROGATE.search(body):
            json.dumps(document, ensure_ascii=False).encode()  # half a surrogate pair is not text
    except (ValueError, RecursionError) as error:
        raise refusal(400, "BadRequest.IllegalInput", "The body is not JSON in UTF-8.") from error
    if not isinstance(document, dict):
        raise refusal(400, "BadRequest.IllegalInput", "The body must be a JSON object.")
    if _depth(document) > DEPTH:
        raise refusal(400, "BadRequest.IllegalInput", f"The body is nested more than {DEPTH} deep.")
    return document


def member(body: Document, name: str) -> Document:
    """Take an object out of a document; one that is missing or null counts as empty.

    Raises
    ------
    ServiceError
        If it is something else.
    """
    found = body.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise refusal(400, "InvalidParameter", f"{name} must be an object.")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _depth(document: Document) -> int:
    depth = 0
    level: list[dict[str, Any] | list[Any]] = [document]
    while level:
        depth += 1
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    return depth
