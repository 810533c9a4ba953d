"""Marking: what was heard against what was said, as counts."""

from asrlab.normalize import Normalizer, normalizer
from asrlab.scoring.align import Alignment, align
from asrlab.scoring.ladder import ladder
from asrlab.scoring.marking import score

__all__ = ["Alignment", "Normalizer", "align", "ladder", "normalizer", "score"]
