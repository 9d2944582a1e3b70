"""Read values as forms, spreadsheets and other programs write them."""

import re
from collections.abc import Iterable


def _texts(texts: str) -> frozenset[str]:
    return frozenset(texts.split(", "))


_NEXT_VALUE = " ::: "
_YES = _texts(
    "true, t, yes, y, 1, 1.0, on, x, checked, opted out, unsubscribed, do not contact, dnc, ja, j, wahr, oui, vrai, "
    "sí, si, verdadero, sì, vero, sim, verdadeiro, waar, sant, sand, sann, tak, prawda, да, истина, はい, 是"
)
_NO = _texts(
    "false, f, no, n, 0, 0.0, off, unchecked, opted in, subscribed, nein, falsch, non, faux, falso, não, nee, onwaar, "
    "nej, nei, falskt, falsk, usann, nie, fałsz, нет, ложь, いいえ, 否, 0000-00-00, 0000-00-00 00:00:00"
)
_DATE = re.compile(r"(?!0000)\d{4}-\d\d?-\d\d?(\D.*)?|\d\d?[./]\d\d?[./]\d{4}(\D.*)?")
_LABEL = re.compile(r"\s*(?:p|ph|t|m|e|tel|phone|mobile|mail|email|mailto)\s*:\s*", re.IGNORECASE)


def first_value(text: str) -> tuple[str, str]:
    """Return the first of several values in a text, and the others as text: Google separates them by ` ::: `."""
    first, _, others = text.partition(_NEXT_VALUE)
    return first.strip(), others.strip()


def without_label(text: str) -> str:
    """Return an e-mail address or a phone number without its typed prefix, such as `p:+49 30 123456`."""
    label = _LABEL.match(text)
    return text[label.end() :] if label else text


def yes_or_no(text: str) -> bool | None:
    """Return the answer that a text gives, in any case; None if it is neither yes nor no.

    A date means yes: some programs write when a person has unsubscribed.
    """
    answer = text.strip().casefold()
    if answer in _YES or _DATE.fullmatch(answer):
        return True
    return False if answer in _NO else None


def joined_name(parts: Iterable[str | None]) -> str:
    """Join the parts of a full name. Each part may be missing."""
    return " ".join(part.strip() for part in parts if part and part.strip())
