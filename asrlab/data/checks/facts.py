"""Checks of the facts: lengths, channels, rates, languages, speakers, segments, and what comes twice."""

from __future__ import annotations

import asyncio
import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from asrlab.data.checks.findings import Finding
from asrlab.data.checks.texts import Said, count, letters
from asrlab.data.manifests.locales import language_of
from asrlab.data.rows import rows_of
from asrlab.text import plain
from asrlab.wordings import first_wording

if TYPE_CHECKING:
    import pandas as pd

    from asrlab.data.checks.sound import Heard
    from asrlab.data.dataset import Dataset

#: Seconds of the shortest recording that a word fits in.
SHORTEST_S: Final = 0.1
#: Distance from the median of the logarithms from which a value is unusual, in robust standard deviations (1.4826 times
#: the median absolute deviation). Iglewicz and Hoaglin (How to Detect and Handle Outliers, 1993) take 3.5 for normal
#: data; lengths have longer tails.
UNUSUAL: Final = 5.0
#: Fewest values that have something usual.
FEWEST: Final = 20
#: Share of a recording that its text takes when said as fast as can be, below which there is hardly any text: a word in
#: four seconds.
LEAST_SHARE: Final = 0.035
#: Seconds that a text may be longer than its recording: ends are cut.
SLACK_S: Final = 0.2
#: Seconds, and share, that a manifest may be wrong by: lossy codings add frames at the ends.
ROUNDING_S: Final = 0.1
ROUNDING: Final = 0.01
#: Seconds that a segment may end after its recording.
PAST_END_S: Final = 0.5
#: Hz of the telephone.
TELEPHONE_HZ: Final = 8_000
#: Speakers, from which a p by speaker can be below 0.05: 2 / 2**6.
FEWEST_SPEAKERS: Final = 6
_SPREAD: Final = 0.1  # of logarithms, at least: lengths that are all alike differ by a tenth and nobody minds

_CODES: Final = {
    "zho": "zh", "chi": "zh", "cn": "zh", "mandarin": "zh", "eng": "en", "jpn": "ja", "jp": "ja", "deu": "de",
    "ger": "de", "kor": "ko", "kr": "ko", "rus": "ru", "fra": "fr", "fre": "fr", "por": "pt", "ara": "ar", "ita": "it",
    "spa": "es", "hin": "hi", "ind": "id", "tha": "th", "tur": "tr", "ukr": "uk", "ua": "uk", "vie": "vi", "vn": "vi",
    "ces": "cs", "cze": "cs", "cz": "cs", "dan": "da", "dk": "da", "tgl": "fil", "fin": "fi", "isl": "is", "ice": "is",
    "msa": "ms", "may": "ms", "zsm": "ms", "nor": "no", "nob": "no", "nno": "no", "pol": "pl", "swe": "sv",
}  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """What an engine takes; None where there is no limit, or it is not known."""

    name: str
    languages: Mapping[str, str] | Collection[str]
    audio_s: float | None
    audio_bytes: int | None
    upload_bytes: int | None = None
    formats: Collection[str] | None = None


def limits_of(engine: Any = None) -> Limits:  # noqa: ANN401 - anything with capabilities
    """Read what an engine takes off its capabilities; those of the service where there is none."""
    from asrlab.dashscope import wire  # noqa: PLC0415 - of all checks only this one asks for the service's limits

    if engine is None:
        return Limits(
            "the service", wire.LANGUAGES, wire.AUDIO_S, wire.FILE_BYTES, wire.UPLOAD_BYTES, wire.FORMATS
        )  # fmt: skip
    can = _capabilities(engine)
    return Limits(str(getattr(engine, "name", "the engine")), can.languages or (), can.audio_s, can.audio_bytes)


def _capabilities(engine: Any) -> Any:  # noqa: ANN401 - see limits_of
    """Ask an engine what it takes; one that costs nothing is entered for that where it is not known before."""

    async def once_entered() -> Any:  # noqa: ANN401
        async with engine:
            return engine.capabilities

    with suppress(RuntimeError):
        if engine.capabilities.languages != frozenset() or not hasattr(engine, "__aenter__"):
            return engine.capabilities
    with ThreadPoolExecutor(1) as pool:  # of its own, as a notebook has an event loop
        return pool.submit(asyncio.run, once_entered()).result()


