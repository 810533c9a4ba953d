"""Engines: whatever answers a question about a recording."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from asrlab.engines.base import Engine

_OF_PATH: Final = {
    "async": "asrlab.engines.filetrans:FiletransEngine",
    "sync": "asrlab.engines.flash:FlashEngine",
}
_HOMES: Final = {
    "local": "asrlab.engines.local:LocalEngine",
    "whisper": "asrlab.engines.whisper:WhisperEngine",
    "sphinx": "asrlab.engines.sphinx:SphinxEngine",
    "scripted": "asrlab.engines.scripted:ScriptedEngine",
}


def engine(name: str, **options: Any) -> Engine:  # noqa: ANN401 - each engine documents its own
    """Get an engine by its name.

    Parameters
    ----------
    name : str
        ``"local"``: the service's own protocol, answered on this machine
        (:class:`~asrlab.engines.local.LocalEngine`).
        ``"qwen3-asr-flash-filetrans"``, ``"fun-asr"`` and other models that take a task, or their dated snapshots: the
        paid service (:class:`~asrlab.engines.filetrans.FiletransEngine`), with the key in ``DASHSCOPE_API_KEY``.
        ``"qwen3-asr-flash"``: the same, asked at once (:class:`~asrlab.engines.flash.FlashEngine`).
        ``"whisper"``, ``"sphinx"``: the recognisers behind the local service, without it.
        ``"scripted"``: answers by a script with errors of known rates, for tests and power studies
        (:class:`~asrlab.engines.scripted.ScriptedEngine`).
    **options
        As the engine's class takes them, such as ``region="beijing"``.

    Returns
    -------
    Engine
        Has its own name, model and version as ``identity``; models and connections are opened when it is asked.

    Raises
    ------
    InvalidInput
        If there is no such engine, or it does not take such an option.

    Examples
    --------
    >>> engine("local")
    <LocalEngine whisper>
    """
    home = _HOMES.get(name)
    if home is None:
        from asrlab.dashscope import models  # noqa: PLC0415 - brings httpx, which is slow to import

        if not models.is_known(name):
            there = [*_HOMES, *(model.name for model in models.MODELS)]
            raise InvalidInput(f"There is no engine {name!r}. There are {', '.join(map(repr, there))}.")
        home = _OF_PATH[models.model_of(name).path]
        options = {"model": name, **options}
    module, class_name = home.split(":")
    try:
        made: Engine = getattr(import_module(module), class_name)(**options)
    except TypeError as error:
        raise InvalidInput(f"The engine {name!r} cannot be made so: {error}.") from error
    return made
