"""Hints: which language an engine takes speech for when it is told none, and what a hint does, right or wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from asrlab import groups, tables
from asrlab.coded import check_scores
from asrlab.errors import InvalidInput
from asrlab.scoring.flags.foreign import mismatched, translated
from asrlab.scoring.flags.listening import listen
from asrlab.scoring.flags.writing import writing
from asrlab.scoring.given import answers, complain, frames
from asrlab.scoring.identify import LANGUAGES, code_of, identify, known
from asrlab.scoring.marking import score
from asrlab.scoring.requests import sent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asrlab.normalize import NormalizerChoice
    from asrlab.scoring.given import Frames, HasReferences, References, Transcripts
    from asrlab.scoring.variants import VariantsChoice

_SOURCES: Final = ("engine", "text")
#: Units that tell of an answer whether it strayed to another script or language -> what finds it.
_STRAYED: Final = {"script": mismatched, "translation": translated}
#: Parameters that must agree in two answers for the hint to be the only difference, where they are known.
_OTHERS: Final = ("enable_itn", "context", "channel_id")


def languages(
    transcripts: pd.DataFrame,
    references: HasReferences | pd.DataFrame,
    *,
    parameters: pd.DataFrame,
    source: str = "engine",
    by: str | Sequence[str] | None = None,
) -> pd.DataFrame:
    """Count which language was found in speech of each language, in answers to requests without a hint.

    A hint takes the place of looking for the language, and many engines give it back as what they found; so it must be
    known of every answer that none was sent.

    Parameters
    ----------
    transcripts : DataFrame
        A ``transcripts`` table, all of requests without a hint.
    references : Dataset or DataFrame
        Anything with a table ``utterances``, or a table of references with ``language``: the language spoken.
    parameters : DataFrame
        What was sent, ``sweep.parameters``: a column ``language``, and what names the asking, see
        :func:`asrlab.scoring.requests.sent`.
    source : {"engine", "text"}
        ``"engine"``: the ``detected_language`` that the engine reports. ``"text"``: the language that the transcript
        reads as (:mod:`asrlab.scoring.identify`, which errs in texts of a few
        words); for engines that report none.
    by : str or sequence of str, optional
        Axes that make tables of their own.

    Returns
    -------
    DataFrame
        The by-columns and a ``languages`` table: a row for each language found in speech of a language, the right one
        first, then the most frequent. ``found`` is ``<NA>`` where none was reported, or where a text has no letters;
        and so is ``right`` too of texts in a language that the library does not know (``source="text"``);
        ``spoken_language`` where it is not known, or where nothing was said (all references are empty).
        Codes are compared as languages: ``zh-TW`` is ``zh``, ``tl`` is ``fil``; Cantonese is not Chinese.

    Raises
    ------
    InvalidInput
        If an answer was hinted or nothing says whether it was (of answers in several settings, parameters must name the
        trial or the condition), a language is no code, the engine reports none at all, or columns are missing.

    Examples
    --------
    >>> heard = pd.DataFrame({"utt_id": ["a", "b"], "text": ["hej", "hei"], "detected_language": ["da", "da"]})
    >>> said = pd.DataFrame({"utt_id": ["a", "b"], "text": ["hej", "hei"], "language": ["da", "no"]})
    >>> sent_with = pd.DataFrame({"utt_id": ["a", "b"], "language": [pd.NA, pd.NA]})
    >>> found = languages(heard, said, parameters=sent_with)
    >>> found[["spoken_language", "found", "right", "n_answers", "share"]].values.tolist()
    [['da', 'da', True, 1, 1.0], ['no', 'da', False, 1, 1.0]]
    """
    if source not in _SOURCES:
        raise InvalidInput(f"source must be one of {', '.join(_SOURCES)}, not {source!r}.")
    given, facts = frames(transcripts, references, None)
    rows, axes = answers(given)
    keys = [by] if isinstance(by, str) else list(dict.fromkeys(by or ()))
    if unknown := [name for name in keys if name not in {*axes, "condition", "repeat", "channel"}]:
        raise InvalidInput(
            f"There is no axis {unknown[0]!r} to group by; there are {', '.join([*axes, 'condition', 'repeat'])}."
        )
    if taken := [name for name in keys if name in tables.SCHEMAS["languages"]]:
        raise InvalidInput(f"The table of languages has a column {taken[0]!r} of its own. Rename that axis.")
    told = tables.check(given.reset_index(drop=True), "transcripts", required=("utt_id", "text"))
    rows["detected_language"] = _named(told["detected_language"])
    rows["spoken_language"] = _spoken(rows, facts)
    lost = rows[rows["state"] != "answered"]
    rows = rows[rows["state"] == "answered"].reset_index(drop=True)
    _refuse_hinted(rows, parameters)
    spoken = _codes(rows, "spoken_language")
    beyond = pd.Series(False, rows.index)
    if source == "text":
        found, beyond = _read(rows["text"], spoken)
    elif len(rows) and rows["detected_language"].isna().all():
        raise InvalidInput(
            'No answer names a detected_language: this engine does not report one. source="text" goes by the language '
            "that the transcripts read as."
        )
    else:
        found = _codes(rows, "detected_language")
    rows = rows.assign(spoken_language=spoken, found=found)
    right = (spoken == found).mask(found.isna(), False).mask(spoken.isna() | beyond)
    rows["right"] = right.astype("boolean")
    group = [*keys, "spoken_language"]
    counted = rows.groupby([*group, "found", "right"], dropna=False, sort=True, observed=True)["utt_id"]
    table = counted.agg(n_answers="size", n_utts="nunique").reset_index()
    table["n_spoken"] = table.groupby(group, dropna=False, observed=True)["n_answers"].transform("sum")
    table["share"] = table["n_answers"] / table["n_spoken"]
    without = lost.assign(spoken_language=_codes(lost, "spoken_language"))
    without = without.groupby(group, dropna=False, observed=True).size().rename("n_lost").reset_index()
    # Of a language without any answer there is a row too, that says how many trials were lost.
    table = table.merge(without, on=group, how="outer")
    table = table.fillna(dict.fromkeys(("n_answers", "n_utts", "n_spoken", "n_lost"), 0))
    table["source"] = source
    order = ["right", "n_answers", "found"]
    table = table.sort_values([*group, *order], ascending=[True] * len(group) + [False, False, True], kind="stable")
    made = tables.check(table.reset_index(drop=True), "languages", required=("spoken_language", "found"))
    return made[[*keys, *tables.SCHEMAS["languages"]]]


def _spoken(rows: pd.DataFrame, facts: Frames) -> pd.Series:
    """Give the language spoken in each recording, ``<NA>`` where it is not known, and where nothing was said."""
    known_of = tables.check(facts.utterances.reset_index(drop=True), "utterances", required=("utt_id",))
    known_of = known_of.drop_duplicates("utt_id").set_index("utt_id")
    complain(
        ~rows["utt_id"].isin(known_of.index).to_numpy(bool),
        rows,
        "are of no utterance of these references. Give the set that they were asked about.",
    )
    said = tables.check(facts.references.reset_index(drop=True), "references", required=("utt_id", "text"))
    silent = (said["text"].fillna("") == "").groupby(said["utt_id"]).all()
    spoken = _named(known_of["language"])
    return rows["utt_id"].map(spoken.mask(spoken.index.isin(silent.index[silent]))).astype("string")


def _named(languages: pd.Series) -> pd.Series:
    """Take "" for no language."""
    column = languages.astype("string")
    return column.mask((column == "").fillna(False))


def _refuse_hinted(rows: pd.DataFrame, parameters: pd.DataFrame) -> None:
    hinted = _named(sent(rows, parameters, "language")).notna()
    by_trial, by_condition = (
        all(name in table.columns and bool(table[name].notna().all()) for table in (rows, parameters))
        for name in ("trial", "condition")
    )
    several = rows["condition"].nunique() > 1 or bool(rows.duplicated(["utt_id", "repeat", "channel"]).any())
    if several and not by_trial and not by_condition:
        raise InvalidInput(
            "These answers are of several settings, and the parameters do not say in every row of which (columns trial "
            "or condition): an answer that was hinted would be taken for one that was not. Give sweep.parameters whole."
        )
    if hinted.any():
        raise InvalidInput(
            f"{int(hinted.sum())} of {len(rows)} answers were asked for with a language hint "
            f"({', '.join(rows.loc[hinted, 'utt_id'].unique()[:5])}), which takes the place of looking for the "
            "language: what such an answer reports tells nothing of it. Leave them out: "
            'unhinted = parameters.loc[parameters["language"].isna(), "trial"]; then '
            'transcripts[transcripts["trial"].isin(unhinted)].'
        )


def _read(texts: pd.Series, spoken: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Tell which language each text reads as, ``<NA>`` where it has no letters; and where the right one is not known.

    A text in a language that the library does not know reads as any other, which says nothing.
    """
    among = [*LANGUAGES, *known(sorted({*spoken.dropna().unique()} - {*LANGUAGES}))]
    beyond = spoken.notna() & ~spoken.isin(among)
    different = [text for text in texts[~beyond].unique() if writing(text)]
    best = identify(different, among).argmax(axis=1)
    reads_as = {text: among[place] for text, place in zip(different, best.tolist(), strict=True)}
    return texts.map(reads_as).mask(beyond).astype("string"), beyond


