"""Read the webhook of Google's lead forms (https://developers.google.com/google-ads/webhook/docs/implementation)."""

from collections.abc import Iterator, Mapping
from hmac import compare_digest
from typing import Any, NamedTuple

import msgspec

from leads_adapters.http.form_bodies import collect, decode_object, json_fields
from leads_adapters.http.problems import FormForbidden
from leads_domain.errors import ValidationFailed

_READ = ("google_key", "user_column_data")


class GoogleLead(NamedTuple):
    """A lead as Google sends it: its fields, its id, and whether it is a test."""

    fields: Mapping[str, str]
    id: str | None
    is_test: bool


class _Column(msgspec.Struct):
    column_id: str | None = None
    column_name: str | None = None
    string_value: str | None = None


class _Payload(msgspec.Struct):
    lead_id: str | None = None
    is_test: bool = False
    user_column_data: list[_Column] = []


def read_google_lead(body: bytes, key: str) -> GoogleLead:
    """Return the lead, without the key. Raises `FormForbidden` if the body has another key, and `ValidationFailed`."""
    sent = decode_object(body)
    if not compare_digest(str(sent.get("google_key", "")).encode(errors="replace"), key.encode()):
        raise FormForbidden("The `google_key` is not the key of this form.")
    try:
        payload = msgspec.convert(sent, _Payload)
    except msgspec.ValidationError as error:
        raise ValidationFailed.because(f"This is not a lead of Google Ads. {error}.") from None
    return GoogleLead(collect(_fields(sent, payload)), payload.lead_id, payload.is_test)


def _fields(sent: Mapping[str, Any], payload: _Payload) -> Iterator[tuple[str, str]]:
    """Yield the columns by their ids, such as `FULL_NAME`, then what Google adds, such as `campaign_id`."""
    for column in payload.user_column_data:
        yield column.column_id or column.column_name or "", column.string_value or ""
    yield from json_fields({name: value for name, value in sent.items() if name not in _READ})
