"""What schemathesis cannot know: values that the service's own formats allow, and how files are sent."""

from typing import Any
from uuid import UUID, uuid4

import schemathesis
from hypothesis import strategies as st

letters = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=10)
emails = st.builds("{}@{}.example.com".format, letters, letters)

schemathesis.openapi.format("idn-email", emails)
schemathesis.openapi.format("phone", st.from_regex(r"\+4930[1-9][0-9]{5,7}", fullmatch=True))
schemathesis.openapi.format("idempotency-key", st.uuids().map(str))
schemathesis.openapi.format("entity-tags", st.sampled_from(["*", '"1"', 'W/"2"', '"1", "2"']))


@schemathesis.hook
def before_call(_: Any, case: schemathesis.Case[Any], __: Any) -> None:
    """A new request has a new key: the same values come again and again, with other bodies."""
    try:
        UUID(case.headers["Idempotency-Key"])
    except (KeyError, ValueError):
        return
    case.headers["Idempotency-Key"] = str(uuid4())


@schemathesis.serializer("application/x-ndjson", "text/csv")
def as_it_is(_: schemathesis.SerializationContext, value: object) -> bytes:
    """A file is sent as it is."""
    return value if isinstance(value, bytes) else str(value).encode()
