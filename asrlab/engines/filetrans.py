"""The paid service as an engine, and the way of asking that the local service shares with it."""

from __future__ import annotations

from collections import Counter
from copy import copy
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self

from anyio.to_thread import run_sync

from asrlab.dashscope import AsyncClient, Limits, wire
from asrlab.dashscope.access import find_base_url
from asrlab.dashscope.checks import check_model, check_parameters
from asrlab.dashscope.pacing import PACE_MARGIN
from asrlab.data.audio import probe
from asrlab.engines.base import UNWATCHED, Answer, Capabilities, Engine, Sentence, Transcript, Word
from asrlab.errors import InvalidInput, ServiceError, TaskFailed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from types import TracebackType

    from asrlab import dashscope
    from asrlab.engines.base import Parameters, Question, Steps
    from asrlab.errors import OutcomeUnknown

_FOR_FFMPEG: Final = wire.FORMATS - {"aiff", "flac", "mp3", "ogg", "opus", "wav"}  # libsndfile cannot read these
_IN_FLIGHT: Final = 1000  # tasks; at 540 submits a minute, those of the last two minutes
_PARAMETERS: Final = frozenset({"language", "enable_itn", "context", "channel_id", "enable_words"})


class FiletransEngine(Engine):
    """The service's file transcription, asked over HTTP. Each answer costs money.

    A local file is uploaded first, once for all its trials; an http(s) or oss URL is fetched by the service.

    Parameters
    ----------
    model : str
        The model, or a dated snapshot of it.
    region : {"singapore", "beijing"}
        Where to ask.
    api_key, workspace, base_url : str, optional
        As for :class:`asrlab.dashscope.AsyncClient`; the key is looked for on entering.
    limits : Limits, optional
        How much the account may ask, as for :class:`asrlab.dashscope.AsyncClient`.
    also_send_text : bool
        Send the context under its second documented name too.

    Raises
    ------
    InvalidInput
        If the model is another service's, or ``base_url`` is none or has a user name; on entering, if there is no key.
    """

    name = "filetrans"
    options: ClassVar[Mapping[str, Literal["identity", "runtime"]]] = {
        "model": "identity",
        "region": "identity",
        "also_send_text": "identity",
        "api_key": "runtime",
        "workspace": "runtime",
        "base_url": "runtime",
        "limits": "runtime",
    }
    free = False
    concurrency = _IN_FLIGHT
    capabilities = Capabilities(
        _PARAMETERS,
        frozenset(wire.LANGUAGES),
        itn_languages=wire.ITN_LANGUAGES,
        context_tokens=wire.CONTEXT_TOKENS,
        audio_s=wire.AUDIO_S,
        audio_bytes=wire.FILE_BYTES,
    )

    def __init__(
        self,
        model: str = wire.MODEL,
        *,
        region: Literal["singapore", "beijing"] = "singapore",
        api_key: str | None = None,
        workspace: str | None = None,
        base_url: str | None = None,
        limits: Limits | None = None,
        also_send_text: bool = False,
    ) -> None:
        check_model(model)
        self._model = model
        self._region = region
        self._api_key = api_key
        self._workspace = workspace
        # Refused here, and not only when the service is asked: until then it may be pickled, and a password in it too.
        self._base_url = base_url if base_url is None else find_base_url(region, workspace, base_url)
        self._limits = limits
        self._also_send_text = also_send_text
        self._client: AsyncClient | None = None

    @property
    def identity(self) -> Mapping[str, str]:
        """Engine, model, region, and whether the context goes under both names."""
        facts = {"engine": self.name, "model": self._model, "region": self._region}
        return facts | {"also_send_text": "true"} if self._also_send_text else facts

    @property
    def submits_per_minute(self) -> float:  # type: ignore[override]  # follows from the limits
        """How many submits this engine may send in a minute: its part of what the account may, less a margin."""
        limits = self._limits or Limits()
        return PACE_MARGIN * limits.submits_per_minute / limits.part[1]

    @property
    def server(self) -> str | None:
        """How the service named itself in its last answer."""
        return None if self._client is None else self._client.server

    @property
    def throttled(self) -> int:
        """How many requests the service refused because there were too many."""
        return 0 if self._client is None else self._client.throttled

    def __repr__(self) -> str:
        return f"<FiletransEngine {self._model} in {self._region}>"

    async def __aenter__(self) -> Self:
        """Find the key, and hold connections."""
        self._client = AsyncClient(
            api_key=self._api_key,
            region=self._region,
            workspace=self._workspace,
            base_url=self._base_url,
            limits=self._limits,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def variant(self, **options: str) -> FiletransEngine:
        """Give an engine with another ``model`` or ``region``.

        Raises
        ------
        InvalidInput
            If there is no such model or region; or another region is wanted, and the key, workspace or URL was given,
            which are of one region.
        """
        model, region = options.get("model", self._model), options.get("region", self._region)
        bound = {"api_key": self._api_key, "workspace": self._workspace, "base_url": self._base_url}
        if region != self._region and (given := [name for name, value in bound.items() if value is not None]):
            raise InvalidInput(
                f"{' and '.join(given)} of {self!r} hold for its region, and {region!r} needs its own. Set the keys as "
                "DASHSCOPE_API_KEY_SINGAPORE and DASHSCOPE_API_KEY_BEIJING, or give Sweep an engine for each region: "
                "{'singapore': ..., 'beijing': ...}."
            )
        if region not in wire.HOSTS:
            raise InvalidInput(f"region must be {' or '.join(wire.HOSTS)}, where the model runs, not {region!r}.")
        return FiletransEngine(
            model,
            region=region,  # type: ignore[arg-type]  # one of them, as was just seen
            api_key=self._api_key,
            workspace=self._workspace,
            base_url=self._base_url,
            limits=self._limits,
            also_send_text=self._also_send_text,
        )

    def part(self, number: int, of: int) -> FiletransEngine:
        """Give an engine for one of several processes or machines, with its part of the account's limits."""
        made = copy(self)
        made._api_key, made._limits = self._api_key, replace(self._limits or Limits(), part=(number, of))
        return made

    def __getstate__(self) -> dict[str, Any]:
        # A key stays in this process: another takes its own from the environment.
        return self.__dict__ | {"_api_key": None, "_client": None}

    def check(self, parameters: Parameters) -> None:
        """Refuse parameters that the service would refuse, ignore or misread."""
        check(parameters)

    async def transcribe(self, question: Question, steps: Steps = UNWATCHED) -> Answer:
        """Ask the service, or collect what it was asked before.

        Parameters
        ----------
        question : Question
            What is asked.
        steps : Steps
            Is told of the submit before it is sent, and of the task before it is first looked at.

        Raises
        ------
        InvalidInput, TaskFailed, OutcomeUnknown, ServiceError
            As :class:`asrlab.engines.base.Engine` says; a ServiceError with code ``StandIn`` if the answer came from
            the local service and not from the real one.
        """
        if self._client is None:
            raise RuntimeError("FiletransEngine must be entered first: async with FiletransEngine() as engine: ...")
        answer = await ask(self._client, question, steps, model=self._model, also_send_text=self._also_send_text)
        self._refuse_stand_in(answer)
        return answer

    def _refuse_stand_in(self, answer: Answer) -> None:
        # Silence comes without a document, so only the name of the service marks it as the stand-in's.
        if wire.STAND_IN in answer.raw or self.server == wire.STAND_IN:
            raise ServiceError(
                f"A local stand-in answered at {self._base_url}, and its answers must not pass for those of "
                f"{self._model}. Use engine('local') to ask it.",
                code="StandIn",
                request_id=answer.request_id,
            )

    async def find_lost(self, question: Question, lost: OutcomeUnknown, claimed: Collection[str]) -> str | None:
        """Find the task that a question became; see :class:`asrlab.engines.base.FindsLost`."""
        if self._client is None or lost.sent_at is None:
            return None
        # A link of the user's own was stored without its query, an upload's has none.
        link = question.audio if _is_link(question.audio) else lost.link
        if link is None:
            return None
        task = await self._client.find_submitted(
            link, sent_at=lost.sent_at, lost_at=lost.lost_at, model=self._model, claimed=claimed
        )
        return None if task is None else task.task_id


def check(asked: Parameters) -> None:
    """Refuse parameters that the service would refuse, ignore or misread."""
    check_parameters(
        language=asked.language,
        enable_itn=asked.enable_itn,
        context=asked.context,
        channel_id=asked.channel_id,
        enable_words=asked.enable_words,
    )


async def ask(
    client: AsyncClient,
    question: Question,
    steps: Steps,
    *,
    model: str,
    also_send_text: bool = False,
) -> Answer:
    """Ask a question over HTTP, from upload to answer.

    Parameters
    ----------
    client : AsyncClient
        Of the service to ask.
    question : Question
        What is asked; with a ``task_id``, its answer is collected and nothing is sent.
    steps : Steps
        Is told of the submit before it is sent, and of the task before it is first looked at.
    model : str
        The model to ask.
    also_send_text : bool
        Send the context under its second documented name too.

    Returns
    -------
    Answer
        ``elapsed_s`` is from submit to result in hand, or by the service's clock from submit to end where the answer
        was collected. ``raw`` is the result document, empty where nothing is said in the recording; if it is of the
        local service, its member ``asrlab`` says what answered, how many tokens of context acted, and what was not
        obeyed.

    Raises
    ------
    InvalidInput
        If the question cannot be asked; nothing was submitted.
    TaskFailed, OutcomeUnknown, ServiceError
        As the client's verbs.
    """
    asked = question.parameters
    check(asked)
    if question.task_id is None:
        file_url, audio_s = await _reachable(client, question, model)
        start = monotonic()
        # Parameters at their defaults are sent too: should the service's defaults change, the answer does not.
        task = await client.submit(
            file_url,
            model=model,
            language=asked.language,
            enable_itn=asked.enable_itn,
            context=asked.context,
            channel_id=asked.channel_id,
            enable_words=asked.enable_words,
            also_send_text=also_send_text,
            before_sending=steps.sending,
            when_refused=steps.refused,
        )
        request_id = task.request_id
        await steps.submitted(task.task_id)
        try:
            task = await client.wait(task.task_id, audio_s=audio_s)
        except TaskFailed as error:
            if error.code == "FILE_DOWNLOAD_FAILED":
                client.forget_upload(file_url)  # the service may have dropped it early
            raise
        result = await client.result(task)
        elapsed_s: float | None = monotonic() - start
    else:
        task = await client.wait(question.task_id, first_delay_s=0.0)
        result = await client.result(task)
        request_id = task.request_id
        elapsed_s = _seconds(task.submit_time, task.end_time)

    marked = result.document.get(wire.STAND_IN) or {}
    itn_deaf = asked.enable_itn and asked.language is not None and asked.language not in wire.ITN_LANGUAGES
    return Answer(
        transcripts=_transcripts(result, asked.channel_id, task),
        audio_s=task.audio_s,
        model=marked.get("model", model),
        context_tokens=marked.get("context_tokens"),
        unsupported=tuple(marked.get("unsupported", ("enable_itn",) if itn_deaf else ())),
        queued_s=_seconds(task.submit_time, task.scheduled_time),
        elapsed_s=elapsed_s,
        request_id=request_id,
        task_id=task.task_id,
        raw=result.document,
    )


def _is_link(audio: str) -> bool:
    return audio.lower().startswith(("http://", "https://", "oss://"))


async def _reachable(client: AsyncClient, question: Question, model: str) -> tuple[str, float | None]:
    """Give a URL the service can fetch, and the audio's length in seconds where known."""
    audio = question.audio
    if _is_link(audio):
        return audio, None
    try:
        facts = await run_sync(probe, audio)
    except InvalidInput:
        # Without PyAV, or in a coding that it does not know, the service may yet read what is not read here.
        if Path(audio).suffix.lower().removeprefix(".") in _FOR_FFMPEG:
            return await client.upload(audio, model=model), None
        raise
    if beyond := [c for c in question.parameters.channel_id if c >= facts.channels]:
        raise InvalidInput(
            f"channel_id {beyond[0]} is not in {audio}, which has {facts.channels} channel(s), counted from 0. "
            "Ask for a channel it has."
        )
    if facts.duration_s > wire.AUDIO_S:
        raise InvalidInput(f"{audio} lasts {facts.duration_s:,.0f} s; the service takes {wire.AUDIO_S:,}. Split it.")
    return await client.upload(audio, model=model), facts.duration_s


def _transcripts(
    result: dashscope.Transcription, channels: tuple[int, ...], task: dashscope.Task
) -> tuple[Transcript, ...]:
    heard = {transcript.channel: transcript for transcript in result.transcripts}
    if not heard:
        return tuple(Transcript(channel, "", None) for channel in channels)
    if set(heard) != set(channels):
        # A channel that is missing was perhaps not in the audio; it must not be marked as if it had been silent.
        raise ServiceError(
            f"Task {task.task_id} answered for channels {sorted(heard)}, and was asked for {sorted(channels)}. "
            "Check how many channels the recording has.",
            code="BadResponse",
            request_id=task.request_id,
        )
    return tuple(_transcript(heard[channel]) for channel in channels)


def _transcript(heard: dashscope.Transcript) -> Transcript:
    spoken = Counter[str]()
    for sentence in heard.sentences:
        if sentence.language:
            spoken[sentence.language] += len(sentence.text)
    sentences = tuple(
        Sentence(
            s.begin_ms,
            s.end_ms,
            s.text,
            s.language,
            tuple(Word(w.begin_ms, w.end_ms, w.text, w.punctuation) for w in s.words),
        )
        for s in heard.sentences
    )
    language = spoken.most_common(1)[0][0] if spoken else None  # the one most of the text is in
    return Transcript(heard.channel, heard.text, language, sentences)


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else max(0.0, (end - start).total_seconds())
