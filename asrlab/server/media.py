"""Getting at the audio a task names: an upload of this service, or a file on a server it was told of."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, Final

from asrlab.errors import InvalidInput, TaskFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from asrlab.server.uploads import Uploads

FETCH_BYTES: Final = 2 << 30
"""Largest file behind a link: 2 GB (service documentation, limits)."""
_FETCH_S: Final = 600.0
_CODES: Final = {403: "FILE_403_FORBIDDEN", 404: "FILE_404_NOT_FOUND"}


class Media:
    """Where audio may come from.

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
    """

    def __init__(self, uploads: Uploads, folder: Path, origins: frozenset[str], *, bound: int = FETCH_BYTES) -> None:
        self._uploads = uploads
        self._folder = folder
        self._origins = origins
        self._bound = bound
        self._client: httpx.AsyncClient | None = None

    @contextlib.asynccontextmanager
    async def local(self, url: object, model: str, *, resolve_oss: bool) -> AsyncIterator[Path]:
        """Make the file behind a link available on this machine while entered.

        Raises
        ------
        TaskFailed
            With the documented code, where the link is none or its file cannot be had.
        """
        if not isinstance(url, str) or not url.startswith(("http://", "https://", "oss://")):
            raise TaskFailed("A valid file URL is required.", code="InvalidParameter.MalformedURL")
        if url.startswith("oss://"):
            yield self._uploaded(url, model, resolve_oss=resolve_oss)
            return
        file = self._folder / f"{secrets.token_hex(16)}.media"
        try:
            await self._fetch(self._allowed(url), file)
            yield file
        finally:
            file.unlink(missing_ok=True)

    async def aclose(self) -> None:
        """Close the connections to file servers."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _uploaded(self, url: str, model: str, *, resolve_oss: bool) -> Path:
        if not resolve_oss:
            raise _download_failed(
                "An oss:// link needs the header X-DashScope-OssResourceResolve: enable on the submit."
            )
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
            raise TaskFailed("A valid file URL is required.", code="InvalidParameter.MalformedURL") from error
        origin = _origin(parsed)
        if parsed.userinfo or origin not in self._origins:
            raise _download_failed(
                f"This service fetches only from servers it was told of, and {origin} is none of them. "
                f"Start it with: asrlab serve --media {origin}"
            )
        return parsed

    async def _fetch(self, url: httpx.URL, file: Path) -> None:
        import httpx  # noqa: PLC0415 - slow to import, and not needed where all audio is uploaded

        if self._client is None:
            # Proxy variables are not meant for file servers that were named one by one.
            self._client = httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=30.0)
        try:
            async with asyncio.timeout(_FETCH_S), self._client.stream("GET", url) as response:
                _check(response)
                await self._save(response, file)
        except (httpx.HTTPError, TimeoutError) as error:
            raise _download_failed(f"The file could not be fetched: {type(error).__name__}.") from error

    async def _save(self, response: httpx.Response, file: Path) -> None:
        size = 0
        with file.open("xb") as target:
            async for block in response.aiter_bytes(1 << 20):
                size += len(block)
                if size > self._bound:
                    raise TaskFailed(f"The file is larger than {self._bound} bytes.", code="FILE_TOO_LARGE")
                target.write(block)


def _check(response: httpx.Response) -> None:
    status = response.status_code
    if status == 200:
        return
    if response.is_redirect:
        raise _download_failed("The file server answered with a redirect, and none is followed. Give the final URL.")
    code = _CODES.get(status, "FILE_SERVER_ERROR" if status >= 500 else "FILE_DOWNLOAD_FAILED")
    raise TaskFailed(f"The file server answered HTTP {status}.", code=code)


def _download_failed(message: str) -> TaskFailed:
    return TaskFailed(message, code="FILE_DOWNLOAD_FAILED")


def _origin(url: httpx.URL) -> str:
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{url.scheme}://{host}:{port}"


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
        or not url.host
        or url.userinfo
        or url.path != "/"
        or url.query
        or url.fragment
    ):
        raise InvalidInput(
            f"A file server is named by scheme, host and port, like http://127.0.0.1:8000, not by {text!r}."
        )
    return _origin(url)
