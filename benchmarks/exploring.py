"""The explorer on a large sweep: how long its first page takes, and each thing a reader may do with it.

10,000 utterances under 24 settings: 240,000 rows of scores and of transcripts, texts of twelve words, one answer in a
hundred failed. The first page is all from the tables to what a browser is sent, with the page a saved notebook keeps;
confusions come after it, in a thread, and are timed apart. Wall and processor time, of each the best of ROUNDS rounds;
the size is that of what the reading view is sent. What a browser takes to draw it is not in these times.

Run: python benchmarks/exploring.py [--small]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from ratios import tell

import asrlab as lab
from asrlab import tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from asrlab.views.widgets import Explorer

#: Seconds that the first page, and each action, may take.
FIRST_S, ACTION_S = 1.0, 0.2
ROUNDS = 3
WORDS = 12


def sweep(utterances: int, settings: int) -> SimpleNamespace:
    """Make answers in which a word of twenty is heard as another; English and German, two tags, 40 speakers."""
    rng = np.random.default_rng(1)
    vocabulary = np.array([f"w{n}" for n in range(2000)])
    often = 1 / np.arange(1, len(vocabulary) + 1)
    said = rng.choice(vocabulary, (utterances, WORDS), p=often / often.sum())
    other = rng.random((utterances, settings, WORDS)) < 0.05
    heard = np.where(other, rng.choice(vocabulary, other.shape), said[:, None, :]).reshape(-1, WORDS)
    ids = [f"utt-{n:05}" for n in range(utterances)]
    failed = rng.random(len(heard)) < 0.01
    transcripts = pd.DataFrame(
        {
            "trial": [f"t{n}" for n in range(len(heard))],
            "utt_id": np.repeat(ids, settings),
            "condition": [f"s{n:02}" for n in range(settings)] * utterances,
            "repeat": 0,
            "channel": 0,
            "state": np.where(failed, "failed", "answered"),
            "text": [None if gone else " ".join(words) for gone, words in zip(failed, heard, strict=True)],
        }
    )
    facts = {"utt_id": ids, "language": rng.choice(["en", "de"], utterances), "duration_s": 4.0}
    facts["tags"] = [["quiet", "near"][n % 2 :] for n in range(utterances)]
    references = pd.DataFrame({"utt_id": ids, "text": [" ".join(words) for words in said]})
    dataset = SimpleNamespace(
        utterances=tables.check(pd.DataFrame(facts), "utterances", required=("utt_id",)),
        references=tables.check(
            references.assign(channel=0, form="spoken", alternative=0), "references", required=("utt_id",)
        ),
        terms=tables.empty("terms"),
    )
    answers = tables.check(transcripts, "transcripts", required=())
    return SimpleNamespace(transcripts=answers, dataset=dataset, heard=lambda _: None)


def first_page(made: SimpleNamespace, scores: pd.DataFrame) -> Explorer:
    shown = lab.explore(made, scores)
    shown.as_html()
    return shown


def actions(shown: Explorer) -> dict[str, Callable[[], object]]:
    """Name what a reader may do, in an order in which each changes something."""
    every = tuple(value for _, value in shown.also.options)
    return {
        "next": shown.next.click,
        "next page": shown.next_page.click,
        "sort": lambda: setattr(shown.sort, "value", "more errors than against"),
        "language": lambda: setattr(shown.language, "value", "en"),
        "tag": lambda: setattr(shown.tag, "value", "near"),
        "error": lambda: setattr(shown.error, "value", "substituted"),
        "search": lambda: setattr(shown.search, "value", "w19"),
        "search of nothing": lambda: setattr(shown.search, "value", ""),
        "term": lambda: setattr(shown.term, "value", "w1"),
        "confusion": lambda: setattr(shown.confusion, "index", 1),
        "all confusions": lambda: setattr(shown.confusion, "index", 0),
        "all settings": lambda: setattr(shown.also, "value", every),
        "next of all settings": shown.next.click,
        "sort of all settings": lambda: setattr(shown.sort, "value", "most changed"),
        "search in all settings": lambda: setattr(shown.search, "value", "w77"),
        "other condition": lambda: setattr(shown.condition, "value", "s05"),
        "no term": lambda: setattr(shown.term, "value", ""),
    }


async def measured(made: SimpleNamespace, scores: pd.DataFrame) -> dict[str, tuple[float, float, int]]:
    """Give of each action wall time and processor time in seconds, and what the reading view is sent in bytes."""
    times: dict[str, tuple[float, float, int]] = {}

    def timed(name: str, act: Callable[[], object]) -> object:
        wall, own = time.perf_counter(), time.process_time()
        result = act()
        times[name] = (time.perf_counter() - wall, time.process_time() - own, 0)
        return result

    shown = timed("first page", lambda: first_page(made, scores))
    wall, own = time.perf_counter(), time.process_time()
    await shown._finding
    times["confusions, later"] = (time.perf_counter() - wall, time.process_time() - own, 0)
    for name, act in actions(shown).items():
        timed(name, act)
        times[name] = (*times[name][:2], len(json.dumps(shown.reading.page)))
    while shown._finding is not None:
        await shown._finding
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="500 utterances under 6 settings, one round")
    small = parser.parse_args().small
    made = sweep(500, 6) if small else sweep(10_000, 24)
    scores = lab.score(made.transcripts, made.dataset, missing="drop")
    rounds = [asyncio.run(measured(made, scores)) for _ in range(1 if small else ROUNDS)]
    worst = 0.0
    print(f"{len(scores)} rows of scores and of transcripts\n\n{'':24} {'wall s':>7} {'CPU s':>7} {'bytes':>8}")
    for name in rounds[0]:
        wall, own, size = (min(times[name][k] for times in rounds) for k in range(3))
        most = {"first page": FIRST_S, "confusions, later": np.inf}.get(name, ACTION_S)
        worst = max(worst, wall if most == ACTION_S else 0.0)
        if name == "first page":
            case = f"the explorer's first page, {len(scores):,} answers"
            tell(case, f"the {most:g} s that it may take", time=most / wall)
        print(f"{name:24} {wall:7.3f} {own:7.3f} {size or '':>8}{'  over the target' * (wall > most)}")
    tell("its slowest action", f"the {ACTION_S:g} s that it may take", time=ACTION_S / worst)


if __name__ == "__main__":
    main()
