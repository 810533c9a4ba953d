"""Marking: what was heard against what was said, as counts."""

from asrlab.scoring.align import Alignment, align
from asrlab.scoring.marking import score
from asrlab.scoring.normalize import Normalizer, normalizer

__all__ = ["Alignment", "Normalizer", "align", "normalizer", "score"]
