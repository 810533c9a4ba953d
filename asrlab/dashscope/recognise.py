"""Asking a model that answers at once: with the recording in the request, or with a link to it."""

from __future__ import annotations

import base64
import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from anyio.to_thread import run_sync

from asrlab.dashscope import wire, wire_sync
from asrlab.dashscope.links import percent_encoded
from asrlab.dashscope.retries import NoAnswer
from asrlab.dashscope.sending import send_once
from asrlab.dashscope.tasks import Recognition
from asrlab.errors import InvalidInput, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from asrlab.dashscope.account import Account
    from asrlab.dashscope.http import Http
    from asrlab.dashscope.models import Model
    from asrlab.dashscope.sending import Told
    from asrlab.dashscope.uploads import Uploads

_log = logging.getLogger("asrlab.dashscope")

INLINE: Final = "data:"
"""What is told in place of a link where the recording is in the request itself."""


async def recognise(
    http: Http,
    account: Account,
    uploads: Uploads,
    audio: str | Path,
    parameters: Mapping[str, Any],
    *,
    model: str,
    row: Model,
    mode: str,
    on_text: Callable[[str], None] | None,
    told: Told,
) -> Recognition:
    """Ask, and read the answer; see :meth:`AsyncClient.transcribe`."""
    if mode not in row.modes:
        raise InvalidInput(f"mode must be one of {', '.join(row.modes)} for {model}, not {mode!r}.")
    url = wire_sync.base_of(mode, http.base_url) + wire_sync.path_of(mode)
    source = await _source(audio, model, row, uploads)
    body = wire_sync.body_of(mode, source, parameters, model=model)
    content = json.dumps(body, ensure_ascii=False).encode()
    headers = wire_sync.headers_of(mode, source)

    async def send() -> Recognition:
        reading, tell = wire_sync.Reading(mode), on_text

        def take(document: wire.Document) -> None:
            nonlocal tell
            before = reading.text
            reading.take(document)
            if tell is not None and reading.text != before:
                try:
                    tell(reading.text)
                except Exception:  # what is wrong there must not lose an answer that is paid for
                    tell = None
                    _log.exception("on_text failed, and is not called again; the answer is read to its end.")

        try:
            await http.ask(url, content, headers, take)
        except ServiceError as error:
            if error.code in wire.SILENCE and not reading.text:
                return Recognition("", request_id=error.request_id)
            if not reading.begun:
                raise
            broken: ServiceError | None = error
        else:
            broken = None
        if broken is not None and not reading.finished:
            # Whatever it says now, it had been accepted.
            raise NoAnswer(
                f"The answer broke off after it had begun: {broken.message}",
                code=broken.code,
                request_id=broken.request_id,
                http_status=broken.http_status,
            )
        return reading.whole()

    link = INLINE if source.startswith(INLINE) else source
    look = "Asking again may bill it again."
    return await send_once(http, account, send, what="request", link=link, told=told, look=look)


async def _source(audio: str | Path, model: str, row: Model, uploads: Uploads) -> str:
    """Give a recording as it is put into the request: its link, a data URI, or the link of an upload."""
    given = str(audio)
    if not isinstance(audio, str | Path) or not given.strip():
        raise InvalidInput(f"The audio must be the path of a file, or a link, not {_shown(audio)}.")
    if given[:5].lower() == INLINE:
        raise InvalidInput("The audio must be a path or a link, and not a data URI: those are made of files here.")
    if given.lower().startswith(("http://", "https://", "oss://")):
        return percent_encoded(given)
    path = Path(audio)
    prefix = wire_sync.data_prefix(path.suffix)
    content = await run_sync(_read, path, model, row.audio_bytes or wire.FLASH_BYTES)
    if wire_sync.data_uri_bytes(prefix, len(content)) <= wire.FLASH_BYTES:
        return prefix + base64.b64encode(content).decode()
    return await uploads.url(path, model)


def _shown(audio: object) -> str:
    return repr(audio) if isinstance(audio, str) or audio is None else f"a {type(audio).__name__}"


def _read(path: Path, model: str, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            if not 0 < before.st_size <= most:
                raise InvalidInput(
                    f"{path} has {before.st_size:,} bytes; {model} takes 1 to {most:,}. Compress it to FLAC or Opus, "
                    f"or split it; {wire.MODEL} takes larger ones."
                )
            content = file.read(most + 1)
            after = os.fstat(file.fileno())
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read ({error.strerror}). Check the path.") from error
    if (after.st_size, after.st_mtime_ns, len(content)) != (before.st_size, before.st_mtime_ns, before.st_size):
        raise InvalidInput(f"{path} was changed while it was read. Ask again once it is finished.")
    return content
