"""The suite for authors of notifiers finds every planted fault, and none in notifiers that keep the contract."""

import pytest

from contracts.faulty_notifiers import FAULTS, Courier, CourierContract, OrderlyCourier
from leads_domain.notifier import Address
from leads_domain.testing import FollowUpNotifierContract

TESTS = [name for name in vars(FollowUpNotifierContract) if name.startswith("test_")]


@pytest.mark.parametrize(("fault", "test"), FAULTS.items(), ids=lambda value: getattr(value, "__name__", value))
def test_a_fault_is_found_out_by_name(fault: type[Courier], test: str) -> None:
    with pytest.raises(AssertionError):
        getattr(CourierContract(fault), test)()


def test_every_test_of_the_contract_finds_a_fault() -> None:
    assert set(FAULTS.values()) == set(TESTS)


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize(
    "contract",
    [
        CourierContract(Courier, Address.EMAIL),
        CourierContract(Courier, Address.PHONE),
        CourierContract(Courier, None),
        CourierContract(OrderlyCourier),
    ],
    ids=["by e-mail", "by telephone", "without an address", "in order"],
)
def test_a_notifier_that_keeps_the_contract_passes(contract: CourierContract, test: str) -> None:
    getattr(contract, test)()


def test_a_test_that_there_is_not_cannot_be_left_out() -> None:
    with pytest.raises(AssertionError, match="test_flies"):

        class _Contract(FollowUpNotifierContract, without=["test_flies"]):
            pass
