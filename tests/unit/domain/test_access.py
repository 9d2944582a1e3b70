"""Test API keys, their roles and the permissions of each role."""

import hashlib
import re
import string
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import FixedEntropy
from leads_domain.access import ENTROPY_BYTES, Permission, Role, digest, is_well_formed, make_key_text

ASCII = string.printable


def keys() -> st.SearchStrategy[str]:
    """Generate keys in the format of the service."""
    return st.builds(make_key_text, st.sampled_from(Role), st.binary(min_size=ENTROPY_BYTES, max_size=ENTROPY_BYTES))


@pytest.mark.parametrize("role", Role)
def test_a_role_has_the_permissions_in_the_table(role: Role) -> None:
    table = {
        "capture": {"capture"},
        "read": {"read"},
        "agent": {"capture", "read", "change"},
        "admin": {"capture", "read", "change", "administer"},
    }
    assert role.permissions == table[role]


@pytest.mark.parametrize(
    ("permission", "role"),
    [
        (Permission.CAPTURE, Role.CAPTURE),
        (Permission.READ, Role.READ),
        (Permission.CHANGE, Role.AGENT),
        (Permission.ADMINISTER, Role.ADMIN),
    ],
)
def test_least_privileged_returns_the_role_with_the_fewest_permissions(permission: Permission, role: Role) -> None:
    assert Role.least_privileged(permission) is role


@pytest.mark.parametrize("permission", Permission)
def test_every_permission_belongs_to_a_role(permission: Permission) -> None:
    assert permission in Role.least_privileged(permission).permissions


def test_a_key_consists_of_its_role_256_bits_and_a_checksum() -> None:
    text = make_key_text(Role.AGENT, bytes(range(32)))
    body = "agent_000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    assert text == f"{body}{zlib.crc32(body.encode()):08x}"


@given(keys())
def test_a_key_contains_only_lower_case_letters_digits_and_one_underscore(text: str) -> None:
    assert re.fullmatch("(capture|read|agent|admin)_[0-9a-f]{64}[0-9a-f]{8}", text)


@given(keys())
def test_a_key_that_the_service_made_is_well_formed(text: str) -> None:
    assert is_well_formed(text)


@given(keys(), st.data())
def test_any_single_wrong_character_is_detected(text: str, data: st.DataObject) -> None:
    index = data.draw(st.integers(min_value=0, max_value=len(text) - 1))
    character = data.draw(st.characters() | st.sampled_from(ASCII))
    typed = text[:index] + character + text[index + 1 :]
    assert is_well_formed(typed) == (typed == text)


@given(keys(), st.data())
def test_two_swapped_neighbours_are_detected(text: str, data: st.DataObject) -> None:
    index = data.draw(st.integers(min_value=0, max_value=len(text) - 2))
    typed = text[:index] + text[index + 1] + text[index] + text[index + 2 :]
    assert is_well_formed(typed) == (typed == text)


@pytest.mark.parametrize("length", range(9))
def test_the_beginning_of_a_key_is_not_a_key(length: int) -> None:
    assert not is_well_formed(make_key_text(Role.ADMIN, bytes(ENTROPY_BYTES))[:length])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="empty"),
        pytest.param("owner_" + "00" * 32, id="unknown role"),
        pytest.param("admin_" + "00" * 31, id="too few bits"),
        pytest.param("admin_" + "00" * 33, id="too many bits"),
        pytest.param("admin_" + "0A" * 32, id="capital letters"),
        pytest.param("admin-" + "00" * 32, id="another separator"),
    ],
)
def test_a_valid_checksum_does_not_make_a_key_well_formed(body: str) -> None:
    assert not is_well_formed(f"{body}{zlib.crc32(body.encode()):08x}")


@given(keys())
def test_the_digest_of_a_key_is_its_sha_256(text: str) -> None:
    assert digest(text) == hashlib.sha256(text.encode("ascii")).hexdigest()


def test_two_keys_differ() -> None:
    entropy = FixedEntropy()
    one, other = (make_key_text(Role.READ, entropy.random_bytes(ENTROPY_BYTES)) for _ in range(2))
    assert one != other
