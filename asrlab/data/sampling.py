"""Samples and splits: part of a dataset, the same for a seed in whatever order its rows come.

Everything is taken in an order that comes of a hash of the seed and the id. So a row more or less changes little: the
others keep their order.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from dataclasses import replace
from numbers import Real
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeVar

import numpy as np

from asrlab.data.rows import values_of
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from asrlab.data.dataset import Dataset

    D = TypeVar("D", bound=Dataset)

_ROUNDING: Final = 1e-9  # of sums of shares and of prices
_STRETCH: Final = ("begin_s", "end_s", "channel")


def sample(
    dataset: D,
    n: int | None = None,
    *,
    share: float | None = None,
    minutes: float | None = None,
    usd: float | None = None,
    speakers: int | None = None,
    usd_per_s: float | None = None,
    askings: int = 1,
    by: str | Sequence[str] | None = None,
    equal: bool = False,
    seed: int = 0,
) -> D:
    """Take part of a dataset by chance.

    Parameters
    ----------
    dataset : Dataset
        What to take of.
    n, share, minutes, usd, speakers : int or float, optional
        How much, exactly one of them: utterances; a share of the utterances, rounded; minutes of audio at most; US
        dollars at most that asking about it may cost; speakers, each with all of their utterances.
    usd_per_s : float, optional
        With ``usd``: price of a second of one channel, which a plan names. Each begun second of each channel is
        reckoned, as the service bills.
    askings : int
        With ``usd``: how often each recording will be asked about, that is conditions times repeats.
    by : str or list of str, optional
        Columns of the utterance table: each combination of their values gets its share, missing values being one value.
    equal : bool
        With ``by``: the same for each combination, or all that there is of it, instead of what its size comes to.
    seed : int
        Another seed gives another sample.

    Returns
    -------
    Dataset
        With the utterances in the order of the dataset. A smaller sample of the same seed lies within a larger one
        where ``n``, ``share`` or ``speakers`` are given and nothing is stratified.

    Raises
    ------
    InvalidInput
        If there is not so much; if a length is not known that is needed (see :meth:`Dataset.measure`); if no recording
        is so short or cheap.

    Notes
    -----
    Utterances of a combination are divided by the method of largest remainders; of equal ones, chance decides. Minutes
    and dollars are filled in the order of chance, first within each combination, then of all, and each time up to the
    first recording that does not fit: to go on to those that do would favour short ones. So the sum is never beyond the
    limit, and falls short of it by less than one recording.

    Examples
    --------
    >>> ds.sample(usd=0.5, usd_per_s=0.000035, askings=8, by="language")  # doctest: +SKIP
    """
    given = {"n": n, "share": share, "minutes": minutes, "usd": usd, "speakers": speakers}
    kinds = [name for name, value in given.items() if value is not None]
    if len(kinds) != 1:
        raise InvalidInput(f"Say how much by one of {', '.join(given)}, not by {' and '.join(kinds) or 'none'}.")
    for name in ("n", "speakers"):
        if given[name] is not None and not (isinstance(given[name], int) and not isinstance(given[name], bool)):
            raise InvalidInput(f"{name} must be a whole number, not {given[name]!r}.")
    for name, value in [*given.items(), ("usd_per_s", usd_per_s), ("askings", askings)]:
        if value is not None and not (isinstance(value, Real) and 0 < value < math.inf):
            raise InvalidInput(f"{name} must be above 0, not {value!r}.")
    if (usd is None) != (usd_per_s is None):
        raise InvalidInput("usd and usd_per_s belong together: how much to spend, and the price of a second.")
    if equal and by is None:
        raise InvalidInput("equal=True needs by=: the columns whose combinations get the same.")
    items = _utterances(dataset, seed) if speakers is None else _speakers(dataset, seed)
    strata = _strata(dataset, items, by, seed)
    if minutes is not None:
        taken = _fill(strata, _lengths(dataset), minutes * 60, seed, equal=equal)
    elif usd is not None and usd_per_s is not None:
        taken = _fill(strata, _billed(dataset), usd / usd_per_s / askings, seed, equal=equal)
    else:
        most = round(share * len(items)) if share is not None else int(n or speakers or 0)
        if not 1 <= most <= len(items):
            kind = "speakers" if speakers is not None else "utterances"
            raise InvalidInput(
                f"{dataset.name} has {len(items):,} {kind}, and {most:,} were asked for. Ask for others."
            )
        counts = _quotas([len(stratum) for stratum in strata.values()], most, equal=equal)
        taken = [one for stratum, count in zip(strata.values(), counts, strict=True) for one in stratum[:count]]
    return dataset.select([utt_id for one in taken for utt_id in one.ids])


def split(
    dataset: D,
    shares: Mapping[str, float],
    *,
    by: str | Sequence[str] = "speaker",
    stratify: str | Sequence[str] | None = None,
    of: Literal["utterances", "minutes"] = "utterances",
    seed: int = 0,
) -> dict[str, D]:
    """Split a dataset into parts that share no speaker.

    Parameters
    ----------
    dataset : Dataset
        What to split.
    shares : mapping of str to float
        Name of each part -> its share; together 1.
    by : str or list of str
        Columns of the utterance table whose values are never in two parts: ``["speaker", "recording"]`` shares neither
        speakers nor recordings. An utterance whose value is missing is taken to be apart from all others, which may not
        be so: fill the column. Recordings that are the same one by ``audio`` or ``digest``, and the same stretch of it,
        stay together too.
    stratify : str or list of str, optional
        Columns whose combinations each part gets about its share of. A group belongs where most of its utterances do.
    of : {"utterances", "minutes"}
        What the shares are of.
    seed : int
        Another seed gives another split.

    Returns
    -------
    dict of str to Dataset
        Each utterance is in one part. Groups are whole, so that shares are met as nearly as their sizes allow.

    Raises
    ------
    InvalidInput
        If shares are none, all values of a column are missing, or there are fewer groups than parts.

    Examples
    --------
    >>> parts = ds.split({"tune": 0.3, "test": 0.7}, stratify="language")  # doctest: +SKIP
    """
    if len(shares) < 2 or any(not 0 < share < 1 for share in shares.values()):
        raise InvalidInput(f"shares must be two or more, each between 0 and 1, not {dict(shares)!r}.")
    if abs(sum(shares.values()) - 1) > _ROUNDING:
        raise InvalidInput(f"shares must come to 1; {dict(shares)!r} come to {sum(shares.values()):g}.")
    if of not in {"utterances", "minutes"}:
        raise InvalidInput(f'of must be "utterances" or "minutes", not {of!r}.')
    groups = _groups(dataset, _listed(by), seed)
    if len(groups) < len(shares):
        raise InvalidInput(
            f"{dataset.name} has {len(groups)} groups by {' and '.join(_listed(by))} for {len(shares)} parts. Make "
            'fewer parts, or split by="utt_id" if they may share speakers.'
        )
    lengths = _lengths(dataset) if of == "minutes" else None
    reached = np.cumsum(list(shares.values()))[:-1]
    carried = np.zeros(len(reached))
    parts: dict[str, list[str]] = {name: [] for name in shares}
    for stratum in _strata(dataset, groups, stratify, seed).values():
        sizes = [float(len(group.ids)) if lengths is None else group.total(lengths) for group in stratum]
        ends = np.cumsum([0.0, *sizes])
        wanted = reached * ends[-1] + carried
        cuts = _cuts(ends, wanted, least=1 if stratify is None else 0)
        carried = wanted - ends[cuts]
        for name, begin, end in zip(shares, [0, *cuts], [*cuts, len(stratum)], strict=True):
            parts[name] += [utt_id for group in stratum[begin:end] for utt_id in group.ids]
    if empty := [name for name, ids in parts.items() if not ids]:
        raise InvalidInput(f"Nothing falls to {', '.join(empty)}: too few groups by {stratify!r}. Leave stratify out.")
    return {name: replace(dataset.select(ids), name=f"{dataset.name}-{name}") for name, ids in parts.items()}


class _Item(NamedTuple):
    """What is taken as a whole: an utterance, or several that belong together; its name gives its turn."""

    name: str
    ids: tuple[str, ...]

    def total(self, of: Mapping[str, float]) -> float:
        return math.fsum(of[utt_id] for utt_id in self.ids)


def _by_chance(items: Iterable[_Item], seed: int) -> list[_Item]:
    return sorted(items, key=lambda item: (_turn(seed, item.name), item.ids))


def _turn(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed} {name}".encode()).digest()


def _utterances(dataset: Dataset, seed: int) -> list[_Item]:
    return _by_chance((_Item(utt_id, (utt_id,)) for utt_id in dataset.utterances["utt_id"].to_list()), seed)


def _speakers(dataset: Dataset, seed: int) -> list[_Item]:
    groups: dict[str, list[str]] = defaultdict(list)
    speakers = _values(dataset, "speaker")
    if missing := speakers.count(None):
        raise InvalidInput(
            f"{missing:,} utterances of {dataset.name} name no speaker. Fill the column, or leave them out: "
            'ds.select("speaker.notna()").'
        )
    for utt_id, speaker in zip(dataset.utterances["utt_id"].to_list(), speakers, strict=True):
        groups[speaker].append(utt_id)
    return _by_chance((_Item(str(speaker), tuple(sorted(ids))) for speaker, ids in groups.items()), seed)


def _groups(dataset: Dataset, columns: list[str], seed: int) -> list[_Item]:
    """Put together what shares a value of any of some columns, or is the same recording."""
    ids: list[str] = dataset.utterances["utt_id"].to_list()
    values = [_values(dataset, column) for column in columns]
    for column, known in zip(columns, values, strict=True):
        if all(value is None for value in known):
            raise InvalidInput(
                f"The column {column} of {dataset.name} is empty, so nothing can be kept together by it. Fill it, or "
                'split by="utt_id".'
            )
    parents = list(range(len(ids)))

    def root(place: int) -> int:
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    for keys in (*values, *_recordings(dataset.utterances)):
        first: dict[Any, int] = {}
        for place, key in enumerate(keys):
            if key is not None:
                parents[root(place)] = root(first.setdefault(key, place))
    members: dict[int, list[int]] = defaultdict(list)
    for place in range(len(ids)):
        members[root(place)].append(place)
    # Named by what they share, groups keep their turn when utterances come and go.
    names = [ids[place] if value is None else str(value) for place, value in enumerate(values[0])]
    groups = (
        _Item(min(names[p] for p in places), tuple(sorted(ids[p] for p in places))) for places in members.values()
    )
    return _by_chance(groups, seed)


def _recordings(utterances: pd.DataFrame) -> Iterable[list[Any]]:
    """Name the recording of each utterance, by its path and by its digest; None where that is not known."""
    stretch = [values_of(utterances, name) for name in _STRETCH]
    for column in ("audio", "digest"):
        named = values_of(utterances, column)
        yield [None if key[0] is None else key for key in zip(named, *stretch, strict=True)]


def _strata(dataset: Dataset, items: list[_Item], by: str | Sequence[str] | None, seed: int) -> dict[Any, list[_Item]]:
    """Divide items by what most of their utterances are, in an order of chance."""
    if by is None:
        return {(): items}
    columns = [[str(value) if value is not None else "" for value in _values(dataset, name)] for name in _listed(by)]
    kinds = dict(zip(dataset.utterances["utt_id"].to_list(), zip(*columns, strict=True), strict=True))
    strata: dict[tuple[str, ...], list[_Item]] = defaultdict(list)
    for item in items:
        kind = kinds[item.ids[0]]
        if len(item.ids) > 1:
            counts = Counter(kinds[utt_id] for utt_id in item.ids)
            kind = min(counts, key=lambda kind: (-counts[kind], kind))
        strata[kind].append(item)
    return {kind: strata[kind] for kind in sorted(strata, key=lambda kind: _turn(seed, repr(kind)))}


def _quotas(sizes: list[int], most: int, *, equal: bool) -> list[int]:
    """Divide a number among strata, none getting more than it has."""
    everything = sum(sizes)
    counts = [0] * len(sizes) if equal else [most * size // everything for size in sizes]
    while equal and (room := [place for place, size in enumerate(sizes) if counts[place] < size]):
        each = (most - sum(counts)) // len(room)
        if each == 0:
            break
        for place in room:
            counts[place] = min(sizes[place], counts[place] + each)
    left = [(-(most * size % everything) * (not equal), place) for place, size in enumerate(sizes)]
    ranked = [place for _, place in sorted(left) if counts[place] < sizes[place]]
    for place in ranked[: most - sum(counts)]:
        counts[place] += 1
    return counts


def _fill(
    strata: dict[Any, list[_Item]], costs: Mapping[str, float], limit: float, seed: int, *, equal: bool
) -> list[_Item]:
    """Take of each stratum what its part of a limit suffices for, then of all what the rest does."""
    totals = {key: math.fsum(item.total(costs) for item in stratum) for key, stratum in strata.items()}
    everything = math.fsum(totals.values())
    parts = {key: limit * total / everything for key, total in totals.items()}
    if equal:
        left = limit
        for place, (key, total) in enumerate(sorted(totals.items(), key=lambda pair: (pair[1], pair[0]))):
            parts[key] = min(total, left / (len(totals) - place))
            left -= parts[key]
    limit *= 1 + _ROUNDING
    taken: list[_Item] = []
    passed: list[_Item] = []
    for key, stratum in strata.items():
        ends = np.cumsum([item.total(costs) for item in stratum])
        count = int(np.searchsorted(ends, parts[key] * (1 + _ROUNDING), side="right"))
        taken += stratum[:count]
        passed += stratum[count:]
    spent = math.fsum(item.total(costs) for item in taken)
    for item in _by_chance(passed, seed):
        fits = spent + item.total(costs) <= limit
        if fits:
            spent += item.total(costs)
            taken.append(item)
        elif taken:
            break
    if not taken:
        least = min(item.total(costs) for stratum in strata.values() for item in stratum)
        raise InvalidInput(
            f"That suffices for {limit:.1f} seconds, and the least that could be taken has {least:.1f}. Ask for more."
        )
    return taken


def _cuts(ends: NDArray[np.float64], wanted: NDArray[np.float64], least: int) -> list[int]:
    """Choose after which groups to cut, so that the sums come nearest to what is wanted."""
    cuts: list[int] = []
    groups = len(ends) - 1
    for place, target in enumerate(wanted):
        lowest = (cuts[-1] if cuts else 0) + least
        highest = groups - least * (len(wanted) - place)
        cuts.append(min(max(int(np.argmin(np.abs(ends - target))), lowest), highest))
    return cuts


def _lengths(dataset: Dataset) -> dict[str, float]:
    """Give the seconds of each utterance, or say which are not known."""
    return dict(zip(dataset.utterances["utt_id"].to_list(), _known(dataset, "duration_s", "lengths"), strict=True))


def _billed(dataset: Dataset) -> dict[str, float]:
    """Give the seconds that are billed for each utterance: each begun one of each channel."""
    lengths, channels = _known(dataset, "duration_s", "lengths"), _known(dataset, "channels", "channels")
    seconds = (math.ceil(length) * count for length, count in zip(lengths, channels, strict=True))
    return dict(zip(dataset.utterances["utt_id"].to_list(), seconds, strict=True))


def _known(dataset: Dataset, column: str, what: str) -> list[float]:
    values = dataset.utterances[column]
    if missing := int((~values.between(0, math.inf, inclusive="neither")).fillna(value=True).sum()):
        raise InvalidInput(
            f"The {what} of {missing:,} recordings of {dataset.name} are not known. Find them out: ds.measure()."
        )
    return values.astype(float).to_list()


def _listed(by: str | Sequence[str]) -> list[str]:
    return [by] if isinstance(by, str) else list(by)


def _values(dataset: Dataset, column: str) -> list[Any]:
    if column not in dataset.utterances:
        known = ", ".join(map(str, dataset.utterances.columns))
        raise InvalidInput(f"There is no column {column!r} in {dataset.name}. There are {known}.")
    values = values_of(dataset.utterances, column)
    if any(isinstance(value, list | dict | set) for value in values):
        raise InvalidInput(f"Column {column!r} holds lists, which are no groups. Make a column of one value a row.")
    return values
