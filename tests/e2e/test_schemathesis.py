"""Test the running service with requests that schemathesis generates from the OpenAPI document.

`make fuzz` sends a hundred times as many, new ones each time, on PostgreSQL as well. For the findings of schemathesis
without this configuration see docs/decisions/0026-what-the-document-says.md.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from e2e.service import BIN, Service, Site
from postgres import postgres_url

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "5"))
"""The number of requests for each operation in each phase."""

SEED = [] if "FUZZ_EXAMPLES" in os.environ else ["--seed", "1"]
"""The seed, which is fixed; `make fuzz` uses another each time."""

SECONDS_MAX = None if "FUZZ_EXAMPLES" in os.environ else 240

KEY = "the-key-that-nobody-can-revoke"
"""The configured admin key: the tests revoke all others."""

HERE = Path(__file__).parents[1] / "fuzz"
PHASES = ("examples", "coverage", "fuzzing", "stateful")


@pytest.fixture(params=["SQLite", *(["PostgreSQL"] if "FUZZ_EXAMPLES" in os.environ else [])])
def service(request: pytest.FixtureRequest, site: Site) -> Iterator[Service]:
    """Run a service for this test only."""
    with ExitStack() as used:
        if request.param == "PostgreSQL":
            url = used.enter_context(postgres_url())
            site.configure(LEADS_DATABASE_URL=url.render_as_string(hide_password=False))
        site.write("leads.toml", '[forms.contact]\nrate_limit = "off"\n')
        yield used.enter_context(site.serve(LEADS_RATE_LIMIT="off", LEADS_API_KEY=KEY))


def test_all_responses_to_schemathesis_match_the_document(service: Service, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = subprocess.run(
        [
            str(BIN / "schemathesis"),
            "--config-file",
            str(HERE / "schemathesis.toml"),
            "run",
            f"{service.url}/openapi.json",
            "--max-examples",
            str(EXAMPLES),
            *SEED,
            "--report-json-path",
            str(report),
        ],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "LEADS_URL": service.url, "LEADS_KEY": KEY, "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(report.read_text("utf-8"))
    assert {phase: result["phases"][phase]["status"] for phase in PHASES} == dict.fromkeys(PHASES, "success")
    assert result["operations"]["tested"] == result["operations"]["total"] > 0
    assert re.search(r"API Links: +[1-9]\d* covered", done.stdout), "The stateful phase followed no link."
