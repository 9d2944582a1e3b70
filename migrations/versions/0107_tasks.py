"""Create the table `tasks`, and give follow-ups the task that they remind of."""

import sqlalchemy as sa
from alembic import op

from leads_adapters.sql.types import Identifier, UtcTime

revision = "0107"
down_revision = "0106"
branch_labels = None
depends_on = None

_INDEXES = (
    ("lead_id", "state", "due_at", "id"),
    ("assignee_key", "state", "due_at", "id"),
    ("state", "due_at", "id"),
)


def upgrade() -> None:
    """Create the table and its indexes, and add the column."""
    op.create_table(
        "tasks",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("lead_id", Identifier, nullable=False),
        sa.Column("assignee", sa.Text()),
        sa.Column("assignee_key", sa.Text()),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("remind", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("done_at", UtcTime()),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_tasks_lead_id_leads"),
        sa.CheckConstraint("state IN ('open', 'done', 'cancelled')", name=op.f("ck_tasks_state")),
        sa.CheckConstraint("remind IN (0, 1)", name=op.f("ck_tasks_remind")),
        sa.CheckConstraint("(state = 'done') = (outcome IS NOT NULL)", name=op.f("ck_tasks_outcome")),
        sa.CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name=op.f("ck_tasks_done")),
        sa.CheckConstraint("(assignee IS NULL) = (assignee_key IS NULL)", name=op.f("ck_tasks_assignee")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_tasks_version")),
        sqlite_strict=True,
    )
    for columns in _INDEXES:
        op.create_index(f"ix_tasks_{'_'.join(columns)}", "tasks", list(columns))
    op.add_column("follow_ups", sa.Column("task_id", Identifier))


def downgrade() -> None:
    """Drop the column and the table."""
    op.drop_column("follow_ups", "task_id")
    op.drop_table("tasks")
