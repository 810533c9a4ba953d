"""Marks: by what one signed link to a recording is told from the next, once its signature is dropped.

Links to one object differ in nothing but their signature, which is a credential, and is by the second. So each carries
a number of its own, which is signed and no secret: what the answer's Cache-Control shall say, a word that caches take
no notice of (RFC 9111, 5.2.3). S3 and OSS both document that parameter, and sign it in either version.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

_NAME: Final = "response-cache-control"
_MARK: Final = re.compile(rf"[?&]{_NAME}=(asrlab-[0-9a-f]{{32}})(?=[&#]|$)")


def new_mark() -> str:
    """Make a mark that no other link has."""
    return f"asrlab-{secrets.token_hex(16)}"


def mark_of(url: str) -> str | None:
    """Find the mark of a link; None if it has none, or several."""
    found = _MARK.findall(url.partition("#")[0])
    return found[0] if len(found) == 1 else None


def storable_link(url: str) -> str:
    """Take user name, password, fragment and query off a link, but for its mark."""
    mark = mark_of(url)
    plain = re.sub(r"://[^/]*@", "://", re.split(r"[?#]", url, maxsplit=1)[0])
    return plain if mark is None else f"{plain}?{_NAME}={mark}"
