"""Wire ports to adapters. No other module does this."""

import os
import socket
from collections.abc import Callable
from functools import partial
from importlib.metadata import version

from dependency_injector import containers, providers

from leads_adapters.batch_loader import BatchLoader
from leads_adapters.clock import SystemClock
from leads_adapters.http.app import build_app
from leads_adapters.http.authentication import Authentication
from leads_adapters.http.capture import Captures
from leads_adapters.http.client_address import ClientAddresses
from leads_adapters.http.controllers.calendars import CalendarServices
from leads_adapters.http.controllers.enquiries import EnquiryServices
from leads_adapters.http.controllers.follow_ups import FollowUpServices
from leads_adapters.http.controllers.forms import FormServices
from leads_adapters.http.controllers.leads import LeadServices
from leads_adapters.http.controllers.service import Readiness
from leads_adapters.http.controllers.submissions import SubmissionServices
from leads_adapters.http.controllers.tasks import TaskServices
from leads_adapters.http.controllers.transfers import IMPORT_BATCH, ImportServices
from leads_adapters.http.controllers.unsubscribing import UnsubscribeServices
from leads_adapters.http.form_cors import FormCors
from leads_adapters.http.idempotency import IdempotentWrites
from leads_adapters.http.lead_filters import filtered_leads_provider
from leads_adapters.http.open_requests import OpenRequests
from leads_adapters.http.openapi.document import OpenApiDocument
from leads_adapters.http.openapi.examples import pipeline_examples
from leads_adapters.http.receiving import BodyLimits
from leads_adapters.http.request_middleware import RequestMiddleware, methods_of
from leads_adapters.http.schemas.api_keys import NewApiKey
from leads_adapters.http.schemas.calendars import NewCalendar
from leads_adapters.http.schemas.completions import NewCompletion
from leads_adapters.http.schemas.enquiries import Corrections, NewEnquiry
from leads_adapters.http.schemas.follow_ups import FollowUpPatch, NewFollowUp
from leads_adapters.http.schemas.leads import LeadPatch, NewLead, NewMerge, NewNote
from leads_adapters.http.schemas.similar_leads import NewDistinct
from leads_adapters.http.schemas.tasks import NewTask, TaskPatch
from leads_adapters.http.task_filters import filtered_tasks_provider
from leads_adapters.ids import SystemEntropy, SystemRandomSource, Uuid7Source
from leads_adapters.mail.reading import read_mail
from leads_adapters.metrics import Metrics
from leads_adapters.normalizer import InternationalNormalizer
from leads_adapters.single_flight import SingleFlightCache
from leads_adapters.sql.dry_run import open_dry_run
from leads_adapters.transfer import Importer
from leads_app import logs
from leads_app.channels import make_notifiers, needs
from leads_app.dispatcher import LEASE, Dispatcher, Queue
from leads_app.factories import (
    CONTROLLERS,
    FORMATS,
    as_dependency,
    fetched_mailboxes,
    form_origins,
    limiter_of_links,
    limiter_per_address,
    limiter_per_key,
    log_size_of,
    make_assignment,
    make_database,
    make_engine,
    make_queues,
    make_rules,
    policies_of_forms,
    policies_of_mailboxes,
    public_forms,
    read_json_page_of,
)
from leads_app.graceful_shutdown import GracefulShutdown
from leads_app.lifespan import service_lifespan
from leads_app.mail_fetcher import FetchObservers, MailFetcher
from leads_app.settings import Settings
from leads_app.submission_processor import SubmissionProcessor
from leads_app.usage_recorder import UsageRecorder
from leads_domain.captured import CapturedAs
from leads_domain.follow_up import RetryPolicy
from leads_domain.intake import Intake
from leads_domain.use_cases.accept_submission import AcceptSubmission
from leads_domain.use_cases.add_enquiry import AddEnquiry
from leads_domain.use_cases.add_note import AddNote, check_note
from leads_domain.use_cases.capture import Capture
from leads_domain.use_cases.change_follow_up import ChangeFollowUp, check_follow_up_changes
from leads_domain.use_cases.change_lead import ChangeLead
from leads_domain.use_cases.change_task import CancelTask, ChangeTask
from leads_domain.use_cases.complete_task import CompleteTask
from leads_domain.use_cases.compute_statistics import ComputeStatistics
from leads_domain.use_cases.count_waiting import CountWaiting
from leads_domain.use_cases.create_task import CreateTask
from leads_domain.use_cases.dispatch_digests import RecordDigest
from leads_domain.use_cases.dispatch_follow_ups import ClaimDueFollowUps, RecordOutcome
from leads_domain.use_cases.erase_lead import EraseLead
from leads_domain.use_cases.find_follow_ups import ListFollowUps
from leads_domain.use_cases.find_leads import BuildLeadQuery, find_leads
from leads_domain.use_cases.find_similar_leads import check_distinct
from leads_domain.use_cases.find_tasks import ListTasks
from leads_domain.use_cases.import_leads import ImportLeads
from leads_domain.use_cases.manage_calendars import CreateCalendar, ReadCalendar, RevokeCalendar
from leads_domain.use_cases.manage_keys import Authenticate, CreateFirstKey, CreateKey, RevokeKey, check_new_key
from leads_domain.use_cases.merge_leads import MergeLeads, check_merge
from leads_domain.use_cases.process_mail import ProcessMail
from leads_domain.use_cases.process_submission import ProcessSubmission
from leads_domain.use_cases.receive_mail import ReceiveMail
from leads_domain.use_cases.receive_submission import ReceiveSubmission
from leads_domain.use_cases.record_bounce import RecordBounce
from leads_domain.use_cases.record_reply import RecordReply
from leads_domain.use_cases.register_lead import RegisterLead
from leads_domain.use_cases.trigger_follow_up import TriggerFollowUp
from leads_domain.use_cases.unsubscribe import Unsubscribe
from leads_domain.use_cases.update_reminder import UpdateReminder


