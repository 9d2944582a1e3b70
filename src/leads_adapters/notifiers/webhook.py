"""A channel that posts JSON to a URL, signed as Standard Webhooks 1.0 has it (https://www.standardwebhooks.com).

The URL is the operator's, as trusted as the database's: it may well lead into one's own network, so no address is
kept out. Nothing that a client of the API sends becomes a part of it.

As with e-mail, what the operator can mend is tried again: a redirect, which is never followed, or a login that fails.
"""

import json
import re
import ssl
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from hmac import digest
from http.cookiejar import CookieJar, DefaultCookiePolicy
from socket import socket
from typing import Any

import httpx

from leads_adapters.notifiers.deadline import Deadline
from leads_adapters.notifiers.options import check_names, timeout
from leads_domain.notifier import Address, FollowUpNotice, Receipt, Refused, TryAgain

OPTIONS = ("url", "secret", "timeout")
EVENT_TYPE = "follow_up.due"

# Of the answers 4xx, those that tell of the moment or of a missing login, not of the notice.
_TRANSIENT = frozenset({401, 407, 408, 409, 425, 429})
_MEMBERS = ("follow_up_id", "lead_id", "attempt", "channel", "name", "email", "phone", "message")
_PREFIX = "whsec_"
_KEY_MIN, _KEY_MAX = 24, 64


class WebhookNotifier:
    """Posts every notice over a connection of its own, which a `Deadline` can end; `clock` tells Unix seconds."""

    needs: Address | None = None

    def __init__(self, url: httpx.URL, key: bytes, seconds: float, clock: Callable[[], float] = time.time) -> None:
        self._url = url
        self._key = key
        self._seconds = seconds
        self._clock = clock
        self._client = httpx.Client(
            verify=ssl.create_default_context(),
            timeout=seconds,
            headers={"User-Agent": "leads", "Connection": "close", "Content-Type": "application/json"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # the answer to one notice stays out of others
        )

    def notify(self, notice: FollowUpNotice) -> Receipt:
        """As the port says. The answer's body is not read."""
        deadline = Deadline(self._seconds)
        try:
            status, retry_after = deadline.run(lambda: self._post(notice, deadline))
        except (TimeoutError, httpx.TimeoutException):
            raise TryAgain("The receiver did not answer in time.") from None
        except httpx.TransportError as error:
            raise TryAgain(f"The receiver could not be reached: {type(error).__name__}.") from None
        if httpx.codes.is_success(status):
            return Receipt()
        if httpx.codes.is_client_error(status) and status not in _TRANSIENT:
            raise Refused(f"The receiver answered {status}.")
        raise TryAgain(f"The receiver answered {status}.", _delay(retry_after, self._clock()))

    def _post(self, notice: FollowUpNotice, deadline: Deadline) -> tuple[int, str]:
        def watch(event: str, told: Mapping[str, Any]) -> None:
            if event == "connection.connect_tcp.complete":
                connection: socket = told["return_value"].get_extra_info("socket")
                deadline.watch(connection)

        now = int(self._clock())
        body = _body(notice, now)
        headers = _signed(self._key, notice.idempotency_key, now, body)
        extensions = {"trace": watch}
        with self._client.stream("POST", self._url, content=body, headers=headers, extensions=extensions) as response:
            return response.status_code, response.headers.get("Retry-After", "")


def _body(notice: FollowUpNotice, now: int) -> bytes:
    data = {member: getattr(notice, member) for member in _MEMBERS} | {"lead": dict(notice.lead)}
    timestamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps({"type": EVENT_TYPE, "timestamp": timestamp, "data": data}).encode()


def _signed(key: bytes, id: str, now: int, body: bytes) -> Mapping[str, str]:
    signature = digest(key, f"{id}.{now}.".encode() + body, sha256)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{b64encode(signature).decode()}",
    }


def _delay(retry_after: str, now: float) -> timedelta | None:
    """What a `Retry-After` asks for (RFC 9110, 10.2.3), in seconds or until a date; None if it makes no sense."""
    if re.fullmatch(r"[0-9]{1,9}", retry_after):
        return timedelta(seconds=int(retry_after))
    try:
        at = parsedate_to_datetime(retry_after)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)  # the form of asctime names no zone, but is in GMT
        return timedelta(seconds=max(0, at.timestamp() - now))
    except (ValueError, OverflowError):
        return None


def create(options: Mapping[str, str]) -> WebhookNotifier:
    """The factory of the adapter `webhook`; raises `ValueError` for options that it does not understand."""
    check_names(options, OPTIONS)
    return WebhookNotifier(_url(options["url"]), _key(options["secret"]), timeout(options))


def _url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("https", "http") or not url.host:
        raise ValueError("url takes an address such as https://example.com/hooks/leads")
    return url


def _key(secret: str) -> bytes:
    try:
        key = b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(_PREFIX) or not _KEY_MIN <= len(key) <= _KEY_MAX:
        raise ValueError(f"secret takes {_PREFIX} and {_KEY_MIN} to {_KEY_MAX} random bytes in Base64")
    return key
