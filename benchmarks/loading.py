"""How fast a large manifest becomes a dataset, and in how much memory, beside what reads the same file to a frame.

Each reading is a process of its own. A frame is not a dataset: nothing of it is checked, ids are guessed to be numbers,
and "NA" to be missing. Run: python benchmarks/loading.py [--rows 100000], of 1000000 for the figures that are promised.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from corpora import COMMON
from ratios import tell

WORDS = np.array(COMMON.split())
#: What reads a file, given its path in ``sys.argv[1]``.
READERS = {
    "parquet": {
        "asrlab": "import asrlab; read = asrlab.load_dataset",
        "pandas": "import pandas; read = pandas.read_parquet",
        "datasets": "import datasets; read = lambda path: datasets.Dataset.from_parquet(path)",
    },
    "csv": {
        "asrlab": "import asrlab; read = asrlab.load_dataset",
        "pandas": "import pandas; read = pandas.read_csv",
        "datasets": "import datasets; read = lambda path: datasets.Dataset.from_csv(path)",
    },
    "jsonl": {
        "asrlab": "import asrlab; read = asrlab.load_dataset",
        "pandas": "import pandas; read = lambda path: pandas.read_json(path, lines=True)",
        "datasets": "import datasets; read = lambda path: datasets.Dataset.from_json(path)",
    },
}
TIMED = """
import json, sys, time
{reader}
import pyarrow.compute, pyarrow.parquet
began = time.perf_counter()
found = read(sys.argv[1])
seconds = time.perf_counter() - began
assert len(found) == int(sys.argv[2])
# Not by getrusage: that begins with what the process had that started this one.
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([seconds, int(peak) / 1e6]))
"""


def manifest(rows: int) -> pd.DataFrame:
    """Make a manifest with nine columns, as long as real ones are."""
    rng = np.random.default_rng(7)
    numbers = [f"{n:08d}" for n in range(rows)]
    return pd.DataFrame(
        {
            "utt_id": [f"utt-{n}" for n in numbers],
            "audio": [f"clips/{n[:4]}/{n}.wav" for n in numbers],
            "text": [" ".join(said) for said in WORDS[rng.integers(0, len(WORDS), (rows, 8))]],
            "language": rng.choice(["en", "zh", "de", "fr"], rows),
            "duration_s": rng.uniform(1, 20, rows).round(3),
            "speaker": [f"speaker-{n}" for n in rng.integers(0, 5000, rows)],
            "age": rng.integers(18, 80, rows),
            "accent": rng.choice(["us", "uk", "in"], rows),
            "snr": rng.normal(20, 5, rows).round(2),
        }
    )


def timed(reader: str, path: Path, rows: int) -> tuple[float, float]:
    """Read a file in a fresh process; gives seconds, and the most memory that the process had, in GB."""
    command = [sys.executable, "-c", TIMED.format(reader=reader), str(path), str(rows)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, memory = json.loads(said.splitlines()[-1])
    return seconds, memory


def main() -> None:
    """Print seconds and memory of each format, and how many times those of the others that is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    frame = manifest(rows)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        paths = {name: Path(folder) / f"m.{name}" for name in READERS}
        frame.to_parquet(paths["parquet"], index=False)
        frame.to_csv(paths["csv"], index=False)
        frame.to_json(paths["jsonl"], orient="records", lines=True)
        del frame
        print(f"{rows:,} utterances, nine columns")
        for name, readers in READERS.items():
            found = {
                who: timed(reader, paths[name], rows)
                for who, reader in readers.items()
                if importlib.util.find_spec(who) is not None
            }
            seconds, memory = found.pop("asrlab")
            others = ", ".join(
                f"{seconds / other[0]:.1f} x the time and {memory / other[1]:.1f} x the memory of {who}"
                for who, other in found.items()
            )
            print(f"{name}: {seconds:.1f} s, {memory:.2f} GB at most; {others}")
            for who, other in found.items():
                case = f"a manifest of {rows:,} utterances, {name}, to a checked dataset"
                tell(case, f"{who}, to a frame", time=other[0] / seconds, memory=other[1] / memory)


if __name__ == "__main__":
    main()
