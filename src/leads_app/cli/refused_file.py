"""The file that `leads import` writes refused rows to."""

import os
from contextlib import suppress
from pathlib import Path
from textwrap import shorten
from typing import BinaryIO

from leads_adapters.files.formats import Format
from leads_adapters.files.refused_rows import reason, refused_header, refused_json, refused_line
from leads_adapters.lead_files import LeadFile, Row
from leads_app.cli.session import CommandFailed
from leads_app.cli.whole_file import open_private
from leads_domain.errors import ValidationFailed

REASONS_MAX = 20
"""How many reasons are listed at the terminal when they are not in a file."""

REASON_MAX = 300
"""How many characters of a reason are shown at the terminal."""


def place_for_refused(file: Path, form: Format) -> Path:
    """Return where the refused rows of a file can be written: beside it, or in the current folder.

    Raises `CommandFailed` if neither can be written to.
    """
    beside = file.with_name(f"{file.stem}.refused.{form}")
    for path in (beside, Path(beside.name)):
        existed = path.exists()
        with suppress(OSError):
            open_private(path, os.O_APPEND).close()
            if not existed:
                path.unlink()
            return path
    message = f"{beside}, for rows that are refused, cannot be written, nor can {beside.name} in the current folder."
    raise CommandFailed(f"{message} Import from a folder that you may write to.")


class RefusedFile:
    """The file of refused rows, made with the first of them; without a path, or after `failure`, it lists reasons."""

    def __init__(self, path: Path | None, form: Format, lead_file: LeadFile) -> None:
        self.path = path
        self.failure: OSError | None = None
        self.reasons: list[str] = []
        self.unlisted = 0
        self._head = refused_header(lead_file.header) if form is Format.CSV else b""
        self._line = refused_line if form is Format.CSV else refused_json
        self._stream: BinaryIO | None = None

    def add(self, row: Row, refusal: ValidationFailed) -> None:
        """Write a row, or list its reason."""
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
            self._stream = open_private(path, os.O_TRUNC)
            self._stream.write(self._head)
        self._stream.write(line)
        self._stream.flush()

    def close(self) -> None:
        """Close the file; each row has been written out already."""
        if self._stream is not None:
            with suppress(OSError):
                self._stream.close()
