"""Warnings of a plan: what would be asked in vain, or answered otherwise than it seems."""

from __future__ import annotations

import re
import time
from collections import Counter
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from asrlab.sweep.identity import canonical_engine

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from asrlab.data.dataset import Dataset
    from asrlab.engines.base import Capabilities, Engine
    from asrlab.sweep.plan import Job
    from asrlab.sweep.store import Store

_APART_D: Final = 30  # days after which the model behind an undated name may well be another
_DAY_S: Final = 24 * 3600
_DATED: Final = re.compile(r"\d{4}-\d{2}-\d{2}$")
_SEVERAL: Final = frozenset({"mul", "mixed"})  # "mul": several languages (ISO 639-2)
_MIXED_TAGS: Final = frozenset({"mixed", "code-switch", "code-switching", "code-switched", "multilingual"})


class SweepWarning(UserWarning):
    """A run will send something that is in vain, or that is answered otherwise than it seems."""


def warnings_of(jobs: Sequence[Job], dataset: Dataset, store: Store) -> list[str]:
    """Say what to look at before jobs are sent.

    Parameters
    ----------
    jobs : sequence of Job
        Those of a plan; what is only collected is not warned of.
    dataset : Dataset
        What is asked about.
    store : Store
        Where earlier answers are.
    """
    sent = [job for job in jobs if job.task_id is None]
    asked: dict[Engine, list[Job]] = {}
    for job in sent:
        asked.setdefault(job.engine, []).append(job)
    found = [
        warning if len(asked) == 1 else f"{engine!r}: {warning}"
        for engine, its in asked.items()
        for warning in (
            *_in_vain(its, dataset, engine.capabilities),
            *_too_much(its, dataset, engine.capabilities),
            *_apart(engine, store),
        )
    ]
    return [*found, *_weak(sent, dataset)]


def warnings_of_kept_back(kept_back: Mapping[tuple[Engine, str], int]) -> list[str]:
    """Say which parameters are not sent, since the model has none of the kind.

    Parameters
    ----------
    kept_back : mapping
        Engine and name of the parameter -> number of askings.
    """
    asked: dict[Engine, Counter[str]] = {}
    for (engine, name), n in kept_back.items():
        asked.setdefault(engine, Counter())[name] += n
    return [
        f"{engine!r} does not take {_counted(names, 'askings')}: not sent, so that settings which differ in nothing "
        "else are one question there"
        for engine, names in asked.items()
    ]


def _in_vain(sent: Sequence[Job], dataset: Dataset, takes: Capabilities) -> Iterator[str]:
    languages = dict(zip(dataset.utterances["utt_id"], dataset.utterances["language"], strict=True))
    tags = dict(zip(dataset.utterances["utt_id"], dataset.utterances["tags"], strict=True))
    unheard, itn, mixed = Counter[str](), Counter[str](), 0
    for job in sent:
        asked, spoken = job.parameters, languages[job.utt_id]
        unsupported = takes.unsupported(asked)
        unheard.update(f"language={asked.language!r}" if name == "language" and name in takes.parameters else name
                       for name in unsupported)  # fmt: skip
        several = _in_several(spoken, tags[job.utt_id], takes.languages or ())
        language = asked.language or (None if several or pd.isna(spoken) else spoken)
        if asked.enable_itn and takes.itn_languages is not None and "enable_itn" not in unsupported:
            spoken_in = _parts(language)[:1] if language else []  # "zh-CN" is "zh"
            itn.update(part for part in spoken_in if part not in takes.itn_languages)
        mixed += bool(asked.language and several)
    if unheard:
        yield f"the engine does not obey {_counted(unheard)}"
    if itn:
        named = " and ".join(sorted(takes.itn_languages or ()))
        yield f"enable_itn acts on {named} only, and is on for {_counted(itn)}"
    if mixed:
        yield f"{mixed} trials give a language hint for audio in several languages; leave it out there"


