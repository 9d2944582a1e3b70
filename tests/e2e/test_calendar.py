"""The commands of docs/calendar.md work as printed, and no output of the service has the URL of a calendar."""

import json

from ical.calendar_stream import IcsCalendarStream

from e2e.readme import assert_every_block_is_listed, block
from e2e.service import Site

PAGE = "docs/calendar.md"
CREATE = '"owner": "mia@example.com", "name": "Leads of Mia"}\''
REVOKE = "-X DELETE"
CREATED = '"url":'


def test_every_block_is_run() -> None:
    assert_every_block_is_listed(PAGE, [CREATE, REVOKE, CREATED])


def test_a_calendar_is_created_read_and_revoked_and_its_url_appears_nowhere(site: Site) -> None:
    with site.serve() as service:
        (site.home / ".curlrc").write_text('silent\nwrite-out = "\\n"\n', "utf-8")
        variables = {"URL": service.url, "KEY": site.key}
        made = json.loads(site.shell(block(CREATE, PAGE), **variables).expect(0).out)
        assert made.keys() == json.loads(block(CREATED, PAGE)).keys()
        lead = service.post("/leads", {"name": "Ada Muster", "email": "ada@example.com", "owner": made["owner"]})
        task = {"text": "Call about the quote", "due_at": "2030-01-15T09:30:00Z"}
        service.post(f"{lead.headers['location']}/tasks", task).expect(201)
        [calendar] = IcsCalendarStream.from_ics(site.shell(f"curl {made['url']}").expect(0).out).calendars
        assert [event.summary for event in calendar.events] == ["Ada Muster: Call about the quote"]

        site.shell(f"curl -X POST {made['url']}; curl {made['url']}/; curl '{made['url']}?x'").expect(0)
        site.shell(block(REVOKE, PAGE), CALENDAR_ID=made["id"], **variables).expect(0)
        assert json.loads(site.shell(f"curl {made['url']}").expect(0).out)["status"] == 404
        assert {line["route"] for line in service.log("request")} >= {"/calendar/{secret}"}
        files = [path.read_bytes() for path in site.folder.iterdir()]
    secret = made["url"].rpartition("/")[2].removesuffix(".ics")
    texts = [service.out.encode(), service.err.encode(), *files]
    assert [text for text in texts if secret.encode() in text] == []
