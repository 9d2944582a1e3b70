"""Settings are parsed once, loudly."""

from pathlib import Path

import pytest

from leads_adapters.http.rate_limit import RateLimit
from leads_app.settings import Channel, Settings, SettingsError, load_settings
from leads_domain.access import digest
from leads_domain.pipeline import DEFAULT_PIPELINE


def load(directory: Path, toml: str = "", **environ: str) -> Settings:
    if toml:
        (directory / "leads.toml").write_text(toml, "utf-8")
    return load_settings(environ, directory)


def refusal(directory: Path, toml: str = "", **environ: str) -> str:
    with pytest.raises(SettingsError) as refused:
        load(directory, toml, **environ)
    return str(refused.value)


def test_everything_has_a_default(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert str(settings.database_url) == "sqlite:///leads.db"
    assert settings.api_key_digest is None
    assert settings.default_channel == "log"
    assert settings.default_region is None
    assert settings.rate_limit == RateLimit(600, 60)
    assert settings.max_body == 1024 * 1024
    assert settings.channels == {"log": Channel("log")}
    assert settings.pipeline is DEFAULT_PIPELINE


def test_the_file_has_the_same_keys_as_the_environment_which_wins(tmp_path: Path) -> None:
    toml = 'default_region = "DE"\nLEADS_MAX_BODY = "2 MiB"\nrate_limit = "off"\n'
    settings = load(tmp_path, toml, LEADS_DEFAULT_REGION="FR", UNRELATED="x")
    assert settings.default_region == "FR"
    assert settings.max_body == 2 * 1024 * 1024
    assert settings.rate_limit is None


def test_another_file_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("max_body = 5000\n", "utf-8")
    assert load(tmp_path, LEADS_CONFIG="other.toml").max_body == 5000
    assert "missing.toml cannot be read" in refusal(tmp_path, LEADS_CONFIG="missing.toml")


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
    ("environ", "told"),
    [
        ({"LEADS_FOO": "1"}, "There is no setting 'foo'; the settings are: LEADS_DATABASE_URL"),
        ({"LEADS_DATABASE_URL": "leads.db"}, "database_url is wrong: give a URL such as sqlite:///leads.db"),
        ({"LEADS_DATABASE_URL": "sqlite://"}, "database_url is wrong: name a file"),
        (
            {"LEADS_DATABASE_URL": "mysql://h/x"},
            "database_url is wrong: give a URL such as sqlite:///leads.db or postgresql://",
        ),
        ({"LEADS_DATABASE_URL": "postgresql://u:p@ss@h/x"}, "database_url is wrong: write %40 for an @"),
        ({"LEADS_DATABASE_URL": "postgresql://h:port/x"}, "database_url is wrong: give a URL such as"),
        ({"LEADS_API_KEY": ""}, "api_key is wrong: give a text that is not empty"),
        ({"LEADS_DEFAULT_REGION": "Germany"}, "default_region is wrong: give a country by two letters"),
        ({"LEADS_RATE_LIMIT": "600"}, "rate_limit is wrong: give a number per second, minute or hour"),
        ({"LEADS_RATE_LIMIT": "0/minute"}, "rate_limit is wrong: give a number per second, minute or hour"),
        ({"LEADS_MAX_BODY": "much"}, "max_body is wrong: give a number of bytes"),
        ({"LEADS_LOG_FORMAT": "xml"}, "log_format is wrong: give console or json"),
        ({"LEADS_DEFAULT_CHANNEL": "sms"}, "LEADS_DEFAULT_CHANNEL names 'sms', but the channels are: log."),
    ],
)
def test_a_wrong_setting_is_refused_by_name(environ: dict[str, str], told: str, tmp_path: Path) -> None:
    assert told in refusal(tmp_path, **environ)


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("foo = 1", "There is no setting 'foo'"),
        ("max_body = true", "max_body is wrong"),
        ("= 1", "cannot be read"),
        ('channels = "log"', "channels is wrong: give each channel a table of its own"),
        ("[channels.team]\nurl = 'x'", "channels is wrong: team has no adapter"),
        ("[channels.team]\nadapter = 'smtp'\nport = 25", "channels is wrong: team.port is not a text"),
        ("[pipeline]\ninitial = 'a'\n", "pipeline is wrong: Object missing required field `transitions`"),
        ("[pipeline]\ninitial = 'a'\n[pipeline.transitions]\na = ['b']\n", "leads to 'b', which is not declared"),
        ("[pipeline]\ninitial = 'a'\n[pipeline.transitions]\na = 'b'\n", "pipeline is wrong: Expected `array`"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(toml: str, told: str, tmp_path: Path) -> None:
    assert told in refusal(tmp_path, toml)


def test_secrets_do_not_appear_where_settings_are_shown_or_refused(tmp_path: Path) -> None:
    secret = "hunter2hunter2"
    toml = f"[channels.mail]\nadapter = 'smtp'\nurl = 'smtp://u:{secret}@h'\n"
    settings = load(tmp_path, toml, LEADS_API_KEY=secret, LEADS_DATABASE_URL=f"sqlite:///{secret}.db")
    assert secret not in repr(settings)
    assert settings.api_key_digest == digest(secret)
    assert secret not in refusal(tmp_path, LEADS_DATABASE_URL=f"postgres://u:{secret}@h/x")
    assert secret not in refusal(tmp_path, LEADS_DATABASE_URL=f"postgresql://u:p@{secret}@h/x")
    assert secret not in refusal(tmp_path, LEADS_DATABASE_URL=f"postgresql://u:p@x:{secret}@h/x")
    assert secret not in refusal(tmp_path, LEADS_RATE_LIMIT=f"{secret}")
