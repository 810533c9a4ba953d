"""The paid service as an engine: what its engines have in common, whichever way the model is asked."""

from __future__ import annotations

from copy import copy
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self

from anyio.to_thread import run_sync

from asrlab.dashscope import AsyncClient, Bucket, Limits, wire
from asrlab.dashscope.access import find_base_url
from asrlab.dashscope.checks import check_parameters
from asrlab.dashscope.links import is_loopback
from asrlab.dashscope.models import check_region, model_of
from asrlab.dashscope.pacing import PACE_MARGIN
from asrlab.data.audio import probe
from asrlab.engines.base import Capabilities, Engine, Parameters, differences
from asrlab.errors import InvalidInput, ServiceError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from types import TracebackType

    from asrlab.dashscope.models import Model
    from asrlab.data.audio import AudioInfo
    from asrlab.engines.base import Answer

_EMPTY: Final = ("language_hints", "vocabulary_id")  # not sent where they are
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
    bucket : str or Bucket, optional
        One's own, such as ``"s3://bucket/folder"``, from which the service fetches local files; temporary uploads, if
        not given, which are not for production.

    Raises
    ------
    InvalidInput
        If the model is another service's, or ``base_url`` is none or has a user name, or there is no such bucket; on
        entering, if there is no key.
    """

    options: ClassVar[Mapping[str, Literal["identity", "runtime"]]] = {
        "model": "identity",
        "region": "identity",
        "api_key": "runtime",
        "workspace": "runtime",
        "base_url": "runtime",
        "limits": "runtime",
        "bucket": "runtime",
    }
    free = False
    path: ClassVar[Literal["async", "sync"]]
    """How its models are asked."""

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
    ) -> None:
        self._row = model_of(model)
        if self._row.path != self.path:
            raise InvalidInput(f"{model} is not asked by {type(self).__name__}. Use engine({model!r}).")
        if base_url is None:
            check_region(self._row, region)
        self._model = model
        self._region = region
        self._api_key = api_key
        self._workspace = workspace
        # Refused here, and not only when the service is asked: until then it may be pickled, and a password in it too.
        self._base_url = base_url if base_url is None else find_base_url(region, workspace, base_url)
        self._limits = limits
        self._bucket = Bucket.of(bucket)
        self._client: AsyncClient | None = None

    @property
    def capabilities(self) -> Capabilities:  # type: ignore[override]  # differs by model
        """What the model obeys, and takes."""
        return capabilities_of(self._row)

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
        """Give an engine with another ``model``, ``region`` or ``mode``; a model may be asked by another engine.

        Raises
        ------
        InvalidInput
            If there is no such model or region, or the model is not asked in such a mode; or another region is wanted,
            and the key, workspace or URL was given, which are of one region.
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
        model = options.get("model", self._model)
        row = model_of(model)
        check_mode(model, options.get("mode"), axes=options)
        if self._base_url is None and region not in row.regions:
            runs = f"{model} runs in {' and '.join(row.regions)} only, not in {region}."
            raise InvalidInput(runs + _left_out(options, model=model, region=region))
        alike = {**self._given(), **options}
        if row.path == "async":
            alike.pop("mode", None)
        if row.path == self.path:
            return type(self)(**alike)
        from asrlab.engines import engine  # noqa: PLC0415 - that knows this module

        common = {name: value for name, value in alike.items() if name in (*ServiceEngine.options, "mode")}
        return engine(common.pop("model"), **common)

    def _given(self) -> dict[str, Any]:
        """Give the options that another engine like this one is made with."""
        return {
            "model": self._model,
            "region": self._region,
            "api_key": self._api_key,
            "workspace": self._workspace,
            "base_url": self._base_url,
            "limits": self._limits,
            "bucket": self._bucket,
        }

    def part(self, number: int, of: int) -> Self:
        """Give an engine for one of several processes or machines, with its part of the account's limits."""
        made = copy(self)
        made._api_key, made._limits = self._api_key, replace(self._limits or Limits(), part=(number, of))
        return made

    def __getstate__(self) -> dict[str, Any]:
        # A key stays in this process: another takes its own from the environment.
        return self.__dict__ | {"_api_key": None, "_client": None}

    def sent(self, parameters: Parameters) -> Parameters:
        """Give the parameters as they are sent, which differs by model; a single hint is a language."""
        return sent(parameters, self._row)

    def check(self, parameters: Parameters) -> None:
        """Refuse parameters that the service would refuse or misread."""
        check(parameters, self._row)

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


