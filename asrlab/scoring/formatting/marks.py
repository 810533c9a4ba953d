"""Marks and case: which punctuation is right, by kind, and how many words are in the right case.

Words are aligned first, with all marks masked, and then the marks between two aligned words are compared: so in the
punctuation error rate of LibriSpeech-PC (Meister et al. 2023, arXiv 2310.02943), of which this gives the counts.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from rapidfuzz.distance import Levenshtein

from asrlab.scoring.formatting.alignment import aligned
from asrlab.scoring.formatting.marked import keys_of, lay_out_marked, scores_of, unmarked
from asrlab.scoring.formatting.spans import parsed

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from asrlab.scoring.formatting.alignment import Step
    from asrlab.scoring.formatting.marked import Counts, Marked
    from asrlab.scoring.formatting.spans import Parsed
    from asrlab.scoring.given import References, Transcripts
    from asrlab.scoring.variants import VariantsChoice

#: Kind of mark -> pattern of it, in a text whose characters are in one form (full-width ones are ASCII there).
_KINDS: Final = {
    "ellipsis": r"\.{2,}|…+",
    "dash": r"(?<![^\W_])--?(?!\w)|(?<=\s)-(?=\s)|--+|[—―]+",
    "comma": "[,،]",
    "enumeration comma": "[、､]",
    "period": "[.。।۔።։]",
    "question mark": "[?؟]",
    "exclamation mark": "!",
    "colon": ":",
    "semicolon": "[;؛]",
    "inverted mark": "[¿¡]",
    "quote": '["「」『』]',
    "bracket": r"[()\[\]{}《》〈〉【】〔〕]",
}
#: What a mark can be.
MARKS: Final = tuple(_KINDS)
#: Of all kinds together.
ANY: Final = "any"
_MARK: Final = re.compile("|".join(f"(?P<m{n}>{pattern})" for n, pattern in enumerate(_KINDS.values())))


def marks(
    transcripts: Transcripts,
    references: References,
    *,
    form: str | None = None,
    script: str = "fold",
    language: str | None = None,
    channels: str = "each",
    ties: str = "jiwer",
    missing: str = "raise",
    variants: VariantsChoice | None = None,
) -> pd.DataFrame:
    """Count which marks of punctuation are right, by kind.

    Parameters
    ----------
    transcripts, references, form, language, channels, ties, missing, variants
        As in :func:`asrlab.score`. References without punctuation make every mark heard an error: leave them out.
    script : {"fold", "keep"}
        Whether Traditional Chinese is folded to Simplified, so that words meet.

    Returns
    -------
    DataFrame
        A ``scores`` table with the axis ``mark`` (comma, enumeration comma, period, question mark, exclamation mark,
        colon, semicolon, ellipsis, dash, quote, bracket, inverted mark; or any) and three units. ``"mark"``: marks that
        were to be there (hits; subs: another mark stands there; dels: none; the rate is 1 - recall). ``"heard mark"``:
        marks that are there (hits; subs: another mark, or none, should be; the rate is 1 - precision).
        ``"punctuation"``, of any kind: hits, subs, dels and ins of all marks, whose match error rate (``mer`` of
        :func:`asrlab.rates`), (S + D + I) / (C + S + D + I), is the punctuation error rate of LibriSpeech-PC; its
        ``rate`` divides by the marks of the reference. An answer has both rows of a kind that is on either side, and
        none of others.

    Raises
    ------
    InvalidInput
        As :func:`asrlab.score`.

    Notes
    -----
    Marks inside a word or number (well-known, don't, 3.5, 10:15) are none. Full-width marks are their half-width ones,
    and 。 is a period; 、 is a comma in Japanese, elsewhere a kind of its own. Single quotes are not looked at, since
    they are apostrophes too. Where a word is left out, the marks on both of its sides come together.

    Examples
    --------
    >>> found = marks(["Hi dear! Nice to see you! What's?"], ["Hi, dear! Nice to see you. What's"], language="en")
    >>> found.loc[found["unit"] == "punctuation", ["hits", "subs", "dels", "ins"]].iloc[0].tolist()
    [1, 1, 1, 1]
    """
    marked = lay_out_marked(
        transcripts,
        references,
        form=form,
        normalizer=f"auto+script={script}",
        script=script,
        language=language,
        channels=channels,
        ties=ties,
        missing=missing,
        variants=variants,
        taken=("mark",),
    )
    found = {key: _counted(*pair) for key, pair in _distinct(marked, script, ties).items()}
    counted = [
        (row, {"unit": unit, "mark": mark}, counts)
        for row, key in zip(marked.row.tolist(), keys_of(marked), strict=True)
        for (unit, mark), counts in found[key].items()
    ]
    lost = []
    for row, said, preset in unmarked(marked):
        kinds = dict.fromkeys(mark for gap in _gaps(parsed(said, preset, script), preset) for mark in gap)
        lost += [(row, {"unit": unit, "mark": mark}, None) for mark in kinds for unit in ("mark", "heard mark")]
        lost += [(row, {"unit": "punctuation", "mark": ANY}, None)] if kinds else []
    axes = {"unit": ("mark", "heard mark", "punctuation"), "mark": (*MARKS, ANY)}
    return scores_of(marked, [*counted, *lost], "mark", axes, ties)


def case(
    transcripts: Transcripts,
    references: References,
    *,
    form: str | None = None,
    script: str = "fold",
    language: str | None = None,
    channels: str = "each",
    ties: str = "jiwer",
    missing: str = "raise",
    variants: VariantsChoice | None = None,
) -> pd.DataFrame:
    """Count the words that are right in all but case, and those of them whose case is right.

    Parameters
    ----------
    transcripts, references, form, script, language, channels, ties, missing, variants
        As in :func:`marks`.

    Returns
    -------
    DataFrame
        A ``scores`` table with unit ``"cased word"``: words that the alignment has right when case is not looked at, in
        scripts that have case, numbers apart. hits are in the reference's case, subs in another; the rate is the case
        error rate. Words that were misheard are another matter and count in neither.

    Raises
    ------
    InvalidInput
        As :func:`asrlab.score`.

    Examples
    --------
    >>> case(["paris is Big"], ["Paris is big"], language="en")[["hits", "subs", "ref_len"]].iloc[0].tolist()
    [1, 2, 3]
    """
    marked = lay_out_marked(
        transcripts,
        references,
        form=form,
        normalizer=f"auto+script={script}",
        script=script,
        language=language,
        channels=channels,
        ties=ties,
        missing=missing,
        variants=variants,
        taken=(),
    )
    found = {
        key: _cased(said, heard, steps) for key, (said, heard, steps, _) in _distinct(marked, script, ties).items()
    }
    answered = (marked.sheet.rows["state"] == "answered").to_numpy(bool)
    counted: list[tuple[int, dict[str, str], Counts]] = [
        # An answer that counts as all deleted has no word right: there is no case to judge.
        (row, {}, found[key] if answered[row] else (0, 0, 0, 0))
        for row, key in zip(marked.row.tolist(), keys_of(marked), strict=True)
    ]
    return scores_of(marked, [*counted, *((row, {}, None) for row, _, _ in unmarked(marked))], "cased word", {}, ties)


def _distinct(
    marked: Marked, script: str, ties: str
) -> dict[tuple[str, str, str], tuple[Parsed, Parsed, list[Step], str]]:
    """Align each different pair once."""
    keys = list(dict.fromkeys(keys_of(marked)))
    pairs = [(parsed(said, preset, script), parsed(heard, preset, script)) for said, heard, preset in keys]
    return {key: (*pair, steps, key[2]) for key, pair, steps in zip(keys, pairs, aligned(pairs, ties), strict=True)}


def marks_in(text: str, preset: str) -> list[str]:
    """Name the kinds of the marks between two words, in order.

    Examples
    --------
    >>> marks_in(", (", "en"), marks_in("...", "en"), marks_in("、", "ja")
    (['comma', 'bracket'], ['ellipsis'], ['comma'])
    """
    kinds = [MARKS[int((found.lastgroup or "m0")[1:])] for found in _MARK.finditer(text)]
    return ["comma" if kind == "enumeration comma" and preset == "ja" else kind for kind in kinds]


def _gaps(text: Parsed, preset: str) -> list[list[str]]:
    """Give the marks before the first item, between each and the next, and after the last."""
    ends = [0, *(item.end for item in text.items)]
    begins = [*(item.begin for item in text.items), len(text.text)]
    return [marks_in(_beside(text.text, end, begin), preset) for end, begin in zip(ends, begins, strict=True)]


def _beside(text: str, end: int, begin: int) -> str:
    """Give the text of a gap; a hyphen or slash within a word is none of its marks."""
    gap = text[end:begin]
    inside = end > 0 and begin < len(text) and gap in {"-", "/", "'", "&", "."}
    return "" if inside else gap


def compared(said: Parsed, heard: Parsed, steps: Iterable[Step], preset: str) -> list[tuple[str | None, str | None]]:
    """Pair the marks of a reference with those of a transcript.

    Returns
    -------
    list of (kind or None, kind or None)
        What was to be there and what is, in order.
    """
    gaps = _gaps(said, preset), _gaps(heard, preset)
    stretches = [(list(gaps[0][0]), list(gaps[1][0]))]
    for step in steps:
        if step.kind in {"hit", "sub"}:
            stretches.append(([], []))
        if step.kind != "ins":
            stretches[-1][0].extend(gaps[0][step.ref + 1])
        if step.kind != "del":
            stretches[-1][1].extend(gaps[1][step.hyp + 1])
    pairs: list[tuple[str | None, str | None]] = []
    for want, got in stretches:
        for op in Levenshtein.opcodes(want, got):
            lost, made = want[op.src_start : op.src_end], got[op.dest_start : op.dest_end]
            pairs += zip_longest(lost, made)  # as many of each, or none of one
    return pairs


def _counted(said: Parsed, heard: Parsed, steps: Iterable[Step], preset: str) -> dict[tuple[str, str], Counts]:
    pairs = compared(said, heard, steps, preset)
    right = Counter(want for want, got in pairs if want == got)
    replaced = Counter(want for want, got in pairs if want and got and want != got)
    lost = Counter(want for want, got in pairs if want and not got)
    wrong = Counter(got for want, got in pairs if got and want != got)
    found: dict[tuple[str, str], Counts] = {}
    for mark in MARKS:
        if right[mark] + replaced[mark] + lost[mark] + wrong[mark]:
            found["mark", mark] = right[mark], replaced[mark], lost[mark], 0
            found["heard mark", mark] = right[mark], wrong[mark], 0, 0
    if pairs:
        inserted = sum(want is None for want, _ in pairs)
        found["punctuation", ANY] = right.total(), replaced.total(), lost.total(), inserted
    return found


def _cased(said: Parsed, heard: Parsed, steps: Iterable[Step]) -> Counts:
    same: Counter[bool] = Counter()
    for step in steps:
        if step.kind != "hit" or said.items[step.ref].number_class or heard.items[step.hyp].number_class:
            continue
        want, got = said.written(step.ref, step.ref + 1), heard.written(step.hyp, step.hyp + 1)
        if want.lower() != want.upper():
            same[want == got] += 1
    return same[True], same[False], 0, 0
