"""Test how API keys are created, listed, revoked and authenticated."""

from dataclasses import replace
from datetime import timedelta

import pytest

from application import Application
from builders import NOON, an_id
from leads_domain.access import ApiKey, Principal, Role, digest, is_well_formed, make_key_text
from leads_domain.errors import NotFound, ValidationFailed
from leads_domain.use_cases.manage_keys import OPERATOR, Authenticate, check_new_key

HOUR = timedelta(hours=1)


def test_only_the_digest_of_a_key_is_stored(app: Application) -> None:
    key, text = app.database.write(app.create_key, name=" Web form ", role=Role.CAPTURE)

    assert is_well_formed(text)
    assert key == ApiKey(id=key.id, name="Web form", role=Role.CAPTURE, digest=digest(text), created_at=NOON)
    assert list(app.database.read(lambda work: work.api_keys.all())) == [key]


def test_no_two_keys_are_equal(app: Application) -> None:
    one, first = app.database.write(app.create_key, name="Twin", role=Role.READ)
    other, second = app.database.write(app.create_key, name="Twin", role=Role.READ)

    assert first != second
    assert one.id != other.id


@pytest.mark.parametrize("name", ["", "  ", "n" * 101, "a\0b", "\ud800", "a\x1b]52;c;x\x07", "a\nb", "a\u202eb"])
def test_a_key_needs_a_name(app: Application, name: str) -> None:
    with pytest.raises(ValidationFailed):
        app.database.write(app.create_key, name=name, role=Role.READ)
    assert list(app.database.read(lambda work: work.api_keys.all())) == []


@pytest.mark.parametrize("role", Role)
def test_a_valid_key_is_authenticated(app: Application, role: Role) -> None:
    key, text = app.database.write(app.create_key, name="Ann", role=role)

    assert app.database.read(app.authenticate, text) == Principal(key.id, "Ann", role)


def test_an_invalid_key_is_not_authenticated(app: Application) -> None:
    key, text = app.database.write(app.create_key, name="Ann", role=Role.ADMIN)
    unknown_key = make_key_text(Role.ADMIN, b"\xff" * 32)
    one_character_off = text[:-1] + ("0" if text[-1] != "0" else "1")

    for text_sent in (unknown_key, one_character_off, text.upper(), f"{text} ", text[1:], key.digest, key.id, "Ann"):
        assert app.database.read(app.authenticate, text_sent) is None


@pytest.mark.parametrize("text", ["", " ", "\0", "x", "admin_", "clé", "\udcff", chr(0xD800), "a" * 100_000])
def test_a_text_that_cannot_be_a_key_is_not_authenticated(app: Application, text: str) -> None:
    assert app.database.read(app.authenticate, text) is None
    assert app.database.read(Authenticate(digest("the operator's")), text) is None


def test_a_revoked_key_is_invalid_at_once_and_others_stay_valid(app: Application) -> None:
    key, text = app.database.write(app.create_key, name="Ann", role=Role.ADMIN)
    _, other = app.database.write(app.create_key, name="Bob", role=Role.READ)
    now = app.clock.advance(HOUR)
    app.database.write(app.revoke_key, key.id)

    assert app.database.read(app.authenticate, text) is None
    assert app.database.read(app.authenticate, other) is not None
    assert app.database.read(lambda work: work.api_keys.all())[0] == replace(key, revoked_at=now)


def test_revoking_a_key_again_has_no_effect(app: Application) -> None:
    key, _ = app.database.write(app.create_key, name="Ann", role=Role.ADMIN)
    app.database.write(app.revoke_key, key.id)
    app.clock.advance(HOUR)
    app.database.write(app.revoke_key, key.id)

    assert list(app.database.read(lambda work: work.api_keys.all())) == [replace(key, revoked_at=NOON)]


def test_an_unknown_key_cannot_be_revoked(app: Application) -> None:
    with pytest.raises(NotFound) as missing:
        app.database.write(app.revoke_key, an_id(9))
    assert (missing.value.kind, missing.value.id) == ("API key", an_id(9))


def test_the_configured_key_is_an_admin_key_in_any_format(app: Application) -> None:
    authenticate = Authenticate(digest("geheim ключ 🔑"))

    assert app.database.read(authenticate, "geheim ключ 🔑") == OPERATOR
    assert OPERATOR.role is Role.ADMIN
    assert app.database.read(authenticate, "geheim") is None


def test_without_a_configured_key_no_key_belongs_to_the_operator(app: Application) -> None:
    assert app.database.read(Authenticate(None), "") is None
    assert (OPERATOR.id, OPERATOR.name) == ("operator", "operator")
    assert app.database.read(Authenticate(digest("chosen")), digest("chosen")) is None


def test_a_new_installation_gets_one_admin_key(app: Application) -> None:
    text = app.database.write(app.create_first_key)

    assert text is not None
    principal = app.database.read(app.authenticate, text)
    assert principal is not None
    assert (principal.name, principal.role) == ("first admin key", Role.ADMIN)
    assert app.database.write(app.create_first_key) is None
    assert len(app.database.read(lambda work: work.api_keys.all())) == 1


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_a_key_with_another_role_does_not_replace_the_first_admin_key(app: Application, role: Role) -> None:
    app.database.write(app.create_key, name="Ann", role=role)

    assert app.database.write(app.create_first_key) is not None


def test_after_the_last_admin_key_is_revoked_there_is_a_new_one(app: Application) -> None:
    app.database.write(app.create_first_key)
    (key,) = app.database.read(lambda work: work.api_keys.all())
    app.database.write(app.revoke_key, key.id)

    assert app.database.write(app.create_first_key) is not None
    assert app.database.write(app.create_first_key) is None


def test_a_new_key_needs_a_name_and_a_role() -> None:
    with pytest.raises(ValidationFailed) as refused:
        check_new_key({})
    assert [error.pointer for error in refused.value.errors] == ["/name", "/role"]
    assert check_new_key({"name": " Ann ", "role": "read"}) == {"name": "Ann", "role": Role.READ}
    assert check_new_key({"name": "n" * 100, "role": "read"})["name"] == "n" * 100


def test_a_text_with_a_wrong_checksum_is_no_key_even_if_its_digest_is_stored(app: Application) -> None:
    text = make_key_text(Role.READ, b"\0" * 32)[:-1]
    key = ApiKey(id=an_id(1), name="Old", role=Role.READ, digest=digest(text), created_at=NOON)
    app.database.write(lambda work: work.api_keys.add(key))
    assert app.database.read(app.authenticate, text) is None
