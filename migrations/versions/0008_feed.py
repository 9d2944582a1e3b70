"""The place of timeline entries in the feed, and the last one that was given."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the column; entries that are there already have no place yet, as new ones."""
    op.add_column("timeline", sa.Column("place", _NUMBER))
    _create_partial("ix_timeline_place", "place", "place IS NOT NULL", unique=True)
    _create_partial("ix_timeline_unplaced", "seq", "place IS NULL", unique=False)
    op.create_table(
        "feed",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_place", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feed"),
        sa.CheckConstraint("id = 1", name=op.f("ck_feed_single")),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("feed")
    op.drop_index("ix_timeline_unplaced", "timeline")
    op.drop_index("ix_timeline_place", "timeline")
    op.drop_column("timeline", "place")


def _create_partial(name: str, column: str, condition: str, *, unique: bool) -> None:
    where = sa.text(condition)
    op.create_index(name, "timeline", [column], unique=unique, sqlite_where=where, postgresql_where=where)
