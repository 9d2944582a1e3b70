"""Count the turns of the assignment in one row."""

from typing import Any

from sqlalchemy import Executable, bindparam, literal_column
from sqlalchemy.dialects import postgresql, sqlite

from leads_adapters.sql.statements import StatementRunner
from leads_adapters.sql.tables import turns


def _take(insert: Any) -> Executable:
    """Return a statement that adds a number to the taken turns and returns the result. It locks the row."""
    number = bindparam("number", type_=turns.c.taken.type)
    return (  # type: ignore[no-any-return]
        insert(turns)
        .values(id=literal_column("1"), taken=number)
        .on_conflict_do_update(index_elements=["id"], set_={"taken": turns.c.taken + number})
        .returning(turns.c.taken)
    )


_TAKE = {"sqlite": _take(sqlite.insert), "postgresql": _take(postgresql.insert)}


class SqlTurns:
    """Stores the number of taken turns in the table `turns`."""

    def __init__(self, runner: StatementRunner) -> None:
        self._runner = runner

    def take(self, number: int) -> int:
        """See `Turns.take`."""
        ((taken,),) = self._runner.all(_TAKE[self._runner.dialect], number=number)
        return int(taken) - number

    def give_back(self, number: int) -> None:
        """See `Turns.give_back`."""
        self.take(-number)
