"""Who may do what: API keys, their roles, and what each role permits."""

import hashlib
import re
import zlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Permission(StrEnum):
    """What an operation asks of the caller."""

    CAPTURE = "capture"
    READ = "read"
    CHANGE = "change"
    ADMINISTER = "administer"


class Role(StrEnum):
    """What a key was made for, from the least trusted to the most."""

    CAPTURE = "capture"
    READ = "read"
    AGENT = "agent"
    ADMIN = "admin"

    @property
    def permissions(self) -> frozenset[Permission]:
        """Return what this role may do. A capture key, as in a public form, reads nothing; a read key only reads."""
        return _PERMISSIONS[self]

    @classmethod
    def least_privileged(cls, permission: Permission) -> "Role":
        """Return the least trusted role that has `permission`."""
        return next(role for role in cls if permission in role.permissions)


_PERMISSIONS = {
    Role.CAPTURE: frozenset({Permission.CAPTURE}),
    Role.READ: frozenset({Permission.READ}),
    Role.AGENT: frozenset({Permission.CAPTURE, Permission.READ, Permission.CHANGE}),
    Role.ADMIN: frozenset(Permission),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling: the id of a key, its name and its role."""

    id: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key without its text: only the text's SHA-256 (`digest`, hexadecimal) is stored."""

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
    """Return the text of a key: role, 256 random bits, and a checksum that reveals typing errors without a look-up."""
    body = f"{role}_{entropy.hex()}"
    return body + _checksum(body)


def is_well_formed(key: str) -> bool:
    """Return whether `key` can be one that `make_key_text` made."""
    body, checksum = key[:-_CHECKSUM_LENGTH], key[-_CHECKSUM_LENGTH:]
    return _BODY.fullmatch(body) is not None and _checksum(body) == checksum


def digest(key: str) -> str:
    """Return the SHA-256 of a key. Its 256 random bits make salt and stretching needless."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
