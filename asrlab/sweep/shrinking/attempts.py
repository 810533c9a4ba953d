"""Attempts: requests about parts of one recording, asked through a ledger of their own."""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from asrlab.data.dataset import Dataset
from asrlab.errors import BudgetSpent
from asrlab.sweep.grid import column, grid
from asrlab.sweep.shrinking.parts import NAMES
from asrlab.sweep.shrinking.showing import Reply
from asrlab.sweep.store import Spent, Store, is_run
from asrlab.sweep.sweep import Sweep
from asrlab.sweep.warn import SweepWarning
from asrlab.text import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from asrlab.engines.base import Engine, Parameters
    from asrlab.sweep.plan import Plan
    from asrlab.sweep.shrinking.parts import Recording, Request

_GRID: Final = grid(**{name: column(f"send_{name}") for name in NAMES})


class Halted(Exception):
    """The search cannot go on: what it would need may not be sent.

    Parameters
    ----------
    because : str
        Why.
    plan : Plan, optional
        What was to be sent next.
    """

    def __init__(self, because: str, plan: Plan | None = None) -> None:
        super().__init__(because)
        self.because = because
        self.plan = plan


@dataclass
class Attempts:
    """Asks requests about a recording, each once, through a sweep in a store of its own.

    Parameters
    ----------
    recording : Recording
        What they are about.
    engine : Engine
        What is asked.
    store : Path
        Folder of the ledger.
    repeats : int
        How often each is asked.
    said : tuple of str, str or None
        What is said in the recording, and in what language, as far as is known.
    most_requests : int
        How many may be sent, by all runs of the ledger.
    send : bool
        Whether anything may be sent.
    options : mapping
        Of :meth:`asrlab.Sweep.run`.
    """

    recording: Recording
    engine: Engine
    store: Path
    repeats: int
    said: tuple[tuple[str, ...], str | None]
    most_requests: int
    send: bool
    options: Mapping[str, Any]

    def __post_init__(self) -> None:
        self._known: dict[Request, tuple[Reply, ...]] = {}
        self._warned = False
        self._may_be_sent = self.sent

    def ask(self, requests: Iterable[Request]) -> Mapping[Request, tuple[Reply, ...]]:
        """Give the replies to requests; those that are not known yet are asked together.

        Raises
        ------
        Halted
            If what is not known yet may not be sent: the budget or the number of requests would be passed.
        """
        new = [request for request in dict.fromkeys(requests) if request not in self._known]
        if new:
            sweep = Sweep(self._dataset(new), self.engine, _GRID, store=self.store, repeats=self.repeats)
            self._run(sweep, len(new) * self.repeats)
            self._read(sweep, new)
        return self._known

    @property
    def sent(self) -> int:
        """How many requests were sent, by all runs of the ledger."""
        if not is_run(self.store):
            return 0
        with Store(self.store) as store:
            return sum(standing.attempts for standing in store.standings().values())

    @property
    def spent(self) -> Spent:
        """Seconds of audio and US dollars that they may have been billed, all runs together."""
        if not is_run(self.store):
            return Spent(0.0, 0.0)
        with Store(self.store) as store:
            return store.spent(self.engine.name)

    def identity(self, trial: str) -> dict[str, str]:
        """Give the identity of the engine that a trial asked."""
        with Store(self.store) as store:
            found = store.identity(trial)
        facts: dict[str, str] = {} if found is None else json.loads(found.engine)
        return facts

    def _run(self, sweep: Sweep, n: int) -> None:
        # A plan takes a while, and there is no need of one where all that may be sent does no harm.
        self._may_be_sent += n
        if not self.send or self._may_be_sent > self.most_requests:
            retry, price = self.options.get("retry"), self.options.get("price_usd_per_s")
            plan = sweep.plan(retry=retry, price_usd_per_s=price)
            if not plan.jobs:
                return
            if not self.send:
                raise Halted("nothing was to be sent", plan)
            sent = self.sent
            if sent + len(plan.to_send) > self.most_requests:
                raise Halted(
                    f"{sent} requests were sent, and the next {len(plan.to_send)} pass the limit of "
                    f"{self.most_requests}",
                    plan,
                )
            self._may_be_sent = sent + len(plan.to_send)
        with warnings.catch_warnings():
            if self._warned:  # each stage would say the same
                warnings.simplefilter("ignore", SweepWarning)
            try:
                sweep.run(progress=False, **self.options)
            except BudgetSpent as error:
                raise Halted(str(error)) from error
        self._warned = True

    def _dataset(self, requests: Sequence[Request]) -> Dataset:
        files = [self.recording.part(request) for request in requests]
        sent = {
            f"send_{name}": pd.Series([getattr(request.parameters, name) for request in requests], dtype=object)
            for name in NAMES
        }
        utterances = pd.DataFrame(
            {
                "utt_id": [_utt_id(file, request) for file, request in zip(files, requests, strict=True)],
                "audio": [file.name for file in files],
                "language": pd.array([self.said[1]] * len(files), dtype="string"),
                **sent,
            }
        )
        return Dataset("attempts", utterances, audio_root=files[0].parent)

    def _read(self, sweep: Sweep, requests: Sequence[Request]) -> None:
        timed = any(request.parameters.enable_words for request in requests)
        words: dict[Any, list[Any]] = {}
        for row in (sweep.words if timed else pd.DataFrame()).itertuples():
            words.setdefault((row.utt_id, row.repeat), []).append((row.text, row.start_s, row.end_s))
        rows: dict[Any, list[Any]] = {}
        for row in sweep.transcripts.itertuples():
            rows.setdefault((row.utt_id, row.repeat), []).append(row)
        names = zip(sweep.dataset.utterances["utt_id"], requests, strict=True)
        for utt_id, request in names:
            self._known[request] = tuple(
                reply_of(rows[utt_id, k], request.parameters, self.said, tuple(words.get((utt_id, k), ())))
                for k in range(self.repeats)
                if (utt_id, k) in rows
            )


def reply_of(
    rows: Sequence[Any],
    parameters: Parameters,
    said: tuple[tuple[str, ...], str | None],
    words: tuple[tuple[str, float, float], ...] = (),
) -> Reply:
    """Make a reply of the rows of a ``transcripts`` table that one asking has, one a channel."""
    first = rows[0]
    texts = [_cell(row.text) for row in rows]
    languages = dict.fromkeys(language for row in rows if (language := _cell(row.detected_language)) is not None)
    return Reply(
        "\n".join(text for text in texts if text),
        next(iter(languages), None) if len(languages) < 2 else ",".join(languages),
        parameters,
        words,
        said[0],
        said[1],
        state=first.state,
        error_code=_cell(first.error_code),
        error=_cell(first.error),
        trial=_cell(first.trial),
        request_id=_cell(first.request_id),
        submitted_at=_cell(first.submitted_at),
        channels=tuple((int(row.channel), _cell(row.text), _cell(row.detected_language)) for row in rows),
    )


def with_controls(replies: Sequence[Reply], controls: Sequence[Reply]) -> list[Reply]:
    """Put beside each reply that of the control with the same number."""
    return [replace(reply, control=control) for reply, control in zip(replies, controls, strict=False)]


def _utt_id(file: Path, request: Request) -> str:
    asked = canonical_json([getattr(request.parameters, name) for name in NAMES])
    return f"{file.stem}-{hashlib.sha256(asked.encode()).hexdigest()[:16]}"


def _cell(value: Any) -> Any:  # noqa: ANN401 - whatever a cell holds; None where it is missing
    return None if pd.isna(value) else value
