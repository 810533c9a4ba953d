"""Export: a table of a sweep as a Parquet file, on this disk or behind any URL that fsspec knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asrlab import parquet

if TYPE_CHECKING:
    import pandas as pd


def export(frame: pd.DataFrame, url: str) -> None:
    """Write the transcripts of a sweep as Parquet.

    Parameters
    ----------
    frame : DataFrame
        The ``transcripts`` of a sweep.
    url : str
        A path, or a URL such as ``s3://bucket/run.parquet``; credentials are those that fsspec finds. What is there is
        replaced.

    Raises
    ------
    MissingExtra
        If a URL needs a package that is not installed.
    StoreError
        If it cannot be written.
    """
    parquet.write(frame, "transcripts", url)
