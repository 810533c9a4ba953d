"""The tables that travel between the stages: their columns, dtypes and units.

Only plain DataFrames pass from stage to stage, so a person may enter or leave at any door. Ids are text. Missing is
``<NA>``, never ``""``: an empty ``text`` is an answer (nothing was said). Axes of a grid stand as further columns, one
each, holding the level's label.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
import pandas as pd

from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: The tables of results, that sentences and figures are made of.
Kind: TypeAlias = Literal["summary", "comparison", "effects", "power", "agreement"]

#: Units that are right or wrong as a whole, in texts cut into words or characters: a rate of them is a share.
SHARES: Final = (
    *("term", "sentence", "heard term", "entity", "number", "mark", "heard mark", "cased word"),
    *("leak", "script", "translation"),
)
#: Of every table of results: what is counted, and against what.
_MARKING: Final = {
    "unit": ("string", "what is counted"),
    "form": ("string", "form of the reference"),
    "normalizer": ("string", "name and version of the normalizer"),
    "ties": ("string", "rule of ties: jiwer or sclite"),
}
#: Of a difference of pooled rates: how large, how sure, and what could have been seen.
_DIFFERENCE: Final = {
    "delta": ("Float64", "difference of pooled rates, a share; negative is better"),
    "low": ("Float64", "lower end of the interval of delta"),
    "high": ("Float64", "upper end of the interval of delta"),
    "confidence": ("Float64", "confidence level of the interval"),
    "test": ("string", "name of the test"),
    "statistic": ("Float64", "its statistic"),
    "p": ("Float64", "two-sided p, unless the test says otherwise; <NA> where blocks are too few for one"),
    "p_adjusted": ("Float64", "p corrected for all comparisons of this table"),
    "correction": ("string", "how: holm, max-t, benjamini-hochberg, or none"),
    "n_comparisons": ("Int64", "how many comparisons that correction is for"),
    "resamples": ("Int64", "random swaps of p or its correction; <NA> where all were gone through, or there are none"),
    "seed": ("Int64", "of those swaps"),
    "smallest_p": ("Float64", "least p that so many blocks can give, before any correction; <NA> where any can be"),
    "n_units": ("Int64", "reference units on one side of delta; of an effect, as many as its cells are worth together"),
    "detectable": ("Float64", "least true difference that 80 % of such experiments would find, correction included"),
}

#: Table name -> column name -> (pandas dtype, meaning and unit).
SCHEMAS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "utterances": {
        "utt_id": ("string", "id of the recording, unique in its dataset"),
        "audio": ("string", "path relative to the dataset's folder, POSIX separators"),
        "language": ("string", "code of the language spoken"),
        "duration_s": ("Float64", "length in seconds"),
        "channels": ("Int64", "number of audio channels"),
        "speaker": ("string", "who speaks"),
        "recording": ("string", "session or source recording this utterance is cut from"),
        "digest": ("string", "fingerprint of a recording behind a URL; files are measured"),
        "tags": ("object", "list of free labels"),
    },
    "references": {
        "utt_id": ("string", "id of the recording"),
        "channel": ("Int64", "audio channel, from 0"),
        "form": ("string", "spoken, written, verbatim, or unstated"),
        "alternative": ("Int64", "number of this wording among equally right ones, from 0"),
        "text": ("string", "what was said; {a|b} where it may be written in several ways"),
    },
    "segments": {
        "segment": ("string", "id of a stretch of a recording, unique in the set"),
        "utt_id": ("string", "id of the recording"),
        "channel": ("Int64", "audio channel, from 0"),
        "begin_s": ("Float64", "where it begins, in seconds of the recording"),
        "end_s": ("Float64", "where it ends"),
        "speaker": ("string", "who spoke"),
        "text": ("string", "what was said; <NA> where it is not to be marked"),
    },
    "terms": {
        "utt_id": ("string", "id of the recording, <NA> for the whole set"),
        "term": ("string", "a word or name that matters"),
        "role": ("string", "present or distractor"),
    },
    "conditions": {
        "condition": ("string", "name of the setting: its labels joined"),
    },
    "trials": {
        "trial": ("string", "id: hash of everything that can change the answer"),
        "utt_id": ("string", "id of the recording"),
        "condition": ("string", "name of the setting"),
        "repeat": ("Int64", "number of this asking, from 0"),
        "state": ("string", "answered, failed, unknown, submitted, or not run"),
        "why": ("string", "why it will be sent or not: new, stored, retried, collected, changed ..."),
        "audio_s": ("Float64", "seconds of audio, each channel asked for counted; <NA> where not known"),
        "sends": ("boolean", "whether it will be submitted"),
    },
    "parameters": {
        "trial": ("string", "id of the question"),
        "utt_id": ("string", "id of the recording"),
        "condition": ("string", "name of the setting"),
        "repeat": ("Int64", "number of this asking, from 0"),
        "language": ("string", "hint as it was sent; <NA> where none was"),
        "enable_itn": ("boolean", "whether inverse text normalization was asked for"),
        "context": ("string", "context as it was sent; <NA> where none was"),
        "channel_id": ("string", "audio channels asked for, with commas between them"),
        "enable_words": ("boolean", "whether word times were asked for"),
        "language_hints": ("string", "languages that may be spoken, as sent, with commas between them; <NA> without"),
        "vocabulary_id": ("string", "list of words kept by the service; <NA> without"),
    },
    "transcripts": {
        "trial": ("string", "id of the question"),
        "utt_id": ("string", "id of the recording"),
        "condition": ("string", "name of the setting"),
        "repeat": ("Int64", "number of this asking, from 0"),
        "channel": ("Int64", "audio channel, from 0"),
        "state": (
            "string",
            "answered, failed, unknown, submitted, not run, or spared by a race; text is <NA> unless answered",
        ),
        "text": ("string", "what was heard; empty where nothing was"),
        "detected_language": ("string", "language code the engine reports"),
        "audio_s": ("Float64", "seconds of audio the engine says it heard, all channels"),
        "submitted_at": ("string", "time of the last submit, UTC, ISO 8601"),
        "queued_s": ("Float64", "seconds in the engine's queue, by its own clock"),
        "elapsed_s": ("Float64", "seconds from submit to answer, by our clock"),
        "attempts": ("Int64", "submits so far"),
        "error_code": ("string", "code of the failure"),
        "error": ("string", "message of the failure"),
        "context_tokens": ("Int64", "tokens of the context that acted, where the engine says"),
        "unsupported": ("string", "parameters that were given and could not be obeyed, comma-separated"),
        "asked_engine": ("string", "engine asked"),
        "answered_by": ("string", "model that answered, with its version where known"),
        "asked_region": ("string", "where the engine runs"),
        "request_id": ("string", "the service's id of the request"),
    },
    "costs": {
        "trial": ("string", "id of the question"),
        "utt_id": ("string", "id of the recording"),
        "condition": ("string", "name of the setting"),
        "repeat": ("Int64", "number of this asking, from 0"),
        "state": ("string", "answered, failed, unknown, submitted, or not run"),
        "n_channels": ("Int64", "audio channels answered, or else asked for"),
        "audio_s": ("Float64", "seconds of audio the engine says it heard, all channels; <NA> without an answer"),
        "billed_s": (
            "Float64",
            "seconds that were or may have been billed, all attempts and channels; <NA> where the length is not known",
        ),
        "usd": ("Float64", "US dollars: seconds times the price of each attempt; <NA> where that is not known"),
        "shared_by": ("Int64", "askings here that the trial answers, which share billed_s and usd in equal parts"),
        "attempts": ("Int64", "submits so far"),
        "queued_s": ("Float64", "seconds in the engine's queue, by its own clock"),
        "elapsed_s": ("Float64", "seconds from submit to answer, by our clock"),
    },
    "scores": {
        "trial": ("string", "id of the question"),
        "utt_id": ("string", "id of the recording"),
        "condition": ("string", "name of the setting"),
        "repeat": ("Int64", "number of this asking, from 0"),
        "channel": ("Int64", "audio channel, from 0; <NA> where channels were joined"),
        "state": (
            "string",
            "state of the trial, or missing: no row of it; counts are <NA> where it was not answered and was dropped",
        ),
        "spoken_language": ("string", "language of the recording"),
        "unit": ("string", "what is counted: word, char, codepoint, mixed, term or sentence"),
        "normalizer": ("string", "name and version of the normalizer"),
        "ties": ("string", "whose rule splits equal totals into subs, dels and ins: jiwer or sclite"),
        "form": (
            "string",
            "form of the reference that was marked against; +variants: and a fingerprint where a table widened it",
        ),
        "alternative": ("Int64", "which of the right answers was marked against"),
        "wording": ("string", "text marked against, of a reference with alternatives in it; <NA> where it has none"),
        "block": ("string", "speaker, else recording, else utterance: what is independent of what"),
        "block_kind": ("string", "speaker, recording or utterance"),
        "hits": ("Int64", "units right"),
        "subs": ("Int64", "units substituted"),
        "dels": ("Int64", "units deleted"),
        "ins": ("Int64", "units inserted"),
        "ref_len": ("Int64", "units in the reference"),
        "hyp_len": ("Int64", "units in the transcript"),
        "heard": ("string", "fingerprint of the transcript as given: equal where texts are; <NA> where there is none"),
    },
    "summary": {
        "rate": ("Float64", "(subs + dels + ins) / ref_len, pooled; a share, not per cent"),
        "low": ("Float64", "lower end of the interval"),
        "high": ("Float64", "upper end of the interval"),
        "level": ("Float64", "confidence level of the interval"),
        "method": ("string", "how the interval was computed"),
        "resamples": ("Int64", "resamples it is made of; <NA> where it is computed by a formula"),
        "seed": ("Int64", "of those resamples"),
        "unit": ("string", "what is counted"),
        "form": ("string", "form of the reference"),
        "normalizer": ("string", "name and version of the normalizer"),
        "ties": ("string", "rule of ties: jiwer or sclite"),
        "block_kind": ("string", "what the interval takes as independent"),
        "n_utts": ("Int64", "different utterances marked"),
        "n_blocks": ("Int64", "blocks"),
        "n_failed": ("Int64", "trials that failed or whose outcome is unknown"),
        "n_not_run": ("Int64", "trials not yet asked or not yet answered, or spared by a race"),
        "n_missing": ("Int64", "trials that the transcripts have no row of"),
        "lost": (
            "string",
            "how those three count: dropped (not in the rate), or all-deleted; <NA> where there are none",
        ),
        "subs": ("Int64", "units substituted"),
        "dels": ("Int64", "units deleted"),
        "ins": ("Int64", "units inserted"),
        "ref_len": ("Int64", "units in the references"),
    },
    "frontier": {
        "rate": ("Float64", "pooled error rate, of the utterances that all settings have in common; a share"),
        "low": ("Float64", "lower end of its interval"),
        "high": ("Float64", "upper end of its interval"),
        "level": ("Float64", "confidence level of the interval"),
        "usd_per_hour": ("Float64", "US dollars for an hour of recordings; <NA> where the price is not known"),
        "seconds_median": ("Float64", "median of the seconds from submit to answer"),
        "seconds_p90": ("Float64", "90th percentile of the same"),
        "real_time_factor": ("Float64", "sum of those seconds over the seconds of the recordings"),
        "optimal": (
            "boolean",
            "whether no other setting is at least as good in all criteria and better in one; <NA> where not known",
        ),
        "membership": ("Float64", "share of resamples of the blocks in which it is optimal"),
        "criteria": ("string", "what optimal and membership go by: columns of this table, comma-separated"),
        "method": ("string", "how the interval was computed"),
        "resamples": ("Int64", "resamples that membership is made of"),
        "seed": ("Int64", "of those resamples"),
        **_MARKING,
        "block_kind": ("string", "what interval and resamples take as independent"),
        "n_utts": ("Int64", "different utterances that all settings have in common"),
        "n_blocks": ("Int64", "blocks"),
        "n_answers": ("Int64", "marked answers to those"),
        "n_timed": ("Int64", "askings that time is known of"),
        "n_left_out": ("Int64", "marked answers left out because another setting lacks its own"),
        "n_failed": ("Int64", "trials that failed or whose outcome is unknown"),
        "n_not_run": ("Int64", "trials not yet asked or not yet answered, or spared by a race"),
        "n_missing": ("Int64", "trials that the transcripts have no row of"),
        "lost": (
            "string",
            "how those three count: dropped (not in the rate), or all-deleted; <NA> where there are none",
        ),
        "ref_len": ("Int64", "units in the references"),
        "note": ("string", "what to keep in mind"),
    },
    "ranking": {
        "rate": ("Float64", "pooled error rate, of the utterances that all settings have in common; a share"),
        "low": ("Float64", "lower end of its interval"),
        "high": ("Float64", "upper end of its interval"),
        "level": ("Float64", "confidence level of the interval, and of among_best"),
        "method": ("string", "how the interval was computed"),
        "rank": ("Int64", "place by rate, from 1; equal rates share the first"),
        "p_best": ("Float64", "share of resamples of the blocks in which it has the lowest rate; equal ones share it"),
        "among_best": (
            "boolean",
            "whether it is not told from the best; <NA> without answers. A best setting is among these at the level",
        ),
        "p": ("Float64", "one-sided, for being no worse than any other; <NA> where blocks are too few for one"),
        "rival": ("string", "of a setting that is not among the best, the one that there is most evidence for"),
        "test": ("string", "name of the test"),
        "resamples": ("Int64", "resamples that p_best, and p where it is drawn, are made of"),
        "seed": ("Int64", "of those resamples"),
        **_MARKING,
        "block_kind": ("string", "what interval, test and resamples take as independent"),
        "n_utts": ("Int64", "different utterances that all settings have in common"),
        "n_blocks": ("Int64", "blocks"),
        "n_answers": ("Int64", "marked answers to those"),
        "n_left_out": ("Int64", "marked answers left out because another setting lacks its own"),
        "n_failed": ("Int64", "trials that failed or whose outcome is unknown"),
        "n_not_run": ("Int64", "trials not yet asked or not yet answered, or spared by a race"),
        "n_missing": ("Int64", "trials that the transcripts have no row of"),
        "lost": (
            "string",
            "how those three count: dropped (not in the rate), or all-deleted; <NA> where there are none",
        ),
        "ref_len": ("Int64", "units in the references"),
        "note": ("string", "what to keep in mind"),
    },
    "precision_recall": {
        "recall": ("Float64", "hits / said: share of what was said that was heard there"),
        "recall_low": ("Float64", "lower end of its interval"),
        "recall_high": ("Float64", "upper end of its interval"),
        "precision": ("Float64", "hits / heard: share of what was heard that was said there"),
        "precision_low": ("Float64", "lower end of its interval"),
        "precision_high": ("Float64", "upper end of its interval"),
        "f1": ("Float64", "2 hits / (said + heard)"),
        "f1_low": ("Float64", "lower end of its interval"),
        "f1_high": ("Float64", "upper end of its interval"),
        "level": ("Float64", "confidence level of the intervals"),
        "method": ("string", "how the intervals were computed"),
        "unit": ("string", "what is counted: term, mark"),
        "form": ("string", "form of the reference"),
        "normalizer": ("string", "name and version of the normalizer"),
        "ties": ("string", "rule of ties: jiwer or sclite"),
        "block_kind": ("string", "what the intervals take as independent"),
        "n_utts": ("Int64", "different utterances marked"),
        "n_blocks": ("Int64", "blocks"),
        "n_failed": ("Int64", "trials that failed or whose outcome is unknown"),
        "n_not_run": ("Int64", "trials not yet asked or not yet answered, or spared by a race"),
        "n_missing": ("Int64", "trials that the transcripts have no row of"),
        "lost": (
            "string",
            "how those three count: dropped (not in the rate), or all-deleted; <NA> where there are none",
        ),
        "said": ("Int64", "units said"),
        "heard": ("Int64", "units heard"),
        "hits": ("Int64", "units heard where they were said"),
        "false": ("Int64", "units heard where they were not said"),
    },
    "context_ladder": {
        "recall": ("Float64", "share of the terms said that were heard there"),
        "recall_low": ("Float64", "lower end of its interval"),
        "recall_high": ("Float64", "upper end of its interval"),
        "precision": ("Float64", "share of the terms heard that were said there"),
        "precision_low": ("Float64", "lower end of its interval"),
        "precision_high": ("Float64", "upper end of its interval"),
        "f1": ("Float64", "harmonic mean of the two"),
        "f1_low": ("Float64", "lower end of its interval"),
        "f1_high": ("Float64", "upper end of its interval"),
        "false_terms": ("Float64", "terms heard where they were not said, in 1,000 units of the references"),
        "false_terms_low": ("Float64", "lower end of its interval"),
        "false_terms_high": ("Float64", "upper end of its interval"),
        "distractors": ("Float64", "terms that are heard and said nowhere, in 1,000 units of the references"),
        "distractors_low": ("Float64", "lower end of its interval"),
        "distractors_high": ("Float64", "upper end of its interval"),
        "leak": ("Float64", "share of answers into which the context leaked"),
        "leak_low": ("Float64", "lower end of its interval"),
        "leak_high": ("Float64", "upper end of its interval"),
        "error": ("Float64", "pooled error rate of all words, a share"),
        "error_low": ("Float64", "lower end of its interval"),
        "error_high": ("Float64", "upper end of its interval"),
        "listed": ("Float64", "error rate of listed words: B-WER"),
        "listed_low": ("Float64", "lower end of its interval"),
        "listed_high": ("Float64", "upper end of its interval"),
        "unlisted": ("Float64", "error rate of all other words: U-WER"),
        "unlisted_low": ("Float64", "lower end of its interval"),
        "unlisted_high": ("Float64", "upper end of its interval"),
        "baseline": ("string", "level that differences are from"),
        "recall_delta": ("Float64", "recall less that of the baseline, on the same utterances; positive is better"),
        "recall_delta_low": ("Float64", "lower end of its interval"),
        "recall_delta_high": ("Float64", "upper end of its interval"),
        "recall_p": ("Float64", "p of that difference, corrected for all rows of this table"),
        "error_delta": ("Float64", "error rate less that of the baseline, on the same utterances; negative is better"),
        "error_delta_low": ("Float64", "lower end of its interval"),
        "error_delta_high": ("Float64", "upper end of its interval"),
        "error_p": ("Float64", "p of that difference, corrected for all rows of this table"),
        "level": ("Float64", "confidence level of the intervals"),
        "method": ("string", "how the intervals were computed"),
        "unit": ("string", "what texts are cut into"),
        "form": ("string", "form of the reference"),
        "normalizer": ("string", "name and version of the normalizer"),
        "n_utts": ("Int64", "different utterances marked"),
        "n_blocks": ("Int64", "blocks"),
        "n_failed": ("Int64", "trials that failed or whose outcome is unknown"),
        "n_not_run": ("Int64", "trials not yet asked or not yet answered, or spared by a race"),
        "n_missing": ("Int64", "trials that the transcripts have no row of"),
        "lost": (
            "string",
            "how those three count: dropped (not in the rate), or all-deleted; <NA> where there are none",
        ),
        "ref_len": ("Int64", "units in the references"),
        "said": ("Int64", "terms said"),
        "heard": ("Int64", "terms heard"),
        "hits": ("Int64", "terms heard where they were said"),
        "false": ("Int64", "terms heard where they were not said"),
    },
    "bias_curve": {
        "size": ("Int64", "terms in the list"),
        "listed": ("Float64", "error rate of listed words: B-WER"),
        "listed_low": ("Float64", "lower end of its interval"),
        "listed_high": ("Float64", "upper end of its interval"),
        "unlisted": ("Float64", "error rate of all other words: U-WER"),
        "unlisted_low": ("Float64", "lower end of its interval"),
        "unlisted_high": ("Float64", "upper end of its interval"),
        "recall": ("Float64", "share of the terms said that were heard there"),
        "recall_low": ("Float64", "lower end of its interval"),
        "recall_high": ("Float64", "upper end of its interval"),
        "distractors": ("Float64", "terms that are heard and said nowhere, in 1,000 units of the references"),
        "distractors_low": ("Float64", "lower end of its interval"),
        "distractors_high": ("Float64", "upper end of its interval"),
        "error": ("Float64", "pooled error rate of all words, a share"),
        "error_low": ("Float64", "lower end of its interval"),
        "error_high": ("Float64", "upper end of its interval"),
        "listed_trend": ("Float64", "change of listed with a list ten times as long"),
        "listed_trend_low": ("Float64", "lower end of its interval"),
        "listed_trend_high": ("Float64", "upper end of its interval"),
        "listed_trend_p": ("Float64", "p of that trend, not corrected"),
        "listed_trend_n": ("Int64", "utterances that it is of: those answered at every size"),
        "unlisted_trend": ("Float64", "change of unlisted with a list ten times as long"),
        "unlisted_trend_low": ("Float64", "lower end of its interval"),
        "unlisted_trend_high": ("Float64", "upper end of its interval"),
        "unlisted_trend_p": ("Float64", "p of that trend, not corrected"),
        "unlisted_trend_n": ("Int64", "utterances that it is of: those answered at every size"),
        "recall_trend": ("Float64", "change of recall with a list ten times as long"),
        "recall_trend_low": ("Float64", "lower end of its interval"),
        "recall_trend_high": ("Float64", "upper end of its interval"),
        "recall_trend_p": ("Float64", "p of that trend, not corrected"),
        "recall_trend_n": ("Int64", "utterances that it is of: those answered at every size"),
        "distractors_trend": ("Float64", "change of distractors with a list ten times as long"),
        "distractors_trend_low": ("Float64", "lower end of its interval"),
        "distractors_trend_high": ("Float64", "upper end of its interval"),
        "distractors_trend_p": ("Float64", "p of that trend, not corrected"),
        "distractors_trend_n": ("Int64", "utterances that it is of: those answered at every size"),
        "error_trend": ("Float64", "change of error with a list ten times as long"),
        "error_trend_low": ("Float64", "lower end of its interval"),
        "error_trend_high": ("Float64", "upper end of its interval"),
        "error_trend_p": ("Float64", "p of that trend, not corrected"),
        "error_trend_n": ("Int64", "utterances that it is of: those answered at every size"),
        "level": ("Float64", "confidence level of the intervals"),
        "method": ("string", "how the intervals were computed"),
        "unit": ("string", "what texts are cut into"),
        "form": ("string", "form of the reference"),
        "normalizer": ("string", "name and version of the normalizer"),
        "n_utts": ("Int64", "different utterances marked"),
        "n_blocks": ("Int64", "blocks"),
        "n_failed": ("Int64", "trials that failed or whose outcome is unknown"),
        "n_not_run": ("Int64", "trials not yet asked or not yet answered, or spared by a race"),
        "n_missing": ("Int64", "trials that the transcripts have no row of"),
        "lost": (
            "string",
            "how those three count: dropped (not in the rate), or all-deleted; <NA> where there are none",
        ),
        "ref_len": ("Int64", "units in the references"),
        "said": ("Int64", "terms said"),
        "heard": ("Int64", "terms heard"),
        "hits": ("Int64", "terms heard where they were said"),
        "false": ("Int64", "terms heard where they were not said"),
    },
    "comparison": {
        "axis": ("string", "the axis along which settings are compared"),
        "level": ("string", "label of the setting"),
        "baseline": ("string", "label of the setting it is compared with"),
        "rate": ("Float64", "pooled rate of the setting on the pairs"),
        "baseline_rate": ("Float64", "pooled rate of the baseline on the same pairs"),
        **_DIFFERENCE,
        "margin": ("Float64", "difference that does not matter, of equivalence and non-inferiority; a share"),
        "repeat_noise": ("Float64", "standard error that delta has from the service's own variation, seen in repeats"),
        "changed": ("Float64", "share of pairs whose transcripts differ, or of which one has none"),
        "changed_floor": ("Float64", "share of pairs of repeats of one setting whose transcripts differ"),
        **_MARKING,
        "block_kind": ("string", "what the interval takes as independent"),
        "n_blocks": ("Int64", "blocks"),
        "n_pairs": ("Int64", "pairs of answers to the same utterance, repeat and channel"),
        "n_unpaired": ("Int64", "marked answers left out for want of a partner"),
        "better": ("Int64", "pairs in which the setting has fewer errors"),
        "worse": ("Int64", "pairs in which it has more"),
        "tied": ("Int64", "pairs with equally many"),
        "note": ("string", "what to keep in mind"),
    },
    "effects": {
        "effect": ("string", "main, or interaction"),
        "axis": ("string", "the axis whose effect it is"),
        "level": ("string", "label of the setting"),
        "baseline": ("string", "label of the setting it is compared with"),
        "moderator": ("string", "of an interaction, the axis on which the effect depends"),
        "moderator_level": ("string", "label of that axis"),
        "moderator_baseline": ("string", "label of that axis it is compared with"),
        **_DIFFERENCE,
        "there": ("Float64", "of an interaction, the effect at moderator_level"),
        "there_low": ("Float64", "lower end of its interval"),
        "there_high": ("Float64", "upper end of its interval"),
        "elsewhere": ("Float64", "of an interaction, the effect at moderator_baseline"),
        "elsewhere_low": ("Float64", "lower end of its interval"),
        "elsewhere_high": ("Float64", "upper end of its interval"),
        **_MARKING,
        "block_kind": ("string", "what the interval takes as independent"),
        "n_blocks": ("Int64", "blocks"),
        "n_utts": ("Int64", "different utterances that have an answer in every cell"),
        "n_cells": ("Int64", "cells of the grid"),
        "n_answers": ("Int64", "answers in each cell"),
        "n_left_out": ("Int64", "marked answers left out because another cell lacks its answer"),
        "note": ("string", "what to keep in mind"),
    },
    "race": {
        "look": ("Int64", "number of the look, from 1"),
        "fraction": ("Float64", "share of the blocks of the order of trials that were asked by then"),
        "condition": ("string", "a setting that was kept until then"),
        "rival": ("string", "of the others kept until then, the one that there is most evidence for against it"),
        "rate": ("Float64", "pooled rate of the setting on the questions that both answered"),
        "rival_rate": ("Float64", "pooled rate of the rival on the same"),
        "delta": ("Float64", "rate - rival_rate; positive is worse than the rival"),
        "low": ("Float64", "lower end of the interval of delta, at the boundary of the look; above 0 it is dropped"),
        "high": ("Float64", "upper end of that interval"),
        "statistic": ("Float64", "ratio t of delta by block"),
        "p": ("Float64", "its one-sided p, for being no worse than the rival; <NA> where blocks are too few for one"),
        "boundary": ("Float64", "p that is enough at this look"),
        "level": ("Float64", "confidence level of the race"),
        "dropped": ("boolean", "whether it is dropped at this look, having lost to the rival"),
        "n_asked": ("Int64", "blocks of the order of trials that were asked by then"),
        "n_planned": ("Int64", "blocks of the order of trials in all"),
        "n_settings": ("Int64", "settings at the start, which the boundary is for"),
        **_MARKING,
        "block_kind": ("string", "what the test takes as independent"),
        "n_blocks": ("Int64", "blocks of that kind with answers of both"),
        "n_pairs": ("Int64", "pairs of answers to the same utterance, repeat and channel"),
        "note": ("string", "what to keep in mind"),
    },
    "audit": {
        "axis": ("string", "the axis that was looked at"),
        "level": ("string", "label of the setting"),
        "baseline": ("string", "label of the setting it is compared with"),
        "verdict": ("string", "acts, acts in form only, no visible effect, or cannot tell"),
        "reason": ("string", "why, for people"),
        "changed": ("Float64", "share of pairs whose texts differ in any character"),
        "in_wording": ("Float64", "share that differs without case, marks, spelling and number forms"),
        "in_form": ("Float64", "share of the rest: changed - in_wording"),
        "floor": ("Float64", "share of pairs of repeats of one setting whose texts differ; <NA> without repeats"),
        "floor_wording": ("Float64", "share of those that differ in wording"),
        "p": ("Float64", "of swapping labels within utterance and repeat, in text or wording; corrected by Holm"),
        "p_wording": ("Float64", "the same in wording alone"),
        "better": ("Int64", "pairs in which the setting has fewer errors"),
        "worse": ("Int64", "pairs in which it has more"),
        "n_utts": ("Int64", "different utterances answered under both"),
        "n_pairs": ("Int64", "pairs of answers to the same utterance, channel, repeat and other axes"),
        "n_repeats": ("Int64", "passes of repeats"),
        "n_left_out": ("Int64", "answers left out for want of a partner"),
        "seed": ("Int64", "of random swaps"),
    },
    "power": {
        "delta": ("Float64", "the true difference; a share"),
        "speakers": ("Int64", "speakers, or other blocks"),
        "utterances": ("Int64", "utterances of each"),
        "n_utts": ("Int64", "utterances of all"),
        "power": ("Float64", "share of such experiments in which the test finds the difference"),
        "low": ("Float64", "lower end of the 95 % interval of power, for the number of simulations"),
        "high": ("Float64", "upper end of that interval"),
        "target": ("Float64", "power wanted"),
        "enough": ("boolean", "whether power reaches the target"),
        "test": ("string", "name of the test"),
        "correction": ("string", "how p is corrected for the number of comparisons"),
        "n_comparisons": ("Int64", "how many comparisons that correction is for"),
        "confidence": ("Float64", "1 - the level of the test"),
        "unit": ("string", "what is counted"),
        "rate": ("Float64", "pooled rate of the baseline"),
        "design_effect": ("Float64", "variance by speaker over what it were if all utterances were independent"),
        "n_simulations": ("Int64", "experiments simulated"),
        "seed": ("Int64", "of the simulation"),
        "source": ("string", "where rates and spreads come from: pilot, or assumed"),
        "note": ("string", "what to keep in mind"),
    },
    "agreement": {
        "same": ("Float64", "share of pairs of repeats that have the same transcript"),
        "low": ("Float64", "lower end of its interval"),
        "high": ("Float64", "upper end of its interval"),
        "level": ("Float64", "confidence level of the interval"),
        "method": ("string", "how the interval was computed"),
        "rate": ("Float64", "pooled rate of all repeats"),
        "rate_low": ("Float64", "least pooled rate among the repeats"),
        "rate_high": ("Float64", "greatest pooled rate among the repeats"),
        "repeat_noise": (
            "Float64",
            "standard deviation of the rate of one asking of all, from the spread within questions",
        ),
        **_MARKING,
        "block_kind": ("string", "what the interval takes as independent"),
        "n_blocks": ("Int64", "blocks"),
        "n_repeats": ("Int64", "most answers that a question has"),
        "n_questions": ("Int64", "utterances and channels, under each setting, with two answers or more"),
        "n_pairs": ("Int64", "pairs of repeats"),
        "note": ("string", "what to keep in mind"),
    },
    "rates": {
        "unit": ("string", "what is counted"),
        "normalizer": ("string", "name and version of the normalizer"),
        "ties": ("string", "rule of ties: jiwer or sclite"),
        "form": ("string", "form of the reference"),
        "rate": ("Float64", "(subs + dels + ins) / ref_len, pooled: WER, CER or mixed error rate by unit"),
        "clipped": ("Float64", "pooled, with the errors of an answer counted up to its ref_len only"),
        "mean": ("Float64", "mean of the rates of the answers: another number than the pooled rate"),
        "median": ("Float64", "median of the rates of the answers"),
        "ser": ("Float64", "sentence error rate: share of answers with any error"),
        "mer": ("Float64", "match error rate: (subs + dels + ins) / (hits + subs + dels + ins), pooled"),
        "wil": ("Float64", "word information lost: 1 - wip"),
        "wip": ("Float64", "word information preserved: hits / ref_len * hits / hyp_len, pooled"),
        "n_utts": ("Int64", "different utterances marked"),
        "n_marked": ("Int64", "answers marked, repeats and channels apart; with those that count as all deleted"),
        "n_failed": ("Int64", "trials that failed or whose outcome is unknown"),
        "n_not_run": ("Int64", "trials not yet asked or not yet answered, or spared by a race"),
        "n_missing": ("Int64", "trials that the transcripts have no row of"),
        "lost": (
            "string",
            "how those three count: dropped (not in the rate), or all-deleted; <NA> where there are none",
        ),
        "hits": ("Int64", "units right"),
        "subs": ("Int64", "units substituted"),
        "dels": ("Int64", "units deleted"),
        "ins": ("Int64", "units inserted"),
        "ref_len": ("Int64", "units in the references"),
        "hyp_len": ("Int64", "units in the transcripts"),
    },
    "words": {
        "trial": ("string", "id of the question"),
        "utt_id": ("string", "id of the recording"),
        "condition": ("string", "name of the setting"),
        "repeat": ("Int64", "number of this asking, from 0"),
        "channel": ("Int64", "audio channel, from 0"),
        "start_s": ("Float64", "when the word begins, in seconds of the recording"),
        "end_s": ("Float64", "when it ends"),
        "text": ("string", "the word as the engine gave it"),
    },
    "edits": {
        "trial": ("string", "id of the question"),
        "utt_id": ("string", "id of the recording"),
        "condition": ("string", "name of the setting"),
        "repeat": ("Int64", "number of this asking, from 0"),
        "channel": ("Int64", "audio channel, from 0; <NA> where channels were joined"),
        "spoken_language": ("string", "language of the recording"),
        "unit": ("string", "what an edit is about: word, char, codepoint or mixed"),
        "normalizer": ("string", "name and version of the normalizer"),
        "ties": ("string", "rule of ties: jiwer or sclite"),
        "form": (
            "string",
            "form of the reference that was marked against; +variants: and a fingerprint where a table widened it",
        ),
        "alternative": ("Int64", "which of the right answers was marked against"),
        "wording": ("string", "text marked against, of a reference with alternatives in it; <NA> where it has none"),
        "kind": ("string", "sub, del, ins; hit where those were asked for"),
        "ref": ("string", "unit of the reference; <NA> for an insertion"),
        "hyp": ("string", "unit of the transcript; <NA> for a deletion"),
        "ref_pos": ("Int64", "place of ref, from 0; of an insertion, of the unit that it stands before"),
        "hyp_pos": ("Int64", "place of hyp, from 0; of a deletion, of the unit that it would stand before"),
        "start_s": ("Float64", "when it was heard, in seconds of the recording; of a deletion, end of the word before"),
        "end_s": ("Float64", "when it ended; of a deletion, start of the word after"),
    },
    "changes": {
        "trial": ("string", "id of the question, under the setting that changed it"),
        "baseline_trial": ("string", "id of the question under the baseline"),
        "utt_id": ("string", "id of the recording"),
        "repeat": ("Int64", "number of this asking, from 0"),
        "channel": ("Int64", "audio channel, from 0"),
        "spoken_language": ("string", "language of the recording"),
        "axis": ("string", "the axis along which settings are compared"),
        "baseline": ("string", "label of the setting before"),
        "level": ("string", "label of the setting after"),
        "kind": ("string", "what was changed: number, words, case, punctuation or spacing"),
        "number_class": ("string", "what the number is, such as date or money; <NA> where there is none"),
        "before": ("string", "the words under the baseline, their characters in one form"),
        "after": ("string", "the words under the other setting, likewise"),
        "spoken": ("string", "words of the spoken reference there, empty where it has none; <NA> without one"),
        "written": ("string", "words of the written reference there, empty where it has none; <NA> without one"),
        "same_value": ("boolean", "whether before and after say the same, as numbers are read"),
        "was": ("string", "forms of the reference that before is written in; or value, or wrong"),
        "now": ("string", "forms of the reference that after is written in; or value, or wrong"),
        "verdict": ("string", "right, mended, kept, other form, form lost, broken, misheard, wrong or unjudged"),
        "harm": ("boolean", "whether the change did harm; <NA> where that cannot be said"),
        "begin": ("Int64", "where after begins in the transcript, in characters brought to one form"),
        "end": ("Int64", "where it ends"),
        "what": ("string", "the change and the verdict, for people"),
    },
    "confusions": {
        "unit": ("string", "what is counted"),
        "normalizer": ("string", "name and version of the normalizer"),
        "ties": ("string", "rule of ties: jiwer or sclite"),
        "form": ("string", "form of the reference"),
        "kind": ("string", "sub, del or ins"),
        "ref": ("string", "unit of the reference; <NA> for an insertion"),
        "hyp": ("string", "unit heard; <NA> for a deletion"),
        "count": ("Int64", "how often"),
        "n_utts": ("Int64", "in how many different utterances"),
    },
    "found": {
        "trial": ("string", "id of the question"),
        "utt_id": ("string", "id of the recording"),
        "condition": ("string", "name of the setting"),
        "repeat": ("Int64", "number of this asking, from 0"),
        "channel": ("Int64", "audio channel, from 0"),
        "spoken_language": ("string", "language of the recording"),
        "unit": ("string", "what texts and terms are cut into: word, char, codepoint or mixed"),
        "normalizer": ("string", "name and version of the normalizer"),
        "form": ("string", "form of the reference that was marked against"),
        "alternative": ("Int64", "which of the right answers was marked against"),
        "wording": ("string", "text marked against, of a reference with alternatives in it; <NA> where it has none"),
        "kind": ("string", "hit, near miss or missed: said there; false or distractor: heard and not said there"),
        "term": ("string", "the term as it was listed"),
        "role": ("string", "present: said in this utterance; distractor: not"),
        "ref": ("string", "what was said there; <NA> where nothing answers to what was heard"),
        "hyp": ("string", "what was heard there; <NA> where nothing was"),
        "likeness": ("Float64", "of a miss, how much what was heard is like it, 0 to 1; <NA> where nothing was heard"),
        "ref_begin": ("Int64", "first unit of ref in the reference, from 0; where that is <NA>, the one after it"),
        "ref_end": ("Int64", "unit after its last"),
        "hyp_begin": ("Int64", "first unit of hyp in the transcript; where that is <NA>, the one after it"),
        "hyp_end": ("Int64", "unit after its last"),
    },
    "flags": {
        "trial": ("string", "id of the question"),
        "utt_id": ("string", "id of the recording"),
        "condition": ("string", "name of the setting"),
        "repeat": ("Int64", "number of this asking, from 0"),
        "channel": ("Int64", "audio channel, from 0; <NA> where channels were joined"),
        "spoken_language": ("string", "language of the recording"),
        "flag": ("string", "what was found, in a word or two"),
        "value": ("Float64", "how much of it, in the unit that what names"),
        "begin": ("Int64", "first unit of the transcript, normalised and cut, that it is about, from 0"),
        "end": ("Int64", "unit after the last"),
        "evidence": ("string", "those words"),
        "what": ("string", "what was found, for people"),
    },
    "languages": {
        "spoken_language": ("string", "language of the recordings, by its code; <NA> where it is not known"),
        "found": ("string", "language found, by its code; <NA> where none was"),
        "right": ("boolean", "whether it is the one spoken; <NA> where that is not known"),
        "n_answers": ("Int64", "answers in which it was found"),
        "share": ("Float64", "of all answers to that spoken language"),
        "n_spoken": ("Int64", "those answers"),
        "n_utts": ("Int64", "different utterances in which it was found"),
        "n_lost": ("Int64", "trials of that spoken language without an answer, which are in no share"),
        "source": ("string", "what tells the language: engine, or text"),
    },
    "pairs": {
        "spoken_language": ("string", "language of the recordings, by its code"),
        "hint": ("string", "language that was asked for, by its code"),
        "right": ("boolean", "whether these are one"),
        **_MARKING,
        "rate": ("Float64", "pooled rate with the hint; a share"),
        "rate_unhinted": ("Float64", "pooled rate without a hint, of the same utterances"),
        "delta": ("Float64", "what the hint does: rate - rate_unhinted"),
        "script": ("Float64", "share of answers in another script than what was said; <NA> where not looked at"),
        "script_unhinted": ("Float64", "the same without a hint"),
        "translation": ("Float64", "share of answers that read as a translation; <NA> where not looked at"),
        "translation_unhinted": ("Float64", "the same without a hint"),
        "n_utts": ("Int64", "different utterances"),
        "n_pairs": ("Int64", "pairs of answers to the same utterance, repeat and channel"),
        "n_unpaired": ("Int64", "hinted answers left out for want of a partner without a hint"),
        "better": ("Int64", "pairs in which the hinted answer has fewer errors"),
        "worse": ("Int64", "pairs in which it has more"),
        "tied": ("Int64", "pairs with equally many"),
        "ref_len": ("Int64", "units in the references of the pairs"),
    },
    "findings": {
        "check": ("string", "what was looked for"),
        "severity": ("string", "error (would be refused, or give a wrong number), warning or note"),
        "utt_id": ("string", "id of the recording, <NA> where it is about the whole set"),
        "channel": ("Int64", "audio channel, from 0; <NA> where it is about all"),
        "value": ("Float64", "what was measured or counted, in the unit that what names"),
        "what": ("string", "what was found, for people"),
    },
    "explanation": {
        "part": ("string", "choice that is changed; or not explained: what our answers lack to a published rate"),
        "from": ("string", "our choice, in words"),
        "to": ("string", "their choice, in words"),
        "rate_before": ("Float64", "rate with the parts above changed; a share. Of Shapley values: the sum so far"),
        "rate_after": ("Float64", "the same with this part changed too"),
        "delta": ("Float64", "what the part comes to: rate_after - rate_before"),
        "exact": ("string", "delta as a fraction: these add up to the gap without rounding; <NA> above 4000 digits"),
        "first": ("Float64", "what it would come to if changed before all others; <NA> where that cannot be marked"),
        "last": ("Float64", "what it would come to if changed after all others; <NA> where that cannot be marked"),
        "method": ("string", "in order: the parts in theirs; or shapley: mean over all orders"),
        "n_answers_before": ("Int64", "answers in rate_before; <NA> where that is a sum so far, or published"),
        "n_answers_after": ("Int64", "answers in rate_after"),
        "n_lost_before": ("Int64", "trials without an answer, whether they count or not, before"),
        "n_lost_after": ("Int64", "trials without an answer after"),
        "ref_len_before": ("Int64", "units in the references before"),
        "ref_len_after": ("Int64", "units in the references after"),
        "what": ("string", "one sentence for people"),
    },
    "candidates": {
        "rate": ("Float64", "what our answers come to with these choices; a share"),
        "off": ("Float64", "rate - published; <NA> where the combination cannot be marked"),
        "fits": ("boolean", "whether rate is the published one as far as its digits go"),
        "changed": ("Int64", "how many choices differ from ours, which are the first of each"),
        "published": ("Float64", "the rate that was to be reached; a share"),
        "n_tried": ("Int64", "combinations tried"),
        "n_fit": ("Int64", "combinations that fit"),
        "n_answers": ("Int64", "answers in the rate"),
        "n_lost": ("Int64", "trials without an answer, whether they count or not"),
        "ref_len": ("Int64", "units in the references"),
        "what": ("string", "one sentence for people; why, where the combination cannot be marked"),
    },
    "word_rates": {
        "unit": ("string", "what is counted"),
        "normalizer": ("string", "name and version of the normalizer"),
        "ties": ("string", "rule of ties: jiwer or sclite"),
        "form": ("string", "form of the reference"),
        "word": ("string", "the unit"),
        "said": ("Int64", "times in the references"),
        "hits": ("Int64", "times right"),
        "subs": ("Int64", "times heard as something else"),
        "dels": ("Int64", "times not heard"),
        "ins": ("Int64", "times heard where nothing answers to it"),
        "heard_for": ("Int64", "times heard for something else"),
        "rate": ("Float64", "(subs + dels) / said; <NA> where it was never said"),
        "n_utts": ("Int64", "different utterances with it in the reference"),
    },
}

#: Brings some rows of a table to the next version of its schema.
Migration: TypeAlias = "Callable[[pd.DataFrame], pd.DataFrame]"
#: Table name -> how to come from version 1 to 2, from 2 to 3 and so on. A schema that changes gets an entry here, and
#: what was stored is still read.
MIGRATIONS: Final[Mapping[str, tuple[Migration, ...]]] = {}


def version(table: str) -> int:
    """Tell the version of a table's schema, which stands in every file of it."""
    return 1 + len(MIGRATIONS.get(table, ()))


