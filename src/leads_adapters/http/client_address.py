"""Find the address of a client behind trusted proxies."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from litestar.types import HTTPScope

from leads_adapters.http.headers import header

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_IPV6_PREFIX_BITS = 64
"""The prefix of the IPv6 network of one customer: providers assign at least a /64."""

FORWARDED_MAX = 32
"""The number of addresses in `X-Forwarded-For` to look at, from the last: each costs time, and clients can send any."""

_CACHE_SIZE = 4096


class ClientAddresses:
    """Identify clients by their IPv4 address, or their IPv6 network of 64 bits.

    The address of the client is the last one in `X-Forwarded-For` that is not a trusted proxy. A client can forge
    the addresses before it, and the whole header if it does not connect through a trusted proxy.
    """

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = trusted
        self._is_trusted = lru_cache(_CACHE_SIZE)(self._check_trusted)

    def of(self, scope: HTTPScope) -> str:
        """Return the address or network of the client, the empty text if the server does not know it."""
        address = self._find(scope)
        return _client_text(address) if address else ""

    def full(self, scope: HTTPScope) -> str | None:
        """Return the whole address of the client, also of IPv6; None if the server does not know it."""
        address = self._find(scope)
        return str(address) if address else None

    def _find(self, scope: HTTPScope) -> Address | None:
        client = scope.get("client")
        address = _peer(client[0]) if client else None
        if address and self._trusted and self._is_trusted(address):
            return self._client_of(address, scope)
        return address

    def _client_of(self, proxy: Address, scope: HTTPScope) -> Address:
        """Return the client of a trusted proxy, or the first known proxy if the header names no client."""
        client = proxy
        forwarded = header(scope, b"x-forwarded-for") or ""
        for text in reversed(forwarded.rsplit(",", FORWARDED_MAX)[-FORWARDED_MAX:]):
            address = _address(text)
            if address is None:
                break
            client = address
            if not self._is_trusted(address):
                break
        return client

    def _check_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


@lru_cache(_CACHE_SIZE)
def _client_text(address: Address) -> str:
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), _IPV6_PREFIX_BITS), strict=False))
    return str(address)


def _address(text: str) -> Address | None:
    """Return the address in a text such as `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1` or `[2001:db8::1]:443`."""
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


_peer = lru_cache(_CACHE_SIZE)(_address)
