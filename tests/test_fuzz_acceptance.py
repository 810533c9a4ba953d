"""Each target fuzzed for ten minutes (ASRLAB_FUZZ_S: other seconds), guided by coverage."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import fuzzing
import pytest

pytestmark = pytest.mark.acceptance


@pytest.mark.parametrize("target", sorted(fuzzing.TARGETS))
def test_ten_minutes_without_a_crash(target):
    pytest.importorskip("atheris")
    seconds = os.environ.get("ASRLAB_FUZZ_S", "600")
    command = [sys.executable, Path(fuzzing.__file__), target, "--seconds", seconds]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = [line for line in done.stdout.splitlines() if "cases" in line or "--case" in line]
    print(f"\n{target}, {seconds} s: {' '.join(told)}")
    assert done.returncode == 0, done.stderr[-4000:]
