"""Read leads from a file with columns: CSV or a spreadsheet."""

from leads_adapters.files.csv_rows import read_csv
from leads_adapters.files.sheets import SPREADSHEET_STARTS, read_spreadsheet
from leads_adapters.lead_files import LeadFile, Readable, ReadOptions


class _Peeked:
    """A stream whose first bytes have been read already."""

    def __init__(self, start: bytes, stream: Readable) -> None:
        self._start = start
        self._read = getattr(stream, "read1", stream.read)  # does not wait until all of `size` has arrived

    def read(self, size: int, /) -> bytes:
        """Return the next bytes that have arrived, at most `size`; none at the end."""
        if not self._start:
            return self._read(size)
        piece, self._start = self._start[:size], self._start[size:]
        return piece


def read_table(stream: Readable, options: ReadOptions = ReadOptions()) -> LeadFile:  # noqa: B008 - immutable
    """Return the leads in a spreadsheet or a CSV file: its first bytes tell which. Raises `FileRefused`."""
    start = stream.read(max(map(len, SPREADSHEET_STARTS)))
    read = read_spreadsheet if start.startswith(SPREADSHEET_STARTS) else read_csv
    return read(_Peeked(start, stream), options)
