"""Test the settings and their error messages."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from ipaddress import ip_network
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from builders import a_rule, a_task_rule, an_enquiry_rule
from leads_adapters.http.rate_limit import RateLimit
from leads_app.assignment_settings import AssignmentSettings
from leads_app.settings import Channel, Settings, SettingsError, load_settings
from leads_domain.access import digest
from leads_domain.follow_up import Recipient
from leads_domain.pipeline import DEFAULT_PIPELINE
from leads_domain.working_hours import WorkingHours


def load(directory: Path, toml: str = "", **environ: str) -> Settings:
    if toml:
        (directory / "leads.toml").write_text(toml, "utf-8")
    return load_settings(environ, directory)


def error_of(directory: Path, toml: str = "", **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(directory, toml, **environ)
    return str(caught.value)


def test_every_setting_has_a_default(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert str(settings.database_url) == "sqlite:///leads.db"
    assert settings.api_key_digest is None
    assert settings.default_channel == "log"
    assert settings.default_region is None
    assert settings.rate_limit == RateLimit(600, 60)
    assert settings.trusted_proxies == ()
    assert settings.cors_origins == ()
    assert settings.max_body == 256 * 1024
    assert settings.stop_delay == 0
    assert settings.public_url is None
    assert settings.channels == {"log": Channel("log")}
    assert settings.pipeline is DEFAULT_PIPELINE
    assert settings.follow_up_rules == ()
    assert settings.working_hours is None
    assert settings.assignment == AssignmentSettings()
    assert settings.digest is None


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    toml = 'default_region = "DE"\nLEADS_MAX_BODY = "2 MiB"\nrate_limit = "off"\n'
    settings = load(tmp_path, toml, LEADS_DEFAULT_REGION="FR", UNRELATED="x")
    assert settings.default_region == "FR"
    assert settings.max_body == 2 * 1024 * 1024
    assert settings.rate_limit is None


def test_the_environment_can_name_another_file(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("max_body = 5000\n", "utf-8")
    assert load(tmp_path, LEADS_CONFIG="other.toml").max_body == 5000
    assert "missing.toml cannot be read" in error_of(tmp_path, LEADS_CONFIG="missing.toml")


def test_channels_and_pipeline_come_from_the_file(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        default_channel = "team"
        [channels.team]
        adapter = "chat"
        url = "https://chat.example.com"
        [pipeline]
        initial = "open"
        reason_required = ["done"]
        [pipeline.transitions]
        open = ["done"]
        done = []
        """,
    )
    assert settings.channels["team"] == Channel("chat", {"url": "https://chat.example.com"})
    assert settings.channels["log"] == Channel("log")
    assert settings.pipeline.statuses == ("open", "done")
    assert settings.pipeline.reason_required == {"done"}


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"LEADS_FOO": "1"}, "Unknown setting 'foo'. Use one of: LEADS_DATABASE_URL"),
        ({"LEADS_DATABASE_URL": "leads.db"}, "database_url is not valid. Give a URL such as sqlite:///leads.db"),
        ({"LEADS_DATABASE_URL": "sqlite://"}, "database_url is not valid. Name a file"),
        (
            {"LEADS_DATABASE_URL": "mysql://h/x"},
            "database_url is not valid. Give a URL such as sqlite:///leads.db or postgresql://",
        ),
        ({"LEADS_DATABASE_URL": "postgresql://u:p@ss@h/x"}, "database_url is not valid. Write %40 for an @"),
        ({"LEADS_DATABASE_URL": "postgresql://h:port/x"}, "database_url is not valid. Give a URL such as"),
        ({"LEADS_API_KEY": ""}, "api_key is not valid. Give a text that is not empty"),
        ({"LEADS_API_KEY": " 0123456789abcdef"}, "api_key is not valid. Use printable ASCII characters"),
        ({"LEADS_API_KEY": "0123456789abcdef\r"}, "api_key is not valid. Use printable ASCII characters"),
        ({"LEADS_API_KEY": "0123456789abcdef\n"}, "api_key is not valid. Use printable ASCII characters"),
        ({"LEADS_API_KEY": "01234567\n89abcdef"}, "api_key is not valid. Use printable ASCII characters"),
        ({"LEADS_API_KEY": "01234567\u007f89abcdef"}, "api_key is not valid. Use printable ASCII characters"),
        ({"LEADS_API_KEY": "\u540d\U0001f680" * 8}, "api_key is not valid. Use printable ASCII characters"),
        ({"LEADS_API_KEY": "k\u00e9" * 8}, "api_key is not valid. Use printable ASCII characters"),
        (
            {"LEADS_API_KEY": "0123456789abcde"},
            "api_key is not valid. It is too easy to guess. Use at least 16 random characters",
        ),
        ({"LEADS_DEFAULT_REGION": "Germany"}, "default_region is not valid. Give a country as two letters"),
        ({"LEADS_RATE_LIMIT": "600"}, "rate_limit is not valid. Give a number of requests per second, minute or hour"),
        (
            {"LEADS_RATE_LIMIT": "0/minute"},
            "rate_limit is not valid. Give a number of requests per second, minute or hour",
        ),
        ({"LEADS_MAX_BODY": "much"}, "max_body is not valid. Give a number of bytes"),
        ({"LEADS_LOG_FORMAT": "xml"}, "log_format is not valid. Give console or json"),
        (
            {"LEADS_DEFAULT_CHANNEL": "sms"},
            "default_channel is not valid. Unknown channel 'sms'. Use one of: log.",
        ),
    ],
)
def test_an_invalid_setting_is_refused_with_its_name(environ: dict[str, str], message: str, tmp_path: Path) -> None:
    assert message in error_of(tmp_path, **environ)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("foo = 1", "Unknown setting 'foo'"),
        ("max_body = true", "max_body is not valid"),
        ("= 1", "cannot be read"),
        ('channels = "log"', "channels is not valid. Write one table for each channel"),
        ('[channels."\\u001b[2J"]', "channels is not valid. Remove the character U+001B"),
        ("[channels.team]\nurl = 'x'", "channels is not valid. team.adapter is missing"),
        ("[channels.team]\nadapter = 'smtp'\nport = 25", "channels is not valid. team.port is not a text"),
        ("[pipeline]\ninitial = 'a'\n", "pipeline is not valid. Object missing required field `transitions`"),
        (
            "[pipeline]\ninitial = 'a'\n[pipeline.transitions]\na = ['b']\n",
            "has a transition to 'b', which is missing in",
        ),
        ("[pipeline]\ninitial = 'a'\n[pipeline.transitions]\na = 'b'\n", "not valid. transitions[...] must be a list."),
    ],
)
def test_an_invalid_file_is_refused_with_the_setting(toml: str, message: str, tmp_path: Path) -> None:
    assert message in error_of(tmp_path, toml)


