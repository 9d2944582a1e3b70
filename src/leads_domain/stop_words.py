"""Recognise a message that asks to receive no more messages."""

import re
from collections.abc import Sequence

STOP_WORDS = frozenset({"stop", "stopp", "unsubscribe", "abmelden"})
"""The words, without punctuation. A message that says more, such as "Please stop calling me", is left to a person."""

_PREFIX = re.compile(r"\s*(?:re|aw|fwd|fw|wg|sv|antw|rép|rif)\s*:", re.IGNORECASE)
_QUOTE = ">"
_SIGNATURE = re.compile(r"--\s*")
_PROGRAM = re.compile(
    r"(?:sent (?:from|via|with)|get outlook for|gesendet (?:von|mit)|von meinem|envoyé de|enviado|inviato da)\b.*",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(r"-{2,}.{1,60}-{2,}|_{10,}")
_FROM = re.compile(r"\W*(?:from|von|de|da|van)\W*:.*", re.IGNORECASE)
_SENT = re.compile(r"\W*(?:sent|date|gesendet|datum|envoyé|enviado|inviato|verzonden)\W*:.*", re.IGNORECASE)
_ATTRIBUTION = re.compile(
    r"(?:on|am|le|el|il|op)\b.*\b(?:wrote|schrieb|écrit|escribió|scritto|schreef)\b.*:", re.IGNORECASE
)
_LINE_MAX = 400
_ANSWER_MAX = 50


def asks_to_stop(subject: str, text: str) -> bool:
    """Return whether a message consists of one of `STOP_WORDS`.

    Case, punctuation, quoted text and the signature do not count. The subject counts if there is no other text.
    """
    answer = _own_lines(text.strip().splitlines())
    return _is_stop_word(" ".join(answer) if answer else _without_prefixes(subject))


def _own_lines(lines: Sequence[str]) -> list[str]:
    """Return the lines that the sender has written, without blank ones, quoted ones, and the signature."""
    own: list[str] = []
    position = 0
    while position < len(lines) and len(own) <= _ANSWER_MAX:
        line = lines[position].strip()
        attribution = _attribution_length(lines[position : position + 2])
        if _SIGNATURE.fullmatch(line) or _ORIGINAL.fullmatch(line) or _is_header(lines[position : position + 2]):
            break
        if attribution and not _is_quoted(lines[position + attribution :]):
            break  # the program does not mark quoted lines: they follow to the end
        if line and not attribution and not line.startswith(_QUOTE) and not _PROGRAM.fullmatch(line):
            own.append(line)
        position += attribution or 1
    return own


def _is_header(lines: Sequence[str]) -> bool:
    """Return whether the lines start the header with which Outlook begins the quoted message."""
    return len(lines) > 1 and bool(_FROM.fullmatch(lines[0].strip()) and _SENT.fullmatch(lines[1].strip()))


def _attribution_length(lines: Sequence[str]) -> int:
    """Return how many of the lines are "On Monday, Ada wrote:", which programs wrap; 0 if there is no such line."""
    for number in range(1, len(lines) + 1):
        text = " ".join(line.strip() for line in lines[:number])
        if len(text) <= _LINE_MAX and _ATTRIBUTION.fullmatch(text):
            return number
    return 0


def _is_quoted(lines: Sequence[str]) -> bool:
    return next((line.strip().startswith(_QUOTE) for line in lines if line.strip()), True)


def _without_prefixes(subject: str) -> str:
    while found := _PREFIX.match(subject):
        subject = subject[found.end() :]
    return subject


def _is_stop_word(text: str) -> bool:
    if len(text) > _ANSWER_MAX:
        return False
    return "".join(character for character in text.casefold() if character.isalnum()) in STOP_WORDS
