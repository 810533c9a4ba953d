"""Sending requests: to the API with the key, and to links without it; and what went wrong.

All of httpx is used here. Its exceptions hold the request with its URL and headers, so none of them leaves this module,
neither raised nor as the context of another: ours are raised after the ``except`` clause has ended.
"""

from __future__ import annotations

import logging
import re
import ssl
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

import anyio
import httpx

from asrlab.dashscope import wire
from asrlab.dashscope.links import bare, check_link, is_loopback, onward, scrub
from asrlab.dashscope.retries import Busy, NoAnswer, date_in, seconds_in
from asrlab.dashscope.sse import Events
from asrlab.errors import ServiceError
from asrlab.quiet import is_quiet, quietly

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from asrlab.dashscope.links import SignedUrl
    from asrlab.dashscope.sse import Event

_TIMEOUT: Final = httpx.Timeout(60, connect=15, pool=None)
# Where more requests wait for a connection in httpx's pool, each costs it several times the work, so they wait outside.
_KEY_CHARS: Final = 8  # a shorter one is none of the service's, and may stand in any text
_API_AT_ONCE: Final = 16  # a task in flight is not a request in flight
_LINKS_AT_ONCE: Final = 6  # counted apart: long uploads must not keep tasks from being looked at
_LIMITS: Final = httpx.Limits(max_connections=_API_AT_ONCE + _LINKS_AT_ONCE)
_API_BYTES: Final = 4 << 20
_COMPLAINT_BYTES: Final = 20_000
_RESULT_BYTES: Final = 128 << 20  # 12 h of speech with word times, on several channels
_REDIRECTS: Final = 3
_STREAM_BYTES: Final = 32 << 20  # frames that repeat the text so far may be many times its length
_ANSWER_S: Final = 300  # for an answer at once, as the official SDK has it
_LOCAL_ANSWER_S: Final = 3600  # a recogniser on this machine takes one recording after the other
_OK, _BAD = 200, 400  # an error frame that tells no status counts as the latter, as in the official SDK
_LAST: Final = b"[DONE]"
_API_S: Final = 120  # for a whole answer; the timeout above is for each piece of it
_LINK_S: Final = 3600  # for an upload of 1 GB, as the official SDK has it (service documentation, temporary uploads)

_log = logging.getLogger("asrlab.dashscope")


@dataclass(frozen=True, repr=False)
class Reply:
    """A response, read to its end; the frames of a stream are told of as they come, and its body is empty."""

    status: int
    headers: httpx.Headers
    body: bytes
    streamed: bool = False


