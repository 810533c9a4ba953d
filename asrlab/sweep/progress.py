"""Progress of a long job: one line in a terminal, one display in a notebook that is still right when it is saved."""

from __future__ import annotations

import html
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_EVERY_S: Final = {"notebook": 0.5, "terminal": 0.2, "log": 15.0}


@dataclass
class Progress:
    """How far a job is.

    Parameters
    ----------
    total : int
        Trials to work on.
    stored : int
        Trials whose answer was there already.
    """

    total: int
    stored: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    started: float = field(default_factory=time.monotonic)
    finished: bool = False

    @property
    def done(self) -> int:
        """Trials that ended, however."""
        return self.ended.total()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def text(self) -> str:
        """Say it in one line."""
        parts = [f"{self.done}/{self.total} trials"]
        if self.stored:
            parts.append(f"{self.stored} stored before")
        parts += [f"{self.ended[s]} {s}" for s in ("failed", "unknown", "submitted") if self.ended[s]]
        parts += [f"{code} x{n}" for code, n in self.codes.most_common(3)]
        if self.finished:
            parts.append(f"{_clock(self.elapsed_s)} in all" if self.done == self.total else "stopped")
        else:
            parts.append(_clock(self.elapsed_s))
            if 3 <= self.done < self.total:
                parts.append(f"about {_clock(self.elapsed_s / self.done * (self.total - self.done))} left")
        return " · ".join(parts)

    def markup(self) -> str:
        """Say it in HTML that needs no style sheet and no script."""
        value = self.done / self.total if self.total else 1.0
        return f'<progress value="{value:.3f}" max="1"></progress> {html.escape(self.text())}'


def reporter(kind: str | None = None) -> Callable[[Progress], None]:
    """Make a function that shows progress where this process is watched.

    Parameters
    ----------
    kind : {None, "notebook", "terminal", "log"}
        Where; found out if not given. A log gets a line now and then.
    """
    kind = kind or _kind()
    show = {"notebook": _in_notebook, "terminal": _in_terminal, "log": _in_log}[kind]()
    last = float("-inf")

    def report(progress: Progress) -> None:
        nonlocal last
        if progress.finished or time.monotonic() - last >= _EVERY_S[kind]:
            last = time.monotonic()
            show(progress)

    return report


def _in_notebook() -> Callable[[Progress], None]:
    from IPython.display import display  # noqa: PLC0415 - only where there is a notebook

    handle: Any = None

    def show(progress: Progress) -> None:
        nonlocal handle
        data = {"text/plain": progress.text(), "text/html": progress.markup()}
        if handle is None:
            handle = display(data, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            handle.update(data, raw=True)

    return show


def _in_terminal() -> Callable[[Progress], None]:
    return lambda progress: print(  # noqa: T201 - this is what it is for
        f"\r\x1b[K{progress.text()}", end="\n" * progress.finished, file=sys.stderr, flush=True
    )


def _in_log() -> Callable[[Progress], None]:
    return lambda progress: print(progress.text(), file=sys.stderr, flush=True)  # noqa: T201 - this is what it is for


def _kind() -> str:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if getattr(shell, "kernel", None) is not None:
        return "notebook"
    return "terminal" if sys.stderr.isatty() else "log"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} h" if hours else f"{minutes}:{rest:02d} min"
