"""Send follow-ups to a Matrix room, through the client-server API of a homeserver (https://spec.matrix.org).

The idempotency key is the transaction id: the homeserver recognises a repeat and shows the message once.

Errors that the operator can correct are `TryAgain`: an expired token, or a missing invitation to the room. Errors of
the message itself are `Refused`.
"""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from email.message import Message
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from leads_domain.notifier import Address, FollowUpNotice, NotificationError, Receipt, Refused, TryAgain

TIMEOUT_SECONDS = 20.0
CHECK_SECONDS = 8.0
RESPONSE_MAX_BYTES = 65536
OPTIONS = ("url", "room", "token")

_CLIENT_ERRORS = range(400, 500)
_CORRECTABLE = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
)


class MatrixNotifier:
    """Send each notice to one room, as the user of the access token."""

    needs: Address | None = None

    def __init__(self, url: str, room: str, token: str, timeout: float = TIMEOUT_SECONDS) -> None:
        self._api = f"{url.rstrip('/')}/_matrix/client/v3"
        self._room = room
        self._token = token
        self._timeout = timeout

    def notify(self, notice: FollowUpNotice) -> Receipt:
        """Send a notice; the receipt has the id of the event."""
        path = f"rooms/{quote(self._room, safe='')}/send/m.room.message/{quote(notice.idempotency_key, safe='')}"
        # Without m.mentions, a lead with the name @room would notify everyone in the room.
        message = {"msgtype": "m.text", "body": f"{notice.name}: {notice.message}", "m.mentions": {}}
        event = self._call("PUT", path, self._timeout, message).get("event_id")
        if not isinstance(event, str):
            raise TryAgain("The response has no event id: the URL is not that of a homeserver.")
        return Receipt(event)

    def check(self) -> None:
        """Check that the homeserver is available, accepts the token, and has its user in the room."""
        rooms = self._call("GET", "joined_rooms", min(self._timeout, CHECK_SECONDS)).get("joined_rooms")
        if not isinstance(rooms, list) or self._room not in rooms:
            raise TryAgain("The user of the token has not joined the room.")

    def _call(self, method: str, path: str, timeout: float, content: object = None) -> Mapping[str, Any]:
        body = None if content is None else json.dumps(content).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        try:
            request = Request(f"{self._api}/{path}", body, headers, method=method)  # noqa: S310 - the factory checks the scheme
            return _fields_of_response(request, timeout)
        except (OSError, HTTPException) as error:
            reason = error.reason if isinstance(error, URLError) else error
            if isinstance(reason, TimeoutError):
                raise TryAgain("The homeserver did not respond in time.") from None
            raise TryAgain(f"The homeserver could not be reached: {type(reason).__name__}.") from None


class _NoRedirects(HTTPRedirectHandler):
    """Treat redirects as errors: following one would send the token to another server."""

    def redirect_request(self, *_: object) -> None:
        return None


_open = build_opener(_NoRedirects).open


def _fields_of_response(request: Request, timeout: float) -> Mapping[str, Any]:
    try:
        with _open(request, timeout=timeout) as response:
            return _fields(response.read(RESPONSE_MAX_BYTES))
    except HTTPError as error:
        with error:
            raise _error(error.code, error.headers, _fields(error.read(RESPONSE_MAX_BYTES))) from None


def _error(status: int, headers: Message, fields: Mapping[str, Any]) -> NotificationError:
    """Return the error for a status code other than 2xx. It contains only the error code: other text may be secret."""
    code = fields.get("errcode")
    reason = f"The homeserver responded with {status}{f' {code}' if _is_code(code) else ''}."
    if status not in _CLIENT_ERRORS or status in _CORRECTABLE:
        return TryAgain(reason, _delay(headers.get("Retry-After", ""), fields.get("retry_after_ms")))
    return Refused(reason)


def _is_code(code: object) -> bool:
    return isinstance(code, str) and re.fullmatch(r"[A-Z0-9_.]{1,100}", code) is not None


def _delay(retry_after: str, milliseconds: object) -> timedelta | None:
    """Return the delay from the header, in seconds, or from the field that homeservers sent before Matrix 1.10."""
    if re.fullmatch(r"[0-9]{1,9}", retry_after):
        return timedelta(seconds=int(retry_after))
    if isinstance(milliseconds, int) and 0 <= milliseconds < 10**12:
        return timedelta(milliseconds=milliseconds)
    return None


def _fields(body: bytes) -> Mapping[str, Any]:
    """Return the fields of a JSON object; none for any other body, such as the page of a proxy."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def create(options: Mapping[str, str]) -> MatrixNotifier:
    """Create a notifier of the adapter `matrix`; raises `ValueError` for invalid options."""
    if unknown := options.keys() - set(OPTIONS):
        message = f"remove {', '.join(sorted(unknown))}; the options are {', '.join(OPTIONS)}"
        raise ValueError(message)
    url, room, token = (options[name] for name in OPTIONS)
    if not _is_plain(url) or urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise ValueError("url must be the address of a homeserver, such as https://matrix.example.com")
    if not room.startswith("!") or not room.isprintable():
        raise ValueError("room must be the id of a room, which starts with !, not its alias, which starts with #")
    if not token or not _is_plain(token):
        raise ValueError("token must be an access token: printable ASCII without spaces")
    return MatrixNotifier(url, room, token)


def _is_plain(text: str) -> bool:
    """Return whether an HTTP request can contain the text unchanged."""
    return text.isascii() and text.isprintable() and " " not in text
