"""Rename `replies` to `idempotency_records`, and the feed's `place` to `position`. No table is rebuilt."""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

revision = "0101"
down_revision = "0100"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_timeline_place": "ix_timeline_position",
    "ix_timeline_unplaced": "ix_timeline_unpublished",
    "ix_replies_lead_id": "ix_idempotency_records_lead_id",
    "ix_replies_created_at": "ix_idempotency_records_created_at",
}


def upgrade() -> None:
    """Rename the tables and columns, then their indexes."""
    op.execute("ALTER TABLE replies RENAME TO idempotency_records")
    op.execute("ALTER TABLE timeline RENAME COLUMN place TO position")
    op.execute("ALTER TABLE feed RENAME COLUMN last_place TO last_position")
    _rename_indexes(_INDEXES, table="idempotency_records", column="position")


def downgrade() -> None:
    """Restore the old names."""
    op.execute("ALTER TABLE feed RENAME COLUMN last_position TO last_place")
    op.execute("ALTER TABLE timeline RENAME COLUMN position TO place")
    op.execute("ALTER TABLE idempotency_records RENAME TO replies")
    _rename_indexes({new: old for old, new in _INDEXES.items()}, table="replies", column="place")


def _rename_indexes(names: Mapping[str, str], *, table: str, column: str) -> None:
    """Rename the indexes. SQLite cannot: create them again, on the new names of the table and the column."""
    if op.get_context().dialect.name == "postgresql":
        for old, new in names.items():
            op.execute(f"ALTER INDEX {old} RENAME TO {new}")
        return
    for old in names:
        op.drop_index(old)
    position, unpublished, lead, created = names.values()
    op.create_index(position, "timeline", [column], unique=True, sqlite_where=sa.text(f"{column} IS NOT NULL"))
    op.create_index(unpublished, "timeline", ["seq"], sqlite_where=sa.text(f"{column} IS NULL"))
    op.create_index(lead, table, ["lead_id"])
    op.create_index(created, table, ["created_at"])
