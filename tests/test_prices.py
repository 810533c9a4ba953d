"""Prices: all that can be asked for money has one, dated and sourced, and the figures are the documented ones."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import asrlab.engines
from asrlab.dashscope import models
from asrlab.engines.service import ServiceEngine
from asrlab.sweep import prices
from asrlab.sweep.prices import Price, price_of

TABLE = json.loads(files("asrlab.sweep").joinpath("prices.json").read_text(encoding="utf-8"))
NAMES = [model.name for model in models.MODELS]
NOT_KNOWN = ["qwen-audio-3.1-asr-flash-filetrans", "fun-asr", "paraformer-v2", "paraformer-8k-v2"]  # or are of tokens
SNAPSHOTS = ["qwen3-asr-flash-filetrans-2025-11-17", "qwen3-asr-flash-2025-09-08", "qwen3-asr-flash-2026-02-10"]
MODELS = [*(name for name in NAMES if name not in NOT_KNOWN), *SNAPSHOTS]
REGIONS = get_args(get_type_hints(ServiceEngine.__init__)["region"])
MODEL = "qwen3-asr-flash-filetrans"


def of(region, on=None, model=MODEL):
    return price_of({"engine": "filetrans", "model": model, "region": region}, on)


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("model", MODELS)
def test_what_is_documented_has_a_price(model, region):
    price = price_of(asrlab.engine(model, region=region).identity)
    assert price is not None
    assert price.usd_per_s > 0
    assert price.as_of <= datetime.now(UTC).date()
    assert price.source


def test_there_is_something_to_price():
    assert set(NOT_KNOWN) < set(NAMES)
    assert len(MODELS) == 6
    assert set(REGIONS) == {"singapore", "beijing"}


@pytest.mark.parametrize(("region", "usd"), [("beijing", 0.115), ("singapore", 0.126)])
def test_an_hour_costs_what_the_documentation_says(region, usd):
    assert round(3600 * of(region).usd_per_s, 3) == usd


def test_every_row_is_whole_dated_and_sourced():
    for row in TABLE["prices"]:
        assert set(row) == {"models", "region", "usd_per_s", "as_of", "source", "sure"}
        assert isinstance(row["usd_per_s"], float)
        assert date.fromisoformat(row["as_of"]).isoformat() == row["as_of"]
        assert row["source"]
        assert row["sure"]
        assert not re.search(r"[/\\]|^~", row["source"])
    dated = [(model, row["region"], row["as_of"]) for row in TABLE["prices"] for model in row["models"]]
    assert len(dated) == len(set(dated)), "two prices of one day"


def test_the_newest_price_that_is_not_after_the_day_holds(monkeypatch):
    rows = tuple(
        {"models": [MODEL], "region": "beijing", "usd_per_s": usd, "as_of": day, "source": day}
        for usd, day in ((2.0, "2026-12-01"), (1.0, "2026-11-01"), (9.0, "2999-01-01"))
    )
    monkeypatch.setattr(prices, "_rows", lambda: rows)
    assert of("beijing", date(2026, 10, 31)) is None
    assert of("beijing", date(2026, 11, 1)) == Price(1.0, date(2026, 11, 1), "2026-11-01")
    assert of("beijing", date(2026, 11, 30)).usd_per_s == 1.0
    assert of("beijing", date(2026, 12, 1)).usd_per_s == 2.0
    assert of("beijing").as_of < date(2999, 1, 1)


@pytest.mark.parametrize(
    "identity",
    [
        {"engine": "filetrans", "model": MODEL, "region": "virginia"},
        {"engine": "filetrans", "model": f"{MODEL}-2099-01-01", "region": "beijing"},
        *({"engine": "filetrans", "model": model, "region": "beijing"} for model in NOT_KNOWN),
        {"engine": "local", "model": "whisper-base", "region": "local"},
        {},
    ],
)
def test_what_has_no_row_has_no_price_and_not_that_of_another(identity):
    assert price_of(identity) is None


def test_a_price_says_its_date():
    price = of("singapore", date(2026, 11, 26))
    assert repr(price) == f"<Price $0.000035 per second of audio, as of {price.as_of}>"


def test_the_table_goes_into_the_package():
    project = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert '"**/*.json"' in project  # and test_packaging looks into the wheel
