"""URLs: how they are sent, and what of them may be shown.

Signed links carry credentials in their query. Whatever is stored, shown or raised has passed through :func:`bare` or
:func:`scrub`.
"""

from __future__ import annotations

import ipaddress
import re
import string
from typing import Any, Final
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from asrlab.errors import InvalidInput, ServiceError
from asrlab.shown import Shown

_PRINTABLE: Final = string.digits + string.ascii_letters + string.punctuation
_LONE_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_URL: Final = re.compile(r"\b([a-z][a-z0-9+.-]{0,20}://)(?:[^\s/?#\"'<>]*@)?([^\s?#\"'<>]*)(?:[?#][^\s\"'<>]*)?", re.I)
_DATA: Final = re.compile(r"\b(data:[\w.+-]*/?[\w.+-]*;base64,)[\w+/=%-]*", re.I)
_SHOWN: Final = 200  # characters of what is no URL
_USER: Final = re.compile(r"://[^/]*@")
_CREDENTIAL: Final = re.compile(
    r"\b((?:x-oss-)?(?:signature|credential|security-?token)|(?:OSS|AWS)AccessKeyId|GoogleAccessId)"
    r"(\"?\s*[:=]\s*\"?)[^\s&;,\"'<>]+"
    r"|\b(policy)(\s*=\s*)[^\s&;,\"'<>]+|\b(Bearer)(\s+)[^\s,;\"'<>]+",
    re.I,
)


class SignedUrl(Shown):
    """A URL whose query is a credential: shown, copied and stored without it, given whole only by :meth:`reveal`.

    Parameters
    ----------
    url : str
        With its query.
    """

    __slots__ = ("_url",)

    def __init__(self, url: str) -> None:
        self._url = url

    def reveal(self) -> str:
        """Give the URL with its query.

        Returns
        -------
        str
            A credential: not to be shown or stored.
        """
        return self._url

    def __reduce__(self) -> tuple[type[SignedUrl], tuple[str]]:
        return SignedUrl, (bare(self._url),)

    def __str__(self) -> str:
        return bare(self._url)

    def _told(self) -> list[tuple[str, object]]:
        return [("address", bare(self._url)), ("signature", "not shown; reveal() gives it")]

    def __repr__(self) -> str:
        return f"SignedUrl({bare(self._url)!r})"


def bare(url: str) -> str:
    """Take user name, password, query and fragment off a URL."""
    return _USER.sub("://", re.split(r"[?#]", url, maxsplit=1)[0])


def scrub(text: str) -> str:
    """Take credentials out of a text, and recordings: of URLs in it, of data URIs, and parts of a signed query."""
    text = _DATA.sub(r"\1...", text)
    return _CREDENTIAL.sub(lambda found: "".join(filter(None, found.groups())) + "...", _URL.sub(r"\1\2", text))


def scrub_document(value: Any, name: str = "") -> Any:  # noqa: ANN401 - any JSON value
    """Copy a JSON value with every URL in it bare. What was said stays untouched, though it may speak of URLs."""
    if isinstance(value, dict):
        return {key: scrub_document(member, key) for key, member in value.items()}
    if isinstance(value, list):
        return [scrub_document(member, name) for member in value]
    if isinstance(value, str) and name not in ("text", "content"):
        return scrub(value)
    return value


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def percent_encoded(url: str) -> str:
    """Encode what must not stand in a URL as it is: spaces, non-ASCII, and percent signs that encode nothing.

    Raises
    ------
    InvalidInput
        If the text is not a http, https or oss URL.
    """
    wanted = "The audio must be a http(s) URL that the service can fetch, or an oss:// URL from upload()"
    if not isinstance(url, str):
        raise InvalidInput(f"{wanted}, not {url!r}.")
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = parts.port
        url.encode()
    except ValueError as error:  # of urlsplit and of the codecs: a port or host that is none, half a surrogate pair
        raise InvalidInput(f"{wanted}, not {_shown(url)!r} ({type(error).__name__}: {error}).") from None
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https", "oss") or not host or any(c in url for c in "\r\n\t\0") or " " in host:
        raise InvalidInput(f"{wanted}, not {_shown(url)!r}. A local file must be uploaded first.")
    if scheme == "oss":
        if not (url.isascii() and url.isprintable() and " " not in url):
            raise InvalidInput(f"{bare(url)!r} is no URL that upload() gave: those hold ASCII without spaces.")
        return "oss" + url[3:]
    if not parts.netloc.isascii():
        user, at, _ = parts.netloc.rpartition("@")
        parts = parts._replace(netloc=f"{user}{at}{host}" + (f":{port}" if port else ""))
    return quote(_LONE_PERCENT.sub("%25", urlunsplit(parts)), safe=_PRINTABLE)


def check_link(url: str, *, secure: bool = False) -> None:
    """Check that what the service gave is a link that is followed: http(s), or https alone, without a user name.

    Raises
    ------
    ServiceError
        If it is none.
    """
    try:
        parts = urlsplit(url)
        schemes = ("https",) if secure and not is_loopback(url) else ("http", "https")
        usable = parts.scheme in schemes and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        usable = False
    if not usable:
        raise ServiceError(
            f"The service gave a link that is not a {'https' if secure else 'http(s)'} URL.", code="BadResponse"
        )


def onward(url: str, location: str) -> str:
    """Follow a redirect: not from https to http, and not from elsewhere to this machine.

    Raises
    ------
    ServiceError
        If it leads there, or is no link.
    """
    try:
        onward = urljoin(url, location)
    except ValueError:
        onward = ""
    check_link(onward, secure=url.startswith("https:") and not is_loopback(url))
    if is_loopback(onward) and not is_loopback(url):
        raise ServiceError("The link to the result redirects to this machine, which is not followed.", code="Redirect")
    return onward


def _shown(url: str) -> str:
    return scrub(bare(url))[:_SHOWN]
