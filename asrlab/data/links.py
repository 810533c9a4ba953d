"""Recordings behind links: what of a link names the recording, and what its host tells of it."""

from __future__ import annotations

import hashlib
import re
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

from asrlab.data import audio
from asrlab.data.recordings import Look, Recording, recordings
from asrlab.errors import InvalidInput
from asrlab.folders import is_set
from asrlab.quiet import quietly

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO

    import httpx

_AT_ONCE: Final = 4
_REDIRECTS: Final = 5
_STALL_S: Final = 30.0
_FETCH_S: Final = 3600.0
_LINKS: Final = ""  # among the folders that facts are kept by: no file lies in this one

# What is dropped of a query is what a signature is known to consist of. A parameter that is kept though it is part of
# one costs a second asking; one that is dropped though it names the file gives it the answer of another. So the lists
# are of whole names, those that could mean something else count only beside a signature, and x-oss-process, versionId
# and the like stay. dashscope.links decides something else, what may be shown or stored of a link, and drops all of it.
_SIGNATURE: Final = re.compile(
    r"x-(?:amz|goog|oss|obs|tos|cos|bce)-(?:algorithm|credential|date|expires|signature|signature-version"
    r"|signedheaders|additional-headers|content-sha256|security-token)"
    r"|q-(?:sign-algorithm|ak|sign-time|key-time|header-list|url-param-list|signature)|access_token",
    re.I,
)
_BESIDE: Final = (  # (names that must be there, names that then are part of the signature)
    (
        {"signature"},
        {"signature", "expires", "policy", "key-pair-id", "hash-algorithm", "security-token"}
        | {"accesskeyid", "awsaccesskeyid", "ossaccesskeyid", "googleaccessid"},
    ),
    (  # Azure
        {"sig", "sv"},
        {"sig", "sv", "ss", "srt", "sr", "sp", "st", "se", "sip", "spr", "si", "sdd"}
        | {"skoid", "sktid", "skt", "ske", "sks", "skv", "saoid", "suoid", "scid"},
    ),
)
_CDN_KEY: Final = re.compile(r"auth_key=\d+-\w+-\w+-[0-9a-f]{32}", re.I)  # of Alibaba Cloud's CDN


def stable_link(url: str) -> str:
    """Take user name, password, fragment and the parts of a signature off a link: what is left names the recording.

    Raises
    ------
    InvalidInput
        If it cannot be read as a URL.
    """
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where there is a port that is none, as a password with a slash makes one
    except ValueError:
        raise InvalidInput(f"{shown(url)!r} is no URL. Mend the manifest.") from None
    pairs = parts.query.split("&") if parts.query else []
    names = [pair.partition("=")[0].lower() for pair in pairs]
    signing = set().union(*(those for needed, those in _BESIDE if needed <= set(names)))
    kept = [
        pair
        for pair, name in zip(pairs, names, strict=True)
        if not (name in signing or _SIGNATURE.fullmatch(name) or _CDN_KEY.fullmatch(pair))
    ]
    host = parts.netloc.rpartition("@")[2].lower()
    return urlunsplit((parts.scheme, host, parts.path, "&".join(kept), ""))


