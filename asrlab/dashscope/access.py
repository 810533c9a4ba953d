"""Where to send requests, and the key to send with them."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from asrlab.dashscope import wire
from asrlab.errors import InvalidInput


def find_base_url(region: str, workspace: str | None, base_url: str | None) -> str:
    """Give the base URL of the API: the one given, else of the workspace, else of the region.

    Raises
    ------
    InvalidInput
        If one of them is none.
    """
    if region not in wire.HOSTS:
        raise InvalidInput(f"region must be {' or '.join(wire.HOSTS)}, where the model runs, not {region!r}.")
    if workspace is not None and not wire.WORKSPACE.fullmatch(workspace):
        raise InvalidInput(f"workspace must be an id of letters, digits, - and _, at most 64, not {workspace!r}.")
    if base_url is None:
        if workspace is None:
            return wire.HOSTS[region] + wire.PREFIX
        return wire.WORKSPACE_HOST.format(workspace=workspace, region=wire.WORKSPACE_REGIONS[region]) + wire.PREFIX
    try:
        parts = urlsplit(base_url)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        usable = False
    if not usable or "@" in parts.netloc or parts.query or parts.fragment:
        raise InvalidInput(
            f"base_url must be a http(s) URL such as {wire.HOSTS[region]}{wire.PREFIX}, without user name or query."
        )
    if meant := [other for other in wire.HOSTS if other != region and _is_of(parts.hostname or "", other)]:
        raise InvalidInput(f"base_url is of the region {meant[0]}, and region is {region!r}. Give region={meant[0]!r}.")
    return base_url.rstrip("/")


def _is_of(host: str, region: str) -> bool:
    """Whether a host is one of the service's own, of a region."""
    return host == urlsplit(wire.HOSTS[region]).hostname or host.endswith(
        f".{wire.WORKSPACE_REGIONS[region]}.maas.aliyuncs.com"
    )


def find_key(region: str, given: str | None) -> tuple[str, str]:
    """Find the API key, and say where it came from.

    Raises
    ------
    InvalidInput
        If there is none, or it cannot be one.
    """
    variables = (f"DASHSCOPE_API_KEY_{region.upper()}", "DASHSCOPE_API_KEY")
    found = [("the argument api_key", given)] if given is not None else [(v, os.environ.get(v)) for v in variables]
    for source, value in found:
        key = (value or "").strip()
        if key and not (key.isascii() and key.isprintable() and " " not in key):
            raise InvalidInput(f"The API key in {source} holds characters no key has. Copy it anew.")
        if key:
            return key, source
    raise InvalidInput(
        f"There is no API key for the region {region}. Set {variables[0]} or {variables[1]}, or give api_key=..."
    )
