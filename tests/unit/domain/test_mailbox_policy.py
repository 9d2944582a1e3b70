"""Test which addresses count as the operator's own."""

import pytest

from leads_adapters.normalizer import InternationalNormalizer
from leads_domain.errors import ValidationFailed
from leads_domain.mailbox_policy import DEFAULT_MAILBOX_POLICY, MailboxPolicy, own_address

NORMALIZER = InternationalNormalizer()


@pytest.mark.parametrize(
    ("own", "address", "expected"),
    [
        ("sales@example.com", "Sales@EXAMPLE.com", True),
        ("Sales@example.com", "sales@example.com", True),
        ("sales@example.com", "sales+1@example.com", False),
        ("@Example.com", "anyone.at-all@example.COM", True),
        ("@example.com", "ada@mail.example.com", False),
        ("@example.com", "ada@notexample.com", False),
        ("@bücher.example.com", "ada@xn--bcher-kva.example.com", True),
    ],
)
def test_an_address_is_own_by_itself_or_by_its_domain(own: str, address: str, expected: bool) -> None:
    policy = MailboxPolicy(own_addresses={own_address(own, NORMALIZER)})
    assert policy.is_own(NORMALIZER.email(address)) is expected


def test_no_address_is_own_by_default() -> None:
    assert not DEFAULT_MAILBOX_POLICY.is_own(NORMALIZER.email("sales@example.com"))


@pytest.mark.parametrize("text", ["", "@", "sales", "@localhost", "@a@example.com", "a b@example.com", "@ex ample.com"])
def test_other_text_is_no_own_address(text: str) -> None:
    with pytest.raises(ValidationFailed):
        own_address(text, NORMALIZER)
