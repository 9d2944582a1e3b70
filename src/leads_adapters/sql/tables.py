"""Define the tables as the newest migration leaves them."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.sql.naming import conv

from leads_adapters.sql.types import Identifier, Ordered, UtcTime

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


_NUMBER = BigInteger().with_variant(Integer, "sqlite")


def _table(name: str, *parts: Any) -> Table:
    # STRICT makes SQLite check the types of values, as other databases do.
    return Table(name, metadata, *parts, sqlite_strict=True)


END_OF_TIME = datetime.max.replace(tzinfo=UTC)
"""The `next_follow_up_key` of a lead without a follow-up: it comes last in a list."""

# `identity` is the e-mail key, or the phone number without an e-mail address. `name_key`, `words`, `next_follow_up_key`
# and `mailbox` are computed from the other columns, for lists and searches. The word index is missing here because it
# differs: on PostgreSQL it is an index on an expression; on SQLite it is the table `lead_words`, where the store adds
# words, and triggers change and delete them.
leads = _table(
    "leads",
    Column("id", Identifier, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("identity", Text, nullable=False, unique=True),
    Column("phone", Text),
    Column("phone_extension", Text),
    Column("status", Text, nullable=False),
    Column("status_reason", Text),
    Column("source", Text),
    Column("owner", Text),
    Column("owner_key", Text),
    Column("attributes", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("contacted_at", UtcTime),
    Column("next_follow_up_at", UtcTime),
    Column("version", Integer, nullable=False),
    Column("name_key", Ordered, nullable=False, server_default=text("''")),
    Column("words", Text, nullable=False, server_default=text("''")),
    Column("next_follow_up_key", UtcTime, nullable=False, server_default=text("'9999-12-31T23:59:59.999999Z'")),
    Column("mailbox", Text),
    Column("email_bounced", Integer, nullable=False, server_default=text("0")),
    Column("do_not_contact", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("length(name) BETWEEN 1 AND 200", "name"),
    CheckConstraint("version >= 1", "version"),
    CheckConstraint("email IS NOT NULL OR phone IS NOT NULL", "contact"),
    CheckConstraint("do_not_contact IN (0, 1)", "do_not_contact"),
    Index(None, "created_at", "id"),
    Index(None, "status", "created_at", "id"),
    Index(None, "source", "created_at", "id"),
    Index(None, "owner_key", "created_at", "id"),
    Index(None, "updated_at", "id"),
    Index(None, "name_key", "id"),
    Index(None, "next_follow_up_key", "id"),
    Index(None, "mailbox"),
)

IS_OPTED_OUT = text("do_not_contact = 1")
"""The condition of leads that have opted out. It has no parameter, so that both databases use the index."""

# Of all rows, the index holds few. Its column, although constant, lets SQLite prefer it to reading the table.
Index("ix_leads_opted_out", leads.c.do_not_contact, sqlite_where=IS_OPTED_OUT, postgresql_where=IS_OPTED_OUT)

# Redirects the ids and identities of merged leads to the leads that replace them. A lead that was merged before
# revision 0104 has no identity here if its timeline entry has none.
merged_leads = _table(
    "merged_leads",
    Column("id", Identifier, primary_key=True),
    Column("into_id", Identifier, ForeignKey("leads.id"), nullable=False),
    Column("identity", Text),
    Index(None, "into_id"),
    Index(None, "identity"),
)

# Pairs of leads that are different people, each stored in both directions.
distinct_leads = _table(
    "distinct_leads",
    Column("lead_id", Identifier, ForeignKey("leads.id"), primary_key=True),
    Column("other_id", Identifier, ForeignKey("leads.id"), primary_key=True),
    Index(None, "other_id"),
)

# One row, created with the first turn. A transaction that takes turns locks it until its end.
turns = _table(
    "turns",
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("taken", _NUMBER, nullable=False),
    CheckConstraint("id = 1", "single"),
)

# `assignee_key` is computed from `assignee`, for lists.
tasks = _table(
    "tasks",
    Column("id", Identifier, primary_key=True),
    Column("lead_id", Identifier, ForeignKey("leads.id"), nullable=False),
    Column("assignee", Text),
    Column("assignee_key", Text),
    Column("text", Text, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("remind", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("outcome", Text),
    Column("done_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint("state IN ('open', 'done', 'cancelled')", "state"),
    CheckConstraint("remind IN (0, 1)", "remind"),
    CheckConstraint("(state = 'done') = (outcome IS NOT NULL)", "outcome"),
    CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", "done"),
    CheckConstraint("(assignee IS NULL) = (assignee_key IS NULL)", "assignee"),
    CheckConstraint("version >= 1", "version"),
    Index(None, "lead_id", "state", "due_at", "id"),
    Index(None, "assignee_key", "state", "due_at", "id"),
    Index(None, "state", "due_at", "id"),
)

# No foreign key to the task: SQLite would scan all follow-ups for each task that is erased.
follow_ups = _table(
    "follow_ups",
    Column("id", Identifier, primary_key=True),
    Column("lead_id", Identifier, ForeignKey("leads.id"), nullable=False),
    Column("recipient", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text),
    Column("next_attempt_at", UtcTime),
    Column("sent_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", UtcTime),
    Column("claims", Integer, nullable=False),
    Column("rule_status", Text),
    Column("recipient_address", Text),
    Column("task_id", Identifier),
    Column("by_rule", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("recipient IN ('lead', 'owner')", "recipient"),
    CheckConstraint("state IN ('scheduled', 'sent', 'failed', 'cancelled')", "state"),
    CheckConstraint("(state = 'scheduled') = (next_attempt_at IS NOT NULL)", "next_attempt"),
    CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", "sent"),
    CheckConstraint("(lease_owner IS NULL) = (lease_until IS NULL)", "lease"),
    CheckConstraint("lease_owner IS NULL OR state = 'scheduled'", "leased"),
    Index(None, "lead_id", "state", "due_at", "id"),
    Index(None, "channel", "state", "due_at", "id"),
    Index(None, "state", "due_at", "id"),
)
Index(
    "ix_follow_ups_next_attempt",
    follow_ups.c.channel,
    follow_ups.c.next_attempt_at,
    sqlite_where=follow_ups.c.next_attempt_at.is_not(None),
    postgresql_where=follow_ups.c.next_attempt_at.is_not(None),
)

HAS_FAILED = text("state = 'failed'")
"""The condition of failed follow-ups. It has no parameter, so that both databases use the index."""

# The column `state`, although constant, lets SQLite prefer this index to that of all states.
Index(
    "ix_follow_ups_failed",
    follow_ups.c.state,
    follow_ups.c.updated_at,
    sqlite_where=HAS_FAILED,
    postgresql_where=HAS_FAILED,
)

# One row, created with the first planning. A transaction that plans digests locks it until its end.
digest_plan = _table(
    "digest_plan",
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("planned_at", UtcTime),
    CheckConstraint("id = 1", "single"),
)

digests = _table(
    "digests",
    Column("id", Identifier, primary_key=True),
    Column("recipient", Text, nullable=False),
    Column("recipient_key", Text, nullable=False),
    Column("planned_at", UtcTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text),
    Column("next_attempt_at", UtcTime),
    Column("updated_at", UtcTime, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", UtcTime),
    Column("claims", Integer, nullable=False),
    CheckConstraint("state IN ('scheduled', 'sent', 'failed', 'empty')", "state"),
    CheckConstraint("(state = 'scheduled') = (next_attempt_at IS NOT NULL)", "next_attempt"),
    CheckConstraint("(lease_owner IS NULL) = (lease_until IS NULL)", "lease"),
    CheckConstraint("lease_owner IS NULL OR state = 'scheduled'", "leased"),
)
Index(
    "ix_digests_next_attempt",
    digests.c.next_attempt_at,
    sqlite_where=digests.c.next_attempt_at.is_not(None),
    postgresql_where=digests.c.next_attempt_at.is_not(None),
)

# `content` is a JSON object. JSON escapes NUL, which PostgreSQL could not store.
submissions = _table(
    "submissions",
    Column("id", Identifier, primary_key=True),
    Column("received_at", UtcTime, nullable=False),
    Column("origin", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("lead_id", Identifier, ForeignKey("leads.id")),
    Column("content", Text, nullable=False),
    Column("remote_address", Text),
    Column("digest", Text, unique=True),
    Column("content_digest", Text),
    CheckConstraint(
        "state IN ('received', 'accepted', 'needs_review', 'spam', 'ignored', 'test', 'discarded')", "state"
    ),
    CheckConstraint("(state = 'accepted') = (lead_id IS NOT NULL)", "lead"),
    Index(None, "received_at", "id"),
    Index(None, "state", "received_at", "id"),
    Index(None, "origin", "state", "received_at", "id"),
    Index(None, "lead_id"),
    Index(None, "content_digest", unique=True),
)

# No foreign key to the lead: it would lock the lead after its follow-up, where other transactions lock the lead first
# (docs/decisions/0047-unsubscribe-links.md). A merged lead keeps its token, because its id is redirected.
unsubscribe_tokens = _table(
    "unsubscribe_tokens",
    Column("lead_id", Identifier, primary_key=True),
    Column("token", Text, nullable=False, unique=True),
)

# No foreign key to the lead: entries outlive the row of a merged or erased lead.
timeline = _table(
    "timeline",
    Column("seq", _NUMBER, primary_key=True),
    Column("id", Identifier, nullable=False),
    Column("lead_id", Identifier, nullable=False),
    Column("type", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("position", _NUMBER),
    Index(None, "lead_id", "seq"),
)
Index(
    "ix_timeline_position",
    timeline.c.position,
    unique=True,
    sqlite_where=timeline.c.position.is_not(None),
    postgresql_where=timeline.c.position.is_not(None),
)
Index(
    "ix_timeline_unpublished",
    timeline.c.seq,
    sqlite_where=timeline.c.position.is_(None),
    postgresql_where=timeline.c.position.is_(None),
)
IS_ENQUIRY = text("type = 'lead.enquired'")
"""The condition of enquiries. It has no parameter, so that both databases use the index."""

Index("ix_timeline_enquiries", timeline.c.lead_id, sqlite_where=IS_ENQUIRY, postgresql_where=IS_ENQUIRY)

# One row, created with the first feed position. A transaction that publishes entries locks it until its end.
feed = _table(
    "feed",
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("last_position", _NUMBER, nullable=False),
    CheckConstraint("id = 1", "single"),
)

api_keys = _table(
    "api_keys",
    Column("id", Identifier, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("created_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    Column("last_used_at", UtcTime),
    CheckConstraint("role IN ('capture', 'read', 'agent', 'admin')", "role"),
)

calendars = _table(
    "calendars",
    Column("id", Identifier, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("owner_key", Text, nullable=False),
    Column("name", Text),
    Column("digest", Text, nullable=False, unique=True),
    Column("created_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
)

idempotency_records = _table(
    "idempotency_records",
    Column("caller", Text),
    Column("key", Text),
    Column("fingerprint", Text),
    Column("sealed", Text),
    Column("lead_id", Identifier),
    Column("created_at", UtcTime, nullable=False),
    # The table was called `replies` in revision 0100. SQLite cannot rename constraints: they keep their names.
    PrimaryKeyConstraint("caller", "key", name="pk_replies"),
    CheckConstraint("(fingerprint IS NULL) = (sealed IS NULL)", conv("ck_replies_forgotten")),
    Index(None, "lead_id"),
    Index(None, "created_at"),
)
