"""English spelling: British as American, contractions opened up, words that are written together or apart.

What has two meanings stays. 's may be "is", "has" or a possessive, 'd "had" or "would", and ain't much; practice and
practise, meter and metre, check and cheque are not the same to British writers.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from asrlab.normalize.spelling import respelled, table

# The apostrophe may be lacking where that is no other word: dont, but not cant, wont, were, ill.
_NOT: Final = re.compile(
    r"\b(do|does|did|is|are|was|were|has|have|had|would|could|should|must|need|might)n'?t\b"
    r"|\b(ought|dare|may)n't\b"
)
_CANNOT: Final = re.compile(r"\b(?:can't|cannot)\b")
_LEFT_OF: Final = re.compile(r"(?<=\w)'(re|ve|ll)\b|\bi'(m)\b")
_IN_FULL: Final = {"re": " are", "ve": " have", "ll": " will", "m": "i am"}
_IRREGULAR: Final = {"won't": "will not", "shan't": "shall not", "let's": "let us"}
_IRREGULAR_WORD: Final = re.compile(rf"\b(?:{'|'.join(_IRREGULAR)})\b")
_JOINED: Final = {
    "e mail": "email",
    "e mails": "emails",
    "e mailed": "emailed",
    "e mailing": "emailing",
    "et cetera": "etcetera",
    "good bye": "goodbye",
    "per cent": "percent",
    "u k": "uk",
    "u s a": "usa",
}
_APART: Final = re.compile(rf"(?<![\w'])(?:{'|'.join(sorted(_JOINED, key=len, reverse=True))})(?!\w)")
_OF_THE_CLOCK: Final = re.compile(r"(?<=\d )([ap]) m(?!\w)")
_SAME: Final = {"ok": "okay", "mr": "mister", "mrs": "missus", "vs": "versus", "etc": "etcetera", "goodby": "goodbye"}


def contractions_open(text: str) -> str:
    """Open up the contractions that can be read in one way only: don't, can't, won't, I'm, you're, we've, they'll."""
    if "'" in text:
        text = _LEFT_OF.sub(lambda found: _IN_FULL[found[1] or found[2]], text)
        text = _IRREGULAR_WORD.sub(lambda found: _IRREGULAR[found[0]], text)
    return _CANNOT.sub("can not", _NOT.sub(lambda found: f"{found[1] or found[2]} not", text))


def british_to_american(text: str) -> str:
    """Write British spellings as the American ones, where both have the same meanings: colour as color."""
    return respelled(text, _spellings())


def words_together(text: str) -> str:
    """Write e-mail as email, per cent as percent, U.K. as UK, and after a number a.m. as am."""
    return _OF_THE_CLOCK.sub(r"\1m", _APART.sub(lambda found: _JOINED[found[0]], text))


@cache
def _spellings() -> dict[str, str]:
    return dict(table("english_spelling.tsv")) | _SAME
