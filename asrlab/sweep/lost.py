"""Submits whose outcome is unknown: an accepted one is billed, so it is looked for before it is sent again."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from anyio.to_thread import run_sync

from asrlab.engines.base import FindsLost, Question
from asrlab.errors import AsrlabError, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asrlab.engines.base import Engine
    from asrlab.sweep.plan import Job
    from asrlab.sweep.store import Store, Unknown

_LOST_S: Final = 600.0  # for which a process that then died may have gone on sending, waits to ask again included
_APART_S: Final = 60.0  # the service's clock tells seconds, and differs from ours
_KEPT_S: Final = 24 * 3600.0  # tasks are listed for so long (service documentation, task management)

_log = logging.getLogger("asrlab.sweep")


class LostSubmits:
    """Looks for the tasks that lost submits became; never guesses between two that might be it.

    Parameters
    ----------
    engines : iterable of Engine
        Entered. Those that cost nothing are not looked at: what they lost is simply asked again.
    store : Store
        Where the submits of earlier runs are.
    claimed : iterable of str
        Tasks that are questions of other stores.
    """

    def __init__(self, engines: Iterable[Engine], store: Store, claimed: Iterable[str] = ()) -> None:
        self._store = store
        self._earlier = store.unknown() if any(map(_finder, engines)) else []
        self._claimed = store.task_ids().union(claimed)

    def claim(self, task_id: str) -> None:
        """Note a task as the one that a question became."""
        self._claimed.add(task_id)

    async def find(self, job: Job, lost: OutcomeUnknown) -> str | None:
        """Find the task that a submit of this run became; None if none can be told to be it."""
        if self._may_be_earlier(job, time.time() if lost.sent_at is None else lost.sent_at.timestamp()):
            return None
        return await self._look(job, lost)

    async def find_earlier(self, jobs: Iterable[Job]) -> int:
        """Look for submits of earlier runs, and write down the tasks that they became.

        Parameters
        ----------
        jobs : iterable of Job
            Trials whose last submit has an unknown outcome, as they would be asked now.

        Returns
        -------
        int
            How many were found.
        """
        known = {job.trial: job for job in jobs}
        found = 0
        for lost in list(self._earlier):
            # Of a trial that was asked again since, what is found is another's doing; it is kept in mind, though.
            current = lost.trial in known and known[lost.trial].attempts == lost.attempt
            if not current or time.time() - lost.begun > _KEPT_S or self._ambiguous(lost):
                continue
            error = OutcomeUnknown("An earlier run left it so.", code="Unknown")
            error.sent_at, error.lost_at, error.link = *map(_utc, _window(lost)), lost.link
            task_id = await self._look(known[lost.trial], error)
            if task_id is not None:
                await self._store.submitted(lost.trial, lost.attempt, task_id, lost.begun)
                self.claim(task_id)
                self._earlier.remove(lost)
                found += 1
        return found

    async def _look(self, job: Job, lost: OutcomeUnknown) -> str | None:
        engine = _finder(job.engine)
        if engine is None:
            return None
        try:
            audio = await run_sync(job.setting.audio)
            return await engine.find_lost(Question(audio, job.parameters), lost, self._claimed)
        except Exception as error:  # it stays unknown; that must not end the run, nor all later ones
            expected = isinstance(error, AsrlabError)
            _log.log(logging.INFO if expected else logging.ERROR, "A lost submit could not be looked for: %r", error)
            return None

    def _may_be_earlier(self, job: Job, sent_at: float) -> bool:
        windows = (_window(lost) for lost in self._earlier if lost.audio == job.digest and lost.trial != job.trial)
        return any(start - _APART_S <= sent_at <= end + _APART_S for start, end in windows)

    def _ambiguous(self, lost: Unknown) -> bool:
        """Whether another lost submit of the same audio might be taken for this one."""
        start, end = _window(lost)
        others = (_window(other) for other in self._earlier if other.audio == lost.audio and other != lost)
        return any(first <= end + _APART_S and start <= last + _APART_S for first, last in others)


def _finder(engine: Engine) -> FindsLost | None:
    return engine if isinstance(engine, FindsLost) and not engine.free else None


def _window(lost: Unknown) -> tuple[float, float]:
    """When a lost submit may have been sent, and its answer been lost; Unix time."""
    return lost.begun, min(time.time(), lost.begun + _LOST_S if lost.ended is None else lost.ended)


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
