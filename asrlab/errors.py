"""Every exception asrlab raises on purpose.

::

    AsrlabError
    ├── InvalidInput     a dataset, table, grid or parameter that cannot be used as it is (also a ValueError)
    ├── MissingExtra     an optional dependency is not installed (also an ImportError)
    ├── StoreError       a sweep's store cannot be opened, or does not hold what was asked of it
    ├── MissingTrials    a table or replay lacks answers that the question needs
    ├── BudgetSpent      a budget did not suffice for everything that was to be sent
    └── ServiceError     a speech service refused, failed, or answered something unreadable
        ├── TaskFailed       the service took the request and the task ended without a transcript
        └── OutcomeUnknown   a request was sent and nobody knows whether it was accepted

Messages say what was wanted, what came, and what to do next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


class AsrlabError(Exception):
    """Root of all exceptions raised by asrlab."""

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[object, ...], dict[str, object]]:
        # Between processes it travels as it is: constructors want more than the message that is kept of it.
        return self.__class__.__new__, (self.__class__, *self.args), self.__dict__


class InvalidInput(AsrlabError, ValueError):
    """A dataset, table, grid or parameter that cannot be used as it is."""


class MissingExtra(AsrlabError, ImportError):
    """An optional dependency is not installed.

    Parameters
    ----------
    what : str
        What the caller wanted to do.
    extra : str
        The extra of asrlab that brings the dependency.
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} needs packages that are not installed. Install them with: pip install 'asrlab[{extra}]'"
        )
        self.extra = extra

    @classmethod
    def of_links(cls, doing: str, scheme: str, lacking: object = None) -> MissingExtra:
        """Make the error of links that cannot be followed: of S3's, the extra ``s3`` is missing, of others ``remote``.

        Parameters
        ----------
        doing : str
            What is done to them, such as ``"Reading"``.
        scheme : str
            What stands before ``://`` in them.
        lacking : object, optional
            What else is said of it, such as which package fsspec lacks.
        """
        what = f"{doing} {scheme}:// links" + (f" ({lacking})" if lacking else "")
        return cls(what, "s3" if scheme.lower().split("+")[0] in {"s3", "s3a"} else "remote")


class StoreError(AsrlabError):
    """A sweep's store cannot be opened, or does not hold what was asked of it."""


class MissingTrials(AsrlabError):
    """A table or replay lacks answers that the question needs."""


class BudgetSpent(AsrlabError):
    """A budget did not suffice for everything that was to be sent."""


class ServiceError(AsrlabError):
    """A speech service refused, failed, or answered something unreadable.

    Parameters
    ----------
    message : str
        What happened, in the service's words where it gave any.
    code : str
        The service's error code, or a short one of ours (``"Timeout"``, ``"BadResponse"`` ...).
    request_id : str, optional
        The service's id of the request, to quote to its support.
    http_status : int, optional
        Status of the HTTP response, if there was one.
    """

    def __init__(
        self, message: str, *, code: str, request_id: str | None = None, http_status: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.request_id = request_id
        self.http_status = http_status

    def __str__(self) -> str:
        facts = [self.code]
        if self.http_status is not None:
            facts.append(f"HTTP {self.http_status}")
        if self.request_id:
            facts.append(f"request {self.request_id}")
        return f"{self.message} [{', '.join(facts)}]"


class TaskFailed(ServiceError):
    """The service took the request and the task ended without a transcript."""


class OutcomeUnknown(ServiceError):
    """A request that may cost money was sent, and nobody knows whether it was accepted.

    Attributes
    ----------
    sent_at, lost_at : datetime or None
        When it was sent, and when it was known to be lost; in UTC, by this machine's clock.
    link : str or None
        Of the recording, as it was sent.
    """

    sent_at: datetime | None = None
    lost_at: datetime | None = None
    link: str | None = None