def link_digest(url: str, etag: str = "") -> str:
    """Fingerprint of a recording that was never read: of its :func:`stable_link` and, where known, its ETag."""
    text = stable_link(url) + ("\n" + etag if etag else "")  # no link holds a line break
    return f"url-sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def shown(url: str) -> str:
    """Write a link for a message: without user name, password, query and fragment."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - as above
    except ValueError:
        return url.partition(":")[0] + "://..."
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def fetch(links: Mapping[str, str], download: bool, max_bytes: int) -> dict[str, Recording]:
    """Find out what is behind links, each asked for once.

    Parameters
    ----------
    links : mapping
        Id of an utterance to its link.
    download : bool
        Read the recordings; else only ask for their ETags.
    max_bytes : int
        Size of the largest recording that is taken.

    Returns
    -------
    dict
        Id to what was found out; without those whose host names no ETag, where that was all that was asked for.

    Raises
    ------
    InvalidInput
        If any of them cannot be had; the message names them.
    """
    if not links:
        return {}
    alike: dict[str, list[str]] = {}
    for utt_id, link in links.items():
        alike.setdefault(stable_link(link), []).append(utt_id)
    firsts = {stable: ids[0] for stable, ids in alike.items()}
    if wrong := [i for i in firsts.values() if not _is_http(links[i])]:
        _complain(dict.fromkeys(wrong, "not a http(s) link"), links)
    if is_set("ASRLAB_OFFLINE"):
        known = {stable: recordings().found(_LINKS, link_digest(stable)) for stable in alike if download}
        found = {stable: facts[1] for stable, facts in known.items() if facts is not None}
        _complain(
            {i: "not fetched before, and ASRLAB_OFFLINE is set" for s, i in firsts.items() if s not in found}, links
        )
    else:
        found = _fetch_all({stable: links[utt_id] for stable, utt_id in firsts.items()}, firsts, download, max_bytes)
    return {utt_id: found[stable] for stable, ids in alike.items() if stable in found for utt_id in ids}


def _fetch_all(
    links: Mapping[str, str], ids: Mapping[str, str], download: bool, max_bytes: int
) -> dict[str, Recording]:
    import httpx  # noqa: PLC0415 - slow to import, and needed for links only

    found: dict[str, Recording] = {}
    wrong: dict[str, str] = {}
    # This machine is reached past proxy variables. The timeout is that of a silence, not of the whole.
    direct = dict.fromkeys(("all://localhost", "all://127.0.0.1", "all://[::1]"))
    client = httpx.Client(
        follow_redirects=True, max_redirects=_REDIRECTS, timeout=_STALL_S, mounts=direct,
        headers={"Accept-Encoding": "identity"},
    )  # fmt: skip
    stop = threading.Event()

    def look(stable: str) -> None:
        if download:
            found[stable] = _downloaded(client, stable, links[stable], max_bytes, stop)
        elif (etag := _etag(client, links[stable])) is not None:
            found[stable] = Recording(link_digest(stable, etag))

    def ask(stable: str) -> None:
        try:
            with quietly():
                look(stable)
        except _Refused as error:
            wrong[ids[stable]] = str(error)
        except httpx.HTTPError as error:  # by its kind: its words may hold a link
            wrong[ids[stable]] = type(error).__name__
        except (httpx.InvalidURL, UnicodeError):
            wrong[ids[stable]] = "not a link that can be asked for"
        except OSError as error:
            wrong[ids[stable]] = f"cannot be kept for the time of reading it ({error.strerror})"

    with client, ThreadPoolExecutor(_AT_ONCE) as pool:
        try:
            for asked in [pool.submit(ask, stable) for stable in links]:
                asked.result()
        except BaseException:  # also Ctrl-C: what is under way ends at its next block
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    _complain(wrong, {ids[stable]: link for stable, link in links.items()})
    return found


class _Refused(Exception):
    """A recording that is not taken, and why."""


def _downloaded(client: httpx.Client, stable: str, link: str, max_bytes: int, stop: threading.Event) -> Recording:
    key = link_digest(stable)
    known = recordings().found(_LINKS, key)
    headers = {} if known is None else {"If-None-Match": known[0]}
    with client.stream("GET", link, headers=headers) as response, tempfile.TemporaryDirectory(prefix="asrlab-") as at:
        if response.status_code == 304 and known is not None:
            return known[1]
        _check(response, {200})
        file = Path(at) / "recording"
        with file.open("wb") as opened:
            digest = _save(response, opened, max_bytes, stop)
        recording = Recording(f"file-sha256:{digest}")
        with suppress(InvalidInput):  # FFmpeg may be missing here; the service can read it all the same
            facts = audio.probe(file)
            recording = Recording(recording.digest, facts.duration_s, facts.channels, facts.sample_rate)
    etag = response.headers.get("ETag", "")
    if etag.isascii() and etag.startswith('"'):  # a weak one, W/"...", does not promise the same bytes
        recordings().keep([(Look(_LINKS, key, etag), recording)])
    return recording


def _save(response: httpx.Response, file: IO[bytes], max_bytes: int, stop: threading.Event) -> str:
    large = f"larger than {max_bytes:,} bytes (max_bytes)"
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) > max_bytes:
        raise _Refused(large)
    content, size, end = hashlib.sha256(), 0, time.monotonic() + _FETCH_S
    for block in response.iter_bytes():
        size += len(block)
        if size > max_bytes:
            raise _Refused(large)
        if stop.is_set() or time.monotonic() > end:
            raise _Refused(f"not done after {_FETCH_S / 60:.0f} minutes")
        content.update(block)
        file.write(block)
    if size == 0:
        raise _Refused("empty")
    return content.hexdigest()


def _etag(client: httpx.Client, link: str) -> str | None:
    # Not by HEAD: a link that is signed for GET refuses that.
    with client.stream("GET", link, headers={"Range": "bytes=0-0"}) as response:
        _check(response, {200, 206})
        return response.headers.get("ETag") or None


def _check(response: httpx.Response, wanted: set[int]) -> None:
    if response.status_code not in wanted:
        raise _Refused(f"HTTP {response.status_code}")
    if response.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise _Refused("a web page, not a recording")


def _is_http(link: str) -> bool:
    parts = urlsplit(link)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _complain(wrong: Mapping[str, str], links: Mapping[str, str]) -> None:
    if wrong:
        named = [f"{utt_id} ({shown(links[utt_id])}): {why}" for utt_id, why in list(wrong.items())[:5]]
        raise InvalidInput(
            f"{len(wrong)} of the recordings cannot be fetched: {'; '.join(named)}. Mend the links and fetch again, or "
            "give the recordings' SHA-256 in a column sha256."
        )
