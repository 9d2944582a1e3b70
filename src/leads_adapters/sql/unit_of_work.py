"""Combine the stores of one database connection."""

from leads_adapters.sql.api_key_store import SqlApiKeyStore
from leads_adapters.sql.calendar_store import SqlCalendarStore
from leads_adapters.sql.digest_store import SqlDigestStore
from leads_adapters.sql.follow_up_store import SqlFollowUpStore
from leads_adapters.sql.idempotency_store import SqlIdempotencyStore
from leads_adapters.sql.lead_store import SqlLeadStore
from leads_adapters.sql.reports import SqlReports
from leads_adapters.sql.similar_leads import SqlSimilarLeads
from leads_adapters.sql.statements import StatementRunner
from leads_adapters.sql.submission_store import SqlSubmissionStore
from leads_adapters.sql.task_store import SqlTaskStore
from leads_adapters.sql.timeline import SqlTimeline
from leads_adapters.sql.turns import SqlTurns
from leads_adapters.sql.unsubscribe_token_store import SqlUnsubscribeTokenStore


class SqlUnitOfWork:
    """Implements `UnitOfWork` on one connection. The owner of the connection begins and ends transactions."""

    def __init__(self, runner: StatementRunner) -> None:
        self.runner = runner
        self.leads = SqlLeadStore(runner)
        self.follow_ups = SqlFollowUpStore(runner)
        self.digests = SqlDigestStore(runner)
        self.tasks = SqlTaskStore(runner)
        self.submissions = SqlSubmissionStore(runner)
        self.timeline = SqlTimeline(runner)
        self.unsubscribe_tokens = SqlUnsubscribeTokenStore(runner)
        self.api_keys = SqlApiKeyStore(runner)
        self.calendars = SqlCalendarStore(runner)
        self.idempotency = SqlIdempotencyStore(runner)
        self.similar_leads = SqlSimilarLeads(runner)
        self.turns = SqlTurns(runner)
        self.reports = SqlReports(runner)
