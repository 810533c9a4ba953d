"""Runs as they are kept: the only place that knows how they lie on a disk or on object storage."""

from __future__ import annotations

from asrlab.sweep.store.objects import located
from asrlab.sweep.store.shapes import Asking, Charge, Intent, Spent, Standing, Unknown
from asrlab.sweep.store.store import Store, is_run

__all__ = ["Asking", "Charge", "Intent", "Spent", "Standing", "Store", "Unknown", "is_run", "located"]
