"""Sends follow-ups into a Matrix room, by the client-server API of any homeserver (https://spec.matrix.org).

The idempotency key is the transaction id: a homeserver that has seen it answers as it did before, and the room gets
the message once.

Who is at fault decides what becomes of a notice. What the operator can mend, such as a token that has expired or a
room without an invitation, is tried again; what the homeserver says of the message itself refuses it.
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
ANSWER_MAX = 65536
OPTIONS = ("url", "room", "token")

_CLIENT_ERRORS = range(400, 500)
_TO_BE_MENDED = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
)


class MatrixNotifier:
    """Writes every notice into one room, as the user whose access token it has."""

    needs: Address | None = None

    def __init__(self, url: str, room: str, token: str, timeout: float = TIMEOUT_SECONDS) -> None:
        self._api = f"{url.rstrip('/')}/_matrix/client/v3"
        self._room = room
        self._token = token
        self._timeout = timeout

    def notify(self, notice: FollowUpNotice) -> Receipt:
        """As the port says; the receipt is the id of the event."""
        path = f"rooms/{quote(self._room, safe='')}/send/m.room.message/{quote(notice.idempotency_key, safe='')}"
        # Without m.mentions a lead by the name of @room would ring with everybody in the room.
        message = {"msgtype": "m.text", "body": f"{notice.name}: {notice.message}", "m.mentions": {}}
        event = self._call("PUT", path, self._timeout, message).get("event_id")
        if not isinstance(event, str):
            raise TryAgain("What answered is not a homeserver: it gave the message no id.")
        return Receipt(event)

    def check(self) -> None:
        """Whether the homeserver is there, knows the token, and has its user in the room."""
        rooms = self._call("GET", "joined_rooms", min(self._timeout, CHECK_SECONDS)).get("joined_rooms")
        if not isinstance(rooms, list) or self._room not in rooms:
            raise TryAgain("The user of the token has not joined the room.")

    def _call(self, method: str, path: str, timeout: float, content: object = None) -> Mapping[str, Any]:
        body = None if content is None else json.dumps(content).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        try:
            request = Request(f"{self._api}/{path}", body, headers, method=method)  # noqa: S310 - HTTP: see the factory
            return _answer(request, timeout)
        except (OSError, HTTPException) as error:
            reason = error.reason if isinstance(error, URLError) else error
            if isinstance(reason, TimeoutError):
                raise TryAgain("The homeserver did not answer in time.") from None
            raise TryAgain(f"The homeserver could not be reached: {type(reason).__name__}.") from None


class _NoRedirects(HTTPRedirectHandler):
    """A redirect would take the token to somebody else: it is an answer like any other than 2xx."""

    def redirect_request(self, *_: object) -> None:
        return None


_open = build_opener(_NoRedirects).open


def _answer(request: Request, timeout: float) -> Mapping[str, Any]:
    try:
        with _open(request, timeout=timeout) as response:
            return _members(response.read(ANSWER_MAX))
    except HTTPError as error:
        with error:
            raise _fault(error.code, error.headers, _members(error.read(ANSWER_MAX))) from None


def _fault(status: int, headers: Message, told: Mapping[str, Any]) -> NotificationError:
    """What an answer other than 2xx means. Of its text only the code is told: the rest may quote the message."""
    code = told.get("errcode")
    reason = f"The homeserver answered {status}{f' {code}' if _is_code(code) else ''}."
    if status not in _CLIENT_ERRORS or status in _TO_BE_MENDED:
        return TryAgain(reason, _delay(headers.get("Retry-After", ""), told.get("retry_after_ms")))
    return Refused(reason)


def _is_code(code: object) -> bool:
    return isinstance(code, str) and re.fullmatch(r"[A-Z0-9_.]{1,100}", code) is not None


def _delay(retry_after: str, milliseconds: object) -> timedelta | None:
    """How long to wait: by the header in seconds, or as homeservers said it before Matrix 1.10."""
    if re.fullmatch(r"[0-9]{1,9}", retry_after):
        return timedelta(seconds=int(retry_after))
    if isinstance(milliseconds, int) and 0 <= milliseconds < 10**12:
        return timedelta(milliseconds=milliseconds)
    return None


def _members(body: bytes) -> Mapping[str, Any]:
    """Those of a JSON object; none if it is something else, as a proxy may answer."""
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


def create(options: Mapping[str, str]) -> MatrixNotifier:
    """The factory of the adapter `matrix`; raises `ValueError` for options that it does not understand."""
    if unknown := options.keys() - set(OPTIONS):
        message = f"it takes the options {', '.join(OPTIONS)}, not {', '.join(sorted(unknown))}"
        raise ValueError(message)
    url, room, token = (options[name] for name in OPTIONS)
    if not _is_plain(url) or urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise ValueError("url takes the address of a homeserver, such as https://matrix.example.com")
    if not room.startswith("!") or not room.isprintable():
        raise ValueError("room takes the id of a room, which begins with !, and not its alias, which begins with #")
    if not token or not _is_plain(token):
        raise ValueError("token takes an access token: printable ASCII without spaces")
    return MatrixNotifier(url, room, token)


def _is_plain(text: str) -> bool:
    """Whether it can stand in an HTTP request as it is."""
    return text.isascii() and text.isprintable() and " " not in text
