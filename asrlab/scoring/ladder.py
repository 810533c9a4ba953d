"""The ladder: the same answers marked ever more forgivingly, which tells form from recognition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from asrlab.errors import InvalidInput
from asrlab.normalize import RUNGS
from asrlab.scoring.marking import score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asrlab.executors import Where
    from asrlab.scoring.given import References, Transcripts
    from asrlab.scoring.variants import VariantsChoice


def ladder(
    transcripts: Transcripts,
    references: References,
    *,
    rungs: str | Sequence[str] = RUNGS,
    script: str = "fold",
    form: str | None = None,
    unit: str = "auto",
    language: str | None = None,
    channels: str = "each",
    ties: str = "jiwer",
    missing: str = "raise",
    variants: VariantsChoice | None = None,
    executor: Where = None,
) -> pd.DataFrame:
    """Mark transcripts under ever more forgiving forms of text.

    What a rung takes away from the error rate of the one before it is a matter of that form; what the last one leaves
    is recognition, and form that no rung knows of. The rungs, in their order, each with what those before it do:

    1. ``surface``: the texts as they are.
    2. ``characters``: one code for each character (composition, full width, curly quotes, marks that cannot be seen).
    3. ``case``: lower case, as the language has it.
    4. ``punctuation``: marks that are not part of a word or number are white space.
    5. ``script``: Traditional Chinese is folded to Simplified; Arabic vowel marks are left out.
    6. ``spelling``: one spelling of each word, such as British and American, and contractions opened up.
    7. ``numbers``: numbers in one form, spoken or written.

    Where a language has nothing to do on a rung, it says what the one before it does.

    Parameters
    ----------
    transcripts, references, form, unit, language, channels, ties, missing, variants, executor
        As in :func:`asrlab.score`.
    rungs : str or sequence of str
        Some of the rungs, in any order; they are gone up in theirs.
    script : {"fold", "keep"}
        What ``script`` does: with ``"keep"``, nothing, and so no rung after it folds either.

    Returns
    -------
    DataFrame
        A ``scores`` table of each rung, one after the other, with ``rung`` as an ordered category among the axes.
        ``lab.summarize(table, by="rung")`` has its rates.

    Raises
    ------
    InvalidInput
        As :func:`asrlab.score`, and if there is no such rung.
    MissingExtra
        If a library is not installed that the number forms of a language need.

    Notes
    -----
    The differences between the rates of the rungs add up to that between the first and the last. Mind what each is
    divided by, though: marks that become white space and numbers in another form change how many units a text has, and
    ``ref_len`` with it. A number of five words is one unit on the last rung, so a rate may rise there with no error
    more. Compare settings on one rung rather than one rung's rate with another's.

    Number forms are read from the text with its case and marks, which tell where a number ends. A transcript that has
    none gives less to go by: "we sold twenty five of them" is 25 of them, "We sold twenty, five of them red" is not. So
    an engine without marks may be charged for a few of them on the last rung.

    In a single answer a rung may add an error: "well-known" against "wellknown" is one word wrong before punctuation
    goes, a word wrong and one missing after.

    Choose the rung that you compare on before you look: seven rungs in one table are seven comparisons to
    :func:`asrlab.compare`, which corrects for all of them.

    Examples
    --------
    >>> table = ladder(["it cost 150 dollars"], ["It cost $150."], language="en")
    >>> table[["rung", "subs", "dels", "ins", "ref_len"]].to_string(index=False).splitlines()[-1].split()
    ['numbers', '0', '0', '0', '3']
    """
    rungs = [rungs] if isinstance(rungs, str) else rungs
    if unknown := [rung for rung in rungs if rung not in RUNGS]:
        raise InvalidInput(f"There is no rung {unknown[0]!r}; there are {', '.join(RUNGS)}.")
    if not rungs:
        raise InvalidInput(f"rungs= names none. Leave it out for all: {', '.join(RUNGS)}.")
    if isinstance(transcripts, pd.DataFrame) and "rung" in transcripts.columns:
        raise InvalidInput("The ladder makes a column 'rung' itself, and the transcripts have one. Rename it there.")
    climbed = [rung for rung in RUNGS if rung in rungs]
    tables = [
        score(
            transcripts,
            references,
            normalizer=f"auto+script={script}@{rung}",
            form=form,
            unit=unit,
            language=language,
            channels=channels,
            ties=ties,
            missing=missing,
            variants=variants,
            executor=executor,
        ).assign(rung=rung)
        for rung in climbed
    ]
    table = pd.concat(tables, ignore_index=True)
    return table.assign(rung=pd.Categorical(table["rung"], climbed, ordered=True))
