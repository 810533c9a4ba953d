"""Getting at the audio a task names: an upload of this service, or a file on a server it was told of."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import secrets
import socket
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from asrlab.errors import InvalidInput, TaskFailed
from asrlab.quiet import quietly

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import httpx

    from asrlab.server.uploads import Uploads

FETCH_BYTES: Final = 2 << 30
"""Largest file behind a link: 2 GB (service documentation, limits)."""
AUDIO_S: Final = 12 * 3600
"""Longest audio: 12 h (service documentation, limits)."""
_FETCH_S: Final = 600.0
_CODES: Final = {403: "FILE_403_FORBIDDEN", 404: "FILE_404_NOT_FOUND"}


class Media:
    """Where audio may come from: uploads, and file servers that were named.

    A server may be named by its address or by a name, and be anywhere, on this machine too. A name is looked up once a
    fetch, and the connection goes to what was found then. One that leads out to the internet when the service starts
    must go on doing so: if it later leads to this machine or a private network, whoever runs the name wants something
    that the user did not offer, and nothing is fetched. A name that leads nowhere at the start may only lead out.

    Parameters
    ----------
    uploads : Uploads
        The service's own uploads.
    folder : path
        Folder for files while they are transcribed.
    origins : frozenset of str
        File servers that may be fetched from, as :func:`named_origin` gives them.
    bound : int
        The most bytes a fetched file may have.
    seconds : float
        The longest a fetch may take.
    """

    def __init__(
        self,
        uploads: Uploads,
        folder: Path,
        origins: frozenset[str],
        *,
        bound: int = FETCH_BYTES,
        seconds: float = _FETCH_S,
    ) -> None:
        self._uploads = uploads
        self._folder = folder
        self._origins = origins
        self._bound = bound
        self._seconds = seconds
        hosts = {urlsplit(origin).hostname or "" for origin in origins}
        self._inside = {host for host in hosts if _leads_inside(_addresses_of(host))}
        self._client: httpx.AsyncClient | None = None

    @contextlib.asynccontextmanager
    async def local(self, url: object, model: str, *, bound: int | None = None) -> AsyncIterator[Path]:
        """Make the file behind a link available on this machine while entered; a bound may be lower than all have.

        Raises
        ------
        TaskFailed
            With the documented code, where the link is none or its file cannot be had.
        """
        if not isinstance(url, str) or not url.lower().startswith(("http://", "https://", "oss://")):
            raise _malformed()
        bound = self._bound if bound is None else bound
        if url.lower().startswith("oss://"):
            path = self._uploaded(url, model)
            if path.stat().st_size > bound:
                raise _too_large(bound)
            yield path
            return
        with self._scratch() as file:
            with quietly():
                await self._fetch(self._allowed(url), file, bound)
            yield file

    @contextlib.contextmanager
    def inline(self, content: bytes) -> Iterator[Path]:
        """Make content that came in a request itself available as a file while entered."""
        with self._scratch() as file:
            file.write_bytes(content)
            yield file

    async def aclose(self) -> None:
        """Close the connections to file servers."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    @contextlib.contextmanager
    def _scratch(self) -> Iterator[Path]:
        file = self._folder / f"{secrets.token_hex(16)}.media"
        try:
            yield file
        finally:
            file.unlink(missing_ok=True)

    def _uploaded(self, url: str, model: str) -> Path:
        path = self._uploads.find(url, model)
        if path is None:
            raise _download_failed(
                f"There is no such upload for {model}: uploads are kept 48 hours, and bound to one model."
            )
        return path

    def _allowed(self, url: str) -> httpx.URL:
        import httpx  # noqa: PLC0415 - slow to import, and not needed where all audio is uploaded

        if not url.isascii() or any(c.isspace() for c in url):
            raise _download_failed("The URL holds a space or a character outside ASCII: percent-encode it.")
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise _malformed() from error
        if not parsed.raw_host:
            raise _malformed()
        origin = _origin(parsed)
        if parsed.userinfo or origin not in self._origins:
            raise _download_failed(
                f"This service fetches only from servers it was told of, and {origin} is none of them. "
                f"Start it with: asrlab serve --media {origin}"
            )
        return parsed

    async def _fetch(self, url: httpx.URL, file: Path, bound: int) -> None:
        import httpx  # noqa: PLC0415 - slow to import, and not needed where all audio is uploaded

        try:
            async with asyncio.timeout(self._seconds), contextlib.aclosing(await self._get(url)) as response:
                _check(response, bound)
                await _save(response, file, bound)
        except (httpx.HTTPError, TimeoutError) as error:
            raise _download_failed(f"The file could not be fetched: {type(error).__name__}.") from error

    async def _get(self, url: httpx.URL) -> httpx.Response:
        import httpx  # noqa: PLC0415 - as above

        if self._client is None:
            # Proxy variables are not meant for file servers that were named one by one. No connection outlives its
            # fetch, and no cookie: to both, servers at one address would be the same.
            self._client = httpx.AsyncClient(
                trust_env=False,
                follow_redirects=False,
                timeout=30.0,
                limits=httpx.Limits(max_keepalive_connections=0),
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            )
        host = url.raw_host.decode()
        addresses = await asyncio.to_thread(_addresses_of, host)
        if host not in self._inside and _leads_inside(addresses):
            raise _download_failed(
                f"{host} now leads to this machine or a private network, and did not when the service was started. "
                "If that is meant, start it again."
            )
        failure: httpx.TransportError = httpx.ConnectError(f"{host} has no address.")
        for address in addresses:
            request = self._client.build_request(
                "GET",
                url.copy_with(host=address),
                headers={"Host": url.netloc.decode(), "Accept-Encoding": "identity"},
                extensions={"sni_hostname": host},  # the certificate must be that of the name
            )
            try:
                return await self._client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure


