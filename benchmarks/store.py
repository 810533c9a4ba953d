"""How fast a run is stored durably, beside a plain loop over SQLite; and how a run of a million trials is read.

Each trial is three writes that wait for the disk: that it is about to be asked, its task id, its answer.
Run: python benchmarks/store.py [trials of the large run, 1000000 by default]
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from ratios import tell

from asrlab.engines.base import Answer, Parameters, Sentence, Transcript
from asrlab.sweep.identity import Identity, canonical_engine, canonical_parameters
from asrlab.sweep.store import Asking, Intent, Store
from asrlab.sweep.store.answers import StoredAnswer, raw_document
from asrlab.sweep.store.schema import insert_answer

TRIALS = 10_000
ENGINE = canonical_engine({"engine": "scripted", "model": "parrot", "version": "1", "region": "nowhere"})
SETTINGS = [
    (
        {"language": hint, "enable_itn": str(itn)},
        canonical_parameters(Parameters(None if hint == "none" else hint, itn)),
    )
    for hint in ("none", "en")
    for itn in (False, True)
]
META = {"axes": [["language", ["none", "en"]], ["enable_itn", ["False", "True"]]]}
#: Reads a run in a process of its own, and says how long each step took and what it needed at most.
READER = """
import json, resource, sys, time
from asrlab.sweep.store import Store
def step(name, work):
    began = time.perf_counter(); work(); print(json.dumps([name, time.perf_counter() - began]), flush=True)
store = None
def table():
    global store
    store = Store(sys.argv[1]); assert len(store.transcripts()) == int(sys.argv[2])
step("open and transcripts", table)
print(json.dumps(["peak RSS, GB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6]), flush=True)
for name in ("standings", "askings", "identities"):
    step(name, getattr(store, name))
step("spent", lambda: store.spent("scripted"))
"""


def questions(trials: int) -> tuple[list[Asking], dict[str, Identity]]:
    """Four conditions of each recording."""
    askings, identities = [], {}
    for number in range(trials):
        labels, parameters = SETTINGS[number % 4]
        identity = Identity(f"pcm-sha256:{number // 4:064x}", ENGINE, parameters, 0)
        identities[trial := identity.trial] = identity
        name = ", ".join(f"{axis}={label}" for axis, label in labels.items())
        askings.append(Asking(f"utterance-{number // 4:07d}", name, 0, trial, labels))
    return askings, identities


def answer(number: int) -> Answer:
    """An answer of a short sentence, and a document as a service sends it."""
    said = f"what was said in recording {number}, some words of it and some more of them, all told"
    raw = {"transcripts": [{"channel_id": 0, "text": said, "sentences": [{"begin_time": 0, "text": said}]}]}
    heard = (Transcript(0, said, "en", (Sentence(0, 900, said, "en"),)),)
    return Answer(heard, 4.2, "parrot 1", request_id=f"request-{number:028d}", raw=raw)


async def store_all(store: Store, trials: list[str], at_once: int) -> float:
    """Take all trials through all steps; returns seconds."""
    waiting = iter(enumerate(trials))

    async def work() -> None:
        for number, trial in waiting:
            attempt = await store.begin(Intent(trial, time.time(), 5, 0.0001, "https://host/bucket/recording.wav"))
            await store.submitted(trial, attempt, f"task-{number:031d}")
            await store.answered(attempt, trial, answer(number))

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(at_once)))
    return time.perf_counter() - began


def plain_loop(folder: Path, trials: int) -> float:
    """Commit one row at a time, three a trial, as durably; returns seconds."""
    with closing(sqlite3.connect(folder / "plain.sqlite", isolation_level=None)) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")
        db.execute("create table row (id integer primary key, body text)")
        body = json.dumps(answer(0).raw)
        began = time.perf_counter()
        for _ in range(3 * trials):
            db.execute("insert into row (body) values (?)", (body,))
        return time.perf_counter() - began


def durable(folder: Path) -> None:
    """Print trials a second by how many are under way at once."""
    plain = TRIALS / 5 / plain_loop(folder, TRIALS // 5)
    print(f"plain SQLite, three commits a trial: {plain:,.0f} trials/s")
    for at_once in (1, 8, 64, 256):
        trials = TRIALS if at_once > 1 else TRIALS // 5
        askings, identities = questions(trials)
        with Store(folder / str(at_once), create=True) as store:
            store.plan(askings, identities, META)
            rate = trials / asyncio.run(store_all(store, list(identities), at_once))
            assert store.verify() == []
        print(f"store, {at_once:3d} at once: {rate:,.0f} trials/s ({rate / plain:.2f} x plain)")
        tell(f"storing trials durably, {at_once} at once", "SQLite, a commit for each step", time=rate / plain)


def large(folder: Path, trials: int) -> None:
    """Print how a large run is planned and read."""
    askings, identities = questions(trials)
    with Store(folder / "large", create=True) as store:
        for name in ("plan", "plan again"):
            began = time.perf_counter()
            store.plan(askings, identities, META)
            print(f"{name}: {time.perf_counter() - began:.1f} s")

        def fill(db: sqlite3.Connection) -> None:
            db.executemany(
                "insert into attempt (trial, attempt, state, begun, submitted, ended, task_id, request_id, link)"
                " values (?, 1, 'answered', ?, ?, ?, ?, ?, 'https://host/bucket/recording.wav')",
                (
                    (n, 1.79e9 + n, 1.79e9 + n, 1.79e9 + n, f"task-{n:031d}", f"r-{n:034d}")
                    for n in range(1, trials + 1)
                ),
            )
            for number in range(1, trials + 1):
                given = answer(number)
                document = raw_document(given)
                insert_answer(db, number, StoredAnswer.of(given, document), document)

        store._committer.write(fill)  # in one transaction: only reading is measured
    size = (folder / "large" / "ledger.sqlite").stat().st_size
    print(f"ledger of {trials:,} trials: {size / 1e9:.2f} GB")
    told = subprocess.run(
        [sys.executable, "-c", READER, str(folder / "large"), str(trials)], check=True, capture_output=True, text=True
    ).stdout
    for name, figure in map(json.loads, told.splitlines()):
        print(f"{name}: {figure:.1f}")


def main() -> None:
    """Print both."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        durable(Path(folder))
        large(Path(folder), int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)


if __name__ == "__main__":
    main()
