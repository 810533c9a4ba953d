"""Formatting: numbers, punctuation and case as they are written, apart from what was recognised."""

from asrlab.scoring.formatting.changes import changes, verdicts
from asrlab.scoring.formatting.marks import case, marks
from asrlab.scoring.formatting.numbers import numbers

__all__ = ["case", "changes", "marks", "numbers", "verdicts"]
