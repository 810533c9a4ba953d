"""What an engine is: something that is asked one question about one recording and answers with transcripts.

A sweep asks engines; the local service asks them too. An engine may be a paid service reached over HTTP, a model on
this machine, or a script for tests. All answer the same :class:`Question` with the same :class:`Answer`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import copy
from dataclasses import dataclass, field, fields
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Protocol, Self, runtime_checkable

from asrlab.errors import InvalidInput, OutcomeUnknown
from asrlab.shown import Shown
from asrlab.suggest import suggestion

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from types import TracebackType


@dataclass(frozen=True, repr=False)
class Parameters(Shown):
    """The request parameters a sweep can vary: all of them may change the answer.

    Parameters
    ----------
    language : str, optional
        Code of the language spoken (``"en"``, ``"zh"``, ``"yue"`` ...), a hint to the recogniser; None lets it detect.
    enable_itn : bool
        Inverse text normalization: spoken numbers written as digits.
    context : str, optional
        Text that helps the recogniser: a list of names and terms, or prose.
    channel_id : tuple of int
        Audio channels to transcribe, counted from 0; each is answered (and billed) apart.
    enable_words : bool
        Ask for word times.
    language_hints : tuple of str
        Codes of the languages that may be spoken, for models that take several in place of ``language``.
    vocabulary_id : str, optional
        Id of a list of words that the service keeps, for models that take one in place of ``context``.

    Raises
    ------
    InvalidInput
        If one of them is of another type, or a language and hints are given.
    """

    language: str | None = None
    enable_itn: bool = False
    context: str | None = None
    channel_id: tuple[int, ...] = (0,)
    enable_words: bool = False
    language_hints: tuple[str, ...] = ()
    vocabulary_id: str | None = None

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Self:
        """Build parameters from names and values.

        Parameters
        ----------
        given : mapping
            Parameter names to values.

        Raises
        ------
        InvalidInput
            For a name that is no parameter (the message suggests the right one) or a value of the wrong type.
        """
        known = [f.name for f in fields(cls)]
        for name in given:
            if name not in known:
                raise InvalidInput(f"{name!r} is not a request parameter. {suggestion(name, known)}")
        lists = {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
        return cls(**{**given, **lists})

    def __post_init__(self) -> None:
        for name in ("language", "context", "vocabulary_id"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise InvalidInput(f"{name} must be text or None, not {value!r}.")
        for name in ("enable_itn", "enable_words"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidInput(f"{name} must be True or False, not {getattr(self, name)!r}.")
        channels = self.channel_id
        whole = isinstance(channels, tuple) and all(type(c) is int and c >= 0 for c in channels)
        if not whole or not channels or len(set(channels)) != len(channels):
            raise InvalidInput(f"channel_id must be a list of different channel numbers from 0, not {channels!r}.")
        hints = self.language_hints
        texts = isinstance(hints, tuple) and all(isinstance(hint, str) and hint for hint in hints)
        if not texts or len(set(hints)) != len(hints):
            raise InvalidInput(f"language_hints must be a list of different language codes, not {hints!r}.")
        if hints and self.language is not None:
            raise InvalidInput(
                f"language={self.language!r} and language_hints={list(hints)} are both given. One language is the hint "
                "of all models; several go to those that take them. Leave one out."
            )


def differences(one: Parameters, other: Parameters) -> list[str]:
    """Name the parameters in which two requests differ, in order."""
    return [f.name for f in fields(Parameters) if getattr(one, f.name) != getattr(other, f.name)]


@dataclass(frozen=True, repr=False)
class Question(Shown):
    """One recording and the parameters under which it is to be transcribed.

    Parameters
    ----------
    audio : str
        Path of a local file, or an http(s) or oss URL for engines that fetch by themselves.
    parameters : Parameters
        How to transcribe it.
    task_id : str, optional
        A task already submitted for this very question, perhaps by an earlier process: its answer is collected instead
        of asking again.
    repeat : int
        Number of this asking, from 0. No service is told; an engine that draws at random draws by it.
    """

    audio: str = field(repr=False)  # a link may be signed
    parameters: Parameters = field(default_factory=Parameters)
    task_id: str | None = None
    repeat: int = 0


@dataclass(frozen=True, repr=False)
class Word(Shown):
    """A recognised word with its times in milliseconds; ``punctuation`` follows it."""

    begin_ms: int
    end_ms: int
    text: str
    punctuation: str = ""


@dataclass(frozen=True, repr=False)
class Sentence(Shown):
    """A stretch of a transcript with its times in milliseconds."""

    begin_ms: int
    end_ms: int
    text: str
    language: str | None = None
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, repr=False)
class Transcript(Shown):
    """What was heard on one channel; ``text`` is empty where nothing was said."""

    channel: int
    text: str
    language: str | None
    sentences: tuple[Sentence, ...] = ()


@dataclass(frozen=True, repr=False)
class Answer(Shown):
    """An engine's answer to one question.

    Parameters
    ----------
    transcripts : tuple of Transcript
        One for each channel asked for, in the order asked.
    audio_s : float, optional
        Seconds of audio the engine says it heard (billed), summed over channels where the engine does so.
    model : str
        What answered, with its version where known.
    context_tokens : int, optional
        How many tokens of the context acted on the decoder; None where the engine does not say.
    unsupported : tuple of str
        Names of parameters that were given and could not be obeyed.
    queued_s, elapsed_s : float, optional
        Seconds spent waiting in the engine's queue, and from submit to answer.
    request_id, task_id : str, optional
        The service's ids.
    raw : mapping
        The engine's own answer document, as received, without signed URLs.
    """

    transcripts: tuple[Transcript, ...]
    audio_s: float | None
    model: str
    context_tokens: int | None = None
    unsupported: tuple[str, ...] = ()
    queued_s: float | None = None
    elapsed_s: float | None = None
    request_id: str | None = None
    task_id: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class Capabilities(Shown):
    """What an engine obeys, and how much it takes.

    Parameters
    ----------
    parameters : frozenset of str
        Names of the request parameters that act; any other is reported as unsupported in the answer.
    languages : frozenset of str or None
        Codes that ``language`` may take; None if they are not documented, and any may be tried.
    itn_languages : frozenset of str, optional
        Codes of the languages in which ``enable_itn`` acts; None if in all, or not known.
    context_tokens : int, optional
        How many tokens of a context act; None if all do, or not known.
    audio_s : float, optional
        Seconds of the longest recording it takes; None if not known.
    audio_bytes : int, optional
        Bytes of the largest file it takes; None if not known.
    link_s : float, optional
        Seconds of the longest recording that it is given a link of, where it takes longer files; None if it does not.
    """

    parameters: frozenset[str]
    languages: frozenset[str] | None
    itn_languages: frozenset[str] | None = None
    context_tokens: int | None = None
    audio_s: float | None = None
    audio_bytes: int | None = None
    link_s: float | None = None

    @property
    def ignored(self) -> frozenset[str]:
        """Names of the request parameters that do nothing."""
        return frozenset(f.name for f in fields(Parameters)) - self.parameters

    def unsupported(self, parameters: Parameters) -> tuple[str, ...]:
        """Names of the parameters set away from their defaults that this engine does not obey."""
        given = differences(parameters, Parameters())
        deaf = [name for name in given if name not in self.parameters]
        if "language" in given and "language" not in deaf and self.languages is not None:
            deaf += [] if parameters.language in self.languages else ["language"]
        return tuple(sorted(deaf))


class Steps:
    """What an engine tells of a question on its way; this one takes no note of it.

    Both are awaited, so that what cannot be had again is on the disk before the engine goes on.
    """

    async def sending(self, link: str) -> None:
        """Take note that the request which may cost money is sent next, and of the link to the recording in it.

        Of a recording that is asked about in pieces, this is awaited before each, when none is under way. What it
        raises, asyncio.CancelledError too, has nothing sent; what was heard of the pieces before is kept.
        """

    async def refused(self) -> None:
        """Take note that the request was surely not accepted, and may be sent again after a while."""

    async def submitted(self, task_id: str) -> None:
        """Take note of the task that a service has made of the question, before it is first looked at."""


UNWATCHED: Final = Steps()


class Engine(ABC, Shown):
    """What a sweep and the local service need of an engine; a new one is a class like this.

    An engine is an async context manager: connections and models are held between entering and leaving. It may be
    entered again, from another event loop.
    """

    name: ClassVar[str]
    """What the engine is called in tables."""
    options: ClassVar[Mapping[str, Literal["identity", "runtime"]]] = {}
    """Each option of its constructor: ``identity`` if it can change an answer, and so stands in :attr:`identity`, else
    ``runtime``."""
    free: bool = False
    """Whether asking again costs nothing; an unknown outcome is then simply asked again, and no budget is touched."""
    concurrency: int = 4
    """How many questions are worth having under way at once."""
    submits_per_minute: float = inf
    """How many questions it takes in a minute."""
    computes: bool = False
    """Whether it works an answer out of the recording's file by itself, so that workers on other processors can, too;
    it costs nothing then, and tells of no steps."""
    memory_mb: int = 0
    """Of one that computes: how many megabytes it takes at the most, once loaded."""
    capabilities: Capabilities
    """What it obeys; for an engine behind a service, known once entered."""

    @property
    @abstractmethod
    def identity(self) -> Mapping[str, str]:
        """All facts about the engine that can change an answer; known once entered.

        Always ``engine``, ``model`` and ``region``, and ``version`` where it is known.
        """

    @property
    def server(self) -> str | None:
        """How the service behind it names itself; None where there is none, or it has not answered yet."""
        return None

    @property
    def throttled(self) -> int:
        """How often it was told to ask more slowly."""
        return 0

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def _told(self) -> list[tuple[str, object]]:
        told: list[tuple[str, object]] = []
        try:
            told += self.identity.items()
            told += self.capabilities._told()
        except (RuntimeError, AttributeError):  # it is entered first, or is a sketch that says nothing of itself
            told.append(("all else", "known once it is entered"))
        return [*told, ("costs", "nothing" if self.free else "money")]

    async def __aenter__(self) -> Self:
        """Get ready to answer."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of what was held."""

    def may_be(self, identity: Mapping[str, str]) -> bool:
        """Whether an identity may be this engine's, as far as is known before it is entered."""
        return identity.get("engine") == self.name

    def variant(self, **options: str) -> Engine:
        """Give an engine like this one, with another ``model``, ``region`` or ``mode``: what a grid's axes ask for.

        Raises
        ------
        InvalidInput
            If it cannot be had so.
        """
        raise InvalidInput(
            f"{self!r} cannot be had with another {' and '.join(options)}. Give Sweep the engines themselves, by "
            "labels: Sweep(dataset, {'one': ..., 'other': ...}, conditions, ...)."
        )

    def on_worker(self, threads: int) -> Engine:
        """Give an engine like this one, of the same identity, for a worker that has so many threads to itself."""
        return self

    def part(self, number: int, of: int) -> Engine:
        """Give an engine like this one for one of several processes or machines that share what an account may ask.

        Parameters
        ----------
        number, of : int
            Which it is, from 1, and how many there are.
        """
        return copy(self)

    def sent(self, parameters: Parameters) -> Parameters:
        """Give the parameters as they are sent: those that the model does not have are at their defaults.

        Settings that come to the same request are one question, asked and paid for once.
        """
        return parameters

    def requests(self, duration_s: float) -> int:
        """Into how many requests a recording is divided at most; each is billed by its begun seconds."""
        return 1

    def check(self, parameters: Parameters) -> None:
        """Refuse parameters that the engine would refuse, ignore or misread, before anything is sent.

        Raises
        ------
        InvalidInput
            If it would.
        """

    @abstractmethod
    async def transcribe(self, question: Question, steps: Steps = UNWATCHED) -> Answer:
        """Answer one question.

        Parameters
        ----------
        question : Question
            What is asked.
        steps : Steps
            Is told what happens to the question, where a service is asked.

        Raises
        ------
        InvalidInput
            If the question cannot be asked as it is; nothing was sent.
        TaskFailed
            If the engine took the question and failed on it.
        OutcomeUnknown
            If the question was sent and nobody knows whether it was accepted.
        ServiceError
            If the question was refused.
        """


@runtime_checkable
class FindsLost(Protocol):
    """An engine that can look for a question that was sent and whose outcome is unknown."""

    async def find_lost(self, question: Question, lost: OutcomeUnknown, claimed: Collection[str]) -> str | None:
        """Find the task that a question became.

        Parameters
        ----------
        question : Question
            What was asked.
        lost : OutcomeUnknown
            What asking it ended with, and the link and the times it was sent with.
        claimed : collection of str
            Ids of tasks that are other questions; it may grow meanwhile.

        Returns
        -------
        str or None
            The task's id; None if none can be told to be it, which does not prove that there is none.
        """
