"""What the paid service costs: a dated table, kept as data in ``prices.json``.

Prices change, and a table in a package does not notice. Each row has the day on which it was known to hold and says
where it was read; compare it with the service's own page before a large sweep, and give your own price to ``plan`` and
``run`` (``price_usd_per_s=``) where it differs. Free quotas and discounts are not counted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from asrlab.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, repr=False)
class Price(Shown):
    """A price, and how it is known.

    Parameters
    ----------
    usd_per_s : float
        US dollars per second of audio. Each channel asked for is billed apart.
    as_of : date
        A day on which it was known to hold.
    source : str
        The document it was read in.
    """

    usd_per_s: float
    as_of: date
    source: str

    def __repr__(self) -> str:
        return f"<Price ${self.usd_per_s:.6f} per second of audio, as of {self.as_of}>"

    def _told(self) -> list[tuple[str, object]]:
        return [("price", f"${self.usd_per_s:.6f} per second of audio"), ("as of", self.as_of), ("source", self.source)]


def price_of(engine_identity: Mapping[str, str], on: date | None = None) -> Price | None:
    """Look up what an engine that costs money costs.

    Parameters
    ----------
    engine_identity : mapping
        Identity of the engine, with ``model`` and ``region``.
    on : date, optional
        The newest price that is not after this day; today in UTC if not given.

    Returns
    -------
    Price or None
        None if the table has no price of this model in this region on that day: it is then not known, not zero.

    Notes
    -----
    Prices change: check :attr:`Price.as_of`, and give your own as ``price_usd_per_s=`` where it differs.

    Examples
    --------
    >>> price_of({"engine": "filetrans", "model": "qwen3-asr-flash-filetrans", "region": "beijing"}, date(2026, 11, 2))
    <Price $0.000032 per second of audio, as of 2026-11-01>
    """
    day = on or datetime.now(UTC).date()
    known = [
        Price(row["usd_per_s"], as_of, row["source"])
        for row in _rows()
        if engine_identity.get("model") in row["models"]
        and engine_identity.get("region") == row["region"]
        and (as_of := date.fromisoformat(row["as_of"])) <= day
    ]
    return max(known, key=lambda price: price.as_of, default=None)


@cache
def _rows() -> tuple[dict[str, Any], ...]:
    table = json.loads(files("asrlab.sweep").joinpath("prices.json").read_text(encoding="utf-8"))
    return tuple(table["prices"])