def _codes(rows: pd.DataFrame, column: str) -> pd.Series:
    names = {name: code_of(name) for name in rows[column].dropna().unique()}
    if wrong := [name for name, code in names.items() if code is None]:
        raise InvalidInput(
            f"{column} holds {wrong[0]!r}, which is no code of a language. Write codes, such as 'en' or 'zh'."
        )
    return rows[column].map(names).astype("string")


def foreign(
    transcripts: Transcripts,
    references: References,
    *,
    parameters: pd.DataFrame | None = None,
    form: str | None = None,
    normalizer: NormalizerChoice = "auto",
    language: str | None = None,
    missing: str = "raise",
    variants: VariantsChoice | None = None,
    only: str | Sequence[str] | None = None,
) -> pd.DataFrame:
    """Count answers that are in another script, or that read as a translation, as scores.

    Parameters
    ----------
    transcripts, references, form, normalizer, language, variants
        As in :func:`asrlab.score`.
    parameters : DataFrame, optional
        What was sent, ``sweep.parameters``: with the hint, its language is believed with a lower probability.
    missing : {"raise", "drop"}
        As in :func:`asrlab.score`. A trial without an answer is in no language, and never counts.
    only : {"script", "translation"} or both, optional
        What to look for; by default both. ``"script"`` needs no further library.

    Returns
    -------
    DataFrame
        A ``scores`` table with a row an answer of unit ``"script"``, then one of unit ``"translation"``. Each answer is
        one unit, right, or substituted where the flag of that name is raised (:mod:`asrlab.scoring.flags.foreign`), so
        that rates are shares of answers. Answers to recordings in which nothing was said are never flagged.

    Raises
    ------
    InvalidInput
        As :func:`asrlab.score`.

    Examples
    --------
    >>> strayed = foreign(["привет всем", "hello all"], ["hello all", "hello all"], language="en")
    >>> strayed.loc[strayed["unit"] == "script", ["hits", "subs"]].values.tolist()
    [[0, 1], [1, 0]]
    """
    if missing not in {"raise", "drop"}:
        raise InvalidInput(f"missing must be raise or drop, not {missing!r}: no answer is no other language.")
    wanted = [only] if isinstance(only, str) else list(_STRAYED) if only is None else list(only)
    if not wanted or not {*wanted} <= {*_STRAYED}:
        raise InvalidInput(f"only must name some of {', '.join(_STRAYED)}, not {only!r}.")
    told = {"form": form, "normalizer": normalizer, "language": language, "variants": variants}
    whole = score(transcripts, references, unit="sentence", missing=missing, **told)  # type: ignore[call-overload]
    listened = listen(transcripts, references, parameters=parameters, unit="auto", **told)  # type: ignore[arg-type]
    made = []
    for unit in dict.fromkeys(wanted):
        flagged = np.zeros(len(whole), bool)
        flagged[[finding.row for finding in _STRAYED[unit](listened.heard)]] = True
        counts = {"hits": ~flagged, "subs": flagged, "dels": False, "ins": False, "ref_len": 1, "hyp_len": 1}
        columns = {name: pd.Series(value, whole.index).astype("Int64") for name, value in counts.items()}
        columns = {name: column.where(whole["state"] == "answered") for name, column in columns.items()}
        made.append(whole.assign(unit=unit, **columns))
    return tables.check(pd.concat(made, ignore_index=True), "scores")


