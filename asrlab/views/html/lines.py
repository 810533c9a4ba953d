"""Lines: an alignment as one line of text in which errors are marked, and pieces put one under another."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from asrlab.scoring.tokens import together
from asrlab.text import escape, plain
from asrlab.views.markup import EMPTY, Html

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asrlab.scoring.align import Alignment, Edit
    from asrlab.views.stack import Cell

#: Units that are written without white space between them.
CHARACTERS: Final = frozenset({"char", "codepoint"})
# Black on a pale ground passes 4.5:1, in a dark theme too.
MARK: Final = "color:#000;background:#f2e6b8"
DEL: Final = "color:#000;background:#fbdcc8;text-decoration:line-through"
INS: Final = "color:#000;background:#cfe6f5;text-decoration:underline"
_STRUCK: Final = "text-decoration:line-through"
UNDERLINED: Final = "text-decoration:underline"
RUNS: Final = {"hit": "right", "sub": "substituted", "del": "deleted", "ins": "inserted"}


def alignment(aligned: Alignment, *, context: int | None = None) -> Html:
    """Show a reference and a transcript as one line, in text ``the [cat→hat] sat [−on] [+very]``.

    Parameters
    ----------
    aligned : Alignment
        From :func:`asrlab.align`.
    context : int, optional
        Keep so many units at either end of a run that is all right, or wrong in one way, and say how many more there
        are; None leaves out nothing.

    Returns
    -------
    Html
        What was deleted is struck and has a minus, what was inserted is underlined and has a plus; a substitution is
        both, with an arrow from what was said to what was heard.

    Examples
    --------
    >>> from asrlab.scoring.align import align
    >>> alignment(align("the cat sat on the mat", "the hat sat the mat very", language="en"))
    the [cat→hat] sat [−on] the mat [+very]
    """
    return in_line(aligned.edits, aligned.unit, context)


def in_line(steps: Iterable[Edit | Cell], unit: str, context: int | None) -> Html:
    """Show the steps of an alignment as :func:`alignment` does."""
    runs = groupby(steps, key=lambda step: step.kind)
    parts = [part for kind, run in runs for part in _run(kind, list(run), unit, context)]
    if not parts:
        return Html(f"<i>{EMPTY}</i>", EMPTY)
    glue = "" if unit in CHARACTERS else " "
    return Html(glue.join(part.markup for part in parts), glue.join(part.text for part in parts))


def pile(parts: Iterable[Html]) -> Html:
    """Put pieces one under another."""
    both = [(part.markup, part.text) for part in parts]
    return Html(*("\n".join(filter(None, (one[side] for one in both))) for side in (0, 1)))


def sentence(text: str) -> Html:
    """Make a paragraph of a text, escaped."""
    return Html(f"<p>{escape(text)}</p>", plain(text))


def _run(kind: str, steps: list[Edit | Cell], unit: str, context: int | None) -> Iterator[Html]:
    """Show steps of one kind, but for the middle of long runs."""
    if context is None or len(steps) <= 2 * context + 1:
        yield from _steps(kind, steps, unit)
        return
    yield from _steps(kind, steps[:context], unit)
    note = f" … {len(steps) - 2 * context} {RUNS[kind]} … "
    yield Html(f"<i>{note}</i>", note)
    yield from _steps(kind, steps[len(steps) - context :], unit)


def _steps(kind: str, steps: list[Edit | Cell], unit: str) -> Iterator[Html]:
    # Characters read better in runs; wrong words stay single, so that the errors can be counted by eye.
    if kind == "hit":
        said = together((step.ref or "" for step in steps), unit)
        yield Html(escape(said), plain(said))
        return
    for part in [steps] if unit in CHARACTERS and steps else [[step] for step in steps]:
        said = together((step.ref or "" for step in part), unit)
        heard = together((step.hyp or "" for step in part), unit)
        if kind == "sub":
            both = f'<del style="{_STRUCK}">{escape(said)}</del> → <ins style="{UNDERLINED}">{escape(heard)}</ins>'
            yield Html(f'<mark style="{MARK}">{both}</mark>', f"[{plain(said)}→{plain(heard)}]")
        elif kind == "del":
            yield Html(f'−<del style="{DEL}">{escape(said)}</del>', f"[−{plain(said)}]")
        else:
            yield Html(f'+<ins style="{INS}">{escape(heard)}</ins>', f"[+{plain(heard)}]")