RULE = """
[[follow_up_rules]]
when = "new"
after = "24h"
message = "Call {name}."
"""
TASK_RULE = RULE.replace('message = "Call {name}."', 'task = "Call {name}"')
HOURS = """
[working_hours]
zone = "Europe/Berlin"
days = ["mon", "wed"]
from = "09:00"
to = "17:30"
"""


def test_rules_and_working_hours_come_from_the_file(tmp_path: Path) -> None:
    team = '[channels.team]\nadapter = "chat"\n'
    settings = load(tmp_path, RULE + RULE + 'channel = "team"\nrecipient = "owner"\n' + HOURS + team)
    first = a_rule("new", "Call {name}.", after=timedelta(days=1))
    assert settings.follow_up_rules == [first, replace(first, channel="team", recipient=Recipient.OWNER)]
    assert settings.working_hours == WorkingHours(
        zone=ZoneInfo("Europe/Berlin"), days=frozenset({0, 2}), opens=time(9), closes=time(17, 30)
    )


def test_a_rule_can_start_on_an_enquiry(tmp_path: Path) -> None:
    text = RULE.replace('when = "new"', 'on = "enquiry"').replace("Call {name}.", "{name} wrote: {message}")
    (rule,) = load(tmp_path, text).follow_up_rules
    assert rule == an_enquiry_rule("{name} wrote: {message}", after=timedelta(days=1))


