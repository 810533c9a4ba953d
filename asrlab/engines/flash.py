"""A model that answers at once as an engine, and the way of asking it that the local service shares."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from anyio.to_thread import run_sync

from asrlab.dashscope import wire, wire_sync
from asrlab.dashscope.models import model_of
from asrlab.data.pauses import pieces_at_most
from asrlab.engines.base import UNWATCHED, Answer, Transcript
from asrlab.engines.pieces import PIECE_S, RECIPE, join, keeping, pieces_of
from asrlab.engines.service import (
    ServiceEngine,
    check,
    check_mode,
    checked_split,
    facts_of,
    is_link,
    link_in,
    requested,
    unsupported,
)
from asrlab.errors import InvalidInput, OutcomeUnknown, ServiceError, TaskFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asrlab.dashscope import AsyncClient, Bucket, Limits, Recognition
    from asrlab.dashscope.models import Model
    from asrlab.engines.base import Capabilities, Question, Steps
    from asrlab.engines.pieces import Kept, Pieces


class FlashEngine(ServiceEngine):
    """A model that answers at once. Each answer costs money.

    A local file goes into the request where it fits, and is else uploaded; an http(s) or oss URL is fetched by the
    service. Nothing can be collected later: an answer that is lost was paid for all the same.

    Parameters
    ----------
    model : str
        The model, or a dated snapshot of it.
    region : {"singapore", "beijing"}
        Where to ask.
    mode : {"native", "native-stream", "compatible", "compatible-stream"}, optional
        In which shape, and whether the text comes as it is heard; see :meth:`asrlab.dashscope.AsyncClient.transcribe`.
        The first, if not given.
    split : bool
        Cut a local recording that is longer or larger than the model takes at pauses, ask about the pieces one after
        the other, and join their texts. The first channel is asked about, at 16 kHz. What was heard in a piece is kept
        for a day in the cache folder: whoever asks the same again, another run too, is given it, and pays for the rest.
    api_key, workspace, base_url : str, optional
        As for :class:`asrlab.dashscope.AsyncClient`; the key is looked for on entering.
    limits : Limits, optional
        How much the account may ask, as for :class:`asrlab.dashscope.AsyncClient`.
    bucket : str or Bucket, optional
        One's own, such as ``"s3://bucket/folder"``, from which the service fetches local files; they go into the
        request or are uploaded, if not given.

    Raises
    ------
    InvalidInput
        If the model is another service's or takes tasks, or there is no such mode or bucket, or ``base_url`` is none,
        has a user name, or does not tell where the mode is asked; on entering, if there is no key.
    """

    name = "flash"
    path = "sync"
    options: ClassVar[Mapping[str, Literal["identity", "runtime"]]] = {
        **ServiceEngine.options,
        "mode": "identity",
        "split": "identity",
    }
    concurrency = 16

    def __init__(
        self,
        model: str = wire.FLASH,
        *,
        region: Literal["singapore", "beijing"] = "singapore",
        mode: str | None = None,
        split: bool = False,
        api_key: str | None = None,
        workspace: str | None = None,
        base_url: str | None = None,
        limits: Limits | None = None,
        bucket: str | Bucket | None = None,
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
        check_mode(model, mode)
        self._mode = self._row.modes[0] if mode is None else mode
        if self._base_url is not None:
            wire_sync.base_of(self._mode, self._base_url)
        self._split = checked_split(split)

    @property
    def identity(self) -> Mapping[str, str]:
        """Engine, model, region, mode, and how recordings that are too long are split, if they are."""
        return {**super().identity, "mode": self._mode, **({"split": str(RECIPE)} if self._split else {})}

    @property
    def capabilities(self) -> Capabilities:  # type: ignore[override]  # differs by model
        """What the model obeys, and takes; where recordings are split, they may be of any length."""
        return split_capabilities(super().capabilities) if self._split else super().capabilities

    def requests(self, duration_s: float) -> int:
        """Into how many requests a recording is split at most."""
        return pieces_at_most(duration_s, most_s=PIECE_S) if self._split else 1

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._model} {self._mode} in {self._region}>"

    def _given(self) -> dict[str, Any]:
        return {**super()._given(), "mode": self._mode, "split": self._split}

    async def transcribe(self, question: Question, steps: Steps = UNWATCHED) -> Answer:
        """Ask the service.

        Parameters
        ----------
        question : Question
            What is asked.
        steps : Steps
            Is told of each request before it is sent.

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
            mode=self._mode,
            split=self._split,
            bucket=self._bucket,
        )
        self._refuse_stand_in(answer)
        return answer


