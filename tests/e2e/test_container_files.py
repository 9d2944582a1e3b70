"""Run the Dockerfile and compose.yaml as far as possible without a container engine.

The steps of the Dockerfile run in a clean folder with the files that `.dockerignore` includes. The base image, users
and limits need an engine and are not tested; `make lint` checks the syntax of both files.
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

import pytest
from ruamel.yaml import YAML

from e2e.image import Image, instructions, is_sent
from e2e.readme import ROOT, block
from e2e.service import Service, Site, eventually
from leads_adapters.sql.sqlite.driver import driver as sqlite
from postgres import postgres_url


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Build the image by the steps of the Dockerfile."""
    return Image(tmp_path_factory.mktemp("image"))


@pytest.fixture
def container(image: Image, tmp_path: Path) -> Iterator[Service]:
    """Run a container of the image."""
    site = Site(tmp_path, image.root / "opt/leads/bin/leads")
    site.folder = image.root / "data"
    with Service(site, image.command, image.environment) as service:
        yield service


@pytest.mark.parametrize("path", [".env", ".git/config", ".venv/bin", "leads.db", "leads.toml", "src/x/__pycache__/y"])
def test_secrets_and_build_output_are_not_sent_to_the_engine(path: str) -> None:
    assert not is_sent(PurePath(path))


def test_the_image_runs_as_a_numeric_user_other_than_root() -> None:
    [user] = [rest for name, rest in instructions() if name == "USER"]
    assert all(part.isdecimal() and int(part) > 0 for part in user.split(":"))


def test_the_image_contains_the_package_and_the_driver_for_postgresql(image: Image, site: Site) -> None:
    script = "import leads_app, sys; print(leads_app.__file__, sys.prefix)"
    done = site.run(["python", "-c", script], **image.environment).expect(0)
    assert all(Path(path).is_relative_to(image.root / "opt/leads") for path in done.out.split())
    assert "psycopg" in image.printed


def test_a_container_serves_stores_its_data_in_the_volume_and_reports_its_health(
    image: Image, container: Service
) -> None:
    def is_healthy() -> bool:
        return container.site.run(image.health_check(container.port), **image.environment).code == 0

    assert "http://0.0.0.0:" in container.out
    container.post("/leads", {"name": "John Doe", "email": "john@example.com"}).expect(201)
    assert is_healthy()
    with sqlite.connect(Path(image.arguments["VOLUME"]) / "leads.db") as database:
        assert database.execute("SELECT email FROM leads").fetchall() == [("john@example.com",)]
        database.execute("UPDATE alembic_version SET version_num = 'of another version'")
    eventually(lambda: not is_healthy())


def compose(variables: dict[str, str]) -> Any:
    """Return the services of compose.yaml with these variables. Each variable is required."""
    text = (ROOT / "compose.yaml").read_text("utf-8")
    text = re.sub(r"\$\{(\w+):\?[^}]+\}", lambda match: variables[match[1]], text)
    assert "$" not in text
    return YAML(typ="safe", pure=True).load(text)["services"]


def test_the_composed_services_migrate_and_serve_on_postgresql(image: Image, site: Site) -> None:
    site.shell(block("import secrets", "docs/run-it-for-others.md")).expect(0)
    secrets = site.folder / ".env"
    assert secrets.stat().st_mode & 0o77 == 0
    variables = dict(line.split("=") for line in secrets.read_text("utf-8").splitlines())
    services = compose(variables)
    assert list(services["leads"]["depends_on"]) == ["migrate"]
    assert services["leads"]["environment"] == services["migrate"]["environment"]
    assert "command" not in services["leads"]
    with postgres_url(migrated=False) as url:
        environment = image.environment | services["leads"]["environment"]
        environment["LEADS_DATABASE_URL"] = url.render_as_string(hide_password=False)
        site.run([*image.entrypoint, *services["migrate"]["command"]], **environment).expect(0)
        site.key = variables["LEADS_API_KEY"]
        with Service(site, image.command, environment) as service:
            service.post("/leads", {"name": "John Doe", "email": "john@example.com"}).expect(201)
            site.run(image.health_check(service.port), **environment).expect(0)
            assert site.key not in service.out
