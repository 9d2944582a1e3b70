"""The example of a notifier is a package like anybody's: installed beside the wheel, switched on by configuration."""

import shutil
from pathlib import Path

import pytest

from e2e.environment import build_wheel, make_environment, run
from e2e.readme import ROOT
from e2e.service import Site, eventually
from homeserver import ROOM, TOKEN, Response, a_homeserver

EXAMPLE = ROOT / "examples/notifier_matrix_chat"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create an environment with the wheels of leads and of the example."""
    wheels = [build_wheel(project, tmp_path_factory.mktemp("wheel")) for project in (ROOT, EXAMPLE)]
    return make_environment(tmp_path_factory.mktemp("environment"), *wheels)


@pytest.fixture
def site(python: Path, tmp_path: Path) -> Site:
    return Site(tmp_path, python.with_name("leads"))


def configure(site: Site, url: str, token: str = TOKEN) -> None:
    channel = f'[channels.team]\nadapter = "matrix"\nurl = "{url}"\nroom = "{ROOM}"\ntoken = "{token}"\n'
    site.write("leads.toml", f'default_channel = "team"\n{channel}')


def test_a_follow_up_reaches_the_room(site: Site) -> None:
    with a_homeserver() as homeserver:
        configure(site, homeserver.url)
        with site.serve() as service:
            assert "only writes follow-ups to the log" not in service.out
            assert "team (matrix)" in site.leads("doctor").expect(0).out
            lead = service.post("/leads", {"name": "John Doe", "email": "john@example.com"}).expect(201)
            promised = service.post(f"{lead.headers['location']}/follow-up", {"message": "Call John. 👋"}).expect(202)
            eventually(lambda: service.get(promised.headers["location"]).json["state"] == "sent")
        assert [(sent.transaction, sent.content["body"]) for sent in homeserver.sent] == [
            (promised.json["id"], "John Doe: Call John. 👋")
        ]


def test_the_channel_is_listed_tested_and_checked(site: Site) -> None:
    site.leads("migrate").expect(0)
    with a_homeserver() as homeserver:
        configure(site, homeserver.url)
        assert "team: matrix from leads-matrix-chat 0.1.0, needs no address\n" in site.leads("channels").expect(0).out
        site.leads("doctor").expect(0)
        assert homeserver.sent == []
        site.leads("channels", "test", "team").expect(0)
        assert len(homeserver.sent) == 1

        homeserver.respond_with(Response(429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 7000}))
        limited = site.leads("channels", "test", "team").expect(1)
        assert limited.err == "leads: Try again in 7 s: The homeserver responded with 429 M_LIMIT_EXCEEDED.\n"
        homeserver.respond_with(None)

        configure(site, homeserver.url, token="expired")
        ill = site.leads("doctor").expect(1)
    assert "The channel team does not work: The homeserver responded with 401 M_UNKNOWN_TOKEN." in ill.out
    assert "expired" not in ill.out + ill.err


def test_its_own_tests_pass_there(python: Path, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(EXAMPLE / "pyproject.toml", tmp_path)
    summary = run(str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", folder=tmp_path).splitlines()[-1]
    assert " passed" in summary
    assert not any(word in summary for word in ("skipped", "deselected", "xfailed"))
