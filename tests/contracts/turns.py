"""The contract of the `Turns` port."""

import asyncio

import pytest

from contracts.stores import StoreContract
from databases import RunningDatabase
from leads_domain.ports import UnitOfWork

TAKERS = 50


def take(work: UnitOfWork, number: int = 1) -> int:
    """Take turns and return the first one."""
    return work.turns.take(number)


class TurnsContract(StoreContract):
    """See `StoreContract`."""

    def test_turns_follow_each_other(self, database: RunningDatabase) -> None:
        assert [database.write(take, number) for number in (1, 3, 1)] == [0, 1, 4]

    def test_a_unit_of_work_can_take_turns_more_than_once(self, database: RunningDatabase) -> None:
        assert database.write(lambda work: (take(work), take(work, 2), take(work))) == (0, 1, 3)

    def test_turns_can_be_given_back(self, database: RunningDatabase) -> None:
        def take_and_give_back(work: UnitOfWork) -> None:
            take(work, 3)
            work.turns.give_back(2)

        database.write(take_and_give_back)
        assert database.write(take) == 1

    def test_a_failed_unit_of_work_takes_no_turn(self, database: RunningDatabase) -> None:
        def take_and_fail(work: UnitOfWork) -> None:
            take(work)
            raise LookupError

        database.write(take)
        with pytest.raises(LookupError):
            database.write(take_and_fail)
        assert database.write(take) == 1

    def test_concurrent_units_of_work_take_different_turns(self, database: RunningDatabase) -> None:
        async def take_concurrently() -> list[int]:
            return await asyncio.gather(*(database.database.write(take) for _ in range(TAKERS)))

        assert sorted(database.run(take_concurrently())) == [*range(TAKERS)]