def test_a_rule_can_make_a_task_for_the_owner(tmp_path: Path) -> None:
    of_status, of_enquiry, for_one = load(
        tmp_path,
        TASK_RULE
        + TASK_RULE.replace('when = "new"', 'on = "enquiry"').replace("{name}", "{message}")
        + TASK_RULE
        + 'recipient = "mia@example.com"\n',
    ).follow_up_rules
    assert of_status == a_task_rule("new", "Call {name}", after=timedelta(days=1))
    assert of_enquiry == a_task_rule(None, "Call {message}", after=timedelta(days=1))
    assert for_one == replace(of_status, recipient="mia@example.com")


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("task = 'Call'\nmessage = 'Hello'", "Give either message, which leads sends, or task, which a person does."),
        ("", "Give either message, which leads sends, or task, which a person does."),
        ("task = ''", "Must have 1 to 1000 characters, but has 0."),
        (f"task = '{'x' * 1001}'", "Must have 1 to 1000 characters, but has 1001."),
        ("task = 'Call {message}'", "Only rules for enquiries have {message}."),
        ("task = ['Call']", "task must be a text in quotation marks."),
    ],
)
def test_a_rule_without_one_valid_text_is_refused(task: str, message: str, tmp_path: Path) -> None:
    error = error_of(tmp_path, TASK_RULE.replace('task = "Call {name}"', task))
    assert error.startswith(f"The setting follow_up_rules is not valid. Rule 1: {message}")


@pytest.mark.parametrize(
    ("after", "delay"),
    [
        ("1m", timedelta(minutes=1)),
        ("90m", timedelta(minutes=90)),
        ("24h", timedelta(hours=24)),
        ("3d", timedelta(days=3)),
        ("1w", timedelta(weeks=1)),
        ("1d 12h", timedelta(hours=36)),
        ("3650d", timedelta(days=3650)),
    ],
)
def test_after_is_a_sum_of_durations(after: str, delay: timedelta, tmp_path: Path) -> None:
    (rule,) = load(tmp_path, RULE.replace("24h", after)).follow_up_rules
    assert rule.after == delay


@pytest.mark.parametrize(
    "after", ["", "0h", "1h 1h 1h 1h 1h", "-1h", "1", "1.5h", "1 h", "1H", "1d12h", " 1d", "1d ", "1y", "soon"]
)
def test_an_after_that_is_not_a_duration_is_refused(after: str, tmp_path: Path) -> None:
    message = error_of(tmp_path, RULE.replace("24h", after))
    assert message.startswith(
        f"The setting follow_up_rules is not valid. Rule 1: after is {after!r}. Give minutes, hours"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"new"', '"nwe"', "Unknown status 'nwe'. Use one of: new, contacted, qualified, lost, converted."),
        ("{name}", "{nmae}", "Unknown placeholder 'nmae'. Use one of: {id}, {name}, {email}, {phone}, {status}"),
        ("{name}", "{name", "Character 6 is a single {. Write {{ for a literal brace."),
        ('"24h"', '"3651d"', "The delay of a follow-up must be positive and at most 3650 days."),
        ('"24h"', '"9999999w"', "The delay of a follow-up must be positive and at most 3650 days."),
        ('"24h"', "24", "after must be a text in quotation marks."),
        ('when = "new"', "", 'Give either when, the status that a lead enters, or on = "enquiry".'),
        ('when = "new"', 'when = "new"\non = "enquiry"', "Give either when, the status that a lead enters, or on"),
        ('when = "new"', 'on = "call"', "Invalid enum value 'call' - at `$.on`"),
        ("{name}", "{message}", "Only rules for enquiries have {message}. Use one of: {id}, {name}, {email}"),
        ('when = "new"', 'when = "new"\nif = "x"', "Unknown key 'if'. Use one of: after, message, task,"),
        ('when = "new"', 'when = "new"\nchannel = "fax"', "Unknown channel 'fax'. Use one of: log."),
    ],
)
def test_an_invalid_rule_is_refused_with_its_number(old: str, new: str, message: str, tmp_path: Path) -> None:
    error = error_of(tmp_path, RULE + RULE.replace(old, new))
    assert error.startswith(f"The setting follow_up_rules is not valid. Rule 2: {message}")


