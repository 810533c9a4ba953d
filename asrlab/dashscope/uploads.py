"""Temporary uploads: a local file becomes an oss URL that the service can read for 48 hours."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
import unicodedata
import warnings
from collections import defaultdict
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, BinaryIO, Final

import anyio
from anyio.to_thread import run_sync

from asrlab.dashscope import wire, wire_uploads
from asrlab.dashscope.checks import NotForProduction
from asrlab.dashscope.retries import persist
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from asrlab.dashscope.account import Account
    from asrlab.dashscope.http import Http

_MARGIN_S: Final = 3 * 3600  # a task may wait that long before its file is fetched


class Uploads:
    """Uploads each content once for a model, however often and, of one client, however concurrently it is asked for.

    Parameters
    ----------
    http : Http
        Connections.
    account : Account
        Holds what was uploaded, for all clients of the account in this process.
    """

    def __init__(self, http: Http, account: Account) -> None:
        self._http = http
        self._account = account
        # A service on this machine forgets its uploads when it ends, so what it has is not remembered for long.
        self._uploaded = {} if http.local else account.uploaded
        self._locks: defaultdict[tuple[str, str], anyio.Lock] = defaultdict(anyio.Lock)

    async def url(self, path: Path, model: str) -> str:
        """Give the oss URL of a file's content, uploading it where need be."""
        instead = "Compress it to FLAC or Opus, or put it into a bucket of your own, from which 2 GB are taken."
        async with content(path, wire.UPLOAD_BYTES, instead) as (file, before, digest):
            what = (digest, model)
            async with self._locks[what]:
                url, until = self._uploaded.get(what, ("", 0.0))
                if time.time() < until:
                    return url
                if not self._http.local:
                    warnings.warn(
                        "Temporary uploads are for trying things out: the service's documentation says not to use them "
                        "in production or for load tests, and keeps them 48 h. Name a bucket of your own (bucket=), "
                        "or give https links.",
                        NotForProduction,
                        stacklevel=1,
                    )
                asked = time.time()
                url = await persist(lambda: self._send(file, path, model), local=self._http.local)
                after = os.fstat(file.fileno())
                if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
                    raise InvalidInput(f"{path} was changed while it was uploaded. Ask again once it is finished.")
                self._uploaded[what] = (url, asked + wire.UPLOAD_LIFE_S - _MARGIN_S)
                return url

    def forget(self, url: str) -> None:
        """Forget an upload that the service no longer finds; its content is then uploaded anew."""
        for what, (known, _) in list(self._uploaded.items()):
            if known == url:
                del self._uploaded[what]

    async def _send(self, file: BinaryIO, path: Path, model: str) -> str:
        # Each attempt with leave of its own (it holds for 300 s) and under a name of its own (nothing is overwritten).
        async with self._http.slot:
            await self._account.uploads.turn()
            granted = await self._http.api("GET", wire.UPLOADS_PATH, query=wire_uploads.policy_query(model))
        policy = wire_uploads.parse_policy(granted)
        if (size := os.fstat(file.fileno()).st_size) > policy.max_bytes:
            raise InvalidInput(f"{path} has {size:,} bytes; an upload for {model} takes {policy.max_bytes:,.0f}.")
        name = _object_name(path)
        fields, url = wire_uploads.upload_form(policy, name)
        await self._http.post_form(policy.host, fields, name, file)
        return url


@asynccontextmanager
async def content(path: Path, most: int, advice: str) -> AsyncIterator[tuple[BinaryIO, os.stat_result, str]]:
    """Open a file of 1 to so many bytes; gives it, how it stands, and the SHA-256 of what is in it."""
    try:
        file = await run_sync(path.open, "rb")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read ({error.strerror}). Check the path.") from error
    with file:
        state = os.fstat(file.fileno())
        if not 0 < state.st_size <= most:
            raise InvalidInput(f"{path} has {state.st_size:,} bytes; an upload takes 1 to {most:,}. {advice}")
        yield file, state, (await run_sync(hashlib.file_digest, file, "sha256")).hexdigest()


def _object_name(path: Path) -> str:
    """Make a new name in ASCII without spaces (service documentation, temporary uploads)."""
    plain = unicodedata.normalize("NFKD", path.name).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", plain)[-80:].lstrip("._-")
    return f"{secrets.token_hex(6)}-{safe or 'audio'}"
