"""Post follow-ups as JSON to a URL, signed by Standard Webhooks 1.0 (https://www.standardwebhooks.com).

The operator sets the URL, and it is trusted: it may lead into a private network, so no address is blocked. It contains
no input of API clients.

Responses that the operator can correct are `TryAgain`, such as a failed login or a redirect, which is never followed.
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

from leads_adapters.deadline import Deadline
from leads_adapters.notifiers.options import check_names, parse_timeout
from leads_domain.notifier import Address, FollowUpNotice, NoticeKind, Receipt, Refused, TryAgain

OPTIONS = ("url", "secret", "timeout")
EVENT_TYPES = {NoticeKind.FOLLOW_UP: "follow_up.due", NoticeKind.DIGEST: "digest.due"}

# The 4xx status codes for a missing login or a temporary problem, not for a problem of the notice.
_TRANSIENT = frozenset({401, 407, 408, 409, 425, 429})
_DIGEST_FIELDS = ("attempt", "channel", "name", "email", "subject", "message")
_FOLLOW_UP_FIELDS = ("follow_up_id", "lead_id", *_DIGEST_FIELDS, "phone", "details", "unsubscribe_url")
_PREFIX = "whsec_"
_KEY_MIN_BYTES, _KEY_MAX_BYTES = 24, 64


class WebhookNotifier:
    """Post each notice over a new connection with a `Deadline`. `clock` returns Unix time in seconds."""

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
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # no response affects a later notice
        )

    def notify(self, notice: FollowUpNotice) -> Receipt:
        """Post a notice. The body of the response is not read."""
        deadline = Deadline(self._seconds)
        try:
            status, retry_after = deadline.run(lambda: self._post(notice, deadline))
        except (TimeoutError, httpx.TimeoutException):
            raise TryAgain("The receiver did not respond in time.") from None
        except httpx.TransportError as error:
            raise TryAgain(f"The receiver could not be reached: {type(error).__name__}.") from None
        if httpx.codes.is_success(status):
            return Receipt()
        if httpx.codes.is_client_error(status) and status not in _TRANSIENT:
            raise Refused(f"The receiver responded with {status}.")
        raise TryAgain(f"The receiver responded with {status}.", _delay(retry_after, self._clock()))

    def _post(self, notice: FollowUpNotice, deadline: Deadline) -> tuple[int, str]:
        def watch(event: str, info: Mapping[str, Any]) -> None:
            if event == "connection.connect_tcp.complete":
                connection: socket = info["return_value"].get_extra_info("socket")
                deadline.watch(connection)

        now = int(self._clock())
        body = _body(notice, now)
        headers = _signed(self._key, notice.idempotency_key, now, body)
        extensions = {"trace": watch}
        with self._client.stream("POST", self._url, content=body, headers=headers, extensions=extensions) as response:
            return response.status_code, response.headers.get("Retry-After", "")


def _body(notice: FollowUpNotice, now: int) -> bytes:
    timestamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps({"type": EVENT_TYPES[notice.kind], "timestamp": timestamp, "data": _data(notice)}).encode()


def _data(notice: FollowUpNotice) -> Mapping[str, Any]:
    if notice.kind is NoticeKind.DIGEST:
        return {"digest_id": notice.follow_up_id} | {field: getattr(notice, field) for field in _DIGEST_FIELDS}
    return {field: getattr(notice, field) for field in _FOLLOW_UP_FIELDS} | {"lead": dict(notice.lead)}


def _signed(key: bytes, id: str, now: int, body: bytes) -> Mapping[str, str]:
    signature = digest(key, f"{id}.{now}.".encode() + body, sha256)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{b64encode(signature).decode()}",
    }


def _delay(retry_after: str, now: float) -> timedelta | None:
    """Return the delay of a `Retry-After` header (RFC 9110, 10.2.3), in seconds or as a date; None if it is invalid."""
    if re.fullmatch(r"[0-9]{1,9}", retry_after):
        return timedelta(seconds=int(retry_after))
    try:
        at = parsedate_to_datetime(retry_after)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)  # the asctime form has no zone: it is GMT
        return timedelta(seconds=max(0, at.timestamp() - now))
    except (ValueError, OverflowError):
        return None


def create(options: Mapping[str, str]) -> WebhookNotifier:
    """Create a notifier of the adapter `webhook`; raises `ValueError` for invalid options."""
    check_names(options, OPTIONS)
    return WebhookNotifier(_url(options["url"]), _key(options["secret"]), parse_timeout(options))


def _url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("https", "http") or not url.host:
        raise ValueError("url must be an address such as https://example.com/hooks/leads")
    return url


def _key(secret: str) -> bytes:
    try:
        key = b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(_PREFIX) or not _KEY_MIN_BYTES <= len(key) <= _KEY_MAX_BYTES:
        raise ValueError(f"secret must be {_PREFIX} and {_KEY_MIN_BYTES} to {_KEY_MAX_BYTES} random bytes in Base64")
    return key