def empty(table: str) -> pd.DataFrame:
    """Make a table without rows.

    Parameters
    ----------
    table : str
        Name of the table, a key of :data:`SCHEMAS`.

    Returns
    -------
    DataFrame
        All declared columns with their dtypes.
    """
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, (dtype, _) in SCHEMAS[table].items()})


def check(frame: pd.DataFrame, table: str, *, required: tuple[str, ...] | None = None) -> pd.DataFrame:
    """Give a frame the dtypes of a table, or say what is wrong with it.

    Parameters
    ----------
    frame : DataFrame
        Anything with the table's columns; others are kept, after the declared ones.
    table : str
        Name of the table, a key of :data:`SCHEMAS`.
    required : tuple of str, optional
        Columns that must be there (all declared ones if None); other declared columns are filled with ``<NA>``.

    Returns
    -------
    DataFrame
        A new frame, declared columns first and in order.

    Raises
    ------
    InvalidInput
        If a required column is missing or a column cannot take its dtype.
    """
    check_frame(frame)
    schema = SCHEMAS[table]
    missing = [name for name in (schema if required is None else required) if name not in frame.columns]
    if missing:
        raise InvalidInput(
            f"The {table} table needs the column{'s' * (len(missing) > 1)} {', '.join(missing)}; "
            f"this frame has {', '.join(map(str, frame.columns)) or 'none'}. Rename or add what is missing."
        )
    columns: dict[str, pd.Series] = {}
    for name, (dtype, _) in schema.items():
        if name not in frame.columns:
            columns[name] = pd.Series(pd.NA, index=frame.index, dtype=_dtype(dtype))
            continue
        columns[name] = cast(frame[name], table)
    others = {str(name): frame[name] for name in frame.columns if name not in schema}
    return pd.DataFrame({**columns, **others}, index=frame.index, copy=False)


