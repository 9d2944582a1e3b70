"""Parts of the document that operations share: headers, security schemes, files."""

from collections.abc import Mapping
from typing import Any

FILES: Mapping[str, str] = {
    "text/csv": "name,email,company\r\nJohn Doe,john@example.com,ACME\r\n",
    "application/x-ndjson": '{"name":"John Doe","email":"john@example.com","attributes":{"company":"ACME"}}\n',
}
"""The media types of files of leads, each with an example."""


HEADERS: Mapping[str, Any] = {
    "Content-Disposition": {"description": "The name of the file.", "schema": {"type": "string"}},
    "ETag": {
        "description": "The lead's version, as a validator (RFC 9110).",
        "schema": {"type": "string", "pattern": '^"[1-9][0-9]*"$', "examples": ['"1"']},
    },
    "Idempotency-Replayed": {
        "description": "Sent if this is the stored response to an earlier request with the same Idempotency-Key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Link": {
        "description": 'The next page, if there is one: rel="next" (RFC 8288).',
        "schema": {"type": "string", "pattern": '^<[^>]+>; rel="next"$'},
    },
    "Location": {
        "description": "Where the resource is.",
        "schema": {"type": "string", "format": "uri-reference", "minLength": 1},
    },
    "RateLimit": {
        "description": "How many requests are left, and after how many seconds all of them are again "
        "(draft-ietf-httpapi-ratelimit-headers). Not sent if the operator sets no limit.",
        "schema": {"type": "string", "pattern": '^"default";r=[0-9]+;t=[0-9]+$', "examples": ['"default";r=599;t=1']},
    },
    "RateLimit-Policy": {
        "description": "How many requests are permitted in how many seconds, as `q` and `w`.",
        "schema": {"type": "string", "pattern": '^"default";q=[0-9]+;w=[0-9]+$', "examples": ['"default";q=600;w=60']},
    },
    "Retry-After": {
        "description": "How many seconds to wait before the request is sent again.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {"description": "How to send a key.", "schema": {"type": "string", "enum": ["Bearer"]}},
}
"""The response headers, by name: the components that operations refer to."""

_TAG = '(W/)?"[!#-~]*"'
_TAGS = {"type": "string", "format": "entity-tags", "pattern": rf"^(\*|{_TAG}( ?, ?{_TAG})*)$"}
CONDITION_PARAMETERS = (
    {
        "name": "If-Match",
        "in": "header",
        "description": "Only if the lead is at one of these versions: entity tags as `ETag` has them, or `*`.",
        "schema": {**_TAGS, "examples": ["*"]},
    },
    {
        "name": "If-None-Match",
        "in": "header",
        "description": "Only if it is at none of these.",
        "schema": {**_TAGS, "examples": ['"0"']},
    },
)
IDEMPOTENCY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Makes the request safe to repeat: up to 255 visible ASCII characters, such as a UUID, quoted "
    "or bare. Under the same key the first response is sent again for 24 hours, with `Idempotency-Replayed`.",
    "schema": {
        "type": "string",
        "format": "idempotency-key",
        "minLength": 1,
        "pattern": r'^("([ !#-\[\]-~]|\\["\\]){1,255}"|[!#-+\--\[\]-~]{1,255})$',
    },
}
SECURITY_SCHEMES = {
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "An API key, such as `admin_5f0c...`. `leads serve` prints the first one; administrators make "
        "more with `POST /api-keys` or `leads keys create`.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The same API key as `Authorization: Bearer KEY`, for clients that can set no other header. "
        "One of the two is enough.",
    },
}
