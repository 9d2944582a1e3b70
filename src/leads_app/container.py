"""The only place where a port meets an adapter."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version

from dependency_injector import containers, providers
from sqlalchemy import URL, Engine

from leads_adapters.clock import SystemClock
from leads_adapters.database import Database
from leads_adapters.files.formats import MEDIA_TYPES, READERS, WRITERS, Format
from leads_adapters.http.app import build_app
from leads_adapters.http.care import CareRoutes
from leads_adapters.http.client_address import ClientAddresses
from leads_adapters.http.cors import with_cors
from leads_adapters.http.docs import DocsRoutes
from leads_adapters.http.envelope import Envelope
from leads_adapters.http.events import EventRoutes
from leads_adapters.http.follow_ups import FollowUpRoutes
from leads_adapters.http.gate import Gate
from leads_adapters.http.health import HealthRoutes
from leads_adapters.http.idempotency import Idempotency
from leads_adapters.http.keys import KeyRoutes
from leads_adapters.http.lead_list import LeadListRoutes
from leads_adapters.http.leads import LeadRoutes
from leads_adapters.http.metrics import MetricsRoutes
from leads_adapters.http.openapi import document
from leads_adapters.http.openapi_examples import pipeline_examples
from leads_adapters.http.pipeline import PipelineRoutes
from leads_adapters.http.rate_limit import RateLimit, RateLimiter
from leads_adapters.http.rendering import RenderedByPython
from leads_adapters.http.statistics import StatisticsRoutes
from leads_adapters.http.transfers import IMPORT_BATCH, FileFormat, TransferRoutes
from leads_adapters.ids import SystemEntropy, SystemRandomSource, Uuid7Source
from leads_adapters.metrics import Metrics
from leads_adapters.normalizer import InternationalNormalizer
from leads_adapters.sql.dry_run import open_dry_run
from leads_adapters.sql.sqlite.database import SqliteDatabase
from leads_adapters.sql.sqlite.engine import sqlite_engine
from leads_adapters.transfer import Importing
from leads_app import logs
from leads_app.channels import make_notifiers, needs
from leads_app.dispatcher import LEASE, Dispatcher
from leads_app.graceful_shutdown import GracefulShutdown
from leads_app.lifespan import service_lifespan
from leads_app.rule_settings import check_recipient
from leads_app.settings import Settings, SettingsError
from leads_app.usage_recorder import UsageRecorder
from leads_domain.follow_up import RetryPolicy
from leads_domain.notifier import Address
from leads_domain.rules import FollowUpRule, FollowUpRules
from leads_domain.sources import IdSource, Normalizer
from leads_domain.use_cases.add_note import AddNote
from leads_domain.use_cases.answer_once import AnswerOnce
from leads_domain.use_cases.change_follow_up import ChangeFollowUp
from leads_domain.use_cases.change_lead import ChangeLead
from leads_domain.use_cases.dispatch_follow_ups import ClaimDueFollowUps, RecordOutcome
from leads_domain.use_cases.erase_lead import EraseLead
from leads_domain.use_cases.find_follow_ups import ListFollowUps
from leads_domain.use_cases.find_leads import AskForLeads
from leads_domain.use_cases.import_leads import ImportLeads
from leads_domain.use_cases.manage_keys import Authenticate, CreateFirstKey, CreateKey, RevokeKey
from leads_domain.use_cases.merge_leads import MergeLeads
from leads_domain.use_cases.register_lead import RegisterLead
from leads_domain.use_cases.take_statistics import TakeStatistics
from leads_domain.use_cases.trigger_follow_up import TriggerFollowUp
from leads_domain.working_hours import WorkingHours


def _per_key(limit: RateLimit | None) -> RateLimiter | None:
    return RateLimiter(limit) if limit else None


def _per_address(limit: RateLimit | None) -> RateLimiter | None:
    """Strangers get a tenth of what a key gets."""
    return RateLimiter(RateLimit(max(limit.requests // 10, 1), limit.seconds)) if limit else None


def make_engine(url: URL) -> Engine:
    """The engine for a database; raises `SettingsError` if its driver is not installed."""
    if url.drivername == "sqlite":
        try:
            return sqlite_engine(url)
        except ValueError as error:  # this Python's SQLite is too old
            raise SettingsError(str(error)) from None
    try:
        # Only here: whoever stays with SQLite need not have the driver, nor wait for it at every start.
        from leads_adapters.sql.postgres.engine import postgres_engine  # noqa: PLC0415
    except ImportError:
        raise SettingsError("PostgreSQL needs a driver; run pip install '.[postgres]' in a clone of leads.") from None
    return postgres_engine(url)


def make_database(
    engine: Engine, on_commit: Callable[[int], None] = lambda _: None, on_outage: Callable[[str], None] = lambda _: None
) -> Database:
    """The way of running use cases that suits the engine."""
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
    """The rules for follow-ups; raises `SettingsError` for one that can never reach anybody."""
    checked = []
    for place, rule in enumerate(rules, 1):
        channel = rule.channel or default_channel
        try:
            recipient = check_recipient(rule.recipient, channel, channels[channel], normalizer)
        except ValueError as error:
            raise SettingsError(f"The setting follow_up_rules is wrong: rule {place}: {error}") from None
        checked.append(replace(rule, recipient=recipient))
    return FollowUpRules(ids, default_channel, checked, hours)


_FORMATS = {MEDIA_TYPES[form]: FileFormat(form, READERS[form], WRITERS[form]) for form in Format}


class Container(containers.DeclarativeContainer):
    """Every object of the service, made once, when it is first asked for."""

    settings = providers.Dependency(instance_of=Settings)
    dispatching: providers.Object[bool] = providers.Object(True)

    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(Uuid7Source)
    entropy = providers.Singleton(SystemEntropy)
    random_source = providers.Singleton(SystemRandomSource)
    normalizer = providers.Singleton(InternationalNormalizer, settings.provided.default_region)
    pipeline = settings.provided.pipeline

    engine = providers.Singleton(make_engine, settings.provided.database_url)
    metrics = providers.Singleton(
        Metrics, version("leads-desk"), settings.provided.database_url.drivername, settings.provided.channels
    )
    outage_log = providers.Object(logs.outage_log)
    database = providers.Singleton(make_database, engine, metrics.provided.commit, outage_log)

    notifiers = providers.Singleton(make_notifiers, settings.provided.channels)
    channels = providers.Singleton(needs, notifiers)

    rules = providers.Singleton(
        make_rules,
        ids,
        normalizer,
        channels,
        settings.provided.default_channel,
        settings.provided.follow_up_rules,
        settings.provided.working_hours,
    )
    register_lead = providers.Singleton(RegisterLead, clock, ids, normalizer, pipeline, rules)
    change_lead = providers.Singleton(ChangeLead, clock, ids, normalizer, pipeline, rules)
    add_note = providers.Singleton(AddNote, clock, ids)
    merge_leads = providers.Singleton(MergeLeads, clock, ids, pipeline)
    erase_lead = providers.Singleton(EraseLead, clock, ids)
    ask_for_leads = providers.Singleton(AskForLeads, clock, normalizer, pipeline)
    import_leads = providers.Singleton(ImportLeads, register_lead)
    importing = providers.Singleton(Importing, database, import_leads, providers.Object(open_dry_run), IMPORT_BATCH)
    list_follow_ups = providers.Singleton(ListFollowUps, clock)
    change_follow_up = providers.Singleton(ChangeFollowUp, clock, ids)
    trigger_follow_up = providers.Singleton(TriggerFollowUp, clock, ids, channels, settings.provided.default_channel)
    take_statistics = providers.Singleton(TakeStatistics, clock, pipeline)
    retry = providers.Object(RetryPolicy())
    claim_due_follow_ups = providers.Singleton(ClaimDueFollowUps, clock, LEASE, retry)
    record_outcome = providers.Singleton(RecordOutcome, clock, ids, random_source, retry)
    create_key = providers.Singleton(CreateKey, clock, ids, entropy)
    create_first_key = providers.Singleton(CreateFirstKey, create_key)
    revoke_key = providers.Singleton(RevokeKey, clock)
    authenticate = providers.Singleton(Authenticate, settings.provided.api_key_digest)

    dispatcher = providers.Singleton(
        Dispatcher,
        database,
        clock,
        claim_due_follow_ups,
        record_outcome,
        notifiers,
        owner=f"{socket.gethostname()}:{os.getpid()}",
        on_outcome=metrics.provided.delivery,
    )

    key_use = providers.Singleton(UsageRecorder, database, clock)
    gate = providers.Singleton(
        Gate,
        database,
        authenticate,
        key_use.provided.note,
        providers.Singleton(ClientAddresses, settings.provided.trusted_proxies),
        providers.Callable(_per_key, settings.provided.rate_limit),
        providers.Callable(_per_address, settings.provided.rate_limit),
    )
    answer_once = providers.Singleton(AnswerOnce, clock)
    idempotency = providers.Singleton(Idempotency, answer_once)
    stopping = providers.Singleton(GracefulShutdown, settings.provided.stop_delay)
    access_log = providers.Singleton(logs.make_access_log, settings.provided.log_format)
    rendering = providers.Singleton(RenderedByPython, database)
    api_routes = (
        providers.Singleton(LeadRoutes, database, rendering, register_lead, change_lead),
        providers.Singleton(LeadListRoutes, database, rendering, ask_for_leads),
        providers.Singleton(
            TransferRoutes,
            importing,
            ask_for_leads,
            providers.Object(_FORMATS),
            settings.provided.max_import,
        ),
        providers.Singleton(
            FollowUpRoutes, database, trigger_follow_up, change_follow_up, list_follow_ups, dispatcher.provided.wake
        ),
        providers.Singleton(CareRoutes, database, add_note, merge_leads, erase_lead),
        providers.Singleton(EventRoutes, database),
        providers.Singleton(StatisticsRoutes, database, take_statistics),
        providers.Singleton(PipelineRoutes, pipeline),
        providers.Singleton(KeyRoutes, database, create_key, revoke_key),
        providers.Singleton(MetricsRoutes, database, clock, metrics.provided.text),
        providers.Singleton(
            HealthRoutes,
            database.provided.check_ready,
            stopping.provided.has_begun,
        ),
    )
    openapi = providers.Callable(
        document,
        providers.List(*api_routes),
        version=version("leads-desk"),
        values=providers.Dict(statuses=pipeline.statuses, channels=channels),
        examples=providers.Callable(pipeline_examples, pipeline),
    )
    docs_routes = providers.Singleton(DocsRoutes, openapi.provider)
    api = providers.Singleton(
        build_app,
        providers.List(*api_routes, docs_routes),
        gate,
        idempotency,
        max_body=settings.provided.max_body,
        error_log=providers.Object(logs.error_log),
        lifespan=providers.List(
            providers.Factory(service_lifespan, database.provided.close, dispatcher, dispatching, stopping)
        ),
    )
    envelope = providers.Singleton(Envelope, api, ids.provided.new, access_log, metrics.provided.request)
    app = providers.Singleton(with_cors, envelope, settings.provided.cors_origins)