def test_rules_are_checked_against_the_configured_pipeline(tmp_path: Path) -> None:
    pipeline = "[pipeline]\ninitial = 'open'\n[pipeline.transitions]\nopen = []\n"
    assert "Unknown status 'new'. Use one of: open." in error_of(tmp_path, RULE + pipeline)
    assert len(load(tmp_path, RULE.replace("new", "open") + pipeline).follow_up_rules) == 1


@pytest.mark.parametrize(
    "toml", ["follow_up_rules = 'x'", "follow_up_rules = ['x']", "[follow_up_rules]\nwhen = 'new'"]
)
def test_rules_that_are_not_tables_are_refused(toml: str, tmp_path: Path) -> None:
    message = "The setting follow_up_rules is not valid. Write one table for each rule: [[follow_up_rules]]."
    assert error_of(tmp_path, toml) == message
    assert error_of(tmp_path / "elsewhere", LEADS_FOLLOW_UP_RULES="[]") == message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Europe/Berlin", "Europe/Berlim", "Unknown time zone 'Europe/Berlim'. Give an IANA name"),
        ("Europe/Berlin", "Europe", "Unknown time zone 'Europe'"),
        ("Europe/Berlin", "", "Unknown time zone ''"),
        ("Europe/Berlin", "../etc/passwd", "Unknown time zone '../etc/passwd'"),
        ("Europe/Berlin", "CEST", "Unknown time zone 'CEST'"),
        ("wed", "Wednesday", "Unknown day 'Wednesday'. Use one of: mon, tue, wed, thu, fri, sat, sun."),
        ('"mon", "wed"', "", "Set at least one working day."),
        ("09:00", "9 am", "'9 am' is not a time of day. Give a time such as 09:00 or 17:30."),
        ("09:00", "24:00", "'24:00' is not a time of day"),
        ("17:30", "08:00", "The working hours must end later than they begin, on the same day."),
        ('to = "17:30"', "", "Object missing required field `to`"),
        ("to =", "until =", "Unknown key 'until'. Use one of: zone, days, from, to."),
    ],
)
def test_invalid_working_hours_are_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert f"The setting working_hours is not valid. {message}" in error_of(tmp_path, HOURS.replace(old, new))


def test_submissions_are_kept_for_a_configured_time(tmp_path: Path) -> None:
    assert load(tmp_path).keep_submissions == timedelta(days=90)
    assert load(tmp_path, '[intake]\nkeep = "1w 2d"\n').keep_submissions == timedelta(days=9)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('keep = "90"', "keep is '90'. Give minutes, hours, days or weeks"),
        ('keep = "0d"', "keep is '0d'."),
        ('keep = "5001w"', "keep is too long."),
        ("keep = 90", "keep must be a text in quotation marks."),
        ('kept = "90d"', "Unknown key 'kept'. Use one of: keep."),
    ],
)
def test_an_invalid_time_to_keep_submissions_is_refused(toml: str, message: str, tmp_path: Path) -> None:
    assert f"The setting intake is not valid. {message}" in error_of(tmp_path, f"[intake]\n{toml}\n")


