"""Test that secrets appear in no output and no file of the service."""

import pytest

from e2e.service import CommandResult, Site

SECRET = "hunter2-hunter2-hunter2"
CHANNELS = f'[channels.team]\nadapter = "pager"\ntoken = "{SECRET}"\n'
PAGER = """
class Pager:
    needs = None

    def __init__(self, token):
        self.token = token

    def notify(self, notice):
        raise RuntimeError(f"401 for the token {self.token}")


def create(options):
    if "url" in options:
        raise RuntimeError(f"no page can be sent to {options['url']}")
    return Pager(options["token"])
"""


def enable_pager(site: Site) -> None:
    """Enable a channel with its secret in every error."""
    site.install("pager", PAGER, {"leads.notifiers": {"pager": "pager:create"}})
    site.write("leads.toml", f'default_channel = "team"\n{CHANNELS}')


def output_of(finished: CommandResult) -> str:
    return finished.out + finished.err


def test_keys_are_stored_only_as_hashes(site: Site) -> None:
    site.key = SECRET
    with site.serve(LEADS_API_KEY=SECRET) as service:
        assert "admin key" not in service.out
        service.get("/leads").expect(200)
        doctor = site.leads("doctor", LEADS_API_KEY=SECRET).expect(0)
        made = site.leads("keys", "create", "--name", "Ann", "--role", "agent").expect(0).out.strip()
        files = [path.read_bytes() for path in site.folder.iterdir()]
    assert SECRET not in output_of(doctor) + service.out + service.err
    assert [secret for secret in (SECRET, made) for file in files if secret.encode() in file] == []


def test_a_failing_channel_does_not_reveal_its_secret(site: Site) -> None:
    enable_pager(site)
    with site.serve("--no-dispatch") as service:
        lead = service.post("/leads", {"name": "John Doe", "email": "john@example.com"}).expect(201)
        follow_up = service.post(f"{lead.headers['location']}/follow-up").expect(202)
        dispatched = site.leads("dispatch", "--once").expect(0)
        failed = service.get(follow_up.headers["location"]).expect(200)
        timeline = service.get(f"{lead.headers['location']}/timeline").expect(200)
    assert (failed.json["state"], failed.json["attempts"]) == ("scheduled", 1)
    assert "RuntimeError" in failed.json["last_error"]
    assert "follow_up_not_sent" in dispatched.err
    for text in (output_of(dispatched), failed.text, timeline.text, service.out, service.err):
        assert SECRET not in text


def test_an_invalid_channel_is_reported_without_its_options(site: Site) -> None:
    enable_pager(site)
    site.write("leads.toml", f'{CHANNELS}url = "https://ann:{SECRET}@pager.example.com"\n')
    doctor = site.leads("doctor").expect(1)
    [error] = [line for line in doctor.out.splitlines() if line.startswith("ERROR  channels")]
    assert "team" in error
    assert SECRET not in output_of(doctor)


@pytest.mark.parametrize(
    "url", [f"postgresql://ann:{SECRET}@127.0.0.1:1/x", f"postgresql://ann@127.0.0.1:1/x?password={SECRET}"]
)
@pytest.mark.parametrize("command", [("keys", "list"), ("serve",), ("doctor",), ("migrate",)])
def test_the_password_of_an_unreachable_database_is_not_shown(site: Site, url: str, command: tuple[str, ...]) -> None:
    refused = site.leads(*command, LEADS_DATABASE_URL=url).expect(1)
    assert "127.0.0.1" in output_of(refused)
    assert SECRET not in output_of(refused)
