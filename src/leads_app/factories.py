"""Create the parts of the service that depend on the settings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from dependency_injector import providers
from litestar.di import Provide
from sqlalchemy import URL, Engine

from leads_adapters import lead_json
from leads_adapters.database import Database
from leads_adapters.files.formats import MEDIA_TYPES, READERS, SPREADSHEETS, UNKNOWN_TYPE, WRITERS, Format
from leads_adapters.http.controllers.api_keys import ApiKeyController
from leads_adapters.http.controllers.calendars import CalendarController, CalendarFeedController
from leads_adapters.http.controllers.docs import DocsController
from leads_adapters.http.controllers.enquiries import EnquiryController
from leads_adapters.http.controllers.follow_ups import FollowUpController, LeadFollowUpController
from leads_adapters.http.controllers.forms import FormController, PublicForm, form_origin
from leads_adapters.http.controllers.leads import LeadController
from leads_adapters.http.controllers.service import (
    HealthController,
    MetricsController,
    PipelineController,
    StatisticsController,
)
from leads_adapters.http.controllers.similar_leads import SimilarLeadController
from leads_adapters.http.controllers.submissions import SubmissionController
from leads_adapters.http.controllers.tasks import LeadTaskController, TaskController
from leads_adapters.http.controllers.timeline import EventController, TimelineController
from leads_adapters.http.controllers.transfers import FileFormat, TransferController
from leads_adapters.http.controllers.unsubscribing import UnsubscribeController
from leads_adapters.http.parameters import provide
from leads_adapters.http.rate_limit import RateLimit, RateLimiter
from leads_adapters.lead_json import ReadJsonPage
from leads_adapters.mail.urls import open_mailbox
from leads_adapters.sql.sqlite import lead_json as sqlite_lead_json
from leads_adapters.sql.sqlite.database import SqliteDatabase
from leads_adapters.sql.sqlite.engine import sqlite_engine
from leads_adapters.sql.sqlite.files import log_size
from leads_app.assignment_settings import AssignmentSettings, assignment_of
from leads_app.digest_settings import DigestSettings
from leads_app.dispatcher import LEASE, Queue
from leads_app.form_settings import FormSettings
from leads_app.mail_fetcher import FetchedMailbox
from leads_app.mailbox_settings import MailboxSettings
from leads_app.rule_settings import check_assignee, check_recipient
from leads_app.settings import SettingsError
from leads_domain.assignment import Assignment
from leads_domain.checking import truncate
from leads_domain.errors import ValidationFailed
from leads_domain.intake import IntakePolicy
from leads_domain.mail_submission import origin_of
from leads_domain.mailbox_policy import MailboxPolicy, own_address
from leads_domain.notifier import Address
from leads_domain.rules import FollowUpRule, FollowUpRules
from leads_domain.sources import Clock, IdSource, Normalizer
from leads_domain.use_cases.compose_digest import ComposeDigest
from leads_domain.use_cases.dispatch_digests import ClaimDueDigests, RecordDigest
from leads_domain.working_hours import WorkingHours


def limiter_per_key(limit: RateLimit | None) -> RateLimiter | None:
    """Return the rate limiter for requests with an API key."""
    return RateLimiter(limit) if limit else None


def limiter_per_address(limit: RateLimit | None) -> RateLimiter | None:
    """Return the rate limiter for requests without an API key: a tenth of the limit."""
    return RateLimiter(RateLimit(max(limit.requests // 10, 1), limit.seconds)) if limit else None


def limiter_of_links(limit: RateLimit | None) -> RateLimiter | None:
    """Return the rate limiter for unsubscribe links: the whole limit for each address, as mail providers have few."""
    return RateLimiter(limit) if limit else None


def make_engine(url: URL) -> Engine:
    """Return the engine for a database; raises `SettingsError` if its driver is not installed."""
    if url.drivername == "sqlite":
        try:
            return sqlite_engine(url)
        except ValueError as error:  # this Python's SQLite is too old
            raise SettingsError(str(error)) from None
    try:
        # Imported here: SQLite installations neither need the driver nor wait for its import.
        from leads_adapters.sql.postgres.engine import postgres_engine  # noqa: PLC0415
    except ImportError:
        raise SettingsError(
            "The driver for PostgreSQL is not installed. Run pip install '.[postgres]' in a clone of leads."
        ) from None
    return postgres_engine(url)


def log_size_of(url: URL) -> Callable[[], int] | None:
    """Return the function that measures the write-ahead log of a SQLite database."""
    return partial(log_size, str(url.database)) if url.drivername == "sqlite" else None


def make_database(
    engine: Engine, on_commit: Callable[[int], None] = lambda _: None, on_outage: Callable[[str], None] = lambda _: None
) -> Database:
    """Return the database adapter for the engine."""
    if engine.dialect.name == "sqlite":
        return SqliteDatabase(engine, on_commit, on_outage)
    from leads_adapters.sql.postgres.database import PostgresDatabase  # noqa: PLC0415

    return PostgresDatabase(engine, on_commit, on_outage)


def make_rules(
    ids: IdSource,
    normalizer: Normalizer,
    channels: Mapping[str, Address | None],
    default_channel: str,
    rules: Sequence[FollowUpRule],
    hours: WorkingHours | None,
) -> FollowUpRules:
    """Return the rules for follow-ups; raises `SettingsError` for a recipient that the channel cannot send to."""
    checked = []
    for number, rule in enumerate(rules, 1):
        channel = rule.channel or default_channel
        try:
            checked.append(_checked_rule(rule, channel, channels[channel], normalizer))
        except ValueError as error:
            raise SettingsError(f"The setting follow_up_rules is not valid. Rule {number}: {error}") from None
    return FollowUpRules(ids, default_channel, checked, hours)


def _checked_rule(rule: FollowUpRule, channel: str, needs: Address | None, normalizer: Normalizer) -> FollowUpRule:
    if rule.makes_task:
        return replace(rule, assignee=check_assignee(rule.recipient, channel, needs, normalizer))
    return replace(rule, recipient=check_recipient(rule.recipient, channel, needs, normalizer))


def make_queues(
    follow_ups: Queue,
    digest: DigestSettings | None,
    channels: Mapping[str, Address | None],
    public_url: str | None,
    clock: Clock,
    ids: IdSource,
    record_digest: RecordDigest,
) -> Sequence[Queue]:
    """Return what the dispatcher sends; raises `SettingsError` for digests on a channel that needs a phone number."""
    if digest is None:
        return [follow_ups]
    if channels[digest.channel] is Address.PHONE:
        problem = f"The channel {digest.channel} needs a phone number, and colleagues have none."
        raise SettingsError(f"The setting digest is not valid. {problem}")
    compose = ComposeDigest(digest.schedule, public_url)
    claim = ClaimDueDigests(clock, ids, digest.channel, compose, LEASE, record_digest.retry)
    return [Queue(claim, record_digest), follow_ups]


def make_assignment(normalizer: Normalizer, settings: AssignmentSettings) -> Assignment:
    """Return the policy of assignment; raises `SettingsError` for an invalid e-mail address."""
    try:
        return assignment_of(settings, normalizer)
    except ValueError as error:
        raise SettingsError(f"The setting assignment is not valid. {error}") from None


def public_forms(forms: Mapping[str, FormSettings]) -> Mapping[str, PublicForm]:
    """Return the forms that HTTP serves, each with a rate limiter for its clients."""
    return {
        name: PublicForm(
            form.origins, form.redirect, form.key, RateLimiter(form.rate_limit) if form.rate_limit else None
        )
        for name, form in forms.items()
    }


def form_origins(forms: Mapping[str, FormSettings]) -> Mapping[str, Sequence[str]]:
    """Return the origins whose pages may send each form by a script."""
    return {name: form.origins for name, form in forms.items()}


def policies_of_forms(normalizer: Normalizer, forms: Mapping[str, FormSettings]) -> Mapping[str, IntakePolicy]:
    """Return the policy of each form, by its origin; raises `SettingsError` for an owner that is no e-mail address."""
    policies = {}
    for name, form in forms.items():
        try:
            owner = str(normalizer.email(form.owner)) if form.owner is not None else None
        except ValidationFailed as invalid:
            message = f"Form {name}: owner is {truncate(form.owner or '')}. {invalid}"
            raise SettingsError(f"The setting forms is not valid. {message}") from None
        policies[form_origin(name)] = IntakePolicy(
            source=form.source,
            owner=owner,
            fields=form.fields,
            honeypot=form.honeypot,
            minimum_seconds=form.minimum_seconds,
        )
    return policies


def policies_of_mailboxes(
    normalizer: Normalizer, mailboxes: Mapping[str, MailboxSettings]
) -> Mapping[str, MailboxPolicy]:
    """Return the policy of each mailbox, by its origin; raises `SettingsError` for an invalid e-mail address."""
    policies = {}
    for name, mailbox in mailboxes.items():
        owner, own_addresses = None, set()
        if mailbox.owner is not None:
            with _errors_of_address(f"Mailbox {name}: owner is", mailbox.owner):
                owner = str(normalizer.email(mailbox.owner))
        for text in mailbox.own_addresses:
            with _errors_of_address(f"Mailbox {name}: own_addresses has", text):
                own_addresses.add(own_address(text, normalizer))
        policies[origin_of(name)] = MailboxPolicy(
            source=mailbox.source,
            owner=owner,
            own_addresses=frozenset(own_addresses),
            stop_on_reply=mailbox.stop_on_reply,
        )
    return policies


@contextmanager
def _errors_of_address(place: str, text: str) -> Iterator[None]:
    """Convert a `ValidationFailed` to a `SettingsError` that names the place and the address."""
    try:
        yield
    except ValidationFailed as invalid:
        raise SettingsError(f"The setting mailboxes is not valid. {place} {truncate(text)}. {invalid}") from None


def fetched_mailboxes(mailboxes: Mapping[str, MailboxSettings]) -> Sequence[FetchedMailbox]:
    """Return the mailboxes that have a URL."""
    return [
        FetchedMailbox(name, open_mailbox(mailbox.url), mailbox.every)
        for name, mailbox in mailboxes.items()
        if mailbox.url is not None
    ]


CONTROLLERS = (
    LeadController,
    EnquiryController,
    TimelineController,
    SimilarLeadController,
    TransferController,
    LeadFollowUpController,
    FollowUpController,
    LeadTaskController,
    TaskController,
    SubmissionController,
    FormController,
    UnsubscribeController,
    EventController,
    StatisticsController,
    PipelineController,
    CalendarController,
    CalendarFeedController,
    ApiKeyController,
    MetricsController,
    HealthController,
    DocsController,
)


def read_json_page_of(database: Database) -> ReadJsonPage:
    """Return the fastest function that reads pages of leads as JSON from this database."""
    return sqlite_lead_json.read_json_page if isinstance(database, SqliteDatabase) else lead_json.read_json_page


def as_dependency(provider: providers.Provider[Any]) -> providers.Provider[Provide]:
    """Return a Litestar dependency that provides the object of a container's provider."""
    return providers.Callable(provide, provider)


FORMATS = {MEDIA_TYPES[form]: FileFormat(form, READERS[form], WRITERS[form]) for form in Format}
FORMATS |= dict.fromkeys([*SPREADSHEETS.values(), UNKNOWN_TYPE], FORMATS[MEDIA_TYPES[Format.CSV]])
