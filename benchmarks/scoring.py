"""Marking beside jiwer and other libraries, all in the same run: seconds, and jiwer's time divided by theirs.

Wall time, the best of a few rounds in which all take turns, after a warm-up. Beside the ratio stands that of processor
time (children's too), for machines that are busy with other things and libraries that use more than one core. jiwer's
time is of ``process_words`` alone, which gives totals and alignments; ours and the plain loop make a table with a row a
trial. Garbage is collected before each turn, and the collector runs during it as it would for anyone. Texts are
normalised already where no pipeline is named.

All must agree with jiwer: in subs, dels and ins if they have them by the same rule of ties, else in the errors, else in
the rate. Targets stand beside what was measured; nothing fails for time.

Run: python benchmarks/scoring.py [--small] [counts alignments long memory pipeline executor]
"""

from __future__ import annotations

import argparse
import gc
import math
import multiprocessing
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jiwer
import pandas as pd
from corpora import Pairs, pairs, sweep
from peers import (
    SPLIT,
    Contender,
    align_kernel,
    apply_process_words,
    edit_totals,
    edits,
    installed,
    jiwer_totals,
    kernel,
    kernel_once,
    peers,
    plain_loop,
    process_characters,
    process_words,
    score,
    totals,
)
from ratios import tell

import asrlab as lab
from asrlab.scoring import Normalizer

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

#: Target of the ratio to jiwer called row by row.
BY_ROW = 50
#: Targets of a whole pipeline: ratio to the usual one, and seconds.
PIPELINE, PIPELINE_S = 5, 12


def processor_seconds() -> float:
    """Processor time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def turn(one: Contender, corpus: Pairs) -> Any:  # noqa: ANN401
    """Run a contender once by the clocks."""
    gc.collect()
    used, began = processor_seconds(), time.perf_counter()
    result = one.run(corpus)
    one.wall.append(time.perf_counter() - began)
    one.processor.append(processor_seconds() - used)
    return result


def race(title: str, corpus: Pairs, contenders: list[Contender], rounds: int) -> None:
    """Let jiwer and the others take turns, see that they agree, and print a line each."""
    first = Contender("jiwer process_words", process_words, jiwer_totals)
    everyone = [first, *contenders]
    parts = {one.most: corpus.head(one.most) if one.most else corpus for one in everyone}
    # Not the whole outputs: kept, they would be objects that every collection of garbage in jiwer's turns goes through.
    right = {most: wanted(process_words(part)) for most, part in parts.items()}
    for round_ in range(rounds):
        for one in everyone:
            if round_ == 0:
                one.run(corpus.head(100))
            result = turn(one, parts[one.most])
            agree(one, one.read(result), *right[one.most])
            del result
    print(f"\n{title}\n{'':44}{'wall s':>9}{'ratio':>8}{'cpu ratio':>11}")
    door = next(one for one in reversed(contenders) if one.name.startswith("asrlab"))  # the public one
    for one in everyone:
        scale = len(corpus) / len(parts[one.most])
        wall, processor = min(one.wall) * scale, min(one.processor) * scale
        if not one.name.startswith("asrlab"):
            tell(title.partition(" (")[0], one.name, time=wall / min(door.wall), cpu=processor / min(door.processor))
        ratios = min(first.wall) / wall, min(first.processor) / processor
        line(one.name + (f" x {scale:g}" if scale > 1 else ""), wall, *ratios, one.target)
        if one.run is apply_process_words:
            for ours in (other for other in contenders if other.name.startswith("asrlab")):
                ratios = wall / min(ours.wall), processor / min(ours.processor)
                line(f"  ... over {ours.name}", wall, *ratios, BY_ROW)


def line(name: str, wall: float, ratio: float, processor_ratio: float, target: float | None = None) -> None:
    """Print a contender, with its target if it has one."""
    verdict = f"   target {target:g}: {'met' if ratio >= target else 'MISSED'}" if target else ""
    print(f"{name:44}{wall:9.3f}{ratio:8.2f}{processor_ratio:11.2f}{verdict}", flush=True)


def wanted(output: jiwer.WordOutput) -> tuple[tuple[int, ...], float]:
    """Give the totals that all must have, and the rate."""
    return jiwer_totals(output), output.wer


def agree(one: Contender, found: tuple[int, ...] | int | float, split: tuple[int, ...], rate: float) -> None:
    """See that a contender has jiwer's totals."""
    if isinstance(found, float):
        same = math.isclose(found, rate)
    elif isinstance(found, int):
        same = found == sum(split)
    else:
        same = found == split
    assert same, f"{one.name}: {found}, jiwer {split}, {rate}"


def by_row() -> Contender:
    return Contender("df.apply(process_words)", apply_process_words, totals, most=1_000)