def cast(column: pd.Series, table: str) -> pd.Series:
    """Give a column the dtype that a table declares for its name.

    Raises
    ------
    InvalidInput
        If it cannot take that.
    """
    name = str(column.name)
    dtype, meaning = SCHEMAS[table][name]
    if column.dtype == _dtype(dtype):
        return column
    if dtype == "string":
        _refuse_no_text(column, f"Column {name} of the {table} table ({meaning})")
    try:
        return column.astype(_dtype(dtype))
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput(f"Column {name} of the {table} table ({meaning}) must be {dtype}: {error}.") from error


#: What pandas makes a text of by its repr, or as none would write it.
_NO_TEXTS: Final = (
    *(dict, list, tuple, set, frozenset, np.ndarray, bytes, bytearray, bool, np.bool),
    *(dt.date, dt.time, dt.timedelta, np.datetime64, np.timedelta64),
)


def _refuse_no_text(column: pd.Series, what: str) -> None:
    """Refuse what is no text; numbers are texts as they are written."""
    levelled = isinstance(column.dtype, pd.CategoricalDtype)
    dtype = column.cat.categories.dtype if levelled else column.dtype
    if isinstance(dtype, pd.StringDtype) or dtype.kind in "iuf":
        return
    if levelled:
        column = column.drop_duplicates().astype(object)
    values = column.tolist()
    kinds = {*map(type, values)} - {type(pd.NaT)}
    if odd := {kind for kind in kinds if issubclass(kind, _NO_TEXTS)}:
        value = next(value for value in values if type(value) in odd)
        raise InvalidInput(f"{what} must be string, and holds {value!r}. Write it as text, or take the text out of it.")


