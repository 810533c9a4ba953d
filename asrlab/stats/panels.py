"""Panels: settings that are held against one another, on the questions that all of them answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from asrlab import groups, tables
from asrlab.errors import InvalidInput
from asrlab.stats.blocks import checked
from asrlab.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from asrlab.stats.blocks import Codes

    Bools = NDArray[np.bool]

#: By-columns that tell of utterances.
_OF_UTTERANCES: Final = ("spoken_language", "block", "utt_id")


class Panels(NamedTuple):
    """Scores sorted into settings, and the settings into panels.

    A panel is of one unit, form, normalizer and rule of ties, and of one language, block or utterance where settings
    are told apart by that.
    """

    frame: pd.DataFrame  #: all rows
    keys: list[str]  #: columns that make a setting, besides those that always do
    apart: list[str]  #: columns that make a panel
    group: Codes  #: of each row, its setting
    labels: pd.DataFrame  #: of each setting, those columns, and ``block_kind``
    panel: Codes  #: of each setting, its panel

    @property
    def there(self) -> Bools:
        """Tell which rows have counts."""
        return self.frame["errors"].notna().to_numpy(np.bool)

    @property
    def n(self) -> int:
        """Number of settings."""
        return len(self.labels)

    def members(self, group: Codes) -> list[NDArray[np.intp]]:
        """List the settings of each panel that have answers among these, of which ``group`` gives the settings."""
        answered = np.bincount(group, minlength=self.n) > 0
        return [np.flatnonzero((self.panel == k) & answered) for k in range(int(self.panel.max(initial=-1)) + 1)]

    def asked(self, frame: pd.DataFrame) -> list[str]:
        """Name the columns that tell questions apart: with the axes that are not decided by the setting."""
        setting = groups.numbered(frame, [*self.keys, "block_kind"])
        n = int(setting.max(initial=-1)) + 1
        free = [
            axis
            for axis in groups.axes(frame)
            if groups.counted_once(setting, groups.numbered(frame, [axis]), n).max(initial=0) > 1
        ]
        return [name for name in ("utt_id", "channel", "repeat", *free) if name not in self.keys]

    def of_all(self, pair: Codes, group: Codes) -> Bools:
        """Tell which rows are of a pair that every setting of their panel has."""
        settings, mine = (
            groups.counted_once(of, group, int(of.max(initial=-1)) + 1) for of in (self.panel[group], pair)
        )
        return np.asarray(mine[pair] == settings[self.panel[group]])

    def complete(self) -> Bools:
        """Tell which of the rows that have counts answer a question that every setting of their panel has answered.

        Raises
        ------
        InvalidInput
            If answers stand twice, or the settings of a panel have no question in common.
        """
        marked, group = self.frame[self.there], self.group[self.there]
        asked = self.asked(marked)
        pair = groups.numbered(marked, list(dict.fromkeys([*self.apart, *asked])))
        groups.refuse_twice(marked.assign(pair=pair), self.keys, asked)
        complete = self.of_all(pair, group)
        panel = self.panel[group]
        alone = np.bincount(panel[complete], minlength=len(self.panel))[panel] == 0
        if alone.any():
            first = marked[alone].iloc[0]
            fewest = marked[alone].groupby(self.keys, dropna=False, observed=True).size().sort_values(kind="stable")
            least = ", ".join(f"{count} of {plain(label, 40)}" for label, count in fewest.head(3).items())
            raise InvalidInput(
                f"The {len(fewest)} settings marked by {first['unit']} have no question ({', '.join(asked)}) in common "
                f"that all of them answered; the fewest answers: {least}. Ask for what is missing, or leave a setting "
                "out."
            )
        return complete


def panels(scores: pd.DataFrame, by: str | Sequence[str] | None, made: str) -> Panels:
    """Sort scores into settings and panels.

    Parameters
    ----------
    scores : DataFrame
        A ``scores`` table.
    by : str, sequence of str, or None
        Columns that make a setting; by default all axes, or ``condition`` where there are none.
    made : str
        The table that is made of the settings.
    """
    tables.check_frame(scores)
    frame = checked(scores)
    groups.refuse_copies(frame)
    frame, keys = groups.by_columns(frame, by, made)
    names = [*keys, *groups.APART, "block_kind"]
    group = groups.numbered(frame, names)
    labels = groups.heads(frame, group, names)
    apart = [*groups.APART, "block_kind", *(key for key in keys if key in _OF_UTTERANCES)]
    return Panels(frame, keys, apart, group, labels, groups.numbered(labels, apart))
