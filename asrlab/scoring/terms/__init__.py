"""Terms: which words and names of a list came through, at the price of what, and what published scorers say of it."""

from asrlab.scoring.terms.biasing import bias_scores
from asrlab.scoring.terms.counting import scores
from asrlab.scoring.terms.entities import entity_scores
from asrlab.scoring.terms.finding import found

__all__ = ["bias_scores", "entity_scores", "found", "scores"]
