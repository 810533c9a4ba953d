"""All figures of all hard tables, in a notebook and in a column of a paper: nothing is cut, and nothing meets."""

from __future__ import annotations

import warnings

import matplotlib.pyplot as plt
import pytest
from figures import FIGURES, LABELS, unfit

from asrlab.errors import InvalidInput
from asrlab.views import plot

pytestmark = pytest.mark.acceptance

#: Of five curves that lie on one another, sizes cannot all stand apart.
MEET = {"bias_curve"}


@pytest.mark.parametrize("size", ["notebook", "column"])
@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("name", FIGURES)
def test_all_that_is_written_has_its_room(name, labels, size):
    plt.switch_backend("agg")
    draws, make = FIGURES[name]
    if name == "heat, turned" and size == "column" and labels.startswith("24"):
        with pytest.raises(InvalidInput, match="no room for their values"):
            draws(make(LABELS[labels]), ax=plot.column())
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = draws(make(LABELS[labels]), ax=plot.column() if size == "column" else None)
        found = unfit(ax.figure)
    plt.close("all")
    assert not [problem for problem in found if name not in MEET or problem.startswith("cut")]
