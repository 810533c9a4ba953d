"""Identity: everything that can change the answer to a question, in one canonical form, and its hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Self

from asrlab.engines.base import Parameters
from asrlab.shown import Shown
from asrlab.text import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping

RECIPE: Final = 1
"""Version of :class:`Identity`: goes up when what makes two questions the same changes."""

_NO: Final = object()  # no value of JSON is equal to it
_TRIAL_DIGITS: Final = 32  # hexadecimal: 128 bits
_PARAMETERS: Final = tuple(f.name for f in fields(Parameters))
_LATER: Final = (
    "language_hints",
    "vocabulary_id",
)  # written where given: questions without them are the same as before


@dataclass(frozen=True, slots=True, repr=False)
class Identity(Shown):
    """What makes a question the question it is.

    Parameters
    ----------
    audio : str
        Digest of the recording.
    engine, parameters : str
        Identity of the engine, and the request parameters as resolved, each by :func:`canonical_json`.
    repeat : int
        Number of this asking, from 0.
    recipe : int
        Version of this form.
    """

    audio: str
    engine: str
    parameters: str
    repeat: int
    recipe: int = RECIPE

    @property
    def canonical(self) -> str:
        """JSON with sorted keys and no spaces."""
        return (
            f'{{"audio":{canonical_json(self.audio)},"engine":{self.engine},"parameters":{self.parameters},'
            f'"recipe":{self.recipe},"repeat":{self.repeat}}}'
        )

    @property
    def trial(self) -> str:
        """Id of the trial: SHA-256 of the canonical form in UTF-8, cut to 32 hexadecimal digits."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()[:_TRIAL_DIGITS]

    @classmethod
    def parse(cls, canonical: str) -> Self:
        """Read a canonical form."""
        facts = json.loads(canonical)
        engine, parameters = canonical_json(facts["engine"]), canonical_json(facts["parameters"])
        return cls(facts["audio"], engine, parameters, facts["repeat"], facts["recipe"])

    def differences(self, other: Self) -> list[str]:
        """Name what is not the same in another identity."""
        named = ["audio"] if self.audio != other.audio else []
        for part in ("engine", "parameters"):
            mine, others = json.loads(getattr(self, part)), json.loads(getattr(other, part))
            named += [
                f"{part} {name}" for name in sorted({*mine, *others}) if mine.get(name, _NO) != others.get(name, _NO)
            ]
        return named + [part for part in ("repeat", "recipe") if getattr(self, part) != getattr(other, part)]


@lru_cache(maxsize=4096)
def canonical_parameters(parameters: Parameters) -> str:
    """Write request parameters in canonical form."""
    return canonical_json(written(parameters))


def written(parameters: Parameters) -> dict[str, Any]:
    """Give request parameters as they are written down: later ones only where they are given."""
    values = {name: getattr(parameters, name) for name in _PARAMETERS}
    return {name: value for name, value in values.items() if value or name not in _LATER}


def canonical_engine(identity: Mapping[str, str]) -> str:
    """Write the identity of an engine in canonical form."""
    return canonical_json(dict(identity))