def check_frame(frame: object) -> None:
    """Refuse what is no DataFrame, or has two columns of one name."""
    if not isinstance(frame, pd.DataFrame):
        read = " Read what is stored with pandas.read_parquet()." if isinstance(frame, str | PathLike) else ""
        raise InvalidInput(f"A table must be a pandas DataFrame, not {type(frame).__name__}.{read}")
    if (twice := frame.columns.duplicated()).any():
        raise InvalidInput(f"This table has two columns named {frame.columns[twice][0]!r}. Drop or rename one.")


#: Of each kind of results, the columns without which a table is none of them: all of one of these sets.
_MARKS: Final[Mapping[Kind, tuple[frozenset[str], ...]]] = {
    "summary": (frozenset({"rate", "low", "high"}),),
    "comparison": (frozenset({"delta"}), frozenset({"baseline_rate"})),
    "effects": (frozenset({"effect", "moderator"}), frozenset({"moderator", "moderator_level"})),
    "power": (frozenset({"power"}), frozenset({"design_effect"})),
    "agreement": (frozenset({"same"}), frozenset({"n_questions"})),
}


#: What other tables with a rate or a delta are told by: an explanation, pairs, an audit, a context ladder, candidates,
#: a frontier, a ranking, a race.
_OTHERS: Final = (
    *({"rate_before", "rate_after"}, {"rate_unhinted", "translation_unhinted"}, {"in_wording", "in_form"}),
    *({"recall", "recall_low"}, {"n_tried", "n_fit"}, {"optimal", "membership"}),
    *({"p_best", "among_best"}, {"boundary", "dropped"}),
)


