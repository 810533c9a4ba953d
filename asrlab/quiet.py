"""Quiet: what libraries log of the links they follow is kept out of the log, for a signed link is a credential."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

#: httpx logs URLs with their query, httpcore the headers of responses with their Location.
_HTTPX: Final = ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")))
_quiet: ContextVar[bool] = ContextVar("quiet", default=False)


def is_quiet() -> bool:
    """Whether nothing is to be told of a link that is being followed."""
    return _quiet.get()


def _unless_quiet(record: logging.LogRecord) -> bool:
    return not _quiet.get()


@contextmanager
def quietly(*loggers: str) -> Iterator[None]:
    """Keep what httpx logs, and other loggers by their names, out of the log while entered."""
    for name in (*_HTTPX, *loggers):
        logging.getLogger(name).addFilter(_unless_quiet)
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)
