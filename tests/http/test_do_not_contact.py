"""Test `do_not_contact` over HTTP: its values, conditions and repeats, and files."""

import json
from typing import Any

import pytest

from rest import JOHN, Api, Service

OPT_OUT = {"do_not_contact": True}


@pytest.mark.parametrize("value", ["yes", "true", "", 1, 0, None, [], {}])
def test_only_true_and_false_are_valid(api: Api, john: str, value: Any) -> None:
    before = api.get(john).json
    for response in (
        api.post("/leads", {"name": "Jane", "email": "jane@example.com", "do_not_contact": value}),
        api.patch(john, {"do_not_contact": value}),
    ):
        errors = response.expect(422).json["errors"]
        assert [each["pointer"] for each in errors] == ["/do_not_contact"]
        assert "true or false" in errors[0]["detail"]
    assert api.get(john).json == before


def test_a_repeated_opt_out_changes_nothing_and_a_stale_condition_refuses_it(api: Api, john: str) -> None:
    first = api.patch(john, OPT_OUT, if_match='"1"').expect(200)
    assert (first.json["do_not_contact"], first.headers["etag"]) == (True, '"2"')
    assert api.patch(john, OPT_OUT, if_match='"1"').expect(412).headers["etag"] == '"2"'
    assert api.patch(john, OPT_OUT, if_match='"2"').expect(200).json == first.json
    assert [each["type"] for each in api.get(f"{john}/timeline").json["items"]] == ["lead.opted_out", "lead.created"]


def test_a_repeated_creation_opts_out_once(api: Api) -> None:
    first = api.post("/leads", {**JOHN, **OPT_OUT}, idempotency_key="1").expect(201)
    again = api.post("/leads", {**JOHN, **OPT_OUT}, idempotency_key="1").expect(201)
    assert again.json == first.json
    entries = api.get(f"/leads/{first.json['id']}/timeline").json["items"]
    assert [(each["type"], each["data"].get("way")) for each in entries] == [
        ("lead.opted_out", "api"),
        ("lead.created", None),
    ]


def test_a_message_to_the_lead_is_refused_until_it_opts_in(api: Api, john: str) -> None:
    api.patch(john, OPT_OUT).expect(200)
    problem = api.post(f"{john}/follow-up", {}, idempotency_key="1").expect(409).json
    assert (problem["type"], problem["title"]) == (
        "/problems/do-not-contact",
        "The lead has opted out of messages",
    )
    api.patch(john, {"owner": "mia@example.com"}).expect(200)
    api.post(f"{john}/follow-up", {"recipient": "owner"}).expect(202)
    api.patch(john, {"do_not_contact": False}).expect(200)
    api.post(f"{john}/follow-up", {}, idempotency_key="2").expect(202)


def test_a_file_opts_out_but_never_in(service: Service) -> None:
    admin = service.client("admin")

    def import_file(body: str, media_type: str, query: str = "") -> Any:
        target = f"/leads/import?on_duplicate=update{query}"
        return admin.request("POST", target, body.encode(), headers={"content-type": media_type}).expect(200).json

    def state() -> list[bool]:
        return [lead["do_not_contact"] for lead in admin.get("/leads?sort=created_at").json["items"]]

    columns = "name,email,Unsubscribed\n"
    rows = "A,a@example.com,yes\nB,b@example.com,\nC,c@example.com,nein\nD,d@example.com,2026-01-05 10:00:00\n"
    assert import_file(columns + rows, "text/csv")["created"] == 4
    assert state() == [True, False, False, True]
    for value in ("no", ""):
        assert import_file(f"{columns}A,a@example.com,{value}\n", "text/csv")["unchanged"] == 1
    line = json.dumps({"name": "A", "email": "a@example.com", "do_not_contact": False})
    assert import_file(line, "application/x-ndjson")["unchanged"] == 1
    refused = import_file(f"{columns}B,b@example.com,maybe\n", "text/csv")
    assert [(each["line"], each["pointer"]) for each in refused["errors"]] == [(2, "/do_not_contact")]
    lenient = import_file(f"{columns}B,b@example.com,maybe\n", "text/csv", "&lenient=true")
    assert (lenient["updated"], lenient["warnings"]) == (1, 1)
    mapped = import_file("name,email,News\nC,c@example.com,x\n", "text/csv", "&map=News=do_not_contact")
    assert mapped["columns"][2] == {"column": "News", "field": "do_not_contact"}
    assert state() == [True, False, True, True]
    assert admin.get("/leads?email=b@example.com").json["items"][0]["attributes"] == {
        "do_not_contact_as_given": "maybe"
    }
    line = json.dumps({"name": "B", "email": "b@example.com", "do_not_contact": "yes"})
    assert import_file(line, "application/x-ndjson")["errors"][0]["detail"] == "Give true or false, not text."


def test_one_yes_of_several_columns_is_enough(service: Service) -> None:
    admin = service.client("admin")
    rows = "A,a@example.com,0,1\nB,b@example.com,maybe,TRUE\nC,c@example.com,0,-\n"
    file = f"name,email,Email Opt Out,Do Not Contact\n{rows}"
    admin.request("POST", "/leads/import", file.encode(), headers={"content-type": "text/csv"}).expect(200)
    found = admin.get("/leads?sort=created_at").json["items"]
    assert [lead["do_not_contact"] for lead in found] == [True, True, False]
    assert [lead["attributes"] for lead in found] == [{}, {}, {}]