def test_lists_are_arrays_in_the_file_and_separated_by_commas_in_the_environment(tmp_path: Path) -> None:
    networks = [ip_network("127.0.0.1"), ip_network("fd00::/8")]
    origins = ["https://app.example.com", "http://localhost:5173", "http://[::1]:8080"]
    from_file = load(
        tmp_path, f'trusted_proxies = ["127.0.0.1", "fd00::/8"]\ncors_origins = {origins}\nstop_delay = 5\n'
    )
    from_environment = load(
        tmp_path / "elsewhere",
        LEADS_TRUSTED_PROXIES="127.0.0.1, fd00::/8",
        LEADS_CORS_ORIGINS=" ,".join(origins),
        LEADS_STOP_DELAY="5",
    )
    assert (from_file.trusted_proxies, from_file.cors_origins, from_file.stop_delay) == (networks, origins, 5)
    assert from_environment == from_file
    assert load(tmp_path / "elsewhere", LEADS_CORS_ORIGINS="*").cors_origins == ["*"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("trusted_proxies", "", "Give a list of texts, or one text with commas between them."),
        ("trusted_proxies", "127.0.0.1,", "Give a list of texts, or one text with commas between them."),
        ("trusted_proxies", "localhost", "'localhost' is not an IP address or network, such as 192.0.2.1"),
        ("trusted_proxies", "10.0.0.1/8", "'10.0.0.1/8' is not an IP address"),
        ("trusted_proxies", "10.0.0.0/33", "'10.0.0.0/33' is not an IP address"),
        ("trusted_proxies", "*", "'*' is not an IP address"),
        ("cors_origins", "", "Give a list of texts, or one text with commas between them."),
        (
            "cors_origins",
            "app.example.com",
            "'app.example.com' is not an origin. Write it in lower case and without a path",
        ),
        ("cors_origins", "https://app.example.com/", "is not an origin"),
        ("cors_origins", "https://App.example.com", "is not an origin"),
        ("cors_origins", "https://*.example.com", "is not an origin"),
        ("cors_origins", "null", "is not an origin"),
        ("cors_origins", "https://app.example.com\r\nset-cookie: a=b", "is not an origin"),
        ("cors_origins", "https://app.example.com, *", "Give either * alone"),
        ("stop_delay", "-1", "Give a number of seconds from 0 to 600."),
        ("stop_delay", "601", "Give a number of seconds"),
        ("stop_delay", "1.5", "Give a number of seconds"),
        ("stop_delay", "5s", "Give a number of seconds"),
        ("stop_delay", "", "Give a number of seconds"),
    ],
)
def test_invalid_proxies_origins_and_delays_are_refused_with_advice(
    tmp_path: Path, name: str, value: str, message: str
) -> None:
    error = error_of(tmp_path, **{f"LEADS_{name.upper()}": value})
    assert error.startswith(f"The setting {name} is not valid. ")
    assert message in error


@pytest.mark.parametrize(
    "url",
    [
        "https://leads.example.com",
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
        "https://Example.com/tools/leads",
        "https://xn--bcher-kva.example",
    ],
)
def test_the_public_url_has_no_slash_at_its_end(tmp_path: Path, url: str) -> None:
    assert load(tmp_path, LEADS_PUBLIC_URL=url).public_url == url
    assert load(tmp_path, LEADS_PUBLIC_URL=f"{url}/").public_url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "leads.example.com",
        "ftp://leads.example.com",
        "//leads.example.com",
        "https://",
        "https:///leads",
        "https://leads..example.com",
        "https://leads.example.com:65536",
        "https://[:::]",
        "https://bücher.example",
        "https://leads.example.com//",
        "https://leads.example.com/?key=hunter2",
        "https://leads.example.com/#top",
        "https://mia:hunter2@leads.example.com",
        "https://leads.example.com\n",
        "https://leads.example.com/a b",
        "https://leads.example.com/../leads",
        f"https://leads.example.com/{'x' * 180}",
    ],
)
def test_an_invalid_public_url_is_refused_without_a_secret(tmp_path: Path, url: str) -> None:
    error = error_of(tmp_path, LEADS_PUBLIC_URL=url)
    assert error.startswith("The setting public_url is not valid. Give ")
    assert "hunter2" not in error


