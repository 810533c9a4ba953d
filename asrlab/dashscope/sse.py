"""Server-sent events, read as they come: from pieces of bytes that may end anywhere (HTML standard, section 9.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE: Final = re.compile(rb"\r\n|\n|\r")
_BOM: Final = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One event: its name, the HTTP status that this service gives errors, and its data."""

    name: str
    status: int | None
    data: bytes


class Events:
    """Reads events. What no empty line has ended is none: a stream that breaks off leaves no half of one."""

    def __init__(self) -> None:
        self._line: list[bytes] = []  # pieces of the line that has not ended
        self._first = True
        self._after_return = False
        self._name = ""
        self._status: int | None = None
        self._data: list[bytes] = []

    def feed(self, block: bytes) -> Iterator[Event]:
        """Take the next bytes, and give the events that they complete."""
        if self._after_return and block.startswith(b"\n"):  # the two are one end of a line
            block = block[1:]
        if not block:
            return
        self._after_return = block.endswith(b"\r")
        first, *others = _LINE.split(block)
        self._line.append(first)
        for other in others:
            line = b"".join(self._line)
            self._line = [other]
            if self._first:
                line, self._first = line.removeprefix(_BOM), False
            if line:
                self._take(line)
                continue
            if self._data:
                yield Event(self._name, self._status, b"\n".join(self._data))
            self._name, self._status, self._data = "", None, []

    def _take(self, line: bytes) -> None:
        field, _, value = line.partition(b":")  # a comment has no field
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value.decode(errors="replace")
        elif field == b"status" and value.isdigit():
            self._status = int(value[:3])