def fact_findings(dataset: Dataset, heard: Mapping[str, Heard], said: Said, limits: Limits) -> Iterator[Finding]:
    """Report what does not fit together, and what an engine would not take."""
    rows = dataset.utterances
    lengths = _known(rows, "duration_s", {utt_id: one.duration_s for utt_id, one in heard.items()})
    channels = _known(rows, "channels", {utt_id: one.channels for utt_id, one in heard.items()})
    yield from _similar_ids(rows["utt_id"].to_list())
    yield from _languages(rows, limits)
    yield from _speakers(rows["speaker"])
    yield from _manifest(rows, heard, beyond="goes on beyond" if dataset.read_as == "nemo" else "facts differ")
    yield from _limits(heard, lengths, limits)
    yield from _lengths(lengths)
    yield from _rates(rows, lengths, channels, said)
    yield from _channels(rows, channels, heard, said)
    yield from _sample_rates(heard)
    yield from _twice(heard, dataset)
    yield from _stretches(dataset, lengths, heard)


def _known(rows: pd.DataFrame, name: str, measured: Mapping[str, float]) -> dict[str, float]:
    """Give what was measured, else what the manifest says."""
    stated = {
        utt_id: float(value) for utt_id, value in rows_of(rows, "utt_id", name) if value is not None and value > 0
    }
    return stated | dict(measured)


def _similar_ids(ids: list[str]) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for utt_id in ids:
        plainly = " ".join(unicodedata.normalize("NFKC", utt_id).casefold().split())
        if plainly in first:
            yield Finding("similar ids", f"like {plain(first[plainly], 40)!r}", utt_id)
        first.setdefault(plainly, utt_id)


def _languages(rows: pd.DataFrame, limits: Limits) -> Iterator[Finding]:
    unstated = rows.loc[rows["language"].isna(), "utt_id"]
    yield from _of_some("no language", unstated, len(rows), "give it, to ask with the right hint and mark by its rules")
    if not limits.languages:
        return
    for utt_id, language in rows_of(rows, "utt_id", "language"):
        if language is None or language in limits.languages or _several(language, limits.languages):
            continue
        meant = _meant(language, limits.languages)
        if meant is None:
            yield Finding("unknown language", f"{plain(language, 30)!r} is none of {limits.name}", utt_id)
        else:
            yield Finding("language code", f"{plain(language, 30)!r}: write {meant!r}", utt_id)


def _several(language: str, known: Mapping[str, str] | Collection[str]) -> bool:
    """Whether it names several languages of the engine, as recordings that change between them do: ``zh-en``."""
    parts = language.split("-")
    return len(set(parts)) > 1 and all(part in known for part in parts)


def _meant(language: str, known: Mapping[str, str] | Collection[str]) -> str | None:
    """Code of an engine for a language that is written otherwise."""
    names = {name.lower(): code for code, name in known.items()} if isinstance(known, Mapping) else {}
    code = language.strip().lower()
    first = language_of(code)
    return next((one for one in (first, _CODES.get(first), _CODES.get(code), names.get(code)) if one in known), None)


def _speakers(speakers: pd.Series) -> Iterator[Finding]:
    missing, n = int(speakers.isna().sum()), speakers.nunique()
    if missing:
        yield Finding("no speaker", f"{missing:,} of {len(speakers):,} recordings", value=missing)
    if 0 < n < FEWEST_SPEAKERS:
        said = f"{n} speaker{'s' * (n > 1)}: p by speaker needs {FEWEST_SPEAKERS}"
        yield Finding("few speakers", said, value=n)


def _manifest(rows: pd.DataFrame, heard: Mapping[str, Heard], *, beyond: str) -> Iterator[Finding]:
    """Hold a manifest against the recordings; ``beyond`` is what it means that one is longer than it says."""
    for utt_id, duration_s, channels, rate in rows_of(rows, "utt_id", "duration_s", "channels", "sample_rate"):
        one = heard.get(utt_id)
        if one is None:
            continue
        allowed = max(ROUNDING_S, ROUNDING * one.duration_s)
        if (length := _number(duration_s)) is not None and abs(length - one.duration_s) > allowed:
            what = f"{length:g} s in the manifest, {one.duration_s:.2f} s in the recording"
            check = beyond if length < one.duration_s else "facts differ"
            yield Finding(check, what, utt_id, value=length - one.duration_s)
        # Ogg may hold Opus, which is decoded at any rate.
        rates = (("Hz", rate, one.sample_rate),) if one.format != "ogg" else ()
        for name, there, is_there in (("channels", channels, one.channels), *rates):
            if (number := _number(there)) is not None and number != is_there:
                what = f"{number:g} {name} in the manifest, {is_there} in the recording"
                yield Finding("facts differ", what, utt_id, value=number - is_there)


