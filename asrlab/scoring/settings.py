"""Settings: under which each utterance was asked, how they are told apart, and what they lack."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from asrlab.errors import InvalidInput
from asrlab.scoring.given import PLACE, complain, numbers, numbers_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

_BASE: Final = ("condition", "repeat")
#: Columns that may make a setting together, and how many are tried.
_MOST_TOGETHER: Final = 3
_MOST_TRIED: Final = 10
#: Trials that a table may lack for each that it has, before something is wrong with what is taken for settings.
_EMPTIEST: Final = 20


@dataclass(frozen=True)
class Settings:
    """The settings of a table of transcripts: what is true of all of it, and holds for each part.

    Parameters
    ----------
    columns : list of str
        What makes a setting: condition, repeat, and axes where these leave rows of an utterance alike.
    table : DataFrame
        A row a setting, in order of appearance: those columns, and the axes that are the same throughout each.
    of_utterance : list of str
        Axes that are not, and are the same throughout each utterance.
    asked : ndarray of bool, shape (settings, channels)
        Whether a setting has a row of that referenced channel, of any utterance.
    """

    columns: list[str]
    table: pd.DataFrame
    of_utterance: list[str]
    asked: NDArray[np.bool]

    def numbers(self, rows: pd.DataFrame) -> NDArray[np.int64]:
        """Give the number of each row's setting."""
        if rows.empty:
            return np.zeros(0, np.int64)
        both = pd.concat([self.table[self.columns], rows[self.columns]], ignore_index=True)
        return numbers(both, self.columns)[len(self.table) :]


def settings_of(
    rows: pd.DataFrame, axes: list[str], channels: pd.Index, plain: Collection[str] | None = None
) -> Settings:
    """Find the settings of all transcripts.

    Parameters
    ----------
    rows : DataFrame
        All of them, with the numbers of their utterances.
    axes : list of str
        Columns that may tell settings apart.
    channels : Index
        All channels that have a reference.
    plain : collection of str, optional
        Axes of flags or numbers; told by their dtypes if None.
    """
    if plain is None:
        plain = {name for name in axes if rows[name].dtype.kind in "biuf"}
    columns = _columns(rows, axes, plain)
    if rows.empty:  # nothing at all was answered, in the one setting there is
        table = pd.DataFrame({"condition": ["unnamed"], "repeat": [0]})
        return Settings(columns, table, [], np.zeros((1, len(channels)), bool))
    number = numbers(rows, columns)
    others = {name: numbers(rows, [name]) for name in axes if name not in columns}
    fixed = [name for name, code in others.items() if _follows(code, number)]
    utterance = numbers(rows, [PLACE])
    of_utterance = [name for name, code in others.items() if name not in fixed and _follows(code, utterance)]
    table = rows.iloc[np.unique(number, return_index=True)[1]][[*columns, *fixed]].reset_index(drop=True)
    asked = np.zeros((len(table), len(channels)), bool)
    channel = channels.get_indexer(pd.Index(rows["channel"].fillna(-1).astype("int64")))
    asked[number[channel >= 0], channel[channel >= 0]] = True
    return Settings(columns, table, of_utterance, asked)


def _follows(code: NDArray[np.int64], group: NDArray[np.int64]) -> bool:
    """Whether all rows of a group have one code."""
    return int(numbers_of(group, code).max(initial=-1)) == int(group.max(initial=-1))


def _columns(rows: pd.DataFrame, axes: list[str], plain: Collection[str]) -> list[str]:
    """Name the columns that make a setting: those that tell askings of one utterance and channel apart.

    Condition and repeat do. Where they leave rows alike, so do the axes that tell them apart with the fewest settings.
    """
    key = numbers(rows, [PLACE, *_BASE, "channel"])
    if not _alike(key):
        return [*_BASE]
    codes = {name: numbers(rows, [name]) for name in axes}
    varied = [name for name in axes if numbers_of(key, codes[name]).max() > key.max()]
    # Of equals, a column that is always filled goes before one that is not, and text before flags and numbers.
    tried = sorted(varied, key=lambda name: (rows[name].isna().any(), name in plain))
    tried = sorted(tried, key=lambda name: int(codes[name].max()))[:_MOST_TRIED]
    settings = numbers(rows, _BASE)
    extra: tuple[str, ...] = tuple(varied)
    fewest = len(rows) + 1
    for size in range(1, min(len(varied), _MOST_TOGETHER) + 1):
        for some in combinations(tried, size):
            many = int(numbers_of(settings, *(codes[name] for name in some)).max()) + 1
            if many < fewest and not _alike(numbers_of(key, *(codes[name] for name in some))):
                extra, fewest = some, many
    return [*_BASE, *extra]


def _alike(key: NDArray[np.int64]) -> bool:
    return len(key) > 0 and int(key.max()) + 1 < len(key)


