"""Message templates with placeholders for the fields of a lead."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC

from leads_domain.checking import check_text, truncate
from leads_domain.control_characters import on_one_line
from leads_domain.errors import ValidationFailed
from leads_domain.follow_up import MESSAGE_MAX
from leads_domain.lead import Lead

MESSAGE = "message"
"""The placeholder for the text of an enquiry, in templates of enquiries only."""

PLACEHOLDERS = ("id", "name", "email", "phone", "status", "source", "owner", "created_at")
"""The fields of a lead that a template can contain."""

_PART = re.compile(r"(?P<literal>\{\{|\}\})|\{(?P<placeholder>[^{}]*)\}|[{}]")


@dataclass(frozen=True, slots=True)
class Template:
    """Plain text with placeholders such as `{name}`; `{{` and `}}` mean literal braces.

    A template of enquiries can also contain `{message}`. Raises `ValidationFailed` for an unknown placeholder, a single
    brace, or a text of placeholders only.
    """

    text: str
    of_enquiries: bool = False
    max_length: int = MESSAGE_MAX

    def __post_init__(self) -> None:
        check_text(self.text, max_length=self.max_length)
        for part in _PART.finditer(self.text):
            _check(part, PLACEHOLDERS + (MESSAGE,) * self.of_enquiries)
        if not self._filled(lambda _: ""):
            raise ValidationFailed.because("Add text to the placeholders: a lead may have no values for them.")

    def fill(self, lead: Lead, message: str | None = None) -> str:
        """Return the text for a lead, truncated to `max_length` characters. A missing value becomes empty text.

        `message` is the text of an enquiry. Placeholders within values are not filled. Values are put on one line,
        except the text of an enquiry.
        """
        created_at = f"{lead.created_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        values = {**lead.to_dict(), "created_at": created_at}
        texts = {name: on_one_line(values[name] or "") for name in PLACEHOLDERS} | {MESSAGE: message or ""}
        return self._filled(texts.__getitem__)[: self.max_length]

    def _filled(self, value: Callable[[str], str]) -> str:
        def fill(part: re.Match[str]) -> str:
            return part["literal"][0] if part["literal"] else value(part["placeholder"])

        return _PART.sub(fill, self.text).strip()


def _check(part: re.Match[str], known: Sequence[str]) -> None:
    if part["literal"]:
        return
    if part["placeholder"] is None:
        raise ValidationFailed.because(
            f"Character {part.start() + 1} is a single {part[0]}. Write {part[0] * 2} for a literal brace."
        )
    if part["placeholder"] not in known:
        choices = ", ".join(f"{{{name}}}" for name in known)
        unknown = f"Unknown placeholder {truncate(part['placeholder'])}."
        error = "Only rules for enquiries have {message}." if part["placeholder"] == MESSAGE else unknown
        raise ValidationFailed.because(f"{error} Use one of: {choices}.")
