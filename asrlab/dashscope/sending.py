"""Sending what costs money: once, and again only where it was surely not accepted."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from asrlab.dashscope.links import bare
from asrlab.dashscope.retries import Busy, NoAnswer, persist
from asrlab.errors import OutcomeUnknown, ServiceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from asrlab.dashscope.account import Account
    from asrlab.dashscope.http import Http

_log = logging.getLogger("asrlab.dashscope")

T = TypeVar("T")


class Told(NamedTuple):
    """Who is told of a request on its way, as :meth:`AsyncClient.submit` says."""

    before_sending: Callable[[str], Awaitable[None]] | None = None
    when_refused: Callable[[], Awaitable[None]] | None = None


async def send_once(
    http: Http, account: Account, request: Callable[[], Awaitable[T]], *, what: str, link: str, told: Told, look: str
) -> T:
    """Send a request that is billed if it is accepted.

    Parameters
    ----------
    http : Http
        Connections.
    account : Account
        Whose turns are waited for.
    request : async callable
        Sends it, and reads the answer.
    what : str
        What is sent, in a word.
    link : str
        Of the recording, as it may be shown to the user, and stored without its query.
    told : Told
        Who is told before it is sent, and when it was refused.
    look : str
        What to do where it was interrupted, in a sentence.

    Raises
    ------
    OutcomeUnknown
        If it was sent and nobody knows whether it was accepted.
    ServiceError
        If it was not accepted.
    """
    room = account.concurrency
    sent_at: datetime | None = None

    async def send() -> T:
        nonlocal sent_at
        async with http.slot:
            await account.submits.turn()
            if told.before_sending is not None:
                await told.before_sending(link)
            sent_at = datetime.now(UTC)
            try:
                answer = await request()
            except (Busy, NoAnswer) as error:
                if isinstance(error, Busy) and error.refused:
                    room.throttled()
                if surely_not_accepted(error):
                    sent_at = None
                    if told.when_refused is not None:
                        await told.when_refused()
                raise
        room.passed()
        return answer

    try:
        async with room.room():
            return await persist(send, local=http.local, again=surely_not_accepted)
    except ServiceError as error:
        if not _may_have_been_accepted(error):
            raise
        lost = OutcomeUnknown(
            f"The {what} was sent, and whether it was accepted is not known: {error.message} "
            "It is not sent again, since it may be running and be billed.",
            code=error.code,
            request_id=error.request_id,
            http_status=error.http_status,
        )
        lost.sent_at, lost.lost_at, lost.link = sent_at, datetime.now(UTC), link
    except BaseException as error:
        if sent_at is not None:  # interrupted, mostly
            said = (
                f"A {what} of {bare(link)} was sent at {sent_at.isoformat()} and its answer not waited for: it "
                f"may have been accepted, and be billed. {look}"
            )
            _log.warning(said)
            error.add_note(said)
        raise
    raise lost


def surely_not_accepted(error: Busy | NoAnswer) -> bool:
    """Whether a request was refused for now, or never arrived."""
    return error.refused if isinstance(error, Busy) else not error.sent


def _may_have_been_accepted(error: ServiceError) -> bool:
    if isinstance(error, Busy | NoAnswer):
        return not surely_not_accepted(error)
    return error.code == "BadResponse"  # a success without an answer in it
