"""Where asrlab keeps files that are not part of any run."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_dir


def cache_folder(name: str) -> Path:
    """Name a folder below ``ASRLAB_CACHE``, or else below the user's cache folder; it need not be there."""
    return Path(os.environ.get("ASRLAB_CACHE") or user_cache_dir("asrlab")) / name


def is_set(variable: str) -> bool:
    """Whether an environment variable says yes: it is set, and not to 0, false, no or off."""
    return os.environ.get(variable, "").lower() not in ("", "0", "false", "no", "off")
