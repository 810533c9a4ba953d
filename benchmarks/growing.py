"""Scoring from Parquet to Parquet as tables grow, and summarizing and comparing what is scored: seconds and memory.

Made texts: utterances of 18 words from a vocabulary of 8,000 (:mod:`corpora`), each heard under 24 conditions; 39 % of
the trials are right, the others have all the errors, so that the word error rate is about 12 %. Nearly all wrong
transcripts differ from one another. Rows lie as a sweep writes them, one condition after another, so that those of an
utterance are as far apart as can be. With ``--conditions 1`` there are as many utterances as trials. All is seeded and
written file by file, and kept in the folder for the next run.

Each figure is of a process of its own, and of its workers; memory is the most that their resident sets sum up to,
looked at every 20 ms, so that what they share counts once for each. Seconds of processors are of all processes,
starting up included, and of the driver alone, which is what does not get less with more workers. ``--ceiling`` says
what two processes that do nothing but count gain on this machine: no work of two can gain more.

Run: python benchmarks/growing.py [--trials 100000 1000000 10000000] [--conditions 24] [--workers 0 1 2] [--ceiling]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from corpora import IDENTICAL, draw, lexicon
from ratios import tell

from asrlab import compare, parquet, score, summarize

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Utterances of a file.
TOGETHER = 50_000
LENGTH = 18
RATE = 0.12
#: The line above those of :func:`grown`.
HEAD = f"{'trials':>11}  {'work':9}{'workers':>9}{'seconds':>9}{'us/trial':>10}{'cpu s':>8}{'driver':>8}{'most GB':>9}"
#: What has been promised: most memory, and the least that two workers gain.
MOST_GB, GAIN = 4.0, 1.7


def said(words: np.ndarray, first: int, many: int) -> np.ndarray:
    """Draw what was said in some utterances; shape (many, LENGTH)."""
    return draw(np.random.default_rng([1, first]), words, (many, LENGTH))


def heard(words: np.ndarray, first: int, many: int, condition: int) -> list[str]:
    """Draw what was heard of them under a condition: of ten errors six are subs, two dels and two ins."""
    rng = np.random.default_rng([2, first, condition])
    units = said(words, first, many)
    roll = rng.random(units.shape) / (RATE / (1 - IDENTICAL))
    roll[rng.random(many) < IDENTICAL] = 1
    wrong = roll < 0.6
    units[wrong] = draw(rng, words, (int(wrong.sum()),))
    more = (roll >= 0.6) & (roll < 0.8)
    units[more] = units[more] + " " + draw(rng, words, (int(more.sum()),))
    units[(roll >= 0.8) & (roll < 1)] = ""
    return [" ".join(filter(None, row)) for row in units.tolist()]


def make(folder: Path, trials: int, conditions: int) -> None:
    """Write transcripts and references, unless they are there."""
    if (folder / "whole").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    words = np.array(lexicon(np.random.default_rng(0)), dtype=object)
    utterances = -(-trials // conditions)
    for name in ("transcripts", "references"):
        (folder / name).mkdir(parents=True)
    for first in range(0, utterances, TOGETHER):
        many = min(TOGETHER, utterances - first)
        ids = [f"utterance-{n:08d}" for n in range(first, first + many)]
        speakers = [f"speaker {n % 997}" for n in range(first, first + many)]
        texts = [" ".join(row) for row in said(words, first, many).tolist()]
        references = pd.DataFrame({"utt_id": ids, "text": texts, "language": "en", "speaker": speakers}, dtype="string")
        parquet.write(references, "references", folder / "references" / f"{first:08d}.parquet")
        for n in range(conditions):
            frame = pd.DataFrame({"utt_id": ids, "text": heard(words, first, many, n)}, dtype="string")
            frame = frame.assign(condition=f"snr={n // 2} dB, itn={('off', 'on')[n % 2]}", state="answered")
            frame = frame.assign(snr=f"{n // 2} dB", itn=bool(n % 2), repeat=0, channel=0)
            parquet.write(frame, "transcripts", folder / "transcripts" / f"{n:02d}-{first:08d}.parquet")
    (folder / "whole").touch()


def one(work: str, folder: Path, workers: int) -> None:
    """Do a work on what is in a folder, in this process or by some workers, and print the seconds."""
    with ProcessPoolExecutor(workers) if workers else nullcontext() as pool:
        if pool:  # they have started, and imported what they need
            list(pool.map(warm, range(4 * workers)))
        began, used = time.perf_counter(), time.process_time()
        if work == "score":
            score(folder / "transcripts", folder / "references", to=folder / "scores", executor=pool)
        elif work == "summarize":
            summarize(folder / "scores", by=["snr", "itn"], executor=pool)
        else:
            compare(folder / "scores", along="itn", baseline="False", by="snr", executor=pool)
        print(json.dumps({"seconds": time.perf_counter() - began, "here": time.process_time() - used}))


def warm(n: int) -> int:
    """Start a worker up."""
    score(["a"], ["a b"])
    time.sleep(0.2)
    return n


def children(pid: int) -> list[int]:
    """Find a process and all that it started."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += children(int(child))
    return found


