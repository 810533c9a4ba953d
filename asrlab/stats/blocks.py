"""Blocks: what is taken as independent of what, and the sums of counts in each.

The utterances of one speaker are not independent, so that a test by utterance finds differences that are not there:
counts are added up by speaker, else by recording, else (and then the tables say so) by utterance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from asrlab import groups
from asrlab.coded import coded

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from asrlab.coded import Scores

    Codes = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Words = NDArray[np.object_]

#: Fewer blocks than this cannot reach p < 0.05 by swapping: the least is 2 / 2^G.
FEWEST_BLOCKS: Final = 6
#: What to keep in mind where utterances are the blocks, and nobody said who speaks.
SPEAKERS_MAY_REPEAT: Final = "utterances taken as independent: too sure if speakers repeat"


class Blocks(NamedTuple):
    """What is taken as independent in each group of answers."""

    number: Codes  #: of each answer, its block; the blocks of a group follow one another
    group: Codes  #: of each block, its group
    name: Codes  #: of each block, a number that it has in all groups
    kind: Words  #: of each group, what its blocks are
    caution: Words  #: of each group, what to say where speakers are too few or not known; else empty

    def counted(self) -> Codes:
        """Count the blocks of each group."""
        return np.bincount(self.group, minlength=len(self.kind)).astype(np.int64)


def checked(scores: Scores, also: Sequence[str] = ()) -> pd.DataFrame:
    """Check scores, of which each that has counts must be in a block; texts are coded, and ``also`` is read too."""
    frame = coded(scores, ("block", "block_kind"), also=also)
    lacking = (frame["block"].isna() | frame["block_kind"].isna()) & frame["errors"].notna()
    groups.complain(lacking, frame, "have counts and no block or block_kind. Mark them again with score().")
    return frame


def blocks(marked: pd.DataFrame, group: Codes, kinds: pd.Series) -> Blocks:
    """Count answers off into blocks: where speakers or recordings are too few for a test, into utterances.

    Parameters
    ----------
    marked : DataFrame
        Answers with ``block`` and ``utt_id``.
    group : ndarray of int64, shape (len(marked),)
        Group of each answer.
    kinds : Series of str
        ``block_kind`` of each group.
    """
    return blocks_of(groups.in_order(marked["block"]), groups.in_order(marked["utt_id"]), group, kinds)


def blocks_of(block: Codes, utterance: Codes, group: Codes, kinds: pd.Series) -> Blocks:
    """Do the same for answers of which block and utterance are numbered already."""
    kind = kinds.to_numpy(object, na_value="utterance")
    different = groups.counted_once(group, block, len(kind))
    too_few = (kind != "utterance") & (different < FEWEST_BLOCKS) & (different > 0)
    caution = [
        f"too few {name}s ({number}): true of these {'voices' if name == 'speaker' else name + 's'} only"
        if bad
        else SPEAKERS_MAY_REPEAT
        if name == "utterance" and number
        else ""
        for name, number, bad in zip(kind, different, too_few, strict=True)
    ]
    # In order of their names, so that the random swaps fall on the same blocks whatever the order of the rows.
    name = np.where(too_few[group], utterance + block.max(initial=-1) + 1, block)
    number = groups.combined([group, name])
    first = groups.firsts(number)
    kind = np.where(too_few, "utterance", kind)
    return Blocks(number, group[first], name[first], kind, np.array(caution, dtype=object))


def sums(group: Codes, counts: pd.Series | Floats, n: int = 0) -> Floats:
    """Add up the counts of each group."""
    # Exact: whole numbers below 2^53 are added without rounding.
    return np.bincount(group, weights=np.asarray(counts, dtype=np.float64), minlength=n).astype(np.float64)
