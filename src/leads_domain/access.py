"""API keys, their roles, and the permissions of each role."""

import hashlib
import re
import zlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Permission(StrEnum):
    """A permission that an operation requires."""

    CAPTURE = "capture"
    READ = "read"
    CHANGE = "change"
    ADMINISTER = "administer"


class Role(StrEnum):
    """The role of an API key, from the least privileged to the most."""

    CAPTURE = "capture"
    READ = "read"
    AGENT = "agent"
    ADMIN = "admin"

    @property
    def permissions(self) -> frozenset[Permission]:
        """Return the permissions of this role. A capture key, for public forms, cannot read."""
        return _PERMISSIONS[self]

    @classmethod
    def least_privileged(cls, permission: Permission) -> "Role":
        """Return the least privileged role that has `permission`."""
        return next(role for role in cls if permission in role.permissions)


_PERMISSIONS = {
    Role.CAPTURE: frozenset({Permission.CAPTURE}),
    Role.READ: frozenset({Permission.READ}),
    Role.AGENT: frozenset({Permission.CAPTURE, Permission.READ, Permission.CHANGE}),
    Role.ADMIN: frozenset(Permission),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated caller: the id, name and role of its API key."""

    id: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key. Its text is not stored, only the SHA-256 of the text (`digest`, hexadecimal)."""

    id: str
    name: str
    role: Role
    digest: str
    created_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


ENTROPY_BYTES = 32
_CHECKSUM_LENGTH = 8
_BODY = re.compile(f"({'|'.join(Role)})_[0-9a-f]{{{2 * ENTROPY_BYTES}}}")


def make_key_text(role: Role, entropy: bytes) -> str:
    """Return the text of a key: role, 256 random bits, and a checksum that detects typing errors without a query."""
    body = f"{role}_{entropy.hex()}"
    return body + _checksum(body)


def is_well_formed(key: str) -> bool:
    """Return whether `key` has the format and the checksum of `make_key_text`."""
    body, checksum = key[:-_CHECKSUM_LENGTH], key[-_CHECKSUM_LENGTH:]
    return _BODY.fullmatch(body) is not None and _checksum(body) == checksum


def digest(key: str) -> str:
    """Return the SHA-256 of a key. A key has 256 random bits, so it needs no salt and no slow hash."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
