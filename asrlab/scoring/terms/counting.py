"""Counting: the measures of listed terms as scores, beside those of all words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from asrlab.scoring.flags.leaks import leaked
from asrlab.scoring.marking import as_scores
from asrlab.scoring.sheet import constant
from asrlab.scoring.terms.biasing import bias_scores_of
from asrlab.scoring.terms.looking import DISTRACTOR, FALSE, HIT, MISSED, NEAR, look

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from asrlab.normalize import NormalizerChoice
    from asrlab.scoring.given import References, Transcripts
    from asrlab.scoring.terms.listed import TermsChoice
    from asrlab.scoring.terms.looking import Looked
    from asrlab.scoring.variants import VariantsChoice


def scores(
    transcripts: Transcripts,
    references: References,
    *,
    terms: TermsChoice | None = None,
    parameters: pd.DataFrame | None = None,
    form: str | None = None,
    unit: str = "auto",
    normalizer: NormalizerChoice = "auto",
    language: str | None = None,
    ties: str = "jiwer",
    missing: str = "raise",
    variants: VariantsChoice | None = None,
) -> pd.DataFrame:
    """Count what became of listed terms, and of all words.

    Parameters
    ----------
    transcripts, references, terms, parameters, form, unit, normalizer, language, ties, missing, variants
        As in :func:`found`, which lists what is counted here.

    Returns
    -------
    DataFrame
        A ``scores`` table of each measure, told apart by ``unit``, for :func:`asrlab.summarize` and
        :func:`asrlab.compare`; :func:`asrlab.precision_recall` makes precision, recall and F1 of "term" and
        "heard term". Utterances that have no terms have no rows but of all words.

        ================  ============================================  ===========================================
        unit              counts                                        its rate
        ================  ============================================  ===========================================
        word, char, ...   as :func:`asrlab.score` has them              WER, CER
        term              hits: said and heard there; dels: said, not   term miss rate, 1 - recall
                          heard there
        heard term        hits: heard where said; subs: heard where     share of false terms, 1 - precision
                          not said
        false term        ins: heard where not said, distractors        false terms for each unit of the reference
                          included; hits: units of the reference
        distractor        ins: different terms that are heard and are   distractors for each unit of the reference
                          nowhere in the reference, each once; hits:
                          units of the reference
        listed word       those of B-WER and U-WER                      B-WER
        unlisted word     (:mod:`asrlab.scoring.terms.biasing`)         U-WER
        leak              with ``parameters``: subs: an answer into     leak rate
                          which the context leaked
                          (:mod:`asrlab.scoring.flags.leaks`); hits:
                          any other
        ================  ============================================  ===========================================

        ``ties`` is "sclite" where terms are placed, for it is NIST's costs that place them. Of a trial without an
        answer that counts as all-deleted, all terms are deleted; it can have no false ones, and what depends on them is
        ``<NA>``.

    Raises
    ------
    InvalidInput
        As :func:`found`.

    Notes
    -----
    A listed word is one of a term that was said, its English possessive included ("nguyen's"), which is an occurrence
    of the term; :func:`bias_scores`, as the published scorer, takes terms as they are spelled.

    "term" is another measure here than by ``lab.score(unit="term")``, which counts a term that is heard anywhere, and
    so scores a transcript that echoes the list without a miss. False terms and distractors of utterances that are
    counted by word and of others that are counted by character are not to be pooled: take them apart by language.

    Examples
    --------
    >>> table = scores(["call doctor win about invoice nguyen"], ["call doctor nguyen about the invoice"],
    ...                terms=["Nguyen", "invoice"])
    >>> print(table[table["unit"].str.contains("term")][["unit", "hits", "subs", "dels", "ins"]].to_string(index=False))
          unit  hits  subs  dels  ins
          term     1     0     1    0
    heard term     1     1     0    0
    false term     6     0     0    1
    """
    looked = look(
        transcripts,
        references,
        terms=terms,
        parameters=parameters,
        form=form,
        unit=unit,
        normalizer=normalizer,
        language=language,
        ties=ties,
        missing=missing,
        variants=variants,
    )
    words = as_scores(looked.sheet, looked.counted, looked.chosen, ties, named=form == "best")
    made = [words, *_of_terms(words, looked)]
    if len(looked.said):
        by_list = bias_scores_of(looked.sheet, looked.said, named=form == "best", possessives=True)
        made.append(by_list[by_list["unit"] != "distractor"])  # those that were not said are counted above
    if parameters is not None:
        made.append(
            leaked(
                transcripts,
                references,
                parameters=parameters,
                form=form,
                normalizer=normalizer,
                language=language,
                missing=missing,
                variants=variants,
            )
        )
    return pd.concat(made, ignore_index=True)


def _of_terms(words: pd.DataFrame, looked: Looked) -> list[pd.DataFrame]:
    """Make the tables of terms from that of words."""
    row = looked.sheet.row[looked.chosen]
    number = np.repeat(row, np.fromiter(map(len, looked.found), np.int64, len(looked.found)))
    kind = np.fromiter((one.kind for some in looked.found for one in some), np.int64, len(number))
    hits, near, missed, false, beside = (
        np.bincount(number[kind == one], minlength=len(words)) for one in (HIT, NEAR, MISSED, FALSE, DISTRACTOR)
    )
    distractors = np.zeros(len(words), np.int64)
    distractors[row] = [len({one.term for one in some if one.kind == DISTRACTOR}) for some in looked.found]
    marked = words["ref_len"].notna().to_numpy(np.bool)
    answered = (words["state"] == "answered").to_numpy(np.bool)
    units = words["ref_len"].fillna(0).to_numpy(np.int64)
    none = np.zeros(len(words), np.int64)
    counts = {
        "term": (_counts(hits, none, near + missed, none), marked),
        "heard term": (_counts(hits, false + beside, none, none), answered),
        "false term": (_counts(units, none, none, false + beside), answered),
        "distractor": (_counts(units, none, none, distractors), answered),
    }
    wanted = words["utt_id"].isin(looked.listed).to_numpy(np.bool)
    base = words[wanted].assign(ties=constant("sclite", int(wanted.sum())))
    return [
        base.assign(
            unit=constant(unit, len(base)),
            **{name: pd.arrays.IntegerArray(column[wanted], ~known[wanted]) for name, column in columns.items()},
        )
        for unit, (columns, known) in counts.items()
    ]


def _counts(
    hits: NDArray[np.int64], subs: NDArray[np.int64], dels: NDArray[np.int64], ins: NDArray[np.int64]
) -> dict[str, NDArray[np.int64]]:
    counted = {"hits": hits, "subs": subs, "dels": dels, "ins": ins}
    return counted | {"ref_len": hits + subs + dels, "hyp_len": hits + subs + ins}
