"""List the limits of leads with the values in the code. docs/run-it-for-others.md must list the same."""

from datetime import timedelta

from leads_adapters.files.column_names import COLUMNS_MAX
from leads_adapters.files.lead_fields import ROW_ERRORS_MAX
from leads_adapters.files.lines import LINE_MAX
from leads_adapters.files.sheet_process import MEMORY_MAX, SECONDS_MAX
from leads_adapters.http.abandonment import RESPONSE_SECONDS
from leads_adapters.http.client_address import FORWARDED_MAX
from leads_adapters.http.concurrency import PER_ADDRESS, PER_KEY
from leads_adapters.http.controllers.transfers import IMPORTS_MAX
from leads_adapters.http.form_bodies import FIELDS_MAX as FORM_FIELDS_MAX
from leads_adapters.http.form_bodies import FORM_MAX_BYTES, FORM_MAX_CHARACTERS, LEVELS_MAX
from leads_adapters.http.negotiation import RANGES_MAX
from leads_adapters.http.problem_responses import ERRORS_MAX
from leads_adapters.http.receiving import BODY_IDLE_SECONDS, BODY_SECONDS
from leads_adapters.http.request_middleware import SEND_SECONDS
from leads_adapters.http.schemas.common import FIELDS_MAX
from leads_adapters.http.streaming import IDLE_SECONDS
from leads_adapters.mail.imap import DELIVERY_SECONDS
from leads_adapters.mail.imap import READ_SECONDS as MAIL_READ_SECONDS
from leads_adapters.sql.long_reads import (
    BACKGROUND_READS_MAX,
    BACKGROUND_WAIT_SECONDS,
    LONG_READS_MAX,
    LONG_WAIT_SECONDS,
    READ_SECONDS,
    WAITING_MAX,
)
from leads_adapters.sql.sqlite.engine import BUSY_TIMEOUT_SECONDS, LOG_MAX_BYTES
from leads_app.channels import ATTEMPT_SECONDS
from leads_app.cli.connections import CONNECTIONS_MAX, HEAD_MAX, HEAD_SECONDS
from leads_app.cli.serve import STOP_SECONDS
from leads_app.cli.today import ITEMS_MAX, ROWS_MAX
from leads_app.dispatcher import SLOTS
from leads_app.form_settings import FORM_RATE_LIMIT
from leads_app.mail_fetcher import BATCH, BATCH_PAUSE
from leads_app.settings import DEFAULT_RATE_LIMIT, Settings
from leads_domain.calendar import ENTRY_TEXT_MAX
from leads_domain.digest import OUTDATED_AFTER
from leads_domain.incoming_mail import MAIL_BYTES_MAX
from leads_domain.paging import LIMIT_MAX, PAGE_BYTES_MAX
from leads_domain.use_cases.compose_digest import ENTRIES_MAX, LIST_MAX
from leads_domain.use_cases.manage_calendars import ENTRIES_MAX as CALENDAR_MAX
from leads_domain.use_cases.manage_calendars import SHOWN_FOR

HOUR = timedelta(hours=1)
KIB, MIB, GIB = 2**10, 2**20, 2**30
_RATE, _SECONDS = DEFAULT_RATE_LIMIT.requests, DEFAULT_RATE_LIMIT.seconds

LIMITS = {
    "requests of a key": f"{_RATE} in {_SECONDS} s",
    "requests of an address without a valid key, for unknown forms, or for calendars": f"{_RATE // 10} in {_SECONDS} s",
    "requests of an address to a public form": FORM_RATE_LIMIT.replace("/", " in a "),
    "requests for a calendar": f"{_RATE // 10} in {_SECONDS} s",
    "requests of an address for unsubscribe links": f"{_RATE} in {_SECONDS} s",
    "simultaneous requests of a key": f"{PER_KEY}, and {PER_ADDRESS} from one address",
    "connections": f"{CONNECTIONS_MAX:,}",
    "request head": f"{HEAD_MAX // KIB} KiB",
    "time for a request head, from the connection or the previous response": f"{HEAD_SECONDS} s",
    "addresses in `X-Forwarded-For`": f"the last {FORWARDED_MAX}",
    "media ranges in `Accept`": f"{RANGES_MAX}",
    "request body": f"{Settings().max_body // KIB} KiB",
    "time for a request body": f"{BODY_IDLE_SECONDS:.0f} s without a byte, {BODY_SECONDS:.0f} s in all",
    "JSON object in a body": f"{FIELDS_MAX} fields",
    "errors in a response": f"{ERRORS_MAX}",
    "body of a public form": f"{FORM_MAX_BYTES // KIB} KiB",
    "fields of a public form": f"{FORM_FIELDS_MAX}, with {FORM_MAX_CHARACTERS // KIB} Ki characters; "
    f"{LEVELS_MAX} levels of JSON",
    "client that reads none of a response": f"{SEND_SECONDS:.0f} s",
    "page of a list": f"{LIMIT_MAX} entries",
    "size of a page": f"{PAGE_BYTES_MAX // MIB} MiB",
    "calendar": f"{CALENDAR_MAX:,} entries, each with {ENTRY_TEXT_MAX:,} characters, from {SHOWN_FOR.days} days ago on",
    "file over HTTP": f"{Settings().max_import // MIB} MiB",
    "time for a file over HTTP": f"{IDLE_SECONDS:.0f} s without a byte",
    "simultaneous imports over HTTP": f"{IMPORTS_MAX}",
    "reading a spreadsheet": f"{MEMORY_MAX // GIB} GiB of memory, {SECONDS_MAX} s of processor time",
    "columns of a file": f"{COLUMNS_MAX:,}",
    "row of a file": f"{LINE_MAX // MIB} MiB",
    "errors of a row of a file": f"{ROW_ERRORS_MAX}",
    "rows of each table of `leads today`; items of each list with `--json`": f"{ROWS_MAX}; {ITEMS_MAX:,}",
    "simultaneous long reads: filters, searches, `count`, similar leads, statistics, calendars": f"{LONG_READS_MAX}, "
    f"while {WAITING_MAX} wait for up to {LONG_WAIT_SECONDS:.0f} s",
    "simultaneous reads of `/metrics`, exports and dry runs of imports": f"{BACKGROUND_READS_MAX}, while "
    f"{WAITING_MAX} wait for up to {BACKGROUND_WAIT_SECONDS:.0f} s",
    "time of a long read": f"{READ_SECONDS:.0f} s",
    "time until the response to a `GET` begins": f"{RESPONSE_SECONDS:.0f} s",
    "write-ahead log of SQLite": f"{LOG_MAX_BYTES // MIB} MiB, and what is written while long reads end",
    "wait for a lock that another process holds": f"{BUSY_TIMEOUT_SECONDS:.0f} s",
    "sending a follow-up": f"{ATTEMPT_SECONDS:.0f} s",
    "simultaneous attempts of a channel": f"{SLOTS}",
    "messages of a mailbox": f"{BATCH} in {BATCH_PAUSE.seconds} s",
    "message of a mailbox": f"{MAIL_BYTES_MAX // MIB} MiB",
    "look at a mailbox": f"{MAIL_READ_SECONDS:.0f} s without a response, {DELIVERY_SECONDS:.0f} s in all",
    "list of a digest": f"{ENTRIES_MAX} entries, with {LIST_MAX:,} characters",
    "sending a digest": f"{OUTDATED_AFTER // HOUR} hours after the hour",
    "stopping": f"{STOP_SECONDS:.0f} s",
}
"""The default of each limit, by what it limits, in the order and words of the documentation."""
