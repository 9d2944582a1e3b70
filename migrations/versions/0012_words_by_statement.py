"""Drop the trigger that adds a new lead's words to the index on SQLite: the store does it, in a third of the time."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the trigger."""
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP TRIGGER lead_words_add")


def downgrade() -> None:
    """Make it again."""
    if op.get_context().dialect.name == "sqlite":
        op.execute(
            """
            CREATE TRIGGER lead_words_add AFTER INSERT ON leads BEGIN
                INSERT INTO lead_words (rowid, words) VALUES (new.rowid, new.words);
            END
            """
        )
