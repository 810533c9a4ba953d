"""Export: a table as a Parquet file, on this disk or behind any URL that fsspec knows."""

from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING

from asrlab.errors import MissingExtra, StoreError

if TYPE_CHECKING:
    import pandas as pd


def export(frame: pd.DataFrame, url: str) -> None:
    """Write a table as Parquet.

    Parameters
    ----------
    frame : DataFrame
        Such as the ``transcripts`` of a sweep.
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
    url = str(url)
    remote = re.match(r"[a-z][a-z0-9+.-]+://", url, re.I)
    if remote and importlib.util.find_spec("fsspec") is None:
        raise MissingExtra(f"Writing to {remote[0]}", "remote")
    try:
        frame.to_parquet(url, index=False)
    except ImportError as error:  # of what fsspec needs for that kind of URL
        raise MissingExtra(f"Writing to {url.partition('://')[0]}:// ({error})", "remote") from error
    except (OSError, ValueError) as error:
        shown = re.sub(r"//[^/@]*@|[?#].*", lambda found: "//" if found[0].startswith("//") else "", url)
        raise StoreError(f"The table could not be written to {shown}: {type(error).__name__}.") from error
