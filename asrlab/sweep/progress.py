"""Progress of a long job: one line in a terminal, one display in a notebook that is still right when it is saved."""

from __future__ import annotations

import html
import logging
import os
import shutil
import sys
import time
import unicodedata
from collections import Counter, deque
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Phase = Literal["running", "waiting", "stopping"]

_EVERY_S: Final = {"notebook": 0.5, "terminal": 0.2, "log": 15.0}
_RARELY_S: Final = 300.0  # a log of many hours gets lines so far apart in the end
_WINDOW_S: Final = 60.0  # what counts as recent, and longer until it holds enough trials
_WINDOW_TRIALS: Final = 20
_SAMPLE_S: Final = 1.0
_FEWEST: Final = 3  # a rate from fewer trials says nothing
_LONGEST: Final = 160  # characters of one reason; services answer with whole pages

_now = time.monotonic
_log = logging.getLogger("asrlab.sweep")


class Progress:
    """How far a job is, what it has cost, and what went wrong.

    Parameters
    ----------
    total : int
        Trials to work on.
    stored : int
        Trials whose answer was there already; they are none of ``total``.
    usd : float, optional
        US dollars spent so far; None where nothing is paid for.

    Attributes
    ----------
    ended : Counter
        Trials by how they ended: answered, failed, unknown, submitted, not run.
    codes : Counter
        Trials by the code of what went wrong.
    audio_s : float
        Seconds of audio that were asked about.
    throttled : int
        How often the service said to slow down.
    phase : {"running", "waiting", "stopping"}
        What is being done.
    because : str or None
        Why it waits or stops; once finished, why it ended before all was done.
    """

    def __init__(self, total: int, stored: int = 0, usd: float | None = None) -> None:
        self.total = total
        self.stored = stored
        self.usd = usd
        self.ended: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.audio_s = 0.0
        self.throttled = 0
        self.phase: Phase = "running"
        self.because: str | None = None
        self.started = _now()
        self._stopped: float | None = None
        self._begun = 0
        self._samples = deque([(self.started, 0)])  # (when, trials done by then), at most one a second

    def begun(self, n: int = 1) -> None:
        """Count trials that are under way until each is noted; -1 takes back one that is not run after all."""
        self._begun += n

    def note(self, state: str, code: str | None = None, seconds: float = 0.0, usd: float = 0.0) -> None:
        """Count a trial that ended.

        Parameters
        ----------
        state : {"answered", "failed", "unknown", "submitted", "not run"}
            How. One that is "not run" was never begun and does not count as done.
        code : str, optional
            Of what went wrong.
        seconds, usd : float
            What it has cost: audio, and US dollars (left out where nothing is paid for).
        """
        self.ended[state] += 1
        if code is not None:
            self.codes[code] += 1
        self.audio_s += seconds
        if self.usd is not None:
            self.usd += usd
        now = _now()
        if now - self._samples[-1][0] >= _SAMPLE_S:
            done = self.done
            self._samples.append((now, done))
            while (
                len(self._samples) > 2
                and now - self._samples[1][0] >= _WINDOW_S
                and done - self._samples[1][1] >= _WINDOW_TRIALS
            ):
                self._samples.popleft()

    @property
    def done(self) -> int:
        """Trials that were asked and ended, however."""
        return self.ended.total() - self.ended["not run"]

    @property
    def in_flight(self) -> int:
        """Trials that are under way."""
        return max(0, self._begun - self.done)

    @property
    def finished(self) -> bool:
        """Whether the job has ended; set it, and the clock stands still."""
        return self._stopped is not None

    @finished.setter
    def finished(self, value: bool) -> None:
        self._stopped = _now() if value else None

    @property
    def elapsed_s(self) -> float:
        """Seconds from the start to now, or to the end."""
        return (_now() if self._stopped is None else self._stopped) - self.started

    @property
    def rate(self) -> float | None:
        """Trials that end in a second, of late: in the last minute, or as long as the last 20 took; None under 3."""
        since, before = self._samples[0]
        window = self.started + self.elapsed_s - since
        return (self.done - before) / window if self.done - before >= _FEWEST and window > 0 else None

    @property
    def left_s(self) -> float | None:
        """Seconds until all is done at the recent rate; None if that cannot be said."""
        rate = self.rate
        if rate is None or self.finished or self.phase != "running":
            return None
        return max(0, self.total - self.ended.total()) / rate

    def text(self) -> str:
        """Say it in one line, what matters most first."""
        return " · ".join(part for line in self._lines() for part in line)

    def markup(self) -> str:
        """Say it in HTML that needs no style sheet and no script."""
        share = self.done / self.total if self.total else 1.0
        lines = "<br>".join(" · ".join(map(html.escape, line)) for line in self._lines())
        return f'<progress value="{share:.3f}" max="1"></progress> {lines}'

    def snapshot(self) -> dict[str, Any]:
        """Give it as plain values, which can be written as JSON.

        Examples
        --------
        >>> sweep.run(progress=lambda progress: wandb.log(progress.snapshot()))  # doctest: +SKIP
        """
        states = ("answered", "failed", "unknown", "submitted", "not run")
        return {
            "total": self.total,
            "done": self.done,
            "stored": self.stored,
            "in_flight": self.in_flight,
            **{state.replace(" ", "_"): self.ended[state] for state in states},
            "codes": dict(self.codes),
            "throttled": self.throttled,
            "phase": self.phase,
            "because": self.because,
            "finished": self.finished,
            "elapsed_s": self.elapsed_s,
            "rate_per_s": self.rate,
            "left_s": self.left_s,
            "audio_s": self.audio_s,
            "usd": self.usd,
        }

    def _lines(self) -> list[list[str]]:
        """Where it stands; what went wrong; what it has taken. Lines that say nothing are left out."""
        flying = f"{self.in_flight:,} {'left ' * self.finished}in flight" if self.in_flight else ""
        stands = [f"{self.done:,}/{self.total:,} trials" if self.total else "", *self._going(), flying]
        wrong = ", ".join(
            f"{self.ended[s]:,} {s}" for s in ("failed", "unknown", "submitted", "not run") if self.ended[s]
        )
        most = self.codes.most_common(3)
        codes = [f"{_clean(code, 60)} x{n:,}" for code, n in most]
        if others := self.codes.total() - sum(n for _, n in most):
            codes.append(f"others x{others:,}")
        slowed = f"throttled {self.throttled:,} time{'s' * (self.throttled != 1)}" if self.throttled else ""
        taken = [
            f"{_few(self.audio_s / 60)} audio min" if self.audio_s else "",
            "" if self.usd is None else f"US${self.usd:,.{4 if 0 < self.usd < 1 else 2}f} spent",
            f"{self.stored:,} stored before" if self.stored else "",
            f"{_clock(self.elapsed_s)} so far" if self.total and not self.finished else "",
        ]
        lines = [stands, [": ".join(filter(None, [wrong, ", ".join(codes)])), slowed], taken]
        return [said for line in lines if (said := [part for part in line if part])]

    def _going(self) -> list[str]:
        why = f": {_clean(self.because, _LONGEST)}" if self.because else ""
        if not self.total:
            # Who waits for another process does not know yet what that leaves to be asked.
            if self.finished:
                return [f"stopped{why}" if why else "nothing to ask"]
            return [f"waiting{why}" if self.phase == "waiting" else "nothing to ask"]
        if self.finished:
            clock = _clock(self.elapsed_s)
            whole = self.done == self.total or (not why and self.ended.total() == self.total)
            return [f"{clock} in all" if whole else f"stopped after {clock}{why}"]
        if self.phase != "running":
            return [f"{self.phase}{why}"]
        if self.left_s is None or self.rate is None:
            return []
        return [f"about {_clock(self.left_s)} left", _per(self.rate)]


