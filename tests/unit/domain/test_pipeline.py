"""Test which pipelines are refused, and that a lead makes only allowed transitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from builders import NOON, a_lead, a_pipeline
from leads_domain.errors import FieldError, IllegalTransition, InvalidPipeline, ValidationFailed
from leads_domain.lead import Lead
from leads_domain.pipeline import DEFAULT_PIPELINE, Pipeline, Status
from strategies import PIPELINE_ERRORS, Table, invalid_tables, pipelines, tables, texts


@pytest.mark.parametrize(
    ("initial", "transitions", "reason_required", "message"),
    [
        pytest.param(
            "new",
            {"new": ["won "], "won ": []},
            [],
            "'won ' is not a valid status. Use 1 to 50 printable characters, without spaces at either end.",
            id="invalid name",
        ),
        pytest.param(
            "fresh",
            {"new": ["won"], "won": []},
            [],
            "The initial status 'fresh' is missing in `transitions`.",
            id="undeclared initial status",
        ),
        pytest.param("new", {}, [], "The initial status 'new' is missing in `transitions`.", id="empty"),
        pytest.param(
            "new",
            {"new": ["won"], "won": []},
            ["lost", "gone"],
            "The status 'gone' in `reason_required` is missing in `transitions`.",
            id="undeclared status that needs a reason",
        ),
        pytest.param(
            "new",
            {"new": ["won"]},
            [],
            "The status 'new' has a transition to 'won', which is missing in `transitions`.",
            id="undeclared target",
        ),
        pytest.param(
            "new",
            {"new": ["new", "won"], "won": []},
            [],
            "The status 'new' has a transition to itself. Remove it: keeping the status is always allowed.",
            id="transition to itself",
        ),
        pytest.param(
            "new",
            {"new": ["won", "won"], "won": []},
            [],
            "The status 'new' has two transitions to the same status.",
            id="duplicate target",
        ),
        pytest.param(
            "new",
            {"new": ["won"], "won": [], "lost": ["new"]},
            [],
            "The status 'lost' cannot be reached from the initial status 'new'.",
            id="unreachable",
        ),
        pytest.param(
            "new",
            {"new": ["open"], "open": ["new"]},
            [],
            "No status is final. Give at least one status an empty list of transitions.",
            id="no final status",
        ),
    ],
)
def test_an_invalid_pipeline_is_refused_with_the_reason(
    initial: Status, transitions: dict[Status, list[Status]], reason_required: list[Status], message: str
) -> None:
    with pytest.raises(InvalidPipeline) as caught:
        Pipeline(initial, transitions, frozenset(reason_required))
    assert str(caught.value) == message


@pytest.mark.parametrize("kind", PIPELINE_ERRORS)
@given(data=st.data())
def test_every_kind_of_error_is_found_and_named(kind: str, data: DataObject) -> None:
    invalid = data.draw(invalid_tables(kind))
    with pytest.raises(InvalidPipeline) as caught:
        invalid.table.build()
    assert str(caught.value) == invalid.message


@pytest.mark.parametrize("name", ["a", "x" * 50, "in progress", "přijato", "新規", "won 🎉"])
def test_the_name_of_a_status_can_be_in_any_script(name: Status) -> None:
    assert Pipeline(name, {name: []}).statuses == (name,)


@given(tables())
def test_a_valid_table_is_accepted_unchanged(table: Table) -> None:
    pipeline = table.build()
    assert pipeline.initial == table.initial
    assert {status: list(targets) for status, targets in pipeline.transitions.items()} == table.transitions
    assert pipeline.statuses == tuple(table.transitions)
    assert pipeline.reason_required == table.reason_required


@given(tables())
def test_a_status_is_closed_if_it_is_final_or_requires_a_reason(table: Table) -> None:
    pipeline = table.build()
    assert pipeline.final == {status for status in table.transitions if table.transitions[status] == []}
    assert pipeline.closed == pipeline.final.union(table.reason_required)
    assert pipeline.won == pipeline.final.difference(table.reason_required)


def test_a_pipeline_is_a_copy_of_its_table() -> None:
    transitions, reasons = {"new": ["won"], "won": []}, {"won"}
    pipeline = Pipeline("new", transitions, reasons)  # type: ignore[arg-type]
    transitions["won"].append("new")
    transitions["lost"] = []
    reasons.add("new")
    assert pipeline == Pipeline("new", {"new": ("won",), "won": ()}, frozenset({"won"}))


def test_the_transitions_of_a_pipeline_are_read_only() -> None:
    with pytest.raises(TypeError):
        DEFAULT_PIPELINE.transitions["converted"] = ("new",)  # type: ignore[index]


def test_the_default_pipeline_is_as_documented() -> None:
    transitions = {(origin, target) for origin, targets in DEFAULT_PIPELINE.transitions.items() for target in targets}
    assert transitions == {
        ("new", "contacted"),
        ("new", "lost"),
        ("contacted", "qualified"),
        ("contacted", "converted"),
        ("contacted", "lost"),
        ("qualified", "converted"),
        ("qualified", "lost"),
        ("lost", "contacted"),
    }
    assert DEFAULT_PIPELINE.initial == "new"
    assert DEFAULT_PIPELINE.final == {"converted"}
    assert DEFAULT_PIPELINE.reason_required == {"lost"}
    assert DEFAULT_PIPELINE.closed == {"converted", "lost"}


@given(tables(), st.data())
def test_no_sequence_of_changes_makes_a_forbidden_transition(table: Table, data: DataObject) -> None:
    targets = data.draw(st.lists(st.sampled_from([*table.transitions, "no such status"]), max_size=20))
    pipeline = table.build()
    edges = [(origin, target) for origin in table.transitions for target in table.transitions[origin]]
    lead, expected = a_lead(status=table.initial), table.initial
    for target in targets:
        if (expected, target) in edges:
            expected = target
        lead = _change_status_if_allowed(lead, pipeline, target)
        assert lead.status == expected


def _change_status_if_allowed(lead: Lead, pipeline: Pipeline, target: Status) -> Lead:
    try:
        return lead.change_status(pipeline, target, "because", NOON)[0]
    except IllegalTransition:
        return lead


@given(tables(), st.data())
def test_a_final_status_stays_final(table: Table, data: DataObject) -> None:
    final = data.draw(st.sampled_from([status for status in table.transitions if not table.transitions[status]]))
    target = data.draw((texts() | st.sampled_from(list(table.transitions))).filter(lambda status: status != final))
    with pytest.raises(IllegalTransition) as caught:
        a_lead(status=final).change_status(table.build(), target, "because", NOON)
    assert caught.value.allowed == ()


@given(pipelines(), st.data())
def test_keeping_the_status_is_always_allowed_and_has_no_effect(pipeline: Pipeline, data: DataObject) -> None:
    lead = a_lead(status=data.draw(st.sampled_from(pipeline.statuses)))
    reason = data.draw(st.none() | texts())
    unchanged, events = lead.change_status(pipeline, lead.status, reason, NOON)
    assert unchanged is lead
    assert events == []


def test_a_refused_transition_lists_the_allowed_statuses() -> None:
    with pytest.raises(IllegalTransition) as caught:
        DEFAULT_PIPELINE.check_transition("new", "converted")
    assert (caught.value.origin, caught.value.target) == ("new", "converted")
    assert caught.value.allowed == ("contacted", "lost")


def test_the_error_of_an_unknown_status_lists_the_known_ones() -> None:
    pipeline = a_pipeline(new=("won",), won=())
    assert pipeline.status_errors("old") == (FieldError("/status", "Unknown status 'old'. Use one of: new, won."),)
    assert pipeline.status_errors("won") == ()


def test_a_status_that_needs_a_reason_is_refused_without_one() -> None:
    pipeline = a_pipeline(new=("lost",), lost=(), reason_required=("lost",))
    with pytest.raises(ValidationFailed) as caught:
        pipeline.check_reason("lost", None)
    assert caught.value.errors == (FieldError("/status_reason", "The status `lost` requires a reason."),)


def test_a_reason_is_accepted_where_required_and_optional_elsewhere() -> None:
    pipeline = a_pipeline(new=("lost",), lost=(), reason_required=("lost",))
    for status, reason in [("lost", "No budget"), ("new", None), ("new", "Came back")]:
        pipeline.check_reason(status, reason)


def test_the_default_pipeline_lists_its_statuses_in_the_order_of_progress() -> None:
    assert DEFAULT_PIPELINE.statuses == ("new", "contacted", "qualified", "lost", "converted")
    assert [*map(DEFAULT_PIPELINE.transitions.get, ("new", "contacted", "qualified"))] == [
        ("contacted", "lost"),
        ("qualified", "converted", "lost"),
        ("converted", "lost"),
    ]


def test_a_status_is_found_in_any_case_and_first_as_written() -> None:
    pipeline = a_pipeline(new=("NEW", "Straße"), NEW=(), Straße=())
    assert [pipeline.find(text) for text in ("new", "NEW", "New", "STRASSE", "won", "")] == [
        "new",
        "NEW",
        "new",
        "Straße",
        None,
        None,
    ]


def test_a_lead_in_a_status_that_the_pipeline_has_lost_can_only_return_to_the_initial_one() -> None:
    pipeline = a_pipeline(new=("won",), won=())
    pipeline.check_transition("old", "new")
    with pytest.raises(IllegalTransition) as caught:
        pipeline.check_transition("old", "won")
    assert caught.value.allowed == ("new",)
