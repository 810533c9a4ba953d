"""Recordings of several turns: who speaks when is laid out here, so that the times of the segments are exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from folder import write_audio
from speaking import KOKORO, RATE, Kokoro, at_peak, trimmed

if TYPE_CHECKING:
    from pathlib import Path

    from folder import Folder, Row
    from numpy.typing import NDArray
    from speaking import Samples

    Times = dict[str, tuple[float, float]]

#: Silence after the last turn.
TAIL_S: Final = 0.5


def speak(here: Folder, turns: list[Row], kokoro_voices: Path) -> Times:
    """Say every turn, and write a recording of those that belong together.

    Parameters
    ----------
    here : Folder
        The dataset.
    turns : list of dict
        Rows of ``turns.jsonl``, in the order in which they begin: ``utt_id``, ``language``, ``channel``, ``speaker``,
        ``spoken``, ``written`` and ``gap_s``: from the end of the turn before to the beginning of this one, in
        seconds, negative where they overlap.
    kokoro_voices : Path
        Folder of the Kokoro style tables.

    Returns
    -------
    dict
        Segment -> where it begins and ends, in seconds.
    """
    kokoro, times = Kokoro(kokoro_voices), dict[str, tuple[float, float]]()
    for utt_id, own in by_recording(turns).items():
        said = [trimmed(kokoro.speak(KOKORO[turn["speaker"]], turn["spoken"]), quiet_s=0) for turn in own]
        samples, spans = lay_out(own, level(own, said))
        write_audio(here.path / audio_path(own[0]), at_peak(samples), compact=True)
        times |= {segment_id(utt_id, number): span for number, span in enumerate(spans)}
    return times


def level(turns: list[Row], said: list[Samples]) -> list[Samples]:
    """Make all speakers of a recording equally loud on the whole; one's own turns keep their differences."""
    power = {
        speaker: np.concatenate([s for turn, s in zip(turns, said, strict=True) if turn["speaker"] == speaker]).std()
        for speaker in {turn["speaker"] for turn in turns}
    }
    return [samples / power[turn["speaker"]] for turn, samples in zip(turns, said, strict=True)]


def lay_out(turns: list[Row], said: list[Samples]) -> tuple[NDArray[np.float32], list[tuple[float, float]]]:
    """Put turns at their times.

    Returns
    -------
    samples : ndarray
        Of shape (samples, channels), silence where nobody speaks.
    spans : list of (float, float)
        Where each turn begins and ends, in seconds.
    """
    begins, end = [], 0
    for turn, samples in zip(turns, said, strict=True):
        begins.append(end + round(turn["gap_s"] * RATE))
        end = begins[-1] + len(samples)
    ends = [begin + len(samples) for begin, samples in zip(begins, said, strict=True)]
    channels = 1 + max(turn["channel"] for turn in turns)
    laid = np.zeros((max(ends) + round(TAIL_S * RATE), channels), dtype=np.float32)
    for turn, begin, stop, samples in zip(turns, begins, ends, said, strict=True):
        laid[begin:stop, turn["channel"]] += samples
    return laid, [(begin / RATE, stop / RATE) for begin, stop in zip(begins, ends, strict=True)]


def write_tables(here: Folder, turns: list[Row], times: Times, facts: dict[str, Row]) -> None:
    """Write utterances, references and segments; the recordings must be there.

    Parameters
    ----------
    here : Folder
        The dataset.
    turns : list of dict
        As for :func:`speak`.
    times : dict
        As :func:`speak` gives them.
    facts : dict
        ``utt_id`` -> further columns of the utterance.
    """
    utterances, references, segments = [], [], []
    for utt_id, own in by_recording(turns).items():
        channels = 1 + max(turn["channel"] for turn in own)
        utterances.append(
            {
                "utt_id": utt_id,
                "audio": audio_path(own[0]),
                "language": own[0]["language"],
                "duration_s": here.duration_s(audio_path(own[0])),
                "channels": channels,
                "speaker": None,
                "recording": utt_id,
                **facts[utt_id],
            }
        )
        joint = "" if own[0]["language"] == "zh" else " "
        for channel in range(channels):
            heard = [turn for turn in own if turn["channel"] == channel]
            texts = {form: joint.join(turn[form] for turn in heard) for form in ("spoken", "written")}
            references.append((utt_id, channel, texts))
        for number, turn in enumerate(own):
            begin_s, end_s = times[segment_id(utt_id, number)]
            segments.append(
                {
                    "segment": segment_id(utt_id, number),
                    "utt_id": utt_id,
                    "channel": turn["channel"],
                    "begin_s": begin_s,
                    "end_s": end_s,
                    "speaker": turn["speaker"],
                    "text": turn["spoken"],
                }
            )
    here.write_jsonl("utterances.jsonl", utterances)
    here.write_references(references)
    here.write_jsonl("segments.jsonl", segments)


def written_times(here: Folder) -> Times:
    """Read the times of recordings that are there already."""
    return {row["segment"]: (row["begin_s"], row["end_s"]) for row in here.read_jsonl("segments.jsonl")}


def verify(here: Folder) -> None:
    """Check that segments follow one another in their channels, inside their recordings.

    Raises
    ------
    SystemExit
        At the first that does not.
    """
    lengths = {row["utt_id"]: row["duration_s"] for row in here.read_jsonl("utterances.jsonl")}
    last: dict[Any, float] = {}
    for row in here.read_jsonl("segments.jsonl"):
        place = row["utt_id"], row["channel"]
        fits = last.get(place, 0.0) <= row["begin_s"] < row["end_s"] <= lengths[row["utt_id"]]
        here.expect(fits, f"{row['segment']} overlaps another of its channel, or the end of the recording")
        last[place] = row["end_s"]


def by_recording(turns: list[Row]) -> dict[str, list[Row]]:
    """Sort turns into their recordings."""
    found: dict[str, list[Row]] = {}
    for turn in turns:
        found.setdefault(turn["utt_id"], []).append(turn)
    return found


def segment_id(utt_id: str, number: int) -> str:
    """Name a turn of a recording."""
    return f"{utt_id}-{number + 1:02}"


def audio_path(turn: Row) -> str:
    """Name the recording of a turn, relative to the dataset."""
    return f"audio/{turn['language']}/{turn['utt_id']}.flac"
