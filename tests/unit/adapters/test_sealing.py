"""Stored responses are sealed with a secret."""

import pytest
from cryptography.fernet import InvalidToken

from leads_adapters.http import sealing


def test_each_secret_seals_in_its_own_way() -> None:
    ann, bob = sealing.Seal("ann"), sealing.Seal("bob")
    assert sealing.Seal("ann").open(ann.seal(b"text")) == b"text"
    assert ann.seal(b"text") != ann.seal(b"text")
    assert ann.fingerprint(b"a", b"b") == sealing.Seal("ann").fingerprint(b"a", b"b")
    prints = [ann.fingerprint(b"a", b"b"), bob.fingerprint(b"a", b"b"), ann.fingerprint(b"ab", b"")]
    assert len({*prints, ann.fingerprint(b"a", b"", b"b")}) == 4
    with pytest.raises(InvalidToken):
        bob.open(ann.seal(b"text"))