def resident(pid: int) -> int:
    """Sum the bytes that a process and its children hold."""
    pages = 0
    for one_of in children(pid):
        try:
            pages += int(Path(f"/proc/{one_of}/statm").read_text().split()[1])
        except (OSError, IndexError):
            continue  # it has ended
    return pages * os.sysconf("SC_PAGE_SIZE")


class Took(NamedTuple):
    """What a work took: seconds, most gigabytes, and processor seconds, of all processes and of the driver alone."""

    seconds: float
    most: float
    used: float
    here: float


def measured(work: str, folder: Path, workers: int) -> Took:
    """Run :func:`one` in a process of its own."""
    before = os.times()
    command = [sys.executable, __file__, "--one", work, str(folder), str(workers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        most = 0
        while process.poll() is None:
            with suppress(OSError):  # it has ended
                most = max(most, resident(process.pid))
            time.sleep(0.02)
        out = process.stdout.read() if process.stdout else ""
    after = os.times()
    if process.returncode:
        sys.exit(f"{work} failed: {process.returncode}")
    used = after.children_user + after.children_system - before.children_user - before.children_system
    told = json.loads(out.splitlines()[-1])
    return Took(told["seconds"], most / 1e9, used, told["here"])


def grown(trials: int, conditions: int, workers: list[int], folder: Path) -> Iterator[tuple[str, int, Took]]:
    """Measure all works on tables of so many trials, made if they are not there, and print a line each."""
    folder = folder / f"{trials}-{conditions}"
    make(folder, trials, conditions)
    for work, many in (*(("score", n) for n in workers), ("summarize", 0), ("compare", 0)):
        took = measured(work, folder, many)
        over = "" if took.most < MOST_GB else f"   over {MOST_GB:g} GB"
        print(
            f"{trials:11,}  {work:9}{many:9}{took.seconds:9.1f}{took.seconds / trials * 1e6:10.2f}"
            f"{took.used:8.1f}{took.here:8.1f}{took.most:9.2f}{over}",
            flush=True,
        )
        yield work, many, took


def count(seconds: float) -> int:
    """Count as far as one comes in some seconds."""
    until, n = time.perf_counter() + seconds, 0
    while time.perf_counter() < until:
        for _ in range(10_000):
            n += 1
    return n


def ceiling(seconds: float = 3.0) -> float:
    """Measure how much more two processes count than one."""
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(count, [0.2, 0.2]))
        alone = count(seconds)
        return sum(pool.map(count, [seconds, seconds])) / alone


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--conditions", type=int, default=24)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "asrlab-growing")
    parser.add_argument("--ceiling", action="store_true")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        one(asked.one[0], Path(asked.one[1]), int(asked.one[2]))
        return
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; {asked.conditions} conditions")
    if asked.ceiling:
        print(f"two processes that only count do {ceiling():.2f} x as much as one")
    print(HEAD)
    for trials in asked.trials:
        scored = {}
        for work, many, took in grown(trials, asked.conditions, asked.workers, asked.folder):
            if work == "score":
                scored[many] = took.seconds
        if {1, 2} <= scored.keys():
            gain = scored[1] / scored[2]
            tell(f"{trials:,} answers marked from Parquet by two workers", "one worker", time=gain)
            print(
                f"{'':11}  two workers {gain:.2f} x one   target {GAIN}: {'met' if gain >= GAIN else 'MISSED'}",
                flush=True,
            )


if __name__ == "__main__":
    main()
