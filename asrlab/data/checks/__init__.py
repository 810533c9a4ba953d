"""Checks of a dataset, before it is asked about: what would be refused, and what would make numbers wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from asrlab.data.checks.facts import fact_findings, limits_of
from asrlab.data.checks.findings import CHECKS, Finding, Findings, to_findings
from asrlab.data.checks.sound import listen, sound_findings
from asrlab.data.checks.texts import Said, text_findings
from asrlab.data.places import is_link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from asrlab.data.checks.sound import Heard
    from asrlab.data.dataset import Dataset
    from asrlab.executors import Where

__all__ = ["CHECKS", "Finding", "Findings", "check"]


def check(
    dataset: Dataset,
    *,
    engine: Any = None,  # noqa: ANN401 - anything with capabilities
    audio: bool = True,
    executor: Where = None,
    progress: bool | Callable[[int, int], object] = True,
) -> Findings:
    """Look for what would be refused, or would make numbers wrong.

    Each recording is read once, block by block; what is read is not kept. What a service fetches by itself (http, https
    and oss links) is not read. A perturbed or concatenated set is made for this, a set of cuts is not.

    Parameters
    ----------
    dataset : Dataset
        What to look at.
    engine : Engine, optional
        Whose languages and limits count: anything whose ``capabilities`` have ``languages``, ``audio_s`` and
        ``audio_bytes``. Those of the service if not given.
    audio : bool
        Read the recordings. Otherwise only the tables are looked at.
    executor : Executor or distributed.Client, optional
        Where recordings are read; in threads of this process, as many as there are processors, if not given. Workers
        read them at the same paths, or fetch what lies behind a URL.
    progress : bool or callable
        Show on the standard error output how many files were read; or a function that is called with the number of
        files that are done and of all files.

    Returns
    -------
    Findings
        A table, errors first, that shows itself as a short report. What is looked for, and how severe it is, says
        :data:`asrlab.data.checks.CHECKS`; the thresholds stand in the modules :mod:`asrlab.data.checks.sound`
        (levels), :mod:`asrlab.data.checks.facts` (lengths, rates, limits) and :mod:`asrlab.data.checks.texts`
        (references), each with where it comes from.

    Raises
    ------
    InvalidInput
        If workers do not have the files.

    Notes
    -----
    Levels: *silence*, where no tenth of a second of a channel reaches -60 dBFS; *low level*, -45 dBFS; *clipping*,
    where one sample in 10,000 lies in a run of three or more at the greatest or least value of its channel, if that is
    a tenth of full scale at least, or where a peak lies 3 dB beyond full scale; *DC offset*, a mean of more than 1 % of
    full scale; *telephone band*, where there is 55 dB less energy above 4.5 kHz than between 0.2 and 3.5 kHz. That a
    file was cut off, only WAV, AIFF and FLAC tell; of clipping, lossy coding leaves little to see.

    Lengths, and texts by their length, are *unusual* at 5 robust standard deviations (of logarithms, by the median
    absolute deviation) where there are 20 of them. There is *too much text* where it could not be said in the time by
    the fastest of speakers, and *too little* where it would take 3.5 % of the time.

    Examples
    --------
    >>> findings = load_dataset("datasets/dictation").check()  # doctest: +SKIP
    >>> findings.errors  # doctest: +SKIP
    """
    said = Said(dataset)
    found: list[Finding] = list(_without_audio(dataset, audio))
    heard: dict[str, Heard] = {}
    minutes = 0.0
    if audio:
        heard, failed, minutes = listen(dataset, executor, progress)
        order = {utt_id: place for place, utt_id in enumerate(dataset.utterances["utt_id"])}
        heard = dict(sorted(heard.items(), key=lambda item: order[item[0]]))
        found += sorted(failed, key=lambda one: order[str(one.utt_id)])
        found += sound_findings(heard, said)
    found += fact_findings(dataset, heard, said, limits_of(engine))
    found += text_findings(dataset)
    return to_findings(dataset.name, found, len(dataset), minutes)


def _without_audio(dataset: Dataset, audio: bool) -> Iterator[Finding]:
    named = dataset.utterances["audio"]
    if dataset.is_made:
        return
    if named.notna().any():  # else it is a set of texts, to mark by
        for utt_id in dataset.utterances.loc[named.isna(), "utt_id"]:
            yield Finding("no audio", "fill the column audio, or leave it out", utt_id)
    links = sum(is_link(one) for one in named if not pd.isna(one))
    if links and audio:
        yield Finding("not looked at", f"{links:,} of {len(named):,} recordings", value=links)
