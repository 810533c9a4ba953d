"""Numbers: how many of those that were said are right, of each class, as they are written and in value.

A number error rate by class shows what a word error rate hides: "pay 25.50 on may 3" heard as "pay 25.15 on may 3" has
one word wrong of five, and one number of two.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from asrlab.scoring.formatting.alignment import aligned, folded
from asrlab.scoring.formatting.classes import NUMBER_CLASSES
from asrlab.scoring.formatting.codes import with_codes_joined
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

#: What a number is judged by.
JUDGED: Final = ("surface", "value")


def numbers(
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
    """Count which numbers of the references are right, by class.

    Parameters
    ----------
    transcripts, references, form, language, channels, ties, missing, variants
        As in :func:`asrlab.score`. Against ``form="written"``, "ten fifteen" for "10:15" is of the right value and
        another form; against ``form="spoken"``, "10:15" for "ten fifteen" is. Which it was stands in the table.
    script : {"fold", "keep"}
        Whether Traditional Chinese is folded to Simplified before anything is compared.

    Returns
    -------
    DataFrame
        A ``scores`` table with unit ``"number"`` and the axes ``number_class`` (cardinal, ordinal, decimal, fraction,
        percent, date, time, money, measure, phone, code: what the number of the reference is) and ``judged``:
        ``"surface"``, right if it is written as in the reference but for case, hyphens in words and white space; and
        ``"value"``, right if it says the same, in any form. hits are right, subs wrong, dels missing (nothing in the
        transcript stands in its place), ins 0: the rate is the number error rate, and the difference of the two is
        form. A row is an answer with all its numbers of one class; answers whose reference has no number have none.

    Raises
    ------
    InvalidInput
        As :func:`asrlab.score`.
    MissingExtra
        If a library is not installed that the numbers of a language need.

    Notes
    -----
    A number is a stretch of the text with its sign, unit, month or half of the day, found by bringing the text's
    numbers to one form (:mod:`asrlab.normalize.numbers`). Number words that are mostly written as words are no numbers:
    "one of them", 一心一意, "first of all"; "third" is one only where it is written 3rd. Reference and transcript are
    aligned with each number as one item. It is right in value where an equal item answers it, so "5" for "5 million" is
    wrong, and "25.15" for "25.50" as wrong as "apple". In a language that has no reader of numbers, only those in
    digits are found and nothing but the digits tells their value.

    ``"value"`` can be no better than the readers. In English, 22:15 is 10:15 p.m., and 0:15 is 12:15 a.m.; in any
    language, "b twelve" is the code B12 where the other side writes it so. Not known to be the same, and thus wrong in
    value, are among others: "half" and "1/2", "half a cup" and "1/2 cup"; "10:15 in the evening", 下午三点 and other
    halves of the day in words, and 22:15 and 15:00; "A320" and "a three twenty"; "two to three" and "2-3". Look at what
    is wrong in value before you publish a rate of it.

    Examples
    --------
    >>> found = numbers(["pay 25.15 on may third"], ["Pay 25.50 on May 3."], language="en")
    >>> print(found[["number_class", "judged", "hits", "subs", "ref_len"]].to_string(index=False))
    number_class  judged  hits  subs  ref_len
         decimal surface     0     1        1
         decimal   value     0     1        1
            date surface     0     1        1
            date   value     1     0        1
    """
    marked = lay_out_marked(
        transcripts,
        references,
        form=form,
        normalizer=f"auto+script={script}+numbers",
        script=script,
        language=language,
        channels=channels,
        ties=ties,
        missing=missing,
        variants=variants,
        taken=("number_class", "judged"),
    )
    found = _distinct(marked, script, ties)
    counted = [
        (row, {"number_class": number_class, "judged": judged}, counts)
        for row, key in zip(marked.row.tolist(), keys_of(marked), strict=True)
        for (number_class, judged), counts in found[key].items()
    ]
    lost = [
        (row, {"number_class": number_class, "judged": judged}, None)
        for row, said, preset in unmarked(marked)
        for number_class in classes_in(parsed(said, preset, script))
        for judged in JUDGED
    ]
    axes = {"number_class": NUMBER_CLASSES, "judged": JUDGED}
    return scores_of(marked, [*counted, *lost], "number", axes, ties)


def classes_in(text: Parsed) -> list[str]:
    """Name the classes of the numbers of a text, each once, in the order of the classes."""
    there = {item.number_class for item in text.items}
    return [number_class for number_class in NUMBER_CLASSES if number_class in there]


def judge(said: Parsed, heard: Parsed, steps: Iterable[Step]) -> dict[tuple[str, str], Counts]:
    """Count the numbers of a reference that are right, wrong and missing.

    Parameters
    ----------
    said, heard : Parsed
        Reference and transcript.
    steps : iterable of Step
        Their alignment.

    Returns
    -------
    dict
        From class and how it was judged (surface, value) to hits, subs, dels and ins.
    """
    counts: Counter[tuple[str, str, str]] = Counter()
    for step in steps:
        if step.kind == "ins" or not (number_class := said.items[step.ref].number_class):
            continue
        by_value = step.kind
        same = by_value == "hit" and folded(said.written(step.ref, step.ref + 1)) == folded(
            heard.written(step.hyp, step.hyp + 1)
        )
        counts[number_class, "value", by_value] += 1
        counts[number_class, "surface", "hit" if same else "del" if by_value == "del" else "sub"] += 1
    return {
        (number_class, judged): (
            counts[number_class, judged, "hit"],
            counts[number_class, judged, "sub"],
            counts[number_class, judged, "del"],
            0,
        )
        for number_class in classes_in(said)
        for judged in JUDGED
    }


def _distinct(marked: Marked, script: str, ties: str) -> dict[tuple[str, str, str], dict[tuple[str, str], Counts]]:
    """Judge each different pair once."""
    keys = list(dict.fromkeys(keys_of(marked)))
    pairs = []
    for *texts, preset in keys:
        said, heard = with_codes_joined([parsed(text, preset, script) for text in texts])
        pairs.append((said, heard))
    pairs_with_numbers = [n for n, (said, _) in enumerate(pairs) if any(item.number_class for item in said.items)]
    steps = aligned([pairs[n] for n in pairs_with_numbers], ties)
    found = {keys[n]: judge(*pairs[n], path) for n, path in zip(pairs_with_numbers, steps, strict=True)}
    return {key: found.get(key, {}) for key in keys}
