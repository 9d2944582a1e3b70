"""Write the refused rows of `leads import` to a file."""

from contextlib import suppress
from pathlib import Path
from textwrap import shorten
from typing import BinaryIO

from leads_adapters.files.formats import Format
from leads_adapters.files.refused_rows import reason, refused_header, refused_json, refused_line
from leads_adapters.lead_files import LeadFile, Row
from leads_app.cli.session import CommandFailed
from leads_app.cli.whole_file import create_file
from leads_domain.errors import ValidationFailed

REASONS_MAX = 20
"""The maximum number of reasons listed in the terminal if there is no file."""

REASON_MAX = 300
"""The maximum length of a reason in the terminal, in characters."""


def refused_rows_path(file: Path, file_format: Format) -> Path:
    """Return a path for the refused rows of a file: next to it, or in the current folder. It can be taken already.

    Raises `CommandFailed` if neither folder can be written to.
    """
    beside = file.with_name(f"{file.stem}.refused.{file_format}")
    for path in (beside, Path(beside.name)):
        with suppress(OSError):
            created, stream = create_file(path)
            stream.close()
            created.unlink()
            return path
    message = f"The file for refused rows cannot be written: neither {beside} nor {beside.name} in the current folder."
    raise CommandFailed(f"{message} Run the import in a folder that you can write to.")


class RefusedFile:
    """The file of refused rows, created with the first row. If its `path` is taken, it gets a number.

    Without a path, or after a `failure` to write, it collects reasons for the terminal instead.
    """

    def __init__(self, path: Path | None, file_format: Format, lead_file: LeadFile) -> None:
        self.path = path
        self.failure: OSError | None = None
        self.reasons: list[str] = []
        self.unlisted = 0
        self._head = refused_header(lead_file.header) if file_format is Format.CSV else b""
        self._line = refused_line if file_format is Format.CSV else refused_json
        self._stream: BinaryIO | None = None

    def add(self, row: Row, refusal: ValidationFailed) -> None:
        """Write a refused row, or collect its reason."""
        if self.path is not None and self.failure is None:
            try:
                self._write(self.path, self._line(row, refusal))
            except OSError as error:
                self.failure = error
            else:
                return
        if len(self.reasons) < REASONS_MAX:
            self.reasons.append(f"Line {row.line}: {shorten(reason(refusal), REASON_MAX)}")
        else:
            self.unlisted += 1

    def _write(self, path: Path, line: bytes) -> None:
        if self._stream is None:
            self.path, self._stream = create_file(path)
            self._stream.write(self._head)
        self._stream.write(line)
        self._stream.flush()

    def close(self) -> None:
        """Close the file. Each row is flushed already."""
        if self._stream is not None:
            with suppress(OSError):
                self._stream.close()
