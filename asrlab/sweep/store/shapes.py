"""What goes into a store and comes out of it, beside tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from asrlab.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, repr=False)
class Asking(Shown):
    """One cell of a sweep's plan: an utterance under a condition, and the trial that answers it."""

    utt_id: str
    condition: str
    repeat: int
    trial: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Intent:
    """A question that is about to be sent.

    Parameters
    ----------
    trial : str
        Its id.
    begun : float
        Unix seconds.
    reserved_s : int
        Seconds of audio that it may cost: whole ones, each channel counted.
    usd_per_s : float
        US dollars per second of audio.
    link : str, optional
        The recording as the service is told of it; a query, which may be a credential, is not stored.
    """

    trial: str
    begun: float
    reserved_s: int = 0
    usd_per_s: float = 0.0
    link: str | None = None


class Standing(NamedTuple):
    """How a trial stands.

    Attributes
    ----------
    state : str
        ``answered``, ``failed``, ``unknown``, ``submitted`` or ``not run``.
    attempts : int
        Submits so far.
    task_id : str or None
        A task whose answer can still be collected.
    submitted : float or None
        When the last attempt was taken by a service, in Unix seconds.
    """

    state: str = "not run"
    attempts: int = 0
    task_id: str | None = None
    submitted: float | None = None


class Unknown(NamedTuple):
    """An attempt of which nobody knows whether it was taken.

    Attributes
    ----------
    trial, attempt : str, int
        Which.
    audio : str
        Digest of the recording.
    link : str or None
        The recording as the service was told of it, without a query.
    begun, ended : float, float or None
        Unix seconds; not ended if the process was.
    """

    trial: str
    attempt: int
    audio: str
    link: str | None
    begun: float
    ended: float | None


class Charge(NamedTuple):
    """An attempt that may have been billed.

    Attributes
    ----------
    trial : str
        Of which.
    engine : str
        Identity of who was asked, in canonical form.
    begun : float
        Unix seconds.
    seconds : int or None
        What may have been billed, each channel counted; None of a recording whose length was never known.
    usd_per_s : float
        Price as it was stored: 0 where nothing was to be paid, or the price was not known.
    """

    trial: str
    engine: str
    begun: float
    seconds: int | None
    usd_per_s: float


class Spent(NamedTuple):
    """What may have been billed: seconds of audio, each channel counted, and US dollars."""

    seconds: float
    usd: float