def _check(response: httpx.Response, bound: int) -> None:
    status = response.status_code
    if response.is_redirect:
        raise _download_failed("The file server answered with a redirect, and none is followed. Give the final URL.")
    if status != 200:
        code = _CODES.get(status, "FILE_SERVER_ERROR" if status >= 500 else "FILE_DOWNLOAD_FAILED")
        raise TaskFailed(f"The file server answered HTTP {status}.", code=code)
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _download_failed("The file server compressed the file, which it was not asked to.")
    if int(response.headers.get("Content-Length", 0)) > bound:
        raise _too_large(bound)


async def _save(response: httpx.Response, file: Path, bound: int) -> None:
    import httpx  # noqa: PLC0415 - as above

    size = 0
    with file.open("xb") as target:
        try:
            async for block in response.aiter_raw():
                size += len(block)
                if size > bound:
                    raise _too_large(bound)
                target.write(block)
        except httpx.RemoteProtocolError as error:
            announced = response.headers.get("Content-Length")
            if announced is None:
                raise
            raise TaskFailed(
                f"The file server announced {announced} bytes and sent {size}.", code="CONTENT_LENGTH_CHECK_FAILED"
            ) from error


def _too_large(bound: int) -> TaskFailed:
    return TaskFailed(f"The file is larger than {bound} bytes.", code="FILE_TOO_LARGE")


def _addresses_of(host: str) -> list[str]:
    """Look a name up; an address is its own."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    # A URL has no room for a scope, as in fe80::1%eth0.
    return list(dict.fromkeys(str(address[0]) for *_, address in found if "%" not in str(address[0])))


def _leads_inside(addresses: list[str]) -> bool:
    """Whether any of the addresses is on this machine or in a private network."""
    return not all(ipaddress.ip_address(address).is_global for address in addresses)


def _malformed() -> TaskFailed:
    return TaskFailed("A valid file URL is required.", code="InvalidParameter.MalformedURL")


def _download_failed(message: str) -> TaskFailed:
    return TaskFailed(message, code="FILE_DOWNLOAD_FAILED")


def _origin(url: httpx.URL) -> str:
    port = {"http": 80, "https": 443}[url.scheme] if url.port is None else url.port
    host = url.raw_host.decode()
    return f"{url.scheme}://[{host}]:{port}" if ":" in host else f"{url.scheme}://{host}:{port}"


def named_origin(text: str) -> str:
    """Bring the name of a file server, such as ``"http://127.0.0.1:8000"``, into its one form.

    Raises
    ------
    InvalidInput
        If it is not the scheme, host and port of an http(s) server.
    """
    import httpx  # noqa: PLC0415 - slow to import, and not needed where all audio is uploaded

    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if (
        url.scheme not in ("http", "https")
        or not url.raw_host
        or url.userinfo
        or url.path != "/"
        or url.query
        or url.fragment
    ):
        raise InvalidInput(
            f"A file server is named by scheme, host and port, like http://127.0.0.1:8000, not by {text!r}."
        )
    return _origin(url)
