"""Invented messages with what they are: those in `tests/data/mail`, and those that are too large to store."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "data/mail"
OWN_ADDRESS = "sales@example.com"
FOLLOW_UP_ID = "01936f2e-8c00-7a11-9b22-1234567890ab"
"""The id of the follow-up that replies and delivery reports name."""

_HEAD = b"From: Ada Lovelace <ada@example.org>\nSubject: A question\n"
_ENQUIRY = {"kind": "enquiry", "sender": "ada@example.org", "name": "Ada Lovelace", "subject": "A question"}


@dataclass(frozen=True)
class Case:
    """A message, and what is expected of it, as `expected.toml` describes."""

    name: str
    data: bytes
    expected: dict[str, Any]

    def __str__(self) -> str:
        return self.name


@cache
def cases() -> Sequence[Case]:
    """Return all messages."""
    expected = tomllib.loads((FOLDER / "expected.toml").read_text("utf-8"))
    stored = [Case(name, (FOLDER / f"{name}.eml").read_bytes(), values) for name, values in expected.items()]
    return (*stored, *_large())


def _large() -> Sequence[Case]:
    lines = b"".join(b"X-Line: %d\n" % number for number in range(10_000))
    folded = b"X-Folded: a\n" + b" folded\n" * 10_000
    levels = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(100))
    attachment = b"--b\nContent-Type: video/mp4; name=film.mp4\nContent-Transfer-Encoding: base64\n\n"
    thirty_megabytes = attachment + (b"x" * 76 + b"\n") * 390_000 + b"--b--\n"
    text = b"Content-Type: text/plain\n\nHello\n"
    return (
        Case("header-of-10000-lines", lines + _HEAD + b"\nHello\n", {**_ENQUIRY, "text": "Hello"}),
        Case("header-folded-10000-times", folded + _HEAD + b"\nHello\n", {**_ENQUIRY, "text": "Hello"}),
        Case("nested-100-deep", _HEAD + levels + text, {**_ENQUIRY, "text": "Hello"}),
        Case(
            "30-megabytes",
            _HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + text + thirty_megabytes,
            {**_ENQUIRY, "text": "Hello", "attachments": ["film.mp4"]},
        ),
    )
