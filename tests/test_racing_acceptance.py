"""Races in full, run by `make acceptance`: how often the best setting is dropped, and how many trials are saved."""

from __future__ import annotations

import pytest
from benchmarked import benchmark

choosing = benchmark("choosing")
pytestmark = pytest.mark.acceptance


@pytest.mark.parametrize("part", list(choosing.PARTS))
def test_what_is_promised_is_kept(part):
    tables = choosing.study([part])
    print(f"\n{choosing.TITLES[part]}, seed {choosing.SEED}\n{choosing.as_markdown(tables[part])}")
    found = choosing.claims(tables)
    for one in found:
        print(f"{one.claim}: {one.found}, of {one.n:,} races and more: {'met' if one.met else 'MISSED'}")
    assert found or part in {"saved", "limits", "spending"}
    assert all(one.met for one in found)
