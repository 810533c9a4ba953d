"""Races: settings that have clearly lost are no longer asked, so that money goes to those that may still be the best.

Of a finite set of utterances, which come in random order, some are asked under all settings, then there is a look, and
so on (a group-sequential design: Jennison & Turnbull 2000). At each look every setting is held against every other one
that is left, on the questions that both answered, by the ratio t by block. One that is worse than another beyond the
boundary of the look is dropped.

What is promised is of the best setting alone, as in Hsu's comparisons with the best (1984): it is dropped in no more
than 1 - level of all races. It can only be dropped by losing to one of its S - 1 rivals, each of which it is no worse
than; so the error is divided among those (Bonferroni), and that of each is spent over the looks
(:mod:`asrlab.stats.boundaries`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from asrlab import groups, tables
from asrlab.coded import check_scores
from asrlab.errors import InvalidInput
from asrlab.shown import Shown
from asrlab.stats.arguments import between, whole
from asrlab.stats.blocks import FEWEST_BLOCKS
from asrlab.stats.boundaries import next_level
from asrlab.stats.comparison import compare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]
    Row = dict[str, Any]

#: The error is spent as the share of the data to this power (Kim & DeMets 1987), nearly half of it at the first of
#: twenty looks. All from 1/4 to 1/2 save as much; the smaller it is, the better the promise is kept where only the best
#: setting suits all speakers alike (measured: ``benchmarks/choosing.md``).
SPENDING: Final = 1 / 4
#: There is no look before so many blocks of the order of trials were asked: errors are too uneven for fewer to tell.
FEWEST_ASKED: Final = 40
#: Most looks that boundaries are worked out for quickly.
_LOOKS: Final = 100
#: Of trials that were not answered because they were not asked, or not yet.
_NOT_YET: Final = ("submitted", "not run", "spared", "missing")
_CONFIDENCE: Final = 0.95


class Race(Shown):
    """The rule by which a sweep drops settings that have lost, to be given to it: ``sweep.run(race=race)``.

    Settings are dropped only between blocks of the order of trials, in each of which an utterance is asked under all of
    them; a setting that is dropped has answers to all utterances up to there, and is in ``scores`` with those.

    Parameters
    ----------
    mark : callable
        Marks transcripts: takes a ``transcripts`` table, in which trials that were not asked yet have their rows, and
        gives a ``scores`` table. In it is one unit, form, normalizer and rule of ties: that of the error rate by which
        settings are held against one another. Such a function is
        ``lambda transcripts: lab.score(transcripts, ds, form="spoken", missing="all-deleted")``.
    level : float
        Confidence level: the setting with the lowest true error rate (where several have it, any one of them) is
        dropped with a probability of at most 1 - level, over all looks together.
    looks : int
        Number of looks, at equal distances; the last is when all is asked.

    Raises
    ------
    InvalidInput
        If ``mark`` cannot be called, or a number is out of bounds.

    Notes
    -----
    Looks may come at other times than planned, where a run is interrupted and goes on: what the boundary of a look has
    to know is which were taken before. They must not hang on what was heard.

    The promise rests on the t intervals of the looks, and so on errors of which the utterances so far are a fair
    picture. A setting that now and then repeats itself a hundred times looks better than it is until it does, and the
    best may lose to it: no test knows of what was not seen. Where that may be, let ``mark`` judge sentences
    (``unit="sentence"``), or race with few and late looks. Trials that fail are to count as all deleted, as above: left
    out, a setting that fails on what is hard would win.

    Examples
    --------
    >>> Race(lambda transcripts: lab.score(transcripts, ds, missing="all-deleted"), level=0.9)
    Race(level=0.9, looks=20)
    """

    def __init__(self, mark: Callable[[pd.DataFrame], pd.DataFrame], *, level: float = 0.95, looks: int = 20) -> None:
        if not callable(mark):
            raise InvalidInput(
                "mark must be a function that takes transcripts and gives scores, such as lambda transcripts: "
                f'lab.score(transcripts, ds, missing="all-deleted"); this is {type(mark).__name__}.'
            )
        self.mark = mark
        self.level = between("level", level, 0.5, 1 - 1e-6, "a confidence level, such as 0.95")
        whole("looks", looks, 1, _LOOKS)
        self.looks = int(looks)

    def _told(self) -> Iterable[tuple[str, object]]:
        return (("level", self.level), ("looks", self.looks))

    @property
    def rules(self) -> dict[str, Any]:
        """What decides, in values of JSON: a race goes on under the rules that it began with.

        Returns
        -------
        dict
            Test, correction, spending, least number of blocks, level and looks.
        """
        return {
            "test": "ratio t by block, one-sided",
            "correction": "Bonferroni over rivals",
            "spending": f"share of the data to the power {SPENDING:g}",
            "fewest_blocks": FEWEST_BLOCKS,
            "fewest_asked": FEWEST_ASKED,
            "level": self.level,
            "looks": self.looks,
        }

    def due(self, *, asked: int, since: int, planned: int) -> bool:
        """Tell whether it is time for a look.

        Parameters
        ----------
        asked : int
            How many blocks of the order of trials were asked.
        since : int
            How many had been when it was last time for a look; 0 at first.
        planned : int
            How many blocks there are.

        Returns
        -------
        bool
            True when another 1 / looks of the blocks were asked.
        """
        return asked * self.looks // planned > since * self.looks // planned

    def look(
        self,
        transcripts: pd.DataFrame,
        *,
        settings: Sequence[str],
        asked: int,
        planned: int,
        earlier: Sequence[Mapping[str, Any]] = (),
    ) -> list[Row]:
        """Take a look at what has come in, and say which settings are dropped.

        Parameters
        ----------
        transcripts : DataFrame
            All ``transcripts`` so far, for ``mark``.
        settings : sequence of str
            Names of all conditions of the race, those dropped before included.
        asked : int
            How many blocks of the order of trials were asked under all settings that were left.
        planned : int
            How many blocks there are.
        earlier : sequence of mapping
            Rows that the looks before gave, in their order.

        Returns
        -------
        list of dict
            Rows of a ``race`` table, one of each setting that was left, in values of JSON: those of the looks before
            with these are ``earlier`` of the next. None where no look is taken, and no error spent: where nothing was
            asked since the last, fewer than two settings are left, or blocks are too few.

        Raises
        ------
        InvalidInput
            If ``mark`` gives what is not scores of these settings, or is marked in several ways or otherwise than
            before, or a setting was not in the race when it began.
        """
        lost = dropped(earlier)
        kept = [name for name in settings if name not in lost]
        began = [row for row in earlier if row["look"] == 1]
        if began and (new := [name for name in kept if name not in {row["condition"] for row in began}]):
            raise InvalidInput(
                f"This race began without {', '.join(new)}: who joins later has not run the whole way. Let these race "
                "in a sweep of their own, or run without race=."
            )
        looked = {row["look"]: row for row in earlier}
        before = [int(row["n_asked"]) for row in looked.values()]
        if len(kept) < 2 or asked <= max(before, default=0) or asked < FEWEST_ASKED:
            return []
        n_settings = int(began[0]["n_settings"]) if began else len(settings)
        scores = check_scores(self.mark(transcripts), ("block", "block_kind"))
        marking = _marking(scores, earlier)
        found = _compared(scores, kept)
        if found is None or not (found["n_blocks"] >= FEWEST_BLOCKS).any():
            return []
        levels = [float(row["boundary"]) for row in looked.values()]
        boundary = boundary_of([*before, asked], levels, planned=planned, settings=n_settings, level=self.level)
        common = {
            "look": len(looked) + 1,
            "fraction": asked / planned,
            "boundary": boundary,
            "level": self.level,
            "n_asked": asked,
            "n_planned": planned,
            "n_settings": n_settings,
            **marking,
        }
        return _rows(found, kept, boundary, common)


def boundary_of(
    asked: Sequence[float],
    earlier: Sequence[float],
    *,
    planned: float,
    settings: int,
    level: float,
    power: float = SPENDING,
) -> float:
    """Give the boundary of a look: the one-sided p of losing to a rival that is enough.

    Parameters
    ----------
    asked : sequence of float, shape (K,)
        How many blocks of the order of trials were asked at each look, this one included.
    earlier : sequence of float, shape (K - 1,)
        Boundaries of the looks before.
    planned : float
        How many blocks there are.
    settings : int
        Number of settings at the start.
    level : float
        Confidence level of the race.
    power : float
        The error may be spent as the share of the blocks to this power.
    """
    spent = (1 - level) / (settings - 1) * min(asked[-1] / planned, 1.0) ** power
    return next_level(asked, earlier, spent)


def dropped(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Give the settings that were dropped, each with the rival that it lost to.

    Parameters
    ----------
    rows : iterable of mapping
        Rows of the looks of a race: see :meth:`asrlab.Race.look`.

    Returns
    -------
    dict of str to str
        In the order in which they were dropped.
    """
    return {row["condition"]: row["rival"] for row in rows if row["dropped"]}


