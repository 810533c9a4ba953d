"""Runs on disk: the only place that knows how they lie there."""

from __future__ import annotations

from asrlab.sweep.store.ledger import is_run
from asrlab.sweep.store.shapes import Asking, Charge, Intent, Spent, Standing, Unknown
from asrlab.sweep.store.store import Store

__all__ = ["Asking", "Charge", "Intent", "Spent", "Standing", "Store", "Unknown", "is_run"]
