"""Search: from a request that shows a failure to the smallest one that still does."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from asrlab.engines.base import Parameters, differences
from asrlab.errors import InvalidInput
from asrlab.lists import items
from asrlab.sweep.shrinking.attempts import Halted, with_controls
from asrlab.sweep.shrinking.deltas import minimal, narrowed
from asrlab.sweep.shrinking.showing import join_context, split_context
from asrlab.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from asrlab.engines.base import Engine
    from asrlab.sweep.shrinking.attempts import Attempts
    from asrlab.sweep.shrinking.parts import Request
    from asrlab.sweep.shrinking.showing import Reply, Showing

#: What is noted of each request asked about, and its dtype.
COLUMNS: Final = {
    "step": "string", "audio_s": "Float64", "context_items": "Int64", "parameters": "string",
    "shown": "Int64", "no_answer": "Int64", "asked": "Int64", "shows": "boolean",
}  # fmt: skip
_SWITCHES: Final = ("language", "enable_itn", "enable_words", "language_hints", "vocabulary_id")
_MARGINS_S: Final = (0.0, 0.25, 0.5, 1.0, 2.0)  # about what the times of words say, which are rough
_TIMED_S: Final = 30.0  # of shorter recordings the times of words are not worth a request: halving costs twice that


@dataclass
class Search:
    """What shows a failure so far, and what is tried next.

    Parameters
    ----------
    attempts : Attempts
        Asks.
    test : Showing
        Tells whether an answer shows it.
    control : mapping
        Parameters of the control that differ; empty for none.
    at_least : int
        In how many of the repeats it is to be shown.
    keep : (float, float), optional
        Seconds of the recording that stay.
    splice : bool
        Whether slices may be taken out of the middle.
    shortest_s : float
        Seconds that audio is not cut below.
    tell : callable
        Is given a sentence for each step.

    Attributes
    ----------
    best : Request or None
        The smallest that shows it so far; None until the case did.
    halted : Halted or None
        What ended the search before its end.
    log : list of dict
        What was asked about, each once, with the columns of :data:`COLUMNS`.
    left_open : set of Request
        What was tried in the last round and has too few answers to be judged.
    """

    attempts: Attempts
    test: Showing
    control: Mapping[str, Any]
    at_least: int
    keep: tuple[float, float] | None
    splice: bool
    shortest_s: float
    tell: Callable[[str], None]
    best: Request | None = None
    halted: Halted | None = None
    log: list[dict[str, Any]] = field(default_factory=list)
    _logged: set[Request] = field(default_factory=set)
    left_open: set[Request] = field(default_factory=set)
    _step: str = "case"

    def run(self, case: Request) -> None:
        """Shrink until nothing smaller shows it, or no more may be sent."""
        try:
            self._begin(case)
            coarse = True
            while True:
                before = self.best
                self.left_open.clear()  # what is left open by the last round of all is said in the end
                for step in (self._channel, self._audio, self._switches, self._context):
                    step(coarse=coarse)
                coarse = False
                if self.best == before:
                    break
        except Halted as halted:
            self.halted = halted

    @property
    def _cuttable(self) -> bool:
        return self.test.cuttable or bool(self.control) or self.keep is not None

    @property
    def scope(self) -> str:
        """What is known of the smallest, in words."""
        if not self._cuttable:
            return (
                "without any one parameter or item of context it no longer shows; the audio was not cut, since silence "
                "would show it too: give control= or keep="
            )
        where = "" if self.splice else " at either end"
        slice_ = f"slice of about {self.attempts.recording.slice_s:g} s{where}"
        kept = "" if self.keep is None else "; what keep= holds, {:g} to {:g} s, was not cut".format(*self.keep)
        floor = f"; audio of less than {self.shortest_s:g} s was not tried" if self.shortest_s else ""
        return f"without any one {slice_}, parameter or item of context it no longer shows{kept}{floor}"

    def _begin(self, case: Request) -> None:
        """Ask the case anew, and for the times of words beside it where they may help."""
        timed = replace(case, parameters=replace(case.parameters, enable_words=True))
        recording = self.attempts.recording
        worth = self._cuttable and self.keep is None and self.test.locates
        if worth and not case.parameters.enable_words:  # otherwise they are there
            worth = recording.length > _TIMED_S * recording.rate and _times_words(self.attempts.engine)
        shown = self._shown([case], beside=[timed] if worth else [])
        if not shown:
            raise InvalidInput(self._not_shown(self.replies(case)))
        self.best = case
        places = [self.keep] if self.keep is not None else []
        if worth:
            answers = self.attempts.ask([timed])[timed]
            places = [place for reply in answers if (place := self.test.where(reply)) is not None][:1]
        for begin_s, end_s in places:
            self._step = "around the error"
            stretches = dict.fromkeys(recording.within(begin_s - m, end_s + m) for m in _MARGINS_S)
            self._take(self._stretch(*stretch) for stretch in stretches)

    def _not_shown(self, replies: Sequence[Reply]) -> str:
        """Say why the search cannot begin."""
        shown = sum(map(self.test.shown_by, replies))
        told = (
            f'Asked anew, the case shows "{self.test.name}" in {shown} of {len(replies)} askings, and {self.at_least} '
            "are wanted; "
        )
        if not self.left_open:
            came = [plain(reply.text if reply.state == "answered" else reply.error_code, 60) for reply in replies]
            return (
                f"{told}it came to {', '.join(map(repr, came))}. Of a service whose answers vary, give more repeats "
                "and a lower at_least."
            )
        asked = [pair for reply in replies for pair in (("the case", reply), ("its control", reply.control))]
        lacking = [(what, one) for what, one in asked if one is not None and not self.test.resolves(one)]
        states = {one.state for _, one in lacking}
        codes = [f" ({plain(one.error_code, 60)})" if one.error_code else "" for _, one in lacking]
        named = dict.fromkeys(f"{what} {one.state}{code}" for (what, one), code in zip(lacking, codes, strict=True))
        again = [f'retry="{state}"' for state in ("failed", "unknown") if state in states]
        paid = ", which may be billed a second time" if "unknown" in states else ""
        ask = f"To have that asked again{paid}, give {' or '.join(again)}." if again else "Call again to go on."
        return f"{told}of others it is not known: {', '.join(named)}. {ask}"

    def _audio(self, *, coarse: bool) -> None:
        if not self._cuttable:
            return
        recording, best = self.attempts.recording, self._now
        self._step = "audio"
        if len(best.spans) == 1:
            begin, end = recording.within(*(place / recording.rate for place in best.spans[0]))

            def find(stretches: list[tuple[int, int]]) -> tuple[int, int] | None:
                requests = {self._stretch(*stretch): stretch for stretch in stretches}
                found = self._take(requests)
                return None if found is None else requests[found]

            narrowed(begin, end, find, near=recording.near, coarse=coarse)
        if self.splice:
            self._step = "splice"
            bounds = recording.bounds
            slices = [(a, b) for a, b in pairwise(bounds) if any(c <= a and b <= d for c, d in self._now.spans)]
            self._part(slices, lambda part: replace(self._now, spans=_joined(part)) if part else None, coarse=coarse)

    def _switches(self, *, coarse: bool) -> None:
        self._step = "parameters"
        usual = Parameters()
        now = self._now.parameters
        given = [name for name in _SWITCHES if getattr(now, name) != getattr(usual, name)]

        def made(kept: Sequence[str]) -> Request:
            back = {name: getattr(usual, name) for name in given if name not in kept}
            return replace(self._now, parameters=replace(now, **back))

        self._part(given, made, coarse=coarse)

    def _context(self, *, coarse: bool) -> None:
        self._step = "context"
        context = self._now.parameters.context
        if context is None:
            return

        def made(parts: Sequence[tuple[int, tuple[str, str]]]) -> Request:
            text = join_context([part for _, part in parts], context)
            return replace(self._now, parameters=replace(self._now.parameters, context=text))

        self._part(list(enumerate(split_context(context))) or [(0, (context, ""))], made, coarse=coarse)

    def _channel(self, *, coarse: bool) -> None:
        """Send one channel alone, in place of asking for one of several."""
        self._step = "channel"
        now = self._now
        if self.attempts.recording.channels > 1 and now.channel is None:
            alone = replace(now.parameters, channel_id=(0,))
            self._take([replace(now, channel=c, parameters=alone) for c in now.parameters.channel_id])

    @property
    def _now(self) -> Request:
        assert self.best is not None  # noqa: S101 - nothing is made smaller before it was shown
        return self.best

    def _stretch(self, begin: int, end: int) -> Request:
        bounds = self.attempts.recording.bounds
        return replace(self._now, spans=((bounds[begin], bounds[end]),))

    def _part(self, atoms: Sequence[Any], made: Callable[[Sequence[Any]], Request | None], *, coarse: bool) -> None:
        def find(parts: list[tuple[Any, ...]]) -> tuple[Any, ...] | None:
            requests = {request: part for part in parts if (request := made(part)) is not None}
            found = self._take(requests)
            return None if found is None else requests[found]

        minimal(atoms, find, coarse=coarse)

    def _take(self, candidates: Iterable[Request]) -> Request | None:
        """Ask about candidates, and go on with the smallest that shows it."""
        now = self._now
        smaller = [request for request in candidates if request.size < now.size and self._keeps(request)]
        shown = self._shown(smaller)
        if not shown:
            return None
        self.best = min(shown, key=lambda request: request.size)
        self.tell(f"{self._step}: {self.best.samples / self.attempts.recording.rate:.2f} s, {count(self.best)} items")
        return self.best

    def _keeps(self, request: Request) -> bool:
        rate = self.attempts.recording.rate
        if request.spans != self._now.spans and request.samples < self.shortest_s * rate:
            return False
        if self.keep is None:
            return True
        begin, end = (place * rate for place in self.keep)
        return any(a <= begin and end <= b for a, b in request.spans)

    def _shown(self, requests: Sequence[Request], beside: Sequence[Request] = ()) -> list[Request]:
        """Ask about requests together, and give those that show it often enough."""
        controls = [control for request in requests if (control := self._control_of(request)) is not None]
        self.attempts.ask([*requests, *controls, *beside])
        shown = []
        for request in requests:
            replies = self.replies(request)
            n = sum(map(self.test.shown_by, replies))
            silent = self.attempts.repeats - sum(map(self.test.decides, replies))
            shows = True if n >= self.at_least else False if n + silent < self.at_least else None
            if shows:
                shown.append(request)
            if shows is None:
                self.left_open.add(request)
            self._note(request, n, silent, shows)
        return shown

    def _note(self, request: Request, shown: int, silent: int, shows: bool | None) -> None:
        if request not in self._logged:
            self._logged.add(request)
            seconds = request.samples / self.attempts.recording.rate
            row = (self._step, seconds, count(request), given(request), shown, silent, self.attempts.repeats, shows)
            self.log.append(dict(zip(COLUMNS, row, strict=True)))

    def replies(self, request: Request) -> list[Reply]:
        """Give the replies to a request, each with its control's."""
        known = self.attempts.ask([request])
        control = self._control_of(request)
        return list(known[request]) if control is None else with_controls(known[request], known[control])

    def _control_of(self, request: Request) -> Request | None:
        return replace(request, parameters=replace(request.parameters, **self.control)) if self.control else None


def _times_words(engine: Engine) -> bool:
    try:
        return "enable_words" in engine.capabilities.parameters
    except RuntimeError:  # it is not known before it is entered
        return True


def _joined(slices: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Make stretches of slices: those that follow one another are one."""
    spans: list[tuple[int, int]] = []
    for begin, end in slices:
        if spans and spans[-1][1] == begin:
            spans[-1] = spans[-1][0], end
        else:
            spans.append((begin, end))
    return tuple(spans)


def count(request: Request) -> int:
    """Count the items of its context."""
    return len(items(request.parameters.context or ""))


def names(request: Request) -> set[str]:
    """Name its parameters away from their defaults."""
    return set(differences(request.parameters, Parameters()))


def given(request: Request) -> str:
    """Name the parameters away from their defaults, with their values but for the context."""
    named = sorted(names(request))
    return ", ".join(name if name == "context" else f"{name}={getattr(request.parameters, name)}" for name in named)