async def ask(
    client: AsyncClient,
    question: Question,
    steps: Steps,
    *,
    model: str,
    mode: str,
    split: bool = False,
    bucket: Bucket | None = None,
    keep: bool = True,
) -> Answer:
    """Ask a question over HTTP.

    Parameters
    ----------
    client : AsyncClient
        Of the service to ask.
    question : Question
        What is asked.
    steps : Steps
        Is told of each request before it is sent; of pieces, of each, none being under way then.
    model, mode : str
        The model to ask, and how.
    split : bool
        Whether a recording that is too long is asked about in pieces.
    bucket : Bucket, optional
        Where the service fetches local files from.
    keep : bool
        Whether what was heard in pieces is kept on the disk, since it costs money: asked again within a day, only the
        rest is sent.

    Returns
    -------
    Answer
        ``raw`` is the answer as received, empty where the service says by an error that nothing is said. Of a recording
        that was split its members are ``pieces``, the answers, and ``cuts``: where it was cut, in seconds, and whether
        in a pause. If it is of the local service, its member ``asrlab`` says what answered.

    Raises
    ------
    InvalidInput
        If the question cannot be asked; nothing was sent.
    TaskFailed, OutcomeUnknown, ServiceError
        As :meth:`AsyncClient.transcribe`; a TaskFailed too if a later piece was refused.
    """
    asked, row = question.parameters, model_of(model)
    check(asked, row)
    if question.task_id is not None:
        raise ServiceError(
            f"{model} answers at once, and has no task {question.task_id} whose answer could be collected. Ask again.",
            code="BadResponse",
        )
    asking = _Asking(client, steps, {"model": model, "mode": mode, **requested(asked, row)}, bucket)
    start = monotonic()
    if is_link(question.audio) or not await _is_too_much(question.audio, row, split=split):
        heard = await asking.one(question.audio)
        answers, raw = [heard], heard.document
    else:
        async with pieces_of(question.audio) as entered:
            if keep:
                async with keeping(_all_of(client, asking.request, entered, question.repeat)) as kept:
                    answers = await asking.each(entered, kept)
            else:
                answers = await asking.each(entered, None)
        raw = {
            "pieces": [heard.document for heard in answers],
            "cuts": [{"at_s": s, "in_pause": c.in_pause} for s, c in zip(entered.places_s, entered.cuts, strict=True)],
        }
    marked = next((mark for heard in answers if isinstance(mark := heard.document.get(wire.STAND_IN), dict)), {})
    told = [mark["unsupported"] for heard in answers if (mark := heard.document.get(wire.STAND_IN))]
    seconds = [heard.audio_s for heard in answers if heard.audio_s is not None]  # told of all, or a part passes for it
    text = join([heard.text for heard in answers]) if len(answers) > 1 else answers[0].text
    return Answer(
        transcripts=(Transcript(0, text, _language(answers)),),
        audio_s=sum(seconds) if len(seconds) == len(answers) else None,
        model=marked.get("model", model),
        context_tokens=marked.get("context_tokens"),
        unsupported=unsupported(asked, row, {name for names in told for name in names} if told else None),
        elapsed_s=monotonic() - start,
        request_id=answers[0].request_id,
        raw=raw,
    )


class _Asking:
    """Asks about a recording or its pieces, with one set of parameters."""

    def __init__(self, client: AsyncClient, steps: Steps, request: dict[str, Any], bucket: Bucket | None) -> None:
        self._client = client
        self._steps = steps
        self.request = request
        self._bucket = bucket
        self._paid = False

    async def one(self, audio: str) -> Recognition:
        """Ask once; what failed after it was taken is told of as a task, for it is billed."""
        if self._bucket is not None and not is_link(audio):
            audio = await link_in(self._bucket, audio, self._client)
        refused = None if self._paid else self._steps.refused  # what was paid for is not taken back
        try:
            heard = await self._client.transcribe(
                audio, **self.request, before_sending=self._steps.sending, when_refused=refused
            )
        except TaskFailed as error:
            await self._steps.submitted(error.request_id or "-")
            raise
        self._paid = True
        return heard

    async def each(self, pieces: Pieces, kept: Kept | None) -> list[Recognition]:
        """Ask about each piece that has not been heard."""
        answers = []
        for number, file in enumerate(pieces.files):
            known = None if kept is None else kept.get(number)
            if known is None:
                known = await self._piece(file, f"{number + 1} of {len(pieces.files)}")
                if kept is not None:
                    kept.put(number, known)  # at once: whoever is interrupted while waiting would lose it
            answers.append(known)
        return answers

    async def _piece(self, file: Path, which: str) -> Recognition:
        try:
            return await self.one(str(file))
        except OutcomeUnknown:
            raise
        except ServiceError as error:
            if not self._paid:
                raise
            refused = error
        await self._steps.submitted(refused.request_id or "-")
        raise TaskFailed(
            f"Piece {which} was refused: {refused.message} What was heard before it is kept: asked again, only the "
            "rest is sent.",
            code=refused.code,
            request_id=refused.request_id,
            http_status=refused.http_status,
        )


def split_capabilities(takes: Capabilities) -> Capabilities:
    """Say what a model takes where recordings are split: files of any length and size, and links as ever."""
    return replace(takes, audio_s=None, audio_bytes=None, link_s=takes.audio_s)


async def _is_too_much(audio: str, row: Model, *, split: bool) -> bool:
    """Whether a local file has to be split; refused if it may not be."""
    facts = await facts_of(audio)
    long = facts is not None and row.audio_s is not None and facts.duration_s > row.audio_s
    try:
        n_bytes = (await run_sync(Path(audio).stat)).st_size
    except OSError as error:
        raise InvalidInput(f"{audio} cannot be read ({error.strerror}). Check the path.") from error
    large = row.audio_bytes is not None and n_bytes > row.audio_bytes
    if (long or large) and not split:
        has = f"lasts {facts.duration_s:,.1f} s" if long and facts is not None else f"has {n_bytes:,} bytes"
        raise InvalidInput(
            f"{audio} {has}; {row.name} takes {row.audio_s:,} s and {row.audio_bytes:,} bytes. Give split=True to have "
            f"it cut at pauses, or ask {wire.MODEL}, which takes 12 h."
        )
    return long or large


def _all_of(client: AsyncClient, request: Mapping[str, Any], pieces: Pieces, repeat: int) -> dict[str, Any]:
    """Give everything that makes a question in pieces the question it is."""
    return {
        "audio": pieces.digest,
        "places_s": pieces.places_s,
        "service": client.base_url,
        "request": dict(request),
        "repeat": repeat,
    }


def _language(answers: list[Recognition]) -> str | None:
    """Give the language that most of the text is in."""
    spoken = Counter[str]()
    for heard in answers:
        if heard.language:
            spoken[heard.language] += max(1, len(heard.text))
    return spoken.most_common(1)[0][0] if spoken else None
