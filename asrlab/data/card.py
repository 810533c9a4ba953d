"""Cards: what a dataset holds, in Markdown, made from the data and from nothing else."""

from __future__ import annotations

import html
import re
from collections import Counter, defaultdict
from collections.abc import Hashable
from pathlib import PurePosixPath
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from asrlab.data.checks.texts import count
from asrlab.data.links import shown
from asrlab.data.rows import rows_of, values_of
from asrlab.errors import InvalidInput
from asrlab.text import plain
from asrlab.wordings import first_wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asrlab.data.dataset import Dataset
    from asrlab.data.recordings import Recording

_MOST: Final = 40  # values of a column that are listed
_LONGEST: Final = 100  # characters of one of them
_SYNTAX: Final = re.compile(r"([\\`*_{}\[\]~#|])")
_LICENCES: Final = ("licence", "license", "licences", "licenses")
_SOURCES: Final = ("corpus", "source", "source_repo")
_NOT_STATED: Final = "not stated"


def make_card(dataset: Dataset) -> str:
    """Write down what a dataset holds.

    Parameters
    ----------
    dataset : Dataset
        Its recordings are read where they were not before, for their lengths and fingerprints; of those that cannot be,
        what the tables say is taken.

    Returns
    -------
    str
        Markdown: counts and minutes, languages, lengths, channels and sampling rates, forms of references, terms,
        licences, sources, tags, how it was read, and the fingerprint. The same for the same set, in whatever order its
        rows come. What stands in the data is escaped for Markdown and for HTML.

    Notes
    -----
    It knows what is in the tables. How the recordings were made, whom they may stand for, and what is wrong with them,
    a person must add.
    """
    recordings = _recordings(dataset)
    parts = [
        f"# {_safe(dataset.name)}",
        _summary(dataset, recordings),
        *_section("Recordings", _table(("", ""), _facts(dataset, recordings))),
        *_section("Languages", _languages(dataset, recordings)),
        *_section("References", _references(dataset)),
        *_section("Terms", _counts("role", values_of(dataset.terms, "role"))),
    ]
    utterances = dataset.utterances
    for title, names in (("Licences", _LICENCES), ("Sources", _SOURCES)):
        for name in names:
            if name in utterances and utterances[name].notna().any():
                parts += _section(
                    f"{title}: {name}" if title == "Sources" else title, _counts(name, values_of(utterances, name))
                )
    tags = [tag for value in values_of(utterances, "tags") if isinstance(value, list) for tag in value]
    parts += _section("Tags", _counts("tag", tags) if tags else "")
    parts += _section("How it was made", "\n".join(f"- {line}" for line in _origin(dataset)))
    return "\n\n".join(part for part in parts if part) + "\n"


def _recordings(dataset: Dataset) -> dict[str, Recording]:
    """Find out what each recording is; texts without one are left out."""
    rows = rows_of(dataset.utterances, "utt_id", "audio")
    return {utt_id: _found(dataset, utt_id) for utt_id, audio in rows if audio is not None or dataset.is_made}


def _found(dataset: Dataset, utt_id: str) -> Recording:
    try:
        return dataset.facts(utt_id)
    except InvalidInput:
        return dataset.said(utt_id)


def _summary(dataset: Dataset, recordings: dict[str, Recording]) -> str:
    lengths = _lengths(recordings)
    known = f"{sum(lengths) / 60:.1f} minutes" if lengths else "no known length"
    missing = len(recordings) - len(lengths)
    less = f" (and {missing:,} of unknown length)" if lengths and missing else ""
    languages = sorted({str(one) for one in values_of(dataset.utterances, "language") if one is not None})
    spoken = _listed(languages) if languages else f"language {_NOT_STATED}"
    return f"{len(dataset):,} utterances, {known}{less}, {spoken}. Written by asrlab from the data alone."


def _facts(dataset: Dataset, recordings: dict[str, Recording]) -> Iterator[tuple[str, str]]:
    utterances = dataset.utterances
    yield "utterances", f"{len(dataset):,}"
    if len(recordings) < len(dataset):
        yield "of them without a recording", f"{len(dataset) - len(recordings):,}"
    if lengths := _lengths(recordings):
        yield "minutes", f"{sum(lengths) / 60:.1f}"
        yield "shortest, median, longest", f"{lengths[0]:.2f} s, {median(lengths):.2f} s, {lengths[-1]:.2f} s"
    for what, values in (
        ("channels", [one.channels for one in recordings.values()]),
        ("sampling rates", [f"{one.sample_rate:,} Hz" for one in recordings.values() if one.sample_rate]),
        ("files", [_kind(audio) for audio in values_of(utterances, "audio") if audio is not None]),
    ):
        if known := Counter(value for value in values if value is not None):
            yield what, ", ".join(f"{value} ({n:,})" for value, n in _ranked(known))
    speakers = values_of(utterances, "speaker")
    unknown = speakers.count(None)
    counted = f"{len({*speakers} - {None}):,}"
    yield "speakers", counted + (f", and {unknown:,} utterances without one" if unknown else "")
    if sessions := {*values_of(utterances, "recording")} - {None}:
        yield "sessions or source recordings", f"{len(sessions):,}"
    if len(dataset.segments):
        yield "segments", f"{len(dataset.segments):,}"


