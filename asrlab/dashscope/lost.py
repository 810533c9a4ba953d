"""Looking for a submit whose outcome is unknown: it may have been accepted, and be billed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes, urlsplit

from asrlab.errors import ServiceError
from asrlab.marks import mark_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from datetime import datetime

    from asrlab.dashscope.links import SignedUrl
    from asrlab.dashscope.tasks import ListedTask, Task

_EARLY: Final = timedelta(seconds=5)  # the service tells its time to a second, and some time after the fact
_LATE: Final = timedelta(seconds=30)

_log = logging.getLogger("asrlab.dashscope")


@dataclass(frozen=True)
class Window:
    """The time in which a lost submit may have been accepted, by the service's clock."""

    start: datetime
    end: datetime

    @classmethod
    def around(cls, sent_at: datetime, lost_at: datetime, *, ahead_s: float) -> Window:
        """Allow for the service's clock being ahead of ours, and for what it tells late."""
        ahead = timedelta(seconds=ahead_s)
        return cls(sent_at + ahead - _EARLY, lost_at + ahead + _LATE)

    def has(self, task: ListedTask) -> bool:
        """Whether a task may have been submitted in it; one whose time is not told may always."""
        return task.created is None or self.start <= task.created <= self.end


async def choose(
    fitting: Iterable[ListedTask],
    file_url: str,
    *,
    claimed: Callable[[str], bool],
    ended: Callable[[str], Awaitable[tuple[Task, SignedUrl | None] | None]],
) -> Task | None:
    """Choose the one task that a lost submit became.

    Parameters
    ----------
    fitting : iterable of ListedTask
        Those of its time.
    file_url : str
        What was submitted.
    claimed : callable
        Whether a task is known to be another submit.
    ended : async callable
        Waits for a task by its id; gives it and the file that its result names, None if there is no such result.

    Returns
    -------
    Task or None
        None if there is no such task, if there are several, or if there is one of which it cannot be told.
    """
    named: list[tuple[Task, SignedUrl]] = []
    unsure: list[str] = []
    for candidate in fitting:
        if claimed(candidate.task_id):
            continue
        try:
            outcome = await ended(candidate.task_id)
        except ServiceError as error:
            _log.info("Task %s cannot be told from a lost submit (%s)", candidate.task_id, error.code)
            outcome = None
        if outcome is None or outcome[1] is None or candidate.created is None:
            unsure.append(candidate.task_id)
        else:
            named.append((outcome[0], outcome[1]))
    named = [(task, link) for task, link in named if not claimed(task.task_id)]
    verdicts = [(task, _is_of(link.reveal(), file_url)) for task, link in named]
    ours = [task for task, verdict in verdicts if verdict]
    unsure = [task_id for task_id in unsure if not claimed(task_id)]
    unsure += [task.task_id for task, verdict in verdicts if verdict is None]
    if file_url.startswith("oss://") and ours:
        # The names of others were told in the same way, so they are others.
        unsure = [task_id for task_id in unsure if task_id not in {task.task_id for task, _ in named}]
    _log.info("%d tasks name the file of a lost submit, and %d cannot be told from it", len(ours), len(unsure))
    return ours[0] if len(ours) == 1 and not unsure else None


def _is_of(named: str, asked: str) -> bool | None:
    """Whether a result that names one URL may be that of another; None if that cannot be told."""
    try:
        there, here = urlsplit(named), urlsplit(asked)
    except ValueError:
        return None
    if here.scheme == "oss":
        # For an upload a signed link of the storage host is named (service documentation, transcription result). Its
        # path ends with the object's key where that is what the host calls it.
        key = unquote_to_bytes(here.netloc + here.path)
        return True if unquote_to_bytes(there.path).endswith(b"/" + key) else None
    if (there.scheme, there.netloc.lower(), unquote_to_bytes(there.path)) != (
        here.scheme,
        here.netloc.lower(),
        unquote_to_bytes(here.path),
    ):
        return False
    marks = mark_of(named), mark_of(asked)
    if any(marks):
        # Links of a bucket: whatever is asked of a recording, and by whomever, names its one object. So only a mark
        # tells, which the service need not repeat.
        return marks[0] == marks[1] if all(marks) else None
    # Which file a path leads to may depend on the query, and the service need not repeat that.
    return True if unquote_to_bytes(there.query) == unquote_to_bytes(here.query) else None
