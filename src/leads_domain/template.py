"""Message templates with placeholders for the fields of a lead."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC

from leads_domain.checking import check_text, truncate
from leads_domain.errors import ValidationFailed
from leads_domain.follow_up import MESSAGE_MAX
from leads_domain.lead import Lead

PLACEHOLDERS = ("id", "name", "email", "phone", "status", "source", "owner", "created_at")
"""The fields of a lead that a template can contain."""

_PART = re.compile(r"(?P<literal>\{\{|\}\})|\{(?P<placeholder>[^{}]*)\}|[{}]")


@dataclass(frozen=True, slots=True)
class Template:
    """Plain text with placeholders such as `{name}`; `{{` and `}}` mean literal braces.

    Raises `ValidationFailed` for an unknown placeholder, a single brace, or a text of placeholders only.
    """

    text: str

    def __post_init__(self) -> None:
        check_text(self.text, max_length=MESSAGE_MAX)
        for part in _PART.finditer(self.text):
            _check(part)
        if not self._filled(lambda _: None):
            raise ValidationFailed.because("Add text to the placeholders: a lead may have no values for them.")

    def fill(self, lead: Lead) -> str:
        """Return the message for a lead, truncated to `MESSAGE_MAX` characters. A missing value becomes empty text.

        Placeholders within values are not filled, and line breaks within values become spaces.
        """
        created_at = f"{lead.created_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        values = {**lead.to_dict(), "created_at": created_at}
        return self._filled(values.__getitem__)[:MESSAGE_MAX]

    def _filled(self, value: Callable[[str], object]) -> str:
        def fill(part: re.Match[str]) -> str:
            return part["literal"][0] if part["literal"] else _on_one_line(value(part["placeholder"]))

        return _PART.sub(fill, self.text).strip()


def _check(part: re.Match[str]) -> None:
    if part["literal"]:
        return
    if part["placeholder"] is None:
        raise ValidationFailed.because(
            f"Character {part.start() + 1} is a single {part[0]}. Write {part[0] * 2} for a literal brace."
        )
    if part["placeholder"] not in PLACEHOLDERS:
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise ValidationFailed.because(f"Unknown placeholder {truncate(part['placeholder'])}. Use one of: {known}.")


def _on_one_line(value: object) -> str:
    return "" if value is None else " ".join(str(value).splitlines())
