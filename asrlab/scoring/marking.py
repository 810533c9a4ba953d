"""Scores: transcripts marked against references, as counts.

Counts are kept and rates derived later, because a rate is pooled by adding counts; a mean of rates is another number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, Unpack, overload

import numpy as np
import pandas as pd

from asrlab import parquet, tables
from asrlab.errors import AsrlabError
from asrlab.executors import check_executor
from asrlab.scoring.alternatives import order
from asrlab.scoring.batches import Batch, batches, work_off
from asrlab.scoring.codes import encode
from asrlab.scoring.counts import check_ties, count_pairs
from asrlab.scoring.out_of_core import score_in_parts
from asrlab.scoring.settings import unanswered
from asrlab.scoring.sheet import Sheet, constant, lay_out
from asrlab.scoring.term_recall import count_terms, terms_by_target
from asrlab.scoring.variants import variants_in
from asrlab.text import fingerprint

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    from numpy.typing import NDArray
    from pandas.api.extensions import ExtensionArray

    from asrlab.executors import Where
    from asrlab.normalize import NormalizerChoice
    from asrlab.scoring.given import References, Transcripts
    from asrlab.scoring.sheet import Whole
    from asrlab.scoring.term_recall import Target, Term
    from asrlab.scoring.variants import VariantsChoice


class _Options(TypedDict, total=False):
    form: str | None
    unit: str
    normalizer: NormalizerChoice
    language: str | None
    channels: str
    ties: str
    missing: str
    variants: VariantsChoice | None
    executor: Where


@overload
def score(
    transcripts: Transcripts,
    references: References,
    *,
    to: None = None,
    **options: Unpack[_Options],
) -> pd.DataFrame: ...


@overload
def score(
    transcripts: Transcripts,
    references: References,
    *,
    to: str | PathLike[str],
    **options: Unpack[_Options],
) -> Path | str: ...


def score(
    transcripts: Transcripts,
    references: References,
    *,
    form: str | None = None,
    unit: str = "auto",
    normalizer: NormalizerChoice = "auto",
    language: str | None = None,
    channels: str = "each",
    ties: str = "jiwer",
    missing: str = "raise",
    variants: VariantsChoice | None = None,
    executor: Where = None,
    to: str | PathLike[str] | None = None,
) -> pd.DataFrame | Path | str:
    r"""Mark transcripts against references.

    Parameters
    ----------
    transcripts : DataFrame, str, sequence of str, or path
        What was heard. As a table: a ``transcripts`` table, of which ``utt_id`` and ``text`` are needed; without the
        others all rows are of one condition (``"unnamed"``), the first repeat, the only channel that has a reference,
        and answered where there is a text, else failed. Columns that the table does not declare are axes and are
        carried along.
        As texts: one for each reference, in the same order; None is a failure. A path or URL is that of Parquet: of a
        file (a text that ends in ``.parquet`` is no transcript), of a folder of files, or with ``*`` in the names of
        some.
    references : Dataset, DataFrame, str, sequence of str, or path
        What was said: anything with the tables ``utterances``, ``references`` and ``terms``; or one table with
        ``utt_id`` and ``text``, and ``channel``, ``form``, ``alternative``, ``language``, ``speaker`` and ``recording``
        where they are known, or the path of one; or texts. Transcripts come first here; in jiwer, references do. A text
        may have alternatives in it, ``colo{u|}r`` or ``so {um|uh|} yes`` (:mod:`asrlab.wordings`): the nearest to what
        was heard is marked against. Braces and bars that are of the text have a backslash, ``\{a\|b\}``.
    form : str, optional
        Form of the reference to mark against. Needed where the references have more than one. ``"best"`` marks against
        every form and takes the one with the fewest errors; ``marked_form`` then names it. Of equals it is the longest
        (which has the lowest rate), then the first by name and number.
    unit : {"auto", "word", "char", "codepoint", "mixed", "term", "sentence"}
        What is counted. ``"auto"``: words, or characters for languages written without spaces (by the script of the
        reference where the language is not known); the column ``unit`` says what was chosen. The others are those of
        :func:`asrlab.scoring.tokens.tokens`; and ``"term"``: occurrences of the terms that are present, wherever they
        are heard (:mod:`asrlab.scoring.term_recall`), so that ``dels / ref_len`` is the term miss rate, 1 -
        recall; subs and ins are 0, hyp_len is hits, and utterances without terms are left out; and ``"sentence"``: each
        answer is one unit, right if it has no error when cut as ``"auto"`` has it, else substituted, also where the
        reference is empty, so that the rate is the share of answers with any error (``ser`` of :func:`asrlab.rates`
        with ``"auto"``). One that counts as all-deleted is deleted, also where nothing was said (with ``"auto"`` it has
        no error then).
    normalizer : str, Normalizer, or mapping of language to either
        ``"auto"``: by the language of the recording, else by the script of its reference. See
        :func:`asrlab.normalizer`.
    language : str, optional
        Language code of the utterances that have none.
    channels : {"each", "joined"}
        ``"each"``: the transcript of a channel against the reference of that channel. ``"joined"``: the transcripts of
        all channels, one after another in the order of the channels, against the references joined in the same way: one
        rate for the recording. A channel that nobody asked for is deleted words; on which channel a word was heard
        matters as far as it changes that order. Of wordings, every combination is tried.
    ties : {"jiwer", "sclite"}
        Where several alignments are equally short: the subs, dels and ins of jiwer, or those of NIST's sclite. See
        :func:`asrlab.scoring.counts.counts`. Match error rate and word information lost depend on it.
    missing : {"raise", "drop", "all-deleted"}
        How trials count that have no answer: failed, unknown, not yet run, or missing, which is that a setting has no
        row of an utterance and channel that has a reference; those that a race has spared never count. (A setting is a
        condition and repeat, and where these leave rows of an utterance alike, the axes that tell them apart with the
        fewest settings. Of joined channels, one is missed only in settings that have it of some other utterance.)
        ``"raise"``: such a table is refused.
        ``"drop"``: they stand in the table with their state and ``<NA>`` counts, and so in no rate.
        ``"all-deleted"``: all units of their reference are deleted, of several the longest.
    variants : DataFrame, sequence of sequence of str, or path, optional
        What may be written in several ways wherever a reference has one of them; each row the ways to write one thing,
        such as ``["gonna", "going to"]``. Any of them is right then: references get alternatives (see Notes),
        transcripts stay as they are. Ways are found as whole words, in scripts without spaces anywhere, within one
        alternative and not across its ends; where some overlap, each may be taken. They are found in any case, and
        stand in the case of what they replace; but ways in capitals, such as "US", are found in capitals only, unless
        the whole table is in capitals. In a list, ``""`` is for what may be left out, with the marks that would then
        stand alone. The path is that of a table without a head (``.csv``, ``.tsv``), or of NIST's rules (``.glm``),
        ``[uh] => [um] / [ ] __ [ ]``: as there, texts that rules make the same are right for one another, in any case.
        Terms may be written in any of their ways too.
    executor : concurrent.futures.Executor or distributed.Client, optional
        Where to work: a process pool uses more processors, a Dask client a cluster (:mod:`asrlab.executors`). The table
        is the same.
    to : str or path, optional
        A folder, or its URL, where scores go as Parquet: for tables that do not fit into memory, neither these nor
        those. It is there as a whole in the end, or not at all; one that holds parts of other scores is replaced, one
        that holds something else refused. Behind a URL, parts that are not all there are refused when they are read.

    Returns
    -------
    DataFrame, or Path or str
        A ``scores`` table in the order of the transcripts (then of the references for what is missing), axes after the
        declared columns. With ``to`` its folder or URL, which :func:`asrlab.summarize` and others take: there, the
        utterances are in the order of the references (of a dataset, of its utterances), the answers to each in the
        order of the transcripts, and after them what is missing; axes of whole numbers or flags can be without a value,
        and those of text are of dtype string. Levels of text are ordered by where they first appear, which may be
        another order there: name the baseline of a comparison, or make the axis a categorical, whose order stays.

        An empty reference has ``ref_len`` 0, and what was heard counts as insertions. Of alternatives
        in a form the one with the fewest errors is taken, as with ``form="best"``; ``alternative`` is its number, and
        ``wording`` the text that was marked against, where the reference has alternatives in it (else ``<NA>``).
        Where ``variants`` widen references, ``form`` says so, ``"spoken+variants:3f2a91c0"``, with a fingerprint of the
        table: scores by other references are not pooled or compared with these.

        ``block`` says what is independent of what: the speaker, where most of the utterances with this unit and
        normalizer have one, else the recording, else the utterance. The utterances whose speaker (or recording) is not
        given form one block together: any of them may share a voice, and one block too few only widens an interval.

        ``heard`` is a fingerprint of the transcript before anything is done to it (of joined channels, of the joined
        text), by which :func:`asrlab.agreement` tells whether the same was heard again.

    Raises
    ------
    InvalidInput
        If references or answers are missing or ambiguous, rows are double, utterances are unknown, terms are not in
        the reference, alternatives or variants are broken, or an option is unknown; if Parquet cannot be read, or is of
        another table; or if ``to`` holds something else.
    StoreError
        If scores cannot be written.
    MissingExtra
        If a URL needs a package that is not installed.

    Notes
    -----
    Of a reference whose alternatives make up to 32 wordings, each is tried, as if it were a reference of its own. Of
    more, the one with the fewest errors (of equals the longest, then the first) is found without trying them all: its
    words or characters are normalised stretch by stretch between alternatives, errors are counted as jiwer counts them,
    and the text that is found so is then marked as any other. That is exact where a normalizer does nothing across the
    borders of alternatives. Where it is seen to, as number forms do, it is near: from there, and from the ways that are
    spelled as what was heard, one or two alternatives are changed at a time as long as the whole text has fewer errors.
    Of 1,600 texts of little but number words, English and Chinese, 10 had more errors so than by the best of all their
    wordings (578 without that search). A trial without an answer that counts as all-deleted lacks all of the longest
    wording. A term (``unit="term"``) must be in every wording that is marked against, as in every alternative.

    Examples
    --------
    >>> heard = pd.DataFrame({"utt_id": ["a"], "text": ["the cat sit on mat"]})
    >>> said = pd.DataFrame({"utt_id": ["a"], "text": ["The cat sat on the mat."]})
    >>> score(heard, said)[["unit", "hits", "subs", "dels", "ins", "ref_len"]].to_dict("records")
    [{'unit': 'word', 'hits': 4, 'subs': 1, 'dels': 1, 'ins': 0, 'ref_len': 6}]
    >>> score(["我想喝辣椒"], ["我想喝latte"], unit="mixed")[["subs", "dels", "ins"]].to_dict("records")
    [{'subs': 1, 'dels': 0, 'ins': 1}]
    >>> marked = score(["it's gonna rain"], ["so {um|uh|} it's going to rain"], variants=[["gonna", "going to"]])
    >>> marked[["wording", "dels", "ref_len"]].to_dict("records")
    [{'wording': "so it's gonna rain", 'dels': 1, 'ref_len': 4}]
    """
    check_ties(ties)
    check_executor(executor)
    known = variants_in(variants)
    options: dict[str, Any] = {"form": form, "unit": unit, "normalizer": normalizer, "language": language}
    options |= {"channels": channels, "ties": ties, "missing": missing, "variants": known}
    try:
        if to is not None:
            return score_in_parts(transcripts, references, to, mark=marked, options=options, executor=executor)
        return marked(transcripts, references, **options, executor=executor)
    except AsrlabError:
        raise
    except Exception:  # of whatever reads a stored text that is none
        parquet.check_texts(transcripts, "transcripts")
        parquet.check_texts(references, "references")
        raise


def marked(
    transcripts: Transcripts,
    references: References,
    *,
    unit: str,
    form: str | None,
    ties: str,
    missing: str,
    executor: Where,
    whole: Whole | None = None,
    **options: Any,  # noqa: ANN401 - those of lay_out
) -> pd.DataFrame:
    """Mark what is in memory: all of a table, or the part of one of which ``whole`` is known."""
    sheet, listed = lay_out(
        transcripts,
        references,
        form=form,
        unit=unit,
        missing="drop" if unit == "term" and missing == "raise" else missing,
        executor=executor,
        whole=whole,
        **options,
    )
    if unit == "term":
        found, sheet = _term_counts(sheet, listed)
        wanted = sheet.rows[sheet.rows["state"] != "spared"]
        if missing == "raise" and (wanted["state"] != "answered").any():
            raise unanswered(wanted, ["condition", "repeat", *sheet.axes])
    else:
        found = pair_counts(sheet, ties, executor)
    chosen = best(sheet, found)
    if unit == "sentence":
        found = _judged_whole(found, (sheet.rows["state"] == "answered").to_numpy(bool)[sheet.row])
    return as_scores(sheet, found, chosen, ties, named=form == "best")


def pair_counts(sheet: Sheet, ties: str, executor: Where) -> NDArray[np.int64]:
    """Count hits, subs, dels and ins of each pair of a sheet; shape (pairs, 4)."""
    recipe, said, heard = sheet.recipe[sheet.row], sheet.said[sheet.reference], sheet.heard[sheet.row]
    parts, place = batches(sheet.texts, sheet.recipes, recipe, said, heard, ties=ties)
    counted = work_off(_count, parts, executor)
    return np.concatenate(counted)[place] if counted else np.zeros((0, 4), np.int64)


def _count(batch: Batch) -> NDArray[np.int64]:
    return count_pairs(*batch.normalised(), batch.recipe.unit, batch.ties)


def best(sheet: Sheet, found: NDArray[np.int64]) -> NDArray[np.intp]:
    """Choose for each row that is marked the pair with the fewest errors, of equals that of the longest reference.

    Of a trial without an answer all is deleted, and it is that of the longest reference: more ways to be right must not
    make a failure cheaper.
    """
    if len(sheet.row) < 2 or not (np.diff(sheet.row) == 0).any():
        return np.arange(len(sheet.row))
    lost = (sheet.rows["state"] != "answered").to_numpy(bool)[sheet.row]
    best_first = order(np.where(lost[:, None], -found, found), sheet.row)
    return best_first[np.unique(sheet.row[best_first], return_index=True)[1]]


def _judged_whole(found: NDArray[np.int64], answered: NDArray[np.bool]) -> NDArray[np.int64]:
    """Make one unit of each pair: right or substituted; deleted where there is no answer."""
    right = answered & (found[:, 1:].sum(axis=1) == 0)
    return np.stack([right, answered & ~right, ~answered, np.zeros(len(found), bool)], axis=1).astype(np.int64)


def as_scores(
    sheet: Sheet, found: NDArray[np.int64], chosen: NDArray[np.intp], ties: str, *, named: bool
) -> pd.DataFrame:
    """Make a table of the counts of the pairs that were chosen; ``named``: with the form that was marked against."""
    rows = sheet.rows
    row, reference = sheet.row[chosen], sheet.reference[chosen]
    hits, subs, dels, ins = found[chosen].T
    marked = {"hits": hits, "subs": subs, "dels": dels, "ins": ins}
    marked |= {"ref_len": hits + subs + dels, "hyp_len": hits + subs + ins}
    marked["alternative"] = sheet.references["alternative"].to_numpy(np.int64)[reference]
    unmarked = np.ones(len(rows), bool)
    unmarked[row] = False
    columns: dict[str, ExtensionArray] = {"ties": constant(ties, len(rows)), "heard": _fingerprints(sheet)}
    for name, values in marked.items():
        whole = np.zeros(len(rows), np.int64)
        whole[row] = values
        columns[name] = pd.arrays.IntegerArray(whole, unmarked)
    place = np.full(len(rows), -1)
    place[row] = reference
    for name, column in (("wording", "wording"), *([("marked_form", "form")] if named else [])):
        columns[name] = sheet.references[column].array.take(place, allow_fill=True)
    shown = [*tables.SCHEMAS["scores"], *sheet.axes, *(["marked_form"] if named else [])]
    return tables.check(rows.assign(**columns)[shown], "scores")


def _fingerprints(sheet: Sheet) -> ExtensionArray:
    """Give each row the fingerprint of its text as it was given, ``<NA>`` where there is none."""
    answered = (sheet.rows["state"] == "answered").to_numpy(bool)
    used, place = np.unique(sheet.heard[answered], return_inverse=True)
    made = [fingerprint(sheet.texts[n]) for n in used.tolist()]
    whole = np.full(len(answered), -1)
    whole[answered] = place
    return pd.array(made, dtype="string").take(whole, allow_fill=True)


def _term_counts(sheet: Sheet, listed: pd.DataFrame) -> tuple[NDArray[np.int64], Sheet]:
    """Count the terms of each pair, and leave out of the sheet what has none."""
    references = sheet.references
    coded, cut = _coded_with_terms(sheet, listed)
    said = [coded[key] for key in zip(sheet.said_recipe.tolist(), sheet.said.tolist(), strict=True)]
    recipe = dict(zip(references["utt_id"], sheet.said_recipe.tolist(), strict=True))
    texts: dict[Target, list[str]] = {}
    targets = list(zip(references["utt_id"].tolist(), sheet.target.tolist(), strict=True))
    for target, text in zip(targets, said, strict=True):
        texts.setdefault(target, []).append(text)
    wanted = terms_by_target(listed, texts, lambda utt_id, term: cut[recipe[utt_id], term])
    sheet = sheet.only(np.array([target in wanted for target in targets], bool))
    heard_of = sheet.recipe[sheet.row].tolist(), sheet.heard[sheet.row].tolist()
    found = [
        count_terms(wanted[targets[reference]], said[reference], coded[heard])
        for reference, heard in zip(sheet.reference.tolist(), zip(*heard_of, strict=True), strict=True)
    ]
    return np.array(found, np.int64).reshape(-1, 4), sheet


def _coded_with_terms(
    sheet: Sheet, listed: pd.DataFrame
) -> tuple[dict[tuple[int, int], str], dict[tuple[int, str], Term]]:
    """Encode texts by recipe and place, and by recipe and spelling the ways to write a term."""
    listed_once = listed["term"].dropna().unique().tolist() if "term" in listed.columns else []
    ways_of = {term: sheet.variants.ways_of(term) if sheet.variants else [term] for term in listed_once}
    spelled = list(dict.fromkeys(way for ways in ways_of.values() for way in ways))
    texts: dict[tuple[int, int], str] = {}
    cut: dict[tuple[int, str], Term] = {}
    for number, recipe in enumerate(sheet.recipes):
        heard = sheet.heard[sheet.row][sheet.recipe[sheet.row] == number]
        places = np.unique(np.concatenate([sheet.said[sheet.said_recipe == number], heard])).tolist()
        raw = [*(sheet.texts[place] for place in places), *spelled]
        codes = encode([recipe.normalizer(text) for text in raw], recipe.unit).texts
        texts |= {(number, place): code for place, code in zip(places, codes, strict=False)}
        code_of = dict(zip(spelled, codes[len(places) :], strict=True))
        cut |= {(number, term): tuple(sorted({code_of[way] for way in ways})) for term, ways in ways_of.items()}
    return texts, cut
