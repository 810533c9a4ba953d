"""Explain: why two rates differ, and which choices bring ours to one that was published."""
