"""The benchmarks, for tests of what they measure by."""

import sys
from importlib import import_module
from pathlib import Path


def benchmark(name):
    """Import what is run from its own folder, and leave no trace of the folder."""
    folder = str(Path(__file__).parents[1] / "benchmarks")
    sys.path.append(folder)
    try:
        return import_module(name)
    finally:
        sys.path.remove(folder)
