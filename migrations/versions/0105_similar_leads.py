"""Add the column `mailbox`, which finds similar e-mail addresses, and the table `distinct_leads`."""

import sqlalchemy as sa
from alembic import op

from leads_adapters.sql.types import Identifier

revision = "0105"
down_revision = "0104"
branch_labels = None
depends_on = None

_POSITION = {"sqlite": "instr", "postgresql": "strpos"}


def upgrade() -> None:
    """Fill the column as `leads_domain.similarity.mailbox` does, and create the table."""
    op.add_column("leads", sa.Column("mailbox", sa.Text()))
    op.execute(_fill(_POSITION[op.get_context().dialect.name]))
    op.create_index("ix_leads_mailbox", "leads", ["mailbox"])
    op.create_table(
        "distinct_leads",
        sa.Column("lead_id", Identifier, nullable=False),
        sa.Column("other_id", Identifier, nullable=False),
        sa.PrimaryKeyConstraint("lead_id", "other_id", name="pk_distinct_leads"),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_distinct_leads_lead_id_leads"),
        sa.ForeignKeyConstraint(["other_id"], ["leads.id"], name="fk_distinct_leads_other_id_leads"),
        sqlite_strict=True,
    )
    op.create_index("ix_distinct_leads_other_id", "distinct_leads", ["other_id"])


def downgrade() -> None:
    """Drop the table and the column."""
    op.drop_table("distinct_leads")
    op.drop_index("ix_leads_mailbox")
    op.drop_column("leads", "mailbox")


def _fill(position: str) -> str:
    """Return the statement. An e-mail key has one @, after its local part; only the local part can have a +."""
    at, plus = f"{position}(identity, '@')", f"{position}(identity, '+')"
    end = f"CASE WHEN {plus} > 1 THEN {plus} ELSE {at} END"
    local_part = f"replace(substr(identity, 1, {end} - 1), '.', '')"
    return f"UPDATE leads SET mailbox = {local_part} || substr(identity, {at}) WHERE email IS NOT NULL"  # noqa: S608