def count_race(small: bool) -> None:
    """Race for counts a trial: different pairs, then a sweep."""
    less = 50 if small else 1
    for unit, n, length, rate, target in (
        ("word", 1_000, 18, 0.12, None),
        ("word", 10_000, 18, 0.12, 6),
        ("word", 100_000 // less, 18, 0.12, 11),
        ("char", 10_000, 20, 0.08, 30),
        ("char", 100_000 // less, 20, 0.08, 30),
    ):
        what = "English words" if unit == "word" else "Chinese characters (jiwer and peers of words: spaces between)"
        ours = [Contender("asrlab kernel", kernel, totals, target), Contender("asrlab score", score, totals, target)]
        others = peers(unit)
        if unit == "char":
            others.append(Contender("jiwer process_characters", process_characters, jiwer_totals))
        elif n == 100_000:
            others.append(by_row())
        rounds = 7 if n <= 10_000 else 3
        race(f"counts, {n:,} different pairs of {length} {what}", pairs(unit, n, length, rate), ours + others, rounds)
    n = 5_000 // less
    ours = [
        Contender("asrlab kernel, each pair once", kernel_once, totals, 20),
        Contender("asrlab score", score, totals, 20),
    ]
    title = f"counts, a sweep: {n:,} utterances x 24 conditions, 75 % of pairs repeated"
    race(title, sweep(n, 24), [*ours, *peers("word"), by_row()], 3)


def alignment_race(small: bool) -> None:
    """Race for alignments: ours as columns of kinds and places and as a whole table, jiwer's as its objects."""
    for n, target in ((10_000, 5), (100_000, 12))[: 1 if small else 2]:
        ours = [
            Contender("asrlab kernel", align_kernel, edit_totals, target),
            Contender("asrlab edits", edits, edit_totals, target),
        ]
        race(f"alignments, {n:,} different pairs of 18 English words", pairs("word", n, 18, 0.12), ours, 3)


def long_race(small: bool) -> None:
    """Race on one long pair."""
    for n, target in ((10_000, 2), (50_000, 3))[: 1 if small else 2]:
        field = [
            Contender("asrlab kernel", kernel, totals, target),
            Contender("asrlab score", score, totals, target),
            Contender("rapidfuzz in a plain loop", plain_loop, totals),
        ]
        race(f"one pair of {n:,} words, 12 % wrong", pairs("word", 1, n, 0.12), field, 5)


def peak_mb(mark: Callable[[Pairs], Any], folder: Path) -> float:
    """Measure the most memory that marking takes above what texts and libraries have.

    Resident memory as the kernel sees it, since arrays of Arrow and numpy are outside of Python's own account. Its
    high-water mark is set back first, and texts are read rather than made here: what making them has freed would be
    taken again without a trace.
    """
    said, heard = ([row.rstrip("\n") for row in (folder / name).open(encoding="utf-8")] for name in ("said", "heard"))
    corpus = Pairs("word", said, heard, (said, heard))
    mark(corpus.head(100))
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _status("VmRSS")
    result = mark(corpus)
    peak = _status("VmHWM") - before
    del result
    return peak


def _status(name: str) -> float:
    rows = dict(row.split(":", 1) for row in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    return int(rows[name].split()[0]) / 1024


def memory(small: bool) -> None:
    """Compare peaks, each in a process of its own."""
    n = 10_000 if small else 100_000
    print(f"\npeak memory above the texts, {n:,} different pairs of 18 English words (Linux)", flush=True)
    made = pairs("word", n, 18, 0.12)
    peaks: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, texts in (("said", made.references), ("heard", made.hypotheses)):
            (Path(folder) / name).write_text("\n".join(texts), encoding="utf-8")
        for name, mark in (
            ("jiwer process_words", process_words),
            ("asrlab kernel", kernel),
            ("asrlab score", score),
            ("asrlab edits", edits),
            ("rapidfuzz in a plain loop", plain_loop),
        ):
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                peaks[name] = pool.submit(peak_mb, mark, Path(folder)).result()
            share = peaks["jiwer process_words"] / max(peaks[name], 1)
            verdict = f"   target 2: {'met' if share >= 2 else 'MISSED'}" if name.startswith("asrlab") else ""
            print(f"{name:44}{peaks[name]:6.0f} MB{share:8.2f}{verdict}", flush=True)
    for name in ("jiwer process_words", "rapidfuzz in a plain loop"):
        tell(f"counts, {n:,} different pairs of 18 English words", name, memory=peaks[name] / peaks["asrlab score"])


def with_pandas(corpus: Pairs, *, once: bool) -> pd.DataFrame:
    """Mark raw texts as notebooks do: join, normalise both columns, call jiwer for each condition.

    ``once`` is the careful way: references are normalised before they are joined.
    """
    whisper = installed("whisper_normalizer.english").EnglishTextNormalizer()
    said = corpus.said.rename(columns={"text": "said"})
    if once:
        said["said"] = said["said"].apply(whisper)
    both = corpus.transcripts.merge(said, on="utt_id")
    both["text"] = both["text"].apply(whisper)
    if not once:
        both["said"] = both["said"].apply(whisper)
    rows = []
    for condition, texts in both.groupby("condition"):
        output = jiwer.process_words(texts["said"].tolist(), texts["text"].tolist())
        rows.append((condition, *jiwer_totals(output)))
    return pd.DataFrame(rows, columns=["condition", *SPLIT]).set_index("condition")


def from_raw(corpus: Pairs, normalizer: Normalizer, executor: Executor | None = None) -> pd.DataFrame:
    """Mark raw texts by the public door."""
    return lab.score(corpus.transcripts, corpus.said, normalizer=normalizer, unit="word", executor=executor)


def normalizers() -> list[Normalizer]:
    """Give ours, and Whisper's if it is installed."""
    whisper = installed("whisper_normalizer.english")
    theirs = [Normalizer("Whisper's", (whisper.EnglishTextNormalizer(),))] if whisper else []
    return [lab.normalizer("en"), *theirs]


def pipeline(small: bool) -> None:
    """Compare whole pipelines from raw texts; pandas on a tenth of the utterances."""
    ours, *theirs = normalizers()
    if not theirs:
        return
    n = 500 if small else 5_000
    full, part = sweep(n, 24, raw=True), sweep(n // 10, 24, raw=True)
    texts = [[ours(text) for text in side] for side in (part.references, part.hypotheses)]
    assert totals(from_raw(part, ours)) == jiwer_totals(jiwer.process_words(*texts))
    usual = Contender("pandas apply, Whisper's normalizer, jiwer", partial(with_pandas, once=False), totals)
    careful = Contender("the same, references normalised once", partial(with_pandas, once=True), totals)
    found = turn(usual, part)
    for other in (turn(careful, part), from_raw(part, *theirs).groupby("condition")[SPLIT].sum()):
        assert (found == other).all(axis=None)
    print(f"\nfrom raw texts: {n:,} utterances x 24 conditions; pandas on a tenth of the utterances, scaled")
    wall, processor = usual.wall[0] * 10, usual.processor[0] * 10
    for one in (usual, careful):
        line(f"{one.name} x 10", one.wall[0] * 10, wall / one.wall[0] / 10, processor / one.processor[0] / 10)
    for chosen in (ours, *theirs):
        one = Contender(f"asrlab score, {chosen.name}", partial(from_raw, normalizer=chosen), totals)
        for _ in range(3):
            turn(one, full)
        line(one.name, min(one.wall), wall / min(one.wall), processor / min(one.processor), PIPELINE)
        case = f"from raw texts, {n:,} utterances x 24 conditions, normalizer {chosen.name}"
        for other in (usual, careful):
            times = 10 * other.wall[0] / min(one.wall), 10 * other.processor[0] / min(one.processor)
            tell(case, other.name, time=times[0], cpu=times[1])
        print(f"{'':44}under {PIPELINE_S} s: {'met' if min(one.wall) < PIPELINE_S else 'MISSED'}", flush=True)


def two_processes(small: bool) -> None:
    """Compare marking here with marking in a pool of two that has started, and short tables with long ones."""
    n = 500 if small else 5_000
    full, quarter = sweep(n, 24, raw=True), sweep(n // 4, 24, raw=True)
    print(f"\nfrom raw texts: {n:,} utterances x 24 conditions, in two processes; the tables are equal")
    with ProcessPoolExecutor(2, multiprocessing.get_context("forkserver")) as pool:
        for chosen in normalizers():
            kinds = (("here", None), ("in two processes", pool), ("a quarter of it", None))
            here, apart, short = (
                Contender(f"{chosen.name}, {kind}", partial(from_raw, normalizer=chosen, executor=executor), totals)
                for kind, executor in kinds
            )
            apart.run(quarter)
            for _ in range(3):
                pd.testing.assert_frame_equal(turn(here, full), turn(apart, full))
                turn(short, quarter)
            whole = min(here.wall)
            print(f"{here.name:44}{whole:9.3f} s   a trial costs {whole / min(short.wall) / 4:.2f} x that in a quarter")
            print(f"{apart.name:44}{min(apart.wall):9.3f} s   {whole / min(apart.wall):.2f} x as fast", flush=True)
            case = f"in two processes: {n:,} utterances x 24 conditions, normalizer {chosen.name}"
            tell(case, "asrlab in one", time=whole / min(apart.wall))


PARTS = {
    "counts": count_race,
    "alignments": alignment_race,
    "long": long_race,
    "memory": memory,
    "pipeline": pipeline,
    "executor": two_processes,
}


def main() -> None:
    """Print the parts that are asked for, or all."""
    arguments = argparse.ArgumentParser(description="Marking beside other libraries.")
    arguments.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART", help=f"{', '.join(PARTS)} (all)")
    arguments.add_argument("--small", action="store_true", help="small texts, to see that it runs: no targets")
    asked = arguments.parse_args()
    for part in asked.parts or PARTS:
        PARTS[part](asked.small)


if __name__ == "__main__":
    main()
