"""A file and the recogniser: what is checked before it is asked, what it heard, and what its failures are called."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from anyio.to_thread import run_sync

from asrlab.data.audio import NoAudio, probe
from asrlab.engines.base import Question
from asrlab.errors import InvalidInput, TaskFailed
from asrlab.server.documents import refusal

if TYPE_CHECKING:
    from pathlib import Path

    from asrlab.data.audio import AudioInfo
    from asrlab.engines.base import Answer, Engine, Parameters
    from asrlab.errors import ServiceError

_FILE_CODES: Final = {
    "InvalidParameter.MalformedURL": "InvalidURL",
    "FILE_TOO_LARGE": "InvalidFile.Size",
    "AUDIO_DURATION_TOO_LONG": "InvalidFile.Duration",
    "DECODE_ERROR": "InvalidFile.Format",
    "NO_VALID_AUDIO_ERROR": "InvalidFile.Format",
    "FILE_DOWNLOAD_FAILED": "InvalidFile.DownloadFailed",
    "FILE_403_FORBIDDEN": "InvalidFile.DownloadFailed",
    "FILE_404_NOT_FOUND": "InvalidFile.DownloadFailed",
    "FILE_SERVER_ERROR": "InvalidFile.DownloadFailed",
    "CONTENT_LENGTH_CHECK_FAILED": "InvalidFile.DownloadFailed",
}

_log = logging.getLogger("asrlab.server")


def refused(error: TaskFailed) -> ServiceError:
    """Make of a failure with a code of tasks the refusal of a synchronous request."""
    if error.code == "NO_VALID_AUDIO_ERROR":
        return refusal(400, "InvalidParameter", "The audio is empty")
    if error.code == "AUDIO_DURATION_TOO_LONG":
        return refusal(400, "InvalidFile.AudioLengthError", error.message)
    code = file_code(error.code)
    if code.startswith("Invalid"):
        return refusal(400, code, error.message)
    return refusal(500, "InternalError.Algo", error.message)


def file_code(code: str) -> str:
    """Give the name that sub-tasks and synchronous requests have for a task's code (service documentation, errors)."""
    return _FILE_CODES.get(code, code)


@dataclass(frozen=True)
class Heard:
    """What the recogniser made of a file: facts about the audio, and the answer."""

    audio: AudioInfo
    answer: Answer

    @property
    def text(self) -> str:
        """What was heard on the first channel."""
        return self.answer.transcripts[0].text

    @property
    def is_silent(self) -> bool:
        """Whether nothing was heard on any channel."""
        return not any(transcript.text for transcript in self.answer.transcripts)

    @property
    def audio_s(self) -> int:
        """Begun seconds of audio, of each channel apart; neither rounding nor summing is documented."""
        return math.ceil(self.audio.duration_s) * len(self.answer.transcripts)

    @property
    def audio_tokens(self) -> int:
        """25 a second, and of less than a second as of one (service documentation, billing)."""
        return math.ceil(25 * max(1.0, self.audio.duration_s)) * len(self.answer.transcripts)


async def recognise(
    engine: Engine, path: Path, parameters: Parameters, *, longest_s: float, usual_hints: tuple[str, ...] = ()
) -> Heard:
    """Ask the recogniser about a file; hints that are usual are given where none were sent, to one that takes hints.

    Raises
    ------
    TaskFailed
        With a code of tasks, where the file cannot be used or the recogniser fails on it.
    """
    try:
        # On a thread of its own, as the length of much of what FFmpeg reads is known by decoding it.
        audio = await run_sync(probe, path, abandon_on_cancel=True)
        _check(audio, parameters, longest_s)
        if usual_hints and parameters.language is None and not parameters.language_hints and _takes_hints(engine):
            parameters = replace(parameters, language_hints=usual_hints)
        return Heard(audio, await _ask(engine, str(path), parameters))
    except TaskFailed:
        raise
    except NoAudio as error:
        raise TaskFailed("There is no audio in the file.", code="NO_VALID_AUDIO_ERROR") from error
    except InvalidInput as error:
        raise TaskFailed(
            "The file holds no audio that can be read. Convert it to WAV or FLAC, 16 kHz.", code="DECODE_ERROR"
        ) from error
    except Exception as error:  # whatever a recogniser does, it fails this question and not the service
        _log.error("The recogniser failed with %s", type(error).__name__)
        message = f"The recogniser failed with {type(error).__name__}: {error}"
        raise TaskFailed(message[:1000], code="SERVER_ERROR") from error


async def _ask(engine: Engine, path: str, parameters: Parameters) -> Answer:
    """Ask; a recogniser that takes no hints detects, and is told the first where it detects none of them."""
    hints = parameters.language_hints
    if not hints or _takes_hints(engine):
        return await engine.transcribe(Question(path, parameters))
    unhinted = replace(parameters, language_hints=())
    answer = await engine.transcribe(Question(path, unhinted))
    if any(transcript.text and transcript.language not in hints for transcript in answer.transcripts):
        answer = await engine.transcribe(Question(path, replace(unhinted, language=hints[0])))
    return replace(answer, unsupported=tuple(sorted({*answer.unsupported, "language_hints"})))


def _takes_hints(engine: Engine) -> bool:
    return "language_hints" in engine.capabilities.parameters


def _check(audio: AudioInfo, parameters: Parameters, longest_s: float) -> None:
    if audio.duration_s > longest_s:
        raise TaskFailed(f"The audio is longer than {longest_s:.0f} s. Split it.", code="AUDIO_DURATION_TOO_LONG")
    beyond = [channel for channel in parameters.channel_id if channel >= audio.channels]
    if beyond:
        raise TaskFailed(
            f"channel_id {beyond[0]} is not in the audio, whose channels are 0 to {audio.channels - 1}.",
            code="InvalidParameter",
        )
