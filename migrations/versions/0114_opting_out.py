"""Give leads the column `do_not_contact`."""

import sqlalchemy as sa
from alembic import op

revision = "0114"
down_revision = "0113"
branch_labels = None
depends_on = None

_INDEX = "ix_leads_opted_out"


def upgrade() -> None:
    """Add the column and its index. No lead has opted out yet."""
    is_0_or_1 = sa.CheckConstraint("do_not_contact IN (0, 1)", name=op.f("ck_leads_do_not_contact"))
    column = sa.Column("do_not_contact", sa.Integer(), is_0_or_1, nullable=False, server_default=sa.text("0"))
    op.add_column("leads", column)
    is_opted_out = sa.text("do_not_contact = 1")
    op.create_index(_INDEX, "leads", ["do_not_contact"], sqlite_where=is_opted_out, postgresql_where=is_opted_out)


def downgrade() -> None:
    """Drop the index and the column."""
    op.drop_index(_INDEX, "leads")
    op.drop_column("leads", "do_not_contact")
