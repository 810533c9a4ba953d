"""The client: submit, query, wait, result, upload."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final, Literal, Self
from urllib.parse import quote

import anyio

from asrlab.dashscope import pacing, wire
from asrlab.dashscope.access import find_base_url, find_key
from asrlab.dashscope.checks import check_model, check_parameters, warn_of_no_effect
from asrlab.dashscope.http import Busy, Http, Lost, after, persist
from asrlab.dashscope.links import percent_encoded
from asrlab.dashscope.tasks import Transcription
from asrlab.dashscope.uploads import Uploads
from asrlab.errors import InvalidInput, OutcomeUnknown, ServiceError, TaskFailed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    import httpx

    from asrlab.dashscope.tasks import Task


_LOCAL_FAULTS: Final = 6  # in a row; some two seconds


class AsyncClient:
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
    submits_per_minute : float, optional
        Pace of submits of all clients of this account in this process; 600 until one says otherwise. The service's own
        limit is not documented.
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
        submits_per_minute: float | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        base = find_base_url(region, workspace, base_url)
        key, source = find_key(region, api_key)
        self._region = region
        self._http = Http(base, key=key, key_source=source, region=region, workspace=workspace, transport=transport)
        self._account = pacing.account(base, key)
        if submits_per_minute is not None:
            if not submits_per_minute > 0:
                raise InvalidInput(f"submits_per_minute must be above 0, not {submits_per_minute!r}.")
            self._account.submits.per_second = submits_per_minute / 60
        self._uploads = Uploads(self._http, self._account)

    @property
    def base_url(self) -> str:
        """Where requests go, with ``/api/v1``."""
        return self._http.base_url

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._region} at {self.base_url}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

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
        also_send_text: bool = False,
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
            The model, or a dated snapshot of it.
        language : str, optional
            Code of the language spoken, one of 27; detected if left out.
        enable_itn : bool, optional
            Write spoken numbers as digits; Chinese and English only. The service's default is not to.
        context : str, optional
            Terms or prose that help the recogniser, at most 10,000 tokens.
        channel_id : list of int, optional
            Channels to transcribe, counted from 0, each billed apart. The service's default is channel 0.
        enable_words : bool, optional
            Ask for word times; also makes sentences end at punctuation.
        also_send_text : bool
            Send the context under its second documented name too.

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
        check_model(model)
        check_parameters(
            language=language, enable_itn=enable_itn, context=context, channel_id=channel_id, enable_words=enable_words
        )
        warn_of_no_effect(language, enable_itn)
        file_url = percent_encoded(file_url)
        body = wire.submit_body(
            file_url,
            model=model,
            language=language,
            enable_itn=enable_itn,
            context=context,
            channel_id=channel_id,
            enable_words=enable_words,
            also_send_text=also_send_text,
        )
        content = json.dumps(body, ensure_ascii=False).encode()
        headers = wire.submit_headers(file_url)

        async def send() -> Task:
            await self._account.submits.turn()
            answer = await self._http.api("POST", wire.SUBMIT_PATH, body=content, headers=headers)
            return wire.parse_task(answer)

        try:
            return await persist(send, local=self._http.local, again=_surely_not_accepted)
        except ServiceError as error:
            if not _may_have_been_accepted(error):
                raise
            unknown = OutcomeUnknown(
                f"The submit was sent, and whether it was accepted is not known: {error.message} "
                "It is not sent again, since it may be running and be billed.",
                code=error.code,
                request_id=error.request_id,
                http_status=error.http_status,
            )
        raise unknown

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
        return await persist(partial(self._query, task_id), local=self._http.local)

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
            With code ``Timeout`` if it has not ended in time; it may be waited for again.
        """
        end = monotonic() + (pacing.patience(audio_s) if timeout_s is None else timeout_s)
        local = self._http.local
        faults = 0
        retreat = iter(pacing.backoff(local=local))
        for pause in pacing.polls(first_delay_s, local=local):
            await anyio.sleep(max(0.0, min(pause, end - monotonic())))
            try:
                task = await self._query(task_id)
            except (Busy, Lost) as error:
                state = f"last answered: {error}"
                pause_more = max(after(error), next(retreat, pause))
                faults += 1
                if local and faults > _LOCAL_FAULTS:
                    raise
            else:
                if task.ended:
                    return _settled(task)
                state = f"is {task.status}"
                pause_more = 0.0
                faults = 0
                retreat = iter(pacing.backoff(local=local))
            if monotonic() >= end:
                break
            await anyio.sleep(max(0.0, min(pause_more, end - monotonic())))
        raise ServiceError(
            f"Task {task_id} has not ended in time (it {state}). It is not lost: wait({task_id!r}) again; its result "
            f"is kept for {wire.TASK_LIFE_H} h after it ends.",
            code="Timeout",
        )

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

        The same content is uploaded once as long as that lasts, however often it is asked for.

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

    async def _query(self, task_id: str) -> Task:
        if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.:-]*", task_id):
            raise InvalidInput(f"{task_id!r} is no task id.")
        await self._account.queries.turn()
        return wire.parse_task(await self._http.api("GET", wire.TASK_PATH.format(task_id=quote(task_id, safe=""))))


def _surely_not_accepted(error: Busy | Lost) -> bool:
    return error.refused if isinstance(error, Busy) else not error.sent


def _may_have_been_accepted(error: ServiceError) -> bool:
    if isinstance(error, Busy | Lost):
        return not _surely_not_accepted(error)
    return error.code == "BadResponse"  # a success without a task in it


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
        f"Task {task.task_id} ended as {task.status}: {task.message or code}. {advice}".strip(),
        code=code,
        request_id=task.request_id,
    )
