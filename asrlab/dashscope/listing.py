"""Reading the list of tasks to its end, whose largest page and whose order are not documented."""

from __future__ import annotations

import asyncio
from math import ceil
from typing import TYPE_CHECKING, Final

from asrlab.dashscope import wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from asrlab.dashscope.tasks import ListedTask, TaskPage

_AT_ONCE: Final = 4  # pages under way


class Listing:
    """The tasks that fit one query.

    Parameters
    ----------
    page : async callable
        Asks for a page, once: its number, and the rows wanted on it.
    """

    def __init__(self, page: Callable[[int, int], Awaitable[TaskPage]]) -> None:
        self._ask = page
        self._rows = wire.PAGE_ROWS
        self._short = 0
        self._last = 1

    async def read(self, *, backwards: bool = False) -> dict[str, ListedTask]:
        """Read all pages, by task id.

        A task that leaves the list meanwhile, or joins it, moves those behind it to another page, perhaps past the
        reader; in the other direction, others are lost.

        Raises
        ------
        Busy, NoAnswer, ServiceError
            As the request for a page does.
        """
        found: dict[str, ListedTask] = {}
        first = self._last if backwards else 1
        page = await self._page(first, found)
        if first == 1 and self._is_capped(page):
            self._rows = len(page.tasks)
        self._last = max(ceil(page.total / self._rows), 1)
        rest = [number for number in range(1, self._last + 1) if number != first]
        if backwards:
            rest.reverse()
        for i in range(0, len(rest), _AT_ONCE):
            pages = (self._page(number, found) for number in rest[i : i + _AT_ONCE])
            for outcome in await asyncio.gather(*pages, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome
        return found

    def _is_capped(self, page: TaskPage) -> bool:
        """Whether the service gives no more rows on a page than this one has, whatever is asked for.

        One odd page is not believed: either its count of pages agrees, or the page before was as short.
        """
        rows = len(page.tasks)
        if not 0 < rows < min(self._rows, page.total):
            self._short = 0
            return False
        before, self._short = self._short, rows
        return rows == before or ceil(page.total / rows) == page.total_pages

    async def _page(self, number: int, found: dict[str, ListedTask]) -> TaskPage:
        page = await self._ask(number, self._rows)
        found |= {task.task_id: task for task in page.tasks}
        return page
