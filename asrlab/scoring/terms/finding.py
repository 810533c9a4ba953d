"""Finding: each listed term that was said or heard, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.scoring.terms.looking import DISTRACTOR, look

if TYPE_CHECKING:
    from asrlab.normalize import NormalizerChoice
    from asrlab.scoring.given import References, Transcripts
    from asrlab.scoring.terms.listed import TermsChoice
    from asrlab.scoring.variants import VariantsChoice

#: Names of the kinds, by their number.
KINDS: Final = ("hit", "near miss", "missed", "false", "distractor")


def found(
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
    """List each occurrence of a listed term: said and heard there, missed, or heard where it was not said.

    Parameters
    ----------
    transcripts, references, form, unit, normalizer, language, missing, variants
        As in :func:`asrlab.score`. Terms are cut as texts are: by word a term is whole words, by character it is a run
        of characters, so that Chinese, Japanese and Thai terms need no spaces around them.
    terms : DataFrame or sequence of str, optional
        A ``terms`` table, or terms to look for in all utterances. By default those of the dataset. Those of one
        utterance with role ``present`` must be in its reference; else the role is read off the reference.
    parameters : DataFrame, optional
        What each answer was asked with, such as ``sweep.parameters``. The terms that the contexts of an utterance name
        (:func:`asrlab.lists.items`) are looked for in all its answers, whatever each was asked with: settings
        are measured by one yardstick. Warns if no reference has any of them: then they may be no lists.
    ties : {"jiwer", "sclite"}
        Whose counts decide which of several references is marked against, as in :func:`asrlab.score`.

    Returns
    -------
    DataFrame
        A ``found`` table, a row an occurrence; axes after the declared columns. In the order of the transcripts, and in
        each in the order of the reference, then (false terms and distractors) of the transcript. Answers without an
        occurrence have no row.

    Raises
    ------
    InvalidInput
        As :func:`asrlab.score`; if there are no terms, or a term of an utterance is not in its reference.

    Notes
    -----
    Where terms stand: in the normalised reference and transcript, of places that overlap the longest ("New York", not
    "York" in it), so that a place counts once. By word, an English possessive is an occurrence of its term
    ("nguyen's"), and so is any of ``variants``.

    Heard there: the alignment sets the term that was said, as a whole, against the same term. The alignment is one of
    those of least cost, 4 a substitution, 3 a deletion or an insertion (NIST's sclite; is21_deep_bias), whatever
    ``ties`` is: unit costs would rather substitute two words than find one of them a place further on. Among
    alignments of the same cost it is one with the fewest errors, as sclite's, and among those one with most terms
    against each other (not searched where two texts and the number of their terms are very large; overlapping terms may
    then be one fewer). So a term that is heard one place
    aside, among words that are wrong, is heard there; one that is heard elsewhere is missed here and false there,
    though a count of words would find all of it. A term that has a unit too many or too few in it, or is split or
    joined otherwise, is missed, most often as a near miss.

    ==========  ==============================================================================================
    hit         said, and heard there
    near miss   said, and something much like it was heard there (``likeness`` of 0.65 and more)
    missed      said, and nothing like it was heard there
    false       heard, and not said there, but somewhere in this utterance
    distractor  heard, and said nowhere in this utterance
    ==========  ==============================================================================================

    A term that is heard right as a part of a longer one that was said ("York" of "New York") is none of these. Where
    "York" was said and "New York" is heard, and both are listed, "York" is missed, a near miss, and "New York" is
    false: what is heard there is "New York", and counts once.

    ``likeness`` is by looks, romanised letters (Han by Mandarin readings) and classes of sound, in any script
    (:func:`asrlab.scoring.likeness.likeness`), of the run heard at that place that is most alike.

    Limits: an inflected form is another word; list it, give it as one of ``variants``, or use ``unit="char"``. By
    character, a term is found in longer words too ("ann" in "annual"); Japanese and Chinese readings written in other
    characters are other terms.

    Examples
    --------
    >>> said = ["call doctor nguyen about the invoice"]
    >>> heard = ["call doctor win about invoice nguyen"]
    >>> table = found(heard, said, terms=["Nguyen", "invoice"])
    >>> print(table[["kind", "term", "ref", "hyp", "ref_begin", "hyp_begin"]].to_string(index=False))
      kind    term     ref     hyp  ref_begin  hyp_begin
    missed  Nguyen  nguyen     win          2          2
       hit invoice invoice invoice          5          4
     false  Nguyen    <NA>  nguyen          6          5
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
    sheet = looked.sheet
    if taken := [name for name in sheet.axes if name in tables.SCHEMAS["found"]]:
        raise InvalidInput(
            f"Looking for terms makes a column {taken[0]!r} itself, and the transcripts have one. Rename it there."
        )
    many = np.fromiter(map(len, looked.found), np.int64, len(looked.found))
    row, reference = (np.repeat(side[looked.chosen], many) for side in (sheet.row, sheet.reference))
    shown = [name for name in sheet.rows.columns if name in tables.SCHEMAS["found"] or name in sheet.axes]
    table = sheet.rows[shown].take(row).reset_index(drop=True)
    for name in ("alternative", "wording"):
        table[name] = sheet.references[name].array.take(reference)
    if form == "best":
        table["marked_form"] = sheet.references["form"].array.take(reference)
    every = [one for some in looked.found for one in some]
    kind = np.fromiter((one.kind for one in every), np.int64, len(every))
    table["kind"] = pd.array(KINDS, dtype="string").take(kind)
    table["role"] = pd.array(["present", "distractor"], dtype="string").take((kind == DISTRACTOR).astype(np.intp))
    for name in ("term", "ref", "hyp"):
        table[name] = pd.array([getattr(one, name) for one in every], dtype="string")
    place = np.array([one.place for one in every], np.int64).reshape(-1, 4)
    for k, name in enumerate(("ref_begin", "ref_end", "hyp_begin", "hyp_end")):
        table[name] = pd.array(place[:, k], dtype="Int64")
    alike = np.fromiter((one.alike for one in every), np.float64, len(every))
    table["likeness"] = pd.arrays.FloatingArray(alike, np.isnan(alike))
    return tables.check(table, "found", required=("utt_id", "kind", "term"))
