"""Engines: whatever answers a question about a recording."""
