"""Listening: tables of transcripts and references made into answers that detectors can look through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, cast

import numpy as np
import pandas as pd

from asrlab import parquet, tables
from asrlab.errors import InvalidInput
from asrlab.lists import items
from asrlab.normalize import choose
from asrlab.normalize.scripts import SCRIPTS
from asrlab.scoring.batches import batches
from asrlab.scoring.codes import encode
from asrlab.scoring.flags.heard import Heard
from asrlab.scoring.given import answers, frames, numbers
from asrlab.scoring.marking import best, pair_counts
from asrlab.scoring.paths import errors, with_hits
from asrlab.scoring.requests import sent
from asrlab.scoring.sheet import Recipe, lay_out
from asrlab.scoring.tokens import UNITS, tokens, unit_for, unknown_unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from asrlab.normalize import NormalizerChoice
    from asrlab.scoring.batches import Batch
    from asrlab.scoring.given import References, Transcripts
    from asrlab.scoring.variants import VariantsChoice

#: Letter of each kind of step, in the order of :data:`asrlab.scoring.paths.KINDS`.
_LETTERS: Final = np.frombuffer(b"HSDI", np.uint8)


class Listened(NamedTuple):
    """Answers, and the table that they are rows of: what a table of flags says of each, and the axes."""

    heard: list[Heard]
    rows: pd.DataFrame
    axes: list[str]


class _Marked(NamedTuple):
    """What comes of a pair: units of reference and transcript, and the steps between them."""

    said: tuple[str, ...]
    units: tuple[str, ...]
    steps: str


def listen(
    transcripts: Transcripts,
    references: References | None,
    *,
    parameters: pd.DataFrame | None,
    form: str | None,
    unit: str,
    normalizer: NormalizerChoice,
    language: str | None,
    variants: VariantsChoice | None,
) -> Listened:
    """Put all that is known of each answer together; the parameters are those of :func:`asrlab.flags`."""
    if unit not in {"auto", *UNITS}:
        raise unknown_unit(unit, ("auto", *UNITS))
    if references is None:
        given = _table(transcripts)
        rows, axes = answers(given)
        rows["spoken_language"] = pd.array([language], dtype="string").take(np.zeros(len(rows), np.intp))
        made = [
            (row, recipe, None, _Marked((), cut, "")) for row, recipe, cut in _shapes(rows, given, unit, normalizer)
        ]
        known = None
    else:
        given = frames(transcripts, references, language)[0]
        # Broken parameters are told of before the long work.
        _asked(given, parameters)
        sheet, _ = lay_out(
            transcripts,
            references,
            form=form,
            unit=unit,
            normalizer=normalizer,
            language=language,
            channels="each",
            missing="drop",
            variants=variants,
            executor=None,
        )
        several = bool((np.diff(sheet.row) == 0).any())
        chosen = best(sheet, pair_counts(sheet, "jiwer", None)) if several else np.arange(len(sheet.row))
        row, reference = sheet.row[chosen], sheet.reference[chosen]
        recipe = sheet.recipe[row]
        parts, place = batches(
            sheet.texts, sheet.recipes, recipe, sheet.said[reference], sheet.heard[row], ties="jiwer"
        )
        marked = [pair for part in parts for pair in _aligned(part)]
        made = [
            (at, sheet.recipes[by], sheet.texts[said], marked[pair])
            for at, by, said, pair in zip(
                row.tolist(), recipe.tolist(), sheet.said[reference].tolist(), place.tolist(), strict=True
            )
        ]
        rows, axes = sheet.rows.iloc[: len(given)], sheet.axes  # what is missing comes after
        known = getattr(references, "utterances", references)
    told = tables.check(given.reset_index(drop=True), "transcripts", required=("utt_id", "text"))
    contexts, hints = _asked(told.assign(**{n: rows[n].array for n in ("condition", "repeat")}), parameters)
    # A table has few different contexts, or one for each utterance.
    terms = {context: tuple(items(context)) for context in set(contexts) if context is not None}
    lengths = _lengths(told, rows, axes, known)
    texts, spoken, detected = (
        _plain(column) for column in (told["text"], rows["spoken_language"], told["detected_language"])
    )
    heard = [
        Heard(
            row=row,
            text=texts[row] or "",
            units=pair.units,
            recipe=recipe,
            reference=said,
            said=None if said is None else pair.said,
            steps=None if said is None else pair.steps,
            spoken=spoken[row],
            hint=hints[row],
            detected=detected[row],
            context=contexts[row],
            items=() if (context := contexts[row]) is None else terms[context],
            audio_s=None if np.isnan(lengths[row]) else float(lengths[row]),
        )
        for row, recipe, said, pair in made
    ]
    return Listened(heard, rows, axes)


def _table(transcripts: Transcripts) -> pd.DataFrame:
    given = parquet.loaded(transcripts, "transcripts")
    if isinstance(given, pd.DataFrame):
        return given
    texts = [given] if isinstance(given, str) else cast("list[str | None]", given)
    return frames(texts, [""] * len(texts), None)[0]


def _aligned(batch: Batch) -> list[_Marked]:
    texts, refs, hyps = batch.normalised()
    codes = encode(texts, batch.recipe.unit)
    lengths = np.fromiter(map(len, codes.texts), np.int64, len(codes.texts))
    path = with_hits(errors(codes, refs, hyps, batch.ties), lengths[refs], lengths[hyps])
    letters = _LETTERS[path.kind].tobytes().decode()
    ends = np.cumsum(np.bincount(path.pair, minlength=len(refs))).tolist()
    units = [tuple(tokens(text, batch.recipe.unit)) for text in texts]
    return [
        _Marked(units[ref], units[hyp], letters[start:end])
        for ref, hyp, start, end in zip(refs.tolist(), hyps.tolist(), [0, *ends[:-1]], ends, strict=True)
    ]


def _shapes(
    rows: pd.DataFrame, given: pd.DataFrame, unit: str, normalizer: NormalizerChoice
) -> list[tuple[int, Recipe, tuple[str, ...]]]:
    """Cut answers without references, each by the language that is given or was detected, else by its script."""
    detected = given["detected_language"] if "detected_language" in given.columns else pd.Series(pd.NA, given.index)
    languages = rows["spoken_language"].fillna(detected.astype("string").reset_index(drop=True))
    names, texts = _plain(languages), _plain(rows["text"])
    recipes: dict[tuple[str | None, str], Recipe] = {}
    cuts: dict[tuple[str | None, str], tuple[Recipe, tuple[str, ...]]] = {}
    found = []
    for row in np.flatnonzero((rows["state"] == "answered").to_numpy(bool)).tolist():
        name, text = names[row], texts[row] or ""
        if (name, text) not in cuts:
            unsegmented, han, kana = (bool(script.search(text)) for script in SCRIPTS)
            sample = "漢" if han and not kana else "ก" if unsegmented else ""
            if (name, sample) not in recipes:
                cut = unit if unit in UNITS else unit_for(name, sample)
                recipes[name, sample] = Recipe(cut, choose(normalizer, name, sample))
            recipe = recipes[name, sample]
            cuts[name, text] = recipe, tuple(tokens(recipe.normalizer(text), recipe.unit))
        found.append((row, *cuts[name, text]))
    return found


def _asked(rows: pd.DataFrame, parameters: pd.DataFrame | None) -> tuple[list[str | None], list[str | None]]:
    """Give the context and the language hint of each row."""
    nothing: list[str | None] = [None] * len(rows)
    if parameters is None:
        return nothing, nothing
    tables.check_frame(parameters)
    known = [name for name in ("context", "language") if name in parameters.columns]
    if not known:
        raise InvalidInput(
            f"parameters= has no column context or language, only {', '.join(map(str, parameters.columns)) or 'none'}. "
            "Give sweep.parameters, or a table with utt_id and what was sent."
        )
    context, hint = (
        _plain(sent(rows, parameters, name).astype("string").mask(lambda c: c == "")) if name in known else nothing
        for name in ("context", "language")
    )
    return context, hint


def _lengths(told: pd.DataFrame, rows: pd.DataFrame, axes: list[str], known: object) -> NDArray[np.float64]:
    """Give the length of each recording in seconds, NaN where it is not known.

    Engines tell the length of all channels they heard together, so it is shared out among those of an asking.
    """
    asking = numbers(rows.assign(**{name: rows[name] for name in axes}), ["utt_id", "condition", "repeat", *axes])
    lengths = told["audio_s"].to_numpy(np.float64, na_value=np.nan) / np.bincount(asking)[asking]
    if isinstance(known, pd.DataFrame) and "duration_s" in known.columns:
        own = known.drop_duplicates("utt_id").set_index("utt_id")["duration_s"].astype("Float64")
        measured = told["utt_id"].map(own).astype("Float64").to_numpy(np.float64, na_value=np.nan)
        lengths = np.where(np.isnan(measured), lengths, measured)
    return np.where(lengths > 0, lengths, np.nan)


def _plain(column: pd.Series) -> list[str | None]:
    return [None if value is pd.NA else value for value in column.tolist()]
