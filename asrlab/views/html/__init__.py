"""HTML pieces: alignments, errors, stacks, sound and tables, each with a text twin that says the same.

Errors are marked by sign and by ``<ins>`` and ``<del>``, so they can be told apart without colour and without styles.
Everything that others wrote is escaped, and nothing is loaded from elsewhere: a piece is read years later, offline, in
a notebook that is not trusted.
"""

from asrlab.views.answers import Recordings, completed, counted, outcomes
from asrlab.views.html.lines import alignment
from asrlab.views.html.marked import errors, trials
from asrlab.views.html.sound import Sound, player, recording
from asrlab.views.html.stacked import stacked
from asrlab.views.markup import Html, table

__all__ = [
    "Html",
    "Recordings",
    "Sound",
    "alignment",
    "completed",
    "counted",
    "errors",
    "outcomes",
    "player",
    "recording",
    "stacked",
    "table",
    "trials",
]
