"""Draws the picture of README.md and of the first page: what settings do to error rates, from a committed replay."""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt

import asrlab as lab
from asrlab import plot

HERE = Path(__file__).parent


def main() -> None:
    """Write picture.png beside this file."""
    mpl.use("Agg")
    ds = lab.load_dataset(HERE.parent / "datasets" / "dictation")
    sweep = lab.open_sweep(HERE.parent / "notebooks" / "replays" / "comparison.jsonl", ds)
    scores = lab.score(sweep.transcripts, ds, form="written").query("spoken_language == 'en'")
    right = scores.query("language == 'right'")
    figure, (left, other) = plt.subplots(1, 2, figsize=(11, 3.2), layout="constrained")
    plot.rates(lab.summarize(right, by=["enable_itn", "context"]), ax=left)
    plot.deltas(lab.compare(right, along="context", baseline="none", by="enable_itn"), ax=other)
    figure.savefig(HERE / "picture.png", dpi=140, metadata={"Software": None})


if __name__ == "__main__":
    main()