class Http:
    """Connections to an API host, and to the links it gives.

    Parameters
    ----------
    base_url : str
        Of the API, with ``/api/v1``.
    key, key_source : str
        The API key, and where it came from, for messages.
    region : str
        For messages.
    workspace : str, optional
        Sent in a header.
    transport : httpx transport, optional
        In place of the network.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: str,
        key_source: str,
        region: str,
        workspace: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base_url = base_url
        self.server: str | None = None
        """How the service named itself in its last answer; a service on this machine says asrlab."""
        self.clock_ahead_s: float | None = None
        """Seconds by which the service's clock was ahead of ours, to a second, as of its last answer; None before."""
        self.throttled = 0
        """How many requests were refused because there were too many."""
        self._key = key
        self._key_source = key_source
        self._region = region
        self._headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        if workspace:
            self._headers[wire.WORKSPACE_HEADER] = workspace
        self._outward = _client(transport, trust_env=True)
        self._loopback = _client(transport, trust_env=False)  # goes past proxy variables
        self.slot = anyio.Semaphore(_API_AT_ONCE)
        """To be held by whoever sends a request to the API, from when its turn comes."""
        self._for_links = anyio.Semaphore(_LINKS_AT_ONCE)

    @property
    def local(self) -> bool:
        """Whether the service is one of ours on this machine, and not a real one behind a proxy here."""
        return is_loopback(self.base_url) and self.server in (None, wire.STAND_IN)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._outward.aclose()
        await self._loopback.aclose()

    async def api(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> wire.Document:
        """Send one request to the API, once.

        Returns
        -------
        dict
            The JSON object answered.

        Raises
        ------
        Busy, NoAnswer
            If the service could not take the request now, or gave no readable answer.
        ServiceError
            If it refused.
        """
        url, headers = self.base_url + path, {**self._headers, **(headers or {})}
        reply = await self._exchange(method, url, params=query, content=body, headers=headers)
        return self._answered(reply)

    async def ask(
        self, url: str, body: bytes, headers: Mapping[str, str], take: Callable[[wire.Document], None]
    ) -> None:
        """Post a request to the API, once, whose answer takes as long as recognition does, and may come in frames.

        Parameters
        ----------
        url : str
            On the host of the API, where the key goes.
        body : bytes
            What is posted.
        headers : mapping
            Beyond those of every request.
        take : callable
            Is given the JSON object of the answer, or of each frame. What it raises ends the exchange.

        Raises
        ------
        Busy, NoAnswer, ServiceError
            As :meth:`api`; an error may also come as a frame.
        """

        def frame(event: Event, status: int, headers: httpx.Headers) -> None:
            if event.data == _LAST:
                return
            status = event.status or (_BAD if event.name == "error" else status)
            take(self._answered(Reply(status, headers, self._without_key(event.data))))

        within_s = _LOCAL_ANSWER_S if self.local else _ANSWER_S
        reply = await self._exchange(
            "POST",
            url,
            within_s=within_s,
            timeout=httpx.Timeout(within_s, connect=_TIMEOUT.connect, pool=None),
            frame=frame,
            content=body,
            headers={**self._headers, **headers},
        )
        if not reply.streamed:
            take(self._answered(reply))

    def _answered(self, reply: Reply) -> wire.Document:
        """Read the answer of the API, or a frame of one."""
        self.server = reply.headers.get("server", "")
        if (moment := date_in(reply.headers.get("date"))) is not None:
            self.clock_ahead_s = moment.timestamp() - time.time()
        if 300 <= reply.status < 400:
            raise ServiceError(
                f"{bare(self.base_url)} redirects to {_host(reply)}. A request with a key follows no redirect: "
                "give the right base_url.",
                code="Redirect",
                http_status=reply.status,
            )
        if wrong := self._complaint(reply, key_used=True):
            raise wrong
        document = wire.read_json(reply.body)
        if document is None:
            raise NoAnswer(
                f"{bare(self.base_url)} answered something that is not a JSON object. Is it the base of the API?",
                code="BadResponse",
                http_status=reply.status,
            )
        return document

    async def post_form(self, url: str, fields: Mapping[str, str], file_name: str, file: Any) -> None:  # noqa: ANN401 - a binary file
        """Post a file to a storage host: without the key, the file last, read as it is sent.

        Raises
        ------
        Busy, NoAnswer, ServiceError
            As :meth:`api`.
        """
        check_link(url, secure=True)
        async with self._link():
            reply = await self._exchange("POST", url, within_s=_LINK_S, data=fields, files={"file": (file_name, file)})
        if 300 <= reply.status < 400:
            raise ServiceError(
                f"The storage host redirects the upload to {_host(reply)}, which is not followed.",
                code="Redirect",
                http_status=reply.status,
            )
        if wrong := self._complaint(reply):
            raise wrong

    async def get_link(self, link: SignedUrl) -> wire.Document:
        """Get the JSON object behind a signed link: without the key, by https where that answers.

        Raises
        ------
        Busy, NoAnswer, ServiceError
            As :meth:`api`.
        """
        url = link.reveal()
        check_link(url)
        async with self._link():
            if urlsplit(url).scheme == "http" and not is_loopback(url):
                try:
                    return await self._follow("https" + url[4:])
                except ServiceError as error:
                    _log.info("%s cannot be had by https (%s); trying http", link, error.code)
            return await self._follow(url)

    @asynccontextmanager
    async def _link(self) -> AsyncIterator[None]:
        """Take a turn at links, and keep them out of the log."""
        async with self._for_links:
            with quietly():
                yield

    async def _follow(self, url: str) -> wire.Document:
        for _ in range(_REDIRECTS + 1):
            reply = await self._exchange("GET", url, limit=_RESULT_BYTES, within_s=_LINK_S)
            if not (300 <= reply.status < 400 and "location" in reply.headers):
                return self._linked(reply)
            url = onward(url, reply.headers["location"])
        raise ServiceError(f"The link to the result redirects more than {_REDIRECTS} times.", code="Redirect")

    def _linked(self, reply: Reply) -> wire.Document:
        if reply.status == 403:
            raise ServiceError(
                f"The link to the result was refused; it holds for {wire.TASK_LIFE_H} h. Query the task for a new one.",
                code="AccessDenied",
                http_status=403,
            )
        if wrong := self._complaint(reply):
            raise wrong
        document = wire.read_json(reply.body)
        if document is None:
            raise NoAnswer("The result is not a JSON object.", code="BadResponse", http_status=reply.status)
        return document

    async def _exchange(
        self,
        method: str,
        url: str,
        *,
        limit: int = _API_BYTES,
        within_s: float = _API_S,
        frame: Callable[[Event, int, httpx.Headers], None] | None = None,
        **request: Any,  # noqa: ANN401 - as httpx takes it
    ) -> Reply:
        """Send a request and read its answer to its end; of frames the reply has none, as they are told of."""
        client = self._loopback if is_loopback(url) else self._outward
        try:
            with anyio.fail_after(within_s):
                async with client.stream(method, url, **request) as response:
                    status, headers = response.status_code, response.headers
                    streamed = headers.get("content-type", "").lower().startswith("text/event-stream")
                    events = Events() if frame is not None and status == _OK and streamed else None
                    limit = limit if events is None else _STREAM_BYTES
                    body, size = bytearray(), 0
                    async for block in response.aiter_bytes():
                        size += len(block)
                        if size > limit:
                            break
                        if frame is not None and events is not None:
                            for event in events.feed(block):
                                frame(event, status, headers)
                        else:
                            body += block
                    else:
                        return Reply(status, headers, self._without_key(bytes(body)), streamed=events is not None)
            silence = NoAnswer(f"{_where(url)} answered more than {limit} bytes.", code="BadResponse")
        except (httpx.TimeoutException, TimeoutError) as error:
            silence = NoAnswer(f"{_where(url)} did not answer in time ({type(error).__name__}).", code="Timeout")
            silence.sent = not isinstance(error, httpx.ConnectTimeout)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ssl.SSLError) as error:
            why = scrub(str(error)) if isinstance(error, httpx.ConnectError) and not is_quiet() else ""
            name = type(error).__name__
            silence = NoAnswer(
                f"{_where(url)} gave no answer ({f'{name}: {why}' if why else name}).", code="ConnectionFailed"
            )
            silence.sent = not isinstance(error, httpx.ConnectError | httpx.ProxyError | httpx.UnsupportedProtocol)
        raise silence

    def _without_key(self, body: bytes) -> bytes:
        """Take the key out: a service that echoes it must not make us show it."""
        return body.replace(self._key.encode(), b"[the key]") if len(self._key) >= _KEY_CHARS else body

    def _complaint(self, reply: Reply, *, key_used: bool = False) -> ServiceError | None:
        found = wire.complaint(reply.status, reply.body)
        if found is None:
            return None
        code, message, request_id = found
        if advice := wire.ADVICE.get(code):
            message = f"{message} {advice}"
        if key_used and reply.status == 401:
            message = (
                f"The API key was refused: {message} The key came from {self._key_source}. Keys are per region, and "
                f"this client asks {self._region} at {urlsplit(self.base_url).hostname}."
            )
        request_id = request_id or reply.headers.get("x-request-id") or reply.headers.get("x-oss-request-id")
        throttled = reply.status == 429 or wire.THROTTLED.fullmatch(code) is not None
        fault = reply.status >= 500 or reply.status == 408 or wire.FAULTS.fullmatch(code) is not None
        if code in wire.UNPAID or not (throttled or fault):
            return ServiceError(message, code=code, request_id=request_id, http_status=reply.status)
        busy = Busy(message, code=code, request_id=request_id, http_status=reply.status)
        busy.refused = throttled
        self.throttled += throttled
        busy.retry_after_s = seconds_in(reply.headers.get("retry-after"), date_in(reply.headers.get("date")))
        return busy


