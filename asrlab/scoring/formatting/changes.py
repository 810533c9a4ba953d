"""Changes: what a setting changed in the transcripts, span by span, and whether that was right.

Inverse text normalization (ITN) writes "fifty dollars" as "$50". It may also write "one of them" as "1 of them", "seven
eleven" as "7:11" and fifty as fifteen. Two error rates, off and on, add these up; here each is a row, judged by what
was said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from asrlab import parquet, tables
from asrlab.errors import InvalidInput
from asrlab.groups import levels
from asrlab.normalize.presets import choose, preset_for
from asrlab.scoring.alternatives import nearest_wording
from asrlab.scoring.formatting.alignment import aligned
from asrlab.scoring.formatting.codes import with_codes_joined
from asrlab.scoring.formatting.differences import changed
from asrlab.scoring.formatting.spans import parsed
from asrlab.scoring.formatting.verdicts import VERDICTS, Pair, Side
from asrlab.scoring.given import answers, complain, filled_in, frames
from asrlab.scoring.sheet import Recipe
from asrlab.scoring.tokens import unit_for
from asrlab.wordings import may_have_alternatives, parts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from asrlab.scoring.formatting.spans import Parsed
    from asrlab.scoring.given import HasReferences


class _Job(NamedTuple):
    """Two answers to one question, by their places, that differ; and what they may be judged by."""

    off: int
    on: int
    spoken_language: str | None
    preset: str
    sides: tuple[Parsed, Parsed]
    wordings: list[tuple[str, Parsed]]


def changes(
    transcripts: pd.DataFrame | PathLike[str] | str,
    references: HasReferences | pd.DataFrame | None = None,
    *,
    along: str = "enable_itn",
    baseline: object = None,
    wanted: str = "written",
    script: str = "fold",
    language: str | None = None,
) -> pd.DataFrame:
    """Find every span that differs between two settings of one axis, and judge it by the references.

    Parameters
    ----------
    transcripts : DataFrame or path
        A ``transcripts`` table with the axis, or the path or URL of one. Two answers are compared that agree in
        utterance, channel, repeat and all other axes; those that were not answered, or have no partner, are left out.
    references : Dataset or DataFrame, optional
        What was said, in all forms there are: a set with spoken and written references has more to judge by. Without
        them, all changes are unjudged.
    along : str
        The axis.
    baseline : label, optional
        Its level that the others are compared with; by default the first.
    wanted : str
        Form of the reference that the changed setting should write; where there is no such reference, only what is said
        is judged, and not how it is written. With ``"spoken"``, turning ITN off is judged.
    script : {"fold", "keep"}
        Whether Traditional Chinese is folded to Simplified before anything is compared.
    language : str, optional
        Language code of the utterances that have none.

    Returns
    -------
    DataFrame
        A ``changes`` table in the order of the transcripts, then of the text; the other axes after the declared
        columns. ``kind`` is what was changed: number (there is one on either side), words, case, punctuation or
        spacing. ``was`` and ``now`` say how either side stands to the references: a form, or several
        ("spoken+written"), in which it is written exactly so but for case and white space; "value", it says the same as
        a reference in a form of its own; "wrong". ``verdict`` follows from these:

        =========== ==================================================================================== ==========
        verdict     meaning                                                                              harm
        =========== ==================================================================================== ==========
        right       as the wanted reference has it, and it was right in another form before              no
        mended      right now, in value at least, and wrong before                                       no
        kept        right in value before and now; no wanted reference to judge the form by              no
        other form  right in value before and now, and written as the wanted reference neither time      no
        form lost   as the wanted reference had it before, of the same value and another form now        yes
        broken      right before, wrong now: another value, or words that were no number                 yes
        misheard    wrong before and now, but both say the same: recognition, not form                   cannot say
        wrong       wrong before, and another thing now                                                  cannot say
        unjudged    there is no reference (of case and marks: none in the wanted form)                   cannot say
        =========== ==================================================================================== ==========

        ``harm`` is ``<NA>`` where one cannot say.

    Raises
    ------
    InvalidInput
        If there is no such axis or level, it has one level only, answers cannot be told apart, or tables are broken.
    MissingExtra
        If a library is not installed that the numbers of a language need.

    Notes
    -----
    A span is as long as the words that differ, and the whole of every number that they touch. The words of the
    reference that answer it are those that either side's alignment gives it, so that a word dropped on one side counts
    against that side alone. What a number says is read by :mod:`asrlab.normalize.numbers`: where a reader does not know
    that two ways to write it are the same, a change that kept it is called broken; ``same_value`` and the texts are
    there to look at. Two words that mean one thing ("ok", "okay") are two.

    Examples
    --------
    >>> heard = pd.DataFrame({
    ...     "utt_id": "a", "enable_itn": ["off", "on"],
    ...     "text": ["one of them paid fifty dollars", "1 of them paid $50"]})
    >>> said = pd.DataFrame({"utt_id": "a", "form": ["spoken", "written"], "language": "en",
    ...                      "text": ["one of them paid fifty dollars", "One of them paid $50."]})
    >>> changes(heard, said)[["before", "after", "verdict", "harm"]].values.tolist()
    [['one', '1', 'broken', True], ['fifty dollars', '$50', 'right', False]]
    """
    if script not in {"fold", "keep"}:
        raise InvalidInput(f"script must be fold or keep, not {script!r}.")
    rows, axes, spoken_in = _rows(transcripts, references, along, language)
    pairs = _pairs(rows, axes, along, baseline)
    said = _said(references, rows) if references is not None else {}
    jobs = []
    texts, ids, channels = (rows[name].tolist() for name in ("text", "utt_id", "channel"))
    for off, on in pairs:
        if texts[off] != texts[on]:
            forms, spoken_language = said.get((ids[on], channels[on]), []), spoken_in.get(ids[on])
            jobs.append(
                _Job(off, on, spoken_language, *_taken_apart(texts[off], texts[on], forms, spoken_language, script))
            )
    steps = iter(aligned([(text, side) for job in jobs for side in job.sides for _, text in job.wordings]))
    found: list[dict[str, object]] = []
    for job in jobs:
        before, after = (Side(side, [next(steps) for _ in job.wordings]) for side in job.sides)
        pair = Pair(before, after, job.wordings, job.preset, wanted)
        found += (
            {"off": job.off, "on": job.on, "spoken_language": job.spoken_language} | pair.judged(change)
            for change in changed(before.text, after.text)
        )
    return _table(found, rows, axes, along)


def verdicts(found: pd.DataFrame, by: str | Sequence[str] = ("kind", "number_class")) -> pd.DataFrame:
    """Count the verdicts on changes.

    Parameters
    ----------
    found : DataFrame
        A ``changes`` table.
    by : str or sequence of str
        Columns that make a row; ``[]`` for one row of all.

    Returns
    -------
    DataFrame
        The by-columns, ``n`` changes, a column for each verdict with how many, and ``harm``: the share of harms among
        those that could be judged, ``<NA>`` where none could.

    Raises
    ------
    InvalidInput
        If there is no such column.

    Examples
    --------
    >>> found = pd.DataFrame({"kind": "number", "number_class": "money", "verdict": ["right", "right", "broken"]})
    >>> verdicts(found)[["kind", "number_class", "n", "right", "broken"]].values.tolist()
    [['number', 'money', 3, 2, 1]]
    """
    keys = [by] if isinstance(by, str) else list(by)
    tables.check_frame(found)
    if lacking := [name for name in (*keys, "verdict") if name not in found.columns]:
        raise InvalidInput(
            f"The changes have no column {lacking[0]!r}; they have {', '.join(map(str, found.columns)) or 'none'}."
        )
    if unknown := set(found["verdict"].dropna()) - set(VERDICTS):
        raise InvalidInput(f"{sorted(unknown)[0]!r} is no verdict. There are {', '.join(VERDICTS)}.")
    counted = pd.DataFrame({name: (found["verdict"] == name).fillna(value=False).astype("Int64") for name in VERDICTS})
    table = pd.concat([found[keys], counted], axis=1)
    if keys:
        table = table.groupby(keys, sort=False, dropna=False, observed=True)[list(VERDICTS)].sum().reset_index()
    else:
        table = table.sum().to_frame().T.astype("Int64")
    judged = table[[name for name, harm in VERDICTS.items() if harm is not None]].sum(axis=1)
    harms = table[[name for name, harm in VERDICTS.items() if harm]].sum(axis=1)
    table.insert(len(keys), "n", table[list(VERDICTS)].sum(axis=1).astype("Int64"))
    table["harm"] = (harms / judged.where(judged > 0)).astype("Float64")
    return table


def _taken_apart(
    before: str, after: str, forms: list[tuple[str, str]], language: str | None, script: str
) -> tuple[str, tuple[Parsed, Parsed], list[tuple[str, Parsed]]]:
    """Take two answers and the references of their utterance apart; of alternatives, those nearest to either."""
    known = forms[0][1] if forms else after
    preset = preset_for(language, known)
    said = [(form, way) for form, text in forms for way in _nearest(text, (after, before), language, known)]
    texts = (before, after, *(way for _, way in said))
    was, now, *wordings = with_codes_joined([parsed(text, preset, script) for text in texts])
    return preset, (was, now), [(form, way) for (form, _), way in zip(said, wordings, strict=True)]


def _nearest(text: str, heard: Sequence[str], language: str | None, known: str) -> list[str]:
    """Give the wordings of a reference that are nearest to any of some answers, as they are written and in value."""
    if not may_have_alternatives(text):
        return ["".join(way for (way,) in parts(text))]
    unit = unit_for(language, known)
    recipes = [Recipe(unit, choose(way, language, known)) for way in ("auto", "auto+numbers")]
    found = (nearest_wording(text, answer, recipe, "jiwer", None) for recipe in recipes for answer in heard)
    return list(dict.fromkeys(found))


def _rows(
    transcripts: pd.DataFrame | PathLike[str] | str,
    references: HasReferences | pd.DataFrame | None,
    along: str,
    language: str | None,
) -> tuple[pd.DataFrame, list[str], dict[str, str]]:
    """Check the answers, and give them with their axes and the language of each utterance."""
    transcripts = parquet.loaded(transcripts, "transcripts")
    if not isinstance(transcripts, pd.DataFrame):
        raise InvalidInput(f"Transcripts must be a table with the axis {along!r}, not {type(transcripts).__name__}.")
    if references is None:
        given, utterances = transcripts, pd.DataFrame({"utt_id": pd.Series(dtype="string")})
    else:
        given, known = frames(transcripts, references, language)
        utterances = known.utterances
    rows, axes = answers(given)
    if along not in axes:
        raise InvalidInput(f"The transcripts have no axis {along!r}; they have {', '.join(axes) or 'none'}.")
    if taken := [name for name in axes if name in tables.SCHEMAS["changes"] and name != along]:
        raise InvalidInput(f"This makes a column {taken[0]!r} itself, and the transcripts have one. Rename it there.")
    rows["channel"] = rows["channel"].fillna(0)
    spoken_in = {}
    if "language" in utterances.columns:
        there = utterances[["utt_id", "language"]].astype("string").dropna()
        spoken_in = dict(zip(there["utt_id"], there["language"], strict=True))
    if language is not None:
        spoken_in = {utt_id: spoken_in.get(utt_id) or language for utt_id in rows["utt_id"].unique()}
    return rows, axes, spoken_in


def _pairs(rows: pd.DataFrame, axes: list[str], along: str, baseline: object) -> list[tuple[int, int]]:
    """Pair the answers of each level with those of the baseline, by place."""
    names = rows[along].astype("string")
    known = [str(level) for level in levels(rows[along])]
    base = known[0] if baseline is None and known else str(baseline)
    if len(known) <= 1 or base not in known:
        wrong = "" if baseline is None or base in known else f", and baseline= must be one of them, not {base!r}"
        raise InvalidInput(
            f"Along {along!r} there are the levels {', '.join(known) or 'none'}; two settings are needed{wrong}."
        )
    key = ["utt_id", "channel", "repeat", *(name for name in axes if name != along)]
    answered = rows[(rows["state"] == "answered") & names.notna()]
    twice = answered.assign(**{along: names}).duplicated([*key, along])
    complain(twice, answered, f"stand twice: they agree in {', '.join([*key, along])}. Number the repeats.")
    question = answered.groupby(key, sort=False, dropna=False, observed=True).ngroup()
    places = list(zip(question.index.tolist(), question.tolist(), names[question.index].tolist(), strict=True))
    of_base = {asked: place for place, asked, level in places if level == base}
    return [(of_base[asked], place) for place, asked, level in places if level != base and asked in of_base]


def _said(references: HasReferences | pd.DataFrame, rows: pd.DataFrame) -> dict[tuple[str, int], list[tuple[str, str]]]:
    """Give the forms and texts of the references of each utterance and channel."""
    said: dict[tuple[str, int], list[tuple[str, str]]] = {}
    given = filled_in(references if isinstance(references, pd.DataFrame) else references.references)
    given = given[given["utt_id"].isin(rows["utt_id"].unique())].sort_values("alternative", kind="stable")
    for utt_id, channel, form, text in given[["utt_id", "channel", "form", "text"]].itertuples(index=False):
        said.setdefault((utt_id, channel), []).append((form, text))
    return said


def _table(found: list[dict[str, object]], rows: pd.DataFrame, axes: list[str], along: str) -> pd.DataFrame:
    places = pd.DataFrame({side: [one[side] for one in found] for side in ("off", "on")}, dtype="int64")
    others = [name for name in axes if name != along]
    facts = rows.loc[places["on"], ["trial", "utt_id", "repeat", "channel", *others]].reset_index(drop=True)
    facts["baseline_trial"] = rows.loc[places["off"], "trial"].array
    facts["axis"] = along
    for name, side in (("baseline", "off"), ("level", "on")):
        facts[name] = rows.loc[places[side], along].astype("string").array
    own = [name for name in tables.SCHEMAS["changes"] if name not in facts.columns]
    made = pd.DataFrame({name: pd.Series([one[name] for one in found], dtype="object") for name in own})
    return tables.check(pd.concat([facts, made], axis=1), "changes")
