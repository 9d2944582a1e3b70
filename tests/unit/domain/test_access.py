"""Keys, their roles, and what each role permits."""

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
    """Keys as the service makes them."""
    return st.builds(make_key_text, st.sampled_from(Role), st.binary(min_size=ENTROPY_BYTES, max_size=ENTROPY_BYTES))


@pytest.mark.parametrize("role", Role)
def test_a_role_permits_what_the_table_says(role: Role) -> None:
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
def test_the_least_trusted_role_with_a_permission_is_known(permission: Permission, role: Role) -> None:
    assert Role.least_privileged(permission) is role


@pytest.mark.parametrize("permission", Permission)
def test_every_permission_belongs_to_some_role(permission: Permission) -> None:
    assert permission in Role.least_privileged(permission).permissions


def test_a_key_shows_its_role_256_bits_and_a_checksum() -> None:
    text = make_key_text(Role.AGENT, bytes(range(32)))
    body = "agent_000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    assert text == f"{body}{zlib.crc32(body.encode()):08x}"


@given(keys())
def test_a_key_can_be_copied_anywhere(text: str) -> None:
    assert re.fullmatch("(capture|read|agent|admin)_[0-9a-f]{64}[0-9a-f]{8}", text)


@given(keys())
def test_a_key_that_the_service_made_is_well_formed(text: str) -> None:
    assert is_well_formed(text)


@given(keys(), st.data())
def test_any_single_wrong_character_is_noticed(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(min_value=0, max_value=len(text) - 1))
    character = data.draw(st.characters() | st.sampled_from(ASCII))
    typed = text[:place] + character + text[place + 1 :]
    assert is_well_formed(typed) == (typed == text)


@given(keys(), st.data())
def test_two_neighbours_that_changed_places_are_noticed(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(min_value=0, max_value=len(text) - 2))
    typed = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    assert is_well_formed(typed) == (typed == text)


@pytest.mark.parametrize("length", range(9))
def test_the_beginning_of_a_key_is_not_a_key(length: int) -> None:
    assert not is_well_formed(make_key_text(Role.ADMIN, bytes(ENTROPY_BYTES))[:length])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="nothing"),
        pytest.param("owner_" + "00" * 32, id="unknown role"),
        pytest.param("admin_" + "00" * 31, id="too few bits"),
        pytest.param("admin_" + "00" * 33, id="too many bits"),
        pytest.param("admin_" + "0A" * 32, id="capital letters"),
        pytest.param("admin-" + "00" * 32, id="another separator"),
    ],
)
def test_a_right_checksum_alone_makes_no_key(body: str) -> None:
    assert not is_well_formed(f"{body}{zlib.crc32(body.encode()):08x}")


@given(keys())
def test_what_is_kept_of_a_key_is_its_sha_256(text: str) -> None:
    assert digest(text) == hashlib.sha256(text.encode("ascii")).hexdigest()


def test_two_keys_differ() -> None:
    entropy = FixedEntropy()
    one, other = (make_key_text(Role.READ, entropy.random_bytes(ENTROPY_BYTES)) for _ in range(2))
    assert one != other
