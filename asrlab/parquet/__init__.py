"""Parquet: tables as files, on this disk or behind any URL that fsspec knows, whole or some rows at a time.

A table is one file, or a folder of them that are its parts. Each says of itself which table it is, in which version of
its schema, how the levels of its axes are ordered, and which part of how many: what is half there is not read as whole.
"""

from asrlab.parquet.files import Part, inside, is_stored, shown
from asrlab.parquet.reading import Layout, Stored, check_texts, chunks, columns, loaded, read
from asrlab.parquet.writing import Folder, encoded, put, write

__all__ = [
    "Folder",
    "Layout",
    "Part",
    "Stored",
    "check_texts",
    "chunks",
    "columns",
    "encoded",
    "inside",
    "is_stored",
    "loaded",
    "put",
    "read",
    "shown",
    "write",
]
