"""The formats that leads are read from and written to, and how to tell them apart."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import PurePath

from leads_adapters.files.csv_export import write_csv
from leads_adapters.files.csv_rows import read_csv
from leads_adapters.files.ndjson_export import write_ndjson
from leads_adapters.files.ndjson_rows import read_ndjson
from leads_adapters.lead_files import FileRefused, ReadFile, WriteFile


class Format(StrEnum):
    """How leads stand in a file."""

    CSV = "csv"
    NDJSON = "ndjson"


READERS: Mapping[Format, ReadFile] = {Format.CSV: read_csv, Format.NDJSON: read_ndjson}
WRITERS: Mapping[Format, WriteFile] = {Format.CSV: write_csv, Format.NDJSON: write_ndjson}

MEDIA_TYPES = {Format.CSV: "text/csv", Format.NDJSON: "application/x-ndjson"}

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