def check_apart(rows: pd.DataFrame, columns: list[str]) -> None:
    """Raise if a setting has two rows of an utterance and channel."""
    alike = pd.Series(numbers(rows, [PLACE, *columns, "channel"])).duplicated().to_numpy(bool)
    # A trial that failed as a whole names no channel, and stands for all of them.
    whole = rows["channel"].isna().to_numpy(bool)
    if whole.any():
        asked = numbers(rows, [PLACE, *columns])
        alike = alike | (whole & (np.bincount(asked)[asked] > 1))
    complain(
        alike,
        rows,
        f"stand twice: they agree in {', '.join(['utt_id', *columns, 'channel'])}, or name no channel beside others. "
        "Number repeats, name conditions, or drop copies.",
    )


def check_grid(rows: pd.DataFrame, settings: Settings, targets: int) -> None:
    """Raise if hardly any setting has hardly any utterance: something then is taken for a setting that is none."""
    axes = [name for name in settings.columns if name not in _BASE]
    many = len(settings.table)
    if axes and 4 * many > len(rows) and many * targets > max(_EMPTIEST * len(rows), 1000):
        most = max(axes, key=lambda name: rows[name].nunique())
        raise InvalidInput(
            f"The transcripts have {many} settings ({' and '.join(settings.columns)}) of {targets} referenced "
            f"channels, and only {len(rows)} rows. Column {most!r} has {rows[most].nunique()} different values: if it "
            "tells of an answer and not of how it was asked for, drop it, or name the settings in a column 'condition'."
        )


def targets(table: pd.DataFrame, channels: pd.Index) -> NDArray[np.int64]:
    """Give the number of each row's utterance and channel, -1 where the channel is not among those given."""
    channel = channels.get_indexer(pd.Index(table["channel"].fillna(-1).astype("int64")))
    return np.where(channel < 0, -1, table[PLACE].to_numpy(np.int64) * len(channels) + channel)


def with_missing(
    rows: pd.DataFrame,
    axes: list[str],
    settings: Settings,
    said: pd.DataFrame,
    *,
    channels: pd.Index,
    asked_only: bool,
) -> pd.DataFrame:
    """Add a row, of state "missing", for each referenced channel of which a setting has none.

    With ``asked_only``, a channel is missed only in settings that have it of some utterance.
    """
    if said.empty:
        return rows
    number = settings.numbers(rows)
    wanted, first = np.unique(targets(said, channels), return_index=True)
    there_of, utterance = targets(rows, channels), rows[PLACE].to_numpy(np.int64)
    utterances = 1 + max(utterance.max(initial=0), said[PLACE].max())
    there = np.zeros((len(settings.table), utterances, len(channels)), bool)
    there.reshape(len(there), -1)[number[there_of >= 0], there_of[there_of >= 0]] = True
    expected = np.ones_like(there)
    if asked_only:
        expected &= (settings.asked | ~np.any(settings.asked, axis=1)[:, None])[:, None, :]
    # A trial that failed as a whole names no channel: it stands for all of them.
    whole = rows["channel"].isna().to_numpy(bool)
    there[number[whole], utterance[whole]] = True
    of, target = np.nonzero((expected & ~there).reshape(len(there), -1)[:, wanted])
    if not len(of):
        return rows
    # What is the same in all rows of a setting, or of an utterance, is so in the missing row too.
    absent = settings.table.take(of).reset_index(drop=True)
    lacking = said[["utt_id", "channel", PLACE]].take(first[target]).reset_index(drop=True)
    absent = pd.concat([absent, lacking], axis=1).assign(state="missing")
    for name in settings.of_utterance:
        known = rows[name].groupby(utterance).head(1)
        absent[name] = known.set_axis(utterance[known.index]).reindex(lacking[PLACE].to_numpy(np.int64)).array
    rows = _nullable(rows, axes)
    absent = absent.reindex(columns=rows.columns).astype(rows.dtypes.to_dict())
    return pd.concat([rows, absent], ignore_index=True)


def _nullable(rows: pd.DataFrame, axes: list[str]) -> pd.DataFrame:
    """Give axes of whole numbers and flags a dtype that can be without a value."""
    plain = [name for name in axes if isinstance(rows[name].dtype, np.dtype) and rows[name].dtype.kind in "biu"]
    return rows.assign(**{name: rows[name].convert_dtypes() for name in plain}) if plain else rows


def unanswered(rows: pd.DataFrame, columns: list[str]) -> InvalidInput:
    """Make the error of answers that are not there; ``columns`` make a setting."""
    lost = rows[rows["state"] != "answered"]
    counts = ", ".join(f"{count} {state}" for state, count in lost["state"].value_counts(sort=False).items())
    telling = [name for name in (*columns, "channel") if rows[name].nunique(dropna=False) > 1]
    shown = lost.head(2).to_dict("records")
    named = "; ".join(", ".join([row["utt_id"], *(f"{name} {row[name]}" for name in telling)]) for row in shown)
    return InvalidInput(
        f"{len(lost)} of {len(rows)} answers are not there to mark: {counts} ({named}{'; ...' * (len(lost) > 2)}). "
        "A rate without them would be of other recordings. Ask for them (failed ones again); where some were left out "
        "on purpose, mark against the references of the rest (dataset.select() for a dataset); or say how they count: "
        'missing="drop" leaves them out of the rates, and every summary says how many they are; missing="all-deleted" '
        "counts every unit of their references as deleted."
    )
