"""On SQLite, every lead also as the JSON that clients see.

PostgreSQL has no such column: how it writes a time as text depends on the session, so it cannot generate one.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from leads_adapters.sql.types import Identifier, UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_RENDERED = """json_object(
    'id', id,
    'name', name,
    'email', email,
    'phone', CASE WHEN phone_extension IS NULL THEN phone ELSE phone || ';ext=' || phone_extension END,
    'status', status,
    'status_reason', status_reason,
    'source', source,
    'owner', owner,
    'attributes', json(attributes),
    'created_at', created_at,
    'updated_at', updated_at,
    'contacted_at', contacted_at,
    'next_follow_up_at', next_follow_up_at,
    'version', version
)"""


def upgrade() -> None:
    """Add the column."""
    if op.get_bind().dialect.name == "sqlite":
        _rebuild(sa.Column("rendered", sa.Text(), sa.Computed(_RENDERED, persisted=True)))


def downgrade() -> None:
    """Drop it."""
    if op.get_bind().dialect.name == "sqlite":
        _rebuild()


def _rebuild(*generated: sa.Column[str]) -> None:
    """Make the table anew: SQLite cannot add a stored column. Foreign keys are off, and checked afterwards."""
    columns: list[sa.Column[Any]] = [
        sa.Column("id", Identifier, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text()),
        sa.Column("phone_extension", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_reason", sa.Text()),
        sa.Column("source", sa.Text()),
        sa.Column("owner", sa.Text()),
        sa.Column("owner_key", sa.Text()),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.Column("contacted_at", UtcTime()),
        sa.Column("next_follow_up_at", UtcTime()),
        sa.Column("version", sa.Integer(), nullable=False),
    ]
    rebuilt = op.create_table(
        "leads_rebuilt",
        *columns,
        *generated,
        sa.PrimaryKeyConstraint("id", name="pk_leads"),
        sa.UniqueConstraint("email_key", name="uq_leads_email_key"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name=op.f("ck_leads_name")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_leads_version")),
        sqlite_strict=True,
    )
    # In the order in which they came: a page's leads then stand side by side.
    kept = sa.table("leads", *(sa.column(column.name) for column in columns))
    op.execute(rebuilt.insert().from_select(kept.columns.keys(), sa.select(kept).order_by(sa.text("rowid"))))
    op.drop_table("leads")
    op.rename_table("leads_rebuilt", "leads")
    op.create_index("ix_leads_created_at_id", "leads", ["created_at", "id"])
    op.create_index("ix_leads_status_created_at_id", "leads", ["status", "created_at", "id"])