def _in_several(spoken: Any, tags: Any, known: Collection[str]) -> bool:  # noqa: ANN401 - cells of a table
    """Whether a recording is in several languages, as its language ("zh-en", "mul") or a tag says."""
    parts = set(_parts(spoken)) if isinstance(spoken, str) else set[str]()
    if parts & _SEVERAL or (len(parts & set(known)) > 1 and parts != {"zh", "yue"}):  # "zh-yue" is one
        return True
    return isinstance(tags, list | tuple) and bool(_MIXED_TAGS & {str(tag).lower() for tag in tags})


def _parts(language: str) -> list[str]:
    """Languages that a label names; a later part in capitals is a region ("en-US", "sv-FI")."""
    first, *others = re.split(r"[-_,;+/ ]+", language.strip())
    return [first.lower(), *(part.lower() for part in others if not part.isupper())]


def _too_much(sent: Sequence[Job], dataset: Dataset, takes: Capabilities) -> Iterator[str]:
    # A token is rarely less than a word, so as many words are surely too many.
    words = [len(context.split()) for context in {job.parameters.context for job in sent} if context]
    if takes.context_tokens is not None and (long := [n for n in words if n > takes.context_tokens]):
        yield (
            f"{len(long)} contexts are too long: of up to {max(long):,} words the first {takes.context_tokens:,} "
            "tokens act at most"
        )
    settings = {(job.utt_id, job.digest): job.setting for job in sent}
    most_s, most_bytes = takes.audio_s or inf, takes.audio_bytes or inf
    lasting = {utt_id for (utt_id, _), asked in settings.items() if (asked.recording.duration_s or 0) > most_s}
    if lasting:
        yield f"{_named(lasting, dataset)} last longer than the {most_s:,.0f} s the engine takes, and will fail"
    linked = {utt_id: asked.recording.duration_s or 0 for (utt_id, _), asked in settings.items() if asked.link}
    if takes.link_s is not None and (far := {utt_id for utt_id, seconds in linked.items() if seconds > takes.link_s}):
        yield (
            f"{_named(far, dataset)} are links, which are not split, last longer than the {takes.link_s:,.0f} s the "
            "model takes, and will fail. Fetch them"
        )
    files = {utt_id: asked for (utt_id, _), asked in settings.items() if asked.link is None and not asked.made}
    large = {utt_id for utt_id, asked in files.items() if Path(asked.audio()).stat().st_size > most_bytes}
    if large:
        yield f"{_named(large, dataset)} are larger than the {most_bytes:,} bytes the engine takes, and will fail"


def _weak(sent: Sequence[Job], dataset: Dataset) -> Iterator[str]:
    weak = {job.utt_id for job in sent if job.setting.recording.weak}
    if weak:
        yield (
            f"{_named(weak, dataset)} are known by their links only: if another file is put there, stored answers are "
            "taken for its own. Give sha256 in the manifest, or use dataset.fetch_digests()"
        )


def _apart(engine: Engine, store: Store) -> Iterator[str]:
    """Warn of answers from before and after a change of model: an undated name stands for whatever is current."""
    identity = engine.identity
    if "version" in identity or _DATED.search(identity["model"]):
        return
    span = store.answered_span(canonical_engine(identity))
    if span is not None and time.time() - span[0] > _APART_D * _DAY_S:
        day = datetime.fromtimestamp(span[0], UTC).date()
        yield (
            f"{identity['model']} is no dated snapshot, and this run has answers from {day}, over {_APART_D} days ago: "
            "the model behind the name may have changed. Ask a dated snapshot, or start a new store"
        )


def _counted(names: Counter[str], what: str = "trials") -> str:
    return ", ".join(f"{name} ({n} {what})" for name, n in names.most_common(5)) + ("..." if len(names) > 5 else "")


def _named(some: Collection[str], dataset: Dataset) -> str:
    utt_ids = [utt_id for utt_id in dataset.utterances["utt_id"] if utt_id in some]
    more = f" and {len(utt_ids) - 3} more" if len(utt_ids) > 3 else ""
    return f"{len(utt_ids)} recordings ({', '.join(utt_ids[:3])}{more})"
