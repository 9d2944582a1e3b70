"""Test the encryption of stored responses."""

import pytest
from cryptography.fernet import InvalidToken

from leads_adapters.http import sealing


def test_a_sealed_text_can_only_be_opened_with_the_same_secret() -> None:
    ann, bob = sealing.Seal("ann"), sealing.Seal("bob")
    assert sealing.Seal("ann").open(ann.seal(b"text")) == b"text"
    assert ann.seal(b"text") != ann.seal(b"text")
    assert ann.fingerprint(b"a", b"b") == sealing.Seal("ann").fingerprint(b"a", b"b")
    fingerprints = [ann.fingerprint(b"a", b"b"), bob.fingerprint(b"a", b"b"), ann.fingerprint(b"ab", b"")]
    assert len({*fingerprints, ann.fingerprint(b"a", b"", b"b")}) == 4
    with pytest.raises(InvalidToken):
        bob.open(ann.seal(b"text"))
