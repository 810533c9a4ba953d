"""The service's file transcription as an engine, and the way of asking it that the local service shares."""

from __future__ import annotations

from collections import Counter
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from asrlab.dashscope import wire
from asrlab.dashscope.models import model_of
from asrlab.engines.base import UNWATCHED, Answer, Sentence, Transcript, Word
from asrlab.engines.service import ServiceEngine, check, facts_of, is_link, link_in, requested, unsupported
from asrlab.errors import InvalidInput, ServiceError, TaskFailed
from asrlab.marks import mark_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from asrlab import dashscope
    from asrlab.dashscope import AsyncClient, Bucket, Limits
    from asrlab.engines.base import Question, Steps
    from asrlab.errors import OutcomeUnknown

_IN_FLIGHT: Final = 1000  # tasks; at 540 submits a minute, those of the last two minutes


class FiletransEngine(ServiceEngine):
    """The service's file transcription. Each answer costs money.

    A local file is put into a bucket or uploaded first, once for all its trials; an http(s) or oss URL is fetched by
    the service.

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
    bucket : str or Bucket, optional
        One's own, such as ``"s3://bucket/folder"``, from which the service fetches local files; temporary uploads, if
        not given, which are not for production.
    also_send_text : bool
        Send the context under its second documented name too.

    Raises
    ------
    InvalidInput
        If the model is another service's, or ``base_url`` is none or has a user name, or there is no such bucket; on
        entering, if there is no key.
    """

    name = "filetrans"
    path = "async"
    options: ClassVar[Mapping[str, Literal["identity", "runtime"]]] = {
        **ServiceEngine.options,
        "also_send_text": "identity",
    }
    concurrency = _IN_FLIGHT

    def __init__(
        self,
        model: str = wire.MODEL,
        *,
        region: Literal["singapore", "beijing"] = "singapore",
        api_key: str | None = None,
        workspace: str | None = None,
        base_url: str | None = None,
        limits: Limits | None = None,
        bucket: str | Bucket | None = None,
        also_send_text: bool = False,
    ) -> None:
        super().__init__(
            model,
            region=region,
            api_key=api_key,
            workspace=workspace,
            base_url=base_url,
            limits=limits,
            bucket=bucket,
        )
        self._also_send_text = also_send_text

    @property
    def identity(self) -> Mapping[str, str]:
        """Engine, model, region, and whether the context goes under both names, where one is sent."""
        both = self._also_send_text and "context" in self._row.parameters
        return {**super().identity, **({"also_send_text": "true"} if both else {})}

    def _given(self) -> dict[str, Any]:
        return {**super()._given(), "also_send_text": self._also_send_text}

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
        answer = await ask(
            self._entered,
            question,
            steps,
            model=self._model,
            bucket=self._bucket,
            also_send_text=self._also_send_text,
        )
        self._refuse_stand_in(answer)
        return answer

    async def find_lost(self, question: Question, lost: OutcomeUnknown, claimed: Collection[str]) -> str | None:
        """Find the task that a question became; see :class:`asrlab.engines.base.FindsLost`."""
        if self._client is None or lost.sent_at is None:
            return None
        if is_link(question.audio):
            link = question.audio  # which was stored without its query
        elif lost.link is not None and (lost.link.startswith("oss://") or mark_of(lost.link) is not None):
            link = lost.link
        else:  # of a bucket's link without a mark others have named the same object
            return None
        task = await self._client.find_submitted(
            link, sent_at=lost.sent_at, lost_at=lost.lost_at, model=self._model, claimed=claimed
        )
        return None if task is None else task.task_id


async def ask(
    client: AsyncClient,
    question: Question,
    steps: Steps,
    *,
    model: str,
    bucket: Bucket | None = None,
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
    bucket : Bucket, optional
        Where the service fetches local files from; else they are uploaded.
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
    asked, row = question.parameters, model_of(model)
    check(asked, row)
    if question.task_id is None:
        file_url, audio_s = await _reachable(client, question, model, bucket)
        start = monotonic()
        task = await client.submit(
            file_url,
            model=model,
            **requested(asked, row),
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
    return Answer(
        transcripts=_transcripts(result, asked.channel_id, task),
        audio_s=task.audio_s,
        model=marked.get("model", model),
        context_tokens=marked.get("context_tokens"),
        unsupported=unsupported(asked, row, marked.get("unsupported")),
        queued_s=_seconds(task.submit_time, task.scheduled_time),
        elapsed_s=elapsed_s,
        request_id=request_id,
        task_id=task.task_id,
        raw=result.document,
    )


async def _reachable(
    client: AsyncClient, question: Question, model: str, bucket: Bucket | None
) -> tuple[str, float | None]:
    """Give a URL the service can fetch, and the audio's length in seconds where known."""
    audio = question.audio
    if is_link(audio):
        return audio, None
    facts = await facts_of(audio)
    if facts is not None:
        if beyond := [c for c in question.parameters.channel_id if c >= facts.channels]:
            raise InvalidInput(
                f"channel_id {beyond[0]} is not in {audio}, which has {facts.channels} channel(s), counted from 0. "
                "Ask for a channel it has."
            )
        most_s = model_of(model).audio_s
        if most_s is not None and facts.duration_s > most_s:
            raise InvalidInput(f"{audio} lasts {facts.duration_s:,.0f} s; {model} takes {most_s:,}. Split it.")
    link = await (client.upload(audio, model=model) if bucket is None else link_in(bucket, audio, client))
    return link, None if facts is None else facts.duration_s


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
