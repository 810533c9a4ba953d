"""Pieces: what sections of a report are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asrlab.text import escape

if TYPE_CHECKING:
    from collections.abc import Mapping


def listed(facts: Mapping[str, str]) -> str:
    """Make a list of names and facts."""
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(fact)}</dd>" for name, fact in facts.items())
    return f"<dl>{lines}</dl>" if facts else ""


def quoted(text: str) -> str:
    """Show what others wrote as theirs, in their lines."""
    return f'<blockquote><p dir="auto" style="white-space:pre-wrap">{escape(text)}</p></blockquote>'
