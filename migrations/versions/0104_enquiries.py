"""Keep the identities of merged leads, and index enquiries."""

import json
from contextlib import suppress

import sqlalchemy as sa
from alembic import op

from leads_adapters.normalizer import InternationalNormalizer
from leads_adapters.sql.types import Identifier
from leads_domain.errors import ValidationFailed

revision = "0104"
down_revision = "0103"
branch_labels = None
depends_on = None

_ENQUIRIES = "ix_timeline_enquiries"


def upgrade() -> None:
    """Add the column and the indexes, and fill the column from the timeline."""
    op.add_column("merged_leads", sa.Column("identity", sa.Text()))
    op.create_index("ix_merged_leads_identity", "merged_leads", ["identity"])
    are_enquiries = sa.text("type = 'lead.enquired'")
    op.create_index(_ENQUIRIES, "timeline", ["lead_id"], sqlite_where=are_enquiries, postgresql_where=are_enquiries)
    _fill_identities()


def downgrade() -> None:
    """Remove the column and the indexes."""
    op.drop_index(_ENQUIRIES, "timeline")
    op.drop_index("ix_merged_leads_identity", "merged_leads")
    op.drop_column("merged_leads", "identity")


def _fill_identities() -> None:
    """Compute the identities from the e-mail addresses that the timeline has of merged leads."""
    normalizer = InternationalNormalizer()
    connection = op.get_bind()
    merged = sa.table("merged_leads", sa.column("id", Identifier), sa.column("identity", sa.Text()))
    update = merged.update().where(merged.c.id == sa.bindparam("merged_id")).values(identity=sa.bindparam("key"))
    for (data,) in connection.execute(sa.text("SELECT data FROM timeline WHERE type = 'lead.merged'")).all():
        merge = json.loads(data)
        with suppress(KeyError, TypeError, ValidationFailed):
            key = normalizer.email(merge["duplicate"]["email"]).key
            connection.execute(update, {"key": key, "merged_id": merge["duplicate_id"]})