def check_mode(model: str, mode: str | None, axes: Collection[str] = ()) -> None:
    """Refuse a mode in which a model is not asked; None is its usual one.

    Parameters
    ----------
    model : str
        The model, as it is asked for.
    mode : str or None
        The mode.
    axes : collection of str
        Those of the grid that asks for it, which are named in what to do.

    Raises
    ------
    InvalidInput
        If it is not.
    """
    modes = model_of(model).modes
    if mode is not None and mode not in modes:
        asked = f"{model} is asked in the modes {', '.join(modes)}, and not in {mode!r}."
        raise InvalidInput(asked + _left_out(axes, model=model, mode=mode))


def _left_out(axes: Collection[str], **levels: str) -> str:
    """Say how a grid leaves out what cannot be had, by those levels that are of its axes."""
    others = " or ".join(f"{axis} != '{level}'" for axis, level in levels.items() if axis in axes)
    return f' Leave such conditions out: grid(...).where("{others}").' if others else ""


def checked_split(split: object) -> bool:
    """Give whether recordings are split, which may not be a word that stands for it.

    Raises
    ------
    InvalidInput
        If it is neither True nor False.
    """
    if not isinstance(split, bool):
        raise InvalidInput(f"split must be True or False, not {split!r}.")
    return split


def capabilities_of(row: Model) -> Capabilities:
    """Say what a model obeys and takes, as an engine does."""
    return Capabilities(
        frozenset(row.parameters),
        row.languages,
        itn_languages=wire.ITN_LANGUAGES if "enable_itn" in row.parameters else None,
        context_tokens=wire.CONTEXT_TOKENS if "context" in row.parameters else None,
        audio_s=row.audio_s,
        audio_bytes=row.audio_bytes,
    )


def sent(asked: Parameters, row: Model) -> Parameters:
    """Give the parameters as they are sent to a model: what it does not take is at its default.

    A single hint is the same request as a language, which is what it is told as; and no context is the same as an empty
    one. Models that take tasks tell these two apart all the same: answers are stored under both.
    """
    default = Parameters()
    kept = replace(
        asked, **{f.name: getattr(default, f.name) for f in fields(Parameters) if f.name not in row.parameters}
    )
    if row.path == "sync" and not kept.context:
        kept = replace(kept, context=None)
    if len(kept.language_hints) == 1:
        return replace(kept, language=kept.language_hints[0], language_hints=())
    return kept


def requested(asked: Parameters, row: Model) -> dict[str, Any]:
    """Give what a model is sent, by our names; what is at its default too, should the service's defaults change."""
    kept = sent(asked, row)
    values = {name: getattr(kept, name) for name in row.parameters}
    return {name: value or None if name in _EMPTY else value for name, value in values.items()}


def check(asked: Parameters, row: Model) -> None:
    """Refuse parameters that the service would refuse or misread; what the model does not take is not sent."""
    check_parameters(row, **requested(asked, row))


def unsupported(asked: Parameters, row: Model, told: Iterable[str] | None) -> tuple[str, ...]:
    """Name what was asked for and could not be obeyed: what was not sent, and what the service did not obey.

    Parameters
    ----------
    asked : Parameters
        The request.
    row : Model
        The model that was asked.
    told : iterable of str or None
        What a local service says that it did not obey; None where the service does not say.
    """
    not_sent = [name for name in differences(asked, Parameters()) if name not in row.parameters]
    if told is None:
        deaf = asked.enable_itn and asked.language is not None and asked.language not in wire.ITN_LANGUAGES
        told = ("enable_itn",) if deaf else ()
    by_theirs = {"language_hints": "language"} if asked.language is not None else {}
    return tuple(sorted({*not_sent, *(by_theirs.get(name, name) for name in told)}))


def is_link(audio: str) -> bool:
    """Whether a recording is one that the service fetches by itself."""
    return audio.lower().startswith(("http://", "https://", "oss://"))


async def link_in(bucket: Bucket, audio: str, client: AsyncClient) -> str:
    """Put a local file into a bucket, and give the link that the service fetches it by.

    Raises
    ------
    InvalidInput
        If that leads to this machine, and the service is elsewhere.
    """
    link = await bucket.link(audio)
    if is_loopback(link) and not is_loopback(client.base_url):
        raise InvalidInput(
            f"{bucket!r} is on this machine, from which the service cannot fetch. Give one that it reaches."
        )
    return link


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
