"""Keep what a client with a `capture` key sends as a submission, and read it back."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, cast

from leads_domain.enquiry import EnquiryInput


class CapturedAs(StrEnum):
    """Tell what a client sends. With the name of its key, this is the origin of the submission: `lead:contact form`."""

    LEAD = "lead"
    ENQUIRY = "enquiry"

    def origin(self, key_name: str) -> str:
        """Return the origin of what a client with this key sends."""
        return f"{self}:{key_name}"


def captured_as(origin: str) -> tuple[CapturedAs, str] | None:
    """Return what a client has sent, and the name of its key; None if the origin is not that of a key."""
    kind, _, key_name = origin.partition(":")
    try:
        return CapturedAs(kind), key_name
    except ValueError:
        return None


def captured_content(values: EnquiryInput) -> Mapping[str, str]:
    """Return the content of a submission: the texts as they are, and the attributes as JSON, to keep their types."""
    given = {field: value for field, value in values.items() if value is not None}
    return {field: value if isinstance(value, str) else json.dumps(value) for field, value in given.items()}


def captured_values(content: Mapping[str, str]) -> EnquiryInput:
    """Return the values that `captured_content` was made of."""
    values: dict[str, Any] = {**content}
    if attributes := values.get("attributes"):
        values["attributes"] = json.loads(attributes)
    return cast(EnquiryInput, values)