def _languages(dataset: Dataset, recordings: dict[str, Recording]) -> str:
    form = _main_form(dataset)
    said: Counter[str] = Counter()
    words: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    spoken: dict[str, str] = {}
    minutes: defaultdict[str, float] = defaultdict(float)
    speakers: defaultdict[str, set[str]] = defaultdict(set)
    for utt_id, language, speaker in rows_of(dataset.utterances, "utt_id", "language", "speaker"):
        spoken[utt_id] = key = _NOT_STATED if language is None else language
        said[key] += 1
        minutes[key] += (recordings[utt_id].duration_s or 0.0) / 60 if utt_id in recordings else 0.0
        speakers[key] |= {speaker} - {None}
    for utt_id, its_form, alternative, text in rows_of(dataset.references, "utt_id", "form", "alternative", "text"):
        if its_form == form and alternative == 0:
            counts = count(first_wording(text))
            words[spoken[utt_id]] += counts.words
            characters[spoken[utt_id]] += counts.characters + counts.letters
    head = ("language", "utterances", "minutes", "speakers", "words", "characters")
    rows = [
        (key, f"{n:,}", f"{minutes[key]:.1f}", f"{len(speakers[key]):,}", f"{words[key]:,}", f"{characters[key]:,}")
        for key, n in _ranked(said)
    ]
    counted = f"Words and characters are those of the references of the form {_safe(form)}: " if form else ""
    why = "characters where a script has no spaces, or is Korean; words of all others." if form else ""
    return f"{_table(head, rows)}\n\n{counted}{why}".rstrip()


def _references(dataset: Dataset) -> str:
    found: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    empty: Counter[tuple[str, int]] = Counter()
    rows: Counter[tuple[str, int]] = Counter()
    for utt_id, form, channel, text in rows_of(dataset.references, "utt_id", "form", "channel", "text"):
        found[form, channel].add(utt_id)
        rows[form, channel] += 1
        empty[form, channel] += text == ""
    if not rows:
        return "None."
    head = ("form", "channel", "utterances", "texts", "of them empty")
    return _table(
        head,
        [
            (form, str(c), f"{len(found[form, c]):,}", f"{n:,}", f"{empty[form, c]:,}")
            for (form, c), n in sorted(rows.items())
        ],
    )


def _origin(dataset: Dataset) -> Iterator[str]:
    if dataset.read_as is not None:
        yield f"Read as {_safe(dataset.read_as)}."
    yield from (_safe(remark) for remark in dataset.remarks)
    for recipe in sorted({one for one in values_of(dataset.utterances, "recipe") if one is not None}):
        yield from (f"Perturbed: {_safe(step, None)}" for step in str(recipe).split("\n"))
    try:
        yield f"Fingerprint (SHA-256 of ids, recordings, references and terms): {dataset.fingerprint()}"
    except InvalidInput:
        yield "Fingerprint: not known, since not all recordings are there to be read."


def _section(title: str, body: str) -> tuple[str, ...]:
    return (f"## {_safe(title)}", body) if body else ()


def _counts(name: str, values: list[Any]) -> str:
    """Count the values of a column, most frequent first; nothing where there are none."""
    if not values:
        return ""
    plainly = [
        _NOT_STATED if value is None else value if isinstance(value, Hashable) else str(value) for value in values
    ]
    ranked = _ranked(Counter(map(str, plainly)))
    rows = [(value, f"{n:,}") for value, n in ranked[:_MOST]]
    more = f"\n\nAnd {len(ranked) - _MOST:,} more." if len(ranked) > _MOST else ""
    return _table((name, "count"), rows) + more


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(
        f"| {' | '.join(line if n == 1 else _safe(line) for line in cells)} |" for n, cells in enumerate(lines)
    )


def _main_form(dataset: Dataset) -> str | None:
    ranked = _ranked(Counter(values_of(dataset.references, "form")))
    return ranked[0][0] if ranked else None


def _ranked(counts: Counter[Any]) -> list[tuple[Any, int]]:
    """Order by count, then by name: whatever the order of the rows."""
    return sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))


def _lengths(recordings: dict[str, Recording]) -> list[float]:
    return sorted(one.duration_s for one in recordings.values() if one.duration_s is not None)


def _kind(audio: str) -> str:
    return PurePosixPath(shown(audio) if "://" in audio else audio).suffix.lower().lstrip(".") or "without an ending"


def _listed(values: list[str]) -> str:
    return ", ".join(map(_safe, values[:_MOST])) + (f" and {len(values) - _MOST} more" if len(values) > _MOST else "")


def _safe(value: object, limit: int | None = _LONGEST) -> str:
    """Write a foreign value so that it is neither Markdown nor HTML nor a formula."""
    return html.escape(_SYNTAX.sub(r"\\\1", plain(value, limit)), quote=False).replace("$", "&#36;")
