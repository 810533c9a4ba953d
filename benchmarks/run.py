"""All benchmarks, one after the other, and one table of what they found: ratios to peers, versions, machine.

A figure says how many times what asrlab takes the peer takes for the same work in the same run: above 1, asrlab takes
less. Seconds are in what the benchmarks print. All is written to ``results`` under the date: a table, a chart, and the
figures as JSON; of a part, or of small inputs, nothing is written.

Run: python benchmarks/run.py [--quick] [NAME ...]
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
from matplotlib import pyplot as plt
from peers import SCLITE
from ratios import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    Row = dict[str, Any]

HERE = Path(__file__).parent
RESULTS = HERE / "results"


class Benchmark(NamedTuple):
    """What a file of this folder is about, and how it is called for small inputs."""

    title: str
    quick: tuple[str, ...] = ()


BENCHMARKS = {
    "scoring": Benchmark("Marking", ("--small",)),
    "normalizing": Benchmark("Normalizing", ()),
    "comparing": Benchmark("Statistics", ("--small",)),
    "loading": Benchmark("Loading", ("--rows", "10000")),
    "running": Benchmark("Sweeps"),
    "store": Benchmark("The store", ("10000",)),
    "requests": Benchmark("Requests"),
    "conditions": Benchmark("Recognising", ("1", "1")),
    "exploring": Benchmark("Exploring", ("--small",)),
    "growing": Benchmark("Out of core", ("--trials", "20000")),
    "spreading": Benchmark("Handing out", ("--parts", "200", "--megabytes", "20", "--workers", "1")),
}
MEASURES = {"time": "time", "cpu": "processor time", "memory": "memory"}
#: What asrlab stands beside, and what both stand on.
PACKAGES = (
    *("asrlab", "jiwer", "rapidfuzz", "werpy", "werx", "universal-edit-distance", "texterrors", "whisper-normalizer"),
    *("wetext", "text2num", "pandas", "pyarrow", "numpy", "scipy", "statsmodels", "datasets", "httpx"),
    *("faster-whisper", "ctranslate2", "anywidget"),
)


def run(name: str, quick: bool) -> list[Row] | None:
    """Run a benchmark as a process of its own, and give what it told; None if it failed."""
    benchmark = BENCHMARKS[name]
    print(f"\n=== {name}: {benchmark.title}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "ratios.jsonl"
        command = [sys.executable, HERE / f"{name}.py", *(benchmark.quick if quick else ())]
        env = {**os.environ, VARIABLE: str(told)}
        if subprocess.run(command, check=False, env=env, cwd=HERE.parent).returncode:
            return None
        return [{"benchmark": name, **json.loads(line)} for line in told.read_text(encoding="utf-8").splitlines()]


def versions() -> dict[str, str]:
    """Tell the versions of asrlab, of its peers, and of what they stand on, as far as they are here."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    if SCLITE:
        said = subprocess.run([SCLITE], check=False, capture_output=True, text=True)
        version = re.search(r"sclite Version: ([\w.]+)", said.stdout + said.stderr)
        found["sclite"] = version[1] if version else "of unknown version"
    return {**found, "SQLite": sqlite3.sqlite_version, "Python": platform.python_version()}


def machine() -> dict[str, str]:
    """Tell what it ran on, and what else ran there."""
    facts = {"processor": platform.processor() or platform.machine(), "system": platform.platform(terse=True)}
    if (told := Path("/proc/cpuinfo")).exists() and (model := re.search(r"model name\s*: (.+)", told.read_text())):
        facts["processor"] = model[1]
    facts["processor"] += f", {os.cpu_count()} processors"
    if hasattr(os, "sysconf"):
        facts["memory"] = f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB"
    return facts


def load() -> str:
    """Give how many processes were at work or waiting for it, of the last minute."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "not known"


def state() -> str:
    """Name the commit, and say if something is changed since."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    said = subprocess.run(command, check=False, capture_output=True, text=True, cwd=HERE)
    return said.stdout.strip() or "no checkout"


def table(rows: list[Row]) -> Iterator[str]:
    """Lay out the figures as Markdown."""
    for name, benchmark in BENCHMARKS.items():
        own = [row for row in rows if row["benchmark"] == name]
        if not own:
            continue
        measures = {key: title for key, title in MEASURES.items() if any(key in row for row in own)}
        yield f"\n## {benchmark.title} (`{name}.py`)\n"
        yield f"| {' | '.join(['what', 'beside', *measures.values()])} |"
        yield f"|---|---|{'---:|' * len(measures)}"
        before = None
        for row in own:
            figures = [shown(row[key]) if key in row else "" for key in measures]
            yield f"| {' | '.join(['' if row['case'] == before else row['case'], row['peer'], *figures])} |"
            before = row["case"]


