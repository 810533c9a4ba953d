"""Flags: the findings of all detectors as one table. Nothing is dropped: a flagged answer is shown apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd
from rapidfuzz.distance import Indel

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.scoring.flags import foreign, invention, leaks, loops
from asrlab.scoring.flags.listening import listen
from asrlab.scoring.tokens import together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asrlab.normalize import NormalizerChoice
    from asrlab.scoring.flags.heard import Detector, Finding, Heard
    from asrlab.scoring.given import References, Transcripts
    from asrlab.scoring.variants import VariantsChoice

#: Flag -> the detector that tells it.
DETECTORS: Final[Mapping[str, Detector]] = {
    "leak": leaks.leaks,
    "loop": loops.loops,
    "compression": loops.compression,
    "insertions": invention.insertions,
    "silence": invention.silence,
    "speech rate": invention.rate,
    "script": foreign.mismatched,
    "translation": foreign.translated,
}
#: Columns of transcripts and scores that a table of flags has too.
_OF_ANSWERS: Final = ("trial", "utt_id", "condition", "repeat", "channel", "spoken_language")
#: Marks that end what stands before the evidence.
_MARKS: Final = ",.;:!?、，。；：！？)]}»”’"


def flags(
    transcripts: Transcripts,
    references: References | None = None,
    *,
    parameters: pd.DataFrame | None = None,
    only: str | Sequence[str] | None = None,
    form: str | None = None,
    unit: str = "auto",
    normalizer: NormalizerChoice = "auto",
    language: str | None = None,
    variants: VariantsChoice | None = None,
) -> pd.DataFrame:
    """Find the answers that are wrong in a way that no error rate shows: leaks, loops, words that nobody said.

    Parameters
    ----------
    transcripts : DataFrame, str or sequence of str
        As in :func:`asrlab.score`. Trials without an answer have no flags.
    references : Dataset, DataFrame, str or sequence of str, optional
        As in :func:`asrlab.score`: what is right by the alignment is no leak and no loop. Without them answers are
        judged by their shape alone, which finds less, and takes a speaker who repeats or lists things for an engine
        that does; figures with and without references are not to be compared.
    parameters : DataFrame, optional
        What was sent: ``sweep.parameters``, or a table with utt_id (and condition) and the columns context and
        language. Leaks are found in answers whose context is known.
    only : str or sequence of str, optional
        Some of the flags; by default all.
    form, unit, normalizer, language, variants
        As in :func:`asrlab.score`.

    Returns
    -------
    DataFrame
        A ``flags`` table, one row a finding, in the order of the transcripts; axes after the declared columns.
        ``begin`` and ``end`` count the units of the transcript as it is normalised and cut for marking; ``evidence`` is
        what stands there in the transcript as given. The flags:

        - ``leak``: terms or words of the context in a row where none of it was said (:mod:`asrlab.scoring.flags.leaks`)
        - ``loop``: words repeated more often than they were said (:mod:`asrlab.scoring.flags.loops`)
        - ``compression``: a text that compresses more than 2.4 times
        - ``insertions``: five words (eight characters) and more inserted in a row
        - ``silence``: words where nothing was said
        - ``speech rate``: more syllables a second than anyone speaks (:mod:`asrlab.scoring.flags.invention`)
        - ``script``: another script than was said or is the language's (:mod:`asrlab.scoring.flags.foreign`)
        - ``translation``: what reads as a translation into another language

    Raises
    ------
    InvalidInput
        As :func:`asrlab.score`; if there is no such flag; if parameters do not tell the context of every answer.

    Examples
    --------
    >>> heard = pd.DataFrame({"utt_id": ["a", "b"], "text": ["Kestrel, Ostrava. We meet at nine", "we met at nine"]})
    >>> said = pd.DataFrame({"utt_id": ["a", "b"], "text": "We meet at nine."})
    >>> sent = pd.DataFrame({"utt_id": ["a", "b"], "context": "Kestrel, Ostrava, Van Houten, cleanroom"})
    >>> found = flags(heard, said, parameters=sent)
    >>> found[["utt_id", "flag", "begin", "end", "evidence"]].to_dict("records")
    [{'utt_id': 'a', 'flag': 'leak', 'begin': 0, 'end': 2, 'evidence': 'Kestrel, Ostrava.'}]
    """
    names = list(DETECTORS) if only is None else [only] if isinstance(only, str) else list(only)
    if unknown := [name for name in names if name not in DETECTORS]:
        raise InvalidInput(f"There is no flag {unknown[0]!r}; there are {', '.join(DETECTORS)}.")
    listened = listen(
        transcripts,
        references,
        parameters=parameters,
        form=form,
        unit=unit,
        normalizer=normalizer,
        language=language,
        variants=variants,
    )
    findings = [finding for name in names for finding in DETECTORS[name](listened.heard)]
    order = {name: n for n, name in enumerate(names)}
    findings.sort(key=lambda one: (one.row, order.get(one.flag, len(order)), -1 if one.begin is None else one.begin))
    heard = {one.row: one for one in listened.heard}
    found = listened.rows.take([one.row for one in findings])[[*_OF_ANSWERS, *listened.axes]].reset_index(drop=True)
    columns = {
        "flag": [one.flag for one in findings],
        "value": [one.value for one in findings],
        "begin": [one.begin for one in findings],
        "end": [one.end for one in findings],
        "evidence": [_evidence(heard[one.row], one) for one in findings],
        "what": [one.what for one in findings],
    }
    dtypes = {name: tables.SCHEMAS["flags"][name][0] for name in columns}
    found = found.assign(**{name: pd.array(column, dtype=dtypes[name]) for name, column in columns.items()})  # type: ignore[call-overload]
    return tables.check(found, "flags")


def _folded(text: str) -> str:
    """Bring a text to one case, sign by sign: places stay what they are."""
    return "".join(sign.casefold() if len(sign.casefold()) == 1 else sign for sign in text)


def _evidence(one: Heard, finding: Finding) -> str | None:
    """Take the words of a finding from the transcript as it was given, as nearly as units tell where they stand."""
    if finding.evidence is not None or finding.begin is None or finding.end is None:
        return finding.evidence
    wanted = one.units[finding.begin : finding.end]
    if not wanted:
        return None
    start, end = 0, len(one.text)
    before, after = (len("".join(one.units[:n])) for n in (finding.begin, finding.end))
    heard, written = _folded("".join(one.units)), _folded(one.text)
    for block in Indel.editops(heard, written).as_matching_blocks():
        if block.a < before and block.size:
            start = block.b + min(block.size, before - block.a)
        if block.a + block.size > after:
            end = block.b + max(after - block.a, 0)
            break
    return one.text[start:end].strip().lstrip(_MARKS).lstrip() or together(wanted, one.recipe.unit)
