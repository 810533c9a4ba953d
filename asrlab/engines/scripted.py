"""An engine that answers what a script says, with errors of known kinds and rates: for tests and power studies.

What it draws follows from a seed and from the question, never from order or time, and is the same on every machine.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Literal, NamedTuple

from asrlab.data.audio import digest, probe
from asrlab.engines.base import UNWATCHED, Answer, Capabilities, Engine, Parameters, Sentence, Transcript, differences
from asrlab.engines.itn import make_word
from asrlab.engines.mishearing import draws, hashed, join, language_of, made_up, misheard, split
from asrlab.errors import InvalidInput, OutcomeUnknown, ServiceError, TaskFailed
from asrlab.text import plain

if TYPE_CHECKING:
    from asrlab.engines.base import Question, Steps
    from asrlab.engines.mishearing import Words

Rate = float | Callable[[Parameters], float]
"""Share of words, from 0 to 1, or a function that gives it for the parameters of a question."""

_VERSION: Final = "1"  # goes up with every change here that can alter a text
# fmt: off
_LANGUAGES: Final = frozenset({
    "zh", "yue", "en", "ja", "de", "ko", "ru", "fr", "pt", "ar", "it", "es", "hi", "id", "th", "tr", "uk", "vi", "cs",
    "da", "fil", "fi", "is", "ms", "no", "pl", "sv",
})
# fmt: on


class ScriptedEngine(Engine):
    """Answers with the true text of a recording, with as many errors as it is told to make.

    Each word of the true text is left out, replaced by another, or kept, and may have another after it, by draws of its
    own; the errors expected of a text are the sum of the three rates times its words. Which words are hit follows from
    the seed, the recording's digest, the channel and the parameters away from their defaults: the same question has the
    same answer, in any order, in any process, on any machine. Conditions are drawn apart from each other, so a
    parameter to which no rate responds still changes which words are hit, though not how many are to be expected.

    A word is what stands between spaces. Chinese characters and kana are words of one character each; Korean and Thai
    are taken as they are spaced. What is put in place of a word comes from a small list, in English or Chinese.

    All parameters act, and those that a service would not obey are reported and ignored: ``language`` and ``context``
    act through the rates given as functions, ``channel_id`` and ``enable_words`` as documented for the service, with
    times spread evenly, and ``enable_itn``, on English and Chinese, through the rates too: it rewrites nothing.

    Parameters
    ----------
    texts : mapping of str to str, optional
        True texts by digest of the recording, as :func:`asrlab.data.audio.digest` gives it; every channel says the
        same. A recording without one says a few English words that follow from its digest:
        :meth:`asrlab.engines.scripted.ScriptedEngine.true_text`.
    substitutions, deletions, insertions : float or callable
        Errors per true word: a rate from 0 to 1, or a function of :class:`~asrlab.engines.base.Parameters` that gives
        it, so that a hint or context has an effect of known size.
    label : str, optional
        Says what the functions do; needed where a rate is one. A function cannot be compared, so its trials are told
        apart by this label and by the rates that it gives for a set of usual parameters (every language, with and
        without ITN, words and a context, three choices of channels). A function that looks into the context needs a new
        label when what it looks for changes.
    failures : mapping of str to float
        Task error codes and the share of questions that end with each (:class:`~asrlab.errors.TaskFailed`).
    refusals : float or mapping of str to float
        Share of questions that are refused (:class:`~asrlab.errors.ServiceError`), by error code; ``InvalidParameter``
        for a number.
    unknown : float
        Share of questions whose outcome is unknown (:class:`~asrlab.errors.OutcomeUnknown`).
    delay_s : float
        Seconds an answer takes.
    noise : bool
        Draw each repeat anew, as a service that is not deterministic would.
    seed : int
        Of all draws.
    free : bool
        If not, it goes by the steps of a paid service: it tells of the link before it takes a question, and of the task
        it has made of it, which may be collected, also by another process.

    Raises
    ------
    InvalidInput
        If a rate is none, rates exceed 1 together, or a label is missing.

    Notes
    -----
    Failures, refusals and unknown outcomes are drawn as the texts are, so what failed fails again when it is asked
    again. They are no part of the identity, since they change no answer: an engine made without them, and otherwise
    alike, answers the trials that failed.

    Examples
    --------
    >>> engine = ScriptedEngine(
    ...     substitutions=lambda asked: 0.05 if asked.context else 0.10, label="context halves substitutions"
    ... )
    >>> engine
    <ScriptedEngine 'context halves substitutions', seed 0>
    """

    name = "scripted"
    options: ClassVar[Mapping[str, Literal["identity", "runtime"]]] = {
        "texts": "identity",
        "substitutions": "identity",
        "deletions": "identity",
        "insertions": "identity",
        "label": "identity",
        "noise": "identity",
        "seed": "identity",
        # Whether there is an answer, and when, but not what it says:
        "failures": "runtime",
        "refusals": "runtime",
        "unknown": "runtime",
        "delay_s": "runtime",
        "free": "runtime",
    }
    concurrency = 64
    capabilities = Capabilities(
        frozenset(field.name for field in fields(Parameters)), _LANGUAGES, itn_languages=frozenset({"en", "zh"})
    )

    def __init__(
        self,
        texts: Mapping[str, str] | None = None,
        *,
        substitutions: Rate = 0.0,
        deletions: Rate = 0.0,
        insertions: Rate = 0.0,
        label: str | None = None,
        failures: Mapping[str, float] | None = None,
        refusals: float | Mapping[str, float] = 0.0,
        unknown: float = 0.0,
        delay_s: float = 0.0,
        noise: bool = False,
        seed: int = 0,
        free: bool = True,
    ) -> None:
        self._texts = dict(texts or {})
        self._rates = {"substitutions": substitutions, "deletions": deletions, "insertions": insertions}
        self._label = label
        self._failures = _shares("failures", failures or {})
        if not isinstance(refusals, Mapping):
            refusals = {"InvalidParameter": refusals}
        self._refusals = _shares("refusals", refusals)
        self._unknown = _share("unknown", unknown)
        self._delay_s = delay_s
        self._noise = noise
        self._seed = int(seed)
        self.free = self.computes = free
        self._known: dict[tuple[str, int, int], _Recording] = {}
        if label is None and any(map(callable, self._rates.values())):
            raise InvalidInput("A rate that is a function needs a label that says what it does, for the identity.")
        self._identity = self._declared()

    @property
    def identity(self) -> Mapping[str, str]:
        """Engine, model, version, region, and every option that can change a text."""
        return self._identity

    def __repr__(self) -> str:
        label = "" if self._label is None else f" {plain(self._label, 80)!r},"
        return f"<ScriptedEngine{label} seed {self._seed}>"

    def true_text(self, audio: str) -> str:
        """Give what is said in a recording.

        Parameters
        ----------
        audio : str
            Digest of the recording.
        """
        text = self._texts.get(audio)
        return made_up(audio) if text is None else text

    async def transcribe(self, question: Question, steps: Steps = UNWATCHED) -> Answer:
        """Answer by the script.

        Parameters
        ----------
        question : Question
            ``audio`` is the path of a file that :func:`asrlab.data.audio.probe` reads.
        steps : Steps
            Is told of the link and the task unless the engine is free.

        Raises
        ------
        InvalidInput
            If the file is missing, empty or not audio, or does not have a channel that is asked for.
        TaskFailed, OutcomeUnknown, ServiceError
            As the rates have it; TaskFailed too, with code ``UNKNOWN``, for a task that is another question's.
        """
        recording = await self._recording(question.audio)
        truth = self.true_text(recording.digest)
        asked, unsupported = self._obeyed(question.parameters, truth)
        if beyond := [channel for channel in asked.channel_id if channel >= recording.channels]:
            raise InvalidInput(
                f"channel_id {beyond[0]} is not in {question.audio}, which has {recording.channels} channel(s), "
                "counted from 0. Ask for a channel it has."
            )
        drawn_by = self._drawn_by(recording, asked, question.repeat if self._noise else 0)
        refused, lost, failed, _ = draws(drawn_by, "fate")
        task_id = question.task_id
        ours = f"scripted-{hashed(self._drawn_by(recording, asked, question.repeat))[:16]}-"
        if task_id is None:
            link = f"oss://scripted/{recording.digest}"
            sent_at = datetime.now(UTC)
            if not self.free:
                await steps.sending(link)
            if code := _hit(self._refusals, refused):
                raise ServiceError("The script refuses this question.", code=code, http_status=400)
            if lost < self._unknown:
                raise _lost(link, sent_at)
            if not self.free:
                task_id = ours + secrets.token_hex(4)  # asked again, it is another task
                await steps.submitted(task_id)
        elif not task_id.startswith(ours):
            raise TaskFailed(f"Task {task_id} is not of this question.", code="UNKNOWN")
        await asyncio.sleep(self._delay_s)
        if code := _hit(self._failures, failed):
            raise TaskFailed("The script fails this question.", code=code)

        rates = self._rates_for(asked)
        language = asked.language or language_of(truth)
        transcripts = (
            _transcript(
                channel,
                misheard(truth, rates, f"{drawn_by}/{channel}"),
                language,
                length_ms=round(1000 * recording.duration_s),
                with_words=asked.enable_words,
            )
            for channel in asked.channel_id
        )
        return Answer(
            transcripts=tuple(transcripts),
            audio_s=recording.duration_s * len(asked.channel_id),
            model=f"{self.name} {_VERSION}",
            context_tokens=None if asked.context is None else len(split(asked.context)),
            unsupported=unsupported,
            task_id=task_id,
            raw={"true_text": truth, **rates},
        )

    def _declared(self) -> dict[str, str]:
        facts = {
            "engine": self.name,
            "model": self.name,
            "version": _VERSION,
            "region": "local",
            "seed": str(self._seed),
            "noise": "true" if self._noise else "false",
        }
        usual = [self._rates_for(asked) for asked in _usual_parameters()]
        for name, rate in self._rates.items():
            # To nine digits: what a function computes may differ in the last ones between machines.
            given = hashed(*(f"{rates[name]:.9g}" for rates in usual))
            facts[name] = f"function {given[:16]}" if callable(rate) else repr(usual[0][name])
        if self._label is not None:
            facts["label"] = self._label
        if self._texts:
            facts["texts"] = f"sha256:{hashed(*(part for item in sorted(self._texts.items()) for part in item))}"
        return facts

    def _rates_for(self, asked: Parameters) -> dict[str, float]:
        rates = {n: _share(n, rate(asked) if callable(rate) else rate) for n, rate in self._rates.items()}
        if rates["substitutions"] + rates["deletions"] > 1:
            raise InvalidInput(f"A word is kept, replaced or left out: those rates exceed 1 together, for {asked}.")
        return rates

    def _obeyed(self, given: Parameters, truth: str) -> tuple[Parameters, tuple[str, ...]]:
        """Give the parameters that act, and the names of those that do not."""
        takes, asked, unsupported = self.capabilities, given, list[str]()
        if "language" in takes.unsupported(given):
            asked, unsupported = replace(asked, language=None), ["language"]
        language = asked.language or language_of(truth)
        if given.enable_itn and takes.itn_languages is not None and language not in takes.itn_languages:
            asked, unsupported = replace(asked, enable_itn=False), ["enable_itn", *unsupported]
        return asked, tuple(unsupported)

    async def _recording(self, path: str) -> _Recording:
        key = path, *_size_and_time(path)
        if key not in self._known:
            self._known[key] = await asyncio.to_thread(_look_at, path)
        return self._known[key]

    def _drawn_by(self, recording: _Recording, asked: Parameters, repeat: int) -> str:
        given = {name: getattr(asked, name) for name in differences(asked, Parameters())}
        return json.dumps([self._seed, recording.digest, given, repeat], sort_keys=True)


class _Recording(NamedTuple):
    digest: str
    duration_s: float
    channels: int


def _look_at(path: str) -> _Recording:
    facts = probe(path)
    return _Recording(digest(path), facts.duration_s, facts.channels)


def _size_and_time(path: str) -> tuple[int, int]:
    try:
        status = Path(path).stat()
    except (OSError, ValueError) as error:
        raise InvalidInput(f"There is no audio file {path}. Check the path in the manifest.") from error
    return status.st_size, status.st_mtime_ns


def _transcript(channel: int, heard: Words, language: str, *, length_ms: int, with_words: bool) -> Transcript:
    text = join(heard)
    if not text:
        return Transcript(channel, "", language)
    times = [length_ms * number // len(heard) for number in range(len(heard) + 1)]
    spaces = [space for space, _ in heard[1:]] + [""]
    words = tuple(
        make_word(begin, end, word, spaced=space != "")
        for (_, word), space, (begin, end) in zip(heard, spaces, pairwise(times), strict=True)
    )
    return Transcript(channel, text, language, (Sentence(0, length_ms, text, language, words if with_words else ()),))


def _usual_parameters() -> list[Parameters]:
    languages = (None, *sorted(_LANGUAGES))
    contexts = (None, "Kestrel")
    channels = ((0,), (1,), (0, 1))
    switches = (False, True)
    return [Parameters(*values) for values in product(languages, switches, contexts, channels, switches)]


def _hit(shares: Mapping[str, float], drawn: float) -> str | None:
    for code, share in shares.items():
        if drawn < share:
            return code
        drawn -= share
    return None


def _share(name: str, share: object) -> float:
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise InvalidInput(f"{name} must be a share from 0 to 1, not {share!r}.")
    return float(share)


def _shares(name: str, shares: Mapping[str, float]) -> dict[str, float]:
    checked = {code: _share(f"{name} {code!r}", share) for code, share in shares.items()}
    if sum(checked.values()) > 1 + 1e-9:
        raise InvalidInput(f"{name} exceed 1 together: {dict(shares)}.")
    return checked


def _lost(link: str, sent_at: datetime) -> OutcomeUnknown:
    lost = OutcomeUnknown("The script does not say whether this question was accepted.", code="Timeout")
    lost.sent_at, lost.lost_at, lost.link = sent_at, datetime.now(UTC), link
    return lost
