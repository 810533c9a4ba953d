"""Experiments as a user runs them: papermill on the command line, and the service of this machine answering."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

pytestmark = pytest.mark.acceptance
ROOT = Path(__file__).parents[1]
EXPERIMENTS = ROOT / "notebooks" / "experiments"
SELECT = {
    "channels": ("dialogue", "language == 'en'"),
    "silence": ("quiet", ""),
    "language-hint": ("voices", "language in ['de', 'ja']"),
}


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_papermill_asks_the_local_service(path, tmp_path):
    """Whatever is asked, the scripted recogniser behind the service says a few English words."""
    dataset, select = SELECT.get(path.stem, ("dictation", "speaker in ['kokoro-heart', 'kokoro-emma']"))
    out, report = tmp_path / "out.ipynb", tmp_path / "report.html"
    given = {"dataset": ROOT / "datasets" / dataset, "select": select, "store": tmp_path / "run", "report": report}
    command = [sys.executable, "-m", "papermill", path, out, "--cwd", EXPERIMENTS, "--no-progress-bar"]
    command += [part for name, value in given.items() for part in ("-p", name, str(value))]
    command += ["-y", "{engine: local, options: {recogniser: scripted}, repeats: 2}"]
    done = subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    cells = nbformat.read(out, as_version=4).cells
    assert all(output.output_type != "error" for cell in cells for output in cell.get("outputs", []))
    assert "scripted" in report.read_text(encoding="utf-8")
