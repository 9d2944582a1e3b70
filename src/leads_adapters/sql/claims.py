"""Claim rows of a queue in SQL: rows with a next attempt, which a lease reserves for one dispatcher."""

from sqlalchemy import ColumnElement, Executable, Table, bindparam, case, or_, select, update


def is_scheduled(table: Table) -> ColumnElement[bool]:
    """Return the condition of rows with a next attempt, which a partial index holds."""
    return table.c.next_attempt_at.is_not(None)


def is_free(table: Table) -> ColumnElement[bool]:
    """Return the condition of rows without a lease at `now`."""
    return or_(table.c.lease_until.is_(None), table.c.lease_until <= bindparam("now"))


def claim(table: Table, *conditions: ColumnElement[bool]) -> Executable:
    """Return a statement that claims up to `limit` rows with these conditions that are due at `now`, and returns them.

    One statement makes this atomic on every database.
    """
    due = (
        select(table.c.id)
        .where(is_scheduled(table), is_free(table), *conditions, table.c.next_attempt_at <= bindparam("now"))
        .order_by(table.c.next_attempt_at)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True)
        # PostgreSQL may run a plain subquery several times, and would then claim more than the limit.
        .cte("due")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    now = bindparam("now", type_=table.c.updated_at.type)
    return (
        update(table)
        .where(table.c.id.in_(select(due.c.id)))
        .values(
            attempts=table.c.attempts + 1,
            claims=table.c.claims + 1,
            lease_owner=bindparam("owner"),
            lease_until=bindparam("until"),
            updated_at=case((table.c.updated_at < now, now), else_=table.c.updated_at),
        )
        .returning(*table.columns)
    )
