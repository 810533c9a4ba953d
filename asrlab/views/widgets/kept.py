"""Kept: what a saved notebook shows of an explorer, which does not live in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from asrlab.text import escape, plain
from asrlab.views import html
from asrlab.views.html.lines import pile, sentence
from asrlab.views.html.stacked import under
from asrlab.views.markup import Html

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asrlab.views.answers import Recordings
    from asrlab.views.browse import Index, Places
    from asrlab.views.filters import Choice
    from asrlab.views.stack import Stack

NOTHING_FITS: Final = "No utterance fits these choices."
#: Lines of the list, and sound and markup in 10^6 bytes.
_LINES, _MB = 20, 2


def kept(
    index: Index,
    choice: Choice,
    position: str,
    *,
    listed: Places,
    place: int | None,
    stacks: Sequence[Stack],
    source: Recordings | None,
) -> Html:
    """Show the page of an explorer without widgets, folded away under what was chosen.

    Parameters
    ----------
    index : Index
        What there is.
    choice : Choice
        What was asked for.
    position : str
        Where in the list the utterance stands.
    listed : ndarray of intp
        Places of the utterances that are listed.
    place : int or None
        That of the utterance that is shown; None where nothing fits.
    stacks : sequence of Stack
        What was made of it.
    source : Recordings or None
        What was asked about.

    Returns
    -------
    Html
        Two megabytes at most, of which what does not fit is named.
    """
    said = f"{choice.words()}: {position}"
    if place is None:
        name, parts = "no utterance", [sentence(NOTHING_FITS)]
    else:
        name = index.utt_ids[place]
        parts = [
            html.table(index.counts(listed.tolist(), choice.shown), caption="errors", max_rows=_LINES),
            under(stacks, budget_mb=_MB / 2),
            html.player(source, name, max_mb=_MB / 2 * 3 / 4),  # in a page, three bytes take four
        ]
    whole = pile([sentence(said), *parts])
    summary = f"The page as it was when this cell ran: {plain(name, 60)}; {plain(choice.words(), 200)}"
    return Html(
        f'<details class="mathjax_ignore"><summary>{escape(summary)}</summary>{whole.markup}</details>', whole.text
    )
