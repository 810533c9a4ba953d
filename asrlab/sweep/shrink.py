"""Shrinking: a failing case cut down to the smallest request that still shows it."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from asrlab.errors import InvalidInput
from asrlab.lists import items
from asrlab.shown import LINE, Shown
from asrlab.sweep.shrinking.attempts import Attempts
from asrlab.sweep.shrinking.case import Case, control_of
from asrlab.sweep.shrinking.parts import Recording, Request
from asrlab.sweep.shrinking.reproducer import Facts, write_reproducer
from asrlab.sweep.shrinking.search import COLUMNS, Search, given, names
from asrlab.sweep.shrinking.showing import showing
from asrlab.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Literal

    from asrlab.sweep.plan import Plan
    from asrlab.sweep.shrinking.showing import Reply
    from asrlab.sweep.sweep import Sweep


@dataclass(frozen=True, repr=False)
class Shrunk(Shown):
    """What a failing case was cut down to; made by :func:`asrlab.shrink`.

    Attributes
    ----------
    folder : Path
        The reproducer: audio, request, script, what was seen.
    test : str
        The test in words.
    request, case : Request
        What is left, and what it began with; spans are in samples at ``rate`` Hz.
    replies : tuple of Reply
        The answers to what is left, one a repeat.
    shown : int
        How many of them show it.
    minimal : bool
        Whether it was seen that without any one slice, item of context or parameter it no longer shows, of those that
        were tried: ``scope`` says which, and what was not (what ``keep`` holds, less than ``shortest_s``).
    because : str or None
        Why the search ended before that, if it did.
    requests, usd, audio_s : int, float, float
        Requests sent, US dollars and seconds of audio that they may have been billed, by all runs of this folder.
    steps : DataFrame
        Everything that was asked about: ``step``, ``audio_s`` (seconds), ``context_items``, ``parameters`` (those away
        from their defaults), in how many of how many askings it was ``shown`` (``asked``), how many had ``no_answer``
        (or their controls none), and whether it ``shows`` (``<NA>`` where it is not known).
    plan : Plan or None
        What would be sent next, where that was not allowed.
    """

    folder: Path
    test: str
    request: Request
    case: Request
    rate: int
    replies: tuple[Reply, ...]
    shown: int
    minimal: bool
    because: str | None
    scope: str
    requests: int
    usd: float | None
    audio_s: float
    steps: pd.DataFrame
    plan: Plan | None = None

    def __repr__(self) -> str:
        return plain(f"<Shrunk: {'; '.join(f'{name} {value}' for name, value in self._told())}>", 2 * LINE)

    @property
    def left(self) -> list[tuple[str, str]]:
        """What is left of the case, by name."""
        before, after = self.case, self.request
        left = [("audio", f"{after.samples / self.rate:.2f} of {before.samples / self.rate:.2f} s")]
        if (had := before.parameters.context) is not None:
            has = after.parameters.context or ""
            counts = f"{len(items(has))} of {len(items(had))} items, {len(has)} of {len(had)} characters"
            left.append(("context", counts))
        left.append(("parameters", given(after) or "all at their defaults"))
        dropped = sorted(names(before) - names(after))
        return [*left, ("dropped", ", ".join(dropped))] if dropped else left

    def _told(self) -> list[tuple[str, str]]:
        shows = f"in {self.shown} of {len(self.replies)}" if self.replies else "not asked yet"
        usd = "" if self.usd is None else f", ${self.usd:.4f}"
        return [
            ("test", plain(self.test, 60)),
            ("shows", shows),
            *(self.left if self.replies else []),
            ("minimal", self.scope if self.minimal else f"not known: {self.because}"),
            ("sent", f"{self.requests} requests, {self.audio_s:.0f} s of audio{usd}"),
        ]


def shrink(
    sweep: Sweep,
    trial: str | None = None,
    *,
    utt_id: str | None = None,
    condition: str | None = None,
    fails: str | Callable[[Reply], bool],
    folder: str | Path,
    control: str | Mapping[str, Any] | None = None,
    keep: tuple[float, float] | None = None,
    repeats: int = 1,
    at_least: int | None = None,
    slice_s: float = 0.1,
    shortest_s: float = 1.0,
    splice: bool = False,
    expected: str | None = None,
    most_requests: int = 200,
    send: bool = True,
    retry: Literal["failed", "unknown"] | None = None,
    budget_usd: float | None = None,
    budget_minutes: float | None = None,
    price_usd_per_s: float | None = None,
    concurrency: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> Shrunk:
    """Cut a failing case down to the smallest request that still shows it, and save that to be run with curl.

    First the case is asked anew: what does not show again cannot be shrunk. Then, by delta debugging, audio is cut off
    at either end (in halves, quarters and so on down to slices, at places where it is quiet; first around the words of
    the error, where their times are known), parameters are set back to their defaults, and items of the context are
    left out; over and over, until nothing more can be. What is tried together is sent together.

    Everything is asked through a ledger in the folder, as a sweep asks: it may be interrupted anywhere and called
    again with the same arguments, and what was answered is not sent again. Called with ``send=False`` it sends nothing,
    and says what it would send next and what that costs (``plan`` of what comes back).

    Parameters
    ----------
    sweep : Sweep
        Where the case was seen; its dataset and engine are needed, not all of its answers.
    trial : str, optional
        Id of the case, from the ``transcripts`` table; or give ``utt_id`` and ``condition``.
    utt_id, condition : str, optional
        The utterance and the name of the setting.
    fails : str or callable
        The failure: a function that is given a :class:`~asrlab.sweep.shrinking.showing.Reply` and says whether it shows
        it, the same whenever it is asked; or one of the ready tests, as in
        :func:`~asrlab.sweep.shrinking.showing.showing`, which also shows how to test by the flags of
        :func:`asrlab.flags`: ``"says X"``, ``"lacks X"``, ``"says an item of the context"``, ``"empty"``,
        ``"other language or script"``, ``"differs from control by more than 0.3"``,
        ``"differs from reference by more than 0.3"`` or ``"fails with CODE"``.
    folder : path
        Where to work. Below it, ``reproducer`` is what to hand on, and ``attempts`` the ledger.
    control : str or mapping, optional
        The same audio asked otherwise must not show it: parameters to change (``{"context": None}``), or the name of a
        condition, of which those are taken that differ. It is asked about each piece of audio; where it has no answer,
        it is not known whether that piece shows it. Without one, audio is
        not cut where silence would show the failure too (``lacks``, ``empty``, ``differs from reference``), unless
        there is ``keep``.
    keep : (float, float), optional
        Where the error is, in seconds of the recording: that is never cut, and what is around it is tried first.
    repeats : int
        How often each request is asked, of a service whose answers vary.
    at_least : int, optional
        In how many of them it must be shown; in most of them if not given.
    slice_s : float
        Length in seconds of the slices that audio is cut by.
    shortest_s : float
        Seconds that audio is not cut below. To a few tenths of a second recognisers say anything: what shows there is
        seldom the failure that was seen.
    splice : bool
        Also take slices out of the middle, and join what is left. Otherwise the audio stays one stretch of the
        recording.
    expected : str, optional
        What should have come, for the reproducer's page.
    most_requests : int
        How many may be sent, by all runs of this folder.
    send : bool
        Whether anything may be sent.
    retry, budget_usd, budget_minutes, price_usd_per_s, concurrency
        As for :meth:`asrlab.Sweep.run`; budgets are of all runs of this folder.
    progress : callable, optional
        Is given a sentence for each step.

    Returns
    -------
    Shrunk
        What is left, and whether it is minimal. Where a budget or ``most_requests`` did not suffice, the smallest that
        was found; there is no reproducer where the case itself was not asked.

    Raises
    ------
    InvalidInput
        If there is no such case or test, the case does not show the failure, its audio is a link, or an argument is
        none. The stored answers are looked at before anything is sent.
    ServiceError, StoreError, MissingTrials
        As :meth:`asrlab.Sweep.run`.

    Notes
    -----
    What is left shows the failure that is tested for, and perhaps not in the way it was seen: a wide test ("other
    language or script") may be passed by another failure of a shorter piece. A narrow test (``says X``) and a control
    hold it to what it was. Look at the answer that is left.

    A trial that fails for another reason than the one tested for neither shows it nor not. Requests smaller by one step
    that have no answer are said in ``because``, and then it is not said to be minimal. Minimal is what has no smaller
    neighbour that shows it: there may be another, smaller request elsewhere.

    Examples
    --------
    >>> shrunk = shrink(
    ...     sweep,
    ...     utt_id="en-3",
    ...     condition="context=terms",
    ...     fails="says an item of the context",
    ...     folder="runs/leak",
    ... )  # doctest: +SKIP
    >>> shrunk  # doctest: +SKIP
    <Shrunk: test says an item of the context; shows in 1 of 1; audio 0.61 of 6.49 s; context 1 of 25 items; ...>
    """
    _check(repeats, at_least, slice_s, shortest_s, most_requests, keep)
    if not str(folder).strip():
        raise InvalidInput(f"folder= is where to work, not {folder!r}. Name one, such as 'runs/leak'.")
    test = showing(fails)
    case = Case.find(sweep, trial, utt_id, condition)
    changed = control_of(sweep, case, control)
    case.check(test, changed)
    where = Path(folder)
    recording = Recording(case.file, where / "attempts" / "audio", slice_s)
    keep = None if keep is None else _within(keep, recording)
    options = {
        "retry": retry,
        "budget_usd": budget_usd,
        "budget_minutes": budget_minutes,
        "price_usd_per_s": price_usd_per_s,
        "concurrency": concurrency,
    }
    attempts = Attempts(recording, case.engine, where / "attempts", repeats, case.said, most_requests, send, options)
    enough = repeats // 2 + 1 if at_least is None else at_least
    search = Search(attempts, test, changed, enough, keep, splice, shortest_s, progress or (lambda _: None))
    begun = Request(recording.whole, None, case.parameters)
    search.run(begun)
    shrunk = _result(search, begun, where / "reproducer", free=case.engine.free)
    if shrunk.replies:
        write_reproducer(
            shrunk.folder,
            recording.part(shrunk.request),
            shrunk.request.parameters,
            shrunk.replies,
            Facts(
                identity=attempts.identity(shrunk.replies[0].trial or ""),
                test=test.name,
                meaning=test.meaning,
                shown=shrunk.shown,
                at_least=enough,
                expected=expected,
                control=changed,
                left=shrunk.left,
                spans_s=[(a / recording.rate, b / recording.rate) for a, b in shrunk.request.spans],
                minimal=shrunk.scope if shrunk.minimal else None,
                hidden=[case.file.parent, where],
            ),
        )
    return shrunk


def _result(search: Search, case: Request, folder: Path, *, free: bool) -> Shrunk:
    """Say what came of a search."""
    request = search.best or case
    replies = () if search.best is None else tuple(search.replies(request))
    attempts, halted = search.attempts, search.halted
    spent = attempts.spent
    because = None if halted is None else halted.because
    if because is None and search.left_open:
        because = f"{len(search.left_open)} smaller requests" + (", or their controls," if search.control else "")
        because += " have no answer"
    return Shrunk(
        folder=folder,
        test=search.test.name,
        request=request,
        case=case,
        rate=attempts.recording.rate,
        replies=replies,
        shown=sum(map(search.test.shown_by, replies)),
        minimal=because is None,
        because=because,
        scope=search.scope,
        requests=attempts.sent,
        usd=None if free else spent.usd,
        audio_s=spent.seconds,
        steps=pd.DataFrame(search.log, columns=list(COLUMNS)).astype(COLUMNS),
        plan=None if halted is None else halted.plan,
    )


def _within(keep: tuple[float, float], recording: Recording) -> tuple[float, float]:
    """Hold what is kept against the recording; what is rounded up by less than a hundredth is its end."""
    begin, end = map(float, keep)
    length_s = recording.length / recording.rate
    if begin >= length_s or end >= length_s + 0.01:
        raise InvalidInput(
            f"keep={keep!r} is not within the recording, which lasts {length_s:.2f} s. Give where the error begins and "
            "ends, in seconds of it."
        )
    return begin, min(end, length_s)


def _check(  # noqa: PLR0917 - one for each argument
    repeats: int,
    at_least: int | None,
    slice_s: float,
    shortest_s: float,
    most_requests: int,
    keep: tuple[float, float] | None,
) -> None:
    for name, number, least in (("repeats", repeats, 1), ("most_requests", most_requests, 1)):
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise InvalidInput(f"{name} must be a whole number from {least}, not {number!r}.")
    if at_least is not None and not (type(at_least) is int and 1 <= at_least <= repeats):
        raise InvalidInput(f"at_least must be a whole number from 1 to repeats ({repeats}), not {at_least!r}.")
    for name, seconds, least_s in (("slice_s", slice_s, 0.02), ("shortest_s", shortest_s, 0.0)):
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not least_s <= seconds <= 60:
            raise InvalidInput(f"{name} must be a number of seconds from {least_s:g} to 60, not {seconds!r}.")
    if keep is not None:
        try:
            begin, end = map(float, keep)
        except (TypeError, ValueError):
            begin = end = nan
        if not 0 <= begin < end < inf:
            raise InvalidInput(f"keep is where the error begins and ends, in seconds, not {keep!r}.")
