"""Segments: transcripts of long recordings cut to what was said when, by the times of the words heard."""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.scoring.given import answers, complain, numbers_of, repeated
from asrlab.scoring.tokens import together

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.int64]

_ASKING: Final = ["utt_id", "condition", "repeat", "channel"]
_OVERLAP_S: Final = 0.001  # less is a matter of rounding


def by_segment(transcripts: pd.DataFrame, words: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """Cut transcripts of whole recordings to transcripts of their segments, by the times of the words.

    A word belongs to the segment of its recording and channel in which its middle lies. One that lies in none goes to
    the next segment, and after the last to that, where it will count as inserted: nothing that was heard is lost. The
    order of words stays: none goes to a segment before that of the word before it. This is how NIST's sclite cuts a
    CTM by an STM file. Where segments overlap, a word in both goes to the one that begins
    first, as there; of voices at once on one channel, it cannot be told whose a word is.

    Parameters
    ----------
    transcripts : DataFrame
        A ``transcripts`` table of the recordings, as :func:`score` takes it: ``sweep.transcripts``.
    words : DataFrame
        A ``words`` table of the same answers, ``sweep.words``; ``utt_id``, ``start_s``, ``end_s`` (seconds) and
        ``text`` are needed, ``condition``, ``repeat`` and ``channel`` where the transcripts have several. Words of
        other answers are not looked at.
    segments : DataFrame
        A ``segments`` table, ``ds.segments``. One whose text is ``<NA>`` is not to be marked: the words in it are left
        out, with those before it that lie in no segment.

    Returns
    -------
    DataFrame
        A ``transcripts`` table with a row for each answer and segment that is marked, in the order of the answers, then
        of time. ``utt_id`` is the segment's id, ``channel`` is 0, and ``text`` its words: with spaces between them, but
        not between characters of scripts that are written without. It is ``""`` where nothing was heard. What failed,
        did so in each of its segments. ``trial``, ``condition``, ``repeat``, ``state`` and axes are kept; the rest, of
        whole recordings, is ``<NA>``.

    Raises
    ------
    InvalidInput
        If an answer has a text and no words with times, there are no segments where something was heard, or a table
        lacks a column.

    Warns
    -----
    UserWarning
        If segments of one channel overlap.

    Examples
    --------
    >>> segments = pd.DataFrame({"segment": ["s1", "s2"], "utt_id": "call", "begin_s": [0.0, 4.0], "end_s": [4.0, 9.0],
    ...                          "text": ["good morning", "hello"]})
    >>> words = pd.DataFrame({"utt_id": "call", "start_s": [0.5, 1.0, 4.2], "end_s": [0.9, 1.6, 4.8],
    ...                       "text": ["good", "morning", "hello"]})
    >>> heard = pd.DataFrame({"utt_id": ["call"], "text": ["good morning hello"]})
    >>> by_segment(heard, words, segments)[["utt_id", "text"]].to_numpy().tolist()
    [['s1', 'good morning'], ['s2', 'hello']]

    Then ``score(by_segment(sweep.transcripts, sweep.words, ds.segments), ds.segmented())`` marks segment by segment,
    with the speakers of the segments as blocks.
    """
    rows, _ = answers(transcripts)
    rows = rows.fillna({"channel": 0})
    complain(
        repeated(rows, _ASKING),
        rows,
        "are transcripts of one recording, channel, condition and repeat. Name what tells them apart in a column "
        "condition, in the transcripts and in the words.",
    )
    stretches = _stretches(segments)
    heard = _heard(words)
    answered = (rows["state"] == "answered").to_numpy(bool)
    row = _same(heard, rows, _ASKING)
    heard, row = heard[row >= 0], row[row >= 0]
    heard, row = heard[answered[row]], row[answered[row]]
    timed = np.bincount(row, minlength=len(rows)) > 0
    complain(
        answered & ~timed & (rows["text"].str.strip() != "").fillna(value=False).to_numpy(bool),
        rows,
        "have a text and no words with times, by which it could be cut. Ask with enable_words=True, and give the words "
        "of the same answers (sweep.words).",
    )
    # Each recording and channel with segments has a number, and each row that of its own; -1 for none.
    track = numbers_of(*_codes(stretches, ["utt_id", "channel"]))
    first = stretches.assign(track=track).drop_duplicates("track")
    place = _same(rows, first, ["utt_id", "channel"])
    of_row = np.where(place >= 0, first["track"].to_numpy(np.int64)[place], -1) if len(first) else place
    complain(
        timed & (of_row < 0),
        rows,
        "are heard where there are no segments: leave those recordings or channels out of the transcripts, such as "
        "transcripts[transcripts['channel'] == 0].",
    )
    # In order of time; a word never goes to a segment before that of the word before it.
    order = np.lexsort((heard["start_s"].to_numpy(np.float64), row))
    heard, row = heard.iloc[order], row[order]
    middle = ((heard["start_s"] + heard["end_s"]) / 2).groupby(row).cummax().to_numpy(np.float64)
    segment = _segment_of(middle, of_row[row], stretches["end_s"].to_numpy(np.float64), track)
    return _cut(rows, of_row, stretches, track, heard.assign(row=row, segment=segment))


def _stretches(segments: pd.DataFrame) -> pd.DataFrame:
    """Check segments, and sort them by recording, channel and begin."""
    table = tables.check(segments, "segments", required=("segment", "utt_id", "begin_s", "end_s", "text"))
    table = table.reset_index(drop=True).fillna({"channel": 0})
    for name in ("segment", "utt_id", "begin_s", "end_s"):
        complain(table[name].isna(), table, f"of the segments have no {name}.")
    complain(table["segment"].duplicated(), table, "have segments of the same id. Each needs its own.")
    recording, channel = _codes(table, ["utt_id", "channel"])
    times = (table[name].to_numpy(np.float64) for name in ("end_s", "begin_s"))
    table = table.iloc[np.lexsort((*times, channel, recording))].reset_index(drop=True)
    begins = table["begin_s"].to_numpy(np.float64)
    ended = table["end_s"].astype("float64").groupby([table["utt_id"], table["channel"]]).cummax()
    before = ended.groupby([table["utt_id"], table["channel"]]).shift().to_numpy(np.float64)
    if (both := begins < before - _OVERLAP_S).any():
        named = ", ".join(table.loc[both, "utt_id"].unique()[:5])
        warnings.warn(
            f"{int(both.sum())} segments begin before another on their channel has ended ({named}). A word heard in "
            "both goes to the one that began first, as in sclite. Where speakers have channels of their own, ask for "
            "each; else mark the whole text too: score(sweep.transcripts, ds).",
            stacklevel=3,
        )
    return table


def _heard(words: pd.DataFrame) -> pd.DataFrame:
    heard = tables.check(words, "words", required=("utt_id", "start_s", "end_s", "text")).reset_index(drop=True)
    heard = heard.fillna({"condition": "unnamed", "repeat": 0, "channel": 0})
    complain(heard["start_s"].isna() | heard["text"].isna(), heard, "are words without a start_s or a text.")
    return heard.assign(end_s=heard["end_s"].fillna(heard["start_s"]))


def _codes(table: pd.DataFrame, columns: list[str]) -> list[Places]:
    return [pd.factorize(table[name], use_na_sentinel=False)[0].astype(np.int64) for name in columns]


def _same(rows: pd.DataFrame, known: pd.DataFrame, columns: list[str]) -> Places:
    """Find for each row the one of ``known`` that agrees in some columns; -1 where there is none."""
    both = pd.concat([known[columns], rows[columns]], ignore_index=True)
    number = numbers_of(np.zeros(len(both), np.int64), *_codes(both, columns))
    place = np.full(len(both) + 1, -1)
    place[number[: len(known)]] = np.arange(len(known))
    return place[number[len(known) :]]


def _segment_of(middle: NDArray[np.float64], word_track: Places, end_s: NDArray[np.float64], track: Places) -> Places:
    """Find the first segment that ends after each word's middle, else the last of the word's track.

    Segments come by track, then begin. Of those that begin earlier, one that has ended later counts for the ends of
    all that follow it: the first that ends after the middle is so found by counting those that have not.
    """
    latest = pd.Series(end_s).groupby(track).cummax().to_numpy(np.float64)
    is_word = np.arange(len(track) + len(middle)) >= len(track)
    order = np.lexsort((is_word, np.concatenate([latest, middle]), np.concatenate([track, word_track])))
    ended = np.empty(len(order), np.int64)
    ended[order] = np.cumsum(~is_word[order])
    last = np.searchsorted(track, word_track, side="right") - 1
    return np.minimum(ended[is_word], last)


def _cut(
    rows: pd.DataFrame, of_row: Places, stretches: pd.DataFrame, track: Places, heard: pd.DataFrame
) -> pd.DataFrame:
    """Give each row one for each segment of its track that is marked, with the words that went there."""
    first, after = (np.searchsorted(track, of_row, side=side) for side in ("left", "right"))
    many = np.where(of_row >= 0, after - first, 0)
    begins = np.cumsum(many) - many
    source = np.repeat(np.arange(len(rows)), many)
    segment = first[source] + np.arange(len(source)) - begins[source]
    row = heard["row"].to_numpy(np.int64)
    at = begins[row] + heard["segment"].to_numpy(np.int64) - first[row]
    words = heard["text"].to_list()  # sorted as the places are
    ends = np.cumsum(np.bincount(at, minlength=len(source))).tolist()
    texts = [together(words[start:end], "mixed") for start, end in pairwise([0, *ends])]
    cut = rows.iloc[source].reset_index(drop=True)
    cut = cut.assign(
        utt_id=stretches["segment"].array.take(segment),
        channel=0,
        text=pd.Series(texts, dtype="string").where(cut["state"] == "answered"),
    )
    kept = stretches["text"].notna().to_numpy(bool)[segment]
    return tables.check(cut[kept].reset_index(drop=True), "transcripts", required=())