def lost_to(p: Floats, boundary: Floats | float) -> Codes:
    """Tell which settings have lost, and to whom.

    Parameters
    ----------
    p : ndarray of float, shape (..., S, S)
        One-sided p of each setting, for being no worse than each other one; NaN where that is not known.
    boundary : float or ndarray of float, shape (...)
        What is enough.

    Returns
    -------
    ndarray of int64, shape (..., S)
        Number of the rival that there is most evidence for; -1 of settings that have not lost. Where all have lost, as
        they might in a circle, each on other questions, none has.
    """
    known = np.where(np.isnan(p), 2.0, p)
    rival = known.argmin(axis=-1)
    enough = np.expand_dims(boundary, -1)
    lost = (known.min(axis=-1) <= enough) & (enough > 0)
    lost &= ~lost.all(axis=-1, keepdims=True)
    return np.where(lost, rival, -1)


def _compared(scores: pd.DataFrame, kept: Sequence[str]) -> pd.DataFrame | None:
    """Compare each two settings that are left; None where nothing was answered under two."""
    known = set(scores["condition"])
    if lacking := [name for name in kept if name not in known]:
        raise InvalidInput(
            f"The scores that mark gave have no rows of the condition {lacking[0]!r}. It must mark all that it is "
            'given: lab.score(transcripts, ds, missing="all-deleted").'
        )
    counted = scores["errors"].notna() & scores["condition"].isin(kept) & ~scores["state"].isin(_NOT_YET)
    marked = scores[counted].drop(columns="errors")
    under = marked.groupby(["utt_id", "channel", "repeat"], dropna=False)["condition"].nunique()
    if not (under > 1).any():
        return None
    found = compare(marked, "condition", by=[], test="t", correction="none", level=_CONFIDENCE)
    # Where few speakers were heard so far, and more are to come, utterances are not taken as independent meanwhile.
    kind = marked["block_kind"].iloc[0]
    if scores["block"].nunique() >= FEWEST_BLOCKS:
        found["n_blocks"] = found["n_blocks"].where(found["block_kind"] == kind, 0)
    return found


