"""Alignment of items: which word or number of a transcript answers which of its reference."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from asrlab.normalize.scripts import UNSEGMENTED
from asrlab.scoring.codes import encode
from asrlab.scoring.paths import KINDS, errors, with_hits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asrlab.scoring.formatting.spans import Parsed

#: Stands for white space in a key: keys are aligned as words.
_SPACE: Final = "\u2423"


class Step(NamedTuple):
    """One step of an alignment: hit, sub, del or ins, and places of the items."""

    kind: str
    ref: int
    hyp: int


def folded(written: str) -> str:
    """Make equal what nobody would call another form: case, white space, hyphens in words, a point at the end.

    Examples
    --------
    >>> folded("Twenty-six  Pounds"), folded("10:15 a.m."), folded("5 公里")
    ('twenty six pounds', '10:15 a.m', '5公里')
    """
    text = re.sub(r"(?<=[^\W\d_])-(?=[^\W\d_])", " ", written.casefold())
    text = re.sub(rf"(?<=[{UNSEGMENTED}])\s+|\s+(?=[{UNSEGMENTED}])", "", " ".join(text.split()))
    return text.rstrip(".")


def aligned(pairs: Sequence[tuple[Parsed, Parsed]], ties: str = "jiwer") -> list[list[Step]]:
    """Align the items of many pairs of reference and transcript, as words are (:mod:`asrlab.scoring.paths`).

    Parameters
    ----------
    pairs : sequence of (Parsed, Parsed)
        Reference and transcript.
    ties : {"jiwer", "sclite"}
        Whose alignment, where several are equally short.

    Returns
    -------
    list of list of Step
        Of each pair every step, hits too, in order.

    Examples
    --------
    >>> from asrlab.scoring.formatting.spans import parsed
    >>> pair = parsed("pay 25.50 on may 3", "en"), parsed("pay 25.15 on may third", "en")
    >>> [step.kind for step in aligned([pair])[0]]
    ['hit', 'sub', 'hit', 'hit']
    """
    if not pairs:
        return []
    keys = [" ".join(item.key.replace(" ", _SPACE) for item in side.items) for pair in pairs for side in pair]
    codes = encode(keys, "word")
    lengths = np.fromiter(map(len, codes.texts), np.int64, len(codes.texts))
    refs, hyps = np.arange(0, len(keys), 2), np.arange(1, len(keys), 2)
    # Errors are looked for between texts of different numbers: equal ones must have one.
    number = {text: n for n, text in reversed(list(enumerate(codes.texts)))}
    first = np.array([number[text] for text in codes.texts], np.int64)
    path = with_hits(errors(codes, first[refs], first[hyps], ties), lengths[refs], lengths[hyps])
    found: list[list[Step]] = [[] for _ in pairs]
    for pair, kind, ref, hyp in zip(*(column.tolist() for column in path), strict=True):
        found[pair].append(Step(KINDS[kind], ref, hyp))
    return found
