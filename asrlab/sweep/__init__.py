"""Sweeps: ask an engine about a dataset under a grid of conditions, and keep every answer."""
