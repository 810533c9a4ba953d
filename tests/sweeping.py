"""Sweeps run by processes of their own, to be killed and interrupted: the paid engine against the local service."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile

from asrlab.data.loading import load_dataset
from asrlab.engines.filetrans import FiletransEngine
from asrlab.sweep.grid import grid
from asrlab.sweep.sweep import Sweep

GRID = grid(language={"none": None, "en": "en"}, enable_itn=[False, True], context={"none": None, "terms": "Kestrel"})


class Paid(FiletransEngine):
    """The paid engine, which takes the local service for the real one."""

    def _refuse_stand_in(self, answer):
        pass


def recordings(folder, n, seconds=0.1):
    """Write a dataset of short noises that differ."""
    folder.mkdir()
    rng = np.random.default_rng(5)
    rows = []
    for number in range(n):
        soundfile.write(folder / f"u{number:03}.wav", 0.1 * rng.standard_normal(int(16_000 * seconds)), 16_000)
        row = {
            "id": f"u{number:03}",
            "audio": f"u{number:03}.wav",
            "language": "en",
            "duration_s": seconds,
            "text": "x",
        }
        rows.append(json.dumps(row))
    (folder / "manifest.jsonl").write_text("\n".join(rows))
    return load_dataset(folder)


def sweep(folder, store, url, *, repeats=1, limits=None):
    from asrlab.dashscope import UNLIMITED

    engine = Paid(api_key="sk-of-the-tests", base_url=f"{url}/api/v1", limits=limits or UNLIMITED)
    return Sweep(load_dataset(folder), engine, GRID, store=store, repeats=repeats)


def start(folder, store, url, *, repeats=1, **options):
    """Run a sweep in a process of its own, which says "began" when the first trial has ended."""
    arguments = {"folder": str(folder), "store": str(store), "url": url, "repeats": repeats}
    command = [sys.executable, __file__, json.dumps(arguments), json.dumps(options)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def main():
    # A shell's background job, as a gate may be one, inherits interrupts ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments, options = map(json.loads, sys.argv[1:])
    began = False

    def say(progress):
        nonlocal began
        if not began and progress.done:
            began = True
            print("began", flush=True)
        if progress.phase != "running":
            print(progress.phase, progress.because, flush=True)

    sweep(**arguments).run(progress=say, **options)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