def shown(ratio: float) -> str:
    """Write a ratio with as many digits as it may have."""
    return f"{ratio:.0f}" if ratio >= 100 else f"{ratio:.1f}" if ratio >= 10 else f"{ratio:.2f}"


def page(found: dict[str, Any]) -> str:
    """Lay out all of it as Markdown."""
    about = {**found["machine"], "load": found["load"], "state of the code": found["code"]}
    return "\n".join(
        [
            f"# Benchmarks of {found['date']}",
            "",
            "How many times what asrlab takes the peer takes, for the same work in the same run: above 1, asrlab takes",
            "less. Peers that give less (a rate without counts, a frame without checks) say so. Made by `make bench`.",
            "",
            *(f"- {name}: {value}" for name, value in about.items()),
            f"- versions: {', '.join(f'{name} {version}' for name, version in found['versions'].items())}",
            "",
            f"![each case, and how many times what asrlab takes its peers take]({found['date']}.svg)",
            *table(found["ratios"]),
            "",
        ]
    )


def chart(rows: list[Row], file: Path) -> None:
    """Draw a line a case, and on it a point a peer: of time, else of processor time."""
    mpl.use("Agg")
    mpl.rcParams.update({"svg.hashsalt": "asrlab", "svg.fonttype": "none", "font.size": 8})
    cases: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for row in rows:
        if (ratio := row.get("time", row.get("cpu"))) is not None:
            cases.setdefault((row["benchmark"], row["case"]), []).append((ratio, row["peer"]))
    figure, ax = plt.subplots(figsize=(11, 1 + 0.24 * len(cases)), layout="constrained")
    for place, points in enumerate(cases.values()):
        points.sort()
        (low, nearest), (high, farthest) = points[0], points[-1]
        ax.plot([low, high], [place, place], color="0.8", linewidth=1, zorder=1)
        ax.plot([ratio for ratio, _ in points], [place] * len(points), "o", color="#0b6bb5", markersize=4, zorder=4)
        note = {"textcoords": "offset points", "va": "center", "fontsize": 6, "backgroundcolor": (1, 1, 1, 0.8)}
        ax.annotate(farthest, (high, place), (5, 0), **note)
        if high > low:
            ax.annotate(nearest, (low, place), (-5, 0), ha="right", **note)
    ax.axvline(1, color="0.4", linewidth=1, zorder=0)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g} x")
    ax.margins(x=0.45, y=0.02)  # room for the names
    ax.set_yticks(range(len(cases)), [case for _, case in cases], fontsize=7)
    ax.invert_yaxis()
    ax.set_xlabel("what the peer takes, divided by what asrlab takes: time, or else processor time")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(left=False)
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    """Run what is asked for, print the table, and keep it if it is of everything."""
    arguments = argparse.ArgumentParser(description="All benchmarks, and one table of ratios to peers.")
    arguments.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], metavar="NAME", help=", ".join(BENCHMARKS))
    arguments.add_argument("--quick", action="store_true", help="small inputs, to see that it runs")
    asked = arguments.parse_args()
    before, began = load(), time.perf_counter()
    told = {name: run(name, asked.quick) for name in asked.names or BENCHMARKS}
    ratios = [row for rows in told.values() for row in rows or ()]
    found = {
        "date": datetime.now(UTC).date().isoformat(),
        "code": state(),
        "machine": machine(),
        "load": f"{before} when it began, {load()} when it ended, of which one or two were its own",
        "minutes": round((time.perf_counter() - began) / 60, 1),
        "versions": versions(),
        "ratios": ratios,
    }
    print(f"\n{page(found)}")
    if failed := [name for name, rows in told.items() if rows is None]:
        sys.exit(f"Nothing is kept: {', '.join(failed)} failed.")
    if not asked.names and not asked.quick:
        RESULTS.mkdir(exist_ok=True)
        file = RESULTS / found["date"]
        file.with_suffix(".json").write_text(f"{json.dumps(found, indent=1, ensure_ascii=False)}\n", encoding="utf-8")
        file.with_suffix(".md").write_text(page(found), encoding="utf-8")
        chart(ratios, file.with_suffix(".svg"))
        print(f"Kept as {file.relative_to(Path.cwd())}.md, .json and .svg")


if __name__ == "__main__":
    main()
