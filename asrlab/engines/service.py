"""The paid service as an engine: what its engines have in common, whichever way the model is asked."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self

from anyio.to_thread import run_sync

from asrlab.dashscope import AsyncClient, Limits, wire
from asrlab.dashscope.access import find_base_url
from asrlab.dashscope.checks import check_model, check_parameters
from asrlab.dashscope.pacing import PACE_MARGIN
from asrlab.data.audio import probe
from asrlab.engines.base import Engine
from asrlab.errors import InvalidInput, ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from asrlab.data.audio import AudioInfo
    from asrlab.engines.base import Answer, Parameters

_FOR_FFMPEG: Final = wire.FORMATS - {"aiff", "flac", "mp3", "ogg", "opus", "wav"}  # libsndfile cannot read these


class ServiceEngine(Engine):
    """The service, asked over HTTP. Each answer costs money.

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

    Raises
    ------
    InvalidInput
        If the model is another service's, or ``base_url`` is none or has a user name; on entering, if there is no key.
    """

    options: ClassVar[Mapping[str, Literal["identity", "runtime"]]] = {
        "model": "identity",
        "region": "identity",
        "api_key": "runtime",
        "workspace": "runtime",
        "base_url": "runtime",
        "limits": "runtime",
    }
    free = False

    def __init__(
        self,
        model: str = wire.MODEL,
        *,
        region: Literal["singapore", "beijing"] = "singapore",
        api_key: str | None = None,
        workspace: str | None = None,
        base_url: str | None = None,
        limits: Limits | None = None,
    ) -> None:
        check_model(model)
        self._model = model
        self._region = region
        self._api_key = api_key
        self._workspace = workspace
        # Refused here, and not only when the service is asked: until then it may be pickled, and a password in it too.
        self._base_url = base_url if base_url is None else find_base_url(region, workspace, base_url)
        self._limits = limits
        self._client: AsyncClient | None = None

    @property
    def identity(self) -> Mapping[str, str]:
        """Engine, model and region."""
        return {"engine": self.name, "model": self._model, "region": self._region}

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
        return f"<{type(self).__name__} {self._model} in {self._region}>"

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

    def variant(self, **options: str) -> Engine:
        """Give an engine with another ``model`` or ``region``.

        Raises
        ------
        InvalidInput
            If there is no such model or region; or another region is wanted, and the key, workspace or URL was given,
            which are of one region.
        """
        region = options.get("region", self._region)
        bound = {"api_key": self._api_key, "workspace": self._workspace, "base_url": self._base_url}
        if region != self._region and (given := [name for name, value in bound.items() if value is not None]):
            raise InvalidInput(
                f"{' and '.join(given)} of {self!r} hold for its region, and {region!r} needs its own. Set the keys as "
                "DASHSCOPE_API_KEY_SINGAPORE and DASHSCOPE_API_KEY_BEIJING, or give Sweep an engine for each region: "
                "{'singapore': ..., 'beijing': ...}."
            )
        if region not in wire.HOSTS:
            raise InvalidInput(f"region must be {' or '.join(wire.HOSTS)}, where the model runs, not {region!r}.")
        return type(self)(**{**self._given(), **options})

    def _given(self) -> dict[str, Any]:
        """Give the options that another engine like this one is made with."""
        return {
            "model": self._model,
            "region": self._region,
            "api_key": self._api_key,
            "workspace": self._workspace,
            "base_url": self._base_url,
            "limits": self._limits,
        }

    def part(self, number: int, of: int) -> Self:
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

    @property
    def _entered(self) -> AsyncClient:
        if self._client is None:
            name = type(self).__name__
            raise RuntimeError(f"{name} must be entered first: async with {name}() as engine: ...")
        return self._client

    def _refuse_stand_in(self, answer: Answer) -> None:
        # Silence comes without a document, so only the name of the service marks it as the stand-in's.
        if wire.STAND_IN in answer.raw or self.server == wire.STAND_IN:
            raise ServiceError(
                f"A local stand-in answered at {self._base_url}, and its answers must not pass for those of "
                f"{self._model}. Use engine('local') to ask it.",
                code="StandIn",
                request_id=answer.request_id,
            )


def check(asked: Parameters) -> None:
    """Refuse parameters that the service would refuse, ignore or misread."""
    check_parameters(
        language=asked.language,
        enable_itn=asked.enable_itn,
        context=asked.context,
        channel_id=asked.channel_id,
        enable_words=asked.enable_words,
    )


def is_link(audio: str) -> bool:
    """Whether a recording is one that the service fetches by itself."""
    return audio.lower().startswith(("http://", "https://", "oss://"))


async def facts_of(audio: str) -> AudioInfo | None:
    """Find out what is in a local file; None of one that the service may read, and that is not read here.

    Raises
    ------
    InvalidInput
        If it is none that the service reads.
    """
    try:
        return await run_sync(probe, audio)
    except InvalidInput:
        # Without PyAV, or in a coding that it does not know, the service may yet read what is not read here.
        if Path(audio).suffix.lower().removeprefix(".") in _FOR_FFMPEG:
            return None
        raise
