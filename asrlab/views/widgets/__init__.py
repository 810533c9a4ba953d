"""Widgets: the explorer, to filter, listen, and read the aligned errors."""

from asrlab.views.widgets.explorer import Explorer, explore

__all__ = ["Explorer", "explore"]
