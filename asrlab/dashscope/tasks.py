"""What the client gives back: a task and the transcription that it ends with, or a recognition at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from asrlab.shown import Shown

if TYPE_CHECKING:
    from datetime import datetime

    from asrlab.dashscope.links import SignedUrl


@dataclass(frozen=True, repr=False)
class Task(Shown):
    """A transcription task as the service describes it.

    Parameters
    ----------
    task_id : str
        Its id. Any key of the account can query it until 24 h after it ended.
    status : str
        ``PENDING``, ``RUNNING``, ``SUCCEEDED``, ``FAILED``, ``CANCELED`` or ``UNKNOWN`` (no such task, or no longer).
    request_id : str, optional
        Id of the request that was answered with this description.
    submit_time, scheduled_time, end_time : datetime, optional
        By the service's clock, whose zone is not documented: only their differences mean something.
    audio_s : float, optional
        Seconds of audio billed.
    code, message : str, optional
        Why it failed.
    link : SignedUrl, optional
        Where the result lies, for 24 h.
    ended : bool
        Whether the status will change no more.
    silent : bool
        Whether it failed because nothing is said in the recording, which is an answer too.
    """

    task_id: str
    status: str
    request_id: str | None = None
    submit_time: datetime | None = None
    scheduled_time: datetime | None = None
    end_time: datetime | None = None
    audio_s: float | None = None
    code: str | None = None
    message: str | None = None
    link: SignedUrl | None = None
    ended: bool = False
    silent: bool = False


@dataclass(frozen=True, repr=False)
class ListedTask(Shown):
    """A task as the list of tasks has it: without its result, which only a query gives.

    Parameters
    ----------
    task_id, status : str
        As in :class:`Task`.
    model, region, request_id : str, optional
        What was asked, where, and the id of the request that submitted it.
    created, started, ended : datetime, optional
        In UTC, by the service's clock: the list gives seconds since the epoch, unlike the query.
    """

    task_id: str
    status: str
    model: str | None = None
    region: str | None = None
    request_id: str | None = None
    created: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True, repr=False)
class TaskPage(Shown):
    """A page of the list of tasks.

    Parameters
    ----------
    tasks : tuple of ListedTask
        Those on it.
    total : int
        How many tasks fit what was asked, on all pages.
    total_pages, page_no, page_size : int
        Number of pages, number of this one from 1, and tasks on each.
    """

    tasks: tuple[ListedTask, ...]
    total: int
    total_pages: int
    page_no: int
    page_size: int


@dataclass(frozen=True, repr=False)
class Word(Shown):
    """A word.

    Parameters
    ----------
    begin_ms, end_ms : int
        When it was said, in milliseconds of the recording.
    text : str
        The word, with the space that follows it.
    punctuation : str
        What stands behind it, apart.
    """

    begin_ms: int
    end_ms: int
    text: str
    punctuation: str


@dataclass(frozen=True, repr=False)
class Sentence(Shown):
    """A sentence.

    Parameters
    ----------
    begin_ms, end_ms : int
        When it was said, in milliseconds of the recording.
    text : str
        What was heard.
    language, emotion : str or None
        Code of the language, and name of the emotion, that the service hears in it.
    words : tuple of Word
        If they were asked for.
    """

    begin_ms: int
    end_ms: int
    text: str
    language: str | None
    emotion: str | None
    words: tuple[Word, ...]


@dataclass(frozen=True, repr=False)
class Transcript(Shown):
    """What was heard on one channel.

    Parameters
    ----------
    channel : int
        Number of the audio channel, from 0.
    text : str
        All of it.
    sentences : tuple of Sentence
        The same in pieces, with their times.
    """

    channel: int
    text: str
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, repr=False)
class Transcription(Shown):
    """The result of a task.

    Parameters
    ----------
    transcripts : tuple of Transcript
        One a channel.
    document : dict
        The whole of it as received, with every URL in it bare of its query.
    file_url : SignedUrl, optional
        What it says was transcribed: the link that was submitted, or a signed link to an upload.
    """

    transcripts: tuple[Transcript, ...]
    document: dict[str, Any] = field(repr=False)
    file_url: SignedUrl | None = None


@dataclass(frozen=True, repr=False)
class Recognition(Shown):
    """The answer of a model that answers at once.

    Parameters
    ----------
    text : str
        What was heard; empty where nothing is said in the recording.
    language, emotion : str or None
        Code of the language, and name of the emotion, that the service hears.
    audio_s : float or None
        Seconds of audio billed.
    request_id : str or None
        The service's id of the request.
    document : dict
        The answer as received, of a stream its last frame, with every URL in it bare of its query.
    """

    text: str
    language: str | None = None
    emotion: str | None = None
    audio_s: float | None = None
    request_id: str | None = None
    document: dict[str, Any] = field(default_factory=dict, repr=False)
