"""Test a client that openapi-python-client generates from the OpenAPI document."""

import json
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest

from e2e.environment import run
from e2e.service import BIN, Site

CONFIG = """
content_type_overrides: {text/csv: application/octet-stream}
post_hooks: []
"""
"""Files are bytes, see "Generate a client" in docs/api.md; Ruff would only make the client look better."""

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for generated packages."""
    (tmp_path / "generated").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "generated")
    return tmp_path / "generated"


def generate(root: Path, package: str, document: str) -> Any:
    """Generate a package from a document and return it."""
    (root / "config.yaml").write_text(CONFIG, "utf-8")
    (root / "openapi.json").write_text(document, "utf-8")
    options = [f"--path={root}/openapi.json", f"--config={root}/config.yaml", f"--output-path={root}/{package}"]
    run(str(BIN / "openapi-python-client"), "generate", "--meta=none", *options)
    return import_module(package)


def test_every_operation_has_a_module_and_every_module_can_be_imported(root: Path) -> None:
    document = DOCUMENT.read_text("utf-8")
    generated = generate(root, "whole_client", document)
    names = [module.name for module in walk_packages(generated.__path__, "whole_client.")]
    modules = [import_module(name) for name in names]
    operations = [operation for item in json.loads(document)["paths"].values() for operation in item.values()]
    assert len([module for module in modules if hasattr(module, "sync_detailed")]) == len(operations)


def test_a_generated_client_manages_leads_follow_ups_and_tasks(site: Site, root: Path) -> None:
    with site.serve() as service:
        package = generate(root, "served_client", service.get("/openapi.json").expect(200).text)
        with package.AuthenticatedClient(service.url, site.key, httpx_args={"trust_env": False}) as client:
            use(client)


def use(client: Any) -> None:
    """Create a lead twice, list all leads page by page, change the lead, follow up, and create and complete a task."""
    models = import_module("served_client.models")

    def call(name: str, *arguments: object, **options: object) -> Any:
        return import_module(f"served_client.api.{name}").sync(*arguments, client=client, **options)

    john = call("leads.post_leads", body=models.NewLead("John Doe", "john@example.com", phone="+49 30 123456"))
    assert (type(john), john.status) == (models.LeadView, models.LeadViewStatus.NEW)

    duplicate = call("leads.post_leads", body=models.NewLead("John", "JOHN@example.com"))
    assert (type(duplicate), duplicate.existing_lead_id) == (models.DuplicateLeadProblem, john.id)

    jane = call("leads.post_leads", body=models.NewLead("Jane Roe", "jane@example.com"))
    listed, page = [], call("leads.get_leads", limit=1)
    while page.next_cursor:
        listed += page.items
        page = call("leads.get_leads", limit=1, cursor=page.next_cursor)
    assert [lead.id for lead in [*listed, *page.items]] == [jane.id, john.id]

    change = models.LeadPatch(status=models.LeadPatchStatus.CONTACTED, phone=None)
    changed = call("leads.patch_leads_id", john.id, body=change)
    assert (changed.name, changed.status, changed.phone) == ("John Doe", models.LeadViewStatus.CONTACTED, None)

    due_at = datetime(2030, 1, 15, 9, 30, tzinfo=UTC)
    follow_up = call("follow_ups.post_leads_id_follow_up", john.id, body=models.NewFollowUp(due_at=due_at))
    assert (follow_up.lead_id, follow_up.due_at) == (john.id, due_at)
    assert follow_up.state is models.FollowUpState.SCHEDULED

    new_task = models.NewTask("Call", due_at, assignee="mia@example.com")
    task = call("tasks.post_leads_id_tasks", john.id, body=new_task)
    completion = models.NewCompletion("Reached", next_=models.NextTask("Write", due_at))
    done = call("tasks.post_tasks_id_complete", task.id, body=completion)
    assert (done.task.id, done.task.state, done.next_.assignee) == (task.id, models.TaskState.DONE, task.assignee)
