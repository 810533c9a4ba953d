"""A race whose process is killed, again and again, ends as one that is not."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from test_sweep_race import RATES, dataset, engine, race_of  # noqa: F401 - a fixture

import asrlab as lab
from asrlab.sweep.grid import grid
from asrlab.sweep.sweep import Sweep

pytestmark = pytest.mark.acceptance

_RUN = """
import sys
sys.path.insert(0, {tests!r})
import asrlab as lab
from test_sweep_race import RATES, engine, race_of
from asrlab.sweep.grid import grid
from asrlab.sweep.sweep import Sweep
ds = lab.load_dataset({data!r})
levels = {{name: None if name == "none" else name for name in RATES}}
sweep = Sweep(ds, engine(ds, delay_s=0.05), grid(context=levels), store={store!r})
said = []
def say(progress):
    if progress.done and not said:
        said.append(print("began", flush=True))
sweep.run(race=race_of(ds), progress=say, concurrency=2)
"""


def test_killed_at_any_moment_it_ends_as_if_it_had_not_been(dataset, tmp_path):  # noqa: F811
    data = dataset.write(tmp_path / "set", copy_audio=True)
    ds = lab.load_dataset(data)
    levels = {name: None if name == "none" else name for name in RATES}
    whole = Sweep(ds, engine(ds), grid(context=levels), store=tmp_path / "whole")
    whole.run(race=race_of(ds), progress=False)
    script = _RUN.format(tests=str(Path(__file__).parent), data=str(data), store=str(tmp_path / "killed"))
    draws, kills = random.Random(5), 0
    for _ in range(60):
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        process.stdout.readline()  # when the first answer is in, or it has ended
        try:
            process.wait(draws.uniform(0.0, 1.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            continue
        finally:
            process.stdout.close()
        assert process.returncode == 0
        break
    else:
        pytest.fail("it never ended")
    print(f"\nkilled {kills} times")
    assert kills >= 3
    killed = Sweep(ds, engine(ds), grid(context=levels), store=tmp_path / "killed")
    pd.testing.assert_frame_equal(killed.race, whole.race)
    told = ["utt_id", "condition", "state", "text"]
    pd.testing.assert_frame_equal(killed.transcripts[told], whole.transcripts[told])
    assert killed.verify() == []