def _limits(heard: Mapping[str, Heard], lengths: Mapping[str, float], limits: Limits) -> Iterator[Finding]:
    for utt_id, length in lengths.items():
        if limits.audio_s is not None and length > limits.audio_s:
            what = f"{length / 3600:.2f} h; {limits.name} takes {limits.audio_s / 3600:g} h"
            yield Finding("too long", what, utt_id, value=length)
    for utt_id, one in heard.items():
        if not one.whole:
            continue  # what is sent is cut from it
        sizes = [(limits.audio_bytes, "takes"), (limits.upload_bytes, "takes uploads of")]
        for most, takes in sizes:
            if most is not None and one.file_bytes > most:
                what = f"{one.file_bytes / 2**30:.2f} GB; {limits.name} {takes} {most / 2**30:g} GB"
                yield Finding("too large", what, utt_id, value=one.file_bytes)
                break
        if limits.formats is not None and one.format not in limits.formats:
            yield Finding("unknown format", f"{one.format}; convert it to WAV or FLAC", utt_id)


def _lengths(lengths: Mapping[str, float]) -> Iterator[Finding]:
    for utt_id, length in lengths.items():
        if length < SHORTEST_S:
            yield Finding("very short", f"{length:.3f} s", utt_id, value=length)
    for utt_id, usual in _unusual(lengths):
        what = f"{lengths[utt_id]:.2f} s, where {usual:.2f} s is usual"
        yield Finding("unusual length", what, utt_id, value=lengths[utt_id])


def _rates(
    rows: pd.DataFrame, lengths: Mapping[str, float], channels: Mapping[str, float], said: Said
) -> Iterator[Finding]:
    shares: dict[str | None, dict[str, float]] = defaultdict(dict)
    for utt_id, language in rows_of(rows, "utt_id", "language"):
        length = lengths.get(utt_id)
        if length is None:
            continue
        for channel in sorted(said.channels(utt_id)):
            needed = max(count(text).shortest_s for text in said.texts(utt_id, channel))
            share = needed / length
            what = f"text of {needed:.1f} s at the least in {length:.1f} s"
            if needed > length + SLACK_S:
                yield Finding("too much text", what, utt_id, channel, share)
            elif max(channels.get(utt_id, 1), len(said.channels(utt_id))) > 1:
                continue  # each speaks a part of the time
            elif 0 < share < LEAST_SHARE:
                yield Finding("too little text", what, utt_id, channel, share)
            elif share:
                shares[language][utt_id] = share
    for known in shares.values():
        for utt_id, usual in _unusual(known):
            times = known[utt_id] / usual
            what = f"{times:.2g} times as much text for its length as is usual"
            yield Finding("unusual rate", what, utt_id, value=times)


