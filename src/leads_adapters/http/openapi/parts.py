"""Parts of the document that operations share: headers, security schemes, files."""

from collections.abc import Mapping

FILES: Mapping[str, str] = {
    "text/csv": "name,email,company\r\nJohn Doe,john@example.com,ACME\r\n",
    "application/x-ndjson": '{"name":"John Doe","email":"john@example.com","attributes":{"company":"ACME"}}\n',
}
"""The media types of files of leads, each with an example."""


RESPONSE_HEADERS: Mapping[str, str] = {
    "Content-Disposition": "The name of the file.",
    "ETag": "The lead's version, as a validator (RFC 9110).",
    "Idempotency-Replayed": (
        "`true` if this is the stored response to an earlier request with the same Idempotency-Key."
    ),
    "Link": 'The next page, if there is one: rel="next" (RFC 8288).',
    "Location": "Where the resource is.",
}

_TAG = r'(W/)?"[!#-~\u0080-\u00ff]*"'
_TAGS = {
    "type": "string",
    "format": "entity-tags",
    "pattern": rf"^([ \t]*\*[ \t]*|[ \t,]*{_TAG}([ \t]*,[ \t,]*{_TAG})*[ \t,]*)$",
    "examples": ["*"],
}
CONDITION_PARAMETERS = (
    {
        "name": "If-Match",
        "in": "header",
        "description": "Only if the lead is at one of these versions: entity tags as `ETag` has them, or `*`.",
        "schema": _TAGS,
    },
    {"name": "If-None-Match", "in": "header", "description": "Only if it is at none of these.", "schema": _TAGS},
)
IDEMPOTENCY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Makes the request safe to repeat: up to 255 visible ASCII characters, such as a UUID, quoted "
    "or bare. Under the same key the first response is sent again for 24 hours, with `Idempotency-Replayed`.",
    "schema": {
        "type": "string",
        "format": "idempotency-key",
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
