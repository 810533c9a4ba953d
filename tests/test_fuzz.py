"""What others wrote never ends in a crash that is not ours; `fuzzing.py` tells how it is spoilt."""

from __future__ import annotations

import fuzzing
import pytest

CASES = {"manifests": 80, "results": 600, "stores": 80, "normalizers": 120}


@pytest.mark.parametrize("target", CASES)
def test_it_ends_in_a_table_or_in_an_error_of_ours(target):
    read = fuzzing.random_cases(target, CASES[target], seed=11)
    assert CASES[target] / 20 < read  # not all of them are refused


def test_a_crash_is_told_by_its_bytes(monkeypatch):
    monkeypatch.setitem(fuzzing.TARGETS, "results", lambda draws, folder: 1 / draws.randrange(2))
    with pytest.raises(ZeroDivisionError) as caught:
        fuzzing.random_cases("results", 100, seed=0)
    (note,) = caught.value.__notes__
    with pytest.raises(ZeroDivisionError):
        fuzzing.attack("results", bytes.fromhex(note.split()[-1]))
