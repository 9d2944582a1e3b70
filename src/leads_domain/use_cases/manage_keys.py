"""Create, revoke and authenticate API keys."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from leads_domain.access import (
    ENTROPY_BYTES,
    ApiKey,
    Principal,
    Role,
    digest,
    is_well_formed,
    make_key_text,
)
from leads_domain.checking import check_fields, check_line, missing_fields
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, Entropy, IdSource

KEY_NAME_MAX = 100
OPERATOR = Principal("operator", "operator", Role.ADMIN)
"""The caller with the admin key that the operator configured."""


def check_new_key(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the validated fields of a new key; raises `ValidationFailed` with all errors."""
    return check_fields(values, _RULES, None, *missing_fields(values, *_RULES))


_RULES: Mapping[str, Callable[[Any, None], object]] = {
    "name": lambda name, _: check_line(name, max_length=KEY_NAME_MAX),
    "role": lambda role, _: Role(role),
}


@dataclass(frozen=True, slots=True)
class CreateKey:
    """Create a key. Its text is returned once, and not stored."""

    clock: Clock
    ids: IdSource
    entropy: Entropy

    def __call__(self, work: UnitOfWork, *, name: str, role: Role) -> tuple[ApiKey, str]:
        """Return the key and its text; raises `ValidationFailed`."""
        text = make_key_text(role, self.entropy.random_bytes(ENTROPY_BYTES))
        key = ApiKey(
            id=self.ids.new(),
            **check_new_key({"name": name, "role": role}),
            digest=digest(text),
            created_at=self.clock.now(),
        )
        work.api_keys.add(key)
        return key, text


@dataclass(frozen=True, slots=True)
class CreateFirstKey:
    """Create an admin key for a new installation, unless there is one."""

    create_key: CreateKey

    def __call__(self, work: UnitOfWork) -> str | None:
        """Return the text of the new key; None if there is an admin key already."""
        if any(key.role is Role.ADMIN and key.revoked_at is None for key in work.api_keys.all_for_update()):
            return None
        _, text = self.create_key(work, name="first admin key", role=Role.ADMIN)
        return text


@dataclass(frozen=True, slots=True)
class RevokeKey:
    """Revoke a key."""

    clock: Clock

    def __call__(self, work: UnitOfWork, id: str) -> None:
        """Revoke the key; raises `NotFound`. Revoking a revoked key has no effect."""
        key = work.api_keys.get(id)
        work.api_keys.revoke(id, max(self.clock.now(), key.last_used_at or key.created_at))


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Find the caller of a key. `operator_digest` is the digest of the admin key in the configuration, if any."""

    operator_digest: str | None = None

    def __call__(self, work: UnitOfWork, text: str) -> Principal | None:
        """Return the caller with this key; None if it is malformed, unknown or revoked."""
        key_digest = digest(text)
        if key_digest == self.operator_digest:
            return OPERATOR
        key = work.api_keys.find_by_digest(key_digest) if is_well_formed(text) else None
        if key is None or key.revoked_at is not None:
            return None
        return Principal(key.id, key.name, key.role)
