"""Number forms, run by `make acceptance`: rates by language and class, the pairs that fail, and traps that merge."""

from __future__ import annotations

import pytest
from test_forms import LANGUAGES, TRAPS, figures, least

from asrlab.normalize import normalizer

pytestmark = pytest.mark.acceptance


def test_rates_by_language_and_class():
    low = []
    for language in LANGUAGES:
        rate, text = figures(language)
        print(text)
        if rate < least(language):
            low.append(language)
    for language in ("en", "zh"):
        print(figures(language, f"{language}_unseen")[1])
    assert low == []


def test_traps_stay_apart():
    merged = []
    for language, kind, left, right in TRAPS:
        chain = normalizer(language, numbers=True)
        if chain(left) == chain(right):
            merged.append(f"{language} {kind}: {left!r}, {right!r} -> {chain(left)!r}")
    print(f"\ntraps that merge: {len(merged)} of {len(TRAPS)}", *merged, sep="\n  ")
    assert merged == []