def guarded(report: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """Make a function that reports and never raises: whoever watches must not end what is watched.

    The first failure is logged, and the rest are passed over.
    """
    failed = False

    def safe(progress: Progress) -> None:
        nonlocal failed
        try:
            report(progress)
        except Exception:
            if not failed:
                _log.exception("Progress could not be reported")
            failed = True

    return safe


def reporter(kind: str | None = None) -> Callable[[Progress], None]:
    """Make a function that shows progress where this process is watched.

    It may be called as often as one likes: it shows something when that is due, when the phase changes, and at the end.

    Parameters
    ----------
    kind : {None, "notebook", "terminal", "log"}
        Where; found out if not given. A log gets a line now and then.
    """
    kind = kind or _kind()
    show = {"notebook": _in_notebook, "terminal": _in_terminal, "log": _in_log}[kind]()
    last = float("-inf")
    phase: str | None = None

    def report(progress: Progress) -> None:
        nonlocal last, phase
        every = _EVERY_S[kind]
        if kind == "log":
            every = min(max(every, progress.elapsed_s / 20), _RARELY_S)
        if progress.finished or progress.phase != phase or _now() - last >= every:
            last = _now()
            phase = progress.phase
            show(progress)

    return report


def _in_notebook() -> Callable[[Progress], None]:
    from IPython.display import display  # noqa: PLC0415 - only where there is a notebook

    handle: Any = None

    def show(progress: Progress) -> None:
        nonlocal handle
        # If the kernel dies this state is what is saved: it must not look as if it were going on.
        as_of = "" if progress.finished or not progress.total else f" · as of {time.strftime('%Y-%m-%d %H:%M:%S')}"
        data = {"text/plain": progress.text() + as_of, "text/html": progress.markup() + as_of}
        if handle is None:
            handle = display(data, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            handle.update(data, raw=True)

    return show


def _in_terminal() -> Callable[[Progress], None]:
    shown = 0

    def show(progress: Progress) -> None:
        nonlocal shown
        text = progress.text()
        if not progress.finished:  # a line that wraps cannot be written over; the last one need not be
            text = _cut(text, _columns() - 1)
        width = sum(_widths(text))
        blank = " " * (shown - width)
        shown = width
        print(f"\r{text}{blank}", end="\n" * progress.finished, file=sys.stderr, flush=True)  # noqa: T201 - is for it

    return show


def _in_log() -> Callable[[Progress], None]:
    def show(progress: Progress) -> None:
        if sys.stderr is not None:  # where it is closed, print takes the standard output
            print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {progress.text()}", file=sys.stderr, flush=True)  # noqa: T201 - is for it

    return show


def _kind() -> str:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if getattr(shell, "kernel", None) is not None:
        return "notebook"
    return "terminal" if sys.stderr is not None and sys.stderr.isatty() else "log"


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or shutil.get_terminal_size().columns
    except (OSError, ValueError):
        return shutil.get_terminal_size().columns


def _widths(text: str) -> Iterator[int]:
    """Columns that the characters take in a terminal: Chinese, Japanese and Korean ones take two."""
    return (0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _cut(text: str, columns: int) -> str:
    if sum(_widths(text)) <= columns:
        return text
    fits = sum(width < columns for width in accumulate(_widths(text)))
    return f"{text[:fits]}…"


def _clean(said: str, limit: int) -> str:
    """Bring what a service said to one line: no controls, nothing that turns the direction, no half characters."""
    text = " ".join("".join(c if c.isprintable() else " " for c in said).split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _few(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def _per(rate: float) -> str:
    """Say a rate in the unit in which it is at least 1."""
    if rate >= 1:
        return f"{_few(rate)} trials/s"
    return f"{_few(rate * 60)} trials/min" if rate * 60 >= 1 else f"{_few(rate * 3600)} trials/h"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} h" if hours else f"{minutes}:{rest:02d} min"
