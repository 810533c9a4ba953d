"""Object storage: how it is opened, for runs and recordings alike, with keys that are in the environment alone."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from asrlab.data.links import shown
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

#: Of S3: listings are not remembered, an object is read by one request, and a server that takes connections and says
#: nothing is given up after 30 s: three tries, all of botocore. Those of s3fs, five by default and 25 to read, would
#: multiply them.
_S3: Final[dict[str, Any]] = {"use_listings_cache": False, "max_concurrency": 1}
CONFIG: Final[dict[str, Any]] = {"connect_timeout": 5, "read_timeout": 10, "retries": {"total_max_attempts": 3}}
PUT_S: Final = 45.0  # for a PUT, which waits for "100 Continue" without those limits
_SECRET: Final = re.compile(r"(?i)key|secret|token|passw|user(?!_agent)|cred|auth|connection_string|^sas")


def check_keyless(where: Path) -> None:
    """Check that a place behind a URL is named without anything that may be a credential.

    Raises
    ------
    InvalidInput
        If the URL, or what else it was made with, holds one.
    """
    url = str(where)
    if set("@?#") & set(url):
        raise InvalidInput(
            f"{shown(url)} is given with a user name, a query or a fragment. Name the bucket and folder alone; keys "
            "are taken from the environment (AWS_ACCESS_KEY_ID ...)."
        )
    if held := sorted(set(_secrets(where.storage_options))):  # type: ignore[attr-defined]
        raise InvalidInput(
            f"{shown(url)} is given with {', '.join(held)}, which would be written wherever its place is. Name the "
            "bucket and folder alone; keys are taken from the environment (AWS_ACCESS_KEY_ID ...)."
        )


def _secrets(options: Mapping[str, Any]) -> Iterator[str]:
    """Name options of a file system that may hold a credential."""
    for name, value in options.items():
        if isinstance(value, dict):
            yield from _secrets(value)
        elif value and (_SECRET.search(name) or (isinstance(value, str) and re.search("://[^/]*@", value))):
            yield name


def files_of(where: Path, **config: Any) -> Any:  # noqa: ANN401 - fsspec has no types
    """Give the file system of a place behind a URL, which remembers no listings: they hold what was.

    Parameters
    ----------
    where : Path
        By :func:`asrlab.data.places.place`.
    **config
        Of botocore, where the place says nothing else; of S3 alone.
    """
    import fsspec  # noqa: PLC0415 - an extra, and slow to import

    protocol, options = where.protocol, where.storage_options  # type: ignore[attr-defined]
    if protocol not in ("s3", "s3a"):
        files = where.fs  # type: ignore[attr-defined]
        files.invalidate_cache()
        return files
    from fsspec.asyn import sync_wrapper  # noqa: PLC0415 - as above

    configured = {**CONFIG, **config, **options.get("config_kwargs", {})}
    files = fsspec.filesystem(protocol, **{**options, **_S3, "config_kwargs": configured})
    files.retries = 1
    for name in ("pipe_file", "put_file"):
        call = sync_wrapper(getattr(files, f"_{name}"), obj=files)
        setattr(files, name, partial(call, timeout=PUT_S))
    return files
