"""From which address a request comes: from the far end of the proxies that the operator trusts."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from litestar.types import HTTPScope

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_SITE_BITS = 64
"""What one customer of a provider has of IPv6, at the least: any number of addresses."""

_CACHED = 4096


class ClientAddresses:
    """Tells callers apart by their addresses, those of IPv6 by their networks of 64 bits.

    Of `X-Forwarded-For` the last address counts that is not a trusted proxy: everything before it the client may have
    made up. Whoever calls without a trusted proxy may have made up all of it.
    """

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = trusted
        self._is_trusted = lru_cache(_CACHED)(self._check_trusted)

    def of(self, scope: HTTPScope) -> str:
        """From where a request comes; the empty text if the server does not know."""
        client = scope.get("client")
        address = _peer(client[0]) if client else None
        if address is None:
            return ""
        if self._trusted and self._is_trusted(address):
            address = self._before(address, scope)
        return _caller(address)

    def _before(self, proxy: Address, scope: HTTPScope) -> Address:
        """The address that a trusted proxy was called from; that of the last one known, if it tells none."""
        for text in _forwarded(scope):
            told = _address(text)
            if told is None:
                break
            proxy = told
            if not self._is_trusted(told):
                break
        return proxy

    def _check_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _forwarded(scope: HTTPScope) -> Iterator[str]:
    """The addresses in `X-Forwarded-For`, the last one first."""
    for name, value in reversed(list(scope["headers"])):
        if name == b"x-forwarded-for":
            left = value.decode("latin-1")
            while left:
                left, _, told = left.rpartition(",")
                yield told


@lru_cache(_CACHED)
def _caller(address: Address) -> str:
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), _SITE_BITS), strict=False))
    return str(address)


def _address(text: str) -> Address | None:
    """The address in such a text as `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1` or `[2001:db8::1]:443`."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


_peer = lru_cache(_CACHED)(_address)
