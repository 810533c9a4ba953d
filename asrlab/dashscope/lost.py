"""Looking for a submit whose outcome is unknown: it may have been accepted, and be billed."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from asrlab.dashscope import wire
from asrlab.dashscope.links import bare
from asrlab.errors import ServiceError, TaskFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from asrlab.dashscope.client import AsyncClient
    from asrlab.dashscope.tasks import ListedTask, Task

_EARLY: Final = timedelta(seconds=5)  # the service tells its time to a second, and some time after the fact
_LATE: Final = timedelta(seconds=30)

_log = logging.getLogger("asrlab.dashscope")


async def find_lost(
    client: AsyncClient,
    file_url: str,
    *,
    sent_at: datetime,
    lost_at: datetime,
    clock_ahead_s: Callable[[], float | None],
    model: str,
    claimed: Collection[str],
    timeout_s: float,
) -> Task | None:
    """Find the one task that a submit became; see :meth:`asrlab.dashscope.AsyncClient.find_submitted`."""
    listed = await _all_tasks(client, model)
    ahead = timedelta(seconds=clock_ahead_s() or 0.0)
    fitting = [
        task
        for task in listed
        if task.task_id not in claimed
        and (task.created is None or sent_at + ahead - _EARLY <= task.created <= lost_at + ahead + _LATE)
    ]
    found: list[Task] = []
    unsure = 0
    for candidate in fitting:
        if candidate.task_id in claimed:
            continue
        ended = await _ended(client, candidate.task_id, timeout_s)
        names = None if ended is None else await _names(client, ended, file_url)
        if ended is not None and names:
            found.append(ended)
        elif names is None and candidate.task_id not in claimed:
            unsure += 1
    found = [task for task in found if task.task_id not in claimed]
    _log.info("Of %d tasks of that time, %d name the file and %d cannot be told", len(fitting), len(found), unsure)
    # An upload's name is random, so who names it is it, whatever the others are; of a public link there may be more.
    one_of_a_kind = file_url.startswith("oss://")
    return found[0] if len(found) == 1 and (one_of_a_kind or not unsure) else None


async def _all_tasks(client: AsyncClient, model: str) -> list[ListedTask]:
    """List without a window, since its zone is not documented: the last 24 h."""
    tasks: dict[str, ListedTask] = {}
    rows, number = wire.PAGE_ROWS, 1
    while True:
        page = await client.list_tasks(model=model, page_no=number, page_size=rows)
        if number == 1 and 0 < len(page.tasks) < min(rows, page.total):
            rows = len(page.tasks)  # the service gives no more on a page, whatever is asked for
        tasks |= {task.task_id: task for task in page.tasks}
        if not page.tasks or number * rows >= page.total:
            return list(tasks.values())
        number += 1


async def _ended(client: AsyncClient, task_id: str, timeout_s: float) -> Task | None:
    """Wait for a task; None if it did not end in time, or ended without a result that could name its file."""
    with suppress(TaskFailed):
        try:
            task = await client.wait(task_id, first_delay_s=0.0, timeout_s=timeout_s)
        except ServiceError as error:
            if error.code != "Timeout":
                raise
        else:
            return None if task.silent else task
    return None


async def _names(client: AsyncClient, task: Task, file_url: str) -> bool | None:
    """Whether a task's result names a file; None if it names none.

    For an upload it names a signed link of the storage host instead of the oss URL (service documentation,
    transcription result): that it is this upload is told by the object's name, which is random.
    """
    named = (await client.result(task)).document.get("file_url")
    if not isinstance(named, str) or not named:
        return None
    named, asked = unquote(bare(named)), unquote(bare(file_url))
    if asked.startswith("oss://"):
        # Where the link is no name of the object, nothing is known.
        return True if asked.rpartition("/")[2] in named else None
    return named == asked
