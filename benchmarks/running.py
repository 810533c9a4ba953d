"""The sweep's own share of the time: 10,000 trials of an engine that answers at once, every step durable.

Beside it the same number of rows written by a plain loop that commits each of a trial's three steps by itself.
"""

from __future__ import annotations

import resource
import sqlite3
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from ratios import tell

from asrlab.data.dataset import Dataset
from asrlab.engines.base import UNWATCHED, Answer, Capabilities, Engine, Question, Steps, Transcript
from asrlab.sweep.grid import grid
from asrlab.sweep.sweep import Sweep

TRIALS = 10_000
GRID = grid(language={"none": None, "en": "en"}, enable_itn=[False, True], context={"none": None, "terms": "Kestrel"})


class AtOnce(Engine):
    """A service that answers at once, and tells every step."""

    name = "at-once"
    concurrency = 64
    capabilities = Capabilities(frozenset({"language", "enable_itn", "context"}), frozenset({"en"}))

    def __init__(self, *, free: bool) -> None:
        self.free = free

    @property
    def identity(self) -> dict[str, str]:
        return {"engine": self.name, "model": "m", "region": "here", "version": "1"}

    async def transcribe(self, question: Question, steps: Steps = UNWATCHED) -> Answer:
        await steps.sending("oss://recording")
        await steps.submitted(f"task-{id(question)}")
        return Answer((Transcript(0, "what was said", "en"),), 1.0, "m", raw={"text": "what was said"})


def recordings(folder: Path, n: int) -> Dataset:
    rng = np.random.default_rng(1)
    names = [f"{number}.wav" for number in range(n)]
    for name in names:
        soundfile.write(folder / name, 0.1 * rng.standard_normal(400), 16_000)
    return Dataset("noises", pd.DataFrame({"utt_id": names, "audio": names}), folder=folder)


def one_by_one(folder: Path) -> float:
    db = sqlite3.connect(folder / "plain.sqlite", isolation_level=None)
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = full")
    db.execute("create table step (trial integer, step integer, text text, primary key (trial, step))")
    start = time.perf_counter()
    for trial in range(TRIALS):
        for step in range(3):
            db.execute("insert into step values (?, ?, ?)", (trial, step, "what was said"))
    return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        dataset = recordings(folder, TRIALS // len(GRID))
        plain_s = one_by_one(folder)
        for free in (False, True):
            sweep = Sweep(dataset, AtOnce(free=free), GRID, store=folder / f"run-{free}")
            start = time.perf_counter()
            sweep.plan(price_usd_per_s=0.0)
            planned = time.perf_counter()
            sweep.run(progress=False, price_usd_per_s=0.0)
            ran = time.perf_counter()
            assert (sweep.transcripts["state"] == "answered").sum() == TRIALS
            read = time.perf_counter()
            kind = "free" if free else "paid"
            peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{kind}: {TRIALS / (ran - planned):,.0f} trials/s, planned and every step durable; ", end="")
            print(f"a commit for each step by itself {TRIALS / plain_s:,.0f}/s, x {plain_s / (ran - planned):.2f}")
            case = f"{TRIALS:,} trials of a {kind} engine that answers at once, every step durable"
            tell(case, "SQLite, a commit for each step", time=plain_s / (ran - planned))
            print(f"{kind}: first plan {planned - start:.1f} s, transcripts {read - ran:.2f} s, peak {peak_mb:,.0f} MB")


if __name__ == "__main__":
    main()
