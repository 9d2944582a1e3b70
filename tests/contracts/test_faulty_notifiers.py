"""Test that the contract suite finds every faulty notifier and passes every correct one."""

import pytest

from contracts.faulty_notifiers import FAULTY_NOTIFIERS, CorrectNotifier, NotifierContract, SerialNotifier
from leads_domain.notifier import Address
from leads_domain.testing import FollowUpNotifierContract

TESTS = [name for name in vars(FollowUpNotifierContract) if name.startswith("test_")]


@pytest.mark.parametrize(
    ("notifier", "test"), FAULTY_NOTIFIERS.items(), ids=lambda value: getattr(value, "__name__", value)
)
def test_a_faulty_notifier_fails_its_test(notifier: type[CorrectNotifier], test: str) -> None:
    with pytest.raises(AssertionError):
        getattr(NotifierContract(notifier), test)()


def test_every_test_of_the_contract_fails_for_a_faulty_notifier() -> None:
    assert set(FAULTY_NOTIFIERS.values()) == set(TESTS)


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize(
    "contract",
    [
        NotifierContract(CorrectNotifier, Address.EMAIL),
        NotifierContract(CorrectNotifier, Address.PHONE),
        NotifierContract(CorrectNotifier, None),
        NotifierContract(SerialNotifier),
    ],
    ids=["e-mail address", "phone number", "no address", "serial"],
)
def test_a_correct_notifier_passes(contract: NotifierContract, test: str) -> None:
    getattr(contract, test)()


def test_an_unknown_test_cannot_be_excluded() -> None:
    with pytest.raises(AssertionError, match="test_flies"):

        class _Contract(FollowUpNotifierContract, without=["test_flies"]):
            pass
