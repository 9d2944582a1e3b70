"""Select the file format of leads."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import PurePath

from leads_adapters.files.csv_export import write_csv
from leads_adapters.files.ndjson_export import write_ndjson
from leads_adapters.files.ndjson_rows import read_ndjson
from leads_adapters.files.tables import read_table
from leads_adapters.lead_files import FileRefused, ReadFile, WriteFile


class Format(StrEnum):
    """A file format for leads."""

    CSV = "csv"
    NDJSON = "ndjson"


READERS: Mapping[Format, ReadFile] = {Format.CSV: read_table, Format.NDJSON: read_ndjson}
WRITERS: Mapping[Format, WriteFile] = {Format.CSV: write_csv, Format.NDJSON: write_ndjson}

MEDIA_TYPES = {Format.CSV: "text/csv", Format.NDJSON: "application/x-ndjson"}

SPREADSHEETS = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xls": "application/vnd.ms-excel",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
}
"""The media types of spreadsheets by suffix. They are read as CSV is, but not written."""

UNKNOWN_TYPE = "application/octet-stream"
"""The media type of a file of an unknown type: its first bytes tell whether it is a spreadsheet."""

_SUFFIXES: Mapping[str, Format] = {
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".txt": Format.CSV,
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
}


_IMPORT_SUFFIXES = {**_SUFFIXES, **dict.fromkeys(SPREADSHEETS, Format.CSV)}


def format_of(file_name: str) -> Format:
    """Return the format in which to write a file; raises `FileRefused` for an unknown suffix."""
    return _format_in(_SUFFIXES, file_name)


def import_format_of(file_name: str) -> Format:
    """Return the format in which to read a file; raises `FileRefused` for an unknown suffix."""
    return _format_in(_IMPORT_SUFFIXES, file_name)


def _format_in(suffixes: Mapping[str, Format], file_name: str) -> Format:
    suffix = PurePath(file_name).suffix.lower()
    if suffix not in suffixes:
        message = f"The file name {file_name!r} has an unknown suffix. Use one of {', '.join(suffixes)}."
        raise FileRefused(message)
    return suffixes[suffix]
