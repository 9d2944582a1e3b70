"""Define the parts of the OpenAPI document that operations share: headers, security schemes and files."""

from collections.abc import Mapping
from typing import Any

FILES: Mapping[str, str] = {
    "text/csv": "name,email,company\r\nJohn Doe,john@example.com,ACME\r\n",
    "application/x-ndjson": '{"name":"John Doe","email":"john@example.com","attributes":{"company":"ACME"}}\n',
}
"""The media types of files of leads, each with an example."""

SPREADSHEETS = (
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.ms-excel",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/octet-stream",
)
"""The media types of spreadsheets, which an import reads, too. The last one is for files of an unknown type."""

UPLOADS: Mapping[str, str | None] = {**FILES, **dict.fromkeys(SPREADSHEETS)}


HEADERS: Mapping[str, Any] = {
    "Content-Disposition": {"description": "The name of the file.", "schema": {"type": "string"}},
    "ETag": {
        "description": "The version of the resource, as an entity tag (RFC 9110).",
        "schema": {"type": "string", "pattern": '^"[1-9][0-9]*"$', "examples": ['"1"']},
    },
    "Idempotency-Replayed": {
        "description": "Sent with the stored response to an earlier request with the same `Idempotency-Key`.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Link": {
        "description": 'The next page, if there is one, as `rel="next"` (RFC 8288).',
        "schema": {"type": "string", "pattern": '^<[^>]+>; rel="next"$'},
    },
    "Location": {
        "description": "The path of the resource.",
        "schema": {"type": "string", "format": "uri-reference", "minLength": 1},
    },
    "RateLimit": {
        "description": "`r` requests are left. All are available again after `t` seconds "
        "(draft-ietf-httpapi-ratelimit-headers). Not sent if the operator sets no limit.",
        "schema": {"type": "string", "pattern": '^"default";r=[0-9]+;t=[0-9]+$', "examples": ['"default";r=599;t=1']},
    },
    "RateLimit-Policy": {
        "description": "`q` requests are allowed in `w` seconds.",
        "schema": {"type": "string", "pattern": '^"default";q=[0-9]+;w=[0-9]+$', "examples": ['"default";q=600;w=60']},
    },
    "Retry-After": {
        "description": "The number of seconds to wait before you send the request again.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "The scheme for sending an API key.",
        "schema": {"type": "string", "enum": ["Bearer"]},
    },
}
"""The response headers, by name: the components that operations refer to."""

_ENTITY_TAG = '(W/)?"[!#-~]*"'
_TAGS = {"type": "string", "format": "entity-tags", "pattern": rf"^(\*|{_ENTITY_TAG}( ?, ?{_ENTITY_TAG})*)$"}
CONDITION_PARAMETERS = (
    {
        "name": "If-Match",
        "in": "header",
        "description": "Refuse the request unless the resource is at one of these versions, as in `ETag`, or `*`.",
        "schema": {**_TAGS, "examples": ["*"]},
    },
    {
        "name": "If-None-Match",
        "in": "header",
        "description": "Refuse the request if the resource is at one of these versions; `GET` returns 304.",
        "schema": {**_TAGS, "examples": ['"0"']},
    },
)
IDEMPOTENCY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Makes the request safe to repeat. Up to 255 visible ASCII characters, such as a UUID, quoted "
    "or bare. For 24 hours, a repeated request returns the first response, with the header `Idempotency-Replayed`.",
    "schema": {
        "type": "string",
        "format": "idempotency-key",
        "minLength": 1,
        "pattern": r'^("([ !#-\[\]-~]|\\["\\]){1,255}"|[!#-+\--\[\]-~]{1,255})$',
    },
}
ORIGIN_PARAMETER = {
    "name": "Origin",
    "in": "header",
    "description": "The origin of the page that sends the form. Browsers set it.",
    "schema": {"type": "string", "examples": ["https://www.example.com"]},
}
SECURITY_SCHEMES = {
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "An API key, such as `admin_5f0c...`. `leads serve` prints the first one. Administrators create "
        "more with `POST /api-keys` or `leads keys create`.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The same API key as `Authorization: Bearer KEY`, for clients that cannot set other "
        "headers. One of the two is enough.",
    },
}
