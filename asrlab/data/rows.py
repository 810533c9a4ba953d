"""Rows of a table as plain values, which is much quicker than what pandas makes of them one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd


def values_of(frame: pd.DataFrame, name: str) -> list[Any]:
    """Give a column as plain values: None is what is missing, be it a cell or the whole column."""
    if name not in frame:
        return [None] * len(frame)
    values = frame[name].astype(object)
    return values.where(values.notna(), None).to_list()


def rows_of(frame: pd.DataFrame, *names: str) -> Iterator[tuple[Any, ...]]:
    """Give some columns row by row as plain values; see :func:`values_of`."""
    return zip(*(values_of(frame, name) for name in names), strict=True)
