"""Hold the settings of a mailbox that decide how its messages are processed."""

from collections.abc import Collection
from dataclasses import dataclass

from leads_domain.contact import EmailAddress
from leads_domain.errors import ValidationFailed
from leads_domain.sources import Normalizer


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxPolicy:
    """The settings of a mailbox. The mapping from origins to policies has one for each mailbox.

    `source` and `owner` are values of new leads. `own_addresses` are those of the operator, as `own_address` returns
    them. With `stop_on_reply`, a reply cancels the scheduled follow-ups that rules have made.
    """

    source: str | None = None
    owner: str | None = None
    own_addresses: Collection[str] = frozenset()
    stop_on_reply: bool = True

    def is_own(self, address: EmailAddress) -> bool:
        """Return whether an address is one of the operator's, by itself or by its domain."""
        return address.key in self.own_addresses or f"@{_domain(address.key)}" in self.own_addresses


DEFAULT_MAILBOX_POLICY = MailboxPolicy()
"""The policy of a mailbox that is not configured any more."""


def own_address(text: str, normalizer: Normalizer) -> str:
    """Return the canonical form of an address, or of a domain such as `@example.com`; raises `ValidationFailed`."""
    if not text.startswith("@"):
        return normalizer.email(text).key
    try:
        return f"@{_domain(normalizer.email(f'anyone{text}').key)}"
    except ValidationFailed:
        raise ValidationFailed.because("Must be an e-mail address, or a domain such as @example.com.") from None


def _domain(key: str) -> str:
    return key.rpartition("@")[2]