def _unusual(values: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """Find what lies far from the rest, by its logarithm; each with the usual value."""
    if len(values) < FEWEST:
        return
    logs = np.log(np.fromiter(values.values(), float))
    median = float(np.median(logs))
    spread = max(1.4826 * float(np.median(np.abs(logs - median))), _SPREAD)
    ids = list(values)
    for place in np.flatnonzero(np.abs(logs - median) > UNUSUAL * spread):
        yield ids[place], math.exp(median)


def _channels(
    rows: pd.DataFrame, channels: Mapping[str, float], heard: Mapping[str, Heard], said: Said
) -> Iterator[Finding]:
    unsaid = [utt_id for (utt_id,) in rows_of(rows, "utt_id") if not said.channels(utt_id)]
    yield from _of_some("no reference", unsaid, len(rows), "nothing is marked")
    for (utt_id,) in rows_of(rows, "utt_id"):
        texts, count = said.channels(utt_id), channels.get(utt_id)
        if not texts or count is None:
            continue
        for channel in sorted(texts):
            if channel >= count:
                what = f"there {'is 1 channel' if count == 1 else f'are {count:g} channels'}, counted from 0"
                yield Finding("no such channel", what, utt_id, channel)
        one = heard.get(utt_id)
        for channel in range(int(count)):
            if channel not in texts and (one is None or not (one.alike or one.silent(channel))):
                yield Finding("channel without text", "is not marked, and is billed if it is asked", utt_id, channel)


def _sample_rates(heard: Mapping[str, Heard]) -> Iterator[Finding]:
    for utt_id, one in heard.items():
        if one.sample_rate < TELEPHONE_HZ:
            yield Finding("low sample rate", f"{one.sample_rate:,} Hz", utt_id, value=one.sample_rate)
    rates = Counter(one.sample_rate for one in heard.values())
    if len(rates) > 1:
        said = ", ".join(f"{rate:,} Hz ({n:,})" for rate, n in sorted(rates.items()))
        yield Finding("mixed sample rates", said, value=len(rates))


def _twice(heard: Mapping[str, Heard], dataset: Dataset) -> Iterator[Finding]:
    """Find recordings that come several times, and those of them that are said to be of different words."""
    alike: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for utt_id, found in heard.items():
        alike[found.digest, *found.stretch].append(utt_id)
    several = [group for group in alike.values() if len(group) > 1]
    if not several:
        return
    rows = dataset.references[dataset.references["utt_id"].isin([utt_id for group in several for utt_id in group])]
    wordings: dict[str, dict[tuple[int, str], set[str]]] = defaultdict(lambda: defaultdict(set))
    for utt_id, channel, form, text in rows_of(rows, "utt_id", "channel", "form", "text"):
        wordings[utt_id][channel, form].add(letters(first_wording(text)))
    for group in several:
        for utt_id in group[1:]:
            yield Finding("duplicate audio", f"the same as {plain(group[0], 40)}", utt_id, value=len(group))
        for one, other in combinations(group, 2) if len(group) <= FEWEST else ((group[0], g) for g in group[1:]):
            shared = wordings[one].keys() & wordings[other].keys()
            if any(not wordings[one][key] & wordings[other][key] for key in shared):
                yield Finding("same audio, other text", f"the recording of {plain(one, 40)}", other)


def _stretches(dataset: Dataset, lengths: Mapping[str, float], heard: Mapping[str, Heard]) -> Iterator[Finding]:
    for utt_id, one in heard.items():
        end_s = one.stretch[1]
        if end_s is not None and end_s > one.file_s + PAST_END_S:
            what = f"ends at {end_s:g} s of a file of {one.file_s:.2f} s"
            yield Finding("stretch beyond the end", what, utt_id, value=end_s)
    segments = dataset.segments
    if not len(segments):
        return
    names = ("segment", "utt_id", "channel", "begin_s", "end_s", "text")
    for segment, utt_id, channel, begin_s, end_s, text in rows_of(segments, *names):
        needed = count(first_wording(text or "")).shortest_s
        if needed > end_s - begin_s + SLACK_S:
            what = f"segment {plain(segment, 40)}: text of {needed:.1f} s at the least in {end_s - begin_s:.1f} s"
            yield Finding("too much text", what, utt_id, channel, needed / (end_s - begin_s))
        length = lengths.get(utt_id)
        if length is not None and end_s > length + PAST_END_S:
            what = f"segment {plain(segment, 40)} ends at {end_s:g} s of {length:.2f} s"
            yield Finding("stretch beyond the end", what, utt_id, channel, end_s)
    ordered = segments.sort_values(["utt_id", "channel", "begin_s"], kind="stable")
    keys = [ordered["utt_id"], ordered["channel"]]
    until = ordered["end_s"].groupby(keys, sort=False).cummax().groupby(keys, sort=False).shift()
    over = ordered[(ordered["begin_s"] < until).fillna(value=False)]
    for (utt_id, channel), n in Counter(rows_of(over, "utt_id", "channel")).items():
        yield Finding("overlapping segments", f"{n} of them begin before another ends", utt_id, channel, n)


def _of_some(check: str, ids: Iterable[str], total: int, why: str) -> Iterator[Finding]:
    """Report utterances one by one, or the set where it is all of them."""
    found = list(ids)
    if len(found) == total:
        yield Finding(check, f"of all recordings; {why}", value=total)
    else:
        yield from (Finding(check, why, utt_id) for utt_id in found)


def _number(value: Any) -> float | None:  # noqa: ANN401 - whatever stands in a column
    return float(value) if isinstance(value, int | float | np.number) and not math.isnan(value) else None