def pairs(scores: pd.DataFrame, *, parameters: pd.DataFrame, along: str = "language") -> pd.DataFrame:
    """Compare answers with and without a hint, by the language spoken and the language hinted.

    Parameters
    ----------
    scores : DataFrame
        A ``scores`` table with ``spoken_language`` that has answers with and without a hint to the same utterances.
        With the scores of :func:`asrlab.hints.foreign` beside those of words or characters (``pd.concat``), the shares
        of answers in another script and of translations are told too.
    parameters : DataFrame
        What was sent, ``sweep.parameters``: a column ``language``, and what names the asking, see
        :func:`asrlab.scoring.requests.sent`.
    along : str
        The axis that sets the hint; two answers must agree in all others, and in the other parameters that are known.

    Returns
    -------
    DataFrame
        A ``pairs`` table: for each unit, form, normalizer and rule of ties, a row for each language spoken and hint,
        both by their codes; ``right`` where they are one language. Rates are pooled over the same utterances, and
        ``<NA>`` where no hinted answer has a partner without a hint (``n_pairs`` is 0). For
        intervals and tests, put the hint beside the scores, ``scores.assign(hint=...)``, and use
        :func:`asrlab.compare` along it.

    Raises
    ------
    InvalidInput
        If no hinted answer at all has a partner without a hint, an answer has two, nothing says what was sent, the
        answers looked through for scripts and translations were marked against another form, or languages are missing
        or no codes.

    Examples
    --------
    >>> scores = score(
    ...     pd.DataFrame({"utt_id": ["a", "a"], "condition": ["none", "en"], "text": ["der Hund", "the dog"]}),
    ...     pd.DataFrame({"utt_id": ["a"], "text": ["der Hund"], "language": ["de"]}),
    ... )
    >>> sent_with = pd.DataFrame({"utt_id": ["a", "a"], "condition": ["none", "en"], "language": [pd.NA, "en"]})
    >>> damage = pairs(scores, parameters=sent_with)
    >>> damage[["spoken_language", "hint", "rate_unhinted", "rate", "delta"]].values.tolist()
    [['de', 'en', 0.0, 1.0, 1.0]]
    """
    rows = check_scores(scores, required=("spoken_language",))
    axes = [name for name in groups.axes(rows) if name != along]
    rows = rows[rows["state"] == "answered"].reset_index(drop=True)
    complain(rows["spoken_language"].isna(), rows, "have no spoken_language. Mark them against a set that knows it.")
    rows["hint"] = _named(sent(rows, parameters, "language"))
    rows["spoken_language"], rows["hint"] = _codes(rows, "spoken_language"), _codes(rows, "hint")
    others = [name for name in _OTHERS if name in parameters.columns]
    rows = rows.assign(**{f"sent {name}": sent(rows, parameters, name) for name in others})
    key = ["utt_id", "channel", "repeat", *groups.APART, *axes, *(f"sent {name}" for name in others)]
    rows["pair"] = groups.numbered(rows, key)
    # Two levels may send the same hint: that is one question, where they show the same trial.
    once = rows[rows["trial"].isna() | ~rows.duplicated(["pair", "hint", "trial", *groups.COUNTS])]
    complain(
        once.duplicated(["pair", "hint"]),
        once,
        f"have several answers with the same hint, which agree in {', '.join(key[:3])} and all axes but {along}. "
        "Number the repeats, or give along= the axis that sets the hint. If two of its levels send the same hint, "
        "leave one out, or name the trials, where both show the same ones.",
    )
    hinted, plain = once[once["hint"].notna()], once[once["hint"].isna()].set_index("pair")
    paired = hinted[hinted["pair"].isin(plain.index)]
    if paired.empty:
        raise InvalidInput(
            f"None of {len(hinted)} answers with a hint has a partner among the {len(plain)} without one: to the same "
            f"utterance, repeat and channel, with the same {', '.join(axes) or 'axes'}. Ask without a hint too (a "
            "level None), or give along= the axis that sets the hint."
        )
    base = plain.loc[paired["pair"], ["errors", "ref_len"]].set_axis(paired.index)
    paired = paired.assign(errors_unhinted=base["errors"], ref_len_unhinted=base["ref_len"])
    more = paired["errors"] - paired["errors_unhinted"]
    paired = paired.assign(better=more < 0, worse=more > 0, tied=more == 0)
    group = ["spoken_language", "hint", *groups.APART]
    counts = paired.groupby(group)
    table = counts[["errors", "errors_unhinted", "ref_len", "ref_len_unhinted", "better", "worse", "tied"]].sum()
    table["n_pairs"], table["n_utts"] = counts.size(), counts["utt_id"].nunique()
    # There is a row too for a language and hint without any pair.
    every = hinted.groupby(group, sort=True).size()
    table = table.reindex(every.index, fill_value=0)
    table["n_unpaired"] = every - table["n_pairs"]
    table = table.reset_index()
    for side in ("", "_unhinted"):
        # Of several forms ("best"), the two answers may be marked against another each.
        length = table[f"ref_len{side}"].where(table[f"ref_len{side}"] > 0).astype("Float64")
        table[f"rate{side}"] = table[f"errors{side}"] / length
    table["delta"] = table["rate"] - table["rate_unhinted"]
    table["right"] = table["spoken_language"] == table["hint"]
    strayed, told = (table[table["unit"].isin(_STRAYED) == looked] for looked in (True, False))
    if len(strayed) and len(told) and {*strayed["form"]}.isdisjoint(told["form"]):
        forms = [", ".join(one["form"].astype(str).unique()) for one in (strayed, told)]
        raise InvalidInput(
            f"Scripts and translations were looked for against references of the form {forms[0]}, and the other scores "
            f"are of {forms[1]}, so one cannot stand beside the other. Give both the same form=."
        )
    for unit in _STRAYED:
        of = strayed[strayed["unit"] == unit].drop_duplicates(["spoken_language", "hint", "form"])
        for column, rate in ((unit, "rate"), (f"{unit}_unhinted", "rate_unhinted")):
            shares = of.set_index(["spoken_language", "hint", "form"])[rate]
            table[column] = shares.reindex(pd.MultiIndex.from_frame(table[["spoken_language", "hint", "form"]])).array
    told = table[~table["unit"].isin(_STRAYED)]  # anew, with the shares
    return tables.check((told if len(told) else table).reset_index(drop=True), "pairs", required=("hint",))[
        list(tables.SCHEMAS["pairs"])
    ]
