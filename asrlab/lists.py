"""Lists: the terms that a context names."""

from __future__ import annotations

import json
import re
from typing import Final

_SEPARATORS: Final = re.compile(r"[,;、，；|\n\r\t]+")


def items(context: str) -> list[str]:
    """Read the terms of a context, in order.

    Parameters
    ----------
    context : str
        A JSON list of texts, or terms with commas, semicolons, bars, tabs or ends of lines between them, ASCII or
        Chinese. Prose comes apart at its commas: what lies between them are no terms, and is in no reference as a
        whole, unless that says it word by word.

    Returns
    -------
    list of str
        Without white space around them, and without empty ones; one that stands twice is there twice.

    Examples
    --------
    >>> items("Kestrel, Ostrava;  Van Houten")
    ['Kestrel', 'Ostrava', 'Van Houten']
    >>> items('["Kestrel, Inc.", "Ostrava"]')
    ['Kestrel, Inc.', 'Ostrava']
    >>> items("卡斯特里、奥斯特拉瓦，洁净室")
    ['卡斯特里', '奥斯特拉瓦', '洁净室']
    """
    found = _json_list(context)
    parts = _SEPARATORS.split(context) if found is None else found
    return [part.strip() for part in parts if part.strip()]


def _json_list(context: str) -> list[str] | None:
    if not context.lstrip().startswith("["):
        return None
    try:
        found = json.loads(context)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) and all(isinstance(part, str) for part in found) else None
