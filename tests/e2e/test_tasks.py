"""The commands of docs/tasks.md work as printed, with another mail server and port.

`tests/http/test_tasks_journey.py` follows the page over two days.
"""

import json
import tomllib
from typing import Any

from e2e.readme import assert_every_block_is_listed, block
from e2e.service import BIN, HOST, Service, Site

PAGE = "docs/tasks.md"

SETTINGS = "[[follow_up_rules]]"
VARIABLES = "URL=http"
CREATE = '"remind": true'
TODAY = "leads today"
LISTS = "overdue=true"
COMPLETE = "TASK=..."
CALENDAR = "$URL/calendars"

JANE = {"name": "Jane Roe", "email": "jane@example.com", "owner": "mia@example.com"}


def test_every_block_is_run() -> None:
    assert_every_block_is_listed(PAGE, [SETTINGS, VARIABLES, CREATE, TODAY, LISTS, COMPLETE, CALENDAR])


def bodies(service: Service, part: str, **values: str) -> list[Any]:
    """Run a block after that with the variables, with these values for `NAME=...`; return the bodies of responses."""
    script = (block(VARIABLES, PAGE) + block(part, PAGE)).replace(f"{HOST}:8000", f"{HOST}:{service.port}")
    for name, value in {"KEY": service.site.key, **values}.items():
        script = "\n".join(f"{name}={value}" if line.startswith(f"{name}=") else line for line in script.splitlines())
    (service.site.home / ".curlrc").write_text('silent\nshow-error\nfail\nwrite-out = "\\n"\n', "utf-8")
    out = service.site.shell(script).expect(0).out
    return [json.loads(line) for line in out.splitlines() if line]


def test_the_commands_of_the_page_work(site: Site) -> None:
    settings = block(SETTINGS, PAGE)
    url = tomllib.loads(settings)["channels"]["email"]["url"]
    site.write("leads.toml", settings.replace(url, "smtp://localhost:9"))
    with site.serve() as service:
        lead = service.post("/leads", JANE).expect(201).json["id"]
        [call] = service.items(f"/leads/{lead}/tasks")
        [created] = bodies(service, CREATE, ID=lead)
        assert (created["text"], created["state"]) == ("Send the price list", "open")

        late = {"text": "Call about the quote", "due_at": "2020-01-14T09:00:00Z"}
        service.post(f"/leads/{lead}/tasks", late).expect(201)
        printed = site.shell(block(TODAY, PAGE), PATH=f"{BIN}:{site.environment()['PATH']}").expect(0).out
        assert "Call about the quote" in printed
        assert "Send the price list" not in printed
        tasks, leads = bodies(service, LISTS)
        assert [each["text"] for each in tasks["items"]] == ["Call about the quote"]
        assert [each["id"] for each in leads["items"]] == [lead]

        [completed] = bodies(service, COMPLETE, TASK=call["id"])
        assert (completed["task"]["state"], completed["lead"]["status"]) == ("done", "contacted")
        assert completed["next"]["text"] == "Send the offer"

        [calendar] = bodies(service, CALENDAR)
        shown = service.get(calendar["url"].removeprefix(f"http://{HOST}:{service.port}")).expect(200)
        assert "Send the offer" in shown.text
