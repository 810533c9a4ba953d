"""Text that others wrote: made safe to stand in HTML, and brought to one printable line."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

# Controls, and marks that turn the direction of all that follows, are spelled out.
_VISIBLE: Final[dict[int, int | str]] = {
    **{code: f"\\x{code:02x}" for code in (*range(0x20), 0x7F) if code not in {0x09, 0x0A}},
    **{code: f"\\u{code:x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))},
}
_ONE_LINE: Final[dict[int, int | str]] = {**_VISIBLE, 0x09: " ", 0x0A: "⏎"}


def escape(value: object) -> str:
    """Make any value safe to stand in HTML, as text or in a quoted attribute; controls become visible."""
    return html.escape(str(value).translate(_VISIBLE).encode("utf-8", "replace").decode("utf-8"))


def plain(value: object, limit: int | None = None) -> str:
    """Bring any value to one line of printable text, cut to ``limit`` characters."""
    text = str(value).translate(_ONE_LINE).encode("utf-8", "replace").decode("utf-8")
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"


def bullets(lines: Iterable[str]) -> str:
    """Make an HTML list of texts, all escaped; each is read in its own direction."""
    return "<ul>" + "".join(f'<li dir="auto">{escape(line)}</li>' for line in lines) + "</ul>"
