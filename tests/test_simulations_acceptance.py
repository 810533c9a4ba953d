"""The full simulation study, run by `make acceptance`: the figures that are promised, with their standard errors."""

from __future__ import annotations

import pytest
from test_simulations import simulations

pytestmark = pytest.mark.acceptance


@pytest.mark.parametrize("name", list(simulations.TITLES))
def test_what_is_promised_is_kept(name):
    tables = simulations.study([name])
    print(f"\n{name}, seed {simulations.SEED}")
    shown = tables[name].assign(percent=100 * tables[name]["share"], error=100 * tables[name]["se"])
    print(shown[["case", "what", "n", "percent", "error"]].round(2).to_string())
    found = simulations.claims(tables)
    for one in found:
        print(f"{one.claim}: {one.found} of {one.n:,} and more: {'met' if one.met else 'MISSED'}")
    assert found
    assert all(one.met for one in found)
