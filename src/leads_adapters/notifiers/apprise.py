"""Send follow-ups through any service that Apprise supports (https://appriseit.com), such as SMS gateways.

The address of the recipient becomes a part of a URL. Each Apprise service parses that URL differently: some decode it
twice, some accept several recipients, separated by commas, slashes or quotation marks. Therefore only addresses that no
service can misread are inserted, and the parsed result is checked before anything is sent.

Apprise returns only success or failure. It logs the reason together with addresses, messages and the gateway's
response. Only the gateway's code is taken from that log.
"""

import logging
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from leads_adapters.deadline import Deadline
from leads_adapters.notifiers.options import check_names, parse_timeout
from leads_adapters.notifiers.signature import sign, unsubscribe_line
from leads_domain.notifier import Address, FollowUpNotice, Receipt, Refused, TryAgain

if TYPE_CHECKING:
    from apprise import NotifyBase

OPTIONS = ("url", "timeout")

_PLAIN = {
    Address.EMAIL: re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*@[A-Za-z0-9.-]*[A-Za-z0-9]"),
    Address.PHONE: re.compile(r"\+[0-9]+"),
}
_NAMES = {Address.EMAIL: "e-mail address", Address.PHONE: "phone number"}
_EXAMPLES = {Address.EMAIL: "jane@example.com", Address.PHONE: "+12025550123", None: ""}


class AppriseNotifier:
    """Send each notice through a new service, created by `instantiate`, because services sleep between messages."""

    def __init__(
        self, url: str, needs: Address | None, seconds: float, instantiate: Callable[[str], "NotifyBase | None"]
    ) -> None:
        self.needs = needs
        self._url = url
        self._seconds = seconds
        self._instantiate = instantiate

    def notify(self, notice: FollowUpNotice) -> Receipt:
        """Send a notice. Apprise does not report permanent refusals, so all its failures are `TryAgain`."""
        address = self._address(notice)
        try:
            sent, codes = Deadline(self._seconds).run(lambda: self._send(address, notice))
        except TimeoutError:
            raise TryAgain("The gateway did not respond in time.") from None
        if sent:
            return Receipt()
        if codes:
            raise TryAgain(f"The gateway did not accept the message: it responded with {', '.join(codes)}.")
        raise TryAgain("The gateway could not be reached, or did not accept the message.")

    def open(self, address: str) -> "NotifyBase | None":
        """Return the Apprise service for this address; None if Apprise rejects the URL."""
        return self._instantiate(self._url.replace(f"{{{self.needs}}}", quote(address, safe="")))

    def _address(self, notice: FollowUpNotice) -> str:
        if self.needs is None:
            return ""
        address = notice.email if self.needs is Address.EMAIL else notice.phone
        if not address:
            raise Refused(f"The recipient has no {_NAMES[self.needs]}.")
        if not _PLAIN[self.needs].fullmatch(address):
            raise Refused(f"The {_NAMES[self.needs]} of the recipient has characters that gateways may misread.")
        return address

    def _send(self, address: str, notice: FollowUpNotice) -> tuple[bool, list[str]]:
        """Return whether the gateway accepted the message, and its error codes if not."""
        service = self.open(address)
        # Services ignore addresses that they find invalid, and some then send to their own sender.
        if service is None or not _contains(unquote(service.url()), address):
            kind = _NAMES[self.needs] if self.needs else "address"
            raise Refused(f"The gateway does not accept the {kind} of the recipient.")
        service.logger = log = _CodeCollector()
        service.socket_connect_timeout = service.socket_read_timeout = self._seconds
        # E-mail has a subject. Other services put a title into the message, some of them as its first line.
        is_mail = self.needs is Address.EMAIL
        title = notice.subject if is_mail and service.title_maxlen > 0 else ""
        body = sign(notice.message, unsubscribe_line(notice)) if is_mail else notice.message
        # Not through `Apprise`: it repeats failed messages, and reports them as sent with ?optional=yes.
        return service.notify(body=body, title=title, body_format="text"), log.codes


def _contains(url: str, address: str) -> bool:
    """Return whether `url` contains the address (a phone number without its plus) as a whole word."""
    return re.search(rf"(?<![\w.-]){re.escape(address.removeprefix('+'))}(?![\w.-])", url) is not None


class _CodeCollector(logging.Logger):
    """Collect only the HTTP or gateway codes from log records, such as `error=503`."""

    def __init__(self) -> None:
        super().__init__("apprise", logging.WARNING)
        self.codes: list[str] = []

    def handle(self, record: logging.LogRecord) -> None:
        """Collect the codes of a record."""
        self.codes += re.findall(r"\berror=([0-9]{3,6})\b", record.getMessage())


def create(options: Mapping[str, str]) -> AppriseNotifier:
    """Create a notifier of the adapter `apprise`; raises `ValueError` for invalid options.

    This also disables the log of Apprise, which contains secrets, addresses and messages.
    """
    check_names(options, OPTIONS)
    url = options["url"]
    needs, seconds = _needs(url), parse_timeout(options)
    try:
        # Imported here: it is an extra, and slow to import.
        from apprise import Apprise, AppriseAsset  # noqa: PLC0415
    except ImportError:
        raise ValueError("Apprise is not installed; run pip install '.[apprise]' in a clone of leads") from None
    for name in ("apprise", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    # No files, no generated keys, no redirects.
    asset = AppriseAsset(
        app_id="leads", storage_mode="memory", pgp_autogen=False, pem_autogen=False, http_redirects=False
    )
    notifier = AppriseNotifier(url, needs, seconds, lambda url: Apprise.instantiate(url, asset=asset))
    if notifier.open(_EXAMPLES[needs]) is None:
        raise ValueError("Apprise does not support the url, or needs a library that is not installed")
    return notifier


def _needs(url: str) -> Address | None:
    """Return the kind of address whose placeholder is in `url`."""
    found = {address for address in Address if f"{{{address}}}" in url}
    rest = url.replace("{email}", "").replace("{phone}", "")
    if len(found) > 1 or "{" in rest or "}" in rest:
        raise ValueError("url must contain at most one of {email} and {phone}; write other braces as %7B and %7D")
    return next(iter(found), None)
