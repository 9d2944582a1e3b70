"""A channel for all that Apprise knows (https://appriseit.com): gateways for text messages, chat rooms and more.

The recipient's address becomes a part of a URL, which every service of Apprise takes apart in its own way, some
decoding it twice, some with commas, slashes or quotation marks between recipients. So only addresses that no such way
can read as anything else are filled in, and what was made of them is looked at before anything is sent.

Apprise answers yes or no, and writes the reason into its log, along with addresses, messages and what the gateway
said. Of that, only the gateway's code is reported.
"""

import logging
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from leads_adapters.notifiers.deadline import Deadline
from leads_adapters.notifiers.options import check_names, timeout
from leads_domain.notifier import Address, FollowUpNotice, Receipt, Refused, TryAgain

if TYPE_CHECKING:
    from apprise import NotifyBase

OPTIONS = ("url", "timeout")

_PLAIN = {
    Address.EMAIL: re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*@[A-Za-z0-9.-]*[A-Za-z0-9]"),
    Address.PHONE: re.compile(r"\+[0-9]+"),
}
_EXAMPLES = {Address.EMAIL: "jane@example.com", Address.PHONE: "+12025550123", None: ""}


class AppriseNotifier:
    """Has `instantiate` make a service of `url` for every notice, since services sleep between two messages."""

    def __init__(
        self, url: str, needs: Address | None, seconds: float, instantiate: Callable[[str], "NotifyBase | None"]
    ) -> None:
        self.needs = needs
        self._url = url
        self._seconds = seconds
        self._instantiate = instantiate

    def notify(self, notice: FollowUpNotice) -> Receipt:
        """As the port says. Nothing that Apprise answers tells a refusal for good, so all of them are `TryAgain`."""
        address = self._address(notice)
        try:
            sent, codes = Deadline(self._seconds).run(lambda: self._send(address, notice.message))
        except TimeoutError:
            raise TryAgain("The gateway did not answer in time.") from None
        if sent:
            return Receipt()
        if codes:
            raise TryAgain(f"The gateway did not take the message; it answered {', '.join(codes)}.")
        raise TryAgain("The gateway could not be reached, or did not take the message.")

    def open(self, address: str) -> "NotifyBase | None":
        """What Apprise makes of the URL for this address."""
        return self._instantiate(self._url.replace(f"{{{self.needs}}}", quote(address, safe="")))

    def _address(self, notice: FollowUpNotice) -> str:
        if self.needs is None:
            return ""
        address = notice.email if self.needs is Address.EMAIL else notice.phone
        if not address:
            raise Refused(f"The recipient has no {self.needs}.")
        if not _PLAIN[self.needs].fullmatch(address):
            raise Refused(f"The recipient's {self.needs} has characters that gateways may misread.")
        return address

    def _send(self, address: str, message: str) -> tuple[bool, list[str]]:
        """Whether the message was taken, and the codes that the gateway answered if not."""
        service = self.open(address)
        # Services leave out what they take for no address, and then some send to their own sender.
        if service is None or not _stands(address, unquote(service.url())):
            raise Refused(f"The gateway does not accept the recipient's {self.needs}.")
        service.logger = codes = _Codes()
        service.socket_connect_timeout = service.socket_read_timeout = self._seconds
        # Not through `Apprise`, which repeats failed messages, and takes them for sent with ?optional=yes.
        return service.notify(body=message, body_format="text"), codes.told


def _stands(address: str, url: str) -> bool:
    """Whether an address, or a number without its plus, stands in `url`, and not as a part of something longer."""
    return re.search(rf"(?<![\w.-]){re.escape(address.removeprefix('+'))}(?![\w.-])", url) is not None


class _Codes(logging.Logger):
    """Keeps the codes of HTTP or of the gateway's own, as in `error=503`, and nothing else of what is logged."""

    def __init__(self) -> None:
        super().__init__("apprise", logging.WARNING)
        self.told: list[str] = []

    def handle(self, record: logging.LogRecord) -> None:
        """Look for codes."""
        self.told += re.findall(r"\berror=([0-9]{3,6})\b", record.getMessage())


def create(options: Mapping[str, str]) -> AppriseNotifier:
    """The factory of the adapter `apprise`; raises `ValueError` for options that it does not understand.

    From then on, nothing that Apprise says is logged: it would tell the URL's secrets, addresses and messages.
    """
    check_names(options, OPTIONS)
    url = options["url"]
    needs, seconds = _needs(url), timeout(options)
    try:
        # Only here: it is an extra, and takes half a second.
        from apprise import Apprise, AppriseAsset  # noqa: PLC0415
    except ImportError:
        raise ValueError("its adapter needs a package; run pip install '.[apprise]' in a clone of leads") from None
    for name in ("apprise", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    # Nothing is kept in files, no keys are made, and no redirect takes the message elsewhere.
    asset = AppriseAsset(
        app_id="leads", storage_mode="memory", pgp_autogen=False, pem_autogen=False, http_redirects=False
    )
    notifier = AppriseNotifier(url, needs, seconds, lambda url: Apprise.instantiate(url, asset=asset))
    if notifier.open(_EXAMPLES[needs]) is None:
        raise ValueError("Apprise does not understand the url, or needs a library that is not installed")
    return notifier


def _needs(url: str) -> Address | None:
    """The kind of address that stands in `url` as a placeholder."""
    found = {address for address in Address if f"{{{address}}}" in url}
    rest = url.replace("{email}", "").replace("{phone}", "")
    if len(found) > 1 or "{" in rest or "}" in rest:
        raise ValueError("url takes either {email} or {phone}, and other braces as %7B and %7D")
    return next(iter(found), None)