class Behind(NamedTuple):
    """What a host tells of an object: its bytes and, where its ETag is one, their MD5 in hexadecimal digits."""

    size: int
    md5: str | None


async def behind(link: SignedUrl) -> Behind:
    """Ask what is behind a signed link, as the service will ask for it: by GET, without the key.

    A link that is signed for GET refuses HEAD; so one byte is asked for, and what is sent beyond it is not read. An
    ETag of 32 digits is an MD5, unless the object is encrypted with a key of a customer's or of a key service
    (docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html).

    Raises
    ------
    Busy, NoAnswer
        If its host could not answer now, or gave no readable answer.
    ServiceError
        If it refused, with the status; no redirect is followed.
    """
    url = link.reveal()
    try:
        with quietly(), anyio.fail_after(_API_S):
            async with (
                _client(None, trust_env=not is_loopback(url)) as client,
                client.stream("GET", url, headers={"Range": "bytes=0-0", "Accept-Encoding": "identity"}) as response,
            ):
                status, headers = response.status_code, response.headers
                said = b""
                async for block in response.aiter_bytes():
                    said += block
                    if status in (200, 206) or len(said) > _COMPLAINT_BYTES:
                        break
        silence = None
    except (httpx.HTTPError, ssl.SSLError, TimeoutError) as error:
        silence = NoAnswer(f"{_where(url)} gave no answer ({type(error).__name__}).", code="ConnectionFailed")
    if silence is not None:
        raise silence
    if status in (200, 206):
        _, _, whole = headers.get("content-range", "").rpartition("/")
        size = whole or headers.get("content-length", "")
        if size.isdecimal():
            plain = all(headers.get(f"x-{who}-server-side-encryption", "AES256") == "AES256" for who in ("amz", "oss"))
            tag = re.fullmatch(r'"([0-9a-f]{32})"', headers.get("etag", ""), re.I)
            return Behind(int(size), tag[1].lower() if plain and tag else None)
        raise NoAnswer(f"{_where(url)} does not say how large a file is.", code="BadResponse", http_status=status)
    code, message, request_id = wire.complaint(status, said) or ("Unknown", "It gave no reason.", None)
    kind = Busy if status in (408, 429) or status >= 500 else ServiceError
    raise kind(message, code=code, request_id=request_id, http_status=status)


@cache
def _trusted(*, trust_env: bool) -> ssl.SSLContext:
    """Load whom to trust, which takes longer than a request, once."""
    return httpx.create_ssl_context(trust_env=trust_env)


def _client(transport: httpx.AsyncBaseTransport | None, *, trust_env: bool) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=transport,
        verify=_trusted(trust_env=trust_env),
        trust_env=trust_env,
        timeout=_TIMEOUT,
        limits=_LIMITS,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # takes none, so gives none away
        headers={"User-Agent": f"asrlab/{version('asrlab')}"},
    )


def _host(reply: Reply) -> str:
    try:
        return urlsplit(reply.headers.get("location", "")).hostname or "elsewhere"
    except ValueError:
        return "elsewhere"


def _where(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
