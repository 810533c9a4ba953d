"""A bucket of one's own: a recording is put there once, and the service is given a signed link to it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary, WeakValueDictionary

import anyio
from anyio.to_thread import run_sync

from asrlab.dashscope import wire
from asrlab.dashscope.http import Behind, behind
from asrlab.dashscope.links import SignedUrl, is_loopback, percent_encoded
from asrlab.dashscope.retries import persist
from asrlab.dashscope.uploads import content
from asrlab.errors import InvalidInput, ServiceError
from asrlab.folders import is_set
from asrlab.marks import new_mark
from asrlab.quiet import quietly
from asrlab.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Callable

_LIFE_S: Final = 48 * 3600
_LONGEST_S: Final = 7 * 24 * 3600  # docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
_BLOCK: Final = 8 << 20  # of which one is held, and sent, at a time; S3 takes 10,000, of 5 MB at least
_READ: Final = 1 << 20
_PUTS: Final = 4  # files that are put at once
_SLOWEST: Final = 32_000  # bytes a second; what takes longer to put has stalled
_LEAST_S: Final = 120
_NO_TEXT: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters, half surrogate pairs
_NOT_THERE: Final = (403, 404)  # S3 tells neither from the other to a key that may not list
_TOKEN: Final = re.compile(r"[?&](?:x-(?:amz|oss|goog)-)?security-token=", re.I)
#: OSS by the protocol of S3: by names of buckets as hosts, signatures of version 2, and bodies in one piece
#: (help.aliyun.com/en/oss/developer-reference/use-aws-sdks-to-access-oss). The file system of its own, ossfs, cannot
#: sign.
_OSS: Final[dict[str, Any]] = {
    "signature_version": "s3",
    "s3": {"addressing_style": "virtual"},
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
}

_LOGGERS: Final = ("botocore.auth", "botocore.endpoint", "botocore.hooks")  # which log what is signed, and signatures

_log = logging.getLogger("asrlab.dashscope")


class LapsesEarly(UserWarning):
    """A link is signed with temporary credentials, and lapses with them, however long it is to hold."""


@dataclass
class _Turns:
    """Who may put what now, within one event loop."""

    puts: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(_PUTS))
    names: WeakValueDictionary[str, anyio.Lock] = field(default_factory=WeakValueDictionary)

    def of(self, name: str) -> anyio.Lock:
        lock = self.names.get(name)
        if lock is None:
            lock = self.names[name] = anyio.Lock()
        return lock


class Bucket(Shown):
    """A bucket of one's own for recordings, from which the service fetches them by signed links.

    The service's documentation advises it for production, where its temporary uploads are not to be used. A recording
    lies in it under the SHA-256 of its bytes, so that the same content is put once, by whichever process; nothing is
    ever removed. Keys are taken from the environment, as for all that lies on object storage.

    Parameters
    ----------
    url : str or path
        Of a bucket, or a folder in it: ``s3://bucket/folder``; ``oss://bucket/folder``, with ``OSS_REGION``,
        ``OSS_ACCESS_KEY_ID`` and ``OSS_ACCESS_KEY_SECRET`` in the environment; or of another file system of fsspec that
        can sign, such as ``gs://``. A path of universal-pathlib may name an endpoint, but no keys.
    life_s : float
        Seconds for which links hold, a week at the most. A task may wait for long before its recording is fetched, and
        a client waits 24 h for it at the most: 48 h, if not given.

    Raises
    ------
    InvalidInput
        If it is no such URL or holds keys, or no links can be signed there.
    MissingExtra
        If what reads such URLs is not installed.

    Examples
    --------
    >>> bucket = Bucket("s3://recordings/asr")
    >>> bucket
    <Bucket s3://recordings/asr>
    >>> engine = FiletransEngine(bucket=bucket)  # doctest: +SKIP
    >>> await client.submit(await bucket.link("call.wav"))  # doctest: +SKIP
    """

    def __init__(self, url: str | os.PathLike[str], *, life_s: float = _LIFE_S) -> None:
        if isinstance(life_s, bool) or not isinstance(life_s, int | float) or not 1 <= life_s <= _LONGEST_S:
            raise InvalidInput(
                f"life_s must be 1 to {_LONGEST_S:,} seconds (a week, the most S3 takes), not {life_s!r}."
            )
        self._named = url
        self._life_s = int(life_s)
        self._where = _place(url)
        self._files: Any = None
        self._turns: WeakKeyDictionary[asyncio.AbstractEventLoop, _Turns] = WeakKeyDictionary()
        self._warned = False
        self._tagged = True  # whether ETags that look like an MD5 are one here

    @classmethod
    def of(cls, given: str | os.PathLike[str] | Bucket | None) -> Bucket | None:
        """Give what an engine's option ``bucket=`` names.

        Parameters
        ----------
        given : str, path, Bucket or None
            A bucket, or the URL of one.

        Returns
        -------
        Bucket or None
            None where none was given.

        Raises
        ------
        InvalidInput, MissingExtra
            As for the class.
        """
        return given if given is None or isinstance(given, Bucket) else cls(given)

    @property
    def url(self) -> str:
        """Where it lies, as it was given."""
        return str(self._named).rstrip("/")

    def __repr__(self) -> str:
        return f"<Bucket {self.url}>"

    def _told(self) -> list[tuple[str, object]]:
        return [("address", self.url), ("links hold", f"{self._life_s:,} s")]

    def __reduce__(self) -> tuple[Callable[..., Bucket], tuple[object]]:
        # Whatever holds keys, or belongs to this process, stays in it.
        return partial(Bucket, life_s=self._life_s), (self._named,)

    async def link(self, path: str | os.PathLike[str]) -> str:
        """Put a file into the bucket, unless it is there, and sign a link to it.

        That the link can be fetched, and leads to a file of this size, has been tried when it is given. Links of S3 and
        OSS each carry a mark, by which a submit that was lost is told from others: ask for a link for each submit.

        Parameters
        ----------
        path : path
            A file of at most 2 GB.

        Returns
        -------
        str
            A https link, or a http link where the bucket is on this machine: a credential, which lets whoever has it
            read this file, and nothing else, until it lapses.

        Raises
        ------
        InvalidInput
            If there is no such file, it is empty, too large, or was changed meanwhile; or nothing may be asked for,
            since ``ASRLAB_OFFLINE`` is set.
        ServiceError
            With code ``Bucket``, if the storage refuses it or cannot be reached.
        """
        if is_set("ASRLAB_OFFLINE"):
            raise InvalidInput(f"Nothing is put into {self.url}, since ASRLAB_OFFLINE is set.")
        advice = "Compress it to FLAC or Opus, or split it."
        async with content(Path(path), wire.FILE_BYTES, advice) as (file, state, digest):
            name = digest + _suffix(Path(path))
            turns = self._turns.setdefault(asyncio.get_running_loop(), _Turns())
            async with turns.of(name):
                link, found = await self._look(name)
                if not await self._is(found, file, state.st_size):
                    await self._put(file, name, digest, turns.puts)
                    link, found = await self._look(name, put=True)
                    size = 0 if found is None else found.size
                    if size != state.st_size:
                        raise _fault(f"{self.url}/{name} has {size} bytes, and {state.st_size} were put. Ask again.")
                    self._tagged = self._tagged and await self._is(found, file, state.st_size)
        self._warn(link)
        return link.reveal()

    async def _is(self, found: Behind | None, file: BinaryIO, size: int) -> bool:
        """Whether what lies there is this file, as far as its host tells."""
        if found is None or found.size != size:
            return False
        if found.md5 is None or not self._tagged:
            return True
        return found.md5 == await run_sync(_md5, file)

    async def _look(self, name: str, *, put: bool = False) -> tuple[SignedUrl, Behind | None]:
        """Sign a link, and give it with what it leads to; None if that is nothing."""
        link = await self._signed(name)
        try:
            return link, await persist(partial(behind, link), local=is_loopback(link.reveal()))
        except ServiceError as error:
            if error.http_status in _NOT_THERE and not put:
                return link, None
            refusal = error
        said = f"A signed link to {self.url}/{name} " + ("cannot be fetched" if put else "is refused")
        raise _fault(
            f"{said}: {refusal.message} ({refusal.code}). Check that the key may read it (s3:GetObject), that "
            "AWS_DEFAULT_REGION names the region of the bucket, and that this machine's clock is right."
        )

    async def _signed(self, name: str) -> SignedUrl:
        try:
            link = percent_encoded(await run_sync(self._sign, name))
            fault = None
        except InvalidInput:
            raise
        except NotImplementedError:
            raise _cannot_sign(self.url) from None
        except ImportError as error:  # of some only where they sign
            raise InvalidInput(f"To sign links to {self.url} a package is missing: {error}. Install it.") from None
        except Exception as error:  # each file system raises its own, and its words may hold a key
            fault = self._refused(error, name, "cannot be signed for")
        if fault is not None:
            raise fault
        if urlsplit(link).scheme != "https" and not is_loopback(link):
            raise InvalidInput(
                f"{self.url} is reached by http, where whoever is on the way can read signed links. Give its endpoint "
                "with https (AWS_ENDPOINT_URL)."
            )
        return SignedUrl(link)

    def _sign(self, name: str) -> str:
        # Others name such a parameter in their own ways, or have none: what is lost there stays unknown.
        marked = {"ResponseCacheControl": new_mark()} if self._where.protocol in ("s3", "s3a") else {}  # type: ignore[attr-defined]
        with quietly(*_LOGGERS):
            link: str = self._storage.sign(self._key(name), expiration=self._life_s, **marked)
        return link

    async def _put(self, file: BinaryIO, name: str, digest: str, limiter: anyio.CapacityLimiter) -> None:
        within_s = _LEAST_S + os.fstat(file.fileno()).st_size / _SLOWEST
        try:
            async with limiter:
                with anyio.fail_after(within_s):
                    # Where it is not waited for any longer, the file is closed, and that ends it.
                    with quietly(*_LOGGERS):
                        await run_sync(_write, self._storage, self._key(name), file, digest, abandon_on_cancel=True)
            fault = None
        except _Changed:
            raise InvalidInput(f"{file.name} was changed while it was put. Ask again once it is finished.") from None
        except FileNotFoundError:
            bucket = urlsplit(self.url).netloc
            fault = _fault(f"There is no bucket {bucket}, and asrlab makes none. Check the URL, and the endpoint.")
        except Exception as error:  # as above
            fault = self._refused(error, name, "cannot be written")
        if fault is not None:
            raise fault
        _log.info("%s was put into %s", name, self.url)

    @property
    def _storage(self) -> Any:  # noqa: ANN401 - fsspec has no types
        if self._files is None:
            from asrlab.data.storage import files_of  # noqa: PLC0415 - what it needs is an extra, and slow to import

            where, config = self._where, {"signature_version": "s3v4"}
            if self.url.startswith("oss://"):
                where, config = _oss(where), _OSS
            self._files = files_of(where, **config)
        return self._files

    def _key(self, name: str) -> str:
        path: str = self._where.path  # type: ignore[attr-defined]
        return f"{path.rstrip('/')}/{name}"

    def _refused(self, error: Exception, name: str, what: str) -> ServiceError:
        from asrlab.data.places import refused  # noqa: PLC0415 - as above

        return _fault(str(refused(error, f"{self.url}/{name}", what)))

    def _warn(self, link: SignedUrl) -> None:
        if not self._warned and _TOKEN.search(link.reveal()):
            self._warned = True
            warnings.warn(
                f"Links to {self.url} are signed with temporary credentials, and lapse with them, perhaps before the "
                f"{self._life_s / 3600:.1f} h that they are to hold: a task that waits longer fails with "
                "FILE_403_FORBIDDEN. Sign with the key of a user that may read and write in this folder alone.",
                LapsesEarly,
                stacklevel=1,
            )


def _md5(file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.md5(usedforsecurity=False)
    while block := file.read(_READ):
        digest.update(block)
    return digest.hexdigest()


class _Changed(Exception):
    """What was read is not what the name says."""


def _write(storage: Any, key: str, file: BinaryIO, digest: str) -> None:  # noqa: ANN401 - fsspec has no types
    """Write a file to an object, which is there once all of it is, and is what it is to be."""
    read = hashlib.sha256()
    file.seek(0)
    target = storage.open(key, "wb", block_size=_BLOCK)
    try:
        while block := file.read(_READ):
            read.update(block)
            target.write(block)
        if same := read.hexdigest() == digest:
            target.close()
    except BaseException:
        _abandon(target)
        raise
    if not same:
        _abandon(target)
        raise _Changed


def _abandon(target: Any) -> None:  # noqa: ANN401 - as above
    """Let go of an object that is being written, so that it is never there."""
    with suppress(Exception):  # parts without a whole cost room, and are nothing more
        target.discard()
    target.closed = True  # else it would be written after all, once it is forgotten


def _place(url: str | os.PathLike[str]) -> Path:
    from asrlab.data.places import is_here, is_place, place  # noqa: PLC0415 - of datasets, and slow to import
    from asrlab.data.storage import check_keyless  # noqa: PLC0415 - as above

    named = isinstance(url, str | os.PathLike) or is_place(url)
    if named and _NO_TEXT.search(str(url)):
        raise InvalidInput(f"A bucket has a URL without control characters, not {str(url)!r}.")
    where = place(f"s3{url[3:]}" if isinstance(url, str) and url.startswith("oss://") else url) if named else Path()
    if is_here(where):
        raise InvalidInput(f"A bucket has a URL such as 's3://bucket/folder', not {str(url)!r}.")
    check_keyless(where)
    from fsspec import AbstractFileSystem, get_filesystem_class  # noqa: PLC0415 - an extra, and slow to import

    if get_filesystem_class(where.protocol).sign is AbstractFileSystem.sign:  # type: ignore[attr-defined]
        raise _cannot_sign(str(url))
    if not where.path.partition("/")[0] or {".", ".."} & set(where.parts):  # type: ignore[attr-defined]
        raise InvalidInput(f"{url} names no bucket, or leads out of it. Give a URL such as 's3://bucket/folder'.")
    if "//" in where.path.rstrip("/"):  # type: ignore[attr-defined]
        raise InvalidInput(f"{url} names a folder without a name. Give a URL such as 's3://bucket/folder'.")
    return where


def _oss(where: Path) -> Path:
    """Give a place in OSS as one of S3, with the keys of OSS; not to be kept."""
    names = ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN", "OSS_REGION", "OSS_ENDPOINT")
    key, secret, token, region, endpoint = (os.environ.get(name) for name in names)
    if not (key and secret and (region or endpoint)):
        raise InvalidInput(
            "A bucket of OSS needs OSS_REGION (such as ap-southeast-1), OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET in "
            "the environment."
        )
    endpoint = endpoint or f"s3.oss-{region}.aliyuncs.com"
    if "://" not in endpoint:
        endpoint = f"https://{endpoint}"
    return type(where)(str(where), key=key, secret=secret, token=token, endpoint_url=endpoint)


def _suffix(path: Path) -> str:
    """Give the end of a file's name, if it is one of a format: nothing else of the name is told to anybody."""
    suffix = path.suffix.lower()
    return suffix if suffix[1:] in wire.FORMATS else ""


def _cannot_sign(url: str) -> InvalidInput:
    return InvalidInput(
        f"No links can be signed to what lies at {url}, and the service could not fetch it. Give a bucket such as "
        "'s3://bucket/folder'."
    )


def _fault(message: str) -> ServiceError:
    return ServiceError(message, code="Bucket")