def _marking(scores: pd.DataFrame, earlier: Sequence[Mapping[str, Any]]) -> Row:
    """Tell which error rate scores are of; refuse those of several, or of another than before."""
    marking = {}
    for name in groups.APART:
        found = [str(one) for one in scores[name].dropna().unique()]
        if len(found) > 1:
            raise InvalidInput(
                f"A race is for one error rate, and these scores have several: their {name} is {' and '.join(found)}. "
                f"Let mark choose one, with lab.score(transcripts, ds, {name}=...)."
            )
        marking[name] = found[0] if found else None
        if earlier and marking[name] != earlier[0][name]:
            raise InvalidInput(
                f"This race began with {name} {earlier[0][name]}, and mark now gives {marking[name]}. A race goes on "
                "as it began."
            )
    return marking


def _rows(found: pd.DataFrame, kept: Sequence[str], boundary: float, common: Row) -> list[Row]:
    """Make a row of each setting, against the rival that there is most evidence for."""
    place = {name: k for k, name in enumerate(kept)}
    ahead = found.assign(one=found["level"].map(place), other=found["baseline"].map(place), sign=1.0)
    behind = ahead.assign(one=ahead["other"], other=ahead["one"], sign=-1.0)
    sides = pd.concat([ahead, behind.rename(columns={"rate": "baseline_rate", "baseline_rate": "rate"})])
    sign, low, high, delta, blocks = (
        sides[name].to_numpy(np.float64, na_value=np.nan) for name in ("sign", "low", "high", "delta", "n_blocks")
    )
    free = np.maximum(blocks - 1, 1)
    error = (high - low) / 2 / stdtrit(free, (1 + _CONFIDENCE) / 2)
    t = np.where(blocks >= FEWEST_BLOCKS, sign * delta / error, np.nan)
    half = (stdtrit(free, 1 - boundary) if boundary else np.inf) * error
    columns = {
        "rate": sides["rate"],
        "rival_rate": sides["baseline_rate"],
        "delta": sign * delta,
        "low": sign * delta - half,
        "high": sign * delta + half,
        "statistic": t,
        "p": stdtr(free, -t),
        **{name: sides[name] for name in ("block_kind", "n_blocks", "n_pairs", "note")},
    }
    against = dict(
        zip(zip(sides["one"], sides["other"], strict=True), pd.DataFrame(columns).to_dict("records"), strict=True)
    )
    p = np.full((len(kept), len(kept)), np.nan)
    p[sides["one"], sides["other"]] = columns["p"]
    lost = lost_to(p, boundary)
    known = ~np.isnan(p).all(axis=1)
    rows = []
    for one, name in enumerate(kept):
        row = {"condition": name, "dropped": bool(lost[one] >= 0), **common}
        if known[one]:
            rival = int(np.nanargmin(p[one]))
            row |= {"rival": kept[rival], **{str(key): value for key, value in against[one, rival].items()}}
        else:
            row |= {"note": "too few blocks, or no spread, to be held against any other"}
        rows.append(row)
    return [{name: _plain(row.get(name)) for name in tables.SCHEMAS["race"]} for row in rows]


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value of a table
    """Give a value of JSON."""
    if pd.isna(value) or (isinstance(value, float) and not np.isfinite(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value
