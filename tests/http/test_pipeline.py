"""Test the resource /pipeline and configured pipelines."""

from collections.abc import Callable

from builders import a_pipeline
from rest import JOHN, Api, Service


def test_the_pipeline_is_shown_with_its_transitions_and_final_statuses(api: Api) -> None:
    assert api.get("/pipeline").expect(200).json == {
        "initial": "new",
        "statuses": ["new", "contacted", "qualified", "lost", "converted"],
        "transitions": {
            "new": ["contacted", "lost"],
            "contacted": ["qualified", "converted", "lost"],
            "qualified": ["converted", "lost"],
            "lost": ["contacted"],
            "converted": [],
        },
        "final": ["converted"],
        "reason_required": ["lost"],
    }


def test_a_configured_pipeline_is_shown_and_enforced(start: Callable[..., Service]) -> None:
    own = a_pipeline(
        offen=("angerufen",), angerufen=("Kunde", "verloren"), Kunde=(), verloren=(), reason_required=("verloren",)
    )
    api = start(pipeline=own).client("agent")
    shown = api.get("/pipeline").expect(200).json
    assert (shown["initial"], shown["final"]) == ("offen", ["Kunde", "verloren"])
    assert shown["statuses"] == ["offen", "angerufen", "Kunde", "verloren"]

    created = api.post("/leads", JOHN).expect(201)
    john = created.headers["location"]
    assert created.json["status"] == "offen"
    assert api.patch(john, {"status": "Kunde"}).expect_problem(409, "illegal-transition")["allowed"] == ["angerufen"]
    assert api.patch(john, {"status": "contacted"}).errors().keys() == {"/status"}
    api.patch(john, {"status": "angerufen"}).expect(200)
    assert api.patch(john, {"status": "verloren"}).errors().keys() == {"/status_reason"}
    assert len(api.get("/leads?status=angerufen").expect(200).json["items"]) == 1
    api.get("/leads?status=new").expect_problem(400, "malformed-request")
