"""The client: submit, query, wait, result, upload, list, cancel; and transcribe."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self
from urllib.parse import quote

import anyio

from asrlab.dashscope import wire
from asrlab.dashscope.access import find_base_url, find_key
from asrlab.dashscope.account import account
from asrlab.dashscope.checks import (
    check_given,
    check_task_id,
    check_window,
    refuse_unknown,
    warn_of_no_effect,
)
from asrlab.dashscope.http import Http
from asrlab.dashscope.links import percent_encoded
from asrlab.dashscope.listing import Listing
from asrlab.dashscope.lost import Window, choose
from asrlab.dashscope.models import check_region, model_of
from asrlab.dashscope.monitor import Monitor
from asrlab.dashscope.recognise import recognise
from asrlab.dashscope.retries import persist
from asrlab.dashscope.sending import Told, send_once
from asrlab.dashscope.tasks import Transcription
from asrlab.dashscope.uploads import Uploads
from asrlab.errors import InvalidInput, ServiceError, TaskFailed
from asrlab.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence
    from types import TracebackType

    import httpx

    from asrlab.dashscope.links import SignedUrl
    from asrlab.dashscope.models import Model
    from asrlab.dashscope.pacing import Change, Limits
    from asrlab.dashscope.tasks import Recognition, Task, TaskPage

_PATIENCE_S: Final = 15 * 60
_PATIENCE_PER_AUDIO_S: Final = 0.2
_LONGEST_S: Final = 24 * 3600


class AsyncClient(Shown):
    """Client of the file transcription service, for use with ``await`` within one event loop.

    Parameters
    ----------
    api_key : str, optional
        Read from ``DASHSCOPE_API_KEY_SINGAPORE`` or ``DASHSCOPE_API_KEY_BEIJING``, else from ``DASHSCOPE_API_KEY``, if
        not given. Keys are valid in one region (service documentation, regions). It is sent to the API host only.
    region : {"singapore", "beijing"}
        Where to ask.
    workspace : str, optional
        Id of a workspace, which has a host of its own.
    base_url : str, optional
        In place of the region's: the local service, or a proxy; with ``/api/v1``.
    limits : Limits, optional
        How much the account may ask, for all clients of it in this process from now on; the documented limits until
        one says otherwise. Other processes of this machine that use the same key are taken into account. With
        ``UNLIMITED`` nothing is, and nothing is shared.
    transport : httpx.AsyncBaseTransport, optional
        In place of the network, for tests.

    Raises
    ------
    InvalidInput
        If there is no key, or an option is none.

    Examples
    --------
    >>> async with AsyncClient(region="beijing") as client:  # doctest: +SKIP
    ...     task = await client.submit(await client.upload("call.wav"), language="en")
    ...     task = await client.wait(task.task_id)
    ...     (await client.result(task)).transcripts[0].text
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        region: Literal["singapore", "beijing"] = "singapore",
        workspace: str | None = None,
        base_url: str | None = None,
        limits: Limits | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        base = find_base_url(region, workspace, base_url)
        key, source = find_key(region, api_key)
        self._region = region
        self._at_home = base_url is None
        self._http = Http(base, key=key, key_source=source, region=region, workspace=workspace, transport=transport)
        self._account = account(base, key, limits)
        self._uploads = Uploads(self._http, self._account)
        self._monitor = Monitor(self._query, self._unfinished, local=lambda: self._http.local)

    @property
    def base_url(self) -> str:
        """Where requests go, with ``/api/v1``."""
        return self._http.base_url

    @property
    def server(self) -> str | None:
        """How the service named itself in its last answer, None before: a local service says ``asrlab``."""
        return self._http.server

    @property
    def concurrency_history(self) -> list[Change]:
        """How many submits might be under way at once, oldest change first.

        It grows until the service says that there are too many requests, is then halved, and grows again.
        """
        return list(self._account.concurrency.history)

    @property
    def throttled(self) -> int:
        """How many requests of this client the service has refused because there were too many."""
        return self._http.throttled

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._region} at {self.base_url}>"

    def _told(self) -> list[tuple[str, object]]:
        server = [] if self.server is None else [("server", self.server)]
        return [("region", self._region), ("address", self.base_url), *server, ("throttled", self.throttled)]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._monitor.aclose()
        await self._http.aclose()

    @refuse_unknown
    async def submit(
        self,
        file_url: str,
        *,
        model: str = wire.MODEL,
        language: str | None = None,
        enable_itn: bool | None = None,
        context: str | None = None,
        channel_id: Sequence[int] | None = None,
        enable_words: bool | None = None,
        language_hints: Sequence[str] | None = None,
        vocabulary_id: str | None = None,
        also_send_text: bool = False,
        before_sending: Callable[[str], Awaitable[None]] | None = None,
        when_refused: Callable[[], Awaitable[None]] | None = None,
    ) -> Task:
        """Submit a recording for transcription: this is what costs money, and it is sent once.

        It is sent again only where it was surely not accepted: the connection was never made, or the service answered
        that there are too many requests. Faults of the service (status 5xx) are no such answer, for its documentation
        does not say that nothing was begun.

        Parameters
        ----------
        file_url : str
            Public http(s) link to the recording, or an oss URL from :meth:`upload`. Spaces and non-ASCII are encoded.
        model : str
            The model, or a dated snapshot of it; of those that answer at once, see :meth:`transcribe`.
        language : str, optional
            Code of the language spoken; detected if left out. Models that take several get it as their one hint.
        enable_itn : bool, optional
            Write spoken numbers as digits; Chinese and English only. The service's default is not to.
        context : str, optional
            Terms or prose that help the recogniser, at most 10,000 tokens.
        channel_id : list of int, optional
            Channels to transcribe, counted from 0, each billed apart. The service's default is channel 0.
        enable_words : bool, optional
            Ask for word times; also makes sentences end at punctuation. Siblings always give them.
        language_hints : list of str, optional
            Codes of the languages that may be spoken, for models that take several.
        vocabulary_id : str, optional
            Id of a list of words that the service keeps, for models that take one.
        also_send_text : bool
            Send the context under its second documented name too.
        before_sending : async callable, optional
            Awaited with the link as it is sent, when all is ready and the request goes out next: the moment to write
            down that it may be billed. If the request may be sent again, it is awaited again; if it raises, nothing is
            sent.
        when_refused : async callable, optional
            Awaited when the request was surely not accepted, and is sent again after a while. If it raises, it is not.

        Returns
        -------
        Task
            With its ``task_id``, to wait for.

        Raises
        ------
        InvalidInput
            If the service would refuse, ignore or misread something; nothing was sent.
        OutcomeUnknown
            If it was sent and nobody knows whether it was accepted.
        ServiceError
            If it was not accepted.
        """
        row = self._row(model, "async")
        parameters = {
            "language": language,
            "enable_itn": enable_itn,
            "enable_words": enable_words,
            "channel_id": channel_id,
            "context": context,
            "language_hints": language_hints,
            "vocabulary_id": vocabulary_id,
        }
        check_given(row, parameters)
        warn_of_no_effect(language, enable_itn)
        file_url = percent_encoded(file_url)
        body = wire.submit_body(file_url, parameters, model=model, row=row, also_send_text=also_send_text)
        content = json.dumps(body, ensure_ascii=False).encode()
        headers = wire.submit_headers(file_url)

        async def send() -> Task:
            answer = await self._http.api("POST", wire.SUBMIT_PATH, body=content, headers=headers)
            task = wire.parse_task(answer, submitted=True)
            self._account.accepted(task.task_id)
            return task

        return await send_once(
            self._http,
            self._account,
            send,
            what="submit",
            link=file_url,
            told=Told(before_sending, when_refused),
            look="Look for it with find_submitted() before sending it again.",
        )

    @refuse_unknown
    async def transcribe(
        self,
        audio: str | Path,
        *,
        model: str = wire.FLASH,
        mode: str = "native",
        language: str | None = None,
        enable_itn: bool | None = None,
        context: str | None = None,
        on_text: Callable[[str], None] | None = None,
        before_sending: Callable[[str], Awaitable[None]] | None = None,
        when_refused: Callable[[], Awaitable[None]] | None = None,
    ) -> Recognition:
        """Ask a model that answers at once; this costs money, and is sent once, as :meth:`submit` is.

        A recording lasts 5 minutes at most, which the service looks at, and not this verb: the engines do. A file goes
        into the request itself where it fits, after it is encoded, and is else uploaded.

        Parameters
        ----------
        audio : path or str
            A local file of at most 10 MB, or a http(s) or oss link.
        model : str
            The model, or a dated snapshot of it; of those that take a task, see :meth:`submit`.
        mode : {"native", "native-stream", "compatible", "compatible-stream"}
            In which shape it is asked: the service's own or that of OpenAI, and whether the text comes as it is heard.
        language : str, optional
            Code of the language spoken; detected if left out.
        enable_itn : bool, optional
            Write spoken numbers as digits; Chinese and English only. The service's default is not to.
        context : str, optional
            Terms or prose that help the recogniser, at most 10,000 tokens.
        on_text : callable, optional
            Is called with the text so far, whenever there is more of it. If it raises, that is logged, and it is called
            no more.
        before_sending : async callable, optional
            As for :meth:`submit`; awaited with ``"data:"`` where the recording is in the request itself.
        when_refused : async callable, optional
            As for :meth:`submit`.

        Returns
        -------
        Recognition
            With an empty text where nothing is said in the recording.

        Raises
        ------
        InvalidInput
            If the service would refuse, ignore or misread something; nothing was sent.
        OutcomeUnknown
            If it was sent and there is no answer, or one that broke off: it may be billed, and what had been heard is
            not the whole.
        TaskFailed
            With code ``Incomplete`` if the service says that it ended before the text did.
        ServiceError
            If it was not accepted.
        """
        row = self._row(model, "sync")
        parameters = {"language": language, "enable_itn": enable_itn, "context": context}
        check_given(row, parameters)
        warn_of_no_effect(language, enable_itn)
        return await recognise(
            self._http,
            self._account,
            self._uploads,
            audio,
            parameters,
            model=model,
            row=row,
            mode=mode,
            on_text=on_text,
            told=Told(before_sending, when_refused),
        )

    async def query(self, task_id: str) -> Task:
        """Look at a task.

        Parameters
        ----------
        task_id : str
            Its id.

        Returns
        -------
        Task
            With status ``UNKNOWN`` if there is no such task, or it ended more than 24 h ago.

        Raises
        ------
        ServiceError
            If the service does not say, asked repeatedly.
        """
        check_task_id(task_id)
        return await persist(partial(self._query, task_id), local=self._http.local)

    async def list_tasks(
        self,
        *,
        status: str | None = None,
        model: str | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        page_no: int = 1,
        page_size: int = 10,
    ) -> TaskPage:
        """List the account's tasks of the last 24 h, a page at a time.

        Parameters
        ----------
        status : {"PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN"}, optional
            Only those.
        model : str, optional
            Only those of this model.
        start_time, end_time : datetime, optional
            Only those submitted in between, at most 24 h. They are sent as they are given, to the second: which zone
            the service takes them for is not documented.
        page_no : int
            Number of the page, from 1.
        page_size : int
            Tasks on a page. The service may give fewer than were asked for.

        Returns
        -------
        TaskPage
            The tasks have no results: :meth:`query` each for its own.

        Raises
        ------
        InvalidInput
            If something asked for cannot be.
        ServiceError
            If the service does not say, asked repeatedly.
        """
        if status is not None and status not in wire.STATES:
            raise InvalidInput(f"status must be one of {', '.join(wire.STATES)}, not {status!r}.")
        for name, moment in (("start_time", start_time), ("end_time", end_time)):
            if moment is not None and not isinstance(moment, datetime):
                raise InvalidInput(f"{name} must be a datetime, not {moment!r}.")
        for name, number in (("page_no", page_no), ("page_size", page_size)):
            if type(number) is not int or number < 1:
                raise InvalidInput(f"{name} must be a whole number from 1, not {number!r}.")
        check_window(start_time, end_time)
        asked = wire.list_query(
            status=status, model=model, start_time=start_time, end_time=end_time, page_no=page_no, page_size=page_size
        )
        return await persist(partial(self._list, asked), local=self._http.local)

    async def cancel(self, task_id: str) -> None:
        """Cancel a task that has not begun to run.

        Parameters
        ----------
        task_id : str
            Its id.

        Raises
        ------
        ServiceError
            With code ``UnsupportedOperation`` if it is not ``PENDING``: only then can it be cancelled.
        """
        check_task_id(task_id)
        sent = 0

        async def send() -> None:
            nonlocal sent
            async with self._http.slot:
                await self._account.queries.turn()
                sent += 1
                await self._http.api("POST", wire.CANCEL_PATH.format(task_id=quote(task_id, safe="")), body=b"")

        try:
            await persist(send, local=self._http.local)
        except ServiceError as error:
            # A first request whose answer was lost may have done it.
            if error.code == wire.NOT_PENDING and sent > 1 and (await self.query(task_id)).status == wire.CANCELED:
                return
            raise

    async def find_submitted(
        self,
        file_url: str,
        *,
        sent_at: datetime,
        lost_at: datetime | None = None,
        model: str = wire.MODEL,
        claimed: Collection[str] = (),
        timeout_s: float = 600.0,
    ) -> Task | None:
        """Look for a submit whose outcome is unknown among the account's tasks.

        A task is taken for it only if it is the one that fits: submitted in that time by the service's own clock, not
        known to be another submit of this process, not claimed, and its result names the file. Where several might be
        it, or of one it cannot be told (it failed, or goes on, or names another query of the same link), none is taken.
        That none is found does not prove that the submit was not accepted.

        Parameters
        ----------
        file_url : str
            As it was submitted.
        sent_at : datetime
            When, by this machine's clock, with a time zone: ``sent_at`` of the :class:`~asrlab.errors.OutcomeUnknown`.
        lost_at : datetime, optional
            When the submit was known to be lost; two minutes after `sent_at` if not given.
        model : str
            The model that was asked.
        claimed : collection of str
            Ids of tasks known to be other submits. It is looked into at the end, so it may grow meanwhile.
        timeout_s : float
            Seconds to wait for tasks that might be it and have not ended.

        Returns
        -------
        Task or None
            Ended, with its result; None if none can be told to be it.

        Raises
        ------
        InvalidInput
            If a time has no time zone.
        ServiceError
            If the tasks cannot be listed.
        """
        model_of(model)
        lost_at = sent_at + timedelta(minutes=2) if lost_at is None else lost_at
        if sent_at.tzinfo is None or lost_at.tzinfo is None:
            raise InvalidInput("sent_at and lost_at must have a time zone, such as datetime.now(UTC) has.")
        asked = percent_encoded(file_url)
        listing = Listing(lambda number, rows: self.list_tasks(model=model, page_no=number, page_size=rows))
        listed = await listing.read()  # without a window: its zone is not documented
        window = Window.around(sent_at, lost_at, ahead_s=self._http.clock_ahead_s or 0.0)
        deadline = anyio.current_time() + timeout_s

        async def ended(task_id: str) -> tuple[Task, SignedUrl | None] | None:
            left_s = max(deadline - anyio.current_time(), 1.0)
            task = await self.wait(task_id, first_delay_s=0.0, timeout_s=left_s)
            return None if task.silent else (task, (await self.result(task)).file_url)

        return await choose(
            (task for task in listed.values() if window.has(task)),
            asked,
            claimed=lambda task_id: task_id in claimed or self._account.has_accepted(task_id),
            ended=ended,
        )

    async def wait(
        self,
        task_id: str,
        *,
        audio_s: float | None = None,
        first_delay_s: float | None = None,
        timeout_s: float | None = None,
    ) -> Task:
        """Wait until a task has ended.

        Faults of the network and of the service are waited out: the task goes on without us. Not for long, though, with
        a service on this machine: when that is gone, its tasks are gone too.

        Parameters
        ----------
        task_id : str
            Its id.
        audio_s : float, optional
            Seconds of audio in it, from which follows how long to be patient.
        first_delay_s : float, optional
            Seconds before the first look; 1 if not given, and less for a service on this machine.
        timeout_s : float, optional
            Seconds to wait in all; 15 min and a fifth of `audio_s` (of 12 h, if that is not given) if not given.

        Returns
        -------
        Task
            Succeeded, or ``silent``: nothing is said in the recording.

        Raises
        ------
        TaskFailed
            If it failed or was cancelled; with code ``UNKNOWN`` if there is no such task, or no longer.
        ServiceError
            With code ``Timeout`` if it has not ended in time; it may be waited for again. With code ``Closed`` if the
            client is closed meanwhile; or if the service refuses to say.
        """
        check_task_id(task_id)
        if timeout_s is None:
            timeout_s = patience(audio_s)
        return _settled(await self._monitor.ended(task_id, first_delay_s=first_delay_s, timeout_s=timeout_s))

    async def result(self, task: Task) -> Transcription:
        """Fetch the transcription of a task that has ended.

        The link is fetched without the key, by https first.

        Parameters
        ----------
        task : Task
            From :meth:`wait`.

        Returns
        -------
        Transcription
            Without any transcript if the task is ``silent``.

        Raises
        ------
        InvalidInput
            If the task has no result.
        ServiceError
            If the result cannot be had; its link holds for 24 h, and :meth:`query` gives a new one meanwhile.
        """
        if task.silent:
            return Transcription((), {})
        link = task.link
        if link is None:
            if task.status == wire.SUCCEEDED:
                raise ServiceError(
                    f"Task {task.task_id} succeeded without a link to its result. Query it again.",
                    code="BadResponse",
                    request_id=task.request_id,
                )
            raise InvalidInput(f"Task {task.task_id} is {task.status} and has no result: wait for it first.")

        async def fetch() -> Transcription:
            return wire.parse_transcription(await self._http.get_link(link))

        return await persist(fetch, local=self._http.local)

    async def upload(self, path: str | Path, *, model: str = wire.MODEL) -> str:
        """Upload a local file for 48 hours, for one model.

        The same content is uploaded once as long as that lasts, however often it is asked for. The service's
        documentation says that temporary uploads are not for production, and so does a warning; give the service links
        to files of your own there.

        Parameters
        ----------
        path : path
            A file of at most 1 GB.
        model : str
            The model that will be asked about it; another cannot read it.

        Returns
        -------
        str
            Its oss URL, for :meth:`submit`.

        Raises
        ------
        InvalidInput
            If there is no such file, or it is empty or too large.
        ServiceError
            If the service or the storage host refuses it.
        """
        return await self._uploads.url(Path(path), model)

    def forget_upload(self, file_url: str) -> None:
        """Forget an upload that the service no longer finds, so that :meth:`upload` uploads its content anew.

        Parameters
        ----------
        file_url : str
            Its oss URL.
        """
        self._uploads.forget(file_url)

    def _row(self, model: str, path: str) -> Model:
        """Find the row of a model that is asked by a verb's path, and in this region."""
        row = model_of(model)
        if row.path != path:
            verb = "submit() and wait()" if row.path == "async" else "transcribe()"
            raise InvalidInput(f"{model} is asked by {verb}, and not so.")
        if self._at_home:
            check_region(row, self._region)
        return row

    async def _query(self, task_id: str) -> Task:
        async with self._http.slot:
            await self._account.queries.turn()
            return wire.parse_task(await self._http.api("GET", wire.TASK_PATH.format(task_id=quote(task_id, safe=""))))

    async def _list(self, asked: dict[str, str]) -> TaskPage:
        async with self._http.slot:
            await self._account.queries.turn()
            return wire.parse_task_page(await self._http.api("GET", wire.TASKS_PATH, query=asked))

    async def _unfinished(self, status: str, page_no: int, page_size: int) -> TaskPage:
        asked = wire.list_query(
            status=status, model=None, start_time=None, end_time=None, page_no=page_no, page_size=page_size
        )
        return await self._list(asked)


def patience(audio_s: float | None) -> float:
    """Seconds to wait for a task in all: 15 min and a fifth of the audio, at most 24 h.

    A recording of unknown length may be the longest the service takes.
    """
    longest = wire.AUDIO_S if audio_s is None else audio_s
    return min(_PATIENCE_S + _PATIENCE_PER_AUDIO_S * longest, _LONGEST_S)


def _settled(task: Task) -> Task:
    if task.status == wire.SUCCEEDED or task.silent:
        return task
    if task.status == wire.UNKNOWN:
        raise TaskFailed(
            f"The service knows no task {task.task_id}: it never did, or the task ended more than {wire.TASK_LIFE_H} h "
            "ago and is forgotten. Check the id and the region; else ask again, which is billed again.",
            code=wire.UNKNOWN,
            request_id=task.request_id,
        )
    code = task.code or task.status
    advice = wire.ADVICE.get(code, "")
    raise TaskFailed(
        f"Task {task.task_id} ended as {task.status}: {(task.message or code).rstrip('.')}. {advice}".strip(),
        code=code,
        request_id=task.request_id,
    )
