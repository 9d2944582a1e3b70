"""The formats that leads are read from and written to, and how to tell them apart."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import PurePath
from typing import BinaryIO

from leads_adapters.files.csv_export import write_csv
from leads_adapters.files.csv_rows import read_csv
from leads_adapters.files.ndjson_export import write_ndjson
from leads_adapters.files.ndjson_rows import read_ndjson
from leads_adapters.files.row import FileRefused, LeadFile
from leads_domain.lead import Lead


class Format(StrEnum):
    """How leads stand in a file."""

    CSV = "csv"
    NDJSON = "ndjson"


READERS: Mapping[Format, Callable[[BinaryIO], LeadFile]] = {Format.CSV: read_csv, Format.NDJSON: read_ndjson}
WRITERS: Mapping[Format, Callable[[Iterable[Lead]], Iterator[bytes]]] = {
    Format.CSV: write_csv,
    Format.NDJSON: write_ndjson,
}

_SUFFIXES = {
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".txt": Format.CSV,
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
}


def format_of(file_name: str) -> Format:
    """The format that the suffix of a file's name stands for, in any case; raises `FileRefused` for any other."""
    suffix = PurePath(file_name).suffix.lower()
    if suffix not in _SUFFIXES:
        msg = f"The name of the file must end in one of {', '.join(_SUFFIXES)}; {file_name!r} does not."
        raise FileRefused(msg)
    return _SUFFIXES[suffix]
