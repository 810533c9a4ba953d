"""Marking: what was heard against what was said, as counts."""

from asrlab.scoring.align import Alignment, align
from asrlab.scoring.normalize import Normalizer, normalizer
from asrlab.scoring.rates import score

__all__ = ["Alignment", "Normalizer", "align", "normalizer", "score"]