class Container(containers.DeclarativeContainer):
    """All objects of the service. Each is created once, on first use."""

    settings = providers.Dependency(instance_of=Settings)
    dispatching: providers.Object[bool] = providers.Object(True)
    fetching: providers.Object[bool] = providers.Object(True)
    may_fetch: providers.Object[Callable[[], bool]] = providers.Object(lambda: True)

    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(Uuid7Source)
    entropy = providers.Singleton(SystemEntropy)
    random_source = providers.Singleton(SystemRandomSource)
    normalizer = providers.Singleton(InternationalNormalizer, settings.provided.default_region)
    pipeline = settings.provided.pipeline

    engine = providers.Singleton(make_engine, settings.provided.database_url)
    metrics = providers.Singleton(
        Metrics,
        version("leads-desk"),
        settings.provided.database_url.drivername,
        settings.provided.channels,
        providers.Callable(log_size_of, settings.provided.database_url),
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
    assignment = providers.Singleton(make_assignment, normalizer, settings.provided.assignment)
    register_lead = providers.Singleton(RegisterLead, clock, ids, normalizer, pipeline, rules, assignment)
    add_enquiry = providers.Singleton(AddEnquiry, register_lead)
    intake_policies = providers.Singleton(policies_of_forms, normalizer, settings.provided.forms)
    mailbox_policies = providers.Singleton(policies_of_mailboxes, normalizer, settings.provided.mailboxes)
    intake = providers.Singleton(Intake, normalizer, intake_policies, mailbox_policies)
    receive_submission = providers.Singleton(ReceiveSubmission, clock, ids)
    receive_mail = providers.Singleton(ReceiveMail, clock, ids)
    record_reply = providers.Singleton(RecordReply, clock, ids)
    record_bounce = providers.Singleton(RecordBounce, clock, ids)
    process_mail = providers.Singleton(ProcessMail, intake, add_enquiry, record_reply, record_bounce)
    process_submission = providers.Singleton(ProcessSubmission, intake, add_enquiry, process_mail)
    capture_lead = providers.Singleton(Capture, clock, ids, CapturedAs.LEAD, register_lead.provided.check)
    capture_enquiry = providers.Singleton(Capture, clock, ids, CapturedAs.ENQUIRY, add_enquiry.provided.check)
    accept_submission = providers.Singleton(AcceptSubmission, intake, add_enquiry)
    change_lead = providers.Singleton(ChangeLead, clock, ids, normalizer, pipeline, rules)
    add_note = providers.Singleton(AddNote, clock, ids)
    merge_leads = providers.Singleton(MergeLeads, clock, ids, pipeline)
    erase_lead = providers.Singleton(EraseLead, clock, ids)
    build_lead_query = providers.Singleton(BuildLeadQuery, clock, normalizer, pipeline)
    import_leads = providers.Singleton(ImportLeads, register_lead)
    importing = providers.Singleton(Importer, database, import_leads, providers.Object(open_dry_run), IMPORT_BATCH)
    list_follow_ups = providers.Singleton(ListFollowUps, clock)
    change_follow_up = providers.Singleton(ChangeFollowUp, clock, ids, channels)
    trigger_follow_up = providers.Singleton(TriggerFollowUp, clock, ids, channels, settings.provided.default_channel)
    create_task = providers.Singleton(CreateTask, clock, ids, normalizer, channels, settings.provided.default_channel)
    update_reminder = providers.Singleton(UpdateReminder, ids, settings.provided.default_channel)
    change_task = providers.Singleton(ChangeTask, clock, ids, normalizer, update_reminder)
    cancel_task = providers.Singleton(CancelTask, clock, ids)
    complete_task = providers.Singleton(CompleteTask, change_lead, create_task)
    list_tasks = providers.Singleton(ListTasks, clock)
    count_waiting = providers.Singleton(CountWaiting, clock)
    compute_statistics = providers.Singleton(ComputeStatistics, clock, pipeline)
    retry = providers.Object(RetryPolicy())
    claim_due_follow_ups = providers.Singleton(
        ClaimDueFollowUps, clock, LEASE, retry, channels, entropy, settings.provided.public_url
    )
    record_outcome = providers.Singleton(RecordOutcome, clock, ids, random_source, retry)
    queues = providers.Singleton(
        make_queues,
        providers.Singleton(Queue, claim_due_follow_ups, record_outcome),
        settings.provided.digest,
        channels,
        settings.provided.public_url,
        clock,
        ids,
        providers.Singleton(RecordDigest, clock, random_source, retry),
    )
    create_calendar = providers.Singleton(CreateCalendar, clock, ids, entropy, normalizer)
    create_key = providers.Singleton(CreateKey, clock, ids, entropy)
    create_first_key = providers.Singleton(CreateFirstKey, create_key)
    revoke_key = providers.Singleton(RevokeKey, clock)
    authenticate = providers.Singleton(Authenticate, settings.provided.api_key_digest)

    dispatcher = providers.Singleton(
        Dispatcher,
        database,
        clock,
        queues,
        notifiers,
        owner=f"{socket.gethostname()}:{os.getpid()}",
        on_outcome=metrics.provided.delivery,
    )

    submission_processor = providers.Singleton(
        SubmissionProcessor,
        database,
        clock,
        process_submission,
        settings.provided.keep_submissions,
        on_processed=metrics.provided.processed,
    )

    mail_fetcher = providers.Singleton(
        MailFetcher,
        database,
        providers.Object(read_mail),
        receive_mail,
        providers.Callable(fetched_mailboxes, settings.provided.mailboxes),
        random_source,
        observers=providers.Factory(
            FetchObservers,
            metrics.provided.mailbox_state,
            metrics.provided.repeated_mail,
            submission_processor.provided.wake,
        ),
        may_fetch=may_fetch,
    )

    body_limits = providers.Singleton(BodyLimits, settings.provided.max_body)
    usage_recorder = providers.Singleton(UsageRecorder, database, clock)
    client_addresses = providers.Singleton(ClientAddresses, settings.provided.trusted_proxies)
    per_address = providers.Singleton(limiter_per_address, settings.provided.rate_limit)
    authentication = providers.Singleton(
        Authentication,
        database,
        authenticate,
        usage_recorder.provided.note,
        client_addresses,
        providers.Callable(limiter_per_key, settings.provided.rate_limit),
        per_address,
    )
    idempotent_writes = providers.Singleton(IdempotentWrites, database, clock)
    open_requests = providers.Singleton(OpenRequests)
    graceful_shutdown = providers.Singleton(
        GracefulShutdown, settings.provided.stop_delay, open_requests.provided.cut_off
    )
    access_log = providers.Singleton(logs.make_access_log, settings.provided.log_format)
    lead_loader = providers.Singleton(BatchLoader, providers.Factory(partial, database.provided.read, find_leads))
    import_services = providers.Singleton(
        ImportServices,
        idempotent_writes,
        importing,
        providers.Object(FORMATS),
        settings.provided.max_import,
    )
    readiness = providers.Singleton(Readiness, database.provided.check_ready, graceful_shutdown.provided.has_begun)
    openapi = providers.Singleton(
        OpenApiDocument,
        version("leads-desk"),
        providers.Dict(statuses=pipeline.statuses, channels=channels),
        providers.Callable(pipeline_examples, pipeline),
    )
    dependency_providers = providers.Dict(
        database=as_dependency(database),
        clock=as_dependency(clock),
        pipeline=as_dependency(pipeline),
        write=as_dependency(idempotent_writes),
        leads=as_dependency(
            providers.Singleton(
                LeadServices,
                database,
                lead_loader,
                idempotent_writes,
                register_lead,
                change_lead,
                erase_lead,
                merge_leads,
                providers.Singleton(Captures, idempotent_writes, capture_lead, submission_processor.provided.wake),
            )
        ),
        enquiries=as_dependency(
            providers.Singleton(
                EnquiryServices,
                idempotent_writes,
                add_enquiry,
                providers.Singleton(Captures, idempotent_writes, capture_enquiry, submission_processor.provided.wake),
            )
        ),
        filtered_leads=providers.Callable(
            filtered_leads_provider, database, providers.Callable(read_json_page_of, database), build_lead_query
        ),
        imports=as_dependency(import_services),
        follow_ups=as_dependency(
            providers.Singleton(
                FollowUpServices,
                database,
                idempotent_writes,
                trigger_follow_up,
                change_follow_up,
                list_follow_ups,
                dispatcher.provided.wake,
            )
        ),
        tasks=as_dependency(
            providers.Singleton(
                TaskServices,
                database,
                idempotent_writes,
                create_task,
                change_task,
                complete_task,
                cancel_task,
                dispatcher.provided.wake,
            )
        ),
        filtered_tasks=providers.Callable(filtered_tasks_provider, database, normalizer, list_tasks),
        submissions=as_dependency(
            providers.Singleton(SubmissionServices, database, idempotent_writes, accept_submission)
        ),
        forms=as_dependency(
            providers.Singleton(
                FormServices,
                providers.Callable(public_forms, settings.provided.forms),
                client_addresses,
                database,
                receive_submission,
                submission_processor.provided.wake,
                intake,
                per_address,
            )
        ),
        unsubscribing=as_dependency(
            providers.Singleton(
                UnsubscribeServices,
                database,
                providers.Singleton(Unsubscribe, clock, ids),
                client_addresses,
                providers.Callable(limiter_of_links, settings.provided.rate_limit),
            )
        ),
        calendars=as_dependency(
            providers.Singleton(
                CalendarServices,
                database,
                idempotent_writes,
                create_calendar,
                providers.Singleton(RevokeCalendar, clock),
                providers.Singleton(ReadCalendar, clock),
                settings.provided.public_url,
                client_addresses,
                per_address,
                providers.Callable(limiter_per_address, settings.provided.rate_limit),
            )
        ),
        add_note=as_dependency(add_note),
        create_key=as_dependency(create_key),
        revoke_key=as_dependency(revoke_key),
        statistics=as_dependency(
            providers.Singleton(
                SingleFlightCache, providers.Factory(partial, database.provided.read_long, compute_statistics)
            )
        ),
        metrics_text=as_dependency(metrics.provided.text),
        waiting=as_dependency(
            providers.Singleton(
                SingleFlightCache, providers.Factory(partial, database.provided.read_background, count_waiting)
            )
        ),
        readiness=as_dependency(readiness),
        document=as_dependency(openapi),
    )
    checks = providers.Dict(
        {
            NewLead: register_lead.provided.check,
            LeadPatch: change_lead.provided.check,
            NewEnquiry: add_enquiry.provided.check,
            Corrections: accept_submission.provided.check,
            NewNote: providers.Object(check_note),
            NewMerge: providers.Object(check_merge),
            NewDistinct: providers.Object(check_distinct),
            NewFollowUp: trigger_follow_up.provided.check,
            FollowUpPatch: providers.Object(check_follow_up_changes),
            NewTask: create_task.provided.check,
            TaskPatch: change_task.provided.check,
            NewCompletion: complete_task.provided.check,
            NewCalendar: create_calendar.provided.check,
            NewApiKey: providers.Object(check_new_key),
        }
    )
    api = providers.Singleton(
        build_app,
        providers.Object(CONTROLLERS),
        dependency_providers,
        authentication,
        openapi,
        checks=checks,
        cors_origins=settings.provided.cors_origins,
        body_limits=body_limits,
        error_log=providers.Object(logs.error_log),
        lifespan=providers.List(
            providers.Factory(
                service_lifespan,
                database.provided.close,
                dispatcher,
                dispatching,
                submission_processor,
                mail_fetcher,
                fetching,
                graceful_shutdown,
            )
        ),
    )
    form_cors = providers.Singleton(FormCors, api, providers.Callable(form_origins, settings.provided.forms))
    app = providers.Singleton(
        RequestMiddleware,
        form_cors,
        providers.Callable(methods_of, api),
        ids.provided.new,
        access_log,
        metrics.provided.request,
        open_requests,
    )
