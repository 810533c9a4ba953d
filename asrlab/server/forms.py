"""Reading a multipart form as it arrives, so that its fields can be judged before its file is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_FIELDS: Final = 32
_FIELD_BYTES: Final = 64 << 10


class MalformedForm(ValueError):
    """A form that cannot be read, or not in the order that uploads need."""


async def read_form(
    content_type: str, body: AsyncIterator[bytes], take_file: Callable[[dict[str, str]], Callable[[bytes], object]]
) -> None:
    """Read a form whose last part is named ``file``.

    Parameters
    ----------
    content_type : str
        The request's header.
    body : async iterator of bytes
        The form.
    take_file : callable
        Given the fields when the file begins; returns what takes its bytes. What it raises ends the reading.

    Raises
    ------
    MalformedForm
        If this is no form, has too much in its fields, or no file at its end.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise MalformedForm("An upload is sent as multipart/form-data, with a boundary.")
    reader = _Reader(take_file)
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": reader.part_begins,
                "on_header_field": reader.header_name,
                "on_header_value": reader.header_value,
                "on_header_end": reader.header_ends,
                "on_headers_finished": reader.part_named,
                "on_part_data": reader.part_data,
                "on_part_end": reader.part_ends,
                "on_end": reader.form_ends,
            },
        )
        async for block in body:
            parser.write(block)
        parser.finalize()
    except FormParserError as error:
        raise MalformedForm(f"The form cannot be read: {error}.") from error
    if not reader.complete:
        raise MalformedForm("The form ends before its file does: its last part must be named file.")


class _Reader:
    """What the parser calls."""

    def __init__(self, take_file: Callable[[dict[str, str]], Callable[[bytes], object]]) -> None:
        self._take_file = take_file
        self._fields: dict[str, str] = {}
        self._parts = 0
        self._file: Callable[[bytes], object] | None = None
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._field = ""
        self._content = b""
        self.complete = False

    def part_begins(self) -> None:
        if self._file is not None:
            raise MalformedForm("The part named file must be the last one of the form.")
        if self._parts == _FIELDS:
            raise MalformedForm(f"The form has more than {_FIELDS} fields.")
        self._parts += 1
        self._headers = {}
        self._content = b""

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_ends(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def part_named(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._field = options.get(b"name", b"").decode(errors="replace")
        if self._field == "file":
            self._file = self._take_file(self._fields)

    def part_data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file(data[start:end])
            return
        self._content += data[start:end]
        if len(self._content) > _FIELD_BYTES:
            raise MalformedForm(f"A field of the form is longer than {_FIELD_BYTES} bytes.")

    def part_ends(self) -> None:
        if self._file is None:
            self._fields[self._field] = self._content.decode(errors="replace")

    def form_ends(self) -> None:
        self.complete = self._file is not None