def kind(frame: pd.DataFrame) -> Kind | None:
    """Tell what results a table holds, by its columns: an axis may have the name of a column of another table.

    Parameters
    ----------
    frame : DataFrame
        Any table; of results, all columns or a choice of them.

    Returns
    -------
    {"summary", "comparison", "effects", "power", "agreement"} or None
        The kind that declares most of the columns. None where it is no table of results, or one put together from
        several kinds; but a comparison and effects put together are "effects", whose ``effect`` is ``<NA>`` in the rows
        of the comparison.

    Examples
    --------
    >>> kind(empty("comparison").assign(moderator="on"))
    'comparison'
    """
    has = set(frame.columns)
    if any(marks <= has for marks in _OTHERS):
        return None
    declared = {name: has & set(SCHEMAS[name]) for name in _MARKS}
    found = [name for name, marks in _MARKS.items() if any(mark <= has for mark in marks)]
    if not found:
        return None
    best = max(found, key=lambda name: len(declared[name]))
    for name in _MARKS:
        others = set(SCHEMAS[name]) - set(SCHEMAS[best])
        if 2 * len(has & others) > len(others) and (best, name) != ("effects", "comparison"):
            return None
    return best


@cache
def _dtype(name: str) -> Any:  # noqa: ANN401 - pandas' own or numpy's
    return pd.api.types.pandas_dtype(name)