@pytest.mark.parametrize(
    "toml", ["public_url = 5", "trusted_proxies = 5", "cors_origins = [5]", "cors_origins = {}", "stop_delay = true"]
)
def test_a_list_with_another_type_is_refused(tmp_path: Path, toml: str) -> None:
    assert "is not valid. Give " in error_of(tmp_path, f"{toml}\n")


def test_secrets_are_neither_in_the_repr_nor_in_errors(tmp_path: Path) -> None:
    secret = "hunter2 hunter2 !"
    toml = f"[channels.mail]\nadapter = 'smtp'\nurl = 'smtp://u:{secret}@h'\n"
    settings = load(tmp_path, toml, LEADS_API_KEY=secret, LEADS_DATABASE_URL=f"sqlite:///{secret}.db")
    assert secret not in repr(settings)
    assert settings.api_key_digest == digest(secret)
    assert secret not in error_of(tmp_path, LEADS_DATABASE_URL=f"postgres://u:{secret}@h/x")
    assert secret not in error_of(tmp_path, LEADS_DATABASE_URL=f"postgresql://u:p@{secret}@h/x")
    assert secret not in error_of(tmp_path, LEADS_DATABASE_URL=f"postgresql://u:p@x:{secret}@h/x")
    assert secret not in error_of(tmp_path, LEADS_RATE_LIMIT=f"{secret}")


def test_the_assignment_is_read_from_its_table(tmp_path: Path) -> None:
    turns = 'round_robin = ["Mia@Example.com", "noah@example.com"]'
    toml = f'[assignment]\n{turns}\n[assignment.sources]\nfair = "oma@example.com"'
    expected = AssignmentSettings(("Mia@Example.com", "noah@example.com"), {"fair": "oma@example.com"})
    assert load(tmp_path, toml).assignment == expected


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('round_robin = "mia@example.com"', "round_robin must be a list."),
        ('robin = ["mia@example.com"]', "Unknown key 'robin'. Use one of: round_robin, sources."),
        ('[assignment.sources]\n" " = "mia@example.com"', "sources: ' ' is not a source."),
    ],
)
def test_an_invalid_assignment_is_refused(tmp_path: Path, table: str, message: str) -> None:
    error = error_of(tmp_path, f"[assignment]\n{table}")
    assert error.startswith("The setting assignment is not valid. ")
    assert message in error


DIGEST = """
[digest]
channel = "log"
at = "08:00"
time_zone = "Europe/Berlin"
days = ["mon", "tue"]
"""


def test_the_digest_is_read_from_its_table(tmp_path: Path) -> None:
    settings = load(tmp_path, DIGEST).digest
    assert settings is not None
    assert settings.channel == "log"
    assert settings.schedule.zone == ZoneInfo("Europe/Berlin")
    monday, tuesday = (datetime(2026, 1, day, 7, tzinfo=UTC) for day in (5, 6))
    assert settings.schedule.next_planning(monday - timedelta(days=2), None) == monday
    assert settings.schedule.next_planning(monday, monday) == tuesday


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"log"', '"fax"', "Unknown channel 'fax'. Use one of: log."),
        ("08:00", "8", "'8' is not a time of day. Give a time such as 09:00 or 17:30."),
        ("08:00", "24:00", "'24:00' is not a time of day."),
        ("Europe/Berlin", "Berlin", "Unknown time zone 'Berlin'. Give an IANA name such as Europe/Berlin."),
        ("Europe/Berlin", "Europe", "Unknown time zone 'Europe'."),
        ("tue", "Tuesday", "Unknown day 'Tuesday'. Use one of: mon, tue, wed, thu, fri, sat, sun."),
        ('"mon", "tue"', "", "Give at least one day."),
        ('at = "08:00"', "", 'Give channel, at such as "08:00", time_zone and days'),
        ('"08:00"', "08:00:00", 'Give channel, at such as "08:00", time_zone and days'),
        ("at =", "hour =", 'Give channel, at such as "08:00", time_zone and days'),
    ],
)
def test_an_invalid_digest_is_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert f"The setting digest is not valid. {message}" in error_of(tmp_path, DIGEST.replace(old, new))
