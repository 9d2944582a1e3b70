"""Teach schemathesis the service's own formats and how to send files."""

import re
from typing import Any
from uuid import uuid4

import schemathesis
from hypothesis import strategies as st

from leads_adapters.http.openapi.parts import UPLOADS

letters = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=10)
emails = st.builds("{}@{}.example.com".format, letters, letters)

schemathesis.openapi.format("idn-email", emails)
schemathesis.openapi.format("phone", st.from_regex(r"\+4930[1-9][0-9]{5,7}", fullmatch=True))
schemathesis.openapi.format("idempotency-key", st.uuids().map(str))
schemathesis.openapi.format("entity-tags", st.sampled_from(["*", '"1"', 'W/"2"', '"1", "2"']))

KEY = re.compile(r"""^("([ !#-\[\]-~]|\\["\\]){1,255}"|[!#-+\--\[\]-~]{1,255})$""")
"""The pattern of `Idempotency-Key` in the OpenAPI document."""


@schemathesis.hook
def before_call(_: Any, case: schemathesis.Case[Any], __: Any) -> None:
    """Replace each valid idempotency key by a unique one: schemathesis repeats keys with other bodies."""
    if KEY.search(case.headers.get("Idempotency-Key", "")):
        case.headers["Idempotency-Key"] = str(uuid4())


@schemathesis.serializer(*UPLOADS)
def serialize_file(_: schemathesis.SerializationContext, value: object) -> bytes:
    """Send a file unchanged."""
    return value if isinstance(value, bytes) else str(value).encode()
